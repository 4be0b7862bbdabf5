//! The whole path in real processes: `homing up`, a provider, virtual iPhones, the trace. One binary, so that it links
//! once; what is told stands in the modules.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that isn't as it should be")]

mod article;
mod away;
mod centre;
mod chapter_3_permission;
mod chapter_4_local_notifications;
mod chapter_5_remote_notifications;
mod chapter_6_handling;
mod chapters_on_ios_9;
mod desktop;
mod ephemeral;
mod home;
mod hostile;
mod killed;
mod lifecycle;
mod logins;
mod passing;
mod phone;
mod real_app;
mod script;
mod start;
mod stop;
mod testers;
