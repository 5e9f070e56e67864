//! Which weights come out: the averaged ones where that was asked for, the best epoch's where validation chooses.

use tympan::training::{KeptWeights, TrainingSpec};

use super::{alone, run, spec, trainer};

fn weights_of(spec: TrainingSpec) -> (Vec<u8>, Vec<f64>) {
    let mut trainer = trainer(spec);
    run(&mut trainer, None, None).unwrap();
    let epochs = trainer.state().epochs.iter();
    (trainer.weights().unwrap(), epochs.filter_map(|it| Some(it.validation?.loss)).collect())
}

#[test]
fn averaged_weights_are_other_weights_and_are_the_ones_measured() {
    alone(|| {
        let (plain, plain_losses) = weights_of(spec());
        let (averaged, averaged_losses) = weights_of(TrainingSpec { ema: 0.95, ..spec() });
        assert!(plain != averaged);
        assert_ne!(plain_losses, averaged_losses);
        // the steps themselves are the same: averaging only watches
        let mut one = trainer(spec());
        let mut other = trainer(TrainingSpec { ema: 0.95, ..spec() });
        run(&mut one, None, None).unwrap();
        run(&mut other, None, None).unwrap();
        let losses = |trainer: &tympan::training::Trainer| -> Vec<f64> {
            trainer.state().epochs.iter().map(|it| it.train_loss).collect()
        };
        assert_eq!(losses(&one), losses(&other));
        let fitted = |trainer: &tympan::training::Trainer| {
            Vec::<f32>::try_from(&trainer.checkpoint().unwrap().tensors["weights"]).unwrap()
        };
        assert_eq!(fitted(&one), fitted(&other));
    });
}

#[test]
fn the_average_lies_between_the_first_and_the_last_weights() {
    let mut trainer = trainer(TrainingSpec { ema: 0.99, ..spec() });
    let first = trainer.checkpoint().unwrap();
    run(&mut trainer, None, None).unwrap();
    let last = trainer.checkpoint().unwrap();
    let distance = |a: &tch::Tensor, b: &tch::Tensor| (a - b).norm().double_value(&[]);
    let (begin, average, end) =
        (&first.tensors["weights"], &last.tensors["average"], &last.tensors["weights"]);
    let whole = distance(begin, end);
    assert!(whole > 0.1);
    assert!(distance(average, end) < whole && distance(average, end) > 0.0);
}

#[test]
fn the_best_epoch_s_weights_are_kept_where_validation_chooses() {
    alone(|| {
        // at this rate the first validation is not the worst for ever, nor the last the best
        let spec = TrainingSpec { learning_rate: 0.3, epochs: 8, validate_every: 1, ..spec() };
        let mut best = trainer(TrainingSpec { keep: KeptWeights::Best, ..spec.clone() });
        run(&mut best, None, None).unwrap();
        let kept = best.kept_epoch();
        let mut until = trainer(TrainingSpec { keep: KeptWeights::Last, ..spec.clone() });
        run(&mut until, None, Some(kept * 4)).unwrap();
        assert!(best.weights().unwrap() == until.weights().unwrap(), "epoch {kept}");
    });
}
