//! What requests do to the lines of an invoice: list, add, change, remove. The lines of a draft that are
//! made or changed are invoice items underneath.

use std::sync::Arc;

use serde_json::Value;

use super::invoice::Invoice;
use super::invoice_form::draft_at;
use super::invoice_item::InvoiceItem;
use super::invoice_items;
use super::invoicing;
use super::item_cost::Cost;
use super::line::{From, Line};
use super::{living, referred};
use crate::api::Ctx;
use crate::error::ApiError;
use crate::event;
use crate::form::Params;
use crate::list;
use crate::state::{Object, State};

const LINES_MAX: usize = 250;
const NOT_EDITABLE: &str = "Finalized invoices can't be updated in this way";

/// `GET /v1/invoices/{id}/lines`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let invoice = living::<Invoice>(state, &ctx.space, id, "invoice")?;
    let url = format!("/v1/invoices/{id}/lines");
    let livemode = ctx.space.livemode;
    let lines = invoice.lines.as_slice();
    page.of(lines, &url, |line| &line.id, |line| line.render(id, livemode))
}

/// `POST /v1/invoices/{id}/lines/{line}`.
pub fn update(state: &mut State, ctx: &Ctx, params: Params, id: &str, line: &str) -> Result<Value, ApiError> {
    let invoice = draft_at(state, &ctx.space, id, NOT_EDITABLE)?;
    let change = Change::read(state, ctx, &invoice, params, line)?;
    let invoice = change.carry_out(state, ctx, &invoice);
    let found = invoice.lines.iter().find(|one| one.id == line);
    let rendered = found.map(|line| line.render(id, ctx.space.livemode));
    rendered.ok_or_else(|| ApiError::no_such("line item", line, "line_item_id"))
}

/// A change of a line, read and checked.
enum Change {
    /// Of the item underneath.
    Item(Box<InvoiceItem>, Cost, Option<Vec<super::discount::Asked>>),
    /// Of a line of the subscription itself.
    Line(Box<Line>),
}

impl Change {
    fn read(
        state: &State,
        ctx: &Ctx,
        invoice: &Invoice,
        mut params: Params,
        id: &str,
    ) -> Result<Change, ApiError> {
        let Some(line) = invoice.lines.iter().find(|line| line.id == id) else {
            return Err(ApiError::no_such("line item", id, "line_item_id"));
        };
        if let Some(item) = line.item() {
            let mut item = InvoiceItem::clone(&*referred::<InvoiceItem>(
                state,
                &ctx.space,
                item,
                "line_item_id",
            )?);
            let cost = Cost::read(state, ctx, &mut params)?;
            let asked = invoice_items::change(state, &mut item, &mut params)?;
            params.finish()?;
            cost.check_on(&item)?;
            return Ok(Change::Item(Box::new(item), cost, asked));
        }
        let mut line = line.clone();
        params.update("description")?.apply(&mut line.description);
        params.metadata()?.apply(&mut line.metadata)?;
        params.finish()?;
        Ok(Change::Line(Box::new(line)))
    }

    fn carry_out(self, state: &mut State, ctx: &Ctx, invoice: &Arc<Invoice>) -> Arc<Invoice> {
        match self {
            Change::Item(mut item, cost, asked) => {
                cost.apply(state, &mut item);
                invoice_items::redeem(state, &mut item, asked);
                invoice_items::changed(state, &ctx.cause, *item, Some(invoice));
                invoicing::again(state, &ctx.space, invoice)
            }
            Change::Line(changed) => {
                let lines = invoice.lines.iter().map(|line| {
                    if line.id == changed.id {
                        Line::clone(&changed)
                    } else {
                        line.clone()
                    }
                });
                let lines = lines.collect();
                invoice_items::relined(state, &ctx.cause, invoice, lines)
            }
        }
    }
}

fn read_lines(params: &mut Params) -> Result<Vec<Params>, ApiError> {
    let lines = params.maps("lines")?.ok_or_else(|| ApiError::missing("lines"))?;
    if lines.len() > LINES_MAX {
        let message = format!("Array lines exceeded maximum {LINES_MAX} allowed elements.");
        return Err(ApiError::invalid(message).param("lines"));
    }
    Ok(lines)
}

/// An item that is added, read and checked.
struct Added {
    item: InvoiceItem,
    cost: Option<Cost>,
    asked: Option<Vec<super::discount::Asked>>,
}

/// `POST /v1/invoices/{id}/add_lines`: items that wait, or new ones.
pub fn add(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = draft_at(state, &ctx.space, id, NOT_EDITABLE)?;
    let added: Vec<Added> = read_lines(&mut params)?
        .into_iter()
        .map(|line| read_added(state, ctx, &old, line))
        .collect::<Result<_, _>>()?;
    let metadata = params.metadata_named("invoice_metadata")?;
    params.finish()?;
    let mut invoice = Invoice::clone(&old);
    metadata.apply(&mut invoice.metadata)?;
    let mut lines = Vec::clone(&old.lines);
    for Added {
        mut item,
        cost,
        asked,
    } in added
    {
        let is_new = item.id.is_empty();
        if is_new {
            item.id = state.id("ii_1", 23);
            item.made_for_invoice = true;
        }
        item.invoice = Some(old.id.clone());
        if let Some(cost) = cost {
            cost.apply(state, &mut item);
        }
        invoice_items::redeem(state, &mut item, asked);
        let item = state.put(item);
        if is_new {
            let object = Object::InvoiceItem(Arc::clone(&item));
            event::emit(state, &ctx.cause, "invoiceitem.created", object, None);
        }
        let mut line = item.line(String::new());
        invoicing::name(state, &invoice, &mut line);
        lines.push(line);
    }
    invoice.lines = Arc::new(lines);
    invoice.add_up();
    Ok(invoicing::put(state, &ctx.cause, &old, invoice).render())
}

fn read_added(state: &State, ctx: &Ctx, invoice: &Invoice, mut params: Params) -> Result<Added, ApiError> {
    if let Some(id) = params.text("invoice_item")? {
        let name = params.name("invoice_item");
        params.finish()?;
        let item = referred::<InvoiceItem>(state, &ctx.space, &id, &name)?;
        let waits =
            item.invoice.is_none() && item.customer == invoice.customer && item.currency == invoice.currency;
        if !waits {
            let message = "The invoice item cannot be added: it is on an invoice, or another customer's.";
            return Err(ApiError::invalid(message).param(name));
        }
        return Ok(Added {
            item: InvoiceItem::clone(&item),
            cost: None,
            asked: None,
        });
    }
    let mut item = invoice_items::blank(state, &ctx.space, &invoice.customer);
    item.currency.clone_from(&invoice.currency);
    let cost = Cost::read(state, ctx, &mut params)?;
    if !cost.is_given() {
        return Err(ApiError::missing(&params.name("amount")));
    }
    if cost
        .currency()
        .is_some_and(|currency| currency != invoice.currency)
    {
        let message = "The currency of the line does not match that of the invoice.";
        return Err(ApiError::invalid(message).param(params.name("pricing")));
    }
    let asked = invoice_items::change(state, &mut item, &mut params)?;
    params.finish()?;
    cost.check_on(&item)?;
    Ok(Added {
        item,
        cost: Some(cost),
        asked,
    })
}

/// `POST /v1/invoices/{id}/update_lines`.
pub fn update_many(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let mut invoice = draft_at(state, &ctx.space, id, NOT_EDITABLE)?;
    let mut changes = Vec::new();
    for mut line in read_lines(&mut params)? {
        let line_id = line.required("id")?;
        changes.push(Change::read(state, ctx, &invoice, line, &line_id)?);
    }
    let mut metadata = invoice.metadata.clone();
    params.metadata_named("invoice_metadata")?.apply(&mut metadata)?;
    params.finish()?;
    for change in changes {
        invoice = change.carry_out(state, ctx, &invoice);
    }
    let noted = Invoice {
        metadata,
        ..Invoice::clone(&invoice)
    };
    Ok(invoicing::put(state, &ctx.cause, &invoice, noted).render())
}

/// `POST /v1/invoices/{id}/remove_lines`: their items are deleted, or wait for another invoice.
pub fn remove(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let mut invoice = draft_at(state, &ctx.space, id, NOT_EDITABLE)?;
    let mut removed = Vec::new();
    for mut line in read_lines(&mut params)? {
        let wanted = line.required("id")?;
        let unassign = line.required_choice("behavior", &["delete", "unassign"])? == "unassign";
        line.finish()?;
        let found = invoice.lines.iter().find(|one| one.id == wanted);
        let found = found.ok_or_else(|| ApiError::no_such("line item", &wanted, "lines").status(400))?;
        let From::Item { item, .. } = &found.from else {
            let message = "Only lines of invoice items can be removed from an invoice.";
            return Err(ApiError::invalid(message).param("lines"));
        };
        removed.push((item.clone(), unassign));
    }
    let mut metadata = invoice.metadata.clone();
    params.metadata_named("invoice_metadata")?.apply(&mut metadata)?;
    params.finish()?;
    for (item, unassign) in removed {
        let Ok(item) = state.get::<InvoiceItem>(&ctx.space, &item) else {
            continue;
        };
        if unassign {
            let item = state.put(InvoiceItem {
                invoice: None,
                made_for_invoice: false,
                ..InvoiceItem::clone(&item)
            });
            let lines = invoice.lines.iter();
            let kept = lines.filter(|line| line.item() != Some(item.id.as_str()));
            let kept = kept.cloned().collect();
            invoice = invoice_items::relined(state, &ctx.cause, &invoice, kept);
        } else {
            invoice_items::removed(state, &ctx.cause, &item, Some(&invoice));
            invoice = invoicing::again(state, &ctx.space, &invoice);
        }
    }
    let noted = Invoice {
        metadata,
        ..Invoice::clone(&invoice)
    };
    Ok(invoicing::put(state, &ctx.cause, &invoice, noted).render())
}
