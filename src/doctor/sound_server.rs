//! Whether a PulseAudio or PipeWire server answers this process, and if none does, whose servers there are and why this process
//! cannot reach them. Sockets are read and tried below a root folder; makes one finding.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

use super::{Finding, Verdict};

/// Where each user's sockets are, and in them, those of the servers.
const RUNTIME_FOLDERS: &str = "run/user";
const PULSE_SOCKET: &str = "pulse/native";
const PIPEWIRE_SOCKET: &str = "pipewire-0";

/// What an address of this machine begins with.
const LOCAL: &str = "unix:";

/// The sound servers there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SoundServer {
    /// `PULSE_SERVER`, if it is set; the socket that it names is the one that is tried.
    pub named: Option<String>,
    /// `XDG_RUNTIME_DIR`, without which nobody finds a user's server.
    pub runtime_folder: Option<PathBuf>,
    /// Whether a service manager started this process (`INVOCATION_ID`).
    pub is_service: bool,
    /// The user that this process runs as.
    pub user_id: u32,
    /// The sockets that this process would use, the PulseAudio protocol's first.
    pub own: Vec<ServerSocket>,
    /// Users who have a server of their own, without this one.
    pub other_users: Vec<u32>,
}

/// A server's socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSocket {
    /// Where it is, as the program sees it.
    pub address: String,
    /// What came of a connection.
    pub reach: Reach,
}

/// What came of a connection to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It was accepted.
    Answers,
    /// There is a socket, and nobody listens at it.
    Refused,
    /// This user may not open the socket.
    Denied,
    /// There is no socket.
    Absent,
}

impl SoundServer {
    /// Looks below `root`, with what `variable` says of the environment.
    pub fn gather(root: &Path, user_id: u32, variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let named = set("PULSE_SERVER");
        let runtime_folder = set("XDG_RUNTIME_DIR").map(PathBuf::from);
        let below = |socket: &str| runtime_folder.as_ref().map(|folder| folder.join(socket));
        // as the client within this program looks for them
        let pulse = named
            .as_deref()
            .and_then(|named| named.strip_prefix(LOCAL).map(PathBuf::from))
            .or_else(|| set("PULSE_RUNTIME_PATH").map(|it| Path::new(&it).join(PULSE_SOCKET)))
            .or_else(|| below(PULSE_SOCKET));
        let mut own: Vec<_> = pulse.map(|path| try_socket(root, &path)).into_iter().collect();
        own.extend(below(PIPEWIRE_SOCKET).map(|path| try_socket(root, &path)));
        Self {
            other_users: users_with_servers(root).filter(|user| *user != user_id).collect(),
            is_service: set("INVOCATION_ID").is_some(),
            named,
            runtime_folder,
            user_id,
            own,
        }
    }

    /// Whether a server of the PulseAudio protocol answers.
    pub fn answers(&self) -> bool {
        self.answering().is_some()
    }

    fn answering(&self) -> Option<&ServerSocket> {
        let is_pulse = |it: &&ServerSocket| !it.address.ends_with(PIPEWIRE_SOCKET);
        self.own.iter().filter(is_pulse).find(|it| it.reach == Reach::Answers)
    }

    /// A failure where the configuration asks for a server (`is_required`) and none answers.
    pub fn finding(&self, is_required: bool) -> Finding {
        const CHECK: &str = "sound server";
        if let Some(socket) = self.answering() {
            return Finding::ok(CHECK, format!("a server answers at {}", socket.address));
        }
        let verdict = if is_required { Verdict::Failure } else { Verdict::Warning };
        let problem = |found: String, advice: String| Finding::new(CHECK, verdict, found, advice);
        if self.own.iter().any(|it| it.reach == Reach::Answers) {
            let found = "PipeWire answers, but not at the PulseAudio protocol's socket";
            let advice =
                "start its PulseAudio server: systemctl --user enable --now pipewire-pulse";
            return problem(found.to_owned(), advice.to_owned());
        }
        if let Some(denied) = self.own.iter().find(|it| it.reach == Reach::Denied) {
            let found = format!("user {} may not open {}", self.user_id, denied.address);
            let advice = "run tympan as the user whose server it is: systemctl --user enable --now \
                          tympan; or capture through ALSA";
            return problem(found, advice.to_owned());
        }
        if let Some(refused) = self.own.iter().find(|it| it.reach == Reach::Refused) {
            let found = format!("nobody listens at {}", refused.address);
            let advice =
                "restart the server: systemctl --user restart pipewire-pulse (or pulseaudio)";
            return problem(found, advice.to_owned());
        }
        if let Some(named) = &self.named {
            if !named.starts_with(LOCAL) {
                let found =
                    format!("PULSE_SERVER names {named}; tympan connects to unix: sockets only");
                let advice = "set PULSE_SERVER to unix: and a path, or capture from it through ALSA's plugin \
                              `pulse` (host = \"alsa\")";
                return problem(found, advice.to_owned());
            }
            let found = format!("PULSE_SERVER names {named}, and nothing is there");
            return problem(found, "start that server, or unset PULSE_SERVER".to_owned());
        }
        if !self.other_users.is_empty() {
            return problem(self.why_unreachable(), self.how_to_reach());
        }
        let found = "none runs for this user; tympan captures through ALSA";
        if is_required {
            let advice =
                "start one (systemctl --user start pipewire-pulse), or set host = \"alsa\"";
            return Finding::failure(CHECK, found, advice);
        }
        Finding::ok(CHECK, found)
    }

    fn why_unreachable(&self) -> String {
        let users: Vec<String> = self.other_users.iter().map(u32::to_string).collect();
        let us = match (self.is_service, &self.runtime_folder) {
            (true, None) => {
                format!("a system service, as user {}, has no session of theirs", self.user_id)
            }
            (false, None) => {
                format!("user {} has no session here (no XDG_RUNTIME_DIR)", self.user_id)
            }
            (_, Some(_)) => format!("this is user {}", self.user_id),
        };
        format!(
            "user {} has a sound server, which lets in that user alone; {us}",
            users.join(" and ")
        )
    }

    fn how_to_reach(&self) -> String {
        let user = self.other_users.first().copied().unwrap_or_default();
        format!(
            "as user {user}: systemctl --user enable --now tympan, and loginctl enable-linger; or capture \
             through ALSA (tympan devices --host alsa), which needs a card that the server does not hold"
        )
    }
}

fn try_socket(root: &Path, path: &Path) -> ServerSocket {
    let below = root.join(path.strip_prefix("/").unwrap_or(path));
    let reach = match connect(&below) {
        Ok(()) => Reach::Answers,
        Err(error) => match error.kind() {
            ErrorKind::PermissionDenied => Reach::Denied,
            // its queue is full: it accepts nobody
            ErrorKind::ConnectionRefused | ErrorKind::WouldBlock => Reach::Refused,
            _ => Reach::Absent,
        },
    };
    ServerSocket { address: path.display().to_string(), reach }
}

/// Without waiting, as a server that hangs would have a plain connection do.
fn connect(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

/// Users whose server answers, or whose folder is closed to this one: then they have a session, which has a server.
fn users_with_servers(root: &Path) -> impl Iterator<Item = u32> {
    let folders = fs::read_dir(root.join(RUNTIME_FOLDERS)).into_iter().flatten().flatten();
    let mut users: Vec<u32> = folders
        .filter_map(|folder| folder.file_name().to_str()?.parse().ok())
        .filter(|user: &u32| {
            let folder = Path::new("/").join(RUNTIME_FOLDERS).join(user.to_string());
            [PULSE_SOCKET, PIPEWIRE_SOCKET].iter().any(|socket| {
                let reach = try_socket(root, &folder.join(socket)).reach;
                matches!(reach, Reach::Answers | Reach::Denied)
            })
        })
        .collect();
    users.sort_unstable();
    users.into_iter()
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    fn listener(root: &Path, path: &str) -> UnixListener {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        UnixListener::bind(path).unwrap()
    }

    fn seen_by(root: &Path, user_id: u32, variables: &[(&str, &str)]) -> SoundServer {
        SoundServer::gather(root, user_id, &|name| {
            let set = variables.iter().find(|(known, _)| *known == name);
            set.map(|(_, value)| (*value).to_owned())
        })
    }

    const SESSION: [(&str, &str); 1] = [("XDG_RUNTIME_DIR", "/run/user/1000")];

    #[test]
    fn a_server_that_listens_answers_and_one_that_has_died_refuses() {
        let root = tempfile::tempdir().unwrap();
        let listening = listener(root.path(), "run/user/1000/pulse/native");
        let server = seen_by(root.path(), 1000, &SESSION);
        assert!(server.answers() && server.other_users.is_empty(), "{server:?}");
        let finding = server.finding(true);
        assert_eq!(finding.verdict, Verdict::Ok);
        assert!(finding.found.contains("/run/user/1000/pulse/native"), "{finding:?}");

        drop(listening);
        let server = seen_by(root.path(), 1000, &SESSION);
        assert!(!server.answers());
        let finding = server.finding(false);
        assert_eq!(finding.verdict, Verdict::Warning);
        assert!(finding.advice.contains("restart"), "{finding:?}");
        assert_eq!(server.finding(true).verdict, Verdict::Failure);
    }

    #[test]
    fn a_system_service_is_shown_why_it_cannot_reach_a_user_s_server() {
        let root = tempfile::tempdir().unwrap();
        let _listening = listener(root.path(), "run/user/1000/pulse/native");
        let service = seen_by(root.path(), 64_000, &[("INVOCATION_ID", "f00")]);
        assert_eq!(service.other_users, [1000]);
        let finding = service.finding(false);
        assert_eq!(finding.verdict, Verdict::Warning);
        assert!(finding.found.contains("user 1000 has a sound server"), "{finding:?}");
        assert!(finding.found.contains("a system service, as user 64000"), "{finding:?}");
        assert!(finding.advice.contains("systemctl --user enable --now tympan"), "{finding:?}");

        let dead = root.path().join("run/user/1001/pulse/native");
        fs::create_dir_all(dead.parent().unwrap()).unwrap();
        drop(UnixListener::bind(dead).unwrap());
        let by_sudo = seen_by(root.path(), 0, &[]).finding(false);
        assert!(by_sudo.found.starts_with("user 1000 has"), "{by_sudo:?}");
        assert!(by_sudo.found.contains("no XDG_RUNTIME_DIR"), "{by_sudo:?}");
        let elsewhere = [("XDG_RUNTIME_DIR", "/run/user/0")];
        let other_session = seen_by(root.path(), 0, &elsewhere).finding(false);
        assert!(other_session.found.contains("this is user 0"), "{other_session:?}");
    }

    #[test]
    fn a_machine_without_a_server_captures_through_alsa() {
        let root = tempfile::tempdir().unwrap();
        let server = seen_by(root.path(), 1000, &SESSION);
        assert_eq!(server.own[0].reach, Reach::Absent);
        assert_eq!(server.finding(false).verdict, Verdict::Ok);
        let required = server.finding(true);
        assert_eq!(required.verdict, Verdict::Failure);
        assert!(required.advice.contains("host = \"alsa\""), "{required:?}");
    }

    #[test]
    fn pipewire_without_its_pulseaudio_server_is_a_warning() {
        let root = tempfile::tempdir().unwrap();
        let _listening = listener(root.path(), "run/user/1000/pipewire-0");
        let server = seen_by(root.path(), 1000, &SESSION);
        assert!(!server.answers());
        let finding = server.finding(false);
        assert_eq!(finding.verdict, Verdict::Warning);
        assert!(finding.advice.contains("pipewire-pulse"), "{finding:?}");
    }

    #[test]
    fn the_server_that_the_environment_names_is_the_one_that_is_tried() {
        let root = tempfile::tempdir().unwrap();
        let _listening = listener(root.path(), "srv/native");
        let of = |address: &str| seen_by(root.path(), 1000, &[("PULSE_SERVER", address)]);
        assert!(of("unix:/srv/native").answers());
        let remote = of("tcp:desk:4713");
        assert!(!remote.answers());
        assert_eq!(remote.finding(false).verdict, Verdict::Warning);
        assert!(remote.finding(false).advice.contains("host = \"alsa\""), "{remote:?}");
        let _session = listener(root.path(), "run/user/1000/pulse/native");
        let both = [SESSION[0], ("PULSE_SERVER", "tcp:desk:4713")];
        assert!(seen_by(root.path(), 1000, &both).answers());
        let absent = of("unix:/srv/other").finding(false);
        assert_eq!(absent.verdict, Verdict::Warning);
        assert!(absent.advice.contains("unset PULSE_SERVER"), "{absent:?}");
    }

    #[test]
    fn a_socket_that_is_closed_to_this_user_says_so() {
        let denied =
            ServerSocket { address: "/run/user/1/pulse/native".into(), reach: Reach::Denied };
        let server = SoundServer { own: vec![denied], user_id: 7, ..SoundServer::default() };
        let finding = server.finding(false);
        assert_eq!(finding.verdict, Verdict::Warning);
        assert!(finding.found.contains("user 7 may not open"), "{finding:?}");
    }
}
