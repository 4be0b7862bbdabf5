//! What a client app links, and the demo app.
