//! What is in the database after a test: rows, the books, and what must always hold of them.

use domain::{Mode, Timestamp};
use flows::invariants;
use flows::tie_out::{self, Report};
use store::db::Row;
use store::{Sql, balance_cursors, binds, tie_outs};

use super::Town;

const HOUR_MS: i64 = 60 * 60 * 1000;

/// Everything that belongs to a mode, in an order of its own.
const OF_A_MODE: [Sql; 19] = [
    Sql::new("select * from clients where livemode = $1 order by id"),
    Sql::new("select * from invoice_numbers where livemode = $1 order by tenant_id"),
    Sql::new("select * from invoices where livemode = $1 order by id"),
    Sql::new("select * from invoice_lines where livemode = $1 order by invoice_id, position"),
    Sql::new("select * from pay_links where livemode = $1 order by id"),
    Sql::new("select * from payments where livemode = $1 order by id"),
    Sql::new("select * from offline_payments where livemode = $1 order by id"),
    Sql::new("select * from stripe_config where livemode = $1 order by tenant_id"),
    Sql::new("select * from stripe_operations where livemode = $1 order by id"),
    Sql::new("select * from stripe_webhook_events where livemode = $1 order by id"),
    Sql::new("select * from application_fees where livemode = $1 order by stripe_application_fee_id"),
    Sql::new("select * from external_objects where livemode = $1 order by object_id"),
    Sql::new("select * from subscriptions where livemode = $1 order by stripe_subscription_id"),
    Sql::new(
        "select * from subscription_items where livemode = $1 order by stripe_subscription_id, position",
    ),
    Sql::new("select * from platform_customers where livemode = $1 order by tenant_id"),
    Sql::new("select * from ledger_transactions where livemode = $1 order by id"),
    Sql::new("select * from ledger_entries where livemode = $1 order by transaction_id, position"),
    Sql::new("select * from reconciliation_breaks where livemode = $1 order by id"),
    Sql::new("select * from state_history where livemode = $1 order by subject_id, version"),
];

impl Town {
    /// The rows of a query.
    pub async fn rows(&self, sql: &'static Sql) -> Vec<Row> {
        self.app
            .db
            .read(move |tx| tx.query(sql, &[]))
            .await
            .unwrap_or_else(|e: store::Error| panic!("{e}"))
    }

    /// Changes rows behind everybody's back.
    pub async fn change(&self, sql: &'static Sql) {
        let changed = self.app.db.write(move |tx| tx.execute(sql, &[]));
        changed.await.unwrap_or_else(|e: store::Error| panic!("{e}"));
    }

    /// The number `n` of a query's only row.
    pub async fn number(&self, sql: &'static Sql) -> i64 {
        self.rows(sql).await[0].int("n").unwrap()
    }

    /// Every row of a mode, to be compared with what is there later.
    pub async fn contents(&self, mode: Mode) -> Vec<Vec<Row>> {
        let livemode = i64::from(mode.is_live());
        self.app
            .db
            .read(move |tx| {
                let rows = OF_A_MODE.iter().map(|sql| tx.query(sql, binds![livemode]));
                rows.collect::<Result<_, store::Error>>()
            })
            .await
            .unwrap()
    }

    /// No write to Stripe is without an answer.
    pub async fn assert_nothing_open(&self) {
        const OPEN: Sql =
            Sql::new("select count(*) as n from stripe_operations where status in ('sent', 'unknown')");
        assert_eq!(self.number(&OPEN).await, 0, "an operation is left open");
    }

    /// Stripe has shown all that moved, which was an hour ago: reads it, and compares everybody's books
    /// with it.
    pub async fn tie_out(&self) -> Vec<Report> {
        let mut all = Vec::new();
        // What the first reading books, the second one has come by.
        for _ in 0..2 {
            self.advance_ms(2 * HOUR_MS);
            all.clear();
            let cursors = self
                .app
                .db
                .read(|tx| balance_cursors::due(tx, Timestamp::from_ms(i64::MAX), 1_000));
            for cursor in cursors.await.unwrap_or_else(|e: store::Error| panic!("{e}")) {
                flows::balance::read(&self.app, &cursor).await.unwrap();
            }
            let mut last = None;
            loop {
                let after = last;
                let next = self
                    .app
                    .db
                    .read(move |tx| tie_outs::next_scope(tx, after.as_ref()));
                let Some(scope) = next.await.unwrap_or_else(|e: store::Error| panic!("{e}")) else {
                    break;
                };
                all.extend(tie_out::run(&self.app, &scope, None).await.unwrap());
                last = Some(scope);
            }
        }
        all
    }

    /// Invoices, books and Stripe's balance agree to the cent, of everybody; answers what was compared.
    pub async fn assert_tied(&self) -> Vec<Report> {
        let all = self.tie_out().await;
        for report in &all {
            let (facts, way) = (&report.facts, &report.on_the_way);
            assert!(
                report.agrees() && way.is_empty(),
                "{facts:#?} {way:#?} {:#?}",
                report.invoices
            );
            assert_eq!(
                report.tied.books_clearing, report.tied.stripe_balance,
                "{:?}",
                report.tied
            );
        }
        all
    }

    /// What must always hold of the rows, the books before all.
    pub async fn assert_books(&self) {
        let broken = invariants::check(&self.app).await.unwrap();
        assert!(broken.is_empty(), "{broken:#?}");
    }
}
