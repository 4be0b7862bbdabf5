//! Enrolment: a new device asks the push service for its id and secret, once (`docs/device-link.md`). Keeping them is left to
//! the store, trying again to the caller.

use std::time::Duration;

use bytes::Bytes;
use homing_link::{Enrolment, EnrolmentRequest};
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;

use crate::tls::{Dialler, Speak};

/// Longest wait for the answer.
const DEADLINE: Duration = Duration::from_secs(20);
/// Longest answer taken, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// Why a device has no id yet.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnrolError {
    #[error("the push service can't be reached: {0}")]
    Connect(#[from] std::io::Error),
    #[error("the enrolment failed on the way: {0}")]
    Http(#[from] hyper::Error),
    #[error("the push service didn't answer within {} s", DEADLINE.as_secs())]
    Deadline,
    #[error("the push service doesn't know the enrolment key: check --enrolment-key")]
    UnknownKey,
    #[error("the push service refused the enrolment ({status}): {said}")]
    Refused { status: StatusCode, said: String, retry_after: Option<Duration> },
    #[error("the push service's answer to the enrolment can't be read: {0}")]
    Unreadable(String),
}

impl EnrolError {
    /// How long the push service asked us to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Connect(_) | Self::Http(_) | Self::Deadline | Self::UnknownKey | Self::Unreadable(_) => {
                None
            }
        }
    }
}

pub(crate) async fn enrol(dialler: &Dialler, enrolment_key: &str) -> Result<Enrolment, EnrolError> {
    tokio::time::timeout(DEADLINE, ask(dialler, enrolment_key)).await.unwrap_or(Err(EnrolError::Deadline))
}

async fn ask(dialler: &Dialler, enrolment_key: &str) -> Result<Enrolment, EnrolError> {
    let stream = dialler.dial(Speak::Http1).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let body = serde_json::to_vec(&EnrolmentRequest { enrolment_key: enrolment_key.to_owned() })
        .map_err(|error| EnrolError::Unreadable(error.to_string()))?;
    let request = Request::post("/devices")
        .header(header::HOST, dialler.authority())
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| EnrolError::Unreadable(error.to_string()))?;
    let exchange = async {
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        Ok::<_, EnrolError>((
            head,
            body.map_err(|error| EnrolError::Unreadable(error.to_string()))?.to_bytes(),
        ))
    };
    let driven = async {
        // The connection ends when the exchange is over and `sender` is dropped; its error shows in the exchange.
        let _ = connection.await;
        std::future::pending::<()>().await;
    };
    let (head, body) = tokio::select! {
        answered = exchange => answered?,
        () = driven => return Err(EnrolError::Deadline),
    };
    match head.status {
        StatusCode::CREATED => {
            serde_json::from_slice(&body).map_err(|error| EnrolError::Unreadable(error.to_string()))
        }
        StatusCode::UNAUTHORIZED => Err(EnrolError::UnknownKey),
        status => Err(EnrolError::Refused {
            status,
            said: said(&body),
            retry_after: head
                .headers
                .get(header::RETRY_AFTER)
                .and_then(|value| value.to_str().ok()?.parse().ok())
                .map(Duration::from_secs),
        }),
    }
}

/// What a problem document says, in one line.
fn said(body: &[u8]) -> String {
    let problem: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| problem.get(name).and_then(serde_json::Value::as_str);
    text("detail").or_else(|| text("title")).unwrap_or("no reason given").chars().take(300).collect()
}
