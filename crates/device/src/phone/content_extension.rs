//! Content extensions as processes: one for each app at most, started by the manifest's command when the user opens a
//! notification of its categories, and ended when that is open no more. What it is told and what it says is
//! `homing_local::content_extension`'s. What follows from it is decided by the notification center; what one does that
//! ends, or can't be understood, is as if there were none.

use std::sync::Arc;

use homing_local::content_extension::{
    ContentExtensionResponseOption as ResponseOption, FromContentExtension, ToContentExtension,
};
use homing_local::{Command, LocalError, NotificationResponse};
use homing_notification_center::{self as center, AppInput};
use homing_trace::UnixMillis;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio::sync::{Semaphore, mpsc};

use super::process::Task;
use super::questions::{Asked, Refusal};
use super::{Effect, Input, Phone};
use crate::child::{Child, Started};
use crate::happening::Kind;
use crate::store::StoreError;
use crate::translate;

/// Processes of content extensions at a time; beyond that, the device draws itself.
const MAX_PROCESSES: usize = 8;
/// Longest line that one may say, in bytes.
const MAX_LINE: usize = 256 * 1024;
/// Lines that one may say while a notification is open.
const MAX_LINES: usize = 1_024;
/// Lines for it that it hasn't read.
const UNREAD: usize = 64;

/// The notification that is open, as the device has it drawn. Dropping it ends the process.
#[derive(Debug)]
pub(super) struct Drawing {
    /// Tells this opening from earlier ones.
    run: u64,
    /// `None` until it is started, and when it has ended.
    process: Option<ContentProcess>,
}

#[derive(Debug)]
struct ContentProcess {
    child: Child,
    lines: mpsc::Sender<Vec<u8>>,
    _talking: Task,
}

/// What the user does.
impl Phone {
    /// Opens a notification on the screen, not its app. `true` if a content extension draws it.
    pub(crate) fn expand(&mut self, app: &str, identifier: String) -> Asked<bool> {
        if !self.apps.contains_key(app) {
            return Ok(Err(Refusal::NoApp(app.to_owned())));
        }
        if !self.center.on_screen(app).any(|delivered| delivered.identifier() == identifier) {
            return Ok(Err(Refusal::NotShown { app: app.to_owned(), identifier }));
        }
        let what = AppInput::Expanded { identifier: identifier.clone() };
        self.feed(center::Input::OfApp { bundle: app.to_owned(), what })?;
        Ok(Ok(self.center.open_in_extension(app) == Some(&identifier)))
    }

    /// Closes what is open.
    pub(crate) fn collapse(&mut self, app: &str) -> Asked<()> {
        if !self.apps.contains_key(app) {
            return Ok(Err(Refusal::NoApp(app.to_owned())));
        }
        self.feed(center::Input::OfApp { bundle: app.to_owned(), what: AppInput::Closed })?;
        Ok(Ok(()))
    }

    /// What is open, the process that draws it, and what is answered if no process is asked.
    pub(crate) fn content_extension(&self, bundle: &str) -> (Option<String>, Option<i32>, ResponseOption) {
        let option = self.driven.get(bundle).and_then(|driven| driven.content).unwrap_or_default();
        let process = self.drawings.get(bundle).and_then(|drawing| drawing.process.as_ref());
        let pid = process.map(|process| process.child.pid());
        (self.center.open_in_extension(bundle).map(str::to_owned), pid, option)
    }

    /// Lays down what the extension answers; `None` leaves it to its process, if the manifest has one.
    pub(crate) fn set_content_extension(
        &mut self,
        bundle: &str,
        option: Option<ResponseOption>,
    ) -> Asked<()> {
        if !self.apps.contains_key(bundle) {
            return Ok(Err(Refusal::NoApp(bundle.to_owned())));
        }
        self.driven.entry(bundle.to_owned()).or_default().content = option;
        Ok(Ok(()))
    }
}

/// What the notification center wants.
impl Phone {
    /// `opened`: the user has just opened it; else it belongs to what is open.
    pub(super) fn content_extension_receives(
        &mut self,
        bundle: &str,
        notification: &center::Notification,
        opened: bool,
    ) {
        let detail = json!({"identifier": notification.request.identifier});
        self.happened(Kind::ContentExtension, Some(bundle), detail);
        let line = self.line_of(bundle, notification);
        if !opened {
            return self.effects.push(Effect::ToContentExtension { bundle: bundle.to_owned(), line });
        }
        // What drew another one has no more to say.
        self.drawings.remove(bundle);
        let category = &notification.request.content.category_identifier;
        let Some(command) = self.content_command(bundle, category).cloned() else { return };
        let run = self.next_run;
        self.next_run += 1;
        self.drawings.insert(bundle.to_owned(), Drawing { run, process: None });
        self.effects.push(Effect::Draw { bundle: bundle.to_owned(), run, command, line });
    }

    /// `None` if it can't be put into words, which ends the process.
    fn line_of(&self, bundle: &str, notification: &center::Notification) -> Option<Vec<u8>> {
        let open = self.center.open_in_extension(bundle);
        let open = self.center.on_screen(bundle).find(|one| Some(one.identifier()) == open);
        let actions = open.map(|open| self.center.offered(bundle, open)).unwrap_or_default();
        let said: Result<_, LocalError> = translate::notification(notification).and_then(|notification| {
            let (notification, actions) = (Box::new(notification), translate::same(&actions)?);
            Ok(ToContentExtension::Notification { notification, actions })
        });
        said.ok().and_then(|said| line(&said))
    }

    /// How the process is started, unless its answers are laid down.
    fn content_command(&self, bundle: &str, category: &str) -> Option<&Command> {
        if self.driven.get(bundle).is_some_and(|driven| driven.content.is_some()) {
            return None;
        }
        let extensions = &self.apps.get(bundle)?.kept.manifest.content_extensions;
        extensions.iter().find(|extension| extension.categories.contains(category))?.command.as_ref()
    }

    pub(super) fn content_extension_responds(
        &mut self,
        bundle: &str,
        call: u64,
        response: &center::Response,
        deadline: UnixMillis,
    ) -> Result<(), StoreError> {
        let request = &response.notification.request;
        let action = &response.action_identifier;
        let detail = json!({"identifier": request.identifier, "action_identifier": action});
        self.happened(Kind::ContentExtension, Some(bundle), detail);
        if self.content_command(bundle, &request.content.category_identifier).is_none() {
            let (.., option) = self.content_extension(bundle);
            return self.content_extension_answers(bundle, call, option);
        }
        let response: Result<NotificationResponse, _> = translate::same(response);
        let said = response.ok().map(|response| ToContentExtension::Response {
            call,
            response: Box::new(response),
            deadline,
        });
        let line = said.as_ref().and_then(line);
        self.effects.push(Effect::ToContentExtension { bundle: bundle.to_owned(), line });
        Ok(())
    }

    fn content_extension_answers(
        &mut self,
        bundle: &str,
        call: u64,
        option: ResponseOption,
    ) -> Result<(), StoreError> {
        let option = match option {
            ResponseOption::DoNotDismiss => center::ContentExtensionOption::DoNotDismiss,
            ResponseOption::Dismiss => center::ContentExtensionOption::Dismiss,
            ResponseOption::DismissAndForwardAction => {
                center::ContentExtensionOption::DismissAndForwardAction
            }
        };
        self.feed_app(bundle, AppInput::ContentExtensionAnswered { call, option })
    }

    fn feed_app(&mut self, bundle: &str, what: AppInput) -> Result<(), StoreError> {
        self.feed(center::Input::OfApp { bundle: bundle.to_owned(), what })
    }
}

/// The processes.
impl Phone {
    pub(super) fn draw(&mut self, bundle: &str, run: u64, command: &Command, line: Option<Vec<u8>>) {
        if self.drawings.get(bundle).is_none_or(|drawing| drawing.run != run) {
            return;
        }
        match self.begin_drawing(bundle, run, command, line) {
            Ok(process) => {
                if let Some(drawing) = self.drawings.get_mut(bundle) {
                    drawing.process = Some(process);
                }
            }
            Err(error) => {
                tracing::warn!(device = self.name, bundle, %error, "the content extension can't be started");
                self.tell_later(Input::ContentExtensionEnded { bundle: bundle.to_owned(), run });
            }
        }
    }

    fn begin_drawing(
        &self,
        bundle: &str,
        run: u64,
        command: &Command,
        line: Option<Vec<u8>>,
    ) -> std::io::Result<ContentProcess> {
        let line = line.ok_or_else(|| std::io::Error::other("the notification can't be put into words"))?;
        if self.drawings.values().filter(|drawing| drawing.process.is_some()).count() >= MAX_PROCESSES {
            return Err(std::io::Error::other(format!("{MAX_PROCESSES} of them run already")));
        }
        let Started { child, talk, .. } = self.start_extension(bundle, command)?;
        let (to_it, from_it) = talk.ok_or_else(|| std::io::Error::other("it can't be heard"))?;
        let (lines, unread) = mpsc::channel(UNREAD);
        // There is room: it is the first.
        let _ = lines.try_send(line);
        let (inputs, bundle) = (self.inputs.clone(), bundle.to_owned());
        let talking = async move {
            tokio::select! {
                () = say(to_it, unread) => {}
                () = hear(from_it, &inputs, &bundle, run) => {}
            }
            if let Some(phone) = inputs.upgrade() {
                let _ = phone.send(Input::ContentExtensionEnded { bundle, run }).await;
            }
        };
        let talking = Task(tokio::spawn(talking).abort_handle());
        Ok(ContentProcess { child, lines, _talking: talking })
    }

    /// Says a line to the process. One that isn't there, or doesn't listen, has ended.
    pub(super) fn tell_content_extension(&mut self, bundle: &str, line: Option<Vec<u8>>) {
        let drawing = self.drawings.get_mut(bundle);
        let run = drawing.as_ref().map_or(0, |drawing| drawing.run);
        let process = drawing.and_then(|drawing| drawing.process.as_ref());
        let said = process.zip(line).is_some_and(|(process, line)| process.lines.try_send(line).is_ok());
        if !said {
            self.tell_later(Input::ContentExtensionEnded { bundle: bundle.to_owned(), run });
        }
    }

    pub(super) fn content_extension_says(
        &mut self,
        bundle: &str,
        run: u64,
        said: FromContentExtension,
    ) -> Result<(), StoreError> {
        // What was ended meanwhile has nothing to say.
        if self.drawings.get(bundle).is_none_or(|drawing| drawing.run != run) {
            return Ok(());
        }
        match said {
            FromContentExtension::Answer { call, option } => {
                self.content_extension_answers(bundle, call, option)
            }
            FromContentExtension::SetActions(actions) => match translate::same(&actions) {
                Ok(actions) => self.feed_app(bundle, AppInput::ContentExtensionSetActions { actions }),
                Err(_) => Ok(()),
            },
            FromContentExtension::DismissNotification {} => {
                self.feed_app(bundle, AppInput::ContentExtensionDismissed)
            }
            FromContentExtension::PerformDefaultAction {} => match self.center.open_in_extension(bundle) {
                Some(identifier) => {
                    let (bundle, identifier) = (bundle.to_owned(), identifier.to_owned());
                    self.feed(center::Input::Tapped { bundle, identifier })
                }
                None => Ok(()),
            },
        }
    }

    pub(super) fn content_extension_ended(&mut self, bundle: &str, run: u64) -> Result<(), StoreError> {
        if let Some(drawing) = self.drawings.get_mut(bundle) {
            if drawing.run != run {
                return Ok(());
            }
            drawing.process = None;
        }
        let Some(identifier) = self.center.open_in_extension(bundle) else { return Ok(()) };
        let detail = json!({"identifier": identifier, "ended": true});
        self.happened(Kind::ContentExtension, Some(bundle), detail);
        self.feed_app(bundle, AppInput::ContentExtensionEnded)
    }

    /// Ends the processes that draw what isn't open any more.
    pub(super) fn end_drawings(&mut self) {
        let Self { drawings, center, .. } = self;
        drawings.retain(|bundle, _| center.open_in_extension(bundle).is_some());
    }
}

fn line(said: &ToContentExtension) -> Option<Vec<u8>> {
    let mut line = serde_json::to_vec(said).ok()?;
    line.push(b'\n');
    Some(line)
}

/// Returns when it listens no more.
async fn say(mut to_it: pipe::Sender, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        if to_it.write_all(&line).await.is_err() {
            return;
        }
    }
}

/// Returns when it has ended, or said what can't be understood, or too much.
async fn hear(mut from_it: pipe::Receiver, inputs: &mpsc::WeakSender<Input>, bundle: &str, run: u64) {
    // One line at a time waits for the phone.
    let turn = Arc::new(Semaphore::new(1));
    let (mut buffer, mut lines) = (Vec::new(), 0);
    loop {
        while let Some(end) = buffer.iter().position(|&byte| byte == b'\n') {
            let said = serde_json::from_slice(&buffer[..end]);
            buffer.drain(..=end);
            lines += 1;
            let (Ok(said), true) = (said, lines <= MAX_LINES) else { return };
            let Ok(room) = Arc::clone(&turn).acquire_owned().await else { return };
            let Some(phone) = inputs.upgrade() else { return };
            let said = Input::ContentExtensionSaid { bundle: bundle.to_owned(), run, said, room };
            if phone.send(said).await.is_err() {
                return;
            }
        }
        if buffer.len() > MAX_LINE || from_it.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
            return;
        }
    }
}
