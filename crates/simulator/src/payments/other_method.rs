//! Payment methods that are no cards: bank accounts that are debited, and kinds that can be made and read but
//! pay nothing here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::form::Params;
use crate::ids;
use crate::payments::{cash, funding};

/// Kinds that hold nothing or a few words, with the words that may be given and those that are shown.
const PLAIN: [(&str, &[&str], &[&str]); 27] = [
    ("affirm", &[], &[]),
    ("afterpay_clearpay", &[], &[]),
    ("alipay", &[], &[]),
    ("alma", &[], &[]),
    ("amazon_pay", &[], &[]),
    ("bancontact", &[], &[]),
    ("blik", &[], &[]),
    ("boleto", &["tax_id"], &["tax_id"]),
    ("cashapp", &[], &["buyer_id", "cashtag"]),
    ("customer_balance", &[], &[]),
    ("eps", &["bank"], &["bank"]),
    ("fpx", &["bank"], &["bank"]),
    ("giropay", &[], &[]),
    ("grabpay", &[], &[]),
    ("ideal", &["bank"], &["bank", "bic"]),
    ("klarna", &[], &[]),
    ("konbini", &[], &[]),
    ("link", &[], &["email"]),
    ("multibanco", &[], &[]),
    ("oxxo", &[], &[]),
    ("p24", &["bank"], &["bank"]),
    ("paynow", &[], &[]),
    ("pix", &[], &[]),
    ("promptpay", &[], &[]),
    ("revolut_pay", &[], &[]),
    ("sofort", &["country"], &["country"]),
    ("wechat_pay", &[], &[]),
];
/// Test bank accounts that aliases stand for.
const ALIASES: [(&str, &str); 10] = [
    ("pm_usBankAccount_success", "000123456789"),
    ("pm_usBankAccount", "000123456789"),
    ("pm_usBankAccount_accountClosed", "000111111113"),
    ("pm_usBankAccount_noAccount", "000111111116"),
    ("pm_usBankAccount_insufficientFunds", "000222222227"),
    ("pm_usBankAccount_debitNotAuthorized", "000333333335"),
    ("pm_usBankAccount_invalidCurrency", "000444444440"),
    ("pm_usBankAccount_dispute", "000555555559"),
    ("pm_usBankAccount_processing", "000000000009"),
    ("pm_usBankAccount_riskLevelHighest", "000000004954"),
];

/// What a payment method is when it is no card. Of a number only a known test number is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Other {
    /// A bank account in the United States.
    UsBankAccount {
        /// The test number; empty when it is none.
        test: String,
        /// Which bank.
        routing_number: String,
        /// The last four digits.
        last4: String,
        /// `individual` or `company`.
        holder_type: Option<String>,
        /// `checking` or `savings`.
        account_type: String,
        /// The same for the same number.
        fingerprint: String,
        /// Whether its holder proved that it is theirs.
        verified: bool,
    },
    /// A bank account in the euro's area.
    SepaDebit {
        /// The test number; empty when it is none.
        test: String,
        /// Two-letter country.
        country: String,
        /// Which bank.
        bank_code: String,
        /// The last four digits.
        last4: String,
        /// The same for the same number.
        fingerprint: String,
    },
    /// A bank account in Canada.
    AcssDebit {
        /// Which bank.
        institution_number: String,
        /// Which branch.
        transit_number: String,
        /// The last four digits.
        last4: String,
        /// The same for the same number.
        fingerprint: String,
    },
    /// Anything else.
    Plain {
        /// What `type` says.
        kind: String,
        /// What is known of it.
        words: BTreeMap<String, Option<String>>,
    },
}

/// What a bank makes of a debit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// After how many milliseconds; `None` is never.
    pub after_ms: Option<i64>,
    /// Why it refuses: the error's code, the charge's, and what the payer may read.
    pub refusal: Option<(&'static str, &'static str, &'static str)>,
}

const ACH_MS: i64 = 20_000;
const SEPA_MS: i64 = 15_000;
const LATE_MS: i64 = 180_000;

impl Other {
    /// A verified test bank account of its alias, such as `pm_usBankAccount_success`.
    pub fn by_alias(seed: u64, alias: &str) -> Option<Other> {
        let (_, number) = ALIASES.iter().find(|(known, _)| *known == alias)?;
        Some(Other::UsBankAccount {
            test: (*number).to_owned(),
            routing_number: "110000000".into(),
            last4: last4(number),
            holder_type: Some("individual".into()),
            account_type: "checking".into(),
            fingerprint: ids::fingerprint(seed, number),
            verified: true,
        })
    }

    /// Reads the parameters named as the kind; `None` for a kind that there is not.
    ///
    /// # Errors
    /// 400 for a number that is none, or a malformed parameter.
    pub fn read(seed: u64, kind: &str, params: &mut Params) -> Result<Option<Other>, ApiError> {
        let own = params.map(kind)?;
        let name = params.name(kind);
        let required = |own: Option<Params>| own.ok_or_else(|| ApiError::missing(&name));
        match kind {
            "us_bank_account" => Ok(Some(us_bank_account(seed, required(own)?)?)),
            "sepa_debit" => Ok(Some(sepa_debit(seed, required(own)?)?)),
            "acss_debit" => Ok(Some(acss_debit(seed, required(own)?)?)),
            _ => plain(kind, own.unwrap_or_default()),
        }
    }

    /// What `type` says.
    pub fn kind(&self) -> &str {
        match self {
            Other::UsBankAccount { .. } => "us_bank_account",
            Other::SepaDebit { .. } => "sepa_debit",
            Other::AcssDebit { .. } => "acss_debit",
            Other::Plain { kind, .. } => kind,
        }
    }

    /// What a payment method shows under its type.
    pub fn render(&self) -> Value {
        match self {
            Other::UsBankAccount {
                routing_number,
                last4,
                holder_type,
                account_type,
                fingerprint,
                ..
            } => json!({
                "account_holder_type": holder_type, "account_type": account_type,
                "bank_name": "STRIPE TEST BANK", "financial_connections_account": null,
                "fingerprint": fingerprint, "last4": last4,
                "networks": { "preferred": "ach", "supported": ["ach"] },
                "routing_number": routing_number, "status_details": {},
            }),
            Other::SepaDebit {
                country,
                bank_code,
                last4,
                fingerprint,
                ..
            } => json!({
                "bank_code": bank_code, "branch_code": "", "country": country, "fingerprint": fingerprint,
                "generated_from": { "charge": null, "setup_attempt": null }, "last4": last4,
            }),
            Other::AcssDebit {
                institution_number,
                transit_number,
                last4,
                fingerprint,
            } => json!({
                "bank_name": "STRIPE TEST BANK", "fingerprint": fingerprint,
                "institution_number": institution_number, "last4": last4, "transit_number": transit_number,
            }),
            Other::Plain { words, .. } => json!(words),
        }
    }

    /// What a charge shows under its type.
    pub fn charged(&self, mandate: Option<&str>) -> Value {
        let mut shown = self.render();
        let Value::Object(fields) = &mut shown else {
            return shown;
        };
        for inner in [
            "financial_connections_account",
            "generated_from",
            "networks",
            "status_details",
        ] {
            fields.remove(inner);
        }
        match self {
            Other::UsBankAccount { .. } => {
                fields.insert("mandate".into(), mandate.into());
                fields.insert("payment_reference".into(), Value::Null);
            }
            Other::SepaDebit { .. } | Other::AcssDebit { .. } => {
                fields.insert("mandate".into(), mandate.into());
            }
            Other::Plain { .. } => {}
        }
        shown
    }

    /// Whether it is debited under a mandate.
    pub fn is_debited(&self) -> bool {
        matches!(self, Other::UsBankAccount { .. } | Other::SepaDebit { .. })
    }

    /// Of what is no card, only bank accounts pay, each in its currency.
    ///
    /// # Errors
    /// 400 for all else.
    pub fn check_pays(&self, currency: &str) -> Result<(), ApiError> {
        let (kind, right) = match self {
            Other::SepaDebit { .. } => ("sepa_debit", "eur"),
            Other::UsBankAccount { .. } => ("us_bank_account", "usd"),
            Other::Plain { kind, .. } if kind == cash::KIND => return funding::check_currency(currency),
            Other::AcssDebit { .. } | Other::Plain { .. } => {
                let message = format!(
                    "Payments by {} are not simulated: the payment method can only be kept.",
                    self.kind()
                );
                return Err(ApiError::invalid(message).param("payment_method"));
            }
        };
        if currency == right {
            return Ok(());
        }
        let message = format!(
            "The currency provided ({currency}) is invalid for one or more of the payment method types on \
             this PaymentIntent: {kind} takes {right} only."
        );
        Err(ApiError::invalid(message).param("currency"))
    }

    /// Whether its holder has to prove first that it is theirs.
    pub fn needs_proof(&self) -> bool {
        matches!(self, Other::UsBankAccount { verified: false, .. })
    }

    /// The same, proven.
    pub fn proven(&self) -> Other {
        let mut proven = self.clone();
        if let Other::UsBankAccount { verified, .. } = &mut proven {
            *verified = true;
        }
        proven
    }

    /// What the bank makes of a debit.
    pub fn answer(&self) -> Answer {
        match self {
            Other::UsBankAccount { test, .. } => Answer {
                after_ms: Some(ACH_MS).filter(|_| test != "000000000009"),
                refusal: refusal(test),
            },
            Other::SepaDebit { test, country, .. } => sepa_answer(test, country),
            Other::AcssDebit { .. } | Other::Plain { .. } => Answer {
                after_ms: Some(ACH_MS),
                refusal: None,
            },
        }
    }
}

fn refusal(number: &str) -> Option<(&'static str, &'static str, &'static str)> {
    let (code, message) = match number {
        "000111111113" => ("account_closed", "The customer's bank account has been closed."),
        "000111111116" => ("no_account", "The bank account could not be located."),
        "000222222227" => (
            "insufficient_funds",
            "The customer's account has insufficient funds to cover this payment.",
        ),
        "000333333335" => (
            "debit_not_authorized",
            "The customer has notified their bank that this payment was unauthorized.",
        ),
        "000444444440" => (
            "invalid_currency",
            "The bank was unable to process this payment because of its currency.",
        ),
        "000777777771" => (
            "charge_exceeds_weekly_limit",
            "The payment exceeds the weekly limit of the account.",
        ),
        _ => return None,
    };
    Some((code, code, message))
}

/// The last digit of a test number says what happens; Austria's begin one later than Germany's.
fn sepa_answer(test: &str, country: &str) -> Answer {
    let digit = test.chars().last().and_then(|last| last.to_digit(10));
    let place = match (digit, country) {
        (Some(digit), "DE") => digit,
        (Some(digit), "AT") => digit.saturating_sub(1),
        _ => 0,
    };
    let failed = (
        "payment_intent_payment_attempt_failed",
        "incorrect_account_holder_name",
        "The payment failed.",
    );
    Answer {
        after_ms: Some(if matches!(place, 3 | 4) { LATE_MS } else { SEPA_MS }),
        refusal: matches!(place, 1 | 4).then_some(failed),
    }
}

fn last4(number: &str) -> String {
    let digits: Vec<char> = number.chars().collect();
    digits[digits.len().saturating_sub(4)..].iter().collect()
}

fn us_bank_account(seed: u64, mut own: Params) -> Result<Other, ApiError> {
    let number = own.required("account_number")?;
    let routing_number = own.required("routing_number")?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(&number) || !(4..=17).contains(&number.len()) {
        return Err(ApiError::invalid("You must provide a valid account number.")
            .code("account_number_invalid")
            .param(own.name("account_number")));
    }
    if !digits(&routing_number) || routing_number.len() != 9 {
        return Err(ApiError::invalid("You must provide a valid routing number.")
            .code("routing_number_invalid")
            .param(own.name("routing_number")));
    }
    let holder_type = own.choice("account_holder_type", &["company", "individual"])?;
    let account_type = own.choice("account_type", &["checking", "savings"])?;
    own.finish()?;
    Ok(Other::UsBankAccount {
        test: number.clone(),
        routing_number,
        last4: last4(&number),
        holder_type: holder_type.map(str::to_owned),
        account_type: account_type.unwrap_or("checking").to_owned(),
        fingerprint: ids::fingerprint(seed, &number),
        verified: false,
    })
}

fn sepa_debit(seed: u64, mut own: Params) -> Result<Other, ApiError> {
    let iban: String = own
        .required("iban")?
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let name = own.name("iban");
    own.finish()?;
    if !is_iban(&iban) {
        return Err(ApiError::invalid("The IBAN you provided is invalid.")
            .code("invalid_bank_account_iban")
            .param(name));
    }
    let country = iban[..2].to_owned();
    let bank = match country.as_str() {
        "DE" => 4..12,
        "AT" | "FR" => 4..9,
        "IT" => 5..10,
        "BE" => 4..7,
        _ => 4..8,
    };
    Ok(Other::SepaDebit {
        bank_code: iban.get(bank).unwrap_or_default().to_owned(),
        last4: last4(&iban),
        fingerprint: ids::fingerprint(seed, &iban),
        country,
        test: iban,
    })
}

/// Letters and digits whose number, the first four moved to the end, leaves 1 when divided by 97.
fn is_iban(text: &str) -> bool {
    if !(15..=34).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return false;
    }
    let (head, tail) = text.split_at(4);
    let rest = tail.chars().chain(head.chars()).fold(0_u32, |rest, c| {
        let value = c.to_digit(36).unwrap_or(0);
        (rest * if value > 9 { 100 } else { 10 } + value) % 97
    });
    rest == 1
}

fn acss_debit(seed: u64, mut own: Params) -> Result<Other, ApiError> {
    let number = own.required("account_number")?;
    let institution_number = own.required("institution_number")?;
    let transit_number = own.required("transit_number")?;
    own.finish()?;
    Ok(Other::AcssDebit {
        institution_number,
        transit_number,
        last4: last4(&number),
        fingerprint: ids::fingerprint(seed, &number),
    })
}

fn plain(kind: &str, mut own: Params) -> Result<Option<Other>, ApiError> {
    let Some((kind, given, shown)) = PLAIN.iter().find(|(known, ..)| *known == kind) else {
        return Ok(None);
    };
    let mut words: BTreeMap<String, Option<String>> =
        shown.iter().map(|word| ((*word).to_owned(), None)).collect();
    for word in *given {
        words.insert((*word).to_owned(), own.text(word)?);
    }
    own.finish()?;
    Ok(Some(Other::Plain {
        kind: (*kind).to_owned(),
        words,
    }))
}
