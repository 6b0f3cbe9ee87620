//! Payments beside the plain course of an intent: what is held is captured or released, and cards are saved
//! for later.

use crate::payment_intents;
use crate::routes::Handler::{One, Plain, Two};
use crate::routes::{Keys, Route};

pub mod capture;
pub mod card;
pub mod card_options;
pub mod cash;
pub mod cash_balance;
pub mod challenge;
pub mod charges;
pub mod customer_balance;
pub mod debit;
pub mod direct_charge;
pub mod entry;
pub mod ephemeral_key;
pub mod funding;
pub mod mandate;
pub mod means;
pub mod on_invoices;
pub mod other_method;
pub mod outcome;
pub mod setup_attempt;
pub mod setup_confirm;
pub mod setup_intent;
pub mod setup_intents;
pub mod sources;
pub mod tax_id;
pub mod terms;
pub mod token;

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
        One(setup_confirm::confirm),
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
        One(setup_confirm::verify),
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
    Route::post("/v1/tokens", "token", Plain(token::create)).keys(Keys::Any),
    Route::get("/v1/tokens/{}", "token", One(token::retrieve)).keys(Keys::Any),
    Route::post("/v1/charges", "charge", Plain(direct_charge::create)),
    Route::get("/v1/charges", "list of charge", Plain(charges::list)),
    Route::get("/v1/charges/{}", "charge", One(charges::retrieve)),
    Route::post("/v1/charges/{}", "charge", One(charges::update)),
    Route::post("/v1/charges/{}/capture", "charge", One(direct_charge::capture)),
    Route::post("/v1/customers/{}/sources", "source", One(sources::create)),
    Route::get("/v1/customers/{}/sources", "list of source", One(sources::list)),
    Route::get("/v1/customers/{}/sources/{}", "source", Two(sources::retrieve)),
    Route::post("/v1/customers/{}/sources/{}", "source", Two(sources::update)),
    Route::delete("/v1/customers/{}/sources/{}", "source", Two(sources::delete)),
    Route::post(
        "/v1/customers/{}/sources/{}/verify",
        "source",
        Two(sources::verify),
    ),
    Route::post(
        "/v1/customers/{}/balance_transactions",
        "customer_balance_transaction",
        One(customer_balance::create),
    ),
    Route::get(
        "/v1/customers/{}/balance_transactions",
        "list of customer_balance_transaction",
        One(customer_balance::list),
    ),
    Route::get(
        "/v1/customers/{}/balance_transactions/{}",
        "customer_balance_transaction",
        Two(customer_balance::retrieve),
    ),
    Route::post(
        "/v1/customers/{}/balance_transactions/{}",
        "customer_balance_transaction",
        Two(customer_balance::update),
    ),
    Route::post("/v1/customers/{}/tax_ids", "tax_id", One(tax_id::create)),
    Route::get("/v1/customers/{}/tax_ids", "list of tax_id", One(tax_id::list)),
    Route::get("/v1/customers/{}/tax_ids/{}", "tax_id", Two(tax_id::retrieve)),
    Route::delete("/v1/customers/{}/tax_ids/{}", "tax_id", Two(tax_id::delete)),
    Route::get(
        "/v1/customers/{}/cash_balance",
        "cash_balance",
        One(cash_balance::retrieve),
    ),
    Route::post(
        "/v1/customers/{}/cash_balance",
        "cash_balance",
        One(cash_balance::update),
    ),
    Route::post(
        "/v1/payment_intents/{}/apply_customer_balance",
        "payment_intent",
        One(cash::apply),
    ),
    Route::post(
        "/v1/customers/{}/funding_instructions",
        "funding_instructions",
        One(funding::create),
    ),
    Route::post(
        "/v1/test_helpers/customers/{}/fund_cash_balance",
        "customer_cash_balance_transaction",
        One(cash::fund),
    ),
    Route::get(
        "/v1/customers/{}/cash_balance_transactions",
        "list of customer_cash_balance_transaction",
        One(cash::list),
    ),
    Route::get(
        "/v1/customers/{}/cash_balance_transactions/{}",
        "customer_cash_balance_transaction",
        Two(cash::retrieve),
    ),
    Route::post(
        "/v1/ephemeral_keys",
        "ephemeral_key",
        Plain(ephemeral_key::create),
    ),
    Route::delete(
        "/v1/ephemeral_keys/{}",
        "ephemeral_key",
        One(ephemeral_key::delete),
    ),
    Route::get("/v1/mandates/{}", "mandate", One(mandate::retrieve)),
];
