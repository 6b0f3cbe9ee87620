//! Connecting an account that exists: its owner is sent to Stripe with a state, comes back with a code, and
//! the code is exchanged for the account's id. Nothing else that Stripe answers is kept.

mod unfinished;

use domain::{Held, Mode, OperationId, Refusal, Scope};
use store::Tx;
use store::connect_states::Kind as StateKind;
use store::stripe_config::{self, Origin};
use store::stripe_operations::{self as rows, Kind, Operation, Outcome, Status};
use stripe::oauth::{self, Granted, OAuthError};
use stripe::{Secret, Write};

use crate::audit::{self, Entry};
use crate::connect::{Arrived, WATCH_MS};
use crate::disconnect::{self, Access};
use crate::operations::{self, Intent};
use crate::round_trips::{self, Departure};
use crate::{App, By, Failure, Moment, onboarding, tenants};

pub use unfinished::take_up;

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
                let held = onboarding::held(tx, &scope)?;
                return Err(Failure::from(Refusal::AccountConnected { held }));
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

/// What came of an owner who agreed.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// The account is connected.
    Connected(Arrived),
    /// It is not.
    TurnedAway {
        /// Why.
        refusal: Refusal,
        /// What became of the access that the owner gave; nothing where Stripe gave none.
        access: Option<Access>,
    },
}

/// Takes the state of an owner who agreed, exchanges the code, and connects the account. What we refuse then
/// is let go again, unless a tenant of ours is paid by the same access.
///
/// If the answer to the exchange is lost, the code is used up and the account's id is not known. Nothing is
/// repeated then: the owner starts again, and Stripe gives the same account; an access that nobody takes up
/// is ended ([`take_up`]). Once the account's id is known, the reconciler connects it, whatever goes down
/// here.
///
/// # Errors
/// [`Refusal::ConnectLinkUsed`] as in [`declined`]; those of [`tenants::new_work`]; [`Failure::Unknown`] for
/// a lost answer.
pub async fn arrive(app: &App, by: &By, state: &str, code: &str) -> Result<Arrival, Failure> {
    let (given, noted_by, moment) = (state.to_owned(), by.clone(), app.moment());
    let operation = app
        .db
        .write(move |tx| {
            let scope = taken(tx, &given, moment)?;
            // The operator may have suspended or closed the tenant while its owner was at Stripe.
            tenants::new_work(tx, &scope)?;
            note_exchange(tx, &scope, &noted_by, &given, moment)
        })
        .await?;
    let scope = operation.scope.clone();
    let account = match exchange(app, &operation, by, code).await? {
        Exchanged::Fits(account) => account,
        Exchanged::Refused(refusal) => {
            let access = None;
            return Ok(Arrival::TurnedAway { refusal, access });
        }
        Exchanged::TurnedAway(turned) => return turn_away(app, turned).await,
    };
    match connect(app, &operation, by, &account).await? {
        None => watch(app, scope, &account).await.map(Arrival::Connected),
        Some(turned) => turn_away(app, turned).await,
    }
}

/// Connects an account that was given, and settles the exchange that gave it; answers what is to be done
/// where somebody was faster since the exchange.
async fn connect(
    app: &App,
    operation: &Operation,
    by: &By,
    account: &str,
) -> Result<Option<Turned>, Failure> {
    let scope = &operation.scope;
    let refusal = match onboarding::connect_as(app, scope, by, account, Origin::OAuth).await {
        Ok(()) => None,
        Err(Failure::Refused(refusal)) => Some(refusal),
        Err(failure) => return Err(failure),
    };
    let (by, moment, operation, account) = (by.clone(), app.moment(), operation.clone(), account.to_owned());
    let client_id = app.stripe(scope.mode)?.client_id().map(str::to_owned);
    app.db
        .write(move |tx| {
            let outcome = given(&account, None);
            rows::settle(tx, &operation.scope, &operation.id, &outcome, moment.at)?;
            let Some(refusal) = &refusal else { return Ok(None) };
            let consent = Consent {
                operation: &operation,
                account: &account,
                livemode: operation.scope.mode.is_live(),
                client_id: client_id.as_deref(),
            };
            refuse(tx, &consent, &by, refusal.clone(), moment).map(Some)
        })
        .await
}

/// The outcome of an exchange that gave an account.
fn given(account: &str, request_id: Option<String>) -> Outcome {
    Outcome {
        status: Status::Succeeded,
        http_status: Some(200),
        request_id,
        result_id: Some(account.to_owned()),
        error: None,
    }
}

/// A refused consent, and how the access that it gave is to end.
struct Turned {
    refusal: Refusal,
    ending: Ending,
}

enum Ending {
    Noted(Box<Operation>),
    /// A tenant is paid by it.
    Kept,
    /// There is no client id any more to end it with.
    Impossible,
}

async fn turn_away(app: &App, turned: Turned) -> Result<Arrival, Failure> {
    let access = match &turned.ending {
        Ending::Noted(operation) => disconnect::run(app, operation).await?,
        Ending::Kept => Access::Kept,
        Ending::Impossible => Access::Refused,
    };
    Ok(Arrival::TurnedAway {
        refusal: turned.refusal,
        access: Some(access),
    })
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

/// What came of a code.
enum Exchanged {
    /// An account that the tenant may connect.
    Fits(String),
    /// Stripe gave nothing.
    Refused(Refusal),
    /// It gave what we refuse.
    TurnedAway(Turned),
}

/// One call, and what came of it. What was given is judged in the transaction that settles it: an access that
/// we do not want is never left standing, whatever goes down next.
async fn exchange(app: &App, operation: &Operation, by: &By, code: &str) -> Result<Exchanged, Failure> {
    let client = app.stripe(operation.scope.mode)?;
    match oauth::token(client, code).await {
        Ok(granted) => {
            let client_id = client.client_id().map(str::to_owned);
            take_in(app, operation, by, granted, client_id).await
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
            let refusal = match error.as_str() {
                "invalid_grant" => Refusal::ConsentUsed,
                _ => Refusal::ConsentRefused { code: error },
            };
            let (operation, by, code, moment) = (operation.clone(), by.clone(), refusal.code(), app.moment());
            app.db
                .write(move |tx| {
                    let scope = &operation.scope;
                    rows::settle(tx, scope, &operation.id, &outcome, moment.at)?;
                    let after = serde_json::json!({ "refusal": code }).to_string();
                    let tenant = scope.tenant.as_str();
                    note(tx, scope, &by, moment, CONNECT_REFUSED, tenant, Some(after))
                })
                .await?;
            Ok(Exchanged::Refused(refusal))
        }
        Err(OAuthError::Unknown(why)) => {
            unfinished::wait_until_the_code_runs_out(app, operation, &why).await?;
            Err(Failure::Unknown(why))
        }
    }
}

/// One transaction: what Stripe gave, and whether we want it. If so, the exchange stays open until it is
/// connected.
async fn take_in(
    app: &App,
    operation: &Operation,
    by: &By,
    granted: Granted,
    client_id: Option<String>,
) -> Result<Exchanged, Failure> {
    let outcome = given(granted.account.as_str(), granted.request_id.clone());
    let (operation, by, moment) = (operation.clone(), by.clone(), app.moment());
    app.db
        .write(move |tx| {
            let (scope, account) = (&operation.scope, granted.account.as_str());
            let Some(refusal) = unwanted(tx, scope, &granted)? else {
                rows::note_result(tx, scope, &operation.id, account)?;
                return Ok(Exchanged::Fits(account.to_owned()));
            };
            rows::settle(tx, scope, &operation.id, &outcome, moment.at)?;
            let consent = Consent {
                operation: &operation,
                account,
                livemode: granted.livemode,
                client_id: client_id.as_deref(),
            };
            if refusal == Refusal::AccountTaken {
                onboarding::note_taken(tx, scope, &by, account, moment)?;
            }
            refuse(tx, &consent, &by, refusal, moment).map(Exchanged::TurnedAway)
        })
        .await
}

/// Why the tenant may not have what was given, if so.
fn unwanted(tx: &mut Tx, scope: &Scope, granted: &Granted) -> Result<Option<Refusal>, Failure> {
    if granted.livemode != scope.mode.is_live() {
        return Ok(Some(Refusal::AccountModeMismatch));
    }
    if granted.scope != oauth::SCOPE {
        let code = granted.scope.clone();
        return Ok(Some(Refusal::ConsentRefused { code }));
    }
    let account = granted.account.as_str();
    let holder = stripe_config::by_account(tx, account, scope.mode)?;
    if holder.is_some_and(|holder| holder.scope != *scope) {
        return Ok(Some(Refusal::AccountTaken));
    }
    let own = stripe_config::get(tx, scope)?.filter(|own| own.stripe_account_id != account);
    let Some(own) = own else { return Ok(None) };
    let held = onboarding::held(tx, scope)?;
    let gives_way = own.disconnected && held == Held::Connected;
    Ok((!gives_way).then_some(Refusal::AccountConnected { held }))
}

/// What an owner gave, and to whom.
struct Consent<'a> {
    operation: &'a Operation,
    account: &'a str,
    livemode: bool,
    client_id: Option<&'a str>,
}

/// Within a transaction: notes that a consent is refused, and that the access which it gave ends. There is
/// one access to an account in a mode: where a tenant is paid by it, or we made the account, it stays.
fn refuse(
    tx: &mut Tx,
    consent: &Consent,
    by: &By,
    refusal: Refusal,
    moment: Moment,
) -> Result<Turned, Failure> {
    let Consent {
        operation,
        account,
        livemode,
        client_id,
    } = *consent;
    let scope = &operation.scope;
    let ending = if is_needed(tx, account, [scope.mode, Mode::from_livemode(livemode)])? {
        Ending::Kept
    } else if let Some(client_id) = client_id {
        let key = format!("{}:end", operation.idempotency_key);
        let noted = disconnect::note_end(tx, scope, account, client_id, key, moment)?;
        Ending::Noted(Box::new(noted))
    } else {
        disconnect::not_ended(tx, scope, account, "no client id is configured", moment)?;
        Ending::Impossible
    };
    let access = match ending {
        Ending::Noted(_) => "ends",
        Ending::Kept => "kept",
        Ending::Impossible => "refused",
    };
    let after = serde_json::json!({ "refusal": refusal.code(), "access": access });
    note(
        tx,
        scope,
        by,
        moment,
        CONNECT_REFUSED,
        account,
        Some(after.to_string()),
    )?;
    Ok(Turned { refusal, ending })
}

/// Whether the access to an account must not end with a refused consent.
fn is_needed(tx: &mut Tx, account: &str, modes: [Mode; 2]) -> Result<bool, Failure> {
    for mode in modes {
        let holder = stripe_config::by_account(tx, account, mode)?;
        if holder.is_some_and(|holder| holder.origin == Origin::Created || !holder.disconnected) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The page that says where the account stands goes on looking.
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

/// The action of a consent that came to nothing, Stripe's doing or ours.
const CONNECT_REFUSED: &str = "account.connect_refused";

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
