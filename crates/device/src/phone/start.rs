//! How a phone begins: its file is opened, its notification center brought to where it was, and the device booted.

use std::path::PathBuf;
use std::sync::Arc;

use homing_link::RegistrationName;
use homing_local::AppManifest;
use homing_notification_center::{self as center, Center, StateError};
use homing_trace::UnixMillis;
use tokio::sync::{mpsc, oneshot, watch};

use super::{App, Input, LinkState, Phone, Tokens};
use crate::backup::Found;
use crate::happening::Watchers;
use crate::launcher::AppLauncher;
use crate::link::Registration;
use crate::store::{Identity, Store, StoreError};
use crate::wall_clock::WallClock;

/// What a phone is made of.
#[derive(Debug)]
pub(crate) struct PhoneConfig {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// What a device that is new begins with.
    pub(crate) beginning: Beginning,
    pub(crate) clock: WallClock,
    pub(crate) launcher: Arc<dyn AppLauncher>,
    /// Where the processes of apps attach.
    pub(crate) socket: PathBuf,
    pub(crate) watchers: Watchers,
    pub(crate) tokens: watch::Sender<Tokens>,
}

/// What a new device has.
#[derive(Debug)]
pub(crate) enum Beginning {
    /// These apps, installed and started once.
    Apps(Vec<AppManifest>),
    /// What was on another, or on itself earlier.
    Backup(Box<Found>),
}

/// A phone that works, as those around it see it.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) inputs: mpsc::Sender<Input>,
    pub(crate) identity: Option<Identity>,
    pub(crate) online: watch::Receiver<bool>,
    pub(crate) wake: watch::Receiver<Option<UnixMillis>>,
    /// Whether a process was asked something, and has time to answer.
    pub(crate) asking: watch::Receiver<bool>,
}

/// Inputs not yet looked at. Who finds no room waits.
const INPUTS_QUEUED: usize = 1024;

/// Starts the phone on a thread of its own. Its apps live in the calling runtime.
pub(crate) async fn start(config: PhoneConfig) -> Result<Started, StoreError> {
    let (inputs, queue) = mpsc::channel(INPUTS_QUEUED);
    let (ready, is_ready) = oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    let to_itself = inputs.downgrade();
    let thread = std::thread::Builder::new().name(format!("device {}", config.name));
    let spawned = thread.spawn(move || {
        let _in_runtime = runtime.enter();
        match Phone::open(config, to_itself) {
            Ok((phone, identity)) => {
                let watched = (phone.online.subscribe(), phone.wake.subscribe(), phone.asking.subscribe());
                // The host waits for this unless it is going down.
                if ready.send(Ok((identity, watched))).is_ok() {
                    phone.run(queue);
                }
            }
            Err(error) => drop(ready.send(Err(error))),
        }
    });
    let stopped = |why: String| StoreError::Unreadable { what: "a device", why };
    spawned.map_err(|error| stopped(error.to_string()))?;
    let (identity, (online, wake, asking)) =
        is_ready.await.map_err(|_| stopped("its thread ended while it started".to_owned()))??;
    Ok(Started { inputs, identity, online, wake, asking })
}

/// Processes and URLs name it from anywhere.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

pub(super) fn unreadable_center(error: StateError) -> StoreError {
    StoreError::Unreadable { what: "the notification center's state", why: error.to_string() }
}

impl Phone {
    fn open(
        config: PhoneConfig,
        inputs: mpsc::WeakSender<Input>,
    ) -> Result<(Self, Option<Identity>), StoreError> {
        let store = Store::open(&config.path, &config.name)?;
        let identity = store.identity()?;
        let is_new = store.center()?.is_none();
        let mut phone = Self {
            name: config.name,
            device_id: identity.as_ref().map(|identity| identity.device_id.clone()),
            online: watch::Sender::new(store.online()?),
            dates_from_now: store.dates_from_now()?,
            store,
            containers: absolute(config.path.with_extension("apps")),
            center: Center::default(),
            clock: config.clock,
            launcher: config.launcher,
            socket: config.socket,
            inputs,
            wake: watch::Sender::new(None),
            asking: watch::Sender::new(false),
            watchers: config.watchers,
            tokens: config.tokens,
            apps: Default::default(),
            offloaded: Default::default(),
            driven: Default::default(),
            stored: Default::default(),
            extensions: Default::default(),
            drawings: Default::default(),
            endings: Default::default(),
            untold: Default::default(),
            to_be_told: Default::default(),
            further: Default::default(),
            followed: Default::default(),
            link: None,
            link_state: LinkState {
                connected: false,
                why: Some("the device is starting".to_owned()),
                refused: false,
            },
            waiting: Default::default(),
            next_request: 1,
            next_run: 1,
            journal_len: 0,
            acks: Vec::new(),
            effects: Vec::new(),
        };
        phone.load()?;
        if is_new {
            phone.store.begin()?;
            phone.begin_with(config.beginning)?;
            phone.snapshot()?;
            phone.store.commit()?;
            phone.perform();
        }
        Ok((phone, identity))
    }

    fn begin_with(&mut self, beginning: Beginning) -> Result<(), StoreError> {
        let apps = match beginning {
            Beginning::Backup(found) => return self.restore(&found),
            Beginning::Apps(apps) => apps,
        };
        for manifest in apps {
            let bundle = manifest.bundle_id.clone();
            self.install(manifest)?;
            // As a user who opened it once and went home: it registers, and isn't in the way.
            self.feed(center::Input::AppStateChanged { bundle, state: center::AppState::Background })?;
        }
        Ok(())
    }

    /// Brings everything to where the file says it is, as after a restart of the device: no app runs.
    pub(super) fn load(&mut self) -> Result<(), StoreError> {
        self.clock.set_wrong_by(self.store.clock_wrong_by()?);
        let kept = self.store.apps()?;
        self.apps = kept
            .into_iter()
            .map(|kept| {
                let bundle = kept.manifest.bundle_id.clone();
                (bundle, App { kept, process: None, arriving: None, registration_error: None })
            })
            .collect();
        let offloaded = self.store.offloaded()?.into_iter();
        self.offloaded = offloaded.map(|kept| (kept.manifest.bundle_id.clone(), kept)).collect();
        self.driven = self.store.driven()?.into_iter().collect();
        self.endings = self
            .store
            .endings()?
            .into_iter()
            .filter_map(|(environment, rest)| {
                RegistrationName::parse(&format!("{environment}/{rest}")).map(|name| Registration::of(&name))
            })
            .collect();
        self.load_further()?;
        self.load_followed()?;
        self.center = match self.store.center()? {
            Some(json) => Center::from_json(&json).map_err(unreadable_center)?,
            None => Center::default(),
        };
        for (at, input) in self.store.journal()? {
            let input = serde_json::from_str(&input)
                .map_err(|error| StoreError::Unreadable { what: "the journal", why: error.to_string() })?;
            // It was carried out when it was written.
            drop(self.center.handle(input, at));
        }
        self.settle_containers()?;
        self.load_attachments();
        self.publish_tokens();
        if self.center.apps().next().is_some() {
            self.store.begin()?;
            self.feed(center::Input::Booted)?;
            self.snapshot()?;
            self.store.commit()?;
            self.perform();
        }
        Ok(())
    }
}
