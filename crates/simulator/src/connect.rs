//! Connect: accounts and what hangs on them, onboarding, OAuth, and the domains that wallets need.

use serde_json::Value;

use crate::accounts;
use crate::error::ApiError;
use crate::form::Params;
use crate::list;
use crate::routes::Handler::{One, Plain, Two};
use crate::routes::Route;

pub mod account_link;
pub mod capability;
pub mod company;
pub mod country_spec;
pub mod descriptor;
pub mod destination;
pub mod domain;
pub mod external_account;
pub mod hosted;
pub mod oauth;
mod oauth_page;
pub mod onboarding;
pub mod person;
pub mod persons;
pub mod redirect_uris;
pub mod requirements;
pub mod tell;
pub mod v2;
mod v2_accounts;

/// The routes of Connect.
pub static ROUTES: &[Route] = &[
    Route::get("/v1/account", "account", Plain(accounts::own)),
    Route::get(
        "/v1/country_specs",
        "list of country_spec",
        Plain(country_spec::list),
    ),
    Route::get(
        "/v1/country_specs/{}",
        "country_spec",
        One(country_spec::retrieve),
    ),
    Route::post("/v1/accounts", "account", Plain(accounts::create)),
    Route::get("/v1/accounts", "list of account", Plain(accounts::list)),
    Route::get("/v1/accounts/{}", "account", One(accounts::retrieve)),
    Route::post("/v1/accounts/{}", "account", One(accounts::update)),
    Route::delete("/v1/accounts/{}", "account", One(accounts::delete)),
    Route::post("/v1/accounts/{}/reject", "account", One(accounts::reject)),
    Route::post("/v1/accounts/{}/unreject", "account", One(accounts::unreject)),
    Route::get(
        "/v1/accounts/{}/capabilities",
        "list of capability",
        One(capability::list),
    ),
    Route::get(
        "/v1/accounts/{}/capabilities/{}",
        "capability",
        Two(capability::retrieve),
    ),
    Route::post(
        "/v1/accounts/{}/capabilities/{}",
        "capability",
        Two(capability::update),
    ),
    Route::get("/v1/accounts/{}/persons", "list of person", One(persons::list)),
    Route::post("/v1/accounts/{}/persons", "person", One(persons::create)),
    Route::get("/v1/accounts/{}/persons/{}", "person", Two(persons::retrieve)),
    Route::post("/v1/accounts/{}/persons/{}", "person", Two(persons::update)),
    Route::delete("/v1/accounts/{}/persons/{}", "person", Two(persons::delete)),
    Route::get(
        "/v1/accounts/{}/external_accounts",
        "list of external_account",
        One(external_account::list),
    ),
    Route::post(
        "/v1/accounts/{}/external_accounts",
        "external_account",
        One(external_account::create),
    ),
    Route::get(
        "/v1/accounts/{}/external_accounts/{}",
        "external_account",
        Two(external_account::retrieve),
    ),
    Route::post(
        "/v1/accounts/{}/external_accounts/{}",
        "external_account",
        Two(external_account::update),
    ),
    Route::delete(
        "/v1/accounts/{}/external_accounts/{}",
        "external_account",
        Two(external_account::delete),
    ),
    Route::get(
        "/v1/accounts/{}/bank_accounts",
        "list of external_account",
        One(external_account::list),
    ),
    Route::post(
        "/v1/accounts/{}/bank_accounts",
        "external_account",
        One(external_account::create),
    ),
    Route::get(
        "/v1/accounts/{}/bank_accounts/{}",
        "external_account",
        Two(external_account::retrieve),
    ),
    Route::post(
        "/v1/accounts/{}/bank_accounts/{}",
        "external_account",
        Two(external_account::update),
    ),
    Route::delete(
        "/v1/accounts/{}/bank_accounts/{}",
        "external_account",
        Two(external_account::delete),
    ),
    Route::post(
        "/v1/accounts/{}/login_links",
        "login_link",
        One(account_link::login),
    ),
    Route::post("/v1/account_links", "account_link", Plain(account_link::create)),
    Route::post(
        "/v1/account_sessions",
        "account_session",
        Plain(account_link::session),
    ),
    Route::post(
        "/v1/payment_method_domains",
        "payment_method_domain",
        Plain(domain::create),
    ),
    Route::get(
        "/v1/payment_method_domains",
        "list of payment_method_domain",
        Plain(domain::list),
    ),
    Route::get(
        "/v1/payment_method_domains/{}",
        "payment_method_domain",
        One(domain::retrieve),
    ),
    Route::post(
        "/v1/payment_method_domains/{}",
        "payment_method_domain",
        One(domain::update),
    ),
    Route::post(
        "/v1/payment_method_domains/{}/validate",
        "payment_method_domain",
        One(domain::retrieve),
    ),
    Route::post(
        "/v1/apple_pay/domains",
        "apple_pay_domain",
        Plain(domain::create_apple),
    ),
    Route::get(
        "/v1/apple_pay/domains",
        "list of apple_pay_domain",
        Plain(domain::list_apple),
    ),
    Route::get(
        "/v1/apple_pay/domains/{}",
        "apple_pay_domain",
        One(domain::retrieve_apple),
    ),
    Route::delete(
        "/v1/apple_pay/domains/{}",
        "apple_pay_domain",
        One(domain::delete_apple),
    ),
    Route::get("/v2/core/events", "v2", Plain(v2::list)),
    Route::get("/v2/core/events/{}", "v2", One(v2::retrieve)),
    Route::post("/v2/core/event_destinations", "v2", Plain(destination::create)),
    Route::get("/v2/core/event_destinations", "v2", Plain(destination::list)),
    Route::get("/v2/core/event_destinations/{}", "v2", One(destination::retrieve)),
    Route::post("/v2/core/event_destinations/{}", "v2", One(destination::update)),
    Route::delete("/v2/core/event_destinations/{}", "v2", One(destination::delete)),
    Route::post(
        "/v2/core/event_destinations/{}/enable",
        "v2",
        One(destination::enable),
    ),
    Route::post(
        "/v2/core/event_destinations/{}/disable",
        "v2",
        One(destination::disable),
    ),
    Route::post(
        "/v2/core/event_destinations/{}/ping",
        "v2",
        One(destination::ping),
    ),
    Route::post("/v2/core/accounts", "v2", Plain(v2_accounts::create)),
    Route::get("/v2/core/accounts", "v2", Plain(v2_accounts::list)),
    Route::get("/v2/core/accounts/{}", "v2", One(v2_accounts::retrieve)),
    Route::post("/v2/core/accounts/{}", "v2", One(v2_accounts::update)),
    Route::post("/v2/core/accounts/{}/close", "v2", One(v2_accounts::close)),
    Route::post("/v2/core/account_links", "v2", Plain(account_link::create_v2)),
];

/// A page of what lies inside an object, given newest first.
///
/// # Errors
/// 400 for a wrong page, or one that begins at what is not there.
pub fn page(mut params: Params, all: &[Value], url: &str) -> Result<Value, ApiError> {
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    page.of(
        all,
        url,
        |one| one["id"].as_str().unwrap_or_default(),
        Value::clone,
    )
}
