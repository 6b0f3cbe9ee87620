//! The first payment since a moment, with all that has to stand about it: its invoice, its posting, the event
//! that told of it, the platform's fee. For the operator who watches the first genuine one.

use domain::{Mode, Timestamp};

use crate::binds;
use crate::db::{Error, Sql, Tx};

/// A payment and what stands about it; amounts in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// The payment.
    pub payment_id: String,
    /// Its invoice.
    pub invoice_id: String,
    /// Where it was taken.
    pub account: String,
    /// `pi_…`.
    pub intent: String,
    /// `ch_…`, once it is known.
    pub charge: Option<String>,
    /// What was asked.
    pub amount: i64,
    /// What arrived.
    pub received: i64,
    /// The platform's fee, as it was asked.
    pub fee: Option<i64>,
    /// How the invoice stands.
    pub invoice_status: String,
    /// Postings of the payment.
    pub postings: i64,
    /// Events of it that a webhook brought and that were applied.
    pub told: i64,
    /// Events of it that were found in Stripe's list alone: no webhook brought them.
    pub listed: i64,
    /// Fees that Stripe reported of its charge.
    pub fees_booked: i64,
}

const FIRST: Sql = Sql::new(
    "select p.id, p.invoice_id, p.stripe_account_id, p.stripe_payment_intent_id, p.stripe_charge_id,
       p.amount, p.received, p.application_fee,
       (select i.status from invoices i
         where i.tenant_id = p.tenant_id and i.livemode = p.livemode and i.id = p.invoice_id
       ) as invoice_status,
       (select count(*) from ledger_transactions l
         where l.tenant_id = p.tenant_id and l.livemode = p.livemode and l.payment_id = p.id
           and l.kind = 'payment') as postings,
       (select count(*) from stripe_webhook_events e
         where e.livemode = p.livemode and e.stripe_account_id = p.stripe_account_id
           and e.object_id = p.stripe_payment_intent_id and e.type = $1 and e.status = 'processed'
           and e.deliveries > 0) as told,
       (select count(*) from stripe_webhook_events e
         where e.livemode = p.livemode and e.stripe_account_id = p.stripe_account_id
           and e.object_id = p.stripe_payment_intent_id and e.type = $1 and e.source = 'listed'
           and e.deliveries = 0) as listed,
       (select count(*) from application_fees f
         where f.tenant_id = p.tenant_id and f.livemode = p.livemode
           and f.stripe_charge_id = p.stripe_charge_id) as fees_booked
     from payments p
     where p.livemode = $2 and p.status = 'succeeded' and p.succeeded_at >= $3
       and ($4 = '' or p.invoice_id = $4)
     order by p.succeeded_at, p.id
     limit 1",
);

/// The first payment that succeeded since a moment; of one invoice, where one is named. `told_by` is the
/// type of the event that tells of it.
pub fn first(
    tx: &mut Tx,
    mode: Mode,
    since: Timestamp,
    invoice: &str,
    told_by: &str,
) -> Result<Option<Followed>, Error> {
    let rows = tx.query(&FIRST, binds![told_by, mode, since, invoice])?;
    let Some(row) = rows.into_iter().next() else {
        return Ok(None);
    };
    Ok(Some(Followed {
        payment_id: row.text("id")?,
        invoice_id: row.text("invoice_id")?,
        account: row.text("stripe_account_id")?,
        intent: row.text_opt("stripe_payment_intent_id")?.unwrap_or_default(),
        charge: row.text_opt("stripe_charge_id")?,
        amount: row.int("amount")?,
        received: row.int("received")?,
        fee: row.int_opt("application_fee")?,
        invoice_status: row.text_opt("invoice_status")?.unwrap_or_default(),
        postings: row.int("postings")?,
        told: row.int("told")?,
        listed: row.int("listed")?,
        fees_booked: row.int("fees_booked")?,
    }))
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&FIRST];
