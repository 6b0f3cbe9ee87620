//! What the doctor says of a server that runs otherwise than it is configured, that does not answer, and of a
//! file of variables that is odd.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use tokio::net::TcpListener;

use super::doctor::{faults, in_order, lines};
use super::machine::with_machine;
use crate::browser::poll;

/// The configuration was changed, and the server not restarted.
#[test]
fn a_server_that_runs_in_another_mode_or_with_another_key_is_named() {
    with_machine(async |mut machine| {
        in_order(&mut machine).await;
        machine.set("STRIPE_MODE", "live");
        let said = lines(&machine);
        let said = |code: &str| {
            let line = said.iter().find(|line| line["code"] == code);
            line.unwrap_or_else(|| panic!("{code}: {said:?}")).clone()
        };
        assert_eq!(said("running_mode")["status"], "failure");
        let says = "the running server is in TEST, and this configuration says LIVE";
        assert_eq!(said("running_mode")["says"], says);
        assert_eq!(said("running_key")["status"], "ok");
        machine.set("STRIPE_MODE", "test");
        machine.set("SECRET_KEY", "another_secret_key_of_a_test_long_enough");
        assert!(faults(&machine).contains(&"running_key".to_owned()));
        machine.restart().await;
        let found = faults(&machine);
        assert!(!found.iter().any(|code| code.starts_with("running")), "{found:?}");
    });
}

/// It took minutes: each question waited for its turn and its time.
#[test]
fn what_takes_connections_and_never_answers_holds_the_doctor_up_for_seconds() {
    with_machine(async |mut machine| {
        in_order(&mut machine).await;
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", silent.local_addr().unwrap());
        for name in ["PUBLIC_URL", "STRIPE_API_BASE"] {
            machine.set(name, &address);
        }
        let mut doctor = machine.spawn(&["doctor"], "doctor.log");
        let ended = poll(Duration::from_secs(40), async || doctor.try_wait().unwrap()).await;
        let said = fs::read_to_string(machine.folder.join("doctor.log")).unwrap();
        let Some(ended) = ended else {
            doctor.kill().unwrap();
            panic!("it goes on waiting: {said}");
        };
        assert!(
            !ended.success() && said.contains("no answer within 10 s"),
            "{said}"
        );
        assert!(said.contains(&format!("reaches {address}")), "{said}");
        assert!(!said.contains("let the key"), "{said}");
    });
}

/// What cannot be used was replaced by its default, and that was diagnosed.
#[test]
fn what_needs_a_variable_that_cannot_be_used_is_not_looked_at() {
    with_machine(async |mut machine| {
        in_order(&mut machine).await;
        for (name, value, unseen) in [
            (
                "PUBLIC_URL",
                "pay.example.com",
                ["server", "secrets.test", "endpoints.live"],
            ),
            (
                "STRIPE_API_BASE",
                "stripe",
                ["stripe.test", "stripe.live", "clock"],
            ),
            ("DATABASE_URL", "mysql://db", ["database", "database", "database"]),
        ] {
            let before = machine.variable(name).unwrap().to_owned();
            machine.set(name, value);
            let said = lines(&machine);
            for code in unseen {
                let line = said.iter().find(|line| line["code"] == code);
                let line = line.unwrap_or_else(|| panic!("{name} {code}: {said:?}"));
                let says = format!("not looked at, because {name} cannot be used");
                assert_eq!(
                    (&line["says"], &line["status"]),
                    (&says.into(), &"warning".into())
                );
            }
            let failed = said.iter().filter(|line| line["status"] == "failure");
            let failed: Vec<&str> = failed.map(|line| line["code"].as_str().unwrap()).collect();
            assert_eq!(failed, [format!("variable.{name}")], "nothing else fails");
            machine.set(name, &before);
        }
        fs::write(machine.folder.join("empty.db"), "").unwrap();
        machine.set("DATABASE_URL", "sqlite:empty.db");
        let said = lines(&machine);
        let line = said.iter().find(|line| line["code"] == "database").unwrap();
        assert_eq!(line["says"], "sqlite:empty.db has no tables of psa-pay");
    });
}

#[test]
fn what_is_odd_about_the_file_of_variables_is_named() {
    with_machine(async |mut machine| {
        in_order(&mut machine).await;
        fs::write(machine.folder.join("latin"), b"\xe4").unwrap();
        machine.set("METRICS_TOKEN_FILE", "absent");
        machine.set("SMTP_URL_FILE", ".");
        machine.set("SECRET_KEY_PREVIOUS_FILE", "latin");
        machine.set("SECRET_KEY_FILE", "latin");
        machine.set("STRIPE_MODE_FILE", "mode");
        machine.set("STRIPE_TEST_WEBHOOK_SECERT", "whsec_of_a_slip");
        let path = machine.folder.join(".env");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{text}LISTEN='127.0.0.1:1'\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let said = lines(&machine);
        for (code, says) in [
            (
                "variable.METRICS_TOKEN",
                "METRICS_TOKEN_FILE names absent, which is not there",
            ),
            ("variable.SMTP_URL", "SMTP_URL_FILE names ., which is a folder"),
            ("variable.SECRET_KEY_PREVIOUS", "which is no UTF-8 text"),
            (
                "variable.SECRET_KEY",
                "SECRET_KEY and SECRET_KEY_FILE are both set",
            ),
            ("name.STRIPE_MODE_FILE", "STRIPE_MODE is not read from a file"),
            ("name.STRIPE_TEST_WEBHOOK_SECERT", "is no variable of psa-pay"),
            ("name.LISTEN", "sets LISTEN more than once"),
            ("env_file", "everybody on this machine may read"),
        ] {
            let line = said.iter().find(|line| line["code"] == code);
            let line = line.unwrap_or_else(|| panic!("{code}: {said:?}"));
            assert!(line["says"].as_str().unwrap().contains(says), "{line}");
            assert_ne!(line["remedy"], "");
        }
    });
}
