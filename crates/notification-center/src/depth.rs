//! How deeply what others wrote may nest. The reader of JSON takes 127 levels and the writer any number: what is kept
//! lies some levels down in the state of a device, which must be read again.

use serde_json::Value;

/// The levels of arrays and objects that are taken, the outermost one counted.
pub(crate) const MAX_DEPTH: usize = 64;

/// Whether a value nests more deeply than a device keeps: more than 64 arrays and objects within each other.
pub fn is_too_deep(value: &Value) -> bool {
    goes_beyond(std::iter::once(value), MAX_DEPTH)
}

/// Whether one of them has more than `max` levels. Without recursion, whatever was built.
pub(crate) fn goes_beyond<'a>(values: impl Iterator<Item = &'a Value>, max: usize) -> bool {
    let mut open: Vec<_> = values.map(|value| (value, 1)).collect();
    while let Some((value, level)) = open.pop() {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => continue,
            Value::Array(elements) => open.extend(elements.iter().map(|element| (element, level + 1))),
            Value::Object(members) => open.extend(members.values().map(|member| (member, level + 1))),
        }
        if level > max {
            return true;
        }
    }
    false
}
