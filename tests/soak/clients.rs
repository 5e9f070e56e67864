//! Those who listen at the socket: some for a moment, some without reading, some who send invalid lines or ask for the status;
//! and Prometheus, which reads the metrics, or asks for them and does not.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use rand::Rng;
use rand_chacha::ChaCha12Rng;

pub struct Clients {
    socket: PathBuf,
    /// They read nothing, until they are dropped.
    idle: Vec<UnixStream>,
    metrics: SocketAddr,
    /// Windows scored by input, as last scraped.
    scraped: BTreeMap<String, u64>,
    /// Scrapes that are never read, until they are dropped.
    unread: Vec<TcpStream>,
}

impl Clients {
    pub fn new(socket: PathBuf, metrics: SocketAddr) -> Self {
        let scraped = BTreeMap::new();
        Self { socket, idle: Vec::new(), metrics, scraped, unread: Vec::new() }
    }

    fn connect(&self) -> UnixStream {
        let client = UnixStream::connect(&self.socket).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        client
    }

    pub fn visit(&mut self, visitors: u32, random: &mut ChaCha12Rng) {
        for _ in 0..visitors {
            let mut client = self.connect();
            match random.random_range(0..5) {
                0 => {}
                1 => {
                    let mut lines = BufReader::new(client);
                    for _ in 0..random.random_range(1..50) {
                        let mut line = String::new();
                        let _left_out = lines.read_line(&mut line);
                    }
                }
                // turned away, it may be hung up on meanwhile
                2 => drop(client.write_all(&vec![b'?'; random.random_range(1..100_000)])),
                3 => {
                    let _ = client.write_all(b"status\n");
                    let _ = client.read(&mut [0; 4_000]);
                }
                _ => self.idle.push(client),
            }
        }
        if self.idle.len() > 10 {
            self.idle.clear();
        }
    }

    fn ask_for_metrics(&self) -> TcpStream {
        let mut scrape = TcpStream::connect(self.metrics).unwrap();
        scrape.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        scrape.write_all(request.as_bytes()).unwrap();
        scrape
    }

    /// Scrapes so many times, and once without reading the answer. A counter never falls.
    pub fn scrape(&mut self, times: u32) {
        for _ in 0..times {
            let windows = self.scraped_windows();
            for (input, before) in &self.scraped {
                assert!(windows[input] >= *before, "{input}: {} after {before}", windows[input]);
            }
            self.scraped = windows;
        }
        self.unread.push(self.ask_for_metrics());
        if self.unread.len() > 10 {
            self.unread.clear();
        }
    }

    /// Windows scored by input, of one scrape.
    pub fn scraped_windows(&self) -> BTreeMap<String, u64> {
        let mut answer = String::new();
        self.ask_for_metrics().read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let lines = answer.lines().filter_map(|line| {
            let (source, value) =
                line.strip_prefix("tympan_windows_scored_total{source=\"")?.split_once("\"} ")?;
            Some((source.to_owned(), value.parse().unwrap()))
        });
        lines.collect()
    }

    pub fn leave(&mut self) {
        self.idle.clear();
        self.unread.clear();
    }
}
