//! How much of what is bounded each team may take: a quarter, and what nobody else needs: only the last quarter of the whole is kept
//! from whoever has its own, so that no team keeps all others out. What is bounded, and
//! how one is told that there is no room, is left to whoever asks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::notification::lock;

/// One team's part of the whole is the whole divided by this; as much is kept for teams that have less.
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
    /// The team has its part, and what is left is for others.
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
        let part = self.0.all / PARTS;
        if of_team + amount > part && taken.all + amount > self.0.all - part {
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
    fn a_team_alone_takes_all_but_a_quarter_and_others_still_have_theirs() {
        let shares = Shares::new(16);
        let teams: Vec<Arc<str>> = ["A", "B", "C"].map(Arc::from).to_vec();
        let mut held: Vec<_> = (0..12).map(|_| shares.take(&teams[0], 1).expect("there is room")).collect();
        assert_eq!(shares.take(&teams[0], 1).err(), Some(NoRoom::Team));
        held.push(shares.take(&teams[1], 3).expect("it has less than a quarter"));
        assert_eq!(shares.take(&teams[1], 2).err(), Some(NoRoom::Team));
        held.push(shares.take(&teams[1], 1).expect("a quarter"));
        assert_eq!(shares.take(&teams[2], 1).err(), Some(NoRoom::All));
        held.remove(0);
        assert_eq!(shares.taken(), 15);
        held.push(shares.take(&teams[2], 1).expect("it was given back"));
        held.clear();
        assert_eq!((shares.taken(), lock(&shares.0.taken).by_team.len()), (0, 0));
    }
}
