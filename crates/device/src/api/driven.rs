//! What the app's side of notifications is asked through the API: its categories, what is answered in its name, and its
//! service extension.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use homing_http_api::Path;
use homing_local::content_extension::ContentExtensionResponseOption;
use homing_local::{AppCall, Category, Reply};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::apps::{Place, done, no_reply, reply_of};
use super::problem::{Body, Problem, RefusedCall};
use crate::driver::{CallAnswer, Driver, Extension, ExtensionAnswer, ExtensionCallView, ReplyView, ToldView};

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/devices/{device}/apps/{app}/categories", get(categories).put(set_categories))
        .route("/v1/devices/{device}/apps/{app}/driver", get(driver).put(drive).delete(release))
        .route("/v1/devices/{device}/apps/{app}/calls", get(calls))
        .route("/v1/devices/{device}/apps/{app}/calls/{completion}", post(answer))
        .route(
            "/v1/devices/{device}/apps/{app}/service-extension",
            get(extension).put(set_extension).delete(remove_extension),
        )
        .route("/v1/devices/{device}/apps/{app}/service-extension/calls/{call}", post(answer_extension))
        .route(
            "/v1/devices/{device}/apps/{app}/content-extension",
            get(content_extension).put(set_content_extension).delete(remove_content_extension),
        )
        .route("/v1/devices/{device}/notifications/expand", post(expand))
        .route("/v1/devices/{device}/notifications/collapse", post(collapse))
}

/// Which notification is open.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Expand {
    /// The bundle ID.
    app: String,
    identifier: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Expanded {
    /// A content extension of the app draws it.
    content_extension: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Collapse {
    /// The bundle ID.
    app: String,
}

/// What the app's content extension answers to the actions of what is open.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetContentExtension {
    response: ContentExtensionResponseOption,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ContentExtensionView {
    /// The identifier of the notification that it draws.
    open: Option<String>,
    /// The process that draws it, by its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<i32>,
    /// What is answered if no process is asked.
    response: ContentExtensionResponseOption,
}

/// The app's whole set.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Categories {
    categories: Vec<Category>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Calls {
    /// The newest 256, oldest first.
    calls: Vec<ToldView>,
    /// What came of its requests for permission: the newest 256, oldest first.
    replies: Vec<ReplyView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ServiceExtension {
    /// `null`: what it does is left to its process, if the manifest has one.
    behaviour: Option<Extension>,
    /// What it works on, oldest first.
    calls: Vec<ExtensionCallView>,
}

/// The app's notification categories
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}/categories", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 200, body = Categories), (status = 404, body = Problem)))]
pub(super) async fn categories(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<Json<Categories>, Problem> {
    match reply_of(&*api.device(&device).await?, app, AppCall::GetNotificationCategories).await? {
        Some(Reply::Categories(categories)) => Ok(Json(Categories { categories })),
        other => Err(no_reply(other)),
    }
}

/// Let the app set its notification categories: the whole set, in place of the one before
#[utoipa::path(put, path = "/v1/devices/{device}/apps/{app}/categories", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)), request_body = Categories,
    responses((status = 204), (status = 404, body = Problem), (status = 422, body = RefusedCall,
        description = "HomingErrorDomain 1: an identifier is empty, twice there or Apple's own, or the set is too large")))]
pub(super) async fn set_categories(
    State(api): State<Api>,
    Path((device, app)): Place,
    Body(Categories { categories }): Body<Categories>,
) -> Result<StatusCode, Problem> {
    let call = AppCall::SetNotificationCategories { categories };
    done(reply_of(&*api.device(&device).await?, app, call).await?)?;
    Ok(StatusCode::NO_CONTENT)
}

/// How the app is driven
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}/driver", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 200, body = Driver), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn driver(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<Json<Driver>, Problem> {
    Ok(Json(api.device(&device).await?.ask(move |phone| Ok(phone.driver_of(&app))).await?))
}

/// Drive the app through this API: no process is started for it, its delegate answers as said here
#[utoipa::path(put, path = "/v1/devices/{device}/apps/{app}/driver", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)), request_body = Driver,
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn drive(
    State(api): State<Api>,
    Path((device, app)): Place,
    Body(driver): Body<Driver>,
) -> Result<StatusCode, Problem> {
    api.device(&device).await?.ask(move |phone| phone.set_driver(&app, Some(driver))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give the app back to its process
#[utoipa::path(delete, path = "/v1/devices/{device}/apps/{app}/driver", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn release(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<StatusCode, Problem> {
    api.device(&device).await?.ask(move |phone| phone.set_driver(&app, None)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a driven app was told: its launches, moves, tokens, and the calls of its delegate
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}/calls", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 200, body = Calls), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn calls(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<Json<Calls>, Problem> {
    let (calls, replies) = api.device(&device).await?.ask(move |phone| Ok(phone.told(&app))).await?;
    Ok(Json(Calls { calls, replies }))
}

/// Call the completion handler of an open call of a driven app
#[utoipa::path(post, path = "/v1/devices/{device}/apps/{app}/calls/{completion}", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path), ("completion" = u64, Path)),
    request_body = CallAnswer,
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub(super) async fn answer(
    State(api): State<Api>,
    Path((device, app, completion)): Path<(String, String, u64)>,
    Body(answer): Body<CallAnswer>,
) -> Result<StatusCode, Problem> {
    api.device(&device).await?.ask(move |phone| phone.answer_call(&app, completion, answer)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the app's service extension does, and what it works on
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}/service-extension", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 200, body = ServiceExtension), (status = 404, body = Problem)))]
pub(super) async fn extension(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<Json<ServiceExtension>, Problem> {
    let device = api.device(&device).await?;
    let looked = device.ask(move |phone| {
        Ok(phone.app_detail(&app).map(|_| ServiceExtension {
            behaviour: phone.extension(&app).cloned(),
            calls: phone.extension_calls(&app),
        }))
    });
    Ok(Json(looked.await?))
}

/// Give the app a service extension that does this with each notification that says `mutable-content`
#[utoipa::path(put, path = "/v1/devices/{device}/apps/{app}/service-extension", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)), request_body = Extension,
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn set_extension(
    State(api): State<Api>,
    Path((device, app)): Place,
    Body(extension): Body<Extension>,
) -> Result<StatusCode, Problem> {
    api.device(&device).await?.ask(move |phone| phone.set_extension(&app, Some(extension))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Leave the service extension to its process; without one in the manifest, the app has none
#[utoipa::path(delete, path = "/v1/devices/{device}/apps/{app}/service-extension", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn remove_extension(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<StatusCode, Problem> {
    api.device(&device).await?.ask(move |phone| phone.set_extension(&app, None)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Answer one call of the service extension: with the content changed, or with a crash
#[utoipa::path(post, path = "/v1/devices/{device}/apps/{app}/service-extension/calls/{call}", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path), ("call" = u64, Path)),
    request_body = ExtensionAnswer,
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn answer_extension(
    State(api): State<Api>,
    Path((device, app, call)): Path<(String, String, u64)>,
    Body(answer): Body<ExtensionAnswer>,
) -> Result<StatusCode, Problem> {
    api.device(&device).await?.ask(move |phone| phone.answer_extension(&app, call, &answer)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Open a notification on the screen, not its app: its content extension draws it, if there is one
#[utoipa::path(post, path = "/v1/devices/{device}/notifications/expand", tag = "devices",
    params(("device" = String, Path)), request_body = Expand,
    responses((status = 200, body = Expanded), (status = 404, body = Problem)))]
pub(super) async fn expand(
    State(api): State<Api>,
    Path(device): Path<String>,
    Body(Expand { app, identifier }): Body<Expand>,
) -> Result<Json<Expanded>, Problem> {
    let device = api.device(&device).await?;
    let content_extension = device.ask(move |phone| phone.expand(&app, identifier)).await?;
    Ok(Json(Expanded { content_extension }))
}

/// Close what of the app is open
#[utoipa::path(post, path = "/v1/devices/{device}/notifications/collapse", tag = "devices",
    params(("device" = String, Path)), request_body = Collapse,
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn collapse(
    State(api): State<Api>,
    Path(device): Path<String>,
    Body(Collapse { app }): Body<Collapse>,
) -> Result<StatusCode, Problem> {
    api.device(&device).await?.ask(move |phone| phone.collapse(&app)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the app's content extension draws, and what it answers
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}/content-extension", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 200, body = ContentExtensionView), (status = 404, body = Problem)))]
pub(super) async fn content_extension(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<Json<ContentExtensionView>, Problem> {
    let device = api.device(&device).await?;
    let looked = device.ask(move |phone| {
        let (open, pid, response) = phone.content_extension(&app);
        Ok(phone.app_detail(&app).map(|_| ContentExtensionView { open, pid, response }))
    });
    Ok(Json(looked.await?))
}

/// Lay down what the app's content extension answers, in place of its process, as long as the device runs
#[utoipa::path(put, path = "/v1/devices/{device}/apps/{app}/content-extension", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)), request_body = SetContentExtension,
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn set_content_extension(
    State(api): State<Api>,
    Path((device, app)): Place,
    Body(SetContentExtension { response }): Body<SetContentExtension>,
) -> Result<StatusCode, Problem> {
    api.device(&device).await?.ask(move |phone| phone.set_content_extension(&app, Some(response))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Leave what is answered to the content extension's process again
#[utoipa::path(delete, path = "/v1/devices/{device}/apps/{app}/content-extension", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn remove_content_extension(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<StatusCode, Problem> {
    api.device(&device).await?.ask(move |phone| phone.set_content_extension(&app, None)).await?;
    Ok(StatusCode::NO_CONTENT)
}
