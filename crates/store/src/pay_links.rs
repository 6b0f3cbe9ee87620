//! Public links to invoices, one for each recipient. The token is derived from the secret key, the id and the
//! generation, and is not stored: it can be shown again and rotated, not read from the database.

use domain::pay_link::{LinkKind, LinkState};
use domain::{InvoiceId, LinkId, MailAddress, Scope, Timestamp};

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
    /// How somebody came to it.
    pub kind: LinkKind,
    /// For whom it is; nobody in particular where it is shared.
    pub recipient: Option<Recipient>,
    /// The link whose holder forwarded the invoice.
    pub parent: Option<LinkId>,
    /// Raised by every rotation; tokens of older generations have run out.
    pub generation: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the token runs out.
    pub expires_at: Timestamp,
    /// When the tenant took it back.
    pub revoked_at: Option<Timestamp>,
    /// How often its page was looked at.
    pub views: Views,
}

/// For whom a link is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Their address.
    pub address: MailAddress,
    /// Their name, if it is known.
    pub name: Option<String>,
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

impl PayLink {
    /// A new link, made now, good until `expires_at`.
    pub fn new(
        scope: &Scope,
        id: LinkId,
        invoice_id: &InvoiceId,
        kind: LinkKind,
        [created_at, expires_at]: [Timestamp; 2],
    ) -> PayLink {
        PayLink {
            scope: scope.clone(),
            id,
            invoice_id: invoice_id.clone(),
            kind,
            recipient: None,
            parent: None,
            generation: 1,
            created_at,
            expires_at,
            revoked_at: None,
            views: Views::default(),
        }
    }

    /// Whether it opens its invoice.
    pub fn state(&self, now: Timestamp) -> LinkState {
        LinkState::at(now, self.expires_at, self.revoked_at)
    }
}

macro_rules! columns {
    ($before:literal, $after:literal $(,)?) => {
        Sql::new(concat!(
            $before,
            " tenant_id, livemode, id, invoice_id, kind, recipient, recipient_name, parent_id, generation,
               created_at, expires_at, revoked_at, views, first_viewed_at, last_viewed_at
             ",
            $after
        ))
    };
}

const ROTATE: Sql = Sql::new(
    "insert into pay_links (tenant_id, livemode, id, invoice_id, kind, generation, expires_at, created_at,
       updated_at)
     values ($1, $2, $3, $4, 'shared', 1, $5, $6, $6)
     on conflict (tenant_id, livemode, invoice_id) where kind = 'shared' and revoked_at is null do update set
       generation = pay_links.generation + 1, expires_at = excluded.expires_at,
       updated_at = excluded.updated_at
     returning tenant_id, livemode, id, invoice_id, kind, recipient, recipient_name, parent_id, generation,
       created_at, expires_at, revoked_at, views, first_viewed_at, last_viewed_at",
);

/// Makes the invoice's shared link, or rotates the one it has (its id stays): what its holders forwarded is
/// taken back. Answers the link in force.
pub fn rotate(tx: &mut Tx, link: &PayLink) -> Result<PayLink, Error> {
    let PayLink { scope, id, .. } = link;
    let (invoice, expires_at, at) = (&link.invoice_id, link.expires_at, link.created_at);
    let binds = binds![&scope.tenant, scope.mode, id, invoice, expires_at, at];
    let rotated = read(&tx.one(&ROTATE, binds)?)?;
    tx.execute(
        &REVOKE_FORWARDED,
        binds![&scope.tenant, scope.mode, &rotated.id, at],
    )?;
    Ok(rotated)
}

const REVOKE_FORWARDED: Sql = Sql::new(
    "update pay_links set revoked_at = $4, updated_at = $4
     where tenant_id = $1 and livemode = $2 and parent_id = $3 and revoked_at is null",
);

const INSERT: Sql = Sql::new(
    "insert into pay_links (tenant_id, livemode, id, invoice_id, kind, recipient, recipient_key,
       recipient_name, parent_id, generation, expires_at, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $11, $11)
     on conflict do nothing",
);

/// Adds a recipient's link; `false` when it is there already.
pub fn insert(tx: &mut Tx, link: &PayLink) -> Result<bool, Error> {
    let recipient = link.recipient.as_ref();
    let binds = binds![
        &link.scope.tenant,
        link.scope.mode,
        &link.id,
        &link.invoice_id,
        link.kind.word(),
        recipient.map(|to| to.address.as_str().to_owned()),
        recipient.map(|to| to.address.key()),
        recipient.and_then(|to| to.name.clone()),
        link.parent.as_ref().map(|id| id.as_str().to_owned()),
        link.expires_at,
        link.created_at
    ];
    Ok(tx.execute(&INSERT, binds)? == 1)
}

const BY_ID: Sql = columns!("select", "from pay_links where id = $1");

/// The link that a token names; the scope comes from it.
pub fn get(tx: &mut Tx, id: &LinkId) -> Result<Option<PayLink>, Error> {
    tx.optional(&BY_ID, binds![id])?.map(|row| read(&row)).transpose()
}

const SHARED: Sql = columns!(
    "select",
    "from pay_links
     where tenant_id = $1 and livemode = $2 and invoice_id = $3 and kind = 'shared' and revoked_at is null",
);

/// The shared link of an invoice, if one was made and not revoked.
pub fn shared(tx: &mut Tx, scope: &Scope, invoice: &InvoiceId) -> Result<Option<PayLink>, Error> {
    let row = tx.optional(&SHARED, binds![&scope.tenant, scope.mode, invoice])?;
    row.map(|row| read(&row)).transpose()
}

const SHARED_REVOKED: Sql = Sql::new(
    "select id
     from pay_links
     where tenant_id = $1 and livemode = $2 and invoice_id = $3 and kind = 'shared'
       and revoked_at is not null
     limit 1",
);

/// Whether the tenant took the shared link of an invoice back.
pub fn shared_revoked(tx: &mut Tx, scope: &Scope, invoice: &InvoiceId) -> Result<bool, Error> {
    let row = tx.optional(&SHARED_REVOKED, binds![&scope.tenant, scope.mode, invoice])?;
    Ok(row.is_some())
}

const MAILED_TO: Sql = columns!(
    "select",
    "from pay_links
     where tenant_id = $1 and livemode = $2 and invoice_id = $3 and recipient_key = $4
       and kind in ('mailed', 'mailed_copy')
     order by case when revoked_at is null then 0 else 1 end, id desc
     limit 1",
);

/// The link that is mailed to an address: the one that was not revoked, else the newest.
pub fn mailed_to(
    tx: &mut Tx,
    scope: &Scope,
    invoice: &InvoiceId,
    address: &MailAddress,
) -> Result<Option<PayLink>, Error> {
    let binds = binds![&scope.tenant, scope.mode, invoice, address.key()];
    let row = tx.optional(&MAILED_TO, binds)?;
    row.map(|row| read(&row)).transpose()
}

const PAGE: Sql = columns!(
    "select",
    "from pay_links
     where tenant_id = $1 and livemode = $2 and invoice_id = $3 and id < $4
     order by id desc
     limit $5",
);

/// The links of an invoice, newest first, after the given id (exclusive).
pub fn page(
    tx: &mut Tx,
    scope: &Scope,
    invoice: &InvoiceId,
    after: Option<&LinkId>,
    limit: i64,
) -> Result<Vec<PayLink>, Error> {
    let after = after.map_or("lnk_~", LinkId::as_str);
    let binds = binds![&scope.tenant, scope.mode, invoice, after, limit];
    tx.query(&PAGE, binds)?.iter().map(read).collect()
}

const FORWARDED_BY: Sql = columns!(
    "select",
    "from pay_links
     where tenant_id = $1 and livemode = $2 and parent_id = $3
     order by id",
);

/// To whom the holder of a link forwarded the invoice, in that order. No more than the bound on forwards.
pub fn forwarded_by(tx: &mut Tx, link: &PayLink) -> Result<Vec<PayLink>, Error> {
    let binds = binds![&link.scope.tenant, link.scope.mode, &link.id];
    tx.query(&FORWARDED_BY, binds)?.iter().map(read).collect()
}

const COUNT: Sql = Sql::new(
    "select count(*) as links
     from pay_links
     where tenant_id = $1 and livemode = $2 and invoice_id = $3 and kind = $4
       and (kind = 'forwarded' or revoked_at is null)",
);

/// How many links of a kind an invoice has: all that were ever forwarded, others without those revoked.
pub fn count(tx: &mut Tx, scope: &Scope, invoice: &InvoiceId, kind: LinkKind) -> Result<i64, Error> {
    let binds = binds![&scope.tenant, scope.mode, invoice, kind.word()];
    tx.one(&COUNT, binds)?.int("links")
}

const ANY: Sql = Sql::new(
    "select id
     from pay_links
     where tenant_id = $1 and livemode = $2 and invoice_id = $3
     limit 1",
);

/// Whether an invoice has a link at all.
pub fn any(tx: &mut Tx, scope: &Scope, invoice: &InvoiceId) -> Result<bool, Error> {
    let row = tx.optional(&ANY, binds![&scope.tenant, scope.mode, invoice])?;
    Ok(row.is_some())
}

const EXTEND: Sql = Sql::new(
    "update pay_links set expires_at = $4, updated_at = $5
     where tenant_id = $1 and livemode = $2 and id = $3 and expires_at < $4 and revoked_at is null",
);

/// Lets a link be good for longer; its address stays the same.
pub fn extend(tx: &mut Tx, link: &PayLink, expires_at: Timestamp, at: Timestamp) -> Result<(), Error> {
    let binds = binds![&link.scope.tenant, link.scope.mode, &link.id, expires_at, at];
    tx.execute(&EXTEND, binds)?;
    Ok(())
}

const RENEW: Sql = Sql::new(
    "update pay_links set generation = generation + 1, expires_at = $4, updated_at = $5
     where tenant_id = $1 and livemode = $2 and id = $3 and generation = $6 and revoked_at is null",
);

/// Gives a link a new address that is good until then; the old one stays run out.
pub fn renew(tx: &mut Tx, link: &PayLink, expires_at: Timestamp, at: Timestamp) -> Result<PayLink, Error> {
    let (scope, generation) = (&link.scope, link.generation);
    let binds = binds![&scope.tenant, scope.mode, &link.id, expires_at, at, generation];
    if tx.execute(&RENEW, binds)? != 1 {
        return Err(Error::Conflict);
    }
    Ok(PayLink {
        generation: generation + 1,
        expires_at,
        ..link.clone()
    })
}

const REVOKE: Sql = Sql::new(
    "update pay_links set revoked_at = $4, updated_at = $4
     where tenant_id = $1 and livemode = $2 and revoked_at is null and id in (
       select id from pay_links where tenant_id = $1 and livemode = $2 and id = $3
       union all
       select id from pay_links where tenant_id = $1 and livemode = $2 and parent_id = $3)",
);

/// Takes a link back, and those that its holder forwarded. Answers how many that were.
pub fn revoke(tx: &mut Tx, link: &PayLink, at: Timestamp) -> Result<u64, Error> {
    tx.execute(&REVOKE, binds![&link.scope.tenant, link.scope.mode, &link.id, at])
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

const CLIENTS_VIEWS: Sql = Sql::new(
    "select cast(coalesce(sum(views), 0) as bigint) as views, min(first_viewed_at) as first_viewed_at,
       max(last_viewed_at) as last_viewed_at
     from pay_links
     where tenant_id = $1 and livemode = $2 and invoice_id = $3 and kind not in ('mailed_copy', 'copied')",
);

/// How often an invoice's client looked at it, by all the links that it has: without those of people whom the
/// tenant chose itself.
pub fn clients_views(tx: &mut Tx, scope: &Scope, invoice: &InvoiceId) -> Result<Views, Error> {
    views(&tx.one(&CLIENTS_VIEWS, binds![&scope.tenant, scope.mode, invoice])?)
}

fn views(row: &Row) -> Result<Views, Error> {
    Ok(Views {
        count: row.int("views")?,
        first_at: values::time_opt(row, "first_viewed_at")?,
        last_at: values::time_opt(row, "last_viewed_at")?,
    })
}

fn read(row: &Row) -> Result<PayLink, Error> {
    let address = row.text_opt("recipient")?.map(MailAddress::stored);
    let name = row.text_opt("recipient_name")?;
    Ok(PayLink {
        scope: values::scope(row)?,
        id: LinkId::stored(row.text("id")?),
        invoice_id: InvoiceId::stored(row.text("invoice_id")?),
        kind: values::word(row, "kind", LinkKind::parse)?,
        recipient: address.map(|address| Recipient { address, name }),
        parent: row.text_opt("parent_id")?.map(LinkId::stored),
        generation: row.int("generation")?,
        created_at: values::time(row, "created_at")?,
        expires_at: values::time(row, "expires_at")?,
        revoked_at: values::time_opt(row, "revoked_at")?,
        views: views(row)?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &ROTATE,
    &REVOKE_FORWARDED,
    &INSERT,
    &BY_ID,
    &SHARED,
    &SHARED_REVOKED,
    &MAILED_TO,
    &PAGE,
    &FORWARDED_BY,
    &COUNT,
    &ANY,
    &EXTEND,
    &RENEW,
    &REVOKE,
    &VIEW,
    &CLIENTS_VIEWS,
];
