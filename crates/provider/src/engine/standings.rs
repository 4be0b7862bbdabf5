//! Who may be sent to at this moment: the gate at hand-over.
//!
//! A lane claims notifications inside the writer's order and watches their installations here. A login, logout or end
//! of an installation changes its standing here after its commit and before its answer. A hand-over looks here and
//! holds the gate open until the request is in the connection. So what begins after the answer knows of it.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use homing_trace::Environment;

/// What an installation is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) user: Option<String>,
    pub(super) live: bool,
    /// `None` if nobody told it: then that of whichever push names the token.
    pub(super) environment: Option<Environment>,
}

/// Why a notification is not handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Withdrawn {
    LoggedOut,
    AnotherUser,
    Retired,
    OtherEnvironment,
    Forgotten,
}

impl Withdrawn {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::LoggedOut => "logged-out",
            Self::AnotherUser => "another-user",
            Self::Retired => "retired",
            Self::OtherEnvironment => "other-environment",
            Self::Forgotten => "forgotten",
        }
    }
}

impl Standing {
    /// Whether a notification may go there that was planned for `user`. One that is for nobody in particular goes to
    /// whoever has the token.
    fn admits(&self, user: Option<&str>, environment: Environment) -> Result<(), Withdrawn> {
        if !self.live {
            return Err(Withdrawn::Retired);
        }
        if self.environment.is_some_and(|own| own != environment) {
            return Err(Withdrawn::OtherEnvironment);
        }
        match (user, self.user.as_deref()) {
            (None, _) => Ok(()),
            (Some(_), None) => Err(Withdrawn::LoggedOut),
            (Some(user), Some(bound)) if user == bound => Ok(()),
            (Some(_), Some(_)) => Err(Withdrawn::AnotherUser),
        }
    }
}

/// The installations that notifications are claimed for.
#[derive(Clone, Debug, Default)]
pub(super) struct Standings(Arc<RwLock<HashMap<i64, Watched>>>);

#[derive(Debug)]
struct Watched {
    /// `None`: the record is gone.
    standing: Option<Standing>,
    watchers: usize,
}

/// As long as this is held, no change of a standing is answered.
#[derive(Debug)]
pub(super) struct Gate<'a> {
    _table: RwLockReadGuard<'a, HashMap<i64, Watched>>,
}

impl Standings {
    /// From now on the installation's changes are followed. To be called in the writer's order.
    pub(super) fn watch(&self, installation_no: i64, standing: Option<Standing>) {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let watched = table.entry(installation_no).or_insert(Watched { standing: None, watchers: 0 });
        watched.standing = standing;
        watched.watchers += 1;
    }

    pub(super) fn unwatch(&self, installations: impl IntoIterator<Item = i64>) {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for installation_no in installations {
            if let Some(watched) = table.get_mut(&installation_no) {
                watched.watchers -= 1;
                if watched.watchers == 0 {
                    table.remove(&installation_no);
                }
            }
        }
    }

    /// To be called in the writer's order, after the commit and before the answer; `None`: the record is gone.
    pub(super) fn change(&self, installation_no: i64, standing: Option<Standing>) {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(watched) = table.get_mut(&installation_no) {
            watched.standing = standing;
        }
    }

    /// The gate, open for this notification; or why it isn't.
    pub(super) fn admit(
        &self,
        installation_no: i64,
        user: Option<&str>,
        environment: Environment,
    ) -> Result<Gate<'_>, Withdrawn> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let standing = table.get(&installation_no).and_then(|watched| watched.standing.as_ref());
        standing.ok_or(Withdrawn::Forgotten)?.admits(user, environment)?;
        Ok(Gate { _table: table })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(user: Option<&str>) -> Standing {
        Standing { user: user.map(str::to_owned), live: true, environment: Some(Environment::Development) }
    }

    #[test]
    fn a_notification_goes_only_where_it_still_belongs() {
        let (live, retired) = (standing(Some("ann")), Standing { live: false, ..standing(Some("ann")) });
        let away = Standing { environment: Some(Environment::Production), ..live.clone() };
        let untold = Standing { environment: None, ..standing(None) };
        let table = [
            (&live, Some("ann"), Ok(())),
            (&live, None, Ok(())),
            (&live, Some("bob"), Err(Withdrawn::AnotherUser)),
            (&standing(None), Some("ann"), Err(Withdrawn::LoggedOut)),
            (&standing(None), None, Ok(())),
            (&retired, Some("ann"), Err(Withdrawn::Retired)),
            (&untold, None, Ok(())),
            (&away, Some("ann"), Err(Withdrawn::OtherEnvironment)),
        ];
        for (standing, user, expected) in table {
            assert_eq!(standing.admits(user, Environment::Development), expected, "{standing:?} {user:?}");
        }
    }

    #[test]
    fn a_change_is_not_answered_while_a_request_is_being_handed_over() {
        let standings = Standings::default();
        standings.watch(1, Some(standing(Some("ann"))));
        let gate = standings.admit(1, Some("ann"), Environment::Development).unwrap();
        let (answered, answer) = std::sync::mpsc::channel();
        let changing = std::thread::spawn({
            let standings = standings.clone();
            move || {
                standings.change(1, Some(standing(None)));
                answered.send(()).unwrap();
            }
        });
        assert!(answer.recv_timeout(std::time::Duration::from_millis(50)).is_err());
        drop(gate);
        answer.recv().unwrap();
        changing.join().unwrap();
        let refused = standings.admit(1, Some("ann"), Environment::Development).unwrap_err();
        assert_eq!(refused, Withdrawn::LoggedOut);
    }

    #[test]
    fn an_installation_is_followed_as_long_as_anybody_watches() {
        let standings = Standings::default();
        standings.watch(1, Some(standing(None)));
        standings.watch(1, Some(standing(None)));
        standings.unwatch([1]);
        assert!(standings.admit(1, None, Environment::Development).is_ok());
        standings.change(1, None);
        assert_eq!(standings.admit(1, None, Environment::Development).unwrap_err(), Withdrawn::Forgotten);
        standings.unwatch([1]);
        assert!(standings.0.read().unwrap().is_empty());
    }
}
