//! The batch of every step, from the seed and the step alone: which clips, changed how, and their targets. Runs on a
//! thread of its own, one batch ahead of libtorch.

use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha12Rng;

use super::augment::drawn;
use super::random::{Purpose, random_for};
use super::{Augmenter, ClassBalance, ClipFeatures, TrainingSpec};
use crate::features::Normaliser;

/// The windows of one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Normalised windows, `[batch, window_frames, mel_bands]`.
    pub windows: Vec<f32>,
    /// What the network is to say, `[batch, labels]`.
    pub targets: Vec<f32>,
    /// The label with the largest share in each window, or −1 for background.
    pub labels: Vec<i64>,
}

/// Everything that batches are made of.
pub struct Batches {
    /// How to train.
    pub spec: TrainingSpec,
    /// Frames of a window.
    pub window_frames: usize,
    /// How many labels.
    pub label_count: usize,
    /// Brings bands to zero mean and unit deviation.
    pub normaliser: Normaliser,
    /// The lowest log-mel value there is, in dB.
    pub floor_db: f32,
    /// Clips to fit, each with the starts of the windows that carry its label.
    pub clips: Vec<(ClipFeatures, Vec<usize>)>,
    /// The same clips as rooms would sound them, once or several times over, in the order of `clips`; or none.
    pub reverberant: Vec<(ClipFeatures, Vec<usize>)>,
    /// Clips of each label that is no event, likewise with the starts of the windows that carry the label; no list is empty.
    pub non_events: Vec<Vec<(ClipFeatures, Vec<usize>)>>,
    /// Recordings that hold none of the labels.
    pub background: Vec<ClipFeatures>,
    /// The label that background has, if any.
    pub background_label: Option<usize>,
}

impl Batches {
    /// Steps of an epoch.
    pub fn steps_per_epoch(&self) -> usize {
        self.clips.len().div_ceil(self.spec.batch)
    }

    /// The clips of an epoch, from 0, in the order they are trained on.
    pub fn order(&self, epoch: usize) -> Vec<usize> {
        let mut random = random_for(self.spec.seed, Purpose::Order, epoch);
        let mut order: Vec<usize> = (0..self.clips.len()).collect();
        order.shuffle(&mut random);
        if self.spec.balance == ClassBalance::AsFound {
            return order;
        }
        let mut classes: Vec<Vec<usize>> = vec![Vec::new(); self.label_count];
        for &clip in &order {
            if let Some(label) = self.clips[clip].0.label {
                classes[label].push(clip);
            }
        }
        classes.retain(|class| !class.is_empty());
        let mut balanced = Vec::with_capacity(order.len());
        let mut round = 0;
        while balanced.len() < order.len() && !classes.is_empty() {
            classes.shuffle(&mut random);
            let left = order.len() - balanced.len();
            balanced.extend(classes.iter().take(left).map(|class| class[round % class.len()]));
            round += 1;
        }
        balanced
    }

    /// The batch of a step, counted from 0 over all epochs; `order` is that of its epoch.
    pub fn batch(&self, step: usize, order: &[usize]) -> Batch {
        let mut random = random_for(self.spec.seed, Purpose::Windows, step);
        let first = step % self.steps_per_epoch() * self.spec.batch;
        let clips = &order[first..order.len().min(first + self.spec.batch)];
        let mut batch = Batch {
            windows: Vec::with_capacity(
                clips.len() * self.window_frames * self.normaliser.mean.len(),
            ),
            targets: vec![0.0; clips.len() * self.label_count],
            labels: Vec::with_capacity(clips.len()),
        };
        for (&clip, target) in clips.iter().zip(batch.targets.chunks_exact_mut(self.label_count)) {
            let window = self.window(clip, target, &mut random);
            batch.windows.extend_from_slice(&window);
            let sounding = target.iter().enumerate().filter(|(_, share)| **share > 0.0);
            let largest = sounding.max_by(|a, b| a.1.total_cmp(b.1));
            batch.labels.push(largest.map_or(-1, |(label, _)| label as i64));
            smooth(target, self.spec.label_smoothing);
        }
        batch
    }

    /// A clip of the set, dry or in a room, or one of a label that is no event.
    fn sound(&self, clip: usize, random: &mut ChaCha12Rng) -> &(ClipFeatures, Vec<usize>) {
        let spec = &self.spec.augment;
        if !self.non_events.is_empty() && drawn(spec.non_event, random) {
            // every such label as often, however much there is of it
            let of_label = &self.non_events[random.random_range(0..self.non_events.len())];
            return &of_label[random.random_range(0..of_label.len())];
        }
        let rooms = self.reverberant.len() / self.clips.len();
        if rooms > 0 && drawn(spec.room, random) {
            return &self.reverberant[random.random_range(0..rooms) * self.clips.len() + clip];
        }
        &self.clips[clip]
    }

    fn window(&self, clip: usize, target: &mut [f32], random: &mut ChaCha12Rng) -> Vec<f32> {
        let spec = &self.spec.augment;
        let augmenter = Augmenter {
            spec,
            normaliser: &self.normaliser,
            window_frames: self.window_frames,
            floor_db: self.floor_db,
        };
        let mut add = |label: Option<usize>, share: f32| {
            if let Some(label) = label {
                target[label] += share;
            }
        };
        let mut window = if !self.background.is_empty() && drawn(spec.background, random) {
            add(self.background_label, 1.0);
            augmenter.background(&self.background, random)
        } else {
            let (sound, starts) = self.sound(clip, random);
            let (mut window, power) = augmenter.window(sound, starts, random);
            let mut share = 1.0;
            if drawn(spec.mixup, random) {
                let other = random.random_range(0..self.clips.len());
                let (other, starts) = self.sound(other, random);
                let (addition, other_power) = augmenter.window(other, starts, random);
                share = augmenter.mix((&mut window, power), (&addition, other_power), random);
                add(other.label, 1.0 - share);
            }
            add(sound.label, share);
            augmenter.record(&mut window, power, &self.background, random);
            window
        };
        if drawn(spec.mix_style, random) {
            let (other, starts) = &self.clips[random.random_range(0..self.clips.len())];
            let (mut other, power) = augmenter.window(other, starts, random);
            augmenter.record(&mut other, power, &[], random);
            augmenter.mix_style(&mut window, &other, random);
        }
        augmenter.shift_and_mask(&mut window, random);
        window
    }
}

/// Spreads a share of what a target holds evenly over all labels. A target that holds nothing stays so.
fn smooth(target: &mut [f32], share: f32) {
    if share > 0.0 {
        let spread = share * target.iter().sum::<f32>() / target.len() as f32;
        target.iter_mut().for_each(|value| *value = *value * (1.0 - share) + spread);
    }
}
