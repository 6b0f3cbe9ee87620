//! What the banks behind the test cards do after a charge: dispute it, ask about it, or warn of fraud.

use serde::{Deserialize, Serialize};

use crate::charge::Charge;
use crate::money::{dispute, fraud_warning};
use crate::schedule::{self, Step};
use crate::state::{Row, State};

/// What a payer's bank does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// It disputes the charge.
    Dispute(Complaint),
    /// It warns that the card's holder may not have made the payment.
    Warn,
}

/// A dispute to be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// Why, as the dispute says.
    pub reason: String,
    /// Whether the bank only asks, and takes no money.
    pub inquiry: bool,
    /// How much of the charge, in minor units; all of it without.
    pub amount: Option<i64>,
}

impl Complaint {
    fn of(reason: &str, inquiry: bool) -> Complaint {
        Complaint {
            reason: reason.to_owned(),
            inquiry,
            amount: None,
        }
    }
}

/// Lets what the card's bank will do come, as soon as the charge's money was taken. Stripe takes about half a
/// second; here it has happened by the next request.
pub fn come(state: &mut State, charge: &Charge) {
    let alias = charge.card.test().map_or("", |card| card.alias);
    let part = |amount: i64| {
        Act::Dispute(Complaint {
            amount: Some(amount),
            ..Complaint::of("fraudulent", false)
        })
    };
    let half = charge.amount_captured / 2;
    let acts = match alias {
        "createDispute" => vec![Act::Dispute(Complaint::of("fraudulent", false))],
        "createDisputeProductNotReceived" => {
            vec![Act::Dispute(Complaint::of("product_not_received", false))]
        }
        "createDisputeInquiry" => vec![Act::Dispute(Complaint::of("general", true))],
        "createMultipleDisputes" => vec![part(half), part(charge.amount_captured - half)],
        "createIssuerFraudRecord" => vec![Act::Warn],
        _ => Vec::new(),
    };
    for act in acts {
        let charge = charge.id.clone();
        schedule::after(state, 0, Step::Bank { charge, act });
    }
}

/// The bank acts.
pub fn happen(state: &mut State, charge: &str, act: &Act) {
    let Some(charge) = Charge::table(state).anywhere(charge).cloned() else {
        return;
    };
    match act {
        Act::Dispute(complaint) => drop(dispute::open(state, &charge, complaint)),
        Act::Warn => drop(fraud_warning::issue(state, &charge)),
    }
}
