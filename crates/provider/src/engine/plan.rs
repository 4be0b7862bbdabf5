//! Whom a push reaches: the rules of planning. Pure; the rows are read and written by `planning`.

use homing_trace::Environment;

use super::app::Policy;

/// An installation that may be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) installation_no: i64,
    pub(super) token: Vec<u8>,
    pub(super) user: Option<String>,
    /// Whether its app knows the user by the tag that notifications carry.
    pub(super) tagged: bool,
    pub(super) environment: Environment,
    pub(super) live: bool,
}

/// Why nobody is reached under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Unreached {
    /// Never heard of it.
    Unknown,
    /// The user logged in once, but isn't anywhere now.
    LoggedOut,
    /// Only in the other environment.
    Elsewhere,
    /// The push service said that the tokens are of no use any more.
    Retired,
}

/// Of a user's installations, the latest login first, those that a push reaches.
pub(super) fn of_user(
    candidates: Vec<Candidate>,
    known: bool,
    environment: Environment,
    policy: Policy,
) -> Result<Vec<Candidate>, Unreached> {
    if candidates.is_empty() {
        return Err(if known { Unreached::LoggedOut } else { Unreached::Unknown });
    }
    let here: Vec<Candidate> =
        candidates.into_iter().filter(|candidate| candidate.environment == environment).collect();
    if here.is_empty() {
        return Err(Unreached::Elsewhere);
    }
    let mut live: Vec<Candidate> = here.into_iter().filter(|candidate| candidate.live).collect();
    match (live.is_empty(), policy) {
        (true, _) => return Err(Unreached::Retired),
        (false, Policy::LastDevice) => live.truncate(1),
        (false, Policy::AllDevices) => {}
    }
    Ok(live)
}

/// Whether a push to a token reaches its installation.
pub(super) fn of_token(candidate: Candidate, environment: Environment) -> Result<Candidate, Unreached> {
    if candidate.environment != environment {
        Err(Unreached::Elsewhere)
    } else if !candidate.live {
        Err(Unreached::Retired)
    } else {
        Ok(candidate)
    }
}

/// What an audience names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Users,
    Tokens,
}

/// One sentence on those who aren't reached; `None` when everybody is. `asked` is how many were named.
pub(super) fn why(
    named: Named,
    asked: usize,
    unreached: &[(String, Unreached)],
    environment: Environment,
) -> Option<String> {
    let (name, reason) = unreached.first()?;
    if asked == 1 {
        return Some(one(named, name, *reason, environment));
    }
    let mut parts = Vec::new();
    for reason in [Unreached::Unknown, Unreached::LoggedOut, Unreached::Elsewhere, Unreached::Retired] {
        let count = unreached.iter().filter(|(_, other)| *other == reason).count();
        if count > 0 {
            parts.push(format!("{count} {}", many(named, reason, environment)));
        }
    }
    let what = match named {
        Named::Users => "users",
        Named::Tokens => "tokens",
    };
    Some(format!("{} of {asked} {what} are not reached: {}.", unreached.len(), parts.join(", ")))
}

/// One sentence on the installations that are too many.
pub(super) fn why_left_out(left_out: usize, most: usize) -> Option<String> {
    (left_out > 0).then(|| {
        format!("{left_out} installations are left out: of one user's, the {most} of the latest logins get a push.")
    })
}

/// One sentence on a tag that nobody has.
pub(super) fn why_no_tag(tag: &str, environment: Environment) -> String {
    format!("No live installation in {environment} has the tag {tag:?}.")
}

fn one(named: Named, name: &str, reason: Unreached, environment: Environment) -> String {
    match (named, reason) {
        (Named::Users, Unreached::Unknown) => {
            format!("No user {name:?} has ever logged in to this app: check the user's id.")
        }
        (Named::Users, Unreached::LoggedOut) => format!("The user {name:?} is logged in on no installation."),
        (Named::Users, Unreached::Elsewhere) => {
            format!("The user {name:?} has no installation in {environment}, only in the other environment.")
        }
        (Named::Users, Unreached::Retired) => {
            format!(
                "All installations of the user {name:?} in {environment} are retired: the push service ended their tokens."
            )
        }
        (Named::Tokens, Unreached::Elsewhere) => {
            format!("The token is not of {environment}, but of the other environment.")
        }
        // A token that nobody told is sent to all the same.
        (Named::Tokens, Unreached::Retired | Unreached::Unknown | Unreached::LoggedOut) => {
            "The installation is retired: the push service ended its token.".to_owned()
        }
    }
}

fn many(named: Named, reason: Unreached, environment: Environment) -> String {
    match (named, reason) {
        (Named::Users, Unreached::Unknown) => "never logged in to this app".to_owned(),
        (Named::Users, Unreached::LoggedOut) => "logged in nowhere".to_owned(),
        (Named::Users, Unreached::Elsewhere) => format!("without an installation in {environment}"),
        (Named::Users, Unreached::Retired) => "with retired installations only".to_owned(),
        (Named::Tokens, Unreached::Elsewhere) => format!("not of {environment}"),
        (Named::Tokens, Unreached::Retired | Unreached::Unknown | Unreached::LoggedOut) => {
            "retired".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Environment = Environment::Development;
    const THERE: Environment = Environment::Production;

    fn candidate(installation_no: i64, environment: Environment, live: bool) -> Candidate {
        let user = Some("ann".to_owned());
        Candidate { installation_no, token: vec![], user, tagged: true, environment, live }
    }

    #[test]
    fn a_policy_chooses_among_the_live_ones_of_the_environment() {
        let all = vec![
            candidate(4, THERE, true),
            candidate(3, HERE, false),
            candidate(2, HERE, true),
            candidate(1, HERE, true),
        ];
        let chosen = |policy| {
            of_user(all.clone(), true, HERE, policy)
                .map(|chosen| chosen.iter().map(|c| c.installation_no).collect::<Vec<_>>())
        };
        assert_eq!(chosen(Policy::LastDevice), Ok(vec![2]));
        assert_eq!(chosen(Policy::AllDevices), Ok(vec![2, 1]));
    }

    #[test]
    fn who_is_not_reached_is_told_why() {
        let table = [
            (vec![], false, Unreached::Unknown),
            (vec![], true, Unreached::LoggedOut),
            (vec![candidate(1, THERE, true)], true, Unreached::Elsewhere),
            (vec![candidate(1, THERE, true), candidate(2, HERE, false)], true, Unreached::Retired),
        ];
        for (candidates, known, expected) in table {
            assert_eq!(of_user(candidates, known, HERE, Policy::AllDevices), Err(expected));
        }
        assert_eq!(of_token(candidate(1, THERE, true), HERE), Err(Unreached::Elsewhere));
        assert_eq!(of_token(candidate(1, HERE, false), HERE), Err(Unreached::Retired));
        assert!(of_token(candidate(1, HERE, true), HERE).is_ok());
    }

    #[test]
    fn the_sentence_names_one_and_counts_many() {
        let of = |name: &str, reason| (name.to_owned(), reason);
        assert_eq!(why(Named::Users, 2, &[], HERE), None);
        let one = why(Named::Users, 1, &[of("ann", Unreached::Unknown)], HERE).unwrap();
        assert!(one.contains("\"ann\"") && one.ends_with('.'), "{one}");
        let many = [of("a", Unreached::Retired), of("b", Unreached::Unknown), of("c", Unreached::Unknown)];
        assert_eq!(
            why(Named::Users, 5, &many, HERE).unwrap(),
            "3 of 5 users are not reached: 2 never logged in to this app, 1 with retired installations only."
        );
    }
}
