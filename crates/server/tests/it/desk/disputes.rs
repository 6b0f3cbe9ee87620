//! The dispute desk: what has to be answered stands first with its day, the answer is written over what is
//! known, reviewed and sent once, and what a loss means is decided in plain words.

use domain::Role;
use serde_json::json;

use super::{once, staff};
use crate::disputes::{decide, newest, open, paid};
use crate::engines::World;
use crate::town::Town;

both! {
    fn a_dispute_is_answered_once_after_a_review(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Billing, "dana@northwind.example").await;
            dana.get("/disputes").await.assert_says(200, &["No dispute is open"]);
            let (_, charge) = paid(&town).await;
            open(&town, &charge, json!({"reason": "fraudulent"}));
            town.until("the dispute", async || !dana.get("/disputes")
                .await.text.contains("No dispute")).await;
            let list = dana.get("/disputes").await;
            list.assert_says(200, &["To answer", "Payer does not know the payment", "$123.45", " days"]);
            let path = format!("/disputes/{}", newest(&town).await["id"].as_str().unwrap());
            let shown = dana.get(&path).await;
            shown
                .assert_says(200, &["The bank waits for your side", "The bank holds $123.45",
                    "Write the answer"]);
            dana.get(&format!("{path}/submit")).await.assert_sent_to(&format!("{path}/evidence"));

            let form = dana.get(&format!("{path}/evidence")).await;
            form.assert_says(200, &["What is known of the invoice", "name=\"customer_name\"",
                "What was sold"]);
            let long = "x".repeat(20_001);
            let typed = [("version", "0"), ("customer_name", "Harbor Dental"), ("product_description",
                &long)];
            let refused = dana.post(&format!("{path}/evidence"), &typed).await;
            refused.assert_says(422, &["What was sold must be plain text", "value=\"Harbor Dental\""]);
            let typed = [
                ("version", "0"), ("customer_name", "Harbor Dental"),
                ("product_description", "Managed workplaces\r\nfor November"), ("press", "review"),
            ];
            let saved = dana.post(&format!("{path}/evidence"), &typed).await;
            saved.assert_sent_to(&format!("{path}/submit"));
            let stale = dana.post(&format!("{path}/evidence"), &typed).await;
            stale.assert_says(409, &["changed since you reviewed"]);

            let review = dana.get(&format!("{path}/submit")).await;
            review.assert_says(200, &["The bank reads it once", "Managed workplaces", "for November"]);
            review.assert_says(200, &["Not said, and banks look for it", "Signs of use"]);
            let key = once(&review);
            let fields = [("form_key", key.as_str()), ("version", "1")];
            for _press in 0..2 {
                let sent = dana.post(&format!("{path}/submit"), &fields).await;
                sent.assert_sent_to(&format!("{path}?done=evidence-sent"));
            }
            let shown = dana.get(&path).await;
            shown.assert_says(200, &["What you told the bank", "Managed workplaces"]);
            let late = dana.post(&format!("{path}/submit"), &[("version", "1")]).await;
            assert!(late.status.is_client_error(), "{}", late.words());
            let reader = staff(&town, Role::ReadOnly, "kim@northwind.example").await;
            let shown = reader.get(&path).await;
            assert!(!shown.text.contains("/accept\""), "nothing that kim may not do");
        });
    }

    fn what_a_loss_means_is_decided_in_plain_words(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            let (invoice, charge) = paid(&town).await;
            let dispute = open(&town, &charge, json!({}));
            decide(&town, &dispute, "lose");
            let to_decide = "/disputes?state=to-decide";
            town.until("the loss", async || !dana.get(to_decide)
                .await.text.contains("Nothing to decide")).await;
            dana.get(to_decide).await.assert_says(200, &["Lost, to decide", "$123.45"]);
            let path = format!("/disputes/{}", newest(&town).await["id"].as_str().unwrap());
            dana.get(&path).await
                .assert_says(200, &["Say what becomes of the invoice", "The bank kept $123.45"]);
            let form = dana.get(&format!("{path}/settle")).await;
            form.assert_says(200, &["The client still owes it", "is open again by $123.45", "You bear it"]);
            let key = once(&form);
            let unsaid = dana.post(&format!("{path}/settle"), &[("form_key", key.as_str())]).await;
            unsaid.assert_says(422, &["must be chosen"]);
            let fields = [("form_key", key.as_str()), ("outcome", "forgiven")];
            for _press in 0..2 {
                let done = dana.post(&format!("{path}/settle"), &fields).await;
                done.assert_sent_to(&format!("{path}?done=dispute-settled"));
            }
            dana.get(&path).await.assert_says(200, &["You bear $123.45", "Credit note CN-"]);
            dana.get(&format!("{path}/settle")).await.assert_sent_to(&path);
            let shown = dana.get(&format!("/invoices/{invoice}")).await;
            let paper = shown.between("href=\"/credit-notes/", "\"");
            let pdf = dana.get(&format!("/credit-notes/{paper}")).await;
            assert_eq!(pdf.headers["content-type"], "application/pdf");
            dana.get("/disputes?state=over").await.assert_says(200, &["Lost"]);
        });
    }

    fn a_dispute_is_given_up_after_a_question(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            let (_, charge) = paid(&town).await;
            open(&town, &charge, json!({}));
            town.until("the dispute", async || !dana.get("/disputes")
                .await.text.contains("No dispute")).await;
            let path = format!("/disputes/{}", newest(&town).await["id"].as_str().unwrap());
            let ask = dana.get(&format!("{path}/accept")).await;
            ask.assert_says(200, &["Give up the dispute?", "for good", "$123.45"]);
            let key = once(&ask);
            for _press in 0..2 {
                let done = dana.post(&format!("{path}/accept"), &[("form_key", key.as_str())]).await;
                done.assert_sent_to(&format!("{path}?done=dispute-accepted"));
            }
            let lost = async || dana.get(&path).await.text.contains("Say what becomes");
            town.until("the loss", lost).await;
        });
    }
}
