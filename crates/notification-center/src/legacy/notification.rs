//! *UILocalNotification*: its fields, what becomes of each, and when it fires. Its dates are its fire date plus whole
//! repeat intervals, however far away the first one is.

use homing_trace::UnixMillis;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::depth::{MAX_DEPTH, goes_beyond};
use crate::{
    CalendarIdentifier, NotificationContent, NotificationRequest, NotificationSound, Region, RequestError,
    Text, Trigger, calendar,
};

/// Largest one, in bytes of JSON.
const MAX: usize = 64 * 1_024;
/// *UILocalNotificationDefaultSoundName*.
const DEFAULT_SOUND_NAME: &str = "UILocalNotificationDefaultSoundName";

/// *NSCalendarUnit*, as far as it may repeat a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CalendarUnit {
    /// There is no second one in the Gregorian calendar: it comes once.
    Era,
    Year,
    /// Three months.
    Quarter,
    Month,
    #[serde(alias = "week")]
    WeekOfYear,
    /// One weekday later is one day later.
    Weekday,
    Day,
    Hour,
    Minute,
}

/// *UILocalNotification*.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LocalNotification {
    /// Absent or past: it comes when it is scheduled.
    pub fire_date: Option<UnixMillis>,
    /// Absent: the fire date is a moment, as of a countdown. With a zone of the IANA database, it is what a clock on the
    /// wall shows there at that moment, and comes when the device's clock shows it, as of an alarm.
    pub time_zone: Option<String>,
    /// Absent: once.
    pub repeat_interval: Option<CalendarUnit>,
    /// The two that are known count the intervals alike: they differ in the names of weeks only.
    pub repeat_calendar: Option<CalendarIdentifier>,
    /// Instead of a fire date.
    pub region: Option<Region>,
    pub region_triggers_once: bool,
    /// Absent: no alert is shown; badge and sound may be.
    pub alert_body: Option<String>,
    pub alert_title: Option<String>,
    pub alert_action: Option<String>,
    pub has_action: bool,
    pub alert_launch_image: Option<String>,
    /// Absent: silent. *UILocalNotificationDefaultSoundName*, or one of the app's files.
    pub sound_name: Option<String>,
    /// 0 leaves the badge as it is, which is the opposite of UserNotifications.
    pub application_icon_badge_number: u32,
    pub user_info: Map<String, Value>,
    /// One that was registered with the settings.
    pub category: Option<String>,
}

impl Default for LocalNotification {
    fn default() -> Self {
        Self {
            fire_date: None,
            time_zone: None,
            repeat_interval: None,
            repeat_calendar: None,
            region: None,
            region_triggers_once: true,
            alert_body: None,
            alert_title: None,
            alert_action: None,
            has_action: true,
            alert_launch_image: None,
            sound_name: None,
            application_icon_badge_number: 0,
            user_info: Map::new(),
            category: None,
        }
    }
}

impl std::fmt::Debug for LocalNotification {
    /// What people are told stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalNotification")
            .field("fire_date", &self.fire_date)
            .field("time_zone", &self.time_zone)
            .field("repeat_interval", &self.repeat_interval)
            .finish_non_exhaustive()
    }
}

/// What UIKit raises as an exception.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocalNotificationError {
    #[error("a notification has a fire date or a region, not both: leave one out")]
    FireDateAndRegion,
    #[error("user_info is a property list, which has no null: leave the key out")]
    UserInfoNotPropertyList,
    #[error(
        "the notification has {len} bytes of JSON, at most {max} are taken: shorten its texts or user_info"
    )]
    TooLarge { len: usize, max: usize },
}

impl LocalNotification {
    /// Whether it can be scheduled at all.
    pub(super) fn check(&self, device_zone: &str) -> Result<(), RequestError> {
        if self.fire_date.is_some() && self.region.is_some() {
            return Err(LocalNotificationError::FireDateAndRegion.into());
        }
        if let Some(region) = &self.region {
            region.check()?;
        }
        if let Some(name) = self.time_zone.as_ref().filter(|name| calendar::zone(name).is_none()) {
            return Err(RequestError::UnknownTimeZone { name: name.clone() });
        }
        if self.is_too_deep() {
            return Err(RequestError::ContentTooDeep);
        }
        if self.user_info.values().any(has_null) {
            return Err(LocalNotificationError::UserInfoNotPropertyList.into());
        }
        let len = serde_json::to_vec(self).map_or(usize::MAX, |json| json.len());
        if len > MAX {
            return Err(LocalNotificationError::TooLarge { len, max: MAX }.into());
        }
        // A date beyond the end of the calendar.
        if self.fire_date.is_some() && self.first_date(device_zone).is_none() {
            return Err(RequestError::NoDate);
        }
        Ok(())
    }

    /// Whether its `user_info` nests more deeply than a device keeps.
    pub fn is_too_deep(&self) -> bool {
        goes_beyond(self.user_info.values(), MAX_DEPTH - 1)
    }

    pub(super) fn region_name(&self) -> Option<&String> {
        self.region.as_ref().map(|region| &region.identifier)
    }

    /// The one that a request was made of.
    pub(crate) fn scheduled_as(request: &NotificationRequest) -> Option<Self> {
        let Some(Trigger::Legacy { notification }) = &request.trigger else { return None };
        Some(Self { user_info: request.content.user_info.clone(), ..(**notification).clone() })
    }

    /// As the iOS 9 API gives any local notification to an app, also one of the newer API.
    pub(crate) fn of(request: &NotificationRequest) -> Self {
        let content = &request.content;
        let text = |text: &Text| Some(text.as_str().to_owned()).filter(|text| !text.is_empty());
        Self::scheduled_as(request).unwrap_or_else(|| Self {
            alert_body: text(&content.body),
            alert_title: text(&content.title),
            sound_name: content.sound.as_ref().map(|sound| sound.name.clone()),
            application_icon_badge_number: content.badge.unwrap_or(0),
            user_info: content.user_info.clone(),
            category: Some(content.category_identifier.clone()).filter(|category| !category.is_empty()),
            ..Self::default()
        })
    }

    /// The copy that waits. `user_info` is kept once, in the content.
    pub(super) fn into_request(mut self, identifier: String) -> NotificationRequest {
        // Without a body there is no alert, so no title either.
        let title = self.alert_title.clone().filter(|_| self.alert_body.is_some()).unwrap_or_default();
        let sound = self.sound_name.as_ref().map(|name| NotificationSound {
            name: if name == DEFAULT_SOUND_NAME { "default".to_owned() } else { name.clone() },
            critical: false,
            volume: None,
        });
        let content = NotificationContent {
            title: Text::Plain(title),
            body: Text::Plain(self.alert_body.clone().unwrap_or_default()),
            badge: Some(self.application_icon_badge_number).filter(|&badge| badge != 0),
            sound,
            user_info: std::mem::take(&mut self.user_info),
            category_identifier: self.category.clone().unwrap_or_default(),
            launch_image_name: self.alert_launch_image.clone().unwrap_or_default(),
            ..NotificationContent::default()
        };
        let trigger = Some(Trigger::Legacy { notification: Box::new(self) });
        NotificationRequest { identifier, content, trigger }
    }

    pub(crate) const fn repeats(&self) -> bool {
        match &self.region {
            Some(_) => !self.region_triggers_once,
            None => self.repeat_interval.is_some(),
        }
    }

    /// Whether its dates move with the device.
    pub(crate) const fn is_on_the_wall(&self) -> bool {
        self.time_zone.is_some() && self.fire_date.is_some()
    }

    /// The fire date as this device's clock has it.
    pub(super) fn first_date(&self, device_zone: &str) -> Option<UnixMillis> {
        let (wall, zone) = self.anchor(device_zone)?;
        calendar::instant_of(wall, &zone)
    }

    /// The first of its dates after `after`.
    pub(crate) fn date_after(&self, device_zone: &str, after: UnixMillis) -> Option<UnixMillis> {
        let first = self.first_date(device_zone)?;
        if first > after {
            return Some(first);
        }
        let every = |millis: i64| {
            let intervals = after.millis_since(first) / millis + 1;
            Some(first.plus_millis(intervals.checked_mul(millis)?))
        };
        match self.repeat_interval? {
            CalendarUnit::Era => None,
            CalendarUnit::Minute => every(60_000),
            CalendarUnit::Hour => every(3_600_000),
            CalendarUnit::Day | CalendarUnit::Weekday => self.days_after(device_zone, after, 1),
            CalendarUnit::WeekOfYear => self.days_after(device_zone, after, 7),
            CalendarUnit::Month => self.months_after(device_zone, after, 1),
            CalendarUnit::Quarter => self.months_after(device_zone, after, 3),
            CalendarUnit::Year => self.months_after(device_zone, after, 12),
        }
    }

    /// What the clock on the wall shows at the fire date, and the zone in which that is to come true.
    fn anchor(&self, device_zone: &str) -> Option<(DateTime, TimeZone)> {
        let at = Timestamp::from_millisecond(self.fire_date?.0).ok()?;
        match &self.time_zone {
            None => Some((TimeZone::UTC.to_datetime(at), TimeZone::UTC)),
            Some(name) => Some((calendar::zone(name)?.to_datetime(at), calendar::zone(device_zone)?)),
        }
    }

    fn days_after(&self, device_zone: &str, after: UnixMillis, days: i64) -> Option<UnixMillis> {
        let (wall, zone) = self.anchor(device_zone)?;
        let reached = zone.to_datetime(Timestamp::from_millisecond(after.0).ok()?);
        let passed = i64::from(wall.date().until(reached.date()).ok()?.get_days()) / days;
        first_after(passed, after, |count| {
            let span = Span::new().try_days(count.checked_mul(days)?).ok()?;
            calendar::instant_of(wall.checked_add(span).ok()?, &zone)
        })
    }

    /// In a month without its day, the last day takes its place; the next month has its day again.
    fn months_after(&self, device_zone: &str, after: UnixMillis, months: i64) -> Option<UnixMillis> {
        let (wall, zone) = self.anchor(device_zone)?;
        let reached = zone.to_datetime(Timestamp::from_millisecond(after.0).ok()?);
        let month = |date: DateTime| i64::from(date.year()) * 12 + i64::from(date.month());
        let passed = (month(reached) - month(wall)) / months;
        first_after(passed, after, |count| {
            let span = Span::new().try_months(count.checked_mul(months)?).ok()?;
            calendar::instant_of(wall.checked_add(span).ok()?, &zone)
        })
    }
}

/// The first of the rising dates after `after`; about `passed` of them aren't.
fn first_after(
    passed: i64,
    after: UnixMillis,
    date: impl Fn(i64) -> Option<UnixMillis>,
) -> Option<UnixMillis> {
    let begin = passed.saturating_sub(1).max(0);
    (begin..=begin + 4).map_while(date).find(|date| *date > after)
}

/// What no property list has.
pub(crate) fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        Value::Array(elements) => elements.iter().any(has_null),
        Value::Object(members) => members.values().any(has_null),
    }
}
