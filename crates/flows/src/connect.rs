//! Connecting a Stripe account that we make for a tenant: it is made once, its owner is sent through Stripe's
//! onboarding as often as that takes, and where it stands is always read at Stripe.

pub mod account;
pub mod domains;

use domain::tenant::TenantState;
use domain::{Refusal, Scope};
use store::connect_states::Kind;
use store::payment_method_domains::{self, PaymentMethodDomain};
use store::stripe_config::{self, Origin, StripeConfig};
use store::stripe_operations::Status;
use store::{Tx, connect_states, stripe_operations, tenants};
use stripe::{AccountId, AccountLink, CallError, Secret, account_links};

use crate::audit::{self, Entry};
use crate::round_trips::{self, Departure, FORM_MS};
use crate::{App, By, Failure, Moment, onboarding};

/// How long a page may go on showing where the account stands, after its owner came back from Stripe.
pub const WATCH_MS: i64 = 60 * 60 * 1000;
/// A page that is being looked at has the account read again at Stripe when nothing was heard for so long:
/// webhooks are usually faster.
const STALE_MS: i64 = 15 * 1000;

/// A way to Stripe's onboarding, for one visit within minutes.
#[derive(Clone, Debug)]
pub struct OnboardingLink {
    /// Where to send the account's owner at once; never to be mailed or stored.
    pub url: Secret,
    /// Seconds since the epoch.
    pub expires_at_s: i64,
}

/// Makes a link to Stripe's onboarding. Each call makes a new one, for Stripe's are good for one visit.
///
/// It is the one write to Stripe without a row in `stripe_operations`: a link changes nothing and runs out in
/// minutes, so that one whose answer was lost is simply not used. What must survive, the states to come back
/// with, is committed before the call.
///
/// # Errors
/// [`Refusal::TenantClosed`]; [`Refusal::NotConnected`] without an account of ours;
/// [`Refusal::OnboardingRefused`] when Stripe gives none.
pub async fn link(app: &App, scope: &Scope, by: &By, origin: &str) -> Result<OnboardingLink, Failure> {
    let (back, again) = (round_trips::fresh(app), round_trips::fresh(app));
    let (noted_back, noted_again, moment) = (back.clone(), again.clone(), app.moment());
    let (of, noted_by) = (scope.clone(), by.clone());
    let account = app
        .db
        .write(move |tx| {
            // A suspended tenant's owner may go on telling Stripe what it asks for.
            if tenants::get(tx, &of.tenant)?.status == TenantState::Closed {
                return Err(Refusal::TenantClosed.into());
            }
            let account = account_to_onboard(tx, &of)?;
            for (kind, state) in [(Kind::Return, &noted_back), (Kind::Refresh, &noted_again)] {
                let departure = Departure {
                    kind,
                    stripe_account_id: Some(account.clone()),
                    expires_at: moment.at.plus_ms(FORM_MS),
                };
                round_trips::depart(tx, &of, state, &departure, moment.at)?;
            }
            note(tx, &of, &noted_by, moment, "account.form_opened", &account)?;
            Ok::<_, Failure>(account)
        })
        .await?;
    let url = |page: &str, state: &Secret| format!("{origin}/connect/{page}?state={}", state.expose());
    let write = account_links::create(
        &AccountId::parse(&account)?,
        &url("return", &back),
        &url("refresh", &again),
        format!(
            "connect:{}:link:{}",
            scope.tenant,
            round_trips::hash(back.expose())
        ),
    );
    match app.stripe(scope.mode)?.write(&write).await {
        Ok(answer) => {
            let link =
                AccountLink::parse(&answer.body).map_err(|error| Failure::Unknown(error.to_string()))?;
            Ok(OnboardingLink {
                url: Secret::new(link.url),
                expires_at_s: link.expires_at,
            })
        }
        Err(CallError::Rejected(rejection)) if !rejection.is_key_refused() => {
            tracing::warn!(
                account,
                code = rejection.code,
                said = rejection.message,
                "no account link"
            );
            onboarding::refresh(app, &account, scope.mode).await?;
            Err(Refusal::OnboardingRefused.into())
        }
        Err(error) => Err(error.into()),
    }
}

fn account_to_onboard(tx: &mut Tx, scope: &Scope) -> Result<String, Failure> {
    match stripe_config::get(tx, scope)? {
        Some(config) if config.origin == Origin::Created && !config.disconnected => {
            Ok(config.stripe_account_id)
        }
        Some(_) => Err(Refusal::OnboardingRefused.into()),
        None => Err(Refusal::NotConnected.into()),
    }
}

/// Somebody who came back from Stripe.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// For whom they had set out.
    pub scope: Scope,
    /// What lets their browser go on looking, for [`WATCH_MS`].
    pub watch: Secret,
}

/// Takes the state of somebody who comes back from the onboarding. That they are back says nothing about the
/// account, so it is read at Stripe; if Stripe does not answer now, the page looks again.
///
/// # Errors
/// [`Refusal::ConnectLinkUsed`] for a state that is unknown, used, out of date, or about an account that the
/// tenant does not have any more: they all look the same.
pub async fn arrive(app: &App, by: &By, state: &str) -> Result<Arrived, Failure> {
    let (state, watch, moment) = (state.to_owned(), round_trips::fresh(app), app.moment());
    let (noted, by, at) = (watch.clone(), by.clone(), moment.at);
    let (scope, account) = app
        .db
        .write(move |tx| {
            let (scope, account) = taken(tx, &state, Kind::Return, at)?;
            let departure = Departure {
                kind: Kind::Watch,
                stripe_account_id: Some(account.clone()),
                expires_at: at.plus_ms(WATCH_MS),
            };
            round_trips::depart(tx, &scope, &noted, &departure, at)?;
            note(tx, &scope, &by, moment, "account.owner_returned", &account)?;
            Ok::<_, Failure>((scope, account))
        })
        .await?;
    if let Err(failure) = onboarding::refresh(app, &account, scope.mode).await {
        tracing::warn!(account, %failure, "an account could not be read after its owner came back");
    }
    Ok(Arrived { scope, watch })
}

/// Takes the state of somebody whose link had run out, and makes a new one.
///
/// # Errors
/// As [`arrive`] and [`link`].
pub async fn link_again(app: &App, by: &By, state: &str, origin: &str) -> Result<OnboardingLink, Failure> {
    let (state, at) = (state.to_owned(), app.clock.now());
    let taken = app.db.write(move |tx| taken(tx, &state, Kind::Refresh, at));
    let (scope, _) = taken.await?;
    link(app, &scope, by, origin).await
}

fn note(
    tx: &mut Tx,
    scope: &Scope,
    by: &By,
    moment: Moment,
    action: &'static str,
    account: &str,
) -> Result<(), Failure> {
    let entry = Entry {
        action,
        subject: account,
        before: None,
        after: None,
    };
    Ok(audit::note(tx, Some(scope), by, moment, &entry)?)
}

fn taken(tx: &mut Tx, state: &str, kind: Kind, at: domain::Timestamp) -> Result<(Scope, String), Failure> {
    let state = round_trips::arrive(tx, state, kind, at)?.ok_or(Refusal::ConnectLinkUsed)?;
    let account = state.stripe_account_id.ok_or(Refusal::ConnectLinkUsed)?;
    let config = stripe_config::get(tx, &state.scope)?;
    match config.is_some_and(|config| config.stripe_account_id == account) {
        true => Ok((state.scope, account)),
        false => Err(Refusal::ConnectLinkUsed.into()),
    }
}

/// Whose account a browser may look at.
///
/// # Errors
/// [`Refusal::ConnectLinkUsed`] when it may look at none, or not any more.
pub async fn watched(app: &App, watch: &str) -> Result<Scope, Failure> {
    let (hash, at) = (round_trips::hash(watch), app.clock.now());
    let found = app
        .db
        .read(move |tx| connect_states::look(tx, &hash, Kind::Watch, at))
        .await?;
    Ok(found.ok_or(Refusal::ConnectLinkUsed)?.scope)
}

/// Where a tenant's connection stands.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The account, if there is one.
    pub config: Option<StripeConfig>,
    /// Whether an account is being made and Stripe has not said yet that it is there, and if so, in how many
    /// milliseconds it is asked again.
    pub in_doubt_ms: Option<i64>,
    /// Whether the operator lets the tenant begin new work.
    pub may_begin: bool,
    /// The pay page's domain on the account, where wallets are possible.
    pub domain: Option<PaymentMethodDomain>,
}

/// Where a tenant's connection stands, as last read at Stripe.
///
/// # Errors
/// When the database fails.
pub async fn connection(app: &App, scope: &Scope) -> Result<Connection, Failure> {
    let (scope, domain, now) = (scope.clone(), app.wallet_domain.clone(), app.clock.now());
    app.db
        .read(move |tx| {
            let config = stripe_config::get(tx, &scope)?;
            let domain = match (&config, &domain) {
                (Some(config), Some(domain)) => {
                    payment_method_domains::get(tx, &scope, &config.stripe_account_id, domain)?
                }
                (_, _) => None,
            };
            let newest =
                stripe_operations::newest_of_kind(tx, &scope, stripe_operations::Kind::CreateAccount)?;
            let open = newest.filter(|newest| config.is_none() && newest.status.is_open());
            let in_doubt_ms = open.map(|open| match open.status {
                // It is on its way just now.
                Status::Sent => 0,
                _ => open.lease_until.ms().saturating_sub(now.ms()).max(0),
            });
            Ok::<_, Failure>(Connection {
                in_doubt_ms,
                may_begin: tenants::get(tx, &scope.tenant)?.status.new_work().is_ok(),
                config,
                domain,
            })
        })
        .await
}

/// As [`connection`], for a page that is being looked at: an account that cannot take money yet and of which
/// nothing was heard for a while is read again.
///
/// # Errors
/// When the database fails.
pub async fn connection_watched(app: &App, scope: &Scope) -> Result<Connection, Failure> {
    let known = connection(app, scope).await?;
    let Some(config) = &known.config else {
        return Ok(known);
    };
    let age_ms = app.clock.now().ms().saturating_sub(config.updated_at.ms());
    if config.can_charge() || config.disconnected || age_ms < STALE_MS {
        return Ok(known);
    }
    match onboarding::refresh(app, &config.stripe_account_id, scope.mode).await {
        Ok(_) => connection(app, scope).await,
        Err(failure) => {
            tracing::warn!(%failure, "an account that is being looked at could not be read");
            Ok(known)
        }
    }
}
