//! Evidence: what a merchant tells the payer's bank. It goes there once, so that all of it is kept as a draft
//! until somebody has reviewed it.

use std::collections::BTreeMap;

use crate::Refusal;

/// Characters of all evidence together, as Stripe counts them.
pub const CHARS_MAX: usize = 150_000;
/// Characters of one text. A bank's clerk reads pages, not books.
pub const TEXT_MAX: usize = 20_000;

macro_rules! fields {
    ($($name:ident = $word:literal, $kind:ident;)*) => {
        /// One thing that can be said, by Stripe's name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "the names are Stripe's")]
        pub enum Field {
            $($name,)*
        }

        impl Field {
            /// Every field.
            pub const ALL: &'static [Field] = &[$(Field::$name,)*];

            /// Stripe's name.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Field::$name => $word,)*
                }
            }

            /// What its value is.
            pub const fn kind(self) -> Kind {
                match self {
                    $(Field::$name => Kind::$kind,)*
                }
            }
        }
    };
}

/// What the value of a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// The id of a file on the same Stripe account (`file_…`).
    File,
}

fields! {
    AccessActivityLog = "access_activity_log", Text;
    BillingAddress = "billing_address", Text;
    CancellationPolicy = "cancellation_policy", File;
    CancellationPolicyDisclosure = "cancellation_policy_disclosure", Text;
    CancellationRebuttal = "cancellation_rebuttal", Text;
    CustomerCommunication = "customer_communication", File;
    CustomerEmailAddress = "customer_email_address", Text;
    CustomerName = "customer_name", Text;
    CustomerPurchaseIp = "customer_purchase_ip", Text;
    CustomerSignature = "customer_signature", File;
    DuplicateChargeDocumentation = "duplicate_charge_documentation", File;
    DuplicateChargeExplanation = "duplicate_charge_explanation", Text;
    DuplicateChargeId = "duplicate_charge_id", Text;
    ProductDescription = "product_description", Text;
    Receipt = "receipt", File;
    RefundPolicy = "refund_policy", File;
    RefundPolicyDisclosure = "refund_policy_disclosure", Text;
    RefundRefusalExplanation = "refund_refusal_explanation", Text;
    ServiceDate = "service_date", Text;
    ServiceDocumentation = "service_documentation", File;
    ShippingAddress = "shipping_address", Text;
    ShippingCarrier = "shipping_carrier", Text;
    ShippingDate = "shipping_date", Text;
    ShippingDocumentation = "shipping_documentation", File;
    ShippingTrackingNumber = "shipping_tracking_number", Text;
    UncategorizedFile = "uncategorized_file", File;
    UncategorizedText = "uncategorized_text", Text;
}

impl Field {
    /// The field of a name.
    pub fn from_word(word: &str) -> Option<Field> {
        Field::ALL.iter().copied().find(|field| field.word() == word)
    }
}

/// What is to be told, by field.
pub type Evidence = BTreeMap<Field, String>;

/// Reads what a caller puts: a name of Stripe's and its value; an empty value leaves the field out.
///
/// # Errors
/// [`Refusal::InvalidField`] for a name that is none, a value that cannot be taken, or too much of all.
pub fn read<'a>(given: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Evidence, Refusal> {
    let mut evidence = Evidence::new();
    for (name, value) in given {
        let field = Field::from_word(name).ok_or_else(|| {
            // A name from outside may be of any length.
            let name: String = name.chars().take(40).collect();
            Refusal::invalid("evidence", format!("has no field {name:?}"))
        })?;
        if value.trim().is_empty() {
            continue;
        }
        let value = match field.kind() {
            Kind::Text => crate::text::shown(value, TEXT_MAX, true).ok_or_else(|| {
                let problem = format!("must be plain text with at most {TEXT_MAX} characters");
                Refusal::invalid(format!("evidence.{}", field.word()), problem)
            })?,
            Kind::File => file(value).ok_or_else(|| {
                let problem = "must be the id of a file on your Stripe account (file_…)";
                Refusal::invalid(format!("evidence.{}", field.word()), problem)
            })?,
        };
        evidence.insert(field, value);
    }
    let chars: usize = evidence.values().map(|value| value.chars().count()).sum();
    if chars > CHARS_MAX {
        let problem = format!("must have at most {CHARS_MAX} characters, all fields together");
        return Err(Refusal::invalid("evidence", problem));
    }
    Ok(evidence)
}

fn file(value: &str) -> Option<String> {
    let id = value.trim();
    let rest = id.strip_prefix("file_")?;
    let well_formed =
        !rest.is_empty() && rest.len() <= 250 && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    well_formed.then(|| id.to_owned())
}

/// What banks look for in a dispute of this reason, the most important first.
pub fn wanted(reason: &str) -> &'static [Field] {
    match reason {
        "product_not_received" => &[
            Field::ServiceDocumentation,
            Field::ServiceDate,
            Field::CustomerCommunication,
            Field::ProductDescription,
            Field::AccessActivityLog,
        ],
        "product_unacceptable" => &[
            Field::ProductDescription,
            Field::ServiceDocumentation,
            Field::CustomerCommunication,
            Field::RefundPolicy,
            Field::RefundRefusalExplanation,
        ],
        "duplicate" => &[
            Field::DuplicateChargeExplanation,
            Field::DuplicateChargeId,
            Field::DuplicateChargeDocumentation,
            Field::ProductDescription,
        ],
        "credit_not_processed" => &[
            Field::RefundRefusalExplanation,
            Field::RefundPolicy,
            Field::RefundPolicyDisclosure,
            Field::CustomerCommunication,
        ],
        "subscription_canceled" => &[
            Field::CancellationRebuttal,
            Field::CancellationPolicy,
            Field::CancellationPolicyDisclosure,
            Field::AccessActivityLog,
            Field::CustomerCommunication,
        ],
        // `fraudulent`, `unrecognized`, `general` and whatever is added.
        _ => &[
            Field::CustomerName,
            Field::CustomerEmailAddress,
            Field::CustomerPurchaseIp,
            Field::ProductDescription,
            Field::AccessActivityLog,
            Field::ServiceDocumentation,
            Field::CustomerCommunication,
        ],
    }
}

/// What banks look for and the evidence does not say.
pub fn missing(reason: &str, evidence: &Evidence) -> Vec<Field> {
    let wanted = wanted(reason).iter().copied();
    wanted.filter(|field| !evidence.contains_key(field)).collect()
}
