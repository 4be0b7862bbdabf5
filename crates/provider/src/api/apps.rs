//! Apps: where their notifications are sent, as whom, and by which keys the business signs identity tokens.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use homing_http_api::{Body, Path, Problem};
use homing_trace::Environment;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::Api;
use super::access::{Key, ToAdmin, ToRead};
use crate::engine::{App, AppChanges, Credential, EngineError};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Apps {
    /// Those the key is for.
    apps: Vec<App>,
}

/// Either `key` or `certificate`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCredential {
    key: Option<SigningKey>,
    certificate: Option<Certificate>,
}

/// A provider's signing key as Apple gives it out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SigningKey {
    key_id: String,
    team_id: String,
    /// The text of `AuthKey_<key id>.p8`.
    p8: String,
}

/// Either `pem`, or `p12_base64` with `password`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Certificate {
    /// Certificate and private key in one text.
    pem: Option<String>,
    p12_base64: Option<String>,
    password: Option<String>,
}

/// The public half of a key by which the business signs identity tokens.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IdentityKey {
    /// A P-256 key as SPKI in PEM: `openssl ec -in key.pem -pubout`.
    public_key_pem: String,
}

/// All apps the key is for
#[utoipa::path(get, path = "/v1/apps", tag = "apps", security(("server_key" = ["read"])),
    responses((status = 200, body = Apps)))]
pub(super) async fn list(key: Key<ToRead>, State(api): State<Api>) -> Result<Json<Apps>, Problem> {
    let mut apps = api.engine.apps().await?;
    apps.retain(|app| key.0.allows_app(&app.bundle_id));
    Ok(Json(Apps { apps }))
}

/// One app
#[utoipa::path(get, path = "/v1/apps/{bundle}", tag = "apps", security(("server_key" = ["read"])),
    responses((status = 200, body = App)))]
pub(super) async fn show(
    _: Key<ToRead>,
    State(api): State<Api>,
    Path(bundle): Path<String>,
) -> Result<Json<App>, Problem> {
    Ok(Json(api.engine.app(&bundle).await?))
}

/// Make or change an app
#[utoipa::path(put, path = "/v1/apps/{bundle}", tag = "apps", security(("server_key" = ["admin"])),
    request_body = AppChanges,
    responses(
        (status = 201, body = App, description = "it is new"),
        (status = 200, body = App),
        (status = 422, description = "a value can't be used: `field` names it")
    ))]
pub(super) async fn put(
    _: Key<ToAdmin>,
    State(api): State<Api>,
    Path(bundle): Path<String>,
    Body(changes): Body<AppChanges>,
) -> Result<(StatusCode, Json<App>), Problem> {
    let (app, is_new) = api.engine.put_app(&bundle, changes).await?;
    Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(app)))
}

/// Remove an app with all that is kept of it
#[utoipa::path(delete, path = "/v1/apps/{bundle}", tag = "apps", security(("server_key" = ["admin"])),
    responses((status = 204)))]
pub(super) async fn delete(
    _: Key<ToAdmin>,
    State(api): State<Api>,
    Path(bundle): Path<String>,
) -> Result<StatusCode, Problem> {
    api.engine.delete_app(&bundle).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Set what the push service of an environment is shown
#[utoipa::path(put, path = "/v1/apps/{bundle}/credentials/{environment}", tag = "apps",
    security(("server_key" = ["admin"])), request_body = NewCredential,
    responses((status = 200, body = App), (status = 422, description = "the credential can't be used")))]
pub(super) async fn put_credential(
    _: Key<ToAdmin>,
    State(api): State<Api>,
    Path((bundle, environment)): Path<(String, Environment)>,
    Body(credential): Body<NewCredential>,
) -> Result<Json<App>, Problem> {
    Ok(Json(api.engine.put_credential(&bundle, environment, read(credential)?).await?))
}

/// Remove the credential of an environment
#[utoipa::path(delete, path = "/v1/apps/{bundle}/credentials/{environment}", tag = "apps",
    security(("server_key" = ["admin"])), responses((status = 200, body = App)))]
pub(super) async fn delete_credential(
    _: Key<ToAdmin>,
    State(api): State<Api>,
    Path((bundle, environment)): Path<(String, Environment)>,
) -> Result<Json<App>, Problem> {
    Ok(Json(api.engine.delete_credential(&bundle, environment).await?))
}

/// Let identity tokens be signed by a key
#[utoipa::path(put, path = "/v1/apps/{bundle}/identity-keys/{kid}", tag = "apps",
    security(("server_key" = ["admin"])), request_body = IdentityKey,
    responses((status = 200, body = App), (status = 422, description = "the key can't be used")))]
pub(super) async fn put_identity_key(
    _: Key<ToAdmin>,
    State(api): State<Api>,
    Path((bundle, kid)): Path<(String, String)>,
    Body(key): Body<IdentityKey>,
) -> Result<Json<App>, Problem> {
    Ok(Json(api.engine.put_identity_key(&bundle, &kid, &key.public_key_pem).await?))
}

/// Take no more identity tokens signed by a key
#[utoipa::path(delete, path = "/v1/apps/{bundle}/identity-keys/{kid}", tag = "apps",
    security(("server_key" = ["admin"])), responses((status = 200, body = App)))]
pub(super) async fn delete_identity_key(
    _: Key<ToAdmin>,
    State(api): State<Api>,
    Path((bundle, kid)): Path<(String, String)>,
) -> Result<Json<App>, Problem> {
    Ok(Json(api.engine.delete_identity_key(&bundle, &kid).await?))
}

fn read(credential: NewCredential) -> Result<Credential, EngineError> {
    let certificate = match (credential.key, credential.certificate) {
        (Some(SigningKey { key_id, team_id, p8 }), None) => {
            return Ok(Credential::Key { key_id, team_id, p8: Zeroizing::new(p8) });
        }
        (None, Some(certificate)) => certificate,
        (Some(_), Some(_)) | (None, None) => {
            return Err(EngineError::invalid("key", "send either `key` or `certificate`"));
        }
    };
    match (certificate.pem, certificate.p12_base64) {
        (Some(_), None) if certificate.password.is_some() => Err(EngineError::invalid(
            "certificate.password",
            "a `pem` has none: send its key without a passphrase, and no password",
        )),
        (Some(pem), None) => Ok(Credential::Certificate { pem: Zeroizing::new(pem) }),
        (None, Some(p12)) => {
            let p12 = STANDARD.decode(p12).map_err(|error| {
                let problem = format!("it isn't base64 ({error}): write it with `base64 -w0 FILE`");
                EngineError::invalid("certificate.p12_base64", problem)
            })?;
            let password = Zeroizing::new(certificate.password.unwrap_or_default());
            Ok(Credential::Pkcs12 { p12: Zeroizing::new(p12), password })
        }
        (Some(_), Some(_)) | (None, None) => {
            Err(EngineError::invalid("certificate", "send either `pem`, or `p12_base64` with `password`"))
        }
    }
}
