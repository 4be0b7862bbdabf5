//! What a token and a notification are for. Whether a credential may use a topic is decided by the push service.

use crate::Reason;

/// A bundle ID, or a bundle ID with a push-type suffix, or the subject of a special certificate.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic(Box<str>);

impl Topic {
    /// Longest topic taken, in bytes. Apple's bundle IDs end at 155 characters; suffixes come on top.
    pub const MAX_LEN: usize = 255;

    /// Parts of ASCII letters, digits, `-` and `_`, joined by dots, none of them empty; anything else is [`Reason::BadTopic`].
    ///
    /// Apple documents letters, digits, hyphen and dot (*CFBundleIdentifier*); the underscore is met in old ones.
    pub fn parse(value: &[u8]) -> Result<Self, Reason> {
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_part = |part: &[u8]| !part.is_empty() && part.iter().all(allowed);
        match std::str::from_utf8(value) {
            Ok(text) if text.len() <= Self::MAX_LEN && value.split(|byte| *byte == b'.').all(is_part) => {
                Ok(Self(text.into()))
            }
            Ok(_) | Err(_) => Err(Reason::BadTopic),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Topic {
    type Err = Reason;

    fn from_str(text: &str) -> Result<Self, Reason> {
        Self::parse(text.as_bytes())
    }
}

impl AsRef<str> for Topic {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl std::fmt::Display for Topic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_bundle_id_may_hold_is_a_topic() {
        assert!("com.example.News-Reader_2.voip".parse::<Topic>().is_ok());
        for text in
            ["", "a/b", "a+b", "a#", "a b", "道", "$SYS", ".", "com..x", ".com.x", "com.x.", "com.x..voip"]
        {
            assert_eq!(text.parse::<Topic>(), Err(Reason::BadTopic), "{text}");
        }
        assert!(Topic::parse(&[b'a'; Topic::MAX_LEN]).is_ok());
        assert!(Topic::parse(&[b'a'; Topic::MAX_LEN + 1]).is_err());
    }
}
