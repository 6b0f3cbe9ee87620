//! `/settings/invoices`: how invoices are numbered, and the terms that a new one begins with.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::Refusal;
use domain::invoice_settings::{InvoiceSettings, MEMO_MAX, PREFIX_MAX, number};
use flows::invoice_settings::{self, Numbering};
use maud::{Markup, html};

use super::desk::{self, SEEN};
use super::{Asked, after, again, page, said, trouble, with_status};
use crate::html::{self as parts, Errors, Field, Input, Place};
use crate::people::{Filled, Person};
use crate::router::Site;

const PLACE: Place = Place::InvoiceSettings;
const PATH: &str = PLACE.path();
const TITLE: &str = PLACE.name();
const ABOUT: &str = "For invoices that you write from now on.";
const LABELS: [(&str, &str); 4] = [
    ("prefix", "Numbers begin with"),
    ("next_number", "Next number"),
    ("due_days", "Days until due"),
    ("memo", "Remark"),
];

/// `GET /settings/invoices`
pub async fn show(State(site): State<Site>, person: Person, asked: Asked) -> Response {
    match invoice_settings::get(&site.app, &person.scope()).await {
        Ok(there) => {
            let typed = typed_of(&there);
            let offered = there.next_number.to_string();
            let form = form(&person, &typed, &offered, &there, false, &Errors::none());
            page(
                &person,
                PLACE,
                TITLE,
                &desk::settings(TITLE, ABOUT, &said(&asked), &form),
            )
        }
        Err(failure) => trouble(&person, PLACE, failure),
    }
}

fn typed_of(there: &Numbering) -> [String; 4] {
    let settings = &there.settings;
    [
        settings.prefix.clone(),
        there.next_number.to_string(),
        settings.due_days.map(|days| days.to_string()).unwrap_or_default(),
        settings.memo.clone().unwrap_or_default(),
    ]
}

/// `POST /settings/invoices`
pub async fn save(State(site): State<Site>, person: Person, filled: Filled) -> Response {
    let there = match invoice_settings::get(&site.app, &person.scope()).await {
        Ok(there) => there,
        Err(failure) => return trouble(&person, PLACE, failure),
    };
    let mut typed = LABELS.map(|(name, _)| filled.get(name).replace("\r\n", "\n"));
    // What was offered and not touched is no wish: an invoice may have been finalized since, and another
    // beginning has a series of its own. In a form that comes back it is offered anew; what was touched is
    // still compared with what was offered first.
    let untouched = typed[1].trim() == filled.get("offered");
    let offered = match untouched {
        true => there.next_number.to_string(),
        false => filled.get("offered").to_owned(),
    };
    if untouched {
        typed[1].clone_from(&offered);
    }
    // Numbers go on by themselves: only what somebody chose is compared.
    if filled.get(SEEN) != desk::seen(&there.settings) {
        let form = form(&person, &typed, &offered, &there, true, &Errors::none());
        let content = desk::settings(TITLE, ABOUT, &html! {}, &form);
        return with_status(StatusCode::CONFLICT, &person, PLACE, TITLE, &content);
    }
    let saved = async {
        let [prefix, next, due_days, memo] = &typed;
        let whole = |field: &'static str, text: &str| {
            let unread = |_| Refusal::invalid(field, "must be a whole number");
            text.trim().parse::<i64>().map_err(unread)
        };
        let wanted = InvoiceSettings {
            prefix: prefix.clone(),
            due_days: match due_days.trim() {
                "" => None,
                days => Some(whole("due_days", days)?),
            },
            memo: Some(memo.clone()),
        };
        let next = match untouched {
            true => None,
            false => Some(whole("next_number", next)?),
        };
        invoice_settings::set(&site.app, &person.scope(), &person.by, wanted, next).await
    };
    match saved.await {
        Ok(_) => after(PATH, "saved"),
        Err(failure) => again(failure, &person, PLACE, TITLE, |refusal| {
            let errors = Errors::of_refusal(refusal, &LABELS);
            let form = form(&person, &typed, &offered, &there, false, &errors);
            desk::settings(TITLE, ABOUT, &html! {}, &form)
        }),
    }
}

fn form(
    person: &Person,
    typed: &[String; 4],
    offered: &str,
    there: &Numbering,
    late: bool,
    errors: &Errors,
) -> Markup {
    let [prefix, next, due_days, memo] = typed;
    let sample = number(&there.settings.prefix, there.next_number);
    let next_hint =
        format!("The next invoice is {sample}. A number is never given twice, so it only goes up.");
    let fields = html! {
        input type="hidden" name="offered" value=(offered);
        (parts::field(&Field {
            name: "prefix", label: LABELS[0].1, value: prefix, max: PREFIX_MAX,
            hint: "Such as INV- or 2027-. Each beginning has a series of its own, which starts at 1.",
            ..Field::default()
        }, errors))
        (parts::field(&Field {
            name: "next_number", label: LABELS[1].1, value: next, input: Input::Number, hint: &next_hint,
                max: 9,
            ..Field::default()
        }, errors))
        (parts::field(&Field {
            name: "due_days", label: LABELS[2].1, value: due_days, input: Input::Number, max: 3,
            hint: "New invoices are due so many days after they are written. Each can be changed.",
            optional: true, ..Field::default()
        }, errors))
        (parts::field(&Field {
            name: "memo", label: LABELS[3].1, value: memo, input: Input::Lines, max: MEMO_MAX,
            hint: "Stands on new invoices for the client to read, such as a word of thanks.",
            optional: true, ..Field::default()
        }, errors))
    };
    desk::settings_form(
        person,
        PATH,
        (&desk::seen(&there.settings), late),
        &fields,
        errors,
    )
}
