//! All virtual devices of a host: how one comes to be, at the start or while the host runs, and how one is erased.
//!
//! A device is its file, so those that were added are there again at the next start. Erasing one is decided when its
//! identity stands among the farewells (`farewell`): from then on its files are waste, whatever crashes in between, and
//! the push service is told until it has heard. Either is done to its end in a task of its own, also if nobody waits for
//! it any more; what waits for the disk does so on threads made for that.

mod lifecycle;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use homing_clock::Clock;
use homing_local::AppManifest;
use homing_trace::UnixMillis;
use serde_json::json;
use tokio::sync::{Mutex, broadcast, mpsc, oneshot, watch};
use tokio::task::AbortHandle;

use crate::backup::{BackupError, Backups};
use crate::farewell::Farewells;
use crate::happening::{Happening, Kind, Record, Told, Watchers, Watching};
use crate::host::VirtualDevice;
use crate::launcher::AppLauncher;
use crate::link::Link;
use crate::phone::questions::{DeviceView, Refusal};
use crate::phone::{self, Beginning, Input, Phone, PhoneConfig, Question, Tokens};
use crate::store::{Store, StoreError};
use crate::tls::Dialler;
use crate::wall_clock::WallClock;

/// Devices a host has at most, not counting those it finds at its start.
pub(crate) const MAX_DEVICES: usize = 100;
/// How long an app's process waits for its device to start, in real time.
const DEVICE_DEADLINE: Duration = Duration::from_secs(3);
/// Longest name.
const MAX_NAME: usize = 64;

/// Why a device isn't added or erased.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    #[error(
        "{0:?} can't be a device's name: use up to {MAX_NAME} letters, digits, `-`, `_` and `.`, not starting with `.`"
    )]
    Name(String),
    #[error("there is a device {0:?} already: take another name, or erase that one (DELETE /v1/devices/{0})")]
    There(String),
    #[error("{MAX_DEVICES} devices are the most: erase one (DELETE /v1/devices/…)")]
    TooMany,
    #[error("no device {0:?} here: GET /v1/devices lists those that are")]
    NotThere(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the files of the device {name:?} can't be changed: {source}")]
    Files { name: String, source: std::io::Error },
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error("the device {0:?} is off: turn it on first (PUT /v1/devices/{0}/power)")]
    Off(String),
    #[error("these devices are stopping: start them again, then repeat this")]
    Stopping,
}

/// What every device of a host is made with.
#[derive(Debug)]
pub(crate) struct Workshop {
    pub(crate) data_dir: PathBuf,
    pub(crate) clock: Clock,
    pub(crate) dialler: Dialler,
    pub(crate) enrolment_key: String,
    pub(crate) launcher: Arc<dyn AppLauncher>,
    /// Where app processes attach.
    pub(crate) socket: PathBuf,
}

/// The devices.
#[derive(Debug)]
pub(crate) struct Fleet {
    workshop: Workshop,
    devices: RwLock<Vec<Arc<Handle>>>,
    /// One is added or erased at a time, and none once the host stops.
    changing: Mutex<Changes>,
    farewells: Farewells,
    backups: Backups,
    tokens: watch::Sender<Tokens>,
    /// How many devices have started.
    started: watch::Sender<u64>,
    record: Record,
}

/// Whether devices may be added and erased.
#[derive(Debug, PartialEq, Eq)]
enum Changes {
    Open,
    Closed,
}

/// One device, for those who speak to it.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) name: String,
    inputs: mpsc::Sender<Input>,
    watchers: Watchers,
    clock: WallClock,
    wake: watch::Receiver<Option<UnixMillis>>,
    /// Whether a process was asked something, and has time to answer.
    asking: watch::Receiver<bool>,
    tasks: [AbortHandle; 2],
    /// How it was when it was turned off, of one that is.
    off: Option<Box<DeviceView>>,
}

impl Handle {
    /// How the device is, also while it is off.
    pub(crate) async fn view(&self) -> Result<DeviceView, Refusal> {
        match &self.off {
            Some(off) => Ok(DeviceView::clone(off)),
            None => self.ask(|phone| Ok(Ok(phone.device_view()))).await,
        }
    }

    /// Asks the phone; the answer comes when all that follows from it is on disk.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut Phone) -> Result<Result<T, Refusal>, StoreError> + Send + 'static,
    ) -> Result<T, Refusal> {
        if self.off.is_some() {
            return Err(Refusal::Off(self.name.clone()));
        }
        let (question, answered) = Question::new(ask);
        self.inputs.send(question.into()).await.map_err(|_| Refusal::Broken)?;
        answered.await.map_err(|_| Refusal::Broken)?
    }

    pub(crate) fn watch(&self) -> broadcast::Receiver<Arc<Told>> {
        self.watchers.subscribe()
    }

    /// The same, with what is kept of what came after the number.
    pub(crate) fn watch_after(&self, after: Option<u64>) -> Watching {
        self.watchers.watch(&self.name, after)
    }

    /// When something is due on the device next, on the host's clock.
    pub(crate) fn next_wake(&self) -> Option<UnixMillis> {
        self.wake.borrow().map(|at| self.clock.on_host(at))
    }

    /// Waits for the answers of all processes that were asked something. Some never come.
    pub(crate) async fn until_apps_have_answered(&self) {
        // A phone that is gone asks nobody.
        let _ = self.asking.clone().wait_for(|asking| !asking).await;
    }

    fn abort(&self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Fleet {
    /// Begins without devices.
    pub(crate) fn new(workshop: Workshop) -> Result<Self, std::io::Error> {
        let farewells = Farewells::open(&workshop.data_dir)?;
        Ok(Self {
            backups: Backups::new(&workshop.data_dir),
            workshop,
            devices: RwLock::new(Vec::new()),
            changing: Mutex::new(Changes::Open),
            farewells,
            tokens: watch::Sender::new(Tokens::new()),
            started: watch::Sender::new(0),
            record: Record::new(std::time::SystemTime::now()),
        })
    }

    /// Tells the push service what was and will be erased. To be begun when all devices found have started: who is told
    /// of isn't known here any more, and what is left of its files would come back.
    pub(crate) fn tell_farewells(&self) -> AbortHandle {
        tokio::spawn(self.farewells.clone().tell(self.workshop.dialler.clone())).abort_handle()
    }

    /// Those that are there now.
    pub(crate) fn all(&self) -> Vec<Arc<Handle>> {
        self.devices.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn named(&self, name: &str) -> Option<Arc<Handle>> {
        self.all().into_iter().find(|device| device.name == name)
    }

    /// The device of this name, or the only one. An app's process may be quicker than its device, so it is waited for.
    pub(crate) async fn awaited(&self, name: Option<&str>) -> Option<Arc<Handle>> {
        let mut started = self.started.subscribe();
        let found = async {
            loop {
                let all = self.all();
                let found = match name {
                    Some(name) => all.into_iter().find(|device| device.name == name),
                    None => all.into_iter().next().filter(|_| self.all().len() == 1),
                };
                if found.is_some() || started.changed().await.is_err() {
                    return found;
                }
            }
        };
        tokio::time::timeout(DEVICE_DEADLINE, found).await.ok().flatten()
    }

    pub(crate) fn tokens(&self) -> watch::Receiver<Tokens> {
        self.tokens.subscribe()
    }

    /// What happens on the devices.
    pub(crate) const fn record(&self) -> &Record {
        &self.record
    }

    /// The names of the devices whose files are here.
    pub(crate) fn found(&self) -> std::io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.workshop.data_dir)? {
            let name = entry?.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(".db")).filter(|name| is_name(name));
            names.extend(name.map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    /// Starts a device: the one whose file is there, else a new one with these apps. One that was erased is new.
    pub(crate) async fn start(&self, device: VirtualDevice) -> Result<Arc<Handle>, ChangeError> {
        let VirtualDevice { name, apps } = device;
        let (farewells, erased, at) = (self.farewells.clone(), name.clone(), self.path(&name));
        on_disk(&name, move || remove_if_erased(&farewells, &erased, &at)).await??;
        let watchers = Watchers::with(self.record.clone());
        self.begin(name, Beginning::Apps(apps), watchers).await
    }

    /// Starts a device and puts it among the others, in the place of the one of this name.
    async fn begin(
        &self,
        name: String,
        beginning: Beginning,
        watchers: Watchers,
    ) -> Result<Arc<Handle>, ChangeError> {
        let clock = WallClock::new(self.workshop.clock.clone());
        let started = phone::start(PhoneConfig {
            name: name.clone(),
            path: self.path(&name),
            beginning,
            clock: clock.clone(),
            launcher: Arc::clone(&self.workshop.launcher),
            socket: self.workshop.socket.clone(),
            watchers: watchers.clone(),
            tokens: self.tokens.clone(),
        })
        .await?;
        let link = Link {
            dialler: self.workshop.dialler.clone(),
            enrolment_key: self.workshop.enrolment_key.clone(),
            identity: started.identity,
            phone: started.inputs.clone(),
            online: started.online,
        };
        let waking = wake(clock.clone(), started.wake.clone(), started.inputs.clone());
        let tasks = [tokio::spawn(link.run()).abort_handle(), tokio::spawn(waking).abort_handle()];
        let (wake, asking) = (started.wake, started.asking);
        let inputs = started.inputs;
        let handle = Arc::new(Handle { name, inputs, watchers, clock, wake, asking, tasks, off: None });
        self.put(&handle);
        self.started.send_modify(|started| *started += 1);
        Ok(handle)
    }

    /// Among the others, in the place of the one of its name.
    fn put(&self, handle: &Arc<Handle>) {
        let mut devices = self.devices.write().unwrap_or_else(PoisonError::into_inner);
        match devices.iter_mut().find(|device| device.name == handle.name) {
            Some(place) => *place = Arc::clone(handle),
            None => devices.push(Arc::clone(handle)),
        }
    }

    /// Adds a new device. Its apps have been checked.
    pub(crate) async fn add(
        self: &Arc<Self>,
        name: &str,
        apps: Vec<AppManifest>,
    ) -> Result<Arc<Handle>, ChangeError> {
        let (fleet, name) = (Arc::clone(self), name.to_owned());
        let added = tokio::spawn(async move { fleet.add_whole(&name, apps).await });
        added.await.map_err(|_| ChangeError::Stopping)?
    }

    async fn add_whole(&self, name: &str, apps: Vec<AppManifest>) -> Result<Arc<Handle>, ChangeError> {
        if !is_name(name) {
            return Err(ChangeError::Name(name.to_owned()));
        }
        let changing = self.changing.lock().await;
        if *changing == Changes::Closed {
            return Err(ChangeError::Stopping);
        }
        let path = self.path(name);
        if self.named(name).is_some() || path.exists() {
            return Err(ChangeError::There(name.to_owned()));
        }
        if self.all().len() >= MAX_DEVICES {
            return Err(ChangeError::TooMany);
        }
        let started = self.start(VirtualDevice { name: name.to_owned(), apps }).await;
        match &started {
            Ok(device) => self.happened(device, Kind::Added),
            Err(_) => drop(on_disk(name, move || remove_files(&path)).await),
        }
        started
    }

    /// Erases a device as a factory reset does: its apps and their data, and at the push service everything it held.
    pub(crate) async fn erase(self: &Arc<Self>, name: &str) -> Result<(), ChangeError> {
        let (fleet, name) = (Arc::clone(self), name.to_owned());
        let erased = tokio::spawn(async move { fleet.erase_whole(&name).await });
        erased.await.map_err(|_| ChangeError::Stopping)?
    }

    async fn erase_whole(&self, name: &str) -> Result<(), ChangeError> {
        let changing = self.changing.lock().await;
        let device = self.to_be_changed(name, &changing)?;
        let identity = self.let_go(&device).await;
        self.devices.write().unwrap_or_else(PoisonError::into_inner).retain(|one| one.name != name);
        self.remove_all(name, identity).await?;
        self.happened(&device, Kind::Erased);
        Ok(())
    }

    /// Lets every device write down everything and end, once what is being added or erased is.
    pub(crate) async fn stop(&self) {
        *self.changing.lock().await = Changes::Closed;
        for device in self.all() {
            let (done, is_done) = oneshot::channel();
            if device.inputs.send(Input::Stop(done)).await.is_ok() {
                // A phone that can't write its file has said so in the log.
                let _ = is_done.await;
            }
        }
    }

    /// Ends everything as a power cut would.
    pub(crate) fn abort(&self) {
        self.all().iter().for_each(|device| device.abort());
    }

    fn path(&self, name: &str) -> PathBuf {
        self.workshop.data_dir.join(format!("{name}.db"))
    }

    fn happened(&self, device: &Handle, kind: Kind) {
        let (at, device_name) = (self.workshop.clock.now(), device.name.clone());
        device.watchers.tell(Happening { at, device: device_name, kind, app: None, detail: json!({}) });
    }
}

/// Whether a device may be called this: its name is also that of its file.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len())
        && !name.starts_with('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// Runs what waits for the disk where it holds up nothing else.
async fn on_disk<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ChangeError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| ChangeError::Files { name: name.to_owned(), source: std::io::Error::other(error) })
}

/// One that was erased is waste, if the host ended before its files were removed.
fn remove_if_erased(farewells: &Farewells, name: &str, path: &Path) -> Result<(), ChangeError> {
    let in_files = |source| ChangeError::Files { name: name.to_owned(), source };
    if path.exists() && !farewells.is_empty().map_err(in_files)? {
        let identity = Store::open(path, name)?.identity()?;
        if identity.is_some_and(|identity| farewells.contains(&identity.device_id)) {
            remove_files(path).map_err(in_files)?;
        }
    }
    Ok(())
}

/// Removes a device's file, what SQLite keeps beside it, and its apps' data; what isn't there is fine.
fn remove_files(path: &Path) -> std::io::Result<()> {
    let missing_is_fine = |removed: std::io::Result<()>| match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    };
    missing_is_fine(std::fs::remove_dir_all(path.with_extension("apps")))?;
    for beside in ["-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(beside);
        missing_is_fine(std::fs::remove_file(name))?;
    }
    missing_is_fine(std::fs::remove_file(path))
}

/// Tells the phone when the time it waits for has come, whether time passed or the clock was moved.
async fn wake(clock: WallClock, mut at: watch::Receiver<Option<UnixMillis>>, phone: mpsc::Sender<Input>) {
    loop {
        let next = *at.borrow_and_update();
        match next {
            None => {
                if at.changed().await.is_err() {
                    return;
                }
            }
            Some(next) => tokio::select! {
                changed = at.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                () = clock.sleep_until(next) => {
                    // The phone says anew what it waits for after every batch.
                    if phone.send(Input::Wake).await.is_err() || at.changed().await.is_err() {
                        return;
                    }
                }
            },
        }
    }
}

#[cfg(test)]
mod tests;
