//! Money that came without Stripe: it pays what is owed and no more, the pay page asks for the rest, the
//! books and the tie-out know where it is, and it can be taken back.

use domain::mail::MailKind;
use domain::{Permission, Permissions, Role};
use flows::mails::sending;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;

use crate::engines::World;
use crate::own_shop::all_told;
use crate::person::{Person, Shown};
use crate::refunds;
use crate::town::{Reply, Town};

const AMOUNT: i64 = 12_345;

async fn record(town: &Town, invoice: &str, body: Value) -> Reply {
    let path = format!("/api/invoices/{invoice}/offline-payments");
    town.api(&town.msp.key, Method::POST, &path, body).await
}

async fn reverse(town: &Town, payment: &str, body: Value) -> Reply {
    let path = format!("/api/offline-payments/{payment}/reverse");
    town.api(&town.msp.key, Method::POST, &path, body).await
}

fn id(reply: &Reply) -> String {
    assert!(reply.status.is_success(), "{}", reply.text);
    reply.body["id"].as_str().unwrap().to_owned()
}

/// The balance of an account of the books in dollars.
async fn balance(town: &Town, account: &str) -> Value {
    let path = "/api/reports/trial-balance";
    let books = town.api(&town.msp.key, Method::GET, path, Value::Null).await;
    let rows = books.body["accounts"]
        .as_array()
        .unwrap_or_else(|| panic!("{}", books.text));
    let found = rows.iter().find(|row| row["account"] == account);
    found.map_or(json!(0), |row| row["balance"].clone())
}

/// What the receipts are about that a mail server would be handed now.
async fn receipts_sent(town: &Town) -> Vec<String> {
    let taken = sending::take(&town.app, "mail.example", 100).await.unwrap();
    let receipts = taken.iter().filter(|taken| taken.mail.kind == MailKind::Receipt);
    receipts.map(|taken| taken.mail.about.clone()).collect()
}

both! {
    fn a_cheque_pays_a_part_and_the_pay_page_asks_for_the_rest(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(AMOUNT, "usd").await;
            let link = town.link(&invoice).await;
            let cheque = json!({"amount": 5_000, "method": "cheque", "reference": " 1042 ",
                "received_on": "2025-11-20"});
            let made = record(&town, &invoice, cheque).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
            assert_eq!(made.body["invoice"], json!({"status": "open", "amount_due": 7_345}));
            assert_eq!((&made.body["reference"], &made.body["method"]), (&json!("1042"), &json!("cheque")));
            assert_eq!(town.look(&link).await.body["amount"], 7_345, "what is left");
            assert_eq!(balance(&town, "offline_clearing").await, 5_000);
            assert_eq!(balance(&town, "receivable").await, 7_345);

            let paid = town.pay(&link, &town.token("pm_card_visa"), 7_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            town.until_invoice(&invoice, "paid").await;
            let shown = town.read_invoice(&invoice).await;
            assert_eq!((&shown["amount_paid"], &shown["amount_due"]), (&json!(AMOUNT), &json!(0)));
            let statement = format!("/api/reports/statement?client_id={}&currency=usd", town.msp.client_id);
            let statement = town.api(&town.msp.key, Method::GET, &statement, Value::Null).await;
            let types: Vec<&str> =
                statement.body["data"].as_array().unwrap().iter().map(|line| line["type"].as_str().unwrap())
                    .collect();
            assert_eq!(types, ["invoice", "offline_payment", "payment"], "{}", statement.text);
            all_told(&town).await;
            town.assert_tied().await;
        });
    }

    fn no_more_is_recorded_than_is_owed_once_and_only_what_was(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(AMOUNT, "usd").await;
            for (body, field) in [
                (json!({"method": "cash", "amount": AMOUNT + 1}), "amount"),
                (json!({"method": "cash", "amount": 0}), "amount"),
                (json!({"method": "cash", "amount": -5}), "amount"),
                (json!({"method": "card"}), "method"),
                (json!({"method": "cash", "received_on": "2099-01-01"}), "received_on"),
                (json!({"method": "cash", "received_on": "yesterday"}), "received_on"),
                (json!({"method": "cash", "reference": "x".repeat(141)}), "reference"),
            ] {
                record(&town, &invoice, body).await.assert_refused(422, "invalid_field", Some(field));
            }
            let path = format!("/api/invoices/{invoice}/offline-payments");
            let body = json!({"method": "bank_transfer"});
            let again = async || {
                let body = body.clone();
                town.api_once(&town.msp.key, Method::POST, &path, body, Some(b"transfer-1")).await
            };
            let (first, second) = (again().await, again().await);
            assert_eq!((first.status, &first.body), (StatusCode::CREATED, &second.body), "{}", second.text);
            assert_eq!(first.body["amount"], AMOUNT, "all that is owed");
            assert_eq!(first.body["invoice"]["status"], "paid");
            let listed = town.api(&town.msp.key, Method::GET, &path, Value::Null).await;
            assert_eq!(listed.body["data"].as_array().unwrap().len(), 1, "{}", listed.text);
            record(&town, &invoice, json!({"method": "cash"})).await
                .assert_refused(409, "invoice_paid", None);

            let payment = id(&first);
            for _time in 0..2 {
                let back = reverse(&town, &payment, json!({"reason": "The cheque bounced"})).await;
                assert_eq!(back.body["invoice"], json!({"status": "open", "amount_due": AMOUNT}), "{}",
                    back.text);
                assert!(back.body["reversed_at"].is_i64(), "{}", back.text);
            }
            assert_eq!(balance(&town, "offline_clearing").await, 0);
            const BOOKED: Sql =
                Sql::new("select count(*) as n from ledger_transactions where kind like 'offline_%'");
            assert_eq!(town.number(&BOOKED).await, 2, "one there, one back");
            assert_eq!(town.command(&invoice, "void").await.status, StatusCode::OK);
            record(&town, &invoice, json!({"method": "cash"})).await
                .assert_refused(409, "invoice_void", None);
        });
    }

    fn a_cheque_that_bounces_asks_for_nothing_that_a_credit_note_has_forgiven(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(AMOUNT, "usd").await;
            let cheque = record(&town, &invoice, json!({"method": "cheque"})).await;
            assert_eq!(cheque.body["invoice"]["status"], "paid", "{}", cheque.text);
            let note = format!("/api/invoices/{invoice}/credit-notes");
            let body = json!({"amount": 10_000, "reason": "Hours that were not worked"});
            let note = town.api(&town.msp.key, Method::POST, &note, body).await;
            assert_eq!(note.status, StatusCode::CREATED, "{}", note.text);
            assert_eq!(balance(&town, "client_credit").await, -10_000);

            let back = reverse(&town, &id(&cheque), json!({"reason": "The cheque bounced"})).await;
            assert_eq!(back.body["invoice"], json!({"status": "open", "amount_due": 2_345}), "{}", back.text);
            assert_eq!(balance(&town, "client_credit").await, 0, "used for what it was given for");
            assert_eq!(balance(&town, "receivable").await, 2_345);
            town.assert_tied().await;
        });
    }

    fn an_intent_that_would_now_take_too_much_is_cancelled_first(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(AMOUNT, "usd").await;
            let made = town.command(&invoice, "payment-intent").await;
            assert_eq!(made.status, StatusCode::OK, "{}", made.text);
            id(&record(&town, &invoice, json!({"method": "cash", "amount": 2_345})).await);
            assert_eq!(town.intents()[0]["status"], "canceled");
            let again = town.command(&invoice, "payment-intent").await;
            assert_eq!(again.body["amount"], 10_000, "{}", again.text);
            town.assert_nothing_open().await;
        });
    }

    fn a_payment_is_recorded_and_taken_back_in_forms(world: &World) {
        Town::run(world, async |town| {
            let dana = Person::new(&town, &town.msp.scope.tenant, Role::Billing,
                "dana@northwind.example").await;
            let invoice = town.invoice(AMOUNT, "usd").await;
            let path = format!("/invoices/{invoice}");
            dana.get(&path).await.assert_says(200, &["Record a payment"]);
            let form = dana.get(&format!("{path}/record-payment")).await;
            form.assert_says(200, &["value=\"123.45\"", "Bank transfer", "Mail a receipt"]);
            let key = form.between("name=\"form_key\" value=\"", "\"");
            let version = form.between("name=\"version\" value=\"", "\"");
            let with = |amount| [
                ("form_key", key.as_str()), ("version", version.as_str()), ("amount", amount),
                ("received_on", "2025-11-20"),
                ("method", "cheque"), ("reference", "1042"), ("receipt", "1"),
            ];
            let refused = dana.post(&format!("{path}/record-payment"), &with("200")).await;
            refused
                .assert_says(422, &["Amount must be more than nothing", "value=\"200\"", "value=\"1042\""]);
            for _press in 0..2 {
                let done = dana.post(&format!("{path}/record-payment"), &with("23.45")).await;
                done.assert_sent_to(&format!("{path}?done=recorded"));
            }
            let shown = dana.get(&path).await;
            shown
                .assert_says(200, &["$100.00", "Cheque", "20 November 2025", "1042",
                    "Receipt is on its way"]);
            let mails = town.api(&town.msp.key, Method::GET, "/api/mails?kind=receipt", Value::Null).await;
            assert_eq!(mails.body["data"].as_array().unwrap().len(), 1, "one receipt: {}", mails.text);

            let undo = shown.between("/recorded/", "/reverse");
            let undo = format!("{path}/recorded/{undo}/reverse");
            dana.get(&undo).await.assert_says(200, &["Take this payment back?", "$23.45", "The entry stays"]);
            dana.post(&undo, &[("reason", "Wrong invoice")]).await
                .assert_sent_to(&format!("{path}?done=reversed"));
            let shown = dana.get(&path).await;
            shown.assert_says(200, &["Taken back", "Wrong invoice", "$123.45"]);
            dana.get(&undo).await.assert_sent_to(&path);
            let reader = Person::new(&town, &town.msp.scope.tenant, Role::ReadOnly,
                "kim@northwind.example").await;
            let shown = reader.get(&path).await;
            assert!(!shown.text.contains("record-payment"), "nothing that kim may not do");
        });
    }

    fn two_clerks_recorded_the_same_transfer_twice(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(AMOUNT, "usd").await;
            let tenant = &town.msp.scope.tenant;
            let dana = Person::new(&town, tenant, Role::Billing, "dana@northwind.example").await;
            let lee = Person::new(&town, tenant, Role::Billing, "lee@northwind.example").await;
            let path = format!("/invoices/{invoice}");
            let record = format!("{path}/record-payment");
            let typed = |form: &Shown| {
                let hidden = |name: &str| form.between(&format!("name=\"{name}\" value=\""), "\"");
                [("form_key", hidden("form_key")), ("version", hidden("version")),
                    ("amount", "23.45".to_owned()), ("received_on", "2025-11-20".to_owned()),
                    ("method", "bank_transfer".to_owned())]
            };
            let send = async |who: &Person, fields: [(&str, String); 5]| {
                who.post(&record, &fields.each_ref().map(|(name, value)| (*name, value.as_str()))).await
            };
            let (first, second) = (dana.get(&record).await, lee.get(&record).await);
            send(&dana, typed(&first)).await.assert_sent_to(&format!("{path}?done=recorded"));
            let late = send(&lee, typed(&second)).await;
            late.assert_says(409, &["since you opened this page", "$100.00 of it are owed now",
                "Nothing was done", "value=\"23.45\""]);
            let listed = format!("/api/invoices/{invoice}/offline-payments");
            let count = async || {
                let listed = town.api(&town.msp.key, Method::GET, &listed, Value::Null).await;
                listed.body["data"].as_array().unwrap().len()
            };
            assert_eq!(count().await, 1);
            let unsaid = [("amount", "23.45"), ("received_on", "2025-11-20"), ("method", "cash")];
            lee.post(&record, &unsaid).await.assert_says(409, &["Nothing was done"]);
            // Whoever has seen it may do it all the same: it was another transfer.
            send(&lee, typed(&late)).await.assert_sent_to(&format!("{path}?done=recorded"));
            assert_eq!(count().await, 2);

            let version = town.read_invoice(&invoice).await["version"].clone();
            let body = json!({"method": "cash", "amount": 100, "version": version});
            let made = self::record(&town, &invoice, body.clone()).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
            self::record(&town, &invoice, body).await
                .assert_refused(409, "version_conflict", Some("version"));
            assert_eq!(count().await, 3);
            town.assert_tied().await;
        });
    }

    fn a_key_that_makes_payment_intents_could_record_cheques(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(AMOUNT, "usd").await;
            let key = async |permission| {
                let only = Permissions::Only([permission].into());
                town.key_of(&town.msp.scope, only).await
            };
            let (intents, cheques) =
                (key(Permission::PaymentsWrite).await, key(Permission::OfflinePaymentsWrite).await);
            let path = format!("/api/invoices/{invoice}/offline-payments");
            let body = json!({"method": "cheque"});
            town.api(&intents, Method::POST, &path, body.clone()).await
                .assert_refused(403, "permission_missing", None);
            let made = id(&town.api(&cheques, Method::POST, &path, body).await);
            let path = format!("/api/offline-payments/{made}/reverse");
            town.api(&intents, Method::POST, &path, json!({})).await
                .assert_refused(403, "permission_missing", None);
            assert_eq!(town.api(&cheques, Method::POST, &path, json!({})).await.status, StatusCode::OK);
        });
    }

    fn an_open_screen_was_enough_to_record_money_and_to_give_a_dispute_up(world: &World) {
        Town::run(world, async |town| {
            let dana = Person::new(&town, &town.msp.scope.tenant, Role::Owner,
                "dana@northwind.example").await;
            let invoice = town.invoice(AMOUNT, "usd").await;
            let made = id(&record(&town, &invoice, json!({"method": "cash", "amount": 100})).await);
            let record = format!("/invoices/{invoice}/record-payment");
            dana.get(&record).await;
            town.advance_ms(flows::people::STEPPED_UP_MS);
            for path in [
                record,
                format!("/invoices/{invoice}/recorded/{made}/reverse"),
                "/disputes/dsp_01/accept".to_owned(),
            ] {
                let asked = dana.post(&path, &[("amount", "1.00")]).await;
                asked.assert_says(403, &["Confirm that it is you", "What you typed is kept"]);
            }
            let shown = town.read_invoice(&invoice).await;
            assert_eq!(shown["amount_due"], AMOUNT - 100, "nothing was done");
        });
    }

    fn a_receipt_of_a_cheque_that_bounced_went_out_all_the_same(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(AMOUNT, "usd").await;
            let body = json!({"method": "cheque", "amount": 5_000, "send_receipt": true});
            let bounced = id(&record(&town, &invoice, body.clone()).await);
            let kept = id(&record(&town, &invoice, body).await);
            reverse(&town, &bounced, json!({"reason": "The cheque bounced"})).await;
            assert_eq!(receipts_sent(&town).await, [kept]);
            let cancelled = "/api/mails?kind=receipt&status=cancelled";
            let cancelled = town.api(&town.msp.key, Method::GET, cancelled, Value::Null).await;
            assert_eq!(cancelled.body["data"].as_array().unwrap().len(), 1, "{}", cancelled.text);
        });
    }

    fn a_receipt_of_a_payment_that_was_given_back_went_out_all_the_same(world: &World) {
        Town::run(world, async |town| {
            let all = refunds::paid(&town, AMOUNT, "pm_card_visa").await;
            let part = refunds::paid(&town, AMOUNT, "pm_card_visa").await;
            for (paid, amount) in [(&all, AMOUNT), (&part, 45)] {
                let body = json!({"payment_id": paid.payment, "amount": amount, "settlement": "still_owed"});
                let made = refunds::refund(&town, body).await;
                assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
            }
            refunds::settle(&town).await;
            assert_eq!(receipts_sent(&town).await, [part.payment], "the paper tells of the part");
        });
    }
}
