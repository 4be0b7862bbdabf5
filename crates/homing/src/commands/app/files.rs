//! Where private keys are written: new files that only their owner can read.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};

/// Writes a file that isn't there yet, with mode 0600.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let shown = path.display();
    let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!("{shown} exists\nhint: name another file with --out")
        }
        Err(error) => return Err(error).with_context(|| format!("can't write {shown}")),
    };
    let written = file.write_all(content).and_then(|()| file.sync_all());
    written.inspect_err(|_| drop(std::fs::remove_file(path))).with_context(|| format!("can't write {shown}"))
}

/// The text of a public key's file. A private key doesn't leave this machine by mistake.
pub(super) fn read_public_key(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("can't read {shown}"))?;
    if text.contains("PRIVATE KEY") {
        bail!(
            "{shown} holds a private key, which nobody needs to know\n\
             hint: make a file of its public half: openssl pkey -in {shown} -pubout -out PUBLIC.pem"
        );
    }
    Ok(text)
}

/// Bytes that came as base64.
pub(super) fn base64(text: &str) -> anyhow::Result<Vec<u8>> {
    use base64::Engine as _;
    let decoded = base64::engine::general_purpose::STANDARD.decode(text);
    decoded.context("the answer's file can't be read: is that Homing of the same version?")
}
