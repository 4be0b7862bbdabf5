//! Certificates as Apple shapes them, made here.

use super::*;

/// The value of the topics extension of a certificate made with Apple's layout, byte by byte.
fn sample() -> Vec<u8> {
    let mut bytes = vec![0x30, 0x73];
    for (topic, kind) in [
        ("com.eatthepath.pushy", "app"),
        ("com.eatthepath.pushy.voip", "voip"),
        ("com.eatthepath.pushy.complication", "complication"),
    ] {
        bytes.extend([0x0c, topic.len() as u8]);
        bytes.extend(topic.bytes());
        bytes.extend([0x30, kind.len() as u8 + 2, 0x0c, kind.len() as u8]);
        bytes.extend(kind.bytes());
    }
    assert_eq!(bytes.len(), 0x75);
    bytes
}

fn certificate(uid: &str, extensions: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CustomDnType(UID.to_vec()), uid);
    params.distinguished_name.push(rcgen::DnType::CommonName, format!("Apple Push Services: {uid}"));
    params.distinguished_name.push(rcgen::DnType::OrganizationalUnitName, "0A1B2C3D4E");
    for (tail, value) in extensions {
        let oid: Vec<u64> = PUSH_ARC.iter().copied().chain([*tail]).collect();
        params.custom_extensions.push(rcgen::CustomExtension::from_oid_content(&oid, value.clone()));
    }
    let key = rcgen::KeyPair::generate().expect("a key is made");
    params.self_signed(&key).expect("it signs itself").der().to_vec()
}

const NULL: [u8; 2] = [5, 0];

#[test]
fn a_universal_certificate_tells_its_topics_team_and_environments() {
    let der = certificate("com.eatthepath.pushy", &[(1, NULL.to_vec()), (2, NULL.to_vec()), (6, sample())]);
    let read = CertificateTopics::from_der(&der).expect("it is a certificate");
    assert!(read.development && read.production);
    assert_eq!(read.team_id.as_deref(), Some("0A1B2C3D4E"));
    let topics: Vec<_> =
        read.topics.iter().map(|topic| (topic.topic.as_str(), topic.kinds.join("+"))).collect();
    assert_eq!(topics[1], ("com.eatthepath.pushy.voip", "voip".to_owned()));
    assert_eq!(topics.len(), 3);
    assert_eq!(read.default_topic(), None);
    assert!(read.allows_topic(&"com.eatthepath.pushy.complication".parse().expect("a topic")));
    assert!(!read.allows_topic(&"com.eatthepath.pushy.pushkit".parse().expect("a topic")));
}

#[test]
fn a_simple_certificate_has_its_uid_as_topic_and_one_environment() {
    let der = certificate("com.example.app", &[(1, NULL.to_vec())]);
    let read = CertificateTopics::from_der(&der).expect("it is a certificate");
    assert!(read.allows_environment(Environment::Development));
    assert!(!read.allows_environment(Environment::Production));
    assert_eq!(read.default_topic().map(Topic::as_str), Some("com.example.app"));
    // What rcgen gives when it isn't told.
    assert_eq!(read.expires_at.to_string(), "4096-01-01T00:00:00.000Z");
}

#[test]
fn a_malformed_list_of_topics_is_an_error_and_not_an_empty_list() {
    for cut in 0..sample().len() {
        assert_eq!(read_topics(&sample()[..cut]), None, "{cut}");
    }
    let der = certificate("com.example.app", &[(6, vec![0x30, 0x01, 0x0c])]);
    assert_eq!(CertificateTopics::from_der(&der), Err(CertificateError::Topics));
}

proptest::proptest! {
    #[test]
    fn no_input_brings_it_down(bytes: Vec<u8>, at: usize, byte: u8) {
        let _ = CertificateTopics::from_der(&bytes);
        let _ = read_topics(&bytes);
        let mut changed = sample();
        let at = at % changed.len();
        changed[at] = byte;
        let _ = read_topics(&changed);
    }
}
