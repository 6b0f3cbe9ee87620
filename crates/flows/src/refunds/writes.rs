//! The write that makes a refund: sent, settled, and found out by reading where its answer was lost for good.

use domain::payment::Evidence;
use domain::refund::Refused;
use domain::{Money, RefundId};
use store::Tx;
use store::payments::{self, Payment};
use store::refunds::{self, Refund};
use store::stripe_operations::{self as rows, Operation, Outcome, Status};
use stripe::{AccountId, refunds as api};

use super::seen::{self, RefundFacts};
use crate::operations::{
    self, Heard, LOOK_AGAIN_MS, NOT_LISTED, PAGES_MAX, keep, mark_unknown, read_outcome, succeeded,
};
use crate::{App, Failure, Moment, unreachable};

/// What a write came to, with its effects committed.
pub enum Ran {
    /// Stripe has the refund.
    Made,
    /// Stripe refused, and did nothing.
    Refused(Refused),
    /// Nobody knows. It is sent again, with the same key.
    Unknown,
}

/// Sends a noted write and commits what it came to.
///
/// # Errors
/// When there are no keys for its mode, or the row cannot be read.
pub async fn run(app: &App, operation: &Operation) -> Result<Ran, Failure> {
    let heard = operations::send(app, operation, stripe::Refund::parse).await?;
    match take_in(app, operation, heard).await {
        Err(failure @ (Failure::Store(_) | Failure::Unknown(_))) => {
            tracing::error!(operation = %operation.id, %failure, "what a refund came to is not known yet");
            Ok(Ran::Unknown)
        }
        other => other,
    }
}

async fn take_in(app: &App, operation: &Operation, heard: Heard<stripe::Refund>) -> Result<Ran, Failure> {
    match heard {
        Heard::Done(answer, refund) => {
            let outcome = succeeded(&answer, &refund.id);
            made(app, operation, outcome, RefundFacts::of(&refund)).await
        }
        Heard::Declined(decline) => {
            let failure = Refusing {
                status: 402,
                request_id: decline.request_id,
                code: decline.code,
                param: None,
            };
            refused(app, operation, failure).await
        }
        Heard::Rejected(rejection) => {
            let is_gone = rejection.is_account_gone();
            let failure = Refusing {
                status: i64::from(rejection.status),
                request_id: rejection.request_id.clone(),
                code: rejection.code.clone(),
                param: rejection.param.clone(),
            };
            let ran = refused(app, operation, failure).await?;
            if is_gone {
                gone(app, operation).await?;
            }
            Ok(ran)
        }
        Heard::Kept | Heard::Reused => by_reading(app, operation).await,
        Heard::Nothing(why) => {
            operations::unknown(app, operation, &why).await?;
            Ok(Ran::Unknown)
        }
    }
}

fn of(tx: &mut Tx, operation: &Operation) -> Result<(Refund, Payment), Failure> {
    let missing = || Failure::Bug(format!("operation {} is about no refund", operation.id));
    let id = RefundId::stored(operation.subject_id.clone().ok_or_else(missing)?);
    let refund = refunds::get(tx, &operation.scope, &id)?.ok_or_else(missing)?;
    let payment = payments::get(tx, &operation.scope, &refund.payment_id)?.ok_or_else(missing)?;
    Ok((refund, payment))
}

/// One transaction: the outcome on the write, its effects on the refund, its payment, the invoices and the
/// books.
async fn made(
    app: &App,
    operation: &Operation,
    outcome: Outcome,
    facts: RefundFacts,
) -> Result<Ran, Failure> {
    let (operation, moment) = (operation.clone(), app.moment());
    keep(app, move |tx| {
        rows::settle(tx, &operation.scope, &operation.id, &outcome, moment.at)?;
        let (refund, payment) = of(tx, &operation)?;
        let cause = format!("operation:{}", operation.id);
        let known = refunds::at_stripe(tx, &refund.scope, &refund.stripe_account_id, &facts.id)?;
        if known.is_some_and(|known| known.id != refund.id) {
            // It was seen before and nothing on it said whose it is: it is in the books already.
            let mut refund = refund;
            seen::reject(tx, &mut refund, moment, "recorded_before", &cause)?;
            return Ok(Ran::Made);
        }
        let current = Evidence::Current;
        seen::observe(tx, moment, &payment, Some(refund), &facts, current, &cause)?;
        Ok(Ran::Made)
    })
    .await
}

/// What Stripe said when it refused.
struct Refusing {
    status: i64,
    request_id: Option<String>,
    code: Option<String>,
    param: Option<String>,
}

impl Refusing {
    /// What is kept of it: Stripe's code, or the parameter that it complains of.
    fn kept(&self) -> String {
        match (&self.code, &self.param) {
            (Some(code), _) => code.clone(),
            (None, Some(param)) => format!("{PARAM}{param}"),
            (None, None) => "invalid_request_error".to_owned(),
        }
    }
}

/// What comes before a parameter's name, where Stripe has no code for its complaint.
const PARAM: &str = "parameter:";

/// Stripe refused for good: nothing is there, and nothing is reserved for it.
async fn refused(app: &App, operation: &Operation, said: Refusing) -> Result<Ran, Failure> {
    let kept = said.kept();
    tracing::warn!(operation = %operation.id, code = kept, status = said.status, "Stripe refused a refund");
    let outcome = Outcome {
        status: Status::Failed,
        http_status: Some(said.status),
        request_id: said.request_id,
        result_id: None,
        error: Some(kept.clone()),
    };
    let (operation, moment) = (operation.clone(), app.moment());
    let refused = keep(app, move |tx| {
        let (refund, payment) = end(tx, moment, &operation, &outcome, &kept)?;
        let refused = explain(&refund, &payment);
        if matches!(refused, Refused::TooMuch { .. } | Refused::NotAllHere { .. }) {
            // Somebody refunds in Stripe's dashboard: its refunds are read.
            payments::check_now(tx, &payment.scope, &payment.id, moment.at)?;
        }
        Ok::<_, Failure>(refused)
    });
    Ok(Ran::Refused(refused.await?))
}

fn end(
    tx: &mut Tx,
    moment: Moment,
    operation: &Operation,
    outcome: &Outcome,
    code: &str,
) -> Result<(Refund, Payment), Failure> {
    let first = rows::settle(tx, &operation.scope, &operation.id, outcome, moment.at)?;
    let (mut refund, _) = of(tx, operation)?;
    if first {
        let cause = format!("operation:{}", operation.id);
        seen::reject(tx, &mut refund, moment, code, &cause)?;
    }
    of(tx, operation)
}

fn explain(refund: &Refund, payment: &Payment) -> Refused {
    let left_minor = payment.standing().refundable();
    let left = Money::new(left_minor, payment.currency).to_string();
    match by_stripe(refund, left) {
        // There is enough left as far as is known here.
        Refused::TooMuch { left } if refund.amount <= left_minor => Refused::NotAllHere { left },
        refused => refused,
    }
}

fn by_stripe(refund: &Refund, left: String) -> Refused {
    match refund.failure_reason.as_deref() {
        Some(kept) => match kept.strip_prefix(PARAM) {
            Some(param) => Refused::by_stripe(None, Some(param), left),
            None => Refused::by_stripe(Some(kept), None, left),
        },
        None => Refused::by_stripe(None, None, left),
    }
}

/// Why a refund was rejected, as its request was told.
///
/// # Errors
/// When the database fails.
pub async fn why(app: &App, refund: &Refund) -> Result<Refused, Failure> {
    let (scope, id) = (refund.scope.clone(), refund.payment_id.clone());
    let payment = app.db.read(move |tx| payments::get(tx, &scope, &id)).await?;
    let payment = payment.ok_or_else(|| Failure::Bug(format!("refund {} has no payment", refund.id)))?;
    Ok(explain(refund, &payment))
}

async fn gone(app: &App, operation: &Operation) -> Result<(), Failure> {
    let (of_operation, at) = (operation.clone(), operation.first_sent_at);
    let (_, payment) = app.db.read(move |tx| of(tx, &of_operation)).await?;
    unreachable::payment(app, &payment, at).await
}

/// Finds out without writing what a refund's write came to: by its id, or by the write's in the list of the
/// payment's refunds.
///
/// # Errors
/// When Stripe or the database does not answer; the row stays open.
pub async fn by_reading(app: &App, operation: &Operation) -> Result<Ran, Failure> {
    match found_out(app, operation).await {
        Err(Failure::AccountGone) => {
            let failure = Refusing {
                status: 403,
                request_id: None,
                code: Some("account_invalid".to_owned()),
                param: None,
            };
            let ran = refused(app, operation, failure).await?;
            gone(app, operation).await?;
            Ok(ran)
        }
        other => other,
    }
}

async fn found_out(app: &App, operation: &Operation) -> Result<Ran, Failure> {
    let of_operation = operation.clone();
    let (refund, payment) = app.db.read(move |tx| of(tx, &of_operation)).await?;
    let client = app.stripe(operation.scope.mode)?;
    let account = AccountId::parse(&operation.stripe_account_id)?;
    let found = match &refund.stripe_refund_id {
        Some(id) => Some(api::retrieve(client, &account, id).await?),
        None => listed(client, &account, &payment, operation).await?,
    };
    if let Some(found) = found {
        let outcome = read_outcome(Status::Succeeded, Some(&found.id));
        return made(app, operation, outcome, RefundFacts::of(&found)).await;
    }
    let moment = app.moment();
    if operation.last_error.as_deref() != Some(NOT_LISTED) {
        mark_unknown(app, operation, NOT_LISTED, moment.at.plus_ms(LOOK_AGAIN_MS)).await?;
        return Ok(Ran::Unknown);
    }
    let (operation, outcome) = (operation.clone(), read_outcome(Status::Absent, None));
    let refused = keep(app, move |tx| {
        let (refund, payment) = end(tx, moment, &operation, &outcome, "not_made")?;
        Ok::<_, Failure>(explain(&refund, &payment))
    });
    Ok(Ran::Refused(refused.await?))
}

async fn listed(
    client: &stripe::Client,
    account: &AccountId,
    payment: &Payment,
    operation: &Operation,
) -> Result<Option<stripe::Refund>, Failure> {
    let intent = payment.intent_id.as_deref().unwrap_or_default();
    let mut after: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let page = api::list(client, account, intent, after.as_deref()).await?;
        let is_ours = |refund: &&stripe::Refund| {
            refund.metadata.get("op_id").map(String::as_str) == Some(operation.id.as_str())
        };
        if let Some(refund) = page.data.iter().find(is_ours) {
            return Ok(Some(refund.clone()));
        }
        after = page.data.last().map(|refund| refund.id.clone());
        if !page.has_more || after.is_none() {
            return Ok(None);
        }
    }
    Err(Failure::Unknown(
        "the payment has too many refunds to look through".to_owned(),
    ))
}
