//! What is sent: payload and delivery options, from options or a file, with the defaults filled in.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use homing_apns::{
    ApnsId, ChannelId, CollapseId, DeliveryOptions, DeviceTokenHex, Expiration, Priority, PushType, Reason,
    Topic, check_topic,
};
use homing_payload::{Alert, Aps, Payload, Sound, validate};

use super::destination::Destination;
use crate::commands::payload;

/// An `.apns` file for Xcode's Simulator names its app here.
const SIMULATOR_KEY: &str = "Simulator Target Bundle";

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What")]
pub(super) struct NotificationArgs {
    /// Device token, in hex [default: the demo app's]
    #[arg(long, value_name = "HEX")]
    token: Option<String>,
    /// Broadcast channel to send to instead of one device: its ID, as `homing channel create` prints it
    #[arg(long, value_name = "ID", value_parser = text::<ChannelId>,
        conflicts_with_all = ["token", "push_type", "collapse_id"])]
    channel: Option<ChannelId>,
    /// Bundle ID, with the push type's suffix if it has one [default: the demo app's, or the certificate's]
    #[arg(long)]
    topic: Option<String>,
    /// Apple's word for the kind of push [default: what the topic or the payload is for]
    #[arg(long, value_name = "TYPE")]
    push_type: Option<PushType>,
    /// 10 at once, 5 by power considerations, 1 without waking the device
    #[arg(long, value_parser = text::<Priority>)]
    priority: Option<Priority>,
    /// Store until then: UNIX seconds, or +SECONDS from now by the clock there; 0: try once, don't store
    #[arg(long, value_name = "TIME")]
    expiration: Option<String>,
    /// Notifications with the same ID replace each other; at most 64 bytes
    #[arg(long, value_name = "ID", value_parser = text::<CollapseId>)]
    collapse_id: Option<CollapseId>,
    /// UUID to label the notification with [default: the push service makes one]
    #[arg(long, value_name = "UUID", value_parser = text::<ApnsId>)]
    apns_id: Option<ApnsId>,
    /// Title of the alert
    #[arg(long)]
    title: Option<String>,
    /// Subtitle of the alert
    #[arg(long)]
    subtitle: Option<String>,
    /// Text of the alert
    #[arg(long)]
    body: Option<String>,
    /// Number on the app's icon; 0 removes it
    #[arg(long)]
    badge: Option<u32>,
    /// Sound file of the app, or default
    #[arg(long)]
    sound: Option<String>,
    /// JSON file with the whole payload, or - for stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["title", "subtitle", "body", "badge", "sound"])]
    payload: Option<PathBuf>,
}

/// What is sent.
#[derive(Debug)]
pub(super) struct Notification {
    pub(super) to: To,
    pub(super) options: DeliveryOptions,
    pub(super) payload: Vec<u8>,
    /// What the sender should know before it is sent.
    pub(super) remarks: Vec<String>,
}

/// Whom it is for.
#[derive(Debug)]
pub(super) enum To {
    Device(DeviceTokenHex),
    Channel { bundle_id: String, channel: ChannelId },
}

impl NotificationArgs {
    pub(super) fn resolve(&self, destination: &Destination) -> anyhow::Result<Notification> {
        let mut remarks = Vec::new();
        let (payload, of_file) = self.payload(&mut remarks)?;
        let bundle_id = of_file.or_else(|| destination.bundle_id.clone());
        if let Some(channel) = &self.channel {
            return self.broadcast(destination, channel, bundle_id, (payload, remarks));
        }
        let (topic, push_type) = self.topic(bundle_id, &payload)?;
        if let Err(reason) = check_topic(push_type, &topic) {
            remarks.push(format!(
                "warning: push type {push_type} doesn't go with topic {topic}: {}",
                reason.advice()
            ));
        }
        remarks.extend(validate(&payload, Some(push_type)).iter().map(payload::line));
        let priority = match (self.priority, push_type) {
            // Without the header Apple takes 10, which is an error for these.
            (None, PushType::Background) => Some(Priority::Five),
            (said, _) => said,
        };
        let expiration = self.expiration(destination, &mut remarks)?;
        let options = DeliveryOptions {
            apns_id: self.apns_id,
            topic: Some(topic),
            push_type: Some(push_type),
            priority,
            expiration,
            collapse_id: self.collapse_id.clone(),
        };
        Ok(Notification { to: To::Device(self.token(destination)?), options, payload, remarks })
    }

    fn broadcast(
        &self,
        destination: &Destination,
        channel: &ChannelId,
        bundle_id: Option<String>,
        (payload, mut remarks): (Vec<u8>, Vec<String>),
    ) -> anyhow::Result<Notification> {
        let bundle_id = self.topic.clone().or(bundle_id);
        let bundle_id = bundle_id
            .context("the app is missing\nhint: name the bundle ID of the channel's app with --topic")?;
        remarks.extend(validate(&payload, Some(PushType::LiveActivity)).iter().map(payload::line));
        let options = DeliveryOptions {
            apns_id: self.apns_id,
            priority: self.priority,
            expiration: self.expiration(destination, &mut remarks)?,
            ..DeliveryOptions::default()
        };
        Ok(Notification {
            to: To::Channel { bundle_id, channel: channel.clone() },
            options,
            payload,
            remarks,
        })
    }

    fn expiration(&self, destination: &Destination, remarks: &mut Vec<String>) -> anyhow::Result<Expiration> {
        match self.expiration.as_deref() {
            None => Ok(Expiration::Default),
            Some("0") => Ok(Expiration::Once),
            Some(text) => expiration(text, destination.now()?, remarks),
        }
    }

    /// The payload, and the bundle ID that a Simulator's file names.
    fn payload(&self, remarks: &mut Vec<String>) -> anyhow::Result<(Vec<u8>, Option<String>)> {
        let Some(file) = &self.payload else {
            return Ok((self.built()?.to_bytes(), None));
        };
        let bytes = payload::read(file)?;
        let Ok((mut read, _)) = Payload::parse(&bytes) else {
            // The findings say what is wrong; the push service says what it thinks of it.
            return Ok((bytes, None));
        };
        let Some(bundle_id) = read.custom.shift_remove(SIMULATOR_KEY) else {
            return Ok((bytes, None));
        };
        remarks.push(format!("note: {SIMULATOR_KEY:?} names the app and is left out of what is sent"));
        Ok((without(&bytes, &read), bundle_id.as_str().map(str::to_owned)))
    }

    fn built(&self) -> anyhow::Result<Payload> {
        let Self { title, subtitle, body, badge, sound, .. } = self;
        let alert = Alert {
            title: title.clone(),
            subtitle: subtitle.clone(),
            body: body.clone(),
            ..Alert::default()
        };
        let alert = (alert != Alert::default()).then_some(alert);
        if alert.is_none() && badge.is_none() && sound.is_none() {
            bail!(
                "nothing to send\nhint: say it with --title and --body, or name a JSON file with --payload"
            );
        }
        let sound = sound.as_ref().map(Sound::named);
        Ok(Payload::new(Aps { alert, badge: *badge, sound, ..Aps::default() }))
    }

    /// The topic and the push type: each, when it isn't said, follows from the other or from the payload.
    fn topic(&self, bundle_id: Option<String>, payload: &[u8]) -> anyhow::Result<(Topic, PushType)> {
        let inferred = Payload::parse(payload).map_or(PushType::Alert, |(read, _)| read.inferred_push_type());
        let (topic, push_type) = match (&self.topic, bundle_id) {
            (Some(topic), _) => {
                // A type that needs another topic than the one named can't be meant.
                let fitting = if inferred.topic_suffix().is_empty() { inferred } else { PushType::Alert };
                let of_topic = PushType::of_topic(topic).unwrap_or(fitting);
                (topic.clone(), self.push_type.unwrap_or(of_topic))
            }
            (None, Some(bundle_id)) => {
                let push_type = self.push_type.unwrap_or(inferred);
                let suffix =
                    if bundle_id.ends_with(push_type.topic_suffix()) { "" } else { push_type.topic_suffix() };
                (format!("{bundle_id}{suffix}"), push_type)
            }
            (None, None) => {
                bail!("the topic is missing\nhint: name the app's bundle ID with --topic")
            }
        };
        let topic = topic
            .parse()
            .map_err(|reason: Reason| anyhow::anyhow!("{topic:?} is no topic\nhint: {}", reason.advice()))?;
        Ok((topic, push_type))
    }

    fn token(&self, destination: &Destination) -> anyhow::Result<DeviceTokenHex> {
        let text = match (&self.token, &destination.device_token) {
            (Some(text), _) | (None, Some(text)) => text,
            (None, None) => {
                bail!("the device token is missing\nhint: name it with --token, as the app got it, in hex")
            }
        };
        // As Xcode prints it: with spaces and angle brackets.
        let hex: String = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '<' | '>')).collect();
        hex.parse().map_err(|reason: Reason| {
            anyhow::anyhow!("the device token isn't complete hex ({reason})\nhint: {}", reason.advice())
        })
    }
}

/// The payload as it was read, less the Simulator's key.
fn without(bytes: &[u8], read: &Payload) -> Vec<u8> {
    match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(bytes) {
        Ok(mut map) => {
            map.shift_remove(SIMULATOR_KEY);
            serde_json::Value::Object(map).to_string().into_bytes()
        }
        Err(_) => read.to_bytes(),
    }
}

/// `0`, UNIX seconds or `+seconds`. `now` is in UNIX seconds.
fn expiration(text: &str, now: i64, remarks: &mut Vec<String>) -> anyhow::Result<Expiration> {
    let wrong = || {
        format!(
            "{text:?} is no expiration\nhint: write 0, a time in UNIX seconds, or +300 for 300 s from now"
        )
    };
    if let Some(later) = text.strip_prefix('+') {
        let later: u32 = later.parse().with_context(wrong)?;
        return Ok(Expiration::At(now + i64::from(later)));
    }
    let read = Expiration::parse(text.as_bytes()).map_err(|_| anyhow::anyhow!(wrong()))?;
    if let Expiration::At(seconds) = read
        && seconds < now
    {
        remarks.push(format!(
            "warning: the expiration {seconds} lies in the past: the notification expires at once (write +{seconds} \
             for {seconds} s from now)"
        ));
    }
    Ok(read)
}

/// Reads a value of Apple's by its own rule; the message is the reason's advice.
fn text<T: std::str::FromStr<Err = Reason>>(text: &str) -> Result<T, &'static str> {
    text.parse().map_err(|reason: Reason| reason.advice())
}

#[cfg(test)]
mod tests;
