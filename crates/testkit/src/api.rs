//! Homing's own HTTP APIs, asked as a program would: JSON and a key.

use anyhow::Context as _;
use homing_trace::Trace;
use serde_json::Value;

use crate::endpoints::{DeviceEndpoints, Endpoints, ProviderEndpoints};

/// One API: where it is and what opens it.
#[derive(Clone)]
pub struct Api {
    base: String,
    key: String,
    agent: ureq::Agent,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("base", &self.base).finish_non_exhaustive()
    }
}

/// An answer that isn't 2xx; in the errors of [`Api`] for whoever asks for it with `downcast_ref`.
#[derive(Debug, thiserror::Error)]
#[error("{method} {url}: {status} {text}")]
pub struct Refused {
    pub method: &'static str,
    pub url: String,
    pub status: u16,
    pub text: String,
}

impl Api {
    pub fn new(base: &str, key: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(crate::device::DEADLINE))
            .http_status_as_error(false)
            .build();
        Self { base: base.to_owned(), key: key.to_owned(), agent: config.new_agent() }
    }

    /// The push service's own.
    pub fn admin(endpoints: &Endpoints) -> Self {
        Self::new(&endpoints.gateway_admin, &endpoints.gateway_admin_key)
    }

    /// A provider's.
    pub fn provider(endpoints: &ProviderEndpoints) -> Self {
        Self::new(&endpoints.provider_api, &endpoints.provider_api_key)
    }

    /// A device's.
    pub fn device(endpoints: &DeviceEndpoints) -> Self {
        Self::new(&endpoints.device_api, &endpoints.device_api_key)
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.ask("GET", path, None).await
    }

    /// Lines of JSON, as far as there are any now.
    pub async fn lines(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let text = self.text("GET", path, None, None).await?;
        text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    pub async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.ask("POST", path, Some(body)).await
    }

    /// A request that may be sent again: its key makes the repeats one.
    pub async fn post_once(&self, path: &str, key: &str, body: Value) -> anyhow::Result<Value> {
        self.ask_with("POST", path, Some(body), Some(key.to_owned())).await
    }

    pub async fn put(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.ask("PUT", path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> anyhow::Result<Value> {
        self.ask("DELETE", path, None).await
    }

    /// All that became of the notifications for a device token.
    pub async fn traces_of(&self, token: &str) -> anyhow::Result<Vec<Trace>> {
        let answer = self.get(&format!("/v1/traces?token={token}")).await?;
        let traces = answer.get("traces").cloned().context("the answer has no traces")?;
        Ok(serde_json::from_value(traces)?)
    }

    async fn ask(&self, method: &'static str, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        self.ask_with(method, path, body, None).await
    }

    /// An answer that isn't 2xx is an error ([`Refused`]); one without a body is null.
    async fn ask_with(
        &self,
        method: &'static str,
        path: &str,
        body: Option<Value>,
        idempotency_key: Option<String>,
    ) -> anyhow::Result<Value> {
        let text = self.text(method, path, body, idempotency_key).await?;
        if text.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(&text)?) }
    }

    async fn text(
        &self,
        method: &'static str,
        path: &str,
        body: Option<Value>,
        idempotency_key: Option<String>,
    ) -> anyhow::Result<String> {
        let (agent, url, key) = (self.agent.clone(), format!("{}{path}", self.base), self.key.clone());
        let asked = tokio::task::spawn_blocking(move || {
            let mut request = ureq::http::Request::builder()
                .method(method)
                .uri(&url)
                .header("authorization", format!("Bearer {key}"));
            if let Some(key) = idempotency_key {
                request = request.header("idempotency-key", key);
            }
            let answer = match body {
                Some(body) => {
                    let json = serde_json::to_vec(&body)?;
                    agent.run(request.header("content-type", "application/json").body(json)?)
                }
                None => agent.run(request.body(())?),
            };
            let mut answer = answer.with_context(|| format!("{method} {url}"))?;
            let text = answer.body_mut().with_config().limit(64 << 20).read_to_string()?;
            let status = answer.status();
            if !status.is_success() {
                return Err(Refused { method, url, status: status.as_u16(), text }.into());
            }
            Ok(text)
        });
        asked.await?
    }
}
