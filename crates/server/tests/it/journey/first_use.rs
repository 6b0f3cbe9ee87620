//! The first use, measured: how often somebody who has just started the demo clicks, and on how many pages
//! they type, until an invoice is sent.

use super::PATIENCE;
use crate::browser::Browser;
use crate::demo::{Folder, demo, last_word};

/// What is not to be exceeded.
const CLICKS_MAX: usize = 12;
const PAGES_TYPED_MAX: usize = 2;

/// A person at a browser, whose clicks and pages of typing are counted.
struct Counted {
    browser: Browser,
    clicks: usize,
    /// The pages on which something was typed, in order.
    typed_on: Vec<String>,
}

impl Counted {
    async fn click(&mut self, css: &str) {
        self.clicks += 1;
        self.browser.click(css).await;
    }

    /// Types into a field, after a click into it: who goes on by the keyboard clicks less.
    async fn type_into(&mut self, css: &str, text: &str) {
        self.click(css).await;
        let page = self.browser.url().await;
        if self.typed_on.last() != Some(&page) {
            self.typed_on.push(page);
        }
        self.browser.fill(css, text).await;
    }
}

async fn first_invoice(origin: &str, email: &str, password: &str) -> Option<Counted> {
    let browser = Browser::open().await?.within(PATIENCE);
    browser.goto(&format!("{origin}/login")).await;
    let mut hand = Counted {
        browser,
        clicks: 0,
        typed_on: Vec::new(),
    };
    hand.type_into("#email", email).await;
    hand.type_into("#password", password).await;
    hand.click("main button.primary").await;
    hand.click("main a[href='/invoices/new']").await;
    hand.click("main .choose a").await;
    hand.type_into("#description-0", "Managed workplace, per seat")
        .await;
    hand.type_into("#quantity-0", "14").await;
    hand.type_into("#price-0", "65.00").await;
    hand.click("main button[value=send]:not([hidden])").await;
    hand.browser.wait_for("#note").await;
    hand.click("main button.primary").await;
    hand.browser.wait_for_text("#panel", "was mailed to").await;
    Some(hand)
}

#[test]
fn from_the_demos_printed_login_to_a_sent_invoice_it_takes_ten_clicks_and_two_pages_of_typing() {
    let folder = Folder::new("first-use");
    let mut running = demo(&folder, &[]);
    let line = running.line("Log in at ");
    let password = last_word(&line);
    let origin = line
        .split_whitespace()
        .find_map(|word| word.strip_suffix("/login,"));
    let origin = origin.unwrap_or_else(|| panic!("no address in {line}"));
    let billing = running.line("billing@");
    let email = billing.split_whitespace().next().unwrap();
    running.line("initialized in TEST mode");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let Some(hand) = first_invoice(origin, email, &password).await else {
            return;
        };
        let counted = (hand.clicks, hand.typed_on.len());
        assert!(
            counted.0 <= CLICKS_MAX && counted.1 <= PAGES_TYPED_MAX,
            "{counted:?}"
        );
        assert_eq!(counted, (10, 2), "the manual says so: {:?}", hand.typed_on);
    });
}
