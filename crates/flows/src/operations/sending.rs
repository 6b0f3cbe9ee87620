//! Sending a noted write: with its key, while Stripe keeps that, and what was heard.

use store::stripe_operations::{Kind, Operation};
use stripe::files::{Content, File};
use stripe::{AccountId, Answer, CallError, Unreadable, Write};

use super::{Heard, KEY_AGE_MAX_MS};
use crate::planted::{self, Bug};
use crate::{App, Failure, breaks};

/// Sends a noted write.
///
/// # Errors
/// When there are no keys for its mode, or the row cannot be read.
pub async fn send<T>(
    app: &App,
    operation: &Operation,
    parse: fn(&str) -> Result<T, Unreadable>,
) -> Result<Heard<T>, Failure> {
    let write = to_write(operation)?;
    let age_ms = app.clock.now().ms().saturating_sub(operation.first_sent_at.ms());
    if age_ms >= KEY_AGE_MAX_MS {
        // The machine was away since this was decided.
        return Ok(Heard::Kept);
    }
    let _sending = app.breakers.held.hold(operation);
    let answer = app.stripe(operation.scope.mode)?.write(&write).await;
    hear(app, operation, answer, parse).await
}

/// Sends a noted write that uploads a file.
///
/// # Errors
/// As [`send`].
pub async fn send_file(app: &App, operation: &Operation, content: &Content) -> Result<Heard<File>, Failure> {
    let write = to_write(operation)?;
    let age_ms = app.clock.now().ms().saturating_sub(operation.first_sent_at.ms());
    if age_ms >= KEY_AGE_MAX_MS {
        return Ok(Heard::Kept);
    }
    let _sending = app.breakers.held.hold(operation);
    let client = app.stripe(operation.scope.mode)?;
    let answer = client.upload(&write, content).await;
    hear(app, operation, answer, File::parse).await
}

async fn hear<T>(
    app: &App,
    operation: &Operation,
    answer: Result<Answer, CallError>,
    parse: fn(&str) -> Result<T, Unreadable>,
) -> Result<Heard<T>, Failure> {
    Ok(match answer {
        Ok(answer) => match parse(&answer.body) {
            Ok(object) => Heard::Done(answer, object),
            Err(unreadable) => Heard::Nothing(unreadable.0),
        },
        Err(CallError::Declined(decline)) => Heard::Declined(decline),
        Err(CallError::Rejected(rejection)) if rejection.is_key_refused() => {
            breaks::key_refused(app, operation.scope.mode).await?;
            Heard::Nothing("Stripe refuses our API key (401)".to_owned())
        }
        // The frozen parameters differ from what Stripe got under this key: the database is an older one, or
        // somebody changed the row. Replaying would never help, and "nothing was done" may be untrue.
        Err(CallError::Rejected(rejection)) if rejection.is_key_reused() => {
            tracing::warn!(operation = %operation.id, "Stripe has another request under this key");
            Heard::Reused
        }
        Err(CallError::Rejected(rejection)) => Heard::Rejected(rejection),
        Err(CallError::Unknown(why)) if why.saved_500 => Heard::Kept,
        Err(CallError::Unknown(why)) => Heard::Nothing(why.why),
    })
}

fn to_write(operation: &Operation) -> Result<Write, Failure> {
    let params = serde_json::from_str(&operation.params).map_err(|error| Failure::Bug(error.to_string()))?;
    Ok(Write {
        path: operation.path.clone(),
        params,
        account: match operation.kind {
            Kind::CreateAccount | Kind::CreateFeeRefund => None,
            Kind::CreateIntent
            | Kind::ConfirmIntent
            | Kind::CancelIntent
            | Kind::RegisterDomain
            | Kind::SubmitEvidence
            | Kind::UploadFile
            | Kind::CloseDispute
            | Kind::CreateRefund => Some(AccountId::parse(&operation.stripe_account_id)?),
            Kind::ExchangeCode | Kind::Deauthorize => {
                let what = format!(
                    "operation {} is OAuth's, which has calls of its own",
                    operation.id
                );
                return Err(Failure::Bug(what));
            }
        },
        idempotency_key: match operation.attempts {
            tries @ 2.. if planted::is(Bug::NewKeyOnRetry) => {
                format!("{}:{tries}", operation.idempotency_key)
            }
            _ => operation.idempotency_key.clone(),
        },
    })
}
