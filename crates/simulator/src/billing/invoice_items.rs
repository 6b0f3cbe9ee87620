//! What requests do to invoice items: create, read, change, delete, list.

use std::sync::Arc;

use serde_json::Value;

use super::discount::{Asked, On};
use super::invoice::{Invoice, Status};
use super::invoice_item::InvoiceItem;
use super::invoicing;
use super::item_cost::Cost;
use super::line::Line;
use super::price_form;
use super::{living, referred, tax_code, tax_rate};
use crate::api::Ctx;
use crate::currency;
use crate::customer::{self, Customer};
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::{Params, Update};
use crate::list;
use crate::state::{Object, Space, State};

/// `POST /v1/invoiceitems`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let invoice = params
        .text("invoice")?
        .map(|id| editable(state, &ctx.space, &id))
        .transpose()?;
    let customer = read_customer(state, ctx, invoice.as_deref(), &mut params)?;
    let cost = Cost::read(state, ctx, &mut params)?;
    let mut item = blank(state, &ctx.space, &customer.id);
    item.currency = read_currency(invoice.as_deref(), &customer, &cost, &mut params)?;
    if !cost.is_given() {
        let message = "You must specify one of `amount`, `unit_amount_decimal`, `pricing` or `price_data`.";
        return Err(ApiError::invalid(message)
            .code("parameter_missing")
            .param("amount"));
    }
    item.subscription = params.text("subscription")?;
    if let Some(id) = &item.subscription
        && Object::find(state, &ctx.space, "subscription", id).is_none()
    {
        return Err(ApiError::no_such("subscription", id, "subscription").status(400));
    }
    let asked = change(state, &mut item, &mut params)?;
    params.finish()?;
    cost.check_on(&item)?;
    item.id = state.id("ii_1", 23);
    cost.apply(state, &mut item);
    super::billed::bill_in(state, &item.space, &item.customer, &item.currency);
    redeem(state, &mut item, asked);
    if let Some(invoice) = &invoice {
        item.invoice = Some(invoice.id.clone());
        item.made_for_invoice = true;
    }
    let item = state.put(item);
    let object = Object::InvoiceItem(Arc::clone(&item));
    event::emit(state, &ctx.cause, "invoiceitem.created", object, None);
    if let Some(invoice) = invoice {
        let mut line = item.line(String::new());
        invoicing::name(state, &invoice, &mut line);
        let mut lines = Vec::clone(&invoice.lines);
        lines.push(line);
        relined(state, &ctx.cause, &invoice, lines);
    }
    Ok(item.render())
}

fn read_customer(
    state: &State,
    ctx: &Ctx,
    invoice: Option<&Invoice>,
    params: &mut Params,
) -> Result<Arc<Customer>, ApiError> {
    let given = params.text("customer")?;
    let id = match (given, invoice) {
        (Some(id), Some(invoice)) if id != invoice.customer => {
            let message = "The customer of the invoice item does not match that of the invoice.";
            return Err(ApiError::invalid(message).param("customer"));
        }
        (Some(id), _) => id,
        (None, Some(invoice)) => invoice.customer.clone(),
        (None, None) => return Err(ApiError::missing("customer")),
    };
    customer::living(state, &ctx.space, &id, "customer").map_err(|error| error.status(400))
}

fn read_currency(
    invoice: Option<&Invoice>,
    customer: &Customer,
    cost: &Cost,
    params: &mut Params,
) -> Result<String, ApiError> {
    let given = params
        .text("currency")?
        .map(|text| currency::parse(&text))
        .transpose()?;
    let currency = given
        .or_else(|| cost.currency().map(str::to_owned))
        .or_else(|| invoice.map(|invoice| invoice.currency.clone()))
        .or_else(|| customer.currency.clone())
        .unwrap_or_else(|| "usd".into());
    if invoice.is_some_and(|invoice| invoice.currency != currency) {
        let message = "The currency of the invoice item does not match that of the invoice.";
        return Err(ApiError::invalid(message).param("currency"));
    }
    Ok(currency)
}

/// An item that was not made yet.
pub fn blank(state: &State, space: &Space, customer: &str) -> InvoiceItem {
    InvoiceItem {
        space: space.clone(),
        created: state.now_s(),
        customer: customer.to_owned(),
        quantity: 1,
        discountable: true,
        period: (state.now_s(), state.now_s()),
        test_clock: super::test_clock::of_customer(state, space, customer),
        ..InvoiceItem::default()
    }
}

/// Reads what create and update share, but for the cost; gives the discounts asked for.
pub fn change(
    state: &State,
    item: &mut InvoiceItem,
    params: &mut Params,
) -> Result<Option<Vec<Asked>>, ApiError> {
    params.update("description")?.apply(&mut item.description);
    item.discountable = params.boolean("discountable")?.unwrap_or(item.discountable);
    if let Some(mut period) = params.map("period")? {
        let edge = |given: Option<i64>, name: &str| given.ok_or_else(|| ApiError::missing(name));
        let start = edge(period.integer("start")?, "period[start]")?;
        let end = edge(period.integer("end")?, "period[end]")?;
        period.finish()?;
        if end < start {
            let message = "Invalid period: the end must not be before the start.";
            return Err(ApiError::invalid(message).param("period[end]"));
        }
        item.period = (start, end);
    }
    if let Some(ids) = params.texts("tax_rates")? {
        item.tax_rates = tax_rate::named(state, &item.space, &ids, "tax_rates")?;
    }
    params.choice("tax_behavior", &price_form::TAX_BEHAVIORS)?;
    if let Update::Set(code) = params.update("tax_code")? {
        tax_code::check(&code)?;
    }
    params.metadata()?.apply(&mut item.metadata)?;
    Asked::read(state, &item.space, Some(&item.customer), params)
}

/// Puts the discounts asked for on an item that has its id.
pub fn redeem(state: &mut State, item: &mut InvoiceItem, asked: Option<Vec<Asked>>) {
    let Some(asked) = asked else { return };
    let on = On {
        customer: Some(item.customer.clone()),
        invoice_item: Some(item.id.clone()),
        ..On::default()
    };
    let space = item.space.clone();
    item.discounts = asked
        .into_iter()
        .map(|one| one.made(state, &space, on.clone()))
        .collect();
}

/// An invoice that can still be changed.
///
/// # Errors
/// `resource_missing`, or `invoice_not_editable` for what is no draft.
pub fn editable(state: &State, space: &Space, id: &str) -> Result<Arc<Invoice>, ApiError> {
    let invoice = referred::<Invoice>(state, space, id, "invoice")?;
    if invoice.status == Status::Draft {
        return Ok(invoice);
    }
    let message = "The invoice is no longer editable: only drafts can be changed.";
    Err(ApiError::invalid(message)
        .code("invoice_not_editable")
        .param("invoice"))
}

/// Gives a draft other lines.
pub fn relined(state: &mut State, cause: &Cause, old: &Invoice, lines: Vec<Line>) -> Arc<Invoice> {
    let mut invoice = Invoice::clone(old);
    invoice.lines = Arc::new(lines);
    invoice.add_up();
    invoicing::put(state, cause, old, invoice)
}

/// `GET /v1/invoiceitems/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(living::<InvoiceItem>(state, &ctx.space, id, "invoiceitem")?.render())
}

/// The item and the draft that it is on, when both can be changed.
fn changeable(
    state: &State,
    space: &Space,
    id: &str,
) -> Result<(Arc<InvoiceItem>, Option<Arc<Invoice>>), ApiError> {
    let item = living::<InvoiceItem>(state, space, id, "invoiceitem")?;
    let invoice = match &item.invoice {
        None => None,
        Some(invoice) => Some(editable(state, space, invoice).map_err(|error| {
            let message = "This invoice item is on an invoice that is no longer editable.";
            ApiError {
                message: message.into(),
                param: None,
                ..error
            }
        })?),
    };
    Ok((item, invoice))
}

/// `POST /v1/invoiceitems/{id}`.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let (old, invoice) = changeable(state, &ctx.space, id)?;
    let mut item = InvoiceItem::clone(&old);
    let cost = Cost::read(state, ctx, &mut params)?;
    let asked = change(state, &mut item, &mut params)?;
    params.finish()?;
    cost.check_on(&item)?;
    cost.apply(state, &mut item);
    redeem(state, &mut item, asked);
    Ok(changed(state, &ctx.cause, item, invoice.as_deref()).render())
}

/// Puts a changed item in its place, and its line into its draft.
pub fn changed(
    state: &mut State,
    cause: &Cause,
    item: InvoiceItem,
    invoice: Option<&Invoice>,
) -> Arc<InvoiceItem> {
    let item = state.put(item);
    if let Some(invoice) = invoice {
        let lines = invoice
            .lines
            .iter()
            .map(|line| {
                if line.item() == Some(item.id.as_str()) {
                    item.line(line.id.clone())
                } else {
                    line.clone()
                }
            })
            .map(|mut line| {
                line.currency.clone_from(&invoice.currency);
                line
            })
            .collect();
        relined(state, cause, invoice, lines);
    }
    item
}

/// `DELETE /v1/invoiceitems/{id}`: one that waits, or is on a draft.
pub fn delete(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let (old, invoice) = changeable(state, &ctx.space, id)?;
    Ok(removed(state, &ctx.cause, &old, invoice.as_deref()).render())
}

/// Deletes an item and its line.
pub fn removed(
    state: &mut State,
    cause: &Cause,
    old: &Arc<InvoiceItem>,
    invoice: Option<&Invoice>,
) -> Arc<InvoiceItem> {
    let item = state.put(InvoiceItem {
        deleted: true,
        ..InvoiceItem::clone(old)
    });
    let object = Object::InvoiceItem(Arc::clone(old));
    event::emit(state, cause, "invoiceitem.deleted", object, None);
    if let Some(invoice) = invoice {
        let lines = invoice.lines.iter();
        let kept = lines.filter(|line| line.item() != Some(old.id.as_str()));
        let kept = kept.cloned().collect();
        relined(state, cause, invoice, kept);
    }
    item
}

/// `GET /v1/invoiceitems`, by `customer`, `invoice`, `pending` and `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let (customer, invoice) = (params.text("customer")?, params.text("invoice")?);
    let pending = params.boolean("pending")?;
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |item: &InvoiceItem| {
        !item.deleted
            && customer
                .as_ref()
                .is_none_or(|customer| *customer == item.customer)
            && (invoice.is_none() || item.invoice == invoice)
            && pending.is_none_or(|pending| pending == item.invoice.is_none())
            && created.holds(item.created)
    };
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/invoiceitems",
        wanted,
        InvoiceItem::render,
    )
}
