//! The pictures of a report, from its figures. Drawn for the page and for the files beside it.

use crate::evaluation::EvaluationReport;
use crate::evaluation::{CalibrationFigures, CurveFigures};
use crate::plots::{
    ClassSeries, Picture, PlotError, RateCurve, ReliabilityBin, Sheet, TrainingLog,
    draw_class_bars, draw_confusion, draw_curves, draw_histogram, draw_precision_recall,
    draw_reliability, draw_roc,
};

/// A picture and the name of its files.
pub(super) struct Figure {
    /// Name of its files, without an ending.
    pub stem: &'static str,
    /// The drawing.
    pub picture: Picture,
}

/// Every picture that the figures give, in the order of the page.
pub(super) fn draw_all(
    report: &EvaluationReport,
    log: Option<&TrainingLog>,
) -> Result<Vec<Figure>, PlotError> {
    let figures = &report.classification;
    let labels: Vec<&str> = figures.classes.iter().map(|class| class.label.as_str()).collect();
    let mut drawn = Vec::new();
    let mut add = |stem, picture| drawn.push(Figure { stem, picture });
    if let Some(log) = log {
        let sheet = Sheet::titled("Learning curves");
        add("learning-curves", draw_curves(std::slice::from_ref(log), &sheet)?);
    }
    let title = Sheet::titled(format!("Confusion of clips, {}", report.dataset));
    add("confusion", draw_confusion(&labels, &figures.confusion, &title)?);
    let series = |name: &str, value: fn(&crate::evaluation::ClassFigures) -> Option<f64>| {
        ClassSeries { name: name.to_owned(), values: figures.classes.iter().map(value).collect() }
    };
    let by_class = [
        series("precision", |class| class.precision),
        series("recall", |class| class.recall),
        series("F1", |class| class.f1),
    ];
    add("classes", draw_class_bars(&labels, &by_class, &Sheet::titled("Classes, by clip"))?);
    let (classes, average) = roc(&report.curves);
    if !classes.is_empty() {
        add(
            "roc",
            draw_roc(&classes, &average, &Sheet::titled("ROC, each class against the rest"))?,
        );
    }
    let (classes, average) = precision_recall(&report.curves);
    if !classes.is_empty() {
        let sheet = Sheet::titled("Precision and recall, each class against the rest");
        add("precision-recall", draw_precision_recall(&classes, &average, &sheet)?);
    }
    let best = &report.calibration.best_label;
    if best.forecasts > 0 {
        let sheet = Sheet::titled("Calibration of each window's best label");
        let error = Some(best.expected_calibration_error);
        add("calibration", draw_reliability(&bins(best), error, &sheet)?);
    }
    if let Some(delay) = report.streaming.as_ref().and_then(|it| it.events_within.delay.as_ref()) {
        let sheet = Sheet::titled("From the true start of a sound to its event");
        add("detection-delay", draw_histogram(&delay.delays_s, "detection delay (s)", &sheet)?);
    }
    Ok(drawn)
}

fn roc(curves: &CurveFigures) -> (Vec<RateCurve>, Vec<RateCurve>) {
    let drawn = |label: &str, curve: &crate::evaluation::RocCurve| RateCurve {
        label: label.to_owned(),
        area: Some(curve.auc),
        points: curve
            .points
            .iter()
            .map(|point| (point.false_positive_rate, point.true_positive_rate))
            .collect(),
    };
    let classes = curves.classes.iter();
    (
        classes.filter_map(|class| Some(drawn(&class.label, class.roc.as_ref()?))).collect(),
        curves.micro_roc.iter().map(|curve| drawn("all classes in one", curve)).collect(),
    )
}

fn precision_recall(curves: &CurveFigures) -> (Vec<RateCurve>, Vec<RateCurve>) {
    let drawn = |label: &str, curve: &crate::evaluation::PrecisionRecallCurve| RateCurve {
        label: label.to_owned(),
        area: Some(curve.average_precision),
        // a staircase: each precision holds back to the recall of the point before
        points: std::iter::once((0.0, curve.points.first().map_or(1.0, |first| first.precision)))
            .chain(
                curve
                    .points
                    .iter()
                    .scan(0.0, |before, point| {
                        let from = std::mem::replace(before, point.recall);
                        Some([(from, point.precision), (point.recall, point.precision)])
                    })
                    .flatten(),
            )
            .collect(),
    };
    let classes = curves.classes.iter();
    (
        classes
            .filter_map(|class| Some(drawn(&class.label, class.precision_recall.as_ref()?)))
            .collect(),
        curves
            .micro_precision_recall
            .iter()
            .map(|curve| drawn("all classes in one", curve))
            .collect(),
    )
}

fn bins(figures: &CalibrationFigures) -> Vec<ReliabilityBin> {
    figures
        .bins
        .iter()
        .map(|bin| ReliabilityBin {
            from: bin.from,
            to: bin.to,
            confidence: bin.mean_score.unwrap_or(0.0),
            accuracy: bin.share_true.unwrap_or(0.0),
            count: bin.forecasts,
        })
        .collect()
}
