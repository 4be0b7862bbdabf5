//! What an app's process started and what left its process group: found by the mark that all of them inherited, and ended
//! with it, as nothing of an app outlives it on a phone. A process that takes the mark out of its own variables isn't found:
//! it runs as the device's user and could do worse.

use std::fs;
use std::io::Read as _;

use homing_local::launch;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Of a mark, in bytes.
const MARK: usize = 16;
/// Longest list of variables that is looked at, in bytes; the kernel's own limit for all arguments and variables is 2 MiB.
const MAX_VARIABLES: u64 = 2 * 1024 * 1024;

/// How long the kernel may take to end a process.
const END: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Tells one run of a process from all others.
pub(super) fn mark() -> std::io::Result<String> {
    let mut random = [0_u8; MARK];
    getrandom::fill(&mut random).map_err(std::io::Error::other)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Ends every process that bears the mark. One that is made meanwhile is found by looking again until there is none.
pub(super) fn kill(mark: &str) {
    let variable = format!("{}={mark}", launch::RUN);
    // Those that go on making others, whenever it is looked, are given up.
    for _ in 0..8 {
        if !kill_once(variable.as_bytes()) {
            return;
        }
    }
    tracing::warn!("an app's processes go on making others");
}

/// Whether there was any.
fn kill_once(variable: &[u8]) -> bool {
    let Ok(all) = fs::read_dir("/proc") else { return false };
    let numbers = all.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut ending = Vec::new();
    for pid in numbers.filter_map(Pid::from_raw) {
        // Held by its descriptor, it can't become another process between the look and the signal.
        let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
        if bears(pid, variable) {
            let killed = pidfd_send_signal(&process, Signal::KILL);
            ending.extend(killed.is_ok().then_some(process));
        }
    }
    // Until it has ended it still has its variables, and would be found again.
    for process in &ending {
        let _ = poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&END));
    }
    !ending.is_empty()
}

/// Another user's processes can't be looked at, and bear no mark of ours. Nor does one that has ended and waits to be
/// missed: it has no variables any more.
fn bears(pid: Pid, variable: &[u8]) -> bool {
    let Ok(file) = fs::File::open(format!("/proc/{}/environ", pid.as_raw_nonzero())) else { return false };
    let mut variables = Vec::new();
    let read = file.take(MAX_VARIABLES).read_to_end(&mut variables);
    read.is_ok() && variables.split(|byte| *byte == 0).any(|one| one == variable)
}
