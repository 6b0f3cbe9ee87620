//! Why somebody is not let in, or something about people is not done: names, addresses, links, factors.

use std::fmt;

use crate::Refusal;
use crate::limits::seconds_until;
use crate::{MailAddress, Timestamp, text};

/// Longest name of a person, in characters.
pub const NAME_MAX: usize = 100;
/// Longest address, in characters: what SMTP carries.
pub const EMAIL_MAX: usize = 254;

/// The name of a person: plain text in one line, so that it can stand in a mail's header.
///
/// # Errors
/// [`Refusal::InvalidField`] for `name`.
pub fn name(given: &str) -> Result<String, Refusal> {
    text::shown(given, NAME_MAX, false).ok_or_else(|| {
        let problem = format!("must be plain text in one line, with 1 to {NAME_MAX} characters");
        Refusal::invalid("name", problem)
    })
}

/// An address as it is compared and written to: in lower case.
///
/// # Errors
/// [`Refusal::InvalidField`] for `email`.
pub fn email(given: &str) -> Result<String, Refusal> {
    Ok(MailAddress::parse("email", given)?.key())
}

/// A refusal; its code is stable, as those of every refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The address is unknown, the password is wrong, or the person was disabled: all answer the same.
    Login,
    /// Too many wrong passwords or codes.
    LoginDelayed {
        /// Seconds until the next try is looked at.
        wait_s: i64,
    },
    /// Too many passwords are being checked at the moment.
    LoginBusy,
    /// The code of the authenticator, or the recovery code, is wrong, too old, or was used.
    Code,
    /// The authenticator's seed was sealed under another `SECRET_KEY`: no code of it can be checked.
    FactorUnreadable,
    /// There is no session, or it has ended.
    SessionEnded,
    /// The form does not come from a page of this session.
    FormToken,
    /// Something sensitive, and it is too long ago that the person showed who they are.
    StepUpNeeded,
    /// The role needs a second factor, and there is none yet.
    SecondFactorNeeded,
    /// There is a second factor already.
    SecondFactorThere,
    /// The role may not do this.
    RoleInsufficient,
    /// A link from a mail, or the token of the first start, that was used, has run out, or never was one.
    LinkUsed,
    /// Somebody else has this address.
    EmailTaken,
    /// The last owner of a tenant, or the last operator, stays one.
    LastOne,
    /// Nobody does this to themselves.
    Oneself,
    /// The first operator is there already.
    AlreadySetUp,
}

impl Refused {
    /// Held up until a moment.
    pub fn delayed(until: Timestamp, now: Timestamp) -> Refused {
        Refused::LoginDelayed {
            wait_s: seconds_until(until, now),
        }
    }

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Refused::Login => "login_refused",
            Refused::LoginDelayed { .. } => "login_delayed",
            Refused::LoginBusy => "login_busy",
            Refused::Code => "code_refused",
            Refused::FactorUnreadable => "authenticator_unreadable",
            Refused::SessionEnded => "session_ended",
            Refused::FormToken => "form_token_refused",
            Refused::StepUpNeeded => "step_up_needed",
            Refused::SecondFactorNeeded => "second_factor_needed",
            Refused::SecondFactorThere => "second_factor_there",
            Refused::RoleInsufficient => "role_insufficient",
            Refused::LinkUsed => "person_link_used",
            Refused::EmailTaken => "email_taken",
            Refused::LastOne => "last_one",
            Refused::Oneself => "oneself",
            Refused::AlreadySetUp => "already_set_up",
        }
    }

    /// The field that it is about, where there is one.
    pub const fn field(self) -> Option<&'static str> {
        match self {
            Refused::Code | Refused::FactorUnreadable => Some("code"),
            Refused::EmailTaken => Some("email"),
            Refused::LastOne => Some("role"),
            Refused::Login
            | Refused::LoginDelayed { .. }
            | Refused::LoginBusy
            | Refused::SessionEnded
            | Refused::FormToken
            | Refused::StepUpNeeded
            | Refused::SecondFactorNeeded
            | Refused::SecondFactorThere
            | Refused::RoleInsufficient
            | Refused::LinkUsed
            | Refused::Oneself
            | Refused::AlreadySetUp => None,
        }
    }

    /// Seconds until the same request may be sent again, where waiting helps.
    pub const fn wait_s(self) -> Option<i64> {
        match self {
            Refused::LoginDelayed { wait_s } => Some(wait_s),
            Refused::LoginBusy => Some(2),
            Refused::Login
            | Refused::Code
            | Refused::FactorUnreadable
            | Refused::SessionEnded
            | Refused::FormToken
            | Refused::StepUpNeeded
            | Refused::SecondFactorNeeded
            | Refused::SecondFactorThere
            | Refused::RoleInsufficient
            | Refused::LinkUsed
            | Refused::EmailTaken
            | Refused::LastOne
            | Refused::Oneself
            | Refused::AlreadySetUp => None,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::Login => "The e-mail address or the password is wrong.",
            Refused::LoginDelayed { wait_s } => {
                return write!(
                    f,
                    "Too many wrong tries. Try again in {}.",
                    crate::limited::wait(*wait_s)
                );
            }
            Refused::LoginBusy => "Too many people are logging in at the moment. Try again in a few seconds.",
            Refused::Code => {
                "This code is wrong, too old, or was used before. Wait for the next one and enter that."
            }
            Refused::FactorUnreadable => {
                "Codes of your authenticator cannot be checked any more, as the key of this installation was \
                 replaced. Enter a recovery code, then set up the authenticator anew."
            }
            Refused::SessionEnded => "Your session has ended. Log in again.",
            Refused::FormToken => {
                "This form does not belong to your session any more. Nothing was changed: send it again."
            }
            Refused::StepUpNeeded => "Confirm that it is you: enter your password or a code first.",
            Refused::SecondFactorNeeded => "Your role needs a second factor. Set up an authenticator first.",
            Refused::SecondFactorThere => "There is an authenticator already. Remove that one first.",
            Refused::RoleInsufficient => "Your role may not do this. Ask an owner.",
            Refused::LinkUsed => "This link was used before or has run out. Ask for a new one.",
            Refused::EmailTaken => "Somebody with this e-mail address is here already.",
            Refused::LastOne => "Somebody has to remain in this role. Give it to another person first.",
            Refused::Oneself => "You cannot do this to yourself. Ask another person in your role.",
            Refused::AlreadySetUp => "This installation is set up already. Log in instead.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_cannot_break_out_of_a_header() {
        for (given, read) in [
            ("jordan@northwind.example", Some("jordan@northwind.example")),
            (" Jordan@Northwind.Example ", Some("jordan@northwind.example")),
            (
                "o'neil+billing@sub.example.co.uk",
                Some("o'neil+billing@sub.example.co.uk"),
            ),
            ("jörg@bäckerei.example", None),
            ("a@b.example\r\nBcc: all@evil.example", None),
            ("a@b.example\n", None),
            ("\na@b.example", None),
            ("a@b.example,c@d.example", None),
            ("a@b.example;c@d.example", None),
            ("Evil <a@b.example>", None),
            ("a b@c.example", None),
            ("a@b@c.example", None),
            ("a@localhost", None),
            ("a@.example", None),
            ("a@b..example", None),
            ("@b.example", None),
            ("a", None),
            ("", None),
            ("a\u{202e}@b.example", None),
            ("a\0@b.example", None),
        ] {
            assert_eq!(email(given).ok().as_deref(), read, "{given:?}");
        }
        assert!(email(&format!("{}@b.example", "a".repeat(EMAIL_MAX))).is_err());
        for (given, read) in [
            ("  Jordan Fielding ", Some("Jordan Fielding")),
            ("Jörg O'Neil-Müller", Some("Jörg O'Neil-Müller")),
            ("Jordan\r\nBcc: all@evil.example", None),
            ("Jordan\u{202e}", None),
            ("", None),
            ("\u{200b}", None),
        ] {
            assert_eq!(name(given).ok().as_deref(), read, "{given:?}");
        }
        assert!(name(&"x".repeat(NAME_MAX)).is_ok() && name(&"x".repeat(NAME_MAX + 1)).is_err());
    }
}
