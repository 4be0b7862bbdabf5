//! What a word of `homing device` answers: data for programs, a text for people, and how the command ends.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::Where;
use crate::words;

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) value: Value,
    pub(super) text: String,
    /// Programs are asking.
    json: bool,
    /// 0: it went as it should; then the text is data, else words.
    pub(super) code: u8,
}

impl Answer {
    #[must_use]
    pub(super) fn ending_with(self, code: u8) -> Self {
        Self { code, ..self }
    }

    pub(super) fn print(self) -> ExitCode {
        if self.json {
            words::say_data(&self.value);
        }
        match (self.json, self.code) {
            (false, 0) => words::say_data(&self.text),
            (_, 0) => {}
            (_, _) => words::say(&self.text),
        }
        ExitCode::from(self.code)
    }
}

/// Data for programs, or a text for people.
pub(super) fn show(at: &Where, answer: Value, text: impl Fn(&Value) -> String) -> Answer {
    let text = text(&answer);
    let value = if answer.is_null() { json!({}) } else { answer };
    Answer { value, text, json: at.json, code: 0 }
}

/// What was done, for people; programs get an empty object.
pub(super) fn done(at: &Where, said: &str) -> Answer {
    show(at, Value::Null, |_| said.to_owned())
}
