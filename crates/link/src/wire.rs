//! MQTT's data representation (*MQTT Version 5.0*, 1.5): how integers, strings and binary data stand in bytes.

use crate::{DecodeError, EncodeError, PacketId};

/// Bytes whose content is nobody's business in a log: Debug shows only how many there are.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Opaque<'a>(pub &'a [u8]);

impl std::fmt::Debug for Opaque<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<{} bytes>", self.0.len())
    }
}

impl std::ops::Deref for Opaque<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0
    }
}

impl<'a> From<&'a [u8]> for Opaque<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl<'a> From<&'a str> for Opaque<'a> {
    fn from(text: &'a str) -> Self {
        Self(text.as_bytes())
    }
}

/// A variable byte integer at the front of some bytes.
pub(crate) struct VarInt {
    pub(crate) value: usize,
    pub(crate) len: usize,
}

impl VarInt {
    /// Whether it could have been written in fewer bytes.
    pub(crate) fn is_padded(&self) -> bool {
        self.len > 1 && self.value < 1 << (7 * (self.len - 1))
    }

    /// `None` when more bytes are needed.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<Self>, DecodeError> {
        let mut value = 0;
        for (index, &byte) in bytes.iter().take(4).enumerate() {
            value |= usize::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                return Ok(Some(Self { value, len: index + 1 }));
            }
        }
        if bytes.len() < 4 { Ok(None) } else { Err(DecodeError::LongInteger) }
    }
}

/// Reads one packet's fields from the front.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(DecodeError::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(DecodeError::Short)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    /// A variable byte integer inside a packet; those exist in MQTT 5 only, where padding is malformed.
    pub(crate) fn varint(&mut self) -> Result<usize, DecodeError> {
        let read = VarInt::read(self.rest)?.ok_or(DecodeError::Short)?;
        if read.is_padded() {
            return Err(DecodeError::PaddedInteger);
        }
        self.take(read.len)?;
        Ok(read.value)
    }

    pub(crate) fn binary(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = self.u16()?;
        self.take(usize::from(len))
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, DecodeError> {
        let bytes = self.binary()?;
        let text = std::str::from_utf8(bytes).map_err(|_| DecodeError::NotUtf8)?;
        if bytes.contains(&0) { Err(DecodeError::NullCharacter) } else { Ok(text) }
    }

    pub(crate) fn packet_id(&mut self) -> Result<PacketId, DecodeError> {
        PacketId::new(self.u16()?).ok_or(DecodeError::ZeroPacketId)
    }

    /// Everything that is left.
    pub(crate) fn remainder(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(crate) const fn end(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::LeftOver(self.rest.len())) }
    }
}

/// How fields are appended.
pub(crate) trait Sink {
    fn u8(&mut self, value: u8);
    fn u16(&mut self, value: u16);
    fn u32(&mut self, value: u32);
    fn bytes(&mut self, bytes: &[u8]);
    fn varint(&mut self, value: usize);
    fn binary(&mut self, bytes: &[u8]) -> Result<(), EncodeError>;
    fn text(&mut self, text: &str) -> Result<(), EncodeError>;
    fn put_len_before(&mut self, start: usize);
}

impl Sink for Vec<u8> {
    fn u8(&mut self, value: u8) {
        self.push(value);
    }

    fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    /// Values from 2^28 on don't exist; lengths are checked before they come here.
    fn varint(&mut self, mut value: usize) {
        while value > 0x7f {
            self.u8((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.u8(value as u8);
    }

    fn binary(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.u16(u16::try_from(bytes.len()).map_err(|_| EncodeError::FieldTooLong(bytes.len()))?);
        self.bytes(bytes);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), EncodeError> {
        if text.as_bytes().contains(&0) {
            return Err(EncodeError::NullCharacter);
        }
        self.binary(text.as_bytes())
    }

    /// Puts how much has been appended since `start` before it, as a variable byte integer. It is cheaper to move some
    /// hundred bytes than to count before they are written.
    fn put_len_before(&mut self, start: usize) {
        let len = self.len() - start;
        self.varint(len);
        let digits = self.len() - start - len;
        self[start..].rotate_right(digits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_borders_of_a_variable_byte_integer_stand_as_in_the_specification() {
        let borders: [(usize, &[u8]); 8] = [
            (0, &[0x00]),
            (127, &[0x7f]),
            (128, &[0x80, 0x01]),
            (16_383, &[0xff, 0x7f]),
            (16_384, &[0x80, 0x80, 0x01]),
            (2_097_151, &[0xff, 0xff, 0x7f]),
            (2_097_152, &[0x80, 0x80, 0x80, 0x01]),
            (268_435_455, &[0xff, 0xff, 0xff, 0x7f]),
        ];
        for (value, bytes) in borders {
            let mut out = Vec::new();
            out.varint(value);
            assert_eq!(out, bytes);
            assert_eq!(Reader::new(bytes).varint(), Ok(value));
        }
    }

    #[test]
    fn a_padded_or_endless_integer_is_malformed() {
        assert_eq!(Reader::new(&[0x80, 0x00]).varint(), Err(DecodeError::PaddedInteger));
        assert_eq!(Reader::new(&[0xff; 5]).varint(), Err(DecodeError::LongInteger));
        assert_eq!(Reader::new(&[0xff; 3]).varint(), Err(DecodeError::Short));
    }

    #[test]
    fn opaque_bytes_do_not_show_in_debug() {
        assert_eq!(format!("{:?}", Opaque(b"secret")), "<6 bytes>");
    }
}
