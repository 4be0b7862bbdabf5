//! The process of an app, as the device sees it: how it begins, how it ends, and its line. An app with a launch command
//! is a process that the device starts; another runs in the device's own process, or is one that its developer started.
//! Each has a line of frames, and something to end. When it may work in background is decided by `suspension`.

use std::path::PathBuf;
use std::time::Duration;

use homing_local::message::{DeviceMessage, Page};
use homing_local::{AppManifest, DeviceEvent, launch};
use homing_notification_center::{self as center, AppState};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;

use super::line::{self, Line, OpenLine};
use super::questions::{Asked, Refusal};
use super::suspension::Suspension;
use super::{Effect, Input, Phone, containers};
use crate::child::{self, Child, Ending, Plan, Started};
use crate::happening::{Happening, Kind};
use crate::launcher::{Launch, RunningApp};
use crate::store::StoreError;

/// How long a process may take to attach, in real time.
const ATTACH_DEADLINE: Duration = Duration::from_secs(20);
/// How long a process that closed its stream may take to end by itself, so that how it ended is known.
const GOING_DEADLINE: Duration = Duration::from_secs(2);

/// An app that runs; dropping it ends the app.
#[derive(Debug)]
pub(super) struct Process {
    /// Tells this run from earlier ones of the same app.
    pub(super) run: u64,
    pub(super) screen: watch::Receiver<Value>,
    pub(super) body: Body,
    pub(super) suspension: Suspension,
    line: OpenLine,
    /// For the process that attaches; `None` once it has.
    waiting: Option<Line>,
    /// What it must do in time: attach, or end.
    deadline: Option<Task>,
    _tasks: Vec<Task>,
}

/// What there is to an app besides its line.
#[derive(Debug)]
pub(super) enum Body {
    /// It runs in the device's process, on the host's word.
    Inside { touches: mpsc::Sender<Value> },
    Child {
        child: Child,
        shows: watch::Sender<Value>,
        /// Why the device ends it.
        fate: Option<&'static str>,
        /// It has closed its stream.
        gone: bool,
    },
    /// Its developer started it: it ends by itself when its stream is closed.
    Outside { pid: i32, shows: watch::Sender<Value> },
}

/// A developer's process that is about to be the app.
#[derive(Debug)]
pub(super) struct Arriving {
    pid: i32,
    line: oneshot::Sender<Line>,
}

/// Ends a task with what it belongs to.
#[derive(Debug)]
pub(super) struct Task(pub(super) AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Process {
    /// Its process hasn't attached yet.
    pub(super) fn is_awaited(&self) -> bool {
        self.waiting.is_some()
    }

    /// Its process, if it isn't the device's own.
    pub(super) fn pid(&self) -> Option<i32> {
        match &self.body {
            Body::Inside { .. } => None,
            Body::Child { child, .. } => Some(child.pid()),
            Body::Outside { pid, .. } => Some(*pid),
        }
    }
}

impl Phone {
    /// Starts an app. One that can't be started is told as ended.
    pub(super) fn launch(&mut self, bundle: &str) {
        let run = self.next_run;
        self.next_run += 1;
        let Some(app) = self.apps.get_mut(bundle) else { return };
        let arriving = app.arriving.take();
        let (manifest, container) = (app.kept.manifest.clone(), app.kept.container);
        let (line, waiting) = line::open(bundle, run, self.inputs.clone());
        let container = self.container(container);
        let (body, screen, waiting, task) = match arriving {
            Some(Arriving { pid, line }) => {
                let (shows, screen) = watch::channel(Value::Null);
                // Who attached may have left again; then the line is closed, which the phone is told.
                drop(line.send(waiting));
                (Body::Outside { pid, shows }, screen, None, None)
            }
            None => match self.begin(run, &manifest, container, waiting) {
                Ok(begun) => begun,
                Err(error) => {
                    tracing::error!(device = self.name, bundle, %error, "the app can't be started");
                    let ending = Ending::NotStarted(error.to_string());
                    return self.tell_later(Input::Ended { bundle: bundle.to_owned(), run, ending });
                }
            },
        };
        let drawn = tokio::spawn(self.tell_of_screen(bundle, screen.clone())).abort_handle();
        // The task of an app inside is the app; a process has its deadline.
        let (deadline, inside) = if waiting.is_some() { (task, None) } else { (None, task) };
        let tasks = inside.into_iter().chain([drawn]).map(Task).collect();
        let (suspension, deadline) = (Suspension::default(), deadline.map(Task));
        if let Some(app) = self.apps.get_mut(bundle) {
            app.process =
                Some(Process { run, screen, body, suspension, line, waiting, deadline, _tasks: tasks });
            self.rest_in_background(bundle);
        }
    }

    /// The app's program, in its own process or in ours.
    fn begin(
        &self,
        run: u64,
        manifest: &AppManifest,
        container: PathBuf,
        line: Line,
    ) -> std::io::Result<Begun> {
        containers::ensure(&container)?;
        let Some(command) = &manifest.launch else {
            let (ours, theirs) = UnixStream::pair()?;
            let launch = Launch { manifest: manifest.clone(), stream: theirs, container };
            let RunningApp { abort, screen, touches } = self.launcher.launch(launch);
            tokio::spawn(line.serve(ours, None, Vec::new()));
            return Ok((Body::Inside { touches }, screen, None, Some(abort)));
        };
        let bundle = &manifest.bundle_id;
        let secret = self.apps.get(bundle).map(|app| app.kept.secret.clone()).unwrap_or_default();
        let variables = vec![
            (launch::SOCKET, self.socket.clone().into_os_string()),
            (launch::DEVICE, self.name.clone().into()),
            (launch::BUNDLE_ID, bundle.into()),
            (launch::SECRET, secret.into()),
            (launch::CONTAINER, container.clone().into_os_string()),
        ];
        let of = (self.name.as_str(), bundle.as_str());
        let plan = Plan { command, dir: &container, variables, talks: false, of };
        let Started { child, ended, .. } = child::start(plan)?;
        let (inputs, of) = (self.inputs.clone(), bundle.clone());
        tokio::spawn(async move {
            let Ok(ending) = ended.await else { return };
            if let Some(phone) = inputs.upgrade() {
                let _ = phone.send(Input::Ended { bundle: of, run, ending }).await;
            }
        });
        let late = self.overdue_after(ATTACH_DEADLINE, bundle, run, "it didn't attach in time");
        let (shows, screen) = watch::channel(Value::Null);
        Ok((Body::Child { child, shows, fate: None, gone: false }, screen, Some(line), Some(late)))
    }

    fn overdue_after(&self, wait: Duration, bundle: &str, run: u64, why: &'static str) -> AbortHandle {
        let (inputs, bundle) = (self.inputs.clone(), bundle.to_owned());
        let overdue = async move {
            tokio::time::sleep(wait).await;
            if let Some(phone) = inputs.upgrade() {
                let _ = phone.send(Input::Overdue { bundle, run, why }).await;
            }
        };
        tokio::spawn(overdue).abort_handle()
    }

    pub(super) fn tell_later(&self, input: Input) {
        let inputs = self.inputs.clone();
        tokio::spawn(async move {
            if let Some(phone) = inputs.upgrade() {
                let _ = phone.send(input).await;
            }
        });
    }

    /// A process says on the socket that it is this app. It gets the app's line once everything is on disk.
    pub(crate) fn attach(&mut self, bundle: &str, secret: &str, pid: i32) -> Asked<oneshot::Receiver<Line>> {
        let known = self.apps.get_mut(bundle);
        let proven = |app: &super::App| bool::from(app.kept.secret.as_bytes().ct_eq(secret.as_bytes()));
        let Some(app) = known.filter(|app| proven(app)) else { return Ok(Err(Refusal::NotTheApp)) };
        if self.driven.get(bundle).is_some_and(|driven| driven.driver.is_some()) {
            return Ok(Err(Refusal::RunsAlready(bundle.to_owned())));
        }
        let (answer, line) = oneshot::channel();
        match &mut app.process {
            None if app.arriving.is_some() => return Ok(Err(Refusal::RunsAlready(bundle.to_owned()))),
            None => {
                app.arriving = Some(Arriving { pid, line: answer });
                self.opened_outside(bundle)?;
            }
            Some(process) => {
                let Body::Child { child, .. } = &process.body else {
                    return Ok(Err(Refusal::RunsAlready(bundle.to_owned())));
                };
                if !child.is_or_started(pid) {
                    return Ok(Err(Refusal::NotTheProcess(bundle.to_owned())));
                }
                let Some(waiting) = process.waiting.take() else {
                    return Ok(Err(Refusal::RunsAlready(bundle.to_owned())));
                };
                process.deadline = None;
                drop(answer.send(waiting));
                self.rest_in_background(bundle);
            }
        }
        Ok(Ok(line))
    }

    /// As when a developer runs an app: it is in front.
    fn opened_outside(&mut self, bundle: &str) -> Result<(), StoreError> {
        if self.center.app_state(bundle).is_some_and(AppState::is_running) {
            self.effects.push(Effect::Launch { bundle: bundle.to_owned() });
            return Ok(());
        }
        let state = AppState::Foreground;
        self.feed(center::Input::AppStateChanged { bundle: bundle.to_owned(), state })
    }

    /// The app closed its stream. That of a process is told by how it ends.
    pub(super) fn app_gone(&mut self, bundle: String, run: u64) -> Result<(), StoreError> {
        let Some(app) = self.apps.get_mut(&bundle) else { return Ok(()) };
        match app.process.take_if(|process| process.run == run) {
            Some(mut process) if matches!(process.body, Body::Child { .. }) => {
                let why = "it closed its stream and went on";
                let late = self.overdue_after(GOING_DEADLINE, &bundle, run, why);
                process.deadline = Some(Task(late));
                if let Body::Child { gone, child, .. } = &mut process.body {
                    *gone = true;
                    child.resume();
                }
                if let Some(app) = self.apps.get_mut(&bundle) {
                    app.process = Some(process);
                }
                Ok(())
            }
            Some(_) => self.no_process(bundle),
            None if app.process.is_none() => self.no_process(bundle),
            None => Ok(()),
        }
    }

    /// A process that had something to do in time didn't.
    pub(super) fn overdue(&mut self, bundle: &str, run: u64, why: &'static str) {
        let process = self.apps.get_mut(bundle).and_then(|app| app.process.as_mut());
        if let Some(process) = process.filter(|process| process.run == run)
            && let Body::Child { child, fate, .. } = &mut process.body
        {
            *fate = Some(why);
            child.kill();
        }
    }

    /// A process has ended, and not because the device wanted it: the app crashed.
    pub(super) fn ended(&mut self, bundle: String, run: u64, ending: &Ending) -> Result<(), StoreError> {
        let Some(app) = self.apps.get_mut(&bundle) else { return Ok(()) };
        let never_ran = matches!(ending, Ending::NotStarted(_)) && app.process.is_none();
        let process = app.process.take_if(|process| process.run == run);
        if process.is_none() && !never_ran {
            return Ok(());
        }
        let fate = process.as_ref().and_then(|process| match &process.body {
            Body::Child { fate, .. } => *fate,
            Body::Inside { .. } | Body::Outside { .. } => None,
        });
        let detail = match ending {
            Ending::Exited(status) => json!({"exit_status": status, "signal": null, "why": fate}),
            Ending::Killed(signal) => json!({"exit_status": null, "signal": signal, "why": fate}),
            Ending::NotStarted(why) => json!({"exit_status": null, "signal": null, "why": why}),
        };
        tracing::warn!(device = self.name, bundle, ?ending, fate, "an app's process ended by itself");
        self.happened(Kind::Crashed, Some(&bundle), detail);
        self.no_process(bundle)
    }

    fn no_process(&mut self, bundle: String) -> Result<(), StoreError> {
        if self.center.app_state(&bundle).is_some_and(AppState::is_running) {
            self.feed(center::Input::AppStateChanged { bundle, state: AppState::Ended })?;
        }
        Ok(())
    }

    /// Tells those who watch whenever the app shows something else.
    fn tell_of_screen(
        &self,
        bundle: &str,
        mut screen: watch::Receiver<Value>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (watchers, clock) = (self.watchers.clone(), self.clock.clone());
        let (device, app) = (self.name.clone(), bundle.to_owned());
        async move {
            while screen.changed().await.is_ok() {
                let (device, app) = (device.clone(), Some(app.clone()));
                let detail = Value::Object(serde_json::Map::new());
                watchers.tell(Happening { at: clock.now(), device, kind: Kind::Screen, app, detail });
            }
        }
    }

    /// What an app shows, if it can't say so inside.
    pub(super) fn shows(&mut self, bundle: &str, page: Page) {
        let process = self.apps.get(bundle).and_then(|app| app.process.as_ref());
        match process.map(|process| &process.body) {
            Some(Body::Child { shows, .. } | Body::Outside { shows, .. }) => {
                shows.send_replace(Value::Object(page.0));
            }
            Some(Body::Inside { .. }) | None => {}
        }
    }

    /// Gives the app a touch on its page; `false` if it doesn't take it.
    pub(super) fn touch_app(&mut self, bundle: &str, touch: Value) -> bool {
        let process = self.apps.get(bundle).and_then(|app| app.process.as_ref());
        match (process.map(|process| &process.body), touch) {
            (Some(Body::Inside { touches }), touch) => touches.try_send(touch).is_ok(),
            (Some(Body::Child { .. } | Body::Outside { .. }), Value::Object(touch)) => {
                let touched = DeviceEvent::Touched { touch: Page(touch) };
                self.say_to_app(bundle, &DeviceMessage::Event(touched));
                true
            }
            (Some(Body::Child { .. } | Body::Outside { .. }) | None, _) => false,
        }
    }

    /// Says something to an app; one that doesn't run hears nothing.
    pub(super) fn say_to_app(&mut self, bundle: &str, message: &DeviceMessage) {
        if let DeviceMessage::Event(event) = message {
            self.work_begins(bundle, event);
        }
        let Some(app) = self.apps.get_mut(bundle) else { return };
        let Some(process) = &app.process else { return };
        if matches!(process.body, Body::Child { gone: true, .. }) || process.line.say(message) {
            return;
        }
        tracing::warn!(device = self.name, bundle, "the app doesn't listen; it is ended");
        let (bundle, run) = (bundle.to_owned(), process.run);
        app.process = None;
        self.tell_later(Input::AppGone { bundle, run });
    }
}

/// A program that has begun: what it is, what it shows, its line if it must fetch that, and its task.
type Begun = (Body, watch::Receiver<Value>, Option<Line>, Option<AbortHandle>);
