//! The provider before a real push service on loopback, with devices of the test's own behind it. What its parts decide by
//! themselves is tested beside them.

#[path = "whole/house.rs"]
mod house;

#[path = "whole/binding.rs"]
mod binding;
#[path = "whole/crashes.rs"]
mod crashes;
#[path = "whole/funnel.rs"]
mod funnel;
