//! Disputes as Stripe has them, beside ours.

use serde_json::Value;
use store::Sql;

use super::{PAYMENTS, text};
use crate::stage::{Msp, Stage};

/// Disputes of our payments are here as they are at Stripe, with every movement of money, and no others are.
pub fn of_account(stage: &Stage, msp: &Msp) {
    const ROWS: Sql = Sql::new(
        "select d.stripe_dispute_id, d.status, d.withdrawn, d.reinstated, d.fee, p.stripe_payment_intent_id,
           (select count(*) from state_history h
            where h.tenant_id = d.tenant_id and h.livemode = d.livemode and h.subject_id = d.id
              and h.from_state like 'warning%' and h.to_state = 'needs_response') as asked_anew
         from disputes d
         join payments p on p.tenant_id = d.tenant_id and p.livemode = d.livemode and p.id = d.payment_id
         order by d.id",
    );
    if msp.away.get() {
        return;
    }
    let list = stage.stripe_of(msp, "GET", "/v1/disputes?limit=100", "");
    let Some(listed) = list["data"].as_array() else {
        let what = format!("P4: the disputes of {} cannot be listed: {list}", msp.account);
        return stage.shared.violated(what);
    };
    let rows = stage.rows(&ROWS);
    let payments = stage.rows(&PAYMENTS);
    let is_ours = |intent: &str| {
        payments
            .iter()
            .any(|row| text(row, "stripe_payment_intent_id") == intent)
    };
    for there in listed {
        let id = there["id"].as_str().unwrap_or_default();
        let row = rows.iter().find(|row| text(row, "stripe_dispute_id") == id);
        let intent = there["payment_intent"].as_str().unwrap_or_default();
        let ours = row.map(|row| {
            let number = |column: &str| row.int(column).unwrap();
            (
                text(row, "status"),
                number("withdrawn"),
                number("reinstated"),
                number("fee"),
            )
        });
        let theirs = is_ours(intent).then(|| taken(there));
        if ours != theirs {
            let what = format!("P4: dispute {id}:\n  here      {ours:?}\n  at Stripe {theirs:?}");
            stage.shared.violated(what);
        }
        // Once for the inquiry, and once more when it has become a chargeback.
        let answers_max = 1 + row.map_or(0, |row| row.int("asked_anew").unwrap());
        if there["evidence_details"]["submission_count"].as_i64() > Some(answers_max) {
            stage
                .shared
                .violated(format!("{id}: evidence was submitted twice: {there}"));
        }
    }
}

/// Status, withdrawn, reinstated, fee.
fn taken(dispute: &Value) -> (String, i64, i64, i64) {
    let moved = dispute["balance_transactions"].as_array().expect("a list");
    let sum = |of: &dyn Fn(&Value) -> i64| moved.iter().map(of).sum::<i64>();
    let amount = |one: &Value| one["amount"].as_i64().unwrap_or(0);
    (
        dispute["status"].as_str().unwrap_or_default().to_owned(),
        sum(&|one| (-amount(one)).max(0)),
        sum(&|one| amount(one).max(0)),
        sum(&|one| one["fee"].as_i64().unwrap_or(0)),
    )
}
