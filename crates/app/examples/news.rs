//! An app as a process of its own, on the SDK: the device starts it by the `launch` command of its manifest, and it finds
//! the device by its environment. Its first argument says what it is to do badly; without one it behaves.
//!
//! It shows what it was told as its page, so that `GET …/apps/<bundle ID>` tells.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use homing_app::reminder::{Advice, PermissionReminder, ReminderPolicy};
use homing_app::{App, AppDelegate, AppError, Application, Environment, NotificationCenter};
use homing_local::message::{Page, UserInfo};
use homing_local::{
    AppStateWord, Attachment, FetchResult, LaunchOptions, LocalError, Notification, NotificationContent,
    NotificationRequest, NotificationResponse, PresentationOption, Text, UnixMillis,
};
use serde_json::{Map, Value, json};

/// What the app does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// It ends as soon as it runs.
    ExitsAtLaunch,
    /// It runs and never attaches.
    NeverAttaches,
    /// It crashes at a silent notification.
    CrashesWhenWoken,
    /// It crashes when it is asked how to present a notification.
    CrashesInWillPresent,
    /// It hangs when it is asked how to present a notification.
    HangsInWillPresent,
    /// It never calls the completion handlers of responses and silent notifications.
    NeverCompletes,
    /// It closes its connection and goes on.
    HangsUp,
}

impl Fault {
    fn named(name: Option<&str>) -> Option<Self> {
        Some(match name {
            None => Self::None,
            Some("exits-at-launch") => Self::ExitsAtLaunch,
            Some("never-attaches") => Self::NeverAttaches,
            Some("crashes-when-woken") => Self::CrashesWhenWoken,
            Some("crashes-in-will-present") => Self::CrashesInWillPresent,
            Some("hangs-in-will-present") => Self::HangsInWillPresent,
            Some("never-completes") => Self::NeverCompletes,
            Some("hangs-up") => Self::HangsUp,
            Some(_) => return None,
        })
    }
}

#[derive(Clone, Debug)]
struct News {
    fault: Fault,
    center: NotificationCenter,
    application: Application,
    reminder: PermissionReminder,
    screen: Arc<Mutex<Map<String, Value>>>,
    /// What it answers to willPresent; nothing is Apple's default.
    in_front: Arc<Mutex<Vec<PresentationOption>>>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), AppError> {
    let argument = std::env::args().nth(1);
    let Some(fault) = Fault::named(argument.as_deref()) else { std::process::exit(64) };
    match fault {
        Fault::ExitsAtLaunch => std::process::exit(3),
        Fault::NeverAttaches => std::future::pending().await,
        Fault::None
        | Fault::CrashesWhenWoken
        | Fault::CrashesInWillPresent
        | Fault::HangsInWillPresent
        | Fault::NeverCompletes
        | Fault::HangsUp => {}
    }
    let environment = Environment::read()?;
    let app = App::attach(&environment).await?;
    let (center, application) = (app.notification_center(), app.application());
    let policy = ReminderPolicy::default();
    let news = News {
        fault,
        reminder: PermissionReminder::new(
            center.clone(),
            application.clone(),
            &environment.container,
            policy,
        ),
        center,
        application,
        screen: Arc::default(),
        in_front: Arc::new(Mutex::new(vec![PresentationOption::Banner, PresentationOption::List])),
    };
    if fault == Fault::HangsUp {
        drop((app, news));
        return std::future::pending().await;
    }
    news.application.register_for_remote_notifications().await?;
    app.run(news).await
}

impl News {
    async fn show(&self, name: &str, value: Value) {
        let screen = {
            let mut screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
            screen.insert(name.to_owned(), value);
            screen.clone()
        };
        if let Err(error) = self.application.show(screen).await {
            eprintln!("the page can't be shown: {error}");
        }
    }

    /// At each launch and whenever it comes to the front: may it send notifications? Who was never asked is asked, who
    /// refused is reminded now and then.
    async fn look_at_permission(&self) {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        match self.reminder.at_launch(now).await {
            Ok(advice) => {
                self.show("advice", json!(advice)).await;
                if advice == Advice::Ask {
                    let news = self.clone();
                    // The answer may take the user minutes; callbacks don't wait for it.
                    tokio::spawn(async move {
                        if let Ok(granted) = news.reminder.ask().await {
                            news.show("granted", json!(granted)).await;
                        }
                    });
                }
            }
            Err(error) => eprintln!("the user isn't asked: {error}"),
        }
    }

    /// A local notification with files of the app's container.
    async fn schedule(&self, touch: &Map<String, Value>) {
        let text = |name: &str| touch.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let trigger = touch.get("trigger").cloned().map(serde_json::from_value).transpose();
        let Ok(trigger) = trigger else { return self.show("scheduled", json!("no trigger")).await };
        let mut content =
            NotificationContent { title: Text::Plain(text("title")), ..NotificationContent::default() };
        content.user_info.insert("url".to_owned(), json!(text("url")));
        // Files of the app's container, by their names.
        let container = std::env::var("HOMING_CONTAINER").unwrap_or_default();
        let names =
            touch.get("attach").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        content.attachments =
            names.map(|name| Attachment::new(name, format!("file://{container}/{name}"))).collect();
        let request = NotificationRequest { identifier: text("identifier"), content, trigger };
        let added = self.center.add(request).await;
        self.show("scheduled", json!(added.err().map(|error| error.to_string()))).await;
    }

    /// *[center addNotificationRequest:request withCompletionHandler:…]*, as the article's fourth chapter does it. What the
    /// completion handler gets is shown: nothing, or *error.localizedDescription*.
    async fn add(&self, touch: &Map<String, Value>) {
        let request = touch.get("request").cloned().unwrap_or_default();
        let error = match serde_json::from_value::<NotificationRequest>(request) {
            Ok(request) => self.center.add(request).await.err().map(|error| error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        self.show("add_error", json!(error)).await;
        self.look().await;
    }

    /// *getPendingNotificationRequests* and *getDeliveredNotifications*: their identifiers.
    async fn look(&self) {
        if let Ok(pending) = self.center.pending_notification_requests().await {
            let identifiers: Vec<_> = pending.iter().map(|one| &one.request.identifier).collect();
            self.show("pending", json!(identifiers)).await;
        }
        if let Ok(delivered) = self.center.delivered_notifications().await {
            let identifiers: Vec<_> = delivered.iter().map(|one| &one.request.identifier).collect();
            self.show("delivered", json!(identifiers)).await;
        }
    }

    async fn remove(&self, touch: &Map<String, Value>, pending: bool) {
        let identifier = touch.get("identifier").and_then(Value::as_str).unwrap_or_default();
        let removed = if pending {
            self.center.remove_pending_notification_requests(&[identifier]).await
        } else {
            self.center.remove_delivered_notifications(&[identifier]).await
        };
        if let Err(error) = removed {
            eprintln!("nothing is removed: {error}");
        }
        self.look().await;
    }
}

/// The article's `params[@"url"]`, of the dictionary `userInfo` beside `aps`; or a plain `url` beside it.
fn url(notification: &Notification) -> Option<Value> {
    let user_info = &notification.request.content.user_info;
    user_info.get("userInfo").unwrap_or(&json!(user_info)).get("url").cloned()
}

fn title(notification: &Notification) -> Value {
    json!(notification.request.content.title)
}

impl AppDelegate for News {
    const TAKES_SILENT: bool = true;

    async fn did_finish_launching(&mut self, options: LaunchOptions) {
        self.show("launch_options", json!(options)).await;
    }

    async fn will_present(&mut self, notification: Notification) -> Vec<PresentationOption> {
        match self.fault {
            Fault::CrashesInWillPresent => std::process::abort(),
            Fault::HangsInWillPresent => std::future::pending().await,
            Fault::None
            | Fault::ExitsAtLaunch
            | Fault::NeverAttaches
            | Fault::CrashesWhenWoken
            | Fault::NeverCompletes
            | Fault::HangsUp => {}
        }
        self.show("will_present", title(&notification)).await;
        self.in_front.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn did_receive(&mut self, response: NotificationResponse) {
        self.show("did_receive", title(&response.notification)).await;
        self.show("user_info", json!(response.notification.request.content.user_info)).await;
        self.show("url", url(&response.notification).unwrap_or_default()).await;
        if self.fault == Fault::NeverCompletes {
            std::future::pending::<()>().await;
        }
    }

    async fn did_register(&mut self, device_token: Vec<u8>) {
        let hex: String = device_token.iter().map(|byte| format!("{byte:02x}")).collect();
        self.show("device_token", json!(hex)).await;
    }

    async fn did_fail_to_register(&mut self, error: LocalError) {
        self.show("registration_error", json!(error.to_string())).await;
    }

    async fn did_receive_remote(&mut self, user_info: UserInfo) -> FetchResult {
        if self.fault == Fault::CrashesWhenWoken {
            std::process::abort();
        }
        self.show("woken_by", json!(user_info)).await;
        if self.fault == Fault::NeverCompletes {
            std::future::pending::<()>().await;
        }
        FetchResult::NewData
    }

    async fn touched(&mut self, touch: Page) {
        match touch.0.get("touch").and_then(Value::as_str) {
            Some("open-settings") => {
                let opened = self.application.open_settings().await;
                self.show("opened_settings", json!(opened.is_ok())).await;
            }
            Some("schedule") => self.schedule(&touch.0).await,
            Some("add") => self.add(&touch.0).await,
            Some("cancel") => self.remove(&touch.0, true).await,
            Some("withdraw") => self.remove(&touch.0, false).await,
            Some("look") => self.look().await,
            // What it passes to the completion handler of willPresent from now on.
            Some("in-front") => {
                let options = touch.0.get("options").cloned().unwrap_or_default();
                if let Ok(wanted) = serde_json::from_value(options.clone()) {
                    *self.in_front.lock().unwrap_or_else(PoisonError::into_inner) = wanted;
                    self.show("in_front", options).await;
                }
            }
            Some("badge") => {
                let badge = self.application.application_icon_badge_number().await.ok();
                self.show("badge", json!(badge)).await;
            }
            _ => self.show("touch", json!(touch)).await,
        }
    }

    async fn state_changed(&mut self, state: AppStateWord) {
        self.show("state", json!(state)).await;
        if state == AppStateWord::Foreground {
            self.look_at_permission().await;
        }
    }
}
