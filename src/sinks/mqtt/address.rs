//! Where a broker listens. Read from the configuration, used by whatever connects.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Where a broker listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerAddress {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl BrokerAddress {
    /// Whether it is this machine's own, as far as that shows without asking for the name.
    pub fn is_loopback(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        address.map_or(self.host.eq_ignore_ascii_case("localhost"), |it| it.is_loopback())
    }
}

impl FromStr for BrokerAddress {
    type Err = String;

    /// Reads `HOST:PORT`; an IPv6 address stands in brackets.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((scheme, rest)) = text.split_once("://") {
            let tls =
                if matches!(scheme, "mqtts" | "ssl" | "tls") { " and set tls = true" } else { "" };
            return Err(format!("a host and a port without {scheme}://: write {rest:?}{tls}"));
        }
        let expected = || "a host and a port, as \"127.0.0.1:1883\" or \"[::1]:1883\"".to_owned();
        let (host, port) = text.rsplit_once(':').ok_or_else(expected)?;
        let port = port.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(expected)?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = bracketed.unwrap_or(host);
        let is_ipv6 = host.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6());
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let is_name = !host.is_empty() && host.chars().all(allowed);
        if is_ipv6 == bracketed.is_some() && (is_ipv6 || is_name) {
            Ok(Self { host: host.to_owned(), port })
        } else {
            Err(expected())
        }
    }
}

impl fmt::Display for BrokerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for (text, host, port) in [
            ("127.0.0.1:1883", "127.0.0.1", 1883),
            ("broker.local:8883", "broker.local", 8883),
            ("[::1]:1883", "::1", 1883),
        ] {
            let address: BrokerAddress = text.parse().unwrap();
            assert_eq!((&*address.host, address.port, &*address.to_string()), (host, port, text));
        }
        for text in
            ["", "broker", "broker:", ":1883", "broker:0", "broker:99999", "::1:1883", "a b:1"]
        {
            assert!(text.parse::<BrokerAddress>().is_err(), "{text}");
        }
        let message = "mqtts://broker:8883".parse::<BrokerAddress>().unwrap_err();
        assert!(message.contains("\"broker:8883\" and set tls = true"), "{message}");
    }
}
