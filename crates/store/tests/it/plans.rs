//! How SQLite finds what a statement asks for. It keeps no statistics here, and prefers an index that has
//! the wanted order already, however much of a tenant's it has to look through for it.

use store::db::{Sql, Value};
use store::migrate::migrate;

use crate::engines::{World, block_on};

/// Tables of which a tenant has few rows, or one.
const SMALL: [&str; 15] = [
    "api_keys",
    "audit_seals",
    "business_details",
    "fee_rules",
    "invoice_numbers",
    "invoice_settings",
    "ledger_seals",
    "logos",
    "mail_notices",
    "mail_settings",
    "payment_minimums",
    "payment_settings",
    "platform_customers",
    "stripe_config",
    "tie_outs",
];

/// What may look through a tenant's rows: it ends after some, an index has just those that it wants, or it is
/// done once a day or by hand.
const ALLOWED: [&str; 11] = [
    // Counted up to a limit, or whether there is any.
    "select 1 as one from",
    "limit 1) one",
    "not exists ( select 1 from payments where payments.tenant_id = $1",
    // Which currencies there are, what is left of credits, payouts that failed: for the day's comparison.
    "select distinct currency from ( select currency from balance_transactions",
    "select cast(coalesce(sum(remaining), 0) as bigint) as amount from client_credits",
    "select stripe_payout_id from payouts where tenant_id = $1 and livemode = $2 and stripe_account_id = $3",
    // SQLite looks for orphans of a deferred reference only where there are some.
    "insert into invoices",
    // Indexes of what is open.
    "closed_at is null",
    "status in ('refused', 'failed', 'bounced')",
    // When an account comes back.
    "update payments set next_check_at = $4",
    // The pairs of accounts and currencies, each found by the one before it.
    "with recursive pairs",
];

/// How many values a statement takes.
fn places(text: &str) -> usize {
    (1..).take_while(|nth| text.contains(&format!("${nth}"))).count()
}

/// Whether a step goes through all that a tenant has in a table.
fn goes_through(step: &str) -> bool {
    let is_of = |table: &&str| step.contains(&format!("_{table}_1 ")) || step.contains(&format!(" {table}_"));
    step.ends_with("(tenant_id=? AND livemode=?)") && !SMALL.iter().any(is_of)
}

#[test]
fn what_one_tenant_has_is_not_looked_through_for_one_thing() {
    let world = World::sqlite();
    block_on(migrate(&world.db, 1)).unwrap();
    let engine = world.db.engine();
    // What checks the books reads all of them.
    let checks: Vec<&str> = store::invariants::statements()
        .map(|sql| sql.text(engine))
        .collect();
    let (mut looked_at, mut found) = (0, Vec::new());
    for sql in store::statements() {
        let text = sql.text(engine);
        if checks.contains(&text) {
            continue;
        }
        looked_at += 1;
        let explain: &'static str = Box::leak(format!("explain query plan {text}").into_boxed_str());
        let explain: &'static Sql = Box::leak(Box::new(Sql::new(explain)));
        let binds = vec![Value::from(1_i64); places(text)];
        let plan = block_on(world.db.read(move |tx| tx.query(explain, &binds))).unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if ALLOWED.iter().any(|allowed| text.contains(allowed)) {
            continue;
        }
        let steps = plan.iter().map(|row| row.text("detail").unwrap());
        found.extend(
            steps
                .filter(|step| goes_through(step))
                .map(|step| format!("{step}: {text}")),
        );
    }
    assert!(looked_at > 300, "{looked_at}");
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}
