//! What a client asks of a running daemon beside the records: level, spectrogram, reasons.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use tympan::protocol::{Address, Client, Message, RecordKind, RecordKinds, Request, Subscription};

use super::{Running, tympan};

#[test]
fn a_client_gets_levels_columns_and_reasons_of_what_sounds() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let mut command = tympan();
    command.args(["run", "--source", "demo", "--socket"]).arg(&socket);
    let mut daemon = Running::start(command);
    daemon.until(|record| record["type"] == "window");
    let deadline = Instant::now() + Duration::from_secs(40);
    let mut client = Client::connect(&Address::Unix(socket), None, Some(deadline)).unwrap();
    let records = RecordKinds::new(&[RecordKind::Window, RecordKind::Level, RecordKind::Mel]);
    let subscription = Subscription { records, labels: Vec::new(), reasons: true };
    client.request(&Request::Subscribe(subscription)).unwrap();
    let (mut seen, mut columns) = (HashSet::new(), Vec::new());
    while seen.len() < 4 || columns.len() < 20 {
        match client.next_message().unwrap().unwrap() {
            Message::Level(level) => {
                assert!(level.floor_dbfs <= level.peak_dbfs && level.rms_dbfs <= level.peak_dbfs);
                seen.insert("level");
            }
            Message::Mel(mel) => {
                assert_eq!((mel.column.len(), mel.low_hz, mel.high_hz), (101, 0.0, 7_477.0));
                seen.insert("mel");
                columns.push(mel);
            }
            // the demo's first sound is known
            Message::Window(window) if !window.reasons.is_empty() => drop(seen.insert("reasons")),
            Message::Window(_) => drop(seen.insert("window")),
            _ => {}
        }
    }
    let hop = columns[0].end_sample.since(columns[0].start_sample);
    assert_eq!(hop, 3_840, "80 ms at the source's rate");
    let brightest = columns.iter().flat_map(|mel| &mel.column).max();
    assert!(brightest > Some(&100), "{brightest:?}");
    assert_eq!(daemon.end_by("TERM").1, Some(0));
}
