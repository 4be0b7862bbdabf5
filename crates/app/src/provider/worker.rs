//! Tells the provider what it must be told, one request after the other, again and again until it has answered: first
//! who signed out, then who signed in, then what users opened. What that is, is decided by `state`.

use std::sync::Arc;

use super::Shared;
use super::backoff::{Backoff, random};
use super::client::Answer;
use super::state::{Binding, Errand, Kind};

/// Refusals after which a round is given up. Each has its own cause: few things are told at a time.
const REFUSALS: usize = 16;

/// Why something isn't told, as a sentence.
type Trouble = String;

/// Runs as long as the app.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut backoff = Backoff::default();
    loop {
        match shared.round().await {
            Ok(()) => {
                backoff.reset();
                shared.changed.notified().await;
            }
            Err(trouble) => {
                tracing::info!(app = shared.bundle_id, trouble, "the provider isn't told yet");
                shared.show(Some(trouble));
                // What the user does is told at once.
                tokio::select! {
                    () = tokio::time::sleep(backoff.next(random())) => {}
                    () = shared.changed.notified() => {}
                }
            }
        }
    }
}

impl Shared {
    /// Tells everything there is to tell. What is refused is left for the next round, so that it holds up nothing else.
    async fn round(&self) -> Result<(), Trouble> {
        let mut refused = Vec::new();
        let mut trouble = None;
        while refused.len() < REFUSALS {
            let next = self.kept().next_binding(&refused);
            let Some(binding) = next else { break };
            if let Some(why) = self.tell(&binding).await? {
                trouble = Some(why);
                refused.push(binding);
            }
        }
        loop {
            let next = self.kept().next_report();
            let Some(report) = next else { break };
            if let Answer::Away(why) = self.ask(Errand::Report(report.clone())).await {
                return Err(why);
            }
            // A report that is refused is of no use to anybody.
            self.keep(|kept| kept.reported(&report))?;
        }
        match trouble {
            Some(why) if !self.kept().is_settled() => Err(why),
            Some(_) | None => Ok(()),
        }
    }

    /// Tells one sign-in or sign-out; `Some` is why it was refused.
    async fn tell(&self, binding: &Binding) -> Result<Option<Trouble>, Trouble> {
        self.keep(|kept| kept.sending(binding))?;
        match self.ask(Errand::Binding(binding.clone())).await {
            Answer::Done => self.keep(|kept| kept.done(binding)).map(|()| None),
            Answer::Unbound => self.keep(super::Kept::found_unbound).map(|()| None),
            // Somebody said something newer of the token than a sign-in of long ago.
            Answer::Stale { .. } if binding.kind == Kind::Rebind => {
                self.keep(|kept| kept.done(binding)).map(|()| None)
            }
            Answer::Stale { known } => {
                // With a greater number it is told anew.
                self.keep(|kept| kept.outdo(known))?;
                Ok(Some(format!("the provider knows of a later sign-in or sign-out, number {known}")))
            }
            Answer::Unproven(why) | Answer::Unknown(why) | Answer::Refused(why) => Ok(Some(why)),
            Answer::Away(why) => Err(why),
        }
    }

    /// One request. A proof that isn't good any more is replaced once.
    async fn ask(&self, mut errand: Errand) -> Answer {
        let answer = self.client.send(errand.clone()).await;
        let Answer::Unproven(why) = answer else { return answer };
        match self.identity_tokens.of(errand.user()).await {
            Ok(identity_token) => {
                if let Err(trouble) = self.keep(|kept| kept.renew(errand.user(), &identity_token)) {
                    return Answer::Away(trouble);
                }
                errand.prove(identity_token);
                self.client.send(errand).await
            }
            Err(business) => Answer::Unproven(format!("{why}; there is no newer proof: {business}")),
        }
    }

    fn keep(&self, change: impl FnOnce(&mut super::Kept)) -> Result<(), Trouble> {
        self.change(change).map(drop).map_err(|error| error.to_string())
    }
}
