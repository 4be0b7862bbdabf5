//! What outlives an app, and what doesn't: offloading, a token that changes, backing up and restoring. The rule for the
//! device token stands beside each (*Registering your app with APNs*, and `docs/decisions/0003-device-open-questions.md`).

use std::path::Path;

use homing_local::AppManifest;
use homing_notification_center::{self as center, Center};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::connection::registration_of;
use super::containers::new_secret;
use super::questions::{Asked, Refusal};
use super::{App, Effect, Phone, containers, start};
use crate::backup::{self, BackedUpApp, Backup, BackupError, Found};
use crate::happening::Kind;
use crate::store::{KeptApp, OffloadedApp, StoreError};

/// When the push service is told that an app is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Tell {
    /// At once, or as soon as it can be reached.
    #[default]
    Now,
    /// When it next sends something for the app, which is suppressed as `unknown-app`, or when the device connects again.
    Later,
}

impl Phone {
    /// Takes the app away and keeps its data. Its token ends, as at a removal: downloaded again, it is a new install.
    pub(crate) fn offload(&mut self, bundle: &str) -> Asked<()> {
        let Some(app) = self.apps.get(bundle) else { return Ok(Err(Refusal::NoApp(bundle.to_owned()))) };
        let kept = OffloadedApp { manifest: app.kept.manifest.clone(), container: app.kept.container };
        self.store.save_offloaded(&kept)?;
        self.offloaded.insert(bundle.to_owned(), kept);
        self.take_away(bundle, Tell::Now)?;
        Ok(Ok(()))
    }

    /// Puts an offloaded app back: its data is there, its token is new.
    pub(crate) fn download(&mut self, bundle: &str) -> Asked<()> {
        let Some(offloaded) = self.offloaded.get(bundle) else {
            return Ok(Err(Refusal::NotOffloaded(bundle.to_owned())));
        };
        let manifest = offloaded.manifest.clone();
        Ok(self.install_from(manifest)?.map(drop))
    }

    /// Removes an app and all that is its; the push service is told now, or when it can be reached.
    pub(crate) fn remove(&mut self, bundle: &str, tell: Tell) -> Asked<()> {
        let number = match (self.apps.get(bundle), self.offloaded.get(bundle)) {
            (Some(app), _) => app.kept.container,
            (None, Some(offloaded)) => offloaded.container,
            (None, None) => return Ok(Err(Refusal::NoApp(bundle.to_owned()))),
        };
        if self.offloaded.remove(bundle).is_some() {
            self.store.remove_offloaded(bundle)?;
            self.happened(Kind::Removed, Some(bundle), json!({}));
        }
        self.take_away(bundle, tell)?;
        self.driven.remove(bundle);
        self.store.remove_driven(bundle)?;
        self.effects.push(Effect::RemoveContainer { number });
        Ok(Ok(()))
    }

    /// Ends the app and its registration; its data stays.
    fn take_away(&mut self, bundle: &str, tell: Tell) -> Result<(), StoreError> {
        let Some(app) = self.apps.get(bundle) else { return Ok(()) };
        let registration = registration_of(&app.kept).filter(|_| app.kept.is_subscribed());
        self.end_all_further(bundle)?;
        self.leave_all_channels(bundle)?;
        self.feed(center::Input::AppRemoved { bundle: bundle.to_owned() })?;
        self.apps.remove(bundle);
        self.store.remove_app(bundle)?;
        self.forget_calls(bundle);
        match (registration, tell) {
            (Some(registration), Tell::Now) => self.end_registration(registration)?,
            (Some(registration), Tell::Later) => self.end_registration_later(registration)?,
            (None, Tell::Now | Tell::Later) => {}
        }
        self.publish_tokens();
        self.happened(Kind::Removed, Some(bundle), json!({}));
        Ok(())
    }

    /// Lets the push service give the app another token, as it may at any time. The old one ends; the app is told the
    /// new one without having asked.
    pub(crate) fn rotate_token(&mut self, bundle: &str) -> Asked<()> {
        let Some(app) = self.apps.get_mut(bundle) else {
            return Ok(Err(Refusal::NoApp(bundle.to_owned())));
        };
        let registration = registration_of(&app.kept).filter(|_| app.kept.registered);
        let Some(registration) = registration.filter(|_| app.kept.token.is_some()) else {
            return Ok(Err(Refusal::NoToken(bundle.to_owned())));
        };
        app.kept.token = None;
        self.store.save_app(&app.kept)?;
        self.publish_tokens();
        self.end_registration(registration)?;
        Ok(Ok(()))
    }

    /// Copies what a backup holds into `directory`. What is on the screen, tokens and the device's identity aren't part
    /// of it.
    pub(crate) fn back_up(&self, directory: &Path) -> Result<Backup, BackupError> {
        let mut apps = Vec::new();
        let installed = self.apps.values().map(|app| (&app.kept.manifest, app.kept.container, false));
        let offloaded = self.offloaded.values().map(|app| (&app.manifest, app.container, true));
        for (manifest, container, offloaded) in installed.chain(offloaded) {
            let bundle = &manifest.bundle_id;
            backup::copy_data(bundle, &self.container(container), &backup::data_of(directory, bundle))?;
            self.back_up_attachments(bundle, container, directory)?;
            apps.push(BackedUpApp { manifest: manifest.clone(), offloaded, digest: None });
        }
        let unreadable = |why: String| BackupError::Unreadable { name: self.name.clone(), why };
        let center = self.center.for_backup().to_json().map_err(|error| unreadable(error.to_string()))?;
        let center = String::from_utf8(center).map_err(|error| unreadable(error.to_string()))?;
        let center = RawValue::from_string(center).map_err(|error| unreadable(error.to_string()))?;
        Ok(Backup::new(self.name.clone(), self.clock.now(), apps, center))
    }

    /// Fills a new device from a backup. No token is in it: each app gets a new one when it registers, which it does
    /// because it is opened once, as its user would.
    pub(super) fn restore(&mut self, found: &Found) -> Result<(), StoreError> {
        let center = Center::from_json(found.backup.center.get().as_bytes());
        self.center = center.map_err(start::unreadable_center)?;
        for BackedUpApp { manifest, offloaded, .. } in found.backup.apps.clone() {
            let bundle = manifest.bundle_id.clone();
            let container = self.store.next_container()?;
            let moved = containers::ensure(&self.container(container))
                .and_then(|()| backup::move_data(&found.data_of(&bundle), &self.container(container)));
            moved.map_err(|error| StoreError::Unreadable { what: "a backup", why: error.to_string() })?;
            self.restore_attachments(&bundle, container, found)?;
            if offloaded {
                let kept = OffloadedApp { manifest, container };
                self.store.save_offloaded(&kept)?;
                self.offloaded.insert(bundle, kept);
            } else {
                self.put_back(manifest, container)?;
            }
        }
        self.feed(center::Input::Booted)?;
        for bundle in self.apps.keys().cloned().collect::<Vec<_>>() {
            self.feed(center::Input::AppStateChanged { bundle, state: center::AppState::Background })?;
        }
        Ok(())
    }

    fn put_back(&mut self, manifest: AppManifest, container: i64) -> Result<(), StoreError> {
        let bundle = manifest.bundle_id.clone();
        let kept = KeptApp { manifest, registered: false, token: None, container, secret: new_secret()? };
        self.store.save_app(&kept)?;
        self.apps.insert(bundle, App { kept, process: None, arriving: None, registration_error: None });
        Ok(())
    }
}
