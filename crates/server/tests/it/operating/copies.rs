//! How a copy of the database is known on both engines, and what opens live mode again.

use domain::{Mode, RefundId, Role, TenantId};
use flows::instance::{self, Marker, Opened, Reconciled};
use flows::reconcile::{self, Order};
use flows::stripe_events::{self, SignedAs};
use flows::{Actor, By};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;
use store::db::Engine;
use stripe::events::Kind;

use crate::engines::World;
use crate::person::Person;
use crate::refunds::{self, by_hand, paid};
use crate::town::{Reply, Town, Wishes};

const LIVE_CARD: &str = "4000009900000004";
const WAITING: Sql =
    Sql::new("select count(*) as n from mails where livemode = 1 and status in ('queued', 'sending')");

fn marker(tokens: &[&str], place: &str) -> Marker {
    Marker {
        tokens: tokens.iter().map(|token| (*token).to_owned()).collect(),
        place: place.to_owned(),
        origin: String::new(),
        first_start: false,
    }
}

/// A command of the tenant's software on an invoice.
async fn command(town: &Town, invoice: &str, what: &str, body: Value) -> Reply {
    let path = format!("/api/invoices/{invoice}/{what}");
    town.api(&town.msp.key, Method::POST, &path, body).await
}

/// Everything since two days ago.
fn order(town: &Town) -> Order {
    Order {
        since: town.app.clock.now().plus_ms(-2 * 24 * 60 * 60 * 1000),
        account: None,
        mode: None,
    }
}

/// A refund as our own request for it made it at Stripe, of which this database has no row.
fn lost_refund(town: &Town, intent: &str) -> Value {
    let id = RefundId::new(town.app.clock.now(), town.app.clock.random());
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let form =
        format!("payment_intent={intent}&amount=1000&metadata[refund_id]={id}&metadata[settlement]=forgiven");
    let answer = town.simulator.call(&simulator::Request {
        method: "POST".to_owned(),
        path: "/v1/refunds".to_owned(),
        headers: vec![
            header("authorization", "Bearer sk_test_psapay_demo"),
            header("content-type", "application/x-www-form-urlencoded"),
            header("stripe-account", &town.msp.account),
            header(
                "idempotency-key",
                &format!("refund:{}:{id}", town.msp.scope.tenant),
            ),
        ],
        body: form.into_bytes(),
    });
    let made: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(made["status"], "succeeded", "{made}");
    made
}

both! {
    fn a_lost_refund_that_forgave_is_taken_up_though_an_event_without_its_key_comes_first(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            let intent = town.intents()[0]["id"].as_str().unwrap().to_owned();
            let event = json!({"id": "evt_of_a_bank", "object": "event", "account": town.msp.account,
                "livemode": false, "api_version": stripe::API_VERSION, "type": "refund.updated",
                "created": town.app.clock.now().seconds(), "data": {"object": lost_refund(&town, &intent)},
                "request": {"id": null, "idempotency_key": null}});
            let signed_as = SignedAs { mode: Mode::Test, kind: Kind::Snapshot };
            stripe_events::ingest(&town.app, event.to_string().as_bytes(), signed_as).await.unwrap();
            refunds::apply_all(&town).await;
            refunds::settle(&town).await;
            let list = town.api(&town.msp.key, Method::GET, "/api/refunds", Value::Null).await.body;
            let all = list["data"].as_array().unwrap();
            assert_eq!(all.len(), 1, "{list}");
            let said = (&all[0]["settlement"], &all[0]["amount"]);
            assert_eq!(said, (&json!("forgiven"), &json!(1_000)), "{list}");
            assert_eq!(town.read_invoice(&paid.invoice).await["amount_due"], 0, "nothing is owed again");
            const BREAKS: Sql = Sql::new(
                "select count(*) as n from reconciliation_breaks where kind = 'refund_unclaimed'",
            );
            assert_eq!(town.number(&BREAKS).await, 0);
            town.assert_books().await;
        });
    }

    fn a_copy_takes_no_live_money_until_it_was_compared_with_stripe(world: &World) {
        let wishes = Wishes { mode: Mode::Live, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            let app = &town.app;
            let by = By::new(Actor::CommandLine);
            let is_server = world.db.engine() == Engine::Postgres;
            assert_eq!(!instance::place(&app.db).await.is_empty(), is_server, "a server says which it is");

            // Starts one after the other, and one after a crash between the mark and the row.
            for (tokens, next) in [(&[][..], "one"), (&["one"], "two"), (&["two", "three"], "three")] {
                let locked = instance::claim(app, &marker(tokens, "here"), next).await.unwrap();
                assert_eq!(locked, None, "{tokens:?}");
            }
            let invoice = town.invoice(12_345, "usd").await;
            let draft = town.draft_of(&town.msp, 100, "usd").await;
            let restored = instance::claim(app, &marker(&["nine"], "here"), "four").await.unwrap();
            assert!(restored.is_some_and(|locked| locked.because.contains("restored from a backup")));
            let link = town.link(&invoice).await;
            // Its number may be another invoice's, of after the backup.
            command(&town, &draft, "finalize", Value::Null).await.assert_refused(503, "live_locked", None);
            let card = town.typed_token(LIVE_CARD);
            town.pay(&link, &card, 12_345, "usd").await.assert_refused(503, "live_locked", None);
            assert_eq!(town.look(&link).await.body["state"], "temporarily_unavailable");
            assert!(town.intents().is_empty(), "Stripe hears nothing");

            let early = instance::unlock(app, &by, "in a hurry").await.unwrap();
            assert!(matches!(early, Opened::NotReconciled(_)), "{early:?}");
            let order = order(&town);
            reconcile::ordered(app, &by, &order, &mut |_| {}).await.unwrap();
            let late = Order { since: app.clock.now(), ..order.clone() };
            let part = instance::reconciled(app, &by, &late, 0).await.unwrap();
            assert!(matches!(part, Reconciled::NotAll(_)), "{part:?}");
            let test = Order { mode: Some(Mode::Test), ..order.clone() };
            let other = instance::reconciled(app, &by, &test, 0).await.unwrap();
            assert!(matches!(other, Reconciled::NotAll(_)), "{other:?}");
            let all = instance::reconciled(app, &by, &order, 0).await.unwrap();
            assert!(matches!(all, Reconciled::Unlocked(_)), "{all:?}");
            assert_eq!(town.pay(&link, &card, 12_345, "usd").await.body["status"], "succeeded");
            town.until_invoice(&invoice, "paid").await;
            town.until_quiet().await;

            let moved = instance::claim(app, &marker(&["four"], "there"), "five").await.unwrap();
            assert!(moved.is_some_and(|locked| locked.because.contains("copied or moved")));
            let breaks = instance::reconciled(app, &by, &order, 1).await.unwrap();
            assert_eq!(breaks, Reconciled::WithBreaks);
            let opened = instance::unlock(app, &by, "the break is known").await.unwrap();
            assert!(matches!(opened, Opened::Now(_)), "{opened:?}");
            assert_eq!(town.number(&WAITING).await, 0, "they may have gone out before");
            assert_eq!(instance::unlock(app, &by, "again").await.unwrap(), Opened::Before);
            assert_eq!(instance::lock(app).await.unwrap(), None);
            town.assert_books().await;
        });
    }

    fn the_operators_first_page_says_that_live_is_locked(world: &World) {
        let wishes = Wishes { mode: Mode::Live, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            let platform = TenantId::platform();
            let olga = Person::new(&town, &platform, Role::Operator, "olga@platform.example").await;
            instance::claim(&town.app, &marker(&[], "here"), "one").await.unwrap();
            assert!(!olga.get("/operator").await.text.contains("LIVE is locked"));
            instance::claim(&town.app, &marker(&["nine"], "here"), "two").await.unwrap();
            for path in ["/operator", "/operator/configuration"] {
                let said = ["LIVE is locked", "restored from a backup", "psa-pay reconcile --since"];
                olga.get(path).await.assert_says(200, &said);
            }
        });
    }

    fn a_locked_copy_took_intents_back_that_payers_of_the_original_were_paying(world: &World) {
        let wishes = Wishes { mode: Mode::Live, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            let app = &town.app;
            let invoice = town.invoice(12_345, "usd").await;
            let other = town.invoice(100, "usd").await;
            let made = town.command(&invoice, "payment-intent").await;
            assert_eq!(made.status, StatusCode::OK, "{}", made.text);
            instance::claim(app, &marker(&[], "here"), "one").await.unwrap();
            let copied = instance::claim(app, &marker(&["nine"], "here"), "two").await.unwrap();
            assert!(copied.is_some());

            let reason = json!({"amount": 100, "reason": "Hours that were not worked"});
            for (what, body) in [
                ("void", Value::Null),
                ("offline-payments", json!({"method": "cash", "amount": 100})),
                ("credit-notes", reason),
            ] {
                let refused = command(&town, &invoice, what, body).await;
                refused.assert_refused(503, "live_locked", None);
            }
            assert_eq!(town.intents()[0]["status"], "requires_payment_method", "it can still be paid");
            let shown = town.read_invoice(&invoice).await;
            assert_eq!((&shown["status"], &shown["amount_due"]), (&json!("open"), &json!(12_345)));
            // Nobody here knows whether it was paid since.
            command(&town, &other, "void", Value::Null).await.assert_refused(503, "live_locked", None);

            let intent = made.body["stripe_payment_intent_id"].as_str().unwrap();
            let (secret, card) = (made.body["client_secret"].as_str().unwrap(), town.typed_token(LIVE_CARD));
            let form = format!("client_secret={secret}&confirmation_token={card}");
            let path = format!("/v1/payment_intents/{intent}/confirm");
            let key = "pk_live_psapay_demo";
            let paid = town.stripe_with(key, "POST", &path, Some(&town.msp.account), &form);
            assert_eq!(paid["status"], "succeeded", "{paid}");
            town.until_invoice(&invoice, "paid").await;
            town.assert_books().await;
        });
    }

    fn a_refund_of_the_dashboard_that_a_copy_finds_was_perhaps_told_of_before(world: &World) {
        Town::run_as(world, Wishes { mode: Mode::Live, ..Wishes::default() }, async |town| {
            let app = &town.app;
            instance::claim(app, &marker(&[], "here"), "one").await.unwrap();
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let card = town.typed_token(LIVE_CARD);
            assert_eq!(town.pay(&link, &card, 12_345, "usd").await.body["status"], "succeeded");
            town.until_invoice(&invoice, "paid").await;
            let copied = instance::claim(app, &marker(&["nine"], "here"), "two").await.unwrap();
            assert!(copied.is_some());

            let intent = town.intents()[0]["id"].as_str().unwrap().to_owned();
            let form = format!("payment_intent={intent}&amount=300");
            let key = "sk_live_psapay_demo";
            let made = town.stripe_with(key, "POST", "/v1/refunds", Some(&town.msp.account), &form);
            assert_eq!(made["status"], "succeeded", "{made}");
            const TOLD: Sql = Sql::new("select count(*) as n from mails where kind = 'refund'");
            const HELD: Sql =
                Sql::new("select count(*) as n from mails where kind = 'refund' and status = 'cancelled'");
            town.until("its notice", async || town.number(&TOLD).await == 1).await;
            assert_eq!(town.number(&HELD).await, 1, "kept, and not sent");
        });
    }

    fn a_copy_that_keeps_its_servers_identity_is_known_by_the_address_that_it_is_used_under(world: &World) {
        Town::run_as(world, Wishes { mode: Mode::Live, ..Wishes::default() }, async |town| {
            let at = |origin: &str| Marker { origin: origin.to_owned(), ..marker(&[], "here") };
            let app = &town.app;
            for origin in ["https://pay.example.com", "https://pay.example.com", ""] {
                assert_eq!(instance::claim(app, &at(origin), "").await.unwrap(), None, "{origin}");
            }
            let staging = instance::claim(app, &at("https://staging.example.com"), "").await.unwrap();
            assert!(staging.is_some_and(|locked| locked.because.contains("another PUBLIC_URL")));
        });
    }

    fn a_crash_at_the_very_first_start_locked_live(world: &World) {
        Town::run_as(world, Wishes { mode: Mode::Live, ..Wishes::default() }, async |town| {
            // The mark was written, and the row was not.
            let cut_off = Marker { first_start: true, ..marker(&["one"], "here") };
            assert_eq!(instance::claim(&town.app, &cut_off, "two").await.unwrap(), None);
            let both = Marker { first_start: true, ..marker(&["one", "two"], "here") };
            assert_eq!(instance::claim(&town.app, &both, "three").await.unwrap(), None, "between the two");
            let restored = instance::claim(&town.app, &both, "four").await.unwrap();
            assert!(restored.is_some(), "the database has another one");
        });
    }

    fn a_server_that_did_not_say_which_database_it_is_let_a_copy_through(world: &World) {
        Town::run_as(world, Wishes { mode: Mode::Live, ..Wishes::default() }, async |town| {
            let claim = async |place| instance::claim(&town.app, &marker(&[], place), "").await.unwrap();
            assert_eq!(claim("server one").await, None, "the first start");
            assert_eq!(claim("server one").await, None);
            let silent = claim("").await.expect("a lock");
            assert!(silent.because.contains("does not say which database it is"), "{}", silent.because);
            let order = order(&town);
            instance::reconciled(&town.app, &By::new(Actor::CommandLine), &order, 0).await.unwrap();
            assert_eq!(claim("server one").await, None, "it says so again");
            assert!(claim("").await.is_some(), "and is compared with what it said, whenever it does not");
        });
    }

    fn a_server_that_never_says_which_database_it_is_is_not_locked_for_that(world: &World) {
        Town::run_as(world, Wishes { mode: Mode::Live, ..Wishes::default() }, async |town| {
            let claim = async |place| instance::claim(&town.app, &marker(&[], place), "").await.unwrap();
            assert_eq!((claim("").await, claim("").await), (None, None));
            assert!(claim("server two").await.is_some(), "but where it is new that it says so");
        });
    }
}
