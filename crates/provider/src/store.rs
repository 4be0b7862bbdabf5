//! The provider's store.

mod error;

pub use error::StoreError;
