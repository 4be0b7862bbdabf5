//! The devices as their users have them in hand: connection, prompt, and what is on the screen.

use std::time::Duration;

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use homing_http_api::Path;
use homing_local::view::{GroupView, PromptAnswer};
use homing_local::{AppCall, AppManifest, NotificationView, PendingView, PromptView, Reply};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;

use super::Api;
use super::apps::reply_of;
use super::problem::{Body, Problem};
use crate::happening::Kind;
use crate::phone::questions::{DeviceView, Refusal, check_manifest};

/// How long an answer waits for its prompt.
const PROMPT_PATIENCE: Duration = Duration::from_secs(1);

/// Longest text a user writes into a notification, in bytes.
const MAX_USER_TEXT: usize = 16 * 1024;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Devices {
    devices: Vec<DeviceView>,
}

/// What a new device has: one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Add {
    /// The device, by name or id, whose apps it gets.
    like: Option<String>,
    apps: Option<Vec<AppManifest>>,
}

/// The switch of the connection: `false` is airplane mode.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Network {
    online: bool,
}

/// Whether the screen is locked: then no app is in foreground. Opening an app unlocks, and so does a tap on a
/// notification.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Lock {
    locked: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Prompt {
    /// `null` when there is none.
    prompt: Option<PromptView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Notifications {
    /// What came on the screen last is first.
    notifications: Vec<NotificationView>,
    /// What of them is in Notification Center, as it stands together: the group with the newest first.
    groups: Vec<GroupView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Pending {
    /// Soonest first, then those that wait for a place.
    pub(super) pending: Vec<PendingView>,
}

/// One notification on the screen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Shown {
    /// The bundle ID.
    app: String,
    identifier: String,
}

/// An action of a notification on the screen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Choice {
    /// The bundle ID.
    app: String,
    identifier: String,
    /// The action's identifier, one of those that GET …/notifications lists.
    action: String,
    /// What the user writes, for a text action.
    text: Option<String>,
}

/// All devices
#[utoipa::path(get, path = "/v1/devices", tag = "devices", responses((status = 200, body = Devices)))]
pub(super) async fn list(State(api): State<Api>) -> Result<Json<Devices>, Problem> {
    let mut devices = Vec::new();
    for device in api.fleet.all() {
        let view = device.view().await;
        // One that was erased meanwhile isn't told.
        if api.fleet.named(&device.name).is_some() {
            devices.push(view?);
        }
    }
    Ok(Json(Devices { devices }))
}

/// One device, by its name or its id
#[utoipa::path(get, path = "/v1/devices/{device}", tag = "devices", params(("device" = String, Path)),
    responses((status = 200, body = DeviceView), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(api): State<Api>,
    Path(device): Path<String>,
) -> Result<Json<DeviceView>, Problem> {
    Ok(Json(api.device(&device).await?.view().await?))
}

/// Add a device: with the apps of another, installed afresh, or with these. It is there again after a restart
#[utoipa::path(put, path = "/v1/devices/{device}", tag = "devices", params(("device" = String, Path)),
    request_body = Add, responses((status = 201, body = DeviceView), (status = 400, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn add(
    State(api): State<Api>,
    Path(name): Path<String>,
    Body(add): Body<Add>,
) -> Result<(StatusCode, Json<DeviceView>), Problem> {
    let apps = match (add.like, add.apps) {
        (Some(like), None) => api.device(&like).await?.ask(|phone| Ok(Ok(phone.manifests()))).await?,
        (None, Some(apps)) => apps,
        (None, None) | (Some(_), Some(_)) => {
            return Err(Problem::invalid("give either \"like\" or \"apps\"".to_owned()));
        }
    };
    apps.iter().try_for_each(check_manifest)?;
    let mut seen = BTreeSet::new();
    if let Some(twice) = apps.iter().find(|app| !seen.insert(&app.bundle_id)) {
        let detail = format!("{:?} is there twice: give each app once", twice.bundle_id);
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "An app is there twice", detail));
    }
    let device = api.fleet.add(&name, apps).await?;
    let view = device.ask(|phone| Ok(Ok(phone.device_view()))).await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// Erase a device as a factory reset does: its apps, their data, and its tokens end. One of the host's configuration
/// is there anew after a restart
#[utoipa::path(delete, path = "/v1/devices/{device}", tag = "devices", params(("device" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn erase(State(api): State<Api>, Path(device): Path<String>) -> Result<StatusCode, Problem> {
    let name = api.device(&device).await?.name.clone();
    api.fleet.erase(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether airplane mode is off
#[utoipa::path(get, path = "/v1/devices/{device}/network", tag = "devices", params(("device" = String, Path)),
    responses((status = 200, body = Network)))]
pub(super) async fn network(
    State(api): State<Api>,
    Path(device): Path<String>,
) -> Result<Json<Network>, Problem> {
    let device = api.device(&device).await?;
    let view = device.ask(|phone| Ok(Ok(phone.device_view()))).await?;
    Ok(Json(Network { online: view.online }))
}

/// Turn airplane mode off (`online: true`) or on
#[utoipa::path(put, path = "/v1/devices/{device}/network", tag = "devices", params(("device" = String, Path)),
    request_body = Network, responses((status = 200, body = Network)))]
pub(super) async fn set_network(
    State(api): State<Api>,
    Path(device): Path<String>,
    Body(network): Body<Network>,
) -> Result<Json<Network>, Problem> {
    let online = network.online;
    api.device(&device).await?.ask(move |phone| phone.set_online(online)).await?;
    Ok(Json(network))
}

/// Lock the screen, or unlock it
#[utoipa::path(put, path = "/v1/devices/{device}/lock", tag = "devices", params(("device" = String, Path)),
    request_body = Lock, responses((status = 200, body = DeviceView), (status = 404, body = Problem)))]
pub(super) async fn set_lock(
    State(api): State<Api>,
    Path(device): Path<String>,
    Body(Lock { locked }): Body<Lock>,
) -> Result<Json<DeviceView>, Problem> {
    let device = api.device(&device).await?;
    Ok(Json(device.ask(move |phone| phone.set_lock(locked)).await?))
}

/// The permission prompt on the screen
#[utoipa::path(get, path = "/v1/devices/{device}/prompt", tag = "devices", params(("device" = String, Path)),
    responses((status = 200, body = Prompt)))]
pub(super) async fn prompt(
    State(api): State<Api>,
    Path(device): Path<String>,
) -> Result<Json<Prompt>, Problem> {
    let device = api.device(&device).await?;
    let prompt = device.ask(|phone| Ok(Ok(phone.prompt_view()))).await?;
    Ok(Json(Prompt { prompt }))
}

/// Answer the prompt on the screen; one that is about to come is waited for, a second at most
#[utoipa::path(post, path = "/v1/devices/{device}/prompt/answer", tag = "devices", params(("device" = String, Path)),
    request_body = PromptAnswer, responses((status = 204), (status = 409, body = Problem)))]
pub(super) async fn answer_prompt(
    State(api): State<Api>,
    Path(device): Path<String>,
    Body(answer): Body<PromptAnswer>,
) -> Result<StatusCode, Problem> {
    let device = api.device(&device).await?;
    let mut happenings = device.watch();
    let answered = device.ask(move |phone| phone.answer_prompt(answer.allow)).await;
    if !matches!(answered, Err(Refusal::NoPrompt)) {
        answered?;
        return Ok(StatusCode::NO_CONTENT);
    }
    // An app that was just opened takes a moment to ask. Whether a prompt came is seen by asking again.
    let shown = async {
        loop {
            match happenings.recv().await {
                Ok(happening) if happening.kind != Kind::PromptShown => {}
                Err(RecvError::Lagged(_)) => {}
                Ok(_) | Err(RecvError::Closed) => return,
            }
        }
    };
    let _ = tokio::time::timeout(PROMPT_PATIENCE, shown).await;
    device.ask(move |phone| phone.answer_prompt(answer.allow)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Everything on the screen, with the surfaces it is on
#[utoipa::path(get, path = "/v1/devices/{device}/notifications", tag = "devices", params(("device" = String, Path)),
    responses((status = 200, body = Notifications)))]
pub(super) async fn notifications(
    State(api): State<Api>,
    Path(device): Path<String>,
) -> Result<Json<Notifications>, Problem> {
    let device = api.device(&device).await?;
    let (notifications, groups) = device.ask(|phone| Ok(Ok((phone.shown(), phone.groups())))).await?;
    Ok(Json(Notifications { notifications, groups }))
}

/// Tap a notification: its app comes to the front
#[utoipa::path(post, path = "/v1/devices/{device}/notifications/tap", tag = "devices",
    params(("device" = String, Path)), request_body = Shown,
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn tap(
    State(api): State<Api>,
    Path(device): Path<String>,
    Body(shown): Body<Shown>,
) -> Result<StatusCode, Problem> {
    let device = api.device(&device).await?;
    device.ask(move |phone| phone.tap(shown.app, shown.identifier)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Flick a notification's banner away: it is no answer, so the app isn't told, and what is listed stays
#[utoipa::path(post, path = "/v1/devices/{device}/notifications/flick", tag = "devices",
    params(("device" = String, Path)), request_body = Shown,
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn flick(
    State(api): State<Api>,
    Path(device): Path<String>,
    Body(shown): Body<Shown>,
) -> Result<StatusCode, Problem> {
    let device = api.device(&device).await?;
    device.ask(move |phone| phone.flick(shown.app, shown.identifier)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Clear a notification
#[utoipa::path(post, path = "/v1/devices/{device}/notifications/dismiss", tag = "devices",
    params(("device" = String, Path)), request_body = Shown,
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn dismiss(
    State(api): State<Api>,
    Path(device): Path<String>,
    Body(shown): Body<Shown>,
) -> Result<StatusCode, Problem> {
    let device = api.device(&device).await?;
    device.ask(move |phone| phone.dismiss(shown.app, shown.identifier)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Choose an action of a notification: 204 when it is done, 202 while it waits for the screen to be unlocked
#[utoipa::path(post, path = "/v1/devices/{device}/notifications/action", tag = "devices",
    params(("device" = String, Path)), request_body = Choice,
    responses((status = 204), (status = 202), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn choose(
    State(api): State<Api>,
    Path(device): Path<String>,
    Body(Choice { app, identifier, action, text }): Body<Choice>,
) -> Result<StatusCode, Problem> {
    if text.as_ref().is_some_and(|text| text.len() > MAX_USER_TEXT) {
        return Err(Problem::invalid(format!("a reply has at most {MAX_USER_TEXT} bytes")));
    }
    let device = api.device(&device).await?;
    let waits = device.ask(move |phone| phone.choose((app, identifier), action, text)).await?;
    Ok(if waits { StatusCode::ACCEPTED } else { StatusCode::NO_CONTENT })
}

/// The local requests of all apps that wait for their triggers
#[utoipa::path(get, path = "/v1/devices/{device}/pending", tag = "devices", params(("device" = String, Path)),
    responses((status = 200, body = Pending)))]
pub(super) async fn pending(
    State(api): State<Api>,
    Path(device): Path<String>,
) -> Result<Json<Pending>, Problem> {
    let device = api.device(&device).await?;
    let apps = device.ask(|phone| Ok(Ok(phone.device_view()))).await?.apps;
    let mut pending = Vec::new();
    for app in apps {
        let reply = reply_of(&device, app, AppCall::GetPendingNotificationRequests).await?;
        if let Some(Reply::Pending(of_app)) = reply {
            pending.extend(of_app);
        }
    }
    // A region has no date.
    pending.sort_by_key(|request| (request.next_trigger_date.is_none(), request.next_trigger_date));
    Ok(Json(Pending { pending }))
}
