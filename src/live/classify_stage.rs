//! The thread `tympan-classify`: scores windows and makes records of what is heard. Fed by the feature stage, feeds the
//! outputs.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::Sender;

use super::heard::{Handover, Heard, StageTimes, WindowObserver};
use super::hurry::Hurry;
use super::window_outlet::{WINDOWS_WAITING, WindowInlet};
use super::{LiveError, StatusBoard};
use crate::domain::{Counters, MelWindow, Published, Record, SampleRate, Scores};
use crate::recognition::{Gap, Recogniser, RecognitionRules, Scorer, ScorerError};
use crate::sinks::Fanout;

/// Windows scored before the first real one. The first 2 to 20 runs of a network are slow: memory is found, kernels are
/// chosen for the shapes.
pub const WARM_UP_WINDOWS: u64 = WARM_UP_SEGMENTS * (WINDOWS_WAITING as u64 + 1);

/// The warm-up windows come in this many segments, counted down from `u64::MAX`, where no real segment ever is: a
/// scorer that keeps what it computed can never take it for a part of real audio. Several, so that both the first
/// window of a segment and those that follow are warm, alone and together.
pub const WARM_UP_SEGMENTS: u64 = 4;

/// The body of the thread.
pub(super) struct ClassifyStage {
    pub(super) scorer: Box<dyn Scorer>,
    pub(super) rules: RecognitionRules,
    pub(super) source: Arc<str>,
    pub(super) sample_rate: SampleRate,
    /// A window of the right shape.
    pub(super) example: MelWindow,
    pub(super) hop_frames: u64,
    pub(super) inlet: WindowInlet,
    pub(super) publisher: Publisher,
    /// Dropped once the scorer is warm.
    pub(super) ready: Sender<()>,
    pub(super) counters: Arc<Counters>,
    pub(super) hurry: Hurry,
}

impl ClassifyStage {
    /// Warms up, says so, and works until the feature stage has ended or the scorer fails. Whatever happens, events that
    /// began end.
    pub(super) fn run(self) -> Result<(), LiveError> {
        let Self {
            mut scorer,
            rules,
            source,
            sample_rate,
            example,
            hop_frames,
            inlet,
            publisher,
            ready,
            ..
        } = self;
        warm_up(&mut *scorer, example, hop_frames, &self.hurry)?;
        let mut listener = Listener {
            recogniser: Recogniser::new(scorer, rules, source, sample_rate)?,
            inlet,
            publisher,
            counters: self.counters,
            hurry: self.hurry,
            windows: Vec::with_capacity(WINDOWS_WAITING),
            featured: Vec::with_capacity(WINDOWS_WAITING),
        };
        // Nobody waits any more if the supervisor has been told to stop meanwhile.
        let _ = ready.try_send(());
        let outcome = listener.listen();
        let Listener { recogniser, publisher, .. } = &mut listener;
        recogniser.finish(&mut |published| publisher.outputs.publish(published));
        Ok(outcome?)
    }
}

/// Has a scorer score [`WARM_UP_WINDOWS`] windows like `example`.
pub(super) fn warm_up(
    scorer: &mut dyn Scorer,
    example: MelWindow,
    hop_frames: u64,
    hurry: &Hurry,
) -> Result<(), ScorerError> {
    let began = Instant::now();
    let in_a_segment = WINDOWS_WAITING + 1;
    let mut windows = vec![example; in_a_segment];
    let mut scores = vec![Scores::zeros(scorer.labels().len()); in_a_segment];
    for segment in (0..WARM_UP_SEGMENTS).take_while(|_| !hurry.is_on()) {
        for (window, hops) in windows.iter_mut().zip(0..) {
            window.segment = u64::MAX - segment;
            window.start_frame = hops * hop_frames;
        }
        // one by one, and as many at a time as can have waited
        let at_a_time = if segment % 2 == 0 { 1 } else { WINDOWS_WAITING };
        scorer.score_into(&windows[..1], &mut scores[..1])?;
        let rest = windows[1..].chunks(at_a_time).zip(scores[1..].chunks_mut(at_a_time));
        for (windows, scores) in rest.take_while(|_| !hurry.is_on()) {
            scorer.score_into(windows, scores)?;
        }
    }
    log::debug!("the scorer is warm after {WARM_UP_WINDOWS} windows in {:?}", began.elapsed());
    Ok(())
}

/// Completes the records of windows and hands everything to the outputs.
pub(super) struct Publisher {
    pub(super) outputs: Arc<Fanout>,
    pub(super) board: Arc<StatusBoard>,
    pub(super) on_window: Option<WindowObserver>,
}

impl Publisher {
    /// Publishes the record of a window that has just been scored.
    fn publish_window(&mut self, mut published: Published, arrival: Instant, featured: Instant) {
        let scored = Instant::now();
        if let Record::Window(window) = &mut published.record {
            let latency = scored.saturating_duration_since(arrival);
            window.latency_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
            if let Some(on_window) = &mut self.on_window {
                on_window(window, StageTimes { arrival, featured, scored });
            }
            self.board.window_published(window, arrival);
        }
        self.outputs.publish(published);
    }
}

/// The stage once it is warm.
struct Listener {
    recogniser: Recogniser,
    inlet: WindowInlet,
    publisher: Publisher,
    counters: Arc<Counters>,
    hurry: Hurry,
    /// Windows that were waiting, to be scored in one go; no more than may wait.
    windows: Vec<MelWindow>,
    /// When each was sent.
    featured: Vec<Instant>,
}

impl Listener {
    fn listen(&mut self) -> Result<(), ScorerError> {
        while let Ok(mut heard) = self.inlet.heard.recv() {
            // a burst after a stall is scored together, up to whatever comes between
            loop {
                match heard {
                    Heard::Window { window, featured } => {
                        self.windows.push(window);
                        self.featured.push(featured);
                    }
                    Heard::Gap(gap) => {
                        self.score_waiting()?;
                        self.tell(gap);
                    }
                    Heard::Handover(handover) => {
                        self.score_waiting()?;
                        self.hand_over(*handover);
                    }
                }
                if self.windows.len() == WINDOWS_WAITING {
                    break;
                }
                match self.inlet.heard.try_recv() {
                    Ok(next) => heard = next,
                    Err(_) => break,
                }
            }
            self.score_waiting()?;
        }
        Ok(())
    }

    fn tell(&mut self, gap: Gap) {
        let outputs = &self.publisher.outputs;
        self.recogniser.gap(gap, &mut |published| outputs.publish(published));
    }

    fn hand_over(&mut self, handover: Handover) {
        let Handover { recogniser, inlet, done } = handover;
        let outputs = &self.publisher.outputs;
        self.recogniser.replace_with(*recogniser, &mut |published| outputs.publish(published));
        if let Some(inlet) = inlet {
            self.inlet = inlet;
        }
        // nobody waits any more when the daemon has ended meanwhile
        let _ = done.try_send(Ok(()));
    }

    /// Scores the windows at hand and gives their buffers back.
    fn score_waiting(&mut self) -> Result<(), ScorerError> {
        let count = self.windows.len() as u64;
        if self.hurry.is_on() {
            self.counters.windows_skipped.add(count);
        } else if count > 0 {
            let publisher = &mut self.publisher;
            let mut times = self.windows.iter().map(|window| window.arrival).zip(&self.featured);
            self.recogniser.push_batch(&self.windows, &mut |published| {
                if !matches!(published.record, Record::Window(_)) {
                    return publisher.outputs.publish(published);
                }
                // A window's record comes first, as soon as its scores are there.
                let (arrival, featured) = times.next().expect("invariant: one record a window");
                publisher.publish_window(published, arrival, *featured);
            })?;
            self.counters.windows_scored.add(count);
        }
        self.featured.clear();
        for window in self.windows.drain(..) {
            // Never full: there are as many places as buffers. The feature stage may have ended.
            let _ = self.inlet.spent.try_send(window);
        }
        Ok(())
    }
}
