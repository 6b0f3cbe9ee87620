//! What an invoice's page keeps of what happened, and what a company that was suspended is told before it
//! begins anything.

use domain::Role;
use domain::tenant::TenantMove;
use flows::{Actor, By, tenants};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{add_client, read, staff};
use crate::engines::World;
use crate::town::Town;

both! {
    fn an_invoice_that_is_owed_again_still_says_when_it_was_settled(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            let invoice = town.invoice(12_345, "usd").await;
            let path = format!("/invoices/{invoice}");
            let link = town.link(&invoice).await;
            let settled = async || dana.get(&path).await.words().matches("Settled in full").count();
            for times in 1..3 {
                town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
                town.until_invoice(&invoice, "paid").await;
                town.until_quiet().await;
                assert_eq!(settled().await, times);
                let payments = read(&town, &format!("/api/payments?invoice_id={invoice}")).await.body;
                let newest = payments["data"].as_array().unwrap().iter().find(|one| one["refunded"] == 0);
                let body = json!({"payment_id": newest.unwrap()["id"], "settlement": "still_owed"});
                let given = town.api(&town.msp.key, Method::POST, "/api/refunds", body).await;
                assert_eq!(given.status, StatusCode::CREATED, "{}", given.text);
                town.until_invoice(&invoice, "open").await;
                assert_eq!(settled().await, times, "what happened has happened");
            }
        });
    }

    fn a_suspended_company_reads_why_it_writes_no_invoice(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            let client = add_client(&dana, "Harbor Dental Group").await;
            let pages = ["/invoices", client.as_str()];
            for path in pages {
                let shown = dana.get(path).await;
                assert!(shown.text.contains("href=\"/invoices/new"), "{path}: {}", shown.words());
            }
            let (by, tenant) = (By::new(Actor::CommandLine), &town.msp.scope.tenant);
            tenants::set(&town.app, &by, tenant, TenantMove::Suspend, Some("Unpaid bills")).await.unwrap();
            for path in pages {
                let shown = dana.get(path).await;
                shown.assert_says(200, &["New invoice", "Your company is suspended: nothing new begins"]);
                assert!(!shown.text.contains("href=\"/invoices/new"), "{path}: {}", shown.words());
            }
        });
    }
}
