//! Keeps the newest frames and says when they make a window. Fed by the normaliser.

use serde::{Deserialize, Serialize};

use super::FeatureError;

/// How many frames a window has and how far the next one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowSpec {
    /// Frames of a window.
    pub frames: usize,
    /// Frames between the starts of two windows.
    pub hop_frames: usize,
}

impl WindowSpec {
    /// Over twenty minutes at 20 ms: what asks for more is a mistake, and memory is taken for all of it.
    pub const MAX_FRAMES: usize = 65_536;

    /// Checks that windows have frames, not absurdly many, and leave none out.
    ///
    /// # Errors
    /// [`FeatureError::Window`].
    pub fn check(&self) -> Result<(), FeatureError> {
        let fits = (1..=Self::MAX_FRAMES).contains(&self.frames);
        if fits && (1..=self.frames).contains(&self.hop_frames) {
            Ok(())
        } else {
            Err(FeatureError::Window { frames: self.frames, hop_frames: self.hop_frames })
        }
    }
}

/// The newest frames of a stream, contiguous. Windows start at frames that are multiples of the hop.
pub struct SlidingWindow {
    spec: WindowSpec,
    mel_bands: usize,
    /// Frames `first_kept ..`, row-major; twice a window long, so that old frames are moved out rarely.
    kept: Vec<f32>,
    powers: Vec<f32>,
    first_kept: u64,
}

impl SlidingWindow {
    /// Room for two windows.
    ///
    /// # Errors
    /// [`FeatureError::Window`].
    pub fn new(spec: WindowSpec, mel_bands: usize) -> Result<Self, FeatureError> {
        spec.check()?;
        Ok(Self {
            spec,
            mel_bands,
            kept: Vec::with_capacity(2 * spec.frames * mel_bands),
            powers: Vec::with_capacity(2 * spec.frames),
            first_kept: 0,
        })
    }

    /// Takes the next frame, to be filled by `fill`; says whether it completes a window.
    ///
    /// # Real time
    /// Does not allocate.
    pub fn push(&mut self, mean_power: f32, fill: impl FnOnce(&mut [f32])) -> bool {
        if self.powers.len() == 2 * self.spec.frames {
            // the newest window less one frame stays
            let dropped = self.spec.frames + 1;
            self.kept.drain(..dropped * self.mel_bands);
            self.powers.drain(..dropped);
            self.first_kept += dropped as u64;
        }
        let start = self.kept.len();
        self.kept.resize(start + self.mel_bands, 0.0);
        fill(&mut self.kept[start..]);
        self.powers.push(mean_power);
        let frames = self.first_kept + self.powers.len() as u64;
        frames >= self.spec.frames as u64
            && (frames - self.spec.frames as u64).is_multiple_of(self.spec.hop_frames as u64)
    }

    /// The newest window: index of its first frame, its values `[frames, mel_bands]`, and its mean power.
    ///
    /// To be called after [`Self::push`] reported one.
    pub fn newest(&self) -> (u64, &[f32], f32) {
        let start = self.powers.len() - self.spec.frames;
        let mean_power = self.powers[start..].iter().sum::<f32>() / self.spec.frames as f32;
        (self.first_kept + start as u64, &self.kept[start * self.mel_bands..], mean_power)
    }

    /// The first frame of the next window that will be complete.
    pub fn next_start(&self) -> u64 {
        let frames = self.first_kept + self.powers.len() as u64;
        let begun = (frames + 1).saturating_sub(self.spec.frames as u64);
        begun.next_multiple_of(self.spec.hop_frames as u64)
    }

    /// Forgets all frames; the next one pushed is frame 0.
    pub fn reset(&mut self) {
        self.kept.clear();
        self.powers.clear();
        self.first_kept = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_start_at_multiples_of_the_hop_and_hold_their_own_frames() {
        let mut sliding = SlidingWindow::new(WindowSpec { frames: 5, hop_frames: 2 }, 1).unwrap();
        let mut starts = Vec::new();
        for frame in 0..100u16 {
            let next_start = sliding.next_start();
            if sliding.push(0.0, |values| values[0] = f32::from(frame)) {
                let (start, values, _) = sliding.newest();
                assert_eq!(next_start, start, "foretold before the frame that completed it");
                let expected: Vec<f32> = (0..5).map(|offset| (start + offset) as f32).collect();
                assert_eq!(values, expected);
                starts.push(start);
            } else {
                assert!(next_start + 5 > u64::from(frame) + 1, "not complete, as was foretold");
            }
        }
        assert_eq!(starts, (0..=94).step_by(2).collect::<Vec<u64>>());
    }

    #[test]
    fn a_window_beyond_all_memory_is_refused() {
        let spec = WindowSpec { frames: usize::MAX / 2, hop_frames: 4 };
        assert!(matches!(SlidingWindow::new(spec, 64), Err(FeatureError::Window { .. })));
    }

    #[test]
    fn a_hop_beyond_the_window_is_refused() {
        assert!(SlidingWindow::new(WindowSpec { frames: 4, hop_frames: 5 }, 1).is_err());
        assert!(SlidingWindow::new(WindowSpec { frames: 4, hop_frames: 0 }, 1).is_err());
    }
}
