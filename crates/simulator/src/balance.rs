//! What an account holds: balance transactions and the balance, which is their sum.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account;
use crate::api::Ctx;
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::Params;
use crate::list;
use crate::payouts::payout::Payout;
use crate::payouts::{automatic, balance_settings};
use crate::schedule::{self, Step};
use crate::state::{Object, Row, Shown, Space, State, Told};

const DAY_S: i64 = 86_400;

/// A movement of money on an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BalanceTransaction {
    /// `txn_…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When, in seconds.
    pub created: i64,
    /// When the money can be paid out, in seconds.
    pub available_on: i64,
    /// Gross, in minor units.
    pub amount: i64,
    /// Currency.
    pub currency: String,
    /// What was taken off.
    pub fees: Vec<FeeDetail>,
    /// `charge` or `application_fee`.
    pub kind: Movement,
    /// The charge or fee behind it.
    pub source: String,
    /// What the source is about.
    pub description: Option<String>,
    /// By which rate another currency became this one, in millionths.
    #[serde(default)]
    pub rate_millionths: Option<i64>,
}

/// How Stripe settles what was made in another currency than the balance has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settles {
    /// The balance's currency.
    pub currency: String,
    /// What a minor unit of any other currency is in minor units of this one, in millionths.
    pub rate_millionths: i64,
}

impl Settles {
    /// So much in the balance's currency, rounded half away from zero.
    fn converted(&self, amount: i64) -> i64 {
        let exact = i128::from(amount) * i128::from(self.rate_millionths);
        let half = if amount < 0 { -500_000 } else { 500_000 };
        i64::try_from((exact + half) / 1_000_000).unwrap_or(amount)
    }
}

/// Why money moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Movement {
    /// A payment came in.
    Charge,
    /// The platform's share of one came in.
    ApplicationFee,
    /// A payment went back.
    Refund,
    /// The payer's bank did not take it.
    RefundFailure,
    /// The platform gave a share back.
    ApplicationFeeRefund,
    /// Money went on to another balance.
    Transfer,
    /// It came back from there.
    TransferRefund,
    /// Money came in from another balance.
    Payment,
    /// It went back there.
    PaymentRefund,
    /// Money went to the bank, or was taken back from there.
    Payout,
    /// The bank sent it back.
    PayoutFailure,
    /// It was called back.
    PayoutCancel,
    /// The platform added to its balance.
    Topup,
    /// A bank took a disputed payment back.
    Dispute,
    /// It returned it.
    DisputeReversal,
}

impl Movement {
    /// Its `type`, and what reports call it.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Movement::Charge => ("charge", "charge"),
            Movement::ApplicationFee => ("application_fee", "platform_earning"),
            Movement::Refund => ("refund", "refund"),
            Movement::RefundFailure => ("refund_failure", "refund_failure"),
            Movement::ApplicationFeeRefund => ("application_fee_refund", "platform_earning_refund"),
            Movement::Transfer => ("transfer", "transfer"),
            Movement::TransferRefund => ("transfer_refund", "transfer_reversal"),
            Movement::Payment => ("payment", "charge"),
            Movement::PaymentRefund => ("payment_refund", "refund"),
            Movement::Payout => ("payout", "payout"),
            Movement::PayoutFailure => ("payout_failure", "payout_reversal"),
            Movement::PayoutCancel => ("payout_cancel", "payout_reversal"),
            Movement::Topup => ("topup", "topup"),
            Movement::Dispute => ("adjustment", "dispute"),
            Movement::DisputeReversal => ("adjustment", "dispute_reversal"),
        }
    }
}

/// A part of the fee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeDetail {
    /// In minor units.
    pub amount: i64,
    /// The platform that takes it; `None` is Stripe.
    pub application: Option<String>,
}

impl BalanceTransaction {
    /// What was taken off in all.
    pub fn fee(&self) -> i64 {
        self.fees.iter().map(|fee| fee.amount).sum()
    }

    /// As Stripe writes it at a second.
    pub fn render(&self, now_s: i64) -> Value {
        let details: Vec<Value> = self
            .fees
            .iter()
            .map(|fee| {
                let (kind, text) = match fee.application {
                    Some(_) => ("application_fee", "Application fee"),
                    None if self.disputes() => ("stripe_fee", "Dispute fee"),
                    None => ("stripe_fee", "Stripe processing fees"),
                };
                json!({
                    "amount": fee.amount, "application": fee.application, "currency": self.currency,
                    "description": text, "type": kind,
                })
            })
            .collect();
        let (kind, category) = self.kind.names();
        json!({
            "id": self.id, "object": "balance_transaction", "amount": self.amount,
            "available_on": self.available_on,
            "balance_type": "payments", "created": self.created, "currency": self.currency,
            "description": self.description, "exchange_rate": self.exchange_rate(), "fee": self.fee(),
            "fee_details": details,
            "net": self.amount - self.fee(), "reporting_category": category, "source": self.source,
            "status": if self.available(now_s) { "available" } else { "pending" }, "type": kind,
        })
    }

    /// Stripe writes a number; ours has at most six places.
    fn exchange_rate(&self) -> Value {
        let written = |millionths: i64| format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
        let rate = self.rate_millionths.map(written);
        rate.and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default()
    }

    fn disputes(&self) -> bool {
        matches!(self.kind, Movement::Dispute | Movement::DisputeReversal)
    }

    fn available(&self, now_s: i64) -> bool {
        now_s >= self.available_on
    }
}

impl Shown for BalanceTransaction {
    const OF_PLATFORM: bool = true;
    const EXPANDS: &'static [(&'static str, &'static str)] = &[("source", "any")];

    fn shown(&self, state: &State) -> Value {
        self.render(state.now_s())
    }
}

/// When money that came in can be paid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Available {
    /// At once.
    Now,
    /// After the days that the account's settings say.
    Later,
    /// At a second; one that is over is at once.
    At(i64),
}

/// A movement to be booked.
#[derive(Debug)]
pub struct Booking<'a> {
    /// Whose balance.
    pub space: &'a Space,
    /// Why.
    pub kind: Movement,
    /// The object behind it.
    pub source: &'a str,
    /// Gross, in minor units.
    pub amount: i64,
    /// Currency.
    pub currency: &'a str,
    /// What is taken off.
    pub fees: Vec<FeeDetail>,
    /// When the money can be paid out.
    pub available: Available,
    /// What it is about.
    pub description: Option<String>,
}

impl<'a> Booking<'a> {
    /// One without fees that is available at once.
    pub fn of(
        space: &'a Space,
        kind: Movement,
        source: &'a str,
        amount: i64,
        currency: &'a str,
    ) -> Booking<'a> {
        Booking {
            space,
            kind,
            source,
            amount,
            currency,
            fees: Vec::new(),
            available: Available::Now,
            description: None,
        }
    }
}

/// Books a movement and gives its id.
pub fn enter(state: &mut State, mut booking: Booking<'_>) -> String {
    let now_s = state.now_s();
    let account = account::of_space(state, booking.space).ok();
    let settles = account.and_then(|account| account.settings.settles.clone());
    let settles = settles.filter(|settles| settles.currency != booking.currency);
    if let Some(settles) = &settles {
        booking.amount = settles.converted(booking.amount);
        for fee in &mut booking.fees {
            fee.amount = settles.converted(fee.amount);
        }
    }
    let available_on = match booking.available {
        Available::Now => now_s,
        Available::Later => now_s + DAY_S * balance_settings::delay_days(state, booking.space),
        Available::At(second) => second.max(now_s),
    };
    let id = state.id("txn_3", 23);
    let transaction = state.put(BalanceTransaction {
        id,
        space: booking.space.clone(),
        created: now_s,
        available_on,
        amount: booking.amount,
        currency: settles
            .as_ref()
            .map_or(booking.currency, |settles| settles.currency.as_str())
            .to_owned(),
        rate_millionths: settles.as_ref().map(|settles| settles.rate_millionths),
        fees: booking.fees,
        kind: booking.kind,
        source: booking.source.to_owned(),
        description: booking.description,
    });
    if matches!(
        transaction.kind,
        Movement::Charge | Movement::Payment | Movement::ApplicationFee
    ) {
        due(state, &transaction);
    } else if transaction.amount > transaction.fee() {
        automatic::arrange(state, booking.space, transaction.available_on);
    }
    transaction.id.clone()
}

/// Books a movement; `available_now` skips the days that money waits.
#[allow(clippy::too_many_arguments, reason = "each is a column of the booking")]
pub fn book(
    state: &mut State,
    space: &Space,
    kind: Movement,
    source: &str,
    amount: i64,
    currency: &str,
    fees: Vec<FeeDetail>,
    available_now: bool,
) -> String {
    let available = if available_now {
        Available::Now
    } else {
        Available::Later
    };
    enter(
        state,
        Booking {
            fees,
            available,
            ..Booking::of(space, kind, source, amount, currency)
        },
    )
}

/// The account will hear that money is available: at once, or on the morning after, once for all of a day.
fn due(state: &mut State, transaction: &BalanceTransaction) {
    let due_ms = if transaction.available_on <= state.now_s() {
        state.own_ms()
    } else {
        (transaction.available_on.div_euclid(DAY_S) + 1) * DAY_S * 1000
    };
    schedule::once(
        state,
        due_ms,
        Step::MoneyAvailable {
            space: transaction.space.clone(),
        },
    );
}

/// Tells an account what it holds now, and lets its schedule pay it out.
pub fn tell(state: &mut State, space: &Space) {
    let Ok(balance) = shown(state, space) else { return };
    let told = Told {
        id: String::new(),
        object: "balance".into(),
        url: "/v1/balance".into(),
        space: space.clone(),
        text: balance.to_string(),
    };
    let object = Object::Told(Arc::new(told));
    event::emit(state, &Cause::default(), "balance.available", object, None);
    let now_s = state.now_s();
    automatic::arrange(state, space, now_s);
}

/// Since when the money of a movement is, or when it will be, available.
pub fn available_on(state: &State, transaction: Option<&String>) -> Available {
    let found = transaction.and_then(|id| BalanceTransaction::table(state).anywhere(id));
    found.map_or(Available::Now, |one| Available::At(one.available_on))
}

/// Makes all that an account waits for available now.
pub fn release(state: &mut State, space: &Space) {
    let now_s = state.now_s();
    let waiting: Vec<Arc<BalanceTransaction>> = state
        .of::<BalanceTransaction>(space)
        .filter(|one| !one.available(now_s))
        .cloned()
        .collect();
    for one in waiting {
        state.put(BalanceTransaction {
            available_on: now_s,
            ..BalanceTransaction::clone(&one)
        });
    }
    tell(state, space);
}

/// The movements of an account whose money is available now.
pub fn available_transactions<'a>(
    state: &'a State,
    space: &Space,
    currency: &'a str,
) -> impl Iterator<Item = &'a Arc<BalanceTransaction>> {
    let now_s = state.now_s();
    state
        .of::<BalanceTransaction>(space)
        .filter(move |one| one.currency == currency && one.available(now_s))
}

/// The currencies in which money of an account ever moved.
pub fn currencies(state: &State, space: &Space) -> BTreeSet<String> {
    let moved = state.of::<BalanceTransaction>(space);
    moved.map(|one| one.currency.clone()).collect()
}

/// What an account can pay out now, in minor units.
pub fn available(state: &State, space: &Space, currency: &str) -> i64 {
    available_transactions(state, space, currency)
        .map(|one| one.amount - one.fee())
        .sum()
}

/// `GET /v1/balance`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    shown(state, &ctx.space)
}

/// What an account holds, as Stripe writes it.
///
/// # Errors
/// 403 `account_invalid` when there is no such account.
pub fn shown(state: &State, space: &Space) -> Result<Value, ApiError> {
    let own = account::of_space(state, space)?.default_currency.clone();
    let mut sums: BTreeMap<String, (i64, i64)> = BTreeMap::from([(own, (0, 0))]);
    for transaction in state.of::<BalanceTransaction>(space) {
        let (available, pending) = sums.entry(transaction.currency.clone()).or_default();
        let net = transaction.amount - transaction.fee();
        *(if transaction.available(state.now_s()) {
            available
        } else {
            pending
        }) += net;
    }
    let entry = |currency: &String, amount: i64| {
        let source_types = json!({ "card": amount });
        json!({ "amount": amount, "currency": currency, "source_types": source_types })
    };
    let available: Vec<Value> = sums
        .iter()
        .map(|(currency, (amount, _))| entry(currency, *amount))
        .collect();
    let pending: Vec<Value> = sums
        .iter()
        .map(|(currency, (_, amount))| entry(currency, *amount))
        .collect();
    let reserved: Vec<Value> = sums
        .keys()
        .map(|currency| json!({ "amount": 0, "currency": currency }))
        .collect();
    Ok(json!({
        "object": "balance", "available": available, "connect_reserved": reserved,
        "instant_available": available,
        "livemode": space.livemode, "pending": pending, "refund_and_dispute_prefunding": {
            "available": reserved, "pending": reserved,
        },
    }))
}

/// `GET /v1/balance_transactions/{id}`.
pub fn transaction(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(state
        .get::<BalanceTransaction>(&ctx.space, id)?
        .render(state.now_s()))
}

/// `GET /v1/balance_transactions`, by `payout`, `source`, `type`, `currency` and `created`.
pub fn transactions(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let payout = params
        .text("payout")?
        .map(|id| state.get_for::<Payout>(&ctx.space, &id, "payout"))
        .transpose()
        .map_err(|error| error.status(400))?;
    let source = params.text("source")?;
    let kind = params.text("type")?;
    let currency = params.text("currency")?;
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |one: &BalanceTransaction| {
        let (name, _) = one.kind.names();
        payout
            .as_ref()
            .is_none_or(|payout| payout.balance_transaction == one.id || payout.covers.contains(&one.id))
            && source.as_ref().is_none_or(|source| one.source == *source)
            && kind.as_ref().is_none_or(|kind| kind == name)
            && currency.as_ref().is_none_or(|currency| one.currency == *currency)
            && created.holds(one.created)
    };
    let now_s = state.now_s();
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/balance_transactions",
        wanted,
        |one: &BalanceTransaction| one.render(now_s),
    )
}
