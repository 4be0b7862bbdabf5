//! Devices that were erased while the push service still knows them: their identities, kept in files until it has been
//! told (`docs/device-link.md`: `DELETE /devices/{id}`). What else erasing means is decided by `fleet`.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, Notify};

use crate::backoff::{Backoff, random_byte};
use crate::enrol;
use crate::store::Identity;
use crate::tls::Dialler;

/// The directory in the host's data directory.
const DIRECTORY: &str = "erased";

/// Who must still be told of. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Farewells {
    directory: PathBuf,
    added: Arc<Notify>,
    /// Whoever has it is adding one, or looking who is there.
    adding: Arc<Mutex<()>>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    device_id: String,
    secret: String,
}

impl Farewells {
    pub(crate) fn open(data_dir: &Path) -> std::io::Result<Self> {
        let directory = data_dir.join(DIRECTORY);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        Ok(Self { directory, added: Arc::default(), adding: Arc::default() })
    }

    pub(crate) fn is_empty(&self) -> std::io::Result<bool> {
        Ok(std::fs::read_dir(&self.directory)?.next().is_none())
    }

    pub(crate) fn contains(&self, device_id: &str) -> bool {
        self.path(device_id).exists()
    }

    /// On disk before the device's files are removed, which is done before the push service is told: an identity that
    /// is in neither place could come back. Waits for the disk, so not for a thread of the runtime.
    pub(crate) fn add(
        &self,
        identity: &Identity,
        remove_files: impl FnOnce() -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        let _nobody_looks = self.adding.blocking_lock();
        let kept = Kept { device_id: identity.device_id.clone(), secret: identity.secret.clone() };
        let next = self.directory.join(".next");
        let mut file =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&next)?;
        file.write_all(&serde_json::to_vec(&kept)?)?;
        file.sync_all()?;
        std::fs::rename(&next, self.path(&identity.device_id))?;
        std::fs::File::open(&self.directory)?.sync_all()?;
        let removed = remove_files();
        self.added.notify_one();
        removed
    }

    /// Tells the push service of each, again and again until it has heard, for as long as the host runs.
    pub(crate) async fn tell(self, dialler: Dialler) {
        let mut backoff = Backoff::default();
        loop {
            match self.tell_all(&dialler).await {
                Ok(()) => {
                    backoff.reset();
                    self.added.notified().await;
                }
                Err(why) => {
                    tracing::warn!(why, "the push service isn't told yet that a device was erased");
                    tokio::time::sleep(backoff.next(random_byte())).await;
                }
            }
        }
    }

    async fn tell_all(&self, dialler: &Dialler) -> Result<(), String> {
        let there = {
            let _nobody_adds = self.adding.lock().await;
            self.files().map_err(|error| error.to_string())?
        };
        for path in there {
            let kept = std::fs::read(&path).map_err(|error| error.to_string())?;
            let Ok(Kept { device_id, secret }) = serde_json::from_slice(&kept) else {
                tracing::warn!(path = %path.display(), "this isn't an erased device's identity");
                continue;
            };
            let identity = Identity { device_id, secret };
            enrol::leave(dialler, &identity).await.map_err(|error| error.to_string())?;
            std::fs::remove_file(&path).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn files(&self) -> std::io::Result<Vec<PathBuf>> {
        let paths = std::fs::read_dir(&self.directory)?.map(|entry| entry.map(|entry| entry.path()));
        let mut paths = paths.collect::<std::io::Result<Vec<_>>>()?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        Ok(paths)
    }

    fn path(&self, device_id: &str) -> PathBuf {
        self.directory.join(format!("{device_id}.json"))
    }
}
