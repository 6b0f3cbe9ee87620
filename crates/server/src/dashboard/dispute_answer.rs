//! What a payer's bank is told: written over what is known already, reviewed, and sent once; and giving up.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use domain::dispute::evidence::{self, Field, Kind, TEXT_MAX};
use domain::{DisputeId, Refusal};
use flows::{Failure, disputes};
use maud::{Markup, html};

use super::dispute::{Whole, told};
use super::{Asked, after, again, page, said, trouble};
use super::{desk, dispute_papers as papers, dispute_words as words, with_status};
use crate::api::InPath;
use crate::html::{self as parts, Errors, Input, Place, Tone};
use crate::idempotency::{Once, forms};
use crate::people::{Filled, Person, see_other, status_of};
use crate::router::Site;

const WRITE: &str = "Answer the bank";
const REVIEW: &str = "Review your answer";
const GIVE_UP: &str = "Give up the dispute?";

/// `GET /disputes/{id}/evidence`
pub async fn write(State(site): State<Site>, person: Person, InPath(id): InPath, asked: Asked) -> Response {
    match Whole::read(&site, &person, &id).await {
        Ok(whole) => {
            let written = match whole.shown.dispute.evidence_version {
                0 => whole.shown.prefilled.clone(),
                _ => whole.shown.draft.clone(),
            };
            let typed = |field: Field| written.get(&field).cloned().unwrap_or_default();
            let form = form(&person, &whole, &typed, None, &Errors::none());
            page(
                &person,
                Place::Disputes,
                WRITE,
                &framed(&whole, &said(&asked), &form),
            )
        }
        Err(failure) => trouble(&person, Place::Disputes, failure),
    }
}

/// `POST /disputes/{id}/evidence`: the texts are saved first, over the version that they were written over,
/// so that a file is uploaded once however often the form is sent.
pub async fn save(
    State(site): State<Site>,
    person: Person,
    InPath(id): InPath,
    Once(moment): Once,
    filled: Filled,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let whole = match Whole::read(&site, &person, &id).await {
        Ok(whole) => whole,
        Err(failure) => return trouble(&person, Place::Disputes, failure),
    };
    let typed = |field: Field| domain::text::pasted(filled.get(field.word()));
    let back = |whole: &Whole, errors: &Errors| {
        let form = form(&person, whole, &typed, Some(&filled), errors);
        framed(whole, &html! {}, &form)
    };
    let (named, new) = match papers::read(&whole, &headers, &body, &filled) {
        Ok(papers) => (papers.named, papers.new),
        Err(errors) => {
            let content = back(&whole, &errors);
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return with_status(status, &person, Place::Disputes, WRITE, &content);
        }
    };
    let texts: Vec<(Field, String)> = texts().map(|field| (field, typed(field))).collect();
    let (of, version) = (
        &whole.shown.dispute.id,
        filled.get("version").parse().unwrap_or(-1),
    );
    let saved = async {
        let mut said = evidence::read(texts.iter().map(|(field, text)| (field.word(), text.as_str())))?;
        said.extend(named);
        let (scope, by) = (person.scope(), &person.by);
        let kept = disputes::put_evidence(&site.app, &scope, by, of, Some(version), said.clone()).await?;
        Ok::<_, Failure>((said, kept.evidence_version))
    };
    let (said, version) = match saved.await {
        Ok(saved) => saved,
        Err(failure) => {
            return again(failure, &person, Place::Disputes, WRITE, |refusal| {
                back(&whole, &errors_of(refusal))
            });
        }
    };
    let Some(new) = new else {
        return onward(&whole, filled.get("press"));
    };
    match papers::add(&site, &person, moment, of, version, said, new).await {
        Ok(true) => onward(&whole, filled.get("press")),
        Ok(false) => after(&format!("{}/evidence", whole.path()), "file-under-way"),
        // The texts are saved by now: what comes back is of their version.
        Err(failure) => match Whole::read(&site, &person, &id).await {
            Ok(whole) => again(failure, &person, Place::Disputes, WRITE, |refusal| {
                back(&whole, &papers::errors_of(refusal))
            }),
            Err(failure) => trouble(&person, Place::Disputes, failure),
        },
    }
}

/// Where a form that was saved leads.
fn onward(whole: &Whole, press: &str) -> Response {
    match press {
        "later" => after(&whole.path(), "evidence-kept"),
        papers::UPLOAD => after(&format!("{}/evidence", whole.path()), "file-added"),
        _ => see_other(&format!("{}/submit", whole.path())),
    }
}

/// All that is a text.
fn texts() -> impl Iterator<Item = Field> {
    Field::ALL
        .iter()
        .copied()
        .filter(|field| field.kind() == Kind::Text)
}

/// Refusals name `evidence.customer_name`; the form's field is `customer_name`.
fn errors_of(refusal: &Refusal) -> Errors {
    let mut errors = Errors::none();
    let named = refusal.field().and_then(|named| named.strip_prefix("evidence."));
    match (refusal, named.and_then(Field::from_word)) {
        (Refusal::InvalidField { problem, .. }, Some(field)) => {
            errors.add(field.word(), format!("{} {problem}.", words::field(field).0));
        }
        (refusal, _) => errors.add("", refusal.to_string()),
    }
    errors
}

/// The page of the form, with what was done just now.
fn framed(whole: &Whole, said: &Markup, form: &Markup) -> Markup {
    let (short, sentence) = words::reason(&whole.shown.dispute.reason);
    html! {
        a .back href=(whole.path()) { "Dispute" }
        (parts::title(WRITE, &format!("{short}. {sentence}"), &html! {}))
        (said)
        (form)
    }
}

fn form(
    person: &Person,
    whole: &Whole,
    typed: &dyn Fn(Field) -> String,
    sent: Option<&Filled>,
    errors: &Errors,
) -> Markup {
    let dispute = &whole.shown.dispute;
    let mut wanted: Vec<Field> = evidence::wanted(&dispute.reason)
        .iter()
        .copied()
        .filter(|field| field.kind() == Kind::Text)
        .collect();
    // What is said already is in sight, whether banks look for it or not.
    let said = |field: &Field| !typed(*field).is_empty() || errors.of(field.word()).is_some();
    let also: Vec<Field> = texts()
        .filter(|field| !wanted.contains(field) && said(field))
        .collect();
    wanted.extend(also);
    let others: Vec<Field> = texts().filter(|field| !wanted.contains(field)).collect();
    let first = dispute.evidence_version == 0;
    html! {
        div .card.narrow.stack {
            (parts::summary(errors))
            @if first {
                (parts::notice(Tone::Calm, "", &html! {
                    p {
                        "What is known of the invoice and its payment is filled in. Read it, correct it, \
                         and add what only you know. Nothing is sent before you have reviewed it."
                    }
                }))
            }
            (parts::file_form(&format!("{}/evidence", whole.path()), &person.csrf, &html! {
                // Enter in a field presses the first button of a form.
                button hidden type="submit" name="press" value="review" tabindex="-1" { "Save and review" }
                input type="hidden" name="version" value=(dispute.evidence_version);
                h2 { "What you tell the bank" }
                @for field in &wanted { (one(*field, typed, errors)) }
                details .fold {
                    summary { "More that can be said" }
                    div .stack { @for field in &others { (one(*field, typed, errors)) } }
                }
                (papers::part(whole, sent, errors))
                div .actions {
                    button .btn.primary type="submit" name="press" value="review" { "Save and review" }
                    button .btn type="submit" name="press" value="later" { "Save for later" }
                    (parts::link_button("Cancel", &whole.path(), "plain"))
                }
            }))
        }
    }
}

fn one(field: Field, typed: &dyn Fn(Field) -> String, errors: &Errors) -> Markup {
    let (label, hint) = words::field(field);
    parts::field(
        &parts::Field {
            name: field.word(),
            label,
            value: &typed(field),
            input: if words::is_long(field) {
                Input::Lines
            } else {
                Input::Text
            },
            hint,
            optional: true,
            max: TEXT_MAX,
            ..parts::Field::default()
        },
        errors,
    )
}

/// `GET /disputes/{id}/submit`: everything that goes to the bank, before it goes.
pub async fn review(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    match Whole::read(&site, &person, &id).await {
        Ok(whole) if whole.shown.dispute.evidence_version == 0 => {
            see_other(&format!("{}/evidence", whole.path()))
        }
        Ok(whole) => match disputes::may_submit(&whole.shown.dispute, site.app.clock.now()) {
            Ok(()) => {
                let content = review_form(&site, &person, &whole, "", &Errors::none());
                page(&person, Place::Disputes, REVIEW, &content)
            }
            Err(_) => see_other(&whole.path()),
        },
        Err(failure) => trouble(&person, Place::Disputes, failure),
    }
}

fn review_form(site: &Site, person: &Person, whole: &Whole, once: &str, errors: &Errors) -> Markup {
    let dispute = &whole.shown.dispute;
    let missing: Vec<&str> = whole
        .shown
        .missing
        .iter()
        .map(|field| words::field(*field).0)
        .collect();
    let about = format!(
        "{} to the payer's bank",
        desk::amount(dispute.amount, dispute.currency)
    );
    html! {
        a .back href=(whole.path()) { "Dispute" }
        (parts::title(REVIEW, &about, &html! {}))
        div .card.narrow.stack {
            (parts::summary(errors))
            (parts::notice(Tone::Alert, "The bank reads it once", &html! {
                p { "After it is sent, nothing can be added or corrected. The bank then decides, which \
                     takes up to three months." }
            }))
            @if !missing.is_empty() {
                (parts::notice(Tone::Calm, "Not said, and banks look for it", &html! {
                    ul { @for name in &missing { li { (name) } } }
                }))
            }
            h2 { "What goes to the bank" }
            (told(&whole.shown.draft, &whole.shown.files))
            (parts::form(&format!("{}/submit", whole.path()), &person.csrf, &html! {
                (forms::field(site, once))
                input type="hidden" name="version" value=(dispute.evidence_version);
                div .actions {
                    (parts::primary_button("Send it to the bank"))
                    (parts::link_button("Change it", &format!("{}/evidence", whole.path()), ""))
                    (parts::link_button("Cancel", &whole.path(), "plain"))
                }
            }))
        }
    }
}

/// `POST /disputes/{id}/submit`
pub async fn submit(
    State(site): State<Site>,
    person: Person,
    InPath(id): InPath,
    filled: Filled,
) -> Response {
    let sent = async {
        let id = DisputeId::parse(&id)?;
        let version = filled.get("version").parse().unwrap_or(-1);
        disputes::submit(&site.app, &person.scope(), &person.by, &id, version).await
    };
    let failure = match sent.await {
        Ok(dispute) if dispute.operation_id.is_some() => return after(&path_of(&id), "evidence-in-doubt"),
        Ok(_) => return after(&path_of(&id), "evidence-sent"),
        Err(failure) => failure,
    };
    match (Whole::read(&site, &person, &id).await, &failure) {
        (Ok(whole), Failure::Refused(refusal)) => {
            let mut errors = Errors::none();
            errors.add("", refusal.to_string());
            let content = review_form(&site, &person, &whole, filled.get(forms::FIELD), &errors);
            with_status(status_of(refusal), &person, Place::Disputes, REVIEW, &content)
        }
        (_, _) => trouble(&person, Place::Disputes, failure),
    }
}

fn path_of(id: &str) -> String {
    format!("{}/{id}", Place::Disputes.path())
}

/// `GET /disputes/{id}/accept`
pub async fn ask_to_accept(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    match Whole::read(&site, &person, &id).await {
        Ok(whole) => {
            let dispute = &whole.shown.dispute;
            let amount = desk::amount(dispute.amount, dispute.currency);
            let content = html! {
                a .back href=(whole.path()) { "Dispute" }
                (parts::title(GIVE_UP, "", &html! {}))
                div .card.narrow.stack {
                    p { "The bank keeps " (amount) " for good, and cannot be answered any more. You then say \
                         whether the client still owes it. This cannot be undone." }
                    (parts::form(&format!("{}/accept", whole.path()), &person.csrf, &html! {
                        (forms::field(&site, ""))
                        div .actions {
                            (parts::sure_button("Give it up"))
                            (parts::link_button("Keep it", &whole.path(), "plain"))
                        }
                    }))
                }
            };
            page(&person, Place::Disputes, GIVE_UP, &content)
        }
        Err(failure) => trouble(&person, Place::Disputes, failure),
    }
}

/// `POST /disputes/{id}/accept`
pub async fn accept(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    let accepted = async {
        let id = DisputeId::parse(&id)?;
        disputes::accept(&site.app, &person.scope(), &person.by, &id).await
    };
    match accepted.await {
        Ok(dispute) if dispute.operation_id.is_some() => after(&path_of(&id), "evidence-in-doubt"),
        Ok(_) => after(&path_of(&id), "dispute-accepted"),
        Err(failure) => trouble(&person, Place::Disputes, failure),
    }
}
