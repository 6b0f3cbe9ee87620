//! Stripe's command line tool: each of its triggers sends requests of its own making, after which the event
//! it is named for is in `GET /v1/events` and has arrived at the endpoint, and its object has the keys of
//! Stripe's sample.

use std::path::Path;
use std::process::Command;

use crate::left_out::left_out;
use crate::served::Served;
use crate::tools::{Npm, run, text};

#[path = "../it/samples.rs"]
mod samples;

/// The triggers of payments, money and billing.
const TRIGGERS: [&str; 70] = [
    "account.application.deauthorized",
    "account.updated",
    "balance.available",
    "charge.captured",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.failed",
    "charge.refund.updated",
    "charge.refunded",
    "charge.succeeded",
    "coupon.created",
    "coupon.deleted",
    "coupon.updated",
    "customer.created",
    "customer.deleted",
    "customer.discount.created",
    "customer.discount.deleted",
    "customer.discount.updated",
    "customer.source.created",
    "customer.source.updated",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.trial_will_end",
    "customer.subscription.updated",
    "customer.updated",
    "invoice.created",
    "invoice.deleted",
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.paid",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "invoice.payment_succeeded",
    "invoice.sent",
    "invoice.updated",
    "invoice.voided",
    "invoiceitem.created",
    "invoiceitem.deleted",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.created",
    "payment_intent.payment_failed",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "payment_method.attached",
    "payment_method.detached",
    "payment_method.updated",
    "payout.created",
    "payout.updated",
    "plan.created",
    "plan.deleted",
    "plan.updated",
    "price.created",
    "price.updated",
    "product.created",
    "product.deleted",
    "product.updated",
    "setup_intent.canceled",
    "setup_intent.created",
    "setup_intent.requires_action",
    "setup_intent.setup_failed",
    "setup_intent.succeeded",
    "subscription.payment_failed",
    "subscription.payment_succeeded",
    "topup.created",
    "transfer.created",
    "transfer.reversed",
    "transfer.updated",
];

/// Triggers of further families that work as well.
const FURTHER: [&str; 20] = [
    "cash_balance.funds_available",
    "credit_note.created",
    "credit_note.updated",
    "credit_note.voided",
    "customer_cash_balance_transaction.created",
    "payment_intent.partially_funded",
    "payment_intent.processing",
    "promotion_code.created",
    "promotion_code.updated",
    "subscription_schedule.canceled",
    "subscription_schedule.completed",
    "subscription_schedule.created",
    "subscription_schedule.released",
    "subscription_schedule.updated",
    "tax_rate.created",
    "tax_rate.updated",
    "test_helpers.test_clock.advancing",
    "test_helpers.test_clock.created",
    "test_helpers.test_clock.deleted",
    "test_helpers.test_clock.ready",
];

/// What the samples have since they show euros, and a credit note for the line of an invoice.
const OTHERS: [&str; 3] = [
    "cash_balance.available.eur",
    "credit_note.lines.data[0].invoice_line_item",
    "customer_cash_balance_transaction.funded.bank_transfer.eu_bank_transfer",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_trigger_of_the_command_line_tool_makes_its_event() {
    const PART: &str = "STRIPE'S COMMAND LINE TOOL";
    if std::env::consts::ARCH != "x86_64" {
        return left_out(PART, "its package is the one for x64", "PSA_PAY_REQUIRE_NODE");
    }
    let Some(npm) = Npm::find(PART) else { return };
    let folder = npm.install("cli", &[]);
    let mut complaints = Vec::new();
    for trigger in TRIGGERS.iter().chain(&FURTHER) {
        // None needs what another one left behind.
        let served = Served::start().await;
        if let Err(complaint) = pull(&served, &folder, trigger).await {
            complaints.push(format!("{trigger}: {complaint}"));
        }
        served.stop().await;
    }
    assert!(
        complaints.is_empty(),
        "{} triggers\n{}",
        complaints.len(),
        complaints.join("\n")
    );
}

/// Pulls a trigger; what is wrong with the event it should have made.
async fn pull(served: &Served, folder: &Path, trigger: &str) -> Result<(), String> {
    let mut command = Command::new(folder.join("node_modules/@stripe/cli-linux-x64/bin/stripe"));
    command
        .args(["trigger", trigger, "--api-key", "sk_test_psapay_demo"])
        .args(["--api-base", &served.base])
        // Its settings and what it remembers go there, not into the user's own folder.
        .env("XDG_CONFIG_HOME", folder.join("config"))
        .env("STRIPE_CLI_TELEMETRY_OPTOUT", "1");
    let output = tokio::task::spawn_blocking(move || run(&mut command))
        .await
        .expect("running the tool does not panic");
    if !output.status.success() {
        return Err(text(&output));
    }
    // What Stripe does by itself after a while, such as a dispute or a trial's end.
    served.simulator.advance_ms(10_000);
    let wanted = match trigger.strip_prefix("subscription.") {
        Some(payment) => format!("invoice.{payment}"),
        None => trigger.to_owned(),
    };
    let listed = served.get("/v1/events?limit=100");
    let listed = listed["data"]
        .as_array()
        .ok_or("the list of events has no data")?;
    let event = listed
        .iter()
        .find(|event| event["type"] == wanted.as_str())
        .ok_or_else(|| {
            let made = listed.iter().filter_map(|event| event["type"].as_str());
            format!("no {wanted} among {:?}", made.collect::<Vec<_>>())
        })?;
    served.arrived(event["id"].as_str().unwrap_or_default()).await?;
    let object = &event["data"]["object"];
    let kind = object["object"].as_str().ok_or("the object has no kind")?;
    // A deauthorization tells of the platform as an application: no resource of its own.
    if kind == "application" {
        return Ok(());
    }
    let mut lacking = samples::lacks(kind, object);
    lacking.retain(|key| !OTHERS.contains(&key.as_str()));
    if lacking.is_empty() {
        Ok(())
    } else {
        Err(format!("lacks {lacking:?}"))
    }
}
