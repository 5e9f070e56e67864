//! Pictures of measurements: confusion, curves over thresholds, calibration, bars, histogram.

use tympan::plots::{
    ClassSeries, PlotError, RateCurve, ReliabilityBin, Sheet, draw_class_bars, draw_confusion,
    draw_histogram, draw_precision_recall, draw_reliability, draw_roc,
};

use super::{pixels_of, place_of, shows, svg_of};

fn labels(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("class_with_a_name_{index}")).collect()
}

/// All right but for one in four of the first class, given the second.
fn counts(classes: usize) -> Vec<Vec<usize>> {
    let mut counts = vec![vec![0; classes]; classes];
    for (class, row) in counts.iter_mut().enumerate() {
        row[class] = 8;
    }
    counts[0][0] = 6;
    counts[0][1] = 2;
    counts
}

#[test]
fn a_confusion_matrix_has_all_labels_on_both_axes_and_its_counts() {
    for classes in [2, 10, 50] {
        let labels = labels(classes);
        let picture =
            draw_confusion(&labels, &counts(classes), &Sheet::titled("confused")).unwrap();
        let svg = svg_of(&picture);
        shows(&svg, &["confused", "true label", "predicted label", "share of the true label", "8"]);
        for label in &labels {
            let texts = svg.matches(&format!("\n{label}\n")).count();
            assert_eq!(texts, 2, "{label}");
        }
        let pixels = pixels_of(&picture);
        // the mistake stands in the upper right of the diagonal: truth downwards, prediction across
        let (x, y) = place_of(&svg, "2").unwrap();
        let (right_x, right_y) = place_of(&svg, "6").unwrap();
        assert!(x > right_x && (y - right_y).abs() < 1.0);
        // beside the digits
        let share = |x: f64, y: f64| pixels.at(x as u32 - 6, y as u32)[0];
        assert!(share(x, y) > share(right_x, right_y), "{classes}");
    }
}

#[test]
fn letters_are_drawn_without_any_font_of_the_system() {
    let picture = draw_confusion(&labels(3), &counts(3), &Sheet::titled("LETTERS")).unwrap();
    let pixels = pixels_of(&picture);
    assert!(pixels.dark_pixels((10, 10), (100, 30)) > 60, "the title is there");
    assert_eq!(pixels.dark_pixels((0, 0), (picture.width(), 8)), 0, "nothing is cut off");
}

#[test]
fn a_matrix_that_does_not_fit_its_labels_is_refused() {
    let error = draw_confusion(&labels(3), &counts(2), &Sheet::default()).unwrap_err();
    assert!(error.to_string().contains("are 2; expected 3"), "{error}");
    let none: [&str; 0] = [];
    let error = draw_confusion(&none, &[], &Sheet::default()).unwrap_err();
    assert!(matches!(error, PlotError::Empty { .. }));
}

fn curve(label: &str, area: f64) -> RateCurve {
    let points = vec![(0.0, 0.0), (0.1, 0.8), (1.0, 1.0)];
    RateCurve { label: label.to_owned(), area: Some(area), points }
}

#[test]
fn few_classes_have_curves_of_their_own_and_many_their_mean() {
    let few: Vec<RateCurve> = ["dog", "cat", "cow"].map(|label| curve(label, 0.9)).into();
    let average = [curve("macro average", 0.875)];
    let picture = draw_roc(&few, &average, &Sheet::titled("ROC")).unwrap();
    let svg = svg_of(&picture);
    shows(&svg, &["dog (AUC 90.0 %)", "cow (AUC 90.0 %)", "macro average (AUC 87.5 %)"]);
    shows(&svg, &["false-positive rate", "true-positive rate", "guessing"]);
    pixels_of(&picture);
    let many: Vec<RateCurve> = labels(50).iter().map(|label| curve(label, 0.8)).collect();
    let picture = draw_roc(&many, &average, &Sheet::titled("ROC")).unwrap();
    shows(&svg_of(&picture), &["each of 50 classes", "mean AUC 80.0 %"]);
    pixels_of(&picture);
    let picture = draw_precision_recall(&few, &average, &Sheet::titled("PR")).unwrap();
    shows(&svg_of(&picture), &["recall", "precision", "dog (AP 90.0 %)"]);
    pixels_of(&picture);
    assert!(draw_roc(&[], &[], &Sheet::default()).is_err());
}

#[test]
fn calibration_shows_its_error_and_passes_over_empty_bins() {
    let bin = |from: f64, accuracy: f64, count: usize| ReliabilityBin {
        from,
        to: from + 0.5,
        confidence: from + 0.25,
        accuracy,
        count,
    };
    let bins = [bin(0.0, 0.1, 10), bin(0.5, 0.8, 90)];
    let picture = draw_reliability(&bins, Some(0.052), &Sheet::titled("calibration")).unwrap();
    let svg = svg_of(&picture);
    shows(&svg, &["measured (calibration error 5.2 %)", "confidence", "predictions"]);
    pixels_of(&picture);
    assert!(draw_reliability(&[bin(0.0, f64::NAN, 0)], None, &Sheet::default()).is_err());
}

#[test]
fn bars_name_every_class_and_leave_out_what_is_not_defined() {
    let labels = labels(50);
    let mut values = vec![Some(0.5); 50];
    values[7] = None;
    values[8] = Some(1.0);
    let series = |name: &str| ClassSeries { name: name.to_owned(), values: values.clone() };
    let picture =
        draw_class_bars(&labels, &[series("F1"), series("recall")], &Sheet::titled("bars"))
            .unwrap();
    let svg = svg_of(&picture);
    shows(&svg, &["F1", "recall", "0.50", "1.00", "–", "share"]);
    shows(&svg, &labels.iter().map(String::as_str).collect::<Vec<_>>());
    pixels_of(&picture);
    assert!(draw_class_bars(&labels[..3], &[series("F1")], &Sheet::default()).is_err());
}

#[test]
fn a_histogram_shows_median_and_title_of_its_axis() {
    let delays: Vec<f64> = (0..101).map(|index| 0.4 + f64::from(index) * 0.01).collect();
    let picture = draw_histogram(&delays, "detection delay (s)", &Sheet::titled("delays")).unwrap();
    let svg = svg_of(&picture);
    shows(&svg, &["detection delay (s)", "101 values", "median 0.90", "90 % below 1.30", "count"]);
    pixels_of(&picture);
    pixels_of(&draw_histogram(&[0.5], "s", &Sheet::titled("one")).unwrap());
    assert!(draw_histogram(&[f64::NAN], "s", &Sheet::default()).is_err());
}

#[test]
fn measures_that_no_picture_can_have_are_refused() {
    let sheet = |width, height| Sheet { title: String::new(), width, height };
    for (width, height, part) in
        [(10, 400, "between"), (100_000, 400, "between"), (160, 160, "room")]
    {
        let error = draw_confusion(&labels(5), &counts(5), &sheet(Some(width), Some(height)));
        let message = error.unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
}
