//! The desktop face: banners of all devices of a host on the desktop's notification server over D-Bus, or on the portal
//! where there is no server, and what the user does with them handed back to the device. What a notification looks like is
//! decided by `shape`, `fdo` and `portal`.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use homing_local::NotificationView;
use tokio::sync::broadcast::error::RecvError;
use zbus::Variant;
use zbus::proxy::{OwnerChangedStream, SignalStream};

use super::shape::Shape;
use super::{fdo, portal, shape};
use crate::fleet::Fleet;
use crate::happening::{Kind, Told};

/// Longest wait for the desktop's answer.
const DEADLINE: Duration = Duration::from_secs(5);
/// Notifications that are followed; beyond that, the oldest is let go of: it stays on the desktop.
const FOLLOWED: usize = 1024;

/// Why there is no desktop face.
#[derive(Debug, thiserror::Error)]
pub enum FaceError {
    #[error("the desktop's session bus: {0}; is DBUS_SESSION_BUS_ADDRESS set?")]
    Bus(#[from] zbus::Error),
    #[error("the desktop doesn't answer within {} s", DEADLINE.as_secs())]
    Silent,
    #[error("the desktop's notification portal is of version {0}, and 2 is needed")]
    OldPortal(u32),
    #[error(
        "there is nothing that shows notifications: {server}; nor a portal: {portal}\nhint: start a notification \
         server, like dunst"
    )]
    Nobody { server: Box<FaceError>, portal: Box<FaceError> },
}

/// What a user does with a notification on the desktop.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Touch {
    Tap,
    Action(String),
    /// The text action, whichever it is.
    Reply(String),
    ActionWith(String, String),
    Dismiss,
    /// Not on the desktop any more, and nobody cleared it.
    Gone,
}

/// Waits for the desktop, but not for ever.
pub(super) async fn within<T>(
    call: impl Future<Output = Result<T, impl Into<zbus::Error>>>,
) -> Result<T, FaceError> {
    let answered = tokio::time::timeout(DEADLINE, call).await.map_err(|_| FaceError::Silent)?;
    answered.map_err(|error| FaceError::Bus(error.into()))
}

#[derive(Debug)]
enum Screen {
    Server(fdo::Server),
    Portal(portal::Portal),
}

/// Which notification of which device.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    device: String,
    app: String,
    identifier: String,
}

impl Place {
    /// As a portal knows it.
    fn name(&self) -> String {
        shape::text(&format!("{}/{}/{}", self.device, self.app, self.identifier))
    }
}

#[derive(Debug)]
struct Followed {
    place: Place,
    /// As a server knows it; 0 on a portal.
    id: u32,
    /// The action that wants a text.
    replies: Option<String>,
}

/// The face, ready to run.
pub(crate) struct Desktop {
    fleet: Arc<Fleet>,
    connection: zbus::Connection,
    screen: Screen,
    signals: SignalStream<'static>,
    /// Says when another program takes the desktop's part, or none.
    owners: OwnerChangedStream<'static>,
    /// Oldest first.
    followed: Vec<Followed>,
}

impl Desktop {
    /// Finds the desktop. The notification server is preferred: it says when a notification was cleared.
    pub(crate) async fn find(fleet: Arc<Fleet>) -> Result<Self, FaceError> {
        let connection = within(zbus::Connection::session()).await?;
        let screen = match fdo::Server::find(&connection).await {
            Ok(server) => Screen::Server(server),
            Err(server) => match portal::Portal::find(&connection).await {
                Ok(portal) => Screen::Portal(portal),
                Err(portal) => {
                    return Err(FaceError::Nobody { server: Box::new(server), portal: Box::new(portal) });
                }
            },
        };
        let proxy = match &screen {
            Screen::Server(server) => &server.proxy,
            Screen::Portal(portal) => &portal.proxy,
        };
        let signals = within(proxy.receive_all_signals()).await?;
        let owners = within(proxy.receive_owner_changed()).await?;
        Ok(Self { fleet, connection, screen, signals, owners, followed: Vec::new() })
    }

    /// Shows and listens until the bus goes away.
    pub(crate) async fn run(mut self) {
        let mut coming = self.fleet.record().watch(None).coming;
        loop {
            let done = tokio::select! {
                told = coming.recv() => match told {
                    Ok(told) => self.happened(&told).await,
                    Err(RecvError::Lagged(missed)) => {
                        tracing::warn!(missed, "the desktop is slow: some notifications weren't shown on it");
                        self.compare_all().await
                    }
                    Err(RecvError::Closed) => return,
                },
                Some(_) = self.owners.next() => self.begin_anew().await,
                signal = self.signals.next() => match signal {
                    Some(signal) => {
                        self.touched(&signal).await;
                        Ok(())
                    }
                    None => {
                        tracing::warn!("the desktop's session bus is gone: nothing is shown on it any more");
                        return;
                    }
                },
            };
            if let Err(error) = done {
                tracing::warn!(%error, "the desktop didn't take it");
            }
        }
    }

    /// What the program before has shown went with it, and its numbers are another's now.
    async fn begin_anew(&mut self) -> Result<(), FaceError> {
        self.followed.clear();
        match &mut self.screen {
            Screen::Server(server) => server.ask_again().await,
            Screen::Portal(_) => Ok(()),
        }
    }

    async fn happened(&mut self, told: &Told) -> Result<(), FaceError> {
        let app = told.app.as_deref().unwrap_or_default();
        // Of all that happens, these are to be seen.
        if told.kind == Kind::Presented {
            return match serde_json::from_value(told.detail.clone()) {
                Ok(view) => self.show(&told.device, &view).await,
                Err(error) => {
                    tracing::error!(%error, "a notification can't be read");
                    Ok(())
                }
            };
        }
        if told.kind == Kind::Withdrawn {
            let gone = told.detail["identifiers"].as_array().into_iter().flatten();
            let gone: Vec<&str> = gone.filter_map(|identifier| identifier.as_str()).collect();
            let is_gone = |place: &Place| {
                place.device == told.device && place.app == app && gone.contains(&place.identifier.as_str())
            };
            return self.close(is_gone).await;
        }
        if told.kind == Kind::Restarted {
            return self.compare(&told.device).await;
        }
        if matches!(told.kind, Kind::TurnedOff | Kind::Erased | Kind::ContentErased | Kind::Restored) {
            return self.close(|place| place.device == told.device).await;
        }
        if told.kind == Kind::Badge {
            return self.badge(app, told.detail["badge"].as_i64().unwrap_or_default()).await;
        }
        Ok(())
    }

    async fn show(&mut self, device: &str, view: &NotificationView) -> Result<(), FaceError> {
        let (app, identifier) = (view.app.clone(), view.identifier.clone());
        let place = Place { device: device.to_owned(), app, identifier };
        let Some(shaped) = Shape::of(view) else {
            return self.close(|one| *one == place).await;
        };
        let before = self.followed.iter().position(|followed| followed.place == place);
        let replaced = before.map_or(0, |at| self.followed.remove(at).id);
        let id = match &self.screen {
            Screen::Server(server) => {
                server.show((&view.app, &shape::text(&view.app_name)), &shaped, replaced).await?
            }
            Screen::Portal(portal) => portal.show(&place.name(), &shaped).await.map(|()| 0)?,
        };
        let replies = shaped.buttons.into_iter().find(|button| button.replies).map(|button| button.action);
        if self.followed.len() == FOLLOWED {
            self.followed.remove(0);
        }
        self.followed.push(Followed { place, id, replies });
        Ok(())
    }

    /// Takes off the desktop what isn't to be seen on its device any more, where nobody told of each.
    async fn compare(&mut self, device: &str) -> Result<(), FaceError> {
        let seen = match self.fleet.named(device) {
            Some(device) => device.ask(|phone| Ok(Ok(phone.shown()))).await.unwrap_or_default(),
            None => Vec::new(),
        };
        let is_seen = |place: &Place| {
            let is_it =
                |view: &&NotificationView| view.app == place.app && view.identifier == place.identifier;
            seen.iter().find(is_it).and_then(Shape::of).is_some()
        };
        self.close(|place| place.device == device && !is_seen(place)).await
    }

    async fn compare_all(&mut self) -> Result<(), FaceError> {
        let devices: BTreeSet<String> =
            self.followed.iter().map(|followed| followed.place.device.clone()).collect();
        let mut done = Ok(());
        for device in devices {
            done = done.and(self.compare(&device).await);
        }
        done
    }

    /// Takes them off the desktop, each whatever becomes of the others; answers with the first that can't be.
    async fn close(&mut self, which: impl Fn(&Place) -> bool) -> Result<(), FaceError> {
        let gone: Vec<Followed> = self.followed.extract_if(.., |followed| which(&followed.place)).collect();
        let mut done = Ok(());
        for Followed { place, id, .. } in gone {
            let closed = match &self.screen {
                Screen::Server(server) => server.close(id).await,
                Screen::Portal(portal) => portal.close(&place.name()).await,
            };
            done = done.and(closed);
        }
        done
    }

    /// The number on the app's icon, for the docks that show one (`com.canonical.Unity.LauncherEntry`).
    async fn badge(&self, app: &str, badge: i64) -> Result<(), FaceError> {
        let entry = format!("application://{app}.desktop");
        let shown =
            HashMap::from([("count", Variant::from(badge)), ("count-visible", Variant::from(badge > 0))]);
        let path = "/com/canonical/unity/launcherentry/homing";
        let interface = "com.canonical.Unity.LauncherEntry";
        let body = (entry.as_str(), shown);
        within(self.connection.emit_signal(None::<&str>, path, interface, "Update", &body)).await
    }

    /// Hands over what the user did. The device may know the notification no more, which is fine.
    async fn touched(&mut self, signal: &zbus::Message) {
        let (at, touch) = match &self.screen {
            Screen::Server(_) => {
                let Some((id, touch)) = fdo::meaning(signal) else { return };
                (self.followed.iter().position(|followed| followed.id == id), touch)
            }
            Screen::Portal(_) => {
                let Some((name, touch)) = portal::meaning(signal) else { return };
                (self.followed.iter().position(|followed| followed.place.name() == name), touch)
            }
        };
        let Some(at) = at else { return };
        let Followed { place: Place { device, app, identifier }, id, replies } = self.followed.remove(at);
        let is_closed = matches!(touch, Touch::Gone | Touch::Dismiss);
        if let (Screen::Server(server), false) = (&self.screen, is_closed) {
            // Some servers leave it where it is. The others know the number no more, which is fine.
            let _ = server.close(id).await;
        }
        let Some(device) = self.fleet.named(&device) else { return };
        let chosen = match touch {
            Touch::Gone => return,
            Touch::Tap => device.ask(move |phone| phone.tap(app, identifier)).await.err(),
            Touch::Dismiss => device.ask(move |phone| phone.dismiss(app, identifier)).await.err(),
            Touch::Action(action) => {
                device.ask(move |phone| phone.choose((app, identifier), action, None)).await.err()
            }
            Touch::ActionWith(action, text) => {
                device.ask(move |phone| phone.choose((app, identifier), action, Some(text))).await.err()
            }
            Touch::Reply(text) => {
                let Some(action) = replies else { return };
                device.ask(move |phone| phone.choose((app, identifier), action, Some(text))).await.err()
            }
        };
        if let Some(error) = chosen {
            tracing::info!(%error, "what was done on the desktop came too late");
        }
    }
}
