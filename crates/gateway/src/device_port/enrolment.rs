//! `POST /devices` and `DELETE /devices/{id}`: a device becomes one, with a secret or a certificate, or leaves for good. Who
//! is admitted is the store's decision, what a certificate says the authority's.

use std::sync::Arc;

use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, Path, State};
use axum::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use bytes::Bytes;
use homing_link::{CertifiedEnrolment, DeviceId, Enrolment, EnrolmentRequest};

use super::http::Problem;
use super::{DevicePort, Peer};
use crate::authority::DeviceKey;
use crate::store::EnrolError;

/// What a new device sends, whichever it wants.
#[derive(serde::Deserialize)]
struct Wanted {
    #[serde(flatten)]
    request: EnrolmentRequest,
    /// A certificate request in PEM: the device wants a certificate.
    #[serde(default)]
    csr: Option<String>,
}

pub(super) async fn enrol(
    State(port): State<Arc<DevicePort>>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return Problem::new(rejection.status(), rejection.body_text()).into_response(),
    };
    let wanted: Wanted = match serde_json::from_slice(&body) {
        Ok(wanted) => wanted,
        Err(error) => {
            let detail =
                format!("send JSON {{\"enrolment_key\": …}}, and \"csr\" for a certificate: {error}");
            return Problem::new(StatusCode::BAD_REQUEST, detail).into_response();
        }
    };
    let key = &wanted.request.enrolment_key;
    let answer = match &wanted.csr {
        None => with_secret(&port, key).await,
        Some(csr) => with_certificate(&port, key, csr).await,
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}

async fn with_secret(port: &DevicePort, key: &str) -> Result<Response, Problem> {
    let enrolled = port.store.enrol(key).await.map_err(|error| refusal(&error))?;
    let device_id = DeviceId(enrolled.device);
    tracing::debug!(device = %device_id, "device enrolled");
    let enrolment = Enrolment { device_id, secret: enrolled.secret.to_string() };
    Ok((StatusCode::CREATED, axum::Json(enrolment)).into_response())
}

async fn with_certificate(port: &DevicePort, key: &str, csr: &str) -> Result<Response, Problem> {
    // Before the device is admitted, so that a useless request takes nobody's place.
    let public_key =
        DeviceKey::from_csr(csr).map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    let device = port.store.enrol_certified(key).await.map_err(|error| refusal(&error))?;
    let device_id = DeviceId(device);
    match port.authority.issue_device_certificate(device_id, &public_key) {
        Ok(certificate) => {
            tracing::debug!(device = %device_id, "device enrolled with a certificate");
            let enrolment = CertifiedEnrolment { device_id, certificate };
            Ok((StatusCode::CREATED, axum::Json(enrolment)).into_response())
        }
        Err(error) => {
            tracing::error!(%error, "a device's certificate can't be signed");
            // It could never come.
            port.store.remove_device(device).await.map_err(|error| refusal(&error.into()))?;
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the certificate could not be signed"))
        }
    }
}

fn refusal(error: &EnrolError) -> Problem {
    let detail = error.to_string();
    match error {
        EnrolError::BadKey => Problem::new(StatusCode::UNAUTHORIZED, detail),
        EnrolError::QuotaReached { .. } => Problem::new(StatusCode::FORBIDDEN, detail),
        EnrolError::TooFast { retry_after_secs } => Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
            .with(RETRY_AFTER, HeaderValue::from(*retry_after_secs)),
        EnrolError::Store(error) => {
            tracing::warn!(%error, "the store can't take an enrolment or its end");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the store can't take it now: try again later")
                .with(RETRY_AFTER, HeaderValue::from(1))
        }
    }
}

pub(super) async fn remove(
    State(port): State<Arc<DevicePort>>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    match remove_own(&port, peer, &id, &headers).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn remove_own(port: &DevicePort, peer: Peer, id: &str, headers: &HeaderMap) -> Result<(), Problem> {
    let unauthorized = || {
        let detail = "give the device's id and secret as Basic credentials, or come with its certificate";
        Problem::new(StatusCode::UNAUTHORIZED, detail)
            .with(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"device\""))
    };
    let device = id.parse::<DeviceId>().map_err(|_| unauthorized())?;
    let rights = if peer.certified == Some(device) {
        port.store.rights_of(device.0).await
    } else {
        let (user, secret) = basic_credentials(headers).ok_or_else(unauthorized)?;
        if user != id {
            return Err(unauthorized());
        }
        port.store.authenticate(device.0, &secret).await
    };
    rights.map_err(|error| refusal(&error.into()))?.ok_or_else(unauthorized)?;
    port.store.remove_device(device.0).await.map_err(|error| refusal(&error.into()))?;
    port.hub.dismiss(device.0);
    tracing::debug!(%device, "device removed");
    Ok(())
}

/// User and password of an `Authorization: Basic` (RFC 7617).
fn basic_credentials(headers: &HeaderMap) -> Option<(String, zeroize::Zeroizing<String>)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let text = zeroize::Zeroizing::new(String::from_utf8(decoded).ok()?);
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned().into()))
}
