//! The history checker: holds what senders were told, what traces say and what devices saw against the promises of the
//! push service. It decides nothing about how the history was made, and reads no clock: the order of things is given
//! by [`Moment`]s, which the test counts up.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use homing_trace::{Speaker, Stage, Trace};

/// A point in the test's own order of things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

/// One request to the push service and its answer. Labels must be unique in a history.
#[derive(Clone, Debug)]
pub struct Sent {
    pub apns_id: String,
    /// Which registration it was for, by any name that is unique in the test.
    pub registration: String,
    /// False for `apns-expiration: 0`: tried once, and known only by what is written lazily.
    pub kept: bool,
    pub sent_at: Moment,
    /// `None`: no answer came, so that nothing was promised.
    pub answer: Option<Answer>,
}

/// What the sender was told.
#[derive(Clone, Debug)]
pub struct Answer {
    pub at: Moment,
    pub status: u16,
}

/// One notification that reached a device, whether it was new to it or not.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub device: String,
    pub registration: String,
    pub apns_id: String,
    pub seq: u64,
    pub at: Moment,
}

/// One entry that a device showed to its user or handed to its app.
#[derive(Clone, Debug)]
pub struct Presentation {
    pub device: String,
    pub apns_id: String,
}

/// Whose a registration is, and when it ended.
#[derive(Clone, Debug)]
pub struct Registration {
    pub name: String,
    pub device: String,
    /// When the push service had confirmed its end.
    pub ended_at: Option<Moment>,
}

/// All that is known of one run.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub registrations: Vec<Registration>,
    pub sent: Vec<Sent>,
    /// As `homing trace` gives them when everything has come to rest.
    pub traces: Vec<Trace>,
    /// In the order in which each device saw them.
    pub arrivals: Vec<Arrival>,
    pub presentations: Vec<Presentation>,
    /// Whether the push service was killed: then what it writes lazily may be missing.
    pub killed: bool,
    /// Whether the devices are Homing's own, which say of each notification what became of it.
    pub devices_tell: bool,
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Violation {
    #[error("{apns_id} was accepted and has no trace")]
    Untraced { apns_id: String },
    #[error("{apns_id} (seq {seq}) was accepted and never came to an end")]
    Lost { apns_id: String, seq: u64 },
    #[error("{apns_id} (seq {seq}) is called replaced, but nothing newer was accepted for its registration")]
    ReplacedByNothing { apns_id: String, seq: u64 },
    #[error("{apns_id} (seq {seq}) was discarded without a reason")]
    DiscardedWithoutReason { apns_id: String, seq: u64 },
    #[error("{apns_id} (seq {seq}) is called acknowledged, but never reached its device")]
    AcknowledgedByNobody { apns_id: String, seq: u64 },
    #[error("{apns_id} (seq {seq}) was acknowledged, and its device never said what became of it")]
    NoReceipt { apns_id: String, seq: u64 },
    #[error("{apns_id} was answered {status} and reached a device")]
    RefusedButDelivered { apns_id: String, status: u16 },
    #[error("{apns_id}, which nobody sent, reached a device")]
    FromNowhere { apns_id: String },
    #[error("{apns_id} reached device {device}; it was sent to another's registration")]
    WrongDevice { apns_id: String, device: String },
    #[error("{apns_id} reached registration {registration}; it was sent to another")]
    WrongRegistration { apns_id: String, registration: String },
    #[error("{registration}: seq {seq} reached the device after seq {after}")]
    OutOfOrder { registration: String, seq: u64, after: u64 },
    #[error("{registration}: {later} was sent after the answer to {earlier}, and has the lower seq")]
    SeqAgainstAcceptance { registration: String, earlier: String, later: String },
    #[error("seq {seq} was given to {first} and to {second}")]
    SeqTwice { seq: u64, first: String, second: String },
    #[error("{apns_id} has the seqs {first} and {second}")]
    TwoSeqs { apns_id: String, first: u64, second: u64 },
    #[error("device {device} presented {apns_id} twice")]
    PresentedTwice { device: String, apns_id: String },
    #[error("{registration} had ended when {apns_id} reached its device")]
    AfterEnd { registration: String, apns_id: String },
}

/// Every broken promise, each once, in a stable order. Empty is the verdict one wants.
pub fn check(history: &History) -> Vec<Violation> {
    let checker = Checker::new(history);
    let mut found = BTreeSet::new();
    checker.seqs_are_unique(&mut found);
    checker.all_that_was_accepted_ended(&mut found);
    checker.arrivals_belong_where_they_came(&mut found);
    checker.arrivals_are_in_order(&mut found);
    checker.seqs_follow_acceptance(&mut found);
    checker.nothing_is_presented_twice(&mut found);
    found.into_iter().collect()
}

struct Checker<'h> {
    history: &'h History,
    sent: HashMap<&'h str, &'h Sent>,
    registrations: HashMap<&'h str, &'h Registration>,
    traces: HashMap<&'h str, &'h Trace>,
    /// By label, from traces and devices.
    seqs: BTreeMap<&'h str, u64>,
    arrived: BTreeSet<&'h str>,
    /// The greatest seq of each registration.
    newest: HashMap<&'h str, u64>,
}

impl<'h> Checker<'h> {
    fn new(history: &'h History) -> Self {
        let sent: HashMap<_, _> = history.sent.iter().map(|sent| (sent.apns_id.as_str(), sent)).collect();
        let traces: HashMap<_, _> =
            history.traces.iter().map(|trace| (trace.apns_id.as_str(), trace)).collect();
        let of_traces = history.traces.iter().filter_map(|trace| Some((trace.apns_id.as_str(), trace.seq?)));
        let of_arrivals = history.arrivals.iter().map(|arrival| (arrival.apns_id.as_str(), arrival.seq));
        let seqs: BTreeMap<_, _> = of_arrivals.chain(of_traces).collect();
        let mut newest = HashMap::new();
        for (apns_id, &seq) in &seqs {
            if let Some(sent) = sent.get(apns_id) {
                let slot = newest.entry(sent.registration.as_str()).or_insert(seq);
                *slot = seq.max(*slot);
            }
        }
        Self {
            history,
            sent,
            registrations: history.registrations.iter().map(|of| (of.name.as_str(), of)).collect(),
            traces,
            seqs,
            arrived: history.arrivals.iter().map(|arrival| arrival.apns_id.as_str()).collect(),
            newest,
        }
    }

    fn seqs_are_unique(&self, found: &mut BTreeSet<Violation>) {
        let mut owners = HashMap::new();
        for (&apns_id, &seq) in &self.seqs {
            if let Some(first) = owners.insert(seq, apns_id) {
                found.insert(Violation::SeqTwice {
                    seq,
                    first: first.to_owned(),
                    second: apns_id.to_owned(),
                });
            }
        }
        for arrival in &self.history.arrivals {
            let traced = self.traces.get(arrival.apns_id.as_str()).and_then(|trace| trace.seq);
            let known = self.seqs.get(arrival.apns_id.as_str()).copied();
            if let Some(first) = traced.or(known).filter(|&first| first != arrival.seq) {
                found.insert(Violation::TwoSeqs {
                    apns_id: arrival.apns_id.clone(),
                    first,
                    second: arrival.seq,
                });
            }
        }
    }

    fn all_that_was_accepted_ended(&self, found: &mut BTreeSet<Violation>) {
        for sent in &self.history.sent {
            // Without an answer nothing was promised to the sender; but what the push service itself calls accepted
            // must end all the same.
            let accepted = match &sent.answer {
                Some(answer) => answer.status == 200,
                None => {
                    sent.kept
                        && self.traces.get(sent.apns_id.as_str()).is_some_and(|trace| trace.seq.is_some())
                }
            };
            if !accepted {
                continue;
            }
            let lazily_written = !sent.kept && self.history.killed;
            let apns_id = sent.apns_id.clone();
            let Some((trace, seq)) =
                self.traces.get(sent.apns_id.as_str()).and_then(|trace| Some((*trace, trace.seq?)))
            else {
                if !lazily_written {
                    found.insert(Violation::Untraced { apns_id });
                }
                continue;
            };
            if let Some(violation) = self.wrong_end(sent, trace, seq, lazily_written) {
                found.insert(violation);
            }
        }
    }

    /// What is wrong with how an accepted notification ended. A trace without an end isn't made good by an arrival:
    /// the push service must have learnt of it.
    fn wrong_end(&self, sent: &Sent, trace: &Trace, seq: u64, lazily_written: bool) -> Option<Violation> {
        let apns_id = sent.apns_id.clone();
        let event = |stage| trace.events.iter().find(|event| event.stage == stage);
        if event(Stage::Acknowledged).is_some() {
            if !self.arrived.contains(sent.apns_id.as_str()) {
                return Some(Violation::AcknowledgedByNobody { apns_id, seq });
            }
            let told = trace.events.iter().any(|event| event.stage.speaker() == Speaker::Device);
            let silent = self.history.devices_tell && !self.history.killed && !told;
            return silent.then_some(Violation::NoReceipt { apns_id, seq });
        }
        if let Some(discarded) = event(Stage::Discarded) {
            let reason = discarded.reason.as_ref().filter(|reason| !reason.as_str().is_empty());
            return reason.is_none().then_some(Violation::DiscardedWithoutReason { apns_id, seq });
        }
        if event(Stage::Replaced).is_some() {
            let newer = self.newest.get(sent.registration.as_str()).is_some_and(|&newest| newest > seq);
            return (!newer).then_some(Violation::ReplacedByNothing { apns_id, seq });
        }
        let ended = event(Stage::Expired).is_some() || lazily_written;
        (!ended).then_some(Violation::Lost { apns_id, seq })
    }

    fn arrivals_belong_where_they_came(&self, found: &mut BTreeSet<Violation>) {
        for arrival in &self.history.arrivals {
            let apns_id = arrival.apns_id.clone();
            let Some(sent) = self.sent.get(arrival.apns_id.as_str()) else {
                found.insert(Violation::FromNowhere { apns_id });
                continue;
            };
            if sent.registration != arrival.registration {
                let registration = arrival.registration.clone();
                found.insert(Violation::WrongRegistration { apns_id: apns_id.clone(), registration });
            }
            if let Some(status) =
                sent.answer.as_ref().map(|answer| answer.status).filter(|&status| status != 200)
            {
                found.insert(Violation::RefusedButDelivered { apns_id: apns_id.clone(), status });
            }
            let Some(registration) = self.registrations.get(sent.registration.as_str()) else { continue };
            if registration.device != arrival.device {
                found.insert(Violation::WrongDevice {
                    apns_id: apns_id.clone(),
                    device: arrival.device.clone(),
                });
            }
            if registration.ended_at.is_some_and(|ended_at| ended_at < arrival.at) {
                found.insert(Violation::AfterEnd { registration: registration.name.clone(), apns_id });
            }
        }
    }

    /// Repeats are allowed (at least once to the device); the first arrivals must rise.
    fn arrivals_are_in_order(&self, found: &mut BTreeSet<Violation>) {
        let mut seen: HashMap<&str, BTreeSet<u64>> = HashMap::new();
        for arrival in &self.history.arrivals {
            let seqs = seen.entry(&arrival.registration).or_default();
            let last = seqs.last().copied();
            let is_first = seqs.insert(arrival.seq);
            if let Some(after) = last.filter(|&last| is_first && last > arrival.seq) {
                let registration = arrival.registration.clone();
                found.insert(Violation::OutOfOrder { registration, seq: arrival.seq, after });
            }
        }
    }

    /// A request that was sent after another's answer was accepted later, and must have the greater seq.
    fn seqs_follow_acceptance(&self, found: &mut BTreeSet<Violation>) {
        let mut by_registration: BTreeMap<&str, Vec<(&Sent, u64)>> = BTreeMap::new();
        for (apns_id, &seq) in &self.seqs {
            if let Some(sent) = self.sent.get(apns_id) {
                by_registration.entry(&sent.registration).or_default().push((sent, seq));
            }
        }
        for (registration, mut sent) in by_registration {
            sent.sort_by_key(|(sent, _)| sent.sent_at);
            let mut answered: Vec<_> = sent
                .iter()
                .filter_map(|(sent, seq)| Some((sent.answer.as_ref()?.at, *seq, &sent.apns_id)))
                .collect();
            answered.sort();
            let mut answered = answered.into_iter().peekable();
            let mut greatest: Option<(u64, &String)> = None;
            for (later, seq) in sent {
                while let Some((_, seq, apns_id)) = answered.next_if(|(at, ..)| *at < later.sent_at) {
                    greatest = greatest.max(Some((seq, apns_id)));
                }
                if let Some((_, earlier)) = greatest.filter(|&(before, _)| before > seq) {
                    found.insert(Violation::SeqAgainstAcceptance {
                        registration: registration.to_owned(),
                        earlier: earlier.clone(),
                        later: later.apns_id.clone(),
                    });
                }
            }
        }
    }

    fn nothing_is_presented_twice(&self, found: &mut BTreeSet<Violation>) {
        let mut seen = BTreeSet::new();
        for Presentation { device, apns_id } in &self.history.presentations {
            if !seen.insert((device, apns_id)) {
                found.insert(Violation::PresentedTwice { device: device.clone(), apns_id: apns_id.clone() });
            }
            let owner = self
                .sent
                .get(apns_id.as_str())
                .and_then(|sent| self.registrations.get(sent.registration.as_str()));
            if owner.is_some_and(|owner| owner.device != *device) {
                found.insert(Violation::WrongDevice { apns_id: apns_id.clone(), device: device.clone() });
            }
        }
    }
}

#[cfg(test)]
mod tests;
