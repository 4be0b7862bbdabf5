//! The developer centre in memory: an immutable snapshot that the ports look things up in.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Certificate, ProviderKey};

/// All teams, apps, topics, provider keys and certificates at one moment.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    pub(super) revision: u64,
    pub(super) teams: BTreeMap<Arc<str>, Team>,
    pub(super) apps: BTreeMap<Arc<str>, App>,
    pub(super) topics: HashMap<Arc<str>, TopicEntry>,
    pub(super) names: HashMap<u32, Arc<str>>,
    pub(super) newest_topic_no: u32,
    pub(super) provider_keys: BTreeMap<Box<str>, Arc<ProviderKey>>,
    pub(super) certificates: HashMap<[u8; 32], Arc<Certificate>>,
}

/// A development team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    pub id: Arc<str>,
    pub name: Box<str>,
}

/// An app and the names of its topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    pub bundle_id: Arc<str>,
    pub team: Arc<str>,
    pub topics: Vec<Arc<str>>,
    /// Whether it may have broadcast channels.
    pub may_broadcast: bool,
}

/// One topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicEntry {
    /// At most 23 bits; never given to another topic. A later topic has a greater one.
    pub topic_no: u32,
    pub name: Arc<str>,
    pub bundle_id: Arc<str>,
    pub team: Arc<str>,
}

impl Directory {
    /// Rises with every change.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    pub fn provider_key(&self, key_id: &str) -> Option<&Arc<ProviderKey>> {
        self.provider_keys.get(key_id)
    }

    /// By key id.
    pub fn provider_keys(&self) -> impl Iterator<Item = &Arc<ProviderKey>> {
        self.provider_keys.values()
    }

    /// By the SHA-256 of the certificate in DER.
    pub fn certificate(&self, fingerprint: &[u8; 32]) -> Option<&Arc<Certificate>> {
        self.certificates.get(fingerprint)
    }

    /// In no order.
    pub fn certificates(&self) -> impl Iterator<Item = &Arc<Certificate>> {
        self.certificates.values()
    }

    pub fn topic(&self, name: &str) -> Option<&TopicEntry> {
        self.topics.get(name)
    }

    pub fn topic_by_no(&self, topic_no: u32) -> Option<&TopicEntry> {
        self.topics.get(self.names.get(&topic_no)?)
    }

    pub fn topic_name(&self, topic_no: u32) -> Option<&str> {
        self.names.get(&topic_no).map(AsRef::as_ref)
    }

    /// The greatest number of a topic; 0 without one.
    pub const fn newest_topic_no(&self) -> u32 {
        self.newest_topic_no
    }

    pub fn app(&self, bundle_id: &str) -> Option<&App> {
        self.apps.get(bundle_id)
    }

    /// By bundle id.
    pub fn apps(&self) -> impl Iterator<Item = &App> {
        self.apps.values()
    }

    pub fn team(&self, id: &str) -> Option<&Team> {
        self.teams.get(id)
    }

    /// By id.
    pub fn teams(&self) -> impl Iterator<Item = &Team> {
        self.teams.values()
    }
}
