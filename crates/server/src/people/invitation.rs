//! `/invitation/{token}`: somebody who was invited chooses a password.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::Refusal;
use domain::person::Refused;
use flows::Failure;
use flows::people::invitations;
use maud::{Markup, html};
use store::users::User;
use stripe::Secret;

use super::{Filled, Visit, again, html_page};
use crate::api::InPath;
use crate::html::{self as parts, Errors};
use crate::router::Site;

const LABELS: [(&str, &str); 2] = [("name", "Your name"), ("password", "Password")];

/// `GET /invitation/{token}`
pub async fn page(State(site): State<Site>, visit: Visit, InPath(token): InPath) -> Response {
    match invitations::look(&site.app, &token).await {
        Ok(user) => {
            let shown = form(&visit.csrf, &token, &user, &user.name, &Errors::none());
            html_page(StatusCode::OK, shown)
        }
        Err(failure) => no_link(failure),
    }
}

/// `POST /invitation/{token}`
pub async fn accept(
    State(site): State<Site>,
    visit: Visit,
    InPath(token): InPath,
    filled: Filled,
) -> Response {
    let (name, password) = (filled.get("name"), Secret::new(filled.get("password")));
    match invitations::accept(&site.app, &visit.browser, &token, name, &password).await {
        Ok(entered) => super::login::go_on(&site, &visit, &entered, "/").await,
        Err(Failure::Refused(Refusal::Person(Refused::LinkUsed))) => super::refused_page(Refused::LinkUsed),
        Err(failure) => match invitations::look(&site.app, &token).await {
            Ok(user) => again(failure, |refusal| {
                form(
                    &visit.csrf,
                    &token,
                    &user,
                    name,
                    &Errors::of_refusal(refusal, &LABELS),
                )
            }),
            Err(failure) => no_link(failure),
        },
    }
}

/// A link that is good no more, or a failure of ours.
pub fn no_link(failure: Failure) -> Response {
    match failure {
        Failure::Refused(_) => super::refused_page(Refused::LinkUsed),
        failure => super::trouble(failure),
    }
}

fn form(csrf: &str, token: &str, user: &User, name: &str, errors: &Errors) -> Markup {
    let inside = html! {
        // For the browser, which keeps the password under it.
        input type="hidden" name="email" autocomplete="username" value=(user.email);
        (super::setup::name_field(name, errors))
        (super::setup::password_field("password", "Password", errors))
        (parts::primary_button("Accept the invitation"))
    };
    let content = html! {
        h1 { "You are invited" }
        p {
            "You will log in as " strong { (user.email) } ", in the role "
            strong { (user.role.label()) } "."
        }
        p { (user.role.meaning()) }
        (parts::summary(errors))
        (parts::form(&format!("/invitation/{token}"), csrf, &inside))
    };
    parts::visitors("You are invited", None, &content)
}
