//! `/operator/fees/statement`: what the platform took of a tenant in a month, as a page, as PDF and as CSV.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::{LedgerTransactionId, Mode, Month, Refusal, Scope, TenantId};
use flows::Failure;
use maud::{Markup, html};
use serde::Deserialize;
use store::fee_statement::{self as rows, Line, Span, Sum, Total};
use store::tenants::{self, Tenant};

use super::fees::PATH;
use super::mode_of;
use crate::api::{Query, documents, fee_statements};
use crate::dashboard::desk::{self, ASKED, SHOWN};
use crate::dashboard::{page, trouble};
use crate::documents_of;
use crate::html::{self as parts, Column, Figure, Pages, Place, Tone};
use crate::pay::page::format;
use crate::people::Person;
use crate::problem::Problem;
use crate::router::Site;

const TITLE: &str = "Fee statement";

/// Whose, of which month and mode, and which page of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    tenant: String,
    month: String,
    mode: String,
    after: String,
}

impl Asked {
    fn scope(&self, person: &Person) -> Result<(Scope, Month), Refusal> {
        let month = Month::parse(&self.month);
        Ok((
            Scope {
                tenant: TenantId::parse(&self.tenant)?,
                mode: mode_of(&self.mode).unwrap_or(person.mode),
            },
            month.ok_or_else(|| Refusal::invalid("month", "must be a month such as 2026-11"))?,
        ))
    }
}

struct View {
    tenant: Tenant,
    totals: Vec<Total>,
    lines: Vec<Line>,
}

fn span(month: Month) -> Span {
    Span {
        from: month.begins(),
        until: month.ends(),
    }
}

/// `GET /operator/fees/statement`
pub async fn show(
    State(site): State<Site>,
    person: Person,
    asked: Result<Query<Asked>, Problem>,
) -> Response {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let read = async {
        let (scope, month) = asked.scope(&person)?;
        let after = LedgerTransactionId::parse(&asked.after).ok();
        let of = scope.clone();
        let read = site.app.db.read(move |tx| {
            Ok::<_, Failure>(View {
                tenant: tenants::find(tx, &of.tenant)?.ok_or(Refusal::NotFound)?,
                totals: rows::totals(tx, &of, span(month))?,
                lines: rows::lines(tx, &of, span(month), after.as_ref(), ASKED)?,
            })
        });
        Ok::<_, Failure>((scope.mode, month, read.await?))
    };
    match read.await {
        Ok((mode, month, view)) => page(&person, Place::Fees, TITLE, &content(&asked, mode, month, &view)),
        Err(failure) => trouble(&person, Place::Fees, failure),
    }
}

fn content(asked: &Asked, mode: Mode, month: Month, view: &View) -> Markup {
    let name = month.to_string();
    let address = |file: &str, after: &str| {
        let pairs = [
            ("tenant", view.tenant.id.as_str()),
            ("month", &name),
            ("mode", mode.word()),
            ("after", after),
        ];
        desk::address(&format!("{PATH}/statement{file}"), &pairs)
    };
    let here = &view.lines[..view.lines.len().min(SHOWN)];
    let last = here.last().filter(|_| view.lines.len() > SHOWN);
    let pages = Pages {
        next: last.map(|last| address("", last.id.as_str())),
        previous: (!asked.after.is_empty()).then(|| address("", "")),
        ..Pages::default()
    };
    let columns = [
        Column::words("Booked"),
        Column::words("What"),
        Column::words("At Stripe"),
        Column::words("Payment"),
        Column::figures("Amount"),
    ];
    let about = format!(
        "{}, {}, as Stripe reported it",
        view.tenant.name,
        format::month(month)
    );
    html! {
        a .back href=(PATH) { "Fees" }
        (parts::title(TITLE, &about, &html! {
            (super::mode(mode))
            (parts::link_button("PDF", &address(".pdf", ""), ""))
            (parts::link_button("CSV", &address(".csv", ""), ""))
        }))
        div .stack.loose {
            @for total in &view.totals { (parts::figures(&figures(total))) }
            @if here.is_empty() {
                (parts::empty("No fees", "Nothing was taken in this month.", &html! {}))
            } @else {
                (parts::table(TITLE, &columns, &here.iter().map(row).collect::<Vec<_>>()))
                (parts::pages(&pages))
            }
        }
    }
}

fn figures(total: &Total) -> [Figure; 3] {
    let both = |of: fn(&Sum) -> i64| of(&total.own).saturating_add(of(&total.external));
    let (charged, refunded) = (both(|sum| sum.charged), both(|sum| sum.refunded));
    let figure = |label, sum, about| Figure {
        label,
        sums: vec![desk::amount(sum, total.currency)],
        about,
        href: None,
        tone: Tone::Calm,
    };
    [
        figure("Taken", charged, format!("{} fees", both(|sum| sum.fees))),
        figure(
            "Given back",
            refunded,
            format!("{} times", both(|sum| sum.refunds)),
        ),
        figure("Fees in the end", charged.saturating_sub(refunded), String::new()),
    ]
}

fn row(line: &Line) -> parts::Row {
    vec![
        parts::moment(line.at),
        html! { (documents_of::what_of_fee(&line.kind)) },
        html! { code { (line.source_id) } },
        html! {
            @match &line.payment_id {
                Some(id) => code { (id) },
                None => span .soft { "\u{2013}" },
            }
        },
        html! { (desk::amount(line.amount, line.currency)) },
    ]
}

/// `GET /operator/fees/statement.pdf`
pub async fn pdf(State(site): State<Site>, person: Person, asked: Result<Query<Asked>, Problem>) -> Response {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let made = async {
        let (scope, month) = asked.scope(&person)?;
        documents_of::fee_statement(&site, &scope, month).await
    };
    match made.await {
        Ok(document) => documents::answer(document).into_response(),
        Err(failure) => trouble(&person, Place::Fees, failure),
    }
}

/// `GET /operator/fees/statement.csv`
pub async fn csv(State(site): State<Site>, person: Person, asked: Result<Query<Asked>, Problem>) -> Response {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let found = async {
        let (scope, month) = asked.scope(&person)?;
        let tenant = scope.tenant.clone();
        let found = site.app.db.read(move |tx| tenants::find(tx, &tenant)).await?;
        found.ok_or(Refusal::NotFound)?;
        Ok::<_, Failure>((scope, month))
    };
    match found.await {
        Ok((scope, month)) => fee_statements::file(&site, scope, month, span(month))
            .await
            .into_response(),
        Err(failure) => trouble(&person, Place::Fees, failure),
    }
}
