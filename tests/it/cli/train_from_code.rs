//! Training and measuring from code, held to what the commands do.

use std::sync::Arc;

use tympan::evaluation::{EvaluationOptions, evaluate};
use tympan::model::{Bundle, ConvBlockSpec, Model, NetworkKind, NetworkSpec};
use tympan::offline::Leak;
use tympan::training::{FitError, Fitted, SplitChoice, TrainingPlan, fit, unfinished};

use super::train::{Tones, as_strs, weights};
use super::{failure, says, success};

#[test]
fn a_plan_in_code_gives_the_bundle_that_the_command_gives_and_can_be_measured() {
    let tones = Tones::new();
    // the number that this process has, so that other tests keep it
    let threads = usize::try_from(tch::get_num_threads()).unwrap();
    let mut arguments = tones.arguments("command", &["--epochs", "2"]);
    let place = arguments.iter().position(|argument| argument == "--threads").unwrap();
    arguments[place + 1] = threads.to_string();
    success(&as_strs(&arguments));
    let block = ConvBlockSpec { channels: 4, time_pool: 2, band_pool: 2 };
    let mut network = NetworkSpec::standard(NetworkKind::Crnn);
    if let NetworkSpec::Crnn(sizes) = &mut network {
        (sizes.blocks, sizes.lstm_hidden, sizes.projection) = (vec![block; 2], 4, 6);
    }
    let mut plan = TrainingPlan::new(tones.path("data"), tones.path("code")).unwrap();
    plan.window.frames = network.frames_near(network.kind().standard_window().frames);
    (plan.network, plan.threads, plan.training.epochs) = (network, threads, 2);
    plan.split = SplitChoice::Folds { train: vec![1], validation: vec![2], leak: Leak::Forbidden };
    let Some(Fitted::Bundle(figures)) = fit(&plan, &()).unwrap() else { panic!("stopped") };
    assert!(weights(&tones.path("code")) == weights(&tones.path("command")), "other weights");
    let card = std::fs::read_to_string(tones.path("code").join("README.md")).unwrap();
    assert!(!card.contains("Made by"), "{card}");
    let of = |out: &str| Bundle::load(&tones.path(out)).unwrap().manifest;
    assert_eq!(of("code").thresholds, of("command").thresholds);
    let model = Arc::new(Model::open(&tones.path("code")).unwrap());
    let report = evaluate(&model, &EvaluationOptions::new(tones.path("data")), &()).unwrap();
    assert_eq!(report.classification.clips, figures.clips);
}

#[test]
fn a_plan_that_is_kept_is_read_again_and_another_version_s_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let plan = TrainingPlan::new("data", folder.path()).unwrap();
    let file = folder.path().join("run.json");
    std::fs::write(&file, serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(unfinished(folder.path()).unwrap(), plan);
    assert!(matches!(fit(&plan, &()), Err(FitError::Unfinished { .. })));
    for other in ["{\"data\":\"data\",\"epochs\":5}", "{\"version\":2}"] {
        std::fs::write(&file, other).unwrap();
        let refused = failure(&["train", "--resume", folder.path().to_str().unwrap()], 2);
        says(&refused, &["run.json", "another version", "begin anew"]);
    }
}
