//! `/api/refunds`: money back to payers, with what it means for the invoice and the platform's fee said each
//! time.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::refund::{FeeChoice, REASONS, RefundState, Settlement};
use domain::{InvoiceId, PaymentId, RefundId, Refusal, Timestamp};
use flows::Failure;
use flows::refunds::{self, OfOne, Shown, Wanted};
use serde::{Deserialize, Serialize};

use super::lists::{Asked, Given, Takes};
use super::{Caller, InPath, Input, Page, Query};
use crate::idempotency::Once;
use crate::problem::Problem;
use crate::router::Site;

/// A refund to be made; the amount in minor units.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundRequest {
    payment_id: String,
    /// All that is left, where it is not given.
    amount: Option<i64>,
    reason: Option<String>,
    /// `still_owed` or `forgiven`: there is no default, because either is wrong for somebody.
    settlement: String,
    /// `kept`, where it is not given, or `returned`.
    fee: Option<String>,
    /// Which invoice it is taken from, where the payment pays several.
    invoice_id: Option<String>,
    /// The version of the payment that this is based on.
    version: Option<i64>,
}

impl RefundRequest {
    fn check(self) -> Result<Wanted, Refusal> {
        let payment = PaymentId::parse(&self.payment_id).map_err(|_| {
            Refusal::invalid(
                "payment_id",
                "must be the id of one of your payments in this mode",
            )
        })?;
        if let Some(reason) = &self.reason
            && !REASONS.contains(&reason.as_str())
        {
            let problem = format!("must be one of {}", REASONS.join(", "));
            return Err(Refusal::invalid("reason", problem));
        }
        let settlement = Settlement::from_word(&self.settlement).ok_or_else(|| {
            let problem = "must be \"still_owed\" (the client owes it again) or \"forgiven\" (a credit note)";
            Refusal::invalid("settlement", problem)
        })?;
        let fee = match self.fee.as_deref() {
            None => FeeChoice::Kept,
            Some(word) => FeeChoice::from_word(word)
                .ok_or_else(|| Refusal::invalid("fee", "must be \"kept\" or \"returned\""))?,
        };
        let invoice = self.invoice_id.as_deref().map(InvoiceId::parse).transpose();
        Ok(Wanted {
            payment,
            amount: self.amount,
            reason: self.reason,
            settlement,
            fee,
            invoice: invoice.map_err(|_| {
                let problem = "must be the id of an invoice that this payment pays";
                Refusal::invalid("invoice_id", problem)
            })?,
            version: self.version,
        })
    }
}

/// What a refund means for one invoice, amounts in minor units.
#[derive(Debug, Serialize)]
pub struct OfInvoiceJson {
    invoice_id: String,
    invoice_number: Option<String>,
    /// What is taken of what it had settled: owed again, or forgiven.
    amount: i64,
    /// What is taken of its money that the client had as unused credit.
    out_of_credit: i64,
    credit_note_id: Option<String>,
    credit_note_number: Option<String>,
}

impl From<OfOne> for OfInvoiceJson {
    fn from(one: OfOne) -> OfInvoiceJson {
        let (credit_note_id, credit_note_number) = one.credit_note.unzip();
        OfInvoiceJson {
            invoice_id: one.invoice_id.to_string(),
            invoice_number: one.invoice_number,
            amount: one.amount,
            out_of_credit: one.out_of_credit,
            credit_note_id,
            credit_note_number,
        }
    }
}

/// A refund as the API shows it; amounts in minor units, times in milliseconds since the epoch.
#[derive(Debug, Serialize)]
pub struct RefundJson {
    id: String,
    object: &'static str,
    livemode: bool,
    payment_id: String,
    invoice_id: Option<String>,
    origin: &'static str,
    status: String,
    currency: &'static str,
    amount: i64,
    /// What of it is taken out of credit that the client had not used.
    out_of_credit: i64,
    /// What each invoice gives, in the order in which it is taken.
    invoices: Vec<OfInvoiceJson>,
    reason: Option<String>,
    settlement: &'static str,
    fee: &'static str,
    /// `kept`, `due`, `sent`, `returned` or `refused`.
    fee_status: &'static str,
    /// What goes back of the platform's fee.
    fee_returned: i64,
    failure_reason: Option<String>,
    /// What happens, in plain words.
    explanation: String,
    stripe_account_id: String,
    stripe_refund_id: Option<String>,
    stripe_fee_refund_id: Option<String>,
    created_at: i64,
    succeeded_at: Option<i64>,
    failed_at: Option<i64>,
}

impl From<Shown> for RefundJson {
    fn from(shown: Shown) -> RefundJson {
        let refund = shown.refund;
        RefundJson {
            id: refund.id.to_string(),
            object: "refund",
            livemode: refund.scope.mode.is_live(),
            payment_id: refund.payment_id.to_string(),
            invoice_id: refund.invoice_id.map(|id| id.to_string()),
            origin: refund.origin.word(),
            status: refund.status.word().to_owned(),
            currency: refund.currency.code(),
            amount: refund.amount,
            out_of_credit: shown.out_of_credit,
            invoices: shown.invoices.into_iter().map(OfInvoiceJson::from).collect(),
            reason: refund.reason,
            settlement: refund.settlement.word(),
            fee: refund.fee.word(),
            fee_status: refund.fee_status.word(),
            fee_returned: shown.fee_returned,
            failure_reason: refund.failure_reason,
            explanation: shown.explanation,
            stripe_account_id: refund.stripe_account_id,
            stripe_refund_id: refund.stripe_refund_id,
            stripe_fee_refund_id: refund.stripe_fee_refund_id,
            created_at: refund.created_at.ms(),
            succeeded_at: refund.succeeded_at.map(Timestamp::ms),
            failed_at: refund.reversed_at.map(Timestamp::ms),
        }
    }
}

/// `POST /api/refunds`
pub async fn create(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    Once(moment): Once,
    Input(request): Input<RefundRequest>,
) -> Result<(StatusCode, Json<RefundJson>), Problem> {
    let wanted = request.check()?;
    let made = refunds::request(&site.app, &scope, &by, moment, &wanted).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// `GET /api/refunds/{id}`
pub async fn get(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
) -> Result<Json<RefundJson>, Problem> {
    let shown = refunds::show(&site.app, &scope, &RefundId::parse(&id)?).await?;
    Ok(Json(shown.into()))
}

/// What narrows the list.
const LIST: Takes = Takes {
    parameters: &[
        "status",
        "client_id",
        "invoice_id",
        "payment_id",
        "currency",
        "since",
        "until",
    ],
    statuses,
};

fn statuses() -> Vec<String> {
    RefundState::known()
        .map(|state| state.word().to_owned())
        .collect()
}

/// `GET /api/refunds`
pub async fn list(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    Query(given): Query<Given>,
) -> Result<Json<Page<RefundJson>>, Problem> {
    let Asked { limit, after, only } = LIST.read(given)?;
    let after = after.as_deref().map(RefundId::parse).transpose()?;
    let rows = site.app.db.read(move |tx| {
        let rows = store::refunds::page(tx, &scope, &only, after.as_ref(), limit + 1)?;
        rows.into_iter()
            .map(|row| refunds::shown(tx, row))
            .collect::<Result<Vec<_>, Failure>>()
    });
    let rows = rows.await?.into_iter().map(RefundJson::from);
    Ok(Json(Page::of(rows.collect(), limit)))
}
