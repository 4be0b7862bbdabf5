//! Apps come and go. A newer version keeps everything; what is removed is forgotten, except that its permission is
//! remembered for a day.

use homing_trace::{Reason, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::app::{App, Turn};
use crate::authorization::Permission;
use crate::{AppProfile, AppState, Center, Identifiers, MoveCause, Output};

/// How long permission is remembered after an app was removed (*TN2265*).
const REMEMBERED_MILLIS: i64 = 24 * 60 * 60 * 1000;
/// How many removed apps are remembered; beyond that, the one removed first is forgotten.
const MAX_REMOVED: usize = 1_024;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Removed {
    permission: Permission,
    at: UnixMillis,
}

impl Center {
    pub(crate) fn install(&mut self, profile: AppProfile, now: UnixMillis) {
        if let Some(app) = self.apps.get_mut(&profile.bundle_id) {
            if app.profile.app_clip && !profile.app_clip {
                app.permission.clip_ended();
            }
            app.profile = profile;
            return;
        }
        self.removed.retain(|_, removed| now.millis_since(removed.at) < REMEMBERED_MILLIS);
        let remembered = self.removed.remove(&profile.bundle_id);
        let mut permission = remembered.map_or_else(Permission::default, |removed| removed.permission);
        if !profile.app_clip {
            permission.clip_ended();
        }
        self.apps.insert(profile.bundle_id.clone(), Box::new(App::new(profile, permission)));
    }

    /// Takes everything of the app away; only its permission is remembered for a day.
    pub(crate) fn remove(&mut self, bundle: &str, now: UnixMillis, out: &mut Vec<Output>) {
        self.with_app(bundle, now, out, App::clear);
        let Some(app) = self.apps.remove(bundle) else { return };
        while self.removed.len() >= MAX_REMOVED {
            let first =
                self.removed.iter().min_by_key(|(_, removed)| removed.at).map(|(bundle, _)| bundle.clone());
            let Some(first) = first else { break };
            self.removed.remove(&first);
        }
        self.removed.insert(bundle.to_owned(), Removed { permission: app.permission, at: now });
    }
}

impl App {
    fn clear(&mut self, turn: &mut Turn<'_>) {
        self.move_to(AppState::Ended, MoveCause::Input, turn);
        self.process_ended(turn);
        self.give_up_extending(|_| true, Reason::UNKNOWN_APP, turn);
        self.remove_delivered(&Identifiers::All, turn);
        self.set_badge(0, turn);
    }
}
