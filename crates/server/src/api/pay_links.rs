//! `/api/invoices/{id}/links`: whose links an invoice has, who looked at it and who paid; making one for
//! somebody, and taking one back.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use domain::{InvoiceId, LinkId, MailAddress, PaymentId, Refusal, Timestamp};
use flows::Failure;
use flows::pay_links::{self, NewCopy};
use serde::{Deserialize, Serialize};
use store::pay_links::PayLink;
use store::{invoices, paid_by, pay_links as rows};

use super::{Caller, InPath, InPaths, Input, Page, PageQuery, Query};
use crate::idempotency::{Once, Withheld};
use crate::problem::Problem;
use crate::router::Site;

/// A link as the API shows it; its address only when it is made.
#[derive(Debug, Serialize)]
pub struct PayLinkJson {
    id: String,
    object: &'static str,
    /// `shared`, `mailed`, `mailed_copy`, `copied` or `forwarded`.
    kind: &'static str,
    recipient: Option<RecipientJson>,
    /// The link whose holder forwarded the invoice.
    forwarded_by: Option<String>,
    /// `in_force`, `expired` or `revoked`.
    state: &'static str,
    created_at: i64,
    expires_at: i64,
    revoked_at: Option<i64>,
    /// How often its page was looked at; several times within a minute count once.
    views: i64,
    first_viewed_at: Option<i64>,
    last_viewed_at: Option<i64>,
    /// The payments that succeeded by this link.
    payments: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Debug, Serialize)]
struct RecipientJson {
    address: String,
    name: Option<String>,
}

impl PayLinkJson {
    fn of(link: PayLink, payments: Vec<String>, now: Timestamp) -> PayLinkJson {
        PayLinkJson {
            state: link.state(now).word(),
            id: link.id.to_string(),
            object: "pay_link",
            kind: link.kind.word(),
            recipient: link.recipient.map(|recipient| RecipientJson {
                address: recipient.address.to_string(),
                name: recipient.name,
            }),
            forwarded_by: link.parent.map(|parent| parent.to_string()),
            created_at: link.created_at.ms(),
            expires_at: link.expires_at.ms(),
            revoked_at: link.revoked_at.map(Timestamp::ms),
            views: link.views.count,
            first_viewed_at: link.views.first_at.map(Timestamp::ms),
            last_viewed_at: link.views.last_at.map(Timestamp::ms),
            payments,
            url: None,
        }
    }
}

fn payments_of(paid: &[(PaymentId, LinkId)], link: &PayLink) -> Vec<String> {
    let own = paid.iter().filter(|(_, by)| *by == link.id);
    own.map(|(payment, _)| payment.to_string()).collect()
}

/// `GET /api/invoices/{id}/links`
pub async fn list(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<PayLinkJson>>, Problem> {
    let (id, limit) = (InvoiceId::parse(&id)?, query.limit()?);
    let after = query.after.as_deref().map(LinkId::parse).transpose()?;
    let found = site.app.db.read(move |tx| {
        invoices::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
        let links = rows::page(tx, &scope, &id, after.as_ref(), limit + 1)?;
        Ok::<_, Failure>((links, paid_by::of_invoice(tx, &scope, &id)?))
    });
    let (links, paid) = found.await?;
    let now = site.app.clock.now();
    let shown = links.into_iter().map(|link| {
        let payments = payments_of(&paid, &link);
        PayLinkJson::of(link, payments, now)
    });
    Ok(Json(Page::of(shown.collect(), limit)))
}

/// For whom a link is made, and for how long.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewLinkJson {
    /// Looked at only where the invoice is there.
    email: Option<String>,
    name: Option<String>,
    expires_in_days: Option<i64>,
}

/// `POST /api/invoices/{id}/links`
pub async fn create(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    Once(moment): Once,
    InPath(id): InPath,
    Input(new): Input<NewLinkJson>,
) -> Result<(StatusCode, Extension<Withheld>, Json<PayLinkJson>), Problem> {
    let id = InvoiceId::parse(&id)?;
    let (of, invoice) = (scope.clone(), id.clone());
    let known = site.app.db.read(move |tx| invoices::get(tx, &of, &invoice)).await;
    known.map_err(Failure::from)?.ok_or(Refusal::NotFound)?;
    let new = NewCopy {
        address: MailAddress::parse("email", new.email.as_deref().unwrap_or_default())?,
        name: new.name,
        lifetime_days: new.expires_in_days,
    };
    let (link, issued) = pay_links::make(&site.app, &scope, &by, moment, &id, new).await?;
    let (of, generation) = issued.derived_from;
    let shown = PayLinkJson {
        url: Some(site.pay_url(&issued.token)),
        ..PayLinkJson::of(link, Vec::new(), site.app.clock.now())
    };
    let withheld = Extension(Withheld::PayUrl(of, generation));
    Ok((StatusCode::CREATED, withheld, Json(shown)))
}

/// `POST /api/invoices/{id}/links/{link}/revoke`
pub async fn revoke(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    InPaths(id, link): InPaths,
) -> Result<Json<PayLinkJson>, Problem> {
    let (id, link) = (InvoiceId::parse(&id)?, LinkId::parse(&link)?);
    let link = pay_links::revoke(&site.app, &scope, &by, &id, &link).await?;
    let read = site
        .app
        .db
        .read(move |tx| Ok::<_, Failure>(paid_by::of_invoice(tx, &scope, &id)?));
    let payments = payments_of(&read.await?, &link);
    Ok(Json(PayLinkJson::of(link, payments, site.app.clock.now())))
}
