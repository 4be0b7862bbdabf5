//! The payload of a notification: the whole aps dictionary, parsed, validated and built.
