//! The business server: keeps which user has which device, takes pushes, sends them as notifications, and counts what
//! became of each.
//!
//! [`Provider::start`] puts it together. What happens is decided by the engine, what is kept by the store, and who may
//! ask for what by the API.

mod api;
pub mod engine;
pub mod identity_token;
mod provider;
mod store;

pub use provider::{AppSpec, IdentityKeySpec, Provider, ProviderConfig, StartError};
pub use store::StoreError;
