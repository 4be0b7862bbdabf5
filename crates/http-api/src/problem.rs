//! How an API says no: problem documents (RFC 9457) whose detail says what is wrong and what would help.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A problem document (RFC 9457). Some have further members; each endpoint says which.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: status and members tell problems apart.
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    /// What is wrong and what would help.
    detail: String,
    #[serde(flatten)]
    members: BTreeMap<&'static str, Value>,
    #[serde(skip)]
    retry_after_seconds: Option<u32>,
}

impl Problem {
    pub const fn new(status: StatusCode, title: &'static str, detail: String) -> Self {
        let members = BTreeMap::new();
        Self {
            kind: "about:blank",
            title,
            status: status.as_u16(),
            detail,
            members,
            retry_after_seconds: None,
        }
    }

    /// 400
    pub const fn invalid(detail: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "The request can't be used", detail)
    }

    /// 401; a client is told to send a key as `Authorization: Bearer`.
    pub const fn no_key(detail: String) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "The key is wanted", detail)
    }

    /// 404
    pub const fn not_found(detail: String) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found", detail)
    }

    /// 405
    pub const fn method(detail: String) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "Not with this method", detail)
    }

    /// 503
    pub const fn broken(detail: String) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "It can't be done now", detail)
    }

    /// Adds a member of its own, which [`Problem`] itself doesn't have.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.insert(name, value.into());
        self
    }

    /// Says when to try again: the `Retry-After` of 429 and 503.
    #[must_use]
    pub fn after_seconds(self, seconds: u32) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }

    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.extend(self.retry_after_seconds.map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds))));
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    async fn answered(problem: Problem) -> (axum::http::response::Parts, Value) {
        let (parts, body) = problem.into_response().into_parts();
        let bytes = body.collect().await.expect("it ends").to_bytes();
        (parts, serde_json::from_slice(&bytes).expect("it is JSON"))
    }

    #[tokio::test]
    async fn a_problem_has_the_members_of_its_standard_and_its_own() {
        let problem = Problem::new(StatusCode::CONFLICT, "Older", "log in again".to_owned()).with("epoch", 7);
        let (parts, body) = answered(problem.after_seconds(3)).await;
        assert_eq!(parts.status, StatusCode::CONFLICT);
        assert_eq!(parts.headers[CONTENT_TYPE], "application/problem+json");
        assert_eq!(parts.headers[RETRY_AFTER], "3");
        let wanted = serde_json::json!({
            "type": "about:blank", "title": "Older", "status": 409, "detail": "log in again", "epoch": 7
        });
        assert_eq!(body, wanted);
    }

    #[tokio::test]
    async fn who_shows_no_key_is_told_how_to_show_it() {
        let (parts, _) = answered(Problem::no_key("send it".to_owned())).await;
        assert_eq!(parts.headers[WWW_AUTHENTICATE], "Bearer");
    }
}
