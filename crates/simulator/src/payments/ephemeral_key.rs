//! Ephemeral keys: they let a customer's phone act on that customer for an hour. No request is answered by
//! one here; they are made, read back by nobody, and deleted.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Ctx;
use crate::customer;
use crate::error::ApiError;
use crate::form::Params;
use crate::state::{Shown, Space, State};

const LIFE_S: i64 = 3_600;

/// An ephemeral key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EphemeralKey {
    /// `ephkey_…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// When it ends, in seconds.
    pub expires: i64,
    /// Whom it is about.
    pub customer: String,
    /// `ek_…`; shown once.
    pub secret: String,
}

impl EphemeralKey {
    fn render(&self) -> Value {
        json!({
            "id": self.id, "object": "ephemeral_key",
            "associated_objects": [{ "id": self.customer, "type": "customer" }],
            "created": self.created, "expires": self.expires, "livemode": self.space.livemode,
        })
    }
}

impl Shown for EphemeralKey {
    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

/// `POST /v1/ephemeral_keys`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let id = params.required("customer")?;
    params.finish()?;
    let customer = customer::living(state, &ctx.space, &id, "customer").map_err(|error| error.status(400))?;
    let mode = if ctx.space.livemode { "live" } else { "test" };
    let key = EphemeralKey {
        id: state.id("ephkey_1", 23),
        space: ctx.space.clone(),
        created: state.now_s(),
        expires: state.now_s() + LIFE_S,
        customer: customer.id.clone(),
        secret: format!("ek_{mode}_{}", state.id("", 60)),
    };
    let key = state.put(key);
    let mut shown = key.render();
    shown["secret"] = key.secret.as_str().into();
    Ok(shown)
}

/// `DELETE /v1/ephemeral_keys/{id}`: it ends now.
pub fn delete(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let old = state.get::<EphemeralKey>(&ctx.space, id)?;
    if state.now_s() >= old.expires {
        return Err(ApiError::no_such("ephemeral key", id, "key"));
    }
    let key = state.put(EphemeralKey {
        expires: state.now_s(),
        ..EphemeralKey::clone(&old)
    });
    Ok(key.render())
}
