//! Mails: which there are, where one stands, and what follows from what the mail server said.

mod refused;

pub use refused::Refused;

use crate::{Role, Timestamp, retries};

/// So long after it was queued a mail is still tried.
pub const KEPT_TRYING_MS: i64 = 3 * 24 * 60 * 60 * 1000;
/// Who takes a mail has so long to hand it over; whoever finds it afterwards sends it again.
pub const LEASE_MS: i64 = 5 * 60 * 1000;

macro_rules! words {
    ($(#[$of:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$of])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// Its word, as it is stored and as the API spells it.
            pub const fn word(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)*
                }
            }

            /// Reads the word.
            pub fn parse(word: &str) -> Option<$name> {
                match word {
                    $($word => Some($name::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

words! {
    /// What a mail tells of.
    MailKind {
        /// To the client: here is your invoice.
        Invoice = "invoice",
        /// To the client: it is due soon, or overdue.
        Reminder = "reminder",
        /// To the client: we have your money.
        Receipt = "receipt",
        /// To the client: money goes back.
        Refund = "refund",
        /// To the client: money that was to go back did not arrive.
        RefundFailed = "refund_failed",
        /// To the client: a payment that was under way has failed.
        PaymentFailed = "payment_failed",
        /// To the client: a fresh address of the pay page.
        NewLink = "new_link",
        /// To whom a client's payer has forwarded an invoice.
        Forwarded = "forwarded",
        /// To staff: join us.
        Invitation = "invitation",
        /// To a user: choose another password.
        Reset = "reset",
        /// To a user: something about your login was changed.
        LoginChanged = "login_changed",
        /// To staff: a client has paid.
        StaffPaid = "staff_paid",
        /// To staff: a client's payment has failed.
        StaffPaymentFailed = "staff_payment_failed",
        /// To staff: a refund has failed.
        StaffRefundFailed = "staff_refund_failed",
        /// To staff: a payment is disputed.
        StaffDispute = "staff_dispute",
        /// To staff: Stripe wants something of the account's owner.
        StaffRequirements = "staff_requirements",
        /// To staff: a payout has failed.
        StaffPayoutFailed = "staff_payout_failed",
        /// To operators: stored events were given up.
        OperatorEvents = "operator_events",
        /// To operators: a difference from Stripe is open for too long.
        OperatorBreaks = "operator_breaks",
        /// To operators: an endpoint at Stripe is not as it has to be.
        OperatorEndpoints = "operator_endpoints",
        /// To operators: there are payments, and no webhook comes.
        OperatorSilence = "operator_silence",
        /// To operators: a true signature was refused for its time.
        OperatorClock = "operator_clock",
        /// To operators: a tenant's payouts do not reach its bank.
        OperatorPayouts = "operator_payouts",
        /// To operators: the last backup is too old.
        OperatorBackup = "operator_backup",
        /// To operators: the disk of the database's file is filling up.
        OperatorDisk = "operator_disk",
        /// To operators: live mode is locked.
        OperatorLocked = "operator_locked",
    }
}

impl MailKind {
    /// What staff may choose to be told.
    pub const NOTICES: [MailKind; 6] = [
        MailKind::StaffPaid,
        MailKind::StaffPaymentFailed,
        MailKind::StaffRefundFailed,
        MailKind::StaffDispute,
        MailKind::StaffRequirements,
        MailKind::StaffPayoutFailed,
    ];

    /// What operators may choose to be told.
    pub const ALARMS: [MailKind; 9] = [
        MailKind::OperatorEvents,
        MailKind::OperatorBreaks,
        MailKind::OperatorEndpoints,
        MailKind::OperatorSilence,
        MailKind::OperatorClock,
        MailKind::OperatorPayouts,
        MailKind::OperatorBackup,
        MailKind::OperatorDisk,
        MailKind::OperatorLocked,
    ];

    /// What somebody in a role may choose to be told: operators of the installation, others of their money.
    pub const fn choices(role: Role) -> &'static [MailKind] {
        match role {
            Role::Owner | Role::Billing | Role::ReadOnly => &MailKind::NOTICES,
            Role::Operator => &MailKind::ALARMS,
        }
    }

    /// What somebody is told until they choose themselves: owners of everything, who keeps the money of
    /// everything but Stripe's questions, who looks on of nothing, operators of all that is theirs.
    pub const fn usual_alerts(role: Role) -> &'static [MailKind] {
        match role {
            Role::Owner => &MailKind::NOTICES,
            Role::Billing => &[
                MailKind::StaffPaid,
                MailKind::StaffPaymentFailed,
                MailKind::StaffRefundFailed,
                MailKind::StaffDispute,
                MailKind::StaffPayoutFailed,
            ],
            Role::ReadOnly => &[],
            Role::Operator => &MailKind::ALARMS,
        }
    }

    /// Whether it is to staff who chose to be told.
    pub fn is_alert(self) -> bool {
        MailKind::NOTICES.contains(&self)
    }

    /// Whether it is to operators who chose to be told.
    pub fn is_alarm(self) -> bool {
        MailKind::ALARMS.contains(&self)
    }

    /// Whether it is sent for the sake of the pay link in it: without one nobody needs it.
    pub const fn is_for_its_link(self) -> bool {
        matches!(
            self,
            MailKind::Invoice | MailKind::Reminder | MailKind::NewLink | MailKind::Forwarded
        )
    }

    /// Whether it is about a person's login, which belongs to no mode, and comes from the platform itself.
    pub const fn is_about_a_login(self) -> bool {
        matches!(
            self,
            MailKind::Invitation | MailKind::Reset | MailKind::LoginChanged
        )
    }
}

words! {
    /// Where a mail stands.
    MailState {
        /// It waits to be sent, or to be sent again.
        Queued = "queued",
        /// Somebody is handing it over; or was, when the program ended.
        Sending = "sending",
        /// The mail server has taken it.
        Sent = "sent",
        /// The mail server will not take it.
        Refused = "refused",
        /// It could not be handed over for as long as is tried.
        Failed = "failed",
        /// It came back.
        Bounced = "bounced",
        /// Nobody wants it any more.
        Cancelled = "cancelled",
    }
}

impl MailState {
    /// Whether nothing more will be done about it.
    pub const fn is_over(self) -> bool {
        !matches!(self, MailState::Queued | MailState::Sending)
    }

    /// Whether it did not reach its reader, so that a person must look.
    pub const fn is_undelivered(self) -> bool {
        matches!(self, MailState::Refused | MailState::Failed | MailState::Bounced)
    }

    /// A mail that did not arrive is sent again.
    ///
    /// # Errors
    /// [`Refused::NotFinal`] while it is under way, [`Refused::Sent`] when it was sent.
    pub fn retry(self) -> Result<MailState, Refused> {
        match self {
            MailState::Refused | MailState::Failed | MailState::Bounced | MailState::Cancelled => {
                Ok(MailState::Queued)
            }
            MailState::Queued | MailState::Sending => Err(Refused::NotFinal),
            MailState::Sent => Err(Refused::Sent),
        }
    }

    /// The operator's mail provider says that it came back.
    ///
    /// # Errors
    /// [`Refused::NotSent`] for a mail that never went out. Told twice is told once.
    pub fn bounce(self) -> Result<MailState, Refused> {
        match self {
            MailState::Sent | MailState::Bounced => Ok(MailState::Bounced),
            MailState::Queued
            | MailState::Sending
            | MailState::Refused
            | MailState::Failed
            | MailState::Cancelled => Err(Refused::NotSent),
        }
    }
}

/// What became of handing a mail over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The mail server took it, and said this.
    Taken(String),
    /// The mail server will not take it (5xx), or it cannot be written; trying again would not help.
    Refused(String),
    /// It may be taken another time: 4xx, or no answer.
    Later(String),
}

/// What follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is over.
    Over(MailState),
    /// It is tried again then.
    Again(Timestamp),
}

/// What follows when a mail that was queued at `queued_at` has been tried so often, with this outcome.
pub fn after(outcome: &Outcome, queued_at: Timestamp, tries: i64, now: Timestamp, random: u128) -> Next {
    match outcome {
        Outcome::Taken(_) => Next::Over(MailState::Sent),
        Outcome::Refused(_) => Next::Over(MailState::Refused),
        Outcome::Later(_) => {
            let next = now.plus_ms(retries::wait_ms(tries, random));
            if next > queued_at.plus_ms(KEPT_TRYING_MS) {
                Next::Over(MailState::Failed)
            } else {
                Next::Again(next)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 60 * 60 * 1000;

    #[test]
    fn words_are_read_back() {
        for kind in MailKind::ALL {
            assert_eq!(MailKind::parse(kind.word()), Some(*kind));
        }
        for state in MailState::ALL {
            assert_eq!(MailState::parse(state.word()), Some(*state));
        }
        assert_eq!(MailKind::parse("spam"), None);
        assert_eq!(MailState::parse(""), None);
    }

    #[test]
    fn a_mail_is_tried_for_three_days_and_then_given_up() {
        let queued_at = Timestamp::from_ms(1_795_598_042_000);
        let (mut now, mut tries) = (queued_at, 0);
        let later = Outcome::Later("connection refused".to_owned());
        loop {
            tries += 1;
            match after(
                &later,
                queued_at,
                tries,
                now,
                u128::from(tries.unsigned_abs()) * 7_919_113,
            ) {
                Next::Again(next) => {
                    assert!(next > now);
                    now = next;
                }
                Next::Over(state) => {
                    assert_eq!(state, MailState::Failed);
                    break;
                }
            }
        }
        let hours = (now.ms() - queued_at.ms()) / HOUR_MS;
        assert!((70..=72).contains(&hours), "given up after {hours} hours");
        assert!((75..=160).contains(&tries), "{tries} tries");
    }

    #[test]
    fn answers_of_the_mail_server_are_final() {
        let at = Timestamp::from_ms(0);
        let over = |outcome| after(&outcome, at, 1, at, 0);
        assert_eq!(
            over(Outcome::Taken("250 ok".to_owned())),
            Next::Over(MailState::Sent)
        );
        assert_eq!(
            over(Outcome::Refused("550 no".to_owned())),
            Next::Over(MailState::Refused)
        );
    }

    #[test]
    fn every_state_says_what_may_be_done_with_it() {
        for state in MailState::ALL {
            let retried = state.retry();
            assert_eq!(
                retried.is_ok(),
                state.is_undelivered() || *state == MailState::Cancelled
            );
            assert_eq!(
                state.bounce().is_ok(),
                matches!(state, MailState::Sent | MailState::Bounced)
            );
            assert!(state.is_over() || retried == Err(Refused::NotFinal));
        }
        assert_eq!(MailState::Sent.retry(), Err(Refused::Sent));
    }
}
