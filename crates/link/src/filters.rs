//! The lists of topic filters in SUBSCRIBE and UNSUBSCRIBE, checked once and walked where they stand.

use crate::wire::{Reader, Sink as _};
use crate::{DecodeError, EncodeError, Qos, Version};

/// Whether a server sends retained messages at a subscribe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetainHandling {
    #[default]
    Send,
    SendIfNew,
    DoNotSend,
}

/// One wish of a SUBSCRIBE. What the filter means is [`crate::RegistrationName::parse_filter`]'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscribeFilter<'a> {
    pub filter: &'a str,
    pub qos: Qos,
    /// This and what follows: MQTT 5 only.
    pub no_local: bool,
    pub retain_as_published: bool,
    pub retain_handling: RetainHandling,
}

impl<'a> SubscribeFilter<'a> {
    pub const fn at(qos: Qos, filter: &'a str) -> Self {
        Self {
            filter,
            qos,
            no_local: false,
            retain_as_published: false,
            retain_handling: RetainHandling::Send,
        }
    }

    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self, DecodeError> {
        let filter = read_filter(reader)?;
        let options = reader.u8()?;
        let reserved = match version {
            Version::V311 => 0xfc,
            Version::V5 => 0xc0,
        };
        let qos = Qos::from_u8(options & 0x03).ok_or(DecodeError::Qos3)?;
        if options & reserved != 0 {
            return Err(DecodeError::ReservedSubscriptionOptions);
        }
        let retain_handling = match (options >> 4) & 0x03 {
            0 => RetainHandling::Send,
            1 => RetainHandling::SendIfNew,
            2 => RetainHandling::DoNotSend,
            _ => return Err(DecodeError::RetainHandling3),
        };
        let no_local = options & 0x04 != 0;
        if no_local && filter.starts_with("$share/") {
            return Err(DecodeError::NoLocalOnShared);
        }
        Ok(Self { filter, qos, no_local, retain_as_published: options & 0x08 != 0, retain_handling })
    }

    fn options(&self, version: Version) -> u8 {
        let retain_handling = match self.retain_handling {
            RetainHandling::Send => 0,
            RetainHandling::SendIfNew => 0x10,
            RetainHandling::DoNotSend => 0x20,
        };
        match version {
            Version::V311 => self.qos.as_u8(),
            Version::V5 => {
                self.qos.as_u8()
                    | u8::from(self.no_local) << 2
                    | u8::from(self.retain_as_published) << 3
                    | retain_handling
            }
        }
    }
}

fn read_filter<'a>(reader: &mut Reader<'a>) -> Result<&'a str, DecodeError> {
    let filter = reader.text()?;
    if filter.is_empty() { Err(DecodeError::EmptyTopic) } else { Ok(filter) }
}

fn put_filter(sink: &mut Vec<u8>, filter: &str) -> Result<(), EncodeError> {
    if filter.is_empty() { Err(EncodeError::NoFilters) } else { sink.text(filter) }
}

#[derive(Clone, Copy)]
enum List<'a, T> {
    /// The rest of a packet, checked to its end.
    Wire(&'a [u8], Version),
    Items(&'a [T]),
}

macro_rules! filter_list {
    ($(#[$doc:meta])* $name:ident, $item:ty, $read:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name<'a>(List<'a, $item>);

        impl<'a> $name<'a> {
            /// To be written; reading gives the same type over the packet's own bytes.
            pub const fn new(items: &'a [$item]) -> Self {
                Self(List::Items(items))
            }

            pub(crate) fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self, DecodeError> {
                if reader.is_empty() {
                    return Err(DecodeError::NoFilters);
                }
                let bytes = reader.remainder();
                let mut walk = Reader::new(bytes);
                while !walk.is_empty() {
                    $read(&mut walk, version)?;
                }
                Ok(Self(List::Wire(bytes, version)))
            }

            pub fn iter(&self) -> impl Iterator<Item = $item> + use<'a> {
                let (bytes, version, items): (&[u8], _, &[$item]) = match self.0 {
                    List::Wire(bytes, version) => (bytes, version, &[]),
                    List::Items(items) => (&[], Version::V5, items),
                };
                let mut reader = Reader::new(bytes);
                let read = std::iter::from_fn(move || $read(&mut reader, version).ok());
                items.iter().copied().chain(read)
            }
        }

        impl std::fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_list().entries(self.iter()).finish()
            }
        }

        impl PartialEq for $name<'_> {
            fn eq(&self, other: &Self) -> bool {
                self.iter().eq(other.iter())
            }
        }

        impl Eq for $name<'_> {}
    };
}

filter_list!(
    /// A SUBSCRIBE's wishes, at least one.
    SubscribeFilters,
    SubscribeFilter<'a>,
    SubscribeFilter::read
);
filter_list!(
    /// An UNSUBSCRIBE's filters, at least one.
    UnsubscribeFilters,
    &'a str,
    |reader: &mut Reader<'a>, _version: Version| read_filter(reader)
);

impl SubscribeFilters<'_> {
    pub(crate) fn put(&self, sink: &mut Vec<u8>, version: Version) -> Result<(), EncodeError> {
        self.iter().next().ok_or(EncodeError::NoFilters)?;
        for wish in self.iter() {
            put_filter(sink, wish.filter)?;
            sink.u8(wish.options(version));
        }
        Ok(())
    }
}

impl UnsubscribeFilters<'_> {
    pub(crate) fn put(&self, sink: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.iter().next().ok_or(EncodeError::NoFilters)?;
        self.iter().try_for_each(|filter| put_filter(sink, filter))
    }
}
