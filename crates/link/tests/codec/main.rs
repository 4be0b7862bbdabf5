//! The codec against written examples, against itself, and against two codecs that others wrote.

mod arbitrary;
mod goldens;
mod roundtrip;
