//! The push service.
