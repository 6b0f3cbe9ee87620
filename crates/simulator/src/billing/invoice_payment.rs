//! Invoice payments: which payment intent pays how much of which invoice.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Ctx;
use crate::error::ApiError;
use crate::form::Params;
use crate::list;
use crate::state::{Shown, Space, State};

/// A payment of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoicePayment {
    /// `inpay_1…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// The invoice.
    pub invoice: String,
    /// What was to be paid, in minor units.
    pub requested: i64,
    /// What was paid.
    pub paid: Option<i64>,
    /// Currency.
    pub currency: String,
    /// Whether the invoice itself asked for it.
    pub is_default: bool,
    /// The payment intent.
    pub intent: String,
    /// Where it stands.
    pub status: Status,
    /// When it got there, in seconds, once it is paid or canceled.
    pub ended_at: Option<i64>,
}

/// Where a payment of an invoice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not paid yet.
    Open,
    /// Paid.
    Paid,
    /// Not needed any more.
    Canceled,
}

impl InvoicePayment {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let at = |status: Status| self.ended_at.filter(|_| self.status == status);
        json!({
            "id": self.id, "object": "invoice_payment", "amount_paid": self.paid,
            "amount_requested": self.requested, "created": self.created, "currency": self.currency,
            "invoice": self.invoice, "is_default": self.is_default, "livemode": self.space.livemode,
            "payment": { "payment_intent": self.intent, "type": "payment_intent" }, "status": self.status,
            "status_transitions": { "canceled_at": at(Status::Canceled), "paid_at": at(Status::Paid) },
        })
    }
}

impl Shown for InvoicePayment {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("invoice", "invoice"),
        ("payment.payment_intent", "payment_intent"),
    ];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

/// The payments of an invoice, as it shows them when they are asked for.
pub fn of_invoice(state: &State, space: &Space, ids: &[String]) -> Value {
    let payments = ids
        .iter()
        .filter_map(|id| state.get::<InvoicePayment>(space, id).ok());
    let data: Vec<Value> = payments.map(|payment| payment.render()).collect();
    json!({ "object": "list", "data": data, "has_more": false, "url": "/v1/invoices/payments" })
}

/// `GET /v1/invoice_payments/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(state.get::<InvoicePayment>(&ctx.space, id)?.render())
}

/// `GET /v1/invoice_payments`, by `invoice`, `payment`, `status` and `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let invoice = params.text("invoice")?;
    let status = params.choice("status", &["open", "paid", "canceled"])?;
    let mut intent = None;
    if let Some(mut payment) = params.map("payment")? {
        payment.required_choice("type", &["payment_intent", "payment_record"])?;
        intent = payment
            .text("payment_intent")?
            .or(payment.text("payment_record")?);
        payment.finish()?;
    }
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |payment: &InvoicePayment| {
        invoice.as_ref().is_none_or(|invoice| *invoice == payment.invoice)
            && intent.as_ref().is_none_or(|intent| *intent == payment.intent)
            && status.is_none_or(|status| match payment.status {
                Status::Open => status == "open",
                Status::Paid => status == "paid",
                Status::Canceled => status == "canceled",
            })
            && created.holds(payment.created)
    };
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/invoice_payments",
        wanted,
        InvoicePayment::render,
    )
}
