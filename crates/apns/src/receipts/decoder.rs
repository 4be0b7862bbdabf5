//! Reads the stream's text as it comes, in pieces of any size. What it holds is bounded by the longest line.

use homing_trace::{Reason, Stage};

use super::{MAX_LINE, ReceiptEvent, is_cursor};

/// Why the text is no stream of receipts. What follows can't be read either.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    #[error(
        "a line of the stream is longer than {MAX_LINE} bytes: check that the address is a push service's"
    )]
    TooLong,
    #[error("an event of the stream has no cursor of at most {} bytes", super::MAX_CURSOR)]
    NoCursor,
    #[error("an event of the stream is no receipt: {0}")]
    Event(#[from] serde_json::Error),
}

/// What has come of the stream and isn't an event yet.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    line: Vec<u8>,
    /// The last byte ended a line by CR: an LF now belongs to it.
    after_cr: bool,
    cursor: Option<String>,
    data: Option<Vec<u8>>,
    /// The event under way has a name, so it is none that this version knows.
    named: bool,
}

impl Decoder {
    /// Takes from `input` up to the end of the next event: its cursor and what it says. `None` when the input is used up
    /// before. Events of other kinds and of stages that this version doesn't know are passed over.
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<(String, ReceiptEvent)>, StreamError> {
        while let Some((&byte, rest)) = input.split_first() {
            if byte == b'\n' && std::mem::take(&mut self.after_cr) {
                *input = rest;
                continue;
            }
            self.after_cr = false;
            match input.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
                None => {
                    self.take(input)?;
                    *input = &[];
                }
                Some(end) => {
                    self.take(&input[..end])?;
                    self.after_cr = input[end] == b'\r';
                    *input = &input[end + 1..];
                    let line = std::mem::take(&mut self.line);
                    if let Some(event) = self.end_line(&line)? {
                        return Ok(Some(event));
                    }
                }
            }
        }
        Ok(None)
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        if self.line.len() + bytes.len() > MAX_LINE {
            return Err(StreamError::TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, line: &[u8]) -> Result<Option<(String, ReceiptEvent)>, StreamError> {
        if line.is_empty() {
            return self.end_event();
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"id" => {
                let cursor = std::str::from_utf8(value).ok().filter(|cursor| is_cursor(cursor));
                self.cursor = cursor.map(str::to_owned);
            }
            b"event" => self.named = !matches!(value, b"" | b"message"),
            b"data" => match &mut self.data {
                None => self.data = Some(value.to_vec()),
                Some(data) if data.len() + 1 + value.len() <= MAX_LINE => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                Some(_) => return Err(StreamError::TooLong),
            },
            // An empty field is a comment; others are for other readers.
            _ => {}
        }
        Ok(None)
    }

    fn end_event(&mut self) -> Result<Option<(String, ReceiptEvent)>, StreamError> {
        let named = std::mem::take(&mut self.named);
        let Some(data) = self.data.take().filter(|_| !named) else { return Ok(None) };
        let event = match serde_json::from_slice::<ReceiptEvent>(&data) {
            Ok(event) => event,
            Err(error) => {
                #[derive(serde::Deserialize)]
                struct Staged {
                    stage: String,
                }
                let staged = serde_json::from_slice::<Staged>(&data);
                let unknown = staged.is_ok_and(|staged| Stage::from_word(&staged.stage).is_none());
                return if unknown { Ok(None) } else { Err(error.into()) };
            }
        };
        // The standard lets an event without an id stand for the one before.
        let cursor = self.cursor.clone().ok_or(StreamError::NoCursor)?;
        let reason = event.reason.map(|reason| Reason::from_peer(reason.as_str()));
        Ok(Some((cursor, ReceiptEvent { reason, ..event })))
    }
}
