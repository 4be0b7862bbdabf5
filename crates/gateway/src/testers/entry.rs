//! One entry of the journal: what a request said, without secrets, and what it was answered, or why it wasn't.

use std::collections::BTreeMap;

use bytes::Bytes;
use homing_apns::RequestHeaders;
use homing_apns::jwt::ProviderToken;
use homing_trace::{Environment, UnixMillis};
use http::request::Parts;
use serde::Serialize;

use super::blots::{blotted, without_tokens};

/// Headers that can open doors, in lower case. They aren't written down.
const SECRET_HEADERS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "x-api-key"];
/// What a map takes for its first entries, and for each, roughly.
const MAP: usize = 640;
const MAP_ENTRY: usize = 64;

/// Who spoke for a request, without what proves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Credential {
    /// A provider token, as far as it says whose it is; whether it was in order, the answer says.
    Key { key_id: String, team_id: String, issued_at: i64 },
    /// A client certificate.
    Certificate { certificate_id: String },
}

impl Credential {
    /// Whom a request's provider token names.
    pub(crate) fn in_headers(headers: &RequestHeaders<'_>) -> Option<Self> {
        let token = ProviderToken::parse(headers.authorization?.as_bytes()).ok()?;
        Some(Self::Key {
            key_id: token.key_id().to_owned(),
            team_id: token.team_id().to_owned(),
            issued_at: token.issued_at(),
        })
    }
}

/// What a request said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct Asked {
    /// `http2` or `legacy`.
    pub(crate) interface: &'static str,
    /// A number for its connection, new at each start.
    pub(crate) connection: u64,
    #[schema(value_type = Option<String>, example = "development")]
    pub(crate) environment: Option<Environment>,
    pub(crate) credential: Option<Credential>,
    /// HTTP/2 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    /// Names in lower case; the values of one that came several times are joined by `, `. Of `authorization` only the
    /// credential is told.
    pub(crate) headers: BTreeMap<String, String>,
    /// The legacy interface only: command, identifier, expiry and priority.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) frame: BTreeMap<&'static str, u32>,
    /// The device token in hex, as it was sent.
    pub(crate) token: Option<String>,
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String)]
    pub(crate) payload: Bytes,
}

impl Asked {
    /// What the head of an HTTP/2 request says, without secrets.
    pub(crate) fn take_head(&mut self, parts: &Parts) {
        let path = parts.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
        let token = homing_apns::device_token_in_path(parts.uri.path()).ok();
        self.method = Some(parts.method.to_string());
        self.path = Some(without_tokens(path).into_owned());
        self.token = token.map(|token| without_tokens(token).into_owned());
        for (name, value) in &parts.headers {
            if SECRET_HEADERS.contains(&name.as_str()) {
                continue;
            }
            let value = String::from_utf8_lossy(value.as_bytes());
            let value = without_tokens(&value);
            match self.headers.get_mut(name.as_str()) {
                Some(values) => {
                    values.push_str(", ");
                    values.push_str(&value);
                }
                None => {
                    self.headers.insert(name.as_str().to_owned(), value.into_owned());
                }
            }
        }
    }
}

/// What it was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct Answer {
    /// Of an HTTP/2 answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// Of a legacy error packet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) legacy_status: Option<u8>,
    pub(crate) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    pub(crate) timestamp: Option<i64>,
    /// The label in traces, where the answer has it; of a request about channels only if the request had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) apns_id: Option<String>,
    /// In the development environment, of what was accepted: another name of it in traces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) apns_unique_id: Option<String>,
    /// Of a request about channels: the label in traces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) apns_request_id: Option<String>,
    /// Of a channel that was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) apns_channel_id: Option<String>,
}

impl Answer {
    /// Its labels are the request's own words.
    pub(super) fn without_tokens(self) -> Self {
        Self {
            apns_id: self.apns_id.map(blotted),
            apns_request_id: self.apns_request_id.map(blotted),
            ..self
        }
    }

    fn bytes(&self) -> usize {
        let labels = [&self.apns_id, &self.apns_unique_id, &self.apns_request_id, &self.apns_channel_id];
        let texts = labels.into_iter().chain([&self.reason]);
        texts.map(len).sum()
    }
}

/// Why a request got no answer, where no tester asked for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Unanswered {
    /// Its client reset the stream before the body was complete.
    ResetInBody,
    /// Its client reset the stream before the answer was there. What became of it by then, the trace says.
    Reset,
    /// Its connection ended first.
    Closed,
    /// On the legacy interface: one before it on the connection failed.
    Discarded,
}

/// One request and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct Entry {
    /// Rises with each answer.
    pub(crate) no: u64,
    /// When its head was there, on the push service's clock.
    #[schema(value_type = String, format = "date-time")]
    pub(crate) at: UnixMillis,
    /// Until it was answered, or let go of.
    pub(crate) micros: u64,
    /// Null when nobody vouches for the request.
    pub(crate) team_id: Option<String>,
    pub(crate) topic: Option<String>,
    #[serde(flatten)]
    pub(crate) asked: Asked,
    /// Null when it got none.
    pub(crate) answer: Option<Answer>,
    /// Why it got none; null, too, when `injected` says it.
    #[schema(required = false)]
    pub(crate) unanswered: Option<Unanswered>,
    /// What a tester's rule or mark did to it.
    pub(crate) injected: Option<String>,
}

impl Entry {
    /// What it takes in memory, roughly.
    pub(super) fn bytes(&self) -> usize {
        let asked = &self.asked;
        let headers: usize = asked.headers.iter().map(|(name, value)| name.len() + value.capacity()).sum();
        let maps = map(asked.headers.len()) + map(asked.frame.len());
        let credential = match &asked.credential {
            Some(Credential::Key { key_id, team_id, .. }) => key_id.len() + team_id.len(),
            Some(Credential::Certificate { certificate_id }) => certificate_id.len(),
            None => 0,
        };
        let texts = [&self.team_id, &self.topic, &self.injected, &asked.method, &asked.path, &asked.token];
        let texts: usize = texts.into_iter().map(len).sum();
        let answer = self.answer.as_ref().map_or(0, Answer::bytes);
        size_of::<Self>() + headers + maps + credential + texts + asked.payload.len() + answer
    }
}

fn len(text: &Option<String>) -> usize {
    text.as_ref().map_or(0, String::len)
}

const fn map(entries: usize) -> usize {
    if entries == 0 { 0 } else { MAP + MAP_ENTRY * entries }
}

/// Payloads that aren't UTF-8 are shown with marks where they aren't.
fn as_text<S: serde::Serializer>(payload: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJUIn0.c2VjcmV0";

    #[test]
    fn secrets_are_left_out_wherever_they_stand() {
        let mut request = http::Request::post(format!("https://localhost/3/device/{TOKEN}?jwt={TOKEN}&x=1"));
        for (name, value) in [
            ("authorization", "bearer secret"),
            ("cookie", "secret"),
            ("x-api-key", "secret"),
            ("x-authorization", "Bearer secret"),
            ("apns-id", TOKEN),
            ("apns-topic", "com.example.news"),
            ("x-two", "a"),
            ("x-two", TOKEN),
        ] {
            request = request.header(name, value);
        }
        let (parts, ()) = request.body(()).expect("it is a request").into_parts();
        let mut asked = Asked::default();
        asked.take_head(&parts);
        let answer = Answer { apns_id: Some(TOKEN.to_owned()), ..Answer::default() }.without_tokens();
        let text = serde_json::to_string(&(&asked, answer)).expect("it is JSON");
        assert!(!text.contains("secret") && !text.contains("c2VjcmV0"), "{text}");
        assert!(text.contains(r#""path":"/3/device/…?jwt=…&x=1""#), "{text}");
        assert!(text.contains(r#""apns-topic":"com.example.news""#), "{text}");
        assert!(text.contains(r#""x-authorization":"Bearer …","x-two":"a, …""#), "{text}");
        assert!(text.contains(r#"{"reason":null,"apns_id":"…"}"#), "{text}");
    }
}
