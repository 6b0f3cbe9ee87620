//! Requests that are likely to be carried out: the parameters that each route may know, by Stripe's OpenAPI
//! description, whole requests as people send them, and the ids that earlier answers brought.

use std::collections::BTreeMap;

use crate::dice::Dice;
use crate::world::World;
use serde_json::Value;

/// How many ids of a kind are remembered in a space; later ones take the place of earlier ones.
const IDS_MAX: usize = 40;

/// The parameters of a route: name, and a hint of what it takes.
pub type Known = BTreeMap<(String, String), Vec<(String, String)>>;

/// The parameters of every route, as `tests/fuzz/parameters.txt` holds them.
pub fn known() -> Known {
    let mut known = Known::new();
    let mut route = (String::new(), String::new());
    for line in include_str!("../fuzz/parameters.txt").lines() {
        match line.strip_prefix(' ') {
            Some(parameter) => {
                let (name, hint) = parameter.split_once(' ').unwrap_or((parameter, ""));
                known
                    .entry(route.clone())
                    .or_default()
                    .push((name.into(), hint.into()));
            }
            None => {
                let (method, path) = line.split_once(' ').unwrap();
                route = (method.into(), path.into());
            }
        }
    }
    known
}

/// A whole request, in which `{kind}` stands for an id.
pub struct Recipe {
    pub method: &'static str,
    pub path: &'static str,
    pub form: Vec<(&'static str, &'static str)>,
}

/// The requests of `tests/fuzz/recipes.txt`.
pub fn recipes() -> Vec<Recipe> {
    let recipe = |line: &'static str| {
        let (method, rest) = line.split_once(' ').unwrap();
        let (path, form) = rest.split_once(' ').unwrap_or((rest, ""));
        let pairs = form.split('&').filter_map(|pair| {
            // Of `metadata[key]=1` the first `=`, of a search's query too.
            pair.split_once('=')
        });
        Recipe {
            method,
            path,
            form: pairs.collect(),
        }
    };
    include_str!("../fuzz/recipes.txt").lines().map(recipe).collect()
}

/// The kind of object that a part of a path holds.
pub fn kind(collection: &str, of: &str) -> String {
    let kind = match (of, collection) {
        ("checkout", "sessions") => "checkout.session",
        ("billing_portal", "sessions") => "billing_portal.session",
        (_, "capabilities") => "capability",
        (_, "external_accounts") => "bank_account",
        (_, "sources") => "card",
        (_, "lines") => "line_item",
        (_, "reversals") => "transfer_reversal",
        ("application_fees", "refunds") => "fee_refund",
        ("customers", "balance_transactions") => "customer_balance_transaction",
        (_, "test_clocks") => "test_helpers.test_clock",
        (_, other) => other.trim_end_matches('s'),
    };
    kind.to_owned()
}

/// The ids that earlier answers brought, by space and kind, and whom each belongs to.
#[derive(Default)]
pub struct Remembered {
    ids: BTreeMap<(String, String), Vec<String>>,
    latest: BTreeMap<(String, String), String>,
    owners: BTreeMap<String, String>,
}

impl Remembered {
    /// Notes the ids of an answer.
    pub fn note(&mut self, dice: &mut Dice, space: &str, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.note(dice, space, item)),
            Value::Object(fields) => {
                if let (Some(id), Some(object)) = (value["id"].as_str(), value["object"].as_str()) {
                    let at = dice.below(IDS_MAX);
                    let place = (space.to_owned(), object.to_owned());
                    self.latest.insert(place.clone(), id.to_owned());
                    let ids = self.ids.entry(place).or_default();
                    if ids.iter().any(|known| known == id) {
                    } else if ids.len() < IDS_MAX {
                        ids.push(id.to_owned());
                    } else {
                        ids[at] = id.to_owned();
                    }
                    let owner = ["account", "customer", "transfer", "fee", "invoice", "charge"]
                        .iter()
                        .find_map(|field| value[*field].as_str());
                    if let Some(owner) = owner {
                        self.owners.insert(id.to_owned(), owner.to_owned());
                    }
                }
                fields.values().for_each(|field| self.note(dice, space, field));
            }
            _ => {}
        }
    }

    /// An id of a kind in a space, often the latest, when there is one.
    pub fn some(&self, dice: &mut Dice, space: &str, kind: &str) -> Option<&String> {
        let place = (space.to_owned(), kind.to_owned());
        if dice.percent(60) {
            return self.latest.get(&place);
        }
        let ids = self.ids.get(&place)?;
        ids.get(dice.below(ids.len()))
    }

    /// An id of any kind in any space.
    pub fn any(&self, dice: &mut Dice) -> Option<&String> {
        let ids = self.ids.values().nth(dice.below(self.ids.len()))?;
        ids.get(dice.below(ids.len()))
    }

    /// Whom an id belongs to.
    pub fn owner(&self, id: &str) -> Option<&String> {
        self.owners.get(id)
    }
}

/// The account and mode that a world speaks to.
pub fn space(world: &World) -> String {
    let mode = if world.key.contains("_live_") {
        "live"
    } else {
        "test"
    };
    format!("{mode}/{}", world.account.as_deref().unwrap_or_default())
}
