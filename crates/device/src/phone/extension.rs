//! Service extensions as processes: one for each notification, started by the manifest's command. The device writes a
//! line of JSON to its standard input, `{"request", "deadline"}`, and when its time is nearly over another,
//! `{"expiring": true}`; the process answers with one line on its standard output, `{"content"}`. When it is run, and
//! what becomes of its answer, is decided by the notification center.

use homing_local::{Command, NotificationContent, launch};
use homing_notification_center as center;
use homing_trace::UnixMillis;
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio::sync::mpsc;

use super::process::Task;
use super::{Effect, Input, Phone, containers};
use crate::child::{self, Child, Plan, Started};
use crate::store::StoreError;
use crate::translate;

/// Processes of extensions at a time; what more there is to do is shown as it came.
const MAX_PROCESSES: usize = 16;
/// Of those, one app's: so an app whose extension hangs leaves room for the others.
const MAX_OF_ONE_APP: usize = 4;
/// Longest answer, in bytes.
const MAX_ANSWER: usize = 256 * 1024;

/// A process that works on one notification; dropping it ends it.
#[derive(Debug)]
pub(super) struct ExtensionProcess {
    bundle: String,
    _child: Child,
    warn: mpsc::Sender<()>,
    _talking: Task,
}

#[derive(Deserialize)]
struct Answer {
    content: NotificationContent,
}

impl Phone {
    pub(super) fn run_extension_process(
        &mut self,
        bundle: &str,
        call: u64,
        request: &center::NotificationRequest,
        deadline: UnixMillis,
    ) {
        let request = translate::same::<_, homing_local::NotificationRequest>(request).ok();
        let mut given = json!({"request": request, "deadline": deadline}).to_string().into_bytes();
        given.push(b'\n');
        self.effects.push(Effect::RunExtension { bundle: bundle.to_owned(), call, given });
    }

    pub(super) fn warn_extension_process(&mut self, call: u64) {
        self.effects.push(Effect::WarnExtension { call });
    }

    pub(super) fn start_extension_process(&mut self, bundle: &str, call: u64, given: Vec<u8>) {
        match self.begin_extension(bundle, call, given) {
            Ok(process) => drop(self.extensions.insert(call, process)),
            Err(error) => {
                tracing::warn!(device = self.name, bundle, %error, "the service extension can't be started");
                self.tell_later(Input::ExtensionEnded { bundle: bundle.to_owned(), call });
            }
        }
    }

    fn begin_extension(&self, bundle: &str, call: u64, given: Vec<u8>) -> std::io::Result<ExtensionProcess> {
        let manifest = self.apps.get(bundle).map(|app| &app.kept.manifest);
        let Some(command) = manifest.and_then(|manifest| manifest.service_extension.as_ref()) else {
            return Err(std::io::Error::other("the app has none"));
        };
        if self.extensions.len() >= MAX_PROCESSES {
            return Err(std::io::Error::other(format!("{MAX_PROCESSES} of them run already")));
        }
        if self.extensions.values().filter(|process| process.bundle == bundle).count() >= MAX_OF_ONE_APP {
            return Err(std::io::Error::other(format!("{MAX_OF_ONE_APP} of the app's run already")));
        }
        let started = self.start_extension(bundle, command)?;
        let Some((to_it, from_it)) = started.talk else {
            return Err(std::io::Error::other("it can't be heard"));
        };
        let (warn, warned) = mpsc::channel(1);
        let of = bundle.to_owned();
        let (inputs, bundle) = (self.inputs.clone(), of.clone());
        let talking = async move {
            let answer = talk(to_it, from_it, given, warned).await;
            let Some(phone) = inputs.upgrade() else { return };
            let input = match answer {
                Some(Answer { content }) => Input::ExtensionSaid { bundle, call, content: Box::new(content) },
                None => Input::ExtensionEnded { bundle, call },
            };
            let _ = phone.send(input).await;
        };
        let talking = Task(tokio::spawn(talking).abort_handle());
        Ok(ExtensionProcess { bundle: of, _child: started.child, warn, _talking: talking })
    }

    /// A program of the app that isn't the app: it works in its container, and isn't given its secret.
    pub(super) fn start_extension(&self, bundle: &str, command: &Command) -> std::io::Result<Started> {
        let app = self.apps.get(bundle).ok_or_else(|| std::io::Error::other("the app isn't installed"))?;
        let dir = self.container(app.kept.container);
        containers::ensure(&dir)?;
        let variables =
            vec![(launch::BUNDLE_ID, bundle.into()), (launch::CONTAINER, dir.clone().into_os_string())];
        child::start(Plan { command, dir: &dir, variables, talks: true, of: (self.name.as_str(), bundle) })
    }

    pub(super) fn tell_extension_process(&self, call: u64) {
        if let Some(process) = self.extensions.get(&call) {
            let _ = process.warn.try_send(());
        }
    }

    pub(super) fn extension_process_says(
        &mut self,
        bundle: &str,
        call: u64,
        content: &NotificationContent,
    ) -> Result<(), StoreError> {
        // What was ended meanwhile has nothing to say: its number may be another's.
        if !self.extensions.contains_key(&call) {
            return Ok(());
        }
        self.effects.push(Effect::EndExtension { call });
        self.extension_says(bundle, call, content)
    }

    pub(super) fn extension_process_ended(&mut self, bundle: &str, call: u64) -> Result<(), StoreError> {
        self.effects.push(Effect::EndExtension { call });
        self.extension_crashed(bundle, call)
    }
}

/// `None` if it ended without a whole answer.
async fn talk(
    mut to_it: pipe::Sender,
    mut from_it: pipe::Receiver,
    given: Vec<u8>,
    mut warned: mpsc::Receiver<()>,
) -> Option<Answer> {
    let say = async move {
        let _ = to_it.write_all(&given).await;
        if warned.recv().await.is_some() {
            let _ = to_it.write_all(b"{\"expiring\":true}\n").await;
        }
        // Its input stays open as long as it works.
        std::future::pending::<()>().await;
    };
    let hear = async {
        let mut answer = Vec::new();
        while answer.len() <= MAX_ANSWER {
            if let Some(line) =
                answer.split_inclusive(|&byte| byte == b'\n').next().filter(|line| line.ends_with(b"\n"))
            {
                return serde_json::from_slice(line).ok();
            }
            if from_it.read_buf(&mut answer).await.unwrap_or(0) == 0 {
                break;
            }
        }
        None
    };
    tokio::select! {
        () = say => None,
        answer = hear => answer,
    }
}
