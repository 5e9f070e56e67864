//! Whether a configuration that is read again is whole. A file that a full disk or an editor cut off is TOML more often than not,
//! and every setting that it lacks would silently be the default. Asked when a daemon reloads.

/// What seems to be missing from `now`, which takes the place of `before`; none if nothing does.
pub(super) fn missing(before: &str, now: &str) -> Option<String> {
    let (had, has) = (settings(before), settings(now));
    if has.is_empty() && !had.is_empty() {
        return Some("it is empty".to_owned());
    }
    if before.ends_with('\n') && !now.ends_with('\n') {
        return Some(
            "its last line does not end, as that of the configuration in force does".to_owned(),
        );
    }
    let names = |settings: &[(usize, &str)]| -> Vec<String> {
        settings.iter().map(|(_, line)| name_of(line).to_owned()).collect()
    };
    if has.len() < had.len() && names(&had).starts_with(&names(&has)) {
        let (line, text) = had[has.len()];
        let name = name_of(text);
        return Some(format!(
            "all of the configuration in force from its line {line} on, {name}, is missing"
        ));
    }
    None
}

/// The lines that set something, or begin a section, with their numbers from 1.
fn settings(text: &str) -> Vec<(usize, &str)> {
    let lines = (1..).zip(text.lines().map(str::trim));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).collect()
}

/// The key that a line sets, or the line itself.
fn name_of(line: &str) -> &str {
    line.split_once('=').map_or(line, |(key, _)| key.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "# mine\nmodel = \"m\"\n\n[detector]\nthreshold = 0.62\ndeny = [\"speech\"]\n[log]\nlevel = \"info\"\n";

    #[test]
    fn a_file_cut_off_at_any_byte_is_noticed() {
        for end in 0..WHOLE.trim_end().len() {
            assert!(missing(WHOLE, &WHOLE[..end]).is_some(), "{}", &WHOLE[..end]);
            // also if what is left was edited, or ends well
            let edited = WHOLE[..end].replace("\"m\"", "\"other\"");
            if edited.ends_with('\n') {
                assert!(missing(WHOLE, &edited).is_some(), "{edited}");
            }
        }
    }

    #[test]
    fn whatever_else_is_changed_is_taken() {
        let edits = [
            ("0.62", "0.7"),
            ("[log]\nlevel = \"info\"\n", "[log]\nlevel = \"info\"\n[runtime]\n"),
            ("threshold = 0.62\n", ""),
            ("# mine\n", ""),
            ("level = \"info\"", "level = \"warn\""),
        ];
        for (from, to) in edits {
            assert_eq!(missing(WHOLE, &WHOLE.replace(from, to)), None, "{to}");
        }
        assert_eq!(missing(WHOLE, WHOLE), None);
        assert_eq!(missing("", ""), None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let lost = missing(WHOLE, "model = \"m\"\n").unwrap();
        assert!(lost.contains("line 4 on, [detector], is missing"), "{lost}");
    }
}
