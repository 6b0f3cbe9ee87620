//! What holds of a simulator whatever was asked of it.

use std::collections::BTreeMap;

use crate::world::World;
use serde_json::{Value, json};

/// Every object of a list, to its end.
pub fn all(world: &World, path: &str) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    loop {
        let after = found.last().map(|last| last["id"].as_str().unwrap().to_owned());
        let mut form = vec![("limit", "100")];
        form.extend(after.as_deref().map(|after| ("starting_after", after)));
        let (status, page) = world.ask("GET", path, &form);
        assert_eq!(status, 200, "{path} {form:?}: {page}");
        let data = page["data"].as_array().unwrap();
        found.extend(data.iter().cloned());
        if page["has_more"] == json!(false) {
            return found;
        }
        assert!(!data.is_empty(), "{path}: an empty page with more to come");
    }
}

/// A list gives the same objects from either end.
pub fn turns_both_ways(world: &World, path: &str) {
    let ids = |objects: &[Value]| -> Vec<String> {
        objects
            .iter()
            .map(|object| object["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let forwards = ids(&all(world, path));
    let Some((mut before, newer)) = forwards.split_last() else {
        return;
    };
    let mut backwards: Vec<String> = Vec::new();
    loop {
        let form = [("limit", "100"), ("ending_before", before.as_str())];
        let (status, page) = world.ask("GET", path, &form);
        assert_eq!(status, 200, "{path} {form:?}: {page}");
        backwards.splice(..0, ids(page["data"].as_array().unwrap()));
        if page["has_more"] == json!(false) {
            break;
        }
        before = &forwards[newer.len() - backwards.len()];
    }
    assert_eq!(backwards, newer, "{path}");
}

/// What an account holds is what its balance transactions come to.
pub fn balance_ties(world: &World) {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for transaction in all(world, "/v1/balance_transactions") {
        let amounts = ["amount", "fee", "net"].map(|field| transaction[field].as_i64().unwrap());
        assert_eq!(amounts[0] - amounts[1], amounts[2], "{transaction}");
        *sums
            .entry(transaction["currency"].as_str().unwrap().into())
            .or_default() += amounts[2];
    }
    let balance = world.get("/v1/balance");
    for part in ["available", "pending"] {
        for one in balance[part].as_array().unwrap() {
            *sums.entry(one["currency"].as_str().unwrap().into()).or_default() -=
                one["amount"].as_i64().unwrap();
        }
    }
    sums.retain(|_, left| *left != 0);
    assert!(sums.is_empty(), "{:?} is left over of {balance}", sums);
}
