//! Audio files, decoded as they are read: WAV, AIFF, FLAC, Ogg Vorbis, MP3. The only decoder in the program.
//!
//! Fed by the file; read by the thread `tympan-source`, and through [`load_clip`] by the offline commands.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as DecoderError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

use super::limits::{absurd_header, check_clip_samples};
use super::{Repeat, SampleReader, SourceError, foreign_file};
use crate::domain::{Clip, SampleRate, downmix};
use crate::files;

/// Samples of silence that one damaged packet becomes at most: a bound on the memory that a lying header costs.
const MAX_SILENCE_SAMPLES: u64 = 1 << 20;

/// Reads a whole file, mixed to one channel.
///
/// # Errors
/// As [`ClipFile::open`] and [`SampleReader::read`], and [`SourceError::ClipTooLong`].
pub fn load_clip(path: &Path) -> Result<Clip, SourceError> {
    let mut file = ClipFile::open(path, Repeat::Once)?;
    let mut samples = Vec::new();
    while file.fill_pending()? {
        samples.append(&mut file.pending);
        check_clip_samples(path, samples.len())?;
    }
    Ok(Clip { sample_rate: file.sample_rate, samples })
}

/// An audio file, read once or for ever, mixed to the mean of its channels at its own rate.
///
/// Encoder delay and padding of MP3 and Vorbis are trimmed where the file has them. A damaged packet becomes silence
/// of its length, so that what follows keeps its place; a file that ends early ends there; both are logged.
pub struct ClipFile {
    name: String,
    path: PathBuf,
    repeat: Repeat,
    sample_rate: SampleRate,
    decoding: Decoding,
    pending: Vec<f32>,
    taken: usize,
}

impl ClipFile {
    /// Opens a file and decodes its beginning.
    ///
    /// # Errors
    /// [`SourceError::FileUnreadable`], [`SourceError::FileEmpty`], [`SourceError::UnsupportedFile`] (not audio, or a
    /// codec that is not read), [`SourceError::BadRate`], or [`SourceError::FileWithoutSamples`] (a header alone).
    pub fn open(path: &Path, repeat: Repeat) -> Result<Self, SourceError> {
        let mut decoding = Decoding::open(path)?;
        let mut pending = Vec::new();
        while pending.is_empty() {
            if !decoding.next_into(&mut pending)? {
                return Err(SourceError::FileWithoutSamples { path: path.to_owned() });
            }
        }
        let sample_rate = SampleRate::new(decoding.rate_hz.unwrap_or(0)).map_err(|source| {
            SourceError::BadRate { origin: path.display().to_string(), source }
        })?;
        Ok(Self {
            name: path.display().to_string(),
            path: path.to_owned(),
            repeat,
            sample_rate,
            decoding,
            pending,
            taken: 0,
        })
    }

    /// Whether there are samples in `pending`, after decoding more if there were none; false at the end.
    fn fill_pending(&mut self) -> Result<bool, SourceError> {
        while self.taken >= self.pending.len() {
            self.pending.clear();
            self.taken = 0;
            if self.decoding.next_into(&mut self.pending)? {
                continue;
            }
            if self.repeat == Repeat::Once {
                return Ok(false);
            }
            // Opened anew rather than sought: every format can, and a file replaced meanwhile is taken whole.
            let again = Self::open(&self.path, self.repeat)?;
            if again.sample_rate != self.sample_rate {
                return Err(self.decoding.change(format!(
                    "from {} to {} as it was replaced",
                    self.sample_rate, again.sample_rate
                )));
            }
            *self = again;
        }
        Ok(true)
    }
}

impl SampleReader for ClipFile {
    fn take_repaired(&mut self) -> u64 {
        std::mem::take(&mut self.decoding.repaired)
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn sample_rate(&self) -> SampleRate {
        self.sample_rate
    }

    fn read(&mut self, block: &mut [f32]) -> Result<usize, SourceError> {
        let mut count = 0;
        while count < block.len() && self.fill_pending()? {
            let left = &self.pending[self.taken..];
            let copied = left.len().min(block.len() - count);
            block[count..count + copied].copy_from_slice(&left[..copied]);
            self.taken += copied;
            count += copied;
        }
        Ok(count)
    }
}

/// One pass through a file.
struct Decoding {
    path: PathBuf,
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    /// What the header promises, where it does.
    promised: Option<u64>,
    rate_hz: Option<u32>,
    decoded: u64,
    damaged_packets: u64,
    repaired: u64,
    interleaved: Vec<f32>,
}

impl Decoding {
    fn open(path: &Path) -> Result<Self, SourceError> {
        let unreadable = |source| SourceError::FileUnreadable { path: path.to_owned(), source };
        let refused = |reason: String| foreign_file::refused(path, reason);
        let file = files::open_regular_within(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
        }
        if metadata.is_file() && metadata.len() == 0 {
            return Err(SourceError::FileEmpty { path: path.to_owned() });
        }
        let mut hint = Hint::new();
        if let Some(extension) = path.extension().and_then(|extension| extension.to_str()) {
            hint.with_extension(extension);
        }
        let stream = MediaSourceStream::new(Box::new(file), Default::default());
        let probe = || {
            let (format, metadata) = (FormatOptions::default(), MetadataOptions::default());
            symphonia::default::get_probe().probe(&hint, stream, format, metadata)
        };
        let format = contained(probe).map_err(|error| refused(explain(&error)))?;
        let track = format
            .default_track(TrackType::Audio)
            .or_else(|| format.first_track(TrackType::Audio))
            .ok_or_else(|| refused("it has no audio track".to_owned()))?;
        let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
            return Err(refused("its audio track names no codec".to_owned()));
        };
        if let Some(reason) = absurd_header(parameters) {
            return Err(refused(reason));
        }
        let make = || {
            let options = AudioDecoderOptions::default();
            symphonia::default::get_codecs().make_audio_decoder(parameters, &options)
        };
        let decoder = contained(make).map_err(|error| refused(explain(&error)))?;
        Ok(Self {
            path: path.to_owned(),
            track: track.id,
            promised: track.num_frames,
            rate_hz: parameters.sample_rate,
            format,
            decoder,
            decoded: 0,
            damaged_packets: 0,
            repaired: 0,
            interleaved: Vec::new(),
        })
    }

    /// Appends the next packet's samples, mixed; false at the end of the file.
    fn next_into(&mut self, mono: &mut Vec<f32>) -> Result<bool, SourceError> {
        let packet = match contained(|| self.format.next_packet()) {
            Ok(Some(packet)) => packet,
            Ok(None) => return self.finish(),
            Err(DecoderError::ResetRequired) => {
                return Err(self.change("a second stream is chained to the first".to_owned()));
            }
            // A torn last packet; or a file that was piped, whose header promises more than any file holds.
            Err(DecoderError::IoError(error))
                if error.kind() == std::io::ErrorKind::UnexpectedEof =>
            {
                return self.finish();
            }
            Err(DecoderError::IoError(error)) => {
                return Err(SourceError::FileUnreadable { path: self.path.clone(), source: error });
            }
            Err(error) => {
                log::warn!("{} breaks off: {}", self.path.display(), explain(&error));
                return self.finish();
            }
        };
        if packet.track_id == self.track {
            self.decode(&packet, mono)?;
        }
        Ok(true)
    }

    fn decode(&mut self, packet: &Packet, mono: &mut Vec<f32>) -> Result<(), SourceError> {
        match contained(|| self.decoder.decode(packet)) {
            Ok(audio) => {
                let channels = audio.spec().channels().count().max(1);
                let rate_hz = audio.spec().rate();
                audio.copy_to_vec_interleaved(&mut self.interleaved);
                match self.rate_hz.replace(rate_hz) {
                    Some(before) if before != rate_hz => {
                        return Err(self.change(format!("from {before} Hz to {rate_hz} Hz")));
                    }
                    _ => (),
                }
                for frame in self.interleaved.chunks_exact(channels) {
                    let (mean, left_out) = downmix(frame.iter().copied());
                    mono.push(mean);
                    self.repaired += left_out;
                }
                self.decoded += (self.interleaved.len() / channels) as u64;
            }
            Err(DecoderError::ResetRequired) => {
                return Err(self.change("its decoder has to start anew".to_owned()));
            }
            Err(error) => {
                if self.damaged_packets == 0 {
                    log::warn!(
                        "{} is damaged at {:.1} s ({}): silence takes the place of what cannot be read",
                        self.path.display(),
                        self.seconds(),
                        explain(&error)
                    );
                }
                self.damaged_packets += 1;
                // Silence only between sound: a file without one good packet is not audio.
                if self.decoded > 0 {
                    let lost = packet.dur.get().min(MAX_SILENCE_SAMPLES);
                    mono.resize(mono.len() + usize::try_from(lost).unwrap_or(0), 0.0);
                    self.decoded += lost;
                }
            }
        }
        Ok(())
    }

    /// At the end: logs once what was wrong.
    fn finish(&self) -> Result<bool, SourceError> {
        if self.decoded == 0 && self.damaged_packets > 0 {
            let reason = format!("none of its {} packets can be decoded", self.damaged_packets);
            return Err(foreign_file::refused(&self.path, reason));
        }
        if let Some(promised) = self.promised.filter(|&promised| promised > self.decoded) {
            log::warn!(
                "{} is cut short: its header promises {promised} samples, {} are there",
                self.path.display(),
                self.decoded
            );
        }
        Ok(false)
    }

    fn seconds(&self) -> f64 {
        self.decoded as f64 / f64::from(self.rate_hz.unwrap_or(1))
    }

    fn change(&self, change: String) -> SourceError {
        SourceError::FormatChange { path: self.path.clone(), seconds: self.seconds(), change }
    }
}

/// What the library says; a panic in it, of which damaged files cause some, is a file that cannot be read, and no end of
/// the program.
fn contained<T>(act: impl FnOnce() -> Result<T, DecoderError>) -> Result<T, DecoderError> {
    // what it leaves behind may be of no use, and is at worst asked for another packet, in here
    catch_unwind(AssertUnwindSafe(act))
        .unwrap_or(Err(DecoderError::DecodeError("its decoder panicked")))
}

/// The decoder's words, in those of a reader.
fn explain(error: &DecoderError) -> String {
    match error {
        DecoderError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "it ends too early, or no known format was found in it".to_owned()
        }
        other => other.to_string(),
    }
}
