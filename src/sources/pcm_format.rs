//! How one sample of PCM is written, and its value over full scale. Used by the readers of raw PCM and of recordings.

use std::fmt;

/// How one sample is written. Names are ffmpeg's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PcmFormat {
    /// Signed 8 bit.
    S8,
    /// Unsigned 8 bit.
    U8,
    /// Signed 16 bit, little-endian.
    S16Le,
    /// Signed 16 bit, big-endian.
    S16Be,
    /// Signed 24 bit in 3 bytes, little-endian.
    S24Le,
    /// Signed 24 bit in 3 bytes, big-endian.
    S24Be,
    /// Signed 32 bit, little-endian.
    S32Le,
    /// Signed 32 bit, big-endian.
    S32Be,
    /// 32 bit float, little-endian.
    F32Le,
    /// 32 bit float, big-endian.
    F32Be,
    /// 64 bit float, little-endian.
    F64Le,
    /// 64 bit float, big-endian.
    F64Be,
}

use PcmFormat::{F32Be, F32Le, F64Be, F64Le, S8, S16Be, S16Le, S24Be, S24Le, S32Be, S32Le, U8};

/// Every format by its name.
pub(super) const FORMATS: [(&str, PcmFormat); 12] = [
    ("s8", S8),
    ("u8", U8),
    ("s16le", S16Le),
    ("s16be", S16Be),
    ("s24le", S24Le),
    ("s24be", S24Be),
    ("s32le", S32Le),
    ("s32be", S32Be),
    ("f32le", F32Le),
    ("f32be", F32Be),
    ("f64le", F64Le),
    ("f64be", F64Be),
];

impl PcmFormat {
    /// Bytes of one sample.
    pub fn bytes(self) -> usize {
        match self {
            S8 | U8 => 1,
            S16Le | S16Be => 2,
            S24Le | S24Be => 3,
            S32Le | S32Be | F32Le | F32Be => 4,
            F64Le | F64Be => 8,
        }
    }

    /// Appends the samples in `bytes`, over full scale; what is less than one sample is left out.
    pub(super) fn decode_into(self, bytes: &[u8], samples: &mut Vec<f32>) {
        let of_32_bits = |value: i32| value as f32 / 2_147_483_648.0;
        match self {
            S8 => each(bytes, samples, |[a]| f32::from(a.cast_signed()) / 128.0),
            U8 => each(bytes, samples, |[a]| (f32::from(a) - 128.0) / 128.0),
            S16Le => each(bytes, samples, |x| f32::from(i16::from_le_bytes(x)) / 32_768.0),
            S16Be => each(bytes, samples, |x| f32::from(i16::from_be_bytes(x)) / 32_768.0),
            S24Le => {
                each(bytes, samples, |[a, b, c]| of_32_bits(i32::from_le_bytes([0, a, b, c])));
            }
            S24Be => {
                each(bytes, samples, |[a, b, c]| of_32_bits(i32::from_be_bytes([a, b, c, 0])));
            }
            S32Le => each(bytes, samples, |x| of_32_bits(i32::from_le_bytes(x))),
            S32Be => each(bytes, samples, |x| of_32_bits(i32::from_be_bytes(x))),
            F32Le => each(bytes, samples, f32::from_le_bytes),
            F32Be => each(bytes, samples, f32::from_be_bytes),
            F64Le => each(bytes, samples, |x| f64::from_le_bytes(x) as f32),
            F64Be => each(bytes, samples, |x| f64::from_be_bytes(x) as f32),
        }
    }
}

fn each<const BYTES: usize>(
    bytes: &[u8],
    samples: &mut Vec<f32>,
    decode: impl Fn([u8; BYTES]) -> f32,
) {
    let (whole, _rest) = bytes.as_chunks::<BYTES>();
    samples.extend(whole.iter().map(|&sample| decode(sample)));
}

impl fmt::Display for PcmFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = FORMATS.iter().find(|(_, format)| format == self).map_or("?", |(name, _)| name);
        f.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_reads_minus_one_half() {
        let cases: [(&str, &[u8]); 12] = [
            ("s8", &[0xC0]),
            ("u8", &[0x40]),
            ("s16le", &[0x00, 0xC0]),
            ("s16be", &[0xC0, 0x00]),
            ("s24le", &[0x00, 0x00, 0xC0]),
            ("s24be", &[0xC0, 0x00, 0x00]),
            ("s32le", &[0x00, 0x00, 0x00, 0xC0]),
            ("s32be", &[0xC0, 0x00, 0x00, 0x00]),
            ("f32le", &(-0.5_f32).to_le_bytes()),
            ("f32be", &(-0.5_f32).to_be_bytes()),
            ("f64le", &(-0.5_f64).to_le_bytes()),
            ("f64be", &(-0.5_f64).to_be_bytes()),
        ];
        for (format, bytes) in cases {
            let known = FORMATS.iter().find(|(name, _)| *name == format).unwrap().1;
            let mut samples = Vec::new();
            known.decode_into(bytes, &mut samples);
            assert_eq!(samples, [-0.5], "{format}");
            assert_eq!(known.bytes(), bytes.len(), "{format}");
        }
    }
}
