//! Whose request it is, as far as an address tells: the other end of the connection, or whom a proxy named in
//! `TRUSTED_PROXIES` speaks for. No header counts but `X-Forwarded-For`, and it only from such a proxy.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use flows::{Failure, NOT_NAMED};

use crate::config::TrustedProxies;
use crate::problem::Problem;
use crate::router::Site;

/// What proxies append the address to that they were called from.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address; an IPv4 address that is mapped into IPv6 is folded back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<Site> for ClientAddress {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<ClientAddress, Problem> {
        let Some(ConnectInfo(peer)) = parts.extensions.get::<ConnectInfo<SocketAddr>>() else {
            let bug = "the request does not say which connection it came over";
            return Err(Failure::Bug(bug.to_owned()).into());
        };
        Ok(client_address(
            peer.ip(),
            &parts.headers,
            &site.config.trusted_proxies,
        ))
    }
}

/// From the right of `X-Forwarded-For`, where the nearest proxy writes, to the first address that no trusted
/// proxy has: what stands to the left of it was written by nobody whom we know.
///
/// An entry that is no address, an empty one too, is all that a trusted proxy says of whom it was called
/// from. That is a client whom nobody has named: not the proxy, which may stand in a private network and then
/// has no limits at all; and not what stands further to the left, which the client may have written itself, a
/// new address each time. All of them count as one, [`NOT_NAMED`]. Without any entry, or when all of them are
/// proxies, the request is the last one's own.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, proxies: &TrustedProxies) -> ClientAddress {
    let mut client = peer.to_canonical();
    let mut entries = headers
        .get_all(FORWARDED_FOR)
        .into_iter()
        .rev()
        .flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
    while proxies.contains(client) {
        let Some(entry) = entries.next() else { break };
        client = address_in(entry).unwrap_or(NOT_NAMED);
    }
    ClientAddress(client)
}

/// `203.0.113.7`, `2001:db8::7`, and the same with a port, which some proxies add.
fn address_in(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim_matches([' ', '\t']);
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    let address = bare
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const PROXIES: &str = "10.0.0.0/8,192.0.2.9,fd00::/8";

    /// A request from `peer` with these `X-Forwarded-For` headers comes from `expected`.
    fn check(peer: &str, forwarded: &[&str], expected: &str) {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        // What others read addresses from, and we do not.
        for name in [
            "forwarded",
            "x-real-ip",
            "cf-connecting-ip",
            "true-client-ip",
            "x-client-ip",
        ] {
            headers.insert(name, HeaderValue::from_static("198.51.100.66"));
        }
        let proxies = TrustedProxies::parse(PROXIES).unwrap();
        let found = client_address(peer.parse().unwrap(), &headers, &proxies);
        assert_eq!(found.0.to_string(), expected, "{peer} {forwarded:?}");
    }

    #[test]
    fn without_a_trusted_proxy_no_header_counts() {
        check("203.0.113.7", &[], "203.0.113.7");
        check("203.0.113.7", &["198.51.100.1"], "203.0.113.7");
        check("203.0.113.7", &["10.0.0.1, 10.0.0.2"], "203.0.113.7");
        check("192.0.2.8", &["198.51.100.1"], "192.0.2.8");
        check("2001:db8::7", &["198.51.100.1"], "2001:db8::7");
        let nobody = TrustedProxies::default();
        let headers = HeaderMap::from_iter([(
            axum::http::HeaderName::from_static(FORWARDED_FOR),
            HeaderValue::from_static("198.51.100.1"),
        )]);
        let loopback = IpAddr::from([127, 0, 0, 1]);
        assert_eq!(client_address(loopback, &headers, &nobody).0, loopback);
    }

    #[test]
    fn behind_trusted_proxies_the_last_entry_that_none_of_them_has_counts() {
        check("10.0.0.5", &["203.0.113.7"], "203.0.113.7");
        check("192.0.2.9", &["203.0.113.7"], "203.0.113.7");
        check("fd00::5", &["2001:db8::7"], "2001:db8::7");
        check("10.0.0.5", &["203.0.113.7, 10.0.0.4 ,\t192.0.2.9"], "203.0.113.7");
        check("10.0.0.5", &["203.0.113.7", "10.0.0.4"], "203.0.113.7");
        check("10.0.0.5", &["203.0.113.7:41312"], "203.0.113.7");
        check("10.0.0.5", &["[2001:db8::7]:41312"], "2001:db8::7");
        check("10.0.0.5", &["[2001:db8::7]"], "2001:db8::7");
        check("10.0.0.5", &[], "10.0.0.5");
        check("10.0.0.5", &["10.0.0.3, 10.0.0.4"], "10.0.0.3");
    }

    #[test]
    fn what_the_client_wrote_itself_is_passed_over() {
        check("10.0.0.5", &["198.51.100.1, 203.0.113.7"], "203.0.113.7");
        check(
            "10.0.0.5",
            &["198.51.100.1", "203.0.113.7, 10.0.0.4"],
            "203.0.113.7",
        );
        check("10.0.0.5", &["10.0.0.1, 203.0.113.7"], "203.0.113.7");
    }

    #[test]
    fn who_is_not_named_by_the_last_proxy_is_nobody_and_not_the_proxy() {
        for nonsense in [
            "unknown",
            "",
            " ",
            "203.0.113",
            "203.0.113.7/24",
            "_hidden",
            "203.0.113.7 198.51.100.1",
            "fe80::1%eth0",
            "\u{e9}",
            "2130706433",
            "0x7f000001",
            "203.0.113.07",
        ] {
            check("10.0.0.5", &[nonsense], "100::");
            check("10.0.0.5", &[&format!("203.0.113.7,{nonsense}")], "100::");
            check("10.0.0.5", &["203.0.113.7", nonsense], "100::");
            check(
                "10.0.0.5",
                &[&format!("203.0.113.7, {nonsense}, 10.0.0.4")],
                "100::",
            );
            check("203.0.113.9", &[nonsense], "203.0.113.9");
            check("10.0.0.5", &[&format!("{nonsense}, 203.0.113.7")], "203.0.113.7");
        }
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_address_that_it_is() {
        check("::ffff:203.0.113.7", &[], "203.0.113.7");
        check("::ffff:10.0.0.5", &["::ffff:203.0.113.7"], "203.0.113.7");
        check(
            "::ffff:10.0.0.5",
            &["203.0.113.7, ::ffff:10.0.0.4"],
            "203.0.113.7",
        );
    }
}
