//! The device's one connection to the push service: enrols, connects, and comes back when it is lost.
//!
//! A connection's packets are `wire`'s, its bytes `session`'s; what is subscribed, acknowledged and said is decided by `phone`.

pub(crate) mod session;
pub(crate) mod wire;

use std::time::Duration;

use homing_link::{PacketId, ReasonCode, RegistrationName};
use homing_trace::Environment;
use tokio::sync::{mpsc, oneshot, watch};

use crate::backoff::{Backoff, CAP, random_byte};
use crate::enrol::enrol;
use crate::phone::Input;
use crate::phone::followed::Broadcast;
use crate::store::{Channel, Identity, OwedReceipt};
use crate::tls::Dialler;
use wire::Ended;

/// A connection that lived this long was a good one: the next retry is fast again.
pub(crate) const GOOD_AFTER: Duration = Duration::from_secs(1);

/// Which registration is meant: environment, topic, and the instance where one topic has several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Registration {
    pub(crate) environment: Environment,
    pub(crate) topic: String,
    pub(crate) instance: Option<String>,
}

/// What a connection tells the phone, in order.
#[derive(Debug)]
pub(crate) enum FromLink {
    /// A device id was given; it is used once `kept` says that it is safe.
    Enrolled {
        identity: Identity,
        kept: oneshot::Sender<()>,
    },
    /// The push service took the connection; orders go there. At most `window` receipts may be unanswered.
    Connected {
        orders: mpsc::Sender<Order>,
        window: usize,
    },
    /// SUBACK: granted, or why not.
    Subscribed {
        registration: Registration,
        code: ReasonCode,
        said: String,
    },
    /// UNSUBACK: the registration has ended, or why not.
    Unsubscribed {
        registration: Registration,
        code: ReasonCode,
    },
    Token {
        registration: Registration,
        token: String,
        packet_id: Option<PacketId>,
    },
    Notification(Box<Arrived>),
    /// SUBACK for a channel: granted, or why not.
    Follows {
        channel: Channel,
        code: ReasonCode,
        said: String,
    },
    Broadcast(Box<Broadcast>),
    ReceiptTaken {
        no: i64,
    },
    /// There is no connection; `why` is a sentence for people.
    Away {
        why: String,
        refused: bool,
    },
}

/// What the phone wants said on the connection.
#[derive(Debug)]
pub(crate) enum Order {
    Subscribe(Registration),
    Unsubscribe(Registration),
    Follow(Channel),
    Unfollow(Channel),
    Receipt(OwedReceipt),
    /// The device saves power, or saves it no more.
    State {
        low_power: bool,
    },
    /// These messages are safe on disk, or refused.
    Acknowledge(Vec<(PacketId, ReasonCode)>),
}

/// A notification as it came.
pub(crate) struct Arrived {
    pub(crate) registration: Registration,
    pub(crate) packet_id: PacketId,
    pub(crate) seq: u64,
    pub(crate) apns_id: String,
    pub(crate) push_type: Option<String>,
    pub(crate) collapse_id: Option<String>,
    /// Seconds left when it was sent; `None`: it doesn't expire here.
    pub(crate) expires_in: Option<u32>,
    pub(crate) payload: Vec<u8>,
}

impl std::fmt::Debug for Arrived {
    /// What people are told stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arrived")
            .field("registration", &self.registration)
            .field("packet_id", &self.packet_id)
            .field("seq", &self.seq)
            .field("apns_id", &self.apns_id)
            .finish_non_exhaustive()
    }
}

/// Everything the connection needs to know.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) dialler: Dialler,
    pub(crate) enrolment_key: String,
    pub(crate) identity: Option<Identity>,
    pub(crate) phone: mpsc::Sender<Input>,
    /// Airplane mode is `false`.
    pub(crate) online: watch::Receiver<bool>,
}

/// The phone is gone: there is nobody to connect for.
#[derive(Debug)]
struct PhoneGone;

impl Link {
    /// Keeps the device connected until the phone is gone.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::default();
        // Ends only when the phone is gone, which is how a device is stopped.
        while let Ok(wait) = self.once(&mut backoff).await {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                changed = self.online.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    backoff.reset();
                }
            }
        }
    }

    /// One attempt, from being online to having lost the connection; then how long to wait.
    async fn once(&mut self, backoff: &mut Backoff) -> Result<Duration, PhoneGone> {
        if !*self.online.borrow() {
            self.tell(FromLink::Away { why: "airplane mode is on".to_owned(), refused: false }).await?;
            self.online.wait_for(|online| *online).await.map_err(|_| PhoneGone)?;
        }
        let Some(identity) = self.identity.clone() else {
            return self.enrol(backoff).await;
        };
        let begun = tokio::time::Instant::now();
        let ended = session::run(&self.dialler, &identity, &self.phone, &mut self.online).await;
        let (why, refused) = match ended {
            Err(Ended::PhoneGone) => return Err(PhoneGone),
            Err(Ended::Offline) => return Ok(Duration::ZERO),
            Err(error) => (error.to_string(), error.is_refusal()),
            Ok(never) => match never {},
        };
        tracing::info!(device = identity.device_id, why, "the device lost the push service");
        if begun.elapsed() >= GOOD_AFTER && !refused {
            backoff.reset();
        }
        self.tell(FromLink::Away { why, refused }).await?;
        Ok(if refused { CAP / 2 + backoff.next(random_byte()) / 2 } else { backoff.next(random_byte()) })
    }

    async fn enrol(&mut self, backoff: &mut Backoff) -> Result<Duration, PhoneGone> {
        match enrol(&self.dialler, &self.enrolment_key).await {
            Ok(enrolment) => {
                let identity =
                    Identity { device_id: enrolment.device_id.to_string(), secret: enrolment.secret };
                let (kept, is_kept) = oneshot::channel();
                self.tell(FromLink::Enrolled { identity: identity.clone(), kept }).await?;
                if is_kept.await.is_ok() {
                    tracing::debug!(device = identity.device_id, "the device is enrolled");
                    self.identity = Some(identity);
                    backoff.reset();
                    return Ok(Duration::ZERO);
                }
                Ok(backoff.next(random_byte()))
            }
            Err(error) => {
                tracing::warn!(%error, "the device can't enrol");
                let wait = backoff.next(random_byte());
                let wait = error.retry_after().map_or(wait, |asked| asked.max(wait));
                self.tell(FromLink::Away { why: error.to_string(), refused: true }).await?;
                Ok(wait)
            }
        }
    }

    async fn tell(&self, news: FromLink) -> Result<(), PhoneGone> {
        self.phone.send(Input::Link(news)).await.map_err(|_| PhoneGone)
    }
}

impl Registration {
    pub(crate) fn of(name: &RegistrationName<'_>) -> Self {
        let instance = name.instance.map(str::to_owned);
        Self { environment: name.environment, topic: name.topic.to_owned(), instance }
    }

    pub(crate) fn name(&self) -> RegistrationName<'_> {
        let (environment, instance) = (self.environment, self.instance.as_deref());
        RegistrationName { environment, topic: &self.topic, instance }
    }
}

impl std::fmt::Display for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.name().fmt(f)
    }
}
