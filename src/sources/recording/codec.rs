//! The library's decoders, made and called so that neither a panic in one nor what it says gets out as it is. Called by the
//! readers of containers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as LibraryError;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};

use super::super::limits::absurd_header;
use super::block::{Block, Fault};

/// What the library says; a panic in it, of which damaged files cause some, is a file that cannot be read, and no end of
/// the program.
pub(super) fn contained<T>(
    act: impl FnOnce() -> Result<T, LibraryError>,
) -> Result<T, LibraryError> {
    // what it leaves behind may be of no use, and is at worst asked for another packet, in here
    catch_unwind(AssertUnwindSafe(act))
        .unwrap_or(Err(LibraryError::DecodeError("its decoder panicked")))
}

/// The library's words, in those of a reader.
pub(super) fn explain(error: &LibraryError) -> String {
    match error {
        LibraryError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "it ends too early, or no known format was found in it".to_owned()
        }
        other => other.to_string(),
    }
}

/// A decoder of what `parameters` say.
///
/// # Errors
/// [`Fault::Refused`] where there is none, or the sizes are absurd.
pub(super) fn make_decoder(
    parameters: &AudioCodecParameters,
) -> Result<Box<dyn AudioDecoder>, Fault> {
    if let Some(reason) = absurd_header(parameters) {
        return Err(Fault::Refused(reason));
    }
    let make = || {
        let options = AudioDecoderOptions::default();
        symphonia::default::get_codecs().make_audio_decoder(parameters, &options)
    };
    contained(make).map_err(|error| Fault::Refused(explain(&error)))
}

/// Replaces the samples of `block` by those of one packet.
///
/// # Errors
/// Why there are none.
pub(super) fn decode(
    decoder: &mut dyn AudioDecoder,
    bytes: &[u8],
    block: &mut Block,
) -> Result<(), String> {
    decode_frames(decoder, bytes, 0, block)
}

/// As [`decode`], of a packet that says nothing of how many `frames` it has.
///
/// # Errors
/// Why there are none.
pub(super) fn decode_frames(
    decoder: &mut dyn AudioDecoder,
    bytes: &[u8],
    frames: u64,
    block: &mut Block,
) -> Result<(), String> {
    let packet = Packet::new(0, Timestamp::from(0), Duration::from(frames), bytes);
    let decoded = contained(|| {
        let audio = decoder.decode(&packet)?;
        block.take(&audio);
        Ok(())
    });
    decoded.map_err(|error| {
        block.samples.clear();
        explain(&error)
    })
}
