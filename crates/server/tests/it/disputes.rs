//! Disputes as the tenant sees them: money that a bank takes and gives back, what is told to it, and what
//! becomes of the invoice.

use flows::{page_tokens, reconcile};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;

use crate::dispute_files::signed;
use crate::engines::World;
use crate::inbox::{by_hand, deliver, work};
use crate::own_shop::all_told;
use crate::town::{Reply, Town};

const AMOUNT: i64 = 12_345;
/// What Stripe takes for a chargeback at the simulator.
const FEE: i64 = 1_500;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// What is booked of disputes: how many transactions of each kind.
const KINDS: Sql = Sql::new(
    "select kind, count(*) as n from ledger_transactions
     where kind like 'dispute_%' group by kind order by kind",
);
/// What they moved at Stripe.
const CLEARED: Sql = Sql::new(
    "select cast(coalesce(sum(e.amount), 0) as bigint) as n
     from ledger_entries e
     join ledger_transactions t on t.id = e.transaction_id
     where t.kind like 'dispute_%' and e.account = 'stripe_clearing'",
);
/// What is still with the banks.
const WITH_BANKS: Sql = Sql::new(
    "select cast(coalesce(sum(amount), 0) as bigint) as n from ledger_entries where account = 'disputes'",
);

/// An invoice that was paid, and its charge.
pub async fn paid(town: &Town) -> (String, String) {
    let invoice = town.invoice(AMOUNT, "usd").await;
    let link = town.link(&invoice).await;
    let paid = town.pay(&link, &town.token("pm_card_visa"), AMOUNT, "usd").await;
    assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
    let charge = town.intents()[0]["latest_charge"].as_str().unwrap().to_owned();
    (invoice, charge)
}

/// The payer's bank disputes a charge; answers Stripe's id.
pub fn open(town: &Town, charge: &str, wanted: Value) -> String {
    let path = format!("/_simulator/charges/{charge}/dispute");
    town.control("POST", &path, wanted)["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The bank decides.
pub fn decide(town: &Town, dispute: &str, verdict: &str) {
    let path = format!("/_simulator/disputes/{dispute}");
    town.control("POST", &path, json!({"verdict": verdict}));
}

/// The newest dispute as the API shows it, with its evidence.
pub async fn newest(town: &Town) -> Value {
    let list = get(town, "/api/disputes?limit=1").await;
    let id = list.body["data"][0]["id"].as_str().expect("a dispute").to_owned();
    get(town, &format!("/api/disputes/{id}")).await.body
}

async fn get(town: &Town, path: &str) -> Reply {
    let reply = town.api(&town.msp.key, Method::GET, path, Value::Null).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply
}

/// A command on a dispute, under an idempotency key of its own.
pub async fn command(town: &Town, dispute: &Value, verb: &str, body: Value) -> Reply {
    let path = format!("/api/disputes/{}/{verb}", dispute["id"].as_str().unwrap());
    let once = format!("{:032x}", town.app.clock.random());
    town.api_once(&town.msp.key, Method::POST, &path, body, Some(once.as_bytes()))
        .await
}

async fn put(town: &Town, dispute: &Value, body: Value) -> Reply {
    let path = format!("/api/disputes/{}/evidence", dispute["id"].as_str().unwrap());
    town.api(&town.msp.key, Method::PUT, &path, body).await
}

async fn kinds(town: &Town) -> Vec<(String, i64)> {
    let rows = town.rows(&KINDS).await;
    rows.iter()
        .map(|row| (row.text("kind").unwrap(), row.int("n").unwrap()))
        .collect()
}

fn counted(kinds: &[(&str, i64)]) -> Vec<(String, i64)> {
    kinds.iter().map(|(kind, n)| ((*kind).to_owned(), *n)).collect()
}

/// What Stripe says that disputes did to the account's balance.
fn at_stripe(town: &Town) -> i64 {
    let account = Some(town.msp.account.as_str());
    let list = town.stripe(
        "GET",
        "/v1/balance_transactions?limit=100&type=adjustment",
        account,
        "",
    );
    let all = list["data"]
        .as_array()
        .unwrap_or_else(|| panic!("no list: {list}"));
    all.iter().map(|one| one["net"].as_i64().unwrap()).sum()
}

/// The same event under another id, as a twin of it.
fn twin(event: &Value, nth: usize) -> Value {
    let mut twin = event.clone();
    twin["id"] = json!(format!("{}_{nth}", event["id"].as_str().unwrap()));
    twin
}

fn orders(items: Vec<Value>) -> Vec<Vec<Value>> {
    if items.len() <= 1 {
        return vec![items];
    }
    let mut all = Vec::new();
    for first in 0..items.len() {
        let mut rest = items.clone();
        let head = rest.remove(first);
        all.extend(orders(rest).into_iter().map(|mut tail| {
            tail.insert(0, head.clone());
            tail
        }));
    }
    all
}

/// How often evidence was sent to Stripe.
fn submissions(town: &Town) -> usize {
    let of_disputes = |request: &&Value| {
        let path = request["path"].as_str().unwrap_or_default();
        request["method"] == "POST" && path.starts_with("/v1/disputes/") && !path.ends_with("/close")
    };
    town.requests().iter().filter(of_disputes).count()
}

both! {
    fn a_disputes_money_is_booked_once_in_every_order_of_its_events(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let names = ["created", "funds_withdrawn", "funds_reinstated", "closed"];
            let mut number = 0;
            for nth in 0..24 {
                let (invoice, charge) = paid(&town).await;
                let dispute = open(&town, &charge, json!({}));
                decide(&town, &dispute, "win");
                let events = names
                    .map(|name| town.event_about(&format!("charge.dispute.{name}"), &dispute))
                    .to_vec();
                let order = orders(events).swap_remove(nth);
                for (place, event) in order.iter().enumerate() {
                    deliver(&town, event).await;
                    deliver(&town, &twin(event, place)).await;
                    work(&town).await;
                }
                for event in &order {
                    deliver(&town, &twin(event, 9)).await;
                }
                work(&town).await;
                number += 1;
                let told: Vec<&Value> = order.iter().map(|event| &event["type"]).collect();
                let shown = newest(&town).await;
                let sums = (&shown["status"], &shown["withdrawn"], &shown["reinstated"], &shown["fee"]);
                assert_eq!(sums, (&json!("won"), &json!(AMOUNT), &json!(AMOUNT), &json!(0)), "{told:?}");
                assert_eq!(shown["settlement"], "none");
                let once = [("dispute_fee", 2 * number), ("dispute_reinstated", number),
                    ("dispute_withdrawn", number)];
                assert_eq!(kinds(&town).await, counted(&once), "{told:?}");
                assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
            }
            assert_eq!((town.number(&CLEARED).await, town.number(&WITH_BANKS).await), (0, 0));
            assert_eq!(at_stripe(&town), 0);
            town.assert_books().await;
        });
    }

    fn an_inquiry_moves_no_money_until_it_becomes_a_chargeback(world: &World) {
        Town::run(world, async |town| {
            let (_, charge) = paid(&town).await;
            let dispute = open(&town, &charge, json!({"inquiry": true}));
            all_told(&town).await;
            let asked = newest(&town).await;
            assert_eq!((&asked["status"], &asked["is_inquiry"]),
                (&json!("warning_needs_response"), &json!(true)));
            assert_eq!((&asked["withdrawn"], &asked["movements"]), (&json!(0), &json!([])));
            assert_eq!(kinds(&town).await, counted(&[]));
            decide(&town, &dispute, "lose");
            all_told(&town).await;
            let closed = newest(&town).await;
            assert_eq!((&closed["status"], &closed["settlement"]),
                (&json!("warning_closed"), &json!("none")));
            assert_eq!(kinds(&town).await, counted(&[]), "an inquiry that ends takes nothing");

            let (_, charge) = paid(&town).await;
            let dispute = open(&town, &charge, json!({"inquiry": true}));
            all_told(&town).await;
            decide(&town, &dispute, "escalate");
            all_told(&town).await;
            let taken = newest(&town).await;
            let sums = (&taken["status"], &taken["withdrawn"], &taken["fee"]);
            assert_eq!(sums, (&json!("needs_response"), &json!(AMOUNT), &json!(FEE)));
            assert_eq!(kinds(&town).await, counted(&[("dispute_fee", 1), ("dispute_withdrawn", 1)]));
            assert_eq!(town.number(&CLEARED).await, at_stripe(&town));
            town.assert_books().await;
        });
    }

    fn what_was_lost_is_owed_again_or_forgiven_as_the_msp_says(world: &World) {
        Town::run(world, async |town| {
            let cases = [("still_owed", "open", AMOUNT, 0), ("forgiven", "paid", 0, 1)];
            for (outcome, status, due, notes) in cases {
                let (invoice, charge) = paid(&town).await;
                let dispute = open(&town, &charge, json!({}));
                all_told(&town).await;
                let held = newest(&town).await;
                assert_eq!(town.read_invoice(&invoice).await["status"], "paid", "nothing is decided yet");
                command(&town, &held, "settle", json!({"outcome": outcome}))
                    .await
                    .assert_refused(409, "dispute_not_lost", None);
                decide(&town, &dispute, "lose");
                all_told(&town).await;
                let lost = newest(&town).await;
                assert_eq!((&lost["status"], &lost["settlement"]), (&json!("lost"), &json!("undecided")));
                assert_eq!(town.number(&WITH_BANKS).await, AMOUNT);
                town.assert_books().await;

                command(&town, &lost, "settle", json!({"outcome": "so_so"}))
                    .await
                    .assert_refused(422, "invalid_field", Some("outcome"));
                let settled = command(&town, &lost, "settle", json!({"outcome": outcome})).await;
                assert_eq!(settled.body["settlement"], outcome, "{}", settled.text);
                assert_eq!(settled.body["settled"], AMOUNT);
                command(&town, &lost, "settle", json!({"outcome": outcome}))
                    .await
                    .assert_refused(409, "dispute_settled", None);
                let after = town.read_invoice(&invoice).await;
                assert_eq!((&after["status"], &after["amount_due"]),
                    (&json!(status), &json!(due)), "{after}");
                assert_eq!(town.number(&WITH_BANKS).await, 0);
                let of_invoice = get(&town, "/api/credit-notes").await;
                let noted: Vec<&Value> = of_invoice.body["data"].as_array().unwrap().iter()
                    .filter(|note| note["invoice_id"] == invoice.as_str()).collect();
                assert_eq!(noted.len(), notes, "{}", of_invoice.text);
                if let Some(note) = noted.first() {
                    assert_eq!((&note["total"], &note["to_credit"]), (&json!(AMOUNT), &json!(0)));
                    assert_eq!((&note["dispute_id"], &note["id"]),
                        (&lost["id"], &settled.body["credit_note_id"]));
                }
                town.assert_books().await;
            }
            // What is owed again is paid again.
            let open = get(&town, "/api/invoices?limit=100").await;
            let mut open = open.body["data"].as_array().unwrap().iter();
            let open = open.find(|one| one["status"] == "open").unwrap();
            let link = town.link(open["id"].as_str().unwrap()).await;
            let again = town.pay(&link, &town.token("pm_card_visa"), AMOUNT, "usd").await;
            assert_eq!(again.body["status"], "succeeded", "{}", again.text);
            all_told(&town).await;
            assert_eq!(town.number(&CLEARED).await, at_stripe(&town));
            town.assert_books().await;
        });
    }

    fn evidence_is_prefilled_from_what_is_known(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(AMOUNT, "usd").await;
            let link = town.link(&invoice).await;
            for _ in 0..3 {
                let page = town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await;
                assert_eq!(page.status, StatusCode::OK);
            }
            town.advance_ms(2 * 60_000);
            town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await;
            town.advance_ms(page_tokens::AGE_MIN_MS);
            let paid = town.pay(&link, &town.token("pm_card_visa"), AMOUNT, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            let charge = town.charges()[0]["id"].as_str().unwrap().to_owned();
            open(&town, &charge, json!({"reason": "fraudulent"}));
            all_told(&town).await;

            let shown = newest(&town).await;
            let prefilled = &shown["evidence"]["prefilled"];
            assert_eq!(prefilled["customer_name"], "Harbor Dental Group");
            assert_eq!(prefilled["customer_email_address"], "accounts@harbordental.example");
            assert_eq!(prefilled["customer_purchase_ip"], "127.0.0.1");
            assert_eq!(prefilled["product_description"], "Managed workplace");
            let log = prefilled["access_activity_log"].as_str().unwrap();
            assert!(log.contains("first opened") && log.contains("last opened"), "{log}");
            let story = prefilled["uncategorized_text"].as_str().unwrap();
            let told = ["INV-00001 over 123.45 USD", "opened its page 2 times", "visa ending in 4242"];
            for said in told {
                assert!(story.contains(said), "{said:?} is not in {story}");
            }
            let missing = json!(["service_documentation", "customer_communication"]);
            assert_eq!((&shown["evidence"]["missing"], &shown["can_submit"]), (&missing, &json!(true)));
            town.assert_books().await;
        });
    }

    fn evidence_is_reviewed_and_given_to_the_bank_once(world: &World) {
        Town::run(world, async |town| {
            let (_, charge) = paid(&town).await;
            open(&town, &charge, json!({}));
            all_told(&town).await;
            let shown = newest(&town).await;
            let mut said = shown["evidence"]["prefilled"].clone();
            let submit = |version: i64| json!({ "version": version });
            command(&town, &shown, "evidence/submit", submit(0))
                .await
                .assert_refused(422, "evidence_missing", Some("evidence"));
            said["customer_signature"] = json!("no file");
            put(&town, &shown, json!({"evidence": said}))
                .await
                .assert_refused(422, "invalid_field", Some("evidence.customer_signature"));
            let signed = signed(&town, &shown).await;
            said["customer_signature"] = json!(signed);
            let first = put(&town, &shown, json!({"evidence": said, "version": 0})).await;
            assert_eq!(first.body["evidence"]["version"], 1, "{}", first.text);
            assert_eq!(first.body["evidence"]["draft"]["customer_signature"], signed);
            said["customer_name"] = json!("Harbor Dental Group LLC");
            put(&town, &shown, json!({"evidence": said, "version": 0}))
                .await
                .assert_refused(409, "evidence_changed", Some("version"));
            put(&town, &shown, json!({"evidence": said, "version": 1})).await;
            // Somebody reviewed the version before.
            command(&town, &shown, "evidence/submit", submit(1))
                .await
                .assert_refused(409, "evidence_changed", Some("version"));
            command(&town, &shown, "evidence/submit", json!({}))
                .await
                .assert_refused(422, "invalid_field", Some("version"));
            assert_eq!(submissions(&town), 0, "nothing has reached the bank");

            let sent = command(&town, &shown, "evidence/submit", submit(2)).await;
            assert_eq!((&sent.body["status"], &sent.body["submitted_version"]),
                (&json!("under_review"), &json!(2)), "{}", sent.text);
            let at_bank = town.stripe("GET", &format!("/v1/disputes/{}",
                shown["stripe_dispute_id"].as_str().unwrap()), Some(&town.msp.account), "");
            assert_eq!(at_bank["evidence"]["customer_name"], "Harbor Dental Group LLC");
            assert_eq!(at_bank["evidence_details"]["submission_count"], 1);
            for again in [
                command(&town, &shown, "evidence/submit", submit(2)).await,
                put(&town, &shown, json!({"evidence": said})).await,
            ] {
                again.assert_refused(409, "evidence_submitted", None);
            }
            all_told(&town).await;
            assert_eq!(submissions(&town), 1);
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    fn evidence_whose_answer_is_lost_is_not_given_twice(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let (_, charge) = paid(&town).await;
            let dispute = open(&town, &charge, json!({}));
            deliver(&town, &town.event_about("charge.dispute.created", &dispute)).await;
            work(&town).await;
            let shown = newest(&town).await;
            put(&town, &shown, json!({"evidence": {"uncategorized_text": "It was delivered."}})).await;
            let path = "/v1/disputes/";
            let fault = json!({"method": "POST", "path": path, "effect": "lose_answer", "count": 50});
            town.control("POST", "/_simulator/faults", fault);
            let silent = command(&town, &shown, "evidence/submit", json!({"version": 1})).await;
            assert_eq!(silent.status, StatusCode::OK, "{}", silent.text);
            assert_eq!((&silent.body["answer_in_progress"], &silent.body["submitted_version"]),
                (&json!(true), &Value::Null));
            for verb in ["evidence/submit", "accept"] {
                let body = if verb == "accept" { json!({}) } else { json!({"version": 1}) };
                command(&town, &shown, verb, body).await.assert_refused(409, "dispute_in_progress", None);
            }
            town.control("DELETE", "/_simulator/faults", Value::Null);
            for _ in 0..10 {
                town.advance_ms(60_000);
                reconcile::run(&town.app).await.unwrap();
            }
            let known = newest(&town).await;
            assert_eq!((&known["status"], &known["submitted_version"], &known["answer_in_progress"]),
                (&json!("under_review"), &json!(1), &json!(false)));
            let at_bank = town.stripe("GET", &format!("/v1/disputes/{dispute}"), Some(&town.msp.account), "");
            assert_eq!(at_bank["evidence_details"]["submission_count"], 1, "the bank got it once");
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    fn a_dispute_that_is_accepted_is_lost(world: &World) {
        Town::run(world, async |town| {
            let (_, charge) = paid(&town).await;
            open(&town, &charge, json!({"reason": "product_not_received", "amount": 5_000}));
            all_told(&town).await;
            let shown = newest(&town).await;
            assert_eq!((&shown["amount"], &shown["withdrawn"]), (&json!(5_000), &json!(5_000)));
            let path = format!("/api/disputes/{}/accept", shown["id"].as_str().unwrap());
            town.api_once(&town.msp.key, Method::POST, &path, json!({}), None)
                .await
                .assert_refused(400, "idempotency_key_required", None);
            let lost = command(&town, &shown, "accept", json!({})).await;
            assert_eq!((&lost.body["status"], &lost.body["settlement"]),
                (&json!("lost"), &json!("undecided")), "{}", lost.text);
            command(&town, &shown, "accept", json!({})).await.assert_refused(409, "dispute_over", None);
            command(&town, &shown, "evidence/submit", json!({"version": 0}))
                .await
                .assert_refused(409, "dispute_over", None);
            let settled = command(&town, &shown, "settle", json!({"outcome": "still_owed"})).await;
            assert_eq!(settled.body["settled"], 5_000, "{}", settled.text);
            all_told(&town).await;
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    fn a_status_that_is_not_known_is_kept_until_stripe_says_another(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let (_, charge) = paid(&town).await;
            let dispute = open(&town, &charge, json!({}));
            let mut newer = town.event_about("charge.dispute.created", &dispute);
            newer["data"]["object"]["status"] = json!("in_arbitration");
            newer["data"]["object"]["reason"] = json!("a_newer_reason");
            deliver(&town, &newer).await;
            work(&town).await;
            let shown = newest(&town).await;
            assert_eq!((&shown["status"], &shown["can_submit"]), (&json!("in_arbitration"), &json!(false)));
            assert_eq!(shown["withdrawn"], AMOUNT, "money is booked whatever the status is called");
            put(&town, &shown, json!({"evidence": {"uncategorized_text": "It was delivered."}})).await;
            command(&town, &shown, "evidence/submit", json!({"version": 1}))
                .await
                .assert_refused(409, "dispute_status_unknown", None);
            deliver(&town, &town.event_about("charge.dispute.funds_withdrawn", &dispute)).await;
            work(&town).await;
            assert_eq!(newest(&town).await["status"], "needs_response", "it was read");
            town.assert_books().await;
        });
    }

    fn a_dispute_that_no_webhook_told_of_is_found(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let (_, charge) = paid(&town).await;
            let dispute = open(&town, &charge, json!({}));
            let look = async || {
                for _ in 0..3 {
                    town.advance_ms(6 * 60 * 60 * 1000);
                    reconcile::run(&town.app).await.unwrap();
                    work(&town).await;
                }
            };
            look().await;
            assert_eq!(newest(&town).await["status"], "needs_response");
            decide(&town, &dispute, "win");
            look().await;
            let won = newest(&town).await;
            assert_eq!((&won["status"], &won["reinstated"]), (&json!("won"), &json!(AMOUNT)));
            assert_eq!(town.number(&CLEARED).await, 0);
            town.advance_ms(DAY_MS);
            town.assert_books().await;
        });
    }

    fn a_dispute_of_somebody_elses_charge_is_external(world: &World) {
        Town::run(world, async |town| {
            let account = town.msp.account.clone();
            let form = "amount=2000&currency=usd&confirm=true&payment_method=pm_card_visa\
                        &automatic_payment_methods[enabled]=true\
                        &automatic_payment_methods[allow_redirects]=never";
            let sold = town.stripe("POST", "/v1/payment_intents", Some(&account), form);
            let charge = sold["latest_charge"].as_str().unwrap().to_owned();
            let dispute = open(&town, &charge, json!({}));
            all_told(&town).await;
            decide(&town, &dispute, "lose");
            all_told(&town).await;
            let external = get(&town, "/api/external-objects?limit=100").await;
            let mut all = external.body["data"].as_array().unwrap().iter();
            let found = all.find(|one| one["id"] == dispute.as_str());
            let found = found.unwrap_or_else(|| panic!("{}", external.text));
            assert_eq!((&found["type"], &found["status"]), (&json!("dispute"), &json!("lost")));
            assert_eq!(get(&town, "/api/disputes").await.body["data"], json!([]));
            assert_eq!(kinds(&town).await, counted(&[]));
            town.assert_books().await;
        });
    }
}
