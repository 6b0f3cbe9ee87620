//! The books as they are shown: balances, statements, and whether they agree with Stripe to the cent.

use flows::reconcile;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;

use crate::engines::World;
use crate::own_shop::all_told;
use crate::platform::platform_key;
use crate::town::{Town, Wishes};

const HOUR_MS: i64 = 60 * 60 * 1000;

async fn get(town: &Town, key: &str, path: &str) -> Value {
    let answer = town.api(key, Method::GET, path, Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    answer.body
}

async fn pay(town: &Town, amount: i64) -> String {
    let invoice = town.invoice(amount, "usd").await;
    let link = town.link(&invoice).await;
    let paid = town.pay(&link, &town.token("pm_card_visa"), amount, "usd").await;
    assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
    invoice
}

/// Reads the balance at Stripe until nothing of it is on its way.
async fn read_balances(town: &Town) {
    town.advance_ms(2 * HOUR_MS);
    reconcile::run(&town.app).await.unwrap();
}

async fn breaks(town: &Town) -> Vec<Value> {
    let path = "/api/reconciliation-breaks?kind=tie_out";
    get(town, &town.msp.key, path).await["data"]
        .as_array()
        .unwrap()
        .clone()
}

/// Every line of a statement, two to a page, each page beginning with what was owed at the end of the one
/// before.
async fn by_pages_of_two(town: &Town, path: &str) -> Vec<Value> {
    let (mut paged, mut after) = (Vec::new(), String::new());
    loop {
        let page = get(town, &town.msp.key, &format!("{path}&limit=2{after}")).await;
        let data = page["data"].as_array().unwrap();
        let opening = paged
            .last()
            .map_or(json!(0), |line: &Value| line["balance"].clone());
        assert_eq!(page["opening_balance"], opening);
        paged.extend(data.iter().cloned());
        if page["has_more"] == false {
            return paged;
        }
        after = format!("&after={}", data.last().unwrap()["id"].as_str().unwrap());
    }
}

/// Another tenant sees nothing, odd questions are refused, and the operator sees the same and the
/// platform's own.
async fn others_see_it_as_they_may(town: &Town, path: &str, whole: &Value) {
    let stranger = town.add_msp("Somebody Else", "usd").await;
    let hidden = town.api(&stranger.key, Method::GET, path, Value::Null).await;
    hidden.assert_refused(404, "not_found", None);
    let odd = town
        .api(
            &town.msp.key,
            Method::GET,
            &format!("{path}&until=x"),
            Value::Null,
        )
        .await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST, "{}", odd.text);
    let odd = town
        .api(
            &town.msp.key,
            Method::GET,
            &format!("{path}&tenant_id=x"),
            Value::Null,
        )
        .await;
    odd.assert_refused(422, "invalid_field", Some("tenant_id"));

    let operator = platform_key(town).await;
    let tenant = &town.msp.scope.tenant;
    let same = format!(
        "/api/platform/reports/statement?tenant_id={tenant}&{}",
        &path[23..]
    );
    assert_eq!(get(town, &operator, &same).await["data"], whole["data"]);
    let own = get(town, &operator, "/api/platform/reports/trial-balance").await;
    let revenue = own["accounts"].as_array().unwrap().iter();
    let revenue: Vec<&Value> = revenue
        .filter(|one| one["account"] == "platform_revenue")
        .collect();
    assert_eq!(revenue[0]["balance"], -370);
    let own = town
        .api(
            &operator,
            Method::POST,
            "/api/platform/reports/tie-out",
            json!({}),
        )
        .await;
    assert_eq!(own.body["currencies"][0]["agrees"], true, "{}", own.text);
}

both! {
    fn a_difference_is_shown_to_the_cent_until_it_is_gone(world: &World) {
        let wishes = Wishes { deliveries: false, worker: false, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            reconcile::run(&town.app).await.unwrap();
            pay(&town, 12_345).await;
            // Nobody has told of the fees, and the reconciler is not asked but for the balance.
            const LATER: Sql = Sql::new("update payments set next_check_at = null");
            const EVENTS: Sql = Sql::new("update event_cursors set next_read_at = 9000000000000");
            for sql in [&LATER, &EVENTS] {
                let quiet = town.app.db.write(move |tx| tx.execute(sql, &[]));
                quiet.await.unwrap_or_else(|e: store::Error| panic!("{e}"));
            }
            let first = get(&town, &town.msp.key, "/api/reports/tie-out").await;
            let usd = &first["currencies"][0];
            assert_eq!((&usd["agrees"], &usd["on_the_way"]), (&json!(true), &json!(12_345)), "{first}");
            assert_eq!(usd["stripe_read_at"], Value::Null);
            read_balances(&town).await;
            town.advance_ms(2 * HOUR_MS);

            let run = town.api(&town.msp.key, Method::POST, "/api/reports/tie-out", Value::Null).await;
            let usd = &run.body["currencies"][0];
            assert_eq!((&usd["agrees"], &usd["unexplained"]), (&json!(false), &json!(758)), "{}", run.text);
            let stripe = json!({"there": 11_587, "books": 12_345, "difference": 758});
            assert_eq!((&usd["stripe"], &usd["external"]), (&stripe, &json!(0)));
            let payments = get(&town, &town.msp.key, "/api/payments").await;
            let row = json!([{"id": payments["data"][0]["id"], "reason": "other_amount", "there": 11_587,
                "books": 12_345, "difference": 758}]);
            assert_eq!(usd["differences"], row);
            let owed = json!({"there": 0, "books": 0, "difference": 0});
            assert_eq!((&usd["invoices"], &usd["client_credit"]), (&owed, &owed));
            let found = breaks(&town).await;
            assert_eq!((found.len(), &found[0]["resolved_at"]), (1, &Value::Null));
            let detail = found[0]["detail"].as_str().unwrap();
            assert!(detail.starts_with("$7.58 ") || detail.starts_with("7.58 "), "{detail}");
            const NOTED: Sql =
                Sql::new("select count(*) as n from audit_log where action = 'tie_out.ordered'");
            assert_eq!(town.number(&NOTED).await, 1);

            const NOW: Sql = Sql::new("update payments set next_check_at = 1");
            const READ: Sql = Sql::new("update event_cursors set next_read_at = 1");
            for sql in [&NOW, &READ] {
                let due = town.app.db.write(move |tx| tx.execute(sql, &[]));
                due.await.unwrap_or_else(|e: store::Error| panic!("{e}"));
            }
            reconcile::run(&town.app).await.unwrap();
            while let Some(event) = flows::stripe_events::take(&town.app, 1).await.unwrap().pop() {
                flows::stripe_events::apply(&town.app, &event).await.unwrap();
            }
            town.assert_tied().await;
            assert!(breaks(&town).await.iter().all(|found| found["resolved_at"].is_i64()), "it is gone");
            town.assert_books().await;
        });
    }

    // Our clock is ahead of Stripe's, so that what is ours looks as if it had been there before we asked.
    fn what_turns_out_to_be_ours_is_counted_once(world: &World) {
        let wishes = Wishes { deliveries: false, worker: false, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            reconcile::run(&town.app).await.unwrap();
            const OPEN: Sql = Sql::new(
                "select count(*) as n from balance_transactions where attribution in ('waiting', 'external')",
            );
            for (ahead_ms, first) in [(0, "waiting"), (10 * 60 * 1000, "external")] {
                town.clock.advance_ms(ahead_ms);
                let invoice = town.invoice(12_345, "usd").await;
                let link = town.link(&invoice).await;
                let lost = json!({"effect": "lose_answer", "method": "POST", "path": "/v1/payment_intents",
                    "count": 50});
                town.control("POST", "/_simulator/faults", lost);
                let silent = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
                assert_eq!(silent.body["status"], "checking", "{}", silent.text);
                town.control("DELETE", "/_simulator/faults", Value::Null);
                // Somebody else confirms it, so that its money is there before we know of it.
                let intent = town.intents()[0]["id"].as_str().unwrap().to_owned();
                let path = format!("/v1/payment_intents/{intent}/confirm");
                let form = "payment_method=pm_card_visa&return_url=https://example.com";
                let sold = town.stripe("POST", &path, Some(&town.msp.account), form);
                assert_eq!(sold["status"], "succeeded", "{sold}");
                let by = flows::By::new(flows::Actor::CommandLine);
                flows::tie_out::read_and_run(&town.app, &town.msp.scope, &by).await.unwrap();
                const HOW: Sql = Sql::new(
                    "select attribution from balance_transactions
                     where attribution in ('waiting', 'external')",
                );
                let how: Vec<String> =
                    town.rows(&HOW).await.iter().map(|row| row.text("attribution").unwrap()).collect();
                assert_eq!(how, [first]);

                town.advance_ms(2 * HOUR_MS);
                for _ in 0..3 {
                    reconcile::run(&town.app).await.unwrap();
                    while let Some(event) = flows::stripe_events::take(&town.app, 1).await.unwrap().pop() {
                        flows::stripe_events::apply(&town.app, &event).await.unwrap();
                    }
                    town.advance_ms(HOUR_MS);
                }
                assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
                town.assert_tied().await;
                assert_eq!(town.number(&OPEN).await, 0);
                town.assert_books().await;
            }
            const REVERSED: Sql =
                Sql::new("select count(*) as n from ledger_transactions where kind = 'external_reversal'");
            assert_eq!(town.number(&REVERSED).await, 1, "what was booked as external is reversed once");
        });
    }

    fn the_trial_balance_comes_out_even_and_clients_have_statements(world: &World) {
        Town::run(world, async |town| {
            let first = pay(&town, 12_345).await;
            let open = town.invoice(700, "usd").await;
            let withdrawn = town.invoice(900, "usd").await;
            assert_eq!(town.command(&withdrawn, "void").await.status, StatusCode::OK);
            all_told(&town).await;
            town.assert_tied().await;

            let balance = get(&town, &town.msp.key, "/api/reports/trial-balance").await;
            let of = |account: &str| {
                let accounts = balance["accounts"].as_array().unwrap();
                let found = accounts.iter().find(|one| one["account"] == account);
                found.map(|one| one["balance"].as_i64().unwrap())
            };
            assert_eq!((of("receivable"), of("revenue")), (Some(700), Some(-13_045)));
            assert_eq!((of("stripe_clearing"), of("stripe_fees")), (Some(11_587), Some(388)));
            assert_eq!((of("platform_fees"), of("platform_revenue")), (Some(370), None));
            let totals = &balance["totals"][0];
            assert_eq!(totals["debits"], totals["credits"], "{balance}");
            let before = get(&town, &town.msp.key, "/api/reports/trial-balance?at=1").await;
            assert!(before["accounts"].as_array().unwrap().iter().all(|one| one["balance"] == 0));

            let client = &town.msp.client_id;
            let path = format!("/api/reports/statement?client_id={client}&currency=usd");
            let whole = get(&town, &town.msp.key, &path).await;
            let lines = whole["data"].as_array().unwrap();
            let shown: Vec<(&str, i64, i64)> = lines
                .iter()
                .map(|line| {
                    let number = |name: &str| line[name].as_i64().unwrap();
                    (line["type"].as_str().unwrap(), number("amount"), number("balance"))
                })
                .collect();
            let wanted = [
                ("invoice", 12_345, 12_345),
                ("payment", -12_345, 0),
                ("invoice", 700, 700),
                ("invoice", 900, 1_600),
                ("invoice_void", -900, 700),
            ];
            assert_eq!(shown, wanted, "{whole}");
            assert_eq!((&whole["opening_balance"], &whole["closing_balance"]), (&json!(0), &json!(700)));
            assert_eq!((&lines[0]["invoice_id"], &lines[2]["invoice_id"]), (&json!(first), &json!(open)));

            assert_eq!(&by_pages_of_two(&town, &path).await, lines, "page by page it is the same");
            let since = lines[2]["booked_at"].as_i64().unwrap();
            let part = get(&town, &town.msp.key, &format!("{path}&since={since}")).await;
            assert_eq!((part["data"].as_array().unwrap().len(), &part["opening_balance"]), (3, &json!(0)));
            let file = town.api(&town.msp.key, Method::GET, &format!("{path}&format=csv"), Value::Null).await;
            assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
            assert_eq!(file.text.lines().count(), 6, "{}", file.text);
            assert!(file.text.lines().last().unwrap().ends_with(",usd,-9.00,7.00"), "{}", file.text);

            others_see_it_as_they_may(&town, &path, &whole).await;
        });
    }

    // Once an hour is over, what was booked in it is written down, and the balances are the same.
    fn balances_that_are_written_down_are_those_of_before(world: &World) {
        Town::run_as(world, Wishes { worker: false, deliveries: false, ..Wishes::default() }, async |town| {
            for nth in 1..=60 {
                town.invoice(100 + nth, "usd").await;
                // Not faster than a key may ask.
                town.advance_ms(1_000);
                let withdrawn = town.invoice(70, "usd").await;
                assert_eq!(town.command(&withdrawn, "void").await.status, StatusCode::OK);
            }
            let key = &town.msp.key;
            let client = &town.msp.client_id;
            let path = format!("/api/reports/statement?client_id={client}&currency=usd&limit=100");
            let before = (
                get(&town, key, "/api/reports/trial-balance").await,
                get(&town, key, &path).await,
            );
            assert_eq!(flows::books::close_hours(&town.app).await.unwrap(), 0, "the hour is not over");
            town.advance_ms(3 * HOUR_MS);
            // Receivable, revenue, and the client.
            assert_eq!(flows::books::close_hours(&town.app).await.unwrap(), 3);
            assert_eq!(flows::books::close_hours(&town.app).await.unwrap(), 0, "once");
            let after = (
                get(&town, key, "/api/reports/trial-balance").await,
                get(&town, key, &path).await,
            );
            assert_eq!(before, after);
            let next = format!("{path}&after={}", before.1["data"][99]["id"].as_str().unwrap());
            let next = get(&town, key, &next).await;
            assert_eq!(next["opening_balance"], before.1["data"][99]["balance"]);
            assert_eq!((&next["closing_balance"], &next["has_more"]), (&json!(7_830), &json!(false)));
            town.invoice(1_000, "usd").await;
            let later = get(&town, key, "/api/reports/trial-balance").await;
            let receivable = json!({"account": "receivable", "currency": "usd", "balance": 8_830});
            assert_eq!(later["accounts"][0], receivable);
            town.assert_books().await;
        });
    }

    fn what_stripe_settles_in_another_currency_goes_through_the_exchange(world: &World) {
        Town::run(world, async |town| {
            let settles = json!({"settles": {"currency": "usd", "rate_millionths": 1_082_170}});
            town.control("POST", &format!("/_simulator/accounts/{}", town.msp.account), settles);
            let invoice = town.invoice(12_345, "eur").await;
            let link = town.link(&invoice).await;
            let paid = town.pay(&link, &town.token("pm_card_visa"), 12_345, "eur").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            all_told(&town).await;
            let reports = town.assert_tied().await;
            let of = |code: &str| {
                let found = reports.iter().find(|report| {
                    report.tied.scope == town.msp.scope && report.tied.currency.code() == code
                });
                found.map(|report| report.tied.stripe_balance)
            };
            let there = town.stripe("GET", "/v1/balance_transactions", Some(&town.msp.account), "");
            let there = &there["data"][0];
            assert_eq!((&there["amount"], &there["currency"]), (&json!(13_359), &json!("usd")), "{there}");
            assert_eq!((of("eur"), of("usd")), (Some(0), there["net"].as_i64()));
            let balance = get(&town, &town.msp.key, "/api/reports/trial-balance").await;
            let exchange: Vec<(&Value, &Value)> = balance["accounts"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|one| one["account"] == "exchange")
                .map(|one| (&one["currency"], &one["balance"]))
                .collect();
            // Less the platform's 370, which were taken in euros and are 400 of the dollars.
            let wanted = [(&json!("eur"), &json!(11_975)), (&json!("usd"), &json!(-12_959))];
            assert_eq!(exchange, wanted, "{balance}");
            town.assert_books().await;
        });
    }
    fn no_cell_of_a_file_holds_what_people_type_or_is_a_formula(world: &World) {
        Town::run(world, async |town| {
            let nasty = "=HYPERLINK(\"https://evil.example\",\"x\"),+1,@y";
            let key = &town.msp.key;
            let client = town.api(key, Method::POST, "/api/clients", json!({"name": nasty})).await;
            let client = client.body["id"].as_str().unwrap().to_owned();
            let draft = json!({"client_id": client, "currency": "usd", "memo": nasty,
                "lines": [{"description": nasty, "quantity": "1", "unit_price": 5_000}]});
            let invoice = town.api(key, Method::POST, "/api/invoices", draft).await;
            let invoice = invoice.body["id"].as_str().unwrap().to_owned();
            assert_eq!(town.command(&invoice, "finalize").await.status, StatusCode::OK);
            let link = town.link(&invoice).await;
            let paid = town.pay(&link, &town.token("pm_card_visa"), 5_000, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            all_told(&town).await;
            let path = format!("/api/reports/statement?client_id={client}&currency=usd&format=csv");
            let file = town.api(key, Method::GET, &path, Value::Null).await;
            assert_eq!(file.text.lines().count(), 3, "{}", file.text);
            for cell in file.text.lines().flat_map(|line| line.split(',')) {
                let number = cell.parse::<f64>().is_ok();
                let plain = |c: char| c.is_ascii_alphanumeric() || "_-.: ".contains(c);
                let begins = cell.chars().next().is_none_or(|c| c.is_ascii_alphanumeric());
                assert!(number || begins && cell.chars().all(plain), "{cell:?} in {}", file.text);
            }
        });
    }
}
