//! `/login`, `/login/second-factor` and `/logout`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::{Refusal, person};
use flows::people::{Entered, login, second_factor};
use maud::{Markup, html};
use serde::Deserialize;
use store::sessions::Stage;
use stripe::Secret;

use super::{Filled, Person, Visit, again, cookies, html_page, let_in, own_path, see_other};
use crate::api::Query;
use crate::html::{self as parts, Errors, Field, Input};
use crate::problem::Problem;
use crate::router::Site;

/// Where somebody goes on to.
#[derive(Debug, Default, Deserialize)]
pub struct Next {
    /// A path of ours.
    #[serde(default)]
    pub next: String,
}

/// The query of a page: one that cannot be read is an empty one.
pub type Asked = Result<Query<Next>, Problem>;

/// The path that an address asks to go on to.
pub fn next_of(asked: Asked) -> String {
    let next = asked.map(|Query(next)| next.next).unwrap_or_default();
    own_path(&next).to_owned()
}

/// `GET /login`
pub async fn page(State(site): State<Site>, visit: Visit, asked: Asked) -> Response {
    let next = next_of(asked);
    match &visit.browser.before {
        Some(seen) if seen.session.stage == Stage::Full => see_other(&next),
        Some(_) | None => match flows::people::setup::is_open(&site.app).await {
            Ok(true) => see_other("/setup"),
            Ok(false) => html_page(StatusCode::OK, form(&visit.csrf, &next, "", &Errors::none())),
            Err(failure) => super::trouble(failure),
        },
    }
}

/// `POST /login`
pub async fn enter(State(site): State<Site>, visit: Visit, filled: Filled) -> Response {
    let (email, next) = (filled.get("email"), own_path(filled.get("next")).to_owned());
    let password = Secret::new(filled.get("password"));
    match login::log_in(&site.app, &visit.browser, email, &password).await {
        Ok(entered) => go_on(&site, &visit, &entered, &next).await,
        Err(failure) => again(failure, |refusal| {
            form(&visit.csrf, &next, email, &Errors::of_refusal(refusal, &[]))
        }),
    }
}

/// To the second factor, to setting one up, or to where somebody wanted to go.
pub async fn go_on(site: &Site, visit: &Visit, entered: &Entered, next: &str) -> Response {
    if entered.stage == Stage::Password {
        return let_in(site, entered, &super::with_next("/login/second-factor", next));
    }
    let lacks = entered.user.role.needs_second_factor() && !entered.user.has_second_factor();
    if !lacks {
        return let_in(site, entered, next);
    }
    match flows::people::authenticate(&site.app, entered.cookie.expose()).await {
        Ok(Some(seen)) => match second_factor::begin(&site.app, &visit.browser.by, &seen).await {
            Ok(_) => let_in(site, entered, &super::with_next("/login/authenticator", next)),
            Err(failure) => super::trouble(failure),
        },
        Ok(None) => see_other("/login"),
        Err(failure) => super::trouble(failure),
    }
}

/// The address that somebody logs in with.
pub fn email_field(name: &'static str, email: &str, errors: &Errors) -> Markup {
    let field = Field {
        name,
        label: "E-mail address",
        value: email,
        input: Input::Email,
        autocomplete: "username",
        max: person::EMAIL_MAX,
        ..Field::default()
    };
    parts::field(&field, errors)
}

fn form(csrf: &str, next: &str, email: &str, errors: &Errors) -> Markup {
    let inside = html! {
        input type="hidden" name="next" value=(next);
        (email_field("email", email, errors))
        (parts::field(&Field {
            name: "password",
            label: "Password",
            input: Input::Password,
            autocomplete: "current-password",
            ..Field::default()
        }, errors))
        (parts::primary_button("Log in"))
        p { a href="/forgot" { "Forgot your password?" } }
    };
    let content = html! {
        h1 { "Log in" }
        (parts::summary(errors))
        (parts::form("/login", csrf, &inside))
    };
    parts::visitors("Log in", None, &content)
}

/// `GET /login/second-factor`
pub async fn second_page(visit: Visit, asked: Asked) -> Response {
    let next = next_of(asked);
    match visit.browser.before.as_ref().map(|seen| seen.session.stage) {
        Some(Stage::Password) => html_page(StatusCode::OK, second_form(&visit.csrf, &next, &Errors::none())),
        Some(Stage::Full) => see_other(&next),
        None => super::to_login(&next),
    }
}

/// `POST /login/second-factor`
pub async fn second(State(site): State<Site>, visit: Visit, filled: Filled) -> Response {
    let next = own_path(filled.get("next")).to_owned();
    match login::second_factor(&site.app, &visit.browser, filled.get("code")).await {
        Ok(entered) => let_in(&site, &entered, &next),
        Err(flows::Failure::Refused(Refusal::Person(person::Refused::SessionEnded))) => {
            super::to_login(&next)
        }
        Err(failure) => again(failure, |refusal| {
            second_form(
                &visit.csrf,
                &next,
                &Errors::of_refusal(refusal, &[("code", "Code")]),
            )
        }),
    }
}

fn second_form(csrf: &str, next: &str, errors: &Errors) -> Markup {
    let inside = html! {
        input type="hidden" name="next" value=(next);
        (parts::field(&Field {
            name: "code",
            label: "Code",
            hint: "Six digits from your authenticator app. Lost it? Enter one of your recovery codes.",
            input: Input::Digits,
            autocomplete: "one-time-code",
            ..Field::default()
        }, errors))
        (parts::primary_button("Continue"))
        p { a href="/login" { "Log in as somebody else" } }
    };
    let content = html! {
        h1 { "Enter your code" }
        (parts::summary(errors))
        (parts::form("/login/second-factor", csrf, &inside))
    };
    parts::visitors("Enter your code", None, &content)
}

/// `POST /logout`
pub async fn leave(State(site): State<Site>, person: Person) -> Response {
    match login::log_out(&site.app, &person.by, &person.seen).await {
        Ok(()) => {
            let mut response = see_other("/login");
            cookies::take_away(&site, &mut response);
            response
        }
        Err(failure) => super::trouble(failure),
    }
}
