//! `psa-pay doctor` on a machine: green when all is right, and each fault named, alone and all together.

use serde_json::Value;

use super::machine::{Machine, with_machine};

/// Everything that it says.
pub fn lines(machine: &Machine) -> Vec<Value> {
    let came = machine.run(&["doctor", "--json"]);
    let lines: Value = serde_json::from_str(&came.out).unwrap_or_else(|_| panic!("{}{}", came.out, came.err));
    let lines = lines.as_array().unwrap().clone();
    let fails = lines.iter().any(|line| line["status"] == "failure");
    assert_eq!(came.good, !fails, "the exit code says whether a line fails");
    lines
}

/// What fails and warns, by its code.
pub fn faults(machine: &Machine) -> Vec<String> {
    let lines = lines(machine);
    let of = |status: &str| {
        let all = lines.iter().filter(|line| line["status"] == status);
        all.map(|line| line["code"].as_str().unwrap().to_owned())
            .collect::<Vec<String>>()
    };
    [of("failure"), of("warning")].concat()
}

/// What a trial on one machine says whatever is set up: its disk is no server's and may be rather full, and
/// nobody has logged in yet.
const OF_A_TRIAL: [&str; 4] = ["disk", "room", "operators", "mail"];

pub fn new_faults(machine: &Machine) -> Vec<String> {
    faults(machine)
        .into_iter()
        .filter(|code| !OF_A_TRIAL.contains(&code.as_str()))
        .collect()
}

/// A machine on which all is right, its server running.
pub async fn in_order(machine: &mut Machine) {
    let made = machine.run(&["webhooks", "setup"]).expect("setup");
    machine.take_over(&made.out);
    let made = machine
        .run(&["webhooks", "setup", "--mode", "live"])
        .expect("setup");
    machine.take_over(&made.out);
    machine.restart().await;
    machine.run(&["backup", "--to", "first.db"]).expect("backup");
}

/// Something that took connections was a mail server.
#[test]
fn a_mail_server_greets_before_it_counts_as_one() {
    with_machine(async |mut machine| {
        in_order(&mut machine).await;
        let (good, other) = (machine.mail.clone(), machine.stripe.replace("http://", "smtp://"));
        machine.set("MAIL_FROM", "Northwind <billing@example.com>");
        machine.set("SMTP_URL", &good);
        assert!(!faults(&machine).contains(&"mail".to_owned()));
        machine.set("SMTP_URL", &other);
        let said = lines(&machine);
        let line = said.iter().find(|line| line["code"] == "mail").unwrap();
        assert_eq!(line["status"], "failure", "{line}");
    });
}

/// A fault on a machine, and the line that names it.
type Plant = (&'static str, fn(&mut Machine));

const PLANTS: [Plant; 11] = [
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
    ("variable.STRIPE_TEST_PUBLISHABLE_KEY", |machine| {
        machine.set("STRIPE_TEST_PUBLISHABLE_KEY", "pk_test_REPLACE_WITH_YOURS");
    }),
    ("variable.STRIPE_LIVE_PUBLISHABLE_KEY", |machine| {
        machine.set("STRIPE_LIVE_PUBLISHABLE_KEY", "pk_test_psapay_demo");
    }),
    ("variable.STRIPE_LIVE_CLIENT_ID", |machine| {
        machine.set("STRIPE_LIVE_CLIENT_ID", "acct_and_no_client");
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
        // The key of one mode hides nothing of the other.
        machine.set("STRIPE_LIVE_SECRET_KEY", "sk_test_psapay_demo");
        planted.retain(|code| *code != "endpoint.live.platform");
        planted.extend(["variable.STRIPE_LIVE_SECRET_KEY", "stripe.live"]);
        machine.stop();
        planted.push("server");
        let found = faults(&machine);
        for code in &planted {
            assert!(
                found.iter().any(|found| found == code),
                "{code} is not among {found:?}"
            );
        }
    });
}
