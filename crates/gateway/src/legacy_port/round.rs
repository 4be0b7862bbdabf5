//! What came together: a few notifications that are in order, taken as one step. First the store says which of their
//! registrations there ever were, since an unknown one fails and all after it must not be sent; then the hub gets those that
//! live. One that has ended is discarded without a word, as Apple's service did: the feedback service tells it.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use homing_apns::Reason;
use homing_apns::legacy::{Command, Identifier, Status};
use homing_trace::{Environment, Reason as TraceReason};
use tokio::time::{Instant, sleep, timeout_at};

use super::instead::{conclude, conclude_untold};
use crate::notification::{Mailbox, Notification, Outcome, RegistrationKey, ReplyTo, Submission};
use crate::provider_port::{Known, ProviderPort};
use crate::store::{Standing, StoreError};
use crate::testers::Noted;

/// How long a notification that is tried once may wait for a slow device before the next ones are taken. It stays in that
/// device's queue.
const ONCE_WITHIN: Duration = Duration::from_secs(1);
/// How long is tried again when a queue is full or a commit has failed, which keeps nothing: a client that doesn't read
/// would lose what is refused.
const TRY_WITHIN: Duration = Duration::from_secs(5);
/// How often is asked for it.
const TRY_EVERY: Duration = Duration::from_millis(50);

/// A notification that fails, and with it its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failing {
    /// `None` when not even that could be read.
    pub(super) command: Option<Command>,
    pub(super) identifier: Option<Identifier>,
    pub(super) status: Status,
}

/// A notification that is in order.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) command: Command,
    pub(super) identifier: Option<Identifier>,
    pub(super) registration: RegistrationKey,
    pub(super) notification: Notification,
    pub(super) known: Known,
    /// Hex.
    pub(super) token: String,
    /// A tester has marked its token: it is discarded.
    pub(super) is_marked: bool,
    /// What the journal is told once its fate is known, where there is one.
    pub(super) noted: Option<Box<Noted>>,
}

impl Admitted {
    const fn failing(&self, status: Status) -> Failing {
        Failing { command: Some(self.command), identifier: self.identifier, status }
    }
}

/// The notifications of one step, and what has come of those before.
#[derive(Debug, Default)]
pub(super) struct Round {
    admitted: Vec<Admitted>,
    mailbox: Arc<Mailbox>,
    /// The slot of the step's first notification: a late answer to an earlier step has a smaller one.
    first_slot: u32,
    /// The identifier of the last notification that didn't fail and had one.
    pub(super) last_taken: Option<Identifier>,
}

/// A notification that the hub has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Asked,
    /// Nothing of it is kept yet: no room, or a failed commit.
    Refused,
    Taken,
    /// The store has never known its registration.
    Unknown,
}

impl Round {
    pub(super) fn put(&mut self, admitted: Admitted) {
        self.admitted.push(admitted);
    }

    /// Hands all over and waits until they are safe. The first one that fails is told, with those before it taken.
    pub(super) async fn settle(
        &mut self,
        port: &ProviderPort,
        core: usize,
        environment: Environment,
    ) -> Result<(), Failing> {
        let mut admitted = std::mem::take(&mut self.admitted);
        if admitted.is_empty() {
            return Ok(());
        }
        let keys = admitted.iter().map(|admitted| admitted.registration).collect();
        let standings = match stand(port, keys).await {
            Ok(standings) => standings,
            Err(error) => {
                tracing::error!(%error, "the store doesn't say which registrations live");
                let failing = admitted[0].failing(Status::ProcessingError);
                untold(port, &mut admitted);
                return Err(failing);
            }
        };
        let never = standings.iter().position(|standing| matches!(standing, Standing::Never));
        let mut rest = admitted.split_off(never.unwrap_or(admitted.len()));
        let failing = rest.first_mut().map(|first| {
            note_refusal(port, environment, first, &Reason::BadDeviceToken);
            failed(port, first, &Reason::BadDeviceToken)
        });
        untold(port, &mut rest);
        let mut fates = Vec::with_capacity(admitted.len());
        for (admitted, standing) in admitted.iter().zip(standings) {
            fates.push(match standing {
                Standing::Lives(_) if !admitted.is_marked => Fate::Refused,
                Standing::Lives(_) | Standing::Ended(_) | Standing::Never => {
                    note_refusal(port, environment, admitted, &Reason::Unregistered);
                    Fate::Taken
                }
            });
        }
        self.hand_over(port, core, &admitted, &mut fates).await;
        self.first_slot = self.first_slot.wrapping_add(u32::try_from(admitted.len()).unwrap_or(u32::MAX));
        self.conclude_all(port, &mut admitted, &fates)?;
        failing.map_or(Ok(()), Err)
    }

    /// Tells the first one that fails; those after it are told to nobody but the journal.
    fn conclude_all(
        &mut self,
        port: &ProviderPort,
        admitted: &mut [Admitted],
        fates: &[Fate],
    ) -> Result<(), Failing> {
        for (at, fate) in fates.iter().enumerate() {
            let reason = match fate {
                Fate::Unknown => Reason::BadDeviceToken,
                Fate::Refused => Reason::ServiceUnavailable,
                Fate::Asked | Fate::Taken => {
                    let Admitted { identifier, notification, known, noted, .. } = &mut admitted[at];
                    self.last_taken = identifier.or(self.last_taken);
                    conclude(port, noted.take(), known, &notification.apns_id, None);
                    continue;
                }
            };
            let failing = failed(port, &mut admitted[at], &reason);
            untold(port, admitted);
            return Err(failing);
        }
        Ok(())
    }

    /// Gives the hub what has no fate yet, again and again while it is refused.
    async fn hand_over(&self, port: &ProviderPort, core: usize, admitted: &[Admitted], fates: &mut [Fate]) {
        let mut until = None;
        loop {
            for ((place, admitted), fate) in (0_u32..).zip(admitted).zip(&mut *fates) {
                if *fate == Fate::Refused {
                    *fate = Fate::Asked;
                    let slot = self.first_slot.wrapping_add(place);
                    let reply = ReplyTo { mailbox: Arc::clone(&self.mailbox), slot };
                    let (registration, notification) = (admitted.registration, admitted.notification.clone());
                    port.hub.submit(core, Submission { registration, notification, reply });
                }
            }
            self.wait(admitted, fates).await;
            // A commit that fails may have taken longer than that by itself.
            if !fates.contains(&Fate::Refused) || is_over(&mut until) {
                return;
            }
            sleep(TRY_EVERY).await;
        }
    }

    /// Waits for the hub's answers; for those of notifications that are tried once only so long.
    async fn wait(&self, admitted: &[Admitted], fates: &mut [Fate]) {
        let mut outcomes = Vec::new();
        let until = Instant::now() + ONCE_WITHIN;
        let is_asked = |fate: &Fate| *fate == Fate::Asked;
        while fates.iter().any(is_asked) {
            let mut asked = admitted.iter().zip(&*fates).filter(|(_, fate)| is_asked(fate));
            let awaits_kept = asked.any(|(admitted, _)| admitted.notification.is_kept());
            let answers = poll_fn(|cx| self.mailbox.poll_take(cx, &mut outcomes));
            if awaits_kept {
                answers.await;
            } else if timeout_at(until, answers).await.is_err() {
                return;
            }
            for (slot, outcome) in outcomes.drain(..) {
                let place = slot.wrapping_sub(self.first_slot) as usize;
                if let Some(fate) = fates.get_mut(place).filter(|fate| is_asked(fate)) {
                    *fate = fate_of(outcome);
                }
            }
        }
    }
}

/// Whether it was tried long enough, counted from the first failure.
fn is_over(until: &mut Option<Instant>) -> bool {
    let now = Instant::now();
    *until.get_or_insert(now + TRY_WITHIN) <= now
}

fn fate_of(outcome: Outcome) -> Fate {
    match outcome {
        // An end in between is told by the feedback service, and by the trace as that of any other.
        Outcome::Accepted { .. } | Outcome::Unregistered { .. } => Fate::Taken,
        Outcome::NeverRegistered => Fate::Unknown,
        Outcome::Overloaded | Outcome::Failed => Fate::Refused,
    }
}

/// Asks the store, again and again while it doesn't answer.
async fn stand(port: &ProviderPort, keys: Vec<RegistrationKey>) -> Result<Vec<Standing>, StoreError> {
    let mut until = None;
    loop {
        match port.store.stand(keys.clone()).await {
            Ok(standings) => return Ok(standings),
            Err(error) if is_over(&mut until) => return Err(error),
            Err(_) => sleep(TRY_EVERY).await,
        }
    }
}

/// The journal is told of those that it wasn't told of yet.
fn untold(port: &ProviderPort, admitted: &mut [Admitted]) {
    for Admitted { known, noted, .. } in admitted {
        conclude_untold(port, noted.take(), known);
    }
}

/// How a notification fails, which the journal is told.
fn failed(port: &ProviderPort, admitted: &mut Admitted, reason: &Reason) -> Failing {
    let failing = admitted.failing(Status::of(reason));
    let Admitted { notification, known, noted, .. } = admitted;
    let said = (failing.command.is_some_and(Command::is_answered).then_some(failing.status), Some(reason));
    conclude(port, noted.take(), known, &notification.apns_id, Some(said));
    failing
}

fn note_refusal(port: &ProviderPort, environment: Environment, admitted: &Admitted, reason: &Reason) {
    let Admitted { notification, known, token, .. } = admitted;
    let reason = TraceReason::from_peer(reason.as_str());
    let (label, at) = (notification.apns_id.clone(), notification.accepted_at);
    let mut refused = known.refused(label, environment, Some(token), reason, at);
    refused.injected = admitted.is_marked.then_some(TraceReason::MARK_UNREGISTERED);
    port.note_refusal(refused);
}
