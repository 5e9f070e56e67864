//! The page as a browser and a hostile site meet it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use tympan::domain::{OutputCounters, SampleRate, State};
use tympan::protocol::{DaemonStatus, InputStatus, Token};
use tympan::sinks::{
    LiveDemand, Measurements, ModelFacts, Outlet, SocketSink, SocketSpec, WebSpec,
};

use super::{PATIENCE, daemon_status, event, publish, status, wait_until, window};

const SECRET: &str = "correct-horse-battery";
const CLIP: &str = "tympan-20270301T120000.000Z-dog-7.wav";

fn spec(address: &str) -> WebSpec {
    WebSpec::new(address.parse().unwrap())
}

fn open(web: WebSpec) -> (SocketSink, SocketAddr) {
    let spec = SocketSpec { web: Some(web), descriptors: 4096, ..SocketSpec::default() };
    let counters = Arc::new(OutputCounters::default());
    let sink = SocketSink::open(spec, counters, Arc::new(|| Some(daemon_status()))).unwrap();
    let port = sink.web_address().unwrap().port();
    (sink, SocketAddr::from(([127, 0, 0, 1], port)))
}

/// Sends a request; gives the connection.
fn send(address: SocketAddr, method: &str, path: &str, headers: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\n{headers}\r\n").unwrap();
    BufReader::new(stream)
}

/// The answer to a request under the name `localhost`: head and content.
fn get(address: SocketAddr, path: &str) -> (String, String) {
    get_with(address, path, "Host: localhost\r\n")
}

fn get_with(address: SocketAddr, path: &str, headers: &str) -> (String, String) {
    let mut answer = String::new();
    let headers = format!("{headers}Connection: close\r\n");
    send(address, "GET", path, &headers).read_to_string(&mut answer).unwrap();
    let (head, content) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), content.to_owned())
}

fn code(answer: &(String, String)) -> u16 {
    answer.0.split(' ').nth(1).unwrap().parse().unwrap()
}

/// A stream of records whose first event has come.
fn stream(address: SocketAddr, query: &str) -> BufReader<TcpStream> {
    let mut reader = send(address, "GET", &format!("/events{query}"), "Host: localhost\r\n");
    until(&mut reader, "event: hello");
    reader
}

/// Reads up to the line that begins so, and gives it.
fn until(reader: &mut impl BufRead, beginning: &str) -> String {
    loop {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).unwrap() > 0, "ended before {beginning}");
        if line.starts_with(beginning) {
            return line;
        }
    }
}

#[test]
fn the_page_loads_nothing_from_elsewhere_and_no_other_site_may_show_it() {
    let (_sink, address) = open(spec("127.0.0.1:0"));
    for (path, media_type) in [
        ("/", "text/html"),
        ("/app.js", "text/javascript"),
        ("/draw.js", "text/javascript"),
        ("/style.css", "text/css"),
        ("/icon.svg", "image/svg+xml"),
    ] {
        let (head, content) = get(address, path);
        assert!(head.starts_with("HTTP/1.1 200") && head.contains(media_type), "{head}");
        assert!(head.contains("default-src 'self'; frame-ancestors 'none'"), "{head}");
        assert!(!content.is_empty());
    }
    assert_eq!(code(&get(address, "/nothing")), 404);
    assert_eq!(code(&get(address, "/../Cargo.toml")), 404);
    let (_, daemon) = get(address, "/status");
    let daemon: serde_json::Value = serde_json::from_str(&daemon).unwrap();
    assert_eq!(daemon["model"], "esc50");
}

#[test]
fn a_site_whose_name_points_here_and_every_method_but_get_are_refused() {
    let (_sink, address) = open(spec("127.0.0.1:0"));
    for host in ["Host: evil.example\r\n", "Host: localhost\r\nHost: evil.example\r\n", ""] {
        let code = code(&get_with(address, "/status", host));
        assert!([400, 421].contains(&code), "{host}: {code}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let headers = "Host: localhost\r\nConnection: close\r\n";
        let mut answer = String::new();
        send(address, method, "/status", headers).read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    }
}

#[test]
fn a_stream_brings_the_records_it_asks_for_and_the_daemon_s_status() {
    let (sink, address) = open(spec("127.0.0.1:0"));
    publish(&sink, status("ready"));
    let mut events = stream(address, "?records=event&label=dog");
    until(&mut events, "event: daemon");
    publish(&sink, window(1));
    publish(&sink, event(2));
    until(&mut events, "event: event");
    let line = until(&mut events, "data: ");
    assert!(line.contains("\"label\":\"dog\""), "{line}");
    assert_eq!(sink.live_demand(), LiveDemand::default());
    let mut live = stream(address, "?records=window,mel,level&reasons");
    let all = LiveDemand { levels: true, mel: true, reasons: true };
    wait_until("the demand", || sink.live_demand() == all);
    drop(sink);
    // with the daemon the stream ends
    let mut rest = String::new();
    live.read_to_string(&mut rest).unwrap();
}

#[test]
fn a_thousand_streams_that_were_dropped_leave_nothing_behind() {
    let (sink, address) = open(spec("127.0.0.1:0"));
    for _ in 0..20 {
        let streams: Vec<_> = (0..50).map(|_| stream(address, "?records=mel")).collect();
        assert!(sink.live_demand().mel);
        drop(streams);
        wait_until("the end of their demand", || !sink.live_demand().mel);
    }
    assert_eq!(code(&get(address, "/")), 200);
}

#[test]
fn a_token_is_asked_for_once_and_kept_in_a_cookie_that_no_script_reads() {
    let web = WebSpec { token: Token::new(SECRET), ..spec("127.0.0.1:0") };
    let (_sink, address) = open(web);
    let asked = get(address, "/");
    assert!(code(&asked) == 401 && asked.1.contains("<form"), "{asked:?}");
    assert_eq!(code(&get(address, "/events")), 401);
    assert_eq!(code(&get(address, "/login?token=wrong-horse-battery")), 403);
    let (head, _) = get(address, &format!("/login?token={SECRET}"));
    assert!(
        head.starts_with("HTTP/1.1 303") && head.contains("HttpOnly; SameSite=Strict"),
        "{head}"
    );
    let cookie = format!("Host: localhost\r\nCookie: tympan-token={SECRET}\r\n");
    assert_eq!(code(&get_with(address, "/", &cookie)), 200);
    let bearer = format!("Host: localhost\r\nAuthorization: Bearer {SECRET}\r\n");
    assert_eq!(code(&get_with(address, "/status", &bearer)), 200);
}

#[test]
fn clips_are_listed_for_this_machine_alone_and_only_clips_are_served() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(CLIP), "RIFF").unwrap();
    fs::write(folder.path().join("secret.txt"), "secret").unwrap();
    let clips = Some(folder.path().to_owned());
    let (_sink, address) = open(WebSpec { clips: clips.clone(), ..spec("127.0.0.1:0") });
    assert_eq!(get(address, "/clips").1, format!("[\"{CLIP}\"]"));
    assert_eq!(get(address, &format!("/clips/{CLIP}")).1, "RIFF");
    for path in ["/clips/secret.txt", "/clips/..%2Fsecret.txt", "/clips/"] {
        assert_eq!(code(&get(address, path)), 404, "{path}");
    }
    let (_sink, address) = open(WebSpec { clips, token: Token::new(SECRET), ..spec("0.0.0.0:0") });
    let bearer = format!("Host: 127.0.0.1\r\nAuthorization: Bearer {SECRET}\r\n");
    assert_eq!(code(&get_with(address, "/clips", &bearer)), 403);
    assert_eq!(get_with(address, &format!("/clips/{CLIP}"), &bearer).1, "RIFF");
}

#[test]
fn past_events_come_from_the_log_and_without_one_it_says_so() {
    let (_sink, address) = open(spec("127.0.0.1:0"));
    let day = "/history?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z";
    let answer = get(address, day);
    assert!(code(&answer) == 404 && answer.1.contains("output.log_file"), "{answer:?}");
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("events.jsonl");
    let mut line = String::new();
    tympan::protocol::write_json_line(&event(7), &mut line);
    fs::write(&log, line + "torn").unwrap();
    let (_sink, address) = open(WebSpec { log_file: Some(log), ..spec("127.0.0.1:0") });
    let (_, history) = get(address, day);
    let history: serde_json::Value = serde_json::from_str(&history).unwrap();
    assert_eq!(history["events"][0]["label"], "dog");
    assert_eq!(history["unreadable_lines"], 1);
    assert_eq!(code(&get(address, "/history?from=yesterday")), 400);
}

#[test]
fn metrics_escape_what_labels_hold_and_come_as_open_metrics_where_that_is_asked_for() {
    let source: Arc<str> = "mic".into();
    let measurements = Arc::new(Measurements::new(&[Arc::clone(&source)]));
    let labels = vec!["a \"b\" \\ /+#\nc".into(), "dog".into()];
    measurements.set_model(ModelFacts { sha256: "ab".to_owned(), labels });
    let web = WebSpec { measurements: Arc::clone(&measurements), ..spec("127.0.0.1:0") };
    let counters = Arc::new(OutputCounters::default());
    let spec = SocketSpec { web: Some(web), descriptors: 4096, ..SocketSpec::default() };
    let input = InputStatus {
        name: source.to_string(),
        state: State::Quiet,
        detail: String::new(),
        since: jiff::Timestamp::UNIX_EPOCH,
        state_s: 0,
        has_ended: false,
        device: String::new(),
        sample_rate_hz: SampleRate::new(48_000).unwrap(),
        level_dbfs: Some(-63.5),
        counters: [("windows_scored".to_owned(), 7)].into(),
    };
    let status = move || Some(DaemonStatus { inputs: vec![input.clone()], ..daemon_status() });
    let sink = SocketSink::open(spec, counters, Arc::new(status)).unwrap();
    let address = sink.web_address().unwrap();
    publish(&sink, event(0));
    let (head, text) = get(address, "/metrics");
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    for line in [
        r#"tympan_events_total{source="mic",label="dog"} 1"#,
        r#"tympan_event_active{source="mic",label="dog"} 1"#,
        r#"tympan_events_total{source="mic",label="a \"b\" \\ /+#\nc"} 0"#,
        r#"tympan_source_state{source="mic",state="quiet"} 1"#,
        r#"tympan_source_state{source="mic",state="lost"} 0"#,
        r#"tympan_level_dbfs{source="mic"} -63.5"#,
        r#"tympan_windows_scored_total{source="mic"} 7"#,
        r#"tympan_window_latency_seconds_bucket{source="mic",stage="network",le="0.00025"} 0"#,
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is not in {text}");
    }
    let accept =
        "Host: localhost\r\nAccept: application/openmetrics-text;version=1.0.0;q=0.9,*/*;q=0.1\r\n";
    let (head, text) = get_with(address, "/metrics", accept);
    assert!(head.contains("application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(text.ends_with("# EOF\n") && text.contains("# TYPE tympan_events counter"), "{text}");
}

#[test]
fn a_scrape_that_never_reads_keeps_nobody_else_waiting() {
    let (_sink, address) = open(spec("127.0.0.1:0"));
    let ask = |_| {
        let mut stream = TcpStream::connect(address).unwrap();
        // as many as the socket takes
        stream.set_write_timeout(Some(std::time::Duration::from_millis(50))).unwrap();
        for _ in 0..200 {
            if stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").is_err() {
                break;
            }
        }
        stream
    };
    let unread: Vec<TcpStream> = (0..20).map(ask).collect();
    assert_eq!(code(&get(address, "/metrics")), 200);
    drop(unread);
}
