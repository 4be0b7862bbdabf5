//! The clock all devices of this Homing share: what it shows, letting time pass, and setting it forward. And the clock on
//! one device's wall, which may be wrong.
//!
//! Time that passes is lived through: the clock goes on to the next moment at which something is due on any device or
//! with anybody else who shares it, what is due happens there, with its date, and has its consequences before the clock
//! goes on: a provider sends, the push service delivers, apps answer. A clock that is set has jumped: what it passed over
//! is overdue.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use homing_http_api::Path;
use homing_trace::UnixMillis;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedMutexGuard;
use utoipa::ToSchema;

use super::Api;
use super::problem::{Body, Problem};
use crate::fleet::Handle;
use crate::phone::questions::Refusal;

/// The most that may pass at once: ten years.
const MAX_SECONDS: u64 = 10 * 366 * 24 * 3600;
/// The most that a device's clock may be wrong: ten years, either way.
const MAX_WRONG: i64 = 10 * 366 * 24 * 3600;
/// The most moments of one device that time stops at on its way: a day of what repeats every minute, each with a banner
/// that goes. Beyond them the rest passes as one for that device. As many are those of who shares the clock.
const MAX_STEPS: usize = 3_000;
/// How long what a device's processes leave unanswered may keep time from passing, in real time and altogether; and those
/// who share the clock.
const PATIENCE: Duration = Duration::from_secs(4);
/// How often is looked whether those who share the clock are done.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What the clock shows.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClockView {
    #[schema(value_type = String, format = DateTime)]
    now: UnixMillis,
    /// How far it is ahead of real time.
    offset_seconds: f64,
}

/// What the clock shows after time has passed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Passed {
    #[serde(flatten)]
    clock: ClockView,
    /// The devices for which the rest passed as one: they had more moments than are lived through, or didn't answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    jumped: Vec<String>,
}

/// How much time is to pass.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Advance {
    #[schema(maximum = 316_224_000)]
    seconds: u64,
}

/// What the clock is to show.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetClock {
    /// Not earlier than it shows now, and at most ten years later.
    #[schema(value_type = String, format = DateTime)]
    at: UnixMillis,
}

/// What the clock on a device's wall shows.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WallClockView {
    #[schema(value_type = String, format = DateTime)]
    now: UnixMillis,
    /// By how much it is wrong: less than 0 is slow.
    offset_seconds: f64,
}

/// By how much a device's clock is to be wrong.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetWallClock {
    /// Against GET /v1/clock: less than 0 is slow, 0 is right.
    #[schema(minimum = -316_224_000, maximum = 316_224_000)]
    offset_seconds: i64,
}

/// What the clock shows
#[utoipa::path(get, path = "/v1/clock", tag = "clock", responses((status = 200, body = ClockView)))]
pub(super) async fn show(State(api): State<Api>) -> Json<ClockView> {
    Json(view(&api))
}

/// Let time pass: everything that comes due on the way happens at its moment, one after the other, and the answer comes
/// when all of it has: in one process, what a provider sends then has reached the devices that are online. Of each device
/// at most 3,000 moments are lived through singly (a banner that goes is one, too); for those that have more, the rest
/// passes as one, and `jumped` names them. That takes seconds or minutes
#[utoipa::path(post, path = "/v1/clock/advance", tag = "clock", request_body = Advance,
    responses((status = 200, body = Passed), (status = 400, body = Problem)))]
pub(super) async fn advance(
    State(api): State<Api>,
    Body(advance): Body<Advance>,
) -> Result<Json<Passed>, Problem> {
    if advance.seconds > MAX_SECONDS {
        return Err(Problem::invalid(format!("at most {MAX_SECONDS} seconds pass at once")));
    }
    let alone = Arc::clone(&api.passing).lock_owned().await;
    let jumped = move_on(&api, Duration::from_secs(advance.seconds), MAX_STEPS, alone).await?;
    Ok(Json(Passed { clock: view(&api), jumped }))
}

/// Set the clock forward, as a user does in Settings: what it passes over is overdue, and fires once
#[utoipa::path(post, path = "/v1/clock/set", tag = "clock", request_body = SetClock,
    responses((status = 200, body = ClockView), (status = 400, body = Problem),
        (status = 409, description = "it never goes back; PUT /v1/devices/{device}/clock puts one device's back", body = Problem)))]
pub(super) async fn set(
    State(api): State<Api>,
    Body(SetClock { at }): Body<SetClock>,
) -> Result<Json<ClockView>, Problem> {
    let alone = Arc::clone(&api.passing).lock_owned().await;
    let by = at.millis_since(api.clock.now());
    let Ok(by) = u64::try_from(by).map(Duration::from_millis) else {
        let detail = "this clock never goes back, since push service and provider share it: PUT \
            /v1/devices/{device}/clock puts that of one device back";
        return Err(Problem::new(
            axum::http::StatusCode::CONFLICT,
            "The clock doesn't go back",
            detail.to_owned(),
        ));
    };
    if by.as_secs() > MAX_SECONDS {
        return Err(Problem::invalid(format!("it goes at most {MAX_SECONDS} seconds forward at once")));
    }
    move_on(&api, by, 0, alone).await?;
    Ok(Json(view(&api)))
}

/// What the clock on the device's wall shows
#[utoipa::path(get, path = "/v1/devices/{device}/clock", tag = "clock", params(("device" = String, Path)),
    responses((status = 200, body = WallClockView), (status = 404, body = Problem)))]
pub(super) async fn show_wall(
    State(api): State<Api>,
    Path(device): Path<String>,
) -> Result<Json<WallClockView>, Problem> {
    wall(&*api.device(&device).await?).await
}

/// Set the clock of one device wrong, or right (0), as a user does in Settings. Put forward, what it passes over is
/// overdue and fires once; put back, what fired doesn't fire again. It stays wrong over a restart
#[utoipa::path(put, path = "/v1/devices/{device}/clock", tag = "clock", params(("device" = String, Path)),
    request_body = SetWallClock, responses((status = 200, body = WallClockView), (status = 404, body = Problem)))]
pub(super) async fn set_wall(
    State(api): State<Api>,
    Path(device): Path<String>,
    Body(SetWallClock { offset_seconds }): Body<SetWallClock>,
) -> Result<Json<WallClockView>, Problem> {
    if !(-MAX_WRONG..=MAX_WRONG).contains(&offset_seconds) {
        return Err(Problem::invalid(format!("a clock is at most {MAX_WRONG} seconds wrong")));
    }
    let device = api.device(&device).await?;
    device.ask(move |phone| phone.set_clock_wrong_by(offset_seconds.saturating_mul(1000))).await?;
    wall(&device).await
}

async fn wall(device: &Handle) -> Result<Json<WallClockView>, Problem> {
    let (now, wrong_by) = device.ask(|phone| Ok(Ok(phone.wall_clock()))).await?;
    let wrong_by =
        Duration::from_millis(wrong_by.unsigned_abs()).as_secs_f64() * if wrong_by < 0 { -1.0 } else { 1.0 };
    Ok(Json(WallClockView { now, offset_seconds: wrong_by }))
}

/// Moves the clock on, to its end also if nobody waits for it any more. Names the devices for which it jumped.
async fn move_on(
    api: &Api,
    by: Duration,
    steps: usize,
    alone: OwnedMutexGuard<()>,
) -> Result<Vec<String>, Problem> {
    let moving = tokio::spawn({
        let api = api.clone();
        async move {
            let _alone = alone;
            pass(&api, by, steps).await
        }
    });
    moving.await.map_err(|error| Problem::broken(error.to_string()))?
}

/// What a device may still have of the time that passes.
struct Share {
    device: Arc<Handle>,
    steps: usize,
    patience: Duration,
    jumps: bool,
}

async fn pass(api: &Api, by: Duration, steps: usize) -> Result<Vec<String>, Problem> {
    let clock = api.clock.clone();
    let passing = tokio::task::spawn_blocking(move || clock.pass(by)).await;
    let passing = passing
        .map_err(|error| Problem::broken(error.to_string()))?
        .map_err(|error| Problem::broken(error.to_string()))?;
    let (mut patience, mut of_others) = (PATIENCE, steps);
    let mut shares = Vec::new();
    loop {
        others_settle(api, &mut patience).await;
        let next = next_due(&mut shares, api, steps);
        // Tries to reach a push service that is away leave the devices their moments.
        let others = api.clock.agenda().next.filter(|_| of_others > 0);
        let Some(at) = next.iter().map(|(at, _)| *at).chain(others).min() else { break };
        if !passing.reaches(at) {
            break;
        }
        let Some((_, share)) = next.filter(|(device_at, _)| *device_at == at) else {
            of_others -= 1;
            passing.to(at);
            continue;
        };
        if share.steps == 0 {
            share.jumps = true;
            continue;
        }
        share.steps -= 1;
        if at > api.clock.now() {
            share.let_apps_answer().await;
            if share.device.next_wake() != Some(at) {
                // An answer changed what comes next.
                continue;
            }
        }
        passing.to(at);
        share.look_at_clock().await;
    }
    passing.to_end();
    others_settle(api, &mut patience).await;
    shares_of_all(&mut shares, api, steps);
    for share in &mut shares {
        share.look_at_clock().await;
        share.let_apps_answer().await;
    }
    Ok(shares.into_iter().filter(|share| share.jumps).map(|share| share.device.name.clone()).collect())
}

/// What a provider had to send is sent, and with the devices that the push service reaches, before this returns: or
/// patience is at its end, as with a push service that doesn't answer.
async fn others_settle(api: &Api, patience: &mut Duration) {
    let settled = async {
        let mut look = tokio::time::interval(LOOK_EVERY);
        while api.clock.agenda().at_work {
            look.tick().await;
        }
    };
    // A failure is no error: they go on by themselves.
    let a_while = *patience / 2;
    if tokio::time::timeout(a_while, settled).await.is_err() {
        *patience -= a_while;
    }
}

/// The device on which something is due next, of those that don't jump.
fn next_due<'a>(shares: &'a mut Vec<Share>, api: &Api, steps: usize) -> Option<(UnixMillis, &'a mut Share)> {
    shares_of_all(shares, api, steps);
    let waiting = shares.iter_mut().filter(|share| !share.jumps);
    waiting.filter_map(|share| Some((share.device.next_wake()?, share))).min_by_key(|(at, _)| *at)
}

/// Devices come and go, also while time passes; one that restarts is another.
fn shares_of_all(shares: &mut Vec<Share>, api: &Api, steps: usize) {
    let all = api.fleet.all();
    shares.retain(|share| all.iter().any(|device| Arc::ptr_eq(device, &share.device)));
    for device in all {
        if !shares.iter().any(|share| Arc::ptr_eq(&device, &share.device)) {
            shares.push(Share { device, steps, patience: PATIENCE, jumps: false });
        }
    }
}

impl Share {
    /// What is due on the device happens before this returns. One that doesn't answer holds up no other.
    async fn look_at_clock(&mut self) {
        let looked = self.device.ask(crate::phone::Phone::clock_moved).await;
        // One that is off has no clock.
        self.jumps |= looked.is_err_and(|refusal| !matches!(refusal, Refusal::Off(_)));
    }

    /// Apps and extensions that are processes work in real time: they have a while of it.
    async fn let_apps_answer(&mut self) {
        // What they don't answer now they didn't answer in time. One that never does leaves something for the others.
        let a_while = self.patience / 2;
        if tokio::time::timeout(a_while, self.device.until_apps_have_answered()).await.is_err() {
            self.patience -= a_while;
        }
    }
}

fn view(api: &Api) -> ClockView {
    let ahead = Duration::from_millis(u64::try_from(api.clock.offset_millis()).unwrap_or_default());
    ClockView { now: api.clock.now(), offset_seconds: ahead.as_secs_f64() }
}
