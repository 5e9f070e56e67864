//! The screen at the sizes and in the colours that terminals have, held against what is in `tests/golden/watch`; `TYMPAN_WRITE=1`
//! writes that anew.

use super::*;
use ratatui::style::{Color, Modifier};

fn look(depth: ColourDepth) -> Look {
    Look::new(depth, Glyphs::Unicode)
}

#[track_caller]
fn matches(name: &str, screen: &str) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/watch");
    let path = folder.join(name);
    if std::env::var_os("TYMPAN_WRITE").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(&path, screen).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert!(screen == expected, "{name} is now\n{screen}\nand was\n{expected}");
}

#[test]
fn the_screen_reads_well_at_every_size() {
    let viewed = busy(SETTINGS);
    for (columns, rows) in [(60, 20), (80, 24), (200, 60)] {
        matches(&format!("{columns}x{rows}.txt"), &viewed.text(columns, rows));
    }
    let scrolling = busy(AppSettings { motion: Motion::Scroll, ..SETTINGS });
    matches("80x24-scroll.txt", &scrolling.text(80, 24));
}

#[test]
fn without_colours_and_without_utf_8_the_screen_still_says_all() {
    let viewed = busy(SETTINGS);
    let plain = viewed.screen(80, 24, &Look::new(ColourDepth::Monochrome, Glyphs::Ascii));
    let text = text(&plain);
    assert!(text.is_ascii(), "{text}");
    matches("80x24-ascii.txt", &text);
    let coloured =
        |cell: &ratatui::buffer::Cell| (cell.fg, cell.bg) != (Color::Reset, Color::Reset);
    assert!(!plain.content.iter().any(coloured));
    let half = viewed.screen(80, 24, &look(ColourDepth::Monochrome));
    assert!(!half.content.iter().any(coloured));
    assert!(!super::text(&half).contains('▀'));
}

/// The colours behind the spectrogram's lowest row, from left to right.
fn lowest_row(screen: &Buffer) -> Vec<Color> {
    let rows = text(screen);
    let axis = rows.lines().position(|row| row.starts_with("Hz")).unwrap();
    let width = usize::from(screen.area.width);
    screen.content[(axis - 1) * width..axis * width][5..].iter().map(|cell| cell.bg).collect()
}

#[test]
fn a_louder_column_has_a_lighter_colour_at_every_depth() {
    let viewed = busy(SETTINGS);
    let of = |depth| {
        let mut colours = lowest_row(&viewed.screen(80, 24, &look(depth)));
        assert_eq!(colours.pop(), Some(Color::Reset), "nothing is known of what is to come");
        colours.dedup();
        colours
    };
    let exact = of(ColourDepth::TrueColour);
    assert!(exact.len() > 40, "{exact:?}");
    assert!(exact.iter().all(|colour| matches!(colour, Color::Rgb(..) | Color::Reset)));
    let indexed = of(ColourDepth::Indexed);
    assert!(indexed.len() > 10, "{indexed:?}");
    assert!(indexed.iter().all(|colour| matches!(colour, Color::Indexed(_) | Color::Reset)));
    let ansi = of(ColourDepth::Ansi);
    let expected = [
        Color::Black,
        Color::Blue,
        Color::Magenta,
        Color::LightRed,
        Color::LightYellow,
        Color::White,
        Color::Reset,
    ];
    assert!(expected.starts_with(&ansi) || ansi == expected, "{ansi:?}");
    assert!(ansi.len() >= 6, "{ansi:?}");
}

#[test]
fn low_bands_stand_below_high_ones_two_in_a_cell() {
    use base64::Engine as _;
    let mut viewed = Viewed::connected(SETTINGS);
    viewed.line(&status("listening"));
    let mut column = mel(0, 0);
    let bands: Vec<u8> = (0..64).map(|band| if band < 32 { 255 } else { 0 }).collect();
    column["column"] = base64::engine::general_purpose::STANDARD.encode(bands).into();
    viewed.line(&column);
    let screen = viewed.screen(200, 60, &look(ColourDepth::Ansi));
    let rows = text(&screen);
    let axis = rows.lines().position(|row| row.starts_with("Hz")).unwrap();
    let colours: Vec<Color> = (3..axis).map(|row| screen[(5, row as u16)].bg).collect();
    let half = colours.len() / 2;
    assert!(colours[..half].iter().all(|colour| *colour == Color::Black), "{colours:?}");
    assert!(colours[half..].iter().all(|colour| *colour == Color::White), "{colours:?}");
}

#[test]
fn sweeping_changes_two_columns_where_scrolling_changes_all() {
    let changed = |motion| {
        let mut viewed = busy(AppSettings { motion, ..SETTINGS });
        let before = viewed.screen(80, 24, &look(ColourDepth::TrueColour));
        for index in 100..102 {
            viewed.line(&mel(index, 250));
        }
        let after = viewed.screen(80, 24, &look(ColourDepth::TrueColour));
        before.diff(&after).len()
    };
    let (sweep, scroll) = (changed(Motion::Sweep), changed(Motion::Scroll));
    assert!(sweep > 0 && sweep < 40, "{sweep}");
    assert!(scroll > 10 * sweep, "{scroll} and {sweep}");
}

#[test]
fn an_event_a_threshold_and_a_loss_have_their_colours() {
    let viewed = busy(SETTINGS);
    let screen = viewed.screen(80, 24, &look(ColourDepth::Ansi));
    let rows = text(&screen);
    let styled = |words: &str| {
        let (row, line) = rows.lines().enumerate().find(|(_, line)| line.contains(words)).unwrap();
        let column = line[..line.find(words).unwrap()].chars().count();
        let cell = &screen[(column as u16, row as u16)];
        (cell.fg, cell.modifier.contains(Modifier::BOLD))
    };
    assert_eq!(styled("listening"), (Color::Green, false));
    assert_eq!(styled("CLIP"), (Color::LightRed, true));
    assert_eq!(styled("dog "), (Color::LightGreen, true));
    assert_eq!(styled("cat "), (Color::Reset, false));
    assert_eq!(styled("│"), (Color::Yellow, false));
    assert_eq!(styled("! 0.10 s lost"), (Color::Yellow, false));
    assert_eq!(styled("skipped 2"), (Color::Yellow, false));
    assert_eq!(styled("missed 0"), (Color::Reset, false));
}

#[test]
fn a_terminal_that_is_too_small_shows_its_size_and_all_the_rest_when_it_has_grown() {
    let viewed = busy(SETTINGS);
    for (columns, rows) in [(59, 20), (60, 19), (20, 20), (80, 3)] {
        says(
            &viewed.text(columns, rows),
            &["too small", &format!("{columns} by {rows}"), "needs 60 by 20"],
        );
    }
    assert_eq!(viewed.text(0, 0).trim(), "");
    assert_eq!(viewed.text(1, 1).trim(), "…");
    says(&viewed.text(60, 20), &["mic  listening", "dog"]);
}

#[test]
fn names_from_outside_neither_steer_the_terminal_nor_leave_their_place() {
    let long = "x".repeat(200);
    let names =
        ["\u{1b}]0;owned\u{7}\u{1b}[2J", "\u{202e}evil", "مايك", "麦克风的声音很大很大很大", &long];
    for name in names {
        let mut viewed = busy(SETTINGS);
        let mut open = onset(7, name, 340_000);
        open["time"] = "2026-01-01T12:00:05Z".into();
        viewed.line(&open);
        let mut scored = window(100);
        scored["reasons"][0]["label"] = name.into();
        viewed.line(&scored);
        let mut named = daemon();
        (named["device"], named["model"], named["version"]) =
            (name.into(), name.into(), name.into());
        viewed.line(&named);
        for (columns, rows) in [(60, 20), (80, 24), (200, 60)] {
            let text = viewed.text(columns, rows);
            let steers =
                |character: char| character != '\n' && tympan::domain::is_steering(character);
            assert!(!text.contains(steers), "{text:?}");
            // what stands behind the name is still where it was
            says(&text, &["0.93 ", "0.80", "p50 0.6 ms", "q quit"]);
        }
    }
}
