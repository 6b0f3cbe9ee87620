//! What people are written: the one place that decides which mail follows from what happened to them. It is
//! queued in the same transaction, so that there is no mail of what did not happen.

use domain::mail::MailKind;
use domain::{Language, MailAddress, Mode, Role, Scope, UserId};
use store::person_tokens::Kind;
use store::users::{self, User};
use store::{Tx, mail_settings, tenants};

use super::tokens::{self, Link};
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
        /// The link.
        link: &'a Link,
        /// Who invites.
        inviter: &'a str,
    },
    /// They were invited, and log in elsewhere with the same address.
    InvitedElsewhere {
        /// Who invites.
        inviter: &'a str,
    },
    /// Somebody is to be an owner beside them.
    AnotherOwner {
        /// Who.
        whom: &'a User,
        /// Who lets them.
        inviter: &'a str,
    },
    /// Somebody asked for a new password.
    ResetAsked {
        /// The link.
        link: &'a Link,
    },
    /// They want another address, to which the link goes.
    EmailAsked {
        /// The link.
        link: &'a Link,
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
    /// They have other recovery codes.
    RecoveryCodes,
    /// They logged in with a recovery code.
    RecoveryCodeUsed,
}

/// Has somebody written to, in their language; while nobody has said which it is, in their tenant's.
pub fn tell(tx: &mut Tx, user: &User, news: News, moment: Moment) -> Result<(), Failure> {
    let language = match user.language {
        Some(language) => language,
        None => of_tenant(tx, user)?,
    };
    let name = Some(user.name.as_str());
    let (kind, letter) = match news {
        News::Invited { link, inviter } => {
            let invitation = words::Invitation {
                name,
                organisation: &organisation(tx, user)?,
                by: Some(inviter),
                path: &link.kept(),
                days: tokens::lasts_ms(Kind::Invitation) / DAY_MS,
            };
            (MailKind::Invitation, words::invitation(language, &invitation))
        }
        News::InvitedElsewhere { inviter } => {
            let letter = words::invited_elsewhere(language, name, &organisation(tx, user)?, inviter);
            (MailKind::Invitation, letter)
        }
        News::AnotherOwner { whom, inviter } => {
            let owner = words::AnotherOwner {
                name,
                organisation: &organisation(tx, user)?,
                by: inviter,
                whom: &format!("{} ({})", whom.name, whom.email),
            };
            (MailKind::LoginChanged, words::another_owner(language, &owner))
        }
        News::ResetAsked { link } => {
            let letter = words::reset(language, &to_be_opened(name, &link.kept(), Kind::Reset));
            (MailKind::Reset, letter)
        }
        News::EmailAsked { link, .. } => {
            let letter = words::address_asked(language, &to_be_opened(name, &link.kept(), Kind::Email));
            (MailKind::LoginChanged, letter)
        }
        News::EmailWanted => changed(language, name, LoginChange::AddressAsked),
        News::EmailChanged => changed(language, name, LoginChange::Address),
        News::PasswordChanged => changed(language, name, LoginChange::Password),
        News::SecondFactorSet | News::SecondFactorRemoved | News::RecoveryCodes => {
            changed(language, name, LoginChange::SecondStep)
        }
        News::RecoveryCodeUsed => changed(language, name, LoginChange::RecoveryCodeUsed),
    };
    let mail = NewMail {
        scope: &mails::of_a_login(),
        kind,
        about: user.id.as_str(),
        // Each time is a fact of its own.
        fact: &format!("{}-{:020x}", moment.at.ms(), moment.random(8) & ((1 << 80) - 1)),
        invoice: None,
        to: &Recipient {
            address: MailAddress::stored(address_of(user, news).to_owned()),
            name: Some(user.name.clone()),
        },
        letter: &letter,
        attachment: None,
    };
    mails::queue(tx, moment, &mail)?;
    Ok(())
}

/// Where somebody is told of it.
fn address_of<'a>(user: &'a User, news: News<'a>) -> &'a str {
    match news {
        News::EmailAsked { to, .. } => to,
        News::Invited { .. }
        | News::InvitedElsewhere { .. }
        | News::AnotherOwner { .. }
        | News::ResetAsked { .. }
        | News::EmailChanged
        | News::PasswordChanged
        | News::SecondFactorSet
        | News::SecondFactorRemoved
        | News::RecoveryCodes
        | News::RecoveryCodeUsed
        | News::EmailWanted => &user.email,
    }
}

/// Tells the owners of a tenant, but for whoever does it, that somebody is to be one of them: nobody becomes
/// an owner unnoticed, not by the operator's hand either.
pub fn owners_of_owner(
    tx: &mut Tx,
    whom: &User,
    (inviter, id): (&str, Option<&UserId>),
    moment: Moment,
) -> Result<(), Failure> {
    if whom.role != Role::Owner {
        return Ok(());
    }
    let counts = |user: &User| {
        let other = user.id != whom.id && Some(&user.id) != id;
        other && user.role == Role::Owner && user.password_hash.is_some() && user.disabled_at.is_none()
    };
    for owner in users::of_tenant(tx, &whom.tenant)?
        .iter()
        .filter(|user| counts(user))
    {
        tell(tx, owner, News::AnotherOwner { whom, inviter }, moment)?;
    }
    Ok(())
}

/// Whose people somebody belongs to, or is to.
fn organisation(tx: &mut Tx, user: &User) -> Result<String, Failure> {
    let tenant = tenants::find(tx, &user.tenant)?;
    Ok(tenant.map_or_else(|| PLATFORM.to_owned(), |tenant| tenant.name))
}

/// The language of a tenant's clients: of the live ones, where there is such a choice.
fn of_tenant(tx: &mut Tx, user: &User) -> Result<Language, Failure> {
    let mut chosen = Language::default();
    for mode in [Mode::Test, Mode::Live] {
        let scope = Scope {
            tenant: user.tenant.clone(),
            mode,
        };
        let language = mail_settings::get(tx, &scope)?.language;
        if language != Language::default() {
            chosen = language;
        }
    }
    Ok(chosen)
}

fn to_be_opened<'a>(name: Option<&'a str>, path: &'a str, kind: Kind) -> words::Reset<'a> {
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
