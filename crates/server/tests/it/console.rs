//! The operator's console: the inbox with its filters and replays, differences, fees and their statements,
//! what runs, who did what, and how the server is set up.

use domain::{Role, TenantId};
use reqwest::StatusCode;
use serde_json::{Value, json};
use server::demo::{LIVE_WEBHOOK_SECRET, TEST_WEBHOOK_SECRET};
use store::Sql;

use crate::engines::World;
use crate::person::{Person, Shown};
use crate::town::Town;

async fn operator(town: &Town) -> Person {
    let platform = TenantId::platform();
    Person::new(town, &platform, Role::Operator, "olga@platform.example").await
}

/// A payment, with all that Stripe tells of it.
async fn sold(town: &Town) -> String {
    let invoice = town.invoice(12_345, "usd").await;
    let link = town.link(&invoice).await;
    town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
    town.until_invoice(&invoice, "paid").await;
    const FEES: Sql = Sql::new("select count(*) as n from payments where stripe_fee is not null");
    town.until("stripe's fee", async || town.number(&FEES).await == 1)
        .await;
    town.until_quiet().await;
    invoice
}

fn once(page: &Shown) -> String {
    page.between("name=\"form_key\" value=\"", "\"")
}

/// An invoice that an integrator's own front end has paid: what Stripe tells is the first to say so.
async fn told_by_stripe_alone(town: &Town) -> String {
    let invoice = town.invoice(9_900, "usd").await;
    let path = format!("/api/invoices/{invoice}/payment-intent");
    let made = town
        .api(&town.msp.key, reqwest::Method::POST, &path, json!({}))
        .await;
    let intent = made.body["stripe_payment_intent_id"].as_str().unwrap();
    let path = format!("/v1/payment_intents/{intent}/confirm");
    town.stripe(
        "POST",
        &path,
        Some(&town.msp.account),
        "payment_method=pm_card_visa",
    );
    town.until_invoice(&invoice, "paid").await;
    town.until_quiet().await;
    invoice
}

/// A live event under the TEST secret, which is set aside.
async fn set_aside(town: &Town) {
    let event = json!({"object": "event", "id": "evt_forged", "livemode": true, "account": town.msp.account,
        "type": "payment_intent.succeeded", 
        "data": {"object": {"object": "payment_intent", "id": "pi_forged"}}});
    let stored = town
        .deliver_signed(TEST_WEBHOOK_SECRET, event.to_string().as_bytes())
        .await;
    assert!(stored.status.is_success(), "{}", stored.text);
    town.until_quiet().await;
}

/// An event with hostile words, which nobody's account sent.
async fn hostile(town: &Town) {
    let event = json!({"object": "event", "id": "evt_hostile", "livemode": false, "account": "acct_nobody",
        "type": "payment_intent.succeeded", "data": {"object": {
        "object": "payment_intent", "id": "pi_hostile", "client_secret": "pi_hostile_secret_abc123",
        "description": "</code><script>alert(1)</script>"}}});
    let stored = town
        .deliver_signed(TEST_WEBHOOK_SECRET, event.to_string().as_bytes())
        .await;
    assert!(stored.status.is_success(), "{}", stored.text);
    town.until_quiet().await;
}

both! {
    fn the_operator_finds_an_event_sees_what_it_did_and_replays_it(world: &World) {
        Town::run(world, async |town| {
            let invoice = sold(&town).await;
            let olga = operator(&town).await;
            let all = olga.get("/operator/inbox").await;
            all.assert_says(200, &["payment_intent. succeeded", "Northwind IT Services", "TEST MODE"]);
            let intent = town.intents()[0]["id"].as_str().unwrap().to_owned();
            let narrowed = format!("/operator/inbox?type=payment_intent.succeeded&id={intent}&mode=test");
            let found = olga.get(&narrowed).await;
            found.assert_says(200, &["payment_intent. succeeded", &intent, "Clear"]);
            assert!(!found.words().contains("charge. updated"), "{}", found.words());
            let tenant = town.msp.scope.tenant.as_str();
            for (address, some) in [
                (format!("/operator/inbox?tenant={tenant}&status=processed"), true),
                (format!("/operator/inbox?account={}", town.msp.account), true),
                (format!("/operator/inbox?id={intent}&mode=live"), false),
                ("/operator/inbox?status=dead".to_owned(), false),
            ] {
                let shown = olga.get(&address).await;
                let words: &[&str] = if some { &["Came"] } else { &["Nothing matches"] };
                shown.assert_says(200, words);
            }

            let path = found.between("row-link name\" href=\"", "\"");
            let event = olga.get(&path).await;
            event.assert_says(200, &["Snapshot event", "&quot;amount_received&quot;: 12345", "Replay it"]);
            event.assert_says(200, &["API version", "Deliveries"]);
            let paid = told_by_stripe_alone(&town).await;
            let list = olga.get("/operator/inbox?status=processed").await;
            let mut pages = Vec::new();
            for rest in list.text.split("row-link name\" href=\"").skip(1) {
                pages.push(olga.get(rest.split('"').next().unwrap()).await);
            }
            let did = pages.iter().any(|page| {
                page.text.contains(&paid) && page.words().contains("open \u{2192} paid")
            });
            assert!(did, "the event that paid it says so");

            let event = olga.get(&path).await;
            let key = once(&event);
            for _press in 0..2 {
                let sent = olga.post(&format!("{path}/replay"), &[("form_key", &key)]).await;
                sent.assert_sent_to(&format!("{path}?done=replayed"));
            }
            town.until_quiet().await;
            let again = olga.get(&format!("{path}?done=replayed")).await;
            again.assert_says(200, &["It is on its way again", "Replayed"]);
            olga.get("/operator/audit?action=webhook_event.replayed").await.assert_says(200, &["Olga"]);
            assert_eq!(town.read_invoice(&invoice).await["amount_paid"], 12_345, "nothing happened twice");
            olga.get("/operator/inbox/ibx_0").await.assert_says(404, &["There is no such thing"]);
        });
    }

    fn a_filter_of_the_inbox_that_cannot_be_read_lists_nothing_and_says_so_beside_it(world: &World) {
        Town::run(world, async |town| {
            sold(&town).await;
            let olga = operator(&town).await;
            for (query, label) in [
                ("id=%00&tenant=x&status=y&after=z&mode=w", "State must be one of"),
                ("type=charge.succeeded&mode=both", "Mode must be test or live"),
                ("tenant=northwind", "Tenant must be the id"), ("after=7", "The page must be the id"),
                ("account=%20", "Stripe account must be a name"),
                ("id=%00", "Event or object must be a name"),
                ("type=a&type=b", "Type can be given once only"), ("stauts=dead", "is nothing that events"),
            ] {
                let refused = olga.get(&format!("/operator/inbox?{query}")).await;
                refused.assert_says(422, &["Nothing is listed", label, "Show all events"]);
                assert!(!refused.text.contains("row-link"), "{query}: {}", refused.words());
                assert!(!refused.words().contains("Replay these"), "{query}");
            }
            let beside = olga.get("/operator/inbox?type=charge.succeeded&tenant=northwind").await;
            for here in ["id=\"tenant-error\"", "aria-describedby=\"tenant-error\"",
                "value=\"charge.succeeded\""]
            {
                assert!(beside.text.contains(here), "{here} is not in {}", beside.text);
            }
            olga.get("/operator/inbox?type=&id=&account=&tenant=&mode=&done=nothing-to-replay").await
                .assert_says(200, &["Came"]);
        });
    }

    fn many_events_are_replayed_after_a_review_of_how_many_they_are(world: &World) {
        Town::run(world, async |town| {
            sold(&town).await;
            set_aside(&town).await;
            hostile(&town).await;
            let olga = operator(&town).await;
            let tabs = olga.get("/operator/inbox?status=quarantined").await;
            tabs.assert_says(200, &["Set aside", "evt_forged"]);
            let never = tabs.between("row-link name\" href=\"", "\"");
            olga.get(&never).await.assert_says(200, &["It cannot be replayed.", "never applied"]);
            let refused = olga.post(&format!("{never}/replay"), &[]).await;
            assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.words());
            let none = olga.get("/operator/inbox/replay?status=quarantined").await;
            none.assert_says(200, &["0 events would be applied again"]);
            let sent = olga.post("/operator/inbox/replay", &[("status", "quarantined")]).await;
            sent.assert_sent_to("/operator/inbox?status=quarantined&done=nothing-to-replay");

            // A filter that cannot be read would have everything replayed: it is refused by name.
            for (query, label) in [
                ("status=nonsense", "State must be one of"), ("status=dead%20", "State must be one of"),
                ("mode=both", "Mode must be test or live"), ("tenant=northwind", "Tenant must be the id"),
                ("after=7", "The page must be the id"), ("type=%00", "Type must be a name"),
                ("account=%20", "Stripe account must be a name"), ("id=%00", "Event or object must be"),
                ("type=a&type=b", "Type can be given once only"), ("stauts=dead", "is nothing that events"),
            ] {
                let refused = olga.get(&format!("/operator/inbox/replay?{query}")).await;
                refused.assert_says(422, &["Nothing was replayed", label]);
            }
            for field in [("status", "nonsense"), ("mode", "both"), ("tenant", "x"), ("after", "x")] {
                let refused = olga.post("/operator/inbox/replay", &[field]).await;
                refused.assert_says(422, &["Nothing was replayed", "must be"]);
            }
            let twice = [("status", "dead"), ("status", "failed")];
            olga.post("/operator/inbox/replay", &twice).await.assert_says(422, &["can be given once only"]);

            let orphan = olga.get("/operator/inbox?status=orphan").await;
            let path = orphan.between("row-link name\" href=\"", "\"");
            let event = olga.get(&path).await;
            event.assert_says(200, &["No tenant has its account", "acct_nobody"]);
            event.assert_says(200, &["An account that no tenant has"]);
            assert!(!event.text.contains("<script>alert"), "{}", event.text);
            assert!(!event.text.contains("secret_abc123"), "{}", event.text);

            let review = olga.get("/operator/inbox/replay?type=charge.succeeded").await;
            review.assert_says(200, &["1 event would be applied again", "charge.succeeded"]);
            let (key, mut led) = (once(&review), Vec::new());
            for _press in 0..2 {
                let fields = [("form_key", key.as_str()), ("type", "charge.succeeded")];
                led.push(olga.post("/operator/inbox/replay", &fields).await.location().to_owned());
            }
            assert_eq!(led[0], led[1], "both presses lead to one page");
            assert!(led[0].starts_with("/operator/inbox/replays/"), "{}", led[0]);
            town.until_quiet().await;
            olga.get(&led[0]).await.assert_says(200, &["1 of 1 done", "Applied"]);
            olga.get("/operator/inbox/replays/soon").await.assert_says(200, &["0 of 0 done"]);
            const NOTED: Sql = Sql::new(
                "select after_state from audit_log where action = 'webhook_events.replayed'",
            );
            let noted: Value =
                serde_json::from_str(&town.rows(&NOTED).await[0].text("after_state").unwrap()).unwrap();
            for named in ["status", "type", "mode", "account", "tenant_id", "event_id", "object_id", "since",
                "until", "after", "count", "last"] {
                assert!(noted.get(named).is_some(), "{named} is not in {noted}");
            }
            assert_eq!((&noted["type"], &noted["count"]), (&json!("charge.succeeded"), &json!(1)));
        });
    }

    fn a_difference_is_explained_and_dealt_with(world: &World) {
        Town::run(world, async |town| {
            let olga = operator(&town).await;
            olga.get("/operator/breaks").await.assert_says(200, &["Nothing differs"]);
            hostile(&town).await;
            let list = olga.get("/operator/breaks").await;
            list.assert_says(200, &["An account that no tenant has", "acct_nobody", "Open"]);
            let path = list.between("row-link\" href=\"", "\"");
            let shown = olga.get(&path).await;
            shown.assert_says(200, &["Connect the account, or remove", "It ends by itself"]);
            let unsaid = olga.post(&format!("{path}/resolve"), &[("reason", "")]).await;
            unsaid.assert_says(422, &["How it was dealt with must say"]);
            let said = [("reason", "Access was removed at Stripe")];
            let done = olga.post(&format!("{path}/resolve"), &said).await;
            done.assert_sent_to(&format!("{path}?done=resolved"));
            let shown = olga.get(&path).await;
            shown.assert_says(200, &["Access was removed at Stripe", "Dealt with", "person:usr_"]);
            olga.get("/operator/breaks?state=resolved").await.assert_says(200, &["acct_nobody"]);
            let unknown = olga.get("/operator/breaks?state=closed").await;
            unknown.assert_says(200, &["There is no state"]);
            assert!(!unknown.text.contains("acct_nobody"), "the tab that is marked is the one that is shown");
            olga.get("/operator/breaks?kind=overpayment").await.assert_says(200, &["Nothing matches"]);
        });
    }

    fn a_fee_rule_is_previewed_added_and_kept_in_the_history(world: &World) {
        Town::run(world, async |town| {
            let olga = operator(&town).await;
            olga.get("/operator/fees").await.assert_says(200, &["Without a rule it is 3%", "No rules yet"]);
            let form = olga.get("/operator/fees/new?mode=test").await;
            let key = once(&form);
            let tenant = town.msp.scope.tenant.to_string();
            let with = |rate: &'static str, fixed: &'static str| {
                vec![
                    ("form_key", key.clone()), ("mode", "test".to_owned()), ("tenant_id", tenant.clone()),
                    ("method", String::new()), ("currency", "usd".to_owned()), ("rate", rate.to_owned()),
                    ("fixed", fixed.to_owned()), ("minimum", String::new()), ("maximum", String::new()),
                    ("effective_from", String::new()),
                ]
            };
            let send = async |path: &str, fields: &[(&str, String)]| {
                let fields: Vec<_> = fields.iter().map(|(name, text)| (*name, text.as_str())).collect();
                olga.post(path, &fields).await
            };
            let wrong = send("/operator/fees/preview", &with("three", "0.30")).await;
            wrong.assert_says(422, &["Rate must be a percentage", "value=\"three\""]);
            let shown = send("/operator/fees/preview", &with("2.9", "0.30")).await;
            shown.assert_says(200, &["What it would take", "$500.00", "$14.80", "$15.00"]);
            shown.assert_says(200, &["by the usual rate"]);
            assert_eq!(once(&shown), key, "a form that comes back keeps its key");
            const RULES: Sql = Sql::new("select count(*) as n from fee_rules");
            assert_eq!(town.number(&RULES).await, 0, "a preview adds nothing");
            let wrong = send("/operator/fees/rules", &with("100", "")).await;
            wrong.assert_says(422, &["Rate must be a percentage"]);
            for _press in 0..2 {
                let added = send("/operator/fees/rules", &with("2.9", "0.30")).await;
                added.assert_sent_to("/operator/fees?mode=test&done=rule-added");
            }
            assert_eq!(town.number(&RULES).await, 1);
            olga.get("/operator/fees?mode=test").await
                .assert_says(200, &["2.9% + $0.30", "Any payment, USD", "Northwind IT Services"]);
            olga.get("/operator/fees?mode=live").await.assert_says(200, &["No rules yet"]);
        });
    }

    fn a_months_fees_are_a_page_a_document_and_a_file(world: &World) {
        Town::run(world, async |town| {
            sold(&town).await;
            let olga = operator(&town).await;
            let month = domain::seal::Day::of(town.app.clock.now()).to_string()[..7].to_owned();
            let tenant = town.msp.scope.tenant.as_str();
            let asked = format!("tenant={tenant}&month={month}&mode=test");
            let fees = olga.get("/operator/fees").await;
            fees.assert_says(200, &["Fees by month, USD", "This month", "$3.70", &month]);
            let page = olga.get(&format!("/operator/fees/statement?{asked}")).await;
            page.assert_says(200, &["Northwind IT Services", "Taken", "$3.70", "1 fees", "fee_"]);
            let file = olga.get(&format!("/operator/fees/statement.csv?{asked}")).await;
            assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
            file.assert_says(200, &[",application_fee,fee_", ",usd,3.70,370\r\n"]);
            let paper = olga.get(&format!("/operator/fees/statement.pdf?{asked}")).await;
            assert_eq!(paper.headers["content-type"], "application/pdf");
            assert!(paper.text.starts_with("%PDF-"));
            olga.get("/operator/fees/statement?tenant=ten_0&month=2026-11").await
                .assert_says(404, &["There is no such thing"]);
            olga.get(&format!("/operator/fees/statement?tenant={tenant}&month=soon")).await
                .assert_says(422, &["must be a month"]);
            let none = olga.get(&format!("/operator/fees/statement?tenant={tenant}&month=2001-01")).await;
            none.assert_says(200, &["No fees"]);

            let list = olga.get("/operator?q=NORTHWIND").await;
            list.assert_says(200, &["Northwind IT Services", "$123.45", "$3.70", "Ready"]);
            olga.get("/operator?q=100%25_!").await.assert_says(200, &["Nobody is called that"]);
            let one = olga.get(&format!("/operator/tenants/{tenant}")).await;
            one.assert_says(200, &["Volume and fees, test", &month, "$123.45", "Takes payments"]);
            one.assert_says(200, &["Not connected"]);
        });
    }

    fn the_audit_log_is_searched_by_who_what_and_any_id(world: &World) {
        Town::run(world, async |town| {
            let invoice = sold(&town).await;
            let olga = operator(&town).await;
            olga.get("/operator/audit").await.assert_says(200, &["Olga", "person. logged_in"]);
            let of_invoice = olga.get(&format!("/operator/audit?q={invoice}")).await;
            of_invoice.assert_says(200, &["invoice. finalized", "invoice. drafted", &invoice]);
            let request = of_invoice.between("/operator/audit?q=", "\"");
            olga.get(&format!("/operator/audit?q={request}")).await.assert_says(200, &["Audit log"]);
            let tenant = town.msp.scope.tenant.as_str();
            let narrowed = "actor=payer&action=invoice.payment_requested";
            let narrowed = format!("/operator/audit?{narrowed}&tenant={tenant}");
            olga.get(&narrowed).await.assert_says(200, &["invoice. payment_requested", "A payer"]);
            olga.get(&format!("{narrowed}&q={invoice}")).await.assert_says(200, &[&invoice]);
            olga.get("/operator/audit?tenant=platform&actor=payer").await
                .assert_says(200, &["Nothing matches"]);
            olga.get("/operator/audit?q=%00&after=x").await.assert_says(200, &["Olga"]);
        });
    }

    fn jobs_and_the_configuration_are_shown_without_any_secret(world: &World) {
        Town::run(world, async |town| {
            sold(&town).await;
            let olga = operator(&town).await;
            let jobs = olga.get("/operator/jobs").await;
            jobs.assert_says(200, &["Webhooks to apply", "Apply webhooks", "Well", "Open differences"]);
            let shown = olga.get("/operator/configuration").await;
            shown.assert_says(200, &["This server works in TEST mode", "1 is set", "Takes writes", "3%"]);
            let engine = if world.url.starts_with("sqlite:") { "SQLite, one instance" } else { "PostgreSQL" };
            shown.assert_says(200, &[engine, env!("CARGO_PKG_VERSION"), "Answers"]);
            for secret in [TEST_WEBHOOK_SECRET, LIVE_WEBHOOK_SECRET, "sk_test_", "sk_live_"] {
                assert!(!shown.text.contains(secret), "{secret}");
            }
            let own = Person::new(&town, &town.msp.scope.tenant, Role::Owner, "dana@northwind.example").await;
            for path in [
                "/operator/inbox", "/operator/breaks", "/operator/fees", "/operator/jobs", "/operator/audit",
                "/operator/configuration",
            ] {
                assert_eq!(own.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
            }
        });
    }
}
