//! Virtual devices: the notification center's surroundings on a machine that isn't a phone.
//!
//! [`DeviceHost`] runs one or several devices in one process. Each keeps a file of its own, holds one connection to
//! the push service for all its apps, starts and ends the apps, and is seen and used through one HTTP API. What a
//! notification leads to is decided by `homing-notification-center`, what apps say by `homing-local`, what stands on
//! the connection by `homing-link`.

mod api;
mod app_files;
mod arrival;
mod backoff;
mod backup;
mod child;
mod crowd;
mod driver;
mod enrol;
mod face;
mod farewell;
mod fleet;
mod happening;
mod host;
mod launcher;
mod link;
mod phone;
mod socket;
mod store;
mod tls;
mod translate;
mod wall_clock;

pub use crowd::{Crowd, CrowdConfig, CrowdError, Farewell, FleetCounts, MAX_DEVICES, Profile, ProfileError};
pub use face::FaceError;
pub use happening::{Happening, Kind};
pub use host::{DeviceConfig, DeviceHost, StartError, VirtualDevice};
pub use launcher::{AppLauncher, Launch, RunningApp};
pub use phone::Tokens;
pub use store::StoreError;
pub use tls::TlsError;
