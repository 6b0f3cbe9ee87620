//! `/email/{token}`: an address becomes that of a person once they have opened what was sent there.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use flows::Failure;
use flows::people::account;
use maud::html;

use super::invitation::no_link;
use super::{Person, cookies, html_page, with_next};
use crate::api::InPath;
use crate::html as parts;
use crate::router::Site;

/// `GET /email/{token}`: asks, since programs look at links before people do. Whoever is not logged in does
/// so first: the mailbox alone is not the person.
pub async fn page(
    State(site): State<Site>,
    person: Option<Extension<Person>>,
    InPath(token): InPath,
) -> Response {
    match account::look_at_email(&site.app, &token).await {
        Ok((user, email)) => {
            let path = format!("/email/{token}");
            let content = html! {
                h1 { "Take this address" }
                p { "From now on " strong { (user.name) } " logs in with " strong { (email) } "." }
                @match person {
                    Some(Extension(person)) if person.seen.user.id == user.id => {
                        p { "You are logged out everywhere." }
                        (parts::form(&path, &person.csrf, &parts::primary_button("Take this address")))
                    }
                    Some(Extension(person)) => {
                        p { "You are logged in as somebody else. Log out, then open the link again." }
                        (parts::form("/logout", &person.csrf, &parts::button("Log out")))
                    }
                    None => {
                        p { "Log in as before to show that it is you." }
                        p { (parts::link_button("Log in", &with_next("/login", &path), "primary")) }
                    }
                }
            };
            html_page(
                StatusCode::OK,
                parts::visitors("Take this address", None, &content),
            )
        }
        Err(failure) => no_link(failure),
    }
}

/// `POST /email/{token}`
pub async fn take(State(site): State<Site>, person: Person, InPath(token): InPath) -> Response {
    match account::take_email(&site.app, &person.by, &person.seen, &token).await {
        Ok(user) => {
            let content = html! {
                h1 { "Your address is changed" }
                p { "Log in with " strong { (user.email) } "." }
                p { (parts::link_button("Log in", "/login", "primary")) }
            };
            let page = parts::visitors("Your address is changed", None, &content);
            let mut response = html_page(StatusCode::OK, page);
            cookies::take_away(&site, &mut response);
            response
        }
        Err(failure @ Failure::Refused(domain::Refusal::Person(domain::person::Refused::EmailTaken))) => {
            super::again(failure, |refusal| {
                let content = html! {
                    h1 { "This address is taken" }
                    p { (refusal.to_string()) " Yours was not changed." }
                };
                parts::visitors("This address is taken", None, &content)
            })
        }
        Err(failure) => no_link(failure),
    }
}
