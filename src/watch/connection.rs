//! The connection to one daemon: connects, asks for what the view shows and each second for the status, waits for a daemon that
//! is gone. A thread a daemon, `tympan-watch`; what comes goes into a channel, and a full one makes the daemon wait.

use std::io;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::event::{Event, LinkEvent};
use crate::domain::printable;
use crate::protocol::{
    Address, Client, ClientError, Hello, Message, PROTOCOL_VERSION, RecordKind, RecordKinds,
    Request, Subscription, Token,
};

/// How long a daemon may take to accept, and to greet.
const GREETING: Duration = Duration::from_secs(5);
/// How often the status is asked for.
const STATUS_PERIOD: Duration = Duration::from_secs(1);
/// A daemon that sends nothing for so long, though it is asked each second, is gone; its answers take milliseconds.
const SILENCE: Duration = Duration::from_secs(10);
/// From one try to the next: at first, and at most. A restart takes less than a second.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// How a connection ended.
enum End {
    /// Nobody listens, or no longer.
    Down(String),
    /// What listens cannot be watched.
    Unusable(String),
    /// Nobody wants to see it any more.
    Unwatched,
}

/// A daemon to be watched.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Its place among those that are watched.
    pub daemon: usize,
    /// Where it listens.
    pub address: Address,
    /// What it asks for there.
    pub token: Option<Token>,
}

impl Connection {
    /// Connects again and again on a thread of its own, which ends when the receiver of `events` is gone.
    ///
    /// # Errors
    /// [`io::Error`]: there is no thread.
    pub fn spawn(self, events: Sender<Event>) -> io::Result<()> {
        let thread = std::thread::Builder::new().name("tympan-watch".to_owned());
        thread.spawn(move || self.run(&events)).map(drop)
    }

    fn run(&self, events: &Sender<Event>) {
        let mut pause = RETRY.0;
        loop {
            let began = Instant::now();
            let end = self.watch(events).err();
            if began.elapsed() > GREETING {
                pause = RETRY.0;
            }
            let event = match end {
                Some(End::Down(why)) => LinkEvent::Down { why, retry_in: pause },
                Some(End::Unusable(why)) => LinkEvent::Unusable { why, retry_in: pause },
                Some(End::Unwatched) | None => return,
            };
            if self.send(events, event).is_err() {
                return;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(RETRY.1);
        }
    }

    fn send(&self, events: &Sender<Event>, event: LinkEvent) -> Result<(), End> {
        events.send(Event::Link { daemon: self.daemon, event }).map_err(|_| End::Unwatched)
    }

    /// From the connection to its end.
    fn watch(&self, events: &Sender<Event>) -> Result<(), End> {
        let deadline = Some(Instant::now() + GREETING);
        let mut client = Client::connect(&self.address, self.token.as_ref(), deadline)
            .map_err(|error| End::Down(format!("no daemon listens there ({error})")))?;
        let version = greeting(&mut client)?;
        let subscription = Subscription {
            records: RecordKinds::new(&[
                RecordKind::Window,
                RecordKind::Event,
                RecordKind::Gap,
                RecordKind::Status,
                RecordKind::Level,
                RecordKind::Mel,
            ]),
            labels: Vec::new(),
            reasons: true,
        };
        client.request(&Request::Subscribe(subscription)).map_err(|error| broken(error.into()))?;
        self.send(events, LinkEvent::Up { version })?;
        let (mut received, mut asked) = (Instant::now(), None::<Instant>);
        loop {
            if asked.is_none_or(|asked| asked.elapsed() >= STATUS_PERIOD) {
                client.set_deadline(Some(Instant::now() + GREETING));
                client.request(&Request::Status).map_err(|error| broken(error.into()))?;
                asked = Some(Instant::now());
            }
            client.set_deadline(Some(asked.unwrap_or(received) + STATUS_PERIOD));
            match client.next_message() {
                Ok(Some(message)) => {
                    received = Instant::now();
                    self.send(events, LinkEvent::Message(Box::new(message)))?;
                }
                Ok(None) => return Err(End::Down("it has ended".to_owned())),
                Err(ClientError::Io(error)) if error.kind() == io::ErrorKind::TimedOut => {
                    if received.elapsed() > SILENCE {
                        let why = format!("it has sent nothing for {} s", SILENCE.as_secs());
                        return Err(End::Down(why));
                    }
                }
                Err(error) => return Err(broken(error)),
            }
        }
    }
}

/// Reads the first line, and says which version of the program greets.
fn greeting(client: &mut Client) -> Result<String, End> {
    let unusable = |why: String| Err(End::Unusable(why));
    match client.next_message() {
        Ok(Some(Message::Hello(Hello { protocol: PROTOCOL_VERSION, version }))) => Ok(version),
        Ok(Some(Message::Hello(Hello { protocol, version }))) => unusable(format!(
            "it is tympan {}, which speaks version {protocol} of the protocol, and this program speaks version {PROTOCOL_VERSION}: use the tympan that belongs to the daemon",
            printable(&version)
        )),
        Ok(Some(Message::Refused(refused))) => {
            let detail = printable(&refused.detail).into_owned();
            let is_token = detail.contains("token");
            let hint = if is_token { "; name its file with --token-file" } else { "" };
            let why = format!("it refuses the connection: {detail}{hint}");
            // a place may become free
            if is_token { unusable(why) } else { Err(End::Down(why)) }
        }
        Ok(Some(_)) => unusable(
            "it does not greet: a tympan from before version 1 of the protocol, which cannot be watched"
                .to_owned(),
        ),
        Ok(None) => Err(End::Down("it closed the connection at once".to_owned())),
        Err(ClientError::Io(error)) if error.kind() == io::ErrorKind::TimedOut => {
            // a daemon that is still loading its model, perhaps
            Err(End::Down(format!(
                "what listens there has sent nothing within {} s: it is no tympan, or it hangs",
                GREETING.as_secs()
            )))
        }
        Err(ClientError::Io(error)) => Err(End::Down(format!("the connection broke ({error})"))),
        Err(error) => unusable(format!(
            "what listens there is no tympan: {}",
            printable(&error.to_string())
        )),
    }
}

fn broken(error: ClientError) -> End {
    End::Down(format!("the connection broke ({})", printable(&error.to_string())))
}
