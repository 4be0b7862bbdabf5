//! What is wrong with a frame.

use super::{Command, Identifier, Status, TOKEN_LEN};
use crate::Reason;

/// A mistake that is seen in the frame alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("it begins with none of the commands 0, 1 and 2")]
    Command,
    #[error("the lengths in its frame contradict one another")]
    Length,
    #[error("an item stands twice in its frame")]
    Twice,
    #[error("its frame holds an item that isn't one of 1 to 5")]
    Item,
    #[error("it has no device token")]
    NoToken,
    #[error("its device token hasn't 32 bytes")]
    TokenSize,
    #[error("it has no payload")]
    NoPayload,
    #[error("its payload is too long")]
    PayloadSize,
    #[error("its payload holds a zero byte")]
    Zero,
    #[error("its priority is neither 10 nor 5")]
    Priority,
}

impl Fault {
    /// The same mistake in the table of reasons; `None` when HTTP/2 has no such mistake.
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Command | Self::Length | Self::Twice | Self::Item | Self::Zero => None,
            Self::NoToken => Some(Reason::MissingDeviceToken),
            Self::TokenSize => Some(Reason::BadDeviceToken),
            Self::NoPayload => Some(Reason::PayloadEmpty),
            Self::PayloadSize => Some(Reason::PayloadTooLarge),
            Self::Priority => Some(Reason::BadPriority),
        }
    }

    pub fn status(self) -> Status {
        match (self, self.reason()) {
            (Self::TokenSize, _) => Status::InvalidTokenSize,
            (_, Some(reason)) => Status::of(&reason),
            (_, None) => Status::ProtocolError,
        }
    }
}

/// A frame that can't be taken. What follows it can't be told from it, so the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a notification can't be read: {fault}")]
pub struct BadFrame {
    /// `None` when it is none of them.
    pub command: Option<Command>,
    /// As far as it was read.
    pub identifier: Option<Identifier>,
    /// As far as it was read.
    pub token: Option<[u8; TOKEN_LEN]>,
    pub fault: Fault,
}
