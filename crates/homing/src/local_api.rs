//! A small client for Homing's own JSON APIs on this machine. Which request means what is left to the commands.

use std::io::{BufRead as _, BufReader};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use serde_json::Value;

/// Longest wait for an answer; every one of these APIs answers from memory or the local store.
const DEADLINE: Duration = Duration::from_secs(30);

/// One of the APIs in `endpoints.json`, with its key.
pub(crate) struct LocalApi {
    agent: ureq::Agent,
    base: String,
    key: String,
}

impl LocalApi {
    pub(crate) fn new(base: &str, key: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(DEADLINE))
            .http_status_as_error(false)
            .proxy(None)
            .build();
        Self { agent: config.into(), base: base.to_owned(), key: key.to_owned() }
    }

    /// `path` begins with `/v1/`; `query` values are escaped here.
    pub(crate) fn get(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Value> {
        let mut request =
            self.agent.get(format!("{}{path}", self.base)).header("authorization", self.bearer());
        for (name, value) in query {
            request = request.query(name, value);
        }
        self.read(path, request.call())
    }

    /// Sends `body` as JSON.
    pub(crate) fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.agent.post(format!("{}{path}", self.base)).header("authorization", self.bearer());
        self.read(path, request.send_json(body))
    }

    /// Sends `body` as JSON.
    pub(crate) fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.agent.put(format!("{}{path}", self.base)).header("authorization", self.bearer());
        self.read(path, request.send_json(body))
    }

    /// Hands on each line of an answer as it comes, until it ends; for ever if it does.
    pub(crate) fn lines(
        &self,
        path: &str,
        query: &[(&str, &str)],
        mut take: impl FnMut(&str) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build();
        let agent: ureq::Agent = config.into();
        let mut request = agent.get(format!("{}{path}", self.base)).header("authorization", self.bearer());
        for (name, value) in query {
            request = request.query(name, value);
        }
        let answered = request.call();
        let is_success = answered.as_ref().is_ok_and(|response| response.status().is_success());
        if !is_success {
            return self.read(path, answered).map(drop);
        }
        let lines = BufReader::new(answered?.into_body().into_reader()).lines();
        for line in lines {
            take(&line.with_context(|| format!("{}{path} broke off", self.base))?)?;
        }
        Ok(())
    }

    /// An answer without a body is null.
    pub(crate) fn delete(&self, path: &str) -> anyhow::Result<Value> {
        let request =
            self.agent.delete(format!("{}{path}", self.base)).header("authorization", self.bearer());
        self.read(path, request.call())
    }

    fn read(
        &self,
        path: &str,
        answered: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> anyhow::Result<Value> {
        let mut response = answered
            .with_context(|| format!("{} doesn't answer\nhint: is that Homing still running?", self.base))?;
        let status = response.status();
        if status == ureq::http::StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let body: Value = response
            .body_mut()
            .with_config()
            .limit(64 * 1024 * 1024)
            .read_json()
            .with_context(|| format!("{}{path} answered {status} without JSON", self.base))?;
        if status.is_success() { Ok(body) } else { Err(problem(status.as_u16(), &body)) }
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.key)
    }
}

/// The error in a problem document (RFC 9457).
fn problem(status: u16, body: &Value) -> anyhow::Error {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    match (text("title"), text("detail")) {
        (Some(title), Some(detail)) => anyhow!("{title} ({status})\nhint: {detail}"),
        (Some(said), None) | (None, Some(said)) => anyhow!("{said} ({status})"),
        (None, None) => anyhow!("the answer was {status}"),
    }
}

/// The items of `field`, which must be an array.
pub(crate) fn items(body: &Value, field: &str) -> anyhow::Result<Vec<Value>> {
    match body.get(field).and_then(Value::as_array) {
        Some(items) => Ok(items.clone()),
        None => bail!("the answer has no list {field:?}: is that Homing of the same version?"),
    }
}
