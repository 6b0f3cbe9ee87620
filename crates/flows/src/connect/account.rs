//! Making a tenant's account at Stripe, once: the write is noted under a key that says what is done, and
//! whoever asks again, or the reconciler, finds out what it came to.

use domain::{Held, OperationId, Refusal, Scope};
use store::Tx;
use store::reconciliation_breaks::Kind as BreakKind;
use store::stripe_config::{self, Origin, StripeConfig};
use store::stripe_operations::{self as rows, Kind, Operation, Outcome, Status};
use stripe::accounts::{self, Create};
use stripe::{Account, AccountId, Client, Rejection};

use crate::audit::{self, Entry};
use crate::operations::{self, Heard, Intent, LIST_FROM_MS, LOOK_AGAIN_MS, NOT_LISTED, PAGES_MAX, Resolved};
use crate::{Actor, App, By, Failure, Moment, observe, onboarding, tenants};

/// A look at what is there, a write, and a last look.
const STEPS_MAX: usize = 3;

/// What the tenant tells us, so that its owner need not say it again at Stripe. Never a bank detail.
#[derive(Clone, Debug, Default)]
pub struct NewAccount {
    /// Upper-case ISO code; Stripe takes the platform's own without one.
    pub country: Option<String>,
    /// The owner's address.
    pub email: Option<String>,
    /// `individual`, `company`, `non_profit` or `government_entity`.
    pub business_type: Option<String>,
    /// The name that payers know.
    pub business_name: Option<String>,
    /// The business's web site.
    pub business_url: Option<String>,
}

/// What came of asking for an account.
#[derive(Clone, Debug)]
pub enum Creation {
    /// It was made now.
    Made(Box<StripeConfig>),
    /// It was there before.
    There(Box<StripeConfig>),
    /// Stripe has not said; it is being found out, and asking again does not make a second one.
    InDoubt,
}

/// Makes the tenant's account, or answers the one that it has, which is connected again if it was not.
///
/// # Errors
/// [`Refusal::AccountConnected`] when the tenant has an account that we did not make;
/// [`Refusal::AccountRefused`] when Stripe refuses what it was told; those of [`tenants::new_work`].
pub async fn create(app: &App, scope: &Scope, by: &By, new: &NewAccount) -> Result<Creation, Failure> {
    let mut asked = false;
    for _ in 0..STEPS_MAX {
        match next_step(app, scope, by, new, asked).await? {
            Next::There(config) if asked => return Ok(Creation::Made(config)),
            Next::There(config) => return Ok(Creation::There(config)),
            Next::Send(operation) => {
                asked = true;
                match run(app, &operation).await? {
                    Made::Yes => {}
                    Made::Refused(refusal) => return Err(refusal.into()),
                    Made::Unknown | Made::Absent => return Ok(Creation::InDoubt),
                }
            }
            Next::FindOut(operation) => match operations::take_up(app, &operation).await? {
                Some(Resolved::Settled) => {}
                Some(Resolved::Open) | None => return Ok(Creation::InDoubt),
            },
            Next::Refused(refusal) => return Err(refusal.into()),
            Next::InDoubt => return Ok(Creation::InDoubt),
        }
    }
    Ok(Creation::InDoubt)
}

enum Next {
    There(Box<StripeConfig>),
    Send(Box<Operation>),
    FindOut(Box<Operation>),
    Refused(Refusal),
    InDoubt,
}

async fn next_step(
    app: &App,
    scope: &Scope,
    by: &By,
    new: &NewAccount,
    asked: bool,
) -> Result<Next, Failure> {
    let (scope, by, new, moment) = (scope.clone(), by.clone(), new.clone(), app.moment());
    let step = app.db.write(move |tx| {
        if !asked {
            tenants::new_work(tx, &scope)?;
        }
        match stripe_config::get(tx, &scope)? {
            Some(config) if config.origin == Origin::Created => {
                let account = &config.stripe_account_id;
                onboarding::connect_again(tx, &scope, &by, account, Origin::Created, moment)?;
                let config = stripe_config::get(tx, &scope)?.unwrap_or(config);
                return Ok(Next::There(Box::new(config)));
            }
            Some(_) => {
                let held = Held::OwnersOwn;
                return Ok(Next::Refused(Refusal::AccountConnected { held }));
            }
            None => {}
        }
        match rows::newest_of_kind(tx, &scope, Kind::CreateAccount)? {
            Some(newest) if newest.status.is_open() => Ok(Next::FindOut(Box::new(newest))),
            // Made, but the tenant had connected another one meanwhile; or refused just now.
            Some(_) if asked => {
                let held = Held::Connected;
                Ok(Next::Refused(Refusal::AccountConnected { held }))
            }
            Some(_) | None => Ok(Next::Send(Box::new(note(tx, &scope, &by, &new, moment)?))),
        }
    });
    match step.await {
        // Somebody asks at the same moment: theirs counts.
        Err(Failure::Store(store::Error::Unique { constraint })) if constraint == "stripe_operations_key" => {
            Ok(Next::InDoubt)
        }
        other => other,
    }
}

fn note(tx: &mut Tx, scope: &Scope, by: &By, new: &NewAccount, moment: Moment) -> Result<Operation, Failure> {
    let number = rows::count_of_kind(tx, scope, Kind::CreateAccount)?.saturating_add(1);
    let id = OperationId::new(moment.at, moment.random(1));
    let key = format!("connect:{}:{}:account:{number}", scope.tenant, scope.mode.word());
    let named = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let create = Create {
        country: new.country.as_deref(),
        email: new.email.as_deref(),
        business_type: new.business_type.as_deref(),
        business_name: new.business_name.as_deref(),
        business_url: new.business_url.as_deref(),
        metadata: vec![
            named("op_id", id.as_str()),
            named("tenant_id", scope.tenant.as_str()),
        ],
    };
    let intent = Intent {
        kind: Kind::CreateAccount,
        write: accounts::create(&create, key),
    };
    let entry = Entry {
        action: "account.requested",
        subject: id.as_str(),
        before: None,
        after: Some(serde_json::json!({"country": new.country, "name": new.business_name}).to_string()),
    };
    audit::note(tx, Some(scope), by, moment, &entry)?;
    operations::note(tx, scope, None, id, intent, moment.at)
}

/// What a noted creation came to.
#[derive(Clone, Debug)]
pub enum Made {
    /// The account is there, and it is the tenant's.
    Yes,
    /// Stripe refused.
    Refused(Refusal),
    /// It was never made; asking again makes it.
    Absent,
    /// Nobody knows.
    Unknown,
}

/// Sends a noted creation and commits what it came to.
///
/// # Errors
/// When there are no keys for its mode, or the database fails before it is sent.
pub async fn run(app: &App, operation: &Operation) -> Result<Made, Failure> {
    match operations::send(app, operation, Account::parse).await? {
        Heard::Done(answer, account) => {
            let outcome = operations::succeeded(&answer, account.id.as_str());
            settle_or_leave(app, operation, outcome, account).await
        }
        Heard::Declined(decline) => refused(app, operation, 402, decline.request_id, decline.code).await,
        Heard::Rejected(rejection) => {
            let code = Some(complaint(&rejection));
            refused(app, operation, rejection.status, rejection.request_id, code).await
        }
        Heard::Kept | Heard::Reused => by_reading(app, operation).await,
        Heard::Nothing(why) => {
            operations::unknown(app, operation, &why).await?;
            Ok(Made::Unknown)
        }
    }
}

/// What Stripe complains of: the parameter that it names, else its code.
fn complaint(rejection: &Rejection) -> String {
    let code = rejection.code.as_deref().unwrap_or(&rejection.type_);
    match &rejection.param {
        Some(param) => format!("{code}: {param}"),
        None => code.to_owned(),
    }
}

/// If what was heard cannot be committed, the row stays open and is replayed.
async fn settle_or_leave(
    app: &App,
    operation: &Operation,
    outcome: Outcome,
    account: Account,
) -> Result<Made, Failure> {
    match settle(app, operation, outcome, account).await {
        Ok(()) => Ok(Made::Yes),
        Err(failure @ (Failure::Store(_) | Failure::Unknown(_))) => {
            tracing::error!(operation = %operation.id, %failure, "an account was made and is not stored yet");
            Ok(Made::Unknown)
        }
        Err(failure) => Err(failure),
    }
}

/// One transaction: the outcome, and the account as the tenant's. Where the tenant has connected another one
/// meanwhile, this one stays unused, and a person is told.
async fn settle(app: &App, operation: &Operation, outcome: Outcome, account: Account) -> Result<(), Failure> {
    let (moment, operation, domain) = (app.moment(), operation.clone(), app.wallet_domain.clone());
    let (id, by) = (account.id.to_string(), By::new(Actor::Stripe));
    let mode = operation.scope.mode;
    app.db
        .write(move |tx| {
            let Operation { scope, id, .. } = &operation;
            rows::settle(tx, scope, id, &outcome, moment.at)?;
            let kept = onboarding::keep(
                tx,
                scope,
                &by,
                &account,
                Origin::Created,
                domain.as_deref(),
                moment,
            )?;
            if !kept {
                let account = account.id.as_str();
                let detail = format!("{account} was made for a tenant that has connected another account");
                let (tenant, mode) = (Some(&scope.tenant), scope.mode);
                observe::open_break(
                    tx,
                    moment,
                    0,
                    tenant,
                    mode,
                    BreakKind::AccountNotUsed,
                    account,
                    &detail,
                )?;
            }
            Ok::<_, Failure>(())
        })
        .await?;
    // The answer may be one that Stripe kept, and hours old.
    if let Err(failure) = onboarding::refresh(app, &id, mode).await {
        tracing::warn!(%failure, "a new account could not be read yet; its events say what it is");
    }
    Ok(())
}

async fn refused(
    app: &App,
    operation: &Operation,
    status: u16,
    request_id: Option<String>,
    code: Option<String>,
) -> Result<Made, Failure> {
    let code = code.unwrap_or_default();
    tracing::warn!(operation = %operation.id, code, status, "Stripe refused to make an account");
    let outcome = Outcome {
        status: Status::Failed,
        http_status: Some(i64::from(status)),
        request_id,
        result_id: None,
        error: Some(code.clone()),
    };
    let (operation, at) = (operation.clone(), app.clock.now());
    app.db
        .write(move |tx| rows::settle(tx, &operation.scope, &operation.id, &outcome, at))
        .await?;
    Ok(Made::Refused(Refusal::AccountRefused { code }))
}

/// Finds out without writing whether the account was made: it carries the operation's id, which we wrote
/// ourselves. What is in no list now is looked for once more, for lists lag behind.
///
/// # Errors
/// When Stripe or the database does not answer; the row stays open.
pub async fn by_reading(app: &App, operation: &Operation) -> Result<Made, Failure> {
    let found = listed(app.stripe(operation.scope.mode)?, operation).await?;
    let moment = app.moment();
    match found {
        Some(account) => {
            let outcome = operations::read_outcome(Status::Succeeded, Some(account.id.as_str()));
            settle_or_leave(app, operation, outcome, account).await
        }
        None if operation.last_error.as_deref() == Some(NOT_LISTED) => {
            let outcome = operations::read_outcome(Status::Absent, None);
            let operation = operation.clone();
            app.db
                .write(move |tx| rows::settle(tx, &operation.scope, &operation.id, &outcome, moment.at))
                .await?;
            Ok(Made::Absent)
        }
        None => {
            let retry_at = moment.at.plus_ms(LOOK_AGAIN_MS);
            operations::mark_unknown(app, operation, NOT_LISTED, retry_at).await?;
            Ok(Made::Unknown)
        }
    }
}

async fn listed(client: &Client, operation: &Operation) -> Result<Option<Account>, Failure> {
    let since = operation.first_sent_at.plus_ms(-LIST_FROM_MS).seconds();
    let mut after: Option<AccountId> = None;
    for _ in 0..PAGES_MAX {
        let page = accounts::list(client, since, after.as_ref()).await?;
        let ours = |account: &&Account| {
            let op_id = account.metadata.get("op_id");
            op_id.is_some_and(|op_id| op_id == operation.id.as_str())
        };
        if let Some(account) = page.data.iter().find(ours) {
            return Ok(Some(account.clone()));
        }
        after = page.data.last().map(|account| account.id.clone());
        if !page.has_more || after.is_none() {
            return Ok(None);
        }
    }
    Err(Failure::Unknown(
        "the platform has too many accounts to look through".to_owned(),
    ))
}
