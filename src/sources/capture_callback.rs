//! The body of the audio callback: interleaved samples of any format in, one channel of f32 into the ring.
//!
//! Fed by the audio host on its own real-time thread (`microphone`); feeds the sample ring. Nothing here allocates,
//! locks, logs or calls the system, which `tests/realtime.rs` counts.

use std::time::Instant;

use cpal::{FromSample, SizedSample};

use super::{SampleProducer, SourceError};
use crate::domain::downmix;

/// Frames converted at a time. Larger callbacks are pushed in pieces: 4096 frames are 85 ms at 48 kHz, far more than
/// a low-latency host asks for, and 16 KiB stay in the first cache level.
const SCRATCH_FRAMES: usize = 4096;

/// Which of a device's channels are captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChannelSelection {
    /// The mean of all channels; one that is not numbers is left out.
    #[default]
    Mix,
    /// One of them, counted from 0.
    One(u16),
}

/// Converts, downmixes and pushes; all its memory is there before the first callback.
pub struct CaptureCallback {
    channels: usize,
    selection: ChannelSelection,
    scratch: Box<[f32]>,
    producer: SampleProducer,
}

impl CaptureCallback {
    /// Prepares for frames of `channels` interleaved samples.
    ///
    /// # Errors
    /// [`SourceError::NoSuchChannel`] when the chosen channel is not among them, or there are none.
    pub fn new(
        channels: u16,
        selection: ChannelSelection,
        producer: SampleProducer,
    ) -> Result<Self, SourceError> {
        let chosen = match selection {
            ChannelSelection::Mix => 0,
            ChannelSelection::One(channel) => channel,
        };
        if chosen >= channels {
            return Err(SourceError::NoSuchChannel {
                origin: "the input".to_owned(),
                channel: chosen,
                channels,
            });
        }
        Ok(Self {
            channels: usize::from(channels),
            selection,
            scratch: vec![0.0; SCRATCH_FRAMES].into_boxed_slice(),
            producer,
        })
    }

    /// How many frames `interleaved_samples` samples are.
    pub fn frames_in(&self, interleaved_samples: usize) -> usize {
        interleaved_samples / self.channels
    }

    /// Hands one callback's samples on; a last incomplete frame, which no host delivers, is left out.
    ///
    /// # Shapes
    /// `interleaved`: `[frames, channels]`, row-major.
    ///
    /// # Real time
    /// No allocation, lock, log or system call; what does not fit is dropped and counted by the ring.
    pub fn deliver<T>(&mut self, interleaved: &[T], arrival: Instant)
    where
        T: SizedSample,
        f32: FromSample<T>,
    {
        for piece in interleaved.chunks(SCRATCH_FRAMES * self.channels) {
            let frames = piece.len() / self.channels;
            let mono = &mut self.scratch[..frames];
            match self.selection {
                ChannelSelection::Mix => {
                    let repaired = mix(piece, self.channels, mono);
                    self.producer.note_repaired(repaired);
                }
                ChannelSelection::One(channel) => {
                    pick(piece, self.channels, usize::from(channel), mono);
                }
            }
            self.producer.push_block(mono, arrival);
        }
    }

    /// Notes that the driver lost `frames` frames before the next delivery.
    ///
    /// # Real time
    /// As [`Self::deliver`].
    pub fn note_driver_gap(&mut self, frames: u64, noticed: Instant) {
        self.producer.note_driver_gap(frames, noticed);
    }
}

/// The samples of single channels that were left out come back.
fn mix<T>(interleaved: &[T], channels: usize, mono: &mut [f32]) -> u64
where
    T: SizedSample,
    f32: FromSample<T>,
{
    if channels == 1 {
        for (out, &sample) in mono.iter_mut().zip(interleaved) {
            *out = f32::from_sample_(sample);
        }
        return 0;
    }
    let mut repaired = 0;
    for (out, frame) in mono.iter_mut().zip(interleaved.chunks_exact(channels)) {
        let (mean, left_out) = downmix(frame.iter().map(|&sample| f32::from_sample_(sample)));
        *out = mean;
        repaired += left_out;
    }
    repaired
}

fn pick<T>(interleaved: &[T], channels: usize, channel: usize, mono: &mut [f32])
where
    T: SizedSample,
    f32: FromSample<T>,
{
    for (out, frame) in mono.iter_mut().zip(interleaved.chunks_exact(channels)) {
        *out = f32::from_sample_(frame[channel]);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use cpal::{I24, U24};

    use super::*;
    use crate::domain::{InputCounters, SampleRate};
    use crate::sources::{RingItem, SampleConsumer, sample_ring};

    fn callback(channels: u16, selection: ChannelSelection) -> (CaptureCallback, SampleConsumer) {
        let rate = SampleRate::new(48_000).unwrap();
        let (producer, consumer) =
            sample_ring(rate, Duration::from_secs(1), Arc::new(InputCounters::default()));
        (CaptureCallback::new(channels, selection, producer).unwrap(), consumer)
    }

    fn captured<T>(interleaved: &[T], channels: u16, selection: ChannelSelection) -> Vec<f32>
    where
        T: SizedSample,
        f32: FromSample<T>,
    {
        let (mut callback, mut consumer) = callback(channels, selection);
        callback.deliver(interleaved, Instant::now());
        drop(callback);
        let mut out = Vec::new();
        let mut block = [0.0; 1000];
        while let RingItem::Samples { count, .. } = consumer.take(&mut block) {
            out.extend_from_slice(&block[..count]);
        }
        out
    }

    fn half<T: SizedSample>(value: T)
    where
        f32: FromSample<T>,
    {
        let got = captured(&[value, T::EQUILIBRIUM], 1, ChannelSelection::Mix);
        assert!((got[0] - 0.5).abs() < 1e-2, "{} gives {}", T::FORMAT, got[0]);
        assert!(got[1].abs() < 1e-6, "silence of {} gives {}", T::FORMAT, got[1]);
    }

    #[test]
    fn half_of_full_scale_is_one_half_in_every_format() {
        half(64_i8);
        half(1_i16 << 14);
        half(I24::new(1 << 22).unwrap());
        half(1_i32 << 30);
        half(1_i64 << 62);
        half(192_u8);
        half(0xC000_u16);
        half(U24::new(0xC0_0000).unwrap());
        half(0xC000_0000_u32);
        half(0xC000_0000_0000_0000_u64);
        half(0.5_f32);
        half(0.5_f64);
    }

    #[test]
    fn channels_are_averaged_or_one_is_chosen() {
        let frames = [0.1_f32, 0.2, 0.6, -0.1, -0.2, -0.6];
        let mixed = captured(&frames, 3, ChannelSelection::Mix);
        assert!((mixed[0] - 0.3).abs() < 1e-6 && (mixed[1] + 0.3).abs() < 1e-6, "{mixed:?}");
        assert_eq!(captured(&frames, 3, ChannelSelection::One(1)), [0.2, -0.2]);
    }

    #[test]
    fn a_callback_larger_than_the_scratch_loses_nothing() {
        let frames: Vec<f32> = (0..SCRATCH_FRAMES * 5 + 17).map(|i| i as f32 * 1e-6).collect();
        assert_eq!(captured(&frames, 1, ChannelSelection::Mix), frames);
    }

    #[test]
    fn a_channel_that_is_not_there_is_refused() {
        let (producer, _consumer) = sample_ring(
            SampleRate::new(48_000).unwrap(),
            Duration::from_secs(1),
            Arc::new(InputCounters::default()),
        );
        let error = CaptureCallback::new(2, ChannelSelection::One(2), producer).err().unwrap();
        // people count from 1, as the configuration does
        assert!(error.to_string().contains("channel 3"), "{error}");
    }
}
