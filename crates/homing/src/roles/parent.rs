//! When whoever started this process has ended, also if it was killed. Two signs, since each misses something: the number of
//! our parent changes when it is gone, in whatever language it was written; and stdin, if it is a pipe that somebody holds
//! open, closes when the last of them is gone, also behind a wrapper that itself lives on.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::process::parent_id;
use std::time::Duration;

use anyhow::Context as _;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::process::stop_signal;

/// How often both are looked at: no event tells the first that works everywhere.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Who started this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parent {
    id: u32,
    /// One that is closed from the start tells nothing: runners of jobs give such ones to all they start.
    is_stdin_open: bool,
}

pub(crate) fn of_this_process() -> Parent {
    let stdin = std::io::stdin();
    let is_stdin_open = is_pipe(stdin.as_fd()) && !is_closed(stdin.as_fd());
    Parent { id: parent_id(), is_stdin_open }
}

impl Parent {
    /// Resolves when the parent has ended, or SIGINT, SIGTERM or SIGHUP comes; says which.
    pub(crate) fn ends_or_says_stop(self) -> anyhow::Result<impl Future<Output = &'static str>> {
        use tokio::signal::unix::{SignalKind, signal};
        let told = stop_signal()?;
        let mut hung_up = signal(SignalKind::hangup()).context("SIGHUP can't be watched")?;
        Ok(async move {
            tokio::select! {
                () = told => "it was told to",
                _ = hung_up.recv() => "its terminal is gone",
                why = self.ends() => why,
            }
        })
    }

    async fn ends(self) -> &'static str {
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            look.tick().await;
            if parent_id() != self.id {
                return "the process that started it has ended";
            }
            if self.is_stdin_open && is_closed(std::io::stdin().as_fd()) {
                return "its stdin was closed";
            }
        }
    }
}

/// A pipe or, as Node makes them, a socket.
fn is_pipe(stdin: BorrowedFd<'_>) -> bool {
    let about = stdin.try_clone_to_owned().and_then(|file| std::fs::File::from(file).metadata());
    about.is_ok_and(|about| about.file_type().is_fifo() || about.file_type().is_socket())
}

/// Whether nobody can write to it any more. Reads nothing: what is said on it may be meant for another.
fn is_closed(stdin: BorrowedFd<'_>) -> bool {
    let mut looked_at = [PollFd::from_borrowed_fd(stdin, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut looked_at, Some(&at_once)).is_ok() && looked_at[0].revents().contains(PollFlags::HUP)
}
