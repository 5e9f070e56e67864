//! Files and streams that claim more than there can be: refused by their headers, before memory is taken.

use std::fs;

use tympan::sources::{PcmSpec, load_clip};

/// A WAV file of 16 bit whose header says what the test wants, with 64 bytes of sound.
fn wav(channels: u16, rate_hz: u32, data_bytes: u32) -> Vec<u8> {
    let mut file = b"RIFF\xff\xff\xff\xffWAVEfmt ".to_vec();
    file.extend(16_u32.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(channels.to_le_bytes());
    file.extend(rate_hz.to_le_bytes());
    file.extend(rate_hz.wrapping_mul(2).to_le_bytes());
    file.extend(channels.wrapping_mul(2).to_le_bytes());
    file.extend(16_u16.to_le_bytes());
    file.extend(b"data");
    file.extend(data_bytes.to_le_bytes());
    file.extend([0; 64]);
    file
}

#[test]
fn a_header_with_more_channels_than_any_recorder_has_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.wav");
    for channels in [257, 4_000, 32_767] {
        fs::write(&path, wav(channels, 16_000, 64)).unwrap();
        let message = load_clip(&path).unwrap_err().to_string();
        assert!(message.contains("many.wav") && message.contains("channel"), "{message}");
    }
}

#[test]
fn a_header_that_claims_hours_gives_the_samples_that_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("short.wav");
    for claimed in [1 << 20, u32::MAX - 1, u32::MAX] {
        fs::write(&path, wav(1, 16_000, claimed)).unwrap();
        let clip = load_clip(&path).unwrap();
        assert_eq!(clip.samples.len(), 32);
        assert!(clip.samples.capacity() < 10_000, "{}", clip.samples.capacity());
    }
}

#[test]
fn a_header_with_a_rate_that_no_recorder_has_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fast.wav");
    for rate_hz in [1, 3_999, 384_001, u32::MAX] {
        fs::write(&path, wav(1, rate_hz, 64)).unwrap();
        let error = load_clip(&path).unwrap_err();
        let message = format!("{error} {:?}", std::error::Error::source(&error));
        assert!(
            message.contains("fast.wav") && message.contains(&rate_hz.to_string()),
            "{message}"
        );
    }
}

#[test]
fn a_specification_of_raw_samples_is_bounded_and_so_is_its_error() {
    let fault = |given: &str| given.parse::<PcmSpec>().unwrap_err().to_string();
    let message = fault(&format!("s16le:48000:{}1", "0".repeat(100_000)));
    assert!(message.contains("100013 bytes") && message.len() < 300, "{message}");
    for (spec, limit) in [
        ("s16le:48000:257", "256"),
        ("s16le:48000:70000", "256"),
        ("s16le:4294967296:1", "whole number"),
        ("s16le:400000:1", "384000"),
    ] {
        assert!(fault(spec).contains(limit), "{spec}: {}", fault(spec));
    }
}
