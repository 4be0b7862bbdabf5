//! A notification centre among very many in one process: what it may forget, so that it stays small. What it decides
//! about the next notification stays the same, as long as no repeat comes later than it remembers.

use crate::app::App;
use crate::output::UserInfo;
use crate::seen::Seen;
use crate::{Center, NotificationContent};

/// How much of the past a small device keeps, of all its apps together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thrift {
    /// Notifications by which a repeat is known: of each app its part of these, and up to as many more.
    pub seen: usize,
    /// Notifications on its surfaces, the newest.
    pub delivered: usize,
}

impl Center {
    /// Forgets what only an app's code or a user with time would look at: what the notifications on the screen say,
    /// what a silent one that waits has for its app, and of the older ones everything. Nothing is said about it, as if
    /// Notification Center had never held more.
    pub fn forget(&mut self, keep: &Thrift) {
        let seen = (keep.seen / self.apps.len().max(1)).max(1);
        for app in self.apps.values_mut() {
            app.seen.forget(seen);
            app.forget_contents();
        }
        let mut there: usize = self.apps.values().map(|app| app.delivered.len() + app.transient.len()).sum();
        while there > keep.delivered {
            let lists = self.apps.values_mut().flat_map(|app| [&mut app.delivered, &mut app.transient]);
            let oldest = lists.filter(|list| !list.is_empty());
            let Some(list) = oldest.min_by_key(|list| list.first().map(|oldest| oldest.notification.date))
            else {
                break;
            };
            list.remove(0);
            there -= 1;
        }
        for list in self.apps.values_mut().flat_map(|app| [&mut app.delivered, &mut app.transient]) {
            list.shrink_to_fit();
        }
    }
}

impl App {
    fn forget_contents(&mut self) {
        for delivered in self.delivered.iter_mut().chain(&mut self.transient) {
            delivered.notification.request.content = NotificationContent::default();
        }
        if let Some(held) = &mut self.budget.held {
            held.user_info = UserInfo::default();
        }
    }
}

impl Seen {
    /// All but the newest. They go in lots, so that forgetting costs little for each.
    fn forget(&mut self, keep: usize) {
        if self.len() >= 2 * keep {
            self.keep_newest(keep);
        }
    }
}
