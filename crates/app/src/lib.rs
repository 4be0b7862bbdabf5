//! What a client app links: the device's notification API in the shape of Apple's UserNotifications, over any byte
//! stream, and the demo app built on it.
//!
//! [`UserNotificationCenter`] makes the calls, [`AppDelegate`] takes what the device says unasked. What is shown, and
//! when, is decided by the device.

mod center;
mod delegate;
pub mod demo;
pub mod provider;
mod stream;

pub use center::{AppError, Events, UserNotificationCenter};
pub use delegate::AppDelegate;
