//! What is written is read back, and nothing that comes in makes the codec panic.

use homing_link::{decode, encode};
use proptest::prelude::*;

use crate::arbitrary::{mutate, mutations, version, versioned_packet};

const MAX: usize = 1 << 20;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn what_is_encoded_decodes_to_the_same((version, packet) in versioned_packet()) {
        let mut bytes = vec![0xff];
        encode(&packet, version, &mut bytes).unwrap();
        let decoded = decode(&bytes[1..], version, MAX).unwrap();
        prop_assert_eq!(decoded, Some((packet, bytes.len() - 1)));
    }

    #[test]
    fn a_part_of_a_packet_asks_for_more((version, packet) in versioned_packet(), cut: prop::sample::Index) {
        let mut bytes = Vec::new();
        encode(&packet, version, &mut bytes).unwrap();
        let cut = cut.index(bytes.len());
        prop_assert_eq!(decode(&bytes[..cut], version, MAX), Ok(None));
        if cut >= 5 {
            prop_assert!(decode(&bytes[..cut], version, bytes.len() - 1).is_err());
        }
    }

    #[test]
    fn bytes_of_the_next_packet_are_left_alone((version, packet) in versioned_packet(), next: Vec<u8>) {
        let mut bytes = Vec::new();
        encode(&packet, version, &mut bytes).unwrap();
        let len = bytes.len();
        bytes.extend(next);
        prop_assert_eq!(decode(&bytes, version, MAX), Ok(Some((packet, len))));
    }

    #[test]
    fn what_was_taken_from_a_damaged_packet_is_encodable((version, packet) in versioned_packet(), damage in mutations()) {
        let mut bytes = Vec::new();
        encode(&packet, version, &mut bytes).unwrap();
        mutate(&mut bytes, &damage);
        if let Ok(Some((packet, _))) = decode(&bytes, version, MAX) {
            let mut again = Vec::new();
            encode(&packet, version, &mut again).unwrap();
            prop_assert_eq!(decode(&again, version, MAX), Ok(Some((packet, again.len()))));
        }
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, version in version()) {
        if let Ok(Some((packet, len))) = decode(&bytes, version, MAX) {
            prop_assert!(len <= bytes.len());
            let _ = format!("{packet:?}");
        }
    }
}
