//! An independent model of local notifications: lists as they are said in device facts §3, dates found by stepping from
//! day to day. Months of random inputs by both APIs, over reboots, travels, clocks that are set, permission that comes and
//! goes: nothing fires twice, nothing is lost, limits hold, and badge and lists agree. What is written and read changes
//! nothing.

mod legacy;

use homing_trace::UnixMillis;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use proptest::prelude::*;

use super::*;
use legacy::{Asked, Local, asked};

const ZONES: [&str; 4] = ["UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Seconds(i64),
    /// From 05:00 on, where no clock is put forward or back.
    Wall {
        hour: i8,
        minute: i8,
        weekday: Option<i8>,
        zone: Option<usize>,
    },
    Region(u8),
    Legacy(Local),
}

#[derive(Clone, Debug)]
enum Step {
    Pass(i64),
    Add { name: u8, kind: Option<Kind>, repeats: bool, badge: Option<u32> },
    RemovePending(u8),
    RemoveDelivered(u8),
    Badge(i64),
    Allow(bool),
    BadgeSwitch(bool),
    Travel(usize),
    Move(u8),
    Boot,
    Reinstall { away: i64 },
    Ask(bool),
    WriteAndRead,
    Legacy(Asked),
}

#[derive(Clone, Debug, PartialEq)]
struct Waiting {
    /// Of a *UILocalNotification*, a number of its own.
    name: u32,
    kind: Kind,
    repeats: bool,
    badge: Option<u32>,
    added: i64,
    /// Its date is the first after this.
    counted: i64,
    /// `i64::MIN` of a region, which may come at any moment.
    next: i64,
    inside: bool,
}

/// What the phone should be like.
#[derive(Debug)]
struct Model {
    now: i64,
    zone: usize,
    place: u8,
    /// `None` until the user said.
    allowed: Option<bool>,
    badge_switch: bool,
    /// Whether the app asks for badges.
    wants_badges: bool,
    waiting: Vec<Waiting>,
    /// Newest last.
    shown: Vec<Standing>,
    badge: u32,
    fired: usize,
    /// Those that there were.
    locals: Vec<Local>,
}

#[derive(Clone, Debug, PartialEq)]
struct Standing {
    name: u32,
    date: i64,
    local: Option<Local>,
}

/// How a request is told from others: by its name, or its number.
fn label(name: u32, local: Option<Local>) -> String {
    local.map_or_else(|| name.to_string(), |local| format!("local {}", local.number))
}

fn label_of(request: &NotificationRequest) -> String {
    match request.content.user_info.get("number") {
        Some(number) => format!("local {number}"),
        None => request.identifier.clone(),
    }
}

fn steps() -> impl Strategy<Value = Step> {
    let wall =
        (5_i8..24, 0_i8..60, proptest::option::of(1_i8..8), proptest::option::weighted(0.3, 0_usize..4))
            .prop_map(|(hour, minute, weekday, zone)| Kind::Wall { hour, minute, weekday, zone });
    let kind = prop_oneof![
        4 => (60_i64..400_000).prop_map(Kind::Seconds),
        4 => wall,
        1 => (1_u8..4).prop_map(Kind::Region),
    ];
    let add =
        (0_u8..90, proptest::option::weighted(0.9, kind), any::<bool>(), proptest::option::of(0_u32..9))
            .prop_map(|(name, kind, repeats, badge)| Step::Add { name, kind, repeats, badge });
    prop_oneof![
        8 => asked().prop_map(Step::Legacy),
        12 => add,
        6 => prop_oneof![0_i64..5_000, 0_i64..HOUR, 0_i64..3 * DAY, Just(30 * DAY), -2 * DAY..0].prop_map(Step::Pass),
        1 => (0_u8..90).prop_map(Step::RemovePending),
        1 => (0_u8..90).prop_map(Step::RemoveDelivered),
        1 => (-1_i64..5).prop_map(Step::Badge),
        2 => proptest::bool::weighted(0.8).prop_map(Step::Allow),
        1 => any::<bool>().prop_map(Step::BadgeSwitch),
        2 => (0_usize..4).prop_map(Step::Travel),
        2 => (0_u8..5).prop_map(Step::Move),
        1 => Just(Step::Boot),
        1 => prop_oneof![0..DAY, DAY..2 * DAY].prop_map(|away| Step::Reinstall { away }),
        1 => any::<bool>().prop_map(Step::Ask),
        1 => Just(Step::WriteAndRead),
    ]
}

impl Model {
    fn zone(at: usize) -> TimeZone {
        TimeZone::get(ZONES[at]).expect("it is a zone")
    }

    fn next(&self, kind: Kind, added: i64, after: i64) -> i64 {
        match kind {
            Kind::Seconds(seconds) => {
                let mut times = 1;
                if after > added {
                    times = (after - added) / (seconds * 1_000) + 1;
                }
                while times > 1 && after < added + (times - 1) * seconds * 1_000 {
                    times -= 1;
                }
                // The clock may stand before the request.
                let mut next = added + times * seconds * 1_000;
                while next - seconds * 1_000 > after {
                    next -= seconds * 1_000;
                }
                next
            }
            Kind::Wall { hour, minute, weekday, zone } => {
                let zone = Self::zone(zone.unwrap_or(self.zone));
                let instant = Timestamp::from_millisecond(after).expect("it is in range");
                let mut day = zone.to_datetime(instant).date();
                loop {
                    let at = zone
                        .to_timestamp(day.at(hour, minute, 0, 0))
                        .expect("it is in range")
                        .as_millisecond();
                    let fits = weekday.is_none_or(|weekday| day.weekday().to_sunday_one_offset() == weekday);
                    if fits && at > after {
                        return at;
                    }
                    day = day.checked_add(1.day()).expect("it is in range");
                }
            }
            Kind::Region(_) => i64::MIN,
            Kind::Legacy(local) => local.next(after).expect("it repeats"),
        }
    }

    fn see(&mut self, now: i64) {
        for at in 0..self.waiting.len() {
            let Waiting { kind, repeats, added, counted, .. } = self.waiting[at];
            if repeats && counted - now >= 60_000 {
                let next = self.next(kind, added, now);
                // The time of the request is no date before the first one.
                let early = next == added && counted == added;
                self.waiting[at].next = if early { self.next(kind, added, added) } else { next };
                self.waiting[at].counted = now;
            }
        }
        self.now = now;
        loop {
            let due = (0..self.waiting.len())
                .filter(|at| self.waiting[*at].next != i64::MIN)
                .min_by_key(|at| self.waiting[*at].next);
            let Some(at) = due.filter(|at| self.waiting[*at].next <= now) else { return };
            let date = self.waiting[at].next;
            self.fire(at, date);
        }
    }

    fn fire(&mut self, at: usize, date: i64) {
        let one = self.waiting[at].clone();
        if one.repeats {
            self.waiting[at].next = self.next(one.kind, one.added, self.now);
            self.waiting[at].counted = self.now;
        } else {
            self.waiting.remove(at);
        }
        self.show(one.name, date, one.badge, one.local());
    }

    fn show(&mut self, name: u32, date: i64, badge: Option<u32>, local: Option<Local>) {
        if self.allowed != Some(true) {
            return;
        }
        self.fired += 1;
        self.shown.retain(|standing| standing.name != name);
        self.shown.push(Standing { name, date, local });
        if let Some(badge) = badge.filter(|_| self.may_badge()) {
            self.badge = badge;
        }
    }

    fn may_badge(&self) -> bool {
        self.allowed == Some(true) && self.badge_switch && self.wants_badges
    }

    fn set_badge(&mut self, count: i64) {
        if let Some(count) = u32::try_from(count).ok().filter(|_| self.may_badge()) {
            self.badge = count;
        }
    }

    fn allow(&mut self, allow: bool) {
        self.allowed = self.allowed.map(|_| allow);
        if !allow {
            self.shown.clear();
        }
    }

    fn keep_soonest(&mut self) {
        let mut dates: Vec<_> =
            self.waiting.iter().enumerate().map(|(order, waiting)| (waiting.next, order)).collect();
        dates.sort_unstable();
        if let Some((_, last)) = dates.get(64) {
            self.waiting.remove(*last);
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Pass(millis) => self.see(self.now + millis),
            Step::Add { name, kind, repeats, badge } => {
                if self.allowed != Some(true) {
                    return;
                }
                let name = u32::from(name);
                self.waiting.retain(|waiting| waiting.name != name);
                let Some(kind) = kind else { return self.show(name, self.now, badge, None) };
                if let Kind::Region(_) = kind {
                    self.waiting.retain(|waiting| waiting.kind != kind);
                }
                let (added, next) = (self.now, self.next(kind, self.now, self.now));
                let inside = kind == Kind::Region(self.place);
                let counted = added;
                self.waiting.push(Waiting { name, kind, repeats, badge, added, counted, next, inside });
                self.keep_soonest();
            }
            Step::RemovePending(name) => self.waiting.retain(|waiting| waiting.name != u32::from(name)),
            Step::RemoveDelivered(name) => self.shown.retain(|standing| standing.name != u32::from(name)),
            Step::Badge(count) => self.set_badge(count),
            Step::Allow(allow) => self.allow(allow),
            Step::BadgeSwitch(on) if self.allowed.is_some() => self.badge_switch = on,
            Step::BadgeSwitch(_) | Step::Boot | Step::WriteAndRead => {}
            Step::Travel(zone) => {
                self.zone = zone;
                for at in 0..self.waiting.len() {
                    let Waiting { kind, repeats, added, .. } = self.waiting[at];
                    if matches!(kind, Kind::Wall { zone: None, .. }) {
                        self.waiting[at].next =
                            self.next(kind, added, if repeats { self.now } else { added });
                        self.waiting[at].counted = self.now;
                    }
                }
                self.see(self.now);
            }
            Step::Move(place) => {
                self.place = place;
                let mut at = 0;
                while at < self.waiting.len() {
                    let Kind::Region(region) = self.waiting[at].kind else {
                        at += 1;
                        continue;
                    };
                    let crossed =
                        std::mem::replace(&mut self.waiting[at].inside, region == place) != (region == place);
                    let repeats = self.waiting[at].repeats;
                    if crossed {
                        self.fire(at, self.now);
                    }
                    at += usize::from(!crossed || repeats);
                }
            }
            Step::Reinstall { away } => {
                (self.waiting, self.shown, self.badge) = (Vec::new(), Vec::new(), 0);
                self.see(self.now + away);
                if away >= DAY {
                    (self.allowed, self.badge_switch, self.wants_badges) = (None, true, false);
                }
            }
            Step::Ask(allow) => {
                self.wants_badges |= self.allowed != Some(false);
                self.allowed = self.allowed.or(Some(allow));
            }
            Step::Legacy(ref asked) => self.take_legacy(asked),
        }
    }
}

impl Waiting {
    fn local(&self) -> Option<Local> {
        if let Kind::Legacy(local) = self.kind { Some(local) } else { None }
    }
}

fn trigger(kind: Kind, repeats: bool) -> Trigger {
    match kind {
        #[expect(clippy::cast_precision_loss, reason = "it is small")]
        Kind::Seconds(seconds) => Trigger::TimeInterval { seconds: seconds as f64, repeats },
        Kind::Wall { hour, minute, weekday, zone } => Trigger::Calendar {
            date_components: Box::new(DateComponents {
                hour: Some(hour.into()),
                minute: Some(minute.into()),
                weekday: weekday.map(i64::from),
                time_zone: zone.map(|zone| ZONES[zone].to_owned()),
                ..DateComponents::default()
            }),
            repeats,
            strict: false,
        },
        Kind::Region(place) => {
            let region = Region {
                identifier: place.to_string(),
                center: coordinate(place),
                radius: 10_000.0,
                notify_on_entry: true,
                notify_on_exit: true,
            };
            Trigger::Location { region: Box::new(region), repeats }
        }
        Kind::Legacy(local) => Trigger::Legacy { notification: Box::new(local.on_the_phone()) },
    }
}

fn coordinate(place: u8) -> Coordinate {
    Coordinate { latitude: 0.0, longitude: place.into() }
}

/// The same on the phone; how many were presented.
fn take(phone: &mut Phone, step: &Step) -> usize {
    let bundle = || NEWS.to_owned();
    let these = |name: u8| Identifiers::These(vec![name.to_string()]);
    let inputs = match *step {
        Step::Pass(millis) => {
            phone.now = phone.now.plus_millis(millis);
            vec![Input::TimePassed]
        }
        Step::Add { name, kind, repeats, badge } => {
            let content = NotificationContent { badge, ..content("n") };
            let trigger = kind.map(|kind| trigger(kind, repeats));
            let notification = NotificationRequest { identifier: name.to_string(), content, trigger };
            vec![Input::RequestAdded { bundle: bundle(), notification: Box::new(notification), request: 1 }]
        }
        Step::RemovePending(name) => {
            vec![Input::PendingRemoved { bundle: bundle(), identifiers: these(name) }]
        }
        Step::RemoveDelivered(name) => {
            vec![Input::DeliveredRemoved { bundle: bundle(), identifiers: these(name) }]
        }
        Step::Badge(count) => vec![Input::BadgeSet { bundle: bundle(), count, request: 1 }],
        Step::Allow(on) => vec![change(SettingChange::AllowNotifications { on })],
        Step::BadgeSwitch(on) => vec![change(SettingChange::Badge { on })],
        Step::Travel(zone) => vec![Input::TimeZoneChanged { time_zone: ZONES[zone].to_owned() }],
        Step::Move(place) => vec![Input::LocationMoved(coordinate(place))],
        Step::Boot => vec![Input::Booted],
        Step::Reinstall { away } => {
            let mut fired = presented(phone, vec![Input::AppRemoved { bundle: bundle() }]);
            phone.now = phone.now.plus_millis(away);
            fired += presented(phone, vec![Input::AppInstalled(news()), may_know_where()]);
            return fired;
        }
        Step::Ask(allow) => {
            vec![state(AppState::Foreground), ask(usual(), 1), answer(allow), state(AppState::Background)]
        }
        Step::Legacy(ref asked) => asked.on_the_phone(),
        Step::WriteAndRead => {
            let json = phone.center.to_json().expect("it is written");
            let read = Center::from_json(&json).expect("it was written by us");
            assert_eq!(read, phone.center);
            phone.center = read;
            vec![]
        }
    };
    presented(phone, inputs)
}

fn may_know_where() -> Input {
    Input::LocationPermissionChanged { bundle: NEWS.to_owned(), permission: LocationPermission::WhenInUse }
}

fn presented(phone: &mut Phone, inputs: Vec<Input>) -> usize {
    let outputs = inputs.into_iter().flat_map(|input| phone.handle(input));
    outputs.filter(|output| matches!(output, Output::Present { .. })).count()
}

proptest! {
    #[test]
    fn local_notifications_are_as_the_model_says(steps in proptest::collection::vec(steps(), 1..160)) {
        let mut phone = Phone::after([may_know_where(), Input::LocationMoved(coordinate(0))]);
        let mut model = Model {
            now: phone.now.0, zone: 0, place: 0, allowed: None, badge_switch: true, wants_badges: false,
            waiting: Vec::new(), shown: Vec::new(), badge: 0, fired: 0, locals: Vec::new(),
        };
        let mut fired = 0;
        for step in std::iter::once(&Step::Ask(true)).chain(&steps) {
            let mut step = step.clone();
            if let Step::Legacy(asked) = &mut step {
                *asked = asked.in_time(&model);
            }
            let step = &step;
            fired += take(&mut phone, step);
            model.take(step);
            prop_assert_eq!(fired, model.fired, "after {:?}", step);
            prop_assert_eq!(phone.center.badge(NEWS), model.badge, "after {:?}", step);
            let visible = if model.may_badge() { model.badge } else { 0 };
            prop_assert_eq!(phone.center.visible_badge(NEWS), visible, "after {:?}", step);
            let shown: Vec<_> = phone.center.on_screen(NEWS)
                .map(|shown| (label_of(&shown.notification.request), shown.notification.date)).collect();
            let expected: Vec<_> = model.shown.iter().rev()
                .map(|one| (label(one.name, one.local), UnixMillis(one.date))).collect();
            prop_assert_eq!(shown, expected, "after {:?}", step);
            let mut waiting: Vec<_> = phone.center.pending(NEWS).iter()
                .map(|one| (one.next_trigger_date, label_of(&one.request))).collect();
            let mut expected: Vec<_> = model.waiting.iter()
                .map(|one| ((one.next != i64::MIN).then_some(UnixMillis(one.next)), label(one.name, one.local())))
                .collect();
            waiting.sort();
            expected.sort();
            prop_assert!(waiting.len() <= 64);
            prop_assert_eq!(waiting, expected, "after {:?}", step);
            let scheduled = model.waiting.iter().filter(|one| one.local().is_some()).count();
            prop_assert_eq!(phone.center.scheduled_local_notifications(NEWS).len(), scheduled);
        }
    }
}
