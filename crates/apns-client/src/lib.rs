//! The client half of Apple's provider protocol: sends notifications to Apple's push service, or to any that speaks
//! its protocol, over HTTP/2.
//!
//! [`Client`] is one connection, driven by one task; [`Client::send`] runs in the caller's. [`Client::receipts`] reads what
//! became of the notifications, where the push service is Homing's; [`Client::channels`] keeps broadcast channels and broadcasts. What a request may say
//! and what an answer means stands in `homing-apns`; which notification to send, and when to try again, is decided by
//! the caller, to whom every error says whether the notification may have been accepted.

mod certificate;
mod client;
mod connect;
mod error;
mod go_away;
mod provider_key;
mod tls;

pub use certificate::{CertificateError, ClientCertificate};
pub use client::{Broadcast, ChannelAnswer, ChannelOrder, Client, Receipts, Request, Response};
pub use connect::{ClientConfig, Credential, DEVELOPMENT_HOST, PRODUCTION_HOST};
pub use error::{ConnectError, ReceiptsError, SendError};
pub use provider_key::ProviderKey;
pub use tls::{Roots, RootsError};
