//! The bank accounts and debit cards that an account is paid out to: kept inside their account, of a number
//! only the last digits and a fingerprint.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account::Account;
use crate::accounts;
use crate::api::Ctx;
use crate::connect::tell;
use crate::currency;
use crate::error::ApiError;
use crate::event::Cause;
use crate::form::Params;
use crate::ids;
use crate::payments::token::{self, Token, What};
use crate::state::{Row, Space, State};

/// A bank account, or a debit card.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bank {
    /// `ba_…` or `card_…`.
    pub id: String,
    /// Two-letter country.
    pub country: String,
    /// The currency it takes.
    pub currency: String,
    /// The last digits of its number.
    pub last4: String,
    /// Which bank.
    pub routing_number: Option<String>,
    /// Whose it is.
    pub holder: Option<String>,
    /// `individual` or `company`.
    pub holder_type: Option<String>,
    /// `checking`, `savings`, …
    pub account_type: Option<String>,
    /// Whether payouts in its currency go here.
    pub default_for_currency: bool,
    /// The same for the same number.
    pub fingerprint: String,
    /// `new`, or `errored` after a payout failed.
    pub status: String,
    /// Month and year until which a debit card is good; `None` for a bank account.
    pub card: Option<(i64, i64)>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
    /// The token that it was given as, until that is spent.
    #[serde(skip)]
    pub token: Option<String>,
}

/// Stripe's test numbers that tokens stand for.
const TEST_TOKENS: [(&str, &str); 7] = [
    ("btok_us", "000123456789"),
    ("btok_us_verified", "000123456789"),
    ("btok_us_verified_noAccount", "000111111116"),
    ("btok_us_verified_accountClosed", "000111111113"),
    ("btok_us_verified_insufficientFunds", "000222222227"),
    ("btok_us_verified_debitNotAuthorized", "000333333335"),
    ("btok_us_verified_invalidCurrency", "000444444440"),
];

impl Bank {
    /// What `status` says after a payout failed: nothing is sent there by itself any more.
    pub const ERRORED: &str = "errored";

    /// Reads the parameter `name`: a token or a map. The id is still to be given.
    ///
    /// # Errors
    /// 400 for a malformed or unknown parameter; `None` when it is not there.
    pub fn take(state: &State, params: &mut Params, name: &str) -> Result<Option<Bank>, ApiError> {
        if let Ok(Some(_)) = params.clone().map(name) {
            return params.map(name)?.map(|map| Bank::read(state, map)).transpose();
        }
        let Some(token) = params.text(name)? else {
            return Ok(None);
        };
        let missing = || ApiError::no_such("token", &token, &params.name(name)).status(400);
        if let "tok_visa_debit" | "tok_mastercard_debit" = token.as_str() {
            return Ok(Some(Bank::debit_card(
                "4000056655665556",
                12,
                2034,
                state.settings.seed,
            )));
        }
        if let Some(known) = Token::table(state).anywhere(&token) {
            let unused = token::unused(state, &known.space, &token, name)?;
            return match &unused.what {
                What::Bank(bank) => Ok(Some(Bank {
                    id: String::new(),
                    token: Some(token),
                    ..Bank::clone(bank)
                })),
                _ => Err(missing()),
            };
        }
        let known = TEST_TOKENS.iter().find(|(known, _)| *known == token);
        let (_, number) = known.ok_or_else(missing)?;
        Ok(Some(Bank {
            routing_number: Some("110000000".into()),
            ..Bank::numbered(state.settings.seed, number, "US", "usd")
        }))
    }

    /// Reads a bank account or a debit card from its numbers. The id is still to be given.
    ///
    /// # Errors
    /// 400 for a malformed or unknown parameter, or a number that is none.
    pub fn read(state: &State, mut params: Params) -> Result<Bank, ApiError> {
        let seed = state.settings.seed;
        if params.choice("object", &["bank_account", "card"])? == Some("card") {
            let number = params.required("number")?;
            let part = |params: &mut Params, name: &str| {
                params
                    .integer(name)?
                    .ok_or_else(|| ApiError::missing(&params.name(name)))
            };
            let (month, year) = (part(&mut params, "exp_month")?, part(&mut params, "exp_year")?);
            let mut card = Bank::debit_card(&number, month, year, seed);
            if let Some(currency) = params.text("currency")? {
                card.currency = currency::parse(&currency)?;
            }
            card.holder = params.text("name")?;
            params.text("cvc")?;
            params.finish()?;
            return Ok(card);
        }
        let number = params.required("account_number")?;
        let country = params.required("country")?.to_ascii_uppercase();
        let currency = currency::parse(&params.required("currency")?)?;
        let routing_number = params.text("routing_number")?;
        check_numbers(&params, &country, &number, routing_number.as_deref())?;
        let bank = Bank {
            routing_number,
            holder: params.text("account_holder_name")?,
            holder_type: params
                .choice("account_holder_type", &["company", "individual"])?
                .map(str::to_owned),
            account_type: params
                .choice("account_type", &["checking", "futsu", "savings", "toza"])?
                .map(str::to_owned),
            ..Bank::numbered(seed, &number, &country, &currency)
        };
        params.finish()?;
        Ok(bank)
    }

    /// A bank account with a number.
    pub fn numbered(seed: u64, number: &str, country: &str, currency: &str) -> Bank {
        let digits: Vec<char> = number.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
        Bank {
            country: country.to_owned(),
            currency: currency.to_owned(),
            last4: digits[digits.len().saturating_sub(4)..].iter().collect(),
            fingerprint: ids::fingerprint(seed, number),
            status: "new".into(),
            ..Bank::default()
        }
    }

    fn debit_card(number: &str, month: i64, year: i64, seed: u64) -> Bank {
        Bank {
            card: Some((month, year)),
            ..Bank::numbered(seed, number, "US", "usd")
        }
    }

    /// `bank_account` or `card`.
    pub fn object(&self) -> &'static str {
        if self.card.is_some() {
            "card"
        } else {
            "bank_account"
        }
    }

    /// As Stripe writes it.
    pub fn render(&self, account: &str) -> Value {
        if let Some((month, year)) = self.card {
            return json!({
                "id": self.id, "object": "card", "account": account, "address_city": null,
                "address_country": null, "address_line1": null, "address_line1_check": null,
                "address_line2": null, "address_state": null, "address_zip": null,
                "address_zip_check": null, "available_payout_methods": ["standard", "instant"],
                "brand": "Visa", "country": self.country, "currency": self.currency, "cvc_check": null,
                "default_for_currency": self.default_for_currency, "dynamic_last4": null,
                "exp_month": month, "exp_year": year, "fingerprint": self.fingerprint, "funding": "debit",
                "last4": self.last4, "metadata": self.metadata, "name": self.holder,
                "regulated_status": null, "status": self.status, "tokenization_method": null,
            });
        }
        let nothing =
            json!({ "currently_due": [], "errors": [], "past_due": [], "pending_verification": [] });
        let methods: &[&str] = if self.country == "US" {
            &["standard", "instant"]
        } else {
            &["standard"]
        };
        json!({
            "id": self.id, "object": "bank_account", "account": account, "account_holder_name": self.holder,
            "account_holder_type": self.holder_type, "account_type": self.account_type,
            "available_payout_methods": methods, "bank_name": "STRIPE TEST BANK", "country": self.country,
            "currency": self.currency, "default_for_currency": self.default_for_currency,
            "fingerprint": self.fingerprint, "future_requirements": nothing, "last4": self.last4,
            "metadata": self.metadata, "requirements": nothing, "routing_number": self.routing_number,
            "status": self.status,
        })
    }
}

/// The numbers as far as Stripe's test mode looks at them.
fn check_numbers(
    params: &Params,
    country: &str,
    number: &str,
    routing: Option<&str>,
) -> Result<(), ApiError> {
    let american = country == "US";
    let sound = !number.is_empty()
        && number.len() <= 34
        && number
            .bytes()
            .all(|b| b.is_ascii_digit() || !american && (b.is_ascii_alphanumeric() || b == b' '));
    if !sound {
        let error = ApiError::invalid("You must provide a valid bank account number.");
        return Err(error
            .code("account_number_invalid")
            .param(params.name("account_number")));
    }
    let wrong = |message: &str| {
        let error = ApiError::invalid(message).code("routing_number_invalid");
        Err(error.param(params.name("routing_number")))
    };
    match routing {
        None if american => Err(ApiError::missing(&params.name("routing_number"))),
        Some(routing) if american && routing.len() != 9 => wrong("Routing number must have 9 digits"),
        Some(routing) if american && routing.bytes().any(|b| !b.is_ascii_digit()) => {
            wrong("Routing number must have 9 digits")
        }
        _ => Ok(()),
    }
}

/// Adds one: the first of its currency is its default, and a new default takes the place of the old.
pub fn add(account: &mut Account, mut bank: Bank, default: bool) -> Arc<Bank> {
    let same = |other: &Arc<Bank>| other.currency == bank.currency;
    bank.default_for_currency = default || !account.banks.iter().any(same);
    if bank.default_for_currency {
        undefault(account, &bank.currency);
    }
    let bank = Arc::new(bank);
    account.banks.push(Arc::clone(&bank));
    bank
}

/// Adds one in the place of the default of its currency, as an account's own parameter does.
pub fn replace(account: &mut Account, bank: Bank) {
    account
        .banks
        .retain(|other| other.currency != bank.currency || !other.default_for_currency);
    add(account, bank, true);
}

fn undefault(account: &mut Account, currency: &str) {
    let defaults = account.banks.iter_mut().filter(|bank| bank.currency == currency);
    for bank in defaults.filter(|bank| bank.default_for_currency) {
        Arc::make_mut(bank).default_for_currency = false;
    }
}

/// A new id for one; the token that it was given as is spent.
pub fn id(state: &mut State, bank: &Bank) -> String {
    let token = bank
        .token
        .as_ref()
        .and_then(|token| Token::table(state).anywhere(token))
        .cloned();
    if let Some(token) = token {
        token::spend(state, &token.space, &token.id);
    }
    state.id(if bank.card.is_some() { "card_1" } else { "ba_1" }, 23)
}

/// A bank sent a payout back: until its owner says it anew, Stripe pays out nothing there by itself.
pub fn errored(state: &mut State, space: &Space, id: &str) {
    let account = space.account.as_deref();
    let Some(old) = account.and_then(|id| Account::table(state).anywhere(id)).cloned() else {
        return;
    };
    let mut account = Account::clone(&old);
    if let Some(bank) = account.banks.iter_mut().find(|bank| bank.id == id) {
        Arc::make_mut(bank).status = Bank::ERRORED.into();
        tell::changed(state, &Cause::default(), &old, account);
    }
}

fn find<'a>(account: &'a Account, id: &str) -> Result<&'a Arc<Bank>, ApiError> {
    let found = account.banks.iter().find(|bank| bank.id == id);
    found.ok_or_else(|| ApiError::no_such("external account", id, "id"))
}

/// `POST /v1/accounts/{id}/external_accounts`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params, account: &str) -> Result<Value, ApiError> {
    let old = accounts::writable(state, ctx, account, "external_account")?;
    let name = if params.has("bank_account") {
        "bank_account"
    } else {
        "external_account"
    };
    let bank = Bank::take(state, &mut params, name)?;
    let mut bank = bank.ok_or_else(|| ApiError::missing(name))?;
    let default = params.boolean("default_for_currency")?.unwrap_or(false);
    bank.metadata = params.metadata()?.fresh()?;
    params.finish()?;
    bank.id = id(state, &bank);
    bank.token = None;
    let mut account = Account::clone(&old);
    let bank = add(&mut account, bank, default);
    let account = tell::reviewed(state, &ctx.cause, &old, account);
    Ok(find(&account, &bank.id)?.render(&account.id))
}

/// `GET /v1/accounts/{id}/external_accounts/{id}`.
pub fn retrieve(
    state: &mut State,
    ctx: &Ctx,
    params: Params,
    account: &str,
    id: &str,
) -> Result<Value, ApiError> {
    params.finish()?;
    let account = accounts::visible(state, ctx, account)?;
    Ok(find(&account, id)?.render(&account.id))
}

/// `POST /v1/accounts/{id}/external_accounts/{id}`.
pub fn update(
    state: &mut State,
    ctx: &Ctx,
    mut params: Params,
    account: &str,
    id: &str,
) -> Result<Value, ApiError> {
    let old = accounts::writable(state, ctx, account, "external_account")?;
    let mut bank = Bank::clone(find(&old, id)?);
    params
        .update(if bank.card.is_some() {
            "name"
        } else {
            "account_holder_name"
        })?
        .apply(&mut bank.holder);
    if let Some((month, year)) = &mut bank.card {
        *month = params.integer("exp_month")?.unwrap_or(*month);
        *year = params.integer("exp_year")?.unwrap_or(*year);
    } else {
        params.update("account_holder_type")?.apply(&mut bank.holder_type);
        if let Some(kind) = params.choice("account_type", &["checking", "futsu", "savings", "toza"])? {
            bank.account_type = Some(kind.to_owned());
        }
    }
    let default = params.boolean("default_for_currency")?;
    params.metadata()?.apply(&mut bank.metadata)?;
    params.finish()?;
    if bank.status == Bank::ERRORED {
        bank.status = "new".into();
    }
    let mut account = Account::clone(&old);
    if default == Some(true) {
        undefault(&mut account, &bank.currency);
        bank.default_for_currency = true;
    }
    if let Some(place) = account.banks.iter_mut().find(|other| other.id == id) {
        *place = Arc::new(bank);
    }
    let account = tell::reviewed(state, &ctx.cause, &old, account);
    Ok(find(&account, id)?.render(&account.id))
}

/// `DELETE /v1/accounts/{id}/external_accounts/{id}`: never the default of the account's own currency.
pub fn delete(
    state: &mut State,
    ctx: &Ctx,
    params: Params,
    account: &str,
    id: &str,
) -> Result<Value, ApiError> {
    params.finish()?;
    let old = accounts::writable(state, ctx, account, "external_account")?;
    let bank = Arc::clone(find(&old, id)?);
    if bank.default_for_currency && bank.currency == old.default_currency {
        return Err(ApiError::invalid(
            "You cannot delete the default external account for your default currency. Please make another \
             external account the default using the `default_for_currency` param, and then delete this one.",
        ));
    }
    let mut account = Account::clone(&old);
    account.banks.retain(|other| other.id != id);
    tell::reviewed(state, &ctx.cause, &old, account);
    Ok(json!({ "id": id, "object": bank.object(), "deleted": true }))
}

/// `GET /v1/accounts/{id}/external_accounts`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params, account: &str) -> Result<Value, ApiError> {
    let account = accounts::visible(state, ctx, account)?;
    let object = params.choice("object", &["bank_account", "card"])?;
    let wanted = |bank: &&Arc<Bank>| object.is_none_or(|object| bank.object() == object);
    let all = account
        .banks
        .iter()
        .rev()
        .filter(wanted)
        .map(|bank| bank.render(&account.id));
    let url = format!("/v1/accounts/{}/external_accounts", account.id);
    crate::connect::page(params, &all.collect::<Vec<Value>>(), &url)
}
