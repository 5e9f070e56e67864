//! The polyphonic sound detection score: one figure over all thresholds, from score tables. Pure, on rayon's threads;
//! feeds the report.

use rayon::prelude::*;

use super::ScoreTable;

/// What counts as found, and what mistakes cost.
///
/// A *detection* is a stretch of rows that all score at or above the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PsdsSpec {
    /// A detection counts if at least this share of it lies in true events of its label (ρ_DTC); others are false.
    pub detection_tolerance: f64,
    /// A true event is found if counting detections cover at least this share of it (ρ_GTC).
    pub truth_intersection: f64,
    /// A false detection is a cross-trigger on every other label that at least this share of it lies in (ρ_CTTC), and
    /// what those weigh (α_CT); none where they cost nothing beyond being false.
    pub cross_triggers: Option<CrossTriggers>,
    /// What the labels' spread weighs (α_ST).
    pub instability: f64,
}

/// How cross-triggers count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CrossTriggers {
    /// ρ_CTTC.
    pub tolerance: f64,
    /// α_CT.
    pub weight: f64,
}

impl PsdsSpec {
    /// DCASE's first scenario: *when* something sounds.
    pub const SCENARIO_1: Self = Self {
        detection_tolerance: 0.7,
        truth_intersection: 0.7,
        cross_triggers: None,
        instability: 1.0,
    };
    /// DCASE's second scenario: *what* sounds.
    pub const SCENARIO_2: Self = Self {
        detection_tolerance: 0.1,
        truth_intersection: 0.1,
        cross_triggers: Some(CrossTriggers { tolerance: 0.3, weight: 0.5 }),
        instability: 1.0,
    };
}

/// Effective false positives an hour up to which the curve is integrated.
const MAX_RATE_PER_HOUR: f64 = 100.0;

/// A share counts as reached within this many samples: floating point puts 0.7 of 10 at 7.000000000000001.
const ROUNDING_SAMPLES: f64 = 1e-3;

/// The score, between 0 and 1, over the labels that have true events; none without true events.
///
/// # Source
/// Bilen, Ferroni, Tuveri, Azcarreta and Krstulović, "A framework for the robust evaluation of sound event detection",
/// ICASSP 2020; over every threshold, as Ebbers, Serizel and Haeb-Umbach, "Threshold-independent evaluation of sound event
/// detection scores", ICASSP 2022, and their `sed_scores_eval` 0.0.4 compute it, with `max_efpr=100` an hour.
pub fn psds(spec: PsdsSpec, tables: &[ScoreTable]) -> Option<f64> {
    let reference = Reference::new(tables);
    if reference.labels.is_empty() {
        return None;
    }
    let curve = |label: &usize| rising(points(spec, tables, &reference, *label));
    let curves: Vec<Vec<Point>> = reference.labels.par_iter().map(curve).collect();
    Some(area(&curves, spec.instability) / MAX_RATE_PER_HOUR)
}

/// What there is to be found.
struct Reference {
    /// The labels that have true events.
    labels: Vec<usize>,
    /// Of each label, whether it has any or not: true events, and their seconds.
    totals: Vec<(usize, f64)>,
    /// Length of all scenes.
    seconds: f64,
}

impl Reference {
    fn new(tables: &[ScoreTable]) -> Self {
        let mut totals: Vec<(usize, f64)> = Vec::new();
        for table in tables {
            for event in &table.truth {
                if totals.len() <= event.label {
                    totals.resize(event.label + 1, (0, 0.0));
                }
                let samples = event.end_sample.since(event.start_sample) as f64;
                totals[event.label].0 += 1;
                totals[event.label].1 += samples / f64::from(table.sample_rate.hz());
            }
        }
        Self {
            labels: (0..totals.len()).filter(|&label| totals[label].0 > 0).collect(),
            totals,
            seconds: tables.iter().map(ScoreTable::seconds).sum(),
        }
    }
}

/// What a threshold comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    /// Effective false positives an hour.
    rate: f64,
    /// Share of the true events found.
    found: f64,
}

/// What changes when the threshold sinks to a row's score.
struct Step {
    score: f32,
    found: isize,
    false_positives: isize,
    /// Per label that is triggered instead.
    cross_triggers: Vec<(usize, isize)>,
}

/// One label's point at every threshold, from the highest.
fn points(
    spec: PsdsSpec,
    tables: &[ScoreTable],
    reference: &Reference,
    label: usize,
) -> Vec<Point> {
    let mut steps: Vec<Step> =
        tables.iter().flat_map(|table| Detections::new(spec, table, label).steps()).collect();
    steps.sort_by(|a, b| b.score.total_cmp(&a.score));
    let (mut found, mut false_positives) = (0, 0);
    let mut cross_triggers = vec![0isize; reference.totals.len()];
    let mut points = vec![Point { rate: 0.0, found: 0.0 }];
    for equals in steps.chunk_by(|a, b| a.score == b.score) {
        for step in equals {
            found += step.found;
            false_positives += step.false_positives;
            for &(other, change) in &step.cross_triggers {
                cross_triggers[other] += change;
            }
        }
        let weight = spec.cross_triggers.map_or(0.0, |it| it.weight);
        let crossing = weight * crossing_rate(reference, label, &cross_triggers);
        points.push(Point {
            rate: (false_positives as f64 / reference.seconds + crossing) * 3600.0,
            found: found as f64 / reference.totals[label].0 as f64,
        });
    }
    points
}

/// Cross-triggers on each other label in a second of it, on average over those labels.
fn crossing_rate(reference: &Reference, label: usize, cross_triggers: &[isize]) -> f64 {
    let others = reference.labels.iter().filter(|&&other| other != label);
    let rates: Vec<f64> =
        others.map(|&other| cross_triggers[other] as f64 / reference.totals[other].1).collect();
    rates.iter().sum::<f64>() / rates.len().max(1) as f64
}

/// One label's detections in one scene while the threshold sinks.
struct Detections<'a> {
    spec: PsdsSpec,
    table: &'a ScoreTable,
    label: usize,
    /// Of each true event of the scene, the samples that counting detections cover.
    covered: Vec<u64>,
    /// Of the first row of each detection the last, and of the last row the first.
    other_end: Vec<Option<usize>>,
}

impl<'a> Detections<'a> {
    fn new(spec: PsdsSpec, table: &'a ScoreTable, label: usize) -> Self {
        let (covered, other_end) = (vec![0; table.truth.len()], vec![None; table.rows.len()]);
        Self { spec, table, label, covered, other_end }
    }

    /// One step a row, from the highest score: the row joins the detections beside it.
    fn steps(mut self) -> Vec<Step> {
        let rows = &self.table.rows;
        let score = |row: usize| rows[row][self.label];
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by(|&a, &b| score(b).total_cmp(&score(a)));
        let mut steps = Vec::with_capacity(order.len());
        for row in order {
            let mut step = Step {
                score: rows[row][self.label],
                found: -self.found(),
                false_positives: 0,
                cross_triggers: Vec::new(),
            };
            let (mut first, mut last) = (row, row);
            if let Some(begin) = row.checked_sub(1).and_then(|before| self.other_end[before]) {
                self.count([begin, row - 1], -1, &mut step);
                first = begin;
            }
            if let Some(end) = self.other_end.get(row + 1).copied().flatten() {
                self.count([row + 1, end], -1, &mut step);
                last = end;
            }
            self.count([first, last], 1, &mut step);
            // rows inside keep an end that nobody asks for
            self.other_end[row] = Some(row);
            self.other_end[first] = Some(last);
            self.other_end[last] = Some(first);
            step.found += self.found();
            steps.push(step);
        }
        steps
    }

    /// True events of the label that are found.
    fn found(&self) -> isize {
        let truth = self.table.truth.iter().zip(&self.covered);
        let found = truth.filter(|(event, covered)| {
            let length = event.end_sample.since(event.start_sample);
            event.label == self.label && reaches(**covered, self.spec.truth_intersection, length)
        });
        found.count().cast_signed()
    }

    /// Adds a detection, or takes it away.
    fn count(&mut self, [first, last]: [usize; 2], sign: isize, step: &mut Step) {
        let boundaries = &self.table.boundaries;
        let (from, to) = (boundaries[first], boundaries[last + 1]);
        let length = to.since(from);
        let overlaps = self.table.truth.iter().enumerate().filter_map(|(index, event)| {
            let (from, to) = (from.max(event.start_sample), to.min(event.end_sample));
            (from < to).then(|| (index, event.label, to.since(from)))
        });
        let overlaps: Vec<(usize, usize, u64)> = overlaps.collect();
        let within = |label: usize| -> u64 {
            overlaps.iter().filter(|it| it.1 == label).map(|(.., samples)| samples).sum()
        };
        if reaches(within(self.label), self.spec.detection_tolerance, length) {
            for &(index, _, samples) in overlaps.iter().filter(|it| it.1 == self.label) {
                let covered = &mut self.covered[index];
                *covered = if sign > 0 { *covered + samples } else { *covered - samples };
            }
            return;
        }
        step.false_positives += sign;
        let Some(crossing) = self.spec.cross_triggers else { return };
        let mut others: Vec<usize> =
            overlaps.iter().map(|it| it.1).filter(|&other| other != self.label).collect();
        others.sort_unstable();
        others.dedup();
        others.retain(|&other| reaches(within(other), crossing.tolerance, length));
        step.cross_triggers.extend(others.into_iter().map(|other| (other, sign)));
    }
}

fn reaches(part: u64, share: f64, whole: u64) -> bool {
    part as f64 + ROUNDING_SAMPLES >= share * whole as f64
}

/// The points that no other beats: rising in both, up to the highest rate that counts.
fn rising(mut points: Vec<Point>) -> Vec<Point> {
    points.sort_by(|a, b| a.rate.total_cmp(&b.rate).then(a.found.total_cmp(&b.found)));
    let mut kept: Vec<Point> = Vec::new();
    for point in points {
        match kept.last_mut() {
            Some(last) if point.found <= last.found => {}
            Some(last) if point.rate == last.rate => *last = point,
            _ if point.rate <= MAX_RATE_PER_HOUR => kept.push(point),
            _ => break,
        }
    }
    kept
}

/// Area under the labels' mean less its weighed spread, over the rate; a staircase.
fn area(curves: &[Vec<Point>], instability: f64) -> f64 {
    let mut rates: Vec<f64> = curves.iter().flatten().map(|point| point.rate).collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    rates.push(MAX_RATE_PER_HOUR);
    let height = |rate: f64| {
        let found = |curve: &Vec<Point>| {
            let reached = curve.partition_point(|point| point.rate <= rate);
            reached.checked_sub(1).map_or(0.0, |last| curve[last].found)
        };
        let found: Vec<f64> = curves.iter().map(found).collect();
        let count = found.len() as f64;
        let mean = found.iter().sum::<f64>() / count;
        let variance = found.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / count;
        (mean - instability * variance.sqrt()).max(0.0)
    };
    rates.windows(2).map(|step| height(step[0]) * (step[1] - step[0])).sum()
}
