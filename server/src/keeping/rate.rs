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

/// Buckets by address, one a rate. IPv6 addresses count by their network, which is one household's or
/// school's.
pub struct Rates {
    rates: Vec<Rate>,
    buckets: Mutex<HashMap<IpAddr, Buckets>>,
}

/// What is left in the buckets of an address, and since when.
type Buckets = Vec<(f64, Instant)>;

impl Rates {
    /// Full buckets for everybody.
    pub fn new(rate: Rate) -> Rates {
        Rates { rates: vec![rate], buckets: Mutex::default() }
    }

    /// The same with another rate, which has to have one left, too.
    pub fn and(mut self, rate: Rate) -> Rates {
        self.rates.push(rate);
        self
    }

    /// How long an address has to wait for its next; nothing is taken.
    pub fn wait(&self, from: IpAddr, now: Instant) -> Option<Duration> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.get(&network(from)).and_then(|held| self.wait_of(held, now))
    }

    fn wait_of(&self, held: &Buckets, now: Instant) -> Option<Duration> {
        let waits = held.iter().zip(&self.rates).map(|(bucket, rate)| {
            let missing = (1.0 - rate.held(*bucket, now)).max(0.0);
            Duration::from_secs_f64(missing * rate.one_every.as_secs_f64())
        });
        waits.max().filter(|wait| !wait.is_zero())
    }

    /// Takes one out of each bucket of an address.
    ///
    /// # Errors
    /// How long to wait where one is empty; nothing is taken then.
    pub fn take(&self, from: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |held: &Buckets| {
            held.iter().zip(&self.rates).all(|(b, r)| r.held(*b, now) >= r.at_once)
        };
        if buckets.len() >= MOST_ADDRESSES {
            buckets.retain(|_, held| !is_full(held));
        }
        let full = || self.rates.iter().map(|rate| (rate.at_once, now)).collect();
        let held = buckets.entry(network(from)).or_insert_with(full);
        for (bucket, rate) in held.iter_mut().zip(&self.rates) {
            *bucket = (rate.held(*bucket, now), now);
        }
        match self.wait_of(held, now) {
            Some(wait) => Err(wait),
            None => {
                held.iter_mut().for_each(|(held, _)| *held -= 1.0);
                Ok(())
            }
        }
    }
}

impl Rate {
    /// What is in a bucket by now.
    fn held(&self, (held, at): (f64, Instant), now: Instant) -> f64 {
        let more = now.saturating_duration_since(at).as_secs_f64() / self.one_every.as_secs_f64();
        (held + more).min(self.at_once)
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

    #[test]
    fn what_a_minute_allows_a_day_may_not() {
        let minute = Rate { at_once: 2.0, one_every: Duration::from_secs(10) };
        let day = Rate { at_once: 5.0, one_every: Duration::from_secs(10_000) };
        let rates = Rates::new(minute).and(day);
        let (start, one): (_, IpAddr) = (Instant::now(), "192.0.2.1".parse().expect("an address"));
        let at = |s| start + Duration::from_secs(s);
        let made = (0..100).filter(|n| rates.take(one, at(n * 10)).is_ok()).count();
        assert_eq!(made, 5);
        let wait = rates.take(one, at(1000)).expect_err("empty").as_secs_f64();
        assert!((8000.0..=10_000.0).contains(&wait), "{wait}");
        assert_eq!(rates.wait(one, at(1000)).map(|w| w.as_secs_f64()), Some(wait));
        let other = "192.0.2.2".parse().expect("an address");
        assert_eq!(rates.wait(other, at(1000)), None);
    }
}
