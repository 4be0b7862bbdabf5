//! The statuses of an error packet (*Binary Provider API*, table "Codes in error-response packet"), and which one each reason
//! of the one table has.

use crate::{Act, Reason};

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Never sent.
    NoErrors = 0,
    ProcessingError = 1,
    MissingDeviceToken = 2,
    MissingTopic = 3,
    MissingPayload = 4,
    InvalidTokenSize = 5,
    InvalidTopicSize = 6,
    InvalidPayloadSize = 7,
    InvalidToken = 8,
    /// The push service closes the connection for reasons of its own.
    Shutdown = 10,
    /// The frame can't be understood.
    ProtocolError = 128,
    Unknown = 255,
}

impl Status {
    pub const ALL: [Self; 12] = [
        Self::NoErrors,
        Self::ProcessingError,
        Self::MissingDeviceToken,
        Self::MissingTopic,
        Self::MissingPayload,
        Self::InvalidTokenSize,
        Self::InvalidTopicSize,
        Self::InvalidPayloadSize,
        Self::InvalidToken,
        Self::Shutdown,
        Self::ProtocolError,
        Self::Unknown,
    ];

    pub const fn from_byte(byte: u8) -> Option<Self> {
        let mut at = 0;
        while at < Self::ALL.len() {
            if Self::ALL[at] as u8 == byte {
                return Some(Self::ALL[at]);
            }
            at += 1;
        }
        None
    }

    /// The status of a refusal. A reason with a status of its own has that one; of the others whoever must act decides: a
    /// token is invalid, a topic isn't the certificate's to use, a frame is wrong, or we failed.
    pub fn of(reason: &Reason) -> Self {
        if let Some((_, own)) = OWN.iter().find(|(of, _)| of == reason) {
            return *own;
        }
        match reason.act() {
            Act::DeviceToken => Self::InvalidToken,
            Act::Credentials => Self::MissingTopic,
            Act::ProviderCode => Self::ProtocolError,
            Act::PushService => Self::ProcessingError,
        }
    }
}

/// The reasons that have a status of their own. That of a token of another length is given where frames are read.
const OWN: [(Reason, Status); 8] = [
    (Reason::MissingDeviceToken, Status::MissingDeviceToken),
    (Reason::MissingTopic, Status::MissingTopic),
    (Reason::BadTopic, Status::InvalidTopicSize),
    (Reason::PayloadEmpty, Status::MissingPayload),
    (Reason::PayloadTooLarge, Status::InvalidPayloadSize),
    (Reason::IdleTimeout, Status::Shutdown),
    (Reason::Shutdown, Status::Shutdown),
    // Slowing down is no mistake in the frame.
    (Reason::TooManyRequests, Status::ProcessingError),
];
