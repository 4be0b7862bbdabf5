//! How the virtual iPhones run their apps: every app is the demo app, whatever its bundle ID.

use std::sync::Arc;

use homing_app::demo::{self, DemoLaunch, DemoOptions, DeviceTime, TOUCHES_QUEUED};
use homing_app::provider::IdentityTokens;
use homing_clock::Clock;
use homing_device::{AppLauncher, Launch, RunningApp};
use tokio::sync::{mpsc, watch};

use super::{ACCOUNTS, Business};

/// Starts the demo app for a phone.
#[derive(Debug)]
pub(crate) struct DemoApps {
    options: DemoOptions,
}

impl DemoApps {
    /// Apps that know no business: nobody can sign in to them.
    pub(crate) fn alone(clock: Clock) -> Self {
        Self { options: DemoOptions { time: time_of(clock), ..DemoOptions::default() } }
    }

    /// Apps whose users sign in at `business` and are made known to its provider, which is at this URL.
    pub(crate) fn of(business: &Business, provider: &str, clock: Clock) -> Self {
        let login = business.clone();
        let identity_tokens = IdentityTokens::new(move |user| {
            let token = login.identity_token(&user);
            async move { token.ok_or_else(|| format!("nobody here is called {user}")) }
        });
        Self {
            options: DemoOptions {
                accounts: ACCOUNTS.map(str::to_owned).to_vec(),
                business: Some(demo::Business { provider: provider.to_owned(), identity_tokens }),
                time: time_of(clock),
                ..DemoOptions::default()
            },
        }
    }

    pub(crate) fn launcher(self) -> Arc<dyn AppLauncher> {
        Arc::new(self)
    }
}

fn time_of(clock: Clock) -> DeviceTime {
    DeviceTime::new(move || clock.now())
}

impl AppLauncher for DemoApps {
    fn launch(&self, launch: Launch) -> RunningApp {
        let (shows, screen) = watch::channel(serde_json::Value::Null);
        let (touches, touched) = mpsc::channel(TOUCHES_QUEUED);
        let options = self.options.clone();
        let app = tokio::spawn(async move {
            let bundle_id = launch.manifest.bundle_id.clone();
            let given =
                DemoLaunch { manifest: launch.manifest, container: launch.container, touches: touched };
            if let Err(error) = demo::run(launch.stream, given, options, shows).await {
                tracing::debug!(%error, bundle_id, "the demo app ended");
            }
        });
        RunningApp { abort: app.abort_handle(), screen, touches }
    }
}
