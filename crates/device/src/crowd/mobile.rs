//! One device of a fleet, without its connection: its notification center, its user, and the hours at which it is off,
//! saves power, is muted or has a Focus. All of it is in memory: "safe on the device" before an acknowledgement means no
//! more here than that it was decided.
//!
//! It says what it wants said on the connection into a `Wire`; `line` writes it.

mod arrival;
mod conduct;
mod switches;

use std::collections::VecDeque;
use std::sync::Arc;

use homing_link::{PacketId, ReasonCode};
use homing_notification_center::{self as center, Center};
use homing_trace::{Environment, Receipt, UnixMillis};

use super::dice::Dice;
use super::lot::{AppLot, Lot};
use super::profile::{App, Permission};
use super::world::World;
use crate::link::wire::{Ended, Wire};
use crate::link::{FromLink, Order, Registration};
use crate::store::{Identity, OwedReceipt};
pub(crate) use arrival::RECEIVE_MAXIMUM;
use conduct::Planned;
use switches::Switches;

/// Receipts owed from which nothing more is read.
const OWED_FULL: usize = 16;
/// Lists that grew beyond this shrink when they are empty.
const ROOM_KEPT: usize = 16;

/// A device of a fleet.
#[derive(Debug)]
pub(crate) struct Mobile {
    pub(crate) world: Arc<World>,
    pub(crate) identity: Option<Identity>,
    lot: Box<Lot>,
    center: Center,
    dice: Dice,
    /// Its apps' tokens, in the order of the lot's apps.
    tokens: Vec<Option<Box<str>>>,
    switches: Switches,
    /// What its user is going to do.
    plans: Vec<Planned>,
    /// Notifications that were shown so far.
    shown: u64,
    /// What came last, by its number: what comes again was acknowledged in vain.
    came: VecDeque<u64>,
    owed: VecDeque<Owed>,
    last_receipt: i64,
    link: Said,
}

/// A receipt that the push service hasn't acknowledged.
#[derive(Debug)]
struct Owed {
    no: i64,
    /// Its place among the lot's apps.
    app: usize,
    receipt: Receipt,
}

/// What was said on the connection that is open.
#[derive(Debug, Default)]
struct Said {
    window: usize,
    unanswered: usize,
    /// Receipts up to this number.
    receipts_to: i64,
    low_power: bool,
}

impl Mobile {
    /// As a device whose apps were opened once, and whose user answered what they asked.
    pub(crate) fn new(world: Arc<World>, device: u64, identity: Option<Identity>) -> Self {
        let lot = Box::new(Lot::of(&world.profile, device));
        let seed = world.profile.file.seed;
        let mut mobile = Self {
            identity,
            center: Center::default(),
            dice: Dice::of(seed, "device", device),
            tokens: vec![None; lot.apps.len()],
            lot,
            switches: Switches::default(),
            plans: Vec::new(),
            shown: 0,
            came: VecDeque::new(),
            owed: VecDeque::new(),
            last_receipt: 0,
            link: Said::default(),
            world,
        };
        let now = mobile.world.clock.now();
        mobile.set_up(now);
        mobile.live(now);
        mobile
    }

    pub(crate) fn device(&self) -> u64 {
        self.lot.device
    }

    fn set_up(&mut self, now: UnixMillis) {
        let world = Arc::clone(&self.world);
        let file = &world.profile.file;
        if let Some(locale) = file.locales.get(self.lot.locale) {
            self.feed(center::Input::LocaleChanged { locale: locale.0.clone() }, now);
        }
        if let Some(zone) = file.time_zones.get(self.lot.time_zone) {
            self.feed(center::Input::TimeZoneChanged { time_zone: zone.name.clone() }, now);
        }
        for AppLot { app, permission, .. } in self.lot.apps.clone() {
            let Some(app) = world.profile.apps.get(app) else { continue };
            self.install(app, permission, now);
        }
    }

    fn install(&mut self, app: &App, permission: Permission, now: UnixMillis) {
        let bundle = || app.profile.bundle_id.clone();
        self.feed(center::Input::AppInstalled(app.profile.clone()), now);
        self.feed(moved(bundle(), center::AppState::Foreground), now);
        let usual = center::AuthorizationOptions::ALERT
            .and(center::AuthorizationOptions::SOUND)
            .and(center::AuthorizationOptions::BADGE);
        let asks = |options| center::Input::AuthorizationRequested { bundle: bundle(), options, request: 1 };
        let answers = |allow| center::Input::PromptAnswered { bundle: bundle(), allow };
        match permission {
            Permission::Allow | Permission::Deny => {
                self.feed(asks(usual), now);
                self.feed(answers(permission == Permission::Allow), now);
            }
            Permission::Provisional => {
                self.feed(asks(usual.and(center::AuthorizationOptions::PROVISIONAL)), now);
            }
            Permission::NeverAsked => {}
        }
        self.feed(moved(bundle(), center::AppState::Background), now);
    }

    /// What the push service took a connection of: what it must know first, then what is registered.
    pub(crate) fn connected(&mut self, window: usize, wire: &mut Wire) -> Result<(), Ended> {
        self.link = Said { window, ..Said::default() };
        self.say_power(wire)?;
        for at in 0..self.lot.apps.len() {
            if let Some(registration) = self.registration(at) {
                wire.obey(&Order::Subscribe(registration))?;
            }
        }
        Ok(())
    }

    /// Says what is to be said now.
    pub(crate) fn say(&mut self, wire: &mut Wire) -> Result<(), Ended> {
        self.say_power(wire)?;
        while self.link.unanswered < self.link.window
            && let Some(owed) = self.owed.iter().find(|owed| owed.no > self.link.receipts_to)
        {
            let no = owed.no;
            if let Some(registration) = self.registration(owed.app) {
                let environment = registration.environment.to_string();
                let (topic, body) = (registration.topic, owed.receipt.to_json());
                wire.obey(&Order::Receipt(OwedReceipt { no, environment, topic, body }))?;
                self.link.unanswered += 1;
            }
            self.link.receipts_to = no;
        }
        Ok(())
    }

    fn say_power(&mut self, wire: &mut Wire) -> Result<(), Ended> {
        let low_power = self.center.is_low_power();
        if self.link.low_power != low_power {
            self.link.low_power = low_power;
            wire.obey(&Order::State { low_power })?;
        }
        Ok(())
    }

    /// Takes news from the connection.
    pub(crate) fn heard(&mut self, news: FromLink, now: UnixMillis, wire: &mut Wire) -> Result<(), Ended> {
        match news {
            FromLink::Token { registration, token, packet_id } => {
                self.token(&registration, token);
                packet_id.map_or(Ok(()), |packet_id| acknowledge(packet_id, wire))?;
            }
            FromLink::Notification(arrived) => {
                let packet_id = arrived.packet_id;
                self.arrived(*arrived, now);
                acknowledge(packet_id, wire)?;
            }
            FromLink::ReceiptTaken { no } => {
                self.owed.retain(|owed| owed.no != no);
                if self.owed.is_empty() && self.owed.capacity() > ROOM_KEPT {
                    self.owed = VecDeque::new();
                }
                self.link.unanswered = self.link.unanswered.saturating_sub(1);
                self.world.counts.receipts_taken.up();
            }
            FromLink::Subscribed { registration, code, said } if code.is_error() => {
                self.world.counts.failed(format!(
                    "the push service doesn't register {registration}: {code}{said}; check that the enrolment key \
                     lists the app and its environment"
                ));
            }
            FromLink::Broadcast(broadcast) => acknowledge(broadcast.packet_id, wire)?,
            // Nothing is unsubscribed or followed here, and `line` knows the rest by itself.
            FromLink::Subscribed { .. }
            | FromLink::Unsubscribed { .. }
            | FromLink::Follows { .. }
            | FromLink::Enrolled { .. }
            | FromLink::Connected { .. }
            | FromLink::Away { .. } => {}
        }
        Ok(())
    }

    /// Whether it takes more.
    pub(crate) fn has_room(&self) -> bool {
        self.owed.len() < OWED_FULL
    }

    fn token(&mut self, registration: &Registration, token: String) {
        let Some(at) = self.app_at(registration) else { return };
        let Some(known) = self.tokens.get_mut(at) else { return };
        if known.as_deref() == Some(token.as_str()) {
            return;
        }
        if known.is_none() {
            self.world.counts.tokens.up();
        }
        let about = [self.center.locale(), self.center.time_zone()];
        self.world.write_token(&token, registration, about, self.lot.device);
        *known = Some(token.into());
    }

    fn registration(&self, at: usize) -> Option<Registration> {
        let AppLot { app, environment, .. } = self.lot.apps.get(at)?;
        Some(self.world.profile.apps.get(*app)?.registration(*environment))
    }

    /// The place among its apps of the one that registered so.
    fn app_at(&self, registration: &Registration) -> Option<usize> {
        let of = |lot: &AppLot, environment: Environment, topic: &str| {
            let app = self.world.profile.apps.get(lot.app);
            lot.environment == environment && app.is_some_and(|app| app.profile.bundle_id == topic)
        };
        let Registration { environment, topic, instance } = registration;
        instance.is_none().then_some(())?;
        self.lot.apps.iter().position(|lot| of(lot, *environment, topic))
    }
}

fn moved(bundle: String, state: center::AppState) -> center::Input {
    center::Input::AppStateChanged { bundle, state }
}

fn acknowledge(packet_id: PacketId, wire: &mut Wire) -> Result<(), Ended> {
    wire.obey(&Order::Acknowledge(vec![(packet_id, ReasonCode::Success)]))
}
