//! The notification centre as tables: what was before, what happens, what comes of it.

mod arrival;
mod attachments;
mod authorization;
mod budget;
mod calendar;
mod categories;
mod content_extension;
mod errors;
mod extension;
mod focus;
mod group;
mod legacy_callbacks;
mod legacy_local;
mod legacy_settings;
mod local;
mod location;
mod lock;
mod model;
mod payload_keys;
mod permission;
mod phone;
mod plural;
mod presentation;
mod properties;
mod recipient;
mod response;
mod silent;
mod state;
mod summary;
mod thrift;

use homing_notification_center::*;
use homing_payload::PushType;
use phone::*;
use serde_json::json;
