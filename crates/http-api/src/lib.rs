//! What every JSON API here has in common: who may call, how it says no, how bodies are read. What an API offers is
//! decided by the room it belongs to.
