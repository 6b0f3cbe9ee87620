//! Webhooks, rule 3: stored raw, answered, applied later by a worker. Each event is taken to the flow that
//! observes its object; the effects and "processed" commit together.

mod accounts;
mod archive;
mod billing;
pub mod catalogue;
mod claims;
mod disputes;
mod fees;
mod inbox;
mod listed;
mod objects;
mod origin;
mod ours;
pub mod replay;
mod retries;
mod together;
mod unseen;

use domain::payment::Evidence;
use domain::{Scope, TenantId, Timestamp};
use store::payments::Payment;
use store::reconciliation_breaks::Kind;
use store::stripe_operations::open_creates;
use store::stripe_webhook_events::{Fate, Status, Taken};
use store::{Tx, payments};
use stripe::events::{self, Envelope};

use crate::adoption::{self, Stray};
use crate::asked::Asked;
use crate::observe::{self, Seen};
use crate::planted::{self, Bug};
use crate::refunds::{self, RefundFacts};
use crate::{App, Failure, Moment, balance, onboarding, payouts, unreachable};

pub use archive::archive_old;
use catalogue::Flow;
pub(crate) use claims::Claims;
pub use fees::book_application_fee;
pub(crate) use fees::book_cost;
pub use inbox::{Ingested, SignedAs, ingest, take};
pub use listed::{Objects, Place, find_out_listed, ingest_listed, list_objects, take_in_objects};
pub use objects::external_again;
use objects::{Subject, delivered};
use origin::Origin;
use ours::{find_payment, not_ours_yet, stray};
pub(crate) use retries::hurry;
use retries::{PARK_MS, close, give_back, may_park};
pub use retries::{out_of_time, put_off};
pub use together::apply_together;
pub use unseen::after_absence;
use unseen::{Unseen, account_gone, not_shown};

/// The snapshot, what was retrieved, and once more where somebody else has written in between.
const LOOKS_MAX: usize = 3;
/// How long a refund that only its charge tells of may take to tell of itself.
const REFUND_CHECK_MS: i64 = 60 * 1000;

/// Applies an event that was taken up. Whatever goes wrong is stored with it and tried again later.
///
/// # Errors
/// Only when not even that could be stored; the lease then runs out and another worker takes it.
pub async fn apply(app: &App, event: &Taken) -> Result<Status, Failure> {
    if let Some(lost) = retries::never_came_back(event) {
        return give_back(app, event, &lost).await;
    }
    // Tried now it would fail, and be given up within hours while Stripe is away for days.
    if let Some(until) = app.breakers.rests_until(event.mode, &event.account) {
        retries::put_off_while_it_rests(app, event, until).await?;
        return Ok(Status::Received);
    }
    let mut applied = observe_event(app, event).await;
    if let Err(Failure::Store(store::Error::Unique { .. })) = &applied {
        // A twin of the event, applied at this moment, has noted what this one would note as well.
        applied = observe_event(app, event).await;
    }
    match applied {
        Ok(status) => Ok(status),
        Err(failure) => give_back(app, event, &failure).await,
    }
}

async fn observe_event(app: &App, event: &Taken) -> Result<Status, Failure> {
    let envelope = opened(event)?;
    match catalogue::flow_of(&envelope.type_) {
        Flow::Account => accounts::changed(app, event, &envelope).await,
        Flow::Payment | Flow::Fee | Flow::Movement | Flow::Payout => money_moved(app, event, &envelope).await,
        Flow::Dispute => disputes::changed(app, event, &envelope).await,
        Flow::Subscription | Flow::Billing => billing::changed(app, event, &envelope).await,
        Flow::Kept => keep(app, event).await,
    }
}

fn opened(event: &Taken) -> Result<Envelope, Failure> {
    let malformed = |what| Failure::Bug(format!("a stored event cannot be read: {what:?}"));
    events::parse(event.body.as_bytes()).map_err(malformed)
}

/// An event that nothing is done with: it stays as it is.
async fn keep(app: &App, event: &Taken) -> Result<Status, Failure> {
    let (at, event) = (app.clock.now(), event.clone());
    app.db.write(move |tx| kept(tx, at, &event)).await
}

fn kept(tx: &mut Tx, at: Timestamp, event: &Taken) -> Result<Status, Failure> {
    let scope = onboarding::tenant_of(tx, &event.account, event.mode)?;
    finished(
        tx,
        at,
        event,
        Status::Ignored,
        scope.as_ref().map(|scope| &scope.tenant),
    )
}

/// An object, and how far what is known of it can be trusted.
#[derive(Clone)]
struct Look {
    subject: Subject,
    /// What its metadata says of tenants and invoices.
    claims: Claims,
    evidence: Evidence,
    /// The payment's version before the object was retrieved: if somebody has written since, what was
    /// retrieved may be the older of the two.
    version: Option<i64>,
    /// Whether the refunds that it tells of need not be listed: operators need not subscribe to more about
    /// them than one event of their charge, and one that is ours may not say so by itself.
    has_refunds: bool,
    /// Whether it was found out that no payment of ours is behind it.
    is_stray: bool,
}

impl Look {
    fn new(envelope: &Envelope, subject: Subject, claims: Claims, evidence: Evidence) -> Look {
        let of_refund = matches!(subject, Subject::Refund(_));
        Look {
            subject,
            claims,
            evidence,
            version: None,
            has_refunds: !of_refund && !catalogue::tells_of_refunds(&envelope.type_),
            is_stray: false,
        }
    }
}

/// What one look at an event came to.
enum Next {
    /// It is done with, and that is committed.
    Done(Status),
    /// The snapshot does not say enough, or may be overtaken: retrieve its object.
    Retrieve(Box<Payment>),
    /// The charge of a payment of ours counts what no refund here is, or a refund says that it is ours and
    /// does not prove it: list them.
    Refunds(Box<Payment>, Option<i64>),
    /// No payment knows its intent, which may be ours all the same: find out.
    FindOut(Stray),
}

async fn money_moved(app: &App, event: &Taken, envelope: &Envelope) -> Result<Status, Failure> {
    let mut look = match delivered(envelope) {
        Some(subject) => Look::new(envelope, subject, objects::claimed(envelope), Evidence::Snapshot),
        None if !belongs_to_a_tenant(app, event).await? => return orphan(app, event).await,
        None => match objects::named(app, event, envelope).await {
            // Our payments on it are read again, and say that they cannot be.
            Err(Failure::AccountGone) => return account_gone(app, event).await,
            Err(failure) => return Err(failure),
            Ok(Asked::Is((subject, claims))) => Look::new(envelope, subject, claims, Evidence::Current),
            Ok(Asked::Nothing) => return keep(app, event).await,
            Ok(Asked::Refused(refused)) => return not_shown(app, event, refused, None).await,
        },
    };
    if let Subject::Fee(fee) = look.subject {
        look.subject = Subject::Fee(refunds::complete(app, event.mode, fee).await?);
    }
    for _ in 0..=LOOKS_MAX {
        match commit(app, event, envelope, &look).await? {
            Next::Done(status) => return Ok(status),
            Next::Refunds(payment, given_back) => {
                let key = envelope.idempotency_key.as_deref();
                refunds::compare(app, &payment, given_back, key).await?;
                look.has_refunds = true;
            }
            Next::FindOut(stray) => {
                adoption::find_out(app, &stray).await?;
                look.is_stray = true;
            }
            Next::Retrieve(payment) => {
                let asked_at = app.clock.now();
                look.subject = match objects::now(app, &payment, &look.subject).await {
                    Err(Failure::AccountGone) => {
                        unreachable::payment(app, &payment, asked_at).await?;
                        return account_gone(app, event).await;
                    }
                    retrieved => retrieved?,
                };
                look.evidence = Evidence::Current;
                look.version = Some(payment.version);
            }
        }
    }
    Err(Failure::Unknown(
        "it changed each time that it was read".to_owned(),
    ))
}

/// Whether anything may be retrieved for the event: of a stranger's account nothing can be. The platform's
/// own events name no account.
async fn belongs_to_a_tenant(app: &App, event: &Taken) -> Result<bool, Failure> {
    let (account, mode) = (event.account.clone(), event.mode);
    let known = app
        .db
        .read(move |tx| onboarding::tenant_of(tx, &account, mode))
        .await?;
    Ok(event.account.is_empty() || known.is_some())
}

/// One transaction for one event.
async fn commit(app: &App, event: &Taken, envelope: &Envelope, look: &Look) -> Result<Next, Failure> {
    let (moment, event, look) = (app.moment(), event.clone(), look.clone());
    let origin = Origin::of(envelope);
    if planted::is(Bug::ProcessedFirst) {
        let (held, account) = (event.clone(), account_of(&event, &look).to_owned());
        let first = app.db.write(move |tx| {
            let tenant = onboarding::tenant_of(tx, &account, held.mode)?.map(|scope| scope.tenant);
            finished(tx, moment.at, &held, Status::Processed, tenant.as_ref())
        });
        first.await?;
    }
    app.db
        .write(move |tx| settle(tx, moment, &event, &origin, &look))
        .await
}

/// Within a transaction: whose event it is, the effects of what was seen, and what became of the event. Where
/// the answer is to retrieve, nothing has been written.
fn settle(tx: &mut Tx, moment: Moment, event: &Taken, origin: &Origin, look: &Look) -> Result<Next, Failure> {
    let account = account_of(event, look);
    if let Subject::Payout(payout) = &look.subject
        && let Some(scope) = balance::books_of(tx, account, event.mode)?
    {
        look.claims.check(tx, moment, &scope, &payout.id, None)?;
        let told = origin.told(moment, look);
        return settle_payout(tx, moment, event, &scope, payout, told.as_of).map(Next::Done);
    }
    let Some(scope) = onboarding::tenant_of(tx, account, event.mode)? else {
        return orphaned(tx, moment, event).map(Next::Done);
    };
    let payment = match find_payment(tx, &scope, account, origin.key.as_deref(), &look.subject)? {
        None if planted::is(Bug::NoAccountCheck) => planted::named_in_metadata(tx, event)?,
        found => found,
    };
    let own = payment.as_ref().map(|payment| payment.invoice_id.clone());
    let status = match (&look.subject, payment) {
        (Subject::Fee(fee), payment) => book_application_fee(tx, moment, &scope, fee, payment.as_ref())?,
        (Subject::Refund(facts), Some(payment)) => {
            match observe_refund(tx, moment, event, origin, look, facts, payment)? {
                Next::Done(status) => status,
                next => return Ok(next),
            }
        }
        (_, None) => match stray(event, origin, look) {
            Some(stray) if !waits(tx, &scope, event, look)? => {
                return Ok(Next::FindOut(stray));
            }
            Some(_) | None => not_ours_yet(
                tx,
                moment,
                &scope,
                event,
                &origin.told(moment, look),
                &look.subject,
            )?,
        },
        (_, Some(payment))
            if planted::is(Bug::CreatedGuard) && origin.created_ms <= payment.created_at.ms() =>
        {
            Status::Stale
        }
        (_, Some(payment)) => match observe_payment(tx, moment, event, look, payment)? {
            Next::Done(status) => status,
            next => return Ok(next),
        },
    };
    let object_id = look.subject.id();
    look.claims.check(tx, moment, &scope, object_id, own.as_ref())?;
    let parked = status == Status::Parked;
    let fate = Fate {
        id: &event.id,
        attempts: event.attempts,
        status,
        tenant: Some(&scope.tenant),
        next_attempt_at: parked.then(|| moment.at.plus_ms(PARK_MS)),
        error: parked.then_some("waiting for the answer to our own request"),
    };
    close(tx, event, &fate, moment.at)?;
    Ok(Next::Done(status))
}

/// Whether the object may be that of a write of ours without an answer, which is waited for.
fn waits(tx: &mut Tx, scope: &Scope, event: &Taken, look: &Look) -> Result<bool, Failure> {
    let of_payment = !matches!(look.subject, Subject::Refund(_));
    Ok(of_payment && may_park(event) && open_creates(tx, scope, &event.account)?)
}

/// The connected account: the platform's own events name it in their object.
fn account_of<'a>(event: &'a Taken, look: &'a Look) -> &'a str {
    match &look.subject {
        Subject::Fee(fee) if event.account.is_empty() => fee.account.as_str(),
        _ => event.account.as_str(),
    }
}

fn observe_payment(
    tx: &mut Tx,
    moment: Moment,
    event: &Taken,
    look: &Look,
    mut payment: Payment,
) -> Result<Next, Failure> {
    let cause = format!("event:{}", event.event_id);
    let seen = match &look.subject {
        // The fee is not in the event: the balance transaction must be expanded.
        Subject::Charge(facts) if facts.lacks_balance() && payment.stripe_fee.is_none() => Seen::Retrieve,
        Subject::Charge(facts) => {
            let seen = observe::charge(tx, moment, &mut payment, facts, &cause)?;
            if facts.succeeded && facts.given_back != payment.reserved {
                if !look.has_refunds && payment.standing().received > 0 {
                    return Ok(Next::Refunds(Box::new(payment), Some(facts.given_back)));
                }
                // A refund's own event is as a rule here before that.
                let (scope, at) = (&payment.scope, moment.at.plus_ms(REFUND_CHECK_MS));
                payments::check_by(tx, scope, &payment.id, at)?;
            }
            seen
        }
        Subject::Intent(facts) => {
            let changed = look.version.is_some_and(|version| version != payment.version);
            let evidence = if changed {
                Evidence::Snapshot
            } else {
                look.evidence
            };
            observe::intent(tx, moment, &mut payment, facts, evidence, &cause)?
        }
        Subject::Fee(_) | Subject::Refund(_) | Subject::Payout(_) => Seen::Same,
    };
    Ok(match seen {
        Seen::Retrieve => Next::Retrieve(Box::new(payment)),
        Seen::Stale => Next::Done(Status::Stale),
        Seen::Applied | Seen::Same => Next::Done(Status::Processed),
    })
}

/// A refund of our payment. One that may be the answer to a write of ours, and does not say so, waits for it.
fn observe_refund(
    tx: &mut Tx,
    moment: Moment,
    event: &Taken,
    origin: &Origin,
    look: &Look,
    facts: &RefundFacts,
    payment: Payment,
) -> Result<Next, Failure> {
    if payment.standing().received == 0 {
        // News of the payment itself is on its way.
        payments::check_by(tx, &payment.scope, &payment.id, moment.at)?;
        return match may_park(event) {
            true => Ok(Next::Done(Status::Parked)),
            false => Err(Failure::Unknown("a refund of what has not arrived".to_owned())),
        };
    }
    let known = refunds::find(tx, &payment, origin.key.as_deref(), facts)?;
    if known.is_none() && may_park(event) && refunds::may_be_ours(tx, &payment)? {
        return Ok(Next::Done(Status::Parked));
    }
    let known = match known {
        Some(known) => Some(known),
        None if !look.has_refunds && refunds::is_open(facts, &payment, origin.key.as_deref()) => {
            return Ok(Next::Refunds(Box::new(payment), None));
        }
        None => refunds::adopt(tx, moment, &payment, origin.key.as_deref(), facts)?,
    };
    let cause = format!("event:{}", event.event_id);
    let changed = match (&look.version, &known) {
        (Some(version), Some(known)) => *version != known.version,
        _ => false,
    };
    let evidence = if changed {
        Evidence::Snapshot
    } else {
        look.evidence
    };
    let seen = refunds::observe(tx, moment, &payment, known, facts, evidence, &cause)?;
    Ok(match seen {
        Seen::Retrieve => Next::Retrieve(Box::new(payment)),
        Seen::Stale => Next::Done(Status::Stale),
        Seen::Applied | Seen::Same => Next::Done(Status::Processed),
    })
}

/// A payout of a tenant's account, or of the platform's own. No operation of ours makes one: it is listed
/// among what others do on the account, too.
fn settle_payout(
    tx: &mut Tx,
    moment: Moment,
    event: &Taken,
    scope: &Scope,
    payout: &stripe::Payout,
    as_of: Timestamp,
) -> Result<Status, Failure> {
    let seen = payouts::observe(tx, moment, scope, &event.account, payout)?;
    let status = if seen == payouts::Seen::Stale {
        Status::Stale
    } else {
        Status::External
    };
    if status == Status::External {
        let subject = Subject::Payout(payout.clone());
        let (at, account) = (moment.at, &event.account);
        ours::keep_as_external(tx, at, as_of, scope, account, Some("payout"), &subject)?;
    }
    finished(tx, moment.at, event, status, Some(&scope.tenant))
}

async fn orphan(app: &App, event: &Taken) -> Result<Status, Failure> {
    let (moment, event) = (app.moment(), event.clone());
    app.db.write(move |tx| orphaned(tx, moment, &event)).await
}

/// An event from an account that no tenant has: kept, counted, shown.
fn orphaned(tx: &mut Tx, moment: Moment, event: &Taken) -> Result<Status, Failure> {
    let ours = event.account.is_empty();
    if !ours {
        let detail = format!("event {} came from an account that no tenant has", event.event_id);
        let (mode, account) = (event.mode, &event.account);
        observe::open_break(tx, moment, 0, None, mode, Kind::UnknownAccount, account, &detail)?;
    }
    let status = if ours { Status::Ignored } else { Status::Orphan };
    let fate = Fate {
        id: &event.id,
        attempts: event.attempts,
        status,
        tenant: None,
        next_attempt_at: None,
        error: Some("no tenant has this account"),
    };
    close(tx, event, &fate, moment.at)?;
    Ok(status)
}

async fn finish(
    app: &App,
    event: &Taken,
    status: Status,
    tenant: Option<TenantId>,
) -> Result<Status, Failure> {
    let (at, event) = (app.clock.now(), event.clone());
    app.db
        .write(move |tx| finished(tx, at, &event, status, tenant.as_ref()))
        .await
}

fn finished(
    tx: &mut Tx,
    at: Timestamp,
    event: &Taken,
    status: Status,
    tenant: Option<&TenantId>,
) -> Result<Status, Failure> {
    let fate = Fate {
        id: &event.id,
        attempts: event.attempts,
        status,
        tenant,
        next_attempt_at: None,
        error: None,
    };
    close(tx, event, &fate, at)?;
    Ok(status)
}
