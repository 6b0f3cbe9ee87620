//! What requests do to accounts. An account that has said all is verified a moment later; what Stripe itself
//! collects is said in the hosted onboarding.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::account::{self, Account, Capability, Controller};
use crate::api::Ctx;
use crate::connect::external_account::{self, Bank};
use crate::connect::person::Person;
use crate::connect::{capability, tell};
use crate::currency;
use crate::error::ApiError;
use crate::form::Params;
use crate::list;
use crate::state::State;

const KINDS: [&str; 4] = ["company", "government_entity", "individual", "non_profit"];
/// What the platform may not write once Stripe has begun to collect it.
const COLLECTED: [&str; 9] = [
    "email",
    "business_type",
    "company",
    "individual",
    "external_account",
    "bank_account",
    "default_currency",
    "documents",
    "account_token",
];
const DOCUMENTS: [&str; 9] = [
    "bank_account_ownership_verification",
    "company_license",
    "company_memorandum_of_association",
    "company_ministerial_decree",
    "company_registration_verification",
    "company_tax_id_verification",
    "proof_of_address",
    "proof_of_business_presence",
    "proof_of_registration",
];

/// `POST /v1/accounts`, by `type` or by `controller`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    of_platform(ctx)?;
    let kind = params.choice("type", &["custom", "express", "standard"])?;
    let controller = params.map("controller")?.map(read_controller).transpose()?;
    if kind.is_some() && controller.is_some() {
        return Err(ApiError::invalid(
            "You may not provide the `type` parameter and `controller` parameters simultaneously.",
        ));
    }
    let country = params
        .text("country")?
        .unwrap_or_else(|| "US".into())
        .to_ascii_uppercase();
    if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
        let shown: String = country.chars().take(20).collect();
        return Err(ApiError::invalid(format!("Country '{shown}' is unknown."))
            .code("country_unsupported")
            .param("country"));
    }
    let mut account = account::blank(String::new(), ctx.space.clone(), state.now_s(), &country);
    let old = account.clone();
    account.kind = "standard".into();
    if let Some(controller) = controller {
        let full = controller.dashboard == "full";
        account.kind = if full { "standard" } else { "none" }.into();
        account.controller = Some(controller);
    }
    if let Some(kind) = kind {
        account.kind = kind.into();
        account.controller = Some(legacy(kind));
    }
    change(&mut account, state, &mut params)?;
    params.finish()?;
    if account.kind == "standard" {
        // Stripe asks for these itself where the owner has the whole dashboard.
        for name in ["card_payments", "transfers"] {
            account
                .capabilities
                .entry(name.to_owned())
                .or_insert(Capability::Inactive);
        }
    }
    account.id = state.id("acct_1", 15);
    account.name_parts(state);
    Ok(tell::reviewed(state, &ctx.cause, &old, account).render())
}

fn of_platform(ctx: &Ctx) -> Result<(), ApiError> {
    if ctx.space.account.is_some() {
        return Err(
            ApiError::invalid("Only a platform may do this: leave the Stripe-Account header out.")
                .status(403),
        );
    }
    Ok(())
}

/// What the legacy types stand for.
pub fn legacy(kind: &str) -> Controller {
    let [fees, losses, collection, dashboard] = match kind {
        "custom" => ["application_custom", "application", "application", "none"],
        "express" => ["application_express", "application", "stripe", "express"],
        _ => ["account", "stripe", "stripe", "full"],
    }
    .map(str::to_owned);
    Controller {
        fees,
        losses,
        collection,
        dashboard,
        ours: true,
    }
}

fn read_controller(mut params: Params) -> Result<Controller, ApiError> {
    let mut inner =
        |name: &str, field: &str, words: &[&'static str]| -> Result<Option<&'static str>, ApiError> {
            let Some(mut map) = params.map(name)? else {
                return Ok(None);
            };
            let word = map.choice(field, words)?;
            map.finish()?;
            Ok(word)
        };
    let fees = inner("fees", "payer", &["account", "application"])?.unwrap_or("account");
    let losses = inner("losses", "payments", &["application", "stripe"])?.unwrap_or("stripe");
    let dashboard = inner("stripe_dashboard", "type", &["express", "full", "none"])?.unwrap_or("full");
    let collection = params
        .choice("requirement_collection", &["application", "stripe"])?
        .unwrap_or("stripe");
    params.finish()?;
    let complaint = if fees == "account" && (dashboard == "express" || losses == "application") {
        "When the platform bears losses or the dashboard is express, `controller[fees][payer]` must be \
         `application`."
    } else if dashboard == "express" && losses == "stripe" {
        "When `controller[stripe_dashboard][type]` is `express`, `controller[losses][payments]` must be \
         `application`."
    } else if collection == "application" && (losses == "stripe" || dashboard != "none") {
        "When `controller[requirement_collection]` is `application`, `controller[losses][payments]` must be \
         `application` and `controller[stripe_dashboard][type]` must be `none`."
    } else if dashboard == "full" && losses == "application" && fees == "account" {
        "This combination of `controller` parameters is not supported."
    } else {
        let [fees, losses, collection, dashboard] = [fees, losses, collection, dashboard].map(str::to_owned);
        return Ok(Controller {
            fees,
            losses,
            collection,
            dashboard,
            ours: true,
        });
    };
    Err(ApiError::invalid(complaint).param("controller"))
}

/// Reads what create and update share.
fn change(account: &mut Account, state: &State, params: &mut Params) -> Result<(), ApiError> {
    params.update("email")?.apply(&mut account.email);
    if account.email.as_ref().is_some_and(|email| !email.contains('@')) {
        return Err(ApiError::invalid("Invalid email address.")
            .code("email_invalid")
            .param("email"));
    }
    if let Some(word) = params.choice("business_type", &KINDS)? {
        account.business_type = Some(word.to_owned());
    }
    if let Some(profile) = params.map("business_profile")? {
        account.profile.update(profile)?;
    }
    if let Some(settings) = params.map("settings")? {
        account.settings.update(settings)?;
    }
    if let Some(currency) = params.text("default_currency")? {
        account.default_currency = currency::parse(&currency)?;
    }
    if let Some(capabilities) = params.map("capabilities")? {
        capability::request(account, capabilities, state.now_s())?;
    }
    for name in params.texts("requested_capabilities")?.unwrap_or_default() {
        if !capability::NAMES.contains(&name.as_str()) {
            let name: String = name.chars().take(80).collect();
            let error = ApiError::invalid(format!("Invalid requested_capabilities: {name}"));
            return Err(error.param("requested_capabilities"));
        }
        capability::set(account, &name, true, state.now_s());
    }
    capability::check(account)?;
    if let Some(company) = params.map("company")? {
        let country = account.country.clone();
        account.company.update(company, &country)?;
    }
    if let Some(person) = params.map("individual")? {
        change_individual(account, state, person)?;
    }
    change_terms(account, params)?;
    let name = if params.has("bank_account") {
        "bank_account"
    } else {
        "external_account"
    };
    if let Some(bank) = Bank::take(state, params, name)? {
        external_account::replace(account, bank);
    }
    change_rare(account, params)?;
    params.metadata()?.apply(&mut account.metadata)
}

/// What hardly anyone sends: groups and documents.
fn change_rare(account: &mut Account, params: &mut Params) -> Result<(), ApiError> {
    if let Some(mut groups) = params.map("groups")? {
        groups
            .update("payments_pricing")?
            .apply(&mut account.pricing_group);
        groups.finish()?;
    }
    let Some(mut documents) = params.map("documents")? else {
        return Ok(());
    };
    for name in DOCUMENTS {
        if let Some(mut document) = documents.map(name)? {
            let files = document.texts("files")?.unwrap_or_default();
            document.finish()?;
            account.documents.insert(name.to_owned(), files);
        }
    }
    documents.finish()
}

fn change_individual(account: &mut Account, state: &State, params: Params) -> Result<(), ApiError> {
    if account
        .business_type
        .as_deref()
        .is_some_and(|kind| kind != "individual")
    {
        return Err(ApiError::invalid(
            "You cannot provide `individual` for an account whose `business_type` is not `individual`.",
        )
        .param("individual"));
    }
    let at = account
        .persons
        .iter()
        .position(|person| person.is("representative"));
    let mut person = match at {
        Some(at) => Person::clone(&account.persons[at]),
        None => Person::new(String::new(), state.now_s()),
    };
    let before = person.verdict();
    person.set_role("representative", true);
    person.update(params, &account.country)?;
    person.set_role("representative", true);
    if person.verdict() != before {
        // What was wrong was given anew: it is looked at again.
        person.failed = None;
    }
    match at {
        Some(at) => account.persons[at] = Arc::new(person),
        None => account.persons.push(Arc::new(person)),
    }
    Ok(())
}

fn change_terms(account: &mut Account, params: &mut Params) -> Result<(), ApiError> {
    let Some(given) = params.map("tos_acceptance")? else {
        return Ok(());
    };
    let mut terms = account.terms.clone().unwrap_or_default();
    terms.update(given)?;
    if !account.is_collected() && (terms.date.is_some() || terms.ip.is_some()) {
        return Err(ApiError::invalid(
            "You cannot accept the Terms of Service on behalf of Standard and Express connected accounts.",
        )
        .param("tos_acceptance"));
    }
    account.terms = Some(terms);
    Ok(())
}

/// `GET /v1/account`: the key's own, or that of `Stripe-Account`.
pub fn own(state: &mut State, ctx: &Ctx, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(account::of_space(state, &ctx.space)?.render())
}

/// `GET /v1/accounts/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(visible(state, ctx, id)?.render())
}

/// The platform sees itself and its accounts, an account itself; to anyone else it is as if it did not exist.
///
/// # Errors
/// 403 `account_invalid`.
pub fn visible(state: &State, ctx: &Ctx, id: &str) -> Result<Arc<Account>, ApiError> {
    if id == state.settings.platform && ctx.space.account.is_none() {
        return Ok(Arc::new(account::platform(state, ctx.space.livemode)));
    }
    let seen = ctx.space.account.as_ref().is_none_or(|own| own == id);
    let account = if seen {
        account::connected(state, ctx.space.livemode, id)
    } else {
        None
    };
    account.ok_or_else(|| no_access(ctx, id))
}

/// An account that a payment is for: the platform names any of its own, an account only itself, so that none
/// learns by `expand` what another is called.
///
/// # Errors
/// 400 `resource_missing`, blaming `param`.
pub fn named(state: &State, ctx: &Ctx, id: &str, param: &str) -> Result<Arc<Account>, ApiError> {
    if ctx.space.account.as_ref().is_some_and(|own| own != id) {
        return Err(ApiError::no_such("account", id, param).status(400));
    }
    state
        .get_for::<Account>(&ctx.space.platform(), id, param)
        .map_err(|error| error.status(400))
}

/// An account that the platform made and may change.
///
/// # Errors
/// 403 for its own account, and for one that its owner connected.
pub fn controlled(state: &State, ctx: &Ctx, id: &str) -> Result<Arc<Account>, ApiError> {
    let account = visible(state, ctx, id)?;
    match &account.controller {
        Some(controller) if controller.ours => Ok(account),
        _ => Err(ApiError::invalid(format!(
            "This application does not have the required permissions for this endpoint on account '{}'. The \
             required permissions are not available for use by Connect applications.",
            account.id
        ))
        .status(403)),
    }
}

/// The same, for writing details that Stripe may be the one to collect.
///
/// # Errors
/// 403 when Stripe has begun to.
pub fn writable(state: &State, ctx: &Ctx, id: &str, param: &str) -> Result<Arc<Account>, ApiError> {
    let account = controlled(state, ctx, id)?;
    check_writable(&account, param)?;
    Ok(account)
}

fn check_writable(account: &Account, param: &str) -> Result<(), ApiError> {
    if account.linked && !account.is_collected() {
        return Err(ApiError::invalid(format!(
            "This application does not have the required permissions for the parameter '{param}' on account \
             '{}'.",
            account.id
        ))
        .param(param)
        .status(403));
    }
    Ok(())
}

/// 403: the owner let the platform read only.
pub fn only_reads(id: &str) -> ApiError {
    ApiError::invalid(format!(
        "This application does not have the required permissions for this endpoint on account '{id}'. Having \
         the 'read_write' scope would allow this request to continue."
    ))
    .code("more_permissions_required_for_application")
    .status(403)
}

/// 403 `account_invalid`.
pub fn no_access(ctx: &Ctx, id: &str) -> ApiError {
    let id: String = id.chars().take(40).collect();
    let mode = if ctx.space.livemode { "live" } else { "test" };
    ApiError::invalid(format!(
        "The provided key 'sk_{mode}_***' does not have access to account '{id}' (or that account does not \
         exist). Application access may have been revoked."
    ))
    .code("account_invalid")
    .status(403)
}

/// `POST /v1/accounts/{id}`.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = controlled(state, ctx, id)?;
    for param in COLLECTED.iter().filter(|param| params.has(param)) {
        check_writable(&old, param)?;
    }
    let mut account = Account::clone(&old);
    change(&mut account, state, &mut params)?;
    params.finish()?;
    account.name_parts(state);
    Ok(tell::reviewed(state, &ctx.cause, &old, account).render())
}

/// `DELETE /v1/accounts/{id}`: in live mode only where the platform answers for what the account owes.
pub fn delete(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    of_platform(ctx)?;
    let old = controlled(state, ctx, id)?;
    if ctx.space.livemode && old.losses() == "stripe" {
        return Err(ApiError::invalid(
            "You cannot delete a live account for which Stripe is responsible for negative balances, such as \
             a Standard account.",
        ));
    }
    let mut account = Account::clone(&old);
    account.deleted = true;
    account.connected = false;
    let account = state.put(account);
    tell::application(state, &ctx.cause, "account.application.deauthorized", &account);
    Ok(json!({ "id": account.id, "object": "account", "deleted": true }))
}

/// `POST /v1/accounts/{id}/reject`: only where the platform answers for what the account owes.
pub fn reject(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    of_platform(ctx)?;
    let old = controlled(state, ctx, id)?;
    let reasons = [
        "credit",
        "fraud",
        "fraud_no_intent_to_fulfill",
        "fraud_other",
        "fraud_payment_method_casher",
        "fraud_payment_method_tester",
        "other",
        "terms_of_service",
    ];
    let reason = params.choice("reason", &reasons)?;
    let reason = reason.ok_or_else(|| ApiError::missing("reason"))?;
    let payouts = params.choice("payouts_action", &["none", "pause"])?;
    params.finish()?;
    if old.losses() != "application" {
        return Err(ApiError::invalid(
            "You cannot reject an account for which Stripe is responsible for negative balances.",
        ));
    }
    let reason = match reason {
        "terms_of_service" => "terms_of_service",
        "other" | "credit" => "other",
        _ => "fraud",
    };
    let mut account = Account::clone(&old);
    account.rejected = Some(reason.to_owned());
    let paid_out = old.payouts_enabled && payouts == Some("none");
    let account = tell::reviewed(state, &ctx.cause, &old, account);
    if paid_out {
        let paid = Account {
            payouts_enabled: true,
            ..Account::clone(&account)
        };
        return Ok(tell::changed(state, &ctx.cause, &account, paid).render());
    }
    Ok(account.render())
}

/// `POST /v1/accounts/{id}/unreject`.
pub fn unreject(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    of_platform(ctx)?;
    let old = controlled(state, ctx, id)?;
    if old.rejected.is_none() {
        return Err(ApiError::invalid("This account is not rejected."));
    }
    let mut account = Account::clone(&old);
    account.rejected = None;
    if account.kept {
        crate::connect::requirements::stand_whole(&mut account);
    }
    Ok(tell::reviewed(state, &ctx.cause, &old, account).render())
}

/// `GET /v1/accounts`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    of_platform(ctx)?;
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |account: &Account| account.connected && !account.deleted && created.holds(account.created);
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/accounts",
        wanted,
        |account: &Account| account.render(),
    )
}
