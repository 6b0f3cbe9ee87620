//! `/forgot` and `/reset/{token}`: a new password for whoever forgot theirs.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::Refusal;
use domain::person::Refused;
use flows::Failure;
use flows::people::resets;
use maud::{Markup, html};
use store::users::User;
use stripe::Secret;

use super::invitation::no_link;
use super::{Filled, Visit, again, html_page};
use crate::api::InPath;
use crate::html::{self as parts, Errors};
use crate::router::Site;

/// `GET /forgot`
pub async fn forgot(visit: Visit) -> Response {
    html_page(StatusCode::OK, forgot_form(&visit.csrf, "", &Errors::none()))
}

/// `POST /forgot`: the same answer for every address.
pub async fn ask(State(site): State<Site>, visit: Visit, filled: Filled) -> Response {
    let email = filled.get("email");
    match resets::ask(&site.app, &visit.browser.by, email).await {
        Ok(()) => html_page(StatusCode::OK, asked()),
        Err(failure) => again(failure, |refusal| {
            forgot_form(
                &visit.csrf,
                email,
                &Errors::of_refusal(refusal, &[("email", "E-mail address")]),
            )
        }),
    }
}

fn forgot_form(csrf: &str, email: &str, errors: &Errors) -> Markup {
    let inside = html! {
        (super::login::email_field("email", email, errors))
        (parts::primary_button("Send me a link"))
        p { a href="/login" { "Back to the login" } }
    };
    let content = html! {
        h1 { "Choose a new password" }
        p { "We send you a link, which is good for half an hour." }
        (parts::summary(errors))
        (parts::form("/forgot", csrf, &inside))
    };
    parts::visitors("Choose a new password", None, &content)
}

fn asked() -> Markup {
    let content = html! {
        h1 { "Check your e-mail" }
        p {
            "If somebody logs in with this address, a link is on its way. It is good for half an hour, \
             and once."
        }
        p { a href="/login" { "Back to the login" } }
    };
    parts::visitors("Check your e-mail", None, &content)
}

/// `GET /reset/{token}`
pub async fn page(State(site): State<Site>, visit: Visit, InPath(token): InPath) -> Response {
    match resets::look(&site.app, &token).await {
        Ok(user) => html_page(StatusCode::OK, form(&visit.csrf, &token, &user, &Errors::none())),
        Err(failure) => no_link(failure),
    }
}

/// `POST /reset/{token}`
pub async fn reset(
    State(site): State<Site>,
    visit: Visit,
    InPath(token): InPath,
    filled: Filled,
) -> Response {
    let password = Secret::new(filled.get("password"));
    match resets::reset(&site.app, &visit.browser.by, &token, &password).await {
        Ok(_) => html_page(StatusCode::OK, done()),
        Err(Failure::Refused(Refusal::Person(Refused::LinkUsed))) => super::refused_page(Refused::LinkUsed),
        Err(failure) => match resets::look(&site.app, &token).await {
            Ok(user) => again(failure, |refusal| {
                let errors = Errors::of_refusal(refusal, &[("password", "New password")]);
                form(&visit.csrf, &token, &user, &errors)
            }),
            Err(failure) => no_link(failure),
        },
    }
}

fn form(csrf: &str, token: &str, user: &User, errors: &Errors) -> Markup {
    let inside = html! {
        input type="hidden" name="email" autocomplete="username" value=(user.email);
        (super::setup::password_field("password", "New password", errors))
        (parts::primary_button("Change the password"))
    };
    let content = html! {
        h1 { "Choose a new password" }
        p { "For " strong { (user.email) } ". You are logged out everywhere." }
        (parts::summary(errors))
        (parts::form(&format!("/reset/{token}"), csrf, &inside))
    };
    parts::visitors("Choose a new password", None, &content)
}

fn done() -> Markup {
    let content = html! {
        h1 { "Your password is changed" }
        p { "You were logged out everywhere. Log in with the new one." }
        p { (parts::link_button("Log in", "/login", "primary")) }
    };
    parts::visitors("Your password is changed", None, &content)
}
