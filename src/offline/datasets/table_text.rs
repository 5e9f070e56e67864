//! The bytes of a table → its text, in whatever encoding a program of spreadsheets left them. Used by `table`.

use std::path::Path;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::DatasetError;
use crate::files::read_regular;

/// A table of a million recordings is shorter; what is longer is something else.
const MAX_BYTES: u64 = 256 << 20;

/// The text of a table.
pub(super) struct TableText {
    pub(super) text: String,
    /// What of it was guessed, in words.
    pub(super) guess: Option<String>,
}

impl TableText {
    /// Reads UTF-8, UTF-16, and the older encodings that text in them gives away.
    ///
    /// # Errors
    /// [`DatasetError::TableUnread`], [`DatasetError::Unclear`] with the line that is no text.
    pub(super) fn open(path: &Path) -> Result<Self, DatasetError> {
        let unread = |reason: String| DatasetError::TableUnread { path: path.to_owned(), reason };
        let bytes = read_regular(path, MAX_BYTES).map_err(|error| unread(error.to_string()))?;
        let encoding = encoding_of(path, &bytes)?;
        let (text, encoding, malformed) = encoding.decode(&bytes);
        // one end of a line, whichever program wrote it
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let damaged = if malformed { text.find('\u{fffd}') } else { text.find('\0') };
        if let Some(at) = damaged {
            let reason =
                format!("a byte here is no text in {}; save the table as UTF-8", encoding.name());
            return Err(DatasetError::Unclear {
                path: path.to_owned(),
                line: line_of(&text, at),
                reason,
            });
        }
        let guess = is_guessed(encoding).then(|| {
            let at = text.find(|character: char| !character.is_ascii()).unwrap_or(0);
            let line = line_of(&text, at);
            let shown = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
            let name = encoding.name();
            format!("not UTF-8; read as {name}, in which line {line} is {shown:?}. Save it as UTF-8 if that is wrong")
        });
        Ok(Self { text, guess })
    }
}

fn is_guessed(encoding: &'static Encoding) -> bool {
    ![UTF_8, UTF_16LE, UTF_16BE].contains(&encoding)
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

fn encoding_of(path: &Path, bytes: &[u8]) -> Result<&'static Encoding, DatasetError> {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return Ok(encoding);
    }
    // every other byte of Latin letters in UTF-16 is zero
    let zeros =
        |first: usize| bytes.iter().skip(first).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if even.max(odd) * 4 > bytes.len() {
        return Ok(if odd > even { UTF_16LE } else { UTF_16BE });
    }
    if std::str::from_utf8(bytes).is_ok() {
        return Ok(UTF_8);
    }
    let lines = || bytes.split(|&byte| byte == b'\n');
    let is_utf8 = |line: &&[u8]| !line.is_ascii() && std::str::from_utf8(line).is_ok();
    if lines().any(|line| is_utf8(&line)) {
        let line = lines().position(|line| std::str::from_utf8(line).is_err()).unwrap_or(0) + 1;
        let reason =
            "this line is not UTF-8, and others are; save the table in one encoding, UTF-8"
                .to_owned();
        return Err(DatasetError::Unclear { path: path.to_owned(), line, reason });
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    Ok(detector.guess(None, Utf8Detection::Deny))
}
