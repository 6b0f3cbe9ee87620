//! What happens to money is mailed once to whom it concerns, however often it is observed.

use reqwest::Method;
use serde_json::{Value, json};

use super::{PostOffice, call, check_form, until_taken, with_mail};
use crate::disputes;
use crate::engines::World;
use crate::refunds;
use crate::town::Town;

both! {
    fn a_payment_its_refund_and_its_dispute_are_mailed_once(world: &World) {
        with_mail(world, "facts", async |town: Town, office: PostOffice| {
            let all = ["staff_paid", "staff_payment_failed", "staff_refund_failed", "staff_dispute",
                "staff_requirements", "staff_payout_failed"];
            let notices = json!({"notices": [
                {"address": "boss@northwind.example", "name": "Bo", "language": "fr", "kinds": all},
                {"address": "desk@northwind.example", "kinds": ["staff_dispute"]},
            ]});
            call(&town, Method::PUT, "/api/settings/mail", notices).await;
            let paid = refunds::paid(&town, 12_345, "pm_card_visa").await;
            let taken = until_taken(&town, &office, 2).await;
            let find = |taken: &[Value], to: &str, subject: &str| {
                let subject = format!("[TEST] {subject}");
                let is_it = |mail: &&Value| mail["rcpt_to"][0] == to && mail["subject"] == subject;
                assert_eq!(taken.iter().filter(is_it).count(), 1, "{subject} to {to} in {taken:#?}");
            };
            let receipt = "Receipt: $123.45 to Northwind IT Services";
            find(&taken, "accounts@harbordental.example", receipt);
            find(&taken, "boss@northwind.example", "Harbor Dental Group a payé 123,45\u{a0}$");
            // The same events once more, and a look at Stripe.
            for type_ in ["payment_intent.succeeded", "charge.succeeded"] {
                let event = town.event(type_);
                let body = event.to_string();
                town.deliver_signed(server::demo::TEST_WEBHOOK_SECRET, body.as_bytes()).await;
            }
            let refund = json!({"payment_id": paid.payment, "amount": 2_345, "settlement": "still_owed"});
            let refund = refund_as_taken(&town, refund).await;
            refunds::settle(&town).await;
            let taken = until_taken(&town, &office, 3).await;
            find(&taken, "accounts@harbordental.example", "Refund of $23.45 from Northwind IT Services");
            // It says what it means for the invoice, and leads to it.
            let told = taken[2]["text"].as_str().unwrap();
            for said in ["$23.45 of our invoice INV-00001 is owed again.", "Pay $23.45", "/pay/"] {
                assert!(told.contains(said), "{said} in {told}");
            }
            // Whoever has no login reads why it comes all the same.
            let alert = taken.iter().find(|mail| mail["rcpt_to"][0] == "boss@northwind.example").unwrap();
            let why = alert["text"].as_str().unwrap();
            assert!(why.contains("Northwind IT Services fait envoyer ses avis"), "{why}");
            disputes::open(&town, &paid.charge, json!({}));
            refunds::settle(&town).await;
            let taken = until_taken(&town, &office, 5).await;
            find(&taken, "desk@northwind.example", "Harbor Dental Group disputes a payment of $123.45");
            taken.iter().for_each(|mail| check_form(mail, &town.url));
            assert!(refund["id"].is_string());
            town.advance_ms(15 * 60 * 1000);
            flows::reconcile::run(&town.app).await.unwrap();
            until_taken(&town, &office, 5).await;
        });
    }
}

async fn refund_as_taken(town: &Town, refund: Value) -> Value {
    call(town, Method::POST, "/api/refunds", refund).await
}
