//! Connecting an account that exists: its owner is sent to Stripe with a state, comes back with a code, and
//! the code is exchanged for the account's id. Nothing else that Stripe answers is kept.

use domain::{Mode, OperationId, Refusal, Scope};
use store::Tx;
use store::connect_states::Kind as StateKind;
use store::stripe_config::{self, Origin};
use store::stripe_operations::{self as rows, Kind, Operation, Outcome, Status};
use stripe::oauth::{self, Granted, OAuthError};
use stripe::{Secret, Write};

use crate::audit::{self, Entry};
use crate::connect::{Arrived, WATCH_MS};
use crate::operations::{self, Intent};
use crate::round_trips::{self, Departure};
use crate::{App, By, Failure, Moment, onboarding, tenants};

/// How long the owner may take to agree.
pub const CONSENT_MS: i64 = 10 * 60 * 1000;
/// The page to which Stripe sends the owner back; it must be registered with the application.
pub const CALLBACK_PATH: &str = "/connect/oauth/callback";

/// The way to Stripe's question, for one visit.
#[derive(Clone, Debug)]
pub struct AuthorizeLink {
    /// Where to send the account's owner at once: whoever goes there connects their account to this tenant.
    pub url: Secret,
    /// When its state runs out, in milliseconds since the epoch.
    pub expires_at_ms: i64,
}

/// Notes that an owner sets out, and makes the address of Stripe's question.
///
/// # Errors
/// [`Refusal::OAuthNotConfigured`] without a client id in this mode; [`Refusal::AccountConnected`] when the
/// tenant has an account that we made for it.
pub async fn authorize(app: &App, scope: &Scope, by: &By, origin: &str) -> Result<AuthorizeLink, Failure> {
    let state = round_trips::fresh(app);
    let back = format!("{origin}{CALLBACK_PATH}");
    let url = oauth::authorize_url(app.stripe(scope.mode)?, state.expose(), &back)
        .ok_or(Refusal::OAuthNotConfigured)?;
    let (scope, by, moment) = (scope.clone(), by.clone(), app.moment());
    let expires_at = moment.at.plus_ms(CONSENT_MS);
    app.db
        .write(move |tx| {
            tenants::new_work(tx, &scope)?;
            let config = stripe_config::get(tx, &scope)?;
            if config.is_some_and(|config| config.origin == Origin::Created && !config.disconnected) {
                return Err(Failure::from(Refusal::AccountConnected));
            }
            let departure = Departure {
                kind: StateKind::OAuth,
                stripe_account_id: None,
                expires_at,
            };
            round_trips::depart(tx, &scope, &state, &departure, moment.at)?;
            note(
                tx,
                &scope,
                &by,
                moment,
                "account.access_requested",
                scope.tenant.as_str(),
                None,
            )
        })
        .await?;
    Ok(AuthorizeLink {
        url: Secret::new(url),
        expires_at_ms: expires_at.ms(),
    })
}

/// Takes the state of an owner who did not agree. Answers for whom they were asked.
///
/// # Errors
/// [`Refusal::ConnectLinkUsed`] for a state that is unknown, used or out of date.
pub async fn declined(app: &App, by: &By, state: &str) -> Result<Scope, Failure> {
    let (state, by, moment) = (state.to_owned(), by.clone(), app.moment());
    app.db
        .write(move |tx| {
            let scope = taken(tx, &state, moment)?;
            note(
                tx,
                &scope,
                &by,
                moment,
                "account.access_declined",
                scope.tenant.as_str(),
                None,
            )?;
            Ok(scope)
        })
        .await
}

/// Takes the state of an owner who agreed, exchanges the code, and connects the account.
///
/// If the answer to the exchange is lost, the code is used up and the account's id is not known. Nothing is
/// repeated then: the owner starts again, and Stripe gives the same account.
///
/// # Errors
/// [`Refusal::ConnectLinkUsed`] as in [`declined`]; [`Refusal::ConsentUsed`] and [`Refusal::ConsentRefused`]
/// for what Stripe makes of the code; [`Refusal::AccountModeMismatch`]; [`Refusal::AccountTaken`] and
/// [`Refusal::AccountConnected`] as in [`onboarding::connect_as`]; [`Failure::Unknown`] for a lost answer.
pub async fn arrive(app: &App, by: &By, state: &str, code: &str) -> Result<Arrived, Failure> {
    let (state, noted_by, moment) = (state.to_owned(), by.clone(), app.moment());
    let operation = app
        .db
        .write(move |tx| {
            let scope = taken(tx, &state, moment)?;
            // The operator may have suspended or closed the tenant while its owner was at Stripe.
            tenants::new_work(tx, &scope)?;
            note_exchange(tx, &scope, &noted_by, &state, moment)
        })
        .await?;
    let scope = operation.scope.clone();
    let granted = match exchange(app, &operation, code).await {
        Err(Failure::Refused(refusal)) => {
            refused(app, &scope, by, scope.tenant.as_str(), &refusal).await?;
            return Err(refusal.into());
        }
        other => other?,
    };
    let account = granted.account.as_str();
    let connected = match fits(&granted, scope.mode) {
        Ok(()) => onboarding::connect_as(app, &scope, by, account, Origin::OAuth).await,
        Err(refusal) => Err(refusal.into()),
    };
    match connected {
        Ok(()) => watch(app, scope, account).await,
        Err(Failure::Refused(refusal)) => {
            refused(app, &scope, by, account, &refusal).await?;
            Err(refusal.into())
        }
        Err(failure) => Err(failure),
    }
}

fn taken(tx: &mut Tx, state: &str, moment: Moment) -> Result<Scope, Failure> {
    let state = round_trips::arrive(tx, state, StateKind::OAuth, moment.at)?;
    Ok(state.ok_or(Refusal::ConnectLinkUsed)?.scope)
}

/// Notes the exchange before it is asked for. The code is not noted: it is never sent a second time.
fn note_exchange(
    tx: &mut Tx,
    scope: &Scope,
    by: &By,
    state: &str,
    moment: Moment,
) -> Result<Operation, Failure> {
    let id = OperationId::new(moment.at, moment.random(1));
    let intent = Intent {
        kind: Kind::ExchangeCode,
        write: Write {
            path: "/oauth/token".to_owned(),
            params: Vec::new(),
            account: None,
            idempotency_key: format!("connect:{}:code:{}", scope.tenant, round_trips::hash(state)),
        },
    };
    note(tx, scope, by, moment, "account.access_given", id.as_str(), None)?;
    operations::note(tx, scope, None, id, intent, moment.at)
}

/// One call, and what came of it.
async fn exchange(app: &App, operation: &Operation, code: &str) -> Result<Granted, Failure> {
    match oauth::token(app.stripe(operation.scope.mode)?, code).await {
        Ok(granted) => {
            let outcome = Outcome {
                status: Status::Succeeded,
                http_status: Some(200),
                request_id: granted.request_id.clone(),
                result_id: Some(granted.account.to_string()),
                error: None,
            };
            settle(app, operation, outcome).await?;
            Ok(granted)
        }
        Err(OAuthError::Refused {
            status,
            error,
            request_id,
        }) => {
            tracing::warn!(operation = %operation.id, error, status, "Stripe refused a code");
            let outcome = Outcome {
                status: Status::Failed,
                http_status: Some(i64::from(status)),
                request_id,
                result_id: None,
                error: Some(error.clone()),
            };
            settle(app, operation, outcome).await?;
            Err(match error.as_str() {
                "invalid_grant" => Refusal::ConsentUsed.into(),
                _ => Refusal::ConsentRefused { code: error }.into(),
            })
        }
        Err(OAuthError::Unknown(why)) => {
            operations::unknown(app, operation, &why).await?;
            Err(Failure::Unknown(why))
        }
    }
}

async fn settle(app: &App, operation: &Operation, outcome: Outcome) -> Result<(), Failure> {
    let (operation, at) = (operation.clone(), app.clock.now());
    app.db
        .write(move |tx| rows::settle(tx, &operation.scope, &operation.id, &outcome, at))
        .await?;
    Ok(())
}

/// What was given must be what was asked for.
fn fits(granted: &Granted, mode: Mode) -> Result<(), Refusal> {
    if granted.livemode != mode.is_live() {
        Err(Refusal::AccountModeMismatch)
    } else if granted.scope != oauth::SCOPE {
        let code = granted.scope.clone();
        Err(Refusal::ConsentRefused { code })
    } else {
        Ok(())
    }
}

async fn watch(app: &App, scope: Scope, account: &str) -> Result<Arrived, Failure> {
    let (watch, at) = (round_trips::fresh(app), app.clock.now());
    let (noted, of, account) = (watch.clone(), scope.clone(), account.to_owned());
    app.db
        .write(move |tx| {
            let departure = Departure {
                kind: StateKind::Watch,
                stripe_account_id: Some(account.clone()),
                expires_at: at.plus_ms(WATCH_MS),
            };
            round_trips::depart(tx, &of, &noted, &departure, at)
        })
        .await?;
    Ok(Arrived { scope, watch })
}

async fn refused(app: &App, scope: &Scope, by: &By, subject: &str, refusal: &Refusal) -> Result<(), Failure> {
    let (scope, by, moment) = (scope.clone(), by.clone(), app.moment());
    let (subject, code) = (subject.to_owned(), refusal.code());
    app.db
        .write(move |tx| {
            let after = serde_json::json!({ "refusal": code }).to_string();
            note(
                tx,
                &scope,
                &by,
                moment,
                "account.connect_refused",
                &subject,
                Some(after),
            )
        })
        .await
}

fn note(
    tx: &mut Tx,
    scope: &Scope,
    by: &By,
    moment: Moment,
    action: &'static str,
    subject: &str,
    after: Option<String>,
) -> Result<(), Failure> {
    let entry = Entry {
        action,
        subject,
        before: None,
        after,
    };
    Ok(audit::note(tx, Some(scope), by, moment, &entry)?)
}

/// Ends an exchange whose answer was lost: its code has run out by now, so that it can connect nothing any
/// more. That the account may be connected at Stripe does no harm: starting again gives the same one.
///
/// # Errors
/// When the database fails.
pub async fn give_up(app: &App, operation: &Operation) -> Result<bool, Failure> {
    let age_ms = app.clock.now().ms().saturating_sub(operation.first_sent_at.ms());
    if age_ms < CONSENT_MS {
        operations::unknown(app, operation, "the answer was lost").await?;
        return Ok(false);
    }
    let outcome = Outcome {
        status: Status::Failed,
        http_status: None,
        request_id: None,
        result_id: None,
        error: Some("the answer was lost and the code has run out; the owner starts again".to_owned()),
    };
    settle(app, operation, outcome).await?;
    Ok(true)
}
