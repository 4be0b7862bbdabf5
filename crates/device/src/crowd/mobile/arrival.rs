//! A notification arrives at a device of a fleet, and what the notification center wants done, as far as a device without
//! a screen and without code of apps can do it.

use homing_notification_center::{self as center, Output, Thrift};
use homing_trace::{Receipt, Stage, UnixMillis};

use super::{Mobile, Owed};
use crate::link::Arrived;

/// The most unacknowledged notifications, for a device that has few apps.
pub(crate) const RECEIVE_MAXIMUM: u16 = 16;
/// Numbers of notifications that are remembered: all that may come again, and as many more.
const CAME: usize = 2 * RECEIVE_MAXIMUM as usize;
/// What a device keeps of the past: what its user may have in mind, and what may come again.
const KEPT: Thrift = Thrift { seen: RECEIVE_MAXIMUM as usize, delivered: 6 };

impl Mobile {
    pub(super) fn arrived(&mut self, arrived: Arrived, now: UnixMillis) {
        if self.came.contains(&arrived.seq) {
            self.world.counts.repeated.up();
            return;
        }
        if self.came.len() >= CAME {
            self.came.pop_front();
        }
        self.came.push_back(arrived.seq);
        self.world.counts.received.up();
        if self.app_at(&arrived.registration).is_none() {
            // Nowhere to send a receipt to: this device has no such registration.
            return self.world.counts.failed(format!("a notification came for {}", arrived.registration));
        }
        self.feed(
            center::Input::RemoteArrived(center::RemoteNotification {
                bundle: arrived.registration.topic.clone(),
                registration: arrived.registration.to_string(),
                seq: arrived.seq,
                apns_id: arrived.apns_id,
                push_type: arrived.push_type.and_then(|word| word.parse().ok()),
                collapse_id: arrived.collapse_id,
                expires_at: arrived
                    .expires_in
                    .map(|seconds| now.plus_millis(i64::from(seconds).saturating_mul(1_000))),
                payload: arrived.payload,
            }),
            now,
        );
        self.center.forget(&KEPT);
    }

    /// Lets something happen to the notification center, and what follows from it.
    pub(super) fn feed(&mut self, input: center::Input, now: UnixMillis) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let outputs = self.center.handle(input, now);
            let displayed: Vec<u64> = outputs.iter().filter_map(displayed).collect();
            for output in outputs {
                inputs.extend(self.carry_out(output, &displayed, now));
            }
        }
    }

    /// What an app of a fleet says to it: as little as an app can.
    fn carry_out(&mut self, output: Output, displayed: &[u64], now: UnixMillis) -> Vec<center::Input> {
        match output {
            Output::Receipt(said) => {
                self.owe(&said.bundle, said.receipt);
                Vec::new()
            }
            Output::Present { bundle, delivered } => {
                if delivered.remote.as_ref().is_some_and(|remote| displayed.contains(&remote.seq)) {
                    self.notice(&bundle, delivered.identifier(), now);
                }
                Vec::new()
            }
            Output::AppMoved { bundle, from, to, cause, .. } => {
                if cause == center::MoveCause::Response {
                    self.read(&bundle, now);
                }
                if to.is_running() && !from.is_running() { launched(bundle) } else { Vec::new() }
            }
            Output::CallDidReceiveRemoteNotification { bundle, completion, .. } => {
                let result = center::FetchResult::NewData;
                vec![center::Input::FetchCompleted { bundle, completion, result }]
            }
            Output::CallDidReceive { bundle, completion, .. } => {
                vec![center::Input::OfApp {
                    bundle,
                    what: center::AppInput::ResponseCompleted { completion },
                }]
            }
            // Nobody looks, nobody hears, and no app has an extension or a delegate that is asked first.
            Output::ShowPrompt(_)
            | Output::WithdrawPrompt { .. }
            | Output::AuthorizationResult { .. }
            | Output::AddResult { .. }
            | Output::BadgeResult { .. }
            | Output::PlaySound { .. }
            | Output::SetBadge { .. }
            | Output::Removed { .. }
            | Output::SummaryDelivered { .. }
            | Output::CategoriesChanged { .. }
            | Output::RunServiceExtension { .. }
            | Output::ServiceExtensionTimeWillExpire { .. }
            | Output::EndServiceExtension { .. }
            | Output::ContentExtensionReceives { .. }
            | Output::ContentExtensionResponds { .. }
            | Output::CallWillPresent { .. }
            | Output::ResponseTimeExpired { .. }
            | Output::CallOpenSettings { .. }
            | Output::CallLegacy { .. }
            | Output::LockMoved { .. } => Vec::new(),
        }
    }

    /// Puts a receipt where it waits for the push service.
    fn owe(&mut self, bundle: &str, receipt: Receipt) {
        self.world.counts.said(&receipt);
        let app = |number: usize| self.world.profile.apps.get(number);
        let of = self
            .lot
            .apps
            .iter()
            .position(|lot| app(lot.app).is_some_and(|app| app.profile.bundle_id == bundle));
        let Some(app) = of else { return };
        self.last_receipt += 1;
        self.owed.push_back(Owed { no: self.last_receipt, app, receipt });
    }
}

/// The app's process was started: its delegate takes responses and silent notifications, and has no say in what is shown.
fn launched(bundle: String) -> Vec<center::Input> {
    let delegate = center::Delegate {
        did_receive: true,
        did_receive_remote_notification: true,
        ..center::Delegate::default()
    };
    // The last is taken first.
    vec![
        center::Input::LaunchFinished { bundle: bundle.clone() },
        center::Input::DelegateSet { bundle, delegate },
    ]
}

/// What the user was told of. A provisional one, or one behind a Focus, waits unseen.
fn displayed(output: &Output) -> Option<u64> {
    let Output::Receipt(said) = output else { return None };
    (said.receipt.event == Stage::Displayed).then_some(said.receipt.seq)
}
