//! The rules that give an input its state, from counters and from what its samples look like. Given a snapshot by the
//! supervisor at every tick; pure: time is an argument.

use std::time::{Duration, Instant};

use super::input_level::InputLevel;
use super::sink_stalls::SinkStall;
use crate::domain::{InputCounters, SampleRate, State};

/// An overload or clipping is over once it has not been seen for this long: a state that comes and goes every second
/// would be a line a second.
const CALM: Duration = Duration::from_secs(5);

/// Clipping is judged by the second: 1 in 1000 samples in flat tops is audible as distortion.
const CLIPPING_SPAN: Duration = Duration::from_secs(1);
const CLIPPING_SHARE: u64 = 1000;

/// Samples that are no numbers are judged by the second as well: fewer are crackles, as a cable makes.
const INVALID_SHARE: u64 = 1000;

/// A room is reported as quiet after this much of it: long enough that a pause in a conversation is none.
const QUIET_AFTER: Duration = Duration::from_secs(60);

/// What else there is to know of an input at one moment.
#[derive(Debug, Clone, Default)]
pub(in crate::live) struct InputConditions {
    /// For how long none of its windows has been loud enough to be judged.
    pub quiet_for: Duration,
    /// The output that stands still: records of every input wait for it.
    pub stall: Option<SinkStall>,
    /// By the outputs, whichever inputs the events are of.
    pub events_dropped: u64,
    /// In this process, by all inputs.
    pub streams_left_behind: u64,
}

/// The counts at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::live) struct CounterSnapshot {
    pub samples: u64,
    pub zero_run: u64,
    pub flat_run: u64,
    pub quiet_for: Duration,
    pub clipped: u64,
    pub repaired: u64,
    pub windows_skipped: u64,
    pub samples_dropped: u64,
    pub events_dropped: u64,
}

impl CounterSnapshot {
    pub(in crate::live) fn take(
        counters: &InputCounters,
        level: &InputLevel,
        conditions: &InputConditions,
    ) -> Self {
        Self {
            samples: level.samples.get(),
            zero_run: level.zero_run(),
            flat_run: level.flat_run(),
            quiet_for: conditions.quiet_for,
            clipped: level.clipped.get(),
            repaired: counters.samples_repaired.get(),
            windows_skipped: counters.windows_skipped.get(),
            samples_dropped: counters.samples_dropped.get(),
            events_dropped: conditions.events_dropped,
        }
    }

    fn losses(&self) -> u64 {
        self.windows_skipped + self.samples_dropped + self.events_dropped
    }
}

/// A change of state, and its words for people.
#[derive(Debug, PartialEq)]
pub(in crate::live) struct StateChange {
    pub state: State,
    pub detail: String,
}

/// What an input may be judged by. Where everybody waits for room, nothing is dropped, a recording's silences are its own, and only
/// samples that are no numbers are a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::live) enum InputTiming {
    /// A device, or what plays in real time: by everything.
    Live,
    /// A pipe that is read as fast as it comes: by everything, while it keeps time.
    Stream,
    /// A recording that is read as fast as possible.
    Recording,
}

/// A stream keeps time once it has done so for this many seconds.
const IN_TIME_AFTER: u32 = 5;

/// What was noticed when.
pub(in crate::live) struct Health {
    timing: InputTiming,
    sample_rate: SampleRate,
    /// For how many seconds in a row as much audio has come as time went by.
    seconds_in_time: u32,
    silent_after_samples: u64,
    silent_after: Duration,
    state: State,
    first: CounterSnapshot,
    last: CounterSnapshot,
    overloaded_at: Option<Instant>,
    clipped_at: Option<Instant>,
    invalid_at: Option<Instant>,
    stall: Option<SinkStall>,
    /// When the last samples came.
    delivered_at: Instant,
    span: (Instant, CounterSnapshot),
}

impl Health {
    /// Listening, as of `now`; losses before `first` do not count.
    pub(in crate::live) fn new(
        timing: InputTiming,
        silent_after: Duration,
        sample_rate: SampleRate,
        now: Instant,
        first: CounterSnapshot,
    ) -> Self {
        Self {
            timing,
            sample_rate,
            seconds_in_time: 0,
            // no time at all would call every single zero a silence
            silent_after_samples: sample_rate.samples_in(silent_after).max(1),
            silent_after,
            state: State::Listening,
            first,
            last: first,
            overloaded_at: None,
            clipped_at: None,
            invalid_at: None,
            stall: None,
            delivered_at: now,
            span: (now, first),
        }
    }

    /// Takes the counts of `now`; gives the state if it is another one than before.
    ///
    /// Of several states the one that loses most is reported: overloaded, then stalled, invalid, silent, flat, clipping, and
    /// quiet.
    pub(in crate::live) fn observe(
        &mut self,
        now: Instant,
        snapshot: CounterSnapshot,
        stall: Option<SinkStall>,
    ) -> Option<StateChange> {
        self.stall = stall;
        if snapshot.losses() > self.last.losses() {
            self.overloaded_at = Some(now);
        }
        if snapshot.samples > self.last.samples {
            self.delivered_at = now;
        }
        self.last = snapshot;
        let (begin, before) = self.span;
        if now.saturating_duration_since(begin) >= CLIPPING_SPAN {
            let samples = snapshot.samples - before.samples;
            let clipped = snapshot.clipped - before.clipped;
            if clipped > 0 && clipped * CLIPPING_SHARE >= samples {
                self.clipped_at = Some(now);
            }
            let due = self.sample_rate.samples_in(now.saturating_duration_since(begin));
            let is_in_time = samples >= due / 2 && samples <= due + due / 2;
            self.seconds_in_time =
                if is_in_time { self.seconds_in_time.saturating_add(1) } else { 0 };
            let repaired = snapshot.repaired - before.repaired;
            if repaired > 0 && repaired * INVALID_SHARE >= samples {
                self.invalid_at = Some(now);
            }
            self.span = (now, snapshot);
        }
        let state = self.state_at(now, snapshot);
        if state == self.state {
            return None;
        }
        let detail = self.detail(state, now);
        self.state = state;
        Some(StateChange { state, detail })
    }

    fn state_at(&self, now: Instant, snapshot: CounterSnapshot) -> State {
        let recent = |seen: Option<Instant>| {
            seen.is_some_and(|seen| now.saturating_duration_since(seen) < CALM)
        };
        let is_live = match self.timing {
            InputTiming::Live => true,
            InputTiming::Stream => self.seconds_in_time >= IN_TIME_AFTER,
            InputTiming::Recording => false,
        };
        if !is_live {
            return if recent(self.invalid_at) { State::Invalid } else { State::Listening };
        }
        if recent(self.overloaded_at) {
            State::Overloaded
        } else if self.stall.is_some() {
            State::Stalled
        } else if recent(self.invalid_at) {
            State::Invalid
        } else if self.is_without_audio(now) || snapshot.zero_run >= self.silent_after_samples {
            State::Silent
        } else if snapshot.flat_run >= self.silent_after_samples {
            State::Flat
        } else if recent(self.clipped_at) {
            State::Clipping
        } else if snapshot.quiet_for >= QUIET_AFTER {
            State::Quiet
        } else {
            State::Listening
        }
    }

    /// Whether the source has delivered nothing at all for a while, without saying that it is lost.
    fn is_without_audio(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.delivered_at) >= self.silent_after.max(CALM)
    }

    fn detail(&self, state: State, now: Instant) -> String {
        match state {
            State::Silent if self.last.zero_run < self.silent_after_samples => format!(
                "nothing at all has arrived for {} s: has whatever writes it stopped?",
                now.saturating_duration_since(self.delivered_at).as_secs()
            ),
            State::Overloaded => format!(
                "this machine does not keep up: {} windows skipped, {} samples and {} events dropped so far",
                self.last.windows_skipped - self.first.windows_skipped,
                self.last.samples_dropped - self.first.samples_dropped,
                self.last.events_dropped - self.first.events_dropped,
            ),
            State::Stalled => self.stall.as_ref().map(SinkStall::to_string).unwrap_or_default(),
            State::Invalid => format!(
                "samples are no numbers or absurdly large, {} so far, and are left out: is the format right (integer or \
                 float, byte order), or a channel broken ([source.microphone] channel chooses one)?",
                self.last.repaired
            ),
            State::Silent => format!(
                "every sample of the last {} s was exactly 0: is the input muted (alsamixer, pavucontrol)?",
                self.silent_after.as_secs_f32()
            ),
            State::Flat => format!(
                "the last {} s were flatter than the quietest room: is the microphone plugged in and switched on?",
                self.silent_after.as_secs_f32()
            ),
            State::Quiet => format!(
                "nothing has been loud enough to be judged for {} s (min_level_dbfs): a very quiet room, or too little \
                 gain (alsamixer, pavucontrol)",
                QUIET_AFTER.as_secs()
            ),
            State::Clipping => {
                "the input sits at full scale: lower its gain (alsamixer, pavucontrol)".to_owned()
            }
            _ => format!("no longer {}", self.state),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Observed {
        health: Health,
        began: Instant,
        stall: Option<SinkStall>,
    }

    impl Observed {
        fn new() -> Self {
            let began = Instant::now();
            let rate = SampleRate::new(16_000).unwrap();
            let (timing, silent_after) = (InputTiming::Live, Duration::from_secs(10));
            let health = Health::new(timing, silent_after, rate, began, CounterSnapshot::default());
            Self { health, began, stall: None }
        }

        fn after(&mut self, ms: u64, snapshot: CounterSnapshot) -> Option<State> {
            let samples = 16 * ms;
            let now = self.began + Duration::from_millis(ms);
            self.health
                .observe(now, CounterSnapshot { samples, ..snapshot }, self.stall.clone())
                .map(|change| change.state)
        }
    }

    #[test]
    fn ten_seconds_of_exact_zeros_are_silence_until_the_first_other_sample() {
        let mut observed = Observed::new();
        let zeros = |zero_run| CounterSnapshot { zero_run, ..CounterSnapshot::default() };
        assert_eq!(observed.after(9_990, zeros(159_999)), None);
        assert_eq!(observed.after(10_000, zeros(160_000)), Some(State::Silent));
        assert_eq!(observed.after(20_000, zeros(320_000)), None);
        assert_eq!(observed.after(20_020, zeros(0)), Some(State::Listening));
    }

    #[test]
    fn a_line_that_is_flat_but_not_zero_is_not_taken_for_zeros() {
        let mut observed = Observed::new();
        let run = |zero_run, flat_run| CounterSnapshot {
            zero_run,
            flat_run,
            ..CounterSnapshot::default()
        };
        assert_eq!(observed.after(10_000, run(0, 159_999)), None);
        assert_eq!(observed.after(10_010, run(0, 160_160)), Some(State::Flat));
        assert_eq!(observed.after(20_010, run(160_000, 320_160)), Some(State::Silent));
        assert_eq!(observed.after(20_020, run(0, 160)), Some(State::Listening));
    }

    #[test]
    fn a_minute_below_the_level_that_is_scored_is_a_quiet_room_and_no_fault() {
        let mut observed = Observed::new();
        let quiet = |seconds| CounterSnapshot {
            quiet_for: Duration::from_secs(seconds),
            ..CounterSnapshot::default()
        };
        assert_eq!(observed.after(59_000, quiet(59)), None);
        assert_eq!(observed.after(60_000, quiet(60)), Some(State::Quiet));
        assert_eq!(observed.after(61_000, quiet(0)), Some(State::Listening));
    }

    #[test]
    fn an_overload_is_reported_once_with_its_losses_and_is_over_after_five_calm_seconds() {
        let mut observed = Observed::new();
        let skipped =
            |windows_skipped| CounterSnapshot { windows_skipped, ..CounterSnapshot::default() };
        assert_eq!(observed.after(100, skipped(0)), None);
        let now = observed.began + Duration::from_millis(200);
        let change = observed.health.observe(now, skipped(3), None);
        let change = change.unwrap();
        assert_eq!(change.state, State::Overloaded);
        assert!(change.detail.contains("3 windows skipped"), "{}", change.detail);
        assert_eq!(observed.after(4_000, skipped(4)), None);
        assert_eq!(observed.after(8_900, skipped(4)), None);
        assert_eq!(observed.after(9_000, skipped(4)), Some(State::Listening));
    }

    #[test]
    fn flat_tops_in_one_sample_of_a_thousand_are_clipping_and_fewer_are_not() {
        let mut observed = Observed::new();
        let clipped = |clipped| CounterSnapshot { clipped, ..CounterSnapshot::default() };
        assert_eq!(observed.after(1_000, clipped(15)), None);
        assert_eq!(observed.after(2_000, clipped(31)), Some(State::Clipping));
        assert_eq!(observed.after(6_900, clipped(31)), None);
        assert_eq!(observed.after(7_000, clipped(31)), Some(State::Listening));
    }

    #[test]
    fn one_sample_in_a_thousand_that_is_no_number_is_a_state_also_where_everybody_waits() {
        for timing in [InputTiming::Live, InputTiming::Stream, InputTiming::Recording] {
            let mut observed = Observed::new();
            observed.health.timing = timing;
            let repaired = |repaired| CounterSnapshot { repaired, ..CounterSnapshot::default() };
            assert_eq!(observed.after(1_000, repaired(15)), None);
            assert_eq!(observed.after(2_000, repaired(31)), Some(State::Invalid));
            assert_eq!(observed.after(6_900, repaired(31)), None);
            assert_eq!(observed.after(7_000, repaired(31)), Some(State::Listening));
        }
    }

    #[test]
    fn a_pipe_has_the_states_of_a_device_while_it_keeps_time_and_a_recording_never_has() {
        let zeros = CounterSnapshot { zero_run: 200_000, ..CounterSnapshot::default() };
        let states = |timing, samples_a_second: u64| {
            let mut observed = Observed::new();
            observed.health.timing = timing;
            (1..=20)
                .filter_map(|second| {
                    let now = observed.began + Duration::from_secs(second);
                    let samples = samples_a_second * second;
                    let snapshot = CounterSnapshot { samples, ..zeros };
                    observed.health.observe(now, snapshot, None).map(|change| change.state)
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(states(InputTiming::Stream, 16_000), [State::Silent]);
        assert_eq!(states(InputTiming::Stream, 400_000), [], "it is read as fast as possible");
        assert_eq!(states(InputTiming::Stream, 0), [], "it pauses");
        assert_eq!(states(InputTiming::Recording, 16_000), []);
    }

    #[test]
    fn a_source_that_delivers_nothing_at_all_is_silent_until_it_does() {
        let mut observed = Observed::new();
        let nothing_more = |observed: &mut Observed, second| {
            let snapshot = CounterSnapshot { samples: 16_000, ..CounterSnapshot::default() };
            let now = observed.began + Duration::from_secs(second);
            observed.health.observe(now, snapshot, None)
        };
        assert_eq!(observed.after(1_000, CounterSnapshot::default()), None);
        assert_eq!(nothing_more(&mut observed, 10), None);
        let change = nothing_more(&mut observed, 11).unwrap();
        assert_eq!(change.state, State::Silent);
        assert!(change.detail.contains("has arrived for 10 s"), "{}", change.detail);
        assert_eq!(observed.after(12_000, CounterSnapshot::default()), Some(State::Listening));
    }

    #[test]
    fn an_output_that_stands_still_is_reported_with_its_name_until_it_moves() {
        let mut observed = Observed::new();
        let stall = SinkStall { sink: "stdout".to_owned(), lasting: Duration::from_secs(38) };
        let now = observed.began + Duration::from_millis(100);
        let change = observed.health.observe(now, CounterSnapshot::default(), Some(stall)).unwrap();
        assert_eq!(change.state, State::Stalled);
        assert!(change.detail.contains("stdout has taken nothing for 38 s"), "{}", change.detail);
        assert_eq!(observed.after(200, CounterSnapshot::default()), Some(State::Listening));
    }

    #[test]
    fn while_several_things_are_wrong_the_worst_is_reported() {
        let mut observed = Observed::new();
        let both = CounterSnapshot {
            zero_run: 200_000,
            samples_dropped: 480,
            ..CounterSnapshot::default()
        };
        assert_eq!(observed.after(13_000, both), Some(State::Overloaded));
        assert_eq!(observed.after(18_000, both), Some(State::Silent));
    }
}
