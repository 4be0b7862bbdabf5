//! The checker finds each planted violation, and nothing in a history without one.

use homing_trace::{Event, Reason, UnixMillis};

use super::*;

fn trace(apns_id: &str, seq: u64, stages: &[(Stage, Option<Reason>)]) -> Trace {
    let event = |(stage, reason): &(Stage, Option<Reason>)| Event {
        at: UnixMillis(0),
        stage: *stage,
        reason: reason.clone(),
    };
    Trace {
        apns_id: apns_id.to_owned(),
        seq: Some(seq),
        topic: None,
        environment: None,
        events: stages.iter().map(event).collect(),
        apns_unique_id: None,
        broadcast: None,
    }
}

fn sent(apns_id: &str, registration: &str, at: u64) -> Sent {
    Sent {
        apns_id: apns_id.to_owned(),
        registration: registration.to_owned(),
        kept: true,
        sent_at: Moment(at),
        answer: Some(Answer { at: Moment(at + 1), status: 200 }),
    }
}

fn arrival(apns_id: &str, registration: &str, seq: u64, at: u64) -> Arrival {
    Arrival {
        device: registration.to_uppercase(),
        registration: registration.to_owned(),
        apns_id: apns_id.to_owned(),
        seq,
        at: Moment(at),
    }
}

const ACKNOWLEDGED: &[(Stage, Option<Reason>)] = &[(Stage::Accepted, None), (Stage::Acknowledged, None)];

/// Two registrations on two devices; every end there is; one repeat; one request without an answer.
fn sound() -> History {
    let registration =
        |name: &str| Registration { name: name.to_owned(), device: name.to_uppercase(), ended_at: None };
    let mut unanswered = sent("u", "a", 60);
    unanswered.answer = None;
    History {
        registrations: vec![registration("a"), registration("b")],
        sent: vec![
            sent("1", "a", 10),
            sent("2", "b", 10),
            sent("3", "a", 20),
            sent("4", "a", 30),
            sent("5", "b", 30),
            sent("6", "a", 40),
            unanswered,
        ],
        traces: vec![
            trace("1", 11, ACKNOWLEDGED),
            trace("2", 12, ACKNOWLEDGED),
            trace("3", 13, &[(Stage::Accepted, None), (Stage::Stored, None), (Stage::Replaced, None)]),
            trace("4", 14, ACKNOWLEDGED),
            trace("5", 15, &[(Stage::Accepted, None), (Stage::Expired, None)]),
            trace("6", 16, &[(Stage::Accepted, None), (Stage::Discarded, Some(Reason::REFUSED_BY_DEVICE))]),
        ],
        arrivals: vec![
            arrival("1", "a", 11, 12),
            arrival("2", "b", 12, 13),
            arrival("4", "a", 14, 33),
            arrival("1", "a", 11, 34),
            arrival("u", "a", 17, 66),
        ],
        presentations: vec![
            Presentation { device: "A".to_owned(), apns_id: "1".to_owned() },
            Presentation { device: "B".to_owned(), apns_id: "2".to_owned() },
        ],
        killed: false,
        devices_tell: false,
    }
}

fn text(word: &str) -> String {
    word.to_owned()
}

/// What is found after `plant` has changed a sound history.
fn planted(plant: impl FnOnce(&mut History)) -> Vec<Violation> {
    let mut history = sound();
    plant(&mut history);
    check(&history)
}

#[test]
fn a_sound_history_has_no_violation() {
    assert_eq!(check(&sound()), []);
    assert_eq!(check(&History::default()), []);
}

#[test]
fn an_accepted_notification_without_an_end_is_lost() {
    let lost = planted(|history| {
        history.traces[0].events.pop();
        history.arrivals.retain(|arrival| arrival.apns_id != "1");
    });
    assert_eq!(lost, [Violation::Lost { apns_id: text("1"), seq: 11 }]);
    let untraced = planted(|history| history.traces.retain(|trace| trace.apns_id != "5"));
    assert_eq!(untraced, [Violation::Untraced { apns_id: text("5") }]);
}

#[test]
fn what_a_trace_calls_accepted_must_end_also_when_its_sender_had_no_answer() {
    let found = planted(|history| {
        history.sent[4].answer = None;
        history.traces[4].events.pop();
    });
    assert_eq!(found, [Violation::Lost { apns_id: text("5"), seq: 15 }]);
}

#[test]
fn an_acknowledgement_that_no_device_gave_is_a_loss_too() {
    let found = planted(|history| history.arrivals.retain(|arrival| arrival.apns_id != "4"));
    assert_eq!(found, [Violation::AcknowledgedByNobody { apns_id: text("4"), seq: 14 }]);
}

#[test]
fn a_device_of_ours_that_says_nothing_is_found() {
    let found = planted(|history| {
        history.devices_tell = true;
        for trace in &mut history.traces[1..] {
            let said = Event { at: UnixMillis(0), stage: Stage::Displayed, reason: None };
            trace.events.push(said);
        }
    });
    assert_eq!(found, [Violation::NoReceipt { apns_id: text("1"), seq: 11 }]);
}

#[test]
fn the_newest_cannot_be_replaced_and_a_discard_needs_a_reason() {
    let replaced = planted(|history| {
        history.traces[4] = trace("5", 15, &[(Stage::Accepted, None), (Stage::Replaced, None)]);
    });
    assert_eq!(replaced, [Violation::ReplacedByNothing { apns_id: text("5"), seq: 15 }]);
    let discarded = planted(|history| history.traces[5].events[1].reason = None);
    assert_eq!(discarded, [Violation::DiscardedWithoutReason { apns_id: text("6"), seq: 16 }]);
}

#[test]
fn a_kill_excuses_what_is_written_lazily_and_nothing_else() {
    let lose = |kept: bool, killed: bool| {
        planted(|history| {
            history.killed = killed;
            history.sent[4].kept = kept;
            history.traces.retain(|trace| trace.apns_id != "5");
        })
    };
    assert_eq!(lose(false, true), []);
    assert_eq!(lose(true, true), [Violation::Untraced { apns_id: text("5") }]);
    assert_eq!(lose(false, false), [Violation::Untraced { apns_id: text("5") }]);
}

#[test]
fn an_older_notification_after_a_newer_one_is_out_of_order() {
    let found = planted(|history| history.arrivals.swap(0, 2));
    assert_eq!(found, [Violation::OutOfOrder { registration: text("a"), seq: 11, after: 14 }]);
}

#[test]
fn seqs_rise_in_the_order_of_acceptance() {
    let found = planted(|history| {
        history.traces[2].seq = Some(10);
        history.traces[2].apns_id = text("3");
    });
    assert_eq!(
        found,
        [Violation::SeqAgainstAcceptance { registration: text("a"), earlier: text("1"), later: text("3") }]
    );
}

#[test]
fn a_second_presentation_is_found() {
    let found = planted(|history| {
        let again = history.presentations[0].clone();
        history.presentations.push(again);
    });
    assert_eq!(found, [Violation::PresentedTwice { device: text("A"), apns_id: text("1") }]);
}

#[test]
fn a_notification_on_another_device_is_found_on_the_link_and_on_the_screen() {
    let on_the_link = planted(|history| history.arrivals[1].device = text("A"));
    assert_eq!(on_the_link, [Violation::WrongDevice { apns_id: text("2"), device: text("A") }]);
    let on_the_screen = planted(|history| history.presentations[1].device = text("A"));
    assert_eq!(on_the_screen, [Violation::WrongDevice { apns_id: text("2"), device: text("A") }]);
    let for_another_app = planted(|history| history.arrivals[1].registration = text("a2"));
    assert_eq!(
        for_another_app,
        [Violation::WrongRegistration { apns_id: text("2"), registration: text("a2") }]
    );
}

#[test]
fn a_delivery_after_the_registration_ended_is_found() {
    let found = planted(|history| history.registrations[0].ended_at = Some(Moment(65)));
    assert_eq!(found, [Violation::AfterEnd { registration: text("a"), apns_id: text("u") }]);
}

#[test]
fn a_refused_or_unsent_notification_on_a_device_is_found() {
    let refused = planted(|history| {
        history.sent[1].answer = Some(Answer { at: Moment(11), status: 410 });
    });
    assert_eq!(refused, [Violation::RefusedButDelivered { apns_id: text("2"), status: 410 }]);
    let unsent = planted(|history| history.arrivals.push(arrival("x", "a", 99, 99)));
    assert_eq!(unsent, [Violation::FromNowhere { apns_id: text("x") }]);
}

#[test]
fn a_seq_belongs_to_one_notification_only() {
    let shared = planted(|history| history.traces[4].seq = Some(13));
    assert_eq!(shared, [Violation::SeqTwice { seq: 13, first: text("3"), second: text("5") }]);
    let two = planted(|history| history.arrivals[3].seq = 18);
    assert!(two.contains(&Violation::TwoSeqs { apns_id: text("1"), first: 11, second: 18 }), "{two:?}");
}
