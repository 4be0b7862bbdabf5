//! MQTT 5's properties (*MQTT Version 5.0*, 2.2.2): which may stand in which packet, how often, with which values.
//!
//! One structure per kind of packet, its fields by number. What occurs many times (user properties, a PUBLISH's
//! subscription identifiers) stays where it is in the packet and is walked by an iterator.

use std::num::{NonZeroU16, NonZeroU32};

use crate::wire::{Reader, Sink as _};
use crate::{DecodeError, EncodeError, Opaque, Qos};

const USER_PROPERTY: u8 = 0x26;
const SUBSCRIPTION_ID: u8 = 0x0b;

/// The properties of one kind of packet.
pub(crate) trait Section<'a>: Default {
    fn accept(&mut self, id: u8, reader: &mut Reader<'a>, section: &'a [u8]) -> Result<(), DecodeError>;
    fn put(&self, sink: &mut Vec<u8>) -> Result<(), EncodeError>;
}

pub(crate) fn read_section<'a, P: Section<'a>>(reader: &mut Reader<'a>) -> Result<P, DecodeError> {
    let len = reader.varint()?;
    let section = reader.take(len)?;
    let mut properties = P::default();
    let mut inner = Reader::new(section);
    while !inner.is_empty() {
        let id = u8::try_from(inner.varint()?).map_err(|_| DecodeError::UnknownProperty(u8::MAX))?;
        properties.accept(id, &mut inner, section)?;
    }
    Ok(properties)
}

pub(crate) fn put_section<'a>(sink: &mut Vec<u8>, properties: &impl Section<'a>) -> Result<(), EncodeError> {
    let start = sink.len();
    properties.put(sink)?;
    sink.put_len_before(start);
    Ok(())
}

/// A property's value, and how it stands in bytes.
trait Value<'a>: Sized {
    fn read(id: u8, reader: &mut Reader<'a>) -> Result<Self, DecodeError>;
    fn put(&self, sink: &mut Vec<u8>) -> Result<(), EncodeError>;
}

macro_rules! plain_value {
    ($type:ty, $id:ident, $reader:ident => $read:expr, $self:ident, $sink:ident => $put:expr) => {
        impl<'a> Value<'a> for $type {
            fn read($id: u8, $reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
                $read
            }

            fn put(&$self, $sink: &mut Vec<u8>) -> Result<(), EncodeError> {
                $put;
                Ok(())
            }
        }
    };
}

plain_value!(u16, _id, reader => reader.u16(), self, sink => sink.u16(*self));
plain_value!(u32, _id, reader => reader.u32(), self, sink => sink.u32(*self));
plain_value!(&'a str, _id, reader => reader.text(), self, sink => sink.text(self)?);
plain_value!(Opaque<'a>, _id, reader => reader.binary().map(Opaque), self, sink => sink.binary(self)?);
plain_value!(NonZeroU16, id, reader => Self::new(reader.u16()?).ok_or(DecodeError::PropertyValue(id)),
    self, sink => sink.u16(self.get()));
plain_value!(NonZeroU32, id, reader => Self::new(reader.u32()?).ok_or(DecodeError::PropertyValue(id)),
    self, sink => sink.u32(self.get()));
plain_value!(bool, id, reader => match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::PropertyValue(id)),
    }, self, sink => sink.u8(u8::from(*self)));
plain_value!(SubscriptionId, id, reader => u32::try_from(reader.varint()?).ok().and_then(Self::new)
        .ok_or(DecodeError::PropertyValue(id)),
    self, sink => sink.varint(self.0.get() as usize));
// Only CONNACK's Maximum QoS is one, and says 0 or 1.
plain_value!(Qos, id, reader => match reader.u8()? {
        0 => Ok(Self::AtMostOnce),
        1 => Ok(Self::AtLeastOnce),
        _ => Err(DecodeError::PropertyValue(id)),
    }, self, sink => sink.u8(u8::from(*self != Self::AtMostOnce)));

/// A property's place in its structure: once, or many times.
trait Field<'a> {
    fn accept(&mut self, id: u8, reader: &mut Reader<'a>, section: &'a [u8]) -> Result<(), DecodeError>;
    fn put(&self, id: u8, sink: &mut Vec<u8>) -> Result<(), EncodeError>;
}

impl<'a, T: Value<'a>> Field<'a> for Option<T> {
    fn accept(&mut self, id: u8, reader: &mut Reader<'a>, _section: &'a [u8]) -> Result<(), DecodeError> {
        if self.is_some() {
            return Err(DecodeError::RepeatedProperty(id));
        }
        *self = Some(T::read(id, reader)?);
        Ok(())
    }

    fn put(&self, id: u8, sink: &mut Vec<u8>) -> Result<(), EncodeError> {
        let Some(value) = self else { return Ok(()) };
        sink.u8(id);
        value.put(sink)
    }
}

/// Many values: where they stood in a packet, or as they are to be written.
#[derive(Clone, Copy)]
enum Many<'a, T> {
    /// A property section that was checked as a whole.
    Wire(&'a [u8]),
    Items(&'a [T]),
}

impl<T> Default for Many<'_, T> {
    fn default() -> Self {
        Self::Items(&[])
    }
}

/// The checked values of one property in a section.
fn values<'a, T>(
    section: &'a [u8],
    wanted: u8,
    read: fn(&mut Reader<'a>) -> Option<T>,
) -> impl Iterator<Item = T> {
    let mut reader = Reader::new(section);
    std::iter::from_fn(move || {
        while !reader.is_empty() {
            let id = reader.u8().ok()?;
            if id == wanted {
                return read(&mut reader);
            }
            skip(id, &mut reader).ok()?;
        }
        None
    })
}

/// User properties: names and values of the application's own, in order, names may repeat.
#[derive(Clone, Copy, Default)]
pub struct UserProperties<'a>(Many<'a, (&'a str, &'a str)>);

impl<'a> UserProperties<'a> {
    /// To be written; reading gives the same type over the packet's own bytes.
    pub const fn new(pairs: &'a [(&'a str, &'a str)]) -> Self {
        Self(Many::Items(pairs))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let (section, pairs): (&[u8], &[(&str, &str)]) = match self.0 {
            Many::Wire(section) => (section, &[]),
            Many::Items(pairs) => (&[], pairs),
        };
        let read = |reader: &mut Reader<'a>| Some((reader.text().ok()?, reader.text().ok()?));
        pairs.iter().copied().chain(values(section, USER_PROPERTY, read))
    }

    /// The first value under this name.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.iter().find(|pair| pair.0 == name).map(|pair| pair.1)
    }

    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl<'a> Field<'a> for UserProperties<'a> {
    fn accept(&mut self, _id: u8, reader: &mut Reader<'a>, section: &'a [u8]) -> Result<(), DecodeError> {
        reader.text()?;
        reader.text()?;
        self.0 = Many::Wire(section);
        Ok(())
    }

    fn put(&self, id: u8, sink: &mut Vec<u8>) -> Result<(), EncodeError> {
        for (name, value) in self.iter() {
            sink.u8(id);
            sink.text(name)?;
            sink.text(value)?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for UserProperties<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for UserProperties<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for UserProperties<'_> {}

/// 1 to 268,435,455.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionId(NonZeroU32);

impl SubscriptionId {
    pub const fn new(id: u32) -> Option<Self> {
        match NonZeroU32::new(id) {
            Some(id) if id.get() < 1 << 28 => Some(Self(id)),
            Some(_) | None => None,
        }
    }

    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

/// The subscriptions a PUBLISH came by. Homing grants none; a foreign server may.
#[derive(Clone, Copy, Default)]
pub struct SubscriptionIds<'a>(Many<'a, SubscriptionId>);

impl<'a> SubscriptionIds<'a> {
    pub const fn new(ids: &'a [SubscriptionId]) -> Self {
        Self(Many::Items(ids))
    }

    pub fn iter(&self) -> impl Iterator<Item = SubscriptionId> + use<'a> {
        let (section, ids): (&[u8], &[SubscriptionId]) = match self.0 {
            Many::Wire(section) => (section, &[]),
            Many::Items(ids) => (&[], ids),
        };
        let read = |reader: &mut Reader<'a>| SubscriptionId::read(SUBSCRIPTION_ID, reader).ok();
        ids.iter().copied().chain(values(section, SUBSCRIPTION_ID, read))
    }

    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl<'a> Field<'a> for SubscriptionIds<'a> {
    fn accept(&mut self, id: u8, reader: &mut Reader<'a>, section: &'a [u8]) -> Result<(), DecodeError> {
        SubscriptionId::read(id, reader)?;
        self.0 = Many::Wire(section);
        Ok(())
    }

    fn put(&self, id: u8, sink: &mut Vec<u8>) -> Result<(), EncodeError> {
        for value in self.iter() {
            sink.u8(id);
            value.put(sink)?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for SubscriptionIds<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for SubscriptionIds<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for SubscriptionIds<'_> {}

/// Steps over the value of any property there is.
fn skip(id: u8, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    match id {
        0x01 | 0x17 | 0x19 | 0x24 | 0x25 | 0x28 | 0x29 | 0x2a => reader.u8().map(drop),
        0x13 | 0x21 | 0x22 | 0x23 => reader.u16().map(drop),
        0x02 | 0x11 | 0x18 | 0x27 => reader.u32().map(drop),
        SUBSCRIPTION_ID => reader.varint().map(drop),
        0x03 | 0x08 | 0x09 | 0x12 | 0x15 | 0x16 | 0x1a | 0x1c | 0x1f => reader.binary().map(drop),
        USER_PROPERTY => reader.binary().and_then(|_| reader.binary()).map(drop),
        unknown => Err(DecodeError::UnknownProperty(unknown)),
    }
}

/// A property this packet has no field for: does it exist at all?
fn misplaced(id: u8, reader: &mut Reader<'_>) -> DecodeError {
    match skip(id, reader) {
        Err(error @ DecodeError::UnknownProperty(_)) => error,
        Ok(()) | Err(_) => DecodeError::MisplacedProperty(id),
    }
}

macro_rules! properties {
    ($($(#[$doc:meta])* $name:ident<$lt:lifetime> { $($(#[$field_doc:meta])* $field:ident: $type:ty = $id:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name<$lt> {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl<$lt> Section<$lt> for $name<$lt> {
            fn accept(&mut self, id: u8, reader: &mut Reader<$lt>, section: &$lt [u8]) -> Result<(), DecodeError> {
                match id {
                    $($id => self.$field.accept(id, reader, section),)*
                    other => Err(misplaced(other, reader)),
                }
            }

            fn put(&self, sink: &mut Vec<u8>) -> Result<(), EncodeError> {
                $(self.$field.put($id, sink)?;)*
                Ok(())
            }
        }
    )*};
}

properties! {
    /// Of CONNECT (3.1.2.11).
    ConnectProperties<'a> {
        /// Seconds; absent means 0.
        session_expiry: Option<u32> = 0x11,
        /// How many QoS 1 and 2 PUBLISHes it takes at once; absent means 65,535.
        receive_maximum: Option<NonZeroU16> = 0x21,
        /// Bytes of the longest packet it takes; absent means no limit.
        maximum_packet_size: Option<NonZeroU32> = 0x27,
        topic_alias_maximum: Option<u16> = 0x22,
        request_response_information: Option<bool> = 0x19,
        /// `Some(false)`: no reason strings and user properties, except in PUBLISH, CONNACK and DISCONNECT.
        request_problem_information: Option<bool> = 0x17,
        user: UserProperties<'a> = 0x26,
        authentication_method: Option<&'a str> = 0x15,
        authentication_data: Option<Opaque<'a>> = 0x16,
    }

    /// Of the will in a CONNECT (3.1.3.2).
    WillProperties<'a> {
        /// Seconds.
        delay: Option<u32> = 0x18,
        payload_is_text: Option<bool> = 0x01,
        /// Seconds.
        message_expiry: Option<u32> = 0x02,
        content_type: Option<&'a str> = 0x03,
        response_topic: Option<&'a str> = 0x08,
        correlation_data: Option<Opaque<'a>> = 0x09,
        user: UserProperties<'a> = 0x26,
    }

    /// Of CONNACK (3.2.2.3).
    ConnAckProperties<'a> {
        /// Seconds; absent means as the client asked.
        session_expiry: Option<u32> = 0x11,
        receive_maximum: Option<NonZeroU16> = 0x21,
        /// 0 or 1; absent means 2.
        maximum_qos: Option<Qos> = 0x24,
        retain_available: Option<bool> = 0x25,
        maximum_packet_size: Option<NonZeroU32> = 0x27,
        assigned_client_id: Option<&'a str> = 0x12,
        topic_alias_maximum: Option<u16> = 0x22,
        reason_string: Option<&'a str> = 0x1f,
        user: UserProperties<'a> = 0x26,
        wildcard_subscription_available: Option<bool> = 0x28,
        subscription_ids_available: Option<bool> = 0x29,
        shared_subscription_available: Option<bool> = 0x2a,
        /// Seconds; the client uses it instead of what it asked for.
        server_keep_alive: Option<u16> = 0x13,
        response_information: Option<&'a str> = 0x1a,
        server_reference: Option<&'a str> = 0x1c,
        authentication_method: Option<&'a str> = 0x15,
        authentication_data: Option<Opaque<'a>> = 0x16,
    }

    /// Of PUBLISH (3.3.2.3).
    PublishProperties<'a> {
        payload_is_text: Option<bool> = 0x01,
        /// Seconds that are left.
        message_expiry: Option<u32> = 0x02,
        topic_alias: Option<NonZeroU16> = 0x23,
        response_topic: Option<&'a str> = 0x08,
        correlation_data: Option<Opaque<'a>> = 0x09,
        user: UserProperties<'a> = 0x26,
        subscription_ids: SubscriptionIds<'a> = 0x0b,
        content_type: Option<&'a str> = 0x03,
    }

    /// Of PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK and UNSUBACK.
    AckProperties<'a> {
        reason_string: Option<&'a str> = 0x1f,
        user: UserProperties<'a> = 0x26,
    }

    /// Of SUBSCRIBE (3.8.2.1).
    SubscribeProperties<'a> {
        subscription_id: Option<SubscriptionId> = 0x0b,
        user: UserProperties<'a> = 0x26,
    }

    /// Of UNSUBSCRIBE (3.10.2.1).
    UnsubscribeProperties<'a> {
        user: UserProperties<'a> = 0x26,
    }

    /// Of DISCONNECT (3.14.2.2).
    DisconnectProperties<'a> {
        /// Seconds; a client only.
        session_expiry: Option<u32> = 0x11,
        reason_string: Option<&'a str> = 0x1f,
        user: UserProperties<'a> = 0x26,
        /// A server only.
        server_reference: Option<&'a str> = 0x1c,
    }

    /// Of AUTH (3.15.2.2).
    AuthProperties<'a> {
        authentication_method: Option<&'a str> = 0x15,
        authentication_data: Option<Opaque<'a>> = 0x16,
        reason_string: Option<&'a str> = 0x1f,
        user: UserProperties<'a> = 0x26,
    }
}
