//! Errors of the API as RFC 9457 problem documents: what failed, and how to mend it.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::StoreError;

/// An error of the API.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
}

/// RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemBody {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    /// What failed and how to mend it.
    detail: String,
}

impl Problem {
    fn new(status: StatusCode, detail: &str) -> Self {
        Self { status, detail: detail.to_owned() }
    }

    pub(super) fn bad_request(detail: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, detail }
    }

    pub(super) fn no_key() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "send the admin key as `Authorization: Bearer <key>`; a running Homing keeps it in its endpoints.json",
        )
    }

    pub(super) fn foreign_host() -> Self {
        Self::new(
            StatusCode::MISDIRECTED_REQUEST,
            "the Host header names another machine: use localhost, or a host name from the configuration",
        )
    }

    pub(super) fn foreign_origin() -> Self {
        Self::new(StatusCode::FORBIDDEN, "the request comes from a web page of another origin")
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is nothing here: /openapi.json lists what there is")
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "another method is needed: /openapi.json lists which")
    }

    /// What the caller can do nothing about is told to the log, not to the caller.
    pub(super) fn from_store(error: StoreError) -> Self {
        match error {
            StoreError::Busy => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "the store is busy: try again in a moment")
            }
            StoreError::Closed => Self::new(StatusCode::SERVICE_UNAVAILABLE, "the push service is stopping"),
            StoreError::Io { .. }
            | StoreError::InUse { .. }
            | StoreError::NewerSchema { .. }
            | StoreError::Damaged { .. }
            | StoreError::Sqlite { .. }
            | StoreError::Commit { .. }
            | StoreError::NotEnrolled
            | StoreError::Limit { .. }
            | StoreError::Invalid(_) => {
                tracing::error!(%error, "a question to the store failed");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the store failed: the push service's log says how",
                )
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { status, detail } = self;
        let title = status.canonical_reason().unwrap_or_default();
        let body = ProblemBody { kind: "about:blank", title, status: status.as_u16(), detail };
        let mut response = (status, Json(body)).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
