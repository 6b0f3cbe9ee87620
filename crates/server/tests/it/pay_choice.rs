//! A payer chooses on the page what to pay: a part of the invoice, or the client's other invoices with it.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::browser::{Browser, Scheme};
use crate::engines::World;
use crate::parts::{allow, due};
use crate::town::Town;

const CARD_FRAME: &str = "psapay-sim-payment";

async fn enter_card(browser: &Browser, number: &str) {
    browser.wait_for("#submit:not([disabled])").await;
    browser.enter_frames(&[CARD_FRAME]).await;
    browser.fill("input[name=number]", number).await;
    browser.fill("input[name=expiry]", "1234").await;
    browser.fill("input[name=cvc]", "123").await;
    browser.to_top().await;
}

async fn assert_clean(browser: &Browser) {
    assert_eq!(browser.violations().await, Vec::<String>::new());
    let mut errors = browser.errors().await;
    // The browser writes down by itself that a press was refused.
    errors.retain(|error| !error.contains("status of 4"));
    assert_eq!(errors, Vec::<String>::new());
}

/// Pictures of what is to be seen, in both sizes and both colours. Nothing sticks out to the side.
async fn pictures(browser: &Browser, name: &str) {
    for (width, height) in [(1280, 900), (390, 844)] {
        for (scheme, word) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
            browser.screen(width, height).await;
            browser.colours(scheme).await;
            let wide = "return document.documentElement.scrollWidth > window.innerWidth";
            assert_eq!(browser.run(wide, Vec::new()).await, false, "{name} {width}");
            browser
                .run("document.getElementById('choice')?.scrollIntoView()", Vec::new())
                .await;
            let file = format!("choice-{name}-{width}-{word}.png");
            let path: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures").join(file);
            browser.screenshot(&path).await;
        }
    }
    browser.screen(1280, 900).await;
    browser.colours(Scheme::Light).await;
}

both! {
    fn a_payer_pays_a_part_and_later_the_rest(world: &World) {
        Town::run(world, async |town| {
            allow(&town, json!({"partial_payments": true, "minimums": {"usd": 1_000}})).await;
            let invoice = town.invoice(123_450, "usd").await;
            let link = town.link(&invoice).await;
            let Some(browser) = Browser::open().await else { return };
            browser.goto(&town.site.pay_url(&link)).await;
            browser.wait_for_text("#choice", "Pay a part").await;
            browser.wait_for_text("#submit", "Pay $1,234.50").await;
            browser.wait_for("#submit:not([disabled])").await;
            browser.click("input[name=part][value=part]").await;
            // What cannot be paid is said beside the field, and nothing is sent.
            for (typed, said) in [
                ("", "Enter an amount such as 10.00."),
                ("ten", "Enter an amount"),
                ("1.234", "Enter an amount"),
                ("9.99", "Pay at least $10.00."),
                ("1234.51", "That is more than is owed: $1,234.50."),
            ] {
                browser.fill("#part-amount", typed).await;
                browser.click("#submit").await;
                browser.wait_for_text("#part-error", said).await;
                assert_eq!(browser.focus().await, "part-amount", "{typed}");
            }
            pictures(&browser, "wrong").await;
            browser.fill("#part-amount", "400,5").await;
            browser.wait_for_text("#submit", "Pay $400.50").await;
            pictures(&browser, "part").await;
            enter_card(&browser, "4242424242424242").await;
            browser.click("#submit").await;
            browser.wait_for_text("#submit", "Pay $834.00").await;
            browser.wait_for_text("#message", "your payment was received").await;
            pictures(&browser, "rest").await;
            let invoice_now = town.read_invoice(&invoice).await;
            let stands = (&invoice_now["status"], &invoice_now["amount_paid"]);
            assert_eq!(stands, (&json!("open"), &json!(40_050)));
            browser.wait_for_text("#panel", "$834.00").await;
            // What the server alone knows is said beside the field as well.
            browser.wait_for("#submit:not([disabled])").await;
            browser.click("input[name=part][value=part]").await;
            browser.fill("#part-amount", "833.90").await;
            enter_card(&browser, "4242424242424242").await;
            browser.click("#submit").await;
            browser.wait_for_text("#part-error", "or at most $833.50").await;
            browser.click("input[name=part][value=all]").await;
            enter_card(&browser, "4242424242424242").await;
            browser.click("#submit").await;
            browser.wait_for_text("#panel", "ending in 4242").await;
            town.until_invoice(&invoice, "paid").await;
            town.until_quiet().await;
            assert_eq!(town.charges().len(), 2);
            town.assert_books().await;
            assert_clean(&browser).await;
        });
    }

    fn a_payer_ticks_other_invoices_and_pays_all_in_one_go(world: &World) {
        Town::run(world, async |town| {
            allow(&town, json!({"several_invoices": true, "partial_payments": true})).await;
            let first = due(&town, &town.msp, 10_000, "2026-12-31").await;
            let second = due(&town, &town.msp, 2_050, "2026-11-30").await;
            let third = due(&town, &town.msp, 123_456, "2027-01-31").await;
            let link = town.link(&first).await;
            let Some(browser) = Browser::open().await else { return };
            browser.goto(&town.site.pay_url(&link)).await;
            browser.wait_for_text("#choice", "2 other open invoices").await;
            browser.wait_for_text("#choice", "Due 30 November 2026").await;
            browser.wait_for("#submit:not([disabled])").await;
            browser.click(&format!("input[name=invoice][value={third}]")).await;
            browser.wait_for_text("#submit", "Pay $1,334.56").await;
            browser.click(&format!("input[name=invoice][value={third}]")).await;
            browser.wait_for_text("#submit", "Pay $100.00").await;
            browser.click(&format!("input[name=invoice][value={second}]")).await;
            browser.wait_for_text("#submit", "Pay $120.50").await;
            browser.wait_for_text("#choice-all", "$120.50").await;
            pictures(&browser, "several").await;
            enter_card(&browser, "4242424242424242").await;
            browser.click("#submit").await;
            browser.wait_for_text("#panel", "ending in 4242").await;
            town.until_invoice(&first, "paid").await;
            town.until_invoice(&second, "paid").await;
            assert_eq!(town.read_invoice(&third).await["status"], "open");
            town.until_quiet().await;
            assert_eq!(town.charges().len(), 1);
            town.assert_books().await;
            assert_clean(&browser).await;
        });
    }

    fn every_amount_that_is_typed_is_taken_to_the_cent(world: &World) {
        Town::run(world, async |town| {
            allow(&town, json!({"partial_payments": true})).await;
            let invoice = town.invoice(1_000_100, "usd").await;
            let link = town.link(&invoice).await;
            let Some(browser) = Browser::open().await else { return };
            browser.goto(&town.site.pay_url(&link)).await;
            browser.wait_for("#submit:not([disabled])").await;
            browser.click("input[name=part][value=part]").await;
            // 50 cents to 9,999.99, as people write them.
            let wrong = browser.run(
                "const form = document.getElementById('pay-form');
                 const field = { value: '' };
                 const typed = new Proxy(form, { get: function (form, name) {
                   if (name !== 'querySelector') return Reflect.get(form, name, form);
                   return function (css) {
                     return css === '#part-amount' ? field : form.querySelector(css);
                   };
                 } });
                 const all = Reflect.get(form, 'querySelectorAll');
                 Object.defineProperty(typed, 'querySelectorAll', { value: all.bind(form) });
                 const wrong = [];
                 for (let cents = 50; cents < 1000000; cents += 1) {
                   const whole = String(Math.floor(cents / 100));
                   field.value = whole + '.' + String(cents % 100).padStart(2, '0');
                   if (choice.amount(typed) !== cents) wrong.push(field.value);
                 }
                 return wrong.slice(0, 10);",
                Vec::new(),
            );
            assert_eq!(wrong.await, json!([]));
            browser.fill("#part-amount", "19.99").await;
            browser.wait_for_text("#submit", "Pay $19.99").await;
            enter_card(&browser, "4242424242424242").await;
            browser.click("#submit").await;
            browser.wait_for_text("#submit", "Pay $9,981.01").await;
            assert_eq!(town.charges()[0]["amount"], 1_999);
            assert_eq!(town.read_invoice(&invoice).await["amount_paid"], 1_999);
            assert_clean(&browser).await;
        });
    }

    fn an_invoice_that_is_paid_elsewhere_leaves_the_choice_by_itself(world: &World) {
        Town::run(world, async |town| {
            allow(&town, json!({"several_invoices": true})).await;
            let first = town.invoice(10_000, "usd").await;
            let second = town.invoice(2_050, "usd").await;
            let (link, other) = (town.link(&first).await, town.link(&second).await);
            let Some(browser) = Browser::open().await else { return };
            browser.goto(&town.site.pay_url(&link)).await;
            browser.wait_for_text("#choice", "another open invoice").await;
            town.pay(&other, &town.token("pm_card_visa"), 2_050, "usd").await;
            browser.wait_until_gone("#choice").await;
            browser.wait_for_text("#submit", "Pay $100.00").await;
            assert_clean(&browser).await;
        });
    }
}
