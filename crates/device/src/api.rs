//! The HTTP API of the devices: the user's hands and eyes, for scripts, tests, the command line and the console.
//!
//! This file decides what there is; the modules below, what it does. Everything a user of an iPhone can do has an
//! address here, and every address wants the key.

mod apps;
mod arrivals;
mod channels;
mod clock;
mod conditions;
mod devices;
mod driven;
mod events;
mod files;
mod legacy;
mod lifecycle;
mod own_calls;
mod problem;
mod registrations;
mod surroundings;

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, post, put};
use homing_clock::Clock;
use homing_http_api::{Guard, Hosts, Watchers, guard, with_manners};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use utoipa::OpenApi as _;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use crate::fleet::{Fleet, Handle};
use problem::Problem;

/// Longest request body, in bytes.
const MAX_BODY: usize = 256 * 1024;
/// Event streams open at a time.
const MAX_WATCHERS: usize = 64;

/// What every request may use.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    fleet: Arc<Fleet>,
    clock: Clock,
    guard: Arc<Guard>,
    watchers: Watchers,
    /// Held by the one that lets time pass.
    passing: Arc<tokio::sync::Mutex<()>>,
}

impl Api {
    pub(crate) fn new(fleet: Arc<Fleet>, clock: Clock, key: &str, stopped: watch::Receiver<bool>) -> Self {
        let guard = Guard::new(Hosts::default(), key, "endpoints.json has it as device_api_key");
        let watchers = Watchers::new(MAX_WATCHERS, stopped);
        Self { fleet, clock, guard: Arc::new(guard), watchers, passing: Arc::default() }
    }

    /// The device of this name or id.
    async fn device(&self, named: &str) -> Result<Arc<Handle>, Problem> {
        if let Some(device) = self.fleet.named(named) {
            return Ok(device);
        }
        for device in self.fleet.all() {
            // One that was erased meanwhile isn't the one.
            let view = device.view().await;
            if view.is_ok_and(|view| view.device_id.as_deref() == Some(named)) {
                return Ok(device);
            }
        }
        Err(Problem::not_found(format!("no device {named:?} here: GET /v1/devices lists those that are")))
    }
}

/// Serves the API on one listener until `stopped` says so.
pub(crate) async fn serve(listener: TcpListener, api: Api, stopped: watch::Receiver<bool>) {
    homing_http_api::serve(listener, router(api), stopped).await;
}

fn router(api: Api) -> Router {
    let guarding = axum::middleware::from_fn_with_state(Arc::clone(&api.guard), guard);
    let router = of_apps()
        .merge(conditions::routes())
        .merge(driven::routes())
        .merge(legacy::routes())
        .merge(channels::routes())
        .merge(files::routes())
        .merge(own_calls::routes())
        .route("/openapi.json", get(document))
        .route("/v1/devices", get(devices::list))
        .route("/v1/devices/{device}", get(devices::show).put(devices::add).delete(devices::erase))
        .route("/v1/devices/{device}/network", get(devices::network).put(devices::set_network))
        .route("/v1/devices/{device}/lock", put(devices::set_lock))
        .route("/v1/devices/{device}/power", put(lifecycle::set_power))
        .route("/v1/devices/{device}/restart", post(lifecycle::restart))
        .route("/v1/devices/{device}/erase", post(lifecycle::erase))
        .route("/v1/devices/{device}/backup", post(lifecycle::back_up))
        .route("/v1/devices/{device}/restore", post(lifecycle::restore))
        .route(
            "/v1/devices/{device}/time-zone",
            get(surroundings::time_zone).put(surroundings::set_time_zone),
        )
        .route("/v1/devices/{device}/location", get(surroundings::location).put(surroundings::set_location))
        .route("/v1/devices/{device}/arrivals", get(arrivals::list))
        .route("/v1/devices/{device}/prompt", get(devices::prompt))
        .route("/v1/devices/{device}/prompt/answer", post(devices::answer_prompt))
        .route("/v1/devices/{device}/notifications", get(devices::notifications))
        .route("/v1/devices/{device}/notifications/tap", post(devices::tap))
        .route("/v1/devices/{device}/notifications/dismiss", post(devices::dismiss))
        .route("/v1/devices/{device}/notifications/flick", post(devices::flick))
        .route("/v1/devices/{device}/notifications/action", post(devices::choose))
        .route("/v1/devices/{device}/pending", get(devices::pending))
        .route("/v1/devices/{device}/events", get(events::of_device))
        .route("/v1/clock", get(clock::show))
        .route("/v1/clock/advance", post(clock::advance))
        .route("/v1/clock/set", post(clock::set))
        .route("/v1/devices/{device}/clock", get(clock::show_wall).put(clock::set_wall))
        .route("/v1/events", get(events::of_all))
        .route("/v1/events/mark", get(events::mark))
        .with_state(api);
    with_manners(router, MAX_BODY).layer(guarding)
}

/// Below `/v1/devices/{device}/apps`.
fn of_apps() -> Router<Api> {
    Router::new()
        .route("/v1/devices/{device}/apps", get(apps::list))
        .route("/v1/devices/{device}/apps/{app}", get(apps::show).put(apps::install).delete(apps::remove))
        .route("/v1/devices/{device}/apps/{app}/state", put(apps::set_state))
        .route("/v1/devices/{device}/apps/{app}/authorization", post(apps::request_authorization))
        .route("/v1/devices/{device}/apps/{app}/registration", put(apps::register).delete(apps::unregister))
        .route("/v1/devices/{device}/apps/{app}/token", get(apps::token))
        .route("/v1/devices/{device}/apps/{app}/token/rotate", post(lifecycle::rotate_token))
        .route("/v1/devices/{device}/apps/{app}/offload", post(lifecycle::offload))
        .route("/v1/devices/{device}/apps/{app}/download", post(lifecycle::download))
        .route("/v1/devices/{device}/apps/{app}/registrations", get(registrations::list))
        .route(
            "/v1/devices/{device}/apps/{app}/registrations/{kind}",
            get(registrations::show).put(registrations::register).delete(registrations::end),
        )
        .route("/v1/devices/{device}/apps/{app}/page", get(apps::page))
        .route("/v1/devices/{device}/apps/{app}/page/touch", post(apps::touch))
        .route("/v1/devices/{device}/apps/{app}/settings/open", post(surroundings::open_settings))
        .route(
            "/v1/devices/{device}/apps/{app}/location-permission",
            put(surroundings::set_location_permission),
        )
        .route("/v1/devices/{device}/apps/{app}/settings", get(apps::settings).put(apps::change_setting))
        .route("/v1/devices/{device}/apps/{app}/credentials", get(apps::credentials))
        .route("/v1/devices/{device}/apps/{app}/badge", get(apps::badge).put(apps::set_badge))
        .route("/v1/devices/{device}/apps/{app}/requests", post(apps::add_request))
        .route("/v1/devices/{device}/apps/{app}/pending", get(apps::pending).delete(apps::remove_pending))
        .route(
            "/v1/devices/{device}/apps/{app}/delivered",
            delete(apps::remove_delivered).get(apps::delivered),
        )
        .route("/v1/backups", get(lifecycle::backups))
        .route("/v1/backups/{backup}", delete(lifecycle::remove_backup))
}

async fn document() -> axum::Json<serde_json::Value> {
    let mut document = Document::openapi();
    let key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    document.components.get_or_insert_default().add_security_scheme("key", SecurityScheme::Http(key));
    let mut document = homing_http_api::description(&document);
    describe_strict_forms(&mut document);
    describe_off(&mut document);
    axum::Json(document)
}

/// What answers also while the device is off.
const ALSO_WHILE_OFF: [(&str, &str); 4] = [
    ("/v1/devices/{device}", "get"),
    ("/v1/devices/{device}", "put"),
    ("/v1/devices/{device}/power", "put"),
    ("/v1/devices/{device}/events", "get"),
];

/// A device that is off says so to everybody.
fn describe_off(document: &mut serde_json::Value) {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (path, item) in paths.filter(|(path, _)| path.contains("{device}")) {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if ALSO_WHILE_OFF.contains(&(path, method)) || !operation["responses"].is_object() {
                continue;
            }
            let conflict = &mut operation["responses"]["409"];
            let (words, schema) =
                (&conflict["description"], json!({ "$ref": "#/components/schemas/Problem" }));
            *conflict = match words.as_str() {
                Some(words) => {
                    json!({ "description": format!("{words}; or the device is off"), "content": conflict["content"] })
                }
                None => {
                    json!({ "description": "the device is off", "content": { "application/problem+json": { "schema": schema } } })
                }
            };
        }
    }
}

/// Of what has several forms, those that take no other members than they name.
const STRICT_FORMS: [&str; 4] = ["Trigger", "Text", "Extension", "ChangeSetting"];

fn describe_strict_forms(document: &mut serde_json::Value) {
    for name in STRICT_FORMS {
        let forms = document["components"]["schemas"][name]["oneOf"].as_array_mut().into_iter().flatten();
        for form in forms.filter(|form| form["properties"].is_object()) {
            form["additionalProperties"] = false.into();
        }
    }
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Homing device API", description = "Virtual iPhones: what is on their screens, and a user's hands."),
    security(("key" = [])),
    paths(
        devices::list, devices::show, devices::add, devices::erase, devices::network, devices::set_network, devices::set_lock, devices::prompt, arrivals::list,
        devices::answer_prompt, devices::notifications, devices::tap, devices::dismiss, devices::flick, devices::choose, devices::pending,
        apps::list, apps::show, apps::install, apps::remove, apps::set_state, apps::request_authorization,
        apps::register, apps::unregister, apps::token, apps::page, apps::touch, apps::credentials, apps::settings, apps::change_setting,
        apps::badge, apps::set_badge, apps::add_request, apps::pending, apps::remove_pending, apps::delivered,
        apps::remove_delivered, surroundings::time_zone, surroundings::set_time_zone, surroundings::location,
        surroundings::set_location, surroundings::set_location_permission, surroundings::open_settings, lifecycle::set_power, lifecycle::restart, lifecycle::erase, lifecycle::back_up, lifecycle::restore,
        lifecycle::backups, lifecycle::remove_backup, lifecycle::offload, lifecycle::download, lifecycle::rotate_token,
        conditions::set_low_power, conditions::set_muted, conditions::set_locale, conditions::focus,
        conditions::set_focus, conditions::summary, conditions::set_summary, conditions::compatibility, conditions::set_compatibility,
        driven::categories, driven::set_categories, driven::driver, driven::drive, driven::release, driven::calls, driven::answer,
        driven::extension, driven::set_extension, driven::remove_extension, driven::answer_extension,
        driven::expand, driven::collapse, driven::content_extension, driven::set_content_extension,
        driven::remove_content_extension,
        files::read, files::write, files::remove, files::attachment,
        legacy::settings, legacy::register, legacy::scheduled, legacy::schedule, legacy::set_scheduled,
        legacy::cancel_all, legacy::cancel, legacy::present_now, legacy::icon_badge_number,
        legacy::set_icon_badge_number,
        own_calls::set_recipient, own_calls::open_settings,
        channels::list, channels::show, channels::follow, channels::unfollow,
        registrations::list, registrations::show, registrations::register, registrations::end,
        clock::show, clock::advance, clock::set, clock::show_wall, clock::set_wall, events::of_device, events::of_all, events::mark,
    ),
    components(schemas(crate::happening::ToldSchema, crate::phone::lifecycle::Tell))
)]
struct Document;
