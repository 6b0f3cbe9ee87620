//! Early fraud warnings: a bank says that a payment may be fraud, before its holder disputes it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Ctx;
use crate::charge::Charge;
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::Params;
use crate::list;
use crate::state::{Object, Row, Shown, Space, State};

/// A warning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FraudWarning {
    /// `issfr_…`.
    pub id: String,
    /// Where the charge lives.
    pub space: Space,
    /// When it came, in seconds.
    pub created: i64,
    /// The charge.
    pub charge: String,
    /// The charge's intent.
    pub payment_intent: Option<String>,
    /// Whether a refund would still prevent a dispute.
    pub actionable: bool,
}

impl FraudWarning {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        json!({
            "id": self.id, "object": "radar.early_fraud_warning", "actionable": self.actionable,
            "charge": self.charge, "created": self.created, "fraud_type": "misc",
            "livemode": self.space.livemode, "payment_intent": self.payment_intent,
        })
    }
}

impl Shown for FraudWarning {
    const EXPANDS: &'static [(&'static str, &'static str)] =
        &[("charge", "charge"), ("payment_intent", "payment_intent")];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

/// A bank warns of a charge.
pub fn issue(state: &mut State, charge: &Charge) -> Arc<FraudWarning> {
    let warning = FraudWarning {
        id: state.id("issfr_1", 23),
        space: charge.space.clone(),
        created: state.now_s(),
        charge: charge.id.clone(),
        payment_intent: charge.payment_intent.clone(),
        actionable: !charge.disputed && charge.refundable() > 0,
    };
    let warning = state.put(warning);
    let object = Object::FraudWarning(Arc::clone(&warning));
    let kind = "radar.early_fraud_warning.created";
    event::emit(state, &Cause::default(), kind, object, None);
    warning
}

/// A charge was refunded or disputed: when nothing can be done about it any more, its warnings say so.
pub fn settle(state: &mut State, charge: &str) {
    let Some(charge) = Charge::table(state).anywhere(charge).cloned() else {
        return;
    };
    if !charge.disputed && charge.refundable() > 0 {
        return;
    }
    let open: Vec<Arc<FraudWarning>> = state
        .of::<FraudWarning>(&charge.space)
        .filter(|warning| warning.charge == charge.id && warning.actionable)
        .cloned()
        .collect();
    for old in open {
        let warning = state.put(FraudWarning {
            actionable: false,
            ..FraudWarning::clone(&old)
        });
        let previous = event::previous(&old.render(), &warning.render());
        let kind = "radar.early_fraud_warning.updated";
        let object = Object::FraudWarning(warning);
        event::emit(state, &Cause::default(), kind, object, previous);
    }
}

/// `GET /v1/radar/early_fraud_warnings/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(state.get::<FraudWarning>(&ctx.space, id)?.render())
}

/// `GET /v1/radar/early_fraud_warnings`, by `charge`, `payment_intent` and `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let charge = params.text("charge")?;
    let intent = params.text("payment_intent")?;
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |warning: &FraudWarning| {
        charge.as_ref().is_none_or(|charge| warning.charge == *charge)
            && intent
                .as_ref()
                .is_none_or(|intent| warning.payment_intent.as_ref() == Some(intent))
            && created.holds(warning.created)
    };
    let url = "/v1/radar/early_fraud_warnings";
    list::answer(state, &ctx.space, &page, url, wanted, |warning: &FraudWarning| {
        warning.render()
    })
}
