//! Invoices and their lines. A finalized invoice's lines and sums never change; its status and `applied` move
//! with its payments, guarded by `version`.

use domain::invoice::{Discount, InvoiceState, Line, Quantity, TaxRate};
use domain::{ClientId, Currency, InvoiceId, Money, Scope, Timestamp};

use crate::clients::Client;
use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// To whom an invoice was made out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillTo {
    /// The name.
    pub name: String,
    /// The e-mail address, if there was one.
    pub email: Option<String>,
    /// The lines below the name: the address. Of invoices before migration 0046 the last may be the number
    /// with the tax office.
    pub details: Vec<String>,
    /// The number with the tax office, if it was known.
    pub tax_id: Option<String>,
}

impl BillTo {
    /// To a client as it is called now.
    pub fn of(client: &Client) -> BillTo {
        BillTo {
            name: client.name.clone(),
            email: client.email.clone(),
            details: client.address.clone(),
            tax_id: client.tax_id.clone(),
        }
    }
}

/// An invoice without its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// Its id.
    pub id: InvoiceId,
    /// Who owes it.
    pub client_id: ClientId,
    /// The number on the paper; given when it is finalized.
    pub number: Option<String>,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// A sentence for the payer.
    pub memo: Option<String>,
    /// `YYYY-MM-DD`, if it has one.
    pub due_date: Option<String>,
    /// Where it stands.
    pub status: InvoiceState,
    /// Raised by every change.
    pub version: i64,
    /// Sum of the lines, each less its own discount, minor units.
    pub subtotal: i64,
    /// What comes off the whole, as it was asked for.
    pub discount: Option<Discount>,
    /// What comes off the whole, minor units.
    pub discounted: i64,
    /// Sum of the taxes, minor units.
    pub tax: i64,
    /// What is to be paid.
    pub total: Money,
    /// What payments and credit have settled of it, minor units.
    pub applied: i64,
    /// What credit notes have taken off it, minor units.
    pub credited: i64,
    /// To whom it was made out, once it is finalized; `None` for what was finalized before this was kept.
    pub bill_to: Option<BillTo>,
    /// When it was drafted.
    pub created_at: Timestamp,
    /// When it was finalized.
    pub finalized_at: Option<Timestamp>,
    /// When it was paid in full.
    pub paid_at: Option<Timestamp>,
    /// When it was voided.
    pub voided_at: Option<Timestamp>,
}

impl Invoice {
    /// What is earned by it: the lines less all discounts, before tax, minor units.
    pub fn net(&self) -> i64 {
        self.subtotal.saturating_sub(self.discounted)
    }

    /// What is still owed.
    pub fn owed(&self) -> Money {
        Money::new(self.total.minor().saturating_sub(self.settled()), self.currency)
    }

    /// What is no longer owed: paid or credited, minor units.
    pub fn settled(&self) -> i64 {
        self.applied.saturating_add(self.credited)
    }
}

macro_rules! columns {
    () => {
        "id, client_id, number, currency, memo, due_date, status, version, subtotal, tax,
               total, applied, credited, bill_to_name, bill_to_email, bill_to_details, bill_to_tax_id,
               created_at, finalized_at, paid_at, voided_at, discount_bps, discount_fixed, discount"
    };
}

macro_rules! select_invoices {
    // Of those only whose id, or whatever it is compared with, is among some.
    (among $among:literal, $($rest:literal),+ $(,)?) => {
        Sql::new(concat!(
            "select ",
            columns!(),
            " from (",
            $among,
            ") found cross join invoices ",
            $($rest),+
        ))
    };
    ($($rest:literal),+ $(,)?) => {
        Sql::new(concat!("select ", columns!(), " from invoices ", $($rest),+))
    };
}

mod listed;

pub(crate) use listed::none_in;
pub use listed::{ALL as LISTED, page};

const INSERT: Sql = Sql::new(
    "insert into invoices (tenant_id, livemode, id, client_id, currency, memo, due_date, status, version,
       subtotal, tax, total, applied, created_at, discount_bps, discount_fixed, discount)
     values ($1, $2, $3, $4, $5, $6, $7, 'draft', 1, $8, $9, $10, 0, $11, $12, $13, $14)",
);

/// Adds a draft.
pub fn insert(tx: &mut Tx, scope: &Scope, invoice: &Invoice) -> Result<(), Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        &invoice.id,
        &invoice.client_id,
        invoice.currency.code(),
        invoice.memo.clone(),
        invoice.due_date.clone(),
        invoice.net(),
        invoice.tax,
        invoice.total.minor(),
        invoice.created_at,
        invoice.discount.and_then(Discount::percent_bps),
        invoice.discount.and_then(Discount::amount_minor),
        invoice.discounted
    ];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

const INSERT_LINE: Sql = Sql::new(
    "insert into invoice_lines (tenant_id, livemode, invoice_id, position, description, quantity_thousandths,
       unit_price, tax_rate_thousandths, amount, created_at, discount_bps, discount_fixed, discount)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
);

/// Adds the lines of a draft, in order.
pub fn insert_lines(
    tx: &mut Tx,
    scope: &Scope,
    id: &InvoiceId,
    lines: &[Line],
    at: Timestamp,
) -> Result<(), Error> {
    for (position, line) in (1_i64..).zip(lines) {
        let binds = binds![
            &scope.tenant,
            scope.mode,
            id,
            position,
            &line.description,
            line.quantity.thousandths(),
            line.unit_price_minor,
            line.tax_rate.thousandths_of_percent(),
            line.amount_minor,
            at,
            line.discount.and_then(Discount::percent_bps),
            line.discount.and_then(Discount::amount_minor),
            line.discount_minor
        ];
        tx.execute(&INSERT_LINE, binds)?;
    }
    Ok(())
}

const DELETE_LINES: Sql = Sql::new(
    "delete from invoice_lines
     where tenant_id = $1 and livemode = $2 and invoice_id = $3
       and exists (
         select 1 from invoices
         where tenant_id = $1 and livemode = $2 and id = $3 and status = 'draft')",
);

const EDIT: Sql = Sql::new(
    "update invoices set
       client_id = $4, currency = $5, memo = $6, due_date = $7, subtotal = $8, tax = $9, total = $10,
       discount_bps = $11, discount_fixed = $12, discount = $13, version = version + 1
     where tenant_id = $1 and livemode = $2 and id = $3 and status = 'draft' and version = $14",
);

/// Replaces the content of a draft; `false` when it is no draft of this version any more.
pub fn edit(tx: &mut Tx, scope: &Scope, invoice: &Invoice) -> Result<bool, Error> {
    tx.execute(&DELETE_LINES, binds![&scope.tenant, scope.mode, &invoice.id])?;
    let binds = binds![
        &scope.tenant,
        scope.mode,
        &invoice.id,
        &invoice.client_id,
        invoice.currency.code(),
        invoice.memo.clone(),
        invoice.due_date.clone(),
        invoice.net(),
        invoice.tax,
        invoice.total.minor(),
        invoice.discount.and_then(Discount::percent_bps),
        invoice.discount.and_then(Discount::amount_minor),
        invoice.discounted,
        invoice.version
    ];
    Ok(tx.execute(&EDIT, binds)? == 1)
}

const BY_ID: Sql = select_invoices!("where tenant_id = $1 and livemode = $2 and id = $3",);

/// One invoice of the scope.
pub fn get(tx: &mut Tx, scope: &Scope, id: &InvoiceId) -> Result<Option<Invoice>, Error> {
    let row = tx.optional(&BY_ID, binds![&scope.tenant, scope.mode, id])?;
    row.map(|row| read(&row)).transpose()
}

const LINES: Sql = Sql::new(
    "select description, quantity_thousandths, unit_price, tax_rate_thousandths, amount, discount_bps,
       discount_fixed, discount
     from invoice_lines
     where tenant_id = $1 and livemode = $2 and invoice_id = $3
     order by position",
);

/// The lines of an invoice, in order.
pub fn lines(tx: &mut Tx, scope: &Scope, id: &InvoiceId) -> Result<Vec<Line>, Error> {
    let rows = tx.query(&LINES, binds![&scope.tenant, scope.mode, id])?;
    rows.iter().map(read_line).collect()
}

const OPEN_OF_CLIENT: Sql = select_invoices!(
    "where tenant_id = $1 and livemode = $2 and client_id = $3 and currency = $4 and status = 'open'
     order by case when due_date is null then 1 else 0 end, due_date, id
     limit $5",
);

/// The open invoices of a client in a currency, the one that is due first on top.
pub fn open_of_client(
    tx: &mut Tx,
    scope: &Scope,
    client: &ClientId,
    currency: Currency,
    limit: i64,
) -> Result<Vec<Invoice>, Error> {
    let binds = binds![&scope.tenant, scope.mode, client, currency.code(), limit];
    tx.query(&OPEN_OF_CLIENT, binds)?.iter().map(read).collect()
}

const NEXT_NUMBER: Sql = Sql::new(
    "insert into invoice_numbers (tenant_id, livemode, last_number, created_at)
     values ($1, $2, 1, $3)
     on conflict (tenant_id, livemode) do update set last_number = invoice_numbers.last_number + 1
     returning last_number",
);

/// The next number of the tenant's series, without gaps: a rolled back transaction gives its number back.
pub fn next_number(tx: &mut Tx, scope: &Scope, at: Timestamp) -> Result<i64, Error> {
    tx.one(&NEXT_NUMBER, binds![&scope.tenant, scope.mode, at])?
        .int("last_number")
}

const FINALIZE: Sql = Sql::new(
    "update invoices set
       status = 'open', number = $4, finalized_at = $5, bill_to_name = $6, bill_to_email = $7,
       bill_to_details = $8, bill_to_tax_id = $9, version = version + 1
     where tenant_id = $1 and livemode = $2 and id = $3 and status = 'draft' and version = $10",
);

/// Moves a draft of this version to open and keeps to whom it is made out; `false` when it is none any more.
pub fn finalize(
    tx: &mut Tx,
    scope: &Scope,
    invoice: &Invoice,
    number: &str,
    to: &BillTo,
    at: Timestamp,
) -> Result<bool, Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        &invoice.id,
        number,
        at,
        &to.name,
        to.email.clone(),
        to.details.join("\n"),
        to.tax_id.clone(),
        invoice.version
    ];
    Ok(tx.execute(&FINALIZE, binds)? == 1)
}

const MOVE: Sql = Sql::new(
    "update invoices set
       status = $4, applied = $5, credited = $6, paid_at = $7, voided_at = $8, version = version + 1
     where tenant_id = $1 and livemode = $2 and id = $3 and version = $9",
);

/// Stores status, `applied`, `credited`, `paid_at` and `voided_at` over the version that was read; `false`
/// when it was changed.
pub fn store(tx: &mut Tx, scope: &Scope, invoice: &Invoice) -> Result<bool, Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        &invoice.id,
        invoice.status.word(),
        invoice.applied,
        invoice.credited,
        invoice.paid_at.map(Timestamp::ms),
        invoice.voided_at.map(Timestamp::ms),
        invoice.version
    ];
    Ok(tx.execute(&MOVE, binds)? == 1)
}

pub(crate) fn read(row: &Row) -> Result<Invoice, Error> {
    let details = row.text_opt("bill_to_details")?.unwrap_or_default();
    let bill_to = match row.text_opt("bill_to_name")? {
        Some(name) => Some(BillTo {
            name,
            email: row.text_opt("bill_to_email")?,
            details: details.lines().map(str::to_owned).collect(),
            tax_id: row.text_opt("bill_to_tax_id")?,
        }),
        None => None,
    };
    let discounted = row.int("discount")?;
    Ok(Invoice {
        id: InvoiceId::stored(row.text("id")?),
        client_id: ClientId::stored(row.text("client_id")?),
        number: row.text_opt("number")?,
        currency: values::currency(row)?,
        memo: row.text_opt("memo")?,
        due_date: row.text_opt("due_date")?,
        status: values::word(row, "status", InvoiceState::from_word)?,
        version: row.int("version")?,
        // The column is what is left of the lines after the discount, which is what total and tax rest on.
        subtotal: row.int("subtotal")?.saturating_add(discounted),
        discount: discount(row)?,
        discounted,
        tax: row.int("tax")?,
        total: values::money(row, "total")?,
        applied: row.int("applied")?,
        credited: row.int("credited")?,
        bill_to,
        created_at: values::time(row, "created_at")?,
        finalized_at: values::time_opt(row, "finalized_at")?,
        paid_at: values::time_opt(row, "paid_at")?,
        voided_at: values::time_opt(row, "voided_at")?,
    })
}

fn read_line(row: &Row) -> Result<Line, Error> {
    let rate = TaxRate::from_thousandths_of_percent(row.int("tax_rate_thousandths")?)
        .map_err(|refusal| Error::Schema(refusal.to_string()))?;
    Ok(Line {
        description: row.text("description")?,
        quantity: Quantity::from_thousandths(row.int("quantity_thousandths")?),
        unit_price_minor: row.int("unit_price")?,
        tax_rate: rate,
        discount: discount(row)?,
        discount_minor: row.int("discount")?,
        amount_minor: row.int("amount")?,
    })
}

fn discount(row: &Row) -> Result<Option<Discount>, Error> {
    let (bps, fixed) = (row.int_opt("discount_bps")?, row.int_opt("discount_fixed")?);
    Ok(Discount::stored(bps, fixed))
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &INSERT,
    &INSERT_LINE,
    &DELETE_LINES,
    &EDIT,
    &BY_ID,
    &LINES,
    &OPEN_OF_CLIENT,
    &NEXT_NUMBER,
    &FINALIZE,
    &MOVE,
];
