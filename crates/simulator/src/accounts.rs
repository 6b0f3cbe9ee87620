//! What requests do to accounts. An account that brings all its details (a custom one) is verified a moment
//! later; any other is switched on through the control API, which stands for the hosted onboarding.

use std::sync::Arc;

use serde_json::Value;

use crate::account::{self, Account, Controller};
use crate::api::Ctx;
use crate::error::ApiError;
use crate::form::Params;
use crate::list;
use crate::schedule::{self, Step};
use crate::state::State;

/// How long the verification of a custom account takes.
const VERIFY_MS: i64 = 3_000;

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
    if let Some(controller) = controller {
        account.kind = if controller.dashboard == "full" {
            "standard"
        } else {
            "none"
        }
        .into();
        account.controller = Some(controller);
    }
    if let Some(kind) = kind {
        account.kind = kind.into();
    }
    account.change(state, &mut params)?;
    params.finish()?;
    account.id = state.id("acct_1", 15);
    if account.review() {
        schedule::after(
            state,
            VERIFY_MS,
            Step::Verify {
                account: account.id.clone(),
            },
        );
    }
    Ok(state.put(account).render())
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
    if fees == "account" && (dashboard == "express" || losses == "application") {
        return Err(ApiError::invalid(
            "When the platform bears losses or the dashboard is express, `controller[fees][payer]` must be \
             `application`.",
        )
        .param("controller"));
    }
    let [fees, losses, collection, dashboard] = [fees, losses, collection, dashboard].map(str::to_owned);
    Ok(Controller {
        fees,
        losses,
        collection,
        dashboard,
    })
}

/// `GET /v1/account`: the key's own, or that of `Stripe-Account`.
pub fn own(state: &mut State, ctx: &Ctx, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(account::of_space(state, &ctx.space)?.render())
}

/// `GET /v1/accounts/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    if id == state.settings.platform {
        return Ok(account::platform(state, ctx.space.livemode).render());
    }
    Ok(visible(state, ctx, id)?.render())
}

/// The platform sees its accounts, an account itself; to anyone else it is as if it did not exist.
fn visible(state: &State, ctx: &Ctx, id: &str) -> Result<Arc<Account>, ApiError> {
    let seen = ctx.space.account.as_ref().is_none_or(|own| own == id);
    let account = if seen {
        state.get::<Account>(&ctx.space.platform(), id).ok()
    } else {
        None
    };
    account.ok_or_else(|| no_access(ctx, id))
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
    let old = visible(state, ctx, id)?;
    let mut account = Account::clone(&old);
    account.change(state, &mut params)?;
    params.finish()?;
    if !old.details_submitted && account.review() {
        schedule::after(
            state,
            VERIFY_MS,
            Step::Verify {
                account: account.id.clone(),
            },
        );
    }
    Ok(account::changed(state, &ctx.cause, &old, account).render())
}

/// `GET /v1/accounts`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    of_platform(ctx)?;
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |account: &Account| created.holds(account.created);
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/accounts",
        wanted,
        |account: &Account| account.render(),
    )
}
