//! What an owner says to Stripe in the hosted onboarding, or what the control API says in the owner's place.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::account::{Account, Capability};
use crate::account_details::TermsAccepted;
use crate::connect::external_account::{self, Bank};
use crate::connect::person::Person;
use crate::connect::requirements::{self, Verification};
use crate::connect::{capability, tell};
use crate::error::ApiError;
use crate::event::Cause;
use crate::state::{Row, State};

/// How an onboarding ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All is said; Stripe verifies it and is content.
    #[default]
    Complete,
    /// Some is said, the rest later.
    Partial,
    /// All is said, and Stripe finds that it does not fit.
    Errors,
    /// Stripe wants nothing to do with it.
    Rejected,
}

/// What an owner says. What is left out is filled in with test values where the onboarding is completed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answers {
    /// The name that payers see.
    pub business_name: Option<String>,
    /// `individual`, `company`, `non_profit` or `government_entity`.
    pub business_type: Option<String>,
    /// Web site.
    pub url: Option<String>,
    /// What it sells.
    pub product_description: Option<String>,
    /// The owner's first name.
    pub first_name: Option<String>,
    /// The owner's last name.
    pub last_name: Option<String>,
    /// The bank account's number.
    pub account_number: Option<String>,
    /// The bank's number.
    pub routing_number: Option<String>,
}

/// A request of the control API.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wanted {
    outcome: Outcome,
    answers: Answers,
    /// Whether Stripe decides at once instead of a moment later.
    at_once: bool,
}

/// `POST /_simulator/accounts/{id}/onboard`.
///
/// # Errors
/// 404 for an unknown account, 400 for an unknown kind of business.
pub fn control(state: &mut State, id: &str, wanted: &Wanted) -> Result<Value, ApiError> {
    let found = Account::table(state)
        .anywhere(id)
        .filter(|account| !account.deleted)
        .cloned();
    let old = found.ok_or_else(|| ApiError::no_such("account", id, "account"))?;
    let kinds = ["company", "government_entity", "individual", "non_profit"];
    if wanted
        .answers
        .business_type
        .as_deref()
        .is_some_and(|kind| !kinds.contains(&kind))
    {
        return Err(ApiError::invalid("business_type: no such kind of business."));
    }
    finish(state, &old, &wanted.answers, wanted.outcome);
    if wanted.at_once {
        tell::verify(state, id);
    }
    let account = Account::table(state).anywhere(id);
    Ok(account.map_or(json!(null), |account| account.render()))
}

/// Carries an onboarding out.
pub fn finish(state: &mut State, old: &Arc<Account>, answers: &Answers, outcome: Outcome) -> Arc<Account> {
    let mut account = Account::clone(old);
    account.kept = false;
    account.linked = true;
    account.verification = Verification::Waits;
    account.rejected = None;
    say(&mut account, answers);
    if outcome == Outcome::Partial {
        account.details_submitted = false;
        requirements::review(&mut account);
        account.details_submitted = false;
    } else {
        fill(state, &mut account, answers, outcome == Outcome::Errors);
        account.rejected = (outcome == Outcome::Rejected).then(|| "other".to_owned());
    }
    account.name_parts(state);
    tell::reviewed(state, &Cause::default(), old, account)
}

fn say(account: &mut Account, answers: &Answers) {
    let set = |field: &mut Option<String>, answer: &Option<String>| {
        if let Some(answer) = answer.as_ref().filter(|answer| !answer.is_empty()) {
            *field = Some(answer.clone());
        }
    };
    set(&mut account.business_type, &answers.business_type);
    set(&mut account.profile.name, &answers.business_name);
    set(&mut account.profile.url, &answers.url);
    set(
        &mut account.profile.product_description,
        &answers.product_description,
    );
}

/// Says all that an owner says, as Stripe's test values have it.
fn fill(state: &mut State, account: &mut Account, answers: &Answers, wrong: bool) {
    let kind = account
        .business_type
        .get_or_insert_with(|| "individual".into())
        .clone();
    let profile = &mut account.profile;
    profile.mcc.get_or_insert_with(|| "5734".into());
    profile.support_phone.get_or_insert_with(|| "0000000000".into());
    profile.name.get_or_insert_with(|| "Test business".into());
    if profile.url.is_none() {
        profile
            .product_description
            .get_or_insert_with(|| "What a test business sells".into());
    }
    fill_owner(state, account, answers, wrong, kind != "individual");
    if kind != "individual" {
        let name = account.profile.name.clone().unwrap_or_default();
        let address = account.persons.first().map(|person| person.address.clone());
        let company = &mut account.company;
        for (field, value) in [
            ("name", name.as_str()),
            ("tax_id", "000000000"),
            ("phone", "0000000000"),
        ] {
            company
                .texts
                .entry(field.to_owned())
                .or_insert_with(|| value.to_owned());
        }
        company.address = address.unwrap_or_default();
        company.provided = [true; 3];
    }
    if account.banks.is_empty() || answers.account_number.is_some() {
        let number = answers.account_number.as_deref().unwrap_or("000123456789");
        let routing = answers.routing_number.as_deref().unwrap_or("110000000");
        let bank = Bank::numbered(
            state.settings.seed,
            number,
            &account.country,
            &account.default_currency,
        );
        external_account::replace(
            account,
            Bank {
                routing_number: Some(routing.to_owned()),
                ..bank
            },
        );
    }
    account.terms = Some(TermsAccepted {
        date: Some(state.now_s()),
        ip: Some("127.0.0.1".into()),
        ..TermsAccepted::default()
    });
    account.details_submitted = true;
    if account.capabilities.is_empty() {
        for name in ["card_payments", "transfers"] {
            capability::set(account, name, true, state.now_s());
        }
    }
    account
        .capabilities
        .values_mut()
        .for_each(|status| *status = Capability::Inactive);
}

fn fill_owner(state: &State, account: &mut Account, answers: &Answers, wrong: bool, titled: bool) {
    let at = account
        .persons
        .iter()
        .position(|person| person.is("representative"));
    let mut person = match at {
        Some(at) => Person::clone(&account.persons[at]),
        None => Person::new(String::new(), state.now_s()),
    };
    person.set_role("representative", true);
    let email = account
        .email
        .clone()
        .unwrap_or_else(|| "owner@example.com".into());
    let mut given = vec![
        ("email", email.as_str()),
        ("phone", "+10000000000"),
        ("ssn_last_4", "0000"),
    ];
    given.extend(titled.then_some(("title", "CEO")));
    for (field, value) in given {
        person
            .texts
            .entry(field.to_owned())
            .or_insert_with(|| value.to_owned());
    }
    for (field, answer, usual) in [
        ("first_name", &answers.first_name, "Jenny"),
        ("last_name", &answers.last_name, "Rosen"),
    ] {
        match answer.as_ref().filter(|answer| !answer.is_empty()) {
            Some(answer) => drop(person.texts.insert(field.to_owned(), answer.clone())),
            None => drop(
                person
                    .texts
                    .entry(field.to_owned())
                    .or_insert_with(|| usual.to_owned()),
            ),
        }
    }
    let number = if wrong { "111111111" } else { "000000000" };
    person.texts.insert("id_number".into(), number.into());
    person.document = [const { None }; 2];
    person.failed = None;
    person.born.get_or_insert([1, 1, 1901]);
    let address = &mut person.address;
    address.line1.get_or_insert_with(|| "address_full_match".into());
    address.city.get_or_insert_with(|| "San Francisco".into());
    address.state.get_or_insert_with(|| "CA".into());
    address.postal_code.get_or_insert_with(|| "94107".into());
    match at {
        Some(at) => account.persons[at] = Arc::new(person),
        None => account.persons.push(Arc::new(person)),
    }
}
