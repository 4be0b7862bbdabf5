//! Real parts on port 0, and the history checker.
