//! A program whose output is a source: what it delivers, how it ends, and that nothing of it is left behind.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tympan::domain::InputCounters;
use tympan::sources::{
    ChannelSelection, Command, CommandSpec, RingItem, RunningSource, SampleConsumer, Source,
    SourceError, SourceState, sample_ring,
};

/// Long enough for a shell on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

struct Started {
    running: Box<dyn RunningSource>,
    ring: SampleConsumer,
    counters: Arc<InputCounters>,
}

/// A shell that runs `script`; a second of silence is a loss.
fn shell(script: &str) -> CommandSpec {
    CommandSpec {
        program: "sh".to_owned(),
        arguments: vec!["-c".to_owned(), script.to_owned()],
        format: "s16le:16000:1".parse().unwrap(),
        channels: ChannelSelection::Mix,
        lost_after: Duration::from_secs(1),
    }
}

fn start(spec: CommandSpec) -> Started {
    let source = Box::new(Command::new(spec));
    let counters = Arc::<InputCounters>::default();
    let rate = source.sample_rate();
    let (producer, ring) = sample_ring(rate, Duration::from_secs(8), Arc::clone(&counters));
    Started { running: source.start(producer).unwrap(), ring, counters }
}

impl Started {
    /// Waits until it is lost.
    fn loss(&mut self) -> String {
        let began = Instant::now();
        loop {
            match self.running.state() {
                SourceState::Running if began.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                SourceState::Lost(error) => return error.to_string(),
                other => panic!("{other:?}"),
            }
        }
    }

    fn samples(&mut self) -> Vec<f32> {
        let (mut block, mut samples) = (vec![0.0; 4_096], Vec::new());
        loop {
            match self.ring.take(&mut block) {
                RingItem::Samples { count, .. } => samples.extend_from_slice(&block[..count]),
                RingItem::Gap { .. } => panic!("nothing is to be lost"),
                RingItem::Empty | RingItem::Ended => return samples,
            }
        }
    }
}

/// Whether a process of this id is there, other than as one that nobody has asked for its end.
fn is_alive(id: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
    status.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
}

fn read_when_written(path: &Path) -> String {
    let began = Instant::now();
    loop {
        match fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text,
            _ if began.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
            other => panic!("{}: {other:?}", path.display()),
        }
    }
}

#[test]
fn what_a_program_writes_arrives_whole_and_its_end_is_a_loss_with_its_status_and_last_words() {
    let mut started = start(shell(
        "head -c 32001 /dev/zero; echo 'rtsp://me:secret@camera: 401 Unauthorized' >&2; exit 7",
    ));
    let loss = started.loss();
    assert_eq!(
        loss,
        "sh ended with exit status 7; its last words: rtsp://***@camera: 401 Unauthorized"
    );
    assert_eq!(started.samples(), vec![0.0; 16_000], "half a sample is none");
    assert_eq!(started.counters.samples_captured.get(), 16_000);
}

#[test]
fn a_program_that_ends_without_a_sample_or_by_a_signal_is_reported_so() {
    assert_eq!(start(shell("exit 0")).loss(), "sh ended before it wrote a single sample");
    assert_eq!(
        start(shell("head -c 64000 /dev/zero; kill -SEGV $$")).loss(),
        "sh was ended by signal 11"
    );
}

#[test]
fn a_program_that_falls_silent_is_lost_and_its_children_end_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let ids = folder.path().join("ids");
    let script = format!(
        "trap '' TERM; sleep 1000 & echo $$ $! > {}; head -c 16000 /dev/zero; wait; sleep 1000",
        ids.display()
    );
    let mut started = start(shell(&script));
    assert_eq!(started.loss(), "sh has written nothing for 1.0 s (lost_after_s)");
    let ids = read_when_written(&ids);
    assert!(ids.split_whitespace().all(is_alive), "{ids}");
    // it ignores SIGTERM
    drop(started);
    let began = Instant::now();
    while ids.split_whitespace().any(is_alive) {
        assert!(began.elapsed() < PATIENCE, "of {ids} one is left behind");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_program_that_floods_its_output_is_held_back_to_real_time() {
    let mut started = start(shell("exec cat /dev/zero"));
    let began = Instant::now();
    let mut samples = 0;
    while began.elapsed() < Duration::from_secs(2) {
        samples += started.samples().len() as u64;
        std::thread::sleep(Duration::from_millis(20));
    }
    let elapsed = began.elapsed() + Duration::from_secs(3);
    let most = 16_000 * u64::try_from(elapsed.as_millis()).unwrap() / 1_000;
    assert!((8_000..most).contains(&samples), "{samples} samples, {most} at most");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let spec = CommandSpec { program: "no-such-program".to_owned(), ..shell("") };
    let rate = spec.format.sample_rate;
    let (producer, _ring) = sample_ring(rate, Duration::from_secs(1), Arc::default());
    let error = Box::new(Command::new(spec)).start(producer).err().unwrap();
    assert!(matches!(error, SourceError::CommandStart { .. }), "{error:?}");
    assert!(error.to_string().contains("\"no-such-program\"; is it installed"), "{error}");
}
