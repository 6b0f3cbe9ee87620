//! The screens where an MSP's people work, for [`super`] to look at.

use domain::Role;

use super::{Auditor, money_screens};
use crate::person::Person;
use crate::town::Town;

/// A late invoice, a paid one and a draft.
async fn some_weeks(town: &Town) {
    let scope = &town.msp.scope;
    let (app, by) = (&town.app, flows::By::new(flows::Actor::CommandLine));
    for (name, price, days) in [
        ("Harbor Dental Group", 6_500, -9),
        ("Lakeside Architects LLP", 16_500, 12),
        ("Prairie Veterinary Clinic", 9_500, 3),
    ] {
        let details = flows::clients::Details {
            address: vec!["12 Harbor Street".to_owned(), "Portland, ME 04101".to_owned()],
            ..flows::clients::Details::named(name, Some("accounts@harbordental.example"))
        };
        let client = flows::clients::add(app, scope, &by, app.moment(), details)
            .await
            .unwrap();
        let currency = domain::Currency::parse("usd").unwrap();
        let rate = domain::invoice::TaxRate::from_thousandths_of_percent(8_875).unwrap();
        let line = |text: &str, quantity: &str| {
            let quantity = domain::invoice::Quantity::parse(quantity).unwrap();
            domain::invoice::Line::new(text, quantity, domain::Money::new(price, currency), rate).unwrap()
        };
        let due = domain::seal::Day::of(app.clock.now().plus_ms(days * 24 * 60 * 60 * 1000));
        let draft = flows::invoicing::Draft {
            client_id: client.id,
            currency,
            memo: Some("Managed services. Thank you for your business.".to_owned()),
            due_date: Some(due.to_string()),
            discount: Some(domain::invoice::Discount::Percent(500)),
            lines: vec![
                line("Managed workplace, per seat", "14")
                    .less(Some(domain::invoice::Discount::Percent(1_000)), currency)
                    .unwrap(),
                line("On-site support, hours", "3.25"),
            ],
        };
        let made = flows::invoicing::create(app, scope, &by, app.moment(), draft)
            .await
            .unwrap();
        if days != 3 {
            flows::invoicing::finalize(app, scope, &by, &made.id)
                .await
                .unwrap();
        }
        if days == 12 {
            let link = town.link(made.id.as_str()).await;
            town.pay(&link, &town.token("pm_card_visa"), made.total.minor(), "usd")
                .await;
            town.until_invoice(made.id.as_str(), "paid").await;
        }
    }
}

/// Where an MSP's people work, as it is after some weeks.
pub async fn screens(auditor: &mut Auditor<'_>, town: &Town) {
    let scope = &town.msp.scope;
    let mara = Person::new(town, &scope.tenant, Role::Owner, "mara@northwind.example").await;
    auditor.become_somebody(&mara).await;
    some_weeks(town).await;
    auditor.look("overview", "/").await;
    auditor.look("clients", "/clients").await;
    auditor.look("client-new", "/clients/new").await;
    auditor.fill(&[("name", ""), ("email", "accounts")]).await;
    auditor.browser.wait_for(".summary").await;
    auditor.inspect("client-refused").await;
    auditor.look("invoices", "/invoices").await;
    auditor.look("invoices-none", "/invoices?state=void").await;
    auditor.look("invoice-choose", "/invoices/new").await;
    auditor.browser.click(".choose a").await;
    auditor.browser.wait_for("#lines").await;
    auditor
        .browser
        .fill("#description-0", "Remote support, hours")
        .await;
    auditor.browser.fill("#quantity-0", "1.333").await;
    auditor.browser.fill("#price-0", "95").await;
    auditor.browser.wait_for_text("#totals", "$126.64").await;
    auditor.browser.fill("#discount-0", "10%").await;
    auditor.browser.fill("#whole_discount", "5.00").await;
    auditor.browser.wait_for_text("#totals", "$113.98").await;
    auditor.browser.click("[data-add-line]").await;
    auditor.browser.wait_for("#description-3").await;
    auditor.inspect("invoice-editor").await;
    auditor.browser.click("button[value=send]").await;
    auditor.browser.wait_for(".items").await;
    auditor.inspect("invoice-send").await;
    auditor.browser.click("main button.primary").await;
    auditor.browser.wait_for("#panel").await;
    auditor.inspect("invoice-sent").await;
    let list = mara.get("/invoices?state=paid").await;
    let paid = list.between("class=\"row-link nowrap\" href=\"", "\"");
    auditor.look("invoice-paid", &paid).await;
    let shown = mara.get(&paid).await;
    let payment = shown.between("href=\"/payments/pay_", "/refund");
    auditor
        .look("refund", &format!("/payments/pay_{payment}/refund"))
        .await;
    auditor.look("credit", &format!("{paid}/credit")).await;
    auditor.look("payments", "/payments").await;
    auditor.look("payment", &format!("/payments/pay_{payment}")).await;
    let list = mara.get("/clients").await;
    let client = list.between("class=\"row-link\" href=\"", "\"");
    auditor.look("client", &client).await;
    money_screens::screens(auditor, town, &format!("pay_{payment}")).await;
    let of = paid.strip_prefix("/invoices/").unwrap();
    let note = serde_json::json!({"amount": 100, "reason": "Agreed on the phone"});
    let note = town
        .api(
            &town.msp.key,
            reqwest::Method::POST,
            &format!("/api/invoices/{of}/credit-notes"),
            note,
        )
        .await;
    assert!(note.status.is_success(), "{}", note.text);
    let owner = town.read_invoice(of).await;
    let owner = format!("/clients/{}", owner["client_id"].as_str().unwrap());
    auditor.look("client-with-credit", &owner).await;
    auditor.look("client-credit", &format!("{owner}/credit")).await;
}
