//! What happens by itself after a while: steps queued at a moment of the simulator's clock and carried out,
//! in order, when it has passed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::billing::{invoicing, subscription_schedules, subscription_wakes, test_clock};
use crate::charge;
use crate::connect::tell;
use crate::money::aftermath::{self, Act};
use crate::money::dispute::{self, Verdict};
use crate::money::refund;
use crate::payments::{capture, debit, tax_id};
use crate::payouts::{automatic, payout, topup};
use crate::persist::Change;
use crate::state::{Space, State};

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
    /// A phase of a subscription schedule begins or ends.
    SubscriptionSchedule {
        /// The schedule.
        schedule: String,
    },
    /// A test clock arrives where it was advanced to.
    AdvanceClock {
        /// The clock.
        clock: String,
    },
    /// Something of a test clock is due at the time that it shows already.
    DueOnClock {
        /// The clock.
        clock: String,
    },
    /// Money that an account waited for is available.
    MoneyAvailable {
        /// Whose.
        space: Space,
    },
    /// An account's schedule pays out what is available.
    PayOut {
        /// Whose.
        space: Space,
    },
    /// The payer's bank acts on a charge.
    Bank {
        /// The charge.
        charge: String,
        /// What it does.
        act: Act,
    },
    /// The payer's bank decides on a dispute.
    Decide {
        /// The dispute.
        dispute: String,
        /// How.
        verdict: Verdict,
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
    /// Something happens to a subscription by itself.
    Subscription {
        /// The subscription.
        subscription: String,
    },
}

type Steps = BTreeMap<(i64, u64), Step>;

/// The steps to come, by when and then by the order they were queued in.
#[derive(Default)]
pub struct Schedule {
    steps: Steps,
    /// The steps that are due by a test clock's time, by the clock.
    of_clocks: BTreeMap<String, Steps>,
    count: u64,
}

impl Schedule {
    /// Puts a step in its place.
    pub fn put(&mut self, clock: Option<&str>, due_ms: i64, number: u64, step: Step) {
        self.count = self.count.max(number);
        let steps = match clock {
            None => &mut self.steps,
            Some(clock) => self.of_clocks.entry(clock.to_owned()).or_default(),
        };
        steps.insert((due_ms, number), step);
    }

    /// Takes a step out.
    pub fn remove(&mut self, clock: Option<&str>, due_ms: i64, number: u64) -> Option<Step> {
        let steps = match clock {
            None => &mut self.steps,
            Some(clock) => self.of_clocks.get_mut(clock)?,
        };
        steps.remove(&(due_ms, number))
    }

    /// The steps to come, with the test clock that each goes by.
    pub fn steps(&self) -> impl Iterator<Item = (Option<&str>, i64, u64, &Step)> {
        let of_clocks = self
            .of_clocks
            .iter()
            .flat_map(|(clock, steps)| steps.iter().map(move |step| (Some(clock.as_str()), step)));
        self.steps
            .iter()
            .map(|step| (None, step))
            .chain(of_clocks)
            .map(|(clock, ((due_ms, number), step))| (clock, *due_ms, *number, step))
    }

    /// When the next step is due.
    pub fn next_ms(&self) -> Option<i64> {
        self.steps.first_key_value().map(|((due_ms, _), _)| *due_ms)
    }
}

/// Queues a step so many milliseconds from now, by the simulator's own time.
pub fn after(state: &mut State, ms: i64, step: Step) {
    let due_ms = state.own_ms().saturating_add(ms);
    queue(state, None, due_ms, step);
}

/// Queues a step at a second of the time that a test clock tells, or without one the simulator's. What is due
/// by now happens as soon as the request or step that asks for it is done.
pub fn at(state: &mut State, clock: Option<&str>, at_s: i64, step: Step) {
    let due_ms = at_s.saturating_mul(1000);
    let Some(clock) = clock else {
        let due_ms = due_ms.max(state.own_ms());
        return queue(state, None, due_ms, step);
    };
    queue(state, Some(clock), due_ms, step);
    if due_ms <= state.now_ms {
        let clock = clock.to_owned();
        after(state, 0, Step::DueOnClock { clock });
    }
}

fn queue(state: &mut State, clock: Option<&str>, due_ms: i64, step: Step) {
    let number = state.schedule.count + 1;
    state.schedule.put(clock, due_ms, number, step.clone());
    state.write(|| Change::Step {
        clock: clock.map(str::to_owned),
        due_ms,
        number,
        step,
    });
}

fn take(state: &mut State, clock: Option<&str>, until_ms: i64) -> Option<(i64, Step)> {
    let steps = match clock {
        None => &state.schedule.steps,
        Some(clock) => state.schedule.of_clocks.get(clock)?,
    };
    let (due_ms, number) = *steps.first_key_value()?.0;
    if due_ms > until_ms {
        return None;
    }
    let step = state.schedule.remove(clock, due_ms, number)?;
    state.write(|| Change::StepDone {
        clock: clock.map(str::to_owned),
        due_ms,
        number,
    });
    Some((due_ms, step))
}

/// Takes out the first step that is due by a moment of a test clock.
pub fn take_of_clock(state: &mut State, clock: &str, until_ms: i64) -> Option<(i64, Step)> {
    take(state, Some(clock), until_ms)
}

/// Nothing happens any more by a test clock.
pub fn forget_clock(state: &mut State, clock: &str) {
    while take(state, Some(clock), i64::MAX).is_some() {}
}

/// Queues a step for a moment of the simulator's own time, or now when that is over, unless the same is
/// queued for then already.
pub fn once(state: &mut State, due_ms: i64, step: Step) {
    let due_ms = due_ms.max(state.own_ms());
    let mut same = state.schedule.steps.range((due_ms, 0)..=(due_ms, u64::MAX));
    if same.all(|(_, other)| *other != step) {
        queue(state, None, due_ms, step);
    }
}

/// Carries out what is due, each step at its own moment; then it is now.
pub fn run(state: &mut State) {
    let until_ms = state.clock.now_ms();
    test_clock::leave(state);
    while let Some((due_ms, step)) = take(state, None, until_ms) {
        state.now_ms = due_ms;
        carry_out(state, step);
        test_clock::leave(state);
    }
    state.now_ms = until_ms;
}

/// Carries out a step, now.
pub fn carry_out(state: &mut State, step: Step) {
    match step {
        Step::Refund { refund } => refund::go_on(state, &refund),
        Step::Payout { payout, to, failure } => payout::go_on(state, &payout, to, failure),
        Step::Topup { topup } => topup::arrive(state, &topup),
        Step::Settle { charge } => charge::settle(state, &charge),
        Step::AnswerDebit { charge } => debit::answer(state, &charge),
        Step::VerifyTaxId { id } => tax_id::verify(state, &id),
        Step::ReleaseHold { charge } => capture::expire(state, &charge),
        Step::Subscription { subscription } => subscription_wakes::wake(state, &subscription),
        Step::Invoice { invoice, what } => invoicing::happen(state, &invoice, what),
        Step::SubscriptionSchedule { schedule } => subscription_schedules::happen(state, &schedule),
        Step::AdvanceClock { clock } => test_clock::arrive(state, &clock),
        Step::DueOnClock { clock } => test_clock::run_due(state, &clock),
        Step::MoneyAvailable { space } => crate::balance::tell(state, &space),
        Step::PayOut { space } => automatic::happen(state, &space),
        Step::Bank { charge, act } => aftermath::happen(state, &charge, &act),
        Step::Decide { dispute, verdict } => dispute::decide(state, &dispute, verdict),
        Step::Verify { account } => tell::verify(state, &account),
    }
}
