//! A connected account, and the platform's own: what it holds, how it looks, and how its changes are told.
//! What requests do to accounts is in `accounts`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::account_details::{Profile, Settings, TermsAccepted};
use crate::connect::company::Company;
use crate::connect::descriptor;
use crate::connect::external_account::Bank;
use crate::connect::person::Person;
use crate::connect::requirements::{self, Standing, Verification};
use crate::error::ApiError;
use crate::state::{Row, Shown, Space, State};

/// After this long what a test card made due is too late.
const DEADLINE_S: i64 = 1_209_600;

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

/// What a test card does to the account that takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// More is to be said about the account, in two weeks at the latest.
    Requirements,
    /// It takes no more payments until its owner is verified.
    Charges,
    /// It is not paid out until its owner is verified.
    Payouts,
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
    /// Whether the platform made it; else its owner connected it.
    pub ours: bool,
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
    /// How it is set up.
    pub settings: Settings,
    /// The company it belongs to.
    pub company: Company,
    /// The people behind it; the representative of an individual's account is its owner.
    pub persons: Vec<Arc<Person>>,
    /// What it may do.
    pub capabilities: BTreeMap<String, Capability>,
    /// When each capability was asked for, in seconds.
    pub requested: BTreeMap<String, i64>,
    /// Whether it can be paid.
    pub charges_enabled: bool,
    /// Whether it is paid out.
    pub payouts_enabled: bool,
    /// Whether its owner has given all details.
    pub details_submitted: bool,
    /// When and where the terms were accepted.
    pub terms: Option<TermsAccepted>,
    /// Where it is paid out to.
    pub banks: Vec<Arc<Bank>>,
    /// What is missing, and what follows.
    pub standing: Standing,
    /// How far Stripe is with verifying it.
    pub verification: Verification,
    /// Why the platform or Stripe wants nothing to do with it, such as `fraud`.
    pub rejected: Option<String>,
    /// What test cards did to it, and when that was, in seconds.
    pub blocks: Vec<(Block, i64)>,
    /// Whether its standing was set through the control API and stays as it is.
    pub kept: bool,
    /// Whether its owner was sent to Stripe: since then the platform may not write details that Stripe
    /// collects.
    pub linked: bool,
    /// Whether the platform has access.
    pub connected: bool,
    /// Whether the platform may only read there.
    pub read_only: bool,
    /// Whether it was deleted.
    pub deleted: bool,
    /// `groups[payments_pricing]`.
    pub pricing_group: Option<String>,
    /// The files given as `documents[…]`, by what they prove.
    pub documents: BTreeMap<String, Vec<String>>,
    /// Which configurations its v2 face was given, such as `merchant`.
    pub configured: Vec<String>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

impl Account {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let banks: Vec<Value> = self.banks.iter().map(|bank| bank.render(&self.id)).collect();
        let display = self
            .profile
            .name
            .as_ref()
            .or_else(|| self.company.texts.get("name"));
        let debits = self.losses() != "application" || self.dashboard() != "none";
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
            "future_requirements": Standing::default().render(&[]), "metadata": self.metadata,
            "payouts_enabled": self.payouts_enabled,
            "requirements": self.standing.render(&requirements::alternatives(self)),
            "settings": self.settings.render(display, debits),
            "tos_acceptance": TermsAccepted::render(self.terms.as_ref()), "type": self.kind,
        });
        if let Value::Object(fields) = &mut account {
            self.render_owner(fields);
        }
        account
    }

    /// What the platform sees of the owner: all as long as the platform itself collects it, else the names.
    fn render_owner(&self, fields: &mut Map<String, Value>) {
        let whole = self.is_collected() || !self.linked;
        if self.controller.is_some() && self.business_type.is_some() {
            let company = if whole {
                self.render_company()
            } else {
                json!({ "name": self.company.texts.get("name") })
            };
            fields.insert("company".into(), company);
        }
        if let Some(person) = self.individual() {
            let mut person = if whole {
                self.render_person(person)
            } else {
                person.render_little(&self.id)
            };
            if let Value::Object(person) = &mut person {
                person.remove("additional_tos_acceptances");
            }
            fields.insert("individual".into(), person);
        }
        if self.dashboard() == "express" {
            let url = format!("/v1/accounts/{}/login_links", self.id);
            fields.insert("login_links".into(), crate::list::inside([], url));
        }
        if let Some(group) = &self.pricing_group {
            fields.insert("groups".into(), json!({ "payments_pricing": group }));
        }
    }

    fn render_company(&self) -> Value {
        let Some(person) = self.individual() else {
            return self.company.render(&self.country);
        };
        // An individual is its own company.
        let mut company = self.company.clone();
        if company.texts.is_empty() {
            company.provided = [true; 3];
            company.address = person.address.clone();
            if let Some(phone) = person.texts.get("phone") {
                company.texts.insert("phone".into(), phone.clone());
            }
        }
        company.render(&self.country)
    }

    /// One of its persons as Stripe writes it.
    pub fn render_person(&self, person: &Person) -> Value {
        let representative = person.is("representative");
        let titled = self.business_type.as_deref() != Some("individual");
        let due = match (
            representative || person.is("owner"),
            self.charges_enabled || self.kept,
        ) {
            (true, false) if titled => person.missing(&self.country, representative, true),
            (true, false) => requirements::of_individual(self, person),
            _ => Vec::new(),
        };
        let later = requirements::later(self, person);
        person.render(&self.id, &self.country, &due, &later)
    }

    fn render_controller(&self) -> Value {
        match &self.controller {
            None => json!({ "type": "account" }),
            Some(controller) if !controller.ours => json!({ "is_controller": false, "type": "application" }),
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

    /// `full`, `express` or `none`.
    pub fn dashboard(&self) -> &str {
        self.controller
            .as_ref()
            .map_or("full", |controller| &controller.dashboard)
    }

    /// Who answers for what the account owes: `stripe` or `application`.
    pub fn losses(&self) -> &str {
        self.controller
            .as_ref()
            .map_or("stripe", |controller| &controller.losses)
    }

    /// Whether the platform itself collects what Stripe wants to know.
    pub fn is_collected(&self) -> bool {
        self.controller
            .as_ref()
            .is_some_and(|controller| controller.collection == "application")
    }

    /// Whether it wants to be paid by others than the platform.
    pub fn takes_payments(&self) -> bool {
        self.capabilities.keys().any(|name| name.ends_with("_payments"))
    }

    /// The one whom an individual's account belongs to.
    pub fn individual(&self) -> Option<&Arc<Person>> {
        let individual = self.business_type.as_deref() == Some("individual");
        self.persons
            .iter()
            .find(|person| individual && person.is("representative"))
    }

    /// What stands on its payers' statements: what it says, or what its name says.
    pub fn statement_descriptor(&self) -> Option<String> {
        if let Some(text) = self.settings.text("payments.statement_descriptor") {
            return Some(text.clone());
        }
        let url = || self.profile.url.as_ref().map(|url| descriptor::host(url));
        let person = || {
            let texts = &self.individual()?.texts;
            Some(format!(
                "{} {}",
                texts.get("first_name")?,
                texts.get("last_name")?
            ))
        };
        let name = self
            .profile
            .name
            .clone()
            .or_else(|| self.company.texts.get("name").cloned());
        let text = name.or_else(url).or_else(person)?;
        let allowed = text.to_uppercase().replace(['<', '>', '\\', '\'', '"', '*'], "");
        let text: String = allowed.chars().take(22).collect();
        Some(text.trim().to_owned()).filter(|text| text.chars().count() >= 5)
    }

    /// Gives ids to the parts that were added.
    pub fn name_parts(&mut self, state: &mut State) {
        for person in self.persons.iter_mut().filter(|person| person.id.is_empty()) {
            Arc::make_mut(person).id = state.id("person_1", 23);
        }
        for bank in self.banks.iter_mut().filter(|bank| bank.id.is_empty()) {
            let id = crate::connect::external_account::id(state, bank);
            let bank = Arc::make_mut(bank);
            bank.id = id;
            bank.token = None;
        }
    }

    /// Applies what test cards did.
    pub fn apply_blocks(&mut self) {
        let due = match self.individual() {
            Some(_) => "individual.verification.document".to_owned(),
            None => "company.verification.document".to_owned(),
        };
        for (block, at_s) in self.blocks.clone() {
            let standing = &mut self.standing;
            standing.currently_due = vec![due.clone()];
            standing.eventually_due = vec![due.clone()];
            match block {
                Block::Requirements => standing.current_deadline = Some(at_s.saturating_add(DEADLINE_S)),
                Block::Charges => {
                    self.charges_enabled = false;
                    let paid = self
                        .capabilities
                        .iter_mut()
                        .filter(|(name, _)| name.ends_with("_payments"));
                    paid.for_each(|(_, status)| *status = Capability::Inactive);
                }
                Block::Payouts => {
                    self.payouts_enabled = false;
                }
            }
            if block != Block::Requirements {
                standing.past_due = vec![due.clone()];
                standing.disabled_reason = Some("requirements.past_due".into());
            }
        }
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
    requirements::stand_whole(&mut account);
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

/// An account that the platform has access to, in a mode.
pub fn connected(state: &State, livemode: bool, id: &str) -> Option<Arc<Account>> {
    let space = Space {
        livemode,
        account: None,
    };
    let account = Account::table(state).at(&space, id)?;
    (account.connected && !account.deleted).then(|| Arc::clone(account))
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
        "CH" | "LI" => "chf",
        "JP" => "jpy",
        "SE" => "sek",
        "DK" => "dkk",
        "NO" => "nok",
        "NZ" => "nzd",
        "SG" => "sgd",
        "HK" => "hkd",
        "MX" => "mxn",
        "BR" => "brl",
        "IN" => "inr",
        "PL" => "pln",
        "CZ" => "czk",
        "HU" => "huf",
        "RO" => "ron",
        "TH" => "thb",
        "MY" => "myr",
        "AE" => "aed",
        "PH" => "php",
        "GM" => "gmd",
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
            ours: true,
        }),
        country: country.to_owned(),
        email: None,
        default_currency: currency.to_owned(),
        business_type: None,
        profile: Profile::default(),
        settings: Settings::default(),
        company: Company::default(),
        persons: Vec::new(),
        capabilities: BTreeMap::new(),
        requested: BTreeMap::new(),
        charges_enabled: false,
        payouts_enabled: false,
        details_submitted: false,
        terms: None,
        banks: Vec::new(),
        standing: Standing::default(),
        verification: Verification::Waits,
        rejected: None,
        blocks: Vec::new(),
        kept: false,
        linked: false,
        connected: true,
        read_only: false,
        deleted: false,
        pricing_group: None,
        documents: BTreeMap::new(),
        configured: Vec::new(),
        metadata: BTreeMap::new(),
    }
}
