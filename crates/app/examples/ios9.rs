//! The article's app as it was written before UserNotifications: a process of its own, on the iOS 9 half of the SDK. With the
//! argument `fetch` it also has the method with the fetch completion handler, which wins over the plain one.
//!
//! What it was called for it shows as its page, so that `GET …/apps/<bundle ID>` tells.

use homing_app::legacy::{
    self, Action, ApplicationState, Has, LaunchOptions, LegacyApplication, LegacyDelegate, LocalNotification,
    UserNotificationSettings,
};
use homing_app::{App, AppError, Application};
use homing_local::FetchResult;
use homing_local::message::{Page, UserInfo};
use serde_json::{Map, Value, json};

struct Reader<const FETCH: bool> {
    ios_9: LegacyApplication,
    application: Application,
    screen: Map<String, Value>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), AppError> {
    let fetches = std::env::args().nth(1).as_deref() == Some("fetch");
    let app = App::from_environment().await?;
    if fetches { run::<true>(app).await } else { run::<false>(app).await }
}

async fn run<const FETCH: bool>(app: App) -> Result<(), AppError> {
    let (ios_9, application) = (LegacyApplication::of(&app), app.application());
    ios_9.register_for_remote_notifications().await?;
    legacy::run(app, Reader::<FETCH> { ios_9, application, screen: Map::new() }).await
}

impl<const FETCH: bool> Reader<FETCH> {
    async fn show(&mut self, name: &str, value: Value) {
        self.screen.insert(name.to_owned(), value);
        if let Err(error) = self.application.show(self.screen.clone()).await {
            eprintln!("the page can't be shown: {error}");
        }
    }

    /// The article: by its state the app knows whether it was in front of the user, or came there by a tap.
    async fn called(&mut self, name: &str, state: ApplicationState, body: Value) {
        self.show("called", json!({"callback": name, "application_state": state, "with": body})).await;
    }

    /// *[UIUserNotificationSettings settingsForTypes:…]*, as the touch says.
    async fn register(&mut self, touch: &Map<String, Value>) {
        let settings = touch.get("settings").cloned().unwrap_or_default();
        let Ok(settings) = serde_json::from_value::<UserNotificationSettings>(settings) else { return };
        if let Err(error) = self.ios_9.register_user_notification_settings(settings).await {
            self.show("error", json!(error.to_string())).await;
        }
    }

    /// What the article does with a *UILocalNotification*.
    async fn local(&mut self, what: &str, touch: &Map<String, Value>) {
        let notification = touch.get("notification").cloned().unwrap_or_default();
        let Ok(notification) = serde_json::from_value::<LocalNotification>(notification) else { return };
        let done = match what {
            "present-now" => self.ios_9.present_local_notification_now(&notification).await,
            "schedule" => self.ios_9.schedule_local_notification(&notification).await,
            _ => self.ios_9.cancel_local_notification(&notification).await,
        };
        self.show("error", json!(done.err().map(|error| error.to_string()))).await;
        self.look().await;
    }

    /// *currentUserNotificationSettings*, *scheduledLocalNotifications*, *isRegisteredForRemoteNotifications*.
    async fn look(&mut self) {
        if let Ok(settings) = self.ios_9.current_user_notification_settings().await {
            self.show("types", json!(settings.types)).await;
        }
        if let Ok(scheduled) = self.ios_9.scheduled_local_notifications().await {
            let bodies: Vec<_> = scheduled.iter().map(|one| &one.alert_body).collect();
            let bodies = json!(bodies);
            self.show("scheduled", bodies).await;
        }
        if let Ok(registered) = self.ios_9.is_registered_for_remote_notifications().await {
            self.show("registered", json!(registered)).await;
        }
    }
}

impl<const FETCH: bool> LegacyDelegate for Reader<FETCH> {
    const HAS: Has = Has { remote: true, fetch: FETCH, local: true, action: true };

    async fn did_finish_launching(&mut self, options: LaunchOptions) {
        let local = options.local_notification.map(|local| local.user_info);
        self.show("launched_by_remote", json!(options.remote_notification)).await;
        self.show("launched_by_local", json!(local)).await;
        self.look().await;
    }

    async fn did_register_user_notification_settings(&mut self, settings: UserNotificationSettings) {
        self.show("did_register", json!(settings.types)).await;
        self.look().await;
    }

    async fn did_receive_remote_notification(&mut self, user_info: UserInfo, state: ApplicationState) {
        self.called("didReceiveRemoteNotification", state, json!(user_info)).await;
    }

    async fn did_receive_remote_notification_fetch(
        &mut self,
        user_info: UserInfo,
        state: ApplicationState,
    ) -> FetchResult {
        let name = "didReceiveRemoteNotification:fetchCompletionHandler";
        self.called(name, state, json!(user_info)).await;
        FetchResult::NewData
    }

    async fn did_receive_local_notification(
        &mut self,
        notification: LocalNotification,
        state: ApplicationState,
    ) {
        self.called("didReceiveLocalNotification", state, json!(notification.user_info)).await;
    }

    async fn handle_action(&mut self, action: Action, state: ApplicationState) {
        let Action { identifier, typed_text, .. } = action;
        let body = json!({"identifier": identifier, "typed_text": typed_text});
        self.called("handleActionWithIdentifier", state, body).await;
    }

    async fn did_register(&mut self, device_token: Vec<u8>) {
        let hex: String = device_token.iter().map(|byte| format!("{byte:02x}")).collect();
        self.show("device_token", json!(hex)).await;
    }

    async fn touched(&mut self, touch: Page) {
        match touch.0.get("touch").and_then(Value::as_str) {
            Some("register") => self.register(&touch.0).await,
            Some("look") => self.look().await,
            Some("clear-badge") => {
                let cleared = self.ios_9.set_application_icon_badge_number(0).await;
                self.show("cleared", json!(cleared.is_ok())).await;
            }
            Some(what @ ("present-now" | "schedule" | "cancel")) => self.local(what, &touch.0).await,
            _ => {}
        }
    }
}
