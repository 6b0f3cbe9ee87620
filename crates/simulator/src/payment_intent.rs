//! A payment intent: what it holds and how it looks. What requests do to it is in `payment_intents` and
//! `confirm`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::address::Shipping;
use crate::api::Ctx;
use crate::cards::Decline;
use crate::payment_method::PaymentMethod;
use crate::payments::card_options::CardOptions;
use crate::payments::funding;
use crate::state::{Shown, Space, State};

/// Where an intent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// No usable card yet, or the last one failed.
    RequiresPaymentMethod,
    /// A card, not yet confirmed.
    RequiresConfirmation,
    /// The holder has to authenticate.
    RequiresAction,
    /// The money is held on the card and waits to be captured.
    RequiresCapture,
    /// The bank works on it.
    Processing,
    /// Paid. Final.
    Succeeded,
    /// Given up. Final.
    Canceled,
}

impl Status {
    /// In Stripe's words.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::RequiresPaymentMethod => "requires_payment_method",
            Status::RequiresConfirmation => "requires_confirmation",
            Status::RequiresAction => "requires_action",
            Status::RequiresCapture => "requires_capture",
            Status::Processing => "processing",
            Status::Succeeded => "succeeded",
            Status::Canceled => "canceled",
        }
    }

    /// Whether nothing can change it any more.
    pub fn is_final(self) -> bool {
        matches!(self, Status::Succeeded | Status::Canceled)
    }
}

/// When the money is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureMethod {
    /// At once; the booking becomes known a moment later.
    AutomaticAsync,
    /// At once, booking and all.
    Automatic,
    /// When the merchant says so, within seven days.
    Manual,
}

/// Which payment methods an intent takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accepts {
    /// Those of the account's settings.
    Automatic {
        /// Whether those that redirect are among them.
        redirects: bool,
    },
    /// Those listed.
    Listed(Vec<String>),
    /// Those of the settings but for the listed.
    Except(Vec<String>),
}

impl Accepts {
    /// What `payment_method_types` shows.
    pub fn kinds(&self) -> Vec<&str> {
        match self {
            Accepts::Automatic { .. } => vec!["card"],
            Accepts::Listed(kinds) => kinds.iter().map(String::as_str).collect(),
            Accepts::Except(kinds) => ["card"]
                .into_iter()
                .filter(|kind| kinds.iter().all(|one| one != kind))
                .collect(),
        }
    }

    /// What `allowed_payment_method_types` shows.
    pub fn listed(&self) -> Option<&Vec<String>> {
        match self {
            Accepts::Listed(kinds) => Some(kinds),
            Accepts::Automatic { .. } | Accepts::Except(_) => None,
        }
    }

    /// What `excluded_payment_method_types` shows.
    pub fn excluded(&self) -> Option<&Vec<String>> {
        match self {
            Accepts::Except(kinds) => Some(kinds),
            Accepts::Automatic { .. } | Accepts::Listed(_) => None,
        }
    }

    /// What `automatic_payment_methods` shows.
    pub fn automatic(&self) -> Value {
        match self {
            Accepts::Automatic { redirects } => {
                json!({ "allow_redirects": if *redirects { "always" } else { "never" }, "enabled": true })
            }
            Accepts::Except(_) => json!({ "allow_redirects": "always", "enabled": true }),
            Accepts::Listed(_) => Value::Null,
        }
    }

    /// Whether a kind of payment method may pay.
    pub fn takes(&self, kind: &str) -> bool {
        self.kinds().contains(&kind)
    }

    /// Whether a confirmation has to say where a redirect comes back to.
    pub fn may_redirect(&self) -> bool {
        matches!(self, Accepts::Automatic { redirects: true } | Accepts::Except(_))
    }
}

/// What the payer has to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NextAction {
    /// Authenticate in the page, by Stripe.js.
    UseStripeSdk {
        /// The attempt's id.
        source: String,
    },
    /// Tell what a new bank account received.
    VerifyMicrodeposits {
        /// When it will have arrived, in seconds.
        arrival_date: i64,
        /// The page that asks for it.
        url: String,
    },
    /// Send money by bank transfer.
    BankTransfer {
        /// How much is still to come, in minor units.
        remaining: i64,
        /// In what.
        currency: String,
    },
    /// Go to the bank's page and come back.
    RedirectToUrl {
        /// The bank's page.
        url: String,
        /// Where it comes back to.
        return_url: String,
    },
}

/// Why the last attempt failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentError {
    /// `card_error` or `invalid_request_error`.
    pub kind: String,
    /// The code.
    pub code: String,
    /// The bank's reason.
    pub decline_code: Option<String>,
    /// The wrong field.
    pub param: Option<String>,
    /// What to do about it.
    pub advice: Option<String>,
    /// What the payer may read.
    pub message: String,
    /// The failed charge.
    pub charge: Option<String>,
    /// The card, as it was.
    pub method: Arc<PaymentMethod>,
}

/// Where the money of a destination charge goes on to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferData {
    /// The account.
    pub destination: String,
    /// How much of it; `None` is all but the application fee.
    pub amount: Option<i64>,
}

impl TransferData {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let mut data = json!({ "destination": self.destination });
        if let (Some(amount), Value::Object(fields)) = (self.amount, &mut data) {
            fields.insert("amount".into(), amount.into());
        }
        data
    }
}

/// A payment intent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentIntent {
    /// `pi_…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// Lets a browser act on it.
    pub client_secret: String,
    /// Where it stands.
    pub status: Status,
    /// What is to be paid, in minor units.
    pub amount: i64,
    /// Currency.
    pub currency: String,
    /// What was paid.
    pub amount_received: i64,
    /// What the platform takes.
    pub application_fee_amount: Option<i64>,
    /// Which payment methods it takes.
    pub accepts: Accepts,
    /// When the money is taken.
    pub capture_method: CaptureMethod,
    /// Whether only the merchant's server confirms it, again after its holder authenticated.
    #[serde(default)]
    pub confirmed_by_server: bool,
    /// Whether the holder has authenticated for a server's confirmation that is still to come.
    #[serde(default)]
    pub authenticated: bool,
    /// The customer.
    pub customer: Option<String>,
    /// The card.
    pub payment_method: Option<String>,
    /// The mandate that a bank account is debited under.
    pub mandate: Option<String>,
    /// The last attempt.
    pub latest_charge: Option<String>,
    /// What the payer has to do.
    pub next_action: Option<NextAction>,
    /// Why the last attempt failed.
    pub last_error: Option<Box<PaymentError>>,
    /// Whether the card is to be kept: `on_session` or `off_session`.
    pub setup_future_usage: Option<String>,
    /// When to insist on 3D Secure: `automatic`, `any` or `challenge`.
    pub three_d_secure: Option<String>,
    /// The rarer options for cards.
    pub card_options: Option<Box<CardOptions>>,
    /// Whether Stripe.js handles what the payer has to do.
    pub use_stripe_sdk: Option<bool>,
    /// The caller's description.
    pub description: Option<String>,
    /// Who gets a receipt.
    pub receipt_email: Option<String>,
    /// Where goods go.
    pub shipping: Option<Box<Shipping>>,
    /// Added to the account's statement descriptor.
    pub statement_descriptor_suffix: Option<String>,
    /// What was taken of the customer's cash balance so far.
    #[serde(default)]
    pub cash_applied: i64,
    /// What is held on the card and can be captured.
    pub amount_capturable: i64,
    /// The account that a destination charge is settled for.
    pub on_behalf_of: Option<String>,
    /// Where a destination charge's money goes on to.
    pub transfer_data: Option<TransferData>,
    /// What charges and transfers are grouped by.
    pub transfer_group: Option<String>,
    /// The invoice that it pays.
    pub invoice: Option<String>,
    /// When it was canceled, in seconds.
    pub canceled_at: Option<i64>,
    /// Why.
    pub cancellation_reason: Option<String>,
    /// The platform, on a connected account.
    pub application: Option<String>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

impl PaymentError {
    /// What a refusal of a card leaves on an intent.
    pub fn declined(decline: &Decline, charge: Option<String>, method: &Arc<PaymentMethod>) -> PaymentError {
        PaymentError {
            kind: "card_error".into(),
            code: decline.code.into(),
            decline_code: Some(decline.decline_code.to_owned()).filter(|code| !code.is_empty()),
            param: decline.param.map(str::to_owned),
            advice: decline.advice.map(str::to_owned),
            message: decline.message.into(),
            charge,
            method: Arc::clone(method),
        }
    }

    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let mut error = json!({
            "code": self.code,
            "doc_url": format!("https://stripe.com/docs/error-codes/{}", self.code.replace('_', "-")),
            "message": self.message, "payment_method": self.method.render(), "type": self.kind,
        });
        if let Value::Object(fields) = &mut error {
            let optional = [
                ("advice_code", &self.advice),
                ("charge", &self.charge),
                ("decline_code", &self.decline_code),
                ("param", &self.param),
            ];
            for (name, value) in optional {
                if let Some(value) = value {
                    fields.insert(name.into(), value.as_str().into());
                }
            }
        }
        error
    }
}

impl NextAction {
    /// A redirect to the bank's page of an intent, under the base URL that the caller used.
    pub fn to_bank(base: &str, id: &str, secret: &str, return_url: String) -> NextAction {
        NextAction::RedirectToUrl {
            url: format!("{base}/3d_secure/{id}?client_secret={secret}"),
            return_url,
        }
    }

    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        match self {
            NextAction::UseStripeSdk { source } => json!({
                "type": "use_stripe_sdk",
                "use_stripe_sdk": {
                    "directory_server_encryption": null, "source": source,
                    "three_d_secure_2_source": source,
                    "type": "three_d_secure_redirect",
                },
            }),
            NextAction::VerifyMicrodeposits { arrival_date, url } => json!({
                "type": "verify_with_microdeposits",
                "verify_with_microdeposits": {
                    "arrival_date": arrival_date, "hosted_verification_url": url,
                    "microdeposit_type": "descriptor_code",
                },
            }),
            NextAction::BankTransfer { remaining, currency } => {
                let transfer = funding::transfer_type(currency).unwrap_or("us_bank_transfer");
                let country = if transfer == "eu_bank_transfer" {
                    "DE"
                } else {
                    "US"
                };
                json!({
                    "display_bank_transfer_instructions": {
                        "amount_remaining": remaining, "currency": currency,
                        "financial_addresses": funding::addresses(transfer, "000000001234", country),
                        "hosted_instructions_url":
                            "https://payments.stripe.com/bank_transfers/instructions/test",
                        "reference": "PSAPAYTEST", "type": transfer,
                    },
                    "type": "display_bank_transfer_instructions",
                })
            }
            NextAction::RedirectToUrl { url, return_url } => {
                let redirect = json!({ "return_url": return_url, "url": url });
                json!({ "redirect_to_url": redirect, "type": "redirect_to_url" })
            }
        }
    }
}

impl Shown for PaymentIntent {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("customer", "customer"),
        ("latest_charge", "charge"),
        ("on_behalf_of", "account"),
        ("payment_method", "payment_method"),
        ("last_payment_error.charge", "charge"),
        ("transfer_data.destination", "account"),
    ];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

impl PaymentIntent {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let mut intent = self.render_for_browser();
        let rest = json!({
            "amount_capturable": self.amount_capturable, "amount_details": { "tip": {} },
            "amount_received": self.amount_received,
            "application": self.application, "application_fee_amount": self.application_fee_amount,
            "customer": self.customer, "customer_account": null,
            "excluded_payment_method_types": self.accepts.excluded(),
            "latest_charge": self.latest_charge, "managed_payments": { "enabled": false },
            "metadata": self.metadata,
            "on_behalf_of": self.on_behalf_of, "payment_method_configuration_details": null,
            "payment_method_options": {
                "card": {
                    "installments": null, "mandate_options": null, "network": null,
                    "request_three_d_secure": self.three_d_secure.as_deref().unwrap_or("automatic"),
                },
            },
            "payment_record": null, "review": null, "shared_payment_granted_token": null, "source": null,
            "statement_descriptor": null,
            "statement_descriptor_suffix": self.statement_descriptor_suffix,
            "transfer_data": self.transfer_data.as_ref().map(TransferData::render),
            "transfer_group": self.transfer_group,
        });
        if let (Value::Object(fields), Value::Object(rest)) = (&mut intent, rest) {
            fields.extend(rest);
        }
        let card = &mut intent["payment_method_options"]["card"];
        if let (Some(options), Some(card)) = (&self.card_options, card.as_object_mut()) {
            options.show(card);
        }
        intent
    }

    /// For what the card is kept: `on_session` or `off_session`.
    pub fn usage(&self) -> Option<&str> {
        let of_cards = self
            .card_options
            .as_ref()
            .and_then(|options| options.setup_future_usage.as_deref());
        of_cards
            .or(self.setup_future_usage.as_deref())
            .filter(|usage| *usage != "none")
    }

    /// What a publishable key may see of it.
    pub fn render_for_browser(&self) -> Value {
        json!({
            "id": self.id, "object": "payment_intent", "amount": self.amount,
            "allowed_payment_method_types": self.accepts.listed(),
            "automatic_payment_methods": self.accepts.automatic(),
            "canceled_at": self.canceled_at, "cancellation_reason": self.cancellation_reason,
            "capture_method": self.capture_method, "client_secret": self.client_secret,
            "confirmation_method": if self.confirmed_by_server { "manual" } else { "automatic" },
            "created": self.created, "currency": self.currency,
            "description": self.description,
            "last_payment_error": self.last_error.as_ref().map(|error| error.render()),
            "livemode": self.space.livemode,
            "next_action": self.next_action.as_ref().map(NextAction::render),
            "payment_method": self.payment_method, "payment_method_types": self.accepts.kinds(),
            "processing": null,
            "receipt_email": self.receipt_email, "setup_future_usage": self.setup_future_usage,
            "shipping": self.shipping.as_ref().map(|to| to.render()), "status": self.status,
        })
    }

    /// For whom the caller is.
    pub fn render_to(&self, ctx: &Ctx) -> Value {
        if ctx.secret {
            self.render()
        } else {
            self.render_for_browser()
        }
    }
}
