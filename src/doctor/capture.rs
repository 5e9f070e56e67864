//! A few seconds of audio from the source that tympan would capture, and how fast its samples came by this machine's clock.
//! Captured on a thread `tympan-capture`, which is left behind when an audio host hangs; makes two findings.

use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;

use super::Finding;
use crate::domain::SampleRate;
use crate::live::DaemonInput;
use crate::sources::{RingItem, SourceError, SourceState, sample_ring};

/// How much longer than the audio itself opening, the first sample and closing may take: a server that wakes a sleeping card
/// takes up to five seconds.
const MARGIN: Duration = Duration::from_secs(7);

/// The thread's own deadline comes so much earlier, so that what it has got is not lost.
const HANDING_OVER: Duration = Duration::from_secs(1);

/// Audio that may wait while this thread sleeps.
const RING: Duration = Duration::from_secs(2);
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// What came before counts for no rate: a server begins with what it had in its buffer.
const SETTLING: Duration = Duration::from_millis(500);
/// A rate comes from at least so much audio after that, in at least so many blocks.
const SHORTEST_MEASUREMENT: Duration = Duration::from_secs(1);
const FEWEST_BLOCKS: usize = 8;

/// Sound cards are within 100 millionths of their rate; ten times as much is no card's crystal, but a wrong rate or a driver
/// that loses samples without reporting it.
const MAX_DRIFT_PPM: f64 = 1_000.0;

/// What came of capturing.
#[derive(Debug, Clone, PartialEq)]
pub struct Capture {
    /// How much was to be captured.
    pub length: Duration,
    /// The source in words; empty if it could not be opened.
    pub description: String,
    /// The rate that the source says it has; none if it could not be opened.
    pub sample_rate: Option<SampleRate>,
    /// Whether it delivers at its own pace, as a device does.
    pub is_live: bool,
    /// What was captured.
    pub samples: Vec<f32>,
    /// Samples that were lost on the way.
    pub lost_samples: u64,
    /// The ends of the blocks that they came in, and when these arrived.
    blocks: Vec<BlockEnd>,
    /// Why there is no more; none if nothing went wrong.
    pub fault: Option<String>,
}

/// One past the last sample of a block, and when that arrived.
#[derive(Debug, Clone, Copy, PartialEq)]
struct BlockEnd {
    index: u64,
    arrival: Instant,
}

/// A rate by this machine's clock.
#[derive(Debug, Clone, Copy, PartialEq)]
struct MeasuredRate {
    hz: f64,
    /// How far it may be off, in millionths: the blocks come no more evenly.
    tolerance_ppm: f64,
}

/// Captures `length` of what `open` gives. Comes back after `length` and a margin, whatever the audio host does.
pub fn capture(
    length: Duration,
    open: impl FnOnce() -> Result<DaemonInput, String> + Send + 'static,
) -> Capture {
    let (sender, captured) = bounded(1);
    let thread = thread::Builder::new().name("tympan-capture".to_owned()).spawn(move || {
        let deadline = Instant::now() + length + MARGIN - HANDING_OVER;
        let input = match open() {
            Ok(input) => input,
            Err(fault) => {
                // nobody may be waiting any more
                let _ = sender.send(Capture::failed(length, fault));
                return;
            }
        };
        // sent before the source is dropped: closing a stream may hang
        fill(input, length, deadline, &|capture| {
            let _ = sender.send(capture);
        });
    });
    if let Err(error) = thread {
        return Capture::failed(length, format!("no thread for it: {error}"));
    }
    captured.recv_timeout(length + MARGIN).unwrap_or_else(|_late| {
        let waited = (length + MARGIN).as_secs();
        Capture::failed(length, format!("the audio host hangs: nothing after {waited} s"))
    })
}

fn fill(input: DaemonInput, length: Duration, deadline: Instant, done: &dyn Fn(Capture)) {
    let DaemonInput { source, description, reopen, counters, .. } = input;
    let rate = source.sample_rate();
    let mut capture = Capture {
        description,
        sample_rate: Some(rate),
        is_live: reopen.is_some(),
        ..Capture::empty(length)
    };
    let (producer, mut consumer) = sample_ring(rate, RING, counters);
    let mut running = match source.start(producer) {
        Ok(running) => running,
        Err(error) => return done(Capture { fault: Some(error.to_string()), ..capture }),
    };
    let wanted = usize::try_from(rate.samples_in(length)).unwrap_or(usize::MAX);
    let mut block = [0.0; 4_096];
    let mut fault: Option<SourceError> = None;
    while capture.samples.len() < wanted && Instant::now() < deadline {
        let room = block.len().min(wanted - capture.samples.len());
        match consumer.take(&mut block[..room]) {
            RingItem::Samples { start, count, arrival } => {
                capture.samples.extend_from_slice(&block[..count]);
                let end = BlockEnd { index: start.0 + count as u64, arrival };
                // a block may come in pieces
                match capture.blocks.last_mut() {
                    Some(last) if last.arrival == arrival => *last = end,
                    _ => capture.blocks.push(end),
                }
            }
            RingItem::Gap { samples, .. } => capture.lost_samples += samples,
            RingItem::Ended => {
                if let SourceState::Lost(error) = running.state() {
                    fault = Some(error);
                }
                break;
            }
            RingItem::Empty => {
                if let SourceState::Lost(error) = running.state() {
                    fault = Some(error);
                    break;
                }
                thread::sleep(POLL_INTERVAL);
            }
        }
    }
    capture.fault = fault.map(|error| error.to_string());
    done(capture);
}

impl Capture {
    fn empty(length: Duration) -> Self {
        Self {
            length,
            description: String::new(),
            sample_rate: None,
            is_live: false,
            samples: Vec::new(),
            lost_samples: 0,
            blocks: Vec::new(),
            fault: None,
        }
    }

    fn failed(length: Duration, fault: String) -> Self {
        Self { fault: Some(fault), ..Self::empty(length) }
    }

    /// Whether audio arrived, and at which rate.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = vec![self.arrival()];
        if let (Some(rate), false) = (self.sample_rate, self.samples.is_empty()) {
            findings.push(self.rate(rate));
        }
        findings
    }

    fn arrival(&self) -> Finding {
        const CHECK: &str = "capture";
        let seconds = self
            .sample_rate
            .map_or(0.0, |rate| rate.duration_of(self.samples.len() as u64).as_secs_f64());
        let source = &self.description;
        match &self.fault {
            Some(fault) if self.sample_rate.is_none() || self.samples.is_empty() => {
                let advice = "see permissions, busy cards, sound server and devices above; choose another \
                              source with --source";
                Finding::failure(CHECK, fault.clone(), advice)
            }
            Some(fault) => {
                let found = format!("{seconds:.1} s from {source}, then: {fault}");
                Finding::failure(
                    CHECK,
                    found,
                    "check the cable and the sound server, and run it again",
                )
            }
            None if self.samples.is_empty() && self.is_live => {
                let found = format!("{source} delivers no sample");
                let advice = "start what plays into it (a monitor is idle without), or name another device \
                              (tympan devices)";
                Finding::failure(CHECK, found, advice)
            }
            None if self.samples.is_empty() => {
                Finding::failure(CHECK, format!("{source} holds no sample"), "name another source")
            }
            None if self.lost_samples > 0 => {
                let found =
                    format!("{seconds:.1} s from {source}; {} samples lost", self.lost_samples);
                let advice =
                    "set a larger buffer_ms in [source.microphone], or move other programs away";
                Finding::warning(CHECK, found, advice)
            }
            None => Finding::ok(CHECK, format!("{seconds:.1} s from {source}")),
        }
    }

    fn rate(&self, rate: SampleRate) -> Finding {
        const CHECK: &str = "rate";
        if !self.is_live {
            return Finding::ok(
                CHECK,
                format!("{rate}; a recording has no clock that could drift"),
            );
        }
        let Some(MeasuredRate { hz, tolerance_ppm }) = measured_rate(&self.blocks) else {
            let advice = "run it for longer: --seconds 10";
            return Finding::warning(CHECK, format!("too little audio to measure {rate}"), advice);
        };
        let drift_ppm = (hz / f64::from(rate.hz()) - 1.0) * 1e6;
        let found = format!(
            "{rate} by its own account, {hz:.0} Hz by this machine's clock: {drift_ppm:+.0} ppm, ±{tolerance_ppm:.0} \
             in this time"
        );
        if drift_ppm.abs() - tolerance_ppm > MAX_DRIFT_PPM {
            let advice = "set sample_rate in [source.microphone] to a rate that the card has, and see whether \
                          other programs set another; longer runs measure better (--seconds 60)";
            return Finding::warning(CHECK, found, advice);
        }
        Finding::ok(CHECK, found)
    }
}

/// The slope of the blocks' ends over their arrivals, by least squares; its tolerance is how unevenly they come.
fn measured_rate(blocks: &[BlockEnd]) -> Option<MeasuredRate> {
    let first = blocks.first()?.arrival;
    let points: Vec<(f64, f64)> = blocks
        .iter()
        .map(|block| (block.arrival.saturating_duration_since(first), block.index as f64))
        .filter(|(time, _)| *time >= SETTLING)
        .map(|(time, index)| (time.as_secs_f64(), index))
        .collect();
    let span = points.last()?.0 - points.first()?.0;
    if points.len() < FEWEST_BLOCKS || span < SHORTEST_MEASUREMENT.as_secs_f64() {
        return None;
    }
    let count = points.len() as f64;
    let mean_time = points.iter().map(|(time, _)| time).sum::<f64>() / count;
    let mean_index = points.iter().map(|(_, index)| index).sum::<f64>() / count;
    let spread = points.iter().map(|(time, _)| (time - mean_time).powi(2)).sum::<f64>();
    let covariance =
        points.iter().map(|(time, index)| (time - mean_time) * (index - mean_index)).sum::<f64>();
    let hz = covariance / spread;
    let residuals = points.iter().map(|(time, index)| index - mean_index - hz * (time - mean_time));
    let (lowest, highest) = residuals
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), it| (low.min(it), high.max(it)));
    Some(MeasuredRate { hz, tolerance_ppm: (highest - lowest) / hz / span * 1e6 })
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;
    use crate::sources::{Pace, ReaderSource, Repeat, Soundscape, UnavailableSource};

    /// A device whose crystal runs off by `ppm`, whose blocks of 10 ms arrive up to 1 ms late.
    fn device(ppm: f64) -> Capture {
        let begin = Instant::now();
        let block = |number: u64| BlockEnd {
            index: number * 480,
            arrival: begin
                + Duration::from_secs_f64(
                    number as f64 * 0.01 / (1.0 + ppm * 1e-6) + (number % 7) as f64 * 1e-3 / 6.0,
                ),
        };
        Capture {
            description: "a card".into(),
            sample_rate: Some(SampleRate::new(48_000).unwrap()),
            is_live: true,
            samples: vec![0.1; 240_000],
            blocks: (1..=500).map(block).collect(),
            ..Capture::empty(Duration::from_secs(5))
        }
    }

    fn verdicts(capture: &Capture) -> Vec<Verdict> {
        capture.findings().iter().map(|finding| finding.verdict).collect()
    }

    #[test]
    fn a_crystal_s_drift_is_measured_as_well_as_five_seconds_allow() {
        let rate = measured_rate(&device(80.0).blocks).unwrap();
        let ppm = (rate.hz / 48_000.0 - 1.0) * 1e6;
        assert!((ppm - 80.0).abs() < 30.0, "{ppm}");
        assert!((150.0..400.0).contains(&rate.tolerance_ppm), "{rate:?}");
        assert_eq!(verdicts(&device(80.0)), [Verdict::Ok, Verdict::Ok]);
    }

    #[test]
    fn a_wrong_rate_is_a_warning_with_what_was_measured() {
        let finding = device(88_435.0).findings().remove(1);
        assert_eq!(finding.verdict, Verdict::Warning);
        assert!(finding.found.contains("52245 Hz by this machine's clock: +8843"), "{finding:?}");
        assert!(finding.advice.contains("sample_rate"), "{finding:?}");
    }

    #[test]
    fn too_little_audio_for_a_rate_says_so() {
        let mut brief = device(0.0);
        brief.blocks.truncate(100);
        let finding = brief.findings().remove(1);
        assert_eq!(finding.verdict, Verdict::Warning);
        assert!(finding.advice.contains("--seconds"), "{finding:?}");
    }

    #[test]
    fn what_ends_early_loses_samples_or_never_begins_is_reported() {
        let lost = Capture { fault: Some("the device is gone".into()), ..device(0.0) };
        assert_eq!(verdicts(&lost)[0], Verdict::Failure);
        assert!(lost.findings()[0].found.contains("5.0 s from a card, then: the device is gone"));
        let overrun = Capture { lost_samples: 480, ..device(0.0) };
        assert_eq!(verdicts(&overrun)[0], Verdict::Warning);
        let idle = Capture { samples: Vec::new(), blocks: Vec::new(), ..device(0.0) };
        assert_eq!(verdicts(&idle), [Verdict::Failure]);
        assert!(idle.findings()[0].found.contains("delivers no sample"));
        let closed = Capture::failed(Duration::from_secs(5), "permission denied".into());
        assert_eq!(verdicts(&closed), [Verdict::Failure]);
    }

    #[test]
    fn a_source_is_captured_up_to_the_length() {
        let demo = || {
            let demo = Soundscape::with_repeat(Soundscape::DEMO_SEED, Repeat::Once);
            Ok(DaemonInput::new(Box::new(ReaderSource::new(
                Box::new(demo),
                Pace::AsFastAsPossible,
            ))))
        };
        let capture = capture(Duration::from_secs(1), demo);
        assert_eq!((capture.samples.len(), capture.fault.as_deref()), (48_000, None));
        assert_eq!(verdicts(&capture), [Verdict::Ok, Verdict::Ok]);
    }

    #[test]
    fn a_source_that_cannot_be_opened_or_is_absent_ends_at_once() {
        let capture_of = |open: fn() -> Result<DaemonInput, String>| capture(Duration::ZERO, open);
        let closed = capture_of(|| Err("no".to_owned()));
        assert_eq!(closed.fault.as_deref(), Some("no"));
        let absent = capture(Duration::from_secs(1), || {
            let rate = SampleRate::new(8_000).unwrap();
            let cause = SourceError::AlreadyLost { name: "mic".into() };
            Ok(DaemonInput::new(Box::new(UnavailableSource::new("mic", rate, cause))))
        });
        assert!(absent.fault.is_some(), "{absent:?}");
        assert_eq!(verdicts(&absent), [Verdict::Failure]);
    }
}
