//! Scenes through the daemon's own path with a scorer that distinguishes two tones: what is found, how late, and
//! that a replay of recorded scores says what a scan of the sound says.

use std::time::Duration;

use tympan::config::Config;
use tympan::domain::{LabelSet, MelWindow, Scores};
use tympan::evaluation::streaming::{
    FalseAlarmFigures, MatchRule, Scene, SceneDetections, ScenePiece, SceneSpec, ScoredScene,
    StreamingFigures, SweepChoice, score_each_scene, sweep,
};
use tympan::evaluation::{
    DetectionRules, EvaluationError, EventCollector, ThresholdRules, choose_thresholds,
};
use tympan::features::{FeaturiserSpec, FrontEndSpec, Normaliser, WindowSpec};
use tympan::offline::ClipScanner;
use tympan::recognition::{
    ModelTraits, Recogniser, RecognitionRules, Scorer, ScorerError, Thresholds,
};

use super::{labels, noise, rate, tone};

/// Detects which half of the bands the loudest one is in, once the window is louder than the background.
struct ToneScorer(LabelSet);

impl Scorer for ToneScorer {
    fn labels(&self) -> &LabelSet {
        &self.0
    }

    fn score_into(
        &mut self,
        windows: &[MelWindow],
        scores: &mut [Scores],
    ) -> Result<(), ScorerError> {
        for (window, scores) in windows.iter().zip(scores) {
            let newest = &window.values[window.values.len() - 64..];
            let loudest = (0..64).max_by(|a, b| newest[*a].total_cmp(&newest[*b])).unwrap();
            let sure = if newest[loudest] > 0.0 { 0.9 } else { 0.1 };
            scores.values.fill(0.05);
            scores.values[loudest / 32] = sure;
        }
        Ok(())
    }
}

fn featuriser() -> FeaturiserSpec {
    FeaturiserSpec {
        front_end: FrontEndSpec::standard().unwrap(),
        // −2 dB: a tone of the scenes reaches some 9 dB in its band, their background at most −14 dB
        normaliser: Normaliser { mean: vec![-2.0; 64], deviation: vec![10.0; 64] },
        window: WindowSpec { frames: 50, hop_frames: 4 },
    }
}

fn model() -> ModelTraits {
    ModelTraits {
        non_events: Vec::new(),
        labels: labels(),
        thresholds: vec![Thresholds { on: 0.5, off: 0.3 }; 2],
        hop: Duration::from_millis(80),
    }
}

fn new_scorer() -> Result<ToneScorer, EvaluationError> {
    Ok(ToneScorer(labels()))
}

/// Scene 0: two low tones and a high one, 20 dB above a background at −40 dBFS; scene 1: background and a hiss.
fn build(index: usize) -> Result<Scene, EvaluationError> {
    let background = [noise(16_000, 60_000, 0.1)];
    if index == 1 {
        let spec = SceneSpec {
            background_dbfs: -40.0..=-40.0,
            snr_db: 0.0..=0.0,
            ..SceneSpec::without_classes(rate(16_000), Duration::from_secs(20), 7)
        };
        let hiss = noise(8_000, 8_000, 0.2);
        return Scene::build(&spec, &[ScenePiece { clip: &hiss, label: None }], &background);
    }
    let spec = SceneSpec {
        background_dbfs: -40.0..=-40.0,
        snr_db: 20.0..=20.0,
        ..SceneSpec::new(rate(16_000), 9)
    };
    let clips = [
        (tone(16_000, 300.0, [4_000, 32_000, 0]), 0),
        (tone(48_000, 3_000.0, [0, 96_000, 24_000]), 1),
        (tone(16_000, 300.0, [0, 32_000, 16_000]), 0),
    ];
    let pieces: Vec<ScenePiece<'_>> =
        clips.iter().map(|(clip, label)| ScenePiece { clip, label: Some(*label) }).collect();
    Scene::build(&spec, &pieces, &background)
}

fn recorded() -> Vec<ScoredScene> {
    score_each_scene(2, &featuriser(), build, new_scorer).unwrap()
}

fn detections(model: &ModelTraits) -> Vec<SceneDetections> {
    let rules = DetectionRules::default();
    recorded().iter().map(|scene| scene.replay(model, &rules).unwrap()).collect()
}

#[test]
fn every_tone_is_reported_soon_after_it_began_and_nothing_else_is() {
    let detections = detections(&model());
    let figures = StreamingFigures::new(&labels(), &detections, MatchRule::default());
    assert_eq!(
        (figures.events, figures.hits, figures.false_positives),
        (3, 3, 0),
        "{detections:?}"
    );
    assert_eq!((figures.fragments, figures.f1), (0, Some(1.0)));
    // smoothed over 150 ms and confirmed by two windows of 80 ms: some tenths of a second of audio
    let delay = figures.delay.unwrap();
    assert!((0.08..0.6).contains(&delay.median_s), "{delay:?}");
    assert!(delay.p90_s >= delay.median_s);
    let alarms = FalseAlarmFigures::new(&labels(), &detections);
    assert_eq!((alarms.seconds, alarms.alarms, alarms.per_hour), (20.0, 0, Some(0.0)));
}

#[test]
fn events_end_when_the_tone_does() {
    let detections = detections(&model());
    for (event, truth) in detections[0].detected.iter().zip(&detections[0].truth) {
        let late = event.end_sample.0 as f64 - truth.end_sample.0 as f64;
        assert!((-1_600.0..9_600.0).contains(&late), "{event:?} {truth:?}");
        assert!(event.start_sample < event.confirmed_at && event.confirmed_at <= event.end_sample);
    }
}

#[test]
fn a_replay_says_what_a_scan_of_the_sound_says() {
    let rules = DetectionRules::default();
    let rules = RecognitionRules {
        smoothing: rules.smoothing,
        detector: rules.detector(&model()).unwrap(),
        denied_labels: Vec::new(),
        top_labels: 2,
    };
    let scorer = Box::new(ToneScorer(labels()));
    let recogniser = Recogniser::new(scorer, rules, "none yet", rate(16_000)).unwrap();
    let mut scanner = ClipScanner::new(featuriser(), recogniser);
    for (index, detections) in detections(&model()).iter().enumerate() {
        let scene = build(index).unwrap();
        let mut collector = EventCollector::new(labels());
        scanner.scan(&scene.clip, "scene".into(), &mut |record| collector.push(&record)).unwrap();
        let scanned = collector.events();
        assert_eq!(scanned, detections.detected);
        assert_eq!(scanned.len(), scene.events.len());
    }
}

#[test]
fn what_is_not_a_score_or_not_a_rule_is_refused() {
    let mut scene = recorded().remove(1);
    scene.scores.windows[3].scores[0] = f32::NAN;
    let refused = scene.replay(&model(), &DetectionRules::default());
    assert!(matches!(refused, Err(EvaluationError::Scorer(_))), "{refused:?}");
    let mut rules = DetectionRules::default();
    rules.settings.confirm_windows = 4;
    let refused = scene.replay(&model(), &rules).unwrap_err().to_string();
    assert!(refused.contains("detector.confirm"), "{refused}");
}

#[test]
fn a_sweep_trades_recall_for_false_alarms() {
    let mut scenes = recorded();
    // the background now scores as half a tone
    for window in scenes[1].scores.windows.iter_mut().skip(100).take(20) {
        window.scores[0] = 0.6;
    }
    let rules = DetectionRules::default();
    let smoothings = [Duration::ZERO, Duration::from_millis(300)];
    let choices = SweepChoice::grid(&rules, &[1.0, 1.5, 1.9], &smoothings, &[(2, 3)]);
    assert_eq!(choices.len(), 6);
    let points = sweep(&scenes, &model(), &choices, MatchRule::within()).unwrap();
    let rows: Vec<_> = points
        .iter()
        .map(|point| {
            (point.smoothing_ms, point.threshold_scale, point.recall, point.false_alarms_per_hour)
        })
        .collect();
    let expected = [
        (0, 1.0, Some(1.0), Some(180.0)),
        (0, 1.5, Some(1.0), Some(0.0)),
        (0, 1.9, Some(0.0), Some(0.0)),
        (300, 1.0, Some(1.0), Some(180.0)),
        (300, 1.5, Some(1.0), Some(0.0)),
        (300, 1.9, Some(0.0), Some(0.0)),
    ];
    assert_eq!(rows, expected);
    assert!(points[3].median_delay_s > points[0].median_delay_s);
}

#[test]
fn thresholds_chosen_on_recordings_let_the_tones_through_and_the_background_not() {
    let mut scenes = recorded();
    for window in scenes[1].scores.windows.iter_mut().skip(100).take(20) {
        window.scores[0] = 0.6;
    }
    // the first two seconds of sound of each tone's scene, cut out as a validation clip would be
    let mut clips = vec![scenes[1].scores.clone()];
    for event in &scenes[0].truth {
        let mut clip = scenes[0].scores.clone();
        clip.label = Some(event.label);
        let within = event.start_sample..event.end_sample + 16_000;
        clip.windows.retain(|window| within.contains(&window.end_sample));
        // one clip of a label says too little
        clips.extend([clip.clone(), clip]);
    }
    let thresholds = choose_thresholds(&labels(), &clips, &ThresholdRules::default()).unwrap();
    assert!(thresholds[0].on > 0.6 && thresholds[0].on < 0.9, "{thresholds:?}");
    assert!(thresholds[1].on < 0.6, "{thresholds:?}");
    let model = ModelTraits { non_events: Vec::new(), thresholds, ..model() };
    let rules = DetectionRules::default();
    let detections: Vec<SceneDetections> =
        scenes.iter().map(|scene| scene.replay(&model, &rules).unwrap()).collect();
    assert_eq!(StreamingFigures::new(&labels(), &detections, MatchRule::default()).f1, Some(1.0));
    assert_eq!(FalseAlarmFigures::new(&labels(), &detections).alarms, 0);
}

#[test]
fn the_rules_that_are_measured_are_those_the_daemon_has() {
    let config = Config::default();
    let rules = DetectionRules::default();
    assert_eq!(config.detector.smoothing, rules.smoothing);
    assert_eq!(config.detector.settings, rules.settings);
}

#[test]
fn figures_are_reported_in_json_with_plain_seconds() {
    let figures = StreamingFigures::new(&labels(), &detections(&model()), MatchRule::default());
    let json = serde_json::to_value(&figures).unwrap();
    assert_eq!(json["rule"]["onset"]["tolerance_s"], 1.0);
    assert_eq!((&json["events"], &json["classes"][1]["label"]), (&3.into(), &"high tone".into()));
}
