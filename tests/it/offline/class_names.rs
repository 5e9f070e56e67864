//! Folders of classes as people have them: links, hidden files, names that are no text.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use super::{Folder, clips, labels, says};

fn classes() -> Folder {
    let folder = Folder::new();
    folder.sounds(&["high/h0.wav", "high/h1.wav", "low/l0.wav", "low/l1.wav"]);
    folder
}

#[test]
fn a_class_whose_name_is_no_text_is_refused() {
    let folder = classes();
    let name = folder.path().join(OsStr::from_bytes(b"h\xe4ndel"));
    fs::rename(folder.path().join("high"), name).unwrap();
    says(&folder.open().unwrap_err().to_string(), &["not UTF-8", "rename it"]);
}

#[test]
fn links_are_followed_once_and_loops_end() {
    let folder = classes();
    let more = Folder::new();
    more.sounds(&["m0.wav"]);
    symlink(more.path(), folder.path().join("low/more")).unwrap();
    symlink(more.path(), folder.path().join("low/more-again")).unwrap();
    symlink("..", folder.path().join("low/up")).unwrap();
    symlink("h0.wav", folder.path().join("high/copy-of-h0.wav")).unwrap();
    let dataset = folder.open().unwrap();
    assert_eq!(labels(&dataset), ["high", "low"]);
    assert_eq!(clips(&dataset).len(), 5, "{:?}", clips(&dataset));
    symlink("gone.wav", folder.path().join("high/nowhere.wav")).unwrap();
    says(&folder.open().unwrap().faults[0].to_string(), &["nowhere.wav", "no such file"]);
}

#[test]
fn one_file_in_two_classes_is_a_fault_also_by_a_link() {
    let folder = classes();
    symlink("../high/h0.wav", folder.path().join("low/h0.wav")).unwrap();
    let dataset = folder.open().unwrap();
    assert_eq!((dataset.clips.len(), dataset.faults.len()), (3, 2));
    says(&dataset.faults[0].to_string(), &["h0.wav", "is labelled \"high\" and \"low\""]);
}

#[test]
fn what_other_systems_leave_in_folders_is_no_class_and_no_recording() {
    let folder = classes();
    for name in [
        ".DS_Store",
        "high/.DS_Store",
        "high/._h0.wav",
        "high/Thumbs.db",
        "low/desktop.ini",
        "__MACOSX/high/._h0.wav",
    ] {
        folder.write(name, b"\0\x05\x16\x07");
    }
    fs::create_dir(folder.path().join("nothing")).unwrap();
    nix::unistd::mkfifo(&folder.path().join("low/pipe.wav"), nix::sys::stat::Mode::S_IRWXU)
        .unwrap();
    let dataset = folder.open().unwrap();
    assert_eq!((labels(&dataset), dataset.clips.len()), (vec!["high".into(), "low".into()], 4));
    assert!(dataset.faults.is_empty(), "{:?}", dataset.faults);
}
