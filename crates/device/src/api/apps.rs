//! The apps on a device: what a user does with them, and what they ask of the device, asked in their name.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use homing_http_api::{Path, Query};
use homing_local::view::{ChangeSetting, InstallApp, SetAppState};
use homing_local::{
    AppCall, AuthorizationOption, Notification, NotificationRequest, NotificationSettings, PromptView, Reply,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Api;
use super::devices::Pending;
use super::problem::{Body, Problem, RefusedCall, refused_call};
use crate::fleet::Handle;
use crate::phone::lifecycle::Tell;
use crate::phone::questions::{AppDetail, Credentials};

/// Longest touch, in bytes of JSON.
const MAX_TOUCH: usize = 16 * 1024;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Apps {
    apps: Vec<AppDetail>,
}

/// What the app asks permission for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    options: Vec<AuthorizationOption>,
}

/// What the app's completion handler gets.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Granted {
    /// Absent while the user hasn't answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    granted: Option<bool>,
    /// The number of this call. Of an app that is driven, GET …/calls has its answer under it.
    request: u64,
    /// The app's own prompt, if it is on the screen; it waits until the app is in foreground.
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<PromptView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Token {
    /// Lower-case hexadecimal.
    device_token: String,
    /// `development` or `production`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    environment: Option<homing_trace::Environment>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page {
    /// `null`: the front page, or the app doesn't run.
    url: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Badge {
    /// 0 is none.
    pub(super) count: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BadgeView {
    /// 0 is none.
    count: i64,
    /// What the user sees: 0 while a Focus hides badges.
    visible: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Delivered {
    /// Newest first.
    delivered: Vec<Notification>,
}

/// Which of an app's requests or notifications: `identifier`, as often as there are; all without it.
type Which = Vec<(String, String)>;

pub(super) type Place = Path<(String, String)>;

/// All installed apps
#[utoipa::path(get, path = "/v1/devices/{device}/apps", tag = "apps", params(("device" = String, Path)),
    responses((status = 200, body = Apps)))]
pub(super) async fn list(State(api): State<Api>, Path(device): Path<String>) -> Result<Json<Apps>, Problem> {
    let device = api.device(&device).await?;
    Ok(Json(Apps { apps: device.ask(|phone| Ok(Ok(phone.app_details()))).await? }))
}

/// One app, and what it shows
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path, description = "bundle ID")),
    responses((status = 200, body = AppDetail), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<Json<AppDetail>, Problem> {
    Ok(Json(detail(&*api.device(&device).await?, app).await?))
}

/// Install an app, or another version in its place, which keeps everything; a new one is opened once, in background
#[utoipa::path(put, path = "/v1/devices/{device}/apps/{app}", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)), request_body = InstallApp,
    responses((status = 201, body = AppDetail), (status = 200, body = AppDetail),
        (status = 400, description = "also a manifest of another bundle ID than the path's", body = Problem),
        (status = 404, body = Problem), (status = 422, description = "the manifest can't be used", body = Problem)))]
pub(super) async fn install(
    State(api): State<Api>,
    Path((device, app)): Place,
    Body(InstallApp { manifest }): Body<InstallApp>,
) -> Result<Response, Problem> {
    if manifest.bundle_id != app {
        let detail =
            format!("the manifest is of {}, the address of {app}: make them the same", manifest.bundle_id);
        return Err(Problem::invalid(detail));
    }
    let device = api.device(&device).await?;
    let is_new = device.ask(move |phone| phone.install_from(manifest)).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(detail(&device, app).await?)).into_response())
}

/// How an app is removed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Removal {
    #[serde(default)]
    tell: Tell,
}

/// Remove an app; its token ends. With `tell=later` the push service still takes notifications for it, as it may for a
/// while after an app was deleted: the first that comes is suppressed as `unknown-app`, and only then the token ends
#[utoipa::path(delete, path = "/v1/devices/{device}/apps/{app}", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path), ("tell" = Option<Tell>, Query)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn remove(
    State(api): State<Api>,
    Path((device, app)): Place,
    Query(Removal { tell }): Query<Removal>,
) -> Result<StatusCode, Problem> {
    api.device(&device).await?.ask(move |phone| phone.remove(&app, tell)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Open an app, send it to background, end it as the system does, or force-quit it
#[utoipa::path(put, path = "/v1/devices/{device}/apps/{app}/state", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)), request_body = SetAppState,
    responses((status = 200, body = AppDetail), (status = 404, body = Problem)))]
pub(super) async fn set_state(
    State(api): State<Api>,
    Path((device, app)): Place,
    Body(SetAppState { state }): Body<SetAppState>,
) -> Result<Json<AppDetail>, Problem> {
    let device = api.device(&device).await?;
    let of = app.clone();
    device.ask(move |phone| phone.set_app_state(&of, state)).await?;
    Ok(Json(detail(&device, app).await?))
}

/// Let the app ask for permission: 200 if that is decided, 202 if the user is to answer
#[utoipa::path(post, path = "/v1/devices/{device}/apps/{app}/authorization", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)), request_body = Ask,
    responses((status = 200, body = Granted), (status = 202, body = Granted), (status = 404, body = Problem)))]
pub(super) async fn request_authorization(
    State(api): State<Api>,
    Path((device, app)): Place,
    Body(Ask { options }): Body<Ask>,
) -> Result<Response, Problem> {
    let device = api.device(&device).await?;
    let of = app.clone();
    let (request, mut replied) = device.ask(move |phone| phone.ask_permission_as(&of, options)).await?;
    match replied.try_recv().ok() {
        Some(Reply::Granted(granted)) => {
            Ok(Json(Granted { granted: Some(granted), request, prompt: None }).into_response())
        }
        Some(other) => Err(refused(other)),
        None => {
            let prompt = device.ask(|phone| Ok(Ok(phone.prompt_view()))).await?;
            let prompt = prompt.filter(|prompt| prompt.app == app);
            Ok((StatusCode::ACCEPTED, Json(Granted { granted: None, request, prompt })).into_response())
        }
    }
}

/// Let the app register for remote notifications; its token comes when the push service gives it
#[utoipa::path(put, path = "/v1/devices/{device}/apps/{app}/registration", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 202, body = AppDetail), (status = 404, body = Problem)))]
pub(super) async fn register(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<Response, Problem> {
    let device = api.device(&device).await?;
    done(reply_of(&device, app.clone(), AppCall::RegisterForRemoteNotifications).await?)?;
    Ok((StatusCode::ACCEPTED, Json(detail(&device, app).await?)).into_response())
}

/// Let the app unregister: nothing is shown, the token stays
#[utoipa::path(delete, path = "/v1/devices/{device}/apps/{app}/registration", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn unregister(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<StatusCode, Problem> {
    let device = api.device(&device).await?;
    done(reply_of(&device, app, AppCall::UnregisterForRemoteNotifications).await?)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The app's device token
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}/token", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 200, body = Token), (status = 404, body = Problem)))]
pub(super) async fn token(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<Json<Token>, Problem> {
    let detail = detail(&*api.device(&device).await?, app).await?;
    match detail.app.device_token {
        Some(device_token) => Ok(Json(Token { device_token, environment: detail.environment })),
        None => Err(Problem::not_found(format!(
            "{} has no token yet: it gets one when it has registered and the device reaches the push service",
            detail.app.bundle_id
        ))),
    }
}

/// The page the app shows
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}/page", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 200, body = Page), (status = 404, body = Problem)))]
pub(super) async fn page(State(api): State<Api>, Path((device, app)): Place) -> Result<Json<Page>, Problem> {
    Ok(Json(Page { url: detail(&*api.device(&device).await?, app).await?.url }))
}

/// Touch the page: the app in foreground gets the JSON object, in words of its own
#[utoipa::path(post, path = "/v1/devices/{device}/apps/{app}/page/touch", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)), request_body = Object,
    responses((status = 202), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn touch(
    State(api): State<Api>,
    Path((device, app)): Place,
    Body(touch): Body<Map<String, Value>>,
) -> Result<StatusCode, Problem> {
    let size = serde_json::to_vec(&touch).map_or(usize::MAX, |json| json.len());
    if size > MAX_TOUCH {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "The touch is too large",
            format!("a touch has at most {MAX_TOUCH} bytes of JSON, this one {size}"),
        ));
    }
    let device = api.device(&device).await?;
    let taken = device.ask(move |phone| phone.touch_page(&app, touch)).await?;
    if taken.await.unwrap_or(false) {
        return Ok(StatusCode::ACCEPTED);
    }
    let detail = "the app doesn't look at its touches now: wait a moment, or open it again".to_owned();
    Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "The app is busy", detail))
}

/// The app's notification settings
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}/settings", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 200, body = NotificationSettings), (status = 404, body = Problem)))]
pub(super) async fn settings(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<Json<NotificationSettings>, Problem> {
    match reply_of(&*api.device(&device).await?, app, AppCall::GetNotificationSettings).await? {
        Some(Reply::Settings(settings)) => Ok(Json(*settings)),
        other => Err(no_reply(other)),
    }
}

/// Turn one switch of the app's page in Settings
#[utoipa::path(put, path = "/v1/devices/{device}/apps/{app}/settings", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)), request_body = ChangeSetting,
    responses((status = 200, body = NotificationSettings), (status = 404, body = Problem)))]
pub(super) async fn change_setting(
    State(api): State<Api>,
    place: Place,
    Body(change): Body<ChangeSetting>,
) -> Result<Json<NotificationSettings>, Problem> {
    let of = place.0.1.clone();
    let device = api.device(&place.0.0).await?;
    device.ask(move |phone| phone.change_setting(&of, &change)).await?;
    settings(State(api), place).await
}

/// The number on the app's icon
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}/badge", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 200, body = BadgeView), (status = 404, body = Problem)))]
pub(super) async fn badge(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<Json<BadgeView>, Problem> {
    let detail = detail(&*api.device(&device).await?, app).await?;
    let (count, visible) = (i64::from(detail.app.badge), i64::from(detail.visible_badge));
    Ok(Json(BadgeView { count, visible }))
}

/// Let the app set the number on its icon
#[utoipa::path(put, path = "/v1/devices/{device}/apps/{app}/badge", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)), request_body = Badge,
    responses((status = 204), (status = 404, body = Problem),
        (status = 422, description = "UNErrorDomain 1 (not allowed), 1600 (less than 0)", body = RefusedCall)))]
pub(super) async fn set_badge(
    State(api): State<Api>,
    Path((device, app)): Place,
    Body(Badge { count }): Body<Badge>,
) -> Result<StatusCode, Problem> {
    done(reply_of(&*api.device(&device).await?, app, AppCall::SetBadgeCount { count }).await?)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let the app add a local request
#[utoipa::path(post, path = "/v1/devices/{device}/apps/{app}/requests", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)), request_body = NotificationRequest,
    responses((status = 204), (status = 404, body = Problem), (status = 422, body = RefusedCall,
        description = "UNErrorDomain 1 (not allowed), 100 to 105 (attachments), 1400 (a trigger without a date), 1401 (nothing to show), \
            1500 and 1501 (communication), 1600 (the badge); HomingErrorDomain 1: what UserNotifications raises as an exception, such as an empty identifier")))]
pub(super) async fn add_request(
    State(api): State<Api>,
    Path((device, app)): Place,
    Body(request): Body<NotificationRequest>,
) -> Result<StatusCode, Problem> {
    done(reply_of(&*api.device(&device).await?, app, AppCall::Add { request: Box::new(request) }).await?)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The app's requests that wait for their triggers
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}/pending", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 200, body = Pending), (status = 404, body = Problem)))]
pub(super) async fn pending(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<Json<Pending>, Problem> {
    match reply_of(&*api.device(&device).await?, app, AppCall::GetPendingNotificationRequests).await? {
        Some(Reply::Pending(pending)) => Ok(Json(Pending { pending })),
        other => Err(no_reply(other)),
    }
}

/// Let the app remove some of its pending requests, or all
#[utoipa::path(delete, path = "/v1/devices/{device}/apps/{app}/pending", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path), ("identifier" = Option<Vec<String>>, Query, description = "repeat it for several; without it, all")),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn remove_pending(
    State(api): State<Api>,
    Path((device, app)): Place,
    Query(which): Query<Which>,
) -> Result<StatusCode, Problem> {
    let call = match identifiers(which)? {
        Some(identifiers) => AppCall::RemovePendingNotificationRequests { identifiers },
        None => AppCall::RemoveAllPendingNotificationRequests,
    };
    done(reply_of(&*api.device(&device).await?, app, call).await?)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The app's notifications in Notification Center, as the app sees them
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}/delivered", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 200, body = Delivered), (status = 404, body = Problem)))]
pub(super) async fn delivered(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<Json<Delivered>, Problem> {
    match reply_of(&*api.device(&device).await?, app, AppCall::GetDeliveredNotifications).await? {
        Some(Reply::Delivered(delivered)) => Ok(Json(Delivered { delivered })),
        other => Err(no_reply(other)),
    }
}

/// Let the app withdraw some of its delivered notifications, or all
#[utoipa::path(delete, path = "/v1/devices/{device}/apps/{app}/delivered", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path), ("identifier" = Option<Vec<String>>, Query, description = "repeat it for several; without it, all")),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn remove_delivered(
    State(api): State<Api>,
    Path((device, app)): Place,
    Query(which): Query<Which>,
) -> Result<StatusCode, Problem> {
    let call = match identifiers(which)? {
        Some(identifiers) => AppCall::RemoveDeliveredNotifications { identifiers },
        None => AppCall::RemoveAllDeliveredNotifications,
    };
    done(reply_of(&*api.device(&device).await?, app, call).await?)?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a process that the device didn't start needs to attach as this app; it is in foreground then. A process that the
/// device starts is given it in its environment.
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}/credentials", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 200, body = Credentials), (status = 404, body = Problem)))]
pub(super) async fn credentials(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<Json<Credentials>, Problem> {
    Ok(Json(api.device(&device).await?.ask(move |phone| Ok(phone.credentials(&app))).await?))
}

fn identifiers(which: Which) -> Result<Option<Vec<String>>, Problem> {
    if let Some((other, _)) = which.iter().find(|(name, _)| name != "identifier") {
        return Err(Problem::invalid(format!(
            "the query has no {other:?}: give `identifier`, or nothing for all"
        )));
    }
    let identifiers: Vec<String> = which.into_iter().map(|(_, identifier)| identifier).collect();
    Ok((!identifiers.is_empty()).then_some(identifiers))
}

pub(super) async fn detail(device: &Handle, app: String) -> Result<AppDetail, Problem> {
    Ok(device.ask(move |phone| Ok(phone.app_detail(&app))).await?)
}

/// Makes a call in the app's name; `None` while its reply waits for the user.
pub(super) async fn reply_of(device: &Handle, app: String, call: AppCall) -> Result<Option<Reply>, Problem> {
    let mut replied = device.ask(move |phone| phone.call_as(&app, call)).await?;
    Ok(replied.try_recv().ok())
}

pub(super) fn done(reply: Option<Reply>) -> Result<(), Problem> {
    match reply {
        Some(Reply::Done) => Ok(()),
        other => Err(no_reply(other)),
    }
}

pub(super) fn no_reply(reply: Option<Reply>) -> Problem {
    reply.map_or_else(|| Problem::broken("the device gave no answer".to_owned()), refused)
}

fn refused(reply: Reply) -> Problem {
    match reply {
        Reply::Error(error) => refused_call(&error),
        Reply::Done
        | Reply::Granted(_)
        | Reply::Settings(_)
        | Reply::Registered(_)
        | Reply::Badge(_)
        | Reply::Pending(_)
        | Reply::Delivered(_)
        | Reply::Categories(_)
        | Reply::UserNotificationSettings(_)
        | Reply::LocalNotifications(_) => {
            Problem::broken("the device gave another answer than was asked for".to_owned())
        }
    }
}
