//! A microphone that plays the demo many times faster than life, and is unplugged, delayed and cut off at will. It never
//! waits for anybody, as no device does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tympan::domain::{InputCounters, SampleRate};
use tympan::live::Reopen;
use tympan::sources::{
    Repeat, RunningSource, SampleProducer, SampleReader, Soundscape, Source, SourceError,
    SourceState,
};

/// What happens to it; shared with whoever makes it happen.
#[derive(Clone)]
pub struct Device {
    round: Arc<[f32]>,
    speed: f64,
    counters: Arc<InputCounters>,
    unplugged: Arc<AtomicBool>,
    hushed: Arc<AtomicBool>,
    /// Attempts to open it that still fail.
    refusals: Arc<AtomicU64>,
    next_rate: Arc<AtomicU64>,
    /// Samples that the driver is about to lose.
    overrun: Arc<AtomicU64>,
    lost_in_driver: Arc<AtomicU64>,
    captured_us: Arc<AtomicU64>,
}

// SeqCst throughout: a test wants no subtlety
const ORDER: Ordering = Ordering::SeqCst;

impl Device {
    /// The demo once, at 48 kHz.
    pub fn demo() -> Arc<[f32]> {
        let mut demo = Soundscape::with_repeat(1, Repeat::Once);
        let (mut round, mut block) = (Vec::new(), vec![0.0; 4_800]);
        loop {
            match demo.read(&mut block).unwrap() {
                0 => break,
                read => round.extend_from_slice(&block[..read]),
            }
        }
        round.into()
    }

    /// Plays `round` over and over.
    pub fn new(round: Arc<[f32]>, speed: f64, counters: Arc<InputCounters>) -> Self {
        Self {
            round,
            speed,
            counters,
            unplugged: Arc::default(),
            hushed: Arc::default(),
            refusals: Arc::default(),
            next_rate: Arc::new(AtomicU64::new(48_000)),
            overrun: Arc::default(),
            lost_in_driver: Arc::default(),
            captured_us: Arc::default(),
        }
    }

    pub fn open(&self, hz: u32) -> Box<dyn Source> {
        Box::new(Opened { device: self.clone(), rate: SampleRate::new(hz).unwrap() })
    }

    pub fn reopen(&self) -> Reopen {
        let device = self.clone();
        Arc::new(move || {
            if device.refusals.load(ORDER) > 0 {
                device.refusals.fetch_sub(1, ORDER);
                return Err(gone());
            }
            device.unplugged.store(false, ORDER);
            Ok(device.open(device.next_rate.load(ORDER) as u32))
        })
    }

    /// Takes it away; after so many attempts it comes back at another rate.
    pub fn unplug(&self, refusals: u64, hz: u32) {
        self.refusals.store(refusals, ORDER);
        self.next_rate.store(u64::from(hz), ORDER);
        self.unplugged.store(true, ORDER);
    }

    /// Delivers nothing more, without being lost.
    pub fn hush(&self) {
        self.hushed.store(true, ORDER);
    }

    pub fn overrun(&self, samples: u64) {
        self.overrun.store(samples, ORDER);
    }

    /// Audio that it has delivered so far.
    pub fn captured(&self) -> Duration {
        Duration::from_micros(self.captured_us.load(ORDER))
    }

    pub fn lost_in_driver(&self) -> u64 {
        self.lost_in_driver.load(ORDER)
    }

    /// Delivers until it is unplugged or not wanted any more.
    fn deliver(&self, rate: SampleRate, mut producer: SampleProducer, stop: &AtomicBool) {
        let began = Instant::now();
        let (mut delivered, mut place) = (0_u64, 0);
        let block = (rate.hz() / 100) as usize;
        while !stop.load(ORDER) && !self.unplugged.load(ORDER) {
            let due = (began.elapsed().as_secs_f64() * self.speed * f64::from(rate.hz())) as u64;
            while delivered + block as u64 <= due && !self.hushed.load(ORDER) {
                if place + block > self.round.len() {
                    place = 0;
                }
                producer.push_block(&self.round[place..place + block], Instant::now());
                place += block;
                delivered += block as u64;
                self.captured_us.fetch_add(10_000, ORDER);
            }
            match self.overrun.swap(0, ORDER) {
                0 => {}
                samples => {
                    producer.note_driver_gap(samples, Instant::now());
                    self.lost_in_driver.fetch_add(samples, ORDER);
                    self.counters.driver_overruns.add(1);
                }
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }
}

fn gone() -> SourceError {
    SourceError::DeviceLost { device: "soak".into(), reason: "unplugged".into() }
}

struct Opened {
    device: Device,
    rate: SampleRate,
}

impl Source for Opened {
    fn name(&self) -> &str {
        "soak"
    }

    fn sample_rate(&self) -> SampleRate {
        self.rate
    }

    fn start(
        self: Box<Self>,
        producer: SampleProducer,
    ) -> Result<Box<dyn RunningSource>, SourceError> {
        let stop = Arc::new(AtomicBool::new(false));
        let (device, rate, stopped) = (self.device.clone(), self.rate, Arc::clone(&stop));
        let thread = std::thread::spawn(move || device.deliver(rate, producer, &stopped));
        Ok(Box::new(Delivering { device: self.device, stop, thread: Some(thread) }))
    }
}

struct Delivering {
    device: Device,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl RunningSource for Delivering {
    fn state(&mut self) -> SourceState {
        if self.device.unplugged.load(ORDER) {
            SourceState::Lost(gone())
        } else {
            SourceState::Running
        }
    }
}

impl Drop for Delivering {
    fn drop(&mut self) {
        self.stop.store(true, ORDER);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}
