//! The control API, `/_simulator/…`, in JSON: it moves the clock, makes and changes accounts, arms faults,
//! acts as the payer, and shows what happened. It is the simulator's own; Stripe has nothing like it.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::account::{self, Account, Block, Capability, Controller};
use crate::billing::subscription_retries;
use crate::confirm::{self, Challenge};
use crate::connect::external_account::Bank;
use crate::connect::{oauth, onboarding, redirect_uris, requirements, tell};
use crate::currency;
use crate::delivery;
use crate::error::{ApiError, shortened};
use crate::event::{Cause, Event};
use crate::fault::{DeliveryEffect, Effect};
use crate::money::act;
use crate::page;
use crate::payment_intent::PaymentIntent;
use crate::payments::setup_confirm;
use crate::payments::setup_intent::SetupIntent;
use crate::payouts::{automatic, payout};
use crate::state::{Row, Space, State};
use crate::webhook_endpoint;
use crate::{EndpointConfig, Fate, Request, Response};

/// A clock moved by more than this at once is a mistake: ten years.
const ADVANCE_MAX_MS: i64 = 315_360_000_000;

/// Answers a request of the control API.
pub fn answer(state: &mut State, request: &Request, path: &str) -> Response {
    let segments: Vec<&str> = path.trim_start_matches("/_simulator/").split('/').collect();
    // A page of another origin, open in a browser on this machine, may send requests here unasked.
    let handled = if request.method == "GET" || page::own(request) {
        handled(state, request, &segments)
    } else {
        Err(ApiError::invalid("This request comes from a page that is not the simulator's own.").status(403))
    };
    let (status, value) = match handled {
        Ok(value) => (200, value),
        Err(error) => (error.status, json!({ "error": { "message": error.message } })),
    };
    let mut body = serde_json::to_vec_pretty(&value).unwrap_or_default();
    body.push(b'\n');
    let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    Response {
        status,
        headers,
        body,
        fate: Fate::Arrives,
    }
}

fn handled(state: &mut State, request: &Request, segments: &[&str]) -> Result<Value, ApiError> {
    let body = &request.body;
    match (request.method.as_str(), segments) {
        ("GET", ["state"]) => Ok(summary(state)),
        ("POST", ["clock"]) => advance(state, read(body)?),
        ("POST", ["accounts"]) => create_account(state, read(body)?),
        ("POST", ["accounts", id]) => change_account(state, id, read(body)?),
        ("POST", ["accounts", id, "onboard"]) => onboarding::control(state, id, &read(body)?),
        ("POST", ["oauth", "authorize"]) => oauth::control(state, &read(body)?),
        ("GET", ["oauth", "redirect_uris"]) => Ok(redirect_uris::shown(state)),
        ("POST", ["oauth", "redirect_uris"]) => redirect_uris::register(state, &read(body)?),
        ("POST", ["faults"]) => arm(state, read(body)?),
        ("DELETE", ["faults"]) => {
            state.faults.clear();
            Ok(state.faults.render())
        }
        ("POST", ["limiter"]) => {
            let limits = read(body)?;
            state.limiter.arm(Some(limits));
            Ok(state.limiter.render())
        }
        ("DELETE", ["limiter"]) => {
            state.limiter.arm(None);
            Ok(state.limiter.render())
        }
        ("GET", ["requests"]) => Ok(json!({ "data": state.log.render() })),
        ("GET", ["deliveries"]) => Ok(json!({ "data": state.deliveries.render() })),
        ("POST", ["deliveries", id, "resend"]) => resend_delivery(state, id),
        ("POST", ["events", id, "resend"]) => resend_event(state, id, None),
        ("POST", ["payment_intents", id, "challenge"]) => challenge(state, id, read(body)?),
        ("POST", ["setup_intents", id, "challenge"]) => challenge_setup(state, id, read(body)?),
        ("POST", ["subscriptions", id]) => subscription_retries::control(state, id, read(body)?),
        ("POST", ["payouts"]) => pay_out(state, read(body)?),
        ("POST", ["payouts", id, "fail"]) => {
            let wanted: PayoutFailure = read(body)?;
            let code = wanted.code.unwrap_or_else(|| "could_not_process".into());
            Ok(payout::fail(state, id, &code)?.render())
        }
        ("POST", ["endpoints"]) => {
            let config: EndpointConfig = read(body)?;
            Ok(json!({ "id": webhook_endpoint::configure(state, &config) }))
        }
        ("POST", further) => money(state, further, body),
        _ => Err(none()),
    }
}

fn none() -> ApiError {
    ApiError::invalid("The simulator has no such control.").status(404)
}

fn money(state: &mut State, segments: &[&str], body: &[u8]) -> Result<Value, ApiError> {
    act::control(state, segments, body).unwrap_or_else(|| Err(none()))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let text = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(text)
        .map_err(|error| ApiError::invalid(format!("The body is not what is expected: {error}")))
}

fn summary(state: &State) -> Value {
    json!({
        "api_version": crate::VERSION, "application": state.settings.application,
        "clock": {
            "now_ms": state.clock.now_ms(), "moved_ms": state.clock.moved.ms, "runs": state.clock.runs(),
        },
        "counts": state.tables.counts(), "deliveries_pending": state.deliveries.waiting().count(),
        "faults": state.faults.render(), "idempotency_keys": state.idempotency.count(),
        "limiter": state.limiter.render(), "platform_account": state.settings.platform,
        "seed": state.settings.seed,
        "steps_pending": state.schedule.steps().count(),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_ms: Option<Value>,
}

fn advance(state: &mut State, wanted: Advance) -> Result<Value, ApiError> {
    let ms = wanted.advance_ms.unwrap_or_default();
    let complaint = match (&ms, ms.as_i64()) {
        (Value::Null, _) => "it is missing: a whole number of milliseconds.".to_owned(),
        (_, Some(ms)) if ms < 0 => format!("the clock goes forwards only: {ms} would turn it back."),
        (_, Some(ms)) if ms <= ADVANCE_MAX_MS => {
            state.advance(ms);
            return Ok(json!({ "now_ms": state.clock.now_ms() }));
        }
        (Value::Number(number), _) if number.is_i64() || number.is_u64() => {
            format!("at most {ADVANCE_MAX_MS}, ten years, at once; to go further, move the clock again.")
        }
        _ => format!(
            "{} is not a whole number of milliseconds.",
            shortened(&ms.to_string())
        ),
    };
    Err(ApiError::invalid(format!("advance_ms: {complaint}")))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    country: Option<String>,
    email: Option<String>,
    business_name: Option<String>,
    #[serde(default)]
    livemode: bool,
    default_currency: Option<String>,
    /// The number of the bank account that it is paid out to.
    bank_account: Option<String>,
    /// Whether the platform has access; else it is an account that may be connected by OAuth.
    connected: Option<bool>,
}

/// An account that has been through onboarding: it can be paid at once.
fn create_account(state: &mut State, wanted: NewAccount) -> Result<Value, ApiError> {
    let country = wanted.country.unwrap_or_else(|| "US".into()).to_ascii_uppercase();
    let currency = wanted
        .default_currency
        .as_deref()
        .map(currency::parse)
        .transpose()?;
    let space = Space {
        livemode: wanted.livemode,
        account: None,
    };
    let id = state.id("acct_1", 15);
    let mut account = account::blank(id, space, state.now_s(), &country);
    account.kind = "standard".into();
    account.email = wanted.email;
    account.business_type = Some("company".into());
    account.profile.name = wanted.business_name;
    account.default_currency = currency.unwrap_or(account.default_currency);
    account.capabilities = ["card_payments", "transfers"]
        .map(|name| (name.to_owned(), Capability::Active))
        .into();
    if let Some(number) = wanted.bank_account {
        let currency = &account.default_currency;
        account.banks.push(Arc::new(Bank {
            id: state.id("ba_1", 23),
            default_for_currency: true,
            ..Bank::numbered(state.settings.seed, &number, &account.country, currency)
        }));
    }
    if wanted.connected == Some(false) {
        account.connected = false;
        account.controller = account.controller.map(|controller| Controller {
            ours: false,
            ..controller
        });
    }
    account.kept = true;
    account.linked = true;
    requirements::stand_whole(&mut account);
    Ok(state.put(account).render())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountChange {
    charges_enabled: Option<bool>,
    payouts_enabled: Option<bool>,
    details_submitted: Option<bool>,
    card_payments: Option<Capability>,
    disabled_reason: Option<String>,
    /// From now on Stripe settles other currencies in this one.
    settles: Option<crate::balance::Settles>,
    /// What a test card would do to it.
    block: Option<Block>,
}

/// What Stripe or the tenant does to an account; the platform hears of it by `account.updated`.
fn change_account(state: &mut State, id: &str, wanted: AccountChange) -> Result<Value, ApiError> {
    let found = Account::table(state).anywhere(id).cloned();
    let old = found.ok_or_else(|| ApiError::no_such("account", id, "account"))?;
    if let Some(block) = wanted.block {
        tell::took_test_card(state, &old.own_space(state), block);
        let found = Account::table(state).anywhere(id);
        return Ok(found.map(|account| account.render()).unwrap_or_default());
    }
    let mut account = Account::clone(&old);
    account.kept = true;
    account.charges_enabled = wanted.charges_enabled.unwrap_or(account.charges_enabled);
    account.payouts_enabled = wanted.payouts_enabled.unwrap_or(account.payouts_enabled);
    account.details_submitted = wanted.details_submitted.unwrap_or(account.details_submitted);
    if let Some(capability) = wanted.card_payments {
        account.capabilities.insert("card_payments".into(), capability);
    }
    account.settings.settles = wanted.settles.or(account.settings.settles.take());
    let standing = &mut account.standing;
    standing.disabled_reason = match wanted.disabled_reason {
        Some(reason) => Some(reason).filter(|reason| !reason.is_empty()),
        None if account.charges_enabled && account.payouts_enabled => None,
        None => standing
            .disabled_reason
            .take()
            .or_else(|| Some("requirements.past_due".into())),
    };
    Ok(tell::changed(state, &Cause::default(), &old, account).render())
}

/// A fault: with requests by `effect`, with deliveries by `delivery`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewFault {
    method: Option<String>,
    path: Option<String>,
    effect: Option<EffectName>,
    event: Option<String>,
    url: Option<String>,
    delivery: Option<DeliveryEffectName>,
    delay_ms: Option<u64>,
    count: Option<u64>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EffectName {
    LoseAnswer,
    Hang,
    Error500,
    Error500After,
    Error429,
    LockTimeout,
    Delay,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DeliveryEffectName {
    Drop,
    Duplicate,
    Delay,
    Reorder,
}

fn arm(state: &mut State, wanted: NewFault) -> Result<Value, ApiError> {
    let count = wanted.count.unwrap_or(1).max(1);
    let delay_ms = wanted.delay_ms;
    let delay = || delay_ms.ok_or_else(|| ApiError::invalid("delay_ms: a delay says how many milliseconds."));
    match (wanted.effect, wanted.delivery) {
        (Some(effect), None) => {
            let effect = match effect {
                EffectName::LoseAnswer => Effect::LoseAnswer,
                EffectName::Hang => Effect::Hang,
                EffectName::Error500 => Effect::Error500,
                EffectName::Error500After => Effect::Error500After,
                EffectName::Error429 => Effect::Error429,
                EffectName::LockTimeout => Effect::LockTimeout,
                EffectName::Delay => Effect::DelayMs(delay()?),
            };
            state.faults.arm(wanted.method, wanted.path, effect, count);
        }
        (None, Some(effect)) => {
            let effect = match effect {
                DeliveryEffectName::Drop => DeliveryEffect::Drop,
                DeliveryEffectName::Duplicate => DeliveryEffect::Duplicate,
                DeliveryEffectName::Delay => {
                    DeliveryEffect::DelayMs(i64::try_from(delay()?).unwrap_or(i64::MAX))
                }
                DeliveryEffectName::Reorder => DeliveryEffect::Reorder,
            };
            state.faults.arm_delivery(wanted.event, wanted.url, effect, count);
        }
        _ => {
            return Err(ApiError::invalid(
                "A fault has either an effect (on requests) or a delivery effect.",
            ));
        }
    }
    Ok(state.faults.render())
}

fn resend_delivery(state: &mut State, id: &str) -> Result<Value, ApiError> {
    let found = id
        .parse()
        .ok()
        .and_then(|number| state.deliveries.find(number))
        .cloned();
    let waiting = found.ok_or_else(|| ApiError::no_such("delivery", id, "id"))?;
    resend_event(state, &waiting.event, Some(&waiting.endpoint))
}

fn resend_event(state: &mut State, id: &str, endpoint: Option<&str>) -> Result<Value, ApiError> {
    let found = Event::table(state).anywhere(id).cloned();
    let event: Arc<Event> = found.ok_or_else(|| ApiError::no_such("event", id, "id"))?;
    Ok(json!({ "deliveries": delivery::resend(state, &event, endpoint) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChallengeDone {
    outcome: ChallengeName,
    account: Option<String>,
    livemode: Option<bool>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChallengeName {
    Complete,
    Fail,
}

impl ChallengeDone {
    /// Whether an intent of this space is meant.
    fn fits(&self, space: &Space) -> bool {
        self.account
            .as_ref()
            .is_none_or(|account| space.account.as_ref() == Some(account))
            && self.livemode.is_none_or(|livemode| space.livemode == livemode)
    }

    fn outcome(&self) -> Challenge {
        match self.outcome {
            ChallengeName::Complete => Challenge::Complete,
            ChallengeName::Fail => Challenge::Fail,
        }
    }
}

/// Acts as the holder of a card that is saved on the bank's page.
fn challenge_setup(state: &mut State, id: &str, done: ChallengeDone) -> Result<Value, ApiError> {
    let found = SetupIntent::table(state)
        .anywhere(id)
        .filter(|intent| done.fits(&intent.space));
    let intent = found
        .cloned()
        .ok_or_else(|| ApiError::no_such("setupintent", id, "intent"))?;
    Ok(setup_confirm::authenticate(state, &intent, done.outcome())?.render())
}

/// Acts as the payer on the bank's page.
fn challenge(state: &mut State, id: &str, done: ChallengeDone) -> Result<Value, ApiError> {
    let found = PaymentIntent::table(state)
        .anywhere(id)
        .filter(|intent| done.fits(&intent.space));
    let intent = found
        .cloned()
        .ok_or_else(|| ApiError::no_such("payment_intent", id, "intent"))?;
    Ok(confirm::authenticate(state, &intent, done.outcome())?.render())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AutomaticPayout {
    account: Option<String>,
    #[serde(default)]
    livemode: bool,
    currency: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PayoutFailure {
    code: Option<String>,
}

/// Pays out all that an account has available, as its schedule would.
fn pay_out(state: &mut State, wanted: AutomaticPayout) -> Result<Value, ApiError> {
    let space = Space {
        livemode: wanted.livemode,
        account: wanted.account,
    };
    let account = account::of_space(state, &space)?;
    let currency = match &wanted.currency {
        Some(currency) => currency::parse(currency)?,
        None => account.default_currency.clone(),
    };
    Ok(automatic::at_once(state, &space, &currency)?.render())
}
