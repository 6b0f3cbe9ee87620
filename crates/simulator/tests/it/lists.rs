//! Pages, filters, customers and webhook endpoints.

use crate::world::{World, id};
use serde_json::{Value, json};

fn ids(list: &Value) -> Vec<String> {
    list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| id(one).to_owned())
        .collect()
}

#[test]
fn pages_turn_both_ways() {
    let tenant = World::tenant();
    let mut made: Vec<String> = (0..5)
        .map(|_| id(&tenant.post("/v1/customers", &[])).to_owned())
        .collect();
    made.reverse();
    let page = |query: &str| tenant.get(&format!("/v1/customers?{query}"));
    let all = page("");
    assert_eq!((ids(&all), &all["has_more"]), (made.clone(), &json!(false)));
    assert_eq!(
        (&all["object"], &all["url"]),
        (&json!("list"), &json!("/v1/customers"))
    );
    let first = page("limit=2");
    assert_eq!(
        (ids(&first), &first["has_more"]),
        (made[..2].to_vec(), &json!(true))
    );
    let next = page(&format!("limit=2&starting_after={}", made[1]));
    assert_eq!(
        (ids(&next), &next["has_more"]),
        (made[2..4].to_vec(), &json!(true))
    );
    let last = page(&format!("limit=2&starting_after={}", made[3]));
    assert_eq!(
        (ids(&last), &last["has_more"]),
        (made[4..].to_vec(), &json!(false))
    );
    let back = page(&format!("limit=2&ending_before={}", made[4]));
    assert_eq!(
        (ids(&back), &back["has_more"]),
        (made[2..4].to_vec(), &json!(true))
    );
    let start = page(&format!("limit=2&ending_before={}", made[2]));
    assert_eq!(
        (ids(&start), &start["has_more"]),
        (made[..2].to_vec(), &json!(false))
    );
    for wrong in [
        "limit=x",
        "starting_after=cus_x",
        "starting_after=a&ending_before=b",
        "foo=1",
    ] {
        assert_eq!(
            tenant.ask("GET", &format!("/v1/customers?{wrong}"), &[]).0,
            400,
            "{wrong}"
        );
    }
    let both = format!("starting_after={}&ending_before={}", made[1], made[2]);
    let (status, body) = tenant.ask("GET", &format!("/v1/customers?{both}"), &[]);
    assert_eq!(status, 400);
    let message = "Received both starting_after and ending_before parameters. Please pass in only one.";
    assert_eq!(body["error"]["message"], message);
    // As with Stripe, a limit out of its bounds is taken to the nearest bound.
    for (query, count) in [
        ("limit=100", 5),
        ("limit=1000", 5),
        ("limit=0", 1),
        ("limit=-1", 1),
    ] {
        assert_eq!(page(query)["data"].as_array().unwrap().len(), count, "{query}");
    }
}

#[test]
fn customers_are_kept_changed_and_deleted() {
    let tenant = World::tenant();
    let form = [
        ("email", "billing@northwind.example"),
        ("name", "Northwind"),
        ("address[line1]", "1 Main Street"),
        ("address[country]", "US"),
        ("shipping[name]", "Dock 4"),
        ("shipping[address][city]", "Basel"),
        ("metadata[client]", "cli_1"),
    ];
    let customer = tenant.post("/v1/customers", &form);
    let path = format!("/v1/customers/{}", id(&customer));
    assert_eq!(customer["shipping"]["address"]["city"], "Basel");
    let card = tenant.post(
        "/v1/payment_methods/pm_card_visa/attach",
        &[("customer", id(&customer))],
    );
    let changed = tenant.post(
        &path,
        &[
            ("address[line1]", "2 Side Street"),
            ("phone", "+1"),
            ("invoice_settings[default_payment_method]", id(&card)),
        ],
    );
    assert_eq!(
        changed["address"],
        json!({
            "city": null, "country": "US", "line1": "2 Side Street", "line2": null, "postal_code": null,
            "state": null,
        })
    );
    assert_eq!(changed["invoice_settings"]["default_payment_method"], card["id"]);
    assert_eq!(tenant.post(&path, &[("name", "")])["name"], Value::Null);
    assert_eq!(
        ids(&tenant.get("/v1/customers?email=billing%40northwind.example")),
        [id(&customer)]
    );
    assert_eq!(
        tenant.ask("DELETE", &path, &[]).1,
        json!({ "id": id(&customer), "object": "customer", "deleted": true })
    );
    assert_eq!(tenant.get(&path)["deleted"], true);
    assert_eq!(tenant.get("/v1/customers")["data"], json!([]));
    assert_eq!(
        tenant.refused(404, &path, &[("name", "x")])["code"],
        "resource_missing"
    );
    let gone = [
        ("amount", "1000"),
        ("currency", "usd"),
        ("customer", id(&customer)),
    ];
    assert_eq!(
        tenant.refused(400, "/v1/payment_intents", &gone)["param"],
        "customer"
    );
}

#[test]
fn webhook_endpoints_show_their_secret_once() {
    let platform = World::platform();
    let form = [
        ("url", "https://hook.example/a"),
        ("enabled_events[]", "charge.succeeded"),
        ("connect", "true"),
    ];
    let made = platform.post("/v1/webhook_endpoints", &form);
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    let path = format!("/v1/webhook_endpoints/{}", id(&made));
    assert_eq!(platform.get(&path).get("secret"), None);
    let changed = platform.post(
        &path,
        &[
            ("disabled", "true"),
            ("enabled_events[]", "*"),
            ("description", "x"),
        ],
    );
    assert_eq!(
        (&changed["status"], &changed["enabled_events"]),
        (&json!("disabled"), &json!(["*"]))
    );
    platform.refused(400, &path, &[("connect", "false")]);
    assert_eq!(platform.ask("DELETE", &path, &[]).1["deleted"], true);
    assert_eq!(platform.ask("GET", &path, &[]).0, 404);
    for url in ["not a url", "ftp://a.example", "", "http://"] {
        platform.refused(
            400,
            "/v1/webhook_endpoints",
            &[("url", url), ("enabled_events[]", "*")],
        );
    }
    platform.live().refused(
        400,
        "/v1/webhook_endpoints",
        &[("url", "http://a.example"), ("enabled_events[]", "*")],
    );
    for _ in 0..16 {
        platform.post("/v1/webhook_endpoints", &form);
    }
    platform.refused(400, "/v1/webhook_endpoints", &form);
}

#[test]
fn balance_transactions_and_fees_are_found_by_what_they_are_of() {
    let tenant = World::tenant();
    let (_, first) = tenant.pay("4242424242424242");
    tenant.pay("4242424242424242");
    let charge = first["latest_charge"].as_str().unwrap();
    let platform = tenant.on_platform();
    assert_eq!(
        tenant.get(&format!("/v1/balance_transactions?source={charge}"))["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        tenant.get("/v1/balance_transactions?type=charge&currency=usd")["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        platform.get(&format!("/v1/application_fees?charge={charge}"))["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        tenant.get("/v1/application_fees")["data"],
        json!([]),
        "fees are the platform's"
    );
}
