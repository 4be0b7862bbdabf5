//! The provider token of the load, signed by openssl with the demo's key: the raw form of the signature, as most
//! client libraries send it.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};

use super::text;

pub(super) fn sign(endpoints: &serde_json::Value, scratch: &Path) -> Result<String> {
    let issued_at = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let head = format!(r#"{{"alg":"ES256","kid":"{}"}}"#, text(endpoints, "/demo/key_id")?);
    let claims = format!(r#"{{"iss":"{}","iat":{issued_at}}}"#, text(endpoints, "/demo/team_id")?);
    let signed = format!("{}.{}", base64url(head.as_bytes()), base64url(claims.as_bytes()));
    let input = scratch.join("to-sign");
    std::fs::write(&input, &signed)?;
    let mut command = Command::new("openssl");
    command.args(["dgst", "-sha256", "-binary", "-sign", &text(endpoints, "/demo/key_p8")?]);
    let output = command.arg(&input).output().context("cannot run openssl")?;
    ensure!(output.status.success(), "openssl did not sign: {}", String::from_utf8_lossy(&output.stderr));
    let raw =
        raw_signature(&output.stdout).context("openssl's signature is not a DER sequence of two integers")?;
    Ok(format!("{signed}.{}", base64url(&raw)))
}

/// r and s of 32 bytes each, out of the DER sequence of two integers.
fn raw_signature(der: &[u8]) -> Option<Vec<u8>> {
    let [0x30, _, integers @ ..] = der else { return None };
    let mut raw = Vec::with_capacity(64);
    let mut rest = integers;
    while let [0x02, len, after @ ..] = rest {
        let (integer, following) = after.split_at_checked(usize::from(*len))?;
        let significant = &integer[integer.len().saturating_sub(32)..];
        raw.resize(raw.len() + 32 - significant.len(), 0);
        raw.extend_from_slice(significant);
        rest = following;
    }
    (raw.len() == 64).then_some(raw)
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let three =
            chunk.iter().chain([&0, &0]).take(3).fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        for place in 0..=chunk.len() {
            text.push(char::from(ALPHABET[three >> (18 - 6 * place) & 63]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_has_no_padding() {
        assert_eq!(base64url(b""), "");
        assert_eq!(base64url(b"f"), "Zg");
        assert_eq!(base64url(b"fo"), "Zm8");
        assert_eq!(base64url(b"foo"), "Zm9v");
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
    }

    #[test]
    fn short_and_padded_integers_become_32_bytes() {
        let mut der = vec![0x30, 0x26, 0x02, 0x21, 0x00];
        der.extend([0xee; 32]);
        der.extend([0x02, 0x01, 0x07]);
        let raw = raw_signature(&der).unwrap();
        assert_eq!(&raw[..32], &[0xee; 32]);
        assert_eq!(raw[63], 7);
        assert_eq!(raw[32..63], [0; 31]);
    }

    #[test]
    fn what_is_no_signature_is_none() {
        assert_eq!(raw_signature(b"no"), None);
    }
}
