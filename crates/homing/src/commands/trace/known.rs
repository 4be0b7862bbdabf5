//! Who knows what became of a notification: the push service, of what was sent to it; the provider, of what it planned,
//! also for Apple's push service. What the push service says goes before what the provider heard.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use homing_trace::{Environment, Event, Reason, Stage, Trace, UnixMillis};
use serde::Deserialize;
use serde_json::Value;

use crate::endpoints::Endpoints;
use crate::local_api::{LocalApi, items};

/// Notifications asked for at a time.
const PAGE: &str = "500";

/// Both, as far as they run.
pub(super) struct Known {
    push_service: Option<LocalApi>,
    provider: Option<LocalApi>,
}

/// One notification as the provider knows it.
#[derive(Debug, Deserialize)]
struct Planned {
    apns_id: String,
    push_id: String,
    user: Option<String>,
    environment: Option<Environment>,
    events: Vec<PlannedEvent>,
}

/// Its words are more than those of a trace.
#[derive(Debug, Deserialize)]
struct PlannedEvent {
    at: UnixMillis,
    stage: String,
    reason: Option<Reason>,
}

/// A trace, which push it belongs to, and what the provider alone knows of it, in words.
pub(super) struct Told {
    pub(super) trace: Trace,
    pub(super) push: Option<String>,
    /// Where the trace has no step: how it stands at the provider.
    pub(super) standing: Option<String>,
}

impl Known {
    pub(super) fn by(endpoints: &Endpoints) -> Self {
        let api = |base: &Option<String>, key: &Option<String>| {
            Some(LocalApi::new(base.as_deref()?, key.as_deref()?))
        };
        Self {
            push_service: api(&endpoints.gateway_admin, &endpoints.gateway_admin_key),
            provider: api(&endpoints.provider_api, &endpoints.provider_api_key),
        }
    }

    /// All that carry this label, or have this apns-unique-id, in order of acceptance.
    pub(super) fn of_apns_id(&self, apns_id: &str) -> anyhow::Result<Vec<Told>> {
        let mut planned = self.planned("apns_id", apns_id)?;
        let traces = self.traces("apns_id", apns_id)?;
        // What was asked for may be an apns-unique-id, which the provider doesn't know.
        let others = traces.iter().map(|trace| trace.apns_id.to_ascii_lowercase());
        let others: BTreeSet<String> = others.filter(|label| !label.eq_ignore_ascii_case(apns_id)).collect();
        for label in others {
            planned.extend(self.planned("apns_id", &label)?);
        }
        Ok(tell(traces, planned))
    }

    /// All for this device token.
    pub(super) fn of_token(&self, token: &str) -> anyhow::Result<Vec<Told>> {
        let planned = self.planned("token", &token.to_ascii_lowercase())?;
        let traces = self.traces("token", token)?;
        Ok(tell(traces, planned))
    }

    /// All that were planned for this user.
    pub(super) fn of_user(&self, user: &str) -> anyhow::Result<Vec<Told>> {
        self.provider.as_ref().context(
            "no provider runs there, and only a provider knows users\n\
             hint: ask with an apns-id or with --token, or name a Homing with a provider by --data-dir",
        )?;
        let planned = self.planned("user", user)?;
        let mut traces = Vec::new();
        let labels: BTreeSet<String> = planned.iter().map(|(_, one)| one.apns_id.clone()).collect();
        for apns_id in labels {
            traces.extend(self.traces("apns_id", &apns_id)?);
        }
        Ok(tell(traces, planned))
    }

    fn traces(&self, name: &str, value: &str) -> anyhow::Result<Vec<Trace>> {
        let Some(push_service) = &self.push_service else { return Ok(Vec::new()) };
        pages(push_service, "/v1/traces", "traces", (name, value))?
            .into_iter()
            .map(|trace| serde_json::from_value(trace).context("the push service sent an unreadable trace"))
            .collect()
    }

    /// With the bundle ID each belongs to.
    fn planned(&self, name: &str, value: &str) -> anyhow::Result<Vec<(String, Planned)>> {
        let Some(provider) = &self.provider else { return Ok(Vec::new()) };
        let apps = provider.get("/v1/apps", &[])?;
        let mut planned = Vec::new();
        for app in items(&apps, "apps")? {
            let bundle_id = app["bundle_id"].as_str().context("an app of the provider has no bundle ID")?;
            let path = format!("/v1/apps/{bundle_id}/notifications");
            for one in pages(provider, &path, "notifications", (name, value))? {
                let one =
                    serde_json::from_value(one).context("the provider sent an unreadable notification")?;
                planned.push((bundle_id.to_owned(), one));
            }
        }
        Ok(planned)
    }
}

/// Asks until nothing is left.
fn pages(api: &LocalApi, path: &str, list: &str, which: (&str, &str)) -> anyhow::Result<Vec<Value>> {
    let mut all = Vec::new();
    loop {
        let skip = all.len().to_string();
        let found = api.get(path, &[which, ("limit", PAGE), ("skip", &skip)])?;
        let page = items(&found, list)?;
        let is_last = page.is_empty() || found["truncated"] != true;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

/// One notification each, first accepted first. What only the provider knows is told in its words.
fn tell(traces: Vec<Trace>, planned: Vec<(String, Planned)>) -> Vec<Told> {
    let mut pushes: BTreeMap<String, (String, Planned)> =
        planned.into_iter().map(|(app, one)| (one.apns_id.to_ascii_lowercase(), (app, one))).collect();
    let mut told = Vec::new();
    let mut seen = BTreeSet::new();
    for trace in traces {
        let label = trace.apns_id.to_ascii_lowercase();
        let push = pushes.get(&label).map(|(_, one)| one.push());
        seen.insert(label);
        told.push(Told { trace, push, standing: None });
    }
    pushes.retain(|label, _| !seen.contains(label));
    told.extend(pushes.into_values().map(|(app, one)| {
        let (push, standing) = (Some(one.push()), Some(one.standing()));
        Told { trace: one.trace(app), push, standing }
    }));
    told.sort_by_key(|told| (told.trace.events.first().map(|event| event.at), told.trace.seq));
    told
}

impl Planned {
    fn push(&self) -> String {
        match &self.user {
            Some(user) => format!("of push {} to {user}", self.push_id),
            None => format!("of push {}", self.push_id),
        }
    }

    /// How it stands, for who asks about one that no push service has spoken of.
    fn standing(&self) -> String {
        let Some(last) = self.events.last() else { return "planned by the provider".to_owned() };
        let reason = last.reason.as_ref().map_or("", Reason::as_str);
        match last.stage.as_str() {
            "planned" => "planned by the provider, not sent yet".to_owned(),
            "sent" => "handed to a connection of the push service, no answer yet".to_owned(),
            "withdrawn" => format!("{reason}: withdrawn by the provider before it was sent"),
            "failed" => format!("{reason}: given up by the provider"),
            other => format!("{other} {reason}"),
        }
    }

    /// Without events where nothing but the provider's own steps is known. Its `sent` isn't a trace's, which is the push
    /// service's to say.
    fn trace(self, bundle_id: String) -> Trace {
        let events = self.events.into_iter().filter_map(|event| {
            let stage = Stage::from_word(&event.stage).filter(|stage| *stage != Stage::Sent)?;
            Some(Event { at: event.at, stage, reason: event.reason })
        });
        Trace {
            apns_id: self.apns_id,
            seq: None,
            topic: Some(bundle_id),
            environment: self.environment,
            events: events.collect(),
            apns_unique_id: None,
            broadcast: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(apns_id: &str, stages: &[&str]) -> (String, Planned) {
        let event =
            |stage: &&str| PlannedEvent { at: UnixMillis(1), stage: (*stage).to_owned(), reason: None };
        let one = Planned {
            apns_id: apns_id.to_owned(),
            push_id: "p".to_owned(),
            user: Some("reader".to_owned()),
            environment: None,
            events: stages.iter().map(event).collect(),
        };
        ("com.example.news".to_owned(), one)
    }

    #[test]
    fn the_push_services_word_goes_first_and_the_provider_adds_whose_push_it_is() {
        let event = Event { at: UnixMillis(2), stage: Stage::Accepted, reason: None };
        let trace = Trace {
            apns_id: "A".to_owned(),
            seq: Some(1),
            topic: None,
            environment: None,
            events: vec![event],
            apns_unique_id: None,
            broadcast: None,
        };
        let told = tell(vec![trace], vec![planned("a", &["planned", "sent", "accepted"])]);
        let [one] = told.as_slice() else { panic!("one notification, told once: {}", told.len()) };
        assert_eq!((one.trace.seq, one.push.as_deref()), (Some(1), Some("of push p to reader")));
    }

    #[test]
    fn what_went_to_apple_is_told_by_the_provider_in_the_words_of_a_trace() {
        let accepted = planned("a", &["planned", "sent", "accepted"]);
        let told = tell(Vec::new(), vec![accepted, planned("b", &["planned"])]);
        let stages = told.iter().map(|one| one.trace.events.iter().map(|event| event.stage).collect());
        let stages: Vec<Vec<_>> = stages.collect();
        assert_eq!(
            stages,
            [vec![], vec![Stage::Accepted]],
            "what is only planned has no step of a trace yet"
        );
    }

    #[test]
    fn what_never_left_the_provider_is_told_as_it_stands() {
        let standing = |stages: &[&str], reason: Option<&'static str>| {
            let (_, mut one) = planned("a", stages);
            if let Some(last) = one.events.last_mut() {
                last.reason = reason.map(Reason::known);
            }
            one.standing()
        };
        assert_eq!(standing(&["planned"], None), "planned by the provider, not sent yet");
        let withdrawn = standing(&["planned", "withdrawn"], Some("logged-out"));
        assert_eq!(withdrawn, "logged-out: withdrawn by the provider before it was sent");
        let failed = standing(&["planned", "sent", "failed"], Some("not-sent-in-time"));
        assert_eq!(failed, "not-sent-in-time: given up by the provider");
    }
}
