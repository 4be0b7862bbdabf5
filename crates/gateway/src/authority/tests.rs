//! The authority as OpenSSL sees it.

use std::path::Path;
use std::process::{Command, Output};

use homing_trace::Environment;

use super::*;

fn openssl(dir: &Path, arguments: &[&str]) -> Output {
    let output =
        Command::new("openssl").current_dir(dir).args(arguments).output().expect("openssl is installed");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn request() -> ProviderCertificateRequest {
    ProviderCertificateRequest {
        topic: "com.example.news".to_owned(),
        team: "ABCDE12345".to_owned(),
        environments: vec![Environment::Development, Environment::Production],
        common_name: "Apple Push Services: com.example.news".to_owned(),
        topics: vec![],
        voip_topics: vec![],
        expires_at: None,
        p12_password: "homing".to_owned().into(),
    }
}

#[test]
fn openssl_trusts_the_servers_chain_for_every_name() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let authority = Authority::open_for(dir.path(), &["push.example.org".to_owned()]).expect("it is made");
    let kept = dir.path().join("authority");
    for name in APPLE_NAMES.iter().chain(&["localhost", "push.example.org"]) {
        openssl(
            &kept,
            &[
                "verify",
                "-purpose",
                "sslserver",
                "-verify_hostname",
                name,
                "-CAfile",
                "root.pem",
                "-untrusted",
                "server-issuer.pem",
                "server.pem",
            ],
        );
    }
    for address in ["127.0.0.1", "::1"] {
        openssl(
            &kept,
            &[
                "verify",
                "-verify_ip",
                address,
                "-CAfile",
                "root.pem",
                "-untrusted",
                "server-issuer.pem",
                "server.pem",
            ],
        );
    }
    assert_eq!(authority.server_chain().len(), 2);
    assert_eq!(std::fs::read_to_string(authority.ca_pem_path()).expect("it is kept"), authority.ca_pem());
}

#[test]
fn a_second_start_keeps_every_certificate_and_more_names_renew_only_the_servers() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let first = Authority::open(dir.path()).expect("it is made");
    let second = Authority::open(dir.path()).expect("it is read");
    assert_eq!(first.ca_pem(), second.ca_pem());
    assert_eq!(first.server_chain(), second.server_chain());
    let third = Authority::open_for(dir.path(), &["10.0.0.1".to_owned()]).expect("it is read");
    assert_ne!(first.server_chain()[0], third.server_chain()[0]);
    assert_eq!(first.server_chain()[1], third.server_chain()[1]);
    for entry in std::fs::read_dir(dir.path().join("authority")).expect("it exists") {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = entry.expect("it is listed").metadata().expect("it exists").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_key_that_is_not_the_certificates_is_named() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    Authority::open(dir.path()).expect("it is made");
    let kept = dir.path().join("authority");
    std::fs::copy(kept.join("server.key.pem"), kept.join("root.key.pem")).expect("it is copied");
    let error = Authority::open(dir.path()).expect_err("the key is another's").to_string();
    assert!(error.contains("root.key.pem"), "{error}");
}

#[test]
fn a_providers_certificate_names_its_topic_team_and_environments() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let authority = Authority::open(dir.path()).expect("it is made");
    let certificate = authority.issue_provider_certificate(&request()).expect("it is signed");
    std::fs::write(dir.path().join("demo.pem"), certificate.pem.as_bytes()).expect("it is written");
    openssl(
        dir.path(),
        &[
            "verify",
            "-purpose",
            "sslclient",
            "-CAfile",
            "authority/root.pem",
            "-untrusted",
            "authority/provider-issuer.pem",
            "demo.pem",
        ],
    );
    let shown = text(&openssl(
        dir.path(),
        &["x509", "-in", "demo.pem", "-noout", "-subject", "-ext", "extendedKeyUsage"],
    ));
    assert!(shown.contains("UID = com.example.news"), "{shown}");
    assert!(shown.contains("CN = Apple Push Services: com.example.news"), "{shown}");
    assert!(shown.contains("OU = ABCDE12345"), "{shown}");
    assert!(shown.contains("C = US"), "{shown}");
    let (_, parsed) = x509_parser::parse_x509_certificate(&certificate.der).expect("it is X.509");
    for oid in ["1.2.840.113635.100.6.3.1", "1.2.840.113635.100.6.3.2"] {
        let extension = parsed.extensions().iter().find(|extension| extension.oid.to_id_string() == oid);
        assert_eq!(extension.map(|extension| extension.value), Some([5, 0].as_slice()), "{oid}");
    }
    openssl(dir.path(), &["pkey", "-in", "demo.pem", "-noout"]);
}

#[test]
fn openssl_opens_the_pkcs12_file_without_its_legacy_algorithms() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let authority = Authority::open(dir.path()).expect("it is made");
    let certificate = authority.issue_provider_certificate(&request()).expect("it is signed");
    std::fs::write(dir.path().join("demo.p12"), &certificate.p12).expect("it is written");
    let opened = text(&openssl(
        dir.path(),
        &["pkcs12", "-in", "demo.p12", "-passin", "pass:homing", "-nodes", "-info"],
    ));
    assert_eq!(opened.matches("BEGIN CERTIFICATE").count(), 2, "{opened}");
    assert_eq!(opened.matches("BEGIN PRIVATE KEY").count(), 1);
    let wrong = Command::new("openssl")
        .current_dir(dir.path())
        .args(["pkcs12", "-in", "demo.p12", "-passin", "pass:wrong", "-nodes"])
        .output()
        .expect("openssl is installed");
    assert!(!wrong.status.success());
}

#[test]
fn each_port_trusts_only_its_own_issuer() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let authority = Authority::open(dir.path()).expect("it is made");
    let certificate = authority.issue_provider_certificate(&request()).expect("it is signed");
    let provider = rustls::crypto::ring::default_provider();
    let verify = |roots: RootCertStore| {
        rustls::server::WebPkiClientVerifier::builder_with_provider(
            Arc::new(roots),
            Arc::new(provider.clone()),
        )
        .build()
        .expect("there is a root")
        .verify_client_cert(&certificate.der, &[], rustls::pki_types::UnixTime::now())
    };
    verify(authority.provider_roots()).expect("its own issuer signed it");
    verify(authority.device_roots()).expect_err("another issuer signed it");
}
