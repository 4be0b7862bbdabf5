//! Device and app: requests, answers and events of the local API, and the app manifest.
