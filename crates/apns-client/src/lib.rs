//! The client half of Apple's provider protocol.
