//! Where a notification goes and as whom: Apple, a running Homing with its demo app, or any host; with a key or a
//! certificate.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use homing_apns::CertificateTopics;
use homing_apns_client::{
    ClientCertificate, Credential, DEVELOPMENT_HOST, PRODUCTION_HOST, ProviderKey, Roots,
};
use homing_trace::Environment;

use crate::commands::cert::PASSWORD_VARIABLE;
use crate::endpoints::{Demo, Endpoints, FILE_NAME};
use crate::local_api::LocalApi;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Where to")]
pub(in crate::commands) struct DestinationArgs {
    /// development (Apple's sandbox) or production
    #[arg(long, default_value_t = Environment::Development, value_name = "ENVIRONMENT")]
    environment: Environment,
    /// Send to the Homing that runs on this data directory
    #[arg(long, value_name = "DIR", group = "place")]
    data_dir: Option<PathBuf>,
    /// Send to the Homing that this endpoints.json describes
    #[arg(long, value_name = "FILE", group = "place")]
    endpoints: Option<PathBuf>,
    /// Send to this host
    #[arg(long, group = "place")]
    host: Option<String>,
    /// Port, if not the usual one; Apple also listens on 2197
    #[arg(long)]
    port: Option<u16>,
    /// Root certificate to trust instead of this machine's, in PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    #[command(flatten, next_help_heading = "As whom")]
    credential: CredentialArgs,
}

#[derive(clap::Args)]
#[command(next_help_heading = "As whom")]
struct CredentialArgs {
    /// Signing key, AuthKey_….p8
    #[arg(long, value_name = "FILE", group = "credential")]
    key: Option<PathBuf>,
    /// The key's ID [default: from the file's name AuthKey_<ID>.p8]
    #[arg(long, value_name = "ID", requires = "key")]
    key_id: Option<String>,
    /// The team the key belongs to
    #[arg(long, value_name = "ID", requires = "key")]
    team_id: Option<String>,
    /// Push certificate with its private key, .p12 or .pem
    #[arg(long, value_name = "FILE", group = "credential")]
    certificate: Option<PathBuf>,
    /// Password of the .p12 [default: $HOMING_P12_PASSWORD, or none]
    #[arg(long, requires = "certificate")]
    password: Option<String>,
}

impl std::fmt::Debug for CredentialArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CredentialArgs")
            .field("key", &self.key)
            .field("key_id", &self.key_id)
            .field("team_id", &self.team_id)
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

/// Where to connect, as whom, and what is assumed of a notification that doesn't say.
#[derive(Debug)]
pub(in crate::commands) struct Destination {
    pub(in crate::commands) host: String,
    pub(in crate::commands) port: u16,
    pub(in crate::commands) roots: Roots,
    pub(in crate::commands) credential: Credential,
    pub(in crate::commands) environment: Environment,
    /// The demo app's bundle ID, or the certificate's.
    pub(in crate::commands) bundle_id: Option<String>,
    /// The token of the virtual iPhone with the demo app.
    pub(in crate::commands) device_token: Option<String>,
    /// How to ask the Homing that is sent to, when it is one.
    pub(in crate::commands) trace_option: Option<String>,
    /// The admin API of the Homing that is sent to and its key: its clock may be ahead of this machine's.
    pub(in crate::commands) admin: Option<(String, String)>,
}

impl Destination {
    /// The time there, in UNIX seconds.
    pub(in crate::commands) fn now(&self) -> anyhow::Result<i64> {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let real = i64::try_from(real).unwrap_or(i64::MAX);
        let Some((base, key)) = &self.admin else { return Ok(real) };
        let status = LocalApi::new(base, key).get("/v1/status", &[])?;
        Ok(real.saturating_add(status["clock_offset_millis"].as_i64().unwrap_or_default() / 1_000))
    }
}

impl DestinationArgs {
    pub(in crate::commands) fn resolve(&self) -> anyhow::Result<Destination> {
        let file = match (&self.endpoints, &self.data_dir) {
            (Some(file), _) => Some(file.clone()),
            (None, Some(dir)) => Some(dir.join(FILE_NAME)),
            (None, None) => None,
        };
        let endpoints = file.as_deref().map(Endpoints::read).transpose()?;
        let (host, port) = self.address(endpoints.as_ref())?;
        let roots = match (&self.ca, &endpoints) {
            (Some(ca), _) => Roots::Pem(read(ca)?),
            (None, Some(endpoints)) => match &endpoints.ca_pem {
                Some(ca_pem) => Roots::Pem(read(ca_pem)?),
                None => Roots::Native,
            },
            (None, None) => Roots::Native,
        };
        let admin = endpoints.as_ref().and_then(|endpoints| {
            Some((endpoints.gateway_admin.clone()?, endpoints.gateway_admin_key.clone()?))
        });
        let demo = endpoints.and_then(|endpoints| endpoints.demo);
        let (credential, of_certificate) = self.credential.resolve(demo.as_ref(), self.environment)?;
        let device_token = demo
            .as_ref()
            .and_then(|demo| demo.environments.get(&self.environment))
            .and_then(|of_environment| of_environment.device_token.clone());
        Ok(Destination {
            host,
            port: self.port.unwrap_or(port),
            roots,
            credential,
            environment: self.environment,
            bundle_id: of_certificate.or(demo.map(|demo| demo.bundle_id)),
            device_token,
            trace_option: match (&self.endpoints, &self.data_dir) {
                (Some(file), _) => Some(format!("--endpoints {}", file.display())),
                (None, Some(dir)) => Some(format!("--data-dir {}", dir.display())),
                (None, None) => None,
            },
            admin,
        })
    }

    /// Where an app's channels are kept: at Apple that is a host of its own.
    pub(in crate::commands) fn resolve_management(&self) -> anyhow::Result<Destination> {
        let mut destination = self.resolve()?;
        if self.host.is_none() && self.endpoints.is_none() && self.data_dir.is_none() {
            let (host, port) = match self.environment {
                Environment::Development => ("api-manage-broadcast.sandbox.push.apple.com", 2195),
                Environment::Production => ("api-manage-broadcast.push.apple.com", 2196),
            };
            destination.host = host.to_owned();
            destination.port = self.port.unwrap_or(port);
        }
        Ok(destination)
    }

    fn address(&self, endpoints: Option<&Endpoints>) -> anyhow::Result<(String, u16)> {
        if let Some(endpoints) = endpoints {
            let at = endpoints.apns.get(&self.environment).with_context(|| {
                format!(
                    "this Homing serves no {} environment\nhint: choose with --environment",
                    self.environment
                )
            })?;
            return Ok((at.host.clone(), at.port));
        }
        let apple = match self.environment {
            Environment::Development => DEVELOPMENT_HOST,
            Environment::Production => PRODUCTION_HOST,
        };
        Ok((self.host.clone().unwrap_or_else(|| apple.to_owned()), 443))
    }
}

impl CredentialArgs {
    /// The credential, and with a certificate the bundle ID it is for.
    fn resolve(
        &self,
        demo: Option<&Demo>,
        environment: Environment,
    ) -> anyhow::Result<(Credential, Option<String>)> {
        if let Some(file) = &self.certificate {
            let of_demo = demo
                .and_then(|demo| demo.environments.get(&environment))
                .filter(|demo| demo.certificate_p12 == *file)
                .map(|demo| demo.p12_password.clone());
            let password =
                self.password.clone().or_else(|| std::env::var(PASSWORD_VARIABLE).ok()).or(of_demo);
            return certificate(file, password.as_deref().unwrap_or_default());
        }
        let (file, key_id, team_id) = match (&self.key, demo) {
            (Some(file), demo) => {
                let demo = demo.filter(|demo| demo.key_p8 == *file);
                let key_id = self
                    .key_id
                    .clone()
                    .or_else(|| key_id_of(file))
                    .or_else(|| demo.map(|demo| demo.key_id.clone()))
                    .context(
                        "the key's ID is missing\nhint: name it with --key-id; Apple shows it beside the key",
                    )?;
                let team_id =
                    self.team_id.clone().or_else(|| demo.map(|demo| demo.team_id.clone())).context(
                        "the team's ID is missing\nhint: name it with --team-id; it has 10 characters",
                    )?;
                (file.clone(), key_id, team_id)
            }
            (None, Some(demo)) => (demo.key_p8.clone(), demo.key_id.clone(), demo.team_id.clone()),
            (None, None) => bail!(
                "nothing to authenticate with\nhint: name a signing key with --key AuthKey_….p8 --team-id ID, or a \
                 certificate with --certificate FILE.p12"
            ),
        };
        let p8 = String::from_utf8_lossy(&read(&file)?).into_owned();
        let key = ProviderKey::from_p8(&p8, key_id, team_id)
            .with_context(|| format!("can't use the key in {}", file.display()))?;
        Ok((Credential::Key(Arc::new(key)), None))
    }
}

/// Reads a certificate and the bundle ID it is for.
fn certificate(file: &Path, password: &str) -> anyhow::Result<(Credential, Option<String>)> {
    let bytes = read(file)?;
    let pem = bytes.windows(10).any(|window| window == b"-----BEGIN");
    let certificate =
        if pem { ClientCertificate::from_pem(&bytes) } else { ClientCertificate::from_p12(&bytes, password) }
            .with_context(|| format!("can't use the certificate in {}", file.display()))?;
    let uid = CertificateTopics::from_der(certificate.leaf())
        .with_context(|| format!("{} holds no push certificate", file.display()))?
        .uid
        .map(|topic| topic.as_str().to_owned());
    Ok((Credential::Certificate(Arc::new(certificate)), uid))
}

/// Apple names the file of a key after the key.
fn key_id_of(file: &Path) -> Option<String> {
    let id = file.file_stem()?.to_str()?.strip_prefix("AuthKey_")?;
    (!id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric())).then(|| id.to_owned())
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("can't read {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keys_id_is_read_from_the_name_apple_gives_its_file() {
        assert_eq!(key_id_of(Path::new("/keys/AuthKey_ABC123DEFG.p8")).as_deref(), Some("ABC123DEFG"));
        assert_eq!(key_id_of(Path::new("key.p8")), None);
        assert_eq!(key_id_of(Path::new("AuthKey_.p8")), None);
    }
}
