//! What is wrong with a payload, before it is sent. The rules are `homing-payload`'s.

use axum::Json;
use homing_http_api::{Body, Problem};
use homing_payload::{Payload, PushType, Severity, validate};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::access::AnyKey;
use crate::engine::EngineError;

/// Longest text judged, in bytes: far more than Apple takes.
const MAX_TEXT: usize = 64 * 1024;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Text {
    /// The payload as it would be sent, or as far as it is written.
    text: String,
    /// What it is for; told from the payload when absent.
    #[schema(value_type = Option<String>)]
    push_type: Option<PushType>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Judgement {
    /// The gravest first.
    #[schema(value_type = Vec<FindingShape>)]
    findings: Value,
    bytes: usize,
    /// Most bytes for this push type.
    limit: usize,
    /// Whether nothing is refused, ignored or dropped.
    ok: bool,
}

/// One thing that is wrong.
#[derive(ToSchema)]
#[schema(as = Finding)]
#[expect(dead_code, reason = "it only describes another crate's type")]
struct FindingShape {
    /// A JSON path.
    #[schema(example = "$.aps.badge")]
    path: String,
    /// `error`, `warning` or `note`.
    severity: String,
    /// What is wrong, and what follows from it.
    reason: String,
    /// How to mend it.
    fix: String,
}

/// What is wrong with a payload, where, and how to mend it; with any server key
#[utoipa::path(post, path = "/v1/payloads/check", tag = "pushes", security(("server_key" = [])),
    request_body = Text,
    responses((status = 200, body = Judgement), (status = 422, description = "the text is far too long")))]
pub(super) async fn check(
    _: AnyKey,
    Body(Text { text, push_type }): Body<Text>,
) -> Result<Json<Judgement>, Problem> {
    let bytes = text.len();
    if bytes > MAX_TEXT {
        let problem = format!("it has {bytes} bytes: at most {MAX_TEXT} are judged, and Apple takes 4096");
        return Err(EngineError::invalid("text", problem).into());
    }
    let findings = validate(text.as_bytes(), push_type);
    let push_type = push_type.unwrap_or_else(|| {
        // What can't be read is most likely meant to be an alert.
        Payload::parse(text.as_bytes()).map_or(PushType::Alert, |(payload, _)| payload.inferred_push_type())
    });
    let ok = findings.iter().all(|finding| finding.severity != Severity::Error);
    let findings = serde_json::to_value(findings).unwrap_or_default();
    Ok(Json(Judgement { findings, bytes, limit: push_type.max_payload_len(), ok }))
}
