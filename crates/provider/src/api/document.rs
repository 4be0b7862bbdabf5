//! The description of the API (OpenAPI), made from the code: each endpoint stands in it because it is served. What all
//! have in common is added here: the parts of their paths, and who may ask. How they refuse is every API's.

use axum::Json;
use axum::routing::{MethodRouter, get};
use homing_http_api::{Problem, description};
use serde_json::{Value, json};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use super::Api;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Homing provider",
        description = "For business servers, apps and consoles: who has which device, what to tell whom, and what became \
            of it. Every error is a problem document (RFC 9457) whose `detail` says what would help. Lists come in parts: \
            `next` is what to ask for to get the next one."
    ),
    tags(
        (name = "provider", description = "That it runs"),
        (name = "apps", description = "What is sent, where to, and as whom"),
        (name = "keys", description = "Who may ask for what"),
        (name = "installations", description = "Who has which device"),
        (name = "pushes", description = "What is told to whom, and what became of it")
    ),
    components(schemas(Problem))
)]
struct Head;

/// What stands in `{…}` in a path.
const PLACES: [(&str, &str); 6] = [
    ("bundle", "the app's bundle ID"),
    ("environment", "`development` or `production`"),
    ("kid", "the name of an identity key: the `kid` of the tokens signed by it"),
    ("id", "the key's id"),
    ("token", "the device token, in hex"),
    ("push_id", "the push's id"),
];

/// The description before anything is served.
pub(super) fn empty() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Head::openapi())
}

/// Serves the description; it is no secret.
pub(super) fn serving(document: &OpenApi) -> MethodRouter<Api> {
    let document = complete(description(document));
    get(async || Json(document))
}

/// Adds what all endpoints have in common.
fn complete(mut document: Value) -> Value {
    document["components"]["securitySchemes"] = json!({
        "server_key": {
            "type": "http", "scheme": "bearer",
            "description": "A server key. Each endpoint names the scope it needs; a key may be limited to apps."
        },
        "identity_token": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "Signed by the business server with ES256; header `kid` names one of the app's identity keys; \
                claims `sub` (the user), `aud` (the bundle ID), `iat` and `exp` (at most a day later) in seconds since 1970."
        }
    });
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (path, item) in paths {
        for operation in item.as_object_mut().into_iter().flat_map(serde_json::Map::values_mut) {
            describe_places(path, operation);
            describe_refusals(operation);
        }
    }
    document
}

fn describe_places(path: &str, operation: &mut Value) {
    let mut parameters: Vec<Value> = PLACES
        .iter()
        .filter(|(name, _)| path.contains(&format!("{{{name}}}")))
        .map(|(name, description)| {
            json!({
                "name": name, "in": "path", "required": true,
                "description": description, "schema": {"type": "string"}
            })
        })
        .collect();
    if let Some(queried) = operation["parameters"].as_array() {
        parameters.extend(queried.iter().cloned());
    }
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
}

/// Who may ask is said by the operation, so each wants a key.
fn describe_refusals(operation: &mut Value) {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    for (status, description) in
        [("401", "no key, or one that isn't known"), ("403", "not with this key, or from another web page")]
    {
        if operation["responses"][status].is_null() {
            let content = json!({ "application/problem+json": { "schema": schema } });
            operation["responses"][status] = json!({ "description": description, "content": content });
        }
    }
}
