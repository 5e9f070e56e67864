//! A door between a client and its broker, which a test opens and shuts.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A port that leads to the broker while it is open. What no subscriber listens to, a broker without memory acknowledges and
/// forgets: the gate keeps the client away until the subscriber is back.
pub struct Gate {
    pub port: u16,
    pub is_open: Flag,
    /// As many more as this one as directions are forwarded.
    forwarded: Arc<()>,
}

/// Set by one thread, seen by others.
#[derive(Clone, Default)]
pub struct Flag(Arc<AtomicBool>);

impl Flag {
    pub fn set(&self, is_set: bool) {
        // SeqCst: tests need no speed
        self.0.store(is_set, Ordering::SeqCst);
    }

    pub fn is_set(&self) -> bool {
        // SeqCst: see above
        self.0.load(Ordering::SeqCst)
    }
}

impl Gate {
    /// To the broker at this port, shut.
    pub fn to(broker: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_open = Flag::default();
        let (open, forwarded) = (is_open.clone(), Arc::new(()));
        let counted = Arc::downgrade(&forwarded);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if let Ok(client) = client
                    && open.is_set()
                    && let Some(counted) = counted.upgrade()
                    && let Ok(broker) = TcpStream::connect(("127.0.0.1", broker))
                {
                    let both = (client.try_clone().unwrap(), broker.try_clone().unwrap());
                    forward(both.0, both.1, Arc::clone(&counted));
                    forward(broker, client, counted);
                }
            }
        });
        Self { port, is_open, forwarded }
    }

    /// How many clients are connected through it.
    pub fn clients(&self) -> usize {
        Arc::strong_count(&self.forwarded) / 2
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, counted: Arc<()>) {
    std::thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
        drop(counted);
    });
}
