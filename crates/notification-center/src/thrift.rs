//! A notification centre among very many in one process: what it may forget, so that it stays small. What it decides
//! about the next notification stays the same, as long as no repeat comes later than it remembers.

use serde_json::Map;

use crate::app::App;
use crate::output::Delivered;
use crate::seen::Seen;
use crate::{Center, Text};

/// How much of the past a small device keeps, for each app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thrift {
    /// Notifications by which a repeat is known.
    pub seen: usize,
    /// Notifications on its surfaces, the newest.
    pub delivered: usize,
    /// Bytes of text on them; the newest may have more by itself.
    pub text: usize,
}

impl Center {
    /// Forgets what only an app's code or a user with time would look at: the payloads of what is on the screen, and of
    /// the older ones everything. Nothing is said about it, as if Notification Center had never held more.
    pub fn forget(&mut self, keep: &Thrift) {
        for app in self.apps.values_mut() {
            app.forget(keep);
        }
    }
}

impl App {
    fn forget(&mut self, keep: &Thrift) {
        self.seen.forget(keep.seen);
        for list in [&mut self.delivered, &mut self.transient] {
            forget(list, keep);
        }
    }
}

fn forget(list: &mut Vec<Delivered>, keep: &Thrift) {
    let mut text = 0;
    let kept = list.iter().rev().take(keep.delivered).take_while(|delivered| {
        let first = text == 0;
        text += text_of(delivered);
        first || text <= keep.text
    });
    let gone = list.len() - kept.count();
    list.drain(..gone);
    if list.capacity() > 2 * keep.delivered {
        list.shrink_to(keep.delivered);
    }
    for delivered in list {
        let content = &mut delivered.notification.request.content;
        if !content.user_info.is_empty() {
            content.user_info = Map::new();
        }
    }
}

fn text_of(delivered: &Delivered) -> usize {
    let content = &delivered.notification.request.content;
    [&content.title, &content.subtitle, &content.body].into_iter().map(|text| Text::as_str(text).len()).sum()
}

impl Seen {
    /// All but the newest. They go in lots, so that forgetting costs little for each.
    fn forget(&mut self, keep: usize) {
        if self.len() > 2 * keep {
            self.keep_newest(keep);
        }
    }
}
