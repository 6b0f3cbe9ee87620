//! Account links: the way to Stripe's own onboarding, good for one visit within five minutes. Also the
//! sessions for embedded onboarding, and the links into an Express dashboard.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::account::Account;
use crate::account_details::checked_url;
use crate::accounts;
use crate::api::Ctx;
use crate::delivery::is_loopback;
use crate::error::ApiError;
use crate::event::rfc_3339;
use crate::form::{Params, Update};
use crate::state::{Shown, Space, State};

/// How long a link of v1 may be visited.
const GOOD_FOR_S: i64 = 300;
/// How long a link of v2 may be visited.
const LINK_GOOD_FOR_S: i64 = 600;
/// How long an account session lasts.
const SESSION_S: i64 = 1_800;

/// An account link. It is named by the secret part of its address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountLink {
    /// The secret part of its address.
    pub id: String,
    /// The platform's space.
    pub space: Space,
    /// The account to be onboarded.
    pub account: String,
    /// Where the owner goes when the link is not good any more.
    pub refresh_url: String,
    /// Where the owner goes in the end.
    pub return_url: String,
    /// Until when it may be visited, in seconds.
    pub expires_at: i64,
    /// The form that its one visit was given; `None` as long as it was not visited.
    pub form: Option<String>,
    /// Whether that form was sent.
    pub done: bool,
    /// Whether it was made through v2, which tells of the return.
    pub v2: bool,
}

impl Shown for AccountLink {
    fn shown(&self, _: &State) -> Value {
        json!({ "object": "account_link", "expires_at": self.expires_at })
    }
}

/// What is wanted of a link, whichever version asks.
pub struct Wanted {
    /// `account_onboarding` or `account_update`.
    pub kind: &'static str,
    /// Where the owner goes when the link is not good any more.
    pub refresh_url: String,
    /// Where the owner goes in the end.
    pub return_url: String,
    /// How long it is good for, in seconds.
    pub good_for_s: i64,
    /// Whether v2 asks.
    pub v2: bool,
}

/// Where someone may be sent: in live mode only to https, or to this machine.
///
/// # Errors
/// 400 `url_invalid`.
pub fn destination(params: &mut Params, name: &str, livemode: bool) -> Result<Option<String>, ApiError> {
    let Update::Set(url) = checked_url(params, name)? else {
        return Ok(None);
    };
    let parsed = reqwest::Url::parse(&url).map_err(|_| {
        ApiError::invalid("Not a valid URL")
            .code("url_invalid")
            .param(params.name(name))
    })?;
    if livemode && parsed.scheme() != "https" && !is_loopback(&parsed) {
        let error = ApiError::invalid("Livemode requests must always be redirected via HTTPS.");
        return Err(error.code("url_invalid").param(params.name(name)));
    }
    Ok(Some(url))
}

/// `POST /v1/account_links`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let account = params.required("account")?;
    let old = accounts::controlled(state, ctx, &account)?;
    let kind = params.required_choice("type", &["account_onboarding", "account_update"])?;
    let missing = |name: &str| ApiError::missing(name);
    let refresh_url = destination(&mut params, "refresh_url", ctx.space.livemode)?;
    let return_url = destination(&mut params, "return_url", ctx.space.livemode)?;
    params.choice("collect", &["currently_due", "eventually_due"])?;
    if let Some(mut options) = params.map("collection_options")? {
        options.choice("fields", &["currently_due", "eventually_due"])?;
        options.choice("future_requirements", &["include", "omit"])?;
        options.finish()?;
    }
    params.finish()?;
    let wanted = Wanted {
        kind,
        refresh_url: refresh_url.ok_or_else(|| missing("refresh_url"))?,
        return_url: return_url.ok_or_else(|| missing("return_url"))?,
        good_for_s: GOOD_FOR_S,
        v2: false,
    };
    let (link, url) = make(state, ctx, &old, wanted)?;
    Ok(json!({
        "object": "account_link", "created": state.now_s(), "expires_at": link.expires_at, "url": url,
    }))
}

/// `POST /v2/core/account_links`.
pub fn create_v2(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let id = params.required("account")?;
    let account = accounts::controlled(state, ctx, &id)?;
    let mut case = params
        .map("use_case")?
        .ok_or_else(|| ApiError::missing("use_case"))?;
    let kind = case.required_choice("type", &["account_onboarding", "account_update"])?;
    let mut given = case
        .map(kind)?
        .ok_or_else(|| ApiError::missing(&case.name(kind)))?;
    case.finish()?;
    let refresh = destination(&mut given, "refresh_url", ctx.space.livemode)?;
    let refresh = refresh.ok_or_else(|| ApiError::missing(&given.name("refresh_url")))?;
    let back = destination(&mut given, "return_url", ctx.space.livemode)?;
    if let Some(mut options) = given.map("collection_options")? {
        options.choice("fields", &["currently_due", "eventually_due"])?;
        options.choice("future_requirements", &["include", "omit"])?;
        options.finish()?;
    }
    given.texts("configurations")?;
    given.finish()?;
    params.finish()?;
    let wanted = Wanted {
        kind,
        refresh_url: refresh.clone(),
        return_url: back.clone().unwrap_or_else(|| refresh.clone()),
        good_for_s: LINK_GOOD_FOR_S,
        v2: true,
    };
    let (link, url) = make(state, ctx, &account, wanted)?;
    Ok(json!({
        "object": "v2.core.account_link", "account": account.id, "created": rfc_3339(state.now_ms),
        "expires_at": rfc_3339(link.expires_at.saturating_mul(1000)), "livemode": ctx.space.livemode,
        "url": url, "use_case": { kind: { "refresh_url": refresh, "return_url": back }, "type": kind },
    }))
}

/// Makes a link; also its address.
///
/// # Errors
/// 400 for an update of what Stripe collects, and for a rejected account.
pub fn make(
    state: &mut State,
    ctx: &Ctx,
    account: &Account,
    wanted: Wanted,
) -> Result<(AccountLink, String), ApiError> {
    if wanted.kind == "account_update" && !account.is_collected() {
        return Err(ApiError::invalid(
            "You cannot create `account_update` type Account Links for this account. Please use \
             `account_onboarding`.",
        )
        .param("type"));
    }
    if account.rejected.is_some() {
        return Err(
            ApiError::invalid("You cannot create Account Links for a rejected account.").param("account"),
        );
    }
    let link = AccountLink {
        id: state.id("", 16),
        space: ctx.space.platform(),
        account: account.id.clone(),
        refresh_url: wanted.refresh_url,
        return_url: wanted.return_url,
        expires_at: state.now_s().saturating_add(wanted.good_for_s),
        form: None,
        done: false,
        v2: wanted.v2,
    };
    let letter = match account.dashboard() {
        "express" => "e",
        "none" => "c",
        _ => "s",
    };
    let url = format!("{}/setup/{letter}/{}/{}", ctx.base, account.id, link.id);
    state.put(link.clone());
    mark_linked(state, account);
    Ok((link, url))
}

/// From now on Stripe collects what it wants to know.
fn mark_linked(state: &mut State, account: &Account) {
    if !account.linked {
        state.put(Account {
            linked: true,
            ..account.clone()
        });
    }
}

/// The components of embedded onboarding, and the features of each; those shown as true are on by default.
const COMPONENTS: [(&str, &[&str]); 22] = [
    (
        "account_management",
        &[
            "external_account_collection",
            "disable_stripe_user_authentication",
        ],
    ),
    (
        "account_onboarding",
        &[
            "external_account_collection",
            "disable_stripe_user_authentication",
        ],
    ),
    ("balance_report", &[]),
    ("balances", &PAYOUT_FEATURES),
    ("disputes_list", &DISPUTE_FEATURES),
    ("documents", &[]),
    (
        "financial_account",
        &[
            "disable_stripe_user_authentication",
            "external_account_collection",
            "send_money",
            "transfer_balance",
        ],
    ),
    (
        "financial_account_transactions",
        &["card_spend_dispute_management"],
    ),
    (
        "instant_payouts_promotion",
        &[
            "disable_stripe_user_authentication",
            "external_account_collection",
            "instant_payouts",
        ],
    ),
    (
        "issuing_card",
        &[
            "card_management",
            "card_spend_dispute_management",
            "cardholder_management",
            "spend_control_management",
        ],
    ),
    (
        "issuing_cards_list",
        &[
            "card_management",
            "card_spend_dispute_management",
            "cardholder_management",
            "disable_stripe_user_authentication",
            "spend_control_management",
        ],
    ),
    (
        "notification_banner",
        &[
            "external_account_collection",
            "disable_stripe_user_authentication",
        ],
    ),
    ("payment_details", &DISPUTE_FEATURES),
    (
        "payment_disputes",
        &[
            "destination_on_behalf_of_charge_management",
            "dispute_management",
            "refund_management",
            "smart_disputes_management",
        ],
    ),
    ("payments", &DISPUTE_FEATURES),
    ("payout_details", &[]),
    ("payout_reconciliation_report", &[]),
    ("payouts", &PAYOUT_FEATURES),
    ("payouts_list", &[]),
    ("tax_registrations", &[]),
    ("tax_settings", &[]),
    ("terminal_hardware_orders", &[]),
];
const PAYOUT_FEATURES: [&str; 5] = [
    "disable_stripe_user_authentication",
    "edit_payout_schedule",
    "external_account_collection",
    "instant_payouts",
    "standard_payouts",
];
const DISPUTE_FEATURES: [&str; 5] = [
    "capture_payments",
    "destination_on_behalf_of_charge_management",
    "dispute_management",
    "refund_management",
    "smart_disputes_management",
];
const OFF_BY_DEFAULT: [&str; 3] = [
    "disable_stripe_user_authentication",
    "destination_on_behalf_of_charge_management",
    "edit_payout_schedule",
];

/// `POST /v1/account_sessions`.
pub fn session(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let account = params.required("account")?;
    let old = accounts::controlled(state, ctx, &account)?;
    let mut given = params
        .map("components")?
        .ok_or_else(|| ApiError::missing("components"))?;
    let mut components = Map::new();
    for (name, features) in COMPONENTS {
        let mut component = given.map(name)?.unwrap_or_default();
        let enabled = component.boolean("enabled")?.unwrap_or(false);
        let mut asked = component.map("features")?.unwrap_or_default();
        let mut shown = Map::new();
        for feature in features {
            let on = asked
                .boolean(feature)?
                .unwrap_or(enabled && !OFF_BY_DEFAULT.contains(feature));
            shown.insert((*feature).to_owned(), json!(on));
        }
        asked.finish()?;
        component.finish()?;
        components.insert(name.to_owned(), json!({ "enabled": enabled, "features": shown }));
    }
    given.finish()?;
    params.finish()?;
    mark_linked(state, &old);
    let secret = state.id("accs_secret__", 48);
    Ok(json!({
        "object": "account_session", "account": old.id, "client_secret": secret, "components": components,
        "expires_at": state.now_s().saturating_add(SESSION_S), "livemode": ctx.space.livemode,
    }))
}

/// `POST /v1/accounts/{id}/login_links`: only for an Express account whose owner has been through onboarding.
pub fn login(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let account = accounts::controlled(state, ctx, id)?;
    if account.dashboard() != "express" {
        return Err(ApiError::invalid(
            "Cannot create a login link for an account that is not an Express account.",
        ));
    }
    if !account.details_submitted {
        return Err(ApiError::invalid(
            "Cannot create a login link for an account that has not completed onboarding.",
        ));
    }
    let secret = state.id("", 12);
    Ok(json!({
        "object": "login_link", "created": state.now_s(),
        "url": format!("{}/express/{}/{secret}", ctx.base, account.id),
    }))
}
