//! `/settings/payments`: what payers may choose: a part, several invoices at once, a bank debit.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::{Currency, Money};
use flows::{Failure, payment_settings};
use maud::{Markup, html};
use store::invoice_list;
use store::payment_settings::{self as rows, PaymentSettings};

use super::desk::{self, SEEN};
use super::{Asked, after, again, page, said, trouble, with_status};
use crate::html::{self as parts, Check, Errors, Field, Offer, Place};
use crate::people::{Filled, Person};
use crate::router::Site;

const PLACE: Place = Place::PaymentSettings;
const PATH: &str = PLACE.path();
const TITLE: &str = PLACE.name();
const ABOUT: &str = "What your clients may choose when they pay. Cards are always taken.";
/// The currency that is offered where no invoice names one.
const USUAL: &str = "usd";

/// What a tenant lets its payers choose, and the currencies that it has invoices in.
async fn read(site: &Site, person: &Person) -> Result<(PaymentSettings, Vec<Currency>), Failure> {
    let scope = person.scope();
    let read = site.app.db.read(move |tx| {
        let settings = rows::get(tx, &scope)?;
        let mut currencies = invoice_list::currencies(tx, &scope)?;
        currencies.extend(settings.minimums.iter().map(|minimum| minimum.currency()));
        currencies.extend(Currency::parse(USUAL));
        currencies.sort_by_key(|currency| currency.code());
        currencies.dedup();
        Ok::<_, store::Error>((settings, currencies))
    });
    Ok(read.await?)
}

/// `GET /settings/payments`
pub async fn show(State(site): State<Site>, person: Person, asked: Asked) -> Response {
    match read(&site, &person).await {
        Ok((settings, currencies)) => {
            let form = form(
                &person,
                &Typed::of(&settings, &currencies),
                &settings,
                false,
                &Errors::none(),
            );
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

/// What stands in the form.
struct Typed {
    partial: bool,
    several: bool,
    bank_debits: bool,
    /// By currency, as somebody typed it; empty for none.
    minimums: Vec<(Currency, String)>,
}

impl Typed {
    fn of(settings: &PaymentSettings, currencies: &[Currency]) -> Typed {
        let minimum = |currency: &Currency| {
            let found = settings.minimums.iter().find(|one| one.currency() == *currency);
            (*currency, found.map(|money| money.plain()).unwrap_or_default())
        };
        Typed {
            partial: settings.partial,
            several: settings.several,
            bank_debits: settings.bank_debits,
            minimums: currencies.iter().map(minimum).collect(),
        }
    }
}

/// `POST /settings/payments`
pub async fn save(State(site): State<Site>, person: Person, filled: Filled) -> Response {
    let (there, currencies) = match read(&site, &person).await {
        Ok(there) => there,
        Err(failure) => return trouble(&person, PLACE, failure),
    };
    let minimum = |currency: &Currency| (*currency, filled.get(&field_of(*currency)).trim().to_owned());
    let typed = Typed {
        partial: filled.get("partial") == "1",
        several: filled.get("several") == "1",
        bank_debits: filled.get("bank_debits") == "1",
        minimums: currencies.iter().map(minimum).collect(),
    };
    if filled.get(SEEN) != desk::seen(&there) {
        let form = form(&person, &typed, &there, true, &Errors::none());
        let content = desk::settings(TITLE, ABOUT, &html! {}, &form);
        return with_status(StatusCode::CONFLICT, &person, PLACE, TITLE, &content);
    }
    let saved = async {
        let mut minimums = Vec::new();
        for (currency, text) in typed.minimums.iter().filter(|(_, text)| !text.is_empty()) {
            minimums.push(Money::typed(&field_of(*currency), text, *currency)?);
        }
        let settings = PaymentSettings {
            partial: typed.partial,
            several: typed.several,
            bank_debits: typed.bank_debits,
            minimums,
        };
        payment_settings::set(&site.app, &person.scope(), &person.by, settings).await
    };
    match saved.await {
        Ok(_) => after(PATH, "saved"),
        Err(failure) => again(failure, &person, PLACE, TITLE, |refusal| {
            let mut errors = Errors::none();
            let named = refusal.field().unwrap_or_default();
            let code = named
                .trim_start_matches("minimums.")
                .trim_start_matches("minimum_");
            match (refusal, Currency::parse(code)) {
                (domain::Refusal::InvalidField { problem, .. }, Ok(currency)) => {
                    errors.add(
                        &field_of(currency),
                        format!("Smallest part in {currency} {problem}."),
                    );
                }
                (refusal, _) => errors.add("", refusal.to_string()),
            }
            let form = form(&person, &typed, &there, false, &errors);
            desk::settings(TITLE, ABOUT, &html! {}, &form)
        }),
    }
}

fn field_of(currency: Currency) -> String {
    format!("minimum_{}", currency.code())
}

fn form(person: &Person, typed: &Typed, there: &PaymentSettings, late: bool, errors: &Errors) -> Markup {
    let tick = |name, label, hint, ticked| {
        parts::check(&Check {
            name,
            option: Offer {
                value: "1",
                label,
                hint,
            },
            ticked,
        })
    };
    let fields = html! {
        (tick("partial", "A part of an invoice",
            "The client types how much to pay now. The rest stays open.", typed.partial))
        @for (currency, text) in &typed.minimums {
            @let label = format!("Smallest part in {currency}");
            (parts::field(&Field {
                name: &field_of(*currency), label: &label, value: text, optional: true, max: 30,
                hint: "Without one, what Stripe charges at least. The last part may be smaller.",
                ..Field::default()
            }, errors))
        }
        (tick("several", "Several invoices at once",
            "An invoice's page shows the client's other open ones, to be paid together.", typed.several))
        (tick("bank_debits", "Debits of US bank accounts",
            "Cheaper than cards, but the money takes days. Stripe has to allow it on your account.",
            typed.bank_debits))
    };
    desk::settings_form(person, PATH, (&desk::seen(there), late), &fields, errors)
}
