//! Every movement of money is booked on both of its sides: after a long random mix of payments and of all
//! that takes money back or on, the balances are what the objects say.

use crate::dice::Dice;
use crate::invariants::{all, balance_ties};
use crate::world::{World, id};
use serde_json::{Value, json};

const CARDS: [&str; 8] = [
    "pm_card_visa",
    "pm_card_bypassPending",
    "pm_card_createDispute",
    "pm_card_createDisputeInquiry",
    "pm_card_createMultipleDisputes",
    "pm_card_pendingRefund",
    "pm_card_refundFail",
    "pm_card_createIssuerFraudRecord",
];

fn sum(objects: &[Value], of: impl Fn(&Value) -> i64) -> i64 {
    objects.iter().map(of).sum()
}

fn number(object: &Value, field: &str) -> i64 {
    object[field].as_i64().unwrap()
}

fn pay(world: &World, dice: &mut Dice, destination: Option<&str>) {
    let amount = (1_000 + dice.below(90_000)).to_string();
    let fee = (1 + dice.below(900)).to_string();
    let mut form = vec![
        ("amount", amount.as_str()),
        ("currency", "usd"),
        ("payment_method", CARDS[dice.below(CARDS.len())]),
        ("allowed_payment_method_types[]", "card"),
        ("confirm", "true"),
    ];
    if (world.account.is_some() || destination.is_some()) && dice.percent(70) {
        form.push(("application_fee_amount", &fee));
    }
    form.extend(destination.map(|to| ("transfer_data[destination]", to)));
    world.post("/v1/payment_intents", &form);
}

/// A refund of some charge, which Stripe may refuse.
fn refund(world: &World, dice: &mut Dice) {
    let charges = world.get("/v1/charges?limit=20");
    let charges = charges["data"].as_array().unwrap();
    let Some(charge) = charges.get(dice.below(charges.len().max(1))) else {
        return;
    };
    let amount = (1 + dice.below(9_000)).to_string();
    let mut form = vec![("charge", id(charge))];
    if dice.percent(70) {
        form.push(("amount", &amount));
    }
    if dice.percent(50) {
        form.push(("refund_application_fee", "true"));
    }
    if dice.percent(50) && charge["transfer"].is_string() {
        form.push(("reverse_transfer", "true"));
    }
    world.ask("POST", "/v1/refunds", &form);
}

fn answer_dispute(world: &World, dice: &mut Dice) {
    let disputes = world.get("/v1/disputes?limit=20");
    let disputes = disputes["data"].as_array().unwrap();
    let Some(dispute) = disputes.get(dice.below(disputes.len().max(1))) else {
        return;
    };
    let texts = ["winning_evidence", "losing_evidence", "escalate_inquiry_evidence"];
    let form = [("evidence[uncategorized_text]", texts[dice.below(texts.len())])];
    world.ask("POST", &format!("/v1/disputes/{}", id(dispute)), &form);
}

fn act(platform: &World, tenant: &World, dice: &mut Dice) {
    let account = tenant.account.clone().unwrap();
    let amount = (1 + dice.below(3_000)).to_string();
    let some = |world: &World, path: &str, dice: &mut Dice| {
        let listed = world.get(path)["data"].as_array().unwrap().clone();
        let at = dice.below(listed.len().max(1));
        listed.get(at).map(|one| id(one).to_owned())
    };
    match dice.below(11) {
        0 | 1 => pay(tenant, dice, None),
        2 => pay(platform, dice, None),
        3 => pay(platform, dice, Some(&account)),
        4 => refund(tenant, dice),
        5 => refund(platform, dice),
        6 => answer_dispute(if dice.percent(50) { tenant } else { platform }, dice),
        7 => {
            if let Some(fee) = some(platform, "/v1/application_fees", dice) {
                let path = format!("/v1/application_fees/{fee}/refunds");
                platform.ask("POST", &path, &[("amount", &amount)]);
            }
        }
        8 => {
            let form = [
                ("amount", amount.as_str()),
                ("currency", "usd"),
                ("destination", &account),
            ];
            platform.ask("POST", "/v1/transfers", &form);
        }
        9 => {
            if let Some(transfer) = some(platform, "/v1/transfers", dice) {
                let path = format!("/v1/transfers/{transfer}/reversals");
                let with_fee = if dice.percent(50) { "true" } else { "false" };
                let form = [("amount", amount.as_str()), ("refund_application_fee", with_fee)];
                platform.ask("POST", &path, &form);
            }
        }
        _ => {
            let form = [("amount", amount.as_str()), ("currency", "usd")];
            platform.ask("POST", "/v1/payouts", &form);
        }
    }
}

/// What the objects of an account say that it holds, payouts and what accounts sent each other aside.
fn said(world: &World) -> i64 {
    let charges = all(world, "/v1/charges");
    let good: Vec<Value> = charges
        .into_iter()
        .filter(|charge| charge["captured"] == json!(true))
        .collect();
    let from_cards = |charge: &&Value| charge["source_transfer"].is_null();
    let stripe = good
        .iter()
        .filter(from_cards)
        .map(|charge| (number(charge, "amount_captured") * 29 + 500) / 1000 + 30);
    let fees = sum(&good, |charge| {
        let own = world.account.is_some();
        charge["application_fee_amount"]
            .as_i64()
            .filter(|_| own)
            .unwrap_or(0)
    });
    let refunds = all(world, "/v1/refunds");
    let gone = sum(&refunds, |refund| {
        if refund["status"] == "failed" {
            0
        } else {
            number(refund, "amount")
        }
    });
    let disputes = all(world, "/v1/disputes");
    let taken = sum(&disputes, |dispute| match dispute["status"].as_str().unwrap() {
        "needs_response" | "under_review" | "lost" => number(dispute, "amount") + 1_500,
        _ => 0,
    });
    sum(&good, |charge| number(charge, "amount_captured")) - stripe.sum::<i64>() - fees - gone - taken
}

#[test]
fn the_balances_are_what_the_objects_say() {
    for seed in 1..=3 {
        let tenant = World::tenant();
        let platform = tenant.on_platform();
        let mut dice = Dice(seed);
        for _ in 0..250 {
            act(&platform, &tenant, &mut dice);
            let seconds = i64::try_from(dice.below(40_000)).unwrap();
            tenant.simulator.advance_ms(seconds * 1_000);
        }
        tenant.simulator.advance_ms(20 * 86_400_000);
        let fees = all(&platform, "/v1/application_fees");
        let returned = sum(&fees, |fee| number(fee, "amount_refunded"));
        let kept = sum(&fees, |fee| number(fee, "amount")) - returned;
        let transfers = all(&platform, "/v1/transfers");
        let moved = sum(&transfers, |one| {
            number(one, "amount") - number(one, "amount_reversed")
        });
        let payouts = all(&platform, "/v1/payouts");
        let paid_out = sum(&payouts, |payout| match payout["status"].as_str().unwrap() {
            "failed" | "canceled" => 0,
            _ => number(payout, "amount"),
        });
        for (world, more) in [(&tenant, returned), (&platform, kept - moved - paid_out)] {
            balance_ties(world);
            let balance = world.get("/v1/balance");
            let amount = |part: &str| balance[part][0]["amount"].as_i64().unwrap();
            assert_eq!(
                amount("available") + amount("pending"),
                said(world) + more,
                "seed {seed}, account {:?}",
                world.account
            );
        }
        assert!(
            transfers.len() > 5 && returned > 0,
            "the mix holds some of everything"
        );
    }
}
