//! A phone to try things on: its apps, the inputs that recur, and outputs in short words.

use std::collections::BTreeMap;
use std::sync::Arc;

use homing_notification_center::*;
use homing_payload::PushType;
use homing_trace::UnixMillis;
use serde_json::json;

pub(crate) const NEWS: &str = "com.example.news";
pub(crate) const CHAT: &str = "com.example.chat";
/// 2026-11-22T00:00:00Z.
pub(crate) const START: UnixMillis = UnixMillis(1_795_305_600_000);
pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// A notification centre with a clock, and the app "News" installed.
#[derive(Clone, Debug)]
pub(crate) struct Phone {
    pub(crate) center: Center,
    pub(crate) now: UnixMillis,
}

impl Phone {
    pub(crate) fn new() -> Self {
        let mut phone = Self { center: Center::default(), now: START };
        phone.take(Input::AppInstalled(news()));
        phone
    }

    /// With the inputs taken, whatever they gave.
    pub(crate) fn after(inputs: impl IntoIterator<Item = Input>) -> Self {
        let mut phone = Self::new();
        for input in inputs {
            phone.take(input);
        }
        phone
    }

    pub(crate) fn handle(&mut self, input: Input) -> Vec<Output> {
        let outputs = self.center.handle(input, self.now);
        if let Some(wake) = self.center.next_wake() {
            assert!(wake > self.now, "next_wake {wake} is not after {}", self.now);
        }
        outputs
    }

    /// The outputs in short words.
    pub(crate) fn take(&mut self, input: Input) -> Vec<String> {
        self.handle(input).iter().map(said).collect()
    }

    /// Lets time pass at once.
    pub(crate) fn pass(&mut self, millis: i64) -> Vec<String> {
        self.now = self.now.plus_millis(millis);
        self.take(Input::TimePassed)
    }

    pub(crate) fn listed(&self) -> Vec<String> {
        self.center.delivered(NEWS).map(|delivered| delivered.identifier().to_owned()).collect()
    }

    pub(crate) fn waiting(&self) -> Vec<String> {
        self.center.pending(NEWS).iter().map(|pending| pending.request.identifier.clone()).collect()
    }
}

/// One row of a table.
#[track_caller]
pub(crate) fn check(before: &[Input], input: Input, outputs: &[&str]) {
    let mut phone = Phone::after(before.iter().cloned());
    assert_eq!(phone.take(input), outputs);
}

pub(crate) fn news() -> AppProfile {
    let texts = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect::<BTreeMap<_, _>>()
    };
    AppProfile {
        bundle_id: NEWS.to_owned(),
        name: "News".to_owned(),
        wakes_for_remote_notifications: true,
        sounds: Arc::new(
            [
                ("chime.caf", 2.5),
                ("symphony.caf", 30.0),
                ("BELL.WAV", 1.0),
                ("song.mp3", 2.0),
                ("no-ending", 2.0),
            ]
            .map(|(name, seconds)| (name.to_owned(), seconds))
            .into(),
        ),
        localisations: Arc::new(
            [
                ("en".to_owned(), texts(&[("WROTE", "%@ wrote %@"), ("ONLY_EN", "English")])),
                ("zh-Hans".to_owned(), texts(&[("WROTE", "%1$@写了%2$@")])),
            ]
            .into(),
        ),
        ..AppProfile::default()
    }
}

pub(crate) fn chat() -> AppProfile {
    AppProfile { bundle_id: CHAT.to_owned(), name: "Chat".to_owned(), ..AppProfile::default() }
}

pub(crate) fn usual() -> AuthorizationOptions {
    AuthorizationOptions::ALERT.and(AuthorizationOptions::SOUND).and(AuthorizationOptions::BADGE)
}

pub(crate) fn state(state: AppState) -> Input {
    Input::AppStateChanged { bundle: NEWS.to_owned(), state }
}

pub(crate) fn ask(options: AuthorizationOptions, request: u64) -> Input {
    Input::AuthorizationRequested { bundle: NEWS.to_owned(), options, request }
}

pub(crate) fn answer(allow: bool) -> Input {
    Input::PromptAnswered { bundle: NEWS.to_owned(), allow }
}

pub(crate) fn change(change: SettingChange) -> Input {
    Input::SettingChanged { bundle: NEWS.to_owned(), change }
}

/// The app has all delegate methods.
pub(crate) fn delegate() -> Input {
    let delegate = Delegate {
        will_present: true,
        did_receive: true,
        did_receive_remote_notification: true,
        legacy: LegacyMethods::default(),
    };
    Input::DelegateSet { bundle: NEWS.to_owned(), delegate }
}

pub(crate) fn launched() -> Input {
    Input::LaunchFinished { bundle: NEWS.to_owned() }
}

/// Asked in foreground and allowed, with a delegate; then moved to `to`.
pub(crate) fn allowed(to: AppState) -> Vec<Input> {
    vec![state(AppState::Foreground), delegate(), launched(), ask(usual(), 1), answer(true), state(to)]
}

pub(crate) fn push(seq: u64, payload: serde_json::Value) -> RemoteNotification {
    RemoteNotification {
        bundle: NEWS.to_owned(),
        registration: "news/development/1".to_owned(),
        seq,
        apns_id: format!("id-{seq}"),
        push_type: Some(PushType::Alert),
        collapse_id: None,
        expires_at: None,
        payload: payload.to_string().into_bytes(),
    }
}

/// An alert whose body is "n", with sound and badge.
pub(crate) fn alert(seq: u64) -> RemoteNotification {
    push(seq, json!({"aps": {"alert": "n", "sound": "default", "badge": 3}}))
}

pub(crate) fn arrives(remote: RemoteNotification) -> Input {
    Input::RemoteArrived(remote)
}

pub(crate) fn content(body: &str) -> NotificationContent {
    NotificationContent { body: body.into(), ..NotificationContent::default() }
}

pub(crate) fn add(identifier: &str, trigger: Option<Trigger>) -> Input {
    let notification =
        NotificationRequest { identifier: identifier.to_owned(), content: content("n"), trigger };
    Input::RequestAdded { bundle: NEWS.to_owned(), notification: Box::new(notification), request: 9 }
}

pub(crate) fn after(seconds: f64) -> Option<Trigger> {
    Some(Trigger::TimeInterval { seconds, repeats: false })
}

pub(crate) fn every(seconds: f64) -> Option<Trigger> {
    Some(Trigger::TimeInterval { seconds, repeats: true })
}

pub(crate) fn recipient(recipient: Recipient) -> Input {
    Input::RecipientSet { bundle: NEWS.to_owned(), recipient }
}

pub(crate) fn user(tag: &str) -> Recipient {
    Recipient::User(tag.to_owned())
}

/// An alert for the user of this tag.
pub(crate) fn alert_for(seq: u64, tag: &str) -> RemoteNotification {
    push(seq, json!({"aps": {"alert": "n"}, "homing": {"push": "p", "user": tag}}))
}

pub(crate) fn of_app(what: AppInput) -> Input {
    Input::OfApp { bundle: NEWS.to_owned(), what }
}

pub(crate) fn set(setting: DeviceSetting) -> Input {
    Input::DeviceSet(setting)
}

pub(crate) fn silent(seq: u64) -> Input {
    arrives(push(seq, json!({"aps": {"content-available": 1}})))
}

pub(crate) fn fetched(completion: u64) -> Input {
    fetched_with(completion, FetchResult::NewData)
}

pub(crate) fn fetched_with(completion: u64, result: FetchResult) -> Input {
    Input::FetchCompleted { bundle: NEWS.to_owned(), completion, result }
}

pub(crate) fn dismiss(identifier: &str) -> Input {
    Input::Dismissed { bundle: NEWS.to_owned(), identifier: identifier.to_owned() }
}

pub(crate) fn choose(identifier: &str, action: &str, text: Option<&str>) -> Input {
    of_app(AppInput::Acted {
        identifier: identifier.to_owned(),
        action: action.to_owned(),
        text: text.map(Text::from),
    })
}

pub(crate) fn categories(categories: serde_json::Value) -> Input {
    let categories = serde_json::from_value(categories).expect("they are categories");
    of_app(AppInput::CategoriesSet { categories })
}

pub(crate) fn lock(locked: bool) -> Input {
    Input::LockSet { locked }
}

pub(crate) fn tap(identifier: &str) -> Input {
    Input::Tapped { bundle: NEWS.to_owned(), identifier: identifier.to_owned() }
}

/// An output in a few words; the bundle ID is left out where it is that of "News".
pub(crate) fn said(output: &Output) -> String {
    let of = |bundle: &str| if bundle == NEWS { String::new() } else { format!(" of {bundle}") };
    match output {
        Output::ShowPrompt(prompt) => format!("prompt {:#b}{}", prompt.options.bits(), of(&prompt.bundle)),
        Output::WithdrawPrompt { bundle } => format!("withdraw prompt{}", of(bundle)),
        Output::AuthorizationResult { bundle, request, granted } => {
            format!("result {request}: {granted}{}", of(bundle))
        }
        Output::AddResult { result, bundle, .. } => match result {
            Ok(()) => format!("added{}", of(bundle)),
            Err(error) => format!("not added: {error:?}{}", of(bundle)),
        },
        Output::BadgeResult { result, .. } => format!("badge result: {result:?}"),
        Output::Present { bundle, delivered } => {
            let surfaces: Vec<_> = delivered.surfaces.iter().map(|surface| format!("{surface:?}")).collect();
            format!("present {} on {}{}", delivered.identifier(), surfaces.join("+"), of(bundle))
        }
        Output::PlaySound { sound, .. } => {
            let file = sound.file.as_deref().unwrap_or("default");
            if sound.critical { format!("critical sound {file}") } else { format!("sound {file}") }
        }
        Output::SetBadge { badge, bundle } => format!("badge {badge}{}", of(bundle)),
        Output::Removed { bundle, identifiers } => format!("removed {}{}", identifiers.join(","), of(bundle)),
        Output::SummaryDelivered { notifications } => {
            let identifiers: Vec<_> =
                notifications.iter().map(|(_, identifier)| identifier.as_str()).collect();
            format!("summary {}", identifiers.join(","))
        }
        Output::CategoriesChanged { .. } => "categories".to_owned(),
        Output::RunServiceExtension { call, request, .. } => {
            format!("extension {call}: {}", request.identifier)
        }
        Output::ServiceExtensionTimeWillExpire { call, .. } => format!("extension {call} will expire"),
        Output::EndServiceExtension { call, .. } => format!("end extension {call}"),
        Output::ContentExtensionReceives { notification, opened, .. } => {
            let what = if *opened { "draws" } else { "gets" };
            format!("extension {what} {}", notification.request.identifier)
        }
        Output::ContentExtensionResponds { call, response, .. } => {
            format!(
                "extension asked {call}: {} {}",
                response.notification.request.identifier, response.action_identifier
            )
        }
        Output::CallWillPresent { completion, notification, .. } => {
            format!("willPresent {completion}: {}", notification.request.identifier)
        }
        Output::CallDidReceive { completion, response, .. } => did_receive(*completion, response),
        Output::ResponseTimeExpired { completion, .. } => format!("response {completion} took too long"),
        Output::CallOpenSettings { notification, .. } => match notification {
            Some(notification) => format!("openSettings for {}", notification.request.identifier),
            None => "openSettings".to_owned(),
        },
        Output::CallDidReceiveRemoteNotification { completion, .. } => {
            format!("didReceiveRemoteNotification {completion}")
        }
        Output::CallLegacy { call, .. } => legacy_call(call),
        Output::AppMoved { bundle, from, to, launch, .. } => {
            let with = match launch {
                LaunchOptions::None => "",
                LaunchOptions::RemoteNotification(_) => " with remote",
                LaunchOptions::LocalNotification(_) => " with local",
            };
            format!("app {from:?} → {to:?}{with}{}", of(bundle))
        }
        Output::LockMoved { locked } => if *locked { "locked" } else { "unlocked" }.to_owned(),
        Output::Receipt(AppReceipt { receipt, .. }) => match &receipt.reason {
            Some(reason) => format!("{} {}: {reason}", receipt.seq, receipt.event),
            None => format!("{} {}", receipt.seq, receipt.event),
        },
    }
}

fn legacy_call(call: &LegacyCall) -> String {
    match call {
        LegacyCall::DidRegisterUserNotificationSettings { settings } => {
            format!("didRegister {:?}", settings.types)
        }
        LegacyCall::DidReceiveRemoteNotification { application_state, .. } => {
            format!("plain didReceiveRemoteNotification {application_state:?}")
        }
        LegacyCall::DidReceiveLocalNotification { notification, application_state } => {
            let body = notification.alert_body.as_deref().unwrap_or_default();
            format!("didReceiveLocalNotification {body} {application_state:?}")
        }
        LegacyCall::HandleAction { completion, identifier, of, typed_text, application_state } => {
            let of = match of {
                LegacySubject::Remote(_) => "remote",
                LegacySubject::Local(_) => "local",
            };
            let text = typed_text.as_ref().map(|text| format!(" {text:?}")).unwrap_or_default();
            format!("handleAction {completion}: {identifier} for {of}{text} {application_state:?}")
        }
    }
}

pub(crate) fn legacy(asked: LegacyInput) -> Input {
    of_app(AppInput::Legacy { asked })
}

/// Schedules a *UILocalNotification*.
pub(crate) fn schedule(notification: LocalNotification) -> Input {
    legacy(LegacyInput::ScheduleLocalNotification { notification: Box::new(notification), request: 9 })
}

/// A *UILocalNotification* that says "n", so many milliseconds after the start.
pub(crate) fn local_at(millis: i64) -> LocalNotification {
    LocalNotification {
        fire_date: Some(START.plus_millis(millis)),
        alert_body: Some("n".to_owned()),
        ..LocalNotification::default()
    }
}

fn did_receive(completion: u64, response: &Response) -> String {
    let identifier = &response.notification.request.identifier;
    match (response.action_identifier.as_str(), &response.user_text) {
        (Response::DEFAULT_ACTION, None) => format!("didReceive {completion}: {identifier}"),
        (Response::DISMISS_ACTION, None) => format!("didReceive {completion}: {identifier} dismissed"),
        (action, None) => format!("didReceive {completion}: {identifier} {action}"),
        (action, Some(text)) => format!("didReceive {completion}: {identifier} {action} {text:?}"),
    }
}
