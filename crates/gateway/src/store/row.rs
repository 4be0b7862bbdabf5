//! The layout of a kept notification's columns: how its headers are packed, and how a row is read back.

use std::sync::Arc;

use bytes::Bytes;
use homing_apns::{CollapseId, Expiration, Priority, PushType};
use homing_trace::{Environment, UnixMillis};

use super::hot::StoredNotification;
use super::label;
use crate::notification::Notification;

/// SQLite's numbers are signed; ours keep their bits.
pub(crate) const fn signed(value: u64) -> i64 {
    value.cast_signed()
}

/// The counterpart of [`signed`].
pub(crate) const fn unsigned(value: i64) -> u64 {
    value.cast_unsigned()
}

pub(crate) const fn environment_number(environment: Environment) -> u8 {
    match environment {
        Environment::Development => 0,
        Environment::Production => 1,
    }
}

pub(crate) const fn environment_of(number: u8) -> Option<Environment> {
    match number {
        0 => Some(Environment::Development),
        1 => Some(Environment::Production),
        _ => None,
    }
}

/// Priority, push type, expiration and collapse id: `[priority][len][push type]['-' | 'e' + 8 bytes][collapse id]`.
pub(crate) fn pack_headers(notification: &Notification, into: &mut Vec<u8>) {
    into.push(notification.priority.number());
    let push_type = notification.push_type.as_str().as_bytes();
    into.push(u8::try_from(push_type.len()).unwrap_or(0));
    into.extend_from_slice(push_type);
    match notification.expiration.seconds() {
        None => into.push(b'-'),
        Some(seconds) => {
            into.push(b'e');
            into.extend_from_slice(&seconds.to_le_bytes());
        }
    }
    if let Some(collapse_id) = &notification.collapse_id {
        into.extend_from_slice(collapse_id.as_str().as_bytes());
    }
}

struct Headers {
    priority: Priority,
    push_type: PushType,
    expiration: Expiration,
    collapse_id: Option<CollapseId>,
}

fn unpack_headers(packed: &[u8]) -> Option<Headers> {
    let (priority, rest) = packed.split_first()?;
    let (len, rest) = rest.split_first()?;
    let (push_type, rest) = rest.split_at_checked(usize::from(*len))?;
    let (expires, rest) = rest.split_first()?;
    let (expiration, rest) = match expires {
        b'-' => (Expiration::Default, rest),
        _ => {
            let (seconds, rest) = rest.split_first_chunk::<8>()?;
            (Expiration::from_seconds(Some(i64::from_le_bytes(*seconds))), rest)
        }
    };
    Some(Headers {
        priority: Priority::from_number(*priority)?,
        push_type: std::str::from_utf8(push_type).ok()?.parse().ok()?,
        expiration,
        collapse_id: if rest.is_empty() { None } else { Some(CollapseId::parse(rest).ok()?) },
    })
}

/// Reads columns `seq, apns_id, headers, payload, accepted_at`, in this order.
pub(crate) fn read_stored(row: &rusqlite::Row<'_>) -> rusqlite::Result<StoredNotification> {
    let unreadable = |column: usize| {
        rusqlite::Error::FromSqlConversionFailure(
            column,
            rusqlite::types::Type::Blob,
            "this is no row that the store wrote".into(),
        )
    };
    let headers = unpack_headers(row.get_ref(2)?.as_blob()?).ok_or_else(|| unreadable(2))?;
    let apns_id = label::unpack(row.get_ref(1)?.as_blob()?).ok_or_else(|| unreadable(1))?;
    Ok(StoredNotification {
        seq: unsigned(row.get(0)?),
        notification: Arc::new(Notification {
            apns_id: apns_id.into(),
            push_type: headers.push_type,
            priority: headers.priority,
            collapse_id: headers.collapse_id,
            expiration: headers.expiration,
            accepted_at: UnixMillis(row.get(4)?),
            payload: Bytes::from(row.get::<_, Vec<u8>>(3)?),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(expiration: Expiration, collapse_id: Option<&str>) -> (Vec<u8>, Option<Headers>) {
        let notification = Notification {
            apns_id: "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10".into(),
            push_type: PushType::Voip,
            priority: Priority::Five,
            collapse_id: collapse_id.map(|id| id.parse().expect("it is short")),
            expiration,
            accepted_at: UnixMillis(1),
            payload: Bytes::from_static(b"{}"),
        };
        let mut bytes = Vec::new();
        pack_headers(&notification, &mut bytes);
        let headers = unpack_headers(&bytes);
        (bytes, headers)
    }

    #[test]
    fn headers_come_back_as_they_were() {
        for expiration in [Expiration::Default, Expiration::At(1_795_313_045), Expiration::At(-1)] {
            for collapse_id in [None, Some("game-7"), Some("道")] {
                let (_, headers) = packed(expiration, collapse_id);
                let headers = headers.expect("they were packed by us");
                assert_eq!(headers.expiration, expiration);
                assert_eq!(headers.push_type, PushType::Voip);
                assert_eq!(headers.priority, Priority::Five);
                assert_eq!(headers.collapse_id.as_ref().map(CollapseId::as_str), collapse_id);
            }
        }
    }

    #[test]
    fn cut_headers_are_no_headers() {
        let (bytes, _) = packed(Expiration::At(7), None);
        for end in 0..bytes.len() {
            assert!(unpack_headers(&bytes[..end]).is_none(), "{end}");
        }
    }
}
