//! The description against the API itself: whatever an operation answers, it says so, with a problem document.

use serde_json::{Map, json};

use super::*;

/// One operation as it is described.
pub(super) struct Operation {
    method: String,
    template: String,
    described: Value,
}

pub(super) fn operations() -> Vec<Operation> {
    let document = document::complete(homing_http_api::description(&Description::openapi()));
    let paths = document["paths"].as_object().expect("it has paths").clone();
    let of_path = |(template, item): (String, Value)| {
        let methods = item.as_object().expect("it has methods").clone();
        methods.into_iter().map(move |(method, described)| Operation {
            method: method.to_uppercase(),
            template: template.clone(),
            described,
        })
    };
    paths.into_iter().flat_map(of_path).collect()
}

/// Whether an answer to a request is described; also where nothing is.
pub(super) fn is_described(method: &str, path: &str, status: StatusCode, has_problem: bool) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let is_at = |operation: &Operation| {
        let template: Vec<&str> = operation.template.split('/').collect();
        let matches =
            |(place, part): (&&str, &&str)| place == part || (place.starts_with('{') && !part.is_empty());
        template.len() == parts.len() && template.iter().zip(&parts).all(matches)
    };
    let Some(operation) = operations().into_iter().find(|it| it.method == method && is_at(it)) else {
        return !status.is_success();
    };
    let response = &operation.described["responses"][status.as_str()];
    let says_problem = response["content"]["application/problem+json"].is_object();
    response["description"].is_string() && (!has_problem || says_problem)
}

impl Operation {
    fn path(&self, place: &str) -> String {
        let mut path = String::new();
        for part in self.template.split('/').skip(1) {
            path.push('/');
            path.push_str(if part.starts_with('{') { place } else { part });
        }
        path
    }

    fn is_open(&self) -> bool {
        self.template == "/openapi.json"
    }

    /// What `in` place there are, with the type of each.
    fn parameters(&self, place: &str) -> Vec<(String, Value)> {
        let all = self.described["parameters"].as_array().into_iter().flatten();
        let of_place = all.filter(|parameter| parameter["in"] == place);
        of_place
            .map(|it| (it["name"].as_str().unwrap_or_default().to_owned(), it["schema"]["type"].clone()))
            .collect()
    }

    async fn ask(
        &self,
        bench: &Bench,
        uri: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder().method(&*self.method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        // Whether the answer is described is looked at for every answer.
        bench.answer(request.body(Body::from(body)).expect("it is a request")).await
    }

    async fn ask_with_key(&self, bench: &Bench, uri: &str, body: String) -> (StatusCode, Value) {
        let key = format!("Bearer {KEY}");
        self.ask(bench, uri, &[("host", "localhost"), ("authorization", &key)], body).await
    }
}

/// The keys of an operation's body.
fn keys_of_body(operation: &Operation) -> Option<Vec<String>> {
    let document = document::complete(homing_http_api::description(&Description::openapi()));
    let schema =
        operation.described["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str()?;
    let schema = document.pointer(schema.trim_start_matches('#'))?;
    Some(schema["properties"].as_object().map(Map::keys).into_iter().flatten().cloned().collect())
}

#[tokio::test]
async fn strangers_are_refused_by_every_operation_as_it_says() {
    let bench = bench().await;
    let key = format!("Bearer {KEY}");
    for operation in operations() {
        let path = operation.path("1");
        let of = |headers: Vec<(&'static str, String)>| headers;
        for (headers, status) in [
            (of(vec![("host", "localhost".into())]), 401),
            (of(vec![("host", "localhost".into()), ("authorization", "Bearer x".into())]), 401),
            (of(vec![("host", "evil.example".into()), ("authorization", key.clone())]), 421),
            (
                of(vec![
                    ("host", "localhost".into()),
                    ("authorization", key.clone()),
                    ("origin", "http://evil.example".into()),
                ]),
                403,
            ),
        ] {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let (answered, _) = operation.ask(&bench, &path, &headers, String::new()).await;
            let wanted = if operation.is_open() && status == 401 { 200 } else { status };
            assert_eq!(answered.as_u16(), wanted, "{} {path} {headers:?}", operation.method);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_400_with_its_field_by_every_operation_that_reads_it() {
    let bench = bench().await;
    let mut fields = 0;
    for operation in operations() {
        let path = operation.path("1");
        let what = format!("{} {path}", operation.method);
        if let Some(keys) = keys_of_body(&operation) {
            for body in ["", "{", "[]", "{} {}"] {
                let (status, problem) = operation.ask_with_key(&bench, &path, body.to_owned()).await;
                assert_eq!(status, StatusCode::BAD_REQUEST, "{what} {body}: {problem}");
            }
            let long = format!(r#"{{"x": "{}"}}"#, "x".repeat(MAX_BODY));
            let (status, _) = operation.ask_with_key(&bench, &path, long).await;
            assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{what}");
            assert!(!keys.is_empty(), "{what}");
            for key in keys.iter().map(String::as_str).chain(["nonsense"]) {
                let body = json!({ key: { "of": ["another", "kind"] } }).to_string();
                let (status, problem) = operation.ask_with_key(&bench, &path, body).await;
                assert_eq!(status, StatusCode::BAD_REQUEST, "{what} {key}: {problem}");
                assert_eq!(problem["field"], key, "{what}: {problem}");
                fields += 1;
            }
        }
        let queried = operation.parameters("query");
        if !queried.is_empty() {
            let wrong = queried.iter().filter(|(_, kind)| !kind.to_string().contains("string"));
            for name in wrong.map(|(name, _)| name.as_str()).chain(["nonsense"]) {
                let (status, problem) =
                    operation.ask_with_key(&bench, &format!("{path}?{name}=x"), String::new()).await;
                assert_eq!(status, StatusCode::BAD_REQUEST, "{what} {name}: {problem}");
                assert_eq!(problem["field"], name, "{what}: {problem}");
                fields += 1;
            }
        }
        for (_, kind) in operation.parameters("path") {
            let (status, problem) =
                operation.ask_with_key(&bench, &operation.path("x"), "{}".to_owned()).await;
            let is_number = kind == "integer";
            assert_eq!(
                status == StatusCode::BAD_REQUEST,
                is_number || operation.described["requestBody"].is_object(),
                "{what}: {problem}"
            );
            assert!(status.is_client_error(), "{what}: {status}");
            let (status, _) = operation.ask_with_key(&bench, &operation.path("%ff"), "{}".to_owned()).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{what}");
        }
    }
    assert!(fields > 40, "{fields} were looked at");
}

#[tokio::test]
async fn a_value_that_cannot_be_used_is_422_with_its_field() {
    let bench = bench().await;
    const APP: &str = "com.example.news";
    const TEAM: &str = "ABCDE12345";
    for (uri, body, field) in [
        ("/v1/teams", json!({"name": ""}), "name"),
        ("/v1/teams", json!({"name": "x", "team_id": "abc"}), "team_id"),
        ("/v1/apps", json!({"team_id": "NOBODY1234", "bundle_id": "com.x"}), "team_id"),
        ("/v1/apps", json!({"team_id": TEAM, "bundle_id": "com..x"}), "bundle_id"),
        ("/v1/keys", json!({"team_id": "NOBODY1234"}), "team_id"),
        ("/v1/keys", json!({"team_id": TEAM, "key_id": "abc"}), "key_id"),
        ("/v1/keys", json!({"team_id": TEAM, "environments": []}), "environments"),
        ("/v1/keys", json!({"team_id": TEAM, "apps": [APP]}), "environments"),
        ("/v1/keys", json!({"team_id": TEAM, "environments": ["production"], "apps": []}), "apps"),
        (
            "/v1/keys",
            json!({"team_id": TEAM, "environments": ["production"], "apps": ["com.nobody"]}),
            "apps",
        ),
        ("/v1/keys", json!({"team_id": TEAM, "related_to": "ABC1234567"}), "related_to"),
        (
            "/v1/keys",
            json!({"team_id": TEAM, "key_id": "ABC1234567", "public_key_pem": "x"}),
            "public_key_pem",
        ),
        ("/v1/certificates", json!({"bundle_id": "com.nobody", "kind": "voip"}), "bundle_id"),
        (
            "/v1/certificates",
            json!({"bundle_id": APP, "kind": "voip", "p12_password": "x".repeat(200)}),
            "p12_password",
        ),
        (
            "/v1/certificates",
            json!({"bundle_id": APP, "kind": "voip", "expires_at": "1969-01-01T00:00:00Z"}),
            "expires_at",
        ),
        ("/v1/enrolment-keys", json!({"team_id": TEAM, "apps": []}), "apps"),
        ("/v1/enrolment-keys", json!({"team_id": TEAM, "apps": ["com.nobody"]}), "apps"),
        ("/v1/enrolment-keys", json!({"team_id": TEAM, "apps": [APP], "environments": []}), "environments"),
        ("/v1/enrolment-keys", json!({"team_id": TEAM, "apps": [APP], "quota": 0}), "quota"),
        ("/v1/enrolment-keys", json!({"team_id": TEAM, "apps": [APP], "per_minute": 0}), "per_minute"),
        ("/v1/test-tokens", json!({"topic": "com.nobody", "environment": "production"}), "topic"),
        ("/v1/faults", json!({"effect": "drop"}), "app"),
        ("/v1/faults", json!({"effect": "drop", "token": "x"}), "token"),
        ("/v1/faults", json!({"effect": "refuse", "app": APP, "reason": "a b"}), "reason"),
    ] {
        let (status, problem) = bench.post(uri, body.clone()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{uri} {body}: {problem}");
        assert_eq!(problem["field"], field, "{uri} {body}: {problem}");
    }
}
