//! What a device decides about notifications: a pure state machine.
