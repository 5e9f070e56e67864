//! What can go wrong with a source. Made by every file of this folder, printed by whoever opened the source.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::DomainError;

/// The formats of recordings that are read, as messages and `--help` name them.
pub const READ_FORMATS: &str = "WAV with RF64 and W64, AIFF, AU, NIST SPHERE, CAF, FLAC, Ogg with Vorbis or FLAC, MP3, MP2, AAC, and AAC or ALAC in M4A and MP4";

/// The command that makes a recording of any that ffmpeg knows.
fn conversion(path: &Path) -> String {
    let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', "'\\''"));
    let made = match path.extension() {
        Some(ending) if ending.eq_ignore_ascii_case("wav") => path.with_extension("converted.wav"),
        _ => path.with_extension("wav"),
    };
    format!("ffmpeg -i {} {}", quoted(path), quoted(&made))
}

/// Why a source could not be opened, started or read on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// No input device has that id or name.
    #[error(
        "no input device {wanted:?}; there are:\n{available}\nName one of these, or \"default\"."
    )]
    DeviceNotFound {
        /// What was asked for.
        wanted: String,
        /// What there is, one `  id  (name)` a line.
        available: String,
    },
    /// The name fits several devices.
    #[error("{wanted:?} fits several input devices:\n{matches}\nGive one of these ids instead.")]
    DeviceAmbiguous {
        /// What was asked for.
        wanted: String,
        /// The devices it fits, one `  id  (name)` a line.
        matches: String,
    },
    /// There is no default input device.
    #[error(
        "no default input device ({reason}); there are:\n{available}\nPlug a microphone in, or name \
         one of these."
    )]
    NoDefaultDevice {
        /// The hosts' errors.
        reason: String,
        /// What there is, one `  id  (name)` a line.
        available: String,
    },
    /// The audio system itself cannot be reached.
    #[error(
        "the audio host {host} is not available: {reason}. Start its server, or choose another \
         host (auto, alsa or pulseaudio)."
    )]
    HostUnavailable {
        /// The host.
        host: String,
        /// Its error.
        reason: String,
    },
    /// Another program holds the device.
    #[error(
        "input device {device} is in use by another program ({reason}). Close that program (`fuser \
         -v /dev/snd/*` names it), capture through the pulseaudio host, which shares devices, or take \
         another:\n{available}"
    )]
    DeviceBusy {
        /// What there is, one `  id  (name)` a line.
        available: String,
        /// The device's id.
        device: String,
        /// The host's error.
        reason: String,
    },
    /// The process may not use the device.
    #[error(
        "no permission to use input device {device} ({reason}). Add the user to the group that \
         owns the device (`usermod -aG audio USER`) and log in again."
    )]
    PermissionDenied {
        /// The device's id.
        device: String,
        /// The host's error.
        reason: String,
    },
    /// The device offers neither its own default nor what was asked for.
    #[error(
        "input device {device} cannot deliver {wanted}: {reason}. Leave the rate unset to take the \
         device's own; `tympan devices` lists what it offers."
    )]
    UnsupportedConfig {
        /// The device's id.
        device: String,
        /// Rate, channels and format that were asked for.
        wanted: String,
        /// The host's error, or what the device offers.
        reason: String,
    },
    /// The device's samples have a format that is not PCM.
    #[error(
        "input device {device} delivers {format} samples, which tympan does not read; it reads \
         8 to 64 bit integers and floats. Choose another device, or the pulseaudio host, which \
         converts."
    )]
    UnsupportedSampleFormat {
        /// The device's id.
        device: String,
        /// The format's name.
        format: String,
    },
    /// A channel was chosen that the source does not have.
    #[error(
        "channel {} was chosen, but {origin} has {channels}, counted from 1. Choose one of them, or \
         leave the channel out to have their mean.",
        u32::from(*channel) + 1
    )]
    NoSuchChannel {
        /// The device or stream.
        origin: String,
        /// The channel that was chosen, counted from 0.
        channel: u16,
        /// How many channels there are.
        channels: u16,
    },
    /// The device or its driver failed in another way.
    #[error("input device {device} failed: {reason}. Try `tympan devices`, or another host.")]
    DeviceFailed {
        /// The device's id.
        device: String,
        /// The host's error.
        reason: String,
    },
    /// A running device was unplugged, or its server went away.
    #[error("input device {device} is gone: {reason}. Plug it in again, or restart its server.")]
    DeviceLost {
        /// The device's id.
        device: String,
        /// The host's error.
        reason: String,
    },
    /// A running device fell silent: its driver delivers nothing, not even zeros.
    #[error(
        "input device {device} delivered no samples for {:.1} s, although its stream is open. Check \
         the cable and `dmesg`; if other programs can record, try another host.",
        silence.as_secs_f32()
    )]
    NoSamplesArrive {
        /// The device's id.
        device: String,
        /// For how long nothing came.
        silence: Duration,
    },
    /// A folder that is searched for recordings cannot be read.
    #[error("{}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A folder that is searched for recordings has none.
    #[error("{}: no recording in this folder; looked for {endings}{unread}", path.display())]
    NoRecordings {
        /// The folder.
        path: PathBuf,
        /// The endings of recordings.
        endings: String,
        /// The recordings in formats that are not read, in words that go on; empty where there are none.
        unread: String,
    },
    /// A file cannot be opened or read.
    #[error("cannot read {}", path.display())]
    FileUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A folder where a recording is to be played.
    #[error("{0} is a folder; run plays one recording. `tympan classify {0}` classifies all of them", path.display())]
    IsFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A file of zero bytes.
    #[error("{} is empty (0 bytes); it needs to be an audio file", path.display())]
    FileEmpty {
        /// The file.
        path: PathBuf,
    },
    /// A well-formed audio file without a single sample.
    #[error("{} holds no samples: its header is there, the audio is not. Record it again.", path.display())]
    FileWithoutSamples {
        /// The file.
        path: PathBuf,
    },
    /// A clip that would take memory beyond reason.
    #[error(
        "{} has more than {max} samples, the most of a clip that is held in memory. Cut it into parts (ffmpeg -i FILE \
         -f segment -segment_time 3600 part%03d.wav), or process it with tympan run --fast --source file:FILE, which holds \
         none of it",
        path.display()
    )]
    ClipTooLong {
        /// The file.
        path: PathBuf,
        /// The most samples of one channel that are held.
        max: usize,
    },
    /// The file is something else than a recording.
    #[error("{} is {what}, not a recording. {mend}", path.display())]
    NotARecording {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// What helps.
        mend: &'static str,
    },
    /// The file is not audio, or of a format that is not read.
    #[error(
        "{} is not an audio file that tympan reads ({reason}). It reads {READ_FORMATS}. Convert it: {}",
        path.display(), conversion(path)
    )]
    UnsupportedFile {
        /// The file.
        path: PathBuf,
        /// The decoder's error.
        reason: String,
    },
    /// The file's sample rate or stream changes on the way.
    #[error(
        "{} changes its format after {seconds:.1} s ({change}); one rate a file is needed. Convert \
         it to one: ffmpeg -i FILE -ar 48000 out.wav",
        path.display()
    )]
    FormatChange {
        /// The file.
        path: PathBuf,
        /// Where, from the file's start.
        seconds: f64,
        /// From what to what.
        change: String,
    },
    /// A sample rate no recorder uses.
    #[error("{origin} has an impossible sample rate")]
    BadRate {
        /// The file, device or format that names the rate.
        origin: String,
        /// The rate and the limits.
        #[source]
        source: DomainError,
    },
    /// The raw format of standard input is mistyped.
    #[error("stdin format {given:?}: {fault}. Write format:rate:channels, such as s16le:48000:1.")]
    PcmSpec {
        /// What was given.
        given: String,
        /// The part that is wrong, and what is allowed there.
        fault: String,
    },
    /// Standard input (or another raw stream) broke.
    #[error("cannot read {name}")]
    StreamUnreadable {
        /// The stream's name.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Standard input (or another stream) ended before it began.
    #[error(
        "{name} brought not one sample: its writer ended at once, or wrote elsewhere. Look at that program's own errors"
    )]
    StreamEmpty {
        /// The stream's name.
        name: String,
    },
    /// The program of a source of kind `command` cannot be started.
    #[error(
        "cannot start the program {program:?}; is it installed, and on the PATH of this process?"
    )]
    CommandStart {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The program has ended, which it should not.
    #[error("{program} {how}{last_line}")]
    CommandEnded {
        /// The program.
        program: String,
        /// How it ended.
        how: String,
        /// What it wrote last to its standard error, in words that go on; empty if it was nothing.
        last_line: String,
    },
    /// The program runs and writes nothing.
    #[error("{program} has written nothing for {:.1} s (lost_after_s)", silence.as_secs_f32())]
    CommandSilent {
        /// The program.
        program: String,
        /// For how long.
        silence: Duration,
    },
    /// The operating system refused a thread.
    #[error("cannot start the thread that reads {name}; check the limit on processes (ulimit -u)")]
    Thread {
        /// The source's name.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The default device has become another one, and is to be followed.
    #[error("the default device is now {now}, no longer {was}")]
    DefaultChanged {
        /// What was captured.
        was: String,
        /// What is the default.
        now: String,
    },
    /// The source has failed before, and its cause has been reported already.
    #[error("source {name} has failed; open it again")]
    AlreadyLost {
        /// The source's name.
        name: String,
    },
    /// The thread that reads the source panicked.
    #[error("the thread that reads {name} panicked; please report this with the log")]
    Panicked {
        /// The source's name.
        name: String,
    },
}
impl SourceError {
    /// Whether this may pass by itself: the device or its server is not there, or another program has it.
    pub fn is_absence(&self) -> bool {
        matches!(
            self,
            Self::DeviceNotFound { .. }
                | Self::NoDefaultDevice { .. }
                | Self::HostUnavailable { .. }
                | Self::DeviceBusy { .. }
                | Self::DeviceLost { .. }
        )
    }
}
