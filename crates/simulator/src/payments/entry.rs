//! What requests say of a card: its fields as a browser types them, a token, or the name of one that there
//! is.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::Billing;
use crate::api::Ctx;
use crate::cards::{self, Decline, TestCard};
use crate::clock;
use crate::error::{ApiError, CardRefusal};
use crate::form::Params;
use crate::ids;
use crate::payment_method::{Card, PaymentMethod, make};
use crate::payments::other_method::Other;
use crate::payments::token::{self, What};
use crate::state::{Space, State};

/// A card and its holder, read but not yet a payment method.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The card; one that says nothing when it is something else.
    pub card: Arc<Card>,
    /// What it is when it is no card.
    pub other: Option<Arc<Other>>,
    /// Its holder.
    pub billing: Arc<Billing>,
    /// See [`PaymentMethod::allow_redisplay`].
    pub allow_redisplay: String,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
    /// The token that it came in, which is used up when the card becomes a payment method.
    pub token: Option<String>,
}

/// What a `payment_method` parameter names: one that there is, or a test card that becomes one.
#[derive(Clone, Debug)]
pub enum Named {
    /// A payment method of the space.
    Stored(Arc<PaymentMethod>),
    /// A card that becomes a payment method when the request is carried out.
    Fresh(Box<Entry>),
}

impl Named {
    /// The payment method, made now when it is a fresh one.
    pub fn made(self, state: &mut State, space: &Space) -> Arc<PaymentMethod> {
        match self {
            Named::Stored(method) => method,
            Named::Fresh(entry) => make(state, space, *entry),
        }
    }
}

/// Finds what `payment_method=` names; makes nothing yet.
///
/// # Errors
/// 404/400 `resource_missing`, or 400 when it may not be used again.
pub fn named(state: &State, space: &Space, id: &str) -> Result<Named, ApiError> {
    if let Some(card) = cards::by_alias(id).filter(|_| id.starts_with("pm_card_")) {
        return Ok(Named::Fresh(Box::new(test_entry(state, card))));
    }
    if let Some(other) = Other::by_alias(state.settings.seed, id) {
        return Ok(Named::Fresh(Box::new(no_card(space, other))));
    }
    let method = state
        .get::<PaymentMethod>(space, id)
        .map_err(|error| error.status(400))?;
    method.usable()?;
    Ok(Named::Stored(method))
}

/// Reads `payment_method_data[…]`, or the same parameters of `POST /v1/payment_methods`.
///
/// # Errors
/// 400 for a kind that there is not; 402 for a raw number from a server, or a card that is none.
pub fn read(state: &State, ctx: &Ctx, params: &mut Params) -> Result<Entry, ApiError> {
    let kind = params.required("type")?;
    let mut entry = if kind == "card" {
        read_card(state, ctx, params)?
    } else {
        let seed = state.settings.seed;
        match Other::read(seed, &kind, params)? {
            Some(other) => no_card(&ctx.space, other),
            None => {
                let kind: String = kind.chars().take(40).collect();
                let message = format!("The payment method type \"{kind}\" is invalid.");
                return Err(ApiError::invalid(message).param(params.name("type")));
            }
        }
    };
    if let Some(billing) = params.map("billing_details")? {
        Arc::make_mut(&mut entry.billing).update(billing)?;
    }
    entry.metadata = params.metadata()?.fresh()?;
    if let Some(word) = params.choice("allow_redisplay", &["always", "limited", "unspecified"])? {
        entry.allow_redisplay = word.to_owned();
    }
    Ok(entry)
}

fn read_card(state: &State, ctx: &Ctx, params: &mut Params) -> Result<Entry, ApiError> {
    let mut card = params
        .map("card")?
        .ok_or_else(|| ApiError::missing(&params.name("card")))?;
    let entry = match card.text("token")? {
        Some(token) => from_token(state, &ctx.space, &token, &card.name("token"))?,
        None => typed(state, ctx, &mut card)?,
    };
    card.finish()?;
    Ok(entry)
}

fn no_card(space: &Space, other: Other) -> Entry {
    Entry {
        other: Some(Arc::new(other)),
        ..entry(Card::none(space.livemode))
    }
}

/// The card of one of Stripe's own test tokens, such as `tok_visa`.
pub fn test_token(state: &State, id: &str) -> Option<Entry> {
    cards::by_alias(id)
        .filter(|_| id.starts_with("tok_"))
        .map(|card| test_entry(state, card))
}

/// The card of a token.
///
/// # Errors
/// 400 `resource_missing` blaming `param`, or `token_already_used`.
pub fn from_token(state: &State, space: &Space, id: &str, param: &str) -> Result<Entry, ApiError> {
    if let Some(entry) = test_token(state, id) {
        return Ok(entry);
    }
    let token = token::unused(state, space, id, param)?;
    match &token.what {
        What::Card { card, billing, .. } => Ok(Entry {
            billing: Arc::clone(billing),
            token: Some(token.id.clone()),
            ..entry(Arc::clone(card))
        }),
        What::Bank(_) | What::Pii | What::Cvc => Err(ApiError::no_such("token", id, param).status(400)),
    }
}

/// A card as the browser frame reads it from its fields.
///
/// # Errors
/// 402 for a raw number from a server, or for a card that is none.
pub fn typed(state: &State, ctx: &Ctx, card: &mut Params) -> Result<Entry, ApiError> {
    if ctx.secret {
        let mut error = ApiError::invalid(
            "Sending credit card numbers directly to the Stripe API is generally unsafe. We suggest you use \
             test tokens that map to the test card you are using, see https://stripe.com/docs/testing.",
        );
        error.status = 402;
        return Err(error);
    }
    let number: String = card
        .required("number")?
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    let (month, year) = (card.integer("exp_month")?, card.integer("exp_year")?);
    let cvc = card.text("cvc")?;
    if !cards::luhn(&number) {
        return Err(refused(&cards::INCORRECT_NUMBER));
    }
    let (this_year, this_month, _) = clock::civil(state.now_ms);
    let month = month
        .filter(|month| (1..=12).contains(month))
        .ok_or_else(|| refused(&cards::INVALID_MONTH))?;
    let year = year.map(|year| if year < 100 { year + 2000 } else { year });
    let year = year
        .filter(|year| (this_year..this_year + 50).contains(year))
        .ok_or_else(|| refused(&cards::INVALID_YEAR))?;
    if (year, month) < (this_year, this_month) {
        return Err(refused(&cards::INVALID_MONTH));
    }
    let brand = cards::by_number(&number).map_or_else(|| cards::brand(&number), |card| card.brand);
    let length = if brand == "amex" { 3..=4 } else { 3..=3 };
    if cvc
        .as_ref()
        .is_some_and(|cvc| !length.contains(&cvc.len()) || !cvc.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return Err(refused(&cards::INVALID_CVC));
    }
    Ok(entry(Card {
        test: cards::by_number(&number)
            .map(|card| card.alias.to_owned())
            .unwrap_or_default(),
        brand: brand.to_owned(),
        last4: number[number.len() - 4..].to_owned(),
        exp_month: month,
        exp_year: year,
        funding: cards::by_number(&number)
            .map_or("credit", |card| card.funding)
            .to_owned(),
        fingerprint: ids::fingerprint(state.settings.seed, &number),
        cvc: cvc.is_some(),
    }))
}

/// A card of its alias, with an expiry that never comes while a test runs.
fn test_entry(state: &State, card: &TestCard) -> Entry {
    let number = if card.number.is_empty() {
        "4242"
    } else {
        card.number
    };
    entry(Card {
        test: card.alias.to_owned(),
        brand: card.brand.to_owned(),
        last4: number[number.len() - 4..].to_owned(),
        exp_month: 12,
        exp_year: clock::civil(state.now_ms).0 + 4,
        funding: card.funding.to_owned(),
        fingerprint: ids::fingerprint(
            state.settings.seed,
            if card.number.is_empty() {
                card.alias
            } else {
                number
            },
        ),
        cvc: true,
    })
}

/// A card of which only itself is known.
pub fn entry(card: impl Into<Arc<Card>>) -> Entry {
    Entry {
        card: card.into(),
        other: None,
        billing: Arc::default(),
        allow_redisplay: "unspecified".into(),
        metadata: BTreeMap::new(),
        token: None,
    }
}

/// 402 `invalid_cvc`.
pub fn invalid_cvc() -> ApiError {
    refused(&cards::INVALID_CVC)
}

/// A card error of something typed wrong: no bank was asked.
fn refused(decline: &Decline) -> ApiError {
    ApiError::declined(decline, CardRefusal::default())
}

/// Reads a new expiry.
///
/// # Errors
/// 402 for a month that is none, and a year that is over or none.
pub fn read_expiry(params: &mut Params, card: &mut Arc<Card>) -> Result<(), ApiError> {
    let (month, year) = (params.integer("exp_month")?, params.integer("exp_year")?);
    if month.is_some_and(|month| !(1..=12).contains(&month)) {
        return Err(refused(&cards::INVALID_MONTH));
    }
    let year = year.map(|year| {
        if (0..100).contains(&year) {
            year + 2000
        } else {
            year
        }
    });
    if year.is_some_and(|year| !(2000..2100).contains(&year)) {
        return Err(refused(&cards::INVALID_YEAR));
    }
    if month.is_some() || year.is_some() {
        let card = Arc::make_mut(card);
        card.exp_month = month.unwrap_or(card.exp_month);
        card.exp_year = year.unwrap_or(card.exp_year);
    }
    Ok(())
}
