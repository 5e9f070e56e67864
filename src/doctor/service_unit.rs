//! The installed units of the service with their drop-ins: whether the service may open the sound card, which addresses it
//! blocks, where it may write, and whether it may run a TorchScript module. Read below a root folder; makes a finding a
//! fault, or one a unit.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use super::{Finding, Verdict};

/// The unit's name, in every folder.
const NAME: &str = "tympan.service";

/// Where a service manager looks for units, the first wins.
const SYSTEM_FOLDERS: [&str; 5] = [
    "etc/systemd/system",
    "run/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
];
/// The same of a user's service manager, after the user's own.
const USER_FOLDERS: [&str; 4] =
    ["etc/systemd/user", "run/systemd/user", "usr/local/lib/systemd/user", "usr/lib/systemd/user"];
const USER_FOLDER: &str = ".config/systemd/user";

/// The group that may open sound cards.
const SOUND_GROUP: &str = "audio";

/// Whose service manager runs a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitKind {
    /// The machine's.
    System,
    /// A user's.
    User,
}

/// An installed unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceUnit {
    /// Whose.
    pub kind: UnitKind,
    /// Its file.
    pub path: PathBuf,
    /// Whether it starts with the machine or the session.
    pub is_enabled: bool,
    /// Whether its program is there.
    pub has_program: bool,
    /// Users whom `/etc/group` puts into the group `audio`.
    pub sound_group_members: Vec<String>,
    /// The assignments of `[Service]`, drop-ins last.
    pub settings: Vec<(String, String)>,
}

/// What the configuration at hand needs of a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceNeeds {
    /// Its file, if it has one.
    pub config: Option<PathBuf>,
    /// Whether it captures from a microphone.
    pub microphone: bool,
    /// Whether that has to be a sound server's.
    pub sound_server: bool,
    /// Where it listens for clients and browsers, each with its section.
    pub listens: Vec<(&'static str, SocketAddr)>,
    /// Hosts that it, or a program of it, connects to, each with its section.
    pub connects: Vec<(String, String)>,
    /// Where its outputs write.
    pub folders: Vec<PathBuf>,
    /// Whether its model is a TorchScript module.
    pub torchscript: bool,
}

impl ServiceUnit {
    /// Every unit below `root`: the system's, and the user's with this home.
    pub fn gather(root: &Path, home: Option<&Path>) -> Vec<Self> {
        let below = |folders: &[&str]| folders.iter().map(|it| root.join(it)).collect::<Vec<_>>();
        let mut of_user = below(&USER_FOLDERS);
        if let Some(home) = home {
            let home = root.join(home.strip_prefix("/").unwrap_or(home));
            of_user.insert(0, home.join(USER_FOLDER));
        }
        let system = Self::read(root, UnitKind::System, &below(&SYSTEM_FOLDERS));
        let user = Self::read(root, UnitKind::User, &of_user);
        system.into_iter().chain(user).collect()
    }

    fn read(root: &Path, kind: UnitKind, folders: &[PathBuf]) -> Option<Self> {
        let (path, text) = folders.iter().find_map(|folder| {
            let path = folder.join(NAME);
            fs::read_to_string(&path).ok().map(|text| (path, text))
        })?;
        // of drop-ins with one name, the first folder's counts; all are applied in the order of their names
        let mut drop_ins: BTreeMap<String, PathBuf> = BTreeMap::new();
        for folder in folders {
            let entries = fs::read_dir(folder.join(format!("{NAME}.d")));
            for entry in entries.into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.ends_with(".conf") {
                    drop_ins.entry(name).or_insert_with(|| entry.path());
                }
            }
        }
        let mut settings = service_settings(&text);
        for drop_in in drop_ins.values() {
            settings.extend(service_settings(&fs::read_to_string(drop_in).unwrap_or_default()));
        }
        let wants = ["multi-user.target.wants", "default.target.wants"];
        let is_enabled = folders.iter().any(|folder| {
            wants.iter().any(|wants| fs::symlink_metadata(folder.join(wants).join(NAME)).is_ok())
        });
        let mut unit = Self {
            kind,
            path: Path::new("/").join(path.strip_prefix(root).unwrap_or(&path)),
            is_enabled,
            has_program: true,
            sound_group_members: sound_group_members(root),
            settings,
        };
        if let Some(program) = unit.command().first() {
            unit.has_program = root.join(program.trim_start_matches('/')).exists();
        }
        Some(unit)
    }

    /// Of all units; without one there is nothing to find.
    pub fn findings(units: &[Self], needs: &ServiceNeeds) -> Vec<Finding> {
        if units.is_empty() {
            let advice = "nothing, unless tympan is to be a service: sudo make install-light";
            return vec![Finding::new("unit", Verdict::Ok, "none is installed", advice)];
        }
        units.iter().flat_map(|unit| unit.findings_of_one(needs)).collect()
    }

    fn findings_of_one(&self, needs: &ServiceNeeds) -> Vec<Finding> {
        let faults = [
            self.program(),
            self.devices(needs),
            self.group(needs),
            self.sound_server(needs),
            self.network(needs),
            self.connects(needs),
            self.torchscript(needs),
        ];
        let mut findings: Vec<Finding> = faults.into_iter().flatten().collect();
        findings.extend(needs.folders.iter().filter_map(|folder| self.writing(folder)));
        if findings.is_empty() {
            findings.push(self.good(needs));
        }
        findings
    }

    fn check(&self) -> &'static str {
        match self.kind {
            UnitKind::System => "unit",
            UnitKind::User => "user unit",
        }
    }

    /// What keeps the service from capturing; no more than a warning while nobody starts it.
    fn stopping(&self, found: &str, advice: impl Into<String>) -> Finding {
        let verdict = if self.is_enabled { Verdict::Failure } else { Verdict::Warning };
        Finding::new(self.check(), verdict, self.located(found), advice)
    }

    fn warning(&self, found: &str, advice: impl Into<String>) -> Finding {
        Finding::warning(self.check(), self.located(found), advice)
    }

    fn located(&self, found: &str) -> String {
        format!("{}: {found}", self.path.display())
    }

    /// How a setting is changed.
    fn edit(&self, setting: &str) -> String {
        match self.kind {
            UnitKind::System => format!("sudo systemctl edit tympan, then [Service] and {setting}"),
            UnitKind::User => format!("systemctl --user edit tympan, then [Service] and {setting}"),
        }
    }

    fn good(&self, needs: &ServiceNeeds) -> Finding {
        let blocks = match self.kind {
            UnitKind::System => format!(", {}", self.blocked()),
            UnitKind::User => String::new(),
        };
        let config = self.config();
        let reads = config.map_or("the built-in configuration", |path| path);
        let state = if self.is_enabled { "enabled" } else { "not enabled" };
        let found = self.located(&format!("{state}, reads {reads}{blocks}"));
        let is_same = config.map(Path::new) == needs.config.as_deref();
        let advice = match (self.is_enabled, config) {
            (_, Some(config)) if !is_same && !config.contains('%') => {
                format!("check that configuration with it: tympan doctor --config {config}")
            }
            (false, _) if self.kind == UnitKind::System => {
                "sudo systemctl enable --now tympan starts it".to_owned()
            }
            (false, _) => "systemctl --user enable --now tympan starts it".to_owned(),
            (true, _) => "nothing to do".to_owned(),
        };
        Finding::new(self.check(), Verdict::Ok, found, advice)
    }

    fn program(&self) -> Option<Finding> {
        if self.has_program {
            return None;
        }
        let program = self.command().first().copied().unwrap_or_default().to_owned();
        let found = format!("its program {program} is not there");
        Some(self.stopping(&found, "install it again (sudo make install-light), with its PREFIX"))
    }

    fn devices(&self, needs: &ServiceNeeds) -> Option<Finding> {
        if !needs.microphone || self.kind == UnitKind::User {
            return None;
        }
        if self.is_on("PrivateDevices") {
            let found = "PrivateDevices hides every sound card";
            return Some(self.stopping(found, self.edit("PrivateDevices=no")));
        }
        let allowed = self.list("DeviceAllow");
        let is_closed = match self.last("DevicePolicy") {
            Some("closed" | "strict") => true,
            _ => !allowed.is_empty(),
        };
        let opens_sound =
            |entry: &&str| entry.starts_with("char-alsa") || entry.starts_with("/dev/snd");
        let is_allowed = allowed.iter().any(opens_sound);
        (is_closed && !is_allowed).then(|| {
            let found = "it may open no sound card (DevicePolicy without DeviceAllow=char-alsa)";
            self.stopping(found, self.edit("DeviceAllow=char-alsa rw"))
        })
    }

    fn group(&self, needs: &ServiceNeeds) -> Option<Finding> {
        if !needs.microphone || self.kind == UnitKind::User {
            return None;
        }
        let user = self.last("User").filter(|user| !user.is_empty());
        let is_root = user.is_none_or(|user| user == "root" || user == "0");
        if is_root && !self.is_on("DynamicUser") {
            return None;
        }
        let is_member = self.last("Group") == Some(SOUND_GROUP)
            || self.list("SupplementaryGroups").contains(&SOUND_GROUP)
            || user.is_some_and(|user| self.sound_group_members.iter().any(|it| it == user));
        (!is_member).then(|| {
            let user = user.unwrap_or("its own user");
            let found =
                format!("{user} is not in the group {SOUND_GROUP}, which opens sound cards");
            self.stopping(&found, self.edit("SupplementaryGroups=audio"))
        })
    }

    fn sound_server(&self, needs: &ServiceNeeds) -> Option<Finding> {
        let names_one = self.list("Environment").iter().any(|it| it.contains("PULSE_SERVER="));
        if self.kind == UnitKind::User || !needs.microphone || !needs.sound_server || names_one {
            return None;
        }
        let found = "host = \"pulseaudio\", and a system service has no session, so that it reaches no user's server";
        let advice =
            "use the user's unit (systemctl --user enable --now tympan), or set host = \"alsa\"";
        Some(self.stopping(found, advice))
    }

    fn network(&self, needs: &ServiceNeeds) -> Option<Finding> {
        let mut beyond = needs.listens.iter().filter(|(_, address)| !address.ip().is_loopback());
        let (section, address) = beyond.next()?;
        let found =
            |what: &str| format!("{what}, and [{section}] listens at {address} for other machines");
        if self.is_on("PrivateNetwork") {
            let found = found("PrivateNetwork leaves it without a network");
            return Some(self.warning(&found, self.edit("PrivateNetwork=no")));
        }
        let family = if address.is_ipv4() { "AF_INET" } else { "AF_INET6" };
        if self.leaves_out(family) {
            let found = found(&format!("RestrictAddressFamilies leaves {family} out"));
            return Some(self.warning(&found, self.allow_family(family)));
        }
        self.lets_in_this_machine_only().then(|| {
            let setting = "IPAddressAllow= with the addresses of its clients, as 192.168.0.0/16";
            self.warning(&found(&format!("it {}", self.blocked())), self.edit(setting))
        })
    }

    /// A broker or a camera beyond this machine that the unit keeps it from.
    fn connects(&self, needs: &ServiceNeeds) -> Option<Finding> {
        let mut hosts = needs.connects.iter();
        hosts.find_map(|(section, host)| self.connects_to(section, host))
    }

    fn connects_to(&self, section: &str, host: &str) -> Option<Finding> {
        let address: Option<IpAddr> = host.parse().ok();
        if address.map_or(host.eq_ignore_ascii_case("localhost"), |it| it.is_loopback()) {
            return None;
        }
        let found = |what: &str| format!("{what}, and [{section}] connects to {host}");
        if self.is_on("PrivateNetwork") {
            let found = found("PrivateNetwork leaves it without a network");
            return Some(self.warning(&found, self.edit("PrivateNetwork=no")));
        }
        let family = match address {
            Some(IpAddr::V6(_)) => "AF_INET6",
            Some(IpAddr::V4(_)) | None => "AF_INET",
        };
        if self.leaves_out(family) {
            let found = found(&format!("RestrictAddressFamilies leaves {family} out"));
            return Some(self.warning(&found, self.allow_family(family)));
        }
        let blocked = self.list("IPAddressDeny").contains(&"any")
            && !self.list("IPAddressAllow").iter().any(|range| covers(range, address));
        blocked.then(|| {
            let setting = match address {
                Some(address) => format!("IPAddressAllow={address}"),
                None => {
                    "IPAddressAllow= with its address, as 192.168.1.10, and that of the name server"
                        .to_owned()
                }
            };
            self.warning(&found(&format!("it {}", self.blocked())), self.edit(&setting))
        })
    }

    /// Whether sockets of this family are closed to it.
    fn leaves_out(&self, family: &str) -> bool {
        let families = self.list("RestrictAddressFamilies");
        let is_deny_list = families.first().is_some_and(|it| it.starts_with('~'));
        let names_it = families.iter().any(|it| it.trim_start_matches('~') == family);
        !families.is_empty() && names_it == is_deny_list
    }

    fn allow_family(&self, family: &str) -> String {
        self.edit(&format!("RestrictAddressFamilies=AF_UNIX {family}"))
    }

    fn torchscript(&self, needs: &ServiceNeeds) -> Option<Finding> {
        (needs.torchscript && self.is_on("MemoryDenyWriteExecute")).then(|| {
            let found = "MemoryDenyWriteExecute makes libtorch compute the TorchScript module several times slower, and \
                         a frozen one not at all";
            self.warning(found, self.edit("MemoryDenyWriteExecute=no, if the module is too slow"))
        })
    }

    /// A folder that the unit closes.
    fn writing(&self, folder: &Path) -> Option<Finding> {
        if self.kind == UnitKind::User {
            return None;
        }
        let homes = ["/home", "/root", "/run/user"];
        let hides_homes =
            self.last("ProtectHome").is_some_and(|it| !matches!(it, "no" | "false" | "0"));
        if hides_homes && homes.iter().any(|home| folder.starts_with(home)) {
            let found = format!("ProtectHome hides {}", folder.display());
            let advice = "name a folder below /var/lib/tympan in the configuration";
            return Some(self.warning(&found, advice));
        }
        if self.last("ProtectSystem") != Some("strict") || !folder.is_absolute() {
            return None;
        }
        let own = [
            ("LogsDirectory", "/var/log"),
            ("StateDirectory", "/var/lib"),
            ("CacheDirectory", "/var/cache"),
            ("RuntimeDirectory", "/run"),
        ];
        let of_its_own = own.iter().flat_map(|(key, parent)| {
            self.list(key).into_iter().map(|name| Path::new(parent).join(name))
        });
        let opened = self
            .list("ReadWritePaths")
            .into_iter()
            .map(|path| PathBuf::from(path.trim_start_matches(['-', '+'])));
        let private = self.is_on("PrivateTmp").then(|| ["/tmp", "/var/tmp"].map(PathBuf::from));
        let mut writable = of_its_own.chain(opened).chain(private.into_iter().flatten());
        if writable.any(|open| folder.starts_with(open)) {
            return None;
        }
        let found = format!("ProtectSystem=strict lets it not write to {}", folder.display());
        let setting = format!("ReadWritePaths={}", folder.display());
        Some(self.warning(&found, self.edit(&setting)))
    }

    /// The addresses that it blocks, in words.
    fn blocked(&self) -> String {
        let (denied, allowed) = (self.list("IPAddressDeny"), self.list("IPAddressAllow"));
        match (&denied[..], &allowed[..]) {
            ([], _) => "blocks no address".to_owned(),
            (_, allowed) if allowed.contains(&"any") => "blocks no address".to_owned(),
            (denied, []) => format!("blocks {}", denied.join(" ")),
            (denied, allowed) => {
                format!("blocks {} but for {}", denied.join(" "), allowed.join(" "))
            }
        }
    }

    fn lets_in_this_machine_only(&self) -> bool {
        let denies_all = self.list("IPAddressDeny").contains(&"any");
        let is_here = |address: &str| {
            address == "localhost" || address.starts_with("127.") || address.starts_with("::1")
        };
        denies_all && self.list("IPAddressAllow").into_iter().all(is_here)
    }

    fn command(&self) -> Vec<&str> {
        let command = self.last("ExecStart").unwrap_or_default();
        command.trim_start_matches(['-', '@', ':', '+', '!']).split_whitespace().collect()
    }

    /// The configuration that its command names.
    fn config(&self) -> Option<&str> {
        let command = self.command();
        let at = command.iter().position(|word| *word == "--config")?;
        command.get(at + 1).copied()
    }

    fn last(&self, key: &str) -> Option<&str> {
        let of_key = |(name, _): &&(String, String)| name == key;
        self.settings.iter().rev().find(of_key).map(|(_, value)| &**value)
    }

    fn is_on(&self, key: &str) -> bool {
        self.last(key).is_some_and(|value| matches!(value, "yes" | "true" | "on" | "1"))
    }

    /// The words of all assignments; an empty one takes back what came before.
    fn list(&self, key: &str) -> Vec<&str> {
        let mut words = Vec::new();
        for (_, value) in self.settings.iter().filter(|(name, _)| name == key) {
            if value.is_empty() {
                words.clear();
            }
            words.extend(value.split_whitespace());
        }
        words
    }
}

/// Whether a range of systemd.resource-control(5) has this address; without one, whether it has any beyond this machine.
fn covers(range: &str, address: Option<IpAddr>) -> bool {
    let Some(address) = address else {
        return !(range == "localhost" || range.starts_with("127.") || range.starts_with("::1"));
    };
    let (first, length) = range.split_once('/').unwrap_or((range, ""));
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let (wanted, longest) = bits(address);
    match first.parse::<IpAddr>() {
        Ok(first) if first.is_ipv4() == address.is_ipv4() => {
            let length: u32 = length.parse().unwrap_or(longest).min(longest);
            let differs = bits(first).0 ^ wanted;
            differs.leading_zeros() >= length
        }
        Ok(_) => false,
        Err(_) => match range {
            "any" => true,
            "link-local" => match address {
                IpAddr::V4(address) => address.is_link_local(),
                IpAddr::V6(address) => address.is_unicast_link_local(),
            },
            "multicast" => address.is_multicast(),
            _ => false,
        },
    }
}

/// The assignments of the section `[Service]`, as systemd.syntax(7) has them.
fn service_settings(text: &str) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    let mut is_service = false;
    let mut begun = String::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(part) = line.strip_suffix('\\') {
            begun.push_str(part);
            begun.push(' ');
            continue;
        }
        let whole = std::mem::take(&mut begun) + line;
        if let Some(section) = whole.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            is_service = section == "Service";
        } else if let Some((key, value)) = whole.split_once('=').filter(|_| is_service) {
            settings.push((key.trim().to_owned(), value.trim().to_owned()));
        }
    }
    settings
}

fn sound_group_members(root: &Path) -> Vec<String> {
    let text = fs::read_to_string(root.join("etc/group")).unwrap_or_default();
    let members = text.lines().find_map(|line| line.strip_prefix("audio:")?.rsplit(':').next());
    members.into_iter().flat_map(|it| it.split(',')).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../systemd/tympan.service");
    const SHIPPED_FOR_USERS: &str = include_str!("../../systemd/tympan-user.service");
    const CONFIG: &str = "/usr/local/etc/tympan/config.toml";

    fn put(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A machine with the shipped unit, enabled, and this drop-in.
    fn installed(drop_in: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let at = root.path();
        put(at, "usr/local/bin/tympan", "");
        put(at, "usr/local/lib/systemd/system/tympan.service", SHIPPED);
        put(at, "etc/systemd/system/multi-user.target.wants/tympan.service", "");
        put(
            at,
            "etc/systemd/system/tympan.service.d/override.conf",
            &format!("[Service]\n{drop_in}"),
        );
        root
    }

    fn needs() -> ServiceNeeds {
        ServiceNeeds { config: Some(CONFIG.into()), microphone: true, ..ServiceNeeds::default() }
    }

    fn findings(drop_in: &str, needs: &ServiceNeeds) -> Vec<Finding> {
        let root = installed(drop_in);
        ServiceUnit::findings(&ServiceUnit::gather(root.path(), None), needs)
    }

    fn only(drop_in: &str, needs: &ServiceNeeds) -> Finding {
        let mut findings = findings(drop_in, needs);
        assert_eq!(findings.len(), 1, "{findings:?}");
        findings.remove(0)
    }

    #[test]
    fn the_shipped_unit_is_good_and_says_which_addresses_it_blocks() {
        let finding = only("", &needs());
        assert_eq!((finding.verdict, &*finding.advice), (Verdict::Ok, "nothing to do"));
        assert_eq!(
            finding.found,
            format!(
                "/usr/local/lib/systemd/system/tympan.service: enabled, reads {CONFIG}, blocks any but for localhost"
            )
        );
        let other = only("", &ServiceNeeds { config: None, ..needs() });
        assert_eq!(other.verdict, Verdict::Ok);
        assert!(other.advice.contains(&format!("--config {CONFIG}")), "{other:?}");
    }

    #[test]
    fn a_machine_without_a_unit_has_nothing_to_check() {
        let root = tempfile::tempdir().unwrap();
        let units = ServiceUnit::gather(root.path(), Some(Path::new("/home/jo")));
        assert_eq!(ServiceUnit::findings(&units, &needs())[0].verdict, Verdict::Ok);
    }

    #[test]
    fn a_unit_that_may_not_open_the_card_is_a_failure_once_it_is_enabled() {
        for (drop_in, word) in [
            ("DeviceAllow=\n", "char-alsa"),
            ("PrivateDevices=yes\n", "PrivateDevices=no"),
            ("SupplementaryGroups=\n", "SupplementaryGroups=audio"),
        ] {
            let finding = only(drop_in, &needs());
            assert_eq!(finding.verdict, Verdict::Failure, "{drop_in}");
            assert!(finding.advice.contains(word), "{finding:?}");
            let recordings = ServiceNeeds { microphone: false, ..needs() };
            assert_eq!(only(drop_in, &recordings).verdict, Verdict::Ok);
        }
        let root = installed("DeviceAllow=\n");
        fs::remove_dir_all(root.path().join("etc/systemd/system/multi-user.target.wants")).unwrap();
        let units = ServiceUnit::gather(root.path(), None);
        assert_eq!(ServiceUnit::findings(&units, &needs())[0].verdict, Verdict::Warning);
    }

    #[test]
    fn a_user_whom_the_machine_puts_into_the_group_needs_no_other() {
        let drop_in = "DynamicUser=no\nUser=jo\nSupplementaryGroups=\n";
        assert_eq!(only(drop_in, &needs()).verdict, Verdict::Failure);
        let root = installed(drop_in);
        put(root.path(), "etc/group", "audio:x:29:kim,jo\n");
        let units = ServiceUnit::gather(root.path(), None);
        assert_eq!(ServiceUnit::findings(&units, &needs())[0].verdict, Verdict::Ok);
    }

    #[test]
    fn a_broker_on_another_machine_is_blocked_until_its_address_is_allowed() {
        let to = |address: &str| ServiceNeeds {
            connects: vec![("output.mqtt".to_owned(), address.to_owned())],
            ..needs()
        };
        let blocked = only("", &to("192.168.1.10"));
        assert_eq!(blocked.verdict, Verdict::Warning);
        assert!(blocked.found.contains("[output.mqtt] connects to 192.168.1.10"), "{blocked:?}");
        assert!(blocked.advice.ends_with("IPAddressAllow=192.168.1.10"), "{blocked:?}");
        assert_eq!(only("", &to("localhost")).verdict, Verdict::Ok);
        assert_eq!(only("", &to("::1")).verdict, Verdict::Ok);
        for range in ["192.168.1.10", "192.168.0.0/16", "any"] {
            let drop_in = format!("IPAddressAllow={range}\n");
            assert_eq!(only(&drop_in, &to("192.168.1.10")).verdict, Verdict::Ok, "{range}");
        }
        for range in ["10.0.0.0/8", "192.168.2.0/24", "link-local", "fe80::/10"] {
            let drop_in = format!("IPAddressAllow={range}\n");
            let verdict = only(&drop_in, &to("192.168.1.10")).verdict;
            assert_eq!(verdict, Verdict::Warning, "{range}");
        }
        let named = only("", &to("broker.local"));
        assert!(named.advice.contains("that of the name server"), "{named:?}");
    }

    #[test]
    fn clients_of_other_machines_are_blocked_until_their_addresses_are_allowed() {
        let tcp = |address: &str| ServiceNeeds {
            listens: vec![("output.web", address.parse().unwrap())],
            ..needs()
        };
        let blocked = only("", &tcp("0.0.0.0:7327"));
        assert_eq!(blocked.verdict, Verdict::Warning);
        assert!(blocked.found.contains("blocks any but for localhost"), "{blocked:?}");
        assert!(blocked.advice.contains("IPAddressAllow"), "{blocked:?}");
        assert_eq!(only("", &tcp("127.0.0.1:7327")).verdict, Verdict::Ok);
        let allowed = only("IPAddressAllow=192.168.0.0/16\n", &tcp("0.0.0.0:7327"));
        assert_eq!(allowed.verdict, Verdict::Ok);
        assert!(allowed.found.contains("but for localhost 192.168.0.0/16"), "{allowed:?}");
        let open = only("IPAddressDeny=\n", &tcp("0.0.0.0:7327"));
        assert!(
            open.verdict == Verdict::Ok && open.found.contains("blocks no address"),
            "{open:?}"
        );
        let families = only(
            "RestrictAddressFamilies=\nRestrictAddressFamilies=AF_UNIX AF_INET\nIPAddressDeny=\n",
            &tcp("[::]:7327"),
        );
        assert!(families.found.contains("leaves AF_INET6 out"), "{families:?}");
        let private = only("PrivateNetwork=yes\n", &tcp("0.0.0.0:7327"));
        assert!(private.advice.contains("PrivateNetwork=no"), "{private:?}");
    }

    #[test]
    fn a_torchscript_module_wants_memory_to_write_and_execute() {
        let module = ServiceNeeds { torchscript: true, ..needs() };
        assert_eq!(only("", &module).verdict, Verdict::Warning);
        assert_eq!(only("MemoryDenyWriteExecute=no\n", &module).verdict, Verdict::Ok);
    }

    #[test]
    fn folders_that_the_unit_closes_are_warned_of() {
        let writes = |folder: &str| ServiceNeeds { folders: vec![folder.into()], ..needs() };
        assert_eq!(only("", &writes("/var/log/tympan")).verdict, Verdict::Ok);
        assert_eq!(only("", &writes("/var/lib/tympan/clips")).verdict, Verdict::Ok);
        let elsewhere = only("", &writes("/srv/clips"));
        assert_eq!(elsewhere.verdict, Verdict::Warning);
        assert!(elsewhere.advice.contains("ReadWritePaths=/srv/clips"), "{elsewhere:?}");
        assert_eq!(only("ReadWritePaths=-/srv\n", &writes("/srv/clips")).verdict, Verdict::Ok);
        assert!(only("", &writes("/home/jo/clips")).found.contains("ProtectHome"));
    }

    #[test]
    fn a_system_service_that_is_to_use_a_sound_server_is_a_failure() {
        let server = ServiceNeeds { sound_server: true, ..needs() };
        let finding = only("", &server);
        assert_eq!(finding.verdict, Verdict::Failure);
        assert!(finding.advice.contains("systemctl --user"), "{finding:?}");
        let named = only("Environment=PULSE_SERVER=unix:/run/pulse/native\n", &server);
        assert_eq!(named.verdict, Verdict::Ok);
    }

    #[test]
    fn a_user_s_unit_is_read_from_the_user_s_home() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "home/jo/.config/systemd/user/tympan.service", SHIPPED_FOR_USERS);
        let units = ServiceUnit::gather(root.path(), Some(Path::new("/home/jo")));
        let findings = ServiceUnit::findings(&units, &needs());
        assert_eq!((findings[0].check, findings[0].verdict), ("user unit", Verdict::Warning));
        assert!(findings[0].found.contains("/usr/local/bin/tympan is not there"), "{findings:?}");
        put(root.path(), "usr/local/bin/tympan", "");
        let units = ServiceUnit::gather(root.path(), Some(Path::new("/home/jo")));
        let findings = ServiceUnit::findings(&units, &needs());
        assert_eq!((findings.len(), findings[0].verdict), (1, Verdict::Ok));
        assert!(findings[0].advice.contains("systemctl --user enable"), "{findings:?}");
    }

    #[test]
    fn settings_are_read_as_systemd_reads_them() {
        let text = "[Unit]\nUser=no\n[Service]\n# User=no\nUser = jo\nExecStart=/bin/a \\\n  # not this\n  --config b\n";
        let settings = service_settings(text);
        let texts: Vec<(&str, &str)> =
            settings.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(texts, [("User", "jo"), ("ExecStart", "/bin/a  --config b")]);
    }
}
