//! How often somebody may make something here: a bucket that fills again with time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Addresses that are remembered; beyond that those whose buckets are full again are forgotten.
const MOST_ADDRESSES: usize = 10_000;

/// How many at once, and how long until there is one more.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Tries that are there at the beginning, and at most.
    pub at_once: f64,
    /// One comes back after this time.
    pub one_every: Duration,
}

/// Buckets by address. IPv6 addresses count by their network, which is one household's or school's.
pub struct Rates {
    rate: Rate,
    buckets: Mutex<HashMap<IpAddr, (f64, Instant)>>,
}

impl Rates {
    /// Full buckets for everybody.
    pub fn new(rate: Rate) -> Rates {
        Rates { rate, buckets: Mutex::default() }
    }

    /// Takes one out of the bucket of an address.
    ///
    /// # Errors
    /// How long to wait where it is empty.
    pub fn take(&self, from: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let every_s = self.rate.one_every.as_secs_f64();
        let filled = |(held, at): (f64, Instant)| {
            let more = now.saturating_duration_since(at).as_secs_f64() / every_s;
            (held + more).min(self.rate.at_once)
        };
        if buckets.len() >= MOST_ADDRESSES {
            buckets.retain(|_, bucket| filled(*bucket) < self.rate.at_once);
        }
        let bucket = buckets.entry(network(from)).or_insert((self.rate.at_once, now));
        let held = filled(*bucket);
        if held < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - held) * every_s));
        }
        *bucket = (held - 1.0, now);
        Ok(())
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let mut parts = v6.segments();
            parts[4..].fill(0);
            IpAddr::from(parts)
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_too_often_waits_and_nobody_else_does() {
        let rates = Rates::new(Rate { at_once: 2.0, one_every: Duration::from_secs(10) });
        let (start, one): (_, IpAddr) = (Instant::now(), "192.0.2.1".parse().expect("an address"));
        let at = |s| start + Duration::from_secs(s);
        assert!(rates.take(one, start).is_ok() && rates.take(one, start).is_ok());
        let wait = rates.take(one, at(4)).expect_err("empty");
        assert!((wait.as_secs_f64() - 6.0).abs() < 1e-6, "{wait:?}");
        assert!(rates.take(one, at(10)).is_ok());
        assert!(rates.take("192.0.2.2".parse().expect("an address"), at(10)).is_ok());
        let mapped = "::ffff:192.0.2.1".parse().expect("an address");
        assert!(rates.take(mapped, at(10)).is_err(), "the same machine");
        let (a, b) = ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9");
        for address in [a, b] {
            assert!(rates.take(address.parse().expect("an address"), at(10)).is_ok());
        }
        assert!(rates.take(a.parse().expect("an address"), at(10)).is_err(), "one network");
    }
}
