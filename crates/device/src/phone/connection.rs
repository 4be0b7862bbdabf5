//! What the phone makes of its connection: which registrations it asks for and ends, what arrives, which receipts it
//! still owes (`docs/device-link.md`). The packets are `link`'s.

use homing_link::{PacketId, ReasonCode};
use homing_local::message::DeviceMessage;
use homing_local::{DeviceEvent, LocalError};
use homing_notification_center as center;
use homing_trace::{Environment, Reason, Receipt, Stage, UnixMillis};
use serde_json::json;
use tokio::sync::mpsc;

use super::further::Handed;
use super::{App, Effect, LinkState, OpenLink, Phone};
use crate::arrival::{self, Arrival};
use crate::happening::Kind;
use crate::link::{Arrived, FromLink, Order, Registration};
use crate::store::{KeptApp, StoreError};
use crate::translate;

impl Phone {
    pub(super) fn heard(&mut self, news: FromLink) -> Result<(), StoreError> {
        match news {
            FromLink::Enrolled { identity, kept } => {
                self.store.save_identity(&identity)?;
                self.device_id = Some(identity.device_id);
                // The link gives up waiting only together with us.
                self.effects.push(Effect::Answer(Box::new(move || {
                    let _ = kept.send(());
                })));
            }
            FromLink::Connected { orders, window } => self.connected(orders, window),
            FromLink::Subscribed { registration, code, said } => self.subscribed(&registration, code, &said),
            FromLink::Unsubscribed { registration, code } => self.unsubscribed(&registration, code)?,
            FromLink::Token { registration, token, packet_id } => {
                self.token(&registration, token, packet_id)?
            }
            FromLink::Notification(arrived) => self.arrived(*arrived)?,
            FromLink::Follows { channel, code, said } => self.follows(&channel, code, &said),
            FromLink::Broadcast(broadcast) => self.broadcast(*broadcast)?,
            FromLink::ReceiptTaken { no } => {
                self.store.receipt_taken(no)?;
                if let Some(link) = &mut self.link {
                    link.unanswered = link.unanswered.saturating_sub(1);
                }
                self.tell_what_is_to_be_told()?;
            }
            FromLink::Away { why, refused } => {
                self.link = None;
                let detail = json!({"connected": false, "why": why});
                self.link_state = LinkState { connected: false, why: Some(why), refused };
                self.happened(Kind::Link, None, detail);
            }
        }
        Ok(())
    }

    fn connected(&mut self, orders: mpsc::Sender<Order>, window: usize) {
        self.link = Some(OpenLink { orders, window, unanswered: 0, sent_to: 0 });
        self.link_state = LinkState { connected: true, why: None, refused: false };
        // Acknowledgements of an older connection mean nothing on this one.
        self.acks.clear();
        self.happened(Kind::Link, None, json!({"connected": true}));
        if self.center.is_low_power() {
            // Before anything is subscribed, so that nothing comes that may wait.
            self.effects.push(Effect::Order(Order::State { low_power: true }));
        }
        self.untold.clear();
        self.to_be_told.clear();
        for registration in self.endings.clone() {
            self.effects.push(Effect::Order(Order::Unsubscribe(registration)));
        }
        let wanted: Vec<Registration> = self
            .apps
            .values()
            .filter(|app| app.kept.is_subscribed())
            .filter_map(|app| registration_of(&app.kept))
            .chain(self.further.keys().cloned())
            .filter(|registration| !self.endings.contains(registration))
            .collect();
        for registration in wanted {
            self.effects.push(Effect::Order(Order::Subscribe(registration)));
        }
        self.follow_all();
    }

    fn subscribed(&mut self, registration: &Registration, code: ReasonCode, said: &str) {
        if !code.is_error() {
            return;
        }
        tracing::warn!(device = self.name, %registration, %code, said, "the push service refused a registration");
        let message = format!(
            "the push service doesn't register {registration}: {code}{said}; check that the device's enrolment key \
             lists the app and its environment"
        );
        let bundle = self.owner(registration);
        if self.further.contains_key(registration) {
            return self.happened(Kind::Token, Some(&bundle), json!({"refused": message}));
        }
        self.failed_to_register(&bundle, LocalError::homing(LocalError::INVALID_ARGUMENT, message));
    }

    /// *didFailToRegisterForRemoteNotificationsWithError*.
    pub(super) fn failed_to_register(&mut self, bundle: &str, error: LocalError) {
        let detail = json!({"refused": error.message, "error": error});
        self.happened(Kind::Token, Some(bundle), detail);
        if let Some(app) = self.apps.get_mut(bundle) {
            app.registration_error = Some(error.clone());
        }
        self.tell_app(bundle, DeviceMessage::Event(DeviceEvent::DidFailToRegister { error }));
    }

    fn unsubscribed(&mut self, registration: &Registration, code: ReasonCode) -> Result<(), StoreError> {
        if code.is_error() {
            tracing::warn!(device = self.name, %registration, %code, "the push service didn't end a registration; the next connection asks again");
            return Ok(());
        }
        self.store.remove_ending(registration.environment.as_str(), &after_environment(registration))?;
        self.endings.remove(registration);
        self.subscribe_if_wanted(registration);
        Ok(())
    }

    /// Asks for the registration, if its app wants it and there is a connection to ask on.
    pub(super) fn subscribe_if_wanted(&mut self, registration: &Registration) {
        let is_own =
            |app: &App| app.kept.is_subscribed() && registration_of(&app.kept).as_ref() == Some(registration);
        let wanted =
            self.further.contains_key(registration) || self.apps.get(&registration.topic).is_some_and(is_own);
        if !wanted || self.link.is_none() {
            return;
        }
        if self.endings.contains(registration) {
            self.tell_of_ending(registration);
        } else {
            self.effects.push(Effect::Order(Order::Subscribe(registration.clone())));
        }
    }

    /// Once no receipt is on its way.
    fn tell_what_is_to_be_told(&mut self) -> Result<(), StoreError> {
        let Some(link) = self.link.as_ref().filter(|link| link.unanswered == 0) else { return Ok(()) };
        if self.to_be_told.is_empty() || !self.store.owed_receipts(link.sent_to, 1)?.is_empty() {
            return Ok(());
        }
        for registration in std::mem::take(&mut self.to_be_told) {
            self.tell_of_ending(&registration);
        }
        Ok(())
    }

    /// The push service wasn't told yet that a registration has ended.
    fn tell_of_ending(&mut self, registration: &Registration) {
        if self.untold.remove(registration) {
            self.effects.push(Effect::Order(Order::Unsubscribe(registration.clone())));
        }
    }

    /// Ends a registration at the push service, now or when it can be reached.
    pub(super) fn end_registration(&mut self, registration: Registration) -> Result<(), StoreError> {
        self.end_registration_later(registration.clone())?;
        if self.link.is_some() {
            self.tell_of_ending(&registration);
        }
        Ok(())
    }

    /// The same, but the push service goes on taking notifications for it until it sends one, or connects again.
    pub(super) fn end_registration_later(&mut self, registration: Registration) -> Result<(), StoreError> {
        self.store.save_ending(registration.environment.as_str(), &after_environment(&registration))?;
        self.endings.insert(registration.clone());
        self.untold.insert(registration);
        Ok(())
    }

    fn token(
        &mut self,
        registration: &Registration,
        token: String,
        packet_id: Option<PacketId>,
    ) -> Result<(), StoreError> {
        self.acks.extend(packet_id.map(|packet_id| (packet_id, ReasonCode::Success)));
        let ending = self.endings.contains(registration);
        if !ending && self.further.contains_key(registration) {
            return self.further_token(registration, token);
        }
        let own = |app: &&mut App| registration_of(&app.kept).as_ref() == Some(registration);
        let Some(app) = self.apps.get_mut(&registration.topic).filter(own).filter(|_| !ending) else {
            return Ok(());
        };
        if app.kept.token.as_ref() == Some(&token) {
            return Ok(());
        }
        app.kept.token = Some(token.clone());
        app.registration_error = None;
        self.store.save_app(&app.kept)?;
        let bundle = registration.topic.clone();
        self.publish_tokens();
        self.happened(Kind::Token, Some(&bundle), json!({"device_token": token}));
        self.tell_app(&bundle, DeviceMessage::Event(DeviceEvent::DidRegister { device_token: token }));
        Ok(())
    }

    /// Acknowledged once it is on disk, then looked at in the order that the notification center keeps.
    fn arrived(&mut self, arrived: Arrived) -> Result<(), StoreError> {
        self.acks.push((arrived.packet_id, ReasonCode::Success));
        let now = self.clock.now();
        if !self.store.is_first_arrival(arrived.seq, self.clock.host().now())? {
            tracing::debug!(
                device = self.name,
                seq = arrived.seq,
                "the push service sent a notification again"
            );
            return Ok(());
        }
        let bundle = self.owner(&arrived.registration);
        let (title, body) = self.record(&arrived, &bundle, now)?;
        let (seq, apns_id, push_type) = (arrived.seq, &arrived.apns_id, &arrived.push_type);
        let detail =
            json!({"seq": seq, "apns_id": apns_id, "push_type": push_type, "title": title, "body": body});
        self.happened(Kind::Arrived, Some(&bundle), detail);
        let further = self.further.get(&arrived.registration).map(|further| further.kind);
        let here = self
            .apps
            .get(&bundle)
            .filter(|app| {
                further.is_some() || registration_of(&app.kept).as_ref() == Some(&arrived.registration)
            })
            .filter(|_| !self.endings.contains(&arrived.registration));
        let refusal = match here {
            None => Some(Reason::UNKNOWN_APP),
            Some(app) if further.is_none() && !app.kept.registered => Some(Reason::NOT_REGISTERED),
            Some(_) => None,
        };
        if let Some(reason) = refusal {
            if self.untold.contains(&arrived.registration) {
                self.to_be_told.insert(arrived.registration.clone());
            }
            let receipt = Receipt {
                seq: arrived.seq,
                apns_id: arrived.apns_id,
                event: Stage::Suppressed,
                reason: Some(reason),
                at: now,
            };
            let registration = arrived.registration.to_string();
            let shown = center::Shown::default();
            return self.owe(&center::AppReceipt { bundle, registration, receipt, shown });
        }
        let handed = further.map(|_| Handed::of(&arrived));
        self.feed(center::Input::RemoteArrived(center::RemoteNotification {
            bundle,
            registration: arrived.registration.to_string(),
            seq: arrived.seq,
            apns_id: arrived.apns_id,
            push_type: further.or_else(|| arrived.push_type.and_then(|word| word.parse().ok())),
            collapse_id: arrived.collapse_id,
            expires_at: arrived
                .expires_in
                .map(|seconds| now.plus_millis(i64::from(seconds).saturating_mul(1000))),
            payload: arrived.payload,
        }))?;
        handed.map_or(Ok(()), |handed| self.hand_over(handed))
    }

    /// Puts a receipt into the outbox; it leaves it when the push service acknowledges it.
    pub(super) fn owe(&mut self, said: &center::AppReceipt) -> Result<(), StoreError> {
        let receipt = &said.receipt;
        if let Some((environment, topic)) = said.registration.split_once('/') {
            self.store.owe_receipt(environment, topic, &receipt.to_json())?;
        }
        self.store.amend_arrival(receipt.seq, |arrival| {
            let stage = (receipt.event, receipt.reason.clone());
            arrival.amend(stage, translate::shown(&said.shown), receipt.at);
        })?;
        self.happened(Kind::Receipt, Some(&said.bundle), json!(receipt));
        Ok(())
    }

    /// Keeps what came; says its title and body, as the user would read them.
    fn record(&self, arrived: &Arrived, app: &str, now: UnixMillis) -> Result<(String, String), StoreError> {
        let content = self.center.content_of(app, &arrived.payload).unwrap_or_default();
        let (title, body) = (arrival::kept(content.title.as_str()), arrival::kept(content.body.as_str()));
        self.store.record_arrival(&Arrival {
            at: now,
            app: app.to_owned(),
            instance: arrived.registration.instance.clone(),
            apns_id: arrived.apns_id.clone(),
            seq: arrived.seq,
            push_type: arrived.push_type.clone(),
            title: title.clone(),
            body: body.clone(),
            app_state: self.center.app_state(app).map(translate::app_state_word),
            decision: None,
            responses: Vec::new(),
            payload: None,
        })?;
        Ok((title, body))
    }

    /// Sends what is owed, as far as the window goes.
    pub(super) fn send_receipts(&mut self) {
        let Some(link) = &mut self.link else { return };
        let room = link.window.saturating_sub(link.unanswered);
        if room == 0 {
            return;
        }
        let owed = match self.store.owed_receipts(link.sent_to, room) {
            Ok(owed) => owed,
            Err(error) => {
                tracing::error!(device = self.name, %error, "the receipts can't be read");
                return;
            }
        };
        link.unanswered += owed.len();
        link.sent_to = owed.last().map_or(link.sent_to, |last| last.no);
        for receipt in owed {
            self.order(Order::Receipt(receipt));
        }
    }

    /// Hands an order to the connection. One that doesn't take it is let go: its queue holds more than may be open.
    pub(super) fn order(&mut self, order: Order) {
        if let Some(link) = &self.link
            && link.orders.try_send(order).is_err()
        {
            self.link = None;
        }
    }
}

/// What an app registers for; `None` without the entitlement.
pub(super) fn registration_of(app: &KeptApp) -> Option<Registration> {
    let environment: Environment = app.manifest.entitlements.aps_environment?;
    Some(Registration { environment, topic: app.manifest.bundle_id.clone(), instance: None })
}

/// The registration's name without its environment.
fn after_environment(registration: &Registration) -> String {
    let name = registration.to_string();
    name.split_once('/').map(|(_, rest)| rest.to_owned()).unwrap_or(name)
}
