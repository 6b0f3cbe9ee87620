//! Who came to the door: refused keys and first uses of keys, noted in the audit log so seldom that a flood
//! of them cannot fill the disk. What is left out is counted.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::seal::Day;
use domain::{Scope, Timestamp};
use flows::audit::{self, Entry};
use flows::{Actor, App, By, api_keys, people};

/// How long the same refusal to the same address is one row.
const WINDOW_MS: i64 = 60_000;
/// Different refusals that are noted one by one in a window; the others are one row together. With two rows
/// for each, the worst flood adds some 60,000 rows a day, which is about 20 MB.
const ROWS_PER_WINDOW: usize = 20;
/// Uses that are remembered, so that the same key and address are not noted twice on one day. Beyond, it
/// starts anew, and some are noted again.
const USES_MAX: usize = 10_000;

/// Why somebody was refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Refused {
    /// The key that was shown, where there is such a row: its id, never the key. Or the person.
    key: Option<String>,
    /// The code that was answered, such as `unauthorized` or `key_revoked`.
    reason: &'static str,
}

/// The memory of one instance.
#[derive(Default)]
pub struct Door(Mutex<State>);

#[derive(Default)]
struct State {
    window: i64,
    counts: HashMap<Seen, Count>,
    others: u64,
    day: Option<Day>,
    uses: HashSet<(String, Option<IpAddr>)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Seen {
    address: Option<IpAddr>,
    refused: Refused,
}

struct Count {
    scope: Option<Scope>,
    by: By,
    repeated: u64,
}

/// A row to be written.
struct Row {
    scope: Option<Scope>,
    by: By,
    action: &'static str,
    subject: String,
    after: Option<serde_json::Value>,
}

impl Door {
    /// Somebody was refused with this secret: the first time in a minute it is noted, then counted.
    pub async fn refused(&self, app: &App, by: &By, secret: &str, reason: &'static str) {
        let found = api_keys::of_secret(app, secret).await.unwrap_or_else(|failure| {
            tracing::error!(%failure, "the key that was refused could not be looked up");
            None
        });
        let by = found
            .as_ref()
            .map_or(by.clone(), |key| by.known_as(Actor::TenantKey(key.id.clone())));
        let scope = found.as_ref().map(|key| &key.scope);
        let key = found.as_ref().map(|key| key.id.to_string());
        let rows = self
            .state()
            .refused(app.clock.now(), scope, &by, Refused { key, reason });
        write(app, rows).await;
    }

    /// Somebody who is logged in was refused what their role may not do.
    pub async fn person_refused(&self, app: &App, by: &By, seen: &people::Seen, reason: &'static str) {
        let scope = seen.tenant.as_ref().map(|tenant| Scope {
            tenant: tenant.id.clone(),
            mode: app.active_mode,
        });
        let key = Some(seen.user.id.to_string());
        let refused = Refused { key, reason };
        let rows = self
            .state()
            .refused(app.clock.now(), scope.as_ref(), &seen.by(by), refused);
        write(app, rows).await;
    }

    /// A key was used, of a tenant or without a scope the operator's: noted once a day for each address.
    pub async fn used(&self, app: &App, scope: Option<&Scope>, by: &By) {
        let row = self.state().used(app.clock.now(), scope, by);
        write(app, row.into_iter().collect()).await;
    }

    /// Notes what was counted in a minute that is over.
    pub async fn sweep(&self, app: &App) {
        let rows = self.state().turn(app.clock.now());
        write(app, rows).await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn refused(&mut self, now: Timestamp, scope: Option<&Scope>, by: &By, refused: Refused) -> Vec<Row> {
        let mut rows = self.turn(now);
        let seen = Seen {
            address: by.address.map(neighbourhood),
            refused: refused.clone(),
        };
        if let Some(count) = self.counts.get_mut(&seen) {
            count.repeated = count.repeated.saturating_add(1);
        } else if self.counts.len() < ROWS_PER_WINDOW {
            let after = serde_json::json!({"reason": refused.reason});
            rows.push(refusal(scope.cloned(), by.clone(), &refused, after));
            let count = Count {
                scope: scope.cloned(),
                by: By {
                    request_id: None,
                    ..by.clone()
                },
                repeated: 0,
            };
            self.counts.insert(seen, count);
        } else {
            self.others = self.others.saturating_add(1);
        }
        rows
    }

    /// Ends the window if it is over; answers what was counted in it.
    fn turn(&mut self, now: Timestamp) -> Vec<Row> {
        let window = now.ms().div_euclid(WINDOW_MS);
        if window == self.window {
            return Vec::new();
        }
        self.window = window;
        let mut rows = Vec::new();
        for (seen, count) in self.counts.drain().filter(|(_, count)| count.repeated > 0) {
            let after = serde_json::json!({"reason": seen.refused.reason, "repeated": count.repeated});
            rows.push(refusal(count.scope, count.by, &seen.refused, after));
        }
        let others = std::mem::take(&mut self.others);
        if others > 0 {
            let many = Refused {
                key: None,
                reason: "several",
            };
            let after = serde_json::json!({"reason": many.reason, "repeated": others});
            rows.push(refusal(None, By::new(Actor::Unknown), &many, after));
        }
        rows
    }

    fn used(&mut self, now: Timestamp, scope: Option<&Scope>, by: &By) -> Option<Row> {
        let today = Some(Day::of(now));
        if self.day != today || self.uses.len() >= USES_MAX {
            self.day = today;
            self.uses.clear();
        }
        let key = by.actor.id()?.to_owned();
        let first = self.uses.insert((key.clone(), by.address));
        first.then(|| Row {
            scope: scope.cloned(),
            by: by.clone(),
            action: if scope.is_some() {
                "api_key.used"
            } else {
                "platform_key.used"
            },
            subject: key,
            after: None,
        })
    }
}

fn refusal(scope: Option<Scope>, by: By, refused: &Refused, after: serde_json::Value) -> Row {
    let action = match by.actor {
        Actor::Person(_) => "person.refused",
        _ => "api_key.refused",
    };
    Row {
        scope,
        by,
        action,
        subject: refused.key.clone().unwrap_or_else(|| "unknown".to_owned()),
        after: Some(after),
    }
}

/// Whoever has one IPv6 address has all 2^64 of its network.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let bits = v6.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(bits.into())
        }
    }
}

/// A row that cannot be written is missed in the log of the program, not by whoever is answered.
async fn write(app: &App, rows: Vec<Row>) {
    for row in rows {
        let entry = Entry {
            action: row.action,
            subject: &row.subject,
            before: None,
            after: row.after.map(|after| after.to_string()),
        };
        if let Err(failure) = audit::record(app, row.scope.as_ref(), &row.by, &entry).await {
            tracing::error!(%failure, action = row.action, "not noted in the audit log");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> By {
        By {
            address: Some(address.parse().unwrap()),
            ..By::new(Actor::Unknown)
        }
    }

    fn unknown() -> Refused {
        Refused {
            key: None,
            reason: "unauthorized",
        }
    }

    #[test]
    fn a_flood_is_a_few_rows_with_the_right_counts() {
        let mut state = State::default();
        let mut rows = Vec::new();
        for n in 0..100_000_i64 {
            let at = Timestamp::from_ms(WINDOW_MS + n % WINDOW_MS);
            let by = from(&format!("10.0.{}.{}", n % 100, n % 100));
            rows.extend(state.refused(at, None, &by, unknown()));
        }
        assert_eq!(rows.len(), ROWS_PER_WINDOW, "one for each of the first addresses");
        let counted = state.turn(Timestamp::from_ms(2 * WINDOW_MS));
        assert_eq!(counted.len(), ROWS_PER_WINDOW + 1);
        let repeated = counted.iter().map(|row| {
            let after = row.after.as_ref().unwrap();
            after["repeated"].as_u64().unwrap()
        });
        assert_eq!(repeated.sum::<u64>() + 20, 100_000, "none is lost");
        assert_eq!(state.turn(Timestamp::from_ms(3 * WINDOW_MS)).len(), 0);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let mut state = State::default();
        let at = Timestamp::from_ms(1);
        let mut refused = |address| state.refused(at, None, &from(address), unknown()).len();
        assert_eq!(refused("2001:db8::1"), 1);
        assert_eq!(refused("2001:db8::ffff:0:1"), 0);
        assert_eq!(refused("2001:db8:0:1::1"), 1);
        assert_eq!(refused("192.0.2.1"), 1);
        assert_eq!(refused("192.0.2.2"), 1);
    }
}
