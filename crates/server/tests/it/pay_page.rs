//! The pay page in a real browser: what a payer sees and does, from the link to "Paid".

use std::path::{Path, PathBuf};

use fantoccini::key::Key;
use serde_json::{Value, json};
use store::Sql;

use crate::browser::{Browser, Scheme};
use crate::card_testing::{links, one_card_on_many_links};
use crate::engines::World;
use crate::town::{Town, Wishes};
use domain::Mode;

const CARD_FRAME: &str = "psapay-sim-payment";
const BANK_FRAME: &str = "psapay-sim-challenge";
const GOOD: &str = "4242424242424242";
const DECLINED: &str = "4000000000000002";
const THREE_D_SECURE: &str = "4000002500003155";
const LIVE_CARD: &str = "4000009900000004";

/// Opens an invoice's page in a browser; nothing to do where there is no browser.
async fn visit(town: &Town, amount: i64) -> Option<(Browser, String, String)> {
    let invoice = town.invoice(amount, "usd").await;
    let link = town.link(&invoice).await;
    let browser = Browser::open().await?;
    browser.goto(&town.site.pay_url(&link)).await;
    Some((browser, invoice, link))
}

/// Types a card into Stripe's frame.
async fn enter_card(browser: &Browser, number: &str) {
    browser.wait_for("#submit:not([disabled])").await;
    browser.enter_frames(&[CARD_FRAME]).await;
    browser.fill("input[name=number]", number).await;
    browser.fill("input[name=expiry]", "1234").await;
    browser.fill("input[name=cvc]", "123").await;
    browser.to_top().await;
}

async fn pay_with(browser: &Browser, number: &str) {
    enter_card(browser, number).await;
    browser.click("#submit").await;
}

/// Where the pictures of a run are, to be looked at.
fn picture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("pictures")
        .join(format!("{name}.png"))
}

async fn assert_clean(browser: &Browser) {
    assert_eq!(
        browser.violations().await,
        Vec::<String>::new(),
        "the page breaks its own content policy"
    );
    assert_eq!(
        browser.errors().await,
        Vec::<String>::new(),
        "the page's script failed"
    );
}

/// As [`assert_clean`], where the server refused a press: the browser writes that down by itself.
async fn assert_clean_but_refused(browser: &Browser) {
    assert_eq!(browser.violations().await, Vec::<String>::new());
    let mut errors = browser.errors().await;
    errors
        .retain(|error| !(error.contains("/pay - Failed to load resource") && error.contains("status of 4")));
    assert_eq!(errors, Vec::<String>::new(), "the page's script failed");
}

both! {
    fn a_payer_pays_with_4242_and_reads_paid(world: &World) {
        Town::run(world, async |town| {
            let Some((browser, invoice, _)) = visit(&town, 12_345).await else { return };
            browser.wait_for_text("#panel", "$123.45").await;
            browser.wait_for_text("body", "TEST").await;
            pay_with(&browser, GOOD).await;
            let paid = browser.wait_for_text("#panel", "ending in 4242").await;
            assert!(paid.contains("Paid") && paid.contains("$123.45"), "{paid}");
            town.until_invoice(&invoice, "paid").await;
            town.until_quiet().await;
            town.assert_books().await;
            assert_eq!(town.charges().len(), 1);
            browser.reload().await;
            browser.wait_for_text("#panel", "ending in 4242").await;
            assert_clean(&browser).await;
        });
    }

    fn a_declined_card_says_why_and_the_next_card_pays_the_same_intent(world: &World) {
        Town::run(world, async |town| {
            let Some((browser, invoice, _)) = visit(&town, 12_345).await else { return };
            pay_with(&browser, DECLINED).await;
            let said = browser.wait_for_text("#message", "card").await;
            assert!(said.to_lowercase().contains("declined"), "{said}");
            pay_with(&browser, GOOD).await;
            browser.wait_for_text("#panel", "ending in 4242").await;
            town.until_invoice(&invoice, "paid").await;
            const INTENTS: Sql = Sql::new("select count(*) as n from payments where declines = 1");
            assert_eq!(town.number(&INTENTS).await, 1);
            let intents = town.stripe("GET", "/v1/payment_intents", Some(&town.msp.account), "");
            assert_eq!(intents["data"].as_array().map(Vec::len), Some(1));
            assert_clean(&browser).await;
        });
    }

    fn three_d_secure_is_completed_and_the_page_shows_what_the_server_verified(world: &World) {
        Town::run(world, async |town| {
            let Some((browser, invoice, _)) = visit(&town, 12_345).await else { return };
            pay_with(&browser, THREE_D_SECURE).await;
            browser.enter_frames(&[BANK_FRAME]).await;
            browser.click("#test-source-authorize-3ds").await;
            browser.to_top().await;
            browser.wait_for_text("#panel", "ending in 3155").await;
            town.until_invoice(&invoice, "paid").await;
            assert_eq!(town.charges().len(), 1);
            assert_clean(&browser).await;
        });
    }
}

fn on_sqlite(test: impl AsyncFnOnce(Town)) {
    Town::run(&World::sqlite(), test);
}

#[test]
fn a_failed_three_d_secure_check_leaves_the_form_for_another_card() {
    on_sqlite(async |town| {
        let Some((browser, invoice, _)) = visit(&town, 12_345).await else {
            return;
        };
        pay_with(&browser, THREE_D_SECURE).await;
        browser.enter_frames(&[BANK_FRAME]).await;
        browser.click("#test-source-fail-3ds").await;
        browser.to_top().await;
        browser.wait_for_text("#message", "bank").await;
        assert!(town.charges().is_empty());
        pay_with(&browser, GOOD).await;
        browser.wait_for_text("#panel", "ending in 4242").await;
        town.until_invoice(&invoice, "paid").await;
        assert_eq!(town.charges().len(), 1);
        assert_clean(&browser).await;
    });
}

#[test]
fn an_abandoned_three_d_secure_check_is_offered_to_be_continued() {
    on_sqlite(async |town| {
        let Some((browser, invoice, link)) = visit(&town, 12_345).await else {
            return;
        };
        pay_with(&browser, THREE_D_SECURE).await;
        browser.enter_frames(&[BANK_FRAME]).await;
        browser.wait_for("#test-source-authorize-3ds").await;
        // The payer closes the tab in the middle of it and opens the link again later.
        browser.to_top().await;
        browser.goto(&town.site.pay_url(&link)).await;
        browser.wait_for_text("#panel", "Payment not completed").await;
        assert_eq!(town.read_invoice(&invoice).await["status"], "open");
        browser.screenshot(&picture("continue")).await;
        browser.click("#resume").await;
        browser.enter_frames(&[BANK_FRAME]).await;
        browser.click("#test-source-authorize-3ds").await;
        browser.to_top().await;
        browser.wait_for_text("#panel", "ending in 3155").await;
        town.until_invoice(&invoice, "paid").await;
        assert_eq!(town.charges().len(), 1);
        assert_clean(&browser).await;
    });
}

#[test]
fn after_an_abandoned_check_another_card_pays_and_the_first_intent_is_cancelled() {
    on_sqlite(async |town| {
        let Some((browser, invoice, link)) = visit(&town, 12_345).await else {
            return;
        };
        pay_with(&browser, THREE_D_SECURE).await;
        browser.enter_frames(&[BANK_FRAME]).await;
        browser.wait_for("#test-source-authorize-3ds").await;
        browser.to_top().await;
        browser.goto(&town.site.pay_url(&link)).await;
        browser.click("#other-card").await;
        pay_with(&browser, GOOD).await;
        browser.wait_for_text("#panel", "ending in 4242").await;
        town.until_invoice(&invoice, "paid").await;
        let intents = town.stripe("GET", "/v1/payment_intents", Some(&town.msp.account), "");
        let statuses: Vec<&str> = intents["data"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|intent| intent["status"].as_str())
            .collect();
        assert_eq!(statuses, ["succeeded", "canceled"]);
        assert_clean(&browser).await;
    });
}

#[test]
fn a_payer_who_waits_for_an_hour_pays_all_the_same() {
    on_sqlite(async |town| {
        let Some((browser, invoice, _)) = visit(&town, 12_345).await else {
            return;
        };
        enter_card(&browser, GOOD).await;
        town.advance_ms(60 * 60 * 1000);
        browser.click("#submit").await;
        browser.wait_for_text("#panel", "ending in 4242").await;
        town.until_invoice(&invoice, "paid").await;
        assert_clean_but_refused(&browser).await;
    });
}

#[test]
fn while_cards_are_tried_the_page_does_the_work_by_itself() {
    on_sqlite(async |town| {
        let Some((browser, invoice, _)) = visit(&town, 12_345).await else {
            return;
        };
        // This page was open before; the next one is told of the work when it is served.
        enter_card(&browser, GOOD).await;
        one_card_on_many_links(&town, &links(&town, 21).await).await;
        browser.click("#submit").await;
        browser.wait_for_text("#panel", "ending in 4242").await;
        town.until_invoice(&invoice, "paid").await;
        assert_clean_but_refused(&browser).await;

        let next = town.invoice(12_345, "usd").await;
        browser.goto(&town.site.pay_url(&town.link(&next).await)).await;
        browser.wait_for("#pay-form[data-work-bits]").await;
        pay_with(&browser, DECLINED).await;
        browser.wait_for_text("#message", "Your card was declined").await;
        pay_with(&browser, GOOD).await;
        browser.wait_for_text("#panel", "ending in 4242").await;
        town.until_invoice(&next, "paid").await;
        assert_clean_but_refused(&browser).await;
    });
}

#[test]
fn a_payer_who_is_held_up_reads_when_to_try_again() {
    on_sqlite(async |town| {
        let Some((browser, invoice, link)) = visit(&town, 12_345).await else {
            return;
        };
        for _ in 0..5 {
            let token = town.token("pm_card_chargeDeclined");
            town.pay(&link, &token, 12_345, "usd").await;
        }
        pay_with(&browser, GOOD).await;
        let said = browser.wait_for_text("#message", "Too many payments").await;
        assert!(
            said.contains("Try again in") && said.contains("Nothing was charged"),
            "{said}"
        );
        for (width, height) in [(390, 844), (1280, 900)] {
            for (scheme, word) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
                browser.screen(width, height).await;
                browser.colours(scheme).await;
                browser
                    .screenshot(&picture(&format!("held-{width}-{word}")))
                    .await;
            }
        }
        town.advance_ms(60 * 60 * 1000);
        browser.click("#submit").await;
        browser.wait_for_text("#panel", "ending in 4242").await;
        town.until_invoice(&invoice, "paid").await;
        assert_clean_but_refused(&browser).await;
    });
}

#[test]
fn a_late_webhook_updates_the_open_page_by_itself() {
    let wishes = Wishes {
        deliveries: false,
        ..Wishes::default()
    };
    Town::run_as(&World::sqlite(), wishes, async |town| {
        let Some((browser, invoice, link)) = visit(&town, 12_345).await else {
            return;
        };
        browser.wait_for_text("#panel", "Amount due").await;
        // Somebody else pays the same invoice with 3D Secure; the answer to that reaches us only by webhook.
        let token = town.token("pm_card_threeDSecure2Required");
        let begun = town.pay(&link, &token, 12_345, "usd").await;
        assert_eq!(begun.body["status"], "requires_action", "{}", begun.text);
        let intents = town.stripe("GET", "/v1/payment_intents", Some(&town.msp.account), "");
        let intent = intents["data"][0]["id"].as_str().unwrap().to_owned();
        let path = format!("/_simulator/payment_intents/{intent}/challenge");
        let complete = json!({"outcome": "complete", "account": town.msp.account, "livemode": false});
        town.control("POST", &path, complete);
        assert_eq!(town.read_invoice(&invoice).await["status"], "open");
        let events = town.stripe(
            "GET",
            "/v1/events?type=payment_intent.succeeded",
            Some(&town.msp.account),
            "",
        );
        let mut event = events["data"][0].clone();
        event["account"] = Value::from(town.msp.account.clone());
        let body = serde_json::to_vec(&event).unwrap();
        let delivered = town
            .deliver_signed(server::demo::TEST_WEBHOOK_SECRET, &body)
            .await;
        assert_eq!(delivered.status, 200, "{}", delivered.text);
        browser.wait_for_text("#panel", "Paid").await;
        town.until_invoice(&invoice, "paid").await;
    });
}

#[test]
fn the_whole_payment_works_with_the_keyboard_alone() {
    on_sqlite(async |town| {
        let Some((browser, invoice, _)) = visit(&town, 12_345).await else {
            return;
        };
        browser.wait_for("#submit:not([disabled])").await;
        browser
            .run(
                "document.getElementById('panel').scrollIntoView(); document.body.focus()",
                vec![],
            )
            .await;
        for _ in 0..12 {
            if browser.focus().await == CARD_FRAME {
                break;
            }
            browser.press(Key::Tab).await;
        }
        assert_eq!(
            browser.focus().await,
            CARD_FRAME,
            "the card form is reached by Tab"
        );
        browser.enter_frames(&[CARD_FRAME]).await;
        for text in [GOOD, "1234", "123"] {
            browser.type_text(text).await;
            browser.press(Key::Tab).await;
        }
        browser.fill("input[name=postal]", "10001").await;
        browser.press(Key::Tab).await;
        browser.to_top().await;
        assert_eq!(browser.focus().await, "submit");
        browser.press(Key::Enter).await;
        browser.wait_for_text("#panel", "ending in 4242").await;
        town.until_invoice(&invoice, "paid").await;
    });
}

#[test]
fn in_live_mode_the_live_card_pays_and_a_test_card_is_declined() {
    let wishes = Wishes {
        mode: Mode::Live,
        ..Wishes::default()
    };
    Town::run_as(&World::sqlite(), wishes, async |town| {
        let Some((browser, invoice, _)) = visit(&town, 12_345).await else {
            return;
        };
        browser.wait_for_text("#panel", "Amount due").await;
        assert!(!browser.text("body").await.contains("TEST MODE"));
        pay_with(&browser, GOOD).await;
        browser.wait_for_text("#message", "test card").await;
        const DECLINE: Sql =
            Sql::new("select count(*) as n from payments where failure_code = 'live_mode_test_card'");
        assert_eq!(town.number(&DECLINE).await, 1);
        pay_with(&browser, LIVE_CARD).await;
        browser.wait_for_text("#panel", "ending in 0004").await;
        town.until_invoice(&invoice, "paid").await;
        const LIVE: Sql =
            Sql::new("select count(*) as n from payments where livemode = 1 and status = 'succeeded'");
        assert_eq!(town.number(&LIVE).await, 1);
        assert_clean(&browser).await;
    });
}

#[test]
fn the_page_fits_a_phone_and_a_desk_in_the_light_and_in_the_dark() {
    on_sqlite(async |town| {
        let Some((browser, invoice, link)) = visit(&town, 12_345).await else {
            return;
        };
        for (width, height) in [(390, 844), (1280, 900)] {
            for (scheme, word) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
                browser.screen(width, height).await;
                browser.colours(scheme).await;
                browser.goto(&town.site.pay_url(&link)).await;
                browser.wait_for("#submit:not([disabled])").await;
                // What stands beside a bar for scrolling down is as wide as the page may be.
                let overflow =
                    "const page = document.documentElement; return page.scrollWidth - page.clientWidth";
                assert_eq!(
                    browser.run(overflow, vec![]).await,
                    json!(0),
                    "sideways scrolling at {width} px"
                );
                browser.screenshot(&picture(&format!("pay-{width}-{word}"))).await;
            }
        }
        let rotated = town.link(&invoice).await;
        let void = format!("/api/invoices/{invoice}/void");
        town.api(&town.msp.key, reqwest::Method::POST, &void, Value::Null)
            .await;
        browser.goto(&town.site.pay_url(&rotated)).await;
        browser.wait_for_text("#panel", "Invoice voided").await;
        assert_clean(&browser).await;
        browser.goto(&town.site.pay_url(&link)).await;
        browser.wait_for_text("body", "no longer valid").await;
        browser.screenshot(&picture("expired")).await;
        browser.goto(&town.site.pay_url("0123456789")).await;
        browser.wait_for_text("body", "no such page").await;
        assert_eq!(browser.violations().await, Vec::<String>::new());
    });
}
