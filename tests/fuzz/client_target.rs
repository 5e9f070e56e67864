//! What a client of the socket may send: anything, and it is answered all the same.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tympan::domain::{Record, SampleRate, State, StatusRecord};
use tympan::sinks::{Sink, SocketSink, SocketSpec, UnixSocketSpec};

/// One server for all inputs.
struct Server {
    sink: Mutex<SocketSink>,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let unix = Some(UnixSocketSpec::new(&path));
        let spec = SocketSpec { unix, ..SocketSpec::default() };
        let answer = || Some("{\"type\":\"daemon\"}".to_owned());
        let sink = SocketSink::open(spec, Arc::default(), Arc::new(answer)).unwrap();
        Server { sink: Mutex::new(sink), path, _folder: folder }
    })
}

/// Sends the bytes, then a question: the answers are those to every `status` line there is, in whole lines.
pub fn client(bytes: &[u8]) {
    let server = server();
    // who has left is noticed by it, and gives its place up
    let record = Record::Status(StatusRecord {
        time: jiff::Timestamp::UNIX_EPOCH,
        source: "fuzz".into(),
        state: State::Listening,
        detail: String::new(),
        sample_rate_hz: SampleRate::new(48_000).unwrap(),
    });
    server.sink.lock().unwrap().write(&record).unwrap();
    let client = UnixStream::connect(&server.path).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut input = bytes.to_vec();
    input.extend_from_slice(b"\nstatus\n");
    let asked = input.split(|byte| *byte == b'\n').filter(|line| line.trim_ascii() == b"status");
    let asked = asked.filter(|line| line.len() <= 1024).count();
    (&client).write_all(&input).unwrap();
    let lines = BufReader::new(client).lines().map(|line| line.unwrap());
    let answers = lines.filter(|line| line == "{\"type\":\"daemon\"}").take(asked).count();
    assert_eq!(answers, asked);
}
