//! Provider keys: made or registered by their public half, listed, revoked. A private half is answered once.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use homing_apns::jwt::VerifyingKey;
use homing_http_api::{Body, Path, Problem};
use homing_trace::{Environment, UnixMillis};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AdminContext;
use super::refusal::{refused, refused_at, unusable};
use crate::centre::{Directory, ProviderKey, ProviderKeySpec};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Keys {
    /// By key id.
    keys: Vec<KeyView>,
}

/// A provider key; its private half isn't here.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeyView {
    #[schema(example = "ABC123DEFG")]
    key_id: String,
    team_id: String,
    #[schema(value_type = Vec<String>, example = json!(["development", "production"]))]
    environments: Vec<Environment>,
    /// Bundle ids it is for; null: all of the team, also those to come.
    apps: Option<Vec<String>>,
    /// The key it may take turns with on one connection.
    related_to: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    created_at: UnixMillis,
    public_key_pem: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewKey {
    team_id: String,
    /// Chosen here when absent; wanted with `public_key_pem`.
    key_id: Option<String>,
    /// Both when absent, which is what keys used to be.
    #[schema(value_type = Option<Vec<String>>)]
    environments: Option<Vec<Environment>>,
    /// Bundle ids of the team; all of its apps when absent.
    apps: Option<Vec<String>>,
    /// A key for some of the apps in the same environment.
    related_to: Option<String>,
    /// Registers a key that exists elsewhere, such as Apple's, by its public half: `openssl pkey -in AuthKey_….p8 -pubout`.
    public_key_pem: Option<String>,
}

/// A key that was just made or registered.
#[derive(Serialize, ToSchema)]
pub(super) struct MadeKey {
    #[serde(flatten)]
    about: KeyView,
    /// The text of the `.p8` file, for the only time; absent for a key that was registered by its public half.
    #[serde(skip_serializing_if = "Option::is_none")]
    p8: Option<String>,
}

fn view(key: &ProviderKey) -> KeyView {
    KeyView {
        key_id: key.key_id.to_string(),
        team_id: key.team.to_string(),
        environments: key.environments.clone(),
        apps: key.apps.as_ref().map(|apps| apps.iter().map(ToString::to_string).collect()),
        related_to: key.related_to.as_ref().map(ToString::to_string),
        created_at: key.created_at,
        // What was a key once stays one.
        public_key_pem: key.verifying.to_pem().unwrap_or_default(),
    }
}

pub(super) fn keys_of(directory: &Directory, wanted: impl Fn(&ProviderKey) -> bool) -> Vec<KeyView> {
    directory.provider_keys().filter(|key| wanted(key)).map(|key| view(key)).collect()
}

/// All provider keys
#[utoipa::path(get, path = "/v1/keys", operation_id = "list_keys", tag = "keys", responses((status = 200, body = Keys)))]
pub(super) async fn list(State(context): State<Arc<AdminContext>>) -> Json<Keys> {
    Json(Keys { keys: keys_of(&context.centre.directory(), |_| true) })
}

/// Make a provider key, or register one by its public half
#[utoipa::path(post, path = "/v1/keys", operation_id = "create_key", tag = "keys", request_body = NewKey,
    responses(
        (status = 201, body = MadeKey),
        (status = 409, description = "the key id is taken, or the team has as many keys as it may"),
        (status = 422, description = "a value can't be used; `field` names it")
    ))]
pub(super) async fn create(
    State(context): State<Arc<AdminContext>>,
    Body(wish): Body<NewKey>,
) -> Result<(StatusCode, Json<MadeKey>), Problem> {
    let public = wish.public_key_pem.as_deref().map(public_half).transpose()?;
    if public.is_some() && wish.key_id.is_none() {
        return Err(unusable("key_id", "a key that exists has an id: send it as `key_id`".to_owned()));
    }
    if wish.environments.as_ref().is_some_and(Vec::is_empty) {
        return Err(unusable(
            "environments",
            "name at least one environment, or leave `environments` out".to_owned(),
        ));
    }
    let spec = ProviderKeySpec {
        team: wish.team_id,
        key_id: wish.key_id,
        environments: wish.environments.unwrap_or_default(),
        apps: wish.apps,
        related_to: wish.related_to,
    };
    let (key_id, p8) = match public {
        Some(public) => (context.centre.register_key(spec, &public).await.map_err(refused)?, None),
        None => {
            let made = context.centre.create_key(spec).await.map_err(refused)?;
            (made.key_id, Some(made.p8_pem.to_string()))
        }
    };
    let directory = context.centre.directory();
    let about = directory.provider_key(&key_id).map(|key| view(key)).ok_or_else(|| {
        Problem::not_found(format!("the key {key_id:?} was revoked by another request at this moment"))
    })?;
    Ok((StatusCode::CREATED, Json(MadeKey { about, p8 })))
}

fn public_half(pem: &str) -> Result<VerifyingKey, Problem> {
    if pem.contains("PRIVATE KEY") {
        let detail = "`public_key_pem` holds a private key, which must stay where it is: send what \
                      `openssl pkey -in AuthKey_….p8 -pubout` prints";
        return Err(unusable("public_key_pem", detail.to_owned()));
    }
    VerifyingKey::from_pem(pem).map_err(|error| {
        unusable(
            "public_key_pem",
            format!("`public_key_pem`: {error}: send what `openssl pkey -in AuthKey_….p8 -pubout` prints"),
        )
    })
}

/// Revoke a provider key: its connections end
#[utoipa::path(delete, path = "/v1/keys/{key_id}", operation_id = "revoke_key", tag = "keys",
    params(("key_id" = String, Path)), responses((status = 204), (status = 404)))]
pub(super) async fn revoke(
    State(context): State<Arc<AdminContext>>,
    Path(key_id): Path<String>,
) -> Result<StatusCode, Problem> {
    context.centre.revoke_key(&key_id).await.map_err(|error| refused_at(error, "/v1/keys"))?;
    Ok(StatusCode::NO_CONTENT)
}
