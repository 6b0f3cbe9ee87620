//! On which connected accounts the pay page's domain is registered for wallets, and what Stripe made of it.

use domain::{Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// A domain on a connected account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentMethodDomain {
    /// Whose account it is.
    pub scope: Scope,
    /// `acct_…`.
    pub stripe_account_id: String,
    /// Such as `pay.example.com`.
    pub domain_name: String,
    /// `pmd_…`, once it is registered.
    pub stripe_domain_id: Option<String>,
    /// Whether Stripe shows wallets there at all.
    pub enabled: bool,
    /// `active` or `inactive`, once it is known.
    pub apple_pay: Option<String>,
    /// As `apple_pay`.
    pub google_pay: Option<String>,
    /// As `apple_pay`.
    pub link: Option<String>,
    /// Why it is not registered, or a wallet not active.
    pub last_error: Option<String>,
    /// How often registering it was begun.
    pub tries: i64,
    /// When it is looked at again; never, once all is well.
    pub next_try_at: Option<Timestamp>,
}

macro_rules! select_domains {
    ($rest:literal $(,)?) => {
        Sql::new(concat!(
            "select tenant_id, livemode, stripe_account_id, domain_name, stripe_domain_id, enabled, apple_pay,
               google_pay, link, last_error, tries, next_try_at
             from payment_method_domains
             ",
            $rest
        ))
    };
}

const UPSERT: Sql = Sql::new(
    "insert into payment_method_domains (tenant_id, livemode, stripe_account_id, domain_name,
       stripe_domain_id, enabled, apple_pay, google_pay, link, last_error, tries, next_try_at, created_at,
       updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
     on conflict (tenant_id, livemode, stripe_account_id, domain_name) do update set
       stripe_domain_id = excluded.stripe_domain_id,
       enabled = excluded.enabled,
       apple_pay = excluded.apple_pay,
       google_pay = excluded.google_pay,
       link = excluded.link,
       last_error = excluded.last_error,
       tries = excluded.tries,
       next_try_at = excluded.next_try_at,
       updated_at = excluded.updated_at",
);

/// Stores what is known of a domain now.
pub fn put(tx: &mut Tx, domain: &PaymentMethodDomain, at: Timestamp) -> Result<(), Error> {
    let binds = binds![
        &domain.scope.tenant,
        domain.scope.mode,
        &domain.stripe_account_id,
        &domain.domain_name,
        domain.stripe_domain_id.clone(),
        i64::from(domain.enabled),
        domain.apple_pay.clone(),
        domain.google_pay.clone(),
        domain.link.clone(),
        domain.last_error.clone(),
        domain.tries,
        domain.next_try_at.map(|at| at.ms()),
        at,
        at
    ];
    tx.execute(&UPSERT, binds)?;
    Ok(())
}

const GET: Sql = select_domains!(
    "where tenant_id = $1 and livemode = $2 and stripe_account_id = $3 and domain_name = $4",
);

/// A domain on an account of the tenant, if it was ever to be registered there.
pub fn get(
    tx: &mut Tx,
    scope: &Scope,
    account: &str,
    domain: &str,
) -> Result<Option<PaymentMethodDomain>, Error> {
    tx.optional(&GET, binds![&scope.tenant, scope.mode, account, domain])?
        .map(|row| read(&row))
        .transpose()
}

const DUE: Sql = select_domains!(
    "where next_try_at <= $1
     order by next_try_at
     limit $2",
);

/// Domains of all tenants that are to be looked at.
pub fn due(tx: &mut Tx, at: Timestamp, limit: i64) -> Result<Vec<PaymentMethodDomain>, Error> {
    tx.query(&DUE, binds![at, limit])?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<PaymentMethodDomain, Error> {
    Ok(PaymentMethodDomain {
        scope: values::scope(row)?,
        stripe_account_id: row.text("stripe_account_id")?,
        domain_name: row.text("domain_name")?,
        stripe_domain_id: row.text_opt("stripe_domain_id")?,
        enabled: values::flag(row, "enabled")?,
        apple_pay: row.text_opt("apple_pay")?,
        google_pay: row.text_opt("google_pay")?,
        link: row.text_opt("link")?,
        last_error: row.text_opt("last_error")?,
        tries: row.int("tries")?,
        next_try_at: values::time_opt(row, "next_try_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&UPSERT, &GET, &DUE];
