//! Accounts as v2 shows them: the same rows under another face, with only those parts that were asked for.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::account::{self, Account, Capability, Controller};
use crate::accounts;
use crate::api::Ctx;
use crate::connect::person::Person;
use crate::connect::{capability, tell, v2};
use crate::currency;
use crate::error::ApiError;
use crate::event::rfc_3339;
use crate::form::Params;
use crate::state::State;

const INCLUDES: [&str; 7] = [
    "configuration.customer",
    "configuration.merchant",
    "configuration.recipient",
    "defaults",
    "future_requirements",
    "identity",
    "requirements",
];

fn include(params: &mut Params) -> Result<Vec<String>, ApiError> {
    let asked = params.texts("include")?.unwrap_or_default();
    match asked.iter().find(|name| !INCLUDES.contains(&name.as_str())) {
        Some(_) => Err(ApiError::invalid("Invalid include: there is no such field.").param("include")),
        None => Ok(asked),
    }
}

/// What v2 calls a capability of v1 that merchants have.
fn merchant_name(name: &str) -> &str {
    match name {
        "us_bank_account_ach_payments" => "ach_debit_payments",
        name => name,
    }
}

fn is_merchant(name: &str) -> bool {
    name.ends_with("_payments") && name != "legacy_payments"
}

fn render_capability(status: Capability) -> Value {
    let (status, code, resolution) = match status {
        Capability::Active => return json!({ "status": "active", "status_details": [] }),
        Capability::Pending => ("pending", "requirements_pending_verification", "no_resolution"),
        Capability::Inactive => ("restricted", "requirements_past_due", "provide_info"),
    };
    json!({ "status": status, "status_details": [{ "code": code, "resolution": resolution }] })
}

/// Its configurations: those it was given, and those that its capabilities speak of.
fn configurations(account: &Account) -> Vec<&'static str> {
    let has = |name: &str| account.configured.iter().any(|known| known == name);
    let mut found = Vec::new();
    found.extend(has("customer").then_some("customer"));
    found.extend((has("merchant") || account.takes_payments()).then_some("merchant"));
    let recipient = account.capabilities.contains_key("transfers");
    found.extend((has("recipient") || recipient).then_some("recipient"));
    found
}

fn render(account: &Account, include: &[String]) -> Value {
    let asked = |name: &str| include.iter().any(|asked| asked == name);
    let or_null = |name: &str, value: &dyn Fn() -> Value| if asked(name) { value() } else { Value::Null };
    let applied = configurations(account);
    let mut configuration = Map::new();
    for name in ["customer", "merchant", "recipient"] {
        if asked(&format!("configuration.{name}")) {
            let shown = if applied.contains(&name) {
                render_configuration(account, name)
            } else {
                Value::Null
            };
            configuration.insert(name.into(), shown);
        }
    }
    let configuration = if configuration.is_empty() {
        Value::Null
    } else {
        Value::Object(configuration)
    };
    json!({
        "id": account.id, "object": "v2.core.account", "applied_configurations": applied,
        "closed": account.deleted, "configuration": configuration, "contact_email": account.email,
        "contact_phone": null, "created": rfc_3339(account.created.saturating_mul(1000)),
        "dashboard": account.dashboard(), "defaults": or_null("defaults", &|| render_defaults(account)),
        "display_name": account.profile.name, "future_requirements": null,
        "identity": or_null("identity", &|| render_identity(account)), "livemode": account.space.livemode,
        "metadata": account.metadata,
        "requirements": or_null("requirements", &|| render_requirements(account)),
    })
}

fn render_configuration(account: &Account, name: &str) -> Value {
    let mut capabilities = Map::new();
    match name {
        "merchant" => {
            for (name, status) in account.capabilities.iter().filter(|(name, _)| is_merchant(name)) {
                capabilities.insert(merchant_name(name).to_owned(), render_capability(*status));
            }
            json!({
                "applied": true, "capabilities": capabilities, "mcc": account.profile.mcc,
                "statement_descriptor": {
                    "descriptor": account.settings.text("payments.statement_descriptor"),
                    "prefix": account.settings.text("card_payments.statement_descriptor_prefix"),
                },
                "support": {
                    "address": null, "email": account.profile.support_email,
                    "phone": account.profile.support_phone, "url": account.profile.support_url,
                },
            })
        }
        "recipient" => {
            if let Some(status) = account.capabilities.get("transfers") {
                let transfers = json!({ "stripe_transfers": render_capability(*status) });
                capabilities.insert("stripe_balance".into(), transfers);
            }
            json!({ "applied": true, "capabilities": capabilities })
        }
        _ => json!({ "applied": true, "capabilities": capabilities }),
    }
}

fn render_defaults(account: &Account) -> Value {
    let controller = account.controller.as_ref();
    let fees = match controller.map(|controller| controller.fees.as_str()) {
        Some("account") | None => "stripe",
        Some(other) => other,
    };
    let collector = if account.is_collected() {
        "application"
    } else {
        "stripe"
    };
    json!({
        "currency": account.default_currency, "locales": [],
        "profile": {
            "business_url": account.profile.url, "doing_business_as": account.profile.name,
            "product_description": account.profile.product_description,
        },
        "responsibilities": {
            "fees_collector": fees, "losses_collector": account.losses(), "requirements_collector": collector,
        },
    })
}

fn render_identity(account: &Account) -> Value {
    let company = &account.company.texts;
    let individual = account.individual().map(|person| {
        json!({
            "account": account.id, "email": person.texts.get("email"),
            "given_name": person.texts.get("first_name"),
            "id": person.id, "object": "v2.core.account_person", "surname": person.texts.get("last_name"),
        })
    });
    let business = (!company.is_empty())
        .then(|| json!({ "phone": company.get("phone"), "registered_name": company.get("name") }));
    json!({
        "attestations": null, "business_details": business, "country": account.country.to_ascii_lowercase(),
        "entity_type": account.business_type, "individual": individual,
    })
}

fn render_requirements(account: &Account) -> Value {
    let standing = &account.standing;
    let restricted: Vec<Value> = account
        .capabilities
        .keys()
        .filter(|name| is_merchant(name))
        .map(|name| {
            let deadline = json!({ "status": "currently_due" });
            json!({ "capability": merchant_name(name), "configuration": "merchant", "deadline": deadline })
        })
        .collect();
    let entry = |name: &String, from: &str, status: &str| {
        let errors: Vec<Value> = standing
            .errors
            .iter()
            .filter(|(_, requirement)| requirement == name)
            .map(|(code, _)| json!({ "code": code, "description": "What was given does not fit." }))
            .collect();
        json!({
            "awaiting_action_from": from, "description": name, "errors": errors,
            "impact": { "restricts_capabilities": restricted }, "minimum_deadline": { "status": status },
            "reference": null, "requested_reasons": [{ "code": "routine_onboarding" }],
        })
    };
    let status = if standing.past_due.is_empty() {
        "currently_due"
    } else {
        "past_due"
    };
    let mut entries: Vec<Value> = standing
        .currently_due
        .iter()
        .map(|name| entry(name, "user", status))
        .collect();
    entries.extend(
        standing
            .pending_verification
            .iter()
            .map(|name| entry(name, "stripe", "currently_due")),
    );
    let later = standing
        .eventually_due
        .iter()
        .filter(|name| !standing.currently_due.contains(name));
    entries.extend(later.map(|name| entry(name, "user", "eventually_due")));
    let summary = entries.first().map(|first| {
        json!({ "minimum_deadline": { "status": first["minimum_deadline"]["status"], "time": null } })
    });
    json!({ "entries": entries, "summary": summary })
}

/// Reads what create and update share.
fn change(account: &mut Account, state: &State, params: &mut Params) -> Result<(), ApiError> {
    params.update("contact_email")?.apply(&mut account.email);
    params.update("display_name")?.apply(&mut account.profile.name);
    if let Some(mut configuration) = params.map("configuration")? {
        for name in ["customer", "merchant", "recipient"] {
            if let Some(given) = configuration.map(name)? {
                if !account.configured.iter().any(|known| known == name) {
                    account.configured.push(name.to_owned());
                }
                configure(account, name, given, state.now_s())?;
            }
        }
        configuration.finish()?;
    }
    if let Some(mut identity) = params.map("identity")? {
        identify(account, state, &mut identity)?;
        identity.finish()?;
    }
    if let Some(mut defaults) = params.map("defaults")? {
        if let Some(currency) = defaults.text("currency")? {
            account.default_currency = currency::parse(&currency)?;
        }
        if let Some(mut profile) = defaults.map("profile")? {
            profile.update("business_url")?.apply(&mut account.profile.url);
            profile
                .update("doing_business_as")?
                .apply(&mut account.profile.name);
            profile
                .update("product_description")?
                .apply(&mut account.profile.product_description);
            profile.finish()?;
        }
        defaults.finish()?;
    }
    params.metadata()?.apply(&mut account.metadata)
}

fn configure(account: &mut Account, name: &str, mut given: Params, now_s: i64) -> Result<(), ApiError> {
    if name == "merchant" {
        given.update("mcc")?.apply(&mut account.profile.mcc);
    }
    if let Some(mut capabilities) = given.map("capabilities")? {
        if name == "merchant" {
            for known in capability::NAMES.iter().filter(|name| is_merchant(name)) {
                if let Some(mut one) = capabilities.map(merchant_name(known))? {
                    if let Some(requested) = one.boolean("requested")? {
                        capability::set(account, known, requested, now_s);
                    }
                    one.finish()?;
                }
            }
        }
        if name == "recipient"
            && let Some(mut balance) = capabilities.map("stripe_balance")?
        {
            if let Some(mut transfers) = balance.map("stripe_transfers")? {
                if let Some(requested) = transfers.boolean("requested")? {
                    capability::set(account, "transfers", requested, now_s);
                }
                transfers.finish()?;
            }
            balance.finish()?;
        }
        capabilities.finish()?;
    }
    given.finish()
}

fn identify(account: &mut Account, state: &State, identity: &mut Params) -> Result<(), ApiError> {
    let kinds = ["company", "government_entity", "individual", "non_profit"];
    if let Some(kind) = identity.choice("entity_type", &kinds)? {
        account.business_type = Some(kind.to_owned());
    }
    if let Some(mut business) = identity.map("business_details")? {
        for (theirs, ours) in [("registered_name", "name"), ("phone", "phone")] {
            if let Some(text) = business.text(theirs)? {
                account.company.texts.insert(ours.to_owned(), text);
            }
        }
        business.finish()?;
    }
    if let Some(mut individual) = identity.map("individual")? {
        let at = account
            .persons
            .iter()
            .position(|person| person.is("representative"));
        let mut person = match at {
            Some(at) => Person::clone(&account.persons[at]),
            None => Person::new(String::new(), state.now_s()),
        };
        person.set_role("representative", true);
        for (theirs, ours) in [
            ("given_name", "first_name"),
            ("surname", "last_name"),
            ("email", "email"),
            ("phone", "phone"),
        ] {
            if let Some(text) = individual.text(theirs)? {
                person.texts.insert(ours.to_owned(), text);
            }
        }
        individual.finish()?;
        match at {
            Some(at) => account.persons[at] = Arc::new(person),
            None => account.persons.push(Arc::new(person)),
        }
    }
    Ok(())
}

/// Who answers for what, as v2 says it.
fn controller(params: &mut Params) -> Result<Controller, ApiError> {
    let dashboard = params
        .choice("dashboard", &["express", "full", "none"])?
        .unwrap_or("full");
    let (mut fees, mut losses) = (None, None);
    // The rest of `defaults` is read with what an update may change, too.
    let mut defaults = params.clone().map("defaults")?.unwrap_or_default();
    if let Some(mut given) = defaults.map("responsibilities")? {
        fees = given.choice("fees_collector", &["application", "stripe"])?;
        losses = given.choice("losses_collector", &["application", "stripe"])?;
        given.finish()?;
    }
    params.put("defaults", defaults);
    let usual = if dashboard == "full" {
        "stripe"
    } else {
        "application"
    };
    let (fees, losses) = (fees.unwrap_or(usual), losses.unwrap_or(usual));
    if (dashboard == "express" || losses == "application") && fees == "stripe" {
        return Err(ApiError::invalid(
            "When the platform bears losses or the dashboard is express, it also collects the fees.",
        )
        .param("defaults.responsibilities"));
    }
    let collection = if dashboard == "none" && losses == "application" {
        "application"
    } else {
        "stripe"
    };
    Ok(Controller {
        fees: if fees == "stripe" {
            "account"
        } else {
            "application"
        }
        .into(),
        losses: losses.into(),
        collection: collection.into(),
        dashboard: dashboard.into(),
        ours: true,
    })
}

/// `POST /v2/core/accounts`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let controller = controller(&mut params)?;
    let mut identity = params.clone().map("identity")?.unwrap_or_default();
    let country = identity
        .text("country")?
        .unwrap_or_else(|| "US".into())
        .to_ascii_uppercase();
    if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(ApiError::invalid("Invalid country.").param("identity.country"));
    }
    params.put("identity", identity);
    let space = ctx.space.platform();
    let mut account = account::blank(String::new(), space, state.now_s(), &country);
    let old = account.clone();
    account.kind = if controller.dashboard == "full" {
        "standard"
    } else {
        "none"
    }
    .into();
    account.controller = Some(controller);
    change(&mut account, state, &mut params)?;
    let include = include(&mut params)?;
    params.finish()?;
    if account.configured.is_empty() {
        account.configured.push("customer".into());
    }
    account.id = state.id("acct_1", 15);
    account.name_parts(state);
    let account = tell::reviewed(state, &ctx.cause, &old, account);
    v2::tell(state, &ctx.cause, "v2.core.account.created", &account, None);
    Ok(render(&account, &include))
}

/// `GET /v2/core/accounts/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let include = include(&mut params)?;
    params.finish()?;
    let account = accounts::visible(state, ctx, id)?;
    Ok(render(&account, &include))
}

/// `POST /v2/core/accounts/{id}`.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = accounts::controlled(state, ctx, id)?;
    let mut account = Account::clone(&old);
    change(&mut account, state, &mut params)?;
    let include = include(&mut params)?;
    params.finish()?;
    account.name_parts(state);
    Ok(render(
        &tell::reviewed(state, &ctx.cause, &old, account),
        &include,
    ))
}

/// `POST /v2/core/accounts/{id}/close`.
pub fn close(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = accounts::controlled(state, ctx, id)?;
    params.texts("applied_configurations")?;
    params.finish()?;
    accounts::delete(state, ctx, Params::default(), id)?;
    let closed = Account {
        deleted: true,
        ..Account::clone(&old)
    };
    v2::tell(state, &ctx.cause, "v2.core.account.closed", &closed, None);
    Ok(render(&closed, &[]))
}

/// `GET /v2/core/accounts`, by `applied_configurations` and `closed`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let wanted = params.texts("applied_configurations")?.unwrap_or_default();
    let closed = params.boolean("closed")?.unwrap_or(false);
    let fits = |account: &&Arc<Account>| {
        let applied = configurations(account);
        account.deleted == closed
            && (account.connected || closed)
            && wanted.iter().all(|name| applied.contains(&name.as_str()))
    };
    let all = state.of::<Account>(&ctx.space).rev().filter(fits);
    let data = all.map(|account| render(account, &[])).collect();
    let mut filters: Vec<(&str, String)> = vec![("closed", closed.to_string())];
    filters.extend(
        wanted
            .iter()
            .map(|name| ("applied_configurations[]", name.clone())),
    );
    v2::page(params, data, "/v2/core/accounts", &filters)
}
