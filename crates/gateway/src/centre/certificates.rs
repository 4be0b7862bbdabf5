//! Provider certificates: which were issued, for which app, and which of them still count. Only what stands here opens the
//! provider port: a certificate that was revoked is one that nobody knows. Private keys are said once and kept by nobody here.

use std::sync::Arc;

use homing_apns::PushType;
use homing_trace::{Environment, UnixMillis};
use rusqlite::{Connection, params};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::directory::Directory;
use super::{Centre, CentreError, Changed, rows, shown};
use crate::authority::{Authority, CertificateTopic, ProviderCertificate, ProviderCertificateRequest};
use crate::store::Scope;

/// Certificates an app may have.
const PER_APP: usize = 200;

/// Apple's kinds of push certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CertificateKind {
    /// One topic in the development environment.
    Development,
    /// One topic in production.
    Production,
    /// Both environments, and the app's alert, VoIP and complication topics: requests must name theirs.
    Universal,
    /// The app's VoIP topic in both environments.
    Voip,
}

impl CertificateKind {
    pub const ALL: [Self; 4] = [Self::Development, Self::Production, Self::Universal, Self::Voip];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
            Self::Universal => "universal",
            Self::Voip => "voip",
        }
    }

    pub fn environments(self) -> Vec<Environment> {
        match self {
            Self::Development => vec![Environment::Development],
            Self::Production => vec![Environment::Production],
            Self::Universal | Self::Voip => Environment::ALL.to_vec(),
        }
    }

    /// The topics it names for this app.
    pub fn topics(self, bundle_id: &str) -> Vec<String> {
        self.listed(bundle_id).into_iter().map(|listed| listed.topic).collect()
    }

    fn listed(self, bundle_id: &str) -> Vec<CertificateTopic> {
        let kinds: &[(PushType, &str)] = match self {
            Self::Development | Self::Production => &[(PushType::Alert, "app")],
            Self::Voip => &[(PushType::Voip, "voip")],
            Self::Universal => &[
                (PushType::Alert, "app"),
                (PushType::Voip, "voip"),
                (PushType::Complication, "complication"),
            ],
        };
        let listed = kinds.iter().map(|(push_type, kind)| CertificateTopic {
            topic: format!("{bundle_id}{}", push_type.topic_suffix()),
            kinds: vec![(*kind).to_owned()],
        });
        listed.collect()
    }

    fn common_name(self, bundle_id: &str) -> String {
        let prefix = match self {
            Self::Development => "Apple Development IOS Push Services",
            Self::Production => "Apple Production IOS Push Services",
            Self::Universal => "Apple Push Services",
            Self::Voip => "VoIP Services",
        };
        format!("{prefix}: {bundle_id}")
    }

    fn request(self, spec: &CertificateSpec, team: &str) -> ProviderCertificateRequest {
        let listed = self.listed(&spec.bundle_id);
        let topic = listed.first().map_or_else(|| spec.bundle_id.clone(), |first| first.topic.clone());
        let (topics, voip_topics) = match self {
            Self::Development | Self::Production => (Vec::new(), Vec::new()),
            Self::Universal => (listed, Vec::new()),
            Self::Voip => (Vec::new(), listed),
        };
        ProviderCertificateRequest {
            topic,
            common_name: self.common_name(&spec.bundle_id),
            team: team.to_owned(),
            environments: self.environments(),
            topics,
            voip_topics,
            expires_at: spec.expires_at,
            p12_password: spec.p12_password.clone(),
        }
    }
}

/// A certificate that was issued and counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Ten capital letters or digits.
    pub id: Box<str>,
    /// See [`fingerprint`].
    pub fingerprint: [u8; 32],
    pub team: Arc<str>,
    pub bundle_id: Arc<str>,
    pub kind: CertificateKind,
    /// On real time, as all certificates.
    pub expires_at: UnixMillis,
    pub created_at: UnixMillis,
}

/// What a certificate shall be.
#[derive(Clone)]
pub struct CertificateSpec {
    pub bundle_id: String,
    pub kind: CertificateKind,
    /// In 397 days when absent. A time that is past makes one that has expired.
    pub expires_at: Option<UnixMillis>,
    /// Opens the PKCS#12 file.
    pub p12_password: Zeroizing<String>,
}

impl std::fmt::Debug for CertificateSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CertificateSpec")
            .field("bundle_id", &self.bundle_id)
            .field("kind", &self.kind)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A certificate that was just made, with its files.
#[derive(Debug)]
pub struct NewCertificate {
    pub about: Certificate,
    pub files: ProviderCertificate,
}

/// SHA-256 of a certificate in DER.
pub fn fingerprint(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}

impl Centre {
    /// Issues a certificate of an app.
    pub async fn create_certificate(
        &self,
        authority: &Authority,
        spec: CertificateSpec,
    ) -> Result<NewCertificate, CentreError> {
        let directory = self.directory();
        let app = directory.app(&spec.bundle_id);
        let Some(app) = app else {
            return Err(CentreError::Missing { what: "app", value: shown(&spec.bundle_id) });
        };
        let (authority, request) = (authority.clone(), spec.kind.request(&spec, &app.team));
        // A PKCS#12 file takes thousands of rounds of hashing.
        let issuing = tokio::task::spawn_blocking(move || authority.issue_provider_certificate(&request));
        let files = issuing.await.map_err(|error| {
            crate::authority::AuthorityError::Pkcs12(format!("it was interrupted: {error}"))
        })??;
        let about = Certificate {
            id: Self::random_id()?.into(),
            fingerprint: fingerprint(&files.der),
            team: Arc::clone(&app.team),
            bundle_id: Arc::clone(&app.bundle_id),
            kind: spec.kind,
            expires_at: files.expires_at,
            created_at: self.0.store.clock().now(),
        };
        self.record_certificate(about.clone()).await?;
        Ok(NewCertificate { about, files })
    }

    /// Lets a certificate of our issuer count.
    pub async fn record_certificate(&self, certificate: Certificate) -> Result<(), CentreError> {
        self.change(move |scope| put(scope, &certificate)).await
    }

    /// Revokes the certificate: its connections end, and it opens nothing any more.
    pub async fn revoke_certificate(&self, id: &str) -> Result<(), CentreError> {
        let id = id.to_owned();
        self.change(move |scope| {
            let gone =
                scope.connection.execute("DELETE FROM provider_certificates WHERE id = ?1", [&id])? > 0;
            if gone { rows::changed(scope.connection) } else { rows::missing("certificate", &id) }
        })
        .await
    }
}

fn put(scope: &Scope<'_>, certificate: &Certificate) -> Changed {
    let bundle_id = &*certificate.bundle_id;
    let owned = "SELECT 1 FROM apps WHERE bundle_id = ?1 AND team = ?2";
    if !scope.connection.prepare(owned)?.exists([bundle_id, &*certificate.team])? {
        return rows::missing("app", bundle_id);
    }
    let count = "SELECT count(*) FROM provider_certificates WHERE bundle_id = ?1";
    let count: u32 = scope.connection.query_row(count, [bundle_id], |row| row.get(0))?;
    if count as usize >= PER_APP {
        return Ok(Err(CentreError::Full { whose: "the app", what: "certificates", limit: PER_APP }));
    }
    scope.connection.execute(
        "INSERT INTO provider_certificates VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            certificate.id,
            certificate.fingerprint,
            certificate.team,
            bundle_id,
            certificate.kind.as_str(),
            certificate.expires_at.0,
            certificate.created_at.0
        ],
    )?;
    rows::changed(scope.connection)
}

/// Adds all certificates to the directory.
pub(super) fn read(connection: &Connection, directory: &mut Directory) -> rusqlite::Result<()> {
    let mut query = connection.prepare(
        "SELECT id, fingerprint, team, bundle_id, kind, expires_at, created_at FROM provider_certificates",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let kind = row.get_ref(4)?.as_str()?;
        let Some(kind) = CertificateKind::ALL.into_iter().find(|known| known.as_str() == kind) else {
            tracing::error!(kind, "a certificate in the store is damaged and opens nothing");
            continue;
        };
        let certificate = Certificate {
            id: row.get(0)?,
            fingerprint: row.get(1)?,
            team: row.get(2)?,
            bundle_id: row.get(3)?,
            kind,
            expires_at: UnixMillis(row.get(5)?),
            created_at: UnixMillis(row.get(6)?),
        };
        directory.certificates.insert(certificate.fingerprint, Arc::new(certificate));
    }
    Ok(())
}
