//! The screens where an MSP's people work, over HTTP: a client is added and an invoice written, sent,
//! followed and given back, in forms alone, without a script; what is wrong stands beside its field, a
//! second press does nothing twice, and of two who change the same thing the second sees what the first
//! did.

mod costs;
mod disputes;
mod history;
mod hostile;
mod hostile_money;
mod links;
mod lists;
mod papers;
pub mod payouts;
mod search;
mod settings;

use domain::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::dashboard::newcomer;
use crate::engines::World;
use crate::person::{Person, Shown};
use crate::town::{Reply, Town};

async fn staff(town: &Town, role: Role, email: &str) -> Person {
    Person::new(town, &town.msp.scope.tenant, role, email).await
}

/// What the API says.
async fn read(town: &Town, path: &str) -> Reply {
    town.api(&town.msp.key, Method::GET, path, Value::Null).await
}

/// A key as a form has it.
fn once(page: &crate::person::Shown) -> String {
    page.between("name=\"form_key\" value=\"", "\"")
}

/// Adds a client, and answers its path.
async fn add_client(person: &Person, name: &str) -> String {
    let page = person.get("/clients/new").await;
    let email = format!("{}@example.com", name.to_lowercase().replace(' ', "."));
    let fields = [
        ("form_key", once(&page)),
        ("name", name.to_owned()),
        ("email", email),
        ("address", "12 Harbor Street\r\nPortland, ME 04101".to_owned()),
        ("tax_id", String::new()),
    ];
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let added = person.post("/clients", &fields).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.words());
    added.location().split('?').next().unwrap().to_owned()
}

/// Writes a draft with one line, and answers its path.
async fn write(person: &Person, client: &str, price: &str) -> String {
    let client = client.strip_prefix("/clients/").unwrap();
    let page = person.get(&format!("/invoices/new?client={client}")).await;
    let key = once(&page);
    let fields = [
        ("form_key", key.as_str()),
        ("client", client),
        ("currency", "usd"),
        ("due_date", "2026-12-18"),
        ("description", "Managed workplace, per seat"),
        ("quantity", "14"),
        ("price", price),
        ("tax", "8.875"),
        ("description", ""),
        ("quantity", ""),
        ("price", ""),
        ("tax", "8.875"),
        ("memo", ""),
        ("press", "save"),
    ];
    let saved = person.post("/invoices", &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.words());
    saved.location().split('?').next().unwrap().to_owned()
}

async fn nothing_is_finalized_that_cannot_be_sent_or_was_not_seen(dana: &Person, draft: &str) {
    let (path, long) = (format!("{draft}/send"), "x".repeat(2_000));
    let refused = dana.post(&path, &[("version", "1"), ("note", &long)]).await;
    refused.assert_says(422, &["Note must be plain text", "Finalize and send"]);
    let overtaken = dana.post(&path, &[("version", "7"), ("note", "")]).await;
    overtaken.assert_says(409, &["Finalize and send"]);
    dana.get(draft).await.assert_says(200, &["Draft"]);
}

/// Where the next page of a list is.
fn next_page(page: &Shown) -> Option<String> {
    let (before, _) = page.text.split_once("rel=\"next\"")?;
    let href = before.rsplit("href=\"").next()?;
    Some(href.split('"').next()?.replace("&amp;", "&"))
}

both! {
    fn an_invoice_is_written_sent_paid_and_given_back_in_forms_alone(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            let client = add_client(&dana, "Harbor Dental Group").await;
            let shown = dana.get(&client).await;
            shown.assert_says(200, &["Harbor Dental Group", "12 Harbor Street", "No invoices yet"]);
            let draft = write(&dana, &client, "65.00").await;
            let shown = dana.get(&draft).await;
            shown.assert_says(200, &["Draft", "Managed workplace, per seat", "$990.76", "Finalize and send"]);

            nothing_is_finalized_that_cannot_be_sent_or_was_not_seen(&dana, &draft).await;
            let review = dana.get(&format!("{draft}/send")).await;
            review.assert_says(200, &["Who gets it", "harbor.dental.group@example.com", "cannot be edited"]);
            let version = review.between("name=\"version\" value=\"", "\"");
            let fields = [
                ("form_key", once(&review)),
                ("version", version),
                ("note", "Thank you, Dana".to_owned()),
            ];
            let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
            for _press in 0..2 {
                let sent = dana.post(&format!("{draft}/send"), &fields).await;
                sent.assert_sent_to(&format!("{draft}?done=sent"));
            }
            let stale = [("version", "1"), ("finalizes", "1"), ("note", "")];
            let late = dana.post(&format!("{draft}/send"), &stale).await;
            late.assert_sent_to(&format!("{draft}?done=sent-before"));
            let id = draft.strip_prefix("/invoices/").unwrap();
            let mails = read(&town, &format!("/api/invoices/{id}/mails")).await.body;
            assert_eq!(mails["data"].as_array().unwrap().len(), 1, "{mails}");
            let shown = dana.get(&draft).await;
            let mailed = "on its way to harbor.dental.group@example.com";
            shown.assert_says(200, &["INV-", "Open", "Still owed", mailed]);
            dana.get("/invoices?state=open").await.assert_says(200, &["Harbor Dental Group", "$990.76"]);
            dana.get("/").await.assert_says(200, &["Outstanding", "$990.76"]);

            let link = town.link(id).await;
            town.pay(&link, &town.token("pm_card_visa"), 99_076, "usd").await;
            town.until_invoice(id, "paid").await;
            let paid = dana.get(&draft).await;
            paid.assert_says(200, &["Paid", "$990.76 was paid", "Give money back"]);
            let payment = paid.between("href=\"/payments/pay_", "/refund");
            let form = dana.get(&format!("/payments/pay_{payment}/refund?invoice={id}")).await;
            form.assert_says(200, &["The client owes it again", "A numbered credit note", "990.76"]);
            let path = format!("/payments/pay_{payment}/refund");
            let key = once(&form);
            let version = form.between("name=\"version\" value=\"", "\"");
            let with = |amount| {
                let mut fields = vec![("form_key", key.as_str()), ("invoice", id), ("amount", amount)];
                fields.extend([("version", version.as_str()), ("settlement", "forgiven"), ("fee", "kept")]);
                fields
            };
            let nothing = with("12,50");
            dana.post(&path, &nothing).await.assert_says(422, &["Amount must be an amount such as", "12,50"]);
            let unsaid = [("form_key", key.as_str()), ("invoice", id), ("amount", "100.00")];
            dana.post(&path, &unsaid).await.assert_says(422, &["must be chosen"]);
            let refused = dana.post(&path, &with("991")).await;
            assert!(refused.status.is_client_error(), "{}", refused.words());
            for _press in 0..2 {
                dana.post(&path, &with("100.00")).await.assert_sent_to(&format!("{draft}?done=refunded"));
            }
            let shown = dana.get(&draft).await;
            shown.assert_says(200, &["Given back", "$100.00", "Credit note CN-"]);
            let refunds = read(&town, "/api/refunds").await.body;
            assert_eq!(refunds["data"].as_array().unwrap().len(), 1, "{refunds}");
        });
    }

    fn what_is_wrong_with_an_invoice_stands_beside_its_line_and_nothing_typed_is_lost(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Billing, "dana@northwind.example").await;
            let client = add_client(&dana, "Lakeside Architects").await;
            let id = client.strip_prefix("/clients/").unwrap();
            let page = dana.get(&format!("/invoices/new?client={id}")).await;
            let key = once(&page);
            let typed = [
                ("form_key", key.as_str()), ("client", id), ("currency", "usd"), ("due_date", "soon"),
                ("description", "Server migration"), ("quantity", "two"), ("price", "165.00"), ("tax", ""),
                ("description", "<script>alert(1)</script>"), ("quantity", "1"),
                ("price", "1.234,50"), ("tax", "abc"),
                ("memo", "First instalment"), ("press", "save"),
            ];
            let refused = dana.post("/invoices", &typed).await;
            refused.assert_says(422, &["Due date must be a day", "Quantity of line 1 must be"]);
            refused.assert_says(422, &["Price of line 2 must be", "Tax"]);
            refused.assert_says(422, &["id=\"quantity-0-error\"", "value=\"1.234,50\"", "First instalment"]);
            assert!(!refused.text.contains("<script>alert"), "{}", refused.text);
            assert_eq!(once(&refused), key, "the form keeps its key");

            let more = typed.map(|(name, value)| (name, if name == "press" { "more" } else { value }));
            // A form that comes back says on what it was based.
            let longer = dana.post("/invoices", &more).await;
            longer.assert_says(200, &["id=\"description-6\"", "once every line and discount can be taken"]);
            let totals = [
                ("currency", "usd"), ("description", "Hours"), ("quantity", "1.333"), ("price", "95"),
                ("tax", "8.875"),
            ];
            let sums = dana.post("/invoices/totals", &totals).await;
            sums.assert_says(200, &["Subtotal", "$126.64", "Tax 8.875%", "$137.88"]);
            let none = read(&town, "/api/invoices").await.body;
            assert_eq!(none["data"], json!([]), "nothing was saved");
        });
    }

    fn of_two_who_change_the_same_thing_the_second_sees_what_the_first_did(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            let lee = staff(&town, Role::Billing, "lee@northwind.example").await;
            let client = add_client(&dana, "Prairie Veterinary").await;
            let edit = format!("{client}/edit");
            let (first, second) = (dana.get(&edit).await, lee.get(&edit).await);
            let version = |page: &crate::person::Shown| page.between("name=\"version\" value=\"", "\"");
            let (one, two) = (version(&first), version(&second));
            let named = |version, name| [("version", version), ("name", name), ("email", "")];
            dana.post(&client, &named(&one, "Prairie Veterinary Clinic")).await
                .assert_sent_to(&format!("{client}?done=saved"));
            let conflict = lee.post(&client, &named(&two, "Prairie Vets")).await;
            conflict.assert_says(409, &["Somebody else has changed this client"]);
            conflict.assert_says(409, &["Prairie Veterinary Clinic"]);
            conflict.assert_says(409, &["value=\"Prairie Vets\""]);
            lee.post(&client, &named(&version(&conflict), "Prairie Vets")).await
                .assert_sent_to(&format!("{client}?done=saved"));

            let draft = write(&dana, &client, "95.00").await;
            let id = client.strip_prefix("/clients/").unwrap();
            let page = lee.get(&format!("{draft}/edit")).await;
            let seen = version(&page);
            let line = |price: &'static str| [
                ("client", id), ("currency", "usd"), ("description", "Remote support"), ("quantity", "2"),
                ("price", price), ("tax", ""), ("press", "save"),
            ];
            let with = |version: &'static str, price| {
                let mut fields = line(price).to_vec();
                fields.push(("version", version));
                fields
            };
            assert_eq!(seen, "1");
            dana.post(&draft, &with("1", "80.00")).await.assert_sent_to(&format!("{draft}?done=saved"));
            let typo = lee.post(&draft, &with("1", "seventy")).await;
            typo.assert_says(422, &["Price of line 1 must be"]);
            assert_eq!(version(&typo), "1", "a form that comes back is of the version it was made of");
            let conflict = lee.post(&draft, &with("1", "70.00")).await;
            conflict.assert_says(422, &["Somebody else has changed this draft", "value=\"70.00\""]);
            conflict.assert_says(422, &["2 × Remote support at 80.00"]);

            let done = dana.post(&format!("{draft}/finalize"), &[("version", "1")]).await;
            done.assert_says(409, &["That was not done"]);
            let done = dana.post(&format!("{draft}/finalize"), &[("version", "2")]).await;
            done.assert_sent_to(&format!("{draft}?done=finalized"));
            let late = lee.post(&draft, &with("2", "70.00")).await;
            assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.words());
            lee.get(&format!("{draft}/edit")).await.assert_sent_to(&draft);
            let unsaid = dana.post(&format!("{draft}/void"), &[]).await;
            unsaid.assert_says(409, &["Nothing was done"]);
            let question = unsaid.between("action=\"/invoices/", "\"");
            dana.post(&format!("/invoices/{question}"), &[]).await
                .assert_sent_to(&format!("{draft}?done=voided"));
            lee.get(&draft).await.assert_says(200, &["Void", "It is void: nothing is owed."]);
        });
    }

    fn lists_are_searched_and_end_where_they_end(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            dana.get("/invoices").await.assert_says(200, &["No invoices yet"]);
            dana.get("/payments").await.assert_says(200, &["No payments yet"]);
            let (_, new) = newcomer(&town).await;
            new.get("/clients").await.assert_says(200, &["No clients yet"]);
            for n in 0..27 {
                add_client(&dana, &format!("Client {n:02}")).await;
            }
            let first = dana.get("/clients").await;
            first.assert_says(200, &["Client 00", "Client 24", "Next"]);
            assert!(!first.words().contains("Client 25"));
            let next = first.between("href=\"/clients?after_key=", "\"");
            let second = dana.get(&format!("/clients?after_key={}", next.replace("&amp;", "&"))).await;
            second.assert_says(200, &["Client 25", "Client 26"]);
            let found = dana.get("/clients?q=CLIENT%2013").await;
            found.assert_says(200, &["Client 13"]);
            assert!(!found.words().contains("Client 14"));
            dana.get("/clients?q=100%25_").await.assert_says(200, &["Nobody is called that"]);

            let path = dana.get("/clients?q=client%2007").await.between("href=\"/clients/cli_", "\"");
            let draft = write(&dana, &format!("/clients/cli_{path}"), "10.00").await;
            dana.post(&format!("{draft}/finalize"), &[("version", "1")]).await;
            dana.get("/clients?q=%00&after_key=%00").await.assert_says(200, &["Client 00"]);
            let number = dana.get(&draft).await.between("<h1>", "</h1>");
            for asked in [number.as_str(), "client%2007", "1"] {
                dana.get(&format!("/invoices?q={asked}")).await.assert_says(200, &[&number, "Client 07"]);
            }
            dana.get("/invoices?q=nobody").await.assert_says(200, &["Nothing was found"]);
            dana.get("/invoices?state=overdue").await.assert_says(200, &["Nothing is overdue"]);
            dana.get("/invoices?state=open&after=inv_0").await.assert_says(200, &[&number]);
            let reader = staff(&town, Role::ReadOnly, "kim@northwind.example").await;
            let shown = reader.get("/invoices").await;
            shown.assert_says(200, &[&number]);
            assert!(!shown.text.contains("New invoice"));
            assert_eq!(reader.get("/invoices/new").await.status, StatusCode::FORBIDDEN);
        });
    }
}
