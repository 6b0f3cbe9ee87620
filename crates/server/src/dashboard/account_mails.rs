//! What somebody chooses on `/account` of the mails that they get: their language, and of what they are told
//! as it happens.

use axum::extract::State;
use axum::response::Response;
use domain::mail::MailKind;
use domain::{Language, Refusal, Role};
use flows::people::account;
use maud::{Markup, html};

use super::{account as page_of, after};
use crate::html::{self as parts, Check, Choice, Errors, Offer, Place};
use crate::people::{Filled, Person};
use crate::router::Site;

const PATH: &str = Place::Account.path();
/// A mail that somebody may choose: its kind, what it is called, and when it comes.
pub type Alert = (MailKind, &'static str, &'static str);

/// What a tenant's people may be told of.
pub const ALERTS: [Alert; 6] = [
    (MailKind::StaffPaid, "Paid", "A client has paid."),
    (
        MailKind::StaffPaymentFailed,
        "Payment failed",
        "A payment that was under way, such as from a bank account.",
    ),
    (
        MailKind::StaffRefundFailed,
        "Refund failed",
        "Money that was to go back to a client did not arrive.",
    ),
    (
        MailKind::StaffDispute,
        "Dispute",
        "A client's bank takes money back, and an answer is due.",
    ),
    (
        MailKind::StaffRequirements,
        "Stripe asks",
        "Stripe needs something of you, or payments may be paused.",
    ),
    (
        MailKind::StaffPayoutFailed,
        "Payout failed",
        "Your bank did not take the money that Stripe paid out.",
    ),
];

/// What operators may be told of.
const ALARMS: [Alert; 9] = [
    (
        MailKind::OperatorEvents,
        "Webhooks given up",
        "What Stripe reported could not be applied.",
    ),
    (
        MailKind::OperatorBreaks,
        "Old differences",
        "We and Stripe have differed for over a day.",
    ),
    (
        MailKind::OperatorEndpoints,
        "Webhook endpoints",
        "One at Stripe is switched off, missing, or not as it has to be.",
    ),
    (
        MailKind::OperatorSilence,
        "No webhooks",
        "Clients pay, and Stripe has reported nothing for an hour.",
    ),
    (
        MailKind::OperatorClock,
        "Clock",
        "A webhook was refused because the clock is wrong.",
    ),
    (
        MailKind::OperatorPayouts,
        "Payouts of a tenant",
        "Its bank does not take the money that Stripe pays out.",
    ),
    (
        MailKind::OperatorBackup,
        "Backup",
        "In LIVE mode: the last one is over 26 hours old.",
    ),
    (
        MailKind::OperatorDisk,
        "Disk",
        "It fills up: less than a fifth, and less than 20 GiB, is free beside the database.",
    ),
    (
        MailKind::OperatorLocked,
        "LIVE locked",
        "The database is a copy, and no live money moves.",
    ),
];

/// What somebody in a role may be told of.
fn alerts_of(role: Role) -> &'static [Alert] {
    match role {
        Role::Operator => &ALARMS,
        Role::Owner | Role::Billing | Role::ReadOnly => &ALERTS,
    }
}

/// `POST /account/language`
pub async fn speak(State(site): State<Site>, person: Person, filled: Filled) -> Response {
    let problem = "must be one of those that are offered";
    let spoken = async {
        let language = Language::parse(filled.get("language"));
        let language = language.ok_or(Refusal::invalid("language", problem))?;
        account::speak(&site.app, &person.by, &person.seen, language).await
    };
    match spoken.await {
        Ok(_) => after(PATH, "language"),
        Err(failure) => page_of::not_changed(&site, &person, failure).await,
    }
}

/// `POST /account/alerts`
pub async fn choose(State(site): State<Site>, person: Person, filled: Filled) -> Response {
    let problem = "must be some of those that are offered";
    let chosen = async {
        let kinds = filled.all("alerts").map(MailKind::parse);
        let kinds: Option<Vec<MailKind>> = kinds.collect();
        let choices = MailKind::choices(person.role());
        let offered = kinds.filter(|kinds| kinds.iter().all(|kind| choices.contains(kind)));
        let kinds = offered.ok_or(Refusal::invalid("alerts", problem))?;
        account::choose_alerts(&site.app, &person.by, &person.seen, &kinds).await
    };
    match chosen.await {
        Ok(_) => after(PATH, "alerts"),
        Err(failure) => page_of::not_changed(&site, &person, failure).await,
    }
}

/// The form for the language.
pub fn language_form(person: &Person, errors: &Errors) -> Markup {
    let chosen = person.seen.user.language.unwrap_or_default();
    parts::form(
        "/account/language",
        &person.csrf,
        &html! {
            (language_field(chosen, "Invoices to your clients have languages of their own.", errors))
            div .actions { (parts::button("Save language")) }
        },
    )
}

/// A list of the languages that people are written to in.
pub fn language_field(chosen: Language, hint: &str, errors: &Errors) -> Markup {
    let offers = Language::ALL.map(|language| Offer {
        value: language.word(),
        label: language.name(),
        hint: "",
    });
    let choice = Choice {
        name: "language",
        label: "Language of mails",
        hint,
        options: &offers,
        chosen: chosen.word(),
    };
    parts::select(&choice, errors)
}

/// What the alerts of a role are about, in a sentence.
pub fn about_alerts(role: Role) -> &'static str {
    match role {
        Role::Operator => "Mails to you about what is wrong with the installation: one for each cause.",
        Role::Owner | Role::Billing | Role::ReadOnly => {
            "Mails to you about what happens to your money, as it happens."
        }
    }
}

/// The form for the alerts.
pub fn alerts_form(person: &Person, errors: &Errors) -> Markup {
    let told = person.seen.user.told_of();
    let boxes = alerts_of(person.role()).iter().map(|(kind, label, hint)| Check {
        name: "alerts",
        option: Offer {
            value: kind.word(),
            label,
            hint,
        },
        ticked: told.contains(kind),
    });
    let boxes: Vec<Check> = boxes.collect();
    parts::form(
        "/account/alerts",
        &person.csrf,
        &html! {
            (parts::checks("What you are told of", &boxes, errors))
            div .actions { (parts::button("Save alerts")) }
        },
    )
}
