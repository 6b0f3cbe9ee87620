//! What people are written: the one place that decides which mail follows from what happened to them. It is
//! queued in the same transaction, so that there is no mail of what did not happen.

use domain::mail::MailKind;
use domain::{Language, MailAddress};
use store::person_tokens::Kind;
use store::users::User;
use store::{Tx, tenants};
use stripe::Secret;

use super::tokens;
use crate::mails::words::{self, LoginChange};
use crate::mails::{self, Letter, NewMail, Recipient};
use crate::{Failure, Moment};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// What the platform's own people are invited to.
const PLATFORM: &str = "psa-pay";

/// What happened to somebody.
#[derive(Clone, Copy, Debug)]
pub enum News<'a> {
    /// They were invited, and choose a password by the link.
    Invited {
        /// What the link ends with.
        token: &'a Secret,
        /// Who invites.
        inviter: &'a str,
    },
    /// Somebody asked for a new password.
    ResetAsked {
        /// What the link ends with.
        token: &'a Secret,
    },
    /// They want another address, to which the link goes.
    EmailAsked {
        /// What the link ends with.
        token: &'a Secret,
        /// The address.
        to: &'a str,
    },
    /// They, or somebody in their name, want another address; told to the one that counts.
    EmailWanted,
    /// Their address was changed; told to the one before.
    EmailChanged,
    /// Their password was changed.
    PasswordChanged,
    /// They have a second factor now.
    SecondFactorSet,
    /// They have none any more.
    SecondFactorRemoved,
    /// They have other recovery codes, or one was used.
    RecoveryCodes,
}

/// Has somebody written to. They are written to in English: nobody has said which language they read.
pub fn tell(tx: &mut Tx, user: &User, news: News, moment: Moment) -> Result<(), Failure> {
    const LANGUAGE: Language = Language::En;
    let name = Some(user.name.as_str());
    let (kind, letter) = match news {
        News::Invited { token, inviter } => {
            let organisation = tenants::find(tx, &user.tenant)?.map(|tenant| tenant.name);
            let invitation = words::Invitation {
                name,
                organisation: organisation.as_deref().unwrap_or(PLATFORM),
                by: Some(inviter),
                path: &format!("/invitation/{}", token.expose()),
                days: tokens::lasts_ms(Kind::Invitation) / DAY_MS,
            };
            (MailKind::Invitation, words::invitation(LANGUAGE, &invitation))
        }
        News::ResetAsked { token } => {
            let path = format!("/reset/{}", token.expose());
            (
                MailKind::Reset,
                words::reset(LANGUAGE, &link(name, &path, Kind::Reset)),
            )
        }
        News::EmailAsked { token, .. } => {
            let path = format!("/email/{}", token.expose());
            let letter = words::address_asked(LANGUAGE, &link(name, &path, Kind::Email));
            (MailKind::LoginChanged, letter)
        }
        News::EmailWanted => changed(LANGUAGE, name, LoginChange::AddressAsked),
        News::EmailChanged => changed(LANGUAGE, name, LoginChange::Address),
        News::PasswordChanged => changed(LANGUAGE, name, LoginChange::Password),
        News::SecondFactorSet | News::SecondFactorRemoved | News::RecoveryCodes => {
            changed(LANGUAGE, name, LoginChange::SecondStep)
        }
    };
    let to = match news {
        News::EmailAsked { to, .. } => to,
        News::Invited { .. }
        | News::ResetAsked { .. }
        | News::EmailChanged
        | News::PasswordChanged
        | News::SecondFactorSet
        | News::SecondFactorRemoved
        | News::RecoveryCodes
        | News::EmailWanted => &user.email,
    };
    let mail = NewMail {
        scope: &mails::of_a_login(),
        kind,
        about: user.id.as_str(),
        // Each time is a fact of its own.
        fact: &format!("{}-{:020x}", moment.at.ms(), moment.random(8) & ((1 << 80) - 1)),
        invoice: None,
        to: &Recipient {
            address: MailAddress::stored(to.to_owned()),
            name: Some(user.name.clone()),
        },
        letter: &letter,
        attachment: None,
    };
    mails::queue(tx, moment, &mail)?;
    Ok(())
}

fn link<'a>(name: Option<&'a str>, path: &'a str, kind: Kind) -> words::Reset<'a> {
    words::Reset {
        name,
        path,
        minutes: tokens::lasts_ms(kind) / MINUTE_MS,
    }
}

fn changed(language: Language, name: Option<&str>, change: LoginChange) -> (MailKind, Letter) {
    (
        MailKind::LoginChanged,
        words::login_changed(language, name, change),
    )
}
