//! What requests do to credit notes: create, preview, read, change, void, list.

use std::sync::Arc;

use serde_json::Value;

use super::billed::{self, Change};
use super::credit_note::{CreditNote, NoteLine};
use super::decimal::{Decimal, share};
use super::given_back::Back;
use super::invoice::{self, Invoice, Status};
use super::invoicing;
use super::line::{Line, Off, Tax, TaxReason};
use super::{referred, tax_rate};
use crate::api::Ctx;
use crate::currency;
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::Params;
use crate::list;
use crate::money::refund_requests;
use crate::payment_intent::PaymentIntent;
use crate::state::{Object, State};

const LINES_MAX: usize = 250;
const REASONS: [&str; 4] = [
    "duplicate",
    "fraudulent",
    "order_change",
    "product_unsatisfactory",
];

/// What a request asks for, checked; nothing has happened yet.
fn read(state: &State, ctx: &Ctx, params: &mut Params) -> Result<(CreditNote, Arc<Invoice>, Back), ApiError> {
    let id = params.required("invoice")?;
    let invoice = referred::<Invoice>(state, &ctx.space, &id, "invoice")?;
    if !matches!(invoice.status, Status::Open | Status::Paid) {
        let message = "You can only create a credit note for an invoice that is open or paid.";
        return Err(ApiError::invalid(message).param("invoice"));
    }
    let mut note = CreditNote {
        space: ctx.space.clone(),
        created: state.now_s(),
        number: format!(
            "{}-CN-{:02}",
            invoice.number.as_deref().unwrap_or_default(),
            invoice.credit_notes.saturating_add(1)
        ),
        invoice: invoice.id.clone(),
        customer: invoice.customer.clone(),
        currency: invoice.currency.clone(),
        memo: params.text("memo")?,
        reason: params.choice("reason", &REASONS)?.map(str::to_owned),
        effective_at: params.integer("effective_at")?,
        ..CreditNote::default()
    };
    params.choice("email_type", &["credit_note", "none"])?;
    params.metadata()?.apply(&mut note.metadata)?;
    let back = Back::read(state, ctx, params)?;
    note.lines = read_lines(state, ctx, &invoice, &back, params)?;
    split(&mut note, &invoice, &back)?;
    back.check(state, &invoice)?;
    Ok((note, invoice, back))
}

fn read_lines(
    state: &State,
    ctx: &Ctx,
    invoice: &Invoice,
    back: &Back,
    params: &mut Params,
) -> Result<Vec<NoteLine>, ApiError> {
    let amount = params.integer("amount")?;
    let Some(lines) = params.maps("lines")? else {
        let amount = amount.or(Some(back.total()).filter(|total| *total > 0));
        let amount = amount.ok_or_else(|| {
            let message = "You must specify one of `amount`, `lines` or `shipping_cost`.";
            ApiError::invalid(message)
                .code("parameter_missing")
                .param("amount")
        })?;
        return Ok(spread(invoice, amount));
    };
    if lines.len() > LINES_MAX {
        let message = format!("Array lines exceeded maximum {LINES_MAX} allowed elements.");
        return Err(ApiError::invalid(message).param("lines"));
    }
    let lines: Vec<NoteLine> = lines
        .into_iter()
        .map(|line| read_line(state, ctx, invoice, line))
        .collect::<Result<_, _>>()?;
    let total: i64 = lines.iter().map(NoteLine::total).sum();
    match amount {
        Some(amount) if amount != total => {
            let message = format!("The amount ({amount}) does not match the total of the lines ({total}).");
            Err(ApiError::invalid(message).param("amount"))
        }
        _ => Ok(lines),
    }
}

/// An amount without lines is a part of each line of the invoice.
fn spread(invoice: &Invoice, amount: i64) -> Vec<NoteLine> {
    let mut left = amount;
    let last = invoice.lines.len().saturating_sub(1);
    let parts = invoice.lines.iter().enumerate().map(|(place, line)| {
        let part = if place == last {
            left
        } else {
            share(amount, line.total(), invoice.totals.total.max(1))
        };
        left -= part;
        NoteLine {
            amount: part,
            description: line.description.clone(),
            line: Some(line.id.clone()),
            ..NoteLine::default()
        }
    });
    parts.filter(|line| line.amount != 0).collect()
}

fn read_line(state: &State, ctx: &Ctx, invoice: &Invoice, mut params: Params) -> Result<NoteLine, ApiError> {
    let kind = params.required_choice("type", &["custom_line_item", "invoice_line_item"])?;
    let (amount, quantity) = (params.integer("amount")?, params.integer("quantity")?);
    let unit = params.integer("unit_amount")?.map(Decimal::of);
    let unit = unit.or(Decimal::read(&mut params, "unit_amount_decimal")?);
    let mut line = NoteLine {
        description: params.text("description")?,
        quantity,
        unit,
        ..NoteLine::default()
    };
    let rates = params.texts("tax_rates")?;
    if let Some(ids) = &rates {
        line.tax_rates = tax_rate::named(state, &ctx.space, ids, "tax_rates")?;
    }
    let named = params.text("invoice_line_item")?;
    let missing = |name: &str| ApiError::missing(&params.name(name));
    if quantity.is_some_and(|quantity| quantity < 1) || amount.is_some_and(|amount| amount < 0) {
        let message = "This value must be greater than or equal to 1.";
        return Err(ApiError::invalid(message)
            .code("parameter_invalid_integer")
            .param(params.name("quantity")));
    }
    if kind == "custom_line_item" {
        line.description.as_ref().ok_or_else(|| missing("description"))?;
        line.amount = match (amount, unit) {
            (Some(amount), _) => amount,
            (None, Some(unit)) => unit.times(quantity.unwrap_or(1)),
            (None, None) => return Err(missing("unit_amount")),
        };
        line.quantity = quantity.or(Some(1));
        line.taxes = taxes(&line.tax_rates, line.amount);
    } else {
        let id = named.ok_or_else(|| missing("invoice_line_item"))?;
        let name = params.name("invoice_line_item");
        let found = invoice.lines.iter().find(|one| one.id == id);
        let found = found.ok_or_else(|| ApiError::no_such("invoice line item", &id, &name).status(400))?;
        of_line(&mut line, found, amount, rates.is_none());
    }
    params.finish()?;
    Ok(line)
}

/// The part of an invoice's line that is credited, with its part of discounts and taxes.
fn of_line(line: &mut NoteLine, found: &Line, amount: Option<i64>, own_taxes: bool) {
    line.amount = match (amount, line.unit, line.quantity) {
        (Some(amount), _, _) => amount,
        (None, Some(unit), quantity) => unit.times(quantity.unwrap_or(1)),
        (None, None, Some(quantity)) => share(found.amount, quantity, found.quantity.max(1)),
        (None, None, None) => found.amount,
    };
    line.line = Some(found.id.clone());
    if line.description.is_none() {
        line.description.clone_from(&found.description);
    }
    let part = |whole: i64| share(whole, line.amount, found.amount.max(1));
    line.off = found
        .off
        .iter()
        .map(|off| Off {
            discount: off.discount.clone(),
            amount: part(off.amount),
        })
        .collect();
    if own_taxes {
        line.tax_rates.clone_from(&found.tax_rates);
        let taxes = found.taxes.iter().map(|tax| Tax {
            amount: part(tax.amount),
            taxable: part(tax.taxable),
            ..tax.clone()
        });
        line.taxes = taxes.collect();
    } else {
        line.taxes = taxes(&line.tax_rates, line.amount - line.off_total());
    }
}

fn taxes(rates: &[Arc<tax_rate::TaxRate>], taxable: i64) -> Vec<Tax> {
    let tax = |rate: &Arc<tax_rate::TaxRate>| Tax {
        rate: rate.id.clone(),
        amount: rate.tax(taxable),
        taxable,
        inclusive: rate.inclusive,
        reason: TaxReason::NotAvailable,
    };
    rates.iter().map(tax).collect()
}

/// What is taken off what remains to be paid, and what is given back of what was paid.
fn split(note: &mut CreditNote, invoice: &Invoice, back: &Back) -> Result<(), ApiError> {
    let total = note.total();
    if total < 1 {
        return Err(ApiError::invalid("The credit note amount must be greater than 0.").param("amount"));
    }
    let most = if invoice.status == Status::Open {
        invoice.amount_remaining()
    } else {
        invoice.totals.total - invoice.credited_before - invoice.credited_after
    };
    if total > most {
        let message = format!(
            "The credit note amount ({total}) is greater than what can still be credited of the invoice \
             ({most})."
        );
        return Err(ApiError::invalid(message).param("amount"));
    }
    let given = back.total();
    if invoice.status == Status::Open {
        if given > 0 {
            let message = "`credit_amount`, `refund_amount` and `out_of_band_amount` can only be given for \
                           an invoice that was paid.";
            return Err(ApiError::invalid(message));
        }
        note.before = total;
        return Ok(());
    }
    if given != total {
        let show = |amount: i64| currency::price(amount, &note.currency);
        return Err(ApiError::invalid(format!(
            "The sum of credit amount, refund amount and out of band amount ({}) must equal the credit note \
             amount ({}).",
            show(given),
            show(total)
        )));
    }
    note.after = total;
    note.refunds.clone_from(&back.refunds);
    note.out_of_band = Some(back.out_of_band).filter(|amount| *amount > 0);
    Ok(())
}

/// `POST /v1/credit_notes`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let (mut note, invoice, back) = read(state, ctx, &mut params)?;
    params.finish()?;
    if back.refund > 0 {
        let refund = give_back(state, ctx, &invoice, back.refund)?;
        note.refunds.push((refund, back.refund));
    }
    note.id = state.id("cn_1", 23);
    for line in &mut note.lines {
        line.id = state.id("cnli_1", 23);
    }
    let change = Change {
        space: &note.space,
        customer: &note.customer,
        amount: -back.credit,
        currency: &note.currency,
        kind: "credit_note",
        invoice: Some(&invoice.id),
        credit_note: Some(&note.id),
    };
    let booked = billed::change_balance(state, &ctx.cause, change);
    note.balance_transaction = booked.map(|transaction| transaction.id.clone());
    let note = state.put(note);
    let object = Object::CreditNote(Arc::clone(&note));
    event::emit(state, &ctx.cause, "credit_note.created", object, None);
    credited(state, &ctx.cause, &invoice, &note);
    Ok(note.render())
}

/// Gives a part of what was paid back to the card: the refund's id.
fn give_back(state: &mut State, ctx: &Ctx, invoice: &Invoice, amount: i64) -> Result<String, ApiError> {
    let Some(intent) = invoice.intent.as_ref().filter(|_| !invoice.paid_out_of_band) else {
        let message = "There is no payment of this invoice that could be refunded.";
        return Err(ApiError::invalid(message).param("refund_amount"));
    };
    let asked = Params::parse(format!("payment_intent={intent}&amount={amount}").as_bytes())?;
    let refund = refund_requests::create(state, ctx, asked)?;
    Ok(refund["id"].as_str().unwrap_or_default().to_owned())
}

/// The invoice asks for less, or knows what was given back.
fn credited(state: &mut State, cause: &Cause, old: &Arc<Invoice>, note: &CreditNote) {
    let invoice = Invoice {
        credit_notes: old.credit_notes.saturating_add(1),
        credited_before: old.credited_before.saturating_add(note.before),
        credited_after: old.credited_after.saturating_add(note.after),
        amount_due: old.amount_due.saturating_sub(note.before),
        ..Invoice::clone(old)
    };
    ask_for(state, &invoice, invoice.amount_remaining());
    let invoice = invoicing::put(state, cause, old, invoice);
    if invoice.status == Status::Open && invoice.amount_remaining() == 0 {
        invoicing::cancel_payment(state, cause, &invoice, "void_invoice");
        invoicing::paid(state, cause, &invoice, 0, false);
    }
}

/// The open payment asks for another amount.
fn ask_for(state: &mut State, invoice: &Invoice, amount: i64) {
    let payment = invoice::open_payment(state, invoice);
    let intent = payment.and_then(|payment| state.get::<PaymentIntent>(&invoice.space, &payment.intent).ok());
    if let Some(intent) = intent.filter(|intent| !intent.status.is_final() && amount > 0) {
        state.put(PaymentIntent {
            amount,
            ..PaymentIntent::clone(&intent)
        });
    }
}

/// `GET /v1/credit_notes/preview`: what would be made.
pub fn preview(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let (mut note, _, _) = read(state, ctx, &mut params)?;
    params.finish()?;
    note.id = "cn_preview".into();
    Ok(note.render())
}

/// `GET /v1/credit_notes/preview/lines`.
pub fn preview_lines(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let page = list::Page::read(&mut params)?;
    let (note, _, _) = read(state, ctx, &mut params)?;
    params.finish()?;
    let livemode = ctx.space.livemode;
    let url = "/v1/credit_notes/preview/lines";
    page.of(&note.lines, url, |line| &line.id, |line| line.render(livemode))
}

/// `GET /v1/credit_notes/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(state.get::<CreditNote>(&ctx.space, id)?.render())
}

/// `GET /v1/credit_notes/{id}/lines`.
pub fn lines(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let note = state.get::<CreditNote>(&ctx.space, id)?;
    let (url, livemode) = (format!("/v1/credit_notes/{id}/lines"), ctx.space.livemode);
    page.of(&note.lines, &url, |line| &line.id, |line| line.render(livemode))
}

/// `POST /v1/credit_notes/{id}`.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = state.get::<CreditNote>(&ctx.space, id)?;
    let mut note = CreditNote::clone(&old);
    params.update("memo")?.apply(&mut note.memo);
    params.metadata()?.apply(&mut note.metadata)?;
    params.finish()?;
    let note = state.put(note);
    if let Some(previous) = event::previous(&old.render(), &note.render()) {
        let object = Object::CreditNote(Arc::clone(&note));
        event::emit(state, &ctx.cause, "credit_note.updated", object, Some(previous));
    }
    Ok(note.render())
}

/// `POST /v1/credit_notes/{id}/void`: only while its invoice is open.
pub fn void(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let old = state.get::<CreditNote>(&ctx.space, id)?;
    let invoice = state.get::<Invoice>(&ctx.space, &old.invoice)?;
    if old.voided_at.is_some() {
        return Err(ApiError::invalid("This credit note is already void."));
    }
    if invoice.status != Status::Open {
        return Err(ApiError::invalid(
            "You can only void a credit note while its invoice is open.",
        ));
    }
    let note = state.put(CreditNote {
        voided_at: Some(state.now_s()),
        ..CreditNote::clone(&old)
    });
    let object = Object::CreditNote(Arc::clone(&note));
    event::emit(state, &ctx.cause, "credit_note.voided", object, None);
    let restored = Invoice {
        credited_before: invoice.credited_before.saturating_sub(note.before),
        amount_due: invoice.amount_due.saturating_add(note.before),
        ..Invoice::clone(&invoice)
    };
    ask_for(state, &restored, restored.amount_remaining());
    invoicing::put(state, &ctx.cause, &invoice, restored);
    Ok(note.render())
}

/// `GET /v1/credit_notes`, by `customer`, `invoice` and `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let (customer, invoice) = (params.text("customer")?, params.text("invoice")?);
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |note: &CreditNote| {
        customer
            .as_ref()
            .is_none_or(|customer| *customer == note.customer)
            && invoice.as_ref().is_none_or(|invoice| *invoice == note.invoice)
            && created.holds(note.created)
    };
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/credit_notes",
        wanted,
        CreditNote::render,
    )
}
