//! The harness tried on small pages: a form in a frame from another port with a frame in it, the keyboard, a
//! phone in the dark, and broken content policies.

use std::path::Path;

use axum::Router;
use axum::http::header;
use axum::response::Html;
use axum::routing::{MethodRouter, get};
use fantoccini::key::Key;
use serde_json::json;
use tokio::net::TcpListener;

use super::{Browser, Scheme};

/// Serves a router on a free port of the loopback until the test's runtime ends; answers its origin.
async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("the loopback has a free port");
    let origin = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    origin
}

/// A page under a content security policy.
fn page(policy: &str, body: &str) -> MethodRouter {
    let page = format!("<!doctype html><html lang=\"en\"><title>A page</title><body>{body}</body></html>");
    let answer = ([(header::CONTENT_SECURITY_POLICY, policy.to_owned())], Html(page));
    get(async move || answer.clone())
}

fn script(text: &'static str) -> MethodRouter {
    get(async move || ([(header::CONTENT_TYPE, "text/javascript")], text))
}

const SHOP_JS: &str = "addEventListener('message', (event) => {
    const card = document.querySelector('iframe[name=card]');
    if (event.source === card.contentWindow) document.querySelector('#result').textContent = event.data;
});";

const CARD_JS: &str = "addEventListener('message', (event) => {
    const number = document.querySelector('#number').value;
    parent.postMessage(`${number} ${event.data}`, '*');
});
document.querySelector('form').addEventListener('submit', (event) => {
    event.preventDefault();
    const bank = document.createElement('iframe');
    bank.name = 'bank';
    bank.src = document.body.querySelector('form').dataset.bank;
    document.body.append(bank);
});";

const BANK_JS: &str = "document.querySelector('button').addEventListener('click', () =>
    parent.postMessage('confirmed', '*'));";

/// A shop with a card form in a frame of another origin, which opens a bank's page in a frame of a third.
async fn shop() -> String {
    let button = "<button id=\"confirm\">Confirm</button><script src=\"/bank.js\"></script>";
    let bank = Router::new()
        .route("/", page("default-src 'none'; script-src 'self'", button))
        .route("/bank.js", script(BANK_JS));
    let bank = serve(bank).await;
    let policy = format!("default-src 'none'; script-src 'self'; frame-src {bank}");
    let form = format!(
        "<form data-bank=\"{bank}\"><input id=\"number\" aria-label=\"Number\"> \
         <input name=\"expiry\" aria-label=\"Expiry\"> <button>Go</button></form> \
         <script src=\"/card.js\"></script>"
    );
    let card = Router::new()
        .route("/", page(&policy, &form))
        .route("/card.js", script(CARD_JS));
    let card = serve(card).await;
    let policy = format!("default-src 'none'; script-src 'self'; frame-src {card}");
    let body = format!(
        "<h1>Shop</h1><p id=\"result\">nothing yet</p><iframe name=\"card\" src=\"{card}\"></iframe> \
         <script src=\"/shop.js\"></script>"
    );
    let shop = Router::new()
        .route("/", page(&policy, &body))
        .route("/shop.js", script(SHOP_JS));
    serve(shop).await
}

#[tokio::test]
async fn a_form_in_a_frame_is_filled_by_keyboard_and_confirmed_in_a_frame_inside() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    browser.goto(&shop().await).await;
    assert_eq!(browser.text("#result").await, "nothing yet");

    browser.enter_frame("card").await;
    browser.fill("#number", "4242 42").await;
    assert_eq!(browser.focus().await, "number");
    browser.press(Key::Tab).await;
    assert_eq!(browser.focus().await, "expiry");
    browser.type_text("12/34").await;
    browser.press(Key::Enter).await;
    browser.enter_frame("bank").await;
    browser.click("#confirm").await;

    browser.to_top().await;
    browser.wait_for_text("#result", "4242 42 confirmed").await;
    browser.enter_frames(&["card", "bank"]).await;
    browser.wait_for("#confirm").await;
    assert_eq!(browser.violations().await, [""; 0]);
    assert_eq!(browser.text("h1").await, "Shop");
    browser.wait_until_gone("#confirm").await;

    browser.reload().await;
    browser.wait_for_text("#result", "nothing yet").await;
}

#[tokio::test]
async fn breaches_of_a_policy_and_exceptions_are_seen_in_every_frame() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let inner = "<script>document.title = 'inline'</script><p id=\"inner\">inner</p>";
    let inner = serve(Router::new().route("/", page("default-src 'none'", inner))).await;
    let policy = format!("default-src 'none'; script-src 'self'; frame-src {inner}");
    let body = format!(
        "<p style=\"color: red\">styled</p><iframe name=\"inner\" src=\"{inner}\"></iframe> \
         <script src=\"/a.js\"></script>"
    );
    let outer = Router::new()
        .route("/", page(&policy, &body))
        .route("/a.js", script("undefinedFunction();"))
        .route("/next", page("default-src 'self'", "<h1>Next</h1>"));
    let outer = serve(outer).await;
    browser.goto(&outer).await;
    browser.enter_frame("inner").await;
    browser.wait_for("#inner").await;

    let seen_in_page = browser.violations().await;
    assert!(
        seen_in_page
            .iter()
            .any(|one| one.contains("style-src-attr blocked inline")),
        "{seen_in_page:#?}"
    );
    // Of the frame, and still known when the page is gone.
    browser.goto(&format!("{outer}/next")).await;
    let violations = browser.violations().await;
    let of_frame = violations
        .iter()
        .find(|one| one.contains(&inner) && one.contains("script"));
    assert!(of_frame.is_some(), "{violations:#?}");
    let errors = browser.errors().await;
    assert!(
        errors.iter().any(|error| error.contains("undefinedFunction")),
        "{errors:#?}"
    );
}

#[tokio::test]
async fn a_phone_in_the_dark() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let page = async || Html("<meta name=\"viewport\" content=\"width=device-width\"><h1>Small</h1>");
    let origin = serve(Router::new().route("/", get(page))).await;
    browser.screen(390, 844).await;
    browser.colours(Scheme::Dark).await;
    browser.goto(&origin).await;
    let looks = "return [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]";
    assert_eq!(browser.run(looks, vec![]).await, json!([390, true]));

    let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser-own-tests/phone.png");
    browser.screenshot(&picture).await;
    let png = std::fs::read(&picture).expect("the screenshot was written");
    // A PNG file says its width in bytes 16 to 19.
    assert_eq!(png[16..20], 390u32.to_be_bytes());

    browser.screen(1280, 900).await;
    browser.colours(Scheme::Light).await;
    assert_eq!(browser.run(looks, vec![]).await, json!([1280, false]));
}

#[tokio::test]
#[should_panic(expected = "waiting for #missing")]
async fn a_wait_for_what_never_comes_fails() {
    match Browser::open().await {
        Some(browser) => drop(
            browser
                .within(std::time::Duration::from_millis(300))
                .wait_for("#missing")
                .await,
        ),
        None => panic!("waiting for #missing, in a browser that is not there"),
    }
}
