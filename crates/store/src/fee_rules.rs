//! Fee rules: a history that only grows. The platform's own are kept under its own id, and are everybody's
//! who has no rule of their own.

use domain::fee::rules::{Method, Rule};
use domain::fee::{BasisPoints, Terms};
use domain::{Currency, FeeRuleId, Mode, Scope, TenantId, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// How the database writes a rule for any method.
const ANY: &str = "any";

/// A rule as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Whose it is: a tenant's or the platform's.
    pub scope: Scope,
    /// What it says.
    pub rule: Rule,
    /// When it was added, which may be after it took effect.
    pub created_at: Timestamp,
}

const INSERT: Sql = Sql::new(
    "insert into fee_rules (tenant_id, livemode, id, number, method, currency, bps, fixed, minimum, maximum,
       effective_from, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
);

/// Adds a rule. Another one that took its number meanwhile breaks the unique `fee_rules_number`.
pub fn insert(tx: &mut Tx, kept: &Kept) -> Result<(), Error> {
    let Kept {
        scope,
        rule,
        created_at,
    } = kept;
    let binds = binds![
        &scope.tenant,
        scope.mode,
        &rule.id,
        rule.number,
        rule.method.map_or(ANY, Method::word),
        rule.currency.map(|currency| currency.code().to_owned()),
        rule.terms.map(|terms| terms.rate().value()),
        rule.terms.map(Terms::fixed),
        rule.terms.and_then(Terms::minimum),
        rule.terms.and_then(Terms::maximum),
        rule.effective_from,
        *created_at
    ];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

const LAST_NUMBER: Sql = Sql::new(
    "select coalesce(max(number), 0) as number
     from fee_rules
     where livemode = $1",
);

/// The number of the rule that was added last, of anybody.
pub fn last_number(tx: &mut Tx, mode: Mode) -> Result<i64, Error> {
    tx.one(&LAST_NUMBER, binds![mode])?.int("number")
}

macro_rules! select_rules {
    ($rest:literal $(,)?) => {
        Sql::new(concat!(
            "select tenant_id, livemode, id, number, method, currency, bps, fixed, minimum, maximum,
               effective_from, created_at
             from fee_rules
             ",
            $rest
        ))
    };
}

const HISTORY: Sql = select_rules!(
    "where tenant_id in ($1, 'ten_platform') and livemode = $2
     order by number
     limit $3",
);

/// Every rule that may be in force for a tenant: its own and the platform's, oldest first.
pub fn history(tx: &mut Tx, scope: &Scope, limit: i64) -> Result<Vec<Kept>, Error> {
    tx.query(&HISTORY, binds![&scope.tenant, scope.mode, limit])?
        .iter()
        .map(read)
        .collect()
}

const BY_ID: Sql = select_rules!("where tenant_id = $1 and livemode = $2 and id = $3");

/// One rule of a tenant, or of the platform where its scope is given.
pub fn get(tx: &mut Tx, scope: &Scope, id: &FeeRuleId) -> Result<Option<Kept>, Error> {
    let row = tx.optional(&BY_ID, binds![&scope.tenant, scope.mode, id])?;
    row.map(|row| read(&row)).transpose()
}

const COUNT: Sql = Sql::new(
    "select count(*) as rules
     from fee_rules
     where tenant_id = $1 and livemode = $2",
);

/// How many rules a tenant has, or the platform.
pub fn count(tx: &mut Tx, scope: &Scope) -> Result<i64, Error> {
    tx.one(&COUNT, binds![&scope.tenant, scope.mode])?.int("rules")
}

const PAGE: Sql = select_rules!(
    "where tenant_id in ($1, 'ten_platform') and livemode = $2 and id < $3
     order by id desc
     limit $4",
);

/// The rules of a tenant and those of everybody, the one that was added last first.
pub fn page(tx: &mut Tx, scope: &Scope, after: Option<&FeeRuleId>, limit: i64) -> Result<Vec<Kept>, Error> {
    let after = after.map_or("fru_~", FeeRuleId::as_str);
    tx.query(&PAGE, binds![&scope.tenant, scope.mode, after, limit])?
        .iter()
        .map(read)
        .collect()
}

const PAGE_OF_ALL: Sql = select_rules!(
    "where livemode = $1 and id < $2
     order by id desc
     limit $3",
);

/// Every rule of a mode, whosever it is, the one that was added last first.
pub fn page_of_all(
    tx: &mut Tx,
    mode: Mode,
    after: Option<&FeeRuleId>,
    limit: i64,
) -> Result<Vec<Kept>, Error> {
    let after = after.map_or("fru_~", FeeRuleId::as_str);
    tx.query(&PAGE_OF_ALL, binds![mode, after, limit])?
        .iter()
        .map(read)
        .collect()
}

fn read(row: &Row) -> Result<Kept, Error> {
    let scope = values::scope(row)?;
    let currency = match row.text_opt("currency")? {
        Some(_) => Some(values::currency(row)?),
        None => None,
    };
    let method = match row.text("method")?.as_str() {
        ANY => None,
        _ => Some(values::word(row, "method", Method::from_word)?),
    };
    Ok(Kept {
        rule: Rule {
            id: FeeRuleId::stored(row.text("id")?),
            number: row.int("number")?,
            of_tenant: scope.tenant != TenantId::platform(),
            method,
            currency,
            terms: terms(row, currency, ["bps", "fixed", "minimum", "maximum"])?,
            effective_from: values::time(row, "effective_from")?,
        },
        scope,
        created_at: values::time(row, "created_at")?,
    })
}

/// Terms as these four columns hold them; none where the first is empty.
pub(crate) fn terms(
    row: &Row,
    currency: Option<Currency>,
    [bps, fixed, minimum, maximum]: [&str; 4],
) -> Result<Option<Terms>, Error> {
    let Some(rate) = row.int_opt(bps)? else {
        return Ok(None);
    };
    let rest = (row.int(fixed)?, row.int_opt(minimum)?, row.int_opt(maximum)?);
    let (fixed, minimum, maximum) = rest;
    let terms = BasisPoints::new(rate).and_then(|rate| Terms::new(currency, rate, fixed, minimum, maximum));
    let unreadable = |_| Error::Schema(format!("column {bps} and those after it hold no terms of a fee"));
    terms.map(Some).map_err(unreadable)
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &INSERT,
    &LAST_NUMBER,
    &HISTORY,
    &BY_ID,
    &COUNT,
    &PAGE,
    &PAGE_OF_ALL,
];
