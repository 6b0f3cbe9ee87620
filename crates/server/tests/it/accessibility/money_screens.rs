//! The screens of what happens to money beside a payment: disputes, payouts, links, recorded payments,
//! several invoices at once; and settings. For [`super`] to look at.

use std::path::Path;

use domain::{PaymentId, Role};
use serde_json::json;
use store::{balance_transactions, payouts};

use super::Auditor;
use crate::disputes;
use crate::person::Person;
use crate::town::Town;

/// A payout that reached the bank, of all that a payment moved, and one that failed.
async fn paid_out(town: &Town, payment: &str) {
    town.tie_out().await;
    let (moment, scope, account) = (
        town.app.moment(),
        town.msp.scope.clone(),
        town.msp.account.clone(),
    );
    let payment = PaymentId::stored(payment.to_owned());
    let made = town.app.db.write(move |tx| {
        let items = balance_transactions::of_payment(tx, &scope, &payment, 10)?;
        let net: i64 = items.iter().map(|item| item.net).sum();
        let at = moment.at.ms() / 1000;
        let reports = [
            json!({"object": "payout", "id": "po_reached", "amount": net, "currency": "usd", "status": "paid",
                "automatic": true, "created": at, "arrival_date": at, "statement_descriptor": "STRIPE"}),
            json!({"object": "payout", "id": "po_failed", "amount": 50_000, "currency": "usd",
                "status": "failed", "automatic": true, "created": at, "arrival_date": at,
                "failure_code": "account_closed"}),
        ];
        for report in &reports {
            let report = stripe::Payout::from_value(report).unwrap();
            flows::payouts::observe(tx, moment, &scope, &account, &report)?;
        }
        for item in &items {
            payouts::add_item(tx, &scope, "po_reached", &item.id, moment.at)?;
        }
        let mut payout = payouts::get(tx, &scope, "po_reached")?.unwrap();
        payout.itemised_at = Some(moment.at);
        payouts::store(tx, &payout, moment.at)?;
        Ok::<_, flows::Failure>(())
    });
    made.await.unwrap();
}

/// Looks at each.
pub async fn screens(auditor: &mut Auditor<'_>, town: &Town, payment: &str) {
    auditor.look("disputes-none", "/disputes").await;
    // Hours go by until Stripe's balance was read, and a session does not last so long.
    paid_out(town, payment).await;
    let mara = Person::new(
        town,
        &town.msp.scope.tenant,
        Role::Owner,
        "nora@northwind.example",
    )
    .await;
    auditor.become_somebody(&mara).await;
    auditor.look("payouts", "/payouts").await;
    auditor.look("payout", "/payouts/po_reached").await;
    auditor.look("payout-failed", "/payouts/po_failed").await;

    let (_, charge) = disputes::paid(town).await;
    disputes::open(town, &charge, json!({"reason": "fraudulent"}));
    town.until("the dispute", async || {
        !mara.get("/disputes").await.text.contains("No dispute is open")
    })
    .await;
    auditor.look("disputes", "/disputes").await;
    let list = mara.get("/disputes").await;
    let dispute = list.between("class=\"row-link\" href=\"", "\"");
    auditor.look("dispute", &dispute).await;
    auditor
        .look("dispute-answer", &format!("{dispute}/evidence"))
        .await;
    let signed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../documents/tests/data/logo.jpg");
    let signed = signed.canonicalize().unwrap();
    auditor.browser.click("main button[value=upload]").await;
    auditor.browser.wait_for("#file-error").await;
    auditor.browser.choose_file("#file", &signed).await;
    auditor.browser.click("main button[value=upload]").await;
    auditor.browser.wait_for(".said").await;
    auditor.inspect("dispute-papers").await;
    auditor.browser.click("main button.primary").await;
    auditor.browser.wait_for(".told").await;
    auditor.inspect("dispute-review").await;
    auditor.look("dispute-accept", &format!("{dispute}/accept")).await;
    let id = disputes::newest(town).await["stripe_dispute_id"]
        .as_str()
        .unwrap()
        .to_owned();
    disputes::decide(town, &id, "lose");
    let lost = async || mara.get(&dispute).await.text.contains("Say what becomes");
    town.until("the loss", lost).await;
    auditor.look("dispute-lost", &dispute).await;
    auditor.look("dispute-settle", &format!("{dispute}/settle")).await;
    invoices_and_settings(auditor, &mara).await;
}

async fn invoices_and_settings(auditor: &mut Auditor<'_>, mara: &Person) {
    let list = mara.get("/invoices?state=open").await;
    let open = list.between("class=\"row-link nowrap\" href=\"", "\"");
    auditor
        .look("record-payment", &format!("{open}/record-payment"))
        .await;
    auditor.browser.fill("#amount", "100").await;
    auditor.browser.click("main button.primary").await;
    auditor.browser.wait_for("#links").await;
    auditor.inspect("invoice-recorded").await;
    let shown = mara.get(&open).await;
    let recorded = shown.between("/recorded/", "/reverse");
    auditor
        .look("record-undo", &format!("{open}/recorded/{recorded}/reverse"))
        .await;
    auditor.look("link-new", &format!("{open}/links/new")).await;

    auditor
        .look("invoices-filtered", "/invoices?from=2020-01-01&least=9999999")
        .await;
    let id = open.trim_start_matches("/invoices/");
    auditor
        .look("invoices-send", &format!("/invoices/send?invoice={id}"))
        .await;
    auditor.browser.click("main button.primary").await;
    auditor.browser.wait_for(".badge").await;
    auditor.inspect("invoices-sent").await;
    auditor.look("settings-business", "/settings/business").await;
    auditor.look("settings-invoices", "/settings/invoices").await;
    auditor.look("settings-payments", "/settings/payments").await;
    auditor.look("settings-mails", "/settings/mails").await;
}
