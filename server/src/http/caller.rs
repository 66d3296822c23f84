//! From which address a request comes.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::extract::Request;
use axum::http::HeaderMap;

/// Noted with each request that came over the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller(pub IpAddr);

/// The header in which web servers in front of this one say whom they speak for.
const FORWARDED_FOR: &str = "x-forwarded-for";

impl Caller {
    /// Who sends a request. Only a server that is told that a web server stands in front of it believes what
    /// that says, which is the last entry: those before it are whatever the sender made up.
    pub fn of(request: &Request, is_behind_proxy: bool) -> Option<Caller> {
        let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
        let said = is_behind_proxy.then(|| forwarded(request.headers())).flatten();
        Some(Caller(said.unwrap_or_else(|| peer.ip()).to_canonical()))
    }
}

fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all(FORWARDED_FOR).iter().next_back()?.to_str().ok()?;
    let entry = last.rsplit(',').next()?.trim();
    let address = || entry.parse::<IpAddr>().ok();
    address().or_else(|| Some(entry.parse::<SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn only_a_web_server_in_front_is_believed_and_only_its_own_entry() {
        let caller = |said: &[&str], is_behind_proxy| {
            let mut request = Request::builder();
            for value in said {
                request = request.header(FORWARDED_FOR, *value);
            }
            let mut request = request.body(Body::empty()).expect("a request");
            let peer: SocketAddr = "[::ffff:192.0.2.1]:4000".parse().expect("an address");
            request.extensions_mut().insert(ConnectInfo(peer));
            Caller::of(&request, is_behind_proxy).expect("a peer").0.to_string()
        };
        assert_eq!(caller(&["198.51.100.7"], false), "192.0.2.1");
        assert_eq!(caller(&["10.0.0.1, 198.51.100.7"], true), "198.51.100.7");
        assert_eq!(caller(&["10.0.0.1", "2001:db8::7"], true), "2001:db8::7");
        assert_eq!(caller(&["198.51.100.7:5000"], true), "198.51.100.7");
        assert_eq!(caller(&["nobody"], true), "192.0.2.1");
        assert_eq!(caller(&[], true), "192.0.2.1");
    }
}
