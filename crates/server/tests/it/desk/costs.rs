//! What a payment leaves, where a bank took it back or several invoices were paid by it.

use domain::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::staff;
use crate::engines::World;
use crate::town::Town;
use crate::{disputes, parts, refunds};

both! {
    fn a_disputed_payment_leaves_what_stripe_says(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            let paid = refunds::paid(&town, 10_000, "pm_card_visa").await;
            disputes::open(&town, &paid.charge, json!({}));
            refunds::settle(&town).await;
            let path = format!("/payments/{}", paid.payment);
            let told = async || dana.get(&path).await.text.contains("What is left for you");
            town.until("what Stripe takes", told).await;
            let page = dana.get(&path).await;
            page.assert_says(200, &["Stripe's fee for the dispute", "$15.00", "Taken by the bank"]);
            // 100.00 less the bank's 100.00, the platform's 3.00, Stripe's 3.20 and 15.00 for the dispute.
            page.assert_says(200, &["What is left for you", "−$21.20"]);
            let file = dana.get("/payments.csv").await;
            let rows: Vec<&str> = file.text.lines().collect();
            assert!(rows[0].contains("refunded,disputed,platform_fee,platform_fee_returned"), "{}", rows[0]);
            assert!(rows[1].contains(",0.00,100.00,3.00,0.00,usd,3.20,93.80,15.00,-21.20,"), "{}", rows[1]);
            let refund = dana.get(&format!("/payments/{}/refund", paid.payment)).await;
            refund.assert_says(200, &["Nothing can go back", "A bank disputes this payment"]);
        });
    }

    fn of_a_payment_for_two_invoices_each_is_given_back_by_its_own(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            parts::allow(&town, json!({"several_invoices": true})).await;
            let (one, other) = (town.invoice(1_000, "usd").await, town.invoice(2_000, "usd").await);
            let link = town.link(&one).await;
            let paid = parts::pay_with(&town, &link, "pm_card_visa", 3_000, &[&other]).await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            town.until_invoice(&one, "paid").await;
            town.until_invoice(&other, "paid").await;
            refunds::settle(&town).await;
            let payments = town.api(&town.msp.key, Method::GET, "/api/payments", Value::Null).await;
            let payment = payments.body["data"][0]["id"].as_str().unwrap();
            let back = json!({"payment_id": payment, "amount": 1_000, "settlement": "still_owed",
                "invoice_id": one});
            let back = town.api(&town.msp.key, Method::POST, "/api/refunds", back).await;
            assert!(back.status.is_success(), "{}", back.text);
            refunds::settle(&town).await;
            // Whoever names none is led to the one of which something is left.
            let page = dana.get(&format!("/payments/{payment}/refund")).await;
            page.assert_says(200, &["Up to $20.00 of what was paid for INV-00002"]);
            let page = dana.get(&format!("/payments/{payment}/refund?invoice={one}")).await;
            page.assert_says(200, &["Nothing can go back", "The same payment also paid for", "INV-00002",
                "up to $20.00"]);
            // What went back of one does not stand among what happened to the other.
            dana.get(&format!("/invoices/{one}")).await.assert_says(200, &["$10.00 was given back"]);
            let shown = dana.get(&format!("/invoices/{other}")).await;
            assert!(!shown.words().contains("was given back"), "{}", shown.words());
            assert_ne!(Value::Null, back.body["id"]);
        });
    }

    fn a_link_is_not_made_to_what_was_voided(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(1_000, "usd").await;
            town.command(&invoice, "void").await;
            let somebodys = json!({"email": "ap@harbor.example"});
            for (path, body) in [("links", somebodys), ("pay-link", Value::Null)] {
                let path = format!("/api/invoices/{invoice}/{path}");
                let refused = town.api(&town.msp.key, Method::POST, &path, body).await;
                assert_eq!(refused.code(), "invoice_void", "{}", refused.text);
            }
        });
    }
}
