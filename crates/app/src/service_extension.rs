//! *UNNotificationServiceExtension*: a program of the app that may change a notification before it is shown. The device
//! starts it by the `service_extension` command of the manifest, once for each notification that says `mutable-content`.
//! When it is run, and what becomes of its answer, is decided by the device.

use std::future::Future;
use std::io::{BufRead as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use homing_local::{NotificationContent, NotificationRequest};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;

/// Why an extension has nothing to do.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says itself what it is")]
pub enum ExtensionError {
    #[error(
        "the device said nothing on standard input: it starts this program, by the manifest's command for the extension"
    )]
    NothingToDo,
    #[error("what the device said can't be read: {0}")]
    Request(#[from] serde_json::Error),
    #[error("the device doesn't hear: {0}")]
    Device(#[from] std::io::Error),
}

/// *bestAttemptContent*: what is shown if the time is over before the extension is done; from the start, the original.
#[derive(Clone, Debug)]
pub struct BestAttempt(Arc<Mutex<NotificationContent>>);

impl BestAttempt {
    /// This is shown from now on.
    pub fn set(&self, content: NotificationContent) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = content;
    }

    fn take(&self) -> NotificationContent {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Deserialize)]
struct Given {
    request: NotificationRequest,
}

/// What the device says on standard input, line by line.
pub(crate) fn lines() -> mpsc::Receiver<String> {
    let (said, lines) = mpsc::channel(2);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if said.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Does the work of the process: `did_receive` (*didReceive(_:withContentHandler:)*) gets the request and returns the
/// content to be shown. When the device says that the time is over (*serviceExtensionTimeWillExpire()*), the best attempt
/// is shown instead.
pub async fn run<F, C>(did_receive: F) -> Result<(), ExtensionError>
where
    F: FnOnce(NotificationRequest, BestAttempt) -> C,
    C: Future<Output = NotificationContent>,
{
    let mut lines = lines();
    let first = lines.recv().await.ok_or(ExtensionError::NothingToDo)?;
    let Given { request } = serde_json::from_str(&first)?;
    let best = BestAttempt(Arc::new(Mutex::new(request.content.clone())));
    let content = tokio::select! {
        // A process that was slow to start has its first moment even when its time is over.
        biased;
        content = did_receive(request, best.clone()) => content,
        // Either the time is over, or the device is gone.
        _ = lines.recv() => best.take(),
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", json!({"content": content}))?;
    Ok(out.flush()?)
}
