//! Customers: create, read, change, delete, list. A deleted one answers only that it is deleted.

use crate::address::{Address, Shipping};
use crate::api::Ctx;
use crate::billing::billed;
use crate::billing::discount::Discount;
use crate::billing::test_clock;
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::{Params, Update};
use crate::payment_method::{self, Named, PaymentMethod};
use crate::payments::cash_balance;
use crate::payments::customer_balance::{self, Reason};
use crate::payments::on_invoices::OnInvoices;
use crate::payments::sources::{self, Brought};
use crate::payments::tax_id::{self, Given};
use crate::state::{Object, Shown, Space, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Customer {
    /// `cus_…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Email.
    pub email: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Phone.
    pub phone: Option<String>,
    /// The caller's description.
    pub description: Option<String>,
    /// Address.
    pub address: Option<Address>,
    /// Where goods go.
    pub shipping: Option<Shipping>,
    /// The card that pays its invoices.
    pub default_payment_method: Option<String>,
    /// Languages.
    pub preferred_locales: Vec<String>,
    /// `none`, `exempt` or `reverse`.
    pub tax_exempt: String,
    /// What its invoices' numbers begin with.
    pub invoice_prefix: String,
    /// How many invoices were finalized for it.
    #[serde(default)]
    pub invoices: i64,
    /// What is put on its next invoice, in minor units of its currency; negative is taken off.
    #[serde(default)]
    pub balance: i64,
    /// The currency that it was first billed in.
    #[serde(default)]
    pub currency: Option<String>,
    /// The source that the older API charges.
    pub default_source: Option<String>,
    /// What it sent by bank transfer and no payment has taken, by currency in minor units.
    pub cash: Option<BTreeMap<String, i64>>,
    /// Its balances in currencies other than its own, as [`Customer::balance`] is.
    #[serde(default)]
    pub other_balances: Option<BTreeMap<String, i64>>,
    /// Where it was last seen, for taxes.
    pub ip_address: Option<String>,
    /// How its cash balance is applied, when that is not the account's own way.
    pub reconciliation: Option<String>,
    /// What is written on its invoices.
    pub on_invoices: Option<Box<OnInvoices>>,
    /// The discount on all it is billed.
    pub discount: Option<Arc<Discount>>,
    /// The test clock that it lives by.
    #[serde(default)]
    pub test_clock: Option<String>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

impl Customer {
    /// What takes something off an invoice that has no discounts of its own, at a second.
    pub fn discounts_now(&self, now_s: i64) -> Vec<Arc<Discount>> {
        let running = self.discount.iter().filter(|discount| discount.runs(now_s));
        running.cloned().collect()
    }

    /// What the next invoice in a currency has added, or taken off when negative, in minor units.
    pub fn balance_in(&self, currency: &str) -> i64 {
        match &self.currency {
            Some(own) if own != currency => {
                let others = self.other_balances.as_ref();
                others
                    .and_then(|others| others.get(currency))
                    .copied()
                    .unwrap_or(0)
            }
            Some(_) | None => self.balance,
        }
    }

    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        if self.deleted {
            return json!({ "id": self.id, "object": "customer", "deleted": true });
        }
        let on_invoices = self.on_invoices.as_deref();
        json!({
            "id": self.id, "object": "customer", "address": self.address.as_ref().map(Address::render),
            "balance": self.balance,
            "created": self.created, "currency": self.currency, "customer_account": null,
            "default_source": self.default_source,
            "delinquent": false,
            "description": self.description,
            "discount": self.discount.as_ref().map(|discount| discount.render()), "email": self.email,
            "invoice_prefix": self.invoice_prefix,
            "invoice_settings": {
                "custom_fields": on_invoices.and_then(OnInvoices::custom_fields),
                "default_payment_method": self.default_payment_method,
                "footer": on_invoices.and_then(|on| on.footer.as_ref()),
                "rendering_options": on_invoices.and_then(OnInvoices::rendering_options),
            },
            "livemode": self.space.livemode, "metadata": self.metadata, "name": self.name,
            "next_invoice_sequence": self.invoices + 1, "phone": self.phone,
            "preferred_locales": self.preferred_locales,
            "shipping": self.shipping.as_ref().map(Shipping::render), "tax_exempt": self.tax_exempt,
            "test_clock": self.test_clock,
        })
    }

    /// Reads what create and update share; `first` is the card that a new customer gets.
    pub fn change(
        &mut self,
        state: &State,
        params: &mut Params,
        first: Option<&str>,
    ) -> Result<(), ApiError> {
        params.update("email")?.apply(&mut self.email);
        if let Some(email) = &self.email {
            check_email(email)?;
        }
        params.update("name")?.apply(&mut self.name);
        params.update("phone")?.apply(&mut self.phone);
        params.update("description")?.apply(&mut self.description);
        if let Some(address) = params.map("address")? {
            self.address.get_or_insert_default().update(address)?;
        }
        if let Some(shipping) = params.map("shipping")? {
            self.shipping = Some(Shipping::read(shipping)?);
        }
        if let Some(locales) = params.texts("preferred_locales")? {
            self.preferred_locales = locales;
        }
        if let Some(word) = params.choice("tax_exempt", &["none", "exempt", "reverse"])? {
            self.tax_exempt = word.to_owned();
        }
        if let Some(mut settings) = params.map("invoice_settings")? {
            let default = settings.update("default_payment_method")?;
            match &default {
                Update::Set(id) if Some(id.as_str()) != first => self.owned(state, id)?,
                _ => {}
            }
            default.apply(&mut self.default_payment_method);
            let mut on = self.on_invoices.take().unwrap_or_default();
            on.read(&mut settings)?;
            self.on_invoices = Some(on).filter(|on| **on != OnInvoices::default());
            settings.finish()?;
        }
        self.change_numbers(params)?;
        if let Some(mut cash) = params.map("cash_balance")? {
            cash_balance::change(&mut cash, self)?;
            cash.finish()?;
        }
        if let Some(mut tax) = params.map("tax")? {
            tax.update("ip_address")?.apply(&mut self.ip_address);
            // Where a customer is need not be known here, so it is never wrong.
            tax.choice("validate_location", &["auto", "deferred", "immediately"])?;
            tax.finish()?;
        }
        params.boolean("validate")?;
        params.metadata()?.apply(&mut self.metadata)
    }

    /// What its invoices are numbered by.
    fn change_numbers(&mut self, params: &mut Params) -> Result<(), ApiError> {
        if let Some(prefix) = params.text("invoice_prefix")? {
            let sound = (3..=12).contains(&prefix.len())
                && prefix
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
            if !sound {
                let message = "The invoice prefix must be 3 to 12 uppercase letters or digits.";
                return Err(ApiError::invalid(message).param("invoice_prefix"));
            }
            self.invoice_prefix = prefix;
        }
        match params.integer("next_invoice_sequence")? {
            None => {}
            Some(next) if (1..=999_999_999).contains(&next) => self.invoices = next - 1,
            Some(next) => {
                let message = format!("Invalid next_invoice_sequence: {next}");
                return Err(ApiError::invalid(message).param("next_invoice_sequence"));
            }
        }
        Ok(())
    }

    fn owned(&self, state: &State, id: &str) -> Result<(), ApiError> {
        let param = "invoice_settings[default_payment_method]";
        let method = state.get_for::<PaymentMethod>(&self.space, id, param)?;
        if method.customer.as_deref() == Some(self.id.as_str()) {
            return Ok(());
        }
        let message = format!(
            "The customer does not have a payment method with the ID {id}. The payment method must be \
             attached to the customer."
        );
        Err(ApiError::invalid(message).code("resource_missing").param(param))
    }
}

impl Shown for Customer {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("invoice_settings.default_payment_method", "payment_method"),
        ("default_source", "source"),
        ("sources", "list of source"),
        ("tax_ids", "list of tax_id"),
        ("cash_balance", "cash_balance"),
        ("invoice_credit_balance", "none"),
        ("tax", "none"),
        ("test_clock", "test_helpers.test_clock"),
    ];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }

    fn included(&self, state: &State, field: &str) -> Option<Value> {
        match field {
            "sources" => Some(sources::of_customer(state, self)),
            "tax_ids" => Some(tax_id::of_customer(state, self)),
            "cash_balance" => Some(cash_balance::render(self)),
            "invoice_credit_balance" => Some(customer_balance::credits(self)),
            "tax" => Some(json!({
                "automatic_tax": match &self.address {
                    Some(_) => "not_collecting",
                    None => "unrecognized_location",
                },
                "ip_address": self.ip_address, "location": null, "provider": "stripe",
            })),
            _ => None,
        }
    }
}

/// A customer that was not deleted.
///
/// # Errors
/// `resource_missing`, blaming `param`.
pub fn living(state: &State, space: &Space, id: &str, param: &str) -> Result<Arc<Customer>, ApiError> {
    let customer = state.get_for::<Customer>(space, id, param)?;
    if customer.deleted {
        Err(ApiError::no_such("customer", id, param))
    } else {
        Ok(customer)
    }
}

/// An email address has something on both sides of its `@`.
pub fn check_email(email: &str) -> Result<(), ApiError> {
    let sound = email
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
        && !email.contains(char::is_whitespace);
    if sound {
        return Ok(());
    }
    let email: String = email.chars().take(80).collect();
    Err(ApiError::invalid(format!("Invalid email address: {email}"))
        .code("email_invalid")
        .param("email"))
}

/// What a new customer comes with beside its own fields.
struct Dowry {
    method: Option<Named>,
    source: Option<Brought>,
    tax_ids: Vec<Given>,
    balance: i64,
}

impl Dowry {
    fn read(state: &State, ctx: &Ctx, params: &mut Params) -> Result<Dowry, ApiError> {
        let method = params
            .text("payment_method")?
            .map(|id| payment_method::named(state, &ctx.space, &id))
            .transpose()?;
        let source = sources::read(state, ctx, params, "source")?;
        let mut tax_ids = Vec::new();
        for mut given in params.maps("tax_id_data")?.unwrap_or_default() {
            tax_ids.push(tax_id::read(&mut given)?);
            given.finish()?;
        }
        let balance = params.integer("balance")?.unwrap_or(0);
        customer_balance::check(balance, "balance")?;
        Ok(Dowry {
            method,
            source,
            tax_ids,
            balance,
        })
    }
}

/// `POST /v1/customers`, with a first card when `payment_method` or `source` names one.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let mut customer = blank(state, ctx);
    let first = params.clone().text("payment_method")?;
    if let Some(id) = params.text("test_clock")? {
        let clock = test_clock::for_customer(state, &ctx.space, &id)?;
        customer.created = clock.frozen_time;
        customer.test_clock = Some(id);
    }
    let dowry = Dowry::read(state, ctx, &mut params)?;
    customer.change(state, &mut params, first.as_deref())?;
    let discount = billed::read_discount(state, ctx, None, &mut params)?;
    params.finish()?;
    // The bank is asked first: a refused card makes no customer.
    match &dowry.method {
        Some(Named::Stored(method)) if method.customer.is_some() => {
            return Err(payment_method::taken());
        }
        Some(Named::Stored(method)) => payment_method::check_attachable(&method.card, &ctx.space)?,
        Some(Named::Fresh(entry)) => payment_method::check_attachable(&entry.card, &ctx.space)?,
        None => {}
    }
    customer.id = state.id("cus_", 14);
    if customer.invoice_prefix.is_empty() {
        customer.invoice_prefix = customer.id[4..12].to_uppercase();
    }
    let source = match dowry.source {
        Some(brought) => Some(sources::attach_default(state, ctx, brought, &mut customer)?),
        None => None,
    };
    let method = dowry.method.map(|method| method.made(state, &ctx.space));
    if let Some(method) = &method
        && customer.default_payment_method == first
        && first.is_some()
    {
        customer.default_payment_method = Some(method.id.clone());
    }
    let customer = announced(state, ctx, customer);
    if let Some(source) = source {
        source.announce(state, &ctx.cause);
    }
    if let Some(method) = method {
        payment_method::own(state, &ctx.cause, &method, &customer.id);
    }
    for given in dowry.tax_ids {
        tax_id::make(state, &ctx.cause, &customer, given);
    }
    set_balance(state, ctx, &customer, dowry.balance, "initial")?;
    billed::discount(state, &ctx.cause, &customer.id, &ctx.space, discount);
    Ok(state.get::<Customer>(&ctx.space, &customer.id)?.render())
}

fn blank(state: &State, ctx: &Ctx) -> Customer {
    Customer {
        id: String::new(),
        space: ctx.space.clone(),
        created: state.now_s(),
        deleted: false,
        email: None,
        name: None,
        phone: None,
        description: None,
        address: None,
        shipping: None,
        default_payment_method: None,
        preferred_locales: Vec::new(),
        tax_exempt: "none".into(),
        invoice_prefix: String::new(),
        invoices: 0,
        balance: 0,
        currency: None,
        default_source: None,
        cash: None,
        other_balances: None,
        ip_address: None,
        reconciliation: None,
        on_invoices: None,
        discount: None,
        test_clock: None,
        metadata: BTreeMap::new(),
    }
}

/// Brings a customer's balance to an amount, by a transaction over the difference.
pub fn set_balance(
    state: &mut State,
    ctx: &Ctx,
    customer: &Arc<Customer>,
    balance: i64,
    kind: &'static str,
) -> Result<(), ApiError> {
    let difference = balance.saturating_sub(customer.balance);
    if difference != 0 {
        let currency = customer_balance::currency_of(state, customer)?;
        let reason = Reason {
            kind,
            ..Reason::default()
        };
        customer_balance::book(state, &ctx.cause, customer, difference, &currency, reason);
    }
    Ok(())
}

/// Stores a changed customer and tells of what changed.
pub fn changed(state: &mut State, cause: &Cause, old: &Customer, customer: Customer) -> Arc<Customer> {
    let customer = state.put(customer);
    let previous = event::previous(&old.render(), &customer.render());
    if previous.is_some() {
        let object = Object::Customer(Arc::clone(&customer));
        event::emit(state, cause, "customer.updated", object, previous);
    }
    customer
}

pub fn announced(state: &mut State, ctx: &Ctx, customer: Customer) -> Arc<Customer> {
    let customer = state.put(customer);
    event::emit(
        state,
        &ctx.cause,
        "customer.created",
        Object::Customer(Arc::clone(&customer)),
        None,
    );
    customer
}
