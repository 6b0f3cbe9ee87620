//! The owner of a tenant's account, in Stripe's dashboard: own sales, refunds, edits, and access that comes
//! and goes.

use std::rc::Rc;

use flows::{disconnect, oauth, onboarding};
use serde_json::{Value, json};
use store::Sql;

use crate::dice::Dice;
use crate::instances::request;
use crate::marks::Mark;
use crate::payers;
use crate::ports::rest;
use crate::stage::{BY, Msp, Stage};
use crate::swarm::{DAY_MS, HOUR_MS};

/// Does this and that for as long as there are faults.
pub async fn run(stage: Rc<Stage>, msp: Rc<Msp>) {
    let mut dice = stage.dice();
    let busy = *dice.pick(&[DAY_MS, 3 * DAY_MS, 9 * DAY_MS]);
    loop {
        let wait_ms = dice.between(1_000, busy);
        rest(&stage.shared, wait_ms).await;
        if msp.away.get() {
            connect_again(&stage, &msp).await;
            continue;
        }
        match dice.below(11) {
            0 | 1 => own_sale(&stage, &msp, &mut dice),
            2 if dice.percent(50) => fail(&stage, &msp, &mut dice),
            2 | 3 => refund(&stage, &msp, &mut dice),
            4 | 5 => meddle(&stage, &msp, &mut dice),
            6 | 7 => lose_capability(&stage, &msp, &mut dice).await,
            8 if msp.oauth => deauthorize(&stage, &msp),
            10 => fail_payout(&stage, &msp, &mut dice),
            9 if msp.oauth || dice.percent(30) => disconnect_account(&stage, &msp).await,
            _ => {}
        }
    }
}

fn done(answer: &Value) -> bool {
    answer["error"].is_null()
}

/// A sale that is not ours. Its metadata may name a payment of another tenant: whoever has an account can
/// write anything there.
pub fn own_sale(stage: &Stage, msp: &Msp, dice: &mut Dice) {
    const PAYMENTS: Sql = Sql::new("select tenant_id, livemode, id from payments order by id desc limit 20");
    let card = if msp.livemode() {
        "4000009900000004"
    } else {
        "4242424242424242"
    };
    let Some(token) = payers::token(stage, msp, card) else {
        return;
    };
    let mut form = format!(
        "amount={}&currency=usd&confirm=true&confirmation_token={token}\
         &allowed_payment_method_types[0]=card",
        dice.between(100, 9_999)
    );
    let others: Vec<(String, String)> = stage
        .rows(&PAYMENTS)
        .iter()
        .filter(|row| row.int("livemode").unwrap() == i64::from(msp.livemode()))
        .map(|row| (row.text("tenant_id").unwrap(), row.text("id").unwrap()))
        .filter(|(tenant, _)| tenant != msp.scope.tenant.as_str())
        .collect();
    if !others.is_empty() && dice.percent(70) {
        let (tenant, payment) = dice.pick(&others);
        form.push_str(&format!(
            "&metadata[tenant_id]={tenant}&metadata[payment_id]={payment}"
        ));
        stage.hit(Mark::HostileMetadata);
    }
    let sold = stage.stripe_of(msp, "POST", "/v1/payment_intents", &form);
    if sold["status"] == "succeeded" {
        stage.hit(Mark::OwnSale);
    } else {
        stage.shared.note(|| format!("no sale: {sold}"));
    }
}

/// One of the account's newest objects.
pub fn some(
    stage: &Stage,
    msp: &Msp,
    path: &str,
    dice: &mut Dice,
    fits: impl Fn(&Value) -> bool,
) -> Option<Value> {
    let list = stage.stripe_of(msp, "GET", path, "");
    let fitting: Vec<&Value> = list["data"].as_array()?.iter().filter(|one| fits(one)).collect();
    (!fitting.is_empty()).then(|| (*dice.pick(&fitting)).clone())
}

fn refund(stage: &Stage, msp: &Msp, dice: &mut Dice) {
    let fits = |charge: &Value| charge["status"] == "succeeded" && charge["refunded"] == false;
    let Some(charge) = some(stage, msp, "/v1/charges?limit=20", dice, fits) else {
        return;
    };
    let left = charge["amount"].as_i64().unwrap_or(0) - charge["amount_refunded"].as_i64().unwrap_or(0);
    let amount = if dice.percent(50) {
        left
    } else {
        dice.between(1, left)
    };
    let path = format!(
        "/_simulator/charges/{}/refund",
        charge["id"].as_str().unwrap_or_default()
    );
    if done(&stage.control(&path, &json!({"amount": amount}))) {
        let ours = !charge["application_fee"].is_null();
        stage.hit(if ours { Mark::OurRefund } else { Mark::OwnRefund });
    }
}

/// The payer's bank sends the money of a refund back.
fn fail(stage: &Stage, msp: &Msp, dice: &mut Dice) {
    let fits = |refund: &Value| refund["status"] == "succeeded";
    let Some(refund) = some(stage, msp, "/v1/refunds?limit=20", dice, fits) else {
        return;
    };
    let path = format!(
        "/_simulator/refunds/{}/fail",
        refund["id"].as_str().unwrap_or_default()
    );
    if done(&stage.control(&path, &json!({}))) {
        stage.hit(Mark::RefundFailed);
    }
}

/// The owner's bank sends a payout back, also one that was there already.
fn fail_payout(stage: &Stage, msp: &Msp, dice: &mut Dice) {
    let fits = |payout: &Value| payout["status"] != "failed" && payout["status"] != "canceled";
    let Some(payout) = some(stage, msp, "/v1/payouts?limit=10", dice, fits) else {
        return;
    };
    let path = format!(
        "/_simulator/payouts/{}/fail",
        payout["id"].as_str().unwrap_or_default()
    );
    if done(&stage.control(&path, &json!({"code": "account_closed"}))) {
        stage.hit(Mark::PayoutFailed);
    }
}

fn our_open_intent(stage: &Stage, msp: &Msp, dice: &mut Dice) -> Option<String> {
    let fits = |intent: &Value| {
        let open = [
            "requires_payment_method",
            "requires_action",
            "requires_confirmation",
        ];
        !intent["metadata"]["op_id"].is_null() && open.iter().any(|status| intent["status"] == *status)
    };
    let intent = some(stage, msp, "/v1/payment_intents?limit=20", dice, fits)?;
    Some(intent["id"].as_str()?.to_owned())
}

/// Does something to an open intent of ours.
pub fn meddle(stage: &Stage, msp: &Msp, dice: &mut Dice) {
    match dice.percent(60) {
        true => edit(stage, msp, dice),
        false => cancel(stage, msp, dice),
    }
}

fn edit(stage: &Stage, msp: &Msp, dice: &mut Dice) {
    let Some(intent) = our_open_intent(stage, msp, dice) else {
        return;
    };
    let path = format!("/v1/payment_intents/{intent}");
    let (form, mark) = match dice.percent(60) {
        true => (
            "metadata[op_id]=&metadata[invoice_id]=inv_of_another&metadata[tenant_id]=ten_other",
            Mark::MetadataEdited,
        ),
        false => ("amount=7777", Mark::AmountChanged),
    };
    if done(&stage.stripe_of(msp, "POST", &path, form)) {
        stage.hit(mark);
    }
}

fn cancel(stage: &Stage, msp: &Msp, dice: &mut Dice) {
    let Some(intent) = our_open_intent(stage, msp, dice) else {
        return;
    };
    let path = format!("/v1/payment_intents/{intent}/cancel");
    if done(&stage.stripe_of(msp, "POST", &path, "")) {
        stage.hit(Mark::CanceledThere);
    }
}

async fn lose_capability(stage: &Rc<Stage>, msp: &Msp, dice: &mut Dice) {
    let path = format!("/_simulator/accounts/{}", msp.account);
    stage.control(
        &path,
        &json!({"charges_enabled": false, "card_payments": "inactive"}),
    );
    stage.hit(Mark::CapabilityLost);
    let wait_ms = dice.between(10_000, 12 * HOUR_MS);
    rest(&stage.shared, wait_ms).await;
    give_back(stage, msp);
}

/// The account may charge again.
pub fn give_back(stage: &Stage, msp: &Msp) {
    let path = format!("/_simulator/accounts/{}", msp.account);
    stage.control(
        &path,
        &json!({"charges_enabled": true, "card_payments": "active"}),
    );
    stage.hit(Mark::CapabilityBack);
}

fn deauthorize(stage: &Stage, msp: &Msp) {
    let form = format!("client_id={}&stripe_user_id={}", stage.application, msp.account);
    let key = format!("sk_{}_psapay_demo", msp.scope.mode.word());
    let ended = stage.stripe(&key, "POST", "/oauth/deauthorize", "", &form);
    if done(&ended) {
        stage.hit(Mark::Deauthorized);
        msp.away.set(true);
    }
}

async fn disconnect_account(stage: &Rc<Stage>, msp: &Rc<Msp>) {
    let there = Rc::clone(msp);
    let answer = request(stage, "disconnect", |app| async move {
        disconnect::disconnect(&app, &there.scope, &BY, &there.account).await
    });
    // Whether it was carried out or not, the owner will want to be connected again.
    if let Some(Ok(_)) = answer.await {
        stage.hit(Mark::Disconnected);
    }
    msp.away.set(true);
}

/// Connects the account again: by the owner's consent, or as the account that we made.
pub async fn connect_again(stage: &Rc<Stage>, msp: &Rc<Msp>) {
    let there = Rc::clone(msp);
    let connected = match msp.oauth {
        false => {
            let answer = request(stage, "connect", |app| async move {
                onboarding::connect(&app, &there.scope, &BY, &there.account).await
            });
            matches!(answer.await, Some(Ok(())))
        }
        true => {
            let link = request(stage, "authorize", |app| async move {
                oauth::authorize(&app, &there.scope, &BY, "https://pay.example.com").await
            });
            let Some(Ok(link)) = link.await else { return };
            let Some((state, code)) = stage.agree(link.url.expose(), &msp.account) else {
                return;
            };
            let answer = request(stage, "arrive", |app| async move {
                oauth::arrive(&app, &BY, &state, &code).await
            });
            matches!(answer.await, Some(Ok(_)))
        }
    };
    if connected {
        stage.hit(Mark::ConnectedAgain);
        msp.away.set(false);
    }
}
