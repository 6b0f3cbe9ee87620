//! `psa-pay webhooks setup`, `list` and `rotate` against the simulator: from nothing, again, after every
//! way in which the endpoints can differ, and with both secrets good while one is rolled.

use std::time::Duration;

use serde_json::{Value, json};
use store::Sql;

use super::machine::{Machine, number, with_machine};
use crate::browser::poll;

/// The path of an endpoint of a role in TEST.
fn listed(machine: &Machine) -> Vec<Value> {
    let of = |path: &str| {
        machine.stripe(false, "GET", path, "")["data"]
            .as_array()
            .unwrap()
            .clone()
    };
    let mut all = of("/v1/webhook_endpoints?limit=100");
    let thin = "/v2/core/event_destinations?include[0]=webhook_endpoint.url";
    all.extend(
        machine.stripe_v2(false, "GET", thin, &Value::Null)["data"]
            .as_array()
            .unwrap()
            .clone(),
    );
    all
}

fn of_role(machine: &Machine, role: &str) -> String {
    let all = listed(machine);
    let one = all.iter().find(|one| one["metadata"]["psa_pay_role"] == role);
    let id = one.unwrap_or_else(|| panic!("no endpoint for {role}: {all:?}"))["id"]
        .as_str()
        .unwrap();
    match role {
        "thin" => format!("/v2/core/event_destinations/{id}"),
        _ => format!("/v1/webhook_endpoints/{id}"),
    }
}

/// Sets up from nothing, with the secrets in `.env`.
const BY_BOTH_TEST: Sql = Sql::new(
    "select count(distinct case when stripe_account_id = '' then 'ours' else 'of accounts' end) as n
     from stripe_webhook_events
     where livemode = 0 and deliveries > 0
       and type in ('payment_intent.succeeded', 'application_fee.created')",
);
const BY_BOTH_LIVE: Sql = Sql::new(
    "select count(distinct case when stripe_account_id = '' then 'ours' else 'of accounts' end) as n
     from stripe_webhook_events
     where livemode = 1 and deliveries > 0
       and type in ('payment_intent.succeeded', 'application_fee.created')",
);

fn set_up(machine: &mut Machine) {
    let made = machine.run(&["webhooks", "setup"]).expect("setup");
    assert_eq!(made.out.matches("made ").count(), 3, "{}", made.out);
    machine.take_over(&made.out);
    machine.run(&["webhooks", "list"]).expect("list");
}

#[test]
fn set_up_from_nothing_in_both_modes_and_run_again_it_changes_nothing() {
    with_machine(async |mut machine| {
        for mode in ["test", "live"] {
            machine.set("STRIPE_MODE", mode);
            let nothing = machine.run(&["webhooks", "list"]);
            assert!(
                !nothing.good && nothing.err.contains("3 differ"),
                "{}",
                nothing.err
            );
            let made = machine.run(&["webhooks", "setup"]).expect("setup");
            assert_eq!(
                made.out.matches("whsec_").count(),
                6,
                "each secret as it is made and in its line: {}",
                made.out
            );
            assert!(
                made.out.contains("LEFT ") && made.out.contains("`psa-pay doctor` fail"),
                "{}",
                made.out
            );
            assert!(!made.err.contains("whsec_"), "a secret in the log");
            // Before anybody has put the secrets anywhere, nothing is made a second time.
            let again = machine.run(&["webhooks", "setup"]).expect("again");
            assert!(
                again.out.contains("Nothing to change")
                    && again.out.contains("SECRET")
                    && again.out.contains("LEFT      3 secrets"),
                "{}",
                again.out
            );
            machine.take_over(&made.out);
            let again = machine.run(&["webhooks", "setup"]).expect("again");
            assert!(
                again.out.contains("Nothing to change")
                    && !again.out.contains("SECRET")
                    && !again.out.contains("LEFT"),
                "{}",
                again.out
            );
            let listed = machine.run(&["webhooks", "list"]).expect("list");
            assert_eq!(listed.out.matches("ok ").count(), 3, "{}", listed.out);
        }
        // A payment is told of by both: its intent by that of connected accounts, its fee by our own.
        for (mode, by_both) in [("test", &BY_BOTH_TEST), ("live", &BY_BOTH_LIVE)] {
            machine.set("STRIPE_MODE", mode);
            let tenant = machine.tenant(1).await;
            machine.restart().await;
            assert!(machine.pay(&tenant, 0).await, "the client pays in {mode}");
            let all_came = poll(Duration::from_secs(60), async || {
                let came = |event: &str| machine.log().contains(&format!("Webhook received: {event}"));
                (came("payment_intent.succeeded") && came("application_fee.created")).then_some(())
            });
            all_came.await.unwrap_or_else(|| panic!("{}", machine.log()));
            machine.stop();
            assert_eq!(number(&machine, by_both), 2, "{mode}");
        }
    });
}

/// A way to differ: what somebody did at Stripe, and what the list says of it.
type Drift = (&'static str, fn(&Machine));

const DRIFTS: [Drift; 13] = [
    ("it is disabled", |machine| {
        machine.stripe(false, "POST", &of_role(machine, "accounts"), "disabled=true");
    }),
    ("it sends to", |machine| {
        let form = format!("url={}/stripe/hook", machine.origin);
        machine.stripe(false, "POST", &of_role(machine, "platform"), &form);
    }),
    ("events are missing", |machine| {
        let form = "enabled_events[]=charge.succeeded";
        machine.stripe(false, "POST", &of_role(machine, "accounts"), form);
    }),
    ("1 are too many", |machine| {
        let path = of_role(machine, "platform");
        let known = machine.stripe(false, "GET", &path, "");
        let known = known["enabled_events"].as_array().unwrap().iter();
        let names = known.map(|name| format!("enabled_events[]={}", name.as_str().unwrap()));
        let mut all: Vec<String> = names.collect();
        all.push("enabled_events[]=topup.created".to_owned());
        machine.stripe(false, "POST", &path, &all.join("&"));
    }),
    ("every event there is", |machine| {
        machine.stripe(false, "POST", &of_role(machine, "accounts"), "enabled_events[]=*");
    }),
    ("instead of 2026", |machine| {
        other_in_place(machine, "accounts", "connect=true&api_version=2024-06-20");
    }),
    ("the account's default version", |machine| {
        other_in_place(machine, "platform", "connect=false")
    }),
    ("there is no endpoint for connected accounts", |machine| {
        machine.stripe(false, "DELETE", &of_role(machine, "accounts"), "");
    }),
    // An endpoint for the platform's own account alone never sees a direct charge.
    ("there is another one for the platform's own account", |machine| {
        other_in_place(
            machine,
            "accounts",
            &format!("connect=false&api_version={}", stripe::API_VERSION),
        );
    }),
    ("there is no endpoint for thin events", |machine| {
        machine.stripe_v2(false, "DELETE", &of_role(machine, "thin"), &Value::Null);
    }),
    ("thin events: it is disabled", |machine| {
        let path = format!("{}/disable", of_role(machine, "thin"));
        machine.stripe_v2(false, "POST", &path, &json!({}));
    }),
    ("thin events: 9 events are missing", |machine| {
        let events = json!({"enabled_events": ["v2.core.account.created"]});
        machine.stripe_v2(false, "POST", &of_role(machine, "thin"), &events);
    }),
    ("there is another one for connected accounts", |machine| {
        let form = format!("connect=true&api_version={}", stripe::API_VERSION);
        by_hand(machine, "accounts", &form);
    }),
];

/// Without keys of LIVE mode, whose endpoints were not made, so that the server starts again.
fn test_alone(machine: &mut Machine) {
    for name in ["STRIPE_LIVE_SECRET_KEY", "STRIPE_LIVE_PUBLISHABLE_KEY"] {
        machine.unset(name);
    }
}

/// Another endpoint as a person would make it, of the same events.
fn by_hand(machine: &Machine, role: &str, more: &str) -> Value {
    let known = machine.stripe(false, "GET", &of_role(machine, role), "");
    let known = known["enabled_events"].as_array().unwrap().iter();
    let names = known.map(|name| format!("&enabled_events[]={}", name.as_str().unwrap()));
    let names: String = names.collect();
    let form = format!("url={}/api/stripe/webhook&{more}{names}", machine.origin);
    machine.stripe(false, "POST", "/v1/webhook_endpoints", &form)
}

/// The same in place of ours.
fn other_in_place(machine: &Machine, role: &str, more: &str) {
    by_hand(machine, role, more);
    machine.stripe(false, "DELETE", &of_role(machine, role), "");
}

#[test]
fn every_way_to_differ_is_named_and_repaired() {
    with_machine(async |mut machine| {
        set_up(&mut machine);
        test_alone(&mut machine);
        for (says, differ) in DRIFTS {
            differ(&machine);
            let shown = machine.run(&["webhooks", "list"]);
            assert!(
                !shown.good && shown.out.contains(says),
                "{says}: {}{}",
                shown.out,
                shown.err
            );
            let mended = machine.run(&["webhooks", "setup"]).expect(says);
            machine.take_over(&mended.out);
            let retiring = |one: &Value| one["metadata"]["psa_pay_retiring"] == "yes";
            if listed(&machine).iter().any(retiring) {
                // It sends on until the server takes the secret of its successor.
                machine.restart().await;
                machine.run(&["webhooks", "setup"]).expect("the old one goes");
            }
            let shown = machine.run(&["webhooks", "list"]);
            assert!(
                shown.good,
                "{says} is left: {}{}{}",
                mended.out, shown.out, shown.err
            );
            let again = machine.run(&["webhooks", "setup"]).expect("again");
            assert!(again.out.contains("Nothing to change"), "{says}: {}", again.out);
            assert_eq!(listed(&machine).len(), 3, "{says}");
        }
    });
}

#[test]
fn another_installation_on_the_same_stripe_account_is_left_alone() {
    with_machine(async |mut machine| {
        let theirs = "url=https://staging.example.com/api/stripe/webhook&enabled_events[]=*&connect=true";
        let theirs = machine.stripe(false, "POST", "/v1/webhook_endpoints", theirs);
        set_up(&mut machine);
        let path = format!("/v1/webhook_endpoints/{}", theirs["id"].as_str().unwrap());
        let now = machine.stripe(false, "GET", &path, "");
        assert_eq!(
            (&now["enabled_events"], &now["status"]),
            (&json!(["*"]), &json!("enabled"))
        );
    });
}

/// During a rotation there was a moment when one of the two was unknown.
#[test]
fn a_secret_is_rolled_with_both_good_meanwhile() {
    with_machine(async |mut machine| {
        set_up(&mut machine);
        test_alone(&mut machine);
        machine.restart().await;
        let old = machine.variable("STRIPE_TEST_WEBHOOK_SECRET").unwrap().to_owned();
        let rolled = machine.run(&["webhooks", "rotate"]).expect("rotate");
        assert_eq!(listed(&machine).len(), 6, "old and new send");
        // The running server knows the old ones only: nothing is taken away from it.
        machine.take_over(&rolled.out);
        let new = machine.variable("STRIPE_TEST_WEBHOOK_SECRET").unwrap().to_owned();
        assert!(new.starts_with(&old) && new.len() > old.len(), "{new}");
        let early = machine.run(&["webhooks", "rotate", "--finish"]);
        assert!(
            !early.good && early.err.contains("3 old secrets are still needed"),
            "{}",
            early.err
        );
        assert_eq!(listed(&machine).len(), 6);
        let twice = machine.run(&["webhooks", "rotate"]);
        assert!(
            !twice.good && twice.err.contains("a rotation is under way"),
            "{}",
            twice.err
        );

        machine.restart().await;
        let ended = machine.run(&["webhooks", "rotate", "--finish"]).expect("finish");
        machine.take_over(&ended.out);
        let left = machine.variable("STRIPE_TEST_WEBHOOK_SECRET").unwrap().to_owned();
        assert!(new.ends_with(&left) && !left.contains(&old), "{left}");
        assert_eq!(listed(&machine).len(), 3);
        machine.restart().await;
        machine.run(&["webhooks", "list"]).expect("list");
        let none = machine.run(&["webhooks", "rotate", "--finish"]).expect("nothing");
        assert!(none.out.contains("No rotation is under way"), "{}", none.out);
    });
}

/// `--finish` asked the public address, behind which one instance of several answered.
#[test]
fn the_old_secrets_went_while_another_instance_still_needed_them() {
    with_machine(async |mut machine| {
        set_up(&mut machine);
        test_alone(&mut machine);
        let rolled = machine.run(&["webhooks", "rotate"]).expect("rotate");
        machine.take_over(&rolled.out);
        let nobody = machine.run(&["webhooks", "rotate", "--finish"]);
        assert!(
            !nobody.good && nobody.out.contains("no instance has said within two minutes"),
            "{}{}",
            nobody.out,
            nobody.err
        );
        machine.restart().await;
        let database = rusqlite::Connection::open(machine.folder.join("psa-pay.db")).unwrap();
        let other = "insert into running_instances (id, version, secrets, created_at, seen_at)
            select 'other', '0.9.0', 'an_old_one', created_at, seen_at from running_instances";
        assert_eq!(
            database.execute(other, []).unwrap(),
            1,
            "the server has told of itself"
        );
        let early = machine.run(&["webhooks", "rotate", "--finish"]);
        assert!(
            !early.good && early.err.contains("3 old secrets are still needed"),
            "{}{}",
            early.out,
            early.err
        );
        assert!(
            early.out.contains("instance other of version 0.9.0"),
            "{}",
            early.out
        );
        assert_eq!(early.out.matches("WAITING").count(), 1, "{}", early.out);
        assert_eq!(listed(&machine).len(), 6);
        // It has ended without a word, more than two minutes ago.
        let ago = "update running_instances set seen_at = seen_at - 121000 where id = 'other'";
        database.execute(ago, []).unwrap();
        machine.run(&["webhooks", "rotate", "--finish"]).expect("finish");
        assert_eq!(listed(&machine).len(), 3);
        machine.stop();
        let left = "select count(*) from running_instances where id <> 'other'";
        let left: i64 = database.query_row(left, [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0, "whoever ends in order says so");
    });
}

fn sends(machine: &Machine, id: &str) -> bool {
    let all = listed(machine);
    all.iter()
        .any(|one| one["id"] == id && one["status"] == "enabled")
}

/// Of two endpoints for the same, the one went by whose secret the server took events.
#[test]
fn a_second_endpoint_was_deleted_whose_secret_was_in_use() {
    with_machine(async |mut machine| {
        set_up(&mut machine);
        test_alone(&mut machine);
        machine.restart().await;
        let secrets = machine.variable("STRIPE_TEST_WEBHOOK_SECRET").unwrap().to_owned();
        let ours = of_role(&machine, "accounts");
        let form = format!("connect=true&api_version={}", stripe::API_VERSION);
        // Made by a person, who has put its secret in place of ours: nothing here can tell so.
        let by_hand = by_hand(&machine, "accounts", &form);
        machine.set("STRIPE_TEST_WEBHOOK_SECRET", by_hand["secret"].as_str().unwrap());
        let mended = machine.run(&["webhooks", "setup"]).expect("setup");
        assert!(sends(&machine, by_hand["id"].as_str().unwrap()), "{}", mended.out);
        assert!(
            sends(&machine, ours.rsplit('/').next().unwrap()),
            "the running server has its secret"
        );

        // Two that people made: a third comes, and both send until its secret is in use.
        machine.set("STRIPE_TEST_WEBHOOK_SECRET", &secrets);
        let two = [(), ()].map(|()| self::by_hand(&machine, "accounts", &form));
        machine.stripe(false, "DELETE", &ours, "");
        let mended = machine.run(&["webhooks", "setup"]).expect("setup");
        assert!(mended.out.contains("made "), "{}", mended.out);
        for one in &two {
            assert!(sends(&machine, one["id"].as_str().unwrap()), "{}", mended.out);
        }
        machine.take_over(&mended.out);
        machine.restart().await;
        machine.run(&["webhooks", "setup"]).expect("setup");
        assert_eq!(listed(&machine).len(), 3, "its secret is in use");
        machine.run(&["webhooks", "list"]).expect("list");
    });
}
