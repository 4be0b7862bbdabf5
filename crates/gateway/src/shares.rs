//! How much of what is bounded each team may take: a quarter, so that no team keeps all others out. What is bounded, and
//! how one is told that there is no room, is left to whoever asks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::notification::lock;

/// One team's part of the whole is the whole divided by this.
const PARTS: usize = 4;

/// What all teams share; clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Shares(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    all: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_team: HashMap<Arc<str>, usize>,
}

/// What was taken, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    of: Arc<Inner>,
    team: Arc<str>,
    amount: usize,
}

/// Why there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRoom {
    /// The team has its part.
    Team,
    /// All teams together have the whole.
    All,
}

impl Shares {
    pub(crate) fn new(all: usize) -> Self {
        Self(Arc::new(Inner { all, taken: Mutex::default() }))
    }

    pub(crate) fn take(&self, team: &Arc<str>, amount: usize) -> Result<Share, NoRoom> {
        let mut taken = lock(&self.0.taken);
        let of_team = taken.by_team.get(team).copied().unwrap_or_default();
        if of_team + amount > self.0.all / PARTS {
            return Err(NoRoom::Team);
        }
        if taken.all + amount > self.0.all {
            return Err(NoRoom::All);
        }
        taken.all += amount;
        taken.by_team.insert(Arc::clone(team), of_team + amount);
        Ok(Share { of: Arc::clone(&self.0), team: Arc::clone(team), amount })
    }

    /// How much is taken.
    #[cfg(test)]
    pub(crate) fn taken(&self) -> usize {
        lock(&self.0.taken).all
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = lock(&self.of.taken);
        taken.all -= self.amount;
        if let Some(of_team) = taken.by_team.get_mut(&self.team) {
            *of_team -= self.amount;
            if *of_team == 0 {
                taken.by_team.remove(&self.team);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_team_takes_a_quarter_and_all_together_the_whole_and_both_are_given_back() {
        let shares = Shares::new(16);
        let teams: Vec<Arc<str>> = ["A", "B", "C", "D", "E"].map(Arc::from).to_vec();
        let mut held: Vec<_> = (0..4).map(|_| shares.take(&teams[0], 1).expect("a quarter")).collect();
        assert_eq!(shares.take(&teams[0], 1).err(), Some(NoRoom::Team));
        held.extend(teams[1..4].iter().map(|team| shares.take(team, 4).expect("a quarter, too")));
        assert_eq!(shares.take(&teams[4], 1).err(), Some(NoRoom::All));
        held.remove(0);
        assert_eq!(shares.taken(), 15);
        held.push(shares.take(&teams[4], 1).expect("it was given back"));
        held.clear();
        assert_eq!((shares.taken(), lock(&shares.0.taken).by_team.len()), (0, 0));
    }
}
