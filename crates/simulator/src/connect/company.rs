//! What an account says of the company it belongs to.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::account_details::{TermsAccepted, Texts, read_texts};
use crate::address::Address;
use crate::error::ApiError;
use crate::form::Params;

const SHOWN_TEXTS: [&str; 9] = [
    "export_license_id",
    "export_purpose_code",
    "name",
    "name_kana",
    "name_kanji",
    "ownership_exemption_reason",
    "phone",
    "structure",
    "tax_id_registrar",
];
/// Numbers of which only that they were given is ever shown; kept to know what becomes of the verification.
const SECRET_TEXTS: [&str; 3] = ["registration_number", "tax_id", "vat_id"];
const STRUCTURES: [&str; 23] = [
    "free_zone_establishment",
    "free_zone_llc",
    "government_instrumentality",
    "governmental_unit",
    "incorporated_non_profit",
    "incorporated_partnership",
    "limited_liability_partnership",
    "llc",
    "multi_member_llc",
    "private_company",
    "private_corporation",
    "private_partnership",
    "public_company",
    "public_corporation",
    "public_partnership",
    "registered_charity",
    "single_member_llc",
    "sole_establishment",
    "sole_proprietorship",
    "tax_exempt_government_instrumentality",
    "unincorporated_association",
    "unincorporated_non_profit",
    "unincorporated_partnership",
];
const JAPAN: [&str; 7] = [
    "city",
    "country",
    "line1",
    "line2",
    "postal_code",
    "state",
    "town",
];
const DECLARATIONS: [&str; 3] = [
    "directorship_declaration",
    "ownership_declaration",
    "representative_declaration",
];

/// A company.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Company {
    /// Its plain texts, such as `name`, and the secret ones, such as `tax_id`.
    pub texts: Texts,
    /// Where it sits.
    pub address: Address,
    address_kana: Option<Texts>,
    address_kanji: Option<Texts>,
    /// Whether all directors, executives and owners are given.
    pub provided: [bool; 3],
    declarations: Vec<(String, TermsAccepted)>,
    registered: Option<[i64; 3]>,
    /// The front and the back of a document that proves it.
    pub document: [Option<String>; 2],
}

/// Reads a date of birth or of registration.
///
/// # Errors
/// 400 when a part is missing or lies outside the calendar.
pub fn date(mut params: Params) -> Result<[i64; 3], ApiError> {
    let mut part = |name: &str, range: std::ops::RangeInclusive<i64>| {
        let number = params
            .integer(name)?
            .ok_or_else(|| ApiError::missing(&params.name(name)))?;
        if range.contains(&number) {
            return Ok(number);
        }
        Err(ApiError::invalid(format!("Invalid {name}: {number}")).param(params.name(name)))
    };
    let date = [
        part("day", 1..=31)?,
        part("month", 1..=12)?,
        part("year", 1_800..=2_100)?,
    ];
    params.finish()?;
    Ok(date)
}

/// Reads `verification[document]` and its like.
///
/// # Errors
/// 400 for a malformed or unknown parameter.
pub fn document(mut params: Params, sides: &mut [Option<String>; 2]) -> Result<(), ApiError> {
    params.update("front")?.apply(&mut sides[0]);
    params.update("back")?.apply(&mut sides[1]);
    params.finish()
}

/// Reads a Japanese address.
///
/// # Errors
/// 400 for a malformed or unknown parameter.
pub fn japanese(params: Option<Params>, address: &mut Option<Texts>) -> Result<(), ApiError> {
    if let Some(mut params) = params {
        read_texts(&mut params, &JAPAN, address.get_or_insert_with(Texts::new))?;
        params.finish()?;
    }
    Ok(())
}

/// A Japanese address as Stripe writes it.
pub fn render_japanese(address: &Texts) -> Value {
    let fields = JAPAN
        .iter()
        .map(|name| ((*name).to_owned(), json!(address.get(*name))));
    Value::Object(fields.collect())
}

impl Company {
    /// Reads `company[…]`.
    ///
    /// # Errors
    /// 400 for a malformed or unknown parameter.
    pub fn update(&mut self, mut params: Params, country: &str) -> Result<(), ApiError> {
        params.clone().choice("structure", &STRUCTURES)?;
        read_texts(&mut params, &SHOWN_TEXTS, &mut self.texts)?;
        read_texts(&mut params, &SECRET_TEXTS, &mut self.texts)?;
        if let Some(phone) = self.texts.get_mut("phone") {
            *phone = super::person::phone(phone, country);
        }
        for (at, name) in ["directors_provided", "executives_provided", "owners_provided"]
            .iter()
            .enumerate()
        {
            if let Some(provided) = params.boolean(name)? {
                self.provided[at] = provided;
            }
        }
        if let Some(address) = params.map("address")? {
            self.address.update(address)?;
        }
        japanese(params.map("address_kana")?, &mut self.address_kana)?;
        japanese(params.map("address_kanji")?, &mut self.address_kanji)?;
        for name in DECLARATIONS {
            if let Some(declaration) = params.map(name)? {
                self.declarations.retain(|(known, _)| known != name);
                self.declarations
                    .push((name.to_owned(), TermsAccepted::read(declaration)?));
            }
        }
        if let Some(registered) = params.map("registration_date")? {
            self.registered = Some(date(registered)?);
        }
        if let Some(mut verification) = params.map("verification")? {
            if let Some(given) = verification.map("document")? {
                document(given, &mut self.document)?;
            }
            verification.finish()?;
        }
        params.finish()
    }

    /// As Stripe writes it.
    pub fn render(&self, country: &str) -> Value {
        let mut address = self.address.clone();
        address.country.get_or_insert_with(|| country.to_owned());
        let [directors, executives, owners] = self.provided;
        let [front, back] = &self.document;
        let mut company = json!({
            "address": address.render(), "directors_provided": directors, "executives_provided": executives,
            "name": self.texts.get("name"), "owners_provided": owners,
            "tax_id_provided": self.texts.contains_key("tax_id"),
            "verification": {
                "document": { "back": back, "details": null, "details_code": null, "front": front },
            },
        });
        if let Value::Object(fields) = &mut company {
            self.render_rare(fields);
        }
        company
    }

    /// What is only shown when it was given.
    fn render_rare(&self, fields: &mut Map<String, Value>) {
        for name in SHOWN_TEXTS {
            if let Some(text) = self.texts.get(name) {
                fields.insert(name.into(), json!(text));
            }
        }
        if self.texts.contains_key("vat_id") {
            fields.insert("vat_id_provided".into(), json!(true));
        }
        for (name, address) in [
            ("address_kana", &self.address_kana),
            ("address_kanji", &self.address_kanji),
        ] {
            if let Some(address) = address {
                fields.insert(name.into(), render_japanese(address));
            }
        }
        for (name, declared) in &self.declarations {
            let declared =
                json!({ "date": declared.date, "ip": declared.ip, "user_agent": declared.user_agent });
            fields.insert(name.clone(), declared);
        }
        if let Some([day, month, year]) = self.registered {
            fields.insert(
                "registration_date".into(),
                json!({ "day": day, "month": month, "year": year }),
            );
        }
    }
}
