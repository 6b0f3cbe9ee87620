//! `/settings/mails`: how the tenant writes to its clients, when it reminds them, and who else is told of
//! what happens.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::mail::MailKind;
use domain::{Language, MailAddress, Refusal, mail_address};
use flows::mail_settings::{self, Chosen};
use maud::{Markup, html};
use store::mail_settings::{MailSettings, Notice};

use super::account_mails::{ALERTS, language_field};
use super::desk::{self, SEEN};
use super::{Asked, after, again, page, said, trouble, with_status};
use crate::html::{self as parts, Check, Errors, Field, Input, Offer, Place};
use crate::people::{Filled, Person};
use crate::router::Site;

const PLACE: Place = Place::MailSettings;
const PATH: &str = PLACE.path();
const TITLE: &str = PLACE.name();
const ABOUT: &str = "How you write to your clients, and who is told of what.";
const LABELS: [(&str, &str); 6] = [
    ("sender_name", "Sender"),
    ("reply_to", "Answers go to"),
    ("language", "Language of mails"),
    ("reminder_days", "Days"),
    ("copies", "Copies"),
    ("notices", "Who else is told"),
];

/// What stands in the form.
struct Typed {
    sender_name: String,
    reply_to: String,
    language: Language,
    receipts: bool,
    reminder_days: String,
    copies: String,
    /// An address, and of what it is told.
    notices: Vec<(String, Vec<MailKind>)>,
}

impl Typed {
    fn of(chosen: &Chosen) -> Typed {
        let settings = &chosen.settings;
        let days: Vec<String> = settings.reminder_days.iter().map(i64::to_string).collect();
        let copies: Vec<String> = settings.copies.iter().map(ToString::to_string).collect();
        Typed {
            sender_name: settings.sender_name.clone().unwrap_or_default(),
            reply_to: settings
                .reply_to
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            language: settings.language,
            receipts: settings.receipts,
            reminder_days: days.join(", "),
            copies: copies.join("\n"),
            notices: chosen
                .notices
                .iter()
                .map(|notice| (notice.address.to_string(), notice.kinds.clone()))
                .collect(),
        }
    }

    fn filled(filled: &Filled) -> Typed {
        let kinds = |nth: usize| {
            let field = kinds_of(nth);
            filled.all(&field).filter_map(MailKind::parse).collect()
        };
        Typed {
            sender_name: filled.get("sender_name").trim().to_owned(),
            reply_to: filled.get("reply_to").trim().to_owned(),
            language: Language::parse(filled.get("language")).unwrap_or_default(),
            receipts: filled.get("receipts") == "1",
            reminder_days: filled.get("reminder_days").to_owned(),
            copies: filled.get("copies").replace("\r\n", "\n"),
            notices: filled
                .all("notice_address")
                .enumerate()
                .map(|(nth, address)| (address.trim().to_owned(), kinds(nth)))
                .filter(|(address, _)| !address.is_empty())
                .collect(),
        }
    }

    /// What is wished for, over what is there: names and languages of those who are told stay as they are.
    fn check(&self, there: &Chosen) -> Result<Chosen, Refusal> {
        let days = self
            .reminder_days
            .split([',', ' ', ';'])
            .filter(|text| !text.is_empty());
        let day = |text: &str| {
            let unread = |_| {
                Refusal::invalid(
                    "reminder_days",
                    "must be whole numbers with commas between, such as -3, 1, 7, 14",
                )
            };
            text.parse::<i64>().map_err(unread)
        };
        let copies = self.copies.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut notices = Vec::new();
        for (text, kinds) in &self.notices {
            let address = MailAddress::parse("notices", text)?;
            let known = there
                .notices
                .iter()
                .find(|notice| notice.address.key() == address.key());
            notices.push(Notice {
                name: known.and_then(|notice| notice.name.clone()),
                language: known.map_or(self.language, |notice| notice.language),
                kinds: kinds.clone(),
                address,
            });
        }
        Ok(Chosen {
            settings: MailSettings {
                sender_name: match self.sender_name.as_str() {
                    "" => None,
                    name => Some(mail_address::name("sender_name", name)?),
                },
                reply_to: match self.reply_to.as_str() {
                    "" => None,
                    address => Some(MailAddress::parse("reply_to", address)?),
                },
                language: self.language,
                receipts: self.receipts,
                reminder_days: days.map(day).collect::<Result<_, _>>()?,
                reminders_from: None,
                copies: copies
                    .map(|text| MailAddress::parse("copies", text))
                    .collect::<Result<_, _>>()?,
            },
            notices,
        })
    }
}

fn kinds_of(nth: usize) -> String {
    format!("notice_kinds_{nth}")
}

/// `GET /settings/mails`
pub async fn show(State(site): State<Site>, person: Person, asked: Asked) -> Response {
    match mail_settings::get(&site.app, &person.scope()).await {
        Ok(chosen) => {
            let form = form(&person, &Typed::of(&chosen), &chosen, false, &Errors::none());
            page(
                &person,
                PLACE,
                TITLE,
                &desk::settings(TITLE, ABOUT, &said(&asked), &form),
            )
        }
        Err(failure) => trouble(&person, PLACE, failure),
    }
}

/// `POST /settings/mails`
pub async fn save(State(site): State<Site>, person: Person, filled: Filled) -> Response {
    let there = match mail_settings::get(&site.app, &person.scope()).await {
        Ok(there) => there,
        Err(failure) => return trouble(&person, PLACE, failure),
    };
    let typed = Typed::filled(&filled);
    if filled.get(SEEN) != desk::seen(&there) {
        let form = form(&person, &typed, &there, true, &Errors::none());
        let content = desk::settings(TITLE, ABOUT, &html! {}, &form);
        return with_status(StatusCode::CONFLICT, &person, PLACE, TITLE, &content);
    }
    let saved = async {
        let wanted = typed.check(&there)?;
        mail_settings::set(&site.app, &person.scope(), &person.by, wanted).await
    };
    match saved.await {
        Ok(_) => after(PATH, "saved"),
        Err(failure) => again(failure, &person, PLACE, TITLE, |refusal| {
            let errors = Errors::of_refusal(refusal, &LABELS);
            let form = form(&person, &typed, &there, false, &errors);
            desk::settings(TITLE, ABOUT, &html! {}, &form)
        }),
    }
}

fn form(person: &Person, typed: &Typed, there: &Chosen, late: bool, errors: &Errors) -> Markup {
    let fields = html! {
        (to_clients(typed, errors))
        h2 { "Reminders" }
        (parts::field(&Field {
            name: "reminder_days", label: "Days from the due date", value: &typed.reminder_days,
                optional: true,
            hint: "With commas between: -3, 1, 7, 14 reminds three days before it is due, and one, seven and \
                   fourteen days after. Nobody is reminded while a payment is under way or was promised. \
                   Empty: no reminders.",
            max: 100, ..Field::default()
        }, errors))
        h2 { "Who else is told" }
        p .soft {
            "Everybody who logs in chooses for themselves, under " a href="/account" {
                "Profile and security" }
            ". Here stand other addresses, such as a shared mailbox."
        }
        @if let Some(error) = errors.of("notices") { (parts::error_beside("notices", error)) }
        @for (nth, (address, kinds)) in typed.notices.iter().enumerate() { (notice(nth, address, kinds)) }
        (notice(typed.notices.len(), "", &[]))
    };
    desk::settings_form(person, PATH, (&desk::seen(there), late), &fields, errors)
}

fn to_clients(typed: &Typed, errors: &Errors) -> Markup {
    html! {
        h2 { "Mails to clients" }
        (parts::field(&Field {
            name: "sender_name", label: LABELS[0].1, value: &typed.sender_name, optional: true, max: 200,
            hint: "The name that mails come from. Without one, your company's.", ..Field::default()
        }, errors))
        (parts::field(&Field {
            name: "reply_to", label: LABELS[1].1, value: &typed.reply_to, input: Input::Email, optional: true,
            max: 254, hint: "Without one, your support address.", ..Field::default()
        }, errors))
        (language_field(typed.language, "Of clients who have no language of their own.", errors))
        (parts::check(&Check {
            name: "receipts",
            option: Offer {
                value: "1",
                label: "Receipts",
                hint: "Clients get a receipt by mail when they have paid.",
            },
            ticked: typed.receipts,
        }))
        (parts::field(&Field {
            name: "copies", label: LABELS[4].1, value: &typed.copies, input: Input::Lines, optional: true,
            hint: "Addresses of yours that get a copy of what clients get, one to a line.",
            ..Field::default()
        }, errors))
    }
}

fn notice(nth: usize, address: &str, kinds: &[MailKind]) -> Markup {
    let id = format!("notice-{nth}");
    let name = kinds_of(nth);
    html! {
        fieldset .field {
            legend .label { @if address.is_empty() { "Another address" } @else { (address) } }
            label .visually-hidden for=(id) { "Address" }
            input .input id=(id) name="notice_address" type="email" value=(address) maxlength="254"
                autocapitalize="none" spellcheck="false";
            div .checks {
                @for (at, (kind, label, _)) in ALERTS.iter().enumerate() {
                    @let box_id = format!("{id}-{at}");
                    label .check for=(box_id) {
                        input id=(box_id) type="checkbox" name=(name) value=(kind.word())
                            checked[kinds.contains(kind)];
                        span { (label) }
                    }
                }
            }
        }
    }
}
