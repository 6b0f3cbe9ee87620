//! A credit note: what of a finalized invoice is given back, before or after it was paid. What requests do to
//! it is in `credit_notes`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::decimal::Decimal;
use super::line::{self, Off, Tax};
use super::tax_rate::TaxRate;
use crate::state::{Shown, Space, State};

/// A credit note.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CreditNote {
    /// `cn_1…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// What it is called: the invoice's number and which of its credit notes it is.
    pub number: String,
    /// The invoice.
    pub invoice: String,
    /// The customer.
    pub customer: String,
    /// Currency.
    pub currency: String,
    /// What is credited.
    pub lines: Vec<NoteLine>,
    /// What it took off what was still to be paid, in minor units.
    pub before: i64,
    /// What it gives back of what was paid.
    pub after: i64,
    /// The balance transaction, when the customer's balance got it.
    pub balance_transaction: Option<String>,
    /// The refunds that gave it back, each with its amount.
    pub refunds: Vec<(String, i64)>,
    /// What was given back in another way than by Stripe.
    pub out_of_band: Option<i64>,
    /// `duplicate`, `fraudulent`, `order_change` or `product_unsatisfactory`.
    pub reason: Option<String>,
    /// What the customer reads.
    pub memo: Option<String>,
    /// From when it counts, in seconds, when that is not when it was made.
    pub effective_at: Option<i64>,
    /// When it was voided, in seconds.
    pub voided_at: Option<i64>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

/// A line of a credit note.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NoteLine {
    /// `cnli_1…`.
    pub id: String,
    /// What it comes to before discounts and taxes, in minor units.
    pub amount: i64,
    /// What the customer reads.
    pub description: Option<String>,
    /// The part of the line's discounts that goes with it.
    pub off: Vec<Off>,
    /// How many; `None` when an amount was given.
    pub quantity: Option<i64>,
    /// What a unit is credited with.
    pub unit: Option<Decimal>,
    /// The line of the invoice; `None` is one of its own.
    pub line: Option<String>,
    /// Its tax rates.
    pub tax_rates: Vec<Arc<TaxRate>>,
    /// The taxes that go with it.
    pub taxes: Vec<Tax>,
}

impl NoteLine {
    /// As Stripe writes it.
    pub fn render(&self, livemode: bool) -> Value {
        let kind = if self.line.is_some() {
            "invoice_line_item"
        } else {
            "custom_line_item"
        };
        let mut shown = json!({
            "id": self.id, "object": "credit_note_line_item", "amount": self.amount,
            "description": self.description, "discount_amount": self.off_total(),
            "discount_amounts": line::render_off(&self.off), "livemode": livemode, "metadata": null,
            "pretax_credit_amounts": line::render_pretax(&self.off), "quantity": self.quantity,
            "tax_rates": self.tax_rates.iter().map(|rate| rate.render()).collect::<Vec<_>>(),
            "taxes": self.taxes.iter().map(Tax::render).collect::<Vec<_>>(), "type": kind,
            "unit_amount": self.unit.and_then(Decimal::whole),
            "unit_amount_decimal": self.unit.map(Decimal::text),
        });
        if let Some(line) = &self.line {
            shown["invoice_line_item"] = line.as_str().into();
        }
        shown
    }

    /// What its discounts take off it.
    pub fn off_total(&self) -> i64 {
        self.off.iter().map(|off| off.amount).sum()
    }

    fn tax(&self, inclusive: bool) -> i64 {
        let taxes = self.taxes.iter().filter(|tax| tax.inclusive == inclusive);
        taxes.map(|tax| tax.amount).sum()
    }

    /// What it gives back in the end.
    pub fn total(&self) -> i64 {
        self.amount - self.off_total() + self.tax(false)
    }
}

impl CreditNote {
    /// What it gives back, in minor units.
    pub fn total(&self) -> i64 {
        self.lines.iter().map(NoteLine::total).sum()
    }

    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let subtotal: i64 = self.lines.iter().map(|line| line.amount).sum();
        let within: i64 = self.lines.iter().map(|line| line.tax(true)).sum();
        let on_top: i64 = self.lines.iter().map(|line| line.tax(false)).sum();
        let off: Vec<Off> = self.lines.iter().flat_map(|line| line.off.clone()).collect();
        let taxes = self.lines.iter().flat_map(|line| &line.taxes);
        let lines: Vec<Value> = self
            .lines
            .iter()
            .map(|line| line.render(self.space.livemode))
            .collect();
        let refunds = self.refunds.iter().map(|(refund, amount)| {
            json!({
                "amount_refunded": amount, "payment_record_refund": null, "refund": refund,
                "type": "refund",
            })
        });
        let account = self.space.account.as_deref().unwrap_or("acct_platform");
        json!({
            "id": self.id, "object": "credit_note", "amount": self.total(), "amount_shipping": 0,
            "created": self.created, "currency": self.currency, "customer": self.customer,
            "customer_account": null, "customer_balance_transaction": self.balance_transaction,
            "discount_amount": off.iter().map(|off| off.amount).sum::<i64>(),
            "discount_amounts": line::render_off(&off),
            "effective_at": self.effective_at.unwrap_or(self.created), "invoice": self.invoice,
            "lines": {
                "object": "list", "data": lines, "has_more": false,
                "url": format!("/v1/credit_notes/{}/lines", self.id),
            },
            "livemode": self.space.livemode, "memo": self.memo, "metadata": self.metadata,
            "number": self.number, "out_of_band_amount": self.out_of_band,
            "pdf": format!("https://pay.stripe.com/credit_notes/{account}/{}/pdf?s=ap", self.id),
            "post_payment_amount": self.after, "pre_payment_amount": self.before,
            "pretax_credit_amounts": line::render_pretax(&off), "reason": self.reason,
            "refunds": refunds.collect::<Vec<_>>(), "shipping_cost": null,
            "status": if self.voided_at.is_some() { "void" } else { "issued" }, "subtotal": subtotal,
            "subtotal_excluding_tax": subtotal - within, "total": self.total(),
            "total_excluding_tax": self.total() - within - on_top,
            "total_taxes": taxes.map(Tax::render).collect::<Vec<_>>(),
            "type": if self.after > 0 { "post_payment" } else { "pre_payment" },
            "voided_at": self.voided_at,
        })
    }
}

impl Shown for CreditNote {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("customer", "customer"),
        ("invoice", "invoice"),
        ("customer_balance_transaction", "customer_balance_transaction"),
        ("refunds.refund", "refund"),
    ];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}
