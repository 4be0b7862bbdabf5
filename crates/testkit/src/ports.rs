//! Blocks of free ports, for a Homing that is told where its ports begin.

use std::fs::File;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, bail};

/// How many ports `--ports-from` takes.
pub const BLOCK: u16 = 20;
/// Below the range from which Linux gives out ports by itself (32768), so that no client's socket sits in a block.
const FIRST: u16 = 20_000;
const LAST: u16 = 32_000;

/// The blocks of this process. A block is held by a lock on a file until the process ends, so that a Homing which is
/// killed and started again finds its ports free, whatever runs beside it.
static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// The first of [`BLOCK`] ports that are free on both loopback addresses and stay out of the reach of all other tests
/// until this process ends. Where to start looking comes from the process id and `salt`.
pub fn free_block(salt: u16) -> anyhow::Result<u16> {
    let folder = std::env::temp_dir().join("homing-test-ports");
    std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let blocks = (LAST - FIRST) / BLOCK;
    let start = (std::process::id() as u16).wrapping_mul(31).wrapping_add(salt.wrapping_mul(97)) % blocks;
    for step in 0..blocks {
        let from = FIRST + (start + step) % blocks * BLOCK;
        let Some(lock) = lock(&folder, from)? else { continue };
        if (from..from + BLOCK).all(is_free) {
            HELD.lock().unwrap_or_else(PoisonError::into_inner).push(lock);
            return Ok(from);
        }
    }
    bail!("no {BLOCK} ports in a row are free between {FIRST} and {LAST}")
}

/// `None` when another test holds the block.
fn lock(folder: &Path, from: u16) -> anyhow::Result<Option<File>> {
    let path = folder.join(from.to_string());
    let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("locking {}", path.display()))
        }
    }
}

fn is_free(port: u16) -> bool {
    // A machine without IPv6 has nobody on its IPv6 ports.
    let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port));
    let v6_taken = v6.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse);
    !v6_taken && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_get_the_same_block() {
        let first = free_block(1).expect("there are free ports");
        let second = free_block(1).expect("there are more");
        assert_ne!(first, second);
    }

    #[test]
    fn a_port_somebody_listens_on_is_not_free() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("some port is free");
        let port = taken.local_addr().expect("it is bound").port();
        assert!(!is_free(port));
    }
}
