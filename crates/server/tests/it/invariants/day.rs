//! Two days in a town: payments that succeed, are declined, wait for the bank, are found out by an event,
//! bring too much or too little or reach a void invoice; drafts, withdrawn invoices, a second tenant, and
//! live mode.

use domain::Mode;
use domain::seal::Day;
use flows::seals;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::demo::TEST_WEBHOOK_SECRET;
use store::{Sql, binds};

use crate::town::Town;

const HOUR_MS: i64 = 60 * 60 * 1000;

/// Ids by the names that plants call them.
pub struct Names(Vec<(&'static str, String)>);

impl Names {
    /// A text with each `{name}` replaced by its id.
    pub fn put_into(&self, text: &str) -> String {
        let put = |text: String, (name, id): &(&str, String)| text.replace(&format!("{{{name}}}"), id);
        let text = self.0.iter().fold(text.to_owned(), put);
        assert!(!text.contains('{'), "a name that nothing has: {text}");
        text
    }
}

/// Lives through both days; the first is sealed. The instances of both modes still run.
pub async fn live_through(mut town: Town) -> ([Town; 2], Names) {
    town.invoice(500, "usd").await;
    let today = Day::of(town.app.clock.now());
    town.advance_ms(today.ends().ms() - town.app.clock.now().ms() + HOUR_MS + 1);
    seals::run(&town.app).await.unwrap();

    let paid = paid(&town, "usd").await;
    let tried = tried_twice(&town).await;
    let (bank, event) = (at_the_bank(&town).await, found_out_by_an_event(&town).await);
    let (over, less) = (
        other_amount(&town, 20_000).await,
        other_amount(&town, 5_000).await,
    );
    assert_eq!(town.command(&less, "void").await.code(), "invoice_partly_paid");
    let void = void_and_paid_all_the_same(&town).await;
    let (open, draft) = (town.invoice(700, "usd").await, draft(&town).await);
    let dropped = self::draft(&town).await;
    assert_eq!(town.command(&dropped, "void").await.status, StatusCode::OK);
    let shop = "amount=900&currency=usd&payment_method=pm_card_visa&confirm=true\
                &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never";
    town.stripe("POST", "/v1/payment_intents", Some(&town.msp.account), shop);
    let first = town.msp.clone();
    town.msp = town.add_msp("Contoso Managed Services", "eur").await;
    let (second, euros) = (town.msp.clone(), self::paid(&town, "eur").await);
    town.msp = first.clone();
    let live = town.beside(Mode::Live).await;
    let lived = live.invoice(12_345, "usd").await;
    let link = live.link(&lived).await;
    live.pay(&link, &live.typed_token("4000009900000004"), 12_345, "usd")
        .await;
    live.until_invoice(&lived, "paid").await;

    // Of what was never paid at Stripe there is no fee.
    const WITHOUT_FEE: Sql =
        Sql::new("select count(*) as n from payments where status = 'succeeded' and stripe_fee is null");
    const FEES: Sql = Sql::new("select count(*) as n from application_fees");
    const SHOP: Sql = Sql::new("select count(*) as n from external_objects where type = 'charge'");
    for (what, sql, wanted) in [
        ("Stripe's fees", &WITHOUT_FEE, 1),
        ("the platform's fees", &FEES, 7),
        ("the shop's sale", &SHOP, 1),
    ] {
        town.until(what, async || town.number(sql).await == wanted).await;
    }
    town.until_quiet().await;
    town.assert_nothing_open().await;
    let mut names = vec![
        ("now", town.app.clock.now().ms().to_string()),
        ("ten", first.scope.tenant.to_string()),
        ("ten2", second.scope.tenant.to_string()),
        ("open", open),
        ("draft", draft),
        ("less", less),
        ("euros", euros),
    ];
    for (name, id) in [
        ("paid", paid),
        ("tried", tried),
        ("bank", bank),
        ("event", event),
        ("over", over),
        ("void", void),
    ] {
        names.extend(of_payment(&town, name, &id).await);
    }
    ([town, live], Names(names))
}

/// The invoice, and what its newest payment is made of: `paid`, `paid_pay`, `paid_pi`, `paid_ch`.
async fn of_payment(town: &Town, name: &'static str, invoice: &str) -> Vec<(&'static str, String)> {
    const NEWEST: Sql = Sql::new(
        "select id, stripe_payment_intent_id, stripe_charge_id
         from payments where invoice_id = $1 order by attempt desc limit 1",
    );
    let of = invoice.to_owned();
    let row = town.app.db.read(move |tx| tx.one(&NEWEST, binds![of.as_str()]));
    let row = row.await.unwrap_or_else(|e: store::Error| panic!("{e}"));
    let text = |column| row.text_opt(column).unwrap().unwrap_or_default();
    let suffixed = |suffix: &str| -> &'static str { Box::leak(format!("{name}_{suffix}").into_boxed_str()) };
    vec![
        (name, invoice.to_owned()),
        (suffixed("pay"), text("id")),
        (suffixed("pi"), text("stripe_payment_intent_id")),
        (suffixed("ch"), text("stripe_charge_id")),
    ]
}

async fn paid(town: &Town, currency: &str) -> String {
    let invoice = town.invoice(12_345, currency).await;
    let link = town.link(&invoice).await;
    let paid = town
        .pay(&link, &town.token("pm_card_visa"), 12_345, currency)
        .await;
    assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
    invoice
}

async fn tried_twice(town: &Town) -> String {
    let invoice = town.invoice(12_345, "usd").await;
    let link = town.link(&invoice).await;
    for card in ["pm_card_chargeDeclined", "pm_card_visa"] {
        let tried = town.pay(&link, &town.token(card), 12_345, "usd").await;
        assert_eq!(tried.status, StatusCode::OK, "{}", tried.text);
    }
    town.until_invoice(&invoice, "paid").await;
    invoice
}

async fn at_the_bank(town: &Town) -> String {
    let invoice = town.invoice(12_345, "usd").await;
    let link = town.link(&invoice).await;
    let asked = town
        .pay(
            &link,
            &town.token("pm_card_authenticationRequired"),
            12_345,
            "usd",
        )
        .await;
    assert_eq!(asked.body["status"], "requires_action", "{}", asked.text);
    invoice
}

async fn found_out_by_an_event(town: &Town) -> String {
    let invoice = at_the_bank(town).await;
    town.challenge(town.intents()[0]["id"].as_str().unwrap(), "complete");
    town.until_invoice(&invoice, "paid").await;
    invoice
}

async fn integrators_intent(town: &Town, invoice: &str) -> Value {
    let made = town.command(invoice, "payment-intent").await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    made.body
}

/// Somebody changes the intent's amount at Stripe before its payer confirms it.
async fn other_amount(town: &Town, amount: i64) -> String {
    let invoice = town.invoice(12_345, "usd").await;
    let made = integrators_intent(town, &invoice).await;
    let path = format!(
        "/v1/payment_intents/{}",
        made["stripe_payment_intent_id"].as_str().unwrap()
    );
    let account = Some(town.msp.account.as_str());
    town.stripe("POST", &path, account, &format!("amount={amount}"));
    let token = town.typed_token("4242424242424242");
    let form = format!(
        "client_secret={}&confirmation_token={token}",
        made["client_secret"].as_str().unwrap()
    );
    let confirmed = town.stripe_with(
        "pk_test_psapay_demo",
        "POST",
        &format!("{path}/confirm"),
        account,
        &form,
    );
    assert_eq!(confirmed["status"], "succeeded", "{confirmed}");
    let settled = amount.min(12_345);
    town.until("the payment", async || {
        town.read_invoice(&invoice).await["amount_paid"] == settled
    })
    .await;
    invoice
}

/// What Stripe never does: money arrives by an intent that was cancelled.
async fn void_and_paid_all_the_same(town: &Town) -> String {
    let invoice = town.invoice(12_345, "usd").await;
    let made = integrators_intent(town, &invoice).await;
    let intent = made["stripe_payment_intent_id"].as_str().unwrap();
    assert_eq!(town.command(&invoice, "void").await.status, StatusCode::OK);
    let mut event = town.event_about("payment_intent.created", intent);
    event["id"] = json!("evt_planted");
    event["type"] = json!("payment_intent.succeeded");
    let object = &mut event["data"]["object"];
    object["status"] = json!("succeeded");
    object["amount_received"] = json!(12_345);
    object["latest_charge"] = json!("ch_planted");
    let delivered = town
        .deliver_signed(TEST_WEBHOOK_SECRET, event.to_string().as_bytes())
        .await;
    assert_eq!(delivered.status, StatusCode::OK);
    const ARRIVED: Sql = Sql::new("select count(*) as n from payments where stripe_charge_id = 'ch_planted'");
    town.until("the money", async || town.number(&ARRIVED).await == 1)
        .await;
    invoice
}

async fn draft(town: &Town) -> String {
    let draft = json!({"client_id": town.msp.client_id, "currency": "usd",
        "lines": [{"description": "Managed workplace", "quantity": "1", "unit_price": 900}]});
    let made = town
        .api(&town.msp.key, Method::POST, "/api/invoices", draft)
        .await;
    made.body["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", made.text))
        .to_owned()
}
