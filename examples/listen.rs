//! Prints what sounds at the microphone, or in the built-in demo:
//!
//! ```text
//! cargo run --release --no-default-features --example listen             # the default microphone; Ctrl-C ends it
//! cargo run --release --no-default-features --example listen -- demo     # the demo, as fast as possible
//! ```

use std::error::Error;
use std::sync::Arc;

use tympan::domain::{EventPhase, Overflow, Record};
use tympan::live::{Daemon, DaemonBuilder, Recipe};
use tympan::model::{Model, NetworkScorer};
use tympan::sources::{Microphone, MicrophoneSpec, Pace, ReaderSource, Repeat, Soundscape};

fn main() -> Result<(), Box<dyn Error>> {
    let model = Arc::new(Model::open("models/esc50".as_ref())?);
    let (recipe, scorer) = (Recipe::standard(&model)?, NetworkScorer::new(&model));
    let builder: DaemonBuilder = if std::env::args().nth(1).as_deref() == Some("demo") {
        let demo = Soundscape::with_repeat(Soundscape::DEMO_SEED, Repeat::Once);
        let source = ReaderSource::new(Box::new(demo), Pace::AsFastAsPossible);
        Daemon::builder(source, recipe, scorer).overflow(Overflow::Block)
    } else {
        Daemon::builder(Microphone::open(&MicrophoneSpec::default())?, recipe, scorer)
    };
    let outcome = builder.on_record(print).build().run()?;
    println!("{outcome:?}");
    Ok(())
}

fn print(record: &Record) {
    match record {
        Record::Event(event) => match event.phase {
            EventPhase::Onset { score, .. } => println!("{} begins ({score:.2})", event.label),
            EventPhase::Offset { .. } => println!("{} ends", event.label),
        },
        Record::Gap(gap) => println!("{} samples were lost", gap.samples),
        Record::Status(status) => println!("{}: {}", status.state, status.detail),
        // twelve a second
        Record::Window(_) => {}
    }
}
