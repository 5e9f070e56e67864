//! The daemon capturing for real: a sound server's null sink is played into, and its monitor is the microphone.
//!
//! Through the PulseAudio host and through ALSA's `pulse` plugin, with a real recording.

#[path = "it/support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use hound::{SampleFormat, WavSpec, WavWriter};
use serde_json::Value;
use support::audio_server::AudioServer;
use support::recordings::recordings;
use support::skipping::skipped;

/// Longer than a slow machine needs; only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A clip of the validation fold that the shipped model knows well, and its class.
const CLIP: (&str, &str) = ("esc50/audio/4-189836-A-22.ogg", "clapping");

/// The server, or nothing where it may be missing: in CI that is a failure.
fn server() -> Option<AudioServer> {
    match AudioServer::start() {
        Ok(server) => Some(server),
        Err(why) => {
            skipped(&why);
            None
        }
    }
}

/// The daemon on one host, and its records as they come.
fn listen(server: &AudioServer, host: &str, folder: &Path) -> (Child, Receiver<Value>) {
    listen_with(server, &format!("host = \"{host}\"\n"), folder)
}

fn listen_with(server: &AudioServer, microphone: &str, folder: &Path) -> (Child, Receiver<Value>) {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/esc50");
    let config = folder.join("tympan.toml");
    let text = format!("model = {model:?}\n[source.microphone]\n{microphone}");
    std::fs::write(&config, text).unwrap();
    start(server, &config)
}

/// The daemon with a configuration, and its records as they come.
fn start(server: &AudioServer, config: &Path) -> (Child, Receiver<Value>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tympan"))
        .args(["run", "--format", "jsonl", "--config"])
        .arg(config)
        .envs(server.env())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (sender, records) = channel();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if sender.send(serde_json::from_str(&line).unwrap()).is_err() {
                break;
            }
        }
    });
    (child, records)
}

fn until(records: &Receiver<Value>, wanted: impl Fn(&Value) -> bool) -> Value {
    loop {
        let record = records.recv_timeout(PATIENCE).expect("the record that was waited for");
        if wanted(&record) {
            return record;
        }
    }
}

/// `paplay` knows few formats; the clip as it was decoded by tympan, between two pauses.
fn as_wav(clip: &Path, wav: &Path) {
    let clip = tympan::sources::load_clip(clip).unwrap();
    let spec = WavSpec {
        channels: 1,
        sample_rate: clip.sample_rate.hz(),
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut writer = WavWriter::create(wav, spec).unwrap();
    for sample in clip.samples {
        writer.write_sample((sample * 32_767.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
}

fn captures_the_clip(host: &str) {
    let Some(data) = recordings(host) else { return };
    let Some(server) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let wav = folder.path().join("clip.wav");
    as_wav(&data.join(CLIP.0), &wav);
    let (mut daemon, records) = listen(&server, host, folder.path());
    until(&records, |record| record["state"] == "listening");
    // an idle null sink takes a while to deliver its first sample
    until(&records, |record| record["type"] == "window");
    assert!(server.begin_to_play(&wav).unwrap().wait().unwrap().success());
    let onset = until(&records, |record| record["phase"] == "onset");
    assert_eq!(onset["label"], CLIP.1, "{onset}");
    assert_eq!(onset["source"], "mic");
    let offset = until(&records, |record| record["phase"] == "offset");
    assert_eq!(offset["id"], onset["id"]);
    let kill = format!("kill {}", daemon.id());
    assert!(Command::new("bash").args(["-c", &kill]).status().unwrap().success());
    until(&records, |record| record["state"] == "stopping");
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
}

#[test]
#[ignore = "takes a while: make test-all"]
fn the_pulseaudio_host_captures_a_clip_that_is_classified_right() {
    captures_the_clip("pulseaudio");
}

#[test]
#[ignore = "takes a while: make test-all"]
fn the_alsa_host_captures_a_clip_that_is_classified_right() {
    captures_the_clip("alsa");
}

/// A server that dies and comes back with another device: the daemon goes on, at the new rate, and captures as before.
fn comes_back(host: &str) {
    let Some(data) = recordings(host) else { return };
    let Some(mut server) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let wav = folder.path().join("clip.wav");
    as_wav(&data.join(CLIP.0), &wav);
    let (mut daemon, records) = listen(&server, host, folder.path());
    let window = until(&records, |record| record["type"] == "window");
    server.kill();
    let lost = until(&records, |record| record["state"] == "lost");
    assert_eq!((&lost["source"], &lost["sample_rate_hz"]), (&"mic".into(), &48_000.into()));
    server.restart(32_000, 1).unwrap();
    let recovering = until(&records, |record| record["state"] == "recovering");
    let gap = until(&records, |record| record["type"] == "gap");
    assert_eq!(gap["cause"], "device_lost");
    let rate = recovering["sample_rate_hz"].as_u64().unwrap();
    let seconds = |samples: &Value, rate: u64| samples.as_u64().unwrap() as f64 / rate as f64;
    assert!(seconds(&gap["start_sample"], rate) >= seconds(&window["end_sample"], 48_000));
    let resumed = gap["start_sample"].as_u64().unwrap() + gap["samples"].as_u64().unwrap();
    let window = until(&records, |record| record["type"] == "window");
    assert!(window["start_sample"].as_u64().unwrap() >= resumed, "a window across the gap");
    assert!(server.begin_to_play(&wav).unwrap().wait().unwrap().success());
    let onset = until(&records, |record| record["phase"] == "onset");
    assert_eq!(onset["label"], CLIP.1, "{onset}");
    let kill = format!("kill {}", daemon.id());
    assert!(Command::new("bash").args(["-c", &kill]).status().unwrap().success());
    until(&records, |record| record["state"] == "stopping");
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
}

#[test]
#[ignore = "takes a while: make test-all"]
fn a_microphone_of_the_pulseaudio_host_that_is_lost_comes_back() {
    comes_back("pulseaudio");
}

#[test]
#[ignore = "takes a while: make test-all"]
fn a_microphone_of_the_alsa_host_that_is_lost_comes_back() {
    comes_back("alsa");
}

#[test]
#[ignore = "takes a while: make test-all"]
fn a_microphone_that_is_absent_at_the_start_is_waited_for_if_so_configured() {
    let Some(mut server) = server() else { return };
    server.kill();
    let folder = tempfile::tempdir().unwrap();
    let (mut daemon, records) =
        listen_with(&server, "host = \"pulseaudio\"\nwait = true\n", folder.path());
    let first = records.recv_timeout(PATIENCE).unwrap();
    assert_eq!((&first["type"], &first["state"]), (&"status".into(), &"lost".into()), "{first}");
    server.restart(44_100, 2).unwrap();
    let recovering = until(&records, |record| record["state"] == "recovering");
    assert_eq!(recovering["sample_rate_hz"], 44_100);
    let gap = until(&records, |record| record["type"] == "gap");
    assert_eq!((&gap["start_sample"], &gap["cause"]), (&0.into(), &"device_lost".into()));
    until(&records, |record| record["type"] == "window");
    let kill = format!("kill {}", daemon.id());
    assert!(Command::new("bash").args(["-c", &kill]).status().unwrap().success());
    assert_eq!(daemon.wait().unwrap().code(), Some(0));

    server.kill();
    let (mut daemon, records) = listen(&server, "pulseaudio", folder.path());
    assert_eq!(daemon.wait().unwrap().code(), Some(3));
    assert!(records.recv_timeout(PATIENCE).is_err(), "a record of a daemon that never listened");
}

#[test]
#[ignore = "takes a while: make test-all"]
fn a_microphone_that_stays_away_is_waited_for_and_a_stop_obeyed() {
    let Some(mut server) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (mut daemon, records) = listen(&server, "pulseaudio", folder.path());
    until(&records, |record| record["type"] == "window");
    server.kill();
    let lost = until(&records, |record| record["state"] == "lost");
    assert_eq!(lost["source"], "mic");
    let kill = format!("kill {}", daemon.id());
    assert!(Command::new("bash").args(["-c", &kill]).status().unwrap().success());
    until(&records, |record| record["state"] == "stopping");
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
}

/// Half a minute of hum at 50 Hz in noise.
fn hum_wav(wav: &Path) {
    let spec = WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut writer = WavWriter::create(wav, spec).unwrap();
    let mut state = 1u32;
    for index in 0..30 * 48_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (state >> 8) as f32 / 8_388_608.0 - 1.0;
        let hum = (std::f32::consts::TAU * 50.0 * index as f32 / 48_000.0).sin();
        writer.write_sample((1_500.0 * hum + 300.0 * noise) as i16).unwrap();
    }
    writer.finalize().unwrap();
}

#[test]
#[ignore = "takes a while: make test-all"]
fn doctor_measures_what_the_microphone_delivers_and_reports_its_hum() {
    let Some(server) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/esc50");
    let config = folder.path().join("tympan.toml");
    let text = format!("model = {model:?}\n[source.microphone]\nhost = \"pulseaudio\"\n");
    std::fs::write(&config, text).unwrap();
    let diagnosis = || {
        let mut doctor = Command::new(env!("CARGO_BIN_EXE_tympan"));
        doctor.args(["doctor", "--json", "--config"]).arg(&config).envs(server.env());
        let output = doctor.output().unwrap();
        (serde_json::from_slice::<Value>(&output.stdout).unwrap(), output.status.code())
    };
    let of = |diagnosis: &Value, check: &str| {
        let findings = diagnosis["findings"].as_array().unwrap();
        findings.iter().find(|finding| finding["check"] == check).unwrap().clone()
    };
    let (idle, code) = diagnosis();
    assert_eq!(of(&idle, "level")["verdict"], "failure", "{idle}");
    assert_eq!(code, Some(2));

    let wav = folder.path().join("hum.wav");
    hum_wav(&wav);
    let mut playing = server.begin_to_play(&wav).unwrap();
    let (humming, code) = diagnosis();
    playing.kill().unwrap();
    playing.wait().unwrap();
    for check in ["sound server", "devices", "capture", "rate", "level", "clipping", "DC offset"] {
        assert_eq!(of(&humming, check)["verdict"], "ok", "{check}: {humming}");
    }
    let hum = of(&humming, "hum");
    assert_eq!(hum["verdict"], "warning", "{humming}");
    assert!(hum["found"].as_str().unwrap().contains("50 Hz"), "{hum}");
    assert!(of(&humming, "rate")["found"].as_str().unwrap().contains("ppm"), "{humming}");
    // a debug build may be too slow for the model
    assert!(matches!(code, Some(1 | 2)), "{humming}");
}

fn pactl(server: &AudioServer, arguments: &[&str]) {
    let mut pactl = Command::new("pactl");
    let status = pactl.args(arguments).envs(server.env()).stdout(Stdio::null()).status();
    assert!(status.unwrap().success(), "pactl {arguments:?}");
}

#[test]
#[ignore = "takes a while: make test-all"]
fn a_default_device_that_becomes_another_one_is_followed_if_so_configured() {
    let Some(server) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let headset = ["sink_name=headset", "channels=1", "norewinds=1"];
    pactl(&server, &[&["load-module", "module-null-sink"], &headset[..]].concat());
    let microphone = "host = \"pulseaudio\"\nfollow_default = true\n";
    let (mut daemon, records) = listen_with(&server, microphone, folder.path());
    until(&records, |record| record["type"] == "window");
    pactl(&server, &["set-default-source", "headset.monitor"]);
    let lost = until(&records, |record| record["state"] == "lost");
    let detail = lost["detail"].as_str().unwrap();
    assert!(detail.contains("is now pulseaudio:headset.monitor, no longer"), "{detail}");
    let back = until(&records, |record| record["state"] == "recovering");
    assert!(back["detail"].as_str().unwrap().contains("headset"), "{back}");
    until(&records, |record| record["state"] == "listening");
    until(&records, |record| record["type"] == "window");
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

/// Threads and descriptors of a process.
fn held(process: u32) -> (usize, usize) {
    let entries =
        |kind: &str| std::fs::read_dir(format!("/proc/{process}/{kind}")).unwrap().count();
    (entries("task"), entries("fd"))
}

/// `TYMPAN_SERVER_KILLS=10 cargo test --test microphone random_moments -- --nocapture` prints how long each return took.
#[test]
#[ignore = "takes a while: make test-all"]
fn a_server_that_is_killed_at_random_moments_leaves_a_gap_each_time_and_nothing_else() {
    let Some(mut server) = server() else { return };
    let kills = std::env::var("TYMPAN_SERVER_KILLS").map_or(2, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let microphone = "host = \"pulseaudio\"\n";
    let (mut daemon, records) = listen_with(&server, microphone, folder.path());
    let mut seen = Vec::new();
    let mut until = |wanted: &dyn Fn(&Value) -> bool| loop {
        seen.push(records.recv_timeout(PATIENCE).expect("the record that was waited for"));
        if wanted(seen.last().unwrap()) {
            return;
        }
    };
    let (is_listening, is_lost) = (
        |record: &Value| record["state"] == "listening",
        |record: &Value| record["state"] == "lost",
    );
    until(&is_listening);
    until(&|record| record["type"] == "window");
    let before = held(daemon.id());
    for kill in 1..=kills {
        // whole numbers without a pattern, the same every time
        std::thread::sleep(Duration::from_millis(200 + 7919 * kill % 2_000));
        server.kill();
        until(&is_lost);
        std::thread::sleep(Duration::from_millis(6_007 * kill % 1_500));
        server.restart(48_000, 2).unwrap();
        let answered = std::time::Instant::now();
        until(&is_listening);
        println!("kill {kill}: captured again {:?} after the server answered", answered.elapsed());
    }
    until(&|record| record["type"] == "window");
    println!("threads and descriptors: {before:?} before, {:?} after", held(daemon.id()));
    assert_eq!(held(daemon.id()), before);
    let kill = format!("kill {}", daemon.id());
    assert!(Command::new("bash").args(["-c", &kill]).status().unwrap().success());
    until(&|record| record["state"] == "stopping");
    assert_eq!(daemon.wait().unwrap().code(), Some(0));

    let gaps: Vec<(u64, u64)> = seen
        .iter()
        .filter(|record| record["type"] == "gap")
        .map(|gap| {
            assert_eq!(gap["cause"], "device_lost");
            let start = gap["start_sample"].as_u64().unwrap();
            (start, start + gap["samples"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(gaps.len() as u64, kills);
    let spans =
        seen.iter().filter_map(|it| it["start_sample"].as_u64().zip(it["end_sample"].as_u64()));
    for (start, end) in spans {
        let spanned = gaps.iter().find(|gap| start < gap.1 && end > gap.0);
        assert_eq!(spanned, None, "{start} to {end} spans a gap");
    }
    let count = |phase: &str| seen.iter().filter(|record| record["phase"] == phase).count();
    assert_eq!(count("onset"), count("offset"));
}

#[test]
#[ignore = "takes a while: make test-all"]
fn two_microphones_and_a_camera_are_distinguished_and_the_loss_of_both_leaves_the_camera_alone() {
    let Some(data) = recordings("two_microphones") else { return };
    let Some(mut server) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let wav = folder.path().join("clip.wav");
    as_wav(&data.join(CLIP.0), &wav);
    let garden = ["sink_name=garden", "rate=48000", "norewinds=1"];
    pactl(&server, &[&["load-module", "module-null-sink"], &garden[..]].concat());
    // the program that an RTSP camera has as well, in real time
    let argv = format!(
        "[\"ffmpeg\", \"-nostdin\", \"-v\", \"error\", \"-re\", \"-stream_loop\", \"-1\", \"-i\", {wav:?}, \"-f\", \"s16le\", \
         \"-ar\", \"48000\", \"-ac\", \"1\", \"-\"]"
    );
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/esc50");
    let text = format!(
        "model = {model:?}\n[[input]]\nname = \"desk\"\n[input.microphone]\nhost = \"pulseaudio\"\n\
         [[input]]\nname = \"garden\"\n[input.microphone]\nhost = \"pulseaudio\"\ndevice = \"garden.monitor\"\n\
         [[input]]\nname = \"camera\"\nkind = \"command\"\n[input.command]\nargv = {argv}\n"
    );
    let config = folder.path().join("tympan.toml");
    std::fs::write(&config, text).unwrap();
    let (mut daemon, records) = start(&server, &config);
    let of = |source: &'static str, kind: &'static str| {
        move |record: &Value| record["source"] == source && record["type"] == kind
    };
    until(&records, of("garden", "window"));
    until(&records, of("camera", "window"));
    // played into the garden alone
    let mut play =
        Command::new("paplay").arg("--device=garden").arg(&wav).envs(server.env()).spawn().unwrap();
    let onset =
        until(&records, |record| record["phase"] == "onset" && record["source"] != "camera");
    assert_eq!((&onset["label"], &onset["source"]), (&CLIP.1.into(), &"garden".into()), "{onset}");
    play.wait().unwrap();
    server.kill();
    for _ in 0..2 {
        let lost = until(&records, |record| record["state"] == "lost");
        assert_ne!(lost["source"], "camera", "{lost}");
    }
    let since = until(&records, |record| {
        record["source"] == "camera" && (record["type"] == "window" || record["type"] == "gap")
    });
    assert_eq!(since["type"], "window", "{since}");
    let kill = format!("kill {}", daemon.id());
    assert!(Command::new("bash").args(["-c", &kill]).status().unwrap().success());
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
}
