//! The push service: admits notifications, routes them to devices, keeps what can't be delivered, and accounts for all.

pub mod authority;
pub mod centre;
mod hub;
pub mod notification;
pub mod store;
pub mod token;
