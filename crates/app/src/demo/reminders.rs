//! The demo's reminders of articles: local notifications, which the device keeps while the app doesn't run. An article has
//! one, as its identifier is the article's.

use homing_local::{LocalError, NotificationContent, NotificationRequest, NotificationSound, Text, Trigger};
use serde_json::json;

use super::screen::{Did, Said, ScreenHandle};
use crate::center::{AppError, NotificationCenter};

#[derive(Clone, Debug)]
pub(super) struct Reminders {
    pub(super) center: NotificationCenter,
    pub(super) screen: ScreenHandle,
}

/// A reminder as it is wished for.
pub(super) struct Wish {
    pub(super) identifier: String,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) url: String,
    pub(super) trigger: Trigger,
}

impl Reminders {
    pub(super) async fn schedule(&self, wish: Wish) {
        let Wish { identifier, title, body, url, trigger } = wish;
        let mut content = NotificationContent {
            title: Text::Plain(title),
            body: Text::Plain(body),
            sound: Some(NotificationSound { name: "default".to_owned(), critical: false, volume: None }),
            ..NotificationContent::default()
        };
        // Where a remote notification has it, too.
        content.user_info.insert("userInfo".to_owned(), json!({"url": url}));
        let waits = self.center.pending_notification_requests().await;
        let replaces =
            waits.is_ok_and(|pending| pending.iter().any(|one| one.request.identifier == identifier));
        let did = if replaces { Did::Replaced } else { Did::Scheduled };
        let request = NotificationRequest { identifier: identifier.clone(), content, trigger: Some(trigger) };
        self.say(identifier, did, self.center.add(request).await).await;
    }

    pub(super) async fn cancel(&self, identifier: String) {
        let done = self.center.remove_pending_notification_requests(&[&identifier]).await;
        self.say(identifier, Did::Cancelled, done).await;
    }

    pub(super) async fn withdraw(&self, identifier: String) {
        let done = self.center.remove_delivered_notifications(&[&identifier]).await;
        self.say(identifier, Did::Withdrawn, done).await;
    }

    async fn say(&self, identifier: String, did: Did, done: Result<(), AppError>) {
        let said = match done {
            Ok(()) => Said { identifier, did, error: None },
            Err(AppError::Device(error)) => refused(identifier, error),
            Err(error) => return tracing::debug!(%error, "nothing was scheduled or removed"),
        };
        self.screen.change(|screen| screen.said = Some(said));
        self.look().await;
    }

    /// Shows what waits, and what stands in Notification Center.
    pub(super) async fn look(&self) {
        let looked = async {
            let pending = self.center.pending_notification_requests().await?;
            Ok::<_, AppError>((pending, self.center.delivered_notifications().await?))
        };
        match looked.await {
            Ok((mut pending, delivered)) => {
                pending.sort_by_key(|one| one.next_trigger_date);
                let delivered = delivered.into_iter().map(|one| one.request).collect();
                self.screen.change(|screen| (screen.pending, screen.delivered) = (pending, delivered));
            }
            Err(error) => tracing::debug!(%error, "what waits can't be read"),
        }
    }
}

fn refused(identifier: String, error: LocalError) -> Said {
    Said { identifier, did: Did::Refused, error: Some(error) }
}
