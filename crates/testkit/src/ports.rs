//! Blocks of free ports, for a Homing that is told where its ports begin.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};

use anyhow::bail;

/// How many ports `--ports-from` takes.
pub const BLOCK: u16 = 20;
/// Below the range from which Linux gives out ports by itself (32768), so that no client's socket sits in a block.
const FIRST: u16 = 20_000;
const LAST: u16 = 32_000;

/// The first of [`BLOCK`] ports that are free on both loopback addresses at this moment. The place to start looking
/// comes from the process id and `salt`, so that tests that run side by side rarely meet.
pub fn free_block(salt: u16) -> anyhow::Result<u16> {
    let blocks = (LAST - FIRST) / BLOCK;
    let start = (std::process::id() as u16).wrapping_mul(31).wrapping_add(salt.wrapping_mul(97)) % blocks;
    for step in 0..blocks {
        let from = FIRST + (start + step) % blocks * BLOCK;
        if (from..from + BLOCK).all(is_free) {
            return Ok(from);
        }
    }
    bail!("no {BLOCK} ports in a row are free between {FIRST} and {LAST}")
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
    fn a_block_with_a_taken_port_is_passed_over() {
        let first = free_block(1).expect("there are free ports");
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, first + 7)).expect("it was free");
        let second = free_block(1).expect("there are more");
        assert!(!(second..second + BLOCK).contains(&(first + 7)));
        drop(taken);
    }
}
