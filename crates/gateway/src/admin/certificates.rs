//! Provider certificates: issued, listed, revoked. A private key is answered once.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use homing_http_api::{Body, Path, Problem};
use homing_trace::{Environment, UnixMillis};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refusal::{refused, refused_at, unusable};
use super::{AdminContext, not_answered};
use crate::authority::EXPIRES_BEFORE;
use crate::centre::{CentreError, Certificate, CertificateKind, CertificateSpec, Directory};
use crate::store::{hex, random};

/// Longest password of a PKCS#12 file, in bytes.
const PASSWORD_LEN: usize = 128;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Certificates {
    /// Oldest first.
    certificates: Vec<CertificateView>,
}

/// A provider certificate; its private key isn't here.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CertificateView {
    certificate_id: String,
    bundle_id: String,
    team_id: String,
    kind: CertificateKind,
    #[schema(value_type = Vec<String>)]
    environments: Vec<Environment>,
    /// Requests may name these; with several they must.
    topics: Vec<String>,
    #[schema(value_type = String, format = "date-time")]
    expires_at: UnixMillis,
    #[schema(value_type = String, format = "date-time")]
    created_at: UnixMillis,
    /// SHA-256 of the certificate, in hex.
    fingerprint: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCertificate {
    bundle_id: String,
    kind: CertificateKind,
    /// In 397 days when absent; before 2100. A time that is past makes one that has expired, to see what a client does with it.
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<UnixMillis>,
    /// Opens the PKCS#12 file; chosen here when absent.
    p12_password: Option<String>,
}

/// A certificate that was just issued, with its files for the only time.
#[derive(Serialize, ToSchema)]
pub(super) struct MadeCertificate {
    #[serde(flatten)]
    about: CertificateView,
    /// Certificate, issuer and private key.
    pem: String,
    /// The same as PKCS#12, in base64.
    p12_base64: String,
    p12_password: String,
}

fn view(certificate: &Certificate) -> CertificateView {
    CertificateView {
        certificate_id: certificate.id.to_string(),
        bundle_id: certificate.bundle_id.to_string(),
        team_id: certificate.team.to_string(),
        kind: certificate.kind,
        environments: certificate.kind.environments(),
        topics: certificate.kind.topics(&certificate.bundle_id),
        expires_at: certificate.expires_at,
        created_at: certificate.created_at,
        fingerprint: hex(&certificate.fingerprint),
    }
}

pub(super) fn certificates_of(
    directory: &Directory,
    wanted: impl Fn(&Certificate) -> bool,
) -> Vec<CertificateView> {
    let mut found: Vec<_> = directory.certificates().filter(|certificate| wanted(certificate)).collect();
    found.sort_by_key(|certificate| (certificate.created_at, certificate.id.clone()));
    found.into_iter().map(|certificate| view(certificate)).collect()
}

/// All provider certificates
#[utoipa::path(get, path = "/v1/certificates", operation_id = "list_certificates", tag = "certificates",
    responses((status = 200, body = Certificates)))]
pub(super) async fn list(State(context): State<Arc<AdminContext>>) -> Json<Certificates> {
    Json(Certificates { certificates: certificates_of(&context.centre.directory(), |_| true) })
}

/// Issue a provider certificate
#[utoipa::path(post, path = "/v1/certificates", operation_id = "create_certificate", tag = "certificates",
    request_body = NewCertificate,
    responses(
        (status = 201, body = MadeCertificate),
        (status = 409, description = "the app has as many certificates as it may"),
        (status = 422, description = "a value can't be used; `field` names it")
    ))]
pub(super) async fn create(
    State(context): State<Arc<AdminContext>>,
    Body(wish): Body<NewCertificate>,
) -> Result<(StatusCode, Json<MadeCertificate>), Problem> {
    let p12_password = match wish.p12_password {
        Some(password) if password.len() > PASSWORD_LEN => {
            return Err(unusable(
                "p12_password",
                format!("`p12_password` has more than {PASSWORD_LEN} bytes: shorten it"),
            ));
        }
        Some(password) => password,
        None => hex(&random::<12>().map_err(not_answered)?),
    };
    if wish.expires_at.is_some_and(|at| at.0 < 0) {
        return Err(unusable("expires_at", "`expires_at` lies before 1970: name a later time".to_owned()));
    }
    if wish.expires_at.is_some_and(|at| at.secs() >= EXPIRES_BEFORE) {
        return Err(unusable("expires_at", "`expires_at` lies after 2099: name an earlier time".to_owned()));
    }
    let spec = CertificateSpec {
        bundle_id: wish.bundle_id,
        kind: wish.kind,
        expires_at: wish.expires_at,
        p12_password: p12_password.clone().into(),
    };
    let made = context.centre.create_certificate(&context.authority, spec).await;
    let made = made.map_err(|error| {
        let is_missing = matches!(error, CentreError::Missing { .. });
        if is_missing { unusable("bundle_id", error.to_string()) } else { refused(error) }
    })?;
    let answer = MadeCertificate {
        about: view(&made.about),
        pem: made.files.pem.to_string(),
        p12_base64: base64::engine::general_purpose::STANDARD.encode(&*made.files.p12),
        p12_password,
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Revoke a provider certificate: its connections end
#[utoipa::path(delete, path = "/v1/certificates/{certificate_id}", operation_id = "revoke_certificate", tag = "certificates",
    params(("certificate_id" = String, Path)), responses((status = 204), (status = 404)))]
pub(super) async fn revoke(
    State(context): State<Arc<AdminContext>>,
    Path(certificate_id): Path<String>,
) -> Result<StatusCode, Problem> {
    let revoked = context.centre.revoke_certificate(&certificate_id).await;
    revoked.map_err(|error| refused_at(error, "/v1/certificates"))?;
    Ok(StatusCode::NO_CONTENT)
}
