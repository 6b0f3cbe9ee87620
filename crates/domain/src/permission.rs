//! What an API key may do: a closed list of permissions with stable words. A key holds all of them or a
//! list, and gives to another key at most what it has itself.

use std::collections::BTreeSet;

use crate::Refusal;

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// One thing that a key may do. A verb does not include another: who may write may not read by
        /// that.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission {
            $($(#[$doc])* $name,)*
        }

        impl Permission {
            /// Every permission.
            pub const ALL: &'static [Permission] = &[$(Permission::$name,)*];

            /// The stable word, as the API and the database spell it.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Permission::$name => $word,)*
                }
            }
        }
    };
}

permissions! {
    /// Read clients.
    ClientsRead = "clients:read";
    /// Add clients.
    ClientsWrite = "clients:write";
    /// Read invoices.
    InvoicesRead = "invoices:read";
    /// Draft, edit, finalize and void invoices, and make their pay links.
    InvoicesWrite = "invoices:write";
    /// Read payments.
    PaymentsRead = "payments:read";
    /// Make payment intents.
    PaymentsWrite = "payments:write";
    /// Record money that came without Stripe, and take it back.
    OfflinePaymentsWrite = "offline_payments:write";
    /// Read mails, and who gets them.
    MailsRead = "mails:read";
    /// Send invoices and mails that did not arrive, and note promises to pay.
    MailsWrite = "mails:write";
    /// Read the platform's fee rules, and what it took.
    FeesRead = "fees:read";
    /// Read what payers may choose.
    SettingsRead = "settings:read";
    /// Say what payers may choose.
    SettingsWrite = "settings:write";
    /// Read credit notes and clients' credit.
    CreditsRead = "credits:read";
    /// Make credit notes, and use clients' credit.
    CreditsWrite = "credits:write";
    /// Read disputes.
    DisputesRead = "disputes:read";
    /// Answer, accept and settle disputes.
    DisputesWrite = "disputes:write";
    /// Read refunds.
    RefundsRead = "refunds:read";
    /// Give payments back.
    RefundsWrite = "refunds:write";
    /// Read payouts and what they consist of.
    PayoutsRead = "payouts:read";
    /// Read the books: balances, statements, and whether they agree with Stripe.
    ReportsRead = "reports:read";
    /// Have the books compared with Stripe now.
    ReportsRun = "reports:run";
    /// Read the subscriptions of Stripe's own billing.
    SubscriptionsRead = "subscriptions:read";
    /// Read the state of the connected Stripe account.
    ConnectRead = "connect:read";
    /// Connect and disconnect a Stripe account.
    ConnectWrite = "connect:write";
    /// List API keys.
    KeysRead = "keys:read";
    /// Make and revoke API keys.
    KeysWrite = "keys:write";
    /// Read the audit log.
    AuditRead = "audit:read";
    /// Read what differs from Stripe.
    BreaksRead = "breaks:read";
    /// Say that a difference is dealt with.
    BreaksWrite = "breaks:write";
    /// Read what Stripe reported.
    EventsRead = "events:read";
    /// Have events of Stripe's applied again.
    EventsReplay = "events:replay";
    /// See who may log in for the tenant.
    PeopleRead = "people:read";
    /// Invite people, change what they may, and shut them out.
    PeopleWrite = "people:write";
}

impl Permission {
    /// The permission of a word.
    pub fn parse(word: &str) -> Option<Permission> {
        Permission::ALL
            .iter()
            .copied()
            .find(|permission| permission.word() == word)
    }
}

/// Stands for every permission, those of later versions included.
const EVERYTHING: &str = "all";

/// The permissions of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permissions {
    /// All of them, those of later versions included.
    All,
    /// These.
    Only(BTreeSet<Permission>),
}

impl Permissions {
    /// Reads what a caller asks for: the one word `all`, or a list of permissions.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`] that names the first unknown word, or says that the list is empty.
    pub fn asked<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Permissions, Refusal> {
        let words: Vec<&str> = words.into_iter().collect();
        if words == [EVERYTHING] {
            return Ok(Permissions::All);
        }
        if words.is_empty() {
            return Err(Refusal::invalid(
                "permissions",
                "must name at least one permission, or be \"all\"",
            ));
        }
        let permission = |(index, word): (usize, &&str)| {
            Permission::parse(word).ok_or_else(|| {
                let known: Vec<&str> = Permission::ALL.iter().map(|known| known.word()).collect();
                // A word from outside may be of any length.
                let word: String = word.chars().take(40).collect();
                let problem = format!("is no permission: {word:?}; there are {}", known.join(", "));
                Refusal::invalid(format!("permissions[{index}]"), problem)
            })
        };
        words
            .iter()
            .enumerate()
            .map(permission)
            .collect::<Result<_, _>>()
            .map(Permissions::Only)
    }

    /// Reads what [`Permissions::words`] gives, joined by spaces. A word that this version does not know is
    /// left out: a key never gains by an upgrade or by the way back.
    pub fn stored(text: &str) -> Permissions {
        if text == EVERYTHING {
            return Permissions::All;
        }
        Permissions::Only(text.split(' ').filter_map(Permission::parse).collect())
    }

    /// The words: `all` alone, or each permission in a fixed order.
    pub fn words(&self) -> Vec<&'static str> {
        match self {
            Permissions::All => vec![EVERYTHING],
            Permissions::Only(these) => these.iter().map(|permission| permission.word()).collect(),
        }
    }

    /// Whether a key with these permissions may do this.
    ///
    /// # Errors
    /// [`Refusal::PermissionMissing`].
    pub fn need(&self, permission: Permission) -> Result<(), Refusal> {
        let has = match self {
            Permissions::All => true,
            Permissions::Only(these) => these.contains(&permission),
        };
        if has {
            Ok(())
        } else {
            Err(missing(permission.word()))
        }
    }

    /// Whether a key with these permissions may make a key with those: it gives nothing that it has not.
    ///
    /// # Errors
    /// [`Refusal::PermissionMissing`] that names the first permission it lacks.
    pub fn grant(&self, wanted: &Permissions) -> Result<(), Refusal> {
        match (self, wanted) {
            (Permissions::All, Permissions::All | Permissions::Only(_)) => Ok(()),
            (Permissions::Only(_), Permissions::All) => Err(missing(EVERYTHING)),
            (Permissions::Only(_), Permissions::Only(wanted)) => {
                wanted.iter().try_for_each(|permission| self.need(*permission))
            }
        }
    }
}

fn missing(permission: &'static str) -> Refusal {
    Refusal::PermissionMissing { permission }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(these: &[Permission]) -> Permissions {
        Permissions::Only(these.iter().copied().collect())
    }

    #[test]
    fn every_word_is_read_back_and_no_other_is_taken() {
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.word()), Some(*permission));
            let alone = only(&[*permission]);
            assert_eq!(Permissions::asked(alone.words()), Ok(alone.clone()));
            assert_eq!(Permissions::stored(&alone.words().join(" ")), alone);
        }
        let every = only(Permission::ALL);
        assert_eq!(Permissions::stored(&every.words().join(" ")), every);
        assert_eq!(Permissions::asked(["all"]), Ok(Permissions::All));
        assert_eq!(Permissions::stored("all"), Permissions::All);
        for words in [
            &["clients"][..],
            &["clients:read", "all"],
            &["CLIENTS:READ"],
            &[""],
        ] {
            let index = words.len() - 1;
            let refused = Permissions::asked(words.iter().copied()).unwrap_err();
            assert_eq!(refused.field(), Some(format!("permissions[{index}]").as_str()));
            assert!(refused.to_string().contains(words[index]), "{refused}");
        }
        assert_eq!(Permissions::asked([]).unwrap_err().field(), Some("permissions"));
        assert_eq!(
            Permissions::stored("gone:read clients:read"),
            only(&[Permission::ClientsRead])
        );
    }

    #[test]
    fn a_key_does_what_it_has_and_gives_no_more() {
        for held in Permission::ALL {
            for wanted in Permission::ALL {
                let (key, other) = (only(&[*held]), only(&[*wanted]));
                let expected = if held == wanted {
                    Ok(())
                } else {
                    Err(missing(wanted.word()))
                };
                assert_eq!(key.need(*wanted), expected);
                assert_eq!(key.grant(&other), expected);
                assert_eq!(only(&[*held, *wanted]).grant(&key), Ok(()));
                assert_eq!(key.grant(&only(&[*held, *wanted])), expected);
            }
            assert_eq!(Permissions::All.need(*held), Ok(()));
            assert_eq!(Permissions::All.grant(&only(&[*held])), Ok(()));
        }
        assert_eq!(Permissions::All.grant(&Permissions::All), Ok(()));
        // A key with every permission of today must not make one that gets those of tomorrow.
        assert_eq!(
            only(Permission::ALL).grant(&Permissions::All),
            Err(missing("all"))
        );
    }
}
