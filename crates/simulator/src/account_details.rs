//! What an account says of itself: its business, its owner, its bank, its consent.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::address::Address;
use crate::error::ApiError;
use crate::form::Params;

/// What a business is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// Name that payers see.
    pub name: Option<String>,
    /// Web site.
    pub url: Option<String>,
    /// Merchant category.
    pub mcc: Option<String>,
    /// What it sells.
    pub product_description: Option<String>,
    /// Email for payers.
    pub support_email: Option<String>,
    /// Phone for payers.
    pub support_phone: Option<String>,
    /// Page for payers.
    pub support_url: Option<String>,
    /// What stands on a card's statement.
    pub statement_descriptor: Option<String>,
}

impl Profile {
    /// Reads `business_profile[…]`.
    ///
    /// # Errors
    /// 400 for a malformed or unknown parameter.
    pub fn update(&mut self, mut params: Params) -> Result<(), ApiError> {
        params.update("name")?.apply(&mut self.name);
        params.update("url")?.apply(&mut self.url);
        params.update("mcc")?.apply(&mut self.mcc);
        params
            .update("product_description")?
            .apply(&mut self.product_description);
        params.update("support_email")?.apply(&mut self.support_email);
        params.update("support_phone")?.apply(&mut self.support_phone);
        params.update("support_url")?.apply(&mut self.support_url);
        params.finish()
    }

    /// Reads `settings[payments][statement_descriptor]`.
    ///
    /// # Errors
    /// 400 for a malformed or unknown parameter.
    pub fn update_settings(&mut self, mut params: Params) -> Result<(), ApiError> {
        if let Some(mut payments) = params.map("payments")? {
            payments
                .update("statement_descriptor")?
                .apply(&mut self.statement_descriptor);
            payments.finish()?;
        }
        params.finish()
    }

    /// The `business_profile`.
    pub fn render(&self) -> Value {
        json!({
            "annual_revenue": null, "estimated_worker_count": null, "mcc": self.mcc,
            "minority_owned_business_designation": null, "name": self.name,
            "product_description": self.product_description, "support_address": null,
            "support_email": self.support_email, "support_phone": self.support_phone,
            "support_url": self.support_url, "url": self.url,
        })
    }

    /// The `settings`.
    pub fn render_settings(&self) -> Value {
        json!({
            "bacs_debit_payments": { "display_name": null, "service_user_number": null },
            "branding": { "icon": null, "logo": null, "primary_color": null, "secondary_color": null },
            "card_issuing": { "tos_acceptance": { "date": null, "ip": null } },
            "card_payments": {
                "decline_on": { "avs_failure": false, "cvc_failure": false },
                "statement_descriptor_prefix": null,
                "statement_descriptor_prefix_kana": null, "statement_descriptor_prefix_kanji": null,
            },
            "dashboard": { "display_name": self.name, "timezone": "Etc/UTC" },
            "invoices": { "default_account_tax_ids": null, "hosted_payment_method_save": "offer" },
            "payments": {
                "statement_descriptor": self.statement_descriptor, "statement_descriptor_kana": null,
                "statement_descriptor_kanji": null, "statement_descriptor_prefix_kana": null,
                "statement_descriptor_prefix_kanji": null,
            },
            "payouts": {
                "debit_negative_balances": true, "schedule": { "delay_days": 2, "interval": "daily" },
                "statement_descriptor": null,
            },
            "sepa_debit_payments": {},
        })
    }
}

/// The owner of an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Person {
    id: String,
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    /// Day, month, year.
    born: Option<[i64; 3]>,
    address: Address,
    id_number: bool,
    ssn_last_4: bool,
    document: Option<String>,
}

impl Person {
    /// Someone of whom nothing is known.
    pub fn new(id: String) -> Person {
        Person {
            id,
            first_name: None,
            last_name: None,
            email: None,
            phone: None,
            born: None,
            address: Address::default(),
            id_number: false,
            ssn_last_4: false,
            document: None,
        }
    }

    /// Reads `individual[…]`; of the numbers only that they were given is kept.
    ///
    /// # Errors
    /// 400 for a malformed or unknown parameter.
    pub fn update(&mut self, mut params: Params) -> Result<(), ApiError> {
        params.update("first_name")?.apply(&mut self.first_name);
        params.update("last_name")?.apply(&mut self.last_name);
        params.update("email")?.apply(&mut self.email);
        params.update("phone")?.apply(&mut self.phone);
        self.id_number |= params.text("id_number")?.is_some();
        self.ssn_last_4 |= params.text("ssn_last_4")?.is_some();
        if let Some(mut born) = params.map("dob")? {
            let mut part = |name: &str| {
                born.integer(name)?
                    .ok_or_else(|| ApiError::missing(&format!("individual[dob][{name}]")))
            };
            self.born = Some([part("day")?, part("month")?, part("year")?]);
            born.finish()?;
        }
        if let Some(address) = params.map("address")? {
            self.address.update(address)?;
        }
        if let Some(mut verification) = params.map("verification")? {
            if let Some(mut document) = verification.map("document")? {
                document.update("front")?.apply(&mut self.document);
                document.text("back")?;
                document.finish()?;
            }
            verification.finish()?;
        }
        params.finish()
    }

    /// As Stripe writes it.
    pub fn render(&self, account: &str, created: i64) -> Value {
        let [day, month, year] = self.born.map_or([None; 3], |born| born.map(Some));
        json!({
            "id": self.id, "object": "person", "account": account, "address": self.address.render(),
            "created": created, "dob": { "day": day, "month": month, "year": year }, "email": self.email,
            "first_name": self.first_name, "future_requirements": {
                "alternatives": [], "currently_due": [], "errors": [], "eventually_due": [], "past_due": [],
                "pending_verification": [],
            },
            "id_number_provided": self.id_number, "last_name": self.last_name, "metadata": {},
            "phone": self.phone,
            "relationship": {
                "authorizer": null, "director": false, "executive": false, "legal_guardian": false,
                "owner": false,
                "percent_ownership": null, "representative": true, "title": null,
            },
            "requirements": {
                "alternatives": [], "currently_due": [], "errors": [], "eventually_due": [], "past_due": [],
                "pending_verification": [],
            },
            "ssn_last_4_provided": self.ssn_last_4,
            "verification": {
                "additional_document": { "back": null, "details": null, "details_code": null, "front": null },
                "details": null, "details_code": null,
                "document": { "back": null, "details": null, "details_code": null, "front": self.document },
                "status": "verified",
            },
        })
    }
}

/// A bank account that payouts go to. Only the last digits are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bank {
    id: String,
    country: String,
    currency: String,
    last4: String,
    routing_number: Option<String>,
    holder: Option<String>,
    holder_type: Option<String>,
}

impl Bank {
    /// Reads `external_account[…]`.
    ///
    /// # Errors
    /// 400 for a malformed or unknown parameter.
    pub fn read(id: String, mut params: Params) -> Result<Bank, ApiError> {
        params.choice("object", &["bank_account"])?;
        let number = params.required("account_number")?;
        let bank = Bank {
            id,
            country: params.required("country")?,
            currency: crate::currency::parse(&params.required("currency")?)?,
            last4: number
                .chars()
                .skip(number.chars().count().saturating_sub(4))
                .collect(),
            routing_number: params.text("routing_number")?,
            holder: params.text("account_holder_name")?,
            holder_type: params.text("account_holder_type")?,
        };
        params.finish()?;
        Ok(bank)
    }

    /// As Stripe writes it.
    pub fn render(&self, account: &str) -> Value {
        json!({
            "id": self.id, "object": "bank_account", "account": account, "account_holder_name": self.holder,
            "account_holder_type": self.holder_type, "account_type": null,
            "available_payout_methods": ["standard"],
            "bank_name": "STRIPE TEST BANK", "country": self.country, "currency": self.currency,
            "default_for_currency": true, "fingerprint": null, "future_requirements": null,
            "last4": self.last4,
            "metadata": {}, "requirements": null, "routing_number": self.routing_number, "status": "new",
        })
    }
}

/// When and where an owner agreed to Stripe's terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsAccepted {
    date: Option<i64>,
    ip: Option<String>,
    user_agent: Option<String>,
}

impl TermsAccepted {
    /// Reads `tos_acceptance[…]`.
    ///
    /// # Errors
    /// 400 for a malformed or unknown parameter.
    pub fn read(mut params: Params) -> Result<TermsAccepted, ApiError> {
        let terms = TermsAccepted {
            date: params.integer("date")?,
            ip: params.text("ip")?,
            user_agent: params.text("user_agent")?,
        };
        params.finish()?;
        Ok(terms)
    }

    /// As Stripe writes it, accepted or not.
    pub fn render(terms: Option<&TermsAccepted>) -> Value {
        json!({
            "date": terms.and_then(|terms| terms.date), "ip": terms.and_then(|terms| terms.ip.as_ref()),
            "user_agent": terms.and_then(|terms| terms.user_agent.as_ref()),
        })
    }
}
