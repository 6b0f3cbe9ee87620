//! Payments beside the plain course of an intent: what is held is captured or released, and cards are saved
//! for later.

use serde_json::Value;

use crate::api::Ctx;
use crate::error::ApiError;
use crate::form::Params;
use crate::payment_intents;
use crate::routes::Handler::{One, Plain};
use crate::routes::{Keys, Route};
use crate::state::State;

pub mod capture;
pub mod challenge;
pub mod means;
pub mod setup_attempt;
pub mod setup_intent;
pub mod setup_intents;
pub mod terms;

/// The routes of this family.
pub static ROUTES: &[Route] = &[
    Route::post(
        "/v1/payment_intents/{}/capture",
        "payment_intent",
        One(capture::capture),
    ),
    Route::post(
        "/v1/payment_intents/{}/increment_authorization",
        "payment_intent",
        One(capture::increment),
    ),
    Route::post("/v1/setup_intents", "setup_intent", Plain(setup_intents::create)),
    Route::get(
        "/v1/setup_intents",
        "list of setup_intent",
        Plain(setup_intents::list),
    ),
    Route::get(
        "/v1/setup_intents/{}",
        "setup_intent",
        One(setup_intents::retrieve),
    )
    .keys(Keys::Any),
    Route::post("/v1/setup_intents/{}", "setup_intent", One(setup_intents::update)),
    Route::post(
        "/v1/setup_intents/{}/confirm",
        "setup_intent",
        One(setup_intents::confirm),
    )
    .keys(Keys::Any),
    Route::post(
        "/v1/setup_intents/{}/cancel",
        "setup_intent",
        One(setup_intents::cancel),
    ),
    Route::post(
        "/v1/setup_intents/{}/verify_microdeposits",
        "setup_intent",
        One(setup_intents::verify),
    )
    .keys(Keys::Any),
    Route::post(
        "/v1/payment_intents/{}/verify_microdeposits",
        "payment_intent",
        One(payment_intents::verify),
    )
    .keys(Keys::Any),
    Route::get(
        "/v1/setup_attempts",
        "list of setup_attempt",
        Plain(setup_attempt::list),
    ),
    Route::get("/v1/mandates/{}", "mandate", One(no_mandate)),
];

/// `GET /v1/mandates/{id}`: payments by card have none.
fn no_mandate(_: &mut State, _: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Err(ApiError::no_such("mandate", id, "mandate"))
}
