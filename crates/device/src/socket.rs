//! The Unix socket where app processes attach: where it is, who may speak there, and the first call on each stream.
//!
//! A process says which app it is, and proves it by the secret that the app got at its install; the kernel says as which
//! user it runs, and which process it is. Until it has proven that, it has a short time, a small buffer, and one of few
//! places; what it may be is decided by `phone`.

use std::collections::{HashMap, VecDeque};
use std::io::{Error, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use homing_local::message::{DeviceMessage, Secret};
use homing_local::{AppCall, AppReply, AppRequest, LocalError, Reply, frame};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::fleet::Fleet;
use crate::phone::questions::Refusal;
use crate::phone::{Line, framed};

/// Name of the socket in the data directory.
const NAME: &str = "apps.sock";
/// Longest path of a Unix socket, in bytes: the kernel's field has 108, one of which ends it.
const MAX_PATH: usize = 107;
/// Streams that haven't attached yet, at a time; and of one process.
const NEWCOMERS: usize = 256;
const NEWCOMERS_OF_ONE: usize = 4;
/// How long each has its place for sure.
const GRACE: Duration = Duration::from_millis(100);
/// How long a stream may take to say who it is, and the device to answer, in real time.
const ATTACH_DEADLINE: Duration = Duration::from_secs(5);
/// Longest first call, in bytes.
const MAX_ATTACH: usize = 4096;

/// The socket of a host's devices. Dropping it closes it and takes it away.
#[derive(Debug)]
pub(crate) struct AppSocket {
    listener: Option<UnixListener>,
    path: PathBuf,
    accepting: Option<AbortHandle>,
}

impl AppSocket {
    /// Makes the socket in the data directory, for its owner only; under a shorter path if that one is too long for a
    /// socket.
    pub(crate) fn bind(data_dir: &Path) -> std::io::Result<Self> {
        let path = path_in(data_dir)?;
        if path.exists() {
            if std::os::unix::net::UnixStream::connect(&path).is_ok() {
                let taken =
                    format!("another host of devices listens on {}: stop that one first", path.display());
                return Err(Error::new(ErrorKind::AddrInUse, taken));
            }
            // Its owner ended without taking it away.
            std::fs::remove_file(&path)?;
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener: Some(listener), path, accepting: None })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets processes attach to the apps of these devices.
    pub(crate) fn open(&mut self, fleet: Arc<Fleet>) {
        if let Some(listener) = self.listener.take() {
            self.accepting = Some(tokio::spawn(accept(listener, fleet)).abort_handle());
        }
    }
}

impl Drop for AppSocket {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

fn path_in(data_dir: &Path) -> std::io::Result<PathBuf> {
    let data_dir = data_dir.canonicalize()?;
    let path = data_dir.join(NAME);
    if path.as_os_str().len() <= MAX_PATH {
        return Ok(path);
    }
    let digest = Sha256::digest(data_dir.as_os_str().as_bytes());
    let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let dir = std::env::temp_dir().join(format!("homing-{short}"));
    match std::fs::DirBuilder::new().mode(0o700).create(&dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    // Anybody may make directories there.
    let made = std::fs::symlink_metadata(&dir)?;
    if !made.is_dir() || made.uid() != rustix::process::geteuid().as_raw() || made.mode() & 0o077 != 0 {
        let foreign = format!(
            "{} isn't a directory of this user alone: remove it, or use a data directory with a shorter path",
            dir.display()
        );
        return Err(Error::new(ErrorKind::PermissionDenied, foreign));
    }
    Ok(dir.join(NAME))
}

async fn accept(listener: UnixListener, fleet: Arc<Fleet>) {
    let mut newcomers = Newcomers::default();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Of all errors, only a lack of descriptors or memory lasts.
                tracing::warn!(%error, "an app can't be let in");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Some(pid) = process_of(&stream) else { continue };
        newcomers.make_room().await;
        if let Some(newcomer) = newcomers.enter(pid) {
            let place = Arc::downgrade(&newcomer.place);
            let greeting = tokio::spawn(greet(stream, newcomer, Arc::clone(&fleet))).abort_handle();
            newcomers.seated.push_back(Seated { place, since: Instant::now(), greeting });
        }
    }
}

/// Which process is at the other end; `None` if it may not speak here.
fn process_of(stream: &UnixStream) -> Option<i32> {
    let peer = stream.peer_cred().ok()?;
    let pid = peer.pid().filter(|&pid| pid > 0)?;
    if peer.uid() != rustix::process::geteuid().as_raw() {
        tracing::warn!(uid = peer.uid(), pid, "another user's process may not be an app");
        return None;
    }
    Some(pid)
}

/// The streams that haven't attached yet, oldest first. When all places are taken, the oldest that hasn't said who it is
/// loses its own: so processes that say nothing can't keep out those that do, however many they are.
#[derive(Debug, Default)]
struct Newcomers {
    seated: VecDeque<Seated>,
    crowds: Arc<Crowds>,
}

/// What others may know of a newcomer.
#[derive(Debug)]
struct Seated {
    place: Weak<Place>,
    since: Instant,
    greeting: AbortHandle,
}

/// Shared with the newcomer, and gone with it.
#[derive(Debug, Default)]
struct Place {
    /// It has said who it is, and waits for the device.
    heard: AtomicBool,
}

impl Newcomers {
    /// Returns when there is a place.
    async fn make_room(&mut self) {
        while !self.has_room(Instant::now()) {
            // They have just come, or the device is about to answer them.
            tokio::time::sleep(GRACE / 10).await;
        }
    }

    /// Whether there is a place now, if need be that of the oldest that has said nothing.
    fn has_room(&mut self, now: Instant) -> bool {
        self.seated.retain(|one| one.place.strong_count() > 0);
        if self.seated.len() < NEWCOMERS {
            return true;
        }
        let heard =
            |one: &Seated| one.place.upgrade().is_none_or(|place| place.heard.load(Ordering::Relaxed));
        let oldest = self.seated.iter().position(|one| !heard(one));
        let gone = oldest.filter(|&oldest| now.duration_since(self.seated[oldest].since) >= GRACE);
        let gone = gone.and_then(|oldest| self.seated.remove(oldest));
        gone.inspect(|gone| gone.greeting.abort()).is_some()
    }

    /// `None` if this process has too many streams already.
    fn enter(&self, pid: i32) -> Option<Newcomer> {
        let mut of_all = self.crowds.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_one = of_all.entry(pid).or_default();
        if *of_one >= NEWCOMERS_OF_ONE {
            return None;
        }
        *of_one += 1;
        Some(Newcomer { pid, crowds: Arc::clone(&self.crowds), place: Arc::default() })
    }
}

/// How many streams of each process haven't attached yet.
#[derive(Debug, Default)]
struct Crowds(Mutex<HashMap<i32, usize>>);

/// A stream that hasn't attached yet.
#[derive(Debug)]
struct Newcomer {
    pid: i32,
    crowds: Arc<Crowds>,
    place: Arc<Place>,
}

impl Drop for Newcomer {
    fn drop(&mut self) {
        let mut of_all = self.crowds.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_one) = of_all.get_mut(&self.pid) {
            *of_one -= 1;
            if *of_one == 0 {
                of_all.remove(&self.pid);
            }
        }
    }
}

/// Hears who a stream is. One that proves it gets its app's line; another is told why not, and closed.
async fn greet(mut stream: UnixStream, newcomer: Newcomer, fleet: Arc<Fleet>) {
    let greeting = async {
        let first = First::read(&mut stream).await?;
        newcomer.place.heard.store(true, Ordering::Relaxed);
        let line = attach(&first, newcomer.pid, &fleet).await;
        let line = line.map_err(|error| AppReply { reply_to: first.id, reply: Reply::Error(error) })?;
        Ok((line, first))
    };
    let Ok(greeted) = tokio::time::timeout(ATTACH_DEADLINE, greeting).await else { return };
    match greeted {
        Ok((line, First { id: reply_to, rest, .. })) => {
            drop((newcomer, fleet));
            let first = DeviceMessage::Reply(AppReply { reply_to, reply: Reply::Done });
            line.serve(stream, Some(first), rest).await;
        }
        Err(NotGreeted::Closed) => {}
        Err(NotGreeted::Refused(refusal)) => {
            tracing::warn!(pid = newcomer.pid, reply = ?refusal.reply, "a process isn't let in");
            if let Some(frame) = framed(&DeviceMessage::Reply(refusal)) {
                let _ = tokio::time::timeout(ATTACH_DEADLINE, stream.write_all(&frame)).await;
            }
        }
    }
}

/// Why a stream is closed before it was an app's.
#[derive(Debug)]
enum NotGreeted {
    /// It has closed itself, or can't be understood.
    Closed,
    Refused(AppReply),
}

impl From<AppReply> for NotGreeted {
    fn from(refusal: AppReply) -> Self {
        Self::Refused(refusal)
    }
}

fn refused(message: String) -> LocalError {
    LocalError::homing(LocalError::NOT_ATTACHED, message)
}

async fn attach(first: &First, pid: i32, fleet: &Fleet) -> Result<Line, LocalError> {
    let First { bundle_id, secret, .. } = first;
    let device = fleet.awaited(first.device.as_deref()).await;
    let device = device.ok_or_else(|| refused(Refusal::NotTheApp.to_string()))?;
    let (bundle_id, secret) = (bundle_id.clone(), secret.clone());
    let line = device.ask(move |phone| phone.attach(&bundle_id, secret.expose(), pid)).await;
    let line = line.map_err(|refusal| refused(refusal.to_string()))?;
    line.await.map_err(|_| refused("the app was ended: attach when it is started again".to_owned()))
}

/// The first call on a stream.
#[derive(Debug)]
struct First {
    id: u64,
    bundle_id: String,
    device: Option<String>,
    secret: Secret,
    /// What came after it.
    rest: Vec<u8>,
}

impl First {
    async fn read(stream: &mut UnixStream) -> Result<Self, NotGreeted> {
        let mut buffer = Vec::with_capacity(MAX_ATTACH);
        loop {
            if let Some((json, taken)) = frame::decode(&buffer).map_err(|_| NotGreeted::Closed)? {
                let AppRequest { id, call } = AppRequest::from_json(json)
                    .map_err(|error| error.reply().map_or(NotGreeted::Closed, NotGreeted::Refused))?;
                let AppCall::Attach { bundle_id, device, secret } = call else {
                    let error = refused("the first call on a stream is \"attach\"".to_owned());
                    return Err(AppReply { reply_to: id, reply: Reply::Error(error) }.into());
                };
                let secret = secret.unwrap_or_else(|| Secret::new(String::new()));
                buffer.drain(..taken);
                return Ok(Self { id, bundle_id, device, secret, rest: buffer });
            }
            // The frame's whole length is known by now, or its four bytes are missing.
            if buffer.len() >= MAX_ATTACH {
                return Err(NotGreeted::Closed);
            }
            let mut limited = (&mut *stream).take(MAX_ATTACH.saturating_sub(buffer.len()) as u64);
            match limited.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return Err(NotGreeted::Closed),
                Ok(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Newcomers {
        /// A stream of a process of its own that says nothing.
        fn seat(&mut self, pid: i32) -> (Arc<Place>, tokio::task::JoinHandle<()>) {
            let newcomer = self.enter(pid).expect("it is this process's first");
            let place = Arc::clone(&newcomer.place);
            let greeting = tokio::spawn(async move {
                let _newcomer = newcomer;
                std::future::pending::<()>().await;
            });
            let seated = Seated {
                place: Arc::downgrade(&place),
                since: Instant::now(),
                greeting: greeting.abort_handle(),
            };
            self.seated.push_back(seated);
            (place, greeting)
        }
    }

    #[tokio::test]
    async fn many_processes_that_say_nothing_keep_nobody_out() {
        let mut newcomers = Newcomers::default();
        let mut all: Vec<_> = (1..).take(NEWCOMERS).map(|pid| newcomers.seat(pid)).collect();
        all[0].0.heard.store(true, Ordering::Relaxed);
        let oldest = newcomers.seated[1].since;
        assert!(!newcomers.has_room(oldest), "each has its place for a while");
        assert!(newcomers.has_room(oldest + GRACE));
        let (_, evicted) = all.remove(1);
        assert!(evicted.await.is_err_and(|ended| ended.is_cancelled()), "the oldest that said nothing");
        assert!(all.iter().all(|(_, greeting)| !greeting.is_finished()), "and nobody else");
        assert!(newcomers.enter(1_000_000).is_some());
    }

    #[tokio::test]
    async fn who_has_said_its_name_is_waited_for() {
        let mut newcomers = Newcomers::default();
        let mut all: Vec<_> = (1..).take(NEWCOMERS).map(|pid| newcomers.seat(pid)).collect();
        all.iter().for_each(|(place, _)| place.heard.store(true, Ordering::Relaxed));
        let later = Instant::now() + ATTACH_DEADLINE;
        assert!(!newcomers.has_room(later), "the device answers them first");
        let (place, greeting) = all.swap_remove(7);
        greeting.abort();
        drop((place, greeting.await));
        assert!(newcomers.has_room(later));
        assert!(all.iter().all(|(_, greeting)| !greeting.is_finished()));
    }
}
