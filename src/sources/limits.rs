//! Limits on the lengths that a file or a pipe may claim: each is checked before memory is allocated for it. Used by the readers of clips and of raw PCM.

use std::path::Path;

use symphonia::core::codecs::audio::AudioCodecParameters;

use super::SourceError;

/// More channels than any interface has.
pub(super) const MAX_CHANNELS: u16 = 256;

/// Samples of one packet, over all channels: 64 MiB as floats. FLAC has at most 65,535 × 8, a WAV of 256 channels 1,152
/// of each.
const MAX_PACKET_SAMPLES: u64 = 1 << 24;

/// The longest clip that is held in memory: 4 GiB of samples, six hours at 48 kHz. A small file can hold more, for
/// silence takes almost nothing in FLAC.
const MAX_CLIP_SAMPLES: usize = 1 << 30;

/// What is wrong with the sizes that a file's header claims: decoders allocate by them.
pub(super) fn absurd_header(parameters: &AudioCodecParameters) -> Option<String> {
    let channels = parameters.channels.as_ref().map_or(1, |channels| channels.count());
    if channels > usize::from(MAX_CHANNELS) {
        return Some(format!(
            "it claims {channels} channels; at most {MAX_CHANNELS} are read. Its header is damaged, or it needs to be \
             mixed down"
        ));
    }
    let frames = parameters.max_frames_per_packet.unwrap_or(0);
    let samples = frames.saturating_mul(channels as u64);
    (samples > MAX_PACKET_SAMPLES).then(|| {
        format!(
            "it claims {samples} samples in one packet; at most {MAX_PACKET_SAMPLES} are read. Its header is damaged"
        )
    })
}

/// Checks that a clip which is held in memory stays within reason.
///
/// # Errors
/// [`SourceError::ClipTooLong`].
pub(super) fn check_clip_samples(path: &Path, samples: usize) -> Result<(), SourceError> {
    if samples > MAX_CLIP_SAMPLES {
        let path = path.to_owned();
        return Err(SourceError::ClipTooLong { path, max: MAX_CLIP_SAMPLES });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use symphonia::core::audio::Channels;

    use super::*;

    #[test]
    fn a_clip_beyond_memory_is_refused_with_the_way_to_process_it() {
        let path = Path::new("/long.flac");
        assert!(check_clip_samples(path, MAX_CLIP_SAMPLES).is_ok());
        let error = check_clip_samples(path, MAX_CLIP_SAMPLES + 1).unwrap_err().to_string();
        assert!(error.contains("/long.flac") && error.contains("1073741824"), "{error}");
        assert!(error.contains("--source file:FILE"), "{error}");
    }

    #[test]
    fn channels_beyond_any_recorders_are_refused() {
        let mut parameters = AudioCodecParameters::new();
        parameters.with_channels(Channels::Discrete(MAX_CHANNELS));
        assert_eq!(absurd_header(&parameters), None);
        parameters.with_channels(Channels::Discrete(u16::MAX));
        assert!(absurd_header(&parameters).unwrap().contains("65535 channels; at most 256"));
    }

    #[test]
    fn a_packet_beyond_memory_is_refused() {
        let mut parameters = AudioCodecParameters::new();
        parameters.with_max_frames_per_packet(MAX_PACKET_SAMPLES);
        assert_eq!(absurd_header(&parameters), None);
        parameters.with_max_frames_per_packet(u64::MAX);
        assert!(absurd_header(&parameters).unwrap().contains("at most 16777216"));
    }
}
