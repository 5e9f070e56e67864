//! What a file that no decoder takes really is, by its first bytes, and what helps. Called when a recording is refused.

use std::io::Read as _;
use std::path::Path;

use super::SourceError;
use crate::files::open_regular_within;

/// Bytes that tell every kind below.
const BEGINNING: u64 = 512;

/// The error for a file that is refused for the decoder's `reason`: by what its first bytes show, where they do.
pub fn refused(path: &Path, reason: String) -> SourceError {
    let mut beginning = Vec::new();
    let read =
        open_regular_within(path).and_then(|file| file.take(BEGINNING).read_to_end(&mut beginning));
    let path = path.to_owned();
    match read.ok().and_then(|_| kind_of(&beginning)) {
        Some(Kind::Sound(format)) => {
            SourceError::UnsupportedFile { path, reason: format!("it is {format}") }
        }
        Some(Kind::Other(what, mend)) => SourceError::NotARecording { path, what, mend },
        None if reason.contains("no suitable format reader") => {
            let reason = "no format that it knows begins as this file does".to_owned();
            SourceError::UnsupportedFile { path, reason }
        }
        None => SourceError::UnsupportedFile { path, reason },
    }
}

/// What the beginning of a file shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Sound in a format that is not read, or a picture with sound.
    Sound(&'static str),
    /// Something else, and what helps.
    Other(&'static str, &'static str),
}

const FETCH: &str = "Fetch the recording itself: `git lfs pull`";
const ANNEX: &str = "Fetch the recording itself: `git annex get`";
const DOWNLOAD: &str =
    "The download went wrong, perhaps for want of a login: fetch the recording again";
const RENAMED: &str = "Look for the recording itself, or delete this file";
const UNPACK: &str = "Unpack it";
const EXPORT: &str = "Export the sound from the program that made it";
const LOST: &str = "Whatever wrote it had no time to: copy it again, or delete it";

/// Beginnings that tell by themselves.
const KINDS: [(&[u8], Kind); 36] = [
    (b"version https://git-lfs", Kind::Other("a pointer of Git LFS", FETCH)),
    (b"/annex/objects/", Kind::Other("a pointer of git-annex", ANNEX)),
    (b"\xff\xd8\xff", Kind::Other("a picture (JPEG)", RENAMED)),
    (b"\x89PNG", Kind::Other("a picture (PNG)", RENAMED)),
    (b"GIF8", Kind::Other("a picture (GIF)", RENAMED)),
    (b"BM", Kind::Other("a picture (BMP)", RENAMED)),
    (b"II*\0", Kind::Other("a picture (TIFF)", RENAMED)),
    (b"MM\0*", Kind::Other("a picture (TIFF)", RENAMED)),
    (b"%PDF", Kind::Other("a PDF document", RENAMED)),
    (b"{\\rtf", Kind::Other("a text document (RTF)", RENAMED)),
    (b"PK\x03\x04", Kind::Other("an archive (ZIP)", UNPACK)),
    (b"\x1f\x8b", Kind::Other("an archive (gzip)", UNPACK)),
    (b"BZh", Kind::Other("an archive (bzip2)", UNPACK)),
    (b"\xfd7zXZ", Kind::Other("an archive (xz)", UNPACK)),
    (b"\x28\xb5\x2f\xfd", Kind::Other("an archive (Zstandard)", UNPACK)),
    (b"7z\xbc\xaf", Kind::Other("an archive (7-Zip)", UNPACK)),
    (b"Rar!", Kind::Other("an archive (RAR)", UNPACK)),
    (b"\0\x05\x16\x07", Kind::Other("what macOS leaves beside a file (AppleDouble)", RENAMED)),
    (
        b"MThd",
        Kind::Other(
            "notes without sound (MIDI)",
            "Play it to a file with a synthesiser, such as fluidsynth",
        ),
    ),
    (b"SQLite format 3", Kind::Other("a database (SQLite; projects of Audacity are such)", EXPORT)),
    (b"\x93NUMPY", Kind::Other("an array of NumPy", "Write it as WAV: scipy.io.wavfile.write")),
    (b"\x89HDF", Kind::Other("an array (HDF5)", "Write it as WAV: scipy.io.wavfile.write")),
    (b"\x7fELF", Kind::Other("a program", RENAMED)),
    (b"MZ", Kind::Other("a program of Windows", RENAMED)),
    (b"\x30\x26\xb2\x75", Kind::Sound("Windows Media (WMA, ASF)")),
    (b"#!AMR", Kind::Sound("AMR, as telephones record it")),
    (b"\x0b\x77", Kind::Sound("Dolby Digital (AC-3)")),
    (b"\x7f\xfe\x80\x01", Kind::Sound("DTS")),
    (b"MAC ", Kind::Sound("Monkey's Audio")),
    (b"wvpk", Kind::Sound("WavPack")),
    (b"TTA1", Kind::Sound("True Audio")),
    (b"MPCK", Kind::Sound("Musepack")),
    (b"MP+", Kind::Sound("Musepack")),
    (b"DSD ", Kind::Sound("DSD (DSF)")),
    (b"FRM8", Kind::Sound("DSD (DFF)")),
    (b".RMF", Kind::Sound("RealAudio")),
];

/// Beginnings of recordings: what is wrong with them only a decoder knows.
const RECORDINGS: [&[u8]; 11] = [
    b"RIFF", b"RIFX", b"RF64", b"BW64", b"riff", b"FORM", b".snd", b"NIST", b"fLaC", b"caff",
    b"ID3",
];

fn kind_of(beginning: &[u8]) -> Option<Kind> {
    let by_magic = KINDS.iter().find(|(magic, _)| beginning.starts_with(magic)).map(|it| it.1);
    let known = by_magic.or_else(|| container(beginning));
    if known.is_some() || RECORDINGS.iter().any(|magic| beginning.starts_with(magic)) {
        return known;
    }
    text(beginning).or_else(|| {
        let is_blank = !beginning.is_empty() && beginning.iter().all(|&byte| byte == 0);
        is_blank.then_some(Kind::Other("nothing but zeros", LOST))
    })
}

/// What stands in a container that holds sound otherwise.
fn container(beginning: &[u8]) -> Option<Kind> {
    let at = |place: usize, what: &[u8]| {
        beginning.get(place..).is_some_and(|rest| rest.starts_with(what))
    };
    let has = |what: &[u8]| beginning.windows(what.len()).any(|window| window == what);
    if at(0, b"RIFF") {
        return match beginning.get(8..12)? {
            b"AVI " => Some(Kind::Sound("a film (AVI)")),
            b"WEBP" => Some(Kind::Other("a picture (WebP)", RENAMED)),
            b"RMID" => Some(Kind::Other("notes without sound (MIDI)", RENAMED)),
            _ => None,
        };
    }
    if at(0, b"OggS") {
        let codecs: [(&[u8], &str); 4] = [
            (b"OpusHead", "Opus in Ogg"),
            (b"Speex   ", "Speex in Ogg"),
            (b"\x80theora", "a film in Ogg (Theora)"),
            (b"fishead\0", "Ogg with a skeleton"),
        ];
        return codecs.iter().find(|(magic, _)| has(magic)).map(|&(_, format)| Kind::Sound(format));
    }
    if at(0, b"\x1a\x45\xdf\xa3") {
        return Some(Kind::Sound(if has(b"A_OPUS") {
            "Opus in Matroska or WebM"
        } else {
            "Matroska or WebM"
        }));
    }
    let brand = if at(4, b"ftyp") { beginning.get(8..12) } else { None };
    match brand? {
        b"heic" | b"heix" | b"mif1" | b"avif" => Some(Kind::Other("a picture (HEIF)", RENAMED)),
        brand if brand.starts_with(b"3g") => Some(Kind::Sound("3GP, as telephones record it")),
        _ => None,
    }
}

/// What kind of text it is, if it is text.
fn text(beginning: &[u8]) -> Option<Kind> {
    // the last letter may be cut in two
    let valid = match std::str::from_utf8(beginning) {
        Ok(text) => text,
        Err(error) if beginning.len() - error.valid_up_to() < 4 => {
            std::str::from_utf8(&beginning[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let text = valid.trim_start_matches('\u{feff}').trim_start().to_lowercase();
    let is_text =
        !text.is_empty() && !text.contains(|it: char| it.is_control() && !it.is_whitespace());
    if !is_text {
        return None;
    }
    let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    Some(if begins(&["<!doctype html", "<html", "<head", "<body"]) || text.contains("<html") {
        Kind::Other("a web page (HTML)", DOWNLOAD)
    } else if begins(&["<?xml", "<"]) {
        Kind::Other("a text (XML)", DOWNLOAD)
    } else if begins(&["{", "["]) {
        Kind::Other("a text (JSON)", DOWNLOAD)
    } else if text.starts_with("../") && text.contains("/annex/objects/") {
        Kind::Other("a pointer of git-annex", ANNEX)
    } else {
        Kind::Other("a text", RENAMED)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(beginning: &[u8]) -> String {
        match kind_of(beginning) {
            Some(Kind::Sound(format)) => format!("sound {format}"),
            Some(Kind::Other(what, mend)) => format!("{what}. {mend}"),
            None => String::new(),
        }
    }

    #[test]
    fn files_are_called_what_they_are() {
        let cases: [(&[u8], &str); 14] = [
            (
                b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 64044\n",
                "git lfs pull",
            ),
            (b"\xef\xbb\xbf\n <!DOCTYPE HTML PUBLIC", "web page"),
            (b"<?xml version=\"1.0\"?><Error><Code>AccessDenied", "XML"),
            (b"{\"message\": \"Not Found\"}", "JSON"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG"),
            (b"PK\x03\x04\x14\0", "Unpack"),
            (b"../../.git/annex/objects/Xx/SHA256E-s64044.wav", "git annex get"),
            (b"not audio at all", "a text"),
            (&[0; 64], "nothing but zeros"),
            (
                b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01\x13OpusHead\x01",
                "sound Opus",
            ),
            (b"RIFF\x10\0\0\0AVI LIST", "sound a film"),
            (b"\0\0\0\x18ftyp3gp4", "sound 3GP"),
            (b"\0\0\0\x18ftypheic", "HEIF"),
            (b"\x30\x26\xb2\x75\x8e\x66", "sound Windows Media"),
        ];
        for (beginning, expected) in cases {
            assert!(words(beginning).contains(expected), "{expected}: {}", words(beginning));
        }
        for unknown in [
            &b""[..],
            b"RIFF\x10\0\0\0WAVEfmt ",
            b"\x01\x02\x03\x04",
            b"fLaC\0",
            b"\0\0\0\x18ftypM4A ",
        ] {
            assert_eq!(kind_of(unknown), None);
        }
    }
}
