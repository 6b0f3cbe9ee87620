//! Secrets of endpoints that are not where they belong, and rotations that do not come to their end.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use super::doctor::{faults, new_faults};
use super::machine::{Machine, with_machine};
use crate::browser::poll;

const SNAPSHOT: &str = "STRIPE_TEST_WEBHOOK_SECRET";
const THIN: &str = "STRIPE_TEST_WEBHOOK_SECRET_THIN";

/// A machine in TEST alone, with its endpoints.
fn set_up(machine: &mut Machine) {
    for name in ["STRIPE_LIVE_SECRET_KEY", "STRIPE_LIVE_PUBLISHABLE_KEY"] {
        machine.unset(name);
    }
    let made = machine.run(&["webhooks", "setup"]).expect("setup");
    machine.take_over(&made.out);
}

/// Snapshots' endpoints at Stripe.
fn endpoints(machine: &Machine) -> Vec<Value> {
    let all = machine.stripe(false, "GET", "/v1/webhook_endpoints?limit=100", "");
    all["data"].as_array().unwrap().clone()
}

fn destinations(machine: &Machine) -> usize {
    let all = machine.stripe_v2(false, "GET", "/v2/core/event_destinations", &Value::Null);
    all["data"].as_array().unwrap().len()
}

fn of_role(machine: &Machine, role: &str) -> String {
    let all = endpoints(machine);
    let one = all.iter().find(|one| one["metadata"]["psa_pay_role"] == role);
    format!("/v1/webhook_endpoints/{}", one.unwrap()["id"].as_str().unwrap())
}

/// Both were green, and every webhook was refused.
#[test]
fn secrets_that_stand_in_each_others_variable_are_named() {
    with_machine(async |mut machine| {
        set_up(&mut machine);
        let (snapshot, thin) = (
            machine.variable(SNAPSHOT).unwrap().to_owned(),
            machine.variable(THIN).unwrap().to_owned(),
        );
        machine.set(SNAPSHOT, &thin);
        machine.set(THIN, &snapshot);
        machine.start().await;
        let found = faults(&machine);
        for role in ["platform", "accounts", "thin"] {
            let code = format!("endpoint.test.{role}");
            assert!(found.contains(&code), "{code} is not among {found:?}");
        }
        for command in ["list", "setup"] {
            let came = machine.run(&["webhooks", command]);
            let said = "stands in the wrong variable";
            assert!(
                !came.good && came.out.matches(said).count() == 3,
                "{command}: {}{}",
                came.out,
                came.err
            );
        }
        machine.set(SNAPSHOT, &snapshot);
        machine.set(THIN, &thin);
        let found = faults(&machine);
        for code in [format!("secret.{SNAPSHOT}"), format!("secret.{THIN}")] {
            assert!(
                found.contains(&code),
                "the server runs with the others: {found:?}"
            );
        }
        machine.restart().await;
        assert_eq!(new_faults(&machine), ["backups"]);
    });
}

/// An endpoint of the dashboard's, whose secret was nowhere, was ok.
#[test]
fn an_endpoint_without_our_note_is_never_taken_to_be_right() {
    with_machine(async |mut machine| {
        set_up(&mut machine);
        machine.start().await;
        let code = "endpoint.test.accounts".to_owned();
        let path = of_role(&machine, "accounts");
        machine.stripe(
            false,
            "POST",
            &path,
            "metadata[psa_pay_role]=&metadata[psa_pay_secret]=",
        );
        let listed = machine.run(&["webhooks", "list"]).expect("it may be there");
        assert!(listed.out.contains("cannot be told"), "{}", listed.out);
        assert_eq!(new_faults(&machine), [code.as_str(), "backups"]);

        let all = machine.variable(SNAPSHOT).unwrap().to_owned();
        // Without the one or the other an endpoint is refused; by our note it is known which is there.
        let is_short = |one: &&str| {
            machine.set(SNAPSHOT, one);
            let listed = machine.run(&["webhooks", "list"]);
            assert!(!listed.good, "one of both is missing: {}", listed.out);
            listed.out.contains("fewer secrets")
        };
        all.split(',').find(is_short).expect("the platform's is known");
        assert!(faults(&machine).contains(&code));
        let mended = machine.run(&["webhooks", "setup"]).expect("setup");
        assert!(
            mended.out.contains("made ") && mended.out.contains("retiring "),
            "{}",
            mended.out
        );
        machine.take_over(&mended.out);
        machine.restart().await;
        machine.run(&["webhooks", "setup"]).expect("the old one goes");
        assert_eq!(endpoints(&machine).len(), 2);
        assert_eq!(new_faults(&machine), ["backups"]);
    });
}

#[test]
fn a_rotation_without_room_is_refused_before_anything_is_made_and_one_that_was_cut_off_goes_on() {
    with_machine(async |mut machine| {
        set_up(&mut machine);
        machine.start().await;
        let theirs = |nth: usize| {
            let form = format!("url=https://other-{nth}.example.com/hook&enabled_events[]=*");
            machine.stripe(false, "POST", "/v1/webhook_endpoints", &form)
        };
        let made: Vec<Value> = (0..13).map(theirs).collect();
        let refused = machine.run(&["webhooks", "rotate"]);
        assert!(
            !refused.good && refused.err.contains("delete endpoints that nobody needs"),
            "{}{}",
            refused.out,
            refused.err
        );
        assert_eq!((endpoints(&machine).len(), destinations(&machine)), (15, 1));
        for one in made {
            let path = format!("/v1/webhook_endpoints/{}", one["id"].as_str().unwrap());
            machine.stripe(false, "DELETE", &path, "");
        }

        // The first step of a rotation was taken, and no other.
        let path = of_role(&machine, "platform");
        machine.stripe(false, "POST", &path, "metadata[psa_pay_retiring]=yes");
        let went_on = machine.run(&["webhooks", "rotate"]).expect("it goes on");
        assert_eq!(went_on.out.matches("made ").count(), 3, "{}", went_on.out);
        assert_eq!((endpoints(&machine).len(), destinations(&machine)), (4, 2));
        machine.take_over(&went_on.out);
        machine.restart().await;
        let ended = machine.run(&["webhooks", "rotate", "--finish"]).expect("finish");
        machine.take_over(&ended.out);
        assert_eq!((endpoints(&machine).len(), destinations(&machine)), (2, 1));
        machine.restart().await;
        machine.run(&["webhooks", "list"]).expect("list");
    });
}

/// The secrets of what the killed one had made were printed by nobody, and `setup` was asked for.
#[test]
fn a_rotation_that_is_killed_has_told_every_secret_and_is_gone_on_with() {
    with_machine(async |mut machine| {
        set_up(&mut machine);
        machine.start().await;
        let hang = json!({"effect": "hang", "method": "POST", "path": of_role(&machine, "accounts"),
            "count": 20});
        machine.control("POST", "/_simulator/faults", &hang);
        let mut rotating = machine.spawn(&["webhooks", "rotate"], "rotate.log");
        let log = machine.folder.join("rotate.log");
        let said = poll(Duration::from_secs(30), async || {
            let said = fs::read_to_string(&log).unwrap();
            said.contains("made ").then_some(said)
        });
        let said = said.await.expect("it makes one, and waits for Stripe");
        rotating.kill().unwrap();
        rotating.wait().unwrap();
        machine.control("DELETE", "/_simulator/faults", &Value::Null);
        let told = said.split_once("whsec_").expect("its secret").1;
        let told = format!("whsec_{}", told.lines().next().unwrap());
        let kept = machine.variable(SNAPSHOT).unwrap().to_owned();
        machine.set(SNAPSHOT, &format!("{kept},{told}"));

        let went_on = machine.run(&["webhooks", "rotate"]).expect("it goes on");
        assert_eq!(went_on.out.matches("made ").count(), 2, "{}", went_on.out);
        assert!(!went_on.out.contains("made  the platform"), "{}", went_on.out);
        // Nobody has put the new ones in place: each old one says what it waits for.
        let early = machine.run(&["webhooks", "rotate", "--finish"]);
        assert!(!early.good, "{}", early.out);
        for role in ["connected accounts", "thin events"] {
            let why = format!("  {role}: the secret of its successor");
            assert!(
                early.out.contains(&why) && early.out.contains("is not in this configuration"),
                "{}",
                early.out
            );
        }
        machine.take_over(&went_on.out);
        machine.restart().await;
        machine.run(&["webhooks", "rotate", "--finish"]).expect("finish");
        assert_eq!((endpoints(&machine).len(), destinations(&machine)), (2, 1));
    });
}

#[test]
fn a_rotation_that_was_cut_off_before_its_note_goes_on_by_itself() {
    with_machine(async |mut machine| {
        set_up(&mut machine);
        machine.start().await;
        let rolled = machine.run(&["webhooks", "rotate"]).expect("rotate");
        machine.take_over(&rolled.out);
        let all = endpoints(&machine);
        let is_new = |one: &&Value| {
            one["metadata"]["psa_pay_role"] == "platform" && one["metadata"]["psa_pay_retiring"].is_null()
        };
        let id = all.iter().find(is_new).unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let path = format!("/v1/webhook_endpoints/{id}");
        machine.stripe(false, "POST", &path, "metadata[psa_pay_secret]=");
        let early = machine.run(&["webhooks", "rotate", "--finish"]);
        let why =
            format!("the secret of its successor {id} was not noted: run `psa-pay webhooks rotate` again");
        assert!(
            !early.good && early.out.contains(&why),
            "{}{}",
            early.out,
            early.err
        );

        let went_on = machine.run(&["webhooks", "rotate"]).expect("it goes on");
        assert_eq!(went_on.out.matches("made ").count(), 1, "{}", went_on.out);
        assert!(
            went_on.out.contains(&format!("retiring  {id}")),
            "{}",
            went_on.out
        );
        machine.take_over(&went_on.out);
        machine.restart().await;
        let ended = machine.run(&["webhooks", "rotate", "--finish"]).expect("finish");
        assert_eq!(ended.out.matches("deleted ").count(), 4, "{}", ended.out);
        assert_eq!((endpoints(&machine).len(), destinations(&machine)), (2, 1));
    });
}
