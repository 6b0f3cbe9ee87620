//! What the platform takes: rules that the operator adds, the fee of each charge, previews and statements.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;

use crate::engines::World;
use crate::own_shop::all_told;
use crate::platform::platform_key;
use crate::town::{Reply, Town};

const RULES: &str = "/api/platform/fee-rules";

async fn add(town: &Town, key: &str, rule: Value) -> Reply {
    town.api(key, Method::POST, RULES, rule).await
}

async fn added(town: &Town, key: &str, rule: Value) -> String {
    let reply = add(town, key, rule).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
    reply.body["id"].as_str().unwrap().to_owned()
}

async fn get(town: &Town, key: &str, path: &str) -> Reply {
    town.api(key, Method::GET, path, Value::Null).await
}

/// Pays a new invoice of this many cents, and the fee of its charge at Stripe.
async fn fee_of(town: &Town, cents: i64) -> i64 {
    let invoice = town.invoice(cents, "usd").await;
    let link = town.link(&invoice).await;
    let paid = town.pay(&link, &town.token("pm_card_visa"), cents, "usd").await;
    assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
    town.charges()[0]["application_fee_amount"].as_i64().unwrap_or(0)
}

fn now_ms(town: &Town) -> i64 {
    town.app.clock.now().ms()
}

both! {
    fn a_charge_has_the_fee_of_the_rule_in_force_and_keeps_it(world: &World) {
        Town::run(world, async |town| {
            let key = platform_key(&town).await;
            let tenant = town.msp.scope.tenant.as_str().to_owned();
            assert_eq!(fee_of(&town, 10_000).await, 300, "the configured rate is the oldest rule");

            let usual = json!({"mode": "test", "fee_bps": 250});
            added(&town, &key, usual).await;
            assert_eq!(fee_of(&town, 10_000).await, 250);

            let dollars = json!({"mode": "test", "currency": "usd", "fee_bps": 100, "fixed": 30,
                "minimum": 200, "maximum": 500});
            added(&town, &key, dollars).await;
            assert_eq!(fee_of(&town, 10_000).await, 200, "1 % and 30 cents is less than the minimum");
            assert_eq!(fee_of(&town, 30_000).await, 330);
            assert_eq!(fee_of(&town, 100_000).await, 500);
            assert_eq!(fee_of(&town, 200).await, 0, "a fee that reaches the amount is left out");

            let own = json!({"mode": "test", "tenant_id": tenant, "fee_bps": 50,
                "effective_from": now_ms(&town) + 3_600_000});
            let own = added(&town, &key, own).await;
            assert_eq!(fee_of(&town, 30_000).await, 330, "not yet");
            town.advance_ms(3_600_000);
            assert_eq!(fee_of(&town, 30_000).await, 150);

            // For bank debits, in live mode, or of somebody else: none of these.
            let debit = json!({"mode": "test", "tenant_id": tenant, "method": "bank_debit", "fee_bps": 1});
            added(&town, &key, debit).await;
            added(&town, &key, json!({"mode": "live", "tenant_id": tenant, "fee_bps": 2})).await;
            let other = town.add_msp("Contoso", "usd").await;
            let theirs = json!({"mode": "test", "tenant_id": other.scope.tenant.as_str(), "fee_bps": 3});
            added(&town, &key, theirs).await;
            assert_eq!(fee_of(&town, 30_000).await, 150);

            // One that takes effect in the past counts from now on, and for nothing before.
            let late = json!({"mode": "test", "tenant_id": tenant, "fee_bps": 90, "effective_from": 1});
            added(&town, &key, late).await;
            assert_eq!(fee_of(&town, 30_000).await, 150, "the one that took effect last is in force");
            let ends = json!({"mode": "test", "tenant_id": tenant, "ends": true});
            added(&town, &key, ends).await;
            assert_eq!(fee_of(&town, 30_000).await, 330, "as everybody again");

            town.until_quiet().await;
            const OF_RULE: Sql = Sql::new(
                "select count(*) as n from payments where fee_bps = 50 and application_fee = 150
                   and fee_rule_id is not null and fee_method = 'card'",
            );
            assert_eq!(town.number(&OF_RULE).await, 3);
            const NOTED: Sql =
                Sql::new("select count(*) as n from audit_log where action = 'fee_rule.added'");
            assert_eq!(town.number(&NOTED).await, 8);
            let noted = get(&town, &key, "/api/platform/audit?action=fee_rule.added&limit=100").await;
            let of_own = noted.body["data"].as_array().unwrap().iter().find(|row| row["subject_id"] == own);
            assert_eq!(of_own.unwrap()["tenant_id"], tenant.as_str());
            town.assert_books().await;
        });
    }

    fn a_rule_added_between_an_intent_and_its_card_does_not_touch_it(world: &World) {
        Town::run(world, async |town| {
            let key = platform_key(&town).await;
            let invoice = town.invoice(10_000, "usd").await;
            let link = town.link(&invoice).await;
            town.pay(&link, &town.token("pm_card_chargeDeclined"), 10_000, "usd").await;
            added(&town, &key, json!({"mode": "test", "fee_bps": 100, "effective_from": 1})).await;
            let paid = town.pay(&link, &town.token("pm_card_visa"), 10_000, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            assert_eq!(town.charges()[0]["application_fee_amount"], 300);
            town.until_quiet().await;
            town.assert_books().await;
        });
    }

    fn a_preview_says_what_would_be_charged_and_why(world: &World) {
        Town::run(world, async |town| {
            let key = platform_key(&town).await;
            let tenant = town.msp.scope.tenant.as_str().to_owned();
            let from = now_ms(&town) + 1_000_000;
            let rule = json!({"mode": "test", "tenant_id": tenant, "method": "bank_debit", "currency": "usd",
                "fee_bps": 80, "maximum": 500, "effective_from": from});
            let id = added(&town, &key, rule).await;
            let preview = async |rest: &str| {
                let path = format!("{RULES}/preview?tenant_id={tenant}&{rest}");
                get(&town, &key, &path).await.body
            };
            let card = preview("amount=100000&currency=usd").await;
            let shown = ["application_fee", "source", "fee_bps", "fee_rule_id", "method"];
            let of = |json: &Value| shown.map(|field| json[field].clone());
            let usual = [json!(3_000), json!("platform_rate"), json!(300), Value::Null, json!("card")];
            assert_eq!(of(&card), usual);
            let early = preview("amount=100000&currency=usd&method=bank_debit").await;
            assert_eq!(early["application_fee"], 3_000);
            let later = preview(&format!("amount=100000&currency=usd&method=bank_debit&at={from}")).await;
            assert_eq!(of(&later), [json!(500), json!("rule"), json!(80), json!(id), json!("bank_debit")]);
            let own = "/api/fee-rules/preview?amount=100000&currency=usd";
            let own = format!("{own}&method=bank_debit&at={from}");
            assert_eq!(get(&town, &town.msp.key, &own).await.body, later);

            // The tenant reads what is its own and everybody's.
            let usual = added(&town, &key, json!({"mode": "test", "fee_bps": 290})).await;
            let other = town.add_msp("Contoso", "usd").await;
            let theirs = json!({"mode": "test", "tenant_id": other.scope.tenant.as_str(), "fee_bps": 1});
            let theirs = added(&town, &key, theirs).await;
            let ids = |reply: Reply| {
                let rows = reply.body["data"].as_array().unwrap().clone();
                rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
            };
            let read = get(&town, &town.msp.key, "/api/fee-rules").await;
            assert_eq!(ids(read), [usual.clone(), id.clone()]);
            assert_eq!(ids(get(&town, &key, RULES).await), [theirs, usual.clone(), id.clone()]);
            let first = get(&town, &town.msp.key, "/api/fee-rules?limit=1").await;
            assert_eq!(first.body["has_more"], true);
            let rest = get(&town, &town.msp.key, &format!("/api/fee-rules?after={usual}")).await;
            assert_eq!(ids(rest), [id]);
        });
    }

    fn a_rule_that_cannot_be_is_refused_and_says_which_field(world: &World) {
        Town::run(world, async |town| {
            let key = platform_key(&town).await;
            let tenant = town.msp.scope.tenant.as_str();
            for (rule, field) in [
                (json!({"mode": "test"}), "fee_bps"),
                (json!({"mode": "test", "fee_bps": 10_000}), "fee_bps"),
                (json!({"mode": "test", "fee_bps": -1}), "fee_bps"),
                (json!({"mode": "both", "fee_bps": 1}), "mode"),
                (json!({"mode": "test", "fee_bps": 1, "method": "cheque"}), "method"),
                (json!({"mode": "test", "fee_bps": 1, "fixed": 30}), "fixed"),
                (json!({"mode": "test", "fee_bps": 1, "currency": "usd", "fixed": -30}), "fixed"),
                (json!({"mode": "test", "fee_bps": 1, "minimum": 30}), "minimum"),
                (
                    json!({"mode": "test", "fee_bps": 1, "currency": "usd", "minimum": 3, "maximum": 2}),
                    "minimum",
                ),
                (json!({"mode": "test", "fee_bps": 1, "tenant_id": "ten_platform"}), "tenant_id"),
                (
                    json!({"mode": "test", "fee_bps": 1, "tenant_id": "ten_00000000000000000000000000"}),
                    "tenant_id",
                ),
                (json!({"mode": "test", "fee_bps": 1, "ends": true}), "ends"),
                (json!({"mode": "test", "fee_bps": 1, "effective_from": -1}), "effective_from"),
            ] {
                add(&town, &key, rule).await.assert_refused(422, "invalid_field", Some(field));
            }
            let unknown = json!({"mode": "test", "fee_bps": 1, "currency": "xxx"});
            assert_eq!(add(&town, &key, unknown).await.code(), "unknown_currency");
            let refused = add(&town, &town.msp.key, json!({"mode": "test", "fee_bps": 0})).await;
            refused.assert_refused(403, "platform_key_needed", None);
            for (query, field) in [
                ("currency=usd&amount=100", "tenant_id"),
                (&format!("tenant_id={tenant}&currency=usd&amount=100&method=cash"), "method"),
            ] {
                let refused = get(&town, &key, &format!("{RULES}/preview?{query}")).await;
                refused.assert_refused(422, "invalid_field", Some(field));
            }
            const RULES_KEPT: Sql = Sql::new("select count(*) as n from fee_rules");
            assert_eq!(town.number(&RULES_KEPT).await, 0);
        });
    }

    fn the_same_request_with_a_key_adds_one_rule(world: &World) {
        Town::run(world, async |town| {
            let key = platform_key(&town).await;
            let rule = json!({"mode": "test", "fee_bps": 100});
            let first = town.api_once(&key, Method::POST, RULES, rule.clone(), Some(b"rule-1")).await;
            let again = town.api_once(&key, Method::POST, RULES, rule, Some(b"rule-1")).await;
            assert_eq!((first.status, &first.body), (StatusCode::CREATED, &again.body));
            const RULES_KEPT: Sql = Sql::new("select count(*) as n from fee_rules");
            assert_eq!(town.number(&RULES_KEPT).await, 1);
        });
    }

    fn a_months_statement_has_every_fee_as_stripe_reported_it(world: &World) {
        Town::run(world, async |town| {
            let key = platform_key(&town).await;
            for cents in [10_000, 20_000, 12_345] {
                fee_of(&town, cents).await;
            }
            town.until_quiet().await;
            let now = jiff::Timestamp::from_millisecond(now_ms(&town)).unwrap();
            let month = now.strftime("%Y-%m").to_string();
            let path = format!("/api/reports/fees?month={month}");
            let read = get(&town, &town.msp.key, &path).await.body;
            let totals = json!([{"currency": "usd", "fees": 3, "charged": 1_270, "refunds": 0, "refunded": 0,
                "net": 1_270,
                "external": {"fees": 0, "charged": 0, "refunds": 0, "refunded": 0, "net": 0}}]);
            assert_eq!(read["totals"], totals);
            let at_stripe = town.stripe("GET", "/v1/application_fees", None, "");
            let mut ids: Vec<&str> =
                at_stripe["data"].as_array().unwrap().iter().map(|fee| fee["id"].as_str().unwrap()).collect();
            let lines = read["data"].as_array().unwrap();
            let mut told: Vec<&str> = lines.iter().map(|line| line["stripe_id"].as_str().unwrap()).collect();
            ids.sort_unstable();
            told.sort_unstable();
            assert_eq!(told, ids);

            // Page by page, and as a file, it is the same.
            let first = get(&town, &town.msp.key, &format!("{path}&limit=2")).await.body;
            assert_eq!(first["has_more"], true);
            let last = first["data"][1]["id"].as_str().unwrap();
            let rest = get(&town, &town.msp.key, &format!("{path}&limit=2&after={last}")).await.body;
            assert_eq!((&rest["data"][0], &rest["has_more"]), (&lines[2], &json!(false)));
            let file = get(&town, &town.msp.key, &format!("{path}&format=csv")).await;
            assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
            let name = format!("attachment; filename=\"fees-{month}-test.csv\"");
            assert_eq!(file.headers["content-disposition"], name.as_str());
            let rows: Vec<&str> = file.text.lines().collect();
            assert_eq!(rows.len(), 4);
            let id = lines[0]["stripe_id"].as_str().unwrap();
            let row = format!(",application_fee,{id},");
            assert!(rows[1].contains(&row) && rows[1].ends_with(",usd,3.00,300"), "{}", rows[1]);

            // The operator reads anybody's; nobody reads another tenant's; another month has none.
            let tenant = town.msp.scope.tenant.as_str();
            let theirs = format!("/api/platform/reports/fees?month={month}&tenant_id={tenant}");
            assert_eq!(get(&town, &key, &theirs).await.body, read);
            let other = town.add_msp("Contoso", "usd").await;
            assert_eq!(get(&town, &other.key, &path).await.body["data"], json!([]));
            let before = get(&town, &town.msp.key, "/api/reports/fees?month=2001-01").await.body;
            assert_eq!((&before["totals"], &before["data"]), (&json!([]), &json!([])));
            for (query, field) in [("2001-1", "month"), ("2001-01&format=pdf", "format")] {
                let refused = get(&town, &town.msp.key, &format!("/api/reports/fees?month={query}")).await;
                refused.assert_refused(422, "invalid_field", Some(field));
            }
            let refused = get(&town, &town.msp.key, &format!("{path}&tenant_id={tenant}")).await;
            refused.assert_refused(422, "invalid_field", Some("tenant_id"));
        });
    }

    fn fees_of_what_others_sold_have_lines_of_their_own(world: &World) {
        Town::run(world, async |town| {
            let key = platform_key(&town).await;
            fee_of(&town, 10_000).await;
            let sale = |fee: i64| {
                let form = format!("amount=10000&currency=usd&confirm=true&payment_method=pm_card_visa\
                    &application_fee_amount={fee}&automatic_payment_methods[enabled]=true\
                    &automatic_payment_methods[allow_redirects]=never");
                town.stripe("POST", "/v1/payment_intents", Some(&town.msp.account), &form)
            };
            let charge = sale(700)["latest_charge"].as_str().unwrap().to_owned();
            sale(250);
            let form = "amount=10000&currency=usd&confirm=true&payment_method=pm_card_visa\
                &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never";
            town.stripe("POST", "/v1/payment_intents", Some(&town.msp.account), form);
            let fees = town.stripe("GET", "/v1/application_fees?limit=100", None, "");
            let of_charge = |one: &&Value| one["charge"] == charge.as_str();
            let fee = fees["data"].as_array().unwrap().iter().find(of_charge).unwrap()["id"].clone();
            all_told(&town).await;
            let path = format!("/v1/application_fees/{}/refunds", fee.as_str().unwrap());
            town.stripe("POST", &path, None, "amount=200");
            all_told(&town).await;

            let now = jiff::Timestamp::from_millisecond(now_ms(&town)).unwrap();
            let path = format!("/api/reports/fees?month={}", now.strftime("%Y-%m"));
            let read = get(&town, &town.msp.key, &path).await.body;
            let external = json!({"fees": 2, "charged": 950, "refunds": 1, "refunded": 200, "net": 750});
            assert_eq!(read["totals"], json!([{"currency": "usd", "fees": 1, "charged": 300, "refunds": 0,
                "refunded": 0, "net": 300, "external": external}]));
            let kinds = |read: &Value| {
                let lines = read["data"].as_array().unwrap().iter();
                let mut kinds: Vec<(String, i64)> = lines
                    .map(|line| (line["type"].as_str().unwrap().to_owned(), line["amount"].as_i64().unwrap()))
                    .collect();
                kinds.sort();
                kinds
            };
            let line = |kind: &str, amount: i64| (kind.to_owned(), amount);
            assert_eq!(kinds(&read), [line("application_fee", 300), line("external_application_fee", 250),
                line("external_application_fee", 700), line("external_application_fee_refund", -200)]);
            // Page by page it is the same, and together it is what the platform's books say.
            let mut turned: Vec<Value> = Vec::new();
            while turned.len() < 4 {
                let after = turned.last().map_or(String::new(), |last: &Value| {
                    format!("&after={}", last["id"].as_str().unwrap())
                });
                let page = get(&town, &town.msp.key, &format!("{path}&limit=1{after}")).await;
                turned.push(page.body["data"][0].clone());
            }
            assert_eq!(&turned, read["data"].as_array().unwrap());
            const INCOME: Sql = Sql::new(
                "select cast(-sum(amount) as bigint) as n from ledger_entries
                 where tenant_id = 'ten_platform' and account = 'platform_revenue'",
            );
            assert_eq!(town.number(&INCOME).await, 300 + 750);
            let file = get(&town, &key, &format!("/api/platform{}&tenant_id={}&format=csv",
                path.trim_start_matches("/api"), town.msp.scope.tenant.as_str())).await;
            assert_eq!(file.text.lines().count(), 5, "{}", file.text);
            town.assert_books().await;
        });
    }
}
