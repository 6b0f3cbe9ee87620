//! Money out: payouts to an account's bank, top-ups of the platform's balance, and how an account is paid
//! out.

use crate::routes::Handler::{One, Plain};
use crate::routes::Route;

pub mod automatic;
pub mod balance_settings;
pub mod payout;
pub mod payout_requests;
pub mod topup;

/// The routes of money out.
pub static ROUTES: &[Route] = &[
    Route::post("/v1/payouts", "payout", Plain(payout::create)),
    Route::get("/v1/payouts", "list of payout", Plain(payout_requests::list)),
    Route::get("/v1/payouts/{}", "payout", One(payout_requests::retrieve)),
    Route::post("/v1/payouts/{}", "payout", One(payout_requests::update)),
    Route::post("/v1/payouts/{}/cancel", "payout", One(payout_requests::cancel)),
    Route::post("/v1/payouts/{}/reverse", "payout", One(payout_requests::reverse)),
    Route::post("/v1/topups", "topup", Plain(topup::create)),
    Route::get("/v1/topups", "list of topup", Plain(topup::list)),
    Route::get("/v1/topups/{}", "topup", One(topup::retrieve)),
    Route::post("/v1/topups/{}", "topup", One(topup::update)),
    Route::post("/v1/topups/{}/cancel", "topup", One(topup::cancel)),
    Route::get(
        "/v1/balance_settings",
        "balance_settings",
        Plain(balance_settings::retrieve),
    ),
    Route::post(
        "/v1/balance_settings",
        "balance_settings",
        Plain(balance_settings::update),
    ),
];
