//! One app's stream to its device: frames out and in, replies matched to their calls. What is said is left to
//! `center` and `delegate`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use homing_local::message::DeviceMessage;
use homing_local::{AppCall, AppReply, AppRequest, AppStateWord, DeviceEvent, Reply, frame};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;

use crate::center::AppError;

/// Calls written but not yet taken by the stream.
const CALLS_QUEUED: usize = 64;
/// Events the app hasn't looked at. One that finds no room is dropped: the device's deadline then answers for the app.
const EVENTS_QUEUED: usize = 1024;

type Waiting = Arc<Mutex<Option<HashMap<u64, oneshot::Sender<Reply>>>>>;

/// The calling side of a stream. Dropping it closes the stream.
#[derive(Debug)]
pub(crate) struct Calls {
    next_id: AtomicU64,
    out: mpsc::Sender<Vec<u8>>,
    /// `None` once the stream is closed.
    waiting: Waiting,
    /// Where the app stands.
    state: watch::Receiver<AppStateWord>,
    reader: AbortHandle,
}

impl Calls {
    pub(crate) fn over<S>(stream: S) -> (Self, mpsc::Receiver<DeviceEvent>)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (from_device, mut to_device) = tokio::io::split(stream);
        let (out, mut frames) = mpsc::channel::<Vec<u8>>(CALLS_QUEUED);
        let (events, taken) = mpsc::channel(EVENTS_QUEUED);
        let waiting: Waiting = Arc::new(Mutex::new(Some(HashMap::new())));
        tokio::spawn(async move {
            while let Some(frame) = frames.recv().await {
                if to_device.write_all(&frame).await.is_err() {
                    return;
                }
            }
        });
        let answered = Arc::clone(&waiting);
        let (moves, state) = watch::channel(AppStateWord::Background);
        let reader = tokio::spawn(async move {
            read(from_device, &answered, &events, &moves).await;
            // Whoever waits for a reply is woken with the news that none will come.
            answered.lock().unwrap_or_else(PoisonError::into_inner).take();
        });
        (Self { next_id: AtomicU64::new(1), out, waiting, state, reader: reader.abort_handle() }, taken)
    }

    pub(crate) fn state(&self) -> watch::Receiver<AppStateWord> {
        self.state.clone()
    }

    pub(crate) async fn call(&self, call: AppCall) -> Result<Reply, AppError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let json = AppRequest { id, call }.to_json();
        let mut bytes = Vec::with_capacity(json.len() + frame::HEADER_LEN);
        frame::encode(&json, &mut bytes).map_err(|error| AppError::TooLarge(error.to_string()))?;
        let (answer, answered) = oneshot::channel();
        match self.waiting.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(waiting) => waiting.insert(id, answer),
            None => return Err(AppError::Disconnected),
        };
        self.out.send(bytes).await.map_err(|_| AppError::Disconnected)?;
        answered.await.map_err(|_| AppError::Disconnected)
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read<S: AsyncRead>(
    mut stream: ReadHalf<S>,
    waiting: &Waiting,
    events: &mpsc::Sender<DeviceEvent>,
    moves: &watch::Sender<AppStateWord>,
) {
    let mut buffer = Vec::with_capacity(4096);
    loop {
        loop {
            let taken = match frame::decode(&buffer) {
                Ok(Some((json, taken))) => {
                    take(json, waiting, events, moves);
                    taken
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "the device can't be understood");
                    return;
                }
            };
            buffer.drain(..taken);
        }
        match stream.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

fn take(
    json: &[u8],
    waiting: &Waiting,
    events: &mpsc::Sender<DeviceEvent>,
    moves: &watch::Sender<AppStateWord>,
) {
    match DeviceMessage::from_json(json) {
        Ok(DeviceMessage::Reply(AppReply { reply_to, reply })) => {
            let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(caller) = waiting.as_mut().and_then(|waiting| waiting.remove(&reply_to)) {
                // A caller that no longer waits is fine.
                let _ = caller.send(reply);
            }
        }
        Ok(DeviceMessage::Event(event)) => {
            if let DeviceEvent::StateChanged { state } = event {
                moves.send_replace(state);
            }
            if events.try_send(event).is_err() {
                tracing::warn!("the app is too slow: an event of the device is dropped");
            }
        }
        Ok(DeviceMessage::Unknown(unknown)) => {
            tracing::debug!(event = unknown.event, "an event of a newer device is skipped");
        }
        Err(error) => tracing::warn!(%error, "a message of the device can't be read"),
    }
}
