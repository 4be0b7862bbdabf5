//! What a request waits for: time and place, as an app writes them. When that comes is decided by
//! `notification-center`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::LocalNotification;

/// *UNNotificationTrigger*. An absent trigger delivers at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Trigger {
    /// *UNTimeIntervalNotificationTrigger*.
    TimeInterval {
        /// Seconds from the request; more than 0, and at least 60 to repeat.
        seconds: f64,
        #[serde(default)]
        repeats: bool,
    },
    /// *UNCalendarNotificationTrigger*: the next time that fits the components, or each.
    Calendar {
        date_components: Box<DateComponents>,
        #[serde(default)]
        repeats: bool,
        /// Homing's own: a time that doesn't exist (31 June; 02:30 where the clock is put forward) is passed over.
        /// Without it, as on iOS, the next one that exists takes its place.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        strict: bool,
    },
    /// *UNLocationNotificationTrigger*: the device enters the region, or leaves it.
    Location {
        region: Box<Region>,
        #[serde(default)]
        repeats: bool,
    },
    /// *UNPushNotificationTrigger*: said by the device of remote notifications, never by an app.
    Push,
    /// Said by the device of a *UILocalNotification*, whose `user_info` is its content's; never by an app, which schedules one
    /// by the iOS 9 API.
    Legacy { notification: Box<LocalNotification> },
}

/// *DateComponents*: the parts of a date that are given. What is finer than all of them takes its minimum, what lies
/// above or between is free: `{"hour": 15}` is 15:00:00 of each day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DateComponents {
    /// 1: the common era.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub era: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<i64>,
    /// 1 to 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quarter: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hour: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minute: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second: Option<i64>,
    /// Counts in whole milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nanosecond: Option<i64>,
    /// 1 is Sunday, 7 Saturday.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weekday: Option<i64>,
    /// With `weekday`, which of its days in the month: 2 is the second Tuesday.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weekday_ordinal: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub week_of_month: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub week_of_year: Option<i64>,
    /// The year that a week counts to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year_for_week_of_year: Option<i64>,
    /// Of the IANA database, such as `Asia/Shanghai`; without it, the device's, also after it has travelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// `gregorian` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calendar: Option<CalendarIdentifier>,
}

/// *Calendar.Identifier*. The device reckons in the first two; a request in another is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CalendarIdentifier {
    /// Weeks begin on Sunday; that of 1 January is the first.
    #[default]
    Gregorian,
    /// Weeks begin on Monday; the first has four days in the year.
    Iso8601,
    Buddhist,
    Chinese,
    Coptic,
    EthiopicAmeteAlem,
    EthiopicAmeteMihret,
    Hebrew,
    Indian,
    Islamic,
    IslamicCivil,
    IslamicTabular,
    IslamicUmmAlQura,
    Japanese,
    Persian,
    RepublicOfChina,
}

impl CalendarIdentifier {
    /// Whether the device reckons in it.
    pub const fn is_known(self) -> bool {
        match self {
            Self::Gregorian | Self::Iso8601 => true,
            Self::Buddhist
            | Self::Chinese
            | Self::Coptic
            | Self::EthiopicAmeteAlem
            | Self::EthiopicAmeteMihret
            | Self::Hebrew
            | Self::Indian
            | Self::Islamic
            | Self::IslamicCivil
            | Self::IslamicTabular
            | Self::IslamicUmmAlQura
            | Self::Japanese
            | Self::Persian
            | Self::RepublicOfChina => false,
        }
    }
}

/// *CLLocationCoordinate2D*, in degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Coordinate {
    /// −90 to 90, north is positive.
    pub latitude: f64,
    /// −180 to 180, east is positive.
    pub longitude: f64,
}

/// *CLCircularRegion*.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Unique in the app: a request takes the place of the pending one with the same region.
    pub identifier: String,
    pub center: Coordinate,
    /// In metres.
    pub radius: f64,
    #[serde(default = "yes")]
    pub notify_on_entry: bool,
    #[serde(default = "yes")]
    pub notify_on_exit: bool,
}

const fn yes() -> bool {
    true
}

/// *CLAuthorizationStatus*: whether an app may know where the device is. `when-in-use` is enough for regions, which the
/// system watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LocationPermission {
    #[default]
    NotDetermined,
    Denied,
    WhenInUse,
    Always,
}
