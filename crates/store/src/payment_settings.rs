//! What a tenant's payers may choose: a part of an invoice, several invoices at once, a bank debit.

use domain::payment::parts::PartsAllowed;
use domain::{Currency, Money, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// A tenant's settings in one mode. Without any: all of one invoice, by card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentSettings {
    /// Whether a part of an invoice may be paid.
    pub partial: bool,
    /// Whether the client's other invoices are shown, and may be paid at once.
    pub several: bool,
    /// Whether a bank account may be debited, where Stripe lets the account do so.
    pub bank_debits: bool,
    /// The least part, by currency, in the order of the codes.
    pub minimums: Vec<Money>,
}

impl PaymentSettings {
    /// Which parts of an amount in this currency may be paid.
    pub fn parts(&self, currency: Currency) -> PartsAllowed {
        if !self.partial {
            return PartsAllowed::No;
        }
        let minimum = self
            .minimums
            .iter()
            .find(|minimum| minimum.currency() == currency);
        PartsAllowed::AtLeast(minimum.map_or(currency.minimum(), |minimum| minimum.minor()))
    }
}

const GET: Sql = Sql::new(
    "select partial, several, bank_debits
     from payment_settings
     where tenant_id = $1 and livemode = $2",
);

const MINIMUMS: Sql = Sql::new(
    "select currency, minimum
     from payment_minimums
     where tenant_id = $1 and livemode = $2
     order by currency",
);

/// The tenant's settings.
pub fn get(tx: &mut Tx, scope: &Scope) -> Result<PaymentSettings, Error> {
    let Some(row) = tx.optional(&GET, binds![&scope.tenant, scope.mode])? else {
        return Ok(PaymentSettings::default());
    };
    let minimums = tx.query(&MINIMUMS, binds![&scope.tenant, scope.mode])?;
    let minimum = |row: &Row| values::money(row, "minimum");
    Ok(PaymentSettings {
        partial: values::flag(&row, "partial")?,
        several: values::flag(&row, "several")?,
        bank_debits: values::flag(&row, "bank_debits")?,
        minimums: minimums.iter().map(minimum).collect::<Result<_, _>>()?,
    })
}

const PUT: Sql = Sql::new(
    "insert into payment_settings (tenant_id, livemode, partial, several, bank_debits, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $6)
     on conflict (tenant_id, livemode) do update set
       partial = excluded.partial,
       several = excluded.several,
       bank_debits = excluded.bank_debits,
       updated_at = excluded.updated_at",
);

const FORGET_MINIMUMS: Sql = Sql::new("delete from payment_minimums where tenant_id = $1 and livemode = $2");

const PUT_MINIMUM: Sql = Sql::new(
    "insert into payment_minimums (tenant_id, livemode, currency, minimum, created_at)
     values ($1, $2, $3, $4, $5)",
);

/// Puts other settings in the place of the tenant's.
pub fn put(tx: &mut Tx, scope: &Scope, settings: &PaymentSettings, at: Timestamp) -> Result<(), Error> {
    let flags = [settings.partial, settings.several, settings.bank_debits].map(i64::from);
    let [partial, several, bank_debits] = flags;
    tx.execute(
        &PUT,
        binds![&scope.tenant, scope.mode, partial, several, bank_debits, at],
    )?;
    tx.execute(&FORGET_MINIMUMS, binds![&scope.tenant, scope.mode])?;
    for minimum in &settings.minimums {
        let (code, minor) = (minimum.currency().code(), minimum.minor());
        tx.execute(&PUT_MINIMUM, binds![&scope.tenant, scope.mode, code, minor, at])?;
    }
    Ok(())
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&GET, &MINIMUMS, &PUT, &FORGET_MINIMUMS, &PUT_MINIMUM];
