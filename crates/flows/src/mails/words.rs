//! What mails say, in each language: a table of sentences with places for values. A sentence that has a place
//! for a value that is not there is left out, so that "Please pay by {due}." needs no second table.

pub mod clients;
mod de;
mod en;
mod es;
mod fr;
pub mod operators;
pub mod staff;
#[cfg(test)]
mod tests;

use domain::Language;

use super::{Button, Letter, To};

/// One mail's sentences.
#[derive(Debug)]
struct Template {
    /// The subject.
    subject: &'static str,
    /// The paragraphs.
    paragraphs: &'static [&'static str],
    /// What the button says.
    button: Option<&'static str>,
    /// What comes after it, smaller.
    notes: &'static [&'static str],
}

/// What a fact beside its value is called.
#[derive(Debug)]
struct Labels {
    invoice: &'static str,
    invoices: &'static str,
    client: &'static str,
    amount: &'static str,
    owed: &'static str,
    due: &'static str,
    paid_on: &'static str,
    paid_with: &'static str,
    reason: &'static str,
    answer_by: &'static str,
    account: &'static str,
}

/// All that is said in one language.
#[derive(Debug)]
struct Words {
    greeting: &'static str,
    greeting_by_name: &'static str,
    /// What is said of a mail in test mode.
    test: &'static str,
    /// Whom to ask, below a tenant's mails.
    questions: &'static str,
    /// Where a button's address is written out.
    address: &'static str,
    /// Below mails to users, who may wonder why they get them.
    automatic: &'static str,
    /// The same where the reader has no login.
    notice: &'static str,
    labels: Labels,
    invoice: Template,
    reminder_before: Template,
    reminder_today: Template,
    reminder_after: Template,
    receipt: Template,
    refund: Template,
    refund_failed: Template,
    payment_failed: Template,
    new_link: Template,
    forwarded: Template,
    invitation: Template,
    invited_elsewhere: Template,
    another_owner: Template,
    reset: Template,
    password_changed: Template,
    second_step_changed: Template,
    recovery_code_used: Template,
    address_asked: Template,
    address_change_asked: Template,
    address_changed: Template,
    staff_paid: Template,
    staff_payment_failed: Template,
    staff_refund_failed: Template,
    staff_dispute: Template,
    staff_requirements: Template,
    staff_payout_failed: Template,
}

/// The words of a language.
const fn of(language: Language) -> &'static Words {
    match language {
        Language::En => &en::WORDS,
        Language::De => &de::WORDS,
        Language::Fr => &fr::WORDS,
        Language::Es => &es::WORDS,
    }
}

/// What is said below a mail in test mode.
pub fn test_note(language: Language) -> &'static str {
    of(language).test
}

/// What stands before the written-out address of a button.
pub fn address_note(language: Language) -> &'static str {
    of(language).address
}

/// Whom to ask, below a tenant's mails.
pub fn questions(language: Language, contact: &str) -> String {
    fill(of(language).questions, &[("contact", Some(contact.to_owned()))]).unwrap_or_default()
}

/// Below mails to users.
pub fn automatic_note(language: Language) -> &'static str {
    of(language).automatic
}

/// Below mails about a tenant's business to an address that is nobody's login.
pub fn notice_note(language: Language, sender: &str) -> String {
    fill(of(language).notice, &[("sender", Some(sender.to_owned()))]).unwrap_or_default()
}

/// An invitation to join an organisation's staff.
#[derive(Clone, Copy, Debug)]
pub struct Invitation<'a> {
    /// Whom it invites, if their name is known.
    pub name: Option<&'a str>,
    /// Whose staff: the tenant's name, or the platform's.
    pub organisation: &'a str,
    /// Who invites, if a person does.
    pub by: Option<&'a str>,
    /// The secret path at which it is accepted.
    pub path: &'a str,
    /// For how many days it is good.
    pub days: i64,
}

/// Invites somebody to join.
pub fn invitation(language: Language, invitation: &Invitation) -> Letter {
    let values = [
        ("organisation", Some(invitation.organisation.to_owned())),
        ("by", invitation.by.map(str::to_owned)),
        ("days", Some(invitation.days.to_string())),
    ];
    let to = To::Secret(invitation.path.to_owned());
    letter(
        language,
        &of(language).invitation,
        invitation.name,
        &values,
        Some(to),
    )
}

/// Tells somebody that they are invited, and that the address already logs them in elsewhere.
pub fn invited_elsewhere(language: Language, name: Option<&str>, organisation: &str, by: &str) -> Letter {
    let values = [
        ("organisation", Some(organisation.to_owned())),
        ("by", Some(by.to_owned())),
    ];
    letter(language, &of(language).invited_elsewhere, name, &values, None)
}

/// Somebody who is to be an owner beside others.
#[derive(Clone, Copy, Debug)]
pub struct AnotherOwner<'a> {
    /// Who is told, if their name is known.
    pub name: Option<&'a str>,
    /// What is owned: the tenant's name.
    pub organisation: &'a str,
    /// Who lets them become one.
    pub by: &'a str,
    /// Who becomes one: name and address.
    pub whom: &'a str,
}

/// Tells an owner that there is to be another.
pub fn another_owner(language: Language, owner: &AnotherOwner) -> Letter {
    let values = [
        ("organisation", Some(owner.organisation.to_owned())),
        ("by", Some(owner.by.to_owned())),
        ("whom", Some(owner.whom.to_owned())),
    ];
    let to = To::Path("/settings/users".to_owned());
    letter(
        language,
        &of(language).another_owner,
        owner.name,
        &values,
        Some(to),
    )
}

/// A way to choose another password, or to take another address.
#[derive(Clone, Copy, Debug)]
pub struct Reset<'a> {
    /// Whose, if their name is known.
    pub name: Option<&'a str>,
    /// The secret path at which another one is chosen.
    pub path: &'a str,
    /// For how many minutes it is good.
    pub minutes: i64,
}

/// Lets somebody choose another password.
pub fn reset(language: Language, reset: &Reset) -> Letter {
    let values = [("minutes", Some(reset.minutes.to_string()))];
    let to = To::Secret(reset.path.to_owned());
    letter(language, &of(language).reset, reset.name, &values, Some(to))
}

/// Asks whether somebody wants to log in with another address; it goes there.
pub fn address_asked(language: Language, asked: &Reset) -> Letter {
    let values = [("minutes", Some(asked.minutes.to_string()))];
    let to = To::Secret(asked.path.to_owned());
    letter(
        language,
        &of(language).address_asked,
        asked.name,
        &values,
        Some(to),
    )
}

/// What was changed about a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginChange {
    /// Its password.
    Password,
    /// Its second step.
    SecondStep,
    /// Nothing: one of its recovery codes was used.
    RecoveryCodeUsed,
    /// Another address is asked for; told to the one that counts.
    AddressAsked,
    /// Its address.
    Address,
}

/// Tells somebody that their login was changed.
pub fn login_changed(language: Language, name: Option<&str>, change: LoginChange) -> Letter {
    let words = of(language);
    let template = match change {
        LoginChange::Password => &words.password_changed,
        LoginChange::SecondStep => &words.second_step_changed,
        LoginChange::RecoveryCodeUsed => &words.recovery_code_used,
        LoginChange::AddressAsked => &words.address_change_asked,
        LoginChange::Address => &words.address_changed,
    };
    letter(language, template, name, &[], None)
}

/// A value for a place in a sentence, by the place's name.
type Named<'a> = (&'a str, Option<String>);

/// Fills a template in.
fn letter(
    language: Language,
    template: &Template,
    name: Option<&str>,
    values: &[Named],
    to: Option<To>,
) -> Letter {
    let words = of(language);
    let greeting = name.and_then(|name| fill(words.greeting_by_name, &[("name", Some(name.to_owned()))]));
    let sentences = |sentences: &[&str]| sentences.iter().filter_map(|text| fill(text, values)).collect();
    let button = template.button.zip(to);
    Letter {
        language,
        subject: fill(template.subject, values).unwrap_or_else(|| template.subject.to_owned()),
        greeting: greeting.unwrap_or_else(|| words.greeting.to_owned()),
        paragraphs: sentences(template.paragraphs),
        facts: Vec::new(),
        button: button.and_then(|(label, to)| {
            let label = fill(label, values)?;
            Some(Button { label, to })
        }),
        notes: sentences(template.notes),
    }
}

/// Puts values in their places, in one pass, so that a value that looks like a place stays as it is. `None`
/// when one is missing.
fn fill(text: &str, values: &[Named]) -> Option<String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let (place, after) = after.split_once('}')?;
        let value = values.iter().find(|(name, _)| *name == place);
        filled.push_str(value.and_then(|(_, value)| value.as_deref())?);
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}
