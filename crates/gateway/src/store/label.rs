//! How an `apns-id` is kept: sixteen bytes for the common spellings of a UUID, the text for any other, so that it comes
//! back letter by letter and is found whatever its case.

const LOWER: u8 = 0;
const UPPER: u8 = 1;
const TEXT: u8 = 2;

/// The label as it is kept: a byte that names the spelling, then the UUID or the text.
pub(crate) fn pack(label: &str, into: &mut Vec<u8>) {
    pack_known(label, uuid_of(label), into);
}

/// What a label says, if it is a UUID of any spelling: for who needs it more than once.
pub(crate) fn uuid_of(label: &str) -> Option<uuid::Uuid> {
    uuid::Uuid::try_parse(label).ok()
}

/// [`pack`] of a label whose [`uuid_of`] is known.
pub(crate) fn pack_known(label: &str, uuid: Option<uuid::Uuid>, into: &mut Vec<u8>) {
    // Of the forms that are read as a UUID only the hyphenated one is as long.
    let hyphenated = uuid.filter(|_| label.len() == uuid::fmt::Hyphenated::LENGTH);
    let has = |case: fn(&u8) -> bool| label.as_bytes().iter().any(case);
    match hyphenated {
        Some(uuid) if !has(u8::is_ascii_uppercase) => {
            into.push(LOWER);
            into.extend_from_slice(uuid.as_bytes());
        }
        Some(uuid) if !has(u8::is_ascii_lowercase) => {
            into.push(UPPER);
            into.extend_from_slice(uuid.as_bytes());
        }
        Some(_) | None => {
            into.push(TEXT);
            into.extend_from_slice(label.as_bytes());
        }
    }
}

/// The counterpart of [`pack`]; `None` for bytes that it never wrote.
pub(crate) fn unpack(packed: &[u8]) -> Option<String> {
    let (spelling, rest) = packed.split_first()?;
    match *spelling {
        LOWER | UPPER => Some(spelled(&uuid::Uuid::from_slice(rest).ok()?, *spelling)),
        TEXT => String::from_utf8(rest.to_vec()).ok(),
        _ => None,
    }
}

/// A number that is the same for all spellings of a label. Others may share it by chance.
pub(crate) fn key(label: &str) -> u64 {
    key_known(label, uuid_of(label))
}

/// [`key`] of a label whose [`uuid_of`] is known.
pub(crate) fn key_known(label: &str, uuid: Option<uuid::Uuid>) -> u64 {
    match uuid {
        Some(uuid) => {
            let (high, low) = uuid.as_u64_pair();
            mix(high ^ mix(low))
        }
        None => hash(label.to_ascii_lowercase().as_bytes()),
    }
}

/// FNV-1a with a final mix: stable over versions, since it is kept on disk.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    mix(bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    }))
}

/// The finalizer of SplitMix64: spreads every bit over all.
pub(crate) const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn spelled(uuid: &uuid::Uuid, spelling: u8) -> String {
    let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
    let hyphenated = uuid.hyphenated();
    let text = if spelling == UPPER {
        hyphenated.encode_upper(&mut buffer)
    } else {
        hyphenated.encode_lower(&mut buffer)
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_comes_back_and_has_the_same_key() {
        let lower = "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10";
        let simple = lower.replace('-', "");
        for label in [lower, &lower.to_ascii_uppercase(), "9B4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10", &simple] {
            let mut packed = Vec::new();
            pack(label, &mut packed);
            assert_eq!(unpack(&packed).as_deref(), Some(label));
            assert_eq!(key(label), key(lower));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_label_comes_back(label in ".{0,80}") {
            let mut packed = Vec::new();
            pack(&label, &mut packed);
            proptest::prop_assert_eq!(unpack(&packed), Some(label));
        }

        #[test]
        fn no_bytes_bring_it_down(bytes: Vec<u8>) {
            let _ = unpack(&bytes);
        }
    }
}
