//! The words of a notification's life: who says which stage, what each stage counts as, and why it came to that.
//!
//! This crate decides the vocabulary and nothing else. The push service ([`Stage::Accepted`] to
//! [`Stage::Acknowledged`]) and the device ([`Stage::Displayed`] to [`Stage::Action`]) write events in these words;
//! whoever stores or shows them reads the one table in [`stage`].

mod environment;
mod event;
mod reason;
mod receipt;
pub mod stage;
mod time;

pub use environment::{Environment, UnknownEnvironment};
pub use event::{Broadcast, Event, Trace};
pub use reason::Reason;
pub use receipt::{Receipt, ReceiptError};
pub use stage::{Counts, Speaker, Stage};
pub use time::UnixMillis;
