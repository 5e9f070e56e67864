//! In which colours and characters the view is drawn: four tables of colours, from 24-bit to none, and two sets of characters.
//! Decided once, when the view begins; the panels ask for roles and levels.

use ratatui::style::{Color, Modifier, Style};

/// How many colours the terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColourDepth {
    /// 24-bit colours.
    TrueColour,
    /// The 256 of xterm.
    Indexed,
    /// The 16 of ANSI, in the terminal's own tones.
    Ansi,
    /// None; bold, dim and reversed text remain.
    Monochrome,
}

impl ColourDepth {
    /// What a terminal has by its variables `NO_COLOR`, `COLORTERM` and `TERM`; empty where they are not set.
    pub fn of_terminal(no_color: &str, colorterm: &str, term: &str) -> Self {
        match () {
            () if !no_color.is_empty() => Self::Monochrome,
            () if matches!(colorterm, "truecolor" | "24bit") => Self::TrueColour,
            () if term.contains("256color") => Self::Indexed,
            () => Self::Ansi,
        }
    }
}

/// The characters that the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    /// Blocks and lines.
    Unicode,
    /// ASCII, for a locale that is not UTF-8.
    Ascii,
}

impl Glyphs {
    /// What a locale has by its variables `LC_ALL`, `LC_CTYPE` and `LANG`, in the order in which they count.
    pub fn of_locale(variables: [&str; 3]) -> Self {
        let locale = variables.into_iter().find(|value| !value.is_empty()).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        let is_utf8 = ["utf-8", "utf8"].iter().any(|name| locale.contains(name));
        if is_utf8 { Self::Unicode } else { Self::Ascii }
    }
}

/// What a text or a mark is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Text,
    /// What is read second.
    Quiet,
    Title,
    Good,
    Warning,
    Bad,
    /// A sound that is an event.
    Event,
    /// A score.
    Score,
    /// What a score has to reach.
    Threshold,
}

/// Colours of a spectrogram without colours.
const CHARACTERS: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];

/// Levels of the spectrogram that are told apart in 24 bits: finer steps are not seen, and cost bytes.
const STEPS: usize = 48;

/// The spectrogram's colours, from the lowest level to the highest: black over violet, crimson and orange to pale yellow.
///
/// # Source
/// Computed for this table: hue turns by 180° in Oklch (Ottosson 2020), chroma is what sRGB has there, and CIE lightness rises
/// in even steps from 1 to 96. So a level is seen as high as it is, in grey too, and by the colour-blind.
const HEAT: [[u8; 3]; 9] = [
    [0x03, 0x03, 0x0a],
    [0x35, 0x09, 0x50],
    [0x6d, 0x01, 0x6a],
    [0xa8, 0x01, 0x68],
    [0xe3, 0x0d, 0x4e],
    [0xfe, 0x5a, 0x20],
    [0xff, 0x98, 0x33],
    [0xf5, 0xcc, 0x7f],
    [0xf8, 0xf6, 0xc7],
];

/// The same with ANSI's: each is lighter than the one before it in every usual scheme.
const ANSI_HEAT: [Color; 6] =
    [Color::Black, Color::Blue, Color::Magenta, Color::LightRed, Color::LightYellow, Color::White];

/// Colours and characters.
#[derive(Debug, Clone)]
pub struct Look {
    depth: ColourDepth,
    glyphs: Glyphs,
    heat: Vec<Color>,
}

impl Look {
    /// The tables for a terminal.
    pub fn new(depth: ColourDepth, glyphs: Glyphs) -> Self {
        Self { depth, glyphs, heat: heat_table(depth) }
    }

    /// The characters.
    pub(super) fn glyphs(&self) -> Glyphs {
        self.glyphs
    }

    /// Of two characters, or texts, the one that the terminal shows.
    pub(super) fn pick<T>(&self, unicode: T, ascii: T) -> T {
        match self.glyphs {
            Glyphs::Unicode => unicode,
            Glyphs::Ascii => ascii,
        }
    }

    /// Whether a cell can show two levels, one above the other.
    pub(super) fn has_half_cells(&self) -> bool {
        self.depth != ColourDepth::Monochrome && self.glyphs == Glyphs::Unicode
    }

    /// The colour of a level between 0 and 255; none where there are no colours.
    pub(super) fn heat(&self, level: u8) -> Option<Color> {
        let index = usize::from(level) * self.heat.len() / 256;
        self.heat.get(index).copied()
    }

    /// The character of a level between 0 and 255.
    pub(super) fn character(level: u8) -> char {
        CHARACTERS[usize::from(level) * CHARACTERS.len() / 256]
    }

    /// How text and marks of a role look.
    pub(super) fn style(&self, role: Role) -> Style {
        let style = Style::new();
        if self.depth == ColourDepth::Monochrome {
            return match role {
                Role::Text | Role::Good | Role::Score => style,
                Role::Quiet => style.add_modifier(Modifier::DIM),
                Role::Title | Role::Event | Role::Threshold | Role::Warning => {
                    style.add_modifier(Modifier::BOLD)
                }
                Role::Bad => style.add_modifier(Modifier::BOLD | Modifier::REVERSED),
            };
        }
        // of all depths: tones that are read on black and on white, in the terminal's own scheme
        match role {
            Role::Text => style,
            Role::Quiet => style.fg(Color::DarkGray),
            Role::Title => style.add_modifier(Modifier::BOLD),
            Role::Good => style.fg(Color::Green),
            Role::Warning => style.fg(Color::Yellow),
            Role::Bad => style.fg(Color::LightRed).add_modifier(Modifier::BOLD),
            Role::Event => style.fg(Color::LightGreen).add_modifier(Modifier::BOLD),
            Role::Score => style.fg(Color::Cyan),
            Role::Threshold => style.fg(Color::Yellow),
        }
    }
}

fn heat_table(depth: ColourDepth) -> Vec<Color> {
    let even = |steps: usize| (0..steps).map(move |step| heat_at(step as f64 / (steps - 1) as f64));
    match depth {
        ColourDepth::TrueColour => even(STEPS).map(|[r, g, b]| Color::Rgb(r, g, b)).collect(),
        ColourDepth::Indexed => {
            let mut table: Vec<u8> = even(STEPS).map(nearest_indexed).collect();
            table.dedup();
            table.into_iter().map(Color::Indexed).collect()
        }
        ColourDepth::Ansi => ANSI_HEAT.to_vec(),
        ColourDepth::Monochrome => Vec::new(),
    }
}

/// The colour of a level between 0 and 1.
fn heat_at(level: f64) -> [u8; 3] {
    let place = level * (HEAT.len() - 1) as f64;
    let below = (place as usize).min(HEAT.len() - 2);
    let share = place - below as f64;
    let (low, high) = (HEAT[below], HEAT[below + 1]);
    std::array::from_fn(|channel| {
        let (low, high) = (f64::from(low[channel]), f64::from(high[channel]));
        (low + share * (high - low)).round() as u8
    })
}

/// The levels of a channel in xterm's cube of colours, which begins at index 16; greys follow at 232.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

fn indexed_rgb(index: u8) -> [u8; 3] {
    match index.checked_sub(232) {
        Some(grey) => [8 + 10 * grey; 3],
        None => {
            let cube = usize::from(index.saturating_sub(16));
            [CUBE[cube / 36], CUBE[cube / 6 % 6], CUBE[cube % 6]]
        }
    }
}

/// Of the colours that xterm has at fixed indices, the one that looks most like `rgb`.
fn nearest_indexed(rgb: [u8; 3]) -> u8 {
    let wanted = oklab(rgb);
    let distance = |index: u8| {
        let found = oklab(indexed_rgb(index));
        let difference = |axis: usize| (wanted[axis] - found[axis]).powi(2);
        // the level is in the lightness: that has to be right first
        4.0 * difference(0) + difference(1) + difference(2)
    };
    let nearest = (16..=255).min_by(|a, b| distance(*a).total_cmp(&distance(*b)));
    nearest.expect("invariant: there are 240 of them")
}

/// Lightness, green to red, blue to yellow.
///
/// # Source
/// Björn Ottosson, "A perceptual color space for image processing" (2020).
fn oklab(rgb: [u8; 3]) -> [f64; 3] {
    let [r, g, b] = rgb.map(|channel| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    [
        0.210_454_255_3 * l + 0.793_617_785 * m - 0.004_072_046_8 * s,
        1.977_998_495_1 * l - 2.428_592_205 * m + 0.450_593_709_9 * s,
        0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766 * s,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lightness(colour: Color) -> f64 {
        match colour {
            Color::Rgb(r, g, b) => oklab([r, g, b])[0],
            Color::Indexed(index) => oklab(indexed_rgb(index))[0],
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_higher_level_is_lighter_in_even_steps() {
        let table = heat_table(ColourDepth::TrueColour);
        let steps: Vec<f64> =
            table.windows(2).map(|pair| lightness(pair[1]) - lightness(pair[0])).collect();
        let mean = steps.iter().sum::<f64>() / steps.len() as f64;
        // the darkest step is larger: black itself is darker than what follows in even steps
        assert!(steps.iter().all(|step| *step > 0.3 * mean), "{steps:?}");
        assert!(steps[6..].iter().all(|step| *step < 2.0 * mean), "{steps:?}");
        let indexed = heat_table(ColourDepth::Indexed);
        assert!(indexed.len() >= 12, "{indexed:?}");
        assert!(
            indexed.windows(2).all(|pair| lightness(pair[1]) > lightness(pair[0])),
            "{indexed:?}"
        );
    }

    #[test]
    fn the_ends_of_the_scale_are_black_and_white_at_every_depth() {
        let ends = |depth| {
            let look = Look::new(depth, Glyphs::Unicode);
            (look.heat(0), look.heat(255))
        };
        assert_eq!(
            ends(ColourDepth::TrueColour),
            (Some(Color::Rgb(3, 3, 10)), Some(Color::Rgb(0xf8, 0xf6, 0xc7)))
        );
        assert_eq!(ends(ColourDepth::Ansi), (Some(Color::Black), Some(Color::White)));
        assert_eq!(ends(ColourDepth::Monochrome), (None, None));
        assert_eq!((Look::character(0), Look::character(255)), (' ', '@'));
    }

    #[test]
    fn the_terminal_s_variables_decide() {
        let depth = ColourDepth::of_terminal;
        assert_eq!(depth("1", "truecolor", "xterm-256color"), ColourDepth::Monochrome);
        assert_eq!(depth("", "truecolor", "xterm-256color"), ColourDepth::TrueColour);
        assert_eq!(depth("", "", "screen-256color"), ColourDepth::Indexed);
        assert_eq!(depth("", "", "linux"), ColourDepth::Ansi);
        let glyphs = Glyphs::of_locale;
        assert_eq!(glyphs(["", "", "en_GB.UTF-8"]), Glyphs::Unicode);
        assert_eq!(glyphs(["C", "", "en_GB.UTF-8"]), Glyphs::Ascii);
        assert_eq!(glyphs(["", "", ""]), Glyphs::Ascii);
    }
}
