//! Round trips through Stripe's pages: a state of 256 random bits goes out in an address, and whoever brings
//! it back is taken for the one who set out, once. It tells the tenant and the mode; nothing in the address
//! does.

use domain::{Scope, Timestamp};
use sha2::{Digest, Sha256};
use store::Tx;
use store::connect_states::{self, ConnectState, Kind};
use stripe::Secret;

use crate::{App, Failure};

/// How long somebody may take for Stripe's forms.
pub const FORM_MS: i64 = 24 * 60 * 60 * 1000;

/// A state that nobody has yet: 64 hex digits.
pub fn fresh(app: &App) -> Secret {
    Secret::new(format!("{:032x}{:032x}", app.clock.random(), app.clock.random()))
}

/// Where a round trip begins.
#[derive(Clone, Debug)]
pub struct Departure {
    /// What the state may be brought back for.
    pub kind: Kind,
    /// The account that it is about, if there is one already.
    pub stripe_account_id: Option<String>,
    /// From then on it is worth nothing.
    pub expires_at: Timestamp,
}

/// Notes a state, in the transaction after which it is sent out.
///
/// # Errors
/// When the database fails.
pub fn depart(
    tx: &mut Tx,
    scope: &Scope,
    state: &Secret,
    departure: &Departure,
    at: Timestamp,
) -> Result<(), Failure> {
    let row = ConnectState {
        scope: scope.clone(),
        hash: hash(state.expose()),
        kind: departure.kind,
        stripe_account_id: departure.stripe_account_id.clone(),
        expires_at: departure.expires_at,
    };
    // Whoever sets out sweeps up what ran out a day ago: there is never more than that.
    connect_states::forget(tx, at.plus_ms(-FORM_MS))?;
    Ok(connect_states::insert(tx, &row, at)?)
}

/// Takes a state that was brought back. None for one that is unknown, of another kind, used or out of date.
///
/// # Errors
/// When the database fails.
pub fn arrive(tx: &mut Tx, state: &str, kind: Kind, at: Timestamp) -> Result<Option<ConnectState>, Failure> {
    Ok(connect_states::take(tx, &hash(state), kind, at)?)
}

/// What is kept of a state.
pub fn hash(state: &str) -> String {
    hex::encode(Sha256::digest(state.as_bytes()))
}
