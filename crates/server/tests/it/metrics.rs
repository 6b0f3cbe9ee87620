//! What the operator's monitoring sees.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::demo;
use store::Sql;

use crate::engines::World;
use crate::town::{METRICS_TOKEN, Town, Wishes};

/// The value of a series, by its whole name with labels; none when it is not there.
pub fn value(text: &str, series: &str) -> Option<i64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap_or_else(|_| panic!("{series}: {value}")))
}

pub async fn metrics(town: &Town) -> String {
    let shown = town
        .api(METRICS_TOKEN, Method::GET, "/metrics", Value::Null)
        .await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    let form = shown.headers["content-type"].to_str().unwrap();
    assert!(form.starts_with("application/openmetrics-text"), "{form}");
    assert!(shown.text.ends_with("# EOF\n"), "{}", shown.text);
    shown.text
}

/// What `docs/operators.md` lists.
fn listed() -> BTreeSet<String> {
    let page = include_str!("../../../../docs/operators.md");
    let section = page
        .split("\n## Metrics\n")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next());
    let rows = section
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix("| `psa_pay"));
    let cells = rows.flat_map(|row| row.split(" | ").next().unwrap().split('`'));
    let names = cells.filter_map(|cell| cell.trim_start_matches("psa_pay").strip_prefix('_'));
    names
        .map(|name| format!("psa_pay_{}", name.split('{').next().unwrap()))
        .collect()
}

/// What is served, by the lines that say of what kind each is.
fn served(text: &str) -> BTreeSet<String> {
    let kinds = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    kinds
        .map(|line| match line.split_once(' ').unwrap() {
            (name, "counter") => format!("{name}_total"),
            (name, _) => name.to_owned(),
        })
        .collect()
}

both! {
    fn the_manual_lists_every_metric_and_no_other(world: &World) {
        Town::run(world, async |town| {
            // So that each has a value.
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            town.until_quiet().await;
            let (served, listed) = (served(&metrics(&town).await), listed());
            let unknown: Vec<_> = served.difference(&listed).collect();
            assert!(unknown.is_empty(), "not in the manual: {unknown:?}");
            let missing: Vec<_> = listed.difference(&served).collect();
            // Told only while something waits; the next test makes it.
            let waiting = ["psa_pay_breaks_open", "psa_pay_events", "psa_pay_operations_open"];
            assert_eq!(missing, waiting, "in the manual alone");
        });
    }

    fn a_paid_invoice_shows_in_the_metrics_and_names_nobody(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let token = town.token("pm_card_visa");
            let paid = town.pay(&link, &token, 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            let told = "psa_pay_webhook_deliveries_total{answer=\"new\"}";
            town.until("what Stripe tells", async || {
                value(&metrics(&town).await, told).is_some_and(|told| told >= 4)
            })
            .await;
            town.until_quiet().await;
            let text = metrics(&town).await;
            let settled = |kind: &str| {
                let labels = format!("mode=\"test\",kind=\"{kind}\",outcome=\"succeeded\"");
                value(&text, &format!("psa_pay_operations_settled_24h{{{labels}}}"))
            };
            let operations = (settled("create_intent"), settled("confirm_intent"));
            assert_eq!(operations, (Some(1), Some(1)), "{text}");
            let counted = |series: &str| value(&text, &format!("psa_pay_{series}")).unwrap_or(0);
            assert!(counted("webhook_deliveries_total{answer=\"new\"}") >= 4, "{text}");
            assert!(counted("stripe_calls_total{answer=\"ok\"}") >= 2, "{text}");
            let route = "route=\"/api/public/invoices/{link}/pay\"";
            let pays = format!("http_requests_total{{method=\"POST\",{route},status=\"200\"}}");
            assert_eq!(counted(&pays), 1, "{text}");
            let age = "psa_pay_oldest_unprocessed_event_age_seconds{mode=\"test\"}";
            assert_eq!(value(&text, age), Some(0), "{text}");
            let tenant = town.msp.scope.tenant.as_str();
            for private in [link.as_str(), &town.msp.account, tenant, &invoice, "12345"] {
                assert!(!text.contains(private), "{private} in {text}");
            }
        });
    }

    fn what_waits_is_open_or_stuck_shows_with_its_age(world: &World) {
        const BREAK: Sql = Sql::new(
            "insert into reconciliation_breaks (id, tenant_id, livemode, kind, subject_id, detail, created_at)
             values ('brk_1', null, 0, 'unknown_account', 'acct_1', 'nobody has it', $1)",
        );
        let wishes = Wishes { worker: false, deliveries: false, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            town.clock.stop();
            let event = json!({"id": "evt_waits", "object": "event", "type": "payment_intent.succeeded",
                "account": town.msp.account, "livemode": false, "created": town.clock.now_s(),
                "api_version": "2026-10-28.endive",
                "data": {"object": {"id": "pi_1", "object": "payment_intent"}}});
            let body = event.to_string();
            let delivered = town.deliver_signed(demo::TEST_WEBHOOK_SECRET, body.as_bytes()).await;
            assert_eq!(delivered.status, StatusCode::OK, "{}", delivered.text);
            town.deliver_signed(demo::TEST_WEBHOOK_SECRET, body.as_bytes()).await;
            town.deliver_signed("whsec_of_somebody_else", body.as_bytes()).await;
            let at = town.clock.now_s() * 1000;
            town.app.db.write(move |tx| tx.execute(&BREAK, store::binds![at])).await.unwrap();
            town.advance_ms(2 * 3_600_000);
            let text = metrics(&town).await;
            let expected = [
                ("psa_pay_events{mode=\"test\",status=\"received\"}", 1),
                ("psa_pay_oldest_unprocessed_event_age_seconds{mode=\"test\"}", 7200),
                ("psa_pay_oldest_unprocessed_event_age_seconds{mode=\"live\"}", 0),
                ("psa_pay_breaks_open{mode=\"test\",kind=\"unknown_account\",age=\"under_24h\"}", 1),
                ("psa_pay_oldest_break_age_seconds{mode=\"test\"}", 7200),
                ("psa_pay_webhook_deliveries_total{answer=\"new\"}", 1),
                ("psa_pay_webhook_deliveries_total{answer=\"duplicate\"}", 1),
                ("psa_pay_webhook_deliveries_total{answer=\"refused\"}", 1),
                ("psa_pay_webhook_deliveries_total{answer=\"not_stored\"}", 0),
                ("psa_pay_database_up", 1),
                ("psa_pay_live_locked", 0),
                ("psa_pay_clock_skew_seconds", 0),
            ];
            for (series, number) in expected {
                assert_eq!(value(&text, series), Some(number), "{series}\n{text}");
            }
            town.advance_ms(24 * 3_600_000);
            let old = "psa_pay_breaks_open{mode=\"test\",kind=\"unknown_account\",age=\"over_24h\"}";
            assert_eq!(value(&metrics(&town).await, old), Some(1));
        });
    }

    fn the_metrics_open_to_their_own_token_only(world: &World) {
        Town::run(world, async |town| {
            for wrong in ["", "a_token_for_the_metrics_of_a_tesT", &town.msp.key] {
                let shown = town.api(wrong, Method::GET, "/metrics", Value::Null).await;
                shown.assert_refused(401, "unauthorized", None);
            }
            let without = town.public(Method::GET, "/metrics", Value::Null).await;
            without.assert_refused(401, "unauthorized", None);
            metrics(&town).await;
            let written = town.api(METRICS_TOKEN, Method::POST, "/metrics", json!({})).await;
            assert_eq!(written.status, StatusCode::METHOD_NOT_ALLOWED);
            let invoices = town.api(METRICS_TOKEN, Method::GET, "/api/invoices", Value::Null).await;
            invoices.assert_refused(401, "unauthorized", None);
        });
    }
}
