//! `/setup`: the first operator, by the token that the server printed when it started.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::password;
use domain::person::{self, Refused};
use domain::{Refusal, person::NAME_MAX};
use flows::people::setup::{self, NewPerson};
use maud::{Markup, html};
use stripe::Secret;

use super::{Filled, Visit, again, html_page, see_other};
use crate::html::{self as parts, Errors, Field, Input};
use crate::router::Site;

const LABELS: [(&str, &str); 4] = [
    ("setup_token", "Setup token"),
    ("name", "Your name"),
    ("email", "E-mail address"),
    ("password", "Password"),
];

/// `GET /setup`
pub async fn page(State(site): State<Site>, visit: Visit) -> Response {
    match setup::is_open(&site.app).await {
        Ok(true) => html_page(
            StatusCode::OK,
            form(&visit.csrf, &Filled::default(), &Errors::none()),
        ),
        Ok(false) => see_other("/login"),
        Err(failure) => super::trouble(failure),
    }
}

/// `POST /setup`
pub async fn set_up(State(site): State<Site>, visit: Visit, filled: Filled) -> Response {
    let new = NewPerson {
        name: filled.get("name").to_owned(),
        email: filled.get("email").to_owned(),
        password: Secret::new(filled.get("password")),
    };
    let token = filled.get("setup_token").trim();
    match setup::set_up(&site.app, &visit.browser, token, &new).await {
        Ok(entered) => super::login::go_on(&site, &visit, &entered, "/").await,
        Err(flows::Failure::Refused(Refusal::Person(Refused::LinkUsed))) => {
            let mut errors = Errors::none();
            let sentence = "This is not the token that the server printed when it was started last. \
                            Nothing was changed.";
            errors.add("setup_token", sentence);
            html_page(StatusCode::FORBIDDEN, form(&visit.csrf, &filled, &errors))
        }
        Err(failure) => again(failure, |refusal| {
            form(&visit.csrf, &filled, &Errors::of_refusal(refusal, &LABELS))
        }),
    }
}

fn form(csrf: &str, filled: &Filled, errors: &Errors) -> Markup {
    let inside = html! {
        (parts::field(&Field {
            name: "setup_token",
            label: "Setup token",
            value: filled.get("setup_token"),
            hint: "The server printed it on its console when it was started.",
            autocomplete: "off",
            ..Field::default()
        }, errors))
        (name_field(filled.get("name"), errors))
        (parts::field(&Field {
            name: "email",
            label: "E-mail address",
            value: filled.get("email"),
            hint: "You log in with it.",
            input: Input::Email,
            autocomplete: "username",
            max: person::EMAIL_MAX,
            ..Field::default()
        }, errors))
        (password_field("password", "Password", errors))
        (parts::primary_button("Set up"))
    };
    let content = html! {
        h1 { "Set up psa-pay" }
        p { "You become the operator of this platform. Next you set up an authenticator as second factor." }
        (parts::summary(errors))
        (parts::form("/setup", csrf, &inside))
    };
    parts::visitors("Set up psa-pay", None, &content)
}

/// The field for a person's own name.
pub fn name_field(value: &str, errors: &Errors) -> Markup {
    let field = Field {
        name: "name",
        label: "Your name",
        value,
        autocomplete: "name",
        max: NAME_MAX,
        ..Field::default()
    };
    parts::field(&field, errors)
}

/// The field for a password that somebody chooses.
pub fn password_field(name: &str, label: &str, errors: &Errors) -> Markup {
    let hint = format!(
        "At least {} characters; {} or more are better. A few words in a row are good.",
        password::LEAST,
        15
    );
    let field = Field {
        name,
        label,
        hint: &hint,
        input: Input::Password,
        autocomplete: "new-password",
        ..Field::default()
    };
    parts::field(&field, errors)
}
