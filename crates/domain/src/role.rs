//! Who may do what: the roles of people, and the matrix of roles and permissions as data. A role is a list of
//! permissions and nothing else; what an address needs stands in the server's table of routes.

use crate::Permission;
use crate::permission::Permission::{
    AuditRead, BreaksRead, BreaksWrite, ClientsRead, ClientsWrite, ConnectRead, ConnectWrite, CreditsRead,
    CreditsWrite, DisputesRead, DisputesWrite, EventsRead, EventsReplay, FeesRead, InvoicesRead,
    InvoicesWrite, KeysRead, KeysWrite, MailsRead, MailsWrite, OfflinePaymentsWrite, PaymentsRead,
    PaymentsWrite, PayoutsRead, PeopleRead, PeopleWrite, RefundsRead, RefundsWrite, ReportsRead, ReportsRun,
    SettingsRead, SettingsWrite, SubscriptionsRead,
};

/// What somebody is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Runs the platform: tenants, fees, what is over all of them. Nothing of a tenant's own desk.
    Operator,
    /// Runs an MSP: everything that is the tenant's.
    Owner,
    /// Keeps the MSP's money: invoices, payments, refunds, disputes. No keys, people, settings or accounts.
    Billing,
    /// Looks on.
    ReadOnly,
}

/// Which roles of a tenant have a permission: owner, billing, read-only.
type Row = (Permission, [bool; 3]);

const O: [bool; 3] = [true, false, false];
const OB: [bool; 3] = [true, true, false];
const OBR: [bool; 3] = [true, true, true];

/// The matrix. Every permission has one row, and owners have them all.
pub const MATRIX: &[Row] = &[
    (ClientsRead, OBR),
    (ClientsWrite, OB),
    (InvoicesRead, OBR),
    (InvoicesWrite, OB),
    (PaymentsRead, OBR),
    (PaymentsWrite, OB),
    (OfflinePaymentsWrite, OB),
    (MailsRead, OBR),
    (MailsWrite, OB),
    (FeesRead, OBR),
    (SettingsRead, OBR),
    (SettingsWrite, O),
    (CreditsRead, OBR),
    (CreditsWrite, OB),
    (DisputesRead, OBR),
    (DisputesWrite, OB),
    (RefundsRead, OBR),
    (RefundsWrite, OB),
    (PayoutsRead, OBR),
    (ReportsRead, OBR),
    (ReportsRun, OB),
    (SubscriptionsRead, OBR),
    (ConnectRead, OBR),
    (ConnectWrite, O),
    (KeysRead, O),
    (KeysWrite, O),
    (AuditRead, O),
    (BreaksRead, OBR),
    (BreaksWrite, OB),
    (EventsRead, OBR),
    (EventsReplay, O),
    (PeopleRead, O),
    (PeopleWrite, O),
];

/// What pages do for nobody without a second factor, whatever the role: money that goes back, and who may do
/// what. Keys of the API have their own rules.
pub const WITH_SECOND_FACTOR: &[Permission] = &[RefundsWrite, ConnectWrite, KeysWrite, PeopleWrite];

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// How long a session may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// Without a request.
    pub idle_ms: i64,
    /// At all.
    pub absolute_ms: i64,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 4] = [Role::Operator, Role::Owner, Role::Billing, Role::ReadOnly];
    /// Those that somebody of a tenant can have.
    pub const OF_TENANTS: [Role; 3] = [Role::Owner, Role::Billing, Role::ReadOnly];

    /// As the database and forms spell it.
    pub const fn word(self) -> &'static str {
        match self {
            Role::Operator => "operator",
            Role::Owner => "owner",
            Role::Billing => "billing",
            Role::ReadOnly => "read_only",
        }
    }

    /// As people read it.
    pub const fn label(self) -> &'static str {
        match self {
            Role::Operator => "Platform operator",
            Role::Owner => "Owner",
            Role::Billing => "Billing",
            Role::ReadOnly => "Read only",
        }
    }

    /// What it means, in a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Role::Operator => "Runs the platform: tenants, fees and everything that is over all of them.",
            Role::Owner => "May do everything, and decides who else may.",
            Role::Billing => {
                "Works with clients, invoices, payments, refunds and disputes. Changes no settings, keys or \
                 people."
            }
            Role::ReadOnly => "Sees clients, invoices, payments and reports, and changes nothing.",
        }
    }

    /// The role of a word.
    pub fn parse(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.word() == word)
    }

    /// Whether somebody with this role may do this in their own tenant.
    pub fn may(self, permission: Permission) -> bool {
        let column = match self {
            Role::Operator => return false,
            Role::Owner => 0,
            Role::Billing => 1,
            Role::ReadOnly => 2,
        };
        MATRIX
            .iter()
            .any(|(row, roles)| *row == permission && roles[column])
    }

    /// Whether a password alone is not enough.
    pub const fn needs_second_factor(self) -> bool {
        match self {
            Role::Operator | Role::Owner => true,
            Role::Billing | Role::ReadOnly => false,
        }
    }

    /// How long a session of somebody with this role may last.
    pub const fn lifetime(self) -> Lifetime {
        match self {
            Role::Operator => Lifetime {
                idle_ms: 15 * MINUTE_MS,
                absolute_ms: 8 * HOUR_MS,
            },
            Role::Owner | Role::Billing | Role::ReadOnly => Lifetime {
                idle_ms: 30 * MINUTE_MS,
                absolute_ms: 12 * HOUR_MS,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_has_one_row_and_owners_have_them_all() {
        let mut rows: Vec<Permission> = MATRIX.iter().map(|(permission, _)| *permission).collect();
        rows.sort();
        let mut all = Permission::ALL.to_vec();
        all.sort();
        assert_eq!(rows, all);
        for permission in Permission::ALL {
            assert!(Role::Owner.may(*permission), "{permission:?}");
            assert!(!Role::Operator.may(*permission), "{permission:?}");
            // Whoever may less has nothing that those above have not.
            assert!(!Role::ReadOnly.may(*permission) || Role::Billing.may(*permission));
        }
    }

    #[test]
    fn who_only_looks_on_writes_nothing_and_money_is_not_kept_with_keys() {
        for permission in Permission::ALL {
            if Role::ReadOnly.may(*permission) {
                assert!(permission.word().ends_with(":read"), "{permission:?}");
            }
        }
        for permission in [
            KeysRead,
            KeysWrite,
            PeopleRead,
            PeopleWrite,
            ConnectWrite,
            SettingsWrite,
        ] {
            assert!(!Role::Billing.may(permission), "{permission:?}");
        }
        let counts = Role::ALL.map(|role| Permission::ALL.iter().filter(|p| role.may(**p)).count());
        assert_eq!(counts, [0, 33, 25, 15]);
    }

    #[test]
    fn words_are_read_back_and_those_who_decide_have_a_second_factor() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.word()), Some(role));
            let decides = role == Role::Operator || role.may(PeopleWrite);
            assert_eq!(role.needs_second_factor(), decides);
            assert!(role.lifetime().idle_ms < role.lifetime().absolute_ms);
        }
        assert_eq!(Role::parse("admin"), None);
    }
}
