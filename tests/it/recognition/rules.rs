//! The promises of detection under any sequence of scores, levels, skipped windows, gaps and ends.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use tympan::domain::{
    EventPhase, EventRecord, GapCause, MelWindow, Published, Record, SampleIndex,
};
use tympan::recognition::{DetectorSettings, Gap};

use super::{HOP, WINDOW, events, nth, plain, rate, recogniser, window};

const ON: f32 = 0.6;

#[derive(Debug, Clone)]
enum Step {
    /// A window this many hops on (more than one: windows were skipped), with these scores at this level.
    Window(u64, [f32; 3], f32),
    /// Lost audio, reported.
    Gap(u64),
    /// Lost audio that only the segment shows.
    Segment(u64),
    /// The audio ends, and begins again.
    Finish,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let score = || prop_oneof![Just(0.0_f32), Just(0.5), Just(0.95), 0.0..=1.0_f32];
    let level = prop_oneof![9 => Just(-20.0_f32), 1 => Just(-90.0)];
    let window = (prop_oneof![5 => Just(1_u64), 1 => 2..5_u64], [score(), score(), score()], level);
    let step = prop_oneof![
        40 => window.prop_map(|(hops, scores, level)| Step::Window(hops, scores, level)),
        1 => (1..20_000_u64).prop_map(Step::Gap),
        1 => (1..20_000_u64).prop_map(Step::Segment),
        1 => Just(Step::Finish),
    ];
    prop::collection::vec(step, 0..150)
}

prop_compose! {
    fn settings()(
        of in 1..5_usize,
        windows in 1..5_usize,
        min_ms in 0..900_u64,
        more_ms in 400..3_000_u64,
        cooldown_ms in prop_oneof![Just(0_u64), 1..900_u64],
        deny in prop_oneof![Just(vec![]), Just(vec!["rain".to_owned()])],
    ) -> DetectorSettings {
        DetectorSettings {
            confirm_windows: windows.min(of),
            confirm_of: of,
            min_event: Duration::from_millis(min_ms),
            max_event: Duration::from_millis(min_ms + more_ms),
            cooldown: Duration::from_millis(cooldown_ms),
            deny,
            ..plain()
        }
    }
}

/// What is known of one label from its records alone.
#[derive(Default)]
struct Story {
    open: Option<EventRecord>,
    /// End of the last event.
    ended: Option<SampleIndex>,
    /// Start of the new audio and smoothed score of each window since the last break.
    windows: Vec<(SampleIndex, f32)>,
}

struct RuleChecker {
    settings: DetectorSettings,
    stories: BTreeMap<String, Story>,
    last_id: u64,
    last_end: Option<SampleIndex>,
}

impl RuleChecker {
    fn new(settings: &DetectorSettings) -> Self {
        let stories = super::LABELS.map(|label| (label.to_owned(), Story::default()));
        Self { settings: settings.clone(), stories: stories.into(), last_id: 0, last_end: None }
    }

    fn samples(&self, duration: Duration) -> u64 {
        rate().samples_in(duration)
    }

    /// Records of a gap, a new segment or the end: whatever is open ends, however young.
    fn after_break(&mut self, records: &[Record]) {
        self.check_events(&events(records), true);
        let last_end = self.last_end.take();
        for (label, story) in &mut self.stories {
            assert!(story.open.is_none(), "{label} goes on across a break");
            story.windows.clear();
        }
        for record in records {
            if let Record::Event(EventRecord {
                phase: EventPhase::Offset { end_sample, .. }, ..
            }) = record
            {
                assert_eq!(Some(*end_sample), last_end, "ends at the last sample scored");
            }
        }
    }

    fn after_window(&mut self, window: &MelWindow, records: &[Record]) {
        let Record::Window(shown) = &records[0] else { panic!("{records:?}") };
        let new_audio_start =
            self.last_end.replace(window.end_sample).unwrap_or(window.start_sample);
        for scored in &shown.scores {
            let audible = window.level_dbfs > -70.0;
            let score = if audible { scored.score } else { 0.0 };
            self.stories.get_mut(&*scored.label).unwrap().windows.push((new_audio_start, score));
        }
        self.check_events(&events(records), false);
        for (label, story) in &self.stories {
            let denied = self.settings.deny.contains(label);
            let confirmed = self.agreeing(story) >= self.settings.confirm_windows;
            let now = story.windows.last().is_some_and(|(_, score)| *score >= ON);
            let idle = story.open.is_none() && story.ended != Some(window.end_sample);
            let just_ended = events(records).iter().any(|event| *event.label == **label);
            assert!(
                denied || just_ended || !(idle && now && confirmed),
                "{label} was confirmed and nothing began"
            );
        }
    }

    /// How many of the last windows agree, those of a rest left out.
    fn agreeing(&self, story: &Story) -> usize {
        let cooldown = self.samples(self.settings.cooldown);
        let rested =
            |new_audio_start| story.ended.is_none_or(|ended| new_audio_start >= ended + cooldown);
        let last = story.windows.iter().rev().take(self.settings.confirm_of);
        last.filter(|(new_audio_start, score)| *score >= ON && rested(*new_audio_start)).count()
    }

    fn check_events(&mut self, detections: &[EventRecord], broken: bool) {
        let mut last_ended_id = 0;
        for event in detections {
            let agreeing = self.agreeing(&self.stories[&*event.label]);
            let (least, most) =
                (self.samples(self.settings.min_event), self.samples(self.settings.max_event));
            let cooldown = self.samples(self.settings.cooldown);
            let story = self.stories.get_mut(&*event.label).unwrap();
            match event.phase {
                EventPhase::Onset { score, .. } => {
                    assert_eq!(event.id, self.last_id + 1, "ids ascend by one");
                    self.last_id = event.id;
                    assert!(
                        !self.settings.deny.contains(&event.label.to_string()),
                        "denied: {event:?}"
                    );
                    assert!(score >= ON && story.open.is_none() && !broken, "{event:?}");
                    assert!(agreeing >= self.settings.confirm_windows, "unconfirmed: {event:?}");
                    let rested =
                        story.ended.is_none_or(|ended| event.start_sample >= ended + cooldown);
                    assert!(rested, "within the cooldown: {event:?}");
                    story.open = Some(event.clone());
                    last_ended_id = 0;
                }
                EventPhase::Offset { end_sample, peak_score } => {
                    let onset = story.open.take().expect("an offset without onset");
                    assert_eq!((onset.id, onset.start_sample), (event.id, event.start_sample));
                    assert!(event.id > last_ended_id, "offsets come in the order of ids");
                    last_ended_id = event.id;
                    let lasted = end_sample.since(event.start_sample);
                    assert!(lasted > 0 && lasted <= most, "lasts {lasted}: {event:?}");
                    assert!(broken || lasted >= least, "lasts {lasted}: {event:?}");
                    assert!(
                        matches!(onset.phase, EventPhase::Onset { score, .. } if peak_score >= score)
                    );
                    story.ended = Some(end_sample);
                    story.windows.retain(|_| false);
                }
            }
        }
    }
}

fn play(settings: DetectorSettings, smoothing: Duration, steps: &[Step]) {
    let mut recogniser = recogniser(settings.clone(), smoothing);
    let mut checker = RuleChecker::new(&settings);
    let (mut end, mut segment) = (WINDOW, 0);
    for step in steps.iter().chain([&Step::Finish]) {
        let mut records = Vec::new();
        let mut emit = |record: Published| records.push(record.into());
        match *step {
            Step::Window(hops, scores, level_dbfs) => {
                end += hops * HOP;
                let window = MelWindow { segment, level_dbfs, ..window(end, scores) };
                recogniser.push(&window, &mut emit).unwrap();
                let shown = records.iter().position(|record| matches!(record, Record::Window(_)));
                let (before, after) = records.split_at(shown.expect("each window has a record"));
                if checker.last_end.is_none() || !before.is_empty() {
                    checker.after_break(before);
                }
                checker.after_window(&window, after);
            }
            Step::Gap(samples) => {
                let (start_sample, time) = (SampleIndex(end), Timestamp::UNIX_EPOCH);
                recogniser.gap(
                    Gap {
                        start_sample,
                        sample_rate: rate(),
                        samples,
                        cause: GapCause::Overrun,
                        time,
                    },
                    &mut emit,
                );
                assert!(matches!(records.last(), Some(Record::Gap(gap)) if gap.samples == samples));
                checker.after_break(&records);
                (end, segment) = (end + samples + WINDOW, segment + 1);
            }
            Step::Segment(samples) => {
                // the break shows with the next window; before that, open events stay open
                let (lost_end, next) = (end + samples + WINDOW, segment + 1);
                let window = MelWindow { segment: next, ..window(lost_end, [0.0; 3]) };
                recogniser.push(&window, &mut emit).unwrap();
                let shown = records.iter().position(|record| matches!(record, Record::Window(_)));
                let (before, after) = records.split_at(shown.expect("each window has a record"));
                checker.after_break(before);
                checker.after_window(&window, after);
                (end, segment) = (lost_end, next);
            }
            Step::Finish => {
                recogniser.finish(&mut emit);
                checker.after_break(&records);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_audio_gives_events_that_pair_up_and_keep_to_the_rules(
        settings in settings(),
        smoothing_ms in prop_oneof![Just(0_u64), 1..600_u64],
        steps in steps(),
    ) {
        play(settings, Duration::from_millis(smoothing_ms), &steps);
    }

    #[test]
    fn a_batch_gives_the_records_of_its_windows_one_by_one(
        settings in settings(),
        scores in prop::collection::vec([0.0..=1.0_f32, 0.0..=1.0_f32, 0.0..=1.0_f32], 1..60),
        batch in 1..9_usize,
    ) {
        let windows: Vec<_> = (0..).zip(scores).map(|(k, scores)| nth(k, scores)).collect();
        let smoothing = Duration::from_millis(150);
        let (mut one, mut many) = (recogniser(settings.clone(), smoothing), recogniser(settings, smoothing));
        let (mut singly, mut batched) = (Vec::<Record>::new(), Vec::<Record>::new());
        for window in &windows {
            one.push(window, &mut |record| singly.push(record.into())).unwrap();
        }
        for batch in windows.chunks(batch) {
            many.push_batch(batch, &mut |record| batched.push(record.into())).unwrap();
        }
        prop_assert_eq!(singly, batched);
    }

    #[test]
    fn another_hop_moves_no_event_by_more_than_two_of_it(
        quiet_s in 1..4_u64,
        loud_s in 1..4_u64,
        smoothing_ms in prop_oneof![Just(0_u64), 50..400_u64],
    ) {
        let (from, until) = (WINDOW * quiet_s + WINDOW, WINDOW * (quiet_s + loud_s) + WINDOW);
        let mut found = Vec::new();
        for hop in [HOP / 8, HOP / 2, HOP] {
            let mut recogniser = recogniser(plain(), Duration::from_millis(smoothing_ms));
            let mut records = Vec::new();
            for end in (WINDOW..until + 3 * WINDOW).step_by(hop as usize) {
                let dog = if (from..until).contains(&end) { 0.95 } else { 0.02 };
                recogniser.push(&window(end, [dog, 0.0, 0.0]), &mut |r| records.push(r.into())).unwrap();
            }
            let detections = events(&records);
            prop_assert_eq!(detections.len(), 2);
            let EventPhase::Offset { end_sample, .. } = detections[1].phase else { panic!("{detections:?}") };
            found.push((detections[0].start_sample.0, end_sample.0));
        }
        // one hop for when a change is noticed, one for where its new audio starts
        for (start, end) in &found {
            prop_assert!(start.abs_diff(found[0].0) <= 2 * HOP, "{:?}", found);
            prop_assert!(end.abs_diff(found[0].1) <= 2 * HOP, "{:?}", found);
        }
    }
}
