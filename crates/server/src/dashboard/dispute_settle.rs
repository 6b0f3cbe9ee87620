//! What becomes of an invoice whose dispute was lost: the client still owes it, or the MSP bears it.

use axum::extract::State;
use axum::response::Response;
use domain::DisputeId;
use domain::Refusal;
use domain::dispute::{Outcome, Settlement};
use flows::disputes;
use maud::{Markup, html};

use super::dispute::Whole;
use super::{after, again, desk, page, trouble};
use crate::api::InPath;
use crate::html::{self as parts, Choice, Errors, Offer, Place};
use crate::idempotency::forms;
use crate::people::{Filled, Person, see_other};
use crate::router::Site;

const TITLE: &str = "Who bears the loss?";
const LABELS: [(&str, &str); 1] = [("outcome", "What it means")];

/// `GET /disputes/{id}/settle`
pub async fn ask(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    match Whole::read(&site, &person, &id).await {
        Ok(whole) if whole.shown.dispute.settlement != Settlement::Undecided => see_other(&whole.path()),
        Ok(whole) => {
            let content = form(&site, &person, &whole, "", "", &Errors::none());
            page(&person, Place::Disputes, TITLE, &content)
        }
        Err(failure) => trouble(&person, Place::Disputes, failure),
    }
}

/// `POST /disputes/{id}/settle`
pub async fn settle(
    State(site): State<Site>,
    person: Person,
    InPath(id): InPath,
    filled: Filled,
) -> Response {
    let whole = match Whole::read(&site, &person, &id).await {
        Ok(whole) => whole,
        Err(failure) => return trouble(&person, Place::Disputes, failure),
    };
    let typed = filled.get("outcome");
    let settled = async {
        let unsaid = || Refusal::invalid("outcome", "must be chosen: is it still owed, or do you bear it?");
        let outcome = Outcome::from_word(typed).ok_or_else(unsaid)?;
        let id = DisputeId::parse(&id)?;
        disputes::settle(&site.app, &person.scope(), &person.by, &id, outcome).await
    };
    match settled.await {
        Ok(_) => after(&whole.path(), "dispute-settled"),
        Err(failure) => again(failure, &person, Place::Disputes, TITLE, |refusal| {
            let errors = Errors::of_refusal(refusal, &LABELS);
            form(&site, &person, &whole, typed, filled.get(forms::FIELD), &errors)
        }),
    }
}

fn form(site: &Site, person: &Person, whole: &Whole, chosen: &str, once: &str, errors: &Errors) -> Markup {
    let amount = desk::amount(whole.to_decide(), whole.shown.dispute.currency);
    let number = desk::name(&whole.invoice);
    let owed = format!(
        "{number} is open again by {amount}, and can be paid by its link. What is left of the payment as the \
         client's credit is taken first."
    );
    let forgiven = format!(
        "A numbered credit note over {amount} says that it is not owed. {number} stays settled, and the loss \
         is yours."
    );
    let choice = Choice {
        name: "outcome",
        label: LABELS[0].1,
        hint: "",
        options: &[
            Offer {
                value: "still_owed",
                label: "The client still owes it",
                hint: &owed,
            },
            Offer {
                value: "forgiven",
                label: "You bear it",
                hint: &forgiven,
            },
        ],
        chosen,
    };
    html! {
        a .back href=(whole.path()) { "Dispute" }
        (parts::title(TITLE, &format!("The bank kept {amount} of what {} paid.", whole.client.name),
            &html! {}))
        div .card.narrow {
            (parts::form(&format!("{}/settle", whole.path()), &person.csrf, &html! {
                (parts::summary(errors))
                (forms::field(site, once))
                (parts::choices(&choice, errors))
                div .actions {
                    (parts::primary_button("Decide"))
                    (parts::link_button("Cancel", &whole.path(), "plain"))
                }
            }))
        }
    }
}
