//! The engine with a real store.
