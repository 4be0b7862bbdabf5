//! `endpoints.json`: where a running Homing listens and what opens it, for scripts, tests and our own commands.
//!
//! The file exists while all of it is true: it is written in one step once everything is ready and removed at a clean
//! stop. A field is absent until what it names exists. It holds keys, so only its owner may read it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use homing_trace::Environment;
use serde::{Deserialize, Serialize};

pub(crate) const FILE_NAME: &str = "endpoints.json";

#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Endpoints {
    pub pid: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_api: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_api_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_api: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_api_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_admin: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_admin_key: Option<String>,
    /// The root certificate that every listener's chain ends in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub apns: BTreeMap<Environment, ApnsPorts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_link: Option<HostPort>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrolment_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demo: Option<Demo>,
}

/// Where providers come in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ApnsPorts {
    pub host: String,
    /// HTTP/2.
    pub port: u16,
    /// The legacy binary interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legacy_port: Option<u16>,
    /// Its feedback service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback_port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HostPort {
    pub host: String,
    pub port: u16,
}

/// The demo app, what may send to it, and the tokens of the virtual iPhones that carry it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Demo {
    pub bundle_id: String,
    pub team_id: String,
    pub key_id: String,
    pub key_p8: PathBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(flatten)]
    pub environments: BTreeMap<Environment, DemoEnvironment>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct DemoEnvironment {
    pub certificate_pem: PathBuf,
    pub certificate_p12: PathBuf,
    pub p12_password: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_token: Option<String>,
}

impl Endpoints {
    /// Of this process, with nothing in it yet.
    pub(crate) fn of_this_process() -> Self {
        Self { pid: std::process::id(), ..Self::default() }
    }

    /// Writes the file in one step, readable by its owner only.
    pub(crate) fn write(&self, data_dir: &Path) -> anyhow::Result<()> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let path = data_dir.join(FILE_NAME);
        let next = data_dir.join("endpoints.json.next");
        let write = || {
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&next)?;
            serde_json::to_writer_pretty(&mut file, self)?;
            writeln!(file)?;
            file.sync_all()?;
            std::fs::rename(&next, &path)
        };
        write().with_context(|| format!("can't write {}", path.display()))
    }

    /// Removes the file; that it isn't there is fine.
    pub(crate) fn remove(data_dir: &Path) -> anyhow::Result<()> {
        let path = data_dir.join(FILE_NAME);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("can't remove {}", path.display()))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
                "no Homing runs there: {} doesn't exist\n\
                 hint: start one with `homing up`, or name its data directory with --data-dir",
                path.display()
            ),
            Err(error) => {
                return Err(error).with_context(|| format!("can't read {}", path.display()));
            }
        };
        serde_json::from_str(&text).with_context(|| {
            format!("{} isn't an endpoints file of this Homing; it is written by `homing up`", path.display())
        })
    }
}

/// How a command finds a running Homing.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct FindArgs {
    /// Data directory of the running Homing [default: $XDG_DATA_HOME/homing]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Its endpoints.json, instead of a data directory
    #[arg(long, value_name = "FILE", conflicts_with = "data_dir")]
    pub endpoints: Option<PathBuf>,
}

/// As [`FindArgs`], before or after the words.
#[derive(Debug, clap::Args)]
pub(crate) struct FindGlobally {
    /// Data directory of the running Homing [default: $XDG_DATA_HOME/homing]
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
    /// Its endpoints.json, instead of a data directory
    #[arg(long, value_name = "FILE", global = true, conflicts_with = "data_dir")]
    endpoints: Option<PathBuf>,
}

impl From<FindGlobally> for FindArgs {
    fn from(FindGlobally { data_dir, endpoints }: FindGlobally) -> Self {
        Self { data_dir, endpoints }
    }
}

impl FindArgs {
    pub(crate) fn find(&self) -> anyhow::Result<Endpoints> {
        Endpoints::read(&self.path()?)
    }

    pub(crate) fn path(&self) -> anyhow::Result<PathBuf> {
        if let Some(file) = &self.endpoints {
            return Ok(file.clone());
        }
        Ok(crate::data_dir::or_default(self.data_dir.clone())?.join(FILE_NAME))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_absent_until_what_it_names_exists() {
        let production = |legacy_port, feedback_port| ApnsPorts {
            host: "localhost".to_owned(),
            port: 2,
            legacy_port,
            feedback_port,
        };
        let mut endpoints = Endpoints {
            pid: 1,
            gateway_admin: Some("http://localhost:1".to_owned()),
            gateway_admin_key: Some("k".to_owned()),
            ca_pem: Some("/ca.pem".into()),
            apns: BTreeMap::from([(Environment::Production, production(None, None))]),
            device_link: Some(HostPort { host: "localhost".to_owned(), port: 3 }),
            ..Endpoints::default()
        };
        assert_eq!(
            serde_json::to_string(&endpoints).expect("it serialises"),
            r#"{"pid":1,"gateway_admin":"http://localhost:1","gateway_admin_key":"k","ca_pem":"/ca.pem","apns":{"production":{"host":"localhost","port":2}},"device_link":{"host":"localhost","port":3}}"#
        );
        endpoints.apns = BTreeMap::from([(Environment::Production, production(Some(4), Some(5)))]);
        let text = serde_json::to_string(&endpoints).expect("it serialises");
        assert!(
            text.contains(r#"{"host":"localhost","port":2,"legacy_port":4,"feedback_port":5}"#),
            "{text}"
        );
    }

    #[test]
    fn a_missing_file_says_how_to_start_a_homing() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let error =
            Endpoints::read(&dir.path().join(FILE_NAME)).err().expect("nothing runs there").to_string();
        assert!(error.contains("homing up"), "{error}");
    }
}
