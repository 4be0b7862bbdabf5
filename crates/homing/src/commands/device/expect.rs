//! `homing device expect`: waits until a notification is shown, or suppressed for a reason, and says so by its exit code.
//!
//! It reads the event stream, and first what the stream still keeps: so a script may push and then expect, however quick
//! the notification was. What came before an action is left out with `--since` and the number that `homing device mark`
//! printed then.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use homing_trace::Reason;
use serde_json::{Value, json};

use super::answer::{Answer, show};
use super::client::{DeviceApi, escaped};
use super::{Where, duration};

/// The exit code when it didn't come in time.
pub(super) const NOT_SEEN: u8 = 4;
/// How much of what came instead is told: the newest.
const INSTEAD: usize = 10;

/// As the device API names them.
const SURFACES: [&str; 4] = ["banner", "persistent-banner", "lock-screen", "notification-center"];

fn reasons() -> impl Iterator<Item = &'static str> {
    Reason::SUPPRESSED.iter().map(Reason::as_str)
}

#[derive(Debug, clap::Args)]
pub(super) struct Expect {
    /// The app it is for: its bundle ID
    #[arg(long, alias = "app", value_name = "BUNDLE_ID")]
    topic: Option<String>,
    #[arg(long)]
    title: Option<String>,
    #[arg(long)]
    subtitle: Option<String>,
    #[arg(long)]
    body: Option<String>,
    /// Its `apns-id`
    #[arg(long, value_name = "ID")]
    apns_id: Option<String>,
    /// Where it must be seen
    #[arg(long, value_name = "SURFACE", value_parser = SURFACES, conflicts_with = "suppressed")]
    surface: Option<String>,
    /// It must be suppressed, for this reason
    #[arg(long, value_name = "REASON", value_parser = PossibleValuesParser::new(reasons()), conflicts_with = "subtitle")]
    suppressed: Option<String>,
    /// So many of them must come
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    count: u16,
    /// None may come within the time, all of which is waited for
    #[arg(long, conflicts_with = "count")]
    none: bool,
    /// Longest wait
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    within: Duration,
    /// Only what came after this event [default: all that is kept]
    #[arg(long, value_name = "MARK")]
    pub(super) since: Option<u64>,
    #[command(flatten)]
    pub(super) at: Where,
    /// Events that answered an expectation already.
    #[arg(skip)]
    pub(super) met: BTreeSet<u64>,
}

pub(super) fn run(expected: &Expect) -> anyhow::Result<Answer> {
    let api = DeviceApi::find(&expected.at)?;
    let after = expected.since.unwrap_or_default();
    let path = match &expected.at.device {
        Some(device) => format!("/v1/devices/{}/events?after={after}", escaped(device)),
        None => format!("/v1/events?after={after}"),
    };
    let mut search = Search { expected, came: Vec::new(), seen: Vec::new() };
    api.watch(&path, Some(expected.within), |event, data| {
        Ok(search.look(event, &serde_json::from_str(data)?))
    })?;
    Ok(search.answer())
}

/// What has come so far.
struct Search<'a> {
    expected: &'a Expect,
    /// Each with what became of it, oldest first.
    came: Vec<Value>,
    /// Those that were expected, each with the number of its event.
    seen: Vec<(u64, Value)>,
}

impl Search<'_> {
    fn look(&mut self, event: &str, happening: &Value) -> ControlFlow<()> {
        let Some(one) = self.notification(event, happening) else { return ControlFlow::Continue(()) };
        let number = happening["no"].as_u64().unwrap_or_default();
        if !self.expected.is_met_by(&one) || self.expected.met.contains(&number) {
            self.came.push(one);
            return ControlFlow::Continue(());
        }
        self.seen.push((number, one));
        if self.is_complete() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn is_complete(&self) -> bool {
        self.seen.len() >= usize::from(self.expected.count)
    }

    fn answer(mut self) -> Answer {
        let (expected, at, within) = (self.expected, &self.expected.at, self.expected.within);
        let (seen, met) = (self.seen.len(), self.is_complete());
        let marks: Vec<_> = self.seen.iter().map(|(mark, _)| *mark).collect();
        let all: Vec<_> = self.seen.into_iter().map(|(_, one)| one).collect();
        let tell = |ones: &[Value]| ones.iter().map(|one| format!("\n  {}", told(one))).collect::<String>();
        match (expected.none, all.as_slice()) {
            (true, []) => {
                let text = format!("none came within {within:?}: {}", expected.wanted());
                show(at, json!({"seen": false}), |_| text.clone())
            }
            (true, [one, ..]) => {
                let text = format!("none was to come: {}\ncame: {}", expected.wanted(), told(one));
                let answer = json!({"seen": true, "mark": marks.last(), "notification": one});
                show(at, answer, |_| text.clone()).ending_with(NOT_SEEN)
            }
            (false, [one]) if met => {
                let answer = json!({"seen": true, "mark": marks.last(), "notification": one});
                show(at, answer, |seen| format!("seen: {}", told(&seen["notification"])))
            }
            (false, all) if met => {
                let text = format!("seen {seen}:{}", tell(all));
                let answer =
                    json!({"seen": true, "mark": marks.last(), "marks": marks, "notifications": all});
                show(at, answer, |_| text.clone())
            }
            (false, all) => {
                let instead = self.came.split_off(self.came.len().saturating_sub(INSTEAD));
                let mut text = format!("not seen within {within:?}: {}", expected.wanted());
                if expected.count > 1 {
                    text.push_str(&format!("\n{seen} of {} came{}", expected.count, tell(all)));
                }
                text.push_str(match instead.as_slice() {
                    [] => "\nnothing else came either",
                    _ => "\nwhat came instead:",
                });
                text.push_str(&tell(&instead));
                let answer = json!({"seen": false, "came": seen, "instead": instead});
                show(at, answer, |_| text.clone()).ending_with(NOT_SEEN)
            }
        }
    }

    /// What became of a notification by this event; `None` if the event isn't about that.
    fn notification(&mut self, event: &str, happening: &Value) -> Option<Value> {
        let detail = &happening["detail"];
        let common = |outcome: &str| {
            json!({"outcome": outcome, "app": happening["app"], "device": happening["device"],
                   "at": happening["at"]})
        };
        match event {
            "presented" => Some(with(common("displayed"), detail)),
            // Its texts, for the receipt that comes later.
            "arrived" => {
                self.came.push(with(common("arrived"), detail));
                None
            }
            "receipt" if detail["event"] == "suppressed" => {
                let is_it = |one: &Value| {
                    one["seq"] == detail["seq"]
                        && one["device"] == happening["device"]
                        && one["outcome"] == "arrived"
                };
                let at = self.came.iter().position(is_it);
                let arrived = at.map_or(Value::Null, |at| self.came.remove(at));
                Some(with(
                    with(common("suppressed"), &arrived),
                    &json!({"outcome": "suppressed",
                    "reason": detail["reason"], "apns_id": detail["apns_id"], "seq": detail["seq"]}),
                ))
            }
            "receipt" if detail["event"] == "displayed" => {
                let is_it = |one: &Value| one["seq"] == detail["seq"] && one["outcome"] == "arrived";
                self.came.retain(|one| !is_it(one));
                None
            }
            _ => None,
        }
    }
}

fn with(mut one: Value, more: &Value) -> Value {
    if let (Some(one), Some(more)) = (one.as_object_mut(), more.as_object()) {
        one.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    one
}

impl Expect {
    fn is_met_by(&self, one: &Value) -> bool {
        let is = |name: &str, wanted: &Option<String>| {
            wanted.as_deref().is_none_or(|wanted| one[name].as_str() == Some(wanted))
        };
        let outcome = if self.suppressed.is_some() { "suppressed" } else { "displayed" };
        let is_there = |surface: &String| {
            one["surfaces"].as_array().is_some_and(|all| all.iter().any(|one| one == surface.as_str()))
        };
        one["outcome"] == outcome
            && is("reason", &self.suppressed)
            && is("app", &self.topic)
            && is("title", &self.title)
            && is("subtitle", &self.subtitle)
            && is("body", &self.body)
            && is("apns_id", &self.apns_id)
            && self.surface.as_ref().is_none_or(is_there)
    }

    fn wanted(&self) -> String {
        let parts = [
            ("topic", &self.topic),
            ("title", &self.title),
            ("subtitle", &self.subtitle),
            ("body", &self.body),
            ("apns-id", &self.apns_id),
            ("surface", &self.surface),
            ("suppressed", &self.suppressed),
        ];
        let parts: Vec<_> = parts
            .into_iter()
            .filter_map(|(name, wanted)| wanted.as_ref().map(|wanted| format!("{name} {wanted:?}")))
            .collect();
        if parts.is_empty() { "any notification".to_owned() } else { parts.join(", ") }
    }
}

fn told(one: &Value) -> String {
    let word = |name: &str| one[name].as_str().unwrap_or_default();
    let mut text = format!("{} {} on {}", word("outcome"), word("app"), word("device"));
    for name in ["title", "body", "reason"] {
        if !word(name).is_empty() {
            text.push_str(&format!("  {name} {:?}", word(name)));
        }
    }
    let surfaces: Vec<_> =
        one["surfaces"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !surfaces.is_empty() {
        text.push_str(&format!("  [{}]", surfaces.join(", ")));
    }
    text
}
