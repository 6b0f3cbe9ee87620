//! What a payer may take along: the invoice as PDF, the receipts of what was paid of it, and the tenant's
//! logo for the page. Each is opened by the pay link, as the page is.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::{PaymentId, Refusal};
use flows::Failure;
use flows::pay_links::{self, Opened};
use flows::payer_view::{self, Languages};
use store::pay_links::PayLink;

use super::checkout::{self, Told};
use super::language::Asked;
use crate::api::documents::{LanguageQuery, answer};
use crate::api::{InPath, InPaths, Query};
use crate::documents_of;
use crate::problem::Problem;
use crate::router::Site;

/// `GET /pay/{link}/invoice.pdf`
pub async fn invoice(
    State(site): State<Site>,
    asked: Asked,
    InPath(token): InPath,
    Query(query): Query<LanguageQuery>,
) -> Result<Response, Problem> {
    query.language()?;
    let Some((link, languages)) = open(&site, &token).await? else {
        return Ok(gone(&site, &token, asked).await);
    };
    let language = asked.among(&languages);
    let (scope, id) = (&link.scope, &link.invoice_id);
    answer(documents_of::invoice(&site, scope, id, Some(language), Some(token)).await?)
}

/// `GET /pay/{link}/receipts/{payment}.pdf`
pub async fn receipt(
    State(site): State<Site>,
    asked: Asked,
    InPaths(token, file): InPaths,
    Query(query): Query<LanguageQuery>,
) -> Result<Response, Problem> {
    query.language()?;
    let Some((link, languages)) = open(&site, &token).await? else {
        return Ok(gone(&site, &token, asked).await);
    };
    let language = asked.among(&languages);
    let payment = file.strip_suffix(".pdf").ok_or(Refusal::NotFound)?;
    let payment = PaymentId::parse(payment)?;
    let of = Some(&link.invoice_id);
    answer(documents_of::receipt(&site, &link.scope, &payment, of, Some(language)).await?)
}

/// The page of a link that is not in force.
async fn gone(site: &Site, token: &str, asked: Asked) -> Response {
    let looked = payer_view::look(&site.app, token).await;
    checkout::answer(site, token, asked, looked, Told::Nothing)
}

/// `GET /pay/{link}/logo`
pub async fn logo(State(site): State<Site>, InPath(token): InPath) -> Result<Response, Problem> {
    let (link, _) = open(&site, &token).await?.ok_or(Refusal::LinkExpired)?;
    let read = site.app.db.read(move |tx| documents_of::logo(tx, &link.scope));
    let png = read.await.map_err(Failure::from)?.ok_or(Refusal::NotFound)?;
    let kind = HeaderValue::from_static("image/png");
    Ok(([(header::CONTENT_TYPE, kind)], png).into_response())
}

/// The link in force that a token opens, and its client's languages; none for one that has run out.
async fn open(site: &Site, token: &str) -> Result<Option<(PayLink, Languages)>, Failure> {
    let (keys, token, now) = (site.app.keys(), token.to_owned(), site.app.clock.now());
    let opened = site
        .app
        .db
        .read(move |tx| match pay_links::open(tx, &keys, &token, now)? {
            Opened::Valid(link) => {
                let languages = Languages::of(tx, &link)?;
                Ok(Some((link, languages)))
            }
            Opened::Expired(_) | Opened::Revoked(_) => Ok(None),
        });
    opened.await
}
