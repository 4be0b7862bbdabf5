//! How a wish for a fault is read: every value that can't be used is named, with what could.

use std::time::Duration;

use homing_apns::Reason;
use homing_apns::legacy::Status;
use homing_http_api::Problem;
use homing_trace::{Environment, UnixMillis};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admin::AdminContext;
use crate::admin::refusal::unusable;
use crate::testers::{Effect, Scope, Wish};

/// How long a rule stands if nothing is said, and at most.
const SECONDS: u32 = 10 * 60;
const MOST_SECONDS: u32 = 24 * 60 * 60;
const MOST_HITS: u32 = 1_000_000;
/// Clients give up long before.
const MOST_MILLIS: u64 = 5 * 60 * 1000;
/// Characters of a reason.
const MOST_LETTERS: usize = 64;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::admin) enum EffectKind {
    /// The request is refused with `reason`, and its status unless `status` says another; `retry_after` in seconds.
    Refuse,
    /// The request is taken, and answered `milliseconds` later.
    Delay,
    /// The request is never answered.
    Silence,
    /// RST_STREAM with `code`, 0 to 13 (RFC 9113 §7); 7, REFUSED_STREAM, when absent.
    Reset,
    /// The connection ends with a GOAWAY that says `reason`; `Shutdown` when absent.
    GoAway,
    /// The connection is cut without a word.
    Drop,
    /// From now on the connection announces one concurrent stream.
    OneStream,
    /// The legacy interface answers `status`, 0 to 255, and closes.
    LegacyStatus,
    /// The legacy interface closes without a word.
    LegacyClose,
}

/// A wish for a fault.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct NewFault {
    /// The bundle ID of the app whose requests it is about; may be left out with `token`.
    app: Option<String>,
    /// This device token alone, in hex.
    token: Option<String>,
    /// This environment alone.
    #[schema(value_type = Option<String>, example = "development")]
    environment: Option<Environment>,
    /// The share of the requests, 1 to 100; all when absent.
    percent: Option<u8>,
    /// Decides which requests make up the share; 0 when absent.
    seed: Option<u64>,
    /// How many requests it hits at most; without it, all until it ends by its time.
    count: Option<u32>,
    /// It ends after so many seconds, 86400 at most; 600 when absent.
    seconds: Option<u32>,
    effect: EffectKind,
    status: Option<u16>,
    reason: Option<String>,
    retry_after: Option<u32>,
    milliseconds: Option<u64>,
    code: Option<u32>,
}

/// Reads a wish; 422 for what can't be used.
pub(in crate::admin) fn wish_of(
    context: &AdminContext,
    asked: NewFault,
    now: UnixMillis,
) -> Result<Wish, Problem> {
    let percent = asked.percent.unwrap_or(100);
    if !(1..=100).contains(&percent) {
        return Err(unusable("percent", "`percent` is 1 to 100".to_owned()));
    }
    if asked.count.is_some_and(|count| !(1..=MOST_HITS).contains(&count)) {
        return Err(unusable("count", format!("`count` is 1 to {MOST_HITS}; leave it out to hit all")));
    }
    let seconds = asked.seconds.unwrap_or(SECONDS);
    if !(1..=MOST_SECONDS).contains(&seconds) {
        return Err(unusable("seconds", format!("`seconds` is 1 to {MOST_SECONDS}: a rule ends by itself")));
    }
    let effect = effect_of(&asked)?;
    let ends_at = now.plus_millis(i64::from(seconds) * 1000);
    let scope = scope_of(context, &asked)?;
    Ok(Wish { scope, effect, percent, seed: asked.seed.unwrap_or_default(), count: asked.count, ends_at })
}

fn scope_of(context: &AdminContext, asked: &NewFault) -> Result<Scope, Problem> {
    let directory = context.centre.directory();
    let token = match &asked.token {
        Some(token) => Some((context.registration_of(token, &directory)?, token.to_ascii_lowercase().into())),
        None => None,
    };
    let of_token = token.as_ref().and_then(|(key, _)| directory.topic_by_no(key.topic_no));
    let bundle_id = match (&asked.app, of_token) {
        (Some(app), Some(topic)) if **app != *topic.bundle_id => {
            let detail =
                format!("`token` is of the app {:?}, not of `app`: leave one of them out", topic.bundle_id);
            return Err(unusable("token", detail));
        }
        (Some(app), _) => app.as_str(),
        (None, Some(topic)) => &topic.bundle_id,
        (None, None) => {
            return Err(unusable(
                "app",
                "name an `app` by its bundle ID, or a `token`; either suffices: a rule is about one app"
                    .to_owned(),
            ));
        }
    };
    let app = directory.app(bundle_id).ok_or_else(|| {
        unusable("app", format!("`app` {bundle_id:?} isn't here: GET /v1/apps lists those that are"))
    })?;
    if let (Some((key, _)), Some(environment)) = (&token, asked.environment)
        && key.environment != environment
    {
        let detail = format!("`token` is of {}: leave `environment` out", key.environment);
        return Err(unusable("environment", detail));
    }
    let numbers = app.topics.iter().filter_map(|name| directory.topic(name)).map(|topic| topic.topic_no);
    Ok(Scope {
        app: std::sync::Arc::clone(&app.bundle_id),
        topics: numbers.collect(),
        token,
        environment: asked.environment,
    })
}

fn effect_of(asked: &NewFault) -> Result<Effect, Problem> {
    only_its_own(asked)?;
    Ok(match asked.effect {
        EffectKind::Refuse => refuse(asked)?,
        EffectKind::Delay => match asked.milliseconds {
            Some(milliseconds @ 1..=MOST_MILLIS) => Effect::Delay(Duration::from_millis(milliseconds)),
            Some(_) | None => {
                return Err(unusable(
                    "milliseconds",
                    format!("`milliseconds` is wanted for a delay, 1 to {MOST_MILLIS}"),
                ));
            }
        },
        EffectKind::Silence => Effect::Silence,
        EffectKind::Reset => match asked.code.unwrap_or(h2::Reason::REFUSED_STREAM.into()) {
            code @ 0..=13 => Effect::Reset(code),
            _ => {
                let detail = "`code` is one of RFC 9113 §7, 0 to 13, such as 7 for REFUSED_STREAM";
                return Err(unusable("code", detail.to_owned()));
            }
        },
        EffectKind::GoAway => Effect::GoAway(match &asked.reason {
            Some(word) => word_of(word)?,
            None => Reason::Shutdown,
        }),
        EffectKind::Drop => Effect::Drop,
        EffectKind::OneStream => Effect::OneStream,
        EffectKind::LegacyStatus => {
            let status =
                asked.status.and_then(|status| u8::try_from(status).ok()).and_then(Status::from_byte);
            Effect::LegacyStatus(status.ok_or_else(|| {
                let known: Vec<String> =
                    Status::ALL.iter().map(|status| (*status as u8).to_string()).collect();
                unusable(
                    "status",
                    format!("`status` is wanted for a legacy status, one of {}", known.join(", ")),
                )
            })?)
        }
        EffectKind::LegacyClose => Effect::LegacyClose,
    })
}

fn refuse(asked: &NewFault) -> Result<Effect, Problem> {
    let Some(word) = &asked.reason else {
        let detail = "`reason` is wanted to refuse with, such as TooManyRequests";
        return Err(unusable("reason", detail.to_owned()));
    };
    let reason = word_of(word)?;
    let status = asked.status.unwrap_or_else(|| reason.status());
    if !(400..=599).contains(&status) {
        return Err(unusable(
            "status",
            "`status` is 400 to 599; leave it out for that of the reason".to_owned(),
        ));
    }
    Ok(Effect::Refuse { status, reason, retry_after: asked.retry_after })
}

/// One of Apple's words, or another that a client may have to live with.
fn word_of(word: &str) -> Result<Reason, Problem> {
    let is_word =
        (1..=MOST_LETTERS).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_word {
        return Err(unusable(
            "reason",
            format!("`reason` is a word of 1 to {MOST_LETTERS} letters, such as TooManyRequests"),
        ));
    }
    Ok(Reason::from_word(word))
}

/// A value that belongs to another effect is a mistake.
fn only_its_own(asked: &NewFault) -> Result<(), Problem> {
    use EffectKind as Kind;
    let said = [
        ("status", asked.status.is_some(), &[Kind::Refuse, Kind::LegacyStatus][..]),
        ("reason", asked.reason.is_some(), &[Kind::Refuse, Kind::GoAway]),
        ("retry_after", asked.retry_after.is_some(), &[Kind::Refuse]),
        ("milliseconds", asked.milliseconds.is_some(), &[Kind::Delay]),
        ("code", asked.code.is_some(), &[Kind::Reset]),
    ];
    for (name, is_said, effects) in said {
        if is_said && !effects.contains(&asked.effect) {
            let words: Vec<String> = effects
                .iter()
                .filter_map(|effect| Some(serde_json::to_value(effect).ok()?.as_str()?.to_owned()))
                .collect();
            return Err(unusable(
                name,
                format!("`{name}` is for the effect {}: leave it out", words.join(" or ")),
            ));
        }
    }
    Ok(())
}
