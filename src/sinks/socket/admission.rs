//! Who may come in: how many clients each socket serves, how many connections may wait to show their token, what a wrong token
//! costs, and what the log reports of all that. Called by the server, on the thread `tympan-clients`.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::OutputCounters;
use crate::protocol::{Message, Refused};

/// Descriptors that stay free for the daemon itself: device, log, clips, a reload, streams that hang in their driver.
const RESERVED_DESCRIPTORS: usize = 32;

/// Connections that may wait to show their token. When there are more, the one that has waited longest goes: whoever knows the
/// token sends it at once, and is read before 256 others can have come.
const MAX_UNKNOWN: usize = 256;

/// How long a wrong token is left without an answer.
pub(super) const WRONG_TOKEN_DELAY: Duration = Duration::from_secs(1);

/// Wrong tokens that one address may send in [`EXPIRES_AFTER`]. What it sends beyond that is not compared any more, unless it
/// has shown the right one before.
const MAX_WRONG_TOKENS: u32 = 20;

/// After this long without a wrong token, an address may try again.
const EXPIRES_AFTER: Duration = Duration::from_secs(60);

/// Addresses that are remembered; more at once than any owner has, and few enough that a flood takes no memory.
const MAX_ADDRESSES: usize = 1024;

/// From one line in the log about refused connections to the next.
const REPORT_PERIOD: Duration = Duration::from_secs(60);

/// How many clients each socket serves: `wanted`, but no more than the process has descriptors for.
pub(super) fn max_clients(wanted: usize, sockets: usize, descriptors: u64) -> usize {
    let free = usize::try_from(descriptors)
        .unwrap_or(usize::MAX)
        .saturating_sub(RESERVED_DESCRIPTORS + max_unknown(descriptors));
    wanted.min(free / sockets.max(1)).max(1)
}

/// How many connections may wait to show their token.
pub(super) fn max_unknown(descriptors: u64) -> usize {
    let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
    (descriptors.saturating_sub(RESERVED_DESCRIPTORS) / 4).clamp(1, MAX_UNKNOWN)
}

/// Why a connection is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It sent another token, or something else, or too much.
    WrongToken,
    /// It sent nothing in time, or gave way to others.
    NoToken,
    /// Its address has sent too many wrong ones.
    TooManyGuesses,
    /// Every place is taken.
    Full,
}

impl Refusal {
    /// What the client reads before its connection is closed.
    pub(super) fn message(self) -> Message {
        let detail = match self {
            Self::WrongToken | Self::NoToken => {
                "send a line with the right token first: token SECRET"
            }
            Self::TooManyGuesses => "too many wrong tokens from this address; wait a minute",
            Self::Full => "full: max_clients are connected already",
        };
        Message::Refused(Refused { detail: detail.to_owned() })
    }
}

/// What is known of an address.
#[derive(Debug, Clone, Copy)]
struct Address {
    wrong_tokens: u32,
    last: Instant,
    /// It has shown the right token.
    is_known: bool,
}

/// Refused connections that no log line has counted yet.
#[derive(Debug, Default)]
struct Unreported {
    wrong_token: u64,
    no_token: u64,
    full: u64,
    /// The last address that was refused.
    address: Option<IpAddr>,
}

/// Remembers addresses and refusals.
#[derive(Debug)]
pub(super) struct Admission {
    addresses: HashMap<IpAddr, Address>,
    unreported: Unreported,
    reported_at: Option<Instant>,
    failed_at: Option<Instant>,
    counters: Arc<OutputCounters>,
}

impl Admission {
    pub(super) fn new(counters: Arc<OutputCounters>) -> Self {
        Self {
            addresses: HashMap::new(),
            unreported: Unreported::default(),
            reported_at: None,
            failed_at: None,
            counters,
        }
    }

    /// Whether a token from this address is to be compared. All programs of this machine share the loopback addresses: there,
    /// one that guesses does not keep the others out.
    pub(super) fn may_guess(&self, from: IpAddr, now: Instant) -> bool {
        from.is_loopback()
            || self.addresses.get(&network_of(from)).is_none_or(|address| {
                address.is_known
                    || address.wrong_tokens < MAX_WRONG_TOKENS
                    || now.duration_since(address.last) >= EXPIRES_AFTER
            })
    }

    /// An address has shown the right token.
    pub(super) fn authenticated(&mut self, from: IpAddr, now: Instant) {
        self.make_room(now);
        let address = Address { wrong_tokens: 0, last: now, is_known: true };
        self.addresses.insert(network_of(from), address);
    }

    /// A connection was refused; `from` where its address counts.
    pub(super) fn refuse(&mut self, refusal: Refusal, from: Option<IpAddr>, now: Instant) {
        self.counters.clients_refused.add(1);
        self.unreported.address = from.or(self.unreported.address);
        match refusal {
            Refusal::WrongToken | Refusal::TooManyGuesses => self.unreported.wrong_token += 1,
            Refusal::NoToken => self.unreported.no_token += 1,
            Refusal::Full => self.unreported.full += 1,
        }
        if let (Refusal::WrongToken, Some(from)) = (refusal, from) {
            self.make_room(now);
            let unknown = Address { wrong_tokens: 0, last: now, is_known: false };
            let address = self.addresses.entry(network_of(from)).or_insert(unknown);
            if now.duration_since(address.last) >= EXPIRES_AFTER {
                address.wrong_tokens = 0;
            }
            (address.wrong_tokens, address.last) = (address.wrong_tokens + 1, now);
        }
        if let Some(report) = self.report(now) {
            log::warn!("{report}");
        }
    }

    /// Accepting a connection failed; whether the log has not reported that for a minute.
    pub(super) fn accepting_failed(&mut self, now: Instant) -> bool {
        let is_due = self.failed_at.is_none_or(|last| now.duration_since(last) >= REPORT_PERIOD);
        if is_due {
            self.failed_at = Some(now);
        }
        is_due
    }

    /// The log line that is due: for the first refusal at once, then once a minute, with counts.
    pub(super) fn report(&mut self, now: Instant) -> Option<String> {
        let Unreported { wrong_token, no_token, full, address } = self.unreported;
        let is_due = self.reported_at.is_none_or(|last| now.duration_since(last) >= REPORT_PERIOD);
        if !is_due || wrong_token + no_token + full == 0 {
            return None;
        }
        self.reported_at = Some(now);
        self.unreported = Unreported::default();
        let mut causes = Vec::new();
        for (count, cause) in [
            (wrong_token, "with a wrong token"),
            (no_token, "without a token"),
            (full, "while max_clients were connected"),
        ] {
            if count > 0 {
                causes.push(format!("{count} {cause}"));
            }
        }
        let from = address.map(|address| format!(", the last from {address}")).unwrap_or_default();
        Some(format!("connections refused: {}{from}", causes.join(", ")))
    }

    /// When the next report is due; none while there is nothing to report.
    pub(super) fn next_report(&self) -> Option<Instant> {
        let Unreported { wrong_token, no_token, full, .. } = self.unreported;
        let last = self.reported_at.filter(|_| wrong_token + no_token + full > 0);
        last.map(|last| last + REPORT_PERIOD)
    }

    /// Forgets addresses when there are too many: first those whose failures have expired anyway, then any.
    fn make_room(&mut self, now: Instant) {
        if self.addresses.len() < MAX_ADDRESSES {
            return;
        }
        self.addresses.retain(|_, address| {
            address.is_known || now.duration_since(address.last) < EXPIRES_AFTER
        });
        while self.addresses.len() >= MAX_ADDRESSES {
            let oldest = self.addresses.iter().min_by_key(|(_, address)| address.last);
            let Some(oldest) = oldest.map(|(from, _)| *from) else { return };
            self.addresses.remove(&oldest);
        }
    }
}

/// One subscriber has a whole /64 of IPv6 addresses, which count as one.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let prefix = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(prefix.into())
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn admission() -> Admission {
        Admission::new(Arc::default())
    }

    #[test]
    fn an_address_that_guesses_is_refused_for_a_minute_and_others_are_not() {
        let (mut admission, begin) = (admission(), Instant::now());
        for guess in 0..MAX_WRONG_TOKENS {
            assert!(admission.may_guess(address(1), begin), "{guess}");
            admission.refuse(Refusal::WrongToken, Some(address(1)), begin);
        }
        assert!(!admission.may_guess(address(1), begin));
        assert!(admission.may_guess(address(2), begin));
        assert!(!admission.may_guess(address(1), begin + Duration::from_secs(59)));
        assert!(admission.may_guess(address(1), begin + EXPIRES_AFTER));
    }

    #[test]
    fn one_that_has_shown_the_token_is_never_refused_and_neither_is_this_machine() {
        let (mut admission, now) = (admission(), Instant::now());
        admission.authenticated(address(1), now);
        for _ in 0..100 {
            admission.refuse(Refusal::WrongToken, Some(address(1)), now);
            admission.refuse(Refusal::WrongToken, Some([127, 0, 0, 1].into()), now);
        }
        assert!(admission.may_guess(address(1), now));
        assert!(admission.may_guess([127, 0, 0, 1].into(), now));
    }

    #[test]
    fn addresses_by_the_million_take_no_more_memory_than_a_thousand() {
        let (mut admission, begin) = (admission(), Instant::now());
        for number in 0..20_000u32 {
            let from = IpAddr::from(number.to_be_bytes());
            let now = begin + Duration::from_micros(number.into());
            admission.refuse(Refusal::WrongToken, Some(from), now);
        }
        assert!(admission.addresses.len() <= MAX_ADDRESSES);
        let [a, b] = ["2001:db8::1", "2001:db8::ffff:1"].map(|text| text.parse().unwrap());
        assert_eq!(network_of(a), network_of(b));
    }

    #[test]
    fn the_log_reports_the_first_refusal_at_once_and_then_once_a_minute_with_counts() {
        let (mut admission, begin) = (admission(), Instant::now());
        admission.unreported.wrong_token = 1;
        let first = admission.report(begin).unwrap();
        assert_eq!(first, "connections refused: 1 with a wrong token");
        for ms in 0..59_000 {
            let now = begin + Duration::from_millis(ms);
            admission.refuse(Refusal::WrongToken, Some(address(9)), now);
            admission.refuse(Refusal::Full, None, now);
            assert_eq!(admission.report(now), None);
        }
        assert_eq!(admission.next_report(), Some(begin + REPORT_PERIOD));
        let next = admission.report(begin + REPORT_PERIOD).unwrap();
        assert_eq!(
            next,
            "connections refused: 59000 with a wrong token, 59000 while max_clients were connected, the last from \
             192.0.2.9"
        );
        assert_eq!(admission.next_report(), None);
        assert_eq!(admission.counters.clients_refused.get(), 118_000);
    }

    #[test]
    fn clients_leave_the_daemon_its_descriptors() {
        assert_eq!(max_clients(10_000, 2, 1_024), (1_024 - 32 - 248) / 2);
        assert_eq!(max_clients(64, 2, 1_024), 64);
        assert_eq!(max_clients(64, 1, 40), 6);
        assert_eq!(max_clients(64, 2, 12), 1);
        assert_eq!(max_clients(64, 2, u64::MAX), 64);
    }
}
