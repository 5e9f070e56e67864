//! No order of events and no size of the terminal is too much for the view.

use proptest::prelude::*;
use tympan::watch::KEYS;

use super::*;

fn key() -> impl Strategy<Value = Key> {
    let bound: Vec<Key> = KEYS.iter().flat_map(|binding| binding.keys).copied().collect();
    prop_oneof![
        8 => prop::sample::select(bound),
        1 => any::<char>().prop_map(Key::Char),
        1 => Just(Key::Backspace),
        1 => Just(Key::Enter),
    ]
}

/// A number that a daemon may write, or nobody would.
fn odd() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(-1e30), Just(1e30), Just(1.0), -200.0..200.0]
}

fn line() -> impl Strategy<Value = Value> {
    let index = prop_oneof![0..200u64, Just(u64::MAX / 3_840 - 1)];
    let state = prop::sample::select(vec!["listening", "lost", "silent", "stopping"]);
    prop_oneof![
        state.prop_map(status),
        (odd(), any::<u64>()).prop_map(|(peak, clipped)| level(peak as f32, clipped)),
        (index.clone(), any::<u8>()).prop_map(|(index, value)| mel(index, value)),
        (index.clone(), odd(), odd()).prop_map(|(index, score, threshold)| {
            let mut window = window(index);
            window["reasons"][1]["score"] = score.into();
            window["reasons"][1]["threshold"] = threshold.into();
            window
        }),
        (0..5u64, ".{0,30}", any::<u64>()).prop_map(|(id, label, start)| onset(id, &label, start)),
        (0..5u64, any::<u64>(), any::<u64>())
            .prop_map(|(id, start, end)| offset(id, "dog", start, end)),
        any::<u64>().prop_map(|samples| {
            let mut gap = gap();
            gap["samples"] = samples.into();
            gap
        }),
        (odd(), any::<u64>()).prop_map(|(cpu, count)| {
            let mut daemon = daemon();
            daemon["cpu_s"] = cpu.into();
            daemon["counters"]["windows_skipped"] = count.into();
            daemon["counters"]["records_dropped"] = count.into();
            daemon["latency"]["p99_us"] = count.into();
            daemon
        }),
        any::<u64>().prop_map(|records| json!({"type": "missed", "records": records})),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let daemon = 0..3usize;
    prop_oneof![
        4 => key().prop_map(Event::Key),
        1 => Just(Event::Resized),
        1 => Just(Event::Tick),
        1 => ".{0,90}".prop_map(Event::Log),
        1 => daemon.clone().prop_map(|daemon| Event::Link {
            daemon,
            event: LinkEvent::Down { why: "gone".to_owned(), retry_in: Duration::from_secs(1) },
        }),
        1 => daemon.clone().prop_map(|daemon| Event::Link {
            daemon,
            event: LinkEvent::Up { version: "0.1.0".to_owned() },
        }),
        12 => (daemon, line()).prop_map(|(daemon, line)| {
            let message = Message::parse(line.to_string().as_bytes()).unwrap();
            Event::Link { daemon, event: LinkEvent::Message(Box::new(message)) }
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn no_events_and_no_size_are_too_much(
        events in prop::collection::vec((event(), 0..3_000u64), 0..60),
        sizes in prop::collection::vec((0..220u16, 0..70u16), 1..4),
        seconds_across in 0.0..1e6f64,
        depth in prop::sample::select(vec![
            ColourDepth::TrueColour, ColourDepth::Indexed, ColourDepth::Ansi, ColourDepth::Monochrome,
        ]),
        glyphs in prop::sample::select(vec![Glyphs::Unicode, Glyphs::Ascii]),
    ) {
        let settings = AppSettings { seconds_across, ..SETTINGS };
        let mut viewed = Viewed::of(&["one", "two"], settings);
        let look = Look::new(depth, glyphs);
        for (event, after_ms) in events {
            viewed.now += Duration::from_millis(after_ms);
            let _ended = viewed.on(event);
            for (columns, rows) in [(60, 20)].iter().chain(&sizes) {
                let screen = viewed.screen(*columns, *rows, &look);
                let escapes = text(&screen).contains('\u{1b}');
                prop_assert!(!escapes);
            }
        }
        let _line = viewed.app.summary(viewed.now);
    }
}
