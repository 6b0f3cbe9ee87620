//! Money that arrived: all of it is booked, whatever the invoices take up.

use domain::ledger::Share;
use domain::payment::parts::{self, Arriving};
use domain::payment::{IntentStatus, PaymentState};
use domain::{ClientCreditId, Currency, LedgerTransactionId, Money, ledger};
use store::client_credits::{self, ClientCredit};
use store::invoices::Invoice;
use store::ledger::Posting;
use store::payments::Payment;
use store::reconciliation_breaks::Kind;
use store::{Tx, payment_parts};

use super::{IntentFacts, open_break};
use crate::{Failure, Moment};

/// Books money that arrived, all of it, and raises what its invoices have taken up. Each is beside what the
/// payment asked for it, minor units. What does not fit is the client's credit and a break for a person to
/// see.
pub fn book(
    tx: &mut Tx,
    moment: Moment,
    payment: &Payment,
    of_parts: &mut [(i64, Invoice)],
    facts: &IntentFacts,
) -> Result<(), Failure> {
    let currency = Currency::parse(&facts.currency).map_err(|_| {
        Failure::Bug(format!(
            "{} is in the unknown currency {}",
            facts.id, facts.currency
        ))
    })?;
    let shares = take_up(tx, payment, of_parts, currency, facts.received)?;
    let taken_up: i64 = shares.iter().map(|share| share.amount_minor).sum();
    let transaction = ledger::payment(Money::new(facts.received, currency), &shares)?;
    let posting = Posting {
        scope: &payment.scope,
        id: LedgerTransactionId::new(moment.at, moment.random(0)),
        source_id: &facts.id,
        invoice_id: Some(&payment.invoice_id),
        payment_id: Some(&payment.id),
        reverses: None,
        at: moment.at,
    };
    store::ledger::post(tx, &posting, &transaction)?;
    if taken_up < facts.received {
        let left = Money::new(facts.received.saturating_sub(taken_up), currency);
        credit(tx, moment, payment, of_parts, facts, left)?;
    }
    let fits = of_parts.iter().all(|(_, invoice)| invoice.currency == currency);
    if !fits || facts.amount != payment.amount {
        let detail = format!(
            "asked for {}, the intent says {} {}",
            payment.asked(),
            facts.amount,
            facts.currency
        );
        see(tx, moment, 12, payment, Kind::AmountMismatch, &facts.id, &detail)?;
    }
    Ok(())
}

/// Whether Stripe says that another amount has arrived by a payment than the one that is booked.
pub fn differs(payment: &Payment, status: IntentStatus, facts: &IntentFacts) -> bool {
    status == IntentStatus::Succeeded
        && payment.status == PaymentState::At(IntentStatus::Succeeded)
        && payment.received != facts.received
}

/// Stripe itself says so: the books stay as they are, and a person has to look.
pub fn see_another(
    tx: &mut Tx,
    moment: Moment,
    payment: &Payment,
    facts: &IntentFacts,
) -> Result<(), Failure> {
    let detail = format!(
        "received {} is booked, and Stripe says {} {} now",
        Money::new(payment.received, payment.currency),
        facts.received,
        facts.currency
    );
    see(tx, moment, 12, payment, Kind::AmountMismatch, &facts.id, &detail)
}

/// Gives what arrived to the invoices in their order, as far as it is owed.
fn take_up(
    tx: &mut Tx,
    payment: &Payment,
    of_parts: &mut [(i64, Invoice)],
    currency: Currency,
    received: i64,
) -> Result<Vec<Share>, Failure> {
    let arriving = |(asked, invoice): &(i64, Invoice)| Arriving {
        state: invoice.status,
        asked: *asked,
        owed: if currency == invoice.currency {
            invoice.owed().minor()
        } else {
            0
        },
    };
    let arriving: Vec<Arriving> = of_parts.iter().map(arriving).collect();
    let mut shares = Vec::with_capacity(of_parts.len());
    for (amount_minor, (_, invoice)) in parts::take_up(&arriving, received).into_iter().zip(of_parts) {
        invoice.applied = invoice.applied.saturating_add(amount_minor);
        payment_parts::apply(tx, &payment.scope, &payment.id, &invoice.id, amount_minor)?;
        shares.push(Share {
            invoice: invoice.id.clone(),
            amount_minor,
        });
    }
    Ok(shares)
}

/// What no invoice took up is the client's.
fn credit(
    tx: &mut Tx,
    moment: Moment,
    payment: &Payment,
    of_parts: &[(i64, Invoice)],
    facts: &IntentFacts,
    left: Money,
) -> Result<(), Failure> {
    let Some((_, invoice)) = of_parts.first() else {
        return Err(Failure::Bug(format!("payment {} pays nothing", payment.id)));
    };
    let received = Money::new(facts.received, left.currency());
    let taken_up = facts.received.saturating_sub(left.minor());
    let detail = format!(
        "received {received}; the {} invoice {} takes up {taken_up} minor units, the rest is client credit",
        invoice.status.word(),
        invoice.id
    );
    let credit = ClientCredit {
        id: ClientCreditId::new(moment.at, moment.random(13)),
        client_id: invoice.client_id.clone(),
        currency: left.currency(),
        amount: left.minor(),
        remaining: left.minor(),
        invoice_id: Some(invoice.id.clone()),
        payment_id: Some(payment.id.clone()),
        credit_note_id: None,
        created_at: moment.at,
    };
    client_credits::insert(tx, &payment.scope, &credit)?;
    see(tx, moment, 11, payment, Kind::Overpayment, &facts.id, &detail)
}

fn see(
    tx: &mut Tx,
    moment: Moment,
    id: u32,
    payment: &Payment,
    kind: Kind,
    subject: &str,
    detail: &str,
) -> Result<(), Failure> {
    let (tenant, mode) = (Some(&payment.scope.tenant), payment.scope.mode);
    open_break(tx, moment, id, tenant, mode, kind, subject, detail)
}
