//! Accounts and modes are apart: what is one's own is not shown to another by any way of asking.

use crate::world::{World, id};
use serde_json::{Value, json};

/// What no stranger may ever read.
const MARK: &str = "wolpertinger";

fn paid_customer() -> (World, Vec<(&'static str, String)>) {
    let tenant = World::tenant();
    let form = [
        ("name", MARK),
        ("email", "wolpertinger@b.example"),
        ("metadata[mark]", MARK),
    ];
    let customer = tenant.post("/v1/customers", &form);
    let product = tenant.post("/v1/products", &[("name", MARK)]);
    let form = [
        ("currency", "usd"),
        ("unit_amount", "500"),
        ("product", id(&product)),
        ("nickname", MARK),
    ];
    let price = tenant.post("/v1/prices", &form);
    let form = [
        ("amount", "12345"),
        ("currency", "usd"),
        ("customer", id(&customer)),
        ("payment_method", "pm_card_bypassPending"),
        ("allowed_payment_method_types[]", "card"),
        ("application_fee_amount", "300"),
        ("description", MARK),
        ("metadata[mark]", MARK),
        ("confirm", "true"),
    ];
    let intent = tenant.post("/v1/payment_intents", &form);
    tenant.simulator.advance_ms(2_000);
    let charge = tenant.get(&format!(
        "/v1/charges/{}",
        intent["latest_charge"].as_str().unwrap()
    ));
    let form = [
        ("charge", id(&charge)),
        ("amount", "100"),
        ("metadata[mark]", MARK),
    ];
    let refund = tenant.post("/v1/refunds", &form);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let ids = vec![
        ("customers", id(&customer).to_owned()),
        ("products", id(&product).to_owned()),
        ("prices", id(&price).to_owned()),
        ("payment_intents", id(&intent).to_owned()),
        ("charges", id(&charge).to_owned()),
        ("refunds", id(&refund).to_owned()),
        ("payment_methods", text(&intent["payment_method"])),
        ("balance_transactions", text(&charge["balance_transaction"])),
        ("events", id(&tenant.get("/v1/events")["data"][0]).to_owned()),
    ];
    tenant.simulator.advance_ms(2_000);
    (tenant, ids)
}

/// Another account, the platform, the platform in live mode, and a live account.
fn strangers(tenant: &World) -> [World; 4] {
    let platform = tenant.on_platform();
    [
        platform.clone().with_tenant(false),
        platform.clone(),
        platform.live(),
        platform.live().with_tenant(true),
    ]
}

/// Nothing of the tenant's stands in an answer but the ids that were asked with.
fn silent(what: &str, answer: &(u16, Value)) {
    assert!(!answer.1.to_string().contains(MARK), "{what}: {}", answer.1);
}

#[test]
fn ids_of_others_are_read_by_nobody_else_expanded_or_not() {
    let (tenant, ids) = paid_customer();
    for (list, one) in &ids {
        let path = format!("/v1/{list}/{one}");
        assert_eq!(tenant.ask("GET", &path, &[]).0, 200, "{path}");
        for stranger in strangers(&tenant) {
            for form in [
                &[][..],
                &[("expand[]", "customer")],
                &[("expand[]", "balance_transaction.source")],
            ] {
                let answer = stranger.ask("GET", &path, form);
                silent(&path, &answer);
                assert!([400, 404].contains(&answer.0), "{path}: {}", answer.1);
            }
            let answer = stranger.ask("POST", &path, &[("metadata[a]", "b")]);
            silent(&path, &answer);
            assert!([400, 404].contains(&answer.0), "POST {path}: {}", answer.1);
        }
    }
}

#[test]
fn lists_and_filters_show_nothing_of_others() {
    let (tenant, ids) = paid_customer();
    let of = |list: &str| ids.iter().find(|(name, _)| *name == list).unwrap().1.as_str();
    let filters = [
        ("charges", "customer", of("customers")),
        ("charges", "payment_intent", of("payment_intents")),
        ("payment_intents", "customer", of("customers")),
        ("refunds", "charge", of("charges")),
        ("prices", "product", of("products")),
        ("customers", "email", "wolpertinger@b.example"),
        ("events", "type", "customer.created"),
        ("balance_transactions", "source", of("charges")),
        ("charges", "starting_after", of("charges")),
        ("charges", "ending_before", of("charges")),
    ];
    for stranger in strangers(&tenant) {
        for (list, _) in ids.iter().filter(|(list, _)| *list != "payment_methods") {
            silent(
                list,
                &stranger.ask("GET", &format!("/v1/{list}"), &[("limit", "100")]),
            );
            let expand = [
                ("expand[]", "data.customer"),
                ("expand[]", "data.source"),
                ("limit", "100"),
            ];
            silent(list, &stranger.ask("GET", &format!("/v1/{list}"), &expand));
        }
        for (list, name, value) in filters {
            let answer = stranger.ask("GET", &format!("/v1/{list}"), &[(name, value)]);
            silent(list, &answer);
            let none = answer.0 == 400 || answer.0 == 404 || answer.1["data"] == json!([]);
            assert!(none, "{list} by {name}: {}", answer.1);
        }
        let path = format!("/v1/customers/{}/payment_methods", of("customers"));
        assert_eq!(stranger.ask("GET", &path, &[]).0, 404);
    }
}

#[test]
fn search_finds_nothing_of_others() {
    let (tenant, _) = paid_customer();
    let queries = [
        ("customers", "name:\"wolpertinger\""),
        ("customers", "email~\"wolpertinger\""),
        ("customers", "-metadata[\"mark\"]:null"),
        ("charges", "amount>1"),
        (
            "payment_intents",
            "amount>1 AND metadata[\"mark\"]:\"wolpertinger\"",
        ),
        ("products", "name~\"wolp\""),
        ("prices", "currency:\"usd\""),
    ];
    for (list, query) in queries {
        let path = format!("/v1/{list}/search");
        let own = tenant.ask("GET", &path, &[("query", query)]);
        assert_eq!(
            own.1["data"].as_array().map(Vec::len),
            Some(1),
            "{list}: {query}: {}",
            own.1
        );
        for stranger in strangers(&tenant) {
            let form = [
                ("query", query),
                ("expand[]", "data.customer"),
                ("expand[]", "total_count"),
            ];
            for form in [&form[..1], &form[2..], &form] {
                silent(list, &stranger.ask("GET", &path, form));
            }
            let found = stranger.ask("GET", &path, &form[..1]);
            assert_eq!(found.1["data"], json!([]), "{list}: {query}");
        }
    }
}

#[test]
fn no_object_can_be_tied_to_one_of_others() {
    let (tenant, ids) = paid_customer();
    let of = |list: &str| ids.iter().find(|(name, _)| *name == list).unwrap().1.as_str();
    let account = tenant.account.clone().unwrap();
    let payment = |name: &'static str, value: &str| {
        (
            "/v1/payment_intents",
            vec![
                ("amount", "1000"),
                ("currency", "usd"),
                (name, value.to_owned().leak()),
            ],
        )
    };
    let mut ties: Vec<(&str, Vec<(&str, &str)>)> = vec![
        payment("customer", of("customers")),
        payment("payment_method", of("payment_methods")),
        ("/v1/refunds", vec![("charge", of("charges"))]),
        ("/v1/refunds", vec![("payment_intent", of("payment_intents"))]),
        ("/v1/setup_intents", vec![("customer", of("customers"))]),
        ("/v1/invoices", vec![("customer", of("customers"))]),
        (
            "/v1/prices",
            vec![
                ("currency", "usd"),
                ("unit_amount", "1"),
                ("product", of("products")),
            ],
        ),
    ];
    for stranger in strangers(&tenant) {
        if stranger.account.is_some() {
            // A connected account knows no other one.
            ties.push(payment("on_behalf_of", &account));
            ties.push(payment("transfer_data[destination]", &account));
        }
        for (path, form) in &ties {
            let expanded = [&form[..], &[("expand[]", form[form.len() - 1].0)]].concat();
            for form in [form, &expanded] {
                let answer = stranger.ask("POST", path, form);
                silent(path, &answer);
                assert!([400, 404].contains(&answer.0), "{path} {form:?}: {}", answer.1);
            }
        }
        ties.truncate(7);
    }
}
