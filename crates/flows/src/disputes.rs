//! Disputes: what Stripe says of them is merged here, whoever brings it, with each movement of money booked
//! once by its balance transaction. What the MSP does about them is in `answers.rs` and `settling.rs`.

mod answers;
mod facts;
pub mod files;
mod prefill;
mod settling;

use domain::dispute::{self, Evidence, Merge, Settlement, Standing, Status, Taken};
use domain::{DisputeId, LedgerTransactionId, Mode, Money, Scope, Timestamp, ledger};
use store::Tx;
use store::disputes::{self as rows, Dispute, Moved};
use store::external_objects::{self, ExternalObject};
use store::ledger::Posting;
use store::payments::{self, Payment};
use store::reconciliation_breaks::{self, Kind};
use store::refunds;
use store::state_history::{self, Change};
use stripe::{AccountId, CallError, disputes as at_stripe};

pub use answers::{accept, may_submit, put_evidence, submit, take_up};
pub use facts::DisputeFacts;
pub use prefill::{Shown, show};
pub use settling::settle;

use crate::breaks::open_break;
use crate::observe::Seen;
use crate::{App, Failure, Moment, notify, onboarding};

/// While a dispute is open it is read again this often: a bank takes weeks.
const CHECK_MS: i64 = 6 * 60 * 60 * 1000;
/// A dispute that was just won, and whose money has not come back yet, is read again sooner.
const SOON_MS: i64 = 10 * 60 * 1000;
/// A list begins so much before the dispute that made it be read.
const LIST_FROM_S: i64 = 24 * 60 * 60;
/// Disputes of a page, and pages of one reading: no account has so many.
const PAGE: u32 = 100;
const PAGES_MAX: usize = 50;
/// Ids of what one observation makes begin here, and go up by as many for each movement.
const FIRST_ID: u32 = 32;
const IDS_EACH: u32 = 4;

/// Merges what Stripe says of a dispute of a payment of ours.
///
/// # Errors
/// When the database fails, or when a posting does not balance, which would be a bug.
pub fn observe(
    tx: &mut Tx,
    moment: Moment,
    payment: &Payment,
    facts: &DisputeFacts,
    evidence: Evidence,
    cause: &str,
) -> Result<Seen, Failure> {
    let known = rows::by_stripe_id(tx, &payment.scope, &payment.stripe_account_id, &facts.id)?;
    let moved = match (&facts.moved, evidence) {
        (Some(moved), _) => moved.as_slice(),
        // What the object does not say of money must be read.
        (None, Evidence::Snapshot) => return Ok(Seen::Retrieve),
        (None, Evidence::Current) => &[],
    };
    let Some(before) = known else {
        let mut dispute = facts.first_seen(payment, moment);
        dispute.taken = Taken::of(moved.iter().map(Moved::movement));
        conclude(&mut dispute, moment.at);
        rows::insert(tx, &dispute)?;
        history(tx, &dispute, None, cause, moment.at)?;
        book(tx, moment, payment, &dispute, moved)?;
        check_beyond(tx, moment, payment)?;
        notify::dispute_opened(tx, moment, payment, &dispute)?;
        return Ok(Seen::Applied);
    };
    let mut dispute = before.clone();
    let seen = match dispute::merge(&before.standing, &facts.standing, evidence) {
        Merge::Retrieve => return Ok(Seen::Retrieve),
        Merge::Same if evidence == Evidence::Snapshot && facts.differs(&before) => {
            return Ok(Seen::Retrieve);
        }
        Merge::Stale => Seen::Stale,
        Merge::Same => Seen::Same,
        Merge::Move => Seen::Applied,
    };
    if seen != Seen::Stale {
        facts.take(&mut dispute);
        if dispute.standing.asks_anew(&before.standing) {
            dispute.submitted_version = None;
        }
    }
    // Money is taken up from every snapshot, the oldest included: what moved has moved.
    let new = book(tx, moment, payment, &dispute, moved)?;
    if !new.is_empty() {
        let all = rows::movements(tx, &dispute.scope, &dispute.id)?;
        dispute.taken = Taken::of(all.iter().map(Moved::movement));
        dispute.fee_currency = dispute.fee_currency.or(moved.first().map(|moved| moved.currency));
    }
    conclude(&mut dispute, moment.at);
    if dispute == before {
        return Ok(seen);
    }
    save(tx, &mut dispute, &before, cause, moment.at)?;
    let is_new = |one: &&Moved| new.contains(&one.transaction);
    if let Some(back) = moved.iter().filter(is_new).rfind(|one| one.disputed > 0) {
        settling::money_back_after_settling(tx, moment, &before, &mut dispute, (&back.transaction, cause))?;
    }
    if !new.is_empty() {
        check_beyond(tx, moment, payment)?;
    }
    Ok(if seen == Seen::Stale && new.is_empty() {
        Seen::Stale
    } else {
        Seen::Applied
    })
}

/// What follows from where a dispute stands and what it holds.
fn conclude(dispute: &mut Dispute, at: Timestamp) {
    dispute.settlement = dispute.decided.settlement(&dispute.standing, dispute.taken);
    let is_over = dispute.standing.is_over();
    let money_due = dispute.standing == Standing::Known(Status::Won) && dispute.taken.held() > 0;
    dispute.closed_at = is_over.then(|| dispute.closed_at.unwrap_or(at));
    dispute.next_check_at = match (is_over, money_due) {
        (true, true) => Some(dispute.next_check_at.unwrap_or_else(|| at.plus_ms(SOON_MS))),
        (true, false) => None,
        (false, _) => Some(dispute.next_check_at.unwrap_or_else(|| at.plus_ms(CHECK_MS))),
    };
}

/// Stores a dispute over the version that was read, and notes where it moved.
fn save(
    tx: &mut Tx,
    dispute: &mut Dispute,
    before: &Dispute,
    cause: &str,
    at: Timestamp,
) -> Result<(), Failure> {
    if !rows::store(tx, dispute, at)? {
        return Err(store::Error::Conflict.into());
    }
    dispute.version += 1;
    if dispute.standing == before.standing {
        return Ok(());
    }
    history(tx, dispute, Some(before), cause, at)
}

fn history(
    tx: &mut Tx,
    dispute: &Dispute,
    before: Option<&Dispute>,
    cause: &str,
    at: Timestamp,
) -> Result<(), Failure> {
    let change = Change {
        scope: &dispute.scope,
        subject_id: dispute.id.as_str(),
        version: dispute.version,
        from: before.map(|before| before.standing.word()),
        to: dispute.standing.word(),
        cause,
    };
    Ok(state_history::insert(tx, &change, at)?)
}

/// Books each movement that is new, and answers which: the amount, and Stripe's fee for the dispute or its
/// return.
fn book(
    tx: &mut Tx,
    moment: Moment,
    payment: &Payment,
    dispute: &Dispute,
    moved: &[Moved],
) -> Result<Vec<String>, Failure> {
    let mut new = Vec::new();
    for (nth, moved) in (0_u32..).zip(moved) {
        if !rows::insert_movement(tx, dispute, moved, moment.at)? {
            continue;
        }
        new.push(moved.transaction.clone());
        for (at, transaction) in (0_u32..).zip(transactions(dispute, moved)?) {
            let posting = Posting {
                scope: &dispute.scope,
                id: LedgerTransactionId::new(moment.at, moment.random(FIRST_ID + nth * IDS_EACH + at)),
                source_id: &moved.transaction,
                invoice_id: Some(&payment.invoice_id),
                payment_id: Some(&payment.id),
                reverses: None,
                at: moment.at,
            };
            store::ledger::post(tx, &posting, &transaction)?;
        }
    }
    Ok(new)
}

/// What a movement is in the books: the amount in the dispute's currency, where the balance has another one
/// its exchange, and the fee.
fn transactions(dispute: &Dispute, moved: &Moved) -> Result<Vec<ledger::Transaction>, Failure> {
    let mut all = Vec::new();
    let disputed = Money::new(moved.disputed.saturating_abs(), dispute.currency);
    match moved.disputed {
        0 => {}
        ..0 => all.push(ledger::dispute_withdrawn(disputed)?),
        _ => all.push(ledger::dispute_reinstated(disputed)?),
    }
    if moved.currency != dispute.currency && moved.disputed != 0 && moved.amount != 0 {
        all.push(ledger::exchange_out(Money::new(
            moved.disputed,
            dispute.currency,
        ))?);
        all.push(ledger::exchange_in(Money::new(moved.amount, moved.currency))?);
    }
    if moved.fee != 0 {
        all.push(ledger::dispute_fee(Money::new(moved.fee, moved.currency))?);
    }
    Ok(all)
}

/// A bank may take the whole of a payment of which a part was refunded before. It is booked as Stripe says,
/// and shown: more has left than was received. Whoever books a refund asks here too. What disputes hold is
/// noted with the payment, so that it is not refunded.
///
/// # Errors
/// When the database fails.
pub fn check_beyond(tx: &mut Tx, moment: Moment, payment: &Payment) -> Result<(), Failure> {
    let held = rows::held(tx, &payment.scope, &payment.id)?.held_minor.max(0);
    refunds::set_disputed(tx, &payment.scope, &payment.id, held)?;
    let received = Money::new(payment.received, payment.currency);
    let refunded = payments::refunded(tx, &payment.scope, &payment.id)?;
    let (scope, kind, id) = (&payment.scope, Kind::BeyondReceived, payment.id.as_str());
    match dispute::beyond(received, refunded, held) {
        Some(beyond) if payment.received > 0 => {
            let detail = format!(
                "of {received} that was received, refunds gave back {} and disputes hold {}: {beyond} more \
                 than that",
                Money::new(refunded, payment.currency),
                Money::new(held, payment.currency),
            );
            open_break(tx, moment, 27, Some(&scope.tenant), scope.mode, kind, id, &detail)?;
            Ok(reconciliation_breaks::restate(tx, scope, kind, id, &detail)?)
        }
        Some(_) | None => Ok(reconciliation_breaks::resolve(tx, scope, kind, id, moment.at)?),
    }
}

/// Reads a dispute again, and merges what it is now.
///
/// # Errors
/// When Stripe or the database does not answer.
pub async fn read_again(app: &App, due: &Dispute) -> Result<(), Failure> {
    let (later, scope, id) = (
        app.clock.now().plus_ms(CHECK_MS),
        due.scope.clone(),
        due.id.clone(),
    );
    app.db
        .write(move |tx| rows::check_later(tx, &scope, &id, later))
        .await?;
    refresh(app, &due.scope, &due.id).await?;
    // Whoever disputes one payment often disputes more, and an event may have been missed.
    let since_s = due.opened_at.seconds().saturating_sub(LIST_FROM_S);
    match list(app, due.scope.mode, &due.stripe_account_id, since_s).await {
        Err(Failure::AccountGone) => Ok(()),
        other => other,
    }
}

/// Reads an account's disputes since `since_s` (seconds since the epoch): what nobody told of is found here.
///
/// # Errors
/// When Stripe or the database does not answer.
pub async fn list(app: &App, mode: Mode, account: &str, since_s: i64) -> Result<(), Failure> {
    let (client, at) = (app.stripe(mode)?, AccountId::parse(account)?);
    let mut after: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let page = at_stripe::list_since(client, &at, since_s, after.as_deref(), PAGE).await?;
        after = page.data.last().map(|dispute| dispute.id.clone());
        for dispute in &page.data {
            let (facts, moment, account) = (DisputeFacts::of(dispute)?, app.moment(), account.to_owned());
            app.db
                .write(move |tx| take_in(tx, moment, mode, &account, &facts))
                .await?;
        }
        if !page.has_more {
            break;
        }
    }
    Ok(())
}

/// What a list says may be older than what is known: where it says otherwise, the dispute is read again.
fn take_in(
    tx: &mut Tx,
    moment: Moment,
    mode: Mode,
    account: &str,
    facts: &DisputeFacts,
) -> Result<(), Failure> {
    let Some(scope) = onboarding::tenant_of(tx, account, mode)? else {
        return Ok(());
    };
    let Some(payment) = disputed(tx, &scope, account, facts)? else {
        return keep_as_external(tx, moment, moment.at, &scope, account, facts);
    };
    if observe(tx, moment, &payment, facts, Evidence::Snapshot, "listed")? == Seen::Retrieve
        && let Some(known) = rows::by_stripe_id(tx, &scope, account, &facts.id)?
    {
        rows::check_now(tx, &scope, &known.id, moment.at)?;
    }
    Ok(())
}

/// Our payment that is disputed. Never by metadata, which the tenant can edit.
///
/// # Errors
/// When the database fails.
pub fn disputed(
    tx: &mut Tx,
    scope: &Scope,
    account: &str,
    facts: &DisputeFacts,
) -> Result<Option<Payment>, Failure> {
    if let Some(intent) = &facts.intent
        && let Some(payment) = payments::by_intent(tx, scope, account, intent)?
    {
        return Ok(Some(payment));
    }
    Ok(match &facts.charge {
        Some(charge) => payments::by_charge(tx, scope, account, charge)?,
        None => None,
    })
}

/// Stores a dispute of the tenant's own business as it was at `as_of`, unless something newer is known of it.
///
/// # Errors
/// When the database fails.
pub fn keep_as_external(
    tx: &mut Tx,
    moment: Moment,
    as_of: Timestamp,
    scope: &Scope,
    account: &str,
    facts: &DisputeFacts,
) -> Result<(), Failure> {
    let object = ExternalObject {
        scope,
        stripe_account_id: account,
        object_id: &facts.id,
        object_type: "dispute",
        status: Some(facts.standing.word().to_owned()),
        amount: Some(facts.amount),
        currency: Some(facts.currency.code().to_owned()),
        as_of,
    };
    Ok(external_objects::put(tx, &object, moment.at)?)
}

/// Retrieves a dispute and observes it. One on an account that gives us nothing any more stays as it is.
///
/// # Errors
/// When Stripe or the database does not answer.
pub async fn refresh(app: &App, scope: &Scope, id: &DisputeId) -> Result<(), Failure> {
    let (of, wanted) = (scope.clone(), id.clone());
    let before = app.db.read(move |tx| rows::get(tx, &of, &wanted)).await?;
    let Some(before) = before else { return Ok(()) };
    let account = AccountId::parse(&before.stripe_account_id)?;
    let client = app.stripe(scope.mode)?;
    let now = match at_stripe::retrieve(client, &account, &before.stripe_dispute_id).await {
        Ok(now) => now,
        Err(CallError::Rejected(rejection)) if rejection.is_account_gone() => {
            onboarding::refresh(app, &before.stripe_account_id, scope.mode).await?;
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let (facts, moment) = (DisputeFacts::of(&now)?, app.moment());
    app.db
        .write(move |tx| {
            let Some(row) = rows::get(tx, &before.scope, &before.id)? else {
                return Ok(());
            };
            let evidence = evidence_over(row.version, before.version);
            let payment = payment_of(tx, &row)?;
            let seen = observe(tx, moment, &payment, &facts, evidence, "retrieved")?;
            if seen == Seen::Retrieve {
                rows::check_now(tx, &row.scope, &row.id, moment.at)?;
            }
            Ok::<_, Failure>(())
        })
        .await
}

/// What was read at Stripe is newest only if nobody has written since before it was asked for.
pub fn evidence_over(now: i64, before: i64) -> Evidence {
    if now == before {
        Evidence::Current
    } else {
        Evidence::Snapshot
    }
}

fn payment_of(tx: &mut Tx, dispute: &Dispute) -> Result<Payment, Failure> {
    payments::get(tx, &dispute.scope, &dispute.payment_id)?
        .ok_or_else(|| Failure::Bug(format!("dispute {} has no payment", dispute.id)))
}

/// What is read again now, of all tenants.
///
/// # Errors
/// When the database fails.
pub fn due(tx: &mut Tx, at: Timestamp, limit: i64) -> Result<Vec<Dispute>, store::Error> {
    rows::due(tx, at, limit)
}

/// Whether what was lost waits for the MSP's word.
pub const fn waits_for_settlement(dispute: &Dispute) -> bool {
    matches!(dispute.settlement, Settlement::Undecided)
}
