//! Whether a request about broadcast channels is admitted: who asks, for which app, and what its headers say. Apple's pages
//! name the reasons, not their order; it is that of notifications. What the body says, and whether there is such a channel,
//! comes after.

use std::sync::Arc;

use homing_apns::{
    ChannelId, ChannelOperation, ChannelRequest, Expiration, Leniency, Priority, PushType, Reason,
    RequestHeaders, Topic,
};
use http::Uri;

use super::{Admission, Known, Moment, Refusing, Sender};
use crate::centre::TopicEntry;
use crate::store::ChannelsOf;

/// A request about channels whose head is in order.
#[derive(Debug)]
pub(in crate::provider_port) struct ChannelHead {
    pub(in crate::provider_port) of: ChannelsOf,
    pub(in crate::provider_port) bundle_id: Arc<str>,
    pub(in crate::provider_port) action: Action,
    pub(in crate::provider_port) team: Arc<str>,
}

/// What is asked.
#[derive(Debug)]
pub(in crate::provider_port) enum Action {
    Create,
    Read(ChannelId),
    Delete(ChannelId),
    List,
    Broadcast { id: ChannelId, priority: Priority, expiration: Expiration },
}

impl ChannelHead {
    /// What the trace is told of a request that is refused later.
    pub(in crate::provider_port) fn known(&self) -> Known {
        Known { team: Some(Arc::clone(&self.team)), topic: self.bundle_id.parse().ok() }
    }
}

impl Admission {
    /// Checks all of a request about channels but its body.
    pub(in crate::provider_port) fn check_channel_request(
        &mut self,
        request: ChannelRequest<'_>,
        uri: &Uri,
        headers: &RequestHeaders<'_>,
        now: Moment,
    ) -> Result<ChannelHead, Refusing> {
        headers.check_form()?;
        let sender = self.authenticate(headers, now)?;
        let topic = request.bundle_id.parse::<Topic>().ok();
        let used = self.leniencies_of(&sender, uri).and(headers.leniencies_about(&request));
        let used = used.with_if(Leniency::QueryInPath, uri.query().is_some());
        let checked = (|| {
            self.check_strictly(used)?;
            headers.request_id()?;
            let app = self.allowed_app(request.bundle_id, topic.as_ref(), &sender)?;
            let may_broadcast = self.directory.app(&app.bundle_id).is_some_and(|app| app.may_broadcast);
            if !may_broadcast {
                return Err(Reason::FeatureNotEnabled);
            }
            let action = action(request, headers)?;
            let of = ChannelsOf { topic_no: app.topic_no, environment: self.environment };
            let (bundle_id, team) = (Arc::clone(&app.bundle_id), Arc::clone(&sender.team));
            Ok(ChannelHead { of, bundle_id, action, team })
        })();
        match (checked, topic) {
            (Ok(head), Some(topic)) => {
                self.note(&head.team, Some((&topic, head.of.topic_no)), used, headers.user_agent, now);
                Ok(head)
            }
            (Ok(head), None) => Ok(head),
            (Err(reason), topic) => Err(Refusing { reason, known: Known { team: Some(sender.team), topic } }),
        }
    }

    /// The app in the path. A push type's suffix makes it a topic that has no channels; another's app isn't the credential's.
    fn allowed_app(
        &self,
        bundle_id: &str,
        topic: Option<&Topic>,
        sender: &Sender,
    ) -> Result<&TopicEntry, Reason> {
        let topic = topic.ok_or(Reason::TopicDisallowed)?;
        let entry = self.directory.topic(bundle_id);
        let is_suffixed = match entry {
            Some(entry) => entry.name != entry.bundle_id,
            None => PushType::of_topic(bundle_id).is_some(),
        };
        if is_suffixed {
            return Err(Reason::TopicDisallowed);
        }
        self.allowed_topic_no(topic, sender).map_err(|_| Reason::TopicMismatch)?;
        entry.ok_or(Reason::TopicMismatch)
    }
}

fn action(request: ChannelRequest<'_>, headers: &RequestHeaders<'_>) -> Result<Action, Reason> {
    let id = || headers.channel_id(request.id_in_path);
    Ok(match request.operation {
        ChannelOperation::Create => Action::Create,
        ChannelOperation::List => Action::List,
        ChannelOperation::Read => Action::Read(id()?),
        ChannelOperation::Delete => Action::Delete(id()?),
        ChannelOperation::Broadcast => {
            let id = id()?;
            headers.check_broadcast_push_type()?;
            let expiration = headers.expiration()?;
            let priority = headers.priority()?.unwrap_or_default();
            Action::Broadcast { id, priority, expiration }
        }
    })
}
