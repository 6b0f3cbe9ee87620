//! What a refund means, in a sentence or two for the person who asks for it.

use super::{FeeChoice, RefundState, Settlement};
use crate::Money;

/// What there is to tell of a refund.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// Where it stands.
    pub state: &'a RefundState,
    /// How much goes back.
    pub amount: Money,
    /// What it means for the invoice.
    pub settlement: Settlement,
    /// The invoices that it is taken from, in the order in which it is: their numbers, and minor units.
    pub invoices: &'a [(Option<String>, i64)],
    /// What of it is taken out of unused credit, minor units.
    pub out_of_credit: i64,
    /// What becomes of the platform's fee.
    pub fee: FeeChoice,
    /// The fee of the whole payment, minor units.
    pub whole_fee: i64,
    /// The part of it that goes back, minor units.
    pub fee_back: i64,
    /// What the platform keeps of it after all that went back, with this refund or otherwise; minor units.
    pub fee_kept: i64,
}

/// Says what happens to the money, to the invoice, and to the platform's fee.
pub fn tell(told: &Told<'_>) -> String {
    [money(told), invoice(told), fee(told)]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ")
}

fn money(told: &Told<'_>) -> Option<String> {
    let amount = told.amount;
    Some(match told.state {
        RefundState::Requested => {
            format!("The refund of {amount} is being confirmed with Stripe; it is not made twice.")
        }
        RefundState::Rejected => format!("Stripe refused the refund of {amount}; no money moved."),
        RefundState::At(status) => match status {
            super::RefundStatus::Succeeded => format!("{amount} went back to the payer."),
            super::RefundStatus::Failed => {
                format!("The refund of {amount} failed: the money is back and can be refunded again.")
            }
            super::RefundStatus::Canceled => {
                format!("The refund of {amount} was cancelled: the money can be refunded again.")
            }
            super::RefundStatus::Pending
            | super::RefundStatus::RequiresAction
            | super::RefundStatus::Other(_) => {
                format!("The refund of {amount} is on its way; Stripe has not confirmed it yet.")
            }
        },
    })
}

fn invoice(told: &Told<'_>) -> Option<String> {
    if !told.state.is_reserved() {
        return None;
    }
    let of = |minor| Money::new(minor, told.amount.currency());
    let credit = told.out_of_credit;
    let mut said = Vec::new();
    if credit > 0 {
        said.push(format!(
            "{} of it is credit that the client had not used.",
            of(credit)
        ));
    }
    let each = |word: &str| -> Vec<String> {
        let invoices = told.invoices.iter();
        let name = |number: &Option<String>| match number {
            Some(number) => format!("invoice {number}"),
            None => "the invoice".to_owned(),
        };
        invoices
            .map(|(number, minor)| format!("{} {word} {}", of(*minor), name(number)))
            .collect()
    };
    match (told.settlement, told.invoices.len()) {
        (_, 0) => {}
        (Settlement::StillOwed, 1) => said.push(format!("{}.", listed(&each("is owed again on")))),
        (Settlement::StillOwed, _) => said.push(format!("Owed again are {}.", listed(&each("on")))),
        (Settlement::Forgiven, 1) => said.push(format!(
            "{} is forgiven by a credit note, and nothing is owed for it.",
            listed(&each("of"))
        )),
        (Settlement::Forgiven, _) => said.push(format!(
            "{} are forgiven by a credit note each, and nothing is owed for them.",
            listed(&each("of"))
        )),
    }
    (!said.is_empty()).then(|| said.join(" "))
}

/// `a, b and c`.
fn listed(all: &[String]) -> String {
    match all.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

fn fee(told: &Told<'_>) -> Option<String> {
    let of = |minor| Money::new(minor, told.amount.currency());
    let (whole, back, kept) = (told.whole_fee, told.fee_back, told.fee_kept);
    if !told.state.is_reserved() {
        let stays = "of the platform's fee went back to your Stripe account with it, and stays there.";
        return (told.fee == FeeChoice::Returned && back > 0).then(|| format!("{} {stays}", of(back)));
    }
    Some(match told.fee {
        _ if whole == 0 => "The platform took no fee of this payment.".to_owned(),
        FeeChoice::Kept if kept >= whole => format!("The platform keeps its fee of {}.", of(whole)),
        FeeChoice::Kept if kept <= 0 => {
            format!(
                "The platform's fee of {} went back to your Stripe account.",
                of(whole)
            )
        }
        FeeChoice::Kept => format!(
            "Of its fee of {}, the platform still keeps {}: the rest went back to your Stripe account.",
            of(whole),
            of(kept)
        ),
        FeeChoice::Returned => {
            let goes = format!(
                "Of the platform's fee of {}, {} goes back to your Stripe account",
                of(whole),
                of(back)
            );
            if kept.saturating_add(back) >= whole {
                format!("{goes}.")
            } else {
                format!(
                    "{goes}; with what went back before, the platform keeps {}.",
                    of(kept)
                )
            }
        }
    })
}
