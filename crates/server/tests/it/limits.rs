//! What is limited besides card testing: page tokens, guesses at links and keys, looks at Stripe, and how
//! fast one API key may ask.

use flows::limits::remove_old;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::demo::TEST_WEBHOOK_SECRET;
use store::Sql;

use crate::engines::World;
use crate::town::{Reply, Town, Wishes};

const GUESSER: &str = "203.0.113.9";

/// A link of the right shape that nobody made.
fn guess(nth: usize) -> String {
    format!("{nth:026}{nth:040x}")
}

async fn guess_at(town: &Town, address: &str, link: &str) -> Reply {
    let path = format!("/api/public/invoices/{link}");
    town.from(address, Method::GET, &path, Value::Null).await
}

/// Lists invoices with something that is no key.
async fn wrong_key(town: &Town, address: &str) -> Reply {
    town.from(address, Method::GET, "/api/invoices", Value::Null)
        .await
}

/// How often psa-pay has read an intent at Stripe.
fn retrieves(town: &Town) -> usize {
    let reads = |request: &&Value| {
        let path = request["path"].as_str().unwrap_or_default();
        request["method"] == "GET" && path.starts_with("/v1/payment_intents/pi_")
    };
    town.requests().iter().filter(reads).count()
}

both! {
    fn only_a_page_that_was_served_for_this_link_and_read_begins_a_payment(world: &World) {
        Town::run(world, async |town| {
            town.clock.stop();
            let (invoice, other) = (town.invoice(12_345, "usd").await, town.invoice(12_345, "usd").await);
            let (link, other_link) = (town.link(&invoice).await, town.link(&other).await);
            let press = async |page: Value| {
                let token = town.token("pm_card_visa");
                let body = json!({"confirmation_token": token, "amount": 12_345, "currency": "usd",
                    "page_token": page});
                town.press(&link, body).await
            };
            let foreign = town.read_page(&other_link).await;
            let page = town.look(&link).await.body["page_token"].clone();
            let text = page.as_str().unwrap();
            let older = format!("2{}", &text[1..]);
            let cut = text[..text.len() - 1].to_owned();
            for wrong in [json!(null), json!(""), json!("-"), json!("1-2-3"), json!(older), json!(cut),
                json!("x".repeat(5_000)), json!(format!("{text}0")), foreign]
            {
                let refused = press(wrong.clone()).await;
                refused.assert_refused(422, "page_token_required", Some("page_token"));
            }
            for age_ms in [0, 1_999] {
                town.advance_ms(age_ms);
                let soon = press(page.clone()).await;
                soon.assert_refused(429, "too_soon", Some("page_token"));
                assert_eq!(soon.headers["retry-after"], "2");
            }
            town.advance_ms(30 * 60_000 - 1_999 + 1);
            press(page.clone()).await.assert_refused(409, "page_expired", Some("page_token"));
            assert!(town.intents().is_empty(), "nothing has reached Stripe");
            // The page that the payer sees carries one as well, and it works to its last millisecond.
            let shown = town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await.text;
            let (_, rest) = shown.split_once("data-page-token=\"").expect("a token in the page");
            let page = json!(rest.split('"').next().unwrap());
            town.advance_ms(30 * 60_000);
            let paid = press(page).await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
        });
    }

    fn a_rotated_link_makes_the_pages_of_the_old_one_useless(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let page = town.read_page(&town.link(&invoice).await).await;
            let link = town.link(&invoice).await;
            let body = json!({"confirmation_token": town.token("pm_card_visa"), "amount": 12_345,
                "currency": "usd", "page_token": page});
            town.press(&link, body).await.assert_refused(422, "page_token_required", Some("page_token"));
        });
    }

    fn who_guesses_links_gets_sixty_answers_a_minute_and_others_are_not_disturbed(world: &World) {
        Town::run(world, async |town| {
            town.clock.stop();
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let mut missed = Vec::new();
            for nth in 0..60 {
                let reply = guess_at(&town, GUESSER, &guess(nth)).await;
                reply.assert_refused(404, "not_found", None);
                missed.push(reply.text);
            }
            missed.dedup();
            assert_eq!(missed.len(), 1);
            // Whatever is asked for now, be it a link or none, a page or its data: the same answer.
            let truncated = link[..40].to_owned();
            let mut answers = Vec::new();
            for asked in [guess(60), guess(61), truncated, "x".to_owned(), link.clone()] {
                let reply = guess_at(&town, GUESSER, &asked).await;
                reply.assert_refused(429, "rate_limited", None);
                assert_eq!(reply.headers["retry-after"], "60");
                answers.push(reply.text);
            }
            answers.dedup();
            assert_eq!(answers.len(), 1, "{answers:?}");
            let page = town.from(GUESSER, Method::GET, &format!("/pay/{link}"), Value::Null).await;
            assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
            assert!(page.text.contains("<h1>Too many requests</h1>"), "{}", page.text);
            assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
            assert_eq!(page.headers["retry-after"], "60");
            assert_eq!(guess_at(&town, "203.0.113.10", &link).await.body["state"], "pay");
            town.advance_ms(60_000);
            assert_eq!(guess_at(&town, GUESSER, &link).await.body["state"], "pay");
        });
    }

    fn who_guesses_keys_gets_twenty_answers_a_minute_and_locks_nobody_else_out(world: &World) {
        Town::run(world, async |town| {
            town.clock.stop();
            for _ in 0..20 {
                wrong_key(&town, GUESSER).await.assert_refused(401, "unauthorized", None);
            }
            wrong_key(&town, GUESSER).await.assert_refused(429, "rate_limited", None);
            let list = town.api(&town.msp.key, Method::GET, "/api/invoices", Value::Null).await;
            assert_eq!(list.status, StatusCode::OK, "{}", list.text);
            wrong_key(&town, "203.0.113.10").await.assert_refused(401, "unauthorized", None);
            // Links are another matter, and so are webhooks.
            guess_at(&town, GUESSER, &guess(1)).await.assert_refused(404, "not_found", None);
            town.advance_ms(60_000);
            wrong_key(&town, GUESSER).await.assert_refused(401, "unauthorized", None);
        });
    }

    fn signed_webhooks_are_never_limited(world: &World) {
        Town::run_as(world, Wishes { worker: false, ..Wishes::default() }, async |town| {
            town.clock.stop();
            for nth in 0..300 {
                let event = json!({"id": format!("evt_many_{nth}"), "object": "event",
                    "type": "customer.created", "api_version": "2025-10-29.clover",
                    "created": town.clock.now_s(), "livemode": false,
                    "data": {"object": {"id": "cus_1", "object": "customer"}}});
                let delivered = town.deliver_signed(TEST_WEBHOOK_SECRET, event.to_string().as_bytes()).await;
                assert_eq!(delivered.status, StatusCode::OK, "{nth}: {}", delivered.text);
            }
        });
    }

    fn one_key_has_two_hundred_requests_at_once_and_other_keys_have_their_own(world: &World) {
        Town::run(world, async |town| {
            let other = town.add_msp("Southwind", "usd").await;
            town.advance_ms(10_000);
            town.clock.stop();
            let ask = async |key: &str| town.api(key, Method::GET, "/api/clients", Value::Null).await;
            for nth in 0..200 {
                assert_eq!(ask(&town.msp.key).await.status, StatusCode::OK, "{nth}");
            }
            let fast = ask(&town.msp.key).await;
            fast.assert_refused(429, "rate_limited", None);
            assert_eq!(fast.headers["retry-after"], "1");
            assert_eq!(ask(&other.key).await.status, StatusCode::OK);
            town.advance_ms(10);
            assert_eq!(ask(&town.msp.key).await.status, StatusCode::OK);
            ask(&town.msp.key).await.assert_refused(429, "rate_limited", None);
        });
    }

    fn a_page_that_asks_all_the_time_makes_us_ask_stripe_three_times_in_ten_seconds(world: &World) {
        let wishes = Wishes { deliveries: false, worker: false, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            town.clock.stop();
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let asked = town.pay(&link, &town.token("pm_card_authenticationRequired"), 12_345, "usd").await;
            assert_eq!(asked.body["status"], "requires_action", "{}", asked.text);
            let intent = town.intents()[0]["id"].as_str().unwrap().to_owned();
            let before = retrieves(&town);
            for nth in 0..50 {
                let checked = town.check(&link).await;
                assert_eq!(checked.body["status"], "requires_action", "{}", checked.text);
                assert_eq!(checked.body["client_secret"].is_string(), nth < 3, "{nth}: {}", checked.text);
            }
            assert_eq!(retrieves(&town) - before, 3);
            town.challenge(&intent, "complete");
            town.advance_ms(10_000);
            let checked = town.check(&link).await;
            assert_eq!(checked.body["status"], "succeeded", "{}", checked.text);
            assert_eq!(checked.body["client_secret"], Value::Null, "no secret after success");
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
        });
    }

    fn counts_that_no_longer_count_are_removed_and_hold_no_address(world: &World) {
        Town::run_as(world, Wishes { worker: false, ..Wishes::default() }, async |town| {
            const ROWS: Sql = Sql::new("select count(*) as n from rate_limits");
            const ADDRESSES: Sql = Sql::new(
                "select count(*) as n from rate_limits where bucket like '%203%113%'
                   or id like '%203.0.113%'",
            );
            for nth in 0..5 {
                guess_at(&town, GUESSER, &guess(nth)).await.assert_refused(404, "not_found", None);
            }
            remove_old(&town.app).await.unwrap();
            assert_eq!((town.number(&ROWS).await, town.number(&ADDRESSES).await), (5, 0));
            town.advance_ms(60_000);
            remove_old(&town.app).await.unwrap();
            assert_eq!(town.number(&ROWS).await, 0);
        });
    }
}
