//! Sending several invoices at once: they are ticked in the list, reviewed with who gets each, and sent one
//! by one. What becomes of each is then shown, as often as somebody looks.

use axum::extract::State;
use axum::response::Response;
use domain::invoice::InvoiceState;
use domain::mail::MailState;
use domain::{InvoiceId, Permission, Refusal};
use flows::mails::invoice::{self as mails, Sending};
use flows::mails::recipients::Receivers;
use flows::{Failure, Moment, invoicing};
use maud::{Markup, html};
use store::invoices::{self, Invoice};
use store::mails::{self as mail_rows, Mail};

use super::desk::{self, SHOWN};
use super::{page, trouble};
use crate::api::Query;
use crate::html::{self as parts, Column, Place, Tone};
use crate::idempotency::{Once, forms};
use crate::people::{Filled, Person, see_other};
use crate::problem::Problem;
use crate::router::Site;

const PATH: &str = Place::Invoices.path();
const REVIEW: &str = "Send several invoices";
const SENT: &str = "What was sent";

/// What an address names, in its order.
type Named = Result<Query<Vec<(String, String)>>, Problem>;

fn ids(named: &Named) -> Vec<InvoiceId> {
    let Ok(Query(pairs)) = named else {
        return Vec::new();
    };
    let ids = pairs.iter().filter(|(name, _)| name == "invoice");
    let mut ids: Vec<InvoiceId> = ids.filter_map(|(_, id)| InvoiceId::parse(id).ok()).collect();
    ids.truncate(SHOWN);
    ids
}

/// Whether an invoice can be sent.
enum Ready {
    Yes,
    /// Nobody of the client has an address.
    NoAddress,
    /// It is settled or void.
    NotOwed,
    /// It has no lines.
    Empty,
}

/// An invoice with who gets it.
struct Chosen {
    invoice: Invoice,
    to: Receivers,
    ready: Ready,
}

async fn chosen(site: &Site, person: &Person, ids: &[InvoiceId]) -> Result<Vec<Chosen>, Failure> {
    let mut all = Vec::new();
    for id in ids {
        let (scope, wanted) = (person.scope(), id.clone());
        let read = site.app.db.read(move |tx| {
            let invoice = invoices::get(tx, &scope, &wanted)?;
            let lines = invoices::lines(tx, &scope, &wanted)?.len();
            Ok::<_, store::Error>(invoice.map(|invoice| (invoice, lines)))
        });
        let Some((invoice, lines)) = read.await? else {
            continue;
        };
        let to = mails::receivers(&site.app, &person.scope(), id).await?.to;
        let ready = match invoice.status {
            InvoiceState::Paid | InvoiceState::Void => Ready::NotOwed,
            InvoiceState::Draft if lines == 0 => Ready::Empty,
            InvoiceState::Draft | InvoiceState::Open | InvoiceState::Processing if !to.reaches_client() => {
                Ready::NoAddress
            }
            InvoiceState::Draft | InvoiceState::Open | InvoiceState::Processing => Ready::Yes,
        };
        all.push(Chosen { invoice, to, ready });
    }
    Ok(all)
}

/// `GET /invoices/send`
pub async fn review(State(site): State<Site>, person: Person, named: Named) -> Response {
    match chosen(&site, &person, &ids(&named)).await {
        Ok(chosen) => page(
            &person,
            Place::Invoices,
            REVIEW,
            &content(&site, &person, &chosen),
        ),
        Err(failure) => trouble(&person, Place::Invoices, failure),
    }
}

fn content(site: &Site, person: &Person, chosen: &[Chosen]) -> Markup {
    let count = |of: fn(&Ready) -> bool| chosen.iter().filter(|one| of(&one.ready)).count();
    let ready = count(|ready| matches!(ready, Ready::Yes));
    let missing = count(|ready| matches!(ready, Ready::NoAddress));
    let other = chosen.len() - ready - missing;
    let drafts = chosen
        .iter()
        .any(|one| matches!(one.ready, Ready::Yes) && one.invoice.status == InvoiceState::Draft);
    let mut about = format!("{ready} ready to send, {missing} missing an address");
    if other > 0 {
        about.push_str(&format!(", {other} that cannot be sent"));
    }
    let columns = [
        Column::words("Invoice"),
        Column::words("Client"),
        Column::words("Who gets it"),
        Column::figures("Total"),
    ];
    let table: Vec<parts::Row> = chosen.iter().map(row).collect();
    html! {
        a .back href=(PATH) { "Invoices" }
        (parts::title(REVIEW, &about, &html! {}))
        @if chosen.is_empty() {
            (parts::empty(
                "None was chosen",
                "Tick the invoices that you want to send in the list.",
                &parts::link_button("Back to the list", PATH, ""),
            ))
        } @else {
            @if drafts {
                (parts::notice(Tone::Calm, "", &html! {
                    p { "Drafts get their numbers now and are owed from now on. After that they cannot be \
                        edited, only credited or voided." }
                }))
            }
            div .stack.loose {
            (parts::table(REVIEW, &columns, &table))
            (parts::form(&format!("{PATH}/send"), &person.csrf, &html! {
                (forms::field(site, ""))
                @for one in chosen.iter().filter(|one| matches!(one.ready, Ready::Yes)) {
                    input type="hidden" name="invoice" value=(one.invoice.id);
                    input type="hidden" name="version" value=(one.invoice.version);
                }
                div .actions {
                    @if ready > 0 {
                        (parts::primary_button(&match ready {
                            1 => "Send 1 invoice".to_owned(),
                            ready => format!("Send {ready} invoices"),
                        }))
                    }
                    (parts::link_button("Cancel", PATH, "plain"))
                }
            }))
            }
        }
    }
}

fn row(chosen: &Chosen) -> parts::Row {
    let invoice = &chosen.invoice;
    let to: Vec<String> = chosen
        .to
        .receivers
        .iter()
        .map(|receiver| receiver.to.address.to_string())
        .collect();
    vec![
        html! { a .row-link.nowrap href={ (PATH) "/" (invoice.id) } { (desk::name(invoice)) } },
        html! { (chosen.to.client.name) },
        html! {
            @match chosen.ready {
                Ready::Yes => (to.join(", ")),
                Ready::NoAddress => {
                    (parts::badge(Tone::Alert, "No address"))
                    " " a href={ "/clients/" (chosen.to.client.id) "/edit" } {
                        "Add one" span .visually-hidden { " for " (chosen.to.client.name) }
                    }
                },
                Ready::NotOwed => (parts::badge(Tone::Calm, "Nothing is owed")),
                Ready::Empty => (parts::badge(Tone::Alert, "No lines yet")),
            }
        },
        html! { (desk::amount(invoice.total.minor(), invoice.currency)) },
    ]
}

/// `POST /invoices/send`: one after the other; what cannot be sent any more stops nothing.
pub async fn send(State(site): State<Site>, person: Person, Once(moment): Once, filled: Filled) -> Response {
    let versions: Vec<&str> = filled.all("version").collect();
    let wanted = filled.all("invoice").zip(versions).take(SHOWN);
    let mut named = Vec::new();
    for (nth, (id, version)) in (0_u32..).zip(wanted) {
        let Ok(id) = InvoiceId::parse(id) else { continue };
        // Each has ids of its own, and the same ones when the form is carried out again.
        let own = Moment::new(moment.at, moment.random(1_000 + nth)).again(moment.noted_at);
        match one(&site, &person, own, &id, version.parse().unwrap_or(-1)).await {
            Ok(()) | Err(Failure::Refused(_)) => {}
            Err(failure) => return trouble(&person, Place::Invoices, failure),
        }
        named.push(id);
    }
    let named: Vec<(&str, &str)> = named.iter().map(|id| ("invoice", id.as_str())).collect();
    see_other(&desk::address(&format!("{PATH}/sent"), &named))
}

async fn one(
    site: &Site,
    person: &Person,
    moment: Moment,
    id: &InvoiceId,
    version: i64,
) -> Result<(), Failure> {
    let scope = person.scope();
    let receivers = mails::receivers(&site.app, &scope, id).await?;
    if !receivers.to.reaches_client() {
        return Err(Refusal::from(domain::mail::Refused::NoRecipient).into());
    }
    let (of, wanted) = (scope.clone(), id.clone());
    let invoice = site
        .app
        .db
        .read(move |tx| invoices::get(tx, &of, &wanted))
        .await?;
    let invoice = invoice.ok_or(Refusal::NotFound)?;
    if invoice.status == InvoiceState::Draft {
        if !person.may(Permission::InvoicesWrite) {
            return Err(Refusal::Person(domain::person::Refused::RoleInsufficient).into());
        }
        invoicing::finalize_version(&site.app, &scope, &person.by, id, Some(version)).await?;
    }
    let sending = Sending {
        to: Vec::new(),
        note: None,
    };
    mails::send(&site.app, &scope, &person.by, moment, id, sending).await?;
    Ok(())
}

/// `GET /invoices/sent`: where each stands by now.
pub async fn sent(State(site): State<Site>, person: Person, named: Named) -> Response {
    let (scope, ids) = (person.scope(), ids(&named));
    let read = site.app.db.read(move |tx| {
        let mut all = Vec::new();
        for id in &ids {
            if let Some(invoice) = invoices::get(tx, &scope, id)? {
                let mails = mail_rows::of_invoice(tx, &scope, id)?;
                all.push((invoice, mails));
            }
        }
        Ok::<_, store::Error>(all)
    });
    match read.await {
        Ok(all) => page(&person, Place::Invoices, SENT, &outcome(&all)),
        Err(error) => trouble(&person, Place::Invoices, error.into()),
    }
}

fn outcome(all: &[(Invoice, Vec<Mail>)]) -> Markup {
    let columns = [
        Column::words("Invoice"),
        Column::words("What became of it"),
        Column::words("To"),
    ];
    let table: Vec<parts::Row> = all
        .iter()
        .map(|(invoice, mails)| became(invoice, mails))
        .collect();
    let waits = all.iter().any(|(_, mails)| {
        mails
            .iter()
            .any(|mail| matches!(mail.status, MailState::Queued | MailState::Sending))
    });
    html! {
        a .back href=(PATH) { "Invoices" }
        (parts::title(SENT, "", &html! {}))
        div .stack {
            (parts::table(SENT, &columns, &table))
            @if waits { p .soft {
                "Some mails are on their way. Load the page again to see what became of them." } }
            div .actions { (parts::link_button("Back to the list", PATH, "")) }
        }
    }
}

fn became(invoice: &Invoice, mails: &[Mail]) -> parts::Row {
    let newest = mails.iter().max_by_key(|mail| mail.queued_at);
    let (tone, words) = match (invoice.status, newest.map(|mail| mail.status)) {
        (InvoiceState::Draft, _) => (Tone::Bad, "Not sent: it was changed meanwhile, or has no address"),
        (_, None) => (Tone::Bad, "Not sent"),
        (_, Some(MailState::Queued | MailState::Sending)) => (Tone::Busy, "On its way"),
        (_, Some(MailState::Sent)) => (Tone::Good, "Sent"),
        (_, Some(MailState::Refused | MailState::Failed | MailState::Bounced)) => {
            (Tone::Bad, "The mail did not arrive")
        }
        (_, Some(MailState::Cancelled)) => (Tone::Calm, "Not needed any more"),
    };
    vec![
        html! { a .row-link.nowrap href={ (PATH) "/" (invoice.id) } { (desk::name(invoice)) } },
        parts::badge(tone, words),
        html! {
            @match newest {
                Some(mail) => (mail.recipient.to_string()),
                None => span .soft { "\u{2013}" },
            }
        },
    ]
}
