//! Tokens: a card, a bank account, an id number or a security code that was typed once and is used once.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::address::Billing;
use crate::api::Ctx;
use crate::connect::external_account::Bank;
use crate::customer::Customer;
use crate::error::ApiError;
use crate::form::Params;
use crate::payment_method::{self, Card, Entry, PaymentMethod};
use crate::payments::card;
use crate::state::{Shown, Space, State};

/// A token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Token {
    /// `tok_…`, `btok_…`, `pii_…` or `cvctok_…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// Whether it was used.
    pub used: bool,
    /// What it stands for.
    pub what: What,
}

/// What a token stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A card.
    Card {
        /// `card_…`.
        id: String,
        /// The card.
        card: Arc<Card>,
        /// Its holder.
        billing: Arc<Billing>,
    },
    /// A bank account.
    Bank(Arc<Bank>),
    /// A personal id number, which is not kept.
    Pii,
    /// A security code, which is not kept.
    Cvc,
}

impl Token {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let (kind, field) = match &self.what {
            What::Card { id, card, billing } => {
                let card = card::render(id, card, billing, self.space.livemode);
                ("card", Some(Value::Object(card)))
            }
            What::Bank(bank) => ("bank_account", Some(render_bank(bank))),
            What::Pii => ("pii", None),
            What::Cvc => ("cvc_update", None),
        };
        let mut token = json!({
            "id": self.id, "object": "token", "client_ip": null, "created": self.created,
            "livemode": self.space.livemode, "type": kind, "used": self.used,
        });
        if let (Some(field), Value::Object(fields)) = (field, &mut token) {
            fields.insert(kind.into(), field);
        }
        token
    }
}

/// A bank account that belongs to nobody yet.
pub fn render_bank(bank: &Bank) -> Value {
    json!({
        "id": bank.id, "object": "bank_account", "account_holder_name": bank.holder,
        "account_holder_type": bank.holder_type, "account_type": bank.account_type,
        "bank_name": "STRIPE TEST BANK", "country": bank.country, "currency": bank.currency,
        "fingerprint": bank.fingerprint, "last4": bank.last4, "metadata": bank.metadata,
        "routing_number": bank.routing_number, "status": bank.status,
    })
}

impl Shown for Token {
    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

/// `POST /v1/tokens`: of exactly one kind.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let kinds = ["card", "bank_account", "pii", "cvc_update", "customer"];
    let given: Vec<&str> = kinds.into_iter().filter(|kind| params.has(kind)).collect();
    let (prefix, what) = match given[..] {
        // A card beside a customer is one of that customer's.
        ["card", "customer"] | ["customer"] => ("tok_1", of_customer(state, ctx, &mut params)?),
        ["card"] => ("tok_1", read_card(state, ctx, &mut params)?),
        ["bank_account"] => ("btok_1", read_bank(state, &mut params)?),
        ["pii"] => ("pii_1", read_pii(&mut params)?),
        ["cvc_update"] => ("cvctok_1", read_cvc(&mut params)?),
        [] => {
            params.finish()?;
            return Err(ApiError::invalid(
                "You must supply either a card, customer, PII data, bank account, account legal entity, \
                 person or CVC to create a token.",
            )
            .code("parameter_missing"));
        }
        _ => {
            return Err(ApiError::invalid(
                "You can only create a token of one kind at a time: supply a card, a customer, PII data, a \
                 bank account or a CVC.",
            ));
        }
    };
    params.finish()?;
    let what = match what {
        What::Card { card, billing, .. } => What::Card {
            id: state.id("card_1", 23),
            card,
            billing,
        },
        What::Bank(bank) => What::Bank(Arc::new(Bank {
            id: state.id("ba_1", 23),
            ..Bank::clone(&bank)
        })),
        other => other,
    };
    let token = Token {
        id: state.id(prefix, 23),
        space: ctx.space.clone(),
        created: state.now_s(),
        used: false,
        what,
    };
    Ok(state.put(token).render())
}

fn of_entry(entry: Entry) -> What {
    What::Card {
        id: String::new(),
        card: entry.card,
        billing: entry.billing,
    }
}

fn read_card(state: &State, ctx: &Ctx, params: &mut Params) -> Result<What, ApiError> {
    let mut card = params.map("card")?.ok_or_else(|| ApiError::missing("card"))?;
    let mut entry = payment_method::typed(state, ctx, &mut card)?;
    card::read_billing(&mut card, Arc::make_mut(&mut entry.billing))?;
    card.text("currency")?;
    card.finish()?;
    Ok(of_entry(entry))
}

/// A copy of a platform customer's card, for use on the account.
fn of_customer(state: &State, ctx: &Ctx, params: &mut Params) -> Result<What, ApiError> {
    let platform = ctx.space.platform();
    let customer = params.required("customer")?;
    let customer = state
        .get_for::<Customer>(&platform, &customer, "customer")
        .map_err(|error| error.status(400))?;
    let id = params.text("card")?.or_else(|| customer.default_source.clone());
    let id = id.unwrap_or_default();
    let method = state.get_for::<PaymentMethod>(&platform, &id, "card");
    let method = method.map_err(|error| error.status(400))?;
    if method.customer.as_ref() != Some(&customer.id) {
        return Err(ApiError::no_such("card", &id, "card").status(400));
    }
    Ok(What::Card {
        id: String::new(),
        card: Arc::clone(&method.card),
        billing: Arc::clone(&method.billing),
    })
}

fn read_bank(state: &State, params: &mut Params) -> Result<What, ApiError> {
    let bank = params.map("bank_account")?;
    let bank = bank.ok_or_else(|| ApiError::missing("bank_account"))?;
    Ok(What::Bank(Arc::new(Bank::read(state, bank)?)))
}

fn read_pii(params: &mut Params) -> Result<What, ApiError> {
    let mut pii = params.map("pii")?.ok_or_else(|| ApiError::missing("pii"))?;
    pii.required("id_number")?;
    pii.finish()?;
    Ok(What::Pii)
}

fn read_cvc(params: &mut Params) -> Result<What, ApiError> {
    let mut update = params
        .map("cvc_update")?
        .ok_or_else(|| ApiError::missing("cvc_update"))?;
    let code = update.required("cvc")?;
    update.finish()?;
    if !(3..=4).contains(&code.len()) || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(payment_method::invalid_cvc());
    }
    Ok(What::Cvc)
}

/// `GET /v1/tokens/{id}`; Stripe's own test tokens read as cards.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    if let Some(entry) = payment_method::test_token(state, id) {
        let token = Token {
            id: id.to_owned(),
            space: ctx.space.clone(),
            created: state.now_s(),
            used: false,
            what: What::Card {
                id: format!("card_{}", entry.card.fingerprint),
                card: entry.card,
                billing: entry.billing,
            },
        };
        return Ok(token.render());
    }
    let token = state.get_for::<Token>(&ctx.space, id, "token");
    Ok(token.map_err(|error| error.status(400))?.render())
}

/// A token that was not used yet.
///
/// # Errors
/// 400 `resource_missing` blaming `param`, or `token_already_used`.
pub fn unused(state: &State, space: &Space, id: &str, param: &str) -> Result<Arc<Token>, ApiError> {
    let token = state.get_for::<Token>(space, id, param);
    let token = token.map_err(|error| error.status(400))?;
    if token.used {
        let message = format!("You cannot use a Stripe token more than once: {id}.");
        return Err(ApiError::invalid(message).code("token_already_used"));
    }
    Ok(token)
}

/// Writes down that a token was used.
pub fn spend(state: &mut State, space: &Space, id: &str) {
    if let Ok(token) = state.get::<Token>(space, id) {
        state.put(Token {
            used: true,
            ..Token::clone(&token)
        });
    }
}
