//! What a write came to, found out without writing: where Stripe keeps a failure under the key, or may have
//! forgotten the key, sending it again tells nothing. Retrieve and list only, never Stripe's search, which
//! lags.

use domain::payment::IntentStatus;
use domain::payment::adoption::PayKey;
use store::payments;
use store::stripe_operations::{Kind, Operation, Status};
use stripe::{AccountId, Client, PaymentIntent, payment_intents};

use super::{Effect, Ran, account_gone, mark_unknown, read_outcome, settle};
use crate::observe::IntentFacts;
use crate::{App, Failure, Moment};

/// Lists lag behind writes a little: an object that is in no list now is looked for once more after this.
pub const LOOK_AGAIN_MS: i64 = 10 * 60 * 1000;
/// What the row says between the two looks.
pub const NOT_LISTED: &str = "Stripe's list does not have it; it is looked for once more";
/// Clocks differ: the list begins so much before the write was sent.
pub const LIST_FROM_MS: i64 = 5 * 60 * 1000;
/// How far back an earlier write under the same key may lie: Stripe keeps keys for a day, or a little longer.
const EARLIER_MS: i64 = 3 * 24 * 60 * 60 * 1000;
/// Pages of 100 objects; where there are more in the time in question it is left to a person.
pub const PAGES_MAX: usize = 50;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sought {
    /// What this very write came to.
    Answer,
    /// What an earlier write under the same key came to, which the database does not know.
    Earlier,
}

/// Settles a write by what Stripe has.
///
/// # Errors
/// When Stripe or the database does not answer; the row stays open.
pub async fn by_reading(app: &App, operation: &Operation, sought: Sought) -> Result<Ran, Failure> {
    match found_out(app, operation, sought).await {
        Err(Failure::AccountGone) => account_gone(app, operation).await,
        other => other,
    }
}

async fn found_out(app: &App, operation: &Operation, sought: Sought) -> Result<Ran, Failure> {
    let client = app.stripe(operation.scope.mode)?;
    let (scope, id) = (operation.scope.clone(), operation.payment_id.clone());
    let payment = app.db.read(move |tx| match &id {
        Some(id) => payments::get(tx, &scope, id),
        None => Ok(None),
    });
    let payment = payment.await?;
    let account = &AccountId::parse(&operation.stripe_account_id)?;
    let found = match payment.and_then(|payment| payment.intent_id) {
        Some(intent) => Some(payment_intents::retrieve(client, account, &intent).await?),
        None => match (listed(client, operation).await?, sought) {
            (None, Sought::Earlier) => earlier(app, client, operation).await?,
            (found, _) => found,
        },
    };
    let moment = app.moment();
    match found {
        Some(intent) => settle_as(app, operation, moment, &intent).await,
        None if operation.last_error.as_deref() == Some(NOT_LISTED) => absent(app, operation, moment).await,
        None => {
            mark_unknown(app, operation, NOT_LISTED, moment.at.plus_ms(LOOK_AGAIN_MS)).await?;
            Ok(Ran::Unknown)
        }
    }
}

/// The intent of a create, by the operation's id in its metadata. That we wrote ourselves; a tenant who
/// changes it only hides the intent from this search, and the events still find it by its key.
async fn listed(client: &Client, operation: &Operation) -> Result<Option<PaymentIntent>, Failure> {
    let since = operation.first_sent_at.plus_ms(-LIST_FROM_MS).seconds();
    let mut after: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let account = &AccountId::parse(&operation.stripe_account_id)?;
        let page = payment_intents::list(client, account, since, after.as_deref(), 100).await?;
        let ours = |intent: &&PaymentIntent| {
            intent
                .metadata
                .get("op_id")
                .is_some_and(|op_id| op_id == operation.id.as_str())
        };
        if let Some(intent) = page.data.iter().find(ours) {
            return Ok(Some(intent.clone()));
        }
        after = page.data.last().map(|intent| intent.id.clone());
        if !page.has_more || after.is_none() {
            return Ok(None);
        }
    }
    Err(Failure::Unknown(
        "the account has too many intents to look through".to_owned(),
    ))
}

/// The intent that an earlier write under the key of a create has made. That there is one Stripe has said
/// itself; its metadata only tells which, of those that no payment knows.
async fn earlier(
    app: &App,
    client: &Client,
    operation: &Operation,
) -> Result<Option<PaymentIntent>, Failure> {
    let Some(key) =
        PayKey::parse(&operation.idempotency_key).filter(|_| operation.kind == Kind::CreateIntent)
    else {
        return Ok(None);
    };
    let since = operation.first_sent_at.plus_ms(-EARLIER_MS).seconds();
    let account = AccountId::parse(&operation.stripe_account_id)?;
    let mut canceled = None;
    let mut after: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let page = payment_intents::list(client, &account, since, after.as_deref(), 100).await?;
        after = page.data.last().map(|intent| intent.id.clone());
        let ours = |intent: &PaymentIntent| {
            let named = |name: &str| intent.metadata.get(name).map(String::as_str);
            named("invoice_id") == Some(key.invoice.as_str()) && named("op_id").is_some()
        };
        for intent in page.data.into_iter().filter(ours) {
            if is_known(app, operation, &intent.id).await? {
                continue;
            }
            if intent.status.as_str() != IntentStatus::Canceled.word() {
                return Ok(Some(intent));
            }
            canceled.get_or_insert(intent);
        }
        if !page.has_more || after.is_none() {
            return Ok(canceled);
        }
    }
    Err(Failure::Unknown(
        "the account has too many intents to look through".to_owned(),
    ))
}

async fn is_known(app: &App, operation: &Operation, intent: &str) -> Result<bool, Failure> {
    let (scope, account) = (operation.scope.clone(), operation.stripe_account_id.clone());
    let intent = intent.to_owned();
    let known = app
        .db
        .read(move |tx| payments::by_intent(tx, &scope, &account, &intent));
    Ok(known.await?.is_some())
}

async fn settle_as(
    app: &App,
    operation: &Operation,
    moment: Moment,
    intent: &PaymentIntent,
) -> Result<Ran, Failure> {
    let facts = IntentFacts::of(intent);
    let Some(reached) = facts.status else {
        return Ok(Ran::Unknown);
    };
    let happened = match operation.kind {
        Kind::CreateIntent => true,
        Kind::ConfirmIntent => !matches!(
            reached,
            IntentStatus::RequiresPaymentMethod | IntentStatus::RequiresConfirmation
        ),
        Kind::CancelIntent => reached == IntentStatus::Canceled,
        Kind::CreateAccount
        | Kind::RegisterDomain
        | Kind::ExchangeCode
        | Kind::Deauthorize
        | Kind::SubmitEvidence
        | Kind::UploadFile
        | Kind::CloseDispute
        | Kind::CreateRefund
        | Kind::CreateFeeRefund => false,
    };
    let status = if happened {
        Status::Succeeded
    } else {
        Status::Absent
    };
    settle(
        app,
        operation,
        moment,
        read_outcome(status, Some(&intent.id)),
        Effect::Observe(facts),
    )
    .await?;
    if happened {
        Ok(Ran::Done {
            status: reached,
            client_secret: intent.client_secret.clone(),
        })
    } else {
        Ok(Ran::Overtaken)
    }
}

async fn absent(app: &App, operation: &Operation, moment: Moment) -> Result<Ran, Failure> {
    settle(
        app,
        operation,
        moment,
        read_outcome(Status::Absent, None),
        Effect::NothingThere,
    )
    .await?;
    Ok(Ran::Overtaken)
}
