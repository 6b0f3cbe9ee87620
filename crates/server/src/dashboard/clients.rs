//! `/clients`: whom invoices are made to: finding one, adding one, changing what one is called.

use axum::extract::State;
use axum::response::Response;
use domain::business::ADDRESS_LINES_MAX;
use domain::{ClientId, Permission, Refusal, person};
use flows::Failure;
use flows::clients::{self, Details};
use maud::{Markup, html};
use serde::Deserialize;
use store::clients::{self as rows, Client, Cursor};
use store::day_sums::Owed;
use store::invoice_list;

use super::desk::{self, ASKED, SHOWN};
use super::{Done, again, page, said, trouble};
use crate::api::{InPath, Query};
use crate::html::{self as parts, Column, Errors, Field, Input, Pages, Place};
use crate::idempotency::{Once, forms};
use crate::people::{Filled, Person, see_other};
use crate::problem::Problem;
use crate::router::Site;

const PATH: &str = Place::Clients.path();
const TITLE: &str = "Clients";
const ADD: &str = "Add a client";
const LABELS: [(&str, &str); 4] = [
    ("name", "Name"),
    ("email", "E-mail address"),
    ("address", "Address"),
    ("tax_id", "Tax number"),
];

/// Which clients are asked for.
#[derive(Debug, Default, Deserialize)]
pub struct Which {
    #[serde(default)]
    q: String,
    #[serde(default)]
    after_key: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    done: String,
}

/// `GET /clients`
pub async fn list(
    State(site): State<Site>,
    person: Person,
    which: Result<Query<Which>, Problem>,
) -> Response {
    let which = which.map(|Query(which)| which).unwrap_or_default();
    let (scope, today) = (person.scope(), desk::today(&site));
    let text = desk::looked_for(&which.q);
    let after = Cursor {
        key: desk::untouched(&which.after_key),
        id: desk::untouched(&which.after),
    };
    let wanted = text.clone();
    let read = site.app.db.read(move |tx| {
        let found = match wanted.is_empty() {
            true => rows::by_name(tx, &scope, &after, ASKED)?,
            false => rows::find(tx, &scope, &wanted, &after, ASKED)?,
        };
        let with_sums = found.into_iter().map(|client| {
            let owed = invoice_list::owed_by(tx, &scope, &client.id, &today)?;
            Ok::<_, store::Error>((client, owed))
        });
        with_sums.collect::<Result<Vec<_>, _>>()
    });
    match read.await {
        Ok(found) => {
            let asked = Ok(Query(Done { done: which.done }));
            page(
                &person,
                Place::Clients,
                TITLE,
                &shown(&person, &found, &text, &said(&asked)),
            )
        }
        Err(error) => trouble(&person, Place::Clients, error.into()),
    }
}

fn shown(person: &Person, found: &[(Client, Vec<Owed>)], text: &str, said: &Markup) -> Markup {
    let columns = [
        Column::words("Client"),
        Column::words("E-mail"),
        Column::figures("Open invoices"),
        Column::figures("Owed"),
        Column::figures("Overdue"),
    ];
    let (here, more) = (&found[..found.len().min(SHOWN)], found.len() > SHOWN);
    let rows: Vec<parts::Row> = here.iter().map(row).collect();
    let last = here.last().filter(|_| more);
    let pages = Pages {
        next: last.map(|(client, _)| next_page(text, client)),
        ..Pages::default()
    };
    let add = html! {
        @if person.may(Permission::ClientsWrite) { (parts::link_button(ADD, "/clients/new", "primary")) }
    };
    let searched = !text.is_empty();
    html! {
        (parts::title(TITLE, "Whom you send invoices to, and what they owe.", &add))
        (said)
        @if searched || !rows.is_empty() { (parts::live_search(PATH, "Name or e-mail address", text)) }
        div #found {
        @if rows.is_empty() && searched {
            (parts::empty(
                "Nobody is called that",
                "Look for a part of the name or of the e-mail address.",
                &parts::link_button("Show all clients", PATH, ""),
            ))
        } @else if rows.is_empty() {
            (parts::empty("No clients yet", "Add the first one, then write it an invoice.", &add))
        } @else {
            (parts::table(TITLE, &columns, &rows))
            (parts::pages(&pages))
        }
        }
    }
}

fn next_page(text: &str, client: &Client) -> String {
    let cursor = Cursor::after(client);
    let from = [("q", text), ("after_key", &cursor.key), ("after", &cursor.id)];
    desk::address(PATH, &from)
}

fn row((client, owed): &(Client, Vec<Owed>)) -> parts::Row {
    let open: i64 = owed.iter().map(|owed| owed.invoices).sum();
    vec![
        html! { a .row-link href={ (PATH) "/" (client.id) } { (client.name) } },
        html! {
            @match &client.email {
                Some(email) => (email),
                None => span .soft { "None" },
            }
        },
        html! { (open) },
        sums(owed, |owed| owed.owed),
        sums(owed, |owed| owed.overdue),
    ]
}

fn sums(owed: &[Owed], of: impl Fn(&Owed) -> i64) -> Markup {
    let sums: Vec<String> = owed
        .iter()
        .filter(|owed| of(owed) != 0)
        .map(|owed| desk::amount(of(owed), owed.currency))
        .collect();
    html! {
        @if sums.is_empty() { span .soft { "\u{2013}" } }
        @for sum in &sums { span .line { (sum) } }
    }
}

/// `GET /clients/new`
pub async fn new(State(site): State<Site>, person: Person) -> Response {
    let content = form(&site, &person, None, &Typed::default(), &Errors::none());
    page(&person, Place::Clients, ADD, &content)
}

/// `POST /clients`
pub async fn create(
    State(site): State<Site>,
    person: Person,
    Once(moment): Once,
    filled: Filled,
) -> Response {
    let typed = Typed::of(&filled);
    match clients::add(&site.app, &person.scope(), &person.by, moment, typed.details()).await {
        Ok(client) => see_other(&format!("{PATH}/{}?done=client-added", client.id)),
        Err(failure) => again(failure, &person, Place::Clients, ADD, |refusal| {
            form(
                &site,
                &person,
                None,
                &typed,
                &Errors::of_refusal(refusal, &LABELS),
            )
        }),
    }
}

/// `GET /clients/{id}/edit`
pub async fn change(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    match found(&site, &person, &id).await {
        Ok(client) => {
            let typed = Typed::from(&client);
            let content = form(&site, &person, Some(&client), &typed, &Errors::none());
            page(&person, Place::Clients, &client.name, &content)
        }
        Err(failure) => trouble(&person, Place::Clients, failure),
    }
}

/// `POST /clients/{id}`
pub async fn save(State(site): State<Site>, person: Person, InPath(id): InPath, filled: Filled) -> Response {
    let typed = Typed::of(&filled);
    let saved = async {
        let id = ClientId::parse(&id)?;
        let version = Some(filled.get("version").parse().unwrap_or_default());
        clients::edit(
            &site.app,
            &person.scope(),
            &person.by,
            &id,
            version,
            typed.details(),
        )
        .await
    };
    match saved.await {
        Ok(client) => see_other(&format!("{PATH}/{}?done=saved", client.id)),
        Err(failure) => match found(&site, &person, &id).await {
            Ok(client) => again(failure, &person, Place::Clients, &client.name, |refusal| {
                // Only who was told what somebody else has changed may put it right over that.
                let (errors, version) = match refusal {
                    Refusal::VersionConflict => (changed_meanwhile(&client), client.version),
                    refusal => {
                        let sent = filled.get("version").parse().unwrap_or_default();
                        (Errors::of_refusal(refusal, &LABELS), sent)
                    }
                };
                let based = Client {
                    version,
                    ..client.clone()
                };
                form(&site, &person, Some(&based), &typed, &errors)
            }),
            Err(failure) => trouble(&person, Place::Clients, failure),
        },
    }
}

/// What the second of two who change the same client is told: what stands there now.
fn changed_meanwhile(client: &Client) -> Errors {
    let mut errors = Errors::none();
    let address = client.address.join(", ");
    let there = [
        Some(client.name.as_str()),
        client.email.as_deref(),
        Some(address.as_str()).filter(|address| !address.is_empty()),
        client.tax_id.as_deref(),
    ];
    let there: Vec<&str> = there.into_iter().flatten().collect();
    errors.add(
        "",
        format!(
            "Somebody else has changed this client since you opened the page. It now says: {}. Press Save \
             again to put what stands below in its place.",
            there.join("; ")
        ),
    );
    errors
}

async fn found(site: &Site, person: &Person, id: &str) -> Result<Client, Failure> {
    let (scope, id) = (person.scope(), ClientId::parse(id)?);
    let read = site.app.db.read(move |tx| rows::get(tx, &scope, &id)).await;
    Ok(read?.ok_or(Refusal::NotFound)?)
}

/// What somebody typed of a client.
#[derive(Debug, Default)]
struct Typed {
    name: String,
    email: String,
    address: String,
    tax_id: String,
}

impl Typed {
    fn of(filled: &Filled) -> Typed {
        Typed {
            name: filled.get("name").to_owned(),
            email: filled.get("email").to_owned(),
            address: filled.get("address").to_owned(),
            tax_id: filled.get("tax_id").to_owned(),
        }
    }

    fn from(client: &Client) -> Typed {
        Typed {
            name: client.name.clone(),
            email: client.email.clone().unwrap_or_default(),
            address: client.address.join("\n"),
            tax_id: client.tax_id.clone().unwrap_or_default(),
        }
    }

    fn details(&self) -> Details {
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Details {
            name: self.name.clone(),
            email: some(&self.email),
            address: self.address.trim().lines().map(str::to_owned).collect(),
            tax_id: some(&self.tax_id),
        }
    }
}

fn form(site: &Site, person: &Person, client: Option<&Client>, typed: &Typed, errors: &Errors) -> Markup {
    let address_hint = format!("As it stands on an envelope, at most {ADDRESS_LINES_MAX} lines.");
    let fields = [
        Field {
            name: "name",
            label: "Name",
            value: &typed.name,
            hint: "As it is to stand on invoices.",
            max: flows::invoicing::TEXT_MAX,
            autocomplete: "off",
            ..Field::default()
        },
        Field {
            name: "email",
            label: "E-mail address",
            value: &typed.email,
            input: Input::Email,
            hint: "Invoices and receipts are sent there.",
            optional: true,
            max: person::EMAIL_MAX,
            autocomplete: "off",
        },
        Field {
            name: "address",
            label: "Address",
            value: &typed.address,
            input: Input::Lines,
            hint: &address_hint,
            optional: true,
            ..Field::default()
        },
        Field {
            name: "tax_id",
            label: "Tax number",
            value: &typed.tax_id,
            hint: "Where the law wants it on invoices.",
            optional: true,
            max: 100,
            ..Field::default()
        },
    ];
    let (title, about, action, back) = match client {
        None => (ADD, "", PATH.to_owned(), PATH.to_owned()),
        Some(client) => (
            "Change this client",
            "A change counts for invoices that are finalized from now on. Those before stay as they were.",
            format!("{PATH}/{}", client.id),
            format!("{PATH}/{}", client.id),
        ),
    };
    html! {
        a .back href=(back) { (client.map_or(TITLE, |client| client.name.as_str())) }
        (parts::title(title, about, &html! {}))
        div .card.narrow {
            (parts::form(&action, &person.csrf, &html! {
                (parts::summary(errors))
                @match client {
                    Some(client) => input type="hidden" name="version" value=(client.version);,
                    None => (forms::field(site, "")),
                }
                @for field in &fields { (parts::field(field, errors)) }
                div .actions {
                    (parts::primary_button("Save"))
                    (parts::link_button("Cancel", &back, "plain"))
                }
            }))
        }
    }
}
