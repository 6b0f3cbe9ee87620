//! Connected accounts as the platform sees them: whether a tenant can take money, and what Stripe still
//! wants to know. Their events have no order of their own, so an account is always retrieved.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::account_id::AccountId;
use crate::client::{Client, Write};
use crate::error::{CallError, Unreadable};
use crate::form::{object_path, param, push_metadata, push_optional};
use crate::object::{self, PAGE_MAX, Page};

const PATH: &str = "/v1/accounts";

/// A connected account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// `acct_…`
    pub id: AccountId,
    /// Whether it may charge at all; a missing field reads as no.
    pub charges_enabled: bool,
    /// Whether its money is paid out.
    pub payouts_enabled: bool,
    /// Whether onboarding was finished once.
    pub details_submitted: bool,
    /// Capability name to `active`, `inactive` or `pending`.
    pub capabilities: BTreeMap<String, String>,
    /// What Stripe wants to know.
    pub requirements: Requirements,
    /// Lower-case ISO code.
    pub default_currency: Option<String>,
    /// Upper-case ISO code.
    pub country: Option<String>,
    /// The account owner's address.
    pub email: Option<String>,
    /// What we wrote on it when we made it.
    pub metadata: BTreeMap<String, String>,
}

/// What Stripe still wants to know about an account, by field name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    /// Needed by `current_deadline`.
    pub currently_due: Vec<String>,
    /// Missed; charges or payouts are stopped for it.
    pub past_due: Vec<String>,
    /// Needed some day.
    pub eventually_due: Vec<String>,
    /// Given, being checked by Stripe.
    pub pending_verification: Vec<String>,
    /// Seconds since the epoch.
    pub current_deadline: Option<i64>,
    /// Such as `requirements.past_due`, `under_review`, `rejected.fraud`.
    pub disabled_reason: Option<String>,
    /// What was given and did not do.
    pub errors: Vec<RequirementError>,
}

/// Why something that was given has to be given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequirementError {
    /// Such as `verification_document_not_readable`.
    pub code: String,
    /// Stripe's sentence, in English, written for the account's owner.
    pub reason: String,
    /// The field that it is about.
    pub requirement: String,
}

/// The parameters of a new account whose owner deals with Stripe directly: the owner pays Stripe's fees, has
/// the whole dashboard and answers for what is missing; Stripe bears the losses and asks for details. That
/// is what was called a Standard account. No bank detail is among them: those go from the owner to Stripe.
#[derive(Clone, Debug, Default)]
pub struct Create<'a> {
    /// Upper-case ISO code.
    pub country: Option<&'a str>,
    /// The owner's address.
    pub email: Option<&'a str>,
    /// `individual`, `company`, `non_profit` or `government_entity`.
    pub business_type: Option<&'a str>,
    /// The name that payers know.
    pub business_name: Option<&'a str>,
    /// The business's web site.
    pub business_url: Option<&'a str>,
    /// At most 50 pairs.
    pub metadata: Vec<(String, String)>,
}

/// A new account of the platform; `card_payments` and `transfers` are asked for.
pub fn create(new: &Create<'_>, idempotency_key: String) -> Write {
    let mut params = vec![
        param("controller[fees][payer]", "account"),
        param("controller[losses][payments]", "stripe"),
        param("controller[requirement_collection]", "stripe"),
        param("controller[stripe_dashboard][type]", "full"),
        param("capabilities[card_payments][requested]", true),
        param("capabilities[transfers][requested]", true),
    ];
    push_optional(&mut params, "country", new.country);
    push_optional(&mut params, "email", new.email);
    push_optional(&mut params, "business_type", new.business_type);
    push_optional(&mut params, "business_profile[name]", new.business_name);
    push_optional(&mut params, "business_profile[url]", new.business_url);
    push_metadata(&mut params, &new.metadata);
    Write {
        path: PATH.to_owned(),
        params,
        account: None,
        idempotency_key,
    }
}

/// The account that is called, or the platform itself: the smallest of all reads.
pub async fn own(client: &Client, account: Option<&AccountId>) -> Result<(), CallError> {
    client.read("/v1/account", &[], account).await.map(|_| ())
}

/// The id of the account that the key belongs to.
pub async fn own_id(client: &Client) -> Result<String, CallError> {
    let answer = client.read("/v1/account", &[], None).await?;
    Ok(object::require_text(&object::parse(&answer.body)?, "id")?)
}

/// The account as the platform sees it. `account_invalid` means that access to it is gone.
pub async fn retrieve(client: &Client, account_id: &AccountId) -> Result<Account, CallError> {
    let answer = client
        .read(&object_path(PATH, account_id.as_str()), &[], None)
        .await?;
    Ok(Account::parse(&answer.body)?)
}

/// The platform's accounts made at `created_gte_s` (seconds since the epoch) or later, newest first; the page
/// after `starting_after`.
pub async fn list(
    client: &Client,
    created_gte_s: i64,
    starting_after: Option<&AccountId>,
) -> Result<Page<Account>, CallError> {
    let mut query = vec![param("created[gte]", created_gte_s), param("limit", PAGE_MAX)];
    push_optional(&mut query, "starting_after", starting_after);
    let answer = client.read(PATH, &query, None).await?;
    Ok(object::page(&answer.body, Account::from_value)?)
}

impl Account {
    /// Reads the body of an answer.
    pub fn parse(body: &str) -> Result<Account, Unreadable> {
        Account::from_value(&object::parse(body)?)
    }

    /// Whether it can take a card payment now.
    pub fn can_take_cards(&self) -> bool {
        let card_payments = self.capabilities.get("card_payments");
        self.charges_enabled && card_payments.is_some_and(|status| status == "active")
    }

    /// Reads an account from an answer or an event.
    pub fn from_value(value: &Value) -> Result<Account, Unreadable> {
        object::require_kind(value, "account")?;
        Ok(Account {
            id: AccountId::parse(&object::require_text(value, "id")?)?,
            charges_enabled: object::flag(value, "charges_enabled"),
            payouts_enabled: object::flag(value, "payouts_enabled"),
            details_submitted: object::flag(value, "details_submitted"),
            capabilities: object::text_map(value, "capabilities"),
            requirements: value
                .get("requirements")
                .map(Requirements::from_value)
                .unwrap_or_default(),
            default_currency: object::text(value, "default_currency"),
            country: object::text(value, "country"),
            email: object::text(value, "email"),
            metadata: object::text_map(value, "metadata"),
        })
    }
}

impl Requirements {
    /// Reads requirements as Stripe writes them, or as they were kept.
    pub fn from_value(value: &Value) -> Requirements {
        Requirements {
            currently_due: object::texts(value, "currently_due"),
            past_due: object::texts(value, "past_due"),
            eventually_due: object::texts(value, "eventually_due"),
            pending_verification: object::texts(value, "pending_verification"),
            current_deadline: object::int(value, "current_deadline"),
            disabled_reason: object::text(value, "disabled_reason"),
            errors: value
                .get("errors")
                .and_then(Value::as_array)
                .map(|errors| errors.iter().map(RequirementError::from_value).collect())
                .unwrap_or_default(),
        }
    }
}

impl RequirementError {
    fn from_value(value: &Value) -> RequirementError {
        let text = |name| object::text(value, name).unwrap_or_default();
        RequirementError {
            code: text("code"),
            reason: text("reason"),
            requirement: text("requirement"),
        }
    }
}
