//! A tenant disconnects its account, or its owner does so at Stripe, at any moment: new payments stop,
//! nothing is forgotten, nothing is tried for ever, and connecting again goes on where it stopped.

use flows::{reconcile, stripe_events};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::demo::TEST_WEBHOOK_SECRET;
use store::Sql;

use crate::connecting::{newcomer, status};
use crate::engines::World;
use crate::oauth::{agree, let_in, noted, shop};
use crate::town::{Msp, Reply, Town, Wishes};

const DISCONNECT: &str = "/api/stripe/connect/disconnect";
const ACCOUNT: &str = "/api/stripe/connect/account";
const AUTHORIZE: &str = "/api/stripe/connect/oauth/authorize";
const MINUTE_MS: i64 = 60_000;
const BREAKS: Sql = Sql::new(
    "select count(*) as n from reconciliation_breaks
     where kind = 'payments_unreachable' and resolved_at is null",
);
const WAITING: Sql =
    Sql::new("select count(*) as n from stripe_webhook_events where next_attempt_at is not null");
const OPEN: Sql = Sql::new("select count(*) as n from stripe_operations where status in ('sent', 'unknown')");

/// Nothing is delivered and nothing works by itself.
fn by_hand() -> Wishes {
    Wishes {
        deliveries: false,
        worker: false,
        ..Wishes::default()
    }
}

async fn disconnect(town: &Town, msp: &Msp) -> Reply {
    let body = json!({"confirm": msp.account});
    town.api(&msp.key, Method::POST, DISCONNECT, body).await
}

/// Whether Stripe still gives us the account.
fn reachable(town: &Town, msp: &Msp) -> bool {
    let path = format!("/v1/accounts/{}", msp.account);
    town.stripe("GET", &path, None, "")["error"].is_null()
}

/// The owner takes the access away at Stripe.
pub fn deauthorize(town: &Town, msp: &Msp) {
    let client = town
        .site
        .config
        .test
        .as_ref()
        .and_then(|keys| keys.client_id.clone())
        .unwrap();
    let form = format!("client_id={client}&stripe_user_id={}", msp.account);
    let ended = town.stripe("POST", "/oauth/deauthorize", None, &form);
    assert_eq!(ended["stripe_user_id"], msp.account.as_str(), "{ended}");
}

/// What Stripe tells of an access that ended, or was given.
fn told(msp: &Msp, type_: &str, nth: usize) -> String {
    let event = json!({"id": format!("evt_{type_}_{nth}").replace('.', "_"), "object": "event",
        "account": msp.account, "api_version": "2026-10-28.endive", "created": 1_763_900_000,
        "data": {"object": {"id": "ca_1", "object": "application", "name": "psa-pay"}},
        "livemode": false, "pending_webhooks": 1, "request": {"id": null, "idempotency_key": null},
        "type": type_});
    event.to_string()
}

async fn tell(town: &Town, body: &str) {
    let reply = town.deliver_signed(TEST_WEBHOOK_SECRET, body.as_bytes()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
}

/// Applies what is there and looks at what is due, over the waits between.
async fn work_off(town: &Town) {
    for _ in 0..6 {
        for event in stripe_events::take(&town.app, 1_000).await.unwrap() {
            stripe_events::apply(&town.app, &event).await.unwrap();
        }
        reconcile::run(&town.app).await.unwrap();
        town.advance_ms(10 * MINUTE_MS);
    }
    assert_eq!(town.number(&WAITING).await, 0, "an event waits");
    assert_eq!(town.number(&OPEN).await, 0, "an operation is open");
}

/// How often psa-pay has asked Stripe about the town's account.
fn requests_about(town: &Town) -> usize {
    let account = town.msp.account.as_str();
    let sent = town.requests();
    let about = |request: &&Value| {
        request["account"] == account
            || request["path"]
                .as_str()
                .is_some_and(|path| path.contains(account))
    };
    sent.iter().filter(about).count()
}

async fn payments(town: &Town) -> Vec<Value> {
    let list = town
        .api(&town.msp.key, Method::GET, "/api/payments", Value::Null)
        .await;
    list.body["data"].as_array().unwrap().clone()
}

/// How far a payment has come when the access ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Nothing,
    PageOpened,
    IntentMade,
    BankAsked,
    BankAnswered,
    AnswerLost,
    Paid,
}

const STEPS: [Step; 7] = [
    Step::Nothing,
    Step::PageOpened,
    Step::IntentMade,
    Step::BankAsked,
    Step::BankAnswered,
    Step::AnswerLost,
    Step::Paid,
];

/// Brings a payment of 123.45 USD to a step; answers the link.
async fn bring_to(town: &Town, step: Step) -> String {
    let invoice = town.invoice(12_345, "usd").await;
    let link = town.link(&invoice).await;
    let card = match step {
        Step::BankAsked | Step::BankAnswered => "pm_card_threeDSecure2Required",
        _ => "pm_card_visa",
    };
    let pay = async || {
        let token = town.token(card);
        town.pay(&link, &token, 12_345, "usd").await.body["status"].clone()
    };
    match step {
        Step::Nothing => {}
        Step::PageOpened => assert_eq!(town.look(&link).await.body["state"], "pay"),
        Step::IntentMade => {
            let made = town.command(&invoice, "payment-intent").await;
            assert_eq!(made.status, StatusCode::OK, "{}", made.text);
        }
        Step::BankAsked => assert_eq!(pay().await, "requires_action"),
        Step::BankAnswered => {
            assert_eq!(pay().await, "requires_action");
            let intent = town.intents()[0]["id"].as_str().unwrap().to_owned();
            let path = format!("/_simulator/payment_intents/{intent}/challenge");
            let body = json!({"outcome": "complete", "account": town.msp.account, "livemode": false});
            town.control("POST", &path, body);
        }
        Step::AnswerLost => {
            let fault = json!({"method": "POST", "path": "/confirm", "effect": "lose_answer", "count": 50});
            town.control("POST", "/_simulator/faults", fault);
            assert_eq!(pay().await, "checking");
            town.control("DELETE", "/_simulator/faults", Value::Null);
        }
        Step::Paid => assert_eq!(pay().await, "succeeded"),
    }
    link
}

/// Whether only its owner can see what became of the payment of a step.
const fn is_in_flight(step: Step) -> bool {
    match step {
        Step::Nothing | Step::PageOpened => false,
        // Paid, but for Stripe's fee, which nobody has told yet.
        Step::IntentMade | Step::BankAsked | Step::BankAnswered | Step::AnswerLost | Step::Paid => true,
    }
}

/// Ends the access at a step, tells of it, and holds that nothing is lost and nothing goes on for ever; then
/// the owner lets us in again, and all comes right.
async fn end_access_at(town: &Town, step: Step, nth: usize) {
    let link = bring_to(town, step).await;
    let charged = town.charges().len();
    deauthorize(town, &town.msp);
    tell(town, &told(&town.msp, "account.application.deauthorized", nth)).await;
    work_off(town).await;

    assert_eq!(
        status(town, &town.msp.key).await["status"],
        "disconnected",
        "{step:?}"
    );
    let state = town.look(&link).await.body["state"].clone();
    // Nobody reads that nothing was charged where it may have been.
    let expected = match step {
        Step::Paid => "paid",
        Step::Nothing | Step::PageOpened => "unavailable",
        Step::IntentMade | Step::BankAsked | Step::BankAnswered | Step::AnswerLost => "in_progress",
    };
    assert_eq!(state, expected, "{step:?}");
    if step != Step::Paid {
        let refused = town.pay(&link, "ctoken_none", 12_345, "usd").await;
        refused.assert_refused(409, "payments_unavailable", None);
    }
    let seen = payments(town).await;
    assert_eq!(
        seen.iter().any(|payment| payment["check_stripe"] == true),
        is_in_flight(step),
        "{step:?}"
    );
    assert!(
        seen.iter().all(|payment| payment["status"] != "failed"),
        "{step:?}: {seen:?}"
    );
    assert_eq!(
        town.number(&BREAKS).await,
        i64::from(is_in_flight(step)),
        "{step:?}"
    );
    let asked = requests_about(town);
    work_off(town).await;
    assert_eq!(requests_about(town), asked, "{step:?}: Stripe is asked for ever");
    town.assert_books().await;

    assert_eq!(
        let_in(town, &town.msp.key, Some(&town.msp.account)).await,
        town.msp.account
    );
    work_off(town).await;
    assert_eq!(town.number(&BREAKS).await, 0, "{step:?}: it was read");
    assert!(
        payments(town)
            .await
            .iter()
            .all(|payment| payment["check_stripe"] == false),
        "{step:?}"
    );
    assert_eq!(town.charges().len(), charged, "{step:?}");
    let state = town.look(&link).await.body["state"].clone();
    assert_eq!(state == "paid", charged == 1, "{step:?}: {state}");
    if charged == 0 && step != Step::BankAsked {
        let paid = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
        assert_eq!(paid.body["status"], "succeeded", "{step:?}: {}", paid.text);
        assert_eq!(town.charges().len(), 1, "{step:?}");
    }
    town.assert_books().await;
}

both! {
    fn an_account_given_by_its_owner_is_let_go_and_comes_back(world: &World) {
        Town::run(world, async |mut town| {
            town.msp = shop(&town, "Corner Shop", None).await;
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            for confirm in [json!({}), json!({"confirm": 1}), json!({"confirm": "x", "all": true})] {
                let refused = town.api(&town.msp.key, Method::POST, DISCONNECT, confirm).await;
                assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
            }
            let other = json!({"confirm": "acct_1"});
            let refused = town.api(&town.msp.key, Method::POST, DISCONNECT, other).await;
            refused.assert_refused(422, "invalid_field", Some("confirm"));
            assert_eq!(town.look(&link).await.body["state"], "pay");

            let done = disconnect(&town, &town.msp).await;
            assert_eq!(done.status, StatusCode::OK, "{}", done.text);
            assert_eq!(done.body["access"], "ended");
            assert!(!reachable(&town, &town.msp));
            assert_eq!(disconnect(&town, &town.msp).await.body["access"], "ended", "done again");
            assert_eq!(status(&town, &town.msp.key).await["status"], "disconnected");
            assert_eq!(town.look(&link).await.body["state"], "unavailable");
            let page = town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await;
            assert!(page.text.contains("Corner Shop"), "the page says whose it is: {}", page.text);
            let refused = town.pay(&link, "ctoken_none", 12_345, "usd").await;
            refused.assert_refused(409, "payments_unavailable", None);
            town.until_quiet().await;

            // Nobody else gets it meanwhile.
            let (_, key) = newcomer(&town, "Somebody Else").await;
            let asked = town.api(&key, Method::GET, AUTHORIZE, Value::Null).await;
            let state = asked.body["url"].as_str().unwrap().split("state=").nth(1).unwrap();
            let state = state.split('&').next().unwrap().to_owned();
            let (_, code) = agree(&town, Some(&town.msp.account));
            let path = format!("/connect/oauth/callback?code={code}&state={state}");
            let taken = town.public(Method::GET, &path, Value::Null).await;
            assert_eq!(taken.status, StatusCode::CONFLICT, "{}", taken.text);

            let_in(&town, &town.msp.key, Some(&town.msp.account)).await;
            assert_eq!(status(&town, &town.msp.key).await["status"], "ready");
            let paid = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            town.until_quiet().await;
            assert_eq!(status(&town, &town.msp.key).await["status"], "ready", "a late event changes nothing");
            town.assert_nothing_open().await;
            town.assert_books().await;
            let noted = noted(&town, &town.msp.scope).await;
            for action in ["account.disconnected", "account.connected_again"] {
                assert!(noted.contains(&action.to_owned()), "{action}: {noted:?}");
            }
        });
    }

    fn an_account_that_we_made_is_kept_and_takes_no_new_payments(world: &World) {
        Town::run(world, async |town| {
            let paid = town.invoice(5_000, "usd").await;
            let paid_link = town.link(&paid).await;
            town.pay(&paid_link, &town.token("pm_card_visa"), 5_000, "usd").await;
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let done = disconnect(&town, &town.msp).await;
            assert_eq!(done.status, StatusCode::OK, "{}", done.text);
            assert_eq!(done.body["access"], "kept");
            assert!(reachable(&town, &town.msp), "Stripe keeps it");
            town.until_quiet().await;
            assert_eq!(status(&town, &town.msp.key).await["status"], "disconnected");
            assert_eq!(town.look(&link).await.body["state"], "unavailable");
            assert_eq!(town.look(&paid_link).await.body["state"], "paid", "history stays");
            assert!(payments(&town).await.iter().all(|payment| payment["check_stripe"] == false));

            let again = town.api(&town.msp.key, Method::POST, ACCOUNT, json!({})).await;
            assert_eq!(again.status, StatusCode::OK, "{}", again.text);
            assert_eq!(again.body["stripe_account_id"], town.msp.account.as_str());
            assert_eq!(again.body["status"], "ready");
            let paid = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            town.until_quiet().await;
            town.assert_books().await;
        });
    }

    fn another_account_only_for_a_tenant_that_took_no_payment(world: &World) {
        Town::run_as(world, Wishes { deliveries: false, ..Wishes::default() }, async |mut town| {
            town.msp = shop(&town, "Corner Shop", None).await;
            disconnect(&town, &town.msp).await;
            let second = let_in(&town, &town.msp.key, None).await;
            assert_ne!(second, town.msp.account);
            town.msp.account = second;
            assert_eq!(status(&town, &town.msp.key).await["stripe_account_id"], town.msp.account.as_str());
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let paid = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);

            disconnect(&town, &town.msp).await;
            let asked = town.api(&town.msp.key, Method::GET, AUTHORIZE, Value::Null).await;
            let state = asked.body["url"].as_str().unwrap().split("state=").nth(1).unwrap();
            let state = state.split('&').next().unwrap().to_owned();
            let (_, code) = agree(&town, None);
            let path = format!("/connect/oauth/callback?code={code}&state={state}");
            let third = town.public(Method::GET, &path, Value::Null).await;
            assert_eq!(third.status, StatusCode::CONFLICT, "{}", third.text);
            assert_eq!(status(&town, &town.msp.key).await["stripe_account_id"], town.msp.account.as_str());
        });
    }

    fn an_end_that_stripe_does_not_confirm_is_in_doubt_and_found_out(world: &World) {
        Town::run_as(world, by_hand(), async |mut town| {
            town.msp = shop(&town, "Corner Shop", None).await;
            let fault = json!({"method": "POST", "path": "/oauth/deauthorize", "effect": "lose_answer",
                "count": 2});
            town.control("POST", "/_simulator/faults", fault);
            let done = disconnect(&town, &town.msp).await;
            assert_eq!(done.status, StatusCode::ACCEPTED, "{}", done.text);
            assert_eq!(done.body["access"], "in_doubt");
            assert_eq!(status(&town, &town.msp.key).await["status"], "disconnected", "at once");
            work_off(&town).await;
            assert_eq!(disconnect(&town, &town.msp).await.body["access"], "ended");

            // What is under way to Stripe does not take away what the owner gives anew.
            let_in(&town, &town.msp.key, Some(&town.msp.account)).await;
            let fault = json!({"method": "POST", "path": "/oauth/deauthorize", "effect": "lose_answer",
                "count": 1});
            town.control("POST", "/_simulator/faults", fault);
            disconnect(&town, &town.msp).await;
            let_in(&town, &town.msp.key, Some(&town.msp.account)).await;
            work_off(&town).await;
            assert!(reachable(&town, &town.msp));
            assert_eq!(status(&town, &town.msp.key).await["status"], "ready");
        });
    }

    fn events_about_access_in_any_order_end_with_what_is_true(world: &World) {
        Town::run_as(world, by_hand(), async |mut town| {
            let (ended, given) = ("account.application.deauthorized", "account.application.authorized");
            let mut nth = 0;
            for gone in [true, false] {
                for order in [[ended, given], [given, ended], [ended, ended]] {
                    town.msp = shop(&town, "Corner Shop", None).await;
                    if gone {
                        deauthorize(&town, &town.msp);
                    }
                    for type_ in order {
                        nth += 1;
                        tell(&town, &told(&town.msp, type_, nth)).await;
                    }
                    tell(&town, &told(&town.msp, "account.updated", nth)).await;
                    work_off(&town).await;
                    let expected = if gone { "disconnected" } else { "ready" };
                    let now = status(&town, &town.msp.key).await;
                    assert_eq!(now["status"], expected, "{order:?}, gone: {gone}");
                }
            }
        });
    }

    fn an_access_that_ends_between_any_two_steps_of_a_payment_loses_nothing(world: &World) {
        Town::run_as(world, by_hand(), async |mut town| {
            for (nth, step) in STEPS.into_iter().enumerate() {
                town.msp = shop(&town, "Corner Shop", None).await;
                end_access_at(&town, step, nth).await;
            }
        });
    }

    fn many_payments_on_a_lost_account_are_one_thing_to_look_at(world: &World) {
        const SAID: Sql = Sql::new(
            "select subject_id, detail from reconciliation_breaks
             where kind = 'payments_unreachable' and resolved_at is null",
        );
        Town::run_as(world, by_hand(), async |mut town| {
            town.msp = shop(&town, "Corner Shop", None).await;
            for _ in 0..3 {
                let link = town.link(&town.invoice(12_345, "usd").await).await;
                let declined = town.pay(&link, &town.token("pm_card_chargeDeclined"), 12_345, "usd").await;
                assert_eq!(declined.body["status"], "requires_payment_method", "{}", declined.text);
            }
            deauthorize(&town, &town.msp);
            tell(&town, &told(&town.msp, "account.application.deauthorized", 1)).await;
            work_off(&town).await;
            let rows = town.rows(&SAID).await;
            assert_eq!(rows.len(), 1, "{rows:?}");
            assert_eq!(rows[0].text("subject_id").unwrap(), town.msp.account);
            let detail = rows[0].text("detail").unwrap();
            assert!(detail.starts_with(&format!("3 payments on {}", town.msp.account)), "{detail}");

            let_in(&town, &town.msp.key, Some(&town.msp.account)).await;
            work_off(&town).await;
            assert_eq!(town.number(&BREAKS).await, 0);
        });
    }
}
