//! The layout of one block of events in the second file: a run of records and the keys by which they are found. When a
//! block is written and where it stands is decided by the second writer.

use homing_trace::{Environment, Reason, Stage, UnixMillis};

use super::hot::Refused;
use super::label;
use super::log::Ended;
use super::row::{environment_number, environment_of};
use crate::notification::RegistrationKey;

/// One record, as it is read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// A label leads to a row of the log.
    Kept {
        seq: u64,
        registration: RegistrationKey,
        apns_id: String,
    },
    /// One that is tried once was accepted.
    Accepted {
        seq: u64,
        registration: RegistrationKey,
        apns_id: String,
        at: UnixMillis,
    },
    Reached {
        seq: u64,
        environment: Environment,
        topic_no: u32,
        stage: Stage,
        reason: Option<Reason>,
        at: UnixMillis,
    },
    Refused(Box<RefusedRecord>),
}

/// [`Refused`], owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefusedRecord {
    pub(crate) apns_id: String,
    pub(crate) team: Option<String>,
    pub(crate) topic: Option<String>,
    pub(crate) environment: Option<Environment>,
    pub(crate) token: Option<String>,
    pub(crate) injected: Option<Reason>,
    pub(crate) reason: Option<Reason>,
    pub(crate) at: UnixMillis,
}

const KEPT: u8 = 1;
const ACCEPTED: u8 = 2;
const REACHED: u8 = 3;
const REFUSED: u8 = 4;
/// As a refusal, with what a tester had it end by before the reason.
const INJECTED: u8 = 5;

/// The key of a notification's number.
pub(crate) fn seq_key(seq: u64) -> u64 {
    label::mix(seq ^ 0x5345_5100)
}

/// The key of a registration.
pub(crate) fn registration_key(registration: &RegistrationKey) -> u64 {
    let rest = u64::from(registration.generation) << 32
        | u64::from(registration.topic_no) << 1
        | u64::from(environment_number(registration.environment));
    label::mix(label::mix(registration.device) ^ rest)
}

/// The key of a device token as text.
pub(crate) fn token_key(token: &str) -> u64 {
    label::hash(token.to_ascii_lowercase().as_bytes())
}

/// Longest text kept of a peer's words in a refused request, in bytes: its token may be 100 bytes, in hex.
const MAX_TEXT: usize = 200;

/// A block being filled.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) bytes: Vec<u8>,
    pub(crate) keys: Vec<u64>,
    /// The least and the greatest number whose label stands in it.
    pub(crate) labelled: Option<(u64, u64)>,
}

impl Block {
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn kept(&mut self, seq: u64, registration: &RegistrationKey, apns_id: &str) {
        self.bytes.push(KEPT);
        self.labelled(seq);
        self.registration(registration);
        self.label(apns_id);
    }

    pub(crate) fn accepted(
        &mut self,
        seq: u64,
        registration: &RegistrationKey,
        apns_id: &str,
        at: UnixMillis,
    ) {
        self.bytes.push(ACCEPTED);
        self.labelled(seq);
        self.registration(registration);
        self.label(apns_id);
        self.bytes.extend_from_slice(&at.0.to_le_bytes());
        self.keys.push(seq_key(seq));
    }

    pub(crate) fn reached(
        &mut self,
        seq: u64,
        registration: &RegistrationKey,
        stage: Stage,
        reason: Option<&Reason>,
        at: UnixMillis,
    ) {
        self.stage(seq, registration, stage, reason, at);
        let key = seq_key(seq);
        // `accepted`, `sent` and `acknowledged` of one notification mostly follow each other.
        if self.keys.last() != Some(&key) {
            self.keys.push(key);
        }
    }

    /// The end of a kept notification. It is found in the log, hence by no key here.
    pub(crate) fn ended(&mut self, ended: &Ended) {
        self.stage(ended.seq, &ended.registration, ended.stage, ended.reason.as_ref(), ended.at);
    }

    fn stage(
        &mut self,
        seq: u64,
        registration: &RegistrationKey,
        stage: Stage,
        reason: Option<&Reason>,
        at: UnixMillis,
    ) {
        self.bytes.push(REACHED);
        self.bytes.extend_from_slice(&seq.to_le_bytes());
        self.bytes.push(environment_number(registration.environment));
        self.bytes.extend_from_slice(&registration.topic_no.to_le_bytes());
        self.bytes.push(stage as u8);
        self.bytes.extend_from_slice(&at.0.to_le_bytes());
        self.text(reason.map_or("", Reason::as_str));
    }

    pub(crate) fn refused(&mut self, refused: &Refused) {
        self.bytes.push(if refused.injected.is_some() { INJECTED } else { REFUSED });
        self.bytes.extend_from_slice(&refused.at.0.to_le_bytes());
        self.bytes.push(refused.environment.map_or(u8::MAX, environment_number));
        self.label(&refused.apns_id);
        for text in [&refused.team, &refused.topic, &refused.token] {
            self.text(text.as_deref().unwrap_or_default());
        }
        if let Some(injected) = &refused.injected {
            self.text(injected.as_str());
        }
        self.text(refused.reason.as_ref().map_or("", Reason::as_str));
        if let Some(token) = &refused.token {
            self.keys.push(token_key(token));
        }
    }

    fn labelled(&mut self, seq: u64) {
        self.bytes.extend_from_slice(&seq.to_le_bytes());
        let (least, greatest) = self.labelled.unwrap_or((seq, seq));
        self.labelled = Some((least.min(seq), greatest.max(seq)));
    }

    fn registration(&mut self, registration: &RegistrationKey) {
        self.bytes.extend_from_slice(&registration.device.to_le_bytes());
        self.bytes.push(environment_number(registration.environment));
        self.bytes.extend_from_slice(&registration.topic_no.to_le_bytes());
        self.bytes.extend_from_slice(&registration.generation.to_le_bytes());
        self.keys.push(registration_key(registration));
    }

    fn label(&mut self, apns_id: &str) {
        let at = self.bytes.len();
        self.bytes.push(0);
        let uuid = label::uuid_of(apns_id);
        label::pack_known(cut(apns_id), uuid, &mut self.bytes);
        let len = self.bytes.len() - at - 1;
        self.bytes[at] = u8::try_from(len).unwrap_or(u8::MAX);
        self.keys.push(label::key_known(apns_id, uuid));
    }

    fn text(&mut self, text: &str) {
        let text = cut(text);
        self.bytes.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
        self.bytes.extend_from_slice(text.as_bytes());
    }
}

fn cut(text: &str) -> &str {
    let end = (0..=text.len().min(MAX_TEXT)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

/// Reads the records of a block one after another; stops at bytes that are no record.
pub(crate) struct Records<'a>(pub(crate) &'a [u8]);

impl Records<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn seq(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn at(&mut self) -> Option<UnixMillis> {
        self.array().map(i64::from_le_bytes).map(UnixMillis)
    }

    fn slice(&mut self) -> Option<&[u8]> {
        let len = usize::from(self.byte()?);
        let (slice, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(slice)
    }

    fn text(&mut self) -> Option<Option<String>> {
        let text = String::from_utf8(self.slice()?.to_vec()).ok()?;
        Some(Some(text).filter(|text| !text.is_empty()))
    }

    fn label(&mut self) -> Option<String> {
        label::unpack(self.slice()?)
    }

    fn registration(&mut self) -> Option<RegistrationKey> {
        Some(RegistrationKey {
            device: self.array().map(u64::from_le_bytes)?,
            environment: environment_of(self.byte()?)?,
            topic_no: self.array().map(u32::from_le_bytes)?,
            generation: self.array().map(u32::from_le_bytes)?,
        })
    }

    fn read(&mut self) -> Option<Record> {
        match self.byte()? {
            KEPT => Some(Record::Kept {
                seq: self.seq()?,
                registration: self.registration()?,
                apns_id: self.label()?,
            }),
            ACCEPTED => Some(Record::Accepted {
                seq: self.seq()?,
                registration: self.registration()?,
                apns_id: self.label()?,
                at: self.at()?,
            }),
            REACHED => {
                let seq = self.seq()?;
                let environment = environment_of(self.byte()?)?;
                let topic_no = self.array().map(u32::from_le_bytes)?;
                let stage = homing_trace::stage::TABLE.get(usize::from(self.byte()?))?.0;
                let at = self.at()?;
                let reason = self.text()?.map(|reason| Reason::from_peer(&reason));
                Some(Record::Reached { seq, environment, topic_no, stage, reason, at })
            }
            kind @ (REFUSED | INJECTED) => {
                let at = self.at()?;
                let environment = environment_of(self.byte()?);
                let apns_id = self.label()?;
                let (team, topic, token) = (self.text()?, self.text()?, self.text()?);
                let injected = if kind == INJECTED { self.text()? } else { None };
                let reason = self.text()?;
                let word = |text: Option<String>| text.map(|text| Reason::from_peer(&text));
                let (injected, reason) = (word(injected), word(reason));
                Some(Record::Refused(Box::new(RefusedRecord {
                    apns_id,
                    team,
                    topic,
                    environment,
                    token,
                    injected,
                    reason,
                    at,
                })))
            }
            _ => None,
        }
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let record = self.read();
        if record.is_none() {
            self.0 = &[];
        }
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTRATION: RegistrationKey = RegistrationKey {
        device: u64::MAX,
        environment: Environment::Production,
        topic_no: 7,
        generation: 9,
    };

    #[test]
    fn records_come_back_in_order() {
        let mut block = Block::default();
        block.kept(1, &REGISTRATION, "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10");
        block.accepted(2, &REGISTRATION, "A", UnixMillis(5));
        block.reached(2, &REGISTRATION, Stage::Suppressed, Some(&Reason::FOCUS), UnixMillis(6));
        block.refused(&Refused {
            apns_id: "B".into(),
            team: None,
            topic: Some("com.example".into()),
            environment: None,
            token: Some("AB".into()),
            injected: None,
            reason: Some(Reason::known("BadDeviceToken")),
            at: UnixMillis(7),
        });
        block.refused(&Refused {
            apns_id: "C".into(),
            team: None,
            topic: None,
            environment: None,
            token: None,
            injected: Some(Reason::FAULT_SILENCE),
            reason: None,
            at: UnixMillis(8),
        });
        let records: Vec<Record> = Records(&block.bytes).collect();
        assert_eq!(records.len(), 5);
        let Record::Refused(silent) = &records[4] else { panic!("{records:?}") };
        assert_eq!((&silent.injected, &silent.reason), (&Some(Reason::FAULT_SILENCE), &None));
        assert!(matches!(&records[0], Record::Kept { seq: 1, registration: REGISTRATION, .. }));
        assert!(matches!(&records[1], Record::Accepted { seq: 2, apns_id, .. } if apns_id == "A"));
        let reached = Record::Reached {
            seq: 2,
            environment: Environment::Production,
            topic_no: 7,
            stage: Stage::Suppressed,
            reason: Some(Reason::FOCUS),
            at: UnixMillis(6),
        };
        assert_eq!(records[2], reached);
        assert!(matches!(&records[3], Record::Refused(refused) if refused.token.as_deref() == Some("AB")));
        assert!(block.keys.contains(&token_key("ab")));
        assert_eq!(block.labelled, Some((1, 2)));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_bring_it_down(bytes: Vec<u8>) {
            let _ = Records(&bytes).count();
        }
    }
}
