//! The codec against written examples, against itself, and against two codecs that others wrote.

mod arbitrary;
mod differential;
mod goldens;
mod oracles;
mod roundtrip;
