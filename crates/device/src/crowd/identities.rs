//! Who a fleet's devices are at the push service, in one file for all of them: a line for each, written by one thread in
//! batches. A device uses its identity only when it is on disk, so that none is lost at the push service.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::store::Identity;

/// Lines not yet written. Who finds no room waits.
const QUEUED: usize = 1_024;

#[derive(Serialize, Deserialize)]
struct Line {
    /// The device's number in the fleet.
    device: u64,
    device_id: String,
    secret: String,
}

/// A line to be written, and who waits for it.
type Waiting = (Vec<u8>, oneshot::Sender<()>);

/// The way into the file.
#[derive(Debug)]
pub(crate) struct Identities {
    lines: mpsc::Sender<Waiting>,
}

impl Identities {
    /// Opens the file, or makes it; gives who is in it by their numbers. A last line that a crash cut short is removed.
    pub(crate) fn open(path: &Path) -> std::io::Result<(Self, BTreeMap<u64, Identity>)> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64)?;
        let mut known = BTreeMap::new();
        for (number, line) in text.split_at(whole).0.lines().enumerate() {
            let Line { device, device_id, secret } = serde_json::from_str(line).map_err(|_| {
                // The line itself is a secret.
                let why =
                    format!("line {} isn't a device's identity: restore the file, or remove it", number + 1);
                std::io::Error::new(std::io::ErrorKind::InvalidData, why)
            })?;
            known.insert(device, Identity { device_id, secret });
        }
        let (lines, queue) = mpsc::channel(QUEUED);
        std::thread::Builder::new().name("identities".to_owned()).spawn(move || write(file, queue))?;
        Ok((Self { lines }, known))
    }

    /// Whether it is on disk.
    pub(crate) async fn keep(&self, device: u64, identity: &Identity) -> bool {
        let Identity { device_id, secret } = identity.clone();
        let Ok(mut line) = serde_json::to_vec(&Line { device, device_id, secret }) else { return false };
        line.push(b'\n');
        let (kept, is_kept) = oneshot::channel();
        self.lines.send((line, kept)).await.is_ok() && is_kept.await.is_ok()
    }
}

/// Writes what is waiting together, until nobody can write any more. Who waits for what couldn't be written hears so.
fn write(mut file: File, mut queue: mpsc::Receiver<Waiting>) {
    while let Some((mut bytes, first)) = queue.blocking_recv() {
        let mut waiting = vec![first];
        while let Ok((line, next)) = queue.try_recv() {
            bytes.extend_from_slice(&line);
            waiting.push(next);
        }
        match file.write_all(&bytes).and_then(|()| file.sync_data()) {
            // Whoever stopped waiting has stopped altogether.
            Ok(()) => waiting.into_iter().for_each(|kept| {
                let _ = kept.send(());
            }),
            Err(error) => tracing::error!(%error, "the file of the devices' identities can't be written"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn identity(name: &str) -> Identity {
        Identity { device_id: name.to_owned(), secret: format!("secret of {name}") }
    }

    #[tokio::test]
    async fn identities_outlive_the_process_and_a_torn_line_is_dropped() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("fleet.jsonl");
        let (identities, known) = Identities::open(&path).expect("it is made");
        assert!(known.is_empty());
        assert!(identities.keep(3, &identity("c")).await);
        assert!(identities.keep(1, &identity("a")).await);
        drop(identities);
        assert_eq!(std::fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
        let mut file = OpenOptions::new().append(true).open(&path).expect("it opens");
        file.write_all(b"{\"device\": 2, \"dev").expect("a crash");
        let (identities, known) = Identities::open(&path).expect("it is read");
        assert_eq!(known, [(1, identity("a")), (3, identity("c"))].into());
        assert!(identities.keep(2, &identity("b")).await);
        let (_, known) = Identities::open(&path).expect("it is read");
        assert_eq!(known.len(), 3);
    }

    #[test]
    fn a_damaged_file_is_refused_without_showing_it() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("fleet.jsonl");
        std::fs::write(&path, "sesame\n").expect("it is written");
        let error = Identities::open(&path).expect_err("it is no identity").to_string();
        assert!(error.contains("line 1") && !error.contains("sesame"), "{error}");
    }
}
