//! Waveform, spectrogram and the labels a model gives, one above the other over the same seconds. Fed a clip, its frames
//! and the records of its scan.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::axis::{Axis, Tick};
use super::colour::{ColourMap, ORANGE, PALE_INK, faded};
use super::font::LABEL_EM;
use super::legend::{self, Entry, Swatch};
use super::panel::{Numbers, Panel, bottom_margin, left_margin};
use super::picture::{Area, Picture, Stroke, shortened};
use super::waveform::{AXIS_ROOM, amplitude_axis, draw_signal, time_axis};
use super::{MelFrames, PlotError, Sheet, Signal, colour_bar};
use crate::domain::{EventPhase, Record, SampleRate};

/// Labels longer than this are cut short, in pixels.
const MAX_LABEL_WIDTH: f64 = 150.0;
/// A row's height where the sheet leaves the choice.
const ROW: u32 = 22;
/// From one line of a hatching to the next, in pixels.
const HATCH: f64 = 9.0;
/// Between two panels.
const BETWEEN: f64 = 14.0;

/// A score and the time it is given for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreSpan {
    /// From this second on.
    pub start_s: f64,
    /// To this second.
    pub end_s: f64,
    /// Between 0 and 1.
    pub score: f32,
}

/// One label along the time axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LabelRow {
    /// The label.
    pub label: String,
    /// Its scores, window by window.
    pub scores: Vec<ScoreSpan>,
    /// Its events, from second to second.
    pub events: Vec<(f64, f64)>,
}

impl LabelRow {
    /// The rows of a clip from the records of its scan: labels with events first, then those of the highest scores,
    /// `max` in all.
    ///
    /// A window's score is given for the new audio in the window, from the end of the window before it (of the
    /// first one, from its own start) to its own end. Events begin and end by the same rule.
    pub fn from_records(records: &[Record], sample_rate: SampleRate, max: usize) -> Vec<Self> {
        let mut rows: BTreeMap<Arc<str>, Self> = BTreeMap::new();
        let mut covered_s = 0.0;
        for record in records {
            match record {
                Record::Window(window) => {
                    let end_s = sample_rate.seconds_at(window.end_sample);
                    for scored in &window.scores {
                        let row = rows.entry(Arc::clone(&scored.label)).or_default();
                        row.scores.push(ScoreSpan {
                            start_s: covered_s,
                            end_s,
                            score: scored.score,
                        });
                    }
                    covered_s = end_s;
                }
                Record::Event(event) => {
                    if let EventPhase::Offset { end_sample, .. } = event.phase {
                        let start = sample_rate.seconds_at(event.start_sample);
                        let end = sample_rate.seconds_at(end_sample);
                        rows.entry(Arc::clone(&event.label)).or_default().events.push((start, end));
                    }
                }
                Record::Gap(_) | Record::Status(_) => {}
            }
        }
        let mut rows: Vec<Self> =
            rows.into_iter().map(|(label, row)| Self { label: label.to_string(), ..row }).collect();
        let rank = |row: &Self| {
            let peak = row.scores.iter().map(|span| span.score).fold(0.0, f32::max);
            (row.events.is_empty(), -peak)
        };
        rows.sort_by(|a, b| {
            let (a, b) = (rank(a), rank(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
        rows.truncate(max);
        rows
    }
}

/// Draws waveform, spectrogram and label rows over one time axis; events are outlined in their rows.
///
/// # Errors
/// [`PlotError::Empty`] without samples, frames or rows; those of the [`Sheet`].
pub fn draw_timeline(
    signal: Signal<'_>,
    mel: &MelFrames,
    rows: &[LabelRow],
    sheet: &Sheet,
) -> Result<Picture, PlotError> {
    const PICTURE: &str = "the timeline";
    signal.check(PICTURE)?;
    mel.check()?;
    if rows.is_empty() {
        return Err(PlotError::Empty { picture: PICTURE, what: "the model gave no label" });
    }
    let rows_height = ROW * rows.len() as u32;
    let (mut picture, area) = sheet.begin((1000, 440 + rows_height))?;
    let entries = [
        Entry::new("event", ORANGE, Swatch::Outlined),
        Entry::new(
            "the first window: nothing is known before its end",
            PALE_INK,
            Swatch::Dashed(1.0),
        ),
    ];
    let area = legend::draw_rows(&mut picture, &entries, area);
    let levels = mel.level_axis();
    let scores = Axis::share("score", 4);
    let panels = Panels::fit(&picture, area, signal, mel, rows, [&levels, &scores])?;
    panels.waveform.draw_grid(&mut picture);
    draw_signal(&mut picture, &panels.waveform, signal);
    mel.draw_into(&mut picture, &panels.spectrogram, &levels);
    draw_rows(&mut picture, &panels.labels, rows);
    hatch_first_window(&mut picture, &panels.labels, rows);
    colour_bar::draw(&mut picture, panels.labels.area, &ColourMap::blues(), &scores);
    panels.waveform.draw_axes(&mut picture, Numbers::Below);
    panels.spectrogram.draw_axes(&mut picture, Numbers::Below);
    panels.labels.draw_axes(&mut picture, Numbers::Shown);
    Ok(picture)
}

struct Panels {
    waveform: Panel,
    spectrogram: Panel,
    labels: Panel,
}

impl Panels {
    /// With room at the right for colour bars with these axes.
    fn fit(
        picture: &Picture,
        area: Area,
        signal: Signal<'_>,
        mel: &MelFrames,
        rows: &[LabelRow],
        bars: [&Axis; 2],
    ) -> Result<Self, PlotError> {
        let time = time_axis(signal.seconds(), area.width() - 2.0 * AXIS_ROOM);
        let labels = label_axis(rows);
        let top = area.top + 4.0;
        let room = area.bottom - top - bottom_margin(&time) - 2.0 * BETWEEN;
        // as many rows as there are labels, but never more than half
        let rows_height = (f64::from(ROW) * rows.len() as f64).min(room * 0.5);
        let spectrogram_height = (room - rows_height) * 0.6;
        let waveform_height = room - rows_height - spectrogram_height;
        let frequency = mel.frequency_axis(spectrogram_height);
        let left = [&amplitude_axis(), &frequency, &labels]
            .map(left_margin)
            .into_iter()
            .fold(0.0, f64::max);
        let right = bars.map(colour_bar::room).into_iter().fold(0.0, f64::max);
        let (left, right) = (area.left + left, area.right - right);
        let stripe = |top: f64, height: f64| Area { left, top, right, bottom: top + height };
        let second = top + waveform_height + BETWEEN;
        let third = second + spectrogram_height + BETWEEN;
        let within = |area: Area, y: Axis| Panel::within(picture, area, time.clone(), y);
        Ok(Self {
            waveform: within(stripe(top, waveform_height), amplitude_axis())?,
            spectrogram: within(stripe(second, spectrogram_height), frequency)?,
            labels: within(stripe(third, rows_height), labels)?,
        })
    }
}

/// The first row on top.
fn label_axis(rows: &[LabelRow]) -> Axis {
    let ticks = rows
        .iter()
        .enumerate()
        .map(|(row, label)| Tick {
            at: (rows.len() - row) as f64 - 0.5,
            text: shortened(&label.label, LABEL_EM, MAX_LABEL_WIDTH),
        })
        .collect();
    Axis { title: String::new(), from: 0.0, to: rows.len() as f64, ticks }
}

/// The first window has one score for all of it: nobody can say when in it a sound begins.
fn hatch_first_window(picture: &mut Picture, panel: &Panel, rows: &[LabelRow]) {
    let Some(first) = rows.iter().find_map(|row| row.scores.first()) else { return };
    let stroke = Stroke { colour: faded(PALE_INK, 0.5), width: 0.7 };
    let ((left, top), (right, bottom)) =
        (panel.at((first.start_s, panel.y.to)), panel.at((first.end_s, panel.y.from)));
    let height = bottom - top;
    let mut foot = left - height;
    while foot < right {
        // from the lower edge up to the right, at 45 degrees, as far as the window goes
        let (begin, end) = (foot.max(left), (foot + height).min(right));
        picture.line(&[(begin, bottom - (begin - foot)), (end, bottom - (end - foot))], stroke);
        foot += HATCH;
    }
    picture.dashed_line(
        &[(right, top), (right, bottom)],
        Stroke { colour: PALE_INK, width: 1.0 },
        4.0,
    );
}

fn draw_rows(picture: &mut Picture, panel: &Panel, rows: &[LabelRow]) {
    let map = ColourMap::blues();
    for (index, row) in rows.iter().enumerate() {
        let bottom = (rows.len() - index - 1) as f64;
        let area = |start: f64, end: f64, inset: f64| {
            let (left, top) = panel.at((start, bottom + 1.0));
            let (right, bottom) = panel.at((end, bottom));
            Area { left, right, top: top + inset, bottom: bottom - inset }
        };
        for span in &row.scores {
            let mut area = area(span.start_s, span.end_s, 1.0);
            // a little into the next, which covers it: no seam shows between them
            area.right = (area.right + 0.75).min(panel.area.right);
            picture.fill(area, map.at(span.score.into()));
        }
        for &(start, end) in &row.events {
            picture.outline(area(start, end, 2.0), Stroke { colour: ORANGE, width: 2.0 });
        }
        let edge = area(panel.x.from, panel.x.to, 0.0);
        let stroke = Stroke { colour: faded(PALE_INK, 0.35), width: 0.7 };
        picture.line(&[(edge.left, edge.bottom), (edge.right, edge.bottom)], stroke);
    }
}
