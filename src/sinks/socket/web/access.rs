//! Who may ask for the page: the name that a browser calls this machine by, so that no other site's script reads it under a name of
//! its own, and the token where there is one.

use std::net::IpAddr;

use hyper::Request;
use hyper::header::{AUTHORIZATION, COOKIE, HOST};

use super::WebSpec;

/// The cookie that holds the token.
pub(super) const COOKIE_NAME: &str = "tympan-token";

/// Whether the `Host` of a request is this machine: an address, `localhost`, or one of the names of the configuration.
///
/// A site whose name was made to point here sends its own name. An address in its place cannot be made so.
pub(super) fn is_host_allowed<B>(request: &Request<B>, spec: &WebSpec) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let Some(name) = host.to_str().ok().and_then(name_of) else { return false };
    name == "localhost"
        || name.parse::<IpAddr>().is_ok()
        || spec.hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
}

/// The name or address in `NAME:PORT` or `[ADDRESS]:PORT`.
fn name_of(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(name)
}

/// The secret that a request shows: `Authorization: Bearer SECRET`, or the cookie.
pub(super) fn shown_token<B>(request: &Request<B>) -> Option<&str> {
    let headers = request.headers();
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(secret) = bearer.and_then(|value| value.strip_prefix("Bearer ")) {
        return Some(secret.trim());
    }
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(host: &str) -> bool {
        let mut spec = WebSpec::new("127.0.0.1:7328".parse().unwrap());
        spec.hosts.push("garden.local".to_owned());
        is_host_allowed(&Request::builder().header(HOST, host).body(()).unwrap(), &spec)
    }

    #[test]
    fn addresses_localhost_and_listed_names_are_this_machine_and_no_other_name_is() {
        for host in [
            "localhost",
            "localhost:7328",
            "127.0.0.1:7328",
            "[::1]:7328",
            "192.168.1.7",
            "Garden.local:80",
        ] {
            assert!(allows(host), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "localhost:a",
            "[::1",
            "",
        ] {
            assert!(!allows(host), "{host}");
        }
        let none = Request::builder().body(()).unwrap();
        assert!(!is_host_allowed(&none, &WebSpec::new("127.0.0.1:1".parse().unwrap())));
    }

    #[test]
    fn a_token_is_taken_from_the_cookie_or_the_header() {
        let cookie =
            Request::builder().header(COOKIE, "a=b; tympan-token=secret; c=d").body(()).unwrap();
        assert_eq!(shown_token(&cookie), Some("secret"));
        let bearer = Request::builder().header(AUTHORIZATION, "Bearer secret").body(()).unwrap();
        assert_eq!(shown_token(&bearer), Some("secret"));
        let other = Request::builder().header(COOKIE, "tympan-tokens=secret").body(()).unwrap();
        assert_eq!(shown_token(&other), None);
    }
}
