//! What the descriptions (OpenAPI) of all APIs have in common: each response has words, each refusal is a problem document
//! and stands there, each operation has a name of its own.

use axum::http::StatusCode;
use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

/// What of a path is an operation.
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// The description as it is served.
pub fn description(document: &OpenApi) -> Value {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    let all_want_a_key = wants_a_key(&document);
    for (path, item) in members(&mut document["paths"]) {
        for (method, operation) in members(item).filter(|(method, _)| METHODS.contains(&method.as_str())) {
            // A handler's name alone may be that of another file's handler, too.
            operation["operationId"] = operation_id(method, path).into();
            let wants_a_key = operation.get("security").map_or(all_want_a_key, |_| wants_a_key(operation));
            refuse(path, wants_a_key, operation);
            for (status, response) in members(&mut operation["responses"]) {
                describe(status, response);
            }
        }
    }
    // Readers of bodies and queries add it (`read`).
    if let Some(problem) = document.pointer_mut("/components/schemas/Problem/properties") {
        problem["field"] =
            json!({ "type": "string", "description": "Of a 400: which member it is about, if it is one." });
    }
    document
}

/// Whether who shows no key is refused.
fn wants_a_key(described: &Value) -> bool {
    let schemes = described["security"].as_array();
    schemes.is_some_and(|schemes| !schemes.is_empty() && schemes.iter().all(|scheme| *scheme != json!({})))
}

/// Adds how this house's APIs refuse anything that looks like this.
fn refuse(path: &str, wants_a_key: bool, operation: &mut Value) {
    let has_body = operation["requestBody"].is_object();
    let has_places = path.contains('{');
    let refusals = [
        ("400", has_body || has_places || operation["parameters"].is_array(), "the request can't be used"),
        ("401", wants_a_key, "no key, or one that isn't known"),
        ("403", true, "from another web page, or not with this key"),
        ("404", has_places, "what the path names isn't there"),
        ("408", has_body, "the body didn't arrive in time"),
        ("413", has_body, "the body is too long"),
        ("421", true, "the Host isn't served here"),
        ("503", true, "it can't be done now: try again later"),
    ];
    for (status, _, words) in refusals.into_iter().filter(|(_, said, _)| *said) {
        if operation["responses"][status].is_null() {
            operation["responses"][status] = json!({ "description": words });
        }
    }
}

/// `put_apps_bundle` for `PUT /v1/apps/{bundle}`.
fn operation_id(method: &str, path: &str) -> String {
    let parts = path.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let parts = parts.filter(|part| !part.is_empty() && *part != "v1");
    parts.fold(method.to_owned(), |id, part| format!("{id}_{part}"))
}

fn describe(status: &str, response: &mut Value) {
    let Ok(code) = StatusCode::from_bytes(status.as_bytes()) else { return };
    if response["description"].as_str().is_none_or(str::is_empty) {
        response["description"] = code.canonical_reason().unwrap_or("as its status says").into();
    }
    if code.is_client_error() || code.is_server_error() {
        // Some problems have further members, and a schema that says so.
        let own =
            response.pointer("/content/application~1json/schema").filter(|schema| schema["$ref"].is_string());
        let schema = own.cloned().unwrap_or_else(|| json!({ "$ref": "#/components/schemas/Problem" }));
        response["content"] = json!({ "application/problem+json": { "schema": schema } });
    }
}

fn members(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use utoipa::OpenApi as _;

    use super::*;

    #[utoipa::path(get, path = "/v1/ends/{end}", responses((status = 200, body = String), (status = 404, description = "not there")))]
    #[expect(dead_code, reason = "it is only described")]
    fn endpoint() {}

    #[utoipa::path(put, path = "/v1/ends/{end}", request_body = String, responses((status = 204)))]
    #[expect(dead_code, reason = "it is only described")]
    fn writing() {}

    #[utoipa::path(get, path = "/v1/open", security(()), responses((status = 200, body = String)))]
    #[expect(dead_code, reason = "it is only described")]
    fn open() {}

    #[derive(utoipa::OpenApi)]
    #[openapi(paths(endpoint, writing, open), security(("key" = [])), components(schemas(crate::Problem)))]
    struct Described;

    #[test]
    fn what_every_api_refuses_stands_at_each_operation() {
        let described = description(&Described::openapi());
        let statuses = |path: &str, method: &str| -> Vec<String> {
            let responses = described["paths"][path][method]["responses"].as_object();
            let mut statuses: Vec<_> = responses.expect("it has some").keys().cloned().collect();
            statuses.sort();
            statuses
        };
        let writing = ["204", "400", "401", "403", "404", "408", "413", "421", "503"];
        assert_eq!(statuses("/v1/ends/{end}", "put"), writing);
        assert_eq!(statuses("/v1/ends/{end}", "get"), ["200", "400", "401", "403", "404", "421", "503"]);
        assert_eq!(statuses("/v1/open", "get"), ["200", "403", "421", "503"]);
    }

    #[test]
    fn operations_have_names_responses_have_words_and_refusals_are_problems() {
        let described = description(&Described::openapi());
        assert_eq!(described["paths"]["/v1/ends/{end}"]["get"]["operationId"], "get_ends_end");
        let responses = &described["paths"]["/v1/ends/{end}"]["get"]["responses"];
        assert_eq!(responses["200"]["description"], "OK");
        assert_eq!(responses["404"]["description"], "not there");
        let schema = &responses["404"]["content"]["application/problem+json"]["schema"]["$ref"];
        assert!(described.pointer(schema.as_str().unwrap_or_default().trim_start_matches('#')).is_some());
    }
}
