//! The client of the device API. Which request means what is left to `asks`.

use std::io::BufRead as _;
use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use serde_json::Value;

use super::{App, Where};

/// Longest wait for an answer; the API answers from memory and one write to disk.
const DEADLINE: Duration = Duration::from_secs(30);

/// The device API of a running Homing.
pub(super) struct DeviceApi {
    base: String,
    bearer: String,
}

/// A request's method, with what it sends.
pub(super) enum Send<'a> {
    Get,
    Put(&'a Value),
    Post(&'a Value),
    Delete,
}

impl DeviceApi {
    pub(super) fn find(at: &Where) -> anyhow::Result<Self> {
        let path = at.find.path()?;
        let shown = path.display();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
                "no Homing runs there: {shown} doesn't exist\n\
                 hint: start one with `homing up`, or name its data directory with --data-dir"
            ),
            Err(error) => return Err(error).with_context(|| format!("can't read {shown}")),
        };
        // A device that runs by itself has no more than these two fields.
        let endpoints: Value =
            serde_json::from_str(&text).with_context(|| format!("{shown} isn't an endpoints file"))?;
        let field = |name: &str| endpoints.get(name).and_then(Value::as_str);
        match (field("device_api"), field("device_api_key")) {
            (Some(base), Some(key)) => Ok(Self { base: base.to_owned(), bearer: format!("Bearer {key}") }),
            (None, _) | (_, None) => {
                bail!(
                    "that Homing runs no devices\nhint: `homing up` does; `homing device run` is one by itself"
                )
            }
        }
    }

    /// The answer; `Null` when it has no body.
    pub(super) fn send(&self, send: &Send<'_>, path: &str) -> anyhow::Result<Value> {
        // Time takes as long to pass as what comes due in it.
        let deadline = (!path.starts_with("/v1/clock/")).then_some(DEADLINE);
        let agent = self.agent(deadline);
        let url = format!("{}{path}", self.base);
        let answer = match send {
            Send::Get => agent.get(&url).header("authorization", &self.bearer).call(),
            Send::Put(body) => agent.put(&url).header("authorization", &self.bearer).send_json(body),
            Send::Post(body) => agent.post(&url).header("authorization", &self.bearer).send_json(body),
            Send::Delete => agent.delete(&url).header("authorization", &self.bearer).call(),
        };
        let mut answer = answer.with_context(|| self.no_answer())?;
        let status = answer.status();
        let text = answer
            .body_mut()
            .with_config()
            .limit(64 * 1024 * 1024)
            .read_to_string()
            .with_context(|| format!("the answer of {url} breaks off"))?;
        if text.is_empty() && status.is_success() {
            return Ok(Value::Null);
        }
        let body: Value = serde_json::from_str(&text).with_context(|| {
            format!("{url} answered {status}, and not in JSON\nhint: is that Homing's device API?")
        })?;
        if status.is_success() { Ok(body) } else { Err(problem(status.as_u16(), &body)) }
    }

    /// Gives each event's name and data to `each`, until that breaks, the stream ends, or the deadline comes.
    pub(super) fn watch(
        &self,
        path: &str,
        deadline: Option<Duration>,
        mut each: impl FnMut(&str, &str) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<()> {
        let request =
            self.agent(deadline).get(format!("{}{path}", self.base)).header("authorization", &self.bearer);
        let mut answer = request.call().with_context(|| self.no_answer())?;
        if !answer.status().is_success() {
            let status = answer.status().as_u16();
            let body = answer.body_mut().read_json().unwrap_or_default();
            return Err(problem(status, &body));
        }
        let mut event = String::new();
        for line in
            std::io::BufReader::new(answer.into_body().into_with_config().limit(u64::MAX).reader()).lines()
        {
            let line = match line {
                Err(error) if is_late(&error) => return Ok(()),
                line => line.context("the device API went away")?,
            };
            if let Some(name) = line.strip_prefix("event:") {
                event = name.trim().to_owned();
            } else if let Some(data) = line.strip_prefix("data:")
                && each(&event, data.trim_start())?.is_break()
            {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The device's one app that is offloaded.
    pub(super) fn only_offloaded(&self, device: &str) -> anyhow::Result<String> {
        let view = self.send(&Send::Get, device)?;
        let offloaded = view["offloaded"].as_array().into_iter().flatten();
        one(
            offloaded.filter_map(|bundle| Some(bundle.as_str()?.to_owned())).collect(),
            "offloaded app",
            "--app",
        )
    }

    /// The name of the device that is meant.
    pub(super) fn device(&self, at: &Where) -> anyhow::Result<String> {
        if let Some(name) = &at.device {
            return Ok(name.clone());
        }
        let devices = self.send(&Send::Get, "/v1/devices")?;
        one(names(&devices, "devices", "name"), "device", "--device")
    }

    /// The address of the device that is meant.
    pub(super) fn device_path(&self, at: &Where) -> anyhow::Result<String> {
        Ok(format!("/v1/devices/{}", escaped(&self.device(at)?)))
    }

    /// The device's address and the app that is meant.
    pub(super) fn app(&self, app: &App) -> anyhow::Result<(String, String)> {
        let device = self.device_path(&app.at)?;
        let bundle = match &app.app {
            Some(bundle) => bundle.clone(),
            None => {
                let apps = self.send(&Send::Get, &format!("{device}/apps"))?;
                one(names(&apps, "apps", "bundle_id"), "app", "--app")?
            }
        };
        Ok((device, bundle))
    }

    /// The address of the app that is meant.
    pub(super) fn app_path(&self, app: &App) -> anyhow::Result<String> {
        let (device, bundle) = self.app(app)?;
        Ok(format!("{device}/apps/{}", escaped(&bundle)))
    }

    fn agent(&self, deadline: Option<Duration>) -> ureq::Agent {
        let config =
            ureq::Agent::config_builder().timeout_global(deadline).http_status_as_error(false).proxy(None);
        config.build().into()
    }

    fn no_answer(&self) -> String {
        format!("the device API at {} doesn't answer\nhint: is that Homing still running?", self.base)
    }
}

/// Whether a stream ended because its deadline came.
fn is_late(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    inner.is_some_and(|inner| matches!(inner, ureq::Error::Timeout(_)))
}

fn names(body: &Value, list: &str, name: &str) -> Vec<String> {
    let items = body.get(list).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| Some(item.get(name)?.as_str()?.to_owned())).collect()
}

fn one(names: Vec<String>, what: &str, option: &str) -> anyhow::Result<String> {
    match names.as_slice() {
        [name] => Ok(name.clone()),
        [] => bail!("there is no {what}"),
        several => bail!("there are several {what}s: {}\nhint: name one with {option}", several.join(", ")),
    }
}

/// The error in a problem document (RFC 9457).
fn problem(status: u16, body: &Value) -> anyhow::Error {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    match (text("title"), text("detail")) {
        (Some(title), Some(detail)) => anyhow!("{title} ({status}): {detail}"),
        (Some(said), None) | (None, Some(said)) => anyhow!("{said} ({status})"),
        (None, None) => anyhow!("the device API answered {status}"),
    }
}

/// One segment of a path or one value of a query.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
