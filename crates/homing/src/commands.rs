//! The commands, one file each.

pub mod completions;
pub mod device;
pub mod gateway;
pub mod payload;
pub mod push;
pub mod trace;
pub mod up;
