//! Refusals as people read them: in plain words, with amounts as the pages write them. The API says the same
//! with its own names; what it says is never shown here as it is.

use domain::{Currency, Language, Money, Refusal, dispute, refund};

/// What was refused, as a sentence for the person who sees it. `label` is what the field is called that it is
/// about, where the page has it.
pub fn words(refusal: &Refusal, label: Option<&str>) -> String {
    match refusal {
        Refusal::InvalidField { field, problem } => {
            let label = label.map_or_else(|| readable(field), str::to_owned);
            sentence(&format!("{label} {}", amounts(problem)))
        }
        Refusal::AmountTooSmall { minimum } => format!("The total must be at least {}.", money(minimum)),
        Refusal::AmountTooLarge { maximum } => format!("The total must be at most {}.", money(maximum)),
        Refusal::CreditTooLarge { maximum } => format!(
            "A credit note cannot be more than what is left of the invoice's total: at most {}.",
            money(maximum)
        ),
        Refusal::AmountChanged { amount_now } => format!(
            "The amount due is now {}. Look at the page again and check it.",
            money(amount_now)
        ),
        Refusal::PartTooSmall { minimum } => format!("Pay at least {}.", money(minimum)),
        Refusal::RestTooSmall { all, at_most } => format!(
            "Pay all of {}, or at most {}, so that the rest can be paid later.",
            money(all),
            money(at_most)
        ),
        Refusal::UnknownCurrency => "Currency must be one that Stripe charges in.".to_owned(),
        Refusal::VersionConflict => {
            "Somebody has changed it since you opened this page. Nothing was done: look again.".to_owned()
        }
        Refusal::ModeNotActive => {
            "New work is done in the other mode, test or live. What exists in this one goes on.".to_owned()
        }
        Refusal::Refund(refused) => of_refund(refused),
        Refusal::Dispute(dispute::Refused::NotForgivable { left }) => format!(
            "Credit notes have already taken this off the invoice, and it cannot be forgiven twice: {} of it \
             still can. Choose that the client owes it again, and give a credit note over what you do not \
             claim.",
            money(left)
        ),
        Refusal::AccountConnected {
            held: domain::Held::OwnersOwn,
        } => {
            "You came with a Stripe account of your own: none is made beside it. Connect that one.".to_owned()
        }
        other => other.to_string(),
    }
}

fn of_refund(refused: &refund::Refused) -> String {
    use refund::Refused;
    match refused {
        Refused::TooMuch { left } => format!("At most {} can still go back.", money(left)),
        Refused::NotAllHere { left } => format!(
            "Something of this payment went back at Stripe and is not here yet: less than {} is left. Look \
             at the payment again in a minute.",
            money(left)
        ),
        Refused::NotForgivable { left } => format!(
            "Credit notes have already taken this off the invoice, and it cannot be forgiven twice: {} of it \
             still can. Give the rest back so that the client owes it again.",
            money(left)
        ),
        other => other.to_string(),
    }
}

/// `890.76 USD` as the pages write it; what is no such amount stays as it is.
fn money(text: &str) -> String {
    let read = text.split_once(' ').and_then(|(amount, code)| {
        let currency = Currency::parse(&code.to_ascii_lowercase()).ok()?;
        Money::typed("amount", amount, currency).ok()
    });
    read.map_or_else(|| text.to_owned(), |money| Language::En.money(money))
}

/// The amounts within a sentence as the pages write them.
fn amounts(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let both = words.last().map(|last| format!("{last} {word}"));
        match both.map(|both| (money(&both), both)) {
            Some((shown, both)) if shown != both => {
                words.pop();
                words.push(shown);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words.join(" ")
}

/// With one mark at its end.
fn sentence(text: &str) -> String {
    match text.trim_end().ends_with(['.', '?', '!']) {
        true => text.trim_end().to_owned(),
        false => format!("{}.", text.trim_end()),
    }
}

/// The name of a field that no page has a label for: `due_date` reads `Due date`.
pub fn readable(field: &str) -> String {
    let last = field.rsplit('.').next().unwrap_or(field);
    let spaced = last.replace('_', " ");
    let mut chars = spaced.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_amounts_labels_and_one_mark_at_the_end() {
        let of = |problem: &str| Refusal::invalid("unit_price", problem.to_owned());
        for (problem, label, said) in [
            (
                "must be a multiple of 0.010 KWD",
                Some("Amount"),
                "Amount must be a multiple of 0.010\u{a0}KWD.",
            ),
            (
                "must be chosen: is it owed?",
                Some("Meaning"),
                "Meaning must be chosen: is it owed?",
            ),
            ("must be an amount", None, "Unit price must be an amount."),
        ] {
            assert_eq!(words(&of(problem), label), said);
        }
        let left = "890.76 USD".to_owned();
        let refused = Refusal::from(refund::Refused::TooMuch { left });
        assert_eq!(words(&refused, None), "At most $890.76 can still go back.");
        let left = "5.00 EUR".to_owned();
        let refused = Refusal::from(refund::Refused::NotForgivable { left });
        assert!(
            !words(&refused, None).contains("still_owed"),
            "{}",
            words(&refused, None)
        );
    }
}
