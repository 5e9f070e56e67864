//! Scores of one input in, records out. Fed by whoever scores windows, and with the ring's gaps; feeds the outputs or the
//! offline scan; runs on the classify thread, or wherever a clip is scanned.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{
    Detection, Detector, DetectorFault, DetectorSettings, DetectorSpec, EventIds, ModelTraits,
    RecognitionError, ScorerError, Smoother,
};
use crate::domain::{
    EventPhase, EventRecord, GapCause, GapRecord, LabelReason, LabelScore, LabelSet, MelWindow,
    Published, REASON_FLOOR, Reason, Record, SampleIndex, SampleRate, Scores, StreamId, TopScores,
    WindowRecord,
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

/// Time constant of the smoothing in `config.toml`.
const STANDARD_SMOOTHING: Duration = Duration::from_millis(150);

/// Labels of a window record in `config.toml`.
const STANDARD_TOP_LABELS: usize = 5;

/// Rules of detection that a model does not allow.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the rules of detection do not fit this model: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct DetectorFaults(pub Vec<DetectorFault>);

impl RecognitionRules {
    /// The defaults of `config.toml`, with the model's own thresholds.
    ///
    /// # Errors
    /// [`DetectorFaults`] when they make no sense with the model's thresholds or hop.
    pub fn standard(model: &ModelTraits) -> Result<Self, DetectorFaults> {
        Ok(Self {
            smoothing: STANDARD_SMOOTHING,
            detector: DetectorSpec::new(model, DetectorSettings::default())
                .map_err(DetectorFaults)?,
            denied_labels: Vec::new(),
            top_labels: STANDARD_TOP_LABELS,
        })
    }
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

/// Smooths the scores of one input's windows, detects its events, and makes records of both.
///
/// Each window gives one window record, then the events that ended with it in the order of their ids, then those that
/// began. Every onset is followed by its offset, at the latest from [`gap`](Self::gap) or [`finish`](Self::finish).
/// Window records list denied labels too; the lists rule events alone. In a window below the detector's minimum level
/// every score counts as 0, in its record as well: what a network says of silence is noise.
///
/// Wall times follow the arrival of the window in which something was decided, less the audio time since: they do not
/// drift from the clock however far the sound card's does. Where the clock is set back during an event, the event ends as
/// long after its beginning as it lasted, by the clock that it began by.
pub struct Tracker {
    source: Arc<str>,
    sample_rate: SampleRate,
    smoothing: Duration,
    smoother: Smoother,
    labels: LabelSet,
    detector: Detector,
    top_labels: usize,
    denied_labels: Vec<usize>,
    ids: EventIds,
    /// Whether window records say why labels began no event.
    gives_reasons: bool,
    /// Label indices, to be sorted by score.
    ranking: Vec<usize>,
    /// What the detector has made of the window at hand.
    detections: Vec<Detection>,
    last: Option<LastWindow>,
    /// The events that are open, by their ids, and when they began; one a label at most.
    open: Vec<(u64, Timestamp)>,
}

/// Where the audio stood at the last window: what wall times are counted from.
#[derive(Debug, Clone, Copy)]
struct LastWindow {
    stream: StreamId,
    segment: u64,
    end_sample: SampleIndex,
    time: Timestamp,
}

impl Tracker {
    /// Follows `rules`. `source` is named in every record; every sample index counts at `sample_rate`; events get the next
    /// of `ids`, which the trackers of a daemon share.
    pub fn new(
        rules: RecognitionRules,
        source: impl Into<Arc<str>>,
        sample_rate: SampleRate,
        ids: EventIds,
    ) -> Self {
        let RecognitionRules { smoothing, detector, denied_labels, top_labels } = rules;
        let labels = detector.labels().clone();
        Self {
            source: source.into(),
            sample_rate,
            smoothing,
            smoother: Smoother::new(labels.len(), smoothing, sample_rate),
            detector: Detector::new(detector, sample_rate, ids.clone()),
            top_labels: top_labels.min(labels.len()),
            denied_labels,
            ids,
            gives_reasons: false,
            ranking: (0..labels.len()).collect(),
            // at most one that ends and one that begins a label, and one that is over at once
            detections: Vec::with_capacity(3 * labels.len()),
            open: Vec::with_capacity(labels.len()),
            labels,
            last: None,
        }
    }

    /// The source's name.
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// Whether window records from here on say why labels began no event. Making them then allocates.
    pub fn set_gives_reasons(&mut self, gives_reasons: bool) {
        self.gives_reasons = gives_reasons;
    }

    /// Takes the scores of a window, as they come from a scorer.
    ///
    /// A window of a new segment ends the events of the one before, as a gap does.
    ///
    /// # Shapes
    /// `scores`: `[labels]`.
    ///
    /// # Real time
    /// Does not allocate, as long as records list no more than 5 labels and give no reasons.
    ///
    /// # Panics
    /// When there is no such denied label.
    ///
    /// # Errors
    /// [`ScorerError`] when there are more or fewer scores than labels, or one is not a number between 0 and 1; its source
    /// says which.
    pub fn push(
        &mut self,
        window: &MelWindow,
        scores: &mut Scores,
        emit: &mut dyn FnMut(Published),
    ) -> Result<(), ScorerError> {
        self.check_scores(window, &mut scores.values)?;
        let part = (window.stream, window.segment);
        if self.last.is_some_and(|last| (last.stream, last.segment) != part) {
            self.finish(emit);
        }
        let mut contains_denied =
            is_any_reached(&self.denied_labels, self.detector.spec(), &scores.values);
        let mut reasons = Vec::new();
        let is_audible = self.detector.spec().is_audible(window.level_dbfs);
        if !is_audible {
            if self.gives_reasons {
                reasons = self.reasons(&scores.values, |_, _| Reason::TooQuiet);
            }
            scores.values.fill(0.0);
        }
        self.smoother.push(window.end_sample, &scores.values);
        let smoothed = self.smoother.averages();
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
        let detections = &mut self.detections;
        self.detector.push(window, smoothed, &mut |detection| detections.push(detection));
        if self.gives_reasons && is_audible {
            reasons = self.reasons(smoothed, |label, score| self.reason(label, score, scores));
        }
        let labels = &self.labels;
        let best = self.ranking[..self.top_labels].iter().map(|&label| LabelScore {
            label: Arc::clone(labels.label(label)),
            score: smoothed[label],
        });
        let builder =
            RecordBuilder { source: &self.source, labels, sample_rate: self.sample_rate, last };
        let record = Record::Window(builder.window(window, best.collect(), reasons));
        emit(Published { record, contains_denied });
        for mut detection in self.detections.drain(..) {
            if let EventPhase::Onset { verifier_score, .. } = &mut detection.phase {
                *verifier_score = scores.verified.get(detection.label).copied();
            }
            emit(builder.event(detection, &mut self.open).into());
        }
        Ok(())
    }

    /// Ends every open event with the last window, reports the gap, and starts afresh after it, at the source's new rate if
    /// it has one.
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
            let Self { source, labels, detector, sample_rate, open, .. } = &mut *self;
            let sample_rate = *sample_rate;
            let builder = RecordBuilder { source, labels, sample_rate, last };
            detector.close_all(&mut |detection| emit(builder.event(detection, open).into()));
        }
        self.smoother.reset();
    }

    /// Goes on with a source that came back at another rate: ends what is open.
    pub fn set_sample_rate(&mut self, sample_rate: SampleRate, emit: &mut dyn FnMut(Published)) {
        self.set_source(Arc::clone(&self.source), sample_rate, emit);
    }

    /// Goes on with another source: ends what is open.
    pub fn set_source(
        &mut self,
        source: Arc<str>,
        sample_rate: SampleRate,
        emit: &mut dyn FnMut(Published),
    ) {
        self.finish(emit);
        let gives_reasons = self.gives_reasons;
        *self = Self {
            gives_reasons,
            ..Self::new(self.rules(), source, sample_rate, self.ids.clone())
        };
    }

    /// Goes on by the rules of another model: ends what is open, and stays with the source and its rate.
    pub fn swap_rules(&mut self, rules: RecognitionRules, emit: &mut dyn FnMut(Published)) {
        self.finish(emit);
        let (source, ids) = (Arc::clone(&self.source), self.ids.clone());
        let gives_reasons = self.gives_reasons;
        *self = Self { gives_reasons, ..Self::new(rules, source, self.sample_rate, ids) };
    }

    /// A reason for each label that reaches [`REASON_FLOOR`], highest score first.
    fn reasons(&self, scores: &[f32], reason: impl Fn(usize, f32) -> Reason) -> Vec<LabelReason> {
        let of_label = |(label, &score): (usize, &f32)| LabelReason {
            label: Arc::clone(self.labels.label(label)),
            score,
            threshold: self.detector.spec().thresholds(label).on,
            reason: reason(label, score),
        };
        let likely = scores.iter().enumerate().filter(|(_, score)| **score >= REASON_FLOOR);
        let mut reasons: Vec<LabelReason> = likely.map(of_label).collect();
        reasons.sort_by(|a, b| b.score.total_cmp(&a.score));
        reasons
    }

    /// Why the window at hand began no event of `label`, whose smoothed score is `score`.
    fn reason(&self, label: usize, score: f32, scores: &Scores) -> Reason {
        match self.detector.reason(label, score) {
            Reason::BelowThreshold => {}
            reason => return reason,
        }
        match scores.verified.get(label) {
            Some(&verifier_score) if verifier_score < scores.values[label] => {
                return Reason::Verifier { verifier_score };
            }
            _ => {}
        }
        let best = self.ranking[0];
        if best != label && !self.detector.spec().is_allowed(best) {
            return Reason::HeldBack { by: Arc::clone(self.labels.label(best)) };
        }
        Reason::BelowThreshold
    }

    fn rules(&self) -> RecognitionRules {
        RecognitionRules {
            smoothing: self.smoothing,
            detector: self.detector.spec().clone(),
            denied_labels: self.denied_labels.clone(),
            top_labels: self.top_labels,
        }
    }

    /// Refuses what is not a score; what rounding put just outside 0 to 1 is put back.
    fn check_scores(&self, window: &MelWindow, scores: &mut [f32]) -> Result<(), ScorerError> {
        /// An average of 110 softmax outputs in `f32` is off by less than a thousandth of this.
        const ROUNDING: f32 = 1e-3;
        let refuse = |error: RecognitionError| Err(ScorerError(Box::new(error)));
        let (labels, end_sample) = (&self.labels, window.end_sample);
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
    fn window(
        &self,
        window: &MelWindow,
        scores: TopScores,
        reasons: Vec<LabelReason>,
    ) -> WindowRecord {
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
            reasons,
        }
    }

    fn event(&self, detection: Detection, open: &mut Vec<(u64, Timestamp)>) -> Record {
        let time = match detection.phase {
            EventPhase::Onset { .. } => {
                let start = self.time_of(detection.start_sample);
                open.push((detection.id, start));
                start
            }
            EventPhase::Offset { end_sample, .. } => {
                let end = self.time_of(end_sample);
                let known = open.iter().position(|&(id, _)| id == detection.id);
                match known.map(|index| open.swap_remove(index)) {
                    // the clock was set back meanwhile: the event lasted as long as it did
                    Some((_, start)) if end < start => {
                        let length = end_sample.since(detection.start_sample);
                        let length = self.sample_rate.duration_of(length);
                        start.saturating_add(length).unwrap_or(start)
                    }
                    _ => end,
                }
            }
        };
        Record::Event(EventRecord {
            phase: detection.phase,
            id: detection.id,
            label: Arc::clone(self.labels.label(detection.label)),
            time,
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
