//! What every JSON API here has in common: who may call ([`Hosts`], [`Key`], [`Guard`]), how it says no ([`Problem`]), how
//! bodies, queries and paths are read ([`Body`], [`Query`], [`Path`]), and how events are streamed ([`Watchers`]). What an
//! API offers is decided by the room it belongs to.

mod fallback;
mod guard;
mod hosts;
mod key;
mod problem;
mod read;
mod watchers;

pub use fallback::with_manners;
pub use guard::{Guard, guard};
pub use hosts::{Hosts, Speaker, Stranger};
pub use key::{Key, bearer};
pub use problem::Problem;
pub use read::{Body, Path, Query, Raw, from_json};
pub use watchers::{Events, Watchers};
