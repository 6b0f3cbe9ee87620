//! What a search finds is what there is, also where many are called alike.

use std::collections::BTreeSet;

use domain::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{next_page, staff};
use crate::engines::World;
use crate::person::Person;
use crate::town::Town;

/// Adds a client by the API; its id.
async fn client(town: &Town, name: &str, email: Option<&str>) -> String {
    let body = json!({"name": name, "email": email});
    let added = town.api(&town.msp.key, Method::POST, "/api/clients", body).await;
    added.body["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", added.text))
        .to_owned()
}

/// Writes an invoice and finalizes it; its number.
async fn invoice(town: &Town, client: &str, due: Option<&str>) -> String {
    let draft = json!({"client_id": client, "currency": "usd", "due_date": due,
        "lines": [{"description": "Support", "quantity": "1", "unit_price": 2_000}]});
    let made = town
        .api(&town.msp.key, Method::POST, "/api/invoices", draft)
        .await;
    let id = made.body["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", made.text))
        .to_owned();
    let path = format!("/api/invoices/{id}/finalize");
    let done = town.api(&town.msp.key, Method::POST, &path, Value::Null).await;
    done.body["number"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", done.text))
        .to_owned()
}

/// The clients of a list, page after page; none may be there twice.
async fn all_clients(dana: &Person, first: &str) -> BTreeSet<String> {
    let (mut all, mut path) = (BTreeSet::new(), first.to_owned());
    loop {
        let page = dana.get(&path).await;
        page.assert_says(200, &["Clients"]);
        for row in page.text.split("href=\"/clients/cli_").skip(1) {
            let id = row.split('"').next().unwrap().to_owned();
            assert!(all.insert(id), "twice, on {path}");
        }
        match next_page(&page) {
            Some(next) => path = next,
            None => return all,
        }
    }
}

both! {
    fn an_invoice_is_found_by_a_word_that_a_hundred_clients_have(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            let mut last = String::new();
            for nth in 0..104 {
                last = client(&town, &format!("Acme Branch {nth:03}"), None).await;
                if nth == 90 {
                    invoice(&town, &last, None).await;
                    dana.get("/invoices?q=acme").await.assert_says(200, &["INV-00001"]);
                }
            }
            let number = invoice(&town, &last, None).await;
            for asked in ["q=acme", "q=BRANCH", "q=acme&state=open", "q=branch+103"] {
                dana.get(&format!("/invoices?{asked}")).await.assert_says(200, &[&number]);
            }
            // A number is found however many clients have its digits in their names.
            for nth in 0..45 {
                client(&town, &format!("Store 00001 at Gate {nth}"), None).await;
            }
            let found = dana.get("/invoices?q=00001").await;
            found.assert_says(200, &["INV-00001", "Acme Branch 090"]);
            // Of so many clients the newest invoices are looked through, and it goes on from there.
            let none = dana.get("/invoices?q=acme&state=paid").await;
            none.assert_says(200, &["Nothing was found"]);
        });
    }

    fn what_is_overdue_is_found_behind_what_is_newer(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            let zebra = client(&town, "Overdue Zebra", None).await;
            let late = invoice(&town, &zebra, Some("2020-01-31")).await;
            for _ in 0..27 {
                invoice(&town, &zebra, None).await;
            }
            dana.get("/invoices?q=zebra&state=overdue").await.assert_says(200, &[&late]);
            dana.get(&format!("/invoices?client={zebra}&state=overdue")).await.assert_says(200, &[&late]);
        });
    }

    fn clients_of_one_name_without_an_address_are_each_listed_once(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            for nth in 0..60 {
                let name = if nth < 30 { "Walk-in customer".to_owned() } else { format!("Walk-in {nth}") };
                client(&town, &name, None).await;
            }
            // One was there before.
            assert_eq!(all_clients(&dana, "/clients").await.len(), 61);
            assert_eq!(all_clients(&dana, "/clients?q=walk-in").await.len(), 60);
            assert_eq!(all_clients(&dana, "/clients?q=walk-in%20customer").await.len(), 30);
        });
    }
}
