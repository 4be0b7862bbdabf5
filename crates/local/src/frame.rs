//! Frames on the byte stream between device and app: four bytes of length, big-endian, then that many bytes of JSON.
//! What the JSON says is decided by [`crate::message`].

/// Longest JSON in a frame, in bytes.
pub const MAX_LEN: usize = 1024 * 1024;
/// Bytes of the length.
pub const HEADER_LEN: usize = 4;

/// The stream can't be read on, or the message not be sent.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("a frame of {len} bytes is longer than the {MAX_LEN} allowed: close the stream")]
    TooLong { len: usize },
    #[error("an empty frame holds no JSON: close the stream")]
    Empty,
}

/// Appends a frame with `json` to `out`.
pub fn encode(json: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
    let len = check(json.len())?;
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(json);
    Ok(())
}

/// The first frame of `input`: its JSON and how many bytes it took; `None` when more bytes are needed. A length
/// that is not allowed is refused before its bytes arrive.
pub fn decode(input: &[u8]) -> Result<Option<(&[u8], usize)>, FrameError> {
    let Some((header, rest)) = input.split_first_chunk::<HEADER_LEN>() else { return Ok(None) };
    let len = usize::try_from(u32::from_be_bytes(*header)).unwrap_or(usize::MAX);
    check(len)?;
    Ok(rest.get(..len).map(|json| (json, HEADER_LEN + len)))
}

fn check(len: usize) -> Result<u32, FrameError> {
    match u32::try_from(len) {
        Ok(0) => Err(FrameError::Empty),
        Ok(fits) if len <= MAX_LEN => Ok(fits),
        Ok(_) | Err(_) => Err(FrameError::TooLong { len }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_its_length_and_its_json() {
        let mut out = Vec::new();
        encode(b"{}", &mut out).expect("it is short");
        assert_eq!(out, [0, 0, 0, 2, b'{', b'}']);
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_its_bytes_arrive() {
        assert_eq!(decode(&[0, 0x10, 0, 1]), Err(FrameError::TooLong { len: MAX_LEN + 1 }));
        assert_eq!(decode(&[0, 0x10, 0, 0]), Ok(None));
        assert_eq!(decode(&[0, 0, 0, 0]), Err(FrameError::Empty));
        assert_eq!(
            encode(&vec![b' '; MAX_LEN + 1], &mut Vec::new()),
            Err(FrameError::TooLong { len: MAX_LEN + 1 })
        );
    }

    proptest::proptest! {
        #[test]
        fn frames_are_read_back_however_the_stream_is_cut(
            messages in proptest::collection::vec(proptest::collection::vec(0_u8.., 1..50), 0..8),
            cut in 1_usize..20,
        ) {
            let mut stream = Vec::new();
            for json in &messages {
                encode(json, &mut stream).expect("it is short");
            }
            let (mut buffer, mut read) = (Vec::new(), Vec::new());
            for piece in stream.chunks(cut) {
                buffer.extend_from_slice(piece);
                while let Some((json, len)) = decode(&buffer).expect("we wrote it") {
                    read.push(json.to_vec());
                    buffer.drain(..len);
                }
            }
            proptest::prop_assert_eq!(read, messages);
            proptest::prop_assert!(buffer.is_empty());
        }

        #[test]
        fn any_bytes_are_decoded_without_panic(bytes in proptest::collection::vec(0_u8.., 0..64)) {
            let _ = decode(&bytes);
        }
    }
}
