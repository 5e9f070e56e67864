//! The card of a bundle, its README.md: what the model is, what it was made of, how well it does. Written by `train`.

use crate::model::Manifest;

/// The card's text.
pub fn text(manifest: &Manifest) -> String {
    let front_end = &manifest.front_end;
    let window_samples = front_end.samples_of(manifest.window.frames);
    let window = front_end.sample_rate_hz.duration_of(window_samples).as_secs_f64();
    let hop_samples = (manifest.window.hop_frames * front_end.frame_hop_samples) as u64;
    let hop = front_end.sample_rate_hz.duration_of(hop_samples).as_millis();
    let folds = |folds: &[u32]| folds.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let provenance = &manifest.provenance;
    format!(
        "# {name}\n\n\
         {labels} labels; one score each between 0 and 1, independent of the others: several may sound at once, or \
         none.\n\n\
         | | |\n|---|---|\n\
         | Licence of the weights | {licence} |\n\
         | Trained on | {dataset}, {clips} clips of folds {train} ({terms}) |\n\
         | Background | {background} recordings that carry none of the labels |\n\
         | Measured on | fold {validation}, {measured} clips that no weight was fitted to |\n\
         | Clip accuracy | {clip_accuracy:.1} % (best label of the mean over the windows that carry the sound: within 10 dB of the clip's loudest) |\n\
         | Window accuracy | {window_accuracy:.1} % (the same windows) |\n\
         | Input | {rate}, {bands} mel bands from {low} to {high} Hz, windows of {window:.2} s every {hop} ms |\n\
         | Network | {network} |\n\
         | Training | {epochs} epochs, seed {seed}, tympan {version} |\n\n\
         The last epoch's weights are the ones kept: the measured folds chose no weights. They did choose the \
         thresholds in `model.toml` at which events begin and end, so event figures on them are optimistic.\n\n\
         Made by\n\n```\n{command}\n```\n\n\
         where DATA is the dataset's folder and BACKGROUND a folder of recordings that hold none of the labels.\n",
        name = manifest.name,
        labels = manifest.labels.len(),
        licence = manifest.licence,
        dataset = provenance.dataset,
        clips = provenance.train_clips,
        background = provenance.background_clips,
        train = folds(&provenance.train_folds),
        terms = provenance.dataset_terms,
        validation = folds(&provenance.validation_folds),
        measured = manifest.figures.clips,
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
        command = provenance.command,
    )
}
