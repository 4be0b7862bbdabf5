//! Reads frames as they come, in pieces of any size. What it holds is bounded by the largest notification it takes: what is
//! longer is refused at its length, or read away when an identifier may still follow.

use super::{
    BadFrame, Command, DOCUMENTED_SHORT_PAYLOAD, Fault, Identifier, Item, LegacyNotification, MAX_PAYLOAD,
    TOKEN_LEN, expiration_of,
};
use crate::{Expiration, Priority};

/// Longest frame of command 2 that can be a notification, whatever its token and payload: each item once.
const MAX_FRAME: usize = 5 * 3 + 2 * u16::MAX as usize + 4 + 4 + 1;

/// A run of bytes with a meaning, of known length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Command,
    /// Identifier, expiry and the token's length of an enhanced notification.
    EnhancedHead,
    TokenLen,
    Token,
    PayloadLen,
    Payload,
    FrameLen,
    ItemHead,
    /// The data of an item that is kept.
    Item(Item),
    /// Data that is too long to be kept.
    Skipped,
}

/// The frame under way.
#[derive(Clone, Debug)]
struct Frame {
    command: Option<Command>,
    field: Field,
    /// Bytes that the field still lacks.
    lacks: usize,
    /// What has come of the field.
    bytes: Vec<u8>,
    /// Bytes of a framed notification that follow this field.
    left: usize,
    /// The items that have begun: bit by id.
    seen: u8,
    identifier: Option<Identifier>,
    token: Option<[u8; TOKEN_LEN]>,
    payload: Option<Vec<u8>>,
    expiration: Option<Expiration>,
    priority: Option<Priority>,
    /// A mistake that is told when the frame has been read, since its identifier may still follow.
    fault: Option<Fault>,
}

impl Default for Frame {
    fn default() -> Self {
        Self {
            command: None,
            field: Field::Command,
            lacks: 1,
            bytes: Vec::new(),
            left: 0,
            seen: 0,
            identifier: None,
            token: None,
            payload: None,
            expiration: None,
            priority: None,
            fault: None,
        }
    }
}

/// Reads one connection's notifications.
#[derive(Clone, Debug)]
pub struct Decoder {
    short_payload: usize,
    frame: Frame,
    last: Option<Command>,
}

impl Default for Decoder {
    /// Commands 0 and 1 may carry as much as command 2.
    fn default() -> Self {
        Self { short_payload: MAX_PAYLOAD, frame: Frame::default(), last: None }
    }
}

impl Decoder {
    /// Commands 0 and 1 end at the 256 bytes that are documented.
    pub fn strict() -> Self {
        Self { short_payload: DOCUMENTED_SHORT_PAYLOAD, ..Self::default() }
    }

    /// Whether a frame has begun and not ended.
    pub const fn is_amid(&self) -> bool {
        self.frame.command.is_some()
    }

    /// The form of the frame that began last.
    pub const fn last_command(&self) -> Option<Command> {
        self.last
    }

    /// Bytes held of the frame under way.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.frame.bytes.capacity() + self.frame.payload.as_ref().map_or(0, Vec::capacity)
    }

    /// Takes from `input` up to the end of the next notification; `None` when the input is used up before. After an error
    /// the connection has no further notification.
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<LegacyNotification>, BadFrame> {
        loop {
            let frame = &mut self.frame;
            let taken = frame.lacks.min(input.len());
            let (here, rest) = input.split_at(taken);
            if frame.field != Field::Skipped {
                frame.bytes.extend_from_slice(here);
            }
            frame.lacks -= taken;
            *input = rest;
            if frame.lacks > 0 {
                return Ok(None);
            }
            let ended = frame.end_field(self.short_payload);
            self.last = frame.command.or(self.last);
            match ended {
                Ok(false) => {}
                Ok(true) => return std::mem::take(&mut self.frame).finish().map(Some),
                Err(fault) => return Err(self.frame.bad(fault)),
            }
        }
    }
}

impl Frame {
    const fn bad(&self, fault: Fault) -> BadFrame {
        BadFrame { command: self.command, identifier: self.identifier, token: self.token, fault }
    }

    fn begin(&mut self, field: Field, lacks: usize) -> bool {
        (self.field, self.lacks) = (field, lacks);
        if field != Field::Skipped {
            self.bytes.reserve_exact(lacks);
        }
        false
    }

    /// Takes a complete field, and begins the next one; tells whether the frame has ended.
    fn end_field(&mut self, short_payload: usize) -> Result<bool, Fault> {
        let bytes = std::mem::take(&mut self.bytes);
        let len =
            |at: usize| bytes.get(at..at + 2).map_or(0, |len| usize::from(len[0]) << 8 | usize::from(len[1]));
        Ok(match self.field {
            Field::Command => {
                let command = bytes.first().copied().and_then(Command::from_byte).ok_or(Fault::Command)?;
                self.command = Some(command);
                match command {
                    Command::Simple => self.begin(Field::TokenLen, 2),
                    Command::Enhanced => self.begin(Field::EnhancedHead, 10),
                    Command::Framed => self.begin(Field::FrameLen, 4),
                }
            }
            Field::EnhancedHead => {
                self.identifier = chunk(&bytes);
                self.expiration = bytes.get(4..).and_then(chunk).map(expiration_of);
                check_token_len(len(8))?;
                self.begin(Field::Token, TOKEN_LEN)
            }
            Field::TokenLen => {
                check_token_len(len(0))?;
                self.begin(Field::Token, TOKEN_LEN)
            }
            Field::Token => {
                self.token = chunk(&bytes);
                self.begin(Field::PayloadLen, 2)
            }
            Field::PayloadLen => {
                check_payload_len(len(0), short_payload)?;
                self.begin(Field::Payload, len(0))
            }
            Field::Payload => {
                self.payload = Some(bytes);
                true
            }
            Field::FrameLen => {
                self.left = chunk(&bytes).map_or(usize::MAX, |len| u32::from_be_bytes(len) as usize);
                if self.left > MAX_FRAME {
                    return Err(Fault::Length);
                }
                self.next_item()?
            }
            Field::ItemHead => {
                self.begin_item(bytes.first().copied().unwrap_or_default(), len(1))?;
                false
            }
            Field::Item(item) => {
                self.end_item(item, bytes);
                self.next_item()?
            }
            Field::Skipped => self.next_item()?,
        })
    }

    fn next_item(&mut self) -> Result<bool, Fault> {
        if self.left == 0 {
            return Ok(true);
        }
        self.left = self.left.checked_sub(3).ok_or(Fault::Length)?;
        Ok(self.begin(Field::ItemHead, 3))
    }

    fn begin_item(&mut self, id: u8, len: usize) -> Result<(), Fault> {
        self.left = self.left.checked_sub(len).ok_or(Fault::Length)?;
        let (item, checked) = match id {
            1 => (Item::Token, check_token_len(len)),
            2 => (Item::Payload, check_payload_len(len, MAX_PAYLOAD)),
            3 => (Item::Identifier, check_len(len, 4)),
            4 => (Item::Expiration, check_len(len, 4)),
            5 => (Item::Priority, check_len(len, 1)),
            _ => return Err(Fault::Item),
        };
        if self.seen & 1 << id != 0 {
            return Err(Fault::Twice);
        }
        self.seen |= 1 << id;
        match (item, checked) {
            (item, Ok(())) => self.begin(Field::Item(item), len),
            (Item::Token | Item::Payload, Err(fault)) => {
                self.fault.get_or_insert(fault);
                self.begin(Field::Skipped, len)
            }
            (Item::Identifier | Item::Expiration | Item::Priority, Err(fault)) => return Err(fault),
        };
        Ok(())
    }

    fn end_item(&mut self, item: Item, bytes: Vec<u8>) {
        match item {
            Item::Token => self.token = chunk(&bytes),
            Item::Payload => self.payload = Some(bytes),
            Item::Identifier => self.identifier = chunk(&bytes),
            Item::Expiration => self.expiration = chunk(&bytes).map(expiration_of),
            Item::Priority => {
                let said = bytes.first().copied().and_then(Priority::from_number);
                self.priority = said.filter(|priority| *priority != Priority::One);
                if self.priority.is_none() {
                    self.fault.get_or_insert(Fault::Priority);
                }
            }
        }
    }

    /// The notification of a frame that has been read.
    fn finish(mut self) -> Result<LegacyNotification, BadFrame> {
        let payload = self.payload.take();
        let found = (|| {
            if let Some(fault) = self.fault {
                return Err(fault);
            }
            let token = self.token.ok_or(Fault::NoToken)?;
            let payload = payload.ok_or(Fault::NoPayload)?;
            if payload.contains(&0) { Err(Fault::Zero) } else { Ok((token, payload)) }
        })();
        let (token, payload) = found.map_err(|fault| self.bad(fault))?;
        Ok(LegacyNotification {
            command: self.command.unwrap_or(Command::Framed),
            identifier: self.identifier,
            token,
            payload,
            expiration: self.expiration.unwrap_or_default(),
            priority: self.priority,
        })
    }
}

fn chunk<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.first_chunk().copied()
}

const fn check_token_len(len: usize) -> Result<(), Fault> {
    match len {
        0 => Err(Fault::NoToken),
        TOKEN_LEN => Ok(()),
        _ => Err(Fault::TokenSize),
    }
}

const fn check_payload_len(len: usize, most: usize) -> Result<(), Fault> {
    match len {
        0 => Err(Fault::NoPayload),
        len if len > most => Err(Fault::PayloadSize),
        _ => Ok(()),
    }
}

const fn check_len(len: usize, wanted: usize) -> Result<(), Fault> {
    if len == wanted { Ok(()) } else { Err(Fault::Length) }
}
