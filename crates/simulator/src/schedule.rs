//! What happens by itself after a while: steps queued at a moment of the simulator's clock and carried out,
//! in order, when it has passed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::billing::invoicing;
use crate::charge;
use crate::connect::tell;
use crate::money::refund;
use crate::payments::{capture, debit, tax_id};
use crate::payouts::{payout, topup};
use crate::persist::Change;
use crate::state::State;

/// A step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// The capture of a charge is booked: its balance transaction and fee become known.
    Settle {
        /// The charge.
        charge: String,
    },
    /// A hold on a card that was not captured is released.
    ReleaseHold {
        /// The charge.
        charge: String,
    },
    /// A bank answers a debit.
    AnswerDebit {
        /// The charge.
        charge: String,
    },
    /// A tax office answers.
    VerifyTaxId {
        /// The tax id.
        id: String,
    },
    /// A slow refund comes to its end.
    Refund {
        /// The refund.
        refund: String,
    },
    /// A payout goes on.
    Payout {
        /// The payout.
        payout: String,
        /// Where to.
        to: payout::Status,
        /// Why it fails.
        failure: Option<(String, String)>,
    },
    /// A top-up arrives.
    Topup {
        /// The top-up.
        topup: String,
    },
    /// A custom account's details are verified.
    Verify {
        /// The account.
        account: String,
    },
    /// An invoice goes on by itself.
    Invoice {
        /// The invoice.
        invoice: String,
        /// What happens to it.
        what: invoicing::Later,
    },
}

/// The steps to come, by when and then by the order they were queued in.
#[derive(Default)]
pub struct Schedule {
    steps: BTreeMap<(i64, u64), Step>,
    count: u64,
}

impl Schedule {
    /// Puts a step in its place.
    pub fn put(&mut self, due_ms: i64, number: u64, step: Step) {
        self.count = self.count.max(number);
        self.steps.insert((due_ms, number), step);
    }

    /// Takes a step out.
    pub fn remove(&mut self, due_ms: i64, number: u64) {
        self.steps.remove(&(due_ms, number));
    }

    /// The steps to come.
    pub fn steps(&self) -> impl Iterator<Item = (i64, u64, &Step)> {
        self.steps
            .iter()
            .map(|((due_ms, number), step)| (*due_ms, *number, step))
    }

    /// When the next step is due.
    pub fn next_ms(&self) -> Option<i64> {
        self.steps.first_key_value().map(|((due_ms, _), _)| *due_ms)
    }
}

/// Queues a step so many milliseconds from now.
pub fn after(state: &mut State, ms: i64, step: Step) {
    let (due_ms, number) = (state.now_ms.saturating_add(ms), state.schedule.count + 1);
    state.schedule.put(due_ms, number, step.clone());
    state.write(|| Change::Step { due_ms, number, step });
}

/// Carries out what is due, each step at its own moment; then it is now.
pub fn run(state: &mut State) {
    let until_ms = state.clock.now_ms();
    while let Some((due_ms, number)) = state
        .schedule
        .steps
        .keys()
        .next()
        .copied()
        .filter(|(due_ms, _)| *due_ms <= until_ms)
    {
        let Some(step) = state.schedule.steps.remove(&(due_ms, number)) else {
            break;
        };
        state.now_ms = due_ms;
        state.write(|| Change::StepDone { due_ms, number });
        match step {
            Step::Refund { refund } => refund::go_on(state, &refund),
            Step::Payout { payout, to, failure } => payout::go_on(state, &payout, to, failure),
            Step::Topup { topup } => topup::arrive(state, &topup),
            Step::Settle { charge } => charge::settle(state, &charge),
            Step::AnswerDebit { charge } => debit::answer(state, &charge),
            Step::VerifyTaxId { id } => tax_id::verify(state, &id),
            Step::ReleaseHold { charge } => capture::expire(state, &charge),
            Step::Invoice { invoice, what } => invoicing::happen(state, &invoice, what),
            Step::Verify { account } => tell::verify(state, &account),
        }
    }
    state.now_ms = until_ms;
}
