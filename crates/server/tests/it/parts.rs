//! Payers pay a part of an invoice, or several invoices at once: one intent, one charge, one fee, and each
//! invoice with its part of it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;

use crate::engines::World;
use crate::town::{Msp, Reply, Town};

const VISA: &str = "pm_card_visa";
const ASKS: &str = "pm_card_authenticationRequired";

/// Lets the town's payers choose.
pub async fn allow(town: &Town, settings: Value) {
    let set = town
        .api(&town.msp.key, Method::PUT, "/api/settings/payments", settings)
        .await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.text);
}

/// An open invoice of a client that is due on a day.
pub async fn due(town: &Town, msp: &Msp, cents: i64, day: &str) -> String {
    let draft = json!({"client_id": msp.client_id, "currency": "usd", "due_date": day,
        "lines": [{"description": "Managed workplace", "quantity": "1", "unit_price": cents}]});
    let made = town.api(&msp.key, Method::POST, "/api/invoices", draft).await;
    let id = made.body["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", made.text))
        .to_owned();
    let path = format!("/api/invoices/{id}/finalize");
    assert_eq!(
        town.api(&msp.key, Method::POST, &path, Value::Null).await.status,
        StatusCode::OK
    );
    id
}

/// A press on Pay for an invoice and others with it.
pub async fn pay_with(town: &Town, link: &str, card: &str, cents: i64, others: &[&str]) -> Reply {
    let page = town.read_page(link).await;
    let body = json!({"confirmation_token": town.token(card), "amount": cents, "currency": "usd",
        "invoices": others, "page_token": page});
    town.press(link, body).await
}

/// Status, and what is still owed.
async fn stands(town: &Town, invoice: &str) -> (String, i64) {
    let read = town.read_invoice(invoice).await;
    (
        read["status"].as_str().unwrap().to_owned(),
        read["amount_due"].as_i64().unwrap(),
    )
}

/// An intent's status at Stripe.
fn status_of(town: &Town, intent: &str) -> String {
    let intents = town.intents();
    let found = intents.iter().find(|one| one["id"] == intent);
    found.unwrap()["status"].as_str().unwrap().to_owned()
}

const PARTS: Sql = Sql::new(
    "select count(*) as n from payment_parts r
     join payments p on p.tenant_id = r.tenant_id and p.livemode = r.livemode and p.id = r.payment_id
     where p.status = 'succeeded' and r.applied = r.amount and r.live = 0",
);
const LIVE: Sql = Sql::new("select count(*) as n from payment_parts where live = 1");

both! {
    fn an_invoice_is_paid_in_parts_and_never_more_than_is_owed(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(10_000, "usd").await;
            let link = town.link(&invoice).await;
            let pay = async |cents| town.pay(&link, &town.token(VISA), cents, "usd").await;
            pay(4_000).await.assert_refused(409, "amount_changed", Some("amount"));
            assert!(town.look(&link).await.body["part_minimum"].is_null());

            allow(&town, json!({"partial_payments": true, "minimums": {"usd": 1_000}})).await;
            assert_eq!(town.look(&link).await.body["part_minimum"], 1_000);
            pay(999).await.assert_refused(422, "part_too_small", Some("amount"));
            pay(0).await.assert_refused(422, "part_too_small", Some("amount"));
            pay(10_001).await.assert_refused(409, "amount_changed", Some("amount"));
            let few = pay(9_951).await;
            few.assert_refused(422, "rest_too_small", Some("amount"));
            assert!(few.text.contains("Pay all of 100.00 USD, or at most 99.50 USD"), "{}", few.text);
            assert_eq!(town.intents().len(), 0, "none of these reached Stripe");

            assert_eq!(pay(4_000).await.body["status"], "succeeded");
            assert_eq!(stands(&town, &invoice).await, ("open".to_owned(), 6_000));
            let look = town.look(&link).await.body;
            assert_eq!((&look["state"], &look["amount"]), (&json!("pay"), &json!(6_000)));
            pay(10_000).await.assert_refused(409, "amount_changed", Some("amount"));
            // A declined part leaves its intent to the next try of the same part, and to no other.
            let declined = town.pay(&link, &town.token("pm_card_chargeDeclined"), 5_500, "usd").await;
            assert_eq!(declined.body["decline"]["code"], "card_declined", "{}", declined.text);
            assert_eq!(pay(5_500).await.body["status"], "succeeded");
            assert_eq!(town.intents().len(), 2);
            // The last part pays the rest, however small.
            let declined = town.pay(&link, &town.token("pm_card_chargeDeclined"), 500, "usd").await;
            assert_eq!(declined.body["decline"]["code"], "card_declined", "{}", declined.text);
            assert_eq!(pay(500).await.body["status"], "succeeded");
            assert_eq!(stands(&town, &invoice).await, ("paid".to_owned(), 0));
            pay(500).await.assert_refused(409, "invoice_paid", None);
            let charges = town.charges();
            let figures = |field: &str| charges.iter().map(|one| one[field].clone()).collect::<Vec<_>>();
            assert_eq!(figures("amount"), [500, 5_500, 4_000]);
            assert_eq!(figures("application_fee_amount"), [15, 165, 120]);
            town.until_quiet().await;
            assert_eq!(town.number(&PARTS).await, 3);
            town.assert_books().await;
        });
    }

    fn another_part_or_all_of_it_replaces_an_intent_that_was_left(world: &World) {
        Town::run(world, async |town| {
            allow(&town, json!({"partial_payments": true})).await;
            let invoice = town.invoice(10_000, "usd").await;
            let link = town.link(&invoice).await;
            let asked = town.pay(&link, &town.token(ASKS), 3_000, "usd").await;
            assert_eq!(asked.body["status"], "requires_action", "{}", asked.text);
            let left = town.intents()[0]["id"].as_str().unwrap().to_owned();
            let paid = town.pay(&link, &town.token(VISA), 10_000, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            assert_eq!(status_of(&town, &left), "canceled", "nobody can finish it any more");
            town.until_quiet().await;
            assert_eq!(town.charges().len(), 1);
            assert_eq!(stands(&town, &invoice).await, ("paid".to_owned(), 0));
            town.assert_books().await;
        });
    }

    fn several_invoices_are_paid_by_one_charge_with_one_fee(world: &World) {
        Town::run(world, async |town| {
            allow(&town, json!({"several_invoices": true})).await;
            let first = due(&town, &town.msp, 3_333, "2026-12-31").await;
            let second = due(&town, &town.msp, 1_111, "2026-11-30").await;
            let third = town.invoice(1_110, "usd").await;
            let link = town.link(&first).await;
            let others = town.look(&link).await.body["other_invoices"].clone();
            let ids: Vec<&str> =
                others.as_array().unwrap().iter().map(|other| other["id"].as_str().unwrap()).collect();
            assert_eq!(ids, [second.as_str(), third.as_str()], "the one that is due first on top");
            assert_eq!(others[0]["amount"], 1_111);

            let stale = pay_with(&town, &link, VISA, 5_553, &[&second, &third]).await;
            stale.assert_refused(409, "amount_changed", Some("amount"));
            assert!(stale.text.contains("55.54 USD"), "{}", stale.text);
            let paid = pay_with(&town, &link, VISA, 5_554, &[&second, &third]).await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            for invoice in [&first, &second, &third] {
                assert_eq!(stands(&town, invoice).await, ("paid".to_owned(), 0));
                let link = town.link(invoice).await;
                assert_eq!(town.look(&link).await.body["state"], "paid");
            }
            let charges = town.charges();
            assert_eq!(charges.len(), 1);
            // 3 % of 5554 is 166.62; of each by itself it would be 99.99, 33.33 and 33.3, together 166.
            assert_eq!(charges[0]["application_fee_amount"], 167);
            let numbers = town.intents()[0]["description"].as_str().unwrap().to_owned();
            assert_eq!(numbers.split(", ").count(), 3, "{numbers}");
            town.until_quiet().await;
            assert_eq!((town.number(&PARTS).await, town.number(&LIVE).await), (3, 0));
            let listed = town.api(&town.msp.key, Method::GET, "/api/payments", Value::Null).await.body;
            let shown = &listed["data"][0];
            assert_eq!((&shown["amount"], &shown["method"]), (&json!(5_554), &json!("card")));
            let of_second = json!({"invoice_id": second, "amount": 1_111, "applied": 1_111});
            assert_eq!(shown["parts"][0], of_second);
            const ORDER: Sql = Sql::new("select invoice_id from payment_parts order by position");
            let order: Vec<String> =
                town.rows(&ORDER).await.iter().map(|row| row.text("invoice_id").unwrap()).collect();
            assert_eq!(order, [second.clone(), first.clone(), third.clone()]);
            let path = format!("/api/reports/statement?client_id={}&currency=usd", town.msp.client_id);
            let statement = town.api(&town.msp.key, Method::GET, &path, Value::Null).await.body;
            let line = statement["data"].as_array().unwrap().last().unwrap();
            let of = |part: &Value| (part["invoice_id"].clone(), part["amount"].clone());
            let parts: Vec<(Value, Value)> = line["parts"].as_array().unwrap().iter().map(of).collect();
            assert_eq!((&line["amount"], parts), (&json!(-5_554), vec![(json!(second), json!(-1_111)),
                (json!(first), json!(-3_333)), (json!(third), json!(-1_110))]), "{line}");
            let file = town.api(&town.msp.key, Method::GET, &format!("{path}&format=csv"), Value::Null).await;
            let rows: Vec<&str> = file.text.lines().skip(4).collect();
            let ends: Vec<bool> = rows.iter().zip(["-11.11,44.43", "-33.33,11.10", "-11.10,0.00"])
                .map(|(row, end)| row.ends_with(end)).collect();
            assert_eq!(ends, [true, true, true], "{rows:?}");
            town.assert_books().await;
        });
    }

    fn a_part_of_several_invoices_goes_to_the_one_that_is_due_first(world: &World) {
        Town::run(world, async |town| {
            allow(&town, json!({"several_invoices": true, "partial_payments": true})).await;
            let later = due(&town, &town.msp, 5_000, "2026-12-31").await;
            let sooner = due(&town, &town.msp, 3_000, "2026-11-30").await;
            let link = town.link(&later).await;
            let first_only = pay_with(&town, &link, VISA, 3_000, &[&sooner]).await;
            first_only.assert_refused(422, "part_too_small", Some("amount"));
            assert!(first_only.text.contains("30.50 USD"), "{}", first_only.text);
            let cents = pay_with(&town, &link, VISA, 7_990, &[&sooner]).await;
            cents.assert_refused(422, "rest_too_small", Some("amount"));
            let paid = pay_with(&town, &link, VISA, 4_000, &[&sooner]).await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            assert_eq!(stands(&town, &sooner).await, ("paid".to_owned(), 0));
            assert_eq!(stands(&town, &later).await, ("open".to_owned(), 4_000));
            town.until_quiet().await;
            town.assert_books().await;
        });
    }

    fn what_does_not_belong_together_is_refused_before_stripe(world: &World) {
        Town::run(world, async |town| {
            let first = town.invoice(1_000, "usd").await;
            let second = town.invoice(1_000, "usd").await;
            let link = town.link(&first).await;
            assert_eq!(town.look(&link).await.body["other_invoices"], json!([]));
            let off = pay_with(&town, &link, VISA, 2_000, &[&second]).await;
            off.assert_refused(422, "invalid_field", Some("invoices"));

            allow(&town, json!({"several_invoices": true})).await;
            let euros = town.invoice(1_000, "eur").await;
            let draft = json!({"client_id": town.msp.client_id, "currency": "usd",
                "lines": [{"description": "x", "quantity": "1", "unit_price": 1_000}]});
            let draft = town.api(&town.msp.key, Method::POST, "/api/invoices", draft).await;
            let draft = draft.body["id"].as_str().unwrap().to_owned();
            let first_client = format!("/api/clients/{}", town.msp.client_id);
            let first_client = town.api(&town.msp.key, Method::GET, &first_client, Value::Null).await;
            let client = json!({"name": "Another client", "email": first_client.body["email"]});
            let client = town.api(&town.msp.key, Method::POST, "/api/clients", client).await;
            let elsewhere = Msp {
                client_id: client.body["id"].as_str().unwrap().to_owned(),
                ..town.msp.clone()
            };
            let of_other_client = town.invoice_of(&elsewhere, 1_000, "usd").await;
            let other = town.add_msp("Contoso", "usd").await;
            let of_other_tenant = town.invoice_of(&other, 1_000, "usd").await;
            let shown = town.look(&link).await.body["other_invoices"].clone();
            assert_eq!(shown.as_array().unwrap().len(), 1, "{shown}");
            assert_eq!(shown[0]["id"], second.as_str());
            for others in [
                vec![euros.as_str()],
                vec![draft.as_str()],
                vec![of_other_client.as_str()],
                vec![of_other_tenant.as_str()],
                vec![first.as_str()],
                vec![second.as_str(), second.as_str()],
                vec!["inv_00000000000000000000000000"],
                vec!["x"],
                vec![second.as_str(); 20],
            ] {
                let refused = pay_with(&town, &link, VISA, 2_000, &others).await;
                refused.assert_refused(422, "invalid_field", Some("invoices"));
            }
            assert_eq!(town.command(&second, "void").await.status, StatusCode::OK);
            let gone = pay_with(&town, &link, VISA, 2_000, &[&second]).await;
            gone.assert_refused(409, "invoices_changed", Some("invoices"));
            assert_eq!(town.intents().len(), 0);
        });
    }

    fn one_live_payment_holds_each_invoice_of_the_set(world: &World) {
        Town::run(world, async |town| {
            allow(&town, json!({"several_invoices": true})).await;
            let first = town.invoice(2_000, "usd").await;
            let second = town.invoice(3_000, "usd").await;
            let (link, other_link) = (town.link(&first).await, town.link(&second).await);
            // A combined payment waits for the bank; the other invoice's payer pays theirs alone.
            let asked = pay_with(&town, &link, ASKS, 5_000, &[&second]).await;
            assert_eq!(asked.body["status"], "requires_action", "{}", asked.text);
            let left = town.intents()[0]["id"].as_str().unwrap().to_owned();
            assert_eq!(town.look(&link).await.body["state"], "continue");
            assert_eq!(town.look(&other_link).await.body["state"], "pay");
            let secret = town.check(&other_link).await;
            assert!(secret.body["client_secret"].is_null(), "{}", secret.text);
            assert_eq!(town.number(&LIVE).await, 2);
            let paid = town.pay(&other_link, &town.token(VISA), 3_000, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            assert_eq!(status_of(&town, &left), "canceled", "nobody can finish it any more");
            town.until_quiet().await;
            assert_eq!(town.charges().len(), 1, "the combined intent was cancelled before");
            assert_eq!(stands(&town, &first).await, ("open".to_owned(), 2_000));
            assert_eq!(stands(&town, &second).await, ("paid".to_owned(), 0));
            let stale = pay_with(&town, &link, VISA, 5_000, &[&second]).await;
            stale.assert_refused(409, "invoices_changed", Some("invoices"));
            let paid = town.pay(&link, &town.token(VISA), 2_000, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            town.until_quiet().await;
            town.assert_books().await;
        });
    }

    fn a_combined_payment_takes_the_place_of_what_was_left_on_each_invoice(world: &World) {
        Town::run(world, async |town| {
            allow(&town, json!({"several_invoices": true})).await;
            let mut invoices = Vec::new();
            for cents in [1_000, 2_000, 3_000] {
                let invoice = town.invoice(cents, "usd").await;
                let link = town.link(&invoice).await;
                let asked = town.pay(&link, &town.token(ASKS), cents, "usd").await;
                assert_eq!(asked.body["status"], "requires_action", "{}", asked.text);
                invoices.push((invoice, link));
            }
            let others: Vec<&str> = invoices[1..].iter().map(|(invoice, _)| invoice.as_str()).collect();
            let paid = pay_with(&town, &invoices[0].1, VISA, 6_000, &others).await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            let statuses: Vec<Value> = town.intents().iter().map(|one| one["status"].clone()).collect();
            assert_eq!(statuses, ["succeeded", "canceled", "canceled", "canceled"]);
            town.until_quiet().await;
            assert_eq!(town.charges().len(), 1);
            town.assert_books().await;
        });
    }

    fn voiding_one_invoice_of_a_set_cancels_the_payment_of_all(world: &World) {
        Town::run(world, async |town| {
            allow(&town, json!({"several_invoices": true})).await;
            let first = town.invoice(2_000, "usd").await;
            let second = town.invoice(3_000, "usd").await;
            let link = town.link(&first).await;
            pay_with(&town, &link, ASKS, 5_000, &[&second]).await;
            let left = town.intents()[0]["id"].as_str().unwrap().to_owned();
            let voided = town.command(&second, "void").await;
            assert_eq!(voided.body["status"], "void", "{}", voided.text);
            assert_eq!(status_of(&town, &left), "canceled", "nobody can finish it any more");
            town.until_quiet().await;
            assert_eq!(town.charges().len(), 0);
            assert_eq!(stands(&town, &first).await, ("open".to_owned(), 2_000));
            assert_eq!(town.number(&LIVE).await, 0);
            town.assert_books().await;
        });
    }

    fn two_payers_of_overlapping_sets_charge_each_invoice_once(world: &World) {
        Town::run(world, async |town| {
            allow(&town, json!({"several_invoices": true})).await;
            for round in 0..10 {
                let mut invoices = Vec::new();
                for cents in [1_000, 2_000, 3_000] {
                    invoices.push(town.invoice(cents, "usd").await);
                }
                let [a, b, c] = invoices.as_slice() else { panic!() };
                let links = [town.link(a).await, town.link(c).await];
                let before = town.charges().len();
                let with = [b.as_str()];
                let (first, second) = tokio::join!(
                    pay_with(&town, &links[0], VISA, 3_000, &with),
                    pay_with(&town, &links[1], VISA, 5_000, &with),
                );
                town.until_quiet().await;
                let paid = [&first, &second].map(|reply| reply.body["status"] == "succeeded");
                let charged = town.charges().len() - before;
                let done = paid.iter().filter(|paid| **paid).count();
                assert!(charged <= 1 && done <= charged, "{round}: {} {}", first.text, second.text);
                let (_, owed) = stands(&town, b).await;
                assert_eq!(owed == 0, charged == 1, "{round}");
            }
            town.assert_books().await;
        });
    }

    fn an_integrator_gets_an_intent_for_a_part_or_for_several(world: &World) {
        Town::run(world, async |town| {
            allow(&town, json!({"several_invoices": true, "partial_payments": true})).await;
            let first = town.invoice(2_000, "usd").await;
            let second = town.invoice(3_000, "usd").await;
            let intent = async |body: Value, once: &str| {
                let path = format!("/api/invoices/{first}/payment-intent");
                town.api_once(&town.msp.key, Method::POST, &path, body, Some(once.as_bytes())).await
            };
            let part = intent(json!({"amount": 500}), "1").await;
            assert_eq!(part.body["amount"], 500, "{}", part.text);
            let again = intent(json!({"amount": 500}), "2").await;
            assert_eq!(again.body["stripe_payment_intent_id"], part.body["stripe_payment_intent_id"]);
            let both = intent(json!({"invoices": [second]}), "3").await;
            assert_eq!(both.body["amount"], 5_000, "{}", both.text);
            let same_key = intent(json!({"amount": 700}), "3").await;
            same_key.assert_refused(422, "idempotency_key_reused", None);
            let few = intent(json!({"amount": 49}), "4").await;
            few.assert_refused(422, "part_too_small", Some("amount"));
            let statuses: Vec<Value> = town.intents().iter().map(|one| one["status"].clone()).collect();
            assert_eq!(statuses, ["requires_payment_method", "canceled"]);
            let id = both.body["stripe_payment_intent_id"].as_str().unwrap();
            let secret = both.body["client_secret"].as_str().unwrap();
            assert!(secret.starts_with(id));
            let path = format!("/v1/payment_intents/{id}/confirm");
            town.stripe("POST", &path, Some(&town.msp.account), "payment_method=pm_card_visa");
            town.until_invoice(&first, "paid").await;
            town.until_invoice(&second, "paid").await;
            town.until_quiet().await;
            town.assert_books().await;
        });
    }

    fn a_bank_debit_has_the_fee_of_its_method(world: &World) {
        Town::run(world, async |town| {
            let key = crate::platform::platform_key(&town).await;
            for rule in [
                json!({"mode": "test", "method": "bank_debit", "currency": "usd", "fee_bps": 80,
                    "maximum": 500}),
                json!({"mode": "test", "method": "card", "fee_bps": 290}),
            ] {
                let added = town.api(&key, Method::POST, "/api/platform/fee-rules", rule).await;
                assert_eq!(added.status, StatusCode::CREATED, "{}", added.text);
            }
            let bank = "pm_usBankAccount_success";
            let invoice = town.invoice(100_000, "usd").await;
            let link = town.link(&invoice).await;
            // Not allowed: the intent is for cards, and Stripe refuses the token.
            let refused = town.pay(&link, &town.token(bank), 100_000, "usd").await;
            assert!(refused.status.is_client_error(), "{}", refused.text);

            allow(&town, json!({"bank_debits": true})).await;
            assert_eq!(town.look(&link).await.body["payment_methods"], json!(["card"]));
            let account = &town.msp.account;
            let path = format!("/v1/accounts/{account}/capabilities/us_bank_account_ach_payments");
            let asked = town.stripe("POST", &path, None, "requested=true");
            assert!(asked["error"].is_null(), "{asked}");
            town.until("the account takes bank debits", async || {
                town.advance_ms(60_000);
                town.look(&link).await.body["payment_methods"] == json!(["card", "us_bank_account"])
            })
            .await;
            let declined = town.pay(&link, &town.token("pm_card_chargeDeclined"), 100_000, "usd").await;
            assert_eq!(declined.body["decline"]["code"], "card_declined", "{}", declined.text);
            assert_eq!(town.intents()[0]["application_fee_amount"], 2_900);
            let paying = town.pay(&link, &town.token(bank), 100_000, "usd").await;
            assert_eq!(paying.body["status"], "processing", "{}", paying.text);
            let intents = town.intents();
            assert_eq!(intents[0]["application_fee_amount"], 500);
            assert_eq!(intents[1]["status"], "canceled", "what was for cards had to go first");
            assert_eq!(town.look(&link).await.body["state"], "in_progress");
            let busy = town.pay(&link, &town.token(VISA), 100_000, "usd").await;
            busy.assert_refused(409, "payment_in_progress", None);
            town.advance_ms(7 * 24 * 60 * 60 * 1000);
            town.until_invoice(&invoice, "paid").await;
            town.until_quiet().await;
            assert_eq!(town.charges()[0]["application_fee_amount"], 500);
            town.assert_books().await;
        });
    }

    fn settings_are_kept_by_mode_and_noted(world: &World) {
        Town::run(world, async |town| {
            let path = "/api/settings/payments";
            let read = async || town.api(&town.msp.key, Method::GET, path, Value::Null).await.body;
            let off = json!({"object": "payment_settings", "livemode": false, "partial_payments": false,
                "minimums": {}, "several_invoices": false, "bank_debits": false});
            assert_eq!(read().await, off);
            allow(&town, json!({"partial_payments": true, "minimums": {"usd": 1_000, "EUR": 2_000}})).await;
            let on = read().await;
            assert_eq!(on["partial_payments"], true);
            assert_eq!(on["minimums"], json!({"usd": 1_000, "eur": 2_000}));
            allow(&town, json!({"partial_payments": true, "minimums": {"usd": 1_000, "eur": 2_000}})).await;
            for (settings, field) in [
                (json!({"minimums": {"usd": 49}}), "minimums.usd"),
                (json!({"minimums": {"usd": -1}}), "minimums.usd"),
                (json!({"minimums": {"kwd": 1_001}}), "minimums.kwd"),
                (json!({"minimums": {"xxx": 100}}), "minimums"),
                (json!({"minimums": {"usd": 100, "USD": 200}}), "minimums"),
            ] {
                let refused = town.api(&town.msp.key, Method::PUT, path, settings).await;
                refused.assert_refused(422, "invalid_field", Some(field));
            }
            assert_eq!(read().await, on);
            allow(&town, json!({})).await;
            assert_eq!(read().await, off);
            const NOTED: Sql =
                Sql::new("select count(*) as n from audit_log where action = 'payment_settings.changed'");
            assert_eq!(town.number(&NOTED).await, 2, "what changes nothing is not noted");
        });
    }
}
