//! How fast the store takes notifications on this machine: rows a second, CPU a row and the time to an answer, by the
//! number in flight. `cargo run --release --example append_rate -p homing-gateway [directory]`.

use std::error::Error;
use std::io::Write as _;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use homing_apns::{Expiration, Priority, PushType};
use homing_clock::Clock;
use homing_gateway::centre::{Centre, EnrolmentKeySpec};
use homing_gateway::notification::Notification;
use homing_gateway::store::{
    Answer, AnswerSink, Append, Appended, End, Place, StageEvent, Store, StoreConfig, Subscribed,
};
use homing_trace::{Environment, Stage};

const ROUND: Duration = Duration::from_secs(3);
const REGISTRATIONS: u64 = 1_000;
const ENROLMENT_KEY: &str = "devices of the measurement";

struct Sink(Mutex<SyncSender<Vec<Answer>>>);

impl AnswerSink for Sink {
    fn take(&self, answers: Vec<Answer>) {
        // The measurement may be over.
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).send(answers);
    }
}

#[derive(Clone, Copy, Debug)]
enum What {
    /// To an absent device: each replaces the one before.
    Away,
    /// To a connected device, acknowledged at once.
    Acknowledged,
    /// Tried once: only three events in the second file.
    Once,
}

struct Run {
    store: Store,
    registered: Vec<Subscribed>,
    answers: Receiver<Vec<Answer>>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir =
        std::env::args().nth(1).map_or_else(|| std::env::temp_dir().join("homing-append-rate"), Into::into);
    let (sink, answers) = sync_channel(4_096);
    let sink: Arc<dyn AnswerSink> = Arc::new(Sink(Mutex::new(sink)));
    let store = Store::open(StoreConfig { dir, clock: Clock::default() }, vec![sink])?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut registered = Vec::new();
    let centre = runtime.block_on(Centre::open(store.clone()))?;
    runtime.block_on(centre.create_team("BENCHTEAM1", "Measurement"))?;
    let spec = EnrolmentKeySpec {
        team: "BENCHTEAM1".to_owned(),
        apps: Vec::new(),
        environments: vec![Environment::Production],
        quota: u32::MAX,
        per_minute: u32::MAX,
        expires_at: None,
    };
    runtime.block_on(centre.put_enrolment_key(ENROLMENT_KEY, spec))?;
    for _ in 0..REGISTRATIONS {
        let device = runtime.block_on(store.enrol(ENROLMENT_KEY))?.device;
        registered.push(runtime.block_on(store.subscribe(device, Environment::Production, 1, None))?);
    }
    let run = Run { store, registered, answers };
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "what          in flight   rows/s   log us/row   stages us/row   p50 ms   p99 ms   max ms"
    )?;
    for what in [What::Away, What::Acknowledged] {
        for in_flight in [1, 10, 100, 1_600, 10_000] {
            let line = run.kept(what, in_flight)?;
            writeln!(out, "{:<12} {line}", format!("{what:?}"))?;
        }
    }
    writeln!(out, "{:<12} {}", format!("{:?}", What::Once), run.once()?)?;
    run.store.close();
    Ok(())
}

impl Run {
    fn notification(&self, at: u64, expiration: Expiration) -> Arc<Notification> {
        Arc::new(Notification {
            apns_id: format!("{at:08x}-2f5e-4a5f-9d76-{:012x}", at.wrapping_mul(0x9e37_79b9_7f4a) >> 16)
                .into(),
            push_type: PushType::Alert,
            priority: Priority::Ten,
            collapse_id: None,
            expiration,
            accepted_at: self.store.clock().now(),
            payload: Bytes::from_static(&[b'x'; 190]),
        })
    }

    fn kept(&self, what: What, in_flight: usize) -> Result<String, Box<dyn Error>> {
        let mut sent: Vec<Option<Instant>> = vec![None; in_flight];
        let mut times = Vec::new();
        let (start, cpu) = (Instant::now(), Cpu::now());
        let mut at: u64 = 0;
        let mut waiting = 0;
        let mut free: Vec<usize> = (0..in_flight).collect();
        while waiting > 0 || start.elapsed() < ROUND {
            while start.elapsed() < ROUND
                && let Some(ticket) = free.pop()
            {
                at += 1;
                let whose = &self.registered[usize::try_from(at % REGISTRATIONS)?];
                let registration = whose.registration;
                let place = match what {
                    What::Away => Place::Away { registration },
                    What::Acknowledged | What::Once => {
                        let seq = self.store.seqs().next()?;
                        Place::Queued { registration, registration_no: whose.registration_no, seq }
                    }
                };
                let notification = self.notification(at, Expiration::Default);
                sent[ticket] = Some(Instant::now());
                let append = Append {
                    core: 0,
                    ticket: (at % REGISTRATIONS) << 32 | ticket as u64,
                    place,
                    notification,
                };
                self.store.append(append)?;
                waiting += 1;
            }
            for answer in self.answers.recv()? {
                let ticket = usize::try_from(answer.ticket & 0xffff_ffff)?;
                times.extend(sent[ticket].take().map(|sent| sent.elapsed()));
                free.push(ticket);
                waiting -= 1;
                if let (What::Acknowledged, Appended::Stored { seq, .. }) = (what, answer.result) {
                    let whose = &self.registered[usize::try_from(answer.ticket >> 32)?];
                    self.finish(whose, seq)?;
                }
            }
        }
        Ok(report(in_flight, start.elapsed(), &mut times, &cpu.used()))
    }

    fn finish(&self, whose: &Subscribed, seq: u64) -> Result<(), Box<dyn Error>> {
        let (at, registration) = (self.store.clock().now(), whose.registration);
        self.store.record(StageEvent::Reached { seq, registration, stage: Stage::Sent, reason: None, at })?;
        let registration_no = whose.registration_no;
        let stage = Stage::Acknowledged;
        Ok(self.store.end(End { seq, registration, registration_no, stage, reason: None, at })?)
    }

    fn once(&self) -> Result<String, Box<dyn Error>> {
        let (start, cpu) = (Instant::now(), Cpu::now());
        let mut times = Vec::new();
        let mut at: u64 = 0;
        while start.elapsed() < ROUND {
            at += 1;
            let registration = self.registered[usize::try_from(at % REGISTRATIONS)?].registration;
            let begun = Instant::now();
            let seq = self.store.seqs().next()?;
            let notification = self.notification(at, Expiration::Once);
            let now = notification.accepted_at;
            let mut events = vec![StageEvent::Accepted { seq, registration, notification }];
            for stage in [Stage::Sent, Stage::Acknowledged] {
                events.push(StageEvent::Reached { seq, registration, stage, reason: None, at: now });
            }
            for event in events {
                while self.store.record(event.clone()).is_err() {
                    std::thread::yield_now();
                }
            }
            times.push(begun.elapsed());
        }
        Ok(report(1, start.elapsed(), &mut times, &cpu.used()))
    }
}

fn report(in_flight: usize, took: Duration, times: &mut [Duration], cpu: &Cpu) -> String {
    times.sort_unstable();
    let rows = times.len().max(1);
    let millis = |share: f64| {
        let at = ((rows - 1) as f64 * share) as usize;
        times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    let rate = rows as f64 / took.as_secs_f64();
    let (log, stages) = (cpu.log as f64 / 1e3 / rows as f64, cpu.stages as f64 / 1e3 / rows as f64);
    let [p50, p99, max] = [millis(0.5), millis(0.99), millis(1.0)];
    format!("{in_flight:>10} {rate:>8.0} {log:>12.2} {stages:>15.2} {p50:>8.3} {p99:>8.3} {max:>8.3}")
}

/// Nanoseconds on a core, by thread of the store.
#[derive(Clone, Copy, Default)]
struct Cpu {
    log: u64,
    stages: u64,
}

impl Cpu {
    fn now() -> Self {
        let mut cpu = Self::default();
        for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
            let read = |name: &str| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
            let spent = read("schedstat").split(' ').next().and_then(|spent| spent.parse().ok()).unwrap_or(0);
            match read("comm").trim() {
                "homing-log" | "homing-checkpoi" => cpu.log += spent,
                "homing-stages" => cpu.stages += spent,
                _ => {}
            }
        }
        cpu
    }

    fn used(self) -> Self {
        let now = Self::now();
        Self { log: now.log - self.log, stages: now.stages - self.stages }
    }
}
