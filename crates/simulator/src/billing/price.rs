//! A price: what a unit of a product costs, once or each interval, and what a quantity of it comes to. What
//! requests do to prices is in `prices`; `plan` shows the recurring ones in the older form.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Deletable;
use super::decimal::Decimal;
use crate::state::{Shown, Space, State};

/// A price.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// `price_…`; of one made as a plan `plan_…`, or chosen.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// Whether it was deleted, as only a plan can be.
    pub deleted: bool,
    /// Whether it can be used for what is new.
    pub active: bool,
    /// Currency.
    pub currency: String,
    /// The product.
    pub product: String,
    /// How often it falls due; `None` is once.
    pub recurring: Option<Recurring>,
    /// What it costs in its currency.
    pub costs: Costs,
    /// What it costs in other currencies.
    pub currency_options: BTreeMap<String, Costs>,
    /// How tiers are read; `None` is a price by the unit.
    pub tiers_mode: Option<TiersMode>,
    /// What a quantity is divided by before it is priced.
    pub transform: Option<Transform>,
    /// What it can be found by.
    pub lookup_key: Option<String>,
    /// A short description, hidden from customers.
    pub nickname: Option<String>,
    /// Whether it was only described where it is used; such a one is not listed.
    #[serde(default)]
    pub inline: bool,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

/// What a price costs in one currency.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// A unit, in minor units; `None` with tiers or when the payer chooses.
    pub unit: Option<Decimal>,
    /// The bounds when the payer chooses.
    pub custom: Option<Custom>,
    /// The steps.
    pub tiers: Vec<Tier>,
    /// `exclusive`, `inclusive` or `unspecified`.
    pub tax_behavior: String,
}

/// An amount that the payer chooses, in minor units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Custom {
    /// The most.
    pub maximum: Option<i64>,
    /// The least.
    pub minimum: Option<i64>,
    /// What is proposed.
    pub preset: Option<i64>,
}

/// A step of a tiered price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tier {
    /// The last unit in it; `None` is no end.
    pub up_to: Option<i64>,
    /// For the tier as a whole.
    pub flat: Option<Decimal>,
    /// For each unit in it.
    pub unit: Option<Decimal>,
}

/// How tiers are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TiersMode {
    /// Each unit by the tier that it is in.
    Graduated,
    /// All units by the tier that the last one is in.
    Volume,
}

/// How often a price falls due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recurring {
    /// The interval.
    pub interval: Interval,
    /// How many intervals lie between two bills.
    pub count: i64,
    /// Whether usage is billed afterwards, and not a quantity in advance.
    pub metered: bool,
    /// The meter that counts the usage.
    pub meter: Option<String>,
    /// Days of trial that a subscription may take over.
    pub trial_days: Option<i64>,
}

/// A day, a week, a month or a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// A day.
    Day,
    /// Seven days.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

impl Interval {
    /// In Stripe's words.
    pub const WORDS: [&'static str; 4] = ["day", "week", "month", "year"];

    /// From one of [`Interval::WORDS`]; all else is a year.
    pub fn of(word: &str) -> Interval {
        match word {
            "day" => Interval::Day,
            "week" => Interval::Week,
            "month" => Interval::Month,
            _ => Interval::Year,
        }
    }

    /// In Stripe's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Interval::Day => "day",
            Interval::Week => "week",
            Interval::Month => "month",
            Interval::Year => "year",
        }
    }
}

/// What a quantity is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transform {
    /// The divisor.
    pub divide_by: i64,
    /// Whether a rest counts as a whole.
    pub up: bool,
}

impl Transform {
    fn of(self, quantity: i64) -> i64 {
        let whole = quantity.div_euclid(self.divide_by.max(1));
        whole + i64::from(self.up && quantity.rem_euclid(self.divide_by.max(1)) > 0)
    }

    /// As Stripe writes it.
    pub fn render(self) -> Value {
        json!({ "divide_by": self.divide_by, "round": if self.up { "up" } else { "down" } })
    }
}

impl Tier {
    fn render(&self) -> Value {
        json!({
            "flat_amount": self.flat.and_then(Decimal::whole),
            "flat_amount_decimal": self.flat.map(Decimal::text),
            "unit_amount": self.unit.and_then(Decimal::whole),
            "unit_amount_decimal": self.unit.map(Decimal::text), "up_to": self.up_to,
        })
    }

    fn cost(&self, quantity: i64) -> i64 {
        let units = self.unit.map_or(0, |unit| unit.times(quantity));
        units.saturating_add(self.flat.map_or(0, |flat| flat.times(1)))
    }
}

impl Costs {
    /// What the unit costs, when that is a whole number of minor units.
    pub fn unit_whole(&self) -> Option<i64> {
        self.unit.and_then(Decimal::whole)
    }

    /// The steps as Stripe writes them.
    pub fn render_tiers(&self) -> Value {
        self.tiers.iter().map(Tier::render).collect()
    }

    fn render_option(&self) -> Value {
        let mut option = json!({
            "custom_unit_amount": self.custom.as_ref().map(Custom::render),
            "tax_behavior": self.tax_behavior, "unit_amount": self.unit_whole(),
            "unit_amount_decimal": self.unit.map(Decimal::text),
        });
        if let (false, Value::Object(fields)) = (self.tiers.is_empty(), &mut option) {
            fields.insert("tiers".into(), self.render_tiers());
        }
        option
    }
}

impl Custom {
    fn render(&self) -> Value {
        json!({ "maximum": self.maximum, "minimum": self.minimum, "preset": self.preset })
    }
}

impl Recurring {
    /// `licensed` or `metered`.
    pub fn usage_type(&self) -> &'static str {
        if self.metered { "metered" } else { "licensed" }
    }
}

impl Price {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        if self.deleted {
            return json!({ "id": self.id, "object": "price", "deleted": true });
        }
        let recurring = self.recurring.as_ref().map(|recurring| {
            json!({
                "interval": recurring.interval, "interval_count": recurring.count, "meter": recurring.meter,
                "trial_period_days": recurring.trial_days, "usage_type": recurring.usage_type(),
            })
        });
        json!({
            "id": self.id, "object": "price", "active": self.active, "billing_scheme": self.scheme(),
            "created": self.created, "currency": self.currency,
            "custom_unit_amount": self.costs.custom.as_ref().map(Custom::render),
            "livemode": self.space.livemode, "lookup_key": self.lookup_key, "metadata": self.metadata,
            "nickname": self.nickname, "product": self.product, "recurring": recurring,
            "tax_behavior": self.costs.tax_behavior, "tiers_mode": self.tiers_mode,
            "transform_quantity": self.transform.map(Transform::render),
            "type": if self.recurring.is_some() { "recurring" } else { "one_time" },
            "unit_amount": self.costs.unit_whole(), "unit_amount_decimal": self.costs.unit.map(Decimal::text),
        })
    }

    /// `per_unit` or `tiered`.
    pub fn scheme(&self) -> &'static str {
        if self.tiers_mode.is_some() {
            "tiered"
        } else {
            "per_unit"
        }
    }

    /// What it costs in a currency; `None` when it has no such price.
    pub fn costs_in(&self, currency: &str) -> Option<&Costs> {
        if currency == self.currency {
            Some(&self.costs)
        } else {
            self.currency_options.get(currency)
        }
    }

    /// What a quantity costs in a currency, in minor units; nothing where it has no price in it.
    pub fn amount(&self, quantity: i64, currency: &str) -> i64 {
        let quantity = self
            .transform
            .map_or(quantity, |transform| transform.of(quantity));
        let Some(costs) = self.costs_in(currency) else {
            return 0;
        };
        match self.tiers_mode {
            None => costs.unit.map_or(0, |unit| unit.times(quantity)),
            Some(TiersMode::Volume) => costs
                .tiers
                .iter()
                .find(|tier| tier.up_to.is_none_or(|last| quantity <= last))
                .map_or(0, |tier| tier.cost(quantity)),
            Some(TiersMode::Graduated) => graduated(&costs.tiers, quantity),
        }
    }
}

fn graduated(tiers: &[Tier], quantity: i64) -> i64 {
    let (mut before, mut total) = (0_i64, 0_i64);
    for tier in tiers {
        // The first tier's flat amount falls due even when nothing is used.
        if quantity <= before && before > 0 {
            break;
        }
        let last = tier.up_to.map_or(quantity, |last| last.min(quantity));
        total = total.saturating_add(tier.cost((last - before).max(0)));
        before = tier.up_to.unwrap_or(i64::MAX);
    }
    total
}

impl Shown for Price {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("product", "product"),
        ("tiers", "tier"),
        ("currency_options", "currency_option"),
    ];
    const CHOSEN_ID: bool = true;

    fn shown(&self, _: &State) -> Value {
        self.render()
    }

    fn included(&self, _: &State, field: &str) -> Option<Value> {
        match field {
            "tiers" if self.tiers_mode.is_some() => Some(self.costs.render_tiers()),
            "currency_options" => {
                let own = std::iter::once((&self.currency, &self.costs));
                let options: Map<String, Value> = own
                    .chain(&self.currency_options)
                    .map(|(currency, costs)| (currency.clone(), costs.render_option()))
                    .collect();
                Some(Value::Object(options))
            }
            _ => None,
        }
    }
}

impl Deletable for Price {
    fn is_deleted(&self) -> bool {
        self.deleted
    }
}
