//! What a file's first lines say of where it came from. Asked before a file is continued, rotated or deleted, on the log file's
//! thread.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};

use jiff::Timestamp;
use serde::Deserialize;

/// Far longer than any line tympan writes: the first record of a file begins within.
const HEAD_BYTES: u64 = 64 * 1024;

/// What every record has, and hardly a line that another program writes.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: Kind,
    time: Timestamp,
    source: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Window,
    Event,
    Gap,
    Status,
}

/// The time of the first record in a file; none if it is not tympan's. A line that a power cut tore may stand before it.
pub(super) fn time_of_first_record(mut file: &File) -> io::Result<Option<Timestamp>> {
    // appending ignores the cursor, so it may stay anywhere
    file.rewind()?;
    let mut head = BufReader::new(file.take(HEAD_BYTES));
    let mut line = Vec::new();
    while head.read_until(b'\n', &mut line)? > 0 {
        if let Ok(Head {
            kind: Kind::Window | Kind::Event | Kind::Gap | Kind::Status,
            time,
            source,
        }) = serde_json::from_slice(&line)
            && !source.is_empty()
        {
            return Ok(Some(time));
        }
        line.clear();
    }
    Ok(None)
}
