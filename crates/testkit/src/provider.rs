//! A sender of the test's own: `homing-apns-client` with the demo team's key, and what it was answered.

use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use homing_apns::{ApnsId, DeliveryOptions, DeviceTokenHex, Expiration, Priority, PushType, Refusal, Topic};
use homing_apns_client::{
    ChannelAnswer, ChannelOrder, Client, ClientConfig, Credential, ProviderKey, Request, Roots, SendError,
};
use homing_trace::Environment;

use crate::endpoints::Endpoints;

/// How a request ended for its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    Accepted,
    Refused {
        status: u16,
        refusal: Refusal,
    },
    /// Certainly not accepted: the push service never looked at it.
    NotTaken,
    /// Nothing is known.
    Unknown,
}

/// One connection to a push service, as a provider.
#[derive(Debug)]
pub struct TestProvider {
    client: Client,
    topic: Topic,
}

impl TestProvider {
    /// Connects with the demo team's key.
    pub async fn connect(endpoints: &Endpoints, environment: Environment) -> anyhow::Result<Self> {
        let demo = endpoints.demo()?;
        let p8 = std::fs::read_to_string(&demo.key_p8).context("reading the provider key")?;
        let key = ProviderKey::from_p8(&p8, &demo.key_id, &demo.team_id)?;
        let at = match environment {
            Environment::Development => &endpoints.apns.development,
            Environment::Production => &endpoints.apns.production,
        };
        let roots = Roots::Pem(std::fs::read(&endpoints.ca_pem).context("reading the root certificate")?);
        let config =
            ClientConfig { roots, ..ClientConfig::new(&at.host, at.port, Credential::Key(Arc::new(key))) };
        let topic = Topic::parse(demo.bundle_id.as_bytes()).map_err(|reason| anyhow::anyhow!("{reason}"))?;
        Ok(Self { client: Client::connect(config).await?, topic })
    }

    /// Asks something about the demo app's channels.
    pub async fn channels(
        &self,
        order: &ChannelOrder,
        label: Option<ApnsId>,
    ) -> Result<ChannelAnswer, SendError> {
        self.client.channels(self.topic.as_str(), order, label).await
    }

    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Sends one alert; `expiration` decides whether it is kept for a device that is away.
    pub async fn send(
        &self,
        token: &str,
        apns_id: ApnsId,
        expiration: Expiration,
        payload: impl Into<Bytes>,
    ) -> anyhow::Result<Answered> {
        self.send_at(Priority::Ten, token, apns_id, (expiration, payload)).await
    }

    /// The same at another priority.
    pub async fn send_at(
        &self,
        priority: Priority,
        token: &str,
        apns_id: ApnsId,
        (expiration, payload): (Expiration, impl Into<Bytes>),
    ) -> anyhow::Result<Answered> {
        let options = DeliveryOptions {
            apns_id: Some(apns_id),
            topic: Some(self.topic.clone()),
            push_type: Some(PushType::Alert),
            expiration,
            priority: Some(priority),
            ..DeliveryOptions::default()
        };
        self.send_with(token, options, payload).await
    }

    /// Sends with whatever headers, for any app of the demo team.
    pub async fn send_with(
        &self,
        token: &str,
        options: DeliveryOptions,
        payload: impl Into<Bytes>,
    ) -> anyhow::Result<Answered> {
        let token = DeviceTokenHex::parse(token.as_bytes()).map_err(|reason| anyhow::anyhow!("{reason}"))?;
        match self.client.send(Request { token, options, payload: payload.into() }).await {
            Ok(_) => Ok(Answered::Accepted),
            Err(SendError::Refused { status, refusal, .. }) => Ok(Answered::Refused { status, refusal }),
            Err(error) if error.may_be_accepted() => Ok(Answered::Unknown),
            Err(SendError::NotTaken { .. } | SendError::Closed { .. }) => Ok(Answered::NotTaken),
            Err(error) => Err(error.into()),
        }
    }
}

/// A label nobody used before.
pub fn new_apns_id() -> anyhow::Result<ApnsId> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(ApnsId::from_random(random))
}
