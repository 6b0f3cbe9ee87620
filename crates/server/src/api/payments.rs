//! `/api/payments`: what was paid and by which intent.

use axum::Json;
use axum::extract::State;
use domain::fee::rules::Method;
use domain::payment::PaymentState;
use domain::{FeeRuleId, PaymentId, Refusal};
use flows::{Failure, refunds};
use serde::Serialize;
use store::payment_parts::{self, Part};
use store::payments::{self, Payment};
use store::{Tx, paid_by, payment_version};

use super::lists::{Asked, Given, Takes};
use super::refunds::RefundJson;
use super::{Caller, InPath, Page, Query};
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
    /// Another once the payment, its refunds or disputes, or its invoices change.
    version: i64,
    currency: &'static str,
    amount: i64,
    received: i64,
    /// Which invoices it pays, in the order in which money is given to them.
    parts: Vec<PartJson>,
    /// `card` or `bank_debit`.
    method: &'static str,
    /// What is refunded, on its way back, or asked back.
    reserved: i64,
    /// What the payer has back.
    refunded: i64,
    /// What banks have taken because of disputes, and not given back.
    disputed: i64,
    /// What may still be refunded.
    refundable: i64,
    application_fee: Option<i64>,
    /// The rule that its fee was decided by; null for a configured rate.
    fee_rule_id: Option<String>,
    stripe_fee: Option<i64>,
    net: Option<i64>,
    /// What `stripe_fee` and `net` are in: that of the account's balance.
    settlement_currency: Option<&'static str>,
    card_brand: Option<String>,
    card_last4: Option<String>,
    failure_code: Option<String>,
    stripe_account_id: String,
    stripe_payment_intent_id: Option<String>,
    stripe_charge_id: Option<String>,
    /// The pay link by which it was made; null where it was made without one.
    pay_link: Option<String>,
    created_at: i64,
    succeeded_at: Option<i64>,
    /// Whether only the account's owner can see, at Stripe, what became of it.
    check_stripe: bool,
    /// Its refunds, oldest first; where one payment is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    refunds: Option<Vec<RefundJson>>,
}

/// What a payment asks for an invoice, and what the invoice has taken up.
#[derive(Debug, Serialize)]
struct PartJson {
    invoice_id: String,
    amount: i64,
    applied: i64,
}

impl From<Part> for PartJson {
    fn from(part: Part) -> PartJson {
        PartJson {
            invoice_id: part.invoice_id.to_string(),
            amount: part.amount,
            applied: part.applied,
        }
    }
}

impl PaymentJson {
    fn of(tx: &mut Tx, payment: Payment) -> Result<PaymentJson, Failure> {
        let parts = payment_parts::of(tx, &payment.scope, &payment.id)?;
        let refundable = refunds::refundable(tx, &payment)?;
        let version = payment_version::seen(tx, &payment.scope, &payment.id)?;
        let link = paid_by::of_payment(tx, &payment.scope, &payment.id)?;
        let basis = payment.fee_basis.as_ref();
        Ok(PaymentJson {
            parts: parts.into_iter().map(PartJson::from).collect(),
            method: basis.map_or(Method::Card, |basis| basis.method).word(),
            fee_rule_id: basis
                .and_then(|basis| basis.rule.as_ref())
                .map(FeeRuleId::to_string),
            id: payment.id.to_string(),
            object: "payment",
            livemode: payment.scope.mode.is_live(),
            invoice_id: payment.invoice_id.to_string(),
            status: payment.status.word(),
            version,
            currency: payment.currency.code(),
            amount: payment.amount,
            received: payment.received,
            reserved: payment.reserved,
            refunded: payment.refunded,
            disputed: payment.disputed,
            refundable,
            application_fee: payment.application_fee,
            stripe_fee: payment.stripe_fee,
            net: payment.net,
            settlement_currency: payment.settlement_currency.map(domain::Currency::code),
            card_brand: payment.method_brand,
            card_last4: payment.method_last4,
            failure_code: payment.failure_code,
            stripe_account_id: payment.stripe_account_id,
            stripe_payment_intent_id: payment.intent_id,
            stripe_charge_id: payment.charge_id,
            pay_link: link.map(|link| link.to_string()),
            created_at: payment.created_at.ms(),
            succeeded_at: payment.succeeded_at.map(domain::Timestamp::ms),
            check_stripe: payment.unreachable_since.is_some(),
            refunds: None,
        })
    }
}

/// `GET /api/payments/{id}`
pub async fn get(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
) -> Result<Json<PaymentJson>, Problem> {
    let id = PaymentId::parse(&id)?;
    let read = site.app.db.read(move |tx| {
        let payment = payments::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
        let refunds = refunds::of_payment(tx, &payment)?;
        Ok::<_, Failure>(PaymentJson {
            refunds: Some(refunds.into_iter().map(RefundJson::from).collect()),
            ..PaymentJson::of(tx, payment)?
        })
    });
    Ok(Json(read.await?))
}

/// What narrows the list.
const LIST: Takes = Takes {
    parameters: &["status", "client_id", "invoice_id", "currency", "since", "until"],
    statuses,
};

fn statuses() -> Vec<String> {
    PaymentState::all().map(|state| state.word().to_owned()).collect()
}

/// `GET /api/payments`
pub async fn list(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    Query(given): Query<Given>,
) -> Result<Json<Page<PaymentJson>>, Problem> {
    let Asked { limit, after, only } = LIST.read(given)?;
    let after = after.as_deref().map(PaymentId::parse).transpose()?;
    let read = site.app.db.read(move |tx| {
        let mut shown = Vec::new();
        for payment in payments::page(tx, &scope, &only, after.as_ref(), limit + 1)? {
            shown.push(PaymentJson::of(tx, payment)?);
        }
        Ok::<_, Failure>(shown)
    });
    Ok(Json(Page::of(read.await?, limit)))
}
