//! tympan's side of the comparison with other runtimes. `benches/peers/run.sh` builds and starts it; `compare.py` gives it
//! commands on standard input, one a line, and reads one line of standard output for each. One thread does all of it.
//!
//! It is given a folder for each network, with its bundle. It makes the sound that all sides get, writes it and its windows
//! into these folders for the others, and then answers, JOB being `NETWORK.WORK`,
//!
//! ```text
//! time JOB CALLS          nanoseconds of each call (of the mel jobs: of each frame), separated by spaces
//! answers JOB EVERY FILE  "written": little-endian f32, the scores of every EVERY-th window, or all log-mel frames
//! ```

mod jobs;

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use jobs::{FramesJob, Job, PipelineJob, ScoreJob};
use tympan::domain::MelWindow;
use tympan::dsp::Resampler;
use tympan::features::{Arrival, Featuriser};
use tympan::model::{Bundle, Model, NetworkScorer};
use tympan::sources::{Repeat, SampleReader, Soundscape};
use tympan::torch::{ReferenceScorer, configure_runtime};

/// The soundscape `tympan run --source demo` plays.
const DEMO_SEED: u64 = 1;

/// Sound that the mel job takes in one call.
const EXCERPT_SECONDS: usize = 5;

type Fallible<T> = Result<T, Box<dyn Error>>;

/// Each under the name that commands give it.
type Jobs = Vec<(String, Box<dyn Job>)>;

fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [serve, folders @ ..] = arguments.as_slice() else {
        // as `cargo bench` and `cargo test --all-targets` call it
        println!(
            "nothing to measure alone: `make bench-peers` compares tympan with other runtimes"
        );
        return Ok(());
    };
    if serve != "serve" {
        return Err(format!("{serve:?} is no command; `serve FOLDER…` is").into());
    }
    configure_runtime(1);
    let mut jobs = Vec::new();
    for folder in folders {
        jobs.extend(prepare(Path::new(folder))?);
    }
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let reply = answer(&mut jobs, &line?)?;
        println!("{reply}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// The jobs of the network in `folder`, which is filled with what the others are given.
fn prepare(folder: &Path) -> Fallible<Jobs> {
    let mut bundle = Bundle::load(&folder.join("bundle"))?;
    // each network alone
    bundle.verifier = None;
    let sound = capture(&bundle)?;
    let windows = windows_of(&bundle, &sound)?;
    write_values(&folder.join("sound.f32"), &sound)?;
    let values: Vec<f32> =
        windows.iter().flat_map(|window| window.values.iter().copied()).collect();
    write_values(&folder.join("windows.f32"), &values)?;
    let network = folder.file_name().unwrap_or_default().display().to_string();
    let jobs = jobs(&bundle, &sound, &windows)?;
    Ok(jobs.into_iter().map(|(work, job)| (format!("{network}.{work}"), job)).collect())
}

/// One round of the demo at the model's rate.
fn capture(bundle: &Bundle) -> Fallible<Rc<[f32]>> {
    let mut demo = Soundscape::with_repeat(DEMO_SEED, Repeat::Once);
    let rate = bundle.manifest.front_end.sample_rate_hz;
    let mut sound = Vec::new();
    let mut keep = |samples: &[f32]| sound.extend_from_slice(samples);
    let mut block = [0.0; 4_800];
    if demo.sample_rate() == rate {
        while let read @ 1.. = demo.read(&mut block)? {
            keep(&block[..read]);
        }
    } else {
        let mut resampler = Resampler::new(demo.sample_rate(), rate)?;
        while let read @ 1.. = demo.read(&mut block)? {
            resampler.push(&block[..read], &mut keep);
        }
        resampler.flush(&mut keep);
    }
    Ok(sound.into())
}

/// All windows of the sound.
fn windows_of(bundle: &Bundle, sound: &[f32]) -> Fallible<Rc<[MelWindow]>> {
    let spec = bundle.featuriser_spec();
    let mut featuriser = Featuriser::new(&spec, spec.front_end.sample_rate_hz)?;
    let empty = featuriser.empty_window();
    let mut windows = Vec::new();
    featuriser.push(sound, Arrival::now(), &mut |mut ready| {
        let mut window = empty.clone();
        ready.copy_into(&mut window);
        windows.push(window);
    });
    Ok(windows.into())
}

/// What is timed of one network.
fn jobs(
    bundle: &Bundle,
    sound: &Rc<[f32]>,
    windows: &Rc<[MelWindow]>,
) -> Fallible<Vec<(&'static str, Box<dyn Job>)>> {
    let spec = bundle.featuriser_spec();
    let front_end = &spec.front_end;
    let excerpt = EXCERPT_SECONDS * front_end.sample_rate_hz.hz() as usize;
    let hop = spec.window.hop_frames * front_end.frame_hop_samples;
    let model = Arc::new(Model::new(bundle));
    let scorer = Box::new(NetworkScorer::new(&model));
    let reference = Box::new(ReferenceScorer::new(bundle)?);
    Ok(vec![
        ("scores", Box::new(ScoreJob::new(scorer, windows))),
        ("reference", Box::new(ScoreJob::new(reference, windows))),
        ("frames", Box::new(FramesJob::of_excerpts(front_end, sound, excerpt)?)),
        ("frames_of_hop", Box::new(FramesJob::of_a_stream(front_end, sound, hop)?)),
        ("pipeline", Box::new(PipelineJob::new(&model, sound)?)),
    ])
}

/// What a command is answered with.
fn answer(jobs: &mut Jobs, command: &str) -> Fallible<String> {
    let words: Vec<&str> = command.splitn(4, ' ').collect();
    let name = words.get(1).copied().unwrap_or_default();
    let Some((_, job)) = jobs.iter_mut().find(|(known, _)| *known == name) else {
        return Err(format!("{command:?} names no job").into());
    };
    match words.as_slice() {
        ["time", _, calls] => {
            let times = (0..calls.parse()?).map(|_| Ok(job.call()?.to_string()));
            Ok(times.collect::<Fallible<Vec<String>>>()?.join(" "))
        }
        ["answers", _, every, file] => {
            write_values(Path::new(file), &job.answers(every.parse()?)?)?;
            Ok("written".to_owned())
        }
        _ => Err(format!("{command:?} is no command").into()),
    }
}

fn write_values(path: &Path, values: &[f32]) -> Result<(), std::io::Error> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(path, bytes)
}
