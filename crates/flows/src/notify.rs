//! Who is told of what happens, in the transaction in which it happens: the client of its money, staff of
//! what they chose to hear of. One function for each fact; a fact that is observed again mails nobody again.

use domain::mail::MailKind;
use domain::payment::{IntentStatus, PaymentState};
use domain::refund::{RefundState, RefundStatus, Settlement};
use domain::seal::Day;
use domain::{InvoiceId, Money, Scope, Timestamp};
use store::disputes::Dispute;
use store::invoices::{self, Invoice};
use store::offline_payments::OfflinePayment;
use store::payments::Payment;
use store::payouts::Payout;
use store::refunds::{Origin, Refund};
use store::stripe_config::StripeConfig;
use store::{Tx, clients as client_rows, mail_settings as settings_rows};
use store::{pay_links, payment_parts, payments};

use crate::mails::recipients::{self, Receiver, Receivers};
use crate::mails::words::clients::{self, OfPayment, Reader};
use crate::mails::words::staff::{self, Colleague, OfClient};
use crate::mails::{Attachment, Letter, NewMail, To, queue_once, sending};
use crate::observe::ChargeFacts;
use crate::onboarding::RequirementsKept;
use crate::pay_links::for_mail;
use crate::{Failure, Moment, mail_settings};

/// A fact: what it is about, what tells it from another of its kind, and the invoice with which it is shown.
#[derive(Clone, Copy)]
struct Fact<'a> {
    scope: &'a Scope,
    moment: Moment,
    about: &'a str,
    fact: &'a str,
    invoice: Option<&'a InvoiceId>,
    /// It did not happen before this, where that is known.
    since: Option<Timestamp>,
}

/// What became of a payment that moved: its money has arrived, or it failed after it was under way. A decline
/// on the page is no news to the payer.
///
/// # Errors
/// When the database fails.
pub fn payment_moved(
    tx: &mut Tx,
    moment: Moment,
    before: &Payment,
    payment: &Payment,
    of_parts: &[(i64, Invoice)],
    charge: Option<&ChargeFacts>,
) -> Result<(), Failure> {
    let at = |payment: &Payment, status| payment.status == PaymentState::At(status);
    let arrived = at(payment, IntentStatus::Succeeded) && !at(before, IntentStatus::Succeeded);
    let failed = at(before, IntentStatus::Processing)
        && (at(payment, IntentStatus::RequiresPaymentMethod) || at(payment, IntentStatus::Canceled));
    let Some((_, first)) = of_parts.first().filter(|_| arrived || failed) else {
        return Ok(());
    };
    let numbers = numbers(of_parts);
    let means = means(payment, charge);
    let version = payment.version.to_string();
    let receivers = recipients::of_client(tx, &payment.scope, &first.client_id, &[])?;
    let told = OfPayment {
        invoice: &first.id,
        numbers: &numbers,
        several: of_parts.len() > 1,
        amount: Money::new(
            if arrived { payment.received } else { payment.amount },
            payment.currency,
        ),
        day: Day::of(moment.at),
        means: means.as_deref(),
        left: left(payment, of_parts).filter(|_| arrived),
        credit: credit(tx, payment, arrived && receivers.reaches_client())?,
    };
    let fact = Fact {
        scope: &payment.scope,
        moment,
        about: payment.id.as_str(),
        fact: if arrived { "" } else { &version },
        invoice: Some(&first.id),
        since: Some(
            charge
                .and_then(|charge| charge.made_at)
                .unwrap_or(payment.created_at),
        ),
    };
    let of_client = OfClient {
        client: &receivers.client.name,
        numbers: &numbers,
        amount: told.amount,
        reason: None,
        answer_by: None,
    };
    if arrived {
        if settings_rows::get(tx, &payment.scope)?.receipts {
            let receipt = Some(Attachment::Receipt(payment.id.as_str().to_owned()));
            let letter = |reader: &Reader| clients::receipt(reader, &told);
            tell_client(tx, fact, MailKind::Receipt, &receivers, letter, receipt.as_ref())?;
        }
        tell_staff(tx, fact, MailKind::StaffPaid, |to| staff::paid(to, &of_client))
    } else {
        let letter = |reader: &Reader| clients::payment_failed(reader, &told);
        tell_client(tx, fact, MailKind::PaymentFailed, &receivers, letter, None)?;
        let reason = payment.failure_code.as_deref();
        let of_client = OfClient { reason, ..of_client };
        tell_staff(tx, fact, MailKind::StaffPaymentFailed, |to| {
            staff::payment_failed(to, &of_client)
        })
    }
}

/// Money came without Stripe, and its client is to have a receipt.
///
/// # Errors
/// When the database fails.
pub fn offline_payment(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    payment: &OfflinePayment,
    invoice: &Invoice,
    received_on: Day,
) -> Result<(), Failure> {
    let fact = Fact {
        scope,
        moment,
        about: payment.id.as_str(),
        fact: "",
        invoice: Some(&invoice.id),
        since: Some(moment.at),
    };
    let owed = invoice.owed();
    let letter = |reader: &Reader| {
        let told = OfPayment {
            invoice: &invoice.id,
            numbers: invoice.number.as_deref().unwrap_or_default(),
            several: false,
            amount: payment.money(),
            day: received_on,
            means: Some(payment.method.name(reader.language)),
            left: (owed.minor() > 0).then_some(owed),
            credit: None,
        };
        clients::receipt(reader, &told)
    };
    let receivers = recipients::of_client(tx, scope, &invoice.client_id, &[])?;
    tell_client(tx, fact, MailKind::Receipt, &receivers, letter, None)
}

/// The numbers of the invoices that a payment pays.
fn numbers(of_parts: &[(i64, Invoice)]) -> String {
    let numbers = of_parts
        .iter()
        .filter_map(|(_, invoice)| invoice.number.as_deref());
    numbers.collect::<Vec<&str>>().join(", ")
}

/// `Visa •••• 4242`, as far as it is known by now.
fn means(payment: &Payment, charge: Option<&ChargeFacts>) -> Option<String> {
    let of_charge = |of: fn(&ChargeFacts) -> &Option<String>| charge.and_then(|charge| of(charge).as_deref());
    let brand = payment
        .method_brand
        .as_deref()
        .or_else(|| of_charge(|charge| &charge.brand))?;
    let last4 = payment
        .method_last4
        .as_deref()
        .or_else(|| of_charge(|charge| &charge.last4));
    Some(clients::card(brand, last4))
}

/// What is left to pay of the invoices of a payment, if anything.
fn left(payment: &Payment, of_parts: &[(i64, Invoice)]) -> Option<Money> {
    let owed = of_parts
        .iter()
        .map(|(_, invoice)| invoice.owed().minor())
        .fold(0_i64, i64::saturating_add);
    (owed > 0).then_some(Money::new(owed, payment.currency))
}

/// What a payment brought beyond what its invoices took up, if anything, and if anybody is told.
fn credit(tx: &mut Tx, payment: &Payment, is_told: bool) -> Result<Option<Money>, Failure> {
    if !is_told {
        return Ok(None);
    }
    let parts = payment_parts::of(tx, &payment.scope, &payment.id)?;
    let applied = parts
        .iter()
        .map(|part| part.applied)
        .fold(0_i64, i64::saturating_add);
    let beyond = payment.received.saturating_sub(applied);
    Ok((beyond > 0).then_some(Money::new(beyond, payment.currency)))
}

/// A refund has succeeded, or failed.
///
/// # Errors
/// When the database fails.
pub fn refund_moved(tx: &mut Tx, moment: Moment, before: &Refund, refund: &Refund) -> Result<(), Failure> {
    let refunded = refund.status.is_refunded() && !before.status.is_refunded();
    let failed = refund.status == RefundState::At(RefundStatus::Failed) && before.status != refund.status;
    if !refunded && !failed {
        return Ok(());
    }
    let Some(payment) = payments::get(tx, &refund.scope, &refund.payment_id)? else {
        return Ok(());
    };
    let invoice = refund.invoice_id.as_ref().unwrap_or(&payment.invoice_id);
    let Some(invoice) = invoices::get(tx, &refund.scope, invoice)? else {
        return Ok(());
    };
    let numbers = invoice.number.as_deref().unwrap_or_default();
    let receivers = recipients::of_client(tx, &refund.scope, &invoice.client_id, &[])?;
    let fact = Fact {
        scope: &refund.scope,
        moment,
        about: refund.id.as_str(),
        fact: "",
        invoice: Some(&invoice.id),
        // Of one that was made at Stripe the row tells when it was seen, not when it was made.
        since: (refund.origin != Origin::Stripe).then_some(refund.created_at),
    };
    let meant = meant(tx, refund)?;
    let told = clients::OfRefund {
        invoice: meant.invoice.as_ref().unwrap_or(&invoice.id),
        numbers: meant.numbers.as_deref().unwrap_or(numbers),
        amount: refund.money(),
        means: meant.means,
    };
    if refunded {
        let letter = |reader: &Reader| clients::refund(reader, &told);
        return tell_client(tx, fact, MailKind::Refund, &receivers, letter, None);
    }
    if refund.succeeded_at.is_some() {
        // Only then has the client been told that money is on its way.
        let letter = |reader: &Reader| clients::refund_failed(reader, &told);
        tell_client(tx, fact, MailKind::RefundFailed, &receivers, letter, None)?;
    }
    let of_client = OfClient {
        client: &receivers.client.name,
        numbers,
        amount: refund.money(),
        reason: refund.failure_reason.as_deref(),
        answer_by: None,
    };
    tell_staff(tx, fact, MailKind::StaffRefundFailed, |to| {
        staff::refund_failed(to, &of_client)
    })
}

/// What a refund means, and for which invoices.
struct Meant {
    invoice: Option<InvoiceId>,
    numbers: Option<String>,
    means: clients::Means,
}

fn meant(tx: &mut Tx, refund: &Refund) -> Result<Meant, Failure> {
    let shown = crate::refunds::shown(tx, refund.clone())?;
    let settled: Vec<_> = shown.invoices.iter().filter(|one| one.amount > 0).collect();
    let numbers: Vec<&str> = settled
        .iter()
        .filter_map(|one| one.invoice_number.as_deref())
        .collect();
    let means = match (&settled[..], refund.settlement) {
        ([one], Settlement::StillOwed) => clients::Means::OwedAgain(Money::new(one.amount, refund.currency)),
        ([_], Settlement::Forgiven) => clients::Means::Forgiven,
        _ => clients::Means::Unsaid,
    };
    Ok(Meant {
        invoice: settled.first().map(|one| one.invoice_id.clone()),
        numbers: (!numbers.is_empty()).then(|| numbers.join(", ")),
        means,
    })
}

/// A payment is disputed.
///
/// # Errors
/// When the database fails.
pub fn dispute_opened(
    tx: &mut Tx,
    moment: Moment,
    payment: &Payment,
    dispute: &Dispute,
) -> Result<(), Failure> {
    if dispute.standing.is_over() {
        return Ok(());
    }
    let Some(invoice) = invoices::get(tx, &payment.scope, &payment.invoice_id)? else {
        return Ok(());
    };
    let client = client_rows::get(tx, &payment.scope, &invoice.client_id)?;
    let of_client = OfClient {
        client: client.as_ref().map_or("", |client| client.name.as_str()),
        numbers: invoice.number.as_deref().unwrap_or_default(),
        amount: dispute.disputed(),
        reason: Some(&dispute.reason),
        answer_by: dispute.due_at.map(Day::of),
    };
    let fact = Fact {
        scope: &payment.scope,
        moment,
        about: dispute.id.as_str(),
        fact: "",
        invoice: Some(&invoice.id),
        since: Some(dispute.opened_at),
    };
    tell_staff(tx, fact, MailKind::StaffDispute, |to| {
        staff::dispute(to, &of_client)
    })
}

/// A payout has failed. The platform's own are its operator's to watch.
///
/// # Errors
/// When the database fails.
pub fn payout_failed(tx: &mut Tx, moment: Moment, payout: &Payout) -> Result<(), Failure> {
    let Ok(currency) = domain::Currency::parse(&payout.currency) else {
        return Ok(());
    };
    let amount = Money::new(payout.amount, currency);
    let fact = Fact {
        scope: &payout.scope,
        moment,
        about: &payout.id,
        fact: "",
        invoice: None,
        since: payout.made_at,
    };
    tell_staff(tx, fact, MailKind::StaffPayoutFailed, |to| {
        staff::payout_failed(to, &payout.account, amount, payout.failure_code.as_deref())
    })
}

/// Stripe wants more of an account's owner than it did: told once a day at most, and not before its form was
/// filled in once.
///
/// # Errors
/// When the database fails.
pub fn account_changed(
    tx: &mut Tx,
    moment: Moment,
    before: Option<&StripeConfig>,
    after: &StripeConfig,
) -> Result<(), Failure> {
    let wanted = |config: &StripeConfig| {
        let kept = RequirementsKept::read(&config.requirements);
        [kept.currently_due, kept.past_due].concat()
    };
    let known = before.map(wanted).unwrap_or_default();
    let is_new = wanted(after).iter().any(|field| !known.contains(field));
    if !is_new || !after.details_submitted || !before.is_some_and(|before| before.details_submitted) {
        return Ok(());
    }
    let kept = RequirementsKept::read(&after.requirements);
    let deadline = kept
        .current_deadline
        .map(|seconds| Timestamp::from_ms(seconds.saturating_mul(1000)));
    let restricted = !kept.past_due.is_empty() || kept.disabled_reason.is_some();
    let today = Day::of(moment.at).to_string();
    let fact = Fact {
        scope: &after.scope,
        moment,
        about: &after.stripe_account_id,
        fact: &today,
        invoice: None,
        since: None,
    };
    tell_staff(tx, fact, MailKind::StaffRequirements, |to| {
        staff::requirements(to, &after.stripe_account_id, deadline.map(Day::of), restricted)
    })
}

fn tell_client(
    tx: &mut Tx,
    fact: Fact,
    kind: MailKind,
    receivers: &Receivers,
    letter: impl Fn(&Reader) -> Letter,
    attachment: Option<&Attachment>,
) -> Result<(), Failure> {
    if !receivers.reaches_client() {
        return Ok(());
    }
    let (sender, _) = sending::sender(tx, fact.scope)?;
    for receiver in &receivers.receivers {
        let reader = Reader {
            language: receivers.language,
            name: receiver.to.name.as_deref(),
            sender: &sender,
        };
        let letter = by_own_link(tx, fact, receiver, letter(&reader))?;
        let mail = NewMail {
            scope: fact.scope,
            kind,
            about: fact.about,
            fact: fact.fact,
            invoice: fact.invoice,
            to: &receiver.to,
            letter: &letter,
            attachment: attachment.cloned(),
        };
        queue_once(tx, fact.moment, &mail, fact.since)?;
    }
    Ok(())
}

/// A button that leads to the pay page leads there by the reader's own link. An invoice to which there is no
/// link at all, as of an integrator with pages of its own, gets none.
fn by_own_link(tx: &mut Tx, fact: Fact, receiver: &Receiver, letter: Letter) -> Result<Letter, Failure> {
    let Some(To::PayPage(invoice)) = letter.button.as_ref().map(|button| button.to.clone()) else {
        return Ok(letter);
    };
    if !pay_links::any(tx, fact.scope, &invoice)? {
        return Ok(letter);
    }
    let link = for_mail(tx, fact.moment, fact.scope, &invoice, receiver)?;
    Ok(letter.by_link(&link.id))
}

fn tell_staff(
    tx: &mut Tx,
    fact: Fact,
    kind: MailKind,
    letter: impl Fn(&Colleague) -> Letter,
) -> Result<(), Failure> {
    for notice in mail_settings::told(tx, fact.scope)? {
        if !notice.kinds.contains(&kind) {
            continue;
        }
        let colleague = Colleague {
            language: notice.language,
            name: notice.name.as_deref(),
        };
        let mail = NewMail {
            scope: fact.scope,
            kind,
            about: fact.about,
            fact: fact.fact,
            invoice: fact.invoice,
            to: &crate::mails::Recipient {
                address: notice.address.clone(),
                name: notice.name.clone(),
            },
            letter: &letter(&colleague),
            attachment: None,
        };
        queue_once(tx, fact.moment, &mail, fact.since)?;
    }
    Ok(())
}
