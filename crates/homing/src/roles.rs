//! The roles as this binary plays them: each file starts one room with what it must know of the others. Which roles run
//! together is decided by the commands.

pub(crate) mod console;
pub(crate) mod parent;
pub(crate) mod phones;
pub(crate) mod process;
pub(crate) mod provider;
pub(crate) mod push_service;
