//! The feedback service: tells a provider which tokens of its certificate's topic have no app any more, and closes. What has
//! been told is told no more once its reader has taken it all; a reader that breaks off hears it again.

use std::net::SocketAddr;
use std::time::Duration;

use homing_apns::legacy::FeedbackTuple;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::watch;
use tokio::time::timeout;

use super::{Stream, discard};
use crate::listen::stopped;
use crate::provider_port::{Admission, ProviderPort};
use crate::store::StoreError;

/// Tuples read from the store at a time.
const PAGE: u32 = 1_000;
/// How long a reader may take for so many.
const PAGE_DEADLINE: Duration = Duration::from_secs(30);
/// How long it may take to close after the last one.
const CLOSE_DEADLINE: Duration = Duration::from_secs(30);

/// Why the list wasn't told to its end.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the reader broke off: {0}")]
    Reader(#[from] std::io::Error),
    #[error("the reader took too long: {0}")]
    Slow(#[from] tokio::time::error::Elapsed),
}

pub(super) async fn tell(
    port: &ProviderPort,
    admission: &Admission,
    stream: Stream,
    mut stop: watch::Receiver<bool>,
    peer: SocketAddr,
) {
    let topic_no = match admission.check_feedback() {
        Ok(topic_no) => topic_no,
        Err(reason) => {
            tracing::warn!(%peer, %reason, "a reader of feedback was sent away: {}", reason.advice());
            return super::part(stream, None, stop).await;
        }
    };
    let told = tokio::select! {
        () = stopped(&mut stop) => return,
        told = tell_all(port, admission, topic_no, stream) => told,
    };
    if let Err(error) = told {
        tracing::info!(%peer, %error, "feedback was not read to its end; it will be told again");
    }
}

async fn tell_all(
    port: &ProviderPort,
    admission: &Admission,
    topic_no: u32,
    mut stream: Stream,
) -> Result<(), Broken> {
    let environment = admission.environment();
    let mut told = 0;
    loop {
        let page = port.store.feedback(environment, topic_no, told, PAGE).await?;
        let mut tuples = Vec::with_capacity(page.len() * FeedbackTuple::LEN);
        for gone in &page {
            // Whole seconds, so never later than the token's end.
            let since = u32::try_from(gone.since.secs()).unwrap_or_default();
            FeedbackTuple { since, token: port.sealer.seal(&gone.registration) }.encode(&mut tuples);
            told = gone.no;
        }
        timeout(PAGE_DEADLINE, async {
            stream.write_all(&tuples).await?;
            stream.flush().await
        })
        .await??;
        if page.len() < PAGE as usize {
            break;
        }
    }
    let now = port.store.clock().now();
    let marked = port.testers.as_ref().map(|testers| testers.marks.untold(environment, topic_no, now));
    let marked = marked.unwrap_or_default();
    let mut tuples = Vec::with_capacity(marked.len() * FeedbackTuple::LEN);
    for (registration, since) in &marked {
        let since = u32::try_from(since.secs()).unwrap_or_default();
        FeedbackTuple { since, token: port.sealer.seal(registration) }.encode(&mut tuples);
    }
    timeout(PAGE_DEADLINE, stream.write_all(&tuples)).await??;
    // An orderly end says that all has been read: bytes that weren't would make it a reset.
    timeout(CLOSE_DEADLINE, async {
        stream.shutdown().await?;
        discard(stream.into_inner().0).await
    })
    .await??;
    if let Some(testers) = &port.testers {
        testers.marks.told(marked.into_iter().map(|(registration, _)| registration));
    }
    Ok(port.store.feedback_read(environment, topic_no, told).await?)
}
