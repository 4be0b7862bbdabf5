//! The process of an app, as the device sees it: a stream with frames both ways, and something to end.

use homing_local::message::DeviceMessage;
use homing_local::{AppRequest, frame};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use super::{Input, Phone, containers};
use crate::happening::{Happening, Kind};
use crate::launcher::Launch;

/// Messages an app hasn't read. One that falls further behind is ended, as the system ends an app that hangs.
const MESSAGES_QUEUED: usize = 2048;

/// An app that runs; dropping it ends the app.
#[derive(Debug)]
pub(super) struct Process {
    /// Tells this run from earlier ones of the same app.
    pub(super) run: u64,
    pub(super) screen: watch::Receiver<Value>,
    touches: mpsc::Sender<Value>,
    out: mpsc::Sender<Vec<u8>>,
    tasks: [AbortHandle; 4],
}

impl Drop for Process {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Phone {
    /// Starts an app. One that can't be started is told as gone.
    pub(super) fn launch(&mut self, bundle: &str) {
        let run = self.next_run;
        self.next_run += 1;
        let Some(app) = self.apps.get(bundle) else { return };
        let container = self.container(app.kept.container);
        let prepared = containers::ensure(&container).and_then(|()| UnixStream::pair());
        let (ours, theirs) = match prepared {
            Ok(pair) => pair,
            Err(error) => {
                tracing::error!(device = self.name, bundle, %error, "the app can't be started");
                return;
            }
        };
        let manifest = app.kept.manifest.clone();
        let running = self.launcher.launch(Launch { manifest, stream: theirs, container });
        let (from_app, to_app) = ours.into_split();
        let (out, messages) = mpsc::channel(MESSAGES_QUEUED);
        let reader = Reader { bundle: bundle.to_owned(), run, phone: self.inputs.clone(), out: out.clone() };
        let reader = tokio::spawn(reader.run(from_app)).abort_handle();
        let writer = tokio::spawn(write(messages, to_app)).abort_handle();
        let drawn = tokio::spawn(self.tell_of_screen(bundle, running.screen.clone())).abort_handle();
        let tasks = [running.abort, reader, writer, drawn];
        if let Some(app) = self.apps.get_mut(bundle) {
            let (screen, touches) = (running.screen, running.touches);
            app.process = Some(Process { run, screen, touches, out, tasks });
        }
    }

    /// Tells those who watch whenever the app shows something else.
    fn tell_of_screen(
        &self,
        bundle: &str,
        mut screen: watch::Receiver<Value>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (watchers, clock) = (self.watchers.clone(), self.clock.clone());
        let (device, app) = (self.name.clone(), bundle.to_owned());
        async move {
            while screen.changed().await.is_ok() {
                let (device, app) = (device.clone(), Some(app.clone()));
                let detail = Value::Object(serde_json::Map::new());
                watchers.tell(Happening { at: clock.now(), device, kind: Kind::Screen, app, detail });
            }
        }
    }

    /// Gives the app a touch on its page; `false` if it doesn't take it.
    pub(super) fn touch_app(&self, bundle: &str, touch: Value) -> bool {
        let process = self.apps.get(bundle).and_then(|app| app.process.as_ref());
        process.is_some_and(|process| process.touches.try_send(touch).is_ok())
    }

    /// Says something to an app; one that doesn't run hears nothing.
    pub(super) fn say_to_app(&mut self, bundle: &str, message: &DeviceMessage) {
        let Some(app) = self.apps.get_mut(bundle) else { return };
        let Some(process) = &app.process else { return };
        let taken = framed(message).is_some_and(|frame| process.out.try_send(frame).is_ok());
        if !taken {
            tracing::warn!(device = self.name, bundle, "the app doesn't listen; it is ended");
            let (bundle, run) = (bundle.to_owned(), process.run);
            app.process = None;
            // The queue being full only delays the news: the app's stream is closed now, which its reader tells too.
            if let Some(inputs) = self.inputs.upgrade() {
                let _ = inputs.try_send(Input::AppGone { bundle, run });
            }
        }
    }
}

fn framed(message: &DeviceMessage) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match frame::encode(&message.to_json(), &mut out) {
        Ok(()) => Some(out),
        Err(error) => {
            tracing::warn!(%error, "a message is too long for an app");
            None
        }
    }
}

async fn write(mut messages: mpsc::Receiver<Vec<u8>>, mut to_app: OwnedWriteHalf) {
    while let Some(frame) = messages.recv().await {
        if to_app.write_all(&frame).await.is_err() {
            // The reader sees the same end, and tells.
            return;
        }
    }
}

struct Reader {
    bundle: String,
    run: u64,
    phone: mpsc::WeakSender<Input>,
    out: mpsc::Sender<Vec<u8>>,
}

impl Reader {
    async fn run(self, from_app: OwnedReadHalf) {
        self.read(from_app).await;
        self.tell(Input::AppGone { bundle: self.bundle.clone(), run: self.run }).await;
    }

    async fn read(&self, mut from_app: OwnedReadHalf) {
        let mut buffer = Vec::with_capacity(4096);
        loop {
            while let Ok(Some((json, taken))) = frame::decode(&buffer) {
                if !self.take(json).await {
                    return;
                }
                buffer.drain(..taken);
            }
            if let Err(error) = frame::decode(&buffer) {
                tracing::warn!(bundle = self.bundle, %error, "an app can't be understood");
                return;
            }
            match from_app.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }

    /// `false` when the phone is gone; then so is the app.
    async fn tell(&self, input: Input) -> bool {
        match self.phone.upgrade() {
            Some(phone) => phone.send(input).await.is_ok(),
            None => false,
        }
    }

    /// `false` when the stream can't go on.
    async fn take(&self, json: &[u8]) -> bool {
        match AppRequest::from_json(json) {
            Ok(request) => {
                let said = Input::AppSaid { bundle: self.bundle.clone(), run: self.run, request };
                self.tell(said).await
            }
            Err(error) => match error.reply() {
                Some(reply) => {
                    let Some(frame) = framed(&DeviceMessage::Reply(reply)) else { return false };
                    self.out.send(frame).await.is_ok()
                }
                None => {
                    tracing::warn!(bundle = self.bundle, %error, "an app can't be understood");
                    false
                }
            },
        }
    }
}
