//! The platform's application fees, as Stripe reports them: its income, by tenant.

use domain::{Money, PaymentId, Scope, Timestamp};

use crate::binds;
use crate::db::{Error, Sql, Tx};

/// An application fee of a charge on a tenant's account.
#[derive(Clone, Debug)]
pub struct ApplicationFee<'a> {
    /// The tenant that paid it.
    pub scope: &'a Scope,
    /// `fee_…`.
    pub id: &'a str,
    /// The tenant's account.
    pub stripe_account_id: &'a str,
    /// `ch_…`.
    pub charge_id: &'a str,
    /// Our payment, where the charge is ours.
    pub payment_id: Option<&'a PaymentId>,
    /// The fee.
    pub amount: Money,
    /// What was given back of it, minor units.
    pub refunded: i64,
}

const UPSERT: Sql = Sql::new(
    "insert into application_fees (tenant_id, livemode, stripe_application_fee_id, stripe_account_id,
       stripe_charge_id, payment_id, amount, refunded, currency, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     on conflict (tenant_id, livemode, stripe_application_fee_id) do update set
       payment_id = coalesce(excluded.payment_id, application_fees.payment_id),
       refunded = case when excluded.refunded > application_fees.refunded
         then excluded.refunded else application_fees.refunded end",
);

/// Stores what Stripe reports; the refunded part only grows, whatever order reports come in.
pub fn put(tx: &mut Tx, fee: &ApplicationFee, at: Timestamp) -> Result<(), Error> {
    let binds = binds![
        &fee.scope.tenant,
        fee.scope.mode,
        fee.id,
        fee.stripe_account_id,
        fee.charge_id,
        fee.payment_id.map(|id| id.as_str().to_owned()),
        fee.amount.minor(),
        fee.refunded,
        fee.amount.currency().code(),
        at
    ];
    tx.execute(&UPSERT, binds)?;
    Ok(())
}

const LINK: Sql = Sql::new(
    "update application_fees set payment_id = $5
     where tenant_id = $1 and livemode = $2 and stripe_account_id = $3 and stripe_charge_id = $4
       and payment_id is null",
);

/// Links the fee of a charge to its payment, when the fee was reported before the charge.
pub fn link(
    tx: &mut Tx,
    scope: &Scope,
    account: &str,
    charge_id: &str,
    payment: &PaymentId,
) -> Result<(), Error> {
    tx.execute(
        &LINK,
        binds![&scope.tenant, scope.mode, account, charge_id, payment],
    )?;
    Ok(())
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&UPSERT, &LINK];
