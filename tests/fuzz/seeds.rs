//! Good inputs that need no libtorch, made on the fly; nothing in them was ever recorded. Fed to the targets as they are
//! and changed.

/// The shipped configuration, and a small one with every kind of value.
pub fn configurations() -> Vec<Vec<u8>> {
    let shipped = include_str!("../../config.toml");
    let switched_on = shipped.replace("\n#", "\n");
    let small = "model = \"m\"\n[source]\nkind = \"file\"\nring_s = 0.5\n[source.file]\npath = \"a.wav\"\n\
                 [detector]\nconfirm = { windows = 2, of = 3 }\nallow = [\"dog\"]\ndeny = []\n\
                 [detector.labels.\"church bells\"]\nthreshold = 0.7\noff_threshold = 0.5\n\
                 [output.tcp]\nenabled = true\naddress = \"[::1]:7327\"\n[log]\nlevel = \"info\"\n";
    vec![shipped.into(), switched_on.into(), small.into()]
}

/// Specifications of every format, each with the bytes of a few frames.
pub fn raw_pcm() -> Vec<Vec<u8>> {
    let formats = [
        "s8", "u8", "s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "f32le", "f32be",
        "f64le", "f64be",
    ];
    let channels = [1, 2, 3, 256].into_iter().cycle();
    let line = |(format, channels)| format!("{format}:48000:{channels}\n").into_bytes();
    let pcm: Vec<u8> = (0..=255).cycle().take(3_000).collect();
    formats.into_iter().zip(channels).map(|seed| [line(seed), pcm.clone()].concat()).collect()
}

/// A short file of each format that can be written without an encoder.
pub fn audio_files() -> Vec<Vec<u8>> {
    let tone: Vec<i16> = (0..600).map(|at| (8_000.0 * (at as f32 * 0.3).sin()) as i16).collect();
    let little: Vec<u8> = tone.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let big: Vec<u8> = tone.iter().flat_map(|sample| sample.to_be_bytes()).collect();
    let floats: Vec<u8> =
        tone.iter().flat_map(|&x| (f32::from(x) / 32_768.0).to_le_bytes()).collect();
    vec![
        wav((1, 16, 1), &little),
        wav((1, 16, 2), &little),
        wav((1, 24, 5), &little),
        wav((1, 8, 1), &little),
        wav((3, 32, 1), &floats),
        wav((3, 64, 1), &floats),
        wav((6, 8, 1), &little),
        wav((2, 4, 1), &[0; 768]),
        wav((17, 4, 1), &little),
        aiff(&big),
        flac(),
        mp3(),
        [mp3(), wide(&little), mp3()].concat(),
        [flac(), b"TAG".to_vec(), vec![b'x'; 125], flac()].concat(),
        wide(&little),
        wave64(&little),
        [b".snd\0\0\0\x18\0\0\x04\xB0\0\0\0\x03\0\0\x3E\x80\0\0\0\x01".to_vec(), big.clone()]
            .concat(),
        sphere(&little),
        caf(&big),
    ]
}

/// An RF64 file.
fn wide(data: &[u8]) -> Vec<u8> {
    let mut file = b"RF64\xFF\xFF\xFF\xFFWAVEds64\x1C\0\0\0".to_vec();
    file.extend([0, data.len() as u64, 600].map(u64::to_le_bytes).concat());
    file.extend([0; 4]);
    let plain = wav((1, 16, 1), data);
    file.extend(&plain[12..]);
    file
}

/// A Wave64 file: names of 16 bytes, sizes of 8 that count both.
fn wave64(data: &[u8]) -> Vec<u8> {
    const REST: [u8; 12] = [0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A];
    let chunk = |name: &[u8; 4], body: &[u8]| {
        [&name[..], &REST, &(24 + body.len() as u64).to_le_bytes(), body].concat()
    };
    let format = &wav((1, 16, 1), &[])[20..36];
    let mut file = b"riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\0\0".to_vec();
    file.extend((104 + data.len() as u64).to_le_bytes());
    file.extend([&b"wave"[..], &REST].concat());
    file.extend([chunk(b"fmt ", format), chunk(b"data", data)].concat());
    file
}

fn sphere(data: &[u8]) -> Vec<u8> {
    let head = "NIST_1A\n   1024\nchannel_count -i 1\nsample_rate -i 16000\nsample_n_bytes -i 2\nend_head\n";
    [head.as_bytes(), &[b' '; 1024][head.len()..], data].concat()
}

fn caf(data: &[u8]) -> Vec<u8> {
    let mut file = b"caff\0\x01\0\0desc\0\0\0\0\0\0\0\x20".to_vec();
    file.extend(16_000.0_f64.to_be_bytes());
    file.extend(b"lpcm\0\0\0\0\0\0\0\x02\0\0\0\x01\0\0\0\x01\0\0\0\x10data");
    file.extend((-1_i64).to_be_bytes());
    file.extend([&[0; 4], data].concat());
    file
}

/// A WAV file at 16 kHz of a format's number, bits a sample and channels; of 4 bits it is ADPCM in blocks of 256 bytes.
fn wav((format, bits, channels): (u16, u16, u16), data: &[u8]) -> Vec<u8> {
    /// What Microsoft's ADPCM says of itself: samples a block, and its seven pairs of coefficients.
    const OF_MICROSOFT: [i16; 16] =
        [500, 7, 256, 0, 512, -256, 0, 0, 192, 64, 240, 0, 460, -208, 392, -232];
    /// What IMA's says: samples a block.
    const OF_IMA: [i16; 1] = [505];
    let extra: &[i16] = match format {
        2 => &OF_MICROSOFT,
        17 => &OF_IMA,
        _ => &[],
    };
    let block = if extra.is_empty() { channels * bits / 8 } else { 256 };
    let mut header: Vec<u8> = [format, channels].iter().flat_map(|x| x.to_le_bytes()).collect();
    header.extend(16_000_u32.to_le_bytes());
    header.extend((16_000 * u32::from(block)).to_le_bytes());
    header.extend([block, bits].iter().flat_map(|x| x.to_le_bytes()));
    if format != 1 {
        header.extend((2 * extra.len() as u16).to_le_bytes());
        header.extend(extra.iter().flat_map(|x| x.to_le_bytes()));
    }
    let mut body = b"WAVE".to_vec();
    for (name, chunk) in [(b"fmt ", header.as_slice()), (b"data", data)] {
        body.extend(name);
        body.extend((chunk.len() as u32).to_le_bytes());
        body.extend(chunk);
    }
    [b"RIFF", (body.len() as u32).to_le_bytes().as_slice(), &body].concat()
}

fn aiff(data: &[u8]) -> Vec<u8> {
    let mut common = 1_u16.to_be_bytes().to_vec();
    common.extend((data.len() as u32 / 2).to_be_bytes());
    common.extend(16_u16.to_be_bytes());
    // 16 kHz as an 80-bit float
    common.extend([0x40, 0x0C, 0xFA, 0, 0, 0, 0, 0, 0, 0]);
    let sound = [[0; 8].as_slice(), data].concat();
    let mut body = b"AIFF".to_vec();
    for (name, chunk) in [(b"COMM", common), (b"SSND", sound)] {
        body.extend(name);
        body.extend((chunk.len() as u32).to_be_bytes());
        body.extend(chunk);
    }
    [b"FORM", (body.len() as u32).to_be_bytes().as_slice(), &body].concat()
}

/// Three frames of 192 constant samples, at 16 kHz and 16 bit.
fn flac() -> Vec<u8> {
    let mut file = b"fLaC\x80\0\0\x22".to_vec();
    file.extend([0, 192, 0, 192, 0, 0, 0, 0, 0, 0]);
    // 20 bits of rate, 3 of channels less one, 5 of depth less one, 36 of length
    let packed: u64 = (16_000 << 44) | (15 << 36) | 576;
    file.extend(packed.to_be_bytes());
    file.extend([0; 16]);
    for frame in 0..3_u8 {
        // block of 192, 16 kHz, mono, 16 bit; the frame's number
        let mut bytes = vec![0xFF, 0xF8, 0x15, 0x08, frame];
        bytes.push(crc(&bytes, 0x07, 8) as u8);
        // a constant subframe
        bytes.extend([0x00, 0x12, frame]);
        let sum = crc(&bytes, 0x8005, 16) as u16;
        bytes.extend(sum.to_be_bytes());
        file.extend(bytes);
    }
    file
}

/// The remainder of `bytes` by a polynomial of `bits` bits, highest first.
fn crc(bytes: &[u8], polynomial: u32, bits: u32) -> u32 {
    let (top, mask) = (1 << (bits - 1), (1_u32 << bits) - 1);
    bytes.iter().fold(0, |sum, &byte| {
        (0..8).fold(sum ^ (u32::from(byte) << (bits - 8)), |sum, _| {
            (if sum & top != 0 { (sum << 1) ^ polynomial } else { sum << 1 }) & mask
        })
    })
}

/// Four frames of MPEG 2 layer III at 16 kHz, mono, 8 kbit/s, with nothing in them: silence.
fn mp3() -> Vec<u8> {
    let frame = [[0xFF, 0xF3, 0x18, 0xC4].as_slice(), &[0; 32]].concat();
    frame.repeat(8)
}

/// Lines that clients send.
pub fn clients() -> Vec<Vec<u8>> {
    let lines = [
        "status\n",
        "token 0123456789abcdef\nstatus\n",
        "GET / HTTP/1.1\r\n\r\n",
        " status\r\n\n",
        "\0\u{feff}",
    ];
    lines.iter().map(|line| line.as_bytes().to_vec()).collect()
}
