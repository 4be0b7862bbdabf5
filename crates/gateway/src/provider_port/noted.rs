//! Which leniencies one connection has made use of: each is said once in the log, and counted for the app it was used for.

use std::sync::Arc;

use homing_apns::{Leniencies, Topic};
use homing_trace::UnixMillis;

use crate::advice::{Advice, CLIENT_KEPT, Tally};
use crate::centre::Directory;
use crate::testers::without_tokens;

/// Topics of one connection that are counted for.
const MOST_TOPICS: usize = 64;

#[derive(Default)]
pub(super) struct Noted {
    topics: Vec<OfTopic>,
    logged: Leniencies,
}

struct OfTopic {
    /// `None` for what is about no one topic.
    topic_no: Option<u32>,
    tally: Arc<Tally>,
    seen: Leniencies,
}

/// A request that made use of leniencies.
pub(super) struct Lenient<'a> {
    pub(super) team: &'a str,
    /// With its number; `None` for a stream of receipts.
    pub(super) topic: Option<(&'a Topic, u32)>,
    pub(super) used: Leniencies,
    /// What its client calls itself.
    pub(super) client: Option<&'a str>,
    pub(super) at: UnixMillis,
}

impl Noted {
    /// Some leniency was made use of.
    pub(super) fn note(&mut self, lenient: &Lenient<'_>, directory: &Directory, advice: &Advice) {
        let Lenient { team, topic, used, client, at } = *lenient;
        let topic_no = topic.map(|(_, no)| no);
        let place = match self.topics.iter().position(|noted| noted.topic_no == topic_no) {
            Some(place) => place,
            None => {
                let tally = match topic {
                    Some((topic, _)) => directory
                        .topic(topic.as_str())
                        .and_then(|entry| advice.tally(&entry.team, Some(&entry.bundle_id))),
                    None => advice.tally(team, None),
                };
                let Some(tally) = tally.filter(|_| self.topics.len() < MOST_TOPICS) else { return };
                self.topics.push(OfTopic { topic_no, tally, seen: Leniencies::NONE });
                self.topics.len() - 1
            }
        };
        let noted = &mut self.topics[place];
        let new = used.without(noted.seen);
        if !new.is_empty() {
            noted.seen = noted.seen.and(new);
            let client = client.map(named);
            noted.tally.note_connection(new, client.as_deref(), at);
            for leniency in new.without(self.logged).iter() {
                let client = client.as_deref().unwrap_or("unnamed");
                let topic = topic.map_or("receipts", |(topic, _)| topic.as_str());
                tracing::info!(
                    topic,
                    client,
                    leniency = leniency.as_str(),
                    "a client is taken by leniency: {}",
                    leniency.advice()
                );
            }
            self.logged = self.logged.and(new);
        }
        noted.tally.note(used, at);
    }
}

/// As far as it is shown, without what doesn't belong there.
fn named(client: &str) -> String {
    without_tokens(client).chars().take(CLIENT_KEPT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_calls_itself_is_cut_and_blotted() {
        assert_eq!(named("pushy/1.0"), "pushy/1.0");
        assert_eq!(named(&"a b".repeat(100)).len(), CLIENT_KEPT);
        let token = format!("{}.eyJpc3MiOiJUIn0.c2VjcmV0", "eyJhbGciOiJFUzI1NiJ9");
        assert_eq!(named(&format!("pushy {token}")), "pushy …");
    }
}
