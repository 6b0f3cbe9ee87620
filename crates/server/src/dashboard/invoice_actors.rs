//! Which of the people and keys did what to an invoice: from the audit log, for the page that tells what
//! happened.

use domain::{InvoiceId, Scope, Timestamp, UserId};
use flows::Failure;
use store::audit_log::{self, Noted};
use store::{Tx, users};

/// Somebody did something.
pub struct Acted {
    /// The audit log's word for it.
    pub action: String,
    /// To what: an id.
    pub subject: String,
    /// Who, as people call them.
    pub who: String,
    /// When.
    pub at: Timestamp,
}

/// Who did what to an invoice, and to what hangs on it by these ids, in the order in which it was done.
///
/// # Errors
/// When the database fails.
pub fn acted(tx: &mut Tx, scope: &Scope, id: &InvoiceId, beside: &[&str]) -> Result<Vec<Acted>, Failure> {
    let mut noted = audit_log::of_subject(tx, scope, id.as_str())?;
    for subject in beside {
        noted.extend(audit_log::of_subject(tx, scope, subject)?);
    }
    let mut all = Vec::new();
    for row in noted {
        if let Some(who) = name(tx, scope, &row)? {
            all.push(Acted {
                action: row.action,
                subject: row.subject_id,
                who,
                at: row.at,
            });
        }
    }
    Ok(all)
}

fn name(tx: &mut Tx, scope: &Scope, row: &Noted) -> Result<Option<String>, Failure> {
    let who = match (row.actor.as_str(), &row.actor_id) {
        ("person", Some(id)) => {
            let person = users::get(tx, &scope.tenant, &UserId::stored(id.clone()))?;
            person.map(|user| user.name)
        }
        ("api_key", _) => Some("your software".to_owned()),
        _ => None,
    };
    Ok(who)
}
