//! Writes the log-mel frames of a recording as CSV, a frame a line, exactly as a model sees them before normalisation:
//!
//! ```text
//! cargo run --release --no-default-features --example mel_of_wav -- RECORDING > frames.csv
//! ```

use std::error::Error;
use std::io::{BufWriter, Write, stdout};

use tympan::features::{FrontEnd, FrontEndSpec};
use tympan::sources::load_clip;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("give the path of a recording")?;
    let clip = load_clip(path.as_ref())?;

    // 16 kHz, 64 bands, a frame every 20 ms; a bundle's own is `Model::open(…)?.featuriser_spec().front_end`
    let spec = FrontEndSpec::standard()?;
    let mut front_end = FrontEnd::new(&spec, clip.sample_rate)?;
    let mut frames: Vec<Vec<f32>> = Vec::new();
    front_end.push(&clip.samples, &mut |frame| frames.push(frame.log_mel.to_vec()));
    // what the resampler still holds
    front_end.flush(&mut |frame| frames.push(frame.log_mel.to_vec()));

    let mut output = BufWriter::new(stdout().lock());
    for frame in &frames {
        let bands: Vec<String> = frame.iter().map(|band| format!("{band:.2}")).collect();
        writeln!(output, "{}", bands.join(","))?;
    }
    output.flush()?;
    eprintln!("{} frames of {} bands, in dB", frames.len(), spec.mel_bands);
    Ok(())
}
