//! Exchanges that were not finished: the answer was lost, or whoever waited for it went down. A code is never
//! sent a second time. What Stripe gave is connected where it is known, and ended where nobody takes it up.

use domain::Timestamp;
use store::Tx;
use store::stripe_operations::{self as rows, Operation, Outcome, Status};
use stripe::events::{self, ACCOUNT_APPLICATION_AUTHORIZED, plain_type};
use stripe::{Account, AccountId, Client, accounts};

use super::{CONNECT_REFUSED, CONSENT_MS, connect, is_needed, note, turn_away};
use crate::disconnect::{self, Access};
use crate::operations::PAGES_MAX;
use crate::{Actor, App, By, Failure, Moment};

/// What an exchange gave was given while it was asked for, by Stripe's clock: so much before it was noted,
/// and so much after, at the most.
const BEFORE_S: i64 = 60;
const AFTER_S: i64 = 5 * 60;
/// Events of a page.
const PAGE: u32 = 100;
/// Of so many accounts that no tenant has it is asked when we were let in.
const ASKED_MAX: usize = 500;

/// Takes up an exchange that nobody is waiting for any more; answers whether it is over.
///
/// # Errors
/// When Stripe or the database does not answer; the exchange stays open.
pub async fn take_up(app: &App, operation: &Operation) -> Result<bool, Failure> {
    if let Some(account) = &operation.result_id {
        return finish(app, operation, account).await;
    }
    if app.clock.now() < code_runs_out_at(operation) {
        wait_until_the_code_runs_out(app, operation, "whoever sent it went down").await?;
        return Ok(false);
    }
    let strays = find(app, operation).await?;
    end(app, operation, strays).await?;
    Ok(true)
}

/// Stripe gave an account that the tenant may have, and it was not connected.
async fn finish(app: &App, operation: &Operation, account: &str) -> Result<bool, Failure> {
    match connect(app, operation, &By::new(Actor::Worker), account).await {
        Ok(None) => Ok(true),
        Ok(Some(turned)) => {
            turn_away(app, turned).await?;
            Ok(true)
        }
        Err(Failure::AccountGone) => {
            let why = "the access was taken away before the account was connected";
            let (operation, at) = (operation.clone(), app.clock.now());
            app.db
                .write(move |tx| rows::settle(tx, &operation.scope, &operation.id, &over(why), at))
                .await?;
            Ok(true)
        }
        Err(failure) => Err(failure),
    }
}

/// Leaves an exchange without an answer open for as long as its code may connect anything: it is not sent
/// again, and nobody has to hear of it twice.
pub(super) async fn wait_until_the_code_runs_out(
    app: &App,
    operation: &Operation,
    why: &str,
) -> Result<(), Failure> {
    let (operation, why) = (operation.clone(), why.to_owned());
    tracing::warn!(operation = %operation.id, why, "the answer to a code was lost; it is not sent again");
    app.db
        .write(move |tx| {
            let over = code_runs_out_at(&operation);
            rows::mark_unknown(tx, &operation.scope, &operation.id, &why, over)
        })
        .await?;
    Ok(())
}

fn code_runs_out_at(operation: &Operation) -> Timestamp {
    operation.first_sent_at.plus_ms(CONSENT_MS)
}

fn over(why: &str) -> Outcome {
    Outcome {
        status: Status::Failed,
        http_status: None,
        request_id: None,
        result_id: None,
        error: Some(why.to_owned()),
    }
}

/// The accounts that let us in while the exchange was asked for, and that no tenant has. What another
/// exchange gave is not among them: it is known, or as lost as this one.
async fn find(app: &App, operation: &Operation) -> Result<Vec<AccountId>, Failure> {
    let client = app.stripe(operation.scope.mode)?;
    let (mut strays, mut asked, mut after) = (Vec::new(), 0_usize, None);
    for _ in 0..PAGES_MAX {
        let page = accounts::list(client, 0, after.as_ref()).await?;
        after = page.data.last().map(|account| account.id.clone());
        for account in nobodys(app, operation, page.data).await? {
            asked = asked.saturating_add(1);
            if asked > ASKED_MAX {
                return Err(Failure::Unknown("too many accounts are nobody's".to_owned()));
            }
            if was_let_in(client, &account, operation).await? {
                strays.push(account);
            }
        }
        if !page.has_more || after.is_none() {
            return Ok(strays);
        }
    }
    Err(Failure::Unknown("the platform has too many accounts".to_owned()))
}

/// Those of a page that no tenant uses, and that we did not make.
async fn nobodys(app: &App, operation: &Operation, page: Vec<Account>) -> Result<Vec<AccountId>, Failure> {
    let mode = operation.scope.mode;
    let not_made = page
        .into_iter()
        .filter(|account| !account.metadata.contains_key("op_id"));
    let ids: Vec<AccountId> = not_made.map(|account| account.id).collect();
    app.db
        .read(move |tx| {
            let mut free = Vec::new();
            for id in &ids {
                let account = id.as_str();
                if !is_needed(tx, account, [mode, mode])? && !rows::is_given(tx, mode, account)? {
                    free.push(id.clone());
                }
            }
            Ok(free)
        })
        .await
}

async fn was_let_in(client: &Client, account: &AccountId, operation: &Operation) -> Result<bool, Failure> {
    let sent_s = operation.first_sent_at.seconds();
    let (from_s, until_s) = (sent_s.saturating_sub(BEFORE_S), sent_s.saturating_add(AFTER_S));
    let mut after: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let page = events::list(client, Some(account), from_s, after.as_deref(), PAGE).await?;
        let is_it = |event: &events::Envelope| {
            plain_type(&event.type_) == ACCOUNT_APPLICATION_AUTHORIZED
                && event.created_ms <= until_s.saturating_mul(1_000)
        };
        if page.data.iter().any(is_it) {
            return Ok(true);
        }
        after = page.data.last().map(|event| event.id.clone());
        if !page.has_more || after.is_none() {
            break;
        }
    }
    Ok(false)
}

/// One transaction: the exchange is over, and what it gave ends. Then Stripe is told.
async fn end(app: &App, operation: &Operation, strays: Vec<AccountId>) -> Result<(), Failure> {
    let strays: Vec<(Moment, AccountId)> = strays.into_iter().map(|id| (app.moment(), id)).collect();
    let client_id = app.stripe(operation.scope.mode)?.client_id().map(str::to_owned);
    let (exchange, at) = (operation.clone(), app.clock.now());
    let noted = app.db.write(move |tx| {
        let mut noted = Vec::new();
        for (moment, account) in &strays {
            noted.extend(note_end(
                tx,
                &exchange,
                account.as_str(),
                client_id.as_deref(),
                *moment,
            )?);
        }
        let why = match strays.is_empty() {
            true => "the answer was lost and the code has run out; the owner starts again",
            false => "the answer was lost; what it gave is ended, and the owner starts again",
        };
        rows::settle(tx, &exchange.scope, &exchange.id, &over(why), at)?;
        Ok::<_, Failure>(noted)
    });
    for ending in noted.await? {
        if disconnect::run(app, &ending).await? == Access::InDoubt {
            tracing::warn!(operation = %ending.id, "an access that nobody took up is being ended");
        }
    }
    Ok(())
}

fn note_end(
    tx: &mut Tx,
    exchange: &Operation,
    account: &str,
    client_id: Option<&str>,
    moment: Moment,
) -> Result<Option<Operation>, Failure> {
    let scope = &exchange.scope;
    // Its owner came back meanwhile.
    if is_needed(tx, account, [scope.mode, scope.mode])? || rows::is_given(tx, scope.mode, account)? {
        return Ok(None);
    }
    let after = serde_json::json!({"refusal": "answer_lost", "access": "ends"}).to_string();
    let by = By::new(Actor::Worker);
    note(tx, scope, &by, moment, CONNECT_REFUSED, account, Some(after))?;
    let Some(client_id) = client_id else {
        disconnect::not_ended(tx, scope, account, "no client id is configured", moment)?;
        return Ok(None);
    };
    let key = format!("{}:end:{account}", exchange.idempotency_key);
    disconnect::note_end(tx, scope, account, client_id, key, moment).map(Some)
}
