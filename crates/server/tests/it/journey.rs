//! The whole way with a browser, as people go it: from the setup token on the console to the mail that tells
//! an MSP's owner that a client has paid; below, what the MSP's people and the operator do on their screens.

mod dispute;
mod first_use;
mod screens;
mod scriptless;

use std::time::Duration;

use domain::{Role, TenantId};
use flows::people::{authenticator, setup};
use reqwest::Method;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::engines::World;
use crate::mails::{PostOffice, check_form, with_mail};
use crate::person::{PASSWORD, add};
use crate::town::Town;

const CARD_FRAME: &str = "psapay-sim-payment";
const OLGA: &str = "olga@platform.example";
const DANA: &str = "dana@bluebird.example";
const CLIENT: &str = "accounts@harbordental.example";
/// Pages wait for mails, for webhooks and for each other.
const PATIENCE: Duration = Duration::from_secs(60);

/// An operator, without whom a server offers its setup and no login, and somebody of a tenant's billing.
async fn staffed(town: &Town, email: &str) {
    add(town, &TenantId::platform(), Role::Operator, OLGA).await;
    add(town, &town.msp.scope.tenant, Role::Billing, email).await;
}

/// Logs somebody in who has no second factor, on the login page that is open.
async fn log_in(browser: &Browser, email: &str, password: &str) {
    browser.fill("#email", email).await;
    browser.fill("#password", password).await;
    browser.click("main button.primary").await;
    browser.wait_for(".who button").await;
}

/// Nothing on the way broke a page's content policy or failed in a script.
async fn assert_clean(browser: &Browser) {
    assert_eq!(browser.violations().await, Vec::<String>::new());
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

/// Somebody at a browser, with a mailbox.
struct Journey<'a> {
    town: &'a Town,
    office: &'a PostOffice,
    browser: Browser,
}

impl Journey<'_> {
    async fn goto(&self, path: &str) {
        self.browser.goto(&format!("{}{path}", self.town.url)).await;
    }

    /// Fills in fields and presses the form's main button.
    async fn send(&self, fields: &[(&str, &str)]) {
        for (field, text) in fields {
            self.browser.wait_for(&format!("#{field}")).await;
            self.browser.fill(&format!("#{field}"), text).await;
        }
        self.browser.click("main button.primary").await;
    }

    /// Sets up the second factor that a login asks for, and keeps its recovery codes; answers its seed.
    async fn set_up_authenticator(&self) -> String {
        self.browser.wait_for("#seed").await;
        let seed = self.browser.text("#seed").await.trim().to_owned();
        self.enter_code(&seed).await;
        self.browser.wait_for("#codes").await;
        seed
    }

    /// Types the code that an authenticator shows now.
    async fn enter_code(&self, seed: &str) {
        let code = authenticator::code_of(seed, flows::Clock::now(&*self.town.clock)).unwrap();
        self.send(&[("code", &code)]).await;
    }

    /// The mail to somebody with this in its subject, once it has come.
    async fn mail(&self, to: &str, subject: &str) -> Value {
        let found = || {
            let taken = self.office.taken();
            let is_it = |mail: &Value| {
                mail["rcpt_to"][0] == to && mail["subject"].as_str().unwrap().contains(subject)
            };
            taken.into_iter().find(is_it)
        };
        self.town
            .until(&format!("a mail {subject:?} to {to}"), async || found().is_some())
            .await;
        let mail = found().unwrap();
        check_form(&mail, &self.town.url);
        mail
    }

    /// Follows the link in a mail.
    async fn follow(&self, mail: &Value) {
        let text = mail["text"].as_str().unwrap();
        let link = text
            .split_whitespace()
            .find(|word| word.starts_with(&self.town.url));
        self.browser
            .goto(link.unwrap_or_else(|| panic!("no link in {text}")))
            .await;
    }

    /// The operator, by the token that the console shows, makes a tenant and invites its owner.
    async fn operator_invites_an_owner(&self) {
        let token = setup::offer(&self.town.app).await.unwrap().unwrap();
        self.goto("/setup").await;
        let fields = [("name", "Olga"), ("email", OLGA), ("password", PASSWORD)];
        self.send(&[&[("setup_token", token.expose())], &fields[..]].concat())
            .await;
        self.set_up_authenticator().await;
        self.goto("/operator/tenants/new").await;
        self.send(&[
            ("name", "Bluebird Networks"),
            ("support_email", "help@bluebird.example"),
        ])
        .await;
        self.send(&[("owner", "Dana Reyes"), ("email", DANA)]).await;
        self.browser.wait_for_text("h1", "Dana Reyes was invited").await;
        self.browser.click(".who button").await;
        self.browser.wait_for("#password").await;
    }

    /// The owner, by the mail, takes the invitation, and connects Stripe through its form.
    async fn owner_connects_stripe(&self) {
        self.follow(&self.mail(DANA, "You are invited to join Bluebird Networks").await)
            .await;
        self.browser.wait_for_text("main", "You are invited").await;
        self.send(&[("password", PASSWORD)]).await;
        self.set_up_authenticator().await;
        self.goto("/settings/stripe").await;
        let country = "document.getElementById('country').value = 'US'";
        self.browser.run(country, vec![]).await;
        self.browser.click("#panel button.primary").await;
        // Stripe's form.
        self.browser.wait_for("#business_name").await;
        let answers = [
            ("business_name", "Bluebird Networks"),
            ("first_name", "Dana"),
            ("last_name", "Reyes"),
        ];
        for (field, text) in answers {
            self.browser.fill(&format!("#{field}"), text).await;
        }
        self.browser.click("button[value=submit]").await;
        // Back here, the page shows by itself what Stripe decides a moment later.
        self.browser
            .wait_for("#panel[data-url='/settings/stripe/panel']")
            .await;
        let first = self.browser.text("#panel").await;
        self.browser.run("window.sameDocument = true", vec![]).await;
        self.browser
            .wait_for_text("#panel", "Ready to take payments")
            .await;
        let same = self
            .browser
            .run("return window.sameDocument === true", vec![])
            .await;
        assert_eq!(
            same,
            json!(true),
            "the page was loaded again; first it said {first}"
        );
        assert!(!first.contains("Ready to take payments"), "{first}");
    }

    /// The owner makes a key for their software, which makes an invoice and has it mailed.
    async fn software_sends_an_invoice(&self) {
        self.goto("/settings/api-keys/new").await;
        self.browser
            .click("button[data-ticks^='clients:read clients:write']")
            .await;
        self.browser
            .click("input[name=permissions][value='mails:write']")
            .await;
        self.send(&[("name", "HaloPSA")]).await;
        self.browser.wait_for("#secret").await;
        let shown = "const shown = document.getElementById('secret');
            return shown.value || shown.textContent";
        let key = self.browser.run(shown, vec![]).await;
        let key = key.as_str().unwrap().trim().to_owned();
        let call = async |path: &str, body: Value| {
            let answer = self.town.api(&key, Method::POST, path, body).await;
            assert!(answer.status.is_success(), "{path}: {}", answer.text);
            answer.body["id"].as_str().unwrap_or_default().to_owned()
        };
        let client = call(
            "/api/clients",
            json!({"name": "Harbor Dental Group", "email": CLIENT}),
        )
        .await;
        let invoice = call(
            "/api/invoices",
            json!({"client_id": client, "currency": "usd",
                "lines": [{"description": "Managed workplace", "quantity": "3", "unit_price": 4_500}]}),
        )
        .await;
        call(&format!("/api/invoices/{invoice}/finalize"), Value::Null).await;
        call(&format!("/api/invoices/{invoice}/send"), json!({})).await;
    }

    /// Pays what a pay page asks for with the test card.
    async fn pay_by_card(&self, amount: &str) {
        self.browser.wait_for("#submit:not([disabled])").await;
        self.browser.wait_for_text("#panel", amount).await;
        self.browser.enter_frames(&[CARD_FRAME]).await;
        self.browser.fill("input[name=number]", "4242424242424242").await;
        self.browser.fill("input[name=expiry]", "1234").await;
        self.browser.fill("input[name=cvc]", "123").await;
        self.browser.to_top().await;
        self.browser.click("#submit").await;
        self.browser.wait_for_text("#panel", "ending in 4242").await;
    }

    /// The client pays by the mail's link, as somebody who has no account here.
    async fn client_pays(&self) {
        self.browser.click(".who button").await;
        self.browser.wait_for("#password").await;
        let mail = self.mail(CLIENT, "Invoice").await;
        assert_eq!(mail["pdfs"][0][1], "%PDF-");
        self.follow(&mail).await;
        self.pay_by_card("$135.00").await;
        let receipt = self.mail(CLIENT, "Receipt: $135.00 to Bluebird Networks").await;
        assert_eq!(receipt["pdfs"][0][1], "%PDF-");
        let alert = self.mail(DANA, "Harbor Dental Group paid $135.00").await;
        assert_eq!(alert["from_name"], "Bluebird Networks");
    }
}

both! {
    fn from_the_setup_token_to_the_mail_that_says_paid(world: &World) {
        with_mail(world, "journey", async |town: Town, office: PostOffice| {
            let Some(browser) = Browser::open().await else { return };
            let browser = browser.within(PATIENCE);
            let journey = Journey { town: &town, office: &office, browser };
            journey.operator_invites_an_owner().await;
            journey.owner_connects_stripe().await;
            journey.software_sends_an_invoice().await;
            journey.client_pays().await;
            assert_clean(&journey.browser).await;
            town.until_quiet().await;
            town.assert_books().await;
        });
    }
}
