//! The demo's delegate: what it does when the device calls it.

use std::time::SystemTime;

use homing_local::{
    AppStateWord, FetchResult, LocalError, Notification, NotificationResponse, PresentationOption, Text,
    UnixMillis, message::UserInfo,
};

use super::DemoOptions;
use super::hands::Hands;
use super::screen::Visit;
use crate::delegate::AppDelegate;

pub(super) struct NewsReader {
    pub(super) hands: Hands,
    pub(super) options: DemoOptions,
}

impl NewsReader {
    fn concerns(&self, notification: &Notification) -> bool {
        self.hands.sdk.as_ref().map_or(true, |sdk| sdk.concerns(notification))
    }
}

impl AppDelegate for NewsReader {
    const TAKES_SILENT: bool = true;

    async fn will_present(&mut self, notification: Notification) -> Vec<PresentationOption> {
        if !self.concerns(&notification) {
            return Vec::new();
        }
        let title = title_of(&notification);
        self.hands.screen.change(|screen| screen.in_app_alert = title);
        self.options.in_foreground.clone()
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
            url: url_of(notification),
            // The device's clock may be ahead of ours.
            opened_at: now().max(notification.date),
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
        self.hands
            .screen
            .change(|screen| screen.background_updates = screen.background_updates.saturating_add(1));
        FetchResult::NewData
    }

    async fn state_changed(&mut self, state: AppStateWord) {
        match state {
            AppStateWord::Foreground => self.hands.permission.opened(self.options.asks_when_opened),
            AppStateWord::Background | AppStateWord::Ended | AppStateWord::ForceQuit => {}
        }
    }
}

fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// `userInfo.url` of the payload (the article's custom key beside `aps`), or a plain `url` beside `aps`.
fn url_of(notification: &Notification) -> Option<String> {
    let user_info = &notification.request.content.user_info;
    let nested = user_info.get("userInfo").and_then(|custom| custom.get("url"));
    Some(nested.or_else(|| user_info.get("url"))?.as_str()?.to_owned())
}

fn title_of(notification: &Notification) -> Option<String> {
    match &notification.request.content.title {
        Text::Plain(title) => Some(title.clone()),
        Text::Localized { loc_key, .. } => Some(loc_key.clone()),
    }
}
