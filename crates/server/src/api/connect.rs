//! `/api/stripe/connect`: a tenant's own Stripe account, made, brought through Stripe's form, and looked at.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{Refusal, Scope};
use flows::Failure;
use flows::connect::account::{Creation, NewAccount};
use flows::connect::{self, Connection};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Caller, Input, Object};
use crate::connect::standing::{Standing, standing};
use crate::problem::Problem;
use crate::router::Site;

/// Longest text of a field that is sent on to Stripe.
const TEXT_MAX: usize = 200;
const BUSINESS_TYPES: [&str; 4] = ["individual", "company", "non_profit", "government_entity"];

/// What is known of the account's owner already. There is no field for a bank detail: those go to Stripe.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAccountJson {
    country: Option<String>,
    email: Option<String>,
    business_type: Option<String>,
    business_profile: Option<Object<ProfileJson>>,
}

/// The business as payers know it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileJson {
    name: Option<String>,
    url: Option<String>,
}

impl NewAccountJson {
    fn read(self) -> Result<NewAccount, Refusal> {
        let Object(profile) = self.business_profile.unwrap_or_default();
        let country = text("country", self.country)?.map(|country| country.to_ascii_uppercase());
        if country
            .as_ref()
            .is_some_and(|code| code.len() != 2 || !code.bytes().all(|b| b.is_ascii_uppercase()))
        {
            return Err(Refusal::invalid(
                "country",
                "must be a code of two letters, such as US",
            ));
        }
        let email = text("email", self.email)?;
        if email.as_ref().is_some_and(|email| !email.contains('@')) {
            return Err(Refusal::invalid("email", "must be an email address"));
        }
        let business_type = text("business_type", self.business_type)?;
        if business_type
            .as_ref()
            .is_some_and(|kind| !BUSINESS_TYPES.contains(&kind.as_str()))
        {
            let problem = format!("must be one of {}", BUSINESS_TYPES.join(", "));
            return Err(Refusal::invalid("business_type", problem));
        }
        let url = text("business_profile.url", profile.url)?;
        if url
            .as_ref()
            .is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://"))
        {
            return Err(Refusal::invalid(
                "business_profile.url",
                "must begin with https://",
            ));
        }
        Ok(NewAccount {
            country,
            email,
            business_type,
            business_name: text("business_profile.name", profile.name)?,
            business_url: url,
        })
    }
}

/// A text as it may be sent on; an empty one counts as left out.
fn text(field: &'static str, given: Option<String>) -> Result<Option<String>, Refusal> {
    let given = given
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty());
    match given {
        Some(text) if text.len() > TEXT_MAX || text.chars().any(char::is_control) => Err(Refusal::invalid(
            field,
            format!("must be a line of at most {TEXT_MAX} bytes"),
        )),
        other => Ok(other),
    }
}

/// A connection as the API shows it.
#[derive(Debug, Serialize)]
pub struct ConnectionJson {
    object: &'static str,
    livemode: bool,
    stripe_account_id: Option<String>,
    /// `created` or `oauth`.
    origin: Option<&'static str>,
    status: &'static str,
    ready: bool,
    headline: String,
    next_step: String,
    charges_enabled: bool,
    payouts_enabled: bool,
    details_submitted: bool,
    capabilities: Value,
    requirements: Vec<RequirementJson>,
    problems: Vec<String>,
    warnings: Vec<&'static str>,
    current_deadline: Option<i64>,
    disabled_reason: Option<String>,
    wallets: WalletsJson,
    updated_at: Option<i64>,
}

/// Something that Stripe wants, in words.
#[derive(Debug, Serialize)]
struct RequirementJson {
    title: String,
    what_to_do: &'static str,
    /// Stripe's names of it.
    fields: Vec<String>,
}

/// Where wallets stand on the pay page.
#[derive(Debug, Serialize)]
struct WalletsJson {
    domain: Option<String>,
    apple_pay: &'static str,
    google_pay: &'static str,
    link: &'static str,
    note: Option<String>,
}

/// `POST /api/stripe/connect/account`
pub async fn create_account(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    Input(body): Input<NewAccountJson>,
) -> Result<(StatusCode, Json<ConnectionJson>), Problem> {
    let new = body.read()?;
    let status = match connect::account::create(&site.app, &scope, &by, &new).await? {
        Creation::Made(_) => StatusCode::CREATED,
        Creation::There(_) => StatusCode::OK,
        Creation::InDoubt => StatusCode::ACCEPTED,
    };
    let connection = connect::connection(&site.app, &scope).await?;
    Ok((status, Json(json_of(&site, &scope, &connection))))
}

/// A way to Stripe's form.
#[derive(Debug, Serialize)]
pub struct LinkJson {
    object: &'static str,
    url: String,
    expires_at: i64,
}

/// `POST /api/stripe/connect/link`
pub async fn create_link(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    Input(Nothing {}): Input<Nothing>,
) -> Result<(StatusCode, Json<LinkJson>), Problem> {
    let link = connect::link(&site.app, &scope, &by, &site.public_origin).await?;
    let url = link.url.expose().to_owned();
    if !site.config.stripe_api_base.is_connect_page(&url) {
        return Err(Failure::Stripe("an account link leads to another host".to_owned()).into());
    }
    let link = LinkJson {
        object: "onboarding_link",
        url,
        expires_at: link.expires_at_s.saturating_mul(1000),
    };
    Ok((StatusCode::CREATED, Json(link)))
}

/// A body without a field: where the owner comes back to is for us to say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// `GET /api/stripe/connect/status`
pub async fn status(
    State(site): State<Site>,
    Caller { scope, by: _ }: Caller,
) -> Result<Json<ConnectionJson>, Problem> {
    let connection = connect::connection_watched(&site.app, &scope).await?;
    Ok(Json(json_of(&site, &scope, &connection)))
}

fn json_of(site: &Site, scope: &Scope, connection: &Connection) -> ConnectionJson {
    let Standing {
        state,
        headline,
        next_step,
        asks,
        problems,
        deadline,
        warnings,
    } = standing(connection);
    let config = connection.config.as_ref();
    let flag = |read: fn(&store::stripe_config::StripeConfig) -> bool| config.is_some_and(read);
    let asks = asks.into_iter().map(|ask| RequirementJson {
        title: ask.title,
        what_to_do: ask.what_to_do,
        fields: ask.requirements,
    });
    let capabilities = config.and_then(|config| serde_json::from_str(&config.capabilities).ok());
    let kept = config.map(|config| flows::onboarding::RequirementsKept::read(&config.requirements));
    ConnectionJson {
        object: "stripe_connection",
        livemode: scope.mode.is_live(),
        stripe_account_id: config.map(|config| config.stripe_account_id.clone()),
        origin: config.map(|config| config.origin.word()),
        status: state.word(),
        ready: flag(|config| config.can_charge()) && connection.may_begin,
        headline,
        next_step,
        charges_enabled: flag(|config| config.charges_enabled),
        payouts_enabled: flag(|config| config.payouts_enabled),
        details_submitted: flag(|config| config.details_submitted),
        capabilities: capabilities.unwrap_or_else(|| Value::Object(serde_json::Map::new())),
        requirements: asks.collect(),
        problems,
        warnings,
        current_deadline: deadline.map(domain::Timestamp::ms),
        disabled_reason: kept.and_then(|kept| kept.disabled_reason),
        wallets: wallets(site, connection),
        updated_at: config.map(|config| config.updated_at.ms()),
    }
}

fn wallets(site: &Site, connection: &Connection) -> WalletsJson {
    let domain = site.app.wallet_domain.as_deref();
    let row = connection.domain.as_ref();
    let word = |status: Option<&String>| match status.map(String::as_str) {
        Some("active") => "active",
        Some(_) => "inactive",
        None => "not_registered",
    };
    let note = match (domain, row) {
        (None, _) => Some(
            "Wallets need a public host name: PUBLIC_URL is an address of this machine or a bare IP address."
                .to_owned(),
        ),
        (Some(_), Some(row)) => row.last_error.clone(),
        (Some(_), None) => None,
    };
    WalletsJson {
        domain: domain.map(str::to_owned),
        apple_pay: word(row.and_then(|row| row.apple_pay.as_ref())),
        google_pay: word(row.and_then(|row| row.google_pay.as_ref())),
        link: word(row.and_then(|row| row.link.as_ref())),
        note,
    }
}
