//! How the API says no: problem documents (RFC 9457) whose detail says what would help. And how it reads bodies.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use homing_local::LocalError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::phone::questions::Refusal;

/// A problem document.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    title: &'static str,
    status: u16,
    /// What is wrong and what would help.
    detail: String,
    /// The error an app's completion handler would get.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<LocalError>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, title: &'static str, detail: String) -> Self {
        Self { title, status: status.as_u16(), detail, error: None }
    }

    pub(crate) fn not_found(detail: String) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found", detail)
    }

    pub(crate) fn method(detail: String) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "Not with this method", detail)
    }

    pub(crate) fn invalid(detail: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "The request can't be used", detail)
    }

    pub(crate) fn broken(detail: String) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "The device can't do it now", detail)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::NoApp(_) | Refusal::NotShown { .. } => Self::not_found(detail),
            Refusal::NoPrompt => Self::new(StatusCode::CONFLICT, "No prompt is on the screen", detail),
            Refusal::Manifest(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "The app manifest can't be used", detail)
            }
            Refusal::Invalid(_) => Self::invalid(detail),
            Refusal::Broken => Self::broken(detail),
        }
    }
}

/// What the app would have been told.
impl From<LocalError> for Problem {
    fn from(error: LocalError) -> Self {
        Self {
            title: "The device refused the call",
            status: StatusCode::UNPROCESSABLE_ENTITY.as_u16(),
            detail: error.to_string(),
            error: Some(error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let bearer = header::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

/// A JSON body. What is wrong with it is said as a problem document.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state).await.map_err(|error| {
            Problem::new(
                error.status(),
                "The request's body can't be read",
                format!("{}; at most {} bytes are taken", error.body_text(), super::MAX_BODY),
            )
        })?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            Problem::invalid(format!("the body isn't the JSON that is wanted here: {error}"))
        })
    }
}
