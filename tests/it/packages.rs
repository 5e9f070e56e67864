//! An installation works where it lies and goes without a trace, and what packages are made from agrees with it: each file
//! that `make install PREFIX=/usr` puts somewhere is in the Debian package, the configuration is kept on upgrade, units and
//! scripts name what is there. Needs no network.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const STAGE: &str = "target/release/package/";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn debian() -> toml::Table {
    let manifest: toml::Table = toml::from_str(&read("Cargo.toml")).unwrap();
    manifest["package"]["metadata"]["deb"].as_table().unwrap().clone()
}

/// Every file below `folder`, as paths from it.
fn files_below(folder: &Path) -> BTreeSet<String> {
    let walk = walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap);
    walk.filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned())
        .collect()
}

/// Runs `scripts/install.sh`.
fn install(arguments: &[&str]) {
    let installed = Command::new("bash")
        .arg(root().join("scripts/install.sh"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
}

/// What a package is made from: `make install PREFIX=/usr DESTDIR=…` of the light build.
fn staged() -> tempfile::TempDir {
    let stage = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_tympan");
    install(&["copy-light", "/usr", stage.path().to_str().unwrap(), program]);
    stage
}

/// The parts of the assets' patterns before their first `*`, and where each goes.
fn assets(table: &toml::Value) -> Vec<(String, String)> {
    let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
    let of_one = |asset: &toml::Value| {
        let pattern = text(&asset[0]);
        let from = pattern.strip_prefix(STAGE).unwrap_or_else(|| panic!("{pattern} is not staged"));
        (from.split('*').next().unwrap().to_owned(), text(&asset[1]))
    };
    table.as_array().unwrap().iter().map(of_one).collect()
}

#[test]
fn an_installation_has_pages_completions_and_a_model_that_it_finds_and_goes_without_a_trace() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("opt");
    let prefix = prefix.to_str().unwrap();
    // the light build's way: the libraries of the other one are a matter of `make install`
    install(&["copy-light", prefix, "", env!("CARGO_BIN_EXE_tympan")]);
    let files = files_below(folder.path());
    for name in ["tympan", "tympan-run", "tympan-plot-waveform"] {
        assert!(files.contains(&format!("opt/share/man/man1/{name}.1")), "{files:?}");
    }
    for file in [
        "bin/tympan",
        "etc/tympan/config.toml",
        "lib/systemd/system/tympan.service",
        "lib/systemd/user/tympan.service",
        "share/bash-completion/completions/tympan",
        "share/doc/tympan/LICENSE-MIT",
        "share/doc/tympan/docs/OPERATIONS.md",
        "share/fish/vendor_completions.d/tympan.fish",
        "share/tympan/models/esc50/verifier/model.toml",
        "share/tympan/prometheus/alerts.yml",
        "share/zsh/site-functions/_tympan",
    ] {
        assert!(files.contains(&format!("opt/{file}")), "{file} is not among {files:?}");
    }
    let program = Path::new(prefix).join("bin/tympan");
    let listed = Command::new(&program).arg("labels").current_dir("/").output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let checked = Command::new(&program)
        .args(["check", "--config", &format!("{prefix}/etc/tympan/config.toml")])
        .current_dir("/")
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    install(&["uninstall", prefix, ""]);
    assert_eq!(files_below(folder.path()), BTreeSet::new());
}

#[test]
fn an_unpacked_archive_finds_its_model_from_any_folder() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("tympan");
    fs::copy(env!("CARGO_BIN_EXE_tympan"), &program).unwrap();
    let models = folder.path().join("models/esc50");
    fs::create_dir_all(&models).unwrap();
    // broken, so that it is the one that the message names
    fs::write(models.join("model.toml"), "no table").unwrap();
    let checked = Command::new(&program).arg("labels").current_dir("/").output().unwrap();
    assert_eq!(checked.status.code(), Some(3));
    let reported = String::from_utf8_lossy(&checked.stderr);
    assert!(reported.contains(models.to_str().unwrap()), "{reported}");
}

#[test]
fn every_installed_file_is_in_the_debian_package_at_its_place() {
    let stage = staged();
    let mut files = files_below(stage.path());
    assert!(files.remove("usr/share/tympan/installed"), "what only `make uninstall` reads");
    let assets = assets(&debian()["assets"]);
    for file in &files {
        let takers: Vec<_> = assets.iter().filter(|(from, _)| file.starts_with(from)).collect();
        assert_eq!(takers.len(), 1, "{file} is taken by {takers:?}");
        let (from, to) = takers[0];
        let folder = if from.ends_with('/') { from } else { from.rsplit_once('/').unwrap().0 };
        assert_eq!(folder.trim_end_matches('/'), to.trim_end_matches('/'), "{file} moves");
    }
    for (from, _) in &assets {
        assert!(files.iter().any(|file| file.starts_with(from)), "nothing is below {from}");
    }
}

#[test]
fn the_configuration_is_one_that_dpkg_keeps_and_names_a_bundle_of_the_package() {
    let stage = staged();
    // cargo-deb marks as a conffile what is below /etc
    assert!(assets(&debian()["assets"]).iter().any(|(from, to)| from == "etc/" && to == "etc/"));
    let below_etc = files_below(&stage.path().join("etc"));
    assert_eq!(below_etc, ["tympan/config.toml".to_owned()].into());
    let config = fs::read_to_string(stage.path().join("etc/tympan/config.toml")).unwrap();
    let named: toml::Table = toml::from_str(&config).unwrap();
    let bundle = named["model"].as_str().unwrap();
    assert!(
        stage.path().join(bundle.trim_start_matches('/')).join("model.toml").exists(),
        "{bundle}"
    );
}

#[test]
fn the_units_name_files_of_the_package_and_purge_removes_what_they_write() {
    let stage = staged();
    let unit = "usr/lib/systemd/system/tympan.service";
    let unit = fs::read_to_string(stage.path().join(unit)).unwrap();
    let value = |key: &str| unit.lines().find_map(|line| line.strip_prefix(&format!("{key}=")));
    let words: Vec<&str> = value("ExecStart").unwrap().split(' ').collect();
    let config = words[words.iter().position(|word| *word == "--config").unwrap() + 1];
    let documentation = value("Documentation").unwrap().trim_start_matches("file:");
    for path in [words[0], config, documentation] {
        assert!(stage.path().join(path.trim_start_matches('/')).exists(), "{path}");
    }
    assert!(!unit.contains("/usr/local"), "{unit}");
    let user_unit = fs::read_to_string(stage.path().join("usr/lib/systemd/user/tympan.service"));
    assert!(!user_unit.unwrap().contains("/usr/local"));

    let postrm = read("packaging/deb/postrm");
    assert!(postrm.contains("#DEBHELPER#"), "cargo-deb puts there what forgets the unit");
    for (key, folder) in [
        ("StateDirectory", "/var/lib/private/"),
        ("StateDirectory", "/var/lib/"),
        ("LogsDirectory", "/var/log/private/"),
        ("LogsDirectory", "/var/log/"),
        ("RuntimeDirectory", "/run/"),
    ] {
        let path = format!("{folder}{}", value(key).unwrap());
        let is_removed = |line: &str| line.split_whitespace().any(|word| word == path);
        assert!(postrm.lines().any(is_removed), "{path} stays after a purge");
    }
    // named by the service's own user, so it must be one that systemd makes
    assert_eq!(value("DynamicUser"), Some("yes"));
}

#[test]
fn both_debian_packages_leave_the_service_off_and_never_stand_beside_each_other() {
    let light = debian();
    let torch = light["variants"]["torch"].as_table().unwrap();
    let units = &light["systemd-units"];
    assert_eq!(units["enable"].as_bool(), Some(false));
    assert_eq!(units["start"].as_bool(), Some(false));
    assert_eq!(units["restart-after-upgrade"].as_bool(), Some(true));
    for (of, other) in [(&light, torch), (torch, &light)] {
        assert_eq!(of["conflicts"], other["name"]);
        assert_eq!(of["replaces"], other["name"]);
    }
    let libraries = assets(&torch["merge-assets"]["append"]);
    assert_eq!(libraries, [("usr/lib/tympan/".to_owned(), "usr/lib/tympan/".to_owned())]);
}

#[test]
fn the_wheel_is_the_light_build_and_takes_its_version_from_cargo() {
    let project: toml::Table = toml::from_str(&read("packaging/wheel/pyproject.toml")).unwrap();
    let dynamic = project["project"]["dynamic"].as_array().unwrap();
    assert!(dynamic.iter().any(|field| field.as_str() == Some("version")));
    assert_eq!(project["project"].get("version"), None);
    let maturin = &project["tool"]["maturin"];
    assert_eq!(maturin["no-default-features"].as_bool(), Some(true));
    assert_eq!(maturin["bindings"].as_str(), Some("bin"));
    let manifest = root().join("packaging/wheel").join(maturin["manifest-path"].as_str().unwrap());
    assert_eq!(manifest.canonicalize().unwrap(), root().join("Cargo.toml").canonicalize().unwrap());
}

#[test]
fn the_scripts_that_make_packages_can_be_run_and_name_files_that_are_there() {
    let mut found = 0;
    for entry in walkdir::WalkDir::new(root().join("packaging")) {
        let path = entry.unwrap().into_path();
        if path.extension().is_none_or(|ending| ending != "sh") {
            continue;
        }
        found += 1;
        let checked = Command::new("bash").arg("-n").arg(&path).output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        let is_sourced = path.ends_with("packaging/common.sh");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o111 != 0, !is_sourced, "{}", path.display());
    }
    assert!(found >= 6, "only {found} scripts: the check would prove nothing");
    let makefile = read("Makefile");
    for target in ["dist", "deb", "deb-torch", "wheel", "arm64"] {
        let start = format!("\n{target}:");
        let line = makefile.split(&start).nth(1).unwrap_or_else(|| panic!("no target {target}"));
        assert!(line.lines().next().unwrap().contains("## "), "make help does not show {target}");
    }
    let named = makefile.split_whitespace().filter(|word| word.starts_with("packaging/"));
    for script in named {
        assert!(root().join(script).exists(), "the Makefile names {script}");
    }
}
