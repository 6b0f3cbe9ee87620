//! What is true about money: amounts, invoices, payments, fees and postings, as pure functions and types
//! that cannot be wrong. It does no I/O, reads no clock, knows no database, no Stripe and no HTTP.

pub mod alarm;
pub mod balance;
pub mod breaker;
pub mod business;
pub mod credit_note;
pub mod dispute;
pub mod external;
pub mod fee;
pub mod idempotency;
pub mod ids;
pub mod invoice;
pub mod invoice_settings;
pub mod language;
pub mod ledger;
pub mod limited;
pub mod limits;
pub mod login;
pub mod mail;
pub mod mail_address;
pub mod money;
pub mod month;
pub mod offline_payment;
pub mod password;
pub mod pay_link;
pub mod payment;
pub mod payout;
pub mod permission;
pub mod person;
pub mod refund;
pub mod refusal;
pub mod reminder;
pub mod retries;
pub mod role;
pub mod seal;
pub mod tenant;
pub mod text;
pub mod time;
pub mod totp;

pub use ids::*;
pub use language::Language;
pub use limited::Limited;
pub use mail_address::MailAddress;
pub use money::{Currency, Money};
pub use month::Month;
pub use permission::{Permission, Permissions};
pub use refusal::{Held, Refusal};
pub use role::Role;
pub use time::Timestamp;

/// TEST or LIVE. Part of the identity of every business row; never taken from a request's body or a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Stripe's test mode: no real money moves.
    Test,
    /// Stripe's live mode.
    Live,
}

impl Mode {
    /// Stripe's `livemode` flag.
    pub fn is_live(self) -> bool {
        self == Mode::Live
    }

    /// The mode of an object whose `livemode` flag is given.
    pub fn from_livemode(livemode: bool) -> Mode {
        if livemode { Mode::Live } else { Mode::Test }
    }

    /// `TEST` or `LIVE`, as operators read it in the start-up lines.
    pub fn label(self) -> &'static str {
        match self {
            Mode::Test => "TEST",
            Mode::Live => "LIVE",
        }
    }

    /// `test` or `live`, as the API spells it.
    pub fn word(self) -> &'static str {
        match self {
            Mode::Test => "test",
            Mode::Live => "live",
        }
    }
}

/// Whose rows a piece of work may see. It comes only from authentication, from a pay link, or from a
/// verified event's account and `livemode`; no query on a tenant's table works without it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// The MSP whose rows these are.
    pub tenant: TenantId,
    /// TEST or LIVE rows.
    pub mode: Mode,
}
