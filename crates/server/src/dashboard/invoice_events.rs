//! Everything that happened to an invoice, in words, newest first.

use domain::Language;
use domain::Timestamp;
use domain::mail::{MailKind, MailState};
use domain::payment::{IntentStatus, PaymentState};
use domain::refund::{RefundState, RefundStatus};
use flows::refunds::Shown;
use store::disputes::Dispute;
use store::mails::Mail;
use store::offline_payments::OfflinePayment;
use store::pay_links::PayLink;
use store::payments::Payment;

use super::desk;
use super::invoice::Whole;
use super::invoice_actors::Acted;
use crate::html::{Happening, Tone};

/// What happened. Each has a place among what happened within the same second: Stripe tells whole seconds
/// only, and what follows from something stands after it.
pub fn happened(whole: &Whole) -> Vec<Happening> {
    let invoice = &whole.invoice;
    let amount = |minor| desk::amount(minor, invoice.currency);
    let id = invoice.id.as_str();
    let by = |action: &str, at| by_whom(whole, action, id, at);
    let drafted = plain(invoice.created_at, Tone::Calm, "Drafted");
    let mut all = vec![(0, drafted.by(by("invoice.drafted", invoice.created_at)))];
    if let (Some(at), Some(number)) = (invoice.finalized_at, &invoice.number) {
        let finalized = plain(at, Tone::Calm, &format!("Finalized as {number}"));
        all.push((1, finalized.by(by("invoice.finalized", at))));
    }
    let settled = whole.settled.iter();
    all.extend(settled.map(|at| (8, plain(*at, Tone::Good, "Settled in full"))));
    if let Some(at) = invoice.voided_at {
        let voided = plain(at, Tone::Calm, "Voided: it is not owed any more");
        all.push((14, voided.by(by("invoice.voided", at))));
    }
    for mail in &whole.mails {
        let (place, mailed) = mailed(mail);
        let sent = if mail.kind == MailKind::Invoice {
            "invoice.sent"
        } else {
            ""
        };
        all.push((place, mailed.by(by(sent, mail.queued_at))));
    }
    all.extend(whole.links.iter().filter_map(seen).map(|seen| (3, seen)));
    for (payment, part) in &whole.payments {
        all.extend(paid(payment, &amount(*part)));
    }
    for payment in &whole.offline {
        let who = |action, at| by_whom(whole, action, payment.id.as_str(), at);
        let recorded_by = who("offline_payment.recorded", payment.created_at);
        all.push((6, recorded(payment).by(recorded_by)));
        if let Some(at) = payment.reversed_at {
            all.push((
                12,
                taken_back(payment, at).by(who("offline_payment.reversed", at)),
            ));
        }
    }
    for used in &whole.used {
        let what = format!("{} of the client's credit paid it", amount(used.amount));
        let used_by = by("client_credit.applied", used.at);
        all.push((7, plain(used.at, Tone::Good, &what).by(used_by)));
    }
    for shown in &whole.refunds {
        let refund = &shown.refund;
        let who = by_whom(whole, "refund.requested", refund.id.as_str(), refund.created_at);
        all.push((10, given_back(shown).by(who)));
    }
    for note in &whole.notes {
        let noted = Happening {
            at: note.created_at,
            tone: Tone::Calm,
            what: format!("Credit note {} over {}", note.number, amount(note.total)),
            more: note.reason.clone(),
        };
        let who = by_whom(whole, "credit_note.created", note.id.as_str(), note.created_at);
        all.push((11, noted.by(who)));
    }
    all.extend(whole.disputes.iter().flat_map(disputed));
    all.sort_by_key(|(place, one)| std::cmp::Reverse((one.at.seconds(), *place, one.at)));
    all.into_iter().map(|(_, happening)| happening).collect()
}

/// Who did that last until then; empty where nobody of the tenant's did.
fn by_whom<'a>(whole: &'a Whole, action: &str, subject: &str, at: Timestamp) -> &'a str {
    let of = |acted: &&Acted| acted.action == action && acted.subject == subject && acted.at <= at;
    let found = whole.actors.iter().rev().find(of);
    found.map_or("", |acted| acted.who.as_str())
}

impl Happening {
    /// The same, with who did it.
    fn by(mut self, who: &str) -> Happening {
        if !who.is_empty() {
            self.more = match self.more.is_empty() {
                true => format!("By {who}"),
                false => format!("{}. By {who}", self.more.trim_end_matches('.')),
            };
        }
        self
    }
}

fn disputed(dispute: &Dispute) -> Vec<(u8, Happening)> {
    let opened = Happening {
        at: dispute.opened_at,
        tone: Tone::Bad,
        what: format!(
            "The client's bank disputes {}",
            desk::amount(dispute.amount, dispute.currency)
        ),
        more: format!("Reason: {}", dispute.reason.replace('_', " ")),
    };
    let closed = dispute
        .closed_at
        .map(|at| (13, plain(at, Tone::Calm, "The dispute was closed")));
    [Some((9, opened)), closed].into_iter().flatten().collect()
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

fn mailed(mail: &Mail) -> (u8, Happening) {
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
        | MailKind::StaffPayoutFailed
        | MailKind::OperatorEvents
        | MailKind::OperatorBreaks
        | MailKind::OperatorEndpoints
        | MailKind::OperatorSilence
        | MailKind::OperatorClock
        | MailKind::OperatorPayouts
        | MailKind::OperatorBackup
        | MailKind::OperatorDisk
        | MailKind::OperatorLocked => "Alert",
    };
    let (tone, state) = match mail.status {
        MailState::Queued | MailState::Sending => (Tone::Busy, "is on its way to"),
        MailState::Sent => (Tone::Calm, "was mailed to"),
        MailState::Refused => (Tone::Bad, "was refused for"),
        MailState::Failed => (Tone::Bad, "could not be sent to"),
        MailState::Bounced => (Tone::Bad, "came back from"),
        MailState::Cancelled => (Tone::Calm, "was not sent any more to"),
    };
    let mailed = Happening {
        at: mail.sent_at.unwrap_or(mail.queued_at),
        tone,
        what: format!("{what} {state} {}", mail.recipient),
        more: match tone {
            Tone::Bad => mail.last_error.clone().unwrap_or_default(),
            _ => String::new(),
        },
    };
    // What asks for money goes out before it comes, all else tells of what has happened.
    let asks = matches!(
        mail.kind,
        MailKind::Invoice | MailKind::Reminder | MailKind::NewLink
    );
    (if asks { 2 } else { 12 }, mailed)
}

fn paid(payment: &Payment, amount: &str) -> Vec<(u8, Happening)> {
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
    [Some((4, begun)), end.map(|end| (5, end))]
        .into_iter()
        .flatten()
        .collect()
}

fn recorded(payment: &OfflinePayment) -> Happening {
    let amount = desk::amount(payment.amount, payment.currency);
    let way = payment.method.name(Language::En).to_lowercase();
    Happening {
        at: payment.created_at,
        tone: Tone::Good,
        what: format!("{amount} was recorded as paid: {way}"),
        more: payment.reference.clone().unwrap_or_default(),
    }
}

fn taken_back(payment: &OfflinePayment, at: Timestamp) -> Happening {
    let amount = desk::amount(payment.amount, payment.currency);
    Happening {
        at,
        tone: Tone::Alert,
        what: format!("The recorded payment of {amount} was taken back"),
        more: payment.reversal_reason.clone().unwrap_or_default(),
    }
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
