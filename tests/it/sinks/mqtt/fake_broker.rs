//! A broker that does what no real one would.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::bare_subscriber::read_packet;

/// What it does with a client that has said who it is.
#[derive(Debug, Clone, Copy)]
pub enum Manner {
    /// Says nothing, not even that it is a broker.
    Silent,
    /// Greets, takes everything, and acknowledges nothing.
    NeverAcknowledges,
    /// Greets, and sends these bytes.
    Sends(&'static [u8]),
    /// Greets, acknowledges what comes, and hangs up after so many messages: as one does whose client's name another one has.
    HangsUpAfter(usize),
}

pub struct FakeBroker {
    pub port: u16,
    connections: Arc<Mutex<Vec<Instant>>>,
}

impl FakeBroker {
    pub fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections: Arc<Mutex<Vec<Instant>>> = Arc::default();
        let begun = Arc::clone(&connections);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                begun.lock().unwrap().push(Instant::now());
                // a client that leaves ends its own conversation
                std::thread::spawn(move || converse(client, manner));
            }
        });
        Self { port, connections }
    }

    /// When clients have come.
    pub fn connections(&self) -> Vec<Instant> {
        self.connections.lock().unwrap().clone()
    }
}

fn converse(mut client: TcpStream, manner: Manner) -> std::io::Result<()> {
    read_packet(&mut client)?;
    if matches!(manner, Manner::Silent) {
        std::io::copy(&mut client, &mut std::io::sink())?;
        return Ok(());
    }
    client.write_all(b"\x20\x02\x00\x00")?;
    if let Manner::Sends(bytes) = manner {
        client.write_all(bytes)?;
    }
    let mut messages = 0;
    loop {
        let (kind, body) = read_packet(&mut client)?;
        let Manner::HangsUpAfter(most) = manner else { continue };
        if kind == 3 {
            let topic = usize::from(u16::from_be_bytes([body[0], body[1]]));
            client.write_all(&[0x40, 2, body[topic + 2], body[topic + 3]])?;
            messages += 1;
        }
        if messages >= most {
            return Ok(());
        }
    }
}
