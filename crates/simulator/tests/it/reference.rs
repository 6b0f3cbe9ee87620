//! What is the same on every account: countries and tax codes.

use crate::objects::check_keys;
use crate::world::World;

#[test]
fn every_country_is_listed_a_hundred_at_a_time() {
    let world = World::platform();
    let first = world.get("/v1/country_specs?limit=100");
    assert_eq!(first["data"].as_array().map(Vec::len), Some(100));
    assert_eq!(first["has_more"], true);
    let last = first["data"][99]["id"].as_str().unwrap_or_default();
    let rest = world.get(&format!("/v1/country_specs?limit=100&starting_after={last}"));
    assert_eq!(rest["data"].as_array().map(Vec::len), Some(21));
    assert_eq!(rest["has_more"], false);
}

#[test]
fn a_country_has_the_keys_of_stripes_sample() {
    let world = World::platform();
    let us = world.get("/v1/country_specs/US");
    check_keys("country_spec", &us);
    assert_eq!(us["default_currency"], "usd");
    let germany = world.get("/v1/country_specs/DE");
    let banks = &germany["supported_bank_account_currencies"]["eur"];
    assert!(banks.as_array().is_some_and(|banks| banks.contains(&"FR".into())));
}

#[test]
fn tax_codes_fill_more_than_a_page() {
    let world = World::platform();
    let first = world.get("/v1/tax_codes?limit=100");
    assert_eq!(first["data"].as_array().map(Vec::len), Some(100));
    assert_eq!(first["has_more"], true);
}
