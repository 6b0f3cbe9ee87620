//! What is in the database after a test: rows, the books, and what must always hold of them.

use store::Sql;
use store::db::Row;

use super::Town;

impl Town {
    /// The rows of a query.
    pub async fn rows(&self, sql: &'static Sql) -> Vec<Row> {
        self.app
            .db
            .read(move |tx| tx.query(sql, &[]))
            .await
            .unwrap_or_else(|e: store::Error| panic!("{e}"))
    }

    /// The number `n` of a query's only row.
    pub async fn number(&self, sql: &'static Sql) -> i64 {
        self.rows(sql).await[0].int("n").unwrap()
    }

    /// What must always hold of the books: every transaction balances, and every payment is booked once.
    pub async fn assert_books(&self) {
        const UNBALANCED: Sql = Sql::new(
            "select transaction_id, currency from ledger_entries
             group by tenant_id, livemode, transaction_id, currency having sum(amount) <> 0",
        );
        const UNBOOKED: Sql = Sql::new(
            "select p.id from payments p
             left join ledger_transactions t on t.tenant_id = p.tenant_id and t.livemode = p.livemode
               and t.kind = 'payment' and t.source_id = p.stripe_payment_intent_id
             where (p.status = 'succeeded') <> (t.id is not null)",
        );
        const RECEIVABLE: Sql = Sql::new(
            "select i.id from invoices i
             where i.status in ('open', 'processing', 'paid') and i.total - i.applied <> (
               select coalesce(sum(e.amount), 0) from ledger_entries e
               join ledger_transactions t on t.tenant_id = e.tenant_id and t.livemode = e.livemode
                 and t.id = e.transaction_id
               where t.invoice_id = i.id and t.tenant_id = i.tenant_id and e.account = 'receivable')",
        );
        assert!(
            self.rows(&UNBALANCED).await.is_empty(),
            "a transaction does not balance"
        );
        assert!(
            self.rows(&UNBOOKED).await.is_empty(),
            "a succeeded payment is not booked, or another one is"
        );
        assert!(
            self.rows(&RECEIVABLE).await.is_empty(),
            "an invoice and its receivable differ"
        );
    }
}
