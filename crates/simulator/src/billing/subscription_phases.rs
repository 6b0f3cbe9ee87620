//! The phases of a subscription schedule as requests write them: read from one, and written for the
//! subscription that goes through them.

use std::collections::BTreeMap;

use super::calendar;
use super::price::{Interval, Price};
use super::subscription_schedule::{Phase, PhaseItem};
use crate::api::Ctx;
use crate::error::ApiError;
use crate::form::Params;
use crate::state::State;

/// More phases than this are refused.
const PHASES_MAX: usize = 10;
/// Phases end before the year 10000.
const SECOND_MAX: i64 = 253_402_300_799;

/// A second that calendars reach.
///
/// # Errors
/// 400 for anything else, blaming `param`.
pub fn second(text: &str, param: &str) -> Result<i64, ApiError> {
    text.parse()
        .ok()
        .filter(|second| (0..=SECOND_MAX).contains(second))
        .ok_or_else(|| ApiError::invalid("Invalid timestamp: must be an integer Unix timestamp").param(param))
}

/// Reads `phases`, one after the other from a second on.
///
/// # Errors
/// 400 for a price that is not there or not recurring, and for what does not follow in time.
pub fn read(
    state: &State,
    ctx: &Ctx,
    params: &mut Params,
    start: i64,
) -> Result<Option<Vec<Phase>>, ApiError> {
    let Some(given) = params.maps("phases")? else {
        return Ok(None);
    };
    if given.is_empty() || given.len() > PHASES_MAX {
        let message = format!("A subscription schedule has 1 to {PHASES_MAX} phases.");
        return Err(ApiError::invalid(message).param("phases"));
    }
    let mut phases: Vec<Phase> = Vec::with_capacity(given.len());
    for mut given in given {
        let start = phases.last().map_or(start, |last| last.end);
        phases.push(read_one(state, ctx, &mut given, start)?);
        given.finish()?;
    }
    Ok(Some(phases))
}

fn read_one(state: &State, ctx: &Ctx, given: &mut Params, start: i64) -> Result<Phase, ApiError> {
    let (mut items, mut first) = (Vec::new(), None);
    for mut item in given
        .maps("items")?
        .ok_or_else(|| ApiError::missing("phases[0][items]"))?
    {
        let id = match item.text("price")? {
            Some(id) => id,
            None => item.required("plan")?,
        };
        let price = state
            .get_for::<Price>(&ctx.space, &id, &item.name("price"))
            .map_err(|error| error.status(400))?;
        let quantity = item.integer("quantity")?.unwrap_or(1);
        if !(0..=999_999).contains(&quantity) {
            let message = "Invalid non-negative integer";
            return Err(ApiError::invalid(message).param(item.name("quantity")));
        }
        let mut metadata = BTreeMap::new();
        item.metadata()?.apply(&mut metadata)?;
        item.finish()?;
        first.get_or_insert(price);
        items.push(PhaseItem {
            price: id,
            quantity,
            metadata,
        });
    }
    let Some(price) = first else {
        return Err(ApiError::missing(&given.name("items")));
    };
    let Some(recurring) = price.recurring.as_ref() else {
        let message = "The price specified is set to `type=one_time` but this field only accepts prices with \
                       `type=recurring`.";
        return Err(ApiError::invalid(message).param(given.name("items")));
    };
    let (interval, count) = (recurring.interval, recurring.count);
    let end = read_end(given, start, (interval, count))?;
    let words = ["create_prorations", "always_invoice", "none"];
    let proration = given
        .choice("proration_behavior", &words)?
        .unwrap_or("create_prorations");
    let currency = given.text("currency")?.unwrap_or_else(|| price.currency.clone());
    let mut metadata = BTreeMap::new();
    given.metadata()?.apply(&mut metadata)?;
    if let Some(text) = given.text("start_date")?
        && text != "now"
        && second(&text, &given.name("start_date"))? != start
    {
        let message = "The phase must start when the one before it ends.";
        return Err(ApiError::invalid(message).param(given.name("start_date")));
    }
    Ok(Phase {
        start,
        end,
        items,
        currency,
        proration: proration.to_owned(),
        metadata,
    })
}

/// When a phase ends: it is said, or follows from how long it is; else it is one billing period long.
fn read_end(given: &mut Params, start: i64, period: (Interval, i64)) -> Result<i64, ApiError> {
    let iterations = given.integer("iterations")?;
    let end = if let Some(text) = given.text("end_date")? {
        second(&text, &given.name("end_date"))?
    } else if let Some(mut duration) = given.map("duration")? {
        let interval = match duration.required_choice("interval", &["day", "week", "month", "year"])? {
            "day" => Interval::Day,
            "week" => Interval::Week,
            "year" => Interval::Year,
            _ => Interval::Month,
        };
        let count = duration.integer("interval_count")?.unwrap_or(1);
        duration.finish()?;
        calendar::add(start, interval, count.clamp(0, 3_650))
    } else {
        let times = iterations.unwrap_or(1).clamp(0, 1_000);
        calendar::add(start, period.0, period.1.saturating_mul(times))
    };
    if end > start && end <= SECOND_MAX {
        return Ok(end);
    }
    let message = "The phase must end after it starts.";
    Err(ApiError::invalid(message).param(given.name("end_date")))
}

/// A phase's items as a request to a subscription has them; `had` are the items that it has.
pub fn as_items(phase: &Phase, had: &[String]) -> String {
    let mut form = String::new();
    for (place, item) in phase.items.iter().enumerate() {
        let (price, quantity) = (&item.price, item.quantity);
        form.push_str(&format!(
            "&items[{place}][price]={price}&items[{place}][quantity]={quantity}"
        ));
        if let Some(id) = had.get(place) {
            form.push_str(&format!("&items[{place}][id]={id}"));
        }
    }
    for (place, id) in had.iter().enumerate().skip(phase.items.len()) {
        form.push_str(&format!("&items[{place}][id]={id}&items[{place}][deleted]=true"));
    }
    form
}
