//! Discounts of lines and of whole invoices: typed or sent, taxed, shown, paid, booked and credited.

use domain::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;

use crate::documents::{pdf, text_of};
use crate::engines::World;
use crate::person::Person;
use crate::town::{Reply, Town};

/// Ten at 100.00 less 10 % with 19 % tax, one at 333.33 less 33.33 with 7 %, one at 50.01 without either;
/// 5 % off the whole of 1,250.01.
fn draft(town: &Town) -> Value {
    let line = |quantity: &str, price: i64, rate: i64, discount: Value| {
        json!({"description": "Managed workplace", "quantity": quantity, "unit_price": price,
            "tax_rate": rate, "discount": discount})
    };
    json!({"client_id": town.msp.client_id, "currency": "usd", "discount": {"percent_bps": 500}, "lines": [
        line("10", 10_000, 19_000, json!({"percent_bps": 1_000})),
        line("1", 33_333, 7_000, json!({"amount": 3_333})),
        line("1", 5_001, 0, Value::Null)]})
}

const TOTAL: i64 = 136_991;
const SUMS: [&str; 4] = ["subtotal", "discount_amount", "tax", "total"];

async fn post(town: &Town, path: &str, body: Value) -> Reply {
    town.api(&town.msp.key, Method::POST, path, body).await
}

async fn issued(town: &Town) -> String {
    let made = post(town, "/api/invoices", draft(town)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let id = made.body["id"].as_str().unwrap().to_owned();
    assert_eq!(town.command(&id, "finalize").await.status, StatusCode::OK);
    id
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
    fn a_discounted_invoice_is_taxed_on_what_is_left_paid_and_booked_net(world: &World) {
        Town::run(world, async |town| {
            let invoice = issued(&town).await;
            let shown = town.read_invoice(&invoice).await;
            let sums = SUMS.map(|name| shown[name].as_i64().unwrap());
            assert_eq!(sums, [125_001, 6_250, 16_245 + 1_995, TOTAL]);
            assert_eq!(shown["discount"], json!({"percent_bps": 500}));
            let of_lines = |name: &str| {
                let lines = shown["lines"].as_array().unwrap().iter();
                lines.map(|line| line[name].clone()).collect::<Value>()
            };
            assert_eq!(of_lines("amount"), json!([90_000, 30_000, 5_001]));
            assert_eq!(of_lines("discount_amount"), json!([10_000, 3_333, 0]));
            assert_eq!(of_lines("discount"), json!([{"percent_bps": 1_000}, {"amount": 3_333}, null]));

            const REVENUE: Sql = Sql::new(
                "select cast(coalesce(sum(amount), 0) as bigint) as n from ledger_entries
                 where account = 'revenue'",
            );
            assert_eq!(town.number(&REVENUE).await, -118_751, "revenue is net of discounts");
            let link = town.link(&invoice).await;
            let paid = town.pay(&link, &town.token("pm_card_visa"), TOTAL, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            town.until_invoice(&invoice, "paid").await;

            // A note over a line takes back what was asked for it in the end.
            let path = format!("/api/invoices/{invoice}/credit-notes");
            for (line, subtotal, tax) in [(2, 28_500, 1_995), (3, 4_751, 0), (1, 85_500, 16_245)] {
                let body = json!({"lines": [line], "reason": "It was never delivered"});
                let note = post(&town, &path, body).await;
                assert_eq!((&note.body["subtotal"], &note.body["tax"]), (&json!(subtotal), &json!(tax)),
                    "{}", note.text);
            }
            town.assert_books().await;
        });
    }

    fn every_paper_and_page_shows_what_came_off(world: &World) {
        Town::run(world, async |town| {
            let invoice = issued(&town).await;
            let link = town.link(&invoice).await;
            let wanted = ["Discount 10%: \u{2212}$100.00", "Discount: \u{2212}$33.33", "Discount 5%",
                "\u{2212}$62.50", "1,369.91"];
            let number = town.read_invoice(&invoice).await["number"].as_str().unwrap().to_owned();
            let path = format!("/api/invoices/{invoice}/pdf");
            let key = Some(town.msp.key.as_str());
            let name = format!("invoice-{number}.pdf");
            let paper = text_of(&pdf(&town, key, &path, &name).await);
            let page = town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await.text;
            let dana = dana(&town).await;
            let desk = dana.get(&format!("/invoices/{invoice}")).await.words();
            for text in wanted {
                for (place, said) in [("paper", &paper), ("pay page", &page), ("desk", &desk)] {
                    assert!(said.contains(text), "{text} is not on the {place}: {said}");
                }
            }
            let german = text_of(&pdf(&town, key, &format!("{path}?language=de"), &name).await);
            assert!(german.replace('\u{a0}', " ").contains("Rabatt 5 %"), "{german}");
            let list = dana.get("/invoices.csv").await;
            list.assert_says(200, &["subtotal,discount,tax,total", ",1250.01,62.50,182.40,1369.91,"]);

            let paid = town.pay(&link, &town.token("pm_card_visa"), TOTAL, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            town.until_invoice(&invoice, "paid").await;
            let payments = town.api(&town.msp.key, Method::GET, "/api/payments", Value::Null).await;
            let payment = payments.body["data"][0]["id"].as_str().unwrap().to_owned();
            let path = format!("/api/payments/{payment}/receipt.pdf");
            let receipt = pdf(&town, key, &path, &format!("receipt-{payment}.pdf")).await;
            let receipt = text_of(&receipt);
            assert!(receipt.contains("Discount: \u{2212}$195.83"), "{receipt}");
        });
    }

    fn a_discount_that_cannot_be_meant_is_refused_with_its_field(world: &World) {
        Town::run(world, async |town| {
            let bad = [
                (json!({"percent_bps": 100, "amount": 100}), "discount"),
                (json!({"percent_bps": 0, "amount": 0}), "discount"),
                (json!({"percent_bps": 10_001}), "discount.percent_bps"),
                (json!({"percent_bps": -1}), "discount.percent_bps"),
                (json!({"percent_bps": "10%"}), "discount.percent_bps"),
                (json!({"percent_bps": 12.5}), "discount.percent_bps"),
                (json!({"amount": -1}), "discount.amount"),
                (json!({"amount": i64::MIN}), "discount.amount"),
                (json!({"amount": "5.00"}), "discount.amount"),
                (json!({"amount": 1_000_000}), "discount.amount"),
                (json!({"percent": 10}), "discount.percent"),
                (json!("10%"), "discount"),
                (json!([1_000]), "discount"),
                (json!(1_000), "discount"),
            ];
            for (discount, field) in bad {
                let of_type = discount.as_object().is_none_or(|discount| {
                    discount.iter().any(|(name, value)| name == "percent" || !value.is_i64())
                });
                let status = if of_type { 400 } else { 422 };
                for of_line in [false, true] {
                    let mut body = draft(&town);
                    let at = if of_line { "/lines/0/discount" } else { "/discount" };
                    *body.pointer_mut(at).unwrap() = discount.clone();
                    let refused = post(&town, "/api/invoices", body).await;
                    let path = if of_line { format!("lines[0].{field}") } else { field.to_owned() };
                    assert_eq!(refused.status.as_u16(), status, "{discount}: {}", refused.text);
                    assert_eq!(refused.body["field"], json!(path), "{discount}: {}", refused.text);
                }
            }
            const ALL: Sql = Sql::new("select count(*) as n from invoices");
            assert_eq!(town.number(&ALL).await, 0);

            // Nothing off is no discount, and what is left of nothing is not asked for.
            let mut body = draft(&town);
            body["discount"] = json!({"amount": 0});
            let made = post(&town, "/api/invoices", body.clone()).await;
            assert_eq!((&made.body["discount"], &made.body["discount_amount"]), (&Value::Null, &json!(0)));
            body["discount"] = json!({"percent_bps": 10_000});
            let free = post(&town, "/api/invoices", body).await;
            assert_eq!((&free.body["total"], &free.body["tax"]), (&json!(0), &json!(0)), "{}", free.text);
            let refused = town.command(free.body["id"].as_str().unwrap(), "finalize").await;
            refused.assert_refused(422, "amount_too_small", Some("total"));
        });
    }

    fn an_edit_says_the_discount_anew_and_a_finalized_invoice_keeps_its_own(world: &World) {
        Town::run(world, async |town| {
            let made = post(&town, "/api/invoices", draft(&town)).await;
            let id = made.body["id"].as_str().unwrap().to_owned();
            let path = format!("/api/invoices/{id}");
            let mut body = draft(&town);
            body.as_object_mut().unwrap().remove("discount");
            let without = town.api(&town.msp.key, Method::PUT, &path, body).await;
            assert_eq!((&without.body["discount"], &without.body["total"]),
                (&Value::Null, &json!(125_001 + 17_100 + 2_100)), "{}", without.text);
            let again = town.api(&town.msp.key, Method::PUT, &path, draft(&town)).await;
            assert_eq!(again.body["total"], TOTAL, "{}", again.text);
            town.command(&id, "finalize").await;
            let before = town.read_invoice(&id).await;
            let mut body = draft(&town);
            body["discount"] = json!({"amount": 1});
            let refused = town.api(&town.msp.key, Method::PUT, &path, body).await;
            refused.assert_refused(409, "invoice_finalized", None);
            assert_eq!(town.read_invoice(&id).await, before);
        });
    }

    fn an_invoice_from_before_there_were_discounts_has_none(world: &World) {
        Town::run(world, async |town| {
            let known = town.invoice(10_000, "usd").await;
            // As the program before wrote them, which names no discount.
            const OLD: Sql = Sql::new(
                "insert into invoices (tenant_id, livemode, id, client_id, currency, memo, due_date, status,
                   version, subtotal, tax, total, applied, created_at)
                 select tenant_id, livemode, 'inv_00000000000000000000000001', client_id, currency, memo,
                   due_date, 'draft', 1, 10000, 1900, 11900, 0, created_at
                 from invoices
                 where id = $1",
            );
            const OLD_LINE: Sql = Sql::new(
                "insert into invoice_lines (tenant_id, livemode, invoice_id, position, description,
                   quantity_thousandths, unit_price, tax_rate_thousandths, amount, created_at)
                 select tenant_id, livemode, 'inv_00000000000000000000000001', position, description, 1000,
                   10000, 19000, 10000, created_at
                 from invoice_lines
                 where invoice_id = $1",
            );
            let of = known.clone();
            let written = town.app.db.write(move |tx| {
                tx.execute(&OLD, store::binds![of.clone()])?;
                tx.execute(&OLD_LINE, store::binds![of.clone()])
            });
            written.await.unwrap();
            let old = town.read_invoice("inv_00000000000000000000000001").await;
            let sums = SUMS.map(|name| old[name].as_i64().unwrap());
            assert_eq!(sums, [10_000, 0, 1_900, 11_900]);
            assert_eq!((&old["discount"], &old["lines"][0]["discount"]), (&Value::Null, &Value::Null));
            assert_eq!(old["lines"][0]["amount"], 10_000);
        });
    }

    fn discounts_are_typed_added_up_while_typing_and_come_back_in_the_editor(world: &World) {
        Town::run(world, async |town| {
            let dana = dana(&town).await;
            let client = town.msp.client_id.as_str();
            let page = dana.get(&format!("/invoices/new?client={client}")).await;
            page.assert_says(200, &["Discount on the whole invoice", "id=\"discount-0\""]);
            let key = page.between("name=\"form_key\" value=\"", "\"");
            let typed = |whole: &'static str, first: &'static str| {
                let mut fields = vec![("form_key", key.clone()), ("client", client.to_owned()),
                    ("currency", "usd".to_owned()), ("press", "save".to_owned()),
                    ("whole_discount", whole.to_owned())];
                let lines = [
                    ("10", "100.00", first, "19"), ("1", "333.33", "33.33", "7"), ("1", "50.01", "", "0"),
                ];
                for (quantity, price, off, tax) in lines {
                    let line = [("description", "Managed workplace"), ("quantity", quantity),
                        ("price", price), ("discount", off), ("tax", tax)];
                    fields.extend(line.map(|(name, value)| (name, value.to_owned())));
                }
                fields
            };
            let send = async |path: &str, fields: Vec<(&str, String)>| {
                let fields = fields.iter().map(|(name, text)| (*name, text.as_str()));
                let fields: Vec<(&str, &str)> = fields.collect();
                dana.post(path, &fields).await
            };
            let sums = send("/invoices/totals", typed("5%", "10%")).await;
            sums.assert_says(200, &["$1,250.01", "Discount 5%", "\u{2212}$62.50", "$162.45", "$1,369.91"]);
            for (whole, first, wanted) in [
                ("101%", "", "id=\"whole_discount-error\""),
                ("2,000.00", "", "id=\"whole_discount-error\""),
                ("-5", "", "id=\"whole_discount-error\""),
                ("", "110%", "id=\"discount-0-error\""),
                ("", "1000.01", "id=\"discount-0-error\""),
                ("", "ten", "id=\"discount-0-error\""),
            ] {
                let refused = send("/invoices", typed(whole, first)).await;
                refused.assert_says(422, &[wanted, "Discount", &format!("value=\"{whole}{first}\"")]);
                let sums = send("/invoices/totals", typed(whole, first)).await;
                sums.assert_says(200, &["is shown once every line and discount can be taken"]);
            }
            let saved = send("/invoices", typed("5%", "10%")).await;
            assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
            let list = town.api(&town.msp.key, Method::GET, "/api/invoices", Value::Null).await;
            assert_eq!(list.body["data"][0]["total"], TOTAL);
            let id = list.body["data"][0]["id"].as_str().unwrap();
            let edit = dana.get(&format!("/invoices/{id}/edit")).await;
            edit.assert_says(200, &["value=\"5%\"", "value=\"10%\"", "value=\"33.33\"", "Discount 5%"]);
        });
    }
}
