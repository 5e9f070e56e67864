//! The page: warnings first, then figures and pictures, all in one file that opens anywhere, offline; and the
//! folder that it is written to.

use std::path::{Path, PathBuf};

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::pictures::{Figure, draw_all};
use crate::evaluation::streaming::{FalseAlarmFigures, StreamingFigures};
use crate::evaluation::{EvaluationReport, OpenSetReport, StreamingReport, UnlabelledReport};
use crate::files::{self, Durability};
use crate::plots::{PlotError, TrainingLog};

/// A report that cannot be made or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A picture cannot be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// The figures cannot be written as JSON.
    #[error("the figures cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A file cannot be written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}

const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}\
h1,h2{line-height:1.2}table{border-collapse:collapse;margin:1rem 0}th,td{padding:.2rem .7rem;text-align:right;\
border-bottom:1px solid #ddd}th:first-child,td:first-child{text-align:left}\
.warning{background:#b00020;color:#fff;font-weight:bold;padding:.6rem 1rem}.figure svg{max-width:100%;height:auto}\
.note{color:#555}";

/// As many as one looks at; a bad model makes thousands.
const MAX_MISTAKES: usize = 50;

/// The page's text.
pub(super) fn page(report: &EvaluationReport, figures: &[Figure]) -> Result<String, ReportError> {
    let mut pictures = Vec::with_capacity(figures.len());
    for figure in figures {
        pictures.push((figure.stem, figure.picture.svg()?));
    }
    let title = format!("{} on {}", report.model, report.dataset);
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { (title) } style { (PreEscaped(STYLE)) } }
            body {
                @for warning in report.warnings() { p.warning { (warning) } }
                h1 { (title) }
                p { "Measured on " (report.measured_on) "." }
                @if !report.cleaning.is_empty() { p { "Before that, each recording was " (report.cleaning) "." } }
                (overview(report))
                @if let Some(streaming) = &report.streaming { (streaming_part(streaming)) }
                @if let Some(unlabelled) = &report.unlabelled { (unlabelled_part(unlabelled)) }
                @if let Some(open_set) = &report.open_set { (open_set_part(open_set)) }
                h2 { "Pictures" }
                @for (stem, picture) in &pictures {
                    // drawn by this program, with every label escaped
                    div.figure id=(stem) { (PreEscaped(picture)) }
                }
                h2 { "Classes" }
                (classes(report))
                @if !report.mistakes.is_empty() { (mistakes(report)) }
            }
        }
    }
    .into_string())
}

fn overview(report: &EvaluationReport) -> Markup {
    let figures = &report.classification;
    let calibration = &report.calibration;
    html! {
        table {
            tr { td { "Clips" } td { (figures.clips) } }
            tr { td { "Clip accuracy" } td { (percent(figures.clip_accuracy)) } }
            tr { td { "Right label among the best three" } td { (percent(figures.clip_top3_accuracy)) } }
            tr { td { "Windows" } td { (figures.windows) } }
            tr { td { "Window accuracy" } td { (percent(figures.window_accuracy)) } }
            tr { td { "Macro precision" } td { (percent(figures.macro_precision)) } }
            tr { td { "Macro recall" } td { (percent(figures.macro_recall)) } }
            tr { td { "Macro F1" } td { (percent(figures.macro_f1)) } }
            tr { td { "Macro AUC" } td { (share(report.curves.macro_auc)) } }
            tr { td { "Mean average precision" } td { (share(report.curves.macro_average_precision)) } }
            tr { td { "Calibration error of the best label" }
                 td { (percent(calibration.best_label.expected_calibration_error)) } }
            tr { td { "Brier score, all labels" } td { (decimals(Some(calibration.every_label.brier))) } }
        }
        p.note {
            "A clip's prediction is the label with the highest mean score over the windows that carry its sound: those \
             within 10 dB of its loudest and not below −70 dBFS."
        }
    }
}

fn streaming_part(streaming: &StreamingReport) -> Markup {
    let alarms = &streaming.false_alarms;
    html! {
        h2 { "As the daemon detects it" }
        p { (streaming.conditions) }
        table {
            tr { th { "A start counts" } th { "events" } th { "precision" } th { "recall" } th { "F1" }
                 th { "median delay" } th { "90 % within" } }
            (event_row("within the tolerance", &streaming.events))
            (event_row("anywhere within the event", &streaming.events_within))
        }
        table {
            tr { th { "Event-based F-score, one to one" } th { "micro F1" } th { "macro F1" } th { "precision" }
                 th { "recall" } }
            @for scores in &streaming.event_scores {
                tr {
                    td { "onset within " (scores.collar.onset.as_secs_f64()) " s"
                         @if let Some(share) = scores.collar.offset_share { ", offset within " (percent(share)) } }
                    td { (share(scores.micro_f1)) }
                    td { (share(scores.macro_f1)) }
                    td { (share(scores.precision)) }
                    td { (share(scores.recall)) }
                }
            }
        }
        p { "PSDS: scenario 1 (when) " (decimals(streaming.psds_1)) ", scenario 2 (what) " (decimals(streaming.psds_2)) "." }
        p {
            (alarms.alarms) " false alarms in " (format!("{:.0}", alarms.seconds / 60.0)) " minutes of sound that holds \
             no class: " (decimals(alarms.per_hour)) " an hour, at most " (decimals(alarms.upper_per_hour))
            " with 95 % confidence." (alarmed_labels(alarms))
        }
        table {
            tr { th { "False alarms an hour allowed" } th { "recall" } th { "false alarms" } th { "an hour" }
                 th { "odds of the thresholds ×" } }
            @for point in &streaming.operating_points {
                tr {
                    td { (point.allowed_per_hour) }
                    td { (share(point.recall)) }
                    td { (point.alarms.map_or_else(|| "none".to_owned(), |it| it.to_string())) }
                    td { (decimals(point.per_hour)) }
                    td { (decimals(point.threshold_odds)) }
                }
            }
        }
        @if !streaming.events.substitutions.is_empty() {
            p { "Most often taken for something else: "
                (streaming.events_within.substitutions.iter().take(8)
                    .map(|it| format!("{} for {} ({})", it.detected, it.truth, it.events)).collect::<Vec<_>>().join(", "))
                "." }
        }
        @if !streaming.sweep.is_empty() {
            h3 { "The same sound under other settings" }
            table {
                tr { th { "confirm" } th { "smoothing" } th { "thresholds ×" } th { "recall" } th { "precision" }
                     th { "F1" } th { "median delay" } th { "false alarms an hour" } }
                @for point in &streaming.sweep {
                    tr {
                        td { (point.confirm_windows) " of " (point.confirm_of) }
                        td { (point.smoothing_ms) " ms" }
                        td { (format!("{:.2}", point.threshold_scale)) }
                        td { (share(point.recall)) }
                        td { (share(point.precision)) }
                        td { (share(point.f1)) }
                        td { (seconds(point.median_delay_s)) }
                        td { (decimals(point.false_alarms_per_hour)) }
                    }
                }
            }
        }
    }
}

fn alarmed_labels(alarms: &FalseAlarmFigures) -> String {
    let labels: Vec<String> =
        alarms.by_label.iter().map(|it| format!("{} ({})", it.label, it.alarms)).collect();
    if labels.is_empty() { String::new() } else { format!(" They detected {}.", labels.join(", ")) }
}

fn unlabelled_part(unlabelled: &UnlabelledReport) -> Markup {
    html! {
        h2 { "Sound without a label" }
        p.note { "Each recording as it is. At most: the rate that is not exceeded with a confidence of 95 %." }
        table {
            tr { th { "kind" } th { "recordings" } th { "sources" } th { "hours" } th { "false alarms" } th { "an hour" }
                 th { "at most" } }
            @for it in unlabelled.kinds.iter().chain([&unlabelled.all]) {
                tr {
                    td { (it.kind) }
                    td { (it.recordings) }
                    td { (it.sources) }
                    td { (format!("{:.2}", it.alarms.seconds / 3600.0)) }
                    td { (it.alarms.alarms) }
                    td { (decimals(it.alarms.per_hour)) }
                    td { (decimals(it.alarms.upper_per_hour)) }
                }
            }
        }
        p { (alarmed_labels(&unlabelled.all.alarms)) }
    }
}

fn open_set_part(open_set: &OpenSetReport) -> Markup {
    html! {
        h2 { "Kinds without a label" }
        p.note { "Against " (open_set.known_windows) " windows of known kinds, by the highest score of each window." }
        table {
            tr { th { "kinds" } th { "recordings" } th { "windows" } th { "AUROC" } th { "FPR95" } th { "OSCR" }
                 th { "recordings with an event" } }
            @for (name, figures) in [("seen in training", &open_set.seen), ("never seen", &open_set.unseen)] {
                @if let Some(figures) = figures {
                    tr {
                        td { (name) }
                        td { (figures.recordings) }
                        td { (figures.windows) }
                        td { (share(figures.auroc)) }
                        td { (share(figures.fpr95)) }
                        td { (share(figures.oscr)) }
                        td { (share(figures.event_share)) }
                    }
                }
            }
        }
    }
}

fn event_row(rule: &str, figures: &StreamingFigures) -> Markup {
    html! {
        tr {
            td { (rule) }
            td { (figures.events) }
            td { (share(figures.precision)) }
            td { (share(figures.recall)) }
            td { (share(figures.f1)) }
            td { (seconds(figures.delay.as_ref().map(|delay| delay.median_s))) }
            td { (seconds(figures.delay.as_ref().map(|delay| delay.p90_s))) }
        }
    }
}

fn classes(report: &EvaluationReport) -> Markup {
    let curves = report.curves.classes.iter();
    let rows = report.classification.classes.iter().zip(curves);
    html! {
        table {
            tr { th { "label" } th { "clips" } th { "precision" } th { "recall" } th { "F1" } th { "AUC" }
                 th { "average precision" } }
            @for (class, curve) in rows {
                tr {
                    td { (class.label) }
                    td { (class.support) }
                    td { (share(class.precision)) }
                    td { (share(class.recall)) }
                    td { (share(class.f1)) }
                    td { (share(curve.roc.as_ref().map(|roc| roc.auc))) }
                    td { (share(curve.precision_recall.as_ref().map(|it| it.average_precision))) }
                }
            }
        }
    }
}

/// The surest mistakes: where to listen first, to the model's failures and to the labels' own.
fn mistakes(report: &EvaluationReport) -> Markup {
    let found = &report.mistakes;
    html! {
        h2 { "Surest mistakes" }
        p.note {
            "Clips that were given another label than they have, the highest score first. A sure mistake is often a wrong \
             label."
            @if found.len() > MAX_MISTAKES {
                " The first " (MAX_MISTAKES) " of " (found.len()) "; figures.json has all."
            }
        }
        table {
            tr { th { "recording" } th { "label" } th { "given" } th { "score" } th { "score of its label" } }
            @for mistake in found.iter().take(MAX_MISTAKES) {
                tr {
                    td { (mistake.recording) }
                    td { (mistake.label) }
                    td { (mistake.prediction) }
                    td { (format!("{:.2}", mistake.score)) }
                    td { (format!("{:.2}", mistake.label_score)) }
                }
            }
        }
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn share(share: Option<f64>) -> String {
    share.map_or_else(|| "none".to_owned(), percent)
}

fn decimals(value: Option<f64>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| format!("{value:.3}"))
}

fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| format!("{value:.2} s"))
}

/// Writes `index.html`, which needs no other file, `figures.json`, and each picture as `NAME.svg` and `NAME.png` into
/// `folder`, which is made. `log` is the model's training, where it is known.
///
/// # Errors
/// [`ReportError`] when a picture cannot be drawn or a file not be written.
pub fn write_report(
    folder: &Path,
    report: &EvaluationReport,
    log: Option<&TrainingLog>,
) -> Result<(), ReportError> {
    let figures = draw_all(report, log)?;
    std::fs::create_dir_all(folder)
        .map_err(|source| ReportError::File { path: folder.to_owned(), source })?;
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        files::replace(&path, bytes, Durability::Synced)
            .map_err(|source| ReportError::File { path, source })
    };
    for figure in &figures {
        write(&format!("{}.svg", figure.stem), figure.picture.svg()?.as_bytes())?;
        write(&format!("{}.png", figure.stem), &figure.picture.png()?)?;
    }
    write("figures.json", serde_json::to_string_pretty(report)?.as_bytes())?;
    write("index.html", page(report, &figures)?.as_bytes())
}
