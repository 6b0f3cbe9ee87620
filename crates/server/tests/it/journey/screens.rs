//! What an MSP's person does with an invoice on the screens alone, from its new client to the payout that
//! brings the money, and how the operator finds what Stripe told of it and has it applied again.

use reqwest::Method;
use serde_json::{Value, json};

use super::{DANA, Journey, OLGA, PATIENCE, assert_clean, log_in, staffed};
use crate::browser::Browser;
use crate::desk::payouts::{days_later, paid_out};
use crate::engines::World;
use crate::mails::{PostOffice, with_mail};
use crate::own_shop::{all_told, shop_with_a_bank};
use crate::person::{COOKIE, PASSWORD, Person};
use crate::town::Town;

const LAKESIDE: &str = "office@lakeside-architects.example";
/// 14 seats at 65.00, with 8.875 % tax: $990.76.
const LINE: [(&str, &str); 4] = [
    ("description-0", "Managed workplace, per seat"),
    ("quantity-0", "14"),
    ("price-0", "65.00"),
    ("tax-0", "8.875"),
];
const TOTAL: &str = "$990.76";

impl Journey<'_> {
    /// A new client, an invoice whose sums follow what is typed, and its review; answers the invoice's path.
    async fn writes_and_sends(&self) -> String {
        let browser = &self.browser;
        browser.click("a[href='/clients']").await;
        browser.click("main a[href='/clients/new']").await;
        self.send(&[("name", "Lakeside Architects"), ("email", LAKESIDE)])
            .await;
        browser.click("main a[href^='/invoices/new?client=']").await;
        for (field, text) in LINE {
            browser.fill(&format!("#{field}"), text).await;
        }
        browser.wait_for_text("#totals", TOTAL).await;
        assert!(browser.url().await.contains("/invoices/new"), "nothing was sent");
        browser.click("main button[value=send]:not([hidden])").await;
        browser.wait_for_text("main", LAKESIDE).await;
        self.send(&[("note", "Thank you, Dana")]).await;
        browser.wait_for_text("#panel", "Still owed").await;
        let url = browser.url().await;
        let path = url.strip_prefix(&self.town.url).unwrap();
        path.split('?').next().unwrap().to_owned()
    }

    /// The client pays in a window of their own, and the invoice's page, which is still open, says so itself.
    async fn is_paid_while_the_page_is_open(&self) {
        self.browser.run("window.sameDocument = true", vec![]).await;
        let mail = self.mail(LAKESIDE, "Invoice").await;
        let desk = self.browser.open_window().await;
        self.follow(&mail).await;
        self.pay_by_card(TOTAL).await;
        self.browser.turn_to(desk).await;
        let seen = self.browser.wait_for_text("#panel", "$990.76 was paid").await;
        assert!(!seen.contains("Still owed"), "{seen}");
        let same = self
            .browser
            .run("return window.sameDocument === true", vec![])
            .await;
        assert_eq!(same, json!(true), "the page was loaded again");
    }

    /// A part goes back, and is not owed any more. Who gives money back needs a second factor, and is led
    /// through setting one up and back to the form; answers its seed.
    async fn gives_a_part_back(&self) -> String {
        let browser = &self.browser;
        browser.click("#panel a[href*='/refund']").await;
        browser.wait_for_text("main", "Set up your authenticator").await;
        browser.click("main button.primary").await;
        let seed = self.set_up_authenticator().await;
        browser.click("main a.primary").await;
        browser.fill("#amount", "100.00").await;
        browser.click("input[name=settlement][value=forgiven]").await;
        browser.click("main button.sure").await;
        let seen = browser.wait_for_text("#panel", "Credit note CN-").await;
        assert!(seen.contains("Given back") && seen.contains("$100.00"), "{seen}");
        seed
    }

    /// Somebody comes back days later and looks at what the payout consists of.
    async fn sees_the_payout(&self, payout: &str, invoice: &str, seed: &str) {
        self.goto("/payouts").await;
        self.send(&[("email", DANA), ("password", PASSWORD)]).await;
        self.browser.wait_for("#code").await;
        self.enter_code(seed).await;
        self.browser
            .click(&format!("main a[href='/payouts/{payout}']"))
            .await;
        let seen = self.browser.wait_for_text("main", "Reached your bank").await;
        for part in ["Payments", TOTAL, "Refunds", "$100.00", "Platform fees on them"] {
            assert!(seen.contains(part), "no {part} in {seen}");
        }
        self.browser.wait_for(&format!("main a[href='{invoice}']")).await;
        self.browser.click(".who button").await;
        self.browser.wait_for("#password").await;
    }

    /// The operator finds what Stripe told of an intent, and has it applied again.
    async fn operator_replays(&self, intent: &str) {
        let olga = Person::log_in(self.town, OLGA).await;
        let browser = &self.browser;
        browser.cookie(&self.town.url, COOKIE, &olga.session()).await;
        self.goto("/operator").await;
        browser.click("a[href='/operator/inbox']").await;
        browser.fill("#type", "payment_intent.succeeded").await;
        browser.fill("#id", intent).await;
        browser.click("form.filters button").await;
        browser.wait_for("form.filters a").await;
        browser.click("main a.row-link").await;
        let seen = browser.wait_for_text("main", "What came").await;
        assert!(seen.contains(intent), "{seen}");
        browser.click("main button.primary").await;
        browser.wait_for_text("main", "It is on its way again").await;
        self.town.until_quiet().await;
        browser.reload().await;
        browser.wait_for_text("main", "Replayed").await;
    }
}

/// What must be the same after a replay as before.
async fn standing(town: &Town, invoice: &str) -> Value {
    let shown = town.read_invoice(invoice).await;
    json!([
        shown["status"],
        shown["amount_paid"],
        shown["amount_due"],
        shown["credited"]
    ])
}

both! {
    fn an_invoice_goes_over_the_screens_from_its_client_to_the_payout_and_the_inbox(world: &World) {
        with_mail(world, "screens", async |mut town: Town, office: PostOffice| {
            let Some(browser) = Browser::open().await else { return };
            town.msp = shop_with_a_bank(&town).await;
            staffed(&town, DANA).await;
            let browser = browser.within(PATIENCE);
            let journey = Journey { town: &town, office: &office, browser };
            journey.goto("/login").await;
            log_in(&journey.browser, DANA, PASSWORD).await;
            let invoice = journey.writes_and_sends().await;
            journey.is_paid_while_the_page_is_open().await;
            // A page that somebody acts on is true as long as nothing new is told.
            all_told(&town).await;
            let seed = journey.gives_a_part_back().await;
            journey.browser.click(".who button").await;
            journey.browser.wait_for("#password").await;

            let payout = paid_out(&town).await;
            days_later(&town, 3).await;
            let path = format!("/api/payouts/{payout}");
            let itemised = async || {
                let shown = town.api(&town.msp.key, Method::GET, &path, Value::Null).await;
                shown.body["itemised"] == true
            };
            town.until("its items", itemised).await;
            journey.sees_the_payout(&payout, &invoice, &seed).await;

            let id = invoice.strip_prefix("/invoices/").unwrap();
            let (intent, before) = (town.intents()[0]["id"].clone(), standing(&town, id).await);
            journey.operator_replays(intent.as_str().unwrap()).await;
            assert_eq!(standing(&town, id).await, before, "nothing happened twice");
            assert_clean(&journey.browser).await;
            town.assert_books().await;
        });
    }
}
