//! Bundles in PyTorch: the script that opens them there builds the network, loads the weights and gives tympan's scores.

use std::path::{Path, PathBuf};
use std::process::Command;

use tympan::domain::SampleRate;
use tympan::dsp::Resampler;
use tympan::sources::{Repeat, SampleReader, Soundscape};

use super::{says, write_wav};

/// The rate of all bundles here.
const RATE: u32 = 16_000;

/// What the script needs.
const IMPORTS: &str = "import numpy, safetensors, scipy.io.wavfile, tomllib, torch";

/// The Python that `TYMPAN_TEST_PYTHON` names, or that there is, if it has PyTorch.
fn python() -> Option<PathBuf> {
    let named = std::env::var_os("TYMPAN_TEST_PYTHON").unwrap_or("python3".into());
    let has_all = Command::new(&named).args(["-c", IMPORTS]).output();
    if has_all.is_ok_and(|it| it.status.success()) {
        return Some(named.into());
    }
    eprintln!(
        "skipped: this Python has not torch, safetensors, numpy and scipy (TYMPAN_TEST_PYTHON names another)"
    );
    None
}

/// Three seconds of the demo from the first sound on.
fn recording(folder: &Path) -> PathBuf {
    let mut demo = Soundscape::with_repeat(1, Repeat::Once);
    let rate = SampleRate::new(RATE).unwrap();
    let mut resampler = Resampler::new(demo.sample_rate(), rate).unwrap();
    let (mut samples, mut block) = (Vec::new(), [0.0; 4_800]);
    while samples.len() < 8 * RATE as usize {
        let read = demo.read(&mut block).unwrap();
        resampler.push(&block[..read], &mut |made| samples.extend_from_slice(made));
    }
    let onset = samples.iter().position(|sample: &f32| sample.abs() > 0.05).unwrap();
    let excerpt = &samples[onset..][..3 * RATE as usize];
    let integers: Vec<i16> = excerpt.iter().map(|sample| (sample * 32_767.0) as i16).collect();
    let path = folder.join("demo.wav");
    write_wav(&path, RATE, 1, &integers);
    path
}

#[test]
#[ignore = "takes a while: make test-all"]
fn pytorch_gives_tympans_own_scores() {
    let Some(python) = python() else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let recording = recording(folder.path());
    let shipped = ["models/esc50", "models/esc50/verifier", "benches/peers/crnn"];
    for bundle in shipped.map(|name| root.join(name)) {
        let mut script = Command::new(&python);
        script.arg(root.join("scripts/open_in_pytorch.py")).arg(&bundle).arg(&recording);
        let output = script.arg(env!("CARGO_BIN_EXE_tympan")).output().unwrap();
        let [printed, errors] =
            [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert!(output.status.success(), "{}: {printed}{errors}", bundle.display());
        says(&printed, &["tympan's own scores are at most 0.0000"]);
    }
}
