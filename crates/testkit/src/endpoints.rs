//! Where a running Homing listens, as it says itself in `endpoints.json`. Fields that aren't needed here are let pass.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The part of `endpoints.json` that tests use.
#[derive(Clone, Deserialize)]
pub struct Endpoints {
    pub pid: u32,
    #[serde(default)]
    pub console: Option<String>,
    #[serde(default)]
    pub provider_api: Option<String>,
    #[serde(default)]
    pub provider_api_key: Option<String>,
    #[serde(default)]
    pub device_api: Option<String>,
    #[serde(default)]
    pub device_api_key: Option<String>,
    pub gateway_admin: String,
    pub gateway_admin_key: String,
    pub ca_pem: PathBuf,
    pub apns: Apns,
    pub device_link: HostPort,
    #[serde(default)]
    pub enrolment_key: Option<String>,
    #[serde(default)]
    pub demo: Option<Demo>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Apns {
    pub production: HostPort,
    pub development: HostPort,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct HostPort {
    pub host: String,
    pub port: u16,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Demo {
    pub bundle_id: String,
    pub team_id: String,
    pub key_id: String,
    pub key_p8: PathBuf,
}

impl std::fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoints")
            .field("pid", &self.pid)
            .field("apns", &self.apns)
            .field("device_link", &self.device_link)
            .finish_non_exhaustive()
    }
}

/// What a provider that is a process of its own writes.
#[derive(Clone, Deserialize)]
pub struct ProviderEndpoints {
    pub pid: u32,
    pub provider_api: String,
    pub provider_api_key: String,
}

impl std::fmt::Debug for ProviderEndpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderEndpoints").field("provider_api", &self.provider_api).finish_non_exhaustive()
    }
}

/// What a device that is a process of its own writes.
#[derive(Clone, Deserialize)]
pub struct DeviceEndpoints {
    pub pid: u32,
    pub device_api: String,
    pub device_api_key: String,
}

impl std::fmt::Debug for DeviceEndpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceEndpoints").field("device_api", &self.device_api).finish_non_exhaustive()
    }
}

/// Reads `endpoints.json` in a data directory; `None` while there is none.
pub fn read<E: DeserializeOwned>(data_dir: &Path) -> anyhow::Result<Option<E>> {
    let path = data_dir.join("endpoints.json");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    serde_json::from_str(&text).map(Some).with_context(|| format!("reading {}", path.display()))
}

impl Endpoints {
    pub fn demo(&self) -> anyhow::Result<&Demo> {
        self.demo.as_ref().context("this Homing has no demo app")
    }
}
