//! The sources as the pipeline sees them: exact accounting in the ring, files of every format and fault, standard input,
//! the demo, the microphone. Runs on the test's threads and the sources' own.

mod clips;
mod command;
mod demo;
mod differential;
mod feeding;
mod limits;
mod microphone;
mod odd_recordings;
mod ring;
mod ring_protocol;

use std::sync::Arc;
use std::time::Duration;

use tympan::domain::{InputCounters, SampleRate};
use tympan::sources::{
    Pace, ReaderSource, RingItem, RunningSource, SampleConsumer, SampleReader, Source, SourceError,
    sample_ring,
};

/// A reader of known samples that may fail, pause or hang.
struct Script {
    rate: SampleRate,
    samples: std::vec::IntoIter<f32>,
    ending: Ending,
}

enum Ending {
    Plain,
    Broken,
    Hanging(crossbeam_channel::Receiver<()>),
}

impl Script {
    fn new(rate_hz: u32, samples: Vec<f32>, ending: Ending) -> Box<Self> {
        let rate = SampleRate::new(rate_hz).unwrap();
        Box::new(Self { rate, samples: samples.into_iter(), ending })
    }
}

impl SampleReader for Script {
    fn name(&self) -> &str {
        "script"
    }

    fn sample_rate(&self) -> SampleRate {
        self.rate
    }

    fn read(&mut self, block: &mut [f32]) -> Result<usize, SourceError> {
        let mut count = 0;
        for (out, sample) in block.iter_mut().zip(&mut self.samples) {
            *out = sample;
            count += 1;
        }
        match &self.ending {
            Ending::Broken if count == 0 => Err(SourceError::StreamUnreadable {
                name: "script".to_owned(),
                source: std::io::ErrorKind::BrokenPipe.into(),
            }),
            Ending::Hanging(release) if count == 0 => {
                let _released = release.recv();
                Ok(0)
            }
            _ => Ok(count),
        }
    }
}

/// Starts a reader on a ring of `capacity`.
fn start(
    reader: Box<dyn SampleReader>,
    pace: Pace,
    capacity: Duration,
) -> (Box<dyn RunningSource>, SampleConsumer, Arc<InputCounters>) {
    let counters = Arc::new(InputCounters::default());
    let (producer, consumer) = sample_ring(reader.sample_rate(), capacity, Arc::clone(&counters));
    let running = Box::new(ReaderSource::new(reader, pace)).start(producer).unwrap();
    (running, consumer, counters)
}

/// Everything the ring yields until it ends: the samples, and the lost samples.
fn drain(consumer: &mut SampleConsumer) -> (Vec<f32>, u64) {
    let (mut captured, mut lost) = (Vec::new(), 0);
    let mut block = [0.0; 700];
    loop {
        match consumer.take(&mut block) {
            RingItem::Samples { count, .. } => captured.extend_from_slice(&block[..count]),
            RingItem::Gap { samples, .. } => lost += samples,
            RingItem::Empty => std::thread::sleep(Duration::from_micros(200)),
            RingItem::Ended => return (captured, lost),
        }
    }
}
