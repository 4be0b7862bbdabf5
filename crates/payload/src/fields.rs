//! Reads the keys of one dictionary as the types Apple documents. A key of a wrong type is left where it is and
//! becomes a finding; what the keys mean is decided by the types that read themselves from here.

use serde_json::{Map, Value};

use crate::finding::{Findings, child, element};
use crate::json::describe;

/// The keys of one dictionary that aren't read yet.
pub(crate) struct Fields<'f> {
    path: &'f str,
    rest: Map<String, Value>,
    ignored: Vec<&'static str>,
    findings: &'f mut Findings,
}

impl<'f> Fields<'f> {
    pub(crate) fn new(path: &'f str, map: &Map<String, Value>, findings: &'f mut Findings) -> Self {
        Self { path, rest: map.clone(), ignored: Vec::new(), findings }
    }

    /// What is left: unknown keys, and known ones of a wrong type. `unknown` judges each unknown key.
    pub(crate) fn finish(self, mut unknown: impl FnMut(&str, &str, &mut Findings)) -> Map<String, Value> {
        for key in self.rest.keys().filter(|key| !self.ignored.contains(&key.as_str())) {
            unknown(&child(self.path, key), key, self.findings);
        }
        self.rest
    }

    /// Reads `key` with `read`, which makes its own findings and answers `None` for a value it can't use.
    pub(crate) fn with<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Value, &str, &mut Findings) -> Option<T>,
    ) -> Option<T> {
        let value = self.rest.get(key)?;
        let read = read(value, &child(self.path, key), self.findings);
        match read {
            Some(_) => drop(self.rest.shift_remove(key)),
            None => self.ignored.push(key),
        }
        read
    }

    /// Reads `key` with `read`; a value it can't use is reported as not being `wanted`.
    fn typed<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        self.with(key, |value, path, findings| {
            let read = read(value);
            if read.is_none() {
                wrong_type(value, wanted, path, findings);
            }
            read
        })
    }

    pub(crate) fn text(&mut self, key: &'static str) -> Option<String> {
        self.typed(key, "a string", |value| value.as_str().map(str::to_owned))
    }

    /// An integer of at least 0.
    pub(crate) fn count(&mut self, key: &'static str) -> Option<u32> {
        self.typed(key, "an integer from 0 to 4294967295", |value| {
            whole(value).and_then(|number| u32::try_from(number).ok())
        })
    }

    pub(crate) fn number(&mut self, key: &'static str) -> Option<f64> {
        self.typed(key, "a number", Value::as_f64)
    }

    /// A time in whole UNIX seconds; a fraction of a second is dropped.
    pub(crate) fn seconds(&mut self, key: &'static str) -> Option<i64> {
        self.typed(key, "a number of UNIX seconds", |value| {
            value.as_i64().or_else(|| value.as_f64().map(f64::floor).and_then(exact_i64))
        })
    }

    /// A flag that Apple writes as the number 1; 0 says the same as leaving it out.
    pub(crate) fn one(&mut self, key: &'static str) -> bool {
        let read = self.with(key, |value, path, findings| match whole(value) {
            Some(1) => Some(true),
            Some(0) => Some(false),
            Some(_) | None => {
                findings.error(
                    path,
                    format!("the value is {}, not the number 1, and is ignored", describe_number(value)),
                    "write 1, or leave the key out",
                );
                None
            }
        });
        read.unwrap_or(false)
    }

    /// A flag that Apple writes as `true`.
    pub(crate) fn truth(&mut self, key: &'static str) -> bool {
        self.typed(key, "true", Value::as_bool).unwrap_or(false)
    }

    pub(crate) fn dictionary(&mut self, key: &'static str) -> Option<Map<String, Value>> {
        self.typed(key, "an object", |value| value.as_object().cloned())
    }

    /// An array of strings. An element of another type counts as an empty string, so that the others keep their
    /// places.
    pub(crate) fn texts(&mut self, key: &'static str) -> Vec<String> {
        self.with(key, texts).unwrap_or_default()
    }
}

pub(crate) fn texts(value: &Value, path: &str, findings: &mut Findings) -> Option<Vec<String>> {
    let Some(elements) = value.as_array() else {
        wrong_type(value, "an array of strings", path, findings);
        return None;
    };
    let mut texts = Vec::with_capacity(elements.len());
    for (index, text) in elements.iter().enumerate() {
        if !text.is_string() {
            wrong_type(text, "a string", &element(path, index), findings);
        }
        texts.push(text.as_str().unwrap_or_default().to_owned());
    }
    Some(texts)
}

pub(crate) fn wrong_type(value: &Value, wanted: &str, path: &str, findings: &mut Findings) {
    let fix = match value {
        Value::String(text) if wanted.contains("number") || wanted.contains("integer") => {
            match text.parse::<i64>() {
                Ok(number) => format!("write {number} without quotes"),
                Err(_) => format!("write {wanted}"),
            }
        }
        Value::Number(number) if wanted == "a string" => format!("write \"{number}\" with quotes"),
        Value::Null => format!("write {wanted}, or leave the key out"),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            format!("write {wanted}")
        }
    };
    let found = describe_number(value);
    findings.error(path, format!("the value is {found}, not {wanted}, and is ignored"), fix);
}

fn describe_number(value: &Value) -> String {
    match value {
        Value::Number(number) => format!("the number {number}"),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            describe(value).to_owned()
        }
    }
}

/// An integer, also when it is written as `1.0`.
fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().filter(|number| number.fract() == 0.0).and_then(exact_i64))
}

fn exact_i64(number: f64) -> Option<i64> {
    // 2^53: above it a float doesn't tell neighbouring integers apart.
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
    (number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
}
