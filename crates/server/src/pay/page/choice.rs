//! What a payer may choose: a part of what is owed, and the client's other invoices. Without a choice nothing
//! of it is shown.

use domain::Money;
use domain::language::Language;
use domain::seal::Day;
use maud::{Markup, html};

use crate::pay::words::{self, fill};

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
    pub due_on: Option<Day>,
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
pub fn choice(language: Language, choice: &Choice, due: Money) -> Markup {
    let words = &words::of(language).choice;
    html! {
        @if !choice.is_none() {
            fieldset #choice .choice {
                legend .form-title { (words.title) }
                @if !choice.others.is_empty() { (others(language, &choice.others)) }
                @if let Some(minimum) = choice.part_minimum { (part(language, due, minimum)) }
            }
        }
    }
}

fn others(language: Language, others: &[Other]) -> Markup {
    let (choice, panel) = (&words::of(language).choice, &words::of(language).panel);
    html! {
        div .choice-rows {
            p .choice-about {
                @match others.len() {
                    1 => (choice.one_other),
                    count => (fill(choice.others, &[("count", &count.to_string())])),
                }
            }
            @for other in others {
                label .choice-row {
                    input type="checkbox" name="invoice" value=(other.id) data-amount=(other.due.minor())
                        autocomplete="off";
                    span .choice-name {
                        (other.number)
                        @if let Some(day) = other.due_on {
                            span .choice-due { (fill(panel.due, &[("day", &language.day(day))])) }
                        }
                    }
                    span .choice-amount { (language.money(other.due)) }
                }
            }
        }
    }
}

fn part(language: Language, due: Money, minimum: Money) -> Markup {
    let words = &words::of(language).choice;
    html! {
        div .choice-rows {
            label .choice-row {
                input type="radio" name="part" value="all" checked autocomplete="off";
                span .choice-name { (words.all) }
                span #choice-all .choice-amount { (language.money(due)) }
            }
            label .choice-row {
                input type="radio" name="part" value="part" autocomplete="off";
                span .choice-name { (words.part) }
            }
            div #part .part-field hidden {
                label for="part-amount" {
                    (fill(words.amount_in, &[("currency", &due.currency().to_string())]))
                }
                input #part-amount type="text" inputmode="decimal" autocomplete="off"
                    aria-describedby="part-hint part-error";
                p #part-hint .part-hint { (fill(words.at_least, &[("amount", &language.money(minimum))])) }
                p #part-error .part-error role="alert" hidden {}
            }
        }
    }
}
