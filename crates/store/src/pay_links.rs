//! Public links to invoices. The token is derived from the secret key, the id and the generation, and is not
//! stored: it can be shown again and rotated, not read from the database.

use domain::{InvoiceId, LinkId, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// A link to one invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayLink {
    /// Whose invoice it opens.
    pub scope: Scope,
    /// The link's id, part of the token.
    pub id: LinkId,
    /// The invoice.
    pub invoice_id: InvoiceId,
    /// Raised by every rotation; tokens of older generations have run out.
    pub generation: i64,
    /// When the token runs out.
    pub expires_at: Timestamp,
    /// How often its page was looked at.
    pub views: Views,
}

/// How often the page of a link was looked at, through all its generations; several times within a minute
/// count once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Views {
    /// How often.
    pub count: i64,
    /// The first time.
    pub first_at: Option<Timestamp>,
    /// The last time.
    pub last_at: Option<Timestamp>,
}

const ROTATE: Sql = Sql::new(
    "insert into pay_links (tenant_id, livemode, id, invoice_id, generation, expires_at, created_at,
      updated_at)
     values ($1, $2, $3, $4, 1, $5, $6, $7)
     on conflict (tenant_id, livemode, invoice_id) do update set
       generation = pay_links.generation + 1, expires_at = excluded.expires_at,
         updated_at = excluded.updated_at
     returning tenant_id, livemode, id, invoice_id, generation, expires_at, views, first_viewed_at,
       last_viewed_at",
);

/// Makes the invoice's link, or rotates the one it has (its id stays). Answers the link in force.
pub fn rotate(tx: &mut Tx, link: &PayLink, at: Timestamp) -> Result<PayLink, Error> {
    let PayLink {
        scope,
        id,
        invoice_id,
        generation: _,
        expires_at,
        views: _,
    } = link;
    let binds = binds![&scope.tenant, scope.mode, id, invoice_id, *expires_at, at, at];
    read(&tx.one(&ROTATE, binds)?)
}

const BY_ID: Sql = Sql::new(
    "select tenant_id, livemode, id, invoice_id, generation, expires_at, views, first_viewed_at,
       last_viewed_at
     from pay_links
     where id = $1",
);

/// The link that a token names; the scope comes from it.
pub fn get(tx: &mut Tx, id: &LinkId) -> Result<Option<PayLink>, Error> {
    tx.optional(&BY_ID, binds![id])?.map(|row| read(&row)).transpose()
}

const OF_INVOICE: Sql = Sql::new(
    "select tenant_id, livemode, id, invoice_id, generation, expires_at, views, first_viewed_at,
       last_viewed_at
     from pay_links
     where tenant_id = $1 and livemode = $2 and invoice_id = $3",
);

/// The link of an invoice, if one was made.
pub fn of_invoice(tx: &mut Tx, scope: &Scope, invoice: &InvoiceId) -> Result<Option<PayLink>, Error> {
    let row = tx.optional(&OF_INVOICE, binds![&scope.tenant, scope.mode, invoice])?;
    row.map(|row| read(&row)).transpose()
}

const EXTEND: Sql = Sql::new(
    "update pay_links set expires_at = $4, updated_at = $5
     where tenant_id = $1 and livemode = $2 and id = $3 and expires_at < $4",
);

/// Lets a link be good for longer; its address stays the same.
pub fn extend(tx: &mut Tx, link: &PayLink, expires_at: Timestamp, at: Timestamp) -> Result<(), Error> {
    let binds = binds![&link.scope.tenant, link.scope.mode, &link.id, expires_at, at];
    tx.execute(&EXTEND, binds)?;
    Ok(())
}

const VIEW: Sql = Sql::new(
    "update pay_links set
       views = views + 1, first_viewed_at = coalesce(first_viewed_at, $4), last_viewed_at = $4
     where tenant_id = $1 and livemode = $2 and id = $3
       and (last_viewed_at is null or last_viewed_at <= $5)",
);

/// Notes that the page of a link was looked at, unless it was since `not_since`.
pub fn view(tx: &mut Tx, link: &PayLink, at: Timestamp, not_since: Timestamp) -> Result<(), Error> {
    let binds = binds![&link.scope.tenant, link.scope.mode, &link.id, at, not_since];
    tx.execute(&VIEW, binds)?;
    Ok(())
}

fn read(row: &Row) -> Result<PayLink, Error> {
    Ok(PayLink {
        scope: values::scope(row)?,
        id: LinkId::stored(row.text("id")?),
        invoice_id: InvoiceId::stored(row.text("invoice_id")?),
        generation: row.int("generation")?,
        expires_at: values::time(row, "expires_at")?,
        views: Views {
            count: row.int("views")?,
            first_at: values::time_opt(row, "first_viewed_at")?,
            last_at: values::time_opt(row, "last_viewed_at")?,
        },
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&ROTATE, &BY_ID, &OF_INVOICE, &EXTEND, &VIEW];
