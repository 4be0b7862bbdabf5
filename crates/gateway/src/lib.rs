//! The push service: admits notifications, routes them to devices, keeps what can't be delivered, and accounts for all.
//!
//! [`Gateway::start`] puts it together. What may be accepted is decided by the provider port, where a notification goes
//! by the hub, what is kept by the store, and what a device hears by the device port.

pub mod admin;
mod advice;
pub mod authority;
mod broadcast;
pub mod centre;
mod device_port;
mod gateway;
mod hub;
mod legacy_port;
mod listen;
pub mod notification;
mod provider_port;
mod shares;
pub mod store;
mod testers;
pub mod token;
mod unique_id;

pub use gateway::{Addresses, Gateway, GatewayConfig, StartError};
pub use listen::ListenError;
pub use provider_port::ProviderRules;
