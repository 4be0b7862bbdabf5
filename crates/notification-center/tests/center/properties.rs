//! Whatever happens in whatever order: nothing panics, nothing is shown twice, the time to wake lies ahead, and the
//! journal of inputs gives the same state.

use std::collections::{BTreeMap, BTreeSet};

use homing_trace::Stage;
use proptest::prelude::*;

use super::*;

/// Inputs that meet one another: two apps, few identifiers, few numbers.
fn input() -> impl Strategy<Value = Input> {
    let bundle = || prop_oneof![3 => Just(NEWS.to_owned()), 1 => Just(CHAT.to_owned())];
    let identifier = || prop_oneof!["[ab]", (0_u64..12).prop_map(|seq| format!("id-{seq}"))];
    let identifiers = || {
        prop_oneof![
            Just(Identifiers::All),
            proptest::collection::vec(identifier(), 0..3).prop_map(Identifiers::These)
        ]
    };
    let anywhere = prop_oneof![
        Just(AppState::Foreground),
        Just(AppState::Background),
        Just(AppState::Ended),
        Just(AppState::ForceQuit)
    ];
    let app = prop_oneof![
        1 => Just(Input::Booted),
        4 => Just(Input::TimePassed),
        1 => prop_oneof![Just(news()), Just(whole()), Just(chat())].prop_map(Input::AppInstalled),
        1 => bundle().prop_map(|bundle| Input::AppRemoved { bundle }),
        4 => (bundle(), anywhere).prop_map(|(bundle, state)| Input::AppStateChanged { bundle, state }),
        4 => (bundle(), any::<[bool; 3]>()).prop_map(|(bundle, has)| Input::DelegateSet { bundle, delegate: delegate_of(has) }),
        1 => bundle().prop_map(|bundle| Input::LaunchFinished { bundle }),
        1 => any::<bool>().prop_map(|locked| Input::LockSet { locked }),
        1 => (bundle(), recipient_of()).prop_map(|(bundle, recipient)| Input::RecipientSet { bundle, recipient }),
    ];
    let permission = prop_oneof![
        1 => (bundle(), 0_u16..512, 0_u64..9).prop_map(|(bundle, bits, request)| Input::AuthorizationRequested {
            bundle,
            options: AuthorizationOptions::from_bits(bits),
            request,
        }),
        3 => (bundle(), proptest::bool::weighted(0.8))
            .prop_map(|(bundle, allow)| Input::PromptAnswered { bundle, allow }),
        1 => (bundle(), setting()).prop_map(|(bundle, change)| Input::SettingChanged { bundle, change }),
        1 => (bundle(), any::<bool>())
            .prop_map(|(bundle, registered)| Input::RegisteredForRemoteNotifications { bundle, registered }),
    ];
    let notification = prop_oneof![
        6 => remote(),
        4 => (bundle(), identifier(), trigger()).prop_map(|(bundle, identifier, trigger)| Input::RequestAdded {
            bundle,
            notification: Box::new(NotificationRequest { identifier, content: content("n"), trigger }),
            request: 1,
        }),
        1 => (bundle(), identifiers()).prop_map(|(bundle, identifiers)| Input::PendingRemoved { bundle, identifiers }),
        1 => (bundle(), identifiers()).prop_map(|(bundle, identifiers)| Input::DeliveredRemoved { bundle, identifiers }),
        1 => (bundle(), -2_i64..9).prop_map(|(bundle, count)| Input::BadgeSet { bundle, count, request: 1 }),
        3 => (bundle(), 0_u64..20, 0_u16..64).prop_map(|(bundle, completion, bits)| Input::WillPresentAnswered {
            bundle,
            completion,
            options: PresentationOptions::from_bits(bits),
        }),
        1 => (bundle(), 0_u64..20).prop_map(|(bundle, completion)| Input::FetchCompleted {
            bundle,
            completion,
            result: FetchResult::Failed,
        }),
        2 => (bundle(), identifier()).prop_map(|(bundle, identifier)| Input::Tapped { bundle, identifier }),
        1 => (bundle(), identifier()).prop_map(|(bundle, identifier)| Input::Dismissed { bundle, identifier }),
    ];
    prop_oneof![2 => app, 2 => permission, 5 => notification, 2 => device_setting(), 3 => of_some_app()]
}

fn delegate_of([present, receive, remote]: [bool; 3]) -> Delegate {
    Delegate {
        will_present: present,
        did_receive: receive,
        did_receive_remote_notification: remote,
        legacy: LegacyMethods {
            did_receive_remote_notification: receive,
            did_receive_local_notification: present,
            handle_action: remote,
        },
    }
}

fn device_setting() -> impl Strategy<Value = Input> {
    any::<(bool, bool)>().prop_flat_map(|(on, other)| {
        let focus = Focus {
            name: "Work".to_owned(),
            allowed_apps: other.then(|| NEWS.to_owned()).into_iter().collect(),
            allowed_people: BTreeSet::new(),
            time_sensitive: other,
            hides_badges: !other,
        };
        let summary = Summary { times: [60, 720].into(), apps: [NEWS.to_owned()].into() };
        let settings = vec![
            DeviceSetting::LowPower { on },
            DeviceSetting::Muted { on },
            DeviceSetting::Focus { focus: on.then_some(focus) },
            DeviceSetting::Summary { summary: on.then_some(summary) },
        ];
        prop::sample::select(settings).prop_map(Input::DeviceSet)
    })
}

fn of_some_app() -> impl Strategy<Value = Input> {
    let identifier = || prop_oneof!["[ab]", (0_u64..12).prop_map(|seq| format!("id-{seq}"))];
    let mail = json!([{"identifier": "mail", "actions": [
        {"identifier": "reply", "text_input": {}},
        {"identifier": "open", "options": {"foreground": true}},
        {"identifier": "delete", "options": {"authentication_required": true}},
    ], "options": {"custom_dismiss_action": true}}]);
    let mail: Vec<Category> = serde_json::from_value(mail).expect("they are categories");
    let action = prop::sample::select(vec!["reply", "open", "delete", "unknown"]);
    let option = prop::sample::select(vec![
        ContentExtensionOption::DoNotDismiss,
        ContentExtensionOption::Dismiss,
        ContentExtensionOption::DismissAndForwardAction,
    ]);
    let what = prop_oneof![
        1 => any::<bool>().prop_map(move |some| AppInput::CategoriesSet {
            categories: if some { mail.clone() } else { Vec::new() },
        }),
        4 => (identifier(), action).prop_map(|(identifier, action)| AppInput::Acted {
            identifier,
            action: action.to_owned(),
            text: None,
        }),
        2 => (0_u64..20).prop_map(|completion| AppInput::ResponseCompleted { completion }),
        3 => (0_u64..20, any::<bool>()).prop_map(|(call, empty)| AppInput::ServiceExtensionAnswered {
            call,
            content: Box::new(if empty { NotificationContent::default() } else { content("better") }),
        }),
        1 => proptest::option::of(0_u64..20).prop_map(|call| AppInput::ServiceExtensionEnded { call }),
        2 => identifier().prop_map(|identifier| AppInput::Expanded { identifier }),
        1 => Just(AppInput::Closed),
        2 => (0_u64..20, option)
            .prop_map(|(call, option)| AppInput::ContentExtensionAnswered { call, option }),
        1 => Just(AppInput::ContentExtensionEnded),
        1 => Just(AppInput::ContentExtensionDismissed),
        1 => prop::sample::select(vec!["reply", "more"]).prop_map(|action| {
            let action = Action { identifier: action.to_owned(), ..Action::default() };
            AppInput::ContentExtensionSetActions { actions: vec![action] }
        }),
        6 => by_the_older_api().prop_map(|asked| AppInput::Legacy { asked }),
    ];
    (prop_oneof![3 => Just(NEWS), 1 => Just(CHAT)], what)
        .prop_map(|(bundle, what)| Input::OfApp { bundle: bundle.to_owned(), what })
}

/// The iOS 9 API: few notifications, so that some are equal.
fn by_the_older_api() -> impl Strategy<Value = LegacyInput> {
    let notification = || {
        let unit = prop::sample::select(vec![CalendarUnit::Minute, CalendarUnit::Day, CalendarUnit::Month]);
        (proptest::option::of(-2_i64..9), proptest::option::of(unit), 0_u32..3, any::<bool>()).prop_map(
            |(minutes, repeat_interval, application_icon_badge_number, says)| LocalNotification {
                fire_date: minutes.map(|minutes| START.plus_millis(minutes * MINUTE)),
                repeat_interval,
                application_icon_badge_number,
                alert_body: says.then(|| "n".to_owned()),
                category: says.then(|| "mail".to_owned()),
                ..LocalNotification::default()
            },
        )
    };
    let boxed = move || notification().prop_map(Box::new);
    let types = prop::sample::subsequence(
        vec![UserNotificationType::Alert, UserNotificationType::Badge, UserNotificationType::Sound],
        0..=3,
    );
    prop_oneof![
        2 => types.prop_map(|types| LegacyInput::RegisterUserNotificationSettings {
            settings: UserNotificationSettings { types: types.into_iter().collect(), categories: Vec::new() },
        }),
        6 => boxed().prop_map(|notification| LegacyInput::ScheduleLocalNotification { notification, request: 1 }),
        3 => boxed().prop_map(|notification| LegacyInput::PresentLocalNotificationNow { notification, request: 1 }),
        2 => boxed().prop_map(|notification| LegacyInput::CancelLocalNotification { notification }),
        1 => Just(LegacyInput::CancelAllLocalNotifications),
        1 => proptest::collection::vec(notification(), 0..4).prop_map(|notifications| {
            LegacyInput::SetScheduledLocalNotifications { notifications, request: 1 }
        }),
        2 => (-1_i64..3).prop_map(|count| LegacyInput::SetApplicationIconBadgeNumber { count, request: 1 }),
    ]
}

/// The app with everything that could be declared.
fn whole() -> AppProfile {
    let content_extension = ContentExtension { categories: ["mail".to_owned()].into(), ..Default::default() };
    AppProfile {
        service_extension: true,
        filtering: true,
        time_sensitive: true,
        content_extensions: vec![content_extension],
        ..news()
    }
}

fn recipient_of() -> impl Strategy<Value = Recipient> {
    prop::sample::select(vec![Recipient::Anyone, Recipient::Nobody, user("ann"), user("bob")])
}

fn setting() -> impl Strategy<Value = SettingChange> {
    any::<bool>().prop_flat_map(|on| {
        prop::sample::select(vec![
            SettingChange::AllowNotifications { on },
            SettingChange::KeepProminently,
            SettingChange::Alert { on },
            SettingChange::Sound { on },
            SettingChange::NotificationCenter { on },
            SettingChange::LockScreen { on },
            SettingChange::AlertStyle { style: AlertStyle::Alert },
            SettingChange::BackgroundAppRefresh { on },
        ])
    })
}

fn trigger() -> impl Strategy<Value = Option<Trigger>> {
    prop_oneof![
        Just(None),
        Just(Some(Trigger::Push)),
        (-5.0..500.0_f64, any::<bool>())
            .prop_map(|(seconds, repeats)| Some(Trigger::TimeInterval { seconds: seconds.round(), repeats })),
    ]
}

/// Few `seq`, so that some come again; each `seq` is one notification.
fn remote() -> impl Strategy<Value = Input> {
    let payloads = [
        r#"{"aps": {"alert": "n", "sound": "default", "badge": 1}}"#,
        r#"{"aps": {"content-available": 1}}"#,
        r#"{"aps": {"alert": "n", "content-available": 1}}"#,
        r#"{"aps": {"badge": 0}}"#,
        r#"{"aps": {}}"#,
        r#"{"aps": {"alert": 7"#,
        r#"{"aps": {"alert": "n", "interruption-level": "passive"}}"#,
        r#"{"aps": {"alert": "n", "content-available": 1}, "homing": {"user": "ann"}}"#,
        r#"{"aps": {"alert": "n", "sound": "default"}, "homing": {"user": "bob"}}"#,
        r#"{"aps": {"alert": "n", "mutable-content": 1, "category": "mail"}}"#,
        r#"{"aps": {"alert": "n", "mutable-content": 1, "category": "mail"}, "homing": {"user": "ann"}}"#,
        r#"{"aps": {"alert": "n", "interruption-level": "time-sensitive", "badge": 2, "category": "mail"}}"#,
    ];
    (0_u64..30).prop_map(move |seq| {
        let index = usize::try_from(seq).expect("it is small") % payloads.len();
        Input::RemoteArrived(RemoteNotification {
            collapse_id: seq.is_multiple_of(3).then(|| "a".to_owned()),
            push_type: (!seq.is_multiple_of(5)).then_some(PushType::Alert),
            expires_at: seq.is_multiple_of(7).then(|| START.plus_millis(HOUR)),
            payload: payloads[index].as_bytes().to_vec(),
            ..alert(seq)
        })
    })
}

/// Steps in time: none, small, far, or back; all of them together within the 31 days for which repeats are remembered.
fn step() -> impl Strategy<Value = i64> {
    prop_oneof![3 => Just(0), 3 => 0..10 * SECOND, 1 => 0..HOUR, 1 => 0..DAY / 4, 1 => -HOUR..0]
}

fn begun() -> Center {
    let mut center = Center::default();
    for input in [vec![Input::AppInstalled(whole())], allowed(AppState::Background)].concat() {
        center.handle(input, START);
    }
    center
}

/// The notification that the user or the app gets by an output.
fn told(output: &Output) -> Option<(&String, &Notification)> {
    if let Output::Present { bundle, delivered } = output {
        return Some((bundle, &delivered.notification));
    }
    if let Output::CallWillPresent { bundle, notification, .. } = output {
        return Some((bundle, notification));
    }
    if let Output::CallDidReceive { bundle, response, .. } = output {
        return Some((bundle, &response.notification));
    }
    None
}

proptest! {
    #[test]
    fn whatever_happens_the_promises_hold(steps in proptest::collection::vec((step(), input()), 1..120)) {
        let mut center = begun();
        let mut now = START;
        let mut ended: BTreeMap<u64, usize> = BTreeMap::new();
        let mut recipients: BTreeMap<String, Recipient> = BTreeMap::new();
        // What was due before somebody else signs in comes before.
        let steps = steps.into_iter().flat_map(|(step, input)| {
            let first = matches!(input, Input::RecipientSet { .. }).then_some((step, Input::TimePassed));
            let left = if first.is_some() { 0 } else { step };
            first.into_iter().chain([(left, input)])
        });
        for (step, input) in steps {
            now = now.plus_millis(step);
            let is_removal = matches!(&input, Input::AppRemoved { bundle } if bundle == NEWS);
            if let Input::AppRemoved { bundle } = &input {
                recipients.remove(bundle);
            }
            if let Input::RecipientSet { bundle, recipient } = &input
                && center.app(bundle).is_some()
            {
                recipients.insert(bundle.clone(), recipient.clone());
            }
            let outputs = center.handle(input, now);
            if let Some(wake) = center.next_wake() {
                prop_assert!(wake > now, "{wake} is not after {now}");
            }
            for output in &outputs {
                let Output::Receipt(AppReceipt { receipt, .. }) = output else { continue };
                let first = receipt.event == Stage::Displayed && receipt.reason.is_none();
                if first {
                    let times = ended.entry(receipt.seq).or_default();
                    *times += 1;
                    prop_assert_eq!(*times, 1, "{} is displayed twice", receipt.seq);
                }
            }
            // What the app forgot with its removal, it can't know again. What was due until then came first.
            if is_removal {
                ended.clear();
            }
            for bundle in [NEWS, CHAT] {
                let on_screen: Vec<_> = center.on_screen(bundle).map(Delivered::identifier).collect();
                let different: BTreeSet<_> = on_screen.iter().collect();
                prop_assert_eq!(on_screen.len(), different.len(), "an identifier is on the screen twice");
                let seqs: Vec<_> =
                    center.on_screen(bundle).filter_map(|shown| Some(shown.remote.as_ref()?.seq)).collect();
                let different: BTreeSet<_> = seqs.iter().collect();
                prop_assert_eq!(seqs.len(), different.len(), "a notification is on the screen twice");
                prop_assert!(center.pending(bundle).len() <= 64);
            }
            let in_front =
                [NEWS, CHAT].iter().filter(|bundle| center.app_state(bundle) == Some(AppState::Foreground)).count();
            prop_assert!(in_front <= usize::from(!center.is_locked()), "two apps in front, or one behind the lock");
            for output in &outputs {
                let Some((bundle, notification)) = told(output) else { continue };
                let tag = notification.request.content.user_info.get("homing").map(|homing| &homing["user"]);
                let mine = match (tag, recipients.get(bundle)) {
                    (None, _) | (_, None | Some(Recipient::Anyone)) => true,
                    (Some(_), Some(Recipient::Nobody)) => false,
                    (Some(tag), Some(Recipient::User(user))) => tag == user,
                };
                prop_assert!(mine, "{output:?} is for another than {recipients:?}");
            }
        }
    }

    #[test]
    fn a_journal_of_inputs_gives_the_same_state(
        steps in proptest::collection::vec((step(), input()), 1..60),
        cut in 0_usize..60,
    ) {
        let mut center = begun();
        let mut read = begun();
        let mut now = START;
        for (index, (step, input)) in steps.into_iter().enumerate() {
            now = now.plus_millis(step);
            let line = serde_json::to_string(&input).expect("an input is written");
            if index == cut {
                read = Center::from_json(&read.to_json().expect("it is written")).expect("it was written by us");
            }
            read.handle(serde_json::from_str(&line).expect("it was written by us"), now);
            center.handle(input, now);
        }
        prop_assert_eq!(read, center);
    }

    #[test]
    fn any_payload_is_taken_without_panic(payload in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,80}") {
        for payload in [payload, text.into_bytes()] {
            let mut center = begun();
            let input = Input::RemoteArrived(RemoteNotification { payload, ..alert(1) });
            let line = serde_json::to_string(&input).expect("an input is written");
            prop_assert_eq!(&serde_json::from_str::<Input>(&line).expect("it was written by us"), &input);
            let receipts = center.handle(input, START).iter().filter(|out| matches!(out, Output::Receipt(_))).count();
            prop_assert_eq!(receipts, 1);
        }
    }
}
