//! Stripe's command line tool triggers events of subscriptions, of the platform's own account and of a
//! tenant's, and psa-pay is told: it ends with the rows that Stripe has.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use store::Sql;

use crate::engines::World;
use crate::left_out::left_out;
use crate::own_shop::all_told;
use crate::platform::platform_key;
use crate::subscriptions::{assert_same, at_stripe};
use crate::town::Town;

#[path = "../../../simulator/tests/judges/tools.rs"]
#[allow(dead_code, reason = "shared with the simulator's judges, which use all of it")]
pub mod tools;

use tools::{Npm, run, text};

const PART: &str = "STRIPE'S COMMAND LINE TOOL AGAINST PSA-PAY";
/// Those of the tool that are about subscriptions, or about invoices as subscriptions make them.
const TRIGGERS: [&str; 9] = [
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.trial_will_end",
    "invoice.payment_succeeded",
    "invoice.payment_failed",
    "subscription.payment_succeeded",
    "subscription.payment_failed",
];

/// The tool, installed once for all tests; none where the machine cannot run it.
fn tool() -> Option<&'static PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let install = || {
        if std::env::consts::ARCH != "x86_64" {
            left_out(PART, "its package is the one for x64", "PSA_PAY_REQUIRE_NODE");
            return None;
        }
        Npm::find(PART).map(|npm| npm.install("cli", &[]))
    };
    FOLDER.get_or_init(install).as_ref()
}

/// Pulls a trigger, and waits until psa-pay was told of all that came of it.
async fn pull(town: &Town, trigger: &'static str, account: Option<&str>) {
    let folder = tool().expect("it is installed");
    let mut command = Command::new(folder.join("node_modules/@stripe/cli-linux-x64/bin/stripe"));
    command
        .args(["trigger", trigger, "--api-key", "sk_test_psapay_demo"])
        .args(["--api-base", &town.stripe_url])
        .args(account.map(|account| format!("--stripe-account={account}")))
        // Its settings and what it remembers go there, not into the user's own folder.
        .env("XDG_CONFIG_HOME", folder.join("config"))
        .env("STRIPE_CLI_TELEMETRY_OPTOUT", "1");
    let output = tokio::task::spawn_blocking(move || run(&mut command))
        .await
        .unwrap();
    assert!(output.status.success(), "{trigger}: {}", text(&output));
    // What Stripe does by itself after a while, such as a trial's end.
    town.advance_ms(10_000);
    all_told(town).await;
}

/// Every mirrored subscription, in the order of their ids.
async fn mirrored(town: &Town, key: &str, path: &str) -> Vec<Value> {
    let page = town
        .api(key, Method::GET, &format!("{path}?limit=100"), Value::Null)
        .await;
    assert_eq!(
        (page.status, &page.body["has_more"]),
        (StatusCode::OK, &Value::Bool(false))
    );
    page.body["data"].as_array().unwrap().clone()
}

both! {
    fn disputes_that_the_command_line_tool_triggers_are_external(world: &World) {
        if tool().is_none() {
            return;
        }
        Town::run(world, async |town| {
            const DISPUTES: Sql =
                Sql::new("select status from external_objects where type = 'dispute' order by created_at");
            // Where it takes long, the balance is read meanwhile, and what is not ours is booked as external.
            const OURS: Sql = Sql::new(
                "select (select count(*) from disputes)
                   + (select count(*) from ledger_transactions
                      where kind not in ('external', 'payout')) as n",
            );
            const FATES: Sql = Sql::new(
                "select count(*) as n from stripe_webhook_events
                 where type like 'charge.dispute.%' and status not in ('external', 'ignored')",
            );
            let triggers = ["charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"];
            // On the platform's own account they are nobody's, on a tenant's they are that tenant's own.
            for (account, disputes) in [(None, 0), (Some(town.msp.account.as_str()), triggers.len())] {
                for trigger in triggers {
                    pull(&town, trigger, account).await;
                    let path = format!("/v1/events?limit=100&type={trigger}");
                    let told = town.stripe("GET", &path, account, "");
                    assert!(told["data"][0]["id"].is_string(), "{trigger} made none");
                }
                let external = town.rows(&DISPUTES).await;
                assert_eq!(external.len(), disputes, "{external:?}");
                assert_eq!((town.number(&OURS).await, town.number(&FATES).await), (0, 0));
            }
            town.assert_books().await;
        });
    }

    fn what_the_command_line_tool_triggers_of_subscriptions_is_mirrored(world: &World) {
        if tool().is_none() {
            return;
        }
        Town::run(world, async |town| {
            let operator = platform_key(&town).await;
            let places = [
                (None, operator.as_str(), "/api/platform/subscriptions"),
                (Some(town.msp.account.as_str()), town.msp.key.as_str(), "/api/subscriptions"),
            ];
            for (account, key, path) in places {
                for trigger in TRIGGERS {
                    pull(&town, trigger, account).await;
                    let event = match trigger.strip_prefix("subscription.") {
                        Some(payment) => format!("invoice.{payment}"),
                        None => trigger.to_owned(),
                    };
                    let told = town.stripe("GET", &format!("/v1/events?limit=100&type={event}"), account, "");
                    assert!(told["data"][0]["id"].is_string(), "{trigger} made no {event}");
                }
                let listed = town.stripe("GET", "/v1/subscriptions?status=all&limit=100", account, "");
                let listed = listed["data"].as_array().unwrap();
                assert!(listed.len() >= 7, "{} subscriptions", listed.len());
                let shown = mirrored(&town, key, path).await;
                assert_eq!(shown.len(), listed.len());
                for one in &shown {
                    assert_same(one, &at_stripe(&town, account, one["id"].as_str().unwrap()));
                }
                for status in ["active", "canceled", "paused"] {
                    assert!(shown.iter().any(|one| one["status"] == status), "none is {status}: {shown:?}");
                }
                for invoice in ["paid", "open"] {
                    let is = |one: &&Value| one["latest_invoice"]["status"] == invoice;
                    assert!(shown.iter().any(|one| is(&one)), "no invoice is {invoice}: {shown:?}");
                }
            }
            const TROUBLE: Sql = Sql::new(
                "select count(*) as n from stripe_webhook_events
                 where status in ('parked', 'failed', 'dead', 'orphan', 'quarantined')",
            );
            // As above.
            const OURS: Sql = Sql::new(
                "select (select count(*) from invoices) + (select count(*) from payments)
                   + (select count(*) from ledger_transactions
                      where kind not in ('external', 'payout')) as n",
            );
            assert_eq!((town.number(&TROUBLE).await, town.number(&OURS).await), (0, 0));
            town.assert_books().await;
        });
    }

    fn what_the_command_line_tool_triggers_of_payouts_is_the_platforms_own(world: &World) {
        if tool().is_none() {
            return;
        }
        Town::run(world, async |town| {
            let operator = platform_key(&town).await;
            for trigger in ["payout.created", "payout.updated"] {
                pull(&town, trigger, None).await;
            }
            const FATES: Sql = Sql::new(
                "select status, tenant_id from stripe_webhook_events where type like 'payout.%' order by id",
            );
            let fates = town.rows(&FATES).await;
            assert!(fates.len() >= 2, "{fates:?}");
            for fate in fates {
                let whose = fate.text_opt("tenant_id").unwrap();
                let status = fate.text("status").unwrap();
                assert_eq!((status.as_str(), whose.as_deref()), ("external", Some("ten_platform")));
            }
            let reports = town.assert_tied().await;
            let own = reports.iter().find(|one| one.tied.scope.tenant.as_str() == "ten_platform").unwrap();
            assert!(own.tied.external > 0, "what it charged is external: {:?}", own.tied);
            let listed = mirrored(&town, &operator, "/api/platform/payouts").await;
            let there = town.stripe("GET", "/v1/payouts?limit=100", None, "");
            assert_eq!(listed.len(), there["data"].as_array().unwrap().len());
            const OURS: Sql = Sql::new(
                "select (select count(*) from invoices) + (select count(*) from payments)
                   + (select count(*) from ledger_transactions where tenant_id <> 'ten_platform') as n",
            );
            assert_eq!(town.number(&OURS).await, 0);
            town.assert_books().await;
        });
    }

    // They are of charges that the tool makes itself, on the platform's own account or on a tenant's: none of
    // ours.
    fn refunds_that_the_command_line_tool_triggers_move_nothing_of_ours(world: &World) {
        if tool().is_none() {
            return;
        }
        Town::run(world, async |town| {
            let account = town.msp.account.clone();
            for trigger in ["charge.refunded", "charge.refund.updated"] {
                pull(&town, trigger, None).await;
                pull(&town, trigger, Some(&account)).await;
            }
            const EXTERNAL: Sql = Sql::new(
                "select count(*) as n from external_objects where type = 'refund' and status = 'succeeded'",
            );
            assert_eq!(town.number(&EXTERNAL).await, 2, "one for each on the tenant's account");
            const TROUBLE: Sql = Sql::new(
                "select count(*) as n from stripe_webhook_events
                 where status in ('parked', 'failed', 'dead', 'orphan', 'quarantined')",
            );
            const OURS: Sql = Sql::new(
                "select (select count(*) from refunds) + (select count(*) from payments)
                   + (select count(*) from ledger_transactions where kind like 'refund%') as n",
            );
            assert_eq!((town.number(&TROUBLE).await, town.number(&OURS).await), (0, 0));
            const TOLD: Sql = Sql::new(
                "select count(*) as n from stripe_webhook_events
                 where type in ('charge.refunded', 'charge.refund.updated') and status = 'external'",
            );
            assert!(town.number(&TOLD).await >= 3);
            town.assert_books().await;
        });
    }
}
