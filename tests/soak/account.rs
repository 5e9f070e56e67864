//! The account: what was captured, scored, skipped and lost, from the records alone, held against the counters.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use tympan::domain::{EventPhase, EventRecord, GapCause, InputCounters, Record, SampleRate, State};
use tympan::features::FeaturiserSpec;

/// Audio without a gap.
#[derive(Debug, Clone)]
struct Segment {
    rate: SampleRate,
    start: u64,
    /// One past its last sample; none before the gap behind it has come.
    end: Option<u64>,
    windows: u64,
    last_end: u64,
}

/// What the records say of all inputs.
#[derive(Default)]
pub struct Account {
    inputs: BTreeMap<String, InputAccount>,
    /// The lines of events, as a log has them.
    phases: BTreeSet<(u64, String)>,
    noticed: Vec<Duration>,
}

/// What they say of one.
#[derive(Default)]
struct InputAccount {
    segments: Vec<Segment>,
    gaps: BTreeMap<&'static str, (u64, u64)>,
    open: BTreeSet<u64>,
    events: u64,
    states: BTreeMap<String, u64>,
    rate: Option<SampleRate>,
}

impl Account {
    pub fn entered(&self, input: &str, state: State) -> u64 {
        let states = self.inputs.get(input).map(|account| &account.states);
        states.and_then(|states| states.get(&state.to_string())).copied().unwrap_or_default()
    }

    pub fn overload_noticed(&mut self, after: Duration) {
        self.noticed.push(after);
    }

    pub fn enter(&mut self, record: &Record) {
        if let Record::Event(event) = record {
            let is_new = self.phases.insert((event.id, phase_of(event).to_owned()));
            assert!(is_new, "twice: {event:?}");
        }
        self.inputs.entry(record.source().to_owned()).or_default().enter(record);
    }

    /// Of every event that began.
    pub fn onsets(&self) -> BTreeSet<u64> {
        self.phases.iter().filter(|(_, phase)| phase == "onset").map(|(id, _)| *id).collect()
    }

    /// Id and phase of every line of an event.
    pub fn phases(&self) -> &BTreeSet<(u64, String)> {
        &self.phases
    }

    pub fn print(&self) {
        let latest = self.noticed.iter().max().copied().unwrap_or_default();
        println!(
            "{} overloads, reported {latest:?} after the first skipped window at most",
            self.noticed.len()
        );
    }

    /// Every sample of this input was captured, or is in a gap; every window of what was captured was scored, or counted as
    /// skipped.
    pub fn settle(
        &self,
        input: &str,
        counters: &InputCounters,
        lost_in_driver: u64,
        spec: &FeaturiserSpec,
    ) {
        println!("-- {input}");
        let account = &self.inputs[input];
        account.print(counters);
        account.settle(counters, lost_in_driver, spec);
    }

    /// The log holds every event once, whatever befell its disk; but for what stood in the file when it was moved away.
    pub fn compare_with_log(&self, folder: &Path) {
        let mut logged = BTreeSet::new();
        let mut lines = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "jsonl") {
                continue;
            }
            for line in std::fs::read_to_string(&path).unwrap().lines() {
                let record: serde_json::Value = serde_json::from_str(line)
                    .unwrap_or_else(|error| panic!("a torn line in {path:?}: {error}: {line}"));
                lines += 1;
                let Some(phase) = record["phase"].as_str() else { continue };
                let name = (record["id"].as_u64().unwrap(), phase.to_owned());
                assert!(logged.insert(name), "twice: {line}");
            }
        }
        println!("{lines} lines in the log and its rotated files");
        let missing: Vec<_> = self.phases.difference(&logged).collect();
        assert!(missing.is_empty(), "events that the log does not have: {missing:?}");
    }
}

fn phase_of(event: &EventRecord) -> &'static str {
    match event.phase {
        EventPhase::Onset { .. } => "onset",
        EventPhase::Offset { .. } => "offset",
    }
}

impl InputAccount {
    fn enter(&mut self, record: &Record) {
        match record {
            Record::Status(status) => {
                *self.states.entry(status.state.to_string()).or_default() += 1;
                self.rate = Some(status.sample_rate_hz);
                if self.segments.is_empty() {
                    self.begin(0);
                }
            }
            Record::Window(window) => {
                let segment = self.segments.last_mut().unwrap();
                assert!(window.start_sample.0 >= segment.start, "a window spans a gap: {window:?}");
                assert!(window.end_sample.0 > segment.last_end, "a window came twice: {window:?}");
                segment.windows += 1;
                segment.last_end = window.end_sample.0;
            }
            Record::Gap(gap) => {
                let segment = self.segments.last_mut().unwrap();
                // the index counts at the rate of what follows
                let (is, was) = (u64::from(self.rate.unwrap().hz()), u64::from(segment.rate.hz()));
                let end = gap.start_sample.0 * was / is;
                assert!(segment.last_end <= end + 1, "a window spans a gap");
                segment.end = Some(end);
                let cause = match gap.cause {
                    GapCause::Overrun => "overrun",
                    GapCause::DriverOverrun => "driver_overrun",
                    GapCause::DeviceLost => "device_lost",
                };
                let (count, samples) = self.gaps.entry(cause).or_default();
                *count += 1;
                *samples += gap.samples;
                assert!(self.open.is_empty(), "events span a gap: {:?}", self.open);
                self.begin(gap.start_sample.0 + gap.samples);
            }
            Record::Event(event) => match event.phase {
                EventPhase::Onset { .. } => {
                    self.open.insert(event.id);
                    self.events += 1;
                }
                EventPhase::Offset { .. } => {
                    assert!(self.open.remove(&event.id), "an offset without onset: {event:?}");
                }
            },
        }
    }

    fn begin(&mut self, start: u64) {
        let rate = self.rate.unwrap();
        self.segments.push(Segment { rate, start, end: None, windows: 0, last_end: start });
    }

    fn gap(&self, cause: &str) -> (u64, u64) {
        self.gaps.get(cause).copied().unwrap_or_default()
    }

    fn print(&self, counters: &InputCounters) {
        println!("{:?}", counters.named());
        println!("gaps (how many, samples): {:?}; statuses: {:?}", self.gaps, self.states);
        println!("{} events, each with its offset; {} segments", self.events, self.segments.len());
    }

    fn settle(&self, counters: &InputCounters, lost_in_driver: u64, spec: &FeaturiserSpec) {
        assert_eq!(self.open, BTreeSet::new(), "events without an offset");
        assert_eq!(
            self.gap("overrun").1,
            counters.samples_dropped.get(),
            "dropped samples are gaps"
        );
        assert_eq!(self.gap("driver_overrun").1, lost_in_driver);
        let scored: u64 = self.segments.iter().map(|segment| segment.windows).sum();
        assert_eq!(scored, counters.windows_scored.get());
        // windows that a segment has room for: exact at the model's own rate, to the resampler's few milliseconds at others
        let (mut expected, mut slack) = (0, 0);
        let model_hz = u64::from(spec.front_end.sample_rate_hz.hz());
        let hop = (spec.window.hop_frames * spec.front_end.frame_hop_samples) as u64;
        let window = spec.front_end.samples_of(spec.window.frames);
        let captured_per_segment =
            self.captured_per_segment(counters, |hz| (window * hz / model_hz, hop * hz / model_hz));
        for (segment, captured) in self.segments.iter().zip(captured_per_segment) {
            let hz = u64::from(segment.rate.hz());
            let captured = captured * model_hz / hz;
            expected += (captured + hop).saturating_sub(window) / hop;
            slack += u64::from(hz != model_hz);
        }
        let counted = scored + counters.windows_skipped.get();
        println!(
            "{counted} windows scored or skipped; {expected} fit in what was captured, give or take {slack}"
        );
        assert!(counted.abs_diff(expected) <= slack);
    }

    /// Samples captured in each segment. With those dropped they are all that came, to the rounding of an index where the rate
    /// changed; what the last segment then has left is what its windows took, or less than one window if it has none, and the
    /// hops of those skipped at its end; how many those are follows from the number of windows.
    /// `lengths`: samples of a window and of a hop at a rate in Hz.
    fn captured_per_segment(
        &self,
        counters: &InputCounters,
        lengths: impl Fn(u64) -> (u64, u64),
    ) -> Vec<u64> {
        let (last, ended) = self.segments.split_last().unwrap();
        let mut captured_per_segment: Vec<u64> =
            ended.iter().map(|segment| segment.end.unwrap() - segment.start).collect();
        let captured = counters.samples_captured.get() - counters.samples_dropped.get();
        let rest = captured as i64 - captured_per_segment.iter().sum::<u64>() as i64;
        let scored = (last.last_end - last.start) as i64;
        let losses = self.gap("device_lost").0 as i64;
        let (window, hop) = lengths(u64::from(last.rate.hz()));
        let next = if last.windows == 0 { window } else { hop } as i64;
        println!(
            "{captured} samples captured, {rest} of them after the last gap, {scored} of those in windows"
        );
        let skipped = counters.windows_skipped.get() as i64 * hop as i64;
        assert!(
            (scored - losses..scored + losses + next + skipped).contains(&rest),
            "samples unaccounted for"
        );
        captured_per_segment.push(rest as u64);
        captured_per_segment
    }
}
