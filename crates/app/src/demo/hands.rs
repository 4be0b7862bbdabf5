//! What the demo does when its user touches the page: pages, permission, signing in and out.

use std::convert::Infallible;
use std::path::PathBuf;

use homing_local::{AuthorizationOption, AuthorizationStatus};
use serde_json::Value;
use tokio::sync::mpsc;

use super::screen::ScreenHandle;
use super::touches::Touch;
use crate::center::{AppError, NotificationCenter};
use crate::provider::ProviderSdk;

/// Its being there says that somebody has signed in or out on this installation.
const CHOSEN: &str = "demo-user-chosen";

#[derive(Clone, Debug)]
pub(super) struct Hands {
    pub(super) permission: Permission,
    pub(super) screen: ScreenHandle,
    /// Or why nobody can sign in.
    pub(super) sdk: Result<ProviderSdk, String>,
    pub(super) container: PathBuf,
}

/// Whether the app may send notifications.
#[derive(Clone, Debug)]
pub(super) struct Permission {
    pub(super) center: NotificationCenter,
    pub(super) screen: ScreenHandle,
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
        });
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

impl Permission {
    pub(super) async fn look(&self) -> Result<AuthorizationStatus, AppError> {
        let permission = self.center.notification_settings().await?.authorization_status;
        self.screen.change(|screen| screen.permission = permission);
        Ok(permission)
    }

    /// Asks in a task of its own: the answer may take the user minutes, and callbacks must not wait for it.
    fn ask(&self) {
        let permission = self.clone();
        tokio::spawn(async move {
            if let Err(error) = permission.ask_and_wait().await {
                tracing::debug!(%error, "the user can't be asked");
            }
        });
    }

    async fn ask_and_wait(&self) -> Result<(), AppError> {
        let options = [AuthorizationOption::Alert, AuthorizationOption::Sound, AuthorizationOption::Badge];
        let granted = self.center.request_authorization(&options).await?;
        self.screen.change(|screen| screen.granted = Some(granted));
        self.look().await?;
        Ok(())
    }

    /// The app came to the front: the user may have been in Settings meanwhile, or was never asked.
    pub(super) fn opened(&self, asks: bool) {
        let permission = self.clone();
        tokio::spawn(async move {
            match permission.look().await {
                Ok(AuthorizationStatus::NotDetermined) if asks => permission.ask(),
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "the settings can't be read"),
            }
        });
    }
}
