//! Lighthouse judges what people open most, on a desktop and on a phone: in `./check full`, because it takes
//! a minute.

use std::process::Command;

use domain::Role;
use serde_json::Value;

use crate::cli_triggers::tools::{Npm, run, text};
use crate::engines::World;
use crate::person::{COOKIE, Person};
use crate::town::Town;

/// The least of 100 points, in everything that is judged.
const LEAST: u64 = 95;

#[test]
fn the_overview_an_invoice_and_the_pay_page_are_what_lighthouse_calls_good() {
    if std::env::var("PSA_PAY_CHECK_FULL").as_deref() != Ok("1") {
        println!("Lighthouse judges in ./check full");
        return;
    }
    let Some(npm) = Npm::find("LIGHTHOUSE") else {
        return;
    };
    // Lighthouse looks for a browser by itself where none is named.
    let chromium = std::env::var("CHROMIUM").unwrap_or_default();
    let folder = npm.install("lighthouse", &["judge.mjs"]);
    Town::run(&World::sqlite(), async |town| {
        let invoice = town.invoice(148_290, "usd").await;
        let link = town.link(&invoice).await;
        let tenant = town.msp.scope.tenant.clone();
        let dana = Person::new(&town, &tenant, Role::Owner, "dana@northwind.example").await;
        let mut command = Command::new(&npm.node);
        command
            .current_dir(&folder)
            .args(["judge.mjs", &chromium, &format!("{COOKIE}={}", dana.session())])
            .args(
                ["/", &format!("/invoices/{invoice}"), &format!("/pay/{link}")]
                    .map(|path| format!("{}{path}", town.url)),
            );
        let output = tokio::task::spawn_blocking(move || run(&mut command))
            .await
            .unwrap();
        assert!(output.status.success(), "{}", text(&output));
        let said = String::from_utf8(output.stdout).unwrap();
        let judged: Vec<Value> = said
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(judged.len(), 6, "{said}");
        for (page, paths) in judged
            .iter()
            .zip(["/", "/", "/invoices/", "/invoices/", "/pay/", "/pay/"])
        {
            println!("{page}");
            let shown = page["url"].as_str().unwrap().strip_prefix(&town.url).unwrap();
            assert!(shown.starts_with(paths) && !shown.starts_with("/login"), "{page}");
            let scores = page["scores"].as_object().unwrap();
            assert_eq!(scores.len(), 3, "{page}");
            assert!(
                scores.values().all(|score| score.as_u64().unwrap() >= LEAST),
                "{page}"
            );
        }
    });
}
