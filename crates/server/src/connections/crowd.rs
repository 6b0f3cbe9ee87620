//! Who is connected, and who gives way when there are too many. A connection on which nothing is being
//! answered gives way to a new one, the longest idle first, so that clients who hold connections keep out
//! nobody.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::Bounds;
use super::pace::Pace;
use crate::config::TrustedProxies;

/// How often another one is asked to give way while there is no room: one that was asked may have begun to
/// serve a request.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// All connections of a server.
pub struct Crowd {
    bounds: Bounds,
    proxies: TrustedProxies,
    members: Mutex<Members>,
    left: Notify,
}

#[derive(Default)]
struct Members {
    next: u64,
    paces: HashMap<u64, (Option<IpAddr>, Arc<Pace>)>,
    per_address: HashMap<IpAddr, usize>,
}

/// The place of one connection, free again when it is dropped.
pub struct Place {
    crowd: Arc<Crowd>,
    number: u64,
    /// The connection's pace.
    pub pace: Arc<Pace>,
}

impl Crowd {
    /// Nobody is connected yet.
    pub fn new(bounds: Bounds, proxies: TrustedProxies) -> Arc<Crowd> {
        Arc::new(Crowd {
            bounds,
            proxies,
            members: Mutex::default(),
            left: Notify::new(),
        })
    }

    /// Waits until one more may connect.
    pub async fn room(&self) {
        let mut told = false;
        while self.members().paces.len() >= self.bounds.connections_max {
            if !told {
                tracing::warn!(
                    connections = self.bounds.connections_max,
                    "all connections are in use"
                );
                told = true;
            }
            self.ask_one(None);
            // Whether one left or the time is over, the count is what tells.
            let _ = tokio::time::timeout(ASK_EVERY, self.left.notified()).await;
        }
    }

    /// Asks the longest idle of all, or of one address, to give way. False when all are busy.
    pub fn ask_one(&self, of: Option<IpAddr>) -> bool {
        let members = self.members();
        let idlest = members
            .paces
            .values()
            .filter(|(address, _)| of.is_none() || *address == of)
            .filter_map(|(_, pace)| Some((pace.idle_since()?, pace)))
            .min_by_key(|(since, _)| *since);
        let Some((_, pace)) = idlest else {
            return false;
        };
        pace.ask_to_give_way();
        true
    }

    /// A place for a new connection. `None` when its address has as many as it may, all of them busy. Trusted
    /// proxies speak for many, so theirs are not counted.
    pub fn admit(self: &Arc<Crowd>, peer: IpAddr) -> Option<Place> {
        let address = (!self.proxies.contains(peer)).then(|| one_client(peer));
        if let Some(address) = address {
            let full = self.members().per_address.get(&address).copied().unwrap_or(0)
                >= self.bounds.connections_per_address_max;
            if full && !self.ask_one(Some(address)) {
                return None;
            }
        }
        let pace = Pace::new(self.bounds);
        let mut members = self.members();
        let number = members.next;
        members.next += 1;
        members.paces.insert(number, (address, pace.clone()));
        if let Some(address) = address {
            *members.per_address.entry(address).or_default() += 1;
        }
        drop(members);
        Some(Place {
            crowd: self.clone(),
            number,
            pace,
        })
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut members = self.crowd.members();
        let address = members
            .paces
            .remove(&self.number)
            .and_then(|(address, _)| address);
        if let Some(address) = address
            && let Some(count) = members.per_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                members.per_address.remove(&address);
            }
        }
        drop(members);
        self.crowd.left.notify_one();
    }
}

/// What one client has: an IPv4 address, or the 64 bits of IPv6 within which it chooses freely.
fn one_client(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}
