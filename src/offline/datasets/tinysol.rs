//! TinySOL as it is published: `TinySOL_metadata.csv`, single notes of fourteen instruments, five folds. Read by
//! `Dataset::open`.

use std::collections::BTreeSet;
use std::path::Path;

use super::assembly::{Content, Entry, Listing};
use super::table::{Column, Row, Table};
use super::{DatasetError, audio_file};

/// Where the table is, from the set's folder.
pub(super) const TABLE: &str = "TinySOL_metadata.csv";

/// Folders in which people keep the recordings, beside the table itself.
const AUDIO: [&str; 4] = [".", "audio", "TinySOL", "TinySOL2020"];

/// The columns that are read.
struct Columns {
    file: Column,
    fold: Column,
    instrument: Column,
    pitch: Option<Column>,
}

/// Reads the table. Classes are the instruments, by name.
///
/// The group is the recording that a note was made from. Where a note was missing, the set's makers resampled its
/// neighbour by a semitone (the file's name ends in `R100u` or `R100d`): the two are one recording, although the official
/// folds put some of them apart. The same pitch at another loudness, on another string or in another take is another
/// recording. All notes of an instrument come from one player in one hall, whatever the split: no figure on this set says
/// how well another player is recognised.
///
/// # Source
/// C.-E. Cella et al., OrchideaSOL: a dataset of extended instrumental techniques for computer-aided orchestration, 2020;
/// TinySOL is its part without extended techniques.
pub(super) fn read(folder: &Path) -> Result<Listing, DatasetError> {
    let table = Table::open(&folder.join(TABLE))?;
    let columns = Columns {
        file: table.column("Path")?,
        fold: table.column("Fold")?,
        instrument: table.column("Instrument (in full)")?,
        pitch: table.optional("Pitch ID"),
    };
    let roots = AUDIO.map(|below| folder.join(below).components().collect());
    let entries: Vec<Entry> = table
        .rows()
        .map(|row| Entry {
            path: audio_file::find(&roots, row.text(columns.file)),
            place: row.place(),
            licence: String::new(),
            content: content(&row, &columns),
        })
        .collect();
    let contents = entries.iter().filter_map(|entry| entry.content.as_ref().ok());
    let classes: BTreeSet<&String> = contents.map(|content| &content.label).collect();
    Ok(Listing {
        name: "TinySOL".to_owned(),
        terms: "CC BY 4.0",
        classes: classes.into_iter().cloned().collect(),
        entries,
        place: table.path,
    })
}

fn content(row: &Row<'_>, columns: &Columns) -> Result<Content, String> {
    let file = row.required(columns.file)?;
    let pitch = row.number(columns.pitch)?;
    Ok(Content {
        label: row.required(columns.instrument)?.to_owned(),
        fold: Some(row.required_number(columns.fold)?),
        group: pitch.and_then(|pitch| recording(file, pitch)),
        span: None,
    })
}

/// The recording a note was made from: of `…/BTb-ord-G1-pp-N-R100u.wav`, whose pitch is 31, it is `BTb-ord-30-pp-N`.
fn recording(file: &str, pitch: i32) -> Option<String> {
    let name = file.rsplit('/').next()?;
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    // a sharp is no separator; a minus would be, and no octave of these instruments has one
    let [instrument, technique, _, dynamics, instance, retuning] =
        stem.split('-').collect::<Vec<_>>().try_into().ok()?;
    let played = pitch - semitones_resampled(retuning);
    Some(format!("{instrument}-{technique}-{played}-{dynamics}-{instance}"))
}

/// How far a note was moved from what was played: of `T23u_R100u`, which was tuned by 23 cents as well, 1.
fn semitones_resampled(retuning: &str) -> i32 {
    let cents = |part: &str| -> Option<i32> {
        let part = part.strip_prefix('R')?;
        let up = part.strip_suffix('u').and_then(|cents| cents.parse::<i32>().ok());
        up.or_else(|| {
            part.strip_suffix('d').and_then(|cents| cents.parse::<i32>().ok()).map(|it| -it)
        })
    };
    retuning.split('_').filter_map(cents).sum::<i32>() / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resampled_note_belongs_to_the_one_it_was_made_from() {
        let made = recording("Brass/Bass_Tuba/ordinario/BTb-ord-G1-pp-N-R100u.wav", 31);
        let played = recording("Brass/Bass_Tuba/ordinario/BTb-ord-F#1-pp-N-N.wav", 30);
        assert_eq!(made, played);
        assert!(made.is_some());
        assert_eq!(recording("a/BTb-ord-F1-pp-N-T23u_R100d.wav", 29), played);
        assert_ne!(recording("a/BTb-ord-F#1-pp-N-T23u.wav", 31), played);
        assert_ne!(recording("a/BTb-ord-F#1-ff-N-N.wav", 30), played);
        assert_eq!(recording("a/tuba.wav", 30), None);
    }
}
