//! `/account`: what somebody is called, where they are written to, and how they log in.

use axum::extract::State;
use axum::response::Response;
use domain::{Refusal, person};
use flows::people::{account, second_factor};
use maud::{Markup, html};
use stripe::Secret;

use super::account_mails::{about_alerts, alerts_form, language_form};
use super::{Asked, after, again, page, said, trouble};
use crate::html::{self as parts, Errors, Field, Input, Place, Tone};
use crate::people::{Filled, Person, cookies};
use crate::router::Site;

const PATH: &str = Place::Account.path();
const TITLE: &str = "Profile and security";
/// Where an authenticator is set up, and the way back.
const SET_UP: &str = "/login/authenticator?next=/account";
const LABELS: [(&str, &str); 6] = [
    ("name", "Name"),
    ("email", "New e-mail address"),
    ("password", "Current password"),
    ("new_password", "New password"),
    ("language", "The language"),
    ("alerts", "The alerts"),
];

/// What stands in the forms: what somebody sent, or what is stored.
struct Typed<'a> {
    name: &'a str,
    email: &'a str,
}

/// `GET /account`
pub async fn show(State(site): State<Site>, person: Person, asked: Asked) -> Response {
    let user = person.seen.user.clone();
    let left = match second_factor::recovery_codes_left(&site.app, &user).await {
        Ok(left) => left,
        Err(failure) => return trouble(&person, Place::Account, failure),
    };
    let typed = Typed {
        name: &user.name,
        email: "",
    };
    let content = content(&person, &typed, left, &said(&asked), &Errors::none());
    page(&person, Place::Account, TITLE, &content)
}

/// `POST /account/name`
pub async fn rename(State(site): State<Site>, person: Person, filled: Filled) -> Response {
    let name = filled.get("name");
    match account::rename(&site.app, &person.by, &person.seen, name).await {
        Ok(_) => after(PATH, "renamed"),
        Err(failure) => {
            let typed = Typed { name, email: "" };
            refused(&site, &person, &typed, failure).await
        }
    }
}

/// `POST /account/email`
pub async fn ask_for_email(State(site): State<Site>, person: Person, filled: Filled) -> Response {
    let email = filled.get("email");
    match account::ask_for_email(&site.app, &person.by, &person.seen, email).await {
        Ok(()) => after(PATH, "email"),
        Err(failure) => {
            let typed = Typed {
                name: &person.seen.user.name,
                email,
            };
            refused(&site, &person, &typed, failure).await
        }
    }
}

/// `POST /account/password`
pub async fn change_password(State(site): State<Site>, person: Person, filled: Filled) -> Response {
    let [current, new] = ["password", "new_password"].map(|name| Secret::new(filled.get(name)));
    match account::change_password(&site.app, &person.by, &person.seen, &current, &new).await {
        Ok(cookie) => {
            let mut response = after(PATH, "password");
            cookies::give(&site, &mut response, &cookie, person.role());
            response
        }
        Err(failure) => {
            let typed = Typed {
                name: &person.seen.user.name,
                email: "",
            };
            refused(&site, &person, &typed, failure).await
        }
    }
}

/// The page again, with what is wrong with a form that has nothing to be typed.
pub async fn not_changed(site: &Site, person: &Person, failure: flows::Failure) -> Response {
    let typed = Typed {
        name: &person.seen.user.name,
        email: "",
    };
    refused(site, person, &typed, failure).await
}

async fn refused(site: &Site, person: &Person, typed: &Typed<'_>, failure: flows::Failure) -> Response {
    let left = second_factor::recovery_codes_left(&site.app, &person.seen.user).await;
    again(failure, person, Place::Account, TITLE, |refusal| {
        let errors = match refusal {
            // Here it can only be the password before.
            Refusal::Person(person::Refused::Login) => {
                let mut errors = Errors::none();
                errors.add("password", "The current password is wrong.");
                errors
            }
            refusal => Errors::of_refusal(refusal, &LABELS),
        };
        content(person, typed, left.unwrap_or_default(), &html! {}, &errors)
    })
}

fn content(person: &Person, typed: &Typed<'_>, codes_left: i64, said: &Markup, errors: &Errors) -> Markup {
    html! {
        (parts::title(TITLE, "What you are called, where you are written to, and how you log in.", &html! {}))
        (said)
        @if !errors.is_empty() { div .said { (parts::summary(errors)) } }
        (section("Name", "Your colleagues read it.", &name_form(person, typed, errors)))
        (section("E-mail address", "You log in with it.", &email_form(person, typed, errors)))
        (section("Language", "Mails to you are written in it.", &language_form(person, errors)))
        (section("Alerts", about_alerts(person.role()), &alerts_form(person, errors)))
        (section("Password", "Changing it logs you out everywhere else.", &password_form(person, errors)))
        (section("Second factor", "A code that only your phone knows.", &factor(person, codes_left)))
    }
}

fn section(title: &str, about: &str, content: &Markup) -> Markup {
    html! {
        section .settings {
            header { h2 { (title) } p { (about) } }
            div .card { (content) }
        }
    }
}

fn name_form(person: &Person, typed: &Typed<'_>, errors: &Errors) -> Markup {
    let field = Field {
        name: "name",
        label: "Name",
        value: typed.name,
        autocomplete: "name",
        max: person::NAME_MAX,
        ..Field::default()
    };
    parts::form(
        "/account/name",
        &person.csrf,
        &html! {
            (parts::field(&field, errors))
            div .actions { (parts::button("Save name")) }
        },
    )
}

fn email_form(person: &Person, typed: &Typed<'_>, errors: &Errors) -> Markup {
    let field = Field {
        name: "email",
        label: "New e-mail address",
        value: typed.email,
        input: Input::Email,
        hint: "A link is sent there. The address becomes yours once you open it.",
        autocomplete: "email",
        max: person::EMAIL_MAX,
        ..Field::default()
    };
    html! {
        (parts::facts(&[("Address now", html! { (person.seen.user.email) })]))
        (parts::form("/account/email", &person.csrf, &html! {
            (parts::field(&field, errors))
            div .actions { (parts::button("Send the link")) }
        }))
    }
}

fn password_form(person: &Person, errors: &Errors) -> Markup {
    let current = Field {
        name: "password",
        label: "Current password",
        input: Input::Password,
        autocomplete: "current-password",
        ..Field::default()
    };
    let new = Field {
        name: "new_password",
        label: "New password",
        input: Input::Password,
        hint: "At least 12 characters. A few words that nobody would guess are best.",
        autocomplete: "new-password",
        ..Field::default()
    };
    parts::form(
        "/account/password",
        &person.csrf,
        &html! {
            (parts::field(&current, errors))
            (parts::field(&new, errors))
            div .actions { (parts::button("Change password")) }
        },
    )
}

fn factor(person: &Person, codes_left: i64) -> Markup {
    let user = &person.seen.user;
    if !user.has_second_factor() {
        return html! {
            (parts::badge(Tone::Alert, "Not set up"))
            p .small.soft { "With it, a stolen password alone opens nothing." }
            div .actions { (parts::link_button("Set up an authenticator", SET_UP, "")) }
        };
    }
    let left = match codes_left {
        0 => parts::badge(Tone::Alert, "None left"),
        left => html! { (left) " left" },
    };
    html! {
        (parts::facts(&[
            ("Authenticator", html! {
                (parts::badge(Tone::Good, "On"))
                @if let Some(since) = second_factor::since(user) { " since " (parts::day(since)) }
            }),
            ("Recovery codes", left),
        ]))
        div .actions {
            (parts::link_button("New recovery codes", super::account_security::CODES, ""))
            (parts::link_button("Remove", super::account_security::REMOVE, "plain danger"))
        }
    }
}
