//! What an account still has to say before it may act, and what follows: where it stands, which of its
//! capabilities it may use, and when Stripe begins to verify it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account::{Account, Capability};
use crate::connect::person::{self, Person, Verdict};

/// Where an account's verification is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verification {
    /// Something is missing first.
    #[default]
    Waits,
    /// Stripe looks at what was given.
    Runs,
    /// It ended well.
    Passed,
    /// It ended badly: something is to be given again.
    Failed,
}

/// Where an account stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// What is missing.
    pub currently_due: Vec<String>,
    /// What is missing, or will be.
    pub eventually_due: Vec<String>,
    /// What was missing for too long.
    pub past_due: Vec<String>,
    /// What Stripe is looking at.
    pub pending_verification: Vec<String>,
    /// Until when what is missing must be given, in seconds.
    pub current_deadline: Option<i64>,
    /// Why it is not whole.
    pub disabled_reason: Option<String>,
    /// What was wrong: a code and the requirement.
    pub errors: Vec<(String, String)>,
}

impl Standing {
    /// The `requirements` of the account.
    pub fn render(&self, alternatives: &[Value]) -> Value {
        let errors: Vec<Value> = self
            .errors
            .iter()
            .map(|(code, requirement)| person::error(code, requirement))
            .collect();
        json!({
            "alternatives": alternatives, "current_deadline": self.current_deadline,
            "currently_due": self.currently_due, "disabled_reason": self.disabled_reason, "errors": errors,
            "eventually_due": self.eventually_due, "past_due": self.past_due,
            "pending_verification": self.pending_verification,
        })
    }
}

/// Requirements that only those have who take payments.
const MERCHANTS: [&str; 3] = [
    "business_profile.mcc",
    "business_profile.url",
    "settings.payments.statement_descriptor",
];

/// What is missing of an account, sorted as Stripe sorts it; with what will be missing when `eventually`.
pub fn missing(account: &Account, eventually: bool) -> Vec<String> {
    let mut due: Vec<String> = Vec::new();
    let mut need = |name: &str, missing: bool| {
        if missing {
            due.push(name.to_owned());
        }
    };
    let simple = account.business_type.is_none() && account.dashboard() == "full";
    let profile = &account.profile;
    let described = profile.url.is_some() || profile.product_description.is_some();
    if simple {
        need(
            "business_profile.product_description",
            profile.product_description.is_none(),
        );
        need("business_profile.support_phone", profile.support_phone.is_none());
        need("business_profile.url", profile.url.is_none());
    } else if account.takes_payments() {
        need("business_profile.mcc", profile.mcc.is_none());
        need("business_profile.url", !described);
        need(
            "settings.payments.statement_descriptor",
            account.statement_descriptor().is_none(),
        );
    }
    need("business_type", account.business_type.is_none() && !simple);
    need("external_account", account.banks.is_empty());
    let terms = account.terms.as_ref();
    need(
        "tos_acceptance.date",
        terms.is_none_or(|terms| terms.date.is_none()),
    );
    need("tos_acceptance.ip", terms.is_none_or(|terms| terms.ip.is_none()));
    match account.business_type.as_deref() {
        None if simple => {}
        None => {
            need("representative.first_name", true);
            need("representative.last_name", true);
        }
        Some("individual") => {
            let nobody = Person::default();
            let person = account.individual().map_or(&nobody, |person| person);
            let missing = of_individual(account, person);
            due.extend(missing.iter().map(|name| format!("individual.{name}")));
        }
        Some(_) => of_company(account, eventually, &mut due),
    }
    due.sort();
    due
}

/// What is missing of the person that an account belongs to.
pub fn of_individual(account: &Account, person: &Person) -> Vec<&'static str> {
    let mut missing = person.missing(&account.country, true, false);
    // Who only gets money from the platform need not say how to be reached.
    let reached = |name: &str| name.starts_with("address.") || matches!(name, "email" | "phone");
    missing.retain(|name| account.takes_payments() || !reached(name));
    missing
}

fn of_company(account: &Account, eventually: bool, due: &mut Vec<String>) {
    let text = |name: &str| account.company.texts.contains_key(name);
    let address = &account.company.address;
    let american = account.country == "US";
    let known = [
        ("company.address.city", address.city.is_none()),
        ("company.address.line1", address.line1.is_none()),
        ("company.address.postal_code", address.postal_code.is_none()),
        ("company.address.state", american && address.state.is_none()),
        ("company.name", !text("name")),
        ("company.owners_provided", !account.company.provided[2]),
        ("company.phone", !text("phone")),
        ("company.tax_id", !text("tax_id")),
    ];
    due.extend(
        known
            .iter()
            .filter(|(_, missing)| *missing)
            .map(|(name, _)| (*name).to_owned()),
    );
    match account.persons.iter().find(|person| person.is("representative")) {
        None => {
            let missing = Person::default().missing(&account.country, true, true);
            due.extend(missing.iter().map(|name| format!("representative.{name}")));
        }
        Some(person) => {
            let missing = person.missing(&account.country, true, true);
            due.extend(missing.iter().map(|name| format!("{}.{name}", person.id)));
        }
    }
    let mut owners = account
        .persons
        .iter()
        .filter(|person| person.is("owner"))
        .peekable();
    if owners.peek().is_none() && !account.company.provided[2] {
        let now = ["owners.email", "owners.first_name", "owners.last_name"];
        due.extend(now.map(str::to_owned));
        if eventually {
            let later = [
                "address.city",
                "address.line1",
                "address.postal_code",
                "address.state",
                "dob.day",
                "dob.month",
                "dob.year",
                "phone",
            ];
            due.extend(later.map(|name| format!("owners.{name}")));
        }
    }
    for owner in owners.filter(|owner| !owner.is("representative")) {
        let missing = owner.missing(&account.country, false, false);
        due.extend(missing.iter().map(|name| format!("{}.{name}", owner.id)));
    }
}

/// Instead of a web site a description may be given.
pub fn alternatives(account: &Account) -> Vec<Value> {
    let due = &account.standing.currently_due;
    if due.iter().any(|name| name == "business_profile.url") && account.business_type.is_some() {
        return vec![json!({
            "alternative_fields_due": ["business_profile.product_description"],
            "original_fields_due": ["business_profile.url"],
        })];
    }
    Vec::new()
}

/// Whether what is due concerns a capability; only those who take payments must say what they sell.
pub fn concerns(requirement: &str, capability: &str) -> bool {
    capability != "transfers" || !MERCHANTS.contains(&requirement)
}

/// Says where an account stands by what it holds now; true when Stripe begins to verify it.
pub fn review(account: &mut Account) -> bool {
    if account.rejected.is_some() {
        stand_rejected(account);
        return false;
    }
    if account.persons.iter().any(|person| person.document[0].is_some())
        || account.company.document[0].is_some()
    {
        // What a test card asked for has come.
        let blocked = !std::mem::take(&mut account.blocks).is_empty();
        if blocked && account.kept {
            stand_whole(account);
        }
    }
    if account.kept {
        return false;
    }
    let due = missing(account, false);
    account.standing.eventually_due = missing(account, true);
    account.standing.currently_due = due;
    if !account.standing.currently_due.is_empty() {
        account.verification = Verification::Waits;
        stand_waiting(account);
        return false;
    }
    account.details_submitted = true;
    if account.verification == Verification::Waits && is_recipient(account) {
        stand_recipient(account);
        return false;
    }
    match account.verification {
        Verification::Passed => stand_whole(account),
        Verification::Failed if account.persons.iter().all(|person| person.failed.is_none()) => {
            return begin(account);
        }
        Verification::Failed => stand_failed(account),
        Verification::Waits => return begin(account),
        Verification::Runs => stand_verifying(account),
    }
    false
}

fn begin(account: &mut Account) -> bool {
    account.verification = Verification::Runs;
    for person in &mut account.persons {
        std::sync::Arc::make_mut(person).status = "pending".into();
    }
    stand_verifying(account);
    true
}

/// The verification ends, as Stripe's test values say.
pub fn decide(account: &mut Account) {
    if account.verification != Verification::Runs {
        return;
    }
    account.verification = Verification::Passed;
    for person in &mut account.persons {
        let person = std::sync::Arc::make_mut(person);
        match person.verdict() {
            Verdict::Match => {
                person.status = "verified".into();
                person.failed = None;
            }
            Verdict::Mismatch(code) => {
                person.status = "unverified".into();
                person.failed = Some(code.into());
                account.verification = Verification::Failed;
            }
        }
    }
    let company = account.business_type.as_deref() != Some("individual");
    let wrong = account
        .company
        .texts
        .get("tax_id")
        .is_some_and(|number| number == "111111111");
    if company && wrong && account.company.document[0].is_none() {
        account.verification = Verification::Failed;
    }
    review(account);
}

fn stand_rejected(account: &mut Account) {
    account.charges_enabled = false;
    account.payouts_enabled = false;
    account
        .capabilities
        .values_mut()
        .for_each(|status| *status = Capability::Inactive);
    let reason = account
        .rejected
        .as_ref()
        .map(|reason| format!("rejected.{reason}"));
    account.standing = Standing {
        disabled_reason: reason,
        ..Standing::default()
    };
}

fn stand_waiting(account: &mut Account) {
    let looking = looked_at(account);
    let standing = &mut account.standing;
    standing.past_due.clone_from(&standing.currently_due);
    standing.disabled_reason = Some("requirements.past_due".into());
    standing.errors.clear();
    let only_merchant = standing
        .currently_due
        .iter()
        .all(|name| MERCHANTS.contains(&name.as_str()));
    standing.pending_verification = if only_merchant { looking } else { Vec::new() };
    if only_merchant {
        for person in account
            .persons
            .iter_mut()
            .filter(|person| person.status == "unverified")
        {
            std::sync::Arc::make_mut(person).status = "pending".into();
        }
        account.details_submitted = true;
    }
    account.charges_enabled = false;
    account.payouts_enabled = false;
    for (name, status) in &mut account.capabilities {
        // Who takes no payments need not say what it sells.
        let active = only_merchant && name == "transfers";
        *status = if active {
            Capability::Active
        } else {
            Capability::Inactive
        };
    }
}

fn looked_at(account: &Account) -> Vec<String> {
    let individual = account.business_type.as_deref() == Some("individual");
    let named = |person: &Person| {
        let prefix = if individual {
            "individual".to_owned()
        } else {
            person.id.clone()
        };
        person
            .looked_at()
            .into_iter()
            .map(move |field| format!("{prefix}.{field}"))
            .collect::<Vec<_>>()
    };
    let mut fields: Vec<String> = account.persons.iter().flat_map(|person| named(person)).collect();
    if account.business_type.is_some() && !individual {
        fields.push("company.tax_id".into());
    }
    fields.sort();
    fields
}

fn stand_verifying(account: &mut Account) {
    let pending_verification = looked_at(account);
    account.charges_enabled = false;
    account.payouts_enabled = false;
    // What it may do already it goes on doing.
    let waiting = account.capabilities.values_mut();
    waiting
        .filter(|status| **status != Capability::Active)
        .for_each(|status| *status = Capability::Pending);
    account.standing = Standing {
        pending_verification,
        disabled_reason: Some("requirements.pending_verification".into()),
        ..Standing::default()
    };
}

/// Whether it is a person who only gets money from a platform that collects what Stripe wants to know, and
/// whom Stripe's test values do not make a suspect.
fn is_recipient(account: &Account) -> bool {
    let individual = account.business_type.as_deref() == Some("individual");
    let trusted = account
        .persons
        .iter()
        .all(|person| person.verdict() == Verdict::Match);
    individual && trusted && account.is_collected() && !account.takes_payments()
}

/// Such a person may be paid at once; a document comes later, when the amounts grow.
fn stand_recipient(account: &mut Account) {
    stand_whole(account);
    let person = account.individual().cloned();
    let later = person.map_or(Vec::new(), |person| later(account, &person));
    account.standing.eventually_due = later.iter().map(|name| format!("individual.{name}")).collect();
}

/// What will be missing of a person of whom nothing is missing yet.
pub fn later(account: &Account, person: &Person) -> Vec<&'static str> {
    let owes = is_recipient(account) && account.charges_enabled && person.document[0].is_none();
    if owes {
        vec!["verification.document"]
    } else {
        Vec::new()
    }
}

fn stand_failed(account: &mut Account) {
    let individual = account.business_type.as_deref() == Some("individual");
    let mut errors = Vec::new();
    for person in &account.persons {
        let prefix = if individual { "individual" } else { &person.id };
        errors.extend(
            person
                .failed
                .iter()
                .map(|code| (code.clone(), format!("{prefix}.verification.document"))),
        );
    }
    if errors.is_empty() {
        let code = "verification_failed_tax_id_match".to_owned();
        errors.push((code, "company.verification.document".to_owned()));
    }
    let due: Vec<String> = errors
        .iter()
        .map(|(_, requirement)| requirement.clone())
        .collect();
    account.charges_enabled = false;
    account.payouts_enabled = false;
    account
        .capabilities
        .values_mut()
        .for_each(|status| *status = Capability::Inactive);
    account.standing = Standing {
        currently_due: due.clone(),
        eventually_due: due.clone(),
        past_due: due,
        errors,
        disabled_reason: Some("requirements.past_due".into()),
        ..Standing::default()
    };
}

/// Nothing is missing: it can be paid and is paid out.
pub fn stand_whole(account: &mut Account) {
    account.charges_enabled = true;
    account.payouts_enabled = true;
    account.details_submitted = true;
    account
        .capabilities
        .values_mut()
        .for_each(|status| *status = Capability::Active);
    account.standing = Standing::default();
    account.apply_blocks();
}
