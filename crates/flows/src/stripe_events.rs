//! Webhooks, rule 3: stored raw, answered, applied later by a worker. Each event is taken to the flow that observes
//! its object; the effects and "processed" commit together.

use domain::payment::Evidence;
use domain::{Currency, InboxId, LedgerTransactionId, Mode, Money, Scope, TenantId, ledger};
use sha2::{Digest, Sha256};
use store::external_objects::{self, ExternalObject};
use store::ledger::Posting;
use store::payments::{self, Payment};
use store::stripe_webhook_events::{self as inbox, Delivery, Fate, Status, Taken};
use store::{Tx, application_fees, stripe_operations};
use stripe::events::{self, Envelope, Kind, plain_type};
use stripe::{ApplicationFee, Charge, PaymentIntent, charges, payment_intents};

use crate::observe::{self, ChargeFacts, IntentFacts, Seen};
use crate::{App, Failure, Moment, onboarding};

/// How long a worker keeps an event for itself; after a crash another takes it up then.
const LEASE_MS: i64 = 60 * 1000;
/// After so many tries a person must look.
const ATTEMPTS_MAX: i64 = 12;
/// Waits between tries: 1 s, doubled, at most an hour.
const RETRY_MS_MAX: i64 = 60 * 60 * 1000;
/// An event that is ahead of our own rows waits so long for them, so many times.
const PARK_MS: i64 = 5 * 1000;
const PARKED_MAX: i64 = 12;

/// Whose secret a delivery was signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedAs {
    /// The mode that the secret belongs to.
    pub mode: Mode,
    /// Snapshot or thin.
    pub kind: Kind,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ingested {
    /// Stored; a worker applies it.
    New {
        /// Stripe's name of the event type, for the log.
        event_type: String,
    },
    /// Known already; nothing more happens.
    Duplicate,
    /// Stored and never applied: a live event under a TEST secret.
    Quarantined,
    /// The body is not of the kind that this secret signs. Nothing is stored.
    WrongShape,
}

/// Stores a verified delivery.
///
/// # Errors
/// When the database does not take it: the caller answers 503, so that Stripe sends it again.
pub async fn ingest(app: &App, body: &[u8], signed_as: SignedAs) -> Result<Ingested, Failure> {
    let moment = app.moment();
    let delivery = match events::parse(body) {
        Ok(envelope) if envelope.kind != signed_as.kind => return Ok(Ingested::WrongShape),
        Ok(envelope) => delivery_of(moment, body, signed_as, envelope),
        Err(malformed) => {
            tracing::error!(?malformed, "a verified webhook body is no event; it is kept");
            unreadable(moment, body, signed_as)
        }
    };
    let quarantined = delivery.status == Status::Quarantined;
    let event_type = delivery.event_type.clone();
    let new = app
        .db
        .write(move |tx| {
            let new = inbox::insert(tx, &delivery, moment.at)?;
            if new && quarantined {
                let detail = "an event with livemode true came under a TEST secret; it is not applied";
                observe::open_break(
                    tx,
                    moment,
                    1,
                    None,
                    Mode::Live,
                    "quarantined",
                    &delivery.event_id,
                    detail,
                )?;
            }
            Ok::<_, Failure>(new)
        })
        .await?;
    Ok(match (new, quarantined) {
        (false, _) => Ingested::Duplicate,
        (true, true) => Ingested::Quarantined,
        (true, false) => Ingested::New { event_type },
    })
}

fn delivery_of(moment: Moment, body: &[u8], signed_as: SignedAs, envelope: Envelope) -> Delivery {
    let mode = Mode::from_livemode(envelope.livemode);
    // A LIVE secret may carry test events: Stripe sends them to live Connect endpoints. Never the other way round.
    let quarantined = mode == Mode::Live && signed_as.mode == Mode::Test;
    Delivery {
        id: InboxId::new(moment.at, moment.random(0)),
        event_id: envelope.id,
        account: envelope.account.unwrap_or_default(),
        mode,
        thin: envelope.kind == Kind::Thin,
        event_type: envelope.type_,
        object_id: envelope.object_id,
        api_version: envelope.api_version,
        idempotency_key: envelope.idempotency_key,
        body: String::from_utf8_lossy(body).into_owned(),
        status: if quarantined {
            Status::Quarantined
        } else {
            Status::Received
        },
    }
}

fn unreadable(moment: Moment, body: &[u8], signed_as: SignedAs) -> Delivery {
    Delivery {
        id: InboxId::new(moment.at, moment.random(0)),
        event_id: format!("unreadable_{}", hex::encode(&Sha256::digest(body)[..16])),
        account: String::new(),
        mode: signed_as.mode,
        thin: signed_as.kind == Kind::Thin,
        event_type: "unreadable".to_owned(),
        object_id: None,
        api_version: None,
        idempotency_key: None,
        body: String::from_utf8_lossy(body).replace('\0', "\u{fffd}"),
        status: Status::Dead,
    }
}

/// Takes up due events for this worker.
///
/// # Errors
/// When the database fails.
pub async fn take(app: &App, limit: i64) -> Result<Vec<Taken>, Failure> {
    let at = app.clock.now();
    Ok(app
        .db
        .write(move |tx| inbox::take(tx, at, at.plus_ms(LEASE_MS), limit))
        .await?)
}

/// Applies an event that was taken up. Whatever goes wrong is stored with it and tried again later.
///
/// # Errors
/// Only when not even that could be stored; the lease then runs out and another worker takes it.
pub async fn apply(app: &App, event: &Taken) -> Result<Status, Failure> {
    match observe_event(app, event).await {
        Ok(status) => Ok(status),
        Err(failure) => give_back(app, event, &failure).await,
    }
}

async fn give_back(app: &App, event: &Taken, failure: &Failure) -> Result<Status, Failure> {
    let at = app.clock.now();
    let exhausted = event.attempts >= ATTEMPTS_MAX;
    let doublings = u32::try_from(event.attempts.clamp(0, 20)).unwrap_or(20);
    let wait = 1_000_i64.saturating_mul(1_i64 << doublings).min(RETRY_MS_MAX) / 2;
    let status = if exhausted { Status::Dead } else { Status::Failed };
    tracing::error!(event = event.event_id, %failure, attempts = event.attempts, "{}", status.word());
    let (event, error) = (event.clone(), failure.to_string());
    app.db
        .write(move |tx| {
            let fate = Fate {
                id: &event.id,
                attempts: event.attempts,
                status,
                tenant: None,
                next_attempt_at: (!exhausted).then(|| at.plus_ms(wait)),
                error: Some(&error),
            };
            inbox::finish(tx, &fate, at)
        })
        .await?;
    Ok(status)
}

/// The object that an event is about, as it was delivered or as it was retrieved.
#[derive(Clone)]
enum Subject {
    Intent(IntentFacts),
    Charge(ChargeFacts),
    Fee(ApplicationFee),
}

async fn observe_event(app: &App, event: &Taken) -> Result<Status, Failure> {
    let malformed = |what| Failure::Bug(format!("a stored event cannot be read: {what:?}"));
    let envelope = events::parse(event.body.as_bytes()).map_err(malformed)?;
    match plain_type(&envelope.type_) {
        events::ACCOUNT_UPDATED | events::CAPABILITY_UPDATED => account_changed(app, event).await,
        name if name.starts_with("payment_intent.")
            || name.starts_with("charge.")
            || name.starts_with("application_fee.") =>
        {
            money_moved(app, event, &envelope).await
        }
        _ => finish(app, event, Status::Ignored, None).await,
    }
}

/// Accounts have no order of their own: always read again.
async fn account_changed(app: &App, event: &Taken) -> Result<Status, Failure> {
    match onboarding::refresh(app, &event.account, event.mode).await? {
        Some(tenant) => finish(app, event, Status::Processed, Some(tenant)).await,
        None => orphan(app, event).await,
    }
}

async fn money_moved(app: &App, event: &Taken, envelope: &Envelope) -> Result<Status, Failure> {
    let Some(scope) = scope_of(app, event, envelope).await? else {
        return orphan(app, event).await;
    };
    let (mut subject, mut evidence) = match delivered(envelope) {
        Some(subject) => (subject, Evidence::Snapshot),
        None => match retrieve(app, &scope, event, envelope).await? {
            Some(subject) => (subject, Evidence::Current),
            None => return finish(app, event, Status::Ignored, Some(scope.tenant)).await,
        },
    };
    let known = payment_of(app, &scope, event, envelope, &subject).await?;
    // The fee is not in the event: the balance transaction must be expanded.
    if let (Subject::Charge(charge), Some(payment)) = (&subject, &known)
        && charge.settled
        && charge.balance.is_none()
        && payment.stripe_fee.is_none()
    {
        let charge = charges::retrieve(app.stripe(scope.mode)?, &event.account, &charge.id).await?;
        (subject, evidence) = (Subject::Charge(ChargeFacts::of(&charge)), Evidence::Current);
    }
    let version = known.map(|payment| payment.version);
    match commit(app, &scope, event, envelope, subject, evidence, version).await? {
        Committed::As(status) => Ok(status),
        Committed::NotYet { payment } => {
            let client = app.stripe(scope.mode)?;
            let id = payment.intent_id.clone().unwrap_or_default();
            let intent = payment_intents::retrieve(client, &payment.stripe_account_id, &id).await?;
            let subject = Subject::Intent(IntentFacts::of(&intent));
            let version = Some(payment.version);
            match commit(app, &scope, event, envelope, subject, Evidence::Current, version).await? {
                Committed::As(status) => Ok(status),
                Committed::NotYet { .. } => Err(Failure::Unknown("changed while it was read".to_owned())),
            }
        }
    }
}

/// The tenant that the verified envelope's account belongs to. The platform's own events carry no account; an
/// application fee names the one it came from.
async fn scope_of(app: &App, event: &Taken, envelope: &Envelope) -> Result<Option<Scope>, Failure> {
    let account = match event.account.as_str() {
        "" => envelope
            .object
            .as_ref()
            .and_then(|object| object["account"].as_str())
            .unwrap_or_default(),
        account => account,
    };
    let (account, mode) = (account.to_owned(), event.mode);
    app.db
        .read(move |tx| onboarding::tenant_of(tx, &account, mode))
        .await
}

/// The object as a snapshot carries it; none where a field that we need is missing or unreadable.
fn delivered(envelope: &Envelope) -> Option<Subject> {
    let object = envelope.object.as_ref()?;
    match envelope.object_type.as_deref()? {
        "payment_intent" => PaymentIntent::from_value(object)
            .ok()
            .map(|intent| Subject::Intent(IntentFacts::of(&intent))),
        "charge" => Charge::from_value(object)
            .ok()
            .map(|charge| Subject::Charge(ChargeFacts::of(&charge))),
        "application_fee" => ApplicationFee::from_value(object).ok().map(Subject::Fee),
        _ => None,
    }
}

async fn retrieve(
    app: &App,
    scope: &Scope,
    event: &Taken,
    envelope: &Envelope,
) -> Result<Option<Subject>, Failure> {
    let client = app.stripe(scope.mode)?;
    let Some(id) = envelope.object_id.as_deref() else {
        return Ok(None);
    };
    Ok(match envelope.object_type.as_deref() {
        Some("payment_intent") => {
            let intent = payment_intents::retrieve(client, &event.account, id).await?;
            Some(Subject::Intent(IntentFacts::of(&intent)))
        }
        Some("charge") => {
            let charge = charges::retrieve(client, &event.account, id).await?;
            Some(Subject::Charge(ChargeFacts::of(&charge)))
        }
        Some("application_fee") => Some(Subject::Fee(
            stripe::application_fees::retrieve(client, id).await?,
        )),
        _ => None,
    })
}

async fn payment_of(
    app: &App,
    scope: &Scope,
    event: &Taken,
    envelope: &Envelope,
    subject: &Subject,
) -> Result<Option<Payment>, Failure> {
    let (scope, account, subject) = (scope.clone(), event.account.clone(), subject.clone());
    let key = envelope.idempotency_key.clone();
    app.db
        .read(move |tx| find_payment(tx, &scope, &account, key.as_deref(), &subject))
        .await
}

/// Our payment, by Stripe's object, or else by the key of our request that caused the event: the event may be here
/// before the answer is. Never by metadata, which the tenant can edit.
fn find_payment(
    tx: &mut Tx,
    scope: &Scope,
    account: &str,
    key: Option<&str>,
    subject: &Subject,
) -> Result<Option<Payment>, Failure> {
    let (intent_id, known) = match subject {
        Subject::Intent(facts) => (
            Some(facts.id.as_str()),
            payments::by_intent(tx, scope, account, &facts.id)?,
        ),
        Subject::Charge(facts) => match facts.intent_id.as_deref() {
            Some(intent) => (Some(intent), payments::by_intent(tx, scope, account, intent)?),
            None => (None, payments::by_charge(tx, scope, account, &facts.id)?),
        },
        Subject::Fee(fee) => {
            let charge = fee.charge.as_deref().unwrap_or_default();
            (None, payments::by_charge(tx, scope, &fee.account, charge)?)
        }
    };
    if known.is_some() {
        return Ok(known);
    }
    let (Some(intent_id), Some(key)) = (intent_id, key) else {
        return Ok(None);
    };
    let Some(operation) = stripe_operations::by_key(tx, scope, account, key)? else {
        return Ok(None);
    };
    let payment = payments::get(tx, scope, &operation.payment_id)?;
    Ok(payment.filter(|payment| payment.intent_id.as_deref().is_none_or(|id| id == intent_id)))
}

enum Committed {
    As(Status),
    /// The snapshot may be older than what is known: what Stripe says now must be retrieved.
    NotYet {
        payment: Box<Payment>,
    },
}

/// One transaction: the effects of what was seen, and what became of the event.
async fn commit(
    app: &App,
    scope: &Scope,
    event: &Taken,
    envelope: &Envelope,
    subject: Subject,
    evidence: Evidence,
    version: Option<i64>,
) -> Result<Committed, Failure> {
    let (moment, scope, event) = (app.moment(), scope.clone(), event.clone());
    let (key, object_type) = (envelope.idempotency_key.clone(), envelope.object_type.clone());
    app.db
        .write(move |tx| {
            let payment = find_payment(tx, &scope, &event.account, key.as_deref(), &subject)?;
            let status = match (&subject, payment) {
                (Subject::Fee(fee), payment) => {
                    book_application_fee(tx, moment, &scope, fee, payment.as_ref())?
                }
                (_, None) => not_ours_yet(tx, moment, &scope, &event, object_type.as_deref(), &subject)?,
                (Subject::Intent(facts), Some(mut payment)) => {
                    let changed = version.is_some_and(|version| version != payment.version);
                    let evidence = if changed { Evidence::Snapshot } else { evidence };
                    let cause = format!("event:{}", event.event_id);
                    match observe::intent(tx, moment, &mut payment, facts, evidence, &cause)? {
                        Seen::Retrieve => {
                            return Ok(Committed::NotYet {
                                payment: Box::new(payment),
                            });
                        }
                        Seen::Stale => Status::Stale,
                        Seen::Applied | Seen::Same => Status::Processed,
                    }
                }
                (Subject::Charge(facts), Some(mut payment)) => {
                    let cause = format!("event:{}", event.event_id);
                    observe::charge(tx, moment, &mut payment, facts, &cause)?;
                    Status::Processed
                }
            };
            let parked = status == Status::Parked;
            let fate = Fate {
                id: &event.id,
                attempts: event.attempts,
                status,
                tenant: Some(&scope.tenant),
                next_attempt_at: parked.then(|| moment.at.plus_ms(PARK_MS)),
                error: parked.then_some("waiting for the answer to our own request"),
            };
            still_ours(inbox::finish(tx, &fate, moment.at)?)?;
            Ok(Committed::As(status))
        })
        .await
}

/// If another worker has taken the event up since, its transaction counts and this one is rolled back.
fn still_ours(finished: bool) -> Result<(), Failure> {
    if finished {
        Ok(())
    } else {
        Err(Failure::Unknown("another worker has this event now".to_owned()))
    }
}

/// An object that no payment of ours knows: while a create of ours has no answer it may be ours and waits, otherwise
/// it is the tenant's own.
fn not_ours_yet(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    event: &Taken,
    object_type: Option<&str>,
    subject: &Subject,
) -> Result<Status, Failure> {
    if event.attempts <= PARKED_MAX && stripe_operations::open_creates(tx, scope, &event.account)? {
        return Ok(Status::Parked);
    }
    let (object_id, status, amount, currency) = match subject {
        Subject::Intent(facts) => {
            let status = Some(facts.status_word.clone());
            (
                &facts.id,
                status,
                Some(facts.amount),
                Some(facts.currency.clone()),
            )
        }
        Subject::Charge(facts) => (&facts.id, None, None, None),
        Subject::Fee(fee) => (&fee.id, None, Some(fee.amount), Some(fee.currency.clone())),
    };
    let object = ExternalObject {
        scope,
        stripe_account_id: &event.account,
        object_id,
        object_type: object_type.unwrap_or_default(),
        status,
        amount,
        currency,
    };
    external_objects::put(tx, &object, moment.at)?;
    Ok(Status::External)
}

/// The platform's income, in its own books, and the tenant's cost in the tenant's.
fn book_application_fee(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    fee: &ApplicationFee,
    payment: Option<&Payment>,
) -> Result<Status, Failure> {
    let currency = Currency::parse(&fee.currency)
        .map_err(|_| Failure::Bug(format!("{} is in the unknown currency {}", fee.id, fee.currency)))?;
    let amount = Money::new(fee.amount, currency);
    let row = application_fees::ApplicationFee {
        scope,
        id: &fee.id,
        stripe_account_id: &fee.account,
        charge_id: fee.charge.as_deref().unwrap_or_default(),
        payment_id: payment.map(|payment| &payment.id),
        amount,
        refunded: fee.amount_refunded,
    };
    application_fees::put(tx, &row, moment.at)?;
    let platform = Scope {
        tenant: TenantId::platform(),
        mode: scope.mode,
    };
    let postings = [
        (scope, ledger::application_fee(amount)?),
        (&platform, ledger::application_fee_income(amount)?),
    ];
    for (nth, (books, transaction)) in (0_u32..).zip(&postings) {
        let posting = Posting {
            scope: books,
            id: LedgerTransactionId::new(moment.at, moment.random(nth)),
            source_id: &fee.id,
            invoice_id: payment.map(|payment| &payment.invoice_id),
            payment_id: payment.map(|payment| &payment.id),
            reverses: None,
            at: moment.at,
        };
        store::ledger::post(tx, &posting, transaction)?;
    }
    Ok(Status::Processed)
}

/// An event from an account that no tenant has: kept, counted, shown.
async fn orphan(app: &App, event: &Taken) -> Result<Status, Failure> {
    if event.account.is_empty() {
        return finish(app, event, Status::Ignored, None).await;
    }
    let (moment, event) = (app.moment(), event.clone());
    app.db
        .write(move |tx| {
            let detail = format!("event {} came from an account that no tenant has", event.event_id);
            observe::open_break(
                tx,
                moment,
                0,
                None,
                event.mode,
                "unknown_account",
                &event.account,
                &detail,
            )?;
            let fate = Fate {
                id: &event.id,
                attempts: event.attempts,
                status: Status::Orphan,
                tenant: None,
                next_attempt_at: None,
                error: Some("no tenant has this account"),
            };
            still_ours(inbox::finish(tx, &fate, moment.at)?)?;
            Ok(Status::Orphan)
        })
        .await
}

async fn finish(
    app: &App,
    event: &Taken,
    status: Status,
    tenant: Option<TenantId>,
) -> Result<Status, Failure> {
    let (at, event) = (app.clock.now(), event.clone());
    app.db
        .write(move |tx| {
            let fate = Fate {
                id: &event.id,
                attempts: event.attempts,
                status,
                tenant: tenant.as_ref(),
                next_attempt_at: None,
                error: None,
            };
            still_ours(inbox::finish(tx, &fate, at)?)?;
            Ok(status)
        })
        .await
}
