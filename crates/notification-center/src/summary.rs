//! The scheduled summary: what waits for it, and how it comes (*relevanceScore*). Which notifications wait is decided
//! by `conditions`.

use homing_trace::{Reason, Stage, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::app::{App, Turn};
use crate::calendar;
use crate::presentation::Manner;
use crate::{Center, DateComponents, Notification, NotificationSetting, Output, RemoteMark, Shown, Summary};

/// How many notifications of an app wait for the summary; beyond that, the oldest is never shown.
const MAX_WAITING: usize = 1_024;

/// Longer than from one time of a day to the next, also where a clock is turned.
const LONGEST_MILLIS: i64 = 26 * 60 * 60 * 1_000;

/// A notification that waits for the summary. Its texts are resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Collected {
    pub(crate) notification: Notification,
    pub(crate) remote: Option<RemoteMark>,
}

impl Center {
    /// What waits for the summary, most relevant first: bundle ID and notification.
    pub fn collected(&self) -> Vec<(&str, &Notification)> {
        let mut collected: Vec<_> = self
            .apps
            .values()
            .flat_map(|app| {
                let collected = app.collected.iter();
                collected.map(|collected| (app.profile.bundle_id.as_str(), &collected.notification))
            })
            .collect();
        collected.sort_by(|(_, one), (_, other)| by_relevance(one, other));
        collected
    }

    /// What waited for a summary that is no more, or for an app that isn't in it any more, comes now.
    pub(crate) fn set_summary(&mut self, summary: Option<Summary>, now: UnixMillis, out: &mut Vec<Output>) {
        if summary.as_ref().is_some_and(|summary| summary.check().is_err()) {
            return;
        }
        let apps = summary.as_ref().map(|summary| summary.apps.clone()).unwrap_or_default();
        self.conditions.summary = summary;
        self.plan_summary(now);
        self.bring_collected(|bundle| !apps.contains(bundle), now, out);
    }

    /// Also when the device is in another zone.
    pub(crate) fn plan_summary(&mut self, now: UnixMillis) {
        let zone = calendar::zone(self.time_zone());
        let times = self.conditions.summary.as_ref().map(|summary| &summary.times);
        self.conditions.summary_due = times.zip(zone).and_then(|(times, zone)| {
            let next = |minute: &u16| {
                let (hour, minute) = (Some(i64::from(minute / 60)), Some(i64::from(minute % 60)));
                calendar::next(
                    &DateComponents { hour, minute, ..DateComponents::default() },
                    false,
                    &zone,
                    now,
                )
            };
            times.iter().filter_map(next).min()
        });
    }

    /// Should the clock have gone back, it comes at the next of its times all the same.
    pub(crate) fn see_summary_time(&mut self, now: UnixMillis) {
        if self.conditions.summary_due.is_some_and(|due| due.millis_since(now) > LONGEST_MILLIS) {
            self.plan_summary(now);
        }
    }

    /// Whether it is due, before anything else of an app.
    pub(crate) fn summary_is_next(&self, now: UnixMillis) -> bool {
        let Some(due) = self.conditions.summary_due.filter(|due| *due <= now) else { return false };
        self.apps.values().filter_map(|app| app.next_due()).all(|(at, _)| due <= at)
    }

    /// Its time has come.
    pub(crate) fn summary_comes(&mut self, now: UnixMillis, out: &mut Vec<Output>) {
        self.plan_summary(now);
        self.bring_collected(|_| true, now, out);
    }

    /// All together, the most relevant first; nothing plays.
    fn bring_collected(&mut self, which: impl Fn(&str) -> bool, now: UnixMillis, out: &mut Vec<Output>) {
        let mut collected: Vec<(String, Collected)> = Vec::new();
        for app in self.apps.values_mut().filter(|app| which(&app.profile.bundle_id)) {
            let bundle = &app.profile.bundle_id;
            collected.extend(std::mem::take(&mut app.collected).into_iter().map(|one| (bundle.clone(), one)));
        }
        if collected.is_empty() {
            return;
        }
        collected.sort_by(|(_, one), (_, other)| by_relevance(&one.notification, &other.notification));
        let notifications = collected
            .iter()
            .map(|(bundle, one)| (bundle.clone(), one.notification.request.identifier.clone()))
            .collect();
        out.push(Output::SummaryDelivered { notifications });
        // What comes last is on top.
        for (bundle, Collected { notification, remote }) in collected.into_iter().rev() {
            let notification = Notification { date: now, ..notification };
            self.with_app(&bundle, now, out, |app, turn| {
                app.present(notification, remote, Manner::Summarised, turn);
            });
        }
    }
}

fn by_relevance(one: &Notification, other: &Notification) -> std::cmp::Ordering {
    let score = |notification: &Notification| notification.request.content.relevance_score;
    score(other).total_cmp(&score(one)).then(other.date.cmp(&one.date))
}

impl App {
    /// It waits for the summary; its badge doesn't.
    pub(crate) fn collect(
        &mut self,
        notification: Notification,
        remote: Option<RemoteMark>,
        turn: &mut Turn<'_>,
    ) {
        let may = self.permission.settings(&self.profile).badge_setting == NotificationSetting::Enabled;
        let badge = notification.request.content.badge.filter(|_| may);
        let shown = Shown { badge: badge.is_some(), ..Shown::default() };
        let said = (Stage::Suppressed, Some(Reason::SUMMARY));
        turn.shown_receipt(&self.profile.bundle_id, remote.as_ref(), said, shown);
        if let Some(badge) = badge {
            self.set_badge(badge, turn);
        }
        if self.collected.len() >= MAX_WAITING {
            self.collected.remove(0);
        }
        self.collected.push(Collected { notification, remote });
    }

    /// What waits won't come.
    pub(crate) fn give_up_collected(
        &mut self,
        given_up: impl Fn(&Notification) -> bool,
        reason: &Reason,
        turn: &mut Turn<'_>,
    ) {
        for collected in self.collected.extract_if(.., |collected| given_up(&collected.notification)) {
            let said = Some(reason.clone());
            turn.receipt(&self.profile.bundle_id, collected.remote.as_ref(), Stage::Suppressed, said);
        }
    }
}
