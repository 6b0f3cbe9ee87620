//! `/api/public/invoices/{link}`: what the pay page asks for and sends. The link is the only credential; the
//! browser decides nothing about money.

use axum::Json;
use axum::extract::State;
use domain::language::Language;
use domain::pay_link::Refused;
use domain::payment::PaymentState;
use domain::{Currency, InvoiceId, Money, Refusal};
use flows::business::Seller;
use flows::collect::{self, PayRequest, PayStatus};
use flows::payer_view::{self, Look, Panel};
use flows::proofs::Work;
use serde::{Deserialize, Serialize};
use store::invoices::Invoice;

use super::{InPath, Input, Visitor};
use crate::pay::decline::Reason;
use crate::pay::words;
use crate::problem::Problem;
use crate::router::Site;

/// Stripe's ids are far shorter.
const TOKEN_MAX: usize = 255;

/// An invoice for a pay page of one's own; amounts in minor units.
#[derive(Debug, Serialize)]
pub struct PublicInvoiceJson {
    object: &'static str,
    state: &'static str,
    number: Option<String>,
    seller: String,
    client: String,
    amount: i64,
    currency: &'static str,
    mode: &'static str,
    publishable_key: Option<String>,
    stripe_account: Option<String>,
    /// Stripe's words for what it may be paid by.
    payment_methods: &'static [&'static str],
    /// The least part that may be paid; null where all has to be.
    part_minimum: Option<i64>,
    /// The client's other open invoices that may be paid with it, the one that is due first on top.
    other_invoices: Vec<OtherInvoiceJson>,
    /// To be sent along when paying, two seconds to thirty minutes from now.
    page_token: String,
    work: Option<WorkJson>,
}

#[derive(Debug, Serialize)]
struct OtherInvoiceJson {
    id: String,
    number: Option<String>,
    due_date: Option<String>,
    amount: i64,
}

/// The work that paying asks for while the tenant's payments look like card testing.
#[derive(Debug, Serialize)]
struct WorkJson {
    rounds: u32,
    bits: u32,
}

/// The panel's name, as the JSON and the page's `data-state` carry it.
pub const fn state_word(panel: &Panel) -> &'static str {
    match panel {
        Panel::Pay => "pay",
        Panel::Continue => "continue",
        Panel::InProgress => "in_progress",
        Panel::Paid(_) | Panel::Settled => "paid",
        Panel::Void => "void",
        Panel::Unavailable => "unavailable",
        Panel::Silent => "temporarily_unavailable",
        Panel::TooSmall => "too_small",
    }
}

/// `GET /api/public/invoices/{link}`
pub async fn get(State(site): State<Site>, InPath(link): InPath) -> Result<Json<PublicInvoiceJson>, Problem> {
    let view = match payer_view::look(&site.app, &link).await? {
        Look::Invoice(view) => view,
        Look::Expired { .. } => return Err(Refusal::LinkExpired.into()),
        Look::Revoked { .. } => return Err(Refusal::from(Refused::Revoked).into()),
    };
    let owed = view.owed();
    Ok(Json(PublicInvoiceJson {
        object: "public_invoice",
        state: state_word(&view.panel),
        number: view.invoice.number,
        seller: Seller::of(&view.business, view.tenant).name,
        client: view.bill_to.name,
        amount: owed.minor(),
        currency: owed.currency().code(),
        mode: view.mode.word(),
        publishable_key: site.publishable_key(view.mode),
        stripe_account: view.stripe_account_id,
        payment_methods: match view.bank_debits {
            true => &["card", "us_bank_account"],
            false => &["card"],
        },
        part_minimum: view.part_minimum.map(Money::minor),
        other_invoices: view.others.into_iter().map(other).collect(),
        page_token: view.page_token,
        work: view.work.map(|Work { rounds, bits }| WorkJson { rounds, bits }),
    }))
}

fn other(invoice: Invoice) -> OtherInvoiceJson {
    OtherInvoiceJson {
        id: invoice.id.to_string(),
        amount: invoice.owed().minor(),
        number: invoice.number,
        due_date: invoice.due_date,
    }
}

/// The ids of invoices that are paid together with another.
pub fn others(ids: &[String]) -> Result<Vec<InvoiceId>, Refusal> {
    let problem = "must be invoices of the same client in the same currency";
    let unknown = |_| Refusal::invalid("invoices", problem);
    ids.iter()
        .map(|id| InvoiceId::parse(id).map_err(unknown))
        .collect()
}

/// What the page sends when the payer presses Pay.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayJson {
    confirmation_token: String,
    /// What the payer saw and wants to pay, minor units.
    amount: i64,
    currency: String,
    /// What the page showed to be due on all that is paid, minor units: with another sum nothing begins.
    due: Option<i64>,
    /// The client's other invoices that are paid with this one.
    #[serde(default)]
    invoices: Vec<String>,
    page_token: Option<String>,
    /// The number that its work led to.
    proof: Option<String>,
}

/// Where the payment stands.
#[derive(Debug, Serialize)]
pub struct PayStatusJson {
    status: &'static str,
    stripe_account: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decline: Option<DeclineJson>,
}

#[derive(Debug, Serialize)]
struct DeclineJson {
    code: Option<String>,
    /// A word for why, as far as a payer is told, for words of one's own.
    reason: &'static str,
    /// The same as an English sentence.
    message: &'static str,
}

impl From<PayStatus> for PayStatusJson {
    fn from(status: PayStatus) -> PayStatusJson {
        let decline = status.decline.map(|reason| {
            let told = Reason::of(reason.code.as_deref(), reason.decline_code.as_deref());
            DeclineJson {
                code: reason.code,
                reason: told.word(),
                message: words::of(Language::En).declines.of(told),
            }
        });
        PayStatusJson {
            status: if status.in_doubt {
                "checking"
            } else {
                status.state.word()
            },
            stripe_account: status.stripe_account_id,
            client_secret: status.client_secret.map(|secret| secret.expose().to_owned()),
            decline,
        }
    }
}

/// `POST /api/public/invoices/{link}/pay`
pub async fn pay(
    State(site): State<Site>,
    Visitor(by): Visitor,
    InPath(link): InPath,
    Input(body): Input<PayJson>,
) -> Result<Json<PayStatusJson>, Problem> {
    let PayJson {
        confirmation_token,
        amount,
        currency,
        due,
        invoices,
        page_token,
        proof,
    } = body;
    let shaped = confirmation_token.starts_with("ctoken_") && confirmation_token.len() <= TOKEN_MAX;
    if !shaped
        || !confirmation_token
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        return Err(Refusal::TokenRefused.into());
    }
    let seen = Money::new(amount, Currency::parse(&currency)?);
    let request = PayRequest {
        confirmation_token,
        seen,
        due,
        others: others(&invoices)?,
        page_token,
        proof,
    };
    Ok(Json(collect::pay(&site.app, &by, &link, &request).await?.into()))
}

/// `POST /api/public/invoices/{link}/check`: after 3D Secure. Our stored intent is retrieved, whatever the
/// browser thinks.
pub async fn check(State(site): State<Site>, InPath(link): InPath) -> Result<Json<PayStatusJson>, Problem> {
    let status = collect::check(&site.app, &link).await?;
    let nothing = PayStatus {
        state: PaymentState::At(domain::payment::IntentStatus::RequiresPaymentMethod),
        in_doubt: false,
        stripe_account_id: String::new(),
        client_secret: None,
        decline: None,
    };
    Ok(Json(status.unwrap_or(nothing).into()))
}
