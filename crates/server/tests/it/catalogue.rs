//! The catalogue of events: the contract with Stripe, the operators' manual and the program say the same, and
//! with a TEST secret in the wrong hands no event of any type changes a live row.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use domain::Mode;
use flows::stripe_events::catalogue::{AT_LEAST, At, CATALOGUE, Endpoint, Flow, flow_of, subscribed};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::demo::TEST_WEBHOOK_SECRET;
use store::Sql;
use stripe::events::Kind;

use crate::engines::World;
use crate::subscriptions::{by_hand, mirrored, work};
use crate::thin_events::thin_of;
use crate::town::{Town, Wishes};

const THIN_SECRET: &str = "whsec_psapay_demo_test_thin";
/// The contract with Stripe, its catalogue of events (as of API version 2026-10-28.endive): at which endpoint
/// they arrive, C for connected accounts and P for the platform's own, and what their objects are.
const CONTRACT: &str = "
C PaymentIntent payment_intent.succeeded payment_intent.payment_failed payment_intent.processing
C PaymentIntent payment_intent.canceled payment_intent.requires_action payment_intent.created
C PaymentIntent payment_intent.amount_capturable_updated payment_intent.partially_funded
C Charge charge.succeeded charge.pending charge.failed charge.captured charge.expired charge.updated
C Charge charge.refunded
C Refund refund.created refund.updated refund.failed
C Dispute charge.dispute.created charge.dispute.updated charge.dispute.funds_withdrawn
C Dispute charge.dispute.funds_reinstated charge.dispute.closed
C Warning radar.early_fraud_warning.created
C SetupIntent setup_intent.succeeded setup_intent.setup_failed setup_intent.requires_action
C PaymentMethod payment_method.attached payment_method.detached payment_method.updated
C PaymentMethod payment_method.automatically_updated
C Mandate mandate.updated
C Subscription customer.subscription.created customer.subscription.updated customer.subscription.deleted
C Invoice invoice.paid invoice.payment_succeeded invoice.payment_failed invoice.payment_action_required
C Account account.updated
C Capability capability.updated
C Application account.application.deauthorized
C BankAccount account.external_account.created account.external_account.updated
C BankAccount account.external_account.deleted
P ApplicationFee application_fee.created application_fee.refunded
P FeeRefund application_fee.refund.updated
C/P Payout payout.created payout.updated payout.paid payout.failed payout.reconciliation_completed
C/P Balance balance.available
C Person person.updated
";

/// The flow that observes each kind of object.
const FLOWS: [(&str, Flow); 10] = [
    ("PaymentIntent", Flow::Payment),
    ("Charge", Flow::Payment),
    ("Refund", Flow::Movement),
    ("Payout", Flow::Payout),
    ("ApplicationFee", Flow::Fee),
    ("Subscription", Flow::Subscription),
    ("Invoice", Flow::Billing),
    ("Dispute", Flow::Dispute),
    ("Account", Flow::Account),
    ("Capability", Flow::Account),
];

fn catalogued() -> BTreeMap<&'static str, (At, Flow)> {
    let mut all = BTreeMap::new();
    for group in CATALOGUE {
        for name in group.names {
            let twice = all.insert(*name, (group.at, group.flow));
            assert!(twice.is_none(), "{name} is listed twice");
        }
    }
    all
}

#[test]
fn every_event_of_the_contract_is_in_the_catalogue_and_leads_to_its_object() {
    let catalogue = catalogued();
    let mut names = BTreeSet::new();
    for line in CONTRACT.trim().lines() {
        let mut words = line.split(' ');
        let (at, object) = (words.next().unwrap(), words.next().unwrap());
        for name in words {
            let (known_at, flow) = catalogue.get(name).unwrap_or_else(|| panic!("no {name}"));
            // Tenants' subscriptions to the platform are on the platform's own account.
            let arrives = match known_at {
                At::Both if ["Subscription", "Invoice"].contains(&object) => "C",
                At::Accounts => "C",
                At::Platform => "P",
                At::Both => "C/P",
                At::PlatformThin => "thin",
            };
            assert_eq!(arrives, at, "{name}");
            let known = FLOWS.iter().find(|(kind, _)| *kind == object);
            let expected = match name {
                "account.application.deauthorized" => Flow::Account,
                _ => known.map_or(Flow::Kept, |(_, flow)| *flow),
            };
            assert_eq!(*flow, expected, "{name}");
            for thin in [name.to_owned(), format!("v1.{name}")] {
                assert_eq!(flow_of(&thin), expected, "{thin}");
            }
            names.insert(name);
        }
    }
    assert_eq!(names.len(), 55);
    assert_eq!(
        flow_of("customer.tax_id.created"),
        Flow::Kept,
        "an unknown type is kept as data"
    );
}

#[test]
fn what_operators_must_subscribe_to_is_what_the_endpoints_are_subscribed_to() {
    let [accounts, platform] = [Endpoint::Accounts, Endpoint::Platform].map(|endpoint| {
        subscribed(endpoint, Kind::Snapshot)
            .into_iter()
            .collect::<BTreeSet<_>>()
    });
    for name in AT_LEAST {
        assert!(accounts.contains(name), "{name}");
    }
    for name in [
        "application_fee.created",
        "customer.subscription.deleted",
        "invoice.payment_failed",
    ] {
        assert!(platform.contains(name), "{name}");
    }
    assert!(!platform.contains("payment_intent.succeeded") && !accounts.contains("application_fee.created"));
    let all: BTreeSet<&str> = accounts.union(&platform).map(String::as_str).collect();
    let snapshots = catalogued()
        .into_iter()
        .filter(|(_, (at, _))| *at != At::PlatformThin);
    assert_eq!(all, snapshots.map(|(name, _)| name).collect());

    let thin: BTreeSet<String> = [Endpoint::Accounts, Endpoint::Platform]
        .into_iter()
        .flat_map(|endpoint| subscribed(endpoint, Kind::Thin))
        .collect();
    let expected = catalogued().into_iter().map(|(name, (at, _))| match at {
        At::PlatformThin => name.to_owned(),
        At::Accounts | At::Platform | At::Both => format!("v1.{name}"),
    });
    assert_eq!(thin, expected.collect());
}

/// The manual's table: at which endpoint, what is done, and the names in back quotes.
fn of_the_manual(page: &str) -> BTreeMap<String, (String, String)> {
    let (_, from) = page
        .split_once("### The catalogue of events")
        .expect("the section");
    let table = from.split("\n#").next().unwrap();
    let mut all = BTreeMap::new();
    for row in table
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains('`'))
    {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        for name in cells[2].split('`').skip(1).step_by(2) {
            let twice = all.insert(name.to_owned(), (cells[1].to_owned(), cells[3].to_owned()));
            assert!(twice.is_none(), "the manual lists {name} twice");
        }
    }
    all
}

#[test]
fn the_operators_manual_lists_the_catalogue() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operators.md");
    let page = std::fs::read_to_string(path).unwrap();
    let manual = of_the_manual(&page);
    let catalogue = catalogued();
    assert_eq!(
        manual.keys().map(String::as_str).collect::<Vec<_>>(),
        catalogue.keys().copied().collect::<Vec<_>>()
    );
    for (name, (at, flow)) in &catalogue {
        let (where_, what) = &manual[*name];
        let at = match at {
            At::Accounts => "accounts",
            At::Platform => "platform",
            At::Both => "both",
            At::PlatformThin => "platform, thin only",
        };
        let done = match flow {
            Flow::Payment => "the payment",
            Flow::Fee => "the platform's fee",
            Flow::Movement => "listed as external",
            Flow::Dispute => "the dispute",
            Flow::Payout => "the payout is kept",
            Flow::Account => "the account is read",
            Flow::Subscription => "the subscription is read",
            Flow::Billing => "the invoice's subscription is read",
            Flow::Kept => "recorded",
        };
        assert_eq!(where_, at, "{name}");
        assert!(what.starts_with(done), "{name}: {what}");
    }
    for name in AT_LEAST {
        let (_, least) = page.split_once("at the least").expect("the eleven are named");
        assert!(
            least.split("\n\n").next().unwrap().contains(&format!("`{name}`")),
            "{name}"
        );
    }
}

/// An object of the kind that an event of this type is about, which claims the live invoice for itself.
fn object_of(type_: &str, ids: &BTreeMap<&str, String>, invoice: &str) -> Value {
    let kind = match type_ {
        name if name.starts_with("charge.dispute.") => "dispute",
        "charge.refund.updated" => "refund",
        "application_fee.refund.updated" => "fee_refund",
        name if name.starts_with("customer.subscription.") => "subscription",
        name if name.starts_with("account.external_account.") => "bank_account",
        name if name.starts_with("account.application.") => "application",
        name if name.starts_with("radar.") => "radar.early_fraud_warning",
        name => name.split('.').next().unwrap(),
    };
    let id = ids.get(kind).cloned().unwrap_or(format!("{kind}_forged"));
    json!({"id": id, "object": kind, "status": "succeeded", "amount": 12_345, "amount_received": 12_345,
        "amount_refunded": 12_345, "currency": "usd", "paid": true, "captured": true, "livemode": true,
        "charge": ids["charge"], "payment_intent": ids["payment_intent"], "latest_charge": ids["charge"],
        "account": ids["account"], "charges_enabled": false, "customer": "cus_forged",
        "subscription": ids["subscription"], "metadata": {"invoice_id": invoice}})
}

both! {
    fn with_a_leaked_test_secret_no_event_of_any_type_changes_a_live_row(world: &World) {
        let wishes = Wishes { mode: Mode::Live, ..by_hand() };
        Town::run_as(world, wishes, async |live| {
            // A live payment that has begun: the most that a forged event could make of it is paid.
            let invoice = live.invoice(12_345, "usd").await;
            let path = format!("/api/invoices/{invoice}/payment-intent");
            let begun = live.api(&live.msp.key, Method::POST, &path, Value::Null).await;
            assert_eq!(begun.body["mode"], "live", "{}", begun.text);
            let intent = live.intents()[0]["id"].as_str().unwrap().to_owned();
            let subscription = mirrored(&live, &live.msp).await;
            let ids = BTreeMap::from([
                ("payment_intent", intent.clone()),
                ("charge", format!("ch_{}", &intent[3..])),
                ("subscription", subscription),
                ("account", live.msp.account.clone()),
            ]);
            work(&live).await;
            const KEPT: Sql = Sql::new("select id from stripe_webhook_events where livemode = 1");
            let kept = live.rows(&KEPT).await.len();
            let before = live.contents(Mode::Live).await;
            let mut sent = 0;
            for (nth, (name, (at, _))) in catalogued().into_iter().enumerate() {
                let object = object_of(name, &ids, &invoice);
                for account in [json!(live.msp.account), Value::Null] {
                    // As it claims to be live, and as a test event about live ids.
                    for livemode in [true, false] {
                        let event = json!({"id": format!("evt_forged{nth}{livemode}"), "object": "event",
                            "account": account, "livemode": livemode, "type": name, "created": 1,
                            "data": {"object": object}});
                        let thin = (THIN_SECRET, thin_of(&event));
                        let snapshot = (TEST_WEBHOOK_SECRET, event);
                        for (secret, body) in [Some(snapshot).filter(|_| at != At::PlatformThin), Some(thin)]
                            .into_iter()
                            .flatten()
                        {
                            let reply = live.deliver_signed(secret, body.to_string().as_bytes()).await;
                            assert_eq!(reply.status, StatusCode::OK, "{name}: {}", reply.text);
                            sent += i64::from(livemode);
                        }
                    }
                }
            }
            for _ in 0..15 {
                work(&live).await;
                live.advance_ms(5_000);
            }
            live.until_quiet().await;
            const QUARANTINED: Sql = Sql::new(
                "select count(*) as n from stripe_webhook_events
                 where livemode = 1 and status = 'quarantined' and attempts = 0",
            );
            assert_eq!(live.number(&QUARANTINED).await, sent, "what claims to be live is set aside");
            let after = live.contents(Mode::Live).await;
            assert_eq!(before.len(), after.len());
            for (before, after) in before.iter().zip(&after) {
                // Only what was set aside is new, and its breaks; what was there before is as it was.
                let unchanged = before.iter().all(|row| after.contains(row));
                assert!(unchanged, "a live row has changed: {before:?} is now {after:?}");
            }
            let has_grown = |(before, after): &(&Vec<_>, &Vec<_>)| before.len() != after.len();
            let grown = before.iter().zip(&after).filter(has_grown).count();
            assert_eq!(grown, 2, "rows were added elsewhere than in the inbox and to the breaks");
            let now = live.rows(&KEPT).await.len();
            assert_eq!(i64::try_from(now - kept).unwrap(), sent);
            assert_eq!(live.read_invoice(&invoice).await["status"], "open");
            live.assert_books().await;
        });
    }
}
