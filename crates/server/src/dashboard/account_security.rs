//! `/account/second-factor`: other recovery codes, and taking the authenticator away.

use axum::extract::State;
use axum::response::Response;
use flows::people::second_factor;
use maud::html;

use super::{after, page, question, trouble};
use crate::html::{self as parts, Ask, Place};
use crate::people::Person;
use crate::router::Site;

/// Where recovery codes are made.
pub const CODES: &str = "/account/recovery-codes";
/// Where the authenticator is taken away.
pub const REMOVE: &str = "/account/second-factor/remove";
const PATH: &str = Place::Account.path();

/// `GET /account/recovery-codes`
pub async fn ask_for_codes(person: Person) -> Response {
    let ask = Ask {
        id: "codes",
        title: "Make new recovery codes?",
        text: "Ten new ones are shown once. All earlier codes are worth nothing from then on.",
        yes: "Make new codes",
        no: "Keep the old ones",
        action: CODES,
        back: PATH,
        csrf: &person.csrf,
    };
    question(&person, Place::Account, &ask)
}

/// `POST /account/recovery-codes`
pub async fn make_codes(State(site): State<Site>, person: Person) -> Response {
    match second_factor::new_recovery_codes(&site.app, &person.by, &person.seen).await {
        Ok(codes) => {
            let codes: Vec<String> = codes.iter().map(|code| code.expose().to_owned()).collect();
            let about = "Each lets you in once if you lose your phone. They are not shown again: keep them \
                         where you keep your passwords.";
            let content = html! {
                (parts::title("Your new recovery codes", about, &html! {}))
                div .stack {
                    (parts::recovery_codes("codes", &codes))
                    div .actions { (parts::link_button("I have kept them", PATH, "primary")) }
                }
            };
            page(&person, Place::Account, "Your new recovery codes", &content)
        }
        Err(failure) => trouble(&person, Place::Account, failure),
    }
}

/// `GET /account/second-factor/remove`
pub async fn ask_to_remove(person: Person) -> Response {
    let text = match person.role().needs_second_factor() {
        true => {
            "Your role needs a second factor: before anything else you set up another one. The recovery \
             codes are worth nothing any more."
        }
        false => {
            "From then on your password alone lets you in. The recovery codes are worth nothing any more."
        }
    };
    let ask = Ask {
        id: "remove",
        title: "Remove the authenticator?",
        text,
        yes: "Remove authenticator",
        no: "Keep it",
        action: REMOVE,
        back: PATH,
        csrf: &person.csrf,
    };
    question(&person, Place::Account, &ask)
}

/// `POST /account/second-factor/remove`
pub async fn remove(State(site): State<Site>, person: Person) -> Response {
    match second_factor::remove(&site.app, &person.by, &person.seen).await {
        Ok(()) => after(PATH, "second-factor"),
        Err(failure) => trouble(&person, Place::Account, failure),
    }
}
