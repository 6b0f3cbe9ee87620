//! Why a command is not carried out: a closed list with stable codes and sentences that a person can act
//! on. Observations of Stripe are never refused, so nothing here is about them.

use std::borrow::Cow;
use std::fmt;

use crate::{Limited, dispute, mail, pay_link, person, refund};

/// A refusal. Its code is part of the API and never changes; its sentence may be reworded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A field has a value that cannot be taken; the problem says what it must be.
    InvalidField {
        /// The field's path in the request, such as `lines[2].quantity`.
        field: Cow<'static, str>,
        /// What the value must be.
        problem: Cow<'static, str>,
    },
    /// The amount is below what Stripe charges in this currency.
    AmountTooSmall {
        /// The least amount, with its currency, as people write it.
        minimum: String,
    },
    /// The amount has more digits than Stripe takes.
    AmountTooLarge {
        /// The greatest amount, with its currency, as people write it.
        maximum: String,
    },
    /// The currency is not one that Stripe charges in.
    UnknownCurrency,
    /// There is no such object, or it belongs to somebody else: both answer the same.
    NotFound,
    /// An invoice without lines cannot be finalized.
    InvoiceEmpty,
    /// The invoice is a draft and cannot be paid or linked to yet.
    InvoiceDraft,
    /// The invoice was finalized and can no longer be edited.
    InvoiceFinalized,
    /// The invoice is paid.
    InvoicePaid,
    /// A part of the invoice is paid or credited, so it cannot be withdrawn.
    InvoicePartlyPaid,
    /// The invoice was voided.
    InvoiceVoid,
    /// A credit note would give up more than the invoice asked for.
    CreditTooLarge {
        /// What is left to be credited, with its currency, as people write it.
        maximum: String,
    },
    /// The row was changed by somebody else since it was read.
    VersionConflict,
    /// A payment of this invoice is under way or is being checked; nothing else may start.
    PaymentInProgress,
    /// The amount that the payer saw is not the amount now.
    AmountChanged {
        /// What is to be paid now, with its currency, as people write it.
        amount_now: String,
    },
    /// A part is less than what the tenant takes.
    PartTooSmall {
        /// The least part, with its currency, as people write it.
        minimum: String,
    },
    /// A part leaves so little that it could not be charged.
    RestTooSmall {
        /// All that is owed, with its currency, as people write it.
        all: String,
        /// The greatest part that leaves enough.
        at_most: String,
    },
    /// One of several invoices that were to be paid together is not open any more.
    InvoicesChanged,
    /// The link was replaced or has run out.
    LinkExpired,
    /// The tenant's account cannot take payments now.
    PaymentsUnavailable,
    /// The database is a copy: no live money moves before it was compared with Stripe.
    LiveLocked,
    /// The confirmation token was used before, has run out, or was not made for this account.
    TokenRefused,
    /// Stripe refused the payment for a reason that is ours to look into.
    PaymentRefused {
        /// Stripe's error code.
        code: String,
    },
    /// The key or page is of the other mode than the one in which new work is done now.
    ModeNotActive,
    /// The key was revoked.
    KeyRevoked,
    /// The key has run out.
    KeyExpired,
    /// The key lacks a permission.
    PermissionMissing {
        /// The permission's word, or `all`.
        permission: &'static str,
    },
    /// The tenant has no Stripe account yet.
    NotConnected,
    /// The tenant has a Stripe account already, and not the one that is asked for.
    AccountConnected {
        /// What keeps another one from taking its place.
        held: Held,
    },
    /// Another tenant has this Stripe account.
    AccountTaken,
    /// Stripe refuses to make an account of what it was told.
    AccountRefused {
        /// Stripe's code, and the parameter it complains of.
        code: String,
    },
    /// Stripe has no form to show for this account now.
    OnboardingRefused,
    /// The platform has no client id for OAuth in this mode.
    OAuthNotConfigured,
    /// Stripe does not take an owner's consent any more.
    ConsentUsed,
    /// Stripe refuses an owner's consent, or it is less than was asked for.
    ConsentRefused {
        /// Stripe's word for why.
        code: String,
    },
    /// The account that was given is of the other mode.
    AccountModeMismatch,
    /// The event cannot be applied again.
    EventNotReplayable {
        /// Why, as a sentence.
        why: &'static str,
    },
    /// A way back from Stripe that was used, has run out, or never was one.
    ConnectLinkUsed,
    /// The idempotency key was used for another request.
    IdempotencyKeyReused,
    /// The first request with this idempotency key has no answer yet.
    IdempotencyKeyInFlight,
    /// The operator has suspended the tenant: nothing new begins.
    TenantSuspended,
    /// The operator has closed the tenant for good.
    TenantClosed,
    /// The caller holds a true key, but one of a tenant where the operator's is needed.
    PlatformKeyNeeded,
    /// The caller holds a true key, but the operator's where one of a tenant is needed.
    TenantKeyNeeded,
    /// A limit holds it up.
    Limited(Limited),
    /// Nothing is done about a dispute.
    Dispute(dispute::Refused),
    /// A refund is not made.
    Refund(refund::Refused),
    /// Nothing is done about a mail.
    Mail(mail::Refused),
    /// Nothing is done about a pay link, or it opens nothing.
    PayLink(pay_link::Refused),
    /// Somebody is not let in, or nothing is done about a person.
    Person(person::Refused),
}

impl Refusal {
    /// A refusal of one field.
    pub fn invalid(field: impl Into<Cow<'static, str>>, problem: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal::InvalidField {
            field: field.into(),
            problem: problem.into(),
        }
    }

    /// The same refusal, said of a field within a list or an object: `quantity` within `lines[2]`.
    pub fn within(self, path: &str) -> Refusal {
        match self {
            Refusal::InvalidField { field, problem } => Refusal::InvalidField {
                field: format!("{path}.{field}").into(),
                problem,
            },
            other => other,
        }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::InvalidField { .. } => "invalid_field",
            Refusal::AmountTooSmall { .. } => "amount_too_small",
            Refusal::AmountTooLarge { .. } => "amount_too_large",
            Refusal::UnknownCurrency => "unknown_currency",
            Refusal::NotFound => "not_found",
            Refusal::InvoiceEmpty => "invoice_empty",
            Refusal::InvoiceDraft => "invoice_draft",
            Refusal::InvoiceFinalized => "invoice_finalized",
            Refusal::InvoicePaid => "invoice_paid",
            Refusal::InvoicePartlyPaid => "invoice_partly_paid",
            Refusal::InvoiceVoid => "invoice_void",
            Refusal::CreditTooLarge { .. } => "credit_too_large",
            Refusal::VersionConflict => "version_conflict",
            Refusal::PaymentInProgress => "payment_in_progress",
            Refusal::AmountChanged { .. } => "amount_changed",
            Refusal::PartTooSmall { .. } => "part_too_small",
            Refusal::RestTooSmall { .. } => "rest_too_small",
            Refusal::InvoicesChanged => "invoices_changed",
            Refusal::LinkExpired => "link_expired",
            Refusal::PaymentsUnavailable => "payments_unavailable",
            Refusal::LiveLocked => "live_locked",
            Refusal::TokenRefused => "confirmation_token_refused",
            Refusal::PaymentRefused { .. } => "payment_refused",
            Refusal::ModeNotActive => "mode_not_active",
            Refusal::KeyRevoked => "api_key_revoked",
            Refusal::KeyExpired => "api_key_expired",
            Refusal::PermissionMissing { .. } => "permission_missing",
            Refusal::NotConnected => "not_connected",
            Refusal::AccountConnected { .. } => "account_connected",
            Refusal::AccountTaken => "account_taken",
            Refusal::AccountRefused { .. } => "account_refused",
            Refusal::OnboardingRefused => "onboarding_refused",
            Refusal::OAuthNotConfigured => "oauth_not_configured",
            Refusal::ConsentUsed => "consent_used",
            Refusal::ConsentRefused { .. } => "consent_refused",
            Refusal::AccountModeMismatch => "account_mode_mismatch",
            Refusal::EventNotReplayable { .. } => "event_not_replayable",
            Refusal::ConnectLinkUsed => "connect_link_used",
            Refusal::IdempotencyKeyReused => "idempotency_key_reused",
            Refusal::IdempotencyKeyInFlight => "idempotency_key_in_flight",
            Refusal::TenantSuspended => "tenant_suspended",
            Refusal::TenantClosed => "tenant_closed",
            Refusal::PlatformKeyNeeded => "platform_key_needed",
            Refusal::TenantKeyNeeded => "tenant_key_needed",
            Refusal::Limited(limited) => limited.code(),
            Refusal::Dispute(refused) => refused.code(),
            Refusal::Refund(refused) => refused.code(),
            Refusal::Mail(refused) => refused.code(),
            Refusal::PayLink(refused) => refused.code(),
            Refusal::Person(refused) => refused.code(),
        }
    }

    /// The field that the refusal is about, where there is one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Refusal::InvalidField { field, .. } => Some(field),
            Refusal::AmountTooSmall { .. } | Refusal::AmountTooLarge { .. } => Some("total"),
            Refusal::UnknownCurrency => Some("currency"),
            Refusal::InvoiceEmpty => Some("lines"),
            Refusal::VersionConflict => Some("version"),
            Refusal::AmountChanged { .. }
            | Refusal::PartTooSmall { .. }
            | Refusal::RestTooSmall { .. }
            | Refusal::CreditTooLarge { .. } => Some("amount"),
            Refusal::InvoicesChanged => Some("invoices"),
            Refusal::TokenRefused => Some("confirmation_token"),
            Refusal::Limited(limited) => limited.field(),
            Refusal::Dispute(refused) => refused.field(),
            Refusal::Refund(refused) => refused.field(),
            Refusal::Mail(refused) => refused.field(),
            Refusal::Person(refused) => refused.field(),
            Refusal::NotFound
            | Refusal::InvoiceDraft
            | Refusal::InvoiceFinalized
            | Refusal::InvoicePaid
            | Refusal::InvoicePartlyPaid
            | Refusal::InvoiceVoid
            | Refusal::PaymentInProgress
            | Refusal::LinkExpired
            | Refusal::PayLink(_)
            | Refusal::PaymentsUnavailable
            | Refusal::LiveLocked
            | Refusal::PaymentRefused { .. }
            | Refusal::ModeNotActive
            | Refusal::KeyRevoked
            | Refusal::KeyExpired
            | Refusal::PermissionMissing { .. }
            | Refusal::NotConnected
            | Refusal::AccountConnected { .. }
            | Refusal::AccountTaken
            | Refusal::AccountRefused { .. }
            | Refusal::OnboardingRefused
            | Refusal::OAuthNotConfigured
            | Refusal::ConsentUsed
            | Refusal::ConsentRefused { .. }
            | Refusal::AccountModeMismatch
            | Refusal::EventNotReplayable { .. }
            | Refusal::ConnectLinkUsed
            | Refusal::IdempotencyKeyReused
            | Refusal::IdempotencyKeyInFlight
            | Refusal::TenantSuspended
            | Refusal::TenantClosed
            | Refusal::PlatformKeyNeeded
            | Refusal::TenantKeyNeeded => None,
        }
    }
}

const IDEMPOTENCY_KEY_REUSED: &str =
    "This Idempotency-Key was used for another request. Use a new key for a new request.";
const IDEMPOTENCY_KEY_IN_FLIGHT: &str =
    "The first request with this Idempotency-Key is being carried out. Repeat it in a moment.";
const TENANT_SUSPENDED: &str =
    "Suspended: no new invoices and payments, no Stripe account is connected. Ask the platform's operator.";
const TENANT_KEY_NEEDED: &str = "A platform key sees nothing of a tenant. Use an API key of the tenant.";
const MODE_NOT_ACTIVE: &str =
    "This key is of the mode that is switched off. Use a key of the mode the server runs in.";
const TOKEN_REFUSED: &str =
    "The card details were used before or have run out. Enter them again; nothing was charged.";
const AMOUNT_CHANGED: [&str; 2] = ["The amount due is now", ". Reload the page and check it."];
const PAYMENT_REFUSED: [&str; 2] = [
    "The payment could not be started: Stripe says",
    ". Nothing was charged.",
];
const PERMISSION_MISSING: [&str; 2] = ["This key lacks the permission", ". Use a key that has it."];
const INVOICE_PARTLY_PAID: &str =
    "A part of the invoice is paid or credited. Make a credit note for the rest instead of voiding it.";
const INVOICE_FINALIZED: &str =
    "The invoice was finalized and cannot be changed. Void it and make a new one.";
const VERSION_CONFLICT: &str =
    "It was changed in the meantime. Read it again, and repeat this if it is still right.";
const LINK_EXPIRED: &str = "This link is no longer valid. Ask the sender of the invoice for a new one.";
const INVOICES_CHANGED: &str =
    "One of these invoices cannot be paid any more. Reload the page and check them.";
const PAYMENTS_UNAVAILABLE: &str = "The sender of this invoice cannot take online payments at the moment.";
const LIVE_LOCKED: &str =
    "Payments are stopped for a short while for maintenance. Nothing was changed or charged.";
const NOT_CONNECTED: &str = "There is no Stripe account yet. Create or connect one first.";
const ACCOUNT_TAKEN: &str = "This Stripe account belongs to another tenant.";
const ACCOUNT_REFUSED: [&str; 2] = ["Stripe refused to make the account", "Correct it and try again."];
const CONSENT_REFUSED: [&str; 2] = [
    "Stripe did not connect the account",
    "Start again where you came from.",
];
const ONBOARDING_REFUSED: &str =
    "Stripe does not open its form for this account now. Look at its status first.";
const OAUTH_NOT_CONFIGURED: &str =
    "Existing Stripe accounts cannot be connected: the operator has set no client id for this mode.";
const CONSENT_USED: &str =
    "Your consent was used before or has run out at Stripe. Start again where you came from.";
const ACCOUNT_MODE_MISMATCH: &str =
    "This Stripe account is of the other mode, test or live. Choose one of the mode that you started in.";
const CONNECT_LINK_USED: &str = "This link was used before or has run out. Start again where you came from.";

/// What was refused, Stripe's word for why, and what to do.
fn because(f: &mut fmt::Formatter<'_>, [what, remedy]: [&str; 2], code: &str) -> fmt::Result {
    write!(f, "{what} ({code}). {remedy}")
}

/// A sentence around one word or amount.
fn around(f: &mut fmt::Formatter<'_>, [before, after]: [&str; 2], what: &str) -> fmt::Result {
    write!(f, "{before} {what}{after}")
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::InvalidField { field, problem } => write!(f, "{field} {problem}."),
            Refusal::AmountTooSmall { minimum } => write!(f, "The total must be at least {minimum}."),
            Refusal::AmountTooLarge { maximum } => write!(f, "The total must be at most {maximum}."),
            Refusal::UnknownCurrency => {
                f.write_str("currency must be a code that Stripe charges in, such as usd or eur.")
            }
            Refusal::NotFound => f.write_str("There is no such object."),
            Refusal::InvoiceEmpty => f.write_str("Add at least one line before finalizing the invoice."),
            Refusal::InvoiceDraft => f.write_str("The invoice is a draft. Finalize it first."),
            Refusal::InvoiceFinalized => f.write_str(INVOICE_FINALIZED),
            Refusal::InvoicePaid => f.write_str("The invoice is already paid."),
            Refusal::InvoicePartlyPaid => f.write_str(INVOICE_PARTLY_PAID),
            Refusal::InvoiceVoid => f.write_str("The invoice was voided."),
            Refusal::CreditTooLarge { maximum } => write!(
                f,
                "A credit note cannot be more than what is left of the invoice's total: at most {maximum}."
            ),
            Refusal::VersionConflict => f.write_str(VERSION_CONFLICT),
            Refusal::PaymentInProgress => {
                f.write_str("A payment of this invoice is being processed. Wait for its result.")
            }
            Refusal::AmountChanged { amount_now } => around(f, AMOUNT_CHANGED, amount_now),
            Refusal::PartTooSmall { minimum } => write!(f, "Pay at least {minimum}."),
            Refusal::RestTooSmall { all, at_most } => {
                write!(
                    f,
                    "Pay all of {all}, or at most {at_most}, so that the rest can be paid later."
                )
            }
            Refusal::InvoicesChanged => f.write_str(INVOICES_CHANGED),
            Refusal::LinkExpired => f.write_str(LINK_EXPIRED),
            Refusal::PaymentsUnavailable => f.write_str(PAYMENTS_UNAVAILABLE),
            Refusal::LiveLocked => f.write_str(LIVE_LOCKED),
            Refusal::TokenRefused => f.write_str(TOKEN_REFUSED),
            Refusal::PaymentRefused { code } => around(f, PAYMENT_REFUSED, code),
            Refusal::ModeNotActive => f.write_str(MODE_NOT_ACTIVE),
            Refusal::KeyRevoked => f.write_str("This key was revoked. Use another one."),
            Refusal::KeyExpired => f.write_str("This key has run out. Use another one."),
            Refusal::IdempotencyKeyReused => f.write_str(IDEMPOTENCY_KEY_REUSED),
            Refusal::IdempotencyKeyInFlight => f.write_str(IDEMPOTENCY_KEY_IN_FLIGHT),
            Refusal::TenantSuspended => f.write_str(TENANT_SUSPENDED),
            Refusal::TenantClosed => f.write_str("This tenant was closed, which is for good."),
            Refusal::PlatformKeyNeeded => f.write_str("Only the operator's platform key may do this."),
            Refusal::TenantKeyNeeded => f.write_str(TENANT_KEY_NEEDED),
            Refusal::PermissionMissing { permission } => around(f, PERMISSION_MISSING, permission),
            Refusal::NotConnected => f.write_str(NOT_CONNECTED),
            Refusal::AccountConnected { held } => f.write_str(held.sentence()),
            Refusal::AccountTaken => f.write_str(ACCOUNT_TAKEN),
            Refusal::AccountRefused { code } => because(f, ACCOUNT_REFUSED, code),
            Refusal::OnboardingRefused => f.write_str(ONBOARDING_REFUSED),
            Refusal::OAuthNotConfigured => f.write_str(OAUTH_NOT_CONFIGURED),
            Refusal::ConsentUsed => f.write_str(CONSENT_USED),
            Refusal::ConsentRefused { code } => because(f, CONSENT_REFUSED, code),
            Refusal::AccountModeMismatch => f.write_str(ACCOUNT_MODE_MISMATCH),
            Refusal::EventNotReplayable { why } => f.write_str(why),
            Refusal::ConnectLinkUsed => f.write_str(CONNECT_LINK_USED),
            Refusal::Limited(limited) => write!(f, "{limited}"),
            Refusal::Dispute(refused) => write!(f, "{refused}"),
            Refusal::Refund(refused) => write!(f, "{refused}"),
            Refusal::Mail(refused) => write!(f, "{refused}"),
            Refusal::PayLink(refused) => write!(f, "{refused}"),
            Refusal::Person(refused) => write!(f, "{refused}"),
        }
    }
}

/// What keeps another Stripe account from taking the place of the tenant's own. Payments, refunds and
/// disputes stay where they were made, so that an account with payments stays the tenant's for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It is connected, and no payment was taken on it.
    Connected,
    /// Payments were taken on it, and it is connected.
    WithPayments,
    /// Payments were taken on it, and it is disconnected.
    ToBeConnectedAgain,
    /// Its owner connected it; we make none for a tenant that came with its own.
    OwnersOwn,
}

impl Held {
    /// Every reason.
    pub const ALL: [Held; 4] = [
        Held::Connected,
        Held::WithPayments,
        Held::ToBeConnectedAgain,
        Held::OwnersOwn,
    ];

    /// What is the matter, and what can be done about it.
    pub const fn sentence(self) -> &'static str {
        match self {
            Held::Connected => "This tenant has another Stripe account. Disconnect that one first.",
            Held::WithPayments => {
                "This tenant has taken payments on another Stripe account, which stays its account for good. \
                 Go on with that one."
            }
            Held::ToBeConnectedAgain => {
                "This tenant has taken payments on another Stripe account, which stays its account for good. \
                 Connect that one again."
            }
            Held::OwnersOwn => {
                "This tenant came with a Stripe account of its own, and none is made beside it. Connect an \
                 account through Stripe's question (GET /api/stripe/connect/oauth/authorize) instead."
            }
        }
    }
}

impl std::error::Error for Refusal {}

impl From<Limited> for Refusal {
    fn from(limited: Limited) -> Refusal {
        Refusal::Limited(limited)
    }
}

impl From<dispute::Refused> for Refusal {
    fn from(refused: dispute::Refused) -> Refusal {
        Refusal::Dispute(refused)
    }
}

impl From<refund::Refused> for Refusal {
    fn from(refused: refund::Refused) -> Refusal {
        Refusal::Refund(refused)
    }
}

impl From<mail::Refused> for Refusal {
    fn from(refused: mail::Refused) -> Refusal {
        Refusal::Mail(refused)
    }
}

impl From<pay_link::Refused> for Refusal {
    fn from(refused: pay_link::Refused) -> Refusal {
        Refusal::PayLink(refused)
    }
}

impl From<person::Refused> for Refusal {
    fn from(refused: person::Refused) -> Refusal {
        Refusal::Person(refused)
    }
}
