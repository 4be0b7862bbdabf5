//! What the descriptions (OpenAPI) of all APIs have in common: each response has words, each refusal is a problem document,
//! each operation has a name of its own.

use axum::http::StatusCode;
use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

/// The description as it is served.
pub fn description(document: &OpenApi) -> Value {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    for (path, item) in members(&mut document["paths"]) {
        for (method, operation) in members(item) {
            // A handler's name alone may be that of another file's handler, too.
            operation["operationId"] = operation_id(method, path).into();
            for (status, response) in members(&mut operation["responses"]) {
                describe(status, response);
            }
        }
    }
    document
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
        let schema = json!({ "$ref": "#/components/schemas/Problem" });
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

    #[derive(utoipa::OpenApi)]
    #[openapi(paths(endpoint), components(schemas(crate::Problem)))]
    struct Described;

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
