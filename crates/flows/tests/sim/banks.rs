//! The payers' banks: they ask about payments, take the money of some back, and decide who keeps it.

use std::rc::Rc;

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::marks::Mark;
use crate::owners::some;
use crate::ports::rest;
use crate::stage::{Msp, Stage};
use crate::swarm::DAY_MS;

/// Complains and decides for as long as there are faults.
pub async fn run(stage: Rc<Stage>, msp: Rc<Msp>) {
    let mut dice = stage.dice();
    let busy = *dice.pick(&[DAY_MS / 2, 2 * DAY_MS, 9 * DAY_MS]);
    loop {
        let wait_ms = dice.between(1_000, busy);
        rest(&stage.shared, wait_ms).await;
        match dice.below(10) {
            0..=4 => complain(&stage, &msp, &mut dice),
            5..=7 => decide(&stage, &msp, &mut dice),
            _ => overturn(&stage, &msp, &mut dice),
        }
    }
}

/// A payer complains about a payment, ours or another of the account's.
fn complain(stage: &Stage, msp: &Msp, dice: &mut Dice) {
    let fits = |charge: &Value| charge["status"] == "succeeded" && charge["disputed"] == false;
    let Some(charge) = some(stage, msp, "/v1/charges?limit=20", dice, fits) else {
        return;
    };
    let inquiry = dice.percent(30);
    let whole = charge["amount"].as_i64().unwrap_or(0);
    let amount = if dice.percent(80) {
        whole
    } else {
        dice.between(1, whole)
    };
    let path = format!("/_simulator/charges/{}/dispute", text(&charge, "id"));
    let opened = stage.control(&path, &json!({"inquiry": inquiry, "amount": amount}));
    if opened["error"].is_null() {
        stage.hit(match inquiry {
            true => Mark::InquiryOpened,
            false => Mark::DisputeOpened,
        });
    }
}

fn decide(stage: &Stage, msp: &Msp, dice: &mut Dice) {
    let open = |dispute: &Value| !["won", "lost", "warning_closed"].contains(&text(dispute, "status"));
    let Some(dispute) = some(stage, msp, "/v1/disputes?limit=20", dice, open) else {
        return;
    };
    let inquiry = text(&dispute, "status").starts_with("warning_");
    let (verdict, mark) = match (inquiry, dice.percent(50)) {
        (true, true) => ("escalate", Mark::InquiryEscalated),
        (true, false) => ("lose", Mark::InquiryClosed),
        (false, true) => ("win", Mark::DisputeWon),
        (false, false) => ("lose", Mark::DisputeLost),
    };
    let path = format!("/_simulator/disputes/{}", text(&dispute, "id"));
    if stage.control(&path, &json!({"verdict": verdict}))["error"].is_null() {
        stage.hit(mark);
    }
}

/// A bank decides the other way than it did, and may do so again.
fn overturn(stage: &Stage, msp: &Msp, dice: &mut Dice) {
    let decided = |dispute: &Value| ["won", "lost"].contains(&text(dispute, "status"));
    let Some(dispute) = some(stage, msp, "/v1/disputes?limit=20", dice, decided) else {
        return;
    };
    let path = format!("/_simulator/disputes/{}", text(&dispute, "id"));
    if stage.control(&path, &json!({"verdict": "overturn"}))["error"].is_null() {
        stage.hit(Mark::DisputeOverturned);
    }
}

fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object[name].as_str().unwrap_or_default()
}
