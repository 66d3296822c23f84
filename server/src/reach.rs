//! How other devices reach this server, and whether one has.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use spyhop_api::room::{Obstacle, Reach};

/// Devices that are told apart; beyond that they are only known to be many.
const MOST_DEVICES: usize = 1000;
/// Nobody walks up to a tablet and types an address faster: before, nothing is wrong.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// What machines call networks that no tablet is in: containers, virtual machines, tunnels.
const VIRTUAL: [&str; 9] =
    ["docker", "veth", "br-", "virbr", "vmnet", "vethernet", "tun", "utun", "tailscale"];

/// What is known of it.
pub struct Reachability {
    listen: SocketAddr,
    scheme: &'static str,
    started: Instant,
    own: Mutex<Vec<IpAddr>>,
    devices: Mutex<HashSet<IpAddr>>,
}

impl Reachability {
    /// Of a server that listens at an address. `is_secure` says whether it speaks https.
    pub fn new(listen: SocketAddr, is_secure: bool) -> Reachability {
        Reachability {
            listen,
            scheme: if is_secure { "https" } else { "http" },
            started: Instant::now(),
            own: Mutex::new(own_addresses()),
            devices: Mutex::default(),
        }
    }

    /// Somebody has sent a request.
    pub fn note(&self, from: IpAddr) {
        // Each request comes by here.
        let is_own = || self.own.lock().unwrap_or_else(PoisonError::into_inner).contains(&from);
        if from.is_loopback() || self.listen.ip() == from || is_own() {
            return;
        }
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        if devices.len() < MOST_DEVICES {
            devices.insert(from);
        }
    }

    /// What is told of it now.
    pub fn told(&self) -> Reach {
        // A machine may join a network while it serves.
        *self.own.lock().unwrap_or_else(PoisonError::into_inner) = own_addresses();
        self.told_of_own()
    }

    fn own(&self) -> Vec<IpAddr> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn told_of_own(&self) -> Reach {
        let devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner).len();
        let waited = self.started.elapsed();
        let addresses = self.addresses();
        Reach {
            was_reached: devices > 0,
            devices: u32::try_from(devices).unwrap_or(u32::MAX),
            waited_s: u32::try_from(waited.as_secs()).unwrap_or(u32::MAX),
            obstacles: if devices > 0 { Vec::new() } else { self.obstacles(&addresses, waited) },
            addresses,
        }
    }

    /// Addresses of the page for other devices, the likeliest first.
    pub fn addresses(&self) -> Vec<String> {
        let port = self.listen.port();
        let at = |ip: IpAddr| format!("{}://{}/", self.scheme, SocketAddr::new(ip, port));
        match self.listen.ip() {
            ip if ip.is_loopback() => Vec::new(),
            ip if ip.is_unspecified() => {
                // 0.0.0.0 takes IPv4 alone, [::] both.
                let takes = |own: &IpAddr| ip.is_ipv6() || own.is_ipv4();
                self.own().into_iter().filter(takes).map(at).collect()
            }
            ip => vec![at(ip)],
        }
    }

    fn obstacles(&self, addresses: &[String], waited: Duration) -> Vec<Obstacle> {
        if self.listen.ip().is_loopback() {
            vec![Obstacle::ListensHereOnly]
        } else if addresses.is_empty() {
            vec![Obstacle::NoNetwork]
        } else if waited < PATIENCE {
            Vec::new()
        } else {
            // Which of them it is can't be seen from here; the first is the commonest in schools.
            vec![Obstacle::ClientIsolation, Obstacle::Firewall, Obstacle::OtherNetwork]
        }
    }
}

/// What keeps others away, and what to do about it, as a sentence.
pub fn advice(obstacle: Obstacle) -> &'static str {
    match obstacle {
        Obstacle::ListensHereOnly => {
            "the server listens on this machine alone: start it with --listen 0.0.0.0:8080"
        }
        Obstacle::NoNetwork => "this machine is in no network: join the one of the class",
        Obstacle::Firewall => {
            "the firewall of this machine may keep them out: allow 'spyhop' to take connections"
        }
        Obstacle::ClientIsolation => {
            "the wireless network may keep its devices apart (guest networks and many schools' do): \
             take another one, or a phone's hotspot"
        }
        Obstacle::OtherNetwork => "the others may be in another network than this machine",
    }
}

/// This machine's addresses in networks, those that tablets are likely to be in first.
fn own_addresses() -> Vec<IpAddr> {
    let found = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!("this machine's addresses can't be listed: {error}");
        Vec::new()
    });
    let mut ranked: Vec<(u8, IpAddr)> =
        found.iter().filter_map(|one| Some((rank(&one.name, one.ip())?, one.ip()))).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, ip)| ip).collect()
}

/// How unlikely it is that tablets are in the network of an address; `None` where nobody else is.
fn rank(interface: &str, ip: IpAddr) -> Option<u8> {
    let name = interface.to_ascii_lowercase();
    let is_virtual = VIRTUAL.iter().any(|begin| name.starts_with(begin));
    let rank = match ip {
        IpAddr::V4(v4) if v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() => {
            return None;
        }
        // As routers of homes and schools give them out.
        IpAddr::V4(v4) if v4.octets().starts_with(&[192, 168]) => 0,
        IpAddr::V4(v4) if v4.is_private() => 1,
        IpAddr::V4(_) => 2,
        IpAddr::V6(v6) if v6.is_loopback() || v6.is_unicast_link_local() => return None,
        IpAddr::V6(_) => 3,
    };
    Some(if is_virtual { rank + 10 } else { rank })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(listen: &str, own: &[&str]) -> Reachability {
        let address = |text: &&str| text.parse().expect("an address");
        Reachability {
            own: Mutex::new(own.iter().map(address).collect()),
            ..Reachability::new(listen.parse().expect("an address"), false)
        }
    }

    #[test]
    fn the_address_that_tablets_are_likely_to_reach_comes_first() {
        let at = |name: &str, ip: &str| rank(name, ip.parse().expect("an address"));
        assert!(at("wlan0", "192.168.1.5") < at("eth0", "10.0.0.5"));
        assert!(at("eth0", "10.0.0.5") < at("docker0", "172.17.0.1"));
        assert!(at("docker0", "172.17.0.1") > at("eth0", "2001:db8::1"));
        for nowhere in ["127.0.0.1", "169.254.3.4", "fe80::1", "::1"] {
            assert_eq!(at("lo", nowhere), None, "{nowhere}");
        }
        let (v4, v6) = ("http://192.168.1.5:8080/", "http://[2001:db8::1]:8080/");
        let own = ["192.168.1.5", "2001:db8::1"];
        assert_eq!(of("[::]:8080", &own).addresses(), [v4, v6]);
        assert_eq!(of("0.0.0.0:8080", &own).addresses(), [v4], "it takes no others");
        assert_eq!(of("192.168.1.5:80", &[]).addresses(), ["http://192.168.1.5:80/"]);
    }

    #[test]
    fn only_another_device_says_that_one_can() {
        let reach = of("0.0.0.0:8080", &["192.168.1.5"]);
        for own in ["127.0.0.1", "::1", "192.168.1.5"] {
            reach.note(own.parse().expect("an address"));
        }
        assert_eq!((reach.told_of_own().was_reached, reach.told_of_own().devices), (false, 0));
        for other in ["192.168.1.9", "192.168.1.9", "192.168.1.10"] {
            reach.note(other.parse().expect("an address"));
        }
        assert_eq!((reach.told_of_own().was_reached, reach.told_of_own().devices), (true, 2));
    }

    #[test]
    fn what_keeps_others_away_is_told_as_soon_as_it_is_known() {
        let obstacles = |reach: &Reachability, waited_s| {
            reach.obstacles(&reach.addresses(), Duration::from_secs(waited_s))
        };
        assert_eq!(obstacles(&of("127.0.0.1:8080", &[]), 0), [Obstacle::ListensHereOnly]);
        assert_eq!(obstacles(&of("0.0.0.0:8080", &[]), 0), [Obstacle::NoNetwork]);
        let here = of("0.0.0.0:8080", &["192.168.1.5"]);
        assert!(obstacles(&here, 30).is_empty());
        assert_eq!(obstacles(&here, 61).first(), Some(&Obstacle::ClientIsolation));
    }
}
