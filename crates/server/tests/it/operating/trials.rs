//! `psa-pay doctor --pay` and `--watch` where a payment does not come about: nothing is left behind.

use std::time::Duration;

use serde_json::{Value, json};
use store::Sql;

use super::machine::{Machine, number, with_machine};
use crate::browser::poll;

const OPEN: Sql = Sql::new("select count(*) as n from invoices where status not in ('void', 'paid')");
const INVOICES: Sql = Sql::new("select count(*) as n from invoices");
const CLIENTS: Sql = Sql::new("select count(*) as n from clients where name = 'psa-pay doctor'");

/// How many invoices there are, how many of them are open, and how many clients of the doctor's.
fn counts(machine: &Machine) -> (i64, i64, i64) {
    (
        number(machine, &INVOICES),
        number(machine, &OPEN),
        number(machine, &CLIENTS),
    )
}

#[test]
fn a_trial_payment_that_fails_leaves_nothing_open() {
    with_machine(async |mut machine| {
        for name in ["STRIPE_LIVE_SECRET_KEY", "STRIPE_LIVE_PUBLISHABLE_KEY"] {
            machine.unset(name);
        }
        let made = machine.run(&["webhooks", "setup"]).expect("setup");
        machine.take_over(&made.out);
        let tenant = machine.tenant(0).await;
        machine.start().await;
        let key = ("PSA_PAY_DOCTOR_KEY", tenant.key.as_str());

        let fault =
            json!({"effect": "error429", "method": "POST", "path": "/v1/test_helpers/confirmation_tokens"});
        machine.control("POST", "/_simulator/faults", &fault);
        let came = machine.run_with(key, &["doctor", "--pay"]);
        assert!(!came.good && came.out.contains("is void again"), "{}", came.out);
        assert_eq!(counts(&machine), (1, 0, 1));

        // A check that fails afterwards keeps no money.
        let fault =
            json!({"effect": "error500", "method": "GET", "path": "/v1/application_fees", "count": 20});
        machine.control("POST", "/_simulator/faults", &fault);
        let came = machine.run_with(key, &["doctor", "--pay"]);
        machine.control("DELETE", "/_simulator/faults", &Value::Null);
        for said in ["FAILURE  payment.fee", "ok       payment.refund"] {
            assert!(!came.good && came.out.contains(said), "{}", came.out);
        }

        let came = machine.run_with(key, &["doctor", "--pay"]).expect("a payment");
        assert!(came.out.contains("ok       payment.refund"), "{}", came.out);
        assert_eq!(counts(&machine).2, 1, "the client of last time");
        let before = counts(&machine);

        let path = format!("/_simulator/accounts/{}", tenant.account);
        machine.control("POST", &path, &json!({"charges_enabled": false}));
        let stopped = poll(Duration::from_secs(20), async || {
            let status = machine.api(&tenant, "GET", "/api/stripe/connect/status", &Value::Null);
            (status.await.1["ready"] == false).then_some(())
        });
        stopped.await.expect("the server hears of it");
        let came = machine.run_with(key, &["doctor", "--pay"]);
        assert!(
            !came.good && came.out.contains("cannot charge in TEST mode") && !came.out.contains("{\""),
            "{}",
            came.out
        );
        assert_eq!(counts(&machine), before, "nothing was made");

        let watched = machine.run(&["doctor", "--watch", "--minutes", "0", "--json"]);
        let lines: Value = serde_json::from_str(&watched.out).expect("nothing but JSON");
        let lines = lines.as_array().unwrap();
        assert!(
            lines.iter().any(|line| line["says"] == "no payment came"),
            "{lines:?}"
        );
        assert!(
            watched.err.contains("Waiting for the first payment"),
            "{}",
            watched.err
        );
    });
}
