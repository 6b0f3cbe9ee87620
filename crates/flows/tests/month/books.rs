//! What must be true at the end of the month.

use std::collections::BTreeMap;

use domain::{Mode, Scope, TenantId};
use flows::{invariants, tie_out};
use store::Sql;

use crate::executor::run;
use crate::town::Town;

/// Checks the books by themselves and beside Stripe's.
pub fn check(town: &Town) {
    let broken = run(invariants::check_quiet(&town.app)).unwrap();
    let broken: Vec<String> = broken.iter().map(ToString::to_string).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    trial_balance(town);
    tied_out(town);
    payouts_explain_themselves(town);
    fees(town);
}

/// Invoices, books and Stripe agree for every tenant, and for the platform, in every currency.
fn tied_out(town: &Town) {
    let platform = Scope {
        tenant: TenantId::platform(),
        mode: Mode::Test,
    };
    let mut currencies = 0;
    for scope in town.msps.iter().map(|msp| &msp.scope).chain([&platform]) {
        let reports = run(tie_out::compare(&town.app.db, scope, town.app.clock.now())).unwrap();
        for report in reports {
            assert!(report.agrees(), "{report:#?}");
            currencies += 1;
        }
    }
    assert!(currencies > town.msps.len(), "only {currencies} were compared");
}

/// What a payout that arrived consists of comes to its amount.
fn payouts_explain_themselves(town: &Town) {
    const ITEMS: Sql = Sql::new(
        "select p.stripe_payout_id as id, p.amount, (
           select cast(coalesce(sum(b.net), 0) as bigint)
           from payout_items i
           join balance_transactions b on b.tenant_id = i.tenant_id and b.livemode = i.livemode
             and b.stripe_balance_transaction_id = i.stripe_balance_transaction_id
           where i.tenant_id = p.tenant_id and i.livemode = p.livemode
             and i.stripe_payout_id = p.stripe_payout_id) as items
         from payouts p
         where p.automatic = 1 and p.status = 'paid'",
    );
    let payouts = town.rows(&ITEMS);
    assert!(payouts.len() > 100, "only {} payouts", payouts.len());
    for payout in payouts {
        let sums = (payout.int("amount").unwrap(), payout.int("items").unwrap());
        assert_eq!(sums.0, sums.1, "{}", payout.text("id").unwrap());
    }
}

/// The platform's fee books are Stripe's application fees, less what went back of them.
fn fees(town: &Town) {
    const BOOKED: Sql = Sql::new(
        "select t.currency, cast(-sum(e.amount) as bigint) as n
         from ledger_transactions t
         join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
           and e.transaction_id = t.id
         where t.tenant_id = 'ten_platform' and e.account = 'platform_revenue'
         group by t.currency
         order by t.currency",
    );
    let mut there = BTreeMap::<String, i64>::new();
    for fee in town.list("", "/v1/application_fees") {
        let number = |name: &str| fee[name].as_i64().unwrap();
        let currency = fee["currency"].as_str().unwrap().to_owned();
        *there.entry(currency).or_default() += number("amount") - number("amount_refunded");
    }
    let booked = town.rows(&BOOKED);
    let booked = booked
        .iter()
        .map(|row| (row.text("currency").unwrap(), row.int("n").unwrap()));
    assert_eq!(booked.collect::<BTreeMap<_, _>>(), there);
}

/// All accounts of a tenant together are nothing, in each currency.
fn trial_balance(town: &Town) {
    const LEFT: Sql = Sql::new(
        "select tenant_id, livemode, currency, sum(amount) as n
         from ledger_entries
         group by tenant_id, livemode, currency
         having sum(amount) <> 0",
    );
    assert_eq!(town.rows(&LEFT).len(), 0);
}

/// Everything that money depends on, as text.
pub fn written(town: &Town) -> String {
    const ENTRIES: Sql = Sql::new(
        "select t.tenant_id || ' ' || t.livemode || ' ' || t.id || ' ' || t.kind || ' ' || t.source_id || ' '
           || t.created_at || ' ' || e.position || ' ' || e.account || ' ' || e.currency || ' ' || e.amount
           as line
         from ledger_transactions t
         join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
           and e.transaction_id = t.id
         order by t.tenant_id, t.livemode, t.id, e.position",
    );
    let lines = town.rows(&ENTRIES);
    let lines: Vec<String> = lines.iter().map(|row| row.text("line").unwrap()).collect();
    lines.join("\n")
}
