//! The payload of a notification: the whole aps dictionary, parsed, validated and built.

mod push_type;

pub use push_type::{BROADCAST_MAX_LEN, PushType, UnknownPushType};
