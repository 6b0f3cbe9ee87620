//! `/confirm`: whether it is still the same person, before a page that shows what is sensitive. Forms ask
//! for it on the spot instead.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::person::Refused;
use flows::Failure;
use flows::people::login::{self, Proof};
use maud::{Markup, html};
use stripe::Secret;

use super::login::{Asked, next_of};
use super::{Filled, Person, again, cookies, html_page, kept, own_path, see_other};
use crate::access::people::AGAIN;
use crate::html::{self as parts, Errors};
use crate::router::Site;

/// `GET /confirm`
pub async fn page(State(site): State<Site>, person: Person, asked: Asked) -> Response {
    let next = next_of(asked);
    match person.seen.is_stepped_up(site.app.clock.now()) {
        true => see_other(&next),
        false => html_page(StatusCode::OK, form(&person, &next, &Errors::none())),
    }
}

/// `POST /confirm`
pub async fn confirm(State(site): State<Site>, person: Person, filled: Filled) -> Response {
    let next = own_path(filled.get("next")).to_owned();
    // Whoever logged in within this form has just shown it.
    if person.seen.is_stepped_up(site.app.clock.now()) {
        return see_other(&next);
    }
    let [_, password, code] = AGAIN.map(|name| filled.get(name));
    let confirmed = match (password.is_empty(), code.is_empty()) {
        (_, false) => {
            login::step_up(&site.app, &person.by, &person.seen, &Proof::Code(code.to_owned())).await
        }
        (false, true) => {
            let proof = Proof::Password(Secret::new(password));
            login::step_up(&site.app, &person.by, &person.seen, &proof).await
        }
        (true, true) => Err(Failure::from(Refused::StepUpNeeded)),
    };
    match confirmed {
        Ok(cookie) => {
            let mut response = see_other(&next);
            cookies::give(&site, &mut response, &cookie, person.role());
            response
        }
        Err(failure) => again(failure, |refusal| form(&person, &next, &kept::errors(refusal))),
    }
}

fn form(person: &Person, next: &str, errors: &Errors) -> Markup {
    let inside = html! {
        input type="hidden" name="next" value=(next);
        (kept::proof_fields(&person.seen, errors))
        (parts::primary_button("Confirm"))
    };
    let content = html! {
        h1 { "Confirm that it is you" }
        p { "This needs " (kept::what(&person.seen)) "." }
        (parts::summary(errors))
        (parts::form("/confirm", &person.csrf, &inside))
    };
    parts::visitors("Confirm that it is you", None, &content)
}
