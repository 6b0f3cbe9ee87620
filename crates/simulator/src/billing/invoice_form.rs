//! Reading what an invoice is to be like: shared by create, update and preview.

use super::discount::Asked;
use super::invoice::{Collection, Invoice, Rendering, Status};
use super::{living, tax_rate};
use crate::accounts;
use crate::address::Shipping;
use crate::api::Ctx;
use crate::error::ApiError;
use crate::form::{Params, Update};
use crate::payment_intent::TransferData;
use crate::payment_method::PaymentMethod;
use crate::state::{Space, State};

const DAY_S: i64 = 86_400;
const FIELDS_MAX: usize = 4;
/// What an invoice that was finalized cannot change any more.
const FROZEN: [&str; 13] = [
    "account_tax_ids",
    "automatic_tax",
    "collection_method",
    "custom_fields",
    "days_until_due",
    "default_tax_rates",
    "description",
    "discounts",
    "effective_at",
    "footer",
    "number",
    "shipping_details",
    "statement_descriptor",
];

/// Reads what create and update share; gives the discounts asked for.
///
/// # Errors
/// `invoice_not_editable` for what a finalized invoice cannot change, and 400 for what makes no sense.
pub fn change(
    state: &State,
    ctx: &Ctx,
    invoice: &mut Invoice,
    params: &mut Params,
) -> Result<Option<Vec<Asked>>, ApiError> {
    if invoice.status != Status::Draft && FROZEN.iter().any(|name| params.has(name)) {
        let message = "Finalized invoices can't be updated in this way";
        return Err(ApiError::invalid(message).code("invoice_not_editable"));
    }
    invoice.auto_advance = params.boolean("auto_advance")?.unwrap_or(invoice.auto_advance);
    if let Some(at_s) = params.integer("automatically_finalizes_at")? {
        invoice.finalizes_at = Some(future(state, at_s, "automatically_finalizes_at")?);
    }
    read_collection(state, invoice, params)?;
    read_texts(invoice, params)?;
    read_money(state, ctx, invoice, params)?;
    if let Some(mut tax) = params.map("automatic_tax")? {
        invoice.automatic_tax = tax
            .boolean("enabled")?
            .ok_or_else(|| ApiError::missing("automatic_tax[enabled]"))?;
        tax.finish()?;
    }
    if let Some(mut issuer) = params.map("issuer")? {
        issuer.required_choice("type", &["self"])?;
        issuer.finish()?;
    }
    if let Some(shipping) = params.map("shipping_details")? {
        invoice.shipping = Some(Box::new(Shipping::read(shipping)?));
    }
    params.metadata()?.apply(&mut invoice.metadata)?;
    Asked::read(state, &ctx.space, Some(&invoice.customer), params)
}

fn future(state: &State, at_s: i64, param: &str) -> Result<i64, ApiError> {
    if at_s > state.now_s() {
        return Ok(at_s);
    }
    let message = "Invalid timestamp: must be an integer Unix timestamp in the future.";
    Err(ApiError::invalid(message).param(param))
}

/// How it is paid, and when it is due.
fn read_collection(state: &State, invoice: &mut Invoice, params: &mut Params) -> Result<(), ApiError> {
    match params.choice("collection_method", &["charge_automatically", "send_invoice"])? {
        Some("send_invoice") => invoice.collection = Collection::SendInvoice,
        Some(_) => invoice.collection = Collection::ChargeAutomatically,
        None => {}
    }
    let (days, due) = (params.integer("days_until_due")?, params.integer("due_date")?);
    if days.is_some() && due.is_some() {
        let message = "You may only specify one of these parameters: days_until_due, due_date.";
        return Err(ApiError::invalid(message).code("parameters_exclusive"));
    }
    let given = match (days, due) {
        (Some(_), _) => Some("days_until_due"),
        (None, Some(_)) => Some("due_date"),
        (None, None) => None,
    };
    match (invoice.collection, given) {
        (Collection::ChargeAutomatically, Some(name)) => {
            let message = format!("You can only set `{name}` if `collection_method` is `send_invoice`.");
            return Err(ApiError::invalid(message).param(name));
        }
        (Collection::SendInvoice, None) if invoice.due_date.is_none() => {
            let message = "If invoice collection method is 'send_invoice', you must specify due_date or \
                           days_until_due.";
            return Err(ApiError::invalid(message)
                .code("parameter_missing")
                .param("days_until_due"));
        }
        _ => {}
    }
    if let Some(days) = days {
        if !(0..=36_500).contains(&days) {
            return Err(ApiError::invalid("Invalid non-negative integer")
                .code("parameter_invalid_integer")
                .param("days_until_due"));
        }
        invoice.days_until_due = Some(days);
        invoice.due_date = Some(invoice.created.saturating_add(days * DAY_S));
    }
    if let Some(due) = due {
        invoice.days_until_due = None;
        invoice.due_date = Some(future(state, due, "due_date")?);
    }
    Ok(())
}

fn read_texts(invoice: &mut Invoice, params: &mut Params) -> Result<(), ApiError> {
    params.update("description")?.apply(&mut invoice.description);
    params.update("footer")?.apply(&mut invoice.footer);
    params
        .update("statement_descriptor")?
        .apply(&mut invoice.statement_descriptor);
    params.update("number")?.apply(&mut invoice.number);
    invoice.effective_at = params.integer("effective_at")?.or(invoice.effective_at);
    if let Some(fields) = params.maps("custom_fields")? {
        if fields.len() > FIELDS_MAX {
            let message = format!("Array custom_fields exceeded maximum {FIELDS_MAX} allowed elements.");
            return Err(ApiError::invalid(message).param("custom_fields"));
        }
        invoice.custom_fields.clear();
        for mut field in fields {
            let field_of = (field.required("name")?, field.required("value")?);
            field.finish()?;
            invoice.custom_fields.push(field_of);
        }
    }
    if let Some(mut rendering) = params.map("rendering")? {
        let mut changed = invoice.rendering.clone().unwrap_or_default();
        rendering
            .update("amount_tax_display")?
            .apply(&mut changed.tax_display);
        if let Some(mut pdf) = rendering.map("pdf")? {
            let size = pdf.choice("page_size", &["a4", "auto", "letter"])?;
            changed.page_size = size.map(str::to_owned).or(changed.page_size);
            pdf.finish()?;
        }
        rendering.finish()?;
        invoice.rendering = Some(changed);
    }
    Ok(())
}

fn read_money(state: &State, ctx: &Ctx, invoice: &mut Invoice, params: &mut Params) -> Result<(), ApiError> {
    if let Some(ids) = params.texts("default_tax_rates")? {
        invoice.default_tax_rates = tax_rate::named(state, &ctx.space, &ids, "default_tax_rates")?;
    }
    let method = params.update("default_payment_method")?;
    if let Update::Set(id) = &method {
        owned(state, &ctx.space, &invoice.customer, id, "default_payment_method")?;
    }
    method.apply(&mut invoice.default_payment_method);
    if let Some(mut settings) = params.map("payment_settings")? {
        if let Some(types) = settings.texts("payment_method_types")? {
            invoice.payment_method_types = Some(types).filter(|types| !types.is_empty());
        }
        settings.finish()?;
    }
    if let Some(fee) = params.integer("application_fee_amount")? {
        check_fee(ctx, invoice, fee, params.has("transfer_data"))?;
        invoice.application_fee_amount = Some(fee);
    }
    if let Some(id) = params.text("on_behalf_of")? {
        let account = accounts::named(state, ctx, &id, "on_behalf_of")?;
        invoice.on_behalf_of = Some(account.id.clone());
    }
    if let Some(mut data) = params.map("transfer_data")? {
        let destination = data.required("destination")?;
        let amount = data.integer("amount")?;
        data.finish()?;
        accounts::named(state, ctx, &destination, "transfer_data[destination]")?;
        invoice.transfer_data = Some(TransferData { destination, amount });
    }
    Ok(())
}

fn check_fee(ctx: &Ctx, invoice: &Invoice, fee: i64, destination: bool) -> Result<(), ApiError> {
    let error = if fee < 0 {
        ApiError::invalid("Invalid non-negative integer").code("parameter_invalid_integer")
    } else if ctx.space.account.is_none() && !destination && invoice.transfer_data.is_none() {
        ApiError::invalid(
            "You can only apply an application_fee_amount when the request is made on behalf of another \
             account (using an OAuth key or the Stripe-Account header) or when `transfer_data[destination]` \
             is set.",
        )
        .code("application_fees_not_allowed")
    } else {
        return Ok(());
    };
    Err(error.param("application_fee_amount"))
}

/// A card that the customer has.
///
/// # Errors
/// `resource_missing` for one that is not there or is another's.
pub fn owned(
    state: &State,
    space: &Space,
    customer: &str,
    id: &str,
    param: &str,
) -> Result<std::sync::Arc<PaymentMethod>, ApiError> {
    let method = state
        .get_for::<PaymentMethod>(space, id, param)
        .map_err(|error| error.status(400))?;
    if method.customer.as_deref() == Some(customer) {
        return Ok(method);
    }
    let message = format!(
        "The customer does not have a payment method with the ID {id}. The payment method must be attached \
         to the customer."
    );
    Err(ApiError::invalid(message).code("resource_missing").param(param))
}

/// A draft by its id in the path.
///
/// # Errors
/// 404 `resource_missing`, or `invoice_not_editable` with `message` for what is no draft.
pub fn draft_at(
    state: &State,
    space: &Space,
    id: &str,
    message: &str,
) -> Result<std::sync::Arc<Invoice>, ApiError> {
    let invoice = living::<Invoice>(state, space, id, "invoice")?;
    if invoice.status == Status::Draft {
        Ok(invoice)
    } else {
        Err(ApiError::invalid(message).code("invoice_not_editable"))
    }
}

/// The layout of an invoice that is made by hand.
pub fn by_hand() -> Rendering {
    Rendering::default()
}
