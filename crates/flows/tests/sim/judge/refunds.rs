//! What must be true of refunds: of what is reserved, at every moment, and beside Stripe, once all is quiet.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use store::Sql;

use super::text;
use crate::stage::{Msp, Stage};

/// No more of a payment is reserved than arrived. What its account's owner refunds by themselves is not asked
/// for here, and Stripe lets nobody refund more than there is.
pub fn reserved(stage: &Stage) {
    const TOO_MUCH: Sql = Sql::new(
        "select id, received, reserved from payments
         where reserved > received and not exists (
           select 1 from refunds r
           where r.tenant_id = payments.tenant_id and r.livemode = payments.livemode
             and r.payment_id = payments.id and r.origin = 'stripe')",
    );
    for row in stage.rows(&TOO_MUCH) {
        let (received, reserved) = (row.int("received").unwrap(), row.int("reserved").unwrap());
        let what = format!(
            "M5: of {}, {reserved} are reserved and {received} arrived",
            text(&row, "id")
        );
        stage.shared.violated(what);
    }
}

/// Every refund of our payments on an account is one here, as it is there, and none was made twice.
pub fn of_account(stage: &Stage, msp: &Msp) {
    const ROWS: Sql = Sql::new(
        "select r.id, r.stripe_refund_id, r.amount, r.status, r.origin, r.stripe_account_id
         from refunds r order by r.id",
    );
    const INTENTS: Sql = Sql::new(
        "select stripe_payment_intent_id as intent, reserved, refunded, stripe_charge_id as charge, status
         from payments where stripe_payment_intent_id is not null order by id",
    );
    if msp.away.get() {
        return;
    }
    let list = stage.stripe_of(msp, "GET", "/v1/refunds?limit=100", "");
    let Some(listed) = list["data"].as_array() else {
        let what = format!("P4: the refunds of {} cannot be listed: {list}", msp.account);
        return stage.shared.violated(what);
    };
    let payments = stage.rows(&INTENTS);
    let intents: BTreeSet<String> = payments.iter().map(|row| text(row, "intent")).collect();
    let mut theirs = BTreeMap::new();
    let mut made = BTreeMap::<&str, usize>::new();
    for refund in listed {
        if !intents.contains(refund["payment_intent"].as_str().unwrap_or_default()) {
            continue;
        }
        let of = |name: &str| refund[name].as_str().unwrap_or_default().to_owned();
        theirs.insert(of("id"), (refund["amount"].as_i64().unwrap_or(-1), of("status")));
        if let Some(id) = refund["metadata"]["refund_id"].as_str() {
            *made.entry(id).or_default() += 1;
        }
    }
    for (id, times) in made.into_iter().filter(|(_, times)| *times > 1) {
        stage
            .shared
            .violated(format!("P2: {id} was made {times} times at Stripe"));
    }
    let ours: BTreeMap<String, (i64, String)> = stage
        .rows(&ROWS)
        .iter()
        .filter(|row| text(row, "stripe_account_id") == msp.account)
        .filter(|row| !text(row, "stripe_refund_id").is_empty())
        .map(|row| {
            let here = (row.int("amount").unwrap(), text(row, "status"));
            (text(row, "stripe_refund_id"), here)
        })
        .collect();
    if ours != theirs {
        stage.shared.violated(format!(
            "P4: refunds of {}:\n  here      {ours:?}\n  at Stripe {theirs:?}",
            msp.account
        ));
    }
    let charges = stage.stripe_of(msp, "GET", "/v1/charges?limit=100", "");
    for charge in charges["data"].as_array().into_iter().flatten() {
        let here = payments
            .iter()
            .find(|row| row.text_opt("charge").unwrap().as_deref() == charge["id"].as_str());
        let back = charge["amount_refunded"].as_i64().unwrap_or(-1);
        if let Some(row) = here.filter(|row| row.int("reserved").unwrap() != back) {
            let what = format!("{} at Stripe, {} here", back, row.int("reserved").unwrap());
            stage
                .shared
                .violated(format!("M6: of {} went back {what}", charge["id"]));
        }
    }
}

/// What was given back of the platform's fees, for which refund, and never twice for one.
pub fn fees(stage: &Stage) {
    const ROWS: Sql = Sql::new(
        "select stripe_fee_refund_id as id, amount, livemode from application_fee_refunds order by id",
    );
    let ours: BTreeSet<(bool, String, i64)> = stage
        .rows(&ROWS)
        .iter()
        .map(|row| {
            let livemode = row.int("livemode").unwrap() == 1;
            (livemode, text(row, "id"), row.int("amount").unwrap())
        })
        .collect();
    let mut theirs = BTreeSet::new();
    let mut made = BTreeMap::<String, usize>::new();
    for (livemode, mode) in [(false, "test"), (true, "live")] {
        let key = format!("sk_{mode}_psapay_demo");
        let list = stage.stripe(&key, "GET", "/v1/application_fees?limit=100", "", "");
        for fee in list["data"].as_array().expect("a list") {
            let path = format!(
                "/v1/application_fees/{}/refunds?limit=100",
                fee["id"].as_str().unwrap_or_default()
            );
            let back: Value = stage.stripe(&key, "GET", &path, "", "");
            for one in back["data"].as_array().expect("a list") {
                let id = one["id"].as_str().unwrap_or_default().to_owned();
                theirs.insert((livemode, id, one["amount"].as_i64().unwrap_or(-1)));
                if let Some(refund) = one["metadata"]["refund_id"].as_str() {
                    *made.entry(refund.to_owned()).or_default() += 1;
                }
            }
        }
    }
    for (refund, times) in made.into_iter().filter(|(_, times)| *times > 1) {
        stage
            .shared
            .violated(format!("M4: for {refund} the fee went back {times} times"));
    }
    if ours != theirs {
        stage.shared.violated(format!(
            "M4: fee refunds\n  here      {ours:?}\n  at Stripe {theirs:?}"
        ));
    }
}

/// What went back of each intent, whatever became of its refunds.
pub fn given_back(stage: &Stage) -> BTreeMap<String, i64> {
    const BACK: Sql = Sql::new(
        "select p.stripe_payment_intent_id as intent, sum(r.amount) as n
         from refunds r
         join payments p on p.tenant_id = r.tenant_id and p.livemode = r.livemode and p.id = r.payment_id
         where r.stripe_refund_id is not null
         group by p.stripe_payment_intent_id",
    );
    let rows = stage.rows(&BACK);
    rows.iter()
        .map(|row| (text(row, "intent"), row.int("n").unwrap()))
        .collect()
}
