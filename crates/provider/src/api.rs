//! The HTTP API of the provider: what a business server, an app's SDK and the console may ask for. This file decides what
//! there is and serves it; the modules below, what each endpoint reads and answers. What is asked for is done by the
//! engine.

mod access;
mod apps;
mod document;
mod installations;
mod keys;
mod lists;
mod notifications;
mod payloads;
mod pushes;
mod refusal;
mod status;
mod watching;

use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use homing_http_api::{Hosts, Problem, Watchers, bodies_up_to, serve as serve_http, with_manners};
use tokio::sync::watch;
use tokio::task::JoinSet;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::engine::Engine;

/// Longest request body, in bytes. A list of root certificates is well below.
const MAX_BODY: usize = 256 * 1024;
/// Longest body of a push, in bytes: ten thousand users or tokens of the greatest length have less than 3 MB.
const MAX_PUSH: usize = 4 * 1024 * 1024;
/// Event streams open at a time.
const MAX_WATCHERS: usize = 256;

/// What the API needs to be served.
#[derive(Debug)]
pub(crate) struct ApiConfig {
    pub(crate) engine: Engine,
    /// Non-blocking.
    pub(crate) listeners: Vec<TcpListener>,
    /// Further names by which the API may be called, beside `localhost` and addresses.
    pub(crate) hosts: Vec<String>,
}

/// What every request may use.
#[derive(Clone, Debug)]
struct Api {
    engine: Engine,
    watchers: Watchers,
}

/// Serves until `stop` says true, then lets what has begun come to its end; streams end at once.
pub(crate) async fn serve(config: ApiConfig, stop: watch::Receiver<bool>) {
    let api = Api { engine: config.engine, watchers: Watchers::new(MAX_WATCHERS, stop.clone()) };
    let router = router(api, Hosts::new(config.hosts));
    let mut serving = JoinSet::new();
    for listener in config.listeners {
        match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => {
                serving.spawn(serve_http(listener, router.clone(), stop.clone()));
            }
            Err(error) => tracing::error!(%error, "the provider API can't be served"),
        }
    }
    while serving.join_next().await.is_some() {}
}

fn router(api: Api, hosts: Hosts) -> Router {
    let (router, description) = routes().split_for_parts();
    let router = router.route("/openapi.json", document::serving(&description)).with_state(api);
    with_manners(router, MAX_BODY).layer(from_fn_with_state(Arc::new(hosts), judge))
}

/// Everything there is, with its description; only the description itself isn't in it.
fn routes() -> OpenApiRouter<Api> {
    let pushes = OpenApiRouter::new().routes(routes!(pushes::list, pushes::create));
    document::empty()
        .routes(routes!(status::show))
        .routes(routes!(apps::list))
        .routes(routes!(apps::show, apps::put, apps::delete))
        .routes(routes!(apps::put_credential, apps::delete_credential))
        .routes(routes!(apps::put_identity_key, apps::delete_identity_key))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::delete))
        .routes(routes!(installations::list))
        .routes(routes!(installations::show, installations::put, installations::forget))
        .routes(routes!(installations::log_out))
        .routes(routes!(installations::report))
        .routes(routes!(installations::users))
        .merge(pushes.layer(bodies_up_to(MAX_PUSH)))
        .routes(routes!(pushes::show))
        .routes(routes!(watching::one))
        .routes(routes!(watching::all))
        .routes(routes!(notifications::list))
        .routes(routes!(payloads::check))
}

async fn judge(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    match hosts.judge(request.headers(), request.uri()) {
        Ok(_) => next.run(request).await,
        Err(stranger) => Problem::from(stranger).into_response(),
    }
}
