//! What a provider's client certificate says: topic, team, environments and the topics of a universal one
//! (*Establishing a certificate-based connection to APNs*, *Communicating with APNs*). Its chain is checked by TLS, whether
//! a topic is the team's by the push service.

use homing_trace::{Environment, UnixMillis};
use x509_parser::der_parser::oid::Oid;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::Topic;

/// Arc 1.2.840.113635.100.6.3: its tails mark push certificates.
const PUSH_ARC: [u64; 7] = [1, 2, 840, 113_635, 100, 6, 3];
const DEVELOPMENT: u64 = 1;
const PRODUCTION: u64 = 2;
const VOIP_TOPICS: u64 = 4;
const TOPICS: u64 = 6;
/// 0.9.2342.19200300.100.1.1
const UID: [u64; 7] = [0, 9, 2342, 19_200_300, 100, 1, 1];
/// Most topics taken from one certificate.
const MAX_TOPICS: usize = 64;

/// One topic of a universal certificate, with Apple's words for what it is for (`app`, `voip`, `complication`, …).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateTopic {
    pub topic: Topic,
    pub kinds: Vec<String>,
}

/// What a push certificate allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateTopics {
    /// The subject's UID: the bundle ID, and the topic of a request that names none.
    pub uid: Option<Topic>,
    /// The subject's OU: the team.
    pub team_id: Option<String>,
    pub common_name: Option<String>,
    pub development: bool,
    pub production: bool,
    /// The end of its validity.
    pub expires_at: UnixMillis,
    /// All topics of a universal certificate, or those of a VoIP one, in its order; empty for one that has only a UID.
    pub topics: Vec<CertificateTopic>,
}

/// Why bytes are no push certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    #[error("the certificate is no X.509 in DER: {0}")]
    Der(String),
    #[error("the certificate's list of topics (1.2.840.113635.100.6.3.6) is malformed")]
    Topics,
    #[error("the certificate's {0} is no topic: a topic holds letters, digits, `-`, `_` and `.`")]
    BadTopic(&'static str),
}

impl CertificateTopics {
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let (_, certificate) =
            X509Certificate::from_der(der).map_err(|error| CertificateError::Der(error.to_string()))?;
        let expires_at = UnixMillis::from_secs(certificate.validity().not_after.timestamp());
        let mut read = Self { expires_at, ..Self::default() };
        for attribute in certificate.subject().iter_attributes() {
            let Ok(text) = attribute.as_str() else { continue };
            if is(attribute.attr_type(), &UID) {
                read.uid = Some(topic(text, "UID")?);
            } else if *attribute.attr_type() == x509_parser::oid_registry::OID_X509_ORGANIZATIONAL_UNIT {
                read.team_id = Some(text.to_owned());
            } else if *attribute.attr_type() == x509_parser::oid_registry::OID_X509_COMMON_NAME {
                read.common_name = Some(text.to_owned());
            }
        }
        for extension in certificate.extensions() {
            match push_tail(&extension.oid) {
                Some(DEVELOPMENT) => read.development = true,
                Some(PRODUCTION) => read.production = true,
                Some(TOPICS) => read.list(read_topics(extension.value).ok_or(CertificateError::Topics)?),
                // Its layout is published nowhere: what isn't that of the list above says nothing.
                Some(VOIP_TOPICS) => read.list(read_topics(extension.value).unwrap_or_default()),
                Some(_) | None => {}
            }
        }
        Ok(read)
    }

    fn list(&mut self, topics: Vec<CertificateTopic>) {
        for listed in topics {
            if !self.topics.iter().any(|known| known.topic == listed.topic) {
                self.topics.push(listed);
            }
        }
    }

    /// Whether the certificate is marked for an environment.
    pub const fn allows_environment(&self, environment: Environment) -> bool {
        match environment {
            Environment::Development => self.development,
            Environment::Production => self.production,
        }
    }

    /// The topic of a request that names none: the UID, unless the certificate has several topics and the request must choose.
    pub fn default_topic(&self) -> Option<&Topic> {
        self.uid.as_ref().filter(|_| self.topics.len() <= 1)
    }

    /// Whether the certificate names the topic.
    pub fn allows_topic(&self, topic: &Topic) -> bool {
        self.uid.as_ref() == Some(topic) || self.topics.iter().any(|listed| listed.topic == *topic)
    }
}

fn topic(text: &str, place: &'static str) -> Result<Topic, CertificateError> {
    text.parse().map_err(|_| CertificateError::BadTopic(place))
}

fn is(oid: &Oid<'_>, arcs: &[u64]) -> bool {
    oid.iter().is_some_and(|iter| iter.eq(arcs.iter().copied()))
}

fn push_tail(oid: &Oid<'_>) -> Option<u64> {
    let mut arcs = oid.iter()?;
    let same = PUSH_ARC.iter().all(|arc| arcs.next() == Some(*arc));
    let tail = arcs.next().filter(|_| same)?;
    arcs.next().is_none().then_some(tail)
}

const UTF8_STRING: u8 = 0x0c;
const SEQUENCE: u8 = 0x30;

/// A flat list: topic, its kinds, topic, its kinds, …
fn read_topics(value: &[u8]) -> Option<Vec<CertificateTopic>> {
    let (mut list, rest) = element(value, SEQUENCE)?;
    let mut topics = Vec::new();
    while !list.is_empty() && topics.len() < MAX_TOPICS {
        let (name, after) = element(list, UTF8_STRING)?;
        let (mut kind_list, after) = element(after, SEQUENCE)?;
        let mut kinds = Vec::new();
        while !kind_list.is_empty() {
            let (kind, more) = element(kind_list, UTF8_STRING)?;
            kinds.push(std::str::from_utf8(kind).ok()?.to_owned());
            kind_list = more;
        }
        topics.push(CertificateTopic { topic: Topic::parse(name).ok()?, kinds });
        list = after;
    }
    rest.is_empty().then_some(topics)
}

/// One DER element with the wanted tag: its content, and what follows it.
fn element(input: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (&[tag, first], rest) = input.split_first_chunk()?;
    if tag != wanted {
        return None;
    }
    let (len, rest) = match first {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81 => rest.split_first().map(|(len, rest)| (usize::from(*len), rest))?,
        0x82 => rest.split_first_chunk().map(|(len, rest)| (usize::from(u16::from_be_bytes(*len)), rest))?,
        _ => return None,
    };
    rest.split_at_checked(len)
}

#[cfg(test)]
mod tests;
