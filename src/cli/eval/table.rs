//! The figures as text for a terminal.

use std::fmt::Write as _;

use crate::evaluation::streaming::{EventCollar, FalseAlarmFigures, SweepPoint};
use crate::evaluation::{EvaluationReport, OpenSetReport, StreamingReport, UnlabelledReport};

/// What stands where there is no figure.
const ABSENT: &str = "none";

/// Rows of a sweep that are shown.
const SWEEP_ROWS: usize = 10;

/// False alarms an hour that somebody may want to bear.
const FEW_ALARMS: f64 = 1.0;

/// Characters in a line of a terminal.
const COLUMNS: usize = 80;

/// Warnings, totals, streaming figures, then a line a class.
pub(super) fn text(report: &EvaluationReport) -> String {
    let figures = &report.classification;
    let mut text = String::new();
    for warning in report.warnings() {
        let _ = writeln!(text, "{warning}");
    }
    let _ = writeln!(
        text,
        "{}\n\
         clip accuracy {}, among the best three {}, window accuracy {}\n\
         macro precision {}, recall {}, F1 {}\n\
         mean average precision {}, macro AUC {}\n\
         calibration error of the best label {}",
        wrapped(&format!(
            "{} on {}, {}: {} clips, {} windows",
            report.model, report.dataset, report.measured_on, figures.clips, figures.windows
        )),
        percent(Some(figures.clip_accuracy)),
        percent(Some(figures.clip_top3_accuracy)),
        percent(Some(figures.window_accuracy)),
        percent(Some(figures.macro_precision)),
        percent(Some(figures.macro_recall)),
        percent(Some(figures.macro_f1)),
        percent(report.curves.macro_average_precision),
        percent(report.curves.macro_auc),
        percent(Some(report.calibration.best_label.expected_calibration_error)),
    );
    if let Some(streaming) = &report.streaming {
        streaming_text(streaming, &mut text);
    }
    if let Some(unlabelled) = &report.unlabelled {
        unlabelled_text(unlabelled, &mut text);
    }
    if let Some(open_set) = &report.open_set {
        open_set_text(open_set, &mut text);
    }
    let _ = writeln!(
        text,
        "\n{:<20} {:>9} {:>7} {:>7} {:>7} {:>8}",
        "label", "precision", "recall", "F1", "AUC", "support"
    );
    for (class, curves) in figures.classes.iter().zip(&report.curves.classes) {
        let _ = writeln!(
            text,
            "{:<20} {:>9} {:>7} {:>7} {:>7} {:>8}",
            class.label,
            cell(class.precision),
            cell(class.recall),
            cell(class.f1),
            cell(curves.roc.as_ref().map(|roc| roc.auc)),
            class.support
        );
    }
    text
}

fn streaming_text(streaming: &StreamingReport, text: &mut String) {
    let _ = writeln!(text, "\n{}", wrapped(&streaming.conditions));
    let rows =
        [("start within 1 s", &streaming.events), ("start within event", &streaming.events_within)];
    for (rule, events) in rows {
        let delay = events.delay.as_ref();
        let _ = writeln!(
            text,
            "{rule:<20} {} events: precision {}, recall {}, F1 {}\n{:<20} delay median {}, 90 % within {}",
            events.events,
            percent(events.precision),
            percent(events.recall),
            percent(events.f1),
            "",
            seconds(delay.map(|delay| delay.median_s)),
            seconds(delay.map(|delay| delay.p90_s)),
        );
    }
    let _ = writeln!(
        text,
        "\n{:<36} {:>8} {:>8} {:>9} {:>7}",
        "event F1, one to one", "micro F1", "macro F1", "precision", "recall"
    );
    for scores in &streaming.event_scores {
        let _ = writeln!(
            text,
            "{:<36} {:>8} {:>8} {:>9} {:>7}",
            collar_text(&scores.collar),
            cell(scores.micro_f1),
            cell(scores.macro_f1),
            cell(scores.precision),
            cell(scores.recall)
        );
    }
    let _ = writeln!(
        text,
        "PSDS scenario 1 (when) {}, scenario 2 (what) {}",
        decimals(streaming.psds_1),
        decimals(streaming.psds_2)
    );
    let alarms = &streaming.false_alarms;
    let _ = writeln!(
        text,
        "\n{}",
        wrapped(&format!(
            "{} false alarms in {:.0} min, {} an hour, at most {} with 95 % confidence{}",
            alarms.alarms,
            alarms.seconds / 60.0,
            an_hour(alarms.per_hour),
            an_hour(alarms.upper_per_hour),
            labels_text(alarms)
        ))
    );
    let _ = writeln!(
        text,
        "\n{:<20} {:>7} {:>12} {:>9} {:>17}",
        "alarms/h allowed", "recall", "found alarms", "an hour", "thresholds' odds"
    );
    for point in &streaming.operating_points {
        let _ = writeln!(
            text,
            "{:<20} {:>7} {:>12} {:>9} {:>17}",
            point.allowed_per_hour,
            cell(point.recall),
            point.alarms.map_or_else(|| ABSENT.to_owned(), |it| it.to_string()),
            an_hour(point.per_hour),
            point.threshold_odds.map_or_else(|| ABSENT.to_owned(), |it| format!("x {it:.2}"))
        );
    }
    sweep_text(&streaming.sweep, text);
}

/// The settings that no others beat in both recall and false alarms, and which of them to choose.
fn sweep_text(points: &[SweepPoint], text: &mut String) {
    if points.is_empty() {
        return;
    }
    let chosen = chosen_points(points);
    let _ = writeln!(
        text,
        "\n{:>8} {:>10} {:>6} {:>7} {:>9} {:>7} {:>7} {:>9}",
        "confirm", "smoothing", "scale", "recall", "precision", "F1", "delay", "alarms/h"
    );
    for (point, remark) in &chosen {
        let _ = writeln!(
            text,
            "{:>8} {:>7} ms {:>6.2} {:>7} {:>9} {:>7} {:>7} {:>9}{remark}",
            format!("{} of {}", point.confirm_windows, point.confirm_of),
            point.smoothing_ms,
            point.threshold_scale,
            cell(point.recall),
            cell(point.precision),
            cell(point.f1),
            seconds(point.median_delay_s),
            an_hour(point.false_alarms_per_hour),
        );
    }
    let words = format!(
        "Of {} settings, these {} have the most recall for their false alarms; --json has all. Write `confirm` and \
         `smoothing_ms` below [detector] in the configuration; `scale` is what the thresholds in model.toml are multiplied \
         with.",
        points.len(),
        chosen.len()
    );
    let _ = writeln!(text, "{}", wrapped(&words));
}

/// The points to choose from, the fewest false alarms first, each with what speaks for it.
fn chosen_points(points: &[SweepPoint]) -> Vec<(&SweepPoint, &'static str)> {
    let alarms = |point: &SweepPoint| point.false_alarms_per_hour.unwrap_or(0.0);
    let recall = |point: &SweepPoint| point.recall.unwrap_or(0.0);
    let f1 = |point: &SweepPoint| point.f1.unwrap_or(0.0);
    let best_f1 = points.iter().max_by(|one, other| f1(one).total_cmp(&f1(other)));
    let quiet = points.iter().filter(|point| alarms(point) <= FEW_ALARMS);
    let best_quiet = quiet.max_by(|one, other| {
        recall(one).total_cmp(&recall(other)).then(f1(one).total_cmp(&f1(other)))
    });
    let mut by_alarms: Vec<&SweepPoint> = points.iter().collect();
    by_alarms.sort_by(|one, other| {
        alarms(one).total_cmp(&alarms(other)).then(recall(other).total_cmp(&recall(one)))
    });
    let mut front: Vec<&SweepPoint> = Vec::new();
    for point in by_alarms {
        let is_marked =
            [best_f1, best_quiet].into_iter().flatten().any(|it| std::ptr::eq(it, point));
        if is_marked || front.last().is_none_or(|last| recall(point) > recall(last)) {
            front.push(point);
        }
    }
    let remark = |point: &SweepPoint| {
        let is = |best: Option<&SweepPoint>| best.is_some_and(|best| std::ptr::eq(best, point));
        match (is(best_f1), is(best_quiet)) {
            (true, true) => "  best F1, at most 1 alarm/h",
            (true, false) => "  best F1",
            (false, true) => "  at most 1 alarm/h",
            (false, false) => "",
        }
    };
    let marked: Vec<_> = front.iter().map(|&point| (point, remark(point))).collect();
    let plain = marked.iter().filter(|(_, remark)| remark.is_empty()).count();
    let room = SWEEP_ROWS.saturating_sub(marked.len() - plain);
    // of those without a mark as many as have room, evenly from the quietest to the loudest
    let mut seen = 0;
    let has_room = |seen: usize| (seen + 1) * room / plain.max(1) > seen * room / plain.max(1);
    let shown = marked.into_iter().filter(|(_, remark)| {
        let is_shown = !remark.is_empty() || has_room(seen) || plain <= room;
        seen += usize::from(remark.is_empty());
        is_shown
    });
    shown.collect()
}

/// A row a kind, and the labels that were detected most.
fn unlabelled_text(unlabelled: &UnlabelledReport, text: &mut String) {
    let _ = writeln!(
        text,
        "\n{:<20} {:>10} {:>7} {:>6} {:>7} {:>8} {:>8}",
        "no label in it", "recordings", "sources", "hours", "alarms", "an hour", "at most"
    );
    for it in unlabelled.kinds.iter().chain([&unlabelled.all]) {
        let _ = writeln!(
            text,
            "{:<20} {:>10} {:>7} {:>6.2} {:>7} {:>8} {:>8}",
            it.kind,
            it.recordings,
            it.sources,
            it.alarms.seconds / 3600.0,
            it.alarms.alarms,
            an_hour(it.alarms.per_hour),
            an_hour(it.alarms.upper_per_hour)
        );
    }
    let _ = writeln!(
        text,
        "{}",
        wrapped(&format!(
            "Each recording as it is; at most: with 95 % confidence{}",
            labels_text(&unlabelled.all.alarms)
        ))
    );
}

fn open_set_text(open_set: &OpenSetReport, text: &mut String) {
    let _ = writeln!(
        text,
        "\n{:<24} {:>10} {:>7} {:>6} {:>6} {:>6} {:>10}",
        "kinds without a label", "recordings", "windows", "AUROC", "FPR95", "OSCR", "with event"
    );
    let sides = [("seen in training", &open_set.seen), ("never seen", &open_set.unseen)];
    for (name, figures) in sides {
        let Some(figures) = figures else { continue };
        let _ = writeln!(
            text,
            "{name:<24} {:>10} {:>7} {:>6} {:>6} {:>6} {:>10}",
            figures.recordings,
            figures.windows,
            cell(figures.auroc),
            cell(figures.fpr95),
            cell(figures.oscr),
            percent(figures.event_share)
        );
    }
    let _ = writeln!(text, "against {} windows of known kinds", open_set.known_windows);
}

fn collar_text(collar: &EventCollar) -> String {
    let onset = format!("onset within {} s", collar.onset.as_secs_f64());
    match collar.offset_share {
        None => onset,
        Some(share) => format!("{onset}, offset {:.0} %", share * 100.0),
    }
}

/// `: coughing 3, laughing 1`; empty without an alarm.
fn labels_text(alarms: &FalseAlarmFigures) -> String {
    let labels = alarms.by_label.iter().map(|it| format!("{} {}", it.label, it.alarms));
    let labels = labels.collect::<Vec<_>>().join(", ");
    if labels.is_empty() { labels } else { format!(": {labels}") }
}

/// The text in lines that fit a terminal.
fn wrapped(text: &str) -> String {
    let (mut lines, mut width) = (String::new(), 0);
    for word in text.split(' ') {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > COLUMNS {
            lines.push('\n');
            width = 0;
        } else if width > 0 {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += length;
    }
    lines
}

/// As many digits as such a count has meaning in.
fn an_hour(rate: Option<f64>) -> String {
    let digits = match rate {
        Some(10.0..) => 0,
        Some(1.0..) => 1,
        _ => 2,
    };
    rate.map_or_else(|| ABSENT.to_owned(), |rate| format!("{rate:.digits$}"))
}

fn decimals(value: Option<f64>) -> String {
    value.map_or_else(|| ABSENT.to_owned(), |value| format!("{value:.2}"))
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| ABSENT.to_owned(), |share| format!("{:.1} %", share * 100.0))
}

fn cell(share: Option<f64>) -> String {
    share.map_or_else(|| ABSENT.to_owned(), |share| format!("{:.1}", share * 100.0))
}

fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| ABSENT.to_owned(), |value| format!("{value:.2} s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(recall: f64, f1: f64, alarms: f64) -> SweepPoint {
        SweepPoint {
            threshold_scale: 1.0,
            smoothing_ms: 150,
            confirm_windows: 2,
            confirm_of: 3,
            recall: Some(recall),
            precision: Some(0.5),
            f1: Some(f1),
            median_delay_s: None,
            false_alarms_per_hour: Some(alarms),
        }
    }

    #[test]
    fn a_sweep_shows_what_nothing_beats_and_marks_what_to_choose() {
        let mut points = vec![point(0.1, 0.2, 0.0), point(0.3, 0.4, 0.5), point(0.2, 0.3, 0.7)];
        points.extend(
            (0..40).map(|step| point(0.4 + 0.01 * f64::from(step), 0.5, f64::from(2 + step))),
        );
        points.push(point(0.5, 0.9, 60.0));
        let chosen = chosen_points(&points);
        assert!(chosen.len() <= SWEEP_ROWS, "{}", chosen.len());
        let remarks: Vec<&str> = chosen.iter().map(|it| it.1).filter(|it| !it.is_empty()).collect();
        assert_eq!(remarks, ["  at most 1 alarm/h", "  best F1"]);
        assert!(!chosen.iter().any(|it| it.0.recall == Some(0.2)), "it is beaten");
        let rates = [0.0, 0.34, 2.55, 272.73].map(|rate| an_hour(Some(rate)));
        assert_eq!(rates, ["0.00", "0.34", "2.5", "273"]);
        assert_eq!(an_hour(None), "none");
    }
}
