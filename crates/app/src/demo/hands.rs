//! What the demo does when its user touches the page: pages, permission, reminders, signing in and out.

use std::convert::Infallible;
use std::path::PathBuf;

use serde_json::Value;
use tokio::sync::mpsc;

use super::keepsakes::Keepsakes;
use super::permission::Permission;
use super::reminders::{Reminders, Wish};
use super::screen::ScreenHandle;
use super::touches::Touch;
use crate::provider::ProviderSdk;

/// Its being there says that somebody has signed in or out on this installation.
const CHOSEN: &str = "demo-user-chosen";

#[derive(Clone, Debug)]
pub(super) struct Hands {
    pub(super) permission: Permission,
    pub(super) reminders: Reminders,
    pub(super) screen: ScreenHandle,
    /// Or why nobody can sign in.
    pub(super) sdk: Result<ProviderSdk, String>,
    pub(super) container: PathBuf,
    pub(super) kept: Keepsakes,
}

impl Hands {
    /// Signs in by itself at the first launch after install, then does what the user does.
    pub(super) async fn serve(
        &self,
        first: Option<String>,
        mut touches: mpsc::Receiver<Value>,
    ) -> Infallible {
        if let Some(user) = first.filter(|_| self.sdk.is_ok() && !self.container.join(CHOSEN).exists()) {
            self.sign_in(&user).await;
        }
        while let Some(touch) = touches.recv().await {
            if let Some(touch) = Touch::read(&touch) {
                self.touched(touch).await;
            }
        }
        std::future::pending().await
    }

    /// Shows who is signed in, and whether the provider knows.
    pub(super) async fn show_sign_in(&self) -> Infallible {
        let Ok(sdk) = &self.sdk else { return std::future::pending().await };
        let mut status = sdk.status();
        loop {
            let now = status.borrow_and_update().clone();
            self.screen.change(|screen| {
                screen.signing_in = now.user.is_some() && !now.settled;
                screen.sign_in_error = now.trouble;
                screen.user = now.user;
            });
            if status.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    async fn touched(&self, touch: Touch) {
        match touch {
            Touch::SignIn { user } => self.sign_in(&user).await,
            Touch::SignOut => self.sign_out().await,
            Touch::GoHome => self.screen.change(|screen| screen.url = None),
            Touch::Open { url } => self.screen.change(|screen| screen.url = Some(url)),
            Touch::AskPermission => self.permission.ask(),
            Touch::OpenSettings => self.permission.open_settings().await,
            Touch::NotNow => self.permission.put_reminder_away(),
            Touch::Schedule { identifier, title, body, url, trigger } => {
                self.reminders.schedule(Wish { identifier, title, body, url, trigger }).await;
            }
            Touch::Cancel { identifier } => self.reminders.cancel(identifier).await,
            Touch::Withdraw { identifier } => self.reminders.withdraw(identifier).await,
            Touch::Look => {
                self.screen.change(|screen| screen.said = None);
                self.reminders.look().await;
            }
            Touch::InForeground { banner } => {
                self.screen.change(|screen| screen.banner_in_foreground = banner);
                self.kept.keep(&self.screen.now());
            }
        }
    }

    async fn sign_in(&self, user: &str) {
        let sdk = match &self.sdk {
            Ok(sdk) if self.screen.has_account(user) => sdk,
            Ok(_) => return self.refuse(&format!("{user} has no account here")),
            Err(why) => return self.refuse(why),
        };
        self.screen.change(|screen| {
            screen.signing_in = true;
            screen.sign_in_error = None;
        });
        match sdk.log_in(user).await {
            Ok(()) => self.chosen(),
            Err(error) => self.refuse(&error.to_string()),
        }
    }

    /// The pages of who was signed in go, too.
    async fn sign_out(&self) {
        let sdk = match &self.sdk {
            Ok(sdk) => sdk,
            Err(why) => return self.refuse(why),
        };
        if let Err(error) = sdk.log_out().await {
            return self.refuse(&error.to_string());
        }
        self.chosen();
        self.screen.change(|screen| {
            screen.url = None;
            screen.in_app_alert = None;
            screen.history.clear();
            screen.refreshed.clear();
        });
        self.kept.keep(&self.screen.now());
        // Without permission there is no badge to hide.
        if let Err(error) = self.permission.center.set_badge_count(0).await {
            tracing::debug!(%error, "the badge stays");
        }
    }

    fn refuse(&self, why: &str) {
        self.screen.change(|screen| {
            screen.signing_in = false;
            screen.sign_in_error = Some(why.to_owned());
        });
    }

    fn chosen(&self) {
        if let Err(error) = std::fs::write(self.container.join(CHOSEN), "") {
            tracing::warn!(%error, "the demo can't remember that its user has chosen");
        }
    }
}
