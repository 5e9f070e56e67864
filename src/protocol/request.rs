//! What a client writes to the daemon: a token where one is asked for, then requests, a line each. Written by
//! [`Client`](super::Client), read by the socket sink.

use serde::{Deserialize, Serialize};

use super::write_json_line;

/// A secret; its debug form does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// So many characters at least: 16 random letters and digits cannot be tried out over a network.
    pub const MIN_BYTES: usize = 16;
    /// And so many at most.
    pub const MAX_BYTES: usize = 256;

    /// A secret as it stands in its file; none when it is too short, too long, or not printable ASCII without spaces.
    pub fn new(secret: &str) -> Option<Self> {
        let secret = secret.trim();
        let is_good = (Self::MIN_BYTES..=Self::MAX_BYTES).contains(&secret.len())
            && secret.bytes().all(|byte| byte.is_ascii_graphic());
        is_good.then(|| Self(secret.to_owned()))
    }

    /// The secret itself, to be sent.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// Whether `guess` is this one; takes as long for any guess of the same length.
    pub fn matches(&self, guess: &str) -> bool {
        let (secret, guess) = (self.0.as_bytes(), guess.as_bytes());
        let differs = secret.iter().zip(guess).fold(0, |differs, (a, b)| differs | (a ^ b));
        secret.len() == guess.len() && differs == 0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// A request line may have this many bytes; the daemon passes over a longer one.
pub const MAX_REQUEST_BYTES: usize = 1024;

/// One line from a client: a JSON object, or one of the short forms for people: `status`, `token SECRET` and
/// `subscribe KINDS [label=LABEL]… [reasons]`.
///
/// ```
/// use tympan::protocol::{RecordKind, RecordKinds, Request, Subscription};
///
/// let mut lines = String::new();
/// Request::Status.write_line(&mut lines);
/// let events = RecordKinds::new(&[RecordKind::Event]);
/// let subscription = Subscription { records: events, labels: vec!["dog".into()], reasons: false };
/// Request::Subscribe(subscription.clone()).write_line(&mut lines);
/// assert_eq!(lines.lines().next(), Some("status"));
/// assert_eq!(Request::parse(b"status"), Request::Status);
/// assert_eq!(Request::parse(b"subscribe events label=dog"), Request::Subscribe(subscription));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Request {
    /// The secret that a TCP address may ask for; the first line.
    Token {
        /// The secret.
        token: String,
    },
    /// The daemon answers with [`Message::Daemon`](super::Message::Daemon).
    Status,
    /// What the client wants from now on; without this request, every window, event, gap and status.
    Subscribe(Subscription),
    /// Anything else. The daemon passes over it: a tool that talks still gets its records.
    #[serde(other)]
    Unknown,
}

impl Request {
    /// Reads one line, without its line feed. What cannot be read is [`Request::Unknown`].
    pub fn parse(line: &[u8]) -> Self {
        let line = line.trim_ascii();
        if line.starts_with(b"{") {
            return serde_json::from_slice(line).unwrap_or(Self::Unknown);
        }
        let Ok(line) = std::str::from_utf8(line) else { return Self::Unknown };
        match line.split_once(' ') {
            Some(("token", secret)) => Self::Token { token: secret.trim().to_owned() },
            Some(("subscribe", what)) => Self::Subscribe(Subscription::parse(what)),
            None if line == "status" => Self::Status,
            _ => Self::Unknown,
        }
    }

    /// Appends the request as a line. What daemons of all versions know is written in its short form.
    pub fn write_line(&self, line: &mut String) {
        match self {
            Self::Token { token } => line.extend(["token ", token, "\n"]),
            Self::Status => line.push_str("status\n"),
            Self::Subscribe(_) | Self::Unknown => write_json_line(self, line),
        }
    }
}

/// What a client wants.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Subscription {
    /// The kinds of records; kinds that the daemon does not know are passed over.
    pub records: RecordKinds,
    /// Events of these labels only; none: of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Whether window records say why labels began no event.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reasons: bool,
}

impl Subscription {
    /// Reads the short form: kinds, separated by commas, in singular or plural; then `label=LABEL`, as often as wanted, and
    /// `reasons`. What it does not know it passes over.
    fn parse(text: &str) -> Self {
        let mut words = text.split_ascii_whitespace();
        let kinds = words.next().unwrap_or_default().split(',').map(|kind| {
            let singular = match kind.strip_suffix('s') {
                Some(singular) if kind != "status" => singular,
                _ => kind,
            };
            serde_json::from_value(singular.into()).unwrap_or(RecordKind::Unknown)
        });
        let mut subscription =
            Self { records: RecordKinds(kinds.collect()), labels: Vec::new(), reasons: false };
        for word in words {
            match word.split_once('=') {
                Some(("label", label)) => subscription.labels.push(label.to_owned()),
                None if word == "reasons" => subscription.reasons = true,
                _ => {}
            }
        }
        subscription
    }

    /// Whether events of `label` are wanted.
    pub fn wants_label(&self, label: &str) -> bool {
        self.labels.is_empty() || self.labels.iter().any(|wanted| wanted == label)
    }
}

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// The scores of one window.
    Window,
    /// An event began or ended.
    Event,
    /// Audio was lost.
    Gap,
    /// The daemon's state changed.
    Status,
    /// The input's level.
    Level,
    /// A column of the model's spectrogram.
    Mel,
    /// A kind that this program does not know.
    #[serde(other)]
    Unknown,
}

/// A set of [`RecordKind`]s.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordKinds(Vec<RecordKind>);

impl RecordKinds {
    /// These kinds.
    pub fn new(kinds: &[RecordKind]) -> Self {
        Self(kinds.to_vec())
    }

    /// Whether `kind` is among them.
    pub fn contains(&self, kind: RecordKind) -> bool {
        self.0.contains(&kind)
    }
}

impl Default for RecordKinds {
    /// The kinds that outputs write too; those made on request are not among them.
    fn default() -> Self {
        Self::new(&[RecordKind::Window, RecordKind::Event, RecordKind::Gap, RecordKind::Status])
    }
}
