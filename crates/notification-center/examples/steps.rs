//! How many random steps a second a notification centre takes: `cargo run --release -p homing-notification-center
//! --example steps`. Two apps, dozens of pending requests, months of virtual time. `cargo xtask bench` reads what it says.

use std::time::Instant;

use homing_notification_center::{
    AppInput, AppProfile, AppState, AuthorizationOptions, CalendarUnit, Center, DateComponents, Identifiers,
    Input, LegacyInput, LocalNotification, NotificationContent, NotificationRequest, SettingChange, Trigger,
};
use homing_trace::UnixMillis;

const STEPS: u64 = 1_000_000;

/// Random enough, and the same at each run (*xorshift*).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

fn trigger(dice: &mut Dice) -> Option<Trigger> {
    let part = |value: u64| i64::try_from(value).ok();
    let repeats = dice.below(2) == 0;
    match dice.below(4) {
        0 => None,
        1 => Some(Trigger::TimeInterval { seconds: 60.0, repeats }),
        _ => {
            let date_components = DateComponents {
                hour: part(dice.below(24)),
                minute: part(dice.below(60)),
                weekday: part(dice.below(7) + 1).filter(|day| day % 2 == 0),
                ..DateComponents::default()
            };
            Some(Trigger::Calendar { date_components: Box::new(date_components), repeats, strict: false })
        }
    }
}

/// By the iOS 9 API.
fn legacy(dice: &mut Dice, now: UnixMillis) -> LegacyInput {
    let notification = LocalNotification {
        fire_date: i64::try_from(dice.below(3_600_000)).ok().map(|millis| now.plus_millis(millis)),
        repeat_interval: [None, Some(CalendarUnit::Day)][usize::from(dice.below(4) == 0)],
        alert_body: Some("n".to_owned()),
        ..LocalNotification::default()
    };
    let notification = Box::new(notification);
    match dice.below(8) {
        0 => LegacyInput::PresentLocalNotificationNow { notification, request: 1 },
        1 => LegacyInput::CancelLocalNotification { notification },
        2 => LegacyInput::CancelAllLocalNotifications,
        _ => LegacyInput::ScheduleLocalNotification { notification, request: 1 },
    }
}

fn step(dice: &mut Dice, now: UnixMillis) -> Input {
    let bundle = format!("com.example.{}", dice.below(2));
    let identifier = dice.below(40).to_string();
    match dice.below(12) {
        0 => Input::AppStateChanged {
            bundle,
            state: [AppState::Background, AppState::Ended][usize::from(dice.below(2) == 0)],
        },
        1 => Input::SettingChanged {
            bundle,
            change: SettingChange::AllowNotifications { on: dice.below(8) > 0 },
        },
        2 => Input::PendingRemoved { bundle, identifiers: Identifiers::These(vec![identifier]) },
        3 => Input::DeliveredRemoved { bundle, identifiers: Identifiers::These(vec![identifier]) },
        4 => Input::BadgeSet { bundle, count: 3, request: 1 },
        5 => Input::TimeZoneChanged {
            time_zone: ["Asia/Shanghai", "America/New_York"][usize::from(dice.below(2) == 0)].to_owned(),
        },
        6 | 7 => {
            let content = NotificationContent { body: "n".into(), ..NotificationContent::default() };
            let notification = Box::new(NotificationRequest { identifier, content, trigger: trigger(dice) });
            Input::RequestAdded { bundle, notification, request: 1 }
        }
        8 => Input::OfApp { bundle, what: AppInput::Legacy { asked: legacy(dice, now) } },
        _ => Input::TimePassed,
    }
}

#[expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures, and says what")]
fn main() {
    let mut center = Center::default();
    let mut now = UnixMillis(1_795_305_600_000);
    for number in 0..2 {
        let bundle = format!("com.example.{number}");
        let profile = AppProfile { bundle_id: bundle.clone(), name: bundle.clone(), ..AppProfile::default() };
        let options = AuthorizationOptions::ALERT.and(AuthorizationOptions::BADGE);
        for input in [
            Input::AppInstalled(profile),
            Input::AppStateChanged { bundle: bundle.clone(), state: AppState::Foreground },
            Input::AuthorizationRequested { bundle: bundle.clone(), options, request: 1 },
            Input::PromptAnswered { bundle: bundle.clone(), allow: true },
            Input::AppStateChanged { bundle: bundle.clone(), state: AppState::Background },
        ] {
            drop(center.handle(input, now));
        }
    }
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (begin, mut outputs) = (Instant::now(), 0);
    for _ in 0..STEPS {
        now = now.plus_millis(i64::try_from(dice.below(60_000)).unwrap_or_default());
        outputs += center.handle(step(&mut dice, now), now).len();
    }
    let (seconds, on_core) = (begin.elapsed().as_secs_f64(), on_core_seconds());
    let pending: usize = (0..2).map(|number| center.pending(&format!("com.example.{number}")).len()).sum();
    #[expect(clippy::cast_precision_loss, reason = "it is far from 2^52")]
    let rate = |seconds: f64| STEPS as f64 / seconds;
    println!(
        "{:.0} steps a second, {:.0} a second of CPU ({outputs} outputs, {pending} requests pending at the end, now {now})",
        rate(seconds),
        on_core.map_or(f64::NAN, rate)
    );
}

/// This thread's time on a core, where the system says it.
fn on_core_seconds() -> Option<f64> {
    let said = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    Some(said.split_whitespace().next()?.parse::<f64>().ok()? / 1e9)
}
