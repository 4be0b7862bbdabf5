//! Real parts for tests (a device, a sender, the binary itself) and the history checkers.
//!
//! Nothing here decides what is right, except [`history`] and [`push_history`], which are pure; the rest drives the parts as a stranger
//! would: over their ports.

pub mod api;
pub mod device;
pub mod dice;
pub mod endpoints;
pub mod history;
pub mod load;
pub mod ports;
pub mod process;
pub mod provider;
pub mod push_history;
pub mod recorder;

pub use homing_apns::{ApnsId, Expiration};
pub use homing_link::{RegistrationName, Version};
