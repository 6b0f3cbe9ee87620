//! A browser that runs no script: lists, searches and forms do all that they do with one, and the pay page
//! says why nothing can be paid.

use super::{PATIENCE, log_in, staffed};
use crate::browser::Browser;
use crate::engines::World;
use crate::person::PASSWORD;
use crate::town::Town;

const DANA: &str = "dana@northwind.example";

/// A client, first with an error beside its field, and an invoice of it with the buttons that stand in for
/// scripts.
async fn write_and_send(browser: &Browser) {
    browser.click("a[href='/clients']").await;
    browser.click("main a[href='/clients/new']").await;
    browser.fill("#name", "Lakeside Architects").await;
    browser.fill("#email", "not an address").await;
    browser.click("main button.primary").await;
    browser.wait_for("#email-error").await;
    browser.fill("#email", "office@lakeside-architects.example").await;
    browser.click("main button.primary").await;
    browser.click("main a[href^='/invoices/new?client=']").await;
    for (field, text) in [
        ("description-0", "Managed workplace, per seat"),
        ("quantity-0", "14"),
        ("price-0", "65.00"),
        ("tax-0", "8.875"),
    ] {
        browser.fill(&format!("#{field}"), text).await;
    }
    browser.click("main button[value=more]").await;
    browser.wait_for("#description-5").await;
    browser.click("main button[value=add-up]").await;
    browser.wait_for_text("#totals", "$990.76").await;
    browser.click("main button[value=send]").await;
    browser.wait_for("#note").await;
    browser.click("main button.primary").await;
    browser.wait_for_text("#panel", "Still owed").await;
}

both! {
    fn lists_forms_and_the_pay_pages_message_work_without_scripts(world: &World) {
        Town::run(world, async |town| {
            let Some(browser) = Browser::open().await else { return };
            let browser = browser.within(PATIENCE);
            staffed(&town, DANA).await;
            browser.without_scripts().await;
            browser.goto(&format!("{}/login", town.url)).await;
            log_in(&browser, DANA, PASSWORD).await;
            write_and_send(&browser).await;
            let url = browser.url().await;
            let id = url.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();

            browser.click("a[href='/invoices']").await;
            browser.fill("#q", "lakeside").await;
            browser.click("main form.search button").await;
            browser.wait_for_text("main .search", "Clear").await;
            let found = browser.text("main").await;
            assert!(found.contains("Lakeside Architects") && found.contains("$990.76"), "{found}");
            browser.fill("#q", "nobody of that name").await;
            browser.click("main form.search button").await;
            browser.wait_for_text("main", "Nothing was found").await;

            let link = town.link(&id).await;
            browser.goto(&town.site.pay_url(&link)).await;
            let said = browser.wait_for_text("#panel", "Paying by card needs JavaScript").await;
            assert!(said.contains("$990.76"), "{said}");
            let paper = browser.text("#invoice").await;
            assert!(paper.contains("Managed workplace, per seat"), "the invoice itself is there: {paper}");
        });
    }
}
