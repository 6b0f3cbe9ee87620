//! `/api/mails`: what went out, to whom, and what became of it. A tenant sees its own mails in its key's
//! mode;
//! the operator's twins under `/api/platform` everybody's, and those about logins.

use axum::Json;
use axum::extract::State;
use domain::mail::{MailKind, MailState};
use domain::{MailId, Mode, Refusal};
use flows::Failure;
use flows::mails::{Letter, sending};
use serde::{Deserialize, Serialize};
use store::mails::{self, Mail};

use super::{Caller, InPath, Input, Page, Platform, Query};
use crate::problem::Problem;
use crate::router::Site;

/// Rows of a page.
const LIMIT_MAX: i64 = 100;
const LIMIT_DEFAULT: i64 = 20;
/// The longest reason of a bounce that is taken, in characters.
const REASON_MAX: usize = 500;

/// A mail as the API shows it.
#[derive(Debug, Serialize)]
pub struct MailJson {
    id: String,
    object: &'static str,
    livemode: bool,
    /// Only where the operator reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<String>,
    kind: &'static str,
    /// The id of what it tells of.
    about: String,
    invoice_id: Option<String>,
    recipient: String,
    language: &'static str,
    subject: String,
    status: &'static str,
    attempts: i64,
    /// How often it was sent again because nobody could say whether it had gone out.
    doubts: i64,
    next_attempt_at: Option<i64>,
    last_error: Option<String>,
    smtp_answer: Option<String>,
    message_id: Option<String>,
    created_at: i64,
    sent_at: Option<i64>,
}

impl MailJson {
    /// A mail for its tenant.
    pub fn of(mail: Mail) -> MailJson {
        MailJson {
            id: mail.id.to_string(),
            object: "mail",
            livemode: mail.scope.mode == Mode::Live,
            tenant_id: None,
            kind: mail.kind.word(),
            about: mail.about,
            invoice_id: mail.invoice_id.map(|id| id.to_string()),
            recipient: mail.recipient.to_string(),
            language: mail.language.word(),
            subject: mail.subject,
            status: mail.status.word(),
            attempts: mail.attempts,
            doubts: mail.doubts,
            next_attempt_at: mail.next_attempt_at.map(domain::Timestamp::ms),
            last_error: mail.last_error,
            smtp_answer: mail.smtp_answer,
            message_id: mail.message_id,
            created_at: mail.created_at.ms(),
            sent_at: mail.sent_at.map(domain::Timestamp::ms),
        }
    }

    fn with_tenant(mail: Mail) -> MailJson {
        let tenant = mail.scope.tenant.to_string();
        MailJson {
            tenant_id: Some(tenant),
            ..MailJson::of(mail)
        }
    }
}

/// A mail with what it says. Where its button leads is not told: that is the reader's.
#[derive(Debug, Serialize)]
pub struct MailDetailJson {
    #[serde(flatten)]
    mail: MailJson,
    greeting: String,
    paragraphs: Vec<String>,
    facts: Vec<(String, String)>,
    button: Option<String>,
    notes: Vec<String>,
}

impl MailDetailJson {
    fn of(mail: Mail, shown: fn(Mail) -> MailJson) -> Result<MailDetailJson, Problem> {
        let letter = Letter::read(&mail.subject, mail.language, &mail.letter)?;
        Ok(MailDetailJson {
            mail: shown(mail),
            greeting: letter.greeting,
            paragraphs: letter.paragraphs,
            facts: letter.facts,
            button: letter.button.map(|button| button.label),
            notes: letter.notes,
        })
    }
}

/// Which mails are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailsQuery {
    limit: Option<i64>,
    after: Option<String>,
    status: Option<String>,
    kind: Option<String>,
}

/// A query that was read.
struct Wanted {
    limit: i64,
    after: Option<MailId>,
    status: &'static str,
    kind: &'static str,
}

impl MailsQuery {
    fn wanted(&self) -> Result<Wanted, Refusal> {
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Refusal::invalid("limit", format!("must be 1 to {LIMIT_MAX}")));
        }
        let known = |words: Vec<&str>| format!("must be one of {}", words.join(", "));
        let status = match self.status.as_deref() {
            None => "",
            Some(word) => MailState::parse(word).map(MailState::word).ok_or_else(|| {
                let words = MailState::ALL.iter().map(|state| state.word()).collect();
                Refusal::invalid("status", known(words))
            })?,
        };
        let kind = match self.kind.as_deref() {
            None => "",
            Some(word) => MailKind::parse(word).map(MailKind::word).ok_or_else(|| {
                let words = MailKind::ALL.iter().map(|kind| kind.word()).collect();
                Refusal::invalid("kind", known(words))
            })?,
        };
        Ok(Wanted {
            limit,
            after: self.after.as_deref().map(MailId::parse).transpose()?,
            status,
            kind,
        })
    }
}

/// `GET /api/mails`
pub async fn list(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    Query(query): Query<MailsQuery>,
) -> Result<Json<Page<MailJson>>, Problem> {
    let wanted = query.wanted()?;
    let limit = wanted.limit;
    let rows = site.app.db.read(move |tx| {
        let which = [wanted.status, wanted.kind];
        mails::page(tx, &scope, wanted.after.as_ref(), which, limit + 1)
    });
    let rows = rows.await.map_err(Failure::from)?;
    Ok(Json(Page::of(
        rows.into_iter().map(MailJson::of).collect(),
        limit,
    )))
}

/// `GET /api/platform/mails`
pub async fn list_of_all(
    State(site): State<Site>,
    Platform { .. }: Platform,
    Query(query): Query<MailsQuery>,
) -> Result<Json<Page<MailJson>>, Problem> {
    let wanted = query.wanted()?;
    let limit = wanted.limit;
    let rows = site.app.db.read(move |tx| {
        mails::page_of_all(tx, wanted.after.as_ref(), [wanted.status, wanted.kind], limit + 1)
    });
    let rows = rows.await.map_err(Failure::from)?;
    Ok(Json(Page::of(
        rows.into_iter().map(MailJson::with_tenant).collect(),
        limit,
    )))
}

/// `GET /api/mails/{id}`
pub async fn get(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
) -> Result<Json<MailDetailJson>, Problem> {
    let id = MailId::parse(&id)?;
    let mail = site.app.db.read(move |tx| mails::get(tx, &scope, &id)).await;
    let mail = mail.map_err(Failure::from)?.ok_or(Refusal::NotFound)?;
    Ok(Json(MailDetailJson::of(mail, MailJson::of)?))
}

/// `GET /api/platform/mails/{id}`
pub async fn get_anybodys(
    State(site): State<Site>,
    Platform { .. }: Platform,
    InPath(id): InPath,
) -> Result<Json<MailDetailJson>, Problem> {
    let id = MailId::parse(&id)?;
    let mail = site.app.db.read(move |tx| mails::find(tx, &id)).await;
    let mail = mail.map_err(Failure::from)?.ok_or(Refusal::NotFound)?;
    Ok(Json(MailDetailJson::of(mail, MailJson::with_tenant)?))
}

/// `POST /api/mails/{id}/retry`
pub async fn retry(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    InPath(id): InPath,
) -> Result<Json<MailJson>, Problem> {
    let mail = sending::retry(&site.app, &scope, &by, &MailId::parse(&id)?).await?;
    Ok(Json(MailJson::of(mail)))
}

/// `POST /api/platform/mails/{id}/retry`
pub async fn retry_anybodys(
    State(site): State<Site>,
    Platform { by }: Platform,
    InPath(id): InPath,
) -> Result<Json<MailJson>, Problem> {
    let id = MailId::parse(&id)?;
    let found = id.clone();
    let mail = site.app.db.read(move |tx| mails::find(tx, &found)).await;
    let scope = mail.map_err(Failure::from)?.ok_or(Refusal::NotFound)?.scope;
    let mail = sending::retry(&site.app, &scope, &by, &id).await?;
    Ok(Json(MailJson::with_tenant(mail)))
}

/// What the operator's mail provider says of a mail that came back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BounceJson {
    reason: String,
}

/// `POST /api/platform/mails/{id}/bounced`
pub async fn bounced(
    State(site): State<Site>,
    Platform { by }: Platform,
    InPath(id): InPath,
    Input(bounce): Input<BounceJson>,
) -> Result<Json<MailJson>, Problem> {
    let reason =
        domain::text::shown(&domain::text::pasted(&bounce.reason), REASON_MAX, true).ok_or_else(|| {
            Refusal::invalid(
                "reason",
                format!("must be text with 1 to {REASON_MAX} characters"),
            )
        })?;
    let mail = sending::bounced(&site.app, &by, &MailId::parse(&id)?, &reason).await?;
    Ok(Json(MailJson::with_tenant(mail)))
}
