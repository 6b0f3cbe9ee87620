//! `/api/reports/trial-balance` and `/api/reports/tie-out`: the balance of every account of the books, and
//! whether invoices, books and Stripe's balance agree.

use axum::Json;
use axum::extract::State;
use domain::{Scope, Timestamp};
use flows::{Failure, tie_out as flow};
use serde::{Deserialize, Serialize};
use store::ledger_balances::{self, Book};
use store::tie_outs::Fact;

use super::{moment_of, not_said, whose};
use crate::api::{Caller, Input, Platform, Query};
use crate::problem::Problem;
use crate::router::Site;

/// Which books are asked for, and of when.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BooksQuery {
    /// What was booked before then, in milliseconds since the epoch; everything unless it is said.
    at: Option<i64>,
    /// Of the operator only.
    tenant_id: Option<String>,
    mode: Option<String>,
}

/// The balance of every account, by currency; in each, debits and credits are the same.
#[derive(Debug, Serialize)]
pub struct TrialBalanceJson {
    object: &'static str,
    /// Only where the operator reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<String>,
    livemode: bool,
    accounts: Vec<AccountJson>,
    totals: Vec<TotalJson>,
}

#[derive(Debug, Serialize)]
struct AccountJson {
    account: String,
    currency: &'static str,
    /// Debits less credits, in minor units.
    balance: i64,
}

#[derive(Debug, Serialize)]
struct TotalJson {
    currency: &'static str,
    debits: i64,
    credits: i64,
}

/// `GET /api/reports/trial-balance`
pub async fn trial_balance(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    Query(query): Query<BooksQuery>,
) -> Result<Json<TrialBalanceJson>, Problem> {
    not_said([
        ("tenant_id", query.tenant_id.as_deref()),
        ("mode", query.mode.as_deref()),
    ])?;
    balances(&site, scope, query.at).await.map(Json)
}

/// `GET /api/platform/reports/trial-balance`
pub async fn trial_balance_of_any(
    State(site): State<Site>,
    _: Platform,
    Query(query): Query<BooksQuery>,
) -> Result<Json<TrialBalanceJson>, Problem> {
    let scope = whose(&site, query.tenant_id.as_deref(), query.mode.as_deref()).await?;
    let tenant_id = Some(scope.tenant.to_string());
    let shown = balances(&site, scope, query.at).await?;
    Ok(Json(TrialBalanceJson { tenant_id, ..shown }))
}

async fn balances(site: &Site, scope: Scope, at: Option<i64>) -> Result<TrialBalanceJson, Problem> {
    let at = moment_of("at", at)?.unwrap_or(Timestamp::from_ms(i64::MAX));
    let of = scope.clone();
    let read = site.app.db.read(move |tx| {
        let mut accounts = Vec::new();
        for (book, currency) in ledger_balances::accounts(tx, &of)? {
            let balance = ledger_balances::before(tx, &of, &book, currency, at)?.balance;
            if let Book::Account(account) = book {
                accounts.push(AccountJson {
                    account,
                    currency: currency.code(),
                    balance,
                });
            }
        }
        Ok::<_, store::Error>(accounts)
    });
    let accounts = read.await.map_err(Failure::from)?;
    let mut totals: Vec<TotalJson> = Vec::new();
    for account in &accounts {
        let known = totals.iter().position(|total| total.currency == account.currency);
        let place = known.unwrap_or(totals.len());
        if known.is_none() {
            totals.push(TotalJson {
                currency: account.currency,
                debits: 0,
                credits: 0,
            });
        }
        let side = match account.balance {
            0.. => &mut totals[place].debits,
            _ => &mut totals[place].credits,
        };
        *side = side.saturating_add(account.balance.saturating_abs());
    }
    Ok(TrialBalanceJson {
        object: "trial_balance",
        tenant_id: None,
        livemode: scope.mode.is_live(),
        accounts,
        totals,
    })
}

/// Whether the three sides agree, by currency; amounts in minor units.
#[derive(Debug, Serialize)]
pub struct TieOutJson {
    object: &'static str,
    /// Only where the operator reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<String>,
    livemode: bool,
    currencies: Vec<CurrencyJson>,
}

#[derive(Debug, Serialize)]
struct CurrencyJson {
    currency: &'static str,
    /// Null where nothing differs, and Stripe's balance cannot be read because the account is disconnected.
    agrees: Option<bool>,
    /// Since when Stripe's balance cannot be read; null while it can.
    stripe_unreadable_since: Option<i64>,
    invoices: SideJson,
    client_credit: SideJson,
    stripe: SideJson,
    /// Of Stripe's side, what others moved on the account: no difference.
    external: i64,
    /// What only one side can know yet.
    on_the_way: i64,
    /// The sum of what the facts below differ by, without signs.
    unexplained: i64,
    differences: Vec<DifferenceJson>,
    /// Until when Stripe's balance has been read; null before the first time.
    stripe_read_at: Option<i64>,
    compared_at: i64,
}

/// One side, and the books.
#[derive(Debug, Serialize)]
struct SideJson {
    there: i64,
    books: i64,
    difference: i64,
}

impl SideJson {
    fn of(there: i64, books: i64) -> SideJson {
        SideJson {
            there,
            books,
            difference: books.saturating_sub(there),
        }
    }
}

#[derive(Debug, Serialize)]
struct DifferenceJson {
    /// A payment, a payout, an application fee, a balance transaction, or an invoice.
    id: String,
    reason: &'static str,
    there: i64,
    books: i64,
    difference: i64,
}

impl DifferenceJson {
    fn of(fact: &Fact, reason: &'static str) -> DifferenceJson {
        DifferenceJson {
            id: fact.id.clone(),
            reason,
            there: fact.stripe,
            books: fact.books,
            difference: fact.books.saturating_sub(fact.stripe),
        }
    }
}

impl CurrencyJson {
    fn of(report: &flow::Report) -> CurrencyJson {
        let tied = &report.tied;
        let of_stripe = report
            .facts
            .iter()
            .map(|differs| DifferenceJson::of(&differs.fact, differs.reason.word()));
        let of_invoices = report.invoices.iter().map(|invoice| DifferenceJson {
            id: invoice.id.clone(),
            reason: "invoice_differs",
            there: invoice.owed,
            books: invoice.books,
            difference: invoice.books.saturating_sub(invoice.owed),
        });
        CurrencyJson {
            currency: tied.currency.code(),
            agrees: report.agreement(),
            stripe_unreadable_since: match report.readable {
                true => None,
                false => tied.read_at.map(Timestamp::ms),
            },
            invoices: SideJson::of(tied.invoices_owed, tied.books_receivable),
            client_credit: SideJson::of(tied.credit_left, tied.books_credit),
            stripe: SideJson::of(tied.stripe_balance, tied.books_clearing),
            external: tied.external,
            on_the_way: tied.on_the_way,
            unexplained: tied.unexplained,
            differences: of_stripe.chain(of_invoices).collect(),
            stripe_read_at: tied.read_at.map(Timestamp::ms),
            compared_at: tied.at.ms(),
        }
    }
}

fn shown(scope: &Scope, reports: &[flow::Report]) -> Json<TieOutJson> {
    Json(TieOutJson {
        object: "tie_out",
        tenant_id: None,
        livemode: scope.mode.is_live(),
        currencies: reports.iter().map(CurrencyJson::of).collect(),
    })
}

/// The same, with whose books they are.
fn shown_to_operator(scope: &Scope, reports: &[flow::Report]) -> Json<TieOutJson> {
    let Json(shown) = shown(scope, reports);
    let tenant_id = Some(scope.tenant.to_string());
    Json(TieOutJson { tenant_id, ..shown })
}

/// Whose books the operator wants compared.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhoseQuery {
    /// Without one, the platform's own.
    tenant_id: Option<String>,
    mode: Option<String>,
}

/// `GET /api/reports/tie-out`: compares what is here; nothing is read at Stripe and nothing changes.
pub async fn tie_out(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
) -> Result<Json<TieOutJson>, Problem> {
    let reports = flow::compare(&site.app.db, &scope, site.app.clock.now()).await?;
    Ok(shown(&scope, &reports))
}

/// `GET /api/platform/reports/tie-out`
pub async fn tie_out_of_any(
    State(site): State<Site>,
    _: Platform,
    Query(query): Query<WhoseQuery>,
) -> Result<Json<TieOutJson>, Problem> {
    let scope = whose(&site, query.tenant_id.as_deref(), query.mode.as_deref()).await?;
    let reports = flow::compare(&site.app.db, &scope, site.app.clock.now()).await?;
    Ok(shown_to_operator(&scope, &reports))
}

/// Nothing is said in the body.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NothingJson {}

/// `POST /api/reports/tie-out`: reads the balance at Stripe on, compares, and keeps what it came to.
pub async fn compare_now(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    Input(NothingJson {}): Input<NothingJson>,
) -> Result<Json<TieOutJson>, Problem> {
    let reports = flow::read_and_run(&site.app, &scope, &by).await?;
    Ok(shown(&scope, &reports))
}

/// Whose books the operator wants compared now.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhoseJson {
    /// Without one, the platform's own.
    tenant_id: Option<String>,
    mode: Option<String>,
}

/// `POST /api/platform/reports/tie-out`
pub async fn compare_now_any(
    State(site): State<Site>,
    Platform { by }: Platform,
    Input(said): Input<WhoseJson>,
) -> Result<Json<TieOutJson>, Problem> {
    let scope = whose(&site, said.tenant_id.as_deref(), said.mode.as_deref()).await?;
    let reports = flow::read_and_run(&site.app, &scope, &by).await?;
    Ok(shown_to_operator(&scope, &reports))
}
