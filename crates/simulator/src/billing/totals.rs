//! What an invoice comes to: discounts line by line, then taxes on what is left, in whole minor units.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::decimal::share;
use super::discount::Discount;
use super::line::{Line, Off, Tax, TaxReason};
use super::tax_rate::TaxRate;

/// What lines come to, in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// The lines, before discounts and taxes on top.
    pub subtotal: i64,
    /// The same without the taxes within.
    pub subtotal_without_tax: i64,
    /// What remains after discounts, with taxes.
    pub total: i64,
    /// The same without any tax.
    pub total_without_tax: i64,
    /// What each discount takes off.
    pub off: Vec<Off>,
    /// Each tax.
    pub taxes: Vec<Tax>,
}

/// What holds for all lines of an invoice.
#[derive(Debug)]
pub struct Terms<'a> {
    /// The discounts of the invoice.
    pub discounts: &'a [Arc<Discount>],
    /// The tax rates of lines that have none of their own.
    pub tax_rates: &'a [Arc<TaxRate>],
    /// The customer's `none`, `exempt` or `reverse`.
    pub tax_exempt: &'a str,
}

/// Fills in what is taken off and put on each line, and adds all up.
pub fn compute(lines: &mut [Line], terms: &Terms) -> Totals {
    for line in lines.iter_mut() {
        line.off.clear();
        line.taxes.clear();
        for discount in line.discounts.clone() {
            let off = discount
                .coupon
                .off(line.amount - line.off_total(), &line.currency);
            line.off.push(Off {
                discount: discount.id.clone(),
                amount: off,
            });
        }
    }
    for discount in terms.discounts {
        take_off(lines, discount);
    }
    for line in lines.iter_mut() {
        tax(line, terms);
    }
    add_up(lines)
}

/// A discount of the whole invoice: a percentage of each line, or an amount spread over them.
fn take_off(lines: &mut [Line], discount: &Discount) {
    let reaches = |line: &Line| {
        let product = line.price.as_ref().map(|price| price.product.as_str());
        line.discountable && line.amount > 0 && discount.coupon.applies_to(product)
    };
    let open: i64 = lines
        .iter()
        .filter(|line| reaches(line))
        .map(|line| line.amount - line.off_total())
        .sum();
    let Some(currency) = lines.first().map(|line| line.currency.clone()) else {
        return;
    };
    let mut left = discount.coupon.off(open, &currency);
    let all = left;
    let last = lines.iter().rposition(&reaches);
    for (place, line) in lines.iter_mut().enumerate() {
        if !reaches(line) {
            continue;
        }
        let open_here = line.amount - line.off_total();
        // The last line takes what rounding left over.
        let off = if Some(place) == last {
            left
        } else {
            share(all, open_here, open.max(1))
        };
        let off = off.clamp(0, open_here.max(0)).min(left);
        left -= off;
        line.off.push(Off {
            discount: discount.id.clone(),
            amount: off,
        });
    }
}

fn tax(line: &mut Line, terms: &Terms) {
    let taxable = line.amount - line.off_total();
    let rates = if line.tax_rates.is_empty() {
        terms.tax_rates.to_vec()
    } else {
        line.tax_rates.clone()
    };
    for rate in rates {
        let (amount, reason) = match terms.tax_exempt {
            "exempt" => (0, TaxReason::CustomerExempt),
            "reverse" => (0, TaxReason::ReverseCharge),
            _ => (rate.tax(taxable), TaxReason::NotAvailable),
        };
        let within = if rate.inclusive { amount } else { 0 };
        line.taxes.push(Tax {
            rate: rate.id.clone(),
            amount,
            taxable: taxable - within,
            inclusive: rate.inclusive,
            reason,
        });
    }
}

fn add_up(lines: &[Line]) -> Totals {
    let mut totals = Totals::default();
    let (mut off, mut taxes) = (BTreeMap::new(), BTreeMap::new());
    for line in lines {
        totals.subtotal += line.amount;
        totals.total += line.total();
        for one in &line.off {
            let place = off.len();
            let entry = off.entry(one.discount.clone()).or_insert((place, 0));
            entry.1 += one.amount;
        }
        for one in &line.taxes {
            let place = taxes.len();
            let entry = taxes.entry(one.rate.clone()).or_insert_with(|| {
                let nothing = Tax {
                    amount: 0,
                    taxable: 0,
                    ..one.clone()
                };
                (place, nothing)
            });
            entry.1.amount += one.amount;
            entry.1.taxable += one.taxable;
        }
    }
    let mut off: Vec<_> = off
        .into_iter()
        .map(|(id, (at, amount))| (at, id, amount))
        .collect();
    off.sort_unstable();
    totals.off = off
        .into_iter()
        .map(|(_, discount, amount)| Off { discount, amount })
        .collect();
    let mut taxes: Vec<_> = taxes.into_values().collect();
    taxes.sort_by_key(|(place, _)| *place);
    totals.taxes = taxes.into_iter().map(|(_, tax)| tax).collect();
    let tax: i64 = totals.taxes.iter().map(|tax| tax.amount).sum();
    let within = totals.taxes.iter().filter(|tax| tax.inclusive);
    totals.total_without_tax = totals.total - tax;
    totals.subtotal_without_tax = totals.subtotal - within.map(|tax| tax.amount).sum::<i64>();
    totals
}
