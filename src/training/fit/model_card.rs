//! The card of a bundle, its README.md: what the model is, what it was made of, how well it does. Written when a network is fitted.

use serde::Deserialize;

use crate::model::{Manifest, Provenance};
use crate::offline::CleaningSpec;

/// The card's text.
pub(super) fn text(manifest: &Manifest) -> String {
    let provenance = &manifest.provenance;
    let leaky = if provenance.leaky {
        "**LEAKY**: parts of one recording were both trained on and measured on. The figures say how well recordings are \
         remembered, not how well others are classified.\n\n"
    } else {
        ""
    };
    let kept = match provenance.chosen_epoch {
        Some(epoch) => format!(
            "The weights of epoch {epoch} are kept, which has the lowest loss on the measured clips: the figures on them \
             are a little too good. The same clips chose"
        ),
        None => "The last epoch's weights are the ones kept: the measured clips chose no weights. They did choose".into(),
    };
    // a plan that was made in code has no command
    let made_by = match provenance.command.as_str() {
        "" => String::new(),
        command => format!(
            "\nMade by\n\n```\n{command}\n```\n\n\
             where DATA is the dataset's folder, BACKGROUND a folder of recordings that hold none of the labels, and \
             NEGATIVES (where it stands there) more such sound that nothing was fitted to.\n"
        ),
    };
    format!(
        "# {name}\n\n{leaky}\
         {labels} labels; one score each between 0 and 1, independent of the others: several may sound at once, or \
         none.\n\n\
         {table}\n\
         {kept} the thresholds in `model.toml` at which events begin and end, so event figures on them are \
         optimistic.\n{made_by}",
        name = manifest.name,
        labels = manifest.labels.len(),
        table = table(manifest),
    )
}

/// What the model is, a line each.
fn table(manifest: &Manifest) -> String {
    let provenance = &manifest.provenance;
    let front_end = &manifest.front_end;
    let window_samples = front_end.samples_of(manifest.window.frames);
    let window = front_end.sample_rate_hz.duration_of(window_samples).as_secs_f64();
    let hop_samples = (manifest.window.hop_frames * front_end.frame_hop_samples) as u64;
    let hop = front_end.sample_rate_hz.duration_of(hop_samples).as_millis();
    let measured = match provenance.chosen_epoch {
        Some(_) => "clips that no weight was fitted to, but that chose the epoch",
        None => "clips that no weight was fitted to",
    };
    format!(
        "| | |\n|---|---|\n\
         | Licence of the weights | {licence} |\n\
         | Trained on | {dataset}, {clips} clips ({terms}) |\n\
         | Split | {split} |\n\
         | Background | {background} recordings that carry none of the labels |\n\
         | Cleaning | {cleaning} |\n\
         | Measured on | {measured_clips} {measured} |\n\
         | Clip accuracy | {clip_accuracy:.1} % (best label of the mean over the windows that carry the sound: within 10 dB of the clip's loudest) |\n\
         | Window accuracy | {window_accuracy:.1} % (the same windows) |\n\
         | Input | {rate}, {bands} mel bands from {low} to {high} Hz, windows of {window:.2} s every {hop} ms |\n\
         | Network | {network} |\n\
         | Training | {epochs} epochs, seed {seed}, tympan {version} |\n",
        licence = manifest.licence,
        dataset = provenance.dataset,
        clips = provenance.train_clips,
        background = provenance.background_clips,
        terms = provenance.dataset_terms,
        split = split(provenance),
        cleaning = cleaning(provenance),
        measured_clips = manifest.figures.clips,
        clip_accuracy = manifest.figures.clip_accuracy * 100.0,
        window_accuracy = manifest.figures.window_accuracy * 100.0,
        rate = front_end.sample_rate_hz,
        bands = front_end.mel_bands,
        low = front_end.mel_low_hz,
        high = front_end.mel_high_hz,
        network = manifest.network,
        epochs = provenance.epochs,
        seed = provenance.seed,
        version = manifest.tympan_version,
    )
}

/// How the measured clips were chosen; older bundles have folds alone.
fn split(provenance: &Provenance) -> String {
    if !provenance.split_words.is_empty() {
        return provenance.split_words.clone();
    }
    let folds = |folds: &[u32]| folds.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let (train, validation) = (&provenance.train_folds, &provenance.validation_folds);
    format!("folds: training on {}, validation on {}", folds(train), folds(validation))
}

/// What was done to recordings, in words.
fn cleaning(provenance: &Provenance) -> String {
    match CleaningSpec::deserialize(provenance.cleaning.clone()) {
        Ok(cleaning) if cleaning == CleaningSpec::default() => "none".into(),
        Ok(cleaning) => format!("each recording was {cleaning}"),
        Err(_) => "unknown".into(),
    }
}
