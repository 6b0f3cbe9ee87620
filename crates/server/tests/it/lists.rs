//! Lists of money, narrowed: by how things stand, whose they are, their currency and when they were made.
//! What a list does not take is refused by name.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::credits::note;
use crate::disputes::{decide, open};
use crate::engines::World;
use crate::own_shop::all_told;
use crate::refunds::refund;
use crate::town::{Reply, Town};

async fn get(town: &Town, path: &str) -> Reply {
    town.api(&town.msp.key, Method::GET, path, Value::Null).await
}

/// The ids that a list answers.
async fn ids(town: &Town, path: &str) -> Vec<String> {
    let list = get(town, path).await;
    assert_eq!(list.status, StatusCode::OK, "{path}: {}", list.text);
    let rows = list.body["data"]
        .as_array()
        .unwrap_or_else(|| panic!("{}", list.text));
    rows.iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

/// An invoice of a client that was paid: its id, its payment's, and its charge.
async fn paid(town: &Town, client: &str, amount: i64, currency: &str) -> (String, String, String) {
    let draft = json!({"client_id": client, "currency": currency,
        "lines": [{"description": "Work", "quantity": "1", "unit_price": amount}]});
    let made = town
        .api(&town.msp.key, Method::POST, "/api/invoices", draft)
        .await;
    let invoice = made.body["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", made.text))
        .to_owned();
    town.command(&invoice, "finalize").await;
    let link = town.link(&invoice).await;
    let paid = town
        .pay(&link, &town.token("pm_card_visa"), amount, currency)
        .await;
    assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
    all_told(town).await;
    let payment = get(town, "/api/payments?limit=1").await.body["data"][0].clone();
    let id = |name: &str| payment[name].as_str().unwrap().to_owned();
    (invoice, id("id"), id("stripe_charge_id"))
}

both! {
    fn each_list_is_narrowed_by_what_is_asked_for(world: &World) {
        Town::run(world, async |town| {
            let other = json!({"name": "Northwind", "email": "ap@northwind.example"});
            let other = town.api(&town.msp.key, Method::POST, "/api/clients", other).await;
            let other = other.body["id"].as_str().unwrap().to_owned();
            let first = paid(&town, &town.msp.client_id.to_string(), 10_000, "usd").await;
            let before = town.app.clock.now().ms();
            town.advance_ms(60_000);
            let second = paid(&town, &other, 20_000, "eur").await;
            for (paid, amount) in [(&first, 1_000), (&second, 2_000)] {
                let body = json!({"payment_id": paid.1, "amount": amount, "settlement": "still_owed"});
                assert_eq!(refund(&town, body).await.status, StatusCode::CREATED);
                assert_eq!(note(&town, &paid.0, 500).await.status, StatusCode::CREATED);
            }
            all_told(&town).await;
            let lost = open(&town, &first.2, json!({"amount": 3_000}));
            all_told(&town).await;
            decide(&town, &lost, "lose");
            open(&town, &second.2, json!({"amount": 3_000}));
            all_told(&town).await;

            let client = town.msp.client_id.to_string();
            for (list, stands) in [("invoices", "status=open"), ("payments", "status=succeeded"),
                ("refunds", "status=succeeded"), ("disputes", "status=lost"), ("credit-notes", "limit=100")] {
                let all = ids(&town, &format!("/api/{list}")).await;
                assert_eq!(all.len(), 2, "{list}");
                let narrowed = async |by: String| ids(&town, &format!("/api/{list}?{by}")).await;
                let (of_second, of_first) = (&all[..1], &all[1..]);
                assert_eq!(narrowed(format!("client_id={client}")).await, of_first, "{list}");
                assert_eq!(narrowed(format!("client_id={other}")).await, of_second, "{list}");
                assert_eq!(narrowed("currency=eur".to_owned()).await, of_second, "{list}");
                assert_eq!(narrowed("currency=usd".to_owned()).await, of_first, "{list}");
                assert_eq!(narrowed(format!("until={before}")).await.len(),
                    usize::from(matches!(list, "invoices" | "payments")), "{list}");
                assert!(!narrowed(format!("since={}", before + 1)).await.is_empty(), "{list}");
                assert!(narrowed(format!("since={}", before + 864_000_000)).await.is_empty(), "{list}");
                let standing = narrowed(stands.to_owned()).await;
                assert_eq!(standing.len(), if list == "disputes" { 1 } else { 2 }, "{list}: {standing:?}");
                let both = format!("client_id={client}&currency=eur");
                assert!(narrowed(both).await.is_empty(), "{list}: all of it is asked for");
                if list != "invoices" {
                    assert_eq!(narrowed(format!("invoice_id={}", first.0)).await, of_first, "{list}");
                }
                if matches!(list, "refunds" | "disputes") {
                    assert_eq!(narrowed(format!("payment_id={}", second.1)).await, of_second, "{list}");
                }
                let page = get(&town, &format!("/api/{list}?limit=1&after={}", all[0])).await;
                assert_eq!(page.body["data"][0]["id"], all[1].as_str(), "{list}: {}", page.text);
            }
            let draft = json!({"client_id": other, "currency": "usd", "lines": []});
            let draft = town.api(&town.msp.key, Method::POST, "/api/invoices", draft).await;
            assert_eq!(ids(&town, "/api/invoices?status=draft").await, [draft.body["id"].as_str().unwrap()]);
            assert_eq!(ids(&town, "/api/invoices?issued_since=0").await.len(), 2, "a draft was never issued");
            let issued = format!("/api/invoices?issued_until={before}");
            assert_eq!(ids(&town, &issued).await, [first.0.as_str()]);
            town.assert_books().await;
        });
    }

    fn a_filter_that_a_list_does_not_take_is_refused_by_name(world: &World) {
        Town::run(world, async |town| {
            for (path, status, code, field) in [
                ("invoices?status=opened", 422, "invalid_field", "status"),
                ("invoices?invoice_id=inv_x", 400, "invalid_query", "invoice_id"),
                ("invoices?status=open&status=paid", 400, "invalid_query", "status"),
                ("payments?status=open", 422, "invalid_field", "status"),
                ("payments?client_id=acme", 422, "invalid_field", "client_id"),
                ("refunds?colour=red", 400, "invalid_query", "colour"),
                ("refunds?payment_id=", 422, "invalid_field", "payment_id"),
                ("disputes?status=needs_answer", 422, "invalid_field", "status"),
                ("disputes?since=yesterday", 422, "invalid_field", "since"),
                ("disputes?until=-1", 422, "invalid_field", "until"),
                ("payouts?status=lost", 422, "invalid_field", "status"),
                ("payouts?client_id=cli_x", 400, "invalid_query", "client_id"),
                ("credit-notes?status=open", 400, "invalid_query", "status"),
                ("credit-notes?currency=dollars", 422, "unknown_currency", "currency"),
                ("refunds?limit=ten", 400, "invalid_query", "limit"),
                ("refunds?limit=0", 422, "invalid_field", "limit"),
            ] {
                let refused = get(&town, &format!("/api/{path}")).await;
                refused.assert_refused(status, code, Some(field));
            }
            let says = get(&town, "/api/payouts?colour=red").await;
            assert!(says.text.contains("limit, after, status, currency, since, until"), "{}", says.text);
            for list in ["status=paid", "currency=usd&since=0&until=1"] {
                let found = get(&town, &format!("/api/payouts?{list}")).await;
                assert_eq!((found.status, &found.body["data"]), (StatusCode::OK, &json!([])));
            }
        });
    }

    fn what_is_missing_is_named(world: &World) {
        Town::run(world, async |town| {
            get(&town, "/api/fee-rules/preview?currency=usd").await
                .assert_refused(400, "invalid_query", Some("amount"));
            get(&town, "/api/fee-rules/preview?amount=ten&currency=usd").await
                .assert_refused(400, "invalid_query", Some("amount"));
            get(&town, "/api/fee-rules/preview?amount=10&currency=usd&for=me").await
                .assert_refused(400, "invalid_query", Some("for"));
            let any = get(&town, "/api/fee-rules/preview?amount=1000&currency=usd&method=any").await;
            any.assert_refused(422, "invalid_field", Some("method"));
            assert!(any.text.contains("a payment is by one of them"), "{}", any.text);
            let key = crate::platform::platform_key(&town).await;
            let rule = async |rule: Value| {
                town.api(&key, Method::POST, "/api/platform/fee-rules", rule).await
            };
            rule(json!({"fee_bps": 100})).await.assert_refused(400, "invalid_body", Some("mode"));
            let no_price = json!({"client_id": town.msp.client_id, "currency": "usd",
                "lines": [{"description": "Work", "quantity": "1"}]});
            town.api(&town.msp.key, Method::POST, "/api/invoices", no_price).await
                .assert_refused(400, "invalid_body", Some("lines[0].unit_price"));
        });
    }

    fn an_invoice_that_is_finalized_or_voided_is_answered_with_its_lines(world: &World) {
        Town::run(world, async |town| {
            let draft = json!({"client_id": town.msp.client_id, "currency": "usd",
                "lines": [{"description": "Work", "quantity": "2.5", "unit_price": 1_000}]});
            let made = town.api(&town.msp.key, Method::POST, "/api/invoices", draft).await;
            let id = made.body["id"].as_str().unwrap();
            for verb in ["finalize", "void"] {
                let changed = town.command(id, verb).await;
                assert_eq!(changed.body["lines"], made.body["lines"], "{verb}: {}", changed.text);
            }
            let listed = get(&town, "/api/invoices").await;
            assert!(listed.body["data"][0].get("lines").is_none(), "{}", listed.text);
        });
    }
}
