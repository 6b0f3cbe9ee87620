//! Money back and money on: refunds, fee refunds, transfers with their reversals, and disputes.

use crate::balance;
use crate::routes::Handler::{One, Plain, Two};
use crate::routes::Route;

pub mod act;
pub mod aftermath;
pub mod dispute;
pub mod dispute_requests;
pub mod fee_refund;
pub mod file;
pub mod fraud_warning;
pub mod refund;
pub mod refund_requests;
pub mod reversal;
pub mod transfer;
pub mod transfer_requests;

/// The routes of money back and money on.
pub static ROUTES: &[Route] = &[
    Route::post("/v1/refunds", "refund", Plain(refund_requests::create)),
    Route::get("/v1/refunds", "list of refund", Plain(refund_requests::list)),
    Route::get("/v1/refunds/{}", "refund", One(refund_requests::retrieve)),
    Route::post("/v1/refunds/{}", "refund", One(refund_requests::update)),
    Route::post("/v1/refunds/{}/cancel", "refund", One(refund_requests::cancel)),
    Route::post(
        "/v1/test_helpers/refunds/{}/expire",
        "refund",
        One(refund_requests::expire),
    ),
    Route::get(
        "/v1/charges/{}/refunds",
        "list of refund",
        One(refund_requests::list_of),
    ),
    Route::post(
        "/v1/charges/{}/refunds",
        "refund",
        One(refund_requests::create_of),
    ),
    Route::get(
        "/v1/charges/{}/refunds/{}",
        "refund",
        Two(refund_requests::retrieve_of),
    ),
    Route::post(
        "/v1/charges/{}/refund",
        "charge",
        One(refund_requests::refund_charge),
    ),
    Route::post(
        "/v1/application_fees/{}/refunds",
        "fee_refund",
        One(fee_refund::create),
    ),
    Route::get(
        "/v1/application_fees/{}/refunds",
        "list of fee_refund",
        One(fee_refund::list),
    ),
    Route::get(
        "/v1/application_fees/{}/refunds/{}",
        "fee_refund",
        Two(fee_refund::retrieve),
    ),
    Route::post(
        "/v1/application_fees/{}/refunds/{}",
        "fee_refund",
        Two(fee_refund::update),
    ),
    Route::post("/v1/transfers", "transfer", Plain(transfer_requests::create)),
    Route::get(
        "/v1/transfers",
        "list of transfer",
        Plain(transfer_requests::list),
    ),
    Route::get("/v1/transfers/{}", "transfer", One(transfer_requests::retrieve)),
    Route::post("/v1/transfers/{}", "transfer", One(transfer_requests::update)),
    Route::post(
        "/v1/transfers/{}/reversals",
        "transfer_reversal",
        One(reversal::create),
    ),
    Route::get(
        "/v1/transfers/{}/reversals",
        "list of transfer_reversal",
        One(reversal::list),
    ),
    Route::get(
        "/v1/transfers/{}/reversals/{}",
        "transfer_reversal",
        Two(reversal::retrieve),
    ),
    Route::post(
        "/v1/transfers/{}/reversals/{}",
        "transfer_reversal",
        Two(reversal::update),
    ),
    Route::post(
        "/v1/charges/{}/refunds/{}",
        "refund",
        Two(refund_requests::update_of),
    ),
    Route::post(
        "/v1/application_fees/{}/refund",
        "application_fee",
        One(fee_refund::refund_fee),
    ),
    Route::post("/v1/files", "file", Plain(file::create)),
    Route::get("/v1/files", "list of file", Plain(file::list)),
    Route::get("/v1/files/{}", "file", One(file::retrieve)),
    Route::get("/v1/disputes", "list of dispute", Plain(dispute_requests::list)),
    Route::get("/v1/disputes/{}", "dispute", One(dispute_requests::retrieve)),
    Route::post("/v1/disputes/{}", "dispute", One(dispute_requests::update)),
    Route::post("/v1/disputes/{}/close", "dispute", One(dispute_requests::close)),
    Route::get(
        "/v1/radar/early_fraud_warnings",
        "list of radar.early_fraud_warning",
        Plain(fraud_warning::list),
    ),
    Route::get(
        "/v1/radar/early_fraud_warnings/{}",
        "radar.early_fraud_warning",
        One(fraud_warning::retrieve),
    ),
    Route::get(
        "/v1/balance/history",
        "list of balance_transaction",
        Plain(balance::transactions),
    ),
    Route::get(
        "/v1/balance/history/{}",
        "balance_transaction",
        One(balance::transaction),
    ),
];
