//! Bundles that are missing, damaged, or of another version: what is said of each.

use std::path::Path;

use tympan::model::Bundle;

use super::{shipped, write_small_bundle};

/// A small bundle whose manifest `edit` changed, and what loading it says.
fn error_after(edit: impl Fn(String) -> String) -> String {
    let folder = tempfile::tempdir().unwrap();
    write_small_bundle(folder.path(), 1);
    let path = folder.path().join("model.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let edited = edit(text.clone());
    assert_ne!(text, edited, "the edit changed nothing");
    std::fs::write(&path, edited).unwrap();
    error_of(folder.path())
}

fn error_of(folder: &Path) -> String {
    match Bundle::load(folder) {
        Ok(_) => panic!("a damaged bundle was loaded"),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn says(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
}

#[test]
fn what_was_written_is_what_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = write_small_bundle(folder.path(), 1);
    let bundle = Bundle::load(folder.path()).unwrap();
    assert_eq!(bundle.manifest, manifest);
    assert_eq!(bundle.labels.len(), 3);
    assert!(folder.path().join("README.md").exists());
}

#[test]
fn the_shipped_bundle_is_whole_small_and_honest_about_itself() {
    let bundle = Bundle::load(&shipped()).unwrap();
    let weights = std::fs::metadata(shipped().join("weights.safetensors")).unwrap();
    let look = std::fs::metadata(shipped().join("verifier/weights.safetensors")).unwrap();
    assert!(weights.len() + look.len() < 8_000_000);
    assert_eq!(bundle.labels.len(), 52);
    assert_eq!(bundle.manifest.non_events, ["speech", "other"]);
    assert!(bundle.verifier.is_some());
    let figures = &bundle.manifest.figures;
    assert!(figures.clip_accuracy > 0.8 && figures.clips > 300, "{figures:?}");
    let card = std::fs::read_to_string(shipped().join("README.md")).unwrap();
    let accuracy = format!("{:.1} %", figures.clip_accuracy * 100.0);
    says(
        &card,
        &[accuracy.as_str(), &bundle.manifest.licence, &bundle.manifest.provenance.command],
    );
}

#[test]
fn a_missing_bundle_names_folder_and_file() {
    let folder = tempfile::tempdir().unwrap();
    says(&error_of(&folder.path().join("nowhere")), &["nowhere", "model.toml", "--model"]);
    write_small_bundle(folder.path(), 1);
    std::fs::remove_file(folder.path().join("weights.safetensors")).unwrap();
    says(&error_of(folder.path()), &["weights.safetensors is missing"]);
}

#[test]
fn weights_that_were_changed_are_refused_with_both_hashes() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = write_small_bundle(folder.path(), 1);
    let path = folder.path().join("weights.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    says(&error_of(folder.path()), &["sha256", &manifest.weights_sha256, "model.toml"]);
}

#[test]
fn a_label_too_few_names_both_counts_and_both_files() {
    let error = error_after(|text| {
        text.replace("[\"dog\", \"cat\", \"hen\"]", "[\"dog\", \"cat\"]")
            .replace("[thresholds.hen]\non = 0.5\noff = 0.3\n", "")
    });
    says(&error, &["2 labels", "3 outputs", "model.toml", "weights.safetensors"]);
}

#[test]
fn a_label_twice_and_a_threshold_of_no_label_are_refused() {
    let error = error_after(|text| text.replace("\"cat\", \"hen\"]", "\"dog\", \"hen\"]"));
    says(&error, &["\"dog\"", "positions 0 and 1"]);
    let error = error_after(|text| text.replace("[thresholds.hen]", "[thresholds.cow]"));
    says(&error, &["thresholds.cow"]);
    let error = error_after(|text| text.replace("off = 0.3", "off = 0.8"));
    says(&error, &["off = 0.8", "off <= on"]);
}

#[test]
fn a_newer_version_says_what_to_install() {
    let error = error_after(|text| text.replace("format_version = 1", "format_version = 7"));
    says(&error, &["format_version is 7", "version 1", "newer tympan"]);
    let error = error_after(|text| text.replace("format_version = 1", "format_version = 0"));
    says(&error, &["format_version is 0", "tympan train"]);
}

#[test]
fn a_manifest_with_a_slip_names_its_line() {
    let error = error_after(|text| text.replace("mel_bands = 8", "mel_band = 8"));
    says(&error, &["model.toml:", "mel_band"]);
    let error = error_after(|text| format!("= nonsense\n{text}"));
    says(&error, &["model.toml:1:"]);
}

#[test]
fn sizes_that_do_not_fit_are_refused_before_libtorch_sees_them() {
    let error = error_after(|text| text.replace("frames = 14", "frames = 15"));
    says(&error, &["window.frames is 15", "multiple of 2"]);
    let error = error_after(|text| text.replace("lstm_hidden = 5", "lstm_hidden = 900000000"));
    says(&error, &["lstm_hidden is 900000000"]);
    let error = error_after(|text| text.replace("lstm_hidden = 5", "lstm_hidden = 4"));
    says(&error, &["lstm.bias_hh_l0", "[20]", "[16]"]);
    let error = error_after(|text| text.replace("lstm_hidden = 5", "lstm_hidden = 4096"));
    says(&error, &["parameters", "another network"]);
    let block = "[[network.blocks]]\nchannels = 1\ntime_pool = 2\nband_pool = 1\n\n[provenance]";
    let many = block.replace("[provenance]", "").repeat(64) + "[provenance]";
    let error = error_after(|text| text.replace("[provenance]", &many));
    says(&error, &["number of blocks is 66"]);
    for (good, bad) in [
        ("fft_size = 1024", "fft_size = 0"),
        ("taper_samples = 1024", "taper_samples = 4096"),
        ("frame_hop_samples = 320", "frame_hop_samples = 0"),
        ("mel_high_hz = 7500.0", "mel_high_hz = 9500.0"),
        ("mel_bands = 8", "mel_bands = 9000000"),
    ] {
        says(&error_after(|text| text.replace(good, bad)), &["model.toml"]);
    }
    let error = error_after(|text| text.replace("revision = 1", "revision = 2"));
    says(&error, &["revision 2", "revision 1"]);
}

#[test]
fn files_larger_than_any_bundles_are_refused_before_they_are_read() {
    let folder = tempfile::tempdir().unwrap();
    write_small_bundle(folder.path(), 1);
    let weights = folder.path().join("weights.safetensors");
    // as long as the longest weights of any network, and no byte of it on the disk
    std::fs::File::options().write(true).open(&weights).unwrap().set_len(256 << 20).unwrap();
    says(
        &error_of(folder.path()),
        &["weights.safetensors has 268435456 bytes", "at most 10", "copy the whole bundle"],
    );
    let error = error_after(|text| format!("{text}{}", "# words\n".repeat(1 << 18)));
    says(&error, &["model.toml has 2", "at most 1048576"]);
}

#[test]
fn weights_whose_header_claims_more_than_any_has_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = write_small_bundle(folder.path(), 1);
    let mut bytes = std::fs::read(folder.path().join("weights.safetensors")).unwrap();
    for claimed in [1_u64 << 21, 1 << 40, u64::MAX] {
        bytes[..8].copy_from_slice(&claimed.to_le_bytes());
        let Err(error) = Bundle::from_parts(folder.path(), manifest.clone(), &bytes) else {
            panic!("a header of {claimed} bytes was read");
        };
        says(&error.to_string(), &["weights.safetensors", &claimed.to_string(), "1048576"]);
    }
}

#[test]
fn weights_that_are_no_numbers_are_refused_for_they_would_detect_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = write_small_bundle(folder.path(), 1);
    let mut bytes = std::fs::read(folder.path().join("weights.safetensors")).unwrap();
    let end = bytes.len() - 4;
    for value in [f32::NAN, f32::INFINITY] {
        bytes[end..].copy_from_slice(&value.to_le_bytes());
        let Err(error) = Bundle::from_parts(folder.path(), manifest.clone(), &bytes) else {
            panic!("{value} was taken for a weight");
        };
        says(&error.to_string(), &["weights.safetensors", "not a finite number", "train again"]);
    }
}

#[test]
fn a_link_out_of_the_bundle_is_refused_and_one_within_or_to_the_whole_is_not() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_small_bundle(folder.path(), 1);
    write_small_bundle(elsewhere.path(), 1);
    let whole = elsewhere.path().join("link");
    std::os::unix::fs::symlink(folder.path(), &whole).unwrap();
    for file in ["model.toml", "weights.safetensors"] {
        let (path, kept) = (folder.path().join(file), folder.path().join("kept"));
        std::fs::rename(&path, &kept).unwrap();
        std::os::unix::fs::symlink(elsewhere.path().join(file), &path).unwrap();
        let out = elsewhere.path().to_str().unwrap();
        says(&error_of(folder.path()), &[file, out, "outside the bundle", "cp --dereference"]);
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("kept", &path).unwrap();
        assert!(Bundle::load(&whole).is_ok(), "a link within a bundle that is itself a link");
        std::fs::rename(&kept, &path).unwrap();
    }
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    write_small_bundle(folder.path(), 1);
    let path = folder.path().join("model.toml");
    std::fs::remove_file(&path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    says(&error_of(folder.path()), &["model.toml", "not a regular file"]);
}

#[test]
fn labels_too_many_or_too_long_are_refused() {
    let error = error_after(|text| {
        let labels: Vec<String> = (0..5_000).map(|label| format!("\"{label}\"")).collect();
        text.replace("[\"dog\", \"cat\", \"hen\"]", &format!("[{}]", labels.join(",")))
    });
    says(&error, &["model.toml", "5000 labels", "4096"]);
    let error = error_after(|text| text.replace("\"cat\"", &format!("\"{}\"", "c".repeat(300))));
    says(&error, &["label 1", "255 bytes"]);
    assert!(error.len() < 400, "{error}");
}

#[test]
fn a_module_that_others_made_is_no_network_of_tympan_s_own() {
    let folder = tempfile::tempdir().unwrap();
    let text = "format_version = 2\nruntime = \"torchscript\"\n";
    std::fs::write(folder.path().join("model.toml"), text).unwrap();
    says(&error_of(folder.path()), &["describes a TorchScript module", "`tympan run`"]);
}
