//! `/api/invoices/{id}/offline-payments` and `/api/offline-payments/{id}`: money that came without Stripe.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::offline_payment::Method;
use domain::{InvoiceId, OfflinePaymentId, Refusal, Scope, Timestamp};
use flows::Failure;
use flows::offline_payments::{self, Wanted};
use serde::{Deserialize, Serialize};
use store::offline_payments::{self as rows, OfflinePayment};
use store::{Tx, invoices};

use super::{Caller, InPath, Input, Page, PageQuery, Query};
use crate::idempotency::Once;
use crate::problem::Problem;
use crate::router::Site;

/// Money that came without Stripe, as the API shows it; the amount in minor units.
#[derive(Debug, Serialize)]
pub struct OfflineJson {
    id: String,
    object: &'static str,
    livemode: bool,
    invoice_id: String,
    client_id: String,
    amount: i64,
    currency: &'static str,
    method: &'static str,
    reference: Option<String>,
    received_on: String,
    created_at: i64,
    reversed_at: Option<i64>,
    reversal_reason: Option<String>,
    /// Of the invoice, after it.
    invoice: StandingJson,
}

#[derive(Debug, Serialize)]
struct StandingJson {
    status: &'static str,
    amount_due: i64,
}

impl OfflineJson {
    fn read(tx: &mut Tx, scope: &Scope, payment: OfflinePayment) -> Result<OfflineJson, Failure> {
        let invoice = invoices::get(tx, scope, &payment.invoice_id)?.ok_or(Refusal::NotFound)?;
        Ok(OfflineJson {
            id: payment.id.to_string(),
            object: "offline_payment",
            livemode: scope.mode.is_live(),
            invoice_id: payment.invoice_id.to_string(),
            client_id: payment.client_id.to_string(),
            amount: payment.amount,
            currency: payment.currency.code(),
            method: payment.method.word(),
            reference: payment.reference,
            received_on: payment.received_on,
            created_at: payment.created_at.ms(),
            reversed_at: payment.reversed_at.map(Timestamp::ms),
            reversal_reason: payment.reversal_reason,
            invoice: StandingJson {
                status: invoice.status.word(),
                amount_due: invoice.owed().minor(),
            },
        })
    }
}

async fn shown(site: &Site, scope: Scope, payment: OfflinePayment) -> Result<OfflineJson, Failure> {
    let read = move |tx: &mut Tx| OfflineJson::read(tx, &scope, payment.clone());
    site.app.db.read(read).await
}

/// What is recorded.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOffline {
    /// Minor units; all that is owed without it.
    amount: Option<i64>,
    /// `bank_transfer`, `cheque`, `cash` or `other`.
    #[serde(default)]
    method: String,
    /// `YYYY-MM-DD`; today without it.
    received_on: Option<String>,
    reference: Option<String>,
    /// Whether the client gets a receipt by mail.
    #[serde(default)]
    send_receipt: bool,
    /// The version of the invoice that this is based on.
    version: Option<i64>,
}

/// `POST /api/invoices/{id}/offline-payments`
pub async fn create(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    Once(moment): Once,
    InPath(id): InPath,
    Input(new): Input<NewOffline>,
) -> Result<(StatusCode, Json<OfflineJson>), Problem> {
    let id = InvoiceId::parse(&id)?;
    // Whether there is such an invoice comes before what is wrong with the request.
    known(&site, &scope, &id).await?;
    let unknown = || Refusal::invalid("method", "must be bank_transfer, cheque, cash or other");
    let wanted = Wanted {
        invoice_id: id,
        version: new.version,
        amount_minor: new.amount,
        method: Method::from_word(&new.method).ok_or_else(unknown)?,
        received_on: new.received_on,
        reference: new.reference,
        receipt: new.send_receipt,
    };
    let made = offline_payments::record(&site.app, &scope, &by, moment, wanted).await?;
    Ok((StatusCode::CREATED, Json(shown(&site, scope, made).await?)))
}

async fn known(site: &Site, scope: &Scope, id: &InvoiceId) -> Result<(), Failure> {
    let (of, wanted) = (scope.clone(), id.clone());
    let found = site
        .app
        .db
        .read(move |tx| invoices::get(tx, &of, &wanted))
        .await?;
    found.ok_or(Refusal::NotFound)?;
    Ok(())
}

/// `GET /api/invoices/{id}/offline-payments`
pub async fn of_invoice(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<OfflineJson>>, Problem> {
    let (id, limit) = (InvoiceId::parse(&id)?, query.limit()?);
    let after = query.after.as_deref().map(OfflinePaymentId::parse).transpose()?;
    let read = site.app.db.read(move |tx| {
        invoices::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
        let found = rows::of_invoice(tx, &scope, &id, after.as_ref(), limit + 1)?;
        let shown = found.into_iter().map(|one| OfflineJson::read(tx, &scope, one));
        shown.collect::<Result<Vec<_>, Failure>>()
    });
    Ok(Json(Page::of(read.await?, limit)))
}

/// `GET /api/offline-payments/{id}`
pub async fn get(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
) -> Result<Json<OfflineJson>, Problem> {
    let id = OfflinePaymentId::parse(&id)?;
    let read = site.app.db.read(move |tx| {
        let payment = rows::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
        OfflineJson::read(tx, &scope, payment)
    });
    Ok(Json(read.await?))
}

/// Why it is taken back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reverse {
    reason: Option<String>,
}

/// `POST /api/offline-payments/{id}/reverse`
pub async fn reverse(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    InPath(id): InPath,
    Input(reverse): Input<Reverse>,
) -> Result<Json<OfflineJson>, Problem> {
    let id = OfflinePaymentId::parse(&id)?;
    let (of, wanted) = (scope.clone(), id.clone());
    let found = site.app.db.read(move |tx| rows::get(tx, &of, &wanted)).await;
    found.map_err(Failure::from)?.ok_or(Refusal::NotFound)?;
    let done = offline_payments::reverse(&site.app, &scope, &by, &id, reverse.reason.as_deref()).await?;
    Ok(Json(shown(&site, scope, done).await?))
}
