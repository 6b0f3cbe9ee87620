//! Rows and answers as lines that can be compared between runs: Stripe's ids are numbered in the order in
//! which they appear, since the simulator draws them for all accounts from one sequence.

use std::collections::HashMap;

use store::{Sql, binds};

use super::actor::Actor;
use crate::town::Town;

/// What Stripe's ids begin with.
const PREFIXES: [&str; 17] = [
    "acct", "ch", "ctoken", "cus", "dp", "evt", "fee", "fr", "in", "payatt", "pi", "pm", "pmrtd", "py", "re",
    "req", "txn",
];

/// Numbers Stripe's ids by first appearance.
#[derive(Clone, Default)]
pub struct Names(HashMap<String, String>);

impl Names {
    /// The text with Stripe's ids numbered.
    pub fn number(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut word = String::new();
        for c in text.chars().chain(std::iter::once('\n')) {
            if c.is_ascii_alphanumeric() || c == '_' {
                word.push(c);
                continue;
            }
            self.write(&mut out, &word);
            word.clear();
            out.push(c);
        }
        out.pop();
        out
    }

    fn write(&mut self, out: &mut String, word: &str) {
        let prefix = word.split('_').next().unwrap_or_default();
        let is_id = PREFIXES.contains(&prefix)
            && word.len() > prefix.len() + 8
            && word.contains(|c: char| c.is_ascii_digit() || c.is_ascii_uppercase());
        if is_id {
            let next = self.0.len();
            let number = self
                .0
                .entry(word.to_owned())
                .or_insert_with(|| format!("{prefix}#{next}"));
            out.push_str(number);
        } else {
            out.push_str(word);
        }
    }
}

/// Everything that a tenant has, in the order of our own ids.
const OF_A_TENANT: [Sql; 15] = [
    Sql::new("select * from clients where tenant_id = $1 order by livemode, id"),
    Sql::new("select * from invoice_numbers where tenant_id = $1 order by livemode"),
    Sql::new("select * from invoices where tenant_id = $1 order by livemode, id"),
    Sql::new("select * from invoice_lines where tenant_id = $1 order by livemode, invoice_id, position"),
    Sql::new("select * from pay_links where tenant_id = $1 order by livemode, id"),
    Sql::new("select * from payments where tenant_id = $1 order by livemode, id"),
    Sql::new("select * from stripe_config where tenant_id = $1 order by livemode"),
    Sql::new("select * from stripe_operations where tenant_id = $1 order by livemode, id"),
    // Not the body: it is Stripe's, with codes that the card networks draw.
    Sql::new(
        "select id, event_id, stripe_account_id, livemode, kind, type, object_id, api_version,
           idempotency_key, tenant_id, status, attempts, deliveries, next_attempt_at, last_error, created_at,
           processed_at
         from stripe_webhook_events where tenant_id = $1 order by livemode, id",
    ),
    Sql::new("select * from application_fees where tenant_id = $1 order by livemode, created_at, payment_id"),
    Sql::new(
        "select * from external_objects where tenant_id = $1
         order by livemode, created_at, type, amount, status",
    ),
    Sql::new("select * from ledger_transactions where tenant_id = $1 order by livemode, id"),
    Sql::new("select * from ledger_entries where tenant_id = $1 order by livemode, transaction_id, position"),
    Sql::new("select * from reconciliation_breaks where tenant_id = $1 order by livemode, id"),
    Sql::new("select * from state_history where tenant_id = $1 order by livemode, subject_id, version"),
];

/// The tenant's rows, one a line.
pub async fn rows_of(town: &Town, actor: &Actor) -> Vec<String> {
    let tenant = actor.msp.scope.tenant.clone();
    let tables = town
        .app
        .db
        .read(move |tx| {
            let rows = OF_A_TENANT.iter().map(|sql| tx.query(sql, binds![&tenant]));
            rows.collect::<Result<Vec<_>, store::Error>>()
        })
        .await
        .unwrap();
    let mut names = actor.names();
    let mut lines = Vec::new();
    for (sql, rows) in OF_A_TENANT.iter().zip(tables) {
        let text = format!("{sql:?}");
        let table = text
            .split("from ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next())
            .unwrap_or_default();
        let mut of_table: Vec<String> = rows
            .iter()
            .map(|row| names.number(&format!("{table}: {row:?}")))
            .collect();
        // Where rows are made at the same moment, only the numbers tell them apart.
        of_table.sort();
        lines.append(&mut of_table);
    }
    lines
}
