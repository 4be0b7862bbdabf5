//! What all of the API's operations have in common in its description: the key, and how they refuse. What one alone answers
//! stands beside its code.

use serde_json::{Map, Value, json};

/// Adds it to a description.
pub(super) fn complete(mut document: Value) -> Value {
    document["components"]["securitySchemes"] = json!({ "key": { "type": "http", "scheme": "bearer" } });
    for (path, item) in members(&mut document["paths"]) {
        for (_, operation) in members(item) {
            let is_open = path == "/openapi.json";
            operation["security"] = if is_open { json!([]) } else { json!([{ "key": [] }]) };
            let refusals = refusals(operation, is_open);
            let schema = json!({ "$ref": "#/components/schemas/Problem" });
            for (status, description) in refusals {
                if operation["responses"][status].is_null() {
                    let content = json!({ "application/problem+json": { "schema": schema } });
                    operation["responses"][status] =
                        json!({ "description": description, "content": content });
                }
            }
        }
    }
    document
}

/// Status and words of what an operation may be answered whatever it does.
fn refusals(operation: &Value, is_open: bool) -> Vec<(&'static str, &'static str)> {
    let mut refusals = vec![("403", "from another web page"), ("421", "the Host isn't served here")];
    if is_open {
        return refusals;
    }
    refusals.push(("401", "no key, or not this API's"));
    refusals.push(("500", "the push service failed; its log says how"));
    refusals.push((
        "503",
        "the push service is busy or stopping; a busy one says when to try again in `Retry-After`",
    ));
    let has_body = operation["requestBody"].is_object();
    if has_body || operation["parameters"].is_array() {
        refusals.push(("400", "the request can't be read; where it is about one value, `field` names it"));
    }
    if has_body {
        refusals.push(("408", "the body didn't come in time"));
        refusals.push(("413", "the body is too long"));
    }
    refusals
}

fn members(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flat_map(Map::iter_mut)
}
