//! What an app asks by the iOS 9 API, asked in its name. Its callbacks are among the app's other calls (`GET …/calls`) and
//! the device's events; which of them it has is said with `PUT …/driver`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use homing_http_api::Path;
use homing_local::{AppCall, LegacyCall, LocalNotification, PromptView, Reply, UserNotificationSettings};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::apps::{Badge, Place, detail, done, no_reply, reply_of};
use super::problem::{Body, Problem, RefusedCall};

pub(super) fn routes() -> Router<Api> {
    const APP: &str = "/v1/devices/{device}/apps/{app}/legacy";
    Router::new()
        .route(&format!("{APP}/user-notification-settings"), get(settings).post(register))
        .route(
            &format!("{APP}/local-notifications"),
            get(scheduled).post(schedule).put(set_scheduled).delete(cancel_all),
        )
        .route(&format!("{APP}/local-notifications/cancel"), post(cancel))
        .route(&format!("{APP}/present-now"), post(present_now))
        .route(&format!("{APP}/icon-badge-number"), get(icon_badge_number).put(set_icon_badge_number))
}

/// What registering comes to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RegisteredSettings {
    /// *currentUserNotificationSettings*, as they are now.
    settings: UserNotificationSettings,
    /// The prompt that is on the screen: the app's didRegisterUserNotificationSettings is called when the user has
    /// answered. It waits until the app is in foreground.
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<PromptView>,
}

/// *scheduledLocalNotifications*.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LocalNotifications {
    /// Soonest first.
    local_notifications: Vec<LocalNotification>,
}

async fn ask(api: &Api, (device, app): (String, String), asked: LegacyCall) -> Result<StatusCode, Problem> {
    done(reply_of(&*api.device(&device).await?, app, AppCall::Legacy { asked }).await?)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn current(api: &Api, (device, app): (String, String)) -> Result<UserNotificationSettings, Problem> {
    let asked = LegacyCall::CurrentUserNotificationSettings;
    match reply_of(&*api.device(&device).await?, app, AppCall::Legacy { asked }).await? {
        Some(Reply::UserNotificationSettings(settings)) => Ok(settings),
        other => Err(no_reply(other)),
    }
}

/// currentUserNotificationSettings: the types in force, the switches in Settings included; none if the user refused
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}/legacy/user-notification-settings", tag = "ios 9",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 200, body = UserNotificationSettings), (status = 404, body = Problem)))]
pub(super) async fn settings(
    State(api): State<Api>,
    Path(place): Place,
) -> Result<Json<UserNotificationSettings>, Problem> {
    Ok(Json(current(&api, place).await?))
}

/// registerUserNotificationSettings: the first call asks the user, each overwrites types and categories; the app's
/// didRegisterUserNotificationSettings always follows
#[utoipa::path(post, path = "/v1/devices/{device}/apps/{app}/legacy/user-notification-settings", tag = "ios 9",
    params(("device" = String, Path), ("app" = String, Path)), request_body = UserNotificationSettings,
    responses((status = 200, body = RegisteredSettings, description = "decided; the app is told"),
        (status = 202, body = RegisteredSettings, description = "the user is to answer"),
        (status = 404, body = Problem), (status = 422, body = RefusedCall, description = "UNErrorDomain 1 (not allowed); HomingErrorDomain 1: what UIKit raises \
            as an exception")))]
pub(super) async fn register(
    State(api): State<Api>,
    Path(place): Place,
    Body(settings): Body<UserNotificationSettings>,
) -> Result<(StatusCode, Json<RegisteredSettings>), Problem> {
    ask(&api, place.clone(), LegacyCall::RegisterUserNotificationSettings { settings }).await?;
    let (device, app) = place.clone();
    let open = api.device(&device).await?.ask(move |phone| Ok(Ok(phone.has_open_prompt(&app)))).await?;
    let prompt = api.device(&device).await?.ask(|phone| Ok(Ok(phone.prompt_view()))).await?;
    let status = if open { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Json(RegisteredSettings { settings: current(&api, place).await?, prompt })))
}

/// scheduledLocalNotifications: those that wait
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}/legacy/local-notifications", tag = "ios 9",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 200, body = LocalNotifications), (status = 404, body = Problem)))]
pub(super) async fn scheduled(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<Json<LocalNotifications>, Problem> {
    let asked = LegacyCall::ScheduledLocalNotifications;
    match reply_of(&*api.device(&device).await?, app, AppCall::Legacy { asked }).await? {
        Some(Reply::LocalNotifications(local_notifications)) => {
            Ok(Json(LocalNotifications { local_notifications }))
        }
        other => Err(no_reply(other)),
    }
}

/// scheduleLocalNotification: a copy waits for its fire date or its region; without a fire date, or past it, it comes at
/// once
#[utoipa::path(post, path = "/v1/devices/{device}/apps/{app}/legacy/local-notifications", tag = "ios 9",
    params(("device" = String, Path), ("app" = String, Path)), request_body = LocalNotification,
    responses((status = 204), (status = 404, body = Problem), (status = 422, body = RefusedCall, description = "UNErrorDomain 1 (not allowed); HomingErrorDomain 1: what UIKit raises \
            as an exception")))]
pub(super) async fn schedule(
    State(api): State<Api>,
    Path(place): Place,
    Body(notification): Body<LocalNotification>,
) -> Result<StatusCode, Problem> {
    ask(&api, place, LegacyCall::ScheduleLocalNotification { notification: Box::new(notification) }).await
}

/// scheduledLocalNotifications, set: the whole list is replaced, or stays if one of them can't be scheduled
#[utoipa::path(put, path = "/v1/devices/{device}/apps/{app}/legacy/local-notifications", tag = "ios 9",
    params(("device" = String, Path), ("app" = String, Path)), request_body = LocalNotifications,
    responses((status = 204), (status = 404, body = Problem), (status = 422, body = RefusedCall, description = "UNErrorDomain 1 (not allowed); HomingErrorDomain 1: what UIKit raises \
            as an exception")))]
pub(super) async fn set_scheduled(
    State(api): State<Api>,
    Path(place): Place,
    Body(LocalNotifications { local_notifications }): Body<LocalNotifications>,
) -> Result<StatusCode, Problem> {
    let notifications = local_notifications;
    ask(&api, place, LegacyCall::SetScheduledLocalNotifications { notifications }).await
}

/// cancelAllLocalNotifications: those that wait and those that are shown
#[utoipa::path(delete, path = "/v1/devices/{device}/apps/{app}/legacy/local-notifications", tag = "ios 9",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn cancel_all(State(api): State<Api>, Path(place): Place) -> Result<StatusCode, Problem> {
    ask(&api, place, LegacyCall::CancelAllLocalNotifications).await
}

/// cancelLocalNotification: all that are equal to this one, waiting or shown
#[utoipa::path(post, path = "/v1/devices/{device}/apps/{app}/legacy/local-notifications/cancel", tag = "ios 9",
    params(("device" = String, Path), ("app" = String, Path)), request_body = LocalNotification,
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn cancel(
    State(api): State<Api>,
    Path(place): Place,
    Body(notification): Body<LocalNotification>,
) -> Result<StatusCode, Problem> {
    ask(&api, place, LegacyCall::CancelLocalNotification { notification: Box::new(notification) }).await
}

/// presentLocalNotificationNow: whatever its fire date
#[utoipa::path(post, path = "/v1/devices/{device}/apps/{app}/legacy/present-now", tag = "ios 9",
    params(("device" = String, Path), ("app" = String, Path)), request_body = LocalNotification,
    responses((status = 204), (status = 404, body = Problem), (status = 422, body = RefusedCall, description = "UNErrorDomain 1 (not allowed); HomingErrorDomain 1: what UIKit raises \
            as an exception")))]
pub(super) async fn present_now(
    State(api): State<Api>,
    Path(place): Place,
    Body(notification): Body<LocalNotification>,
) -> Result<StatusCode, Problem> {
    ask(&api, place, LegacyCall::PresentLocalNotificationNow { notification: Box::new(notification) }).await
}

/// applicationIconBadgeNumber
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}/legacy/icon-badge-number", tag = "ios 9",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 200, body = Badge), (status = 404, body = Problem)))]
pub(super) async fn icon_badge_number(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<Json<Badge>, Problem> {
    let detail = detail(&*api.device(&device).await?, app).await?;
    Ok(Json(Badge { count: i64::from(detail.app.badge) }))
}

/// applicationIconBadgeNumber, set: 0 hides it and, where there was a number, clears what the app has shown
#[utoipa::path(put, path = "/v1/devices/{device}/apps/{app}/legacy/icon-badge-number", tag = "ios 9",
    params(("device" = String, Path), ("app" = String, Path)), request_body = Badge,
    responses((status = 204), (status = 404, body = Problem), (status = 422, body = RefusedCall, description = "UNErrorDomain 1 (not allowed), 1600 (less than 0)")))]
pub(super) async fn set_icon_badge_number(
    State(api): State<Api>,
    Path(place): Place,
    Body(Badge { count }): Body<Badge>,
) -> Result<StatusCode, Problem> {
    ask(&api, place, LegacyCall::SetApplicationIconBadgeNumber { count }).await
}
