//! Subscriptions of Stripe's own billing, mirrored: those of a tenant's clients on its account, and
//! those of tenants on the platform's own. What an event says of one is never believed, since their
//! order says nothing: each is read at Stripe, and stored only where nobody else has stored since it
//! was asked for.

use domain::{Mode, Scope, TenantId, Timestamp};
use store::state_history::{self, Change};
use store::subscriptions::{self as rows, Facts, Invoice, Item};
use store::{Tx, stripe_config, subscription_lists};
use stripe::{AccountId, BillingInvoice, CallError, Subscription, subscriptions};

use crate::asked::{Asked, asked};
use crate::{App, Failure, Moment, onboarding};

/// When one is looked at again that could not be read.
const RETRY_MS: i64 = 10 * 60 * 1000;
/// Pages of an account's subscriptions that are read at a time, of at most a hundred each.
const PAGES_PER_LOOK: usize = 10;

/// On whose account a subscription is.
#[derive(Clone, Debug)]
pub struct Place {
    /// The tenant's scope, or the platform's own.
    pub scope: Scope,
    /// The tenant's account; none for the platform's own.
    pub account: Option<AccountId>,
}

impl Place {
    /// Where a verified event's account is: the platform's own without one, else with the tenant that has it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn of(tx: &mut Tx, account: &str, mode: Mode) -> Result<Option<Place>, Failure> {
        if account.is_empty() {
            let tenant = TenantId::platform();
            return Ok(Some(Place {
                scope: Scope { tenant, mode },
                account: None,
            }));
        }
        let config = stripe_config::by_account(tx, account, mode)?;
        let place = |config: stripe_config::StripeConfig| {
            Ok(Place {
                account: Some(AccountId::parse(&config.stripe_account_id)?),
                scope: config.scope,
            })
        };
        config.map(place).transpose()
    }

    fn account(&self) -> &str {
        self.account.as_ref().map_or("", AccountId::as_str)
    }
}

/// The version that is stored, to be taken before Stripe is asked; 0 where nothing is stored.
///
/// # Errors
/// When the database fails.
pub fn version(tx: &mut Tx, place: &Place, id: &str) -> Result<i64, Failure> {
    Ok(rows::get(tx, &place.scope, id)?.map_or(0, |known| known.version))
}

/// Within a transaction: stores what Stripe answered to a question asked when `before` was the version.
/// `false` when somebody else has stored since, whose answer may be the newer one: ask again.
///
/// # Errors
/// When the database fails.
pub fn keep(
    tx: &mut Tx,
    moment: Moment,
    place: &Place,
    now: &Subscription,
    before: i64,
    cause: &str,
) -> Result<bool, Failure> {
    let known = rows::get(tx, &place.scope, &now.id)?;
    if known.as_ref().map_or(0, |known| known.version) != before {
        return Ok(false);
    }
    let row = rows::Subscription {
        scope: place.scope.clone(),
        id: now.id.clone(),
        stripe_account_id: place.account().to_owned(),
        stripe_customer_id: now.customer.clone(),
        version: before.saturating_add(1),
        facts: facts_of(now),
        unreachable_since: None,
        paid_by: None,
        created_at: moment.at,
        updated_at: moment.at,
    };
    let old_status = known.as_ref().map(|known| known.facts.status.as_str());
    if let Some(known) = &known
        && (&known.facts, &known.stripe_account_id, &known.stripe_customer_id)
            == (&row.facts, &row.stripe_account_id, &row.stripe_customer_id)
    {
        rows::mark_reached(tx, &place.scope, &now.id)?;
        return Ok(true);
    }
    if !rows::put(tx, &row, moment.at)? {
        return Ok(false);
    }
    if old_status != Some(now.status.as_str()) {
        let change = Change {
            scope: &place.scope,
            subject_id: &now.id,
            version: row.version,
            from: old_status,
            to: &now.status,
            cause,
        };
        state_history::insert(tx, &change, moment.at)?;
    }
    Ok(true)
}

/// Reads one again that nobody told of: its account was connected again.
///
/// # Errors
/// When Stripe or the database does not answer; it is due again later.
pub async fn read_again(app: &App, row: &rows::Subscription) -> Result<(), Failure> {
    let (scope, id, later) = (
        row.scope.clone(),
        row.id.clone(),
        app.clock.now().plus_ms(RETRY_MS),
    );
    app.db
        .write(move |tx| rows::check_later(tx, &scope, &id, later))
        .await?;
    let place = Place {
        scope: row.scope.clone(),
        account: AccountId::parse(&row.stripe_account_id).ok(),
    };
    let (client, id, before) = (app.stripe(row.scope.mode)?, row.id.clone(), row.version);
    let account = place.account.as_ref();
    match asked(subscriptions::retrieve(client, account, &row.id).await) {
        Err(Failure::AccountGone) => {
            onboarding::refresh(app, &row.stripe_account_id, row.scope.mode).await?;
            lose(app, place.scope, id).await
        }
        Err(failure) => Err(failure),
        Ok(Asked::Is(now)) => {
            let moment = app.moment();
            app.db
                .write(move |tx| keep(tx, moment, &place, &now, before, "retrieved"))
                .await?;
            Ok(())
        }
        Ok(Asked::Nothing | Asked::Refused(_)) => lose(app, place.scope, id).await,
    }
}

/// Within a transaction: events of the account are missing. What is known of it is read again, and the
/// rest is listed.
///
/// # Errors
/// When the database fails.
pub fn want(tx: &mut Tx, mode: Mode, account: &str, at: Timestamp) -> Result<(), Failure> {
    if let Some(place) = Place::of(tx, account, mode)? {
        rows::check_account(tx, &place.scope, account, at)?;
    }
    Ok(subscription_lists::want(tx, mode, account)?)
}

/// Mirrors the subscriptions of an account that no event has told of, if they were not listed before: those
/// that were there when it was connected, or were made while events were missing.
///
/// # Errors
/// When Stripe or the database does not answer; it is read on from there the next time.
pub async fn list(app: &App, mode: Mode, account: &str) -> Result<(), Failure> {
    for _ in 0..PAGES_PER_LOOK {
        let of = account.to_owned();
        let read = app.db.read(move |tx| {
            let place = Place::of(tx, &of, mode)?;
            let after = subscription_lists::open(tx, mode, &of)?;
            Ok::<_, Failure>(place.zip(after))
        });
        let Some((place, after)) = read.await? else {
            return Ok(());
        };
        let client = app.stripe(mode)?;
        let on = place.account.as_ref();
        let page = match subscriptions::list(client, on, None, after.as_deref()).await {
            Err(CallError::Rejected(refused))
                if after.is_some() && refused.code.as_deref() == Some("resource_missing") =>
            {
                // The subscription at which the last page ended is gone: from the beginning.
                let of = account.to_owned();
                app.db
                    .write(move |tx| subscription_lists::want(tx, mode, &of))
                    .await?;
                return Ok(());
            }
            page => page?,
        };
        let moment = app.moment();
        app.db
            .write(move |tx| take_in(tx, moment, &place, &page.data, page.has_more))
            .await?;
    }
    Ok(())
}

fn take_in(
    tx: &mut Tx,
    moment: Moment,
    place: &Place,
    page: &[Subscription],
    has_more: bool,
) -> Result<(), Failure> {
    for subscription in page {
        // Where one is stored already, its events keep it: what was just listed may be the older of the two.
        keep(tx, moment, place, subscription, 0, "listed")?;
    }
    let last = page.last().filter(|_| has_more).map(|last| last.id.as_str());
    let ended = last.is_none().then_some(moment.at);
    let (mode, account) = (place.scope.mode, place.account());
    Ok(subscription_lists::store(tx, mode, account, last, ended)?)
}

/// Stripe does not show it any more.
async fn lose(app: &App, scope: Scope, id: String) -> Result<(), Failure> {
    let at = app.clock.now();
    Ok(app
        .db
        .write(move |tx| rows::mark_unreachable(tx, &scope, &id, at))
        .await?)
}

fn facts_of(now: &Subscription) -> Facts {
    let time = |seconds: Option<i64>| seconds.map(|s| Timestamp::from_ms(s.saturating_mul(1000)));
    let period = now.current_period();
    let invoice = now.latest_invoice.as_ref();
    let item = |item: &subscriptions::Item| Item {
        id: item.id.clone(),
        price_id: item.price.clone(),
        quantity: item.quantity,
        unit_amount: item.unit_amount,
        currency: item.currency.clone(),
        interval: item.interval.clone(),
        interval_count: item.interval_count,
    };
    Facts {
        status: now.status.clone(),
        currency: now.currency.clone(),
        collection_method: now.collection_method.clone(),
        period_start: time(period.map(|period| period.0)),
        period_end: time(period.map(|period| period.1)),
        trial_start: time(now.trial_start),
        trial_end: time(now.trial_end),
        cancel_at: time(now.cancel_at),
        cancel_at_period_end: now.cancel_at_period_end,
        canceled_at: time(now.canceled_at),
        ended_at: time(now.ended_at),
        started_at: time(now.created),
        invoice: invoice.map(|invoice| invoice_of(&invoice.id, invoice.object.as_deref())),
        items: now.items.iter().map(item).collect(),
    }
}

fn invoice_of(id: &str, invoice: Option<&BillingInvoice>) -> Invoice {
    Invoice {
        id: id.to_owned(),
        status: invoice.and_then(|invoice| invoice.status.clone()),
        amount_due: invoice.and_then(|invoice| invoice.amount_due),
        amount_paid: invoice.and_then(|invoice| invoice.amount_paid),
        currency: invoice.and_then(|invoice| invoice.currency.clone()),
        url: invoice.and_then(|invoice| invoice.hosted_invoice_url.clone()),
    }
}
