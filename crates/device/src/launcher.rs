//! How an app's process comes to be. In this version every app runs in the device's own process and talks to it over
//! a socket pair; which program an app is, is decided by whoever starts the device.

use std::path::PathBuf;

use homing_local::AppManifest;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

/// Starts apps. Called within the device's tokio runtime; must not block.
pub trait AppLauncher: std::fmt::Debug + Send + Sync + 'static {
    fn launch(&self, launch: Launch) -> RunningApp;
}

/// An app to be started.
#[derive(Debug)]
pub struct Launch {
    pub manifest: AppManifest,
    /// The app's end of its connection to the device: frames of [`homing_local::frame`].
    pub stream: UnixStream,
    /// The app's data container: a directory of its own, which exists, is open to its owner only (0700), outlives
    /// launches and newer versions, and is removed with the app.
    pub container: PathBuf,
}

/// An app that runs.
#[derive(Debug)]
pub struct RunningApp {
    /// Ends the app as the system does: at once.
    pub abort: AbortHandle,
    /// What the app shows, as JSON of its own; its member `url` is the page that is open.
    pub screen: watch::Receiver<Value>,
    /// Where the user's touches on the app's page go: JSON objects, in words of the app's own. What the app has no room
    /// for is refused.
    pub touches: mpsc::Sender<Value>,
}
