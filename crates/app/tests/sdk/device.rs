//! A device that takes every call and remembers whose notifications its app wants, and what it has scheduled.

use std::sync::{Arc, Mutex};

use homing_app::NotificationCenter;
use homing_app::demo::BUNDLE_ID;
use homing_local::message::DeviceMessage;
use homing_local::{
    AppCall, AppReply, AppRequest, AuthorizationStatus, DeviceEvent, NotificationRequest,
    NotificationSettings, PendingView, Recipient, Reply, frame,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::broadcast;

#[derive(Clone)]
pub(crate) struct Device {
    recipients: Arc<Mutex<Vec<Recipient>>>,
    status: Arc<Mutex<AuthorizationStatus>>,
    pending: Arc<Mutex<Vec<NotificationRequest>>>,
    events: broadcast::Sender<DeviceEvent>,
}

impl Device {
    pub(crate) fn start() -> Self {
        Self {
            recipients: Arc::default(),
            status: Arc::default(),
            pending: Arc::default(),
            events: broadcast::Sender::new(16),
        }
    }

    /// The app's end of a new run's stream.
    pub(crate) fn open(&self) -> UnixStream {
        let (theirs, ours) = UnixStream::pair().expect("a socket pair");
        tokio::spawn(serve(self.clone(), self.events.subscribe(), ours));
        theirs
    }

    /// A new run of the app.
    pub(crate) async fn attach(&self) -> NotificationCenter {
        let attached = NotificationCenter::attach(self.open(), BUNDLE_ID).await;
        attached.expect("it attaches").0
    }

    /// Tells every run.
    pub(crate) fn tell(&self, event: DeviceEvent) {
        self.events.send(event).expect("the app runs");
    }

    pub(crate) fn recipients(&self) -> Vec<Recipient> {
        self.recipients.lock().expect("nobody panicked").clone()
    }

    pub(crate) fn set_status(&self, status: AuthorizationStatus) {
        *self.status.lock().expect("nobody panicked") = status;
    }

    fn reply_to(&self, call: AppCall) -> Reply {
        let mut pending = self.pending.lock().expect("nobody panicked");
        if matches!(call, AppCall::GetNotificationSettings) {
            let authorization_status = *self.status.lock().expect("nobody panicked");
            let settings = NotificationSettings { authorization_status, ..NotificationSettings::default() };
            return Reply::Settings(Box::new(settings));
        }
        if matches!(call, AppCall::GetDeliveredNotifications) {
            return Reply::Delivered(Vec::new());
        }
        if matches!(call, AppCall::GetPendingNotificationRequests) {
            let view = |request: &NotificationRequest| PendingView {
                app: BUNDLE_ID.to_owned(),
                request: request.clone(),
                next_trigger_date: None,
            };
            return Reply::Pending(pending.iter().map(view).collect());
        }
        if let AppCall::RemovePendingNotificationRequests { identifiers } = &call {
            pending.retain(|one| !identifiers.contains(&one.identifier));
        }
        if let AppCall::SetRecipient { recipient } = call {
            self.recipients.lock().expect("nobody panicked").push(recipient);
        } else if let AppCall::Add { request } = call {
            pending.retain(|older| older.identifier != request.identifier);
            pending.push(*request);
        }
        Reply::Done
    }
}

async fn serve(device: Device, mut events: broadcast::Receiver<DeviceEvent>, mut stream: UnixStream) {
    let mut read = Vec::new();
    loop {
        let mut out = Vec::new();
        tokio::select! {
            count = stream.read_buf(&mut read) => if count.unwrap_or(0) == 0 { return },
            event = events.recv() => {
                let event = DeviceMessage::Event(event.expect("the device lives"));
                frame::encode(&event.to_json(), &mut out).expect("it is short");
            }
        }
        while let Some((json, taken)) = frame::decode(&read).expect("it is a frame") {
            let AppRequest { id, call } = AppRequest::from_json(json).expect("it is a call");
            read.drain(..taken);
            let reply = DeviceMessage::Reply(AppReply { reply_to: id, reply: device.reply_to(call) });
            frame::encode(&reply.to_json(), &mut out).expect("it is short");
        }
        if stream.write_all(&out).await.is_err() {
            return;
        }
    }
}
