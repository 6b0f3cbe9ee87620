//! Who gives a command, and from where: what the audit log says of everything that is done.

use std::net::{IpAddr, Ipv6Addr};

use domain::{ApiKeyId, LinkId, PlatformKeyId, UserId};

/// Who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The holder of a tenant's API key.
    TenantKey(ApiKeyId),
    /// The operator, by a platform key.
    PlatformKey(PlatformKeyId),
    /// Somebody who logged in.
    Person(UserId),
    /// A payer, by the link that was opened.
    Payer(LinkId),
    /// Stripe, by a verified event.
    Stripe,
    /// The worker, by itself.
    Worker,
    /// Whoever may run this program on the server: the command line and the demo.
    CommandLine,
    /// Nobody that we know: no valid key or link was shown, or it has not been looked at yet.
    Unknown,
}

impl Actor {
    /// The kind of actor, as the audit log spells it.
    pub fn word(&self) -> &'static str {
        match self {
            Actor::TenantKey(_) => "api_key",
            Actor::PlatformKey(_) => "platform_key",
            Actor::Person(_) => "person",
            Actor::Payer(_) => "payer",
            Actor::Stripe => "stripe",
            Actor::Worker => "worker",
            Actor::CommandLine => "command_line",
            Actor::Unknown => "unknown",
        }
    }

    /// Which one of its kind.
    pub fn id(&self) -> Option<&str> {
        match self {
            Actor::TenantKey(id) => Some(id.as_str()),
            Actor::PlatformKey(id) => Some(id.as_str()),
            Actor::Person(id) => Some(id.as_str()),
            Actor::Payer(id) => Some(id.as_str()),
            Actor::Stripe | Actor::Worker | Actor::CommandLine | Actor::Unknown => None,
        }
    }
}

/// Stands for a client of which its proxy says nothing that can be read. It is an address that nobody has
/// (the first of the discard prefix `100::/64`), so that all such clients are limited together, as one.
pub const NOT_NAMED: IpAddr = IpAddr::V6(Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0));

/// Who, from where, by which request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// Who it is.
    pub actor: Actor,
    /// The client's address, where it came over HTTP; [`NOT_NAMED`] where its proxy does not say.
    pub address: Option<IpAddr>,
    /// The id of the request, as its answer carries it.
    pub request_id: Option<String>,
}

impl By {
    /// Somebody who sent no request.
    pub const fn new(actor: Actor) -> By {
        By {
            actor,
            address: None,
            request_id: None,
        }
    }

    /// The same request, now that it is known who sends it.
    pub fn known_as(&self, actor: Actor) -> By {
        By {
            actor,
            address: self.address,
            request_id: self.request_id.clone(),
        }
    }
}
