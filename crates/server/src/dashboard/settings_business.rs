//! `/settings/business`: what invoices, mails and pay pages say of the tenant, how it can be paid without
//! Stripe, and its logo.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64ct::{Base64, Encoding as _};
use documents::Logo;
use domain::business::{Business, DETAILS_MAX, NAME_MAX, PageSize};
use domain::{Permission, Refusal};
use flows::Failure;
use flows::business::{self, Picture};
use maud::{Markup, html};
use store::business as rows;

use super::desk::{self, SEEN};
use super::{Asked, after, again, page, said, trouble, with_status};
use crate::html::{self as parts, Ask, Choice, Errors, Field, Input, Offer, Place};
use crate::people::multipart;
use crate::people::{Filled, Person};
use crate::router::Site;

const PATH: &str = Place::Business.path();
const TITLE: &str = Place::Business.name();
const LABELS: [(&str, &str); 9] = [
    ("name", "Name"),
    ("address", "Address"),
    ("tax_id", "Tax number"),
    ("email", "E-mail address"),
    ("phone", "Telephone"),
    ("footer", "Foot of every page"),
    ("bank_details", "Bank details"),
    ("cheque_details", "Cheques"),
    ("page_size", "Paper"),
];

/// The details, and the logo's address where there is one.
async fn read(site: &Site, person: &Person) -> Result<(Business, bool), Failure> {
    let scope = person.scope();
    let read = site.app.db.read(move |tx| {
        let logo = rows::logo_facts(tx, &scope)?.is_some();
        Ok::<_, store::Error>((rows::get(tx, &scope)?, logo))
    });
    Ok(read.await?)
}

/// `GET /settings/business`
pub async fn show(State(site): State<Site>, person: Person, asked: Asked) -> Response {
    match read(&site, &person).await {
        Ok((business, logo)) => {
            let seen = desk::seen(&business);
            let form = form(&person, &business, &seen, false, &Errors::none());
            let content = content(&person, &said(&asked), &form, logo, &Errors::none());
            page(&person, Place::Business, TITLE, &content)
        }
        Err(failure) => trouble(&person, Place::Business, failure),
    }
}

fn content(person: &Person, said: &Markup, form: &Markup, logo: bool, errors: &Errors) -> Markup {
    html! {
        (parts::title(TITLE, "What invoices, mails and pay pages say of you.", &html! {}))
        (said)
        div .stack.loose {
            div .card.narrow { (form) }
            (logo_card(person, logo, errors))
        }
    }
}

/// `POST /settings/business`
pub async fn save(State(site): State<Site>, person: Person, filled: Filled) -> Response {
    let text = |name: &str| Some(filled.get(name).replace("\r\n", "\n"));
    let typed = Business {
        name: text("name"),
        address: filled.get("address").lines().map(str::to_owned).collect(),
        tax_id: text("tax_id"),
        email: text("email"),
        phone: text("phone"),
        footer: text("footer"),
        bank_details: text("bank_details"),
        cheque_details: text("cheque_details"),
        page_size: PageSize::from_word(filled.get("page_size")).unwrap_or_default(),
    };
    let (there, logo) = match read(&site, &person).await {
        Ok(there) => there,
        Err(failure) => return trouble(&person, Place::Business, failure),
    };
    let seen = desk::seen(&there);
    if filled.get(SEEN) != seen {
        let form = form(&person, &typed, &seen, true, &Errors::none());
        let content = content(&person, &html! {}, &form, logo, &Errors::none());
        return with_status(StatusCode::CONFLICT, &person, Place::Business, TITLE, &content);
    }
    match business::set(&site.app, &person.scope(), &person.by, typed.clone()).await {
        Ok(_) => after(PATH, "saved"),
        Err(failure) => again(failure, &person, Place::Business, TITLE, |refusal| {
            let errors = Errors::of_refusal(refusal, &LABELS);
            let form = form(&person, &typed, &seen, false, &errors);
            content(&person, &html! {}, &form, logo, &Errors::none())
        }),
    }
}

fn form(person: &Person, typed: &Business, seen: &str, late: bool, errors: &Errors) -> Markup {
    let address = typed.address.join("\n");
    let one = |name: &'static str, value: &Option<String>, input, hint: &'static str, max| {
        let label = LABELS
            .iter()
            .find(|(known, _)| *known == name)
            .map_or(name, |(_, label)| *label);
        let value = value.as_deref().unwrap_or_default();
        let field = Field {
            name,
            label,
            value,
            input,
            hint,
            max,
            optional: true,
            ..Field::default()
        };
        parts::field(&field, errors)
    };
    let name_hint = format!("Without one: {}.", person.company());
    let fields = html! {
        (parts::field(&Field {
            name: "name", label: LABELS[0].1, value: typed.name.as_deref().unwrap_or_default(),
            hint: &name_hint, optional: true, max: NAME_MAX, ..Field::default()
        }, errors))
        (one("address", &Some(address), Input::Lines, "As it stands on an envelope.", 0))
        (one("tax_id", &typed.tax_id, Input::Text, "", 200))
        (one("email", &typed.email, Input::Email, "Where clients may ask about an invoice.", 254))
        (one("phone", &typed.phone, Input::Text, "", 200))
        (one("bank_details", &typed.bank_details, Input::Lines,
            "Bank, account and routing number or IBAN: on every invoice, for who pays by transfer.",
            DETAILS_MAX))
        (one("cheque_details", &typed.cheque_details, Input::Lines,
            "To whom a cheque is made out and where it is sent.", DETAILS_MAX))
        (one("footer", &typed.footer, Input::Lines, "Such as the company's register and bank.", DETAILS_MAX))
        (parts::choices(&Choice {
            name: "page_size",
            label: LABELS[8].1,
            hint: "",
            options: &[
                Offer { value: PageSize::Letter.word(), label: "US Letter", hint: "" },
                Offer { value: PageSize::A4.word(), label: "A4", hint: "" },
            ],
            chosen: typed.page_size.word(),
        }, errors))
    };
    desk::settings_form(person, PATH, (seen, late), &fields, errors)
}

fn logo_card(person: &Person, there: bool, errors: &Errors) -> Markup {
    let may = person.may(Permission::SettingsWrite);
    html! {
        section .card.narrow.stack {
            h2 { "Logo" }
            @if there {
                img .logo src={ (PATH) "/logo.png" } alt="Your logo";
            } @else {
                p .soft { "There is none yet. It stands at the top of invoices, mails and pay pages." }
            }
            @if may {
                (parts::file_form(&format!("{PATH}/logo"), &person.csrf, &html! {
                    (parts::summary(errors))
                    (parts::file(&parts::File {
                        name: "logo",
                        label: if there { "Another picture" } else { "Picture" },
                        hint: "A PNG or JPEG file of at most 1 MB.",
                        kinds: "image/png,image/jpeg",
                        optional: false,
                    }, errors))
                    div .actions {
                        (parts::button("Upload"))
                        @if there { (parts::link_button("Remove", &format!("{PATH}/logo/remove"),
                            "plain danger")) }
                    }
                }))
            }
        }
    }
}

/// `GET /settings/business/logo.png`
pub async fn logo(State(site): State<Site>, person: Person) -> Response {
    let scope = person.scope();
    match site.app.db.read(move |tx| rows::logo(tx, &scope)).await {
        Ok(Some(logo)) => match Base64::decode_vec(&logo.png) {
            Ok(png) => {
                let headers = [
                    (axum::http::header::CONTENT_TYPE, "image/png"),
                    (axum::http::header::CACHE_CONTROL, "private, no-cache"),
                ];
                (headers, png).into_response()
            }
            Err(error) => trouble(&person, Place::Business, Failure::Bug(error.to_string())),
        },
        Ok(None) => trouble(&person, Place::Business, Refusal::NotFound.into()),
        Err(error) => trouble(&person, Place::Business, error.into()),
    }
}

/// `POST /settings/business/logo`
pub async fn upload(State(site): State<Site>, person: Person, headers: HeaderMap, bytes: Bytes) -> Response {
    let sent = multipart::parts(&headers, &bytes).unwrap_or_default();
    let file = sent
        .iter()
        .find(|part| part.name == "logo" && !part.bytes.is_empty());
    let file = file.map(|part| part.bytes.to_vec());
    let uploaded = async {
        let unsent = || Refusal::invalid("logo", "must be chosen: a PNG or JPEG file");
        let file = file.ok_or_else(unsent)?;
        let decoded = tokio::task::spawn_blocking(move || Logo::from_upload(&file));
        let logo = decoded.await.map_err(|error| Failure::Bug(error.to_string()))?;
        let logo = logo.map_err(|refused| Refusal::invalid("logo", refused.problem()))?;
        let (width, height) = logo.extent();
        let png = logo.png().to_vec();
        let picture = Picture {
            base64: Base64::encode_string(&png),
            png,
            width,
            height,
        };
        business::set_logo(&site.app, &person.scope(), &person.by, picture).await
    };
    let failure = match uploaded.await {
        Ok(_) => return after(PATH, "saved"),
        Err(failure) => failure,
    };
    match read(&site, &person).await {
        Ok((business, there)) => again(failure, &person, Place::Business, TITLE, |refusal| {
            let errors = Errors::of_refusal(refusal, &[("logo", "Logo")]);
            let form = form(&person, &business, &desk::seen(&business), false, &Errors::none());
            content(&person, &html! {}, &form, there, &errors)
        }),
        Err(failure) => trouble(&person, Place::Business, failure),
    }
}

/// `GET /settings/business/logo/remove`
pub async fn ask_to_remove(person: Person) -> Response {
    let ask = Ask {
        id: "remove",
        title: "Remove the logo?",
        text: "New invoices, mails and pay pages show your name alone. You can upload it again.",
        yes: "Remove it",
        no: "Keep it",
        action: &format!("{PATH}/logo/remove"),
        back: PATH,
        csrf: &person.csrf,
    };
    super::question(&person, Place::Business, &ask)
}

/// `POST /settings/business/logo/remove`
pub async fn remove(State(site): State<Site>, person: Person) -> Response {
    match business::remove_logo(&site.app, &person.scope(), &person.by).await {
        Ok(_) => after(PATH, "saved"),
        Err(failure) => trouble(&person, Place::Business, failure),
    }
}
