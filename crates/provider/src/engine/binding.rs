//! Whose a token is: the rules of login and logout. Pure; rows and answers are `installations`' affair.
//!
//! One user per token, the last to log in. The SDK gives each login and logout an epoch above all before it, so that a
//! request which arrives late can't undo a newer one.

/// What is known of a token's user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) user: Option<String>,
    /// The last login's.
    pub(super) epoch: Option<u64>,
    /// The greatest of a logout.
    pub(super) logout_epoch: Option<u64>,
}

/// The request is older than what is known: the greatest epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stale(pub(super) u64);

/// What a login does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Login {
    /// It is the one that is known already.
    Known,
    New(Binding),
}

impl Binding {
    /// The greatest epoch that is known.
    pub(super) fn known(&self) -> Option<u64> {
        self.epoch.max(self.logout_epoch)
    }

    /// Without an epoch the login is the newest, and the known epoch stays. With that of the last login it is its repeat,
    /// or another user's, who then is the last.
    pub(super) fn log_in(&self, user: &str, epoch: Option<u64>) -> Result<Login, Stale> {
        if let (Some(epoch), Some(known)) = (epoch, self.known())
            && epoch <= known
        {
            if self.epoch != Some(epoch) || self.logout_epoch >= Some(epoch) {
                return Err(Stale(known));
            }
            if self.user.as_deref() == Some(user) {
                return Ok(Login::Known);
            }
        }
        Ok(Login::New(Self { user: Some(user.to_owned()), epoch: epoch.or(self.epoch), ..self.clone() }))
    }

    /// The binding after it; only this user is logged out. An epoch below the last login's is stale.
    pub(super) fn log_out(&self, user: &str, epoch: Option<u64>) -> Result<Self, Stale> {
        if let (Some(epoch), Some(known)) = (epoch, self.epoch)
            && epoch < known
        {
            return Err(Stale(self.known().unwrap_or(known)));
        }
        let is_bound = self.user.as_deref() == Some(user);
        // Without an epoch it ends the login that is known, and that login can't come again.
        let ended = epoch.or(self.epoch.filter(|_| is_bound));
        let user = self.user.clone().filter(|_| !is_bound);
        Ok(Self { user, epoch: self.epoch, logout_epoch: self.logout_epoch.max(ended) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(user: &str, epoch: u64) -> Binding {
        Binding { user: Some(user.to_owned()), epoch: Some(epoch), logout_epoch: None }
    }

    fn user_after(login: Result<Login, Stale>) -> Option<String> {
        match login {
            Ok(Login::New(binding)) => binding.user,
            Ok(Login::Known) | Err(_) => None,
        }
    }

    #[test]
    fn the_last_to_log_in_has_the_token() {
        let table = [
            (Binding::default(), "ann", None, Ok(true)),
            (Binding::default(), "ann", Some(0), Ok(true)),
            (bound("ann", 5), "bob", Some(6), Ok(true)),
            (bound("ann", 5), "bob", None, Ok(true)),
            (bound("ann", 5), "ann", Some(6), Ok(true)),
            (bound("ann", 5), "ann", Some(5), Ok(false)),
            (bound("ann", 5), "bob", Some(5), Ok(true)),
            (bound("ann", 5), "bob", Some(4), Err(5)),
            (bound("ann", 5), "ann", Some(4), Err(5)),
        ];
        for (before, user, epoch, expected) in table {
            let after = before.log_in(user, epoch);
            let shown = format!("{before:?}, {user} at {epoch:?}: {after:?}");
            match expected {
                Ok(true) => assert_eq!(user_after(after).as_deref(), Some(user), "{shown}"),
                Ok(false) => assert_eq!(after, Ok(Login::Known), "{shown}"),
                Err(known) => assert_eq!(after, Err(Stale(known)), "{shown}"),
            }
        }
    }

    #[test]
    fn a_logout_ends_that_users_binding_only() {
        let ann = bound("ann", 5);
        assert_eq!(ann.log_out("ann", Some(5)).unwrap().user, None);
        assert_eq!(ann.log_out("ann", None).unwrap().user, None);
        assert_eq!(ann.log_out("bob", Some(9)).unwrap().user.as_deref(), Some("ann"));
        assert_eq!(ann.log_out("bob", None).unwrap(), ann);
        assert_eq!(ann.log_out("ann", Some(4)), Err(Stale(5)));
        assert_eq!(Binding::default().log_out("ann", None), Ok(Binding::default()));
    }

    #[test]
    fn a_login_that_arrives_after_its_logout_comes_to_nothing() {
        for logout in [Some(5), Some(6), None] {
            let after = bound("ann", 5).log_out("ann", logout).unwrap();
            assert!(after.log_in("ann", Some(5)).is_err(), "{logout:?}");
            assert_eq!(user_after(after.log_in("ann", Some(7))).as_deref(), Some("ann"));
        }
        // The logout came before its login did.
        let after = Binding::default().log_out("ann", Some(2)).unwrap();
        assert_eq!(after.log_in("ann", Some(1)), Err(Stale(2)));
    }

    proptest::proptest! {
        /// However the network orders and repeats them, the request with the greatest epoch decides.
        #[test]
        fn the_greatest_epoch_decides(order in proptest::collection::vec(1_u64..9, 1..40)) {
            // Odd epochs log in, even ones log the same user out.
            let user_of = |epoch: u64| if (epoch / 2).is_multiple_of(2) { "ann" } else { "bob" };
            let mut binding = Binding::default();
            for epoch in &order {
                if epoch.is_multiple_of(2) {
                    if let Ok(after) = binding.log_out(user_of(epoch - 1), Some(*epoch)) {
                        binding = after;
                    }
                } else if let Ok(Login::New(after)) = binding.log_in(user_of(*epoch), Some(*epoch)) {
                    binding = after;
                }
            }
            let last = order.iter().copied().max().unwrap_or_default();
            if last.is_multiple_of(2) {
                proptest::prop_assert_ne!(binding.user.as_deref(), Some(user_of(last - 1)));
            } else {
                proptest::prop_assert_eq!(binding.user.as_deref(), Some(user_of(last)));
            }
        }
    }
}
