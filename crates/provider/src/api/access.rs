//! Who asks, and whether they may: a server key with the scope an endpoint needs, for the app its path names; or, for an
//! installation's own affairs, an identity token. An endpoint says what it needs by what it takes as an argument.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;
use homing_http_api::{Problem, bearer};

use super::Api;
use crate::engine::{Scope, ServerKey, Teller};
use crate::identity_token::{self, IdentityTokenError};

/// A scope, as a type.
pub(super) trait Need: Send {
    const SCOPE: Scope;
}

pub(super) enum ToAdmin {}
pub(super) enum ToPush {}
pub(super) enum ToInstall {}
pub(super) enum ToRead {}

impl Need for ToAdmin {
    const SCOPE: Scope = Scope::Admin;
}
impl Need for ToPush {
    const SCOPE: Scope = Scope::Push;
}
impl Need for ToInstall {
    const SCOPE: Scope = Scope::Installations;
}
impl Need for ToRead {
    const SCOPE: Scope = Scope::Read;
}

/// A server key that has the scope, and isn't limited to other apps than the one in the path.
pub(super) struct Key<N>(pub(super) Arc<ServerKey>, PhantomData<N>);

/// Any server key.
pub(super) struct AnyKey;

/// Who speaks for an installation.
pub(super) enum Registrar {
    /// A server key: it may speak for every user.
    Server,
    /// This user, as an identity token says.
    User(String),
}

impl Registrar {
    pub(super) fn teller(&self) -> Teller {
        match self {
            Self::Server => Teller::Server,
            Self::User(own) => Teller::App(own.clone()),
        }
    }

    /// Whether it may speak for `user`; a token alone may be told by anybody who is somebody.
    pub(super) fn check(&self, user: Option<&str>) -> Result<(), Problem> {
        match self {
            Self::Server => Ok(()),
            Self::User(own) if user.is_none_or(|user| user == own) => Ok(()),
            Self::User(own) => Err(forbidden(format!(
                "the identity token is {own:?}'s and speaks for this user alone: name `user` so, or use a server key"
            ))),
        }
    }
}

impl<N: Need> FromRequestParts<Api> for Key<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let bundle = bundle(parts).await?;
        let Some(key) = api.engine.key_of(shown(parts)?) else { return Err(unknown(parts)) };
        allowed(&key, N::SCOPE, bundle.as_deref())?;
        Ok(Self(key, PhantomData))
    }
}

impl FromRequestParts<Api> for AnyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        api.engine.key_of(shown(parts)?).map(|_| Self).ok_or_else(|| unknown(parts))
    }
}

impl FromRequestParts<Api> for Registrar {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let bundle = bundle(parts).await?.unwrap_or_default();
        let shown = shown(parts)?;
        if let Some(key) = api.engine.key_of(shown) {
            allowed(&key, Scope::Installations, Some(&bundle))?;
            return Ok(Self::Server);
        }
        if !identity_token::is_like_one(shown) {
            return Err(unknown(parts));
        }
        let refused = |error: IdentityTokenError| Problem::no_key(error.to_string());
        let token = identity_token::read(shown).map_err(refused)?;
        let key = api.engine.identity_key(&bundle, token.kid()).await?;
        let key = key.ok_or_else(|| refused(IdentityTokenError::UnknownKey(token.kid().to_owned())))?;
        let claims = token.verify(&key, &bundle, real_seconds()).map_err(refused)?;
        Ok(Self::User(claims.sub))
    }
}

/// Identity tokens live by real time: who makes them knows no other.
fn real_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// The app that the path names.
async fn bundle(parts: &mut Parts) -> Result<Option<String>, Problem> {
    let params = RawPathParams::from_request_parts(parts, &()).await;
    let params = params.map_err(|error| Problem::invalid(error.body_text()))?;
    Ok(params.iter().find(|(name, _)| *name == "bundle").map(|(_, bundle)| bundle.to_owned()))
}

fn shown(parts: &Parts) -> Result<&str, Problem> {
    bearer(&parts.headers).ok_or_else(|| {
        Problem::no_key("the key is missing: send a server key as `Authorization: Bearer <key>`".to_owned())
    })
}

fn unknown(parts: &Parts) -> Problem {
    let is_token = bearer(&parts.headers).is_some_and(identity_token::is_like_one);
    Problem::no_key(if is_token {
        "this takes a server key: an identity token only logs its user in and out and reports".to_owned()
    } else {
        "the server key isn't known: it was removed, or is another provider's; POST /v1/keys makes one"
            .to_owned()
    })
}

fn allowed(key: &ServerKey, scope: Scope, bundle: Option<&str>) -> Result<(), Problem> {
    if !key.allows(scope) {
        let scope = scope.as_str();
        return Err(forbidden(format!(
            "the server key {:?} lacks the scope `{scope}`: use one that has it",
            key.name
        )));
    }
    match bundle {
        Some(bundle) if !key.allows_app(bundle) => Err(forbidden(format!(
            "the server key {:?} is limited to other apps than {bundle:?}: use one for this app",
            key.name
        ))),
        Some(_) | None => Ok(()),
    }
}

pub(super) fn forbidden(detail: String) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "Not with this key", detail)
}
