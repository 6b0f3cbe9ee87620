//! Subscriptions of Stripe's own billing, mirrored as they were read last: those of a tenant's clients on its
//! account, and, in the platform's scope and without an account, those of tenants on the platform's own.

use domain::{Scope, TenantId, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// A subscription as it was read last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// On whose account it is: a tenant's, or the platform's own.
    pub scope: Scope,
    /// `sub_…`
    pub id: String,
    /// The account, or empty for the platform's own.
    pub stripe_account_id: String,
    /// `cus_…`
    pub stripe_customer_id: String,
    /// Counts the changes: whoever read at Stripe stores only over the version that was there before.
    pub version: i64,
    /// What Stripe says of it.
    pub facts: Facts,
    /// Since when Stripe does not show it any more.
    pub unreachable_since: Option<Timestamp>,
    /// The tenant that this customer of the platform's is, where the operator has said so.
    pub paid_by: Option<TenantId>,
    /// When it was seen first.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// What Stripe says of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Stripe's word.
    pub status: String,
    /// Lower-case ISO code.
    pub currency: Option<String>,
    /// `charge_automatically` or `send_invoice`.
    pub collection_method: Option<String>,
    /// The current period: begin.
    pub period_start: Option<Timestamp>,
    /// The current period: end.
    pub period_end: Option<Timestamp>,
    /// When the trial began.
    pub trial_start: Option<Timestamp>,
    /// When it ends.
    pub trial_end: Option<Timestamp>,
    /// When it is to end.
    pub cancel_at: Option<Timestamp>,
    /// Whether it ends with its current period.
    pub cancel_at_period_end: bool,
    /// When somebody asked for its end.
    pub canceled_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When it was made at Stripe.
    pub started_at: Option<Timestamp>,
    /// Its latest invoice.
    pub invoice: Option<Invoice>,
    /// What is subscribed to, in Stripe's order.
    pub items: Vec<Item>,
}

/// An invoice of Stripe's own billing; amounts in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// `in_…`
    pub id: String,
    /// Stripe's word.
    pub status: Option<String>,
    /// What is to be paid in all.
    pub amount_due: Option<i64>,
    /// What was paid of it.
    pub amount_paid: Option<i64>,
    /// Lower-case ISO code.
    pub currency: Option<String>,
    /// Stripe's page on which it is paid.
    pub url: Option<String>,
}

/// One thing that is subscribed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// `si_…`
    pub id: String,
    /// `price_…`
    pub price_id: Option<String>,
    /// How many; none where usage is billed.
    pub quantity: Option<i64>,
    /// What one costs in a period, in minor units.
    pub unit_amount: Option<i64>,
    /// Lower-case ISO code.
    pub currency: Option<String>,
    /// `day`, `week`, `month` or `year`.
    pub interval: Option<String>,
    /// So many of them are a period.
    pub interval_count: Option<i64>,
}

const INSERT: Sql = Sql::new(
    "insert into subscriptions (tenant_id, livemode, stripe_subscription_id, stripe_account_id,
       stripe_customer_id, version, status, currency, collection_method, period_start, period_end,
       trial_start, trial_end, cancel_at, cancel_at_period_end, canceled_at, ended_at, started_at, invoice_id,
       invoice_status, invoice_amount_due, invoice_amount_paid, invoice_currency, invoice_url, created_at,
       updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
       $22, $23, $24, $25, $25)
     on conflict (tenant_id, livemode, stripe_subscription_id) do update set
       stripe_account_id = excluded.stripe_account_id,
       stripe_customer_id = excluded.stripe_customer_id,
       version = excluded.version,
       status = excluded.status,
       currency = excluded.currency,
       collection_method = excluded.collection_method,
       period_start = excluded.period_start,
       period_end = excluded.period_end,
       trial_start = excluded.trial_start,
       trial_end = excluded.trial_end,
       cancel_at = excluded.cancel_at,
       cancel_at_period_end = excluded.cancel_at_period_end,
       canceled_at = excluded.canceled_at,
       ended_at = excluded.ended_at,
       started_at = excluded.started_at,
       invoice_id = excluded.invoice_id,
       invoice_status = excluded.invoice_status,
       invoice_amount_due = excluded.invoice_amount_due,
       invoice_amount_paid = excluded.invoice_amount_paid,
       invoice_currency = excluded.invoice_currency,
       invoice_url = excluded.invoice_url,
       unreachable_since = null,
       next_check_at = null,
       updated_at = excluded.updated_at
     where subscriptions.version = excluded.version - 1",
);

const NO_ITEMS: Sql = Sql::new(
    "delete from subscription_items
     where tenant_id = $1 and livemode = $2 and stripe_subscription_id = $3",
);

const INSERT_ITEM: Sql = Sql::new(
    "insert into subscription_items (tenant_id, livemode, stripe_subscription_id, position, stripe_item_id,
       price_id, quantity, unit_amount, currency, period, period_count)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
);

/// Stores a subscription over the version before its own, and answers whether it did: `false` when somebody
/// else has stored since.
pub fn put(tx: &mut Tx, subscription: &Subscription, at: Timestamp) -> Result<bool, Error> {
    let Subscription { scope, id, facts, .. } = subscription;
    let ms = |time: Option<Timestamp>| time.map(Timestamp::ms);
    let invoice = facts.invoice.as_ref();
    let binds = binds![
        &scope.tenant,
        scope.mode,
        id,
        &subscription.stripe_account_id,
        &subscription.stripe_customer_id,
        subscription.version,
        &facts.status,
        facts.currency.clone(),
        facts.collection_method.clone(),
        ms(facts.period_start),
        ms(facts.period_end),
        ms(facts.trial_start),
        ms(facts.trial_end),
        ms(facts.cancel_at),
        i64::from(facts.cancel_at_period_end),
        ms(facts.canceled_at),
        ms(facts.ended_at),
        ms(facts.started_at),
        invoice.map(|invoice| invoice.id.clone()),
        invoice.and_then(|invoice| invoice.status.clone()),
        invoice.and_then(|invoice| invoice.amount_due),
        invoice.and_then(|invoice| invoice.amount_paid),
        invoice.and_then(|invoice| invoice.currency.clone()),
        invoice.and_then(|invoice| invoice.url.clone()),
        at
    ];
    if tx.execute(&INSERT, binds)? == 0 {
        return Ok(false);
    }
    tx.execute(&NO_ITEMS, binds![&scope.tenant, scope.mode, id])?;
    for (position, item) in (0_i64..).zip(&facts.items) {
        let binds = binds![
            &scope.tenant,
            scope.mode,
            id,
            position,
            &item.id,
            item.price_id.clone(),
            item.quantity,
            item.unit_amount,
            item.currency.clone(),
            item.interval.clone(),
            item.interval_count
        ];
        tx.execute(&INSERT_ITEM, binds)?;
    }
    Ok(true)
}

macro_rules! select_subscriptions {
    ($rest:literal $(,)?) => {
        Sql::new(concat!(
            "select s.tenant_id, s.livemode, s.stripe_subscription_id, s.stripe_account_id,
               s.stripe_customer_id, s.version, s.status, s.currency, s.collection_method, s.period_start,
               s.period_end, s.trial_start, s.trial_end, s.cancel_at, s.cancel_at_period_end, s.canceled_at,
               s.ended_at, s.started_at, s.invoice_id, s.invoice_status, s.invoice_amount_due,
               s.invoice_amount_paid, s.invoice_currency, s.invoice_url, s.unreachable_since, s.created_at,
               s.updated_at, c.tenant_id as paid_by
             from subscriptions s
             left join platform_customers c on s.stripe_account_id = '' and c.livemode = s.livemode
               and c.stripe_customer_id = s.stripe_customer_id
             ",
            $rest
        ))
    };
}

const GET: Sql =
    select_subscriptions!("where s.tenant_id = $1 and s.livemode = $2 and s.stripe_subscription_id = $3",);

/// One subscription of a scope.
pub fn get(tx: &mut Tx, scope: &Scope, id: &str) -> Result<Option<Subscription>, Error> {
    let Some(row) = tx.optional(&GET, binds![&scope.tenant, scope.mode, id])? else {
        return Ok(None);
    };
    let mut subscription = read(&row)?;
    add_items(tx, scope, std::slice::from_mut(&mut subscription))?;
    Ok(Some(subscription))
}

const PAGE: Sql = select_subscriptions!(
    "where s.tenant_id = $1 and s.livemode = $2 and s.stripe_subscription_id > $3
     order by s.stripe_subscription_id
     limit $4",
);

const PAGE_OF_PAYER: Sql = select_subscriptions!(
    "where s.tenant_id = $1 and s.livemode = $2 and s.stripe_subscription_id > $3 and c.tenant_id = $5
     order by s.stripe_subscription_id
     limit $4",
);

/// Subscriptions of a scope in the order of their ids, after the given one (exclusive); of the
/// platform's own, perhaps only those that a tenant pays.
pub fn page(
    tx: &mut Tx,
    scope: &Scope,
    after: &str,
    limit: i64,
    paid_by: Option<&TenantId>,
) -> Result<Vec<Subscription>, Error> {
    let rows = match paid_by {
        None => tx.query(&PAGE, binds![&scope.tenant, scope.mode, after, limit])?,
        Some(tenant) => tx.query(
            &PAGE_OF_PAYER,
            binds![&scope.tenant, scope.mode, after, limit, tenant],
        )?,
    };
    let mut page: Vec<Subscription> = rows.iter().map(read).collect::<Result<_, _>>()?;
    add_items(tx, scope, &mut page)?;
    Ok(page)
}

const ITEMS: Sql = Sql::new(
    "select stripe_subscription_id, stripe_item_id, price_id, quantity, unit_amount, currency, period,
       period_count
     from subscription_items
     where tenant_id = $1 and livemode = $2 and stripe_subscription_id >= $3 and stripe_subscription_id <= $4
     order by stripe_subscription_id, position",
);

/// The items of subscriptions that follow each other in the order of their ids.
fn add_items(tx: &mut Tx, scope: &Scope, page: &mut [Subscription]) -> Result<(), Error> {
    let (Some(first), Some(last)) = (page.first(), page.last()) else {
        return Ok(());
    };
    let rows = tx.query(&ITEMS, binds![&scope.tenant, scope.mode, &first.id, &last.id])?;
    for row in &rows {
        let id = row.text("stripe_subscription_id")?;
        let Some(of) = page.iter_mut().find(|subscription| subscription.id == id) else {
            continue;
        };
        of.facts.items.push(Item {
            id: row.text("stripe_item_id")?,
            price_id: row.text_opt("price_id")?,
            quantity: row.int_opt("quantity")?,
            unit_amount: row.int_opt("unit_amount")?,
            currency: row.text_opt("currency")?,
            interval: row.text_opt("period")?,
            interval_count: row.int_opt("period_count")?,
        });
    }
    Ok(())
}

const MARK_UNREACHABLE: Sql = Sql::new(
    "update subscriptions set unreachable_since = coalesce(unreachable_since, $4), next_check_at = null
     where tenant_id = $1 and livemode = $2 and stripe_subscription_id = $3",
);

/// Stripe does not show the subscription any more: it keeps the state that was seen last.
pub fn mark_unreachable(tx: &mut Tx, scope: &Scope, id: &str, at: Timestamp) -> Result<(), Error> {
    tx.execute(&MARK_UNREACHABLE, binds![&scope.tenant, scope.mode, id, at])?;
    Ok(())
}

const MARK_REACHED: Sql = Sql::new(
    "update subscriptions set unreachable_since = null, next_check_at = null
     where tenant_id = $1 and livemode = $2 and stripe_subscription_id = $3
       and (unreachable_since is not null or next_check_at is not null)",
);

/// It was read, and nothing of it has changed.
pub fn mark_reached(tx: &mut Tx, scope: &Scope, id: &str) -> Result<(), Error> {
    tx.execute(&MARK_REACHED, binds![&scope.tenant, scope.mode, id])?;
    Ok(())
}

const CHECK_ACCOUNT: Sql = Sql::new(
    "update subscriptions set next_check_at = $4
     where tenant_id = $1 and livemode = $2 and stripe_account_id = $3
       and (ended_at is null or unreachable_since is not null)",
);

/// The account was disconnected or is connected again: what can still change on it is looked at.
pub fn check_account(tx: &mut Tx, scope: &Scope, account: &str, at: Timestamp) -> Result<(), Error> {
    tx.execute(&CHECK_ACCOUNT, binds![&scope.tenant, scope.mode, account, at])?;
    Ok(())
}

const CHECK_LATER: Sql = Sql::new(
    "update subscriptions set next_check_at = $4
     where tenant_id = $1 and livemode = $2 and stripe_subscription_id = $3 and next_check_at is not null",
);

/// It is being looked at; if nothing comes of that, it is due again then.
pub fn check_later(tx: &mut Tx, scope: &Scope, id: &str, at: Timestamp) -> Result<(), Error> {
    tx.execute(&CHECK_LATER, binds![&scope.tenant, scope.mode, id, at])?;
    Ok(())
}

const DUE: Sql = select_subscriptions!(
    "where s.next_check_at <= $1
     order by s.next_check_at, s.stripe_subscription_id
     limit $2",
);

/// Subscriptions of all tenants that are to be read again, without their items.
pub fn due(tx: &mut Tx, at: Timestamp, limit: i64) -> Result<Vec<Subscription>, Error> {
    tx.query(&DUE, binds![at, limit])?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Subscription, Error> {
    let invoice = match row.text_opt("invoice_id")? {
        None => None,
        Some(id) => Some(Invoice {
            id,
            status: row.text_opt("invoice_status")?,
            amount_due: row.int_opt("invoice_amount_due")?,
            amount_paid: row.int_opt("invoice_amount_paid")?,
            currency: row.text_opt("invoice_currency")?,
            url: row.text_opt("invoice_url")?,
        }),
    };
    Ok(Subscription {
        scope: values::scope(row)?,
        id: row.text("stripe_subscription_id")?,
        stripe_account_id: row.text("stripe_account_id")?,
        stripe_customer_id: row.text("stripe_customer_id")?,
        version: row.int("version")?,
        facts: Facts {
            status: row.text("status")?,
            currency: row.text_opt("currency")?,
            collection_method: row.text_opt("collection_method")?,
            period_start: values::time_opt(row, "period_start")?,
            period_end: values::time_opt(row, "period_end")?,
            trial_start: values::time_opt(row, "trial_start")?,
            trial_end: values::time_opt(row, "trial_end")?,
            cancel_at: values::time_opt(row, "cancel_at")?,
            cancel_at_period_end: values::flag(row, "cancel_at_period_end")?,
            canceled_at: values::time_opt(row, "canceled_at")?,
            ended_at: values::time_opt(row, "ended_at")?,
            started_at: values::time_opt(row, "started_at")?,
            invoice,
            items: Vec::new(),
        },
        unreachable_since: values::time_opt(row, "unreachable_since")?,
        paid_by: row.text_opt("paid_by")?.map(TenantId::stored),
        created_at: values::time(row, "created_at")?,
        updated_at: values::time(row, "updated_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &INSERT,
    &NO_ITEMS,
    &INSERT_ITEM,
    &GET,
    &PAGE,
    &PAGE_OF_PAYER,
    &ITEMS,
    &MARK_UNREACHABLE,
    &MARK_REACHED,
    &CHECK_ACCOUNT,
    &CHECK_LATER,
    &DUE,
];
