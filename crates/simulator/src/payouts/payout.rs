//! Payouts: money on its way from an account's balance to its bank. It leaves the balance at once, is on its
//! way an hour later, and arrives after two days, or comes back from one of Stripe's failing test banks.

use crate::account;
use crate::api::Ctx;
use crate::balance::{self, Movement};
use crate::connect::external_account::{self, Bank};
use crate::currency;
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::Params;
use crate::ids;
use crate::schedule::{self, Step};
use crate::state::{Object, Row, Shown, Space, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const LEAVES_AFTER_MS: i64 = 3_600_000;
const ARRIVES_AFTER_MS: i64 = 172_800_000;

/// Stripe's test banks that refuse a payout: number, code and what it says.
const FAILING: [(&str, &str, &str); 5] = [
    (
        "000111111116",
        "no_account",
        "The bank account could not be located.",
    ),
    (
        "000111111113",
        "account_closed",
        "The bank account has been closed.",
    ),
    (
        "000222222227",
        "insufficient_funds",
        "Your Stripe account has insufficient funds to cover the payout.",
    ),
    (
        "000333333335",
        "debit_not_authorized",
        "Debit transactions are not approved on your bank account.",
    ),
    (
        "000444444440",
        "invalid_currency",
        "The bank account does not take this currency.",
    ),
];

/// Where a payout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It can still be canceled.
    Pending,
    /// The bank has it.
    InTransit,
    /// Expected to be there; the bank may still send it back.
    Paid,
    /// The bank sent it back.
    Failed,
    /// It was called back.
    Canceled,
}

impl Status {
    /// In Stripe's words.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::InTransit => "in_transit",
            Status::Paid => "paid",
            Status::Failed => "failed",
            Status::Canceled => "canceled",
        }
    }
}

/// A payout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Payout {
    /// `po_…`.
    pub id: String,
    /// Whose balance it leaves.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// In minor units; below zero when it takes a payout back.
    pub amount: i64,
    /// Currency.
    pub currency: String,
    /// When it should be there, in seconds.
    pub arrival_date: i64,
    /// Whether Stripe made it, by the account's schedule.
    pub automatic: bool,
    /// The bank account, `ba_…`.
    pub destination: String,
    /// How it was booked.
    pub balance_transaction: String,
    /// Of an automatic one, the balance transactions that it pays out.
    pub covers: Vec<String>,
    /// Where it stands.
    pub status: Status,
    /// Why it failed: code and text.
    pub failure: Option<(String, String)>,
    /// How its return was booked.
    pub failure_balance_transaction: Option<String>,
    /// The payout that it takes back.
    pub original_payout: Option<String>,
    /// The payout that takes it back.
    pub reversed_by: Option<String>,
    /// `standard` or `instant`.
    pub method: String,
    /// `card`, `bank_account` or `fpx`: which part of the balance.
    pub source_type: String,
    /// The caller's description.
    pub description: Option<String>,
    /// What the bank's statement shows.
    pub statement_descriptor: Option<String>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

impl Payout {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let reconciled = match (self.automatic, self.status) {
            (false, _) => "not_applicable",
            (true, Status::Paid) => "completed",
            (true, _) => "in_progress",
        };
        let failure = self.failure.as_ref();
        json!({
            "id": self.id, "object": "payout", "amount": self.amount, "application_fee": null,
            "application_fee_amount": null, "arrival_date": self.arrival_date, "automatic": self.automatic,
            "balance_transaction": self.balance_transaction, "created": self.created,
            "currency": self.currency, "description": self.description, "destination": self.destination,
            "failure_balance_transaction": self.failure_balance_transaction,
            "failure_code": failure.map(|(code, _)| code), "failure_message": failure.map(|(_, text)| text),
            "livemode": self.space.livemode, "metadata": self.metadata, "method": self.method,
            "original_payout": self.original_payout, "payout_method": null,
            "reconciliation_status": reconciled, "reversed_by": self.reversed_by,
            "source_type": self.source_type, "statement_descriptor": self.statement_descriptor,
            "status": self.status.as_str(), "trace_id": { "status": "pending", "value": null },
            "type": "bank_account",
        })
    }
}

impl Shown for Payout {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("balance_transaction", "balance_transaction"),
        ("failure_balance_transaction", "balance_transaction"),
        ("original_payout", "payout"),
        ("reversed_by", "payout"),
    ];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

/// Tells of a payout.
pub fn tell(
    state: &mut State,
    cause: &Cause,
    kind: &'static str,
    payout: &Arc<Payout>,
    old: Option<&Payout>,
) {
    let previous = old.and_then(|old| event::previous(&old.render(), &payout.render()));
    event::emit(state, cause, kind, Object::Payout(Arc::clone(payout)), previous);
}

/// `POST /v1/payouts`: out of the available balance, to the default bank of the currency or a named one.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let amount = params
        .integer("amount")?
        .ok_or_else(|| ApiError::missing("amount"))?;
    if amount < 1 {
        // Stripe names the number here, as it does not elsewhere.
        let message = format!("Invalid integer: {amount}. This value must be greater than or equal to 1.");
        return Err(ApiError::invalid(message)
            .code("parameter_invalid_integer")
            .param("amount"));
    }
    let currency = currency::parse(&params.required("currency")?)?;
    let destination = params.text("destination")?;
    let method = params.choice("method", &["standard", "instant"])?;
    let source_type = params.choice("source_type", &["card", "bank_account", "fpx"])?;
    let description = params.text("description")?;
    let statement_descriptor = params.text("statement_descriptor")?;
    let metadata = params.metadata()?.fresh()?;
    params.finish()?;
    let bank = bank_for(state, &ctx.space, &currency, destination.as_deref())?;
    if method == Some("instant") && bank.card.is_none() {
        let message = "Instant payouts are not supported by this destination: it takes standard ones only.";
        return Err(ApiError::invalid(message)
            .code("instant_payouts_unsupported")
            .param("method"));
    }
    check_funds(state, &ctx.space, amount, &currency)?;
    let mut payout = blank(state, &ctx.space, amount, &currency, &bank);
    payout.method = method.unwrap_or("standard").to_owned();
    payout.source_type = source_type.unwrap_or("card").to_owned();
    payout.description = description;
    payout.statement_descriptor = statement_descriptor;
    payout.metadata = metadata;
    Ok(send(state, &ctx.cause, payout).render())
}

/// The bank account that a payout of an account goes to: the named one, or the default of the currency. The
/// platform has one bank account that takes every currency.
///
/// # Errors
/// 400 when there is none, or the account may not be paid out.
pub fn bank_for(
    state: &State,
    space: &Space,
    currency: &str,
    destination: Option<&str>,
) -> Result<Arc<Bank>, ApiError> {
    let account = account::of_space(state, space)?;
    if !account.payouts_enabled {
        let message = "Payouts are switched off for this account: see its requirements.";
        return Err(ApiError::invalid(message).code("payouts_not_allowed"));
    }
    let mut banks = account.banks.clone();
    if space.account.is_none() {
        let seed = state.settings.seed;
        banks.push(Arc::new(Bank {
            id: ids::fixed(seed, "bank", "ba_1", 23),
            default_for_currency: true,
            ..Bank::numbered(seed, "000123456789", "US", currency)
        }));
    }
    match destination {
        Some(id) => banks
            .into_iter()
            .find(|bank| bank.id == id)
            .ok_or_else(|| ApiError::no_such("external account", id, "destination").status(400)),
        None => {
            let fitting = |bank: &&Arc<Bank>| bank.currency == currency;
            let chosen = banks
                .iter()
                .filter(fitting)
                .find(|bank| bank.default_for_currency)
                .or_else(|| banks.iter().find(fitting));
            chosen.cloned().ok_or_else(|| {
                ApiError::invalid(format!(
                    "Sorry, you don't have any external accounts in that currency ({currency})."
                ))
            })
        }
    }
}

fn check_funds(state: &State, space: &Space, amount: i64, currency: &str) -> Result<(), ApiError> {
    if balance::available(state, space, currency) >= amount {
        return Ok(());
    }
    Err(ApiError::invalid(
        "You have insufficient funds in your Stripe account for this transfer. Your card balance is too low. \
         You can use the the /v1/balance endpoint to view your Stripe balance (for more details, see \
         stripe.com/docs/api#balance).",
    )
    .code("balance_insufficient"))
}

/// A payout that was not sent yet.
pub fn blank(state: &mut State, space: &Space, amount: i64, currency: &str, bank: &Bank) -> Payout {
    Payout {
        id: state.id("po_1", 23),
        space: space.clone(),
        created: state.now_s(),
        amount,
        currency: currency.to_owned(),
        arrival_date: (state.now_ms + ARRIVES_AFTER_MS).div_euclid(86_400_000) * 86_400,
        automatic: false,
        destination: bank.id.clone(),
        balance_transaction: String::new(),
        covers: Vec::new(),
        status: Status::Pending,
        failure: failure(state, &bank.fingerprint),
        failure_balance_transaction: None,
        original_payout: None,
        reversed_by: None,
        method: "standard".into(),
        source_type: "card".into(),
        description: None,
        statement_descriptor: None,
        metadata: BTreeMap::new(),
    }
}

/// What a test bank will say; it is kept out of sight until it does.
fn failure(state: &State, fingerprint: &str) -> Option<(String, String)> {
    FAILING
        .iter()
        .find(|(number, _, _)| ids::fingerprint(state.settings.seed, number) == fingerprint)
        .map(|(_, code, text)| ((*code).to_owned(), (*text).to_owned()))
}

/// Books a payout, tells of it and lets it go its way.
pub fn send(state: &mut State, cause: &Cause, mut payout: Payout) -> Arc<Payout> {
    let failure = payout.failure.take();
    payout.balance_transaction = book(state, &payout, Movement::Payout, -payout.amount);
    let payout = state.put(payout);
    tell(state, cause, "payout.created", &payout, None);
    let step = |to, failure| Step::Payout {
        payout: payout.id.clone(),
        to,
        failure,
    };
    schedule::after(state, LEAVES_AFTER_MS, step(Status::InTransit, None));
    let end = if failure.is_some() {
        Status::Failed
    } else {
        Status::Paid
    };
    schedule::after(state, ARRIVES_AFTER_MS, step(end, failure));
    payout
}

/// Books a movement of a payout.
pub fn book(state: &mut State, payout: &Payout, kind: Movement, amount: i64) -> String {
    balance::book(
        state,
        &payout.space,
        kind,
        &payout.id,
        amount,
        &payout.currency,
        Vec::new(),
        true,
    )
}

/// A payout goes on, unless it has ended otherwise.
pub fn go_on(state: &mut State, id: &str, to: Status, failure: Option<(String, String)>) {
    let Some(old) = Payout::table(state).anywhere(id).cloned() else {
        return;
    };
    let goes_on = match to {
        Status::InTransit => old.status == Status::Pending,
        Status::Paid => matches!(old.status, Status::Pending | Status::InTransit),
        // A bank may send back what had been there.
        Status::Failed => matches!(old.status, Status::Pending | Status::InTransit | Status::Paid),
        Status::Pending | Status::Canceled => false,
    };
    if !goes_on {
        return;
    }
    let mut payout = Payout::clone(&old);
    payout.status = to;
    if to == Status::Failed {
        payout.failure = failure;
        payout.failure_balance_transaction = Some(book(state, &payout, Movement::PayoutFailure, old.amount));
        external_account::errored(state, &payout.space, &payout.destination);
    }
    let payout = state.put(payout);
    let cause = Cause::default();
    tell(state, &cause, "payout.updated", &payout, Some(&old));
    match to {
        Status::Paid => {
            tell(state, &cause, "payout.paid", &payout, None);
            if payout.automatic {
                tell(state, &cause, "payout.reconciliation_completed", &payout, None);
            }
        }
        Status::Failed => tell(state, &cause, "payout.failed", &payout, None),
        Status::Pending | Status::InTransit | Status::Canceled => {}
    }
}

/// Fails a payout as its bank would, also one that was paid.
///
/// # Errors
/// 404 when there is none, 400 when it has failed already or was canceled.
pub fn fail(state: &mut State, id: &str, code: &str) -> Result<Arc<Payout>, ApiError> {
    let missing = || ApiError::no_such("payout", id, "payout");
    let old = Payout::table(state).anywhere(id).ok_or_else(missing)?;
    let ended = match old.status {
        Status::Pending | Status::InTransit | Status::Paid => None,
        Status::Failed => {
            Some("This payout has failed already: its money is back, and it cannot fail again.")
        }
        Status::Canceled => Some("This payout was canceled: no bank has it, so that it cannot fail."),
    };
    if let Some(message) = ended {
        return Err(ApiError::invalid(message));
    }
    let text = FAILING.iter().find(|(_, known, _)| *known == code);
    let text = text.map_or("The bank did not take the payout.", |(_, _, text)| text);
    go_on(
        state,
        id,
        Status::Failed,
        Some((code.to_owned(), text.to_owned())),
    );
    Payout::table(state).anywhere(id).cloned().ok_or_else(missing)
}
