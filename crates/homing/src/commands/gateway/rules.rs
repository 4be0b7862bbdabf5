//! `[provider_api]` of the configuration file: how the provider ports answer where Apple's service leaves a choice.

use std::time::Duration;

use anyhow::bail;
use homing_gateway::ProviderRules;
use serde::Deserialize;

/// What the file says; what it leaves out is as [`ProviderRules::default`] has it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RulesFile {
    strict: Option<bool>,
    documented_spelling: Option<bool>,
    first_streams: Option<u16>,
    token_updates: Option<u16>,
    requests_per_token_per_minute: Option<u32>,
    idle_seconds: Option<u32>,
    age_seconds: Option<u32>,
}

/// Streams of a connection, at most.
const STREAMS: u16 = 1_000;

impl RulesFile {
    /// The rules; a value that can't be meant is an error.
    pub(crate) fn rules(&self) -> anyhow::Result<ProviderRules> {
        let mut rules = ProviderRules {
            strict: self.strict.unwrap_or_default(),
            documented_spelling: self.documented_spelling.unwrap_or_default(),
            ..ProviderRules::default()
        };
        if let Some(streams) = within("first_streams", self.first_streams, 1, STREAMS)? {
            rules.first_streams = streams;
        }
        let most = ProviderRules::MOST_TOKEN_UPDATES;
        if let Some(updates) = within("token_updates", self.token_updates, 0, most)? {
            rules.token_updates = updates;
        }
        let requests = self.requests_per_token_per_minute;
        if let Some(requests) = within("requests_per_token_per_minute", requests, 1, u32::MAX)? {
            rules.requests_per_token = requests;
        }
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        if let Some(idle) = within("idle_seconds", self.idle_seconds, 1, u32::MAX)? {
            rules.idle = seconds(idle);
        }
        if let Some(age) = within("age_seconds", self.age_seconds, 1, u32::MAX)? {
            rules.age = seconds(age);
        }
        Ok(rules)
    }
}

fn within<N: PartialOrd + std::fmt::Display + Copy>(
    key: &str,
    value: Option<N>,
    least: N,
    most: N,
) -> anyhow::Result<Option<N>> {
    match value {
        Some(value) if value < least || value > most => {
            bail!("{key} = {value} under [provider_api] can't be used\nhint: write {least} to {most}")
        }
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_as_it_always_is_and_what_cant_be_meant_is_refused() {
        let rules = |text: &str| toml::from_str::<RulesFile>(text).expect("it is read").rules();
        assert!(!rules("").expect("it is empty").strict);
        let some = rules("strict = true\nage_seconds = 60").expect("it is right");
        assert!(some.strict && some.age == Duration::from_secs(60) && some.first_streams == 1_000);
        for wrong in ["first_streams = 0", "first_streams = 1001", "token_updates = 1001", "idle_seconds = 0"]
        {
            let error = rules(wrong).expect_err(wrong).to_string();
            assert!(error.contains("hint: write"), "{error}");
        }
    }
}
