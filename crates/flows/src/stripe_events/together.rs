//! Several events in one transaction, because on a busy day the price of an event is that of its commit.
//! Nothing here calls Stripe, and nothing is decided here that `apply` would decide otherwise.

use domain::payment::Evidence;
use store::Tx;
use store::stripe_webhook_events::Taken;
use stripe::events;

use super::catalogue::{self, Flow};
use super::objects::{Subject, claimed, delivered};
use super::{Look, Next, Origin, kept, settle};
use crate::planted::{self, Bug};
use crate::{App, Failure, Moment};

/// Applies what the events themselves say, each as [`super::apply`] would, in one transaction for all of
/// them. Answers those that are left for `apply`: which need something from Stripe, and if anything went
/// wrong, all, so that one bad event holds up no other.
pub async fn apply_together(app: &App, events: Vec<Taken>) -> Vec<Taken> {
    let planned: Vec<(Taken, Plan)> = events
        .into_iter()
        .map(|event| {
            let plan = Plan::of(app, &event);
            (event, plan)
        })
        .collect();
    if planned.iter().all(|(_, plan)| matches!(plan, Plan::Alone)) {
        return planned.into_iter().map(|(event, _)| event).collect();
    }
    let all: Vec<Taken> = planned.iter().map(|(event, _)| event.clone()).collect();
    let applied = app.db.write(move |tx| apply_all(tx, &planned)).await;
    let applied = applied.unwrap_or_else(|failure: Failure| {
        tracing::warn!(%failure, events = all.len(), "applied one by one instead of together");
        Vec::new()
    });
    let applied = applied.into_iter().chain(std::iter::repeat(false));
    all.into_iter()
        .zip(applied)
        .filter_map(|(event, applied)| (!applied).then_some(event))
        .collect()
}

/// What can be done for an event with nothing but itself.
enum Plan {
    Settle(Moment, Origin, Box<Look>),
    Keep(Moment),
    /// Its object must be retrieved, it cannot be read, or it has failed before.
    Alone,
}

impl Plan {
    fn of(app: &App, event: &Taken) -> Plan {
        let Ok(envelope) = events::parse(event.body.as_bytes()) else {
            return Plan::Alone;
        };
        // What went wrong once would cost its neighbours their transaction each time.
        if event.failures > 1 || planted::is(Bug::ProcessedFirst) {
            return Plan::Alone;
        }
        match (catalogue::flow_of(&envelope.type_), delivered(&envelope)) {
            (Flow::Kept, _) => Plan::Keep(app.moment()),
            (_, Some(Subject::Fee(fee))) if fee.lacks_refunds() => Plan::Alone,
            (Flow::Payment | Flow::Fee | Flow::Movement | Flow::Payout, Some(subject)) => {
                let look = Look::new(&envelope, subject, claimed(&envelope), Evidence::Snapshot);
                Plan::Settle(app.moment(), Origin::of(&envelope), Box::new(look))
            }
            (Flow::Payment | Flow::Fee | Flow::Movement | Flow::Payout, None)
            | (Flow::Account | Flow::Dispute | Flow::Subscription | Flow::Billing, _) => Plan::Alone,
        }
    }
}

/// Which of the events are applied, in their order.
fn apply_all(tx: &mut Tx, planned: &[(Taken, Plan)]) -> Result<Vec<bool>, Failure> {
    let apply_one = |(event, plan): &(Taken, Plan)| match plan {
        Plan::Settle(moment, origin, look) => {
            let next = settle(tx, *moment, event, origin, look)?;
            Ok(matches!(next, Next::Done(_)))
        }
        Plan::Keep(moment) => kept(tx, moment.at, event).map(|_| true),
        Plan::Alone => Ok(false),
    };
    planned.iter().map(apply_one).collect()
}
