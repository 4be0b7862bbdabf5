//! One virtual device: everything that happens to it goes through one thread, which owns its state and its file.
//!
//! - inputs come from the connection, from apps, from the HTTP API and from the clock, in one bounded queue;
//! - what is waiting is taken together and written in one transaction;
//! - only then its effects go out: acknowledgements, messages to apps, answers, events.
//!
//! So what was acknowledged is on disk, and what is on disk happened once. What a notification leads to is decided by
//! `notification-center`; the modules below carry it out.

mod attachments;
mod calls;
pub(crate) mod conditions;
mod connection;
mod containers;
mod content_extension;
mod driven;
mod extension;
pub(crate) mod followed;
pub(crate) mod further;
mod legacy;
pub(crate) mod lifecycle;
mod line;
mod outputs;
mod process;
pub(crate) mod questions;
mod start;
mod surroundings;
mod suspension;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use homing_link::{PacketId, ReasonCode};
use homing_local::content_extension::FromContentExtension;
use homing_local::message::DeviceMessage;
use homing_local::{AppRequest, Command, LocalError, NotificationContent, Reply};
use homing_notification_center::{self as center, Center};
use homing_trace::UnixMillis;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};

use crate::app_files::Original;
use crate::child::Ending;
use crate::driver::Driven;
use crate::happening::{Happening, Kind, Watchers};
use crate::launcher::AppLauncher;
use crate::link::{FromLink, Order, Registration};
use crate::store::{Channel, Identity, KeptApp, KeptFurther, OffloadedApp, Store, StoreError};
use crate::wall_clock::WallClock;
use attachments::Stored;
use content_extension::Drawing;
use extension::ExtensionProcess;
use followed::Following;
pub(crate) use line::{Line, framed};
use process::{Arriving, Process};
pub(crate) use start::{Beginning, PhoneConfig, start};

/// The most inputs that go into one transaction.
const BATCH: usize = 512;
/// The notification center's state is written whole after this many inputs; in between, the inputs are written.
const SNAPSHOT_EVERY: usize = 1024;

/// The tokens of all apps on all devices of a host: (device name, bundle ID) → hexadecimal token.
pub type Tokens = BTreeMap<(String, String), String>;

/// Everything that can happen to a phone.
#[derive(Debug)]
pub(crate) enum Input {
    Link(FromLink),
    AppSaid {
        bundle: String,
        run: u64,
        request: AppRequest,
        /// Its place among the app's calls that aren't handled yet.
        room: OwnedSemaphorePermit,
    },
    /// The app closed its stream, or said what can't be understood.
    AppGone {
        bundle: String,
        run: u64,
    },
    /// The app's process ended by itself, or couldn't be started.
    Ended {
        bundle: String,
        run: u64,
        ending: Ending,
    },
    /// The app's process didn't do in time what it had to.
    Overdue {
        bundle: String,
        run: u64,
        why: &'static str,
    },
    /// The content handler of an extension's process.
    ExtensionSaid {
        bundle: String,
        call: u64,
        content: Box<NotificationContent>,
    },
    /// An extension's process ended, or can't be understood.
    ExtensionEnded {
        bundle: String,
        call: u64,
    },
    /// The process of a content extension said something.
    ContentExtensionSaid {
        bundle: String,
        run: u64,
        said: FromContentExtension,
        /// Its turn: one line at a time.
        room: OwnedSemaphorePermit,
    },
    /// It ended, or can't be understood.
    ContentExtensionEnded {
        bundle: String,
        run: u64,
    },
    /// The time for work in background may be over.
    Rest {
        bundle: String,
        run: u64,
        turn: u64,
    },
    /// The clock may have reached the next wake.
    Wake,
    Ask(Question),
    /// Write everything and end.
    Stop(oneshot::Sender<()>),
    /// End and let go of the file; who the device was at the push service is told when that is done.
    LetGo(oneshot::Sender<Option<Identity>>),
}

/// How a phone ends.
enum End {
    Stop(oneshot::Sender<()>),
    LetGo(oneshot::Sender<Option<Identity>>),
}

/// Something the HTTP API wants to know or do; it answers for itself.
pub(crate) struct Question(Box<Ask>);

type Ask = dyn FnOnce(&mut Phone) -> Result<(), StoreError> + Send;

impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Question")
    }
}

/// What goes out once the transaction is on disk, in order.
enum Effect {
    Order(Order),
    Launch {
        bundle: String,
    },
    ToApp {
        bundle: String,
        message: DeviceMessage,
    },
    EndProcess {
        bundle: String,
    },
    RunExtension {
        bundle: String,
        call: u64,
        given: Vec<u8>,
    },
    WarnExtension {
        call: u64,
    },
    EndExtension {
        call: u64,
    },
    /// Start the content extension's process with this line.
    Draw {
        bundle: String,
        run: u64,
        command: Command,
        line: Option<Vec<u8>>,
    },
    ToContentExtension {
        bundle: String,
        line: Option<Vec<u8>>,
    },
    RemoveContainer {
        number: i64,
    },
    /// It is in the store of attachments now.
    RemoveOriginal(Original),
    Touch {
        bundle: String,
        touch: Value,
        taken: oneshot::Sender<bool>,
    },
    Happened(Happening),
    Answer(Box<dyn FnOnce() + Send>),
}

/// Who made a call, and so gets its reply.
#[derive(Debug)]
pub(crate) enum Caller {
    App { bundle: String, run: u64, id: u64 },
    Api(oneshot::Sender<Reply>),
}

/// How it stands with the push service.
#[derive(Clone, Debug)]
pub(crate) struct LinkState {
    pub(crate) connected: bool,
    /// Why not, as a sentence.
    pub(crate) why: Option<String>,
    /// Trying again won't help: somebody must do something.
    pub(crate) refused: bool,
}

/// An open connection.
#[derive(Debug)]
struct OpenLink {
    orders: mpsc::Sender<Order>,
    window: usize,
    unanswered: usize,
    /// Receipts up to this number were sent on this connection.
    sent_to: i64,
}

#[derive(Debug)]
struct App {
    kept: KeptApp,
    process: Option<Process>,
    /// What `didFailToRegister` was last told, until registering succeeds.
    registration_error: Option<LocalError>,
    /// Is to be its process at the next launch.
    arriving: Option<Arriving>,
}

pub(crate) struct Phone {
    name: String,
    device_id: Option<String>,
    store: Store,
    /// Where the apps' data containers are.
    containers: PathBuf,
    center: Center,
    clock: WallClock,
    launcher: Arc<dyn AppLauncher>,
    /// Where the processes of apps attach.
    socket: PathBuf,
    /// To ourselves, for those who speak for the apps. Weak: a phone nobody else knows of ends.
    inputs: mpsc::WeakSender<Input>,
    online: watch::Sender<bool>,
    /// The date of an interval is told as iOS tells it, counted anew from now.
    dates_from_now: bool,
    wake: watch::Sender<Option<UnixMillis>>,
    asking: watch::Sender<bool>,
    watchers: Watchers,
    tokens: watch::Sender<Tokens>,

    apps: BTreeMap<String, App>,
    offloaded: BTreeMap<String, OffloadedApp>,
    driven: BTreeMap<String, Driven>,
    /// What lies in the store of attachments.
    stored: BTreeSet<Stored>,
    /// The service extensions' processes, by the call that each works on.
    extensions: HashMap<u64, ExtensionProcess>,
    /// What is open in the apps' content extensions.
    drawings: HashMap<String, Drawing>,
    endings: BTreeSet<Registration>,
    /// Those of them that the push service isn't told of before it next sends something for them, or connects again.
    untold: BTreeSet<Registration>,
    /// Those of them that it has sent something for: told once it has the receipts, which mean nothing to it afterwards.
    to_be_told: BTreeSet<Registration>,
    /// The apps' registrations beside their own.
    further: BTreeMap<Registration, KeptFurther>,
    /// The broadcast channels that apps follow.
    followed: BTreeMap<Channel, Following>,
    link: Option<OpenLink>,
    link_state: LinkState,
    waiting: HashMap<u64, Caller>,
    next_request: u64,
    next_run: u64,
    journal_len: usize,

    acks: Vec<(PacketId, ReasonCode)>,
    effects: Vec<Effect>,
}

impl Phone {
    /// Works until it is stopped.
    fn run(mut self, mut inputs: mpsc::Receiver<Input>) {
        while let Some(first) = inputs.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < BATCH
                && let Ok(next) = inputs.try_recv()
            {
                batch.push(next);
            }
            let mut end = None;
            match self.transact(batch, &mut end) {
                Ok(()) => self.perform(),
                Err(error) => self.give_up_batch(&error),
            }
            if let Some(end) = end {
                return self.end(end);
            }
        }
    }

    /// Nobody may be waiting for it any more.
    fn end(self, end: End) {
        match end {
            End::Stop(done) => drop(done.send(())),
            End::LetGo(let_go) => {
                let identity = self.store.identity().unwrap_or_else(|error| {
                    tracing::error!(device = self.name, %error, "who the device was can't be read");
                    None
                });
                drop(self);
                drop(let_go.send(identity));
            }
        }
    }

    fn transact(&mut self, batch: Vec<Input>, end: &mut Option<End>) -> Result<(), StoreError> {
        self.store.begin()?;
        for input in batch {
            match input {
                Input::Link(news) => self.heard(news)?,
                Input::AppSaid { bundle, run, request, room: _room } => {
                    self.app_said(bundle, run, request)?;
                }
                Input::AppGone { bundle, run } => self.app_gone(bundle, run)?,
                Input::Ended { bundle, run, ending } => self.ended(bundle, run, &ending)?,
                Input::Overdue { bundle, run, why } => self.overdue(&bundle, run, why),
                Input::ExtensionSaid { bundle, call, content } => {
                    self.extension_process_says(&bundle, call, &content)?;
                }
                Input::ExtensionEnded { bundle, call } => self.extension_process_ended(&bundle, call)?,
                Input::ContentExtensionSaid { bundle, run, said, room: _room } => {
                    self.content_extension_says(&bundle, run, said)?;
                }
                Input::ContentExtensionEnded { bundle, run } => {
                    self.content_extension_ended(&bundle, run)?;
                }
                Input::Rest { bundle, run, turn } => self.rest(&bundle, run, turn),
                Input::Wake => self.look_at_the_clock()?,
                Input::Ask(question) => (question.0)(self)?,
                Input::Stop(done) => {
                    self.snapshot()?;
                    *end = Some(End::Stop(done));
                }
                Input::LetGo(let_go) => *end = Some(End::LetGo(let_go)),
            }
        }
        if self.journal_len >= SNAPSHOT_EVERY {
            self.snapshot()?;
        }
        self.store.commit()
    }

    /// Lets something happen to the notification center, and takes in what follows.
    fn feed(&mut self, input: center::Input) -> Result<(), StoreError> {
        let now = self.clock.now();
        let json = serde_json::to_string(&input)
            .map_err(|error| StoreError::Unreadable { what: "an input", why: error.to_string() })?;
        self.store.write_journal(now, &json)?;
        self.journal_len += 1;
        for output in self.center.handle(input, now) {
            self.carry_out(output)?;
        }
        Ok(())
    }

    fn look_at_the_clock(&mut self) -> Result<(), StoreError> {
        if self.center.next_wake().is_some_and(|at| at <= self.clock.now()) {
            self.feed(center::Input::TimePassed)?;
        }
        Ok(())
    }

    fn snapshot(&mut self) -> Result<(), StoreError> {
        self.store.save_center(&self.center.to_json().map_err(start::unreadable_center)?)?;
        self.store.forget_arrivals(self.clock.host().now())?;
        self.journal_len = 0;
        Ok(())
    }

    /// Lets out what was decided, now that it is on disk.
    fn perform(&mut self) {
        // Before any answer is out: who gets one sees what comes next.
        self.wake.send_replace(self.center.next_wake());
        let asking = self.asks_a_process();
        self.asking.send_if_modified(|before| std::mem::replace(before, asking) != asking);
        let acks = std::mem::take(&mut self.acks);
        if !acks.is_empty() {
            self.order(Order::Acknowledge(acks));
        }
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Order(order) => self.order(order),
                Effect::Launch { bundle } => self.launch(&bundle),
                Effect::ToApp { bundle, message } => self.say_to_app(&bundle, &message),
                Effect::EndProcess { bundle } => {
                    if let Some(app) = self.apps.get_mut(&bundle) {
                        app.process = None;
                    }
                }
                Effect::RunExtension { bundle, call, given } => {
                    self.start_extension_process(&bundle, call, given);
                }
                Effect::WarnExtension { call } => self.tell_extension_process(call),
                Effect::EndExtension { call } => drop(self.extensions.remove(&call)),
                Effect::Draw { bundle, run, command, line } => self.draw(&bundle, run, &command, line),
                Effect::ToContentExtension { bundle, line } => self.tell_content_extension(&bundle, line),
                Effect::RemoveContainer { number } => self.remove_container(number),
                Effect::RemoveOriginal(original) => drop(original.remove()),
                // The toucher may have gone.
                Effect::Touch { bundle, touch, taken } => drop(taken.send(self.touch_app(&bundle, touch))),
                Effect::Happened(happening) => self.watchers.tell(happening),
                Effect::Answer(answer) => answer(),
            }
        }
        self.sweep_attachments();
        self.end_drawings();
        self.send_receipts();
    }

    /// Whether an app's or an extension's process was asked something, and its time isn't over.
    fn asks_a_process(&self) -> bool {
        let mut apps = self.center.apps().map(|app| app.bundle_id.as_str());
        let is_asked = |app: &str| {
            self.center.asks_content_extension(app) || self.center.awaits(app) && !self.is_driven(app)
        };
        !self.extensions.is_empty() || apps.any(is_asked)
    }

    /// The file couldn't be written: nothing of the batch happened. What arrived comes again over a new connection.
    fn give_up_batch(&mut self, error: &StoreError) {
        tracing::error!(device = self.name, %error, "the device can't write its file; it starts again from what is on disk");
        self.store.roll_back();
        self.acks.clear();
        self.effects.clear();
        self.waiting.clear();
        // The numbers of their calls are given anew.
        self.extensions.clear();
        self.drawings.clear();
        self.stored.clear();
        self.link = None;
        if let Err(error) = self.load() {
            tracing::error!(device = self.name, %error, "the device can't read its file");
        }
    }

    fn happened(&mut self, kind: Kind, app: Option<&str>, detail: Value) {
        let device = self.name.clone();
        let happening = Happening { at: self.clock.now(), device, kind, app: app.map(str::to_owned), detail };
        self.effects.push(Effect::Happened(happening));
    }

    fn tell_app(&mut self, bundle: &str, message: DeviceMessage) {
        if self.is_driven(bundle) {
            if let DeviceMessage::Event(event) = message
                && self.runs(bundle)
            {
                self.resume_driven(bundle, &event);
                if let Some(driven) = self.driven.get_mut(bundle) {
                    driven.tell(self.clock.now(), event);
                }
            }
            return;
        }
        self.effects.push(Effect::ToApp { bundle: bundle.to_owned(), message });
    }

    /// Gives the running total of tokens to whoever publishes them.
    fn publish_tokens(&self) {
        self.tokens.send_if_modified(|tokens| {
            let before = tokens.clone();
            tokens.retain(|(device, _), _| *device != self.name);
            for (bundle, app) in &self.apps {
                if let Some(token) = &app.kept.token {
                    tokens.insert((self.name.clone(), bundle.clone()), token.clone());
                }
            }
            *tokens != before
        });
    }
}

impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Phone")
            .field("name", &self.name)
            .field("device_id", &self.device_id)
            .finish_non_exhaustive()
    }
}
