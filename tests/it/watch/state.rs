//! What keys, records and lost connections make of the view.

use super::*;

#[test]
fn quitting_is_asked_for_by_q_and_ctrl_c_and_leaves_the_screen_by_capital_q() {
    let mut viewed = busy(SETTINGS);
    assert_eq!(viewed.press(Key::Char('q')), Some(Action::Quit));
    assert_eq!(viewed.press(Key::Ctrl('c')), Some(Action::Quit));
    assert_eq!(viewed.press(Key::Char('Q')), Some(Action::QuitLeavingScreen));
    assert_eq!(viewed.press(Key::Char('x')), None);
    // a text that is typed has no commands in it, but can be left
    viewed.press(Key::Char('/'));
    assert_eq!(viewed.press(Key::Char('q')), None);
    assert_eq!(viewed.press(Key::Ctrl('c')), Some(Action::Quit));
}

#[test]
fn a_frozen_screen_stays_while_records_go_on_and_comes_back_to_them() {
    let mut viewed = busy(SETTINGS);
    viewed.press(Key::Char(' '));
    let frozen = viewed.text(80, 24);
    says(&frozen, &["frozen"]);
    viewed.line(&status("silent"));
    viewed.line(&level(-1.0, 0));
    for index in 100..120 {
        viewed.line(&mel(index, 255));
    }
    viewed.line(&onset(3, "rooster", 440_000));
    assert_eq!(viewed.text(80, 24), frozen);
    viewed.press(Key::Char(' '));
    let live = viewed.text(80, 24);
    says(&live, &["silent", "rooster"]);
    assert!(!live.contains("frozen"), "{live}");
}

#[test]
fn scrolling_back_freezes_and_ends_where_the_spectrogram_began() {
    let mut viewed = busy(AppSettings { motion: Motion::Scroll, seconds_across: 4.0, ..SETTINGS });
    says(&viewed.text(80, 24), &["-1 s"]);
    viewed.press(Key::Left);
    says(&viewed.text(80, 24), &["frozen, 1.0 s back", "-2 s"]);
    for _ in 0..20 {
        viewed.press(Key::Left);
    }
    says(&viewed.text(80, 24), &["frozen, 8.0 s back"]);
    viewed.press(Key::Right);
    says(&viewed.text(80, 24), &["frozen, 7.0 s back"]);
    for _ in 0..20 {
        viewed.press(Key::Right);
    }
    let newest = viewed.text(80, 24);
    assert!(newest.contains("frozen") && !newest.contains("back  "), "{newest}");
}

#[test]
fn a_filter_keeps_the_labels_and_events_that_contain_it() {
    let mut viewed = busy(SETTINGS);
    viewed.press(Key::Char('/'));
    viewed.type_text("DOx");
    viewed.press(Key::Backspace);
    says(&viewed.text(80, 24), &["show labels with: do_"]);
    viewed.press(Key::Enter);
    let filtered = viewed.text(80, 24);
    says(&filtered, &["labels with do", "dog", "door_wood_creaks"]);
    assert!(!filtered.contains("cat") && !filtered.contains("lost: overrun"), "{filtered}");
    viewed.press(Key::Escape);
    says(&viewed.text(80, 24), &["cat", "lost: overrun"]);
}

#[test]
fn reasons_can_be_hidden_and_the_clip_mark_goes_with_a_key_only() {
    let mut viewed = busy(SETTINGS);
    says(&viewed.text(80, 24), &["CLIP", "1 of 2, last 3", "held by rain", "event"]);
    viewed.now += Duration::from_secs(60);
    viewed.line(&level(-40.0, 0));
    says(&viewed.text(80, 24), &["CLIP"]);
    viewed.press(Key::Char('c'));
    viewed.press(Key::Char('w'));
    let text = viewed.text(80, 24);
    assert!(!text.contains("CLIP") && !text.contains("held by"), "{text}");
}

#[test]
fn tab_goes_through_the_sources_of_every_daemon_in_turn() {
    let mut viewed = Viewed::of(&["one.sock", "two.sock"], SETTINGS);
    for daemon in [0, 1] {
        let event = LinkEvent::Up { version: "0.1.0".to_owned() };
        viewed.on(Event::Link { daemon, event });
    }
    let mut garden = status("quiet");
    garden["source"] = "garden".into();
    viewed.line_of(0, &status("listening"));
    viewed.line_of(0, &garden);
    let title = |viewed: &Viewed| viewed.text(80, 24).lines().next().unwrap().to_owned();
    says(&title(&viewed), &["mic  listening  1 of 3"]);
    viewed.press(Key::Tab);
    says(&title(&viewed), &["garden  quiet  2 of 3"]);
    viewed.press(Key::Tab);
    says(&title(&viewed), &["two.sock  connected  3 of 3"]);
    viewed.press(Key::Tab);
    says(&title(&viewed), &["mic  listening  1 of 3"]);
}

#[test]
fn a_lost_daemon_is_waited_for_and_what_was_seen_stays() {
    let mut viewed = busy(SETTINGS);
    let why = "it has ended".to_owned();
    assert_eq!(viewed.link(LinkEvent::Down { why, retry_in: Duration::from_millis(250) }), None);
    let text = viewed.text(80, 24);
    says(&text, &["waiting for the daemon", "it has ended; next try in 0.2 s", "end unseen"]);
    says(&text, &["no window scored yet", "cat"]);
    viewed.link(LinkEvent::Up { version: "0.2.0".to_owned() });
    viewed.line(&status("listening"));
    viewed.line(&mel(0, 200));
    says(&viewed.text(80, 24), &["mic  listening", "tympan 0.2.0", "cat"]);
}

#[test]
fn what_was_never_a_daemon_ends_the_view_and_what_was_one_does_not() {
    let unusable = || LinkEvent::Unusable {
        why: "it speaks version 2".to_owned(),
        retry_in: Duration::from_secs(1),
    };
    let mut viewed = Viewed::of(&["a.sock"], SETTINGS);
    assert_eq!(
        viewed.link(unusable()),
        Some(Action::Fail("a.sock: it speaks version 2".to_owned()))
    );
    let mut viewed = busy(SETTINGS);
    assert_eq!(viewed.link(unusable()), None);
    says(&viewed.text(80, 24), &["waiting for the daemon", "it speaks version 2"]);
    // one of two: the other may be shown
    let mut viewed = Viewed::of(&["a.sock", "b.sock"], SETTINGS);
    assert_eq!(viewed.link(unusable()), None);
}

#[test]
fn an_event_whose_beginning_was_not_seen_is_listed_with_its_length() {
    let mut viewed = Viewed::connected(SETTINGS);
    viewed.line(&status("listening"));
    viewed.line(&offset(9, "dog", 0, 96_000));
    says(&viewed.text(80, 24), &["12:00:01 ○ dog", "2.00 s  0.97"]);
}

#[test]
fn the_summary_counts_what_was_seen() {
    let mut viewed = busy(SETTINGS);
    viewed.line(&json!({"type": "missed", "records": 12}));
    assert_eq!(
        viewed.app.summary(Duration::from_secs(75)),
        "watched for 75 s: 2 events, 1 gap, 12 records missed, latency p99 1.5 ms"
    );
}

#[test]
fn only_what_may_change_the_screen_asks_for_it_to_be_drawn() {
    let mut viewed = busy(SETTINGS);
    assert!(viewed.app.take_changed());
    viewed.on(Event::Tick);
    assert!(!viewed.app.take_changed());
    viewed.line(&level(-20.0, 0));
    assert!(viewed.app.take_changed());
    viewed.now += Duration::from_secs(2);
    viewed.on(Event::Tick);
    assert!(viewed.app.take_changed(), "the level is too old to be shown");
    says(&viewed.text(80, 24), &["no level"]);
}

#[test]
fn a_model_that_takes_the_waveform_has_no_spectrogram_and_the_view_says_so() {
    let mut viewed = Viewed::connected(SETTINGS);
    viewed.line(&status("listening"));
    says(&viewed.text(80, 24), &["no spectrogram yet"]);
    for index in 0..30 {
        viewed.line(&window(index));
    }
    says(&viewed.text(80, 24), &["the model takes the waveform"]);
}

#[test]
fn a_line_of_the_program_s_own_log_is_shown_without_what_steers_a_terminal() {
    let mut viewed = busy(SETTINGS);
    viewed.on(Event::Log("warn: mic\u{1b}[31m is gone".to_owned()));
    says(&viewed.text(80, 24), &["warn: mic [31m is gone"]);
}
