//! The platform's fee that goes back with a refund: once, after the refund has succeeded, by a write of its
//! own whose amount is our own arithmetic. What Stripe reports of fee refunds, also of those that the
//! operator makes in Stripe's dashboard, is booked in the tenant's books and in the platform's.

use domain::refund::fee_back;
use domain::{Currency, LedgerTransactionId, Mode, Money, OperationId, RefundId, Scope, TenantId, ledger};
use store::ledger::Posting;
use store::payments::{self, Payment};
use store::reconciliation_breaks::Kind as Break;
use store::refunds::{self, FeeStatus, Refund};
use store::stripe_operations::{self as rows, Kind, Operation, Outcome, Status};
use store::{Tx, application_fees};
use stripe::{ApplicationFee, CallError, FeeRefund, fee_refunds as api};

use super::seen::store_changed;
use crate::observe::{next_check, open_break};
use crate::operations::{
    self, Heard, Intent, LOOK_AGAIN_MS, NOT_LISTED, PAGES_MAX, keep, mark_unknown, read_outcome, succeeded,
};
use crate::planted::{self, Bug};
use crate::{App, Failure, Moment, balance};

/// So long a fee that was taken and that nobody has reported is looked for; it is there within seconds.
const WAIT_MS_MAX: i64 = 3 * 24 * 60 * 60 * 1000;

/// Notes the write that gives a refund's part of the fee back, when its time has come: the refund has
/// succeeded, the fee is known, and no other write of the refund is open. Otherwise the reconciler comes back
/// to it.
///
/// # Errors
/// When the database fails.
pub fn give_back(
    tx: &mut Tx,
    moment: Moment,
    payment: &Payment,
    refund: &mut Refund,
    cause: &str,
) -> Result<(), Failure> {
    let again = planted::is(Bug::FeeRefundTwice)
        && refund.fee_status == FeeStatus::Returned
        && cause.starts_with("event:");
    if !refund.status.is_refunded() || !(refund.fee_status == FeeStatus::Due || again) {
        return Ok(());
    }
    if payment.application_fee.unwrap_or_default() == 0 {
        refund.fee_status = FeeStatus::Kept;
        return Ok(());
    }
    let fee = application_fees::of_payment(tx, &payment.scope, &payment.id)?;
    let open = rows::open_of_subject(tx, &refund.scope, refund.id.as_str())?;
    let fee_is_known = fee.is_some();
    let (Some(fee), None) = (fee, open) else {
        return wait(tx, moment, refund, fee_is_known);
    };
    let shares = refunds::fee_shares(tx, &payment.scope, &payment.id)?;
    let with_fee = shares.with_fee.saturating_add(refund.amount);
    let due = fee_back(fee.amount.minor(), payment.received, with_fee, shares.so_far);
    // What somebody else gave back at Stripe cannot go back once more.
    let left = fee.amount.minor().saturating_sub(fee.refunded.max(shares.so_far));
    refund.fee_amount = due.min(left.max(0));
    refund.next_check_at = None;
    if refund.fee_amount == 0 {
        refund.fee_status = FeeStatus::Returned;
        return Ok(());
    }
    refund.fee_status = FeeStatus::Sent;
    note(tx, moment, refund, &fee.id, again)
}

/// The reconciler comes back at once, and then less and less. After three days without the fee a person is
/// told, and only its event has it looked at again.
fn wait(tx: &mut Tx, moment: Moment, refund: &mut Refund, fee_is_known: bool) -> Result<(), Failure> {
    let since = refund.succeeded_at.unwrap_or(refund.created_at);
    let age_ms = moment.at.ms().saturating_sub(since.ms());
    if age_ms <= 0 {
        refund.next_check_at = Some(moment.at);
        return Ok(());
    }
    if fee_is_known || age_ms < WAIT_MS_MAX {
        refund.next_check_at = Some(next_check(since, moment.at));
        return Ok(());
    }
    refund.next_check_at = None;
    let detail = format!(
        "of the platform's fee a part was to go back with a refund of {}, and Stripe has reported no such \
         fee for three days: nothing of it was given back",
        refund.money()
    );
    let (tenant, mode) = (Some(&refund.scope.tenant), refund.scope.mode);
    let subject = refund.id.as_str();
    open_break(
        tx,
        moment,
        48,
        tenant,
        mode,
        Break::FeeNotReported,
        subject,
        &detail,
    )
}

/// Whoever comes first sends it: the request that asked for it, or the reconciler.
fn note(tx: &mut Tx, moment: Moment, refund: &Refund, fee: &str, again: bool) -> Result<(), Failure> {
    let id = OperationId::new(moment.at, moment.random(46));
    let mut key = format!("refund:{}:{}:fee", refund.scope.tenant, refund.id);
    if again {
        key = format!("{key}:{id}");
    }
    let metadata = [
        ("op_id".to_owned(), id.as_str().to_owned()),
        ("refund_id".to_owned(), refund.id.as_str().to_owned()),
    ];
    let intent = Intent {
        kind: Kind::CreateFeeRefund,
        write: api::create(fee, refund.fee_amount, &metadata, key),
    };
    let (subject, at) = (refund.id.as_str(), moment.at);
    operations::note_about(tx, &refund.scope, subject, id, intent, at, at)?;
    Ok(())
}

/// Sends a noted write and commits what it came to. Answers whether that is known.
///
/// # Errors
/// When there are no keys for its mode, or the database fails.
pub async fn run(app: &App, operation: &Operation) -> Result<bool, Failure> {
    match operations::send(app, operation, FeeRefund::parse).await? {
        Heard::Done(answer, made) => {
            let outcome = succeeded(&answer, &made.id);
            settle(app, operation, outcome, Some(made)).await
        }
        Heard::Declined(decline) => refused(app, operation, 402, decline.request_id, decline.code).await,
        Heard::Rejected(rejection) => {
            let code = rejection.code.clone().or_else(|| rejection.param.clone());
            let status = i64::from(rejection.status);
            refused(app, operation, status, rejection.request_id.clone(), code).await
        }
        Heard::Kept | Heard::Reused => by_reading(app, operation).await,
        Heard::Nothing(why) => {
            operations::unknown(app, operation, &why).await?;
            Ok(false)
        }
    }
}

async fn refused(
    app: &App,
    operation: &Operation,
    status: i64,
    request_id: Option<String>,
    code: Option<String>,
) -> Result<bool, Failure> {
    let outcome = Outcome {
        status: Status::Failed,
        http_status: Some(status),
        request_id,
        result_id: None,
        error: Some(code.unwrap_or_else(|| "invalid_request_error".to_owned())),
    };
    settle(app, operation, outcome, None).await
}

/// One transaction: the outcome on the write, the fee's part on the refund, and the books of both.
async fn settle(
    app: &App,
    operation: &Operation,
    outcome: Outcome,
    made: Option<FeeRefund>,
) -> Result<bool, Failure> {
    let (operation, moment) = (operation.clone(), app.moment());
    keep(app, move |tx| {
        let first = rows::settle(tx, &operation.scope, &operation.id, &outcome, moment.at)?;
        let (mut refund, payment) = of(tx, &operation)?;
        let before = refund.clone();
        match &made {
            Some(made) => {
                let scope = &operation.scope;
                book(tx, moment, scope, made, Some(&payment), 0)?;
                application_fees::add_up(tx, scope, &made.fee)?;
                refund.stripe_fee_refund_id.get_or_insert_with(|| made.id.clone());
                refund.fee_status = FeeStatus::Returned;
            }
            None if first => {
                refund.fee_status = FeeStatus::Refused;
                see_refused(tx, moment, &refund, outcome.error.as_deref())?;
                refund.fee_amount = 0;
            }
            None => {}
        }
        let cause = format!("operation:{}", operation.id);
        store_changed(tx, moment, &before, &mut refund, &cause)?;
        Ok(true)
    })
    .await
}

fn see_refused(tx: &mut Tx, moment: Moment, refund: &Refund, why: Option<&str>) -> Result<(), Failure> {
    let detail = format!(
        "Stripe refused to give back {} of the platform's fee for a refund ({})",
        Money::new(refund.fee_amount, refund.currency),
        why.unwrap_or("no reason given")
    );
    let (tenant, mode) = (Some(&refund.scope.tenant), refund.scope.mode);
    let subject = refund.id.as_str();
    open_break(
        tx,
        moment,
        47,
        tenant,
        mode,
        Break::FeeRefundRefused,
        subject,
        &detail,
    )
}

fn of(tx: &mut Tx, operation: &Operation) -> Result<(Refund, Payment), Failure> {
    let missing = || Failure::Bug(format!("operation {} is about no refund", operation.id));
    let id = RefundId::stored(operation.subject_id.clone().ok_or_else(missing)?);
    let refund = refunds::get(tx, &operation.scope, &id)?.ok_or_else(missing)?;
    let payment = payments::get(tx, &operation.scope, &refund.payment_id)?.ok_or_else(missing)?;
    Ok((refund, payment))
}

/// Finds out without writing whether a part of a fee went back, by the write's id in the fee's list.
///
/// # Errors
/// When Stripe or the database does not answer; the row stays open.
pub async fn by_reading(app: &App, operation: &Operation) -> Result<bool, Failure> {
    let of_operation = operation.clone();
    let found = app.db.read(move |tx| {
        let (_, payment) = of(tx, &of_operation)?;
        let fee = application_fees::of_payment(tx, &payment.scope, &payment.id)?;
        Ok::<_, Failure>(fee)
    });
    let fee = found
        .await?
        .ok_or_else(|| Failure::Bug(format!("operation {} is about no fee", operation.id)))?;
    let all = all_of(app, operation.scope.mode, &fee.id).await?;
    let is_ours =
        |refund: &FeeRefund| refund.metadata.get("op_id").map(String::as_str) == Some(operation.id.as_str());
    if let Some(made) = all.into_iter().find(is_ours) {
        let outcome = read_outcome(Status::Succeeded, Some(&made.id));
        return settle(app, operation, outcome, Some(made)).await;
    }
    if operation.last_error.as_deref() == Some(NOT_LISTED) {
        return settle(app, operation, read_outcome(Status::Absent, None), None).await;
    }
    let later = app.clock.now().plus_ms(LOOK_AGAIN_MS);
    mark_unknown(app, operation, NOT_LISTED, later).await?;
    Ok(false)
}

async fn all_of(app: &App, mode: Mode, fee: &str) -> Result<Vec<FeeRefund>, Failure> {
    let client = app.stripe(mode)?;
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let page = match api::list(client, fee, after.as_deref()).await {
            // Of a fee that is not there nothing went back.
            Err(CallError::Rejected(rejection)) if rejection.is_missing() => return Ok(Vec::new()),
            page => page?,
        };
        after = page.data.last().map(|refund| refund.id.clone());
        all.extend(page.data);
        if !page.has_more || after.is_none() {
            return Ok(all);
        }
    }
    Err(Failure::Unknown("the fee has too many refunds".to_owned()))
}

/// The fee with all that was given back of it: Stripe shows ten within a fee, and lists the others.
///
/// # Errors
/// When Stripe does not answer.
pub async fn complete(app: &App, mode: Mode, mut fee: ApplicationFee) -> Result<ApplicationFee, Failure> {
    if fee.lacks_refunds() {
        fee.refunds = all_of(app, mode, &fee.id).await?;
    }
    Ok(fee)
}

/// Books what a reported fee says was given back of it, each once.
///
/// # Errors
/// When the database fails.
pub fn book_reported(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    fee: &ApplicationFee,
    payment: Option<&Payment>,
) -> Result<(), Failure> {
    for (nth, refund) in (0_u32..).zip(&fee.refunds) {
        book(tx, moment, scope, refund, payment, nth)?;
    }
    application_fees::add_up(tx, scope, &fee.id)?;
    Ok(())
}

/// What was reported of a payment's fee before the payment was known to be its own.
///
/// # Errors
/// When the database fails.
pub fn book_linked(tx: &mut Tx, moment: Moment, payment: &Payment) -> Result<(), Failure> {
    let known = application_fees::refunds_of(tx, &payment.scope, &payment.id)?;
    for (nth, (id, amount)) in (0_u32..).zip(&known) {
        let transaction = ledger::application_fee_refund(*amount)?;
        post(
            tx,
            moment,
            &payment.scope,
            Some(payment),
            id,
            200_u32.saturating_add(nth),
            &transaction,
        )?;
    }
    Ok(())
}

/// The tenant's account gets it, and the platform's gives it. Of what others sold on the account it is within
/// their own sums.
fn book(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    refund: &FeeRefund,
    payment: Option<&Payment>,
    nth: u32,
) -> Result<(), Failure> {
    let currency = Currency::parse(&refund.currency).map_err(|_| {
        Failure::Bug(format!(
            "{} is in the unknown currency {}",
            refund.id, refund.currency
        ))
    })?;
    let amount = Money::new(refund.amount, currency);
    application_fees::put_refund(tx, scope, &refund.fee, &refund.id, amount, moment.at)?;
    let platform = Scope {
        tenant: TenantId::platform(),
        mode: scope.mode,
    };
    let number = nth.saturating_mul(2).saturating_add(100);
    if payment.is_some() {
        let transaction = ledger::application_fee_refund(amount)?;
        post(tx, moment, scope, payment, &refund.id, number, &transaction)?;
    }
    let (income, number) = (
        ledger::application_fee_refund_income(amount)?,
        number.saturating_add(1),
    );
    post(tx, moment, &platform, payment, &refund.id, number, &income)?;
    let of = payment.map(|payment| &payment.id);
    let of_payment = payment.map(|_| scope);
    let moments = (0_u32..).map(|which| {
        // Each makes ids of its own: several parts may be reported at once.
        let random = nth.saturating_mul(4).saturating_add(10_000).saturating_add(which);
        Moment::new(moment.at, moment.random(random))
    });
    let books = [Some(&platform), of_payment].into_iter().flatten();
    let told = books.flat_map(|books| [(books, &refund.id), (books, &refund.fee)]);
    for (own, (books, of_what)) in moments.zip(told) {
        balance::share_after_all(tx, own, books, of_what, of)?;
    }
    Ok(())
}

fn post(
    tx: &mut Tx,
    moment: Moment,
    books: &Scope,
    payment: Option<&Payment>,
    source_id: &str,
    number: u32,
    transaction: &ledger::Transaction,
) -> Result<(), Failure> {
    let posting = Posting {
        scope: books,
        id: LedgerTransactionId::new(moment.at, moment.random(number)),
        source_id,
        invoice_id: payment.map(|payment| &payment.invoice_id),
        payment_id: payment.map(|payment| &payment.id),
        reverses: None,
        at: moment.at,
    };
    store::ledger::post(tx, &posting, transaction)?;
    Ok(())
}
