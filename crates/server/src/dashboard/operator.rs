//! `/operator`: the tenants of the platform as the operator sees them: where each stands, making one, and
//! inviting its owner.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use domain::tenant::{TenantMove, TenantState};
use domain::{Language, Refusal, Role, TenantId, UserId, person};
use flows::mails::recipients::Trouble;
use flows::people::invitations::{self, Invitation};
use flows::people::members;
use flows::tenants::{self, Overview};
use flows::{Failure, instance};
use maud::{Markup, html};
use serde::Deserialize;
use store::day_sums::Collected;
use store::users::User;

use super::account_mails::language_field;
use super::console::configuration;
use super::console::tenant as told;
use super::desk::{address, looked_for};
use super::operator_moves::{CLOSE, SUSPEND, closing, moves, suspending};
use super::users::{invited_page, roster, whom};
use super::{Asked, Done, again, page, said, trouble};
use crate::api::{InPath, Query};
use crate::html::{self as parts, Column, Errors, Field, Input, Pages, Place, Tone};
use crate::idempotency::{Once, forms};
use crate::people::{Filled, Person, see_other};
use crate::problem::Problem;
use crate::router::Site;

const PATH: &str = Place::Operator.path();
const TITLE: &str = "Tenants";
const MAKE: &str = "Add a tenant";
/// Tenants on one page.
const SHOWN: usize = 50;
const LABELS: [(&str, &str); 6] = [
    ("name", "Name"),
    ("support_email", "Support address"),
    ("email", "E-mail address"),
    ("owner", "Name"),
    ("language", "The language"),
    ("reason", "Reason"),
];

/// Which page of tenants is asked for, and what was done.
#[derive(Debug, Default, Deserialize)]
pub struct Which {
    #[serde(default)]
    after: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    done: String,
}

/// `GET /operator`
pub async fn list(
    State(site): State<Site>,
    person: Person,
    which: Result<Query<Which>, Problem>,
) -> Response {
    let which = which.map(|Query(which)| which).unwrap_or_default();
    let after = TenantId::parse(&which.after).ok();
    let (text, mode, now) = (looked_for(&which.q), person.mode, site.app.clock.now());
    let read = site.app.db.read(move |tx| {
        let limit = i64::try_from(SHOWN + 1).unwrap_or(i64::MAX);
        let page = match text.as_str() {
            "" => store::tenants::page(tx, after.as_ref(), limit)?,
            text => store::tenants::search(tx, text, after.as_ref(), limit)?,
        };
        let with_sums = page.into_iter().map(|tenant| {
            let scope = domain::Scope {
                tenant: tenant.id.clone(),
                mode,
            };
            let brought = told::this_month(tx, &scope, now)?;
            Ok((tenants::overview(tx, tenant)?, brought))
        });
        with_sums.collect::<Result<Vec<_>, store::Error>>()
    });
    let lock = instance::lock(&site.app).await.ok().flatten();
    match read.await {
        Ok(all) => {
            let asked = Ok(Query(Done { done: which.done }));
            let said = html! {
                @if let Some(lock) = &lock { (configuration::locked(lock)) }
                (said(&asked))
            };
            let content = show(&all, &which.q, &which.after, &said);
            page(&person, Place::Operator, TITLE, &content)
        }
        Err(error) => trouble(&person, Place::Operator, error.into()),
    }
}

/// A tenant with what payments brought it this month.
type Row = (Overview, Vec<Collected>);

fn show(all: &[Row], typed: &str, after: &str, said: &Markup) -> Markup {
    let columns = [
        Column::words("Tenant"),
        Column::words("State"),
        Column::words("Test account"),
        Column::words("Live account"),
        Column::figures("Collected"),
        Column::figures("Fees"),
        Column::words("Added"),
    ];
    let (shown, more) = (&all[..all.len().min(SHOWN)], all.len() > SHOWN);
    let rows: Vec<parts::Row> = shown.iter().map(row).collect();
    let last = shown.last().filter(|_| more);
    let pages = Pages {
        next: last.map(|(last, _)| address(PATH, &[("q", typed), ("after", last.tenant.id.as_str())])),
        previous: (!after.is_empty()).then(|| address(PATH, &[("q", typed)])),
        ..Pages::default()
    };
    let make = parts::link_button(MAKE, "/operator/tenants/new", "primary");
    let about = "The service providers that take payments here, with what they collected this month.";
    html! {
        (parts::title(TITLE, about, &html! { @if !rows.is_empty() || !typed.is_empty() { (make) } }))
        (said)
        @if !rows.is_empty() || !typed.is_empty() {
            (parts::search(PATH, "Name, address or id", typed))
        }
        @if rows.is_empty() && typed.is_empty() {
            (parts::empty(
                "No tenants yet",
                "A tenant is a service provider with its own Stripe account.",
                &make,
            ))
        } @else if rows.is_empty() {
            (parts::empty("Nobody is called that", "No tenant has that in its name or address.",
                &parts::link_button("Show all tenants", PATH, "")))
        } @else {
            (parts::table(TITLE, &columns, &rows))
            (parts::pages(&pages))
        }
    }
}

fn row((overview, brought): &Row) -> parts::Row {
    let tenant = &overview.tenant;
    let may_begin = tenant.status == TenantState::Active;
    let [(_, test), (_, live)] = &overview.accounts;
    vec![
        html! {
            a .row-link href={ "/operator/tenants/" (tenant.id) } { (tenant.name) }
            @if let Some(email) = &tenant.support_email { span .under.soft { (email) } }
        },
        state(tenant.status),
        told::badge(test.as_ref(), may_begin),
        told::badge(live.as_ref(), may_begin),
        told::sums(brought, |one| one.received),
        told::sums(brought, |one| one.application_fees),
        parts::day(tenant.created_at),
    ]
}

fn state(state: TenantState) -> Markup {
    match state {
        TenantState::Active => parts::badge(Tone::Good, "Active"),
        TenantState::Suspended => parts::badge(Tone::Alert, "Suspended"),
        TenantState::Closed => parts::badge(Tone::Calm, "Closed"),
    }
}

/// `GET /operator/tenants/new`
pub async fn new(State(site): State<Site>, person: Person) -> Response {
    page(
        &person,
        Place::Operator,
        MAKE,
        &make_form(&site, &person, ["", ""], "", &Errors::none()),
    )
}

/// `POST /operator/tenants`
pub async fn create(
    State(site): State<Site>,
    person: Person,
    Once(moment): Once,
    filled: Filled,
) -> Response {
    let typed = ["name", "support_email"].map(|field| filled.get(field).trim());
    let email = Some(typed[1]).filter(|email| !email.is_empty());
    match tenants::add(&site.app, &person.by, moment, typed[0], email, &[]).await {
        Ok((tenant, _)) => see_other(&format!("/operator/tenants/{}?done=made", tenant.id)),
        Err(failure) => again(failure, &person, Place::Operator, MAKE, |refusal| {
            let errors = Errors::of_refusal(refusal, &LABELS);
            make_form(&site, &person, typed, filled.get(forms::FIELD), &errors)
        }),
    }
}

fn make_form(site: &Site, person: &Person, [name, email]: [&str; 2], once: &str, errors: &Errors) -> Markup {
    let name = Field {
        name: "name",
        label: "Name",
        value: name,
        hint: "As its clients know it: it stands on every invoice and pay page.",
        max: 200,
        ..Field::default()
    };
    let email = Field {
        name: "support_email",
        label: "Support address",
        value: email,
        input: Input::Email,
        hint: "Where its clients ask about an invoice.",
        optional: true,
        max: person::EMAIL_MAX,
        ..Field::default()
    };
    html! {
        a .back href=(PATH) { (TITLE) }
        (parts::title(MAKE, "Its owner is invited next, and connects Stripe.", &html! {}))
        div .card.narrow {
            (parts::form("/operator/tenants", &person.csrf, &html! {
                (parts::summary(errors))
                (forms::field(site, once))
                (parts::field(&name, errors))
                (parts::field(&email, errors))
                div .actions {
                    (parts::primary_button("Add tenant"))
                    (parts::link_button("Cancel", PATH, "plain"))
                }
            }))
        }
    }
}

/// `GET /operator/tenants/{id}`
pub async fn one(State(site): State<Site>, person: Person, InPath(id): InPath, asked: Asked) -> Response {
    match found(&site, &id).await {
        Ok(whole) => {
            let none = Errors::none();
            let content = detail(&person, &whole, Typed::default(), &none, &said(&asked));
            page(&person, Place::Operator, &whole.overview.tenant.name, &content)
        }
        Err(failure) => trouble(&person, Place::Operator, failure),
    }
}

async fn found(site: &Site, id: &str) -> Result<Whole, Failure> {
    let (id, now) = (TenantId::parse(id)?, site.app.clock.now());
    let mode = site.app.active_mode;
    let read = site.app.db.read(move |tx| {
        let tenant = store::tenants::find(tx, &id)?.ok_or(Refusal::NotFound)?;
        let scope = domain::Scope {
            tenant: id.clone(),
            mode,
        };
        let people = store::users::of_tenant(tx, &tenant.id)?;
        let months = told::by_month(tx, &scope, now)?;
        Ok::<_, Failure>((tenants::overview(tx, tenant)?, months, people))
    });
    let (overview, months, people) = read.await?;
    let unreached = members::unreached(&site.app, &people).await?;
    Ok(Whole {
        overview,
        months,
        people,
        unreached,
    })
}

/// A tenant with what it brought in the last months, and its people.
struct Whole {
    overview: Overview,
    months: Vec<told::OfMonth>,
    people: Vec<User>,
    unreached: BTreeMap<UserId, Trouble>,
}

/// What stands in the form by which an owner is invited: name, address and language.
type Typed<'a> = [&'a str; 3];

fn detail(person: &Person, whole: &Whole, owner: Typed<'_>, errors: &Errors, said: &Markup) -> Markup {
    let overview = &whole.overview;
    let tenant = &overview.tenant;
    let id = tenant.id.as_str();
    let link = |path: &str, words: &str| {
        html! {
            a href=(address(path, &[("tenant", id)])) { (words) }
        }
    };
    html! {
        a .back href=(PATH) { (TITLE) }
        (parts::title(&tenant.name, "", &state(tenant.status)))
        (said)
        @if !errors.is_empty() { div .said { (parts::summary(errors)) } }
        div .stack.loose {
            section .card {
                h2 { "The tenant" }
                (parts::facts(&[
                    ("Id", html! { code { (tenant.id) } }),
                    ("Support address", html! { (tenant.support_email.as_deref().unwrap_or("None")) }),
                    ("Added", parts::moment(tenant.created_at)),
                    ("See also", html! {
                        (link("/operator/inbox", "Its webhooks")) ", "
                        (link("/operator/audit", "its audit log")) ", "
                        (link("/operator/fees/new", "a fee rule of its own"))
                    }),
                ]))
                @if let Some(reason) = &tenant.status_reason {
                    p .soft { "Last change of its state: " (reason) }
                }
            }
            (told::accounts(overview))
            (told::figures(overview, &whole.months, person.mode))
            (roster(&whole.people, &whole.unreached))
            @if tenant.status != TenantState::Closed {
                (invite_card(person, tenant.id.as_str(), owner, errors))
                (moves(person, overview))
            }
        }
    }
}

fn invite_card(
    person: &Person,
    tenant: &str,
    [owner, email, language]: [&str; 3],
    errors: &Errors,
) -> Markup {
    html! {
        section .card {
            h2 { "Invite an owner" }
            p { "An owner connects Stripe, makes API keys and invites the others. Its owners are told." }
            (parts::form(&format!("/operator/tenants/{tenant}/invite"), &person.csrf, &html! {
                (whom(("owner", owner), email, errors))
                (language_field(
                    Language::parse(language).unwrap_or_default(),
                    "The invitation is written in it, until they choose another.",
                    errors,
                ))
                div .actions { (parts::primary_button("Send invitation")) }
            }))
        }
    }
}

/// `POST /operator/tenants/{id}/invite`
pub async fn invite(
    State(site): State<Site>,
    person: Person,
    InPath(id): InPath,
    filled: Filled,
) -> Response {
    let typed = ["owner", "email", "language"].map(|field| filled.get(field));
    let whole = match found(&site, &id).await {
        Ok(whole) => whole,
        Err(failure) => return trouble(&person, Place::Operator, failure),
    };
    let invitation = Invitation {
        tenant: whole.overview.tenant.id.clone(),
        name: typed[0].to_owned(),
        email: typed[1].to_owned(),
        role: Role::Owner,
    };
    let language = Language::parse(typed[2]);
    let invited = match (&language, typed[2]) {
        (None, unknown) if !unknown.is_empty() => {
            Err(Refusal::invalid("language", "must be one of those that are offered").into())
        }
        _ => invitations::invite_in(&site.app, &person.by, &person.seen, &invitation, language).await,
    };
    match invited {
        Ok((user, token)) => invited_page(&site, &person, Place::Operator, &user, &token),
        Err(failure) => again(
            failure,
            &person,
            Place::Operator,
            &whole.overview.tenant.name,
            |refusal| detail(&person, &whole, typed, &errors(refusal), &html! {}),
        ),
    }
}

/// The flow calls the owner's name a name.
fn errors(refusal: &Refusal) -> Errors {
    match refusal {
        Refusal::InvalidField { field, problem } if field == "name" => {
            let mut errors = Errors::none();
            errors.add("owner", format!("Name {problem}."));
            errors
        }
        refusal => Errors::of_refusal(refusal, &LABELS),
    }
}

/// `GET /operator/tenants/{id}/close`
pub async fn ask_to_close(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    match found(&site, &id).await {
        Ok(whole) => {
            let content = closing(&person, &whole.overview, "", &Errors::none());
            page(&person, Place::Operator, CLOSE, &content)
        }
        Err(failure) => trouble(&person, Place::Operator, failure),
    }
}

/// `GET /operator/tenants/{id}/suspend`
pub async fn ask_to_suspend(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    match found(&site, &id).await {
        Ok(whole) if whole.overview.tenant.status != TenantState::Active => {
            see_other(&format!("/operator/tenants/{}", whole.overview.tenant.id))
        }
        Ok(whole) => {
            let content = suspending(&person, &whole.overview, "", &Errors::none());
            page(&person, Place::Operator, SUSPEND, &content)
        }
        Err(failure) => trouble(&person, Place::Operator, failure),
    }
}

/// `POST /operator/tenants/{id}/suspend`
pub async fn suspend(
    State(site): State<Site>,
    person: Person,
    InPath(id): InPath,
    filled: Filled,
) -> Response {
    let reason = filled.get("reason");
    let whole = match found(&site, &id).await {
        Ok(whole) => whole,
        Err(failure) => return trouble(&person, Place::Operator, failure),
    };
    let suspended = moved(&site, &person, &id, TenantMove::Suspend, reason).await;
    suspended.unwrap_or_else(|failure| {
        again(failure, &person, Place::Operator, SUSPEND, |refusal| {
            suspending(&person, &whole.overview, reason, &errors(refusal))
        })
    })
}

/// `POST /operator/tenants/{id}/resume`
pub async fn resume(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    let resumed = moved(&site, &person, &id, TenantMove::Resume, "").await;
    resumed.unwrap_or_else(|failure| trouble(&person, Place::Operator, failure))
}

/// `POST /operator/tenants/{id}/close`
pub async fn close(State(site): State<Site>, person: Person, InPath(id): InPath, filled: Filled) -> Response {
    let reason = filled.get("reason");
    let whole = match found(&site, &id).await {
        Ok(whole) => whole,
        Err(failure) => return trouble(&person, Place::Operator, failure),
    };
    let closed = moved(&site, &person, &id, TenantMove::Close, reason).await;
    closed.unwrap_or_else(|failure| {
        again(failure, &person, Place::Operator, CLOSE, |refusal| {
            closing(&person, &whole.overview, reason, &errors(refusal))
        })
    })
}

async fn moved(
    site: &Site,
    person: &Person,
    id: &str,
    step: TenantMove,
    reason: &str,
) -> Result<Response, Failure> {
    // What cannot be undone needs one.
    let needed = step == TenantMove::Close;
    let reason = Some(reason.trim()).filter(|reason| needed || !reason.is_empty());
    let done = match step {
        TenantMove::Suspend => "suspended",
        TenantMove::Resume => "resumed",
        TenantMove::Close => "closed",
    };
    let id = TenantId::parse(id)?;
    let tenant = tenants::set(&site.app, &person.by, &id, step, reason).await?;
    Ok(see_other(&format!("/operator/tenants/{}?done={done}", tenant.id)))
}
