//! Refunds of our payments that this installation made and has no row of: after a restore from an older
//! backup there are such. The key of its request says that a refund is one, and only then counts what it
//! was to mean.

use domain::RefundId;
use domain::refund::Settlement;
use serde_json::json;
use store::payments::Payment;
use store::reconciliation_breaks::Kind;
use store::refunds::{self, Origin, Refund};
use store::{Tx, payment_parts};

use super::asked;
use super::seen::RefundFacts;
use crate::audit::{self, Entry};
use crate::observe::open_break;
use crate::{Actor, By, Failure, Moment};

/// What a refund says of itself in its metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The row that it says it has.
    pub id: RefundId,
    /// What it says that it means for the invoice.
    pub settlement: Option<Settlement>,
}

impl Claimed {
    /// Reads the metadata; none for a refund that does not say that it was made here.
    pub fn of(refund: &stripe::Refund) -> Option<Claimed> {
        let said = |name: &str| refund.metadata.get(name).map(String::as_str);
        Some(Claimed {
            id: RefundId::parse(said("refund_id")?).ok()?,
            settlement: said("settlement").and_then(Settlement::from_word),
        })
    }
}

/// The key of the request that makes a refund. Nothing in it is random.
pub fn key(tenant: &domain::TenantId, refund: &RefundId) -> String {
    format!("refund:{tenant}:{refund}")
}

/// Within a transaction: the row of a refund that was made here and is not known. None for one that was
/// made at Stripe. Where only its metadata says that it was made here and forgave the invoice, a person is
/// asked, and until then the invoice is not paid again.
///
/// # Errors
/// When the database fails.
pub fn adopt(
    tx: &mut Tx,
    moment: Moment,
    payment: &Payment,
    by_key: Option<&str>,
    facts: &RefundFacts,
) -> Result<Option<Refund>, Failure> {
    let Some(claimed) = &facts.claimed else {
        return Ok(None);
    };
    let scope = &payment.scope;
    if refunds::get(tx, scope, &claimed.id)?.is_some() {
        return Ok(None);
    }
    let is_ours = by_key == Some(key(&scope.tenant, &claimed.id).as_str());
    let settlement = match (is_ours, claimed.settlement) {
        (true, Some(settlement)) => settlement,
        (true, None) | (false, Some(Settlement::Forgiven)) => {
            ask(tx, moment, payment, facts)?;
            return Ok(None);
        }
        (false, _) => return Ok(None),
    };
    let refund = Refund {
        stripe_refund_id: Some(facts.id.clone()),
        reason: facts.reason.clone(),
        settlement,
        // Its id is as old: lists go by both.
        created_at: facts.created_at.unwrap_or(moment.at),
        ..asked::new(moment, claimed.id.clone(), payment, Origin::Api, facts.amount)
    };
    asked::add(tx, &refund, "adopted")?;
    refunds::add_to_payment(tx, scope, &payment.id, refund.amount, 0)?;
    let after = json!({
        "payment_id": payment.id.as_str(),
        "refund": facts.id,
        "amount": facts.amount,
        "currency": facts.currency,
        "settlement": settlement.word(),
    });
    let entry = Entry {
        action: "refund.adopted",
        subject: refund.id.as_str(),
        before: None,
        after: Some(after.to_string()),
    };
    audit::note(tx, Some(scope), &By::new(Actor::Stripe), moment, &entry)?;
    tracing::warn!(
        refund = facts.id,
        "a refund that the database did not know was made by us"
    );
    Ok(Some(refund))
}

fn ask(tx: &mut Tx, moment: Moment, payment: &Payment, facts: &RefundFacts) -> Result<(), Failure> {
    let detail = format!(
        "{} ({} {} in minor units) says that it was made here, and no refund here is it: it is booked as one \
         of Stripe's dashboard, so that its amount is owed again. Make a credit note if it was forgiven. The \
         invoice is not paid again before this is resolved",
        facts.id, facts.amount, facts.currency
    );
    let (tenant, mode) = (Some(&payment.scope.tenant), payment.scope.mode);
    for (nth, part) in (44_u32..).zip(payment_parts::of(tx, &payment.scope, &payment.id)?) {
        let subject = part.invoice_id.as_str();
        open_break(
            tx,
            moment,
            nth.min(59),
            tenant,
            mode,
            Kind::RefundUnclaimed,
            subject,
            &detail,
        )?;
    }
    Ok(())
}
