//! Payments: one row per payment intent. At most one of an invoice is live, which a partial unique index
//! enforces.

use domain::fee::Terms;
use domain::fee::rules::Method;
use domain::payment::{IntentStatus, PaymentState};
use domain::refund::Standing;
use domain::{Currency, FeeRuleId, InvoiceId, Money, PaymentId, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, fee_rules, payment_parts, values};

/// A payment. Amounts are minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Whose payment it is.
    pub scope: Scope,
    /// Its id.
    pub id: PaymentId,
    /// The invoice that it pays.
    pub invoice_id: InvoiceId,
    /// 1 for the invoice's first intent, 2 for the one that replaced it.
    pub attempt: i64,
    /// The connected account on which the charge is made.
    pub stripe_account_id: String,
    /// `pi_…`, once it is known.
    pub intent_id: Option<String>,
    /// `ch_…` of the charge that succeeded.
    pub charge_id: Option<String>,
    /// The currency.
    pub currency: Currency,
    /// What is asked for.
    pub amount: i64,
    /// What arrived.
    pub received: i64,
    /// What is refunded, on its way back, or asked back. Written by `refunds.rs` only.
    pub reserved: i64,
    /// What the payer has back, as far as Stripe knows. Written by `refunds.rs` only.
    pub refunded: i64,
    /// What disputes have taken and not given back. Written by `refunds.rs` only.
    pub disputed: i64,
    /// The platform's application fee: asked for, then as Stripe reports it.
    pub application_fee: Option<i64>,
    /// Stripe's processing fee, once Stripe has reported it.
    pub stripe_fee: Option<i64>,
    /// What is left for the tenant, once Stripe has reported its fee.
    pub net: Option<i64>,
    /// What Stripe's fee and the net are in: the balance's currency, which may be another than the payment's.
    pub settlement_currency: Option<Currency>,
    /// Where it stands.
    pub status: PaymentState,
    /// Confirmations that Stripe declined.
    pub declines: i64,
    /// Stripe's code of the last decline.
    pub failure_code: Option<String>,
    /// Card brand, once paid.
    pub method_brand: Option<String>,
    /// The card's last four digits, once paid.
    pub method_last4: Option<String>,
    /// Raised by every change.
    pub version: i64,
    /// When the reconciler looks at it next, while it is live.
    pub next_check_at: Option<Timestamp>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When the money was seen.
    pub succeeded_at: Option<Timestamp>,
    /// Since when its account cannot be reached, so that only its owner can see at Stripe what became of it.
    pub unreachable_since: Option<Timestamp>,
    /// What its fee was decided by; none of a payment that is older than fee rules. It never changes.
    pub fee_basis: Option<FeeBasis>,
}

/// What a payment's fee was decided by, kept with it: rules that are added later do not touch it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeBasis {
    /// How it can be paid.
    pub method: Method,
    /// The rule; none where it was a configured rate.
    pub rule: Option<FeeRuleId>,
    /// What the rule says.
    pub terms: Terms,
    /// The number of the last rule that was known then.
    pub rules_known: i64,
}

impl Payment {
    /// What decides how much of it may go back.
    pub fn standing(&self) -> Standing {
        let succeeded = self.status == PaymentState::At(IntentStatus::Succeeded);
        Standing {
            received: if succeeded { self.received } else { 0 },
            reserved: self.reserved,
            disputed: self.disputed,
        }
    }

    /// What is asked for, with its currency.
    pub fn asked(&self) -> Money {
        Money::new(self.amount, self.currency)
    }
}

macro_rules! columns {
    () => {
        "tenant_id, livemode, id, invoice_id, attempt, stripe_account_id, stripe_payment_intent_id,
               stripe_charge_id, currency, amount, received, reserved, refunded, disputed,
               application_fee, stripe_fee, net, status,
                 declines,
               failure_code, method_brand, method_last4, version, next_check_at, created_at, succeeded_at,
               unreachable_since, fee_method, fee_rule_id, fee_bps, fee_fixed, fee_minimum, fee_maximum,
               fee_rules_known, settlement_currency"
    };
}

macro_rules! select_payments {
    // Of those only whose id, or whatever it is compared with, is among some.
    (among $among:literal, $($rest:literal),+ $(,)?) => {
        Sql::new(concat!(
            "select ",
            columns!(),
            " from (",
            $among,
            ") found cross join payments ",
            $($rest),+
        ))
    };
    ($($rest:literal),+ $(,)?) => {
        Sql::new(concat!("select ", columns!(), " from payments ", $($rest),+))
    };
}

mod listed;

pub use listed::{ALL as LISTED, page};

const INSERT: Sql = Sql::new(
    "insert into payments (tenant_id, livemode, id, invoice_id, attempt, stripe_account_id, currency, amount,
       received, refunded, application_fee, status, declines, version, next_check_at, created_at, updated_at,
       fee_method, fee_rule_id, fee_bps, fee_fixed, fee_minimum, fee_maximum, fee_rules_known)
     values ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, $9, $10, 0, 1, $11, $12, $13, $14, $15, $16, $17, $18, $19,
       $20)",
);

/// Adds a payment that is about to be created at Stripe, with the invoices that it pays and what it asks for
/// each, in minor units.
pub fn insert(tx: &mut Tx, payment: &Payment, parts: &[(InvoiceId, i64)]) -> Result<(), Error> {
    let basis = payment.fee_basis.as_ref();
    let terms = basis.map(|basis| basis.terms);
    let rule = basis.and_then(|basis| basis.rule.as_ref());
    let binds = binds![
        &payment.scope.tenant,
        payment.scope.mode,
        &payment.id,
        &payment.invoice_id,
        payment.attempt,
        &payment.stripe_account_id,
        payment.currency.code(),
        payment.amount,
        payment.application_fee,
        payment.status.word(),
        payment.next_check_at.map(Timestamp::ms),
        payment.created_at,
        payment.created_at,
        basis.map(|basis| basis.method.word().to_owned()),
        rule.map(|rule| rule.as_str().to_owned()),
        terms.map(|terms| terms.rate().value()),
        terms.map(Terms::fixed),
        terms.and_then(Terms::minimum),
        terms.and_then(Terms::maximum),
        basis.map(|basis| basis.rules_known)
    ];
    tx.execute(&INSERT, binds)?;
    let Payment { scope, id, .. } = payment;
    payment_parts::insert(tx, scope, id, payment.status.is_live(), parts, payment.created_at)
}

const STORE: Sql = Sql::new(
    "update payments set
       stripe_payment_intent_id = $4, stripe_charge_id = $5, received = $6, application_fee = $7,
       stripe_fee = $8, net = $9, status = $10, declines = $11, failure_code = $12, method_brand = $13,
       method_last4 = $14, next_check_at = $15, updated_at = $16, succeeded_at = $17,
       settlement_currency = $19, version = version + 1
     where tenant_id = $1 and livemode = $2 and id = $3 and version = $18",
);

/// Stores a payment over the version that was read; `false` when it was changed in between.
pub fn store(tx: &mut Tx, payment: &Payment, at: Timestamp) -> Result<bool, Error> {
    let binds = binds![
        &payment.scope.tenant,
        payment.scope.mode,
        &payment.id,
        payment.intent_id.clone(),
        payment.charge_id.clone(),
        payment.received,
        payment.application_fee,
        payment.stripe_fee,
        payment.net,
        payment.status.word(),
        payment.declines,
        payment.failure_code.clone(),
        payment.method_brand.clone(),
        payment.method_last4.clone(),
        payment.next_check_at.map(Timestamp::ms),
        at,
        payment.succeeded_at.map(Timestamp::ms),
        payment.version,
        payment.settlement_currency.map(Currency::code)
    ];
    let stored = tx.execute(&STORE, binds)? == 1;
    if stored {
        payment_parts::set_live(tx, &payment.scope, &payment.id, payment.status.is_live())?;
    }
    Ok(stored)
}

const BY_ID: Sql = select_payments!("where tenant_id = $1 and livemode = $2 and id = $3",);

/// One payment of the scope.
pub fn get(tx: &mut Tx, scope: &Scope, id: &PaymentId) -> Result<Option<Payment>, Error> {
    let row = tx.optional(&BY_ID, binds![&scope.tenant, scope.mode, id])?;
    row.map(|row| read(&row)).transpose()
}

const BY_INTENT: Sql = select_payments!(
    "where tenant_id = $1 and livemode = $2 and stripe_account_id = $3 and stripe_payment_intent_id = $4",
);

/// The payment that an intent of the tenant's account belongs to.
pub fn by_intent(tx: &mut Tx, scope: &Scope, account: &str, intent: &str) -> Result<Option<Payment>, Error> {
    let row = tx.optional(&BY_INTENT, binds![&scope.tenant, scope.mode, account, intent])?;
    row.map(|row| read(&row)).transpose()
}

const BY_CHARGE: Sql = select_payments!(
    "where tenant_id = $1 and livemode = $2 and stripe_account_id = $3 and stripe_charge_id = $4",
);

/// The payment that a succeeded charge of the tenant's account belongs to.
pub fn by_charge(tx: &mut Tx, scope: &Scope, account: &str, charge: &str) -> Result<Option<Payment>, Error> {
    let row = tx.optional(&BY_CHARGE, binds![&scope.tenant, scope.mode, account, charge])?;
    row.map(|row| read(&row)).transpose()
}

const OF_INVOICE: Sql = select_payments!(
    "where tenant_id = $1 and livemode = $2 and id in (
       select payment_id from payment_parts where tenant_id = $1 and livemode = $2 and invoice_id = $3)
     order by case when status in ('succeeded', 'canceled', 'failed') then 0 else 1 end desc,
       created_at desc, attempt desc
     limit $4",
);

/// The payments of an invoice, alone or with others: the live one, then the newest first.
pub fn of_invoice(tx: &mut Tx, scope: &Scope, id: &InvoiceId, limit: i64) -> Result<Vec<Payment>, Error> {
    tx.query(&OF_INVOICE, binds![&scope.tenant, scope.mode, id, limit])?
        .iter()
        .map(read)
        .collect()
}

const LIVE_OF: Sql = select_payments!(
    "where tenant_id = $1 and livemode = $2 and id in (
       select payment_id from payment_parts
       where tenant_id = $1 and livemode = $2 and invoice_id = $3 and live = 1)",
);

/// The payment by which money could still arrive for an invoice.
pub fn live_of(tx: &mut Tx, scope: &Scope, id: &InvoiceId) -> Result<Option<Payment>, Error> {
    let row = tx.optional(&LIVE_OF, binds![&scope.tenant, scope.mode, id])?;
    row.map(|row| read(&row)).transpose()
}

const LAST_ATTEMPT: Sql = Sql::new(
    "select coalesce(max(attempt), 0) as attempt
     from payments
     where tenant_id = $1 and livemode = $2 and invoice_id = $3",
);

/// The number of the last payment that was begun by an invoice's own link.
pub fn last_attempt(tx: &mut Tx, scope: &Scope, id: &InvoiceId) -> Result<i64, Error> {
    tx.one(&LAST_ATTEMPT, binds![&scope.tenant, scope.mode, id])?
        .int("attempt")
}

const REFUNDED: Sql = Sql::new(
    "select refunded
     from payments
     where tenant_id = $1 and livemode = $2 and id = $3",
);

/// What of a payment went back to the payer, in minor units.
pub fn refunded(tx: &mut Tx, scope: &Scope, id: &PaymentId) -> Result<i64, Error> {
    tx.one(&REFUNDED, binds![&scope.tenant, scope.mode, id])?
        .int("refunded")
}

const DUE: Sql = select_payments!(
    "where (tenant_id, livemode, id) in (
       select tenant_id, livemode, id
       from (
         select tenant_id, livemode, id,
           row_number() over (partition by livemode, stripe_account_id order by next_check_at, id) as place
         from payments
         where next_check_at is not null and next_check_at <= $1
       ) waiting
       where place <= $2
     )
     order by next_check_at, id
     limit $3",
);

/// Payments of all tenants that the reconciler should look at.
pub fn due(tx: &mut Tx, at: Timestamp, share: i64, limit: i64) -> Result<Vec<Payment>, Error> {
    tx.query(&DUE, binds![at, share, limit])?
        .iter()
        .map(read)
        .collect()
}

const CHECK_LATER: Sql = Sql::new(
    "update payments set next_check_at = $4
     where tenant_id = $1 and livemode = $2 and id = $3 and next_check_at is not null",
);

/// Puts off the reconciler's next look, without touching the payment's version.
pub fn check_later(tx: &mut Tx, scope: &Scope, id: &PaymentId, at: Timestamp) -> Result<(), Error> {
    tx.execute(&CHECK_LATER, binds![&scope.tenant, scope.mode, id, at])?;
    Ok(())
}

const CHECK_NOW: Sql = Sql::new(
    "update payments set next_check_at = $4
     where tenant_id = $1 and livemode = $2 and id = $3",
);

/// Has the reconciler look at a payment at once, whatever is known of it.
pub fn check_now(tx: &mut Tx, scope: &Scope, id: &PaymentId, at: Timestamp) -> Result<(), Error> {
    tx.execute(&CHECK_NOW, binds![&scope.tenant, scope.mode, id, at])?;
    Ok(())
}

const CHECK_BY: Sql = Sql::new(
    "update payments set next_check_at = $4
     where tenant_id = $1 and livemode = $2 and id = $3 and (next_check_at is null or next_check_at > $4)",
);

/// Has the reconciler look at a payment by then, whatever is known of it.
pub fn check_by(tx: &mut Tx, scope: &Scope, id: &PaymentId, at: Timestamp) -> Result<(), Error> {
    tx.execute(&CHECK_BY, binds![&scope.tenant, scope.mode, id, at])?;
    Ok(())
}

const MARK_UNREACHABLE: Sql = Sql::new(
    "update payments set unreachable_since = coalesce(unreachable_since, $4), next_check_at = null
     where tenant_id = $1 and livemode = $2 and id = $3",
);

/// Notes that the payment's account cannot be reached. It is not looked at again until that changes.
pub fn mark_unreachable(tx: &mut Tx, scope: &Scope, id: &PaymentId, at: Timestamp) -> Result<(), Error> {
    tx.execute(&MARK_UNREACHABLE, binds![&scope.tenant, scope.mode, id, at])?;
    Ok(())
}

const MARK_REACHED: Sql = Sql::new(
    "update payments set unreachable_since = null
     where tenant_id = $1 and livemode = $2 and id = $3 and unreachable_since is not null",
);

/// The payment was read at Stripe. `true` when it could not be before.
pub fn mark_reached(tx: &mut Tx, scope: &Scope, id: &PaymentId) -> Result<bool, Error> {
    Ok(tx.execute(&MARK_REACHED, binds![&scope.tenant, scope.mode, id])? == 1)
}

const TAKEN: Sql = Sql::new(
    "select count(*) as payments
     from (select id from payments where tenant_id = $1 and livemode = $2 limit 1) one",
);

/// Whether the tenant has ever begun a payment: its account is its own for good then.
pub fn taken(tx: &mut Tx, scope: &Scope) -> Result<bool, Error> {
    Ok(tx
        .one(&TAKEN, binds![&scope.tenant, scope.mode])?
        .int("payments")?
        > 0)
}

const UNREACHABLE: Sql = Sql::new(
    "select count(*) as payments
     from payments
     where tenant_id = $1 and livemode = $2 and stripe_account_id = $3 and unreachable_since is not null",
);

/// How many payments there are on an account of which only its owner can see what became.
pub fn unreachable(tx: &mut Tx, scope: &Scope, account: &str) -> Result<i64, Error> {
    let binds = binds![&scope.tenant, scope.mode, account];
    tx.one(&UNREACHABLE, binds)?.int("payments")
}

const CHECK_ACCOUNT: Sql = Sql::new(
    "update payments set next_check_at = $4
     where tenant_id = $1 and livemode = $2 and stripe_account_id = $3
       and (next_check_at is not null or unreachable_since is not null)",
);

/// Has the reconciler look at once at what is under way on an account to which access came or went.
pub fn check_account(tx: &mut Tx, scope: &Scope, account: &str, at: Timestamp) -> Result<(), Error> {
    tx.execute(&CHECK_ACCOUNT, binds![&scope.tenant, scope.mode, account, at])?;
    Ok(())
}

fn read(row: &Row) -> Result<Payment, Error> {
    Ok(Payment {
        scope: values::scope(row)?,
        id: PaymentId::stored(row.text("id")?),
        invoice_id: InvoiceId::stored(row.text("invoice_id")?),
        attempt: row.int("attempt")?,
        stripe_account_id: row.text("stripe_account_id")?,
        intent_id: row.text_opt("stripe_payment_intent_id")?,
        charge_id: row.text_opt("stripe_charge_id")?,
        currency: values::currency(row)?,
        amount: row.int("amount")?,
        received: row.int("received")?,
        reserved: row.int("reserved")?,
        refunded: row.int("refunded")?,
        disputed: row.int("disputed")?,
        application_fee: row.int_opt("application_fee")?,
        stripe_fee: row.int_opt("stripe_fee")?,
        net: row.int_opt("net")?,
        settlement_currency: row
            .text_opt("settlement_currency")?
            .map(|code| Currency::parse(&code))
            .transpose()
            .map_err(|_| Error::Schema("column settlement_currency holds no currency".to_owned()))?,
        status: values::word(row, "status", PaymentState::from_word)?,
        declines: row.int("declines")?,
        failure_code: row.text_opt("failure_code")?,
        method_brand: row.text_opt("method_brand")?,
        method_last4: row.text_opt("method_last4")?,
        version: row.int("version")?,
        next_check_at: values::time_opt(row, "next_check_at")?,
        created_at: values::time(row, "created_at")?,
        succeeded_at: values::time_opt(row, "succeeded_at")?,
        unreachable_since: values::time_opt(row, "unreachable_since")?,
        fee_basis: read_basis(row)?,
    })
}

fn read_basis(row: &Row) -> Result<Option<FeeBasis>, Error> {
    let columns = ["fee_bps", "fee_fixed", "fee_minimum", "fee_maximum"];
    let Some(terms) = fee_rules::terms(row, Some(values::currency(row)?), columns)? else {
        return Ok(None);
    };
    Ok(Some(FeeBasis {
        method: values::word(row, "fee_method", Method::from_word)?,
        rule: row.text_opt("fee_rule_id")?.map(FeeRuleId::stored),
        terms,
        rules_known: row.int("fee_rules_known")?,
    }))
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &INSERT,
    &STORE,
    &BY_ID,
    &BY_INTENT,
    &BY_CHARGE,
    &OF_INVOICE,
    &LIVE_OF,
    &LAST_ATTEMPT,
    &REFUNDED,
    &DUE,
    &CHECK_LATER,
    &CHECK_NOW,
    &CHECK_BY,
    &MARK_UNREACHABLE,
    &MARK_REACHED,
    &UNREACHABLE,
    &TAKEN,
    &CHECK_ACCOUNT,
];
