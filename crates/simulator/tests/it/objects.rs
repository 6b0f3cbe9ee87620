//! Every object has at least the keys of Stripe's own samples.

use crate::samples::lacks;
use crate::world::{World, config, endpoint, id};
use serde_json::Value;
use simulator::Kind;

#[test]
fn every_object_has_the_keys_of_stripes_sample() {
    let mut config = config();
    config
        .endpoints
        .push(endpoint("http://127.0.0.1:9/hook", false, true, Kind::Snapshot));
    let tenant = World::new(config).with_tenant(false);
    let platform = tenant.on_platform();
    let customer = tenant.post(
        "/v1/customers",
        &[("email", "a@b.example"), ("address[city]", "Basel")],
    );
    let (_, declined) = tenant.pay("4000000000000002");
    let (_, waiting) = tenant.pay("4000002500003155");
    let (_, paid) = tenant.pay("4242424242424242");
    tenant.simulator.advance_ms(5_000);
    let endpoint = platform.post(
        "/v1/webhook_endpoints",
        &[("url", "https://a.example"), ("enabled_events[]", "*")],
    );
    let charge = tenant.get(&format!(
        "/v1/charges/{}",
        paid["latest_charge"].as_str().unwrap()
    ));
    let transaction = charge["balance_transaction"].as_str().unwrap();
    let method = paid["payment_method"].as_str().unwrap();
    let failed = declined["error"]["charge"].as_str().unwrap();
    let objects = [
        (
            "account",
            platform.get(&format!("/v1/accounts/{}", tenant.account.clone().unwrap())),
        ),
        ("account", platform.get("/v1/account")),
        (
            "application_fee",
            platform.get("/v1/application_fees")["data"][0].clone(),
        ),
        ("balance", tenant.get("/v1/balance")),
        (
            "balance_transaction",
            tenant.get(&format!("/v1/balance_transactions/{transaction}")),
        ),
        ("charge", tenant.get(&format!("/v1/charges/{failed}"))),
        ("charge", charge.clone()),
        ("confirmation_token", tenant.browser_token("4242424242424242")),
        (
            "customer",
            tenant.get(&format!("/v1/customers/{}", id(&customer))),
        ),
        ("event", tenant.get("/v1/events")["data"][0].clone()),
        ("payment_intent", declined["error"]["payment_intent"].clone()),
        ("payment_intent", waiting),
        ("payment_intent", paid.clone()),
        (
            "payment_method",
            tenant.get(&format!("/v1/payment_methods/{method}")),
        ),
        (
            "webhook_endpoint",
            platform.get(&format!("/v1/webhook_endpoints/{}", id(&endpoint))),
        ),
    ];
    for (kind, object) in objects {
        check_keys(kind, &object);
    }
}

pub fn check_keys(kind: &str, object: &Value) {
    assert_eq!(lacks(kind, object), Vec::<String>::new());
    assert_eq!(object["object"], kind);
}

#[test]
fn ids_look_like_stripes() {
    let tenant = World::tenant();
    let (_, paid) = tenant.pay("4242424242424242");
    let ids = [
        (id(&paid), "pi_3", 27),
        (paid["latest_charge"].as_str().unwrap(), "ch_3", 27),
        (paid["payment_method"].as_str().unwrap(), "pm_1", 27),
        (tenant.account.as_deref().unwrap(), "acct_1", 21),
    ];
    for (id, prefix, length) in ids {
        assert!(id.starts_with(prefix) && id.len() == length, "{id}");
    }
    let secret = paid["client_secret"].as_str().unwrap();
    assert!(secret.starts_with(&format!("{}_secret_", id(&paid))), "{secret}");
}

#[test]
fn the_same_seed_and_calls_give_the_same_bytes() {
    let run = |seed: u64| {
        let tenant = World::new(simulator::Config { seed, ..config() }).with_tenant(false);
        let mut bytes = Vec::new();
        for number in ["4242424242424242", "4000000000000002", "4000002500003155"] {
            bytes.push(serde_json::to_vec(&tenant.pay(number).1).unwrap());
        }
        bytes.push(tenant.send("GET", "/v1/events", &[]).body);
        bytes
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn expansion_goes_where_ids_lead_and_nowhere_else() {
    let tenant = World::tenant();
    let (_, paid) = tenant.pay("4242424242424242");
    tenant.simulator.advance_ms(1_000);
    let path = format!("/v1/payment_intents/{}", id(&paid));
    let (_, deep) = tenant.ask(
        "GET",
        &path,
        &[
            (
                "expand[0]",
                "latest_charge.balance_transaction.source.payment_intent",
            ),
            ("expand[1]", "payment_method"),
        ],
    );
    assert_eq!(
        deep["latest_charge"]["balance_transaction"]["source"]["payment_intent"]["id"],
        paid["id"]
    );
    assert_eq!(deep["payment_method"]["card"]["last4"], "4242");
    let (_, listed) = tenant.ask(
        "GET",
        "/v1/payment_intents",
        &[("expand[]", "data.latest_charge")],
    );
    assert_eq!(listed["data"][0]["latest_charge"]["object"], "charge");
    for wrong in ["nothing", "data.latest_charge", "latest_charge.a.b.c.d"] {
        assert_eq!(tenant.ask("GET", &path, &[("expand[]", wrong)]).0, 400, "{wrong}");
    }
    let form = [("amount", "1000"), ("currency", "usd"), ("expand[]", "nothing")];
    tenant.refused(400, "/v1/payment_intents", &form);
    assert_eq!(
        tenant.get("/v1/payment_intents")["data"]
            .as_array()
            .unwrap()
            .len(),
        1,
        "nothing was made"
    );
}
