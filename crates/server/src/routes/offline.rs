//! The routes of money that came without Stripe.

use domain::Permission::{OfflinePaymentsWrite, PaymentsRead};

use super::Who::Key;
use super::{Route, get, post};
use crate::api::offline_payments;

/// What a tenant's software says of money that came by other ways.
pub fn all() -> Vec<Route> {
    vec![
        get(
            "/api/invoices/{id}/offline-payments",
            Key(PaymentsRead),
            offline_payments::of_invoice,
        ),
        post(
            "/api/invoices/{id}/offline-payments",
            Key(OfflinePaymentsWrite),
            offline_payments::create,
        )
        .moving_money(),
        get(
            "/api/offline-payments/{id}",
            Key(PaymentsRead),
            offline_payments::get,
        ),
        post(
            "/api/offline-payments/{id}/reverse",
            Key(OfflinePaymentsWrite),
            offline_payments::reverse,
        )
        .moving_money(),
    ]
}
