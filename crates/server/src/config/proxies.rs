//! `TRUSTED_PROXIES`: who may say on whose behalf a request comes. Nobody, unless the operator names them.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Problem;
use super::variables::{Given, Variables};

/// The addresses and networks of the proxies before this server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Reads addresses and networks separated by commas. `None` for anything else, for a network with bits
    /// behind its prefix, and for one that holds every address: then each caller could name its own.
    pub fn parse(text: &str) -> Option<TrustedProxies> {
        text.split(',')
            .map(network)
            .collect::<Option<_>>()
            .map(TrustedProxies)
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a connection from this address may be believed about whom it speaks for.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

fn network(text: &str) -> Option<IpNet> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical().into());
    }
    let network: IpNet = text.parse().ok()?;
    // Mapped addresses are compared as the IPv4 addresses that they are, so a mapped network holds nobody.
    let mapped = matches!(network, IpNet::V6(v6) if v6.addr().to_ipv4_mapped().is_some());
    (network.prefix_len() > 0 && network.trunc() == network && !mapped).then_some(network)
}

/// Without the variable nobody is trusted: the other end of the connection is the client.
pub fn read(variables: &mut Variables<'_>) -> Option<TrustedProxies> {
    const NAME: &str = "TRUSTED_PROXIES";
    match variables.word(NAME) {
        Given::Absent => Some(TrustedProxies::default()),
        Given::Wrong => None,
        Given::Value(text) => TrustedProxies::parse(&text).or_else(|| {
            let expected = "IP addresses and networks of your proxies, separated by commas, such as \
                            10.0.0.5,192.168.0.0/16,fd00::/8; a network has zeros behind its prefix and \
                            is not the one of all addresses";
            variables.refuse(NAME, Problem::Malformed { expected })
        }),
    }
}
