//! `/api/reports/statement`: what a client was billed, paid and was given back, line by line, with what it
//! owes after each. As JSON by pages, or as a file for a spreadsheet.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::{ClientId, Currency, LedgerTransactionId, Money, Refusal, Scope, Timestamp};
use flows::Failure;
use serde::{Deserialize, Serialize};
use store::ledger_balances::{self as rows, Line, LinePart, Place};

use super::{moment_of, not_said, whose};
use crate::api::{Caller, Page, PageQuery, Platform, Query};
use crate::problem::Problem;
use crate::router::Site;

/// Lines that a file reads at once, and the most that it may have: some ten megabytes.
const CHUNK: i64 = 1_000;
const CHUNKS_MAX: usize = 100;
const HEAD: &str = "booked_at,type,source,invoice_id,invoice_number,payment_id,currency,amount,balance\n";

/// Which statement is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementQuery {
    client_id: String,
    currency: String,
    /// From then on, and before then: milliseconds since the epoch.
    since: Option<i64>,
    until: Option<i64>,
    /// `json` unless it is said, or `csv`.
    format: Option<String>,
    /// Of the operator only.
    tenant_id: Option<String>,
    mode: Option<String>,
    limit: Option<i64>,
    after: Option<String>,
}

/// A page of a statement; amounts in minor units.
#[derive(Debug, Serialize)]
pub struct StatementJson {
    object: &'static str,
    livemode: bool,
    client_id: String,
    currency: &'static str,
    /// What the client owed before the first line of this page; below zero where it has credit.
    opening_balance: i64,
    /// What it owes after the last line of this page.
    closing_balance: i64,
    #[serde(flatten)]
    lines: Page<LineJson>,
}

#[derive(Debug, Serialize)]
struct LineJson {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    source: String,
    invoice_id: Option<String>,
    invoice_number: Option<String>,
    payment_id: Option<String>,
    amount: i64,
    balance: i64,
    booked_at: i64,
    /// What each invoice has of it, where it is about several.
    parts: Vec<PartJson>,
}

/// What one of several invoices has of a line.
#[derive(Debug, Serialize)]
struct PartJson {
    invoice_id: String,
    invoice_number: Option<String>,
    amount: i64,
}

impl From<LinePart> for PartJson {
    fn from(part: LinePart) -> PartJson {
        PartJson {
            invoice_id: part.invoice,
            invoice_number: part.invoice_number,
            amount: part.amount,
        }
    }
}

/// `GET /api/reports/statement`
pub async fn statement(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    Query(query): Query<StatementQuery>,
) -> Result<Response, Problem> {
    not_said([
        ("tenant_id", query.tenant_id.as_deref()),
        ("mode", query.mode.as_deref()),
    ])?;
    answer(&site, scope, query).await
}

/// `GET /api/platform/reports/statement`
pub async fn statement_of_any(
    State(site): State<Site>,
    _: Platform,
    Query(query): Query<StatementQuery>,
) -> Result<Response, Problem> {
    let scope = whose(&site, query.tenant_id.as_deref(), query.mode.as_deref()).await?;
    answer(&site, scope, query).await
}

/// What is to be read.
#[derive(Clone)]
struct Wanted {
    scope: Scope,
    client: ClientId,
    currency: Currency,
    from: Place,
    until: Timestamp,
}

async fn answer(site: &Site, scope: Scope, query: StatementQuery) -> Result<Response, Problem> {
    let client = ClientId::parse(&query.client_id)
        .map_err(|_| Refusal::invalid("client_id", "must be the id of a client"))?;
    let currency = Currency::parse(&query.currency)
        .map_err(|_| Refusal::invalid("currency", "must be a currency such as usd"))?;
    let since = moment_of("since", query.since)?.unwrap_or(Timestamp::from_ms(0));
    let until = moment_of("until", query.until)?.unwrap_or(Timestamp::from_ms(i64::MAX));
    let as_file = match query.format.as_deref() {
        None | Some("json") => false,
        Some("csv") => true,
        Some(_) => return Err(Refusal::invalid("format", "must be json or csv").into()),
    };
    let page = PageQuery {
        limit: query.limit,
        after: query.after,
    };
    let limit = page.limit()?;
    let wanted = Wanted {
        scope,
        client,
        currency,
        from: Place::before(since),
        until,
    };
    let (known, of) = (wanted.clone(), wanted.client.clone());
    let found = site
        .app
        .db
        .read(move |tx| store::clients::get(tx, &known.scope, &of));
    if found.await.map_err(Failure::from)?.is_none() {
        return Err(Refusal::NotFound.into());
    }
    if as_file {
        return file(site, wanted).await;
    }
    let wanted = match page.after.as_deref() {
        Some(after) => after_line(site, wanted, after).await?,
        None => wanted,
    };
    let of = wanted.clone();
    let read = site.app.db.read(move |tx| read_page(tx, &of, limit + 1));
    let (opening, lines) = read.await.map_err(Failure::from)?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let moved = lines.iter().take(shown).map(|line| line.amount);
    let closing = moved.fold(opening, i64::saturating_add);
    let json = StatementJson {
        object: "statement",
        livemode: wanted.scope.mode.is_live(),
        client_id: wanted.client.to_string(),
        currency: wanted.currency.code(),
        opening_balance: opening,
        closing_balance: closing,
        lines: Page::of(with_balances(opening, lines), limit),
    };
    Ok(Json(json).into_response())
}

/// The page begins after this line of the client's.
async fn after_line(site: &Site, wanted: Wanted, after: &str) -> Result<Wanted, Problem> {
    let unknown = || Refusal::invalid("after", "must be the id of the last line before");
    let line = LedgerTransactionId::parse(after).map_err(|_| unknown())?;
    let of = wanted.clone();
    let read = site
        .app
        .db
        .read(move |tx| rows::place_of(tx, &of.scope, &of.client, &line));
    let from = read.await.map_err(Failure::from)?.ok_or_else(unknown)?;
    Ok(Wanted { from, ..wanted })
}

fn read_page(tx: &mut store::Tx, wanted: &Wanted, limit: i64) -> Result<(i64, Vec<Line>), store::Error> {
    let Wanted {
        scope,
        client,
        currency,
        from,
        until,
    } = wanted;
    let opening = rows::owed_at(tx, scope, client, *currency, from)?;
    Ok((
        opening,
        rows::statement(tx, scope, client, *currency, from, *until, limit)?,
    ))
}

fn with_balances(opening: i64, lines: Vec<Line>) -> Vec<LineJson> {
    let mut balance = opening;
    let shown = lines.into_iter().map(|line| {
        balance = balance.saturating_add(line.amount);
        LineJson {
            id: line.transaction.to_string(),
            kind: line.kind,
            source: line.source,
            invoice_id: line.invoice,
            invoice_number: line.invoice_number,
            payment_id: line.payment,
            amount: line.amount,
            balance,
            booked_at: line.at.ms(),
            parts: line.parts.into_iter().map(PartJson::from).collect(),
        }
    });
    shown.collect()
}

/// Every field is a word, an id or a number, so none needs quotes.
async fn file(site: &Site, wanted: Wanted) -> Result<Response, Problem> {
    let (mut text, mut of, mut balance) = (HEAD.to_owned(), wanted.clone(), None);
    for _ in 0..CHUNKS_MAX {
        let now = of.clone();
        let read = site.app.db.read(move |tx| read_page(tx, &now, CHUNK));
        let (opening, lines) = read.await.map_err(Failure::from)?;
        let count = i64::try_from(lines.len()).unwrap_or(CHUNK);
        if let Some(last) = lines.last() {
            of.from = Place {
                at: last.at,
                transaction: last.transaction.to_string(),
            };
        }
        for line in with_balances(balance.unwrap_or(opening), lines) {
            balance = Some(line.balance);
            by_part(line)
                .iter()
                .for_each(|line| write_line(&mut text, of.currency, line));
        }
        if count < CHUNK {
            let name = format!(
                "attachment; filename=\"statement-{}-{}-{}.csv\"",
                of.client,
                of.currency.code(),
                of.scope.mode.word()
            );
            let name = HeaderValue::from_str(&name).map_err(|_| Failure::Bug(name))?;
            let kind = HeaderValue::from_static("text/csv; charset=utf-8");
            let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)];
            return Ok((headers, text).into_response());
        }
    }
    let problem = "leaves more lines than a file may have: ask for a shorter time, or read it as JSON";
    Err(Refusal::invalid("since", problem).into())
}

/// What is about several invoices is a row for each of them, and one for what is credit.
fn by_part(mut line: LineJson) -> Vec<LineJson> {
    let parts = std::mem::take(&mut line.parts);
    if parts.is_empty() {
        return vec![line];
    }
    let of_parts: i64 = parts.iter().map(|part| part.amount).sum();
    let credit = PartJson {
        invoice_id: String::new(),
        invoice_number: None,
        amount: line.amount.saturating_sub(of_parts),
    };
    let mut balance = line.balance.saturating_sub(line.amount);
    let shown = parts.into_iter().chain([credit]).filter(|part| part.amount != 0);
    let row = |part: PartJson| {
        balance = balance.saturating_add(part.amount);
        LineJson {
            id: line.id.clone(),
            kind: line.kind.clone(),
            source: line.source.clone(),
            invoice_id: Some(part.invoice_id),
            invoice_number: part.invoice_number,
            payment_id: line.payment_id.clone(),
            amount: part.amount,
            balance,
            booked_at: line.booked_at,
            parts: Vec::new(),
        }
    };
    shown.map(row).collect()
}

fn write_line(text: &mut String, currency: Currency, line: &LineJson) {
    let booked_at = jiff::Timestamp::from_millisecond(line.booked_at)
        .map_or_else(|_| line.booked_at.to_string(), |at| at.to_string());
    let fields = [
        booked_at,
        line.kind.clone(),
        line.source.clone(),
        line.invoice_id.clone().unwrap_or_default(),
        line.invoice_number.clone().unwrap_or_default(),
        line.payment_id.clone().unwrap_or_default(),
        currency.code().to_owned(),
        Money::new(line.amount, currency).plain(),
        Money::new(line.balance, currency).plain(),
    ];
    text.push_str(&fields.join(","));
    text.push('\n');
}
