//! Which customer of the platform's own Stripe account a tenant is. The operator says so; metadata
//! never does. By it the subscriptions on the platform's account are the tenant's.

use domain::{Mode, Refusal, Scope, TenantId};
use store::{Tx, platform_customers as links, tenants};
use stripe::{Subscription, customers, subscriptions};

use crate::asked::{Asked, asked};
use crate::audit::{self, Entry};
use crate::subscriptions::{self as mirror, Place};
use crate::{App, By, Failure, Moment};

/// The field that names the customer.
const FIELD: &str = "stripe_customer_id";
/// Pages of a customer's subscriptions that are read when it is linked; a customer has at most 500.
const PAGES_MAX: usize = 5;

/// Links a tenant to a customer of the platform's in a mode, or to none. What the customer subscribes to
/// already is mirrored at once.
///
/// # Errors
/// [`Refusal::NotFound`] for the tenant; [`Refusal::InvalidField`] for a customer that Stripe does not
/// know on the platform's own account, or that another tenant is; when Stripe does not answer.
pub async fn link(
    app: &App,
    by: &By,
    tenant: &TenantId,
    mode: Mode,
    customer: Option<&str>,
) -> Result<(), Failure> {
    let scope = Scope {
        tenant: tenant.clone(),
        mode,
    };
    let wanted = scope.tenant.clone();
    let known = app.db.read(move |tx| tenants::find(tx, &wanted)).await?;
    known.ok_or(Refusal::NotFound)?;
    let subscribed = match customer {
        Some(customer) => subscribed_to(app, mode, customer).await?,
        None => Vec::new(),
    };
    let (moment, by, customer) = (app.moment(), by.clone(), customer.map(str::to_owned));
    let linked = app
        .db
        .write(move |tx| set(tx, &scope, &by, moment, customer.as_deref(), &subscribed));
    match linked.await {
        Err(Failure::Store(store::Error::Unique { constraint }))
            if constraint == "platform_customers_customer" =>
        {
            Err(Refusal::invalid(FIELD, "is another tenant's customer").into())
        }
        linked => linked,
    }
}

fn set(
    tx: &mut Tx,
    scope: &Scope,
    by: &By,
    moment: Moment,
    customer: Option<&str>,
    subscribed: &[Subscription],
) -> Result<(), Failure> {
    let before = links::get(tx, scope)?;
    if before.as_deref() != customer {
        match customer {
            Some(customer) => links::put(tx, scope, customer, moment.at)?,
            None => links::remove(tx, scope)?,
        }
        let shown = |customer: Option<&str>| {
            customer.map(|id| serde_json::json!({FIELD: id, "mode": scope.mode.word()}).to_string())
        };
        let entry = Entry {
            action: "tenant.customer_linked",
            subject: scope.tenant.as_str(),
            before: shown(before.as_deref()),
            after: shown(customer),
        };
        audit::note(tx, None, by, moment, &entry)?;
    }
    let place = Place {
        scope: Scope {
            tenant: TenantId::platform(),
            mode: scope.mode,
        },
        account: None,
    };
    for subscription in subscribed {
        // Where one is stored already, its events keep it: what was just listed may be the older of the two.
        mirror::keep(tx, moment, &place, subscription, 0, "listed")?;
    }
    Ok(())
}

/// What a customer of the platform's subscribes to.
async fn subscribed_to(app: &App, mode: Mode, customer: &str) -> Result<Vec<Subscription>, Failure> {
    let client = app.stripe(mode)?;
    let unknown = || Refusal::invalid(FIELD, "must be a customer on the platform's own Stripe account");
    if !customer.starts_with("cus_") {
        return Err(unknown().into());
    }
    match asked(customers::retrieve_of_platform(client, customer).await)? {
        Asked::Is(found) if !found.deleted => {}
        Asked::Is(_) | Asked::Nothing | Asked::Refused(_) => return Err(unknown().into()),
    }
    let mut all: Vec<Subscription> = Vec::new();
    for _ in 0..PAGES_MAX {
        let after = all.last().map(|last| last.id.as_str());
        let page = subscriptions::list(client, None, Some(customer), after).await?;
        all.extend(page.data);
        if !page.has_more {
            break;
        }
    }
    Ok(all)
}
