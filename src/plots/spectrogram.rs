//! The mel spectrogram: seconds across, Hz at their places on the mel scale upwards, colour for the level. Fed the frames
//! of a clip; also drawn between waveform and labels.

use super::axis::{Axis, Tick};
use super::colour::ColourMap;
use super::panel::{Numbers, Panel};
use super::picture::{Area, Picture, Raster};
use super::waveform::{AXIS_ROOM, time_axis};
use super::{MelFrames, MelUnit, PlotError, Sheet, colour_bar};

/// What lies further below the loudest is drawn as if it lay here: the range of a good recording.
const SHOWN_DB: f64 = 80.0;
/// What lies further from the mean, in deviations, is drawn as if it lay here.
const SHOWN_DEVIATIONS: f64 = 4.0;
/// Pixels from one frequency's number to the next.
const MIN_TICK_DISTANCE: f64 = 22.0;

/// Frequencies that may be numbered, those first that matter most.
const ROUND_HZ: [f64; 22] = [
    1e3, 100.0, 1e4, 500.0, 2e3, 4e3, 200.0, 8e3, 5e3, 2e4, 50.0, 300.0, 3e3, 1.5e3, 750.0, 6e3,
    400.0, 1.6e4, 150.0, 1.25e4, 7e3, 20.0,
];

/// Draws the spectrogram of a clip.
///
/// # Errors
/// [`PlotError::Empty`] without frames; those of the [`Sheet`].
pub fn draw_spectrogram(mel: &MelFrames, sheet: &Sheet) -> Result<Picture, PlotError> {
    mel.check()?;
    let (mut picture, area) = sheet.begin((1000, 420))?;
    let levels = mel.level_axis();
    let area = Area { right: area.right - colour_bar::room(&levels), ..area };
    let time = time_axis(mel.seconds, area.width() - AXIS_ROOM);
    let panel = Panel::fit(&picture, area, time, mel.frequency_axis(area.height()))?;
    mel.draw_into(&mut picture, &panel, &levels);
    panel.draw_axes(&mut picture, Numbers::Shown);
    Ok(picture)
}

impl MelFrames {
    pub(super) fn check(&self) -> Result<(), PlotError> {
        let picture = "the spectrogram";
        if self.mel_bands == 0 || self.frames() == 0 {
            return Err(PlotError::Empty { picture, what: "there is no frame" });
        }
        Ok(())
    }

    /// The axis of the colour bar.
    pub(super) fn level_axis(&self) -> Axis {
        let sound = self.values.iter().filter(|value| value.is_finite());
        let (low, high) = sound.fold((f64::MAX, f64::MIN), |(low, high), &value| {
            (low.min(value.into()), high.max(value.into()))
        });
        match self.unit {
            MelUnit::Decibel => {
                Axis::linear("level (dB), re power 1", (low.max(high - SHOWN_DB), high), 8)
            }
            MelUnit::Normalised => {
                let ends = (low.max(-SHOWN_DEVIATIONS), high.min(SHOWN_DEVIATIONS));
                Axis::linear("deviations from the mean", ends, 8)
            }
        }
    }

    /// The axis of frequency, in mel: each band is as tall as any other, each number stands where its frequency lies.
    pub(super) fn frequency_axis(&self, height: f64) -> Axis {
        let (low, high) = (self.scale.to_mel(self.low_hz), self.scale.to_mel(self.high_hz));
        // A band's middle lies one step above its lower edge, and the next band's one step further.
        let step = (high - low) / (self.mel_bands + 1) as f64;
        let (from, to) = (low + step / 2.0, high - step / 2.0);
        let mut ticks: Vec<Tick> = Vec::new();
        for hz in ROUND_HZ {
            let at = self.scale.to_mel(hz);
            let clear = ticks
                .iter()
                .all(|tick| (tick.at - at).abs() / (to - from) * height >= MIN_TICK_DISTANCE);
            if (from..=to).contains(&at) && clear {
                ticks.push(Tick { at, text: format!("{hz}") });
            }
        }
        ticks.sort_by(|a, b| a.at.total_cmp(&b.at));
        Axis { title: "frequency (Hz)".to_owned(), from, to, ticks }
    }

    /// Draws colours and colour bar, the axes left to the caller.
    pub(super) fn draw_into(&self, picture: &mut Picture, panel: &Panel, levels: &Axis) {
        let map = ColourMap::magma();
        let frames = self.frames();
        // more frames than pixels: the loudest of those that share one, so that no short sound is lost
        let per_column = (frames as f64 / panel.area.width()).ceil().max(1.0) as usize;
        let columns = frames.div_ceil(per_column);
        let mut colours = Vec::with_capacity(columns * self.mel_bands);
        for band in (0..self.mel_bands).rev() {
            for column in 0..columns {
                let end = ((column + 1) * per_column).min(frames);
                let level = (column * per_column..end)
                    .map(|frame| self.values[frame * self.mel_bands + band])
                    .fold(f32::NEG_INFINITY, f32::max);
                let colour = map.at(levels.along(level.into()));
                colours.push([colour.0, colour.1, colour.2]);
            }
        }
        // a frame stands for the step around its middle; the last column may stand for less than the others
        let begin = self.first_s - self.step_s / 2.0;
        let end = begin + (columns * per_column) as f64 * self.step_s;
        let at = |seconds: f64| panel.x_at(seconds);
        let area = Area { left: at(begin), right: at(end).min(panel.area.right), ..panel.area };
        picture.rasters.push(Raster { area, columns, rows: self.mel_bands, colours });
        colour_bar::draw(picture, panel.area, &map, levels);
    }
}
