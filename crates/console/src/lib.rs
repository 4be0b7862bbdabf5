//! The web console: signs a person in by a one-time link, serves the page, and speaks to the other APIs in its name, so
//! that no key reaches the browser. What the page shows is decided in `web/`.

mod attempts;
mod console;
mod doors;
mod guard;
mod links;
mod page;
mod proxy;
mod sessions;

pub use console::{Console, ConsoleConfig, StartError, Upstream};
