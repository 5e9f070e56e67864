//! Configurations, models, devices and addresses that cannot be used: every fault at once, and the exit code.

use std::net::TcpListener;

use super::{configuration, failure, says, success};

#[test]
fn every_fault_of_a_configuration_is_listed_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(
        folder.path(),
        "[detector]\nsmoothing_msec = 3\nmin_level_dbfs = 20\nconfirm = { windows = 4, of = 3 }\n\
         allow = [\"dogg\"]\n[output.tcp]\naddress = 7\n",
    );
    for command in ["check", "run"] {
        let printed = failure(&[command, "--config", &config], 2);
        says(
            &printed,
            &[":3:", "smoothing_ms", ":4:", "min_level_dbfs", ":5:", ":6:", "dogg", "dog", ":8:"],
        );
    }
}

#[test]
fn check_reports_whatever_run_would_refuse_with_its_line_and_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(
        folder.path(),
        "[output.log_file]\nenabled = true\npath = \"nowhere/log.jsonl\"\n\
         [output.unix]\nenabled = true\npath = \"nowhere/tympan.sock\"\n\
         [output.tcp]\nenabled = true\naddress = \"192.0.2.1:7000\"\ntoken_file = \"no-token\"\n\
         [clips]\nenabled = true\nfolder = \"/proc/clips\"\nlabels = [\"no_such_label\"]\ndeny = [\"doog\"]\n",
    );
    for command in [&["check"][..], &["run", "--source", "demo"]] {
        let printed = failure(&[command, &["--config", &config]].concat(), 2);
        for (line, words) in [
            (4, "cannot write the log file"),
            (7, "cannot listen on"),
            (10, "cannot listen on 192.0.2.1:7000"),
            (11, "cannot read the token in"),
            (14, "cannot write clips into /proc/clips"),
            (15, "no label \"no_such_label\""),
            (16, "no label \"doog\"; did you mean \"dog\"?"),
        ] {
            let reported =
                printed.lines().any(|it| it.contains(&format!(":{line}:")) && it.contains(words));
            assert!(reported, "line {line}, {words}: {printed}");
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something was left behind");
}

#[test]
fn what_can_never_fire_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), "[detector]\nallow = [\"dog\"]\ndeny = [\"dog\"]\n");
    says(&failure(&["check", "--config", &config], 2), &["detector"]);
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    says(&failure(&["check", "--config", "/nowhere/tympan.toml"], 2), &["/nowhere/tympan.toml"]);
}

#[test]
fn a_missing_bundle_is_named_with_exit_code_3() {
    let printed = failure(&["run", "--source", "demo", "--model", "/nowhere/model"], 3);
    says(&printed, &["/nowhere/model", "model.toml"]);
}

#[test]
fn faults_of_the_configuration_do_not_hide_behind_a_missing_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let config =
        configuration(folder.path(), "model = \"nowhere\"\n[detector]\nsmoothing_msec = 3\n");
    says(&failure(&["check", "--config", &config], 2), &["smoothing_ms", "nowhere"]);
}

#[test]
fn an_absent_device_exits_with_3_and_names_it() {
    let printed = failure(&["run", "--source", "microphone:hw:CARD=NoSuchCard"], 3);
    // and what there is instead
    says(&printed, &["NoSuchCard", "there are"]);
}

#[test]
fn a_source_that_is_none_is_a_wrong_argument() {
    says(&failure(&["run", "--source", "phone"], 2), &["phone", "microphone"]);
    let printed = failure(&["run", "--source", "stdin:s17le:48000:1"], 2);
    says(&printed, &["s17le", "s16le"]);
}

#[test]
fn an_address_in_use_is_named_with_exit_code_2() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(
        folder.path(),
        &format!("[output.tcp]\nenabled = true\naddress = \"{address}\"\n"),
    );
    let printed = failure(&["run", "--config", &config, "--source", "demo"], 2);
    says(&printed, &[&address]);
}

#[test]
fn a_log_folder_that_cannot_be_written_is_named_with_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(
        folder.path(),
        "[output.log_file]\nenabled = true\npath = \"/proc/tympan/events.jsonl\"\n",
    );
    let printed = failure(&["run", "--config", &config, "--source", "demo"], 2);
    says(&printed, &["/proc/tympan"]);
}

#[test]
fn a_good_configuration_is_called_good_with_what_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), "[detector]\nallow = [\"dog\", \"cat\"]\n");
    says(&success(&["check", "--config", &config]), &["good", "52 labels", "2 may become events"]);
    says(&success(&["check"]), &["built-in", "good"]);
}
