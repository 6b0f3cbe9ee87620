//! A tenant disconnects its account. New payments stop at once. An account whose owner had given us access is
//! also let go at Stripe; one that we made stays connected there for ever, as Stripe has it. Nothing that
//! happened is forgotten.

use domain::{OperationId, Refusal, Scope, Timestamp};
use store::Tx;
use store::payments;
use store::reconciliation_breaks::Kind as BreakKind;
use store::stripe_config::{self, Origin, StripeConfig};
use store::stripe_operations::{self as rows, Kind, Operation, Outcome, Status};
use stripe::oauth::{self, OAuthError};
use stripe::{AccountId, CallError, Write, accounts};

use crate::operations::{self, Intent};
use crate::{App, By, Failure, Moment, observe, onboarding};

/// What became of our access to the account at Stripe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It is over.
    Ended,
    /// We made the account, so that Stripe lets it go to nobody; or a tenant is paid by it.
    Kept,
    /// Stripe has not said yet; it is asked again.
    InDoubt,
    /// Stripe refuses to end it; a person is told.
    Refused,
}

impl Access {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Access::Ended => "ended",
            Access::Kept => "kept",
            Access::InDoubt => "in_doubt",
            Access::Refused => "refused",
        }
    }
}

/// A disconnected account.
#[derive(Clone, Debug)]
pub struct Disconnected {
    /// `acct_…`.
    pub stripe_account_id: String,
    /// What became of our access to it.
    pub access: Access,
}

/// Disconnects the tenant's account, which `confirm` must name. Done again, it says where that stands.
///
/// # Errors
/// [`Refusal::NotConnected`]; [`Refusal::InvalidField`] where another account is named;
/// [`Refusal::OAuthNotConfigured`] where we cannot let it go.
pub async fn disconnect(app: &App, scope: &Scope, by: &By, confirm: &str) -> Result<Disconnected, Failure> {
    let client_id = app.stripe(scope.mode)?.client_id().map(str::to_owned);
    let (of, by, confirm, moment) = (scope.clone(), by.clone(), confirm.to_owned(), app.moment());
    let (config, newest) = app
        .db
        .write(move |tx| {
            let config = stripe_config::get(tx, &of)?.ok_or(Refusal::NotConnected)?;
            if config.stripe_account_id != confirm {
                return Err(
                    Refusal::invalid("confirm", "must be the id of the account to disconnect").into(),
                );
            }
            let stopped = match config.disconnected {
                true => None,
                false => stop(tx, &config, &by, client_id.as_deref(), moment)?,
            };
            let newest = match stopped {
                Some(operation) => Some(operation),
                None => {
                    let account = &config.stripe_account_id;
                    rows::newest_of_account(tx, &of, Kind::Deauthorize, account)?
                }
            };
            Ok::<_, Failure>((config, newest))
        })
        .await?;
    let access = match (config.origin, &newest) {
        (Origin::Created, _) => Access::Kept,
        // Its owner ended it at Stripe.
        (Origin::OAuth, None) => Access::Ended,
        (Origin::OAuth, Some(noted)) if !config.disconnected => run(app, noted).await?,
        (Origin::OAuth, Some(noted)) => match noted.status {
            Status::Sent | Status::Unknown => Access::InDoubt,
            Status::Succeeded | Status::Absent => Access::Ended,
            // It was connected again after that, and its owner ended it at Stripe.
            Status::Failed if noted.last_error.as_deref() == Some(rows::CONNECTED_AGAIN) => Access::Ended,
            Status::Failed => Access::Refused,
        },
    };
    Ok(Disconnected {
        stripe_account_id: config.stripe_account_id,
        access,
    })
}

/// In one transaction: no new payments, and what is to be told to Stripe.
fn stop(
    tx: &mut Tx,
    config: &StripeConfig,
    by: &By,
    client_id: Option<&str>,
    moment: Moment,
) -> Result<Option<Operation>, Failure> {
    // Whenever it was connected: this is the tenant's word.
    onboarding::stop(tx, config, by, Timestamp::from_ms(i64::MAX), moment)?;
    if config.origin == Origin::Created {
        return Ok(None);
    }
    let client_id = client_id.ok_or(Refusal::OAuthNotConfigured)?;
    let (scope, account) = (&config.scope, &config.stripe_account_id);
    let number = rows::count_of_kind(tx, scope, Kind::Deauthorize)?.saturating_add(1);
    let mode = scope.mode.word();
    let key = format!("connect:{}:{mode}:deauthorize:{number}", scope.tenant);
    note_end(tx, scope, account, client_id, key, moment).map(Some)
}

/// Within a transaction: notes that the access to an account ends, which [`run`] then tells Stripe.
///
/// # Errors
/// When the database fails.
pub fn note_end(
    tx: &mut Tx,
    scope: &Scope,
    account: &str,
    client_id: &str,
    idempotency_key: String,
    moment: Moment,
) -> Result<Operation, Failure> {
    let named = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let intent = Intent {
        kind: Kind::Deauthorize,
        write: Write {
            path: "/oauth/deauthorize".to_owned(),
            params: vec![named("client_id", client_id), named("stripe_user_id", account)],
            account: Some(AccountId::parse(account)?),
            idempotency_key,
        },
    };
    let id = OperationId::new(moment.at, moment.random(2));
    operations::note(tx, scope, None, id, intent, moment.at)
}

/// Lets an account go at Stripe and commits what came of it. It may be done again: Stripe refuses to end what
/// has ended, and whether we still have access is read then.
///
/// # Errors
/// When there are no keys for its mode, or the database fails.
pub async fn run(app: &App, operation: &Operation) -> Result<Access, Failure> {
    let client = app.stripe(operation.scope.mode)?;
    let account = AccountId::parse(&operation.stripe_account_id)?;
    let params: Vec<(String, String)> =
        serde_json::from_str(&operation.params).map_err(|error| Failure::Bug(error.to_string()))?;
    let client_id = params
        .first()
        .map(|(_, value)| value.as_str())
        .unwrap_or_default();
    let (status, error, request_id) = match oauth::deauthorize(client, client_id, &account).await {
        Ok(request_id) => (200, None, request_id),
        Err(OAuthError::Refused {
            status,
            error,
            request_id,
        }) => match accounts::retrieve(client, &account).await {
            Err(CallError::Rejected(rejection)) if rejection.is_account_gone() => (status, None, request_id),
            Ok(_) => (status, Some(error), request_id),
            Err(failure) => return in_doubt(app, operation, &failure.to_string()).await,
        },
        Err(OAuthError::Unknown(why)) => return in_doubt(app, operation, &why).await,
    };
    let access = match error {
        None => Access::Ended,
        Some(_) => Access::Refused,
    };
    let outcome = Outcome {
        status: match access {
            Access::Refused => Status::Failed,
            Access::Ended | Access::Kept | Access::InDoubt => Status::Succeeded,
        },
        http_status: Some(i64::from(status)),
        request_id,
        result_id: Some(account.to_string()),
        error,
    };
    settle(app, operation, outcome).await?;
    Ok(access)
}

async fn in_doubt(app: &App, operation: &Operation, why: &str) -> Result<Access, Failure> {
    operations::unknown(app, operation, why).await?;
    Ok(Access::InDoubt)
}

async fn settle(app: &App, operation: &Operation, outcome: Outcome) -> Result<(), Failure> {
    let (operation, moment) = (operation.clone(), app.moment());
    app.db
        .write(move |tx| {
            let (scope, account) = (&operation.scope, operation.stripe_account_id.as_str());
            let first = rows::settle(tx, scope, &operation.id, &outcome, moment.at)?;
            if let Some(error) = outcome.error.as_deref().filter(|_| first) {
                not_ended(tx, scope, account, &format!("Stripe refused: {error}"), moment)?;
            }
            payments::check_account(tx, scope, account, moment.at)?;
            store::refunds::check_account(tx, scope, account, moment.at)?;
            Ok(())
        })
        .await
}

/// Within a transaction: a person is told that we still have access to an account, and why.
///
/// # Errors
/// When the database fails.
pub fn not_ended(
    tx: &mut Tx,
    scope: &Scope,
    account: &str,
    why: &str,
    moment: Moment,
) -> Result<(), Failure> {
    let detail = format!(
        "the access to {account} was not ended ({why}): its owner can end it in Stripe's dashboard. No new \
         payments are taken on it."
    );
    let (tenant, mode) = (Some(&scope.tenant), scope.mode);
    observe::open_break(
        tx,
        moment,
        0,
        tenant,
        mode,
        BreakKind::AccessNotEnded,
        account,
        &detail,
    )
}
