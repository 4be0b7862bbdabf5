//! The model's half of iOS 9: what is registered, and the *UILocalNotification*s with their dates.

use super::*;

/// Requests of the newer API have names below this.
const LOCALS_FROM: u32 = 1_000;

#[derive(Clone, Debug)]
pub(super) enum Asked {
    /// *registerUserNotificationSettings*, of alerts and maybe badges, and what the user says if they are asked.
    Register {
        badge: bool,
        allow: bool,
    },
    /// *scheduleLocalNotification*.
    Schedule(Local),
    /// *presentLocalNotificationNow*.
    PresentNow(Local),
    /// *cancelLocalNotification* of one of those that there were, by its place.
    CancelOne(usize),
    Cancel(Local),
    /// *cancelAllLocalNotifications*.
    CancelAll,
    /// *scheduledLocalNotifications*, set.
    SetScheduled(Vec<Local>),
    /// *applicationIconBadgeNumber*, set.
    IconBadge(i64),
}

pub(super) fn asked() -> impl Strategy<Value = Asked> {
    prop_oneof![
        8 => locals().prop_map(Asked::Schedule),
        1 => locals().prop_map(Asked::PresentNow),
        2 => any::<usize>().prop_map(Asked::CancelOne),
        1 => Just(Asked::CancelAll),
        1 => proptest::collection::vec(locals(), 0..70).prop_map(Asked::SetScheduled),
        1 => (-1_i64..4).prop_map(Asked::IconBadge),
        1 => any::<(bool, bool)>().prop_map(|(badge, allow)| Asked::Register { badge, allow }),
    ]
}

impl Asked {
    /// With dates in place of durations, and the one that is meant in place of its place.
    pub(super) fn in_time(&self, model: &Model) -> Self {
        let at = |local: &Local| local.at(model.now);
        match self {
            Self::Schedule(local) => Self::Schedule(at(local)),
            Self::PresentNow(local) => Self::PresentNow(at(local)),
            Self::SetScheduled(all) => Self::SetScheduled(all.iter().map(at).collect()),
            Self::CancelOne(_) if model.locals.is_empty() => Self::CancelAll,
            Self::CancelOne(place) => Self::Cancel(model.locals[place % model.locals.len()]),
            Self::Register { .. } | Self::Cancel(_) | Self::CancelAll | Self::IconBadge(_) => self.clone(),
        }
    }

    pub(super) fn on_the_phone(&self) -> Vec<Input> {
        let boxed = |local: &Local| Box::new(local.on_the_phone());
        let asked = match self {
            Self::Register { badge, allow } => {
                let mut types = std::collections::BTreeSet::from([UserNotificationType::Alert]);
                types.extend(badge.then_some(UserNotificationType::Badge));
                let settings = UserNotificationSettings { types, categories: Vec::new() };
                let register = legacy(LegacyInput::RegisterUserNotificationSettings { settings });
                return vec![
                    state(AppState::Foreground),
                    register,
                    answer(*allow),
                    state(AppState::Background),
                ];
            }
            Self::Schedule(local) => {
                LegacyInput::ScheduleLocalNotification { notification: boxed(local), request: 1 }
            }
            Self::PresentNow(local) => {
                LegacyInput::PresentLocalNotificationNow { notification: boxed(local), request: 1 }
            }
            Self::CancelOne(_) => return Vec::new(),
            Self::Cancel(local) => LegacyInput::CancelLocalNotification { notification: boxed(local) },
            Self::CancelAll => LegacyInput::CancelAllLocalNotifications,
            Self::SetScheduled(all) => {
                let notifications = all.iter().map(Local::on_the_phone).collect();
                LegacyInput::SetScheduledLocalNotifications { notifications, request: 1 }
            }
            Self::IconBadge(count) => {
                LegacyInput::SetApplicationIconBadgeNumber { count: *count, request: 1 }
            }
        };
        vec![legacy(asked)]
    }
}

impl Model {
    pub(super) fn take_legacy(&mut self, asked: &Asked) {
        match *asked {
            Asked::Register { badge, allow } => {
                self.wants_badges = badge;
                self.allowed = self.allowed.or(Some(allow));
            }
            Asked::Schedule(local) => self.schedule(local),
            Asked::PresentNow(local) => {
                let name = self.name(local);
                self.show(name, self.now, local.badge(), Some(local));
            }
            Asked::CancelOne(_) => {}
            Asked::Cancel(local) => self.cancel(|one| one == local),
            Asked::CancelAll => self.cancel(|_| true),
            Asked::SetScheduled(ref all) if all.is_empty() || self.allowed == Some(true) => {
                self.waiting.retain(|one| one.local().is_none());
                all.iter().for_each(|local| self.schedule(*local));
            }
            Asked::SetScheduled(_) => {}
            Asked::IconBadge(count) => {
                let had_one = self.badge > 0;
                self.set_badge(count);
                if count == 0 && had_one && self.badge == 0 {
                    self.shown.clear();
                }
            }
        }
    }

    fn name(&mut self, local: Local) -> u32 {
        self.locals.push(local);
        LOCALS_FROM + u32::try_from(self.locals.len()).expect("they are few")
    }

    /// Without a date, or past it, it comes now; what repeats waits for its next date.
    fn schedule(&mut self, local: Local) {
        let name = self.name(local);
        if self.allowed != Some(true) {
            return;
        }
        let badge = local.badge();
        if let Some(next) = local.next(self.now) {
            let (repeats, kind) = (local.every.is_some(), Kind::Legacy(local));
            let (added, counted) = (self.now, self.now);
            self.waiting.push(Waiting { name, kind, repeats, badge, added, counted, next, inside: false });
            self.keep_soonest();
        }
        if local.fire.is_none_or(|fire| fire <= self.now) {
            self.show(name, self.now, badge, Some(local));
        }
    }

    fn cancel(&mut self, is_meant: impl Fn(Local) -> bool) {
        self.waiting.retain(|one| !one.local().is_some_and(&is_meant));
        self.shown.retain(|one| !one.local.is_some_and(&is_meant));
    }
}

/// One that says which it is in its `userInfo`. Two that are equal are two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Local {
    pub(super) number: u8,
    /// In a step: how long after now.
    pub(super) fire: Option<i64>,
    pub(super) every: Option<Every>,
    /// 0 leaves the badge as it is.
    pub(super) badge: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Every {
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

fn locals() -> impl Strategy<Value = Local> {
    let fire = prop_oneof![
        1 => Just(None),
        1 => (-2 * DAY..0).prop_map(Some),
        6 => (1..10 * DAY).prop_map(Some),
    ];
    let every = prop::sample::select(vec![Every::Minute, Every::Hour, Every::Day, Every::Week, Every::Month]);
    (0_u8..20, fire, proptest::option::weighted(0.4, every), 0_u32..4)
        .prop_map(|(number, fire, every, badge)| Local { number, fire, every, badge })
}

impl Local {
    fn at(self, now: i64) -> Self {
        Self { fire: self.fire.map(|after| now + after), ..self }
    }

    fn badge(self) -> Option<u32> {
        Some(self.badge).filter(|&badge| badge > 0)
    }

    /// Its first date after `after`, of those that its fire date and its repeats give.
    pub(super) fn next(&self, after: i64) -> Option<i64> {
        let first = self.fire?;
        if first > after {
            return Some(first);
        }
        let every = self.every?;
        let step = match every {
            Every::Minute => 60_000,
            Every::Hour => HOUR,
            Every::Day => DAY,
            Every::Week => 7 * DAY,
            Every::Month => return (1..).map(|count| months_after(first, count)).find(|date| *date > after),
        };
        Some(first + ((after - first) / step + 1) * step)
    }

    pub(super) fn on_the_phone(&self) -> LocalNotification {
        let user_info = json!({"number": self.number});
        LocalNotification {
            fire_date: self.fire.map(UnixMillis),
            repeat_interval: self.every.map(|every| match every {
                Every::Minute => CalendarUnit::Minute,
                Every::Hour => CalendarUnit::Hour,
                Every::Day => CalendarUnit::Day,
                Every::Week => CalendarUnit::WeekOfYear,
                Every::Month => CalendarUnit::Month,
            }),
            alert_body: Some("n".to_owned()),
            application_icon_badge_number: self.badge,
            user_info: user_info.as_object().expect("it is an object").clone(),
            ..LocalNotification::default()
        }
    }
}

/// The same day so many months later, or the last one of a month that lacks it.
fn months_after(first: i64, count: i16) -> i64 {
    let date = TimeZone::UTC.to_datetime(Timestamp::from_millisecond(first).expect("it is in range"));
    let months = date.month() as i16 - 1 + count;
    let (year, month) = (date.year() + months / 12, i8::try_from(months % 12 + 1).expect("it is a month"));
    let last = jiff::civil::date(year, month, 1).last_of_month().day();
    let day = jiff::civil::date(year, month, date.day().min(last));
    let at = TimeZone::UTC.to_timestamp(day.to_datetime(date.time())).expect("it is in range");
    at.as_millisecond()
}
