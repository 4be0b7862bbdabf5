//! SUBSCRIBE and UNSUBSCRIBE: registering for remote notifications and ending it. Decides which filters a device may
//! have and in which order it hears of it: commit, SUBACK, token, then what is stored. Channels are left to
//! [`channels`](super::channels).

use std::sync::Arc;

use futures_util::future::join_all;
use homing_link::{
    AckProperties, ChannelName, Packet, Qos, ReasonCode, RegistrationName, SubAck, Subscribe,
    SubscribeFilter, UnsubAck, Unsubscribe,
};
use homing_trace::Environment;
use tokio::io::{AsyncRead, AsyncWrite};

use super::conversation::{ANSWER_WITHIN, Conversation, End};
use super::{DevicePort, channels};
use crate::centre::TopicEntry;
use crate::hub::effect::Whose;
use crate::hub::session::{MAX_REGISTRATIONS, Name, Subscription};
use crate::notification::RegistrationKey;
use crate::store::{StoreError, Subscribed};

/// One filter of a SUBSCRIBE on its way to its answer.
enum Asked {
    Refused(ReasonCode),
    /// This connection holds it already.
    Held(RegistrationKey),
    New(Name),
    Channel(channels::Asked),
}

impl Asked {
    /// Why it is refused, where the code alone wouldn't tell.
    const fn why(&self) -> Option<&'static str> {
        match self {
            Self::Channel(asked) => asked.why(),
            Self::Refused(_) | Self::Held(_) | Self::New(_) => None,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Conversation<'_, S> {
    pub(super) async fn subscribe(&mut self, subscribe: &Subscribe<'_>) -> Result<(), End> {
        if subscribe.properties.subscription_id.is_some() {
            return Err(End::Ours(
                ReasonCode::SubscriptionIdsNotSupported,
                "subscription identifiers aren't available",
            ));
        }
        let asked: Vec<Asked> = subscribe.filters.iter().map(|filter| self.ask(&filter)).collect();
        let (port, device) = (self.port, self.arrived.connection.device);
        let connection = &self.arrived.connection;
        let asked = join_all(asked.into_iter().map(async |asked| match asked {
            Asked::Channel(asked) => Asked::Channel(asked.subscribe(port, connection).await),
            Asked::Refused(_) | Asked::Held(_) | Asked::New(_) => asked,
        }))
        .await;
        let answers = join_all(asked.iter().map(|asked| register(port, device, asked))).await;
        if answers.iter().any(|answer| matches!(answer, Some(Err(StoreError::NotEnrolled)))) {
            return Err(End::Ours(ReasonCode::AdministrativeAction, "the enrolment was deleted"));
        }
        let codes: Vec<u8> =
            asked.iter().zip(&answers).map(|(asked, answer)| code(asked, answer).as_u8()).collect();
        let at_qos_0 = codes.contains(&ReasonCode::ImplementationSpecificError.as_u8());
        let why = asked.iter().find_map(Asked::why).or(at_qos_0.then_some("subscribe at QoS 1"));
        let properties = AckProperties {
            // Beside the codes: type, length, identifier, length of the properties.
            reason_string: why.and_then(|why| self.arrived.dialect.reason(why, 8 + codes.len())),
            ..AckProperties::default()
        };
        let ack = SubAck { packet_id: subscribe.packet_id, codes: &codes, properties };
        self.arrived.dialect.answer(&Packet::SubAck(ack), &mut self.wire.outbound);
        for (asked, answer) in asked.into_iter().zip(answers) {
            self.serve(asked, answer);
        }
        Ok(())
    }

    /// What a filter asks for. From here on the hub keeps hints for it.
    fn ask(&self, wish: &SubscribeFilter<'_>) -> Asked {
        if ChannelName::is_meant(wish.filter) {
            return Asked::Channel(self.ask_channel(wish));
        }
        let Ok(name) = RegistrationName::parse_filter(wish.filter) else {
            tracing::debug!(device = %self.name(), filter = wish.filter, "no filter of the device link");
            return Asked::Refused(ReasonCode::TopicFilterInvalid);
        };
        if wish.qos == Qos::AtMostOnce {
            return Asked::Refused(ReasonCode::ImplementationSpecificError);
        }
        let Some(entry) = self.allowed(&name) else {
            tracing::debug!(device = %self.name(), topic = name.topic, "not among the apps of its enrolment");
            return Asked::Refused(ReasonCode::NotAuthorized);
        };
        let connection = &self.arrived.connection;
        if let Some(whose) = connection.held(name.environment, entry.topic_no, name.instance) {
            return Asked::Held(whose.key);
        }
        if connection.registered() >= MAX_REGISTRATIONS {
            return Asked::Refused(ReasonCode::QuotaExceeded);
        }
        connection.expect(name.environment, entry.topic_no);
        Asked::New(Name {
            environment: name.environment,
            topic_no: entry.topic_no,
            topic: Arc::from(name.topic),
            instance: name.instance.map(Box::from),
        })
    }

    /// The topic, if the device's enrolment lists its app in this environment.
    pub(super) fn allowed(&self, name: &RegistrationName<'_>) -> Option<TopicEntry> {
        self.allowed_topic(name.environment, name.topic)
    }

    pub(super) fn allowed_topic(&self, environment: Environment, topic: &str) -> Option<TopicEntry> {
        let rights = &self.arrived.rights;
        let directory = self.port.centre.directory();
        let entry = directory.topic(topic)?;
        let listed = *entry.team == *rights.team
            && rights.environments.contains(&environment)
            && rights.apps.iter().any(|app| **app == *entry.bundle_id);
        listed.then(|| entry.clone())
    }

    fn serve(&self, asked: Asked, answer: Option<Result<Subscribed, StoreError>>) {
        let connection = &self.arrived.connection;
        match (asked, answer) {
            (Asked::Held(key), _) => connection.say_token_again(&key, self.port.sealer.seal(&key)),
            (Asked::New(name), Some(Ok(subscribed))) => {
                let Subscribed { registration: key, registration_no, newest, is_new } = subscribed;
                tracing::debug!(device = %self.name(), topic = &*name.topic, environment = %name.environment, is_new, "registered");
                connection.subscribe(Subscription {
                    name,
                    whose: Whose { key, registration_no },
                    token: self.port.sealer.seal(&key),
                    newest: newest.map(|stored| (stored.seq, stored.notification)),
                    wait: None,
                });
            }
            (Asked::New(name), Some(Err(error))) => {
                tracing::warn!(device = %self.name(), topic = &*name.topic, %error, "a registration failed");
                connection.expect_no_more(name.environment, name.topic_no);
            }
            (Asked::New(name), None) => connection.expect_no_more(name.environment, name.topic_no),
            (Asked::Channel(asked), _) => self.serve_channel(asked),
            (Asked::Refused(_), _) => {}
        }
    }

    pub(super) async fn unsubscribe(&mut self, unsubscribe: &Unsubscribe<'_>) -> Result<(), End> {
        let mut codes = Vec::new();
        for filter in unsubscribe.filters.iter() {
            let code = if ChannelName::is_meant(filter) {
                self.leave_channel(filter)
            } else {
                self.end_registration(filter).await
            };
            codes.push(code.as_u8());
        }
        let ack = UnsubAck {
            packet_id: unsubscribe.packet_id,
            codes: &codes,
            properties: AckProperties::default(),
        };
        self.arrived.dialect.answer(&Packet::UnsubAck(ack), &mut self.wire.outbound);
        if !self.is_v5() && codes.contains(&ReasonCode::UnspecifiedError.as_u8()) {
            // 3.1.1's UNSUBACK can't say that it failed.
            return Err(End::Ours(ReasonCode::UnspecifiedError, "the store failed"));
        }
        Ok(())
    }

    async fn end_registration(&mut self, filter: &str) -> ReasonCode {
        let Ok(name) = RegistrationName::parse_filter(filter) else { return ReasonCode::TopicFilterInvalid };
        // What the enrolment lists now doesn't matter: a device may always end what it holds.
        let directory = self.port.centre.directory();
        let Some(entry) = directory.topic(name.topic) else { return ReasonCode::NotAuthorized };
        let connection = &self.arrived.connection;
        connection.unsubscribe(name.environment, entry.topic_no, name.instance);
        let asking =
            self.port.store.unsubscribe(connection.device, name.environment, entry.topic_no, name.instance);
        match tokio::time::timeout(ANSWER_WITHIN, asking).await {
            Ok(Ok(Some(_))) => {
                tracing::debug!(device = %self.name(), topic = name.topic, environment = %name.environment, "unregistered");
                ReasonCode::Success
            }
            Ok(Ok(None)) => ReasonCode::NoSubscriptionExisted,
            Ok(Err(error)) => {
                tracing::warn!(device = %self.name(), %error, "a registration can't be ended");
                ReasonCode::UnspecifiedError
            }
            Err(_) => ReasonCode::UnspecifiedError,
        }
    }
}

async fn register(port: &DevicePort, device: u64, asked: &Asked) -> Option<Result<Subscribed, StoreError>> {
    let Asked::New(name) = asked else { return None };
    let asking = port.store.subscribe(device, name.environment, name.topic_no, name.instance.as_deref());
    Some(tokio::time::timeout(ANSWER_WITHIN, asking).await.unwrap_or(Err(StoreError::Busy)))
}

fn code(asked: &Asked, answer: &Option<Result<Subscribed, StoreError>>) -> ReasonCode {
    match (asked, answer) {
        (Asked::Refused(code), _) => *code,
        (Asked::Channel(asked), _) => asked.code(),
        (Asked::Held(_), _) | (Asked::New(_), Some(Ok(_))) => ReasonCode::GrantedQos1,
        (Asked::New(_), Some(Err(StoreError::Limit { .. }))) => ReasonCode::QuotaExceeded,
        (Asked::New(_), Some(Err(_)) | None) => ReasonCode::UnspecifiedError,
    }
}
