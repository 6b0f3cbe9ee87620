//! Application fees: the platform's share of a direct charge, an object on the platform's side that names the
//! account it was taken from.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Ctx;
use crate::balance::{self, Movement};
use crate::charge::Charge;
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::Params;
use crate::list;
use crate::money::fee_refund::FeeRefund;
use crate::state::{Object, Row, Shown, Space, State};

/// An application fee.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApplicationFee {
    /// `fee_…`.
    pub id: String,
    /// The platform's space.
    pub space: Space,
    /// When it was taken, in seconds.
    pub created: i64,
    /// In minor units.
    pub amount: i64,
    /// Currency.
    pub currency: String,
    /// The account it was taken from.
    pub account: String,
    /// The charge it is a share of.
    pub charge: String,
    /// The platform as an application.
    pub application: String,
    /// How it was booked on the platform.
    pub balance_transaction: Option<String>,
    /// The platform's charge, of which a transfer brought the money there.
    pub originating_transaction: Option<String>,
    /// What the platform gave back.
    pub refunds: Vec<Arc<FeeRefund>>,
}

impl ApplicationFee {
    /// What the platform gave back, in minor units.
    pub fn amount_refunded(&self) -> i64 {
        self.refunds.iter().map(|refund| refund.amount).sum()
    }

    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        json!({
            "id": self.id, "object": "application_fee", "account": self.account, "amount": self.amount,
            "amount_refunded": self.amount_refunded(), "application": self.application,
            "balance_transaction": self.balance_transaction, "charge": self.charge, "created": self.created,
            "currency": self.currency, "fee_source": { "charge": self.charge, "type": "charge" },
            "livemode": self.space.livemode, "originating_transaction": self.originating_transaction,
            "refunded": self.amount_refunded() == self.amount,
            "refunds": list::inside(
                self.refunds.iter().rev().map(|refund| refund.render()),
                format!("/v1/application_fees/{}/refunds", self.id),
            ),
        })
    }
}

impl Shown for ApplicationFee {
    const OF_PLATFORM: bool = true;
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("account", "account"),
        ("balance_transaction", "balance_transaction"),
        ("charge", "charge"),
        ("originating_transaction", "charge"),
        ("refunds", "list of fee_refund"),
    ];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

/// Takes the platform's share of a charge on a connected account.
pub fn take(state: &mut State, cause: &Cause, charge: &Charge, account: &str, amount: i64) -> String {
    let space = charge.space.platform();
    let id = state.id("fee_1", 23);
    let movement = Movement::ApplicationFee;
    let transaction = balance::book(
        state,
        &space,
        movement,
        &id,
        amount,
        &charge.currency,
        Vec::new(),
        false,
    );
    let fee = ApplicationFee {
        id,
        space,
        created: state.now_s(),
        amount,
        currency: charge.currency.clone(),
        account: account.to_owned(),
        charge: charge.id.clone(),
        application: state.settings.application.clone(),
        balance_transaction: Some(transaction),
        originating_transaction: None,
        refunds: Vec::new(),
    };
    let fee = state.put(fee);
    event::emit(
        state,
        cause,
        "application_fee.created",
        Object::ApplicationFee(Arc::clone(&fee)),
        None,
    );
    fee.id.clone()
}

/// Names the platform's charge that a fee comes from.
pub fn originates(state: &mut State, fee: &str, charge: &str) {
    if let Some(fee) = ApplicationFee::table(state).anywhere(fee).cloned() {
        state.put(ApplicationFee {
            originating_transaction: Some(charge.to_owned()),
            ..ApplicationFee::clone(&fee)
        });
    }
}

/// `GET /v1/application_fees/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(state.get::<ApplicationFee>(&ctx.space, id)?.render())
}

/// `GET /v1/application_fees`, by `charge` and `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let charge = params.text("charge")?;
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |fee: &ApplicationFee| {
        charge.as_ref().is_none_or(|charge| fee.charge == *charge) && created.holds(fee.created)
    };
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/application_fees",
        wanted,
        |fee: &ApplicationFee| fee.render(),
    )
}
