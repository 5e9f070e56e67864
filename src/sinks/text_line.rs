//! Records as text for a person at a terminal: aligned, within 80 columns, events standing out. Called by `LineFormat`.
//!
//! ```text
//! 12:00:00.123  · listening                   built-in audio, 48000 Hz
//! 12:00:00.123  ● dog                         0.93  █████████▎
//! 12:00:00.123     -23.1 dB  ██████▏     dog 0.93  cat 0.01
//! 12:00:01.543  ○ dog                         0.97  peak, lasted 1.42 s
//! 12:00:02.000  ! gap                         0.10 s lost: overrun
//! ```

use std::fmt::{self, Write};
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::{
    EventPhase, EventRecord, GapCause, GapRecord, Record, SampleRate, State, StatusRecord,
    WindowRecord, printable,
};

/// What a terminal has at least.
const LINE_COLUMNS: usize = 80;
/// The longest labels of the common label sets, but for a few dozen sentences in AudioSet.
const NAME_COLUMNS: usize = 26;
const METER_CELLS: usize = 10;
/// The bottom of the level meter: a quiet room through a cheap microphone.
const METER_FLOOR_DBFS: f32 = -60.0;

const BOLD_GREEN: &str = "\u{1b}[1;32m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const RED: &str = "\u{1b}[31m";
const CYAN: &str = "\u{1b}[36m";
const DIM: &str = "\u{1b}[2m";
const RESET: &str = "\u{1b}[0m";

/// Whether text is coloured. The caller decides: a terminal, and no `NO_COLOR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// ANSI colours.
    Ansi,
    /// Plain text.
    Plain,
}

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextStyle {
    pub(super) colour: Colour,
    /// Columns for the name of the input that a record is of; 0: it is not shown.
    pub(super) name_columns: usize,
}

/// Appends `record` as one line, without its line feed; with a `place` in the recording instead of the time of the day.
pub(super) fn render_text(
    record: &Record,
    sample_rate: Option<SampleRate>,
    place: Option<Duration>,
    style: TextStyle,
    line: &mut String,
) {
    let mut columns = Columns { line, place, style, source: record.source() };
    match record {
        Record::Window(window) => render_window(window, &mut columns),
        Record::Event(event) => render_event(event, sample_rate, &mut columns),
        Record::Gap(gap) => render_gap(gap, sample_rate, &mut columns),
        Record::Status(status) => render_status(status, &mut columns),
    }
    .expect("invariant: a String takes every write");
}

/// Where the columns of one line go, and whether they are coloured.
struct Columns<'a> {
    line: &'a mut String,
    place: Option<Duration>,
    style: TextStyle,
    source: &'a str,
}

impl Columns<'_> {
    fn time(&mut self, time: Timestamp) -> fmt::Result {
        match self.place {
            None => self.painted(DIM, format_args!("{}", time.strftime("%H:%M:%S%.3f")))?,
            Some(place) => self.painted(DIM, format_args!("{:>12}", Place(place).to_string()))?,
        }
        match self.style.name_columns {
            0 => Ok(()),
            columns => write!(self.line, "  {:<columns$}", Visible(self.source).to_string()),
        }
    }

    /// The mark and the name that every line but a window's has.
    fn mark(&mut self, style: &str, mark: char, name: &str) -> fmt::Result {
        self.line.push_str("  ");
        let name = Visible(name).to_string();
        self.painted(style, format_args!("{mark} {name:<NAME_COLUMNS$}"))?;
        self.line.push_str("  ");
        Ok(())
    }

    fn painted(&mut self, style: &str, text: fmt::Arguments<'_>) -> fmt::Result {
        match self.style.colour {
            Colour::Plain => self.line.write_fmt(text),
            Colour::Ansi => write!(self.line, "{style}{text}{RESET}"),
        }
    }
}

fn render_event(
    event: &EventRecord,
    sample_rate: Option<SampleRate>,
    columns: &mut Columns<'_>,
) -> fmt::Result {
    columns.time(event.time)?;
    match event.phase {
        EventPhase::Onset { score, .. } => {
            columns.mark(BOLD_GREEN, '●', &event.label)?;
            write!(columns.line, "{score:.2}  ")?;
            columns.painted(GREEN, format_args!("{}", Meter(score).to_string().trim_end()))
        }
        EventPhase::Offset { end_sample, peak_score } => {
            columns.mark(DIM, '○', &event.label)?;
            let lasted = Lasting(end_sample.since(event.start_sample), sample_rate);
            write!(columns.line, "{peak_score:.2}  peak, lasted {lasted}")
        }
    }
}

fn render_gap(
    gap: &GapRecord,
    sample_rate: Option<SampleRate>,
    columns: &mut Columns<'_>,
) -> fmt::Result {
    let cause = match gap.cause {
        GapCause::Overrun => "overrun",
        GapCause::DriverOverrun => "driver overrun",
        GapCause::DeviceLost => "device lost",
    };
    columns.time(gap.time)?;
    columns.mark(YELLOW, '!', "gap")?;
    write!(columns.line, "{} lost: {cause}", Lasting(gap.samples, sample_rate))
}

fn render_status(status: &StatusRecord, columns: &mut Columns<'_>) -> fmt::Result {
    let (style, mark, name) = match status.state {
        State::Listening => (CYAN, '·', "listening"),
        State::Silent => (YELLOW, '!', "silent"),
        State::Flat => (YELLOW, '!', "flat"),
        State::Quiet => (CYAN, '·', "quiet"),
        State::Clipping => (YELLOW, '!', "clipping"),
        State::Invalid => (YELLOW, '!', "invalid"),
        State::Stalled => (YELLOW, '!', "stalled"),
        State::Overloaded => (YELLOW, '!', "overloaded"),
        State::Lost => (RED, '!', "lost"),
        State::Recovering => (YELLOW, '·', "recovering"),
        State::Stopping => (CYAN, '·', "stopping"),
    };
    columns.time(status.time)?;
    columns.mark(style, mark, name)?;
    write!(columns.line, "{}", Visible(&status.detail))?;
    if status.state == State::Listening {
        let separator = if status.detail.is_empty() { "" } else { ", " };
        write!(columns.line, "{separator}{}", status.sample_rate_hz)?;
    }
    let trimmed = columns.line.trim_end().len();
    columns.line.truncate(trimmed);
    Ok(())
}

/// The level and as many of the best labels as fit.
fn render_window(window: &WindowRecord, columns: &mut Columns<'_>) -> fmt::Result {
    columns.time(window.time)?;
    let loudness = 1.0 - window.level_dbfs / METER_FLOOR_DBFS;
    let mut text = format!("    {:>6.1} dB  {}", window.level_dbfs, Meter(loudness));
    let name = match columns.style.name_columns {
        0 => 0,
        columns => columns + 2,
    };
    let mut used = "00:00:00.000".len() + name + text.chars().count();
    for best in &window.scores {
        let shown = format!("  {} {:.2}", Visible(&best.label), best.score);
        used += shown.chars().count();
        if used > LINE_COLUMNS {
            break;
        }
        text.push_str(&shown);
    }
    columns.painted(DIM, format_args!("{}", text.trim_end()))
}

/// A bar of [`METER_CELLS`] cells, filled to a fraction in steps of an eighth of a cell.
struct Meter(f32);

impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const EIGHTHS: [char; 9] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
        // a cast of NaN gives zero: an empty bar
        let mut filled = (self.0.clamp(0.0, 1.0) * (METER_CELLS * 8) as f32).round() as usize;
        for _ in 0..METER_CELLS {
            f.write_char(EIGHTHS[filled.min(8)])?;
            filled = filled.saturating_sub(8);
        }
        Ok(())
    }
}

/// A place in a recording: `0:02.96`, or `1:02:03.45` after the first hour.
struct Place(Duration);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = self.0.as_millis() / 10;
        let (seconds, rest) = (hundredths / 100, hundredths % 100);
        match seconds / 3_600 {
            0 => write!(f, "{}", seconds / 60)?,
            hours => write!(f, "{hours}:{:02}", seconds / 60 % 60)?,
        }
        write!(f, ":{:02}.{rest:02}", seconds % 60)
    }
}

/// So many samples, as a person would say it.
struct Lasting(u64, Option<SampleRate>);

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(rate) = self.1 else { return write!(f, "{} samples", self.0) };
        let duration = rate.duration_of(self.0);
        if duration < Duration::from_secs(60) {
            write!(f, "{:.2} s", duration.as_secs_f64())
        } else {
            write!(f, "{} min {:02} s", duration.as_secs() / 60, duration.as_secs() % 60)
        }
    }
}

/// Text from outside without what would break the line or steer the terminal.
struct Visible<'a>(&'a str);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(self.0))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::{LabelScore, SampleIndex};

    fn time() -> Timestamp {
        "2026-01-01T12:00:00.123456Z".parse().unwrap()
    }

    pub(in crate::sinks) fn window() -> Record {
        Record::Window(WindowRecord {
            time: time(),
            source: "mic".into(),
            start_sample: SampleIndex(0),
            end_sample: SampleIndex(17_600),
            scores: [("dog", 0.93), ("cat", 0.012_345)]
                .into_iter()
                .map(|(label, score)| LabelScore { label: label.into(), score })
                .collect(),
            level_dbfs: -23.123,
            padded_samples: 0,
            latency_us: 412,
            reasons: Vec::new(),
        })
    }

    fn event(phase: EventPhase) -> Record {
        Record::Event(EventRecord {
            phase,
            id: 7,
            label: "dog".into(),
            time: time(),
            source: "mic".into(),
            start_sample: SampleIndex(48_000),
        })
    }

    pub(in crate::sinks) fn onset() -> Record {
        event(EventPhase::Onset { score: 0.93, verifier_score: None })
    }

    pub(in crate::sinks) fn offset() -> Record {
        event(EventPhase::Offset { end_sample: SampleIndex(116_160), peak_score: 0.97 })
    }

    pub(in crate::sinks) fn gap() -> Record {
        Record::Gap(GapRecord {
            time: time(),
            source: "mic".into(),
            start_sample: SampleIndex(48_000),
            samples: 4_800,
            cause: GapCause::Overrun,
        })
    }

    pub(in crate::sinks) fn status() -> Record {
        Record::Status(StatusRecord {
            time: time(),
            source: "mic".into(),
            state: State::Listening,
            detail: "built-in audio".to_owned(),
            sample_rate_hz: SampleRate::new(48_000).unwrap(),
        })
    }

    fn text(record: &Record, colour: Colour) -> String {
        let mut line = String::new();
        let style = TextStyle { colour, name_columns: 0 };
        render_text(record, Some(SampleRate::new(48_000).unwrap()), None, style, &mut line);
        line
    }

    #[test]
    fn every_kind_of_record_reads_as_documented() {
        let lines = [status(), onset(), window(), offset(), gap()]
            .map(|record| text(&record, Colour::Plain))
            .join("\n");
        let expected = "\
12:00:00.123  · listening                   built-in audio, 48000 Hz
12:00:00.123  ● dog                         0.93  █████████▎
12:00:00.123     -23.1 dB  ██████▏     dog 0.93  cat 0.01
12:00:00.123  ○ dog                         0.97  peak, lasted 1.42 s
12:00:00.123  ! gap                         0.10 s lost: overrun";
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_window_of_long_labels_fits_eighty_columns() {
        let Record::Window(mut window) = window() else { unreachable!() };
        for score in &mut window.scores {
            score.label = "crackling of burning wood".into();
        }
        window.level_dbfs = -120.0;
        let line = text(&Record::Window(window), Colour::Plain);
        assert!(line.chars().count() <= 80, "{line}");
        assert!(line.contains("crackling of burning wood 0.93"), "{line}");
    }

    #[test]
    fn plain_text_has_no_escapes_and_colour_changes_nothing_else() {
        for record in [status(), onset(), window(), offset(), gap()] {
            let plain = text(&record, Colour::Plain);
            assert!(!plain.contains('\u{1b}'), "{plain:?}");
            let mut bare = text(&record, Colour::Ansi);
            assert!(bare.contains('\u{1b}'), "{bare:?}");
            for code in [BOLD_GREEN, GREEN, YELLOW, RED, CYAN, DIM, RESET] {
                bare = bare.replace(code, "");
            }
            assert_eq!(bare, plain);
        }
    }

    #[test]
    fn of_several_inputs_each_line_has_the_name_in_a_column_and_still_fits() {
        let style = TextStyle { colour: Colour::Plain, name_columns: 6 };
        let lines = [status(), onset(), window()].map(|record| {
            let mut line = String::new();
            render_text(&record, None, None, style, &mut line);
            line
        });
        let expected = "\
12:00:00.123  mic     · listening                   built-in audio, 48000 Hz
12:00:00.123  mic     ● dog                         0.93  █████████▎
12:00:00.123  mic        -23.1 dB  ██████▏     dog 0.93  cat 0.01";
        assert_eq!(lines.join("\n"), expected);
    }

    #[test]
    fn a_place_in_a_recording_stands_where_the_time_of_the_day_does() {
        let mut line = String::new();
        let place = Some(Duration::from_millis(2_969));
        let style = TextStyle { colour: Colour::Plain, name_columns: 0 };
        render_text(&onset(), None, place, style, &mut line);
        assert_eq!(line, "     0:02.96  ● dog                         0.93  █████████▎");
        let places = [0, 59_999, 60_000, 3_600_000, 36_610_500]
            .map(|ms| Place(Duration::from_millis(ms)).to_string());
        assert_eq!(places, ["0:00.00", "0:59.99", "1:00.00", "1:00:00.00", "10:10:10.50"]);
    }

    #[test]
    fn long_events_are_reported_in_minutes_and_without_a_rate_in_samples() {
        let rate = SampleRate::new(8_000).unwrap();
        assert_eq!(Lasting(8_000 * 125, Some(rate)).to_string(), "2 min 05 s");
        assert_eq!(Lasting(441, None).to_string(), "441 samples");
    }
}
