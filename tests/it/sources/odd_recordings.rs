//! Recordings as people have them: headers that lie, files joined and damaged. Each is made here from numbers, decoded, and
//! compared with the sound it was made from; every sample has to stand at its true time. Runs on the test's thread.

use std::fs;

use tempfile::TempDir;
use tympan::sources::{ChannelSelection, ClipFile, Repeat, SampleReader, load_clip};

use super::clips::ffmpeg;

const RATE: u32 = 16_000;

/// A sweep, so that no two places sound alike.
fn sound(count: usize) -> Vec<i16> {
    let tone = |index: usize| {
        let time = index as f64 / f64::from(RATE);
        (9_000.0 * (time * (2_000.0 + 300.0 * time)).sin()) as i16
    };
    (0..count).map(tone).collect()
}

fn bytes_of(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

fn chunk(id: &[u8; 4], size: u32, body: &[u8]) -> Vec<u8> {
    [&id[..], &size.to_le_bytes(), body].concat()
}

fn format(tag: u16, channels: u16, bits: u16, more: &[u8]) -> Vec<u8> {
    let block = channels * bits.div_ceil(8);
    let mut body = [tag, channels].map(u16::to_le_bytes).concat();
    body.extend(RATE.to_le_bytes());
    body.extend((RATE * u32::from(block)).to_le_bytes());
    body.extend([block, bits].map(u16::to_le_bytes).concat());
    body.extend(more);
    chunk(b"fmt ", body.len() as u32, &body)
}

/// A WAV of these chunks, whose head claims `size`, or the truth.
fn wav(size: Option<u32>, chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = [b"WAVE".to_vec(), chunks.concat()].concat();
    chunk(b"RIFF", size.unwrap_or(body.len() as u32), &body)
}

fn decode_bytes(folder: &TempDir, name: &str, bytes: &[u8]) -> Vec<f32> {
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    load_clip(&path).unwrap_or_else(|error| panic!("{name}: {error}")).samples
}

fn assert_decodes(what: &str, decoded: &[f32], expected: &[i16]) {
    assert_eq!(decoded.len(), expected.len(), "{what}");
    for (index, (&decoded, &sample)) in decoded.iter().zip(expected).enumerate() {
        let sample = f32::from(sample) / 32_768.0;
        assert!(
            (decoded - sample).abs() < 1e-4,
            "{what}: sample {index} is {decoded}, not {sample}"
        );
    }
}

#[test]
fn a_wav_is_read_whatever_sizes_its_header_claims() {
    let folder = TempDir::new().unwrap();
    let sound = sound(8_000);
    let data = bytes_of(&sound);
    let length = data.len() as u32;
    let file = |riff: Option<u32>, size: u32| {
        wav(riff, &[format(1, 1, 16, &[]), chunk(b"data", size, &data)])
    };
    for riff in [0, 36, length, length + 35, length + 44, u32::MAX, 0x7FFF_F024] {
        let name = format!("riff-{riff}.wav");
        assert_decodes(&name, &decode_bytes(&folder, &name, &file(Some(riff), length)), &sound);
    }
    for size in [0, u32::MAX, 0x7FFF_FFFF, 0x7FFF_F000, 0x8000_0000, 2 * length] {
        for riff in [None, Some(0), Some(36), Some(u32::MAX)] {
            let name = format!("data-{size}-{riff:?}.wav");
            assert_decodes(&name, &decode_bytes(&folder, &name, &file(riff, size)), &sound);
        }
    }
}

#[test]
fn chunks_that_lie_about_their_length_do_not_cost_the_recording() {
    let folder = TempDir::new().unwrap();
    let sound = sound(8_000);
    let data = chunk(b"data", 16_000, &bytes_of(&sound));
    let text = b"INFOICMT\x05\0\0\0abcde";
    let lists = [
        ("odd and padded", chunk(b"LIST", 17, &[&text[..], b"\0"].concat())),
        ("odd and not padded", chunk(b"LIST", 17, text)),
        ("too long", chunk(b"LIST", 30, &[&text[..], b"\0"].concat())),
        ("far too long", chunk(b"LIST", 0x7FFF_FFFF, text)),
        ("too short", chunk(b"LIST", 6, &[&text[..], b"\0"].concat())),
        ("of zeros", chunk(b"LIST", 4096, &[0; 4096])),
        ("without a name", chunk(b"\0n\0i", 0, &[])),
    ];
    for (what, list) in lists {
        let bytes = wav(None, &[format(1, 1, 16, &[]), list, data.clone()]);
        assert_decodes(what, &decode_bytes(&folder, "list.wav", &bytes), &sound);
    }
}

#[test]
fn formats_of_any_length_and_any_number_of_channels_are_read() {
    let folder = TempDir::new().unwrap();
    let sound = sound(4_000);
    let pcm = [1, 0, 0, 0, 0, 0, 16, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];
    let extensible = |mask: u8| [&[22, 0, 16, 0, mask, 0, 0, 0][..], &pcm].concat();
    for more in [&[][..], &[0, 0], &[0, 0, 0, 0], &[0x47, 0x12], &[0; 24]] {
        let bytes = wav(None, &[format(1, 1, 16, more), chunk(b"data", 8_000, &bytes_of(&sound))]);
        assert_decodes(&format!("{more:?}"), &decode_bytes(&folder, "format.wav", &bytes), &sound);
    }
    for channels in [1, 2, 6, 18, 26, 33, 48, 64, 255, 256] {
        let frames: Vec<i16> = sound.iter().flat_map(|&x| vec![x; usize::from(channels)]).collect();
        let data = bytes_of(&frames);
        let data = chunk(b"data", data.len() as u32, &data);
        for form in [
            format(1, channels, 16, &[]),
            format(0xFFFE, channels, 16, &extensible(0)),
            format(0xFFFE, channels, 16, &extensible(0x3F)),
        ] {
            let bytes = wav(None, &[form, data.clone()]);
            let decoded = decode_bytes(&folder, "channels.wav", &bytes);
            assert_decodes(&format!("{channels} channels"), &decoded, &sound);
        }
    }
    let bytes = wav(None, &[format(1, 257, 16, &[]), chunk(b"data", 8_000, &bytes_of(&sound))]);
    let path = folder.path().join("257.wav");
    fs::write(&path, bytes).unwrap();
    let error = load_clip(&path).unwrap_err().to_string();
    assert!(error.contains("257 channels; at most 256"), "{error}");
}

#[test]
fn sizes_of_64_bits_and_other_byte_orders_are_read() {
    let folder = TempDir::new().unwrap();
    let sound = sound(4_000);
    let data = bytes_of(&sound);
    let ds64 = [0, data.len() as u64, 4_000].map(u64::to_le_bytes).concat();
    let ds64 = chunk(b"ds64", 28, &[&ds64[..], &[0; 4]].concat());
    for name in [b"RF64", b"BW64"] {
        let chunks = [ds64.clone(), format(1, 1, 16, &[]), chunk(b"data", u32::MAX, &data)];
        let mut bytes = wav(Some(u32::MAX), &chunks);
        bytes[..4].copy_from_slice(name);
        assert_decodes("64 bits", &decode_bytes(&folder, "wide.wav", &bytes), &sound);
    }
    let big: Vec<u8> = sound.iter().flat_map(|sample| sample.to_be_bytes()).collect();
    let mut rifx = b"RIFX\0\0\x1F\x64WAVEfmt \0\0\0\x10\0\x01\0\x01".to_vec();
    rifx.extend([RATE, 2 * RATE].map(u32::to_be_bytes).concat());
    rifx.extend(b"\0\x02\0\x10data\0\0\x1F\x40");
    rifx.extend(&big);
    assert_decodes("RIFX", &decode_bytes(&folder, "big.wav", &rifx), &sound);
    let mut au = b".snd\0\0\0\x18\xFF\xFF\xFF\xFF\0\0\0\x03\0\0\x3E\x80\0\0\0\x01".to_vec();
    au.extend(&big);
    assert_decodes("AU", &decode_bytes(&folder, "sun.au", &au), &sound);
    let text = "NIST_1A\n   1024\nchannel_count -i 1\nsample_rate -i 16000\nsample_n_bytes -i 2\n\
                sample_byte_format -s2 01\nsample_coding -s3 pcm\nend_head\n";
    let mut sphere = text.as_bytes().to_vec();
    sphere.resize(1024, b' ');
    sphere.extend(&data);
    assert_decodes("SPHERE", &decode_bytes(&folder, "speech.wav", &sphere), &sound);
}

#[test]
fn an_aiff_is_read_whatever_sizes_its_chunks_claim() {
    let folder = TempDir::new().unwrap();
    let sound = sound(4_000);
    let big: Vec<u8> = sound.iter().flat_map(|sample| sample.to_be_bytes()).collect();
    let chunk =
        |id: &[u8; 4], size: u32, body: &[u8]| [&id[..], &size.to_be_bytes(), body].concat();
    let common = b"\0\x01\0\0\x0F\xA0\0\x10\x40\x0C\xFA\0\0\0\0\0\0\0";
    let samples = [&[0; 8][..], &big].concat();
    for form in [0, 36, u32::MAX] {
        for size in [0, 8_008, u32::MAX, 0x7FFF_FFFF] {
            for text in [
                Vec::new(),
                chunk(b"NAME", 5, b"abcde\0"),
                chunk(b"NAME", 5, b"abcde"),
                chunk(b"NAME", 0x1000_0000, b"abcde\0"),
            ] {
                let chunks = [text, chunk(b"COMM", 18, common), chunk(b"SSND", size, &samples)];
                let bytes = chunk(b"FORM", form, &[b"AIFF".to_vec(), chunks.concat()].concat());
                let what = format!("FORM {form}, SSND {size}");
                assert_decodes(&what, &decode_bytes(&folder, "sizes.aiff", &bytes), &sound);
            }
        }
    }
}

#[test]
fn tags_and_stray_bytes_around_a_recording_cost_nothing() {
    let folder = TempDir::new().unwrap();
    let sound = sound(4_000);
    let plain = wav(None, &[format(1, 1, 16, &[]), chunk(b"data", 8_000, &bytes_of(&sound))]);
    let id3 = b"ID3\x03\0\0\0\0\0\x0A0123456789".to_vec();
    let tag = [&b"TAG"[..], &[b'x'; 125]].concat();
    for bytes in [
        [id3.clone(), plain.clone()].concat(),
        [plain.clone(), tag].concat(),
        [b"\r\n".to_vec(), plain.clone()].concat(),
        [plain.clone(), vec![0; 5_000]].concat(),
    ] {
        assert_decodes("tagged", &decode_bytes(&folder, "tagged.wav", &bytes), &sound);
    }
}

#[test]
fn floats_in_the_range_of_integers_are_scaled() {
    let folder = TempDir::new().unwrap();
    let sound = sound(8_000);
    let floats: Vec<u8> =
        sound.iter().flat_map(|&sample| f32::from(sample).to_le_bytes()).collect();
    let data = chunk(b"data", floats.len() as u32, &floats);
    let bytes = wav(None, &[format(3, 1, 32, &[]), data]);
    assert_decodes("floats", &decode_bytes(&folder, "floats.wav", &bytes), &sound);
}

#[test]
fn one_channel_of_a_file_can_be_taken() {
    let folder = TempDir::new().unwrap();
    let sound = sound(4_000);
    let frames: Vec<i16> = sound.iter().flat_map(|&sample| [sample, -sample]).collect();
    let data = chunk(b"data", 16_000, &bytes_of(&frames));
    let path = folder.path().join("opposite.wav");
    fs::write(&path, wav(None, &[format(1, 2, 16, &[]), data])).unwrap();
    assert!(load_clip(&path).unwrap().samples.iter().all(|&sample| sample == 0.0));
    let mut decoded = vec![0.0; 5_000];
    let mut file = ClipFile::open_channel(&path, Repeat::Once, ChannelSelection::One(0)).unwrap();
    let count = file.read(&mut decoded).unwrap();
    assert_decodes("left", &decoded[..count], &sound);
    let absent = ClipFile::open_channel(&path, Repeat::Once, ChannelSelection::One(2));
    assert!(absent.err().unwrap().to_string().contains("channel 3"));
}

/// What ffmpeg makes of `sound`; none, and a word about it, where there is none.
fn encoded(folder: &TempDir, name: &str, sound: &[i16], arguments: &[&str]) -> Option<Vec<u8>> {
    let (from, to) = (folder.path().join("from.wav"), folder.path().join(name));
    let data = bytes_of(sound);
    let data = chunk(b"data", data.len() as u32, &data);
    fs::write(&from, wav(None, &[format(1, 1, 16, &[]), data])).unwrap();
    ffmpeg(arguments, &from, &to).then(|| fs::read(&to).unwrap())
}

const LOSSY: [(&str, &[&str]); 2] = [
    ("part.mp3", &["-c:a", "libmp3lame", "-b:a", "64k"]),
    ("part.ogg", &["-c:a", "libvorbis", "-q:a", "6"]),
];

/// How alike two stretches are, 1 at most.
fn likeness(decoded: &[f32], expected: &[i16]) -> f64 {
    let pairs = || decoded.iter().zip(expected).map(|(&a, &b)| (f64::from(a), f64::from(b)));
    let sum = |product: fn((f64, f64)) -> f64| pairs().map(product).sum::<f64>();
    sum(|(a, b)| a * b) / (sum(|(a, _)| a * a) * sum(|(_, b)| b * b)).sqrt().max(1e-9)
}

#[test]
fn recordings_joined_in_one_file_are_all_decoded_one_after_the_other() {
    let folder = TempDir::new().unwrap();
    let sound = sound(24_000);
    let mut kinds = LOSSY.to_vec();
    kinds.push(("part.flac", &["-c:a", "flac"]));
    for (name, arguments) in kinds {
        let Some(part) = encoded(&folder, name, &sound, arguments) else { return };
        let decoded = decode_bytes(&folder, name, &[&part[..], &part, &part].concat());
        assert_eq!(decoded.len(), 3 * sound.len(), "{name}");
        for (index, decoded) in decoded.chunks(sound.len()).enumerate() {
            let alike = likeness(decoded, &sound);
            assert!(alike > 0.99, "part {index} of {name}: {alike}");
        }
    }
}

#[test]
fn after_damage_everything_keeps_its_true_time() {
    let folder = TempDir::new().unwrap();
    let sound = sound(160_000);
    let mut kinds = LOSSY.to_vec();
    kinds.push(("part.flac", &["-c:a", "flac", "-frame_size", "1152"]));
    for (name, arguments) in kinds {
        let Some(mut part) = encoded(&folder, name, &sound, arguments) else { return };
        for place in [50, 65, 80] {
            let start = part.len() * place / 100;
            let damage = part[start..start + 400].iter_mut().zip((0..=255u8).cycle());
            damage.for_each(|(byte, index)| *byte = index.wrapping_mul(37) ^ 0x5A);
        }
        let decoded = decode_bytes(&folder, name, &part);
        assert!(decoded.len().abs_diff(sound.len()) <= 1_152, "{name}: {}", decoded.len());
        let last = 140_000..150_000;
        let alike = likeness(&decoded[last.clone()], &sound[last]);
        assert!(alike > 0.99, "the end of {name} is not where it was: {alike}");
    }
}

#[test]
fn flac_with_frames_taken_out_keeps_its_true_time() {
    let folder = TempDir::new().unwrap();
    let sound = sound(160_000);
    let Some(mut part) = encoded(&folder, "part.flac", &sound, &["-c:a", "flac"]) else { return };
    let middle = part.len() / 2;
    part.drain(middle..middle + 20_000);
    let decoded = decode_bytes(&folder, "part.flac", &part);
    assert_eq!(decoded.len(), sound.len());
    assert_decodes("the end", &decoded[150_000..], &sound[150_000..]);
}

#[test]
fn a_stream_that_changes_its_rate_and_channels_goes_on_at_the_same_time() {
    let folder = TempDir::new().unwrap();
    let sound = sound(48_000);
    let Some(first) = encoded(&folder, "a.mp3", &sound, &["-b:a", "64k"]) else { return };
    let other = ["-ar", "44100", "-ac", "2", "-b:a", "128k"];
    let Some(second) = encoded(&folder, "b.mp3", &sound, &other) else { return };
    let decoded = decode_bytes(&folder, "both.mp3", &[first, second].concat());
    assert_eq!(decoded.len(), 96_000);
    assert!(likeness(&decoded[48_000..], &sound) > 0.98);
}
