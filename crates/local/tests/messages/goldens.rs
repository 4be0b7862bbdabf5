//! One line for each message.

use std::collections::BTreeSet;

use homing_local::message::{DeviceMessage, Page, Secret, UserInfo};

use super::*;

fn page() -> Page {
    Page([("url".to_owned(), json!("https://news.example/7"))].into_iter().collect())
}

fn set_delegate(legacy: LegacyMethods) -> AppCall {
    AppCall::SetDelegate {
        will_present: true,
        did_receive: true,
        did_receive_remote_notification: false,
        legacy,
    }
}

fn calls() -> Vec<(AppCall, &'static str)> {
    use AppCall::*;
    let identifiers = || vec!["a".to_owned(), "b".to_owned()];
    let bundle_id = || "com.example.news".to_owned();
    let secret = Some(Secret::new("s3cret".to_owned()));
    vec![
        (
            Attach { bundle_id: bundle_id(), device: None, secret: None },
            r#"{"id":7,"call":"attach","bundle_id":"com.example.news"}"#,
        ),
        (
            Attach { bundle_id: bundle_id(), device: Some("iphone".to_owned()), secret },
            r#"{"id":7,"call":"attach","bundle_id":"com.example.news","device":"iphone","secret":"s3cret"}"#,
        ),
        (
            set_delegate(LegacyMethods::default()),
            r#"{"id":7,"call":"set-delegate","will_present":true,"did_receive":true,"did_receive_remote_notification":false}"#,
        ),
        (FinishLaunching, r#"{"id":7,"call":"finish-launching"}"#),
        (
            RequestAuthorization { options: vec![AuthorizationOption::Alert, AuthorizationOption::CarPlay] },
            r#"{"id":7,"call":"request-authorization","options":["alert","car-play"]}"#,
        ),
        (GetNotificationSettings, r#"{"id":7,"call":"get-notification-settings"}"#),
        (RegisterForRemoteNotifications, r#"{"id":7,"call":"register-for-remote-notifications"}"#),
        (UnregisterForRemoteNotifications, r#"{"id":7,"call":"unregister-for-remote-notifications"}"#),
        (IsRegisteredForRemoteNotifications, r#"{"id":7,"call":"is-registered-for-remote-notifications"}"#),
        (
            Add { request: Box::new(request()) },
            r#"{"id":7,"call":"add","request":{"identifier":"tea","content":{"title":{"loc_key":"TEA","loc_args":["oolong"]},"body":"The tea is ready","badge":0,"sound":{"name":"chime.caf"},"user_info":{"url":"https://example.com/1"},"interruption_level":"active","relevance_score":0.0},"trigger":{"kind":"time-interval","seconds":180.0,"repeats":false}}}"#,
        ),
        (GetPendingNotificationRequests, r#"{"id":7,"call":"get-pending-notification-requests"}"#),
        (
            RemovePendingNotificationRequests { identifiers: identifiers() },
            r#"{"id":7,"call":"remove-pending-notification-requests","identifiers":["a","b"]}"#,
        ),
        (
            RemoveAllPendingNotificationRequests,
            r#"{"id":7,"call":"remove-all-pending-notification-requests"}"#,
        ),
        (GetDeliveredNotifications, r#"{"id":7,"call":"get-delivered-notifications"}"#),
        (
            RemoveDeliveredNotifications { identifiers: identifiers() },
            r#"{"id":7,"call":"remove-delivered-notifications","identifiers":["a","b"]}"#,
        ),
        (RemoveAllDeliveredNotifications, r#"{"id":7,"call":"remove-all-delivered-notifications"}"#),
        (GetBadgeCount, r#"{"id":7,"call":"get-badge-count"}"#),
        (OpenSettings, r#"{"id":7,"call":"open-settings"}"#),
        (Show { screen: page() }, r#"{"id":7,"call":"show","screen":{"url":"https://news.example/7"}}"#),
        (SetBadgeCount { count: -1 }, r#"{"id":7,"call":"set-badge-count","count":-1}"#),
        (
            SetNotificationCategories { categories: vec![category()] },
            r#"{"id":7,"call":"set-notification-categories","categories":[{"identifier":"mail","actions":[{"identifier":"reply","title":"Reply","options":{"authentication_required":true,"destructive":false,"foreground":false},"text_input":{"button_title":"Send","placeholder":""}}],"options":{"custom_dismiss_action":true,"allow_in_car_play":false,"hidden_previews_show_title":false,"hidden_previews_show_subtitle":false,"allow_announcement":false},"category_summary_format":"%u more"}]}"#,
        ),
        (GetNotificationCategories, r#"{"id":7,"call":"get-notification-categories"}"#),
        (
            WillPresentCompletion {
                completion: 3,
                options: vec![PresentationOption::Banner, PresentationOption::Sound],
            },
            r#"{"id":7,"call":"will-present-completion","completion":3,"options":["banner","sound"]}"#,
        ),
        (
            DidReceiveCompletion { completion: 3 },
            r#"{"id":7,"call":"did-receive-completion","completion":3}"#,
        ),
        (
            FetchCompletion { completion: 3, result: FetchResult::NewData },
            r#"{"id":7,"call":"fetch-completion","completion":3,"result":"new-data"}"#,
        ),
    ]
}

fn category() -> Category {
    let options = ActionOptions { authentication_required: true, ..ActionOptions::default() };
    let text_input = Some(TextInput { button_title: "Send".into(), ..TextInput::default() });
    let reply =
        Action { identifier: "reply".to_owned(), title: "Reply".into(), options, icon: None, text_input };
    Category {
        minimal_actions: Vec::new(),
        identifier: "mail".to_owned(),
        actions: vec![reply],
        options: CategoryOptions { custom_dismiss_action: true, ..CategoryOptions::default() },
        hidden_previews_body_placeholder: None,
        category_summary_format: Some("%u more".into()),
    }
}

fn local_notification() -> LocalNotification {
    LocalNotification {
        fire_date: Some(AT),
        repeat_interval: Some(CalendarUnit::WeekOfYear),
        alert_body: Some("The tea is ready".to_owned()),
        ..LocalNotification::default()
    }
}

const LOCAL: &str = r#"{"fire_date":"2026-11-22T02:04:05.067Z","repeat_interval":"week-of-year","region_triggers_once":true,"alert_body":"The tea is ready","has_action":true,"application_icon_badge_number":0}"#;

fn registered() -> UserNotificationSettings {
    use UserNotificationType::*;
    let reply = LegacyAction {
        identifier: "reply".to_owned(),
        activation_mode: ActivationMode::Background,
        behavior: ActionBehavior::TextInput,
        ..LegacyAction::default()
    };
    let category = LegacyCategory {
        identifier: "mail".to_owned(),
        default_actions: vec![reply],
        minimal_actions: Vec::new(),
    };
    UserNotificationSettings { types: [Alert, Badge].into(), categories: vec![category] }
}

const SETTINGS: &str = r#"{"types":["badge","alert"],"categories":[{"identifier":"mail","default_actions":[{"identifier":"reply","title":"","activation_mode":"background","authentication_required":false,"destructive":false,"behavior":"text-input"}],"minimal_actions":[]}]}"#;

const WITH_METHODS: &str = r#"{"id":7,"call":"set-delegate","will_present":true,"did_receive":true,"did_receive_remote_notification":false,"legacy":{"did_receive_remote_notification":false,"did_receive_local_notification":false,"handle_action":true}}"#;

fn of_ios_9() -> Vec<(AppCall, String)> {
    use LegacyCall::*;
    let notification = || Box::new(local_notification());
    let table = [
        (
            RegisterUserNotificationSettings { settings: registered() },
            format!(r#""register-user-notification-settings","settings":{SETTINGS}"#),
        ),
        (CurrentUserNotificationSettings, r#""current-user-notification-settings""#.to_owned()),
        (
            ScheduleLocalNotification { notification: notification() },
            format!(r#""schedule-local-notification","notification":{LOCAL}"#),
        ),
        (
            PresentLocalNotificationNow { notification: notification() },
            format!(r#""present-local-notification-now","notification":{LOCAL}"#),
        ),
        (
            CancelLocalNotification { notification: notification() },
            format!(r#""cancel-local-notification","notification":{LOCAL}"#),
        ),
        (CancelAllLocalNotifications, r#""cancel-all-local-notifications""#.to_owned()),
        (ScheduledLocalNotifications, r#""scheduled-local-notifications""#.to_owned()),
        (
            SetScheduledLocalNotifications { notifications: vec![local_notification()] },
            format!(r#""set-scheduled-local-notifications","notifications":[{LOCAL}]"#),
        ),
        (
            SetApplicationIconBadgeNumber { count: 0 },
            r#""set-application-icon-badge-number","count":0"#.to_owned(),
        ),
    ];
    let golden = |said| format!(r#"{{"id":7,"call":"legacy","method":{said}}}"#);
    let set = set_delegate(LegacyMethods { handle_action: true, ..LegacyMethods::default() });
    let asked = table.into_iter().map(|(asked, said)| (AppCall::Legacy { asked }, golden(said)));
    asked.chain([(set, WITH_METHODS.to_owned())]).collect()
}

fn recipients() -> Vec<(AppCall, &'static str)> {
    let call = |recipient| AppCall::SetRecipient { recipient };
    vec![
        (call(Recipient::Anyone), r#"{"id":7,"call":"set-recipient","recipient":"anyone"}"#),
        (call(Recipient::Nobody), r#"{"id":7,"call":"set-recipient","recipient":"nobody"}"#),
        (
            call(Recipient::User("0fd1".to_owned())),
            r#"{"id":7,"call":"set-recipient","recipient":{"user":"0fd1"}}"#,
        ),
    ]
}

const NOTIFICATION: &str = r#"{"date":"2026-11-22T02:04:05.067Z","request":{"identifier":"5f1d…","content":{"body":"News","interruption_level":"active","relevance_score":0.0},"trigger":{"kind":"push"}}}"#;
const PENDING: &str = r#"{"app":"com.example.news","request":{"identifier":"tea","content":{"title":{"loc_key":"TEA","loc_args":["oolong"]},"body":"The tea is ready","badge":0,"sound":{"name":"chime.caf"},"user_info":{"url":"https://example.com/1"},"interruption_level":"active","relevance_score":0.0},"trigger":{"kind":"time-interval","seconds":180.0,"repeats":false}},"next_trigger_date":"2026-11-22T02:04:05.067Z"}"#;

fn replies() -> Vec<(Reply, String)> {
    let pending =
        PendingView { app: "com.example.news".to_owned(), request: request(), next_trigger_date: Some(AT) };
    let refused = LocalError {
        domain: ErrorDomain::UserNotifications,
        code: 1,
        message: "the app may not send notifications".to_owned(),
    };
    [
        (Reply::Done, r#""reply":"done""#.to_owned()),
        (Reply::Granted(true), r#""reply":"granted","value":true"#.to_owned()),
        (
            Reply::Settings(Box::new(settings())),
            r#""reply":"settings","value":{"authorization_status":"authorized","sound_setting":"enabled","badge_setting":"disabled","alert_setting":"enabled","notification_center_setting":"enabled","lock_screen_setting":"enabled","car_play_setting":"not-supported","alert_style":"banner","show_previews_setting":"when-authenticated","critical_alert_setting":"not-supported","time_sensitive_setting":"not-supported","announcement_setting":"not-supported","scheduled_delivery_setting":"disabled","direct_messages_setting":"not-supported","provides_app_notification_settings":false}"#.to_owned(),
        ),
        (Reply::Registered(false), r#""reply":"registered","value":false"#.to_owned()),
        (Reply::Badge(3), r#""reply":"badge","value":3"#.to_owned()),
        (Reply::Pending(vec![pending]), format!(r#""reply":"pending","value":[{PENDING}]"#)),
        (Reply::Delivered(vec![notification()]), format!(r#""reply":"delivered","value":[{NOTIFICATION}]"#)),
        (Reply::Categories(Vec::new()), r#""reply":"categories","value":[]"#.to_owned()),
        (
            Reply::UserNotificationSettings(registered()),
            format!(r#""reply":"user-notification-settings","value":{SETTINGS}"#),
        ),
        (
            Reply::LocalNotifications(vec![local_notification()]),
            format!(r#""reply":"local-notifications","value":[{LOCAL}]"#),
        ),
        (
            Reply::Error(refused),
            r#""reply":"error","value":{"domain":"UNErrorDomain","code":1,"message":"the app may not send notifications"}"#.to_owned(),
        ),
    ]
    .into_iter()
    .map(|(reply, rest)| (reply, format!(r#"{{"reply_to":7,{rest}}}"#)))
    .collect()
}

fn events() -> Vec<(DeviceEvent, String)> {
    let response = NotificationResponse {
        action_identifier: NotificationResponse::DEFAULT_ACTION.to_owned(),
        notification: notification(),
        user_text: None,
    };
    let user_info = json!({"aps": {"content-available": 1}, "acme": [1, null]});
    vec![
        (
            DeviceEvent::DidRegister { device_token: "00ff".repeat(16) },
            format!(r#"{{"event":"did-register","device_token":"{}"}}"#, "00ff".repeat(16)),
        ),
        (
            DeviceEvent::DidFailToRegister { error: LocalError::no_aps_environment() },
            r#"{"event":"did-fail-to-register","error":{"domain":"NSCocoaErrorDomain","code":3000,"message":"no valid aps-environment entitlement: add \"aps-environment\" to the manifest's entitlements"}}"#.to_owned(),
        ),
        (
            DeviceEvent::WillPresent { completion: 3, notification: Box::new(notification()), deadline: AT },
            format!(
                r#"{{"event":"will-present","completion":3,"notification":{NOTIFICATION},"deadline":"2026-11-22T02:04:05.067Z"}}"#
            ),
        ),
        (
            DeviceEvent::DidReceive { completion: 3, response: Box::new(response) },
            format!(
                r#"{{"event":"did-receive","completion":3,"response":{{"action_identifier":"com.apple.UNNotificationDefaultActionIdentifier","notification":{NOTIFICATION}}}}}"#
            ),
        ),
        (
            DeviceEvent::DidReceiveRemoteNotification {
                completion: 3,
                user_info: UserInfo(user_info.as_object().cloned().unwrap_or_default()),
                application_state: ApplicationState::Background,
                deadline: AT,
            },
            r#"{"event":"did-receive-remote-notification","completion":3,"user_info":{"aps":{"content-available":1},"acme":[1,null]},"application_state":"background","deadline":"2026-11-22T02:04:05.067Z"}"#.to_owned(),
        ),
        (
            DeviceEvent::OpenSettings { notification: None },
            r#"{"event":"open-settings","notification":null}"#.to_owned(),
        ),
        (
            DeviceEvent::Launched { launch_options: LaunchOptions::default() },
            r#"{"event":"launched","launch_options":{}}"#.to_owned(),
        ),
        (
            DeviceEvent::Launched {
                launch_options: LaunchOptions {
                    remote_notification: Some(UserInfo(user_info.as_object().cloned().unwrap_or_default())),
                    local_notification: None,
                },
            },
            r#"{"event":"launched","launch_options":{"remote_notification":{"aps":{"content-available":1},"acme":[1,null]}}}"#.to_owned(),
        ),
        (
            DeviceEvent::StateChanged { state: AppStateWord::ForceQuit },
            r#"{"event":"state-changed","state":"force-quit"}"#.to_owned(),
        ),
        (
            DeviceEvent::Touched { touch: page() },
            r#"{"event":"touched","touch":{"url":"https://news.example/7"}}"#.to_owned(),
        ),
    ]
}

fn callbacks() -> Vec<(DeviceEvent, String)> {
    let user_info = UserInfo([("a".to_owned(), json!(1))].into_iter().collect());
    let handled = |remote_notification, local_notification, typed_text| LegacyCallback::HandleAction {
        completion: 3,
        identifier: "reply".to_owned(),
        remote_notification,
        local_notification,
        response_info: ResponseInfo { typed_text },
        application_state: ApplicationState::Background,
    };
    let table = [
        (
            LegacyCallback::DidRegisterUserNotificationSettings { settings: registered() },
            format!(r#""did-register-user-notification-settings","settings":{SETTINGS}"#),
        ),
        (
            LegacyCallback::DidReceiveRemoteNotification {
                user_info: user_info.clone(),
                application_state: ApplicationState::Active,
            },
            r#""did-receive-remote-notification","user_info":{"a":1},"application_state":"active""#.to_owned(),
        ),
        (
            LegacyCallback::DidReceiveLocalNotification {
                notification: Box::new(local_notification()),
                application_state: ApplicationState::Inactive,
            },
            format!(
                r#""did-receive-local-notification","notification":{LOCAL},"application_state":"inactive""#
            ),
        ),
        (
            handled(Some(user_info), None, Some("Yes".to_owned())),
            r#""handle-action","completion":3,"identifier":"reply","remote_notification":{"a":1},"response_info":{"typed_text":"Yes"},"application_state":"background""#.to_owned(),
        ),
        (
            handled(None, Some(Box::new(local_notification())), None),
            format!(
                r#""handle-action","completion":3,"identifier":"reply","local_notification":{LOCAL},"response_info":{{}},"application_state":"background""#
            ),
        ),
    ];
    let golden = |said| format!(r#"{{"event":"legacy","callback":{said}}}"#);
    table.into_iter().map(|(callback, said)| (DeviceEvent::Legacy { callback }, golden(said))).collect()
}

#[test]
fn each_call_stands_as_written_here() {
    let mut names = BTreeSet::new();
    let calls = calls().into_iter().chain(recipients()).map(|(call, golden)| (call, golden.to_owned()));
    for (call, golden) in calls.chain(of_ios_9()) {
        let request = AppRequest { id: 7, call };
        assert_eq!(String::from_utf8_lossy(&request.to_json()), golden);
        assert_eq!(AppRequest::from_json(golden.as_bytes()).expect("it is whole"), request);
        let json: serde_json::Value = serde_json::from_str(&golden).expect("it is JSON");
        names.insert(json["call"].as_str().expect("it has a name").to_owned());
    }
    assert_eq!(names, AppCall::NAMES.map(str::to_owned).into(), "each call has a line here");
}

#[test]
fn each_reply_stands_as_written_here() {
    for (reply, golden) in replies() {
        let message = DeviceMessage::Reply(AppReply { reply_to: 7, reply });
        assert_eq!(String::from_utf8_lossy(&message.to_json()), golden);
        assert_eq!(DeviceMessage::from_json(golden.as_bytes()).expect("it is whole"), message);
    }
}

#[test]
fn each_event_stands_as_written_here() {
    let mut names = BTreeSet::new();
    for (event, golden) in events().into_iter().chain(callbacks()) {
        let message = DeviceMessage::Event(event);
        assert_eq!(String::from_utf8_lossy(&message.to_json()), golden);
        assert_eq!(DeviceMessage::from_json(golden.as_bytes()).expect("it is whole"), message);
        let json: serde_json::Value = serde_json::from_str(&golden).expect("it is JSON");
        names.insert(json["event"].as_str().expect("it has a name").to_owned());
    }
    assert_eq!(names, DeviceEvent::NAMES.map(str::to_owned).into(), "each event has a line here");
}

#[test]
fn options_are_apples_bits() {
    let all: Vec<u16> = AuthorizationOption::ALL.iter().map(|option| option.bit()).collect();
    assert_eq!(all, [1, 2, 4, 8, 16, 32, 64, 128, 256]);
    assert_eq!(AuthorizationOption::from_bits(0x8047).as_slice(), {
        use AuthorizationOption::*;
        &[Badge, Sound, Alert, Provisional]
    });
    assert_eq!(PresentationOption::bits(&PresentationOption::ALL), 31);
}

#[test]
fn what_people_are_told_and_secrets_are_not_in_debug_output() {
    let calls: Vec<_> = calls()
        .into_iter()
        .map(|(call, _)| call)
        .chain(of_ios_9().into_iter().map(|(call, _)| call))
        .collect();
    let replies: Vec<_> = replies().into_iter().map(|(reply, _)| reply).collect();
    let events: Vec<_> = events().into_iter().chain(callbacks()).map(|(event, _)| event).collect();
    let shown = format!("{calls:?}{replies:?}{events:?}");
    for word in ["ready", "s3cret", "https://example.com/1"] {
        assert!(!shown.contains(word), "{word} in {shown}");
    }
}
