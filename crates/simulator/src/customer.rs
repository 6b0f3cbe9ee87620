//! Customers: create, read, change, delete, list. A deleted one answers only that it is deleted.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::address::{Address, Shipping};
use crate::api::Ctx;
use crate::error::ApiError;
use crate::event;
use crate::form::{Params, Update};
use crate::list;
use crate::payment_method::{self, Named, PaymentMethod};
use crate::state::{Object, Shown, Space, State};

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
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

impl Customer {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        if self.deleted {
            return json!({ "id": self.id, "object": "customer", "deleted": true });
        }
        json!({
            "id": self.id, "object": "customer", "address": self.address.as_ref().map(Address::render),
            "balance": 0,
            "created": self.created, "currency": null, "default_source": null, "delinquent": false,
            "description": self.description, "discount": null, "email": self.email,
            "invoice_prefix": self.invoice_prefix,
            "invoice_settings": {
                "custom_fields": null, "default_payment_method": self.default_payment_method, "footer": null,
                "rendering_options": null,
            },
            "livemode": self.space.livemode, "metadata": self.metadata, "name": self.name,
            "next_invoice_sequence": 1, "phone": self.phone, "preferred_locales": self.preferred_locales,
            "shipping": self.shipping.as_ref().map(Shipping::render), "tax_exempt": self.tax_exempt,
            "test_clock": null,
        })
    }

    /// Reads what create and update share.
    fn change(&mut self, state: &State, params: &mut Params) -> Result<(), ApiError> {
        params.update("email")?.apply(&mut self.email);
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
            if let Update::Set(id) = &default {
                self.owned(state, id)?;
            }
            default.apply(&mut self.default_payment_method);
            settings.finish()?;
        }
        params.metadata()?.apply(&mut self.metadata)
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
    const EXPANDS: &'static [(&'static str, &'static str)] =
        &[("invoice_settings.default_payment_method", "payment_method")];

    fn shown(&self, _: &State) -> Value {
        self.render()
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

/// `POST /v1/customers`, with a first card when `payment_method` names one.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let mut customer = Customer {
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
        metadata: BTreeMap::new(),
    };
    let method = params
        .text("payment_method")?
        .map(|id| payment_method::named(state, &ctx.space, &id))
        .transpose()?;
    customer.change(state, &mut params)?;
    params.finish()?;
    customer.id = state.id("cus_", 14);
    customer.invoice_prefix = customer.id[4..12].to_uppercase();
    match method {
        Some(method) => create_with_card(state, ctx, customer, method),
        None => Ok(announced(state, ctx, customer).render()),
    }
}

/// The bank is asked first: a refused card makes no customer.
fn create_with_card(
    state: &mut State,
    ctx: &Ctx,
    customer: Customer,
    method: Named,
) -> Result<Value, ApiError> {
    payment_method::attach(state, ctx, method, &customer)?;
    Ok(announced(state, ctx, customer).render())
}

fn announced(state: &mut State, ctx: &Ctx, customer: Customer) -> Arc<Customer> {
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

/// `GET /v1/customers/{id}`; of a deleted one only that it is deleted.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(state.get::<Customer>(&ctx.space, id)?.render())
}

/// `POST /v1/customers/{id}`.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = living(state, &ctx.space, id, "id")?;
    let mut customer = Customer::clone(&old);
    customer.change(state, &mut params)?;
    params.finish()?;
    let customer = state.put(customer);
    let previous = event::previous(&old.render(), &customer.render());
    if previous.is_some() {
        event::emit(
            state,
            &ctx.cause,
            "customer.updated",
            Object::Customer(Arc::clone(&customer)),
            previous,
        );
    }
    Ok(customer.render())
}

/// `DELETE /v1/customers/{id}`.
pub fn delete(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let old = living(state, &ctx.space, id, "id")?;
    let customer = state.put(Customer {
        deleted: true,
        ..Customer::clone(&old)
    });
    // The event tells what was there, so it carries the row from before.
    event::emit(state, &ctx.cause, "customer.deleted", Object::Customer(old), None);
    Ok(customer.render())
}

/// `GET /v1/customers`, by `email` and `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let email = params.text("email")?;
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |customer: &Customer| {
        !customer.deleted
            && created.holds(customer.created)
            && email
                .as_ref()
                .is_none_or(|email| customer.email.as_ref() == Some(email))
    };
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/customers",
        wanted,
        |customer: &Customer| customer.render(),
    )
}
