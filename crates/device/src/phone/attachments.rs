//! The device's store of attachments: a directory beside each app's container. A file enters it when its notification is
//! taken, and leaves it when nothing refers to it any more. Which files are taken is decided by the notification
//! center; what the device finds at a URL goes there with the request.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use homing_notification_center::{self as center, AttachmentType, FileFormat, FoundFile, MAX_ATTACHMENTS};

use super::{Effect, Phone, containers};
use crate::app_files::{self, AppFile, Original};
use crate::backup::{self, BackupError, Found};
use crate::store::StoreError;

/// The most one app's attachments may be together, in bytes and in files.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
const MAX_FILES: usize = 1_024;

/// One file of the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stored {
    bundle: String,
    path: PathBuf,
}

/// What was put into the store for a request that may yet be refused.
#[derive(Debug, Default)]
pub(super) struct Brought {
    /// URL in the store, and the app's file that is moved.
    moved: Vec<(String, Original)>,
}

impl Phone {
    /// Puts the files of a content into the store, as far as they may be attachments, and notes what was found. Of more than
    /// it may have, the others are left alone: the notification center takes none without a file.
    pub(super) fn bring_attachments(
        &mut self,
        bundle: &str,
        content: &mut center::NotificationContent,
    ) -> Result<Brought, StoreError> {
        let mut brought = Brought::default();
        for attachment in content.attachments.iter_mut().take(MAX_ATTACHMENTS) {
            let number = random()?;
            if attachment.identifier.is_empty() {
                attachment.identifier = format!("{number:016x}");
            }
            attachment.found = Some(self.look_for(bundle, attachment, number, &mut brought));
        }
        Ok(brought)
    }

    fn look_for(
        &mut self,
        bundle: &str,
        attachment: &center::Attachment,
        number: u64,
        brought: &mut Brought,
    ) -> FoundFile {
        let Some((path, app)) = app_files::path_of(&attachment.url).zip(self.apps.get(bundle)) else {
            return FoundFile::Missing;
        };
        let (store, container) =
            (self.attachments_of(app.kept.container), self.container(app.kept.container));
        let from_bundle = app.kept.manifest.bundle.clone().map(PathBuf::from);
        if let Some(relative) = below(&store, &path) {
            return match AppFile::open(&store, &relative) {
                Ok(file) => found(&file, Some(attachment.url.clone())),
                Err(_) => FoundFile::NotInDataStore,
            };
        }
        let places = [(Some(container), true), (from_bundle, false)];
        let opened = places.into_iter().find_map(|(root, moved)| {
            let root = root?;
            let relative = below(&root, &path)?;
            let file = AppFile::open(&root, &relative).ok()?;
            let original = moved.then(|| file.original(root, relative));
            Some((file, original))
        });
        let Some((file, original)) = opened else { return FoundFile::Missing };
        let seen = found(&file, None);
        let FoundFile::File { bytes, format, .. } = seen else { return seen };
        let Ok(kind) = attachment.check_file(bytes, format) else { return seen };
        let Some(url) = self.keep(bundle, (&file, original.is_some()), &store, (number, kind)) else {
            return seen;
        };
        brought.moved.extend(original.map(|original| (url.clone(), original)));
        FoundFile::File { bytes, format, stored: Some(url) }
    }

    /// `None` if the store has no room, or can't be written.
    fn keep(
        &mut self,
        bundle: &str,
        (file, moved): (&AppFile, bool),
        store: &Path,
        (number, kind): (u64, AttachmentType),
    ) -> Option<String> {
        let path = store.join(format!("{number:016x}.{}", kind.extension()));
        let (bytes, files) = app_files::used(store, MAX_FILES);
        if bytes.saturating_add(file.len()) > MAX_BYTES || files >= MAX_FILES {
            return None;
        }
        if let Err(error) = containers::ensure(store).and_then(|()| file.put(&path, moved)) {
            tracing::warn!(device = self.name, bundle, %error, "an attachment can't be put into the store");
            return None;
        }
        let url = app_files::url_of(&path);
        self.stored.insert(Stored { bundle: bundle.to_owned(), path });
        Some(url)
    }

    /// The request was handled: what of its files is referred to now is the app's no more.
    pub(super) fn settle_attachments(&mut self, bundle: &str, brought: Brought) {
        if brought.moved.is_empty() {
            return;
        }
        let urls: HashSet<String> =
            self.center.attachments(bundle).map(|attachment| attachment.url.clone()).collect();
        let taken = brought.moved.into_iter().filter(|(url, _)| urls.contains(url));
        self.effects.extend(taken.map(|(_, original)| Effect::RemoveOriginal(original)));
    }

    /// Removes the files that nothing refers to. What can't be removed now is tried again at the next start.
    pub(super) fn sweep_attachments(&mut self) {
        if self.stored.is_empty() {
            return;
        }
        let bundles: HashSet<&String> = self.stored.iter().map(|stored| &stored.bundle).collect();
        let attachments = bundles.into_iter().flat_map(|bundle| self.center.attachments(bundle));
        let referred: HashSet<PathBuf> =
            attachments.filter_map(|attachment| app_files::path_of(&attachment.url)).collect();
        let gone = self.stored.extract_if(.., |stored| !referred.contains(&stored.path));
        for Stored { path, .. } in gone {
            containers::remove_file(&path);
        }
    }

    /// At the start: which files there are, and where the notification center finds them.
    pub(super) fn load_attachments(&mut self) {
        self.stored.clear();
        let apps: Vec<_> =
            self.apps.iter().map(|(bundle, app)| (bundle.clone(), app.kept.container)).collect();
        for (bundle, number) in apps {
            let store = self.attachments_of(number);
            for entry in std::fs::read_dir(&store).into_iter().flatten().flatten() {
                self.stored.insert(Stored { bundle: bundle.clone(), path: entry.path() });
            }
            self.relocate(&bundle, &store);
        }
    }

    /// The files of an app's attachments are in `store` now, by the names they had.
    pub(super) fn relocate(&mut self, bundle: &str, store: &Path) {
        self.center.relocate_attachments(bundle, |url| {
            let path = app_files::path_of(url)?;
            Some(app_files::url_of(&store.join(path.file_name()?)))
        });
    }
}

/// Backups.
impl Phone {
    /// What pending requests have goes along: what is on the screen doesn't.
    pub(super) fn back_up_attachments(
        &self,
        bundle: &str,
        number: i64,
        directory: &Path,
    ) -> Result<(), BackupError> {
        let (store, to) = (self.attachments_of(number), backup::attachments_of(directory, bundle));
        let pending = self.center.pending(bundle).into_iter();
        for attachment in pending.flat_map(|pending| &pending.request.content.attachments) {
            let path = app_files::path_of(&attachment.url);
            let Some(name) = path.as_deref().and_then(Path::file_name) else { continue };
            // One that is missing here is missing there.
            let Ok(file) = AppFile::open(&store, Path::new(name)) else { continue };
            let place = to.join(name);
            if !place.exists() {
                let copied = containers::ensure(&to).and_then(|()| file.put(&place, false));
                copied.map_err(|source| BackupError::Files { name: bundle.to_owned(), source })?;
            }
        }
        Ok(())
    }

    pub(super) fn restore_attachments(
        &mut self,
        bundle: &str,
        number: i64,
        found: &Found,
    ) -> Result<(), StoreError> {
        let store = self.attachments_of(number);
        backup::move_data(&found.attachments_of(bundle), &store)
            .map_err(|error| StoreError::Unreadable { what: "a backup", why: error.to_string() })?;
        for entry in std::fs::read_dir(&store).into_iter().flatten().flatten() {
            self.stored.insert(Stored { bundle: bundle.to_owned(), path: entry.path() });
        }
        self.relocate(bundle, &store);
        Ok(())
    }
}

fn found(file: &AppFile, stored: Option<String>) -> FoundFile {
    match file.part(0, FileFormat::HEAD) {
        Ok(head) => FoundFile::File { bytes: file.len(), format: FileFormat::sniff(&head), stored },
        Err(_) => FoundFile::Missing,
    }
}

/// `path` as seen from `root`, under the name it was given or its true one.
fn below(root: &Path, path: &Path) -> Option<PathBuf> {
    let direct = path.strip_prefix(root).ok().map(Path::to_owned);
    direct.or_else(|| path.strip_prefix(root.canonicalize().ok()?).ok().map(Path::to_owned))
}

pub(super) fn random() -> Result<u64, StoreError> {
    getrandom::u64().map_err(|error| StoreError::Unreadable {
        what: "no name, for want of randomness",
        why: error.to_string(),
    })
}
