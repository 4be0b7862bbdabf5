//! What the push service can tell the people whose clients live by its leniencies: which, how often, since when, by whom. Kept
//! in memory, for each team and app; what counts as a leniency is `homing-apns`' table.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use homing_apns::{Leniencies, Leniency};
use homing_trace::UnixMillis;

use crate::notification::lock;

/// Most apps that are counted for.
const MOST_APPS: usize = 10_000;
/// Names of clients that are remembered for a leniency of an app.
const MOST_CLIENTS: usize = 8;
/// Characters that are kept of such a name.
pub(crate) const CLIENT_KEPT: usize = 100;

/// All that was counted since the process started.
#[derive(Debug, Default)]
pub(crate) struct Advice {
    by_app: Mutex<HashMap<App, Arc<Tally>>>,
}

/// Team and bundle ID; without the latter, what is about no one app.
type App = (Box<str>, Option<Box<str>>);

/// What one app's clients have made use of.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: [Count; Leniency::ALL.len()],
}

#[derive(Debug, Default)]
struct Count {
    requests: AtomicU64,
    connections: AtomicU64,
    first_at: AtomicI64,
    last_at: AtomicI64,
    clients: Mutex<Vec<Box<str>>>,
}

/// One leniency that an app's clients have made use of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Advised {
    pub(crate) team: Box<str>,
    /// `None` for the team's streams of receipts.
    pub(crate) bundle_id: Option<Box<str>>,
    pub(crate) leniency: Leniency,
    pub(crate) requests: u64,
    pub(crate) connections: u64,
    pub(crate) first_at: UnixMillis,
    pub(crate) last_at: UnixMillis,
    /// What the clients that made use of it call themselves.
    pub(crate) clients: Vec<Box<str>>,
}

impl Advice {
    /// Where to count for this app; `None` when there are too many.
    pub(crate) fn tally(&self, team: &str, bundle_id: Option<&str>) -> Option<Arc<Tally>> {
        let mut by_app = lock(&self.by_app);
        let app = (team.into(), bundle_id.map(Into::into));
        if let Some(tally) = by_app.get(&app) {
            return Some(Arc::clone(tally));
        }
        (by_app.len() < MOST_APPS).then(|| Arc::clone(by_app.entry(app).or_default()))
    }

    /// Everything, by team, app and leniency.
    pub(crate) fn all(&self) -> Vec<Advised> {
        let by_app = lock(&self.by_app);
        let mut all: Vec<Advised> = by_app.iter().flat_map(|(app, tally)| tally.told(app)).collect();
        all.sort_by(|one, other| {
            (&one.team, &one.bundle_id, one.leniency).cmp(&(&other.team, &other.bundle_id, other.leniency))
        });
        all
    }
}

impl Tally {
    /// Counts a request.
    pub(crate) fn note(&self, used: Leniencies, at: UnixMillis) {
        for leniency in used.iter() {
            let count = &self.counts[leniency as usize];
            count.requests.fetch_add(1, Ordering::Relaxed);
            count.last_at.store(at.0, Ordering::Relaxed);
        }
    }

    /// Counts a connection, by what it makes use of for the first time.
    pub(crate) fn note_connection(&self, used: Leniencies, client: Option<&str>, at: UnixMillis) {
        let name: Option<String> = client.map(|client| client.chars().take(CLIENT_KEPT).collect());
        for leniency in used.iter() {
            let count = &self.counts[leniency as usize];
            if count.connections.fetch_add(1, Ordering::Relaxed) == 0 {
                count.first_at.store(at.0, Ordering::Relaxed);
            }
            let Some(name) = name.as_deref() else { continue };
            let mut clients = lock(&count.clients);
            if clients.len() < MOST_CLIENTS && !clients.iter().any(|known| **known == *name) {
                clients.push(name.into());
            }
        }
    }

    fn told(&self, (team, bundle_id): &App) -> impl Iterator<Item = Advised> {
        let counts = self.counts.iter().zip(Leniency::ALL);
        counts.filter_map(move |(count, leniency)| {
            let connections = count.connections.load(Ordering::Relaxed);
            (connections > 0).then(|| Advised {
                team: team.clone(),
                bundle_id: bundle_id.clone(),
                leniency: *leniency,
                requests: count.requests.load(Ordering::Relaxed),
                connections,
                first_at: UnixMillis(count.first_at.load(Ordering::Relaxed)),
                last_at: UnixMillis(count.last_at.load(Ordering::Relaxed)),
                clients: lock(&count.clients).clone(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_connections_are_counted_for_each_app_and_leniency() {
        let advice = Advice::default();
        let used = Leniencies::NONE.with_if(Leniency::DerSignature, true).with_if(Leniency::NoAlpn, true);
        let tally = advice.tally("TEAM", Some("com.example.news")).expect("there is room");
        tally.note_connection(used, Some("pushy"), UnixMillis(1));
        tally.note_connection(used, Some("pushy"), UnixMillis(2));
        for at in 1..=5 {
            tally.note(used, UnixMillis(at));
        }
        advice.tally("TEAM", Some("com.example.idle")).expect("there is room");
        let all = advice.all();
        let told: Vec<_> = all.iter().map(|it| (it.leniency, it.requests, it.connections)).collect();
        assert_eq!(told, [(Leniency::DerSignature, 5, 2), (Leniency::NoAlpn, 5, 2)]);
        assert_eq!((all[0].first_at, all[0].last_at), (UnixMillis(1), UnixMillis(5)));
        assert_eq!(*all[0].clients, ["pushy".into()]);
    }

    #[test]
    fn each_leniency_names_the_clients_that_made_use_of_it() {
        let advice = Advice::default();
        let tally = advice.tally("TEAM", None).expect("there is room");
        for (leniency, client) in [
            (Leniency::DerSignature, "pushy"),
            (Leniency::NoAlpn, "aioapns"),
            (Leniency::NoAlpn, "pushy"),
            (Leniency::NoAlpn, "aioapns"),
        ] {
            tally.note_connection(Leniencies::NONE.with_if(leniency, true), Some(client), UnixMillis(1));
        }
        let clients: Vec<_> = advice.all().into_iter().map(|it| it.clients).collect();
        assert_eq!(clients, [vec!["pushy".into()], vec!["aioapns".into(), "pushy".into()]]);
    }

    #[test]
    fn what_clients_call_themselves_is_bounded() {
        let advice = Advice::default();
        let tally = advice.tally("TEAM", Some("com.example.news")).expect("there is room");
        let used = Leniencies::NONE.with_if(Leniency::NoAlpn, true);
        for number in 0..100 {
            tally.note_connection(used, Some(&format!("{number}{}", "x".repeat(1_000))), UnixMillis(1));
        }
        let clients = &advice.all()[0].clients;
        assert!(clients.len() == MOST_CLIENTS && clients.iter().all(|client| client.len() == CLIENT_KEPT));
    }
}
