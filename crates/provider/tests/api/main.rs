//! The API over real sockets and a real store: who may ask, what is refused and how, and what is answered.

mod description;
mod hands;
mod hostile;
mod identity;
mod installations;
mod keys;
mod pushes;
mod refusals;
mod watching;
