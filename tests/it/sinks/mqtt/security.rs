//! Passwords and certificates, against a real broker.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tympan::sinks::{MqttSpec, Outlet, Password, TlsRoots, probe_broker};

use super::mosquitto::{Memory, Mosquitto};
use super::{open, spec, wait_until};
use crate::sinks::{event, publish};

#[track_caller]
fn run(folder: &Path, program: &str, arguments: &str) {
    let mut command = Command::new(program);
    command.args(arguments.split_whitespace()).current_dir(folder).stderr(Stdio::null());
    assert!(command.status().unwrap().success(), "{program} {arguments}");
}

/// An authority, and a certificate of it for 127.0.0.1 and localhost.
fn make_certificates(folder: &Path) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    run(
        folder,
        "openssl",
        &format!("req -x509 {key} -keyout ca.key -out ca.crt -days 2 -subj /CN=authority"),
    );
    run(
        folder,
        "openssl",
        &format!("req {key} -keyout broker.key -out broker.csr -subj /CN=broker"),
    );
    fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n").unwrap();
    let sign =
        "x509 -req -in broker.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names";
    run(folder, "openssl", &format!("{sign} -out broker.crt"));
}

fn with_password(folder: &Path) -> String {
    run(folder, "mosquitto_passwd", "-b -c passwords tympan secret");
    format!("allow_anonymous false\npassword_file {}/passwords\n", folder.display())
}

fn with_tls(folder: &Path) -> String {
    make_certificates(folder);
    let at = folder.display();
    format!(
        "{}cafile {at}/ca.crt\ncertfile {at}/broker.crt\nkeyfile {at}/broker.key\n",
        with_password(folder)
    )
}

fn as_user(port: u16, password: &str) -> MqttSpec {
    MqttSpec {
        username: Some("tympan".to_owned()),
        password: Password::new(password),
        ..spec(port)
    }
}

#[test]
fn a_broker_takes_a_user_with_the_right_password_only() {
    let Some(broker) = Mosquitto::start_with(Memory::None, with_password) else { return };
    for spec in [spec(broker.port), as_user(broker.port, "wrong")] {
        let refused = probe_broker(&spec).unwrap_err().to_string();
        assert!(refused.contains("refuses this user"), "{refused}");
    }
    probe_broker(&as_user(broker.port, "secret\n")).unwrap();
    let sink = open(as_user(broker.port, "secret"));
    publish(&sink, event(1));
    sink.begin_close(&[]);
    wait_until("the end", || sink.ends_by(std::time::Instant::now()));
    sink.finish();
    assert_eq!(sink.metrics().dropped(), 0);
}

#[test]
fn an_encrypted_broker_is_trusted_if_its_authority_is_and_the_name_is_its_own() {
    let Some(broker) = Mosquitto::start_with(Memory::None, with_tls) else { return };
    let trusting = |authority: &str| MqttSpec {
        tls: Some(TlsRoots::open(&broker.folder().join(authority)).unwrap()),
        ..as_user(broker.port, "secret")
    };
    probe_broker(&trusting("ca.crt")).unwrap();
    let sink = open(trusting("ca.crt"));
    publish(&sink, event(1));
    sink.begin_close(&[]);
    wait_until("the end", || sink.ends_by(std::time::Instant::now()));
    sink.finish();
    assert_eq!(sink.metrics().dropped(), 0);

    // another authority, another name, and no encryption at all
    let other = tempfile::tempdir().unwrap();
    make_certificates(other.path());
    let tls = Some(TlsRoots::open(&other.path().join("ca.crt")).unwrap());
    let distrusting = MqttSpec { tls, ..as_user(broker.port, "secret") };
    let refused = probe_broker(&distrusting).unwrap_err().to_string();
    assert!(refused.contains("cannot encrypt the connection"), "{refused}");
    let mut misnamed = trusting("ca.crt");
    misnamed.address.host = "127.0.0.2".to_owned();
    assert!(probe_broker(&misnamed).is_err());
    assert!(probe_broker(&as_user(broker.port, "secret")).is_err());
}

#[test]
fn a_file_without_certificates_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.crt");
    assert!(TlsRoots::open(&path).is_err());
    fs::write(&path, "nothing\n").unwrap();
    let message = format!("{:?}", TlsRoots::open(&path).unwrap_err());
    assert!(message.contains("no certificate in PEM"), "{message}");
}
