//! The sound cards that the kernel knows, whether this process may open their capture devices, and which programs hold them.
//! Read from `/proc` and `/dev/snd` below a root folder; makes three findings.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{AccessFlags, access};

use super::Finding;

/// Sound cards and who uses them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SoundCards {
    /// The kernel's names of them, by number.
    pub cards: Vec<String>,
    /// What captures, in the order of the names.
    pub nodes: Vec<CaptureNode>,
    /// The user that this process runs as.
    pub user_id: u32,
    /// The groups of this process by name, by number where they have none.
    pub groups: Vec<String>,
}

/// One capture device of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureNode {
    /// As in `/dev/snd`: `pcmC0D0c`.
    pub name: String,
    /// Whether this process may open it.
    pub is_open_to_us: bool,
    /// The group that it belongs to.
    pub group: String,
    /// Its permission bits.
    pub mode: u32,
    /// Other processes that have it open.
    pub holders: Vec<Holder>,
}

/// A process that has a capture device open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its id.
    pub process: u32,
    /// Its program; empty if that is unknown.
    pub program: String,
}

impl SoundCards {
    /// Reads what there is below `root`; what cannot be read counts as absent.
    pub fn gather(root: &Path) -> Self {
        let groups = GroupNames::read(root);
        let status = fs::read_to_string(root.join("proc/self/status")).unwrap_or_default();
        let numbers = |field: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or("");
            line.split_whitespace().filter_map(|it| it.parse().ok()).collect::<Vec<u32>>()
        };
        let mut member_of: Vec<u32> = numbers("Gid:").get(1).copied().into_iter().collect();
        member_of.extend(numbers("Groups:"));
        let mut seen = BTreeSet::new();
        member_of.retain(|group| seen.insert(*group));
        let own_process = numbers("Pid:").first().copied();
        let mut holders = holders(root, own_process);
        let mut nodes: Vec<CaptureNode> = Vec::new();
        for entry in fs::read_dir(root.join("dev/snd")).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Ok(found) = entry.metadata() else { continue };
            if capture_address(&name).is_none() {
                continue;
            }
            let mut of_this = holders.remove(&name).unwrap_or_default();
            of_this.extend(owner(root, &name, own_process));
            of_this.sort_by_key(|holder| holder.process);
            of_this.dedup_by_key(|holder| holder.process);
            nodes.push(CaptureNode {
                is_open_to_us: access(&entry.path(), AccessFlags::R_OK | AccessFlags::W_OK).is_ok(),
                group: groups.name(found.gid()),
                mode: found.mode() & 0o777,
                holders: of_this,
                name,
            });
        }
        nodes.sort_by(|one, other| one.name.cmp(&other.name));
        Self {
            cards: cards(root),
            nodes,
            user_id: numbers("Uid:").get(1).copied().unwrap_or(0),
            groups: member_of.into_iter().map(|number| groups.name(number)).collect(),
        }
    }

    /// Cards, permissions, and who holds what; a sound server that answers opens the cards for its clients.
    pub fn findings(&self, server_answers: bool) -> Vec<Finding> {
        vec![
            self.presence(server_answers),
            self.permission(server_answers),
            self.busy(server_answers),
        ]
    }

    fn presence(&self, server_answers: bool) -> Finding {
        const CHECK: &str = "sound cards";
        if self.nodes.is_empty() {
            let found = match &self.cards[..] {
                [] => "the kernel has no sound card".to_owned(),
                cards => format!("no card can capture: {}", cards.join(", ")),
            };
            return if server_answers {
                Finding::ok(CHECK, format!("{found}; the sound server has its own devices"))
            } else {
                let advice = "plug a microphone or sound card in; in a container, pass /dev/snd in \
                              (docker run --device /dev/snd)";
                Finding::warning(CHECK, found, advice)
            };
        }
        let names: Vec<&str> = self.nodes.iter().map(|node| &*node.name).collect();
        let cards = if self.cards.is_empty() {
            String::new()
        } else {
            format!(" of {}", self.cards.join(", "))
        };
        Finding::ok(CHECK, format!("{} can capture{cards}", names.join(", ")))
    }

    fn permission(&self, server_answers: bool) -> Finding {
        const CHECK: &str = "permissions";
        let groups = format!("user {} in {}", self.user_id, self.groups.join(", "));
        let Some(closed) = self.nodes.iter().find(|node| !node.is_open_to_us) else {
            let found = match self.nodes.len() {
                0 => format!("{groups}; there is no capture device to open"),
                count => format!("{groups} may open {count} of {count} capture devices"),
            };
            return Finding::ok(CHECK, found);
        };
        let found = format!(
            "{groups} may not open /dev/snd/{} (mode {:o}, group {})",
            closed.name, closed.mode, closed.group
        );
        let all_closed = self.nodes.iter().all(|node| !node.is_open_to_us);
        let advice = if self.groups.contains(&closed.group) {
            format!("give the group its rights back: sudo chmod g+rw /dev/snd/{}", closed.name)
        } else {
            format!("sudo usermod -aG {} $USER, then log in again", closed.group)
        };
        match (all_closed, server_answers) {
            (true, false) => Finding::failure(CHECK, found, advice),
            (false, false) => Finding::warning(CHECK, found, advice),
            (_, true) => Finding::ok(CHECK, format!("{found}; the sound server opens it for us")),
        }
    }

    fn busy(&self, server_answers: bool) -> Finding {
        const CHECK: &str = "busy cards";
        let held: Vec<String> = self
            .nodes
            .iter()
            .filter(|node| !node.holders.is_empty())
            .map(|node| {
                let holders: Vec<String> = node.holders.iter().map(Holder::to_string).collect();
                format!("{} by {}", node.name, holders.join(" and "))
            })
            .collect();
        if held.is_empty() {
            return Finding::ok(CHECK, "nobody holds a capture device");
        }
        let found = format!("held: {}", held.join(", "));
        if server_answers {
            return Finding::ok(CHECK, format!("{found}; the sound server shares it"));
        }
        let advice = "end that program, or capture through its sound server (host = \"pulseaudio\"); \
                      ALSA gives a card to one program at a time";
        Finding::warning(CHECK, found, advice)
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &*self.program {
            "" => write!(f, "process {}", self.process),
            program => write!(f, "{program} (process {})", self.process),
        }
    }
}

/// The names of groups by number, as `/etc/group` has them.
struct GroupNames(BTreeMap<u32, String>);

impl GroupNames {
    fn read(root: &Path) -> Self {
        let text = fs::read_to_string(root.join("etc/group")).unwrap_or_default();
        let entry = |line: &str| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            Some((fields.nth(1)?.parse().ok()?, name.to_owned()))
        };
        Self(text.lines().filter_map(entry).collect())
    }

    fn name(&self, number: u32) -> String {
        self.0.get(&number).cloned().unwrap_or_else(|| format!("group {number}"))
    }
}

/// Card and device number of a capture device's name.
fn capture_address(name: &str) -> Option<(u32, u32)> {
    let (card, device) = name.strip_prefix("pcmC")?.strip_suffix('c')?.split_once('D')?;
    Some((card.parse().ok()?, device.parse().ok()?))
}

fn cards(root: &Path) -> Vec<String> {
    let text = fs::read_to_string(root.join("proc/asound/cards")).unwrap_or_default();
    let named = |line: &str| {
        // " 0 [PCH            ]: HDA-Intel - HDA Intel PCH"; a second line of the card has more words
        let (number, rest) = line.split_once('[')?;
        let number: u32 = number.trim().parse().ok()?;
        let (id, _) = rest.split_once(']')?;
        Some(format!("card {number} {}", id.trim()))
    };
    text.lines().filter_map(named).collect()
}

/// The programs that have something below `/dev/snd` open, by its name; of other users only for root.
fn holders(root: &Path, own_process: Option<u32>) -> BTreeMap<String, Vec<Holder>> {
    let mut found: BTreeMap<String, Vec<Holder>> = BTreeMap::new();
    for entry in fs::read_dir(root.join("proc")).into_iter().flatten().flatten() {
        let process = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(process) = process.filter(|process| Some(*process) != own_process) else {
            continue;
        };
        for open in fs::read_dir(entry.path().join("fd")).into_iter().flatten().flatten() {
            let target = fs::read_link(open.path()).unwrap_or_default();
            if let Ok(name) = target.strip_prefix("/dev/snd") {
                let holder = Holder { process, program: program(root, process) };
                found.entry(name.to_string_lossy().into_owned()).or_default().push(holder);
            }
        }
    }
    found
}

/// Who runs the device's first stream, as the kernel reports to everybody.
fn owner(root: &Path, name: &str, own_process: Option<u32>) -> Option<Holder> {
    let (card, device) = capture_address(name)?;
    let path = format!("proc/asound/card{card}/pcm{device}c/sub0/status");
    let status = fs::read_to_string(root.join(path)).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("owner_pid"))?;
    let thread: u32 = line.trim_start_matches([' ', ':']).trim().parse().ok()?;
    // it may be a thread of a process
    let status = fs::read_to_string(root.join(format!("proc/{thread}/status"))).unwrap_or_default();
    let process = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
    let process = process.and_then(|it| it.trim().parse().ok()).unwrap_or(thread);
    let holder = Holder { process, program: program(root, process) };
    (Some(process) != own_process).then_some(holder)
}

fn program(root: &Path, process: u32) -> String {
    let name = fs::read_to_string(root.join(format!("proc/{process}/comm")));
    name.unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::super::Verdict;
    use super::*;

    fn put(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A machine with one card that PipeWire holds, whose user is in the groups 1000 and 29.
    fn machine() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let at = root.path();
        put(at, "etc/group", "root:x:0:\naudio:x:29:jo\njo:x:1000:\n");
        put(
            at,
            "proc/self/status",
            "Name:\ttympan\nPid:\t50\nUid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\nGroups:\t29 1000 \n",
        );
        put(
            at,
            "proc/asound/cards",
            " 0 [PCH            ]: HDA-Intel - HDA Intel PCH\n                      HDA Intel PCH at 0xe0\n",
        );
        put(at, "dev/snd/pcmC0D0c", "");
        put(at, "dev/snd/pcmC0D0p", "");
        put(at, "dev/snd/controlC0", "");
        put(at, "proc/700/comm", "pipewire\n");
        put(at, "proc/50/comm", "tympan\n");
        for process in ["700", "50"] {
            fs::create_dir_all(at.join(format!("proc/{process}/fd"))).unwrap();
            symlink("/dev/snd/pcmC0D0c", at.join(format!("proc/{process}/fd/7"))).unwrap();
        }
        root
    }

    fn closed() -> CaptureNode {
        CaptureNode {
            name: "pcmC0D0c".into(),
            is_open_to_us: false,
            group: "audio".into(),
            mode: 0o660,
            holders: Vec::new(),
        }
    }

    fn verdicts(cards: &SoundCards, server_answers: bool) -> Vec<Verdict> {
        cards.findings(server_answers).iter().map(|finding| finding.verdict).collect()
    }

    #[test]
    fn cards_nodes_groups_and_holders_are_read() {
        let root = machine();
        let node = root.path().join("dev/snd/pcmC0D0c");
        fs::set_permissions(&node, fs::Permissions::from_mode(0o660)).unwrap();
        let cards = SoundCards::gather(root.path());
        assert_eq!(cards.cards, ["card 0 PCH"]);
        assert_eq!(cards.user_id, 1000);
        assert_eq!(cards.groups, ["jo", "audio"]);
        let [node] = &cards.nodes[..] else { panic!("{cards:?}") };
        assert_eq!((&*node.name, node.mode, node.is_open_to_us), ("pcmC0D0c", 0o660, true));
        assert_eq!(node.holders, [Holder { process: 700, program: "pipewire".into() }]);
    }

    #[test]
    fn the_holder_that_only_the_kernel_names_is_found_by_its_thread() {
        let root = machine();
        let at = root.path();
        fs::remove_dir_all(at.join("proc/700/fd")).unwrap();
        put(at, "proc/asound/card0/pcm0c/sub0/status", "state: RUNNING\nowner_pid   : 703\n");
        put(at, "proc/703/status", "Name:\tdata-loop.0\nTgid:\t700\nPid:\t703\n");
        let cards = SoundCards::gather(at);
        assert_eq!(cards.nodes[0].holders, [Holder { process: 700, program: "pipewire".into() }]);
        let [.., busy] = &cards.findings(false)[..] else { panic!() };
        assert_eq!(busy.verdict, Verdict::Warning);
        assert!(busy.found.contains("pcmC0D0c by pipewire (process 700)"), "{busy:?}");
        assert_eq!(cards.findings(true)[2].verdict, Verdict::Ok);
    }

    #[test]
    fn a_machine_without_a_card_is_a_warning_unless_a_server_answers() {
        let root = tempfile::tempdir().unwrap();
        let cards = SoundCards::gather(root.path());
        assert_eq!(cards, SoundCards::default());
        assert_eq!(verdicts(&cards, false), [Verdict::Warning, Verdict::Ok, Verdict::Ok]);
        assert!(cards.findings(false)[0].advice.contains("plug"), "{:?}", cards.findings(false));
        assert_eq!(verdicts(&cards, true), [Verdict::Ok; 3]);
        let playing = SoundCards { cards: vec!["card 0 HDMI".into()], ..cards };
        assert!(playing.findings(false)[0].found.contains("card 0 HDMI"));
    }

    #[test]
    fn a_card_that_is_closed_to_us_says_which_group_opens_it() {
        let outsider = SoundCards {
            nodes: vec![closed()],
            user_id: 1000,
            groups: vec!["jo".into()],
            ..SoundCards::default()
        };
        let finding = &outsider.findings(false)[1];
        assert_eq!(finding.verdict, Verdict::Failure);
        assert!(finding.found.contains("/dev/snd/pcmC0D0c (mode 660, group audio)"), "{finding:?}");
        assert!(finding.advice.contains("usermod -aG audio"), "{finding:?}");
        assert_eq!(outsider.findings(true)[1].verdict, Verdict::Ok);

        let other = CaptureNode { name: "pcmC1D0c".into(), is_open_to_us: true, ..closed() };
        let one_of_two = SoundCards { nodes: vec![closed(), other], ..outsider.clone() };
        assert_eq!(one_of_two.findings(false)[1].verdict, Verdict::Warning);

        let mut member = outsider;
        member.groups.push("audio".into());
        assert!(member.findings(false)[1].advice.contains("chmod g+rw"));
    }
}
