//! Any order of submissions, commits, connects, subscribes, acknowledgements, disconnects and power savings: nothing is
//! lost, nothing overtakes but what is urgent, and each has one end.

use super::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Submit { core: usize, expiration: Expiration, urgent: bool },
    Work,
    Drain(usize),
    Connect(usize),
    Disconnect,
    BeginSubscribe,
    FinishSubscribe,
    Pump,
    Acknowledge,
    SavesPower(bool),
    Release,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..2_usize, expirations(), prop::bool::weighted(0.7))
            .prop_map(|(core, expiration, urgent)| Step::Submit { core, expiration, urgent }),
        8 => Just(Step::Work),
        6 => (0..2_usize).prop_map(Step::Drain),
        2 => (0..2_usize).prop_map(Step::Connect),
        1 => Just(Step::Disconnect),
        3 => Just(Step::BeginSubscribe),
        4 => Just(Step::FinishSubscribe),
        5 => Just(Step::Pump),
        5 => Just(Step::Acknowledge),
        2 => any::<bool>().prop_map(Step::SavesPower),
        2 => Just(Step::Release),
    ];
    proptest::collection::vec(step, 1..120)
}

/// Kept, tried once, or over when it comes.
fn expirations() -> impl Strategy<Value = Expiration> {
    prop_oneof![4 => Just(Expiration::Default), 4 => Just(Expiration::Once), 1 => Just(Expiration::At(1))]
}

/// The device with its present connection, those it has lost and not noticed, and what each was sent.
#[derive(Default)]
struct Device {
    phone: Option<Phone>,
    /// Whose subscribe the store answers next, by connection; dead ones' answers are thrown away.
    waiting: VecDeque<u32>,
    /// Whose held row the store reads next, in the same way.
    reading: VecDeque<u32>,
    connections: u32,
    histories: Vec<Vec<u64>>,
    saves_power: bool,
    /// What was sent although the device saved power then.
    sent_all_the_same: BTreeSet<u64>,
}

impl Device {
    fn hang_up(&mut self) {
        if let Some(phone) = self.phone.take() {
            self.histories.push(phone.sent);
        }
    }

    fn connect(&mut self, world: &World, core: usize) {
        // The newer connection comes before the older one's end is noticed.
        let phone = world.connect(core);
        self.hang_up();
        self.connections += 1;
        self.saves_power = false;
        self.phone = Some(phone);
    }

    fn begin_subscribe(&mut self, world: &World) {
        // The device port answers a repeated SUBSCRIBE from memory.
        if let Some(phone) = &mut self.phone
            && phone.asked == 0
            && phone.connection.held(Environment::Development, 3, None).is_none()
        {
            phone.begin_subscribe(world);
            self.waiting.push_back(self.connections);
        }
    }

    fn save_power(&mut self, world: &World, saves: bool) {
        if let Some(phone) = &mut self.phone {
            let held = phone.save_power(world, saves);
            self.reading.extend(std::iter::repeat_n(self.connections, held));
            self.saves_power = saves;
        }
    }

    fn release(&mut self, world: &World) {
        if lock(&world.log.0).read.is_empty() {
            return;
        }
        let whose = self.reading.pop_front().expect("it was asked");
        match self.phone.as_mut().filter(|_| whose == self.connections) {
            Some(phone) => drop(phone.release(world)),
            None => drop(lock(&world.log.0).read.pop_front()),
        }
    }

    fn pump(&mut self) {
        let Some(phone) = &mut self.phone else { return };
        let before = phone.sent.len();
        phone.pump();
        if self.saves_power {
            self.sent_all_the_same.extend(&phone.sent[before..]);
        }
    }

    fn finish_subscribe(&mut self, world: &World) {
        let Some(newest) = lock(&world.log.0).subscribed.pop_front() else { return };
        let whose = self.waiting.pop_front().expect("it was asked");
        if let Some(phone) = self.phone.as_mut().filter(|_| whose == self.connections) {
            phone.finish_subscribe(newest);
        }
    }
}

fn run(world: &mut World, device: &mut Device, step: Step) {
    match step {
        Step::Submit { core, expiration, urgent } => {
            world.submit_with(core, expiration, if urgent { Priority::Ten } else { Priority::Five });
        }
        Step::Work => drop(world.work()),
        Step::Drain(core) => drop(world.drain(core)),
        Step::Connect(core) => device.connect(world, core),
        Step::Disconnect => device.hang_up(),
        Step::BeginSubscribe => device.begin_subscribe(world),
        Step::FinishSubscribe => device.finish_subscribe(world),
        Step::Pump => device.pump(),
        Step::Acknowledge => device.phone.iter_mut().for_each(|phone| phone.acknowledge(false)),
        Step::SavesPower(saves) => device.save_power(world, saves),
        Step::Release => device.release(world),
    }
}

/// Lets everything that is under way come to its end, with a device that takes all.
fn finish(world: &mut World, device: &mut Device) {
    for _ in 0..2 {
        world.settle();
        device.save_power(world, false);
        device.begin_subscribe(world);
        world.settle();
        while !device.waiting.is_empty() {
            device.finish_subscribe(world);
        }
        while !device.reading.is_empty() {
            device.release(world);
        }
        world.settle();
        device.phone.iter_mut().for_each(Phone::take_all);
        world.settle();
        if device.phone.is_none() {
            device.connect(world, 0);
        }
    }
    device.phone.iter_mut().for_each(Phone::take_all);
    world.settle();
    device.hang_up();
    world.settle();
}

fn judge(world: &World, device: &Device) -> Result<(), TestCaseError> {
    prop_assert_eq!(world.answered.len(), world.asked as usize, "each is answered");
    let rows = lock(&world.log.0);
    prop_assert!(rows.live.is_empty(), "nothing stays behind: {:?}", rows.live.keys());
    let is_urgent = |seq: &u64| rows.urgent.contains(seq);
    let was_held = |seq: &u64| rows.reached.contains(&(*seq, Stage::Stored, Some(Reason::LOW_POWER)));
    for history in &device.histories {
        let unheld: Vec<u64> = history.iter().copied().filter(|seq| !was_held(seq)).collect();
        prop_assert!(unheld.is_sorted_by(|a, b| a < b), "in order, without repeats: {:?}", history);
        prop_assert_eq!(history.iter().collect::<BTreeSet<_>>().len(), history.len(), "without repeats");
    }
    prop_assert!(device.sent_all_the_same.iter().all(is_urgent), "only what is urgent costs power");
    let held_in_vain =
        rows.reached.iter().find(|(seq, _, reason)| *reason == Some(Reason::LOW_POWER) && is_urgent(seq));
    prop_assert_eq!(held_in_vain, None, "what is urgent isn't held");
    let mut ends: BTreeMap<u64, Vec<Stage>> = BTreeMap::new();
    for (seq, stage, _) in &rows.reached {
        if matches!(stage, Stage::Acknowledged | Stage::Discarded) {
            ends.entry(*seq).or_default().push(*stage);
        }
    }
    let sent: BTreeSet<u64> = device.histories.iter().flatten().copied().collect();
    let mut seqs = BTreeSet::new();
    let newest = world.answered.values().filter_map(|outcome| match outcome {
        Outcome::Accepted { seq } => Some(*seq),
        Outcome::Unregistered { .. } | Outcome::NeverRegistered | Outcome::Overloaded | Outcome::Failed => {
            None
        }
    });
    let is_over = |seq: &u64| rows.ended.get(seq) == Some(&(Stage::Expired, None));
    let newest = newest.filter(|seq| !is_over(seq)).max().unwrap_or(0);
    for outcome in world.answered.values() {
        let Outcome::Accepted { seq } = *outcome else {
            return Err(TestCaseError::fail(format!("{outcome:?}")));
        };
        prop_assert!(seqs.insert(seq), "{} was given twice", seq);
        match rows.ended.get(&seq) {
            Some((Stage::Replaced, None)) => {
                prop_assert!(newest > seq, "{} was replaced by a newer one", seq);
            }
            Some((Stage::Acknowledged, None)) => prop_assert!(sent.contains(&seq)),
            Some((Stage::Expired, None)) => prop_assert!(!sent.contains(&seq)),
            Some(other) => return Err(TestCaseError::fail(format!("{seq} ended as {other:?}"))),
            None => prop_assert_eq!(ends.get(&seq).map(Vec::len), Some(1), "{} ends once", seq),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_nothing_overtakes_in_any_order_of_events(steps in steps()) {
        let (mut world, mut device) = (World::new(), Device::default());
        for step in steps {
            run(&mut world, &mut device, step);
        }
        finish(&mut world, &mut device);
        judge(&world, &device)?;
    }
}
