//! Apple's legacy binary interface and its feedback service (*Binary Provider API*, *Legacy Notification Format*; switched
//! off by Apple in 2021): notifications in three forms, error packets, feedback tuples, written and read. All integers are
//! big-endian. Whether a notification is admitted, and when a connection is closed, is decided by the push service.

mod decoder;
mod fault;
mod status;
#[cfg(test)]
mod tests;

pub use decoder::Decoder;
pub use fault::{BadFrame, Fault};
pub use status::Status;

use crate::{Expiration, Priority};

/// Length of a device token here, in bytes.
pub const TOKEN_LEN: usize = 32;
/// Longest payload of a framed notification, in bytes.
pub const MAX_PAYLOAD: usize = 2048;
/// Longest payload of a simple or enhanced notification as documented; clients in the field send up to [`MAX_PAYLOAD`].
pub const DOCUMENTED_SHORT_PAYLOAD: usize = 256;
/// The identifier in an error packet about a notification that had none.
pub const NO_IDENTIFIER: Identifier = [0; 4];

/// What a client calls one of its notifications on a connection; opaque.
pub type Identifier = [u8; 4];

/// The form of a notification: the first byte of its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Token and payload. Its failure closes the connection without a word.
    Simple = 0,
    /// With an identifier and an expiry.
    Enhanced = 1,
    /// Items in any order.
    Framed = 2,
}

impl Command {
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Simple),
            1 => Some(Self::Enhanced),
            2 => Some(Self::Framed),
            _ => None,
        }
    }

    /// Whether a failure of such a notification is told.
    pub const fn is_answered(self) -> bool {
        match self {
            Self::Simple => false,
            Self::Enhanced | Self::Framed => true,
        }
    }
}

/// The items of a framed notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Token = 1,
    Payload = 2,
    Identifier = 3,
    Expiration = 4,
    Priority = 5,
}

/// A notification as it stands on the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct LegacyNotification {
    pub command: Command,
    /// `None` in a simple one, and in a framed one that doesn't say it.
    pub identifier: Option<Identifier>,
    pub token: [u8; TOKEN_LEN],
    pub payload: Vec<u8>,
    pub expiration: Expiration,
    /// 10 or 5; `None` when it isn't said.
    pub priority: Option<Priority>,
}

impl std::fmt::Debug for LegacyNotification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LegacyNotification")
            .field("command", &self.command)
            .field("identifier", &self.identifier)
            .field("payload_len", &self.payload.len())
            .finish_non_exhaustive()
    }
}

/// The greatest expiry, which clients send for "as long as possible".
const LONGEST_EXPIRY: u32 = 0x7fff_ffff;

/// Apple's page takes zero and less for "don't store".
fn expiration_of(expiry: [u8; 4]) -> Expiration {
    match i32::from_be_bytes(expiry) {
        ..=0 => Expiration::Once,
        seconds => Expiration::At(i64::from(seconds)),
    }
}

fn expiry_of(expiration: Expiration) -> [u8; 4] {
    let seconds = match expiration {
        Expiration::Default => LONGEST_EXPIRY,
        Expiration::Once => 0,
        Expiration::At(seconds) => u32::try_from(seconds).unwrap_or(0).min(LONGEST_EXPIRY),
    };
    seconds.to_be_bytes()
}

impl LegacyNotification {
    /// Writes the frame; what its form has no place for is left out. An enhanced one without an expiration gets the greatest.
    pub fn encode(&self, into: &mut Vec<u8>) {
        into.push(self.command as u8);
        match self.command {
            Command::Simple => self.encode_token_and_payload(into),
            Command::Enhanced => {
                into.extend(self.identifier.unwrap_or(NO_IDENTIFIER));
                into.extend(expiry_of(self.expiration));
                self.encode_token_and_payload(into);
            }
            Command::Framed => self.encode_items(into),
        }
    }

    fn encode_token_and_payload(&self, into: &mut Vec<u8>) {
        for field in [&self.token[..], &self.payload] {
            put_len(field, into);
            into.extend_from_slice(field);
        }
    }

    fn encode_items(&self, into: &mut Vec<u8>) {
        let mut items = Vec::new();
        let mut put = |item: Item, data: &[u8]| {
            items.push(item as u8);
            put_len(data, &mut items);
            items.extend_from_slice(data);
        };
        put(Item::Token, &self.token);
        put(Item::Payload, &self.payload);
        if let Some(identifier) = self.identifier {
            put(Item::Identifier, &identifier);
        }
        if self.expiration != Expiration::Default {
            put(Item::Expiration, &expiry_of(self.expiration));
        }
        if let Some(priority) = self.priority {
            put(Item::Priority, &[priority.number()]);
        }
        into.extend(u32::try_from(items.len()).unwrap_or(u32::MAX).to_be_bytes());
        into.extend(items);
    }
}

/// A payload longer than its two bytes can say is cut off there by its reader.
fn put_len(field: &[u8], into: &mut Vec<u8>) {
    into.extend(u16::try_from(field.len()).unwrap_or(u16::MAX).to_be_bytes());
}

/// What the push service says before it closes a connection: six bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorPacket {
    pub status: Status,
    /// The notification that failed; with [`Status::Shutdown`] the last one that didn't.
    pub identifier: Identifier,
}

impl ErrorPacket {
    pub const LEN: usize = 6;
    const COMMAND: u8 = 8;

    pub const fn to_bytes(self) -> [u8; Self::LEN] {
        let [a, b, c, d] = self.identifier;
        [Self::COMMAND, self.status as u8, a, b, c, d]
    }

    /// `None` for another command or a status that isn't Apple's.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Option<Self> {
        let [Self::COMMAND, status, a, b, c, d] = bytes else { return None };
        match Status::from_byte(status) {
            Some(status) => Some(Self { status, identifier: [a, b, c, d] }),
            None => None,
        }
    }
}

/// One entry of the feedback service: a token whose app is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedbackTuple {
    /// Since when, in seconds since the epoch.
    pub since: u32,
    pub token: [u8; TOKEN_LEN],
}

impl FeedbackTuple {
    pub const LEN: usize = 4 + 2 + TOKEN_LEN;

    pub fn encode(&self, into: &mut Vec<u8>) {
        into.extend(self.since.to_be_bytes());
        put_len(&self.token, into);
        into.extend(self.token);
    }

    /// The first tuple of `bytes`, and what follows it. `None` when it isn't complete or has no token of [`TOKEN_LEN`] bytes.
    pub fn decode(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (since, rest) = bytes.split_first_chunk()?;
        let (len, rest) = rest.split_first_chunk()?;
        let (token, rest) = rest.split_first_chunk()?;
        let is_tuple = usize::from(u16::from_be_bytes(*len)) == TOKEN_LEN;
        is_tuple.then_some((Self { since: u32::from_be_bytes(*since), token: *token }, rest))
    }
}
