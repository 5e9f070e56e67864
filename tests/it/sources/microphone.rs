//! The microphone for real, against a private audio server: a tone is captured through each host, and the server's death is
//! noticed.
//!
//! Which server a process captures from is in its environment, which a test cannot change safely for itself: so the
//! parent test runs this binary again, for the one test below that captures.

use std::f32::consts::TAU;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tympan::domain::InputCounters;
use tympan::sources::microphone::devices;
use tympan::sources::{
    Microphone, MicrophoneSpec, RingItem, Source, SourceError, SourceState, sample_ring,
};

use crate::support::audio_server::AudioServer;
use crate::support::skipping::skipped;

const HOST: &str = "TYMPAN_TEST_CAPTURE_HOST";
const CAPTURED: &str = "the tone is captured";

/// Not a time that is measured: a bound on how long a broken capture may hang the tests.
const PATIENCE: Duration = Duration::from_secs(60);

fn write_tone(path: &Path) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for index in 0..96_000 {
        let sample = (TAU * 440.0 * index as f32 / 48_000.0).sin() * 16_000.0;
        writer.write_sample(sample as i16).unwrap();
    }
    writer.finalize().unwrap();
}

/// Has the tone captured and the server killed, and again with the server back and its device another one.
fn capture_and_lose(host: &str) {
    let mut server = match AudioServer::start() {
        Ok(server) => server,
        Err(reason) => {
            skipped(&format!("no audio server: {reason}"));
            return;
        }
    };
    let folder = tempfile::TempDir::new().unwrap();
    let tone = folder.path().join("tone.wav");
    write_tone(&tone);
    capture_until_killed(host, &mut server, &tone, Killed::OnceTheToneHasEnded);
    server.restart(32_000, 1).unwrap();
    capture_until_killed(host, &mut server, &tone, Killed::OnceItIsCaptured);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Killed {
    OnceTheToneHasEnded,
    /// So soon after the stream's start that it looks like a buffer of a size that the host cannot serve.
    OnceItIsCaptured,
}

/// Plays the tone until the capturing process reports the tone, kills the server, and awaits the process.
fn capture_until_killed(host: &str, server: &mut AudioServer, tone: &Path, killed: Killed) {
    let mut capturing = Command::new(std::env::current_exe().unwrap())
        .args(["sources::microphone::this_process_captures_the_tone", "--exact", "--nocapture"])
        .envs(server.env())
        .env(HOST, host)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let captured = Arc::new(AtomicBool::new(false));
    let lines = BufReader::new(capturing.stdout.take().unwrap()).lines();
    let listening = std::thread::spawn({
        let captured = Arc::clone(&captured);
        move || {
            let mut output = String::new();
            for line in lines.map_while(Result::ok) {
                if line.contains(CAPTURED) {
                    // Relaxed: the flag is all there is to see.
                    captured.store(true, Ordering::Relaxed);
                }
                output += &line;
                output.push('\n');
            }
            output
        }
    });
    // Relaxed: as above.
    let is_captured = || captured.load(Ordering::Relaxed);
    while !is_captured() && capturing.try_wait().unwrap().is_none() {
        let mut playing = server.begin_to_play(tone).unwrap();
        while playing.try_wait().unwrap().is_none()
            && !(killed == Killed::OnceItIsCaptured && is_captured())
        {
            std::thread::sleep(Duration::from_millis(2));
        }
        let _ended_already = playing.kill();
        let _status = playing.wait();
    }
    server.kill();
    let status = capturing.wait().unwrap();
    let output = listening.join().unwrap();
    assert!(status.success(), "{host}: {output}");
    assert!(output.contains("1 passed"), "the capturing test has another name: {output}");
}

#[test]
fn a_tone_is_captured_and_a_dead_server_noticed_through_the_pulseaudio_host() {
    capture_and_lose("pulseaudio");
}

#[test]
fn a_tone_is_captured_and_a_dead_server_noticed_through_the_alsa_host() {
    capture_and_lose("alsa");
}

/// Run by the tests above, with the server in its environment; in an ordinary run it only checks that a device that
/// nobody has is refused with a list.
#[test]
fn this_process_captures_the_tone() {
    let Ok(host) = std::env::var(HOST) else {
        let spec = MicrophoneSpec { device: "no such device".into(), ..MicrophoneSpec::default() };
        let Err(error) = Microphone::open(&spec) else { panic!("it was opened") };
        assert!(matches!(error, SourceError::DeviceNotFound { .. }), "{error}");
        assert!(error.to_string().contains("no input device \"no such device\"; there are:\n  "));
        return;
    };
    let spec = MicrophoneSpec { host: host.parse().unwrap(), ..MicrophoneSpec::default() };
    let listed = devices(spec.host).unwrap();
    let default = listed.iter().find(|device| device.is_default).expect("a default is listed");
    let microphone = Microphone::open(&spec).unwrap();
    assert_eq!(microphone.device_id(), default.id);
    let counters = Arc::new(InputCounters::default());
    let (producer, mut consumer) =
        sample_ring(microphone.sample_rate(), Duration::from_secs(2), Arc::clone(&counters));
    let mut running = Box::new(microphone).start(producer).unwrap();
    let deadline = Instant::now() + PATIENCE;
    let (mut block, mut loud_samples) = ([0.0; 4_800], 0);
    let loss = loop {
        assert!(Instant::now() < deadline, "{loud_samples} loud samples, then nothing more");
        match consumer.take(&mut block) {
            RingItem::Samples { count, .. } => {
                let before = loud_samples;
                loud_samples += block[..count].iter().filter(|x| x.abs() > 0.25).count();
                if before < 10_000 && loud_samples >= 10_000 {
                    println!("{CAPTURED}");
                }
            }
            RingItem::Empty => std::thread::sleep(Duration::from_millis(2)),
            RingItem::Gap { .. } => (),
            RingItem::Ended => panic!("the ring closed by itself"),
        }
        if let SourceState::Lost(error) = running.state() {
            break error;
        }
    };
    assert!(loud_samples >= 10_000, "lost before the tone was captured: {loss}");
    let is_reported =
        matches!(loss, SourceError::DeviceLost { .. } | SourceError::NoSamplesArrive { .. });
    assert!(is_reported, "{loss}");
    drop(running);
    while consumer.take(&mut block) != RingItem::Ended {
        assert!(Instant::now() < deadline, "the ring stays open after the loss");
    }
}
