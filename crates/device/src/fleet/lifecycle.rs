//! What happens to a whole device and leaves it its name: it restarts, it is turned off and on, it is erased for the next owner, it is backed up
//! and restored. Each is done to its end in a task of its own, also if nobody waits for it any more. Those who watch the
//! device go on watching.

use std::sync::{Arc, PoisonError};

use tokio::sync::{MutexGuard, oneshot, watch};

use super::{ChangeError, Changes, Fleet, Handle, on_disk, remove_files};
use crate::backup::BackupView;
use crate::happening::Kind;
use crate::phone::questions::{DeviceView, LinkView};
use crate::phone::{Beginning, Input};
use crate::store::Identity;

impl Handle {
    /// The same once its phone has ended: nobody answers, nothing is due.
    fn turned_off(&self, was: DeviceView) -> Self {
        let why = Some("the device is off".to_owned());
        let link = LinkView { connected: false, why, refused: false };
        Self {
            name: self.name.clone(),
            inputs: self.inputs.clone(),
            watchers: self.watchers.clone(),
            clock: self.clock.clone(),
            wake: watch::Sender::new(None).subscribe(),
            asking: watch::Sender::new(false).subscribe(),
            tasks: self.tasks.clone(),
            off: Some(Box::new(DeviceView { on: false, link, ..was })),
        }
    }
}

impl Fleet {
    /// Turns the device off and on: every app has ended, what came due meanwhile fires once. Tokens stay.
    pub(crate) async fn restart(self: &Arc<Self>, name: &str) -> Result<Arc<Handle>, ChangeError> {
        let (fleet, name) = (Arc::clone(self), name.to_owned());
        let restarted = tokio::spawn(async move {
            let changing = fleet.changing.lock().await;
            let device = fleet.to_be_changed(&name, &changing)?;
            fleet.let_go(&device).await;
            fleet.again(&device, Beginning::Apps(Vec::new()), Kind::Restarted).await
        });
        restarted.await.map_err(|_| ChangeError::Stopping)?
    }

    /// Turns the device off, or on. Off, no app of it runs, it has no connection, and what comes due waits until it is on
    /// again, which is as after a restart.
    pub(crate) async fn set_power(
        self: &Arc<Self>,
        name: &str,
        on: bool,
    ) -> Result<Arc<Handle>, ChangeError> {
        let (fleet, name) = (Arc::clone(self), name.to_owned());
        let turned = tokio::spawn(async move {
            let changing = fleet.changing.lock().await;
            let device = fleet.there(&name, &changing)?;
            match (device.off.is_none(), on) {
                (true, true) | (false, false) => Ok(device),
                (false, true) => fleet.again(&device, Beginning::Apps(Vec::new()), Kind::TurnedOn).await,
                (true, false) => {
                    let was = device.view().await.map_err(|_| ChangeError::Stopping)?;
                    fleet.let_go(&device).await;
                    let off = Arc::new(device.turned_off(was));
                    fleet.put(&off);
                    fleet.happened(&off, Kind::TurnedOff);
                    Ok(off)
                }
            }
        });
        turned.await.map_err(|_| ChangeError::Stopping)?
    }

    /// *Erase All Content and Settings*: the device is there as new, without apps, and enrols anew. All its tokens end.
    pub(crate) async fn erase_content(self: &Arc<Self>, name: &str) -> Result<Arc<Handle>, ChangeError> {
        let (fleet, name) = (Arc::clone(self), name.to_owned());
        let erased = tokio::spawn(async move {
            let changing = fleet.changing.lock().await;
            let device = fleet.to_be_changed(&name, &changing)?;
            fleet.renew(&device, Beginning::Apps(Vec::new()), Kind::ContentErased).await
        });
        erased.await.map_err(|_| ChangeError::Stopping)?
    }

    /// Takes a backup of the device as it is.
    pub(crate) async fn back_up(self: &Arc<Self>, name: &str) -> Result<BackupView, ChangeError> {
        let (fleet, name) = (Arc::clone(self), name.to_owned());
        let backed_up = tokio::spawn(async move {
            let changing = fleet.changing.lock().await;
            let device = fleet.to_be_changed(&name, &changing)?;
            let (backups, of) = (fleet.backups.clone(), name.clone());
            let (backup, directory) = on_disk(&name, move || backups.begin(&of)).await??;
            let into = directory.clone();
            let taken = device.ask(move |phone| Ok(Ok(phone.back_up(&into)))).await;
            let taken = taken.map_err(|_| ChangeError::Stopping)??;
            let backups = fleet.backups.clone();
            Ok(on_disk(&name, move || backups.keep(&backup, &directory, taken)).await??)
        });
        backed_up.await.map_err(|_| ChangeError::Stopping)?
    }

    /// Puts a backup, of this device or of another, in place of everything on it. The device enrols anew, so that all
    /// tokens are new and those it had end.
    pub(crate) async fn restore(
        self: &Arc<Self>,
        name: &str,
        backup: String,
    ) -> Result<Arc<Handle>, ChangeError> {
        let (fleet, name) = (Arc::clone(self), name.to_owned());
        let restored = tokio::spawn(async move {
            let changing = fleet.changing.lock().await;
            let device = fleet.to_be_changed(&name, &changing)?;
            let backups = fleet.backups.clone();
            let of = name.clone();
            let staged = on_disk(&name, move || backups.stage(&backup, &of)).await?;
            let restored = match staged {
                Ok(found) => fleet.renew(&device, Beginning::Backup(Box::new(found)), Kind::Restored).await,
                Err(error) => Err(error.into()),
            };
            let (backups, of) = (fleet.backups.clone(), name.clone());
            on_disk(&name, move || backups.unstage(&of)).await?;
            restored
        });
        restored.await.map_err(|_| ChangeError::Stopping)?
    }

    pub(crate) async fn backups(&self) -> Result<Vec<BackupView>, ChangeError> {
        let backups = self.backups.clone();
        Ok(on_disk("", move || backups.all()).await??)
    }

    pub(crate) async fn remove_backup(&self, name: String) -> Result<(), ChangeError> {
        let _changing = self.changing.lock().await;
        let backups = self.backups.clone();
        Ok(on_disk("", move || backups.remove(&name)).await??)
    }

    /// The device, if one may be changed and it is on.
    pub(super) fn to_be_changed(
        &self,
        name: &str,
        changing: &MutexGuard<'_, Changes>,
    ) -> Result<Arc<Handle>, ChangeError> {
        let device = self.there(name, changing)?;
        if device.off.is_some() { Err(ChangeError::Off(name.to_owned())) } else { Ok(device) }
    }

    /// The device, on or off, if one may be changed.
    fn there(&self, name: &str, changing: &MutexGuard<'_, Changes>) -> Result<Arc<Handle>, ChangeError> {
        match **changing {
            Changes::Closed => Err(ChangeError::Stopping),
            Changes::Open => self.named(name).ok_or_else(|| ChangeError::NotThere(name.to_owned())),
        }
    }

    /// Ends the phone, which lets go of its file; says who it was at the push service.
    pub(super) async fn let_go(&self, device: &Handle) -> Option<Identity> {
        let (let_go, has_let_go) = oneshot::channel();
        // A phone that is gone already has closed its file.
        let _ = device.inputs.send(Input::LetGo(let_go)).await;
        let identity = has_let_go.await.ok().flatten();
        device.abort();
        identity
    }

    /// Removes all that a device had here, and sees to it that the push service is told.
    pub(super) async fn remove_all(&self, name: &str, identity: Option<Identity>) -> Result<(), ChangeError> {
        self.tokens.send_if_modified(|tokens| {
            let before = tokens.len();
            tokens.retain(|(of, _), _| of != name);
            tokens.len() != before
        });
        let (farewells, path) = (self.farewells.clone(), self.path(name));
        let removed = on_disk(name, move || match identity {
            Some(identity) => farewells.add(&identity, || remove_files(&path)),
            None => remove_files(&path),
        });
        removed.await?.map_err(|source| ChangeError::Files { name: name.to_owned(), source })
    }

    async fn renew(
        &self,
        device: &Handle,
        beginning: Beginning,
        kind: Kind,
    ) -> Result<Arc<Handle>, ChangeError> {
        let identity = self.let_go(device).await;
        if let Err(error) = self.remove_all(&device.name, identity).await {
            self.forget(&device.name);
            return Err(error);
        }
        self.again(device, beginning, kind).await
    }

    /// Starts the device that was let go; one that can't be started isn't among the others any more.
    async fn again(
        &self,
        device: &Handle,
        beginning: Beginning,
        kind: Kind,
    ) -> Result<Arc<Handle>, ChangeError> {
        let started = self.begin(device.name.clone(), beginning, device.watchers.clone()).await;
        match &started {
            Ok(device) => self.happened(device, kind),
            Err(_) => self.forget(&device.name),
        }
        started
    }

    fn forget(&self, name: &str) {
        self.devices.write().unwrap_or_else(PoisonError::into_inner).retain(|one| one.name != name);
    }
}
