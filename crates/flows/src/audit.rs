//! The audit log as the flows write it: a command notes itself in its own transaction, so that there is no
//! change without its row and no row without its change.

use std::net::IpAddr;

use domain::{AuditId, Scope};
use sha2::{Digest, Sha256};
use store::Tx;
use store::audit_log::{self, Noted};

use crate::{App, By, Failure, Moment, NOT_NAMED};

/// What was done to what. It never holds a secret, and no more of a person than their name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The subject and a verb that is over, such as `invoice.finalized`; a stable name for those who filter.
    pub action: &'static str,
    /// The id of what it was done to.
    pub subject: &'a str,
    /// What changed, as it was before: short JSON.
    pub before: Option<String>,
    /// What changed, as it is now: short JSON.
    pub after: Option<String>,
}

/// Notes what is done in this transaction; without a scope it is a matter of the platform. A transaction may
/// note several entries, of different actions or subjects.
///
/// # Errors
/// When the database fails.
pub fn note(
    tx: &mut Tx,
    scope: Option<&Scope>,
    by: &By,
    moment: Moment,
    entry: &Entry,
) -> Result<(), store::Error> {
    audit_log::insert(tx, &noted(scope, by, moment, entry))
}

fn noted(scope: Option<&Scope>, by: &By, moment: Moment, entry: &Entry) -> Noted {
    Noted {
        id: AuditId::new(moment.noted_at, moment.random(0) ^ spread(entry)),
        scope: scope.cloned(),
        actor: by.actor.word().to_owned(),
        actor_id: by.actor.id().map(str::to_owned),
        address: by.address.map(shown),
        request_id: by.request_id.clone(),
        action: entry.action.to_owned(),
        subject_id: entry.subject.to_owned(),
        before: entry.before.clone(),
        after: entry.after.clone(),
        at: moment.noted_at,
    }
}

fn shown(address: IpAddr) -> String {
    match address {
        NOT_NAMED => "unknown".to_owned(),
        address => address.to_string(),
    }
}

/// Notes what changes nothing else: a refusal, a use of a key, a start.
///
/// # Errors
/// When the database fails.
pub async fn record(app: &App, scope: Option<&Scope>, by: &By, entry: &Entry<'_>) -> Result<(), Failure> {
    let row = noted(scope, by, app.moment(), entry);
    Ok(app.db.write(move |tx| audit_log::insert(tx, &row)).await?)
}

/// Tells apart what one transaction notes, and is the same when it is run again.
fn spread(entry: &Entry) -> u128 {
    let digest = Sha256::new()
        .chain_update(entry.action)
        .chain_update([0])
        .chain_update(entry.subject)
        .finalize();
    digest
        .iter()
        .take(10)
        .fold(0, |bits, byte| (bits << 8) | u128::from(*byte))
}
