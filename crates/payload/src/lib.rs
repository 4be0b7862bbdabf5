//! The payload of a notification: the whole aps dictionary, parsed, validated and built.
//!
//! [`Payload::parse`] is lenient, as iOS is: what it can't use it ignores, keeps and reports. [`validate`] says all
//! that is wrong with a payload, where, and how to mend it. Neither decides what happens to a notification: the push
//! service judges sizes only, and the device shows what it can.

mod alert;
mod aps;
mod fields;
mod finding;
mod json;
mod localization;
mod nearest;
mod push_type;
mod sound;
mod truncate;
mod validate;
mod whole;

pub use alert::{Alert, AlertTexts};
pub use aps::{Aps, InterruptionLevel, LiveActivityEvent};
pub use finding::{Finding, Severity};
pub use json::PayloadError;
pub use localization::resolve;
pub use push_type::{BROADCAST_MAX_LEN, PushType, UnknownPushType};
pub use sound::Sound;
pub use truncate::CannotTruncate;
pub use validate::validate;
pub use whole::Payload;
