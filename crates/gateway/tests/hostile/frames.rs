//! HTTP/2 frames and header blocks as bytes (RFC 9113, RFC 7541), right or wrong.

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).expect("it is short").to_be_bytes();
    let mut frame = vec![len[1], len[2], len[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The preface with these SETTINGS.
pub(crate) fn preface(settings: &[(u16, u32)]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (name, value) in settings {
        payload.extend(name.to_be_bytes());
        payload.extend(value.to_be_bytes());
    }
    [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(SETTINGS, 0, 0, &payload)].concat()
}

/// The header block of a request that nobody has signed.
pub(crate) fn request() -> Vec<u8> {
    // :method POST and :scheme https of the static table, then :path and :authority with their values.
    let mut block = vec![0x83, 0x87, 0x04];
    for value in ["/3/device/abcdef", "localhost"] {
        block.push(u8::try_from(value.len()).expect("it is short"));
        block.extend(value.as_bytes());
        block.push(0x01);
    }
    block.pop();
    block
}

/// A field that goes into the table, with a value of so many bytes, up to 16 KiB.
pub(crate) fn indexed_field(len: usize) -> Vec<u8> {
    let mut field = vec![0x40, 1, b'x'];
    integer(len, &mut field);
    field.resize(field.len() + len, b'y');
    field
}

/// A length of 7 bits and more (RFC 7541 §5.1).
fn integer(value: usize, out: &mut Vec<u8>) {
    let Some(mut rest) = value.checked_sub(127) else {
        return out.push(u8::try_from(value).expect("it is below 127"));
    };
    out.push(127);
    while rest >= 128 {
        out.push(u8::try_from(rest % 128).expect("it is below 128") | 128);
        rest /= 128;
    }
    out.push(u8::try_from(rest).expect("it is below 128"));
}
