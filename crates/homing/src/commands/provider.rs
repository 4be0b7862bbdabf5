//! `homing provider`: the provider as a process of its own, from a configuration file.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use homing_clock::Clock;
use homing_provider::engine::{Credential, Policy, PushService};
use homing_provider::{AppSpec, IdentityKeySpec};
use homing_trace::Environment;
use serde::Deserialize;

use crate::data_dir::DataDir;
use crate::endpoints::Endpoints;
use crate::roles::process::{runtime, stop_signal};
use crate::roles::provider;

#[derive(Debug, clap::Args)]
pub(crate) struct ProviderArgs {
    /// Configuration file (TOML); docs/provider.toml is an example with every key
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// What the file says. A key we don't know is an error: it is a misspelt one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderFile {
    data_dir: PathBuf,
    api: Api,
    #[serde(default)]
    apps: Vec<App>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Api {
    listen: Vec<SocketAddr>,
    #[serde(default)]
    hosts: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct App {
    bundle_id: String,
    name: Option<String>,
    policy: Option<Policy>,
    #[serde(default)]
    credentials: BTreeMap<Environment, Sender>,
    #[serde(default)]
    push_services: BTreeMap<Environment, Place>,
    #[serde(default)]
    identity_keys: Vec<IdentityKey>,
}

/// A signing key with its names, or a certificate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sender {
    key: Option<PathBuf>,
    key_id: Option<String>,
    team_id: Option<String>,
    certificate: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    host: String,
    port: u16,
    ca: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityKey {
    kid: String,
    public_key: PathBuf,
}

pub(crate) fn run(args: ProviderArgs) -> anyhow::Result<ExitCode> {
    let (file, folder) = read(&args.config)?;
    let apps = file.apps.into_iter().map(|app| app.spec(&folder)).collect::<anyhow::Result<Vec<_>>>()?;
    let dir = DataDir::take(&folder.join(&file.data_dir))?;
    runtime()?.block_on(async {
        let stop = stop_signal()?;
        Endpoints::remove(dir.path())?;
        let clock = Clock::kept_in(&dir.join("clock"))?;
        let running = provider::start(&dir, clock, file.api.listen, apps, file.api.hosts).await?;
        let mut endpoints = Endpoints::of_this_process();
        let told = provider::tell(&dir, &running, &mut endpoints).and_then(|()| endpoints.write(dir.path()));
        if told.is_ok() {
            tracing::info!(data = %dir.path().display(), "the provider is up; endpoints.json says where");
            stop.await;
        }
        let removed = Endpoints::remove(dir.path());
        running.shutdown().await;
        told.and(removed)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> anyhow::Result<(ProviderFile, PathBuf)> {
    let shown = path.display();
    let text =
        std::fs::read_to_string(path).with_context(|| format!("can't read the configuration {shown}"))?;
    let file = toml::from_str(&text).map_err(|error| {
        anyhow::anyhow!("the configuration {shown} can't be used\n{}", error.to_string().trim_end())
    })?;
    Ok((file, path.parent().map(Path::to_owned).unwrap_or_default()))
}

impl App {
    fn spec(self, folder: &Path) -> anyhow::Result<AppSpec> {
        let bundle_id = self.bundle_id;
        let mut credentials = BTreeMap::new();
        for (environment, credential) in self.credentials {
            let of = || format!("the credential of {bundle_id} for {environment}");
            credentials.insert(environment, credential.spec(folder).with_context(of)?);
        }
        let mut push_services = BTreeMap::new();
        for (environment, place) in self.push_services {
            let ca_pem = place.ca.map(|ca| text_of(&folder.join(ca))).transpose()?;
            push_services.insert(environment, PushService { host: place.host, port: place.port, ca_pem });
        }
        let identity_keys = self.identity_keys.into_iter().map(|key| {
            let public_key_pem = text_of(&folder.join(key.public_key))?;
            Ok(IdentityKeySpec { kid: key.kid, public_key_pem })
        });
        Ok(AppSpec {
            name: self.name.unwrap_or_else(|| bundle_id.clone()),
            policy: self.policy,
            push_services,
            credentials,
            identity_keys: identity_keys.collect::<anyhow::Result<_>>()?,
            bundle_id,
        })
    }
}

impl Sender {
    fn spec(self, folder: &Path) -> anyhow::Result<Credential> {
        match self {
            Self { key: Some(key), key_id: Some(key_id), team_id: Some(team_id), certificate: None } => {
                Ok(Credential::Key { key_id, team_id, p8: text_of(&folder.join(key))?.into() })
            }
            Self { key: None, key_id: None, team_id: None, certificate: Some(certificate) } => {
                Ok(Credential::Certificate { pem: text_of(&folder.join(certificate))?.into() })
            }
            Self { .. } => bail!(
                "it is neither a key nor a certificate\n\
                 hint: name `key`, `key_id` and `team_id`, or `certificate` alone"
            ),
        }
    }
}

fn text_of(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../../docs/provider.toml");

    fn folder_with(config: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(dir.path().join("provider.toml"), config).expect("it is written");
        for file in ["AuthKey_ABC1234567.p8", "push-development.pem", "homing-root.pem", "login-server.pem"] {
            std::fs::write(dir.path().join(file), file).expect("it is written");
        }
        dir
    }

    fn specs(config: &str) -> anyhow::Result<Vec<AppSpec>> {
        let dir = folder_with(config);
        let (file, folder) = read(&dir.path().join("provider.toml"))?;
        file.apps.into_iter().map(|app| app.spec(&folder)).collect()
    }

    #[test]
    fn the_example_in_the_documents_is_read_with_its_files() {
        let specs = specs(EXAMPLE).expect("the example is right");
        let [app] = specs.as_slice() else { panic!("one app: {}", specs.len()) };
        assert_eq!(app.push_services[&Environment::Development].ca_pem.as_deref(), Some("homing-root.pem"));
        assert_eq!((app.credentials.len(), app.identity_keys.len()), (2, 1));
    }

    #[test]
    fn a_misspelt_key_is_named_with_those_that_exist() {
        let error = specs(&EXAMPLE.replace("policy =", "polciy =")).expect_err("it is refused").to_string();
        assert!(error.contains("polciy") && error.contains("policy"), "{error}");
    }

    #[test]
    fn half_a_credential_says_what_a_whole_one_is() {
        let half = EXAMPLE.replace("team_id = \"DEF1234567\"", "");
        let error = format!("{:#}", specs(&half).expect_err("it is refused"));
        assert!(error.contains("production") && error.contains("key_id"), "{error}");
    }
}
