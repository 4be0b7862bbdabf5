//! The demo: a team with one app, what may send to it, and the virtual iPhones that carry it. Everything is made at the
//! first start and found again at later ones; the credentials stand as files in the data directory.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use homing_apns::jwt::SigningKey;
use homing_app::demo::{BUNDLE_ID, manifest};
use homing_device::VirtualDevice;
use homing_gateway::Gateway;
use homing_gateway::centre::{CertificateKind, CertificateSpec, EnrolmentKeySpec, fingerprint};
use homing_trace::Environment;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::data_dir::DataDir;
use crate::endpoints::{Demo, DemoEnvironment};

mod apps;
mod business;

pub(crate) use apps::DemoApps;
pub(crate) use business::{Business, app_spec};

const TEAM_ID: &str = "HOMINGDEMO";
const KEY_ID: &str = "DEMOKEY001";
/// The reader who is signed in to the demo app.
const USER: &str = "reader";
/// Who else may sign in to it: the demo's business knows these.
pub(crate) const ACCOUNTS: [&str; 3] = [USER, "ann", "bob"];

/// Devices the demo's enrolment key admits, at a time and in a minute.
const ENROLMENT_QUOTA: u32 = 100_000;

/// Certificates live 398 days; the demo's are made anew well before.
const CERTIFICATE_AGE: Duration = Duration::from_secs(300 * 24 * 60 * 60);

/// What may send to the demo app, and what lets a device enrol for it.
pub(crate) struct DemoCredentials {
    pub demo: Demo,
    pub enrolment_key: String,
}

/// Makes the demo's team, app and credentials known to the gateway.
pub(crate) async fn ensure(dir: &DataDir, gateway: &Gateway) -> anyhow::Result<DemoCredentials> {
    let centre = gateway.centre();
    centre.create_team(TEAM_ID, "Homing demo").await?;
    centre.create_app(TEAM_ID, BUNDLE_ID).await?;
    centre.set_broadcast(BUNDLE_ID, true).await?;
    dir.folder("credentials")?;
    let (key, key_p8) = provider_key(dir)?;
    centre.put_provider_key(TEAM_ID, KEY_ID, &key.verifying_key()).await?;
    let enrolment_key = dir.key("credentials/enrolment.key")?;
    let spec = EnrolmentKeySpec {
        team: TEAM_ID.to_owned(),
        apps: apps_of_the_team(gateway),
        environments: Environment::ALL.to_vec(),
        quota: ENROLMENT_QUOTA,
        per_minute: ENROLMENT_QUOTA,
        expires_at: None,
    };
    centre.put_enrolment_key(&enrolment_key, spec).await?;
    let mut environments = BTreeMap::new();
    for environment in Environment::ALL {
        environments.insert(environment, certificates(dir, gateway, environment).await?);
    }
    let demo = Demo {
        bundle_id: BUNDLE_ID.to_owned(),
        team_id: TEAM_ID.to_owned(),
        key_id: KEY_ID.to_owned(),
        key_p8,
        user: Some(USER.to_owned()),
        environments,
    };
    Ok(DemoCredentials { demo, enrolment_key })
}

/// The demo's app, and those that were made for its team since.
fn apps_of_the_team(gateway: &Gateway) -> Vec<String> {
    let directory = gateway.centre().directory();
    let of_team = directory.apps().filter(|app| *app.team == *TEAM_ID);
    of_team.map(|app| app.bundle_id.to_string()).collect()
}

/// The `.p8` file is written before the gateway hears of the key: a crash in between leaves a key that works next time.
fn provider_key(dir: &DataDir) -> anyhow::Result<(SigningKey, PathBuf)> {
    signing_key(dir, &format!("credentials/AuthKey_{KEY_ID}.p8"))
}

/// The signing key in this file of the data directory, made at first use.
fn signing_key(dir: &DataDir, name: &str) -> anyhow::Result<(SigningKey, PathBuf)> {
    let path = dir.join(name);
    if path.exists() {
        let pem = std::fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
        let key =
            SigningKey::from_p8(&pem).with_context(|| format!("{} holds no signing key", path.display()))?;
        return Ok((key, path));
    }
    let key = loop {
        let mut scalar = [0_u8; 32];
        getrandom::fill(&mut scalar).context("the system gives no random bytes")?;
        // All but one in 2^32 numbers are keys.
        if let Ok(key) = SigningKey::from_scalar(&scalar) {
            break key;
        }
    };
    dir.write_private(name, key.to_p8()?.as_bytes())?;
    Ok((key, path))
}

/// Made anew when they are old, or revoked.
async fn certificates(
    dir: &DataDir,
    gateway: &Gateway,
    environment: Environment,
) -> anyhow::Result<DemoEnvironment> {
    let p12_password = dir.key("credentials/p12.password")?;
    let (pem_name, p12_name) =
        (format!("credentials/push-{environment}.pem"), format!("credentials/push-{environment}.p12"));
    let (certificate_pem, certificate_p12) = (dir.join(&pem_name), dir.join(&p12_name));
    let is_fresh = |path: &PathBuf| {
        let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified());
        modified.is_ok_and(|at| SystemTime::now().duration_since(at).unwrap_or_default() < CERTIFICATE_AGE)
    };
    let counts = |path: &PathBuf| {
        let leaf = CertificateDer::from_pem_file(path);
        leaf.is_ok_and(|leaf| gateway.centre().directory().certificate(&fingerprint(&leaf)).is_some())
    };
    // The PKCS#12 file is written last: when it is there, both are of one make.
    if !(is_fresh(&certificate_pem) && is_fresh(&certificate_p12) && counts(&certificate_pem)) {
        let kind = match environment {
            Environment::Development => CertificateKind::Development,
            Environment::Production => CertificateKind::Production,
        };
        let spec = CertificateSpec {
            bundle_id: BUNDLE_ID.to_owned(),
            kind,
            expires_at: None,
            p12_password: p12_password.clone().into(),
        };
        let issued = gateway.centre().create_certificate(gateway.authority(), spec).await?.files;
        dir.write_private(&pem_name, issued.pem.as_bytes())?;
        dir.write_private(&p12_name, &issued.p12)?;
    }
    Ok(DemoEnvironment { certificate_pem, certificate_p12, p12_password, device_token: None })
}

/// The name of the virtual iPhone that carries the build for `environment`.
pub(crate) fn iphone(environment: Environment) -> String {
    format!("iphone-{environment}")
}

/// One virtual iPhone per environment, each with the demo app built for it.
pub(crate) fn iphones() -> anyhow::Result<Vec<VirtualDevice>> {
    Environment::ALL
        .into_iter()
        .map(|environment| {
            let apps = vec![manifest(environment.as_str()).context("the demo's manifest is wrong")?];
            Ok(VirtualDevice { name: iphone(environment), apps })
        })
        .collect()
}
