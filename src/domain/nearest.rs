//! The name that somebody probably meant. Used for unknown keys, choices and labels of a configuration.

/// Likeness by Jaro and Winkler, 0 to 1, that a name needs to be offered: `treshold` and `threshold` are 0.96 alike, `mode` and
/// `model` 0.96; unrelated names lie below 0.7.
const MIN_LIKENESS: f64 = 0.8;

/// Of `known` the name most like `name`, whatever their case; `None` where even that one is nothing like it.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(&known.to_lowercase(), &name), known))
        .filter(|(likeness, _)| *likeness > MIN_LIKENESS)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_mended_and_nonsense_gets_no_suggestion() {
        let labels = ["dog", "rain", "sea_waves", "clock_tick"];
        for (written, meant) in
            [("Dogg", "dog"), ("doog", "dog"), ("rian", "rain"), ("clock_tik", "clock_tick")]
        {
            assert_eq!(nearest(written, labels), Some(meant));
        }
        for nonsense in ["no_such_label", "", "xyzzy", "a"] {
            assert_eq!(nearest(nonsense, labels), None, "{nonsense}");
        }
    }
}
