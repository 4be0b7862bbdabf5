//! Tells the provider what it must be told, one request after the other, again and again until it has answered: first
//! who signed out, then who signed in, then what users opened. What that is, is decided by `state`.

use std::sync::Arc;

use super::Shared;
use super::backoff::{Backoff, random};
use super::client::Answer;
use super::state::{Binding, Errand, Kept, Kind};

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
    async fn round(self: &Arc<Self>) -> Result<(), Trouble> {
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
        let unreported = self.report_all().await?;
        match trouble.filter(|_| !self.kept().is_settled()).or(unreported) {
            Some(why) => Err(why),
            None => Ok(()),
        }
    }

    /// Reports what users opened; `Some` is why something is left of it. It waits for a business that doesn't vouch for
    /// its user now; what is of other users doesn't wait for that.
    async fn report_all(self: &Arc<Self>) -> Result<Option<Trouble>, Trouble> {
        let mut unvouched: Vec<String> = Vec::new();
        let mut trouble = None;
        loop {
            let next = self.kept().next_report(&unvouched);
            let Some(report) = next else { return Ok(trouble) };
            match self.ask(Errand::Report(report.clone())).await {
                Answer::Away(why) => return Err(why),
                Answer::Unvouched(why) => {
                    unvouched.push(report.user);
                    trouble = Some(why);
                }
                // A report that is refused is of no use to anybody.
                Answer::Done
                | Answer::Unbound
                | Answer::Stale { .. }
                | Answer::Unproven(_)
                | Answer::Unknown(_)
                | Answer::Refused(_) => self.remember(|kept| kept.reported(&report)).await?,
            }
        }
    }

    /// Tells one sign-in or sign-out; `Some` is why it was refused.
    async fn tell(self: &Arc<Self>, binding: &Binding) -> Result<Option<Trouble>, Trouble> {
        self.remember(|kept| kept.sending(binding)).await?;
        match self.ask(Errand::Binding(binding.clone())).await {
            Answer::Done => self.remember(|kept| kept.done(binding)).await?,
            Answer::Unbound => self.remember(Kept::found_unbound).await?,
            // Somebody said something newer of the token than a sign-in of long ago.
            Answer::Stale { .. } if binding.kind == Kind::Rebind => {
                self.remember(|kept| kept.done(binding)).await?;
            }
            Answer::Stale { known } => {
                // With a greater number it is told anew.
                self.remember(|kept| kept.outdo(known)).await?;
                return Ok(Some(format!(
                    "the provider knows of a later sign-in or sign-out, number {known}"
                )));
            }
            Answer::Unproven(why) | Answer::Unvouched(why) | Answer::Unknown(why) | Answer::Refused(why) => {
                return Ok(Some(why));
            }
            Answer::Away(why) => return Err(why),
        }
        Ok(None)
    }

    /// One request. A proof that isn't good any more is replaced once.
    async fn ask(self: &Arc<Self>, mut errand: Errand) -> Answer {
        let answer = self.client.send(errand.clone()).await;
        let Answer::Unproven(why) = answer else { return answer };
        match self.identity_tokens.of(errand.user()).await {
            Ok(identity_token) => {
                let renewed = self.remember(|kept| kept.renew(errand.user(), &identity_token)).await;
                if let Err(trouble) = renewed {
                    return Answer::Away(trouble);
                }
                errand.prove(identity_token);
                self.client.send(errand).await
            }
            Err(business) => Answer::Unvouched(format!("{why}; there is no newer proof: {business}")),
        }
    }

    async fn remember(self: &Arc<Self>, change: impl FnOnce(&mut Kept)) -> Result<(), Trouble> {
        self.keep(change).await.map_err(|error| error.to_string())
    }
}
