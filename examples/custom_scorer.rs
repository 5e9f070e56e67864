//! A scorer of your own in the place of a network: it detects whatever is loud, in the demo.
//!
//! ```text
//! cargo run --release --no-default-features --example custom_scorer
//! ```

use std::error::Error;
use std::time::Duration;

use tympan::domain::{LabelSet, MelWindow, Overflow, Record, Scores};
use tympan::features::{FeaturiserSpec, FrontEndSpec, Normaliser, WindowSpec};
use tympan::live::{Daemon, Recipe};
use tympan::recognition::{ModelTraits, RecognitionRules, Scorer, ScorerError, Thresholds};
use tympan::sources::{Pace, ReaderSource, Repeat, Soundscape};

/// Scores 1 for full scale and 0 for −60 dBFS and below.
struct Loudness(LabelSet);

impl Scorer for Loudness {
    fn labels(&self) -> &LabelSet {
        &self.0
    }

    fn score_into(
        &mut self,
        windows: &[MelWindow],
        scores: &mut [Scores],
    ) -> Result<(), ScorerError> {
        for (window, scores) in windows.iter().zip(scores) {
            scores.values[0] = (1.0 + window.level_dbfs / 60.0).clamp(0.0, 1.0);
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let front_end = FrontEndSpec::standard()?;
    let mel_bands = front_end.mel_bands;
    // half a second of frames, scored every 80 ms
    let window = WindowSpec { frames: 25, hop_frames: 4 };
    let labels = LabelSet::new(&["loud"])?;
    let rules = RecognitionRules::standard(&ModelTraits {
        non_events: Vec::new(),
        labels: labels.clone(),
        thresholds: vec![Thresholds { on: 0.55, off: 0.5 }],
        hop: Duration::from_millis(80),
    })?;
    let normaliser = Normaliser { mean: vec![0.0; mel_bands], deviation: vec![1.0; mel_bands] };
    let featuriser = FeaturiserSpec { front_end, normaliser, window };
    let recipe = Recipe { featuriser, rules, model: "loudness".to_owned() };

    let demo = Soundscape::with_repeat(Soundscape::DEMO_SEED, Repeat::Once);
    let source = ReaderSource::new(Box::new(demo), Pace::AsFastAsPossible);
    Daemon::builder(source, recipe, Loudness(labels))
        .overflow(Overflow::Block)
        .on_record(|record| {
            if let Record::Event(event) = record {
                println!("{} {:?}", event.label, event.phase);
            }
        })
        .build()
        .run()?;
    Ok(())
}
