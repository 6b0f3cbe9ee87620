//! `/api/settings/mail`: how a tenant writes to its clients, and which of its staff are told of what; and
//! `/api/clients/{id}/mail`: where a client's mails go.

use axum::Json;
use axum::extract::State;
use domain::mail::MailKind;
use domain::{ClientId, Language, MailAddress, Refusal, Scope, mail_address};
use flows::mail_settings::{self, Chosen};
use serde::{Deserialize, Serialize};
use store::client_mail_settings::ClientMailSettings;
use store::mail_settings::{MailSettings, Notice};

use super::{Caller, InPath, Input};
use crate::problem::Problem;
use crate::router::Site;

/// The settings as the API shows and takes them: what is not named is as it is without settings.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChosenJson {
    sender_name: Option<String>,
    reply_to: Option<String>,
    language: String,
    receipts: bool,
    /// Days from the due date, negative before it; none when clients are not reminded.
    reminder_days: Vec<i64>,
    copies: Vec<String>,
    notices: Vec<NoticeJson>,
}

impl Default for ChosenJson {
    fn default() -> ChosenJson {
        ChosenJson::of(&Chosen {
            settings: MailSettings::default(),
            notices: Vec::new(),
        })
    }
}

/// Somebody who is told.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NoticeJson {
    address: String,
    name: Option<String>,
    language: Option<String>,
    kinds: Vec<String>,
}

/// The settings with what they are of.
#[derive(Debug, Serialize)]
pub struct MailSettingsJson {
    object: &'static str,
    livemode: bool,
    #[serde(flatten)]
    chosen: ChosenJson,
    /// The first day of the plan as it is.
    reminders_from: Option<String>,
}

impl MailSettingsJson {
    fn of(scope: &Scope, chosen: &Chosen) -> MailSettingsJson {
        MailSettingsJson {
            object: "mail_settings",
            livemode: scope.mode.is_live(),
            chosen: ChosenJson::of(chosen),
            reminders_from: chosen.settings.reminders_from.map(|day| day.to_string()),
        }
    }
}

impl ChosenJson {
    fn of(chosen: &Chosen) -> ChosenJson {
        let settings = &chosen.settings;
        let notice = |notice: &Notice| NoticeJson {
            address: notice.address.to_string(),
            name: notice.name.clone(),
            language: Some(notice.language.word().to_owned()),
            kinds: notice.kinds.iter().map(|kind| kind.word().to_owned()).collect(),
        };
        ChosenJson {
            sender_name: settings.sender_name.clone(),
            reply_to: settings.reply_to.as_ref().map(ToString::to_string),
            language: settings.language.word().to_owned(),
            receipts: settings.receipts,
            reminder_days: settings.reminder_days.clone(),
            copies: settings.copies.iter().map(ToString::to_string).collect(),
            notices: chosen.notices.iter().map(notice).collect(),
        }
    }

    fn check(self) -> Result<Chosen, Refusal> {
        let sender = self.sender_name.as_deref();
        let language = language("language", &self.language)?;
        let settings = MailSettings {
            sender_name: sender
                .map(|name| mail_address::name("sender_name", name))
                .transpose()?,
            reply_to: self
                .reply_to
                .as_deref()
                .map(|address| MailAddress::parse("reply_to", address))
                .transpose()?,
            language,
            receipts: self.receipts,
            reminder_days: self.reminder_days,
            reminders_from: None,
            copies: addresses("copies", &self.copies)?,
        };
        let notices = self.notices.into_iter().enumerate();
        let notices = notices.map(|(nth, notice)| {
            notice
                .check(settings.language)
                .map_err(|refusal| refusal.within(&format!("notices[{nth}]")))
        });
        Ok(Chosen {
            notices: notices.collect::<Result<_, _>>()?,
            settings,
        })
    }
}

impl NoticeJson {
    fn check(self, usual: Language) -> Result<Notice, Refusal> {
        let kind = |(nth, word): (usize, &String)| {
            let known = MailKind::parse(word).filter(|kind| MailKind::NOTICES.contains(kind));
            known.ok_or_else(|| {
                let words: Vec<&str> = MailKind::NOTICES.iter().map(|kind| kind.word()).collect();
                Refusal::invalid(
                    format!("kinds[{nth}]"),
                    format!("must be one of {}", words.join(", ")),
                )
            })
        };
        let name = self.name.as_deref();
        Ok(Notice {
            address: MailAddress::parse("address", &self.address)?,
            name: name.map(|name| mail_address::name("name", name)).transpose()?,
            language: match &self.language {
                Some(word) => language("language", word)?,
                None => usual,
            },
            kinds: self
                .kinds
                .iter()
                .enumerate()
                .map(kind)
                .collect::<Result<_, _>>()?,
        })
    }
}

fn language(field: &'static str, word: &str) -> Result<Language, Refusal> {
    Language::ALL
        .into_iter()
        .find(|language| language.word() == word)
        .ok_or_else(|| {
            let words = Language::ALL.map(Language::word).join(", ");
            Refusal::invalid(field, format!("must be one of {words}"))
        })
}

fn addresses(field: &str, given: &[String]) -> Result<Vec<MailAddress>, Refusal> {
    let mut found: Vec<MailAddress> = Vec::with_capacity(given.len());
    for (nth, text) in given.iter().enumerate() {
        let address = MailAddress::parse(format!("{field}[{nth}]"), text)?;
        if !found.iter().any(|known| known.key() == address.key()) {
            found.push(address);
        }
    }
    Ok(found)
}

/// `GET /api/settings/mail`
pub async fn get(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
) -> Result<Json<MailSettingsJson>, Problem> {
    let chosen = mail_settings::get(&site.app, &scope).await?;
    Ok(Json(MailSettingsJson::of(&scope, &chosen)))
}

/// `PUT /api/settings/mail`
pub async fn put(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    Input(new): Input<ChosenJson>,
) -> Result<Json<MailSettingsJson>, Problem> {
    let chosen = mail_settings::set(&site.app, &scope, &by, new.check()?).await?;
    Ok(Json(MailSettingsJson::of(&scope, &chosen)))
}

/// Where a client's mails go, as the API shows and takes it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientMailJson {
    /// Its language; the tenant's without one.
    language: Option<String>,
    /// Where its mails go, instead of its e-mail address.
    billing_addresses: Vec<String>,
}

impl ClientMailJson {
    fn of(settings: &ClientMailSettings) -> ClientMailJson {
        ClientMailJson {
            language: settings.language.map(|language| language.word().to_owned()),
            billing_addresses: settings
                .billing_addresses
                .iter()
                .map(ToString::to_string)
                .collect(),
        }
    }
}

/// `GET /api/clients/{id}/mail`
pub async fn of_client(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
) -> Result<Json<ClientMailJson>, Problem> {
    let settings = mail_settings::of_client(&site.app, &scope, &ClientId::parse(&id)?).await?;
    Ok(Json(ClientMailJson::of(&settings)))
}

/// `PUT /api/clients/{id}/mail`
pub async fn put_of_client(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    InPath(id): InPath,
    Input(new): Input<ClientMailJson>,
) -> Result<Json<ClientMailJson>, Problem> {
    let settings = ClientMailSettings {
        language: new
            .language
            .as_deref()
            .map(|word| language("language", word))
            .transpose()?,
        billing_addresses: addresses("billing_addresses", &new.billing_addresses)?,
    };
    let id = ClientId::parse(&id)?;
    let settings = mail_settings::set_of_client(&site.app, &scope, &by, &id, settings).await?;
    Ok(Json(ClientMailJson::of(&settings)))
}
