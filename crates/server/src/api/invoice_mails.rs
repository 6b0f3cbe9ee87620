//! `/api/invoices/{id}/…`: sending an invoice, who would get it, what was mailed of it, and until when its
//! client has promised to pay.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::Timestamp;
use domain::seal::Day;
use domain::{InvoiceId, MailAddress, Refusal};
use flows::Failure;
use flows::mails::invoice::{self, Foreseen, Sending};
use flows::mails::recipients::Receiver;
use serde::{Deserialize, Serialize};
use store::pay_links::PayLink;
use store::{invoices, mails};

use super::mails::MailJson;
use super::{Caller, InPath, Input};
use crate::idempotency::Once;
use crate::problem::Problem;
use crate::router::Site;

/// Who would get an invoice.
#[derive(Debug, Serialize)]
pub struct ForeseenJson {
    object: &'static str,
    #[serde(flatten)]
    to: RecipientsJson,
}

/// Who gets an invoice.
#[derive(Debug, Serialize)]
pub struct RecipientsJson {
    client_id: String,
    client_name: String,
    language: &'static str,
    recipients: Vec<RecipientJson>,
    /// Whether the client itself would get it.
    reaches_client: bool,
    /// What stands where an address should be and is none.
    unusable: Vec<String>,
}

#[derive(Debug, Serialize)]
struct RecipientJson {
    address: String,
    name: Option<String>,
    /// `named`, `billing_address`, `client_email` or `copy`.
    source: &'static str,
    /// What became of the last mail there, if it did not arrive.
    warning: Option<WarningJson>,
    /// The pay link of theirs that is mailed; null before the first mail.
    link: Option<LinkJson>,
}

/// A recipient's link, without its address.
#[derive(Debug, Serialize)]
struct LinkJson {
    id: String,
    /// `in_force`, `expired` or `revoked`.
    state: &'static str,
    expires_at: i64,
    views: i64,
    last_viewed_at: Option<i64>,
}

impl LinkJson {
    fn of(link: &PayLink, now: Timestamp) -> LinkJson {
        LinkJson {
            id: link.id.to_string(),
            state: link.state(now).word(),
            expires_at: link.expires_at.ms(),
            views: link.views.count,
            last_viewed_at: link.views.last_at.map(Timestamp::ms),
        }
    }
}

#[derive(Debug, Serialize)]
struct WarningJson {
    status: &'static str,
    reason: Option<String>,
}

impl RecipientsJson {
    fn of(foreseen: &Foreseen, now: Timestamp) -> RecipientsJson {
        let Foreseen { to: receivers, links } = foreseen;
        let recipient = |(receiver, link): (&Receiver, &Option<PayLink>)| RecipientJson {
            link: link.as_ref().map(|link| LinkJson::of(link, now)),
            address: receiver.to.address.to_string(),
            name: receiver.to.name.clone(),
            source: receiver.source.word(),
            warning: receiver.trouble.as_ref().map(|trouble| WarningJson {
                status: trouble.state.word(),
                reason: trouble.why.clone(),
            }),
        };
        RecipientsJson {
            client_id: receivers.client.id.to_string(),
            client_name: receivers.client.name.clone(),
            language: receivers.language.word(),
            recipients: receivers.receivers.iter().zip(links).map(recipient).collect(),
            reaches_client: receivers.reaches_client(),
            unusable: receivers.unusable.clone(),
        }
    }
}

/// `GET /api/invoices/{id}/recipients`
pub async fn recipients(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
) -> Result<Json<ForeseenJson>, Problem> {
    let receivers = invoice::receivers(&site.app, &scope, &InvoiceId::parse(&id)?).await?;
    Ok(Json(ForeseenJson {
        object: "recipients",
        to: RecipientsJson::of(&receivers, site.app.clock.now()),
    }))
}

/// How an invoice is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendJson {
    /// To whom, instead of the client's own addresses.
    #[serde(default)]
    to: Vec<String>,
    /// A sentence of the sender's.
    note: Option<String>,
}

/// An invoice that is on its way.
#[derive(Debug, Serialize)]
pub struct SentJson {
    object: &'static str,
    invoice_id: String,
    mails: Vec<String>,
    #[serde(flatten)]
    to: RecipientsJson,
}

/// `POST /api/invoices/{id}/send`
pub async fn send(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    Once(moment): Once,
    InPath(id): InPath,
    Input(wanted): Input<SendJson>,
) -> Result<(StatusCode, Json<SentJson>), Problem> {
    let to = wanted.to.iter().enumerate();
    let to = to.map(|(nth, address)| MailAddress::parse(format!("to[{nth}]"), address));
    let sending = Sending {
        to: to.collect::<Result<_, _>>()?,
        note: wanted.note,
    };
    let id = InvoiceId::parse(&id)?;
    let (mails, receivers) = invoice::send(&site.app, &scope, &by, moment, &id, sending).await?;
    let sent = SentJson {
        object: "invoice_sending",
        invoice_id: id.to_string(),
        mails: mails.iter().map(ToString::to_string).collect(),
        to: RecipientsJson::of(&receivers, site.app.clock.now()),
    };
    Ok((StatusCode::ACCEPTED, Json(sent)))
}

/// The mails of an invoice.
#[derive(Debug, Serialize)]
pub struct InvoiceMailsJson {
    data: Vec<MailJson>,
    /// The day on which the client has promised to pay.
    promised_for: Option<String>,
}

/// `GET /api/invoices/{id}/mails`
pub async fn list(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
) -> Result<Json<InvoiceMailsJson>, Problem> {
    let id = InvoiceId::parse(&id)?;
    let found = site.app.db.read(move |tx| {
        invoices::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
        let promised = store::reminders::promised(tx, &scope, &id)?;
        Ok::<_, Failure>((mails::of_invoice(tx, &scope, &id)?, promised))
    });
    let (mails, promised) = found.await?;
    Ok(Json(InvoiceMailsJson {
        data: mails.into_iter().map(MailJson::of).collect(),
        promised_for: promised.map(|day| day.to_string()),
    }))
}

/// A promise to pay; null takes it back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromiseJson {
    date: Option<String>,
}

/// `POST /api/invoices/{id}/promise`
pub async fn promise(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    InPath(id): InPath,
    Input(promise): Input<PromiseJson>,
) -> Result<Json<InvoiceMailsJson>, Problem> {
    let id = InvoiceId::parse(&id)?;
    let day = promise.date.as_deref().map(|date| {
        Day::parse(date).ok_or_else(|| Refusal::invalid("date", "must be a date such as 2026-12-31"))
    });
    invoice::promise(&site.app, &scope, &by, &id, day.transpose()?).await?;
    let caller = Caller { scope, by };
    list(State(site), caller, InPath(id.to_string())).await
}
