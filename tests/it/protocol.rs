//! The lines of the sockets: each message and request survives the way to a line and back, readers pass over what they do not
//! know, and the reference in docs/PROTOCOL.md holds. And the client: what it does with daemons that do not answer.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use tympan::domain::{
    EventPhase, EventRecord, GapCause, GapRecord, LabelScore, Record, SampleIndex, SampleRate,
    State, StatusRecord, WindowRecord,
};
use tympan::protocol::{
    Address, Client, ClientError, DaemonStatus, Hello, InputStatus, LatencyStatus, Message, Missed,
    PROTOCOL_VERSION, RecordKind, RecordKinds, Refused, ReloadStatus, Request, SinkStatus, Stream,
    Subscription, write_json_line,
};

const STATES: [State; 11] = [
    State::Listening,
    State::Silent,
    State::Flat,
    State::Quiet,
    State::Clipping,
    State::Invalid,
    State::Stalled,
    State::Overloaded,
    State::Lost,
    State::Recovering,
    State::Stopping,
];

/// Whole milliseconds, which is what records hold.
fn time() -> impl Strategy<Value = Timestamp> {
    (0..4_000_000_000_000i64).prop_map(|ms| Timestamp::from_millisecond(ms).unwrap())
}

/// Text as the world has it, steering characters and all.
fn text() -> impl Strategy<Value = String> {
    any::<String>()
}

fn sample() -> impl Strategy<Value = SampleIndex> {
    any::<u64>().prop_map(SampleIndex)
}

fn rate() -> impl Strategy<Value = SampleRate> {
    (4_000..=384_000u32).prop_map(|hz| SampleRate::new(hz).unwrap())
}

fn state() -> impl Strategy<Value = State> {
    prop::sample::select(STATES.to_vec())
}

/// As exact as lines hold it: ten thousandths.
fn score() -> impl Strategy<Value = f32> {
    (0..=10_000u32).prop_map(|score| (f64::from(score) / 1e4) as f32)
}

/// As exact as lines hold it: tenths of a decibel.
fn level() -> impl Strategy<Value = f32> {
    (-1_200..=30i32).prop_map(|level| (f64::from(level) / 10.0) as f32)
}

fn window() -> impl Strategy<Value = Message> {
    let scores = vec((text(), score()), 0..8);
    (time(), text(), sample(), sample(), scores, level(), any::<u64>(), any::<u64>()).prop_map(
        |(
            time,
            source,
            start_sample,
            end_sample,
            scores,
            level_dbfs,
            padded_samples,
            latency_us,
        )| {
            let scores = scores.into_iter();
            Message::Window(WindowRecord {
                time,
                source: source.into(),
                start_sample,
                end_sample,
                scores: scores
                    .map(|(label, score)| LabelScore { label: label.into(), score })
                    .collect(),
                level_dbfs,
                padded_samples,
                latency_us,
                reasons: Vec::new(),
            })
        },
    )
}

fn event() -> impl Strategy<Value = Message> {
    let phase = prop_oneof![
        (score(), option::of(score()))
            .prop_map(|(score, verifier_score)| EventPhase::Onset { score, verifier_score }),
        (sample(), score())
            .prop_map(|(end_sample, peak_score)| EventPhase::Offset { end_sample, peak_score }),
    ];
    (phase, any::<u64>(), text(), time(), text(), sample()).prop_map(
        |(phase, id, label, time, source, start_sample)| {
            let (label, source) = (label.into(), source.into());
            Message::Event(EventRecord { phase, id, label, time, source, start_sample })
        },
    )
}

fn gap() -> impl Strategy<Value = Message> {
    let causes = vec![GapCause::Overrun, GapCause::DriverOverrun, GapCause::DeviceLost];
    (time(), text(), sample(), any::<u64>(), prop::sample::select(causes)).prop_map(
        |(time, source, start_sample, samples, cause)| {
            Message::Gap(GapRecord { time, source: source.into(), start_sample, samples, cause })
        },
    )
}

fn status() -> impl Strategy<Value = Message> {
    (time(), text(), state(), text(), rate()).prop_map(
        |(time, source, state, detail, sample_rate_hz)| {
            let source = source.into();
            Message::Status(StatusRecord { time, source, state, detail, sample_rate_hz })
        },
    )
}

fn input_status() -> impl Strategy<Value = InputStatus> {
    (
        (text(), state(), text(), time(), any::<u64>(), any::<bool>()),
        (text(), rate(), option::of(level()), btree_map(text(), any::<u64>(), 0..3)),
    )
        .prop_map(|(of_state, of_device)| {
            let (name, state, detail, since, state_s, has_ended) = of_state;
            let (device, sample_rate_hz, level_dbfs, counters) = of_device;
            InputStatus {
                name,
                state,
                detail,
                since,
                state_s,
                has_ended,
                device,
                sample_rate_hz,
                level_dbfs,
                counters,
            }
        })
}

fn daemon() -> impl Strategy<Value = Message> {
    let latency =
        any::<[u64; 6]>().prop_map(|[windows, p50_us, p90_us, p99_us, p999_us, max_us]| {
            LatencyStatus { windows, p50_us, p90_us, p99_us, p999_us, max_us }
        });
    let sink = (text(), any::<bool>(), option::of(any::<u64>()), any::<[u64; 2]>()).prop_map(
        |(name, is_failing, stalled_s, [dropped, queued])| SinkStatus {
            name,
            is_failing,
            stalled_s,
            dropped,
            queued,
        },
    );
    let reload = (time(), any::<[u64; 3]>(), any::<bool>(), text()).prop_map(
        |(time, [ago_s, succeeded_so_far, failed_so_far], succeeded, detail)| ReloadStatus {
            time,
            ago_s,
            succeeded,
            succeeded_so_far,
            failed_so_far,
            detail,
        },
    );
    let state = (state(), text(), time(), any::<u64>());
    let process = (text(), any::<u32>(), time(), any::<u64>(), any::<u16>());
    let input = (text(), rate(), text(), option::of(level()));
    let counters = btree_map(text(), any::<u64>(), 0..5);
    let inputs = vec(input_status(), 0..3);
    let rest = (counters, latency, vec(sink, 0..3), inputs, option::of(reload));
    (time(), process, state, input, rest).prop_map(
        |(
            time,
            (version, process, started, up_s, cpu_s),
            (state, detail, since, state_s),
            input,
            rest,
        )| {
            let (device, sample_rate_hz, model, level_dbfs) = input;
            let (counters, latency, sinks, inputs, reload) = rest;
            Message::Daemon(Box::new(DaemonStatus {
                time,
                version,
                process,
                started,
                up_s,
                cpu_s: f64::from(cpu_s),
                state,
                detail,
                since,
                state_s,
                device,
                sample_rate_hz,
                model,
                level_dbfs,
                counters,
                latency,
                sinks,
                inputs,
                reload,
            }))
        },
    )
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        (any::<u32>(), text())
            .prop_map(|(protocol, version)| Message::Hello(Hello { protocol, version })),
        window(),
        event(),
        gap(),
        status(),
        any::<u64>().prop_map(|records| Message::Missed(Missed { records })),
        text().prop_map(|detail| Message::Refused(Refused { detail })),
        daemon(),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    let kinds = vec![
        RecordKind::Window,
        RecordKind::Event,
        RecordKind::Gap,
        RecordKind::Status,
        RecordKind::Level,
        RecordKind::Mel,
    ];
    let kinds = prop::sample::subsequence(kinds, 0..=6);
    let subscription = (kinds, vec(".{0,40}", 0..3), any::<bool>());
    prop_oneof![
        "[!-~]{16,256}".prop_map(|token| Request::Token { token }),
        Just(Request::Status),
        subscription.prop_map(|(kinds, labels, reasons)| {
            let records = RecordKinds::new(&kinds);
            Request::Subscribe(Subscription { records, labels, reasons })
        }),
    ]
}

fn line_of(value: &impl serde::Serialize) -> String {
    let mut line = String::new();
    write_json_line(value, &mut line);
    line
}

/// The line with a field more, of an object.
fn with_another_field(line: &str) -> String {
    let (before, _) = line.trim_end().rsplit_once('}').unwrap();
    format!("{before},\"of_a_later_version\":{{\"deep\":[1,null]}}}}")
}

proptest! {
    #[test]
    fn every_message_comes_back_from_its_line_and_with_fields_of_a_later_version_too(
        message in message()
    ) {
        let line = line_of(&message);
        prop_assert_eq!(line.matches('\n').count(), 1);
        prop_assert!(line.ends_with('\n'));
        prop_assert_eq!(&Message::parse(line.as_bytes()).unwrap(), &message);
        let later = with_another_field(&line);
        prop_assert_eq!(&Message::parse(later.as_bytes()).unwrap(), &message);
    }

    #[test]
    fn a_record_and_its_message_are_the_same_line(message in message()) {
        let line = line_of(&message);
        if let Ok(record) = serde_json::from_str::<Record>(&line) {
            prop_assert_eq!(line_of(&record), line);
            prop_assert_eq!(Message::from(record), message);
        }
    }

    #[test]
    fn every_request_comes_back_in_both_of_its_forms_and_fits_its_line(request in request()) {
        let mut line = String::new();
        request.write_line(&mut line);
        prop_assert!(line.len() <= tympan::protocol::MAX_REQUEST_BYTES, "{}", line);
        prop_assert_eq!(&Request::parse(line.as_bytes()), &request);
        let json = line_of(&request);
        prop_assert_eq!(&Request::parse(json.as_bytes()), &request);
        prop_assert_eq!(&Request::parse(with_another_field(&json).as_bytes()), &request);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in vec(any::<u8>(), 0..300)) {
        let _ = (Message::parse(&bytes), Request::parse(&bytes));
    }
}

#[test]
fn types_and_kinds_of_a_later_version_are_passed_over() {
    let later = "{\"type\":\"levels\",\"dbfs\":[-20.1,-30.2]}";
    assert_eq!(Message::parse(later.as_bytes()).unwrap(), Message::Unknown);
    assert_eq!(Request::parse(later.as_bytes()), Request::Unknown);
    let subscription = b"{\"type\":\"subscribe\",\"records\":[\"event\",\"levels\"]}";
    let Request::Subscribe(Subscription { records, .. }) = Request::parse(subscription) else {
        panic!()
    };
    assert!(records.contains(RecordKind::Event) && !records.contains(RecordKind::Window));
}

#[test]
fn a_daemon_of_an_earlier_version_is_understood() {
    let line = "{\"type\":\"daemon\",\"time\":\"2026-01-01T12:00:00Z\",\"version\":\"0.1.0\",\"process\":1,\
                \"started\":\"2026-01-01T12:00:00Z\",\"state\":\"listening\",\"detail\":\"\",\
                \"since\":\"2026-01-01T12:00:00Z\",\"device\":\"\",\"sample_rate_hz\":48000,\"model\":\"\",\
                \"level_dbfs\":null,\"counters\":{},\"latency\":{\"windows\":0,\"p50_us\":0,\"p90_us\":0,\
                \"p99_us\":0,\"p999_us\":0,\"max_us\":0},\"sinks\":[],\"reload\":null}";
    let Message::Daemon(status) = Message::parse(line.as_bytes()).unwrap() else { panic!() };
    assert_eq!((status.up_s, status.state_s), (0, 0));
}

#[test]
fn the_reference_shows_a_line_of_every_message_and_request_and_each_is_as_the_types_write_it() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/PROTOCOL.md");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains(&format!("protocol version is {PROTOCOL_VERSION}")), "the version");
    let examples = |fence: &str| -> Vec<String> {
        let fence = format!("```{fence}\n");
        let blocks = page.split(&fence).skip(1);
        let lines = blocks.flat_map(|block| block.split("```").next().unwrap().lines());
        lines.map(str::to_owned).collect()
    };
    let mut kinds = Vec::new();
    for line in examples("json") {
        let message =
            Message::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(line_of(&message), format!("{line}\n"));
        kinds.push(match message {
            Message::Hello(hello) => {
                assert_eq!(hello, Hello::of_this_program());
                "hello"
            }
            Message::Window(window) if !window.reasons.is_empty() => "reasons",
            Message::Window(_) => "window",
            Message::Event(EventRecord { phase: EventPhase::Onset { .. }, .. }) => "onset",
            Message::Event(_) => "offset",
            Message::Gap(_) => "gap",
            Message::Status(_) => "status",
            Message::Level(_) => "level",
            Message::Mel(_) => "mel",
            Message::Missed(_) => "missed",
            Message::Refused(_) => "refused",
            Message::Daemon(_) => "daemon",
            Message::Unknown => panic!("{line}"),
        });
    }
    kinds.sort_unstable();
    let all = [
        "daemon", "gap", "hello", "level", "mel", "missed", "offset", "onset", "reasons",
        "refused", "status", "window",
    ];
    assert_eq!(kinds, all);
    let requests = examples("request");
    let read: Vec<Request> = requests.iter().map(|line| Request::parse(line.as_bytes())).collect();
    for (request, line) in read.iter().zip(&requests) {
        let mut short = String::new();
        request.write_line(&mut short);
        let forms = [short, line_of(request)];
        let is_short = line.starts_with("subscribe ");
        assert!(is_short || forms.contains(&format!("{line}\n")), "{line} is not as it is written");
    }
    let has = |wanted: &dyn Fn(&Request) -> bool| read.iter().any(wanted);
    assert!(has(&|request| matches!(request, Request::Token { .. })));
    assert!(has(&|request| matches!(request, Request::Status)));
    assert!(has(&|request| matches!(request, Request::Subscribe(_))));
    assert!(!read.contains(&Request::Unknown), "{read:?}");
}

/// Asks a server that does as `serve` says with its one connection; a second at most.
fn ask(serve: impl FnOnce(std::os::unix::net::UnixStream) + Send + 'static) -> ClientError {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    let server = std::thread::spawn(move || serve(listener.accept().unwrap().0));
    let deadline = Instant::now() + Duration::from_secs(1);
    let mut client = Client::connect(&Address::Unix(path), None, Some(deadline)).unwrap();
    let error = client.status().unwrap_err();
    drop(client);
    server.join().unwrap();
    error
}

#[test]
fn a_client_gives_up_at_its_deadline_whatever_the_daemon_sends_until_then() {
    let is_late = |error: ClientError| match error {
        ClientError::Io(error) => error.kind() == std::io::ErrorKind::TimedOut,
        _ => false,
    };
    assert!(is_late(ask(|mut daemon| {
        let _ = daemon.read_to_end(&mut Vec::new());
    })));
    assert!(is_late(ask(|mut daemon| {
        while daemon.write_all(b"{\"type\":\"missed\",\"records\":1}\n").is_ok() {}
    })));
}

#[test]
fn a_client_names_what_is_no_daemon() {
    let greets = |mut daemon: std::os::unix::net::UnixStream| {
        let _ = daemon.write_all(b"220 mail.example ready\n");
        let _ = daemon.read_to_end(&mut Vec::new());
    };
    assert!(matches!(ask(greets), ClientError::Line { line, .. } if line.starts_with("220 mail")));
    let talks = |mut daemon: std::os::unix::net::UnixStream| {
        while daemon.write_all(&[b'x'; 4_096]).is_ok() {}
    };
    assert!(matches!(ask(talks), ClientError::LineTooLong));
    let hangs_up = |mut daemon: std::os::unix::net::UnixStream| {
        let _ = daemon.read(&mut [0; 100]);
    };
    assert!(matches!(ask(hangs_up), ClientError::Closed));
}

#[test]
fn a_line_that_a_deadline_cut_is_read_whole_after_it() {
    let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut client =
        Client::new(Stream::Unix(ours), Some(Instant::now() + Duration::from_millis(30)));
    theirs.write_all(b"{\"type\":\"missed\",").unwrap();
    let late = client.next_message().unwrap_err();
    assert!(matches!(late, ClientError::Io(error) if error.kind() == std::io::ErrorKind::TimedOut));
    theirs.write_all(b"\"records\":7}\n{\"type\":\"missed\",\"records\":8}\n").unwrap();
    client.set_deadline(Some(Instant::now() + Duration::from_secs(60)));
    for records in [7, 8] {
        let message = client.next_message().unwrap();
        assert_eq!(message, Some(Message::Missed(Missed { records })));
    }
}
