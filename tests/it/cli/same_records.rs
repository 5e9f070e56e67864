//! The same sound gives the same records, whichever way it comes in.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use super::{demo_wav, parsed, success, tympan};

/// Records without what may differ: times, latency, the source's name; and without statuses, which `classify` has not.
fn comparable(lines: &str) -> Vec<Value> {
    parsed(lines)
        .into_iter()
        .filter(|record| record["type"] != "status")
        .map(|mut record| {
            for key in ["time", "latency_us", "source"] {
                record.as_object_mut().unwrap().remove(key);
            }
            record
        })
        .collect()
}

#[test]
fn classify_file_and_stdin_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let wav = demo_wav(folder.path(), 12);
    let path = wav.to_str().unwrap();
    let classified = comparable(&success(&["classify", "--format", "jsonl", path]));
    assert!(classified.iter().any(|record| record["phase"] == "offset"), "nothing was detected");
    let file = format!("file:{path}");
    let from_file = success(&["run", "--source", &file, "--fast", "--format", "jsonl"]);
    assert_eq!(comparable(&from_file), classified);

    let mut samples = hound::WavReader::open(&wav).unwrap();
    let pcm: Vec<u8> =
        samples.samples::<i16>().flat_map(|sample| sample.unwrap().to_le_bytes()).collect();
    let mut child = tympan()
        .args(["run", "--source", "stdin:s16le:48000:1", "--format", "jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        stdin.write_all(&pcm).unwrap();
        // and half a sample more, as a stream that is cut off leaves it
        stdin.write_all(&[0]).unwrap();
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(comparable(&String::from_utf8(output.stdout).unwrap()), classified);
}
