//! `[output.mqtt]` as a user meets it: faults with their lines, secrets among the credentials of a unit, and runs with a broker.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use super::{configuration, failure, says, success, tympan};

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn check_reports_every_fault_of_the_broker_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(
        folder.path(),
        "[output.mqtt]\nenabled = true\naddress = \"mqtts://broker:8883\"\ntls = true\nca_file = \"ca.crt\"\n\
         password_file = \"password\"\ntopic = \"$tympan/#\"\ndiscovery_prefix = \"a//b\"\nlabels = [\"doog\"]\n",
    );
    let printed = failure(&["check", "--config", &config], 2);
    for (line, words) in [
        (4, "write \"broker:8883\" and set tls = true"),
        (6, "cannot use the certificates in"),
        (7, "username is missing"),
        (7, "cannot read the password in"),
        (8, "without $ at the beginning"),
        (9, "without + and #"),
        (10, "no label \"doog\"; did you mean \"dog\"?"),
    ] {
        let is_reported =
            printed.lines().any(|it| it.contains(&format!(":{line}:")) && it.contains(words));
        assert!(is_reported, "line {line}, {words}: {printed}");
    }
    assert!(printed.contains('^'), "{printed}");
}

#[test]
fn a_password_that_everybody_can_read_is_refused_and_one_among_the_credentials_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let credentials = folder.path().join("credentials");
    fs::create_dir(&credentials).unwrap();
    let config = configuration(
        folder.path(),
        "[output.mqtt]\nenabled = true\nusername = \"tympan\"\npassword_file = \"mqtt_password\"\n",
    );
    let password = folder.path().join("mqtt_password");
    fs::write(&password, "secret\n").unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o644)).unwrap();
    let printed = failure(&["check", "--config", &config], 2);
    says(&printed, &[":5:", "everybody can read the password in", "chmod 600"]);
    let credential = credentials.join("mqtt_password");
    fs::write(&credential, "secret\n").unwrap();
    fs::set_permissions(&credential, fs::Permissions::from_mode(0o400)).unwrap();
    let mut command = tympan();
    command.args(["check", "--config", &config]).env("CREDENTIALS_DIRECTORY", &credentials);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_recording_at_full_speed_ends_with_an_error_when_its_broker_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("127.0.0.1:{}", free_port());
    let text = format!("[output.mqtt]\nenabled = true\naddress = \"{address}\"\n");
    let config = configuration(folder.path(), &text);
    success(&["check", "--config", &config]);
    let arguments = ["run", "--config", &config, "--source", "demo", "--fast", "--seconds", "30"];
    says(&failure(&arguments, 1), &["cannot reach the broker at", &address]);
}

#[test]
fn live_a_broker_that_is_not_there_is_reported_once_and_what_waited_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("[output.mqtt]\nenabled = true\naddress = \"127.0.0.1:{}\"\n", free_port());
    let config = configuration(folder.path(), &text);
    let mut command = tympan();
    command.args(["run", "--config", &config, "--source", "demo", "--seconds", "4"]);
    let output = command.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}");
    assert_eq!(printed.matches("the sink mqtt fails and is tried again").count(), 1, "{printed}");
    says(&printed, &["records that the broker has not acknowledged"]);
}

#[test]
fn doctor_tries_the_broker() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("[output.mqtt]\nenabled = true\naddress = \"127.0.0.1:{}\"\n", free_port());
    let config = configuration(folder.path(), &text);
    let arguments = ["doctor", "--config", &config, "--source", "demo", "--seconds", "1", "--json"];
    let output = tympan().args(arguments).output().unwrap();
    let diagnosis: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = diagnosis["findings"].as_array().unwrap();
    let broker = findings.iter().find(|finding| finding["check"] == "broker").unwrap();
    assert_eq!(broker["verdict"], "warning");
    says(broker["found"].as_str().unwrap(), &["cannot reach the broker", "refused"]);
    says(broker["advice"].as_str().unwrap(), &["mosquitto_pub -h 127.0.0.1"]);
}
