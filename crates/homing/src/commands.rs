//! The commands, one file each.

pub(crate) mod app;
pub(crate) mod cert;
pub(crate) mod channel;
pub(crate) mod completions;
pub(crate) mod console;
pub(crate) mod device;
pub(crate) mod gateway;
pub(crate) mod payload;
pub(crate) mod provider;
pub(crate) mod push;
pub(crate) mod trace;
pub(crate) mod up;
