//! The pages behind the login. Each reads what it shows and calls the flow that the API calls; what somebody
//! may not do is not offered, and the table of routes refuses it.

pub mod account;
pub mod account_mails;
pub mod account_security;
pub mod api_keys;
pub mod client;
pub mod client_credit;
pub mod client_money;
pub mod clients;
pub mod console;
mod desk;
mod devices;
pub mod dispute;
pub mod dispute_answer;
mod dispute_papers;
pub mod dispute_settle;
mod dispute_words;
pub mod disputes;
pub mod files;
pub mod given_up;
pub mod home;
pub mod invoice;
mod invoice_actors;
pub mod invoice_acts;
mod invoice_client;
mod invoice_events;
mod invoice_filter;
pub mod invoice_form;
pub mod invoice_links;
mod invoice_money;
mod invoice_paper;
mod invoice_typed;
pub mod invoices;
pub mod invoices_send;
pub mod money_back;
pub mod new_api_key;
pub mod offline;
pub mod operator;
mod operator_moves;
mod overview;
pub mod payments;
pub mod payout;
pub mod payouts;
pub mod sessions;
pub mod settings_business;
pub mod settings_invoices;
pub mod settings_mails;
pub mod settings_payments;
pub mod stripe;
mod stripe_panel;
pub mod users;

use axum::http::StatusCode;
use axum::response::Response;
use domain::{Permission, Refusal, Role};
use flows::Failure;
use maud::{Markup, html};
use serde::Deserialize;

use crate::api::Query;
use crate::html::{self as parts, Ask, Frame, Place, Tone, Viewer};
use crate::people::{Person, html_page, see_other, status_of};
use crate::problem::Problem;

/// What an address says was done just now: a word of [`DONE`], for the page that is shown after it.
#[derive(Debug, Default, Deserialize)]
pub struct Done {
    /// The word.
    #[serde(default)]
    pub done: String,
}

/// The query of a page: one that cannot be read is an empty one.
type Asked = Result<Query<Done>, Problem>;

/// What was done, in a sentence. An address can bring one of these and nothing else.
const DONE: [(&str, &str); 46] = [
    ("client-added", "The client was added."),
    ("saved", "It was saved."),
    ("sent", "It is on its way. What becomes of the mail stands below."),
    ("finalized", "The invoice has its number and is owed now."),
    (
        "sent-before",
        "Somebody else has finalized it meanwhile. Nothing was sent now.",
    ),
    ("voided", "The invoice is void: it is not owed any more."),
    (
        "refunded",
        "The money goes back. Banks take five to ten days to show it.",
    ),
    (
        "refund-in-doubt",
        "Stripe did not answer. The refund is noted and asked for again by itself; it is never made twice.",
    ),
    ("credited", "The credit note was made."),
    ("credit-used", "The credit was used."),
    ("link-made", "The link was made. It stands below, to be copied."),
    ("link-revoked", "The link was revoked."),
    ("recorded", "The payment was recorded."),
    (
        "reversed",
        "The payment was taken back. The invoice is owed again by so much.",
    ),
    ("evidence-kept", "Your answer was saved. It was not sent yet."),
    (
        "file-added",
        "The file is part of your answer. Nothing was sent to the bank yet.",
    ),
    (
        "file-under-way",
        "Stripe did not confirm the file yet. It is sent again by itself: load the page in a minute, and say \
         what it is.",
    ),
    (
        "evidence-sent",
        "Your answer went to the bank. It decides within three months.",
    ),
    (
        "evidence-in-doubt",
        "Stripe did not confirm it yet. It is found out by itself, and nothing is sent twice.",
    ),
    ("dispute-accepted", "The dispute was given up."),
    ("dispute-settled", "It was decided who bears the loss."),
    ("renamed", "Your name was changed."),
    (
        "password",
        "Your password was changed. You are logged out everywhere else.",
    ),
    (
        "email",
        "A link was sent to the new address. It becomes yours once you open it.",
    ),
    ("language", "You are written to in this language from now on."),
    ("alerts", "Your alerts were saved."),
    ("second-factor", "Your authenticator was removed."),
    ("ended", "The session was ended."),
    ("others", "All your other sessions were ended."),
    ("role", "The role was changed. The person logs in again with it."),
    ("disabled", "The person was shut out. Their sessions were ended."),
    ("enabled", "The person may log in again."),
    (
        "cleared",
        "The authenticator was removed. The person sets up another at the next login.",
    ),
    (
        "revoked",
        "The key was revoked. Nothing can be done with it from now on.",
    ),
    ("connected", "The account is connected again."),
    (
        "disconnected",
        "The account was disconnected. No new payments are taken on it.",
    ),
    (
        "in-doubt",
        "No new payments are taken. Stripe is asked again to end our access to the account.",
    ),
    (
        "not-ended",
        "No new payments are taken. Stripe refused to end our access: end it in Stripe's dashboard.",
    ),
    ("made", "The tenant was made. Invite its owner next."),
    ("suspended", "New work of the tenant is refused from now on."),
    ("resumed", "The tenant may take new work again."),
    (
        "replayed",
        "It is on its way again. Load the page in a moment to see what came of it.",
    ),
    (
        "nothing-to-replay",
        "Nothing was replayed: what matches is on its way already, or is never applied.",
    ),
    (
        "resolved",
        "It is dealt with. What still differs when it is seen next is opened again.",
    ),
    (
        "rule-added",
        "The rule was added. It counts for payments that begin from then on.",
    ),
    (
        "closed",
        "The tenant was closed. Its keys are worth nothing any more.",
    ),
];

/// A page in its frame.
fn page(person: &Person, place: Place, title: &str, content: &Markup) -> Response {
    with_status(StatusCode::OK, person, place, title, content)
}

fn with_status(status: StatusCode, person: &Person, place: Place, title: &str, content: &Markup) -> Response {
    let frame = Frame {
        title,
        place,
        script: None,
    };
    html_page(status, parts::page(&frame, &viewer(person), content))
}

/// A page that shows a form again with what is wrong, or says that something failed.
fn again(
    failure: Failure,
    person: &Person,
    place: Place,
    title: &str,
    content: impl FnOnce(&Refusal) -> Markup,
) -> Response {
    match failure {
        Failure::Refused(refusal) => {
            with_status(status_of(&refusal), person, place, title, &content(&refusal))
        }
        failure => trouble(person, place, failure),
    }
}

/// A page for what could not be done or shown, with the way back to where it belongs.
fn trouble(person: &Person, place: Place, failure: Failure) -> Response {
    let (title, text) = match &failure {
        Failure::Refused(Refusal::NotFound) => (
            "There is no such thing",
            "It was removed, or the address is wrong.".to_owned(),
        ),
        Failure::Refused(refusal) => ("That was not done", parts::plain::words(refusal, None)),
        Failure::Unknown(_) => (
            "Stripe did not answer",
            "What came of it is not known yet. It is asked again by itself: look again in a minute."
                .to_owned(),
        ),
        _ => (
            "This page could not be loaded",
            "Something failed on our side or at Stripe. Nothing was lost: try again in a moment.".to_owned(),
        ),
    };
    let status = match &failure {
        Failure::Refused(refusal) => status_of(refusal),
        _ => {
            use axum::response::IntoResponse;
            Problem::from(failure).into_response().status()
        }
    };
    let back = parts::link_button("Back", place.path(), "");
    with_status(status, person, place, title, &parts::empty(title, &text, &back))
}

/// A question as a page of its own, for who has no script.
fn question(person: &Person, place: Place, ask: &Ask<'_>) -> Response {
    page(person, place, ask.title, &parts::confirm(ask))
}

/// Back to a page, which says what was done.
fn after(path: &str, done: &str) -> Response {
    see_other(&format!("{path}?done={done}"))
}

/// What was done just now.
fn said(asked: &Asked) -> Markup {
    let word = asked.as_ref().map_or("", |Query(done)| done.done.as_str());
    let said = DONE.iter().find(|(known, _)| *known == word);
    html! {
        @if let Some((_, sentence)) = said {
            div .said { (parts::notice(Tone::Good, "", &html! { p { (sentence) } })) }
        }
    }
}

/// Who looks, and where they may go.
fn viewer(person: &Person) -> Viewer {
    Viewer {
        name: person.seen.user.name.clone(),
        role: person.role().label(),
        company: person.company().to_owned(),
        mode: person.mode,
        csrf: person.csrf.clone(),
        places: Place::ALL
            .into_iter()
            .filter(|place| may_see(person, *place))
            .collect(),
    }
}

fn may_see(person: &Person, place: Place) -> bool {
    let operates = person.role() == Role::Operator;
    match place {
        Place::Home => !operates,
        Place::Invoices => person.may(Permission::InvoicesRead),
        Place::Clients => person.may(Permission::ClientsRead),
        Place::Payments => person.may(Permission::PaymentsRead),
        Place::Payouts => person.may(Permission::PayoutsRead),
        Place::Disputes => person.may(Permission::DisputesRead),
        Place::Business | Place::InvoiceSettings | Place::PaymentSettings | Place::MailSettings => {
            person.may(Permission::SettingsRead)
        }
        Place::Operator
        | Place::Inbox
        | Place::Breaks
        | Place::Fees
        | Place::Jobs
        | Place::Audit
        | Place::Configuration => operates,
        Place::Stripe => person.may(Permission::ConnectRead),
        Place::Users => person.may(Permission::PeopleRead),
        Place::ApiKeys => person.may(Permission::KeysRead),
        Place::Account | Place::Sessions => true,
    }
}
