//! What a payer may choose: a part of what is owed, and the client's other invoices. Without a choice nothing
//! of it is shown.

use domain::Money;
use jiff::civil::Date;
use maud::{Markup, html};

use super::format::{amount, day};

/// What there is to choose.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// The least part that may be paid; none where all has to be.
    pub part_minimum: Option<Money>,
    /// The client's other open invoices, the one that is due first on top.
    pub others: Vec<Other>,
}

/// An invoice that may be paid with the one of the link.
#[derive(Clone, Debug)]
pub struct Other {
    /// Its id, which is sent along.
    pub id: String,
    /// Its number.
    pub number: String,
    /// Until when it is to be paid.
    pub due_on: Option<Date>,
    /// What is owed on it.
    pub due: Money,
}

impl Choice {
    /// Tells one offer from another: what is owed here and what else there is.
    pub fn offer(&self, due: Money) -> String {
        let sum: i64 = self.others.iter().map(|other| other.due.minor()).sum();
        match self.others.len() {
            0 => due.minor().to_string(),
            count => format!("{}+{count}x{sum}", due.minor()),
        }
    }

    fn is_none(&self) -> bool {
        self.part_minimum.is_none() && self.others.is_empty()
    }
}

/// The choice, above the form for a card.
pub fn choice(choice: &Choice, due: Money) -> Markup {
    html! {
        @if !choice.is_none() {
            fieldset #choice .choice {
                legend .form-title { "What to pay" }
                @if !choice.others.is_empty() { (others(&choice.others)) }
                @if let Some(minimum) = choice.part_minimum { (part(due, minimum)) }
            }
        }
    }
}

fn others(others: &[Other]) -> Markup {
    html! {
        div .choice-rows {
            p .choice-about {
                "You have "
                @if others.len() == 1 { "another open invoice" }
                @else { (others.len()) " other open invoices" }
                ". Tick what you want to pay together with this one."
            }
            @for other in others {
                label .choice-row {
                    input type="checkbox" name="invoice" value=(other.id) data-amount=(other.due.minor())
                        autocomplete="off";
                    span .choice-name {
                        (other.number)
                        @if let Some(date) = other.due_on { span .choice-due { "Due " (day(date)) } }
                    }
                    span .choice-amount { (amount(other.due)) }
                }
            }
        }
    }
}

fn part(due: Money, minimum: Money) -> Markup {
    html! {
        div .choice-rows {
            label .choice-row {
                input type="radio" name="part" value="all" checked autocomplete="off";
                span .choice-name { "Pay all" }
                span #choice-all .choice-amount { (amount(due)) }
            }
            label .choice-row {
                input type="radio" name="part" value="part" autocomplete="off";
                span .choice-name { "Pay a part" }
            }
            div #part .part-field hidden {
                label for="part-amount" { "Amount in " (due.currency()) }
                input #part-amount type="text" inputmode="decimal" autocomplete="off"
                    aria-describedby="part-hint part-error";
                p #part-hint .part-hint { "At least " (amount(minimum)) "." }
                p #part-error .part-error role="alert" hidden {}
            }
        }
    }
}
