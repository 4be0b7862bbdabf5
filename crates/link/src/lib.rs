//! The device link: MQTT 3.1.1 and 5 over byte slices, both directions, and the names spoken on it.
//!
//! This crate decides what bytes mean and which bytes are wrong. It keeps no state per connection, reads no clock and
//! does no I/O: who may connect, what is sent when, and the rules that need a session (unexpected packets, windows,
//! timers) are decided by the push service and by the device. Rules come from *MQTT Version 5.0* and *MQTT Version
//! 3.1.1* (OASIS); the numbers in brackets beside errors are theirs.

mod channel;
mod decode;
mod door;
mod encode;
mod encoded_publish;
mod enrolment;
mod error;
mod filters;
mod notification_head;
mod packet;
mod property;
mod reason_code;
pub mod topic;
mod wire;

pub use channel::{BroadcastHead, ChannelName, MAX_CHANNEL_ID_LEN};
pub use decode::{MAX_REMAINING_LENGTH, decode};
pub use door::{ALPN_HTTP1, ALPN_HTTP2, ALPN_MQTT, Speaks, WEBSOCKET_PATH, WEBSOCKET_SUBPROTOCOL};
pub use encode::encode;
pub use encoded_publish::EncodedPublish;
pub use enrolment::{CertifiedEnrolment, DeviceId, DeviceIdError, DeviceState, Enrolment, EnrolmentRequest};
pub use error::{DecodeError, EncodeError};
pub use filters::{RetainHandling, SubscribeFilter, SubscribeFilters, UnsubscribeFilters};
pub use notification_head::{HeadError, NotificationHead, user_property};
pub use packet::{
    Ack, Auth, ConnAck, Connect, Delivery, Disconnect, Packet, PacketId, Publish, Qos, SubAck, Subscribe,
    UnsubAck, Unsubscribe, Version, Will,
};
pub use property::{
    AckProperties, AuthProperties, ConnAckProperties, ConnectProperties, DisconnectProperties,
    PublishProperties, SubscribeProperties, SubscriptionId, SubscriptionIds, UnsubscribeProperties,
    UserProperties, WillProperties,
};
pub use reason_code::ReasonCode;
pub use topic::{FilterError, FromDevice, RegistrationName, ToDevice, TopicError};
pub use wire::Opaque;
