//! A connected account, and the platform's own: what it holds and how it looks. What requests do to accounts
//! is in `accounts`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account_details::{Bank, Person, Profile, TermsAccepted};
use crate::currency;
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::Params;
use crate::state::{Object, Row, Shown, Space, State};

/// How far a capability is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// It can be used.
    Active,
    /// It cannot.
    Inactive,
    /// Stripe is looking.
    Pending,
}

/// Who pays, who bears losses, and what the account's owner sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Controller {
    /// `fees.payer`.
    pub fees: String,
    /// `losses.payments`.
    pub losses: String,
    /// `requirement_collection`.
    pub collection: String,
    /// `stripe_dashboard.type`.
    pub dashboard: String,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// `acct_…`.
    pub id: String,
    /// The platform's space: it is the platform that sees the account.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// `standard`, `express`, `custom` or `none`.
    pub kind: String,
    /// Who controls what; `None` is the platform itself.
    pub controller: Option<Controller>,
    /// Two-letter country.
    pub country: String,
    /// Email.
    pub email: Option<String>,
    /// The currency of its balance.
    pub default_currency: String,
    /// `individual`, `company`, …
    pub business_type: Option<String>,
    /// What it sells.
    pub profile: Profile,
    /// What it may do.
    pub capabilities: BTreeMap<String, Capability>,
    /// Whether it can be paid.
    pub charges_enabled: bool,
    /// Whether it is paid out.
    pub payouts_enabled: bool,
    /// Whether its owner has given all details.
    pub details_submitted: bool,
    /// Its owner.
    pub individual: Option<Person>,
    /// When and where the terms were accepted.
    pub terms: Option<TermsAccepted>,
    /// Where it is paid out to.
    pub banks: Vec<Bank>,
    /// What is missing.
    pub currently_due: Vec<String>,
    /// What Stripe is looking at.
    pub pending_verification: Vec<String>,
    /// Why it is not whole.
    pub disabled_reason: Option<String>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

impl Account {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let requirements = json!({
            "alternatives": [], "current_deadline": null, "currently_due": self.currently_due,
            "disabled_reason": self.disabled_reason, "errors": [], "eventually_due": self.currently_due,
            "past_due": [], "pending_verification": self.pending_verification,
        });
        let nothing = json!({
            "alternatives": [], "current_deadline": null, "currently_due": [], "disabled_reason": null,
            "errors": [],
            "eventually_due": [], "past_due": [], "pending_verification": [],
        });
        let banks: Vec<Value> = self.banks.iter().map(|bank| bank.render(&self.id)).collect();
        let mut account = json!({
            "id": self.id, "object": "account", "business_profile": self.profile.render(),
            "business_type": self.business_type, "capabilities": self.capabilities,
            "charges_enabled": self.charges_enabled, "controller": self.render_controller(),
            "country": self.country, "created": self.created, "default_currency": self.default_currency,
            "details_submitted": self.details_submitted, "email": self.email,
            "external_accounts": {
                "data": banks, "has_more": false, "object": "list", "total_count": banks.len(),
                "url": format!("/v1/accounts/{}/external_accounts", self.id),
            },
            "future_requirements": nothing, "metadata": self.metadata,
            "payouts_enabled": self.payouts_enabled,
            "requirements": requirements, "settings": self.profile.render_settings(),
            "tos_acceptance": TermsAccepted::render(self.terms.as_ref()), "type": self.kind,
        });
        if let (Some(person), Value::Object(fields)) = (&self.individual, &mut account) {
            fields.insert("individual".into(), person.render(&self.id, self.created));
        }
        account
    }

    fn render_controller(&self) -> Value {
        match &self.controller {
            None => json!({ "type": "account" }),
            Some(controller) => json!({
                "fees": { "payer": controller.fees }, "is_controller": true,
                "losses": { "payments": controller.losses },
                "requirement_collection": controller.collection,
                "stripe_dashboard": { "type": controller.dashboard }, "type": "application",
            }),
        }
    }

    /// Where its own objects and events live.
    pub fn own_space(&self, state: &State) -> Space {
        let account = Some(self.id.clone()).filter(|id| *id != state.settings.platform);
        Space {
            livemode: self.space.livemode,
            account,
        }
    }

    /// Reads what create and update share.
    ///
    /// # Errors
    /// 400 for a malformed or unknown parameter.
    pub fn change(&mut self, state: &mut State, params: &mut Params) -> Result<(), ApiError> {
        params.update("email")?.apply(&mut self.email);
        let kinds = ["company", "government_entity", "individual", "non_profit"];
        if let Some(word) = params.choice("business_type", &kinds)? {
            self.business_type = Some(word.to_owned());
        }
        if let Some(profile) = params.map("business_profile")? {
            self.profile.update(profile)?;
        }
        if let Some(settings) = params.map("settings")? {
            self.profile.update_settings(settings)?;
        }
        if let Some(currency) = params.text("default_currency")? {
            self.default_currency = currency::parse(&currency)?;
        }
        if let Some(capabilities) = params.map("capabilities")? {
            self.request(capabilities)?;
        }
        if let Some(person) = params.map("individual")? {
            let id = state.id("person_1", 23);
            self.individual
                .get_or_insert_with(|| Person::new(id))
                .update(person)?;
        }
        if let Some(terms) = params.map("tos_acceptance")? {
            self.terms = Some(TermsAccepted::read(terms)?);
        }
        if let Some(bank) = params.map("external_account")? {
            let id = state.id("ba_1", 23);
            self.banks = vec![Bank::read(id, bank)?];
        }
        params.metadata()?.apply(&mut self.metadata)
    }

    fn request(&mut self, mut capabilities: Params) -> Result<(), ApiError> {
        for name in [
            "card_payments",
            "transfers",
            "us_bank_account_ach_payments",
            "link_payments",
            "tax_reporting_us_1099_k",
        ] {
            let Some(mut one) = capabilities.map(name)? else {
                continue;
            };
            match one.boolean("requested")? {
                Some(true) => drop(
                    self.capabilities
                        .entry(name.to_owned())
                        .or_insert(Capability::Inactive),
                ),
                Some(false) => drop(self.capabilities.remove(name)),
                None => {}
            }
            one.finish()?;
        }
        capabilities.finish()
    }

    /// What is missing decides where the account stands, until it is whole; true when nothing is, and the
    /// verification begins.
    pub fn review(&mut self) -> bool {
        if self.charges_enabled {
            return false;
        }
        let due = [
            ("business_profile.mcc", self.profile.mcc.is_none()),
            (
                "business_profile.url",
                self.profile.url.is_none() && self.profile.product_description.is_none(),
            ),
            ("external_account", self.banks.is_empty()),
            ("individual.first_name", self.individual.is_none()),
            ("tos_acceptance.date", self.terms.is_none()),
        ];
        self.currently_due = due
            .iter()
            .filter(|(_, missing)| *missing)
            .map(|(name, _)| (*name).to_owned())
            .collect();
        self.details_submitted = self.currently_due.is_empty();
        if !self.details_submitted {
            self.disabled_reason = Some("requirements.past_due".into());
            return false;
        }
        self.disabled_reason = Some("requirements.pending_verification".into());
        self.pending_verification = vec!["individual.id_number".into()];
        self.capabilities
            .values_mut()
            .for_each(|capability| *capability = Capability::Pending);
        true
    }

    /// Makes the account whole: it can be paid and is paid out.
    pub fn enable(&mut self) {
        self.charges_enabled = true;
        self.payouts_enabled = true;
        self.details_submitted = true;
        self.currently_due.clear();
        self.pending_verification.clear();
        self.disabled_reason = None;
        self.capabilities
            .values_mut()
            .for_each(|capability| *capability = Capability::Active);
    }
}

impl Shown for Account {
    const OF_PLATFORM: bool = true;

    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

/// The platform's own account, which is in both modes.
pub fn platform(state: &State, livemode: bool) -> Account {
    let mut account = blank(
        state.settings.platform.clone(),
        Space {
            livemode,
            account: None,
        },
        1_700_000_000,
        "US",
    );
    account.kind = "standard".into();
    account.controller = None;
    account.profile.name = Some(state.settings.platform_name.clone());
    account.capabilities = ["card_payments", "transfers"]
        .map(|name| (name.to_owned(), Capability::Active))
        .into();
    account.enable();
    account
}

/// The account that a space belongs to.
///
/// # Errors
/// 403 `account_invalid` when there is none.
pub fn of_space(state: &State, space: &Space) -> Result<Arc<Account>, ApiError> {
    match &space.account {
        None => Ok(Arc::new(platform(state, space.livemode))),
        Some(id) => state.get::<Account>(&space.platform(), id),
    }
}

/// Whether the account of a space can be paid by card.
///
/// # Errors
/// 400 when it is switched off.
pub fn check_can_charge(state: &State, space: &Space) -> Result<(), ApiError> {
    if space.account.is_none() {
        return Ok(());
    }
    let account = of_space(state, space)?;
    if !account.charges_enabled {
        return Err(ApiError::invalid(
            "This Connect account cannot currently make live charges. The `requirements.disabled_reason` \
             property on the account will provide information about why this account is currently disabled. \
             If you are a customer trying to make a purchase, please contact the owner of this site. Your \
             transaction has not been processed.",
        ));
    }
    if account.capabilities.get("card_payments") != Some(&Capability::Active) {
        return Err(ApiError::invalid(
            "You cannot create a charge on a connected account without the `card_payments` capability \
             enabled.",
        ));
    }
    Ok(())
}

/// An account with nothing in it.
pub fn blank(id: String, space: Space, created: i64, country: &str) -> Account {
    let currency = match country {
        "US" => "usd",
        "GB" => "gbp",
        "CA" => "cad",
        "AU" => "aud",
        "CH" => "chf",
        "JP" => "jpy",
        "SE" => "sek",
        "DK" => "dkk",
        "NO" => "nok",
        "NZ" => "nzd",
        _ => "eur",
    };
    Account {
        id,
        space,
        created,
        kind: "none".into(),
        controller: Some(Controller {
            fees: "account".into(),
            losses: "stripe".into(),
            collection: "stripe".into(),
            dashboard: "full".into(),
        }),
        country: country.to_owned(),
        email: None,
        default_currency: currency.to_owned(),
        business_type: None,
        profile: Profile::default(),
        capabilities: BTreeMap::new(),
        charges_enabled: false,
        payouts_enabled: false,
        details_submitted: false,
        individual: None,
        terms: None,
        banks: Vec::new(),
        currently_due: Vec::new(),
        pending_verification: Vec::new(),
        disabled_reason: None,
        metadata: BTreeMap::new(),
    }
}

/// Stores a changed account and tells of it.
pub fn changed(state: &mut State, cause: &Cause, old: &Account, account: Account) -> Arc<Account> {
    let account = state.put(account);
    let previous = event::previous(&old.render(), &account.render());
    if previous.is_some() {
        event::emit(
            state,
            cause,
            "account.updated",
            Object::Account(Arc::clone(&account)),
            previous,
        );
    }
    account
}

/// The verification of a custom account ends well.
pub fn verify(state: &mut State, id: &str) {
    let Some(old) = Account::table(state).anywhere(id).cloned() else {
        return;
    };
    let mut account = Account::clone(&old);
    account.enable();
    changed(state, &Cause::default(), &old, account);
}
