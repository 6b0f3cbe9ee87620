//! `psa-pay reconcile` on the command line: what was missed is here afterwards, and the exit code says
//! whether all is well.

use std::process::Output;

use reqwest::Method;
use serde_json::{Value, json};
use store::Sql;
use store::db::Engine;

use crate::engines::World;
use crate::program::psa_pay;
use crate::town::{Town, Wishes};

/// The command, over the town's database and Stripe; time is the machine's.
fn reconcile(town: &Town, world: &World, arguments: &[&str]) -> Output {
    psa_pay(&world.url)
        .env("STRIPE_API_BASE", &town.stripe_url)
        .arg("reconcile")
        .args(arguments)
        .output()
        .unwrap()
}

both! {
    fn everything_since_a_moment_is_read_again_and_the_exit_code_says_how_it_is(world: &World) {
        let silent = Wishes { deliveries: false, worker: false, ..Wishes::default() };
        Town::run_as(world, silent, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let token = town.token("pm_card_authenticationRequired");
            let asked = town.pay(&link, &token, 12_345, "usd").await;
            assert_eq!(asked.body["status"], "requires_action", "{}", asked.text);
            town.challenge(town.intents()[0]["id"].as_str().unwrap(), "complete");

            let ended = reconcile(&town, world, &["--since", "2h"]);
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            if world.db.engine() == Engine::Sqlite {
                assert!(!ended.status.success());
                assert!(said.contains("in use by another psa-pay process; stop that one first"), "{said}");
                return;
            }
            let shown = String::from_utf8_lossy(&ended.stdout).into_owned();
            assert!(ended.status.success(), "{shown}{said}");
            assert!(shown.contains("No break is open.") && shown.contains("accounts read"), "{shown}");
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
            const FEES: Sql = Sql::new("select count(*) as n from application_fees");
            assert_eq!(town.number(&FEES).await, 1, "the platform's list was read too");
            town.assert_nothing_open().await;
            town.assert_books().await;

            // While a break is open it fails, and names it.
            const BREAK: Sql = Sql::new(
                "insert into reconciliation_breaks (id, livemode, kind, subject_id, detail, created_at)
                 values ('brk_1', 0, 'overpayment', 'pi_1', 'received 1 more', 1)",
            );
            town.app.db.write(|tx| tx.execute(&BREAK, &[])).await.unwrap();
            let narrow = ["--since", "90m", "--mode", "test", "--account", &town.msp.account];
            let ended = reconcile(&town, world, &narrow);
            let shown = String::from_utf8_lossy(&ended.stdout);
            let said = String::from_utf8_lossy(&ended.stderr);
            assert_eq!(ended.status.code(), Some(1));
            assert!(shown.contains("overpayment pi_1"), "{shown}");
            assert!(said.contains("1 breaks are open"), "{said}");
            for wrong in [&["--since", "yesterday"][..], &["--since", "1h", "--mode", "both"], &[]] {
                assert!(!reconcile(&town, world, wrong).status.success(), "{wrong:?}");
            }
            let key = town.msp.key.as_str();
            let noted = town.api(key, Method::GET, "/api/audit?limit=100", Value::Null).await;
            assert!(!noted.text.contains("reconciliation.ordered"), "it is the operator's matter");
            assert_ne!(noted.body["data"], json!([]));
        });
    }
}

/// Stripe's search lags by up to an hour when Stripe has trouble: what it does not find may be there all the
/// same. Nothing that we decide rests on it.
#[test]
fn nothing_of_ours_asks_stripes_search() {
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for folder in ["stripe/src", "flows/src", "store/src", "server/src"] {
        let mut folders = vec![crates.join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let text = std::fs::read_to_string(&path).unwrap();
                    assert!(
                        !text.contains("/search"),
                        "{} asks Stripe's search",
                        path.display()
                    );
                }
            }
        }
    }
}
