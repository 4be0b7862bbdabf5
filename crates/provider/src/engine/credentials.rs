//! Credentials: what is kept of them, whether one can be used for an app, and in which form the client takes it.

use homing_apns::{CertificateTopics, Topic};
use homing_apns_client::{ClientCertificate, ProviderKey};
use homing_trace::{Environment, UnixMillis};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use zeroize::Zeroizing;

use super::app::{App, Credential, CredentialView, PushService};
use super::apps::{Answer, MAX_SECRET, check_text, service};
use super::error::EngineError;
use super::{Engine, to_the_end};
use crate::store::StoreError;

impl Engine {
    pub async fn put_credential(
        &self,
        bundle_id: &str,
        environment: Environment,
        credential: Credential,
    ) -> Answer<App> {
        let checked = Checked::new(credential, bundle_id, environment)?;
        self.change_credential(bundle_id, move |connection, app_no| {
            insert(connection, app_no, environment, &checked)
        })
        .await
    }

    /// Fine if there is none.
    pub async fn delete_credential(&self, bundle_id: &str, environment: Environment) -> Answer<App> {
        self.change_credential(bundle_id, move |connection, app_no| {
            Ok(remove(connection, app_no, environment)?)
        })
        .await
    }

    async fn change_credential<F>(&self, bundle_id: &str, work: F) -> Answer<App>
    where
        F: FnOnce(&Connection, i64) -> Answer<()> + Send + 'static,
    {
        let (bundle_id, engine) = (bundle_id.to_owned(), self.clone());
        to_the_end(async move {
            let (app, app_no) = engine.change_app(bundle_id, work).await?;
            engine.reload_lanes(app_no).await?;
            Ok(app)
        })
        .await
    }
}

pub(super) fn insert(
    connection: &Connection,
    app_no: i64,
    environment: Environment,
    checked: &Checked,
) -> Answer<()> {
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO credentials
     (app_no, environment, kind, key_id, team_id, secret, password, expires_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let (kind, key_id, team_id, secret, password) = parts(&checked.credential);
    let expires_at = checked.expires_at.map(|at| at.0);
    let row = params![app_no, environment.as_str(), kind, key_id, team_id, secret, password, expires_at];
    insert.execute(row)?;
    Ok(())
}

pub(super) fn remove(connection: &Connection, app_no: i64, environment: Environment) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM credentials WHERE app_no = ?1 AND environment = ?2")?
        .execute(params![app_no, environment.as_str()])
        .map(drop)
}

/// An app's push service and credential in one environment.
pub(super) fn destination(
    connection: &Connection,
    app_no: i64,
    environment: Environment,
) -> Result<(Option<PushService>, Option<Credential>), StoreError> {
    let key = params![app_no, environment.as_str()];
    let service = connection
        .prepare_cached(
            "SELECT host, port, ca_pem FROM push_services WHERE app_no = ?1 AND environment = ?2",
        )?
        .query_row(key, service)
        .optional()?;
    let credential = connection
        .prepare_cached(
            "SELECT kind, key_id, team_id, secret, password FROM credentials WHERE app_no = ?1 AND environment = ?2",
        )?
        .query_row(key, credential)
        .optional()?;
    Ok((service, credential))
}

pub(super) fn credential_view(row: &Row<'_>) -> rusqlite::Result<CredentialView> {
    let kind: String = row.get(0)?;
    Ok(if kind == "key" {
        CredentialView::Key { key_id: row.get(1)?, team_id: row.get(2)? }
    } else {
        CredentialView::Certificate { expires_at: UnixMillis(row.get(3)?) }
    })
}

fn credential(row: &Row<'_>) -> rusqlite::Result<Credential> {
    let (kind, secret): (String, Vec<u8>) = (row.get(0)?, row.get(3)?);
    let text = |secret: Vec<u8>| Zeroizing::new(String::from_utf8(secret).unwrap_or_default());
    Ok(match kind.as_str() {
        "key" => Credential::Key { key_id: row.get(1)?, team_id: row.get(2)?, p8: text(secret) },
        "certificate" => Credential::Certificate { pem: text(secret) },
        _ => Credential::Pkcs12 {
            p12: secret.into(),
            password: row.get::<_, Option<String>>(4)?.unwrap_or_default().into(),
        },
    })
}

type Parts<'a> = (&'static str, Option<&'a str>, Option<&'a str>, &'a [u8], Option<&'a str>);

fn parts(credential: &Credential) -> Parts<'_> {
    match credential {
        Credential::Key { key_id, team_id, p8 } => ("key", Some(key_id), Some(team_id), p8.as_bytes(), None),
        Credential::Certificate { pem } => ("certificate", None, None, pem.as_bytes(), None),
        Credential::Pkcs12 { p12, password } => ("pkcs12", None, None, p12, Some(password)),
    }
}

/// A credential that can be used for the app.
pub(super) struct Checked {
    credential: Credential,
    expires_at: Option<UnixMillis>,
}

impl Checked {
    pub(super) fn new(credential: Credential, bundle_id: &str, environment: Environment) -> Answer<Self> {
        let (_, _, _, secret, _) = parts(&credential);
        if secret.len() > MAX_SECRET {
            return Err(EngineError::invalid("credential", format!("it has more than {MAX_SECRET} bytes")));
        }
        let expires_at = match loaded(&credential)? {
            homing_apns_client::Credential::Key(_) => None,
            homing_apns_client::Credential::Certificate(certificate) => {
                Some(check_certificate(certificate.leaf(), bundle_id, environment)?)
            }
        };
        Ok(Self { credential, expires_at })
    }
}

/// The credential as the client takes it.
pub(super) fn loaded(credential: &Credential) -> Answer<homing_apns_client::Credential> {
    use homing_apns_client::Credential as Loaded;
    let certificate = |read: Result<ClientCertificate, homing_apns_client::CertificateError>| {
        read.map(|certificate| Loaded::Certificate(certificate.into()))
            .map_err(|error| EngineError::invalid("certificate", error.to_string()))
    };
    match credential {
        Credential::Key { key_id, team_id, p8 } => {
            check_text("key.key_id", key_id)?;
            check_text("key.team_id", team_id)?;
            ProviderKey::from_p8(p8, key_id, team_id)
                .map(|key| Loaded::Key(key.into()))
                .map_err(|error| EngineError::invalid("key.p8", error.to_string()))
        }
        Credential::Certificate { pem } => certificate(ClientCertificate::from_pem(pem.as_bytes())),
        Credential::Pkcs12 { p12, password } => certificate(ClientCertificate::from_p12(p12, password)),
    }
}

/// Whether the certificate is for the app and the environment, and until when.
fn check_certificate(der: &[u8], bundle_id: &str, environment: Environment) -> Answer<UnixMillis> {
    let invalid = |problem: String| EngineError::invalid("certificate", problem);
    let said = CertificateTopics::from_der(der).map_err(|error| invalid(error.to_string()))?;
    if !said.allows_environment(environment) {
        return Err(invalid(format!("it isn't marked for {environment}: use one that was made for it")));
    }
    let topic: Topic = bundle_id.parse().map_err(|_| invalid("the bundle ID is no topic".to_owned()))?;
    if !said.allows_topic(&topic) {
        return Err(invalid(format!(
            "it doesn't name the topic {bundle_id}: use the certificate of this app"
        )));
    }
    Ok(said.expires_at)
}
