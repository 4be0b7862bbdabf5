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
    phone.stop_saving(&mut world);
    phone.take_all();
    world.settle();
    assert_eq!(phone.sent, [2, 4, 3]);
    assert_eq!(world.end_of(3), Some((Stage::Acknowledged, None)));
}

#[test]
fn a_device_that_saves_no_power_gets_every_priority_in_order() {
    let mut world = World::new();
    let mut phone = saving(&mut world);
    phone.stop_saving(&mut world);
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
    phone.stop_saving(&mut world);
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

/// A session that saves power, of registrations with one stored notification each.
struct Saving {
    session: Session,
    effects: Effects,
    now: Now,
}

impl Saving {
    fn new() -> Self {
        let now = Now { wall: homing_trace::UnixMillis(0), mono: Instant::now() };
        let (mut session, mut effects) = (Session::new(1, 1024, Arc::default()), Effects::default());
        assert!(session.set_saves_power(true, now.wall, &mut effects).is_empty());
        Self { session, effects, now }
    }

    fn whose(topic_no: u32) -> Whose {
        Whose { key: RegistrationKey { topic_no, ..key() }, registration_no: topic_no }
    }

    fn subscribe(&mut self, topic_no: u32, (seq, notification): (u64, Arc<Notification>)) {
        let (name, whose) = (Name { topic_no, ..name() }, Self::whose(topic_no));
        let newest = Some((seq, notification));
        let subscription = Subscription { name, whose, token: [0; 32], newest, wait: None };
        self.session.subscribe(subscription, self.now, &mut self.effects);
    }

    /// What goes out.
    fn pump(&mut self) -> Vec<u64> {
        let mut sent = Vec::new();
        self.session.pump(self.now, &mut self.effects, &mut |outgoing| {
            if let Outgoing::Notification { seq, .. } = outgoing {
                sent.push(*seq);
            }
            Fit::Written
        });
        sent
    }

    fn saves_power(&mut self, saves: bool) -> Vec<(Whose, u64)> {
        self.session.set_saves_power(saves, self.now.wall, &mut self.effects)
    }

    /// How many times an effect like this was asked for.
    fn said(&self, is_meant: impl Fn(&Effect) -> bool) -> usize {
        self.effects.list.iter().filter(|effect| is_meant(effect)).count()
    }
}

fn kept(priority: Priority) -> Arc<Notification> {
    Arc::new(Notification { priority, ..(*queue::tests::notification(Expiration::Default)).clone() })
}

#[test]
fn several_registrations_are_released_in_order_and_those_of_priority_1_last() {
    let mut saving = Saving::new();
    let stored = [(9, Priority::Five), (4, Priority::One), (7, Priority::Five), (6, Priority::One)];
    for (topic_no, (seq, priority)) in (1..).zip(stored) {
        saving.subscribe(topic_no, (seq, kept(priority)));
    }
    assert!(saving.pump().is_empty());
    let row = |seq| kept(stored.iter().find(|(its, _)| *its == seq).expect("stored").1);
    // Held twice: the release that is taken back before anything went out changes nothing, and isn't said again.
    for (whose, seq) in saving.saves_power(false) {
        saving.session.release(whose, seq, Some(row(seq)), &mut saving.effects);
    }
    saving.saves_power(true);
    assert!(saving.pump().is_empty());
    assert_eq!(saving.effects.growth, 0, "what is held takes no room from others");
    assert_eq!(saving.said(|effect| matches!(effect, Effect::Reached { stage: Stage::Stored, .. })), 4);
    for (whose, seq) in saving.saves_power(false) {
        saving.session.release(whose, seq, Some(row(seq)), &mut saving.effects);
    }
    assert!(saving.effects.growth > 0, "they wait as others do");
    assert_eq!(saving.pump(), [7, 9, 4, 6]);
    assert_eq!(saving.effects.growth, 0);
}

#[test]
fn nothing_of_what_is_held_stays_in_memory_but_what_finds_its_row() {
    let mut saving = Saving::new();
    let payloads: Vec<Arc<Notification>> =
        (0..session::MAX_REGISTRATIONS).map(|_| kept(Priority::Five)).collect();
    for (topic_no, payload) in (1..).zip(&payloads) {
        saving.subscribe(topic_no, (u64::from(topic_no), Arc::clone(payload)));
    }
    assert!(saving.effects.growth > 0, "it waits till its turn comes");
    assert!(saving.pump().is_empty());
    assert!(payloads.iter().all(|payload| Arc::strong_count(payload) == 1));
    assert_eq!(saving.effects.growth, 0);
    assert!(size_of::<queue::Held>() <= 24);
}

#[test]
fn a_held_one_is_ended_once_when_it_is_replaced_and_not_when_its_device_leaves() {
    let mut saving = Saving::new();
    for seq in [4, 5] {
        saving.subscribe(3, (seq, kept(Priority::Five)));
        assert!(saving.pump().is_empty());
        assert_eq!(saving.effects.growth, 0);
    }
    let replaced = |effect: &Effect| matches!(effect, Effect::End { seq: 4, stage: Stage::Replaced, .. });
    assert_eq!(saving.said(replaced), 1);
    let Saving { session, mut effects, now } = saving;
    effects.list.clear();
    session.leave(now.wall, &mut effects);
    assert!(effects.list.is_empty(), "what is held is stored");
    assert_eq!(effects.growth, 0);
}

#[test]
fn a_row_that_comes_for_what_is_held_no_more_goes_nowhere() {
    let mut saving = Saving::new();
    saving.subscribe(3, (4, kept(Priority::Five)));
    assert!(saving.pump().is_empty());
    let [(whose, 4)] = saving.saves_power(false)[..] else { panic!("4 is held") };
    // A newer one was stored by another connection's core, and replaced it in the store, while its row was read.
    let (key, notification, replaced) = (whose.key, kept(Priority::Five), Some(4));
    saving.session.hint(Hint { key, seq: 8, notification, replaced, reply: None }, &mut saving.effects);
    assert_eq!(saving.said(|effect| matches!(effect, Effect::End { seq: 4, stage: Stage::Replaced, .. })), 1);
    saving.session.release(whose, 4, Some(kept(Priority::Five)), &mut saving.effects);
    assert_eq!(saving.pump(), [8]);
    // Nor does one whose registration has ended, or whose row has.
    saving.saves_power(true);
    saving.subscribe(3, (9, kept(Priority::Five)));
    assert!(saving.pump().is_empty());
    let [(whose, 9)] = saving.saves_power(false)[..] else { panic!("9 is held") };
    saving.session.release(whose, 9, None, &mut saving.effects);
    saving.saves_power(true);
    assert!(saving.saves_power(false).is_empty(), "its row had ended");
    saving.saves_power(true);
    saving.subscribe(3, (10, kept(Priority::Five)));
    assert!(saving.pump().is_empty());
    let [(whose, 10)] = saving.saves_power(false)[..] else { panic!("10 is held") };
    saving.session.unsubscribe(0, &mut saving.effects);
    saving.session.release(whose, 10, Some(kept(Priority::Five)), &mut saving.effects);
    assert!(saving.pump().is_empty());
    assert_eq!(saving.effects.growth, 0);
}

#[test]
fn what_expired_while_it_was_held_is_ended_without_being_read() {
    let mut saving = Saving::new();
    saving.subscribe(3, (4, kept(Priority::One)));
    assert!(saving.pump().is_empty());
    saving.now.wall = kept(Priority::One).expires_at().expect("kept");
    assert!(saving.saves_power(false).is_empty());
    assert_eq!(saving.said(|effect| matches!(effect, Effect::End { seq: 4, stage: Stage::Expired, .. })), 1);
}

#[test]
fn one_that_was_held_is_released_once_though_its_device_comes_again_meanwhile() {
    let mut world = World::new();
    let mut phone = saving(&mut world);
    world.submit_kept(&[Priority::Five]);
    phone.take_all();
    phone.save_power(&world, false);
    drop(phone);
    let mut phone = world.connect(1);
    phone.subscribe(&mut world);
    while phone.release(&world) {}
    phone.take_all();
    world.settle();
    assert_eq!(phone.sent, [1]);
    assert_eq!(world.end_of(1), Some((Stage::Acknowledged, None)));
}
