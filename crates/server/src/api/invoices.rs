//! `/api/invoices`: draft, edit, finalize, void, read, and the two ways to have one paid: a link, or an
//! intent for the integrator's own front end.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use domain::invoice::{Discount, InvoiceState, Line, Quantity, TaxRate};
use domain::invoice_settings::InvoiceSettings;
use domain::seal::Day;
use domain::{ClientId, Currency, InvoiceId, Money, Refusal, Scope, Timestamp};
use flows::collect::{self, IntentWanted};
use flows::invoicing::{self, Draft};
use flows::{Failure, invoice_settings, pay_links, refunds};
use serde::{Deserialize, Deserializer, Serialize};
use store::invoices::{self, Invoice};

use super::lists::{Asked, Given, Takes};
use super::{Caller, InPath, Input, Object, Page, Query, public_invoices};
use crate::idempotency::{Once, Withheld};
use crate::problem::Problem;
use crate::router::Site;

/// An invoice to be drafted; amounts in minor units.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftJson {
    client_id: String,
    currency: String,
    /// Null for none; without it a new invoice says what the tenant's invoices say.
    #[serde(default, deserialize_with = "said")]
    memo: Option<Option<String>>,
    /// `YYYY-MM-DD`, null for none; without it a new invoice is due by the tenant's terms.
    #[serde(default, deserialize_with = "said")]
    due_date: Option<Option<String>>,
    #[serde(default)]
    lines: Vec<Object<LineJson>>,
    /// What comes off the whole.
    discount: Option<Object<DiscountJson>>,
    /// The version that an edit is based on.
    version: Option<i64>,
}

/// A line: the quantity is a decimal string, the price whole minor units, the tax thousandths of a percent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LineJson {
    description: String,
    quantity: String,
    unit_price: i64,
    #[serde(default)]
    tax_rate: i64,
    discount: Option<Object<DiscountJson>>,
}

/// A discount: the one or the other.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DiscountJson {
    /// Basis points.
    percent_bps: Option<i64>,
    /// Minor units.
    amount: Option<i64>,
}

impl DiscountJson {
    fn check(given: Option<&Object<DiscountJson>>) -> Result<Option<Discount>, Refusal> {
        let Some(Object(discount)) = given else {
            return Ok(None);
        };
        Discount::of(discount.percent_bps, discount.amount)
    }
}

/// What is named, null included.
fn said<'de, D: Deserializer<'de>>(given: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(given).map(Some)
}

impl DraftJson {
    /// A new invoice begins with the tenant's terms where it says nothing else.
    fn by_terms(mut self, settings: InvoiceSettings, today: Day) -> DraftJson {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        let due = |days: i64| Day::of(today.begins().plus_ms(days.saturating_mul(DAY_MS))).to_string();
        self.due_date.get_or_insert_with(|| settings.due_days.map(due));
        self.memo.get_or_insert(settings.memo);
        self
    }

    fn check(self) -> Result<Draft, Refusal> {
        let currency = Currency::parse(&self.currency)?;
        let unknown = |_| Refusal::invalid("client_id", "must be the id of one of your clients in this mode");
        let lines = self.lines.iter().enumerate().map(|(index, Object(line))| {
            line.check(currency)
                .map_err(|refusal| refusal.within(&format!("lines[{index}]")))
        });
        let due_date = self.due_date.flatten();
        if due_date.as_deref().is_some_and(|date| !is_due_day(date)) {
            return Err(Refusal::invalid("due_date", "must be a date such as 2026-12-31"));
        }
        Ok(Draft {
            client_id: ClientId::parse(&self.client_id).map_err(unknown)?,
            currency,
            memo: self.memo.flatten(),
            due_date,
            lines: lines.collect::<Result<_, _>>()?,
            discount: DiscountJson::check(self.discount.as_ref())?,
        })
    }
}

/// `YYYY-MM-DD` of this or the next century, written in no other way.
/// Whether an invoice can be due on this day: one of this time, written `YYYY-MM-DD`.
pub fn is_due_day(text: &str) -> bool {
    let day = text.parse::<jiff::civil::Date>();
    day.is_ok_and(|day| day.to_string() == text && (2000..2200).contains(&day.year()))
}

impl LineJson {
    fn check(&self, currency: Currency) -> Result<Line, Refusal> {
        let rate = TaxRate::from_thousandths_of_percent(self.tax_rate)?;
        let price = Money::new(self.unit_price, currency);
        let discount = DiscountJson::check(self.discount.as_ref())?;
        Line::new(&self.description, Quantity::parse(&self.quantity)?, price, rate)?.less(discount, currency)
    }
}

/// An invoice as the API shows it; amounts in minor units, times in milliseconds since the epoch.
#[derive(Debug, Serialize)]
pub struct InvoiceJson {
    id: String,
    object: &'static str,
    livemode: bool,
    number: Option<String>,
    client_id: String,
    status: &'static str,
    version: i64,
    currency: &'static str,
    subtotal: i64,
    discount: Option<DiscountOut>,
    /// What came off the whole.
    discount_amount: i64,
    tax: i64,
    total: i64,
    amount_paid: i64,
    /// What credit notes took off it.
    amount_credited: i64,
    amount_due: i64,
    /// What went back of what was paid; where one invoice is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_refunded: Option<i64>,
    /// What may still go back; where one invoice is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_refundable: Option<i64>,
    memo: Option<String>,
    due_date: Option<String>,
    /// Where one invoice is asked for or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<LineOut>>,
    created_at: i64,
    finalized_at: Option<i64>,
    paid_at: Option<i64>,
    voided_at: Option<i64>,
}

#[derive(Debug, Serialize)]
struct LineOut {
    description: String,
    quantity: String,
    unit_price: i64,
    tax_rate: i64,
    discount: Option<DiscountOut>,
    /// What came off it.
    discount_amount: i64,
    amount: i64,
}

/// A discount as it was asked for.
#[derive(Debug, Serialize)]
struct DiscountOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    percent_bps: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<i64>,
}

impl From<Discount> for DiscountOut {
    fn from(discount: Discount) -> DiscountOut {
        DiscountOut {
            percent_bps: discount.percent_bps(),
            amount: discount.amount_minor(),
        }
    }
}

impl From<&Line> for LineOut {
    fn from(line: &Line) -> LineOut {
        LineOut {
            description: line.description.clone(),
            quantity: line.quantity.to_string(),
            unit_price: line.unit_price_minor,
            tax_rate: line.tax_rate.thousandths_of_percent(),
            discount: line.discount.map(DiscountOut::from),
            discount_amount: line.discount_minor,
            amount: line.amount_minor,
        }
    }
}

fn show(scope: &Scope, invoice: Invoice, lines: Option<&[Line]>) -> InvoiceJson {
    InvoiceJson {
        id: invoice.id.to_string(),
        object: "invoice",
        livemode: scope.mode.is_live(),
        client_id: invoice.client_id.to_string(),
        status: invoice.status.word(),
        version: invoice.version,
        currency: invoice.currency.code(),
        subtotal: invoice.subtotal,
        discount: invoice.discount.map(DiscountOut::from),
        discount_amount: invoice.discounted,
        tax: invoice.tax,
        total: invoice.total.minor(),
        amount_paid: invoice.applied,
        amount_credited: invoice.credited,
        amount_due: invoice.owed().minor(),
        amount_refunded: None,
        amount_refundable: None,
        number: invoice.number,
        memo: invoice.memo,
        due_date: invoice.due_date,
        lines: lines.map(|lines| lines.iter().map(LineOut::from).collect()),
        created_at: invoice.created_at.ms(),
        finalized_at: invoice.finalized_at.map(Timestamp::ms),
        paid_at: invoice.paid_at.map(Timestamp::ms),
        voided_at: invoice.voided_at.map(Timestamp::ms),
    }
}

/// `POST /api/invoices`
pub async fn create(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    Once(moment): Once,
    Input(draft): Input<DraftJson>,
) -> Result<(StatusCode, Json<InvoiceJson>), Problem> {
    let terms = invoice_settings::get(&site.app, &scope).await?.settings;
    let draft = draft.by_terms(terms, Day::of(moment.at)).check()?;
    let lines = draft.lines.clone();
    let invoice = invoicing::create(&site.app, &scope, &by, moment, draft).await?;
    Ok((StatusCode::CREATED, Json(show(&scope, invoice, Some(&lines)))))
}

/// `PUT /api/invoices/{id}`
pub async fn edit(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    InPath(id): InPath,
    Input(draft): Input<DraftJson>,
) -> Result<Json<InvoiceJson>, Problem> {
    let id = InvoiceId::parse(&id)?;
    let version = draft.version;
    // What cannot be edited says so before its new content is looked at.
    let (scope_read, id_read) = (scope.clone(), id.clone());
    let known = site
        .app
        .db
        .read(move |tx| invoices::get(tx, &scope_read, &id_read))
        .await;
    let known = known.map_err(Failure::from)?.ok_or(Refusal::NotFound)?;
    domain::invoice::edit(known.status)?;
    let draft = draft.check()?;
    let lines = draft.lines.clone();
    let invoice = invoicing::edit(&site.app, &scope, &by, &id, version, draft).await?;
    Ok(Json(show(&scope, invoice, Some(&lines))))
}

/// What an invoice's change of state is based on.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnVersion {
    /// The version that was read.
    version: Option<i64>,
}

/// `POST /api/invoices/{id}/finalize`
pub async fn finalize(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    InPath(id): InPath,
    Input(seen): Input<OnVersion>,
) -> Result<Json<InvoiceJson>, Problem> {
    let id = InvoiceId::parse(&id)?;
    let invoice = invoicing::finalize_version(&site.app, &scope, &by, &id, seen.version).await?;
    with_lines(&site, &scope, invoice).await
}

/// `POST /api/invoices/{id}/void`
pub async fn void(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    InPath(id): InPath,
    Input(seen): Input<OnVersion>,
) -> Result<Json<InvoiceJson>, Problem> {
    let id = InvoiceId::parse(&id)?;
    let invoice = invoicing::void_seen(&site.app, &scope, &by, &id, seen.version).await?;
    with_lines(&site, &scope, invoice).await
}

/// An invoice that was changed, with its lines, which are not changed any more.
async fn with_lines(site: &Site, scope: &Scope, invoice: Invoice) -> Result<Json<InvoiceJson>, Problem> {
    let (of, id) = (scope.clone(), invoice.id.clone());
    let read = site.app.db.read(move |tx| invoices::lines(tx, &of, &id));
    let lines = read.await.map_err(Failure::from)?;
    Ok(Json(show(scope, invoice, Some(&lines))))
}

/// `GET /api/invoices/{id}`
pub async fn get(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
) -> Result<Json<InvoiceJson>, Problem> {
    let (id, work) = (InvoiceId::parse(&id)?, scope.clone());
    let found = site.app.db.read(move |tx| {
        let Some(invoice) = invoices::get(tx, &work, &id)? else {
            return Ok(None);
        };
        let lines = invoices::lines(tx, &work, &id)?;
        let back = refunds::of_invoice(tx, &work, &id)?;
        Ok::<_, Failure>(Some((invoice, lines, back)))
    });
    let (invoice, lines, back) = found.await?.ok_or(Refusal::NotFound)?;
    Ok(Json(InvoiceJson {
        amount_refunded: Some(back.refunded),
        amount_refundable: Some(back.refundable),
        ..show(&scope, invoice, Some(&lines))
    }))
}

/// What narrows the list.
const LIST: Takes = Takes {
    parameters: &[
        "status",
        "client_id",
        "currency",
        "since",
        "until",
        "issued_since",
        "issued_until",
    ],
    statuses,
};

fn statuses() -> Vec<String> {
    let words = InvoiceState::ALL.iter().map(|state| state.word());
    words.map(str::to_owned).collect()
}

/// `GET /api/invoices`
pub async fn list(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    Query(given): Query<Given>,
) -> Result<Json<Page<InvoiceJson>>, Problem> {
    let Asked { limit, after, only } = LIST.read(given)?;
    let after = after.as_deref().map(InvoiceId::parse).transpose()?;
    let work = scope.clone();
    let rows = site
        .app
        .db
        .read(move |tx| invoices::page(tx, &work, &only, after.as_ref(), limit + 1))
        .await;
    let rows = rows.map_err(Failure::from)?;
    Ok(Json(Page::of(
        rows.into_iter().map(|row| show(&scope, row, None)).collect(),
        limit,
    )))
}

/// How long a new link is valid.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewLink {
    expires_in_days: Option<i64>,
}

/// A pay link; its address is shown to the tenant and can be shown again by rotating it.
#[derive(Debug, Serialize)]
pub struct LinkJson {
    object: &'static str,
    url: String,
    expires_at: i64,
}

/// `POST /api/invoices/{id}/pay-link`
pub async fn pay_link(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    InPath(id): InPath,
    Input(new): Input<NewLink>,
) -> Result<(Extension<Withheld>, Json<LinkJson>), Problem> {
    let id = InvoiceId::parse(&id)?;
    let link = pay_links::rotate(&site.app, &scope, &by, &id, new.expires_in_days).await?;
    let (link_id, generation) = link.derived_from;
    let answer = LinkJson {
        object: "pay_link",
        url: site.pay_url(&link.token),
        expires_at: link.expires_at.ms(),
    };
    Ok((Extension(Withheld::PayUrl(link_id, generation)), Json(answer)))
}

/// An intent for the integrator's own front end, which confirms it with Stripe.js on the tenant's account.
#[derive(Debug, Serialize)]
pub struct IntentJson {
    object: &'static str,
    payment_id: String,
    stripe_payment_intent_id: String,
    status: String,
    client_secret: Option<String>,
    publishable_key: Option<String>,
    stripe_account: String,
    amount: i64,
    currency: &'static str,
    mode: &'static str,
}

/// What is to be paid: without anything, all of the invoice.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntentWantedJson {
    /// A part, in minor units, where the tenant takes parts.
    amount: Option<i64>,
    /// The client's other invoices that are paid with it.
    #[serde(default)]
    invoices: Vec<String>,
}

/// `POST /api/invoices/{id}/payment-intent`
pub async fn payment_intent(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    InPath(id): InPath,
    Input(wanted): Input<IntentWantedJson>,
) -> Result<(Extension<Withheld>, Json<IntentJson>), Problem> {
    let id = InvoiceId::parse(&id)?;
    let wanted = IntentWanted {
        amount_minor: wanted.amount,
        others: public_invoices::others(&wanted.invoices)?,
    };
    let made = collect::payment_intent(&site.app, &scope, &by, &id, &wanted).await?;
    let withheld = Withheld::ClientSecret(made.payment_id.clone());
    let answer = IntentJson {
        object: "payment_intent",
        payment_id: made.payment_id.to_string(),
        stripe_payment_intent_id: made.intent.id,
        status: made.intent.status.as_str().to_owned(),
        client_secret: made.intent.client_secret.map(|secret| secret.expose().to_owned()),
        publishable_key: site.publishable_key(scope.mode),
        stripe_account: made.stripe_account_id,
        amount: made.amount.minor(),
        currency: made.amount.currency().code(),
        mode: scope.mode.word(),
    };
    Ok((Extension(withheld), Json(answer)))
}
