//! What requests do to invoices: create, read, change, finalize, pay, send, void, give up, delete, list.

use std::sync::Arc;

use serde_json::Value;

use super::collecting::{self, Outcome};
use super::discount::{Asked, On};
use super::finalization;
use super::invoice::{Collection, Invoice, Status, Subscribed};
use super::invoice_form::{self, draft_at};
use super::invoice_item;
use super::invoicing::{self, Later};
use super::living;
use super::refusal;
use crate::account;
use crate::api::Ctx;
use crate::currency;
use crate::customer::{self, Customer};
use crate::error::ApiError;
use crate::form::Params;
use crate::list;
use crate::state::{Object, State};

/// How long after it was finalized by hand an invoice that goes on by itself is charged.
const CHARGE_S: i64 = 3_600;

/// `POST /v1/invoices`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let id = params.required("customer")?;
    let customer = customer::living(state, &ctx.space, &id, "customer").map_err(|error| error.status(400))?;
    let behavior = params.choice("pending_invoice_items_behavior", &["exclude", "include"])?;
    let given = params.text("currency")?;
    let mut invoice = blank(state, &customer, given.as_deref())?;
    invoice.subscription = read_subscription(state, ctx, &customer, &mut params)?;
    let pending = behavior == Some("include") || invoice.subscription.is_some();
    if given.is_none() && pending {
        take_currency(state, &mut invoice);
    }
    let asked = invoice_form::change(state, ctx, &mut invoice, &mut params)?;
    params.finish()?;
    if pending && invoice_item::pending(state, &invoice).is_empty() {
        return Err(refusal::nothing_to_invoice(invoice.subscription.is_some()));
    }
    match asked {
        Some(asked) => redeem(state, &mut invoice, asked),
        None => invoice.discounts = customer.discounts_now(state.now_s()),
    }
    Ok(invoicing::draft(state, &ctx.cause, invoice, pending).render())
}

/// A draft made by hand, with what is written on all of the customer's invoices.
pub fn blank(state: &State, customer: &Customer, currency: Option<&str>) -> Result<Invoice, ApiError> {
    let currency = match (currency, &customer.currency) {
        (Some(text), _) => currency::parse(text)?,
        (None, Some(currency)) => currency.clone(),
        (None, None) => account::of_space(state, &customer.space)?
            .default_currency
            .clone(),
    };
    let mut invoice = Invoice::blank(state, customer, &currency, "manual");
    invoice.rendering = Some(invoice_form::by_hand());
    if let Some(on) = &customer.on_invoices {
        invoice.footer.clone_from(&on.footer);
        invoice.custom_fields = on.custom_fields.clone().unwrap_or_default();
    }
    Ok(invoice)
}

/// A customer who was never billed is billed in the currency of what waits.
fn take_currency(state: &State, invoice: &mut Invoice) {
    let waiting = state
        .of::<invoice_item::InvoiceItem>(&invoice.space)
        .rev()
        .find(|item| !item.deleted && item.invoice.is_none() && item.customer == invoice.customer);
    if let Some(item) = waiting {
        invoice.currency.clone_from(&item.currency);
    }
}

fn read_subscription(
    state: &State,
    ctx: &Ctx,
    customer: &Customer,
    params: &mut Params,
) -> Result<Option<Box<Subscribed>>, ApiError> {
    let Some(id) = params.text("subscription")? else {
        return Ok(None);
    };
    let found = Object::find(state, &ctx.space, "subscription", &id).map(|found| found.shown(state));
    let Some(shown) = found.filter(|shown| shown["customer"] == customer.id.as_str()) else {
        return Err(ApiError::no_such("subscription", &id, "subscription").status(400));
    };
    let metadata = serde_json::from_value(shown["metadata"].clone()).unwrap_or_default();
    Ok(Some(Box::new(Subscribed {
        id,
        metadata,
        payment_method: shown["default_payment_method"].as_str().map(str::to_owned),
    })))
}

fn redeem(state: &mut State, invoice: &mut Invoice, asked: Vec<Asked>) {
    let on = On {
        customer: Some(invoice.customer.clone()),
        invoice: Some(invoice.id.clone()).filter(|id| !id.is_empty()),
        ..On::default()
    };
    let space = invoice.space.clone();
    invoice.discounts = asked
        .into_iter()
        .map(|one| one.made(state, &space, on.clone()))
        .collect();
}

/// `GET /v1/invoices/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(living::<Invoice>(state, &ctx.space, id, "invoice")?.render())
}

/// `POST /v1/invoices/{id}`.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = living::<Invoice>(state, &ctx.space, id, "invoice")?;
    let mut invoice = Invoice::clone(&old);
    let asked = invoice_form::change(state, ctx, &mut invoice, &mut params)?;
    params.finish()?;
    if let Some(asked) = asked {
        redeem(state, &mut invoice, asked);
    }
    if invoice.status == Status::Draft {
        invoice.add_up();
        let started = invoice.auto_advance && !old.auto_advance && invoice.finalizes_at.is_none();
        if started {
            invoice.finalizes_at = Some(state.now_s().saturating_add(CHARGE_S));
        } else if !invoice.auto_advance && old.auto_advance {
            invoice.finalizes_at = None;
        }
        if let Some(at_s) = invoice
            .finalizes_at
            .filter(|_| invoice.finalizes_at != old.finalizes_at)
        {
            invoicing::later(state, &invoice, at_s, Later::Finalize);
        }
    } else if !invoice.auto_advance {
        invoice.next_attempt = None;
    }
    Ok(invoicing::put(state, &ctx.cause, &old, invoice).render())
}

/// `DELETE /v1/invoices/{id}`: a draft that bills no subscription.
pub fn delete(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let message = "You can only delete draft invoices. Once an invoice is finalized, it must be voided.";
    let invoice = draft_at(state, &ctx.space, id, message)?;
    if invoice.subscription.is_some() {
        let message = "Invoices of a subscription cannot be deleted; they can be voided.";
        return Err(ApiError::invalid(message).code("invoice_not_editable"));
    }
    Ok(invoicing::delete(state, &ctx.cause, &invoice).render())
}

/// `POST /v1/invoices/{id}/finalize`.
pub fn finalize(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let auto_advance = params.boolean("auto_advance")?;
    params.finish()?;
    let message = "This invoice is already finalized, you can't re-finalize a non-draft invoice.";
    let draft = draft_at(state, &ctx.space, id, message)?;
    finalization::check(state, &draft)?;
    let mut invoice = invoicing::finalize(state, &ctx.cause, &draft);
    if let Some(auto_advance) = auto_advance.filter(|wanted| *wanted != invoice.auto_advance) {
        invoice = state.put(Invoice {
            auto_advance,
            ..Invoice::clone(&invoice)
        });
    }
    let charged = invoice.auto_advance
        && invoice.status == Status::Open
        && invoice.collection == Collection::ChargeAutomatically;
    if charged {
        let at_s = state.now_s().saturating_add(CHARGE_S);
        invoice = state.put(Invoice {
            next_attempt: Some(at_s),
            ..Invoice::clone(&invoice)
        });
        invoicing::later(state, &invoice, at_s, Later::Retry);
    }
    Ok(invoice.render())
}

/// `POST /v1/invoices/{id}/pay`: a draft is finalized first.
pub fn pay(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let found = living::<Invoice>(state, &ctx.space, id, "invoice")?;
    let out_of_band = params.boolean("paid_out_of_band")?.unwrap_or(false);
    let off_session = params.boolean("off_session")?.unwrap_or(true);
    // Cards that fail do so for their whole amount: there is nothing small to forgive.
    params.boolean("forgive")?;
    let (method, source) = (params.text("payment_method")?, params.text("source")?);
    let method = match (method, source) {
        (Some(id), _) => Some((id, "payment_method")),
        (None, Some(id)) => Some((id, "source")),
        (None, None) => None,
    };
    let method = method
        .map(|(id, param)| invoice_form::owned(state, &ctx.space, &found.customer, &id, param))
        .transpose()?;
    params.finish()?;
    refusal::check_payable(&found)?;
    finalization::check(state, &found)?;
    account::check_can_charge(state, &ctx.space)?;
    let invoice = invoicing::finalize(state, &ctx.cause, &found);
    if invoice.status == Status::Paid {
        return Ok(invoice.render());
    }
    if out_of_band {
        invoicing::cancel_payment(state, &ctx.cause, &invoice, "void_invoice");
        let amount = invoice.amount_remaining();
        return Ok(invoicing::paid(state, &ctx.cause, &invoice, amount, true).render());
    }
    if method.is_none() && collecting::method_of(state, &invoice).is_none() {
        return Err(refusal::no_method().saved());
    }
    match collecting::collect(state, &ctx.cause, &invoice, method, off_session) {
        (invoice, Outcome::Paid | Outcome::Pending) => Ok(invoice.render()),
        (_, Outcome::ActionRequired) => Err(refusal::action_required()),
        (_, Outcome::Failed(intent)) => Err(refusal::declined(&intent)),
        (_, Outcome::NoMethod) => Err(refusal::no_method().saved()),
    }
}

/// `POST /v1/invoices/{id}/send`: a draft is finalized first.
pub fn send(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let found = living::<Invoice>(state, &ctx.space, id, "invoice")?;
    if found.collection != Collection::SendInvoice {
        let message = "You can only manually send an invoice if its collection method is 'send_invoice'.";
        return Err(ApiError::invalid(message));
    }
    if matches!(found.status, Status::Void | Status::Uncollectible) {
        return Err(ApiError::invalid(
            "You can only send invoices that are open or paid.",
        ));
    }
    finalization::check(state, &found)?;
    let invoice = invoicing::finalize(state, &ctx.cause, &found);
    invoicing::send(state, &ctx.cause, &invoice);
    Ok(invoice.render())
}

/// `POST /v1/invoices/{id}/void`.
pub fn void(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let invoice = outstanding(state, ctx, id, &[Status::Open, Status::Uncollectible])?;
    Ok(invoicing::void(state, &ctx.cause, &invoice).render())
}

/// `POST /v1/invoices/{id}/mark_uncollectible`.
pub fn mark_uncollectible(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let invoice = outstanding(state, ctx, id, &[Status::Open])?;
    Ok(invoicing::mark_uncollectible(state, &ctx.cause, &invoice).render())
}

fn outstanding(state: &State, ctx: &Ctx, id: &str, wanted: &[Status]) -> Result<Arc<Invoice>, ApiError> {
    let invoice = living::<Invoice>(state, &ctx.space, id, "invoice")?;
    if wanted.contains(&invoice.status) {
        Ok(invoice)
    } else {
        let message = "You can only pass in open invoices. This invoice isn't open.";
        Err(ApiError::invalid(message))
    }
}

/// `GET /v1/invoices`, by `customer`, `subscription`, `status`, `collection_method`, `due_date` and
/// `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let (customer, subscription) = (params.text("customer")?, params.text("subscription")?);
    let statuses = ["draft", "open", "paid", "uncollectible", "void"];
    let status = params.choice("status", &statuses)?;
    let collection = params.choice("collection_method", &["charge_automatically", "send_invoice"])?;
    let dated = params.has("due_date");
    let due = list::Created::read_as(&mut params, "due_date")?;
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |invoice: &Invoice| {
        let subscribed = invoice.subscription.as_ref().map(|subscribed| &subscribed.id);
        !invoice.deleted
            && customer
                .as_ref()
                .is_none_or(|customer| *customer == invoice.customer)
            && (subscription.is_none() || subscribed == subscription.as_ref())
            && status.is_none_or(|status| status == invoice.status.as_str())
            && collection.is_none_or(|wanted| {
                (wanted == "send_invoice") == (invoice.collection == Collection::SendInvoice)
            })
            && (!dated || invoice.due_date.is_some_and(|date| due.holds(date)))
            && created.holds(invoice.created)
    };
    list::answer(state, &ctx.space, &page, "/v1/invoices", wanted, Invoice::render)
}
