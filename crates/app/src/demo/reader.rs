//! The demo's delegate: what it does when the device calls it.

use homing_local::{
    AppStateWord, FetchResult, LaunchOptions, LocalError, Notification, NotificationResponse,
    PresentationOption, Text, Trigger, message::UserInfo,
};
use serde_json::{Map, Value};

use super::DemoOptions;
use super::hands::Hands;
use super::screen::{Refresh, Visit};
use crate::application::Application;
use crate::delegate::AppDelegate;

/// How a notification is shown in foreground, where the user wants that.
const SHOWN: [PresentationOption; 4] = [
    PresentationOption::Banner,
    PresentationOption::List,
    PresentationOption::Sound,
    PresentationOption::Badge,
];

pub(super) struct NewsReader {
    pub(super) hands: Hands,
    pub(super) application: Application,
    pub(super) options: DemoOptions,
    /// What the user acted on to start the app; its tap is still to come.
    pub(super) launched_for: Option<LaunchOptions>,
}

impl NewsReader {
    fn concerns(&self, notification: &Notification) -> bool {
        self.hands.sdk.as_ref().map_or(true, |sdk| sdk.concerns(notification))
    }
}

impl AppDelegate for NewsReader {
    const TAKES_SILENT: bool = true;

    async fn did_finish_launching(&mut self, options: LaunchOptions) {
        self.launched_for = Some(options);
    }

    async fn will_present(&mut self, notification: Notification) -> Vec<PresentationOption> {
        if !self.concerns(&notification) {
            return Vec::new();
        }
        let title = title_of(&notification);
        let banner = self.hands.screen.now().banner_in_foreground;
        self.hands.screen.change(|screen| screen.in_app_alert = title.filter(|_| !banner));
        // What fired waits no more. The device's answer mustn't wait for this one.
        let reminders = self.hands.reminders.clone();
        tokio::spawn(async move { reminders.look().await });
        if !banner {
            return Vec::new();
        }
        if self.options.in_foreground.is_empty() {
            SHOWN.to_vec()
        } else {
            self.options.in_foreground.clone()
        }
    }

    async fn did_receive(&mut self, response: NotificationResponse) {
        let notification = &response.notification;
        if !self.concerns(notification) {
            return;
        }
        if let Ok(sdk) = &self.hands.sdk
            && let Err(error) = sdk.report_opened(&response).await
        {
            tracing::warn!(%error, "that a notification was opened isn't reported");
        }
        if response.action_identifier != NotificationResponse::DEFAULT_ACTION {
            return;
        }
        let visit = Visit {
            title: title_of(notification),
            url: url_in(&notification.request.content.user_info),
            opened_at: self.options.time.now().max(notification.date),
            cold: self.launched_for.take().is_some_and(|options| started_by(&options, notification)),
            local: !matches!(notification.request.trigger, Some(Trigger::Push)),
        };
        self.hands.screen.change(|screen| screen.visit(visit));
    }

    async fn did_register(&mut self, device_token: Vec<u8>) {
        if let Ok(sdk) = &self.hands.sdk
            && let Err(error) = sdk.did_register(&device_token).await
        {
            tracing::warn!(%error, "the provider isn't told the token");
        }
        let hex = device_token.iter().map(|byte| format!("{byte:02x}")).collect();
        self.hands.screen.change(|screen| {
            screen.device_token = Some(hex);
            screen.registration_error = None;
        });
    }

    async fn did_fail_to_register(&mut self, error: LocalError) {
        self.hands.screen.change(|screen| screen.registration_error = Some(error.to_string()));
    }

    async fn did_receive_remote(&mut self, user_info: UserInfo) -> FetchResult {
        if self.hands.sdk.as_ref().is_ok_and(|sdk| !sdk.concerns_silent(&user_info)) {
            return FetchResult::NoData;
        }
        let refresh = url_in(&user_info.0).map(|url| Refresh {
            url,
            at: self.options.time.now(),
            state: self.application.application_state(),
        });
        let result = if refresh.is_some() { FetchResult::NewData } else { FetchResult::NoData };
        self.hands.screen.change(|screen| {
            screen.background_updates = screen.background_updates.saturating_add(1);
            refresh.into_iter().for_each(|refresh| screen.refresh(refresh));
        });
        self.hands.kept.keep(&self.hands.screen.now());
        result
    }

    async fn state_changed(&mut self, state: AppStateWord) {
        match state {
            AppStateWord::Foreground => {
                self.hands.permission.opened();
                self.hands.reminders.look().await;
            }
            AppStateWord::Background | AppStateWord::Ended | AppStateWord::ForceQuit => {}
        }
    }
}

/// Whether the user acted on this notification to start the app: the launch options have it, too.
fn started_by(options: &LaunchOptions, notification: &Notification) -> bool {
    let request = &notification.request;
    let local = options.local_notification.as_ref();
    options.remote_notification.as_ref().is_some_and(|payload| payload.0 == request.content.user_info)
        || local.is_some_and(|local| local.request.identifier == request.identifier)
}

/// `userInfo.url` of the payload (the article's custom key beside `aps`), or a plain `url` beside `aps`.
fn url_in(user_info: &Map<String, Value>) -> Option<String> {
    let nested = user_info.get("userInfo").and_then(|custom| custom.get("url"));
    Some(nested.or_else(|| user_info.get("url"))?.as_str()?.to_owned())
}

fn title_of(notification: &Notification) -> Option<String> {
    match &notification.request.content.title {
        Text::Plain(title) => Some(title.clone()),
        Text::Localized { loc_key, .. } => Some(loc_key.clone()),
    }
}
