//! An app's stream, as the device sees it: frames both ways, both bounded. An app that asks faster than it is answered
//! waits; one that doesn't read is ended. Who may open a stream is decided by `socket` and `process`.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use homing_local::message::DeviceMessage;
use homing_local::{AppReply, AppRequest, LocalError, Reply, frame};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::Input;

/// Messages an app hasn't read, and their bytes. One that falls further behind is ended, as the system ends an app that
/// hangs.
const MESSAGES_QUEUED: usize = 2048;
const BYTES_QUEUED: usize = 8 * 1024 * 1024;
/// Calls of one app that the phone hasn't taken yet; so an app that floods holds up itself, not the others.
const CALLS_QUEUED: usize = 32;

/// The device's end of a line, which lives as long as the app's run; dropping it closes the stream.
#[derive(Debug)]
pub(super) struct OpenLine {
    out: mpsc::Sender<Vec<u8>>,
    queued: Arc<AtomicUsize>,
    _open: oneshot::Sender<Infallible>,
}

/// The other end, for whoever has the stream.
#[derive(Debug)]
pub(crate) struct Line {
    reader: Reader,
    messages: mpsc::Receiver<Vec<u8>>,
    queued: Arc<AtomicUsize>,
    closed: oneshot::Receiver<Infallible>,
}

/// A line for this run of the app. What is said before somebody serves it waits.
pub(super) fn open(bundle: &str, run: u64, phone: mpsc::WeakSender<Input>) -> (OpenLine, Line) {
    let (out, messages) = mpsc::channel(MESSAGES_QUEUED);
    let (open, closed) = oneshot::channel();
    let queued = Arc::new(AtomicUsize::new(0));
    let calls = Arc::new(Semaphore::new(CALLS_QUEUED));
    let answers = (out.clone(), Arc::clone(&queued));
    let reader = Reader { bundle: bundle.to_owned(), run, phone, answers, calls };
    let line = Line { reader, messages, queued: Arc::clone(&queued), closed };
    (OpenLine { out, queued, _open: open }, line)
}

impl OpenLine {
    /// `false` if the app is too far behind, or gone. In place of an answer that is too long it is told so; an event
    /// that is too long is left out.
    pub(super) fn say(&self, message: &DeviceMessage) -> bool {
        match (framed(message), message) {
            (Some(frame), _) => self.send(frame),
            (None, DeviceMessage::Reply(AppReply { reply_to, .. })) => {
                framed(&too_long(*reply_to)).is_some_and(|frame| self.send(frame))
            }
            (None, DeviceMessage::Event(_) | DeviceMessage::Unknown(_)) => true,
        }
    }

    fn send(&self, frame: Vec<u8>) -> bool {
        let len = frame.len();
        if self.queued.load(Ordering::Relaxed).saturating_add(len) > BYTES_QUEUED {
            return false;
        }
        self.queued.fetch_add(len, Ordering::Relaxed);
        self.out.try_send(frame).is_ok()
    }
}

impl Line {
    /// Carries what is said until either side ends; then the phone is told that the app is gone. `first` is said before
    /// anything else, `read` was read already.
    pub(crate) async fn serve(self, stream: UnixStream, first: Option<DeviceMessage>, read: Vec<u8>) {
        let Self { reader, mut messages, queued, closed } = self;
        let (from_app, mut to_app) = stream.into_split();
        let write = async {
            if let Some(frame) = first.as_ref().and_then(framed)
                && to_app.write_all(&frame).await.is_err()
            {
                return;
            }
            write(&mut messages, &queued, to_app).await;
        };
        tokio::select! {
            _ = closed => return,
            () = write => {}
            () = reader.read(from_app, read) => {}
        }
        reader.tell(Input::AppGone { bundle: reader.bundle.clone(), run: reader.run }).await;
    }
}

fn too_long(reply_to: u64) -> DeviceMessage {
    let limit = frame::MAX_LEN >> 20;
    let message =
        format!("the answer is longer than {limit} MiB: remove some of what it lists, and ask again");
    let error = LocalError::homing(LocalError::TOO_LONG, message);
    DeviceMessage::Reply(AppReply { reply_to, reply: Reply::Error(error) })
}

pub(crate) fn framed(message: &DeviceMessage) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match frame::encode(&message.to_json(), &mut out) {
        Ok(()) => Some(out),
        Err(error) => {
            tracing::warn!(%error, "a message is too long for an app");
            None
        }
    }
}

async fn write(messages: &mut mpsc::Receiver<Vec<u8>>, queued: &AtomicUsize, mut to_app: OwnedWriteHalf) {
    while let Some(frame) = messages.recv().await {
        if to_app.write_all(&frame).await.is_err() {
            return;
        }
        queued.fetch_sub(frame.len(), Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Reader {
    bundle: String,
    run: u64,
    phone: mpsc::WeakSender<Input>,
    /// To the app, for what the phone needn't see.
    answers: (mpsc::Sender<Vec<u8>>, Arc<AtomicUsize>),
    calls: Arc<Semaphore>,
}

impl Reader {
    async fn read(&self, mut from_app: OwnedReadHalf, mut buffer: Vec<u8>) {
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
                let Ok(room) = Arc::clone(&self.calls).acquire_owned().await else { return false };
                self.tell(Input::AppSaid { bundle: self.bundle.clone(), run: self.run, request, room }).await
            }
            Err(error) => match error.reply() {
                Some(reply) => {
                    let Some(frame) = framed(&DeviceMessage::Reply(reply)) else { return false };
                    let (out, queued) = &self.answers;
                    queued.fetch_add(frame.len(), Ordering::Relaxed);
                    out.send(frame).await.is_ok()
                }
                None => {
                    tracing::warn!(bundle = self.bundle, %error, "an app can't be understood");
                    false
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use homing_local::DeviceEvent;
    use homing_local::message::Page;

    use super::*;

    #[test]
    fn what_is_too_long_for_a_frame_does_not_end_the_app() {
        let (phone, _inputs) = mpsc::channel(1);
        let (open, mut line) = open("com.example.app", 1, phone.downgrade());
        let long = "x".repeat(frame::MAX_LEN);
        let answer = Reply::Error(LocalError::homing(LocalError::INVALID_ARGUMENT, long.clone()));
        assert!(open.say(&DeviceMessage::Reply(AppReply { reply_to: 7, reply: answer })));
        let touch = Page(serde_json::Map::from_iter([("at".to_owned(), long.into())]));
        assert!(open.say(&DeviceMessage::Event(DeviceEvent::Touched { touch })));

        let said = line.messages.try_recv().expect("the app is told");
        let (json, _) = frame::decode(&said).expect("it isn't too long").expect("it is whole");
        let said: serde_json::Value = serde_json::from_slice(json).expect("JSON");
        assert_eq!((&said["reply_to"], &said["reply"]), (&7.into(), &"error".into()));
        assert_eq!(said["value"]["code"], LocalError::TOO_LONG);
        assert!(line.messages.try_recv().is_err(), "the event is left out");
    }
}
