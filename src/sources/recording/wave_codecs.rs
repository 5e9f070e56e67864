//! ADPCM in a WAV: cut into its blocks for the library's decoder. Fed by the chunks of the WAV; feeds the reader of recordings.

use symphonia::core::audio::Channels;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_ADPCM_IMA_WAV, CODEC_ID_ADPCM_MS};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder};

use super::block::{Block, Decode, Fault};
use super::byte_reader::ByteReader;
use super::codec::{decode_frames, make_decoder};
use super::pcm::{Extent, Extents};
use super::wave::{MS_ADPCM, WaveChunks, WaveFormat};

/// Decodes ADPCM.
pub(super) struct Adpcm {
    bytes: ByteReader,
    chunks: WaveChunks,
    extent: Extent,
    decoder: Box<dyn AudioDecoder>,
    block_bytes: usize,
    block_frames: u64,
    /// Samples that are still to come, where the file says how many it has.
    left: Option<u64>,
    form: (u32, usize),
    ended: bool,
}

impl Adpcm {
    /// Begins with the `extent` that `bytes` stands at.
    ///
    /// # Errors
    /// [`Fault::Refused`] when the format's numbers do not fit each other.
    pub(super) fn open(
        bytes: ByteReader,
        chunks: WaveChunks,
        format: WaveFormat,
        extent: Extent,
    ) -> Result<Self, Fault> {
        let channels = usize::from(format.channels);
        let block_bytes = usize::from(format.block_bytes);
        let (codec, head_bytes, head_frames) = if format.tag == MS_ADPCM {
            (CODEC_ID_ADPCM_MS, 7 * channels, 2)
        } else {
            (CODEC_ID_ADPCM_IMA_WAV, 4 * channels, 1)
        };
        let body = block_bytes.checked_sub(head_bytes).filter(|_| (1..=2).contains(&channels));
        let body = body.ok_or_else(|| {
            Fault::Refused(format!(
                "its header claims ADPCM of {channels} channels in blocks of {block_bytes} bytes"
            ))
        })?;
        let block_frames = (body * 2 / channels) as u64 + head_frames;
        let mut parameters = AudioCodecParameters::new();
        parameters
            .for_codec(codec)
            .with_sample_rate(format.rate_hz)
            .with_channels(Channels::Discrete(format.channels))
            .with_max_frames_per_packet(block_frames)
            .with_frames_per_block(block_frames);
        Ok(Self {
            decoder: make_decoder(&parameters)?,
            left: chunks.fact_frames,
            bytes,
            chunks,
            extent,
            block_bytes,
            block_frames,
            form: (format.rate_hz, channels),
            ended: false,
        })
    }
}

impl Decode for Adpcm {
    fn next(&mut self, block: &mut Block) -> Result<bool, Fault> {
        block.clear();
        if !self.ended {
            let there = self.bytes.peek(self.block_bytes)?;
            let left = match self.extent {
                Extent::Bytes(left) => usize::try_from(left).unwrap_or(usize::MAX),
                Extent::ToTheEnd => usize::MAX,
                Extent::None => 0,
            };
            let count = self.block_bytes.min(there.len()).min(left);
            if count < self.block_bytes {
                self.ended = true;
                let missing = if left == usize::MAX { 0 } else { left - count };
                block.notes.extend(self.chunks.notes(missing as u64));
                return Ok(false);
            }
            let bytes = there[..count].to_vec();
            self.bytes.skip(count as u64)?;
            if let Extent::Bytes(left) = &mut self.extent {
                *left -= count as u64;
            }
            (block.rate_hz, block.channels) = self.form;
            if decode_frames(self.decoder.as_mut(), &bytes, self.block_frames, block).is_err() {
                block.lost = self.block_frames;
            }
            if let Some(left) = &mut self.left {
                block.cut_end(*left);
                *left = left.saturating_sub(self.block_frames);
            }
            return Ok(true);
        }
        Ok(false)
    }
}
