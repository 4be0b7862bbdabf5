//! Where the devices connect, and as whom: read from endpoints.json. How they connect is left to `link`.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use serde_json::Value;
use tokio_rustls::TlsConnector;

/// Where the devices connect, and as whom.
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) connector: TlsConnector,
    pub(crate) name: ServerName<'static>,
    pub(crate) enrolment_key: String,
    /// What each device subscribes: `<environment>/<topic>/#`, and perhaps a channel.
    pub(crate) filters: Vec<String>,
}

impl Target {
    pub(crate) fn read(path: &Path, channel: Option<String>) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
        let endpoints: Value = serde_json::from_str(&text)?;
        let text_at = |pointer: &str| {
            endpoints
                .pointer(pointer)
                .and_then(Value::as_str)
                .map(str::to_owned)
                .with_context(|| format!("no {pointer}"))
        };
        let port =
            endpoints.pointer("/device_link/port").and_then(Value::as_u64).context("no /device_link/port")?;
        let host = text_at("/device_link/host")?;
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(text_at("/ca_pem")?)? {
            roots.add(certificate?)?;
        }
        let mut tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        tls.alpn_protocols = vec![homing_link::ALPN_MQTT.into()];
        Ok(Self {
            name: ServerName::try_from(host.clone())?,
            port: u16::try_from(port)?,
            connector: TlsConnector::from(Arc::new(tls)),
            enrolment_key: text_at("/enrolment_key")?,
            filters: [format!("development/{}/#", text_at("/demo/bundle_id")?)]
                .into_iter()
                .chain(channel)
                .collect(),
            host,
        })
    }
}
