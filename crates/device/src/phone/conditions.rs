//! How the user sets the whole device: language, power, mute switch, Focus and the scheduled summary. What that does to
//! a notification is decided by the notification center.

use std::collections::BTreeSet;

use homing_local::view::GroupView;
use homing_notification_center::{self as center, DeviceSetting, Input};
use homing_trace::UnixMillis;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::questions::{Asked, Refusal};
use super::{Effect, Phone};
use crate::happening::Kind;
use crate::link::Order;
use crate::store::StoreError;

/// The longest tag of a language.
const MAX_LOCALE: usize = 64;

/// The scheduled summary, and what waits for it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SummaryView {
    /// `null`: there is none.
    pub(crate) summary: Option<ScheduledSummary>,
    /// When it comes next.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) next: Option<UnixMillis>,
    /// Most relevant first.
    pub(crate) waiting: Vec<WaitingView>,
}

/// When it comes, and for which apps.
#[derive(Clone, Debug, Serialize, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduledSummary {
    /// On the device's clock: 00:00 to 23:59.
    #[schema(example = json!(["08:00", "18:00"]))]
    pub(crate) times: Vec<String>,
    /// Bundle IDs.
    pub(crate) apps: BTreeSet<String>,
}

/// A notification that waits for the summary.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WaitingView {
    /// The bundle ID.
    app: String,
    identifier: String,
    relevance_score: f64,
}

impl Phone {
    pub(crate) fn tells_dates_from_now(&self) -> bool {
        self.dates_from_now
    }

    pub(crate) fn tell_dates_from_now(&mut self, from_now: bool) -> Asked<()> {
        self.store.save_dates_from_now(from_now)?;
        self.dates_from_now = from_now;
        self.happened(Kind::Changed, None, json!({}));
        Ok(Ok(()))
    }

    fn set(&mut self, setting: DeviceSetting) -> Result<(), StoreError> {
        self.feed(Input::DeviceSet(setting))?;
        self.happened(Kind::Changed, None, json!({}));
        Ok(())
    }

    /// The push service is told, too, which then keeps what can wait.
    pub(crate) fn set_low_power(&mut self, on: bool) -> Asked<()> {
        if self.center.is_low_power() != on {
            self.set(DeviceSetting::LowPower { on })?;
            if self.link.is_some() {
                self.effects.push(Effect::Order(Order::State { low_power: on }));
            }
        }
        Ok(Ok(()))
    }

    pub(crate) fn set_muted(&mut self, on: bool) -> Asked<()> {
        self.set(DeviceSetting::Muted { on })?;
        Ok(Ok(()))
    }

    pub(crate) fn set_locale(&mut self, locale: String) -> Asked<()> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if locale.is_empty() || locale.len() > MAX_LOCALE || !locale.bytes().all(allowed) {
            let words = format!("{locale:?} is no language: write one like en, zh-Hans or pt-BR");
            return Ok(Err(Refusal::Invalid(words)));
        }
        self.feed(Input::LocaleChanged { locale })?;
        self.happened(Kind::Changed, None, json!({}));
        Ok(Ok(()))
    }

    pub(crate) fn focus(&self) -> Option<center::Focus> {
        self.center.focus().cloned()
    }

    pub(crate) fn set_focus(&mut self, focus: Option<center::Focus>) -> Asked<()> {
        if let Some(Err(error)) = focus.as_ref().map(center::Focus::check) {
            return Ok(Err(Refusal::Invalid(error.to_string())));
        }
        self.set(DeviceSetting::Focus { focus })?;
        Ok(Ok(()))
    }

    pub(crate) fn summary(&self) -> SummaryView {
        let summary = self.center.summary();
        let waiting = self.center.collected().into_iter();
        SummaryView {
            summary: summary.map(|(summary, _)| ScheduledSummary {
                times: summary.times.iter().map(|minute| written(*minute)).collect(),
                apps: summary.apps.clone(),
            }),
            next: summary.and_then(|(_, next)| next),
            waiting: waiting
                .map(|(app, notification)| WaitingView {
                    app: app.to_owned(),
                    identifier: notification.request.identifier.clone(),
                    relevance_score: notification.request.content.relevance_score,
                })
                .collect(),
        }
    }

    pub(crate) fn set_summary(&mut self, summary: Option<ScheduledSummary>) -> Asked<()> {
        let summary = match summary.map(planned).transpose() {
            Ok(summary) => summary,
            Err(words) => return Ok(Err(Refusal::Invalid(words))),
        };
        self.set(DeviceSetting::Summary { summary })?;
        Ok(Ok(()))
    }

    /// What is in Notification Center, as it stands together.
    pub(crate) fn groups(&self) -> Vec<GroupView> {
        let view = |group: center::Group<'_>| GroupView {
            app: group.bundle.to_owned(),
            thread: group.thread.map(str::to_owned),
            identifiers: group.notifications.iter().map(|one| one.identifier().to_owned()).collect(),
            summary: group.summary,
        };
        self.center.groups().into_iter().map(view).collect()
    }
}

fn planned(ScheduledSummary { times, apps }: ScheduledSummary) -> Result<center::Summary, String> {
    let times = times
        .iter()
        .map(|time| {
            minute_of(time).ok_or_else(|| format!("{time:?} is no time of a day: write one like 08:00"))
        })
        .collect::<Result<_, _>>()?;
    let summary = center::Summary { times, apps };
    summary.check().map_err(|error| error.to_string())?;
    Ok(summary)
}

/// Minutes since midnight of `08:00`.
fn minute_of(time: &str) -> Option<u16> {
    let (hour, minute) = time.split_once(':')?;
    let two = |digits: &str, below: u16| {
        let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|number: &u16| plain && *number < below)
    };
    Some(two(hour, 24)? * 60 + two(minute, 60)?)
}

fn written(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_a_day_are_two_digits_and_two() {
        for (time, minute) in [("00:00", 0), ("08:05", 485), ("23:59", 1439)] {
            assert_eq!(minute_of(time), Some(minute));
            assert_eq!(written(minute), time);
        }
        for time in ["24:00", "8:00", "08:60", "0800", "+8:00", "08:00:00", ""] {
            assert_eq!(minute_of(time), None, "{time}");
        }
    }
}
