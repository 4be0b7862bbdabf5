//! *UILocalNotification*: its fields, and what becomes of each. It is kept whole in the request's `user_info`, so that the
//! app gets it back as it was.

use homing_local::{
    DateComponents, NotificationContent, NotificationRequest, NotificationSound, Region, Text, Trigger,
    UnixMillis,
};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::LegacyError;

/// *UILocalNotificationDefaultSoundName*.
pub const DEFAULT_SOUND_NAME: &str = "UILocalNotificationDefaultSoundName";
/// Longest body, in bytes.
pub const MAX_ALERT: usize = 16 * 1024;
/// Where it stands in `user_info`.
const KEY: &str = "homing.local-notification";

/// *NSCalendarUnit*, as far as it may repeat a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CalendarUnit {
    Minute,
    Hour,
    Day,
    WeekOfYear,
    Month,
    Year,
}

impl CalendarUnit {
    /// Its shortest length, in milliseconds.
    const fn shortest(self) -> i64 {
        const HOUR: i64 = 3_600_000;
        match self {
            Self::Minute => 60_000,
            Self::Hour => HOUR,
            // Where the clock is put forward.
            Self::Day => 23 * HOUR,
            Self::WeekOfYear => 7 * 24 * HOUR - HOUR,
            Self::Month => 28 * 24 * HOUR - HOUR,
            Self::Year => 365 * 24 * HOUR,
        }
    }
}

/// *UILocalNotification*.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LocalNotification {
    /// Absent or past: it is delivered when it is scheduled.
    pub fire_date: Option<UnixMillis>,
    /// Absent: the fire date is a moment, as of a countdown. With a zone of the IANA database, it is what a clock on the
    /// wall shows there, and comes when the device's clock shows it, as of an alarm.
    pub time_zone: Option<String>,
    /// Absent: once.
    pub repeat_interval: Option<CalendarUnit>,
    /// Instead of a fire date.
    pub region: Option<Region>,
    pub region_triggers_once: bool,
    /// Absent: no alert is shown; badge and sound may be.
    pub alert_body: Option<String>,
    pub alert_title: Option<String>,
    pub alert_action: Option<String>,
    pub has_action: bool,
    pub alert_launch_image: Option<String>,
    /// Absent: silent. [`DEFAULT_SOUND_NAME`], or one of the app's files.
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

impl LocalNotification {
    /// The one that a request was made of.
    pub(super) fn of(request: &NotificationRequest) -> Option<Self> {
        serde_json::from_value(request.content.user_info.get(KEY)?.clone()).ok()
    }

    /// Equal ones have the same.
    pub(super) fn identifier(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        let digest = Sha256::digest(json);
        let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        format!("UILocalNotification-{hex}")
    }

    pub(super) fn request_now(&self) -> Result<NotificationRequest, LegacyError> {
        Ok(NotificationRequest { identifier: self.identifier(), content: self.content()?, trigger: None })
    }

    pub(super) fn request(&self, now: UnixMillis) -> Result<NotificationRequest, LegacyError> {
        Ok(NotificationRequest { trigger: self.trigger(now)?, ..self.request_now()? })
    }

    fn content(&self) -> Result<NotificationContent, LegacyError> {
        let body = self.alert_body.clone().unwrap_or_default();
        if body.len() > MAX_ALERT {
            return Err(exception(format!(
                "an alert has at most {MAX_ALERT} bytes, this one {}",
                body.len()
            )));
        }
        let mut user_info = self.user_info.clone();
        user_info.insert(KEY.to_owned(), serde_json::to_value(self).unwrap_or_default());
        // Without a body there is no alert, so no title either.
        let title = self.alert_title.clone().filter(|_| self.alert_body.is_some()).unwrap_or_default();
        let sound = self.sound_name.as_ref().map(|name| NotificationSound {
            name: if name == DEFAULT_SOUND_NAME { "default".to_owned() } else { name.clone() },
            critical: false,
            volume: None,
        });
        Ok(NotificationContent {
            title: Text::Plain(title),
            body: Text::Plain(body),
            badge: Some(self.application_icon_badge_number).filter(|&badge| badge != 0),
            sound,
            user_info,
            category_identifier: self.category.clone().unwrap_or_default(),
            ..NotificationContent::default()
        })
    }

    fn trigger(&self, now: UnixMillis) -> Result<Option<Trigger>, LegacyError> {
        if let Some(region) = &self.region {
            if self.fire_date.is_some() {
                return Err(exception("a notification has a fire date or a region, not both".to_owned()));
            }
            let (region, repeats) = (Box::new(region.clone()), !self.region_triggers_once);
            return Ok(Some(Trigger::Location { region, repeats }));
        }
        let Some(at) = self.fire_date.filter(|&at| at > now || self.repeat_interval.is_some()) else {
            return Ok(None);
        };
        if let Some(unit) = self.repeat_interval
            && at.millis_since(now) > unit.shortest()
        {
            let words =
                "the first date of what repeats is at most one interval away: schedule it later, or once";
            return Err(exception(words.to_owned()));
        }
        let date_components = Box::new(self.components(at)?);
        Ok(Some(Trigger::Calendar {
            date_components,
            repeats: self.repeat_interval.is_some(),
            strict: false,
        }))
    }

    /// The parts of the fire date that its repetition leaves fixed; all of them, if it comes once.
    fn components(&self, at: UnixMillis) -> Result<DateComponents, LegacyError> {
        let zone = match &self.time_zone {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name)
                .map_err(|_| exception(format!("{name:?} is no time zone of the IANA database")))?,
        };
        let date = jiff::Timestamp::from_millisecond(at.0)
            .map_err(|error| exception(format!("the fire date is out of range: {error}")))?
            .to_zoned(zone);
        // A moment is the same everywhere, what a clock shows moves with the device.
        let time_zone = self.time_zone.is_none().then(|| "UTC".to_owned());
        let mut parts =
            DateComponents { time_zone, second: Some(date.second().into()), ..DateComponents::default() };
        let unit = self.repeat_interval;
        if unit == Some(CalendarUnit::Minute) {
            return Ok(parts);
        }
        parts.minute = Some(date.minute().into());
        if unit == Some(CalendarUnit::Hour) {
            return Ok(parts);
        }
        parts.hour = Some(date.hour().into());
        match unit {
            Some(CalendarUnit::Minute | CalendarUnit::Hour | CalendarUnit::Day) => {}
            Some(CalendarUnit::WeekOfYear) => {
                parts.weekday = Some(date.weekday().to_sunday_one_offset().into());
            }
            Some(CalendarUnit::Month) => parts.day = Some(date.day().into()),
            Some(CalendarUnit::Year) => {
                (parts.month, parts.day) = (Some(date.month().into()), Some(date.day().into()));
            }
            None => {
                (parts.month, parts.day) = (Some(date.month().into()), Some(date.day().into()));
                parts.year = Some(date.year().into());
                parts.nanosecond = Some(i64::from(date.subsec_nanosecond())).filter(|&part| part != 0);
            }
        }
        Ok(parts)
    }
}

fn exception(words: String) -> LegacyError {
    LegacyError::Exception(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// 2026-11-26, a Thursday, 12:00:00 UTC.
    fn noon() -> UnixMillis {
        "2026-11-26T12:00:00Z".parse().expect("it is a time")
    }

    fn after(millis: i64) -> LocalNotification {
        let fire_date = Some(noon().plus_millis(millis));
        LocalNotification { fire_date, alert_body: Some("b".to_owned()), ..LocalNotification::default() }
    }

    fn trigger(notification: &LocalNotification) -> Value {
        match notification.request(noon()) {
            Ok(request) => json!(request.trigger),
            Err(error) => json!(error.to_string()),
        }
    }

    #[test]
    fn a_fire_date_is_a_moment_or_what_a_clock_shows() {
        assert_eq!(trigger(&LocalNotification::default()), json!(null), "without one: at once");
        assert_eq!(trigger(&after(-1)), json!(null), "past: at once");
        let moment = trigger(&after(2_000));
        let parts = &moment["date_components"];
        assert_eq!(
            (&parts["hour"], &parts["second"], &parts["time_zone"]),
            (&json!(12), &json!(2), &json!("UTC"))
        );
        let zone = Some("Asia/Shanghai".to_owned());
        let alarm = trigger(&LocalNotification { time_zone: zone, ..after(2_000) });
        let parts = &alarm["date_components"];
        assert_eq!(
            (&parts["hour"], &parts["time_zone"]),
            (&json!(20), &json!(null)),
            "it moves with the device"
        );
        let nowhere = LocalNotification { time_zone: Some("Nowhere".to_owned()), ..after(2_000) };
        assert!(trigger(&nowhere).is_string());
    }

    #[test]
    fn each_unit_repeats_what_it_leaves_fixed() {
        use CalendarUnit::*;
        for (unit, fixed) in [
            (Minute, json!({"second": 2})),
            (Hour, json!({"minute": 0, "second": 2})),
            (Day, json!({"hour": 12, "minute": 0, "second": 2})),
            (WeekOfYear, json!({"hour": 12, "minute": 0, "second": 2, "weekday": 5})),
            (Month, json!({"day": 26, "hour": 12, "minute": 0, "second": 2})),
            (Year, json!({"month": 11, "day": 26, "hour": 12, "minute": 0, "second": 2})),
        ] {
            let trigger = trigger(&LocalNotification { repeat_interval: Some(unit), ..after(2_000) });
            let mut wanted = fixed;
            wanted["time_zone"] = json!("UTC");
            assert_eq!(
                (&trigger["date_components"], &trigger["repeats"]),
                (&wanted, &json!(true)),
                "{unit:?}"
            );
        }
        let far = LocalNotification { repeat_interval: Some(Hour), ..after(2 * 3_600_000) };
        assert!(trigger(&far).as_str().is_some_and(|why| why.contains("one interval")));
    }

    #[test]
    fn a_region_excludes_a_fire_date() {
        let region: Region = serde_json::from_value(json!({
            "identifier": "shop", "center": {"latitude": 31.2, "longitude": 121.5}, "radius": 100.0,
        }))
        .expect("it is a region");
        let here = LocalNotification { region: Some(region), ..LocalNotification::default() };
        assert_eq!(trigger(&here)["repeats"], false, "once is the default");
        let always = LocalNotification { region_triggers_once: false, ..here.clone() };
        assert_eq!(trigger(&always)["repeats"], true);
        assert!(trigger(&LocalNotification { fire_date: Some(noon()), ..here }).is_string());
    }

    #[test]
    fn each_field_becomes_what_the_notification_center_has_for_it() {
        let whole = LocalNotification {
            alert_title: Some("t".to_owned()),
            sound_name: Some(DEFAULT_SOUND_NAME.to_owned()),
            application_icon_badge_number: 3,
            category: Some("c".to_owned()),
            ..after(2_000)
        };
        let request = whole.request(noon()).expect("it can be scheduled");
        let content = json!(request.content);
        assert_eq!(
            (&content["title"], &content["body"], &content["badge"]),
            (&json!("t"), &json!("b"), &json!(3))
        );
        assert_eq!(
            (&content["sound"]["name"], &content["category_identifier"]),
            (&json!("default"), &json!("c"))
        );
        assert_eq!(LocalNotification::of(&request), Some(whole.clone()), "the app gets it back as it was");
        assert_eq!(request.identifier, whole.identifier());

        let quiet = LocalNotification { alert_body: None, ..whole.clone() };
        let content = json!(quiet.request(noon()).expect("it can be scheduled").content);
        assert_eq!((&content["title"], &content["body"]), (&json!(null), &json!(null)), "no body, no alert");
        assert_ne!(quiet.identifier(), whole.identifier());
        let silent = LocalNotification { sound_name: None, application_icon_badge_number: 0, ..whole };
        let content = json!(silent.request(noon()).expect("it can be scheduled").content);
        assert_eq!(
            (&content["sound"], &content["badge"]),
            (&json!(null), &json!(null)),
            "0 leaves the badge"
        );
    }
}
