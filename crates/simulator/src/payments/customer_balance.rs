//! What a customer's next invoices have added or taken off: balance transactions, each with the balance after
//! it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account;
use crate::api::Ctx;
use crate::currency;
use crate::customer::{self, Customer};
use crate::error::ApiError;
use crate::event::Cause;
use crate::form::Params;
use crate::list;
use crate::state::{Shown, Space, State};

/// Ten digits: more than any invoice can be over.
const MOST: i64 = 9_999_999_999;

/// A change of a customer's balance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomerBalanceTransaction {
    /// `cbtxn_…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When, in seconds.
    pub created: i64,
    /// Whose balance.
    pub customer: String,
    /// In minor units; negative is a credit.
    pub amount: i64,
    /// Currency.
    pub currency: String,
    /// The balance after it.
    pub ending_balance: i64,
    /// `adjustment`, `applied_to_invoice`, `credit_note`, `initial`, …
    pub kind: String,
    /// The invoice that it is about.
    pub invoice: Option<String>,
    /// The credit note that it is about.
    pub credit_note: Option<String>,
    /// The caller's description.
    pub description: Option<String>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

impl CustomerBalanceTransaction {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        json!({
            "id": self.id, "object": "customer_balance_transaction", "amount": self.amount,
            "checkout_session": null, "created": self.created, "credit_note": self.credit_note,
            "currency": self.currency, "customer": self.customer, "customer_account": null,
            "description": self.description, "ending_balance": self.ending_balance,
            "invoice": self.invoice, "livemode": self.space.livemode, "metadata": self.metadata,
            "type": self.kind,
        })
    }
}

impl Shown for CustomerBalanceTransaction {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("credit_note", "credit_note"),
        ("customer", "customer"),
        ("invoice", "invoice"),
    ];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }

    fn url(&self) -> Option<String> {
        Some(format!(
            "/v1/customers/{}/balance_transactions/{}",
            self.customer, self.id
        ))
    }
}

/// Why a balance changes.
#[derive(Default)]
pub struct Reason {
    /// See [`CustomerBalanceTransaction::kind`].
    pub kind: &'static str,
    /// The invoice that it is about.
    pub invoice: Option<String>,
    /// The credit note that it is about.
    pub credit_note: Option<String>,
    /// The caller's description.
    pub description: Option<String>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

/// Changes a customer's balance by an amount in minor units; negative is a credit for the customer, who hears
/// of it by `customer.updated`.
pub fn book(
    state: &mut State,
    cause: &Cause,
    customer: &Arc<Customer>,
    amount: i64,
    currency: &str,
    reason: Reason,
) -> Arc<CustomerBalanceTransaction> {
    let mut changed = Customer::clone(customer);
    let own = changed.currency.get_or_insert_with(|| currency.to_owned());
    let balance = if own == currency {
        &mut changed.balance
    } else {
        let others = changed.other_balances.get_or_insert_default();
        others.entry(currency.to_owned()).or_insert(0)
    };
    *balance = balance.saturating_add(amount);
    let ending_balance = *balance;
    let transaction = CustomerBalanceTransaction {
        id: state.id("cbtxn_1", 23),
        space: changed.space.clone(),
        created: state.now_s(),
        customer: changed.id.clone(),
        amount,
        currency: currency.to_owned(),
        ending_balance,
        kind: reason.kind.to_owned(),
        invoice: reason.invoice,
        credit_note: reason.credit_note,
        description: reason.description,
        metadata: reason.metadata,
    };
    let transaction = state.put(transaction);
    customer::changed(state, cause, customer, changed);
    transaction
}

/// What a customer has to its credit, by currency in minor units; negative is owed.
pub fn credits(customer: &Customer) -> Value {
    let own = customer.currency.iter().map(|own| (own, customer.balance));
    let others = customer.other_balances.iter().flat_map(|others| others.iter());
    let all = own.chain(others.map(|(currency, balance)| (currency, *balance)));
    all.filter(|(_, balance)| *balance != 0)
        .map(|(currency, balance)| (currency.clone(), json!(balance.saturating_neg())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// The currency of a customer's balance: what it was first billed in, else the account's.
pub fn currency_of(state: &State, customer: &Customer) -> Result<String, ApiError> {
    match &customer.currency {
        Some(currency) => Ok(currency.clone()),
        None => Ok(account::of_space(state, &customer.space)?
            .default_currency
            .clone()),
    }
}

/// Reads an amount that a balance may hold.
///
/// # Errors
/// 400 for one with too many digits.
pub fn check(amount: i64, param: &str) -> Result<(), ApiError> {
    if amount.abs() > MOST {
        let message = format!("Invalid integer: {amount}. It has too many digits.");
        return Err(ApiError::invalid(message)
            .code("parameter_invalid_integer")
            .param(param));
    }
    Ok(())
}

/// `POST /v1/customers/{id}/balance_transactions`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params, customer: &str) -> Result<Value, ApiError> {
    let customer = customer::living(state, &ctx.space, customer, "customer")?;
    let amount = params
        .integer("amount")?
        .ok_or_else(|| ApiError::missing("amount"))?;
    check(amount, "amount")?;
    let currency = currency::parse(&params.required("currency")?)?;
    let description = params.text("description")?;
    let metadata = params.metadata()?.fresh()?;
    params.finish()?;
    let reason = Reason {
        kind: "adjustment",
        description,
        metadata,
        ..Reason::default()
    };
    let transaction = book(state, &ctx.cause, &customer, amount, &currency, reason);
    Ok(transaction.render())
}

fn find(
    state: &State,
    ctx: &Ctx,
    customer: &str,
    id: &str,
) -> Result<Arc<CustomerBalanceTransaction>, ApiError> {
    state.get_for::<Customer>(&ctx.space, customer, "customer")?;
    let found = state.get::<CustomerBalanceTransaction>(&ctx.space, id)?;
    if found.customer == customer {
        Ok(found)
    } else {
        Err(ApiError::no_such("customer balance transaction", id, "id"))
    }
}

/// `GET /v1/customers/{id}/balance_transactions/{id}`.
pub fn retrieve(
    state: &mut State,
    ctx: &Ctx,
    params: Params,
    customer: &str,
    id: &str,
) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(find(state, ctx, customer, id)?.render())
}

/// `POST /v1/customers/{id}/balance_transactions/{id}`: description and metadata.
pub fn update(
    state: &mut State,
    ctx: &Ctx,
    mut params: Params,
    customer: &str,
    id: &str,
) -> Result<Value, ApiError> {
    let old = find(state, ctx, customer, id)?;
    let mut transaction = CustomerBalanceTransaction::clone(&old);
    params.update("description")?.apply(&mut transaction.description);
    params.metadata()?.apply(&mut transaction.metadata)?;
    params.finish()?;
    Ok(state.put(transaction).render())
}

/// `GET /v1/customers/{id}/balance_transactions`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params, customer: &str) -> Result<Value, ApiError> {
    let customer = customer::living(state, &ctx.space, customer, "customer")?;
    let created = list::Created::read(&mut params)?;
    let invoice = params.text("invoice")?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |one: &CustomerBalanceTransaction| {
        one.customer == customer.id
            && created.holds(one.created)
            && invoice
                .as_ref()
                .is_none_or(|invoice| one.invoice.as_ref() == Some(invoice))
    };
    let url = format!("/v1/customers/{}/balance_transactions", customer.id);
    list::answer(
        state,
        &ctx.space,
        &page,
        &url,
        wanted,
        |one: &CustomerBalanceTransaction| one.render(),
    )
}
