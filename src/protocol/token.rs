//! The secret that a TCP client has to know. Read from its file by a command; sent by a client, compared by the socket sink.

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
