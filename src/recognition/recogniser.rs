//! Windows in, records out. Fed by the featuriser's windows and the ring's gaps, feeds the outputs or the offline
//! scan; runs on the classify thread, or wherever a clip is scanned.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Detection, Detector, DetectorSpec, RecognitionError, Scorer, ScorerError, Smoother};
use crate::domain::{
    EventPhase, EventRecord, GapCause, GapRecord, LabelScore, LabelSet, MelWindow, Published,
    Record, SampleIndex, SampleRate, Scores, StreamId, TopScores, WindowRecord,
};

/// How scores become records.
#[derive(Debug, Clone)]
pub struct RecognitionRules {
    /// Time constant of the smoothing; zero: none.
    pub smoothing: Duration,
    /// When events begin and end.
    pub detector: DetectorSpec,
    /// Labels, as indices, of which no recording may be kept: windows in which one of them scores at or above its threshold,
    /// smoothed or not, are marked.
    pub denied_labels: Vec<usize>,
    /// How many labels a window record lists; 5 is usual.
    pub top_labels: usize,
}

/// Audio that was lost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// The first lost sample.
    pub start_sample: SampleIndex,
    /// The rate that all indices from here on count at.
    pub sample_rate: SampleRate,
    /// How many were lost.
    pub samples: u64,
    /// Why.
    pub cause: GapCause,
    /// When the first of them was due.
    pub time: Timestamp,
}

/// Scores windows, smooths the scores, detects events, and says all of it in records.
///
/// Each window gives one window record, then the events that ended with it in the order of their ids, then those that
/// began. Every onset is followed by its offset, at the latest from [`gap`](Self::gap) or [`finish`](Self::finish).
/// Window records list denied labels too; the lists rule events alone. In a window below the detector's minimum level
/// every score counts as 0, in its record as well: what a network says of silence is noise.
///
/// Wall times follow the arrival of the window in which something was decided, less the audio time since: they do not
/// drift from the clock however far the sound card's does.
pub struct Recogniser {
    scorer: Box<dyn Scorer>,
    source: Arc<str>,
    sample_rate: SampleRate,
    smoothing: Duration,
    smoother: Smoother,
    detector: Detector,
    top_labels: usize,
    denied_labels: Vec<usize>,
    /// Scores of a batch, kept for the next.
    scores: Vec<Scores>,
    /// Label indices, to be sorted by score.
    ranking: Vec<usize>,
    last: Option<LastWindow>,
}

/// Where the audio stood at the last window: what wall times are counted from.
#[derive(Debug, Clone, Copy)]
struct LastWindow {
    stream: StreamId,
    segment: u64,
    end_sample: SampleIndex,
    time: Timestamp,
}

impl Recogniser {
    /// Joins a scorer and the rules for its scores. `source` is named in every record; every sample index counts at
    /// `sample_rate`.
    ///
    /// # Panics
    /// At the first window, when there is no such denied label.
    ///
    /// # Errors
    /// [`RecognitionError::LabelsDiffer`] when the detector was made for another model's labels.
    pub fn new(
        scorer: Box<dyn Scorer>,
        rules: RecognitionRules,
        source: impl Into<Arc<str>>,
        sample_rate: SampleRate,
    ) -> Result<Self, RecognitionError> {
        let RecognitionRules { smoothing, detector, denied_labels, top_labels } = rules;
        check_labels(&*scorer, &detector)?;
        let labels = scorer.labels().len();
        Ok(Self {
            scorer,
            source: source.into(),
            sample_rate,
            smoothing,
            smoother: Smoother::new(labels, smoothing, sample_rate),
            detector: Detector::new(detector, sample_rate),
            top_labels: top_labels.min(labels),
            denied_labels,
            scores: Vec::new(),
            ranking: (0..labels).collect(),
            last: None,
        })
    }

    /// Takes in one window; see [`push_batch`](Self::push_batch).
    ///
    /// # Errors
    /// As [`push_batch`](Self::push_batch).
    pub fn push(
        &mut self,
        window: &MelWindow,
        emit: &mut dyn FnMut(Published),
    ) -> Result<(), ScorerError> {
        self.push_batch(std::slice::from_ref(window), emit)
    }

    /// Takes in `windows`, oldest first, scored in one call; gives the same records as one after the other.
    ///
    /// A window of a new segment ends the events of the one before, as a gap does.
    ///
    /// # Real time
    /// Allocates nothing once a batch of this length has been seen, as long as records list no more than 5 labels.
    ///
    /// # Errors
    /// [`ScorerError`] when the scorer fails, or when its answer holds another number of scores than there are labels,
    /// or one that is not a number between 0 and 1; its source says which. The windows before the bad one have had
    /// their records by then, and [`finish`](Self::finish) still ends what is open.
    pub fn push_batch(
        &mut self,
        windows: &[MelWindow],
        emit: &mut dyn FnMut(Published),
    ) -> Result<(), ScorerError> {
        let labels = self.scorer.labels().len();
        if self.scores.len() < windows.len() {
            self.scores.resize_with(windows.len(), || Scores::zeros(labels));
        }
        let mut scores = std::mem::take(&mut self.scores);
        let scored = self.scorer.score_into(windows, &mut scores[..windows.len()]);
        if scored.is_err() && windows.len() > 1 {
            // which of them it was: those before it get their records
            self.scores = scores;
            return windows.iter().try_for_each(|window| self.push(window, emit));
        }
        let processed = scored.and_then(|()| {
            windows
                .iter()
                .zip(&mut scores)
                .try_for_each(|(window, scores)| self.process_window(window, scores, emit))
        });
        self.scores = scores;
        processed
    }

    /// Ends every open event with the last window, reports the gap, and starts afresh after it, at the source's new
    /// rate if it has one.
    pub fn gap(&mut self, gap: Gap, emit: &mut dyn FnMut(Published)) {
        self.finish(emit);
        if gap.sample_rate != self.sample_rate {
            self.set_sample_rate(gap.sample_rate, emit);
        }
        let record = Record::Gap(GapRecord {
            time: gap.time,
            source: Arc::clone(&self.source),
            start_sample: gap.start_sample,
            samples: gap.samples,
            cause: gap.cause,
        });
        emit(record.into());
    }

    /// Ends every open event with the last window. Windows may follow: they start afresh.
    pub fn finish(&mut self, emit: &mut dyn FnMut(Published)) {
        if let Some(last) = self.last.take() {
            let (labels, sample_rate) = (self.scorer.labels(), self.sample_rate);
            let builder = RecordBuilder { source: &self.source, labels, sample_rate, last };
            self.detector.close_all(&mut |detection| emit(builder.event(detection).into()));
        }
        self.smoother.reset();
    }

    /// Goes on with a source that came back at another rate: ends what is open, and keeps counting ids.
    pub fn set_sample_rate(&mut self, sample_rate: SampleRate, emit: &mut dyn FnMut(Published)) {
        self.finish(emit);
        self.sample_rate = sample_rate;
        self.smoother = Smoother::new(self.scorer.labels().len(), self.smoothing, sample_rate);
        self.detector.set_sample_rate(sample_rate);
    }

    /// Goes on with another source: ends what is open, and keeps counting ids.
    pub fn set_source(
        &mut self,
        source: Arc<str>,
        sample_rate: SampleRate,
        emit: &mut dyn FnMut(Published),
    ) {
        self.set_sample_rate(sample_rate, emit);
        self.source = source;
    }

    /// Scores and detects as `other` from here on: ends what is open, keeps counting ids, and stays with the source and
    /// its rate.
    pub fn replace_with(&mut self, other: Self, emit: &mut dyn FnMut(Published)) {
        self.finish(emit);
        let Self {
            scorer,
            smoothing,
            smoother,
            detector,
            top_labels,
            denied_labels,
            scores,
            ranking,
            ..
        } = other;
        (self.scorer, self.smoothing, self.smoother) = (scorer, smoothing, smoother);
        (self.top_labels, self.denied_labels) = (top_labels, denied_labels);
        (self.scores, self.ranking) = (scores, ranking);
        self.detector.replace_with(detector);
        self.set_sample_rate(self.sample_rate, emit);
    }

    fn process_window(
        &mut self,
        window: &MelWindow,
        scores: &mut Scores,
        emit: &mut dyn FnMut(Published),
    ) -> Result<(), ScorerError> {
        self.check_scores(window, &mut scores.0)?;
        let part = (window.stream, window.segment);
        if self.last.is_some_and(|last| (last.stream, last.segment) != part) {
            self.finish(emit);
        }
        let mut contains_denied =
            is_any_reached(&self.denied_labels, self.detector.spec(), &scores.0);
        if !self.detector.spec().is_audible(window.level_dbfs) {
            scores.0.fill(0.0);
        }
        let smoothed = self.smoother.push(window.end_sample, &scores.0);
        // equal scores in the order of the labels, so that records never depend on the sort
        self.ranking.sort_unstable_by(|&a, &b| smoothed[b].total_cmp(&smoothed[a]).then(a.cmp(&b)));
        contains_denied |= is_any_reached(&self.denied_labels, self.detector.spec(), smoothed);
        let last = LastWindow {
            stream: window.stream,
            segment: window.segment,
            end_sample: window.end_sample,
            time: window.time,
        };
        self.last = Some(last);
        let labels = self.scorer.labels();
        let best = self.ranking[..self.top_labels].iter().map(|&label| LabelScore {
            label: Arc::clone(labels.label(label)),
            score: smoothed[label],
        });
        let builder =
            RecordBuilder { source: &self.source, labels, sample_rate: self.sample_rate, last };
        let record = Record::Window(builder.window(window, best.collect()));
        emit(Published { record, contains_denied });
        self.detector
            .push(window, smoothed, &mut |detection| emit(builder.event(detection).into()));
        Ok(())
    }

    /// Refuses what is not a score; what rounding put just outside 0 to 1 is put back.
    fn check_scores(&self, window: &MelWindow, scores: &mut [f32]) -> Result<(), ScorerError> {
        /// An average of 110 softmax outputs in `f32` is off by less than a thousandth of this.
        const ROUNDING: f32 = 1e-3;
        let refuse = |error: RecognitionError| Err(ScorerError(Box::new(error)));
        let (labels, end_sample) = (self.scorer.labels(), window.end_sample);
        if scores.len() != labels.len() {
            let (found, expected) = (scores.len(), labels.len());
            return refuse(RecognitionError::ScoreCount { found, expected, end_sample });
        }
        for (index, score) in scores.iter_mut().enumerate() {
            if !(-ROUNDING..=1.0 + ROUNDING).contains(score) {
                let label = labels.label(index).to_string();
                return refuse(RecognitionError::BadScore { label, score: *score, end_sample });
            }
            *score = score.clamp(0.0, 1.0);
        }
        Ok(())
    }
}

/// Makes records: names the source and turns sample indices into wall time.
struct RecordBuilder<'a> {
    source: &'a Arc<str>,
    labels: &'a LabelSet,
    sample_rate: SampleRate,
    last: LastWindow,
}

impl RecordBuilder<'_> {
    fn window(&self, window: &MelWindow, scores: TopScores) -> WindowRecord {
        WindowRecord {
            time: window.time,
            source: Arc::clone(self.source),
            start_sample: window.start_sample,
            end_sample: window.end_sample,
            scores,
            level_dbfs: window.level_dbfs,
            // the offline scan and the classify stage fill in these two
            padded_samples: 0,
            latency_us: 0,
        }
    }

    fn event(&self, detection: Detection) -> Record {
        let at = match detection.phase {
            EventPhase::Onset { .. } => detection.start_sample,
            EventPhase::Offset { end_sample, .. } => end_sample,
        };
        Record::Event(EventRecord {
            phase: detection.phase,
            id: detection.id,
            label: Arc::clone(self.labels.label(detection.label)),
            time: self.time_of(at),
            source: Arc::clone(self.source),
            start_sample: detection.start_sample,
        })
    }

    /// The wall clock at `sample`, counted back from the arrival of the last window.
    fn time_of(&self, sample: SampleIndex) -> Timestamp {
        let ago = self.sample_rate.duration_of(self.last.end_sample.since(sample));
        self.last.time.saturating_sub(ago).unwrap_or(self.last.time)
    }
}

/// Whether one of these `labels` scores at or above its threshold.
fn is_any_reached(labels: &[usize], spec: &DetectorSpec, scores: &[f32]) -> bool {
    labels.iter().any(|&label| scores[label] >= spec.thresholds(label).on)
}

fn check_labels(scorer: &dyn Scorer, detector: &DetectorSpec) -> Result<(), RecognitionError> {
    let (ours, theirs) = (detector.labels(), scorer.labels());
    if ours == theirs {
        return Ok(());
    }
    let parted = ours.iter().zip(theirs.iter()).enumerate().find(|(_, (a, b))| a != b);
    let difference = match parted {
        Some((index, (a, b))) => {
            format!("label {index} is {a:?} for the detector, {b:?} for the scorer")
        }
        None => "one has labels more at its end".to_owned(),
    };
    Err(RecognitionError::LabelsDiffer { detector: ours.len(), scorer: theirs.len(), difference })
}
