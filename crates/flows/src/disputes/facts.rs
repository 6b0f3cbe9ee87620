//! What Stripe says of a dispute, as far as it is merged into ours.

use domain::dispute::{Decided, Settlement, Standing, Taken};
use domain::{Currency, DisputeId, Timestamp};
use store::disputes::{Dispute, Moved};
use store::payments::Payment;

use crate::{Failure, Moment};

/// A dispute as Stripe says.
#[derive(Clone, Debug)]
pub struct DisputeFacts {
    /// `dp_…`
    pub id: String,
    /// The charge.
    pub charge: Option<String>,
    /// The charge's intent.
    pub intent: Option<String>,
    /// What is disputed, in minor units.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
    /// Where it stands.
    pub standing: Standing,
    /// How money moved; none where that is not said.
    pub moved: Option<Vec<Moved>>,
    reason: String,
    network_reason_code: Option<String>,
    due_at: Option<Timestamp>,
    submissions: i64,
    opened_at: Option<Timestamp>,
}

impl DisputeFacts {
    /// The facts of a dispute.
    ///
    /// # Errors
    /// [`Failure::Bug`] for a currency that is not known.
    pub fn of(dispute: &stripe::Dispute) -> Result<DisputeFacts, Failure> {
        let currency = |code: &str| {
            Currency::parse(code)
                .map_err(|_| Failure::Bug(format!("{} is in the unknown currency {code}", dispute.id)))
        };
        let disputed_in = currency(&dispute.currency)?;
        let moved = |transactions: &Vec<stripe::BalanceTransaction>| {
            let moved = |one: &stripe::BalanceTransaction| {
                let balance = currency(&one.currency)?;
                Ok(Moved {
                    transaction: one.id.clone(),
                    amount: one.amount,
                    fee: one.fee,
                    currency: balance,
                    // A balance of another currency moves by what the whole dispute is worth in it.
                    disputed: match balance == disputed_in {
                        true => one.amount,
                        false => dispute.amount.saturating_mul(one.amount.signum()),
                    },
                })
            };
            transactions.iter().map(moved).collect::<Result<_, Failure>>()
        };
        let seconds = |at: i64| Timestamp::from_ms(at.saturating_mul(1000));
        Ok(DisputeFacts {
            id: dispute.id.clone(),
            charge: dispute.charge.clone(),
            intent: dispute.payment_intent.clone(),
            amount: dispute.amount,
            currency: disputed_in,
            standing: Standing::of(&dispute.status),
            moved: dispute.balance_transactions.as_ref().map(moved).transpose()?,
            reason: dispute.reason.clone(),
            network_reason_code: dispute.network_reason_code.clone(),
            due_at: dispute.due_by.map(seconds),
            submissions: dispute.submission_count,
            opened_at: dispute.created.map(seconds),
        })
    }

    /// The row of a dispute that was not known.
    pub fn first_seen(&self, payment: &Payment, moment: Moment) -> Dispute {
        let moved = self.moved.as_deref().unwrap_or_default();
        Dispute {
            scope: payment.scope.clone(),
            id: DisputeId::new(moment.at, moment.random(16)),
            payment_id: payment.id.clone(),
            stripe_account_id: payment.stripe_account_id.clone(),
            stripe_dispute_id: self.id.clone(),
            currency: self.currency,
            amount: self.amount,
            reason: self.reason.clone(),
            network_reason_code: self.network_reason_code.clone(),
            standing: self.standing.clone(),
            due_at: self.due_at,
            submissions: self.submissions,
            taken: Taken::default(),
            fee_currency: moved.first().map(|moved| moved.currency),
            settlement: Settlement::None,
            decided: Decided::default(),
            settled_at: None,
            credit_note_id: None,
            evidence: "{}".to_owned(),
            evidence_version: 0,
            submitted_version: None,
            submitted_at: None,
            operation_id: None,
            version: 1,
            next_check_at: None,
            opened_at: self.opened_at.unwrap_or(moment.at),
            closed_at: None,
            created_at: moment.at,
        }
    }

    /// Whether it says something else than is known, beside where it stands and how money moved. Evidence is
    /// given to the bank once more at the most, never less.
    pub fn differs(&self, known: &Dispute) -> bool {
        self.amount != known.amount
            || self.reason != known.reason
            || self.due_at != known.due_at
            || self.submissions != known.submissions
    }

    /// Takes over what it says, beside how money moved.
    pub fn take(&self, dispute: &mut Dispute) {
        dispute.standing.clone_from(&self.standing);
        dispute.amount = self.amount;
        dispute.reason.clone_from(&self.reason);
        dispute.network_reason_code.clone_from(&self.network_reason_code);
        dispute.due_at = self.due_at;
        dispute.submissions = dispute.submissions.max(self.submissions);
    }
}
