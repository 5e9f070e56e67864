//! What is at which path: the page's files, the stream of records, the daemon's status, past events, clips.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Either;
use http_body_util::Full;
use hyper::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION,
    SET_COOKIE,
};
use hyper::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::WebSpec;
use super::access::{COOKIE_NAME, is_host_allowed, shown_token};
use super::event_stream::EventStream;
use super::history;
use super::page::{self, PageFile};
use crate::files;
use crate::protocol::{RecordKind, RecordKinds, Subscription};
use crate::sinks::clips::is_clip_name;
use crate::sinks::prometheus;
use crate::sinks::socket::admission::{Refusal, WRONG_TOKEN_DELAY};
use crate::sinks::socket::shared::Shared;

/// Clips of a listing: the newest.
const LISTED_CLIPS: usize = 50;
/// No clip is longer: ten minutes at 384 kHz.
const MAX_CLIP_BYTES: u64 = 1 << 29;
/// What a page of this origin may load, and that no other may show it.
const POLICY: &str =
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// An answer: known at once, or a stream.
pub(super) type Answer = Response<Either<Full<Bytes>, EventStream>>;

/// What the page consists of.
pub(super) struct Site {
    spec: WebSpec,
}

impl Site {
    pub(super) fn new(spec: WebSpec) -> Self {
        Self { spec }
    }

    /// Answers a request from this address.
    pub(super) async fn answer<B>(
        &self,
        request: Request<B>,
        from: IpAddr,
        shared: Arc<Shared>,
    ) -> Answer {
        let mut answer = self.routed(&request, from, &shared).await;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
        headers.insert("referrer-policy", HeaderValue::from_static("no-referrer"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer
    }

    async fn routed<B>(&self, request: &Request<B>, from: IpAddr, shared: &Arc<Shared>) -> Answer {
        if request.method() != Method::GET {
            let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "tympan answers GET only");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
            return answer;
        }
        if !is_host_allowed(request, &self.spec) {
            let why = "this name of the machine is not in output.web.hosts";
            return text(StatusCode::MISDIRECTED_REQUEST, why);
        }
        let path = request.uri().path();
        let query = Query(request.uri().query().unwrap_or_default());
        if let Some(token) = &self.spec.token {
            let (shown, is_login) = match path {
                "/login" => (query.get("token").next(), true),
                _ => (shown_token(request).map(str::to_owned), false),
            };
            let Some(shown) = shown else { return login(StatusCode::UNAUTHORIZED) };
            match shared.check_token(&shown, from, token) {
                Ok(()) if is_login => return logged_in(token.secret()),
                Ok(()) => {}
                Err(refusal) => {
                    shared.refuse(refusal, Some(from));
                    sleep(WRONG_TOKEN_DELAY).await;
                    return match refusal {
                        Refusal::TooManyGuesses => text(
                            StatusCode::TOO_MANY_REQUESTS,
                            "too many wrong tokens; wait a minute",
                        ),
                        _ => login(StatusCode::FORBIDDEN),
                    };
                }
            }
        }
        match path {
            "/events" => events(shared, &query),
            "/status" => match (shared.status)() {
                Some(status) => json(&status),
                None => text(StatusCode::SERVICE_UNAVAILABLE, "the daemon is starting"),
            },
            "/metrics" => self.metrics(request, shared),
            "/history" => self.history(&query).await,
            "/clips" => self.clips().await,
            _ => match (path.strip_prefix("/clips/"), page::file(path)) {
                (Some(name), _) => self.clip(name).await,
                (None, Some(file)) => of_page(StatusCode::OK, file),
                (None, None) => not_found(),
            },
        }
    }

    /// For Prometheus: its own text format, or OpenMetrics where that is asked for.
    fn metrics<B>(&self, request: &Request<B>, shared: &Arc<Shared>) -> Answer {
        let Some(status) = (shared.status)() else {
            return text(StatusCode::SERVICE_UNAVAILABLE, "the daemon is starting");
        };
        let accepted = request.headers().get_all(ACCEPT).iter().filter_map(|it| it.to_str().ok());
        let is_open_metrics = accepted
            .flat_map(|types| types.split(','))
            .any(|media_type| media_type.trim().starts_with("application/openmetrics-text"));
        let media_type =
            if is_open_metrics { prometheus::OPEN_METRICS_TYPE } else { prometheus::CONTENT_TYPE };
        let measurements = &self.spec.measurements;
        match prometheus::render(status, measurements, shared.clients(), is_open_metrics) {
            Ok(text) => with_type(StatusCode::OK, media_type, text.into()),
            Err(error) => failed(&error.to_string()),
        }
    }

    async fn history(&self, query: &Query<'_>) -> Answer {
        let Some(log_file) = self.spec.log_file.clone() else {
            return text(StatusCode::NOT_FOUND, "there is no log: output.log_file is off");
        };
        let time = |key| query.get(key).next().and_then(|text| text.parse::<Timestamp>().ok());
        let (Some(from), Some(to)) = (time("from"), time("to")) else {
            return text(StatusCode::BAD_REQUEST, "give from and to, such as 2026-01-01T00:00:00Z");
        };
        match spawn_blocking(move || history::read(&log_file, from, to)).await {
            Ok(Ok(history)) => json(&history),
            Ok(Err(error)) => failed(&error.to_string()),
            Err(error) => failed(&error.to_string()),
        }
    }

    /// The newest clips; only for this machine itself, since a name tells what was heard.
    async fn clips(&self) -> Answer {
        let Some(folder) = self.spec.clips.clone() else {
            return text(StatusCode::NOT_FOUND, "clips are off");
        };
        if !self.spec.address.ip().is_loopback() {
            let why = "clips are listed on loopback addresses only; each can be had by its name";
            return text(StatusCode::FORBIDDEN, why);
        }
        match spawn_blocking(move || clip_names(&folder)).await {
            Ok(Ok(names)) => json(&names),
            Ok(Err(error)) => failed(&error.to_string()),
            Err(error) => failed(&error.to_string()),
        }
    }

    async fn clip(&self, name: &str) -> Answer {
        let name = percent_decode_str(name).decode_utf8_lossy().into_owned();
        let (Some(folder), true) = (&self.spec.clips, is_clip_name(&name)) else {
            return not_found();
        };
        if name.contains('/') {
            return not_found();
        }
        let path = folder.join(name);
        let read = spawn_blocking(move || files::read_regular(&path, MAX_CLIP_BYTES)).await;
        match read {
            Ok(Ok(bytes)) => with_type(StatusCode::OK, "audio/wav", bytes.into()),
            _ => not_found(),
        }
    }
}

/// The names of the newest clips, the newest first.
fn clip_names(folder: &Path) -> std::io::Result<Vec<String>> {
    let names =
        std::fs::read_dir(folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| is_clip_name(name)).collect();
    // their names begin with the time
    names.sort_unstable_by(|a, b| b.cmp(a));
    names.truncate(LISTED_CLIPS);
    Ok(names)
}

/// `/events?records=window,level&label=dog&reasons`: without `records`, the kinds that a socket has by itself.
fn events(shared: &Arc<Shared>, query: &Query<'_>) -> Answer {
    let mut subscription =
        Subscription { labels: query.get("label").collect(), ..Default::default() };
    if let Some(records) = query.get("records").next() {
        let kind =
            |kind: &str| serde_json::from_value(kind.trim().into()).unwrap_or(RecordKind::Unknown);
        subscription.records = RecordKinds::new(&records.split(',').map(kind).collect::<Vec<_>>());
    }
    subscription.reasons = query.get("reasons").next().is_some();
    match EventStream::open(shared, subscription) {
        Some(stream) => {
            let mut answer = Response::new(Either::Right(stream));
            let headers = answer.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            answer
        }
        None => text(StatusCode::SERVICE_UNAVAILABLE, "the daemon is ending"),
    }
}

fn login(status: StatusCode) -> Answer {
    of_page(status, page::LOGIN)
}

/// Sends the browser to the page with the cookie that it shows from now on.
fn logged_in(secret: &str) -> Answer {
    let mut answer = text(StatusCode::SEE_OTHER, "");
    let cookie = format!("{COOKIE_NAME}={secret}; HttpOnly; SameSite=Strict; Path=/");
    let headers = answer.headers_mut();
    headers.insert(LOCATION, HeaderValue::from_static("/"));
    // a token is printable ASCII; one with a semicolon is sent as a header instead
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        headers.insert(SET_COOKIE, cookie);
    }
    answer
}

fn of_page(status: StatusCode, file: PageFile) -> Answer {
    with_type(status, file.media_type, Bytes::from_static(file.content))
}

fn json(value: &impl Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(text) => with_type(StatusCode::OK, "application/json", text.into()),
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(why: &str) -> Answer {
    log::warn!("the page: {why}");
    text(StatusCode::INTERNAL_SERVER_ERROR, why)
}

fn not_found() -> Answer {
    text(StatusCode::NOT_FOUND, "there is nothing here")
}

fn text(status: StatusCode, text: &str) -> Answer {
    with_type(status, "text/plain; charset=utf-8", Bytes::copy_from_slice(text.as_bytes()))
}

fn with_type(status: StatusCode, media_type: &'static str, content: Bytes) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(content)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}

/// What stands behind the `?` of an address.
struct Query<'a>(&'a str);

impl Query<'_> {
    /// The values of a key; empty where it stands without one.
    fn get(&self, key: &str) -> impl Iterator<Item = String> {
        let pairs = form_urlencoded::parse(self.0.as_bytes());
        pairs.filter(move |(name, _)| name == key).map(|(_, value)| value.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_gives_every_value_of_a_key_decoded() {
        let query = Query("label=Smoke%20alarm&label=a+b&reasons&label=%e2%82%ac%zz%");
        let labels: Vec<String> = query.get("label").collect();
        assert_eq!(labels, ["Smoke alarm", "a b", "€%zz%"]);
        assert_eq!(query.get("reasons").next().as_deref(), Some(""));
        assert_eq!(query.get("nothing").next(), None);
    }
}
