//! Why a configuration is refused: one variable, one reason, one sentence that says what to do. A sentence
//! never repeats the value, because half of the variables are secrets.

use std::fmt;

/// One variable that cannot be used as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The variable's name.
    pub variable: &'static str,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It is needed and not set.
    Missing {
        /// Who needs it.
        because: &'static str,
    },
    /// It is set to nothing.
    Empty,
    /// It has white space where none belongs.
    WhiteSpace,
    /// It still holds the example's text.
    Placeholder,
    /// It holds a key of the other mode.
    WrongMode {
        /// What it must begin with.
        expected: &'static str,
    },
    /// It holds something else than this slot is for.
    WrongPrefix {
        /// What it must begin with.
        expected: &'static str,
    },
    /// It cannot be read.
    Malformed {
        /// What it must be.
        expected: &'static str,
    },
    /// It has too few characters to be a secret.
    TooShort {
        /// The least number of characters.
        least: usize,
    },
    /// Its key and another's belong to different Stripe accounts.
    OtherAccount {
        /// The other variable.
        than: &'static str,
    },
    /// The same secret is configured for the other mode too.
    InBothModes {
        /// The other variable.
        other: &'static str,
    },
    /// The same secret is configured for snapshot and for thin events.
    InBothKinds {
        /// The other variable.
        other: &'static str,
    },
    /// Live mode is reached over https only.
    NeedsHttps,
    /// Live keys would be sent to somebody who is not Stripe.
    NotWithLiveKeys,
}

impl Problem {
    /// A stable word for it.
    pub const fn code(&self) -> &'static str {
        match self {
            Problem::Missing { .. } => "missing",
            Problem::Empty => "empty",
            Problem::WhiteSpace => "white_space",
            Problem::Placeholder => "placeholder",
            Problem::WrongMode { .. } => "wrong_mode",
            Problem::WrongPrefix { .. } => "wrong_prefix",
            Problem::Malformed { .. } => "malformed",
            Problem::TooShort { .. } => "too_short",
            Problem::OtherAccount { .. } => "other_account",
            Problem::InBothModes { .. } => "in_both_modes",
            Problem::InBothKinds { .. } => "in_both_kinds",
            Problem::NeedsHttps => "needs_https",
            Problem::NotWithLiveKeys => "not_with_live_keys",
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.variable;
        match &self.problem {
            Problem::Missing { because } => write!(f, "{name} is not set, but {because}: set it."),
            Problem::Empty => write!(f, "{name} is empty: give it a value, or remove the line."),
            Problem::WhiteSpace => {
                write!(
                    f,
                    "{name} contains white space: remove it, also around commas and at the ends."
                )
            }
            Problem::Placeholder => {
                write!(
                    f,
                    "{name} still holds a placeholder: put the real value there, or remove the line."
                )
            }
            Problem::WrongMode { expected } => write!(
                f,
                "{name} holds a key of the other mode: put one there that begins with {expected}, or \
                 change STRIPE_MODE and move the key to its own variable."
            ),
            Problem::WrongPrefix { expected } => {
                write!(
                    f,
                    "{name} must begin with {expected}: check which value of the Stripe dashboard it holds."
                )
            }
            Problem::Malformed { expected } => write!(f, "{name} cannot be read: it must be {expected}."),
            Problem::TooShort { least } => write!(
                f,
                "{name} is too short: use at least {least} random characters, such as the output of \
                 `openssl rand -hex 32`."
            ),
            Problem::OtherAccount { than } => {
                write!(
                    f,
                    "{name} belongs to another Stripe account than {than}: copy both from the same account."
                )
            }
            Problem::InBothModes { other } => write!(
                f,
                "{name} holds a secret that {other} holds too: a secret belongs to one mode, so \
                 remove it from one."
            ),
            Problem::InBothKinds { other } => write!(
                f,
                "{name} holds a secret that {other} holds too: an endpoint sends one kind of event, \
                 so remove it from one."
            ),
            Problem::NeedsHttps => write!(
                f,
                "{name} must begin with https:// when STRIPE_MODE=live: put a proxy with a certificate \
                 before this server and name its address."
            ),
            Problem::NotWithLiveKeys => write!(
                f,
                "{name} would send live keys to another host than Stripe: remove it, or use a loopback \
                 address with keys that begin with sk_live_psapay_demo."
            ),
        }
    }
}

impl std::error::Error for ConfigError {}
