//! What was found in Stripe's lists, where no webhook told of it: events, which go into the inbox, and, where
//! events are missing, the objects themselves as they are now.

use domain::Mode;
use domain::payment::{Evidence, IntentStatus};
use store::event_cursors::Listing;
use store::payments::{self, Payment};
use store::stripe_webhook_events::{self as inbox, Status};
use store::{Tx, stripe_operations};
use stripe::events::{Kind, Listed};
use stripe::{API_VERSION, AccountId, CallError, Client, application_fees, charges, payment_intents};

use super::book_application_fee;
use super::inbox::{SignedAs, delivery_of};
use super::objects::Subject;
use super::ours::{find_payment, keep_as_external};
use crate::adoption::{self, Stray};
use crate::observe::{self, ChargeFacts, IntentFacts, Seen};
use crate::refunds::{self, RefundFacts};
use crate::{App, Failure, Moment, balance, onboarding, payouts};

/// A webhook brings an event within this, as a rule. One that is older and not here was missed.
const EXPECTED_MS: i64 = 5 * 60 * 1000;
/// Objects that are retrieved where a list shows them in another API version than ours.
const RETRIEVED: [&str; 4] = ["payment_intent", "charge", "application_fee", "dispute"];

/// Within a transaction: stores events of an account's list; known ones stay as they are. Answers how many of
/// them a webhook should have brought.
///
/// # Errors
/// When the database fails.
pub fn ingest_listed(
    tx: &mut Tx,
    moment: Moment,
    mode: Mode,
    account: &str,
    events: &[Listed],
) -> Result<i64, Failure> {
    let mut missed = 0;
    for (nth, listed) in (0_u32..).zip(events) {
        let mut envelope = listed.envelope.clone();
        if Mode::from_livemode(envelope.livemode) != mode {
            tracing::error!(event = envelope.id, "listed in the other mode; it is not taken");
            continue;
        }
        // Events of a list may not say whose they are: they are those of the account that was asked for.
        envelope.account = envelope.account.or_else(|| Some(account.to_owned()));
        let created_ms = envelope.created_ms;
        let signed_as = SignedAs {
            mode,
            kind: Kind::Snapshot,
        };
        let mut found = delivery_of(moment, text_to_keep(listed).as_bytes(), signed_as, envelope);
        found.id = domain::InboxId::new(moment.at, moment.random(nth));
        if found.status == Status::Received
            && inbox::insert_listed(tx, &found, moment.at)?
            && created_ms.saturating_add(EXPECTED_MS) <= moment.at.ms()
        {
            missed += 1;
        }
    }
    Ok(missed)
}

/// Lists show objects in the version that is the account's default. One in another version than ours is kept
/// without its content, so that it is retrieved, as for a thin event.
fn text_to_keep(listed: &Listed) -> String {
    let envelope = &listed.envelope;
    let of_kind = envelope.object_type.as_deref().unwrap_or_default();
    if envelope.api_version.as_deref() == Some(API_VERSION) || !RETRIEVED.contains(&of_kind) {
        return listed.body.clone();
    }
    let Ok(mut event) = serde_json::from_str::<serde_json::Value>(&listed.body) else {
        return listed.body.clone();
    };
    if let Some(object) = event.pointer_mut("/data/object") {
        *object = serde_json::json!({"id": envelope.object_id, "object": of_kind});
    }
    event.to_string()
}

/// Objects of one page, each with a moment of its own for what it makes.
pub struct Objects(Vec<(Moment, Subject)>);

/// Where a page of a list begins, and how long it may be.
pub struct Place<'a> {
    /// Seconds since the epoch.
    pub since_s: i64,
    /// The last object of the page before.
    pub after: Option<&'a str>,
    /// Objects of the page, at most 100.
    pub limit: u32,
}

/// A page of objects, the id of its last one, and whether more follow.
///
/// # Errors
/// When Stripe refuses or does not answer.
pub async fn list_objects(
    app: &App,
    client: &Client,
    account: Option<&AccountId>,
    listing: Listing,
    place: &Place<'_>,
) -> Result<(Objects, Option<String>, bool), CallError> {
    let (since, after, limit) = (place.since_s, place.after, place.limit);
    let (subjects, has_more): (Vec<Subject>, bool) = match (listing, account) {
        (Listing::PaymentIntents, Some(account)) => {
            let page = payment_intents::list(client, account, since, after, limit).await?;
            let facts = page.data.iter().map(IntentFacts::of);
            (facts.map(Subject::Intent).collect(), page.has_more)
        }
        (Listing::Charges, Some(account)) => {
            let page = charges::list_since(client, account, since, after, limit).await?;
            let facts = page.data.iter().map(ChargeFacts::of);
            (facts.map(Subject::Charge).collect(), page.has_more)
        }
        (Listing::Refunds, Some(account)) => {
            let page = stripe::refunds::list_since(client, account, since, after, limit).await?;
            let facts = page.data.iter().map(RefundFacts::of);
            (facts.map(Subject::Refund).collect(), page.has_more)
        }
        (Listing::Payouts, account) => {
            let page = stripe::payouts::list_since(client, account, since, after, limit).await?;
            (
                page.data.into_iter().map(Subject::Payout).collect(),
                page.has_more,
            )
        }
        (Listing::ApplicationFees, None) => {
            let page = application_fees::list_since(client, since, after, limit).await?;
            // A fee with more refunds than it shows is completed by its own event, or with its payment.
            (page.data.into_iter().map(Subject::Fee).collect(), page.has_more)
        }
        _ => (Vec::new(), false),
    };
    let last = subjects.last().map(|subject| subject.id().to_owned());
    let objects = subjects.into_iter().map(|subject| (app.moment(), subject));
    Ok((Objects(objects.collect()), last, has_more))
}

/// Finds out of the intents of a page that no payment knows, and of refunds that say that they are ours,
/// whether they are ours all the same.
///
/// # Errors
/// When Stripe or the database does not answer.
pub async fn find_out_listed(app: &App, mode: Mode, account: &str, objects: &Objects) -> Result<(), Failure> {
    for (_, subject) in &objects.0 {
        let facts = match subject {
            Subject::Intent(facts) => facts,
            Subject::Refund(_) => {
                find_out_refund(app, mode, account, subject).await?;
                continue;
            }
            Subject::Charge(_) | Subject::Fee(_) | Subject::Payout(_) => continue,
        };
        if !facts.names_invoice || facts.status == Some(IntentStatus::Canceled) {
            continue;
        }
        let (owner, intent) = (account.to_owned(), facts.id.clone());
        let is_stray = app.db.read(move |tx| {
            let Some(scope) = onboarding::tenant_of(tx, &owner, mode)? else {
                return Ok(false);
            };
            let known = payments::by_intent(tx, &scope, &owner, &intent)?.is_some();
            Ok::<_, Failure>(!known && !stripe_operations::open_creates(tx, &scope, &owner)?)
        });
        if is_stray.await? {
            let stray = Stray {
                mode,
                account: account.to_owned(),
                intent: facts.id.clone(),
                key: None,
            };
            adoption::find_out(app, &stray).await?;
        }
    }
    Ok(())
}

/// A refund that says that it was made here and is not known is looked for with those of its payment.
async fn find_out_refund(app: &App, mode: Mode, account: &str, subject: &Subject) -> Result<(), Failure> {
    let (owner, refund) = (account.to_owned(), subject.clone());
    let unknown = app.db.read(move |tx| {
        let Subject::Refund(facts) = &refund else {
            return Ok(None);
        };
        let Some(scope) = onboarding::tenant_of(tx, &owner, mode)? else {
            return Ok(None);
        };
        let payment = find_payment(tx, &scope, &owner, None, &refund)?;
        let payment = payment.filter(|payment| payment.standing().received > 0);
        let Some(payment) = payment.filter(|payment| refunds::is_open(facts, payment, None)) else {
            return Ok(None);
        };
        let known = refunds::find(tx, &payment, None, facts)?.is_some();
        Ok::<_, Failure>(Some(payment).filter(|_| !known))
    });
    match unknown.await? {
        Some(payment) => refunds::compare(app, &payment, None, None).await,
        None => Ok(()),
    }
}

fn type_of(subject: &Subject) -> &'static str {
    match subject {
        Subject::Intent(_) => "payment_intent",
        Subject::Charge(_) => "charge",
        Subject::Fee(_) => "application_fee",
        Subject::Refund(_) => "refund",
        Subject::Payout(_) => "payout",
    }
}

/// Within a transaction: takes up objects of an account's list, as their events would have been.
///
/// # Errors
/// When the database fails.
pub fn take_in_objects(tx: &mut Tx, mode: Mode, account: &str, objects: &Objects) -> Result<(), Failure> {
    for (moment, subject) in &objects.0 {
        let account = match subject {
            Subject::Fee(fee) => fee.account.as_str(),
            _ => account,
        };
        if let Subject::Payout(payout) = subject {
            if let Some(scope) = balance::books_of(tx, account, mode)? {
                payouts::observe(tx, *moment, &scope, account, payout)?;
                let at = moment.at;
                keep_as_external(tx, at, at, &scope, account, Some("payout"), subject)?;
            }
            continue;
        }
        let Some(scope) = onboarding::tenant_of(tx, account, mode)? else {
            continue;
        };
        let payment = find_payment(tx, &scope, account, None, subject)?;
        match (subject, payment) {
            (Subject::Fee(fee), payment) => {
                book_application_fee(tx, *moment, &scope, fee, payment.as_ref())?;
            }
            (Subject::Payout(_), Some(_)) => {}
            (Subject::Refund(facts), Some(payment)) => {
                observe_refund(tx, *moment, facts, &payment)?;
            }
            (Subject::Intent(_) | Subject::Charge(_), Some(payment)) => {
                observe_listed(tx, *moment, subject, payment)?;
            }
            // It may be the object of a write of ours that has no answer yet, which is found out by itself.
            (Subject::Intent(_) | Subject::Charge(_), None)
                if stripe_operations::open_creates(tx, &scope, account)? => {}
            (_, None) => {
                let (at, of_type) = (moment.at, Some(type_of(subject)));
                keep_as_external(tx, at, at, &scope, account, of_type, subject)?;
            }
        }
    }
    Ok(())
}

/// What a list says may be older than what is known: where it says otherwise, the payment is read again.
fn observe_listed(
    tx: &mut Tx,
    moment: Moment,
    subject: &Subject,
    mut payment: Payment,
) -> Result<(), Failure> {
    let seen = match subject {
        Subject::Intent(facts) => {
            observe::intent(tx, moment, &mut payment, facts, Evidence::Snapshot, "listed")?
        }
        Subject::Charge(facts) => observe::charge(tx, moment, &mut payment, facts, "listed")?,
        Subject::Fee(_) | Subject::Refund(_) | Subject::Payout(_) => Seen::Same,
    };
    if seen == Seen::Retrieve {
        payments::check_now(tx, &payment.scope, &payment.id, moment.at)?;
    }
    Ok(())
}

/// As an event of the refund would be. One that may be the answer to a write of ours is left to that.
fn observe_refund(
    tx: &mut Tx,
    moment: Moment,
    facts: &RefundFacts,
    payment: &Payment,
) -> Result<(), Failure> {
    let known = refunds::find(tx, payment, None, facts)?;
    let early = payment.standing().received == 0;
    if early || (known.is_none() && refunds::may_be_ours(tx, payment)?) {
        return Ok(());
    }
    let known = match known {
        Some(known) => Some(known),
        None => refunds::adopt(tx, moment, payment, None, facts)?,
    };
    let seen = refunds::observe(tx, moment, payment, known, facts, Evidence::Snapshot, "listed")?;
    if seen == Seen::Retrieve {
        store::refunds::check_now(
            tx,
            &payment.scope,
            &payment.stripe_account_id,
            &facts.id,
            moment.at,
        )?;
    }
    Ok(())
}
