//! How often somebody may fail to sign in: ten times a minute from one address. Codes can't be guessed anyway; this keeps
//! who tries from being busy with it, and from keeping others out.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

const PER_MINUTE: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);

/// Addresses remembered at once; one more forgets the one whose minute began first.
const MOST_ADDRESSES: usize = 1024;

/// Who has failed lately: how often, since when.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    failed: HashMap<IpAddr, (u32, Instant)>,
}

impl Attempts {
    /// How many seconds `from` has to wait, if it has failed too often.
    pub(crate) fn wait(&self, from: IpAddr, now: Instant) -> Option<u32> {
        let (times, since) = self.failed.get(&neighbourhood(from))?;
        let left = MINUTE.checked_sub(now.saturating_duration_since(*since))?;
        let seconds = u32::try_from(left.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
        (*times >= PER_MINUTE && seconds > 0).then_some(seconds)
    }

    pub(crate) fn failed(&mut self, from: IpAddr, now: Instant) {
        self.failed.retain(|_, (_, since)| now.saturating_duration_since(*since) < MINUTE);
        let from = neighbourhood(from);
        if self.failed.len() == MOST_ADDRESSES && !self.failed.contains_key(&from) {
            let first = self.failed.iter().min_by_key(|(_, (_, since))| *since);
            let first = first.map(|(address, _)| *address);
            first.map(|first| self.failed.remove(&first));
        }
        let (times, _) = self.failed.entry(from).or_insert((0, now));
        *times = times.saturating_add(1);
    }
}

/// Who holds one IPv6 address mostly holds the 2^64 around it.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("it is an address")
    }

    #[test]
    fn who_failed_ten_times_waits_for_the_minute_to_end() {
        let (mut attempts, start) = (Attempts::default(), Instant::now());
        for _ in 0..10 {
            assert_eq!(attempts.wait(address("::ffff:192.0.2.1"), start), None);
            attempts.failed(address("192.0.2.1"), start);
        }
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(attempts.wait(address("192.0.2.1"), at(1)), Some(59));
        assert_eq!(attempts.wait(address("192.0.2.2"), at(1)), None);
        assert_eq!(attempts.wait(address("192.0.2.1"), at(60)), None);
        attempts.failed(address("192.0.2.1"), at(60));
        assert_eq!(attempts.wait(address("192.0.2.1"), at(61)), None);
    }

    #[test]
    fn neighbours_in_ipv6_are_one() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        for last in 0..10 {
            attempts.failed(address(&format!("2001:db8::{last}")), now);
        }
        assert_eq!(attempts.wait(address("2001:db8::ffff:1"), now), Some(60));
        assert_eq!(attempts.wait(address("2001:db8:0:1::1"), now), None);
    }

    #[test]
    fn only_so_many_addresses_are_remembered() {
        let (mut attempts, start) = (Attempts::default(), Instant::now());
        for last in 0..2000_u32 {
            let from = IpAddr::V4(std::net::Ipv4Addr::from_bits(last));
            attempts.failed(from, start + Duration::from_millis(last.into()));
        }
        assert_eq!(attempts.failed.len(), MOST_ADDRESSES);
    }
}
