//! `GET /pay/{link}` and its panel: reads what the payer may see and shows it. Of the address's parameters
//! only the language is looked at: whatever a redirect says, the page shows what the server knows.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::business::Business;
use domain::invoice::{Discount, TaxLine, totals};
use domain::language::Language;
use domain::pay_link::{LinkState, Refused};
use domain::seal::Day;
use domain::{Currency, Limited, Money, Refusal, Timestamp};
use flows::pay_links::Approver;
use flows::payer_view::{self, Look, Panel, PayerView};
use flows::{Failure, pay_links, payer_view::Look::Expired};
use maud::Markup;
use store::invoices::Invoice;
use store::payments::Payment;
use store::tenants::Tenant;

use super::language::{Asked, PARAMETER};
use super::looks::ByPerson;
use super::page::choice::{Choice, Other};
use super::page::forwarding::{Form, Forwarding, Sent, Wrong};
use super::page::notices::Fresh;
use super::page::{self, Checkout, Line, Off, PanelState, Receipt, ReceiptFile, Seller, Tax, View, notices};
use super::words::fill;
use crate::api::InPath;
use crate::problem::Problem;
use crate::router::Site;

/// `GET /pay/{link}`
pub async fn page(
    State(site): State<Site>,
    asked: Asked,
    ByPerson(by_person): ByPerson,
    InPath(link): InPath,
) -> Response {
    let looked = payer_view::look(&site.app, &link).await;
    if let Ok(Look::Invoice(view)) = &looked
        && by_person
    {
        pay_links::viewed(&site.app, &view.link).await;
    }
    answer(&site, &link, asked, looked, Told::Nothing)
}

/// What a page tells besides what the link shows.
pub enum Told {
    /// Nothing.
    Nothing,
    /// A fresh link is on its way, or was a moment ago.
    FreshLink,
    /// What was typed to forward the invoice, and what is wrong with it, with the status that says so.
    Wrong(StatusCode, Approver, Wrong),
}

/// The page of what a link turned out to be.
pub fn answer(site: &Site, link: &str, asked: Asked, looked: Result<Look, Failure>, told: Told) -> Response {
    match looked {
        Ok(Look::Invoice(view)) => match view_of(site, link, asked, *view) {
            Ok(mut view) => {
                let mut status = StatusCode::OK;
                if let Told::Wrong(told, typed, wrong) = told {
                    status = told;
                    if let Some(form) = &mut view.forwarding.form {
                        form.name = typed.name;
                        form.email = typed.email;
                        form.wrong = Some(wrong);
                    }
                }
                html(status, page::page(&view))
            }
            Err(failure) => trouble(failure, asked),
        },
        Ok(Expired {
            mode,
            seller,
            languages,
            on_file,
        }) => {
            let (language, seller) = (asked.among(&languages), seller_alone(seller));
            if let Told::FreshLink = told {
                let sent = notices::fresh_sent(language, mode, &seller, on_file.as_deref());
                return html(StatusCode::OK, sent);
            }
            let fresh = on_file.map(|masked| Fresh {
                url: format!("/pay/{link}/fresh{}", asked.query()),
                masked,
            });
            let page = notices::expired(language, mode, &seller, fresh.as_ref());
            html(StatusCode::GONE, page)
        }
        Ok(Look::Revoked {
            mode,
            seller,
            languages,
        }) => {
            let page = notices::revoked(asked.among(&languages), mode, &seller_alone(seller));
            html(StatusCode::GONE, page)
        }
        Err(Failure::Refused(Refusal::NotFound)) => {
            html(StatusCode::NOT_FOUND, notices::not_found(asked.alone()))
        }
        Err(failure) => trouble(failure, asked),
    }
}

/// Whose a link was that shows no invoice.
fn seller_alone(seller: flows::business::Seller) -> Seller {
    Seller {
        name: seller.name,
        support_email: seller.support_email,
        ..Seller::default()
    }
}

/// Too many addresses of links that were none came from where this request comes from.
pub fn busy(limited: Limited, asked: Asked) -> Response {
    let mut response = Problem::from(limited).into_response();
    let page = html(response.status(), notices::busy(asked.alone()));
    let (parts, body) = page.into_parts();
    response.headers_mut().extend(parts.headers);
    *response.body_mut() = body;
    response
}

/// Something failed on our side: logged as for the API, and said to the payer on a page.
pub fn trouble(failure: Failure, asked: Asked) -> Response {
    let status = Problem::from(failure).into_response().status();
    html(status, notices::trouble(asked.alone()))
}

/// `GET /pay/{link}/panel`: the right column alone, which an open page asks for again.
pub async fn panel(
    State(site): State<Site>,
    asked: Asked,
    InPath(link): InPath,
) -> Result<Response, Problem> {
    match payer_view::look(&site.app, &link).await? {
        Look::Invoice(view) => {
            let view = view_of(&site, &link, asked, *view)?;
            Ok(html(StatusCode::OK, page::panel(&view)))
        }
        Expired { .. } => Err(Refusal::LinkExpired.into()),
        Look::Revoked { .. } => Err(Refusal::from(Refused::Revoked).into()),
    }
}

fn view_of(site: &Site, link: &str, asked: Asked, view: PayerView) -> Result<View, Failure> {
    let (language, now) = (asked.among(&view.languages), site.app.clock.now());
    let words = documents::words::of(language);
    let state = state_of(site, link, &view)?;
    let due = view.owed();
    let forwarding = forwarding_of(link, asked, &view, now);
    let PayerView {
        mode,
        tenant,
        bill_to,
        invoice,
        lines,
        others,
        part_minimum,
        under_way,
        business,
        has_logo,
        receipts,
        ..
    } = view;
    let currency = invoice.currency;
    let money = |minor| Money::new(minor, currency);
    let sums = totals(&lines, invoice.discount, currency)?;
    let tax = |tax: &TaxLine| Tax {
        label: fill(words.tax_at, &[("rate", &language.rate(tax.rate))]),
        amount: money(tax.tax_minor),
    };
    let in_language = format!("?{PARAMETER}={}", language.word());
    let tax_id = |id| format!("{} {id}", words.tax_id);
    let client_details = bill_to.details.into_iter().chain(bill_to.tax_id.map(tax_id));
    Ok(View {
        language,
        mode,
        seller: seller_of(link, words.tax_id, tenant, business, has_logo),
        client_name: bill_to.name,
        client_details: client_details.collect(),
        number: invoice.number.unwrap_or_default(),
        memo: invoice.memo,
        issued_on: invoice.finalized_at.map(Day::of),
        due_on: invoice.due_date.as_deref().and_then(Day::parse),
        lines: lines
            .iter()
            .map(|line| line_of(line, currency, language))
            .collect(),
        subtotal: money(sums.subtotal_minor),
        discount: off(invoice.discount, sums.discount_minor, currency, language),
        taxes: sums.taxes.iter().map(tax).collect(),
        total: invoice.total,
        paid: money(invoice.applied),
        credited: money(invoice.credited),
        due,
        choice: Choice {
            part_minimum,
            others: others.into_iter().map(other_of).collect(),
        },
        under_way,
        pdf_url: format!("/pay/{link}/invoice.pdf{in_language}"),
        receipts: receipts
            .iter()
            .map(|payment| receipt_of(link, payment, &in_language))
            .collect(),
        panel_url: format!("/pay/{link}/panel{in_language}"),
        forwarding,
        state,
    })
}

fn forwarding_of(link: &str, asked: Asked, view: &PayerView, now: Timestamp) -> Forwarding {
    let sent = view.forwarded.iter().filter_map(|theirs| {
        let to = theirs.recipient.as_ref()?;
        Some(Sent {
            name: to.name.clone().unwrap_or_default(),
            address: to.address.to_string(),
            on: Day::of(theirs.created_at),
            over: theirs.state(now) != LinkState::InForce,
        })
    });
    let offered = matches!(
        view.panel,
        Panel::Pay | Panel::Continue | Panel::Unavailable | Panel::Silent
    );
    Forwarding {
        by: view.forwarded_by.clone(),
        sent: sent.collect(),
        form: (offered && view.link.kind.may_forward()).then(|| Form {
            url: format!("/pay/{link}/forward{}", asked.query()),
            page_token: view.page_token.clone(),
            ..Form::default()
        }),
    }
}

fn seller_of(link: &str, tax_id: &str, tenant: Tenant, business: Business, has_logo: bool) -> Seller {
    let known = flows::business::Seller::of(&business, tenant);
    let mut details = business.address;
    details.extend(business.tax_id.map(|id| format!("{tax_id} {id}")));
    details.extend(business.phone);
    Seller {
        name: known.name,
        support_email: known.support_email,
        logo_url: has_logo.then(|| format!("/pay/{link}/logo")),
        details,
        bank_details: business.bank_details,
        cheque_details: business.cheque_details,
    }
}

fn receipt_of(link: &str, payment: &Payment, in_language: &str) -> ReceiptFile {
    ReceiptFile {
        url: format!("/pay/{link}/receipts/{}.pdf{in_language}", payment.id),
        paid_on: payment.succeeded_at.map(Day::of),
        amount: Money::new(payment.received, payment.currency),
    }
}

fn state_of(site: &Site, link: &str, view: &PayerView) -> Result<PanelState, Failure> {
    let PayerView {
        mode,
        bill_to,
        invoice,
        stripe_account_id,
        panel,
        ..
    } = view;
    let checkout = || -> Result<Checkout, Failure> {
        let public = format!("/api/public/invoices/{link}");
        Ok(Checkout {
            publishable_key: site.publishable_key(*mode).ok_or(Failure::NotConfigured(*mode))?,
            stripe_account: stripe_account_id.clone().ok_or(Refusal::PaymentsUnavailable)?,
            script_url: site.config.stripe_api_base.script_url(),
            pay_url: format!("{public}/pay"),
            check_url: format!("{public}/check"),
            methods: match view.bank_debits {
                true => "card us_bank_account",
                false => "card",
            },
            billing_email: bill_to.email.clone(),
            page_token: view.page_token.clone(),
            work: view.work,
        })
    };
    Ok(match panel {
        Panel::Pay => PanelState::Pay(checkout()?),
        Panel::Continue => PanelState::Continue(checkout()?),
        Panel::InProgress => PanelState::InProgress,
        Panel::Paid(payment) => PanelState::Paid(Receipt {
            given_back: view.settled.given_back,
            taken_back: view.settled.taken_back,
            by_credit: view.settled.by_credit,
            paid_at: payment.succeeded_at,
            brand: payment.method_brand.clone(),
            last4: payment.method_last4.clone(),
            // Of one payment of several, or of a payment of several invoices, what was paid of this one.
            amount: match payment.amount == invoice.total.minor() && view.settled.is_all_paid() {
                true => Money::new(payment.received, payment.currency),
                false => view.settled.paid,
            },
        }),
        Panel::Settled => PanelState::Paid(Receipt {
            paid_at: invoice.paid_at,
            brand: None,
            last4: None,
            amount: view.settled.paid,
            given_back: view.settled.given_back,
            taken_back: view.settled.taken_back,
            by_credit: view.settled.by_credit,
        }),
        Panel::Void => PanelState::Void,
        Panel::Unavailable => PanelState::Unavailable,
        Panel::Silent => PanelState::Silent,
        Panel::TooSmall => PanelState::TooSmall(Money::new(invoice.currency.minimum(), invoice.currency)),
    })
}

fn other_of(invoice: Invoice) -> Other {
    Other {
        id: invoice.id.to_string(),
        due: invoice.owed(),
        due_on: invoice.due_date.as_deref().and_then(Day::parse),
        number: invoice.number.unwrap_or_default(),
    }
}

fn line_of(line: &domain::invoice::Line, currency: Currency, language: Language) -> Line {
    let taxed = line.tax_rate.thousandths_of_percent() > 0;
    Line {
        description: line.description.clone(),
        quantity: language.decimal(&line.quantity.to_string()),
        unit_price: Money::new(line.unit_price_minor, currency),
        tax_rate: taxed.then(|| language.rate(line.tax_rate)),
        discount: off(line.discount, line.discount_minor, currency, language),
        amount: Money::new(line.amount_minor, currency),
    }
}

fn off(asked: Option<Discount>, minor: i64, currency: Currency, language: Language) -> Option<Off> {
    (minor != 0).then(|| Off {
        label: documents::words::of(language).discount_of(asked),
        amount: Money::new(minor.saturating_neg(), currency),
    })
}

fn html(status: StatusCode, markup: Markup) -> Response {
    (status, markup).into_response()
}
