//! Real parts for tests (a device, a sender, the binary itself) and the history checker.
//!
//! Nothing here decides what is right, except [`history`], which is pure; the rest drives the parts as a stranger
//! would: over their ports.

pub mod device;
pub mod endpoints;
pub mod history;
pub mod ports;
pub mod process;
pub mod provider;
