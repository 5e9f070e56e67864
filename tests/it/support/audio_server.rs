//! A private PulseAudio server with a null sink whose monitor is the microphone, for tests that capture for real.
//!
//! Started and killed by a test; gives the environment variables under which any program captures from it, through
//! the PulseAudio host or through ALSA's `pulse` plugin. Included by more than one test binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long the server may take to open its socket. Generous: it is only waited for in vain when it fails.
const START_PATIENCE: Duration = Duration::from_secs(20);

/// A running server; killed, with its files, when dropped.
pub struct AudioServer {
    server: Child,
    home: TempDir,
}

impl AudioServer {
    /// Starts a server of its own, whatever other servers run.
    ///
    /// # Errors
    /// In words, why there is none: a test then says that it is skipped, or fails where nothing may be skipped.
    pub fn start() -> Result<Self, String> {
        for program in ["pulseaudio", "pactl", "paplay"] {
            let found = Command::new(program).arg("--version").output();
            if !found.is_ok_and(|output| output.status.success()) {
                return Err(format!("no {program} (apt-get install pulseaudio pulseaudio-utils)"));
            }
        }
        let home = TempDir::new().map_err(|error| format!("no temporary folder: {error}"))?;
        write_configuration(home.path(), 48_000, 2)
            .map_err(|error| format!("cannot configure: {error}"))?;
        let server = spawn(home.path())?;
        let mut started = Self { server, home };
        started.wait_until_it_answers()?;
        Ok(started)
    }

    /// Starts a killed server again, with a device of another rate and number of channels under the same name.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn restart(&mut self, rate_hz: u32, channels: u16) -> Result<(), String> {
        let home = self.home.path();
        // left behind by the one that was killed, it would keep the new one from its address
        let _none = fs::remove_file(home.join("native"));
        write_configuration(home, rate_hz, channels)
            .map_err(|error| format!("cannot configure: {error}"))?;
        self.server = spawn(home)?;
        self.wait_until_it_answers()
    }

    /// What a program needs in its environment to capture from this server.
    pub fn env(&self) -> Vec<(&'static str, PathBuf)> {
        environment(self.home.path())
    }

    /// Begins to play a sound file into the microphone.
    pub fn begin_to_play(&self, sound: &Path) -> Result<Child, String> {
        Command::new("paplay")
            .arg(sound)
            .envs(self.env())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot run paplay: {error}"))
    }

    /// Ends the server at once, as if it had crashed: a device loss for whoever captures.
    pub fn kill(&mut self) {
        let _gone_already = self.server.kill();
        let _status = self.server.wait();
    }

    fn wait_until_it_answers(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            let answer = Command::new("pactl").arg("info").envs(self.env()).output();
            if answer.is_ok_and(|output| output.status.success()) {
                return Ok(());
            }
            let log = || fs::read_to_string(self.home.path().join("server.log"));
            if let Ok(Some(status)) = self.server.try_wait() {
                let log = log().unwrap_or_default();
                return Err(format!("pulseaudio ended with {status}: {log}"));
            }
            if Instant::now() > deadline {
                return Err(format!("pulseaudio does not answer: {}", log().unwrap_or_default()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for AudioServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(home: &Path) -> Result<Child, String> {
    Command::new("pulseaudio")
        .args(["--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "-n", "-F"])
        .arg(home.join("server.pa"))
        .envs(environment(home))
        .env_remove("PULSE_SERVER")
        .stdout(Stdio::null())
        .stderr(fs::File::create(home.join("server.log")).map_err(|error| error.to_string())?)
        .spawn()
        .map_err(|error| format!("cannot start pulseaudio: {error}"))
}

/// The server's script, and ALSA's routing of its default device to the server. A null sink that rewinds delivers on a grid
/// of two seconds, one that does not, of 50 ms.
fn write_configuration(home: &Path, rate_hz: u32, channels: u16) -> std::io::Result<()> {
    let socket = home.join("native");
    fs::create_dir_all(home.join("runtime"))?;
    fs::write(
        home.join("server.pa"),
        format!(
            "load-module module-null-sink sink_name=speaker rate={rate_hz} channels={channels} norewinds=1\n\
             set-default-sink speaker\n\
             set-default-source speaker.monitor\n\
             load-module module-native-protocol-unix auth-anonymous=1 socket={}\n",
            socket.display()
        ),
    )?;
    fs::write(
        home.join(".asoundrc"),
        "pcm.!default { type pulse hint { show on description \"Default (test server)\" } }\n\
         ctl.!default { type pulse }\n",
    )
}

fn environment(home: &Path) -> Vec<(&'static str, PathBuf)> {
    vec![
        ("HOME", home.to_owned()),
        ("XDG_RUNTIME_DIR", home.join("runtime")),
        ("PULSE_RUNTIME_PATH", home.join("runtime")),
        ("PULSE_STATE_PATH", home.join("runtime")),
        ("PULSE_COOKIE", home.join("cookie")),
        ("PULSE_SERVER", PathBuf::from(format!("unix:{}", home.join("native").display()))),
    ]
}
