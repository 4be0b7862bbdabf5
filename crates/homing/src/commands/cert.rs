//! `homing cert`: what a push certificate is for, and a .p12 as a .pem. Files are read as clients read them, by
//! `homing-apns-client`; what a certificate says by `homing-apns`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use homing_apns::CertificateTopics;
use homing_apns_client::ClientCertificate;
use homing_trace::{Environment, UnixMillis};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;

use super::app::write_new;
use crate::words;

/// The password of a `.p12`, for those who don't want it in the list of processes.
pub(super) const PASSWORD_VARIABLE: &str = "HOMING_P12_PASSWORD";

#[derive(Debug, clap::Args)]
pub(crate) struct CertArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show a certificate's topics, environments and expiry; ends with 1 when it has expired
    Inspect {
        #[command(flatten)]
        of: Source,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a .p12 as a .pem: certificates, then the private key, unencrypted
    Pem {
        #[command(flatten)]
        of: Source,
        /// The file to write; only you can read it
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

#[derive(clap::Args)]
struct Source {
    /// A .p12, .pem or .cer file
    file: PathBuf,
    /// Password of a .p12 [default: $HOMING_P12_PASSWORD, or none]
    #[arg(long)]
    password: Option<String>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("file", &self.file).finish_non_exhaustive()
    }
}

pub(crate) fn run(args: CertArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Inspect { of, json } => inspect(&of, json),
        Command::Pem { of, out } => {
            let certificate = of.read_with_key()?;
            write_new(&out, certificate.to_pem().as_bytes())?;
            words::say_data(out.display());
            words::say("It holds the private key unencrypted; only you can read it.");
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn inspect(of: &Source, as_json: bool) -> anyhow::Result<ExitCode> {
    let leaf = of.read_leaf()?;
    let said = CertificateTopics::from_der(&leaf)
        .with_context(|| format!("{} holds no push certificate", of.file.display()))?;
    let environments: Vec<Environment> =
        Environment::ALL.into_iter().filter(|environment| said.allows_environment(*environment)).collect();
    let mut topics: Vec<&str> = said.topics.iter().map(|listed| listed.topic.as_str()).collect();
    if topics.is_empty() {
        topics.extend(said.uid.as_ref().map(homing_apns::Topic::as_str));
    }
    let default = said.default_topic().map(homing_apns::Topic::as_str);
    let has_expired = said.expires_at <= now();
    if as_json {
        words::say_data(json!({
            "common_name": said.common_name, "team_id": said.team_id, "environments": environments,
            "topics": topics, "default_topic": default, "expires_at": said.expires_at, "expired": has_expired,
        }));
    } else {
        let names: Vec<&str> = environments.iter().map(|environment| environment.as_str()).collect();
        let or_none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
        words::say_data(format!("name:          {}", said.common_name.as_deref().unwrap_or_default()));
        words::say_data(format!("team:          {}", or_none(said.team_id.clone().unwrap_or_default())));
        words::say_data(format!("environments:  {}", or_none(names.join(", "))));
        words::say_data(format!("topics:        {}", or_none(topics.join(", "))));
        words::say_data(format!(
            "default topic: {}",
            default.unwrap_or("none: a request must name its topic")
        ));
        let until = if has_expired { " (expired)" } else { "" };
        words::say_data(format!("expires:       {}{until}", said.expires_at));
    }
    if environments.is_empty() {
        words::say("It is marked for neither environment: no push service takes it.");
    }
    Ok(if has_expired { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Source {
    fn bytes(&self) -> anyhow::Result<Vec<u8>> {
        let bytes = super::payload::read(&self.file)?;
        if bytes.is_empty() {
            bail!("{} is empty", self.file.display());
        }
        Ok(bytes)
    }

    fn password(&self) -> String {
        self.password.clone().or_else(|| std::env::var(PASSWORD_VARIABLE).ok()).unwrap_or_default()
    }

    fn read_with_key(&self) -> anyhow::Result<ClientCertificate> {
        let bytes = self.bytes()?;
        let read = if is_pem(&bytes) {
            ClientCertificate::from_pem(&bytes)
        } else {
            ClientCertificate::from_p12(&bytes, &self.password())
        };
        read.with_context(|| hint(&self.file))
    }

    /// The certificate alone: a key beside it isn't needed.
    fn read_leaf(&self) -> anyhow::Result<Vec<u8>> {
        let bytes = self.bytes()?;
        if is_pem(&bytes) {
            // The one that belongs to the key, when there is a key.
            return match ClientCertificate::from_pem(&bytes) {
                Ok(pair) => Ok(pair.leaf().to_vec()),
                Err(_) => Ok(CertificateDer::from_pem_slice(&bytes)
                    .with_context(|| format!("{} holds no certificate", self.file.display()))?
                    .to_vec()),
            };
        }
        if CertificateTopics::from_der(&bytes).is_ok() {
            return Ok(bytes);
        }
        let read = ClientCertificate::from_p12(&bytes, &self.password());
        Ok(read.with_context(|| hint(&self.file))?.leaf().to_vec())
    }
}

fn is_pem(bytes: &[u8]) -> bool {
    bytes.windows(10).any(|window| window == b"-----BEGIN")
}

fn hint(file: &Path) -> String {
    format!(
        "can't use the certificate in {}\nhint: the password of a .p12 goes into --password or ${PASSWORD_VARIABLE}",
        file.display()
    )
}

fn now() -> UnixMillis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
