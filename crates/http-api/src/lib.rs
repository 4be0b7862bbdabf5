//! What every JSON API here has in common: who may call ([`Hosts`], [`Key`], [`Guard`]), how it says no ([`Problem`]), how
//! bodies, queries and paths are read ([`Body`], [`Query`], [`Path`]), how events are streamed ([`Watchers`]), and how all that is served ([`serve`]) and stopped ([`Underway`]). What an
//! API offers is decided by the room it belongs to.

mod description;
mod fallback;
mod guard;
mod hosts;
mod key;
mod problem;
mod read;
mod serve;
mod structures;
mod underway;
mod watchers;

pub use description::description;
pub use fallback::{bodies_up_to, with_manners};
pub use guard::{Guard, guard};
pub use hosts::{Hosts, Speaker, Stranger};
pub use key::{Key, bearer};
pub use problem::Problem;
pub use read::{Body, Longest, Path, Query, Raw, from_json};
pub use serve::serve;
pub use underway::Underway;
pub use watchers::{Events, Watchers};
