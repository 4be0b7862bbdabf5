//! The business server: keeps which user has which device, takes pushes, sends them as notifications, and counts what
//! became of each.
