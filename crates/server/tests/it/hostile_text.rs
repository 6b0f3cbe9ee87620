//! Text that tries to be more than text, in every field that people or programs can fill: pages show it as
//! it was typed, and nothing of it runs.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::engines::World;
use crate::town::{Msp, Town};

/// Each says that it ran by setting `window.ran`.
pub const PAYLOADS: [&str; 8] = [
    "<script>window.ran=1</script>",
    "\"><img src=x onerror=window.ran=1>",
    "'><svg onload=window.ran=1>",
    "</title><script>window.ran=1</script>",
    "javascript:window.ran=1",
    "{{constructor.constructor('window.ran=1')()}}",
    "<a href=\"javascript:window.ran=1\">pay here</a>",
    "<style>*{display:none}</style>",
];

/// An invoice with the text wherever text goes; answers its link.
async fn invoice_with(town: &Town, msp: &Msp, text: &str) -> String {
    let client = json!({"name": text, "email": "accounts@harbordental.example"});
    let client = town.api(&msp.key, Method::POST, "/api/clients", client).await;
    assert_eq!(client.status, StatusCode::CREATED, "{}", client.text);
    let draft = json!({"client_id": client.body["id"], "currency": "usd", "memo": text,
        "lines": [{"description": text, "quantity": "1", "unit_price": 12_345}]});
    let made = town.api(&msp.key, Method::POST, "/api/invoices", draft).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let id = made.body["id"].as_str().unwrap();
    for verb in ["finalize", "pay-link"] {
        let path = format!("/api/invoices/{id}/{verb}");
        let done = town.api(&msp.key, Method::POST, &path, Value::Null).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text);
        if let Some(url) = done.body["url"].as_str() {
            return url.rsplit('/').next().unwrap().to_owned();
        }
    }
    panic!("no link was made");
}

/// The markup holds the text only as text: no tag of the payload is a tag of the page.
pub fn assert_text_only(page: &str, payload: &str) {
    for tag in [
        "<script>window",
        "<img src=x",
        "<svg onload",
        "<style>*",
        "<a href=\"javascript:",
        "href=\"javascript:",
    ] {
        assert!(!page.contains(tag), "{payload}: {tag} stands in the page");
    }
    assert!(!page.contains("onerror=window.ran=1>"), "{payload}");
}

both! {
    fn what_people_type_is_shown_as_text_and_never_runs(world: &World) {
        Town::run(world, async |town| {
            let browser = Browser::open().await;
            for payload in PAYLOADS {
                let msp = town.add_msp(payload, "usd").await;
                let link = invoice_with(&town, &msp, payload).await;
                let page = town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await;
                assert_eq!(page.status, StatusCode::OK);
                assert_text_only(&page.text, payload);
                let panel = town.public(Method::GET, &format!("/pay/{link}/panel"), Value::Null).await;
                assert_text_only(&panel.text, payload);
                let shown = town.look(&link).await;
                assert_eq!(shown.headers["content-type"], "application/json");
                assert_eq!(shown.headers["x-content-type-options"], "nosniff");

                let Some(browser) = &browser else { continue };
                browser.goto(&town.site.pay_url(&link)).await;
                let text = browser.wait_for_text("#invoice", "$123.45").await;
                assert!(text.contains(payload), "{payload} is not shown as it was typed: {text}");
                let ran = browser.run("return window.ran === undefined", vec![]).await;
                assert_eq!(ran, json!(true), "{payload} ran");
                assert_eq!(browser.violations().await, Vec::<String>::new(), "{payload}");
            }
        });
    }

    fn hostile_text_in_an_address_or_a_wrong_field_is_not_echoed_as_markup(world: &World) {
        Town::run(world, async |town| {
            for payload in PAYLOADS {
                let encoded: String = payload.bytes().map(|byte| format!("%{byte:02x}")).collect();
                for path in [format!("/pay/{encoded}"), format!("/{encoded}"), format!("/assets/{encoded}")] {
                    let answer = town.public(Method::GET, &path, Value::Null).await;
                    assert!(answer.status.is_client_error(), "{path}");
                    assert_text_only(&answer.text, payload);
                }
                let body = json!({"client_id": payload, "currency": payload});
                let refused = town.api(&town.msp.key, Method::POST, "/api/invoices", body).await;
                assert_eq!(refused.headers["content-type"], "application/problem+json");
                assert_eq!(refused.headers["x-content-type-options"], "nosniff");
            }
        });
    }
}
