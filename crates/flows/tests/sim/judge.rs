//! What must be true: of the database by itself, and of the database beside Stripe once all is quiet.

mod books;
mod disputes;
mod invoices;
mod mails;
pub mod refunds;

use std::collections::{BTreeMap, BTreeSet};

use flows::invariants;
use serde_json::Value;
use store::Sql;
use store::db::Row;
use store::invariants as rules;

use crate::executor::run;
use crate::shared::Sent;
use crate::stage::{Msp, Stage};

/// What is not done with yet, in words; none when all is quiet.
pub fn unrest(stage: &Stage) -> Option<String> {
    const OPERATIONS: Sql = Sql::new(
        "select idempotency_key as what, status, last_error from stripe_operations
         where status in ('sent', 'unknown') order by id",
    );
    const EVENTS: Sql = Sql::new(
        "select event_id || ' ' || type as what, status, last_error from stripe_webhook_events
         where next_attempt_at is not null or status in ('received', 'parked', 'failed') order by id",
    );
    const REFUNDS: Sql = Sql::new(
        "select id as what, status || ' ' || fee_status as status, stripe_refund_id as last_error from refunds
         where status in ('requested', 'pending') or fee_status = 'sent'
           or (status = 'succeeded' and fee_status = 'due' and next_check_at is not null)
         order by id",
    );
    const FEES: Sql = Sql::new(
        "select id as what, status, stripe_charge_id as last_error from payments
         where case when unreachable_since is null
           then status = 'creating' or (status = 'succeeded' and stripe_fee is null)
           else next_check_at is not null end
         order by id",
    );
    // Of a payout that has just arrived Stripe says a while later what it consists of.
    const PAYOUTS: Sql = Sql::new(
        "select stripe_payout_id as what, status, failure_code as last_error from payouts p
         where status = 'paid' and automatic = 1 and itemised_at is null and not exists (
           select 1 from stripe_config c
           where c.stripe_account_id = p.stripe_account_id and c.livemode = p.livemode
             and c.disconnected_at is not null)
         order by stripe_payout_id",
    );
    let all = [
        ("operation", &OPERATIONS),
        ("event", &EVENTS),
        ("refund", &REFUNDS),
        ("payment", &FEES),
        ("payout", &PAYOUTS),
    ];
    all.into_iter().find_map(|(what, sql)| {
        let rows = stage.rows(sql);
        let first = rows.first()?;
        let text = |name: &str| first.text_opt(name).unwrap().unwrap_or_default();
        let (count, one, status, error) = (rows.len(), text("what"), text("status"), text("last_error"));
        Some(format!("{count} of {what}, such as {one}: {status} ({error})"))
    })
}

/// What the database says of itself, whatever is under way.
pub fn always(stage: &Stage) {
    let app = stage.app(stage.mode.get(), true);
    let broken = run(invariants::check(&app)).unwrap_or_else(|failure| panic!("{failure}"));
    broken
        .iter()
        .for_each(|broken| stage.shared.violated(broken.to_string()));
}

/// What events promise: that their effects are there when they are done with.
pub fn events(stage: &Stage) {
    for rule in rules::all().filter(|rule| rule.code == "S4") {
        let found = run(stage.db.read(move |tx| rules::broken_by(tx, rule, 5)));
        for row in found.unwrap_or_else(|error: store::Error| panic!("{error}")) {
            stage.shared.violated(format!("S4 {}: {}", rule.says, row.id));
        }
    }
}

/// Everything, once all is quiet.
pub fn all(stage: &Stage) {
    let app = stage.app(stage.mode.get(), true);
    let broken = run(invariants::check_quiet(&app)).unwrap_or_else(|failure| panic!("{failure}"));
    broken
        .iter()
        .for_each(|broken| stage.shared.violated(broken.to_string()));
    dead_events(stage);
    acked_is_stored(stage);
    keys_have_rows(stage);
    for msp in &stage.msps {
        account(stage, msp);
        payments(stage, msp);
        charges(stage, msp);
        refunds::of_account(stage, msp);
        disputes::of_account(stage, msp);
    }
    refunds::fees(stage);
    fees(stage);
    invoices::say_what_came(stage);
    mails::once(stage);
    books::tied(stage);
}

fn text(row: &Row, column: &str) -> String {
    row.text_opt(column).unwrap().unwrap_or_default()
}

fn dead_events(stage: &Stage) {
    const DEAD: Sql =
        Sql::new("select event_id, type, last_error from stripe_webhook_events where status = 'dead'");
    for row in stage.rows(&DEAD) {
        let what = (
            text(&row, "event_id"),
            text(&row, "type"),
            text(&row, "last_error"),
        );
        stage
            .shared
            .violated(format!("P3: an event was given up: {what:?}"));
    }
}

fn acked_is_stored(stage: &Stage) {
    const EVENTS: Sql = Sql::new("select event_id from stripe_webhook_events");
    let stored: BTreeSet<String> = stage
        .rows(&EVENTS)
        .iter()
        .map(|row| text(row, "event_id"))
        .collect();
    for ((url, _), letter) in stage.letters.borrow().iter() {
        let event: Value = serde_json::from_slice(&letter.body).expect("an event");
        let id = event["id"].as_str().unwrap_or_default();
        if letter.acked && !stored.contains(id) {
            stage
                .shared
                .violated(format!("P1: {id} at {url} was answered 200 and is not stored"));
        }
    }
}

/// Nothing is at Stripe because of us that has no row here.
fn keys_have_rows(stage: &Stage) {
    const ROWS: Sql = Sql::new(
        "select idempotency_key, stripe_account_id, livemode, status, result_id, last_error
         from stripe_operations",
    );
    let rows: BTreeMap<String, Row> = stage
        .rows(&ROWS)
        .into_iter()
        .map(|row| (text(&row, "idempotency_key"), row))
        .collect();
    let sent = stage.shared.with(|state| state.sent.clone());
    for (key, sent) in sent {
        let Some(row) = rows.get(&key) else {
            stage
                .shared
                .violated(format!("P2: {key} was sent and has no row"));
            continue;
        };
        let noted = (text(row, "stripe_account_id"), row.int("livemode").unwrap() == 1);
        if noted != (sent.account.clone(), sent.livemode) {
            stage.shared.violated(format!(
                "D2: {key} was sent on {} and noted for {noted:?}",
                sent.account
            ));
        }
        let result = row.text_opt("result_id").unwrap();
        if text(row, "status") == "succeeded" && sent.made.is_some() && result != sent.made {
            stage.shared.violated(format!(
                "P4: {key} made {:?}, and its row says {result:?}",
                sent.made
            ));
        }
        // An account that is gone does not tell what became of it.
        let told = text(row, "last_error") != "account_invalid";
        if text(row, "status") == "failed" && sent.made.is_some() && told {
            stage.shared.violated(format!(
                "P4: {key} made {:?}, and its row says that it failed",
                sent.made
            ));
        }
    }
}

fn account(stage: &Stage, msp: &Msp) {
    const ROWS: Sql = Sql::new(
        "select stripe_account_id, charges_enabled, card_payments_active, disconnected_at from stripe_config",
    );
    let rows = stage.rows(&ROWS);
    let Some(row) = rows
        .iter()
        .find(|row| text(row, "stripe_account_id") == msp.account)
    else {
        return stage
            .shared
            .violated(format!("the account {} is gone", msp.account));
    };
    if row.int_opt("disconnected_at").unwrap().is_some() {
        return;
    }
    let there = stage.stripe_of(msp, "GET", "/v1/account", "");
    let theirs = (
        there["charges_enabled"] == true,
        there["capabilities"]["card_payments"] == "active",
    );
    let ours = (
        row.int("charges_enabled").unwrap() == 1,
        row.int("card_payments_active").unwrap() == 1,
    );
    if ours != theirs {
        stage.shared.violated(format!(
            "P4: account {}: {ours:?} here, {theirs:?} at Stripe: {there}",
            msp.account
        ));
    }
}

const PAYMENTS: Sql = Sql::new(
    "select tenant_id, livemode, id, invoice_id, stripe_account_id, stripe_payment_intent_id,
       stripe_charge_id, amount, received, application_fee, stripe_fee, net, status, unreachable_since
     from payments order by id",
);

/// Our payments on an account are the intents there.
fn payments(stage: &Stage, msp: &Msp) {
    for row in stage.rows(&PAYMENTS) {
        let intent = text(&row, "stripe_payment_intent_id");
        if text(&row, "stripe_account_id") != msp.account || intent.is_empty() {
            continue;
        }
        if row.int_opt("unreachable_since").unwrap().is_some() {
            if !msp.away.get() {
                stage
                    .shared
                    .violated(format!("{} is still unreachable", text(&row, "id")));
            }
            continue;
        }
        let owner = (text(&row, "tenant_id"), row.int("livemode").unwrap() == 1);
        if owner != (msp.scope.tenant.as_str().to_owned(), msp.livemode()) {
            stage.shared.violated(format!(
                "T1: {} is {owner:?}'s, on {}'s account",
                text(&row, "id"),
                msp.scope.tenant
            ));
        }
        let path = format!("/v1/payment_intents/{intent}?expand[0]=latest_charge.balance_transaction");
        let there = stage.stripe_of(msp, "GET", &path, "");
        let theirs = seen(&there);
        let ours = kept(&row);
        if ours != theirs {
            let id = text(&row, "id");
            stage.shared.violated(format!(
                "P4: {id} ({intent}):\n  here      {ours:?}\n  at Stripe {theirs:?}"
            ));
        }
    }
}

/// Status, received, charge, application fee, Stripe's fee, net. What is asked for may be changed at Stripe
/// before a payment succeeds, so only what arrived counts.
type View = (String, i64, Option<String>, Option<i64>, Option<i64>, Option<i64>);

fn seen(intent: &Value) -> View {
    let status = intent["status"].as_str().unwrap_or("none").to_owned();
    let received = intent["amount_received"].as_i64().unwrap_or(-1);
    if status != "succeeded" {
        return (status, received, None, None, None, None);
    }
    let charge = &intent["latest_charge"];
    let balance = &charge["balance_transaction"];
    let fee = charge["application_fee_amount"].as_i64();
    (
        status,
        received,
        charge["id"].as_str().map(str::to_owned),
        fee,
        balance["fee"].as_i64().map(|all| all - fee.unwrap_or(0)),
        balance["net"].as_i64(),
    )
}

fn kept(row: &Row) -> View {
    let (status, received) = (text(row, "status"), row.int("received").unwrap());
    if status != "succeeded" {
        return (status, received, None, None, None, None);
    }
    let number = |column: &str| row.int_opt(column).unwrap();
    let charge = row.text_opt("stripe_charge_id").unwrap();
    (
        status,
        received,
        charge,
        number("application_fee"),
        number("stripe_fee"),
        number("net"),
    )
}

/// Every charge at Stripe that took money for an invoice is a payment here, and there is one for an invoice.
fn charges(stage: &Stage, msp: &Msp) {
    if msp.away.get() {
        return;
    }
    let rows = stage.rows(&PAYMENTS);
    let ours: BTreeMap<String, &Row> = rows
        .iter()
        .map(|row| (text(row, "stripe_payment_intent_id"), row))
        .collect();
    let list = stage.stripe_of(msp, "GET", "/v1/charges?limit=100", "");
    let mut paid = BTreeMap::<String, Vec<(String, i64)>>::new();
    let parts = parts(stage);
    let sent = stage.shared.with(|state| state.sent.clone());
    let made: BTreeSet<&str> = sent.values().filter_map(|sent| sent.made.as_deref()).collect();
    let given = refunds::given_back(stage);
    let back = |intent: &str| given.get(intent).copied().unwrap_or(0);
    let Some(listed) = list["data"].as_array() else {
        let what = format!("P4: the charges of {} cannot be listed: {list}", msp.account);
        return stage.shared.violated(what);
    };
    for charge in listed {
        let intent = charge["payment_intent"].as_str().unwrap_or_default();
        if charge["status"] != "succeeded" {
            continue;
        }
        match (ours.get(intent), made.contains(intent)) {
            (Some(row), true) => {
                // What the account's owner made larger at Stripe is the owner's doing.
                let charged = charge["amount"].as_i64().expect("an amount");
                let charged = charged.min(row.int("amount").unwrap()) - back(intent);
                let of_payment = &parts[&text(row, "id")];
                for (invoice, applied) in of_payment {
                    let amount = if of_payment.len() == 1 { charged } else { *applied };
                    paid.entry(invoice.clone())
                        .or_default()
                        .push((intent.to_owned(), amount));
                }
            }
            // Behind a 500 that Stripe kept, nobody was told which intent was made.
            (Some(row), false) if made_unseen(&sent, &text(row, "invoice_id")) => {}
            (Some(row), false) => {
                let id = text(row, "id");
                stage
                    .shared
                    .violated(format!("T2: {id} claims {intent}, which we did not make"));
            }
            (None, true) => stage
                .shared
                .violated(format!("P4: {intent} took money and is no payment here")),
            (None, false) => {}
        }
    }
    paid_once(stage, paid);
}

/// What went back may be paid again, also where its refund failed later, and so may what a bank took and
/// the MSP said is owed, also where the bank gave it back later. Of an intent that the account's owner made
/// smaller at Stripe the rest is paid by another one.
fn paid_once(stage: &Stage, paid: BTreeMap<String, Vec<(String, i64)>>) {
    const TOTALS: Sql = Sql::new(
        "select i.id, i.total + (
           select cast(coalesce(sum(
             case when d.decisions > 0 then d.withdrawn else d.settled end), 0) as bigint)
           from disputes d
           join payments p on p.tenant_id = d.tenant_id and p.livemode = d.livemode and p.id = d.payment_id
           where p.tenant_id = i.tenant_id and p.livemode = i.livemode and p.invoice_id = i.id) as total
         from invoices i",
    );
    let totals: BTreeMap<String, i64> = stage
        .rows(&TOTALS)
        .iter()
        .map(|row| (text(row, "id"), row.int("total").unwrap()))
        .collect();
    for (invoice, charges) in paid {
        let sum: i64 = charges.iter().map(|(_, amount)| amount).sum();
        if charges.len() > 1 && sum > totals[&invoice] {
            stage
                .shared
                .violated(format!("M10: {invoice} was paid by {charges:?}"));
        }
    }
}

/// What each of a payment's invoices has taken up.
fn parts(stage: &Stage) -> BTreeMap<String, Vec<(String, i64)>> {
    const ROWS: Sql = Sql::new("select payment_id, invoice_id, applied from payment_parts");
    let mut parts = BTreeMap::<String, Vec<(String, i64)>>::new();
    for row in stage.rows(&ROWS) {
        let part = (text(&row, "invoice_id"), row.int("applied").unwrap());
        parts.entry(text(&row, "payment_id")).or_default().push(part);
    }
    parts
}

/// Whether an intent was asked for, for this invoice, and no answer said which it is.
fn made_unseen(sent: &BTreeMap<String, Sent>, invoice: &str) -> bool {
    let ours = |key: &str| key.contains(invoice) && key.ends_with(":create");
    sent.iter().any(|(key, sent)| ours(key) && sent.made.is_none())
}

fn fees(stage: &Stage) {
    const ROWS: Sql = Sql::new("select stripe_application_fee_id, amount, livemode from application_fees");
    let mut ours: Vec<(bool, String, i64)> = stage
        .rows(&ROWS)
        .iter()
        .map(|row| {
            let (id, amount) = (text(row, "stripe_application_fee_id"), row.int("amount").unwrap());
            (row.int("livemode").unwrap() == 1, id, amount)
        })
        .collect();
    let mut theirs = Vec::new();
    for (livemode, mode) in [(false, "test"), (true, "live")] {
        let key = format!("sk_{mode}_psapay_demo");
        let list = stage.stripe(&key, "GET", "/v1/application_fees?limit=100", "", "");
        for fee in list["data"].as_array().expect("a list") {
            let amount = fee["amount"].as_i64().unwrap_or(-1);
            theirs.push((
                livemode,
                fee["id"].as_str().unwrap_or_default().to_owned(),
                amount,
            ));
        }
    }
    ours.sort();
    theirs.sort();
    if ours != theirs {
        stage.shared.violated(format!(
            "M4: application fees\n  here      {ours:?}\n  at Stripe {theirs:?}"
        ));
    }
}
