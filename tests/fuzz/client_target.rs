//! What a client of the socket may send: anything, and it is answered all the same.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tympan::domain::{Overflow, Record, SampleRate, State, StatusRecord};
use tympan::protocol::Message;
use tympan::sinks::{Outlet, SocketSink, SocketSpec, UnixSocketSpec};

/// What the server answers.
const ANSWER: &str = "{\"type\":\"daemon\",\"time\":\"2026-01-01T12:00:00Z\",\"version\":\"0.1.0\",\"process\":1,\
    \"started\":\"2026-01-01T12:00:00Z\",\"up_s\":0,\"cpu_s\":0.0,\"state\":\"listening\",\"detail\":\"\",\"since\":\"2026-01-01T12:00:00Z\",\
    \"state_s\":0,\"device\":\"\",\"sample_rate_hz\":48000,\"model\":\"\",\"level_dbfs\":null,\"counters\":{},\
    \"latency\":{\"windows\":0,\"p50_us\":0,\"p90_us\":0,\"p99_us\":0,\"p999_us\":0,\"max_us\":0},\"sinks\":[],\"inputs\":[],\"reload\":null}";

/// One server for all inputs.
struct Server {
    sink: SocketSink,
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
        let Ok(Message::Daemon(answer)) = Message::parse(ANSWER.as_bytes()) else {
            panic!("the answer is no message")
        };
        let answer = move || Some((*answer).clone());
        let sink = SocketSink::open(spec, Arc::default(), Arc::new(answer)).unwrap();
        Server { sink, path, _folder: folder }
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
    server.sink.publish(&Arc::new(record.into()), Overflow::DropNewest);
    let client = UnixStream::connect(&server.path).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut input = bytes.to_vec();
    input.extend_from_slice(b"\nstatus\n");
    let asked = input.split(|byte| *byte == b'\n').filter(|line| line.trim_ascii() == b"status");
    let asked = asked.filter(|line| line.len() <= 1024).count();
    (&client).write_all(&input).unwrap();
    let lines = BufReader::new(client).lines().map(|line| line.unwrap());
    let answers = lines.filter(|line| line == ANSWER).take(asked).count();
    assert_eq!(answers, asked);
}
