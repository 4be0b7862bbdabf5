//! A process that the device starts: an app's, or one of its extensions. It leads a session and a process group of its own,
//! which no other app can join; the group is stopped, continued and ended as a whole, and it dies with the device, also when
//! that is killed. What it started and what left the group is found by a mark among its variables (`left_behind`). What it
//! writes goes to the device's log, a bounded part of it. When processes are started and ended is decided by `phone`.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use homing_local::{Command, launch};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use tokio::net::unix::pipe;
use tokio::sync::oneshot;

mod left_behind;
mod log;

/// What a process gets of the device's own variables; the others may hold the device's secrets.
const INHERITED: [&str; 14] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "RUST_BACKTRACE",
];

/// Of the thread that waits for a process to end, in bytes.
const STACK: usize = 64 * 1024;

/// A process to be started.
pub(crate) struct Plan<'a> {
    pub(crate) command: &'a Command,
    /// Its working directory.
    pub(crate) dir: &'a Path,
    /// Besides those of the command.
    pub(crate) variables: Vec<(&'static str, OsString)>,
    /// Whether the device talks with it: by its standard input and output.
    pub(crate) talks: bool,
    /// Whose it is, for the log: the device's name and the bundle ID.
    pub(crate) of: (&'a str, &'a str),
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Exited(i32),
    Killed(i32),
    /// It never ran, as this sentence says.
    NotStarted(String),
}

/// A process that runs, or has ended and wasn't missed yet. Dropping it ends the whole group.
#[derive(Debug)]
pub(crate) struct Child {
    pid: Pid,
    /// `None` once the process is gone, and its number another's.
    group: Arc<Mutex<Option<Pid>>>,
}

/// A process that was started.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) child: Child,
    pub(crate) ended: oneshot::Receiver<Ending>,
    /// Its standard input and output, of one that talks.
    pub(crate) talk: Option<(pipe::Sender, pipe::Receiver)>,
}

/// Starts a process, which leaves no zombie. Called within a tokio runtime.
pub(crate) fn start(plan: Plan<'_>) -> std::io::Result<Started> {
    let [program, arguments @ ..] = plan.command.argv.as_slice() else {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "the command is empty"));
    };
    let (says, written) = std::io::pipe()?;
    let mark = left_behind::mark()?;
    let mut command = std::process::Command::new(program);
    command
        .args(arguments)
        .current_dir(plan.dir)
        .env_clear()
        .envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .envs(&plan.command.env)
        .envs(plan.variables)
        .stdin(Stdio::null())
        .stdout(written.try_clone()?)
        .stderr(written)
        .env(launch::RUN, mark.as_str());
    let talk = if plan.talks { Some(talk_with(&mut command)?) } else { None };
    die_with_us(&mut command);
    let says = pipe::Receiver::from_owned_fd(OwnedFd::from(says))?;
    let (ended, has_ended) = oneshot::channel();
    let (started, has_started) = std::sync::mpsc::channel::<(std::process::Child, Arc<Mutex<Option<Pid>>>)>();
    // A thread, so that there is no zombie whatever becomes of the runtime; made first, as a process that nobody waits
    // for couldn't be taken back.
    let waiting = std::thread::Builder::new().name("an app's end".to_owned()).stack_size(STACK);
    waiting.spawn(move || {
        if let Ok((leader, group)) = has_started.recv() {
            drop(ended.send(wait(leader, &group, &mark)));
        }
    })?;
    let leader = command.spawn()?;
    // The command holds the pipe's other end.
    drop(command);
    tokio::spawn(log::keep(says, plan.of.0.to_owned(), plan.of.1.to_owned()));
    let pid = Pid::from_child(&leader);
    let child = Child { pid, group: Arc::new(Mutex::new(Some(pid))) };
    // It waits for this, and for nothing else.
    let _ = started.send((leader, Arc::clone(&child.group)));
    Ok(Started { child, ended: has_ended, talk })
}

fn talk_with(command: &mut std::process::Command) -> std::io::Result<(pipe::Sender, pipe::Receiver)> {
    let ((hears, to_it), (from_it, says)) = (std::io::pipe()?, std::io::pipe()?);
    command.stdin(hears).stdout(says);
    Ok((
        pipe::Sender::from_owned_fd(OwnedFd::from(to_it))?,
        pipe::Receiver::from_owned_fd(OwnedFd::from(from_it))?,
    ))
}

/// Waits for the end. What is left of the group goes with its leader, whose number stays taken until it is waited for.
fn wait(mut child: std::process::Child, group: &Mutex<Option<Pid>>, mark: &str) -> Ending {
    let leader = WaitId::Pid(Pid::from_child(&child));
    let seen = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while rustix::process::waitid(leader.clone(), seen).is_err_and(|error| error == Errno::INTR) {}
    let taken = group.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(pid) = taken {
        let _ = rustix::process::kill_process_group(pid, Signal::KILL);
    }
    left_behind::kill(mark);
    match child.wait() {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => Ending::Exited(code),
            (None, signal) => Ending::Killed(signal.unwrap_or_default()),
        },
        Err(error) => Ending::NotStarted(error.to_string()),
    }
}

/// It leads a session, and the kernel ends it when the thread that started it ends, which is the device's: also after
/// `kill -9`.
#[expect(
    unsafe_code,
    reason = "`pre_exec` runs between fork and exec, and the standard library has no safe way there"
)]
fn die_with_us(command: &mut std::process::Command) {
    let device = rustix::process::getpid();
    let bind = move || {
        rustix::process::setsid()?;
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // The device may have ended before that.
        if rustix::process::getppid() == Some(device) {
            Ok(())
        } else {
            Err(std::io::ErrorKind::NotFound.into())
        }
    };
    // SAFETY: `bind` makes three system calls and touches neither memory nor locks that another thread may hold.
    unsafe { command.pre_exec(bind) };
}

impl Child {
    pub(crate) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Whether a process is this one, or one that it started and that didn't leave its group.
    pub(crate) fn is_or_started(&self, pid: i32) -> bool {
        let group = Pid::from_raw(pid).and_then(|pid| rustix::process::getpgid(Some(pid)).ok());
        group == Some(self.pid)
    }

    pub(crate) fn suspend(&self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = *self.group.lock().unwrap_or_else(PoisonError::into_inner)
            && let Err(error) = rustix::process::kill_process_group(group, signal)
        {
            tracing::debug!(%error, "a process that is ending takes no signal");
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}
