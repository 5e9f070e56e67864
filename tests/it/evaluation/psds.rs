//! PSDS against cases worked out by hand, and against its definition, threshold by threshold.

use proptest::prelude::*;
use tympan::domain::SampleIndex;
use tympan::evaluation::streaming::{PsdsSpec, ScoreTable, TrueEvent, psds};

use super::rate;

/// Label, start and end in seconds; or, while it is drawn, pause and length.
type Event = (usize, u64, u64);

/// A row every ten seconds, an hour long; rows list the score of each label.
fn table(rows: &[&[f32]], truth: &[Event]) -> ScoreTable {
    let at = |seconds: u64| SampleIndex(seconds * 8_000);
    let event = |&(label, start, end): &Event| TrueEvent {
        label,
        start_sample: at(start),
        end_sample: at(end),
        snr_db: 10.0,
    };
    ScoreTable {
        sample_rate: rate(8_000),
        boundaries: (0..=rows.len() as u64).map(|row| at(row * 10)).collect(),
        rows: rows.iter().map(|row| row.to_vec()).collect(),
        truth: truth.iter().map(event).collect(),
        samples: 3600 * 8_000,
    }
}

fn scores(table: ScoreTable) -> (f64, f64) {
    let of = |spec| psds(spec, std::slice::from_ref(&table)).unwrap();
    (of(PsdsSpec::SCENARIO_1), of(PsdsSpec::SCENARIO_2))
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found} {expected}");
}

#[test]
fn events_that_score_above_all_else_are_worth_one() {
    let rows: [&[f32]; 5] = [&[0.1, 0.0], &[0.9, 0.0], &[0.0, 0.0], &[0.5, 0.8], &[0.0, 0.3]];
    let (first, second) = scores(table(&rows, &[(0, 10, 20), (1, 30, 40)]));
    near(first, 1.0);
    near(second, 1.0);
}

#[test]
fn a_false_detection_that_scores_higher_costs_its_rate_and_a_cross_trigger_more() {
    // the second label is found at one false detection an hour, which lies in the first label's 100 s
    let mut rows: Vec<&[f32]> = vec![&[0.8, 0.0]; 10];
    rows[1] = &[0.8, 0.9];
    rows.extend::<[&[f32]; 3]>([&[0.0, 0.0], &[0.0, 0.8], &[0.0, 0.0]]);
    let (first, second) = scores(table(&rows, &[(0, 0, 100), (1, 110, 120)]));
    // until then one label is found and the other is not: ½ less a spread of ½
    near(first, 0.99);
    // half of 1 in 100 s, 18 an hour, on top of 1
    near(second, 0.81);
}

#[test]
fn a_detection_counts_from_its_share_within_the_truth_and_an_event_from_its_share_covered() {
    let rows: [&[f32]; 2] = [&[0.9], &[0.0]];
    // seven of ten seconds are within: enough; and they are all of the event
    near(scores(table(&rows, &[(0, 3, 10)])).0, 1.0);
    near(scores(table(&rows, &[(0, 4, 10)])).0, 0.0);
    // all of the detection is within, but of the event seven and six tenths are covered
    near(psds(PsdsSpec::SCENARIO_1, &[table(&rows[..1], &[(0, 3, 13)])]).unwrap(), 1.0);
    near(psds(PsdsSpec::SCENARIO_1, &[table(&rows[..1], &[(0, 0, 15)])]).unwrap(), 0.0);
    near(scores(table(&rows, &[(0, 0, 15)])).1, 1.0);
}

#[test]
fn equal_scores_come_at_one_threshold_and_join_what_is_between() {
    // the three rows are one detection of 30 s, a third of it true
    let rows: [&[f32]; 3] = [&[0.5], &[0.5], &[0.5]];
    let (first, second) = scores(table(&rows, &[(0, 10, 20)]));
    near(first, 0.0);
    near(second, 1.0);
}

#[test]
fn without_true_events_there_is_no_score() {
    assert_eq!(psds(PsdsSpec::SCENARIO_1, &[table(&[&[0.5]], &[])]), None);
    assert_eq!(psds(PsdsSpec::SCENARIO_1, &[]), None);
}

/// Every threshold from scratch, and every rate from all thresholds.
fn by_definition(spec: PsdsSpec, tables: &[ScoreTable], labels: usize) -> f64 {
    let length = |event: &TrueEvent| (event.end_sample.0 - event.start_sample.0) as f64;
    let overlap = |from: u64, to: u64, event: &TrueEvent| {
        event.end_sample.0.min(to).saturating_sub(event.start_sample.0.max(from)) as f64
    };
    let of_label =
        |label: usize| tables.iter().flat_map(|it| &it.truth).filter(move |it| it.label == label);
    let present: Vec<usize> = (0..labels).filter(|&label| of_label(label).count() > 0).collect();
    let seconds: f64 = tables.iter().map(|it| it.samples as f64 / 8_000.0).sum();
    let total = |label: usize| of_label(label).map(length).sum::<f64>() / 8_000.0;
    let mut curves = Vec::new();
    for &label in &present {
        let mut points = vec![(0.0, 0.0)];
        let mut thresholds: Vec<f32> =
            tables.iter().flat_map(|it| &it.rows).map(|row| row[label]).collect();
        thresholds.sort_by(f32::total_cmp);
        thresholds.dedup();
        for threshold in thresholds {
            let (mut found, mut false_positives, mut crossing) = (0.0, 0.0, 0.0);
            for table in tables {
                let active: Vec<bool> =
                    table.rows.iter().map(|row| row[label] >= threshold).collect();
                let mut covered = vec![0.0; table.truth.len()];
                let mut row = 0;
                while row < active.len() {
                    if !active[row] {
                        row += 1;
                        continue;
                    }
                    let first = row;
                    while row < active.len() && active[row] {
                        row += 1;
                    }
                    let (from, to) = (table.boundaries[first].0, table.boundaries[row].0);
                    let within = |label: usize| -> f64 {
                        let own = table.truth.iter().filter(|it| it.label == label);
                        own.map(|it| overlap(from, to, it)).sum()
                    };
                    let samples = (to - from) as f64;
                    if within(label) >= spec.detection_tolerance * samples - 1e-3 {
                        for (covered, event) in covered.iter_mut().zip(&table.truth) {
                            *covered += overlap(from, to, event);
                        }
                    } else {
                        false_positives += 1.0;
                        for &other in present.iter().filter(|it| **it != label) {
                            if let Some(it) = spec.cross_triggers
                                && within(other) >= it.tolerance * samples - 1e-3
                            {
                                crossing += it.weight / total(other) / (present.len() - 1) as f64;
                            }
                        }
                    }
                }
                let truth = table.truth.iter().zip(&covered);
                let reached = |it: &(&TrueEvent, &f64)| {
                    it.0.label == label && *it.1 >= spec.truth_intersection * length(it.0) - 1e-3
                };
                found += truth.filter(reached).count() as f64;
            }
            let rate = (false_positives / seconds + crossing) * 3600.0;
            points.push((rate, found / of_label(label).count() as f64));
        }
        curves.push(points);
    }
    let mut rates: Vec<f64> =
        curves.iter().flatten().map(|it| it.0).filter(|it| *it <= 100.0).collect();
    rates.push(100.0);
    rates.sort_by(f64::total_cmp);
    let height = |rate: f64| {
        let best = |points: &Vec<(f64, f64)>| {
            points.iter().filter(|it| it.0 <= rate + 1e-9).map(|it| it.1).fold(0.0, f64::max)
        };
        let found: Vec<f64> = curves.iter().map(best).collect();
        let mean = found.iter().sum::<f64>() / found.len() as f64;
        let variance = found.iter().map(|it| (it - mean) * (it - mean)).sum::<f64>();
        (mean - spec.instability * (variance / found.len() as f64).sqrt()).max(0.0)
    };
    rates.windows(2).map(|step| height(step[0]) * (step[1] - step[0])).sum::<f64>() / 100.0
}

proptest! {
    #[test]
    fn every_threshold_counts_as_its_definition_says(
        scenes in prop::collection::vec(
            (
                prop::collection::vec(prop::collection::vec(0u8..6, 3), 1..12),
                prop::collection::vec((0usize..3, 1u64..9, 1u64..40), 0..5),
            ),
            1..3,
        ),
    ) {
        let scene = |(rows, events): &(Vec<Vec<u8>>, Vec<Event>)| {
            let rows: Vec<Vec<f32>> = rows
                .iter()
                .map(|row| row.iter().map(|score| f32::from(*score) / 8.0).collect())
                .collect();
            let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            // one after the other, as in a scene
            let mut end = 0;
            let truth: Vec<Event> = events
                .iter()
                .map(|&(label, pause, length)| {
                    let start = end + pause;
                    end = start + length;
                    (label, start, end)
                })
                .collect();
            table(&rows, &truth)
        };
        let tables: Vec<ScoreTable> = scenes.iter().map(scene).collect();
        for spec in [PsdsSpec::SCENARIO_1, PsdsSpec::SCENARIO_2] {
            match psds(spec, &tables) {
                Some(found) => prop_assert!((found - by_definition(spec, &tables, 3)).abs() < 1e-9),
                None => prop_assert!(tables.iter().all(|table| table.truth.is_empty())),
            }
        }
    }
}
