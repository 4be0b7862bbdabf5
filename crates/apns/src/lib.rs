//! Apple's provider protocol, in both directions: what a request may say, what an answer says, and who is to mend what.
//!
//! Pure: the time and the keys are arguments, reading sockets and looking up keys are left to the rooms. The
//! sources are Apple's pages *Sending notification requests to APNs*, *Handling notification responses from APNs*,
//! *Establishing a token-based connection to APNs* and *Establishing a certificate-based connection to APNs*; where they
//! are silent or the service in the field differs, the item's own documentation says what was decided.

mod apns_id;
pub mod certificate;
pub mod channel;
mod device_token;
mod headers;
pub mod jwt;
pub mod legacy;
mod leniency;
mod options;
mod path;
mod push_type;
mod reason;
pub mod receipts;
mod refusal;
mod topic;

pub use apns_id::ApnsId;
pub use certificate::CertificateTopics;
pub use channel::{ChannelId, ChannelOperation, ChannelRequest, StoragePolicy};
pub use device_token::DeviceTokenHex;
pub use headers::{DeliveryOptions, MOST_HEADER_BYTES, RequestHeaders, effective_priority};
pub use homing_payload::PushType;
pub use leniency::{Leniencies, Leniency};
pub use options::{CollapseId, Expiration, Priority};
pub use path::device_token_in_path;
pub use push_type::{CredentialKind, check_credential, check_topic, infer_push_type, push_type_of_topic};
pub use reason::{Act, Reason, Retry};
pub use refusal::{Refusal, RefusalError};
pub use topic::Topic;
