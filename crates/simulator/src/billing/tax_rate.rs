//! Tax rates, set by hand: a percentage on top of an amount or within it. The percentage never changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::decimal::Decimal;
use crate::api::Ctx;
use crate::error::ApiError;
use crate::event;
use crate::form::Params;
use crate::list;
use crate::state::{Object, Shown, Space, State};

const TAX_TYPES: [&str; 28] = [
    "admissions_tax",
    "amusement_tax",
    "attendance_tax",
    "communications_tax",
    "digital_excise_tax",
    "entertainment_tax",
    "get_fund",
    "gross_receipts_tax",
    "gst",
    "hospitality_tax",
    "hst",
    "igst",
    "jct",
    "lease_tax",
    "luxury_tax",
    "mass_transit_parking_tax",
    "nhil",
    "parking_tax",
    "pst",
    "qst",
    "resort_tax",
    "retail_delivery_fee",
    "rst",
    "sales_tax",
    "service_tax",
    "tourism_tax",
    "utility_users_tax",
    "vat",
];

/// A tax rate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaxRate {
    /// `txr_1…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// Whether it can be used for what is new.
    pub active: bool,
    /// What customers read.
    pub display_name: String,
    /// Whether the tax is in the amount, and not on top of it.
    pub inclusive: bool,
    /// The percentage.
    pub percentage: Decimal,
    /// Two-letter country.
    pub country: Option<String>,
    /// A part of the country.
    pub state: Option<String>,
    /// The caller's description.
    pub description: Option<String>,
    /// Who levies it.
    pub jurisdiction: Option<String>,
    /// What tax it is.
    pub tax_type: Option<String>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

impl TaxRate {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        json!({
            "id": self.id, "object": "tax_rate", "active": self.active, "country": self.country,
            "created": self.created, "description": self.description, "display_name": self.display_name,
            "effective_percentage": self.percentage.number(), "flat_amount": null,
            "inclusive": self.inclusive, "jurisdiction": self.jurisdiction, "jurisdiction_level": null,
            "livemode": self.space.livemode, "metadata": self.metadata,
            "percentage": self.percentage.number(), "rate_type": "percentage", "state": self.state,
            "tax_type": self.tax_type,
        })
    }

    /// The tax of an amount, in minor units, rounded half up.
    pub fn tax(&self, amount: i64) -> i64 {
        if self.inclusive {
            self.percentage.percent_within(amount)
        } else {
            self.percentage.percent_of(amount)
        }
    }

    fn change(&mut self, params: &mut Params) -> Result<(), ApiError> {
        self.active = params.boolean("active")?.unwrap_or(self.active);
        params.update("country")?.apply(&mut self.country);
        params.update("state")?.apply(&mut self.state);
        params.update("description")?.apply(&mut self.description);
        params.update("jurisdiction")?.apply(&mut self.jurisdiction);
        if let Some(word) = params.choice("tax_type", &TAX_TYPES)? {
            self.tax_type = Some(word.to_owned());
        }
        params.metadata()?.apply(&mut self.metadata)
    }
}

impl Shown for TaxRate {
    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

/// The rates that a list of ids names.
///
/// # Errors
/// `resource_missing`, or 400 for one that is switched off.
pub fn named(
    state: &State,
    space: &Space,
    ids: &[String],
    param: &str,
) -> Result<Vec<Arc<TaxRate>>, ApiError> {
    ids.iter()
        .map(|id| {
            let rate = state
                .get_for::<TaxRate>(space, id, param)
                .map_err(|error| error.status(400))?;
            if rate.active {
                return Ok(rate);
            }
            let message = format!("The tax rate {id} is archived and cannot be used.");
            Err(ApiError::invalid(message).code("tax_rate_inactive").param(param))
        })
        .collect()
}

/// `POST /v1/tax_rates`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let percentage = Decimal::read(&mut params, "percentage")?;
    let mut rate = TaxRate {
        space: ctx.space.clone(),
        created: state.now_s(),
        active: true,
        display_name: params.required("display_name")?,
        inclusive: params
            .boolean("inclusive")?
            .ok_or_else(|| ApiError::missing("inclusive"))?,
        percentage: percentage.ok_or_else(|| ApiError::missing("percentage"))?,
        ..TaxRate::default()
    };
    if rate.percentage.is_negative() || rate.percentage > Decimal::of(100) {
        let message = "Invalid percentage: must be between 0 and 100.";
        return Err(ApiError::invalid(message).param("percentage"));
    }
    rate.change(&mut params)?;
    params.finish()?;
    rate.id = state.id("txr_1", 23);
    let rate = state.put(rate);
    let object = Object::TaxRate(Arc::clone(&rate));
    event::emit(state, &ctx.cause, "tax_rate.created", object, None);
    Ok(rate.render())
}

/// `GET /v1/tax_rates/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(state.get::<TaxRate>(&ctx.space, id)?.render())
}

/// `POST /v1/tax_rates/{id}`.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = state.get::<TaxRate>(&ctx.space, id)?;
    let mut rate = TaxRate::clone(&old);
    if let Some(name) = params.text("display_name")? {
        rate.display_name = name;
    }
    rate.change(&mut params)?;
    params.finish()?;
    let rate = state.put(rate);
    let previous = event::previous(&old.render(), &rate.render());
    if previous.is_some() {
        let object = Object::TaxRate(Arc::clone(&rate));
        event::emit(state, &ctx.cause, "tax_rate.updated", object, previous);
    }
    Ok(rate.render())
}

/// `GET /v1/tax_rates`, by `active`, `inclusive` and `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let (active, inclusive) = (params.boolean("active")?, params.boolean("inclusive")?);
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |rate: &TaxRate| {
        active.is_none_or(|active| active == rate.active)
            && inclusive.is_none_or(|inclusive| inclusive == rate.inclusive)
            && created.holds(rate.created)
    };
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/tax_rates",
        wanted,
        |rate: &TaxRate| rate.render(),
    )
}
