//! An app on its device: how it gets there, and the two objects that everything is asked of. What it is told is
//! `delegate`'s.

use std::path::PathBuf;

use homing_local::launch;
use homing_local::message::Secret;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;

use crate::application::Application;
use crate::center::{AppError, Events, NotificationCenter};
use crate::delegate::AppDelegate;
use crate::stream::Calls;

/// An app that runs. Dropping it and what was taken of it ends its connection, and so the app.
#[derive(Debug)]
pub struct App {
    center: NotificationCenter,
    application: Application,
    events: Events,
}

/// What a process is given by the device that starts it.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The device's Unix socket.
    pub socket: PathBuf,
    /// The device's name, where a host has several.
    pub device: Option<String>,
    /// *Bundle.main.bundleIdentifier*.
    pub bundle_id: String,
    /// Proves the bundle ID: of this install.
    pub secret: Secret,
    /// The app's data container (`NSHomeDirectory()`).
    pub container: PathBuf,
}

impl Environment {
    /// Reads it from the process's environment variables ([`homing_local::launch`]); the error names one that is
    /// missing.
    pub fn read() -> Result<Self, AppError> {
        let of = |name: &'static str| std::env::var_os(name).ok_or(AppError::NotLaunched { missing: name });
        let text = |name| of(name).map(|value| value.to_string_lossy().into_owned());
        Ok(Self {
            socket: of(launch::SOCKET)?.into(),
            device: text(launch::DEVICE).ok(),
            bundle_id: text(launch::BUNDLE_ID)?,
            secret: Secret::new(text(launch::SECRET)?),
            container: of(launch::CONTAINER)?.into(),
        })
    }
}

impl App {
    /// Attaches the process that the device has started. Must be called within a tokio runtime, as everything here.
    pub async fn from_environment() -> Result<Self, AppError> {
        Self::attach(&Environment::read()?).await
    }

    /// Attaches a process as this app.
    pub async fn attach(environment: &Environment) -> Result<Self, AppError> {
        let Environment { socket, device, bundle_id, secret, .. } = environment;
        let stream = UnixStream::connect(socket)
            .await
            .map_err(|source| AppError::NoDevice { socket: socket.clone(), source })?;
        let (calls, events) = Calls::over(stream);
        Self::begin(calls, events, bundle_id, device.clone(), Some(secret.clone())).await
    }

    /// Attaches an app that runs in the device's own process, on the stream that the device gave it.
    pub async fn in_process<S>(stream: S, bundle_id: &str) -> Result<Self, AppError>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (calls, events) = Calls::over(stream);
        Self::begin(calls, events, bundle_id, None, None).await
    }

    async fn begin(
        calls: Calls,
        events: tokio::sync::mpsc::Receiver<homing_local::DeviceEvent>,
        bundle_id: &str,
        device: Option<String>,
        secret: Option<Secret>,
    ) -> Result<Self, AppError> {
        let center = NotificationCenter::over(calls);
        center.attach_as(bundle_id, device, secret).await?;
        let application = Application::of(&center);
        Ok(Self { center, application, events: Events(events) })
    }

    /// *UNUserNotificationCenter.current()*.
    pub fn notification_center(&self) -> NotificationCenter {
        self.center.clone()
    }

    /// *UIApplication.shared*.
    pub fn application(&self) -> Application {
        self.application.clone()
    }

    /// Sets the delegate, ends the launch, and gives it what the device says, until the device closes the connection:
    /// then the app is to end.
    pub async fn run(self, delegate: impl AppDelegate) -> Result<(), AppError> {
        self.center.run_delegate(self.events, delegate).await
    }

    pub(crate) fn into_parts(self) -> (NotificationCenter, Application, Events) {
        (self.center, self.application, self.events)
    }
}
