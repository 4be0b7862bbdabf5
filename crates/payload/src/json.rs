//! From bytes to a JSON object, noting keys that occur twice; nothing here knows what the keys mean.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::finding::{Findings, child, element};

/// The bytes are no payload at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    #[error("the payload is empty: send at least {{\"aps\":{{}}}}")]
    Empty,
    #[error("the payload is not JSON: {what} at line {line}, column {column}")]
    NotJson {
        /// What the parser met.
        what: String,
        /// Counted from 1.
        line: usize,
        /// In bytes, counted from 1; 0 at the very start of a line.
        column: usize,
    },
    #[error("the payload nests more than 127 levels deep (line {line}, column {column}): flatten it")]
    TooDeep { line: usize, column: usize },
    #[error("the payload is JSON, but {found} instead of an object: wrap it in {{\"aps\":{{…}}}}")]
    NotAnObject {
        /// What it is instead, with its article.
        found: &'static str,
    },
}

/// Reads one JSON object. The last of several equal keys wins, as in Apple's parser, and each repeat is a finding.
pub(crate) fn read(bytes: &[u8], findings: &mut Findings) -> Result<Map<String, Value>, PayloadError> {
    if bytes.is_empty() {
        return Err(PayloadError::Empty);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Noting { path: "$", findings }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| not_json(bytes, &error))?;
    match value {
        Value::Object(map) => Ok(map),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            Err(PayloadError::NotAnObject { found: describe(&other) })
        }
    }
}

/// What kind of value this is, with its article; never its text.
pub(crate) fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(true) => "true",
        Value::Bool(false) => "false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn not_json(bytes: &[u8], error: &serde_json::Error) -> PayloadError {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    if text.starts_with("recursion limit exceeded") {
        return PayloadError::TooDeep { line, column };
    }
    let what = if bytes.starts_with(b"\xEF\xBB\xBF") {
        "a byte order mark (save the file as UTF-8 without it)".to_owned()
    } else {
        match text.rfind(" at line ") {
            Some(end) => text[..end].to_owned(),
            None => text,
        }
    };
    PayloadError::NotJson { what, line, column }
}

/// Builds a [`Value`] and notes repeated keys with their paths. (`Value`'s own deserialiser keeps the last silently,
/// and treats serde_json's private marker keys specially.)
struct Noting<'p, 'f> {
    path: &'p str,
    findings: &'f mut Findings,
}

impl<'de> DeserializeSeed<'de> for Noting<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Noting<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        loop {
            let path = element(self.path, array.len());
            match elements.next_element_seed(Noting { path: &path, findings: &mut *self.findings })? {
                Some(value) => array.push(value),
                None => return Ok(Value::Array(array)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let path = child(self.path, &key);
            let value = entries.next_value_seed(Noting { path: &path, findings: &mut *self.findings })?;
            if map.insert(key, value).is_some() {
                self.findings.warning(
                    path,
                    "the key occurs more than once; only the last value counts",
                    "keep one of them",
                );
            }
        }
        Ok(Value::Object(map))
    }
}
