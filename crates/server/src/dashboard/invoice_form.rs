//! Writing an invoice: choosing the client, then its lines, with totals that the server adds up while
//! somebody types. Without the script a button adds lines and another adds up.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::invoice::{InvoiceState, LINES_MAX, totals};
use domain::{ClientId, InvoiceId, Refusal};
use flows::{Failure, invoicing};
use maud::{Markup, html};
use store::clients::{self, Client};
use store::invoice_list::Shelf;
use store::invoices::{self, Invoice};
use store::{invoice_list, invoice_settings};

use super::invoice_client::{For, NEW, choose};
use super::invoice_typed::{Row, Typed};
use super::trouble;
use super::{desk, invoice_paper};
use crate::api::{InPath, Query};
use crate::assets;
use crate::html::{self as parts, Choice, Errors, Field, Frame, Input, Offer, Place};
use crate::idempotency::{Once, forms};
use crate::people::{Filled, Person, html_page, see_other, status_of};
use crate::problem::Problem;
use crate::router::Site;

const PATH: &str = Place::Invoices.path();
/// Empty lines that are offered below those that are filled in.
const EMPTY_LINES: usize = 3;
/// Lines that the button adds.
const MORE_LINES: usize = 5;
/// Most characters of a discount: the longest amount with its commas.
const DISCOUNT_MAX: usize = 20;
/// Days until an invoice is due unless somebody says otherwise.
const DUE_IN_DAYS: i64 = 14;

/// `GET /invoices/new`
pub async fn new(State(site): State<Site>, person: Person, whom: Result<Query<For>, Problem>) -> Response {
    let whom = whom.map(|Query(whom)| whom).unwrap_or_default();
    if whom.client.is_empty() {
        return choose(&site, &person, whom).await;
    }
    match begun(&site, &person, &whom.client).await {
        Ok((client, typed)) => {
            let editor = Editor {
                client: &client,
                invoice: None,
                typed: &typed,
                version: 0,
                lines: EMPTY_LINES,
            };
            framed(
                &site,
                &person,
                axum::http::StatusCode::OK,
                &editor,
                &Errors::none(),
                "",
            )
        }
        Err(failure) => trouble(&person, Place::Invoices, failure),
    }
}

/// A new invoice as it begins: in the currency and with the tax of the client's last one, or of anybody's.
async fn begun(site: &Site, person: &Person, client: &str) -> Result<(Client, Typed), Failure> {
    let (scope, id) = (person.scope(), ClientId::parse(client)?);
    let today = desk::today(site);
    let read = site.app.db.read(move |tx| {
        let client = clients::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
        let own = invoice_list::of_client(tx, &scope, &id, (Shelf::All, ""), None, 1)?.pop();
        let last = match own {
            Some(own) => Some(own),
            None => invoice_list::page(tx, &scope, invoice_list::Shelf::All, "", None, 1)?.pop(),
        };
        let terms = invoice_settings::get(tx, &scope)?;
        let mut typed = Typed {
            currency: "usd".to_owned(),
            due_date: desk::days_after(&today, terms.due_days.unwrap_or(DUE_IN_DAYS)),
            memo: terms.memo.unwrap_or_default(),
            ..Typed::default()
        };
        if let Some(last) = last {
            typed.currency = last.invoice.currency.code().to_owned();
            let lines = invoices::lines(tx, &scope, &last.invoice.id)?;
            typed.tax = lines
                .first()
                .map(|line| line.tax_rate)
                .unwrap_or_default()
                .plain();
        }
        Ok::<_, Failure>((client, typed))
    });
    read.await
}

/// `GET /invoices/{id}/edit`
pub async fn edit(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    match found(&site, &person, &id).await {
        Ok((client, invoice, typed)) if invoice.status == InvoiceState::Draft => {
            let editor = Editor {
                client: &client,
                invoice: Some(&invoice),
                version: invoice.version,
                lines: typed.rows.len() + 1,
                typed: &typed,
            };
            let ok = axum::http::StatusCode::OK;
            framed(&site, &person, ok, &editor, &Errors::none(), "")
        }
        Ok((_, invoice, _)) => see_other(&format!("{PATH}/{}", invoice.id)),
        Err(failure) => trouble(&person, Place::Invoices, failure),
    }
}

async fn found(site: &Site, person: &Person, id: &str) -> Result<(Client, Invoice, Typed), Failure> {
    let (scope, id) = (person.scope(), InvoiceId::parse(id)?);
    let read = site.app.db.read(move |tx| {
        let invoice = invoices::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
        let client = clients::get(tx, &scope, &invoice.client_id)?.ok_or(Refusal::NotFound)?;
        let typed = Typed::from(&invoice, &invoices::lines(tx, &scope, &id)?);
        Ok::<_, Failure>((client, invoice, typed))
    });
    read.await
}

/// `POST /invoices`
pub async fn create(
    State(site): State<Site>,
    person: Person,
    Once(moment): Once,
    filled: Filled,
) -> Response {
    let typed = Typed::of(&filled);
    let client = match client_of(&site, &person, &filled).await {
        Ok(client) => client,
        Err(failure) => return trouble(&person, Place::Invoices, failure),
    };
    if let Some(response) = unsaved(&site, &person, &client, None, &typed, &filled) {
        return response;
    }
    let made = match typed.draft(&client.id) {
        Ok(draft) => invoicing::create(&site.app, &person.scope(), &person.by, moment, draft)
            .await
            .map_err(Wrong::Failed),
        Err(errors) => Err(Wrong::Typed(errors)),
    };
    match made {
        Ok(invoice) => onward(&invoice, &filled),
        Err(wrong) => wrong.show(&site, &person, &client, None, &typed, &filled),
    }
}

/// `POST /invoices/{id}`
pub async fn save(State(site): State<Site>, person: Person, InPath(id): InPath, filled: Filled) -> Response {
    let typed = Typed::of(&filled);
    let (client, invoice, there) = match found(&site, &person, &id).await {
        Ok(found) => found,
        Err(failure) => return trouble(&person, Place::Invoices, failure),
    };
    if let Some(response) = unsaved(&site, &person, &client, Some(&invoice), &typed, &filled) {
        return response;
    }
    let version = Some(version_of(&filled));
    let saved = match typed.draft(&client.id) {
        Ok(draft) => invoicing::edit(
            &site.app,
            &person.scope(),
            &person.by,
            &invoice.id,
            version,
            draft,
        )
        .await
        .map_err(Wrong::Failed),
        Err(errors) => Err(Wrong::Typed(errors)),
    };
    match saved {
        Ok(invoice) => onward(&invoice, &filled),
        Err(Wrong::Failed(Failure::Refused(Refusal::VersionConflict))) => {
            let wrong = Wrong::Overtaken(there.changed_meanwhile());
            wrong.show(&site, &person, &client, Some(&invoice), &typed, &filled)
        }
        Err(wrong) => wrong.show(&site, &person, &client, Some(&invoice), &typed, &filled),
    }
}

async fn client_of(site: &Site, person: &Person, filled: &Filled) -> Result<Client, Failure> {
    let (scope, id) = (person.scope(), ClientId::parse(filled.get("client"))?);
    let read = site.app.db.read(move |tx| clients::get(tx, &scope, &id)).await;
    Ok(read?.ok_or(Refusal::NotFound)?)
}

/// A button that only wants more lines, or to see the sums: nothing is saved.
fn unsaved(
    site: &Site,
    person: &Person,
    client: &Client,
    invoice: Option<&Invoice>,
    typed: &Typed,
    filled: &Filled,
) -> Option<Response> {
    let more = match filled.get("press") {
        "more" => MORE_LINES,
        "add-up" => 0,
        _ => return None,
    };
    let lines = (typed.rows.len() + more).min(LINES_MAX);
    let editor = Editor {
        client,
        invoice,
        typed,
        version: version_of(filled),
        lines,
    };
    let ok = axum::http::StatusCode::OK;
    let once = filled.get(forms::FIELD);
    // Whoever wants to see the sums sees also what keeps them from being taken.
    let wrong = match more {
        0 => typed.draft(&client.id).err().unwrap_or_default(),
        _ => Errors::none(),
    };
    Some(framed(site, person, ok, &editor, &wrong, once))
}

fn onward(invoice: &Invoice, filled: &Filled) -> Response {
    match filled.get("press") {
        "send" => see_other(&format!("{PATH}/{}/send", invoice.id)),
        _ => see_other(&format!("{PATH}/{}?done=saved", invoice.id)),
    }
}

/// The version that a form was made of; none that there is where it says none.
fn version_of(filled: &Filled) -> i64 {
    filled.get("version").parse().unwrap_or_default()
}

/// Why an invoice was not saved.
enum Wrong {
    Typed(Errors),
    /// Somebody else has changed it: whoever sends it again does so over that.
    Overtaken(Errors),
    Failed(Failure),
}

impl Wrong {
    fn show(
        self,
        site: &Site,
        person: &Person,
        client: &Client,
        invoice: Option<&Invoice>,
        typed: &Typed,
        filled: &Filled,
    ) -> Response {
        let mut version = version_of(filled);
        let (status, errors) = match self {
            Wrong::Typed(errors) => (axum::http::StatusCode::UNPROCESSABLE_ENTITY, errors),
            Wrong::Overtaken(errors) => {
                version = invoice.map_or(version, |invoice| invoice.version);
                (axum::http::StatusCode::UNPROCESSABLE_ENTITY, errors)
            }
            Wrong::Failed(Failure::Refused(refusal)) => {
                (status_of(&refusal), Errors::of_refusal(&refusal, &Typed::LABELS))
            }
            Wrong::Failed(failure) => return trouble(person, Place::Invoices, failure),
        };
        let editor = Editor {
            client,
            invoice,
            typed,
            version,
            lines: typed.rows.len().max(1),
        };
        framed(site, person, status, &editor, &errors, filled.get(forms::FIELD))
    }
}

/// `POST /invoices/totals`: what the lines add up to, for the page that asks while somebody types.
pub async fn preview(filled: Filled) -> Response {
    sums(&Typed::of(&filled)).into_response()
}

/// What the form is about.
struct Editor<'a> {
    client: &'a Client,
    invoice: Option<&'a Invoice>,
    typed: &'a Typed,
    /// The version that the change is based on.
    version: i64,
    /// How many lines are offered.
    lines: usize,
}

fn framed(
    site: &Site,
    person: &Person,
    status: axum::http::StatusCode,
    editor: &Editor<'_>,
    errors: &Errors,
    once: &str,
) -> Response {
    let title = match editor.invoice {
        None => NEW,
        Some(_) => "Edit the draft",
    };
    let frame = Frame {
        title,
        place: Place::Invoices,
        script: Some(assets::editor_js_path()),
    };
    let content = form(site, person, title, editor, errors, once);
    html_page(status, parts::page(&frame, &super::viewer(person), &content))
}

fn form(
    site: &Site,
    person: &Person,
    title: &str,
    editor: &Editor<'_>,
    errors: &Errors,
    once: &str,
) -> Markup {
    let typed = editor.typed;
    let (action, back) = match editor.invoice {
        None => (PATH.to_owned(), PATH.to_owned()),
        Some(invoice) => (format!("{PATH}/{}", invoice.id), format!("{PATH}/{}", invoice.id)),
    };
    let about = format!("To {}", editor.client.name);
    html! {
        a .back href=(back) { @if editor.invoice.is_some() { "Draft" } @else { "Invoices" } }
        (parts::title(title, &about, &html! {}))
        (parts::form(&action, &person.csrf, &html! {
            (parts::summary(errors))
            input type="hidden" name="client" value=(editor.client.id);
            @match editor.invoice {
                Some(_) => input type="hidden" name="version" value=(editor.version);,
                None => (forms::field(site, once)),
            }
            div .card.stack {
                div .fields {
                    (currency(typed, errors))
                    (parts::field(&Field {
                        name: "due_date",
                        label: "Due date",
                        value: &typed.due_date,
                        input: Input::Date,
                        optional: true,
                        ..Field::default()
                    }, errors))
                }
                (lines(editor, errors))
                (parts::field(&Field {
                    name: "memo",
                    label: "Remark",
                    value: &typed.memo,
                    input: Input::Lines,
                    hint: "Stands on the invoice and on the page where it is paid.",
                    optional: true,
                    max: invoicing::TEXT_MAX,
                    ..Field::default()
                }, errors))
            }
            div .actions {
                button .btn.primary type="submit" name="press" value="send" { "Save and review" }
                button .btn type="submit" name="press" value="save" { "Save draft" }
                (parts::link_button("Cancel", &back, "plain"))
            }
        }))
    }
}

fn currency(typed: &Typed, errors: &Errors) -> Markup {
    let codes: Vec<(String, String)> = domain::Currency::all()
        .map(|currency| (currency.code().to_owned(), currency.to_string()))
        .collect();
    let mut offers: Vec<Offer<'_>> = codes
        .iter()
        .map(|(value, label)| Offer {
            value,
            label,
            hint: "",
        })
        .collect();
    offers.sort_by_key(|offer| offer.label);
    let choice = Choice {
        name: "currency",
        label: "Currency",
        hint: "",
        options: &offers,
        chosen: &typed.currency,
    };
    parts::select(&choice, errors)
}

fn lines(editor: &Editor<'_>, errors: &Errors) -> Markup {
    let empty = Row {
        tax: editor.typed.tax.clone(),
        ..Row::default()
    };
    let rows = (0..editor.lines).map(|at| (at, editor.typed.rows.get(at).unwrap_or(&empty)));
    html! {
        fieldset .lines {
            legend .label { "Lines" }
            @if let Some(error) = errors.of("lines") { (parts::error_beside("lines", error)) }
            div #lines .editor-lines {
                div .editor-line.heads aria-hidden="true" {
                    span { "Description" } span { "Quantity" } span { "Price" } span { "Discount" }
                    span { "Tax %" }
                }
                @for (at, row) in rows { (line(at, row, errors)) }
            }
            div .actions {
                button .btn.plain type="submit" name="press" value="more" data-add-line { "Add lines" }
                button .btn.plain type="submit" name="press" value="add-up" data-add-up { "Add up" }
            }
            (parts::field(&Field {
                name: "whole_discount",
                label: "Discount on the whole invoice",
                value: &editor.typed.discount,
                hint: "Here and in a line: a percentage such as 10%, or an amount such as 25.00, before tax.",
                optional: true,
                max: DISCOUNT_MAX,
                ..Field::default()
            }, errors))
            (sums(editor.typed))
        }
    }
}

fn line(at: usize, row: &Row, errors: &Errors) -> Markup {
    let number = at + 1;
    html! {
        div .editor-line {
            (cell(at, "description", &format!("Description of line {number}"), &row.description, "", errors))
            (cell(at, "quantity", &format!("Quantity of line {number}"), &row.quantity, "decimal", errors))
            (cell(at, "price", &format!("Price of line {number}"), &row.price, "decimal", errors))
            (cell(at, "discount", &format!("Discount of line {number}"), &row.discount, "", errors))
            (cell(at, "tax", &format!("Tax of line {number}, percent"), &row.tax, "decimal", errors))
        }
    }
}

fn cell(at: usize, name: &str, label: &str, value: &str, mode: &str, errors: &Errors) -> Markup {
    let id = format!("{name}-{at}");
    let error = errors.of(&id);
    let told = format!("{id}-error");
    html! {
        div .cell.(name) {
            label .cell-label for=(id) { (label) }
            input .input id=(id) name=(name) value=(value) inputmode=[(!mode.is_empty()).then_some(mode)]
                autocomplete="off" aria-invalid=[error.map(|_| "true")]
                aria-describedby=[error.map(|_| &told)];
            @if let Some(error) = error { (parts::error_beside(&id, error)) }
        }
    }
}

/// What the lines add up to, as far as they can be read.
fn sums(typed: &Typed) -> Markup {
    let added = typed.readable().and_then(|(lines, discount, currency)| {
        let sums = totals(&lines, discount, currency).ok()?;
        Some((sums, discount, currency))
    });
    html! {
        dl #totals .totals aria-live="polite" {
            @match added {
                Some((sums, discount, currency)) => {
                    div { dt { "Subtotal" } dd { (desk::amount(sums.subtotal_minor, currency)) } }
                    @if sums.discount_minor != 0 {
                        div {
                            dt { (invoice_paper::discount(discount)) }
                            dd { (desk::amount(sums.discount_minor.saturating_neg(), currency)) }
                        }
                    }
                    @for tax in &sums.taxes {
                        div {
                            dt { "Tax " (tax.rate.to_string()) }
                            dd { (desk::amount(tax.tax_minor, currency)) }
                        }
                    }
                    div .whole { dt { "Total" } dd { (desk::amount(sums.total.minor(), currency)) } }
                }
                None => div {
                    dt { "Total" }
                    dd .soft { "is shown once every line and discount can be taken" }
                }
            }
        }
    }
}
