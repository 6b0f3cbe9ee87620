//! Top-ups: the platform adds to its own balance from its bank. In test mode the money is there at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Ctx;
use crate::balance::{self, Movement};
use crate::currency;
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::Params;
use crate::list;
use crate::schedule::{self, Step};
use crate::state::{Object, Row, Shown, Space, State};

/// How long a top-up takes in test mode; until then it can be canceled.
const ARRIVES_AFTER_MS: i64 = 60_000;

/// A top-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Topup {
    /// `tu_…`.
    pub id: String,
    /// Whose balance grows.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// In minor units.
    pub amount: i64,
    /// Currency.
    pub currency: String,
    /// `pending`, `succeeded` or `canceled`.
    pub status: String,
    /// The source it is taken from, `src_…`.
    pub source: String,
    /// How it was booked, once it is there.
    pub balance_transaction: Option<String>,
    /// The caller's description.
    pub description: Option<String>,
    /// What the bank's statement shows.
    pub statement_descriptor: Option<String>,
    /// What transfers are grouped by.
    pub transfer_group: Option<String>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

impl Topup {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let address = json!({
            "city": null, "country": null, "line1": null, "line2": null, "postal_code": null, "state": null,
        });
        let source = json!({
            "id": self.source, "object": "source", "ach_debit": {
                "bank_name": "STRIPE TEST BANK", "country": "US", "fingerprint": "5Wh4KBcfDrz5IOnx",
                "last4": "6789", "routing_number": "110000000", "type": "individual",
            },
            "allow_redisplay": null, "amount": null,
            "client_secret": format!("src_client_secret_{}", &self.source["src_".len()..]),
            "created": self.created, "currency": self.currency, "flow": "code_verification",
            "livemode": self.space.livemode, "metadata": {}, "owner": {
                "address": null, "email": null, "name": null, "phone": null, "verified_address": address,
                "verified_email": null, "verified_name": null, "verified_phone": null,
            },
            "statement_descriptor": null, "status": "pending", "type": "ach_debit", "usage": "reusable",
        });
        json!({
            "id": self.id, "object": "topup", "amount": self.amount,
            "balance_transaction": self.balance_transaction, "created": self.created,
            "currency": self.currency, "description": self.description,
            "expected_availability_date": self.created + ARRIVES_AFTER_MS / 1000, "failure_code": null,
            "failure_message": null, "initiated_by": "api", "livemode": self.space.livemode,
            "metadata": self.metadata, "source": source, "statement_descriptor": self.statement_descriptor,
            "status": self.status, "transfer_group": self.transfer_group,
        })
    }
}

impl Shown for Topup {
    const EXPANDS: &'static [(&'static str, &'static str)] =
        &[("balance_transaction", "balance_transaction")];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

fn tell(state: &mut State, cause: &Cause, kind: &'static str, topup: &Arc<Topup>, old: Option<&Topup>) {
    let previous = old.and_then(|old| event::previous(&old.render(), &topup.render()));
    event::emit(state, cause, kind, Object::Topup(Arc::clone(topup)), previous);
}

/// `POST /v1/topups`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let amount = params
        .integer("amount")?
        .ok_or_else(|| ApiError::missing("amount"))?;
    let currency = currency::parse(&params.required("currency")?)?;
    currency::check_amount(amount, &currency)?;
    let source = params.text("source")?;
    let mut topup = Topup {
        id: String::new(),
        space: ctx.space.clone(),
        created: state.now_s(),
        amount,
        currency,
        status: "pending".into(),
        source: String::new(),
        balance_transaction: None,
        description: params.text("description")?,
        statement_descriptor: params.text("statement_descriptor")?,
        transfer_group: params.text("transfer_group")?,
        metadata: params.metadata()?.fresh()?,
    };
    params.finish()?;
    if let Some(source) = source.filter(|source| !source.starts_with("src_")) {
        return Err(ApiError::no_such("source", &source, "source").status(400));
    }
    topup.id = state.id("tu_1", 23);
    topup.source = state.id("src_1", 23);
    let topup = state.put(topup);
    tell(state, &ctx.cause, "topup.created", &topup, None);
    schedule::after(
        state,
        ARRIVES_AFTER_MS,
        Step::Topup {
            topup: topup.id.clone(),
        },
    );
    Ok(topup.render())
}

/// A top-up that was not canceled arrives.
pub fn arrive(state: &mut State, id: &str) {
    let Some(old) = Topup::table(state).anywhere(id).cloned() else {
        return;
    };
    if old.status != "pending" {
        return;
    }
    let mut topup = Topup::clone(&old);
    topup.status = "succeeded".into();
    topup.balance_transaction = Some(balance::book(
        state,
        &old.space,
        Movement::Topup,
        id,
        old.amount,
        &old.currency,
        Vec::new(),
        true,
    ));
    let topup = state.put(topup);
    tell(state, &Cause::default(), "topup.succeeded", &topup, None);
}

/// `GET /v1/topups/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(state.get::<Topup>(&ctx.space, id)?.render())
}

/// `POST /v1/topups/{id}`: description and metadata.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = state.get::<Topup>(&ctx.space, id)?;
    let mut topup = Topup::clone(&old);
    params.update("description")?.apply(&mut topup.description);
    params.metadata()?.apply(&mut topup.metadata)?;
    params.finish()?;
    Ok(state.put(topup).render())
}

/// `POST /v1/topups/{id}/cancel`: only while it is pending.
pub fn cancel(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let old = state.get::<Topup>(&ctx.space, id)?;
    if old.status != "pending" {
        let message = format!(
            "You cannot cancel this top-up: it has a status of {}, and only pending ones can be canceled.",
            old.status
        );
        return Err(ApiError::invalid(message));
    }
    let topup = state.put(Topup {
        status: "canceled".into(),
        ..Topup::clone(&old)
    });
    tell(state, &ctx.cause, "topup.canceled", &topup, None);
    Ok(topup.render())
}

/// `GET /v1/topups`, by `status`, `amount` and `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let status = params.text("status")?;
    let amount = list::Created::read_as(&mut params, "amount")?;
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |topup: &Topup| {
        status.as_ref().is_none_or(|status| topup.status == *status)
            && amount.holds(topup.amount)
            && created.holds(topup.created)
    };
    list::answer(state, &ctx.space, &page, "/v1/topups", wanted, |topup: &Topup| {
        topup.render()
    })
}
