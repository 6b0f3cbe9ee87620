//! `/api/payments`: what was paid and by which intent.

use axum::Json;
use axum::extract::State;
use domain::{PaymentId, Refusal};
use flows::Failure;
use serde::Serialize;
use store::payments::{self, Payment};

use super::{Caller, InPath, Page, PageQuery, Query};
use crate::problem::Problem;
use crate::router::Site;

/// A payment as the API shows it; amounts in minor units.
#[derive(Debug, Serialize)]
pub struct PaymentJson {
    id: String,
    object: &'static str,
    livemode: bool,
    invoice_id: String,
    status: &'static str,
    currency: &'static str,
    amount: i64,
    received: i64,
    application_fee: Option<i64>,
    stripe_fee: Option<i64>,
    net: Option<i64>,
    card_brand: Option<String>,
    card_last4: Option<String>,
    failure_code: Option<String>,
    stripe_account_id: String,
    stripe_payment_intent_id: Option<String>,
    stripe_charge_id: Option<String>,
    created_at: i64,
    succeeded_at: Option<i64>,
    /// Whether only the account's owner can see, at Stripe, what became of it.
    check_stripe: bool,
}

impl From<Payment> for PaymentJson {
    fn from(payment: Payment) -> PaymentJson {
        PaymentJson {
            id: payment.id.to_string(),
            object: "payment",
            livemode: payment.scope.mode.is_live(),
            invoice_id: payment.invoice_id.to_string(),
            status: payment.status.word(),
            currency: payment.currency.code(),
            amount: payment.amount,
            received: payment.received,
            application_fee: payment.application_fee,
            stripe_fee: payment.stripe_fee,
            net: payment.net,
            card_brand: payment.method_brand,
            card_last4: payment.method_last4,
            failure_code: payment.failure_code,
            stripe_account_id: payment.stripe_account_id,
            stripe_payment_intent_id: payment.intent_id,
            stripe_charge_id: payment.charge_id,
            created_at: payment.created_at.ms(),
            succeeded_at: payment.succeeded_at.map(domain::Timestamp::ms),
            check_stripe: payment.unreachable_since.is_some(),
        }
    }
}

/// `GET /api/payments/{id}`
pub async fn get(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
) -> Result<Json<PaymentJson>, Problem> {
    let id = PaymentId::parse(&id)?;
    let payment = site
        .app
        .db
        .read(move |tx| payments::get(tx, &scope, &id))
        .await
        .map_err(Failure::from)?;
    Ok(Json(payment.ok_or(Refusal::NotFound)?.into()))
}

/// `GET /api/payments`
pub async fn list(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<PaymentJson>>, Problem> {
    let limit = query.limit()?;
    let after = query.after.as_deref().map(PaymentId::parse).transpose()?;
    let rows = site
        .app
        .db
        .read(move |tx| payments::page(tx, &scope, after.as_ref(), limit + 1))
        .await;
    let rows = rows.map_err(Failure::from)?;
    Ok(Json(Page::of(
        rows.into_iter().map(PaymentJson::from).collect(),
        limit,
    )))
}
