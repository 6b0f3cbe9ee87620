//! Payments beside the plain course of an intent: what is held is captured or released.

use crate::routes::Handler::One;
use crate::routes::Route;

pub mod capture;
pub mod means;
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
];
