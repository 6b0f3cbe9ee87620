//! People who try stolen cards on public pay pages: how many of their tries reach Stripe, what they read, and
//! that honest payers elsewhere go on paying.

use flows::proofs::{WORK, proves};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;

use crate::engines::World;
use crate::town::{Reply, Town};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DECLINED: &str = "pm_card_chargeDeclined";
const EXPIRED: &str = "pm_card_chargeDeclinedExpiredCard";
const HONEST: &str = "198.51.100.20";

/// A press on Pay from an address, on a page that was read before.
async fn press(town: &Town, address: &str, link: &str, page: &Value, token: &str) -> Reply {
    let body = json!({"confirmation_token": token, "amount": 12_345, "currency": "usd", "page_token": page});
    let path = format!("/api/public/invoices/{link}/pay");
    town.from(address, Method::POST, &path, body).await
}

/// A payer at an address opens the page, reads it, and pays.
async fn pay_from(town: &Town, address: &str, link: &str, card: &str) -> Reply {
    let page = town.read_page(link).await;
    press(town, address, link, &page, &town.token(card)).await
}

/// Open invoices, by their links.
pub async fn links(town: &Town, count: usize) -> Vec<String> {
    let mut links = Vec::new();
    for _ in 0..count {
        let invoice = town.invoice(12_345, "usd").await;
        links.push(town.link(&invoice).await);
    }
    links
}

/// How many tries reached Stripe: confirmations there, whatever our own rows say.
fn reached(town: &Town) -> usize {
    let confirms = |request: &&Value| {
        let path = request["path"].as_str().unwrap_or_default();
        request["method"] == "POST"
            && path
                .split('?')
                .next()
                .is_some_and(|path| path.ends_with("/confirm"))
    };
    town.requests().iter().filter(confirms).count()
}

/// The number that the work of a page leads to, found as its script finds it.
fn solve(page_token: &Value) -> String {
    let page_token = page_token.as_str().expect("a page token");
    let mut numbers = (0..).map(|number: u32| number.to_string());
    numbers
        .find(|number| proves(WORK, page_token, number).unwrap())
        .expect("numbers do not end")
}

/// Pays with the work that the page asks for.
async fn pay_with_work(town: &Town, link: &str, card: &str) -> (Value, Reply) {
    let page = town.read_page(link).await;
    let body = json!({"confirmation_token": town.token(card), "amount": 12_345, "currency": "usd",
        "page_token": page, "proof": solve(&page)});
    let reply = town.press(link, body.clone()).await;
    (body, reply)
}

/// Twenty-one declined cards, each at an invoice of its own and from an address of its own.
pub async fn one_card_on_many_links(town: &Town, links: &[String]) -> Vec<Reply> {
    let mut replies = Vec::new();
    for (nth, link) in links.iter().enumerate() {
        replies.push(pay_from(town, &format!("198.18.7.{nth}"), link, DECLINED).await);
    }
    replies
}

both! {
    fn of_1700_tries_from_one_address_in_an_hour_ten_reach_stripe_and_a_payer_elsewhere_pays(world: &World) {
        const TRIES: usize = 1_700;
        Town::run(world, async |town| {
            town.clock.stop();
            let links = links(&town, 20).await;
            let honest = town.invoice(12_345, "usd").await;
            let honest_link = town.link(&honest).await;
            let mut pages = Vec::new();
            let mut token = town.token(DECLINED);
            for nth in 0..TRIES {
                if nth % 170 == 0 {
                    pages.clear();
                    for link in &links {
                        pages.push(town.look(link).await.body["page_token"].clone());
                    }
                }
                town.advance_ms(2_100);
                let at = nth % links.len();
                let reply = press(&town, "203.0.113.66", &links[at], &pages[at], &token).await;
                if reply.status == StatusCode::OK {
                    assert_eq!(reply.body["decline"]["code"], "card_declined", "{}", reply.text);
                    token = town.token(DECLINED);
                } else {
                    reply.assert_refused(429, "too_many_attempts", None);
                    assert!(reply.headers.contains_key("retry-after"));
                }
                if nth == TRIES / 2 {
                    let paid = pay_from(&town, HONEST, &honest_link, "pm_card_visa").await;
                    assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
                }
            }
            println!("one address: {TRIES} tries, {} reached Stripe", reached(&town) - 1);
            assert_eq!(reached(&town), 10 + 1);
            town.until_invoice(&honest, "paid").await;
        });
    }

    fn of_500_addresses_on_one_link_five_tries_an_hour_reach_stripe_and_then_its_payer_pays(world: &World) {
        Town::run(world, async |town| {
            town.clock.stop();
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let elsewhere = links(&town, 1).await.remove(0);
            let mut token = town.token(DECLINED);
            let mut page = Value::Null;
            for nth in 0..500 {
                if nth % 100 == 0 {
                    page = town.look(&link).await.body["page_token"].clone();
                }
                town.advance_ms(5_000);
                let address = format!("198.18.{}.{}", nth / 250, nth % 250);
                let reply = press(&town, &address, &link, &page, &token).await;
                if reply.status == StatusCode::OK {
                    token = town.token(DECLINED);
                } else {
                    reply.assert_refused(429, "too_many_attempts", None);
                }
            }
            println!("500 addresses on one link: {} reached Stripe", reached(&town));
            assert_eq!(reached(&town), 5);
            const TOLD: Sql =
                Sql::new("select count(*) as n from audit_log where action = 'invoice.cooling_down'");
            assert_eq!(town.number(&TOLD).await, 1, "the merchant is told once");
            let paid = pay_from(&town, HONEST, &elsewhere, "pm_card_visa").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            town.advance_ms(HOUR_MS);
            let paid = pay_from(&town, HONEST, &link, "pm_card_visa").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            town.until_invoice(&invoice, "paid").await;
        });
    }

    fn one_card_on_many_links_from_many_addresses_makes_pages_ask_for_work_until_it_ends(world: &World) {
        Town::run(world, async |town| {
            town.clock.stop();
            let links = links(&town, 64).await;
            let (tried, free) = links.split_at(60);
            for (nth, reply) in one_card_on_many_links(&town, tried).await.iter().enumerate() {
                if nth < 21 {
                    assert_eq!(reply.body["decline"]["code"], "card_declined", "{nth}: {}", reply.text);
                } else {
                    reply.assert_refused(428, "challenge_required", Some("proof"));
                }
            }
            println!("one card, 60 links, 60 addresses: {} reached Stripe", reached(&town));
            assert_eq!(reached(&town), 21);
            const TOLD: Sql =
                Sql::new("select count(*) as n from audit_log where action = 'payments.guarded'");
            assert_eq!(town.number(&TOLD).await, 1, "the merchant is told once");

            // A payer's page does the work; once for each payment.
            let looked = town.look(&free[0]).await;
            assert_eq!(looked.body["work"], json!({"rounds": WORK.rounds, "bits": WORK.bits}));
            let (mut sent, paid) = pay_with_work(&town, &free[0], "pm_card_visa").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            let repeated = town.press(&free[0], sent.clone()).await;
            assert_eq!(repeated.body["status"], "succeeded", "{}", repeated.text);

            let (declined_with, declined) = pay_with_work(&town, &free[1], EXPIRED).await;
            assert_eq!(declined.body["decline"]["code"], "card_declined", "{}", declined.text);
            sent = declined_with;
            sent["confirmation_token"] = town.token("pm_card_visa").into();
            let used = town.press(&free[1], sent.clone()).await;
            used.assert_refused(428, "challenge_required", Some("proof"));
            for wrong in ["", "x", "99999999999"] {
                sent["page_token"] = town.read_page(&free[1]).await;
                sent["proof"] = wrong.into();
                let refused = town.press(&free[1], sent.clone()).await;
                refused.assert_refused(428, "challenge_required", Some("proof"));
            }

            // Once nobody tries cards any more, the work is over.
            town.advance_ms(41 * MINUTE_MS);
            assert_eq!(town.look(&free[2]).await.body["work"], Value::Null);
            let paid = pay_from(&town, HONEST, &free[2], "pm_card_visa").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            let expired = pay_from(&town, HONEST, &free[3], EXPIRED).await;
            assert_eq!(expired.body["decline"]["code"], "expired_card", "{}", expired.text);
        });
    }

    fn other_tenants_do_not_notice_that_one_is_guarded(world: &World) {
        Town::run(world, async |town| {
            let links = links(&town, 22).await;
            let replies = one_card_on_many_links(&town, &links).await;
            replies[21].assert_refused(428, "challenge_required", Some("proof"));
            let other = town.add_msp("Southwind", "usd").await;
            let invoice = town.invoice_of(&other, 12_345, "usd").await;
            let path = format!("/api/invoices/{invoice}/pay-link");
            let made = town.api(&other.key, Method::POST, &path, Value::Null).await;
            let link = made.body["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            assert_eq!(town.look(&link).await.body["work"], Value::Null);
            let page = town.read_page(&link).await;
            let token = town.token_of(&other, "pm_card_visa");
            let paid = press(&town, HONEST, &link, &page, &token).await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
        });
    }

    fn an_invoice_takes_five_failed_cards_an_hour_and_ten_a_day(world: &World) {
        Town::run(world, async |town| {
            town.clock.stop();
            let link = links(&town, 1).await.remove(0);
            for (hour, tries) in [5, 5, 0, 0].into_iter().enumerate() {
                for nth in 0..tries {
                    let declined = town.pay(&link, &town.token(DECLINED), 12_345, "usd").await;
                    assert_eq!(declined.status, StatusCode::OK, "{hour}/{nth}: {}", declined.text);
                }
                let held = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
                held.assert_refused(429, "too_many_attempts", None);
                let wait_s: i64 = held.headers["retry-after"].to_str().unwrap().parse().unwrap();
                assert_eq!(held.body["retry_after"], wait_s);
                let expected = if hour == 0 { 0..=3_600 } else { 3_600..=24 * 3_600 };
                assert!(expected.contains(&wait_s), "{hour}: {wait_s}");
                assert!(held.text.contains("Nothing was charged."), "{}", held.text);
                town.advance_ms(HOUR_MS);
            }
            assert_eq!(reached(&town), 10);
            town.advance_ms(21 * HOUR_MS);
            let paid = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
        });
    }

    fn neighbours_in_one_ipv6_network_share_a_limit_and_instances_share_their_counts(world: &World) {
        Town::run(world, async |town| {
            let second = town.again(world).await;
            let links = links(&town, 14).await;
            for (nth, link) in links.iter().enumerate().take(12) {
                let instance = if nth % 2 == 0 { &town } else { &second };
                let reply = pay_from(instance, &format!("2001:db8:1:2::{nth}"), link, "pm_card_visa").await;
                match nth {
                    0..10 => assert_eq!(reply.body["status"], "succeeded", "{nth}: {}", reply.text),
                    _ => reply.assert_refused(429, "too_many_attempts", None),
                }
            }
            let next_door = pay_from(&town, "2001:db8:1:3::1", &links[12], "pm_card_visa").await;
            assert_eq!(next_door.body["status"], "succeeded", "{}", next_door.text);
        });
    }
}
