//! What the SDK keeps, and what it makes of it: who is signed in, what the provider has answered, and what it must
//! still be told. Pure: requests and files are left to others.
//!
//! The provider binds one user to a token, whoever signed in last. It isn't known what became of a request without an
//! answer, so before a sign-in is sent, its user is noted as bound; whoever is noted and isn't signed in here is signed
//! out at the provider, first of all.

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Reports kept for a provider that can't be reached; beyond that, the oldest is given up.
const MAX_REPORTS: usize = 100;
/// Users noted as bound; beyond that, the oldest is given up. Only a provider that never answers makes it grow.
const MAX_BOUND: usize = 64;

/// How the provider names a user in a payload, as `homing.user`: 16 hexadecimal digits that don't tell who it is.
pub fn user_tag(bundle_id: &str, user: &str) -> String {
    let mut hash = Sha256::new();
    for part in ["homing-user", "\0", bundle_id, "\0", user] {
        hash.update(part);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// What is kept from run to run.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Kept {
    /// The device's, in hexadecimal.
    token: Option<String>,
    signed_in: Option<SignedIn>,
    /// The number of the newest sign-in or sign-out.
    epoch: u64,
    /// The provider has answered the newest sign-in, with this token.
    bound_here: bool,
    /// A launch brought the token that the provider was told.
    retell: Retell,
    /// Who may be bound at the provider.
    bound: Vec<Bound>,
    reports: VecDeque<Report>,
    /// The installation's, once the app has said any.
    tags: Option<BTreeSet<String>>,
}

/// What a launch says of the token that the provider was told. It is no sign-in: whose the token is there, by whatever
/// means, stays so.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Retell {
    #[default]
    Nothing,
    /// The token alone.
    Token,
    /// It is nobody's there: the provider may have forgotten the sign-in, which is told again with its number.
    User,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignedIn {
    user: String,
    identity_token: String,
}

/// A user who may be bound to a token.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bound {
    token: String,
    user: String,
    identity_token: String,
}

/// What the user did with a notification.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Report {
    pub(super) token: String,
    pub(super) user: String,
    pub(super) identity_token: String,
    pub(super) push_id: String,
    pub(super) event: Deed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Deed {
    Opened,
    Dismissed,
    Action,
}

/// Something to be told to the provider.
#[derive(Clone, PartialEq)]
pub(super) struct Binding {
    pub(super) kind: Kind,
    pub(super) token: String,
    pub(super) user: String,
    pub(super) identity_token: String,
    pub(super) epoch: u64,
    /// Told with a token; `None`: they stay as they are.
    pub(super) tags: Option<BTreeSet<String>>,
}

/// One request to the provider.
#[derive(Clone)]
pub(super) enum Errand {
    Binding(Binding),
    Report(Report),
}

impl Errand {
    /// Whose proof it bears.
    pub(super) fn user(&self) -> &str {
        match self {
            Self::Binding(binding) => &binding.user,
            Self::Report(report) => &report.user,
        }
    }

    pub(super) fn prove(&mut self, identity_token: String) {
        match self {
            Self::Binding(binding) => binding.identity_token = identity_token,
            Self::Report(report) => report.identity_token = identity_token,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bind,
    Unbind,
    /// The token alone.
    Register,
    /// A sign-in that was answered before.
    Rebind,
}

impl Kept {
    pub(super) fn user(&self) -> Option<&str> {
        self.signed_in.as_ref().map(|signed_in| signed_in.user.as_str())
    }

    pub(super) fn signed_in(&mut self, user: &str, identity_token: String) {
        self.renew(user, &identity_token);
        self.signed_in = Some(SignedIn { user: user.to_owned(), identity_token });
        self.raise_epoch(0);
        self.bound_here = false;
    }

    pub(super) fn signed_out(&mut self) {
        self.signed_in = None;
        self.raise_epoch(0);
        self.bound_here = false;
    }

    pub(super) fn registered(&mut self, token: String) {
        if self.token.as_ref() == Some(&token) {
            if self.bound_here {
                self.retell = Retell::Token;
            }
            return;
        }
        self.token = Some(token);
        if self.signed_in.is_some() {
            self.raise_epoch(0);
        }
        self.bound_here = false;
    }

    pub(super) fn tags(&self) -> BTreeSet<String> {
        self.tags.clone().unwrap_or_default()
    }

    /// They are told with the token: at once if it was told, else when it is.
    pub(super) fn tag(&mut self, tags: BTreeSet<String>) {
        if self.tags.as_ref() == Some(&tags) {
            return;
        }
        self.tags = Some(tags);
        self.retell_tags();
    }

    fn retell_tags(&mut self) {
        if self.bound_here && self.retell == Retell::Nothing {
            self.retell = Retell::Token;
        }
    }

    /// Without a user or a token there is nobody to report for.
    pub(super) fn opened(&mut self, push_id: String, event: Deed) {
        let (Some(SignedIn { user, identity_token }), Some(token)) = (&self.signed_in, &self.token) else {
            return;
        };
        let (user, identity_token, token) = (user.clone(), identity_token.clone(), token.clone());
        self.reports.push_back(Report { token, user, identity_token, push_id, event });
        while self.reports.len() > MAX_REPORTS {
            self.reports.pop_front();
        }
    }

    /// The business gave the user a newer proof.
    pub(super) fn renew(&mut self, user: &str, identity_token: &str) {
        let signed_in = self.signed_in.iter_mut().map(|one| (&one.user, &mut one.identity_token));
        let bound = self.bound.iter_mut().map(|one| (&one.user, &mut one.identity_token));
        let reports = self.reports.iter_mut().map(|one| (&one.user, &mut one.identity_token));
        for (_, held) in signed_in.chain(bound).chain(reports).filter(|(of, _)| *of == user) {
            identity_token.clone_into(held);
        }
    }

    /// The provider knows of a later sign-in or sign-out than ours: ours is the newest all the same.
    pub(super) fn outdo(&mut self, known: u64) {
        if known.saturating_add(1) >= self.epoch {
            self.raise_epoch(known);
        }
    }

    /// Above everything that is known, with room for the sign-outs that come before a sign-in. They count from 1: a token
    /// knows only the numbers of its own installation.
    fn raise_epoch(&mut self, known: u64) {
        let before = u64::from(self.signed_in.is_some() && self.bound.iter().any(|one| !self.is_wanted(one)));
        self.epoch = self.epoch.max(known).saturating_add(1 + before);
    }

    /// What the provider is to be told next, but not what is in `refused`. Sign-outs come first.
    pub(super) fn next_binding(&self, refused: &[Binding]) -> Option<Binding> {
        let unbind = |bound: &Bound| Binding {
            kind: Kind::Unbind,
            token: bound.token.clone(),
            user: bound.user.clone(),
            identity_token: bound.identity_token.clone(),
            epoch: if self.signed_in.is_some() { self.epoch.saturating_sub(1) } else { self.epoch },
            tags: None,
        };
        let open = |binding: &Binding| refused.iter().all(|refused| !refused.is_same(binding));
        let strangers = self.bound.iter().filter(|bound| !self.is_wanted(bound));
        strangers.map(unbind).chain(self.bind()).find(open)
    }

    fn bind(&self) -> Option<Binding> {
        let (signed_in, token) = (self.signed_in.as_ref()?, self.token.as_ref()?);
        let kind = match (self.bound_here, self.retell) {
            (false, _) => Kind::Bind,
            (true, Retell::Token) => Kind::Register,
            (true, Retell::User) => Kind::Rebind,
            (true, Retell::Nothing) => return None,
        };
        Some(Binding {
            kind,
            token: token.clone(),
            user: signed_in.user.clone(),
            identity_token: signed_in.identity_token.clone(),
            epoch: self.epoch,
            tags: self.tags.clone(),
        })
    }

    fn is_wanted(&self, bound: &Bound) -> bool {
        self.user() == Some(&bound.user) && self.token.as_ref() == Some(&bound.token)
    }

    /// A sign-in without a token isn't: the provider can't be told yet.
    pub(super) fn is_settled(&self) -> bool {
        self.next_binding(&[]).is_none() && self.bound_here == self.signed_in.is_some()
    }

    /// A sign-in is about to be sent: from now on its user may be bound.
    pub(super) fn sending(&mut self, binding: &Binding) {
        if binding.kind != Kind::Bind || self.bound.iter().any(|bound| bound.is_of(binding)) {
            return;
        }
        let Binding { token, user, identity_token, .. } = binding.clone();
        self.bound.push(Bound { token, user, identity_token });
        if self.bound.len() > MAX_BOUND {
            self.bound.remove(0);
        }
    }

    /// The provider has done it. What was wanted may be another thing by now.
    pub(super) fn done(&mut self, binding: &Binding) {
        match binding.kind {
            Kind::Unbind => self.bound.retain(|bound| !bound.is_of(binding)),
            Kind::Register | Kind::Rebind => {
                self.retell = Retell::Nothing;
                self.tags_told(binding);
            }
            Kind::Bind => {
                self.bound.retain(|bound| bound.token != binding.token || bound.user == binding.user);
                if self.bind().as_ref().is_some_and(|wanted| wanted.is_same(binding)) {
                    self.bound_here = true;
                    self.tags_told(binding);
                }
            }
        }
    }

    /// The app may have said others meanwhile.
    fn tags_told(&mut self, binding: &Binding) {
        if self.tags != binding.tags {
            self.retell_tags();
        }
    }

    /// The provider has the token, and it is nobody's there.
    pub(super) fn found_unbound(&mut self) {
        self.retell = Retell::User;
    }

    /// The oldest report that isn't of one of these users.
    pub(super) fn next_report(&self, but_of: &[String]) -> Option<Report> {
        self.reports.iter().find(|report| !but_of.contains(&report.user)).cloned()
    }

    /// The report was answered, whether or not it was taken.
    pub(super) fn reported(&mut self, report: &Report) {
        let at =
            self.reports.iter().position(|one| one.push_id == report.push_id && one.event == report.event);
        if let Some(at) = at {
            self.reports.remove(at);
        }
    }
}

impl Bound {
    fn is_of(&self, binding: &Binding) -> bool {
        self.token == binding.token && self.user == binding.user
    }
}

impl Binding {
    /// Whether it is the same thing to be told, with whatever proof.
    fn is_same(&self, other: &Self) -> bool {
        (self.kind, self.epoch) == (other.kind, other.epoch)
            && (&self.token, &self.user) == (&other.token, &other.user)
    }
}

#[cfg(test)]
mod tests;
