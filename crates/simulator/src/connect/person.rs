//! The persons of an account: its owner or representative, directors, executives and owners.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::account_details::{TermsAccepted, Texts, read_texts};
use crate::address::Address;
use crate::connect::company::{date, document, japanese, render_japanese};
use crate::error::ApiError;
use crate::form::{Params, Update};

const PLAIN_TEXTS: [&str; 8] = [
    "email",
    "first_name",
    "first_name_kana",
    "first_name_kanji",
    "last_name",
    "last_name_kana",
    "last_name_kanji",
    "maiden_name",
];
const ROLES: [&str; 6] = [
    "authorizer",
    "director",
    "executive",
    "legal_guardian",
    "owner",
    "representative",
];

/// A person.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    /// `person_…`.
    pub id: String,
    /// When it was made, in seconds.
    pub created: i64,
    /// Its plain texts, such as `first_name`, and the secret ones, such as `id_number`.
    pub texts: Texts,
    /// Day, month, year.
    pub born: Option<[i64; 3]>,
    /// Where it lives.
    pub address: Address,
    address_kana: Option<Texts>,
    address_kanji: Option<Texts>,
    registered_address: Option<Address>,
    aliases: Vec<String>,
    /// Which of `owner`, `representative`, … it is.
    pub roles: Vec<String>,
    percent_ownership: Option<f64>,
    /// The front and the back of an identity document.
    pub document: [Option<String>; 2],
    additional_document: [Option<String>; 2],
    terms: Option<TermsAccepted>,
    metadata: BTreeMap<String, String>,
    /// How far its verification is: `unverified`, `pending` or `verified`.
    pub status: String,
    /// Why its verification failed, as a code.
    pub failed: Option<String>,
}

/// What becomes of a person's verification, by Stripe's test values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the person.
    Match,
    /// It is not; the code says what does not fit.
    Mismatch(&'static str),
}

impl Person {
    /// Someone of whom nothing is known.
    pub fn new(id: String, created: i64) -> Person {
        Person {
            id,
            created,
            status: "unverified".into(),
            ..Person::default()
        }
    }

    /// Whether it is an `owner`, a `representative`, …
    pub fn is(&self, role: &str) -> bool {
        self.roles.iter().any(|known| known == role)
    }

    /// Gives it a role, or takes it away.
    pub fn set_role(&mut self, role: &str, holds: bool) {
        self.roles.retain(|known| known != role);
        if holds {
            self.roles.push(role.to_owned());
        }
    }

    /// Reads what is given of a person.
    ///
    /// # Errors
    /// 400 for a malformed or unknown parameter.
    pub fn update(&mut self, mut params: Params, country: &str) -> Result<(), ApiError> {
        read_texts(&mut params, &PLAIN_TEXTS, &mut self.texts)?;
        read_texts(
            &mut params,
            &["gender", "nationality", "political_exposure", "phone"],
            &mut self.texts,
        )?;
        read_texts(
            &mut params,
            &["id_number", "id_number_secondary", "ssn_last_4"],
            &mut self.texts,
        )?;
        self.check_texts(&params)?;
        if let Some(given) = self.texts.get_mut("phone") {
            *given = phone(given, country);
        }
        if let Some(aliases) = params.texts("full_name_aliases")? {
            self.aliases = aliases;
        }
        if params.has("dob") {
            // An empty text takes the date away.
            self.born = params.map("dob")?.map(date).transpose()?;
        }
        if let Some(address) = params.map("address")? {
            self.address.update(address)?;
        }
        japanese(params.map("address_kana")?, &mut self.address_kana)?;
        japanese(params.map("address_kanji")?, &mut self.address_kanji)?;
        if let Some(address) = params.map("registered_address")? {
            self.registered_address
                .get_or_insert_with(Address::default)
                .update(address)?;
        }
        if let Some(relationship) = params.map("relationship")? {
            self.relate(relationship)?;
        }
        if let Some(mut verification) = params.map("verification")? {
            if let Some(given) = verification.map("document")? {
                document(given, &mut self.document)?;
            }
            if let Some(given) = verification.map("additional_document")? {
                document(given, &mut self.additional_document)?;
            }
            verification.finish()?;
        }
        if let Some(mut terms) = params.map("additional_tos_acceptances")? {
            if let Some(account) = terms.map("account")? {
                self.terms = Some(TermsAccepted::read(account)?);
            }
            terms.finish()?;
        }
        params.metadata()?.apply(&mut self.metadata)?;
        params.finish()
    }

    fn check_texts(&self, params: &Params) -> Result<(), ApiError> {
        let wrong = |name: &str, message: &str| Err(ApiError::invalid(message).param(params.name(name)));
        if self.texts.get("email").is_some_and(|email| !email.contains('@')) {
            let error = ApiError::invalid("Invalid email address.").code("email_invalid");
            return Err(error.param(params.name("email")));
        }
        if self
            .texts
            .get("political_exposure")
            .is_some_and(|word| word != "none" && word != "existing")
        {
            return wrong(
                "political_exposure",
                "Invalid political_exposure: must be one of existing or none",
            );
        }
        if self
            .texts
            .get("gender")
            .is_some_and(|word| word != "male" && word != "female")
        {
            return wrong("gender", "Gender must be one of: male, female.");
        }
        let digits = |text: &String| text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        if self.texts.get("ssn_last_4").is_some_and(|last| !digits(last)) {
            return wrong(
                "ssn_last_4",
                "The last 4 digits of a social security number are four digits.",
            );
        }
        Ok(())
    }

    fn relate(&mut self, mut params: Params) -> Result<(), ApiError> {
        for role in ROLES {
            if let Some(holds) = params.boolean(role)? {
                self.set_role(role, holds);
            }
        }
        match params.update("percent_ownership")? {
            Update::Keep => {}
            Update::Clear => self.percent_ownership = None,
            Update::Set(text) => {
                let share = text
                    .parse::<f64>()
                    .ok()
                    .filter(|share| (0.0..=100.0).contains(share));
                self.percent_ownership = Some(share.ok_or_else(|| {
                    ApiError::invalid("Invalid percent_ownership: it lies from 0 to 100.")
                        .param(params.name("percent_ownership"))
                })?);
            }
        }
        read_texts(&mut params, &["title"], &mut self.texts)?;
        params.finish()
    }

    /// What is missing to verify a person, in Stripe's order; only US persons have a state and an SSN.
    pub fn missing(&self, country: &str, representative: bool, titled: bool) -> Vec<&'static str> {
        let text = |name: &str| !self.texts.contains_key(name);
        let american = country == "US";
        let number = text("ssn_last_4") && text("id_number");
        let known = [
            ("address.city", self.address.city.is_none()),
            ("address.line1", self.address.line1.is_none()),
            ("address.postal_code", self.address.postal_code.is_none()),
            ("address.state", american && self.address.state.is_none()),
            ("dob.day", self.born.is_none()),
            ("dob.month", self.born.is_none()),
            ("dob.year", self.born.is_none()),
            ("email", text("email")),
            ("first_name", text("first_name")),
            ("last_name", text("last_name")),
            ("phone", text("phone")),
            ("relationship.title", titled && representative && text("title")),
            ("ssn_last_4", american && representative && number),
        ];
        let missing = known
            .into_iter()
            .filter(|(_, missing)| *missing)
            .map(|(name, _)| name);
        missing.collect()
    }

    /// What Stripe looks at while it verifies.
    pub fn looked_at(&self) -> Vec<&'static str> {
        let mut fields = vec![
            "address.city",
            "address.line1",
            "address.postal_code",
            "address.state",
        ];
        let numbers = ["id_number", "ssn_last_4"];
        fields.extend(numbers.into_iter().find(|name| self.texts.contains_key(*name)));
        if self.document[0].is_none() {
            fields.push("verification.document");
        }
        fields
    }

    /// What Stripe's test values make of it: a good document settles all else.
    pub fn verdict(&self) -> Verdict {
        if let Some(front) = &self.document[0] {
            let bad = front.contains("fail") || front.contains("unverified");
            return if bad {
                Verdict::Mismatch("verification_document_failed_other")
            } else {
                Verdict::Match
            };
        }
        let is = |name: &str, value: &str| self.texts.get(name).is_some_and(|text| text == value);
        if is("id_number", "111111111") || is("ssn_last_4", "1111") {
            return Verdict::Mismatch("verification_failed_id_number_match");
        }
        match self.address.line1.as_deref() {
            Some("address_no_match" | "address_line1_no_match") => {
                Verdict::Mismatch("verification_failed_address_match")
            }
            _ => Verdict::Match,
        }
    }

    /// Whether its verification has its answer at once, by Stripe's test values.
    pub fn at_once(&self) -> bool {
        let is = |name: &str, value: &str| self.texts.get(name).is_some_and(|text| text == value);
        self.born == Some([1, 1, 1902]) || is("id_number", "222222222") || is("ssn_last_4", "2222")
    }

    /// As Stripe writes it; `due` is what is missing of it, `later` what will be.
    pub fn render(&self, account: &str, country: &str, due: &[&str], later: &[&str]) -> Value {
        let nothing = json!({
            "alternatives": [], "currently_due": [], "errors": [], "eventually_due": [], "past_due": [],
            "pending_verification": [],
        });
        let pending = if self.status == "pending" {
            self.looked_at()
        } else {
            Vec::new()
        };
        let errors: Vec<Value> = self
            .failed
            .iter()
            .map(|code| error(code, "verification.document"))
            .collect();
        let mut due = due.to_vec();
        if self.failed.is_some() {
            due.push("verification.document");
        }
        let eventually = [due.as_slice(), later].concat();
        let [day, month, year] = self.born.map_or([None; 3], |born| born.map(Some));
        let [front, back] = &self.document;
        let [more_front, more_back] = &self.additional_document;
        let terms = self.terms.as_ref();
        let mut address = self.address.clone();
        address.country.get_or_insert_with(|| country.to_owned());
        let mut person = json!({
            "id": self.id, "object": "person", "account": account,
            "additional_tos_acceptances": { "account": {
                "date": terms.and_then(|terms| terms.date), "ip": terms.and_then(|terms| terms.ip.as_ref()),
                "user_agent": terms.and_then(|terms| terms.user_agent.as_ref()),
            } },
            "address": address.render(), "created": self.created,
            "dob": { "day": day, "month": month, "year": year },
            "first_name": self.texts.get("first_name"), "future_requirements": nothing,
            "id_number_provided": self.texts.contains_key("id_number"),
            "last_name": self.texts.get("last_name"), "metadata": self.metadata,
            "relationship": self.render_relationship(),
            "requirements": {
                "alternatives": [], "currently_due": due, "errors": errors, "eventually_due": eventually,
                "past_due": due, "pending_verification": pending,
            },
            "ssn_last_4_provided":
                self.texts.contains_key("ssn_last_4")
                    || country == "US" && self.texts.contains_key("id_number"),
            "verification": {
                "additional_document":
                    { "back": more_back, "details": null, "details_code": null, "front": more_front },
                "details": null, "details_code": self.failed,
                "document": { "back": back, "details": null, "details_code": null, "front": front },
                "status": self.status,
            },
        });
        if let Value::Object(fields) = &mut person {
            self.render_rare(fields);
        }
        person
    }

    /// What the platform sees of a person whose details Stripe collects.
    pub fn render_little(&self, account: &str) -> Value {
        json!({
            "id": self.id, "object": "person", "account": account, "created": self.created,
            "first_name": self.texts.get("first_name"), "last_name": self.texts.get("last_name"),
            "relationship": self.render_relationship(),
        })
    }

    fn render_relationship(&self) -> Value {
        json!({
            "authorizer": self.is("authorizer"), "director": self.is("director"),
            "executive": self.is("executive"), "legal_guardian": self.is("legal_guardian"),
            "owner": self.is("owner"), "percent_ownership": self.percent_ownership,
            "representative": self.is("representative"), "title": self.texts.get("title"),
        })
    }

    /// What is only shown when it was given.
    fn render_rare(&self, fields: &mut Map<String, Value>) {
        let shown = PLAIN_TEXTS
            .iter()
            .chain(&["gender", "nationality", "phone", "political_exposure"]);
        for name in shown.filter(|name| self.texts.contains_key(**name)) {
            fields.insert((*name).to_owned(), json!(self.texts.get(*name)));
        }
        if self.texts.contains_key("id_number_secondary") {
            fields.insert("id_number_secondary_provided".into(), json!(true));
        }
        for (name, address) in [
            ("address_kana", &self.address_kana),
            ("address_kanji", &self.address_kanji),
        ] {
            if let Some(address) = address {
                fields.insert(name.into(), render_japanese(address));
            }
        }
        if let Some(address) = &self.registered_address {
            fields.insert("registered_address".into(), address.render());
        }
        if !self.aliases.is_empty() {
            fields.insert("full_name_aliases".into(), json!(self.aliases));
        }
    }
}

/// Why a requirement was not met.
pub fn error(code: &str, requirement: &str) -> Value {
    let reason = match code {
        "verification_failed_id_number_match" => {
            "The identity number does not fit the name and the birthday."
        }
        "verification_failed_address_match" => "The address could not be found.",
        "verification_failed_tax_id_match" => "The tax number does not fit the company's name.",
        _ => "The document could not be verified.",
    };
    json!({ "code": code, "reason": reason, "requirement": requirement })
}

/// A phone number with its country's code, as Stripe writes it.
pub fn phone(given: &str, country: &str) -> String {
    let digits: String = given.chars().filter(char::is_ascii_digit).collect();
    match (given.starts_with('+'), country) {
        (true, _) => format!("+{digits}"),
        // The number of Stripe's tests is an American one in every country.
        (false, _) if digits == "0000000000" => format!("+1{digits}"),
        (false, "US" | "CA") if digits.len() == 10 => format!("+1{digits}"),
        _ => given.to_owned(),
    }
}

/// The person with an id among some.
///
/// # Errors
/// 404 `resource_missing`.
pub fn find<'a>(persons: &'a [Arc<Person>], id: &str) -> Result<&'a Arc<Person>, ApiError> {
    let found = persons.iter().find(|person| person.id == id);
    found.ok_or_else(|| ApiError::no_such("person", id, "person"))
}
