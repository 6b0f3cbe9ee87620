//! Discounts: a coupon as it was applied to a customer, a subscription, an invoice or an item.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::calendar;
use super::coupon::{self, Coupon, Duration};
use super::price::Interval;
use super::promotion_code;
use crate::error::ApiError;
use crate::form::Params;
use crate::state::{Shown, Space, State};

/// More discounts than this on one object are refused.
const DISCOUNTS_MAX: usize = 20;

/// A discount.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Discount {
    /// `di_1…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it began, in seconds.
    pub start: i64,
    /// When it ends, in seconds; `None` when it does not by itself.
    pub end: Option<i64>,
    /// Whether it was taken away.
    pub deleted: bool,
    /// The coupon, as it was then.
    pub coupon: Arc<Coupon>,
    /// The code that was typed for it.
    pub promotion_code: Option<String>,
    /// What it is on.
    pub on: On,
}

/// What a discount is on: a customer, and which thing of the customer's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct On {
    /// The customer.
    pub customer: Option<String>,
    /// The subscription.
    pub subscription: Option<String>,
    /// The subscription's item.
    pub subscription_item: Option<String>,
    /// The invoice.
    pub invoice: Option<String>,
    /// The invoice item.
    pub invoice_item: Option<String>,
}

impl Discount {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let mut discount = json!({
            "id": self.id, "object": "discount", "checkout_session": null, "customer": self.on.customer,
            "customer_account": null, "end": self.end, "invoice": self.on.invoice,
            "invoice_item": self.on.invoice_item, "promotion_code": self.promotion_code,
            "source": { "coupon": self.coupon.id, "type": "coupon" }, "start": self.start,
            "subscription": self.on.subscription, "subscription_item": self.on.subscription_item,
        });
        if let (true, Value::Object(fields)) = (self.deleted, &mut discount) {
            fields.insert("deleted".into(), true.into());
        }
        discount
    }

    /// Whether it still takes something off at a second.
    pub fn runs(&self, now_s: i64) -> bool {
        !self.deleted && self.end.is_none_or(|end| now_s < end)
    }
}

impl Shown for Discount {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("customer", "customer"),
        ("promotion_code", "promotion_code"),
        ("source.coupon", "coupon"),
    ];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

/// A discount that a request asks for: a coupon to be redeemed, or a discount that is there.
#[derive(Clone, Debug)]
pub enum Asked {
    /// A coupon, perhaps by its code.
    Coupon(Arc<Coupon>, Option<String>),
    /// One that goes on.
    There(Arc<Discount>),
}

impl Asked {
    /// Reads `discounts[…]`; `None` when it is not there, empty when all are to go.
    ///
    /// # Errors
    /// `resource_missing`, `coupon_expired`, or 400 for an entry that names nothing or two things.
    pub fn read(
        state: &State,
        space: &Space,
        customer: Option<&str>,
        params: &mut Params,
    ) -> Result<Option<Vec<Asked>>, ApiError> {
        let Some(entries) = params.maps("discounts")? else {
            return Ok(None);
        };
        if entries.len() > DISCOUNTS_MAX {
            let message = format!("Array discounts exceeded maximum {DISCOUNTS_MAX} allowed elements.");
            return Err(ApiError::invalid(message).param("discounts"));
        }
        entries
            .into_iter()
            .map(|entry| Asked::entry(state, space, customer, entry))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn entry(
        state: &State,
        space: &Space,
        customer: Option<&str>,
        mut entry: Params,
    ) -> Result<Asked, ApiError> {
        let given = (
            entry.text("coupon")?,
            entry.text("promotion_code")?,
            entry.text("discount")?,
        );
        let asked = match &given {
            (Some(id), None, None) => {
                Asked::Coupon(coupon::usable(state, space, id, &entry.name("coupon"))?, None)
            }
            (None, Some(id), None) => {
                let param = entry.name("promotion_code");
                let (code, coupon) = promotion_code::usable(state, space, id, customer, &param)?;
                Asked::Coupon(coupon, Some(code.id.clone()))
            }
            (None, None, Some(id)) => Asked::There(
                state
                    .get_for::<Discount>(space, id, &entry.name("discount"))
                    .map_err(|error| error.status(400))?,
            ),
            _ => {
                let message = "You must pass exactly one of `coupon`, `promotion_code` or `discount`.";
                return Err(ApiError::invalid(message).param("discounts"));
            }
        };
        entry.finish()?;
        Ok(asked)
    }

    /// Redeems it on something.
    pub fn made(self, state: &mut State, space: &Space, on: On) -> Arc<Discount> {
        let (coupon, promotion_code) = match self {
            Asked::There(discount) => return discount,
            Asked::Coupon(coupon, code) => (coupon, code),
        };
        coupon::redeem(state, space, &coupon.id);
        if let Some(code) = &promotion_code {
            promotion_code::redeem(state, space, code);
        }
        let start = state.now_s();
        let end = match coupon.duration {
            Duration::Repeating(months) => Some(calendar::add(start, Interval::Month, months)),
            Duration::Once | Duration::Forever => None,
        };
        let id = state.id("di_1", 23);
        state.put(Discount {
            id,
            space: space.clone(),
            start,
            end,
            deleted: false,
            coupon,
            promotion_code,
            on,
        })
    }
}
