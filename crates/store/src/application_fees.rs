//! The platform's application fees, as Stripe reports them: its income, by tenant.

use domain::{Mode, Money, PaymentId, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

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
       and payment_id is null
     returning stripe_application_fee_id, amount, currency",
);

/// Links the fee of a charge to its payment, when the fee was reported before the charge. Answers the fees
/// that were nobody's so far.
pub fn link(
    tx: &mut Tx,
    scope: &Scope,
    account: &str,
    charge_id: &str,
    payment: &PaymentId,
) -> Result<Vec<(String, Money)>, Error> {
    let binds = binds![&scope.tenant, scope.mode, account, charge_id, payment];
    let linked = |row: &Row| {
        Ok((
            row.text("stripe_application_fee_id")?,
            values::money(row, "amount")?,
        ))
    };
    tx.query(&LINK, binds)?.iter().map(linked).collect()
}

/// What a balance transaction needs to know of a fee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// `ch_…` or empty.
    pub charge: String,
    /// Our payment, where the charge is ours.
    pub payment: Option<PaymentId>,
    /// What it was taken in, as it is written.
    pub currency: String,
}

const FIND: Sql = Sql::new(
    "select stripe_charge_id, payment_id, currency
     from application_fees
     where livemode = $1 and stripe_application_fee_id = $2",
);

/// A fee of whichever tenant: the platform's balance does not say whose it is.
pub fn find(tx: &mut Tx, mode: Mode, fee: &str) -> Result<Option<Known>, Error> {
    let known = |row: Row| {
        Ok(Known {
            charge: row.text("stripe_charge_id")?,
            payment: row.text_opt("payment_id")?.map(PaymentId::stored),
            currency: row.text("currency")?,
        })
    };
    tx.optional(&FIND, binds![mode, fee])?.map(known).transpose()
}

/// A fee of one of our payments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfPayment {
    /// `fee_…`.
    pub id: String,
    /// The fee.
    pub amount: Money,
    /// What Stripe says was given back of it, minor units.
    pub refunded: i64,
}

const OF_PAYMENT: Sql = Sql::new(
    "select stripe_application_fee_id, amount, refunded, currency
     from application_fees
     where tenant_id = $1 and livemode = $2 and payment_id = $3
     order by stripe_application_fee_id
     limit 1",
);

/// The fee of a payment, once Stripe has reported it.
pub fn of_payment(tx: &mut Tx, scope: &Scope, payment: &PaymentId) -> Result<Option<OfPayment>, Error> {
    let row = tx.optional(&OF_PAYMENT, binds![&scope.tenant, scope.mode, payment])?;
    row.map(|row| {
        Ok(OfPayment {
            id: row.text("stripe_application_fee_id")?,
            amount: Money::new(row.int("amount")?, values::currency(&row)?),
            refunded: row.int("refunded")?,
        })
    })
    .transpose()
}

const PUT_REFUND: Sql = Sql::new(
    "insert into application_fee_refunds (tenant_id, livemode, stripe_fee_refund_id,
       stripe_application_fee_id, amount, currency, created_at)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (tenant_id, livemode, stripe_fee_refund_id) do nothing",
);

/// Stores what was given back of a fee, by its `fr_…`; `false` when it is known.
pub fn put_refund(
    tx: &mut Tx,
    scope: &Scope,
    fee: &str,
    refund: &str,
    amount: Money,
    at: Timestamp,
) -> Result<bool, Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        refund,
        fee,
        amount.minor(),
        amount.currency().code(),
        at
    ];
    Ok(tx.execute(&PUT_REFUND, binds)? == 1)
}

const REFUNDS_OF: Sql = Sql::new(
    "select r.stripe_fee_refund_id, r.amount, r.currency
     from application_fees f
     cross join application_fee_refunds r
     where f.tenant_id = $1 and f.livemode = $2 and f.payment_id = $3
       and r.tenant_id = f.tenant_id and r.livemode = f.livemode
       and r.stripe_application_fee_id = f.stripe_application_fee_id
     order by r.stripe_fee_refund_id",
);

/// What was given back of a payment's fee: each `fr_…` with its amount.
pub fn refunds_of(tx: &mut Tx, scope: &Scope, payment: &PaymentId) -> Result<Vec<(String, Money)>, Error> {
    let rows = tx.query(&REFUNDS_OF, binds![&scope.tenant, scope.mode, payment])?;
    let read = |row: &Row| {
        let amount = Money::new(row.int("amount")?, values::currency(row)?);
        Ok((row.text("stripe_fee_refund_id")?, amount))
    };
    rows.iter().map(read).collect()
}

const PARTS_BACK: Sql = Sql::new(
    "select amount, currency
     from application_fee_refunds
     where livemode = $1 and (stripe_application_fee_id = $2 or stripe_fee_refund_id = $2)
     order by created_at, stripe_fee_refund_id",
);

/// What was given back of a fee of whichever tenant (`fee_…`), or one part of it (`fr_…`), oldest first:
/// minor units and currency.
pub fn parts_back(tx: &mut Tx, mode: Mode, fee: &str) -> Result<Vec<(i64, String)>, Error> {
    let part = |row: &Row| Ok((row.int("amount")?, row.text("currency")?));
    tx.query(&PARTS_BACK, binds![mode, fee])?
        .iter()
        .map(part)
        .collect()
}

const ADD_UP: Sql = Sql::new(
    "update application_fees set refunded = (
       select coalesce(sum(r.amount), 0) from application_fee_refunds r
       where r.tenant_id = $1 and r.livemode = $2 and r.stripe_application_fee_id = $3)
     where tenant_id = $1 and livemode = $2 and stripe_application_fee_id = $3 and refunded < (
       select coalesce(sum(r.amount), 0) from application_fee_refunds r
       where r.tenant_id = $1 and r.livemode = $2 and r.stripe_application_fee_id = $3)",
);

/// Raises what was given back of a fee to the sum of what is known of it.
pub fn add_up(tx: &mut Tx, scope: &Scope, fee: &str) -> Result<(), Error> {
    tx.execute(&ADD_UP, binds![&scope.tenant, scope.mode, fee])?;
    Ok(())
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &UPSERT,
    &LINK,
    &FIND,
    &OF_PAYMENT,
    &PUT_REFUND,
    &REFUNDS_OF,
    &PARTS_BACK,
    &ADD_UP,
];
