//! Faces: where a device's notifications are seen and touched besides its HTTP API. A face decides nothing about
//! notifications; it shows what the device says and hands back what the user does.

mod desktop;
mod fdo;
mod portal;
mod shape;

pub(crate) use desktop::Desktop;
pub use desktop::FaceError;
