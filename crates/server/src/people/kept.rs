//! Pages that keep a form which could not be taken: its session has ended, it is of another session, or
//! it is too long ago that the person showed who they are. What was typed comes along, but for passwords
//! and codes, and is sent to the same address once more.

use axum::response::Response;
use domain::Refusal;
use domain::person::Refused;
use flows::people::Seen;
use maud::{Markup, html};

use super::{Filled, html_page, status_of};
use crate::access::people::{AGAIN, KEPT_FOR};
use crate::html::{self as parts, CSRF_FIELD, Errors, Field, Input};

/// A form that is kept.
#[derive(Debug)]
pub struct Keeping<'a> {
    /// Where it was sent, and is sent again.
    pub path: &'a str,
    /// What was typed.
    pub filled: &'a Filled,
    /// What forms of this browser carry.
    pub csrf: String,
    /// Whether the password was right already, and the second factor is asked for.
    pub asks_for_code: bool,
    /// Says whose form it is, so that it goes on for that person and for nobody else.
    pub kept_for: String,
}

const TITLE: &str = "Log in again";

/// Asks to log in, and then carries on.
pub fn login(keeping: &Keeping, refusal: Option<&Refusal>) -> Response {
    let ended = Refusal::Person(Refused::SessionEnded);
    let errors = refusal
        .filter(|refusal| **refusal != ended)
        .map(errors)
        .unwrap_or_default();
    let email = keeping.filled.get(AGAIN[0]);
    let fields = html! {
        @if keeping.asks_for_code {
            (code_field(&errors))
        } @else {
            (super::login::email_field(AGAIN[0], email, &errors))
            (password_field(&errors))
        }
    };
    let content = html! {
        h1 { (TITLE) }
        p { "Your session ended before this was sent. Nothing you typed is lost: log in, and it goes on." }
        (parts::summary(&errors))
        (form(keeping, &html! { (fields) (parts::primary_button("Log in and continue")) }))
    };
    let status = status_of(refusal.unwrap_or(&ended));
    html_page(status, parts::visitors(TITLE, None, &content))
}

/// Asks whether it is still the same person, and then carries on.
pub fn confirm(keeping: &Keeping, seen: &Seen, refusal: &Refusal) -> Response {
    let asked = Refusal::Person(Refused::StepUpNeeded);
    let errors = if *refusal == asked {
        Errors::none()
    } else {
        errors(refusal)
    };
    let content = html! {
        h1 { "Confirm that it is you" }
        p { "This needs " (what(seen)) ". What you typed is kept." }
        (parts::summary(&errors))
        (form(keeping, &html! {
            (proof_fields(seen, &errors))
            (parts::primary_button("Confirm and continue"))
        }))
    };
    html_page(
        status_of(refusal),
        parts::visitors("Confirm that it is you", None, &content),
    )
}

/// For a form of another session, or of somebody else: shows that it was not taken and what it says, and
/// sends it when pressed.
pub fn send_again(keeping: &Keeping) -> Response {
    let refusal = Refusal::Person(Refused::FormToken);
    let content = html! {
        h1 { "Send this again" }
        p { (refusal.to_string()) " Passwords have to be typed once more." }
        (shown(keeping))
        (form(keeping, &parts::primary_button("Send again")))
    };
    html_page(
        status_of(&refusal),
        parts::visitors("Send this again", None, &content),
    )
}

/// What somebody shows to confirm that it is them.
pub fn what(seen: &Seen) -> &'static str {
    match seen.user.has_second_factor() {
        true => "a code of your authenticator, not older than five minutes",
        false => "your password, not older than five minutes",
    }
}

/// The field for that.
pub fn proof_fields(seen: &Seen, errors: &Errors) -> Markup {
    match seen.user.has_second_factor() {
        true => code_field(errors),
        false => password_field(errors),
    }
}

/// What is wrong with it.
pub fn errors(refusal: &Refusal) -> Errors {
    let mut errors = Errors::none();
    let field = match refusal {
        Refusal::Person(Refused::Code) => AGAIN[2],
        Refusal::Person(Refused::Login) => AGAIN[1],
        _ => "",
    };
    errors.add(field, refusal.to_string());
    errors
}

fn code_field(errors: &Errors) -> Markup {
    let field = Field {
        name: AGAIN[2],
        label: "Code",
        hint: "Six digits from your authenticator app, or a recovery code.",
        input: Input::Digits,
        autocomplete: "one-time-code",
        ..Field::default()
    };
    parts::field(&field, errors)
}

fn password_field(errors: &Errors) -> Markup {
    let field = Field {
        name: AGAIN[1],
        label: "Password",
        input: Input::Password,
        autocomplete: "current-password",
        ..Field::default()
    };
    parts::field(&field, errors)
}

/// What a form says and where it goes, for whoever is to send it.
fn shown(keeping: &Keeping) -> Markup {
    let filled = keeping.filled.fields();
    let filled = filled.filter(|(name, value)| is_kept(name) && !is_ours(name) && !value.is_empty());
    html! {
        dl {
            dt { "Sent to" }
            dd { (keeping.path) }
            @for (name, value) in filled {
                dt { (label(name)) }
                dd { (chosen(value)) }
            }
        }
    }
}

/// Fields that a form carries for us, and nobody typed.
const OURS: [&str; 6] = ["form_key", "version", "invoice", "client", "finalizes", "press"];
/// What fields are called where their name does not read so.
const LABELS: [(&str, &str); 12] = [
    ("email", "E-mail address"),
    ("settlement", "What it means for the invoice"),
    ("fee", "The platform's fee"),
    ("tax", "Tax in percent"),
    ("price", "Price"),
    ("memo", "Remark"),
    ("tax_id", "Tax number"),
    ("permissions", "What the key may do"),
    ("expires", "Good until"),
    ("name", "Name"),
    ("note", "Note"),
    ("country", "Country of the business"),
];
/// What people chose, by the word that the form sends.
const CHOSEN: [(&str, &str); 7] = [
    ("still_owed", "The client owes it again"),
    ("forgiven", "The client owes nothing for it"),
    ("kept", "Stays with the platform"),
    ("returned", "Comes back to you"),
    ("requested_by_customer", "The client asked for it"),
    ("duplicate", "It was paid twice"),
    ("fraudulent", "It was fraud"),
];

fn is_ours(name: &str) -> bool {
    OURS.contains(&name)
}

fn label(name: &str) -> String {
    let known = LABELS.iter().find(|(known, _)| *known == name);
    known.map_or_else(|| parts::plain::readable(name), |(_, label)| (*label).to_owned())
}

fn chosen(value: &str) -> &str {
    let known = CHOSEN.iter().find(|(word, _)| *word == value);
    known.map_or(value, |(_, label)| label)
}

/// What the page asks for comes first: of a form with very many fields the last ones are passed over.
fn form(keeping: &Keeping, inside: &Markup) -> Markup {
    let kept = keeping.filled.fields().filter(|(name, _)| is_kept(name));
    let inside = html! {
        input type="hidden" name=(KEPT_FOR) value=(keeping.kept_for);
        (inside)
        @for (name, value) in kept { input type="hidden" name=(name) value=(value); }
    };
    parts::form(keeping.path, &keeping.csrf, &inside)
}

/// Fields that are never sent back, with those that end in the same way after an underscore.
const SECRETS: [&str; 4] = ["password", "secret", "token", "seed"];
/// Fields that are never sent back, as they are called. `postcode` is none of them.
const CODES: [&str; 3] = ["code", "recovery_code", "totp_code"];

/// Passwords, codes and keys are never sent back, and neither are the fields that such a page adds itself.
fn is_kept(name: &str) -> bool {
    let secret = |word: &&str| {
        let before = name.strip_suffix(*word);
        before.is_some_and(|before| before.is_empty() || before.ends_with('_'))
    };
    let added = name == CSRF_FIELD || name == KEPT_FOR || AGAIN.contains(&name);
    !added && !SECRETS.iter().any(secret) && !CODES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::is_kept;

    #[test]
    fn what_was_typed_is_kept_but_for_what_lets_somebody_in() {
        for kept in [
            "email",
            "postcode",
            "country_code",
            "currency_code",
            "passwordless",
            "note",
            "role",
        ] {
            assert!(is_kept(kept), "{kept}");
        }
        for secret in [
            "password",
            "new_password",
            "current_password",
            "code",
            "recovery_code",
            "setup_token",
            "webhook_secret",
            "seed",
            "csrf_token",
            "again_email",
            "again_password",
            "again_code",
            "again_for",
        ] {
            assert!(!is_kept(secret), "{secret}");
        }
    }
}
