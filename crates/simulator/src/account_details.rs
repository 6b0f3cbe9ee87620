//! What an account says of its business and how it is set up: profile, settings, and the terms it agreed to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::address::Address;
use crate::connect::descriptor;
use crate::currency;
use crate::error::ApiError;
use crate::form::{Params, Update};
use crate::payouts::automatic::WEEK;

/// Plain texts by their name; one that was never given is not there.
pub type Texts = BTreeMap<String, String>;

/// Reads some texts onto what was there; an empty one takes it away.
///
/// # Errors
/// 400 for what is no text.
pub fn read_texts(params: &mut Params, names: &[&str], texts: &mut Texts) -> Result<(), ApiError> {
    for name in names {
        match params.update(name)? {
            Update::Keep => {}
            Update::Clear => drop(texts.remove(*name)),
            Update::Set(text) => drop(texts.insert((*name).to_owned(), text)),
        }
    }
    Ok(())
}

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
    /// Address for payers.
    pub support_address: Option<Address>,
    /// Amount, currency and end of the year.
    pub annual_revenue: Option<(i64, String, String)>,
    /// Amount and currency.
    pub monthly_revenue: Option<(i64, String)>,
    /// People who work there.
    pub worker_count: Option<i64>,
    /// Whose business it is.
    pub designations: Option<Vec<String>>,
    /// The page that Japanese law asks for.
    pub commercial_transactions_url: Option<String>,
}

impl Profile {
    /// Reads `business_profile[…]`.
    ///
    /// # Errors
    /// 400 for a malformed or unknown parameter.
    pub fn update(&mut self, mut params: Params) -> Result<(), ApiError> {
        params.update("name")?.apply(&mut self.name);
        params.update("mcc")?.apply(&mut self.mcc);
        params
            .update("product_description")?
            .apply(&mut self.product_description);
        params.update("support_email")?.apply(&mut self.support_email);
        params.update("support_phone")?.apply(&mut self.support_phone);
        checked_url(&mut params, "url")?.apply(&mut self.url);
        checked_url(&mut params, "support_url")?.apply(&mut self.support_url);
        checked_url(&mut params, "specified_commercial_transactions_act_url")?
            .apply(&mut self.commercial_transactions_url);
        if let Some(address) = params.map("support_address")? {
            self.support_address
                .get_or_insert_with(Address::default)
                .update(address)?;
        }
        if let Some(count) = params.integer("estimated_worker_count")? {
            self.worker_count = Some(count);
        }
        if let Some(mut revenue) = params.map("annual_revenue")? {
            let (amount, currency) = money(&mut revenue)?;
            self.annual_revenue = Some((amount, currency, revenue.required("fiscal_year_end")?));
            revenue.finish()?;
        }
        if let Some(mut revenue) = params.map("monthly_estimated_revenue")? {
            self.monthly_revenue = Some(money(&mut revenue)?);
            revenue.finish()?;
        }
        if let Some(designations) = params.texts("minority_owned_business_designation")? {
            self.designations = Some(designations);
        }
        if let Some(mcc) = self.mcc.as_ref().filter(|mcc| !is_mcc(mcc)) {
            let mcc: String = mcc.chars().take(20).collect();
            return Err(ApiError::invalid(format!("Invalid MCC: {mcc}")).param("business_profile[mcc]"));
        }
        params.finish()
    }

    /// The `business_profile`.
    pub fn render(&self) -> Value {
        let annual = self.annual_revenue.as_ref().map(|(amount, currency, end)| {
            json!({ "amount": amount, "currency": currency, "fiscal_year_end": end })
        });
        let mut profile = json!({
            "annual_revenue": annual, "estimated_worker_count": self.worker_count, "mcc": self.mcc,
            "minority_owned_business_designation": self.designations, "name": self.name,
            "product_description": self.product_description,
            "specified_commercial_transactions_act_url": self.commercial_transactions_url,
            "support_address": self.support_address.as_ref().map(Address::render),
            "support_email": self.support_email, "support_phone": self.support_phone,
            "support_url": self.support_url, "url": self.url,
        });
        if let (Some((amount, currency)), Value::Object(fields)) = (&self.monthly_revenue, &mut profile) {
            let revenue = json!({ "amount": amount, "currency": currency });
            fields.insert("monthly_estimated_revenue".into(), revenue);
        }
        profile
    }
}

fn is_mcc(mcc: &str) -> bool {
    mcc.len() == 4 && mcc.bytes().all(|byte| byte.is_ascii_digit())
}

fn money(params: &mut Params) -> Result<(i64, String), ApiError> {
    let amount = params.integer("amount")?;
    let amount = amount.ok_or_else(|| ApiError::missing(&params.name("amount")))?;
    Ok((amount, currency::parse(&params.required("currency")?)?))
}

/// A web address that an update may set or take away.
///
/// # Errors
/// 400 `url_invalid`.
pub fn checked_url(params: &mut Params, name: &str) -> Result<Update<String>, ApiError> {
    let update = params.update(name)?;
    if let Update::Set(url) = &update {
        let given = if url.contains("://") {
            url.clone()
        } else {
            format!("https://{url}")
        };
        let whole = reqwest::Url::parse(&given)
            .is_ok_and(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
        if !whole {
            return Err(ApiError::invalid("Not a valid URL")
                .code("url_invalid")
                .param(params.name(name)));
        }
    }
    Ok(update)
}

/// The settings that are plain texts, by the map they lie in.
const TEXTS: [(&str, &str); 14] = [
    ("bacs_debit_payments", "display_name"),
    ("branding", "icon"),
    ("branding", "logo"),
    ("branding", "primary_color"),
    ("branding", "secondary_color"),
    ("card_payments", "statement_descriptor_prefix"),
    ("card_payments", "statement_descriptor_prefix_kana"),
    ("card_payments", "statement_descriptor_prefix_kanji"),
    ("invoices", "hosted_payment_method_save"),
    ("payments", "statement_descriptor"),
    ("payments", "statement_descriptor_kana"),
    ("payments", "statement_descriptor_kanji"),
    ("payouts", "statement_descriptor"),
    ("sepa_debit_payments", "creditor_id"),
];

/// How an account is set up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Those of [`TEXTS`], as `branding.icon`.
    texts: Texts,
    /// Declines cards whose address does not fit, and whose code does not fit.
    decline_on: [bool; 2],
    /// Whether Stripe takes what the account owes from its bank; by default when Stripe bears the losses.
    debit_negative_balances: Option<bool>,
    /// When it is paid out.
    pub schedule: Schedule,
    card_issuing_terms: Option<TermsAccepted>,
    /// Into which currency Stripe settles what was made in another: none keeps each as it is.
    pub settles: Option<crate::balance::Settles>,
}

/// When an account is paid out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Schedule {
    /// `daily`, `weekly`, `monthly` or `manual`.
    pub interval: String,
    /// How many days money waits before it is available.
    pub delay_days: i64,
    /// The days of the month.
    pub monthly_days: Vec<i64>,
    /// The days of the week.
    pub weekly_days: Vec<String>,
}

impl Default for Schedule {
    fn default() -> Self {
        Schedule {
            interval: "daily".into(),
            delay_days: 2,
            monthly_days: Vec::new(),
            weekly_days: Vec::new(),
        }
    }
}

impl Schedule {
    /// Reads for how many days money waits: a number, `minimum`, or nothing for the usual.
    ///
    /// # Errors
    /// 400 for anything else.
    pub fn wait(&mut self, given: &mut Params, name: &str) -> Result<(), ApiError> {
        self.delay_days = match given.update(name)? {
            Update::Keep => return Ok(()),
            Update::Clear => Schedule::default().delay_days,
            Update::Set(text) if text == "minimum" => Schedule::default().delay_days,
            Update::Set(days) => days
                .parse()
                .ok()
                .filter(|days| (2..=31).contains(days))
                .ok_or_else(|| {
                    let message = format!("Invalid {name}: it must be `minimum` or from 2 to 31.");
                    ApiError::invalid(message).param(given.name(name))
                })?,
        };
        Ok(())
    }

    /// Reads a `schedule[…]`.
    ///
    /// # Errors
    /// 400 for a malformed or unknown parameter, or an interval without its days.
    pub fn update(&mut self, mut given: Params) -> Result<(), ApiError> {
        let schedule = self;
        if let Some(interval) = given.choice("interval", &["manual", "daily", "weekly", "monthly"])? {
            schedule.interval = interval.to_owned();
        }
        schedule.wait(&mut given, "delay_days")?;
        if let Some(day) = given.integer("monthly_anchor")? {
            schedule.monthly_days = vec![day];
        }
        if let Some(days) = given.texts("monthly_payout_days")? {
            // What is no number is refused below, as a day that no month has.
            schedule.monthly_days = days.iter().map(|day| day.parse().unwrap_or(0)).collect();
        }
        if let Some(day) = given.choice("weekly_anchor", &WEEK)? {
            schedule.weekly_days = vec![day.to_owned()];
        }
        if let Some(days) = given.texts("weekly_payout_days")? {
            if let Some(wrong) = days.iter().find(|day| !WEEK.contains(&day.as_str())) {
                let wrong: String = wrong.chars().take(40).collect();
                let message =
                    format!("Invalid day of the week: {wrong}. It must be one of monday to sunday.");
                return Err(ApiError::invalid(message).param(given.name("weekly_payout_days")));
            }
            schedule.weekly_days = days;
        }
        if schedule.monthly_days.iter().any(|day| !(1..=31).contains(day)) {
            return Err(ApiError::invalid("A day of the month lies from 1 to 31.")
                .param(given.name("monthly_anchor")));
        }
        match schedule.interval.as_str() {
            "weekly" if schedule.weekly_days.is_empty() => {
                Err(ApiError::missing(&given.name("weekly_anchor")))
            }
            "monthly" if schedule.monthly_days.is_empty() => {
                Err(ApiError::missing(&given.name("monthly_anchor")))
            }
            _ => given.finish(),
        }
    }
}

impl Settings {
    /// A text of them, such as `payments.statement_descriptor`.
    pub fn text(&self, name: &str) -> Option<&String> {
        self.texts.get(name)
    }

    /// Sets a text of them.
    pub fn set(&mut self, name: &str, text: String) {
        self.texts.insert(name.to_owned(), text);
    }

    /// Reads `settings[…]`.
    ///
    /// # Errors
    /// 400 for a malformed or unknown parameter.
    pub fn update(&mut self, mut params: Params) -> Result<(), ApiError> {
        let maps = [
            "bacs_debit_payments",
            "branding",
            "card_payments",
            "invoices",
            "payments",
            "payouts",
            "sepa_debit_payments",
        ];
        for map in maps {
            let Some(mut inner) = params.map(map)? else {
                continue;
            };
            for (_, name) in TEXTS.iter().filter(|(place, _)| *place == map) {
                let place = format!("{map}.{name}");
                match inner.update(name)? {
                    Update::Keep => {}
                    Update::Clear => drop(self.texts.remove(&place)),
                    Update::Set(text) => {
                        if name.starts_with("statement_descriptor") {
                            descriptor::check(&text, &inner.name(name))?;
                        }
                        self.texts.insert(place, text);
                    }
                }
            }
            match map {
                "card_payments" => self.update_declines(&mut inner)?,
                "payouts" => self.update_payouts(&mut inner)?,
                _ => {}
            }
            inner.finish()?;
        }
        if let Some(mut issuing) = params.map("card_issuing")? {
            if let Some(terms) = issuing.map("tos_acceptance")? {
                self.card_issuing_terms = Some(TermsAccepted::read(terms)?);
            }
            issuing.finish()?;
        }
        params.finish()
    }

    fn update_declines(&mut self, params: &mut Params) -> Result<(), ApiError> {
        let Some(mut on) = params.map("decline_on")? else {
            return Ok(());
        };
        self.decline_on = [
            on.boolean("avs_failure")?.unwrap_or(self.decline_on[0]),
            on.boolean("cvc_failure")?.unwrap_or(self.decline_on[1]),
        ];
        on.finish()
    }

    fn update_payouts(&mut self, params: &mut Params) -> Result<(), ApiError> {
        if let Some(debit) = params.boolean("debit_negative_balances")? {
            self.debit_negative_balances = Some(debit);
        }
        match params.map("schedule")? {
            Some(given) => self.schedule.update(given),
            None => Ok(()),
        }
    }

    /// The `settings`; `debits` is what holds for negative balances when the account says nothing.
    pub fn render(&self, display_name: Option<&String>, debits: bool) -> Value {
        let text = |name: &str| self.texts.get(name);
        let mut schedule =
            json!({ "delay_days": self.schedule.delay_days, "interval": self.schedule.interval });
        match (self.schedule.interval.as_str(), &mut schedule) {
            ("weekly", Value::Object(fields)) => {
                fields.insert("weekly_anchor".into(), json!(self.schedule.weekly_days.first()));
                fields.insert("weekly_payout_days".into(), json!(self.schedule.weekly_days));
            }
            ("monthly", Value::Object(fields)) => {
                fields.insert("monthly_anchor".into(), json!(self.schedule.monthly_days.first()));
                fields.insert("monthly_payout_days".into(), json!(self.schedule.monthly_days));
            }
            _ => {}
        }
        let mut sepa = Map::new();
        if let Some(creditor) = text("sepa_debit_payments.creditor_id") {
            sepa.insert("creditor_id".into(), json!(creditor));
        }
        let issuing = self.card_issuing_terms.as_ref();
        let [avs, cvc] = self.decline_on;
        json!({
            "bacs_debit_payments": {
                "display_name": text("bacs_debit_payments.display_name"), "service_user_number": null,
            },
            "branding": {
                "icon": text("branding.icon"), "logo": text("branding.logo"),
                "primary_color": text("branding.primary_color"),
                "secondary_color": text("branding.secondary_color"),
            },
            "card_issuing": {
                "tos_acceptance": {
                    "date": issuing.and_then(|terms| terms.date),
                    "ip": issuing.and_then(|terms| terms.ip.as_ref()),
                },
            },
            "card_payments": {
                "decline_on": { "avs_failure": avs, "cvc_failure": cvc },
                "statement_descriptor_prefix": text("card_payments.statement_descriptor_prefix"),
                "statement_descriptor_prefix_kana": text("card_payments.statement_descriptor_prefix_kana"),
                "statement_descriptor_prefix_kanji": text("card_payments.statement_descriptor_prefix_kanji"),
            },
            "dashboard": { "display_name": display_name, "timezone": "Etc/UTC" },
            "invoices": {
                "default_account_tax_ids": null,
                "hosted_payment_method_save":
                    text("invoices.hosted_payment_method_save").map_or("offer", String::as_str),
            },
            "payments": {
                "statement_descriptor": text("payments.statement_descriptor"),
                "statement_descriptor_kana": text("payments.statement_descriptor_kana"),
                "statement_descriptor_kanji": text("payments.statement_descriptor_kanji"),
                "statement_descriptor_prefix_kana": null, "statement_descriptor_prefix_kanji": null,
            },
            "payouts": {
                "debit_negative_balances": self.debit_negative_balances.unwrap_or(debits),
                "schedule": schedule, "statement_descriptor": text("payouts.statement_descriptor"),
            },
            "sepa_debit_payments": sepa,
        })
    }
}

/// When and where an owner agreed to Stripe's terms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsAccepted {
    /// When, in seconds.
    pub date: Option<i64>,
    /// From where.
    pub ip: Option<String>,
    /// With which browser.
    pub user_agent: Option<String>,
    /// `full` or `recipient`; `None` when nothing was said.
    pub service_agreement: Option<String>,
}

impl TermsAccepted {
    /// Reads `tos_acceptance[…]`.
    ///
    /// # Errors
    /// 400 for a malformed or unknown parameter.
    pub fn read(params: Params) -> Result<TermsAccepted, ApiError> {
        let mut terms = TermsAccepted::default();
        terms.update(params)?;
        Ok(terms)
    }

    /// Reads `tos_acceptance[…]` onto what was there.
    ///
    /// # Errors
    /// As [`TermsAccepted::read`].
    pub fn update(&mut self, mut params: Params) -> Result<(), ApiError> {
        if let Some(date) = params.integer("date")? {
            self.date = Some(date);
        }
        if let Some(ip) = params.text("ip")? {
            if ip.parse::<std::net::IpAddr>().is_err() {
                return Err(ApiError::invalid("Invalid IP address.").param(params.name("ip")));
            }
            self.ip = Some(ip);
        }
        params.update("user_agent")?.apply(&mut self.user_agent);
        if let Some(agreement) = params.choice("service_agreement", &["full", "recipient"])? {
            self.service_agreement = Some(agreement.to_owned());
        }
        params.finish()
    }

    /// As Stripe writes it, accepted or not.
    pub fn render(terms: Option<&TermsAccepted>) -> Value {
        let mut value = json!({
            "date": terms.and_then(|terms| terms.date), "ip": terms.and_then(|terms| terms.ip.as_ref()),
            "user_agent": terms.and_then(|terms| terms.user_agent.as_ref()),
        });
        let agreement = terms.and_then(|terms| terms.service_agreement.as_ref());
        if let (Some(agreement), Value::Object(fields)) = (agreement, &mut value) {
            fields.insert("service_agreement".into(), json!(agreement));
        }
        value
    }
}
