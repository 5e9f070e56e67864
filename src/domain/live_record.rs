//! What socket clients get beside the records, for as long as one of them asks for it: the input's level, the model's spectrogram,
//! and why a window began no event. Made by the supervisor and the classify stage, read by whoever shows a daemon; never logged.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::spelling::{one_decimal, utc_millis};
use super::{SampleIndex, WindowRecord};

/// One line that is made on request only.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LiveRecord {
    /// A window's record with [`WindowRecord::reasons`], in place of the one without.
    Window(WindowRecord),
    /// The level of the last 50 ms or more.
    Level(LevelRecord),
    /// The newest column of the spectrogram.
    Mel(MelRecord),
}

/// The level of an input's samples since the record before, of all channels mixed as the model hears them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LevelRecord {
    /// When it was measured.
    #[serde(serialize_with = "utc_millis")]
    pub time: Timestamp,
    /// The source's name.
    pub source: Arc<str>,
    /// The largest sample, in dB of full scale; at least −120.
    #[serde(serialize_with = "one_decimal")]
    pub peak_dbfs: f32,
    /// Root mean square, in dB of full scale; at least −120.
    #[serde(serialize_with = "one_decimal")]
    pub rms_dbfs: f32,
    /// What a tenth of the last ten seconds stays below, in dB of full scale: the room without what sounds in it.
    #[serde(serialize_with = "one_decimal")]
    pub floor_dbfs: f32,
    /// Samples in runs at full scale since the record before.
    pub clipped_samples: u64,
}

/// One column of the log-mel spectrogram that the model sees: the mean of the frames that one hop brings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MelRecord {
    /// When its last sample was captured.
    #[serde(serialize_with = "utc_millis")]
    pub time: Timestamp,
    /// The source's name.
    pub source: Arc<str>,
    /// The first sample that is new in it.
    pub start_sample: SampleIndex,
    /// One past its last sample.
    pub end_sample: SampleIndex,
    /// Lower edge of the lowest band.
    pub low_hz: f32,
    /// Upper edge of the highest band.
    pub high_hz: f32,
    /// Along which frequencies the bands are evenly spaced: `slaney` or `htk`.
    pub scale: Arc<str>,
    /// What 0 in the column stands for, in the model's dB of power.
    #[serde(serialize_with = "one_decimal")]
    pub low_db: f32,
    /// What 255 in the column stands for.
    #[serde(serialize_with = "one_decimal")]
    pub high_db: f32,
    /// A value a band, the lowest band first: `[mel_bands]`, evenly from `low_db` to `high_db`.
    #[serde(serialize_with = "as_base64", deserialize_with = "from_base64")]
    pub column: Vec<u8>,
}

fn as_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_base64_in_json_and_comes_back() {
        let record = MelRecord {
            time: "2026-01-01T12:00:00.08Z".parse().unwrap(),
            source: "mic".into(),
            start_sample: SampleIndex(0),
            end_sample: SampleIndex(3840),
            low_hz: 50.0,
            high_hz: 7500.0,
            scale: "slaney".into(),
            low_db: -100.0,
            high_db: 20.0,
            column: vec![0, 1, 128, 255],
        };
        let line = serde_json::to_string(&LiveRecord::Mel(record.clone())).unwrap();
        assert!(
            line.contains("\"type\":\"mel\"") && line.contains("\"column\":\"AAGA/w==\""),
            "{line}"
        );
        assert_eq!(serde_json::from_str::<MelRecord>(&line).unwrap(), record);
    }
}
