//! What can be wrong with the parameters of a processing step. Raised by `new` alone: processing itself cannot fail.

/// Parameters that no processing step can be built from.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DspError {
    /// The resampler refused its rates.
    #[error("cannot resample from {from_hz} Hz to {to_hz} Hz: {reason}")]
    Resampler {
        /// Input rate.
        from_hz: u32,
        /// Output rate.
        to_hz: u32,
        /// The library's words.
        reason: String,
    },
    /// A transform size that is odd, or outside what a spectrogram can use.
    #[error("fft_size is {found}; it must be even and between 16 and 65536")]
    FftSize {
        /// As given.
        found: usize,
    },
    /// A taper longer than the transform, or empty.
    #[error("taper_samples is {found}; it must be between 1 and fft_size, which is {fft_size}")]
    TaperLength {
        /// As given.
        found: usize,
        /// The transform's size.
        fft_size: usize,
    },
    /// A hop of zero, or one that would leave samples out of every frame.
    #[error(
        "frame_hop_samples is {found}; it must be between 1 and taper_samples, which is {taper_samples}"
    )]
    FrameHop {
        /// As given.
        found: usize,
        /// The taper's length.
        taper_samples: usize,
    },
    /// A pre-emphasis that would take away all of a steady signal, or add to it.
    #[error("pre_emphasis is {found}; it must be at least 0 and below 1, such as 0.97")]
    PreEmphasis {
        /// As given.
        found: f32,
    },
    /// Band edges that are not in order, or beyond half the sample rate.
    #[error(
        "mel bands from {low_hz} Hz to {high_hz} Hz; they must rise, from 0 Hz or more to at most half the sample rate, {nyquist_hz} Hz"
    )]
    BandEdges {
        /// Lower edge of the lowest band.
        low_hz: f64,
        /// Upper edge of the highest band.
        high_hz: f64,
        /// Half the sample rate.
        nyquist_hz: f64,
    },
    /// A threshold of an envelope that no sound reaches, or that is not a number.
    #[error("the envelope's threshold is {found_dbfs} dBFS; it must be between -150 and 0 dBFS")]
    EnvelopeThreshold {
        /// As given.
        found_dbfs: f32,
    },
    /// No bands at all.
    #[error("mel_bands is 0; it must be at least 1")]
    NoBands,
    /// So many bands that some lie between two bins of the transform and would always be zero.
    #[error(
        "mel band {band} of {mel_bands} holds no bin of a {fft_size}-point transform; take fewer bands or a larger fft_size"
    )]
    EmptyBand {
        /// The first empty band.
        band: usize,
        /// How many bands were asked for.
        mel_bands: usize,
        /// The transform's size.
        fft_size: usize,
    },
}
