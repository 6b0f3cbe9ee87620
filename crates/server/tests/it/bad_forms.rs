//! Whatever a form is filled in with, it is refused with what is wrong beside what was typed, and nothing
//! that was typed is lost: not by an error, and not by a session that ended meanwhile. Every form of every
//! page is found on its page.

use domain::invoice::LINES_MAX;
use domain::{Role, TenantId};
use flows::people::setup;
use reqwest::Method;
use serde_json::{Value, json};
use store::Sql;

use crate::engines::World;
use crate::person::{PASSWORD, Person, Shown};
use crate::town::{Reply, Town};

const MINUTE_MS: i64 = 60_000;
/// What nobody can mean: nothing, far too much, lines and characters that no name and no address has.
const FILLINGS: [&str; 5] = [
    "",
    "   ",
    "x\r\nBcc: eve@example.net\r\n\r\n<script>alert(1)</script>",
    "\u{0}\u{1b}\u{202e}\u{feff}",
    "{\"$gt\": [1e999, null]}",
];

/// A form as it stands on its page.
#[derive(Debug)]
struct Form {
    action: String,
    /// The names of what is filled in, and whether that is hidden while it is typed.
    fields: Vec<(String, bool)>,
    /// The name of a field that must be filled in.
    required: Option<String>,
}

/// The forms of a page in which something is to be filled in.
fn forms(page: &Shown) -> Vec<Form> {
    let form = |text: &str| {
        let (head, rest) = text.split_once('>').unwrap();
        let inside = rest.split_once("</form>").unwrap().0;
        let mut form = Form {
            action: attribute(head, "action").unwrap_or_default(),
            fields: Vec::new(),
            required: None,
        };
        for tag in inside.split('<').filter(|tag| tag.starts_with(['i', 's', 't'])) {
            let tag = tag.split_once('>').map_or(tag, |(tag, _)| tag);
            let kind = attribute(tag, "type").unwrap_or_default();
            let Some(name) = attribute(tag, "name").filter(|_| kind != "hidden") else {
                continue;
            };
            if tag.contains(" required") {
                form.required.get_or_insert(name.clone());
            }
            if !form.fields.iter().any(|(known, _)| *known == name) {
                form.fields.push((name, kind == "password"));
            }
        }
        form
    };
    let all = page.text.split("<form ").skip(1).map(form);
    all.filter(|form| !form.fields.is_empty()).collect()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(rest.split_once('"')?.0.replace("&amp;", "&"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Fills every form of a page in with what cannot be meant. Answers how many there were.
async fn misfill(person: &Person, path: &str) -> usize {
    let page = person.get(path).await;
    assert_eq!(page.status, 200, "{path}: {}", page.words());
    let found = forms(&page);
    let too_long = "x".repeat(5_000);
    for form in &found {
        for text in FILLINGS.into_iter().chain([too_long.as_str()]) {
            person.get(path).await;
            let fields: Vec<(&str, &str)> = form
                .fields
                .iter()
                .map(|(name, _)| (name.as_str(), text))
                .collect();
            let shown = person.post(&form.action, &fields).await;
            let what = format!("{} of {path} with {text:.20?}", form.action);
            assert!(!shown.status.is_server_error(), "{what}: {}", shown.words());
            assert!(!shown.text.contains("<script>alert"), "{what}: {}", shown.text);
            if let Some(required) = form.required.as_ref().filter(|_| text.trim().is_empty()) {
                assert!(
                    shown.status.is_client_error(),
                    "{what}: {required} is missing: {}",
                    shown.words()
                );
            }
            if shown.status != 422 {
                continue;
            }
            // The summary leads to the field, and what was typed stands there again, but for passwords.
            assert!(shown.text.contains("class=\"summary\""), "{what}: {}", shown.text);
            for link in shown.text.split("href=\"#").skip(1) {
                let id = link.split_once('"').unwrap().0;
                assert!(shown.text.contains(&format!("id=\"{id}\"")), "{what}: no {id}");
            }
            for (name, hidden) in &form.fields {
                let tag = |tag: &'_ str| tag.split_once('>').map_or(tag, |(tag, _)| tag).to_owned();
                let tags = shown.text.split('<').map(tag);
                let mut tags = tags.filter(|tag| tag.starts_with("input "));
                let Some(tag) = tags.find(|tag| attribute(tag, "id").as_ref() == Some(name)) else {
                    continue;
                };
                let kind = attribute(&tag, "type").unwrap_or_default();
                if !["text", "email", "password"].contains(&kind.as_str()) {
                    continue;
                }
                let stands = attribute(&tag, "value").unwrap_or_default();
                let kept = if *hidden {
                    String::new()
                } else {
                    escaped(text).replace("&amp;", "&")
                };
                // Blanks around it are nothing that somebody typed.
                assert_eq!(stands.trim(), kept.trim(), "{what}: {name}");
            }
        }
    }
    found.len()
}

/// The answer to an invoice with so many lines.
async fn with_lines(town: &Town, count: usize) -> Reply {
    let line = json!({"description": "Managed workplace", "quantity": "1", "unit_price": 100});
    let draft = json!({"client_id": town.msp.client_id, "currency": "usd", "lines": vec![line; count]});
    town.api(&town.msp.key, Method::POST, "/api/invoices", draft)
        .await
}

const PEOPLE: Sql = Sql::new("select count(*) as n from users");

both! {
    fn no_form_of_any_page_takes_what_cannot_be_meant_or_loses_what_was_typed(world: &World) {
        Town::run(world, async |town| {
            let visitor = Person::visitor(&town);
            setup::offer(&town.app).await.unwrap().unwrap();
            let mut count = misfill(&visitor, "/setup").await;
            let (platform, tenant) = (TenantId::platform(), town.msp.scope.tenant.clone());
            let olga = Person::new(&town, &platform, Role::Operator, "olga@platform.example").await;
            let dana = Person::new(&town, &tenant, Role::Owner, "dana@northwind.example").await;
            dana.get("/settings/users/new").await;
            let fields = [("name", "Lee"), ("email", "lee@northwind.example"), ("role", "billing")];
            let invited = dana.post("/settings/users", &fields).await;
            let token = invited.between("/invitation/", "<");
            let list = dana.get("/settings/users").await;
            let lee = list.between("href=\"/settings/users/usr_", "\"");
            let people = town.number(&PEOPLE).await;
            for path in ["/login", "/forgot", &format!("/invitation/{token}")] {
                count += misfill(&visitor, path).await;
            }
            for path in ["/account", "/settings/users/new", &format!("/settings/users/usr_{lee}"),
                "/settings/api-keys/new"] {
                count += misfill(&dana, path).await;
            }
            for path in ["/operator/tenants/new", &format!("/operator/tenants/{tenant}"), "/account"] {
                count += misfill(&olga, path).await;
            }
            assert!(count >= 18, "{count} forms");
            assert_eq!(town.number(&PEOPLE).await, people, "nobody was added");
        });
    }

    fn a_form_that_outlived_its_session_is_done_after_the_login_with_all_that_was_typed(world: &World) {
        Town::run(world, async |town| {
            let tenant = town.msp.scope.tenant.clone();
            let kim = Person::new(&town, &tenant, Role::Billing, "kim@northwind.example").await;
            // Ticked boxes of one name, a choice, and a text with everything that HTML minds.
            kim.get("/account").await;
            let late = async |person: &Person, path: &str, fields: &[(&str, &str)]| {
                town.advance_ms(13 * 60 * MINUTE_MS);
                let kept = person.post(path, fields).await;
                kept.assert_says(401, &["Nothing you typed is lost"]);
                let mut again = typed(&kept);
                again.push(("again_email".to_owned(), "kim@northwind.example".to_owned()));
                again.push(("again_password".to_owned(), PASSWORD.to_owned()));
                let fields: Vec<(&str, &str)> =
                    again.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
                person.post(path, &fields).await
            };
            let alerts = [("alerts", "staff_dispute"), ("alerts", "staff_paid")];
            late(&kim, "/account/alerts", &alerts).await.assert_sent_to("/account?done=alerts");
            let page = kim.get("/account").await;
            let ticked = |kind: &str| page.text.contains(&format!("value=\"{kind}\" checked"));
            assert!(ticked("staff_paid") && ticked("staff_dispute") && !ticked("staff_payout_failed"));
            let name = "Kim \"O'Neil\" <&> Łódź";
            late(&kim, "/account/name", &[("name", name)]).await.assert_sent_to("/account?done=renamed");
            assert!(kim.get("/account").await.text.contains(&escaped(name)));
        });
    }

    fn a_thousand_lines_are_refused_and_as_many_as_are_taken_are_shown_and_printed(world: &World) {
        Town::run(world, async |town| {
            let refused = with_lines(&town, 1_000).await;
            refused.assert_refused(422, "invalid_field", Some("lines"));
            let made = with_lines(&town, LINES_MAX).await;
            assert_eq!(made.status, 201, "{}", made.text);
            let id = made.body["id"].as_str().unwrap();
            saved_unchanged(&town, id).await;
            let path = format!("/api/invoices/{id}/finalize");
            assert_eq!(town.api(&town.msp.key, Method::POST, &path, Value::Null).await.status, 200);
            let link = town.link(id).await;
            let page = town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await;
            assert_eq!(page.text.matches("Managed workplace").count(), LINES_MAX);
            let path = format!("/pay/{link}/invoice.pdf");
            let pdf = town.public(Method::GET, &path, Value::Null).await.text;
            assert!(pdf.starts_with("%PDF-") && pdf.len() > 10_000, "{} bytes", pdf.len());
        });
    }
}

/// The longest draft, saved from its page as it stands there, with a discount and a remark at its end. The
/// last fields of the form were passed over, and it said that it was saved.
async fn saved_unchanged(town: &Town, id: &str) {
    let tenant = &town.msp.scope.tenant;
    let person = Person::new(town, tenant, Role::Billing, "billing@northwind.example").await;
    let page = person.get(&format!("/invoices/{id}/edit")).await;
    let version = page.between("name=\"version\" value=\"", "\"");
    let mut fields = vec![
        ("version", version.as_str()),
        ("press", "save"),
        ("currency", "usd"),
        ("memo", "Keep me"),
        ("whole_discount", "10%"),
    ];
    for _ in 0..LINES_MAX {
        fields.extend([
            ("description", "Managed workplace"),
            ("quantity", "1"),
            ("price", "10"),
            ("discount", ""),
            ("tax", "19"),
        ]);
    }
    // As on the page, these two stand behind the lines.
    fields.sort_by_key(|(name, _)| matches!(*name, "memo" | "whole_discount"));
    let saved = person.post(&format!("/invoices/{id}"), &fields).await;
    saved.assert_sent_to(&format!("/invoices/{id}?done=saved"));
    let kept = town.read_invoice(id).await;
    assert_eq!(kept["lines"].as_array().unwrap().len(), LINES_MAX);
    // 500 times 10.00, less a tenth, with 19 %.
    assert_eq!(
        (&kept["memo"], &kept["total"]),
        (&json!("Keep me"), &json!(535_500))
    );
    fields.extend([
        ("description", "One more"),
        ("quantity", "1"),
        ("price", "10"),
        ("discount", ""),
        ("tax", "19"),
    ]);
    let refused = person.post(&format!("/invoices/{id}"), &fields).await;
    assert!(refused.text.contains("must be at most 500"), "{}", refused.status);
}

/// What a page keeps of a form, to be sent again.
fn typed(page: &Shown) -> Vec<(String, String)> {
    let form = page.text.split("<form ").nth(1).unwrap();
    let hidden = form
        .split("<input ")
        .filter(|tag| tag.contains("type=\"hidden\""));
    let plain = |text: String| {
        let text = text
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"");
        text.replace("&amp;", "&")
    };
    let pair = |tag: &str| {
        let tag = format!(" {tag}");
        Some((attribute(&tag, "name")?, plain(attribute(&tag, "value")?)))
    };
    let all = hidden.filter_map(pair);
    all.filter(|(name, _)| name != "csrf_token").collect()
}
