//! Which request made a refund that says that it was made here and that no row knows: its event at Stripe
//! names the key, whether or not a webhook has brought it.

use store::payments::Payment;
use stripe::AccountId;
use stripe::events::{self, Envelope, OfType, REFUND_CREATED};

use super::adopted;
use super::seen::{self, RefundFacts};
use crate::asked::{Asked, asked};
use crate::operations::PAGES_MAX;
use crate::{App, Failure};

/// An event is made with its refund. The two may count seconds differently.
const AROUND_S: i64 = 60;

/// Whether a refund says that it was made here, and neither a row nor the key that is known says whose it is.
pub fn is_open(facts: &RefundFacts, payment: &Payment, key: Option<&str>) -> bool {
    let claimed = facts.claimed.as_ref();
    claimed.is_some_and(|claimed| key != Some(&adopted::key(&payment.scope.tenant, &claimed.id)))
}

/// The key of the request that made a refund, as far as it is known: `key` where it is that one or where the
/// refund is known, and else what Stripe's event of it says, if Stripe still has it.
///
/// # Errors
/// When Stripe or the database does not answer.
pub async fn key_of(
    app: &App,
    payment: &Payment,
    facts: &RefundFacts,
    key: Option<&str>,
) -> Result<Option<String>, Failure> {
    let said = key.map(str::to_owned);
    if !is_open(facts, payment, key) {
        return Ok(said);
    }
    let (of, seen) = (payment.clone(), facts.clone());
    let known = app
        .db
        .read(move |tx| Ok::<_, Failure>(seen::find(tx, &of, None, &seen)?.is_some()));
    let (false, Some(created)) = (known.await?, facts.created_at) else {
        return Ok(said);
    };
    let client = app.stripe(payment.scope.mode)?;
    let account = AccountId::parse(&payment.stripe_account_id)?;
    let wanted = OfType {
        type_: REFUND_CREATED,
        from_s: created.seconds().saturating_sub(AROUND_S),
        until_s: created.seconds().saturating_add(AROUND_S),
    };
    let is_it = |event: &&Envelope| event.object_id.as_ref() == Some(&facts.id);
    let mut after: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let listed = events::list_of_type(client, &account, &wanted, after.as_deref()).await;
        let Asked::Is(page) = asked(listed)? else {
            // The key may not read events: a person is asked, as where Stripe has forgotten them.
            return Ok(said);
        };
        if let Some(event) = page.data.iter().find(is_it) {
            return Ok(event.idempotency_key.clone().or(said));
        }
        after = page.data.last().map(|event| event.id.clone());
        if !page.has_more || after.is_none() {
            break;
        }
    }
    Ok(said)
}
