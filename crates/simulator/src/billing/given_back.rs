//! How a credit note gives back what was paid: to the balance, to the card, in another way, or by refunds
//! that are there already; and how much of the money is left for that.

use super::credit_note::CreditNote;
use super::invoice::Invoice;
use super::invoice_payment::InvoicePayment;
use crate::api::Ctx;
use crate::currency;
use crate::error::ApiError;
use crate::form::Params;
use crate::money::refund::{self, Refund};
use crate::state::{Object, State};

/// How what was paid is given back.
#[derive(Debug, Default)]
pub struct Back {
    /// To the customer's balance, in minor units.
    pub credit: i64,
    /// To the card, by a new refund.
    pub refund: i64,
    /// In another way than by Stripe.
    pub out_of_band: i64,
    /// By refunds that are there, each with its part.
    pub refunds: Vec<(String, i64)>,
}

impl Back {
    /// Reads `credit_amount`, `refund_amount`, `out_of_band_amount` and `refunds`.
    ///
    /// # Errors
    /// 400 for an amount below nothing, or a refund that is not there.
    pub fn read(state: &State, ctx: &Ctx, params: &mut Params) -> Result<Back, ApiError> {
        let mut amount = |name: &str| -> Result<i64, ApiError> {
            let given = params.integer(name)?.unwrap_or(0);
            if given < 0 {
                return Err(ApiError::invalid("Invalid non-negative integer")
                    .code("parameter_invalid_integer")
                    .param(name));
            }
            Ok(given)
        };
        let mut back = Back {
            credit: amount("credit_amount")?,
            refund: amount("refund_amount")?,
            out_of_band: amount("out_of_band_amount")?,
            refunds: Vec::new(),
        };
        for mut entry in params.maps("refunds")?.unwrap_or_default() {
            let id = entry.required("refund")?;
            let name = entry.name("refund");
            entry.choice("type", &["refund"])?;
            let given = entry.integer("amount_refunded")?;
            entry.finish()?;
            let found = Object::find(state, &ctx.space, "refund", &id).map(|found| found.shown(state));
            let Some(refunded) = found.and_then(|refund| refund["amount"].as_i64()) else {
                return Err(ApiError::no_such("refund", &id, &name).status(400));
            };
            back.refunds.push((id, given.unwrap_or(refunded)));
        }
        Ok(back)
    }

    /// All of it together, in minor units.
    pub fn total(&self) -> i64 {
        let refunds: i64 = self.refunds.iter().map(|(_, amount)| amount).sum();
        self.credit
            .saturating_add(self.refund)
            .saturating_add(self.out_of_band)
            .saturating_add(refunds)
    }

    /// Checks it against what was given back of an invoice before: what was refunded cannot be credited, too,
    /// and a refund is linked once only.
    ///
    /// # Errors
    /// 400 for more than is left, or a refund of another payment.
    pub fn check(&self, state: &State, invoice: &Invoice) -> Result<(), ApiError> {
        for (id, amount) in &self.refunds {
            let refund = state.get_for::<Refund>(&invoice.space, id, "refunds")?;
            if !is_of(state, invoice, &refund) {
                let message = format!("The refund {id} is not of a payment of this invoice.");
                return Err(ApiError::invalid(message).param("refunds"));
            }
            let left = refund.amount.saturating_sub(linked(state, invoice, Some(id)));
            if !(1..=left).contains(amount) {
                return Err(ApiError::invalid(format!(
                    "The amount ({}) is greater than what of the refund {id} is not linked to a credit note \
                     yet ({}).",
                    currency::price(*amount, &invoice.currency),
                    currency::price(left, &invoice.currency)
                ))
                .param("refunds"));
            }
        }
        let refunded: i64 = state
            .of::<Refund>(&invoice.space)
            .filter(|refund| is_of(state, invoice, refund))
            .map(|refund| refund.amount)
            .sum();
        let apart = refunded.saturating_sub(linked(state, invoice, None));
        let left = invoice.totals.total - invoice.credited_before - invoice.credited_after - apart;
        if self.credit > 0 && self.credit.saturating_add(self.refund) > left {
            return Err(ApiError::invalid(format!(
                "The sum of credit amount and refund amount ({}) is greater than what was not credited or \
                 refunded yet ({}).",
                currency::price(self.credit.saturating_add(self.refund), &invoice.currency),
                currency::price(left.max(0), &invoice.currency)
            ))
            .param("credit_amount"));
        }
        Ok(())
    }
}

/// Whether a refund gives back what paid an invoice, and has not failed.
fn is_of(state: &State, invoice: &Invoice, refund: &Refund) -> bool {
    let paid_by = |id: &String| {
        let payment = state.get::<InvoicePayment>(&invoice.space, id);
        payment.is_ok_and(|payment| refund.payment_intent.as_ref() == Some(&payment.intent))
    };
    refund.status != refund::Status::Failed && invoice.payments.iter().any(paid_by)
}

/// How much of an invoice's refunds, or of one of them, its credit notes are linked to, in minor units.
fn linked(state: &State, invoice: &Invoice, id: Option<&str>) -> i64 {
    state
        .of::<CreditNote>(&invoice.space)
        .filter(|note| note.invoice == invoice.id && note.voided_at.is_none())
        .flat_map(|note| &note.refunds)
        .filter(|(refund, _)| id.is_none_or(|id| id == refund))
        .map(|(_, amount)| amount)
        .sum()
}
