//! Programs that the daemon runs: a camera that writes samples until it is killed or hangs, and one that is run for each event,
//! which now and then fails or hangs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::id;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tympan::live::Reopen;
use tympan::sinks::CommandSinkSpec;
use tympan::sources::command::{Command, CommandSpec};
use tympan::sources::{ChannelSelection, Source, SourceError};

use super::wait_until;

/// In the environment of every program that is started here, and of those that it starts.
const MARK: &str = "TYMPAN_SOAK_OF";

/// It writes so much audio at a time, and keeps real time: what comes faster waits for its time, as from any stream.
const BLOCK: Duration = Duration::from_millis(200);

fn marked(script: &str) -> Vec<String> {
    let mark = format!("{MARK}={}", id());
    ["env", &mark, "sh", "-c", script].map(str::to_owned).to_vec()
}

/// How many of them are alive, apart from those that end just now.
pub fn alive() -> usize {
    let mark = format!("{MARK}={}", id()).into_bytes();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|process| {
            let environment = fs::read(process.path().join("environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == mark)
        })
        .count()
}

/// A program that writes a recording over and over, as `kind = "command"` reads it.
pub struct Camera {
    spec: CommandSpec,
    id: PathBuf,
    is_gone: Arc<AtomicBool>,
}

impl Camera {
    /// Of `samples`, which have to be at 48 kHz.
    pub fn new(folder: &Path, samples: &[f32]) -> Self {
        let (recording, id) = (folder.join("camera.raw"), folder.join("camera.pid"));
        let bytes: Vec<u8> =
            samples.iter().flat_map(|sample| ((sample * 32_767.0) as i16).to_le_bytes()).collect();
        fs::write(&recording, &bytes).unwrap();
        let block = 2 * 48 * BLOCK.as_millis() as usize;
        let script = format!(
            "echo $$ > {id}; trap '' TERM; n=0; while dd if={recording} bs={block} skip=$n count=1 2>/dev/null; do \
             n=$(((n + 1) % {blocks})); sleep {pause}; done",
            id = id.display(),
            recording = recording.display(),
            blocks = bytes.len() / block,
            pause = BLOCK.as_secs_f64(),
        );
        let mut argv = marked(&script).into_iter();
        let spec = CommandSpec {
            program: argv.next().unwrap(),
            arguments: argv.collect(),
            format: "s16le:48000:1".parse().unwrap(),
            channels: ChannelSelection::Mix,
            lost_after: Duration::from_millis(500),
        };
        Self { spec, id, is_gone: Arc::default() }
    }

    pub fn open(&self) -> Box<dyn Source> {
        Box::new(Command::new(self.spec.clone()))
    }

    pub fn reopen(&self) -> Reopen {
        let (spec, is_gone) = (self.spec.clone(), Arc::clone(&self.is_gone));
        Arc::new(move || {
            // SeqCst: a test wants no subtlety
            if is_gone.load(Ordering::SeqCst) {
                let reason = "gone".into();
                return Err(SourceError::DeviceLost { device: "camera".into(), reason });
            }
            Ok(Box::new(Command::new(spec.clone())))
        })
    }

    /// Kills it in the middle of a sample, or stops it, so that it hangs. One that the daemon replaces just now has its turn when it
    /// is there.
    pub fn harm(&self, hangs: bool) {
        let signal = if hangs { Signal::SIGSTOP } else { Signal::SIGKILL };
        wait_until("a camera to harm", || self.signal(signal));
    }

    /// Takes it away for good.
    pub fn leave(&self) {
        // SeqCst: as above
        self.is_gone.store(true, Ordering::SeqCst);
        // the daemon may just have started one, or have ended one that was late
        for _ in 0..20 {
            self.signal(Signal::SIGKILL);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Whether there was a camera.
    fn signal(&self, signal: Signal) -> bool {
        let id = fs::read_to_string(&self.id).unwrap_or_default();
        id.trim().parse().is_ok_and(|id| kill(Pid::from_raw(id), signal).is_ok())
    }
}

/// The program of `[output.command]`.
pub struct Notifier {
    received: PathBuf,
}

impl Notifier {
    pub fn new(folder: &Path) -> Self {
        let received = folder.join("notified");
        fs::write(&received, "").unwrap();
        Self { received }
    }

    /// Notes each event; fails at one in a hundred, and hangs at one in a thousand.
    pub fn spec(&self) -> CommandSinkSpec {
        let script = format!(
            "read -r line; echo \"$line\" >> {}; case $line in *'\"id\":'*17,*) exit 3;; *'\"id\":'*371,*) trap '' TERM; sleep 1000;; esac",
            self.received.display()
        );
        CommandSinkSpec {
            argv: marked(&script),
            labels: Vec::new(),
            max_per_minute: usize::MAX,
            // a shell on a machine under load has noted its event by then
            timeout: Duration::from_secs(2),
        }
    }

    /// The events that it was run for.
    pub fn events(&self) -> BTreeSet<u64> {
        let mut events = BTreeSet::new();
        for line in fs::read_to_string(&self.received).unwrap().lines() {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(events.insert(record["id"].as_u64().unwrap()), "run twice for {line}");
        }
        events
    }
}
