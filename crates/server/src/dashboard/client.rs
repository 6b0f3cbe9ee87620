//! `/clients/{id}`: a client, what it owes, its credit and its invoices.

use axum::extract::State;
use axum::response::Response;
use domain::{ClientId, Permission, Refusal};
use flows::Failure;
use flows::credits::{self, Credit};
use maud::{Markup, html};
use store::client_mail_settings::{self, ClientMailSettings};
use store::clients::{self as rows, Client};
use store::credit_movements::{self, Movement};
use store::day_sums::Owed;
use store::invoice_list::{self, Listed, Shelf};

use super::desk::{self, ASKED, SHOWN};
use super::{Asked, page, said, trouble};
use super::{client_credit, client_money, invoice_client, invoices};
use crate::api::InPath;
use crate::html::{self as parts, Figure, Place, Tone};
use crate::people::Person;
use crate::router::Site;

const PATH: &str = Place::Clients.path();

/// All that the page shows.
struct Whole {
    client: Client,
    owed: Vec<Owed>,
    invoices: Vec<Listed>,
    credit: Credit,
    /// How its credit moved, newest first, where the person may see it.
    moved: Vec<Movement>,
    mail: ClientMailSettings,
}

/// `GET /clients/{id}`
pub async fn show(State(site): State<Site>, person: Person, InPath(id): InPath, asked: Asked) -> Response {
    let today = desk::today(&site);
    match whole(&site, &person, &id, &today).await {
        Ok(whole) => page(
            &person,
            Place::Clients,
            &whole.client.name,
            &content(&person, &whole, &today, &said(&asked)),
        ),
        Err(failure) => trouble(&person, Place::Clients, failure),
    }
}

async fn whole(site: &Site, person: &Person, id: &str, today: &str) -> Result<Whole, Failure> {
    let id = ClientId::parse(id)?;
    let credit = credits::of_client(&site.app, &person.scope(), &id).await?;
    let (scope, today) = (person.scope(), today.to_owned());
    let moves = person.may(Permission::CreditsRead);
    let read = site.app.db.read(move |tx| {
        Ok::<_, Failure>(Whole {
            client: rows::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?,
            owed: invoice_list::owed_by(tx, &scope, &id, &today)?,
            invoices: invoice_list::of_client(tx, &scope, &id, (Shelf::All, &today), None, ASKED)?,
            credit: credit.clone(),
            moved: match moves {
                true => credit_movements::page(tx, &scope, &id, None, client_credit::NEWEST + 1)?,
                false => Vec::new(),
            },
            mail: client_mail_settings::get(tx, &scope, &id)?,
        })
    });
    read.await
}

fn content(person: &Person, whole: &Whole, today: &str, said: &Markup) -> Markup {
    let client = &whole.client;
    let write = format!("/invoices/new?client={}", client.id);
    let actions = html! {
        @if person.may(Permission::ClientsWrite) {
            (parts::link_button("Change", &format!("{PATH}/{}/edit", client.id), ""))
        }
        (invoice_client::begin(person, &write))
    };
    html! {
        a .back href=(PATH) { "Clients" }
        (parts::title(&client.name, "", &actions))
        (said)
        div .stack.loose {
            (parts::figures(&figures(whole)))
            section .card {
                h2 { "Details" }
                (parts::facts(&details(whole)))
            }
            (client_money::credit(&whole.credit))
            (client_credit::newest(&whole.client, &whole.moved))
            (client_money::statement(&client.id, today))
            section {
                div .section-head {
                    h2 { "Invoices" }
                    @if whole.invoices.len() > SHOWN {
                        @let all = [("client", client.id.as_str())];
                        a href=(desk::address("/invoices", &all)) { "All of them" }
                    }
                }
                @if whole.invoices.is_empty() {
                    (parts::empty("No invoices yet", "What you write to this client stands here.", &html! {}))
                } @else {
                    @let shown = &whole.invoices[..whole.invoices.len().min(SHOWN)];
                    (invoices::table(shown, today, false))
                }
            }
        }
    }
}

fn figures(whole: &Whole) -> [Figure; 3] {
    let sums = |of: fn(&Owed) -> i64| {
        let some = whole.owed.iter().filter(|owed| of(owed) != 0);
        some.map(|owed| desk::amount(of(owed), owed.currency)).collect()
    };
    let overdue: i64 = whole.owed.iter().map(|owed| owed.invoices_overdue).sum();
    let open: i64 = whole.owed.iter().map(|owed| owed.invoices).sum();
    let mut currencies: Vec<_> = whole
        .credit
        .pieces
        .iter()
        .map(|piece| piece.credit.currency)
        .collect();
    currencies.sort_by_key(|currency| currency.code());
    currencies.dedup();
    let credit = currencies
        .into_iter()
        .map(|currency| (whole.credit.usable(currency), currency));
    [
        Figure {
            label: "Owed",
            sums: sums(|owed| owed.owed),
            about: format!("{open} open {}", if open == 1 { "invoice" } else { "invoices" }),
            href: None,
            tone: Tone::Calm,
        },
        Figure {
            label: "Overdue",
            sums: sums(|owed| owed.overdue),
            about: match overdue {
                0 => "Nothing is late".to_owned(),
                1 => "1 invoice is late".to_owned(),
                late => format!("{late} invoices are late"),
            },
            href: None,
            tone: if overdue > 0 { Tone::Bad } else { Tone::Good },
        },
        Figure {
            label: "Credit",
            sums: credit
                .filter(|(usable, _)| *usable > 0)
                .map(|(usable, currency)| desk::amount(usable, currency))
                .collect(),
            about: "May pay the next invoice or go back".to_owned(),
            href: None,
            tone: Tone::Calm,
        },
    ]
}

fn details(whole: &Whole) -> Vec<(&'static str, Markup)> {
    let client = &whole.client;
    let none = || html! { span .soft { "None" } };
    let mut facts = vec![
        (
            "E-mail address",
            client.email.as_ref().map_or_else(none, |email| html! { (email) }),
        ),
        (
            "Address",
            match client.address.is_empty() {
                true => none(),
                false => html! { @for line in &client.address { span .line { (line) } } },
            },
        ),
    ];
    if let Some(tax_id) = &client.tax_id {
        facts.push(("Tax number", html! { (tax_id) }));
    }
    if !whole.mail.billing_addresses.is_empty() {
        let addresses = &whole.mail.billing_addresses;
        facts.push((
            "Invoices go to",
            html! { @for address in addresses { span .line { (address.to_string()) } } },
        ));
    }
    if let Some(language) = whole.mail.language {
        facts.push(("Language", html! { (language.name()) }));
    }
    facts.push(("Client since", parts::day(client.created_at)));
    facts
}
