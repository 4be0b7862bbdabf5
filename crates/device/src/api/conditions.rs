//! How the user sets the whole device: language, power, mute switch, Focus, scheduled summary.

use axum::extract::State;
use axum::routing::{get, put};
use axum::{Json, Router};
use homing_http_api::Path;
use homing_notification_center as center;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

use super::Api;
use super::problem::{Body, Problem};
use crate::phone::conditions::{ScheduledSummary, SummaryView};
use crate::phone::questions::DeviceView;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/devices/{device}/low-power", put(set_low_power))
        .route("/v1/devices/{device}/mute", put(set_muted))
        .route("/v1/devices/{device}/locale", put(set_locale))
        .route("/v1/devices/{device}/focus", get(focus).put(set_focus))
        .route("/v1/devices/{device}/summary", get(summary).put(set_summary))
        .route("/v1/devices/{device}/compatibility", get(compatibility).put(set_compatibility))
}

/// Low Power Mode: silent notifications wait, and the push service keeps what can wait.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LowPower {
    low_power: bool,
}

/// The mute switch: only critical sounds play.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Mute {
    muted: bool,
}

/// The language, a BCP 47 tag: texts are looked up in it from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Locale {
    locale: String,
}

/// Oddities of iOS that are off unless somebody wants them.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Compatibility {
    /// `next_trigger_date` of a pending request with an interval is now plus the interval, as on iOS, not the true date.
    next_trigger_date_from_now: bool,
}

/// A Focus that is on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Focus {
    #[serde(default)]
    name: String,
    /// Bundle IDs of those that are let through.
    #[serde(default)]
    allowed_apps: BTreeSet<String>,
    /// People whose messages and calls are let through, by whatever app: the `handle` of each sender, or the `display_name` of
    /// who has no handle. A service extension says the sender, or a local request, in the content's `communication`.
    #[serde(default)]
    allowed_people: BTreeSet<String>,
    /// Whether time-sensitive notifications of the others are.
    #[serde(default = "yes")]
    time_sensitive: bool,
    /// No badges are to be seen.
    #[serde(default)]
    hides_badges: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FocusSwitch {
    /// `null`: none is on.
    focus: Option<Focus>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetSummary {
    /// `null`: there is none.
    summary: Option<ScheduledSummary>,
}

/// Turn Low Power Mode on or off
#[utoipa::path(put, path = "/v1/devices/{device}/low-power", tag = "devices", params(("device" = String, Path)),
    request_body = LowPower, responses((status = 200, body = DeviceView), (status = 404, body = Problem)))]
pub(super) async fn set_low_power(
    State(api): State<Api>,
    Path(device): Path<String>,
    Body(LowPower { low_power }): Body<LowPower>,
) -> Result<Json<DeviceView>, Problem> {
    api.device(&device).await?.ask(move |phone| phone.set_low_power(low_power)).await?;
    view(&api, &device).await
}

/// Turn the mute switch
#[utoipa::path(put, path = "/v1/devices/{device}/mute", tag = "devices", params(("device" = String, Path)),
    request_body = Mute, responses((status = 200, body = DeviceView), (status = 404, body = Problem)))]
pub(super) async fn set_muted(
    State(api): State<Api>,
    Path(device): Path<String>,
    Body(Mute { muted }): Body<Mute>,
) -> Result<Json<DeviceView>, Problem> {
    api.device(&device).await?.ask(move |phone| phone.set_muted(muted)).await?;
    view(&api, &device).await
}

/// Change the language
#[utoipa::path(put, path = "/v1/devices/{device}/locale", tag = "devices", params(("device" = String, Path)),
    request_body = Locale,
    responses((status = 200, body = DeviceView), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn set_locale(
    State(api): State<Api>,
    Path(device): Path<String>,
    Body(Locale { locale }): Body<Locale>,
) -> Result<Json<DeviceView>, Problem> {
    api.device(&device).await?.ask(move |phone| phone.set_locale(locale)).await?;
    view(&api, &device).await
}

/// The Focus that is on
#[utoipa::path(get, path = "/v1/devices/{device}/focus", tag = "devices", params(("device" = String, Path)),
    responses((status = 200, body = FocusSwitch), (status = 404, body = Problem)))]
pub(super) async fn focus(
    State(api): State<Api>,
    Path(device): Path<String>,
) -> Result<Json<FocusSwitch>, Problem> {
    let focus = api.device(&device).await?.ask(|phone| Ok(Ok(phone.focus()))).await?;
    Ok(Json(FocusSwitch {
        focus: focus.map(|focus| Focus {
            name: focus.name,
            allowed_apps: focus.allowed_apps,
            allowed_people: focus.allowed_people,
            time_sensitive: focus.time_sensitive,
            hides_badges: focus.hides_badges,
        }),
    }))
}

/// Turn a Focus on, or off (`null`)
#[utoipa::path(put, path = "/v1/devices/{device}/focus", tag = "devices", params(("device" = String, Path)),
    request_body = FocusSwitch,
    responses((status = 200, body = FocusSwitch), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn set_focus(
    State(api): State<Api>,
    Path(device): Path<String>,
    Body(FocusSwitch { focus: wanted }): Body<FocusSwitch>,
) -> Result<Json<FocusSwitch>, Problem> {
    let wanted = wanted.map(|focus| center::Focus {
        name: focus.name,
        allowed_apps: focus.allowed_apps,
        allowed_people: focus.allowed_people,
        time_sensitive: focus.time_sensitive,
        hides_badges: focus.hides_badges,
    });
    api.device(&device).await?.ask(move |phone| phone.set_focus(wanted)).await?;
    focus(State(api), Path(device)).await
}

/// The scheduled summary, and what waits for it
#[utoipa::path(get, path = "/v1/devices/{device}/summary", tag = "devices", params(("device" = String, Path)),
    responses((status = 200, body = SummaryView), (status = 404, body = Problem)))]
pub(super) async fn summary(
    State(api): State<Api>,
    Path(device): Path<String>,
) -> Result<Json<SummaryView>, Problem> {
    Ok(Json(api.device(&device).await?.ask(|phone| Ok(Ok(phone.summary()))).await?))
}

/// Plan the scheduled summary, or end it (`null`): what waits comes then
#[utoipa::path(put, path = "/v1/devices/{device}/summary", tag = "devices", params(("device" = String, Path)),
    request_body = SetSummary,
    responses((status = 200, body = SummaryView), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn set_summary(
    State(api): State<Api>,
    Path(device): Path<String>,
    Body(SetSummary { summary: wanted }): Body<SetSummary>,
) -> Result<Json<SummaryView>, Problem> {
    api.device(&device).await?.ask(move |phone| phone.set_summary(wanted)).await?;
    summary(State(api), Path(device)).await
}

/// Which oddities of iOS the device has
#[utoipa::path(get, path = "/v1/devices/{device}/compatibility", tag = "devices", params(("device" = String, Path)),
    responses((status = 200, body = Compatibility), (status = 404, body = Problem)))]
pub(super) async fn compatibility(
    State(api): State<Api>,
    Path(device): Path<String>,
) -> Result<Json<Compatibility>, Problem> {
    let from_now = api.device(&device).await?.ask(|phone| Ok(Ok(phone.tells_dates_from_now()))).await?;
    Ok(Json(Compatibility { next_trigger_date_from_now: from_now }))
}

/// Say which oddities of iOS the device is to have: none, unless somebody wants them. They stay over a restart
#[utoipa::path(put, path = "/v1/devices/{device}/compatibility", tag = "devices", params(("device" = String, Path)),
    request_body = Compatibility,
    responses((status = 200, body = Compatibility), (status = 404, body = Problem)))]
pub(super) async fn set_compatibility(
    State(api): State<Api>,
    Path(device): Path<String>,
    Body(wanted): Body<Compatibility>,
) -> Result<Json<Compatibility>, Problem> {
    let from_now = wanted.next_trigger_date_from_now;
    api.device(&device).await?.ask(move |phone| phone.tell_dates_from_now(from_now)).await?;
    Ok(Json(wanted))
}

async fn view(api: &Api, device: &str) -> Result<Json<DeviceView>, Problem> {
    Ok(Json(api.device(device).await?.ask(|phone| Ok(Ok(phone.device_view()))).await?))
}
