//! The sink that writes clips: the audio around events, for the labels that the configuration names. Its queue feeds it
//! records, which it hands to the clips of their source; runs on the thread `tympan-clips`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::audio_tap::{AudioTap, audio_tap};
use super::clip_clock::Now;
use super::clip_spec::ClipSpec;
use super::clip_wav::Clip;
use super::source_clips::SourceClips;
use super::wav_files::WavFiles;
use crate::domain::{OutputCounters, Overflow, Published, SampleRate};
use crate::sinks::{Sink, SinkError};

/// Clips that may wait for a disk that is full; then the oldest are dropped.
const CLIPS_WAITING: usize = 8;

/// From one search for clips that are too old to the next.
const CLEANUP_PERIOD: Duration = Duration::from_secs(600);

/// Keeps clips of events.
#[derive(Debug)]
pub struct ClipFolder {
    spec: ClipSpec,
    files: WavFiles,
    sources: Vec<SourceClips>,
    ready: VecDeque<Clip>,
    last_cleanup: Option<Instant>,
}

impl ClipFolder {
    /// Opens the folder. What is deleted is counted in `counters`.
    ///
    /// # Errors
    /// [`SinkError::ClipFolder`] when the folder cannot be made or written.
    pub fn open(spec: ClipSpec, counters: Arc<OutputCounters>) -> Result<Self, SinkError> {
        let (folder, now) = (spec.folder.clone(), Now::read());
        let files = WavFiles::open(folder, spec.total_bytes, spec.age, counters, now)
            .map_err(|source| SinkError::ClipFolder { folder: spec.folder.clone(), source })?;
        let (sources, ready) = (Vec::new(), VecDeque::new());
        Ok(Self { spec, files, sources, ready, last_cleanup: None })
    }

    /// Records the events of a source too, by its name in the records; the tap is for its feature stage.
    pub fn add_source(
        &mut self,
        name: &Arc<str>,
        sample_rate: SampleRate,
        overflow: Overflow,
    ) -> AudioTap {
        let (tap, feed) = audio_tap(sample_rate, overflow);
        self.sources.push(SourceClips::new(Arc::clone(name), sample_rate, feed));
        tap
    }

    fn failed(&self, source: std::io::Error) -> SinkError {
        SinkError::ClipFolder { folder: self.spec.folder.clone(), source }
    }
}

impl Sink for ClipFolder {
    fn name(&self) -> &str {
        "clips"
    }

    fn write(&mut self, published: &Published) -> Result<(), SinkError> {
        let Self { sources, spec, ready, .. } = self;
        let source = published.record.source();
        let Some(clips) = sources.iter_mut().find(|clips| clips.is_of(source)) else {
            return Ok(());
        };
        clips.push(published, spec, &mut |clip| {
            if ready.len() == CLIPS_WAITING {
                ready.pop_front();
                log::warn!("a clip is dropped: {CLIPS_WAITING} others wait to be written");
            }
            ready.push_back(clip);
        });
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        let now = Now::read();
        while let Some(clip) = self.ready.front() {
            let written = self.files.write(clip, now);
            written.map_err(|source| self.failed(source))?;
            self.ready.pop_front();
        }
        let last = self.last_cleanup;
        if last.is_none_or(|last| now.monotonic.saturating_duration_since(last) >= CLEANUP_PERIOD) {
            let shrunk = self.files.shrink(0, now);
            shrunk.map_err(|source| self.failed(source))?;
            self.last_cleanup = Some(now.monotonic);
        }
        Ok(())
    }
}
