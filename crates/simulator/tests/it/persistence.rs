//! State that survives a restart.

use std::fs;
use std::path::{Path, PathBuf};

use crate::world::{World, config, endpoint, id};
use serde_json::{Value, json};
use simulator::{Config, Kind, Outcome, Simulator};

/// A folder of its own for each test, below the build's.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    folder
}

fn kept(folder: &Path) -> Config {
    let mut config = Config {
        data: Some(folder.to_owned()),
        ..config()
    };
    config
        .endpoints
        .push(endpoint("http://127.0.0.1:9000/a", false, true, Kind::Snapshot));
    config
}

/// Everything a caller can see.
fn seen(tenant: &World) -> Vec<Value> {
    let lists = [
        "payment_intents",
        "charges",
        "customers",
        "balance_transactions",
        "events",
    ];
    let mut seen: Vec<Value> = lists
        .iter()
        .map(|list| tenant.get(&format!("/v1/{list}?limit=100")))
        .collect();
    let platform = tenant.on_platform();
    let lists = ["accounts", "application_fees", "webhook_endpoints", "events"];
    seen.extend(
        lists
            .iter()
            .map(|list| platform.get(&format!("/v1/{list}?limit=100"))),
    );
    seen.push(tenant.get("/v1/balance"));
    seen.push(tenant.control("GET", "/_simulator/state", &json!({})));
    seen
}

#[test]
fn everything_survives_a_restart() {
    let folder = folder("restart");
    let tenant = World::new(kept(&folder)).with_tenant(false);
    tenant.post("/v1/customers", &[("email", "a@b.example")]);
    let token = tenant.browser_token("4242424242424242");
    tenant.pay("4242424242424242");
    tenant.pay("4000000000000002");
    let (_, waiting) = tenant.pay("4000002500003155");
    tenant.simulator.advance_ms(500);
    let delivered = tenant.simulator.due_deliveries();
    tenant
        .simulator
        .report_delivery(delivered[0].id, Outcome::Answered(200));
    tenant
        .simulator
        .report_delivery(delivered[1].id, Outcome::Answered(500));
    let keyed = tenant.idempotent("pay:1");
    let first = keyed.send(
        "POST",
        "/v1/payment_intents",
        &[("amount", "1000"), ("currency", "usd")],
    );
    let before = seen(&tenant);

    for _ in 0..2 {
        let again = World {
            simulator: Simulator::new(kept(&folder)).unwrap(),
            ..tenant.clone()
        };
        assert_eq!(seen(&again), before);
    }
    let again = World {
        simulator: Simulator::new(kept(&folder)).unwrap(),
        ..tenant.clone()
    };
    let replayed = again.idempotent("pay:1").send(
        "POST",
        "/v1/payment_intents",
        &[("amount", "1000"), ("currency", "usd")],
    );
    assert_eq!(replayed.body, first.body);
    let due: Vec<u64> = again
        .simulator
        .due_deliveries()
        .iter()
        .map(|delivery| delivery.id)
        .collect();
    let left: Vec<u64> = delivered[2..].iter().map(|delivery| delivery.id).collect();
    assert_eq!(
        due[..left.len()],
        left,
        "what was out when it stopped goes out again"
    );
    again.simulator.advance_ms(500);
    assert!(
        again.event_types().contains(&"charge.updated".to_owned()),
        "steps go on"
    );
    let path = format!("/_simulator/payment_intents/{}/challenge", id(&waiting));
    assert_eq!(
        again.control("POST", &path, &json!({ "outcome": "complete" }))["status"],
        "succeeded"
    );
    let intent = again.intent();
    let form = [("confirmation_token", id(&token))];
    assert_eq!(
        again.post(&format!("/v1/payment_intents/{}/confirm", id(&intent)), &form)["status"],
        "succeeded"
    );
}

#[test]
fn a_restart_changes_no_id() {
    let (with, without) = (folder("with"), folder("without"));
    let run = |folder: &Path, restart: bool| {
        let mut tenant = World::new(kept(folder)).with_tenant(false);
        tenant.pay("4242424242424242");
        if restart {
            tenant.simulator = Simulator::new(Config {
                seed: 99,
                ..kept(folder)
            })
            .unwrap();
        }
        tenant.pay("4242424242424242").1
    };
    assert_eq!(
        run(&with, true),
        run(&without, false),
        "the folder keeps its seed, too"
    );
}

#[test]
fn what_a_kill_tore_is_left_out() {
    let folder = folder("torn");
    let tenant = World::new(kept(&folder)).with_tenant(false);
    let first = tenant.post("/v1/customers", &[]);
    let whole = fs::read(folder.join("journal.jsonl")).unwrap();
    tenant.post("/v1/customers", &[]);
    let longer = fs::read(folder.join("journal.jsonl")).unwrap();
    for end in [
        whole.len(),
        whole.len() + 1,
        longer.len() - 2,
        longer.len() - 1,
        longer.len(),
    ] {
        fs::write(folder.join("journal.jsonl"), &longer[..end]).unwrap();
        let again = World {
            simulator: Simulator::new(kept(&folder)).unwrap(),
            ..tenant.clone()
        };
        let customers = again.get("/v1/customers");
        let count = if end == longer.len() { 2 } else { 1 };
        assert_eq!(customers["data"].as_array().unwrap().len(), count, "{end}");
        assert_eq!(customers["data"][count - 1]["id"], first["id"]);
        again.post("/v1/customers", &[]);
    }
}

#[test]
fn all_that_was_answered_is_there_after_a_kill_at_any_moment() {
    let folder = folder("kill");
    let journal = folder.join("journal.jsonl");
    let tenant = World::new(kept(&folder)).with_tenant(false);
    let steps: [&dyn Fn(); 7] = [
        &|| drop(tenant.post("/v1/customers", &[("email", "a@b.example")])),
        &|| drop(tenant.pay("4242424242424242")),
        &|| drop(tenant.idempotent("k").post("/v1/customers", &[])),
        &|| tenant.simulator.advance_ms(3 * 86_400_000),
        &|| drop(tenant.pay("4000000000000002")),
        &|| drop(tenant.simulator.due_deliveries()),
        &|| drop(tenant.pay("4000002500003155")),
    ];
    // How long the journal was when a step was answered, and all that could be seen then.
    let mut answered: Vec<(usize, Vec<Value>)> = Vec::new();
    for step in steps {
        step();
        let seen = seen(&tenant);
        answered.push((fs::read(&journal).unwrap().len(), seen));
    }
    let whole = fs::read(&journal).unwrap();
    for (at, (length, before)) in answered.iter().enumerate() {
        let next = answered.get(at + 1).map_or(whole.len(), |(next, _)| *next);
        let first_line = whole[*length..]
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(0);
        for end in [*length, (length + 1).min(next), length + first_line] {
            let killed = self::folder("killed");
            fs::create_dir_all(&killed).unwrap();
            fs::write(killed.join("journal.jsonl"), &whole[..end]).unwrap();
            let again = World {
                simulator: Simulator::new(kept(&killed)).unwrap(),
                ..tenant.clone()
            };
            assert_eq!(&seen(&again), before, "killed after step {at}, at byte {end}");
        }
    }
}

#[test]
fn a_folder_that_holds_something_else_is_refused() {
    let folder = folder("other");
    fs::create_dir_all(&folder).unwrap();
    for (text, complaint) in [
        ("hello\n", "line 1 "),
        ("{\"format\":9,\"seed\":1}\n", "format 9 by another version"),
        ("{\"format\":2,\"seed\":1}\n{}\n", "line 2 "),
    ] {
        fs::write(folder.join("journal.jsonl"), text).unwrap();
        let Err(error) = Simulator::new(kept(&folder)) else {
            panic!("{text} was taken")
        };
        assert!(error.to_string().contains(complaint), "{error}");
        assert_eq!(
            fs::read_to_string(folder.join("journal.jsonl")).unwrap(),
            text,
            "it is left as it was"
        );
    }
}
