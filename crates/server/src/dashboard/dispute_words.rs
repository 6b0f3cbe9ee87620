//! Disputes in plain words: why a bank asks, where each stands, how long there is to answer, and what each
//! piece of evidence is.

use domain::dispute::document::Document;
use domain::dispute::evidence::Field;
use domain::dispute::{Settlement, Status};
use domain::seal::Day;
use domain::{Currency, Timestamp};
use maud::{Markup, html};
use store::dispute_files::DisputeFile;
use store::disputes::Dispute;

use super::desk;
use crate::html::{self as parts, Tone};

/// Why the payer's bank asks, in a few words and in a sentence; Stripe's word where it is newer.
pub fn reason(word: &str) -> (String, &'static str) {
    let (short, sentence) = match word {
        "bank_cannot_process" => (
            "The bank could not process it",
            "The payer's bank could not carry out the debit.",
        ),
        "check_returned" => ("Cheque returned", "The payer's bank returned the cheque."),
        "credit_not_processed" => (
            "Refund not received",
            "The payer says that you owe them a refund, or promised one that never came.",
        ),
        "customer_initiated" => (
            "Payer objected",
            "The payer told their bank to take the debit back. The bank need not give a reason.",
        ),
        "debit_not_authorized" => (
            "Debit not allowed",
            "The payer says that they never allowed this debit.",
        ),
        "duplicate" => (
            "Paid twice",
            "The payer says that they were charged twice for the same thing.",
        ),
        "fraudulent" => (
            "Payer does not know the payment",
            "The payer says that they did not make or allow this payment, for example because the card was \
             stolen.",
        ),
        "incorrect_account_details" => (
            "Wrong account",
            "The details of the payer's bank account were wrong.",
        ),
        "insufficient_funds" => ("Not enough money", "The payer's account did not have the money."),
        "noncompliant" => (
            "Against the card scheme's rules",
            "The card scheme says that its rules were broken.",
        ),
        "product_not_received" => (
            "Service not received",
            "The payer says that they did not get what they paid for.",
        ),
        "product_unacceptable" => (
            "Service not as agreed",
            "The payer got something else than agreed, or says that it was of no use.",
        ),
        "subscription_canceled" => (
            "Charged after cancelling",
            "The payer says that they had cancelled, and were charged all the same.",
        ),
        "unrecognized" => (
            "Payer does not recognise it",
            "The payer does not recognise the name on their statement.",
        ),
        "general" => ("Other reason", "The payer's bank gave no particular reason."),
        newer => {
            return (
                newer.replace('_', " "),
                "Stripe gives no more of a reason than this word.",
            );
        }
    };
    (short.to_owned(), sentence)
}

/// Where a dispute stands, in a badge.
pub fn state(dispute: &Dispute) -> Markup {
    let (tone, words) = match dispute.standing.known() {
        None => (Tone::Alert, dispute.standing.word()),
        Some(_) if dispute.operation_id.is_some() => (Tone::Busy, "Answer being sent"),
        Some(status) if status.wants_answer() && dispute.is_answered() => (Tone::Busy, "Answered"),
        Some(Status::WarningNeedsResponse) => (Tone::Alert, "Question to answer"),
        Some(Status::NeedsResponse) => (Tone::Bad, "To answer"),
        Some(Status::AppealNeedsResponse) => (Tone::Alert, "Appeal possible"),
        Some(Status::WarningUnderReview | Status::UnderReview | Status::AppealUnderReview) => {
            (Tone::Busy, "With the bank")
        }
        Some(Status::WarningClosed) => (Tone::Calm, "Closed, nothing taken"),
        Some(Status::Prevented) => (Tone::Calm, "Settled beforehand"),
        Some(Status::Won) => (Tone::Good, "Won"),
        Some(Status::Lost) if dispute.settlement == Settlement::Undecided => (Tone::Alert, "Lost, to decide"),
        Some(Status::Lost) => (Tone::Bad, "Lost"),
    };
    parts::badge(tone, words)
}

/// Where a dispute stands, in a sentence.
pub fn standing(dispute: &Dispute) -> &'static str {
    match dispute.standing.known() {
        None => "Stripe says what this version does not know. Look at it in Stripe's dashboard.",
        Some(_) if dispute.operation_id.is_some() => {
            "Your answer is on its way. Stripe has not confirmed it yet; it is never sent twice."
        }
        Some(status) if status.wants_answer() && dispute.is_answered() => {
            "The bank has your answer and decides. That takes up to three months."
        }
        Some(Status::WarningNeedsResponse) => {
            "The bank asks what this payment was. No money was taken. Without an answer it may be."
        }
        Some(Status::NeedsResponse) => {
            "The bank has taken the money back for now, and waits for your side. You can answer once."
        }
        Some(Status::AppealNeedsResponse) => "It was lost. You may appeal once, with new evidence.",
        Some(Status::WarningUnderReview | Status::UnderReview | Status::AppealUnderReview) => {
            "The bank has your answer and decides. That takes up to three months."
        }
        Some(Status::WarningClosed) => "The bank has closed its question. No money was taken.",
        Some(Status::Prevented) => "It was settled before it became a dispute.",
        Some(Status::Won) => "The bank decided for you, and the money comes back to your balance.",
        Some(Status::Lost) => "The bank decided for the payer. The money is gone.",
    }
}

/// Whether an answer is still waited for.
pub fn waits_for_answer(dispute: &Dispute) -> bool {
    dispute.standing.wants_answer() && !dispute.is_answered() && dispute.operation_id.is_none()
}

/// How long there is to answer: the words, and whether they are to alarm.
pub fn deadline(dispute: &Dispute, now: Timestamp) -> Option<(String, bool)> {
    let due = dispute.due_at.filter(|_| waits_for_answer(dispute))?;
    if due < now {
        return Some(("the time to answer is over".to_owned(), true));
    }
    let days = desk::days_between(&Day::of(now).to_string(), &Day::of(due).to_string())?;
    Some(match days {
        0 => ("today".to_owned(), true),
        1 => ("tomorrow".to_owned(), true),
        days => (format!("in {days} days"), days <= 3),
    })
}

/// Where the money is, in a sentence.
pub fn money(dispute: &Dispute) -> String {
    let amount = |minor| desk::amount(minor, dispute.currency);
    let held = dispute.taken.held();
    match (dispute.taken.withdrawn, held) {
        (0, _) => "No money was taken.".to_owned(),
        (_, 0) => format!("{} was taken and has come back.", amount(dispute.taken.withdrawn)),
        (_, held) if dispute.standing.is_over() => format!("The bank kept {}.", amount(held)),
        (_, held) => format!("The bank holds {} until it has decided.", amount(held)),
    }
}

/// Stripe's fee for the dispute, as far as it is reported.
pub fn fee(dispute: &Dispute) -> Option<String> {
    let currency: Currency = dispute.fee_currency?;
    (dispute.taken.fee != 0).then(|| desk::amount(dispute.taken.fee, currency))
}

/// What a piece of evidence is called and what belongs in it.
pub const fn field(field: Field) -> (&'static str, &'static str) {
    match field {
        Field::AccessActivityLog => (
            "Signs of use",
            "When the invoice's page was opened and from where; logins, tickets, hours worked.",
        ),
        Field::BillingAddress => ("Billing address", ""),
        Field::CancellationPolicy => ("Terms of cancellation", ""),
        Field::CancellationPolicyDisclosure => (
            "How the client learnt the terms of cancellation",
            "Such as the page or paragraph of the contract, and when it was signed.",
        ),
        Field::CancellationRebuttal => (
            "Why it was not cancelled",
            "What was agreed, and what the client did or did not say before the payment.",
        ),
        Field::CustomerCommunication => ("Letters and mails with the client", ""),
        Field::CustomerEmailAddress => ("E-mail address of the client", ""),
        Field::CustomerName => ("Name of the client", ""),
        Field::CustomerPurchaseIp => (
            "Internet address of the payer",
            "From which the payment was made.",
        ),
        Field::CustomerSignature => ("Signature of the client", ""),
        Field::DuplicateChargeDocumentation => ("Papers about the other payment", ""),
        Field::DuplicateChargeExplanation => (
            "Why it is not the same payment twice",
            "What each of the two payments was for.",
        ),
        Field::DuplicateChargeId => ("The other payment at Stripe", "Its id, which begins with ch_."),
        Field::ProductDescription => (
            "What was sold",
            "The services in plain words, with dates and amounts.",
        ),
        Field::Receipt => ("Receipt", ""),
        Field::RefundPolicy => ("Terms of refunds", ""),
        Field::RefundPolicyDisclosure => (
            "How the client learnt the terms of refunds",
            "Such as the page or paragraph of the contract, and when it was signed.",
        ),
        Field::RefundRefusalExplanation => (
            "Why no refund is due",
            "What was agreed, and why the client gets no money back.",
        ),
        Field::ServiceDate => ("When the service was done", ""),
        Field::ServiceDocumentation => ("Papers about the service", ""),
        Field::ShippingAddress => ("Address of delivery", ""),
        Field::ShippingCarrier => ("Carrier", ""),
        Field::ShippingDate => ("When it was shipped", ""),
        Field::ShippingDocumentation => ("Papers about the delivery", ""),
        Field::ShippingTrackingNumber => ("Tracking number", ""),
        Field::UncategorizedFile => ("Other papers", ""),
        Field::UncategorizedText => ("Anything else", "What the bank should know beyond all this."),
    }
}

/// Whether a text is usually longer than a line.
pub const fn is_long(field: Field) -> bool {
    !matches!(
        field,
        Field::CustomerEmailAddress
            | Field::CustomerName
            | Field::CustomerPurchaseIp
            | Field::DuplicateChargeId
            | Field::ServiceDate
            | Field::ShippingCarrier
            | Field::ShippingDate
            | Field::ShippingTrackingNumber
    )
}

/// An uploaded file: what it is called, its kind and its size.
pub fn file(file: &DisputeFile) -> Markup {
    let kind = match file.kind {
        Document::Pdf => "PDF",
        Document::Jpeg => "JPEG",
        Document::Png => "PNG",
    };
    html! { (file.name) " " span .soft.nowrap { "(" (kind) ", " (size(file.bytes)) ")" } }
}

/// A size as people read it, rounded up: `78 bytes`, `640 KB`, `1.3 MB`.
fn size(bytes: i64) -> String {
    let rounded = |unit: i64| bytes.saturating_add(unit - 1) / unit;
    match bytes {
        ..1_000 => format!("{bytes} bytes"),
        1_000..=999_000 => format!("{} KB", rounded(1_000)),
        _ => format!("{}.{} MB", rounded(100_000) / 10, rounded(100_000) % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_rounded_up_to_what_people_read() {
        let sizes = [78, 999, 1_000, 1_001, 999_000, 999_001, 1_250_000, 4_500_000];
        let read = [
            "78 bytes",
            "999 bytes",
            "1 KB",
            "2 KB",
            "999 KB",
            "1.0 MB",
            "1.3 MB",
            "4.5 MB",
        ];
        assert_eq!(sizes.map(size), read.map(str::to_owned));
    }
}
