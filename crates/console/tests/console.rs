//! The console from outside: a real console and a real upstream on loopback, and a browser's requests, good and bad. What
//! links and sessions decide by themselves is tested there.

#[path = "console/browser.rs"]
mod browser;
#[path = "console/upstream.rs"]
mod upstream;

#[path = "console/passing.rs"]
mod passing;
#[path = "console/sign_in.rs"]
mod sign_in;
#[path = "console/strangers.rs"]
mod strangers;
