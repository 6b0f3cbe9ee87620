//! Writes that this instance is sending at this moment. Their leases are short and renewed while it lives, so
//! that what an instance that was killed had in hand is free within a minute.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::{OperationId, Scope};
use store::stripe_operations::{self as rows, Operation};

use crate::operations::LEASE_MS;
use crate::{App, Failure};

/// What is being sent.
#[derive(Default)]
pub struct Held(Mutex<BTreeMap<OperationId, Scope>>);

impl Held {
    /// The write is being sent until what is answered is dropped.
    pub(crate) fn hold<'a>(&'a self, operation: &Operation) -> Holding<'a> {
        let (id, scope) = (operation.id.clone(), operation.scope.clone());
        self.locked().insert(id.clone(), scope);
        Holding { held: self, id }
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<OperationId, Scope>> {
        // Nothing under this lock can panic half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A write that is being sent.
pub(crate) struct Holding<'a> {
    held: &'a Held,
    id: OperationId,
}

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        self.held.locked().remove(&self.id);
    }
}

/// Renews the leases of what is being sent. To be called several times within a lease.
///
/// # Errors
/// When the database fails; another instance may then send the same under the same key, which is one write to
/// Stripe all the same.
pub async fn renew(app: &App) -> Result<(), Failure> {
    let sending: Vec<(OperationId, Scope)> = {
        let locked = app.breakers.held.locked();
        locked
            .iter()
            .map(|(id, scope)| (id.clone(), scope.clone()))
            .collect()
    };
    if sending.is_empty() {
        return Ok(());
    }
    let until = app.clock.now().plus_ms(LEASE_MS);
    let renewed = app.db.write(move |tx| {
        for (id, scope) in &sending {
            rows::renew(tx, scope, id, until)?;
        }
        Ok::<_, store::Error>(())
    });
    Ok(renewed.await?)
}
