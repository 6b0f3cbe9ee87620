//! What staff are told, if they chose to be.

use domain::seal::Day;
use domain::{Language, Money};

use super::{Template, letter, of};
use crate::mails::Letter;

/// To whom it is written.
#[derive(Clone, Copy, Debug)]
pub struct Colleague<'a> {
    /// The language.
    pub language: Language,
    /// Their name, if it is known.
    pub name: Option<&'a str>,
}

/// Money of a client that something happened to.
#[derive(Clone, Copy, Debug)]
pub struct OfClient<'a> {
    /// The client's name.
    pub client: &'a str,
    /// The numbers of the invoices.
    pub numbers: &'a str,
    /// How much.
    pub amount: Money,
    /// Why, as far as is known.
    pub reason: Option<&'a str>,
    /// Until when an answer counts.
    pub answer_by: Option<Day>,
}

/// A client has paid.
pub fn paid(colleague: &Colleague, told: &OfClient) -> Letter {
    of_client(colleague, &of(colleague.language).staff_paid, told)
}

/// A client's payment has failed after it was under way.
pub fn payment_failed(colleague: &Colleague, told: &OfClient) -> Letter {
    of_client(colleague, &of(colleague.language).staff_payment_failed, told)
}

/// A refund has failed.
pub fn refund_failed(colleague: &Colleague, told: &OfClient) -> Letter {
    of_client(colleague, &of(colleague.language).staff_refund_failed, told)
}

/// A payment is disputed.
pub fn dispute(colleague: &Colleague, told: &OfClient) -> Letter {
    of_client(colleague, &of(colleague.language).staff_dispute, told)
}

fn of_client(colleague: &Colleague, template: &Template, told: &OfClient) -> Letter {
    let Colleague { language, name } = *colleague;
    let answer_by = told.answer_by.map(|day| language.day(day));
    let values = [
        ("client", Some(told.client.to_owned())),
        ("amount", Some(language.money(told.amount))),
        ("answer_by", answer_by.clone()),
    ];
    let mut letter = letter(language, template, name, &values, None);
    let labels = &of(language).labels;
    letter.facts = [
        Some((labels.client, told.client.to_owned())),
        Some((labels.invoice, told.numbers.to_owned())),
        Some((labels.amount, language.money_with_code(told.amount))),
        told.reason.map(|reason| (labels.reason, reason.to_owned())),
        answer_by.map(|day| (labels.answer_by, day)),
    ]
    .into_iter()
    .flatten()
    .map(|(label, value)| (label.to_owned(), value))
    .collect();
    letter
}

/// Stripe needs something of the account's owner, by a day if it says one; `restricted` when it holds
/// payments or payouts back until it has it.
pub fn requirements(
    colleague: &Colleague,
    account: &str,
    answer_by: Option<Day>,
    restricted: bool,
) -> Letter {
    let Colleague { language, name } = *colleague;
    let words = of(language);
    let values = [
        ("account", Some(account.to_owned())),
        ("answer_by", answer_by.map(|day| language.day(day))),
        ("restricted", restricted.then(String::new)),
    ];
    let mut letter = letter(language, &words.staff_requirements, name, &values, None);
    letter.facts = vec![(words.labels.account.to_owned(), account.to_owned())];
    letter
}

/// A payout has failed.
pub fn payout_failed(colleague: &Colleague, account: &str, amount: Money, reason: Option<&str>) -> Letter {
    let Colleague { language, name } = *colleague;
    let words = of(language);
    let values = [("amount", Some(language.money(amount)))];
    let mut letter = letter(language, &words.staff_payout_failed, name, &values, None);
    let labels = &words.labels;
    letter.facts = [
        Some((labels.account, account.to_owned())),
        Some((labels.amount, language.money_with_code(amount))),
        reason.map(|reason| (labels.reason, reason.to_owned())),
    ]
    .into_iter()
    .flatten()
    .map(|(label, value)| (label.to_owned(), value))
    .collect();
    letter
}
