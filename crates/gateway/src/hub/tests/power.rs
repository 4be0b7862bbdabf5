//! A device that says it saves power: priority 10 overtakes, the newest of the rest is held, and released in order.

use super::*;

const STORED: (Stage, Option<Reason>) = (Stage::Stored, Some(Reason::LOW_POWER));

impl World {
    fn reached(&self, seq: u64, (stage, reason): (Stage, Option<Reason>)) -> bool {
        lock(&self.log.0).reached.contains(&(seq, stage, reason))
    }

    /// Submits kept ones of these priorities, and lets the store commit them.
    fn submit_kept(&mut self, priorities: &[Priority]) {
        for priority in priorities {
            self.submit_with(0, Expiration::Default, *priority);
        }
        self.settle();
    }
}

/// Connected, registered and saving power.
fn saving(world: &mut World) -> Phone {
    let mut phone = world.connect(0);
    phone.subscribe(world);
    phone.take_all();
    phone.connection.set_saves_power(true);
    phone
}

#[test]
fn priority_10_overtakes_what_is_held_and_the_newest_of_the_rest_comes_when_power_is_saved_no_more() {
    let mut world = World::new();
    let mut phone = saving(&mut world);
    world.submit_kept(&[Priority::Five, Priority::Ten, Priority::One, Priority::Ten]);
    assert_eq!(world.answered.len(), 4, "each is accepted");
    phone.take_all();
    world.settle();
    assert_eq!(phone.sent, [2, 4]);
    assert!(world.reached(1, STORED) && world.reached(3, STORED));
    assert_eq!(world.end_of(1), Some((Stage::Replaced, None)), "one is stored for each registration");
    phone.connection.set_saves_power(false);
    phone.take_all();
    world.settle();
    assert_eq!(phone.sent, [2, 4, 3]);
    assert_eq!(world.end_of(3), Some((Stage::Acknowledged, None)));
}

#[test]
fn a_device_that_saves_no_power_gets_every_priority_in_order() {
    let mut world = World::new();
    let mut phone = saving(&mut world);
    phone.connection.set_saves_power(false);
    world.submit_kept(&[Priority::One, Priority::Five, Priority::Ten]);
    phone.take_all();
    assert_eq!(phone.sent, [1, 2, 3]);
}

#[test]
fn one_that_is_tried_once_is_discarded_for_low_power_unless_its_priority_is_10() {
    let mut world = World::new();
    let mut phone = saving(&mut world);
    for priority in [Priority::Five, Priority::One, Priority::Ten] {
        world.submit_with(0, Expiration::Once, priority);
    }
    phone.take_all();
    assert_eq!(world.answered.len(), 3);
    assert_eq!(phone.sent, [3]);
    let discarded = (Stage::Discarded, Some(Reason::LOW_POWER));
    assert!(world.reached(1, discarded.clone()) && world.reached(2, discarded));
}

#[test]
fn what_expires_while_it_is_held_is_not_delivered() {
    let mut world = World::new();
    let mut phone = saving(&mut world);
    let soon = world.hub.clock.now().secs() + 60;
    world.submit_with(0, Expiration::At(soon), Priority::Five);
    world.settle();
    phone.take_all();
    world.hub.clock.advance(Duration::from_secs(61)).expect("kept nowhere");
    phone.connection.set_saves_power(false);
    phone.take_all();
    world.settle();
    assert!(phone.sent.is_empty());
    assert_eq!(world.end_of(1), Some((Stage::Expired, None)));
}

#[test]
fn a_device_that_comes_back_saves_no_power_until_it_says_so_and_gets_what_was_held() {
    let mut world = World::new();
    let mut phone = saving(&mut world);
    world.submit_kept(&[Priority::Five]);
    phone.take_all();
    drop(phone);
    world.settle();
    assert_eq!(world.end_of(1), None, "it is stored");
    // Another connection that saves power from its beginning: the row it reads is held again.
    let mut phone = world.connect(1);
    phone.connection.set_saves_power(true);
    phone.subscribe(&mut world);
    phone.take_all();
    assert!(phone.sent.is_empty());
    drop(phone);
    let mut phone = world.connect(0);
    phone.subscribe(&mut world);
    phone.take_all();
    assert_eq!(phone.sent, [1]);
}

#[test]
fn when_the_device_leaves_one_is_stored_the_newest_of_what_was_held_and_unacknowledged() {
    let mut world = World::new();
    let mut phone = saving(&mut world);
    world.submit_kept(&[Priority::Five, Priority::Ten]);
    phone.pump();
    assert_eq!(phone.sent, [2]);
    drop(phone);
    world.settle();
    assert_eq!((world.end_of(1), world.end_of(2)), (Some((Stage::Replaced, None)), None));
}

#[test]
fn what_is_held_ends_with_its_registration() {
    let mut world = World::new();
    let mut phone = saving(&mut world);
    world.submit_kept(&[Priority::Five]);
    phone.take_all();
    phone.connection.unsubscribe(Environment::Development, 3, None);
    world.settle();
    assert_eq!(world.end_of(1), Some((Stage::Discarded, Some(Reason::UNREGISTERED))));
}

#[test]
fn several_registrations_are_released_in_order_and_those_of_priority_1_last() {
    let (mut session, mut effects) = (Session::new(1, 64, Arc::default()), Effects::default());
    let now = Now { wall: homing_trace::UnixMillis(0), mono: Instant::now() };
    let kept = |priority| {
        Arc::new(Notification { priority, ..(*queue::tests::notification(Expiration::Default)).clone() })
    };
    session.set_saves_power(true, &mut effects);
    let stored = [(9, Priority::Five), (4, Priority::One), (7, Priority::Five), (6, Priority::One)];
    for (topic_no, (seq, priority)) in (1..).zip(stored) {
        let whose = Whose { key: RegistrationKey { topic_no, ..key() }, registration_no: topic_no };
        let name = Name { topic_no, ..name() };
        let newest = Some((seq, kept(priority)));
        let subscription = Subscription { name, whose, token: [0; 32], newest, wait: None };
        session.subscribe(subscription, now, &mut effects);
    }
    let mut sent = Vec::new();
    let mut pump = |session: &mut Session, effects: &mut Effects| {
        session.pump(now, effects, &mut |outgoing| {
            if let Outgoing::Notification { seq, .. } = outgoing {
                sent.push(*seq);
            }
            Fit::Written
        });
        sent.clone()
    };
    // Held twice: the release that is taken back before anything went out changes nothing, and isn't said again.
    assert!(pump(&mut session, &mut effects).is_empty());
    assert_eq!(effects.growth, 0, "what is held takes no room from others");
    session.set_saves_power(false, &mut effects);
    session.set_saves_power(true, &mut effects);
    assert!(pump(&mut session, &mut effects).is_empty());
    assert_eq!(effects.growth, 0);
    let is_said = |effect: &&Effect| matches!(effect, Effect::Reached { stage: Stage::Stored, .. });
    assert_eq!(effects.list.iter().filter(is_said).count(), 4);
    session.set_saves_power(false, &mut effects);
    assert!(effects.growth > 0, "they wait as others do");
    assert_eq!(pump(&mut session, &mut effects), [7, 9, 4, 6]);
    assert_eq!(effects.growth, 0);
}

#[test]
fn what_is_held_is_counted_for_nothing_when_it_is_replaced_and_when_its_device_leaves() {
    let (mut session, mut effects) = (Session::new(1, 64, Arc::default()), Effects::default());
    let now = Now { wall: homing_trace::UnixMillis(0), mono: Instant::now() };
    let whose = Whose { key: key(), registration_no: 1 };
    session.set_saves_power(true, &mut effects);
    for seq in [4, 5] {
        let notification = (*queue::tests::notification(Expiration::Default)).clone();
        let newest = Some((seq, Arc::new(Notification { priority: Priority::Five, ..notification })));
        let subscription = Subscription { name: name(), whose, token: [0; 32], newest, wait: None };
        session.subscribe(subscription, now, &mut effects);
        session.pump(now, &mut effects, &mut |_| Fit::Written);
        session.pump(now, &mut effects, &mut |_| Fit::Written);
        assert_eq!(effects.growth, 0);
    }
    let replaced = |effect: &Effect| matches!(effect, Effect::End { seq: 4, stage: Stage::Replaced, .. });
    assert!(effects.list.iter().any(replaced));
    session.leave(now.wall, &mut effects);
    assert_eq!(effects.growth, 0);
}
