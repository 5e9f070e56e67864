//! How long a hop takes on this machine, from samples to records, and which hops it could hold. Computed on the calling thread
//! with the demo's sound; makes one finding.

use std::time::{Duration, Instant};

use super::Finding;
use crate::features::{Arrival, Featuriser, FeaturiserSpec};
use crate::offline::ScanError;
use crate::recognition::Recogniser;
use crate::sources::{Repeat, SampleReader, Soundscape, SourceError};

/// Hops measured after those that warm caches up; at the shipped model's 80 ms, four seconds of audio.
const MEASURED_HOPS: usize = 50;
const WARM_UP_HOPS: usize = 5;

/// The demo's first seconds are a quiet room, which a detector may take for silence.
const LEAD: Duration = Duration::from_secs(3);

/// The part of a hop that its computation may take: the rest is for what else the machine does.
const MAX_LOAD: f64 = 0.5;

/// How long hops take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HopTimes {
    /// Audio time from one window to the next.
    pub hop: Duration,
    /// Audio time of one frame: hops are whole frames.
    pub frame: Duration,
    /// What each took, shortest first.
    pub times: Vec<Duration>,
}

/// Computes some hops of the demo, one after the other, with a recogniser of the demo's rate.
///
/// # Errors
/// [`ScanError`] when a hop cannot be computed.
pub fn time_hops(
    spec: &FeaturiserSpec,
    recogniser: &mut Recogniser,
) -> Result<HopTimes, ScanError> {
    let mut demo = Soundscape::with_repeat(Soundscape::DEMO_SEED, Repeat::Forever);
    let rate = demo.sample_rate();
    let model_rate = spec.front_end.sample_rate_hz;
    let frame = model_rate.duration_of(spec.front_end.frame_hop_samples as u64);
    let hop = frame * u32::try_from(spec.window.hop_frames).unwrap_or(u32::MAX);
    let mut featuriser = Featuriser::new(spec, rate)?;
    let mut window = featuriser.empty_window();
    let samples_in = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let mut block = vec![0.0; samples_in(spec.window_samples(rate))];
    let mut times = Vec::with_capacity(MEASURED_HOPS);
    fill(&mut demo, &mut vec![0.0; samples_in(rate.samples_in(LEAD))])?;
    for number in 0..1 + WARM_UP_HOPS + MEASURED_HOPS {
        fill(&mut demo, &mut block)?;
        let begun = Instant::now();
        let mut scored = Ok(());
        featuriser.push(&block, Arrival::now(), &mut |mut ready| {
            ready.copy_into(&mut window);
            if scored.is_ok() {
                scored = recogniser.push(&window, &mut |_record| {});
            }
        });
        scored?;
        if number > WARM_UP_HOPS {
            times.push(begun.elapsed());
        }
        // the first block fills a window, each further one makes the next
        block.resize(samples_in(rate.samples_in(hop)), 0.0);
    }
    times.sort_unstable();
    Ok(HopTimes { hop, frame, times })
}

/// The demo's next samples; it goes on for ever.
fn fill(demo: &mut Soundscape, block: &mut [f32]) -> Result<(), SourceError> {
    let mut filled = 0;
    while filled < block.len() {
        filled += demo.read(&mut block[filled..])?;
    }
    Ok(())
}

impl HopTimes {
    /// What at most one hop in twenty exceeds.
    fn usually_at_most(&self) -> Duration {
        self.times.get(self.times.len() * 95 / 100).copied().unwrap_or(self.hop)
    }

    /// The smallest hop of whole frames that leaves enough time. A smaller hop than the measured one has fewer new frames to
    /// compute, so that this is no less than the machine holds.
    fn smallest_hop(&self) -> Duration {
        let needed = self.usually_at_most().as_secs_f64() / MAX_LOAD;
        let frames = (needed / self.frame.as_secs_f64()).ceil().max(1.0);
        Duration::try_from_secs_f64(frames * self.frame.as_secs_f64()).unwrap_or(Duration::MAX)
    }

    /// A failure where a hop takes longer than it lasts.
    pub fn finding(&self) -> Finding {
        const CHECK: &str = "headroom";
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        let time = self.usually_at_most();
        let load = time.as_secs_f64() / self.hop.as_secs_f64();
        let found = format!(
            "a hop of {:.0} ms takes {:.1} ms (p95), {:.0} times real time; the smallest hop that this machine holds is \
             {:.0} ms",
            millis(self.hop),
            millis(time),
            (1.0 / load).floor(),
            millis(self.smallest_hop()),
        );
        let advice = "take a smaller model or one with a larger hop, move other programs away, or set the \
                      processor's governor to performance; in a debug build, build with --release";
        if load > 1.0 {
            return Finding::failure(CHECK, found, advice);
        }
        if load > MAX_LOAD {
            return Finding::warning(CHECK, found, advice);
        }
        Finding::ok(CHECK, found)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::super::Verdict;
    use super::*;
    use crate::model::{Model, NetworkScorer};
    use crate::recognition::RecognitionRules;

    /// Hops of 80 ms, each of which takes this long.
    fn machine(millis: u64) -> HopTimes {
        HopTimes {
            hop: Duration::from_millis(80),
            frame: Duration::from_millis(20),
            times: vec![Duration::from_millis(millis); 50],
        }
    }

    #[test]
    fn a_fast_machine_holds_the_smallest_hop_and_a_slow_one_not_its_own() {
        assert_eq!(machine(1).finding().verdict, Verdict::Ok);
        assert_eq!(machine(1).smallest_hop(), Duration::from_millis(20));
        assert!(machine(1).finding().found.contains("80 times real time"));
        assert_eq!(machine(30).smallest_hop(), Duration::from_millis(60));
        assert_eq!(machine(50).finding().verdict, Verdict::Warning);
        let slow = machine(90).finding();
        assert_eq!(slow.verdict, Verdict::Failure);
        assert!(slow.found.contains("is 180 ms"), "{slow:?}");
    }

    #[test]
    fn every_hop_of_the_shipped_model_is_timed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/esc50");
        let model = Arc::new(Model::open(&folder).unwrap());
        let rules = RecognitionRules::standard(&model.traits()).unwrap();
        let rate = model.sample_rate();
        let scorer = Box::new(NetworkScorer::new(&model));
        let mut recogniser = Recogniser::new(scorer, rules, "demo", rate).unwrap();
        let times = time_hops(&model.featuriser_spec(), &mut recogniser).unwrap();
        assert_eq!((times.hop, times.frame), (model.traits().hop, Duration::from_millis(10)));
        assert_eq!(times.times.len(), MEASURED_HOPS);
        assert!(times.times.is_sorted() && !times.times[0].is_zero());
    }
}
