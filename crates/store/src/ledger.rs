//! The books: append-only, balanced transactions. Each fact is booked once, by its kind and source.

use domain::ledger::{Account, Entry, Transaction};
use domain::{InvoiceId, LedgerTransactionId, PaymentId, Scope, Timestamp};

use crate::binds;
use crate::db::{Error, Sql, Tx};

/// What a transaction is about, beside its entries.
#[derive(Clone, Debug)]
pub struct Posting<'a> {
    /// Whose books.
    pub scope: &'a Scope,
    /// The transaction's id.
    pub id: LedgerTransactionId,
    /// The object that is the reason: an invoice, `pi_…`, `ch_…`, `fee_…`. With the kind, what makes it
    /// happen once.
    pub source_id: &'a str,
    /// The invoice, where there is one.
    pub invoice_id: Option<&'a InvoiceId>,
    /// The payment, where there is one.
    pub payment_id: Option<&'a PaymentId>,
    /// The transaction that this one undoes.
    pub reverses: Option<LedgerTransactionId>,
    /// When it was booked.
    pub at: Timestamp,
}

const INSERT: Sql = Sql::new(
    "insert into ledger_transactions (tenant_id, livemode, id, kind, source_id, invoice_id, payment_id,
      currency,
       reverses, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     on conflict (tenant_id, livemode, kind, source_id) do nothing",
);

const INSERT_ENTRY: Sql = Sql::new(
    "insert into ledger_entries (tenant_id, livemode, transaction_id, position, account, currency, amount,
       invoice_id, created_at)
     values ($1, $2, $3, $6, $7, $4, $8, $9, $5)",
);

/// Two entries at once: most transactions have no more.
const INSERT_ENTRIES: Sql = Sql::new(
    "insert into ledger_entries (tenant_id, livemode, transaction_id, position, account, currency, amount,
       invoice_id, created_at)
     values ($1, $2, $3, $6, $7, $4, $8, $9, $5),
       ($1, $2, $3, cast($6 as bigint) + 1, $10, $4, $11, $12, $5)",
);

/// Books a transaction; `false`, and nothing changes, when this fact is booked already.
pub fn post(tx: &mut Tx, posting: &Posting, transaction: &Transaction) -> Result<bool, Error> {
    let Posting {
        scope,
        id,
        source_id,
        invoice_id,
        payment_id,
        reverses,
        at,
    } = posting;
    let currency = transaction.currency().code();
    let binds = binds![
        &scope.tenant,
        scope.mode,
        id,
        transaction.kind().word(),
        *source_id,
        invoice_id.map(|id| id.as_str().to_owned()),
        payment_id.map(|id| id.as_str().to_owned()),
        currency,
        reverses.as_ref().map(|id| id.as_str().to_owned()),
        *at
    ];
    if tx.execute(&INSERT, binds)? == 0 {
        return Ok(false);
    }
    // An entry of the transaction's own invoice need not name it again.
    let of_other = |entry: &Entry| {
        let other = entry.invoice.as_ref().filter(|id| Some(*id) != *invoice_id);
        other.map(|id| id.as_str().to_owned())
    };
    for (position, entries) in (1_i64..).step_by(2).zip(transaction.entries().chunks(2)) {
        let (first, second) = (&entries[0], entries.get(1));
        let mut binds = binds![
            &scope.tenant,
            scope.mode,
            id,
            currency,
            *at,
            position,
            first.account.word(),
            first.amount_minor,
            of_other(first)
        ]
        .to_vec();
        if let Some(second) = second {
            binds.extend_from_slice(binds![
                second.account.word(),
                second.amount_minor,
                of_other(second)
            ]);
        }
        let insert = if second.is_some() {
            &INSERT_ENTRIES
        } else {
            &INSERT_ENTRY
        };
        tx.execute(insert, &binds)?;
    }
    add_to_statement(tx, posting, transaction)?;
    Ok(true)
}

const INSERT_LINE: Sql = Sql::new(
    "insert into client_lines (tenant_id, livemode, client_id, currency, transaction_id, amount, created_at)
     select $1, $2, i.client_id, $3, $4, $5, $6
     from invoices i
     where i.tenant_id = $1 and i.livemode = $2 and i.id = coalesce($7, $8, (
       select p.invoice_id from payments p where p.tenant_id = $1 and p.livemode = $2 and p.id = $9))",
);

/// What a transaction changes of what its client owes is a line of the client's statement.
fn add_to_statement(tx: &mut Tx, posting: &Posting, transaction: &Transaction) -> Result<(), Error> {
    let of_client = |entry: &&Entry| matches!(entry.account, Account::Receivable | Account::ClientCredit);
    let entries: Vec<&Entry> = transaction.entries().iter().filter(of_client).collect();
    let amounts = entries.iter().map(|entry| entry.amount_minor);
    let amount = amounts.fold(0_i64, i64::saturating_add);
    if amount == 0 {
        return Ok(());
    }
    let of_several = entries.iter().find_map(|entry| entry.invoice.as_ref());
    let id = |id: Option<&InvoiceId>| id.map(|id| id.as_str().to_owned());
    let binds = binds![
        &posting.scope.tenant,
        posting.scope.mode,
        transaction.currency().code(),
        &posting.id,
        amount,
        posting.at,
        id(posting.invoice_id),
        id(of_several),
        posting.payment_id.map(|id| id.as_str().to_owned())
    ];
    tx.execute(&INSERT_LINE, binds)?;
    Ok(())
}

const BY_SOURCE: Sql = Sql::new(
    "select id
     from ledger_transactions
     where tenant_id = $1 and livemode = $2 and kind = $3 and source_id = $4",
);

/// The transaction that booked a fact.
pub fn find(
    tx: &mut Tx,
    scope: &Scope,
    kind: domain::ledger::Kind,
    source_id: &str,
) -> Result<Option<LedgerTransactionId>, Error> {
    let row = tx.optional(
        &BY_SOURCE,
        binds![&scope.tenant, scope.mode, kind.word(), source_id],
    )?;
    row.map(|row| row.text("id").map(LedgerTransactionId::stored))
        .transpose()
}

const TAKEN_BACK: Sql = Sql::new(
    "select cast(coalesce(sum(e.amount), 0) as bigint) as amount
     from ledger_transactions t
     join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
       and e.transaction_id = t.id
     where t.tenant_id = $1 and t.livemode = $2 and t.payment_id = $3
       and t.kind in ('dispute_lost', 'dispute_regained')
       and e.account = 'receivable' and coalesce(e.invoice_id, t.invoice_id) = $4",
);

/// What banks took back for good of what a payment had paid of an invoice, less what they gave back after
/// all, in minor units.
pub fn taken_back(tx: &mut Tx, scope: &Scope, payment: &PaymentId, of: &InvoiceId) -> Result<i64, Error> {
    tx.one(&TAKEN_BACK, binds![&scope.tenant, scope.mode, payment, of])?
        .int("amount")
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &INSERT,
    &INSERT_ENTRY,
    &INSERT_ENTRIES,
    &INSERT_LINE,
    &BY_SOURCE,
    &TAKEN_BACK,
];
