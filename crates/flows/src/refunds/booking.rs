//! What a refund does to invoices, credit and books when its money leaves, and when it comes back.

use domain::credit_note::Outgoing;
use domain::ledger::{self, Share};
use domain::refund::{self, Settlement, Taken};
use domain::{ClientCreditId, InvoiceId, LedgerTransactionId, Scope};
use store::client_credits::{self, ClientCredit};
use store::invoices::{self, Invoice};
use store::ledger::Posting;
use store::payments::Payment;
use store::refunds::{self, Refund, Taking};
use store::{Tx, credit_applications, credit_notes, payment_parts};

use crate::credit_notes::{Wanted, issue};
use crate::{Failure, Moment, invoice_moves};

/// What the client reads on a credit note that forgives a refund.
const REASON: &str = "Refunded.";

/// A refund whose money moved, and what caused that.
#[derive(Clone, Copy)]
pub struct Moved<'a> {
    /// When.
    pub moment: Moment,
    /// What it gives back.
    pub payment: &'a Payment,
    /// The refund.
    pub refund: &'a Refund,
    /// For the history of states.
    pub cause: &'a str,
}

/// What a refund of a payment, or its loss to a bank, may be taken from.
pub struct Sources {
    /// Credit that the same money left behind, and that nobody has used.
    pub credits: Vec<ClientCredit>,
    /// The invoices. The last part goes first, and after the parts the invoices that were paid by credit that
    /// the money had left behind.
    pub invoices: Vec<Source>,
}

/// An invoice that a refund may be taken from, in minor units.
pub struct Source {
    /// The invoice.
    pub invoice: Invoice,
    /// What it has taken up of this very payment.
    pub own: i64,
    /// What may be taken from it at first: of this payment's own money.
    offered: i64,
    /// Whether the payment pays it, or credit of the payment has.
    is_part: bool,
}

impl Sources {
    pub fn of(tx: &mut Tx, payment: &Payment, named: Option<&InvoiceId>) -> Result<Sources, Failure> {
        let scope = &payment.scope;
        let is_meant = |invoice: &InvoiceId| named.is_none_or(|named| named == invoice);
        let mut credits = client_credits::of_payment(tx, scope, &payment.id)?;
        let mut invoices = Vec::new();
        for part in payment_parts::of(tx, scope, &payment.id)?.into_iter().rev() {
            let Some(invoice) = invoices::get(tx, scope, &part.invoice_id)? else {
                return Err(Failure::Bug(format!("invoice {} is gone", part.invoice_id)));
            };
            for credit in client_credits::of_invoice(tx, scope, &invoice.id)? {
                if !credits.iter().any(|known| known.id == credit.id) {
                    credits.push(credit);
                }
            }
            if is_meant(&invoice.id) && invoice.currency == payment.currency {
                invoices.push(Source {
                    offered: part.applied.min(invoice.applied),
                    own: part.applied,
                    is_part: true,
                    invoice,
                });
            }
        }
        for credit in &credits {
            let is_own = credit.payment_id.as_ref() == Some(&payment.id);
            let of_meant = credit.invoice_id.as_ref().is_none_or(is_meant);
            if is_own && of_meant && credit.remaining < credit.amount {
                paid_by_credit(tx, payment, credit, &mut invoices)?;
            }
        }
        credits.retain(|credit| {
            credit.currency == payment.currency
                && credit.remaining > 0
                && credit.invoice_id.as_ref().is_none_or(is_meant)
        });
        Ok(Sources { credits, invoices })
    }

    fn offered(&self) -> (Vec<i64>, Vec<i64>) {
        let credits = self.credits.iter().map(|credit| credit.remaining);
        let invoices = self.invoices.iter().map(|source| source.offered);
        (credits.collect(), invoices.collect())
    }

    /// What a share is taken from, in that order.
    fn takings(&self, payment: &Payment, taken: &Taken) -> Vec<Taking> {
        let credits = self.credits.iter().zip(&taken.credits);
        let credits = credits.map(|(credit, amount)| Taking {
            invoice_id: match &credit.invoice_id {
                Some(invoice) => invoice.clone(),
                None => payment.invoice_id.clone(),
            },
            client_credit_id: Some(credit.id.clone()),
            amount: *amount,
        });
        let invoices = self.invoices.iter().zip(&taken.parts);
        let invoices = invoices.map(|(source, amount)| Taking {
            invoice_id: source.invoice.id.clone(),
            client_credit_id: None,
            amount: *amount,
        });
        credits
            .chain(invoices)
            .filter(|taking| taking.amount > 0)
            .collect()
    }

    /// Shares an amount out: unused credit first, then the payment's own money in its invoices, then the
    /// invoices that its credit has paid, and last what others have paid of its invoices: their refund may
    /// have used this payment's credit.
    pub fn share(&self, amount: i64) -> Taken {
        let (credits, invoices) = self.offered();
        let mut taken = refund::take(amount, &credits, &invoices);
        let of_others: Vec<i64> = self
            .invoices
            .iter()
            .zip(&taken.parts)
            .map(|(source, own)| match source.is_part {
                true => source.invoice.applied.saturating_sub(*own),
                false => 0,
            })
            .collect();
        let more = refund::take(taken.rest, &[], &of_others);
        for (own, other) in taken.parts.iter_mut().zip(&more.parts) {
            *own = own.saturating_add(*other);
        }
        taken.rest = more.rest;
        taken
    }
}

/// The invoices that a piece of credit has paid: they are owed again where its money goes back.
fn paid_by_credit(
    tx: &mut Tx,
    payment: &Payment,
    credit: &ClientCredit,
    invoices: &mut Vec<Source>,
) -> Result<(), Failure> {
    for (id, amount) in credit_applications::of_credit(tx, &payment.scope, &credit.id)? {
        if let Some(known) = invoices.iter_mut().find(|source| source.invoice.id == id) {
            known.offered = known.offered.saturating_add(amount).min(known.invoice.applied);
            continue;
        }
        if let Some(invoice) = invoices::get(tx, &payment.scope, &id)?
            && invoice.currency == payment.currency
        {
            invoices.push(Source {
                offered: amount.min(invoice.applied),
                own: 0,
                is_part: false,
                invoice,
            });
        }
    }
    Ok(())
}

/// What can be taken back of a payment, or of one of its invoices, in minor units.
///
/// # Errors
/// When the database fails.
pub fn available(tx: &mut Tx, payment: &Payment, invoice: Option<&InvoiceId>) -> Result<i64, Failure> {
    let (credits, invoices) = Sources::of(tx, payment, invoice)?.offered();
    Ok(credits.iter().chain(&invoices).sum())
}

/// What of a payment's money for an invoice is the client's unused credit, in minor units: refunds take it
/// first.
///
/// # Errors
/// When the database fails.
pub fn unused_credit(tx: &mut Tx, payment: &Payment, invoice: &InvoiceId) -> Result<i64, Failure> {
    let (credits, _) = Sources::of(tx, payment, Some(invoice))?.offered();
    Ok(credits.iter().sum())
}

/// How much of a refund can be forgiven, in minor units: what comes out of unused credit is owed by nobody,
/// and of each invoice what its credit notes have left.
///
/// # Errors
/// When the database fails.
pub fn forgivable(
    tx: &mut Tx,
    payment: &Payment,
    named: Option<&InvoiceId>,
    amount: i64,
) -> Result<i64, Failure> {
    let sources = Sources::of(tx, payment, named)?;
    let taken = sources.share(amount);
    let of_credit: i64 = taken.credits.iter().sum();
    let mut outgoing = Vec::new();
    for (source, part) in sources.invoices.iter().zip(&taken.parts) {
        outgoing.push(Outgoing {
            taken_minor: *part,
            total_minor: source.invoice.total.minor(),
            noted_minor: noted(tx, &payment.scope, &source.invoice)?,
        });
    }
    let can_be = domain::credit_note::forgivable(&outgoing);
    let sum = can_be.iter().fold(of_credit, |sum, one| sum.saturating_add(*one));
    // What nothing is found for any more is in no invoice that could be owed again.
    Ok(sum.saturating_add(taken.rest))
}

/// What a refund is taken from, in that order: as it was booked, or as it would be now.
///
/// # Errors
/// When the database fails.
pub fn takings(tx: &mut Tx, payment: &Payment, refund: &Refund) -> Result<Vec<Taking>, Failure> {
    if refund.booked_at.is_some() {
        return Ok(refunds::takings(tx, &refund.scope, &refund.id)?);
    }
    if !refund.status.is_reserved() {
        return Ok(Vec::new());
    }
    let sources = Sources::of(tx, payment, refund.invoice_id.as_ref())?;
    Ok(sources.takings(payment, &sources.share(refund.amount)))
}

/// The money has left: unused credit gives first, then the invoices, which are owed again, or forgiven by a
/// credit note each.
///
/// # Errors
/// When the database fails, or a posting does not balance.
pub fn take(tx: &mut Tx, moved: Moved<'_>) -> Result<(), Failure> {
    let Moved {
        moment,
        payment,
        refund,
        ..
    } = moved;
    let mut sources = Sources::of(tx, payment, refund.invoice_id.as_ref())?;
    let mut taken = sources.share(refund.amount);
    if taken.rest > 0 && refund.invoice_id.is_some() {
        // The named invoice gave it up meanwhile: then what else the payment paid gives.
        sources = Sources::of(tx, payment, None)?;
        taken = sources.share(refund.amount);
    }
    let takings = sources.takings(payment, &taken);
    for taking in &takings {
        if let Some(credit) = &taking.client_credit_id
            && !client_credits::take(tx, &refund.scope, credit, taking.amount)?
        {
            return Err(store::Error::Conflict.into());
        }
    }
    let shares = shares_of(&takings);
    post(tx, moved, &ledger::refund(refund.money(), &shares)?, None)?;
    refunds::take_in(tx, &refund.scope, &refund.id, &takings, moment.at)?;
    let of_invoices = takings.iter().filter(|taking| taking.client_credit_id.is_none());
    for (nth, taking) in (0_u32..).zip(of_invoices) {
        let found = sources
            .invoices
            .iter_mut()
            .find(|source| source.invoice.id == taking.invoice_id);
        if let Some(source) = found {
            owe_again(tx, moved, &mut source.invoice, source.own, taking.amount, nth)?;
        }
    }
    Ok(())
}

fn shares_of(takings: &[Taking]) -> Vec<Share> {
    let of_invoices = takings.iter().filter(|taking| taking.client_credit_id.is_none());
    of_invoices
        .map(|taking| Share {
            invoice: taking.invoice_id.clone(),
            amount_minor: taking.amount,
        })
        .collect()
}

fn owe_again(
    tx: &mut Tx,
    moved: Moved<'_>,
    invoice: &mut Invoice,
    own: i64,
    amount: i64,
    nth: u32,
) -> Result<(), Failure> {
    let Moved {
        moment,
        refund,
        cause,
        ..
    } = moved;
    let scope = &refund.scope;
    invoice.applied = invoice.applied.saturating_sub(amount);
    payment_parts::apply(tx, scope, &refund.payment_id, &invoice.id, -amount.min(own))?;
    let forgiven = match refund.settlement {
        Settlement::StillOwed => 0,
        Settlement::Forgiven => amount.min(left_to_credit(tx, scope, invoice)?),
    };
    if forgiven == 0 {
        return invoice_moves::settle(tx, moment, scope, invoice, cause);
    }
    let wanted = Wanted {
        amount_minor: forgiven,
        reason: REASON,
        refund_id: Some(refund.id.as_str()),
        dispute: None,
        cause,
        first_id: 60_u32.saturating_add(nth.saturating_mul(3)),
    };
    issue(tx, moment, scope, invoice, &wanted)?;
    Ok(())
}

/// Credit notes of an invoice are never more than its total.
fn left_to_credit(tx: &mut Tx, scope: &Scope, invoice: &Invoice) -> Result<i64, Failure> {
    let before = noted(tx, scope, invoice)?;
    Ok(invoice.total.minor().saturating_sub(before).max(0))
}

/// The sum of an invoice's credit notes, in minor units.
fn noted(tx: &mut Tx, scope: &Scope, invoice: &Invoice) -> Result<i64, Failure> {
    let notes = credit_notes::of_invoice(tx, scope, &invoice.id)?;
    Ok(notes.iter().map(|note| note.total).sum())
}

/// The money is back: what was taken of credit is credit again, and each invoice takes up what is still owed
/// of it. What was forgiven, or paid again, is the client's credit.
///
/// # Errors
/// When the database fails, or a posting does not balance.
pub fn restore(tx: &mut Tx, moved: Moved<'_>) -> Result<(), Failure> {
    let refund = moved.refund;
    let takings = refunds::takings(tx, &refund.scope, &refund.id)?;
    let mut shares = Vec::new();
    let mut is_mirror = true;
    for (nth, taking) in (0_u32..).zip(&takings) {
        if let Some(credit) = &taking.client_credit_id {
            if !client_credits::take(tx, &refund.scope, credit, -taking.amount)? {
                return Err(Failure::Bug(format!("credit {credit} takes nothing back")));
            }
            continue;
        }
        let applied = settle_again(tx, moved, taking, nth)?;
        is_mirror &= applied == taking.amount;
        shares.push(Share {
            invoice: taking.invoice_id.clone(),
            amount_minor: applied,
        });
    }
    let reverses = match (is_mirror, refund.stripe_refund_id.as_deref()) {
        (true, Some(id)) => store::ledger::find(tx, &refund.scope, ledger::Kind::Refund, id)?,
        _ => None,
    };
    let transaction = ledger::refund_reversal(refund.money(), &shares)?;
    post(tx, moved, &transaction, reverses)
}

/// Answers how much the invoice took up again, in minor units.
fn settle_again(tx: &mut Tx, moved: Moved<'_>, taking: &Taking, nth: u32) -> Result<i64, Failure> {
    let Moved {
        moment,
        payment,
        refund,
        cause,
    } = moved;
    let scope = &refund.scope;
    let Some(mut invoice) = invoices::get(tx, scope, &taking.invoice_id)? else {
        return Err(Failure::Bug(format!("invoice {} is gone", taking.invoice_id)));
    };
    let owed = domain::payment::applied(invoice.status, invoice.owed().minor(), taking.amount);
    let restored = refund::restore(taking.amount, owed);
    invoice.applied = invoice.applied.saturating_add(restored.applied);
    let parts = payment_parts::of(tx, scope, &payment.id)?;
    let in_parts: i64 = parts.iter().map(|part| part.applied).sum();
    let room = payment.received.saturating_sub(in_parts).max(0);
    let part = parts.iter().find(|part| part.invoice_id == invoice.id);
    let room = part.map_or(0, |part| {
        room.min(part.amount.saturating_sub(part.applied)).max(0)
    });
    payment_parts::apply(tx, scope, &payment.id, &invoice.id, restored.applied.min(room))?;
    if restored.credit > 0 {
        let credit = ClientCredit {
            id: ClientCreditId::new(moment.at, moment.random(50_u32.saturating_add(nth))),
            client_id: invoice.client_id.clone(),
            currency: refund.currency,
            amount: restored.credit,
            remaining: restored.credit,
            invoice_id: Some(invoice.id.clone()),
            payment_id: Some(payment.id.clone()),
            credit_note_id: None,
            created_at: moment.at,
        };
        client_credits::insert(tx, scope, &credit)?;
    }
    invoice_moves::settle(tx, moment, scope, &mut invoice, cause)?;
    Ok(restored.applied)
}

fn post(
    tx: &mut Tx,
    moved: Moved<'_>,
    transaction: &ledger::Transaction,
    reverses: Option<LedgerTransactionId>,
) -> Result<(), Failure> {
    let Moved {
        moment,
        payment,
        refund,
        ..
    } = moved;
    let nth = match transaction.kind() {
        ledger::Kind::RefundReversal => 45,
        _ => 44,
    };
    let Some(source_id) = refund.stripe_refund_id.as_deref() else {
        return Err(Failure::Bug(format!("refund {} is not at Stripe", refund.id)));
    };
    let posting = Posting {
        scope: &refund.scope,
        id: LedgerTransactionId::new(moment.at, moment.random(nth)),
        source_id,
        invoice_id: refund.invoice_id.as_ref().or(Some(&payment.invoice_id)),
        payment_id: Some(&payment.id),
        reverses,
        at: moment.at,
    };
    store::ledger::post(tx, &posting, transaction)?;
    Ok(())
}
