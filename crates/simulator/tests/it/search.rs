//! Search: the query language, its refusals, pages, and the index that lags behind.

use crate::world::{World, id};
use serde_json::Value;

/// A platform with four payments, of which the first failed, found by the index.
fn paid() -> (World, Vec<String>) {
    let world = World::platform();
    let customer = world.post(
        "/v1/customers",
        &[("email", "Ada@Example.com"), ("name", "Ada Lovelace")],
    );
    let mut ids = Vec::new();
    for (amount, card, currency) in [
        ("1000", "pm_card_chargeDeclined", "usd"),
        ("2000", "pm_card_visa", "usd"),
        ("3000", "pm_card_mastercard", "eur"),
        ("4000", "pm_card_visa", "usd"),
    ] {
        let form = [
            ("amount", amount),
            ("currency", currency),
            ("customer", id(&customer)),
            ("allowed_payment_method_types[]", "card"),
            ("metadata[batch]", "Seven"),
            ("metadata[amount]", amount),
        ];
        let intent = world.post("/v1/payment_intents", &form);
        let path = format!("/v1/payment_intents/{}/confirm", id(&intent));
        world.ask("POST", &path, &[("payment_method", card)]);
        ids.push(id(&intent).to_owned());
    }
    world.simulator.advance_ms(1_000);
    (world, ids)
}

fn search(world: &World, kind: &str, query: &str) -> Value {
    let path = format!("/v1/{kind}/search");
    let (status, body) = world.ask("GET", &path, &[("query", query), ("limit", "100")]);
    assert_eq!(status, 200, "{kind} {query}: {body}");
    body
}

#[test]
fn queries_find_what_they_say() {
    let (world, ids) = paid();
    for (query, found) in [
        ("status:'succeeded'", &[3, 2, 1][..]),
        ("-status:'succeeded'", &[0]),
        ("status:\"SUCCEEDED\" AND currency:'usd'", &[3, 1]),
        ("status:'succeeded' currency:'eur'", &[2]),
        ("currency:'eur' or amount<1500", &[2, 0]),
        ("amount>1900", &[3, 2, 1]),
        ("amount>=3000 and amount<=3000", &[2]),
        ("amount:2000", &[1]),
        ("amount:'2000'", &[1]),
        ("metadata['batch']:'seven'", &[3, 2, 1, 0]),
        ("metadata[\"batch\"]:\"Seven\" -amount>1900", &[0]),
        ("metadata['other']:null AND amount>3500", &[3]),
        ("-metadata['batch']:null AND amount>3500", &[3]),
        ("created>1 AND customer:null", &[]),
        ("metadata['batch']:'it\\'s'", &[]),
    ] {
        let result = search(&world, "payment_intents", query);
        let got: Vec<&str> = result["data"].as_array().unwrap().iter().map(id).collect();
        let wanted: Vec<&str> = found.iter().map(|at| ids[*at].as_str()).collect();
        assert_eq!(got, wanted, "{query}");
        assert_eq!(result["object"], "search_result");
        assert_eq!(result["url"], "/v1/payment_intents/search");
        assert_eq!(
            (&result["has_more"], &result["next_page"]),
            (&false.into(), &Value::Null)
        );
        assert!(result.get("total_count").is_none());
    }
    for (kind, query, count) in [
        ("charges", "refunded:'true'", 0),
        ("charges", "status:'failed'", 1),
        ("charges", "payment_method_details.card.last4:4242", 2),
        (
            "charges",
            "payment_method_details.card.brand:'mastercard' AND disputed:'false'",
            1,
        ),
        ("customers", "email:'ada@example.com'", 1),
        ("customers", "email~'EXAMPLE'", 1),
        ("customers", "name~'love'", 1),
        ("customers", "name:'Ada'", 0),
        ("customers", "phone:null", 1),
    ] {
        let found = search(&world, kind, query);
        assert_eq!(found["data"].as_array().unwrap().len(), count, "{kind} {query}");
    }
}

#[test]
fn the_catalog_is_searched() {
    let world = World::platform();
    let product = world.post(
        "/v1/products",
        &[("name", "Managed workplace"), ("shippable", "false")],
    );
    let form = [
        ("product", id(&product)),
        ("currency", "usd"),
        ("unit_amount", "1000"),
        ("recurring[interval]", "month"),
        ("lookup_key", "workplace"),
        ("metadata[tier]", "small"),
    ];
    world.post("/v1/prices", &form);
    let customer = world.post("/v1/customers", &[]);
    let billed = [
        ("customer", id(&customer)),
        ("amount", "4200"),
        ("currency", "usd"),
    ];
    world.post("/v1/invoiceitems", &billed);
    let form = [
        ("customer", id(&customer)),
        ("pending_invoice_items_behavior", "include"),
        ("auto_advance", "false"),
    ];
    world.post("/v1/invoices", &form);
    let form = [
        ("customer", id(&customer)),
        ("items[0][price_data][product]", id(&product)),
        ("items[0][price_data][currency]", "usd"),
        ("items[0][price_data][unit_amount]", "700"),
        ("items[0][price_data][recurring][interval]", "month"),
        ("trial_period_days", "7"),
        ("metadata[tier]", "small"),
    ];
    world.post("/v1/subscriptions", &form);
    world.simulator.advance_ms(1_000);
    let of = format!("product:'{}' AND type:'recurring'", id(&product));
    for (kind, query, count) in [
        ("products", "active:'true' AND name~'workplace'", 1),
        ("products", "shippable:'true' OR description:'x'", 0),
        ("products", "url:null AND name~'workplace'", 1),
        ("prices", of.as_str(), 2),
        ("prices", "lookup_key:'workplace' AND currency:'usd'", 1),
        ("prices", "type:'one_time' AND lookup_key:'workplace'", 0),
        ("invoices", "total>4000 AND status:'draft'", 1),
        ("invoices", "total>4200 OR number~'9999'", 0),
        ("invoices", "subscription:null AND currency:'usd' AND total>0", 1),
        (
            "subscriptions",
            "status:'trialing' AND metadata['tier']:'small'",
            1,
        ),
        ("subscriptions", "-canceled_at:null OR status:'active'", 0),
        ("prices", "metadata['tier']:'small' AND active:'true'", 1),
    ] {
        let found = search(&world, kind, query);
        assert_eq!(found["data"].as_array().unwrap().len(), count, "{kind} {query}");
    }
}

#[test]
fn wrong_queries_are_refused_without_a_code() {
    let world = World::platform();
    for (kind, query) in [
        ("payment_intents", "emial:'x'"),
        ("charges", "emial:'x'"),
        ("customers", "amount>1"),
        ("payment_intents", "asdf"),
        ("payment_intents", "metadata['a'"),
        ("payment_intents", "metadata:'a'"),
        ("payment_intents", "status:'a' AND amount>1 OR amount<1"),
        ("payment_intents", "(status:'a')"),
        ("payment_intents", "status:'a"),
        ("payment_intents", "status:"),
        ("payment_intents", "amount>null"),
        ("payment_intents", "amount>'many'"),
        ("payment_intents", "status~'suc'"),
        ("payment_intents", "status>'suc'"),
        ("customers", "email~'ab'"),
        ("payment_intents", "status:'a'amount>1"),
        ("payment_intents", "AND"),
        ("payment_intents", "-"),
    ] {
        let path = format!("/v1/{kind}/search");
        let (status, body) = world.ask("GET", &path, &[("query", query)]);
        assert_eq!(status, 400, "{query}: {body}");
        let error = &body["error"];
        assert_eq!(error["type"], "invalid_request_error", "{query}");
        assert!(
            error.get("code").is_none() && error.get("param").is_none(),
            "{query}: {error}"
        );
    }
    let many = ["amount>1"; 11].join(" ");
    assert_eq!(
        world
            .ask("GET", "/v1/charges/search", &[("query", many.as_str())])
            .0,
        400
    );
    let (status, body) = world.ask("GET", "/v1/charges/search", &[]);
    assert_eq!(
        (status, &body["error"]["code"], &body["error"]["param"]),
        (400, &"parameter_missing".into(), &"query".into())
    );
    let page = [("query", "amount>1"), ("page", "nonsense")];
    let (status, body) = world.ask("GET", "/v1/charges/search", &page);
    assert_eq!((status, &body["error"]["param"]), (400, &"page".into()));
}

#[test]
fn pages_are_turned_by_the_cursor_and_counted_when_asked() {
    let (world, ids) = paid();
    let page = |page: Option<&str>| {
        let mut form = vec![
            ("query", "amount>0"),
            ("limit", "3"),
            ("expand[]", "total_count"),
            ("expand[]", "data.customer"),
        ];
        form.extend(page.map(|page| ("page", page)));
        world.ask("GET", "/v1/payment_intents/search", &form).1
    };
    let first = page(None);
    assert_eq!(
        (&first["has_more"], &first["total_count"]),
        (&true.into(), &4.into())
    );
    assert_eq!(first["data"][0]["customer"]["name"], "Ada Lovelace");
    let last = page(first["next_page"].as_str());
    assert_eq!(
        (&last["has_more"], &last["next_page"]),
        (&false.into(), &Value::Null)
    );
    assert_eq!(id(&last["data"][0]), ids[0]);
}

#[test]
fn a_write_is_found_a_second_later() {
    let world = World::platform();
    let customer = world.post("/v1/customers", &[("email", "old@example.com")]);
    let count = |email: &str| {
        let found = search(&world, "customers", &format!("email:'{email}'"));
        found["data"].as_array().unwrap().len()
    };
    assert_eq!(count("old@example.com"), 0, "not yet");
    world.simulator.advance_ms(1_000);
    assert_eq!(count("old@example.com"), 1);
    let path = format!("/v1/customers/{}", id(&customer));
    world.post(&path, &[("email", "new@example.com")]);
    assert_eq!((count("old@example.com"), count("new@example.com")), (1, 0));
    world.simulator.advance_ms(1_000);
    assert_eq!((count("old@example.com"), count("new@example.com")), (0, 1));
    world.ask("DELETE", &path, &[]);
    world.simulator.advance_ms(1_000);
    assert_eq!(count("new@example.com"), 0, "what is deleted is not found");
    assert_eq!(
        world.live().ask("GET", "/v1/refunds/search", &[("query", "x")]).0,
        404
    );
}
