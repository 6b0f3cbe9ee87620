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

use crate::parts;
use crate::refunds;
use crate::town::Town;
use crate::{credits, disputes};

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
    let [set, set_second] = two_at_once(&town).await;
    let money_back = money_back(&town).await;
    let (back, of_back) = given_back(&town).await;
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

    all_is_told(&town).await;
    town.assert_nothing_open().await;
    let mut names = vec![
        ("now", town.app.clock.now().ms().to_string()),
        ("ten", first.scope.tenant.to_string()),
        ("ten2", second.scope.tenant.to_string()),
        ("open", open),
        ("draft", draft),
        ("less", less),
        ("euros", euros),
        ("set_second", set_second),
    ];
    names.extend(money_back);
    for (name, id) in [
        ("paid", paid),
        ("tried", tried),
        ("bank", bank),
        ("event", event),
        ("over", over),
        ("void", void),
        ("set", set),
        ("back", back),
    ] {
        names.extend(of_payment(&town, name, &id).await);
    }
    names.extend(of_back);
    ([town, live], Names(names))
}

/// Stripe has told of everything, and everything is applied.
async fn all_is_told(town: &Town) {
    // Of what was never paid at Stripe there is no fee.
    const WITHOUT_FEE: Sql =
        Sql::new("select count(*) as n from payments where status = 'succeeded' and stripe_fee is null");
    const FEES: Sql = Sql::new("select count(*) as n from application_fees");
    const SHOP: Sql = Sql::new("select count(*) as n from external_objects where type = 'charge'");
    for (what, sql, wanted) in [
        ("Stripe's fees", &WITHOUT_FEE, 1),
        ("the platform's fees", &FEES, 11),
        ("the shop's sale", &SHOP, 1),
    ] {
        town.until(what, async || town.number(sql).await == wanted).await;
    }
    town.until_quiet().await;
    // Stripe may have had something to add to the balance while it was read.
    const NOT_MIRRORED: Sql = Sql::new(
        "select count(*) as n from payments p
         where p.status = 'succeeded' and p.stripe_fee is not null and p.livemode = 0
           and not exists (select 1 from balance_transactions b
             where b.stripe_payment_intent_id = p.stripe_payment_intent_id)",
    );
    town.until("the balance", async || {
        town.tie_out().await;
        town.number(&NOT_MIRRORED).await == 0
    })
    .await;
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

/// Two invoices that are paid by one charge.
async fn two_at_once(town: &Town) -> [String; 2] {
    parts::allow(town, json!({"several_invoices": true})).await;
    let first = town.invoice(2_000, "usd").await;
    let second = town.invoice(3_000, "usd").await;
    let link = town.link(&first).await;
    let paid = parts::pay_with(town, &link, "pm_card_visa", 5_000, &[&second]).await;
    assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
    [first, second]
}

/// A part goes back with its part of the fee, another fails weeks later, and a third is made in Stripe's
/// dashboard.
async fn given_back(town: &Town) -> (String, Vec<(&'static str, String)>) {
    let paid = refunds::paid(town, 12_345, "pm_card_visa").await;
    let refund = async |amount: i64, settlement: &str, fee: &str| {
        let body =
            json!({"payment_id": paid.payment, "amount": amount, "settlement": settlement, "fee": fee});
        let made = refunds::refund(town, body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        made.body
    };
    let kept = refund(5_000, "still_owed", "returned").await;
    let failed = refund(2_000, "forgiven", "kept").await;
    let text = |refund: &Value, name: &str| refund[name].as_str().unwrap().to_owned();
    let path = format!("/_simulator/refunds/{}/fail", text(&failed, "stripe_refund_id"));
    town.control("POST", &path, json!({}));
    let path = format!("/_simulator/charges/{}/refund", paid.charge);
    town.control("POST", &path, json!({"amount": 1_000}));
    let (kept_id, failed_id) = (text(&kept, "id"), text(&failed, "id"));
    town.until("the fee's part", async || {
        refunds::read(town, &kept_id).await["fee_status"] == "returned"
    })
    .await;
    town.until("the failure", async || {
        refunds::read(town, &failed_id).await["status"] == "failed"
    })
    .await;
    town.until("the dashboard's", async || {
        refunds::sums(town, &paid.payment).await.0 == 6_000
    })
    .await;
    let names = vec![("rfd", kept_id), ("re", text(&kept, "stripe_refund_id"))];
    (paid.invoice, names)
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
pub async fn other_amount(town: &Town, amount: i64) -> String {
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

/// Money that does not stay: a lost dispute, and credit that pays.
async fn money_back(town: &Town) -> [(&'static str, String); 3] {
    [
        ("dispute", lost_in_a_dispute(town).await),
        ("application", set_off(town).await),
        ("offline", without_stripe(town).await),
    ]
}

/// A cheque that pays a part, and cash that was a mistake: the cheque.
async fn without_stripe(town: &Town) -> String {
    let invoice = town.invoice(900, "usd").await;
    let path = format!("/api/invoices/{invoice}/offline-payments");
    let record = async |body: Value| {
        let made = town.api(&town.msp.key, Method::POST, &path, body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        made.body["id"].as_str().unwrap().to_owned()
    };
    let cheque = record(json!({"method": "cheque", "amount": 400, "reference": "1042"})).await;
    let cash = record(json!({"method": "cash"})).await;
    let path = format!("/api/offline-payments/{cash}/reverse");
    let back = town.api(&town.msp.key, Method::POST, &path, json!({})).await;
    assert_eq!(back.body["invoice"]["amount_due"], 500, "{}", back.text);
    cheque
}

/// A payment that a bank takes back, and that is owed again: the dispute.
async fn lost_in_a_dispute(town: &Town) -> String {
    const LOST: Sql = Sql::new("select count(*) as n from disputes where status = 'lost'");
    paid(town, "usd").await;
    let charge = town.intents()[0]["latest_charge"].as_str().unwrap().to_owned();
    let dispute = disputes::open(town, &charge, json!({}));
    disputes::decide(town, &dispute, "lose");
    town.until("the loss", async || town.number(&LOST).await == 1)
        .await;
    let shown = disputes::newest(town).await;
    let settled = disputes::command(town, &shown, "settle", json!({"outcome": "still_owed"})).await;
    assert_eq!(settled.body["settled"], 12_345, "{}", settled.text);
    shown["id"].as_str().unwrap().to_owned()
}

/// What a client paid too much pays another invoice.
async fn set_off(town: &Town) -> String {
    let (wrong, other) = (paid(town, "usd").await, town.invoice(700, "usd").await);
    let noted = credits::note(town, &wrong, 500).await;
    assert_eq!(noted.body["to_credit"], 500, "{}", noted.text);
    let applied = credits::apply(town, &other, 300).await;
    assert_eq!(applied.body["amount"], 300, "{}", applied.text);
    applied.body["id"].as_str().unwrap().to_owned()
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
