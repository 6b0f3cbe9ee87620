//! `psa-pay doctor` on a machine: green when all is right, and each fault named, alone and all together.

use serde_json::Value;

use super::machine::{Machine, with_machine};

/// What fails and warns, by its code.
fn faults(machine: &Machine) -> Vec<String> {
    let came = machine.run(&["doctor", "--json"]);
    let lines: Value = serde_json::from_str(&came.out).unwrap_or_else(|_| panic!("{}{}", came.out, came.err));
    let of = |status: &str| {
        let all = lines.as_array().unwrap().iter();
        all.filter(|line| line["status"] == status)
            .map(|line| line["code"].as_str().unwrap().to_owned())
            .collect::<Vec<String>>()
    };
    assert_eq!(
        came.good,
        of("failure").is_empty(),
        "the exit code says whether a line fails"
    );
    [of("failure"), of("warning")].concat()
}

/// What a trial on one machine always says: its disk is no server's, and nobody has logged in yet.
const OF_A_TRIAL: [&str; 3] = ["disk", "operators", "mail"];

fn new_faults(machine: &Machine) -> Vec<String> {
    faults(machine)
        .into_iter()
        .filter(|code| !OF_A_TRIAL.contains(&code.as_str()))
        .collect()
}

/// A machine on which all is right, its server running.
async fn in_order(machine: &mut Machine) {
    let made = machine.run(&["webhooks", "setup"]).expect("setup");
    machine.take_over(&made.out);
    let made = machine
        .run(&["webhooks", "setup", "--mode", "live"])
        .expect("setup");
    machine.take_over(&made.out);
    machine.restart().await;
    machine.run(&["backup", "--to", "first.db"]).expect("backup");
}

/// A fault on a machine, and the line that names it.
type Plant = (&'static str, fn(&mut Machine));

const PLANTS: [Plant; 8] = [
    ("endpoint.test.accounts", |machine| {
        let all = machine.stripe(false, "GET", "/v1/webhook_endpoints", "");
        let all = all["data"].as_array().unwrap().clone();
        let one = all.iter().find(|one| !one["application"].is_null()).unwrap();
        let path = format!("/v1/webhook_endpoints/{}", one["id"].as_str().unwrap());
        machine.stripe(false, "DELETE", &path, "");
    }),
    ("endpoint.live.platform", |machine| {
        let all = machine.stripe(true, "GET", "/v1/webhook_endpoints", "");
        let all = all["data"].as_array().unwrap().clone();
        let one = all.iter().find(|one| one["application"].is_null()).unwrap();
        let path = format!("/v1/webhook_endpoints/{}", one["id"].as_str().unwrap());
        machine.stripe(true, "POST", &path, "enabled_events[]=*");
    }),
    ("secret.STRIPE_TEST_WEBHOOK_SECRET.2", |machine| {
        let first = machine.variable("STRIPE_TEST_WEBHOOK_SECRET").unwrap().to_owned();
        let first = first.split(',').next().unwrap();
        machine.set(
            "STRIPE_TEST_WEBHOOK_SECRET",
            &format!("{first},whsec_of_another_server"),
        );
    }),
    ("variable.LOG_FORMAT", |machine| machine.set("LOG_FORMAT", "loud")),
    ("variable.SECRET_KEY", |machine| {
        machine.set("SECRET_KEY", "short")
    }),
    ("mail", |machine| {
        // A port that nobody listens on.
        machine.set("SMTP_URL", "smtp://127.0.0.1:9");
        machine.set("MAIL_FROM", "Northwind <billing@example.com>");
    }),
    ("backups", |machine| {
        machine
            .shell("rm psa-pay.db.backup", &Default::default())
            .expect("rm");
    }),
    ("permissions", |machine| {
        machine
            .shell("chmod 644 psa-pay.db; chmod 755 .", &Default::default())
            .expect("chmod");
    }),
];

#[test]
fn a_machine_in_order_has_no_fault() {
    with_machine(async |mut machine| {
        in_order(&mut machine).await;
        assert_eq!(new_faults(&machine), Vec::<String>::new());
        let came = machine.run(&["doctor"]).expect("doctor");
        assert!(came.out.lines().count() > 20, "{}", came.out);
        assert!(
            !came.out.contains("whsec_") && !came.out.contains("sk_test_"),
            "no secret is shown"
        );
    });
}

#[test]
fn faults_of_a_machine_are_named_one_after_the_other_and_then_all_together() {
    with_machine(async |mut machine| {
        in_order(&mut machine).await;
        let mut planted = Vec::new();
        for (code, plant) in PLANTS {
            plant(&mut machine);
            planted.push(code);
            let found = faults(&machine);
            for code in &planted {
                assert!(
                    found.iter().any(|found| found == code),
                    "{code} is not among {found:?}"
                );
            }
        }
        machine.stop();
        let found = faults(&machine);
        assert!(found.iter().any(|found| found == "server"), "{found:?}");
    });
}
