//! Products, prices, plans, coupons, promotion codes and tax rates, as a caller sees them.

use crate::objects::check_keys;
use crate::world::{World, id};
use serde_json::{Value, json};

fn product(world: &World) -> String {
    id(&world.post("/v1/products", &[("name", "Tea")])).to_owned()
}

fn price(world: &World, form: &[(&str, &str)]) -> Value {
    let product = product(world);
    let mut all = vec![("product", product.as_str()), ("currency", "usd")];
    all.extend(form);
    world.post("/v1/prices", &all)
}

#[test]
fn each_kind_has_the_keys_of_stripes_sample() {
    let world = World::platform();
    let monthly = price(
        &world,
        &[("unit_amount", "1500"), ("recurring[interval]", "month")],
    );
    let coupon = world.post("/v1/coupons", &[("percent_off", "25.5")]);
    let code = world.post(
        "/v1/promotion_codes",
        &[("promotion[type]", "coupon"), ("promotion[coupon]", id(&coupon))],
    );
    let rate = world.post(
        "/v1/tax_rates",
        &[
            ("display_name", "VAT"),
            ("inclusive", "false"),
            ("percentage", "7.7"),
        ],
    );
    let objects = [
        ("product", world.get(&format!("/v1/products/{}", product(&world)))),
        ("plan", world.get(&format!("/v1/plans/{}", id(&monthly)))),
        ("price", monthly),
        ("coupon", coupon),
        ("promotion_code", code),
        ("tax_rate", rate),
        ("tax_code", world.get("/v1/tax_codes/txcd_10000000")),
    ];
    for (kind, object) in objects {
        check_keys(kind, &object);
    }
}

#[test]
fn a_product_makes_its_default_price_with_it() {
    let world = World::platform();
    let product = world.post(
        "/v1/products",
        &[
            ("id", "tea"),
            ("name", "Tea"),
            ("default_price_data[currency]", "usd"),
            ("default_price_data[unit_amount_decimal]", "1500.50"),
            ("default_price_data[recurring][interval]", "month"),
            ("marketing_features[0][name]", "Hot"),
            ("expand[]", "default_price"),
        ],
    );
    assert_eq!(product["id"], "tea");
    assert_eq!(product["marketing_features"], json!([{ "name": "Hot" }]));
    let price = &product["default_price"];
    assert_eq!(
        (
            &price["unit_amount"],
            &price["unit_amount_decimal"],
            &price["product"]
        ),
        (&Value::Null, &json!("1500.5"), &json!("tea"))
    );
    let types = world.event_types();
    assert_eq!(types, ["product.created", "plan.created", "price.created"]);
    let error = world.refused(400, "/v1/products", &[("id", "tea"), ("name", "Tea")]);
    assert_eq!(error["code"], "resource_already_exists");
}

#[test]
fn a_product_with_prices_cannot_be_deleted_and_one_without_is_gone() {
    let world = World::platform();
    let price = price(&world, &[("unit_amount", "100")]);
    let path = format!("/v1/products/{}", price["product"].as_str().unwrap());
    assert_eq!(world.ask("DELETE", &path, &[]).0, 400);
    let path = format!("/v1/products/{}", product(&world));
    let (status, gone) = world.ask("DELETE", &path, &[]);
    assert_eq!((status, &gone["deleted"]), (200, &json!(true)));
    let (status, error) = world.ask("GET", &path, &[]);
    assert_eq!(
        (status, &error["error"]["code"]),
        (404, &json!("resource_missing"))
    );
}

#[test]
fn a_price_needs_exactly_one_amount_and_never_changes_it() {
    let world = World::platform();
    let product = product(&world);
    let base = [("product", product.as_str()), ("currency", "usd")];
    let error = world.refused(400, "/v1/prices", &base);
    assert_eq!(error["code"], "parameter_missing");
    let twice = [
        base[0],
        base[1],
        ("unit_amount", "1"),
        ("unit_amount_decimal", "1"),
    ];
    world.refused(400, "/v1/prices", &twice);
    let error = world.refused(
        400,
        "/v1/prices",
        &[
            ("product", "prod_none"),
            ("currency", "usd"),
            ("unit_amount", "1"),
        ],
    );
    assert_eq!(
        (&error["code"], &error["param"]),
        (&json!("resource_missing"), &json!("product"))
    );
    let price = world.post("/v1/prices", &[base[0], base[1], ("unit_amount", "100")]);
    let path = format!("/v1/prices/{}", id(&price));
    let error = world.refused(400, &path, &[("unit_amount", "200")]);
    assert_eq!(error["code"], "parameter_unknown");
    let changed = world.post(&path, &[("active", "false"), ("metadata[a]", "b")]);
    assert_eq!(
        (&changed["active"], &changed["unit_amount"]),
        (&json!(false), &json!(100))
    );
    assert_eq!(
        world.event_types(),
        ["product.created", "price.created", "price.updated"]
    );
}

#[test]
fn a_lookup_key_is_one_prices_until_it_is_transferred() {
    let world = World::platform();
    let first = price(&world, &[("unit_amount", "100"), ("lookup_key", "tea")]);
    let form = |transfer| {
        [
            ("product", first["product"].as_str().unwrap()),
            ("currency", "usd"),
            ("unit_amount", "200"),
            ("lookup_key", "tea"),
            ("transfer_lookup_key", transfer),
        ]
    };
    world.refused(400, "/v1/prices", &form("false"));
    let second = world.post("/v1/prices", &form("true"));
    let found = world.get("/v1/prices?lookup_keys[]=tea");
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    assert_eq!(found["data"][0]["id"], second["id"]);
}

#[test]
fn tiers_and_other_currencies_show_when_they_are_expanded() {
    let world = World::platform();
    let form = [
        ("billing_scheme", "tiered"),
        ("tiers_mode", "volume"),
        ("tiers[0][up_to]", "10"),
        ("tiers[0][unit_amount]", "500"),
        ("tiers[1][up_to]", "inf"),
        ("tiers[1][unit_amount_decimal]", "0.5"),
        ("expand[]", "tiers"),
    ];
    let tiered = price(&world, &form);
    assert_eq!(tiered["tiers"][0]["up_to"], 10);
    assert_eq!(tiered["tiers"][1]["unit_amount_decimal"], "0.5");
    let form = [
        ("unit_amount", "500"),
        ("currency_options[eur][unit_amount]", "450"),
        ("expand[]", "currency_options"),
    ];
    let both = price(&world, &form);
    assert_eq!(both["currency_options"]["eur"]["unit_amount"], 450);
    assert_eq!(both["currency_options"]["usd"]["unit_amount"], 500);
}

#[test]
fn a_plan_is_a_price_under_the_same_id() {
    let world = World::platform();
    let plan = world.post(
        "/v1/plans",
        &[
            ("id", "gold"),
            ("currency", "usd"),
            ("interval", "month"),
            ("amount", "2000"),
            ("product[name]", "Gold"),
        ],
    );
    assert_eq!(plan["amount_decimal"], "2000");
    let price = world.get("/v1/prices/gold");
    assert_eq!(price["recurring"]["interval"], "month");
    assert_eq!(price["product"], plan["product"]);
    let (_, gone) = world.ask("DELETE", "/v1/plans/gold", &[]);
    assert_eq!(
        (&gone["object"], &gone["deleted"]),
        (&json!("plan"), &json!(true))
    );
    assert_eq!(world.ask("GET", "/v1/plans/gold", &[]).0, 404);
    let types = [
        "product.created",
        "plan.created",
        "price.created",
        "plan.deleted",
        "price.deleted",
    ];
    assert_eq!(world.event_types(), types);
}

#[test]
fn a_coupon_says_what_it_takes_off_and_is_used_up() {
    let world = World::platform();
    for form in [
        &[("duration", "once")][..],
        &[("percent_off", "10"), ("amount_off", "100")],
        &[("percent_off", "101")],
        &[("amount_off", "100")],
        &[("percent_off", "10"), ("duration", "repeating")],
    ] {
        world.refused(400, "/v1/coupons", form);
    }
    let coupon = world.post(
        "/v1/coupons",
        &[("id", "SUMMER"), ("percent_off", "25"), ("duration", "forever")],
    );
    assert_eq!(coupon["percent_off"], 25);
    assert_eq!(coupon["valid"], true);
    let error = world.refused(400, "/v1/coupons", &[("id", "SUMMER"), ("percent_off", "25")]);
    assert_eq!(error["message"], "Coupon already exists.");
    world.ask("DELETE", "/v1/coupons/SUMMER", &[]);
    let (status, error) = world.ask("GET", "/v1/coupons/SUMMER", &[]);
    assert_eq!(
        (status, &error["error"]["message"]),
        (404, &json!("No such coupon: 'SUMMER'"))
    );
}

#[test]
fn a_caller_without_a_version_names_a_promotion_codes_coupon_directly() {
    let world = World::platform();
    let coupon = world.post("/v1/coupons", &[("percent_off", "20")]);
    world.refused(400, "/v1/promotion_codes", &[("coupon", id(&coupon))]);
    let old = world.version(None);
    let code = old.post(
        "/v1/promotion_codes",
        &[("coupon", id(&coupon)), ("code", "FALL20")],
    );
    assert_eq!(code["promotion"]["coupon"], coupon["id"]);
    let found = world.get("/v1/promotion_codes?code=fall20");
    assert_eq!(found["data"][0]["id"], code["id"]);
    old.refused(
        400,
        "/v1/promotion_codes",
        &[("coupon", id(&coupon)), ("code", "FALL20")],
    );
}

#[test]
fn tax_codes_are_stripes_own_and_more_than_a_page() {
    let world = World::platform();
    let page = world.get("/v1/tax_codes?limit=100");
    assert_eq!(page["has_more"], true);
    let last = page["data"][99]["id"].as_str().unwrap();
    let rest = world.get(&format!("/v1/tax_codes?limit=100&starting_after={last}"));
    assert_eq!(rest["has_more"], false);
    let code = world.get("/v1/tax_codes/txcd_10000000");
    assert_eq!(code["name"], "General - Electronically Supplied Services");
}
