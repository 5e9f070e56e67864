//! A run that stops and goes on is the run that never stopped; runs that cannot go on say so and lose nothing.

use std::path::Path;
use std::time::Duration;

use tympan::training::{
    AugmentSpec, Checkpoint, KeptWeights, RunOutcome, TrainingError, TrainingFiles, TrainingSpec,
    log_text,
};

use super::{alone, clips, run, set, spec, trainer, trainer_of};

fn files(folder: &Path) -> TrainingFiles {
    TrainingFiles { folder: folder.to_owned(), checkpoint_every: Duration::ZERO }
}

/// The log without the last column, which is the time it took.
fn log_of(text: &str) -> Vec<&str> {
    text.lines().map(|row| row.rsplit_once(',').unwrap().0).collect()
}

/// Everything that has a state of its own.
fn elaborate() -> TrainingSpec {
    TrainingSpec { ema: 0.9, keep: KeptWeights::Best, dropout: 0.3, ..spec() }
}

#[test]
fn the_same_seed_gives_the_same_weights_and_another_others() {
    alone(|| {
        let weights = |seed| {
            let mut trainer = trainer(TrainingSpec { epochs: 2, seed, ..spec() });
            run(&mut trainer, None, None).unwrap();
            trainer.weights().unwrap()
        };
        let first = weights(1);
        assert!(first == weights(1), "the same seed gave other weights");
        assert!(first != weights(2), "another seed gave the same weights");
    });
}

#[test]
fn a_run_stopped_anywhere_goes_on_as_if_it_had_not_been() {
    alone(|| {
        let whole_folder = tempfile::tempdir().unwrap();
        let mut whole = trainer(elaborate());
        run(&mut whole, Some(&files(whole_folder.path())), None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        // four steps an epoch: within one, at the end of one, and within the last
        for stop_at in [1, 7, 8, 13, 23] {
            let mut part = trainer(elaborate());
            if files.checkpoint().is_file() {
                part.resume(&files).unwrap();
            }
            let outcome = run(&mut part, Some(&files), Some(stop_at)).unwrap();
            assert_eq!((outcome, part.state().step), (RunOutcome::Stopped, stop_at));
        }
        let mut last = trainer(elaborate());
        last.resume(&files).unwrap();
        assert_eq!(run(&mut last, Some(&files), None).unwrap(), RunOutcome::Finished);
        assert!(last.weights().unwrap() == whole.weights().unwrap(), "the weights differ");
        assert_eq!(last.kept_epoch(), whole.kept_epoch());
        let log = |folder: &Path| std::fs::read_to_string(folder.join("training.csv")).unwrap();
        let (parts, at_once) = (log(folder.path()), log(whole_folder.path()));
        assert_eq!(log_of(&parts), log_of(&at_once));
        assert_eq!(at_once, log_text(&whole.state().epochs));
        assert_eq!(at_once.lines().count(), 7);
    });
}

#[test]
fn a_run_that_has_ended_ends_again_at_once_with_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let mut trained = trainer(elaborate());
    run(&mut trained, Some(&files), None).unwrap();
    let mut again = trainer(elaborate());
    again.resume(&files).unwrap();
    assert_eq!(run(&mut again, Some(&files), None).unwrap(), RunOutcome::Finished);
    assert!(again.weights().unwrap() == trained.weights().unwrap());
}

#[test]
fn a_checkpoint_of_other_recordings_or_numbers_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    run(&mut trainer(spec()), Some(&files), Some(2)).unwrap();
    let refused = |error: Option<TrainingError>, words: &str| {
        let error = error.unwrap().to_string();
        assert!(error.contains(words), "{error}");
    };
    let mut other = set();
    other.train[3].log_mel[0] += 0.1;
    let mut changed = trainer_of(spec(), other).unwrap();
    refused(changed.resume(&files).err(), "16 training clips hold other sound");
    let mut fewer = set();
    fewer.validation.pop();
    let mut fewer = trainer_of(spec(), fewer).unwrap();
    refused(fewer.resume(&files).err(), "there were 8 validation clips, now there are 7");
    let mut slower = trainer(TrainingSpec { learning_rate: 1e-3, ..spec() });
    refused(slower.resume(&files).err(), "trains otherwise");
    std::fs::write(files.checkpoint(), b"invalid").unwrap();
    refused(trainer(spec()).resume(&files).err(), "begin anew");
}

#[test]
fn a_checkpoint_under_way_leaves_the_former_one_whole() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    run(&mut trainer(spec()), Some(&files), Some(5)).unwrap();
    // what a crash in mid-writing leaves
    std::fs::write(folder.path().join("checkpoint.safetensors.new"), b"half").unwrap();
    let head = Checkpoint::load(&files.checkpoint()).unwrap().head;
    assert_eq!((head.state.step, head.state.epochs.len(), head.state.sums.steps), (5, 1, 1));
}

#[test]
fn a_loss_that_is_no_number_is_reported_with_its_place_and_the_checkpoint_stays_good() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let mut poisoned = set();
    // one clip of sixteen, silent so that the normaliser does not count it, and some steps go well
    poisoned.train[5].log_mel.fill(f32::INFINITY);
    poisoned.train[5].powers.fill(0.0);
    let mut trainer = trainer_of(TrainingSpec { batch: 1, ..spec() }, poisoned).unwrap();
    let error = run(&mut trainer, Some(&files), None).unwrap_err().to_string();
    for part in ["NaN", "epoch 1", "step ", "--learning-rate"] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    let checkpoint = Checkpoint::load(&files.checkpoint()).unwrap();
    let sum = checkpoint.tensors["weights"].sum(tch::Kind::Double).double_value(&[]);
    assert!(sum.is_finite());
}

#[test]
fn training_ends_when_validation_no_longer_gets_better() {
    let spec = TrainingSpec {
        epochs: 50,
        validate_every: 1,
        patience: 3,
        keep: KeptWeights::Best,
        // far too much: the loss does not fall for long
        learning_rate: 0.5,
        ..spec()
    };
    let mut trainer = trainer(spec);
    assert_eq!(run(&mut trainer, None, None).unwrap(), RunOutcome::Finished);
    let state = trainer.state();
    assert!(state.epochs.len() < 50, "{} epochs", state.epochs.len());
    assert_eq!(trainer.kept_epoch() + 3, state.epochs.len());
    let losses: Vec<f64> = state.epochs.iter().map(|it| it.validation.unwrap().loss).collect();
    let lowest = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(losses[trainer.kept_epoch() - 1], lowest, "{losses:?}");
}

#[test]
fn background_alone_teaches_no_label() {
    let mut noisy = set();
    noisy.background = clips(20..21);
    let augment = AugmentSpec { background: 1.0, ..spec().augment };
    let mut trainer = trainer_of(TrainingSpec { augment, epochs: 10, ..spec() }, noisy).unwrap();
    run(&mut trainer, None, None).unwrap();
    let last = trainer.state().epochs.last().unwrap();
    // nothing was predicted right, as nothing had a label; the scores have sunk
    assert_eq!(last.train_accuracy, 0.0);
    assert!(last.train_loss < trainer.state().epochs[0].train_loss);
}
