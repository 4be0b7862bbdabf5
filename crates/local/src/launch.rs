//! What a device gives an app's process at its start: the names of the environment variables.

/// What all names below begin with.
pub const PREFIX: &str = "HOMING_";
/// Path of the Unix socket where the process attaches.
pub const SOCKET: &str = "HOMING_SOCKET";
/// The device's name; a socket may be that of several devices.
pub const DEVICE: &str = "HOMING_DEVICE";
pub const BUNDLE_ID: &str = "HOMING_BUNDLE_ID";
/// What the process proves its bundle ID with ([`crate::AppCall::Attach`]). An SDK takes it out of the environment.
pub const SECRET: &str = "HOMING_SECRET";
/// The app's data container, which is also the working directory.
pub const CONTAINER: &str = "HOMING_CONTAINER";
/// Tells this run of the process from others. What it starts inherits it, and ends with it.
pub const RUN: &str = "HOMING_RUN";
