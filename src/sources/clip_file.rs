//! Recordings, decoded as they are read: what `recording` makes of their bytes, as one stream of samples at one rate, with
//! silence where sound was lost. The only decoder in the program.

use std::collections::VecDeque;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::limits::check_clip_samples;
use super::mixdown::{Mixdown, Whole, range_of};
use super::recording::{self, Block, ByteReader, Decode, Fault, Note};
use super::{ChannelSelection, Repeat, SampleReader, SourceError, foreign_file};
use crate::domain::{Clip, SampleRate};
use crate::dsp::Resampler;
use crate::files;

/// Samples of silence given out at a time.
const SILENCE_SAMPLES: u64 = 1 << 14;

/// How much of a recording of floats is decoded ahead, to see what scale they have: at most, over all channels.
const AHEAD_SAMPLES: usize = 1 << 21;

/// The same in time.
const AHEAD_SECONDS: usize = 10;

/// Damaged places that are reported one by one; then their sum is.
const MAX_DAMAGE_NOTES: u64 = 8;

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

/// A recording, read once or for ever, mixed to one channel at the rate that it begins with.
///
/// What encoders add at the beginning and the end is trimmed where the file says what. Sound that is lost becomes silence of
/// its length, so that what follows keeps its place; recordings joined in one file follow each other, resampled where
/// their rates differ. All of that is logged, and a file that ends early as well.
pub struct ClipFile {
    name: String,
    origin: Origin,
    repeat: Repeat,
    sample_rate: SampleRate,
    decoding: Decoding,
    pending: Vec<f32>,
    taken: usize,
    /// Reported once what came before it has been read.
    failure: Option<SourceError>,
}

/// Where the bytes come from.
enum Origin {
    File { path: PathBuf, selection: ChannelSelection },
    Stream,
}

impl ClipFile {
    /// Opens a file and decodes its beginning; its channels become their mean.
    ///
    /// # Errors
    /// [`SourceError::FileUnreadable`], [`SourceError::FileEmpty`], [`SourceError::UnsupportedFile`] (not audio, or a
    /// codec that is not read), [`SourceError::BadRate`], or [`SourceError::FileWithoutSamples`] (a header alone).
    pub fn open(path: &Path, repeat: Repeat) -> Result<Self, SourceError> {
        Self::open_channel(path, repeat, ChannelSelection::Mix)
    }

    /// As [`Self::open`], with the channels that `selection` says.
    ///
    /// # Errors
    /// As [`Self::open`], and [`SourceError::NoSuchChannel`].
    pub fn open_channel(
        path: &Path,
        repeat: Repeat,
        selection: ChannelSelection,
    ) -> Result<Self, SourceError> {
        let unreadable = |source| SourceError::FileUnreadable { path: path.to_owned(), source };
        let file = files::open_regular_within(path).map_err(unreadable)?;
        if file.metadata().map_err(unreadable)?.len() == 0 {
            return Err(SourceError::FileEmpty { path: path.to_owned() });
        }
        let bytes = ByteReader::file(file).map_err(unreadable)?;
        let name = path.display().to_string();
        let origin = Origin::File { path: path.to_owned(), selection };
        Self::begin(name, origin, bytes, repeat, selection, None)
    }

    /// Reads a recording from a pipe, which records call `name`.
    ///
    /// # Errors
    /// As [`Self::open_channel`], with [`SourceError::StreamEmpty`] when nothing comes.
    pub fn of_stream(
        name: &str,
        stream: Box<dyn Read + Send>,
        selection: ChannelSelection,
    ) -> Result<Self, SourceError> {
        let mut bytes = ByteReader::stream(stream);
        let unreadable = |source| SourceError::StreamUnreadable { name: name.to_owned(), source };
        if bytes.peek(1).map_err(unreadable)?.is_empty() {
            return Err(SourceError::StreamEmpty { name: name.to_owned() });
        }
        Self::of_bytes(name, bytes, selection, None)
    }

    /// As [`Self::of_stream`], of bytes that were looked at already, at `rate` where there is one.
    pub(super) fn of_bytes(
        name: &str,
        bytes: ByteReader,
        selection: ChannelSelection,
        rate: Option<SampleRate>,
    ) -> Result<Self, SourceError> {
        Self::begin(name.to_owned(), Origin::Stream, bytes, Repeat::Once, selection, rate)
    }

    fn begin(
        name: String,
        origin: Origin,
        bytes: ByteReader,
        repeat: Repeat,
        selection: ChannelSelection,
        rate: Option<SampleRate>,
    ) -> Result<Self, SourceError> {
        let ending = Path::new(&name).extension().map(|it| it.to_string_lossy().into_owned());
        let mut decoding = Decoding::open(&name, bytes, ending.as_deref(), selection)?;
        decoding.rate_hz = rate.map(SampleRate::hz);
        let mut pending = Vec::new();
        while pending.is_empty() {
            if !decoding.next_into(&mut pending)? {
                return Err(SourceError::FileWithoutSamples { path: PathBuf::from(&name) });
            }
        }
        let sample_rate = decoding.rate().ok_or_else(|| decoding.bad_rate())?;
        Ok(Self { name, origin, repeat, sample_rate, decoding, pending, taken: 0, failure: None })
    }

    /// How many bytes have been read of it, as it goes on, for whoever shows progress.
    pub fn bytes_read(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.decoding.bytes_read)
    }

    /// Whether there are samples in `pending`, after decoding more if there were none; false at the end.
    fn fill_pending(&mut self) -> Result<bool, SourceError> {
        while self.taken >= self.pending.len() {
            self.pending.clear();
            self.taken = 0;
            if self.decoding.next_into(&mut self.pending)? {
                continue;
            }
            let Origin::File { path, selection } = &self.origin else { return Ok(false) };
            if self.repeat == Repeat::Once {
                return Ok(false);
            }
            // Opened anew rather than sought: every format can, and a file replaced meanwhile is taken whole.
            let again = Self::open_channel(path, self.repeat, *selection)?;
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
        self.decoding.mixdown.take_repaired()
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn sample_rate(&self) -> SampleRate {
        self.sample_rate
    }

    fn read(&mut self, block: &mut [f32]) -> Result<usize, SourceError> {
        let mut count = 0;
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        while count < block.len() {
            match self.fill_pending() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if count == 0 => return Err(error),
                Err(error) => {
                    self.failure = Some(error);
                    break;
                }
            }
            let left = &self.pending[self.taken..];
            let copied = left.len().min(block.len() - count);
            block[count..count + copied].copy_from_slice(&left[..copied]);
            self.taken += copied;
            count += copied;
        }
        Ok(count)
    }
}

/// One pass through a recording.
struct Decoding {
    name: String,
    decoder: Box<dyn Decode>,
    bytes_read: Arc<AtomicU64>,
    /// Decoded ahead.
    ahead: VecDeque<Block>,
    mixdown: Mixdown,
    /// The rate of everything that is given out, once there is something.
    rate_hz: Option<u32>,
    /// The rate and channels of the last block.
    form: (u32, usize),
    resampler: Option<Resampler>,
    /// Silence to give out before `block`, at the rate of the block.
    silence: u64,
    block: Block,
    /// Given out so far.
    given: u64,
    damage: Damage,
    ended: bool,
}

/// What was lost, over all places.
#[derive(Debug, Default)]
struct Damage {
    places: u64,
    seconds: f64,
    /// What was wrong at the first of them.
    reason: Option<String>,
}

impl Decoding {
    fn open(
        name: &str,
        bytes: ByteReader,
        ending: Option<&str>,
        selection: ChannelSelection,
    ) -> Result<Self, SourceError> {
        let bytes_read = bytes.counter();
        let is_file = bytes.left().is_some();
        let decoder = recording::open(bytes, ending).map_err(|fault| in_full(name, fault))?;
        let mut decoding = Self {
            name: name.to_owned(),
            decoder,
            bytes_read,
            ahead: VecDeque::new(),
            mixdown: Mixdown::new(name.to_owned(), selection),
            rate_hz: None,
            form: (0, 0),
            resampler: None,
            silence: 0,
            block: Block::default(),
            given: 0,
            damage: Damage::default(),
            ended: false,
        };
        if decoding.decoder.has_floats() && is_file {
            decoding.look_ahead()?;
        }
        Ok(decoding)
    }

    /// Decodes some floats ahead, and has them scaled where they need to be.
    fn look_ahead(&mut self) -> Result<(), SourceError> {
        let (mut samples, mut peak, mut whole) = (0, 0.0f32, Whole::All);
        loop {
            let mut block = Block::default();
            let goes_on = self.decoder.next(&mut block);
            let goes_on = goes_on.map_err(|fault| in_full(&self.name, fault))?;
            let (block_peak, block_whole) = range_of(&block.samples);
            peak = peak.max(block_peak);
            whole = if block_whole == Whole::Some { Whole::Some } else { whole };
            samples += block.samples.len();
            let enough = AHEAD_SECONDS * block.rate_hz as usize * block.channels;
            self.ahead.push_back(block);
            if !goes_on || samples >= enough.min(AHEAD_SAMPLES) {
                break;
            }
        }
        self.mixdown.scale_by(peak, whole);
        Ok(())
    }

    fn rate(&self) -> Option<SampleRate> {
        self.rate_hz.and_then(|hz| SampleRate::new(hz).ok())
    }

    fn bad_rate(&self) -> SourceError {
        let hz = self.rate_hz.unwrap_or(0);
        match SampleRate::new(hz) {
            Err(source) => SourceError::BadRate { origin: self.name.clone(), source },
            Ok(_) => self.change(format!("to {hz} Hz")),
        }
    }

    /// Appends some samples to `mono`, maybe none; false at the end of the recording.
    fn next_into(&mut self, mono: &mut Vec<f32>) -> Result<bool, SourceError> {
        let before = mono.len();
        let goes_on = self.advance(mono)?;
        self.given += (mono.len() - before) as u64;
        Ok(goes_on || mono.len() > before)
    }

    fn advance(&mut self, mono: &mut Vec<f32>) -> Result<bool, SourceError> {
        // nothing is given out before the first sound: a file without any is no recording
        if self.silence > 0 && self.rate_hz.is_some() {
            let now = self.silence.min(SILENCE_SAMPLES);
            self.silence -= now;
            let silence = vec![0.0; usize::try_from(now).expect("invariant: a few thousand")];
            self.give(&silence, mono);
            return Ok(true);
        }
        if !self.block.samples.is_empty() {
            let (samples, form) = (std::mem::take(&mut self.block.samples), self.form);
            let mut mixed = Vec::with_capacity(samples.len() / form.1.max(1));
            self.mixdown.push(&samples, form.1.max(1), form.0, &mut mixed)?;
            self.block.samples = samples;
            self.block.samples.clear();
            if self.resampler.is_none() && mono.is_empty() {
                *mono = mixed;
            } else {
                self.give(&mixed, mono);
            }
            return Ok(true);
        }
        if self.ended {
            return Ok(false);
        }
        let goes_on = match self.ahead.pop_front() {
            Some(block) => {
                let goes_on = block.channels > 0 && !block.samples.is_empty();
                self.block = block;
                goes_on || !self.ahead.is_empty()
            }
            None => {
                let goes_on = self.decoder.next(&mut self.block);
                goes_on.map_err(|fault| in_full(&self.name, fault))?
            }
        };
        if !self.block.samples.is_empty() {
            self.follow(mono)?;
        }
        self.report();
        self.silence += self.block.lost;
        if !goes_on {
            self.end(mono)?;
        }
        Ok(goes_on)
    }

    /// Gives out samples of one channel.
    fn give(&mut self, samples: &[f32], mono: &mut Vec<f32>) {
        match &mut self.resampler {
            None => mono.extend_from_slice(samples),
            Some(resampler) => {
                resampler.push(samples, &mut |output| mono.extend_from_slice(output));
            }
        }
    }

    /// Sees to it that a change of the rate changes nothing for whoever reads.
    fn follow(&mut self, mono: &mut Vec<f32>) -> Result<(), SourceError> {
        let before = std::mem::replace(&mut self.form, (self.block.rate_hz, self.block.channels));
        let Some(rate_hz) = self.rate_hz else {
            self.rate_hz = Some(self.block.rate_hz);
            return Ok(());
        };
        if before.1 != self.form.1 && before.1 > 0 {
            log::info!(
                "{}: at {:.2} s, it changes from {} to {} channels",
                self.name,
                self.seconds(),
                before.1,
                self.form.1
            );
        }
        if before.0 == self.form.0 {
            return Ok(());
        }
        if let Some(mut last) = self.resampler.take() {
            last.flush(&mut |output| mono.extend_from_slice(output));
        }
        let change = |reason: &str| {
            self.change(format!("from {} Hz to {} Hz{reason}", before.0, self.form.0))
        };
        let from = SampleRate::new(self.form.0).map_err(|_| change(", which no recorder has"))?;
        let to = SampleRate::new(rate_hz).map_err(|_| change(""))?;
        if before.0 > 0 {
            log::warn!(
                "{}: at {:.2} s, its rate changes from {} Hz to {} Hz; all of it is heard at {rate_hz} Hz",
                self.name,
                self.seconds(),
                before.0,
                self.form.0
            );
        }
        if from != to {
            let resampler = Resampler::new(from, to);
            self.resampler = Some(resampler.map_err(|error| change(&format!(": {error}")))?);
        }
        Ok(())
    }

    /// Logs what the decoder has to say of the block.
    fn report(&mut self) {
        let place = self.seconds();
        let lost = self.block.lost as f64 / f64::from(self.form.0.max(1));
        for note in std::mem::take(&mut self.block.notes) {
            let name = &self.name;
            match note {
                Note::Joined => log::info!("{name}: at {place:.2} s, another recording begins"),
                Note::Odd(what) => log::warn!("{name} {what}"),
                Note::Damage { bytes, reason } => {
                    self.damage.places += 1;
                    self.damage.seconds += lost;
                    if self.damage.places <= MAX_DAMAGE_NOTES && self.rate_hz.is_some() {
                        log::warn!(
                            "{name} is damaged at {place:.2} s: {lost:.2} s cannot be read ({bytes} bytes; {reason}), and silence \
                             takes their place"
                        );
                    }
                    self.damage.reason.get_or_insert(reason);
                }
            }
        }
    }

    fn end(&mut self, mono: &mut Vec<f32>) -> Result<(), SourceError> {
        self.ended = true;
        if let (None, Some(reason)) = (self.rate_hz, self.damage.reason.take()) {
            let reason =
                format!("none of its {} packets can be decoded: {reason}", self.damage.places);
            return Err(SourceError::UnsupportedFile { path: PathBuf::from(&self.name), reason });
        }
        if let Some(mut last) = self.resampler.take() {
            last.flush(&mut |output| mono.extend_from_slice(output));
        }
        self.mixdown.check_cancelling();
        let Damage { places, seconds, .. } = self.damage;
        if places > MAX_DAMAGE_NOTES {
            log::warn!(
                "{} is damaged at {places} places, of which the first {MAX_DAMAGE_NOTES} are named; {seconds:.2} s in all cannot \
                 be read",
                self.name
            );
        }
        Ok(())
    }

    /// Where whoever reads stands.
    fn seconds(&self) -> f64 {
        self.given as f64 / f64::from(self.rate_hz.unwrap_or(1).max(1))
    }

    fn change(&self, change: String) -> SourceError {
        let path = PathBuf::from(&self.name);
        SourceError::FormatChange { path, seconds: self.seconds(), change }
    }
}

/// A decoder's fault, as the fault of what is called `name`.
fn in_full(name: &str, fault: Fault) -> SourceError {
    let path = PathBuf::from(name);
    match fault {
        Fault::Io(source) => SourceError::FileUnreadable { path, source },
        Fault::Refused(reason) => foreign_file::refused(&path, reason),
    }
}
