//! The device around the notification center: connection, storage, app lifecycle, local API.
