//! The description of the API, and that what it says holds: who is let in where.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::hands::{Ask, BUNDLE, OTHER, ROOT, World, token};

/// Everything there is to be.
const ENDPOINTS: [(&str, &str); 27] = [
    ("get", "/v1/status"),
    ("get", "/v1/apps"),
    ("get", "/v1/apps/{bundle}"),
    ("put", "/v1/apps/{bundle}"),
    ("delete", "/v1/apps/{bundle}"),
    ("put", "/v1/apps/{bundle}/credentials/{environment}"),
    ("delete", "/v1/apps/{bundle}/credentials/{environment}"),
    ("put", "/v1/apps/{bundle}/identity-keys/{kid}"),
    ("delete", "/v1/apps/{bundle}/identity-keys/{kid}"),
    ("get", "/v1/keys"),
    ("post", "/v1/keys"),
    ("delete", "/v1/keys/{id}"),
    ("get", "/v1/apps/{bundle}/installations"),
    ("get", "/v1/apps/{bundle}/installations/{token}"),
    ("put", "/v1/apps/{bundle}/installations/{token}"),
    ("delete", "/v1/apps/{bundle}/installations/{token}"),
    ("delete", "/v1/apps/{bundle}/installations/{token}/user"),
    ("post", "/v1/apps/{bundle}/installations/{token}/reports"),
    ("get", "/v1/apps/{bundle}/users"),
    ("get", "/v1/apps/{bundle}/pushes"),
    ("post", "/v1/apps/{bundle}/pushes"),
    ("get", "/v1/apps/{bundle}/pushes/{push_id}"),
    ("get", "/v1/apps/{bundle}/pushes/{push_id}/events"),
    ("get", "/v1/apps/{bundle}/events"),
    ("get", "/v1/apps/{bundle}/notifications"),
    ("post", "/v1/payloads/check"),
    ("get", "/openapi.json"),
];

/// One endpoint as it is described.
struct Endpoint {
    method: &'static str,
    template: String,
    described: Value,
}

impl Endpoint {
    /// Its path, for an app.
    fn path(&self, bundle: &str) -> String {
        let path = self.template.replace("{bundle}", bundle).replace("{environment}", "development");
        path.replace("{kid}", "k1")
            .replace("{token}", &token('a'))
            .replace("{push_id}", "p")
            .replace("{id}", "k")
    }

    fn is_of_an_app(&self) -> bool {
        self.template.contains("{bundle}")
    }

    /// The scope it says it needs.
    fn scope(&self) -> Option<&str> {
        self.described["security"][0]["server_key"][0].as_str()
    }
}

async fn endpoints(world: &World) -> (Value, Vec<Endpoint>) {
    let document = world.ask(Ask::new("GET", "/openapi.json")).await.expect(200);
    let mut endpoints = Vec::new();
    for (path, item) in document["paths"].as_object().expect("it has paths") {
        for (method, described) in item.as_object().expect("it has methods") {
            let method = match method.as_str() {
                "get" => "GET",
                "put" => "PUT",
                "post" => "POST",
                "delete" => "DELETE",
                other => panic!("{other} {path}"),
            };
            endpoints.push(Endpoint { method, template: path.clone(), described: described.clone() });
        }
    }
    (document, endpoints)
}

#[tokio::test]
async fn the_description_has_every_endpoint_and_needs_no_key() {
    let world = World::start().await;
    let (document, endpoints) = endpoints(&world).await;
    let described: BTreeSet<(String, String)> =
        endpoints.iter().map(|it| (it.method.to_lowercase(), it.template.clone())).collect();
    let wanted: BTreeSet<(String, String)> = ENDPOINTS
        .iter()
        .filter(|(_, path)| *path != "/openapi.json")
        .map(|(method, path)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    assert_eq!(described, wanted);
    for scheme in ["server_key", "identity_token"] {
        assert_eq!(document["components"]["securitySchemes"][scheme]["scheme"], "bearer");
    }
    world.stop().await;
}

#[tokio::test]
async fn the_description_is_whole() {
    let world = World::start().await;
    let (document, endpoints) = endpoints(&world).await;
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap_or_default())
    {
        assert!(document.pointer(reference).is_some(), "{reference} isn't there");
    }
    let ids: BTreeSet<&str> =
        endpoints.iter().filter_map(|endpoint| endpoint.described["operationId"].as_str()).collect();
    assert_eq!(ids.len(), endpoints.len(), "ids name one endpoint each: {ids:?}");
    for Endpoint { method, template, described } in &endpoints {
        let responses = described["responses"].as_object().expect("it has responses");
        assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {template}");
        assert!(
            responses.values().all(|response| response["description"].is_string()),
            "{method} {template}"
        );
        for status in ["401", "403", "421", "503"] {
            let problem = "/components/schemas/Problem";
            let schema = &responses[status]["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(schema, &json!(format!("#{problem}")), "{method} {template} {status}");
        }
        let empty = Vec::new();
        let parameters = described["parameters"].as_array().unwrap_or(&empty);
        for place in template.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
            let is_it = |parameter: &&Value| parameter["name"] == place && parameter["in"] == "path";
            let described = parameters.iter().find(is_it).expect("it is described");
            assert!(described["description"].is_string(), "{method} {template}");
        }
        if *method == "PUT" || *method == "POST" {
            let schema = &described["requestBody"]["content"]["application/json"]["schema"];
            assert!(schema.is_object(), "{method} {template}");
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn every_endpoint_wants_a_key_its_own_host_and_no_foreign_page() {
    let world = World::start().await;
    for endpoint in endpoints(&world).await.1 {
        let ask = || Ask::new(endpoint.method, endpoint.path(BUNDLE));
        let cases = [
            (401, ask()),
            (401, ask().key("wrong")),
            (401, ask().header("authorization", format!("Basic {ROOT}"))),
            (401, ask().header("authorization", ROOT)),
            (421, ask().key(ROOT).header("host", "evil.example:8481")),
            (421, ask().key(ROOT).header("host", "127.0.0.1.nip.io")),
            (403, ask().key(ROOT).header("origin", "http://evil.example")),
            (403, ask().key(ROOT).header("origin", "null")),
            (403, ask().key(ROOT).header("origin", "http://localhost:8480")),
        ];
        for (wanted, ask) in cases {
            let headers = ask.headers.clone();
            let answer = world.ask(ask).await;
            let what = format!("{} {} {headers:?}: {}", endpoint.method, endpoint.template, answer.body);
            assert_eq!(answer.status, wanted, "{what}");
            assert_eq!(answer.headers["content-type"], "application/problem+json", "{what}");
            assert!(answer.body["title"].is_string() && !answer.detail().is_empty(), "{what}");
            assert_eq!(answer.headers.contains_key("www-authenticate"), wanted == 401, "{what}");
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn every_endpoint_wants_the_scope_it_says_and_no_other() {
    let world = World::start().await;
    let scopes = ["admin", "push", "installations", "read"];
    for endpoint in endpoints(&world).await.1 {
        // The only one that any key opens.
        let Some(needed) = endpoint.scope() else {
            assert_eq!(endpoint.template, "/v1/payloads/check");
            continue;
        };
        let others: Vec<&str> = scopes.into_iter().filter(|scope| *scope != needed).collect();
        let lacking = world.key(&others, None).await;
        let answer = world.ask(Ask::new(endpoint.method, endpoint.path(BUNDLE)).key(&lacking)).await;
        let what = format!("{} {} with {others:?}: {}", endpoint.method, endpoint.template, answer.body);
        assert_eq!(answer.status, 403, "{what}");
        assert!(answer.detail().contains(&format!("`{needed}`")), "{what}");
        let enough = world.key(&[needed], None).await;
        // Neither a body nor a query is sent: whoever reads them has let the key in. Streams don't end by themselves.
        if endpoint.template.ends_with("/events") {
            continue;
        }
        let path = endpoint.path("com.example.nobody");
        let answer = world.ask(Ask::new(endpoint.method, path).key(&enough)).await;
        assert!(!matches!(answer.status, 401 | 403), "{}: {}", endpoint.template, answer.body);
    }
    world.stop().await;
}

#[tokio::test]
async fn a_key_for_some_apps_opens_no_other_app() {
    let world = World::start().await;
    let key = world.key(&["admin", "push", "installations", "read"], Some(&[OTHER])).await;
    for endpoint in endpoints(&world).await.1.iter().filter(|endpoint| endpoint.is_of_an_app()) {
        for bundle in [BUNDLE, "com.example.nobody"] {
            let answer = world.ask(Ask::new(endpoint.method, endpoint.path(bundle)).key(&key)).await;
            let what = format!("{} {}: {}", endpoint.method, endpoint.template, answer.body);
            assert_eq!(answer.status, 403, "{what}");
            assert!(answer.detail().contains(bundle), "{what}");
        }
    }
    let apps = world.ask(Ask::new("GET", "/v1/apps").key(&key)).await.expect(200);
    assert_eq!(apps["apps"].as_array().map(Vec::len), Some(1), "{apps}");
    assert_eq!(apps["apps"][0]["bundle_id"], OTHER);
    world.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_said_with_what_is() {
    let world = World::start().await;
    for (method, path, status, hint) in [
        ("GET", "/", 404, "/openapi.json"),
        ("GET", "/v2/apps", 404, "/openapi.json"),
        ("GET", "/v1/apps/", 404, "/openapi.json"),
        ("POST", "/v1/apps", 405, "/openapi.json"),
        ("PATCH", "/v1/apps/com.example.news", 405, "/openapi.json"),
        ("GET", "/v1/apps/%ff", 400, "UTF-8"),
        ("GET", "/v1/apps/com.example.nobody", 404, "PUT /v1/apps/{bundle}"),
    ] {
        let answer = world.root(method, path, &Value::Null).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        assert!(answer.detail().contains(hint), "{method} {path}: {}", answer.body);
    }
    let named = Ask::new("GET", "/v1/status").key(ROOT);
    for (host, status) in [("push.example.org", 200), ("push.example.org:8481", 200), ("[::1]:8481", 200)] {
        let answer = world
            .ask(Ask { headers: named.headers.clone(), ..Ask::new("GET", "/v1/status") }.header("host", host))
            .await;
        assert_eq!(answer.status, status, "{host}: {}", answer.body);
    }
    world.stop().await;
}
