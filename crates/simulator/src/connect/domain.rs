//! The domains on which wallets may be shown.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Ctx;
use crate::error::ApiError;
use crate::form::Params;
use crate::list;
use crate::state::{Shown, Space, State};

/// A domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentMethodDomain {
    /// `pmd_…`.
    pub id: String,
    /// Whose it is: with direct charges the connected account's.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// Such as `pay.example.com`.
    pub domain_name: String,
    /// Whether wallets are shown on it.
    pub enabled: bool,
}

impl PaymentMethodDomain {
    /// As Stripe writes it. A domain that nobody can reach fails Apple's test.
    pub fn render(&self) -> Value {
        let reachable = !self.domain_name.ends_with(".invalid") && !self.domain_name.ends_with(".test");
        let apple = if reachable {
            json!({ "status": "active" })
        } else {
            let message = "The file that proves the domain could not be fetched from it.";
            json!({ "status": "inactive", "status_details": { "error_message": message } })
        };
        json!({
            "id": self.id, "object": "payment_method_domain", "amazon_pay": { "status": "active" },
            "apple_pay": apple, "created": self.created, "domain_name": self.domain_name,
            "enabled": self.enabled, "google_pay": { "status": "active" }, "klarna": { "status": "active" },
            "link": { "status": "active" }, "livemode": self.space.livemode, "paypal": { "status": "active" },
        })
    }
}

impl Shown for PaymentMethodDomain {
    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

fn checked(params: &mut Params) -> Result<String, ApiError> {
    let name = params.required("domain_name")?;
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let sound = name.len() <= 253 && name.contains('.') && name.split('.').all(label);
    if !sound && name != "localhost" {
        let shown: String = name.chars().take(80).collect();
        return Err(ApiError::invalid(format!(
            "Invalid domain name: '{shown}'. Give the name alone, without a scheme, a port or a path."
        ))
        .param("domain_name"));
    }
    Ok(name.to_ascii_lowercase())
}

/// `POST /v1/payment_method_domains`; a domain that is there already is answered as it is.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let domain_name = checked(&mut params)?;
    let enabled = params.boolean("enabled")?;
    params.finish()?;
    let known = state
        .of::<PaymentMethodDomain>(&ctx.space)
        .find(|domain| domain.domain_name == domain_name)
        .cloned();
    let domain = match known {
        Some(known) => PaymentMethodDomain {
            enabled: enabled.unwrap_or(known.enabled),
            ..PaymentMethodDomain::clone(&known)
        },
        None => PaymentMethodDomain {
            id: state.id("pmd_1", 23),
            space: ctx.space.clone(),
            created: state.now_s(),
            domain_name,
            enabled: enabled.unwrap_or(true),
        },
    };
    Ok(state.put(domain).render())
}

/// `GET /v1/payment_method_domains/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(state.get::<PaymentMethodDomain>(&ctx.space, id)?.render())
}

/// `POST /v1/payment_method_domains/{id}`.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = state.get::<PaymentMethodDomain>(&ctx.space, id)?;
    let enabled = params.boolean("enabled")?.unwrap_or(old.enabled);
    params.finish()?;
    Ok(state
        .put(PaymentMethodDomain {
            enabled,
            ..PaymentMethodDomain::clone(&old)
        })
        .render())
}

/// `GET /v1/payment_method_domains`, by `domain_name` and `enabled`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let (name, enabled) = (params.text("domain_name")?, params.boolean("enabled")?);
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |domain: &PaymentMethodDomain| {
        name.as_ref().is_none_or(|name| domain.domain_name == *name)
            && enabled.is_none_or(|enabled| domain.enabled == enabled)
    };
    let url = "/v1/payment_method_domains";
    list::answer(
        state,
        &ctx.space,
        &page,
        url,
        wanted,
        |domain: &PaymentMethodDomain| domain.render(),
    )
}

/// A domain of the older kind, for Apple Pay alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApplePayDomain {
    /// `apwc_…`.
    pub id: String,
    /// Whose it is.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// Such as `pay.example.com`.
    pub domain_name: String,
    /// Whether it was deleted.
    pub deleted: bool,
}

impl Shown for ApplePayDomain {
    fn shown(&self, _: &State) -> Value {
        json!({
            "id": self.id, "object": "apple_pay_domain", "created": self.created,
            "domain_name": self.domain_name, "livemode": self.space.livemode,
        })
    }

    fn url(&self) -> Option<String> {
        Some(format!("/v1/apple_pay/domains/{}", self.id))
    }
}

/// `POST /v1/apple_pay/domains`.
pub fn create_apple(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let domain_name = checked(&mut params)?;
    params.finish()?;
    let known = state
        .of::<ApplePayDomain>(&ctx.space)
        .find(|domain| domain.domain_name == domain_name && !domain.deleted)
        .cloned();
    if let Some(known) = known {
        return Ok(known.shown(state));
    }
    let domain = ApplePayDomain {
        id: state.id("apwc_1", 23),
        space: ctx.space.clone(),
        created: state.now_s(),
        domain_name,
        deleted: false,
    };
    Ok(state.put(domain).shown(state))
}

fn living(state: &State, ctx: &Ctx, id: &str) -> Result<std::sync::Arc<ApplePayDomain>, ApiError> {
    let domain = state.get::<ApplePayDomain>(&ctx.space, id)?;
    if domain.deleted {
        return Err(ApiError::no_such("apple pay domain", id, "domain"));
    }
    Ok(domain)
}

/// `GET /v1/apple_pay/domains/{id}`.
pub fn retrieve_apple(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(living(state, ctx, id)?.shown(state))
}

/// `DELETE /v1/apple_pay/domains/{id}`.
pub fn delete_apple(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let domain = living(state, ctx, id)?;
    state.put(ApplePayDomain {
        deleted: true,
        ..ApplePayDomain::clone(&domain)
    });
    Ok(json!({ "id": id, "object": "apple_pay_domain", "deleted": true }))
}

/// `GET /v1/apple_pay/domains`, by `domain_name`.
pub fn list_apple(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let name = params.text("domain_name")?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |domain: &ApplePayDomain| {
        !domain.deleted && name.as_ref().is_none_or(|name| domain.domain_name == *name)
    };
    let url = "/v1/apple_pay/domains";
    list::answer(
        state,
        &ctx.space,
        &page,
        url,
        wanted,
        |domain: &ApplePayDomain| domain.shown(state),
    )
}
