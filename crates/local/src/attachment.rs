//! Attachments, as an app writes them and reads them back. Which are taken, and where their files go, is decided by
//! `notification-center` and `device`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// *UNNotificationAttachment*. A file in the app's container is moved into the device's store when the notification is
/// taken, one in its bundle is copied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// Unique in its notification; left empty, the device chooses one.
    #[serde(default)]
    pub identifier: String,
    /// A `file:` URL: written, of a file in the app's container or bundle; read back, of the device's store.
    #[schema(example = "file:///data/iphone.apps/1/photo.png")]
    pub url: String,
    /// The uniform type identifier of what was taken: said by the device.
    #[serde(default, rename = "type_identifier", skip_serializing_if = "String::is_empty")]
    pub type_identifier: String,
    #[serde(default, skip_serializing_if = "AttachmentOptions::is_empty")]
    pub options: AttachmentOptions,
}

/// The options of *init(identifier:url:options:)*.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AttachmentOptions {
    /// A uniform type identifier such as `public.png`, for a file whose name doesn't say what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_hint: Option<String>,
    /// No picture of it beside the notification.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub thumbnail_hidden: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_clipping_rect: Option<ClippingRect>,
    /// Seconds into a movie, or the number of a frame of an animated image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_time: Option<f64>,
}

impl AttachmentOptions {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A part of the picture: 0 to 1 in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClippingRect {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Attachment {
    /// *init(identifier:url:options:)*, without options.
    pub fn new(identifier: impl Into<String>, url: impl Into<String>) -> Self {
        Self { identifier: identifier.into(), url: url.into(), ..Self::default() }
    }
}
