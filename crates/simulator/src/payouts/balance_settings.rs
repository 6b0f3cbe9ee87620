//! Balance settings: when and how an account is paid out. A connected account's schedule is the one of its
//! own settings; the platform's is kept here.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account::{self, Account};
use crate::account_details::Schedule;
use crate::api::Ctx;
use crate::connect::tell;
use crate::error::ApiError;
use crate::event;
use crate::form::Params;
use crate::payouts::automatic;
use crate::state::{Object, Row, Shown, Space, State};

/// Every account has one, so its id says nothing; it is never shown.
const ID: &str = "balance_settings";

/// The settings of an account's balance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BalanceSettings {
    /// Always the same.
    pub id: String,
    /// Whose they are.
    pub space: Space,
    /// When it is paid out.
    pub schedule: Schedule,
    /// Whether it may be paid out now.
    pub payouts_enabled: bool,
    /// Whether Stripe takes what the account owes from its bank.
    pub debit_negative_balances: bool,
    /// What the bank's statement shows.
    pub statement_descriptor: Option<String>,
}

impl BalanceSettings {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let mut schedule = json!({ "interval": self.schedule.interval });
        if let Value::Object(fields) = &mut schedule {
            if self.schedule.interval == "weekly" {
                fields.insert("weekly_payout_days".into(), json!(self.schedule.weekly_days));
            }
            if self.schedule.interval == "monthly" {
                fields.insert("monthly_payout_days".into(), json!(self.schedule.monthly_days));
            }
        }
        json!({
            "object": "balance_settings", "payments": {
                "debit_negative_balances": self.debit_negative_balances,
                "payouts": {
                    "automatic_transfer_rules_by_currency": null, "minimum_balance_by_currency": null,
                    "schedule": schedule, "statement_descriptor": self.statement_descriptor,
                    "status": if self.payouts_enabled { "enabled" } else { "disabled" },
                },
                "settlement_timing": {
                    "delay_days": self.schedule.delay_days,
                    "start_of_day": { "hour": 0, "minutes": 0, "timezone": "Etc/UTC" },
                },
            },
        })
    }
}

impl Shown for BalanceSettings {
    const CHOSEN_ID: bool = true;

    fn shown(&self, _: &State) -> Value {
        self.render()
    }

    fn url(&self) -> Option<String> {
        Some("/v1/balance_settings".into())
    }
}

/// Those of a space, whether they were ever changed or not.
fn current(state: &State, space: &Space) -> Result<BalanceSettings, ApiError> {
    let account = account::of_space(state, space)?;
    let kept = BalanceSettings::table(state).at(space, ID);
    let schedule = schedule(state, space, &account);
    Ok(BalanceSettings {
        id: ID.into(),
        space: space.clone(),
        schedule,
        payouts_enabled: account.payouts_enabled,
        debit_negative_balances: true,
        statement_descriptor: kept.and_then(|kept| kept.statement_descriptor.clone()),
    })
}

/// When the account of a space is paid out; the platform is by hand, unless it says otherwise.
pub fn schedule(state: &State, space: &Space, account: &Account) -> Schedule {
    match (&space.account, BalanceSettings::table(state).at(space, ID)) {
        (Some(_), _) => account.settings.schedule.clone(),
        (None, Some(kept)) => kept.schedule.clone(),
        (None, None) => Schedule {
            interval: "manual".into(),
            ..Schedule::default()
        },
    }
}

/// How many days money waits on an account until it can be paid out.
pub fn delay_days(state: &State, space: &Space) -> i64 {
    let usual = Schedule::default().delay_days;
    match &space.account {
        Some(id) => Account::table(state)
            .at(&space.platform(), id)
            .map_or(usual, |account| account.settings.schedule.delay_days),
        None => BalanceSettings::table(state)
            .at(space, ID)
            .map_or(usual, |kept| kept.schedule.delay_days),
    }
}

/// `GET /v1/balance_settings`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(current(state, &ctx.space)?.render())
}

/// `POST /v1/balance_settings`.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let old = current(state, &ctx.space)?;
    let mut settings = old.clone();
    if let Some(mut payments) = params.map("payments")? {
        if payments.boolean("debit_negative_balances")?.is_some() {
            let message = "You cannot change debit_negative_balances for an account that is activated.";
            return Err(ApiError::invalid(message).param("payments[debit_negative_balances]"));
        }
        if let Some(mut payouts) = payments.map("payouts")? {
            payouts
                .update("statement_descriptor")?
                .apply(&mut settings.statement_descriptor);
            if let Some(given) = payouts.map("schedule")? {
                settings.schedule.update(given)?;
            }
            payouts.finish()?;
        }
        if let Some(mut timing) = payments.map("settlement_timing")? {
            settings.schedule.wait(&mut timing, "delay_days_override")?;
            timing.finish()?;
        }
        payments.finish()?;
    }
    params.finish()?;
    if let Some(id) = &ctx.space.account {
        let before = state.get::<Account>(&ctx.space.platform(), id)?;
        let mut account = Account::clone(&before);
        account.settings.schedule = settings.schedule.clone();
        tell::changed(state, &ctx.cause, &before, account);
    }
    let previous = event::previous(&old.render(), &settings.render());
    let settings = state.put(settings);
    if ctx.space.account.is_none() {
        let now_s = state.now_s();
        automatic::arrange(state, &ctx.space, now_s);
    }
    if previous.is_some() {
        let object = Object::BalanceSettings(Arc::clone(&settings));
        event::emit(state, &ctx.cause, "balance_settings.updated", object, previous);
    }
    Ok(settings.render())
}
