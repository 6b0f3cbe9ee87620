//! Everything that happened to an invoice, in words, newest first.

use domain::Language;
use domain::mail::{MailKind, MailState};
use domain::payment::{IntentStatus, PaymentState};
use domain::refund::{RefundState, RefundStatus};
use flows::refunds::Shown;
use store::mails::Mail;
use store::offline_payments::OfflinePayment;
use store::pay_links::PayLink;
use store::payments::Payment;

use super::desk;
use super::invoice::Whole;
use crate::html::{Happening, Tone};

/// What happened.
pub fn happened(whole: &Whole) -> Vec<Happening> {
    let invoice = &whole.invoice;
    let amount = |minor| desk::amount(minor, invoice.currency);
    let mut all = vec![plain(invoice.created_at, Tone::Calm, "Drafted")];
    if let (Some(at), Some(number)) = (invoice.finalized_at, &invoice.number) {
        all.push(plain(at, Tone::Calm, &format!("Finalized as {number}")));
    }
    if let Some(at) = invoice.paid_at {
        all.push(plain(at, Tone::Good, "Settled in full"));
    }
    if let Some(at) = invoice.voided_at {
        all.push(plain(at, Tone::Calm, "Voided: it is not owed any more"));
    }
    all.extend(whole.mails.iter().map(mailed));
    all.extend(whole.links.iter().filter_map(seen));
    for (payment, part) in &whole.payments {
        all.extend(paid(payment, &amount(*part)));
    }
    for payment in &whole.offline {
        all.extend(recorded(payment));
    }
    all.extend(whole.refunds.iter().map(given_back));
    for note in &whole.notes {
        all.push(Happening {
            at: note.created_at,
            tone: Tone::Calm,
            what: format!("Credit note {} over {}", note.number, amount(note.total)),
            more: note.reason.clone(),
        });
    }
    for dispute in &whole.disputes {
        all.push(Happening {
            at: dispute.opened_at,
            tone: Tone::Bad,
            what: format!(
                "The client's bank disputes {}",
                desk::amount(dispute.amount, dispute.currency)
            ),
            more: format!("Reason: {}", dispute.reason.replace('_', " ")),
        });
        if let Some(at) = dispute.closed_at {
            all.push(plain(at, Tone::Calm, "The dispute was closed"));
        }
    }
    all.sort_by_key(|happening| std::cmp::Reverse(happening.at));
    all
}

fn plain(at: domain::Timestamp, tone: Tone, what: &str) -> Happening {
    Happening {
        at,
        tone,
        what: what.to_owned(),
        more: String::new(),
    }
}

fn seen(link: &PayLink) -> Option<Happening> {
    let at = link.views.last_at?;
    let who = match &link.recipient {
        Some(recipient) => recipient.address.to_string(),
        None => "Whoever has the shared link".to_owned(),
    };
    Some(Happening {
        at,
        tone: Tone::Calm,
        what: format!("{who} looked at it"),
        more: match link.views.count {
            1 => String::new(),
            times => format!("{times} times so far"),
        },
    })
}

fn mailed(mail: &Mail) -> Happening {
    let what = match mail.kind {
        MailKind::Invoice => "Invoice",
        MailKind::Reminder => "Reminder",
        MailKind::Receipt => "Receipt",
        MailKind::Refund => "Note of the refund",
        MailKind::RefundFailed => "Note of the refund that failed",
        MailKind::PaymentFailed => "Note of the payment that failed",
        MailKind::NewLink => "Fresh link",
        MailKind::Forwarded => "Invoice that somebody passed on",
        MailKind::Invitation
        | MailKind::Reset
        | MailKind::LoginChanged
        | MailKind::StaffPaid
        | MailKind::StaffPaymentFailed
        | MailKind::StaffRefundFailed
        | MailKind::StaffDispute
        | MailKind::StaffRequirements
        | MailKind::StaffPayoutFailed => "Alert",
    };
    let (tone, state) = match mail.status {
        MailState::Queued | MailState::Sending => (Tone::Busy, "is on its way to"),
        MailState::Sent => (Tone::Calm, "was mailed to"),
        MailState::Refused => (Tone::Bad, "was refused for"),
        MailState::Failed => (Tone::Bad, "could not be sent to"),
        MailState::Bounced => (Tone::Bad, "came back from"),
        MailState::Cancelled => (Tone::Calm, "was not sent any more to"),
    };
    Happening {
        at: mail.sent_at.unwrap_or(mail.queued_at),
        tone,
        what: format!("{what} {state} {}", mail.recipient),
        more: match tone {
            Tone::Bad => mail.last_error.clone().unwrap_or_default(),
            _ => String::new(),
        },
    }
}

fn paid(payment: &Payment, amount: &str) -> Vec<Happening> {
    let method = desk::method(payment);
    let with = method.map_or_else(String::new, |method| format!("With {method}"));
    let begun = plain(
        payment.created_at,
        Tone::Calm,
        &format!("A payment of {amount} was begun"),
    );
    let end = match payment.status {
        PaymentState::At(IntentStatus::Succeeded) => payment.succeeded_at.map(|at| Happening {
            at,
            tone: Tone::Good,
            what: format!("{amount} was paid"),
            more: with,
        }),
        PaymentState::Failed => Some(plain(
            payment.created_at,
            Tone::Bad,
            "Stripe did not take the payment",
        )),
        PaymentState::At(_) if payment.declines > 0 => Some(Happening {
            at: payment.created_at,
            tone: Tone::Alert,
            what: match payment.declines {
                1 => "It was declined".to_owned(),
                times => format!("It was declined {times} times"),
            },
            more: payment.failure_code.clone().unwrap_or_default().replace('_', " "),
        }),
        PaymentState::Creating | PaymentState::At(_) => None,
    };
    [Some(begun), end].into_iter().flatten().collect()
}

fn recorded(payment: &OfflinePayment) -> Vec<Happening> {
    let amount = desk::amount(payment.amount, payment.currency);
    let way = payment.method.name(Language::En).to_lowercase();
    let recorded = Happening {
        at: payment.created_at,
        tone: Tone::Good,
        what: format!("{amount} was recorded as paid: {way}"),
        more: payment.reference.clone().unwrap_or_default(),
    };
    let back = payment.reversed_at.map(|at| Happening {
        at,
        tone: Tone::Alert,
        what: format!("The recorded payment of {amount} was taken back"),
        more: payment.reversal_reason.clone().unwrap_or_default(),
    });
    [Some(recorded), back].into_iter().flatten().collect()
}

fn given_back(shown: &Shown) -> Happening {
    let refund = &shown.refund;
    let amount = desk::amount(refund.amount, refund.currency);
    let (tone, what) = match &refund.status {
        RefundState::Rejected => (Tone::Bad, format!("A refund of {amount} was refused")),
        RefundState::At(RefundStatus::Failed | RefundStatus::Canceled) => {
            (Tone::Bad, format!("A refund of {amount} did not arrive"))
        }
        RefundState::At(RefundStatus::Succeeded) => (Tone::Calm, format!("{amount} was given back")),
        RefundState::Requested | RefundState::At(_) => (Tone::Busy, format!("{amount} is on its way back")),
    };
    Happening {
        at: refund.succeeded_at.unwrap_or(refund.created_at),
        tone,
        what,
        more: shown.explanation.clone(),
    }
}
