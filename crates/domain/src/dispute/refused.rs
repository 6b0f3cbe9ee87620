//! Why nothing is done about a dispute.

use std::fmt;

/// A refusal; its code is part of the API, as those of every refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is over.
    Over,
    /// The bank has its evidence, or has had its last chance to get it.
    Submitted,
    /// The bank takes no evidence any more.
    PastDue,
    /// Stripe says a status that this version does not know.
    UnknownStatus,
    /// An answer is on its way.
    InProgress,
    /// There is nothing to submit.
    NoEvidence,
    /// The evidence is not the one that the caller reviewed.
    EvidenceChanged,
    /// The files that the evidence names are too large together.
    FilesTooLarge,
    /// No more files can be uploaded for it.
    TooManyFiles,
    /// There is nothing to settle: it was not lost.
    NotLost,
    /// It was settled before.
    Settled,
    /// It was to be forgiven, and credit notes have taken that off the invoices already.
    NotForgivable {
        /// What can still be forgiven, with its currency.
        left: String,
    },
    /// Stripe refused what it was sent.
    ByStripe,
}

impl Refused {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Refused::Over => "dispute_over",
            Refused::Submitted => "evidence_submitted",
            Refused::PastDue => "evidence_past_due",
            Refused::UnknownStatus => "dispute_status_unknown",
            Refused::InProgress => "dispute_in_progress",
            Refused::NoEvidence => "evidence_missing",
            Refused::EvidenceChanged => "evidence_changed",
            Refused::FilesTooLarge => "evidence_files_too_large",
            Refused::TooManyFiles => "evidence_files_max",
            Refused::NotLost => "dispute_not_lost",
            Refused::Settled => "dispute_settled",
            Refused::NotForgivable { .. } => "dispute_not_forgivable",
            Refused::ByStripe => "dispute_refused",
        }
    }

    /// The field that it is about, where there is one.
    pub const fn field(&self) -> Option<&'static str> {
        match self {
            Refused::NoEvidence | Refused::FilesTooLarge => Some("evidence"),
            Refused::EvidenceChanged => Some("version"),
            Refused::NotForgivable { .. } => Some("outcome"),
            Refused::Over
            | Refused::Submitted
            | Refused::PastDue
            | Refused::UnknownStatus
            | Refused::InProgress
            | Refused::TooManyFiles
            | Refused::NotLost
            | Refused::Settled
            | Refused::ByStripe => None,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::Over => "The dispute is over. Nothing can be changed about it.",
            Refused::Submitted => {
                "The bank takes evidence once, and has it. Wait for its decision, or accept the dispute."
            }
            Refused::PastDue => {
                "The bank's time for evidence is over. Wait for its decision, or accept the dispute."
            }
            Refused::UnknownStatus => {
                "Stripe says what this version does not know. Answer the dispute in Stripe's dashboard."
            }
            Refused::InProgress => {
                "An answer to this dispute is being sent. Wait for its result, then read the dispute again."
            }
            Refused::NoEvidence => "There is no evidence to submit. Put some first.",
            Refused::EvidenceChanged => {
                "The evidence was changed since you reviewed it. Read it again and submit the new version."
            }
            Refused::FilesTooLarge => {
                "Banks take 4.5 MB of files at most, all together. Leave some out, or make them smaller."
            }
            Refused::TooManyFiles => {
                "20 files have been uploaded for this dispute, and more are not taken. Name some of those."
            }
            Refused::NotLost => "The dispute was not lost, so that there is nothing to settle.",
            Refused::Settled => "It was settled what becomes of the invoice. That is not changed any more.",
            Refused::NotForgivable { left } => {
                return write!(
                    f,
                    "Credit notes have already taken this off the invoice, and it cannot be forgiven twice: \
                     {left} of it still can. Settle it as \"still_owed\", and give a credit note over what \
                     you do not claim."
                );
            }
            Refused::ByStripe => {
                "Stripe refused it. Read the dispute again, and look at it in Stripe's dashboard."
            }
        })
    }
}
