//! Addresses: our own, and Stripe's or that of what stands in for it. Both are origins (scheme, host, port)
//! and nothing more, and both end up in headers, so they are checked to the letter.

use std::fmt;
use std::net::IpAddr;

use axum::http::Uri;
use domain::Mode;

use super::variables::{Given, Variables};
use super::{KeySet, Problem};

const STRIPE_API: &str = "https://api.stripe.com";
const STRIPE_CONNECT: &str = "https://connect.stripe.com";
const STRIPE_JS: &str = "https://js.stripe.com";
/// The release of Stripe.js that belongs to the API version we speak.
const STRIPE_JS_PATH: &str = "/endive/stripe.js";

/// A scheme, a host and a port, in the form in which browsers compare origins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    text: String,
    https: bool,
    loopback: bool,
}

impl Origin {
    /// Reads `https://pay.example.com` or `http://127.0.0.1:8080`; one slash at the end is passed over.
    /// `None` for a path, a query, a user, another scheme, or a host that is no plain name or address.
    pub fn parse(text: &str) -> Option<Origin> {
        let text = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
        let rest = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))?;
        if rest.contains(['/', '?', '#', '@']) {
            return None;
        }
        let uri: Uri = text.parse().ok()?;
        let host = uri.host().filter(|host| is_host(host))?;
        let https = text.starts_with("https:");
        let port = match uri.port_u16() {
            // A port that is no number is not an absent one.
            None if rest != host => return None,
            None => None,
            Some(0) => return None,
            Some(443) if https => None,
            Some(80) if !https => None,
            Some(port) => Some(port),
        };
        let scheme = if https { "https" } else { "http" };
        let text = match port {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        };
        Some(Origin {
            text,
            https,
            loopback: is_loopback(host),
        })
    }

    /// `https://pay.example.com`, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether only this machine reaches it.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Whether it is reached over TLS.
    pub fn is_https(&self) -> bool {
        self.https
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The origin under which payers and Stripe reach us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(Origin);

impl PublicUrl {
    /// `https://pay.example.com`: a path is appended to it as it is.
    pub fn origin(&self) -> &str {
        self.0.as_str()
    }

    /// Whether only this machine reaches it.
    pub fn is_loopback(&self) -> bool {
        self.0.is_loopback()
    }

    /// Whether it is reached over TLS.
    pub fn is_https(&self) -> bool {
        self.0.is_https()
    }

    /// The host, where wallets may be shown on its pages: a public name, no IP address and not this machine.
    pub fn wallet_domain(&self) -> Option<&str> {
        let (_, rest) = self.origin().split_once("://")?;
        let host = rest.split(':').next()?;
        let named =
            host.contains('.') && host.parse::<std::net::Ipv4Addr>().is_err() && !host.starts_with('[');
        let local = self.is_loopback() || host.ends_with(".localhost") || host.ends_with(".local");
        (self.is_https() && named && !local).then_some(host)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where the Stripe API and Stripe.js are: at Stripe, or both at one other origin such as the simulator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiBase {
    /// The real one.
    Stripe,
    /// One origin for the API, Connect and Stripe.js.
    Other(Origin),
}

impl ApiBase {
    /// Where the API is called.
    pub fn api_origin(&self) -> &str {
        match self {
            ApiBase::Stripe => STRIPE_API,
            ApiBase::Other(origin) => origin.as_str(),
        }
    }

    /// Where Stripe.js is loaded from.
    pub fn js_origin(&self) -> &str {
        match self {
            ApiBase::Stripe => STRIPE_JS,
            ApiBase::Other(origin) => origin.as_str(),
        }
    }

    /// Where Stripe's own pages about accounts are: onboarding and OAuth.
    pub fn connect_origin(&self) -> &str {
        match self {
            ApiBase::Stripe => STRIPE_CONNECT,
            ApiBase::Other(origin) => origin.as_str(),
        }
    }

    /// Whether an address is one of Stripe's pages about accounts: nowhere else is a browser sent.
    pub fn is_connect_page(&self, url: &str) -> bool {
        url.strip_prefix(self.connect_origin())
            .is_some_and(|rest| rest.starts_with('/') && rest.bytes().all(|byte| byte.is_ascii_graphic()))
    }

    /// The address of Stripe.js. Stripe wants it loaded from its own host, never from a copy.
    pub fn script_url(&self) -> String {
        format!("{}{STRIPE_JS_PATH}", self.js_origin())
    }

    /// Hosts for the policy's `script-src` on pages that load Stripe.js.
    pub fn script_hosts(&self) -> &str {
        match self {
            ApiBase::Stripe => "https://js.stripe.com https://*.js.stripe.com",
            ApiBase::Other(origin) => origin.as_str(),
        }
    }

    /// Hosts for `frame-src`: the card fields, and 3D Secure on Stripe's hooks host.
    pub fn frame_hosts(&self) -> &str {
        match self {
            ApiBase::Stripe => "https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com",
            ApiBase::Other(origin) => origin.as_str(),
        }
    }

    /// Hosts for `connect-src`, besides our own.
    pub fn connect_hosts(&self) -> &str {
        self.api_origin()
    }
}

/// `STRIPE_API_BASE`. Live keys are sent to nobody but Stripe, whatever `STRIPE_MODE` is: rows of live mode
/// are finished with live keys also while new work is test.
pub fn api_base(variables: &mut Variables<'_>, live: Option<&KeySet>) -> Option<ApiBase> {
    const NAME: &str = "STRIPE_API_BASE";
    let text = match variables.word(NAME) {
        Given::Absent => return Some(ApiBase::Stripe),
        Given::Wrong => return None,
        Given::Value(text) => text,
    };
    let safe = |origin: &Origin| origin.is_https() || origin.is_loopback();
    let Some(origin) = Origin::parse(&text).filter(safe) else {
        let expected = "an origin without a path: https://HOST, or http://127.0.0.1:PORT";
        return variables.refuse(NAME, Problem::Malformed { expected });
    };
    if origin.as_str() == STRIPE_API {
        return Some(ApiBase::Stripe);
    }
    if live.is_some_and(|keys| !(keys.is_live_demo() && origin.is_loopback())) {
        return variables.refuse(NAME, Problem::NotWithLiveKeys);
    }
    Some(ApiBase::Other(origin))
}

/// `PUBLIC_URL`. Live mode over plain http is for trying out only: this machine, the simulator's keys.
pub fn public_url(
    variables: &mut Variables<'_>,
    mode: Option<Mode>,
    live: Option<&KeySet>,
) -> Option<PublicUrl> {
    const NAME: &str = "PUBLIC_URL";
    let text = match variables.word(NAME) {
        Given::Absent => "http://127.0.0.1:8080".to_owned(),
        Given::Wrong => return None,
        Given::Value(text) => text,
    };
    let Some(origin) = Origin::parse(&text) else {
        let expected = "an origin without a path, such as https://pay.example.com";
        return variables.refuse(NAME, Problem::Malformed { expected });
    };
    let tried_out = origin.is_loopback() && live.is_none_or(KeySet::is_live_demo);
    if mode == Some(Mode::Live) && !origin.is_https() && !tried_out {
        return variables.refuse(NAME, Problem::NeedsHttps);
    }
    Some(PublicUrl(origin))
}

/// Letters, digits, dots and hyphens, or an IPv6 address in brackets: nothing that means something in a
/// header.
fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let label = |label: &str| {
                !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            };
            host.len() <= 253 && host.split('.').all(label)
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
