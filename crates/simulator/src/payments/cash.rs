//! Money that a customer sends by bank transfer: it is kept as a cash balance, and payments take it as it
//! arrives or when the merchant says so.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Ctx;
use crate::charge;
use crate::confirm;
use crate::currency;
use crate::customer::{self, Customer};
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::Params;
use crate::list;
use crate::payment_intent::{NextAction, PaymentIntent, Status};
use crate::payment_intents;
use crate::payment_method::PaymentMethod;
use crate::payments::debit::Debit;
use crate::payments::{cash_balance, funding};
use crate::state::{Object, Shown, Space, State};

/// The kind of payment method that takes it.
pub const KIND: &str = "customer_balance";

/// A change of a cash balance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CashTransaction {
    /// `ccsbtxn_…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When, in seconds.
    pub created: i64,
    /// Whose cash balance.
    pub customer: String,
    /// In minor units; negative is taken out.
    pub net_amount: i64,
    /// Currency.
    pub currency: String,
    /// The balance after it.
    pub ending_balance: i64,
    /// The payment that took it; `None` when it came in.
    pub payment_intent: Option<String>,
    /// What the sender wrote.
    pub reference: Option<String>,
}

impl CashTransaction {
    fn kind(&self) -> &'static str {
        match (&self.payment_intent, self.net_amount > 0) {
            (None, _) => "funded",
            (Some(_), false) => "applied_to_payment",
            (Some(_), true) => "unapplied_from_payment",
        }
    }

    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let kind = self.kind();
        let mut shown = json!({
            "id": self.id, "object": "customer_cash_balance_transaction", "created": self.created,
            "currency": self.currency, "customer": self.customer, "customer_account": null,
            "ending_balance": self.ending_balance, "livemode": self.space.livemode,
            "net_amount": self.net_amount, "type": kind,
        });
        shown[kind] = match &self.payment_intent {
            Some(intent) => json!({ "payment_intent": intent }),
            None => {
                let transfer = funding::transfer_type(&self.currency).unwrap_or("us_bank_transfer");
                let mut bank = json!({ "reference": self.reference, "type": transfer });
                bank[transfer] = funding::sender(transfer);
                json!({ "bank_transfer": bank })
            }
        };
        shown
    }
}

impl Shown for CashTransaction {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("customer", "customer"),
        ("applied_to_payment.payment_intent", "payment_intent"),
    ];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }

    fn url(&self) -> Option<String> {
        Some(format!(
            "/v1/customers/{}/cash_balance_transactions/{}",
            self.customer, self.id
        ))
    }
}

/// Moves money into a customer's cash balance, or out of it for an intent.
fn book(
    state: &mut State,
    cause: &Cause,
    customer: &Customer,
    net_amount: i64,
    currency: &str,
    payment_intent: Option<String>,
    reference: Option<String>,
) -> Arc<CashTransaction> {
    let mut changed = customer.clone();
    let cash = changed.cash.get_or_insert_default();
    let balance = cash.entry(currency.to_owned()).or_insert(0);
    *balance = balance.saturating_add(net_amount);
    let transaction = CashTransaction {
        id: state.id("ccsbtxn_1", 23),
        space: changed.space.clone(),
        created: state.now_s(),
        customer: changed.id.clone(),
        net_amount,
        currency: currency.to_owned(),
        ending_balance: *balance,
        payment_intent,
        reference,
    };
    state.put(changed);
    let transaction = state.put(transaction);
    let object = Object::CashTransaction(Arc::clone(&transaction));
    event::emit(
        state,
        cause,
        "customer_cash_balance_transaction.created",
        object,
        None,
    );
    transaction
}

/// `POST /v1/test_helpers/customers/{id}/fund_cash_balance`: a bank transfer arrives, in test mode only.
pub fn fund(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let customer = customer::living(state, &ctx.space, id, "customer")?;
    let amount = params
        .integer("amount")?
        .ok_or_else(|| ApiError::missing("amount"))?;
    let currency = currency::parse(&params.required("currency")?)?;
    let reference = params.text("reference")?;
    params.finish()?;
    if ctx.space.livemode {
        return Err(ApiError::invalid(
            "Test helpers are for test mode: this request used a live mode key.",
        ));
    }
    if !(1..=999_999_999_999).contains(&amount) {
        return Err(
            ApiError::invalid("This value must be greater than or equal to 1.")
                .code("parameter_invalid_integer")
                .param("amount"),
        );
    }
    funding::check_currency(&currency)?;
    let funded = book(state, &ctx.cause, &customer, amount, &currency, None, reference);
    if customer.reconciliation.as_deref() != Some("manual") {
        apply_to_waiting(state, &ctx.cause, &customer, &currency);
    }
    let customer = state.get::<Customer>(&ctx.space, id)?;
    if held(&customer, &currency) > 0 {
        cash_balance::tell(state, &ctx.cause, &customer);
    }
    Ok(funded.render())
}

fn held(customer: &Customer, currency: &str) -> i64 {
    let cash = customer.cash.as_ref();
    cash.and_then(|cash| cash.get(currency)).copied().unwrap_or(0)
}

/// What arrived goes to the payments that wait for it, the oldest first.
fn apply_to_waiting(state: &mut State, cause: &Cause, customer: &Customer, currency: &str) {
    let waiting: Vec<Arc<PaymentIntent>> = state
        .of::<PaymentIntent>(&customer.space)
        .filter(|intent| {
            intent.customer.as_ref() == Some(&customer.id) && intent.currency == currency && waits(intent)
        })
        .cloned()
        .collect();
    for intent in waiting {
        let Ok(customer) = state.get::<Customer>(&customer.space, &customer.id) else {
            return;
        };
        let amount = held(&customer, currency).min(remaining(&intent));
        if amount > 0 {
            take(state, cause, &intent, &customer, amount);
        }
    }
}

fn waits(intent: &PaymentIntent) -> bool {
    intent.status == Status::RequiresAction
        && matches!(intent.next_action, Some(NextAction::BankTransfer { .. }))
}

fn remaining(intent: &PaymentIntent) -> i64 {
    intent.amount.saturating_sub(intent.cash_applied)
}

/// Takes some of the cash balance for an intent, which is paid when nothing remains.
fn take(
    state: &mut State,
    cause: &Cause,
    intent: &PaymentIntent,
    customer: &Customer,
    amount: i64,
) -> Arc<PaymentIntent> {
    let currency = intent.currency.clone();
    let id = Some(intent.id.clone());
    book(state, cause, customer, -amount, &currency, id, None);
    let mut intent = intent.clone();
    intent.cash_applied = intent.cash_applied.saturating_add(amount);
    if remaining(&intent) > 0 {
        return wait(state, cause, intent, "payment_intent.partially_funded");
    }
    let id = intent.payment_method.as_deref().unwrap_or_default();
    match state.get::<PaymentMethod>(&intent.space, id) {
        Ok(method) => paid(state, cause, intent, &method),
        Err(_) => state.put(intent),
    }
}

/// What an intent took that is canceled before it was paid goes back.
pub fn give_back(state: &mut State, cause: &Cause, intent: &PaymentIntent) {
    let customer = intent.customer.as_deref().unwrap_or_default();
    if intent.cash_applied > 0
        && let Ok(customer) = state.get::<Customer>(&intent.space, customer)
    {
        let (amount, id) = (intent.cash_applied, Some(intent.id.clone()));
        book(state, cause, &customer, amount, &intent.currency, id, None);
    }
}

/// The intent waits for money, and says how much.
fn wait(
    state: &mut State,
    cause: &Cause,
    mut intent: PaymentIntent,
    kind: &'static str,
) -> Arc<PaymentIntent> {
    intent.status = Status::RequiresAction;
    intent.next_action = Some(NextAction::BankTransfer {
        remaining: remaining(&intent),
        currency: intent.currency.clone(),
    });
    let intent = state.put(intent);
    let object = Object::PaymentIntent(Arc::clone(&intent));
    event::emit(state, cause, kind, object, None);
    intent
}

fn paid(
    state: &mut State,
    cause: &Cause,
    mut intent: PaymentIntent,
    method: &PaymentMethod,
) -> Arc<PaymentIntent> {
    let mut charge = charge::fresh(state, &intent, method, false);
    charge.debit = method.other.as_ref().map(|other| {
        Box::new(Debit {
            other: Arc::clone(other),
            mandate: None,
            pending: false,
        })
    });
    let charge = charge::taken(state, cause, charge, intent.amount);
    let charge = state.put(charge);
    let object = Object::Charge(Arc::clone(&charge));
    event::emit(state, cause, "charge.succeeded", object, None);
    intent.status = Status::Succeeded;
    intent.amount_received = intent.amount;
    intent.latest_charge = Some(charge.id.clone());
    intent.next_action = None;
    intent.last_error = None;
    let intent = state.put(intent);
    let object = Object::PaymentIntent(Arc::clone(&intent));
    event::emit(state, cause, "payment_intent.succeeded", object, None);
    confirm::keep(state, cause, &intent, method, false);
    intent
}

/// Carries the confirmation of an intent by cash balance out: it takes what is there, unless the merchant
/// applies the balance by hand, and waits for the rest.
///
/// # Errors
/// 400 when the intent has no customer.
pub fn confirm(
    state: &mut State,
    cause: &Cause,
    intent: PaymentIntent,
) -> Result<Arc<PaymentIntent>, ApiError> {
    let id = intent.customer.clone().unwrap_or_default();
    let customer = state.get_for::<Customer>(&intent.space, &id, "customer")?;
    let there = if customer.reconciliation.as_deref() == Some("manual") {
        0
    } else {
        held(&customer, &intent.currency).min(remaining(&intent))
    };
    if there > 0 {
        return Ok(take(state, cause, &intent, &customer, there));
    }
    Ok(wait(state, cause, intent, "payment_intent.requires_action"))
}

/// `POST /v1/payment_intents/{id}/apply_customer_balance`.
pub fn apply(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let intent = state.get::<PaymentIntent>(&ctx.space, id)?;
    let amount = params.integer("amount")?;
    let currency = params.text("currency")?;
    params.finish()?;
    if !intent.accepts.takes(KIND) {
        return Err(ApiError::invalid(
            "This PaymentIntent does not take a customer_balance payment method, so no cash balance can be \
             applied to it.",
        ));
    }
    if !waits(&intent) {
        let message = format!(
            "This PaymentIntent has a status of {} and takes no cash balance.",
            intent.status.as_str()
        );
        return Err(ApiError::unexpected_state(message).with_intent(&intent));
    }
    if currency
        .as_ref()
        .is_some_and(|currency| currency.to_ascii_lowercase() != intent.currency)
    {
        return Err(ApiError::invalid(
            "The currency must match the currency of the PaymentIntent.",
        ));
    }
    let customer = intent.customer.clone().unwrap_or_default();
    let customer = state.get::<Customer>(&ctx.space, &customer)?;
    let there = held(&customer, &intent.currency);
    let amount = amount.unwrap_or(remaining(&intent).min(there));
    let complaint = if amount < 1 && there < 1 {
        "The customer's cash balance is empty."
    } else if amount < 1 {
        "The amount must be at least 1."
    } else if amount > remaining(&intent) {
        "The amount is greater than the amount remaining on the PaymentIntent."
    } else if amount > there {
        "The amount is greater than the customer's cash balance."
    } else {
        let intent = take(state, &ctx.cause, &intent, &customer, amount);
        payment_intents::tell_invoice(state, &ctx.cause, &intent);
        return Ok(intent.render_to(ctx));
    };
    Err(ApiError::invalid(complaint))
}

/// `GET /v1/customers/{id}/cash_balance_transactions/{id}`.
pub fn retrieve(
    state: &mut State,
    ctx: &Ctx,
    params: Params,
    customer: &str,
    id: &str,
) -> Result<Value, ApiError> {
    params.finish()?;
    state.get_for::<Customer>(&ctx.space, customer, "customer")?;
    let found = state.get::<CashTransaction>(&ctx.space, id)?;
    if found.customer == customer {
        Ok(found.render())
    } else {
        Err(ApiError::no_such("customer cash balance transaction", id, "id"))
    }
}

/// `GET /v1/customers/{id}/cash_balance_transactions`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params, customer: &str) -> Result<Value, ApiError> {
    let customer = customer::living(state, &ctx.space, customer, "customer")?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |one: &CashTransaction| one.customer == customer.id;
    let url = format!("/v1/customers/{}/cash_balance_transactions", customer.id);
    list::answer(state, &ctx.space, &page, &url, wanted, |one: &CashTransaction| {
        one.render()
    })
}
