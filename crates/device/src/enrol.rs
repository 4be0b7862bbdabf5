//! Enrolment: a new device asks the push service for its id and secret, once, and an erased one takes leave
//! (`docs/device-link.md`). Keeping the identity is left to the store, trying again to the caller.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use homing_link::{Enrolment, EnrolmentRequest};
use http::{Request, StatusCode, header, response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;

use crate::store::Identity;
use crate::tls::{Dialler, Speak};

/// Longest wait for the answer.
const DEADLINE: Duration = Duration::from_secs(20);
/// Longest answer taken, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// Why a device has no id yet, or hasn't taken leave.
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
    let body = serde_json::to_vec(&EnrolmentRequest { enrolment_key: enrolment_key.to_owned() })
        .map_err(|error| EnrolError::Unreadable(error.to_string()))?;
    let request = Request::post("/devices").header(header::CONTENT_TYPE, "application/json");
    let (head, body) = ask(dialler, request, body).await?;
    match head.status {
        StatusCode::CREATED => {
            serde_json::from_slice(&body).map_err(|error| EnrolError::Unreadable(error.to_string()))
        }
        StatusCode::UNAUTHORIZED => Err(EnrolError::UnknownKey),
        _ => Err(refused(&head, &body)),
    }
}

/// Ends everything the device held. A device that the push service doesn't know any more has left before.
pub(crate) async fn leave(dialler: &Dialler, identity: &Identity) -> Result<(), EnrolError> {
    let basic = STANDARD.encode(format!("{}:{}", identity.device_id, identity.secret));
    let request = Request::delete(format!("/devices/{}", identity.device_id))
        .header(header::AUTHORIZATION, format!("Basic {basic}"));
    let (head, body) = ask(dialler, request, Vec::new()).await?;
    match head.status {
        StatusCode::NO_CONTENT | StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED => Ok(()),
        _ => Err(refused(&head, &body)),
    }
}

fn refused(head: &response::Parts, body: &[u8]) -> EnrolError {
    EnrolError::Refused {
        status: head.status,
        said: said(body),
        retry_after: head
            .headers
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs),
    }
}

/// One request on a connection of its own.
async fn ask(
    dialler: &Dialler,
    request: http::request::Builder,
    body: Vec<u8>,
) -> Result<(response::Parts, Bytes), EnrolError> {
    let request = request
        .header(header::HOST, dialler.authority())
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| EnrolError::Unreadable(error.to_string()))?;
    tokio::time::timeout(DEADLINE, exchange(dialler, request)).await.unwrap_or(Err(EnrolError::Deadline))
}

async fn exchange(
    dialler: &Dialler,
    request: Request<Full<Bytes>>,
) -> Result<(response::Parts, Bytes), EnrolError> {
    let stream = dialler.dial(Speak::Http1).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
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
    tokio::select! {
        answered = exchange => answered,
        () = driven => Err(EnrolError::Deadline),
    }
}

/// What a problem document says, in one line.
fn said(body: &[u8]) -> String {
    let problem: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| problem.get(name).and_then(serde_json::Value::as_str);
    text("detail").or_else(|| text("title")).unwrap_or("no reason given").chars().take(300).collect()
}
