//! The audit log: who did what, when, from where, and what it changed. Append-only. What concerns no tenant
//! is kept under the platform's id.

use domain::{AuditId, Mode, Scope, TenantId, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// One row of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// The row's id.
    pub id: AuditId,
    /// Whose matter it is; none for the platform's own.
    pub scope: Option<Scope>,
    /// What kind of actor did it, such as `api_key`.
    pub actor: String,
    /// Which of them: the id of a key or a link.
    pub actor_id: Option<String>,
    /// The client's address, where it came over HTTP.
    pub address: Option<String>,
    /// The id of the request.
    pub request_id: Option<String>,
    /// What was done, such as `invoice.finalized`.
    pub action: String,
    /// To what: an id.
    pub subject_id: String,
    /// What it was before, as short JSON.
    pub before: Option<String>,
    /// What it is now, as short JSON.
    pub after: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Where a row of this scope is kept: the platform's matters have no mode, and 0 is written.
fn kept_under(scope: Option<&Scope>) -> Scope {
    scope.cloned().unwrap_or(Scope {
        tenant: TenantId::platform(),
        mode: Mode::Test,
    })
}

const INSERT: Sql = Sql::new(
    "insert into audit_log (id, tenant_id, livemode, actor, actor_id, address, request_id, action, subject_id,
       before_state, after_state, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
);

/// Adds a row.
pub fn insert(tx: &mut Tx, row: &Noted) -> Result<(), Error> {
    let scope = kept_under(row.scope.as_ref());
    let binds = binds![
        &row.id,
        &scope.tenant,
        scope.mode,
        &row.actor,
        row.actor_id.clone(),
        row.address.clone(),
        row.request_id.clone(),
        &row.action,
        &row.subject_id,
        row.before.clone(),
        row.after.clone(),
        row.at
    ];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

const PAGE: Sql = Sql::new(
    "select id, tenant_id, livemode, actor, actor_id, address, request_id, action, subject_id, before_state,
       after_state, created_at
     from audit_log
     where tenant_id = $1 and livemode = $2 and id < $3
     order by id desc
     limit $4",
);

const PAGE_BY_ACTION: Sql = Sql::new(
    "select id, tenant_id, livemode, actor, actor_id, address, request_id, action, subject_id, before_state,
       after_state, created_at
     from audit_log
     where tenant_id = $1 and livemode = $2 and action = $3 and id < $4
     order by id desc
     limit $5",
);

/// Which rows of the log are asked for, newest first.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Only rows of this action.
    pub action: Option<String>,
    /// Only rows older than this one.
    pub after: Option<AuditId>,
    /// At most so many.
    pub limit: i64,
}

/// Sorts behind every id.
const END: &str = "~";

/// A tenant's rows in one mode, newest first.
pub fn page(tx: &mut Tx, scope: &Scope, wanted: &Wanted) -> Result<Vec<Noted>, Error> {
    let after = wanted.after.as_ref().map_or(END, AuditId::as_str);
    let (tenant, mode, limit) = (&scope.tenant, scope.mode, wanted.limit);
    let rows = match &wanted.action {
        Some(action) => tx.query(&PAGE_BY_ACTION, binds![tenant, mode, action, after, limit]),
        None => tx.query(&PAGE, binds![tenant, mode, after, limit]),
    };
    rows?.iter().map(read).collect()
}

const OF_SUBJECT: Sql = Sql::new(
    "select id, tenant_id, livemode, actor, actor_id, address, request_id, action, subject_id, before_state,
       after_state, created_at
     from audit_log
     where tenant_id = $1 and livemode = $2 and subject_id = $3
     order by id
     limit 100",
);

/// What was done to something, oldest first: the first hundred rows.
pub fn of_subject(tx: &mut Tx, scope: &Scope, subject: &str) -> Result<Vec<Noted>, Error> {
    tx.query(&OF_SUBJECT, binds![&scope.tenant, scope.mode, subject])?
        .iter()
        .map(read)
        .collect()
}

const PAGE_OF_ALL: Sql = Sql::new(
    "select id, tenant_id, livemode, actor, actor_id, address, request_id, action, subject_id, before_state,
       after_state, created_at
     from audit_log
     where id < $1
     order by id desc
     limit $2",
);

const PAGE_OF_ALL_BY_ACTION: Sql = Sql::new(
    "select id, tenant_id, livemode, actor, actor_id, address, request_id, action, subject_id, before_state,
       after_state, created_at
     from audit_log
     where action = $1 and id < $2
     order by id desc
     limit $3",
);

/// Everybody's rows, newest first: for the platform's operator.
pub fn page_of_all(tx: &mut Tx, wanted: &Wanted) -> Result<Vec<Noted>, Error> {
    let after = wanted.after.as_ref().map_or(END, AuditId::as_str);
    let rows = match &wanted.action {
        Some(action) => tx.query(&PAGE_OF_ALL_BY_ACTION, binds![action, after, wanted.limit]),
        None => tx.query(&PAGE_OF_ALL, binds![after, wanted.limit]),
    };
    rows?.iter().map(read).collect()
}

/// What an operator looks for in everybody's rows, newest first.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Only rows of this action.
    pub action: Option<String>,
    /// Only rows of this tenant; the platform's own are its own.
    pub tenant: Option<TenantId>,
    /// Only rows of this kind of actor.
    pub actor: Option<String>,
    /// Only rows that name this id: as what it was done to, who did it, or by which request.
    pub names: Option<String>,
    /// Only rows older than this one.
    pub after: Option<AuditId>,
    /// At most so many.
    pub limit: i64,
}

macro_rules! search_rows {
    ($first:literal) => {
        Sql::new(concat!(
            "select id, tenant_id, livemode, actor, actor_id, address, request_id, action, subject_id,
               before_state, after_state, created_at
             from audit_log ",
            $first,
            " and id < $1 and (cast($2 as text) is null or action = $2)
               and (cast($3 as text) is null or tenant_id = $3)
               and (cast($4 as text) is null or actor = $4)
             order by id desc
             limit $5"
        ))
    };
}

const SEARCH: Sql = search_rows!("where id <> ''");
const SEARCH_BY_ACTION: Sql = search_rows!("where action = $2");
const SEARCH_BY_SUBJECT: Sql = search_rows!("where subject_id = $6");
const SEARCH_BY_ACTOR: Sql = search_rows!("where actor_id = $6");
const SEARCH_BY_REQUEST: Sql = search_rows!("where request_id = $6");

/// Everybody's rows that are looked for, newest first: for the platform's operator.
pub fn search(tx: &mut Tx, search: &Search) -> Result<Vec<Noted>, Error> {
    let after = search.after.as_ref().map_or(END, AuditId::as_str);
    let tenant = search.tenant.as_ref().map(|tenant| tenant.as_str().to_owned());
    let common = binds![
        after,
        search.action.clone(),
        tenant,
        search.actor.clone(),
        search.limit
    ]
    .to_vec();
    let Some(names) = &search.names else {
        let sql = match &search.action {
            Some(_) => &SEARCH_BY_ACTION,
            None => &SEARCH,
        };
        return tx.query(sql, &common)?.iter().map(read).collect();
    };
    let mut found: Vec<Noted> = Vec::new();
    for sql in [&SEARCH_BY_SUBJECT, &SEARCH_BY_ACTOR, &SEARCH_BY_REQUEST] {
        let mut binds = common.clone();
        binds.push(names.into());
        for row in tx.query(sql, &binds)? {
            found.push(read(&row)?);
        }
    }
    found.sort_by(|a, b| b.id.as_str().cmp(a.id.as_str()));
    found.dedup_by(|a, b| a.id == b.id);
    found.truncate(usize::try_from(search.limit).unwrap_or(usize::MAX));
    Ok(found)
}

const PAYERS_ADDRESS: Sql = Sql::new(
    "select address
     from audit_log
     where tenant_id = $1 and livemode = $2 and action = 'invoice.payment_requested' and id >= $4 and id <= $5
       and subject_id = $3 and actor = 'payer' and address is not null
     order by id desc
     limit 1",
);

/// From where a payer pressed Pay for an invoice last, in the span between two ids.
pub fn payers_address(
    tx: &mut Tx,
    scope: &Scope,
    invoice: &str,
    (from, to): &(AuditId, AuditId),
) -> Result<Option<String>, Error> {
    let binds = binds![&scope.tenant, scope.mode, invoice, from, to];
    match tx.optional(&PAYERS_ADDRESS, binds)? {
        Some(row) => row.text_opt("address"),
        None => Ok(None),
    }
}

fn read(row: &Row) -> Result<Noted, Error> {
    let scope = values::scope(row)?;
    Ok(Noted {
        id: AuditId::stored(row.text("id")?),
        scope: (scope.tenant != TenantId::platform()).then_some(scope),
        actor: row.text("actor")?,
        actor_id: row.text_opt("actor_id")?,
        address: row.text_opt("address")?,
        request_id: row.text_opt("request_id")?,
        action: row.text("action")?,
        subject_id: row.text("subject_id")?,
        before: row.text_opt("before_state")?,
        after: row.text_opt("after_state")?,
        at: values::time(row, "created_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &INSERT,
    &OF_SUBJECT,
    &PAGE,
    &PAGE_BY_ACTION,
    &PAGE_OF_ALL,
    &PAGE_OF_ALL_BY_ACTION,
    &SEARCH,
    &SEARCH_BY_ACTION,
    &SEARCH_BY_SUBJECT,
    &SEARCH_BY_ACTOR,
    &SEARCH_BY_REQUEST,
    &PAYERS_ADDRESS,
];
