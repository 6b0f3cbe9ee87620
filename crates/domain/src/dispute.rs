//! Disputes: the payer's bank asks about a payment, or takes its money back and then decides who keeps it.
//! How what Stripe says is merged into what we know, what it means for money, and what may be done about it.

pub mod document;
pub mod evidence;
mod loss;
mod refused;

pub use crate::payment::Evidence;
pub use loss::{Gone, forgive, to_settle};
pub use refused::Refused;

use crate::{Money, Timestamp};

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// The statuses that are known here. Stripe may add others.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Status {
            $($(#[$doc])* $name,)*
        }

        impl Status {
            /// Every status, those of a longer life behind those before them.
            pub const ALL: &'static [Status] = &[$(Status::$name,)*];

            /// The status as Stripe writes it.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Status::$name => $word,)*
                }
            }
        }
    };
}

// The order is the one in which a dispute goes through them.
statuses! {
    /// The bank asks; no money was taken.
    WarningNeedsResponse = "warning_needs_response";
    /// It reads the answer.
    WarningUnderReview = "warning_under_review";
    /// It took no money, and is done.
    WarningClosed = "warning_closed";
    /// Settled before it became a chargeback.
    Prevented = "prevented";
    /// The bank took the money and waits for evidence.
    NeedsResponse = "needs_response";
    /// It reads the evidence.
    UnderReview = "under_review";
    /// The money is gone.
    Lost = "lost";
    /// Lost, and may be appealed.
    AppealNeedsResponse = "appeal_needs_response";
    /// The appeal is read.
    AppealUnderReview = "appeal_under_review";
    /// The money is back.
    Won = "won";
}

impl Status {
    /// Whether it is a question of the bank's, which never moves money.
    pub const fn is_inquiry(self) -> bool {
        matches!(
            self,
            Status::WarningNeedsResponse
                | Status::WarningUnderReview
                | Status::WarningClosed
                | Status::Prevented
        )
    }

    /// Whether it is over, as far as anybody knows.
    pub const fn is_over(self) -> bool {
        matches!(
            self,
            Status::WarningClosed | Status::Prevented | Status::Lost | Status::Won
        )
    }

    /// Whether evidence is waited for.
    pub const fn wants_answer(self) -> bool {
        matches!(
            self,
            Status::WarningNeedsResponse | Status::NeedsResponse | Status::AppealNeedsResponse
        )
    }

    /// Which question of the bank's it belongs to: an inquiry, a chargeback, or an appeal. Each takes
    /// evidence of its own.
    const fn stage(self) -> u8 {
        match self {
            Status::WarningNeedsResponse
            | Status::WarningUnderReview
            | Status::WarningClosed
            | Status::Prevented => 0,
            Status::NeedsResponse | Status::UnderReview | Status::Lost | Status::Won => 1,
            Status::AppealNeedsResponse | Status::AppealUnderReview => 2,
        }
    }

    const fn is_appeal(self) -> bool {
        matches!(self, Status::AppealNeedsResponse | Status::AppealUnderReview)
    }
}

/// Where a dispute stands: a status that is known here, or Stripe's newer word, kept as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A known status.
    Known(Status),
    /// A word that this version does not know.
    Other(String),
}

impl Standing {
    /// What a word of Stripe's means here.
    pub fn of(word: &str) -> Standing {
        let known = Status::ALL.iter().find(|status| status.word() == word);
        known.map_or_else(
            || Standing::Other(word.to_owned()),
            |status| Standing::Known(*status),
        )
    }

    /// Stripe's word.
    pub fn word(&self) -> &str {
        match self {
            Standing::Known(status) => status.word(),
            Standing::Other(word) => word,
        }
    }

    /// The status, where it is a known one.
    pub const fn known(&self) -> Option<Status> {
        match self {
            Standing::Known(status) => Some(*status),
            Standing::Other(_) => None,
        }
    }

    /// Whether it is over, as far as anybody knows. Of a newer word nobody knows.
    pub fn is_over(&self) -> bool {
        self.known().is_some_and(Status::is_over)
    }

    /// Whether the bank waits for evidence now.
    pub fn wants_answer(&self) -> bool {
        self.known().is_some_and(Status::wants_answer)
    }

    /// Whether a dispute that comes here from `before` is asked for evidence anew: an inquiry has become a
    /// chargeback, or a decision an appeal. What was answered before does not count then.
    pub fn asks_anew(&self, before: &Standing) -> bool {
        match (before, self) {
            (Standing::Known(before), Standing::Known(now)) => {
                now.wants_answer() && now.stage() > before.stage()
            }
            (Standing::Known(_) | Standing::Other(_), _) => false,
        }
    }

    /// Whether Stripe gives no refund of the payment because of it: a chargeback that was not won. A newer
    /// word counts by the money that it holds.
    pub fn blocks_refunds(&self, taken: Taken) -> bool {
        match self {
            Standing::Known(Status::Won) => false,
            Standing::Known(status) => !status.is_inquiry(),
            Standing::Other(_) => taken.held() > 0,
        }
    }
}

/// What an observation does to where a dispute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// Nothing new.
    Same,
    /// It moves there.
    Move,
    /// Older than what is known.
    Stale,
    /// It may be the older of the two: retrieve the dispute and merge that.
    Retrieve,
}

/// Merges where Stripe says that a dispute stands into what is known. An object that was just read is true. A
/// snapshot only moves it on, and where the order does not tell which of two is newer (a second decision, an
/// appeal, a word that is not known here) the dispute is read.
pub fn merge(known: &Standing, seen: &Standing, evidence: Evidence) -> Merge {
    if known == seen {
        return Merge::Same;
    }
    if evidence == Evidence::Current {
        return Merge::Move;
    }
    let (Standing::Known(known), Standing::Known(seen)) = (known, seen) else {
        return Merge::Retrieve;
    };
    let undecidable = (known.is_over() && seen.is_over()) || known.is_appeal() || seen.is_appeal();
    if undecidable {
        Merge::Retrieve
    } else if seen > known {
        Merge::Move
    } else {
        Merge::Stale
    }
}

/// What a dispute did to the account's balance: one balance transaction, with Stripe's signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Minor units; negative when the bank takes the money, positive when it gives it back.
    pub amount_minor: i64,
    /// Minor units; positive when Stripe takes its fee for the dispute, negative when it returns it.
    pub fee_minor: i64,
}

/// The movements of a dispute, added up, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// What the bank took.
    pub withdrawn: i64,
    /// What it gave back.
    pub reinstated: i64,
    /// Stripe's fee for the dispute, less what of it was returned.
    pub fee: i64,
}

impl Taken {
    /// The sum of movements.
    pub fn of(movements: impl IntoIterator<Item = Movement>) -> Taken {
        let mut taken = Taken::default();
        for movement in movements {
            let amount = movement.amount_minor;
            taken.withdrawn = taken.withdrawn.saturating_add(amount.min(0).saturating_neg());
            taken.reinstated = taken.reinstated.saturating_add(amount.max(0));
            taken.fee = taken.fee.saturating_add(movement.fee_minor);
        }
        taken
    }

    /// What the bank has and has not given back.
    pub const fn held(self) -> i64 {
        self.withdrawn.saturating_sub(self.reinstated)
    }
}

/// Who bears what a dispute took for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Settlement {
    /// Nothing was lost.
    None,
    /// It was lost, and the MSP has not said what becomes of the invoice.
    Undecided,
    /// The client still owes it: the invoice was opened again by the amount.
    StillOwed,
    /// The MSP bears it: a credit note says so, and the invoice stays settled.
    Forgiven,
}

impl Settlement {
    /// Every one of them.
    pub const ALL: [Settlement; 4] = [
        Settlement::None,
        Settlement::Undecided,
        Settlement::StillOwed,
        Settlement::Forgiven,
    ];

    /// As the API and the database write it.
    pub const fn word(self) -> &'static str {
        match self {
            Settlement::None => "none",
            Settlement::Undecided => "undecided",
            Settlement::StillOwed => "still_owed",
            Settlement::Forgiven => "forgiven",
        }
    }

    /// What our own database wrote.
    pub fn from_word(word: &str) -> Option<Settlement> {
        Settlement::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// What was said so far of what a dispute took. Amounts are minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// What was said last; none before anything was.
    pub outcome: Option<Outcome>,
    /// How often something was said.
    pub times: i64,
    /// What the bank had taken when it was said last.
    pub withdrawn: i64,
    /// What of the loss is settled, and has not come back.
    pub settled: i64,
}

impl Decided {
    /// What is to be decided, by where the dispute stands and what it holds. What was decided stays decided,
    /// until the bank takes money once more and keeps it.
    pub fn settlement(self, standing: &Standing, taken: Taken) -> Settlement {
        let lost = *standing == Standing::Known(Status::Lost);
        if lost && taken.withdrawn > self.withdrawn && self.open(taken) > 0 {
            return Settlement::Undecided;
        }
        self.outcome.map_or(Settlement::None, Outcome::settlement)
    }

    /// What is held and not settled.
    pub fn open(self, taken: Taken) -> i64 {
        taken.held().saturating_sub(self.settled).max(0)
    }

    /// How much of what is settled has come back since `before`: what was never settled comes back first.
    /// What the bank takes meanwhile is another loss.
    pub fn regained(self, before: Taken, now: Taken) -> i64 {
        let back = now.reinstated.saturating_sub(before.reinstated);
        if back <= 0 {
            return 0;
        }
        let left = before.held().saturating_sub(back).max(0);
        self.settled.saturating_sub(left).max(0)
    }
}

/// What the MSP makes of a dispute that was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The client still owes the amount.
    StillOwed,
    /// The MSP forgives it.
    Forgiven,
}

impl Outcome {
    /// As the database writes it.
    pub const fn word(self) -> &'static str {
        self.settlement().word()
    }

    /// What a caller asks for.
    pub fn from_word(word: &str) -> Option<Outcome> {
        match word {
            "still_owed" => Some(Outcome::StillOwed),
            "forgiven" => Some(Outcome::Forgiven),
            _ => None,
        }
    }

    /// The settlement that it makes.
    pub const fn settlement(self) -> Settlement {
        match self {
            Outcome::StillOwed => Settlement::StillOwed,
            Outcome::Forgiven => Settlement::Forgiven,
        }
    }
}

/// Whether a lost dispute may be settled now.
///
/// # Errors
/// [`Refused::NotLost`], [`Refused::Settled`].
pub fn settle(settlement: Settlement) -> Result<(), Refused> {
    match settlement {
        Settlement::Undecided => Ok(()),
        Settlement::None => Err(Refused::NotLost),
        Settlement::StillOwed | Settlement::Forgiven => Err(Refused::Settled),
    }
}

/// Where a dispute stands, as far as answering it depends on that.
#[derive(Clone, Debug)]
pub struct Answerable<'a> {
    /// Where it stands.
    pub standing: &'a Standing,
    /// Until when the bank takes evidence.
    pub due_at: Option<Timestamp>,
    /// Whether evidence was given to the bank, to its present question.
    pub submitted: bool,
    /// Whether an answer is on its way to Stripe and its outcome is not known.
    pub unresolved: bool,
}

/// Whether evidence may be given to the bank now: while it waits for it, once for each of its questions.
///
/// # Errors
/// The [`Refused`] that says why not.
pub fn submit(dispute: &Answerable, now: Timestamp) -> Result<(), Refused> {
    open(dispute)?;
    if dispute.submitted {
        return Err(Refused::Submitted);
    }
    match dispute.standing.known() {
        Some(status) if status.wants_answer() => {}
        Some(_) => return Err(Refused::Submitted),
        None => return Err(Refused::UnknownStatus),
    }
    if dispute.due_at.is_some_and(|due_at| due_at < now) {
        return Err(Refused::PastDue);
    }
    Ok(())
}

/// Whether the MSP may give up: as long as it is not over.
///
/// # Errors
/// The [`Refused`] that says why not.
pub fn accept(dispute: &Answerable) -> Result<(), Refused> {
    open(dispute)
}

fn open(dispute: &Answerable) -> Result<(), Refused> {
    if dispute.unresolved {
        Err(Refused::InProgress)
    } else if dispute.standing.is_over() {
        Err(Refused::Over)
    } else {
        Ok(())
    }
}

/// By how much more than was received of a payment has left it, through refunds and disputes together: a bank
/// may take the whole of what was refunded in part. None where it adds up.
pub fn beyond(received: Money, refunded_minor: i64, held_minor: i64) -> Option<Money> {
    let left = refunded_minor.saturating_add(held_minor);
    let beyond = left.saturating_sub(received.minor());
    (beyond > 0).then(|| Money::new(beyond, received.currency()))
}

#[cfg(test)]
mod tests;
