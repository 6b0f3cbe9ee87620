//! Test clocks: a time of their own for customers and all that bills them. It stands still until it is
//! advanced; what becomes due on the way happens then, each thing at its moment.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::subscribing;
use super::{Deletable, calendar, living, price::Interval};
use crate::api::Ctx;
use crate::customer::Customer;
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::Params;
use crate::list;
use crate::schedule::{self, Step};
use crate::state::{Object, Row, Shown, Space, State};

/// A clock is kept this long.
const KEPT_S: i64 = 30 * 86_400;
/// How long advancing takes, in milliseconds of the simulator's own time.
const ADVANCES_MS: i64 = 1_000;
/// A clock without subscriptions goes ahead by so many years at most at once.
const YEARS_MAX: i64 = 2;
/// As many customers as one clock has room for.
const CUSTOMERS_MAX: usize = 3;
const NAME_MAX: usize = 300;

/// A test clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestClock {
    /// `clock_1…`.
    pub id: String,
    /// Where it lives: always TEST.
    pub space: Space,
    /// When it was made, in seconds of the simulator's own time.
    pub created: i64,
    /// Whether it was deleted.
    pub deleted: bool,
    /// The second it shows.
    pub frozen_time: i64,
    /// The second it is being advanced to.
    pub target: Option<i64>,
    /// What it is called.
    pub name: Option<String>,
}

impl TestClock {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        if self.deleted {
            return json!({ "id": self.id, "object": "test_helpers.test_clock", "deleted": true });
        }
        let (status, details) = match self.target {
            Some(target) => (
                "advancing",
                json!({ "advancing": { "target_frozen_time": target } }),
            ),
            None => ("ready", json!({})),
        };
        json!({
            "id": self.id, "object": "test_helpers.test_clock", "created": self.created,
            "deletes_after": self.created + KEPT_S, "frozen_time": self.frozen_time,
            "livemode": self.space.livemode, "name": self.name, "status": status,
            "status_details": details,
        })
    }

    /// 429 as long as it is being advanced: what lives by it cannot be changed then.
    fn check_ready(&self) -> Result<(), ApiError> {
        if self.target.is_none() {
            return Ok(());
        }
        let message = format!(
            "Test clock advancement underway - cannot perform modifications: {}",
            self.id
        );
        Err(ApiError::invalid(message).code("rate_limit").status(429))
    }
}

impl Shown for TestClock {
    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

impl Deletable for TestClock {
    fn is_deleted(&self) -> bool {
        self.deleted
    }
}

/// A clock that a new customer may live by.
///
/// # Errors
/// 400 when there is none, when it is being advanced, or when it has no room left.
pub fn for_customer(state: &State, space: &Space, id: &str) -> Result<Arc<TestClock>, ApiError> {
    let clock = super::referred::<TestClock>(state, space, id, "test_clock")?;
    clock.check_ready()?;
    if customers(state, &clock).count() >= CUSTOMERS_MAX {
        let message = format!(
            "Test clocks can have a maximum of {CUSTOMERS_MAX} customers attached: {id} already has \
             that many."
        );
        return Err(ApiError::invalid(message).param("test_clock"));
    }
    Ok(clock)
}

fn customers<'a>(state: &'a State, clock: &'a TestClock) -> impl Iterator<Item = &'a Arc<Customer>> {
    state
        .of::<Customer>(&clock.space)
        .filter(|customer| !customer.deleted && customer.test_clock.as_deref() == Some(clock.id.as_str()))
}

/// The clock that a customer lives by.
pub fn of_customer(state: &State, space: &Space, customer: &str) -> Option<String> {
    state.get::<Customer>(space, customer).ok()?.test_clock.clone()
}

/// What a request changes lives by a clock: until the request is answered, it is the clock's time.
///
/// # Errors
/// 429 while the clock is being advanced.
pub fn enter(state: &mut State, space: &Space, id: &str) -> Result<(), ApiError> {
    let Ok(clock) = state.get::<TestClock>(space, id) else {
        return Ok(());
    };
    if !clock.deleted {
        clock.check_ready()?;
        live_at(state, clock.frozen_time.saturating_mul(1000));
    }
    Ok(())
}

/// It is the simulator's own time again.
pub fn leave(state: &mut State) {
    state.now_ms = state.own_ms();
    state.shift_ms = 0;
}

fn live_at(state: &mut State, ms: i64) {
    let own_ms = state.own_ms();
    state.shift_ms = ms.saturating_sub(own_ms);
    state.now_ms = ms;
}

/// Which clock a request's object lives by: that of the customer it names, or of the object in its path.
pub fn of_request(state: &State, space: &Space, path: &str, params: &Params) -> Option<String> {
    if TestClock::table(state).all().len() == 0 {
        return None;
    }
    let mut segments = path.trim_start_matches('/').split('/').skip(1);
    let family = segments.next()?;
    let billed = matches!(
        family,
        "customers" | "subscriptions" | "subscription_items" | "subscription_schedules"
    ) || family.starts_with("invoice")
        || matches!(family, "credit_notes" | "quotes");
    if space.livemode || !billed {
        return None;
    }
    let named = ["customer", "subscription", "invoice", "from_subscription"]
        .into_iter()
        .filter_map(|name| params.clone().text(name).ok().flatten());
    segments
        .take(1)
        .map(str::to_owned)
        .chain(named)
        .find_map(|id| of_object(state, space, &id))
}

fn of_object(state: &State, space: &Space, id: &str) -> Option<String> {
    match Object::anywhere(state, id)? {
        Object::Customer(customer) => customer.test_clock.clone(),
        Object::SubscriptionItem(item) => of_object(state, space, &item.subscription),
        other => of_customer(state, space, other.shown(state)["customer"].as_str()?),
    }
}

/// `POST /v1/test_helpers/test_clocks`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    if ctx.space.livemode {
        let message = "Test clocks can only be used in test mode.";
        return Err(ApiError::invalid(message));
    }
    let frozen_time = second(&mut params)?;
    let name = params.text("name")?;
    if name.as_ref().is_some_and(|name| name.chars().count() > NAME_MAX) {
        let message = format!("Invalid string: name must be at most {NAME_MAX} characters.");
        return Err(ApiError::invalid(message).param("name"));
    }
    let customer = match params.text("customer")? {
        None => None,
        Some(id) => Some(attachable(state, ctx, &id)?),
    };
    params.finish()?;
    let clock = TestClock {
        id: state.id("clock_1", 23),
        space: ctx.space.clone(),
        created: state.now_s(),
        deleted: false,
        frozen_time,
        target: None,
        name,
    };
    let clock = state.put(clock);
    if let Some(old) = customer {
        let customer = Customer {
            test_clock: Some(clock.id.clone()),
            ..Customer::clone(&old)
        };
        crate::customer::changed(state, &ctx.cause, &old, customer);
    }
    tell(state, &ctx.cause, "test_helpers.test_clock.created", &clock);
    Ok(clock.render())
}

fn attachable(state: &State, ctx: &Ctx, id: &str) -> Result<Arc<Customer>, ApiError> {
    let customer =
        crate::customer::living(state, &ctx.space, id, "customer").map_err(|error| error.status(400))?;
    if customer.test_clock.is_some() {
        let message = format!("Customer {id} is already attached to a test clock.");
        return Err(ApiError::invalid(message).param("customer"));
    }
    Ok(customer)
}

/// `frozen_time`, a second that calendars reach.
fn second(params: &mut Params) -> Result<i64, ApiError> {
    let second = params
        .integer("frozen_time")?
        .ok_or_else(|| ApiError::missing("frozen_time"))?;
    if (0..=SECOND_MAX).contains(&second) {
        return Ok(second);
    }
    let message = "Invalid timestamp: must be an integer Unix timestamp in the range of the calendar.";
    Err(ApiError::invalid(message)
        .code("parameter_invalid_integer")
        .param("frozen_time"))
}

/// The end of the year 9999.
const SECOND_MAX: i64 = 253_402_300_799;

/// Tells of a clock.
fn tell(state: &mut State, cause: &Cause, kind: &'static str, clock: &Arc<TestClock>) {
    event::emit(state, cause, kind, Object::TestClock(Arc::clone(clock)), None);
}

/// `GET /v1/test_helpers/test_clocks/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(living::<TestClock>(state, &ctx.space, id, "test_clock")?.render())
}

/// `GET /v1/test_helpers/test_clocks`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |clock: &TestClock| !clock.deleted;
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/test_helpers/test_clocks",
        wanted,
        TestClock::render,
    )
}

/// `POST /v1/test_helpers/test_clocks/{id}/advance`: it is done a moment later.
pub fn advance(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let clock = living::<TestClock>(state, &ctx.space, id, "test_clock")?;
    let target = second(&mut params)?;
    params.finish()?;
    clock.check_ready()?;
    let refused = |message: &str| Err(ApiError::invalid(message).param("frozen_time"));
    if target <= clock.frozen_time {
        return refused("A test clock can only be advanced to a time after its current frozen time.");
    }
    if target > calendar::add(clock.frozen_time, Interval::Year, YEARS_MAX) {
        return refused("A test clock cannot be advanced by more than two years at once.");
    }
    let clock = state.put(TestClock {
        target: Some(target),
        ..TestClock::clone(&clock)
    });
    schedule::after(
        state,
        ADVANCES_MS,
        Step::AdvanceClock {
            clock: clock.id.clone(),
        },
    );
    tell(state, &ctx.cause, "test_helpers.test_clock.advancing", &clock);
    Ok(clock.render())
}

/// A clock arrives where it was advanced to; what was due on the way has happened.
pub fn arrive(state: &mut State, id: &str) {
    let Some(clock) = found(state, id) else { return };
    let Some(target) = clock.target else { return };
    catch_up(state, id, target);
    let clock = state.put(TestClock {
        frozen_time: target,
        target: None,
        ..TestClock::clone(&clock)
    });
    tell(state, &Cause::default(), "test_helpers.test_clock.ready", &clock);
}

/// What is due by a clock's present time happens.
pub fn run_due(state: &mut State, id: &str) {
    if let Some(clock) = found(state, id)
        && clock.target.is_none()
    {
        catch_up(state, id, clock.frozen_time);
    }
}

fn found(state: &State, id: &str) -> Option<Arc<TestClock>> {
    match Object::anywhere(state, id)? {
        Object::TestClock(clock) if !clock.deleted => Some(clock),
        _ => None,
    }
}

fn catch_up(state: &mut State, id: &str, until_s: i64) {
    while let Some((due_ms, step)) = schedule::take_of_clock(state, id, until_s.saturating_mul(1000)) {
        live_at(state, due_ms);
        schedule::carry_out(state, step);
        leave(state);
    }
}

/// `DELETE /v1/test_helpers/test_clocks/{id}`, with its customers and what bills them.
pub fn delete(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    let clock = living::<TestClock>(state, &ctx.space, id, "test_clock")?;
    params.finish()?;
    clock.check_ready()?;
    let theirs: Vec<Arc<Customer>> = customers(state, &clock).cloned().collect();
    for customer in theirs {
        super::subscribing::customer_deleted(state, &ctx.cause, &customer);
        subscribing::customer_deleted(state, &ctx.cause, &customer);
        state.put(Customer {
            deleted: true,
            ..Customer::clone(&customer)
        });
    }
    schedule::forget_clock(state, id);
    let deleted = state.put(TestClock {
        deleted: true,
        ..TestClock::clone(&clock)
    });
    // The event tells what was there.
    tell(state, &ctx.cause, "test_helpers.test_clock.deleted", &clock);
    Ok(deleted.render())
}
