//! Mandates: a holder's consent that a bank account is debited, once or again and again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Ctx;
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::Params;
use crate::payment_method::PaymentMethod;
use crate::payments::other_method::Other;
use crate::state::{Object, Shown, Space, State};

/// How a holder consented.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// `online` or `offline`.
    pub kind: String,
    /// When, in seconds.
    pub accepted_at: i64,
    /// From where.
    pub ip_address: Option<String>,
    /// With which browser.
    pub user_agent: Option<String>,
}

impl Acceptance {
    /// Reads `mandate_data[customer_acceptance]`.
    ///
    /// # Errors
    /// 400 when something is missing or malformed.
    pub fn read(state: &State, params: &mut Params) -> Result<Option<Acceptance>, ApiError> {
        let Some(mut data) = params.map("mandate_data")? else {
            return Ok(None);
        };
        let name = data.name("customer_acceptance");
        let mut acceptance = data
            .map("customer_acceptance")?
            .ok_or_else(|| ApiError::missing(&name))?;
        data.finish()?;
        let kind = acceptance
            .choice("type", &["offline", "online"])?
            .ok_or_else(|| ApiError::missing(&acceptance.name("type")))?;
        let at = acceptance.integer("accepted_at")?;
        acceptance.map("offline")?;
        let mut read = Acceptance {
            kind: kind.to_owned(),
            accepted_at: at.unwrap_or(state.now_s()),
            ip_address: None,
            user_agent: None,
        };
        if let Some(mut online) = acceptance.map("online")? {
            read.ip_address = online.text("ip_address")?;
            read.user_agent = online.text("user_agent")?;
            // Stripe.js says that Stripe sees for itself.
            online.boolean("infer_from_client")?;
            online.finish()?;
        }
        acceptance.finish()?;
        Ok(Some(read))
    }
}

/// A mandate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mandate {
    /// `mandate_…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// How it was given.
    pub acceptance: Acceptance,
    /// What it is for.
    pub payment_method: String,
    /// The kind of it.
    pub other: Arc<Other>,
    /// What a bank calls it, where banks do.
    pub reference: Option<String>,
    /// `active`, `inactive` or `pending`.
    pub status: String,
    /// For how much, and in what, when it is for once only.
    pub single_use: Option<(i64, String)>,
    /// The account that is paid.
    pub on_behalf_of: Option<String>,
}

impl Mandate {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let given = &self.acceptance;
        let mut acceptance = json!({ "accepted_at": given.accepted_at, "type": given.kind });
        acceptance[&given.kind] = if given.kind == "online" {
            json!({ "ip_address": given.ip_address, "user_agent": given.user_agent })
        } else {
            json!({})
        };
        let kind = self.other.kind();
        let mut details = json!({ "type": kind });
        details[kind] = match &self.reference {
            Some(reference) => json!({
                "reference": reference,
                "url": format!("https://hooks.stripe.com/adapter/sepa_debit/file/{}", self.id),
            }),
            None => json!({}),
        };
        let mut mandate = json!({
            "id": self.id, "object": "mandate", "customer_acceptance": acceptance,
            "livemode": self.space.livemode, "on_behalf_of": self.on_behalf_of,
            "payment_method": self.payment_method, "payment_method_details": details,
            "status": self.status,
        });
        match &self.single_use {
            Some((amount, currency)) => {
                mandate["type"] = "single_use".into();
                mandate["single_use"] = json!({ "amount": amount, "currency": currency });
            }
            None => {
                mandate["type"] = "multi_use".into();
                mandate["multi_use"] = json!({});
            }
        }
        mandate
    }
}

impl Shown for Mandate {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[("payment_method", "payment_method")];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

/// Writes a mandate down; it is for once only when an amount is given.
pub fn make(
    state: &mut State,
    method: &PaymentMethod,
    other: &Arc<Other>,
    acceptance: &Acceptance,
    single_use: Option<(i64, String)>,
    status: &str,
) -> String {
    let id = state.id("mandate_1", 23);
    let reference = matches!(**other, Other::SepaDebit { .. }).then(|| id[10..].to_ascii_uppercase());
    let mandate = Mandate {
        id,
        space: method.space.clone(),
        acceptance: acceptance.clone(),
        payment_method: method.id.clone(),
        other: Arc::clone(other),
        reference,
        status: status.to_owned(),
        single_use,
        on_behalf_of: None,
    };
    state.put(mandate).id.clone()
}

/// The mandate under which a payment method may be debited again.
pub fn standing(state: &State, method: &PaymentMethod) -> Option<String> {
    let mut all = state.of::<Mandate>(&method.space).rev();
    all.find(|one| one.payment_method == method.id && one.single_use.is_none() && one.status == "active")
        .map(|one| one.id.clone())
}

/// Changes where a mandate stands, and tells of it.
pub fn turn(state: &mut State, cause: &Cause, space: &Space, id: &str, status: &str) {
    let Ok(old) = state.get::<Mandate>(space, id) else {
        return;
    };
    if old.status == status {
        return;
    }
    let mandate = state.put(Mandate {
        status: status.to_owned(),
        ..Mandate::clone(&old)
    });
    let previous = event::previous(&old.render(), &mandate.render());
    event::emit(
        state,
        cause,
        "mandate.updated",
        Object::Mandate(mandate),
        previous,
    );
}

/// `GET /v1/mandates/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(state.get::<Mandate>(&ctx.space, id)?.render())
}
