//! Recognises the sounds in a recording:
//!
//! ```text
//! cargo run --release --no-default-features --example classify_file -- RECORDING [BUNDLE]
//! ```

use std::error::Error;
use std::path::PathBuf;

use tympan::offline::Classifier;
use tympan::sources::load_clip;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let recording = arguments.next().ok_or("give the path of a recording")?;
    let bundle = arguments.next().unwrap_or_else(|| "models/esc50".into());

    let clip = load_clip(&recording)?;
    let mut classifier = Classifier::open(&bundle)?;
    let found = classifier.classify(&clip)?;

    println!("the highest mean scores of {} windows:", found.windows.windows);
    for best in found.scores.iter().take(3) {
        println!("  {:<20} {:.2}", best.label, best.score);
    }
    println!("{} events:", found.events.len());
    for event in &found.events {
        let (start, end) = (event.start.as_secs_f64(), event.end.as_secs_f64());
        println!("  {start:6.2} s to {end:6.2} s  {:<20} {:.2}", event.label, event.peak_score);
    }
    Ok(())
}
