//! The figures as text for a terminal.

use std::fmt::Write as _;

use crate::evaluation::{EvaluationReport, StreamingReport};

/// Warnings, totals, streaming figures, then a line a class.
pub(super) fn text(report: &EvaluationReport) -> String {
    let figures = &report.classification;
    let mut text = String::new();
    for warning in report.warnings() {
        let _ = writeln!(text, "{warning}");
    }
    let _ = writeln!(
        text,
        "{} on {}, {}: {} clips, {} windows\n\
         clip accuracy {}, among the best three {}, window accuracy {}\n\
         macro precision {}, recall {}, F1 {}; mean average precision {}, macro AUC {}\n\
         calibration error of the best label {}",
        report.model,
        report.dataset,
        report.measured_on,
        figures.clips,
        figures.windows,
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
    let _ = writeln!(text, "\n{}", streaming.conditions);
    let rows =
        [("start within 1 s", &streaming.events), ("start within event", &streaming.events_within)];
    for (rule, events) in rows {
        let delay = events.delay.as_ref();
        let _ = writeln!(
            text,
            "{rule:<20} {} events: precision {}, recall {}, F1 {}; delay median {}, 90 % within {}",
            events.events,
            percent(events.precision),
            percent(events.recall),
            percent(events.f1),
            seconds(delay.map(|delay| delay.median_s)),
            seconds(delay.map(|delay| delay.p90_s)),
        );
    }
    let alarms = &streaming.false_alarms;
    let by_label: Vec<String> =
        alarms.by_label.iter().map(|it| format!("{} {}", it.label, it.alarms)).collect();
    let _ = writeln!(
        text,
        "{} false alarms in {:.0} min, {} an hour{}{}",
        alarms.alarms,
        alarms.seconds / 60.0,
        alarms.per_hour.map_or_else(|| "-".to_owned(), |it| format!("{it:.2}")),
        if by_label.is_empty() { "" } else { ": " },
        by_label.join(", ")
    );
    if !streaming.sweep.is_empty() {
        let _ = writeln!(
            text,
            "\n{:>8} {:>10} {:>6} {:>7} {:>9} {:>7} {:>7} {:>9}",
            "confirm", "smoothing", "scale", "recall", "precision", "F1", "delay", "alarms/h"
        );
    }
    for point in &streaming.sweep {
        let _ = writeln!(
            text,
            "{:>8} {:>7} ms {:>6.2} {:>7} {:>9} {:>7} {:>7} {:>9}",
            format!("{} of {}", point.confirm_windows, point.confirm_of),
            point.smoothing_ms,
            point.threshold_scale,
            cell(point.recall),
            cell(point.precision),
            cell(point.f1),
            seconds(point.median_delay_s),
            point.false_alarms_per_hour.map_or_else(|| "-".to_owned(), |it| format!("{it:.2}")),
        );
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

fn cell(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1}", share * 100.0))
}

fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2} s"))
}
