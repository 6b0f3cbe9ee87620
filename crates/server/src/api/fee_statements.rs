//! `/api/reports/fees`: what the platform took of a tenant in a month, as Stripe reported it, for the tenant
//! and, of any tenant, for the operator. As JSON with totals, or as a file for a spreadsheet.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::{LedgerTransactionId, Month, Refusal, Scope, TenantId, Timestamp};
use flows::Failure;
use serde::{Deserialize, Serialize};
use store::fee_statement::{self as rows, Line, Span, Sum, Total};

use super::subscriptions::mode_of;
use super::{Caller, Page, PageQuery, Platform, Query};
use crate::csv;
use crate::problem::Problem;
use crate::router::Site;

/// Lines that a file reads at once, and the most that it may have: some ten megabytes.
const CHUNK: i64 = 1_000;
const CHUNKS_MAX: usize = 100;
const HEAD: &str = "booked_at,type,stripe_id,payment_id,invoice_id,currency,amount,amount_minor\r\n";

/// Which statement is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementQuery {
    /// `2026-11`, in UTC.
    month: String,
    /// Of the operator only.
    tenant_id: Option<String>,
    mode: Option<String>,
    /// `json` unless it is said, or `csv`.
    format: Option<String>,
    limit: Option<i64>,
    after: Option<String>,
}

/// A month's statement; amounts in minor units.
#[derive(Debug, Serialize)]
pub struct StatementJson {
    object: &'static str,
    tenant_id: String,
    livemode: bool,
    month: String,
    /// Of the whole month, by currency.
    totals: Vec<TotalJson>,
    #[serde(flatten)]
    lines: Page<LineJson>,
}

/// What a month comes to in one currency.
#[derive(Debug, Serialize)]
struct TotalJson {
    currency: &'static str,
    /// Of payments that were made here.
    #[serde(flatten)]
    own: SumJson,
    /// Of what others sold on the account, with a fee for the platform.
    external: SumJson,
}

#[derive(Debug, Serialize)]
struct SumJson {
    fees: i64,
    charged: i64,
    refunds: i64,
    refunded: i64,
    net: i64,
}

impl From<Sum> for SumJson {
    fn from(sum: Sum) -> SumJson {
        SumJson {
            fees: sum.fees,
            charged: sum.charged,
            refunds: sum.refunds,
            refunded: sum.refunded,
            net: sum.charged.saturating_sub(sum.refunded),
        }
    }
}

impl From<Total> for TotalJson {
    fn from(total: Total) -> TotalJson {
        TotalJson {
            currency: total.currency.code(),
            own: total.own.into(),
            external: total.external.into(),
        }
    }
}

#[derive(Debug, Serialize)]
struct LineJson {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    stripe_id: String,
    payment_id: Option<String>,
    invoice_id: Option<String>,
    currency: &'static str,
    amount: i64,
    booked_at: i64,
}

impl From<Line> for LineJson {
    fn from(line: Line) -> LineJson {
        LineJson {
            id: line.id.to_string(),
            kind: line.kind,
            stripe_id: line.source_id,
            payment_id: line.payment_id.map(|id| id.to_string()),
            invoice_id: line.invoice_id.map(|id| id.to_string()),
            currency: line.currency.code(),
            amount: line.amount,
            booked_at: line.at.ms(),
        }
    }
}

/// `GET /api/platform/reports/fees`
pub async fn of_any(
    State(site): State<Site>,
    _: Platform,
    Query(query): Query<StatementQuery>,
) -> Result<Response, Problem> {
    let tenant = query.tenant_id.as_deref().map(TenantId::parse);
    let unknown = || Refusal::invalid("tenant_id", "must be the id of a tenant");
    let tenant = tenant.and_then(Result::ok).ok_or_else(unknown)?;
    let wanted = tenant.clone();
    let found = site
        .app
        .db
        .read(move |tx| store::tenants::find(tx, &wanted))
        .await;
    found.map_err(Failure::from)?.ok_or_else(unknown)?;
    let mode = query.mode.as_deref().map(mode_of).transpose()?;
    let scope = Scope {
        tenant,
        mode: mode.unwrap_or(site.app.active_mode),
    };
    statement(&site, scope, query).await
}

/// `GET /api/reports/fees`
pub async fn of_tenant(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    Query(query): Query<StatementQuery>,
) -> Result<Response, Problem> {
    for (field, given) in [("tenant_id", &query.tenant_id), ("mode", &query.mode)] {
        if given.is_some() {
            return Err(Refusal::invalid(field, "is that of the key").into());
        }
    }
    statement(&site, scope, query).await
}

async fn statement(site: &Site, scope: Scope, query: StatementQuery) -> Result<Response, Problem> {
    let month = Month::parse(&query.month);
    let month = month.ok_or_else(|| Refusal::invalid("month", "must be a month such as 2026-11"))?;
    let span = Span {
        from: month.begins(),
        until: month.ends(),
    };
    match query.format.as_deref() {
        None | Some("json") => {}
        Some("csv") => return file(site, scope, month, span).await,
        Some(_) => return Err(Refusal::invalid("format", "must be json or csv").into()),
    }
    let page = PageQuery {
        limit: query.limit,
        after: query.after,
    };
    let limit = page.limit()?;
    let after = page
        .after
        .as_deref()
        .map(LedgerTransactionId::parse)
        .transpose()?;
    let of = scope.clone();
    let read = site.app.db.read(move |tx| {
        let totals = rows::totals(tx, &of, span)?;
        Ok::<_, store::Error>((totals, rows::lines(tx, &of, span, after.as_ref(), limit + 1)?))
    });
    let (totals, lines) = read.await.map_err(Failure::from)?;
    let json = StatementJson {
        object: "fee_statement",
        tenant_id: scope.tenant.to_string(),
        livemode: scope.mode.is_live(),
        month: month.to_string(),
        totals: totals.into_iter().map(TotalJson::from).collect(),
        lines: Page::of(lines.into_iter().map(LineJson::from).collect(), limit),
    };
    Ok(Json(json).into_response())
}

/// All lines of a month as a file.
///
/// # Errors
/// `invalid_field` for a month with more lines than a file may have.
pub async fn file(site: &Site, scope: Scope, month: Month, span: Span) -> Result<Response, Problem> {
    let mut text = HEAD.to_owned();
    let mut after: Option<LedgerTransactionId> = None;
    for _ in 0..CHUNKS_MAX {
        let of = scope.clone();
        let read = site
            .app
            .db
            .read(move |tx| rows::lines(tx, &of, span, after.as_ref(), CHUNK));
        let lines = read.await.map_err(Failure::from)?;
        lines.iter().for_each(|line| write_line(&mut text, line));
        after = lines.last().map(|line| line.id.clone());
        if i64::try_from(lines.len()).unwrap_or(CHUNK) < CHUNK {
            let name = format!("attachment; filename=\"fees-{month}-{}.csv\"", scope.mode.word());
            let name = HeaderValue::from_str(&name).map_err(|_| Failure::Bug(name))?;
            let kind = HeaderValue::from_static("text/csv; charset=utf-8");
            let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)];
            return Ok((headers, text).into_response());
        }
    }
    let problem = "has more lines than a file may have: read it as JSON, page by page";
    Err(Refusal::invalid("month", problem).into())
}

fn write_line(text: &mut String, line: &Line) {
    let id = |id: Option<&str>| id.unwrap_or_default().to_owned();
    let fields = [
        moment(line.at),
        line.kind.clone(),
        csv::text(&line.source_id),
        id(line.payment_id.as_ref().map(domain::PaymentId::as_str)),
        id(line.invoice_id.as_ref().map(domain::InvoiceId::as_str)),
        line.currency.code().to_owned(),
        domain::Money::new(line.amount, line.currency).plain(),
        line.amount.to_string(),
    ];
    text.push_str(&csv::row(fields));
}

/// `2026-11-24T08:15:00Z`
fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.seconds()).map_or_else(|_| at.ms().to_string(), |at| at.to_string())
}
