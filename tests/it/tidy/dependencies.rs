//! What tympan is built from: packages of the registry, each with its checksum, under terms that `deny.toml` allows, and
//! none that it bans. Needs cargo, and no network.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde_json::Value;

use super::{assert_none, root};

/// Both trees that are built: tympan, and its fuzz targets.
const LOCKS: [&str; 2] = ["Cargo.lock", "tests/fuzz/Cargo.lock"];

/// Packages that belong to the repository.
const OWN: [&str; 2] = ["tympan", "tympan-fuzz"];

/// What `deny.toml` says, as far as it can be held to without the network.
struct Rules {
    allowed: BTreeSet<String>,
    exceptions: BTreeMap<String, BTreeSet<String>>,
    banned: BTreeMap<String, String>,
}

impl Rules {
    fn read() -> Self {
        Self::of(&fs::read_to_string(root().join("deny.toml")).unwrap())
    }

    fn of(text: &str) -> Self {
        let rules: toml::Table = toml::from_str(text).unwrap();
        let texts = |list: &toml::Value| -> BTreeSet<String> {
            list.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
        };
        let name = |entry: &toml::Value| entry["crate"].as_str().unwrap().to_owned();
        let exceptions = rules["licenses"]["exceptions"].as_array().unwrap();
        let banned = rules["bans"]["deny"].as_array().unwrap();
        let reason = |entry: &toml::Value| entry["reason"].as_str().unwrap().to_owned();
        Self {
            allowed: texts(&rules["licenses"]["allow"]),
            exceptions: exceptions.iter().map(|e| (name(e), texts(&e["allow"]))).collect(),
            banned: banned.iter().map(|entry| (name(entry), reason(entry))).collect(),
        }
    }

    /// Whether one of the ways in which a package may be had is allowed.
    fn allow(&self, package: &str, terms: &str) -> Result<bool, String> {
        // many still write MIT/Apache-2.0
        let parsed = spdx::Expression::parse_mode(terms, spdx::ParseMode::LAX);
        let parsed = parsed.map_err(|error| error.to_string())?;
        let excepted = self.exceptions.get(package);
        Ok(parsed.evaluate(|requirement| {
            let term = requirement.to_string();
            self.allowed.contains(&term) || excepted.is_some_and(|terms| terms.contains(&term))
        }))
    }
}

/// The packages that this build is made of, with their terms; without the features that it lacks, for cargo may never
/// have fetched what they need.
fn metadata() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command.args(["metadata", "--locked", "--offline", "--format-version", "1"]);
    command.args(["--filter-platform", &host()]).current_dir(root());
    if cfg!(not(feature = "torch")) {
        command.arg("--no-default-features");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn host() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    printed.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

/// Faults of the packages in cargo's metadata.
fn metadata_faults(metadata: &Value, rules: &Rules) -> Vec<String> {
    let mut faults = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let source = package["source"].as_str();
        let is_own = OWN.contains(&name);
        if !is_own && !source.is_some_and(|source| source.starts_with("registry+")) {
            faults.push(format!("{name}: comes from {source:?}; take it from the registry"));
        }
        let terms = package["license"].as_str().unwrap_or_default();
        match rules.allow(name, terms) {
            Ok(true) => {}
            Ok(false) => faults.push(format!("{name}: {terms:?} is not allowed in deny.toml")),
            Err(error) => faults.push(format!("{name}: its terms are no expression: {error}")),
        }
        let needs = package["dependencies"].as_array().unwrap().iter();
        for dependency in needs.filter(|dependency| is_own && dependency["req"] == "*") {
            faults.push(format!("{}: any version; name one", dependency["name"]));
        }
    }
    faults
}

/// Faults of the packages in a `Cargo.lock`, those of other platforms and features included.
fn lock_faults(text: &str, rules: &Rules) -> Vec<String> {
    let lock: toml::Table = toml::from_str(text).unwrap();
    let mut faults = Vec::new();
    let mut sources = BTreeSet::new();
    for package in lock["package"].as_array().unwrap() {
        let of = |key: &str| package.get(key).and_then(toml::Value::as_str);
        let name = of("name").unwrap();
        if let Some(reason) = rules.banned.get(name) {
            faults.push(format!("{name}: banned in deny.toml: {reason}"));
        }
        match of("source") {
            None if OWN.contains(&name) => {}
            None => faults.push(format!("{name}: has no source, and is not tympan's own")),
            Some(source) if !source.starts_with("registry+") => {
                faults.push(format!("{name}: comes from {source}; take it from the registry"));
            }
            Some(source) => {
                sources.insert(source.to_owned());
                let sum = of("checksum").unwrap_or_default();
                if sum.len() != 64 || !sum.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                    faults.push(format!("{name}: has no checksum; make the lock file anew"));
                }
            }
        }
    }
    if sources.len() > 1 {
        faults.push(format!("packages come from {sources:?}; from one registry, please"));
    }
    faults
}

#[test]
fn everything_comes_from_the_registry_under_terms_that_are_allowed() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap().len();
    assert!(packages > 100, "only {packages} packages: the check would prove nothing");
    assert_none("dependencies", &metadata_faults(&metadata, &Rules::read()));
}

#[test]
fn every_package_is_locked_with_its_checksum_and_none_is_banned() {
    let rules = Rules::read();
    for path in LOCKS {
        let text = fs::read_to_string(root().join(path)).unwrap();
        assert_none(path, &lock_faults(&text, &rules));
    }
}

#[test]
fn terms_banned_packages_and_missing_checksums_are_found() {
    let rules = Rules::of(
        "[licenses]\nallow = [\"MIT\", \"Apache-2.0\", \"Apache-2.0 WITH LLVM-exception\"]\n\
         exceptions = [{ crate = \"b\", allow = [\"MPL-2.0\"] }]\n\
         [bans]\ndeny = [{ crate = \"atty\", reason = \"abandoned\" }]\n",
    );
    for terms in [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-3.0-only OR MIT",
        "(MIT OR Zlib) AND Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert_eq!(rules.allow("a", terms), Ok(true), "{terms}");
    }
    for terms in
        ["GPL-3.0-only", "MIT AND MPL-2.0", "MPL-2.0 OR Zlib", "MIT WITH Classpath-exception-2.0"]
    {
        assert_eq!(rules.allow("a", terms), Ok(false), "{terms}");
    }
    assert_eq!(rules.allow("b", "MIT AND MPL-2.0"), Ok(true));
    assert!(rules.allow("a", "").is_err() && rules.allow("a", "my own").is_err());
    let metadata = serde_json::json!({ "packages": [
        { "name": "tympan", "source": null, "license": "MIT",
          "dependencies": [{ "name": "a", "req": "*" }] },
        { "name": "a", "source": "git+x", "license": "AGPL-3.0-only", "dependencies": [] },
    ] });
    assert_eq!(metadata_faults(&metadata, &rules).len(), 3);
    let sum = "0".repeat(64);
    let lock = format!(
        "[[package]]\nname = \"tympan\"\n[[package]]\nname = \"stray\"\n\
         [[package]]\nname = \"atty\"\nsource = \"registry+x\"\nchecksum = \"{sum}\"\n\
         [[package]]\nname = \"bare\"\nsource = \"registry+y\"\n\
         [[package]]\nname = \"c\"\nsource = \"git+z\"\n"
    );
    let faults = lock_faults(&lock, &rules);
    let named = |name: &str| faults.iter().filter(|fault| fault.starts_with(name)).count();
    assert_eq!(["stray", "atty", "bare", "c:", "packages"].map(named), [1; 5], "{faults:#?}");
}
