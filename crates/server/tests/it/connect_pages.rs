//! Connecting a Stripe account in a real browser, through Stripe's own form: what the account's owner reads,
//! and what a payer reads when the account is stopped while their page is open.

use std::path::{Path, PathBuf};

use domain::{Permissions, Scope};
use flows::{Actor, By, tenants};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::browser::{Browser, Scheme};
use crate::engines::World;
use crate::town::Town;

const CARD_FRAME: &str = "psapay-sim-payment";

/// A tenant whose account was made a moment ago: its API key, the account, and a link to Stripe's form.
async fn set_out(town: &Town) -> (String, String, String) {
    let by = By::new(Actor::CommandLine);
    let name = "Bluebird Networks";
    let added = tenants::add(&town.app, &by, town.app.moment(), name, None, &[]).await;
    let scope = Scope {
        tenant: added.unwrap().0.id,
        mode: town.site.config.mode,
    };
    let key = town.key_of(&scope, Permissions::All).await;
    let body = json!({"country": "US", "email": "owner@bluebird.example"});
    let path = "/api/stripe/connect/account";
    let made = town.api(&key, Method::POST, path, body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let account = made.body["stripe_account_id"].as_str().unwrap().to_owned();
    let link = town
        .api(&key, Method::POST, "/api/stripe/connect/link", Value::Null)
        .await;
    let url = link.body["url"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", link.text))
        .to_owned();
    (key, account, url)
}

/// Fills in Stripe's form and sends it with one of its buttons.
async fn fill_in(browser: &Browser, button: &str) {
    browser.fill("#business_name", "Bluebird Networks").await;
    browser.fill("#about", "https://bluebird.example").await;
    browser.fill("#first_name", "Ada").await;
    browser.fill("#last_name", "Lovelace").await;
    if button == "errors" || button == "rejected" {
        browser.click("summary").await;
    }
    browser.click(&format!("button[value={button}]")).await;
}

async fn assert_clean(browser: &Browser) {
    assert_eq!(browser.violations().await, Vec::<String>::new());
    let mut errors = browser.errors().await;
    // Stripe's form has no icon of its own.
    errors.retain(|error| !error.contains("favicon"));
    assert_eq!(errors, Vec::<String>::new());
}

/// Pictures of what is to be seen, in both sizes and both colours.
async fn pictures(browser: &Browser, name: &str) {
    for (width, height) in [(1280, 900), (390, 844)] {
        for (scheme, word) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
            browser.screen(width, height).await;
            browser.colours(scheme).await;
            let file = format!("connect-{name}-{width}-{word}.png");
            let path: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures").join(file);
            browser.screenshot(&path).await;
        }
    }
    browser.screen(1280, 900).await;
}

/// An open invoice of the tenant; the address of its pay page.
async fn pay_page(town: &Town, key: &str) -> String {
    let client = json!({"name": "Harbor Dental Group", "email": "accounts@harbordental.example"});
    let client = town.api(key, Method::POST, "/api/clients", client).await;
    let draft = json!({"client_id": client.body["id"], "currency": "usd",
        "lines": [{"description": "Managed workplace", "quantity": "1", "unit_price": 12_345}]});
    let invoice = town.api(key, Method::POST, "/api/invoices", draft).await;
    let id = invoice.body["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", invoice.text));
    town.api(
        key,
        Method::POST,
        &format!("/api/invoices/{id}/finalize"),
        Value::Null,
    )
    .await;
    let link = town
        .api(
            key,
            Method::POST,
            &format!("/api/invoices/{id}/pay-link"),
            Value::Null,
        )
        .await;
    link.body["url"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", link.text))
        .to_owned()
}

async fn enter_card(browser: &Browser) {
    browser.wait_for("#submit:not([disabled])").await;
    browser.enter_frames(&[CARD_FRAME]).await;
    browser.fill("input[name=number]", "4242424242424242").await;
    browser.fill("input[name=expiry]", "1234").await;
    browser.fill("input[name=cvc]", "123").await;
    browser.to_top().await;
}

both! {
    fn a_new_tenant_goes_through_stripes_form_is_paid_and_is_stopped(world: &World) {
        Town::run(world, async |town| {
            let (key, account, form) = set_out(&town).await;
            let Some(browser) = Browser::open().await else { return };
            browser.goto(&form).await;
            fill_in(&browser, "submit").await;
            browser.wait_for_text("#panel", "Stripe is checking what you gave").await;
            assert!(browser.url().await.ends_with("/connect/status"), "no state in the address");
            pictures(&browser, "checking").await;
            town.advance_ms(4_000);
            browser.wait_for_text("#panel", "Ready to take payments").await;
            pictures(&browser, "ready").await;
            assert_clean(&browser).await;

            browser.goto(&pay_page(&town, &key).await).await;
            enter_card(&browser).await;
            browser.click("#submit").await;
            browser.wait_for_text("#panel", "ending in 4242").await;
            let charges = town.stripe("GET", "/v1/charges", Some(&account), "");
            assert_eq!(charges["data"][0]["amount"], 12_345, "paid on the tenant's own account");

            browser.goto(&pay_page(&town, &key).await).await;
            enter_card(&browser).await;
            let path = format!("/_simulator/accounts/{account}");
            town.control("POST", &path, json!({"charges_enabled": false}));
            // Unless the page has heard of it in this very moment, the payer presses Pay.
            let press = "const pay = document.getElementById('submit'); if (pay) pay.click()";
            browser.run(press, vec![]).await;
            let said = browser.wait_for_text("#panel", "not available").await;
            assert!(said.contains("cannot take card payments at the moment"), "{said}");
            assert!(said.contains("Nothing was charged"), "{said}");
            town.until_quiet().await;
            town.assert_nothing_open().await;
            let charges = town.stripe("GET", "/v1/charges", Some(&account), "");
            assert_eq!(charges["data"].as_array().map(Vec::len), Some(1));
            town.assert_books().await;
        });
    }
}

#[test]
fn half_done_and_declined_are_said_and_the_form_is_one_click_away() {
    Town::run(&World::sqlite(), async |town| {
        let (_, _, form) = set_out(&town).await;
        let Some(browser) = Browser::open().await else {
            return;
        };
        browser.goto(&form).await;
        fill_in(&browser, "later").await;
        let said = browser.wait_for_text("#panel", "Stripe still needs").await;
        assert!(said.contains("Bank account for payouts"), "{said}");
        pictures(&browser, "half-done").await;
        browser.click("#panel button").await;
        fill_in(&browser, "errors").await;
        town.advance_ms(4_000);
        browser.wait_for_text("#panel", "identity document").await;
        pictures(&browser, "failed").await;
        browser.click("#panel button").await;
        fill_in(&browser, "rejected").await;
        let said = browser
            .wait_for_text("#panel", "Stripe has declined this account")
            .await;
        assert!(said.contains("Only Stripe's support can change that"), "{said}");
        pictures(&browser, "declined").await;
        // The link that brought us here is worn: Stripe sends its visitor on to a new one, once.
        browser.goto(&form).await;
        let said = browser.text("body").await;
        assert!(said.contains("Stripe does not open its form"), "{said}");
        pictures(&browser, "refused").await;
        browser.goto(&form).await;
        browser.wait_for_text("body", "used before or has run out").await;
        assert_eq!(browser.violations().await, Vec::<String>::new());
    });
}
