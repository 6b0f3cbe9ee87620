//! What of a client's credit paid which invoice.

use domain::{ClientCreditId, ClientId, CreditApplicationId, Currency, InvoiceId, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// A client's credit that paid an invoice. Amounts are minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditApplication {
    /// Its id.
    pub id: CreditApplicationId,
    /// Whose credit.
    pub client_id: ClientId,
    /// The invoice.
    pub invoice_id: InvoiceId,
    /// The currency of both.
    pub currency: Currency,
    /// Which pieces of credit were used, and how much of each.
    pub uses: Vec<(ClientCreditId, i64)>,
    /// When.
    pub created_at: Timestamp,
}

impl CreditApplication {
    /// All of it.
    pub fn amount(&self) -> i64 {
        self.uses.iter().map(|(_, amount)| *amount).sum()
    }
}

const INSERT: Sql = Sql::new(
    "insert into credit_applications (tenant_id, livemode, id, position, client_id, invoice_id,
       client_credit_id, currency, amount, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
);

/// Adds an application.
pub fn insert(tx: &mut Tx, scope: &Scope, application: &CreditApplication) -> Result<(), Error> {
    for (position, (credit, amount)) in (1_i64..).zip(&application.uses) {
        let binds = binds![
            &scope.tenant,
            scope.mode,
            &application.id,
            position,
            &application.client_id,
            &application.invoice_id,
            credit,
            application.currency.code(),
            *amount,
            application.created_at
        ];
        tx.execute(&INSERT, binds)?;
    }
    Ok(())
}

const BY_ID: Sql = Sql::new(
    "select id, client_id, invoice_id, client_credit_id, currency, amount, created_at
     from credit_applications
     where tenant_id = $1 and livemode = $2 and id = $3
     order by position",
);

/// One application.
pub fn get(tx: &mut Tx, scope: &Scope, id: &CreditApplicationId) -> Result<Option<CreditApplication>, Error> {
    let rows = tx.query(&BY_ID, binds![&scope.tenant, scope.mode, id])?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let used = |row: &Row| {
        Ok((
            ClientCreditId::stored(row.text("client_credit_id")?),
            row.int("amount")?,
        ))
    };
    Ok(Some(CreditApplication {
        id: CreditApplicationId::stored(first.text("id")?),
        client_id: ClientId::stored(first.text("client_id")?),
        invoice_id: InvoiceId::stored(first.text("invoice_id")?),
        currency: values::currency(first)?,
        uses: rows.iter().map(used).collect::<Result<_, Error>>()?,
        created_at: values::time(first, "created_at")?,
    }))
}

const OF_CREDIT: Sql = Sql::new(
    "select invoice_id, cast(sum(amount) as bigint) as amount
     from credit_applications
     where tenant_id = $1 and livemode = $2 and client_credit_id = $3
     group by invoice_id
     order by invoice_id",
);

/// Which invoices a piece of credit has paid, and how much of each.
pub fn of_credit(
    tx: &mut Tx,
    scope: &Scope,
    credit: &ClientCreditId,
) -> Result<Vec<(InvoiceId, i64)>, Error> {
    let rows = tx.query(&OF_CREDIT, binds![&scope.tenant, scope.mode, credit])?;
    let used = |row: &Row| Ok((InvoiceId::stored(row.text("invoice_id")?), row.int("amount")?));
    rows.iter().map(used).collect()
}

const OF_INVOICE: Sql = Sql::new(
    "select id, created_at, cast(sum(amount) as bigint) as amount
     from credit_applications
     where tenant_id = $1 and livemode = $2 and invoice_id = $3
     group by id, created_at
     order by created_at, id
     limit 100",
);

/// Credit that paid an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// When.
    pub at: Timestamp,
    /// How much, in minor units of the invoice's currency.
    pub amount: i64,
}

/// When credit paid an invoice, and how much each time; oldest first.
pub fn of_invoice(tx: &mut Tx, scope: &Scope, invoice: &InvoiceId) -> Result<Vec<Used>, Error> {
    let rows = tx.query(&OF_INVOICE, binds![&scope.tenant, scope.mode, invoice])?;
    let used = |row: &Row| {
        Ok(Used {
            at: values::time(row, "created_at")?,
            amount: row.int("amount")?,
        })
    };
    rows.iter().map(used).collect()
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&INSERT, &BY_ID, &OF_CREDIT, &OF_INVOICE];
