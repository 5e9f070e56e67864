//! Those who listen at the socket: some for a moment, some without reading, some who send invalid lines or ask for the status.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use rand::Rng;
use rand_chacha::ChaCha12Rng;

pub struct Clients {
    socket: PathBuf,
    /// They read nothing, until they are dropped.
    idle: Vec<UnixStream>,
}

impl Clients {
    pub fn new(socket: PathBuf) -> Self {
        Self { socket, idle: Vec::new() }
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

    pub fn leave(&mut self) {
        self.idle.clear();
    }
}
