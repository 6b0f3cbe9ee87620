//! `/login/authenticator`: the second factor of whoever needs one and has none yet, before anything else
//! opens.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use flows::people::second_factor::{self, Enrolment};
use maud::{Markup, html};
use stripe::Secret;

use super::login::{Asked, next_of};
use super::{Filled, Person, again, cookies, html_page, own_path, see_other};
use crate::html::{self as parts, Errors, Field, Input};
use crate::router::Site;

const PATH: &str = "/login/authenticator";
const SCAN: &str = "The code to scan with your authenticator app";
const TITLE: &str = "Set up your authenticator";

/// `GET /login/authenticator`
pub async fn page(State(site): State<Site>, person: Person, asked: Asked) -> Response {
    let next = next_of(asked);
    if person.seen.user.has_second_factor() {
        return see_other(&next);
    }
    // Whoever sits at an open screen of another is not shown what that one set out to scan.
    let shown = person.seen.is_stepped_up(site.app.clock.now());
    match second_factor::pending(&site.app, &person.seen.user) {
        Ok(pending) => {
            let pending = pending.filter(|_| shown);
            let shown = show(&person.csrf, &next, pending.as_ref(), &Errors::none());
            html_page(StatusCode::OK, shown)
        }
        Err(failure) => super::trouble(failure),
    }
}

/// `POST /login/authenticator/seed`: another code to scan.
pub async fn begin(State(site): State<Site>, person: Person, filled: Filled) -> Response {
    match second_factor::begin(&site.app, &person.by, &person.seen).await {
        Ok(_) => see_other(&super::with_next(PATH, filled.get("next"))),
        Err(failure) => again(failure, |refusal| {
            show(&person.csrf, "/", None, &Errors::of_refusal(refusal, &[]))
        }),
    }
}

/// `POST /login/authenticator`: the authenticator shows the right code.
pub async fn confirm(State(site): State<Site>, person: Person, filled: Filled) -> Response {
    let next = own_path(filled.get("next")).to_owned();
    match second_factor::confirm(&site.app, &person.by, &person.seen, filled.get("code")).await {
        Ok((codes, cookie)) => {
            let mut response = html_page(StatusCode::OK, recovery(&codes, &next));
            cookies::give(&site, &mut response, &cookie, person.role());
            response
        }
        Err(failure) => match second_factor::pending(&site.app, &person.seen.user) {
            Ok(pending) => again(failure, |refusal| {
                let errors = Errors::of_refusal(refusal, &[("code", "Code")]);
                show(&person.csrf, &next, pending.as_ref(), &errors)
            }),
            Err(failure) => super::trouble(failure),
        },
    }
}

fn show(csrf: &str, next: &str, pending: Option<&Enrolment>, errors: &Errors) -> Markup {
    let next_field = html! { input type="hidden" name="next" value=(next); };
    let content = html! {
        h1 { (TITLE) }
        p {
            "Your role needs a second factor: an app on your phone that shows a new code every thirty \
             seconds."
        }
        (parts::summary(errors))
        @match pending {
            Some(enrolment) => {
                (scan(enrolment))
                (parts::form(PATH, csrf, &html! {
                    (next_field)
                    (code_field(errors))
                    (parts::primary_button("Confirm"))
                }))
            }
            None => {
                (parts::form("/login/authenticator/seed", csrf, &html! {
                    (next_field)
                    (parts::primary_button("Show the code to scan"))
                }))
            }
        }
        (parts::form("/logout", csrf, &parts::button("Log out")))
    };
    parts::visitors(TITLE, None, &content)
}

/// What an authenticator is set up with, to be scanned or typed.
pub fn scan(enrolment: &Enrolment) -> Markup {
    html! {
        @if let Some(code) = parts::qr_code(enrolment.uri.expose(), SCAN) {
            (code)
        }
        p { "Scan this with your authenticator app, or type this key into it:" }
        (parts::copy_field("seed", enrolment.seed.expose()))
    }
}

/// The field for the first code of it.
pub fn code_field(errors: &Errors) -> Markup {
    let field = Field {
        name: "code",
        label: "Code",
        hint: "The six digits that the app shows now.",
        input: Input::Digits,
        autocomplete: "one-time-code",
        ..Field::default()
    };
    parts::field(&field, errors)
}

fn recovery(codes: &[Secret], next: &str) -> Markup {
    let codes: Vec<String> = codes.iter().map(|code| code.expose().to_owned()).collect();
    let content = html! {
        h1 { "Keep these recovery codes" }
        p {
            "Each lets you in once if you lose your authenticator. They are not shown again: put them \
             where you keep your passwords."
        }
        (parts::recovery_codes("codes", &codes))
        p { (parts::link_button("I have kept them", next, "primary")) }
    };
    parts::visitors("Keep these recovery codes", None, &content)
}
