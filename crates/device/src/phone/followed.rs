//! The broadcast channels an app follows, as ActivityKit's `pushType: .channel(id)` does. A subscription is its connection's, so each
//! connection asks for them anew. A virtual iPhone draws no Live Activities: it keeps the last message and tells what came.

use homing_link::{ChannelName, PacketId, ReasonCode};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::connection::registration_of;
use super::further::kept_payload;
use super::questions::Refusal;
use super::{Effect, Phone};
use crate::happening::Kind;
use crate::link::Order;
use crate::store::{Channel, Heard, LastMessage, StoreError};

/// Channels one device may follow: as many as the push service lets a connection subscribe to.
const PER_DEVICE: usize = 64;

/// What is known of a channel that is followed.
#[derive(Debug, Default)]
pub(super) struct Following {
    heard: Heard,
    /// What this connection has been answered: `None` while it hasn't.
    answer: Option<Result<(), String>>,
}

/// A message as it came.
pub(crate) struct Broadcast {
    pub(crate) channel: Channel,
    pub(crate) packet_id: PacketId,
    pub(crate) seq: Option<u64>,
    pub(crate) request_id: Option<String>,
    pub(crate) payload: Vec<u8>,
}

impl std::fmt::Debug for Broadcast {
    /// What people are told stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broadcast")
            .field("channel", &self.channel)
            .field("packet_id", &self.packet_id)
            .field("seq", &self.seq)
            .finish_non_exhaustive()
    }
}

/// A broadcast channel that an app follows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChannelView {
    /// In base64url without padding.
    channel: String,
    environment: String,
    /// `subscribed`, `waiting` for the push service's answer, or `refused` by it: then nothing comes, and it is asked for again
    /// on each connection and by another `PUT`.
    state: &'static str,
    /// Why it is refused, in the push service's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// How many have come.
    messages: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<LastMessage>,
}

type Asked<T> = Result<Result<T, Refusal>, StoreError>;

/// What the HTTP API asks.
impl Phone {
    /// The app's channels.
    pub(crate) fn channels_of(&self, bundle: &str) -> Result<Vec<ChannelView>, Refusal> {
        if !self.apps.contains_key(bundle) {
            return Err(Refusal::NoApp(bundle.to_owned()));
        }
        let of_app = self.followed.iter().filter(|(channel, _)| channel.bundle == bundle);
        Ok(of_app.map(|(channel, following)| self.channel_view_of(channel, following)).collect())
    }

    pub(crate) fn channel_view(&self, bundle: &str, id: &str) -> Result<ChannelView, Refusal> {
        let channel = self.channel_meant(bundle, id)?;
        let none = || Refusal::NoChannel { app: bundle.to_owned(), channel: id.to_owned() };
        let following = self.followed.get(&channel).ok_or_else(none)?;
        Ok(self.channel_view_of(&channel, following))
    }

    /// Follows the channel from now on; `true` if that is new. One that the push service has refused is asked for again: its
    /// app may broadcast now, or its enrolment lists more.
    pub(crate) fn follow(&mut self, bundle: &str, id: &str) -> Asked<bool> {
        let channel = match self.channel_meant(bundle, id) {
            Ok(channel) => channel,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Some(following) = self.followed.get_mut(&channel) {
            let is_refused = matches!(following.answer, Some(Err(_))) && self.link.is_some();
            if is_refused {
                following.answer = None;
                self.effects.push(Effect::Order(Order::Follow(channel)));
            }
            return Ok(Ok(is_refused));
        }
        if self.followed.len() >= PER_DEVICE {
            let detail = format!("a device follows at most {PER_DEVICE} channels: leave one first");
            return Ok(Err(Refusal::Invalid(detail)));
        }
        self.store.save_followed(&channel, &Heard::default())?;
        self.followed.insert(channel.clone(), Following::default());
        if self.link.is_some() {
            self.effects.push(Effect::Order(Order::Follow(channel)));
        }
        Ok(Ok(true))
    }

    pub(crate) fn unfollow(&mut self, bundle: &str, id: &str) -> Asked<()> {
        match self.channel_meant(bundle, id) {
            Ok(channel) if self.followed.contains_key(&channel) => Ok(Ok(self.leave_channel(&channel)?)),
            Ok(_) => Ok(Err(Refusal::NoChannel { app: bundle.to_owned(), channel: id.to_owned() })),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    fn channel_view_of(&self, channel: &Channel, following: &Following) -> ChannelView {
        let (state, why) = match (&following.answer, &self.link) {
            (Some(Ok(())), Some(_)) => ("subscribed", None),
            (Some(Err(why)), Some(_)) => ("refused", Some(why.clone())),
            (None, _) | (Some(_), None) => ("waiting", None),
        };
        ChannelView {
            channel: channel.id.clone(),
            environment: channel.environment.to_string(),
            state,
            why,
            messages: following.heard.messages,
            last: following.heard.last.clone(),
        }
    }

    /// The id may be as it stands in `apns-channel-id`, or as it stands in a topic.
    fn channel_meant(&self, bundle: &str, id: &str) -> Result<Channel, Refusal> {
        let app = self.apps.get(bundle).ok_or_else(|| Refusal::NoApp(bundle.to_owned()))?;
        let of_app = registration_of(&app.kept)
            .ok_or_else(|| Refusal::Invalid(format!("{bundle} lacks the entitlement aps-environment")))?;
        let id = id.trim_end_matches('=').replace('+', "-").replace('/', "_");
        let channel = Channel { environment: of_app.environment, bundle: bundle.to_owned(), id };
        let is_name = ChannelName::parse(&channel.name().to_string()) == Some(channel.name());
        is_name.then_some(channel).ok_or_else(|| {
            Refusal::Invalid("a channel's id is base64, as `homing channel create` prints it".to_owned())
        })
    }
}

/// What follows from it.
impl Phone {
    pub(super) fn load_followed(&mut self) -> Result<(), StoreError> {
        let kept = self.store.followed()?.into_iter();
        self.followed = kept.map(|(channel, heard)| (channel, Following { heard, answer: None })).collect();
        Ok(())
    }

    /// A new connection has none of them yet.
    pub(super) fn follow_all(&mut self) {
        for (channel, following) in &mut self.followed {
            following.answer = None;
            self.effects.push(Effect::Order(Order::Follow(channel.clone())));
        }
    }

    /// The app goes, and with it what it followed.
    pub(super) fn leave_all_channels(&mut self, bundle: &str) -> Result<(), StoreError> {
        let of_app = self.followed.keys().filter(|channel| channel.bundle == bundle);
        let leaving: Vec<Channel> = of_app.cloned().collect();
        leaving.iter().try_for_each(|channel| self.leave_channel(channel))
    }

    fn leave_channel(&mut self, channel: &Channel) -> Result<(), StoreError> {
        self.store.remove_followed(channel)?;
        self.followed.remove(channel);
        if self.link.is_some() {
            self.effects.push(Effect::Order(Order::Unfollow(channel.clone())));
        }
        Ok(())
    }

    pub(super) fn follows(&mut self, channel: &Channel, code: ReasonCode, said: &str) {
        let Some(following) = self.followed.get_mut(channel) else { return };
        let answer = if code.is_error() { Err(format!("{code}{said}")) } else { Ok(()) };
        let detail = match &answer {
            Ok(()) => json!({"channel": channel.id, "subscribed": true}),
            Err(why) => json!({"channel": channel.id, "subscribed": false, "why": why}),
        };
        following.answer = Some(answer);
        self.happened(Kind::Channel, Some(&channel.bundle), detail);
    }

    /// Acknowledged once it is on disk. One that has come before, or whose channel was left meanwhile, is nothing new.
    pub(super) fn broadcast(&mut self, broadcast: Broadcast) -> Result<(), StoreError> {
        let Broadcast { channel, packet_id, seq, request_id, payload } = broadcast;
        self.acks.push((packet_id, ReasonCode::Success));
        let now = self.clock.now();
        let Some(following) = self.followed.get_mut(&channel) else { return Ok(()) };
        if let Some(seq) = seq
            && !self.store.is_first_arrival(seq, self.clock.host().now())?
        {
            return Ok(());
        }
        let payload = kept_payload(&payload);
        let detail =
            json!({"channel": channel.id, "seq": seq, "apns_request_id": request_id, "payload": payload});
        following.heard.messages += 1;
        following.heard.last = Some(LastMessage { at: now, seq, apns_request_id: request_id, payload });
        self.store.save_followed(&channel, &following.heard)?;
        self.happened(Kind::Broadcast, Some(&channel.bundle), detail);
        Ok(())
    }
}
