//! Credit notes, and money of clients that no invoice has taken up.

use domain::Role;
use flows::reconcile;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;

use crate::disputes;
use crate::engines::World;
use crate::inbox::by_hand;
use crate::invariants::day::other_amount;
use crate::own_shop::all_told;
use crate::person::Person;
use crate::town::{Reply, Town};

const AMOUNT: i64 = 11_900;

async fn post(town: &Town, path: &str, body: Value, once: &str) -> Reply {
    town.api_once(&town.msp.key, Method::POST, path, body, Some(once.as_bytes()))
        .await
}

/// A credit note under an idempotency key of its own.
pub async fn note(town: &Town, invoice: &str, amount: i64) -> Reply {
    let once = format!("{:032x}", town.app.clock.random());
    let body = json!({"amount": amount, "reason": "Agreed on the phone"});
    post(
        town,
        &format!("/api/invoices/{invoice}/credit-notes"),
        body,
        &once,
    )
    .await
}

/// A client's credit pays an invoice, under an idempotency key of its own.
pub async fn apply(town: &Town, invoice: &str, amount: i64) -> Reply {
    let once = format!("{:032x}", town.app.clock.random());
    let path = format!("/api/clients/{}/credit/apply", town.msp.client_id);
    post(
        town,
        &path,
        json!({"invoice_id": invoice, "amount": amount}),
        &once,
    )
    .await
}

async fn credit(town: &Town) -> Value {
    let path = format!("/api/clients/{}/credit", town.msp.client_id);
    let reply = town.api(&town.msp.key, Method::GET, &path, Value::Null).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply.body
}

async fn taxed(town: &Town) -> String {
    let draft = json!({"client_id": town.msp.client_id, "currency": "usd",
        "lines": [{"description": "Managed workplace", "quantity": "1", "unit_price": 10_000,
            "tax_rate": 19_000}]});
    let made = town
        .api(&town.msp.key, Method::POST, "/api/invoices", draft)
        .await;
    let id = made.body["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", made.text))
        .to_owned();
    assert_eq!(town.command(&id, "finalize").await.body["total"], AMOUNT);
    id
}

async fn pay(town: &Town, invoice: &str, amount: i64) {
    let link = town.link(invoice).await;
    let paid = town.pay(&link, &town.token("pm_card_visa"), amount, "usd").await;
    assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
    all_told(town).await;
}

async fn dana(town: &Town) -> Person {
    Person::new(
        town,
        &town.msp.scope.tenant,
        Role::Billing,
        "dana@northwind.example",
    )
    .await
}

both! {
    fn a_credit_note_takes_off_what_is_owed_and_the_rest_is_the_clients(world: &World) {
        Town::run(world, async |town| {
            let draft = json!({"client_id": town.msp.client_id, "currency": "usd", "lines": []});
            let draft = town.api(&town.msp.key, Method::POST, "/api/invoices", draft).await;
            note(&town, draft.body["id"].as_str().unwrap(), 100).await
                .assert_refused(409, "invoice_draft", None);
            let invoice = taxed(&town).await;
            note(&town, &invoice, 0).await.assert_refused(422, "invalid_field", Some("amount"));
            note(&town, &invoice, AMOUNT + 1).await.assert_refused(422, "credit_too_large", Some("amount"));
            let path = format!("/api/invoices/{invoice}/credit-notes");
            let no_reason = json!({"amount": 100, "reason": " "});
            post(&town, &path, no_reason, "no-reason").await
                .assert_refused(422, "invalid_field", Some("reason"));

            let first = note(&town, &invoice, 1_900).await;
            assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
            assert_eq!((&first.body["number"], &first.body["tax"], &first.body["to_credit"]),
                (&json!("CN-00001"), &json!(303), &json!(0)));
            let owed = town.read_invoice(&invoice).await;
            assert_eq!((&owed["amount_due"], &owed["status"]), (&json!(10_000), &json!("open")));
            pay(&town, &invoice, 10_000).await;
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid");

            let body = json!({"amount": 10_000, "reason": "It was all wrong"});
            let second = post(&town, &path, body.clone(), "twice").await;
            assert_eq!((&second.body["number"], &second.body["to_credit"]),
                (&json!("CN-00002"), &json!(10_000)), "{}", second.text);
            assert_eq!(post(&town, &path, body, "twice").await.body, second.body);
            // Both together take back exactly the tax of the invoice.
            assert_eq!(second.body["tax"], 1_900 - 303);
            note(&town, &invoice, 1).await.assert_refused(422, "credit_too_large", Some("amount"));
            let list = town.api(&town.msp.key, Method::GET, "/api/credit-notes", Value::Null).await;
            assert_eq!(list.body["data"], json!([second.body, first.body]));
            let one = format!("/api/credit-notes/{}", first.body["id"].as_str().unwrap());
            assert_eq!(town.api(&town.msp.key, Method::GET, &one, Value::Null).await.body, first.body);
            assert_eq!(credit(&town).await["balances"], json!([{"currency": "usd", "amount": 10_000}]));
            town.assert_books().await;
        });
    }

    fn a_credit_note_takes_lines_back_with_their_own_tax(world: &World) {
        Town::run(world, async |town| {
            let line = |price: i64, rate: i64| json!({"description": "Managed workplace", "quantity": "1",
                "unit_price": price, "tax_rate": rate});
            let draft = json!({"client_id": town.msp.client_id, "currency": "usd",
                "lines": [line(1_000, 19_000), line(2_005, 7_000), line(3_000, 0)]});
            let made = town.api(&town.msp.key, Method::POST, "/api/invoices", draft).await;
            let invoice = made.body["id"].as_str().unwrap().to_owned();
            town.command(&invoice, "finalize").await;
            let path = format!("/api/invoices/{invoice}/credit-notes");
            for lines in [json!([]), json!([4]), json!([0]), json!([1, 1])] {
                let body = json!({"lines": lines, "reason": "It was never delivered"});
                post(&town, &path, body, "wrong").await.assert_refused(422, "invalid_field", Some("lines"));
            }
            let both = json!({"lines": [1], "amount": 5, "reason": "It was never delivered"});
            post(&town, &path, both, "both").await.assert_refused(422, "invalid_field", Some("amount"));
            for (nth, (lines, subtotal, tax)) in [(json!([3]), 3_000, 0), (json!([2]), 2_005, 140),
                (json!([1]), 1_000, 190)].into_iter().enumerate() {
                let body = json!({"lines": lines, "reason": "It was never delivered"});
                let note = post(&town, &path, body, &format!("line-{nth}")).await;
                assert_eq!((&note.body["subtotal"], &note.body["tax"]), (&json!(subtotal), &json!(tax)),
                    "{}", note.text);
            }
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
            town.assert_books().await;
        });
    }

    fn how_a_clients_credit_moved_is_told_with_what_it_came_from_and_went_to(world: &World) {
        Town::run(world, async |town| {
            let list = async |query: &str| {
                let path = format!("/api/clients/{}/credit/movements{query}", town.msp.client_id);
                town.api(&town.msp.key, Method::GET, &path, Value::Null).await
            };
            assert_eq!(list("").await.body, json!({"data": [], "has_more": false}));
            let dana = dana(&town).await;
            let client = format!("/clients/{}", town.msp.client_id);
            assert!(!dana.get(&client).await.text.contains("Credit afterwards"));
            dana.get(&format!("{client}/credit")).await.assert_says(200, &["No credit yet"]);

            let (paid, second) = (taxed(&town).await, taxed(&town).await);
            pay(&town, &paid, AMOUNT).await;
            let note = note(&town, &paid, 10_000).await;
            apply(&town, &second, 3_000).await;
            let payment = town.api(&town.msp.key, Method::GET, "/api/payments", Value::Null).await;
            let payment = payment.body["data"][0]["id"].as_str().unwrap().to_owned();
            let back = json!({"payment_id": payment, "amount": 2_000, "settlement": "forgiven"});
            let back = post(&town, "/api/refunds", back, "back").await;
            assert!(back.status.is_success(), "{}", back.text);
            all_told(&town).await;

            let told = list("").await;
            let rows = told.body["data"].as_array().unwrap();
            let of = |name: &str| rows.iter().map(|row| row[name].clone()).collect::<Value>();
            assert_eq!(of("type"), json!(["refund", "credit_applied", "credit_note"]), "{}", told.text);
            assert_eq!(of("amount"), json!([-2_000, -3_000, 10_000]));
            assert_eq!(of("balance"), json!([5_000, 7_000, 10_000]));
            assert_eq!(of("invoice_id"), json!([paid, second, paid]));
            assert_eq!(of("payment_id"), json!([payment, null, null]));
            assert_eq!(of("credit_note_id"), json!([null, null, note.body["id"]]));
            assert_eq!(credit(&town).await["balances"], json!([{"currency": "usd", "amount": 5_000}]));

            // Page by page it is the same.
            let first = list("?limit=2").await.body;
            assert_eq!((&first["has_more"], first["data"].as_array().unwrap().len()), (&json!(true), 2));
            let last = first["data"][1]["id"].as_str().unwrap();
            let rest = list(&format!("?limit=2&after={last}")).await.body;
            assert_eq!(rest, json!({"data": [rows[2]], "has_more": false}));
            list("?limit=0").await.assert_refused(422, "invalid_field", Some("limit"));
            list("?status=open").await.assert_refused(400, "invalid_query", Some("status"));
            list("?after=nonsense").await.assert_refused(404, "not_found", None);

            for path in [client.clone(), format!("{client}/credit")] {
                let page = dana.get(&path).await;
                let number = note.body["number"].as_str().unwrap();
                let id = note.body["id"].as_str().unwrap();
                page.assert_says(200, &["Paid back", "Paid the invoice", &format!("Credit note {number}")]);
                page.assert_says(200, &["+$100.00", "\u{2212}$30.00", "\u{2212}$20.00", "$70.00", "$50.00"]);
                for link in [format!("/invoices/{second}"), format!("/payments/{payment}"),
                    format!("/credit-notes/{id}/credit-note.pdf")] {
                    assert!(page.text.contains(&format!("href=\"{link}\"")), "{path} leads not to {link}");
                }
            }
            dana.get(&format!("{client}/credit?after={last}")).await.assert_says(200, &["Credit note"]);
            let other = town.add_msp("Southwind IT", "usd").await;
            let theirs = format!("/clients/{}/credit", other.client_id);
            assert_eq!(dana.get(&theirs).await.status, StatusCode::NOT_FOUND);
            town.assert_books().await;
        });
    }

    fn a_credit_note_over_all_that_is_owed_settles_the_invoice(world: &World) {
        Town::run(world, async |town| {
            let invoice = taxed(&town).await;
            let noted = note(&town, &invoice, AMOUNT).await;
            assert_eq!(noted.status, StatusCode::CREATED, "{}", noted.text);
            let settled = town.read_invoice(&invoice).await;
            assert_eq!((&settled["status"], &settled["amount_due"]), (&json!("paid"), &json!(0)));
            let link = town.link(&invoice).await;
            assert_eq!(town.look(&link).await.body["state"], "paid");
            town.assert_books().await;
        });
    }

    fn a_live_payment_of_the_old_amount_is_cancelled_before_a_credit_note(world: &World) {
        Town::run(world, async |town| {
            let invoice = taxed(&town).await;
            let path = format!("/api/invoices/{invoice}/payment-intent");
            let intent = town.api(&town.msp.key, Method::POST, &path, Value::Null).await;
            assert_eq!(intent.body["amount"], AMOUNT, "{}", intent.text);
            let noted = note(&town, &invoice, 900).await;
            assert_eq!(noted.status, StatusCode::CREATED, "{}", noted.text);
            assert_eq!(town.intents()[0]["status"], "canceled");
            pay(&town, &invoice, AMOUNT - 900).await;
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
            town.assert_books().await;
        });
    }

    fn while_a_payment_is_in_doubt_nothing_is_credited(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let invoice = taxed(&town).await;
            let link = town.link(&invoice).await;
            let fault = json!({"method": "POST", "path": "/confirm", "effect": "lose_answer", "count": 50});
            town.control("POST", "/_simulator/faults", fault);
            let silent = town.pay(&link, &town.token("pm_card_visa"), AMOUNT, "usd").await;
            assert_eq!(silent.body["status"], "checking", "{}", silent.text);
            note(&town, &invoice, 900).await.assert_refused(409, "payment_in_progress", None);
            town.control("DELETE", "/_simulator/faults", Value::Null);
            for _ in 0..10 {
                town.advance_ms(60_000);
                reconcile::run(&town.app).await.unwrap();
            }
            let noted = note(&town, &invoice, 900).await;
            assert_eq!((&noted.body["to_invoice"], &noted.body["to_credit"]), (&json!(0), &json!(900)));
            town.assert_books().await;
        });
    }

    fn what_a_client_has_to_its_credit_pays_an_invoice(world: &World) {
        Town::run(world, async |town| {
            let wrong = taxed(&town).await;
            pay(&town, &wrong, AMOUNT).await;
            note(&town, &wrong, 5_000).await;
            let invoice = taxed(&town).await;
            for (amount, field) in [(0, "amount"), (5_001, "amount"), (-1, "amount")] {
                apply(&town, &invoice, amount).await.assert_refused(422, "invalid_field", Some(field));
            }
            let other = town.add_msp("Somebody Else", "usd").await;
            let theirs = town.invoice_of(&other, 5_000, "usd").await;
            apply(&town, &theirs, 100).await.assert_refused(422, "invalid_field", Some("invoice_id"));
            apply(&town, &wrong, 100).await.assert_refused(409, "invoice_paid", None);

            let path = format!("/api/clients/{}/credit/apply", town.msp.client_id);
            let body = json!({"invoice_id": invoice, "amount": 4_000});
            let applied = post(&town, &path, body.clone(), "once").await;
            assert_eq!((applied.status, &applied.body["amount"]), (StatusCode::CREATED, &json!(4_000)),
                "{}", applied.text);
            assert_eq!(post(&town, &path, body, "once").await.body, applied.body);
            assert_eq!(credit(&town).await["balances"], json!([{"currency": "usd", "amount": 1_000}]));
            assert_eq!(town.read_invoice(&invoice).await["amount_due"], AMOUNT - 4_000);
            pay(&town, &invoice, AMOUNT - 4_000).await;
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
            const APPLIED: Sql =
                Sql::new("select count(*) as n from ledger_transactions where kind = 'credit_applied'");
            assert_eq!(town.number(&APPLIED).await, 1);
            town.assert_books().await;
        });
    }

    fn credit_whose_money_goes_back_is_owed_where_it_was_used(world: &World) {
        Town::run(world, async |town| {
            let over = other_amount(&town, 20_000).await;
            all_told(&town).await;
            let other = town.invoice(7_655, "usd").await;
            assert_eq!(apply(&town, &other, 7_655).await.status, StatusCode::CREATED);
            assert_eq!(town.read_invoice(&other).await["status"], "paid");
            const CHARGE: Sql =
                Sql::new("select stripe_charge_id as id from payments where received = 20000");
            let charge = town.rows(&CHARGE).await[0].text("id").unwrap();
            let path = format!("/_simulator/charges/{charge}/refund");
            town.control("POST", &path, json!({"amount": 20_000}));
            town.until("what is owed again", async || {
                town.read_invoice(&other).await["status"] == "open"
            })
            .await;
            assert_eq!(town.read_invoice(&over).await["amount_due"], 12_345);
            assert_eq!(town.read_invoice(&other).await["amount_due"], 7_655);
            town.assert_books().await;
        });
    }

    fn credit_of_a_payment_that_is_disputed_pays_nothing(world: &World) {
        Town::run(world, async |town| {
            let (wrong, charge) = disputes::paid(&town).await;
            all_told(&town).await;
            let dispute = disputes::open(&town, &charge, json!({}));
            all_told(&town).await;
            disputes::decide(&town, &dispute, "lose");
            all_told(&town).await;
            // The MSP gives up the invoice, whose money the bank has: what it credits is not the client's to
            // use.
            let noted = note(&town, &wrong, 12_345).await;
            assert_eq!(noted.body["to_credit"], 12_345, "{}", noted.text);
            let lost = disputes::newest(&town).await;
            let settled = disputes::command(&town, &lost, "settle", json!({"outcome": "forgiven"})).await;
            assert_eq!((&settled.body["settled"], &settled.body["credit_note_id"]),
                (&json!(12_345), &Value::Null), "{}", settled.text);
            assert_eq!(credit(&town).await["balances"], json!([]), "it was the bank's money");
            assert_eq!(town.read_invoice(&wrong).await["status"], "paid");
            town.assert_books().await;
        });
    }
}
