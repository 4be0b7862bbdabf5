//! CPU time of a running process, from the scheduler's own books: on-core nanoseconds of every thread.

use anyhow::{Context, Result};
use std::time::Duration;

/// Sum over the threads that live now; threads that ended in between are lost, so measured processes keep theirs.
pub(crate) fn of_processes(pids: &[u32]) -> Result<Duration> {
    let mut nanos = 0;
    for pid in pids {
        let folder = format!("/proc/{pid}/task");
        for task in std::fs::read_dir(&folder).with_context(|| format!("process {pid} is gone"))? {
            let Ok(text) = std::fs::read_to_string(task?.path().join("schedstat")) else { continue };
            nanos += on_core_nanos(&text).context("schedstat has another shape than expected")?;
        }
    }
    Ok(Duration::from_nanos(nanos))
}

/// The first of the three numbers.
fn on_core_nanos(schedstat: &str) -> Option<u64> {
    schedstat.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_some_time() {
        assert!(of_processes(&[std::process::id()]).unwrap() > Duration::ZERO);
    }

    #[test]
    fn the_first_number_is_the_time_on_core() {
        assert_eq!(on_core_nanos("123 456 7\n"), Some(123));
        assert_eq!(on_core_nanos(""), None);
    }
}
