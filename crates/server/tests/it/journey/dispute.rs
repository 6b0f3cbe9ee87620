//! A dispute on the desk with a browser: the answer is written, a paper is uploaded, all of it is reviewed,
//! and it goes to the bank once.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use super::{PATIENCE, assert_clean, log_in, staffed};
use crate::browser::Browser;
use crate::disputes::{open, paid};
use crate::engines::World;
use crate::person::PASSWORD;
use crate::town::Town;

const DANA: &str = "dana@northwind.example";
const REPORT: &[u8] = b"%PDF-1.7\nService report 2026-11, Harbor Dental Group: 14 tickets, closed.\n%%EOF\n";

both! {
    fn a_dispute_is_answered_with_a_paper_that_was_uploaded_on_the_screen(world: &World) {
        Town::run(world, async |town| {
            let Some(browser) = Browser::open().await else { return };
            let browser = browser.within(PATIENCE);
            staffed(&town, DANA).await;
            let (_, charge) = paid(&town).await;
            let dispute = open(&town, &charge, json!({"reason": "product_not_received"}));
            let known = async || {
                let list = town.api(&town.msp.key, Method::GET, "/api/disputes", Value::Null).await;
                list.body["data"][0]["id"].is_string()
            };
            town.until("the dispute", known).await;
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{:032x}",
                town.app.clock.random()));
            std::fs::create_dir_all(&folder).unwrap();
            let report = folder.join("Service report.pdf");
            std::fs::write(&report, REPORT).unwrap();

            browser.goto(&format!("{}/login", town.url)).await;
            log_in(&browser, DANA, PASSWORD).await;
            browser.click("a[href='/disputes']").await;
            browser.click("main a.row-link").await;
            browser.click("main a[href$='/evidence']").await;
            browser.fill("#service_date", "1 to 30 November 2026").await;
            browser.fill("#product_description", "Managed workplaces for November, 14 seats").await;
            browser.choose_file("#file", &report).await;
            browser.click("main button[value=upload]").await;
            browser.wait_for_text(".said", "The file is part of your answer").await;
            let shown = browser.text("main").await;
            assert!(shown.contains("Service report.pdf (PDF, 80 bytes)"), "{shown}");
            let date = "return document.getElementById('service_date').value";
            assert_eq!(browser.run(date, vec![]).await, "1 to 30 November 2026", "what was typed is there");

            browser.click("main button.primary").await;
            let review = browser.wait_for_text(".told", "Service report.pdf").await;
            assert!(review.contains("Managed workplaces for November, 14 seats"), "{review}");
            browser.click("main button.primary").await;
            browser.wait_for_text(".said", "Your answer went to the bank").await;
            let path = format!("/v1/disputes/{dispute}");
            let at_bank = town.stripe("GET", &path, Some(&town.msp.account), "");
            let file = at_bank["evidence"]["service_documentation"].as_str().unwrap_or_default();
            assert!(file.starts_with("file_"), "{at_bank}");
            assert_eq!(at_bank["evidence_details"]["submission_count"], 1, "{at_bank}");
            assert_clean(&browser).await;
            town.until_quiet().await;
            town.assert_books().await;
            std::fs::remove_dir_all(&folder).unwrap();
        });
    }
}
