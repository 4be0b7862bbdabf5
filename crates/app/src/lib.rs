//! What a client app links: the device's notification API in the shape of Apple's UserNotifications, over any byte
//! stream, and the demo app built on it.
//!
//! [`NotificationCenter`] makes the calls, [`AppDelegate`] takes what the device says unasked. What is shown, and
//! when, is decided by the device.

#![warn(missing_docs)]

mod app;
mod application;
mod center;
pub mod content_extension;
mod delegate;
#[expect(missing_docs, reason = "an app on the SDK, not what others build on")]
pub mod demo;
pub mod legacy;
pub mod provider;
pub mod reminder;
pub mod service_extension;
mod stream;

pub use app::{App, Environment};
pub use application::Application;
pub use center::{AppError, Events, NotificationCenter};
pub use delegate::AppDelegate;
