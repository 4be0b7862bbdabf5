//! What a device tells those who watch it: one event for everything worth seeing, with the decision and its reason.

use std::sync::Arc;

use homing_trace::UnixMillis;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast;
use utoipa::ToSchema;

/// Events kept for a watcher that is slow. One that falls further behind is told how many it missed.
pub(crate) const KEPT: usize = 1024;

/// Those who watch one device, and those who watch all.
#[derive(Clone, Debug)]
pub(crate) struct Watchers {
    of_device: broadcast::Sender<Arc<Happening>>,
    of_all: broadcast::Sender<Arc<Happening>>,
}

impl Watchers {
    pub(crate) fn with(of_all: broadcast::Sender<Arc<Happening>>) -> Self {
        Self { of_device: broadcast::Sender::new(KEPT), of_all }
    }

    pub(crate) fn tell(&self, happening: Happening) {
        let happening = Arc::new(happening);
        // Nobody may be watching.
        let _ = self.of_device.send(Arc::clone(&happening));
        let _ = self.of_all.send(happening);
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<Happening>> {
        self.of_device.subscribe()
    }
}

/// One event of a device, as it stands in the event stream.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Happening {
    #[schema(value_type = String, format = DateTime)]
    pub at: UnixMillis,
    /// The device's name.
    pub device: String,
    pub kind: Kind,
    /// The bundle ID, of what concerns an app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// What exactly, by kind.
    #[schema(value_type = Object)]
    pub detail: Value,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The device is new here.
    Added,
    /// The device and all that was its is gone.
    Erased,
    /// The device was turned off and on.
    Restarted,
    /// All content was erased: the device is as new.
    ContentErased,
    /// A backup took the place of everything on the device.
    Restored,
    /// The connection to the push service came or went.
    Link,
    /// The screen was locked or unlocked.
    Lock,
    Installed,
    Removed,
    /// An app went to the foreground, to the background, or ended; `cause` says why.
    AppMoved,
    /// An app's process ended by itself, or couldn't be started: `exit_status` or `signal`, and `why` if the device ended
    /// it for what it didn't do.
    Crashed,
    /// An app's process was stopped in background, or goes on.
    Suspended,
    /// An app sent the user to its page in Settings.
    SettingsOpened,
    /// The push service gave a token, or refused to.
    Token,
    PromptShown,
    PromptWithdrawn,
    /// A notification came from the push service and is safe.
    Arrived,
    /// A notification is to be seen on `surfaces`.
    Presented,
    Sound,
    Badge,
    /// Notifications are no more to be seen.
    Withdrawn,
    WillPresent,
    DidReceive,
    DidReceiveRemoteNotification,
    /// The content extension was given a notification that is open, or an action of it.
    ContentExtension,
    /// The scheduled summary came.
    Summary,
    /// The service extension was given a notification, or is told that its time is over.
    ServiceExtension,
    /// What came isn't for the notification center: the framework of its push type has it. Of `voip`, a call was reported.
    HandedOver,
    /// What the device said about a notification: stage and reason.
    Receipt,
    /// What a running app shows changed.
    Screen,
    /// What the user decides changed, outside any app: permission, a switch in Settings, airplane mode.
    Changed,
}
