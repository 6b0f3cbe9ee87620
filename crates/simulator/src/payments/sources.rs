//! The sources of a customer: cards and bank accounts as the older API keeps them. A card among them is a
//! payment method, too.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Ctx;
use crate::connect::external_account::Bank;
use crate::customer::{self, Customer};
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::Params;
use crate::list::Page;
use crate::payment_method::{self, Named, PaymentMethod};
use crate::payments::card;
use crate::payments::token::{self, What};
use crate::state::{Object, Shown, Space, State, Told};

/// What Stripe's test bank accounts receive to prove whose they are.
const MICRODEPOSITS: [&str; 2] = ["32", "45"];

/// A bank account of a customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomerBank {
    /// `ba_…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// Whose it is; nobody's once it was deleted.
    pub customer: Option<String>,
    /// The account.
    pub bank: Bank,
}

impl CustomerBank {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let mut bank = token::render_bank(&self.bank);
        bank["customer"] = self.customer.clone().into();
        bank
    }
}

impl Shown for CustomerBank {
    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

/// A source of either kind.
#[derive(Clone)]
pub enum Source {
    /// A card.
    Card(Arc<PaymentMethod>),
    /// A bank account.
    Bank(Arc<CustomerBank>),
}

impl Source {
    fn id(&self) -> &str {
        match self {
            Source::Card(method) => &method.id,
            Source::Bank(bank) => &bank.id,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Source::Card(_) => "card",
            Source::Bank(_) => "bank_account",
        }
    }

    fn render(&self) -> Value {
        match self {
            Source::Card(method) => card::source(method),
            Source::Bank(bank) => bank.render(),
        }
    }

    /// Tells of it as it is now.
    fn emit(&self, state: &mut State, cause: &Cause, kind: &'static str, old: Option<&Value>) {
        let (shown, space) = (self.render(), self.space().clone());
        let customer = shown["customer"].as_str().unwrap_or_default();
        let told = Told {
            id: self.id().to_owned(),
            object: self.kind().to_owned(),
            url: format!("/v1/customers/{customer}/sources/{}", self.id()),
            space,
            text: shown.to_string(),
        };
        let previous = old.and_then(|old| event::previous(old, &shown));
        event::emit(state, cause, kind, Object::Told(Arc::new(told)), previous);
    }

    /// Tells that it is new.
    pub fn announce(&self, state: &mut State, cause: &Cause) {
        self.emit(state, cause, "customer.source.created", None);
    }

    fn space(&self) -> &Space {
        match self {
            Source::Card(method) => &method.space,
            Source::Bank(bank) => &bank.space,
        }
    }
}

/// A source that a request brings, not attached to anybody yet.
pub enum Brought {
    /// A card.
    Card(Box<payment_method::Entry>),
    /// A bank account and the token that it came in.
    Bank(Arc<Bank>, String),
}

/// Reads `source=tok_…` or `btok_…`, or a map, whose raw numbers are refused.
///
/// # Errors
/// 400 for a token that there is not or that was used; 402 for a raw number.
pub fn read(state: &State, ctx: &Ctx, params: &mut Params, name: &str) -> Result<Option<Brought>, ApiError> {
    if let Ok(Some(mut map)) = params.clone().map(name) {
        params.map(name)?;
        let kind = map.choice("object", &["card", "bank_account"])?;
        if kind == Some("bank_account") {
            return Ok(Some(Brought::Bank(
                Arc::new(Bank::read(state, map)?),
                String::new(),
            )));
        }
        let mut entry = payment_method::typed(state, ctx, &mut map)?;
        card::read_billing(&mut map, Arc::make_mut(&mut entry.billing))?;
        map.finish()?;
        return Ok(Some(Brought::Card(Box::new(entry))));
    }
    let Some(id) = params.text(name)? else {
        return Ok(None);
    };
    if id.starts_with("btok_") {
        let token = token::unused(state, &ctx.space, &id, name)?;
        return match &token.what {
            What::Bank(bank) => Ok(Some(Brought::Bank(Arc::clone(bank), id))),
            _ => Err(ApiError::no_such("token", &id, name).status(400)),
        };
    }
    let entry = payment_method::from_token(state, &ctx.space, &id, name)?;
    Ok(Some(Brought::Card(Box::new(entry))))
}

/// Attaches a source to a customer, for which a card's bank is asked. The customer's row is left alone.
///
/// # Errors
/// 402 when the bank refuses the card.
fn attach(state: &mut State, ctx: &Ctx, brought: Brought, customer: &Customer) -> Result<Source, ApiError> {
    let source = match brought {
        Brought::Card(entry) => {
            payment_method::check_attachable(&entry.card, &ctx.space)?;
            let method = payment_method::make_source(state, &ctx.space, *entry);
            Source::Card(payment_method::own(state, &ctx.cause, &method, &customer.id))
        }
        Brought::Bank(bank, token) => {
            token::spend(state, &ctx.space, &token);
            let mut bank = Bank::clone(&bank);
            if bank.id.is_empty() {
                bank.id = state.id("ba_1", 23);
            }
            Source::Bank(state.put(CustomerBank {
                id: bank.id.clone(),
                space: ctx.space.clone(),
                customer: Some(customer.id.clone()),
                bank,
            }))
        }
    };
    Ok(source)
}

/// Attaches the source that a customer is created or updated with, as its default; the row is the caller's
/// to store.
///
/// # Errors
/// 402 when the bank refuses the card.
pub fn attach_default(
    state: &mut State,
    ctx: &Ctx,
    brought: Brought,
    customer: &mut Customer,
) -> Result<Source, ApiError> {
    let source = attach(state, ctx, brought, customer)?;
    customer.default_source = Some(source.id().to_owned());
    Ok(source)
}

/// `POST /v1/customers/{id}/sources`: the first one is the default.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params, customer: &str) -> Result<Value, ApiError> {
    let old = customer::living(state, &ctx.space, customer, "customer")?;
    let name = ["source", "card", "bank_account"]
        .into_iter()
        .find(|name| params.has(name))
        .unwrap_or("source");
    let brought = read(state, ctx, &mut params, name)?;
    let brought = brought.ok_or_else(|| ApiError::missing("source"))?;
    let metadata = params.metadata()?.fresh()?;
    params.text("validate")?;
    params.finish()?;
    let mut source = attach(state, ctx, brought, &old)?;
    if !metadata.is_empty() {
        source = match source {
            Source::Card(method) => Source::Card(state.put(PaymentMethod {
                metadata,
                ..PaymentMethod::clone(&method)
            })),
            Source::Bank(bank) => {
                let mut bank = CustomerBank::clone(&bank);
                bank.bank.metadata = metadata;
                Source::Bank(state.put(bank))
            }
        };
    }
    source.emit(state, &ctx.cause, "customer.source.created", None);
    if old.default_source.is_none() {
        let customer = Customer {
            default_source: Some(source.id().to_owned()),
            ..Customer::clone(&old)
        };
        customer::changed(state, &ctx.cause, &old, customer);
    }
    Ok(source.render())
}

/// A source of a customer.
fn find(state: &State, space: &Space, customer: &str, id: &str) -> Result<Source, ApiError> {
    let card = state.get::<PaymentMethod>(space, id).map(Source::Card);
    let found = card.or_else(|_| state.get::<CustomerBank>(space, id).map(Source::Bank));
    let owner = |source: &Source| match source {
        Source::Card(method) => method.customer.clone(),
        Source::Bank(bank) => bank.customer.clone(),
    };
    found
        .ok()
        .filter(|source| owner(source).as_deref() == Some(customer))
        .ok_or_else(|| ApiError::no_such("source", id, "id"))
}

/// Whether a customer has a source.
pub fn has(state: &State, customer: &Customer, id: &str) -> bool {
    find(state, &customer.space, &customer.id, id).is_ok()
}

/// A source by its id, as the older API shows it.
pub fn shown(state: &State, space: &Space, id: &str) -> Option<Value> {
    let card = state.get::<PaymentMethod>(space, id).map(Source::Card);
    let found = card.or_else(|_| state.get::<CustomerBank>(space, id).map(Source::Bank));
    found.ok().map(|source| source.render())
}

/// `GET /v1/customers/{id}/sources/{id}`.
pub fn retrieve(
    state: &mut State,
    ctx: &Ctx,
    params: Params,
    customer: &str,
    id: &str,
) -> Result<Value, ApiError> {
    params.finish()?;
    state.get_for::<Customer>(&ctx.space, customer, "customer")?;
    Ok(find(state, &ctx.space, customer, id)?.render())
}

/// `POST /v1/customers/{id}/sources/{id}`: a card's holder and expiry, a bank account's holder, metadata.
pub fn update(
    state: &mut State,
    ctx: &Ctx,
    mut params: Params,
    customer: &str,
    id: &str,
) -> Result<Value, ApiError> {
    state.get_for::<Customer>(&ctx.space, customer, "customer")?;
    let old = find(state, &ctx.space, customer, id)?;
    let source = match &old {
        Source::Card(method) => {
            let mut method = PaymentMethod::clone(method);
            card::read_billing(&mut params, Arc::make_mut(&mut method.billing))?;
            payment_method::read_expiry(&mut params, &mut method.card)?;
            params.metadata()?.apply(&mut method.metadata)?;
            params.finish()?;
            Source::Card(state.put(method))
        }
        Source::Bank(bank) => {
            let mut bank = CustomerBank::clone(bank);
            params.update("account_holder_name")?.apply(&mut bank.bank.holder);
            if let Some(kind) = params.choice("account_holder_type", &["company", "individual"])? {
                bank.bank.holder_type = Some(kind.to_owned());
            }
            params.metadata()?.apply(&mut bank.bank.metadata)?;
            params.finish()?;
            Source::Bank(state.put(bank))
        }
    };
    let before = old.render();
    source.emit(state, &ctx.cause, "customer.source.updated", Some(&before));
    Ok(source.render())
}

/// `DELETE /v1/customers/{id}/sources/{id}`: another card becomes the default, the newest there is.
pub fn delete(
    state: &mut State,
    ctx: &Ctx,
    params: Params,
    customer: &str,
    id: &str,
) -> Result<Value, ApiError> {
    params.finish()?;
    let old = customer::living(state, &ctx.space, customer, "customer")?;
    let source = find(state, &ctx.space, customer, id)?;
    source.emit(state, &ctx.cause, "customer.source.deleted", None);
    match &source {
        Source::Card(method) => drop(state.put(PaymentMethod {
            customer: None,
            spent: true,
            ..PaymentMethod::clone(method)
        })),
        Source::Bank(bank) => drop(state.put(CustomerBank {
            customer: None,
            ..CustomerBank::clone(bank)
        })),
    }
    if old.default_source.as_deref() == Some(id) {
        let next = all(state, &old).into_iter().next();
        let customer = Customer {
            default_source: next.map(|source| source.id().to_owned()),
            ..Customer::clone(&old)
        };
        customer::changed(state, &ctx.cause, &old, customer);
    }
    Ok(json!({ "id": id, "object": source.kind(), "deleted": true }))
}

/// A customer's sources, newest first, cards before bank accounts.
fn all(state: &State, customer: &Customer) -> Vec<Source> {
    let cards = state
        .of::<PaymentMethod>(&customer.space)
        .rev()
        .filter(|method| method.customer.as_ref() == Some(&customer.id) && method.id.starts_with("card_"))
        .map(|method| Source::Card(Arc::clone(method)));
    let banks = state
        .of::<CustomerBank>(&customer.space)
        .rev()
        .filter(|bank| bank.customer.as_ref() == Some(&customer.id))
        .map(|bank| Source::Bank(Arc::clone(bank)));
    cards.chain(banks).collect()
}

/// The `sources` of a customer, as `expand` shows them.
pub fn of_customer(state: &State, customer: &Customer) -> Value {
    let all = all(state, customer);
    json!({
        "object": "list", "data": all.iter().take(10).map(Source::render).collect::<Vec<_>>(),
        "has_more": all.len() > 10, "total_count": all.len(),
        "url": format!("/v1/customers/{}/sources", customer.id),
    })
}

/// `GET /v1/customers/{id}/sources`, by `object`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params, customer: &str) -> Result<Value, ApiError> {
    let customer = customer::living(state, &ctx.space, customer, "customer")?;
    let object = params.text("object")?;
    let page = Page::read(&mut params)?;
    params.finish()?;
    let all = all(state, &customer).into_iter();
    let wanted: Vec<Source> = all
        .filter(|source| object.as_ref().is_none_or(|object| object == source.kind()))
        .collect();
    let url = format!("/v1/customers/{}/sources", customer.id);
    page.of(&wanted, &url, Source::id, Source::render)
}

/// `POST /v1/customers/{id}/sources/{id}/verify`: by the two amounts that the account received.
pub fn verify(
    state: &mut State,
    ctx: &Ctx,
    mut params: Params,
    customer: &str,
    id: &str,
) -> Result<Value, ApiError> {
    let Source::Bank(old) = find(state, &ctx.space, customer, id)? else {
        return Err(ApiError::invalid("Only a bank account can be verified."));
    };
    let amounts = params.texts("amounts")?.unwrap_or_default();
    params.finish()?;
    if amounts.len() != 2 {
        let message = "You must provide exactly two amounts to verify a bank account.";
        return Err(ApiError::invalid(message).param("amounts"));
    }
    if old.bank.status == "verified" {
        let message = "This bank account has already been verified.";
        return Err(ApiError::invalid(message).code("bank_account_verification_failed"));
    }
    if amounts != MICRODEPOSITS {
        let message = "The amounts provided do not match the amounts that were sent to the bank account.";
        return Err(ApiError::invalid(message)
            .code("bank_account_verification_failed")
            .status(402)
            .saved());
    }
    let mut bank = CustomerBank::clone(&old);
    bank.bank.status = "verified".into();
    let source = Source::Bank(state.put(bank));
    source.emit(state, &ctx.cause, "customer.source.updated", Some(&old.render()));
    Ok(source.render())
}

/// The card that a charge of a customer takes: the default source, or the one named.
///
/// # Errors
/// 402 `missing` when the customer has none; 404 for a source that is not the customer's.
pub fn chargeable(state: &State, customer: &Customer, named: Option<&str>) -> Result<Named, ApiError> {
    let id = named.or(customer.default_source.as_deref());
    let Some(id) = id else {
        let mut error = ApiError::invalid("Cannot charge a customer that has no active card")
            .code("missing")
            .param("card")
            .status(402);
        error.kind = "card_error";
        return Err(error);
    };
    match find(state, &customer.space, &customer.id, id) {
        Ok(Source::Card(method)) => Ok(Named::Stored(method)),
        Ok(Source::Bank(_)) => Err(ApiError::invalid(
            "Charges of a customer's bank account are not simulated: use a card.",
        )
        .param("source")),
        Err(_) => Err(ApiError::invalid(format!(
            "Customer {} does not have a linked source with ID {id}.",
            customer.id
        ))
        .code("missing")
        .param("source")
        .status(404)),
    }
}
