//! What a payer does with the link itself: forwards the invoice to an approver, or has a fresh link mailed
//! where theirs has run out. Plain forms, whose answers are pages.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use domain::pay_link::Refused;
use domain::{Limited, Refusal};
use flows::pay_links::{self, Approver};
use flows::payer_view::{self, Look};
use flows::{Failure, payer_view::PayerView};

use super::checkout::{self, Told};
use super::language::Asked;
use super::page::forwarding::Wrong;
use super::words;
use crate::api::{InPath, Visitor, read_body};
use crate::people::Filled;
use crate::problem::Problem;
use crate::router::Site;

/// `POST /pay/{link}/forward`
pub async fn forward(
    State(site): State<Site>,
    Visitor(by): Visitor,
    asked: Asked,
    InPath(link): InPath,
    request: Request,
) -> Response {
    let filled = match read_body(request).await {
        Ok(body) => Filled::read(&body),
        Err(problem) => return problem.into_response(),
    };
    let to = Approver {
        name: filled.get("name").to_owned(),
        email: filled.get("email").to_owned(),
        page_token: Some(filled.get("page_token").to_owned()).filter(|token| !token.is_empty()),
    };
    match pay_links::forward(&site.app, &by, &link, &to).await {
        Ok(()) => Redirect::to(&format!("/pay/{link}{}#forward", asked.query())).into_response(),
        Err(Failure::Refused(refusal)) => again(&site, asked, &link, to, refusal).await,
        Err(failure) => checkout::trouble(failure, asked),
    }
}

/// The page once more, with what was typed and what is wrong with it.
async fn again(site: &Site, asked: Asked, link: &str, to: Approver, refusal: Refusal) -> Response {
    match payer_view::look(&site.app, link).await {
        Ok(Look::Invoice(view)) => {
            let wrong = wrong(asked, &view, &refusal);
            let status = Problem::from(refusal).into_response().status();
            let told = Told::Wrong(status, to, wrong);
            checkout::answer(site, link, asked, Ok(Look::Invoice(view)), told)
        }
        looked => checkout::answer(site, link, asked, looked, Told::Nothing),
    }
}

fn wrong(asked: Asked, view: &PayerView, refusal: &Refusal) -> Wrong {
    let all = words::of(asked.among(&view.languages));
    let (links, refusals) = (&all.links, &all.refusals);
    let (field, sentence) = match refusal {
        Refusal::InvalidField { field, .. } if field == "name" => (Some("name"), links.name_wrong),
        Refusal::InvalidField { .. } => (Some("email"), links.email_wrong),
        Refusal::PayLink(Refused::TooManyForwards) => (None, links.too_many),
        Refusal::InvoicePaid => (None, refusals.invoice_paid),
        Refusal::InvoiceVoid => (None, refusals.invoice_void),
        Refusal::Limited(Limited::RateLimited { .. }) => (None, links.wait),
        _ => (None, links.try_again),
    };
    Wrong {
        field,
        sentence: sentence.to_owned(),
    }
}

/// `POST /pay/{link}/fresh`: the same answer, whether a mail goes out now or went out before.
pub async fn fresh(
    State(site): State<Site>,
    Visitor(by): Visitor,
    asked: Asked,
    InPath(link): InPath,
) -> Response {
    match pay_links::fresh(&site.app, &by, &link).await {
        Ok(true) => {
            let looked = payer_view::look(&site.app, &link).await;
            checkout::answer(&site, &link, asked, looked, Told::FreshLink)
        }
        // It is in force: the page itself is what they want.
        Ok(false) => Redirect::to(&format!("/pay/{link}{}", asked.query())).into_response(),
        Err(Failure::Refused(Refusal::Limited(limited))) => checkout::busy(limited, asked),
        Err(Failure::Refused(_)) => {
            let looked = payer_view::look(&site.app, &link).await;
            checkout::answer(&site, &link, asked, looked, Told::Nothing)
        }
        Err(failure) => checkout::trouble(failure, asked),
    }
}

/// `GET /pay/{link}/forward` and `GET /pay/{link}/fresh`: whoever loads the answer of a form again, or
/// chooses another language on it, is at the page of the link.
pub async fn back(State(site): State<Site>, asked: Asked, InPath(link): InPath) -> Response {
    match payer_view::look(&site.app, &link).await {
        Ok(Look::Invoice(_)) => Redirect::to(&format!("/pay/{link}{}", asked.query())).into_response(),
        looked => checkout::answer(&site, &link, asked, looked, Told::Nothing),
    }
}
